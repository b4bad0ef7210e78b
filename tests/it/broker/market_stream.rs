//! The market stream: handshake, differences, silence, reconnects, refusals.

use std::time::Duration;

use chrono::DateTime;
use cotrader::broker::tastytrade::Probe;
use cotrader::broker::{StreamControl, StreamEvent};
use cotrader::domain::Symbol;
use cotrader::market::update::{Epoch, Link, LinkState, MarketUpdate, Source};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::fake::Canned;
use super::peer::{Peers, patiently, want};

fn symbols(frame: &Value, list: &str) -> Vec<String> {
    let entries = frame[list].as_array().into_iter().flatten();
    entries.filter(|e| e["type"] == "Quote").map(|e| e["symbol"].as_str().expect("text").to_owned()).collect()
}

fn quote(symbol: &str, bid: f64) -> Value {
    json!({"type": "FEED_DATA", "channel": 1,
        "data": ["Quote", ["Quote", symbol, bid, bid + 0.02, "NaN", 40.0, 0, 0]]})
}

fn bid(update: &MarketUpdate) -> Option<(String, Source)> {
    match update {
        MarketUpdate::Quote { quote, source, .. } => quote.bid.map(|bid| (bid.to_string(), *source)),
        _ => None,
    }
}

#[tokio::test]
async fn it_connects_in_order_subscribes_and_follows_changes_by_difference() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY", "QQQ"]), |_| {});
    let (mut peer, first) = peers.market_up().await;
    assert_eq!(first[0]["reset"], true);
    assert_eq!(symbols(&first[0], "add"), ["QQQ", "SPY"]);
    assert_eq!(running.up(Link::MarketStream).await, 1);
    peer.send(quote("SPY", 651.21)).await;
    assert_eq!(running.update(bid).await, ("651.21".to_owned(), Source::Stream(Epoch(1))));

    running.wanted.send(want(&["SPY", "IWM"])).expect("the adapter listens");
    let gone = peer.until("FEED_SUBSCRIPTION").await;
    assert_eq!((symbols(&gone, "remove"), symbols(&gone, "add")), (vec!["QQQ".to_owned()], vec![]));
    let new = peer.until("FEED_SUBSCRIPTION").await;
    assert_eq!((symbols(&new, "add"), new.get("reset")), (vec!["IWM".to_owned()], None));

    let config = json!({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "FULL"});
    peer.send(config).await;
    let full = json!({"type": "FEED_DATA", "channel": 1,
        "data": [{"eventType": "Quote", "eventSymbol": "IWM", "bidPrice": 7.5, "askPrice": 7.6}]});
    peer.send(full).await;
    assert_eq!(running.update(bid).await.0, "7.5");
    drop(running.wanted);
    patiently(running.task).await.expect("the stream ends when nobody subscribes any more");
}

#[tokio::test]
async fn a_lost_socket_is_told_at_once_and_everything_is_subscribed_anew() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |_| {});
    let (mut peer, _) = peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 1);
    peer.send(quote("SPY", 1.0)).await;
    running.update(bid).await;
    running.wanted.send(want(&["SPY", "IWM"])).expect("the adapter listens");
    peer.until("FEED_SUBSCRIPTION").await;
    drop(peer);
    running.down(Link::MarketStream).await;
    let (mut peer, first) = peers.market_up().await;
    assert_eq!(first[0]["reset"], true);
    assert_eq!(symbols(&first[0], "add"), ["IWM", "SPY"]);
    assert_eq!(running.up(Link::MarketStream).await, 2);
    peer.send(quote("SPY", 2.0)).await;
    assert_eq!(running.update(bid).await, ("2".to_owned(), Source::Stream(Epoch(2))));
    assert!(peers.rest.script.count("/api-quote-tokens") >= 2);
}

#[tokio::test]
async fn a_socket_that_goes_silent_without_closing_is_dead() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| {
        config.keepalive.market_silence = Duration::from_millis(300);
        config.keepalive.market_every = Duration::from_millis(50);
    });
    let (mut peer, _) = peers.market_up().await;
    running.up(Link::MarketStream).await;
    // It hears our keepalives all the while: only what comes in counts.
    assert!(running.down(Link::MarketStream).await.starts_with("silent"));
    assert_eq!(peer.next().await["type"], "KEEPALIVE");
    peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 2);
}

