//! Keys while a dialog is open. Esc closes it; Enter alone never does anything that cannot be taken back.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::Input;

use super::actions::{self, ask, set_view};
use super::{orders, typing};
use crate::domain::command::LogEntry;
use crate::domain::control::KillMode;
use crate::domain::event::NoteKind;
use crate::domain::order::{BrokerOrderId, OrderFor};
use crate::domain::text::clean_note;
use crate::domain::view::View;
use crate::domain::{Command, TradeId};
use crate::snapshot::{Level, Snapshot};
use crate::tui::dialogs::{Choice, Dialog, HARD, Purpose, openable};
use crate::tui::keymap::Action;
use crate::tui::message::{Effect, Request};
use crate::tui::panels::Scene;
use crate::tui::rows;
use crate::tui::state::{Panel, UiState};

pub fn key(ui: &mut UiState, event: KeyEvent, snapshot: &Snapshot) -> Option<Effect> {
    let control_c = event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL);
    if control_c {
        return quit(ui);
    }
    match ui.dialogs.last_mut()? {
        Dialog::Confirm { then, .. } => {
            let yes = matches!(event.code, KeyCode::Char('y')) && event.modifiers.is_empty();
            let then = then.clone();
            ui.dialogs.pop();
            yes.then_some(then)
        }
        Dialog::Text { input, .. } => {
            match event.code {
                KeyCode::Esc => {
                    ui.dialogs.pop();
                }
                KeyCode::Tab => orders::toggle_exits(ui, snapshot),
                KeyCode::Enter => return submit(ui),
                _ => typing::edit(input, event, typing::NOTE_LIMIT),
            }
            None
        }
        Dialog::Kill => kill(ui, event, snapshot),
        _ => browse(ui, event, snapshot),
    }
}

/// The kill switch is one key away, whatever is open and whatever is being typed; what lies under it stays as it
/// was. Pressed again it closes.
pub fn kill_key(ui: &mut UiState, event: KeyEvent) -> Option<Option<Effect>> {
    let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    let typing = ui.entry.is_some() || matches!(ui.dialogs.last(), Some(Dialog::Text { .. }));
    if ui.keymap.action(ui.focus, event) != Some(Action::Kill) || (plain && typing) {
        return None;
    }
    if matches!(ui.dialogs.last(), Some(Dialog::Kill)) {
        ui.dialogs.pop();
    } else {
        ui.dialogs.push(Dialog::Kill);
    }
    Some(None)
}

/// One key raises it.
fn kill(ui: &mut UiState, event: KeyEvent, snapshot: &Snapshot) -> Option<Effect> {
    ui.dialogs.pop();
    if !event.modifiers.is_empty() {
        return None;
    }
    let safety = &snapshot.header.safety;
    let mut ask_for = |title: &str, prompt: &str, purpose| {
        ui.dialogs.push(Dialog::Text {
            title: title.to_owned(),
            prompt: prompt.to_owned(),
            input: Input::default(),
            purpose,
        });
    };
    match event.code {
        KeyCode::Char('s') => {
            return ask(Command::Kill { mode: KillMode::Safe, why: "on the screen".to_owned() });
        }
        KeyCode::Char('h') => ask_for(
            "Kill switch: hard",
            &format!(
                "No new entries; working orders are cancelled, resting exits too; flattening is proposed. Type {HARD}."
            ),
            Purpose::KillHard,
        ),
        KeyCode::Char('r') if safety.kill.is_some() => {
            ask_for("Reset the kill switch", "Orders may go out again. Why?", Purpose::ResetKill);
        }
        KeyCode::Char('a') if !safety.alarms.is_empty() => ask_for(
            "Clear the alarms",
            "You have looked at the broker's own platform. What was it?",
            Purpose::ClearAlarms,
        ),
        _ => {}
    }
    None
}

