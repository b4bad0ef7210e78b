//! An order in doubt that no report names: whether one at the broker looks like it. That the broker gives references
//! back is documented and not proven, so that the absence of one proves nothing; but only the trader says that an
//! order without one is ours.

use crate::containers::{Containers, Order};
use crate::domain::event::OrderMoved;
use crate::domain::order::{BrokerOrderId, OrderReport, OrderState, OrderStep, Ticket};
use crate::domain::{Event, OrderRef, Refusal, Timestamp};
use crate::engine::decide::journal::checked_text;
use crate::engine::input::ReplyTo;
use crate::engine::{Engine, Step};

/// More than these look like nothing in particular.
const MOST: usize = 5;

/// The same legs, sides, sizes and limit, in the same account, since the order left; without a reference, and of
/// no order that is known.
pub fn alike(
    books: &Containers,
    order: &Order,
    since: Timestamp,
    reports: &[OrderReport],
) -> Vec<OrderReport> {
    let ticket = &order.ticket;
    let named = reports.iter().any(|report| report.reference == Some(ticket.reference));
    if order.state != OrderState::Unknown || !order.ids.is_empty() || named {
        return Vec::new();
    }
    let fits = |report: &&OrderReport| {
        report.reference.is_none()
            && report.account == ticket.account
            && report.limit == Some(ticket.limit)
            && report.received_at.is_some_and(|at| at >= since)
            && books.order_by_broker_id(&report.id).is_none()
            && same_legs(ticket, report)
    };
    reports.iter().filter(fits).take(MOST).cloned().collect()
}

pub(super) fn same_legs(ticket: &Ticket, report: &OrderReport) -> bool {
    report.legs.len() == ticket.legs.len()
        && ticket.legs.iter().all(|leg| {
            report.legs.iter().any(|other| {
                other.instrument.as_ref() == Some(&leg.instrument)
                    && other.action == Some(leg.action)
                    && other.quantity == Some(leg.quantity.into())
            })
        })
}

impl Engine {
    /// The trader knows it for ours: from here it is looked at by its number.
    pub(in crate::engine) fn adopt_order(
        &mut self,
        step: &mut Step,
        (reference, id): (OrderRef, &BrokerOrderId),
        reason: &str,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        self.decide(step, (reply, 0), now, None, |engine, _| {
            let reason = checked_text(reason)?;
            let seen = engine.desk.alike.get(&reference).and_then(|seen| seen.iter().find(|it| it.id == *id));
            let unknown =
                engine.books.orders.get(&reference).is_some_and(|it| it.state == OrderState::Unknown);
            let seen = seen.filter(|_| unknown).ok_or_else(|| Refusal::NotOrderable {
                why: "no order at the broker looks like it, or its truth is known by now".to_owned(),
            })?;
            let moved = OrderMoved {
                reference,
                step: OrderStep::Accept,
                id: Some(seen.id.clone()),
                status: Some(seen.status.clone()),
                limit: None,
                why: Some(format!("taken for ours by the trader: {reason}")),
            };
            engine.desk.looks.hint(reference);
            Ok((vec![Event::OrderMoved(moved)], format!("order {id} is taken for yours")))
        });
    }
}
