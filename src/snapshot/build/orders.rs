//! The order list.

use rust_decimal::Decimal;

use super::Facts;
use crate::booking::ticket;
use crate::containers::{Order, SetPlace};
use crate::domain::event::OrderChange;
use crate::domain::order::{
    ComplexKind, OrderAction, OrderLeg, OrderState, OrderStatus, SetRole, TimeInForce,
};
use crate::domain::time::new_york_date;
use crate::domain::{Price, label};
use crate::snapshot::orders::{OrderLegRow, OrderRow, OrdersPanel, SetRow};
use crate::snapshot::shown::Shown;

pub(super) fn panel(facts: &Facts<'_>) -> OrdersPanel {
    let today = new_york_date(facts.now);
    let listed = |order: &&Order| !order.state.has_ended() || new_york_date(order.since) == today;
    let mut orders: Vec<&Order> = facts.books.orders.values().filter(listed).collect();
    // Orders that hang together stand together, where the first of them by this order would.
    let alone = |order: &Order| (rank(order), std::cmp::Reverse((order.since, order.ticket.reference)));
    let first = |order: &Order| {
        let of_set = order.set.iter().flat_map(|place| facts.books.orders_of_set(place.set));
        of_set.filter(listed).map(alone).min().unwrap_or_else(|| alone(order))
    };
    orders.sort_by_cached_key(|order| (first(order), order.set.as_ref().map_or(0, |place| place.place)));
    let count = |wanted: fn(&Order) -> bool| orders.iter().filter(|order| wanted(order)).count();
    OrdersPanel {
        staged: count(|order| order.state == OrderState::Staged),
        working: count(|order| order.state.may_work() && !order.is_unknown()),
        unknown: count(Order::is_unknown),
        rows: orders.iter().map(|order| row(facts, order)).collect(),
    }
}

fn rank(order: &Order) -> u8 {
    match order.state {
        _ if order.is_unknown() => 0,
        OrderState::PartlyFilled => 1,
        state if state.may_work() => 2,
        OrderState::Staged => 3,
        _ => 4,
    }
}

fn row(facts: &Facts<'_>, order: &Order) -> OrderRow {
    let ticket = &order.ticket;
    let trade = facts.books.trades.get(&ticket.trade);
    let what =
        trade.map_or_else(String::new, |trade| label::structure(trade.strategy, &trade.legs, facts.year()));
    let prices = ticket::prices(ticket, facts.market);
    let account = facts.account_named(ticket.account);
    let goes = facts.venue(ticket.account);
    let out_of_reach =
        order.state.may_work() && (goes.is_none() || order.venue.is_some_and(|was| goes != Some(was)));
    let can_cancel = (order.state == OrderState::Working || order.is_reached_by_set())
        && !order.is_changing()
        && !out_of_reach
        && facts.read_only.is_none();
    let dry_run = order.dry_run.as_ref();
    OrderRow {
        reference: ticket.reference,
        broker_id: order.ids.last().map(ToString::to_string),
        trade: ticket.trade,
        underlying: ticket
            .legs
            .first()
            .map_or_else(|| facts.market.benchmark().clone(), |leg| leg.instrument.underlying().clone()),
        label: if ticket.is_closing() { format!("close {what}") } else { what },
        account: account.unwrap_or_else(|| "?".to_owned()),
        state: order.state,
        venue: order.venue.or(goes),
        unknown: order.is_unknown(),
        looks_like: facts
            .alike
            .get(&ticket.reference)
            .map_or_else(Vec::new, |seen| seen.iter().map(|report| report.id.to_string()).collect()),
        words: words(order),
        limit: order.limit,
        good_for: match ticket.time_in_force {
            TimeInForce::Day => "day".to_owned(),
            TimeInForce::Gtc => "good till cancelled".to_owned(),
            TimeInForce::Gtd(date) => format!("good till {}", label::short_date(date, facts.year())),
        },
        portfolio: trade.and_then(|trade| facts.books.portfolio(trade.portfolio?)).map(|p| p.name.clone()),
        worst: order.walk.map(|walk| walk.worst),
        mid: prices.map_or_else(Shown::unknown, |prices| Shown::live(prices.mid)),
        natural: prices.map_or_else(Shown::unknown, |prices| Shown::live(prices.natural)),
        legs: ticket.legs.iter().enumerate().map(|(at, leg)| leg_row(facts, order, at, leg)).collect(),
        units: ticket.units(),
        staged_at: order.staged_at,
        sent_at: order.sent_at,
        since: order.since,
        buying_power_change: dry_run.and_then(|dry_run| dry_run.buying_power_change),
        fees: dry_run.and_then(|dry_run| dry_run.fees),
        warnings: dry_run.map_or_else(Vec::new, |dry_run| {
            dry_run.warnings.iter().map(|warning| warning.text.clone()).collect()
        }),
        body_hash: dry_run.map(|dry_run| dry_run.body_hash.clone()),
        set: order.set.as_ref().map(|place| set_row(facts, order, place)),
        rests: ticket.is_closing() && ticket.time_in_force == TimeInForce::Gtc,
        out_of_reach,
        // Of a set the first one speaks for all.
        can_send: order.state == OrderState::Staged
            && facts.read_only.is_none()
            && order.set.as_ref().is_none_or(|place| place.place == 0),
        can_cancel,
        can_change: can_cancel && !order.is_unknown() && order.set.is_none(),
        can_drop: matches!(order.state, OrderState::Staged | OrderState::Unknown)
            && facts.read_only.is_none(),
    }
}

