//! The books in memory: accounts, portfolios, trades. They change only in `apply`, and only by events that
//! are already durable.
//!
//! Never: refuses, asks the time, reads a market. The same events give the same containers, byte for byte.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::control::Venue;
use crate::domain::event::Recorded;
use crate::domain::{
    Account, AccountId, Balances, Event, OrderRef, Portfolio, PortfolioId, Timestamp, Trade, TradeId,
    TradingDate,
};

pub mod holdings;
pub mod invariants;
mod orders;
mod trades;

pub use orders::{Order, Safety, SetPlace};

/// An account with what the broker last said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldAccount {
    pub account: Account,
    /// The name that the configuration gives it, such as `ira`.
    pub key: Option<String>,
    pub balances: Option<Balances>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldPortfolio {
    pub portfolio: Portfolio,
    pub account: Option<AccountId>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Containers {
    /// The last event that was applied.
    pub seq: u64,
    pub last_event_at: Option<Timestamp>,
    pub accounts: BTreeMap<AccountId, HeldAccount>,
    pub portfolios: BTreeMap<PortfolioId, HeldPortfolio>,
    pub trades: BTreeMap<TradeId, Trade>,
    pub orders: BTreeMap<OrderRef, Order>,
    pub safety: Safety,
    /// The last session whose close was recorded.
    pub last_close: Option<TradingDate>,
    pub sessions: u64,
    /// Whose accounts the record is of: the first session says it.
    pub broker: Option<Venue>,
    pub notes: u64,
}

/// From the mode alone: what was only on paper may have been anybody's.
fn whose(mode: &str) -> Option<Venue> {
    match mode {
        "demo" | "sim" => Some(Venue::Simulator),
        "sandbox" => Some(Venue::Sandbox),
        "live" => Some(Venue::Live),
        _ => None,
    }
}

impl Containers {
    pub fn apply(&mut self, recorded: &Recorded) {
        self.seq = recorded.seq;
        self.last_event_at = Some(recorded.meta.occurred_at);
        match recorded.event.as_ref() {
            Event::SessionStarted(e) => {
                self.sessions += 1;
                self.broker = self.broker.or(e.broker).or_else(|| whose(&e.mode));
            }
            Event::PortfolioDefined(e) => {
                self.portfolios.insert(
                    e.portfolio.id,
                    HeldPortfolio { portfolio: e.portfolio.clone(), account: e.account },
                );
            }
            Event::AccountSeen(e) => {
                let balances = self.accounts.get(&e.account.id).and_then(|held| held.balances.clone());
                self.accounts.insert(
                    e.account.id,
                    HeldAccount { account: e.account.clone(), key: e.key.clone(), balances },
                );
            }
            Event::BalancesReported(e) => {
                if let Some(held) = self.accounts.get_mut(&e.account) {
                    held.balances = Some(e.balances.clone());
                }
            }
            Event::MarketObserved(_) => {}
            Event::DayClosed(e) => self.last_close = self.last_close.max(Some(e.date)),
            Event::NoteRecorded(e) => {
                self.notes += 1;
                trades::note(&mut self.trades, e);
            }
            Event::TradeIntended(e) => trades::intend(&mut self.trades, e, recorded.meta.occurred_at),
            Event::TradeEvaluated(e) => trades::evaluate(&mut self.trades, e),
            Event::TradeAdopted(e) => trades::adopt(&mut self.trades, e),
            Event::TradeResized(e) => trades::resize(&mut self.trades, e),
            Event::TradeMoved(e) => trades::relocate(&mut self.trades, e),
            Event::TradeClosed(e) => trades::close(&mut self.trades, e),
            Event::TradePromoted(e) => self.promote(e),
            Event::OrderStaged(e) => self.stage(e, recorded.meta.occurred_at),
            Event::OrdersLinked(e) => self.link(e),
            Event::SetNamed(e) => self.name_set(e),
            Event::OrderSubmitted(e) => self.submit(e, recorded.meta.occurred_at),
            Event::OrderAnswered(e) => self.answered(e, recorded.meta.occurred_at),
            Event::OrderMoved(e) => self.moved(e, recorded.meta.occurred_at),
            Event::OrderFilled(e) => self.filled(e),
            Event::OrderChangeRequested(e) => self.change_requested(e, recorded.meta.occurred_at),
            Event::OrderChangeAnswered(e) => self.change_answered(e),
            Event::KillRaised(e) => {
                // Hard stays hard until it is lifted.
                self.safety.kill = self.safety.kill.max(Some(e.mode));
                self.safety.kill_why = Some(e.why.clone());
                self.safety.to_cancel = self.live_orders().map(|order| order.ticket.reference).collect();
            }
            Event::KillLifted(_) => {
                self.safety.kill = None;
                self.safety.kill_why = None;
                self.safety.to_cancel.clear();
            }
            Event::AlarmRaised(e) => {
                if !self.safety.alarms.contains(&e.alarm) {
                    self.safety.alarms.push(e.alarm.clone());
                }
            }
            Event::AlarmsCleared(_) => self.safety.alarms.clear(),
        }
    }

    pub fn portfolio(&self, id: PortfolioId) -> Option<&Portfolio> {
        self.portfolios.get(&id).map(|held| &held.portfolio)
    }

    pub fn portfolio_by_key(&self, key: &str) -> Option<&HeldPortfolio> {
        self.portfolios.values().find(|held| {
            held.portfolio.key.eq_ignore_ascii_case(key) || held.portfolio.name.eq_ignore_ascii_case(key)
        })
    }

    /// Portfolios that may hold what the account holds.
    pub fn portfolios_of(&self, account: AccountId) -> impl Iterator<Item = &HeldPortfolio> {
        self.portfolios
            .values()
            .filter(move |held| held.account == Some(account) && !held.portfolio.hypothetical)
    }

    pub fn open_trades(&self) -> impl Iterator<Item = &Trade> {
        self.trades.values().filter(|trade| trade.is_open())
    }

    /// Held, tried out, or on their way.
    pub fn shown_trades(&self) -> impl Iterator<Item = &Trade> {
        self.trades.values().filter(|trade| trade.is_shown())
    }

    pub fn what_ifs(&self) -> impl Iterator<Item = &Trade> {
        self.trades.values().filter(|trade| trade.is_what_if())
    }
}

#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod tests;