#[tokio::test]
async fn a_quiet_server_that_answers_when_asked_is_alive() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| {
        config.keepalive.market_silence = Duration::from_millis(300);
        config.keepalive.market_every = Duration::from_secs(60);
    });
    let (mut peer, _) = peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 1);
    // Far longer than the silence allowed, and nothing but answers.
    for _ in 0..5 {
        peer.until("FEED_SETUP").await;
        peer.send(json!({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "COMPACT"})).await;
    }
    peer.send(quote("SPY", 5.0)).await;
    assert_eq!(running.update(bid).await, ("5".to_owned(), Source::Stream(Epoch(1))));
}

fn quick() -> Probe {
    Probe { after: Duration::from_millis(50), patience: Duration::from_millis(100) }
}

#[tokio::test]
async fn a_peer_that_answers_nothing_is_silent_until_it_does_and_its_connection_stays() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| config.keepalive.market_probe = quick());
    let (mut peer, _) = peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 1);
    // Nobody listens at the other end: no pong.
    assert_eq!(running.silent(Link::MarketStream).await, 1);
    peer.send(quote("SPY", 5.0)).await;
    assert_eq!(running.up(Link::MarketStream).await, 1);
    assert_eq!(running.update(bid).await, ("5".to_owned(), Source::Stream(Epoch(1))));
    // Quiet again, and no news: a pong is enough.
    assert_eq!(running.silent(Link::MarketStream).await, 1);
    let listening = tokio::spawn(async move { peer.closed().await });
    assert_eq!(running.up(Link::MarketStream).await, 1);
    assert!(peers.market.try_recv().is_err(), "a second connection");
    listening.abort();
}

#[tokio::test]
async fn an_account_stream_that_answers_nothing_is_silent_too() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&[]), |config| config.keepalive.account_probe = quick());
    let mut peer = peers.account_up().await;
    assert_eq!(running.up(Link::AccountStream).await, 1);
    assert_eq!(running.silent(Link::AccountStream).await, 1);
    peer.send(json!({"type": "Order", "data": {"account-number": "5WX00042"}})).await;
    assert_eq!(running.up(Link::AccountStream).await, 1);
}

#[tokio::test]
async fn an_attempt_that_hangs_gives_way_to_the_one_asked_for() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| {
        config.timeouts.handshake = Duration::from_secs(3600);
    });
    // Accepted, and then nothing.
    let _hangs = patiently(peers.market.recv()).await.expect("a connection");
    let mut peer = loop {
        // A wish that comes early is served by the attempt under way: the trader repeats it.
        running.control.send(StreamControl::RetryNow).await.expect("the adapter listens");
        if let Ok(peer) = timeout(Duration::from_millis(300), peers.market.recv()).await {
            break peer.expect("another connection");
        }
    };
    peer.handshake().await;
    peer.until("FEED_SUBSCRIPTION").await;
    assert_eq!(running.up(Link::MarketStream).await, 1);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| {
        config.timeouts.handshake = Duration::from_millis(200);
    });
    let mut stalled = patiently(peers.market.recv()).await.expect("a connection");
    stalled.greet().await;
    let why = running.down(Link::MarketStream).await;
    assert!(why.starts_with("no AUTH_STATE"), "{why}");
}

#[tokio::test]
async fn a_refused_token_is_tried_three_times_and_once_more_when_the_trader_asks() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |_| {});
    for _ in 0..3 {
        let mut peer = patiently(peers.market.recv()).await.expect("a connection");
        peer.greet().await;
        peer.send(json!({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})).await;
        peer.closed().await;
    }
    let refused = |state: &LinkState| matches!(state, LinkState::Refused { .. }).then_some(());
    running.state(Link::MarketStream, refused).await;
    assert!(peers.market.try_recv().is_err());
    running.control.send(StreamControl::RetryNow).await.expect("the adapter listens");
    let mut peer = patiently(peers.market.recv()).await.expect("one more connection");
    peer.greet().await;
    peer.send(json!({"type": "ERROR", "channel": 0, "error": "UNAUTHORIZED", "message": "no"})).await;
    peer.closed().await;
    running.state(Link::MarketStream, refused).await;
    assert!(peers.market.try_recv().is_err());
}

