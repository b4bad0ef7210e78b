//! One file per panel: rows prepared as plain text values, then drawn. No panel computes a figure.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::format::{cut, width};
use super::layout::{Need, PanelArea, Shape, shape};
use super::paint::{Part, fit, put_line};
use super::rows::RowKey;
use super::state::{Panel, UiState};
use super::table::{Look, Table};
use super::theme::Theme;
use crate::snapshot::Snapshot;

pub mod answer;
pub mod banner;
pub mod blotter;
pub mod header;
pub mod hint_line;
pub mod market;
pub mod overview;
pub mod positions;
pub mod regime;
pub mod risk;
pub mod scenario;
pub mod toasts;

/// What a panel draws from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub ui: &'a UiState,
}

impl<'a> Scene<'a> {
    pub fn theme(&self) -> &'a Theme {
        &self.ui.theme
    }

    /// Prose of the snapshot, with the one glyph spelled out that has no ASCII stand-in of its width.
    pub fn prose(&self, text: &str) -> String {
        if self.ui.ascii { text.replace('±', "+/-") } else { text.to_owned() }
    }

    pub fn look(&self, panel: Panel) -> Look {
        let cursor = self.ui.cursor(panel);
        Look {
            head: self.theme().head,
            highlight: self.theme().selected,
            selected: (self.ui.focus == panel && cursor.key.is_some()).then_some(cursor.index),
            offset: cursor.offset,
        }
    }
}

pub fn needs(snapshot: &Snapshot, ui: &UiState, width: u16) -> [Need; 5] {
    let scene = Scene { snapshot, ui };
    let full = shape(width, ui.size.1) == Shape::Full;
    if !full {
        return [Need::default(); 5];
    }
    let market = rows_of(market::lines(scene, width, true).len());
    let scenario = rows_of(scenario::height(scene));
    let stresses = rows_of(scenario::height_with_stress(scene, width));
    let head = |rows: usize, extra: u16| rows_of(rows.max(1)).saturating_add(extra);
    [
        Need { min: market, ideal: market, weight: 1, extra: 0 },
        Need { min: 4, ideal: head(super::rows::risk_rows(snapshot, ui).len(), 2), weight: 4, extra: 0 },
        Need { min: scenario.min(6), ideal: scenario, weight: 4, extra: stresses },
        Need { min: 4, ideal: head(super::rows::position_lines(snapshot, ui).len(), 1), weight: 4, extra: 0 },
        Need { min: 3, ideal: head(super::rows::todo_rows(snapshot, ui).len(), 1), weight: 4, extra: 0 },
    ]
}

