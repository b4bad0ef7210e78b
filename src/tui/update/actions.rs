//! What each named action does outside dialogs.

use tui_input::Input;

use super::{orders, typing};
use crate::domain::order::OrderFor;
use crate::domain::view::{Scope, View};
use crate::domain::{Command, TradeId, TradeKind};
use crate::snapshot::overview::StripKind;
use crate::snapshot::{Level, Snapshot};
use crate::tui::dialogs::{Choice, Dialog, Item, Purpose};
use crate::tui::keymap::{Action, applies};
use crate::tui::layout;
use crate::tui::message::{Effect, Request};
use crate::tui::panels::{self, Scene};
use crate::tui::rows::{self, RowKey};
use crate::tui::state::{EntryKind, Panel, UiState};

pub fn ask(command: Command) -> Option<Effect> {
    Some(Effect::Ask(Request::Command(command)))
}

pub fn set_view(view: View) -> Option<Effect> {
    ask(Command::SetView { view })
}

pub fn act(ui: &mut UiState, action: Action, snapshot: &Snapshot) -> Option<Effect> {
    if !applies(action, snapshot, ui) {
        return None;
    }
    let page = layout::body_height(ui.focus, snapshot, ui).max(2);
    let step = |rows: usize| isize::try_from(rows).unwrap_or(isize::MAX);
    match action {
        Action::Down => move_by(ui, snapshot, 1),
        Action::Up => move_by(ui, snapshot, -1),
        Action::HalfPageDown => move_by(ui, snapshot, step(page / 2)),
        Action::HalfPageUp => move_by(ui, snapshot, -step(page / 2)),
        Action::PageDown => move_by(ui, snapshot, step(page)),
        Action::PageUp => move_by(ui, snapshot, -step(page)),
        Action::Top => move_by(ui, snapshot, isize::MIN + 1),
        Action::Bottom => move_by(ui, snapshot, isize::MAX),
        Action::Left => sideways(ui, snapshot, -1),
        Action::Right => sideways(ui, snapshot, 1),
        Action::NextPanel => ui.focus = ui.focus.step(1),
        Action::PreviousPanel => ui.focus = ui.focus.step(-1),
        Action::Focus(panel) => ui.focus = panel,
        Action::Zoom => ui.zoom = !ui.zoom,
        Action::Back => back(ui),
        Action::Acknowledge => {
            ui.toasts.pop();
        }
        Action::Open => open(ui, snapshot),
        Action::Help => ui.dialogs.push(Dialog::Help { scroll: 0 }),
        Action::Filter => {
            let typed = ui.filters[ui.focus.index()].clone();
            typing::start(ui, EntryKind::Filter, &typed);
        }
        Action::CommandLine => typing::start(ui, EntryKind::Command, ""),
        Action::WhatIf => {
            let symbol = ui.selected().and_then(|key| rows::symbol_of(snapshot, key))?;
            typing::start(ui, EntryKind::Command, &format!("{} ", symbol.as_str().to_lowercase()));
        }
        Action::NextProblem => problem(ui, snapshot, true),
        Action::PreviousProblem => problem(ui, snapshot, false),
        Action::Sort => ui.risk_sort = ui.risk_sort.next(),
        Action::Freeze => ui.frozen_at = if ui.frozen_at.is_some() { None } else { Some(ui.now) },
        Action::Refresh => return ask(Command::Refresh),
        Action::Streaming => return ask(Command::SetStreaming { on: !snapshot.header.streaming }),
        Action::Counts => {
            let view = ui.view(snapshot);
            return set_view(View { counts: view.counts.next(snapshot.header.working > 0), ..view });
        }
        Action::Earlier => {
            let view = ui.view(snapshot);
            return set_view(View { horizon: view.horizon.earlier(), ..view });
        }
        Action::Later => {
            let view = ui.view(snapshot);
            return set_view(View { horizon: view.horizon.later(), ..view });
        }
        Action::Subject => {
            let view = ui.view(snapshot);
            let scenario_of = match view.scenario_of {
                Some(_) => None,
                None => {
                    let key = ui.cursor(Panel::Risk).key.as_ref()?;
                    Some(rows::symbol_of(snapshot, key)?)
                }
            };
            return set_view(View { scenario_of, ..view });
        }
        Action::Portfolio => pick_portfolio(ui, snapshot),
        Action::Move => {
            let trade = selected_trade(ui, snapshot)?;
            pick_route(ui, snapshot, trade);
        }
        Action::Note => {
            let trade = selected_trade(ui, snapshot);
            let symbol = ui.selected().and_then(|key| rows::symbol_of(snapshot, key));
            note(ui, snapshot, trade, symbol);
        }
        Action::Discard => {
            let trade = selected_trade(ui, snapshot)?;
            discard(ui, snapshot, trade);
        }
        Action::StepOn => {
            let trade = selected_trade(ui, snapshot)?;
            orders::step_on(ui, snapshot, trade);
        }
        Action::Close => {
            let trade = selected_trade(ui, snapshot)?;
            orders::stage(ui, snapshot, trade, OrderFor::Close);
        }
        Action::RestExit => {
            let trade = selected_trade(ui, snapshot)?;
            orders::stage(ui, snapshot, trade, OrderFor::RestExit);
        }
        Action::Edit => {
            let trade = selected_trade(ui, snapshot)?;
            let order =
                snapshot.orders.rows.iter().find(|row| row.trade == trade && row.can_change)?.reference;
            orders::new_limit(ui, snapshot, order);
        }
        Action::Orders => orders::list(ui),
        Action::Copy => {
            let key = ui.selected()?;
            let text = panels::key_text(snapshot, key)?;
            return copy(ui, text);
        }
        Action::CopyRow => {
            let index = ui.cursor(ui.focus).index;
            let text = panels::row_text(Scene { snapshot, ui }, ui.focus, index)?;
            return copy(ui, text);
        }
        Action::Kill => ui.dialogs.push(Dialog::Kill),
        Action::Suspend => return Some(Effect::Suspend),
        Action::Quit => return Some(Effect::Ask(Request::Quit)),
    }
    None
}

