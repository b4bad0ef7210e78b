//! What the controls look at, from the books, the market and the last evaluation. Nothing is assumed: what is
//! not known stays so, and the control that needs it says no.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::Yes;
use crate::booking::{profile, ticket as tickets};
use crate::containers::Order;
use crate::domain::control::{ControlCheck, OptIn};
use crate::domain::limit::Backing;
use crate::domain::order::{ComplexTicket, DryRun, NetPrice, OrderState, SetRole, Ticket};
use crate::domain::report::SessionState;
use crate::domain::time::new_york_date;
use crate::domain::trade::Verdict;
use crate::domain::{Evaluation, Instrument, Leg, Money, OrderRef, Refusal, Timestamp, Trade};
use crate::engine::Engine;
use crate::market::view::MarketView;
use crate::risk::controls::{
    self, Cleared, Confirmation, ControlFacts, DryRunFacts, Health, LegFacts, OpenOrders, OtherOrder,
    Replacement, Sent, SessionFacts, WorstCase, notional,
};
use crate::risk::{permission, recognition, trade_loss};

/// What was found out about an order just before it goes out.
pub(super) struct Judged<'a> {
    pub dry_run: &'a DryRun,
    pub evaluation: &'a Evaluation,
    pub yes: &'a Yes,
    /// What it may come to: the end of its walk, or its limit.
    pub worst: NetPrice,
}

impl Engine {
    pub(super) fn cleared(
        &self,
        ticket: &Ticket,
        judged: &Judged<'_>,
        now: Timestamp,
    ) -> Result<(Cleared<Ticket>, Vec<ControlCheck>), Refusal> {
        let facts = self.judged_facts(ticket, judged, now);
        controls::clear(ticket.clone(), &facts, &self.config.orders.controls)
            .map_err(|checks| refusal(&checks))
    }

    /// The same for a set, on the facts of its first order: all of them stand in the same contracts.
    pub(super) fn cleared_set(
        &self,
        set: &ComplexTicket,
        lead: &Ticket,
        judged: &Judged<'_>,
        now: Timestamp,
    ) -> Result<(Cleared<ComplexTicket>, Vec<ControlCheck>), Refusal> {
        let facts = self.judged_facts(lead, judged, now);
        controls::clear_complex(set.clone(), &facts, &self.config.orders.controls)
            .map_err(|checks| refusal(&checks))
    }

    fn judged_facts(&self, ticket: &Ticket, judged: &Judged<'_>, now: Timestamp) -> ControlFacts {
        let market = self.market(now);
        let mut facts = self.facts(ticket, &market, now);
        let dry_run = judged.dry_run;
        facts.body_hash = Some(judged.yes.body_hash.clone());
        facts.dry_run = Some(DryRunFacts {
            body_hash: dry_run.body_hash.clone(),
            age_seconds: Some(seconds(now - dry_run.at)),
            buying_power_change: dry_run.buying_power_change,
            buying_power_after: dry_run.buying_power_after,
            error: dry_run.errors.first().map(|error| error.text.clone()),
            warning: dry_run.warnings.first().map(|warning| warning.text.clone()),
        });
        facts.confirmation = confirmation(ticket, judged, now);
        facts.limits = Some(judged.evaluation.limits.clone());
        self.worst_case(&mut facts, ticket, judged, &market);
        facts
    }

