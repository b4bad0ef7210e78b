//! Which positions of a report are believed: not those that orders of ours may be changing at this moment. An exit
//! that rests for weeks does not hide what becomes of its contracts meanwhile: an assignment, a close on the broker's
//! own platform.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::SETTLE_SECONDS;
use super::evidence::{self, Evidence, Source};
use super::looks::LookUp;
use crate::containers::Order;
use crate::domain::order::{OrderReport, OrderState};
use crate::domain::report::BrokerPosition;
use crate::domain::{AccountId, Instrument, OrderRef, Timestamp};
use crate::engine::Engine;

/// The broker holds another quantity than the books under an order that rests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    reported: Decimal,
    since: Timestamp,
}

impl Engine {
    /// Positions without the contracts that orders of ours are changing, and those: they prove nothing yet. `whole`:
    /// what is missing from the list is not held.
    pub(in crate::engine) fn settled(
        &mut self,
        account: AccountId,
        positions: &[BrokerPosition],
        whole: bool,
        read_at: Timestamp,
        now: Timestamp,
    ) -> (Vec<BrokerPosition>, Vec<Instrument>) {
        let held = self.books.held(account);
        let mut moving = Vec::new();
        let mut doubts = BTreeMap::new();
        for (instrument, orders) in self.working_on(account) {
            let reported = positions.iter().filter(|position| position.instrument == instrument);
            let reported: Decimal = reported.map(|position| position.quantity).sum();
            if !orders.iter().all(|order| rests(order)) {
                moving.push(instrument);
                continue;
            }
            if held.get(&instrument).copied().unwrap_or_default() == reported {
                continue;
            }
            // A fill of the order that was not told yet looks the same: it is looked at, and only what the
            // broker says before and after a look without any news is something else.
            let key = (account, instrument.clone());
            let before = self.desk.doubts.get(&key).filter(|doubt| doubt.reported == reported).copied();
            let doubt = before.unwrap_or(Doubt { reported, since: now });
            let references: Vec<OrderRef> = orders.iter().map(|order| order.ticket.reference).collect();
            let quiet = |reference: &OrderRef| self.desk.looks.quiet_at(*reference) >= Some(doubt.since);
            let waited = (read_at - doubt.since).num_seconds() >= SETTLE_SECONDS;
            if whole && waited && references.iter().all(quiet) {
                continue;
            }
            doubts.insert(key, (doubt, references));
            moving.push(instrument);
        }
        self.desk.doubts.retain(|(other, _), _| *other != account);
        for (key, (doubt, references)) in doubts {
            self.desk.doubts.insert(key, doubt);
            references.into_iter().for_each(|reference| self.desk.looks.hint(reference));
        }
        let fills = self
            .desk
            .changed
            .iter()
            .filter(|((of, _), at)| *of == account && (read_at - **at).num_seconds() < SETTLE_SECONDS);
        moving.extend(fills.map(|((_, instrument), _)| instrument.clone()));
        moving.sort();
        moving.dedup();
        let kept = positions.iter().filter(|position| !moving.contains(&position.instrument));
        (kept.cloned().collect(), moving)
    }

    /// Contracts that the broker may hold orders of ours on.
    fn working_on(&self, account: AccountId) -> BTreeMap<Instrument, Vec<&Order>> {
        let mut contracts: BTreeMap<Instrument, Vec<&Order>> = BTreeMap::new();
        for order in self.books.live_orders().filter(|order| order.ticket.account == account) {
            for leg in &order.ticket.legs {
                contracts.entry(leg.instrument.clone()).or_default().push(order);
            }
        }
        contracts
    }

    /// Whether a look shows the order working as it is known to, and nothing else.
    pub(super) fn saw_it_rest(&mut self, look: &LookUp, reports: &[OrderReport]) {
        let books = &self.books;
        let Some(order) = books.orders.get(&look.reference).filter(|order| rests(order)) else { return };
        let is_its = |report: &&OrderReport| {
            evidence::ours(books, report).is_some_and(|it| it.ticket.reference == look.reference)
        };
        let mut its = reports.iter().filter(is_its).peekable();
        let alarms = &books.safety.alarms;
        if its.peek().is_some()
            && its.all(|it| evidence::of_order(order, it, Source::Looked, alarms) == Evidence::default())
        {
            self.desk.looks.rested(look.reference, look.at);
        }
    }
}

/// Closes, works, and nothing is asked of it. What opens may fill at any moment, and would be adopted twice.
fn rests(order: &Order) -> bool {
    order.state == OrderState::Working
        && order.ticket.is_closing()
        && !order.is_changing()
        && !order.is_unknown()
}
