//! The server's end of the adapter's websockets, played by the test; and the listener's end of its events.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::any;
use cotrader::broker::tastytrade::{Tastytrade, TastytradeConfig};
use cotrader::broker::{Broker, StreamControl, StreamEvent, Subscriptions};
use cotrader::domain::{Instrument, Symbol};
use cotrader::market::update::{Link, LinkState, MarketUpdate};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::fake::{Canned, Fake, credentials, serve};

/// Nothing in these tests takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Peers {
    pub rest: Fake,
    pub market: mpsc::Receiver<Peer>,
    pub account: mpsc::Receiver<Peer>,
    config: TastytradeConfig,
}

/// One accepted websocket.
pub struct Peer {
    socket: WebSocket,
}

/// A running adapter.
pub struct Running {
    pub wanted: watch::Sender<Subscriptions>,
    pub control: mpsc::Sender<StreamControl>,
    pub events: mpsc::Receiver<StreamEvent>,
    pub task: tokio::task::JoinHandle<()>,
}

impl Peers {
    pub async fn start() -> Self {
        let rest = Fake::start().await;
        let (to_market, market) = mpsc::channel(16);
        let (to_account, account) = mpsc::channel(16);
        let accept = |to: mpsc::Sender<Peer>| {
            any(move |upgrade: WebSocketUpgrade| async move {
                upgrade.on_upgrade(|socket| async move {
                    let _ = to.send(Peer { socket }).await;
                })
            })
        };
        let app = Router::new().route("/market", accept(to_market)).route("/account", accept(to_account));
        let sockets = serve(app).await.replace("http", "ws");
        let token = json!({"data": {"token": "quote-token", "dxlink-url": format!("{sockets}/market")}});
        rest.script.on("/api-quote-tokens", [Canned::ok(&token.to_string())]);
        let accounts = json!({"data": {"items": [{"account": {"account-number": "5WX00042"}}]}});
        rest.script.on("/customers/me/accounts", [Canned::ok(&accounts.to_string())]);
        let mut config = TastytradeConfig::loopback(&rest.base_url, format!("{sockets}/account"));
        config.reconnect.first = Duration::from_millis(20);
        config.reconnect.cap = Duration::from_millis(50);
        // A peer answers a Ping only while the test listens at its end.
        config.keepalive.market_probe.after = Duration::from_secs(3600);
        config.keepalive.account_probe.after = Duration::from_secs(3600);
        Self { rest, market, account, config }
    }

    pub fn run(&self, wanted: Subscriptions, adjust: impl FnOnce(&mut TastytradeConfig)) -> Running {
        let mut config = self.config.clone();
        adjust(&mut config);
        Running::start(Arc::new(Tastytrade::new(config, credentials()).expect("loopback addresses")), wanted)
    }

    /// The next market connection, through its handshake and first subscription.
    pub async fn market_up(&mut self) -> (Peer, Vec<Value>) {
        let mut peer = patiently(self.market.recv()).await.expect("a connection");
        peer.handshake().await;
        let first = peer.until("FEED_SUBSCRIPTION").await;
        (peer, vec![first])
    }

    pub async fn account_up(&mut self) -> Peer {
        let mut peer = patiently(self.account.recv()).await.expect("a connection");
        let connect = peer.next().await;
        assert_eq!(connect["action"], "connect");
        assert_eq!(connect["value"], json!(["5WX00042"]));
        peer.send(json!({"status": "ok", "action": "connect", "request-id": connect["request-id"]})).await;
        peer
    }
}

impl Peer {
    pub async fn send(&mut self, frame: Value) {
        self.socket.send(Message::Text(frame.to_string().into())).await.expect("the adapter listens");
    }

    pub async fn try_next(&mut self) -> Option<Value> {
        loop {
            match patiently(self.socket.recv()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        self.try_next().await.expect("the adapter speaks")
    }

    /// The next frame of the kind; keepalives pass.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == "KEEPALIVE" {
                continue;
            }
            assert_eq!(frame["type"], kind, "{frame}");
            return frame;
        }
    }

    /// Waits until the adapter has closed.
    pub async fn closed(&mut self) {
        while self.try_next().await.is_some() {}
    }

    pub async fn greet(&mut self) {
        let setup = self.until("SETUP").await;
        assert_eq!(setup["acceptKeepaliveTimeout"].as_u64().map(|s| s <= 15), Some(true));
        self.send(json!({"type": "SETUP", "channel": 0, "version": "1.0-test", "keepaliveTimeout": 60}))
            .await;
        self.send(json!({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})).await;
        assert_eq!(self.until("AUTH").await["token"], "quote-token");
    }

    pub async fn handshake(&mut self) {
        self.greet().await;
        self.send(json!({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": "u"})).await;
        assert_eq!(self.until("CHANNEL_REQUEST").await["service"], "FEED");
        self.send(json!({"type": "CHANNEL_OPENED", "channel": 1, "service": "FEED"})).await;
        self.until("FEED_SETUP").await;
        self.send(json!({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "COMPACT"})).await;
    }
}

impl Running {
    pub fn start(adapter: Arc<Tastytrade>, wanted: Subscriptions) -> Self {
        let (wanted, subscriptions) = watch::channel(wanted);
        let (control, controls) = mpsc::channel(4);
        let (out, events) = mpsc::channel(64);
        let task = tokio::spawn(async move { adapter.stream(subscriptions, controls, out).await });
        Self { wanted, control, events, task }
    }

    /// Events until one satisfies; everything before it is passed over.
    pub async fn until<T>(&mut self, mut is: impl FnMut(&StreamEvent) -> Option<T>) -> T {
        loop {
            let event = patiently(self.events.recv()).await.expect("the stream runs");
            if let Some(found) = is(&event) {
                return found;
            }
        }
    }

    pub async fn state<T>(&mut self, of: Link, mut is: impl FnMut(&LinkState) -> Option<T>) -> T {
        self.until(|event| match event {
            StreamEvent::Link { link, state } if *link == of => is(state),
            _ => None,
        })
        .await
    }

    pub async fn up(&mut self, link: Link) -> u64 {
        self.state(link, |state| match state {
            LinkState::Up { epoch } => Some(epoch.0),
            _ => None,
        })
        .await
    }

    pub async fn silent(&mut self, link: Link) -> u64 {
        self.state(link, |state| match state {
            LinkState::Silent { epoch } => Some(epoch.0),
            _ => None,
        })
        .await
    }

    pub async fn down(&mut self, link: Link) -> String {
        self.state(link, |state| match state {
            LinkState::Down { why, .. } => Some(why.clone()),
            _ => None,
        })
        .await
    }

    pub async fn update<T>(&mut self, mut is: impl FnMut(&MarketUpdate) -> Option<T>) -> T {
        self.until(|event| match event {
            StreamEvent::Market(updates) => updates.iter().find_map(&mut is),
            _ => None,
        })
        .await
    }
}

pub async fn patiently<T>(wait: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wait).await.expect("within the test's patience")
}

pub fn equity(symbol: &str) -> Instrument {
    Instrument::Equity(Symbol::new(symbol).expect("a symbol"))
}

pub fn want(symbols: &[&str]) -> Subscriptions {
    let instruments = symbols.iter().map(|symbol| equity(symbol)).collect();
    Subscriptions { on: true, instruments, history: Vec::new() }
}
