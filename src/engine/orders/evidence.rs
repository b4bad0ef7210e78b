//! What a look at an order proves, and what it does not. A look that failed never comes here; a word of the
//! broker's without the fills that belong to it proves only half.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::looks::LookUp;
use crate::containers::{Containers, Order};
use crate::domain::control::Alarm;
use crate::domain::event::{AlarmRaised, BookedFill, OrderFilled, OrderMoved};
use crate::domain::order::{OrderLeg, OrderReport, OrderState, OrderStatus, OrderStep, Phase};
use crate::domain::{Event, OrderRef, TradeState};

/// Events that the report calls for, and whether the same order has to be looked at again soon.
#[derive(Debug, Default, PartialEq)]
pub struct Evidence {
    pub events: Vec<Event>,
    pub look_again: bool,
}

/// The order of ours that a report is about.
pub fn ours<'a>(books: &'a Containers, report: &OrderReport) -> Option<&'a Order> {
    let by_reference = report.reference.and_then(|reference| books.orders.get(&reference));
    by_reference
        .or_else(|| books.order_by_broker_id(&report.id))
        .or_else(|| report.replaces.as_ref().and_then(|id| books.order_by_broker_id(id)))
        .filter(|order| order.ticket.account == report.account)
}

/// Where a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An answer or a message: it tells of one number and may come before what happened earlier.
    Told,
    /// A look at every number of the order, taken in from the oldest to the newest.
    Looked,
}

pub fn of_order(order: &Order, report: &OrderReport, source: Source, standing: &[Alarm]) -> Evidence {
    let reference = order.ticket.reference;
    let mut found = Evidence::default();
    if let Some(first) = doubled(order, report) {
        let second = report.id.to_string();
        raise(&mut found, standing, Alarm::DoubledOrder { first, second }, Some(reference));
        return found;
    }
    let fresh = fresh_fills(order, report);
    let mut after = order.clone();
    after.fills.extend(fresh.iter().cloned());
    if !fresh.is_empty() {
        found.events.push(Event::OrderFilled(OrderFilled { reference, fills: fresh }));
    }
    if after.is_overfilled() {
        raise(&mut found, standing, Alarm::Overfilled { order: report.id.to_string() }, Some(reference));
    }
    let step = step_of(&after, report, source);
    let known = order.ids.contains(&report.id);
    let superseded = known && order.ids.last() != Some(&report.id);
    found.look_again = step.is_none()
        && report.status.phase() == Phase::Ended
        && !superseded
        && after.state != OrderState::Filled;
    let told_before = known
        && order.status.as_ref() == Some(&report.status)
        && report.limit.is_none_or(|limit| limit == order.limit);
    if let Some(step) = step
        && let Ok(next) = order.state.next(step)
        && !(next == order.state && told_before)
    {
        found.events.push(Event::OrderMoved(OrderMoved {
            reference,
            step,
            id: (!known).then(|| report.id.clone()),
            status: Some(report.status.clone()),
            limit: report.limit.filter(|limit| *limit != order.limit),
            why: report.reject_reason.clone(),
        }));
    }
    found
}

/// Fills that close more than there was to close: of all the exits of a set together, or of a trade that is closed
/// already. The order by itself may not have filled too much.
pub fn closes_too_much(books: &Containers, order: &Order, report: &OrderReport, found: &mut Evidence) {
    let fresh: Vec<BookedFill> = found.events.iter().flat_map(fills_of).cloned().collect();
    if fresh.is_empty() || !order.ticket.is_closing() {
        return;
    }
    let trade = books.trades.get(&order.ticket.trade);
    let closed = trade.is_some_and(|trade| matches!(trade.state, TradeState::Closed { .. }));
    let exits = order.set.as_ref().map(|place| books.exits_of_set(place.set)).unwrap_or_default();
    let too_many = |leg: &OrderLeg| {
        let of_leg = |booked: &&BookedFill| booked.instrument == leg.instrument;
        let before = exits.iter().flat_map(|exit| exit.fills.iter()).chain(fresh.iter());
        let filled: Decimal = before.filter(of_leg).map(|booked| booked.fill.quantity).sum();
        let wants = exits.iter().flat_map(|exit| exit.ticket.legs.iter());
        let wants = wants.filter(|other| other.instrument == leg.instrument).map(|other| other.quantity);
        wants.max().is_some_and(|most| filled > Decimal::from(most))
    };
    let alarm = Alarm::Overfilled { order: report.id.to_string() };
    let told =
        found.events.iter().any(|event| matches!(event, Event::AlarmRaised(raised) if raised.alarm == alarm));
    if !told && (closed || order.ticket.legs.iter().any(too_many)) {
        raise(found, &books.safety.alarms, alarm, Some(order.ticket.reference));
    }
}

fn fills_of(event: &Event) -> &[BookedFill] {
    if let Event::OrderFilled(filled) = event { &filled.fills } else { &[] }
}

