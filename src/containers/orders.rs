//! What each order event does to the orders and to the trades they belong to. A step that the table does not
//! know leaves the state alone: `engine` has refused it already, and replay must never fail.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::Containers;
use crate::domain::control::{Alarm, KillMode, Venue};
use crate::domain::event::{
    Answered, BookedFill, OrderAnswered, OrderChange, OrderChangeAnswered, OrderChangeRequested, OrderFilled,
    OrderMoved, OrderStaged, OrderSubmitted, OrdersLinked, SetNamed, TradePromoted,
};
use crate::domain::fees::{self, Side};
use crate::domain::order::{
    BrokerOrderId, ComplexKind, ComplexTicket, DryRun, Exit, FillId, NetPrice, OrderState, OrderStatus,
    OrderStep, SetRole, Ticket, Walk,
};
use crate::domain::trade::TradeStep;
use crate::domain::{Leg, Money, OrderRef, Price, Timestamp, Trade, TradeId, TradeKind, TradeState};

/// One order of ours, from its staging to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Order {
    /// As staged, then as sent.
    pub ticket: Ticket,
    pub walk: Option<Walk>,
    pub dry_run: Option<DryRun>,
    pub state: OrderState,
    /// Where it was sent; `None` before.
    pub venue: Option<Venue>,
    /// The limit that works; differs from the ticket's once it walked.
    pub limit: NetPrice,
    /// The broker's numbers of it: a replacement brings a new one. The last one works.
    pub ids: Vec<BrokerOrderId>,
    pub status: Option<OrderStatus>,
    pub staged_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    /// When the state last changed.
    pub since: Timestamp,
    /// Asked of the broker and not answered yet: one at a time.
    pub change: Option<OrderChange>,
    /// When a change was last asked for.
    pub changed_at: Option<Timestamp>,
    /// A change whose answer never came: the order is looked up before anything else is asked of it.
    pub change_lost: bool,
    /// When another limit was asked for.
    pub replaced_at: Vec<Timestamp>,
    pub fills: Vec<BookedFill>,
    /// What the broker or the connection last said about it.
    pub why: Option<String>,
    /// The set it belongs to.
    pub set: Option<SetPlace>,
}

/// An order's place in a set of orders that hang together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetPlace {
    /// The first order of the set.
    pub set: OrderRef,
    pub kind: ComplexKind,
    pub role: SetRole,
    /// Counted from 0, the first order.
    pub place: usize,
    /// The broker's number of the set.
    pub id: Option<BrokerOrderId>,
}

impl Order {
    pub fn filled(&self, leg: usize) -> Decimal {
        let Some(leg) = self.ticket.legs.get(leg) else { return Decimal::ZERO };
        self.fills.iter().filter(|f| f.instrument == leg.instrument).map(|f| f.fill.quantity).sum()
    }

    pub fn has_fill(&self, id: &FillId) -> bool {
        self.fills.iter().any(|booked| booked.fill.id == *id)
    }

    pub fn is_filled(&self) -> bool {
        (0..self.ticket.legs.len()).all(|leg| self.filled(leg) >= self.wanted(leg))
    }

    pub fn is_overfilled(&self) -> bool {
        (0..self.ticket.legs.len()).any(|leg| self.filled(leg) > self.wanted(leg))
    }

    /// Some legs are filled in a larger part than others: what was bought or sold does not hang together.
    pub fn is_lopsided(&self) -> bool {
        let part = |leg: usize| (self.filled(leg), self.wanted(leg));
        let (first, of) = part(0);
        (1..self.ticket.legs.len()).map(part).any(|(filled, wanted)| filled * of != first * wanted)
    }

    fn wanted(&self, leg: usize) -> Decimal {
        self.ticket.legs.get(leg).map_or(Decimal::ZERO, |leg| Decimal::from(leg.quantity))
    }

