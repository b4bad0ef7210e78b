//! Orders that work: cancelled, replaced, walked. One request at a time for each, and none while its truth is
//! unknown.

use std::collections::BTreeSet;

use crate::containers::Order;
use crate::domain::control::ControlCheck;
use crate::domain::event::Actor;
use crate::domain::event::{OrderChange, OrderChangeRequested};
use crate::domain::order::{NetPrice, OrderState, Ticket};
use crate::domain::{Event, OrderRef, Refusal, Timestamp};
use crate::engine::effect::Effect;
use crate::engine::input::ReplyTo;
use crate::engine::{Engine, Step};
use crate::risk::controls::Kill;
use crate::snapshot::{Level, Notice};

use super::CHANGE_SECONDS;

impl Engine {
    pub(in crate::engine) fn cancel_order(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        let mut effect = None;
        self.decide(step, (reply, 0), now, None, |engine, _| {
            let order = engine.cancellable(reference)?;
            let Some((events, sends)) = engine.cancellation(order) else {
                engine.desk.looks.hint(reference);
                let why = "the broker's number of it is not known yet: it is being looked up".to_owned();
                return Err(Refusal::NotOrderable { why });
            };
            effect = Some(sends);
            let said = if events.len() > 1 { "cancel of the set requested" } else { "cancel requested" };
            Ok((events, said.to_owned()))
        });
        step.sends.extend(effect);
    }

    pub(in crate::engine) fn replace_order(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        limit: NetPrice,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        let mut effect = None;
        self.decide(step, (reply, 0), now, None, |engine, now| {
            let order = engine.changeable(reference)?;
            if !limit.is_plausible() {
                let why = format!("{limit} is no price of an option or a share");
                return Err(Refusal::NotOrderable { why });
            }
            if order.walk.is_some_and(|walk| !limit.is_within(walk.worst)) {
                let why = "that is past the worst price of its walk: cancel it and stage another".to_owned();
                return Err(Refusal::NotOrderable { why });
            }
            let (replacement, event) = engine.replacement(reference, limit, now)?;
            effect = Some(replacement);
            Ok((vec![event], format!("asked for {limit}")))
        });
        step.sends.extend(effect);
    }

    fn replacement(
        &self,
        reference: OrderRef,
        limit: NetPrice,
        now: Timestamp,
    ) -> Result<(Effect, Event), Refusal> {
        let order = self.changeable(reference)?;
        let id = order.ids.last().cloned().ok_or(Refusal::UnknownOrder(reference))?;
        let ticket = Ticket { limit, ..order.ticket.clone() };
        let (cleared, checks) = self.cleared_change(&ticket, now)?;
        let event = requested(reference, OrderChange::Replace { limit }, checks);
        Ok((Effect::Replace { id, cleared: Box::new(cleared) }, event))
    }

    /// At the broker, known, and nothing else asked of it.
    fn changeable(&self, reference: OrderRef) -> Result<&Order, Refusal> {
        let order = self.cancellable(reference)?;
        if order.set.is_some() {
            let why = "it hangs together with others and keeps its limit: cancel them (x) and stage anew";
            return Err(Refusal::NotOrderable { why: why.to_owned() });
        }
        if order.is_unknown() {
            let why = "what became of a change of it is unknown: it is being looked up".to_owned();
            return Err(Refusal::NotOrderable { why });
        }
        Ok(order)
    }

    /// A cancel adds nothing and may be asked for twice: it goes out also where the answer to another change was
    /// lost; and to a set whose number is known, whatever is known of its orders.
    fn cancellable(&self, reference: OrderRef) -> Result<&Order, Refusal> {
        let order = self.books.orders.get(&reference).ok_or(Refusal::UnknownOrder(reference))?;
        let by_set = order.is_reached_by_set();
        let why = if order.state == OrderState::Unknown && !by_set {
            "its state is unknown: it is being looked up"
        } else if !by_set && (order.state != OrderState::Working || order.ids.is_empty()) {
            "it is not working"
        } else if order.is_changing() {
            "a change of it is on its way"
        } else {
            self.venue(order.ticket.account)?;
            return Ok(order);
        };
        Err(Refusal::NotOrderable { why: why.to_owned() })
    }

