//! Between the streams and whoever listens: news waits in order, market data waits as its latest value.
//!
//! Never: grows with the speed of the market, drops a link state, drops an account notice unsaid.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::broker::StreamEvent;
use crate::domain::report::AccountNotice;
use crate::domain::{Instrument, Symbol};
use crate::market::update::{Link, LinkState, MarketUpdate};

/// Market updates handed over at once.
const BATCH: usize = 1024;
/// Account notices that may wait. Beyond it all of them become one hint to read the accounts again.
const NOTICES: usize = 4096;
/// Link states that may wait; of more, each link's latest remains.
const STATES: usize = 64;
const ALIVE_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    news: VecDeque<StreamEvent>,
    market: HashMap<Key, MarketUpdate>,
    order: VecDeque<Key>,
    alive_at: HashMap<Link, Instant>,
}

/// The latest value counts per key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Quote(Instrument),
    Trade(Instrument),
    Summary(Instrument),
    Greeks(Instrument),
    Bars(Symbol),
    Metrics(Symbol),
}

fn key(update: &MarketUpdate) -> Key {
    match update {
        MarketUpdate::Quote { instrument, .. } => Key::Quote(instrument.clone()),
        MarketUpdate::Trade { instrument, .. } => Key::Trade(instrument.clone()),
        MarketUpdate::Summary { instrument, .. } => Key::Summary(instrument.clone()),
        MarketUpdate::Greeks { instrument, .. } => Key::Greeks(instrument.clone()),
        MarketUpdate::Bars { symbol, .. } => Key::Bars(symbol.clone()),
        MarketUpdate::Metrics(metrics) => Key::Metrics(metrics.symbol.clone()),
    }
}

impl Outbox {
    pub fn state(&self, link: Link, state: LinkState) {
        let mut waiting = self.lock();
        if waiting.states() >= STATES {
            waiting.keep_last_states();
        }
        waiting.news.push_back(StreamEvent::Link { link, state });
        drop(waiting);
        self.wake.notify_one();
    }

