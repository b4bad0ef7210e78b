//! Panel 3: vol shocks by spot moves as a heat map, named stresses and reverse stress beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

use super::{Scene, span, table_or};
use crate::domain::units::Dollars;
use crate::domain::view::Horizon;
use crate::snapshot::Shown;
use crate::tui::format::Sign;
use crate::tui::format::{cut, figure, number, plain, signed, signed1, width, wrap};
use crate::tui::paint::{Part, put, put_line};
use crate::tui::state::Panel;
use crate::tui::table::{Cell, Column, Look, Table};

/// Blank, rule, blank between matrix and stresses.
const DIVIDER: u16 = 5;

/// Rows of the matrix with its heads.
pub fn height(scene: Scene<'_>) -> usize {
    1 + scene.snapshot.scenario.cells.len().max(1)
}

/// Rows with all stresses and the reverse stress: beside the matrix where the width allows it, else below.
pub fn height_with_stress(scene: Scene<'_>, width: u16) -> usize {
    let stress = stress(scene);
    let rows =
        scene.snapshot.stress.len() + reverse(scene, usize::from(stress.natural_width().max(30))).len();
    if rows == 0 {
        return height(scene);
    }
    let beside = table(scene).natural_width() + DIVIDER + stress.natural_width().max(30) <= width;
    if beside { height(scene).max(1 + rows) } else { height(scene) + 2 + rows }
}

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let mut table = table(scene);
    narrow(&mut table, area.width);
    let stress = stress(scene);
    if stress.rows.is_empty() && scene.snapshot.scenario.reverse.is_empty() {
        table_or(&table, "no scenario yet", scene, Panel::Scenario, area, buf);
        return;
    }
    let left = table.natural_width();
    let right = stress.natural_width().max(30);
    if area.width >= left + DIVIDER + right {
        // Blanks between the columns, as far as the stresses leave room.
        let gaps = u16::try_from(table.columns.len().saturating_sub(1)).unwrap_or(0);
        let spread = if area.width >= left + gaps + DIVIDER + right { gaps } else { 0 };
        let matrix = Rect { width: left + spread, ..area };
        table_or(&table, "no scenario yet", scene, Panel::Scenario, matrix, buf);
        let x = area.x + left + spread;
        for y in area.y..area.bottom() {
            put(buf, x, y, area.right(), "  │", scene.theme().dim);
        }
        let beside = Rect { x: x + DIVIDER, width: area.width - left - spread - DIVIDER, ..area };
        draw_stress(scene, &stress, beside, buf);
    } else {
        table_or(&table, "no scenario yet", scene, Panel::Scenario, area, buf);
        let used = u16::try_from(table.rows.len() + 2).unwrap_or(u16::MAX);
        if area.height > used + 1 {
            let below = Rect { y: area.y + used, height: area.height - used, ..area };
            draw_stress(scene, &stress, below, buf);
        }
    }
}

pub fn table(scene: Scene<'_>) -> Table {
    let theme = scene.theme();
    let scenario = &scene.snapshot.scenario;
    let count = scenario.spot_moves.len();
    let centre = scenario.spot_moves.iter().position(|m| m.abs() < 1e-9).unwrap_or(count / 2);
    let mut columns = vec![Column::text("vol\\spot", 0, 8, 10)];
    for (at, spot) in scenario.spot_moves.iter().enumerate() {
        // The middle stays longest, then the outermost pair; the pairs next to the middle go first.
        let distance = at.abs_diff(centre);
        let rank = if distance == 0 { 0 } else { (count + 1).saturating_sub(distance) };
        let head = if distance == 0 { "now ".to_owned() } else { format!("{}% ", spot_words(*spot)) };
        columns.push(Column::figure(head, u8::try_from(rank).unwrap_or(u8::MAX)));
    }
    let known = scenario.cells.iter().flatten().filter_map(|c| c.bare().value).filter(|v| v.is_finite());
    let scale = known.fold(0.0_f64, |most, v| most.max(v.abs()));
    let cursor = scene.ui.cursor(Panel::Scenario);
    let at_column = scene.ui.scenario_column(scene.snapshot);
    let focused = scene.ui.focus == Panel::Scenario;
    let row = |(r, cells): (usize, &Vec<Shown<Dollars>>)| {
        let points = scenario.vol_points.get(r).copied().unwrap_or(f64::NAN);
        let now = points.abs() < 1e-9;
        let label = if now { "now".to_owned() } else { format!("{} pt", signed(points)) };
        let mut row = vec![Cell::new(label, if now { theme.strong } else { theme.text })];
        for (c, shown) in cells.iter().enumerate() {
            let figure = figure(shown, signed);
            let worst = scenario.worst.as_ref().is_some_and(|w| (w.row, w.column) == (r, c));
            let mut style = match shown.value {
                Some(value) if scale > 0.0 => theme.heat(level(value.0, scale)),
                _ => theme.neutral(figure.standing),
            };
            if now || c == centre || worst {
                style = style.add_modifier(Modifier::BOLD);
            }
            if focused && cursor.index == r && at_column == c {
                style = style.add_modifier(Modifier::REVERSED);
            }
            row.push(Cell::new(format!("{}{}", figure.text, if worst { '*' } else { ' ' }), style));
        }
        row
    };
    let rows = scenario.cells.iter().enumerate().map(row).collect();
    Table { columns, rows, total: None }
}

