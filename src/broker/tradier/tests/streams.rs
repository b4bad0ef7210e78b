use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::orders::{cleared, desk};
use super::*;
use crate::broker::tradier::parse::instrument;
use crate::broker::{Broker, OrderDesk, StreamControl, StreamEvent, Subscriptions};
use crate::domain::order::Placed;
use crate::domain::report::AccountNotice;
use crate::domain::{Instrument, Symbol};
use crate::market::update::{Epoch, Link, LinkState, MarketUpdate, Source};

const PATIENCE: Duration = Duration::from_secs(20);

struct Listening {
    server: Arc<Server>,
    wishes: watch::Sender<Subscriptions>,
    control: mpsc::Sender<StreamControl>,
    events: mpsc::Receiver<StreamEvent>,
    task: JoinHandle<()>,
}

fn wish(of: &[&str]) -> Subscriptions {
    let instruments = of.iter().map(|text| instrument(text).expect("an instrument")).collect();
    Subscriptions { on: true, instruments, history: Vec::new() }
}

fn listen(server: &Arc<Server>, adapter: Arc<Tradier>, wish: Subscriptions) -> Listening {
    let (wishes, wished) = watch::channel(wish);
    let (control, steered) = mpsc::channel(4);
    let (out, events) = mpsc::channel(64);
    let task = tokio::spawn(async move { adapter.stream(wished, steered, out).await });
    Listening { server: Arc::clone(server), wishes, control, events, task }
}

