//! The broker's side of the process: reads when asked, pumps the streams, turns both into inputs.
//!
//! Never: decides what to read; the engine's effects say so.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::booking::draft;
use crate::broker::{Broker, BrokerError, StreamControl, StreamEvent, Subscriptions};
use crate::domain::report::AccountsReport;
use crate::domain::{Instrument, Price, Symbol};
use crate::engine::{ChainWish, Failure, Input, NoChain, Part, Watch};
use crate::market::update::{Link, LinkState, MarketUpdate, OptionChain};

use super::clock::EngineClock;
use super::supervised;

/// What the engine's effects ask of the broker.
#[derive(Debug)]
pub enum Errand {
    Refresh,
    Watch(Watch),
    Chain(ChainWish),
    RetryLinks,
}

/// One read after the other, beside the streams: a broker that keeps us waiting for an answer does not keep
/// the trader from trying again.
struct Reader<B> {
    broker: Arc<B>,
    clock: EngineClock,
    inputs: mpsc::Sender<Input>,
    watch: Watch,
    /// Instruments and underlyings that have been read once.
    read: BTreeSet<Instrument>,
    measured: BTreeSet<Symbol>,
    listed: BTreeSet<Symbol>,
}

enum Read {
    Everything,
    /// What the watch list has that was never read.
    New(Watch),
}

/// Streams hand over at most this many batches that the engine has not taken yet.
const STREAM_BACKLOG: usize = 64;
/// Reads that wait for the one before. Beyond it errands wait, and then they are refused.
const READ_BACKLOG: usize = 16;

/// Serves errands until the sender is gone.
pub async fn run<B: Broker>(
    broker: Arc<B>,
    clock: EngineClock,
    mut errands: mpsc::Receiver<Errand>,
    inputs: mpsc::Sender<Input>,
) {
    let (subscriptions, wanted) = watch::channel(Subscriptions::default());
    let (control, controlled) = mpsc::channel(4);
    let (out, events) = mpsc::channel(STREAM_BACKLOG);
    let streaming = {
        let broker = Arc::clone(&broker);
        let streams = async move { broker.stream(wanted, controlled, out).await };
        supervised::spawn(Part::Streams, streams, inputs.clone())
    };
    let pump = supervised::spawn(Part::Streams, pump(events, inputs.clone()), inputs.clone());
    let reader = Reader {
        broker: Arc::clone(&broker),
        clock,
        inputs: inputs.clone(),
        watch: Watch::default(),
        read: BTreeSet::new(),
        measured: BTreeSet::new(),
        listed: BTreeSet::new(),
    };
    let (reads, wanted) = mpsc::channel(READ_BACKLOG);
    let reading = supervised::spawn(Part::Reads, reader.run(wanted), inputs.clone());
    while let Some(errand) = errands.recv().await {
        let read = match errand {
            Errand::Refresh => Read::Everything,
            Errand::Watch(watch) => {
                subscriptions.send_replace(Subscriptions {
                    on: watch.on,
                    instruments: watch.instruments.clone(),
                    history: watch.history.clone(),
                });
                Read::New(watch)
            }
            Errand::Chain(wish) => {
                // Chains are large: a booking must not hold up a refresh.
                tokio::spawn(fetch_chain(Arc::clone(&broker), wish, inputs.clone()));
                continue;
            }
            Errand::RetryLinks => {
                if control.try_send(StreamControl::RetryNow).is_err() {
                    tracing::debug!("a retry is already on its way");
                }
                continue;
            }
        };
        if let Err(mpsc::error::SendError(read)) = reads.send(read).await {
            // Whoever waits for its end is told that there will be none.
            let failures = vec![not_read()];
            let input = match read {
                Read::Everything => Input::Refreshed { failures },
                Read::New(_) => Input::Followed { failures },
            };
            if inputs.send(input).await.is_err() {
                tracing::debug!("nobody waits for the broker any more");
            }
        }
    }
    reading.abort();
    // The streams end when their subscriptions are dropped.
    drop(subscriptions);
    if let Err(failed) = streaming.await {
        tracing::error!(%failed, "the stream task ended badly");
    }
    pump.abort();
}

