//! Where orders of one user go, whatever the broker: a desk is made for one environment by a function that checks it.
//! This machine's simulated brokers and sandboxes need nothing more, the broker itself needs [`LiveOptIn`].
//!
//! Never: knows what an order looks like; that is the adapter's, which makes the desk an
//! [`OrderDesk`](super::OrderDesk).

use std::sync::Arc;

use reqwest::Method;

use super::answered::Body;
use super::send_once::{SendOnce, Sent};
use super::settings::Environment;
use super::{Broker, BrokerError};
use crate::domain::AccountId;
use crate::domain::control::LiveOptIn;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoDesk {
    #[error("the broker's address belongs to another environment than the orders")]
    OtherEnvironment,
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// A broker that a desk can stand at: where it is, and the one request that changes something.
pub trait Venue: Broker {
    fn environment(&self) -> Environment;

    /// Whether market data is granted, and how it comes, in a few words. Takes no stream from anybody.
    fn market_data(&self) -> impl Future<Output = Result<String, BrokerError>> + Send;

    /// A client for orders, beside the one of the reads.
    fn order_client(&self) -> Result<SendOnce, BrokerError>;

    /// The number behind an id, for paths.
    fn number(&self, account: AccountId) -> impl Future<Output = Result<String, BrokerError>> + Send;

    fn send(
        &self,
        once: &SendOnce,
        method: Method,
        path: &[&str],
        body: Option<Body>,
    ) -> impl Future<Output = Sent> + Send;
}

/// Where orders of one user go.
pub struct Desk<R> {
    pub(super) reads: Arc<R>,
    /// `None`: orders are read, and there is nothing they could be sent with.
    once: Option<SendOnce>,
}

impl<R: Venue> Desk<R> {
    /// For a simulated broker on this machine.
    pub fn loopback(reads: Arc<R>) -> Result<Self, NoDesk> {
        Self::of(reads, Environment::Loopback)
    }

    /// For the broker's own rehearsal host: its money is none.
    pub fn sandbox(reads: Arc<R>) -> Result<Self, NoDesk> {
        Self::of(reads, Environment::Sandbox)
    }

    /// For the broker itself. The third yes is typed for each order: the first control asks for it.
    pub fn live(reads: Arc<R>, _: LiveOptIn) -> Result<Self, NoDesk> {
        Self::of(reads, Environment::Production)
    }

    /// Sees what became of orders, wherever they are, and sends nothing.
    pub fn reading(reads: Arc<R>) -> Self {
        Self { reads, once: None }
    }

    fn of(reads: Arc<R>, wanted: Environment) -> Result<Self, NoDesk> {
        if reads.environment() != wanted {
            return Err(NoDesk::OtherEnvironment);
        }
        let once = Some(reads.order_client()?);
        Ok(Self { reads, once })
    }

    /// The one request. `tail` is what stands behind the account in the path.
    pub(super) async fn send(
        &self,
        method: Method,
        account: AccountId,
        tail: &[&str],
        body: Option<Body>,
    ) -> Sent {
        let Some(once) = &self.once else {
            let message = "orders are only read in this mode".to_owned();
            return Sent::Unsent(BrokerError::Forbidden { message });
        };
        let number = match self.reads.number(account).await {
            Ok(number) => number,
            Err(error) => return Sent::Unsent(error),
        };
        let path: Vec<&str> = ["accounts", &number].into_iter().chain(tail.iter().copied()).collect();
        self.reads.send(once, method, &path, body).await
    }
}