#[tokio::test]
async fn a_wish_to_retry_cuts_the_wait_short() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |config| {
        config.reconnect.first = Duration::from_secs(36_000_000);
        config.reconnect.cap = Duration::from_secs(36_000_000);
    });
    let (peer, _) = peers.market_up().await;
    running.up(Link::MarketStream).await;
    drop(peer);
    running.down(Link::MarketStream).await;
    running.control.send(StreamControl::RetryNow).await.expect("the adapter listens");
    peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 2);
}

#[tokio::test]
async fn switched_off_it_closes_and_switched_on_it_returns() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |_| {});
    let (mut peer, _) = peers.market_up().await;
    running.up(Link::MarketStream).await;
    let mut off = want(&["SPY"]);
    off.on = false;
    running.wanted.send(off).expect("the adapter listens");
    peer.closed().await;
    running.state(Link::MarketStream, |state| (*state == LinkState::Off).then_some(())).await;
    running.wanted.send(want(&["SPY"])).expect("the adapter listens");
    peers.market_up().await;
    assert_eq!(running.up(Link::MarketStream).await, 2);
}

#[tokio::test]
async fn a_quote_token_is_never_taken_to_a_stranger() {
    let peers = Peers::start().await;
    let token = r#"{"data":{"token":"quote-token","dxlink-url":"wss://evil.example/realtime"}}"#;
    peers.rest.script.on("/api-quote-tokens", [Canned::ok(token)]);
    let mut running = peers.run(want(&["SPY"]), |_| {});
    let why = running
        .state(Link::MarketStream, |state| match state {
            LinkState::Refused { why } => Some(why.clone()),
            _ => None,
        })
        .await;
    assert!(why.contains("evil.example") && !why.contains("quote-token"), "{why}");
}

#[tokio::test]
async fn history_comes_whole_and_a_refused_action_costs_nothing() {
    let mut peers = Peers::start().await;
    let mut wanted = want(&[]);
    let from = DateTime::from_timestamp_millis(1_794_000_000_000).expect("an instant");
    wanted.history = vec![(Symbol::new("SPY").expect("a symbol"), from)];
    let mut running = peers.run(wanted, |_| {});
    let (mut peer, first) = peers.market_up().await;
    assert_eq!(
        first[0]["add"][0],
        json!({"type": "Candle", "symbol": "SPY{=d}", "fromTime": 1_794_000_000_000_i64})
    );
    let too_big = "Your subscription size for event type 'Candle' is too big";
    peer.send(json!({"type": "ERROR", "channel": 1, "error": "BAD_ACTION", "message": too_big})).await;
    let columns = json!(["eventSymbol", "time", "eventFlags", "close", "open", "high", "low"]);
    peer.send(json!({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "COMPACT", "eventFields": {"Candle": columns}}))
        .await;
    let data = |rows: Value| json!({"type": "FEED_DATA", "channel": 1, "data": ["Candle", rows]});
    peer.send(data(json!(["SPY{=1d}", 1_795_132_800_000_i64, 4, 3.0, 2.0, 4.0, 1.0]))).await;
    peer.send(data(json!(["SPY{=1d}", 1_795_046_400_000_i64, 8, 2.0, 2.0, 4.0, 1.0]))).await;
    let bars = running
        .update(|update| match update {
            MarketUpdate::Bars { symbol, bars } => Some((symbol.to_string(), bars.clone())),
            _ => None,
        })
        .await;
    assert_eq!(bars.0, "SPY");
    let told: Vec<_> = bars.1.iter().map(|bar| (bar.date.to_string(), bar.close)).collect();
    assert_eq!(told, [("2026-11-19".to_owned(), 2.0), ("2026-11-20".to_owned(), 3.0)]);
}

#[tokio::test]
async fn a_living_link_says_so() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&["SPY"]), |_| {});
    let (mut peer, _) = peers.market_up().await;
    running.up(Link::MarketStream).await;
    peer.send(json!({"type": "KEEPALIVE", "channel": 0})).await;
    running.until(|event| (*event == StreamEvent::Alive { link: Link::MarketStream }).then_some(())).await;
}
