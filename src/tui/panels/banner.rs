//! One line under the header when something must not be overlooked: frozen, read-only, or what the engine
//! wants said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::snapshot::Snapshot;
use crate::tui::format::cut;
use crate::tui::paint::{put_line, shade};
use crate::tui::state::UiState;

pub fn text(snapshot: &Snapshot, ui: &UiState) -> Option<String> {
    let mut words = Vec::new();
    if let Some(at) = ui.frozen_at {
        let key = ui.keymap.key_of(crate::tui::keymap::Action::Freeze);
        words.push(format!("FROZEN {} s: {key} goes on", ui.now.saturating_sub(at).as_secs()));
    }
    let safety = &snapshot.header.safety;
    if let Some(mode) = safety.kill {
        let why = safety.kill_why.as_deref().unwrap_or("no reason given");
        let key = ui.keymap.key_of(crate::tui::keymap::Action::Kill);
        words.push(format!("KILL SWITCH {}: {why}; {key} r resets it", mode.word().to_uppercase()));
    }
    if let Some(first) = safety.alarms.first() {
        let key = ui.keymap.key_of(crate::tui::keymap::Action::Kill);
        words.push(format!("ALARM: {first}; {key} a clears it"));
    }
    if let Some(why) = &snapshot.header.read_only {
        let remedy = snapshot.header.read_only_remedy.as_ref().map(|remedy| format!("; {remedy}"));
        words.push(format!("READ-ONLY: {why}{}", remedy.unwrap_or_default()));
    }
    words.extend(snapshot.header.banner.clone());
    (!words.is_empty()).then(|| words.join("   "))
}

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let Some(text) = text(scene.snapshot, scene.ui) else { return };
    let theme = scene.theme();
    let safety = &scene.snapshot.header.safety;
    let style = if safety.kill.is_some() || !safety.alarms.is_empty() {
        theme.alarm()
    } else if scene.ui.frozen_at.is_some() {
        theme.selected
    } else {
        theme.near
    };
    let text = cut(&scene.prose(&text), usize::from(area.width));
    put_line(buf, area, 0, &Line::styled(text, style));
    if scene.ui.frozen_at.is_some() || safety.kill.is_some() || !safety.alarms.is_empty() {
        shade(buf, area, 0, style);
    }
}
