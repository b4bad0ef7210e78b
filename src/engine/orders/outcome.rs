//! What comes back: answers to requests, looks, the stream's hints. All of it is evidence, none of it a wish.

use chrono::Datelike;
use rust_decimal::Decimal;

use super::SETTLE_SECONDS;
use super::alike;
use super::evidence::{self, Evidence, Source};
use super::looks::LookUp;
use crate::containers::Order;
use crate::domain::event::{Actor, Answered, OrderAnswered, OrderChangeAnswered, OrderFilled, TradeClosed};
use crate::domain::order::{OrderLeg, OrderReport, OrderState, OrderStep, Placed, SetRole};
use crate::domain::trade::CloseReason;
use crate::domain::{Event, OrderRef, Timestamp, label};
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
        let after = Order { state: OrderState::Working, ..order.clone() };
        let (answer, report) = answered(placed);
        step.effects.extend(notice(&answer, &self.order_words(&after, "the order")).map(Effect::Say));
        let told = Event::OrderAnswered(OrderAnswered { reference, answer });
        self.taken_in(step, after, told, report, now);
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
        let after = Order { change: None, ..order.clone() };
        let (answer, report) = answered(placed);
        step.effects.extend(notice(&answer, &self.order_words(&after, "the change of")).map(Effect::Say));
        let told = Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer });
        self.taken_in(step, after, told, report, now);
    }

    /// An answer, and what its report proves of the order as the answer leaves it.
    pub(super) fn taken_in(
        &mut self,
        step: &mut Step,
        mut after: Order,
        told: Event,
        report: Option<Box<OrderReport>>,
        now: Timestamp,
    ) {
        let mut events = vec![told];
        if let Some(report) = report {
            if !after.ids.contains(&report.id) {
                after.ids.push(report.id.clone());
            }
            let found = self.proved(&after, &report, Source::Told, now);
            step.effects.extend(calls(&after, &found.events).map(Effect::Say));
            events.extend(found.events);
        }
        self.record(step, Actor::Broker, events, None, now);
    }

    /// A report from the stream or from a look.
    pub(in crate::engine) fn order_reported(
        &mut self,
        step: &mut Step,
        report: &OrderReport,
        source: Source,
        now: Timestamp,
    ) {
        if self.read_only.is_some() {
            return;
        }
        let events = match evidence::ours(&self.books, report).cloned() {
            None => {
                let events = evidence::stranger(&self.books, report).events;
                step.effects.extend(events.iter().filter_map(alarm).map(Effect::Say));
                events
            }
            Some(order) => {
                let mut found = self.proved(&order, report, source, now);
                if found.look_again && self.desk.looks.again(&order) {
                    found.events.extend(evidence::half_told(&order, report, &self.books.safety.alarms));
                }
                step.effects.extend(calls(&order, &found.events).map(Effect::Say));
                found.events.extend(self.set_named(&order, report));
                found.events
            }
        };
        if !events.is_empty() {
            self.record(step, Actor::Broker, events, None, now);
        }
    }

    pub(in crate::engine) fn looked(
        &mut self,
        step: &mut Step,
        look: &LookUp,
        result: Result<Vec<OrderReport>, Failure>,
        now: Timestamp,
    ) {
        self.desk.looks.ended(look.reference, result.is_ok());
        let reports = match result {
            // A look that failed is not a look that found nothing.
            Err(failure) => {
                tracing::warn!(what = failure.what, "an order could not be looked up");
                return;
            }
            Ok(reports) => reports,
        };
        let searched = self.books.orders.get(&look.reference).filter(|_| look.id.is_none());
        let seen = searched.map(|order| alike::alike(&self.books, order, look.since, &reports));
        if self.desk.alike.get(&look.reference) != seen.as_ref() {
            self.revision += 1;
            self.desk.alike.insert(look.reference, seen.unwrap_or_default());
        }
        let order = self.books.orders.get(&look.reference).filter(|_| self.read_only.is_none());
        if order.is_some_and(|order| evidence::change_was_not_done(order, look, &reports)) {
            let reference = look.reference;
            let undone = OrderChangeAnswered { reference, answer: Answered::NotDone };
            self.record(step, Actor::Broker, vec![Event::OrderChangeAnswered(undone)], None, now);
        }
        self.saw_it_rest(look, &reports);
        // One report a step: each is judged on books that know the one before. The newest comes first from the
        // broker; what was replaced is older than what replaced it.
        for report in reports.into_iter().rev() {
            step.effects.push(Effect::Consider(Box::new(report)));
        }
    }

    /// What the report proves of this order, and the trade that it closes.
    fn proved(&mut self, order: &Order, report: &OrderReport, source: Source, now: Timestamp) -> Evidence {
        let mut found = evidence::of_order(order, report, source, &self.books.safety.alarms);
        evidence::closes_too_much(&self.books, order, report, &mut found);
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

    /// An order by what the trader knows it by: "the order SPY iron condor 18 Dec 645/650 705/710, 1 lot (…9f3a)".
    pub(super) fn order_words(&self, order: &Order, what: &str) -> String {
        let ticket = &order.ticket;
        let trade = self.books.trades.get(&ticket.trade);
        let closing = if ticket.is_closing() { "close " } else { "" };
        let structure = trade.map_or_else(String::new, |trade| {
            let year = order.staged_at.year();
            format!(" {closing}{}", label::structure(trade.strategy, &trade.legs, year))
        });
        let symbol = ticket.underlying().map_or_else(String::new, |symbol| format!(" {symbol}"));
        let lots = if ticket.units() == 1 { "1 lot".to_owned() } else { format!("{} lots", ticket.units()) };
        format!("{what}{symbol}{structure}, {lots} (reference {})", ticket.reference)
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
        let lives = |reference: &OrderRef| books.orders.get(reference).is_some_and(|o| !o.state.has_ended());
        self.desk.asked.retain(|reference, _| lives(reference));
        self.desk.stays.retain(|reference, _| lives(reference));
        self.desk.alike.retain(|reference, _| books.orders.get(reference).is_some_and(Order::is_unknown));
        self.desk.changed.retain(|_, at| (now - *at).num_seconds() < SETTLE_SECONDS * 12);
        if self.read_only.is_some() {
            return;
        }
        for look in self.desk.looks.due(self.books.unsettled_orders(now), now) {
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
}

/// What the trader must hear of an answer.
pub(super) fn notice(answer: &Answered, what: &str) -> Option<Notice> {
    let (text, remedy) = match answer {
        Answered::Accepted { .. } | Answered::NotDone => return None,
        Answered::Refused { refusal } => {
            (format!("the broker refuses {what}: {refusal}"), "nothing was done; O shows where it stands")
        }
        Answered::Lost { why } => (
            format!("what became of {what} is UNKNOWN: {why}"),
            "it is being looked up and is never sent again; O shows it",
        ),
    };
    Some(Notice { level: Level::Error, text, remedy: Some(remedy.into()) })
}

/// What the trader must hear of what was proved.
fn calls<'a>(order: &Order, events: &'a [Event]) -> impl Iterator<Item = Notice> + use<'a> {
    let lopsided = ends_lopsided(order, events).then(|| Notice {
        level: Level::Error,
        text: "an order ended with some of its legs filled and others not".to_owned(),
        remedy: Some("the blotter names them; x on the trade closes what is held".into()),
    });
    let bare = open_without_exits(order, events).map(|lots| Notice {
        level: Level::Warning,
        text: if lots == Decimal::ONE {
            "1 lot is open without exits".to_owned()
        } else {
            format!("{lots} lots are open without exits")
        },
        remedy: Some("X rests them".into()),
    });
    events.iter().filter_map(alarm).chain(lopsided).chain(bare)
}