fn set_row(facts: &Facts<'_>, order: &Order, place: &SetPlace) -> SetRow {
    let opens = |order: &&Order| order.set.as_ref().is_some_and(|it| it.role == SetRole::Trigger);
    let trigger = facts.books.orders_of_set(place.set).into_iter().find(opens);
    let is_open = trigger.is_none_or(|trigger| trigger.state == OrderState::Filled);
    let words = match (place.kind, place.role) {
        (_, SetRole::Trigger) => "its fill sends the exits; its end without one cancels them".to_owned(),
        (kind, role) => {
            let waits =
                if kind == ComplexKind::Oco || is_open { "" } else { "waits for the opening order; " };
            let stop = role
                .stop()
                .map_or_else(String::new, |at| format!("waits until closing it costs {at} or more; "));
            format!("{waits}{stop}ends when the other exit fills")
        }
    };
    SetRow {
        set: place.set,
        kind: place.kind,
        role: place.role,
        broker_id: place.id.as_ref().map(ToString::to_string),
        words,
        waits: order.status == Some(OrderStatus::Contingent),
    }
}

fn leg_row(facts: &Facts<'_>, order: &Order, at: usize, leg: &OrderLeg) -> OrderLegRow {
    let fills = || order.fills.iter().filter(|booked| booked.instrument == leg.instrument);
    let filled = order.filled(at);
    let paid: Decimal = fills().map(|booked| booked.fill.price.0 * booked.fill.quantity).sum();
    OrderLegRow {
        label: format!("{} {}", action_words(leg.action), label::leg(&leg.instrument, facts.year())),
        instrument: leg.instrument.broker_symbol(),
        quantity: leg.quantity,
        filled,
        price: paid.checked_div(filled).map(|price| Price(price.round_dp(4).normalize())),
    }
}

fn action_words(action: OrderAction) -> &'static str {
    match action {
        OrderAction::BuyToOpen => "buy to open",
        OrderAction::SellToOpen => "sell to open",
        OrderAction::BuyToClose => "buy to close",
        OrderAction::SellToClose => "sell to close",
    }
}

fn words(order: &Order) -> String {
    let state = match order.state {
        OrderState::Staged => "staged",
        OrderState::Submitting => "submitting",
        OrderState::Working if order.change_lost => "UNKNOWN: a change of it had no answer",
        OrderState::Working if order.status == Some(OrderStatus::Contingent) => "waiting at the broker",
        OrderState::Working => "working",
        OrderState::Unknown => "UNKNOWN",
        OrderState::Filled => "filled",
        OrderState::PartlyFilled => "ended partly filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
        OrderState::Rejected => "rejected",
        OrderState::Dropped => "dropped",
    };
    let mut words = state.to_owned();
    match order.change {
        Some(OrderChange::Cancel) => words.push_str(", cancel asked"),
        Some(OrderChange::Replace { limit }) => words.push_str(&format!(", {limit} asked")),
        None if order.state == OrderState::Working && order.is_changing() => words.push_str(", changing"),
        None => {}
    }
    if let Some(why) = &order.why {
        words.push_str(": ");
        words.push_str(why);
    }
    words
}
