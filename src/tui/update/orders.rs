//! Keys that lead to orders. None of them sends anything by itself: a send is confirmed, and with real money
//! typed.

use tui_input::Input;

use super::actions::ask;
use crate::domain::control::Venue;
use crate::domain::order::{NetPrice, OrderFor, OrderState};
use crate::domain::{Command, OrderRef, TradeId};
use crate::snapshot::orders::OrderRow;
use crate::snapshot::positions::TradeRow;
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
    let (title, prompt) = stage_words(row, purpose);
    let known = row.rationale.clone().filter(|_| !purpose.is_closing()).unwrap_or_default();
    ui.dialogs.push(Dialog::Text {
        title: title.to_owned(),
        prompt,
        input: Input::new(known),
        purpose: Purpose::Stage { trade, purpose },
    });
}

fn stage_words(row: &TradeRow, purpose: OrderFor) -> (&'static str, String) {
    let (label, rule) = (&row.label, &row.rule);
    match purpose {
        OrderFor::Open => (
            "Stage",
            format!(
                "Why {label} now? It becomes a real intent; the order is staged, not sent. Tab: together with its exits."
            ),
        ),
        OrderFor::OpenWithExits => (
            "Stage with exits (OTOCO)",
            format!(
                "Why {label} now? With the order go its exits, which begin with its fill: the profit of its rule and a \
                 stop with a limit, until cancelled; one ends the other. The order keeps one limit, where a walk would \
                 end. Staged, not sent. Tab: without exits."
            ),
        ),
        OrderFor::Close => ("Close", format!("Why close {label} now? The order is staged, not sent.")),
        OrderFor::RestExit => (
            "Rest an exit (GTC)",
            format!(
                "{label}: its rule says {rule}. Why rest an order there until cancelled? It is staged, not sent. \
                 Tab: with a stop beside it."
            ),
        ),
        OrderFor::Bracket => (
            "Rest two exits (OCO)",
            format!(
                "{label}: its rule says {rule}. Why rest an order there and a stop with a limit beside it, until \
                 cancelled? One ends the other. Staged, not sent. Tab: without the stop."
            ),
        ),
    }
}

/// Tab: with the exits or without them. What is typed stays.
pub fn toggle_exits(ui: &mut UiState, snapshot: &Snapshot) {
    let Some(Dialog::Text { title, prompt, purpose: Purpose::Stage { trade, purpose }, .. }) =
        ui.dialogs.last_mut()
    else {
        return;
    };
    let other = match purpose {
        OrderFor::Open => OrderFor::OpenWithExits,
        OrderFor::OpenWithExits => OrderFor::Open,
        OrderFor::RestExit => OrderFor::Bracket,
        OrderFor::Bracket => OrderFor::RestExit,
        OrderFor::Close => return,
    };
    let Some(row) = rows::trade(snapshot, *trade) else { return };
    if let Some(no) = row.no_orders.iter().find(|no| no.purpose == other) {
        let (why, remedy) = (no.why.clone(), no.remedy.clone());
        ui.say(Level::Warning, why, Some(remedy));
        return;
    }
    let (words, asked) = stage_words(row, other);
    *purpose = other;
    words.clone_into(title);
    *prompt = asked;
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
    // A set is sent whole: any of its orders stands for it.
    let reference = orders::lead(scene, reference);
    let Some(order) = orders::row(scene, reference).filter(|order| order.can_send) else {
        ui.say(Level::Warning, "only a staged order can be sent", None);
        return;
    };
    let Some(body_hash) = order.body_hash.clone() else { return };
    let mut facts = orders::facts(scene, order);
    facts.extend(orders::set_facts(scene, order));
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
    if order.out_of_reach {
        let venue = order.venue.map_or("other", |venue| venue.word()).to_uppercase();
        let why = format!("it works at the {venue} broker, which this run does not send to");
        let remedy = format!("start cotrader in {venue} mode, or cancel it on the broker's own platform");
        ui.say(Level::Warning, why, Some(remedy));
        return;
    }
    if !order.can_cancel {
        let remedy = order.can_drop.then(|| "d takes it back".to_owned());
        ui.say(Level::Warning, "it is not working, or a change of it is on its way", remedy);
        return;
    }
    let mut lines = vec![order.label.clone()];
    let question = if order.set.is_some() {
        lines.extend(orders::set_facts(scene, order));
        lines.push("All of them that have not ended are cancelled.".to_owned());
        "Cancel these orders?"
    } else {
        "Cancel this order?"
    };
    let then = Effect::Ask(Request::Command(Command::CancelOrder { order: reference }));
    ui.dialogs.push(Dialog::Confirm { question: question.to_owned(), lines, then });
}

pub fn new_limit(ui: &mut UiState, snapshot: &Snapshot, reference: OrderRef) {
    let scene = Scene { snapshot, ui };
    let Some(order) = orders::row(scene, reference) else { return };
    if !order.can_change {
        let why = if order.set.is_some() {
            "an order that hangs together with others keeps its price: cancel them (x) and stage anew"
        } else {
            "only a working order takes another price"
        };
        ui.say(Level::Warning, why, None);
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
