//! The adapter against the simulated broker: two independent readings of one wire contract.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::peer::Running;
use chrono::{NaiveDate, NaiveTime, TimeDelta, Utc};
use cotrader::broker::StreamEvent;
use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use cotrader::broker::{Broker, Subscriptions};
use cotrader::domain::report::AccountNotice;
use cotrader::domain::report::SessionState;
use cotrader::domain::time::new_york;
use cotrader::domain::{Instrument, Symbol, Timestamp};
use cotrader::market::update::{Link, MarketUpdate, Source};
use cotrader::sim::{RunningSim, SimClock, SimConfig, WorldSource, start};

fn morning() -> Timestamp {
    let date = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date");
    new_york(date, NaiveTime::from_hms_opt(10, 48, 0).expect("a time"))
}

pub async fn sim() -> RunningSim {
    let anchor = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date");
    let config = SimConfig::new(7, SimClock::starting_at(morning(), 1.0), WorldSource::Seeded { anchor });
    start(config).await.expect("the simulator starts")
}

pub fn adapter(sim: &RunningSim) -> Tastytrade {
    let at = sim.connection();
    let config =
        TastytradeConfig::from_base_url(&at.base_url, Some(&at.account_stream_url)).expect("loopback");
    let credentials = Credentials {
        client_secret: at.client_secret.as_str().into(),
        refresh_token: at.refresh_token.as_str().into(),
    };
    Tastytrade::new(config, credentials).expect("an adapter")
}

#[tokio::test]
async fn accounts_positions_and_balances_read_completely() {
    let sim = sim().await;
    let report = adapter(&sim).accounts().await.expect("a report");
    assert_eq!(report.accounts.len(), sim.connection().accounts.len());
    for account in &report.accounts {
        let balances = account.balances.as_ref().expect("balances");
        assert!(balances.cash.is_some() && balances.net_liq.is_some());
        assert!(balances.buying_power.is_some() && balances.requirement.is_some());
        let positions = account.positions.as_ref().expect("positions");
        assert!(positions.iter().all(|p| p.average_open_price.is_some() && !p.quantity.is_zero()));
    }
    let numbers = &sim.connection().accounts;
    let told = format!("{report:?}");
    assert!(numbers.iter().all(|number| !told.contains(number.as_str())));
}

#[tokio::test]
async fn stamps_are_on_the_simulated_clock() {
    let sim = sim().await;
    let adapter = adapter(&sim);
    assert_eq!(adapter.session().await.expect("a session").state, SessionState::Open);
    let skew = TimeDelta::milliseconds(adapter.clock_skew_ms().expect("a skew"));
    let off = Utc::now() + skew - morning();
    assert!(off > TimeDelta::seconds(-2) && off < TimeDelta::seconds(30), "{off}");
    let report = adapter.accounts().await.expect("a report");
    assert!((report.at - morning()).abs() < TimeDelta::seconds(30));
}

#[tokio::test]
async fn what_is_held_is_listed_quoted_and_measured() {
    let sim = sim().await;
    let adapter = adapter(&sim);
    let report = adapter.accounts().await.expect("a report");
    let held: HashSet<Instrument> = report
        .accounts
        .iter()
        .flat_map(|account| account.positions.iter().flatten())
        .map(|position| position.instrument.clone())
        .collect();
    let underlyings: HashSet<Symbol> = held.iter().map(|i| i.underlying().clone()).collect();
    assert!(held.len() > 3 && underlyings.len() > 1);

    let mut listed = HashSet::new();
    for underlying in &underlyings {
        let chain = adapter.chain(underlying).await.expect("a chain");
        assert!(!chain.expirations.is_empty(), "{underlying}");
        for strike in chain.expirations.into_iter().flat_map(|expiration| expiration.strikes) {
            listed.extend([strike.call, strike.put]);
        }
    }
    let missing: Vec<_> = held.iter().filter(|i| i.option().is_some() && !listed.contains(*i)).collect();
    assert!(missing.is_empty(), "held but not listed: {missing:?}");

    let wanted: Vec<Instrument> = held.iter().cloned().collect();
    let quotes = adapter.quotes(&wanted).await.expect("quotes");
    let quoted: HashSet<&Instrument> = quotes
        .iter()
        .filter_map(|update| match update {
            MarketUpdate::Quote { instrument, quote, .. } => quote.ask.map(|_| instrument),
            _ => None,
        })
        .collect();
    assert_eq!(quoted.len(), held.len());

    let symbols: Vec<Symbol> = underlyings.into_iter().collect();
    let metrics = adapter.metrics(&symbols).await.expect("metrics");
    assert_eq!(metrics.len(), symbols.len());
    for update in metrics {
        let MarketUpdate::Metrics(metrics) = update else { panic!("{update:?}") };
        assert!(metrics.iv_index.is_some_and(|iv| iv > 0.03 && iv < 2.0), "{metrics:?}");
        assert!(metrics.iv_rank.is_some());
    }
}