impl Listening {
    /// The first event that `is` it, and what it says.
    async fn until<T>(&mut self, what: &str, mut is: impl FnMut(StreamEvent) -> Option<T>) -> T {
        let wait = async {
            while let Some(event) = self.events.recv().await {
                if let Some(found) = is(event) {
                    return found;
                }
            }
            panic!("the stream ended before {what}")
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no {what}"))
    }

    async fn up(&mut self, of: Link) -> Epoch {
        self.until("link", |event| match event {
            StreamEvent::Link { link, state: LinkState::Up { epoch } } if link == of => Some(epoch),
            _ => None,
        })
        .await
    }

    async fn down(&mut self, of: Link) -> String {
        self.until("loss", |event| match event {
            StreamEvent::Link { link, state: LinkState::Down { why, .. } | LinkState::Refused { why } }
                if link == of =>
            {
                Some(why)
            }
            _ => None,
        })
        .await
    }

    async fn update<T>(&mut self, what: &str, is: impl Fn(&MarketUpdate) -> Option<T>) -> T {
        self.until(what, |event| match event {
            StreamEvent::Market(updates) => updates.iter().find_map(&is),
            _ => None,
        })
        .await
    }

    /// Until the server has seen so many subscriptions.
    async fn subscribed(&self, count: usize) {
        let mut seen = self.server.subscribed.subscribe();
        let seen = seen.wait_for(|seen| *seen >= count);
        tokio::time::timeout(PATIENCE, seen).await.expect("a subscription").expect("a server");
    }

    fn market_subscriptions(&self) -> Vec<Vec<String>> {
        let of_market = |one: &serde_json::Value| {
            let symbols = one["symbols"].as_array()?;
            Some(symbols.iter().filter_map(|symbol| symbol.as_str().map(str::to_owned)).collect())
        };
        self.server.book().subscriptions.iter().filter_map(of_market).collect()
    }

    async fn end(self) {
        drop(self.wishes);
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").expect("no panic");
    }
}

fn quote_of(symbol: &str) -> impl Fn(&MarketUpdate) -> Option<(String, Source)> {
    let of: Instrument = instrument(symbol).expect("an instrument");
    move |update| match update {
        MarketUpdate::Quote { instrument, quote, source } if *instrument == of => {
            Some((quote.bid.map_or(String::new(), |bid| bid.to_string()), *source))
        }
        _ => None,
    }
}

#[tokio::test]
async fn quotes_are_streamed_and_what_no_stream_brings_is_read() {
    let server = Server::start().await;
    let symbol = Symbol::new("SPY").expect("a symbol");
    let since = chrono::DateTime::from_timestamp_millis(1_790_000_000_000).expect("an instant");
    let asked = Subscriptions { history: vec![(symbol, since)], ..wish(&["SPY261218P00630000", "VIX"]) };
    let mut listening = listen(&server, adapter(&server), asked);
    let epoch = listening.up(Link::MarketStream).await;
    // Both are read at once, in either order.
    let (mut read, mut bars) = (None, 0);
    while read.is_none() || bars == 0 {
        let told = listening
            .update("reads", |update| match update {
                MarketUpdate::Bars { bars, .. } => Some((None, bars.len())),
                other => quote_of("VIX")(other).map(|quote| (Some(quote), 0)),
            })
            .await;
        read = read.or(told.0);
        bars += told.1;
    }
    assert_eq!(read, Some(("16.45".into(), Source::Read)));
    assert!(bars > 30, "{bars}");

    listening.subscribed(2).await;
    assert_eq!(listening.market_subscriptions(), [["SPY", "SPY261218P00630000"]]);
    let quote = |symbol: &str, bid: &str| {
        json!({"type": "quote", "symbol": symbol, "bid": bid, "ask": 9.9}).to_string()
    };
    let lines = [quote("QQQ", "1.00"), "rubbish".into(), quote("SPY261218P00630000", "2.10")].join("\n");
    server.market.send(lines).expect("a listener");
    let streamed = listening.update("a quote", quote_of("SPY261218P00630000")).await;
    assert_eq!(streamed, ("2.1".into(), Source::Stream(epoch)));

    listening.wishes.send_replace(wish(&["SPY261218P00620000", "SPY"]));
    listening.subscribed(3).await;
    assert_eq!(listening.market_subscriptions()[1], ["SPY", "SPY261218P00620000"], "the whole list again");
    listening.end().await;
}

#[tokio::test]
async fn a_lost_connection_comes_back_with_another_epoch_and_a_fresh_session() {
    let server = Server::start().await;
    let mut listening = listen(&server, adapter(&server), wish(&["SPY"]));
    assert_eq!(listening.up(Link::MarketStream).await, Epoch(1));
    listening.subscribed(2).await;
    server.market.send("hang up".into()).expect("a listener");
    listening.down(Link::MarketStream).await;
    assert_eq!(listening.up(Link::MarketStream).await, Epoch(2));
    listening.subscribed(3).await;
    assert_eq!(server.asked("POST /markets/events/session").len(), 2);

    server.market.send(json!({"error": "Session not found"}).to_string()).expect("a listener");
    assert_eq!(listening.down(Link::MarketStream).await, "refused: Session not found");
    assert_eq!(listening.up(Link::MarketStream).await, Epoch(3));
    listening.end().await;
}

#[tokio::test]
async fn silence_is_a_loss_though_the_socket_answers() {
    let server = Server::start().await;
    let adapter = with(&server, |config| config.keepalive.market_silence = Duration::from_millis(300));
    let mut listening = listen(&server, adapter, wish(&["SPY"]));
    listening.up(Link::MarketStream).await;
    assert_eq!(listening.down(Link::MarketStream).await, "no data for 0.3 s");
    listening.end().await;
}

#[tokio::test]
async fn silence_at_night_is_no_loss() {
    let server = Server::start().await;
    let clock = "GET /markets/clock";
    let state = |word: &str| json!({"clock": {"state": word}});
    server.book().answers.insert(clock.into(), state("closed"));
    let adapter = with(&server, |config| config.keepalive.market_silence = Duration::from_millis(20));
    let mut listening = listen(&server, adapter, wish(&["SPY"]));
    assert_eq!(listening.up(Link::MarketStream).await, Epoch(1));
    let mut requests = server.requests.subscribe();
    let asked_thrice = requests.wait_for(|all| all.iter().filter(|what| *what == clock).count() >= 3);
    tokio::time::timeout(PATIENCE, asked_thrice).await.expect("looks at the clock").expect("a server");
    server.book().answers.insert(clock.into(), state("open"));
    assert_eq!(listening.down(Link::MarketStream).await, "no data for 0.02 s");
    assert_eq!(server.asked("POST /markets/events/session").len(), 1, "one connection all night");
    listening.end().await;
}

#[tokio::test]
async fn a_changed_order_is_read_by_its_number() {
    let server = Server::start().await;
    let Placed::Accepted(order) = desk(&server).place(cleared(7, 150)).await else { panic!("not accepted") };
    let mut listening = listen(&server, adapter(&server), Subscriptions::default());
    let notice = |event| match event {
        StreamEvent::Account(notice) => Some(notice),
        _ => None,
    };
    let hint = listening.until("the hint to read everything", notice).await;
    assert_eq!(hint, AccountNotice::Other { account: None, kind: "connected".into() });
    listening.subscribed(1).await;
    let id: u64 = order.id.0.parse().expect("a number");
    let event = |id: u64, parent: u64| {
        let parent = if parent == 0 { json!(null) } else { json!(parent) };
        json!({"id": id, "parent_id": parent, "event": "order", "status": "open", "account": NUMBER,
            "exec_quantity": 0.0})
        .to_string()
    };
    let heartbeat = json!({"event": "heartbeat", "status": "active"}).to_string();
    server.account.send([heartbeat, event(id, 0), event(id * 10, id)].join("\n")).expect("a listener");
    for _ in 0..2 {
        let AccountNotice::Order { report } = listening.until("the order", notice).await else {
            panic!("no order")
        };
        assert_eq!((&report.id, report.legs.len(), report.reference.is_some()), (&order.id, 2, true));
    }
    server.account.send(event(9, 0)).expect("a listener");
    let unread = listening.until("a hint", notice).await;
    assert_eq!(unread, AccountNotice::Other { account: Some(account()), kind: "order".into() });
    server.account.send("rubbish\n[1]".into()).expect("a listener");
    for _ in 0..2 {
        let unread = listening.until("a hint", notice).await;
        assert!(matches!(unread, AccountNotice::Other { .. }), "{unread:?}");
    }
    assert!(server.asked("POST /markets/events/session").is_empty(), "the market stream is switched off");
    listening.end().await;
}

#[tokio::test]
async fn where_quotes_are_not_streamed_they_are_read_and_never_called_streamed() {
    let server = Server::start().await;
    let adapter = with(&server, |config| {
        config.streams_quotes = false;
        config.polling.quotes = Duration::from_millis(50);
    });
    let mut listening = listen(&server, adapter, wish(&["SPY", "VIX"]));
    listening.up(Link::MarketStream).await;
    for _ in 0..3 {
        let told = listening.update("a quote", quote_of("SPY")).await;
        assert_eq!(told, ("649.95".into(), Source::Read));
    }
    assert!(server.asked("POST /markets/events/session").is_empty());
    let down = || Fault::Status(400, "", "no".into());
    server.fault("POST /markets/quotes", [down(), down(), down()]);
    assert_eq!(listening.down(Link::MarketStream).await, "request refused (400): no");
    listening.up(Link::MarketStream).await;
    listening.end().await;
}

#[tokio::test]
async fn a_refused_token_stops_the_streams_until_the_trader_asks() {
    let server = Server::start().await;
    let path = "POST /markets/events/session";
    let no = || Fault::Status(401, "", "Invalid Access Token".into());
    server.fault(path, [no(), no(), no()]);
    let adapter = with(&server, |config| config.reconnect.first = Duration::from_millis(10));
    let mut listening = listen(&server, adapter, wish(&["SPY"]));
    let refused = listening
        .until("the refusal", |event| match event {
            StreamEvent::Link { link: Link::MarketStream, state: LinkState::Refused { why } } => Some(why),
            _ => None,
        })
        .await;
    assert!(refused.contains("401") && !refused.contains(TOKEN), "{refused}");
    listening.control.send(StreamControl::RetryNow).await.expect("a listener");
    listening.up(Link::MarketStream).await;
    listening.end().await;
}
