//! Keeps one stream connected: attempts, waiting between them, and when to stop for good.
//!
//! Never: knows what flows over the stream.

use std::future::Future;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::outbox::Outbox;
use super::settings::Reconnect;
use crate::broker::error::Grade;
use crate::broker::{BrokerError, StreamControl, StreamEvent, Subscriptions};
use crate::market::update::{Epoch, Link, LinkState};

/// An attempt this old gives way to the one the trader asks for: what it waits for may never come.
const FRESH: Duration = Duration::from_secs(2);

/// Refused logins in a row before we stop: more of them block the address for hours.
const REFUSALS_ALLOWED: u32 = 3;

/// How a connection, or the attempt at one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The trader has switched the stream off.
    SwitchedOff,
    /// We ended it to begin afresh at once.
    Renewed,
    Lost(String),
    /// Token or credentials were refused.
    Refused(String),
    /// Nothing that trying again could change.
    Stopped(String),
}

impl From<BrokerError> for Ended {
    fn from(error: BrokerError) -> Self {
        match &error {
            BrokerError::HostNotAllowed { .. } | BrokerError::BadAddress { .. } => {
                Self::Stopped(error.to_string())
            }
            _ if error.grade() == Grade::Stop => Self::Refused(error.to_string()),
            _ => Self::Lost(error.to_string()),
        }
    }
}

/// One way to connect and stay connected.
pub(super) trait Attempt {
    const LINK: Link;
    type Connection: Send;
    fn wanted(subscriptions: &Subscriptions) -> bool;
    /// A connection that is authorised and subscribed. May be dropped half-way.
    fn connect(&mut self) -> impl Future<Output = Result<Self::Connection, Ended>> + Send;
    /// Until it ends.
    fn stay(
        &mut self,
        connection: Self::Connection,
        standing: &Standing<'_>,
    ) -> impl Future<Output = Ended> + Send;
}

/// The connection that stands.
pub(super) struct Standing<'a> {
    pub epoch: Epoch,
    outbox: &'a Outbox,
    link: Link,
}

impl Standing<'_> {
    fn up(&self) {
        self.outbox.state(self.link, LinkState::Up { epoch: self.epoch });
    }

    /// Nothing comes any more, not even an answer.
    pub fn silent(&self) {
        tracing::debug!(link = ?self.link, "silent");
        self.outbox.state(self.link, LinkState::Silent { epoch: self.epoch });
    }

    /// The same connection is heard again. What was sent meanwhile comes in order, nothing is missing.
    pub fn audible(&self) {
        tracing::debug!(link = ?self.link, "heard again");
        self.up();
    }
}

struct Keeper<'a> {
    outbox: &'a Outbox,
    reconnect: Reconnect,
    subscriptions: watch::Receiver<Subscriptions>,
    /// Counts the trader's wishes to try at once.
    retries: watch::Receiver<u64>,
}

/// The two links of a broker, what they bring, and whoever steers them.
pub(super) struct Links<'a> {
    pub outbox: &'a Outbox,
    pub reconnect: Reconnect,
    pub subscriptions: watch::Receiver<Subscriptions>,
    pub control: mpsc::Receiver<StreamControl>,
    pub out: mpsc::Sender<StreamEvent>,
}

impl Links<'_> {
    /// Until the subscriptions are dropped. `permit` lets a login that was refused too often be tried once more.
    pub async fn run<F: Future<Output = ()>>(
        mut self,
        market: impl Attempt,
        account: impl Attempt,
        permit: impl Fn() -> F,
    ) {
        let (retry, retries) = watch::channel(0_u64);
        let keeper = || Keeper {
            outbox: self.outbox,
            reconnect: self.reconnect,
            subscriptions: self.subscriptions.clone(),
            retries: retries.clone(),
        };
        let links = async { tokio::join!(keeper().keep(market), keeper().keep(account)) };
        let steering = async {
            while let Some(StreamControl::RetryNow) = self.control.recv().await {
                permit().await;
                retry.send_modify(|count| *count = count.wrapping_add(1));
            }
            // Nobody steers any more; the streams go on.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ((), ()) = links => {}
            () = self.outbox.pump(self.out) => {}
            () = steering => {}
        }
    }
}

