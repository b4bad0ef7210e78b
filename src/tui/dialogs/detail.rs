//! Details on Enter: underlying, trade, leg, a thing to do, a scenario cell. Everything they show is in the
//! snapshot already.

use ratatui::text::Line;

use super::{Dialog, Sheet, models};
use crate::domain::{Money, Price, Right, Symbol, TradeId, TradeKind};
use crate::snapshot::Shown;
use crate::snapshot::positions::{LegRow, TradeRow};
use crate::tui::format::{
    UNKNOWN, age_whole, cut, figure, plain, plain1, plain2, price, quantity, signed, signed1, signed2,
    with_unit, wrap,
};
use crate::tui::panels::overview::{binding_words, limit_style};
use crate::tui::panels::{Scene, blotter, positions, scenario, span};
use crate::tui::rows;

/// What Enter opens from a dialog: the rows below it, one dialog each.
pub fn openable(scene: Scene<'_>, dialog: &Dialog) -> Vec<Dialog> {
    let snapshot = scene.snapshot;
    match dialog {
        Dialog::Underlying { symbol, .. } => snapshot
            .positions
            .groups
            .iter()
            .filter(|g| g.symbol == *symbol)
            .flat_map(|g| &g.trades)
            .map(|t| Dialog::Trade { id: t.id, cursor: 0 })
            .collect(),
        Dialog::Trade { id, .. } => rows::trade(snapshot, *id).map_or_else(Vec::new, |trade| {
            let leg = |leg: &LegRow| Dialog::Leg { trade: *id, instrument: leg.instrument.clone() };
            trade.legs.iter().map(leg).collect()
        }),
        Dialog::Orders { .. } => {
            snapshot.orders.rows.iter().map(|row| Dialog::Order { reference: row.reference }).collect()
        }
        Dialog::Todo { key, .. } => {
            let row = snapshot.blotter.iter().find(|r| r.key == *key);
            let trade = row.and_then(|r| r.trade).filter(|id| rows::trade(snapshot, *id).is_some());
            trade.map(|id| Dialog::Trade { id, cursor: 0 }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Label and value in two columns, wrapped.
struct Facts<'a> {
    scene: Scene<'a>,
    limit: usize,
    lines: Vec<Line<'static>>,
}

const LABEL: usize = 14;

/// What stands before a figure, the figure, its words, and its unit.
type Named<'a> = (&'a str, &'a Shown<f64>, fn(f64) -> String, &'a str);

impl<'a> Facts<'a> {
    fn new(scene: Scene<'a>, limit: usize) -> Self {
        Self { scene, limit, lines: Vec::new() }
    }

    fn add(&mut self, label: &str, value: impl AsRef<str>) {
        let theme = self.scene.theme();
        let value = self.scene.prose(value.as_ref());
        if value.is_empty() {
            return;
        }
        for (at, text) in wrap(&value, self.limit.saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            self.lines.push(Line::from(vec![
                span(format!("{label}{}", " ".repeat(LABEL.saturating_sub(super::width(label)))), theme.dim),
                span(text, theme.text),
            ]));
        }
    }

    /// Several figures in one line.
    fn figures(&mut self, label: &str, figures: &[Named<'_>]) {
        let words = |(name, value, words, unit): &Named<'_>| {
            format!("{name}{}", with_unit(&shown(value, *words), unit))
        };
        self.add(label, figures.iter().map(words).collect::<Vec<_>>().join("   "));
    }

    fn head(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::styled(cut(text, self.limit), self.scene.theme().strong));
    }

    fn row(&mut self, text: &str) {
        self.lines.push(Line::styled(cut(text, self.limit), self.scene.theme().text));
    }

    fn sheet(self, title: impl Into<String>, selected: Option<usize>, footer: &str) -> Sheet {
        let scroll = 0;
        Sheet { title: title.into(), lines: self.lines, selected, scroll, footer: footer.to_owned() }
    }
}

fn shown(value: &Shown<f64>, words: fn(f64) -> String) -> String {
    figure(value, words).text
}

fn dollars(value: &Shown<Money>) -> Shown<f64> {
    value.map(Money::to_f64)
}

fn prices(value: &Shown<Price>) -> Shown<f64> {
    value.map(|price| price.to_cents().to_f64())
}

fn gone(scene: Scene<'_>, what: &str) -> Sheet {
    let mut facts = Facts::new(scene, 60);
    facts.row("no longer in the book");
    facts.sheet(what, None, "Esc back")
}

pub fn underlying(scene: Scene<'_>, symbol: &Symbol, cursor: usize, limit: usize) -> Sheet {
    let snapshot = scene.snapshot;
    let Some(row) = snapshot.underlyings.rows.iter().find(|r| r.symbol == *symbol) else {
        return gone(scene, symbol.as_str());
    };
    let mut facts = Facts::new(scene, limit);
    let assumed = if row.beta_assumed { " (assumed: no history)" } else { "" };
    let (sums, detail) = (&row.sums, &row.detail);
    facts.figures(
        "market",
        &[
            ("last ", &row.last, plain2, ""),
            ("change ", &row.change_percent, signed2, " %"),
            ("IV30 ", &row.iv30, plain1, " %"),
            ("IV rank ", &row.iv_rank, plain, ""),
            ("β ", &row.beta, plain2, assumed),
        ],
    );
    facts.figures(
        "exposure",
        &[
            ("Δ ", &row.delta_shares.bare(), signed, " sh"),
            ("$Δ ", &sums.dollar_delta.bare(), signed, ""),
            ("βΔ ", &sums.beta_delta.bare(), signed, " of the benchmark"),
            ("value ", &detail.market_value.bare(), signed, ""),
        ],
    );
    facts.figures(
        "Greeks",
        &[
            ("Γ ", &sums.gamma_pnl_1pct.bare(), signed, " per ±1 %"),
            ("Θ ", &sums.theta_day.bare(), signed1, " a day"),
            ("vega ", &sums.vega_point.bare(), signed, " a point"),
            ("ρ ", &detail.rho_1pct.bare(), signed, " per 1 %"),
        ],
    );
    facts.figures(
        "second order",
        &[
            ("vanna ", &detail.vanna.bare(), signed1, ""),
            ("volga ", &detail.volga.bare(), signed1, ""),
            ("charm ", &detail.charm_day.bare(), signed1, " a day"),
            ("30-day vega ", &detail.vega_30d.bare(), signed, ""),
        ],
    );
    facts.figures(
        "P&L",
        &[("day ", &dollars(&sums.day), signed, ""), ("open ", &dollars(&sums.open), signed, "")],
    );
    facts.figures(
        "at risk",
        &[("worst cell ", &sums.worst.bare(), signed, ""), ("VaR95 ", &sums.var95.bare(), plain, "")],
    );
    if let (Some(binding), Some(words)) = (&row.binding, binding_words(row, false)) {
        let style = limit_style(scene, binding.state);
        facts.add("limit", words);
        if let Some(span) = facts.lines.last_mut().and_then(|l| l.spans.last_mut()) {
            span.style = style;
        }
    }
    facts.add("next", row.next_event.clone().unwrap_or_default());
    if sums.unpriced > 0 {
        facts.add("unpriced", format!("{} of its legs, in none of these figures", sums.unpriced));
    }
    if !row.detail.by_expiry.is_empty() {
        facts.head("by expiry          vega    ΓPL1%");
        for bucket in &row.detail.by_expiry {
            let text = format!(
                "{:<14}{:>9}{:>9}",
                bucket.label,
                signed(bucket.vega_point),
                signed(bucket.gamma_pnl_1pct)
            );
            facts.row(&text);
        }
    }
    let trades: Vec<&TradeRow> =
        snapshot.positions.groups.iter().filter(|g| g.symbol == *symbol).flat_map(|g| &g.trades).collect();
    let mut selected = None;
    if !trades.is_empty() {
        facts.head("trades");
        let first = facts.lines.len();
        for trade in &trades {
            facts.row(&trade_words(scene, trade));
        }
        selected = Some(first + cursor.min(trades.len() - 1));
    }
    facts.sheet(symbol.as_str(), selected, "Enter opens the trade · Esc back")
}

fn trade_words(scene: Scene<'_>, trade: &TradeRow) -> String {
    let mark = if trade.kind == TradeKind::WhatIf { "? " } else { "" };
    format!(
        "{mark}{}   {}   {}   open {}",
        scene.prose(&trade.label),
        trade.portfolio.as_deref().unwrap_or("inbox"),
        quantity(trade.quantity),
        figure(&trade.open, |m| signed(m.to_f64())).text
    )
}

pub fn trade(scene: Scene<'_>, id: TradeId, cursor: usize, limit: usize) -> Sheet {
    let Some(trade) = rows::trade(scene.snapshot, id) else { return gone(scene, "trade") };
    let mut facts = Facts::new(scene, limit);
    let kind = match (trade.kind, trade.counted) {
        (TradeKind::Real, _) => "real",
        (TradeKind::WhatIf, true) => "WhatIf, counted",
        (TradeKind::WhatIf, false) => "WhatIf, not counted",
    };
    let book = trade.portfolio.as_deref().unwrap_or("inbox");
    let account = trade.account.as_deref().map_or_else(String::new, |a| format!(" / {a}"));
    facts.add("trade", format!("{kind}, {}; {book}{account}", trade.state));
    facts.add("lots", quantity(trade.quantity));
    facts.figures(
        "price",
        &[("entry ", &prices(&trade.entry), plain2, ""), ("mark ", &prices(&trade.mark), plain2, "")],
    );
    facts.figures(
        "Greeks",
        &[
            ("Δ ", &trade.delta_shares.bare(), signed, " sh"),
            ("Θ ", &trade.theta_day.bare(), signed1, " a day"),
            ("vega ", &trade.vega_point.bare(), signed, " a point"),
        ],
    );
    facts.figures(
        "P&L",
        &[
            ("day ", &dollars(&trade.day), signed, ""),
            ("open ", &dollars(&trade.open), signed, ""),
            ("", &trade.percent_of_max, plain, " % of the maximum"),
        ],
    );
    if let Some(fees) = trade.estimated_fees {
        facts.add(
            "fees",
            format!("{} estimated, taken off its P&L: nobody bills them on paper", fees.0.round_dp(2)),
        );
    }
    outlook(&mut facts, trade);
    facts.add("rule", &trade.rule);
    facts.add("attention", positions::flag_words(trade));
    facts.add("rationale", trade.rationale.as_deref().unwrap_or("none yet: n adds it"));
    facts.add("id", trade.id.to_string());
    facts.head("legs");
    let first = facts.lines.len();
    for leg in &trade.legs {
        let text = format!(
            "{:>6}  {:<20}  entry {:>7}  mark {:>7}  Δ {:>6}  open {:>7}",
            quantity(leg.quantity),
            scene.prose(&leg.label),
            figure(&leg.entry, price).text,
            figure(&leg.mark, price).text,
            shown(&leg.delta_shares.bare(), signed),
            figure(&leg.open, |m| signed(m.to_f64())).text
        );
        facts.row(&text);
    }
    let selected = (!trade.legs.is_empty()).then(|| first + cursor.min(trade.legs.len() - 1));
    facts.sheet(scene.prose(&trade.label), selected, "Enter opens the leg · Esc back")
}

/// What it can bring at its expiry, and how likely.
fn outlook(facts: &mut Facts<'_>, trade: &TradeRow) {
    let it = &trade.outlook;
    let most = |shown: &Shown<Money>, unlimited: bool| {
        if unlimited { "no limit".to_owned() } else { figure(shown, |m| plain(m.to_f64())).text }
    };
    let breakevens = match it.breakevens.as_deref() {
        None => UNKNOWN.to_owned(),
        Some([]) => "none".to_owned(),
        Some(some) => some.iter().map(|b| plain2(*b)).collect::<Vec<_>>().join(" and "),
    };
    let extremes = [
        format!("most made {}", most(&it.max_profit, it.unlimited.profit)),
        format!("most lost {}", most(&it.max_loss, it.unlimited.loss)),
        format!("breakeven {breakevens}"),
    ];
    facts.add("at expiry", extremes.join("   "));
    if let Some(why) = it.unknown_because.as_deref() {
        facts.add("chance", format!("{UNKNOWN}   {why}"));
        return;
    }
    let percent = |shown: &Shown<f64>| shown.map(|p| p * 100.0);
    facts.figures(
        "chance",
        &[
            ("of profit ", &percent(&it.pop), plain, " %"),
            ("of the most made ", &percent(&it.p_max_profit), plain, " %"),
            ("of the most lost ", &percent(&it.p_max_loss), plain, " %"),
        ],
    );
    let touches = it.probability_of_touch.iter().map(|touch| {
        let probability = with_unit(&shown(&percent(&touch.probability), plain), " %");
        let right = match touch.right {
            Right::Call => "call",
            Right::Put => "put",
        };
        format!("{right} {} {probability}", touch.strike.normalize())
    });
    facts.add("touched", touches.collect::<Vec<_>>().join("   "));
    facts.figures(
        "expected",
        &[
            ("as implied ", &dollars(&it.ev), signed, ""),
            ("as forecast ", &dollars(&it.ev_forecast), signed, ""),
        ],
    );
}

pub fn leg(scene: Scene<'_>, trade: TradeId, instrument: &str, limit: usize) -> Sheet {
    let found = rows::trade(scene.snapshot, trade);
    let Some(leg) = found.and_then(|t| t.legs.iter().find(|l| l.instrument == instrument)) else {
        return gone(scene, instrument);
    };
    let mut facts = Facts::new(scene, limit);
    let since = scene.ui.since_snapshot().as_secs_f64();
    let quote_age =
        leg.quote_age_seconds.map_or_else(String::new, |s| format!("   {} old", age_whole(s as f64 + since)));
    facts.add("contract", &leg.instrument);
    facts.add("quantity", quantity(leg.quantity));
    facts.figures(
        "price",
        &[
            ("entry ", &prices(&leg.entry), plain2, ""),
            ("bid ", &prices(&leg.bid), plain2, ""),
            ("ask ", &prices(&leg.ask), plain2, ""),
            ("mark ", &prices(&leg.mark), plain2, &quote_age),
        ],
    );
    facts.figures(
        "volatility",
        &[("IV ", &leg.iv, plain1, " %"), ("broker's ", &leg.broker_iv, plain1, " %")],
    );
    facts.figures(
        "Greeks",
        &[
            ("Δ ", &leg.delta_shares.bare(), signed1, " sh"),
            ("Θ ", &leg.theta_day.bare(), signed1, " a day"),
            ("vega ", &leg.vega_point.bare(), signed1, " a point"),
        ],
    );
    facts.figures(
        "P&L",
        &[("day ", &dollars(&leg.day), signed, ""), ("open ", &dollars(&leg.open), signed, "")],
    );
    facts.add("expiry", leg.dte.map_or_else(String::new, |d| format!("in {d} d")));
    facts.add("model", &leg.model);
    match &leg.models {
        Some(both) => {
            facts.add("broker's", models::verdict(scene, both));
            facts.head(models::HEAD);
            for (text, differs) in models::rows(both) {
                facts.row(&text);
                if let Some(line) = facts.lines.last_mut().filter(|_| differs) {
                    line.style = scene.theme().near;
                }
            }
        }
        None if leg.dte.is_some() => facts.add("broker's", "sends no Greeks of it at present"),
        None => {}
    }
    facts.sheet(scene.prose(&leg.label), None, "Esc back")
}

pub fn todo(scene: Scene<'_>, key: &str, cursor: usize, limit: usize) -> Sheet {
    let Some(row) = scene.snapshot.blotter.iter().find(|r| r.key == key) else {
        return gone(scene, "done or gone");
    };
    let mut facts = Facts::new(scene, limit);
    facts.add("action", &row.action);
    facts.add("where", blotter::place(row));
    facts.add("price", row.price.as_deref().unwrap_or("none"));
    facts.add("before, after", row.after.as_deref().unwrap_or("changes nothing in the book"));
    facts.add("why", &row.why);
    facts.add("by when", row.by_when.as_deref().unwrap_or("no date"));
    let mut selected = None;
    if let Some(trade) = row.trade.and_then(|id| rows::trade(scene.snapshot, id)) {
        facts.head("trade");
        selected = Some(facts.lines.len() + cursor);
        facts.row(&trade_words(scene, trade));
    }
    facts.sheet(row.urgency.tag(), selected, "Enter opens the trade · Esc back")
}

pub fn cell(scene: Scene<'_>, row: usize, column: usize, limit: usize) -> Sheet {
    let lines = scenario::cell_lines(scene, row, column, limit);
    Sheet { title: "Scenario".to_owned(), lines, selected: None, scroll: 0, footer: "Esc back".to_owned() }
}
