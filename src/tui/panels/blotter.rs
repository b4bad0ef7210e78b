//! Panel 5: what to do, most urgent first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, table_or};
use crate::snapshot::BlotterRow;
use crate::snapshot::overview::Urgency;
use crate::tui::format::UNKNOWN;
use crate::tui::paint::Part;
use crate::tui::rows::todo_rows;
use crate::tui::state::Panel;
use crate::tui::table::{Cell, Column, Table};

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let empty = if scene.ui.filter(Panel::Blotter).is_empty() {
        "nothing to do"
    } else {
        "nothing matches the filter; Esc clears it"
    };
    table_or(&table(scene), empty, scene, Panel::Blotter, area, buf);
}

fn tag_style(scene: Scene<'_>, row: &BlotterRow) -> Style {
    let theme = scene.theme();
    match row.urgency {
        _ if row.stale => theme.stale,
        Urgency::Unknown | Urgency::Rescue | Urgency::Flatten | Urgency::Breach => theme.breach,
        Urgency::Unguarded | Urgency::Hedge | Urgency::Expiry | Urgency::Dividend | Urgency::Exit => {
            theme.near
        }
        Urgency::Route | Urgency::Rationale => theme.strong,
        Urgency::WhatIf => theme.what_if,
    }
}

/// What is not live wears its mark here, too.
fn tag(row: &BlotterRow) -> String {
    format!("{}{}", if row.stale { "~" } else { "" }, row.urgency.tag())
}

pub fn table(scene: Scene<'_>) -> Table {
    // The action and its reason come before what it changes; Enter shows all of it at any width.
    let (action, why) = match scene.ui.size.0 {
        100.. => (44, 30),
        78.. => (30, 20),
        _ => (18, 20),
    };
    let columns = vec![
        Column::text("", 0, 7, 8),
        Column::text("book / account", 5, 14, 24),
        Column::text("action", 0, action, 52),
        Column::text("price", 2, 16, 20),
        Column::text("after", 6, 40, 40),
        Column::text("why, by when", 3, why, 80),
    ];
    let rows = todo_rows(scene.snapshot, scene.ui).into_iter().map(|r| row(scene, r)).collect();
    Table { columns, rows, total: None }
}

/// "Core / IRA"; one of the two alone where the other is not known.
pub fn place(row: &BlotterRow) -> String {
    let known: Vec<&str> =
        [row.portfolio.as_str(), row.account.as_str()].into_iter().filter(|s| !s.is_empty()).collect();
    known.join(" / ")
}

fn row(scene: Scene<'_>, row: &BlotterRow) -> Vec<Cell> {
    let theme = scene.theme();
    let text = match (row.stale, row.to_do) {
        (true, _) => theme.stale,
        (false, true) => theme.text,
        (false, false) => theme.what_if,
    };
    let optional = |value: &Option<String>| match value {
        Some(words) => Cell::new(scene.prose(words), text),
        None => Cell::new(UNKNOWN, theme.dim),
    };
    let why = match &row.by_when {
        Some(when) => format!("{}; {when}", row.why),
        None => row.why.clone(),
    };
    vec![
        Cell::new(tag(row), tag_style(scene, row)),
        Cell::new(scene.prose(&place(row)), text),
        Cell::new(scene.prose(&row.action), text),
        optional(&row.price),
        optional(&row.after),
        Cell::new(scene.prose(&why), text),
    ]
}

pub fn remarks(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let rows = &scene.snapshot.blotter;
    let to_do = rows.iter().filter(|r| r.to_do).count();
    let mut parts = vec![Part::text(1, format!("{to_do} to do"), theme.strong)];
    if rows.len() > to_do {
        parts.push(Part::text(2, format!("{} WhatIf waiting", rows.len() - to_do), theme.what_if));
    }
    parts
}

/// The first things to do, by tag and underlying.
pub fn headline(scene: Scene<'_>) -> Vec<Part> {
    let rows = &scene.snapshot.blotter;
    if rows.is_empty() {
        return vec![Part::text(1, "nothing to do", scene.theme().dim)];
    }
    let part = |(at, row): (usize, &BlotterRow)| {
        let what = row.underlying.as_ref().map_or_else(|| row.portfolio.clone(), ToString::to_string);
        let price = row.price.as_deref().map_or_else(String::new, |p| format!(" {p}"));
        let style = tag_style(scene, row);
        let rank = u8::try_from(at + 1).unwrap_or(u8::MAX);
        Part::text(rank, scene.prose(&format!("{} {what}{price}", tag(row))), style)
            .or_text(scene.prose(&format!("{} {what}", tag(row))), style)
    };
    rows.iter().take(6).enumerate().map(part).collect()
}