impl Keeper<'_> {
    /// Until the subscriptions are dropped.
    async fn keep<A: Attempt>(mut self, attempt: A) {
        let mut dropped = self.subscriptions.clone();
        let gone = async move { while dropped.changed().await.is_ok() {} };
        tokio::select! {
            biased;
            () = gone => {}
            () = self.connect_for_ever(attempt) => {}
        }
    }

    async fn connect_for_ever<A: Attempt>(&mut self, mut attempt: A) {
        let mut backoff = Backoff::new(self.reconnect);
        let (mut count, mut refusals, mut epoch) = (0, 0, 0);
        loop {
            if !A::wanted(&self.subscriptions.borrow_and_update()) {
                self.outbox.state(A::LINK, LinkState::Off);
                self.until_wanted::<A>(true).await;
                backoff.reset();
                count = 0;
            }
            count += 1;
            self.outbox.state(A::LINK, LinkState::Connecting { attempt: count });
            let connected = tokio::select! {
                connected = attempt.connect() => connected,
                () = self.until_overtaken::<A>() => continue,
            };
            let ended = match connected {
                Ok(connection) => {
                    epoch += 1;
                    refusals = 0;
                    let up_since = Instant::now();
                    let standing = Standing { epoch: Epoch(epoch), outbox: self.outbox, link: A::LINK };
                    standing.up();
                    let ended = attempt.stay(connection, &standing).await;
                    if up_since.elapsed() >= self.reconnect.healthy_after {
                        backoff.reset();
                        count = 0;
                    }
                    ended
                }
                Err(ended) => ended,
            };
            tracing::debug!(link = ?A::LINK, ?ended, "a connection ended");
            let why = match ended {
                Ended::SwitchedOff => continue,
                Ended::Renewed => {
                    let why = "renewing the token".into();
                    self.outbox.state(A::LINK, LinkState::Down { why, retry_in_ms: Some(0) });
                    continue;
                }
                Ended::Lost(why) => why,
                Ended::Refused(why) if refusals + 1 < REFUSALS_ALLOWED => {
                    refusals += 1;
                    why
                }
                Ended::Refused(why) | Ended::Stopped(why) => {
                    self.outbox.state(A::LINK, LinkState::Refused { why });
                    self.until_retried::<A>().await;
                    // The trader's wish is worth one attempt, not three.
                    refusals = REFUSALS_ALLOWED - 1;
                    continue;
                }
            };
            let delay = backoff.next();
            let retry_in_ms = u64::try_from(delay.as_millis()).ok();
            self.outbox.state(A::LINK, LinkState::Down { why, retry_in_ms });
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.until_retried::<A>() => {}
            }
        }
    }

    /// Until the trader asks for an attempt though one has been under way for a while.
    async fn until_overtaken<A: Attempt>(&mut self) {
        tokio::time::sleep(FRESH).await;
        self.retries.mark_unchanged();
        self.until_retried::<A>().await;
    }

    /// Until the trader asks for an attempt, or switches the stream off.
    async fn until_retried<A: Attempt>(&mut self) {
        let Self { retries, subscriptions, .. } = self;
        tokio::select! {
            () = changed(retries) => {}
            () = until(subscriptions, |now| !A::wanted(now)) => {}
        }
    }

    async fn until_wanted<A: Attempt>(&mut self, wanted: bool) {
        until(&mut self.subscriptions, |now| A::wanted(now) == wanted).await;
    }
}

async fn changed<T>(value: &mut watch::Receiver<T>) {
    if value.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until<T>(value: &mut watch::Receiver<T>, is: impl FnMut(&T) -> bool) {
    if value.wait_for(is).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Full jitter: anything up to a bound that doubles.
struct Backoff {
    settings: Reconnect,
    tries: u32,
    random: StdRng,
}

impl Backoff {
    fn new(settings: Reconnect) -> Self {
        // Spread is all that is asked of it: two programs started together must not knock together.
        let seed = u64::from(chrono::Utc::now().timestamp_subsec_nanos()) ^ u64::from(std::process::id());
        Self { settings, tries: 0, random: StdRng::seed_from_u64(seed) }
    }

    fn reset(&mut self) {
        self.tries = 0;
    }

    fn next(&mut self) -> Duration {
        let bound = bound(self.settings, self.tries);
        self.tries = self.tries.saturating_add(1);
        bound.mul_f64(self.random.random_range(0.0..=1.0))
    }
}

fn bound(settings: Reconnect, tries: u32) -> Duration {
    let doubled = 2_u32.checked_pow(tries).and_then(|factor| settings.first.checked_mul(factor));
    doubled.map_or(settings.cap, |doubled| doubled.min(settings.cap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_cap_and_never_exceeds_it() {
        let settings = Reconnect::default();
        let bounds: Vec<u128> = [0, 1, 2, 5, 6, 40].map(|n| bound(settings, n).as_millis()).to_vec();
        assert_eq!(bounds, [500, 1_000, 2_000, 16_000, 30_000, 30_000]);
        let mut backoff = Backoff::new(settings);
        for tries in 0..100 {
            assert!(backoff.next() <= bound(settings, tries));
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(500));
    }

    #[test]
    fn refused_credentials_stop_and_a_lost_network_does_not() {
        let refused = Ended::from(BrokerError::Unauthorised { status: 400, message: "no".into() });
        assert!(matches!(refused, Ended::Refused(_)));
        let strange = Ended::from(BrokerError::HostNotAllowed { host: "wss://evil.example".into() });
        assert!(matches!(strange, Ended::Stopped(_)));
        let page = Ended::from(BrokerError::Server { status: 502, message: "page".into() });
        assert!(matches!(page, Ended::Lost(_)));
    }
}
