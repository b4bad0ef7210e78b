//! From a trade to an order that is ready to be sent: legs, limit, and what the broker would say to it.

use super::{NoDryRun, STAGING_AT_ONCE, StageWish, Staging};
use crate::advisor::trade_facts;
use crate::booking::ticket::{self, Limit};
use crate::containers::Order;
use crate::domain::event::{OrderStaged, TradePromoted};
use crate::domain::order::{ComplexTicket, DryRun, OrderFor, OrderState, Ticket, TimeInForce, Walk};
use crate::domain::{AccountId, Event, OrderRef, Refusal, Timestamp, Trade, TradeKind, TradeState};
use crate::engine::decide::journal::checked_text;
use crate::engine::effect::Effect;
use crate::engine::input::ReplyTo;
use crate::engine::{Answer, Engine, Step};

impl Engine {
    /// Nothing is recorded yet: the broker is asked first what it would do with the order.
    pub(in crate::engine) fn stage(
        &mut self,
        step: &mut Step,
        wish: &StageWish,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        match self.prepared(wish, reply, now) {
            Err(refusal) => step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) }),
            Ok(staging) => {
                step.effects.push(match &staging.set {
                    None => Effect::DryRun(Box::new(staging.ticket.clone())),
                    Some(set) => Effect::DryRunSet(Box::new(set.clone())),
                });
                self.desk.staging.insert(staging.ticket.reference, staging);
            }
        }
    }

    fn prepared(
        &mut self,
        wish: &StageWish,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) -> Result<Staging, Refusal> {
        if self.desk.staging.len() >= STAGING_AT_ONCE {
            return Err(Refusal::TooManyBookings { most: STAGING_AT_ONCE });
        }
        let rationale = checked_text(&wish.rationale)?;
        let references = [(); 3].map(|()| OrderRef::new(self.ids.as_mut()));
        let [reference, second, _] = references;
        let trade = self.books.trades.get(&wish.trade).ok_or(Refusal::UnknownTrade(wish.trade))?;
        let account = self.may_stage(trade, wish.purpose.is_closing())?;
        let promotes =
            trade.kind == TradeKind::WhatIf || (!wish.purpose.is_closing() && trade.account != Some(account));
        let market = self.market(now);
        let limit = match (wish.limit, wish.purpose) {
            (limit, OrderFor::OpenWithExits) => {
                let set = self.with_exits(references, trade, account, limit, &market)?;
                return staging_of(set, promotes, rationale, reply);
            }
            (_, OrderFor::Bracket) => {
                let set = self.bracket([reference, second], trade, account, &market)?;
                return staging_of(set, promotes, rationale, reply);
            }
            (Some(limit), _) => Limit::At(limit),
            (None, OrderFor::RestExit) => {
                Limit::Rests(trade_facts::of(trade, &self.books, &market, &self.held).exit_price()?)
            }
            (None, OrderFor::Open | OrderFor::Close) => Limit::Walks,
        };
        let (ticket, walk) = ticket::ticket(reference, trade, account, wish.purpose, limit, &market)?;
        Ok(Staging { ticket, walk, set: None, promotes, rationale, reply })
    }

    /// What stands in the way of an order before anybody says why it is wanted; else the account it would stand in.
    pub(in crate::engine) fn may_stage(&self, trade: &Trade, closing: bool) -> Result<AccountId, Refusal> {
        if let Some(why) = &self.read_only {
            return Err(Refusal::ReadOnly(why.clone()));
        }
        self.clock_permits()?;
        self.orderable(trade, closing)?;
        let account = self.account_of(trade)?;
        if trade.portfolio.is_none() {
            let why = "it is in no portfolio, and limits are a portfolio's: route it first (m)".to_owned();
            return Err(Refusal::NotOrderable { why });
        }
        Ok(account)
    }

    /// A trade that may be opened is evaluated; one that may be closed is open. One order of a kind at a time.
    fn orderable(&self, trade: &Trade, closing: bool) -> Result<(), Refusal> {
        self.ready(trade, closing)?;
        let busy = self.books.orders.values().any(|order| {
            order.ticket.trade == trade.id
                && order.ticket.is_closing() == closing
                && (order.state.may_work() || order.state == OrderState::Staged)
        });
        if busy {
            let why = "an order of it is staged or at the broker already: send, change or cancel that one";
            return Err(Refusal::NotOrderable { why: why.to_owned() });
        }
        Ok(())
    }

    /// The trade is where such an order begins. What is still being opened is not closed: it may change under the
    /// closing order.
    pub(super) fn ready(&self, trade: &Trade, closing: bool) -> Result<(), Refusal> {
        let opening = |order: &Order| order.ticket.trade == trade.id && !order.ticket.is_closing();
        let why = if closing && !trade.is_open() {
            "only an open trade can be closed"
        } else if closing && self.books.live_orders().any(opening) {
            "the order that opens it still works: cancel that one first (O)"
        } else if !closing && trade.state != TradeState::Evaluated {
            "only what is evaluated and not yet open can be opened"
        } else {
            return Ok(());
        };
        Err(Refusal::NotOrderable { why: why.to_owned() })
    }

    pub(in crate::engine) fn dry_run_done(
        &mut self,
        step: &mut Step,
        reference: OrderRef,
        result: Result<DryRun, NoDryRun>,
        now: Timestamp,
    ) {
        if self.desk.sending.contains_key(&reference) {
            return self.dry_run_renewed(step, reference, result, now);
        }
        let Some(staging) = self.desk.staging.remove(&reference) else { return };
        let Staging { ticket, walk, set, promotes, rationale, reply } = staging;
        let dry_run = match result.map_err(refusal).and_then(without_errors) {
            Ok(dry_run) => dry_run,
            Err(refusal) => {
                step.answers.push(Answer { to: reply, slot: 0, result: Err(refusal) });
                return;
            }
        };
        let said = staged_words(&ticket, walk.as_ref(), set.as_ref(), &dry_run);
        let legs: Vec<_> = ticket.legs.iter().map(|leg| leg.instrument.clone()).collect();
        self.decide_on(step, (reply, 0), now, None, &legs, |engine, _| {
            // The book may have changed while the broker was asked.
            let trade = engine.books.trades.get(&ticket.trade).ok_or(Refusal::UnknownTrade(ticket.trade))?;
            engine.orderable(trade, ticket.is_closing())?;
            let mut events = Vec::with_capacity(2);
            if promotes {
                events.push(Event::TradePromoted(TradePromoted {
                    trade: ticket.trade,
                    account: ticket.account,
                    rationale: rationale.clone(),
                }));
            }
            let linked = set.as_ref().and_then(Self::linked);
            let exits: Vec<Ticket> = set.iter().flat_map(|set| set.tickets().skip(1).cloned()).collect();
            events.push(Event::OrderStaged(OrderStaged { ticket, walk, dry_run: Some(dry_run) }));
            let staged = |ticket| Event::OrderStaged(OrderStaged { ticket, walk: None, dry_run: None });
            events.extend(exits.into_iter().map(staged));
            events.extend(linked);
            Ok((events, said))
        });
    }
}

