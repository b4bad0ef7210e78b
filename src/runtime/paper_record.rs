//! What the record says of accounts on paper, as the paper broker begins with it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::broker::paper::{Resumed, ResumedInSet};
use crate::containers::{Containers, Order};
use crate::domain::order::{OrderLeg, OrderState, OrderStatus};
use crate::domain::{AccountId, Instrument, OrderRef};

pub fn held(books: &Containers) -> BTreeMap<(AccountId, Instrument), Decimal> {
    let mut held = BTreeMap::new();
    for trade in books.open_trades() {
        let Some(account) = trade.account.filter(|account| account.is_paper()) else { continue };
        for leg in &trade.legs {
            *held.entry((account, leg.instrument.clone())).or_default() += leg.quantity;
        }
    }
    held
}

/// Orders that work. What has ended goes along where something that works hangs together with it: the program may have
/// ended before its end did to the others what it does.
pub fn orders(books: &Containers) -> Vec<Resumed> {
    let on_paper = || books.live_orders().filter(|order| order.ticket.account.is_paper());
    let sets: BTreeSet<OrderRef> = on_paper().filter_map(|order| Some(order.set.as_ref()?.set)).collect();
    let ended = sets.iter().flat_map(|set| books.orders_of_set(*set)).filter(|order| order.state.has_ended());
    on_paper().chain(ended).map(resumed).collect()
}

fn resumed(order: &Order) -> Resumed {
    let of_leg = |leg: &OrderLeg| {
        let fills = order.fills.iter().filter(|booked| booked.instrument == leg.instrument);
        fills.map(|booked| booked.fill.clone()).collect()
    };
    Resumed {
        limit: order.limit,
        ids: order.ids.clone(),
        sent_at: order.sent_at.unwrap_or(order.staged_at),
        fills: order.ticket.legs.iter().map(of_leg).collect(),
        ticket: order.ticket.clone(),
        set: order.set.as_ref().map(|place| ResumedInSet {
            id: place.id.clone(),
            role: place.role,
            status: end_of(order.state).or_else(|| order.status.clone()),
        }),
    }
}

/// How an order ended, in the broker's word; `None` where it has not.
fn end_of(state: OrderState) -> Option<OrderStatus> {
    match state {
        OrderState::Filled => Some(OrderStatus::Filled),
        OrderState::PartlyFilled | OrderState::Cancelled | OrderState::Dropped => {
            Some(OrderStatus::Cancelled)
        }
        OrderState::Expired => Some(OrderStatus::Expired),
        OrderState::Rejected => Some(OrderStatus::Rejected),
        OrderState::Staged | OrderState::Submitting | OrderState::Working | OrderState::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::containers::SetPlace;
    use crate::domain::TradeId;
    use crate::domain::order::{BrokerOrderId, ComplexKind, NetPrice, SetRole, Ticket, TimeInForce};

    fn order(n: u128, state: OrderState, set: Option<(usize, SetRole)>) -> Order {
        let reference = |n| OrderRef(uuid::Uuid::from_u128(n));
        let limit = NetPrice(Decimal::ONE);
        Order {
            ticket: Ticket {
                reference: reference(n),
                trade: TradeId(uuid::Uuid::from_u128(9)),
                account: AccountId::of_hypothetical("model"),
                legs: Vec::new(),
                limit,
                time_in_force: TimeInForce::Gtc,
            },
            walk: None,
            dry_run: None,
            state,
            venue: None,
            limit,
            ids: vec![BrokerOrderId(n.to_string())],
            status: Some(OrderStatus::Live),
            staged_at: DateTime::UNIX_EPOCH,
            sent_at: None,
            since: DateTime::UNIX_EPOCH,
            change: None,
            changed_at: None,
            change_lost: false,
            replaced_at: Vec::new(),
            fills: Vec::new(),
            why: None,
            set: set.map(|(place, role)| SetPlace {
                set: reference(n - place as u128),
                kind: ComplexKind::Oco,
                role,
                place,
                id: Some(BrokerOrderId("set".into())),
            }),
        }
    }

    #[test]
    fn what_ended_goes_along_with_what_hangs_together_with_it() {
        let stop = SetRole::Stop { at: NetPrice(Decimal::TWO) };
        let all = [
            order(1, OrderState::Filled, Some((0, SetRole::Target))),
            order(2, OrderState::Working, Some((1, stop))),
            order(3, OrderState::Cancelled, Some((0, SetRole::Target))),
            order(4, OrderState::Cancelled, Some((1, stop))),
            order(5, OrderState::Filled, None),
        ];
        let mut books = Containers::default();
        books.orders.extend(all.map(|order| (order.ticket.reference, order)));
        let told: Vec<_> = orders(&books)
            .into_iter()
            .map(|it| (it.ids[0].0.clone(), it.set.and_then(|set| set.status)))
            .collect();
        let wanted = [("2".to_owned(), Some(OrderStatus::Live)), ("1".to_owned(), Some(OrderStatus::Filled))];
        assert_eq!(told, wanted);
    }
}