    /// Limits that give way with time, and orders whose time is over.
    pub(in crate::engine) fn walk_orders(&mut self, step: &mut Step, now: Timestamp) {
        if self.read_only.is_some() {
            return;
        }
        let due: Vec<(OrderRef, Option<NetPrice>)> = self
            .books
            .live_orders()
            .filter(|order| self.may_ask(order.ticket.reference, now))
            .filter_map(|order| {
                let walk = order.walk?;
                let limit = walk.limit_at((now - order.sent_at?).num_seconds());
                // Only ever toward the worst price: what the trader conceded by hand stays conceded.
                (limit.is_none_or(|limit| limit < order.limit)).then_some((order.ticket.reference, limit))
            })
            .collect();
        for (reference, limit) in due {
            let (effect, event) = match limit {
                Some(limit) => match self.replacement(reference, limit, now) {
                    Ok(change) => change,
                    // A control stands in the way: the limit stays where it is, which is said once.
                    Err(refusal) => {
                        step.effects.extend(self.stays(reference, limit, &refusal).map(Effect::Say));
                        continue;
                    }
                },
                None => {
                    let order = self.books.orders.get(&reference);
                    let Some((events, effect)) = order.and_then(|order| self.cancellation(order)) else {
                        continue;
                    };
                    self.ask(step, reference, events, effect, now);
                    continue;
                }
            };
            self.ask(step, reference, vec![event], effect, now);
        }
    }

    fn stays(&mut self, reference: OrderRef, limit: NetPrice, refusal: &Refusal) -> Option<Notice> {
        let why = refusal.to_string();
        if self.desk.stays.insert(reference, why.clone()).as_ref() == Some(&why) {
            return None;
        }
        let text = format!("a limit does not give way to {limit}: {why}");
        Some(Notice { level: Level::Warning, text, remedy: Some("O shows the order".into()) })
    }

    /// Everything that works is taken back: cancels are never held up by a control.
    pub(in crate::engine) fn cancel_all(&mut self, step: &mut Step, now: Timestamp) {
        let working = |engine: &Self, order: &Order| engine.cancellable(order.ticket.reference).is_ok();
        self.cancel_those(step, now, working);
    }

    /// Under a raised switch what was at the broker or on its way when it went up is taken back as soon as it can
    /// be, and asked for again where the broker refused; so is what opens. What closes may have been sent since.
    pub(in crate::engine) fn cancel_late(&mut self, step: &mut Step, now: Timestamp) {
        if self.kill_switch() != Kill::Off && self.read_only.is_none() {
            let late = |engine: &Self, order: &Order| {
                let reference = order.ticket.reference;
                let caught = engine.books.safety.to_cancel.contains(&reference);
                (caught || !order.ticket.is_closing()) && engine.may_ask(reference, now)
            };
            self.cancel_those(step, now, late);
        }
    }

    pub(super) fn cancel_those(
        &mut self,
        step: &mut Step,
        now: Timestamp,
        which: impl Fn(&Self, &Order) -> bool,
    ) {
        let chosen = self.books.live_orders().filter(|order| which(self, order));
        let chosen: Vec<OrderRef> = chosen.map(|order| order.ticket.reference).collect();
        let mut asked = BTreeSet::new();
        for reference in chosen {
            // A set is cancelled whole, once.
            if !asked.insert(self.lead_of(reference)) {
                continue;
            }
            let order = self.books.orders.get(&reference);
            if let Some((events, effect)) = order.and_then(|order| self.cancellation(order)) {
                self.ask(step, reference, events, effect, now);
            } else {
                self.desk.looks.hint_now_and_then(reference, now);
            }
        }
    }

    /// Cancellable, and not asked of just now.
    pub(super) fn may_ask(&self, reference: OrderRef, now: Timestamp) -> bool {
        let lately = self.desk.asked.get(&reference).map(|at| (now - *at).num_seconds());
        lately.is_none_or(|seconds| seconds >= CHANGE_SECONDS) && self.cancellable(reference).is_ok()
    }

    /// A change that the program asks for by itself.
    fn ask(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        events: Vec<Event>,
        effect: Effect,
        now: Timestamp,
    ) {
        // Of a set each order is asked of.
        let place = self.books.orders.get(&reference).and_then(|order| order.set.as_ref());
        let others = place.map(|place| self.books.orders_of_set(place.set)).unwrap_or_default();
        let all = others.iter().map(|order| order.ticket.reference).chain([reference]);
        self.desk.asked.extend(all.map(|reference| (reference, now)));
        self.record(step, Actor::System, events, None, now);
        step.sends.push(effect);
    }
}

fn requested(reference: OrderRef, change: OrderChange, checks: Vec<ControlCheck>) -> Event {
    Event::OrderChangeRequested(OrderChangeRequested { reference, change, checks })
}