/// The way out asks first when typed text would be lost.
fn quit(ui: &mut UiState) -> Option<Effect> {
    let quit = Effect::Ask(Request::Quit);
    let typed = |d: &Dialog| matches!(d, Dialog::Text { input, .. } if !input.value().trim().is_empty());
    if ui.dialogs.last().is_some_and(typed) {
        ui.dialogs.push(Dialog::Confirm {
            question: "Quit and lose the text?".to_owned(),
            lines: vec!["What was typed here has not been recorded.".to_owned()],
            then: quit,
        });
        return None;
    }
    Some(quit)
}

/// Lists and details: move, open one level deeper, act on the trade shown, go back.
fn browse(ui: &mut UiState, event: KeyEvent, snapshot: &Snapshot) -> Option<Effect> {
    // Details of trades take the keys that a trade has in its panel.
    let action = ui.keymap.action(Panel::Positions, event)?;
    let deeper = ui.dialogs.last().map(|d| openable(Scene { snapshot, ui }, d)).unwrap_or_default();
    let top = ui.dialogs.last_mut()?;
    let (position, count) = match top {
        Dialog::Help { scroll } => (Some(scroll), 200),
        Dialog::Pick { cursor, items, .. } => {
            let count = items.iter().filter(|item| item.choice.is_some()).count();
            (Some(cursor), count)
        }
        Dialog::Underlying { cursor, .. }
        | Dialog::Trade { cursor, .. }
        | Dialog::Todo { cursor, .. }
        | Dialog::Orders { cursor } => (Some(cursor), deeper.len()),
        _ => (None, 0),
    };
    let last = count.saturating_sub(1);
    let moved = |at: usize, by: isize| at.saturating_add_signed(by).min(last);
    if let Some(at) = position {
        match action {
            Action::Down => *at = moved(*at, 1),
            Action::Up => *at = moved(*at, -1),
            Action::HalfPageDown | Action::PageDown => *at = moved(*at, 10),
            Action::HalfPageUp | Action::PageUp => *at = moved(*at, -10),
            Action::Top => *at = 0,
            Action::Bottom => *at = last,
            _ => {}
        }
    }
    match action {
        Action::Back | Action::Quit => {
            ui.dialogs.pop();
        }
        Action::Help if matches!(ui.dialogs.last(), Some(Dialog::Help { .. })) => {
            ui.dialogs.pop();
        }
        Action::Open => return open(ui, deeper, snapshot),
        Action::Suspend => return Some(Effect::Suspend),
        Action::StepOn if event.kind != KeyEventKind::Repeat => {
            if let Some(order) = orders::shown(ui, snapshot) {
                orders::confirm_send(ui, snapshot, order);
            } else if let Some(trade) = shown_trade(ui, snapshot) {
                orders::step_on(ui, snapshot, trade);
            }
        }
        Action::Close => {
            if let Some(order) = orders::shown(ui, snapshot) {
                orders::confirm_cancel(ui, snapshot, order);
            } else if let Some(trade) = shown_trade(ui, snapshot) {
                orders::stage(ui, snapshot, trade, OrderFor::Close);
            }
        }
        Action::RestExit => {
            if let Some(trade) = shown_trade(ui, snapshot) {
                orders::stage(ui, snapshot, trade, OrderFor::RestExit);
            }
        }
        Action::Edit => {
            if let Some(order) = orders::shown(ui, snapshot) {
                orders::new_limit(ui, snapshot, order);
            }
        }
        Action::Note => {
            if let Some(trade) = shown_trade(ui, snapshot) {
                actions::note(ui, snapshot, Some(trade), None);
            }
        }
        Action::Move => {
            if let Some(trade) = shown_trade(ui, snapshot) {
                actions::pick_route(ui, snapshot, trade);
            }
        }
        Action::Discard => {
            if let Some(order) = orders::shown(ui, snapshot) {
                orders::ask_drop(ui, snapshot, order);
            } else if let Some(trade) = shown_trade(ui, snapshot) {
                actions::discard(ui, snapshot, trade);
            }
        }
        _ => {}
    }
    None
}