fn staging_of(
    set: ComplexTicket,
    promotes: bool,
    rationale: String,
    reply: Option<ReplyTo>,
) -> Result<Staging, Refusal> {
    let no = || Refusal::NotOrderable { why: "the set has no order".to_owned() };
    let ticket = set.lead().cloned().ok_or_else(no)?;
    Ok(Staging { ticket, walk: None, set: Some(set), promotes, rationale, reply })
}

pub(super) fn refusal(why: NoDryRun) -> Refusal {
    match why {
        NoDryRun::Refused(refusal) => Refusal::BrokerRefuses { what: refusal.to_string() },
        NoDryRun::Failed(failure) => Refusal::CouldNotRead { what: failure.what, remedy: failure.remedy },
    }
}

/// An answer that carries errors is a no, whatever its status was.
pub(super) fn without_errors(dry_run: DryRun) -> Result<DryRun, Refusal> {
    match dry_run.errors.first() {
        None => Ok(dry_run),
        Some(error) => Err(Refusal::BrokerRefuses { what: error.text.clone() }),
    }
}

fn staged_words(
    ticket: &Ticket,
    walk: Option<&Walk>,
    set: Option<&ComplexTicket>,
    dry_run: &DryRun,
) -> String {
    let mut said = format!("staged at {}", ticket.limit);
    if let Some(walk) = walk {
        said.push_str(&format!(", to {} at worst", walk.worst));
    }
    if ticket.time_in_force == TimeInForce::Gtc {
        said.push_str(", good till cancelled");
    }
    for exit in
        set.iter().flat_map(|set| &set.orders).filter(|exit| exit.ticket.reference != ticket.reference)
    {
        match exit.stop {
            None => said.push_str(&format!(", exit at {}", exit.ticket.limit)),
            Some(stop) => said.push_str(&format!(", stop at {stop} down to {}", exit.ticket.limit)),
        }
    }
    if let Some(change) = dry_run.buying_power_change {
        said.push_str(&format!("; buying power {}", change.0.round_dp(2)));
    }
    if let Some(fees) = dry_run.fees {
        said.push_str(&format!(", fees {}", fees.0.abs().round_dp(2)));
    }
    if let Some(warning) = dry_run.warnings.first() {
        said.push_str(&format!("; the broker warns: {}", warning.text));
    }
    said
}
