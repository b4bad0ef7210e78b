//! What no stream brings, read at a steady pace: values of indices, Greeks, daily bars, and every quote where quotes
//! are not streamed. What is read says so: it is never taken for streamed.
//!
//! Never: reads faster than it is told, stops for a read that failed once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::broker::error::Grade;
use crate::broker::link::Ended;
use crate::broker::outbox::Outbox;
use crate::broker::tradier::{Tradier, parse};
use crate::broker::{BrokerError, Subscriptions};
use crate::domain::{Instrument, Symbol, Timestamp};
use crate::market::update::{Link, MarketUpdate};

/// Reads in a row that may fail before the link counts as lost.
const FAILURES_ALLOWED: u32 = 3;
/// Bars that could not be read are asked for again so much later.
const AFTER_A_FAILURE: Duration = Duration::from_secs(60);

pub(super) struct Polls<'a> {
    pub adapter: &'a Tradier,
    pub outbox: &'a Outbox,
    pub subscriptions: watch::Receiver<Subscriptions>,
    pub bars: &'a Bars,
}

/// Since when bars of a symbol were read, and when they are due again. Outlives a connection: what was read stays
/// read.
#[derive(Default)]
pub struct Bars(Mutex<HashMap<Symbol, (Timestamp, Instant)>>);

impl Bars {
    fn lock(&self) -> MutexGuard<'_, HashMap<Symbol, (Timestamp, Instant)>> {
        // What was read is plain data: it is whole even if a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Polls<'_> {
    /// Indices and Greeks; a failure costs the values, not the stream.
    pub async fn beside_a_stream(self) -> Ended {
        self.run(|wanted| wanted.iter().filter(|one| matches!(one, Instrument::Index(_))).cloned().collect())
            .await
    }

    /// Everything; it is the link that fails.
    pub async fn instead_of_a_stream(self) -> Ended {
        self.run(<[Instrument]>::to_vec).await
    }

    async fn run(mut self, chosen: impl Fn(&[Instrument]) -> Vec<Instrument>) -> Ended {
        let pace = self.adapter.config.polling;
        let alone = !self.adapter.config.streams_quotes;
        let (mut quotes_at, mut greeks_at) = (Instant::now(), Instant::now() + pace.greeks);
        let mut failures = 0;
        loop {
            let wanted = self.subscriptions.borrow_and_update().clone();
            if Instant::now() >= quotes_at {
                match self.quotes(&chosen(&wanted.instruments)).await {
                    Ok(()) => failures = 0,
                    Err(error) => {
                        failures += 1;
                        let stopped = error.grade() == Grade::Stop;
                        if alone && (stopped || failures >= FAILURES_ALLOWED) {
                            return error.into();
                        }
                        tracing::warn!(%error, "quotes could not be read");
                    }
                }
                quotes_at = Instant::now() + pace.quotes;
            }
            if !alone && Instant::now() >= greeks_at {
                if let Err(error) = self.greeks(&wanted.instruments).await {
                    tracing::warn!(%error, "Greeks could not be read");
                }
                greeks_at = Instant::now() + pace.greeks;
            }
            self.due_bars(&wanted).await;
            let bars_at = self.bars.lock().values().map(|(_, due)| *due).min();
            // Greeks are due with the next quotes.
            let next = bars_at.into_iter().fold(quotes_at, Instant::min);
            tokio::select! {
                () = sleep_until(next) => {}
                Ok(()) = self.subscriptions.changed() => {}
            }
        }
    }

    pub async fn quotes(&self, of: &[Instrument]) -> Result<(), BrokerError> {
        if of.is_empty() {
            return Ok(());
        }
        let rows = self.adapter.rows(of).await?;
        let received = self.adapter.now();
        self.outbox.alive(Link::MarketStream);
        self.outbox.market(self.adapter.told(&rows, received));
        Ok(())
    }

    async fn greeks(&self, of: &[Instrument]) -> Result<(), BrokerError> {
        let options: Vec<Instrument> = of.iter().filter(|one| one.option().is_some()).cloned().collect();
        let rows = self.adapter.rows(&options).await?;
        let received = self.adapter.now();
        self.outbox.market(rows.iter().filter_map(|(of, row)| parse::market::greeks(of, row, received)));
        Ok(())
    }

    /// Bars of symbols that are new, asked for from earlier on, or an hour old.
    async fn due_bars(&self, wanted: &Subscriptions) {
        self.bars.lock().retain(|symbol, _| wanted.history.iter().any(|(own, _)| own == symbol));
        for (symbol, since) in &wanted.history {
            let fresh = self
                .bars
                .lock()
                .get(symbol)
                .is_some_and(|(from, due)| from <= since && Instant::now() < *due);
            if fresh {
                continue;
            }
            let mut pause = self.adapter.config.polling.bars;
            match self.adapter.bars(symbol, *since).await {
                Ok(bars) if bars.is_empty() => {}
                Ok(bars) => self.outbox.market([MarketUpdate::Bars { symbol: symbol.clone(), bars }]),
                Err(error) => {
                    tracing::warn!(%symbol, %error, "daily bars could not be read");
                    pause = pause.min(AFTER_A_FAILURE);
                }
            }
            self.bars.lock().insert(symbol.clone(), (*since, Instant::now() + pause));
        }
    }
}