/// Drops moves in pairs, the smallest first, so that what is left stays symmetric around the unmoved spot.
fn narrow(table: &mut Table, limit: u16) {
    while table.natural_width() > limit && table.columns.len() > 4 {
        let middle = table.columns.iter().skip(1).position(|c| c.rank == 0).map_or(0, |at| at + 1);
        if middle < 2 || middle + 1 >= table.columns.len() {
            return;
        }
        for at in [middle + 1, middle - 1] {
            table.columns.remove(at);
            for row in table.rows.iter_mut().filter(|row| at < row.len()) {
                row.remove(at);
            }
        }
    }
}

/// Seven steps around zero, as wide as the largest amount in either direction.
fn level(value: f64, scale: f64) -> i8 {
    let share = value / scale;
    match share.abs() {
        s if s < 1.0 / 60.0 || s.is_nan() => 0,
        s if s < 1.0 / 3.0 => share.signum() as i8,
        s if s < 2.0 / 3.0 => 2 * share.signum() as i8,
        _ => 3 * share.signum() as i8,
    }
}

/// `−10`, `+2.5`
fn spot_words(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let whole = (percent - percent.round()).abs() < 1e-6;
    number(percent, usize::from(!whole), Sign::Always)
}

/// The matrix shows one underlying; stresses and reverse stress are still those of the whole book.
fn one_underlying(scene: Scene<'_>) -> bool {
    scene.snapshot.view.scenario_of.is_some()
}

fn stress(scene: Scene<'_>) -> Table {
    let theme = scene.theme();
    let one = one_underlying(scene);
    let columns = vec![
        Column::text(if one { "named stress, whole book" } else { "named stress" }, 0, 12, 40),
        Column::figure("P&L", 0),
        Column::figure("of net liq", 1),
    ];
    let row = |stress: &crate::snapshot::StressRow| {
        let pnl = figure(&stress.pnl, signed);
        let share = figure(&stress.of_net_liq, |v| format!("{} %", signed1(v * 100.0)));
        let (pnl_style, share_style) = (theme.pnl(pnl.standing, pnl.sign), theme.neutral(share.standing));
        vec![
            Cell::new(scene.prose(&stress.name), theme.text),
            Cell::figure(pnl, pnl_style),
            Cell::figure(share, share_style),
        ]
    };
    Table { columns, rows: scene.snapshot.stress.iter().map(row).collect(), total: None }
}

fn draw_stress(scene: Scene<'_>, stress: &Table, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme();
    let reverse = reverse(scene, usize::from(area.width));
    let rows = u16::try_from(stress.rows.len() + 1).unwrap_or(u16::MAX);
    let room_below = u16::try_from(reverse.len()).unwrap_or(u16::MAX);
    let above = Rect { height: area.height.min(rows), ..area };
    // The reverse stress is the shorter answer: it keeps its line when there are too many stresses.
    let above = if area.height < rows + room_below && area.height > room_below + 1 {
        Rect { height: area.height - room_below, ..area }
    } else {
        above
    };
    let look = Look { head: theme.head, highlight: theme.text, selected: None, offset: 0 };
    let mut stress = stress.clone();
    let seen = usize::from(above.height.saturating_sub(1));
    if let Some(head) = stress.columns.first_mut().filter(|_| seen < stress.rows.len()) {
        // The worst stand first: what does not fit is said, and `z` shows it.
        head.head = format!("{}, {seen} of {}", head.head, stress.rows.len()).into();
    }
    stress.render(above, buf, look);
    for (at, text) in reverse.iter().enumerate() {
        let row = above.height + u16::try_from(at).unwrap_or(u16::MAX);
        let text = cut(text, usize::from(area.width));
        put_line(buf, area, row, &Line::styled(text, theme.text));
    }
}

