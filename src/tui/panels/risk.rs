//! Panel 2: one row per underlying and the total of what adds up.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overview::{binding_words, limit_style};
use super::{Scene, table_or};
use crate::domain::Money;
use crate::snapshot::Shown;
use crate::snapshot::risk::{RiskRow, RiskSums};
use crate::tui::format::{self, figure, plain, plain1, plain2, signed, signed1, signed2};
use crate::tui::paint::Part;
use crate::tui::rows;
use crate::tui::state::Panel;
use crate::tui::table::{Cell, Column, Table};

/// A tenth of what is used.
const MATTERS: f64 = 0.1;

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let empty = if scene.ui.filter(Panel::Risk).is_empty() {
        "no positions; a WhatIf is booked like this:  :spy ic 45d 16 w5 x1 @medium"
    } else {
        "nothing matches the filter; Esc clears it"
    };
    table_or(&table(scene), empty, scene, Panel::Risk, area, buf);
}

pub fn table(scene: Scene<'_>) -> Table {
    let filtered = !scene.ui.filter(Panel::Risk).is_empty();
    let total_name = if filtered { "TOTAL (all)" } else { "TOTAL" };
    let columns = vec![
        Column::text("", 0, if filtered { 11 } else { 6 }, 12),
        Column::figure("last", 8),
        Column::figure("chg%", 7),
        Column::figure("IV30", 9),
        Column::figure("IVR", 9),
        Column::figure("β", 10),
        Column::figure("Δ sh", 2),
        Column::figure("$Δ", 6),
        Column::figure("βΔ", 1),
        Column::figure("ΓPL1%", 6),
        Column::figure("Θ/day", 2),
        Column::figure("vega", 3),
        Column::figure("day", 2),
        Column::figure("open", 5),
        Column::figure("worst", 1),
        Column::figure("VaR95", 5),
        Column::text("binding limit", 4, 26, 34),
        Column::text("next", 11, 12, 30),
    ];
    let rows = rows::risk_rows(scene.snapshot, scene.ui).into_iter().map(|r| row(scene, r)).collect();
    let total = (!scene.snapshot.underlyings.rows.is_empty()).then(|| total(scene, total_name));
    Table { columns, rows, total }
}

fn neutral<T: Copy>(scene: Scene<'_>, shown: &Shown<T>, words: fn(T) -> String) -> Cell {
    let figure = figure(shown, words);
    let style = scene.theme().neutral(figure.standing);
    Cell::figure(figure, style)
}

fn money(scene: Scene<'_>, shown: &Shown<Money>) -> Cell {
    let figure = figure(shown, |m| signed(m.to_f64()));
    let style = scene.theme().pnl(figure.standing, figure.sign);
    Cell::figure(figure, style)
}

fn row(scene: Scene<'_>, row: &RiskRow) -> Vec<Cell> {
    let theme = scene.theme();
    let change = figure(&row.change_percent, signed2);
    let change_style = theme.pnl(change.standing, change.sign);
    let brief = scene.ui.size.0 < 140;
    let binding = match (&row.binding, binding_words(row, brief)) {
        (Some(limit), Some(words)) if presses(row) => Cell::new(words, limit_style(scene, limit.state)),
        (Some(_), Some(words)) => Cell::new(words, theme.text),
        _ => Cell::empty(),
    };
    let mut next = row.next_event.as_deref().map(|n| scene.prose(n)).unwrap_or_default();
    let mut next_style = theme.text;
    if row.sums.unpriced > 0 {
        let legs = if row.sums.unpriced == 1 { "leg" } else { "legs" };
        next = format!("{} {legs} unpriced  {next}", row.sums.unpriced).trim_end().to_owned();
        next_style = theme.near;
    }
    let beta = figure(&row.beta, plain2);
    let beta_text = if row.beta_assumed { format!("{}?", beta.text) } else { beta.text };
    let mut cells = vec![
        Cell::new(row.symbol.as_str(), theme.strong),
        neutral(scene, &row.last, plain2),
        Cell::figure(change, change_style),
        neutral(scene, &row.iv30, plain1),
        neutral(scene, &row.iv_rank, plain),
        Cell::new(beta_text, theme.neutral(beta.standing)),
        neutral(scene, &row.delta_shares, signed),
    ];
    cells.extend(sums(scene, &row.sums));
    cells.extend([binding, Cell::new(next, next_style)]);
    cells
}

/// It has a real part in the use of its limit: one that adds next to nothing is no alarm of its own.
fn presses(row: &RiskRow) -> bool {
    let used = row.binding.as_ref().and_then(|limit| limit.utilisation);
    row.binding_share.zip(used).is_none_or(|(share, used)| share >= MATTERS * used)
}

/// The figures that a row and the total have in common.
fn sums(scene: Scene<'_>, sums: &RiskSums) -> [Cell; 9] {
    [
        neutral(scene, &sums.dollar_delta, signed),
        neutral(scene, &sums.beta_delta, signed),
        neutral(scene, &sums.gamma_pnl_1pct, signed),
        neutral(scene, &sums.theta_day, signed1),
        neutral(scene, &sums.vega_point, signed),
        money(scene, &sums.day),
        money(scene, &sums.open),
        neutral(scene, &sums.worst, signed),
        neutral(scene, &sums.var95, plain),
    ]
}

/// The sum of the book, never of what a filter leaves in sight.
fn total(scene: Scene<'_>, name: &str) -> Vec<Cell> {
    let theme = scene.theme();
    let total: &RiskSums = &scene.snapshot.underlyings.total;
    let unpriced = match total.unpriced {
        0 => Cell::empty(),
        1 => Cell::new("1 leg unpriced", theme.near),
        n => Cell::new(format!("{n} legs unpriced"), theme.near),
    };
    let mut cells = vec![Cell::new(name, theme.strong)];
    cells.resize(7, Cell::empty());
    cells.extend(sums(scene, total));
    cells.extend([unpriced, Cell::empty()]);
    for cell in &mut cells {
        cell.style = cell.style.patch(theme.strong);
    }
    cells
}

pub fn remarks(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let all = scene.snapshot.underlyings.rows.len();
    let shown = rows::risk_rows(scene.snapshot, scene.ui).len();
    if all == 0 {
        return Vec::new();
    }
    vec![
        Part::text(2, scene.ui.risk_sort.words(), theme.dim),
        Part::text(1, format!("{shown} of {all}"), theme.text),
    ]
}

pub fn headline(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let total = &scene.snapshot.underlyings.total;
    let part = |rank, name: &str, figure: format::Figure| {
        Part::text(rank, format!("{name} {}", figure.text), theme.neutral(figure.standing))
    };
    let count = scene.snapshot.underlyings.rows.len();
    vec![
        Part::text(4, format!("{count} underlyings"), theme.text),
        part(1, "βΔ", figure(&total.beta_delta, signed)),
        part(2, "Θ", figure(&total.theta_day, signed)),
        part(3, "vega", figure(&total.vega_point, signed)),
        part(1, "worst", figure(&total.worst, signed)),
    ]
}
