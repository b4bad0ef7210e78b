//! The reducer: a message and the picture in view change the state and may lead to one effect. Pure: no clock,
//! no terminal, no channel.

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::message::{Effect, Message, Request};
use super::state::UiState;
use crate::domain::Command;
use crate::domain::text::clean_note;
use crate::snapshot::Snapshot;

mod actions;
mod commands;
mod dialogs;
mod orders;
mod typing;

#[cfg(test)]
mod tests;

/// An engine that has not answered by then is asked from what it shows.
const BELIEVED: Duration = Duration::from_secs(2);

pub fn update(ui: &mut UiState, message: Message, snapshot: &Snapshot) -> Option<Effect> {
    let effect = match message {
        Message::Key(event) if event.kind == KeyEventKind::Release => None,
        Message::Key(event) => key(ui, event, snapshot),
        Message::Paste(text) => {
            paste(ui, &text);
            None
        }
        Message::Resize(width, height) => {
            ui.size = (width, height);
            None
        }
        Message::Snapshot => {
            ui.snapshot_at = ui.now;
            ui.wished.take_if(|(view, _)| *view == snapshot.view);
            None
        }
        Message::Notice(notice) => {
            ui.toast(notice);
            None
        }
    };
    if let Some(Effect::Ask(Request::Command(Command::SetView { view }))) = &effect {
        ui.wished = Some((view.clone(), ui.now + BELIEVED));
    }
    ui.settle(snapshot);
    effect
}

fn key(ui: &mut UiState, event: KeyEvent, snapshot: &Snapshot) -> Option<Effect> {
    if let Some(effect) = dialogs::kill_key(ui, event) {
        return effect;
    }
    if !ui.dialogs.is_empty() {
        return dialogs::key(ui, event, snapshot);
    }
    if ui.entry.is_some() {
        return typing::entry_key(ui, event, snapshot);
    }
    let action = ui.keymap.action(ui.focus, event)?;
    // A key held down is not a decision after a decision.
    if action == super::keymap::Action::StepOn && event.kind == KeyEventKind::Repeat {
        return None;
    }
    actions::act(ui, action, snapshot)
}

/// Pasted text goes where typed text would go, on one line; elsewhere it means nothing.
fn paste(ui: &mut UiState, text: &str) {
    let text = clean_note(text);
    if let Some(super::dialogs::Dialog::Text { input, .. }) = ui.dialogs.last_mut() {
        typing::insert(input, &text, typing::NOTE_LIMIT);
    } else if let Some(entry) = ui.entry.as_mut() {
        typing::insert(&mut entry.input, &text, typing::LINE_LIMIT);
        typing::follow_filter(ui);
    }
}
