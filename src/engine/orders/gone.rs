//! Orders on paper that would close what is not held any more, because the evening has settled it: no broker takes them
//! back there.
//!
//! Never: touches an order in an account of the broker's.

use crate::containers::Order;
use crate::domain::order::{OrderStatus, SetRole};
use crate::domain::{Leg, Timestamp};
use crate::engine::{Engine, Step};

impl Engine {
    pub(in crate::engine) fn cancel_closings_of_nothing(&mut self, step: &mut Step, now: Timestamp) {
        if self.read_only.is_none() {
            let gone = |engine: &Self, order: &Order| {
                engine.closes_nothing(order) && engine.may_ask(order.ticket.reference, now)
            };
            self.cancel_those(step, now, gone);
        }
    }

    /// A contract of it is not held at all. Exits that wait for what opens have nothing to close yet, and of two exits
    /// the fill of one has ended the other at the desk already.
    fn closes_nothing(&self, order: &Order) -> bool {
        let ticket = &order.ticket;
        if !ticket.account.is_paper() || !ticket.is_closing() || order.status == Some(OrderStatus::Contingent)
        {
            return false;
        }
        let others = order.set.as_ref().map(|place| self.books.orders_of_set(place.set)).unwrap_or_default();
        let speaks = |other: &&Order| match other.set.as_ref().map(|place| place.role) {
            Some(SetRole::Trigger) => other.state.may_work(),
            _ => other.ticket.reference != ticket.reference && !other.fills.is_empty(),
        };
        if others.iter().any(speaks) {
            return false;
        }
        let Some(trade) = self.books.trades.get(&ticket.trade) else { return false };
        ticket.legs.iter().enumerate().any(|(at, leg)| {
            let closes = |held: &Leg| {
                held.instrument == leg.instrument
                    && (held.quantity * leg.action.sign()).is_sign_negative()
                    && !held.quantity.is_zero()
            };
            order.filled(at) < leg.quantity.into() && !trade.legs.iter().any(closes)
        })
    }
}
