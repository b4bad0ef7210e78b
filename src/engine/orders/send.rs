//! The trader's yes: the broker asked once more where its answer is old, the trade judged anew on the book as it
//! is, the controls, the durable wish, and only then the one request.

use super::facts::Judged;
use super::stage::{refusal, without_errors};
use super::{NoDryRun, Sending, Yes, is_fresh};
use crate::booking::evaluate::EvaluationJob;
use crate::booking::ticket;
use crate::domain::control::Venue;
use crate::domain::event::{OrderMoved, OrderSubmitted};
use crate::domain::order::{ComplexTicket, DryRun, NetPrice, OrderState, OrderStep};
use crate::domain::{Evaluation, Event, OrderRef, Refusal, Timestamp, Trade};
use crate::engine::decide::journal::checked_text;
use crate::engine::effect::Effect;
use crate::engine::input::{NoChain, ReplyTo};
use crate::engine::{Answer, Engine, Step, risk_book};

impl Engine {
    /// What the trader saw and confirmed is sent, nothing else.
    pub(in crate::engine) fn send(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        yes: Yes,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        // A set goes out whole.
        let reference = self.lead_of(reference);
        match self.confirmed(reference, &yes, now) {
            Err(refusal) => step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) }),
            Ok((dry_run, job)) => {
                let fresh = Some(dry_run).filter(|dry_run| is_fresh(dry_run, now));
                if fresh.is_none()
                    && let Some(order) = self.books.orders.get(&reference)
                {
                    let set = order.set.as_ref().and_then(|place| self.books.set_ticket(place.set));
                    step.effects.push(match set {
                        None => Effect::DryRun(Box::new(order.ticket.clone())),
                        Some(set) => Effect::DryRunSet(Box::new(set)),
                    });
                }
                self.next_booking += 1;
                let judging = self.next_booking;
                step.effects.push(Effect::Evaluate { booking: judging, job: Box::new(job) });
                let structure = self.structure;
                let sending = Sending { yes, reply, judging, structure, dry_run: fresh, evaluation: None };
                self.desk.sending.insert(reference, sending);
            }
        }
    }

    fn confirmed(
        &self,
        reference: OrderRef,
        yes: &Yes,
        now: Timestamp,
    ) -> Result<(DryRun, EvaluationJob), Refusal> {
        let no = |why: &str| Refusal::NotOrderable { why: why.to_owned() };
        if let Some(why) = &self.read_only {
            return Err(Refusal::ReadOnly(why.clone()));
        }
        if self.desk.sending.contains_key(&reference) {
            return Err(no("it is being sent already"));
        }
        let shown_for = (now - yes.shown_at).num_seconds() as f64;
        if !(0.0..=self.config.orders.controls.confirmation_seconds).contains(&shown_for) {
            return Err(no("it was shown too long ago: look at it again (b)"));
        }
        let order = self.books.orders.get(&reference).ok_or(Refusal::UnknownOrder(reference))?;
        if order.state != OrderState::Staged {
            return Err(no("only a staged order can be sent"));
        }
        self.venue(order.ticket.account)?;
        let dry_run =
            order.dry_run.clone().ok_or_else(|| no("the broker has not judged it: stage it again"))?;
        if dry_run.body_hash != yes.body_hash {
            return Err(no("it is not the order that was confirmed: look at it again"));
        }
        let id = order.ticket.trade;
        let trade = self.books.trades.get(&id).ok_or(Refusal::UnknownTrade(id))?;
        let closing = order.ticket.is_closing();
        self.ready(trade, closing)?;
        if order.ticket.legs != ticket::legs(trade, closing)? {
            return Err(no("its trade is not what it was when the order was staged: stage it again"));
        }
        let portfolio = trade.portfolio.ok_or_else(|| no("route it to a portfolio first (m)"))?;
        let market = self.market(now);
        let belongs = self.belongs();
        let open = |other: &Trade| other.is_open() && belongs(other);
        let before = risk_book::book(&self.books, &market, open, &belongs);
        let counts = |other: &Trade| (other.id == id && !closing) || (open(other) && other.id != id);
        let after = risk_book::book(&self.books, &market, counts, &belongs);
        let held = self.books.portfolios.get(&portfolio);
        let job = EvaluationJob {
            trade: id,
            portfolio,
            warn_only: held.is_some_and(|held| held.portfolio.warn_only),
            strategy: trade.strategy,
            legs: trade.legs.clone(),
            notes: Vec::new(),
            odds: None,
            may_lose: None,
            before,
            after,
        };
        Ok((dry_run, job))
    }

    pub(super) fn dry_run_renewed(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        result: Result<DryRun, NoDryRun>,
        now: Timestamp,
    ) {
        let outcome = result.map_err(refusal).and_then(without_errors);
        let Some(sending) = self.desk.sending.get_mut(&reference) else { return };
        match outcome {
            // Anything else than what was confirmed is found out by the controls: the hashes differ.
            Ok(dry_run) => sending.dry_run = Some(dry_run),
            Err(refusal) => {
                step.answers.push(Answer { to: sending.reply, slot: 0, result: Err(refusal) });
                self.desk.sending.remove(&reference);
                return;
            }
        }
        self.submit_when_judged(step, reference, now);
    }

    /// Whether the evaluation was an order's.
    pub(in crate::engine) fn order_evaluated(
        &mut self,
        step: &mut Step,
        judging: u64,
        evaluation: &Evaluation,
        now: Timestamp,
    ) -> bool {
        let found = self.desk.sending.iter_mut().find(|(_, sending)| sending.judging == judging);
        let Some((reference, sending)) = found else { return false };
        sending.evaluation = Some(evaluation.clone());
        let reference = *reference;
        self.submit_when_judged(step, reference, now);
        true
    }

    /// The evaluation of an order failed: it stays staged, and may be sent again. Whether it was an order's.
    pub(in crate::engine) fn order_not_evaluated(
        &mut self,
        step: &mut Step,
        judging: u64,
        why: &NoChain,
    ) -> bool {
        let found = self.desk.sending.iter().find(|(_, sending)| sending.judging == judging);
        let Some(reference) = found.map(|(reference, _)| *reference) else { return false };
        let reply = self.desk.sending.remove(&reference).and_then(|sending| sending.reply);
        let refusal = match why {
            NoChain::Failed(failure) => {
                Refusal::CouldNotRead { what: failure.what.clone(), remedy: failure.remedy.clone() }
            }
            NoChain::NotListed => Refusal::Overtaken,
        };
        step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) });
        true
    }

    fn submit_when_judged(&mut self, step: &mut Step, reference: OrderRef, now: Timestamp) {
        let judged = |sending: &Sending| sending.dry_run.is_some() && sending.evaluation.is_some();
        if !self.desk.sending.get(&reference).is_some_and(judged) {
            return;
        }
        let Some(sending) = self.desk.sending.remove(&reference) else { return };
        let Sending { yes, reply, structure, dry_run: Some(dry_run), evaluation: Some(evaluation), .. } =
            sending
        else {
            return;
        };
        let order = self.books.orders.get(&reference).filter(|order| order.state == OrderState::Staged);
        let Some(order) = order.filter(|_| structure == self.structure).cloned() else {
            step.answers.push(Answer { to: reply, slot: 0, result: Err(Refusal::Overtaken) });
            return;
        };
        if let Some(set) = order.set.as_ref().and_then(|place| self.books.set_ticket(place.set)) {
            return self.submit_set(step, set, &yes, (&dry_run, &evaluation), reply, now);
        }
        let ticket = order.ticket;
        let legs: Vec<_> = ticket.legs.iter().map(|leg| leg.instrument.clone()).collect();
        let mut cleared = None;
        self.decide_on(step, (reply, 0), now, None, &legs, |engine, now| {
            let judged = Judged {
                dry_run: &dry_run,
                evaluation: &evaluation,
                yes: &yes,
                worst: order.walk.map_or(ticket.limit, |walk| walk.worst),
            };
            let venue = engine.venue(ticket.account)?;
            let (sealed, checks) = engine.cleared(&ticket, &judged, now)?;
            cleared = Some(sealed);
            let submitted = OrderSubmitted { reference, ticket: ticket.clone(), venue: Some(venue), checks };
            Ok((vec![Event::OrderSubmitted(submitted)], sent_words(venue)))
        });
        if let Some(cleared) = cleared {
            step.sends.push(Effect::Submit(Box::new(cleared)));
        }
    }

    /// All orders of it in one wish, and one request.
    fn submit_set(
        &mut self,
        step: &mut Step,
        set: ComplexTicket,
        yes: &Yes,
        (dry_run, evaluation): (&DryRun, &Evaluation),
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        let Some(lead) = set.lead().cloned() else { return };
        let legs: Vec<_> = lead.legs.iter().map(|leg| leg.instrument.clone()).collect();
        let mut cleared = None;
        self.decide_on(step, (reply, 0), now, None, &legs, |engine, now| {
            // Of a trigger the exits are no part of what it may come to: they only close.
            let judged = if set.trigger.is_some() { vec![lead.limit] } else { limits(&set) };
            let worst = judged.into_iter().min().unwrap_or(lead.limit);
            let judged = Judged { dry_run, evaluation, yes, worst };
            let venue = engine.venue(lead.account)?;
            let (sealed, checks) = engine.cleared_set(&set, &lead, &judged, now)?;
            cleared = Some(sealed);
            let submitted = set.tickets().map(|ticket| {
                Event::OrderSubmitted(OrderSubmitted {
                    reference: ticket.reference,
                    ticket: ticket.clone(),
                    venue: Some(venue),
                    checks: checks.clone(),
                })
            });
            Ok((submitted.collect(), sent_words(venue)))
        });
        if let Some(cleared) = cleared {
            step.sends.push(Effect::SubmitSet(Box::new(cleared)));
        }
    }

    /// Taken back before it was sent, or written off where the truth could not be found.
    pub(in crate::engine) fn drop_order(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        reason: &str,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        let set = self.books.orders_of_set(self.lead_of(reference));
        let mut all: Vec<OrderRef> = set.iter().map(|order| order.ticket.reference).collect();
        let staged = set.iter().all(|order| order.state == OrderState::Staged);
        // What was never sent goes whole; what is in doubt is written off by itself.
        if all.is_empty() || !staged {
            all = vec![reference];
        }
        self.decide(step, (reply, 0), now, None, |engine, _| {
            let order = engine.books.orders.get(&reference).ok_or(Refusal::UnknownOrder(reference))?;
            order.state.next(OrderStep::Drop).map_err(|_| Refusal::NotOrderable {
                why: "only a staged order is taken back, only an unknown one written off; cancel it instead"
                    .to_owned(),
            })?;
            let why = Some(checked_text(reason)?);
            let moved = |reference| {
                let (step, why) = (OrderStep::Drop, why.clone());
                Event::OrderMoved(OrderMoved { reference, step, id: None, status: None, limit: None, why })
            };
            Ok((all.into_iter().map(moved).collect(), "dropped".to_owned()))
        });
    }
}

fn limits(set: &ComplexTicket) -> Vec<NetPrice> {
    set.tickets().map(|ticket| ticket.limit).collect()
}

fn sent_words(venue: Venue) -> String {
    let to = match venue {
        Venue::Simulator => "to the simulated exchange",
        Venue::Sandbox => "to the broker's sandbox",
        Venue::Paper => "to the paper broker",
        Venue::Live => "to the broker",
    };
    format!("sent {to}: O shows what becomes of it")
}
