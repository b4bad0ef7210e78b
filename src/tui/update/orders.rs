//! Keys that lead to orders. None of them sends anything by itself: a send is confirmed, and with real money
//! typed.

use tui_input::Input;

use super::actions::ask;
use crate::domain::control::Venue;
use crate::domain::order::{NetPrice, OrderFor, OrderState};
use crate::domain::{Command, OrderRef, TradeId};
use crate::snapshot::orders::OrderRow;
use crate::snapshot::{Level, Mode, Snapshot};
use crate::tui::dialogs::{Dialog, Purpose, orders};
use crate::tui::message::{Effect, Request};
use crate::tui::panels::Scene;
use crate::tui::rows;
use crate::tui::state::UiState;

/// One step on: an evaluated WhatIf is staged, a staged order is sent, a working one is shown.
pub fn step_on(ui: &mut UiState, snapshot: &Snapshot, trade: TradeId) {
    let of_trade = |order: &&OrderRow| order.trade == trade && !order.state.has_ended();
    if let Some(order) = snapshot.orders.rows.iter().find(of_trade) {
        if order.can_send {
            confirm_send(ui, snapshot, order.reference);
        } else {
            show(ui, snapshot, order.reference);
        }
        return;
    }
    let Some(row) = rows::trade(snapshot, trade) else { return };
    if row.is_open {
        ui.say(Level::Warning, "it is open already", Some("x closes it".to_owned()));
        return;
    }
    stage(ui, snapshot, trade, OrderFor::Open);
}

pub fn stage(ui: &mut UiState, snapshot: &Snapshot, trade: TradeId, purpose: OrderFor) {
    let Some(row) = rows::trade(snapshot, trade) else { return };
    // Nobody is asked for a reason that is then thrown away.
    if let Some(no) = row.no_orders.iter().find(|no| no.purpose == purpose) {
        ui.say(Level::Warning, no.why.clone(), Some(no.remedy.clone()));
        return;
    }
    let label = &row.label;
    let (title, prompt) = match purpose {
        OrderFor::Open => {
            ("Stage", format!("Why {label} now? It becomes a real intent; the order is staged, not sent."))
        }
        OrderFor::Close => ("Close", format!("Why close {label} now? The order is staged, not sent.")),
        OrderFor::RestExit => (
            "Rest an exit",
            format!(
                "{label}: its rule says {}. Why rest an order there until cancelled? It is staged, not sent.",
                row.rule
            ),
        ),
    };
    let known = row.rationale.clone().filter(|_| !purpose.is_closing()).unwrap_or_default();
    ui.dialogs.push(Dialog::Text {
        title: title.to_owned(),
        prompt,
        input: Input::new(known),
        purpose: Purpose::Stage { trade, purpose },
    });
}

/// Focus on No; with real money symbol and lots are typed.
pub fn confirm_send(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let scene = Scene { snapshot, ui };
    if let Some(order) = orders::row(scene, reference)
        && let Some(id) = order.looks_like.first().cloned()
    {
        let prompt = format!(
            "Order {id} at the broker has the legs, the limit and the time of {} {}, and no reference. Is it that one? \
             Say how you know.",
            order.underlying, order.label
        );
        ui.dialogs.push(Dialog::Text {
            title: "Looks like yours".to_owned(),
            prompt,
            input: Input::default(),
            purpose: Purpose::AdoptReason { order: reference, id },
        });
        return;
    }
    let Some(order) = orders::row(scene, reference).filter(|order| order.can_send) else {
        ui.say(Level::Warning, "only a staged order can be sent", None);
        return;
    };
    let Some(body_hash) = order.body_hash.clone() else { return };
    let facts = orders::facts(scene, order);
    // Anything but what is known to cost nothing is taken for real money.
    if order.venue == Some(Venue::Live) || (snapshot.mode == Mode::Live && order.venue.is_none()) {
        let wanted = format!("{} {}", order.underlying, order.units);
        ui.dialogs.push(Dialog::Text {
            title: "Send with real money?".to_owned(),
            prompt: format!("{}. Type {wanted} to send it.", facts.join("; ")),
            input: Input::default(),
            purpose: Purpose::TypedSend { order: reference, body_hash, wanted, shown_at: snapshot.as_of },
        });
        return;
    }
    let then = Effect::Ask(Request::Command(Command::Send {
        order: reference,
        body_hash,
        typed: None,
        shown_at: snapshot.as_of,
    }));
    let question = match order.venue {
        Some(Venue::Paper) => "Send this order on paper?",
        Some(Venue::Sandbox) => "Send this order to the sandbox?",
        _ => "Send this order?",
    };
    ui.dialogs.push(Dialog::Confirm { question: question.to_owned(), lines: facts, then });
}

