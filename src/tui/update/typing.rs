//! Editing a line: the command line, the filter, the text of a dialog.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::commands;
use crate::snapshot::Snapshot;
use crate::tui::dialogs::suggestions;
use crate::tui::message::Effect;
use crate::tui::panels::Scene;
use crate::tui::state::{Entry, EntryKind, UiState};

pub const LINE_LIMIT: usize = 400;
pub const NOTE_LIMIT: usize = 4_000;

/// Applies an editing key; what is no editing key changes nothing.
pub fn edit(input: &mut Input, event: KeyEvent, limit: usize) {
    use InputRequest as R;
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let request = match (event.code, ctrl) {
        (KeyCode::Char('a'), true) | (KeyCode::Home, _) => R::GoToStart,
        (KeyCode::Char('e'), true) | (KeyCode::End, _) => R::GoToEnd,
        (KeyCode::Char('w'), true) => R::DeletePrevWord,
        (KeyCode::Char('u'), true) => R::DeleteLine,
        (KeyCode::Char('k'), true) => R::DeleteTillEnd,
        (KeyCode::Char('h'), true) | (KeyCode::Backspace, false) => R::DeletePrevChar,
        (KeyCode::Backspace, true) => R::DeletePrevWord,
        (KeyCode::Delete, _) => R::DeleteNextChar,
        (KeyCode::Left, true) => R::GoToPrevWord,
        (KeyCode::Right, true) => R::GoToNextWord,
        (KeyCode::Left, false) => R::GoToPrevChar,
        (KeyCode::Right, false) => R::GoToNextChar,
        (KeyCode::Char(c), false) if !alt => {
            insert(input, c.encode_utf8(&mut [0; 4]), limit);
            return;
        }
        _ => return,
    };
    input.handle(request);
}

pub fn insert(input: &mut Input, text: &str, limit: usize) {
    for c in text.chars().filter(|c| !c.is_control()) {
        if input.value().chars().count() >= limit {
            return;
        }
        input.handle(InputRequest::InsertChar(c));
    }
}

pub fn start(ui: &mut UiState, kind: EntryKind, text: &str) {
    ui.entry = Some(Entry { kind, input: Input::new(text.to_owned()), back: 0 });
}

/// The filter works while it is typed.
pub fn follow_filter(ui: &mut UiState) {
    if let Some(entry) = ui.entry.as_ref().filter(|e| e.kind == EntryKind::Filter) {
        ui.filters[ui.focus.index()] = entry.input.value().trim().to_owned();
    }
}

pub fn entry_key(ui: &mut UiState, event: KeyEvent, snapshot: &Snapshot) -> Option<Effect> {
    let entry = ui.entry.as_mut()?;
    let kind = entry.kind;
    let cancelled = event.code == KeyCode::Esc
        || (event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL))
        || (event.code == KeyCode::Backspace && entry.input.value().is_empty());
    match event.code {
        _ if cancelled => {
            if kind == EntryKind::Filter {
                ui.filters[ui.focus.index()].clear();
            }
            ui.entry = None;
        }
        KeyCode::Enter => {
            let line = entry.input.value().trim().to_owned();
            ui.entry = None;
            if kind == EntryKind::Command && !line.is_empty() {
                ui.remember(&line);
                return commands::execute(ui, &line, snapshot);
            }
        }
        KeyCode::Tab if kind == EntryKind::Command => {
            let typed = entry.input.value().to_owned();
            let best = suggestions(Scene { snapshot, ui }, &typed).into_iter().next();
            if let (Some(best), Some(entry)) = (best, ui.entry.as_mut()) {
                entry.input = Input::new(best.line);
            }
        }
        KeyCode::Up if kind == EntryKind::Command => recall(ui, 1),
        KeyCode::Down if kind == EntryKind::Command => recall(ui, -1),
        _ => {
            edit(&mut entry.input, event, LINE_LIMIT);
            follow_filter(ui);
        }
    }
    None
}

/// Earlier lines, the newest first.
fn recall(ui: &mut UiState, by: isize) {
    let count = ui.history.len();
    let Some(entry) = ui.entry.as_mut() else { return };
    let back = entry.back.saturating_add_signed(by).min(count);
    if back == entry.back {
        return;
    }
    entry.back = back;
    let line = if back == 0 { "" } else { ui.history[count - back].as_str() };
    entry.input = Input::new(line.to_owned());
}
