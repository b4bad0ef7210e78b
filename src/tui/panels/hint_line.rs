//! The last row: what applies now, or the line being typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, span};
use crate::tui::keymap::Action;
use crate::tui::paint::{Part, fit, put_line};
use crate::tui::state::{Entry, EntryKind};

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    match &scene.ui.entry {
        Some(entry) => put_line(buf, area, 0, &entry_line(scene, entry, usize::from(area.width))),
        None => put_line(buf, area, 0, &hints(scene, usize::from(area.width))),
    }
}

fn hints(scene: Scene<'_>, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let keymap = &scene.ui.keymap;
    let pair = |rank: u8, key: String, label: &str| {
        Part::new(rank, vec![span(key, theme.accent), span(format!(" {label}"), theme.dim)])
    };
    let parts: Vec<Part> = if scene.ui.dialogs.is_empty() {
        let hints = keymap.hints(scene.snapshot, scene.ui);
        let parts = hints.iter().enumerate().map(|(at, binding)| {
            // Help is the last to go: everything else can be found there.
            let rank = match binding.action {
                Action::Help => 0,
                Action::CommandLine | Action::Open => 1,
                _ => u8::try_from(at + 2).unwrap_or(u8::MAX),
            };
            pair(rank, keymap.key_of(binding.action), binding.label)
        });
        parts.collect()
    } else {
        vec![pair(1, keymap.key_of(Action::Back), "back")]
    };
    Line::from(fit(&parts, &Span::raw("  "), limit))
}

/// The typed line, scrolled so that the cursor is in sight; the cursor is drawn, not the terminal's own.
pub fn entry_line(scene: Scene<'_>, entry: &Entry, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let lead = match entry.kind {
        EntryKind::Command => ":",
        EntryKind::Filter => "/",
    };
    let mut spans = vec![span(lead, theme.accent)];
    spans.extend(input_spans(scene, &entry.input, limit.saturating_sub(1)));
    Line::from(spans)
}

/// Text around a visible cursor within `limit` columns.
pub fn input_spans(scene: Scene<'_>, input: &tui_input::Input, limit: usize) -> Vec<Span<'static>> {
    let theme = scene.theme();
    let skip = input.visual_scroll(limit.saturating_sub(1));
    let cursor = input.visual_cursor().saturating_sub(skip);
    let (mut before, mut under, mut after) = (String::new(), String::new(), String::new());
    let mut column = 0usize;
    for c in input.value().chars() {
        let wide = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if column < skip {
            column += wide;
            continue;
        }
        let at = column - skip;
        column += wide;
        if at + wide > limit {
            break;
        }
        match at.cmp(&cursor) {
            std::cmp::Ordering::Less => before.push(c),
            std::cmp::Ordering::Equal if under.is_empty() => under.push(c),
            _ => after.push(c),
        }
    }
    if under.is_empty() {
        under.push(' ');
    }
    vec![
        span(before, theme.text),
        span(under, theme.text.add_modifier(ratatui::style::Modifier::REVERSED)),
        span(after, theme.text),
    ]
}