pub fn confirm_cancel(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let scene = Scene { snapshot, ui };
    let Some(order) = orders::row(scene, reference) else { return };
    if !order.can_cancel {
        let remedy = order.can_drop.then(|| "d takes it back".to_owned());
        ui.say(Level::Warning, "it is not working, or a change of it is on its way", remedy);
        return;
    }
    let lines = vec![order.label.clone()];
    let then = Effect::Ask(Request::Command(Command::CancelOrder { order: reference }));
    ui.dialogs.push(Dialog::Confirm { question: "Cancel this order?".to_owned(), lines, then });
}

pub fn new_limit(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let scene = Scene { snapshot, ui };
    let Some(order) = orders::row(scene, reference) else { return };
    if !order.can_change {
        ui.say(Level::Warning, "only a working order takes another price", None);
        return;
    }
    let side = if order.limit.is_credit() { "credit" } else { "debit" };
    let prompt = format!("{}: now {}. New {side} per unit:", order.label, order.limit);
    let credit = order.limit.is_credit();
    ui.dialogs.push(Dialog::Text {
        title: "Another price".to_owned(),
        prompt,
        input: Input::default(),
        purpose: Purpose::NewLimit { order: reference, credit },
    });
}

pub fn ask_drop(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let scene = Scene { snapshot, ui };
    let Some(order) = orders::row(scene, reference) else { return };
    if !order.can_drop {
        ui.say(
            Level::Warning,
            "only a staged order is taken back",
            Some("x cancels a working one".to_owned()),
        );
        return;
    }
    let prompt = if order.state == OrderState::Unknown {
        format!("Write {} off as not existing? Say how you know.", order.label)
    } else {
        format!("Why not send {}?", order.label)
    };
    ui.dialogs.push(Dialog::Text {
        title: "Drop an order".to_owned(),
        prompt,
        input: Input::default(),
        purpose: Purpose::DropReason { order: reference },
    });
}

/// `1.45`, a price per unit on the order's own side.
pub fn replace(ui: &mut UiState, order: OrderRef, credit: bool, text: &str) -> Option<Effect> {
    let amount = text
        .trim()
        .parse::<rust_decimal::Decimal>()
        .ok()
        .filter(|amount| !amount.is_sign_negative() && *amount < rust_decimal::Decimal::from(1_000_000));
    let Some(amount) = amount else {
        ui.say(Level::Warning, "that is not a price", Some("write it as 1.45".to_owned()));
        return None;
    };
    let limit = NetPrice(if credit { amount } else { -amount });
    ask(Command::ReplaceOrder { order, limit })
}

pub fn typed_send(
    ui: &mut UiState,
    wanted: &str,
    typed: String,
    yes: impl FnOnce(String) -> Command,
) -> Option<Effect> {
    if !typed.eq_ignore_ascii_case(wanted) {
        ui.say(Level::Warning, format!("nothing was sent: that is not {wanted}"), None);
        return None;
    }
    ask(yes(typed))
}

pub fn list(ui: &mut UiState) {
    ui.dialogs.push(Dialog::Orders { cursor: 0 });
}

fn show(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let cursor = snapshot.orders.rows.iter().position(|row| row.reference == reference).unwrap_or(0);
    ui.dialogs.push(Dialog::Orders { cursor });
}

/// The order that the topmost dialog stands on.
pub fn shown(ui: &UiState, snapshot: &Snapshot) -> Option<OrderRef> {
    match ui.dialogs.last()? {
        Dialog::Orders { cursor } => snapshot.orders.rows.get(*cursor).map(|row| row.reference),
        Dialog::Order { reference } => Some(*reference),
        _ => None,
    }
}