    pub fn notice(&self, notice: AccountNotice) {
        let mut waiting = self.lock();
        if waiting.news.len() >= NOTICES {
            tracing::warn!(
                waiting = waiting.news.len(),
                "account notices overflow; the accounts are read anew"
            );
            waiting.news.retain(|event| !matches!(event, StreamEvent::Account(_)));
            let all = AccountNotice::Other { account: None, kind: "overflow".into() };
            waiting.news.push_back(StreamEvent::Account(all));
        } else {
            waiting.news.push_back(StreamEvent::Account(notice));
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Something came in on the link.
    pub fn alive(&self, link: Link) {
        let now = Instant::now();
        let mut waiting = self.lock();
        let told = waiting.alive_at.get(&link);
        if told.is_some_and(|at| now.duration_since(*at) < ALIVE_EVERY) {
            return;
        }
        waiting.alive_at.insert(link, now);
        let news = StreamEvent::Alive { link };
        if !waiting.news.contains(&news) {
            waiting.news.push_back(news);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    pub fn market(&self, updates: impl IntoIterator<Item = MarketUpdate>) {
        let mut waiting = self.lock();
        for update in updates {
            waiting.put(update);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Hands over until nobody listens any more.
    pub async fn pump(&self, out: mpsc::Sender<StreamEvent>) {
        loop {
            // Room first: what waits for it stays conflated.
            let Ok(room) = out.reserve().await else { return };
            tokio::select! {
                event = self.next() => room.send(event),
                () = out.closed() => return,
            }
        }
    }

    async fn next(&self) -> StreamEvent {
        loop {
            if let Some(event) = self.lock().take() {
                return event;
            }
            self.wake.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What waits is plain data: it is whole even if a holder panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, update: MarketUpdate) {
        let key = key(&update);
        match self.market.get_mut(&key) {
            Some(waiting) => merge(waiting, update),
            None => {
                self.order.push_back(key.clone());
                self.market.insert(key, update);
            }
        }
    }

    fn take(&mut self) -> Option<StreamEvent> {
        if let Some(event) = self.news.pop_front() {
            return Some(event);
        }
        let count = self.order.len().min(BATCH);
        let batch: Vec<MarketUpdate> =
            self.order.drain(..count).filter_map(|key| self.market.remove(&key)).collect();
        (!batch.is_empty()).then_some(StreamEvent::Market(batch))
    }

    fn states(&self) -> usize {
        self.news.iter().filter(|event| matches!(event, StreamEvent::Link { .. })).count()
    }

    fn keep_last_states(&mut self) {
        let mut seen = Vec::new();
        let mut kept = VecDeque::new();
        for event in self.news.drain(..).rev() {
            match &event {
                StreamEvent::Link { link, .. } if seen.contains(link) => continue,
                StreamEvent::Link { link, .. } => seen.push(*link),
                _ => {}
            }
            kept.push_front(event);
        }
        self.news = kept;
    }
}

/// Bars replace from their first date on; everything else replaces as a whole.
fn merge(waiting: &mut MarketUpdate, update: MarketUpdate) {
    match (waiting, update) {
        (MarketUpdate::Bars { bars: old, .. }, MarketUpdate::Bars { bars: new, .. }) => {
            if let Some(first) = new.first().map(|bar| bar.date) {
                old.retain(|bar| bar.date < first);
                old.extend(new);
            }
        }
        (waiting, update) => *waiting = update,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;
    use crate::domain::{Bar, Price};
    use crate::market::update::{RawTrade, Source};

    fn trade(symbol: &str, cents: i64) -> MarketUpdate {
        MarketUpdate::Trade {
            instrument: Instrument::Equity(Symbol::new(symbol).expect("a symbol")),
            trade: RawTrade {
                price: Some(Price(rust_decimal::Decimal::new(cents, 2))),
                at: None,
                received: DateTime::from_timestamp_millis(0).expect("an instant"),
            },
            source: Source::Read,
        }
    }

    fn bar(day: u32, close: f64) -> Bar {
        let date = NaiveDate::from_ymd_opt(2026, 11, day).expect("a date");
        Bar { date, open: close, high: close, low: close, close, volume: None }
    }

    #[tokio::test]
    async fn a_slow_receiver_gets_the_latest_price_and_every_notice() {
        let outbox = Outbox::default();
        for n in 0..1_000 {
            outbox.market([trade("SPY", n), trade("QQQ", n)]);
            outbox.notice(AccountNotice::Other { account: None, kind: n.to_string() });
        }
        for n in 0..1_000 {
            let expected = AccountNotice::Other { account: None, kind: n.to_string() };
            assert_eq!(outbox.next().await, StreamEvent::Account(expected));
        }
        assert_eq!(outbox.next().await, StreamEvent::Market(vec![trade("SPY", 999), trade("QQQ", 999)]));
    }

    #[tokio::test]
    async fn too_many_notices_become_one_that_says_read_again_and_states_survive() {
        let outbox = Outbox::default();
        let down = || LinkState::Down { why: "test".into(), retry_in_ms: None };
        outbox.state(Link::AccountStream, down());
        for _ in 0..NOTICES {
            outbox.notice(AccountNotice::Other { account: None, kind: "Order".into() });
        }
        assert_eq!(outbox.next().await, StreamEvent::Link { link: Link::AccountStream, state: down() });
        let StreamEvent::Account(AccountNotice::Other { account: None, kind }) = outbox.next().await else {
            panic!("not the hint")
        };
        assert_eq!(kind, "overflow");
    }

    #[tokio::test]
    async fn of_many_link_states_each_links_latest_remains() {
        let outbox = Outbox::default();
        for attempt in 0..500 {
            outbox.state(Link::MarketStream, LinkState::Connecting { attempt });
        }
        let mut last = None;
        let mut count = 0;
        while let Some(event) = outbox.lock().take() {
            last = Some(event);
            count += 1;
        }
        assert!(count <= STATES);
        let state = LinkState::Connecting { attempt: 499 };
        assert_eq!(last, Some(StreamEvent::Link { link: Link::MarketStream, state }));
    }

    #[tokio::test]
    async fn a_late_bar_joins_the_history_that_waits() {
        let outbox = Outbox::default();
        let symbol = Symbol::new("SPY").expect("a symbol");
        let bars = |bars: Vec<Bar>| MarketUpdate::Bars { symbol: symbol.clone(), bars };
        outbox.market([bars(vec![bar(18, 1.0), bar(19, 2.0), bar(20, 3.0)])]);
        outbox.market([bars(vec![bar(20, 4.0)])]);
        let whole = bars(vec![bar(18, 1.0), bar(19, 2.0), bar(20, 4.0)]);
        assert_eq!(outbox.next().await, StreamEvent::Market(vec![whole]));
    }

    #[tokio::test]
    async fn a_link_is_alive_once_a_second_at_most() {
        let outbox = Outbox::default();
        for _ in 0..100 {
            outbox.alive(Link::MarketStream);
        }
        assert_eq!(outbox.lock().news.len(), 1);
    }
}
