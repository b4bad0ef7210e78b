//! The door to brokers: one trait that reads, one that sends, their errors, and the adapters behind them.
//!
//! Never: decides anything. Wire types stay inside the adapter's own module.

use std::future::Future;

use tokio::sync::{mpsc, watch};

use crate::domain::report::{AccountNotice, AccountsReport, MarketSession};
use crate::domain::{Account, Instrument, Symbol, Timestamp};
use crate::market::update::{Link, LinkState, MarketUpdate, OptionChain};

mod answered;
mod catalogue;
pub mod clock;
mod desk;
pub mod error;
mod fields;
mod hosts;
mod ledger;
mod link;
mod outbox;
pub mod paper;
mod records;
mod scrub;
mod send_once;
mod settings;
mod socket;
#[cfg(any(test, feature = "fuzzing"))]
mod soundness;
pub mod tastytrade;
pub mod tradier;
mod transport;
mod values;
mod venue;
mod vitals;

pub use catalogue::Catalogue;
pub use desk::{OrderDesk, Undone};
pub use error::BrokerError;
pub use ledger::Ledger;
pub use records::Records;
pub use settings::Environment;
pub use venue::{Desk, NoDesk, Venue};

/// What is to be streamed. A changed value is applied as a difference to the running subscription.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subscriptions {
    /// False switches the market stream off; the account stream stays.
    pub on: bool,
    /// Quote, Trade and Summary for all; Greeks for options.
    pub instruments: Vec<Instrument>,
    /// Daily bars since the given instant.
    pub history: Vec<(Symbol, Timestamp)>,
}

/// Everything the streams bring.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    Market(Vec<MarketUpdate>),
    Account(AccountNotice),
    Link {
        link: Link,
        state: LinkState,
    },
    /// Something came in on the link, whatever it was: its age starts anew. At most one a second.
    Alive {
        link: Link,
    },
}

/// How the streams are steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamControl {
    /// Try again now, whatever the back-off says.
    RetryNow,
}

/// One broker, by reading: sending is a capability of its own, [`OrderDesk`].
/// Every method has a deadline of its own and returns a typed error instead of waiting for ever.
pub trait Broker: Send + Sync + 'static {
    /// The broker's clock now, from its answers; `None` before the first answer.
    fn clock_skew_ms(&self) -> Option<i64>;

    /// All open accounts with balances and positions.
    fn accounts(&self) -> impl Future<Output = Result<AccountsReport, BrokerError>> + Send;

    fn session(&self) -> impl Future<Output = Result<MarketSession, BrokerError>> + Send;

    /// Snapshot quotes. Instruments the broker does not know are left out.
    fn quotes(
        &self,
        of: &[Instrument],
    ) -> impl Future<Output = Result<Vec<MarketUpdate>, BrokerError>> + Send;

    /// Volatility index, rank, beta, dividends, earnings.
    fn metrics(&self, of: &[Symbol]) -> impl Future<Output = Result<Vec<MarketUpdate>, BrokerError>> + Send;

    fn chain(&self, of: &Symbol) -> impl Future<Output = Result<OptionChain, BrokerError>> + Send;

    /// Runs both streams until `subscriptions` is dropped. Reconnects by itself; says everything it does
    /// through `out`. Market data is conflated where the receiver is slow; account notices are not.
    fn stream(
        &self,
        subscriptions: watch::Receiver<Subscriptions>,
        control: mpsc::Receiver<StreamControl>,
        out: mpsc::Sender<StreamEvent>,
    ) -> impl Future<Output = ()> + Send;
}

/// A part of a report that failed is `None`; credentials that failed fail the whole.
fn unless_stopped<T>(
    part: Result<T, BrokerError>,
    what: &'static str,
    account: &Account,
) -> Result<Option<T>, BrokerError> {
    match part {
        Ok(part) => Ok(Some(part)),
        Err(error @ BrokerError::Unauthorised { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(what, account = account.masked_number, %error, "could not be read");
            Ok(None)
        }
    }
}