async fn pump(mut events: mpsc::Receiver<StreamEvent>, inputs: mpsc::Sender<Input>) {
    while let Some(event) = events.recv().await {
        let input = match event {
            StreamEvent::Market(updates) => Input::Market(updates),
            StreamEvent::Account(notice) => Input::AccountNotice(notice),
            StreamEvent::Link { link, state } => Input::Link { link, state },
            StreamEvent::Alive { link } => Input::Alive { link },
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

/// The engine is gone.
struct Gone;

impl<B: Broker> Reader<B> {
    /// Until nobody wants anything more, or the engine is gone.
    async fn run(mut self, mut wanted: mpsc::Receiver<Read>) {
        while let Some(read) = wanted.recv().await {
            let done = match read {
                Read::Everything => self.refresh().await,
                Read::New(watch) => self.follow(watch).await,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn refresh(&mut self) -> Result<(), Gone> {
        let mut failures = Vec::new();
        match self.broker.session().await {
            Ok(session) => {
                self.clock.heard(self.broker.clock_skew_ms());
                self.send(Input::Session(session)).await?;
            }
            Err(error) => failures.push(failure("market session", &error)),
        }
        match self.broker.accounts().await {
            Ok(report) => {
                self.clock.heard(self.broker.clock_skew_ms());
                failures.extend(incomplete(&report));
                self.send(Input::Accounts(report)).await?;
            }
            Err(error) => failures.push(failure("accounts", &error)),
        }
        let instruments = self.watch.instruments.clone();
        let underlyings = self.watch.underlyings.clone();
        self.read_quotes(&instruments, &mut failures).await?;
        self.read_metrics(&underlyings, &mut failures).await?;
        if let Some(ms) = self.broker.clock_skew_ms().filter(|_| !self.clock.follows_broker()) {
            self.send(Input::ClockSkew { ms }).await?;
        }
        let rest = match failures.iter().find(|failure| !failure.remark) {
            None => LinkState::Up { epoch: crate::market::update::Epoch(0) },
            Some(failure) => LinkState::Down { why: failure.what.clone(), retry_in_ms: None },
        };
        self.send(Input::Link { link: Link::Rest, state: rest }).await?;
        self.send(Input::Refreshed { failures }).await
    }

    /// A new watch list: the streams follow it already, and what has never been read is read once.
    async fn follow(&mut self, watch: Watch) -> Result<(), Gone> {
        let fresh: Vec<Instrument> =
            watch.instruments.iter().filter(|instrument| !self.read.contains(*instrument)).cloned().collect();
        let unmeasured: Vec<Symbol> =
            watch.underlyings.iter().filter(|symbol| !self.measured.contains(*symbol)).cloned().collect();
        let unlisted: Vec<Symbol> =
            watch.chains.iter().filter(|symbol| !self.listed.contains(*symbol)).cloned().collect();
        self.watch = watch;
        let mut failures = Vec::new();
        for symbol in unlisted {
            match self.broker.chain(&symbol).await {
                Ok(chain) => {
                    self.listed.insert(symbol);
                    self.send(Input::Listed(chain)).await?;
                }
                Err(error) => failures.push(failure("option chain", &error)),
            }
        }
        self.read_quotes(&fresh, &mut failures).await?;
        self.read_metrics(&unmeasured, &mut failures).await?;
        self.send(Input::Followed { failures }).await
    }

    async fn read_quotes(&mut self, of: &[Instrument], failures: &mut Vec<Failure>) -> Result<(), Gone> {
        if of.is_empty() {
            return Ok(());
        }
        match self.broker.quotes(of).await {
            Ok(updates) => {
                self.clock.heard(self.broker.clock_skew_ms());
                if updates.is_empty() {
                    let what = "quotes: the answer holds none".into();
                    failures.push(Failure { what, remedy: "r tries at once".into(), remark: false });
                    return Ok(());
                }
                self.read.extend(of.iter().cloned());
                self.send(Input::Market(updates)).await
            }
            Err(error) => {
                failures.push(failure("quotes", &error));
                Ok(())
            }
        }
    }

    async fn read_metrics(&mut self, of: &[Symbol], failures: &mut Vec<Failure>) -> Result<(), Gone> {
        if of.is_empty() {
            return Ok(());
        }
        match self.broker.metrics(of).await {
            Ok(updates) => {
                self.measured.extend(of.iter().cloned());
                self.send(Input::Market(updates)).await
            }
            Err(error) => {
                failures.push(failure("market metrics", &error));
                Ok(())
            }
        }
    }

    async fn send(&self, input: Input) -> Result<(), Gone> {
        self.inputs.send(input).await.map_err(|_| Gone)
    }
}

async fn fetch_chain<B: Broker>(broker: Arc<B>, wish: ChainWish, inputs: mpsc::Sender<Input>) {
    let chain = supervised::watched(chain_with_quotes(broker.as_ref(), &wish, &inputs)).await;
    let chain = chain.unwrap_or_else(|why| {
        tracing::error!(why, "a chain could not be read");
        let what = format!("option chain: {why}");
        Err(NoChain::Failed(Failure { what, remedy: "see the log file".into(), remark: false }))
    });
    let input = Input::Chain { booking: wish.booking, chain };
    if inputs.send(input).await.is_err() {
        tracing::debug!("nobody waits for the chain any more");
    }
}

async fn chain_with_quotes<B: Broker>(
    broker: &B,
    wish: &ChainWish,
    inputs: &mpsc::Sender<Input>,
) -> Result<OptionChain, NoChain> {
    let failed = |what: &'static str| {
        move |error: BrokerError| match error {
            BrokerError::NotFound { .. } => NoChain::NotListed,
            error => NoChain::Failed(failure(what, &error)),
        }
    };
    // Nobody may have watched this underlying before. Quotes go first, on the same queue: the chain finds
    // them in place.
    let underlying = [Instrument::watched(&wish.underlying)];
    let updates = broker.quotes(&underlying).await.map_err(failed("quotes"))?;
    let spot = updates.iter().find_map(spot_of).ok_or(NoChain::NotListed)?;
    hand_over(inputs, updates).await?;
    let metrics = broker.metrics(std::slice::from_ref(&wish.underlying)).await;
    match metrics {
        // A draft does without what the broker has not got.
        Err(BrokerError::NotOffered { .. }) => {}
        metrics => hand_over(inputs, metrics.map_err(failed("market metrics"))?).await?,
    }
    let mut chain = broker.chain(&wish.underlying).await.map_err(failed("option chain"))?;
    if let Some(expiration) = draft::nearest_expiry(&chain, wish.days, wish.now) {
        let date = expiration.date;
        let candidates = draft::candidates(expiration, spot);
        hand_over(inputs, broker.quotes(&candidates).await.map_err(failed("chain quotes"))?).await?;
        chain.expirations.retain(|expiration| expiration.date == date);
    }
    Ok(chain)
}

async fn hand_over(inputs: &mpsc::Sender<Input>, updates: Vec<MarketUpdate>) -> Result<(), NoChain> {
    inputs.send(Input::Market(updates)).await.map_err(|_| NoChain::Failed(failure_gone()))
}

fn spot_of(update: &MarketUpdate) -> Option<f64> {
    let price = match update {
        MarketUpdate::Trade { trade, .. } => trade.price,
        MarketUpdate::Quote { quote, .. } => quote.bid,
        _ => None,
    };
    price.map(Price::to_f64).filter(|spot| *spot > 0.0)
}

/// A look that failed is not a look that found nothing.
fn incomplete(report: &AccountsReport) -> Vec<Failure> {
    if report.accounts.is_empty() {
        return vec![Failure {
            what: "accounts: the broker lists none".into(),
            remedy: "r tries at once; look at the broker's own program".into(),
            remark: false,
        }];
    }
    report
        .accounts
        .iter()
        .filter_map(|account| {
            let number = &account.account.masked_number;
            if account.positions.is_none() || account.balances.is_none() {
                return Some(Failure {
                    what: format!("account {number} could not be read completely"),
                    remedy: "r tries at once".into(),
                    remark: false,
                });
            }
            (account.unread > 0).then(|| Failure {
                what: format!("account {number} holds {} positions of a kind not shown here", account.unread),
                remedy: "look at them in the broker's own program; they are in no figure".into(),
                remark: true,
            })
        })
        .collect()
}

fn failure(what: &str, error: &BrokerError) -> Failure {
    // What a broker has not got is said, and is no trouble of the link.
    let remark = matches!(error, BrokerError::NotOffered { .. });
    Failure { what: format!("{what}: {error}"), remedy: error.remedy().to_owned(), remark }
}

/// The reader has stopped on an error of its own.
fn not_read() -> Failure {
    Failure {
        what: "the broker is not read any more".into(),
        remedy: "leave with q and start cotrader again".into(),
        remark: false,
    }
}

fn failure_gone() -> Failure {
    Failure { what: "the cockpit is closing".into(), remedy: String::new(), remark: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::MarketSession;

    /// Gives no answer, but the answer has a date.
    struct Misdated {
        accounts_panic: bool,
    }

    fn nothing<T>() -> Result<T, BrokerError> {
        Err(BrokerError::Server { status: 503, message: "closed".into() })
    }

    impl Broker for Misdated {
        fn clock_skew_ms(&self) -> Option<i64> {
            Some(-4_000)
        }

        async fn accounts(&self) -> Result<AccountsReport, BrokerError> {
            assert!(!self.accounts_panic, "torn");
            nothing()
        }

        async fn session(&self) -> Result<MarketSession, BrokerError> {
            nothing()
        }

        async fn quotes(&self, _: &[Instrument]) -> Result<Vec<MarketUpdate>, BrokerError> {
            nothing()
        }

        async fn metrics(&self, _: &[Symbol]) -> Result<Vec<MarketUpdate>, BrokerError> {
            nothing()
        }

        async fn chain(&self, _: &Symbol) -> Result<OptionChain, BrokerError> {
            nothing()
        }

        async fn stream(
            &self,
            mut subscriptions: watch::Receiver<Subscriptions>,
            _: mpsc::Receiver<StreamControl>,
            _: mpsc::Sender<StreamEvent>,
        ) {
            while subscriptions.changed().await.is_ok() {}
        }
    }

    async fn skew_told(clock: EngineClock) -> Option<i64> {
        let (errands, wanted) = mpsc::channel(1);
        let (inputs, mut told) = mpsc::channel(64);
        let task = tokio::spawn(run(Arc::new(Misdated { accounts_panic: false }), clock, wanted, inputs));
        errands.send(Errand::Refresh).await.expect("the task takes errands");
        let mut skew = None;
        while let Some(input) = told.recv().await {
            match input {
                Input::ClockSkew { ms } => skew = Some(ms),
                Input::Refreshed { failures } => {
                    assert!(!failures.is_empty());
                    break;
                }
                _ => {}
            }
        }
        drop(errands);
        task.await.expect("it ends with its errands");
        skew
    }

    #[tokio::test]
    async fn every_errand_ends_after_the_reads_have_stopped() {
        let (errands, wanted) = mpsc::channel(1);
        let (inputs, mut told) = mpsc::channel(64);
        let broker = Arc::new(Misdated { accounts_panic: true });
        let task = tokio::spawn(run(broker, EngineClock::of_broker(), wanted, inputs));
        errands.send(Errand::Refresh).await.expect("the task takes errands");
        let Some(Input::Stopped { part: Part::Reads, why }) = told.recv().await else { panic!("not told") };
        assert_eq!(why, "torn");
        errands.send(Errand::Refresh).await.expect("the task takes errands");
        let Some(Input::Refreshed { failures }) = told.recv().await else { panic!("refreshing for ever") };
        assert_eq!(failures, [not_read()]);
        errands.send(Errand::Watch(Watch::default())).await.expect("the task takes errands");
        let Some(Input::Followed { failures }) = told.recv().await else { panic!("refreshing for ever") };
        assert_eq!(failures, [not_read()]);
        drop(errands);
        task.await.expect("it ends with its errands");
    }

    #[tokio::test]
    async fn our_clock_is_compared_where_it_is_not_the_brokers_own() {
        assert_eq!(skew_told(EngineClock::wall()).await, Some(-4_000));
        assert_eq!(skew_told(EngineClock::of_broker()).await, None);
    }
}