    /// The broker is at work on a change of it.
    pub fn is_changing(&self) -> bool {
        self.change.is_some()
            || matches!(
                self.status,
                Some(
                    OrderStatus::CancelRequested | OrderStatus::ReplaceRequested | OrderStatus::RemovePending
                )
            )
    }

    /// The number of its set is known, and the broker may hold it: a cancel of the set reaches it, even where its
    /// own truth is in doubt.
    pub fn is_reached_by_set(&self) -> bool {
        self.state.may_work() && self.set.as_ref().is_some_and(|place| place.id.is_some())
    }

    /// The truth about it is not known here.
    pub fn is_unknown(&self) -> bool {
        self.state == OrderState::Unknown || self.change_lost
    }
}

/// What stops new orders.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Safety {
    pub kill: Option<KillMode>,
    pub kill_why: Option<String>,
    /// What the broker may have held when the switch last rose: to be taken back, whatever it does. What closes and
    /// was sent since is not among it.
    pub to_cancel: BTreeSet<OrderRef>,
    pub alarms: Vec<Alarm>,
}

/// The exchange may be faster than a cancel, and its word slower, by this much.
const LATE_FILL_SECONDS: i64 = 120;

impl Containers {
    /// Orders the broker may hold.
    pub fn live_orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.state.may_work())
    }

    /// Orders whose fills may still be told, `now` or later: those the broker may hold, and those that ended
    /// otherwise than by filling, for a while.
    pub fn unsettled_orders(&self, now: Timestamp) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(move |order| {
            let lately = (now - order.since).num_seconds() <= LATE_FILL_SECONDS;
            order.state.may_work()
                || (lately
                    && !order.ids.is_empty()
                    && order.state.has_ended()
                    && order.state != OrderState::Filled)
        })
    }

    pub fn order_by_broker_id(&self, id: &BrokerOrderId) -> Option<&Order> {
        self.orders.values().find(|order| order.ids.contains(id))
    }

    /// Every order of a set, in the order of the set.
    pub fn orders_of_set(&self, set: OrderRef) -> Vec<&Order> {
        let place = |order: &&Order| order.set.as_ref().filter(|place| place.set == set).map(|p| p.place);
        let mut orders: Vec<&Order> = self.orders.values().filter(|order| place(order).is_some()).collect();
        orders.sort_by_key(place);
        orders
    }

    /// The orders of a set that close what its first one opens or what is open: no more than one of them is to fill.
    pub fn exits_of_set(&self, set: OrderRef) -> Vec<&Order> {
        let mut orders = self.orders_of_set(set);
        orders.retain(|order| order.set.as_ref().is_some_and(|place| place.role != SetRole::Trigger));
        orders
    }

    /// A set as it was staged, which is how it is sent.
    pub fn set_ticket(&self, set: OrderRef) -> Option<ComplexTicket> {
        let mut ticket: Option<ComplexTicket> = None;
        for order in self.orders_of_set(set) {
            let place = order.set.as_ref()?;
            let ticket =
                ticket.get_or_insert(ComplexTicket { kind: place.kind, trigger: None, orders: Vec::new() });
            match place.role {
                SetRole::Trigger => ticket.trigger = Some(order.ticket.clone()),
                role => ticket.orders.push(Exit { ticket: order.ticket.clone(), stop: role.stop() }),
            }
        }
        ticket
    }

    /// What the fills of a trade cost by the public price list, positive: an estimate. `counts` chooses among them by
    /// when they were.
    pub fn estimated_fees(&self, trade: TradeId, counts: impl Fn(Timestamp) -> bool) -> Money {
        let orders = self.orders.values().filter(|order| order.ticket.trade == trade);
        let of_order = |order: &Order| -> Decimal {
            let mut charged: BTreeMap<&crate::domain::Instrument, Decimal> = BTreeMap::new();
            let mut total = Decimal::ZERO;
            for booked in &order.fills {
                let side = Side { buys: booked.action.is_buy(), closes: booked.action.is_closing() };
                let paid = charged.entry(&booked.instrument).or_default();
                let (quantity, price) = (booked.fill.quantity, booked.fill.price.0);
                let fees = fees::of_fill(&booked.instrument, side, quantity, price, *paid);
                *paid += fees.commission;
                if counts(booked.fill.at.unwrap_or(order.since)) {
                    total += fees.total();
                }
            }
            total
        };
        Money(orders.map(of_order).sum::<Decimal>().round_dp(2))
    }

    pub(super) fn promote(&mut self, event: &TradePromoted) {
        if let Some(trade) = self.trades.get_mut(&event.trade) {
            trade.kind = TradeKind::Real;
            trade.account = Some(event.account);
        }
    }

    pub(super) fn stage(&mut self, event: &OrderStaged, at: Timestamp) {
        let order = Order {
            ticket: event.ticket.clone(),
            walk: event.walk,
            dry_run: event.dry_run.clone(),
            state: OrderState::Staged,
            venue: None,
            limit: event.ticket.limit,
            ids: Vec::new(),
            status: None,
            staged_at: at,
            sent_at: None,
            since: at,
            change: None,
            changed_at: None,
            change_lost: false,
            replaced_at: Vec::new(),
            fills: Vec::new(),
            why: None,
            set: None,
        };
        self.orders.insert(event.ticket.reference, order);
    }

    pub(super) fn link(&mut self, event: &OrdersLinked) {
        for (place, linked) in event.orders.iter().enumerate() {
            if let Some(order) = self.orders.get_mut(&linked.reference) {
                let (set, kind, role) = (event.set, event.set_kind, linked.role);
                order.set = Some(SetPlace { set, kind, role, place, id: None });
            }
        }
    }

    pub(super) fn name_set(&mut self, event: &SetNamed) {
        let places = self.orders.values_mut().filter_map(|order| order.set.as_mut());
        places.filter(|place| place.set == event.set).for_each(|place| place.id = Some(event.id.clone()));
    }

    pub(super) fn submit(&mut self, event: &OrderSubmitted, at: Timestamp) {
        let Some(order) = step(&mut self.orders, event.reference, OrderStep::Send, at) else { return };
        order.ticket = event.ticket.clone();
        order.limit = event.ticket.limit;
        order.sent_at = Some(at);
        order.venue = event.venue;
        let (trade, closing) = (order.ticket.trade, order.ticket.is_closing());
        if !closing {
            step_trade(&mut self.trades, trade, TradeStep::Submit);
        }
    }

    pub(super) fn answered(&mut self, event: &OrderAnswered, at: Timestamp) {
        let (wanted, why, id) = match &event.answer {
            Answered::Accepted { id } => (OrderStep::Accept, None, Some(id.clone())),
            Answered::Refused { refusal } => (OrderStep::Refuse, Some(refusal.to_string()), None),
            Answered::Lost { why } => (OrderStep::Lose, Some(why.clone()), None),
            // Of changes only: whether an order was placed is told by its number.
            Answered::NotDone => return,
        };
        self.moved(
            &OrderMoved { reference: event.reference, step: wanted, id, status: None, limit: None, why },
            at,
        );
    }

    pub(super) fn moved(&mut self, event: &OrderMoved, at: Timestamp) {
        let Some(order) = step(&mut self.orders, event.reference, event.step, at) else { return };
        order.why.clone_from(&event.why);
        if let Some(id) = &event.id
            && !order.ids.contains(id)
        {
            order.ids.push(id.clone());
            // The truth about the change whose answer was lost: it was done, and this is its number.
            order.change_lost = false;
        }
        if event.status.is_some() {
            order.status.clone_from(&event.status);
        }
        if let Some(limit) = event.limit {
            order.limit = limit;
        }
        if order.state.has_ended() {
            order.change = None;
            order.change_lost = false;
        }
        // Nothing of it came about: the trade is where it was before it was sent.
        let ended_empty = order.state.has_ended() && order.fills.is_empty();
        let (trade, closing) = (order.ticket.trade, order.ticket.is_closing());
        if ended_empty && !closing {
            step_trade(&mut self.trades, trade, TradeStep::Reject);
        }
    }

    pub(super) fn filled(&mut self, event: &OrderFilled) {
        let Some(order) = self.orders.get_mut(&event.reference) else { return };
        let mut fresh = Vec::new();
        for booked in &event.fills {
            if !order.has_fill(&booked.fill.id) {
                order.fills.push(booked.clone());
                fresh.push(booked);
            }
        }
        let trade = order.ticket.trade;
        if let Some(trade) = self.trades.get_mut(&trade) {
            for booked in fresh {
                book(trade, booked);
            }
        }
    }

    pub(super) fn change_requested(&mut self, event: &OrderChangeRequested, at: Timestamp) {
        if let Some(order) = self.orders.get_mut(&event.reference) {
            order.change = Some(event.change);
            order.changed_at = Some(at);
            if let OrderChange::Replace { .. } = event.change {
                order.replaced_at.push(at);
            }
            order.change_lost = false;
        }
    }

    pub(super) fn change_answered(&mut self, event: &OrderChangeAnswered) {
        let Some(order) = self.orders.get_mut(&event.reference) else { return };
        let change = order.change.take();
        match &event.answer {
            Answered::Accepted { id } => {
                if !order.ids.contains(id) {
                    order.ids.push(id.clone());
                }
                if let Some(OrderChange::Replace { limit }) = change {
                    order.limit = limit;
                }
                order.change_lost = false;
                order.why = None;
            }
            Answered::Refused { refusal } => {
                order.change_lost = false;
                order.why = Some(refusal.to_string());
            }
            Answered::Lost { why } => {
                order.change_lost = true;
                order.why = Some(why.clone());
            }
            Answered::NotDone => {
                order.change_lost = false;
                order.why = None;
            }
        }
    }
}

