//! The orders of the day as a list, and one of them in full.

use ratatui::text::Line;
use rust_decimal::Decimal;

use super::Sheet;
use crate::domain::control::Venue;
use crate::domain::order::{ComplexKind, NetPrice, OrderState, SetRole};
use crate::domain::{Money, OrderRef};
use crate::snapshot::orders::{OrderLegRow, OrderRow, SetRow};
use crate::tui::format::{age_whole, cut, figure, width, wrap};
use crate::tui::panels::{Scene, span};

const KEYS: &str = "b send · x cancel · e price · d drop · Enter opens · Esc back";

pub fn row(scene: Scene<'_>, reference: OrderRef) -> Option<&OrderRow> {
    scene.snapshot.orders.rows.iter().find(|row| row.reference == reference)
}

pub fn list(scene: Scene<'_>, cursor: usize, limit: usize) -> Sheet {
    let theme = scene.theme();
    let (orders, alarms) = (&scene.snapshot.orders, &scene.snapshot.header.safety.alarms);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for alarm in alarms {
        let text = format!("ALARM: {alarm}");
        lines.extend(wrap(&scene.prose(&text), limit).into_iter().map(|l| Line::styled(l, theme.breach)));
    }
    if !alarms.is_empty() {
        let words = "no new order until it is cleared: look at the broker's platform, then Ctrl-k";
        lines.extend(wrap(words, limit).into_iter().map(|l| Line::styled(l, theme.dim)));
    }
    let first = lines.len();
    for order in &orders.rows {
        lines.push(line(scene, order, limit));
    }
    let title =
        format!("Orders: {} working, {} unknown, {} staged", orders.working, orders.unknown, orders.staged);
    if orders.rows.is_empty() {
        lines.push(Line::styled("none today: b on a WhatIf stages one, x on a trade closes it", theme.dim));
        return Sheet { title, lines, selected: None, scroll: 0, footer: "Esc back".to_owned() };
    }
    let selected = Some(first + cursor.min(orders.rows.len() - 1));
    Sheet { title, lines, selected, scroll: 0, footer: KEYS.to_owned() }
}

/// State, what, limit and how far it may go, mid, filled, age. What is too long is the label's to give.
fn line(scene: Scene<'_>, order: &OrderRow, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let style = if order.unknown {
        theme.breach
    } else {
        match order.state {
            OrderState::PartlyFilled | OrderState::Rejected => theme.near,
            OrderState::Filled => theme.good,
            state if state.has_ended() => theme.dim,
            _ => theme.text,
        }
    };
    let figures = format!(
        "  {:>9}{}  {}  {:>6}",
        order.limit.to_string(),
        order.worst.map_or_else(String::new, |worst| format!("{}{worst}", scene.prose("→"))),
        filled(order),
        age(scene, order),
    );
    let state = format!("{:<10}", state_word(order));
    let what = scene.prose(&format!(
        "{}{}{}{} {}",
        branch(scene, order),
        if order.looks_like.is_empty() { "" } else { "looks like yours: b · " },
        venue(order),
        order.underlying,
        order.label
    ));
    let room = limit.saturating_sub(width(&figures) + width(&state) + 1);
    let what = cut(&what, room);
    let gap = " ".repeat(room.saturating_sub(width(&what)) + 1);
    Line::from(vec![span(state, style), span(format!("{what}{gap}"), style), span(figures, style)])
}

/// Where it is, or would go.
fn venue(order: &OrderRow) -> String {
    let word = order.venue.map_or("", |venue| venue.word());
    match order.venue {
        _ if order.out_of_reach => format!("{}, not from here · ", word.to_uppercase()),
        None | Some(Venue::Simulator) => String::new(),
        Some(Venue::Live) => "LIVE · ".to_owned(),
        Some(_) => format!("{word} · "),
    }
}

/// How it hangs together with those that stand beside it.
fn branch(scene: Scene<'_>, order: &OrderRow) -> String {
    let Some(set) = &order.set else { return String::new() };
    let (tee, corner) = if scene.ui.ascii { ("|-", "`-") } else { ("├", "└") };
    match set.role {
        SetRole::Trigger => format!("{} · ", set.kind.word()),
        SetRole::Target if set.kind == ComplexKind::Oco => format!("{} · exit · ", set.kind.word()),
        SetRole::Target => format!("{tee} exit · "),
        SetRole::Stop { at } => format!("{corner} stop {at} · "),
    }
}

/// The order that speaks for a set; itself, where it is in none.
pub fn lead(scene: Scene<'_>, reference: OrderRef) -> OrderRef {
    row(scene, reference).and_then(|order| order.set.as_ref()).map_or(reference, |set| set.set)
}

/// One line for each order that hangs together with this one, itself included.
pub fn set_facts(scene: Scene<'_>, order: &OrderRow) -> Vec<String> {
    let Some(of) = &order.set else { return Vec::new() };
    let others = scene.snapshot.orders.rows.iter();
    let others = others.filter_map(|row| Some((row, row.set.as_ref().filter(|set| set.set == of.set)?)));
    let words = |(row, set): (&OrderRow, &SetRow)| {
        let what = match set.role {
            SetRole::Trigger => "opens",
            SetRole::Target => "exit",
            SetRole::Stop { .. } => "stop",
        };
        format!("{what}: limit {}, {}; {}", row.limit, row.good_for, set.words)
    };
    others.map(words).collect()
}

