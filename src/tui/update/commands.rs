//! The command line: booking lines, views by name, and every action by its name.

use tui_input::Input;

use super::actions::{act, ask, set_view};
use crate::domain::Command;
use crate::domain::command_line::{BookingLine, parse_booking, split_rationale};
use crate::domain::text::clean;
use crate::domain::view::{Counts, Horizon, Scope, View};
use crate::snapshot::overview::StripKind;
use crate::snapshot::{Level, Snapshot};
use crate::tui::dialogs::{Dialog, Purpose};
use crate::tui::keymap::{Action, applies};
use crate::tui::message::{Effect, Request};
use crate::tui::state::UiState;

pub fn execute(ui: &mut UiState, line: &str, snapshot: &Snapshot) -> Option<Effect> {
    let mut words = line.split_whitespace();
    let first = words.next()?.to_lowercase();
    let rest = words.collect::<Vec<_>>().join(" ");
    let view = ui.view(snapshot);
    match (first.as_str(), rest.to_lowercase().as_str()) {
        ("q", "") => return Some(Effect::Ask(Request::Quit)),
        ("stream", "on") => return ask(Command::SetStreaming { on: true }),
        ("stream", "off") => return ask(Command::SetStreaming { on: false }),
        ("stream", _) => return usage(ui, "stream on, or stream off"),
        ("portfolio", name) if !name.is_empty() => return portfolio(ui, name, snapshot),
        ("counts", what) if !what.is_empty() => {
            let counts = match what {
                "real" => Counts::Real,
                "working" if snapshot.header.working == 0 => {
                    ui.say(Level::Warning, "no orders are working: what is real counts", None);
                    Counts::Real
                }
                "working" => Counts::Working,
                "whatif" => Counts::WhatIf,
                _ => return usage(ui, "counts real, counts working or counts whatif"),
            };
            return set_view(View { counts, ..view });
        }
        ("horizon", when) => {
            let horizon = match when {
                "now" => Horizon::Now,
                "5d" => Horizon::FiveDays,
                "expiry" => Horizon::Expiry,
                _ => return usage(ui, "horizon now, horizon 5d or horizon expiry"),
            };
            return set_view(View { horizon, ..view });
        }
        (name, "") => {
            if let Some(action) = named_action(ui, name) {
                if applies(action, snapshot, ui) {
                    return act(ui, action, snapshot);
                }
                ui.say(Level::Warning, format!("{} needs another row selected", clean(name, 40)), None);
                return None;
            }
            let remedy = Some("Tab completes, ? lists every command".to_owned());
            ui.say(Level::Error, format!("no command {:?}", clean(name, 40)), remedy);
            return None;
        }
        _ => {}
    }
    let (head, rationale) = split_rationale(line);
    match parse_booking(head) {
        Ok(booking) => book(ui, booking, rationale),
        Err(bad) => {
            ui.say(Level::Error, bad.to_string(), Some(bad.remedy().to_owned()));
            None
        }
    }
}

/// By its whole name, or by a beginning that no other action of this panel shares.
fn named_action(ui: &UiState, name: &str) -> Option<Action> {
    let here = || ui.keymap.bindings.iter().filter(|b| b.context.holds(ui.focus));
    if let Some(exact) = ui.keymap.named(name) {
        return Some(exact.action);
    }
    let mut starting = here().filter(|b| b.name.starts_with(name));
    match (starting.next(), starting.next()) {
        (Some(only), None) if name.len() > 1 => Some(only.action),
        _ => None,
    }
}

fn usage(ui: &mut UiState, form: &str) -> Option<Effect> {
    ui.say(Level::Error, "that command is not complete", Some(format!("write it as: {form}")));
    None
}

fn portfolio(ui: &mut UiState, name: &str, snapshot: &Snapshot) -> Option<Effect> {
    let scope = match name {
        "all" | "real" | "all real" => Some(Scope::AllReal),
        "unassigned" | "inbox" => Some(Scope::Unassigned),
        _ => snapshot
            .portfolios
            .iter()
            .filter(|p| matches!(p.kind, StripKind::Real | StripKind::Hypothetical))
            .find(|p| p.name.to_lowercase() == name)
            .and_then(|p| p.id)
            .map(Scope::Portfolio),
    };
    if let Some(scope) = scope {
        return set_view(View { scope, ..ui.view(snapshot) });
    }
    let known: Vec<&str> =
        snapshot.portfolios.iter().filter(|p| p.id.is_some()).map(|p| p.name.as_str()).collect();
    let remedy = Some(format!("portfolios are {}, or all", known.join(", ")));
    ui.say(Level::Error, format!("no portfolio named {:?}", clean(name, 40)), remedy);
    None
}

/// A booking carries its rationale; where the line has none it is asked for, never invented.
fn book(ui: &mut UiState, line: BookingLine, rationale: Option<&str>) -> Option<Effect> {
    if let Some(rationale) = rationale {
        return ask(Command::Book { line, rationale: rationale.to_owned() });
    }
    let portfolio = line.portfolio.as_deref().map_or_else(String::new, |p| format!(" in {p}"));
    let prompt = format!(
        "WhatIf: {} lot{} of {} {}{portfolio}. Why?",
        line.lots,
        if line.lots == 1 { "" } else { "s" },
        line.underlying,
        line.strategy.words()
    );
    ui.dialogs.push(Dialog::Text {
        title: "Rationale".to_owned(),
        prompt,
        input: Input::default(),
        purpose: Purpose::Rationale(line),
    });
    None
}