/// The reverse question: one line where it fits, else one for each amount.
fn reverse(scene: Scene<'_>, limit: usize) -> Vec<String> {
    let answers = &scene.snapshot.scenario.reverse;
    let whose = if one_underlying(scene) { "whole book " } else { "" };
    let together = scene.prose(&answers.join(", ").replace(", loses ", ", "));
    if !answers.is_empty() && width(whose) + width(&together) <= limit {
        return vec![format!("{whose}{together}")];
    }
    answers.iter().map(|answer| format!("{whose}{}", scene.prose(answer))).collect()
}

fn horizon(scene: Scene<'_>) -> Vec<ratatui::text::Span<'static>> {
    let theme = scene.theme();
    let now = scene.snapshot.scenario.horizon;
    let steps = [(Horizon::Now, "now"), (Horizon::FiveDays, "+5 d"), (Horizon::Expiry, "expiry")];
    let mut spans = Vec::new();
    for (at, (step, words)) in steps.into_iter().enumerate() {
        if at > 0 {
            spans.push(span(" ▸ ", theme.dim));
        }
        if step == now {
            spans.push(span(format!("[{words}]"), theme.accent));
        } else {
            spans.push(span(words, theme.dim));
        }
    }
    spans
}

pub fn remarks(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let scenario = &scene.snapshot.scenario;
    let mapped = if scenario.beta_mapped { "β-mapped" } else { "own move" };
    let mut parts = vec![
        Part::text(1, scenario.subject.clone(), theme.strong),
        Part::text(3, mapped, theme.dim),
        Part::text(4, "full revaluation", theme.dim),
    ];
    if scenario.unpriced > 0 {
        let legs = if scenario.unpriced == 1 { "leg" } else { "legs" };
        parts.push(Part::text(1, format!("{} {legs} unpriced", scenario.unpriced), theme.near));
    }
    parts.push(Part::new(2, horizon(scene)));
    parts
}

/// The row without vol shock at a few moves, then the worst cell.
pub fn headline(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let scenario = &scene.snapshot.scenario;
    let mut parts = Vec::new();
    if let Some(worst) = &scenario.worst {
        let share = worst.of_net_liq.map(|f| format!(" ({} %)", number(f.abs() * 100.0, 1, Sign::Negative)));
        let text = format!("worst {}{}", signed(worst.pnl), share.unwrap_or_default());
        parts.push(Part::text(1, text, theme.text));
    }
    let level = scenario.vol_points.iter().position(|p| p.abs() < 1e-9);
    let cells = level.and_then(|row| scenario.cells.get(row));
    for (column, spot) in scenario.spot_moves.iter().enumerate() {
        let Some(shown) = cells.and_then(|cells| cells.get(column)) else { continue };
        if spot.abs() < 1e-9 {
            continue;
        }
        let figure = figure(shown, signed);
        let far = (spot.abs() - 0.05).abs() < 0.005;
        let style = theme.pnl(figure.standing, figure.sign);
        let text = format!("{} % {}", spot_words(*spot), figure.text);
        parts.push(Part::text(if far { 2 } else { 3 }, text, style));
    }
    parts
}

/// A cell in words, for Enter.
pub fn cell_lines(scene: Scene<'_>, row: usize, column: usize, limit: usize) -> Vec<Line<'static>> {
    let theme = scene.theme();
    let scenario = &scene.snapshot.scenario;
    let (Some(cells), Some(spot), Some(vol)) =
        (scenario.cells.get(row), scenario.spot_moves.get(column), scenario.vol_points.get(row))
    else {
        return vec![Line::styled("this cell is gone", theme.dim)];
    };
    let pnl = cells.get(column).map(|c| figure(c, signed).text).unwrap_or_default();
    let mut text = vec![
        format!(
            "{}: spot {} %, volatility {} pt, {} d on",
            scenario.subject,
            spot_words(*spot),
            signed(*vol),
            plain(scenario.roll_days as f64)
        ),
        format!(
            "P&L {pnl}, by full revaluation{}",
            if scenario.beta_mapped { ", each name moved by its β" } else { "" }
        ),
    ];
    if let Some(worst) = scenario.worst.as_ref().filter(|w| (w.row, w.column) == (row, column)) {
        text.push("the worst cell of the matrix; most of it from".to_owned());
        text.extend(worst.drivers.iter().map(|(symbol, pnl)| format!("  {symbol} {}", signed(*pnl))));
    }
    text.iter().flat_map(|t| wrap(t, limit)).map(Line::from).collect()
}
