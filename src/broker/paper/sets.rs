//! Orders on paper that hang together: what the fill of one does to the others.
//!
//! Never: lets two exits trade. The first fill of one, even of a part, ends the other: together they would close more
//! than is held.

use std::collections::BTreeMap;

use super::resting::Resting;
use crate::domain::order::{BrokerOrderId, ComplexReport, OrderStatus, Phase, SetRole};
use crate::domain::{AccountId, Timestamp};

/// What the numbers of sets begin with, and of nothing else.
pub(super) fn id_of(lead: crate::domain::OrderRef) -> BrokerOrderId {
    BrokerOrderId(format!("paper-set-{lead}"))
}

pub(super) type Orders = BTreeMap<BrokerOrderId, Resting>;

/// What `id` has come to since it was looked at last changes the orders it hangs together with.
pub(super) fn follow(orders: &mut Orders, id: &BrokerOrderId, now: Timestamp) {
    let Some(order) = orders.get(id) else { return };
    let (Some(set), Some(role)) = (order.report.complex.clone(), order.role) else { return };
    let (status, has_fills) = (order.report.status.clone(), order.report.has_fills());
    for (other_id, other) in orders.iter_mut() {
        if other_id == id || other.report.complex.as_ref() != Some(&set) || !other.works() {
            continue;
        }
        match role {
            SetRole::Trigger if status == OrderStatus::Filled => {
                if other.report.status == OrderStatus::Contingent {
                    other.begin(now);
                }
            }
            SetRole::Trigger if status.phase() == Phase::Ended => {
                other.end(OrderStatus::Cancelled, Some("what was to be closed was not opened whole"), now);
            }
            SetRole::Target | SetRole::Stop { .. } if has_fills && other.role != Some(SetRole::Trigger) => {
                other.end(OrderStatus::Cancelled, Some("the other exit trades"), now);
            }
            SetRole::Trigger | SetRole::Target | SetRole::Stop { .. } => {}
        }
    }
}

/// What the program ended before it could do: the end of one order is in the record, what it does to the others is not.
pub(super) fn catch_up(orders: &mut Orders, now: Timestamp) {
    let of_sets = orders.iter().filter(|(_, order)| order.role.is_some()).map(|(id, _)| id.clone());
    for id in of_sets.collect::<Vec<_>>() {
        follow(orders, &id, now);
    }
}

/// The set as it stands, in the order it was sent.
pub(super) fn report(orders: &Orders, account: AccountId, set: &BrokerOrderId) -> Option<ComplexReport> {
    let of_set = orders.values().filter(|it| it.report.complex.as_ref() == Some(set));
    let mut found: Vec<&Resting> = of_set.filter(|it| it.ticket.account == account).collect();
    found.sort_by_key(|order| match order.role {
        Some(SetRole::Trigger) => 0,
        Some(SetRole::Target) => 1,
        Some(SetRole::Stop { .. }) | None => 2,
    });
    let orders: Vec<_> = found.into_iter().map(|order| order.report.clone()).collect();
    (!orders.is_empty()).then(|| ComplexReport { id: set.clone(), account, orders })
}
