//! Our Greeks beside the broker's, on the sheet of a leg.

use crate::snapshot::positions::{Figure, LegModels, ModelFigures, ModelState};
use crate::tui::format::{Sign, UNKNOWN, age_whole, number};
use crate::tui::panels::Scene;

/// Beyond this the broker's are marked as old, whatever they are held against.
const OLD_SECONDS: f64 = 60.0;

/// What the comparison says, with the age of the broker's.
pub fn verdict(scene: Scene<'_>, models: &LegModels) -> String {
    let elapsed = (scene.snapshot.as_of - models.broker_at).num_milliseconds() as f64 / 1000.0;
    let seconds = (elapsed + scene.ui.since_snapshot().as_secs_f64()).max(0.0);
    let old = if seconds > OLD_SECONDS { "~" } else { "" };
    let age = format!("{old}{} old", age_whole(seconds));
    match models.state {
        ModelState::Agree => format!("agrees   {age}"),
        ModelState::Differ => {
            let cause = models.cause.map_or("", |cause| cause.words());
            format!("≠ {cause}   {age}")
        }
        ModelState::BrokerOld => format!("not compared: {age}"),
        ModelState::OwnStale => format!("not compared: ours rests on a stale quote   {age}"),
    }
}

pub const HEAD: &str = "per share           ours  broker's    differs";

/// One line a figure, and whether it differs by more than it may.
pub fn rows(models: &LegModels) -> Vec<(String, bool)> {
    type Of = fn(&ModelFigures) -> Option<f64>;
    let table: [(&str, usize, Of, Option<Figure>); 7] = [
        ("price", 2, |f| f.price, None),
        ("IV %", 2, |f| f.iv_percent, Some(Figure::Iv)),
        ("Δ", 3, |f| f.delta, Some(Figure::Delta)),
        ("Γ", 4, |f| f.gamma, Some(Figure::Gamma)),
        ("Θ a day", 3, |f| f.theta_day, Some(Figure::Theta)),
        ("vega a point", 3, |f| f.vega_point, Some(Figure::Vega)),
        ("ρ per 1 %", 3, |f| f.rho_1pct, None),
    ];
    let row = |(name, places, of, figure): &(&str, usize, Of, Option<Figure>)| {
        let words = |figures: &ModelFigures, sign: Sign| {
            of(figures).map_or_else(|| UNKNOWN.to_owned(), |value| number(value, *places, sign))
        };
        let differs = figure.is_some_and(|figure| models.differing.contains(&figure));
        let mark = if differs { '≠' } else { ' ' };
        let text = format!(
            "{mark} {name:<12}{:>10}{:>10}{:>11}",
            words(&models.own, Sign::Negative),
            words(&models.broker, Sign::Negative),
            words(&models.difference, Sign::Always)
        );
        (text, differs)
    };
    table.iter().map(row).collect()
}
