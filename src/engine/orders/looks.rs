//! When an order is looked at. In doubt: soon, and again and again, for the truth may come late. Working:
//! once a minute and whenever the stream hints. The list of live orders is never polled.

use std::collections::BTreeMap;

use crate::containers::Order;
use crate::domain::order::BrokerOrderId;
use crate::domain::{AccountId, OrderRef, Timestamp};

/// One look at the broker, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    pub reference: OrderRef,
    pub account: AccountId,
    /// The number to ask for; `None`: search the account's orders since `since`. An order that was replaced has
    /// several numbers, and each may have fills: only a search shows them all.
    pub id: Option<BrokerOrderId>,
    pub since: Timestamp,
    /// When the look began.
    pub at: Timestamp,
}

/// A search begins a little before the order went out: clocks differ.
const SEARCH_MARGIN_SECONDS: i64 = 120;
const WORKING_EVERY_SECONDS: i64 = 60;
const HINTED_EVERY_SECONDS: i64 = 5;
/// Fills that come after the end come soon.
const ENDED_EVERY_SECONDS: i64 = 20;
/// After so many looks, each twice as late as the one before, what is missing is not about to come.
const LAST_AGAIN: u32 = 7;
/// A look without an answer by then is given up.
const PATIENCE_SECONDS: i64 = 45;

#[derive(Debug, Clone, Copy, Default)]
struct Look {
    done: u32,
    last: Option<Timestamp>,
    under_way: bool,
    hinted: bool,
    /// Looks that showed an end without the fills that belong to it, since the last news.
    again: u32,
    wanting: bool,
    fills: usize,
    /// When the last look that showed it at rest began.
    rested: Option<Timestamp>,
    /// Looks in a row that failed: what they were to tell is still wanted.
    failed: u32,
}

#[derive(Debug, Default)]
pub struct Looks(BTreeMap<OrderRef, Look>);

impl Looks {
    /// The stream, a connection or an answer says that something may have happened to the order.
    pub fn hint(&mut self, reference: OrderRef) {
        self.0.entry(reference).or_default().hinted = true;
    }

    /// The same where the reason stands for long: no look more than every few seconds.
    pub fn hint_now_and_then(&mut self, reference: OrderRef, now: Timestamp) {
        let look = self.0.entry(reference).or_default();
        look.hinted |= look.last.is_none_or(|at| (now - at).num_seconds() >= HINTED_EVERY_SECONDS);
    }

    /// The last look showed half of the truth. True once there is no point in waiting for the other half.
    pub fn again(&mut self, order: &Order) -> bool {
        let look = self.0.entry(order.ticket.reference).or_default();
        if look.fills != order.fills.len() {
            look.fills = order.fills.len();
            look.again = 0;
        }
        if !look.wanting {
            look.again = look.again.saturating_add(1);
            look.wanting = true;
        }
        look.again == LAST_AGAIN
    }

    pub fn ended(&mut self, reference: OrderRef, well: bool) {
        if let Some(look) = self.0.get_mut(&reference) {
            look.under_way = false;
            look.failed = if well { 0 } else { look.failed.saturating_add(1) };
        }
    }

    /// A look that began then showed it working as it is known to.
    pub fn rested(&mut self, reference: OrderRef, at: Timestamp) {
        if let Some(look) = self.0.get_mut(&reference) {
            look.rested = look.rested.max(Some(at));
        }
    }

    /// When it was last seen so.
    pub fn quiet_at(&self, reference: OrderRef) -> Option<Timestamp> {
        self.0.get(&reference)?.rested
    }

    /// What is due now, each order at most once at a time. Forgets what is not among `unsettled`.
    pub fn due<'a>(&mut self, unsettled: impl Iterator<Item = &'a Order>, now: Timestamp) -> Vec<LookUp> {
        let mut kept = BTreeMap::new();
        let mut due = Vec::new();
        for order in unsettled {
            let reference = order.ticket.reference;
            let mut look = self.0.get(&reference).copied().unwrap_or_default();
            let waited = look.last.map_or(i64::MAX, |at| (now - at).num_seconds());
            let free = !look.under_way || waited >= PATIENCE_SECONDS;
            if order.sent_at.is_some() && free && (look.hinted || is_due(order, &look, now)) {
                look = Look {
                    done: look.done.saturating_add(1),
                    last: Some(now),
                    under_way: true,
                    hinted: false,
                    wanting: false,
                    ..look
                };
                let sent = order.sent_at.unwrap_or(order.staged_at);
                due.push(LookUp {
                    reference,
                    account: order.ticket.account,
                    id: order.ids.last().filter(|_| !order.is_unknown() && order.ids.len() == 1).cloned(),
                    since: sent - chrono::TimeDelta::seconds(SEARCH_MARGIN_SECONDS),
                    at: now,
                });
            }
            if !order.is_unknown() {
                look.done = 0;
            }
            kept.insert(reference, look);
        }
        self.0 = kept;
        due
    }
}

