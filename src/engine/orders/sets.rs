//! Orders that hang together: two exits of which one ends the other, alone or sent along with the order that opens.
//! Each is an order like any other, with a reference, a state and fills of its own; what is theirs together is the one
//! request that sends them, the one that cancels them, and the broker's number of the set.
//!
//! Never: walks one of them or gives it another price, cancels one by itself.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::alike;
use super::outcome::{answered, notice};
use crate::advisor::{exit_rules, trade_facts};
use crate::booking::profile;
use crate::booking::ticket::{self, Limit};
use crate::containers::Order;
use crate::domain::event::{
    Actor, Answered, LinkedOrder, OrderAnswered, OrderChange, OrderChangeAnswered, OrderChangeRequested,
    OrdersLinked, SetNamed,
};
use crate::domain::order::{
    ComplexKind, ComplexReport, ComplexTicket, Exit, NetPrice, OrderFor, OrderReport, OrderState, Placed,
    SetRole, Ticket,
};
use crate::domain::portfolio::ExitProfile;
use crate::domain::{AccountId, Event, Money, OrderRef, Price, Refusal, Timestamp, Trade};
use crate::engine::effect::Effect;
use crate::engine::{Engine, Step};
use crate::market::view::MarketView;
use crate::risk::recognition;

impl Engine {
    /// The two exits of what is open: the rule's profit, and its stop.
    pub(super) fn bracket(
        &self,
        [target, stop]: [OrderRef; 2],
        trade: &Trade,
        account: AccountId,
        market: &MarketView,
    ) -> Result<ComplexTicket, Refusal> {
        let facts = trade_facts::of(trade, &self.books, market, &self.held);
        let has_target = facts.exit.as_ref().is_some_and(|exit| exit.target.is_some());
        let credit = facts.entry.filter(|_| has_target).ok_or_else(no_target)?;
        let most = max_loss(trade, None);
        let orders = self.exits([target, stop], trade, account, (credit, most), market)?;
        Ok(ComplexTicket { kind: ComplexKind::Oco, trigger: None, orders })
    }

    /// The opening order with its exits. It stands where a walk would end: an order of a set keeps its limit.
    pub(super) fn with_exits(
        &self,
        [opens, target, stop]: [OrderRef; 3],
        trade: &Trade,
        account: AccountId,
        limit: Option<NetPrice>,
        market: &MarketView,
    ) -> Result<ComplexTicket, Refusal> {
        let wanted = limit.map_or(Limit::Walks, Limit::At);
        let (mut trigger, walk) =
            ticket::ticket(opens, trade, account, OrderFor::OpenWithExits, wanted, market)?;
        if let Some(walk) = walk {
            trigger.limit = walk.worst;
        }
        if !trigger.limit.is_credit() {
            return Err(no_target());
        }
        let most = max_loss(trade, Some(&trigger));
        let orders = self.exits([target, stop], trade, account, (Price(trigger.limit.0), most), market)?;
        Ok(ComplexTicket { kind: ComplexKind::Otoco, trigger: Some(trigger), orders })
    }

    fn exits(
        &self,
        [target, stop]: [OrderRef; 2],
        trade: &Trade,
        account: AccountId,
        (credit, most): (Price, Option<Price>),
        market: &MarketView,
    ) -> Result<Vec<Exit>, Refusal> {
        let portfolio = trade.portfolio.and_then(|id| self.books.portfolio(id));
        let profile = portfolio.map_or(ExitProfile::Conservative, |portfolio| portfolio.exit);
        let defined = recognition::is_defined_risk(&trade.legs);
        let at = exit_rules::target(profile, credit);
        let rests = Limit::Rests(NetPrice(-at.0));
        let (target, _) = ticket::ticket(target, trade, account, OrderFor::RestExit, rests, market)?;
        let loss = exit_rules::loss_stop(trade.strategy, profile, defined, credit, most);
        let loss = loss.ok_or_else(|| Refusal::NotOrderable {
            why: "its exit rule names no stop: X alone rests the target by itself".to_owned(),
        })?;
        let stop = ticket::stop_limit(stop, trade, account, NetPrice(-loss.0), market)?;
        Ok(vec![target.into(), stop])
    }