/// Whole lots of an order that was to begin its exits, and ended when only a part of it was filled.
fn open_without_exits(order: &Order, events: &[Event]) -> Option<Decimal> {
    order.set.as_ref().filter(|place| place.role == SetRole::Trigger)?;
    let after = ended_partly(order, events)?;
    let units = Decimal::from(after.ticket.units());
    let lots = |(at, leg): (usize, &OrderLeg)| {
        Some((after.filled(at) * units).checked_div(Decimal::from(leg.quantity))?.floor())
    };
    let lots = after.ticket.legs.iter().enumerate().filter_map(lots).min()?;
    (!lots.is_zero()).then_some(lots)
}

fn alarm(event: &Event) -> Option<Notice> {
    let Event::AlarmRaised(raised) = event else { return None };
    Some(Notice {
        level: Level::Error,
        text: format!("ALARM: {}", raised.alarm),
        remedy: Some("look at the broker's own platform; new orders wait until it is cleared".into()),
    })
}

fn ends_lopsided(order: &Order, events: &[Event]) -> bool {
    ended_partly(order, events).is_some_and(|after| after.is_lopsided())
}

/// The order with its fills, where these events end it partly filled.
fn ended_partly(order: &Order, events: &[Event]) -> Option<Order> {
    let mut after = order.clone();
    let mut ends = false;
    for event in events {
        match event {
            Event::OrderFilled(filled) => after.fills.extend(filled.fills.iter().cloned()),
            Event::OrderMoved(moved) => ends |= moved.step == OrderStep::EndPartlyFilled,
            _ => {}
        }
    }
    ends.then_some(after)
}

pub(super) fn answered(placed: Placed) -> (Answered, Option<Box<OrderReport>>) {
    match placed {
        Placed::Accepted(report) => (Answered::Accepted { id: report.id.clone() }, Some(report)),
        Placed::Refused(refusal) => (Answered::Refused { refusal }, None),
        Placed::Unknown { why } => (Answered::Lost { why }, None),
    }
}
