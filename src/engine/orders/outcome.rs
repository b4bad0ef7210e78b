//! What comes back: answers to requests, looks, the stream's hints. All of it is evidence, none of it a wish.

use rust_decimal::Decimal;

use super::SETTLE_SECONDS;
use super::evidence::{self, Evidence};
use super::looks::LookUp;
use crate::containers::Order;
use crate::domain::event::{Actor, Answered, OrderAnswered, OrderChangeAnswered, OrderFilled, TradeClosed};
use crate::domain::order::{OrderReport, OrderState, OrderStep, Placed};
use crate::domain::report::BrokerPosition;
use crate::domain::trade::CloseReason;
use crate::domain::{AccountId, Event, Instrument, OrderRef, Timestamp};
use crate::engine::effect::Effect;
use crate::engine::input::Failure;
use crate::engine::{Engine, Step};
use crate::snapshot::{Level, Notice};

impl Engine {
    /// The answer to the one request that sent an order.
    pub(in crate::engine) fn placed(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        placed: Placed,
        now: Timestamp,
    ) {
        let Some(order) = self.books.orders.get(&reference) else { return };
        self.desk.looks.hint(reference);
        if order.state != OrderState::Submitting {
            // The stream was faster: it has said more already.
            return;
        }
        let (answer, report) = answered(placed);
        self.tell(step, &answer, "the order");
        let mut after = order.clone();
        let mut events = vec![Event::OrderAnswered(OrderAnswered { reference, answer: answer.clone() })];
        if let (Answered::Accepted { id }, Some(report)) = (answer, report) {
            after.state = OrderState::Working;
            after.ids.push(id);
            events.extend(self.proved(&after, &report, now).events);
        }
        self.record(step, Actor::Broker, events, None, now);
    }