fn rows_of(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

pub fn draw(scene: Scene<'_>, panel: Panel, area: PanelArea, buf: &mut Buffer) {
    title(scene, panel, area, buf);
    if area.body.height == 0 {
        return;
    }
    match panel {
        Panel::Market => market::draw(scene, area.body, buf),
        Panel::Risk => risk::draw(scene, area.body, buf),
        Panel::Scenario => scenario::draw(scene, area.body, buf),
        Panel::Positions => positions::draw(scene, area.body, buf),
        Panel::Blotter => blotter::draw(scene, area.body, buf),
    }
}

/// One rule with number, name and what the panel says in short. The focused one is heavier, not only coloured.
fn title(scene: Scene<'_>, panel: Panel, place: PanelArea, buf: &mut Buffer) {
    let theme = scene.theme();
    let (area, closed) = (place.title, place.body.height == 0);
    let focused = scene.ui.focus == panel;
    let (rule, name_style) = if focused { ('━', theme.title_focused) } else { ('─', theme.title) };
    let rule_style = if focused { theme.title_focused } else { theme.rule };
    let limit = usize::from(area.width);
    let lead = if limit < 120 { 1 } else { 2 };
    let strokes = |n: usize| Span::styled(rule.to_string().repeat(n), rule_style);
    let mut name = format!(" {} {} ", panel.index() + 1, panel.name());
    let filter = &scene.ui.filters[panel.index()];
    if !filter.is_empty() {
        name = format!("{name}/{filter} ");
    }
    let name = cut(&name, limit.saturating_sub(lead));
    let used = lead + width(&name);
    let mut parts = if closed { headline(scene, panel) } else { remarks(scene, panel) };
    if !closed {
        parts.extend(window_words(scene, panel, place));
    }
    let gap = Span::styled(" · ", theme.dim);
    let right = fit(&parts, &gap, limit.saturating_sub(used + lead + 3));
    let taken: usize = right.iter().map(|s| width(&s.content)).sum();
    let mut spans = vec![strokes(lead), Span::styled(name, name_style)];
    if taken == 0 {
        spans.push(strokes(limit.saturating_sub(used)));
    } else {
        let between = limit.saturating_sub(used + taken + 2 + lead);
        if closed {
            spans.push(strokes(1));
            spans.push(Span::raw(" "));
            spans.extend(right);
            spans.push(Span::raw(" "));
            spans.push(strokes((between + lead).saturating_sub(1)));
        } else {
            spans.push(strokes(between));
            spans.push(Span::raw(" "));
            spans.extend(right);
            spans.push(Span::raw(" "));
            spans.push(strokes(lead));
        }
    }
    put_line(buf, area, 0, &Line::from(spans));
}

/// Which rows are in sight, where not all of them are.
fn window_words(scene: Scene<'_>, panel: Panel, place: PanelArea) -> Option<Part> {
    if panel == Panel::Scenario {
        return None;
    }
    let count = super::rows::keys(panel, scene.snapshot, scene.ui).len();
    let rows = super::layout::rows_of_body(panel, place);
    if rows == 0 || count <= rows {
        return None;
    }
    let first = scene.ui.cursor(panel).offset.min(count - rows);
    Some(Part::text(1, format!("rows {}–{} of {count}", first + 1, first + rows), scene.theme().accent))
}

/// Beside the title of an open panel.
fn remarks(scene: Scene<'_>, panel: Panel) -> Vec<Part> {
    match panel {
        Panel::Market => market::remarks(scene),
        Panel::Risk => risk::remarks(scene),
        Panel::Scenario => scenario::remarks(scene),
        Panel::Positions => positions::remarks(scene),
        Panel::Blotter => blotter::remarks(scene),
    }
}

/// The one line of a closed panel.
fn headline(scene: Scene<'_>, panel: Panel) -> Vec<Part> {
    match panel {
        Panel::Market => market::headline(scene),
        Panel::Risk => risk::headline(scene),
        Panel::Scenario => scenario::headline(scene),
        Panel::Positions => positions::remarks(scene),
        Panel::Blotter => blotter::headline(scene),
    }
}

/// A table with a word in its place when it is empty.
fn table_or(table: &Table, empty: &str, scene: Scene<'_>, panel: Panel, area: Rect, buf: &mut Buffer) {
    if table.rows.is_empty() {
        let text = cut(empty, usize::from(area.width));
        put_line(buf, area, 0, &Line::styled(text, scene.theme().dim));
        return;
    }
    table.render(area, buf, scene.look(panel));
}

/// What `y` copies of a row: the symbol, the contract, the id or the action.
pub fn key_text(snapshot: &Snapshot, key: &RowKey) -> Option<String> {
    match key {
        RowKey::Underlying(symbol) | RowKey::Group(symbol) => Some(symbol.to_string()),
        RowKey::Trade(id) => Some(id.to_string()),
        RowKey::Leg(_, instrument) => Some(instrument.clone()),
        RowKey::Todo(key) => Some(snapshot.blotter.iter().find(|r| r.key == *key)?.action.clone()),
        RowKey::Cell { row, column } => {
            let cell = snapshot.scenario.cells.get(*row)?.get(*column)?;
            Some(super::format::figure(cell, super::format::signed).text)
        }
    }
}

/// What `Y` copies: the whole row as it reads on the screen, all columns.
pub fn row_text(scene: Scene<'_>, panel: Panel, index: usize) -> Option<String> {
    match panel {
        Panel::Market => None,
        Panel::Risk => risk::table(scene).row_text(index),
        Panel::Scenario => scenario::table(scene).row_text(index),
        Panel::Positions => positions::table(scene).row_text(index),
        Panel::Blotter => blotter::table(scene).row_text(index),
    }
}

pub(super) fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}