    /// The lighter way of a limit that gives way.
    pub(super) fn cleared_change(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<(Cleared<Replacement>, Vec<ControlCheck>), Refusal> {
        let mut facts = self.facts(ticket, &self.market(now), now);
        let order = self.books.orders.get(&ticket.reference);
        // What was confirmed when it was sent: within its worst price the limit may move.
        facts.confirmation = order.map(|order| Confirmation {
            body_hash: String::new(),
            age_seconds: 0.0,
            worst: order.walk.map_or(order.ticket.limit, |walk| walk.worst),
        });
        if ticket.is_closing() {
            facts.worst_case =
                WorstCase { loss_after: Some(0.0), defined_after: Some(true), ..WorstCase::default() };
        }
        controls::clear_replacement(ticket.clone(), &facts, &self.config.orders.controls)
            .map_err(|checks| refusal(&checks))
    }

    /// What every order is judged by, new or changed.
    fn facts(&self, ticket: &Ticket, market: &MarketView, now: Timestamp) -> ControlFacts {
        let others = || {
            self.books.orders.values().filter(|order| {
                order.ticket.reference != ticket.reference && order.state != OrderState::Staged
            })
        };
        let here = others().filter(|order| order.ticket.account == ticket.account);
        ControlFacts {
            opt_in: Some(self.opt_in(ticket)),
            account_listed: self.account_listed(ticket),
            kill: Some(self.kill_switch()),
            health: self.health(now),
            session: self.session_facts(ticket, market, now),
            legs: self.legs(ticket, market),
            clock_skew_seconds: self.skew_seconds(),
            equity: self.equity_of(ticket),
            others: Some(here.map(|order| other(order, now)).collect()),
            sent: Some(self.sent(ticket, now)),
            day: self.day(ticket, market),
            ..ControlFacts::default()
        }
    }

    /// On paper nothing can be spent, so no account need be listed.
    fn account_listed(&self, ticket: &Ticket) -> Option<bool> {
        if ticket.account.is_paper() {
            return Some(true);
        }
        let held = self.books.accounts.get(&ticket.account)?;
        Some(self.config.orders.lists(held.key.as_deref()))
    }

    /// Real money is asked for where the order would spend it, whatever else the run may do.
    fn opt_in(&self, ticket: &Ticket) -> OptIn {
        if ticket.account.is_paper() { OptIn::Rehearsal } else { self.config.orders.opt_in }
    }

    /// An account on paper is worth what the one beside it is; what is hypothetical, its portfolio's capital.
    fn equity_of(&self, ticket: &Ticket) -> Option<Money> {
        let account = self.balances.get(&ticket.account.of_record());
        let capital = || self.portfolio_of(ticket).map(|(_, capital)| capital);
        match account {
            Some(balances) => balances.net_liq,
            None if ticket.account.is_paper() => capital(),
            None => None,
        }
    }

    fn health(&self, now: Timestamp) -> Health {
        let today = new_york_date(now);
        let unknown = self.books.orders.values().filter(|order| order.is_unknown()).count();
        Health {
            store_writable: Some(self.read_only.is_none()),
            reconciled_today: Some(self.last_refresh.is_some_and(|at| new_york_date(at) == today)),
            unknown_orders: u32::try_from(unknown).ok(),
            alarms: Some(self.books.safety.alarms.clone()),
        }
    }

    /// Open by the calendar and by the broker's word, where it has spoken. A word that says closed is left aside
    /// where it is of an earlier day, or of before an opening that it named itself.
    fn session_facts(&self, ticket: &Ticket, market: &MarketView, now: Timestamp) -> SessionFacts {
        let own = market.session();
        let told = self.session.filter(|told| {
            let earlier = told.close_at.is_some_and(|close| new_york_date(close) < new_york_date(now));
            let since_opened = told.open_at.is_some_and(|open| open <= now)
                && told.close_at.is_some_and(|close| now < close);
            told.state == SessionState::Open || !(earlier || since_opened)
        });
        let open = [Some(own.state), told.map(|told| told.state)];
        let today = |close: &Timestamp| new_york_date(*close) == new_york_date(now);
        let closes = [own.close_at, told.and_then(|told| told.close_at).filter(today)];
        SessionFacts {
            open: Some(open.into_iter().flatten().all(|state| state == SessionState::Open)),
            halted: ticket.underlying().and_then(|symbol| market.halted(symbol)),
            seconds_to_close: closes.into_iter().flatten().min().map(|close| seconds(close - now)),
        }
    }

    fn legs(&self, ticket: &Ticket, market: &MarketView) -> Vec<LegFacts> {
        let held = self.books.held(ticket.account);
        let mut facts = tickets::leg_facts(ticket, market);
        for (leg, facts) in ticket.legs.iter().zip(&mut facts) {
            facts.held = Some(held.get(&leg.instrument).copied().unwrap_or_default());
            facts.closing_elsewhere = Some(self.closing_elsewhere(ticket, &leg.instrument));
        }
        facts
    }

    /// What other orders may close of a contract: of exits that end each other the largest, and none that wait for
    /// an order that has not filled.
    pub(in crate::engine) fn closing_elsewhere(&self, ticket: &Ticket, instrument: &Instrument) -> Decimal {
        let own = self.lead_of(ticket.reference);
        let mut most: BTreeMap<OrderRef, Decimal> = BTreeMap::new();
        for order in self.books.live_orders().filter(|order| order.ticket.account == ticket.account) {
            let lead = self.lead_of(order.ticket.reference);
            if lead == own || self.waits(order) {
                continue;
            }
            let legs = order.ticket.legs.iter().enumerate();
            let closes = legs.filter(|(_, leg)| leg.instrument == *instrument && leg.action.is_closing());
            let left: Decimal = closes.map(|(at, leg)| Decimal::from(leg.quantity) - order.filled(at)).sum();
            let of_set = most.entry(lead).or_default();
            *of_set = left.max(*of_set);
        }
        most.into_values().sum()
    }

    /// An exit that nothing was opened for yet.
    fn waits(&self, exit: &Order) -> bool {
        let Some(place) = exit.set.as_ref().filter(|place| place.role != SetRole::Trigger) else {
            return false;
        };
        self.books.orders_of_set(place.set).iter().any(|order| {
            let opens = order.set.as_ref().is_some_and(|place| place.role == SetRole::Trigger);
            opens && !matches!(order.state, OrderState::Filled | OrderState::PartlyFilled)
        })
    }

    fn sent(&self, ticket: &Ticket, now: Timestamp) -> Sent {
        let today = new_york_date(now);
        let of_others = || self.books.orders.values().filter(|o| o.ticket.reference != ticket.reference);
        let recent = |at: Timestamp| now - at < TimeDelta::minutes(1);
        let sent = || of_others().filter_map(|order| order.sent_at);
        let replaced = || self.books.orders.values().flat_map(|order| order.replaced_at.iter().copied());
        let count =
            |times: &mut dyn Iterator<Item = Timestamp>| u32::try_from(times.count()).unwrap_or(u32::MAX);
        Sent {
            orders_minute: count(&mut sent().filter(|at| recent(*at))),
            orders_day: count(&mut sent().filter(|at| new_york_date(*at) == today)),
            replacements_minute: count(&mut replaced().filter(|at| recent(*at))),
            replacements_day: count(&mut replaced().filter(|at| new_york_date(*at) == today)),
        }
    }

    /// The trade's portfolio: its key, and the capital that its limits are shares of.
    pub(super) fn portfolio_of(&self, ticket: &Ticket) -> Option<(&str, Money)> {
        let trade = self.books.trades.get(&ticket.trade)?;
        let portfolio = self.books.portfolio(trade.portfolio?)?;
        Some((portfolio.key.as_str(), portfolio.capital))
    }

    fn worst_case(
        &self,
        facts: &mut ControlFacts,
        ticket: &Ticket,
        judged: &Judged<'_>,
        market: &MarketView,
    ) {
        let Some(trade) = self.books.trades.get(&ticket.trade) else { return };
        let Some((key, equity)) = self.portfolio_of(ticket) else { return };
        let limits = self.config.orders.trade_loss.get(key);
        let backing = trade_loss::backing(trade.strategy, &trade.legs);
        let defined = recognition::is_defined_risk(&trade.legs);
        let held = trade.portfolio.and_then(|id| self.books.portfolios.get(&id));
        let kind = self.books.accounts.get(&ticket.account.of_record()).map(|held| held.account.kind);
        let permitted = held.map(|held| {
            trade.adopted || permission::check(&held.portfolio, kind, trade.strategy, &trade.legs).is_ok()
        });
        let measure = match backing {
            Backing::Defined => max_loss_at(trade, ticket, judged.worst),
            Backing::Undefined | Backing::Stock => judged.evaluation.stress_loss.map(Money::to_f64),
        };
        let spot = ticket.underlying().and_then(|symbol| market.spot(symbol).known().copied());
        let most = limits.and_then(|limits| limits.of(backing));
        let closing = ticket.is_closing();
        facts.worst_case = WorstCase {
            // What an order closes it takes away whole: nothing of it can be lost any more.
            loss_before: if closing { Some(measure.unwrap_or(0.0)) } else { Some(0.0) },
            loss_after: if closing { Some(0.0) } else { measure },
            defined_before: Some(!closing || defined),
            defined_after: Some(closing || defined),
            undefined_permitted: permitted,
            notional: spot.and_then(|spot| notional(ticket, spot)),
            most_loss: share(most, equity),
        };
        let working = self.books.live_orders().filter(|order| {
            order.ticket.account == ticket.account
                && order.ticket.reference != ticket.reference
                && !order.ticket.is_closing()
        });
        let losses = working.map(|order| {
            let trade = self.books.trades.get(&order.ticket.trade)?;
            let evaluation = trade.evaluation.as_ref()?;
            let loss = match trade_loss::backing(trade.strategy, &trade.legs) {
                Backing::Defined => evaluation.max_loss,
                Backing::Undefined | Backing::Stock => evaluation.stress_loss,
            };
            loss.map(|loss| loss.to_f64().abs())
        });
        let others: Option<f64> = losses.sum();
        let count = self.books.live_orders().filter(|o| o.ticket.reference != ticket.reference).count();
        facts.open_orders = OpenOrders {
            count: u32::try_from(count).ok(),
            loss_if_all_fill: others.zip(facts.worst_case.loss_after).map(|(others, own)| others + own),
        };
    }
}

/// With real money what was typed must name the order.
fn confirmation(ticket: &Ticket, judged: &Judged<'_>, now: Timestamp) -> Option<Confirmation> {
    let typed = judged.yes.typed.as_deref()?;
    let wanted = format!("{} {}", ticket.underlying()?, ticket.units());
    typed.eq_ignore_ascii_case(&wanted).then(|| Confirmation {
        body_hash: judged.yes.body_hash.clone(),
        age_seconds: seconds(now - judged.yes.shown_at),
        worst: judged.worst,
    })
}

/// The most it loses at expiry if it fills at the worst acceptable price.
fn max_loss_at(trade: &Trade, ticket: &Ticket, worst: NetPrice) -> Option<f64> {
    let payoff = profile::at_expiry(&trade.legs)?;
    let booked: Money = trade.legs.iter().map(Leg::cost).sum::<Option<Money>>()?;
    let worse = (ticket.cost_at(worst)? - booked).to_f64();
    payoff.max_loss.map(|loss| (loss.abs() + worse).max(0.0))
}

fn other(order: &Order, now: Timestamp) -> OtherOrder {
    OtherOrder {
        reference: order.ticket.reference,
        account: order.ticket.account,
        trade: order.ticket.trade,
        closing: order.ticket.is_closing(),
        legs: order.ticket.legs.iter().map(|leg| (leg.instrument.clone(), leg.action)).collect(),
        may_work: order.state.may_work(),
        age_seconds: order.sent_at.map(|at| seconds(now - at)),
    }
}

/// A limit that is switched off by name is no figure: the control that needs one says so.
pub(super) fn share(limit: Option<Decimal>, equity: Money) -> Option<f64> {
    limit.map(|share| Money(equity.0 * share).to_f64())
}

fn seconds(span: TimeDelta) -> f64 {
    // Spans of days in milliseconds are far below 2^52.
    span.num_milliseconds() as f64 / 1000.0
}

/// The first control that says no; the others are in its words' reach.
fn refusal(checks: &[ControlCheck]) -> Refusal {
    let blocking = checks.iter().find(|check| check.verdict == Verdict::Block);
    Refusal::Control {
        number: blocking.map_or(0, |check| check.control.number()),
        name: blocking.map_or("a control", |check| check.control.words()),
        why: blocking.and_then(|check| check.why.clone()).unwrap_or_else(|| "it did not pass".to_owned()),
    }
}
