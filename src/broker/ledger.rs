//! What a broker keeps about accounts besides the book: whose they are, what happened in them, what they were worth,
//! what margin they need.
//!
//! Never: on the way of a decision. A broker whose adapter does not read one of these says so.

use std::future::{Future, ready};

use super::BrokerError;
use crate::domain::ledger::{
    Customer, Listed, MarginReport, NetLiqBar, Transaction, Watchlist, WatchlistOwner,
};
use crate::domain::{AccountId, Money, TradingDate};

/// Reads of accounts that no picture waits for.
pub trait Ledger: Send + Sync {
    /// The broker's name, for what it is not asked.
    fn broker_name(&self) -> &'static str;

    fn customer(&self) -> impl Future<Output = Result<Customer, BrokerError>> + Send {
        ready(Err(self.not_read("who the customer is")))
    }

    /// All since the start of a day, newest first: the whole list or an error.
    fn transactions(
        &self,
        _account: AccountId,
        _since: TradingDate,
    ) -> impl Future<Output = Result<Vec<Transaction>, BrokerError>> + Send {
        ready(Err(self.not_read("transactions")))
    }

    /// What the broker took on one day, a debit negative; `None`: it does not say.
    fn fees_of_day(
        &self,
        _account: AccountId,
        _day: TradingDate,
    ) -> impl Future<Output = Result<Option<Money>, BrokerError>> + Send {
        ready(Err(self.not_read("the fees of a day")))
    }

    /// Oldest first.
    fn net_liq_history(
        &self,
        _account: AccountId,
        _since: TradingDate,
    ) -> impl Future<Output = Result<Listed<NetLiqBar>, BrokerError>> + Send {
        ready(Err(self.not_read("the history of an account's worth")))
    }

    fn margin(&self, _account: AccountId) -> impl Future<Output = Result<MarginReport, BrokerError>> + Send {
        ready(Err(self.not_read("the margin report")))
    }

    fn watchlists(
        &self,
        _of: WatchlistOwner,
    ) -> impl Future<Output = Result<Listed<Watchlist>, BrokerError>> + Send {
        ready(Err(self.not_read("watchlists")))
    }

    /// One list by its name.
    fn watchlist(
        &self,
        _of: WatchlistOwner,
        _name: &str,
    ) -> impl Future<Output = Result<Watchlist, BrokerError>> + Send {
        ready(Err(self.not_read("watchlists")))
    }

    fn not_read(&self, what: &'static str) -> BrokerError {
        BrokerError::NotRead { broker: self.broker_name(), what }
    }
}
