//! The kill switch: how it stands, and one key for each of its moves.

use ratatui::text::Line;

use super::Sheet;
use crate::snapshot::orders::OrderRow;
use crate::tui::format::wrap;
use crate::tui::panels::{Scene, span};

/// Orders that no key here can cancel.
fn out_of_reach(rows: &[OrderRow]) -> Option<String> {
    let left: Vec<&OrderRow> = rows.iter().filter(|order| order.out_of_reach).collect();
    let venue = left.first()?.venue.map_or("other", |venue| venue.word()).to_uppercase();
    let orders = if left.len() == 1 {
        "1 order still works".to_owned()
    } else {
        format!("{} orders still work", left.len())
    };
    Some(format!(
        "{orders} at the {venue} broker and cannot be cancelled from here: start cotrader in {venue} mode, or cancel \
         on the broker's own platform"
    ))
}

/// What makes it hard has to be typed.
pub const HARD: &str = "HARD";

pub fn sheet(scene: Scene<'_>, limit: usize) -> Sheet {
    let theme = scene.theme();
    let safety = &scene.snapshot.header.safety;
    let mut lines = Vec::new();
    match safety.kill {
        None => lines.push(Line::styled("off: orders may go out", theme.text)),
        Some(mode) => {
            let why = safety.kill_why.as_deref().unwrap_or("no reason given");
            let words = format!("{}: {why}", mode.word().to_uppercase());
            lines
                .extend(wrap(&scene.prose(&words), limit).into_iter().map(|l| Line::styled(l, theme.breach)));
        }
    }
    for alarm in &safety.alarms {
        let words = scene.prose(&format!("alarm: {alarm}"));
        lines.extend(wrap(&words, limit).into_iter().map(|l| Line::styled(l, theme.breach)));
    }
    let rows = &scene.snapshot.orders.rows;
    if let Some(words) = out_of_reach(rows) {
        lines.extend(wrap(&scene.prose(&words), limit).into_iter().map(|l| Line::styled(l, theme.breach)));
    }
    let resting = rows.iter().filter(|order| order.rests && order.can_cancel).count();
    if resting > 0 {
        let exits = if resting == 1 {
            "1 resting exit is".to_owned()
        } else {
            format!("{resting} resting exits are")
        };
        let words = format!("{exits} among what is cancelled: what they close stands without them after it");
        lines.extend(wrap(&scene.prose(&words), limit).into_iter().map(|l| Line::styled(l, theme.near)));
    }
    lines.push(Line::default());
    let mut key = |key: &'static str, what: &str| {
        let mut words = wrap(&scene.prose(what), limit.saturating_sub(3)).into_iter();
        let first = words.next().unwrap_or_default();
        lines.push(Line::from(vec![span(format!("{key}  "), theme.accent), span(first, theme.text)]));
        lines.extend(words.map(|more| Line::styled(format!("   {more}"), theme.text)));
    };
    key(
        "s",
        "safe, at once: no new entries; working orders are cancelled, resting exits too: stage them anew after it",
    );
    key("h", "hard, after typing HARD: the same, and flattening everything is proposed");
    if safety.kill.is_some() {
        key("r", "reset, with a reason: orders may go out again");
    }
    if !safety.alarms.is_empty() {
        key("a", "clear the alarms, with a reason");
    }
    Sheet {
        title: "Kill switch".to_owned(),
        lines,
        selected: None,
        scroll: 0,
        footer: "closing orders that only reduce risk still go · Esc leaves it".to_owned(),
    }
}