fn is_due(order: &Order, look: &Look, now: Timestamp) -> bool {
    let since = if order.change_lost { order.changed_at.unwrap_or(order.since) } else { order.since };
    let in_doubt = (now - since).num_seconds();
    let waited = look.last.map_or(in_doubt, |at| (now - at).num_seconds());
    // Each time twice as late: after 1, 2, 4 … 64 seconds.
    let soon = |times: u32| times > 0 && waited >= 1 << (times.min(LAST_AGAIN) - 1);
    if (look.wanting && soon(look.again)) || soon(look.failed) {
        return true;
    }
    if order.state.has_ended() {
        return waited >= ENDED_EVERY_SECONDS;
    }
    if !order.is_unknown() {
        return waited >= WORKING_EVERY_SECONDS;
    }
    let pause = match (look.done, in_doubt) {
        (0 | 1, _) => 1,
        (2, _) => 2,
        (_, ..600) => 4,
        _ => 60,
    };
    waited >= pause
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::TradeId;
    use crate::domain::id::CountedIds;
    use crate::domain::order::{NetPrice, OrderState, Ticket, TimeInForce};

    fn order(state: OrderState) -> Order {
        let mut ids = CountedIds(1);
        let at = DateTime::UNIX_EPOCH;
        Order {
            ticket: Ticket {
                reference: OrderRef::new(&mut ids),
                trade: TradeId::new(&mut ids),
                account: AccountId::from_number("test", "1"),
                legs: vec![],
                limit: NetPrice(Decimal::ONE),
                time_in_force: TimeInForce::Day,
            },
            walk: None,
            dry_run: None,
            state,
            venue: None,
            limit: NetPrice(Decimal::ONE),
            ids: vec![BrokerOrderId("7".into())],
            status: None,
            staged_at: at,
            sent_at: Some(at),
            since: at,
            change: None,
            changed_at: None,
            change_lost: false,
            replaced_at: vec![],
            fills: vec![],
            why: None,
            set: None,
        }
    }

    fn seconds_of_looks(order: &Order, until: i64) -> Vec<i64> {
        let mut looks = Looks::default();
        let mut at = Vec::new();
        for second in 0..=until {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            for look in looks.due(std::iter::once(order), now) {
                at.push(second);
                looks.ended(look.reference, true);
            }
        }
        at
    }

    #[test]
    fn an_unknown_order_is_looked_for_soon_then_steadily_then_seldom() {
        let at = seconds_of_looks(&order(OrderState::Unknown), 1_000);
        assert_eq!(&at[..5], [1, 2, 4, 8, 12]);
        assert!(at.iter().filter(|s| **s > 600).count() <= 8, "once a minute after ten minutes");
    }

    #[test]
    fn a_working_order_is_looked_at_once_a_minute_by_its_number() {
        let order = order(OrderState::Working);
        assert_eq!(seconds_of_looks(&order, 200), [60, 120, 180]);
        let mut looks = Looks::default();
        looks.hint(order.ticket.reference);
        let due = looks.due(std::iter::once(&order), DateTime::UNIX_EPOCH);
        assert_eq!(due[0].id, Some(BrokerOrderId("7".into())));
    }

    #[test]
    fn a_look_that_failed_is_made_again_soon_and_then_ever_later() {
        let order = order(OrderState::Working);
        let mut looks = Looks::default();
        looks.hint(order.ticket.reference);
        let mut seconds = Vec::new();
        for second in 0..20 {
            for look in looks.due(std::iter::once(&order), DateTime::UNIX_EPOCH + TimeDelta::seconds(second))
            {
                seconds.push(second);
                looks.ended(look.reference, false);
            }
        }
        assert_eq!(seconds, [0, 1, 3, 7, 15]);
    }

    #[test]
    fn one_look_at_a_time() {
        let order = order(OrderState::Unknown);
        let mut looks = Looks::default();
        let at = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
        assert_eq!(looks.due(std::iter::once(&order), at(1)).len(), 1);
        assert_eq!(looks.due(std::iter::once(&order), at(10)).len(), 0, "the first has not come back");
        assert_eq!(looks.due(std::iter::once(&order), at(50)).len(), 1, "and is given up");
    }
}