fn selected_trade(ui: &UiState, snapshot: &Snapshot) -> Option<TradeId> {
    rows::trade_of(snapshot, ui.selected()?)
}

fn copy(ui: &mut UiState, text: String) -> Option<Effect> {
    ui.say(Level::Done, format!("copied {text}"), None);
    Some(Effect::Copy(text))
}

fn select(ui: &mut UiState, panel: Panel, keys: &[RowKey], index: usize) {
    let cursor = &mut ui.cursors[panel.index()];
    cursor.index = index;
    cursor.key = keys.get(index).cloned();
}

fn move_by(ui: &mut UiState, snapshot: &Snapshot, by: isize) {
    let keys = rows::keys(ui.focus, snapshot, ui);
    if keys.is_empty() {
        return;
    }
    let index = ui.cursor(ui.focus).index.saturating_add_signed(by).min(keys.len() - 1);
    select(ui, ui.focus, &keys, index);
}

/// Cells of the matrix; elsewhere folds and unfolds.
fn sideways(ui: &mut UiState, snapshot: &Snapshot, by: isize) {
    match ui.focus {
        Panel::Scenario => {
            let count = snapshot.scenario.spot_moves.len();
            let column = ui.scenario_column(snapshot).saturating_add_signed(by);
            ui.column = Some(column.min(count.saturating_sub(1)));
        }
        Panel::Positions => {
            let Some(key) = ui.selected().cloned() else { return };
            let open = is_open(ui, snapshot, &key);
            match (by > 0, open, &key) {
                (true, false, RowKey::Group(_) | RowKey::Trade(_)) => {
                    ui.folds.insert(key, true);
                }
                (false, true, RowKey::Group(_) | RowKey::Trade(_)) => {
                    ui.folds.insert(key, false);
                }
                (false, _, _) => {
                    if let Some(parent) = parent(snapshot, &key) {
                        let keys = rows::keys(Panel::Positions, snapshot, ui);
                        if let Some(index) = keys.iter().position(|k| *k == parent) {
                            select(ui, Panel::Positions, &keys, index);
                        }
                    }
                }
                (true, ..) => {}
            }
        }
        Panel::Market | Panel::Risk | Panel::Blotter => {}
    }
}

fn is_open(ui: &UiState, snapshot: &Snapshot, key: &RowKey) -> bool {
    rows::position_lines(snapshot, ui).iter().any(|line| match line {
        rows::PositionLine::Group(_, open) | rows::PositionLine::Trade(_, open) => {
            *open && line.key() == *key
        }
        rows::PositionLine::Leg(..) => false,
    })
}

fn parent(snapshot: &Snapshot, key: &RowKey) -> Option<RowKey> {
    match key {
        RowKey::Leg(trade, _) => Some(RowKey::Trade(*trade)),
        RowKey::Trade(_) => rows::symbol_of(snapshot, key).map(RowKey::Group),
        _ => None,
    }
}

/// One level back: filter, zoom, the last message. At the top nothing happens; it never quits.
fn back(ui: &mut UiState) {
    let filter = &mut ui.filters[ui.focus.index()];
    if !ui.toasts.is_empty() {
        ui.toasts.pop();
    } else if !filter.is_empty() {
        filter.clear();
    } else if ui.zoom {
        ui.zoom = false;
    }
}