fn state_word(order: &OrderRow) -> &'static str {
    if order.unknown {
        return "UNKNOWN";
    }
    match order.state {
        OrderState::Staged => "staged",
        OrderState::Submitting => "sending",
        OrderState::Working if order.set.as_ref().is_some_and(|set| set.waits) => "waiting",
        OrderState::Working => "working",
        OrderState::Unknown => "UNKNOWN",
        OrderState::Filled => "filled",
        OrderState::PartlyFilled => "partly",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
        OrderState::Rejected => "rejected",
        OrderState::Dropped => "dropped",
    }
}

/// Lots: how many are filled of how many; where the legs are not equal, from the least filled to the most.
fn filled(order: &OrderRow) -> String {
    let lots = |leg: &OrderLegRow| {
        let of_one = Decimal::from(leg.quantity) / Decimal::from(order.units.max(1));
        leg.filled.checked_div(of_one).unwrap_or_default().round_dp(2).normalize()
    };
    let least = order.legs.iter().map(lots).min().unwrap_or_default();
    let most = order.legs.iter().map(lots).max().unwrap_or_default();
    let units = order.units;
    if least == most { format!("{least}/{units}") } else { format!("{least}–{most}/{units}") }
}

fn age(scene: Scene<'_>, order: &OrderRow) -> String {
    let seconds = (scene.snapshot.as_of - order.since).num_milliseconds() as f64 / 1000.0;
    age_whole(seconds.max(0.0) + scene.ui.since_snapshot().as_secs_f64())
}

/// Everything that a yes is given to.
pub fn facts(scene: Scene<'_>, order: &OrderRow) -> Vec<String> {
    let to = match order.venue {
        Some(Venue::Paper) => ": filled on paper, nothing is sent",
        Some(Venue::Sandbox) => ", the broker's sandbox",
        Some(Venue::Live) => ", REAL MONEY",
        Some(Venue::Simulator) | None => "",
    };
    let portfolio = order.portfolio.as_ref().map_or_else(String::new, |name| format!(", {name}"));
    let mut facts =
        vec![scene.prose(&format!(
            "{} {}, account {}{portfolio}{to}",
            order.underlying, order.label, order.account
        ))];
    for leg in &order.legs {
        let mut text = format!("{} × {}", leg.quantity, scene.prose(&leg.label));
        if let Some(price) = leg.price {
            text.push_str(&format!(", {} filled at {price}", leg.filled.normalize()));
        }
        facts.push(text);
    }
    let net = |price: NetPrice| price.to_string();
    let lots = if order.units == 1 { "1 lot".to_owned() } else { format!("{} lots", order.units) };
    let worst = order.worst.map_or_else(String::new, |worst| format!(", to {worst} at worst"));
    facts.push(format!(
        "{lots}, limit {}{worst}, {}; mid {}, natural {}",
        order.limit,
        order.good_for,
        figure(&order.mid, net).text,
        figure(&order.natural, net).text
    ));
    let money = |value: Option<crate::domain::Money>| {
        value.map_or_else(|| "—".to_owned(), |value| value.0.round_dp(2).to_string())
    };
    facts.push(format!(
        "buying power {}, fees {}",
        money(order.buying_power_change),
        money(order.fees.map(|fees| Money(fees.0.abs())))
    ));
    facts.extend(order.warnings.iter().map(|warning| format!("the broker warns: {warning}")));
    facts
}

pub fn one(scene: Scene<'_>, reference: OrderRef, limit: usize) -> Sheet {
    let theme = scene.theme();
    let Some(order) = row(scene, reference) else {
        let lines = vec![Line::styled("no longer listed", theme.dim)];
        let footer = "Esc back".to_owned();
        return Sheet { title: "order".to_owned(), lines, selected: None, scroll: 0, footer };
    };
    let style = if order.unknown { theme.breach } else { theme.strong };
    let mut lines: Vec<Line<'static>> =
        wrap(&scene.prose(&order.words), limit).into_iter().map(|line| Line::styled(line, style)).collect();
    let mut facts = facts(scene, order);
    if let Some(id) = &order.broker_id {
        facts.push(format!("the broker's number {id}"));
    }
    if !order.looks_like.is_empty() {
        let seen = order.looks_like.join(", ");
        facts.push(format!("looks like yours at the broker: {seen}; b takes it for yours"));
    }
    facts.extend(set_facts(scene, order));
    if let Some(id) = order.set.as_ref().and_then(|set| set.broker_id.as_ref()) {
        facts.push(format!("the broker's number of the set {id}"));
    }
    facts.push(format!("reference {}", order.reference));
    facts.push(format!("for {} since", age(scene, order)));
    lines.extend(facts.iter().flat_map(|fact| wrap(fact, limit)).map(|line| Line::styled(line, theme.text)));
    let footer = "b send · x cancel · e price · d drop · Esc back".to_owned();
    Sheet { title: format!("Order: {}", state_word(order)), lines, selected: None, scroll: 0, footer }
}
