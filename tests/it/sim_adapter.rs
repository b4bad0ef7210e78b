//! The real adapter against the simulated broker: what one side says, the other understands.

use chrono::Utc;
use std::collections::BTreeMap;
use std::time::Duration;

use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use cotrader::broker::{Broker, StreamEvent, Subscriptions};
use cotrader::domain::report::SessionState;
use cotrader::domain::{Instrument, Symbol};
use cotrader::market::update::MarketUpdate;
use cotrader::sim::{RunningSim, SimClock, SimConfig, WorldSource, start, world};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::sim::{client, sim};

fn adapter(sim: &RunningSim) -> Tastytrade {
    // Installs the TLS provider, as the assembly would.
    let _ = client();
    let c = sim.connection();
    let config = TastytradeConfig::loopback(c.base_url.as_str(), c.account_stream_url.as_str());
    let credentials = Credentials {
        client_secret: c.client_secret.clone().into(),
        refresh_token: c.refresh_token.clone().into(),
    };
    Tastytrade::new(config, credentials).expect("an adapter")
}

#[tokio::test]
async fn everything_read_by_rest_is_understood() {
    let sim = sim().await;
    let broker = adapter(&sim);
    let report = broker.accounts().await.expect("accounts");
    assert_eq!(report.accounts.len(), 2);
    for account in &report.accounts {
        let positions = account.positions.as_ref().expect("positions");
        assert!(positions.len() >= 8);
        assert!(positions.iter().all(|p| p.average_open_price.is_some() && p.close_price.is_some()));
        assert!(positions.iter().all(|p| p.created_at.is_some()));
        assert!(account.balances.is_some());
    }
    assert_eq!(broker.session().await.expect("a session").state, SessionState::Open);
    let held: Vec<Instrument> = report
        .accounts
        .iter()
        .flat_map(|a| a.positions.iter().flatten())
        .map(|p| p.instrument.clone())
        .collect();
    let quotes = broker.quotes(&held).await.expect("quotes");
    let quoted = quotes.iter().filter(|u| matches!(u, MarketUpdate::Quote { .. })).count();
    let distinct: std::collections::BTreeSet<String> = held.iter().map(Instrument::broker_symbol).collect();
    assert!(quoted >= distinct.len(), "{quoted} of {}", distinct.len());
    let spy = Symbol::new("SPY").expect("a symbol");
    let chain = broker.chain(&spy).await.expect("a chain");
    assert!(chain.expirations.len() > 20);
    let metrics = broker.metrics(&[spy]).await.expect("metrics");
    let Some(MarketUpdate::Metrics(m)) = metrics.first() else { panic!("no metrics in {metrics:?}") };
    assert!((m.iv_index.expect("known") - 0.138).abs() < 0.01);
    assert!((m.iv_rank.expect("known") - 0.23).abs() < 0.05);
    let skew = broker.clock_skew_ms().expect("the clock was seen");
    let behind = Utc::now().timestamp_millis() + skew;
    let morning = 1_795_189_680_000_i64;
    assert!((behind - morning).abs() < 120_000, "the broker's clock stands on its own day: {behind}");
}

#[tokio::test]
async fn quotes_greeks_and_bars_stream_in() {
    let sim = sim().await;
    let broker = adapter(&sim);
    let symbol = |s: &str| Symbol::new(s).expect("a symbol");
    let report = broker.accounts().await.expect("accounts");
    let mut instruments: Vec<Instrument> = report
        .accounts
        .iter()
        .flat_map(|a| a.positions.iter().flatten())
        .map(|p| p.instrument.clone())
        .collect();
    instruments.push(Instrument::Equity(symbol("SPY")));
    instruments.push(Instrument::Index(symbol("VIX")));
    let since = report.at - chrono::TimeDelta::days(400);
    let wanted = Subscriptions { on: true, instruments, history: vec![(symbol("SPY"), since)] };
    let (_keep, subscriptions) = watch::channel(wanted);
    let (_steer, control) = mpsc::channel(1);
    let (out, mut events) = mpsc::channel(64);
    let streaming = tokio::spawn(async move { broker.stream(subscriptions, control, out).await });
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let complete = |seen: &BTreeMap<&str, usize>| {
        let at_least = |kind: &str, n: usize| seen.get(kind).copied().unwrap_or(0) >= n;
        at_least("quote", 30)
            && at_least("trade", 2)
            && at_least("greeks", 20)
            && at_least("bars", 200)
            && at_least("summary", 20)
    };
    while !complete(&seen) {
        let event = timeout(Duration::from_secs(20), events.recv()).await;
        let event = event.unwrap_or_else(|_| panic!("only {seen:?} came")).expect("still streaming");
        let StreamEvent::Market(updates) = event else { continue };
        for update in updates {
            let (kind, count) = match update {
                MarketUpdate::Quote { .. } => ("quote", 1),
                MarketUpdate::Trade { .. } => ("trade", 1),
                MarketUpdate::Summary { .. } => ("summary", 1),
                MarketUpdate::Greeks { .. } => ("greeks", 1),
                MarketUpdate::Bars { bars, .. } => ("bars", bars.len()),
                MarketUpdate::Metrics(_) => ("metrics", 1),
            };
            *seen.entry(kind).or_default() += count;
        }
    }
    streaming.abort();
}

#[tokio::test]
async fn a_recorded_chain_is_served_with_a_book_upon_it() {
    let csv =
        "quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,volume,open_interest,iv,delta
2026-08-21,XLF,52.40,XLF,2026-09-18,52,C,1.00,1.05,1.0,10,100,0.16,0.58
2026-08-21,XLF,52.40,XLF,2026-09-18,52,P,0.50,0.55,0.5,10,100,0.18,-0.42
";
    let chain = cotrader::market::chain_file::read(csv.as_bytes(), None).expect("a chain");
    let book = world::read_book(
        "positions:\n  - {underlying: XLF, type: put, strike: 52, expiry: 2026-09-18, quantity: -2, entry: 0.80}\n",
    )
    .expect("a book");
    let chains = vec![chain];
    let clock = SimClock::starting_at(world::recorded_start(&chains).expect("a day"), 1.0);
    let source = WorldSource::Recorded { chains, history: BTreeMap::new(), book };
    let sim = start(SimConfig::new(1, clock, source)).await.expect("the simulator starts");
    let broker = adapter(&sim);
    let report = broker.accounts().await.expect("accounts");
    let position = &report.accounts[0].positions.as_ref().expect("positions")[0];
    assert_eq!(position.quantity.to_string(), "-2");
    assert_eq!(position.instrument.broker_symbol(), "XLF   260918P00052000");
    assert_eq!(position.close_price, None, "without history nobody knows the close before");
    let xlf = Symbol::new("XLF").expect("a symbol");
    let chain = broker.chain(&xlf).await.expect("a chain");
    assert_eq!(chain.expirations.len(), 1);
    let quotes = broker.quotes(std::slice::from_ref(&position.instrument)).await.expect("quotes");
    let bid = quotes.iter().find_map(|u| match u {
        MarketUpdate::Quote { quote, .. } => quote.bid,
        _ => None,
    });
    assert_eq!(bid.map(cotrader::domain::Price::to_f64), Some(0.50));
}