    /// The broker's answer to the one request that sent a set.
    pub(in crate::engine) fn set_placed(
        &mut self,
        step: &mut Step,
        set: OrderRef,
        placed: Placed<ComplexReport>,
        now: Timestamp,
    ) {
        let what = "orders that hang together";
        let reports = self.named(step, set, &placed, now);
        let mut gravest = Gravest::default();
        for (place, order) in self.members(set).into_iter().enumerate() {
            let reference = order.ticket.reference;
            self.desk.looks.hint(reference);
            if order.state != OrderState::Submitting {
                // The stream was faster: it has said more already.
                continue;
            }
            let own = of_member(&placed, reports.as_deref(), &order, place);
            let (answer, report) = answered(own);
            gravest.take(&answer, &order);
            let after = Order { state: OrderState::Working, ..order };
            let told = Event::OrderAnswered(OrderAnswered { reference, answer });
            self.taken_in(step, after, told, report, now);
        }
        step.effects.extend(gravest.said(self, what));
    }

    /// The answer to the cancel of a set.
    pub(in crate::engine) fn set_changed(
        &mut self,
        step: &mut Step,
        set: OrderRef,
        placed: Placed<ComplexReport>,
        now: Timestamp,
    ) {
        let reports = self.named(step, set, &placed, now);
        let mut gravest = Gravest::default();
        for (place, order) in self.members(set).into_iter().enumerate() {
            let reference = order.ticket.reference;
            self.desk.looks.hint(reference);
            if order.change != Some(OrderChange::Cancel) {
                continue;
            }
            let own = of_member(&placed, reports.as_deref(), &order, place);
            let (answer, report) = answered(own);
            gravest.take(&answer, &order);
            let after = Order { change: None, ..order };
            let told = Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer });
            self.taken_in(step, after, told, report, now);
        }
        step.effects.extend(gravest.said(self, "the cancel of a set"));
    }

    /// The number of a set that a report names for the first time.
    pub(super) fn set_named(&self, order: &Order, report: &OrderReport) -> Option<Event> {
        let place = order.set.as_ref().filter(|place| place.id.is_none())?;
        let id = report.complex.clone()?;
        Some(Event::SetNamed(SetNamed { set: place.set, id }))
    }

    fn members(&self, set: OrderRef) -> Vec<Order> {
        self.books.orders_of_set(set).into_iter().cloned().collect()
    }

    /// The reports of an answer that came, its number recorded.
    fn named(
        &mut self,
        step: &mut Step,
        set: OrderRef,
        placed: &Placed<ComplexReport>,
        now: Timestamp,
    ) -> Option<Vec<OrderReport>> {
        let Placed::Accepted(report) = placed else { return None };
        let known = self.books.orders.get(&set).and_then(|lead| lead.set.as_ref()?.id.clone());
        if known.is_none() {
            let named = Event::SetNamed(SetNamed { set, id: report.id.clone() });
            self.record(step, Actor::Broker, vec![named], None, now);
        }
        Some(report.orders.clone())
    }

    /// What cancels an order: of a set, all of it that has not ended. `None` while the broker's number is missing.
    pub(super) fn cancellation(&self, order: &Order) -> Option<(Vec<Event>, Effect)> {
        let cancel = |reference| {
            let (change, checks) = (OrderChange::Cancel, Vec::new());
            Event::OrderChangeRequested(OrderChangeRequested { reference, change, checks })
        };
        let (reference, account) = (order.ticket.reference, order.ticket.account);
        let Some(place) = &order.set else {
            let id = order.ids.last()?.clone();
            return Some((vec![cancel(reference)], Effect::Cancel { reference, account, id }));
        };
        let (set, id) = (place.set, place.id.clone()?);
        let living = self.books.orders_of_set(set).into_iter();
        let living = living.filter(|order| order.state.may_work() && order.change.is_none());
        let events = living.map(|order| cancel(order.ticket.reference)).collect();
        Some((events, Effect::CancelSet { set, account, id }))
    }

    /// The orders of the set that `ticket` makes, as they hang together.
    pub(super) fn linked(ticket: &ComplexTicket) -> Option<Event> {
        let set = ticket.lead()?.reference;
        let trigger = ticket.trigger.iter();
        let trigger = trigger.map(|it| LinkedOrder { reference: it.reference, role: SetRole::Trigger });
        let exits = ticket.orders.iter().map(|exit| LinkedOrder {
            reference: exit.ticket.reference,
            role: exit.stop.map_or(SetRole::Target, |at| SetRole::Stop { at }),
        });
        let orders = trigger.chain(exits).collect();
        Some(Event::OrdersLinked(OrdersLinked { set, set_kind: ticket.kind, orders }))
    }

    /// The order that speaks for the set of this one; itself, where it is in none.
    pub(super) fn lead_of(&self, reference: OrderRef) -> OrderRef {
        let place = self.books.orders.get(&reference).and_then(|order| order.set.as_ref());
        place.map_or(reference, |place| place.set)
    }
}

