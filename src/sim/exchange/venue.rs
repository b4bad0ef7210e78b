//! Broker and exchange in one: the accounts, the orders in them, and the order in which things happen.
//!
//! Never: asks for the time or for chance. `advance` brings it from the instant it stands at to the one it is
//! given, through everything that falls between; the same calls give the same accounts.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::time::{Timestamp, TradingDate};

use super::super::world::Market;
use super::super::world::book::AccountBook;
use super::hours::{self, Night};
use super::ledger::Account;
use super::matching::FillModel;
use super::order::{Order, Stage};
use super::{night, trading, transitions};

/// Orders kept in an account; the oldest finished ones go first.
pub const MOST_ORDERS: usize = 5_000;
/// Looks at the market in one advance: a jump in time looks less often, not longer.
const MOST_LOOKS: i64 = 240;
const LONGEST_LOOK: i64 = 60_000;

/// A full object for whoever listens on the account stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub account: String,
    pub kind: &'static str,
    pub data: Value,
    pub at: Timestamp,
}

/// Trading in a symbol and its options stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    pub symbol: String,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What the accounts are held against.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub market: &'a dyn Market,
    pub model: FillModel,
    pub halts: &'a [Halt],
}

impl Rules<'_> {
    pub fn halt(&self, symbol: &str, at: Timestamp) -> Option<&Halt> {
        halted(self.halts, symbol, at)
    }
}

/// The halt that a symbol, or the underlying of an option, is in.
pub fn halted<'a>(halts: &'a [Halt], symbol: &str, at: Timestamp) -> Option<&'a Halt> {
    halts.iter().find(|halt| halt.symbol == symbol && halt.from <= at && at < halt.to)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Venue {
    pub seed: u64,
    /// Everything before this instant has happened.
    pub at: Timestamp,
    pub accounts: Vec<Account>,
    /// The trader's own lists, as they were sent.
    #[serde(default)]
    pub watchlists: Vec<Value>,
    pub(super) last_order: u64,
    pub(super) last_complex: u64,
    pub(super) last_transaction: u64,
    pub(super) last_exec: u64,
    #[serde(skip)]
    pub(super) outbox: Vec<Notice>,
    #[serde(skip)]
    pub(super) changed: bool,
}

/// Where an order stands: account and place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub account: usize,
    pub order: usize,
}

impl Venue {
    pub fn new(seed: u64, books: Vec<AccountBook>, at: Timestamp) -> Self {
        let mut last_transaction = 9_000;
        let accounts = books.into_iter().map(|book| Account::opened(book, &mut last_transaction)).collect();
        Self {
            seed,
            at,
            accounts,
            watchlists: Vec::new(),
            last_order: 771_200,
            last_complex: 56_500,
            last_transaction,
            last_exec: 1_100,
            outbox: Vec::new(),
            changed: true,
        }
    }