fn open(ui: &mut UiState, snapshot: &Snapshot) {
    let Some(key) = ui.selected().cloned() else { return };
    let dialog = match key {
        RowKey::Underlying(symbol) => Dialog::Underlying { symbol, cursor: 0 },
        RowKey::Group(symbol) => Dialog::Underlying { symbol, cursor: 0 },
        RowKey::Trade(id) => Dialog::Trade { id, cursor: 0 },
        RowKey::Leg(trade, instrument) => Dialog::Leg { trade, instrument },
        RowKey::Todo(key) => Dialog::Todo { key, cursor: 0 },
        RowKey::Cell { row, .. } => Dialog::Cell { row, column: ui.scenario_column(snapshot) },
    };
    ui.dialogs.push(dialog);
}

fn problem(ui: &mut UiState, snapshot: &Snapshot, forward: bool) {
    let problems = rows::problems(snapshot, ui);
    let count = problems.len();
    if count == 0 {
        return;
    }
    let here = ui.selected().and_then(|key| {
        let focus = ui.focus;
        problems.iter().position(|(panel, k)| *panel == focus && k == key)
    });
    let next = match (here, forward) {
        (None, true) => problems.iter().position(|(p, _)| p.index() >= ui.focus.index()).unwrap_or(0),
        (None, false) => {
            problems.iter().rposition(|(p, _)| p.index() <= ui.focus.index()).unwrap_or(count - 1)
        }
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
    };
    let (panel, key) = &problems[next];
    let keys = rows::keys(*panel, snapshot, ui);
    if let Some(index) = keys.iter().position(|k| k == key) {
        ui.focus = *panel;
        select(ui, *panel, &keys, index);
    }
}

fn pick_portfolio(ui: &mut UiState, snapshot: &Snapshot) {
    let mut items = vec![Item::new("all real portfolios", Choice::Scope(Scope::AllReal))];
    for strip in &snapshot.portfolios {
        let scope = match (strip.kind, strip.id) {
            (StripKind::Real | StripKind::Hypothetical, Some(id)) => Scope::Portfolio(id),
            (StripKind::Unassigned, _) => Scope::Unassigned,
            _ => continue,
        };
        let beside = if strip.kind == StripKind::Hypothetical { ", hypothetical" } else { "" };
        let trades = if strip.trades == 1 { "trade" } else { "trades" };
        let label = format!("{}  ({} {trades}{beside})", strip.name, strip.trades);
        items.push(Item::new(label, Choice::Scope(scope)));
    }
    let now = Some(Choice::Scope(snapshot.view.scope));
    let cursor = items.iter().position(|i| i.choice == now).unwrap_or(0);
    ui.dialogs.push(Dialog::Pick { title: "Portfolio in view".to_owned(), items, cursor });
}

pub fn pick_route(ui: &mut UiState, snapshot: &Snapshot, trade: TradeId) {
    let Some(row) = rows::trade(snapshot, trade) else { return };
    let items: Vec<Item> = row
        .routes
        .iter()
        .map(|route| match &route.refused {
            None => Item::new(route.name.clone(), Choice::Route { trade, to: route.portfolio }),
            Some(why) => {
                // The reason may begin with the portfolio's name; once is enough.
                let why = why.strip_prefix(route.name.as_str()).map_or(why.as_str(), str::trim_start);
                Item { label: format!("{}: {why}", route.name), choice: None }
            }
        })
        .collect();
    if items.is_empty() {
        ui.say(Level::Warning, "there is no other portfolio to move it to", None);
        return;
    }
    ui.dialogs.push(Dialog::Pick { title: format!("Move {} to", row.label), items, cursor: 0 });
}

pub fn note(
    ui: &mut UiState,
    snapshot: &Snapshot,
    trade: Option<TradeId>,
    underlying: Option<crate::domain::Symbol>,
) {
    let row = trade.and_then(|id| rows::trade(snapshot, id));
    let missing = row.is_some_and(|t| t.rationale.is_none());
    let what = match (row, &underlying) {
        (Some(row), _) => row.label.clone(),
        (None, Some(symbol)) => symbol.to_string(),
        (None, None) => return,
    };
    let (title, prompt) = if missing {
        ("Rationale", format!("Why is this trade on? {what}"))
    } else {
        ("Note", format!("About {what}. It is recorded with the time and cannot be changed later."))
    };
    ui.dialogs.push(Dialog::Text {
        title: title.to_owned(),
        prompt,
        input: Input::default(),
        purpose: Purpose::Note { trade, underlying, missing },
    });
}

pub fn discard(ui: &mut UiState, snapshot: &Snapshot, trade: TradeId) {
    let Some(row) = rows::trade(snapshot, trade).filter(|t| !t.is_open) else {
        ui.say(
            Level::Warning,
            "only what is not held can be discarded",
            Some("x closes a position".to_owned()),
        );
        return;
    };
    let title =
        if row.kind == TradeKind::WhatIf { "Discard a WhatIf" } else { "Discard what was not filled" };
    ui.dialogs.push(Dialog::Text {
        title: title.to_owned(),
        prompt: format!("Why not {}?", row.label),
        input: Input::default(),
        purpose: Purpose::DiscardReason { trade, label: row.label.clone() },
    });
}
