//! How long a long log takes: to open, to decode, to bring back the books, to verify. The log is a mix of what a
//! trader's own looks like: notes, intentions with a rationale, now and then the market they relied on.
//!
//! `COTRADER_BENCH_EVENTS` (1000000) makes it shorter; `COTRADER_BENCH_STORE` names a folder to keep it in, for
//! the next run or a profiler.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cotrader::containers::Containers;
use cotrader::domain::event::{
    Actor, Event, MarketObserved, Meta, NoteKind, NoteRecorded, Pending, TradeIntended,
};
use cotrader::domain::freshness::Standing;
use cotrader::domain::id::{CorrelationId, CountedIds, EventId, PortfolioId, TradeId};
use cotrader::domain::market_context::{
    BetaSource, DailyVolSource, Iv30Source, IvSource, LegMark, MarketContext, Model, UnderlyingFactors,
};
use cotrader::domain::money::Price;
use cotrader::domain::trade::TradeKind;
use cotrader::domain::{Strategy, Symbol, Timestamp};
use cotrader::store::{Access, Store, VerifyOptions, verify};
use rust_decimal::Decimal;

/// Seconds per million decoded events.
const TARGET: f64 = 0.7;
const BATCH: usize = 4_000;
/// Past the end of any mix: decisions in a row that rely on the same picture of the market.
const MARKET_EVERY: usize = 100;

fn main() {
    // `cargo test` runs benches, too: there one short round shows that it works.
    let testing = !std::env::args().any(|arg| arg == "--bench");
    let given = std::env::var("COTRADER_BENCH_EVENTS").ok().and_then(|text| text.parse().ok());
    let events = given.unwrap_or(if testing { 6_000 } else { 1_000_000 });
    let scratch = tempfile::Builder::new()
        .prefix("replay-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder on the disk that is measured");
    let dir =
        std::env::var_os("COTRADER_BENCH_STORE").map_or_else(|| scratch.path().join("store"), PathBuf::from);
    fill(&dir, events);
    measure(&dir, events);
}

fn fill(dir: &Path, events: usize) {
    let opened = Store::open(dir, Access::ReadWrite).expect("a store");
    if opened.events == events as u64 {
        return;
    }
    assert_eq!(opened.events, 0, "a kept store of another size");
    let (mut ids, mut next) = (CountedIds(0), 0);
    let took = timed(|| {
        while next < events {
            let request: Vec<Pending> =
                (next..events.min(next + BATCH)).map(|n| one_of_the_mix(&mut ids, n)).collect();
            next += request.len();
            opened.store.append_blocking(request).expect("stored");
        }
    });
    println!(
        "{:<44} {:>9.0} events/s",
        "stored in requests of four thousand",
        events as f64 / took.as_secs_f64()
    );
    opened.store.close();
}

fn measure(dir: &Path, events: usize) {
    let mut opened = None;
    let took = timed(|| opened = Some(Store::open(dir, Access::ReadWrite).expect("opens").store));
    println!("{:<44} {:>9.1} ms", format!("opening a store of {events} events"), took.as_secs_f64() * 1e3);
    let store = opened.expect("just opened");
    let decoded = best(|| {
        let mut seen = 0u64;
        let replayed = store.replay(1, |event| seen += u64::from(event.seq > 0)).expect("replays");
        assert_eq!((seen, replayed.last_seq), (events as u64, events as u64));
    });
    per_million("replay: every event decoded, in order", decoded, events, Some(TARGET));
    let applied = best(|| {
        let mut books = Containers::default();
        store.replay(1, |event| books.apply(event)).expect("replays");
        assert_eq!(books.seq, events as u64);
    });
    per_million("replay into the books", applied, events, None);
    let options = VerifyOptions { integrity: false, projections: false };
    let verified = timed(|| assert!(verify(dir, options).expect("verifies").is_sound()));
    per_million("verification of the chain", verified, events, None);
}

