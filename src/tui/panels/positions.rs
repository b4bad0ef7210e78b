//! Panel 4: trades under their underlying, legs below; WhatIfs stand in the same grid, marked `?`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, table_or};
use crate::domain::{Money, TradeKind};
use crate::snapshot::Shown;
use crate::snapshot::positions::{Flag, LegRow, ModelState, PositionGroup, TradeRow};
use crate::tui::format::{self, figure, plain, plain1, price, quantity, signed, signed1};
use crate::tui::paint::Part;
use crate::tui::rows::{PositionLine, position_lines};
use crate::tui::state::Panel;
use crate::tui::table::{Cell, Column, Table};

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let empty = if scene.ui.filter(Panel::Positions).is_empty() {
        "no positions"
    } else {
        "nothing matches the filter; Esc clears it"
    };
    table_or(&table(scene), empty, scene, Panel::Positions, area, buf);
}

pub fn table(scene: Scene<'_>) -> Table {
    // Strikes are the name of a trade: where there is room for them, figures give way first.
    let label = if scene.ui.size.0 >= 78 { 40 } else { 26 };
    let mut columns = vec![
        Column::text("", 0, label, 48),
        Column::text("book", 6, 6, 12),
        Column::figure("qty", 3),
        Column::figure("entry", 8),
        Column::figure("mark", 6),
        Column::figure("Δ", 2),
        Column::figure("Θ/day", 4),
        Column::figure("vega", 9),
        Column::figure("DTE", 3),
        Column::figure("day", 1),
        Column::figure("open", 1),
        Column::figure("% max", 5),
        Column::text("rule", 7, 20, 80),
    ];
    // The zoom has the whole width for one panel: there the odds stand beside the share of the maximum.
    let odds = scene.ui.zoom;
    if odds {
        columns.insert(ODDS, Column::figure("POP", 10));
        columns.insert(ODDS + 1, Column::figure("EV", 11));
    }
    let rows = position_lines(scene.snapshot, scene.ui)
        .into_iter()
        .map(|line| {
            let mut cells = match line {
                PositionLine::Group(group, open) => group_row(scene, group, open),
                PositionLine::Trade(trade, open) => trade_row(scene, trade, open),
                PositionLine::Leg(trade, leg) => leg_row(scene, trade, leg),
            };
            if odds {
                cells.splice(ODDS..ODDS, odds_cells(scene, line));
            }
            cells
        })
        .collect();
    Table { columns, rows, total: None }
}

/// Where the odds stand: before the rule.
const ODDS: usize = 12;

fn odds_cells(scene: Scene<'_>, line: PositionLine<'_>) -> [Cell; 2] {
    let PositionLine::Trade(trade, _) = line else { return [Cell::empty(), Cell::empty()] };
    let pen = Pen { scene, whole_row: (!trade.counted).then_some(scene.theme().dim) };
    let percent = trade.outlook.pop.map(|p| p * 100.0);
    [pen.figure(&percent, plain), pen.figure(&trade.outlook.ev_forecast, |ev| signed(ev.to_f64()))]
}

/// Makes the cells of one row; a row that does not count is dimmed as a whole.
#[derive(Clone, Copy)]
struct Pen<'a> {
    scene: Scene<'a>,
    whole_row: Option<Style>,
}

impl Pen<'_> {
    fn text(self, text: impl Into<String>, style: Style) -> Cell {
        Cell::new(text, self.whole_row.unwrap_or(style))
    }

    fn figure<T: Copy>(self, shown: &Shown<T>, words: impl Fn(T) -> String) -> Cell {
        let figure = figure(shown, words);
        let style = self.scene.theme().neutral(figure.standing);
        Cell::figure(figure, self.whole_row.unwrap_or(style))
    }

    fn pnl(self, shown: &Shown<Money>) -> Cell {
        let figure = figure(shown, |m| signed(m.to_f64()));
        let style = self.scene.theme().pnl(figure.standing, figure.sign);
        Cell::figure(figure, self.whole_row.unwrap_or(style))
    }

    /// What group, trade and leg have in common: Δ, Θ and vega, days, P&L of the day and since the opening.
    fn figures(self, greeks: [Shown<f64>; 3], dte: Option<i64>, pnl: [&Shown<Money>; 2]) -> [Cell; 6] {
        [
            self.figure(&greeks[0], signed),
            self.figure(&greeks[1], signed1),
            self.figure(&greeks[2], signed),
            self.text(dte.map_or_else(String::new, |d| d.to_string()), self.scene.theme().text),
            self.pnl(pnl[0]),
            self.pnl(pnl[1]),
        ]
    }
}

fn group_row(scene: Scene<'_>, group: &PositionGroup, open: bool) -> Vec<Cell> {
    let theme = scene.theme();
    let pen = Pen { scene, whole_row: None };
    let label = match open {
        true => format!("▾ {}", group.symbol),
        false => format!("▸ {}  ({})", group.symbol, scene.prose(&group.summary)),
    };
    let mut cells = vec![pen.text(label, theme.strong)];
    cells.resize(5, Cell::empty());
    let greeks = [group.delta_shares.bare(), group.theta_day.bare(), group.vega_point.bare()];
    cells.extend(pen.figures(greeks, None, [&group.day, &group.open]));
    cells.resize(13, Cell::empty());
    cells
}