    pub fn account(&self, number: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.book.number == number)
    }

    pub fn account_index(&self, number: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.book.number == number)
    }

    pub(super) fn find(&self, account: usize, id: u64) -> Option<At> {
        let order = self.accounts.get(account)?.orders.iter().position(|order| order.id == id)?;
        Some(At { account, order })
    }

    pub(super) fn order(&self, at: At) -> &Order {
        &self.accounts[at.account].orders[at.order]
    }

    pub(super) fn order_mut(&mut self, at: At) -> &mut Order {
        self.changed = true;
        &mut self.accounts[at.account].orders[at.order]
    }

    /// What has been said since the last time, and whether there is something new to keep.
    pub fn take_news(&mut self) -> (Vec<Notice>, bool) {
        (std::mem::take(&mut self.outbox), std::mem::take(&mut self.changed))
    }

    /// Whether `advance` to this instant would find anything to do.
    pub fn is_due(&self, to: Timestamp) -> bool {
        to > self.at && self.next_moment(1_000).is_some_and(|moment| moment <= to)
    }

    pub fn advance(&mut self, rules: &Rules<'_>, to: Timestamp) {
        let span = (to - self.at).num_milliseconds();
        let look = (span / MOST_LOOKS / 1_000 * 1_000).clamp(1_000, LONGEST_LOOK);
        while let Some(moment) = self.next_moment(look).filter(|moment| *moment <= to) {
            let before = self.at;
            self.at = moment.max(before);
            self.happen(rules, before, look);
        }
        self.at = self.at.max(to);
    }

    fn places(&self) -> impl Iterator<Item = At> + '_ {
        self.accounts
            .iter()
            .enumerate()
            .flat_map(|(account, held)| (0..held.orders.len()).map(move |order| At { account, order }))
    }

    /// The next instant after which something is different, or may be.
    fn next_moment(&self, look: i64) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = hours::next_night(self.at).map(|(at, _)| at);
        let mut earlier = |at: Timestamp| next = Some(next.map_or(at, |known| known.min(at)));
        for account in &self.accounts {
            for order in account.orders.iter().rev() {
                if let Some(due) = order.due() {
                    earlier(due.max(self.at));
                }
                if order.status.is_working() && order.open_units() > rust_decimal::Decimal::ZERO {
                    let grid = next_on_grid(self.at, look);
                    if let Some(at) = hours::trading_from(order.terms.tif, grid) {
                        earlier(if at == grid { grid } else { next_on_grid(at, look) });
                    }
                }
            }
        }
        next
    }

    fn happen(&mut self, rules: &Rules<'_>, before: Timestamp, look: i64) {
        let now = self.at;
        let due: Vec<At> =
            self.places().filter(|at| self.order(*at).due().is_some_and(|due| due <= now)).collect();
        for at in due {
            self.order_happens(rules, at);
        }
        if let Some((moment, what)) = hours::next_night(before).filter(|(moment, _)| *moment <= now) {
            match what {
                Night::Morning => night::morning(self, rules, moment),
                Night::Settlement => night::settlement(self, rules, moment),
            }
        }
        if now.timestamp_millis() % look == 0 && now > before {
            let places: Vec<At> = self.places().filter(|at| self.order(*at).status.is_working()).collect();
            for at in places {
                trading::look(self, rules, at, look as f64 / 1_000.0);
            }
        }
    }

    fn order_happens(&mut self, rules: &Rules<'_>, at: At) {
        let now = self.at;
        // Each turn takes one thing away; a bound all the same.
        for _ in 0..1_000 {
            let order = self.order(at);
            if order.postings.front().is_some_and(|posting| posting.at <= now) {
                trading::post(self, rules, at);
            } else if order.owed.iter().any(|owed| owed.at.is_some_and(|due| due <= now)) {
                trading::follow(self, rules, at);
            } else if let Some((_, stage)) = order.next.filter(|(due, _)| *due <= now) {
                self.order_mut(at).next = None;
                match stage {
                    Stage::Route => transitions::route(self, rules, at),
                    Stage::Fly => transitions::fly(self, at),
                    Stage::Work => transitions::work(self, rules, at),
                    Stage::Cancel => transitions::confirm_cancel(self, rules, at),
                }
            } else if order.status.is_working() && order.ends_at.is_some_and(|end| end <= now) {
                transitions::expire(self, rules, at);
            } else {
                return;
            }
        }
    }

    /// A delay of the broker's machinery: fixed by seed, order and purpose.
    pub(super) fn delay(&self, order: u64, purpose: u64, from_ms: i64, to_ms: i64) -> TimeDelta {
        let noise = super::super::world::noise::Noise::new(self.seed).named("delay").of(order).of(purpose);
        let span = (to_ms - from_ms) as f64;
        TimeDelta::milliseconds(from_ms + (noise.uniform() * span) as i64)
    }

    pub(super) fn next_transaction(&mut self) -> u64 {
        self.last_transaction += 1;
        self.last_transaction
    }

    pub(super) fn say(&mut self, account: usize, kind: &'static str, data: Value) {
        let account = self.accounts[account].book.number.clone();
        self.outbox.push(Notice { account, kind, data, at: self.at });
    }

    pub fn set_watchlists(&mut self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut self.watchlists);
        self.changed = true;
    }

    /// The trading date that the venue stands at.
    pub fn today(&self) -> TradingDate {
        crate::domain::time::new_york_date(self.at)
    }
}

/// The first whole multiple of `look` milliseconds after `at`.
fn next_on_grid(at: Timestamp, look: i64) -> Timestamp {
    let past = at.timestamp_millis().rem_euclid(look);
    let sub = TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos() % 1_000_000));
    at - sub + TimeDelta::milliseconds(look - past)
}

#[cfg(test)]
#[path = "venue_tests.rs"]
mod tests;
