//! What the command line understands, and the list over it while something is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use crate::tui::format::{cut, width};
use crate::tui::keymap::applies;
use crate::tui::paint::put_line;
use crate::tui::panels::{Scene, span};
use crate::tui::state::EntryKind;

/// Commands beyond the names of the actions.
pub const COMMANDS: [(&str, &str); 6] = [
    ("spy ic 45d 16 w5 x1 @medium", "book a WhatIf; -- and the rationale may follow"),
    ("stream on|off", "streaming quotes"),
    ("portfolio NAME", "look at one portfolio; all: every real one"),
    ("counts real|working|whatif", "what counts in every number"),
    ("horizon now|5d|expiry", "how far the scenario looks ahead"),
    ("refresh, zoom, help, quit …", "every action by the name that the help prints"),
];

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What Tab puts into the line.
    pub line: String,
    pub words: String,
}

const MOST: usize = 8;

/// What the typed text may become: its letters in order, best match first.
pub fn suggestions(scene: Scene<'_>, typed: &str) -> Vec<Suggestion> {
    let typed = typed.trim_start().to_lowercase();
    let mut found: Vec<(usize, Suggestion)> = Vec::new();
    let fixed = [
        "stream on",
        "stream off",
        "counts real",
        "counts working",
        "counts whatif",
        "horizon now",
        "horizon 5d",
        "horizon expiry",
    ];
    let portfolios =
        scene.snapshot.portfolios.iter().filter(|p| p.id.is_some()).map(|p| format!("portfolio {}", p.name));
    for line in fixed.iter().map(ToString::to_string).chain(portfolios).chain(["portfolio all".to_owned()]) {
        if let Some(distance) = fuzzy(&typed, &line.to_lowercase()) {
            found.push((distance, Suggestion { line, words: String::new() }));
        }
    }
    for binding in &scene.ui.keymap.bindings {
        let usable =
            binding.context.holds(scene.ui.focus) && applies(binding.action, scene.snapshot, scene.ui);
        if !usable {
            continue;
        }
        if let Some(distance) = fuzzy(&typed, binding.name) {
            let key = scene.ui.keymap.key_of(binding.action);
            let words = format!("{key}  {}", binding.label);
            found.push((distance, Suggestion { line: binding.name.to_owned(), words }));
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(MOST).map(|(_, s)| s).collect()
}

/// How far apart the letters of `typed` stand in `name`; `None` where they do not occur in order.
fn fuzzy(typed: &str, name: &str) -> Option<usize> {
    let mut rest = name.char_indices();
    let mut last = 0;
    let mut distance = 0;
    for wanted in typed.chars() {
        let (at, _) = rest.find(|(_, c)| *c == wanted)?;
        distance += at - last;
        last = at;
    }
    Some(distance * 100 + name.len())
}

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let Some(entry) = scene.ui.entry.as_ref().filter(|e| e.kind == EntryKind::Command) else { return };
    let theme = scene.theme();
    let list = suggestions(scene, entry.input.value());
    let mut lines: Vec<Line<'static>> = list
        .iter()
        .map(|s| {
            Line::from(vec![span(format!(" {:<18}", s.line), theme.accent), span(s.words.clone(), theme.dim)])
        })
        .collect();
    if lines.is_empty() || entry.input.value().is_empty() {
        let limit = usize::from(area.width).saturating_sub(2);
        lines.push(Line::styled(cut(&format!(" book: {}", COMMANDS[0].0), limit), theme.dim));
    }
    let tall = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let longest = lines.iter().map(|l| l.spans.iter().map(|s| width(&s.content)).sum::<usize>()).max();
    let wide = u16::try_from(longest.unwrap_or(0) + 1).unwrap_or(u16::MAX).min(area.width);
    let place = Rect { y: area.bottom() - tall, height: tall, width: wide, ..area };
    Clear.render(place, buf);
    buf.set_style(place, theme.selected);
    for (row, line) in lines.iter().enumerate() {
        put_line(buf, place, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_order_and_the_nearest_stands_first() {
        assert!(fuzzy("rf", "refresh").is_some());
        assert!(fuzzy("xz", "refresh").is_none());
        assert!(fuzzy("ref", "refresh") < fuzzy("rsh", "refresh"));
    }
}