/// An option that is held, and everything the streams are asked for around it.
async fn wanted(adapter: &Tastytrade) -> Subscriptions {
    let report = adapter.accounts().await.expect("a report");
    let positions = report.accounts.iter().flat_map(|account| account.positions.iter().flatten());
    let option = positions.map(|p| &p.instrument).find(|i| i.option().is_some()).expect("an option is held");
    let underlying = option.underlying().clone();
    let from = morning() - TimeDelta::days(200);
    Subscriptions {
        on: true,
        instruments: vec![Instrument::Equity(underlying.clone()), option.clone()],
        history: vec![(underlying, from)],
    }
}

#[tokio::test]
async fn both_streams_come_up_and_bring_every_kind_of_news() {
    let sim = sim().await;
    let adapter = Arc::new(adapter(&sim));
    let wanted = wanted(&adapter).await;
    let option = wanted.instruments[1].clone();
    let mut running = Running::start(Arc::clone(&adapter), wanted);
    let (mut up, mut seen, mut hydrate) = (HashSet::new(), HashSet::new(), false);
    while up.len() < 2 || seen.len() < 5 || !hydrate {
        let event = running.until(|event| Some(event.clone())).await;
        match event {
            StreamEvent::Link { link, state: cotrader::market::update::LinkState::Up { epoch } } => {
                assert_eq!(epoch.0, 1);
                up.insert(link);
            }
            StreamEvent::Account(AccountNotice::Other { account: None, .. }) => hydrate = true,
            StreamEvent::Market(updates) => seen.extend(updates.iter().filter_map(|u| kind(u, &option))),
            StreamEvent::Link { .. } | StreamEvent::Alive { .. } | StreamEvent::Account(_) => {}
        }
    }
    assert_eq!(up, HashSet::from([Link::MarketStream, Link::AccountStream]));
    sim.shutdown().await;
    running.down(Link::MarketStream).await;
}

/// The kinds of update about the option, once they say something; and the history.
fn kind(update: &MarketUpdate, option: &Instrument) -> Option<&'static str> {
    match update {
        MarketUpdate::Quote { instrument, quote, source: Source::Stream(_) } if instrument == option => {
            assert!((quote.received - morning()).abs() < TimeDelta::seconds(60));
            quote.ask.map(|_| "quote")
        }
        MarketUpdate::Trade { instrument, trade, .. } if instrument == option => trade.price.map(|_| "trade"),
        MarketUpdate::Summary { instrument, summary, .. } if instrument == option => {
            summary.previous_close.map(|_| "summary")
        }
        MarketUpdate::Greeks { instrument, greeks, .. } if instrument == option => {
            greeks.delta.filter(|delta| delta.abs() <= 1.0).map(|_| "greeks")
        }
        MarketUpdate::Bars { bars, .. } => {
            assert!(bars.windows(2).all(|pair| pair[0].date < pair[1].date));
            (bars.len() > 100).then_some("bars")
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_quiet_simulated_stream_stays_up_by_its_answers() {
    let sim = sim().await;
    let at = sim.connection();
    let mut config = TastytradeConfig::loopback(&at.base_url, &at.account_stream_url);
    config.keepalive.market_silence = Duration::from_millis(600);
    let credentials = Credentials {
        client_secret: at.client_secret.as_str().into(),
        refresh_token: at.refresh_token.as_str().into(),
    };
    let adapter = Arc::new(Tastytrade::new(config, credentials).expect("an adapter"));
    // Nothing subscribed: nothing comes but answers. Alive is told once a second at most.
    let nothing = Subscriptions { on: true, ..Subscriptions::default() };
    let mut running = Running::start(adapter, nothing);
    assert_eq!(running.up(Link::MarketStream).await, 1);
    for _ in 0..3 {
        running
            .until(|event| match event {
                StreamEvent::Alive { link: Link::MarketStream } => Some(()),
                StreamEvent::Link { link: Link::MarketStream, state } => panic!("{state:?}"),
                _ => None,
            })
            .await;
    }
}
