//! A WhatIf on its way: the chain is fetched, strikes are drawn, the draft is judged, and only then recorded.

use super::effect::Effect;
use super::input::{ChainWish, Failure, NoChain, ReplyTo};
use super::{Answer, Engine, Step};
use crate::booking::draft;
use crate::booking::evaluate::{self, PendingBooking};
use crate::domain::command_line::BookingLine;
use crate::domain::event::{NoteKind, TradeEvaluated, TradeIntended};
use crate::domain::{Evaluation, Event, Instrument, Refusal, Timestamp, TradeId, TradeKind};
use crate::engine::decide::journal;
use crate::market::update::OptionChain;

/// Bookings under way at once: more than a person can start.
const BOOKINGS_AT_ONCE: usize = 8;
/// Market data that a verdict rests on is at most this old.
const VERDICT_SECONDS: f64 = 15.0;

impl Engine {
    pub(super) fn begin_booking(
        &mut self,
        line: &BookingLine,
        rationale: String,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) -> Result<ChainWish, Refusal> {
        if let Some(why) = &self.read_only {
            return Err(Refusal::ReadOnly(why.clone()));
        }
        self.clock_permits()?;
        let rationale = journal::checked_text(&rationale)?;
        let portfolio = evaluate::home(&self.books, line)?;
        if self.bookings.len() >= BOOKINGS_AT_ONCE {
            return Err(Refusal::TooManyBookings { most: BOOKINGS_AT_ONCE });
        }
        self.next_booking += 1;
        let booking = self.next_booking;
        let pending = PendingBooking {
            line: line.clone(),
            rationale,
            portfolio: portfolio.id,
            reply: reply.map(|r| r.0),
            draft: None,
            judged: None,
        };
        self.bookings.insert(booking, pending);
        Ok(ChainWish {
            booking,
            underlying: line.underlying.clone(),
            days: line.days.unwrap_or(draft::DEFAULT_DAYS),
            now,
        })
    }

    pub(super) fn chain(
        &mut self,
        step: &mut Step,
        booking: u64,
        chain: Result<OptionChain, NoChain>,
        now: Timestamp,
    ) {
        if let Err(why) = &chain
            && self.order_not_evaluated(step, booking, why)
        {
            return;
        }
        let Some(mut pending) = self.bookings.remove(&booking) else { return };
        let reply = pending.reply.map(ReplyTo);
        let missing = |why| match why {
            NoChain::NotListed => Refusal::NoChain(pending.line.underlying.clone()),
            NoChain::Failed(Failure { what, remedy, .. }) => Refusal::CouldNotRead { what, remedy },
        };
        let outcome = chain.map_err(missing).and_then(|chain| {
            let market = self.market(now);
            if market.halted(&pending.line.underlying) == Some(true) {
                return Err(Refusal::Halted(pending.line.underlying.clone()));
            }
            let drafted = draft::draft(&pending.line, &chain, &market)?;
            evaluate::permitted(&self.books, pending.portfolio, &drafted)?;
            if !evaluate::has_sense(&drafted, pending.line.debit) {
                let why =
                    if pending.line.debit { "it would cost nothing" } else { "it would bring no credit" };
                let underlying = pending.line.underlying.clone();
                return Err(Refusal::NoStrikes { underlying, why: why.to_owned() });
            }
            let trade = TradeId::new(self.ids.as_mut());
            Ok((self.evaluation_job(trade, &pending, &drafted, &market, now), drafted, trade))
        });
        match outcome {
            Err(refusal) => step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) }),
            Ok((job, drafted, trade)) => {
                pending.draft = Some((trade, drafted));
                pending.judged = Some((self.structure, now));
                self.bookings.insert(booking, pending);
                step.effects.push(Effect::Evaluate { booking, job: Box::new(job) });
            }
        }
    }

    pub(super) fn evaluated(
        &mut self,
        step: &mut Step,
        booking: u64,
        evaluation: Evaluation,
        now: Timestamp,
    ) {
        if self.order_evaluated(step, booking, &evaluation, now) {
            return;
        }
        let Some(pending) = self.bookings.remove(&booking) else { return };
        let Some((trade, drafted)) = pending.draft else { return };
        let reply = pending.reply.map(ReplyTo);
        // A verdict holds for the book and the moment it was given for.
        let holds_for = VERDICT_SECONDS * self.config.clock_speed;
        let holds = pending.judged.is_some_and(|(structure, at)| {
            structure == self.structure && (now - at).as_seconds_f64() <= holds_for
        });
        if !holds {
            step.answers.push(Answer { to: reply, slot: 0, result: Err(Refusal::Overtaken) });
            return;
        }
        if let Some(refusal) = evaluate::blocked(&evaluation, &pending.line.underlying) {
            step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) });
            return;
        }
        let said = evaluate::sentence(&drafted, &evaluation);
        let account = self.books.portfolios.get(&pending.portfolio).and_then(|held| held.account);
        let legs: Vec<Instrument> = drafted.legs.iter().map(|leg| leg.instrument.clone()).collect();
        self.decide_on(step, (reply, 0), now, None, &legs, |_, _| {
            let intended = Event::TradeIntended(TradeIntended {
                trade,
                trade_kind: TradeKind::WhatIf,
                portfolio: Some(pending.portfolio),
                account,
                underlying: pending.line.underlying.clone(),
                strategy: drafted.strategy,
                legs: drafted.legs.clone(),
                note_kind: NoteKind::Decision,
                rationale: pending.rationale.clone(),
            });
            let evaluated = Event::TradeEvaluated(TradeEvaluated { trade, evaluation: evaluation.clone() });
            Ok((vec![intended, evaluated], said))
        });
    }
}