fn shown_trade(ui: &UiState, snapshot: &Snapshot) -> Option<TradeId> {
    match ui.dialogs.last()? {
        Dialog::Trade { id, .. } | Dialog::Leg { trade: id, .. } => Some(*id),
        Dialog::Todo { key, .. } => snapshot.blotter.iter().find(|r| r.key == *key)?.trade,
        _ => None,
    }
    .filter(|id| rows::trade(snapshot, *id).is_some())
}

fn open(ui: &mut UiState, deeper: Vec<Dialog>, snapshot: &Snapshot) -> Option<Effect> {
    match ui.dialogs.last()? {
        Dialog::Pick { items, cursor, .. } => {
            let choice = items.get(*cursor).and_then(|i| i.choice.clone());
            ui.dialogs.pop();
            match choice? {
                Choice::Scope(scope) => set_view(View { scope, ..ui.view(snapshot) }),
                Choice::Route { trade, to } => ask(Command::Move { trade, to }),
            }
        }
        Dialog::Underlying { cursor, .. }
        | Dialog::Trade { cursor, .. }
        | Dialog::Todo { cursor, .. }
        | Dialog::Orders { cursor } => {
            let next = deeper.into_iter().nth(*cursor)?;
            ui.dialogs.push(next);
            None
        }
        Dialog::Help { .. }
        | Dialog::Cell { .. }
        | Dialog::Leg { .. }
        | Dialog::Order { .. }
        | Dialog::Kill => {
            ui.dialogs.pop();
            None
        }
        Dialog::Confirm { .. } | Dialog::Text { .. } => None,
    }
}

/// Enter in a text field. An empty text is refused in place, nothing typed is lost.
fn submit(ui: &mut UiState) -> Option<Effect> {
    let Some(Dialog::Text { input, .. }) = ui.dialogs.last() else { return None };
    let text = clean_note(input.value());
    if text.is_empty() {
        ui.say(Level::Warning, "say why in a few words", None);
        return None;
    }
    if matches!(ui.dialogs.last(), Some(Dialog::Text { purpose: Purpose::KillHard, .. })) && text != HARD {
        ui.say(Level::Warning, format!("type {HARD}, in capitals; s is safe at once"), None);
        return None;
    }
    let Some(Dialog::Text { purpose, .. }) = ui.dialogs.pop() else { return None };
    match purpose {
        Purpose::KillHard => ask(Command::Kill { mode: KillMode::Hard, why: "on the screen".to_owned() }),
        Purpose::ResetKill => ask(Command::ResetKill { reason: text }),
        Purpose::ClearAlarms => ask(Command::ClearAlarms { reason: text }),
        Purpose::Rationale(line) => ask(Command::Book { line, rationale: text }),
        Purpose::Note { trade, underlying, missing } => ask(Command::Log(LogEntry {
            underlying: underlying.map(|s| s.to_string()).filter(|_| trade.is_none()),
            strategy: None,
            rationale: text,
            portfolio: None,
            trade,
            kind: if missing { NoteKind::Decision } else { NoteKind::Note },
            key: None,
        })),
        Purpose::Stage { trade, purpose } => {
            ask(Command::Stage { trade, purpose, limit: None, rationale: text })
        }
        Purpose::TypedSend { order, body_hash, wanted, shown_at } => {
            let yes = |typed| Command::Send { order, body_hash, typed: Some(typed), shown_at };
            orders::typed_send(ui, &wanted, text, yes)
        }
        Purpose::NewLimit { order, credit } => orders::replace(ui, order, credit, &text),
        Purpose::AdoptReason { order, id } => {
            ask(Command::AdoptOrder { order, id: BrokerOrderId(id), reason: text })
        }
        Purpose::DropReason { order } => ask(Command::DropOrder { order, reason: text }),
        Purpose::DiscardReason { trade, label } => {
            let then = Effect::Ask(Request::Command(Command::Discard { trade, reason: text.clone() }));
            ui.dialogs.push(Dialog::Confirm {
                question: "Discard this trade?".to_owned(),
                lines: vec![label, format!("because: {text}")],
                then,
            });
            None
        }
    }
}