fn trade_row(scene: Scene<'_>, trade: &TradeRow, open: bool) -> Vec<Cell> {
    let theme = scene.theme();
    // What is not held, whether tried out or on its way, is marked as such.
    let what_if = !trade.is_open;
    let whole_row = match (what_if, trade.counted) {
        (true, true) => Some(theme.what_if),
        (_, false) => Some(theme.dim),
        (false, true) => None,
    };
    let pen = Pen { scene, whole_row };
    let mark = if open { '▾' } else { '▸' };
    let label = format!("  {mark} {}{}", if what_if { "? " } else { "" }, scene.prose(&trade.label));
    let book = trade.portfolio.as_deref().unwrap_or("inbox");
    let flags = flag_words(trade);
    let urgent = trade.flags.iter().any(|f| {
        matches!(
            f,
            Flag::ExitDue | Flag::AssignmentRisk | Flag::DividendRisk | Flag::Unpriced | Flag::Unassigned
        )
    });
    let old = trade.flags.contains(&Flag::ExitStale);
    let rule_style = match (urgent, old) {
        (true, _) => theme.near,
        (false, true) => theme.stale,
        (false, false) => pen.whole_row.unwrap_or(theme.text),
    };
    let rule = match (flags.is_empty(), trade.rule.is_empty()) {
        (true, _) => scene.prose(&trade.rule),
        (false, true) => flags,
        (false, false) => format!("{flags} · {}", scene.prose(&trade.rule)),
    };
    let mut cells = vec![
        pen.text(label, theme.text),
        pen.text(book, theme.text),
        pen.text(quantity(trade.quantity), theme.text),
        pen.figure(&trade.entry, price),
        pen.figure(&trade.mark, price),
    ];
    let greeks = [trade.delta_shares.bare(), trade.theta_day.bare(), trade.vega_point.bare()];
    cells.extend(pen.figures(greeks, trade.dte, [&trade.day, &trade.open]));
    cells.extend([pen.figure(&trade.percent_of_max, plain), Cell::new(rule, rule_style)]);
    cells
}

/// What must be known beside the rule. The pricing model is said in the detail, not in every row.
pub fn flag_words(trade: &TradeRow) -> String {
    let word = |flag: &Flag| match flag {
        Flag::NoRationale => Some("WHY?"),
        // An exit rule that calls says more than the date does, and the rule says it in words.
        Flag::ExpiresSoon => (!trade.flags.contains(&Flag::ExitDue)).then_some("EXPIRES"),
        Flag::DividendRisk => Some("DIVIDEND RISK"),
        Flag::AssignmentRisk => Some("ASSIGNMENT RISK"),
        Flag::ExitDue => trade.rule.is_empty().then_some("EXIT"),
        // The rule says it, with the time since when.
        Flag::ExitStale => None,
        Flag::Unpriced => Some("UNPRICED"),
        Flag::Unassigned => Some("ROUTE"),
        Flag::NonStandard => Some("ADJUSTED"),
        Flag::Paper => Some("paper"),
    };
    trade.flags.iter().filter_map(word).collect::<Vec<_>>().join(" · ")
}

fn leg_row(scene: Scene<'_>, trade: &TradeRow, leg: &LegRow) -> Vec<Cell> {
    let theme = scene.theme();
    let pen = Pen { scene, whole_row: (!trade.counted).then_some(theme.dim) };
    let two_sided = format!("{} / {}", figure(&leg.bid, price).text, figure(&leg.ask, price).text);
    let iv = figure(&leg.iv, plain1);
    let age = leg.quote_age_seconds.map(|s| {
        let seconds = s as f64 + scene.ui.since_snapshot().as_secs_f64();
        format!(" · {}", format::age_whole(seconds))
    });
    let differs = leg.models.as_ref().is_some_and(|models| models.state == ModelState::Differ);
    let broker = if differs { "≠ broker · " } else { "" };
    let model = scene.prose(&leg.model);
    let note = format!("{broker}{two_sided} · IV {} · {model}{}", iv.text, age.unwrap_or_default());
    let note_style = if differs { theme.near } else { theme.dim };
    let mut cells = vec![
        pen.text(format!("      {}", scene.prose(&leg.label)), theme.text),
        Cell::empty(),
        pen.text(quantity(leg.quantity), theme.text),
        pen.figure(&leg.entry, price),
        pen.figure(&leg.mark, price),
    ];
    let greeks = [leg.delta_shares.bare(), leg.theta_day.bare(), leg.vega_point.bare()];
    cells.extend(pen.figures(greeks, leg.dte, [&leg.day, &leg.open]));
    cells.extend([Cell::empty(), pen.text(note, note_style)]);
    cells
}

pub fn remarks(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let panel = &scene.snapshot.positions;
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut parts = vec![
        Part::text(1, count(panel.trades, "trade", "trades"), theme.text),
        Part::text(3, count(panel.legs, "leg", "legs"), theme.text),
    ];
    if panel.what_ifs_out > 0 {
        parts.push(Part::text(2, format!("{} WhatIf out", panel.what_ifs_out), theme.what_if));
    }
    let what_ifs = panel.groups.iter().flat_map(|g| &g.trades).filter(|t| t.kind == TradeKind::WhatIf);
    let counted = what_ifs.filter(|t| t.counted).count();
    if counted > 0 {
        parts.push(Part::text(2, format!("{counted} WhatIf in"), theme.what_if));
    }
    let due =
        panel.groups.iter().flat_map(|g| &g.trades).filter(|t| t.flags.contains(&Flag::ExitDue)).count();
    if panel.models.differ > 0 {
        parts.push(Part::text(2, format!("{} ≠ broker", panel.models.differ), theme.near));
    }
    if due > 0 {
        parts.push(Part::text(1, count(due, "says CLOSE", "say CLOSE"), theme.near));
    }
    parts
}
