//! The help: the keys of the focused panel first, then those that work everywhere; printed from the table.

use ratatui::text::Line;

use super::Sheet;
use crate::tui::format::{cut, width};
use crate::tui::keymap::{Action, Binding, Context, Press};
use crate::tui::panels::{Scene, span};

pub fn sheet(scene: Scene<'_>, scroll: usize, limit: usize) -> Sheet {
    let theme = scene.theme();
    let panel = scene.ui.focus;
    let bindings = &scene.ui.keymap.bindings;
    let mut lines = vec![Line::styled(format!("{} ({})", panel.name(), panel.index() + 1), theme.strong)];
    let here = |b: &&Binding| matches!(b.context, Context::Only(_)) && b.context.holds(panel);
    lines.extend(bindings.iter().filter(here).map(|b| line(scene, b, limit)));
    lines.push(Line::styled("Everywhere", theme.strong));
    let everywhere = |b: &&Binding| b.context == Context::Everywhere;
    lines.extend(bindings.iter().filter(everywhere).map(|b| line(scene, b, limit)));
    lines.push(Line::styled("Command line", theme.strong));
    for (command, meaning) in super::palette::COMMANDS {
        let text = cut(&format!("  :{command:<26} {meaning}"), limit);
        lines.push(Line::styled(text, theme.text));
    }
    lines.push(Line::styled("Signs", theme.strong));
    for words in [
        "~ shown but not live · — unknown, never 0 · ? WhatIf · * worst cell",
        "! near a limit (80–100 %) · !! breached · ### no room for the figure",
    ] {
        lines.push(Line::styled(cut(&format!("  {words}"), limit), theme.text));
    }
    let keymap = &scene.ui.keymap;
    let footer = format!(
        "{} {} scroll · {} closes",
        keymap.key_of(Action::Down),
        keymap.key_of(Action::Up),
        keymap.key_of(Action::Back)
    );
    Sheet { title: "Keys".to_owned(), lines, selected: None, scroll, footer }
}

fn line(scene: Scene<'_>, binding: &Binding, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let keys = binding.keys.iter().map(Press::words).collect::<Vec<_>>().join(" ");
    let keys = format!("  {keys}{}", " ".repeat(14usize.saturating_sub(width(&keys))));
    let room = limit.saturating_sub(width(&keys) + 1);
    let label = format!("{:<32} {}", binding.label, binding.name);
    Line::from(vec![span(keys, theme.accent), span(" ", theme.text), span(cut(&label, room), theme.text)])
}