/// Where the report puts the order; `None` where it proves no change yet.
fn step_of(after: &Order, report: &OrderReport, source: Source) -> Option<OrderStep> {
    if after.is_filled() {
        return (after.state != OrderState::Filled).then_some(OrderStep::Fill);
    }
    // An older number of an order that was replaced: its end is not the order's.
    if report.replaced_by.is_some()
        || after.ids.last().is_some_and(|last| *last != report.id && after.ids.contains(&report.id))
    {
        return None;
    }
    // A replacement is rejected because what it was to replace has filled, and the word of that may come later.
    let replaces = after.ids.iter().any(|id| *id != report.id);
    if source == Source::Told && replaces && report.status == OrderStatus::Rejected {
        return None;
    }
    match (&report.status, after.fills.is_empty()) {
        // The fills of the other legs come in later messages.
        (OrderStatus::Filled, _) => None,
        (OrderStatus::Rejected, true) => Some(OrderStep::Refuse),
        (OrderStatus::Expired, true) => Some(OrderStep::Expire),
        (OrderStatus::Cancelled | OrderStatus::Removed | OrderStatus::PartiallyRemoved, true) => {
            Some(OrderStep::Cancel)
        }
        (status, false) if status.phase() == Phase::Ended => Some(OrderStep::EndPartlyFilled),
        _ => Some(OrderStep::Accept),
    }
}

fn fresh_fills(order: &Order, report: &OrderReport) -> Vec<BookedFill> {
    let mut seen = BTreeSet::new();
    let mut fresh = Vec::new();
    for leg in &report.legs {
        let Some(ordered) = leg
            .instrument
            .as_ref()
            .and_then(|instrument| order.ticket.legs.iter().find(|l| l.instrument == *instrument))
        else {
            continue;
        };
        for fill in &leg.fills {
            if !order.has_fill(&fill.id) && seen.insert(fill.id.clone()) {
                fresh.push(BookedFill {
                    instrument: ordered.instrument.clone(),
                    action: ordered.action,
                    fill: fill.clone(),
                });
            }
        }
    }
    fresh
}

/// Looks have shown again and again that it has ended, and never how: it is in doubt, and somebody has to look.
pub fn half_told(order: &Order, report: &OrderReport, standing: &[Alarm]) -> Vec<Event> {
    let mut found = Evidence::default();
    let reference = order.ticket.reference;
    let what =
        format!("order {} is {:?} at the broker, and its fills cannot be read", report.id, report.status);
    if order.state == OrderState::Working {
        found.events.push(Event::OrderMoved(OrderMoved {
            reference,
            step: OrderStep::Lose,
            id: None,
            status: None,
            limit: None,
            why: Some(what.clone()),
        }));
    }
    raise(&mut found, standing, Alarm::Difference { what }, Some(reference));
    found.events
}

/// The answer to a change was lost, and a look that began when any request had long been carried out or given up
/// shows the order as it stood before.
pub fn change_was_not_done(order: &Order, look: &LookUp, reports: &[OrderReport]) -> bool {
    let Some(last) = order.ids.last().filter(|_| order.change_lost) else { return false };
    let waited = order.changed_at.map_or(0, |at| (look.at - at).num_seconds());
    let stands = |report: &OrderReport| {
        report.id == *last
            && report.replaced_by.is_none()
            && matches!(
                report.status,
                OrderStatus::Live | OrderStatus::Routed | OrderStatus::Received | OrderStatus::Contingent
            )
    };
    waited >= CARRIED_OUT_SECONDS
        && reports.iter().any(stands)
        && !reports.iter().any(|report| report.replaces.as_ref() == Some(last))
}

/// Longer than any request waits for its answer.
const CARRIED_OUT_SECONDS: i64 = 60;

/// Two numbers under one reference that do not replace each other: something was sent twice.
fn doubled(order: &Order, report: &OrderReport) -> Option<String> {
    let last = order.ids.last()?;
    let linked = order.ids.contains(&report.id)
        || report.replaces.as_ref().is_some_and(|id| order.ids.contains(id))
        // The answer to a change that was lost: the new number is the change's.
        || order.change.is_some()
        || order.change_lost;
    (!linked).then(|| last.to_string())
}

/// A reference of our form that this store does not know, with fills: somebody trades with our name.
pub fn stranger(books: &Containers, report: &OrderReport) -> Evidence {
    let mut found = Evidence::default();
    if report.reference.is_some() && report.has_fills() {
        let alarm = Alarm::StrangeFill { order: report.id.to_string() };
        raise(&mut found, &books.safety.alarms, alarm, None);
    }
    found
}

fn raise(found: &mut Evidence, standing: &[Alarm], alarm: Alarm, order: Option<OrderRef>) {
    if !standing.contains(&alarm) {
        found.events.push(Event::AlarmRaised(AlarmRaised { alarm, order }));
    }
}