    /// The answer to a cancel or a replacement.
    pub(in crate::engine) fn changed(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        placed: Placed,
        now: Timestamp,
    ) {
        let Some(order) = self.books.orders.get(&reference) else { return };
        self.desk.looks.hint(reference);
        if order.change.is_none() {
            return;
        }
        let (answer, report) = answered(placed);
        if let Answered::Lost { .. } = answer {
            self.tell(step, &answer, "the change of an order");
        }
        let mut after = order.clone();
        let mut events =
            vec![Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer: answer.clone() })];
        if let (Answered::Accepted { id }, Some(report)) = (answer, report) {
            after.change = None;
            if !after.ids.contains(&id) {
                after.ids.push(id);
            }
            events.extend(self.proved(&after, &report, now).events);
        }
        self.record(step, Actor::Broker, events, None, now);
    }

    /// A report from the stream or from a look.
    pub(in crate::engine) fn order_reported(
        &mut self,
        step: &mut Step,
        report: &OrderReport,
        now: Timestamp,
    ) {
        if self.read_only.is_some() {
            return;
        }
        let mut lopsided = false;
        let Evidence { events, .. } = match evidence::ours(&self.books, report).cloned() {
            None => evidence::stranger(&self.books, report),
            Some(order) => {
                let found = self.proved(&order, report, now);
                if found.look_again {
                    self.desk.looks.hint(order.ticket.reference);
                }
                lopsided = ends_lopsided(&order, &found.events);
                found
            }
        };
        if events.is_empty() {
            return;
        }
        for event in &events {
            if let Event::AlarmRaised(raised) = event {
                step.effects.push(Effect::Say(Notice {
                    level: Level::Error,
                    text: format!("ALARM: {}", raised.alarm),
                    remedy: Some(
                        "look at the broker's own platform; new orders wait until it is cleared".into(),
                    ),
                }));
            }
        }
        if lopsided {
            step.effects.push(Effect::Say(Notice {
                level: Level::Error,
                text: "an order ended with some of its legs filled and others not".to_owned(),
                remedy: Some("the blotter names them; x on the trade closes what is held".into()),
            }));
        }
        self.record(step, Actor::Broker, events, None, now);
    }

    pub(in crate::engine) fn looked(
        &mut self,
        step: &mut Step,
        look: &LookUp,
        result: Result<Vec<OrderReport>, Failure>,
    ) {
        self.desk.looks.ended(look.reference);
        match result {
            // A look that failed is not a look that found nothing.
            Err(failure) => tracing::warn!(what = failure.what, "an order could not be looked up"),
            // One report a step: each is judged on books that know the one before.
            Ok(reports) => {
                for report in reports {
                    step.effects.push(Effect::Consider(Box::new(report)));
                }
            }
        }
    }

    /// What the report proves of this order, and the trade that it closes.
    fn proved(&mut self, order: &Order, report: &OrderReport, now: Timestamp) -> Evidence {
        let mut found = evidence::of_order(order, report, &self.books.safety.alarms);
        let mut closed = Vec::new();
        for event in &found.events {
            if let Event::OrderFilled(filled) = event {
                for booked in &filled.fills {
                    let contract = (order.ticket.account, booked.instrument.clone());
                    self.desk.changed.insert(contract, now);
                }
                closed.extend(self.closes(order, filled));
            }
        }
        found.events.extend(closed);
        found
    }

    /// With these fills nothing is left of the trade.
    fn closes(&self, order: &Order, filled: &OrderFilled) -> Option<Event> {
        let trade = self.books.trades.get(&order.ticket.trade).filter(|trade| trade.is_open())?;
        let left = |leg: &crate::domain::Leg| -> Decimal {
            let of_leg = filled.fills.iter().filter(|booked| booked.instrument == leg.instrument);
            leg.quantity + of_leg.map(|b| b.action.sign() * b.fill.quantity).sum::<Decimal>()
        };
        let flat = order.ticket.is_closing() && trade.legs.iter().all(|leg| left(leg).is_zero());
        let closed = TradeClosed { trade: trade.id, why: CloseReason::Closed, rationale: None };
        flat.then_some(Event::TradeClosed(closed))
    }

    /// The answer that would have said what became of an order died with the process before this one.
    pub(in crate::engine) fn orders_left_open(&self) -> Vec<Event> {
        let why = || "the program ended before the broker's answer was recorded".to_owned();
        let mut events = Vec::new();
        for (reference, order) in &self.books.orders {
            let reference = *reference;
            if order.state == OrderState::Submitting {
                let answer = Answered::Lost { why: why() };
                events.push(Event::OrderAnswered(OrderAnswered { reference, answer }));
            } else if order.change.is_some() {
                let answer = Answered::Lost { why: why() };
                events.push(Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer }));
            }
        }
        events
    }

    /// Looks that are due, and contracts that have settled.
    pub(in crate::engine) fn look_after_orders(&mut self, step: &mut Step, now: Timestamp) {
        let books = &self.books;
        self.desk
            .asked
            .retain(|reference, _| books.orders.get(reference).is_some_and(|order| !order.state.has_ended()));
        self.desk.changed.retain(|_, at| (now - *at).num_seconds() < SETTLE_SECONDS * 12);
        if self.read_only.is_some() {
            return;
        }
        for look in self.desk.looks.due(self.books.live_orders(), now) {
            step.effects.push(Effect::LookUp(look));
        }
    }

    /// After a connection came back, what was said meanwhile is lost: every live order is looked at.
    pub(in crate::engine) fn look_at_all_orders(&mut self) {
        let live: Vec<OrderRef> = self.books.live_orders().map(|order| order.ticket.reference).collect();
        for reference in live {
            self.desk.looks.hint(reference);
        }
    }

    /// Positions without the contracts that orders of ours are changing: they prove nothing yet.
    pub(in crate::engine) fn settled(
        &self,
        account: AccountId,
        positions: &[BrokerPosition],
        read_at: Timestamp,
    ) -> (Vec<BrokerPosition>, Vec<Instrument>) {
        let in_flux = self.books.in_flux();
        let moving = |instrument: &Instrument| {
            let key = (account, instrument.clone());
            in_flux.contains(&key)
                || self
                    .desk
                    .changed
                    .get(&key)
                    .is_some_and(|at| (read_at - *at).num_seconds() < SETTLE_SECONDS)
        };
        let kept = positions.iter().filter(|position| !moving(&position.instrument)).cloned().collect();
        let held = self.books.held(account);
        let known = positions.iter().map(|position| &position.instrument).chain(held.keys());
        let mut skipped: Vec<Instrument> = known.filter(|i| moving(i)).cloned().collect();
        skipped.sort();
        skipped.dedup();
        (kept, skipped)
    }

    fn tell(&self, step: &mut Step, answer: &Answered, what: &str) {
        let notice = match answer {
            Answered::Accepted { .. } => return,
            Answered::Refused { refusal } => Notice {
                level: Level::Error,
                text: format!("the broker refuses {what}: {refusal}"),
                remedy: Some("nothing was done; change it and stage it again".into()),
            },
            Answered::Lost { why } => Notice {
                level: Level::Error,
                text: format!("what became of {what} is UNKNOWN: {why}"),
                remedy: Some("it is being looked up and is never sent again; O shows it".into()),
            },
        };
        step.effects.push(Effect::Say(notice));
    }
}

fn ends_lopsided(order: &Order, events: &[Event]) -> bool {
    let mut after = order.clone();
    let mut ends = false;
    for event in events {
        match event {
            Event::OrderFilled(filled) => after.fills.extend(filled.fills.iter().cloned()),
            Event::OrderMoved(moved) => ends |= moved.step == OrderStep::EndPartlyFilled,
            _ => {}
        }
    }
    ends && after.is_lopsided()
}

fn answered(placed: Placed) -> (Answered, Option<Box<OrderReport>>) {
    match placed {
        Placed::Accepted(report) => (Answered::Accepted { id: report.id.clone() }, Some(report)),
        Placed::Refused(refusal) => (Answered::Refused { refusal }, None),
        Placed::Unknown { why } => (Answered::Lost { why }, None),
    }
}