/// Of the answers for the orders of a set the one that the trader must hear: one word for the whole.
#[derive(Default)]
struct Gravest(Option<(Answered, Order)>);

impl Gravest {
    fn take(&mut self, answer: &Answered, order: &Order) {
        let gravity = |answer: &Answered| match answer {
            Answered::Lost { .. } => 2,
            Answered::Refused { .. } => 1,
            Answered::Accepted { .. } | Answered::NotDone => 0,
        };
        if self.0.as_ref().is_none_or(|(known, _)| gravity(answer) > gravity(known)) {
            self.0 = Some((answer.clone(), order.clone()));
        }
    }

    fn said(self, engine: &Engine, what: &str) -> Option<Effect> {
        let (answer, order) = self.0?;
        notice(&answer, &engine.order_words(&order, what)).map(Effect::Say)
    }
}

/// What the answer says of one order. By its reference; where none came back, by its place, for the answer names the
/// orders as they were sent: if what stands there is this order by its legs and its limit, too.
fn of_member(
    placed: &Placed<ComplexReport>,
    reports: Option<&[OrderReport]>,
    order: &Order,
    place: usize,
) -> Placed {
    let reports = match (placed, reports) {
        (Placed::Refused(refusal), _) => return Placed::Refused(refusal.clone()),
        (Placed::Unknown { why }, _) => return Placed::Unknown { why: why.clone() },
        (Placed::Accepted(_), reports) => reports.unwrap_or_default(),
    };
    let ours = |report: &&OrderReport| {
        report.reference == Some(order.ticket.reference) || order.ids.contains(&report.id)
    };
    let nameless = || {
        let all = reports.iter().all(|report| report.reference.is_none());
        let same = |report: &&OrderReport| {
            alike::same_legs(&order.ticket, report) && report.limit == Some(order.ticket.limit)
        };
        reports.get(place).filter(|_| all && order.ids.is_empty()).filter(same)
    };
    match reports.iter().find(ours).or_else(nameless) {
        Some(report) => Placed::Accepted(Box::new(report.clone())),
        None => Placed::Unknown { why: "the broker's answer does not name this order of the set".to_owned() },
    }
}

fn no_target() -> Refusal {
    Refusal::NotOrderable {
        why: "its exit rule names no price to buy it back at: x closes it at the market's".to_owned(),
    }
}

/// The most that one unit can lose at expiry: as held, or where it is still to be opened at the limit of that order.
fn max_loss(trade: &Trade, opening: Option<&Ticket>) -> Option<Price> {
    let lots = ticket::legs(trade, true).ok()?.iter().map(|leg| leg.quantity).reduce(gcd)?;
    let multiplier = trade.legs.first()?.instrument.multiplier();
    let size = Decimal::from(lots) * Decimal::from(multiplier);
    let most = Decimal::from_f64(profile::at_expiry(&trade.legs)?.max_loss?.abs())?;
    let worse = match opening {
        None => Decimal::ZERO,
        Some(opening) => {
            let booked: Money = trade.legs.iter().map(crate::domain::Leg::cost).sum::<Option<Money>>()?;
            -opening.limit.0 * size - booked.0
        }
    };
    (most + worse).checked_div(size).filter(Decimal::is_sign_positive).map(Price)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