fn one_of_the_mix(ids: &mut CountedIds, n: usize) -> Pending {
    let event = match n % MARKET_EVERY {
        0 => Event::MarketObserved(MarketObserved { context: context(n) }),
        place if place % 5 < 2 => Event::TradeIntended(TradeIntended {
            trade: TradeId::new(ids),
            trade_kind: TradeKind::WhatIf,
            portfolio: Some(PortfolioId::from_key("core")),
            account: None,
            underlying: symbol(n),
            strategy: Strategy::IronCondor,
            legs: Vec::new(),
            note_kind: NoteKind::Decision,
            rationale: format!("IV rank {} and the term structure in contango: sell the wings, {n}", n % 90),
        }),
        _ => Event::NoteRecorded(NoteRecorded {
            trade: None,
            note_kind: NoteKind::Decision,
            underlying: Some(symbol(n)),
            strategy: Some(Strategy::VerticalSpread),
            rationale: format!("the short strike holds; nothing to do before the roll date, look {n}"),
        }),
    };
    let causation = (!n.is_multiple_of(MARKET_EVERY)).then(|| EventId::new(ids));
    let meta = Meta {
        id: EventId::new(ids),
        occurred_at: instant(n),
        actor: Actor::Trader,
        correlation: CorrelationId::new(ids),
        causation,
        key: None,
    };
    Pending { meta, event }
}

/// What a book of eight underlyings and two dozen legs relies on.
fn context(n: usize) -> MarketContext {
    let price = |cents: usize| Some(Price(Decimal::new(100 + (cents % 900) as i64, 2)));
    let underlyings = (0..8)
        .map(|i| UnderlyingFactors {
            symbol: symbol(i),
            spot: Some(681.42 + i as f64),
            spot_standing: Some(Standing::Live),
            previous_close: Some(677.29 + i as f64),
            iv30: Some(0.1381 + i as f64 / 100.0),
            iv30_source: Some(Iv30Source::BrokerIndex),
            iv_rank: Some(0.23),
            beta: Some(1.0 + i as f64 / 17.0),
            beta_source: Some(BetaSource::Own),
            daily_vol: Some(0.0087),
            daily_vol_source: Some(DailyVolSource::Ewma),
            next_ex_date: None,
            dividend: None,
            dividend_source: None,
            dividend_yield: Some(0.012),
            metrics_at: Some(instant(n)),
        })
        .collect();
    let marks = (0..24)
        .map(|i| LegMark {
            instrument: format!("{:<6}261218P{:08}", symbol(i).as_str(), 600_000 + 5_000 * i),
            bid: price(n + i),
            ask: price(n + i + 4),
            quote_age_seconds: Some(2),
            mark: price(n + i + 2),
            mark_standing: Some(Standing::Live),
            iv: Some(0.1612 + i as f64 / 1_000.0),
            iv_standing: Some(Standing::Live),
            iv_source: Some(IvSource::Mid),
            model: Some(Model::European),
        })
        .collect();
    let revision = n as u64;
    MarketContext { as_of: instant(n), revision, rate: 0.0385, rates_as_of: None, underlyings, marks }
}

fn symbol(n: usize) -> Symbol {
    let names = ["SPY", "QQQ", "IWM", "NVDA", "AAPL", "MSFT", "XLF", "TLT"];
    Symbol::new(names[n % names.len()]).expect("a symbol")
}

fn instant(n: usize) -> Timestamp {
    chrono::DateTime::from_timestamp(1_800_000_000 + n as i64, 123_000_000).expect("an instant")
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn best(work: impl Fn()) -> Duration {
    (0..3).map(|_| timed(&work)).min().expect("three runs")
}

fn per_million(what: &str, took: Duration, events: usize, target: Option<f64>) {
    let seconds = took.as_secs_f64() * 1e6 / events as f64;
    let verdict = target.map_or(String::new(), |target| {
        format!("  (target {target}) {}", if seconds <= target { "pass" } else { "MISS" })
    });
    println!("{what:<44} {seconds:>9.3} s per million{verdict}");
}