fn step(
    orders: &mut BTreeMap<OrderRef, Order>,
    reference: OrderRef,
    step: OrderStep,
    at: Timestamp,
) -> Option<&mut Order> {
    let order = orders.get_mut(&reference)?;
    let next = order.state.next(step).ok()?;
    if next != order.state {
        order.state = next;
        order.since = at;
    }
    Some(order)
}

fn step_trade(
    trades: &mut BTreeMap<crate::domain::TradeId, Trade>,
    id: crate::domain::TradeId,
    step: TradeStep,
) {
    if let Some(trade) = trades.get_mut(&id)
        && let Ok(next) = trade.state.next(step)
    {
        trade.state = next;
    }
}

/// The first fill makes the trade real: from there its legs are what was filled, no longer what was wanted.
fn book(trade: &mut Trade, booked: &BookedFill) {
    if trade.state != TradeState::Executed {
        let Ok(next) = trade.state.next(TradeStep::Fill) else { return };
        trade.state = next;
        for leg in &mut trade.legs {
            leg.quantity = Decimal::ZERO;
            leg.entry = None;
        }
    }
    let added = booked.action.sign() * booked.fill.quantity;
    let place = trade.legs.iter().position(|leg| leg.instrument == booked.instrument).unwrap_or_else(|| {
        trade.legs.push(Leg { instrument: booked.instrument.clone(), quantity: Decimal::ZERO, entry: None });
        trade.legs.len() - 1
    });
    let leg = &mut trade.legs[place];
    if !booked.action.is_closing() {
        leg.entry = average(leg, added, booked.fill.price);
    }
    leg.quantity += added;
}

/// `None` stays unknown: an average with an unknown part is no price.
fn average(leg: &Leg, added: Decimal, price: Price) -> Option<Price> {
    if leg.quantity.is_zero() {
        return Some(price);
    }
    let total = leg.quantity + added;
    let cost = leg.entry?.0 * leg.quantity + price.0 * added;
    cost.checked_div(total).map(|average| Price(average.round_dp(6).normalize()))
}
