//! The account stream: connect, heartbeat, full objects pushed.
//!
//! Never: initial state; a client reads that by REST.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::domain::time::Timestamp;

use super::accounts::balance_json;
use super::exchange::Notice;
use super::fault::stream::{Faulty, Stream};
use super::server::{Shared, stopped, stream_permit};
use super::wire;

const BEAT: Duration = Duration::from_millis(500);
/// How often balances are pushed without an event.
const BALANCES_EVERY: Duration = Duration::from_secs(30);
/// Messages taken together; more of them come in the next frame.
const MOST_AT_ONCE: usize = 64;
const MESSAGE_LIMIT: usize = 64 * 1024;

pub async fn upgrade(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let Some(permit) = stream_permit(&shared) else {
        return wire::failure(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams");
    };
    upgrade.max_message_size(MESSAGE_LIMIT).on_upgrade(move |socket| async move {
        let socket = Faulty::new(socket, Arc::clone(&shared.faults), Stream::Account);
        run(shared, socket).await;
        drop(permit);
    })
}

/// One connection's state, without the socket.
struct Listener {
    shared: Shared,
    session: String,
    accounts: Vec<String>,
    heard: Instant,
    pushed: Instant,
    sequence: u64,
}

async fn run(shared: Shared, mut socket: Faulty) {
    let mut stop = shared.stop.clone();
    let now = Instant::now();
    let session = Uuid::new_v4().simple().to_string()[..8].to_owned();
    let mut listener =
        Listener { shared, session, accounts: Vec::new(), heard: now, pushed: now, sequence: 0 };
    let mut news = listener.shared.exchange.listen();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let out = tokio::select! {
            () = stopped(&mut stop) => break,
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => vec![listener.on_text(text.as_str(), Instant::now())],
                Some(Ok(Message::Ping(_))) => {
                    // Some clients live on pings alone; the library answers them.
                    listener.heard = Instant::now();
                    Vec::new()
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => Vec::new(),
            },
            notice = news.recv() => match notice {
                Ok(first) => listener.on_news(first, &mut news),
                // Too far behind: what was missed is in REST, and a client that connects anew reads it there.
                Err(_) => break,
            },
            _ = beat.tick() => match listener.on_beat(Instant::now()) {
                Some(out) => out,
                None => break,
            },
        };
        for message in out {
            if !socket.send(&message).await {
                return;
            }
        }
    }
    socket.close(1001, "going away").await;
}

impl Listener {
    fn on_text(&mut self, text: &str, now: Instant) -> Value {
        self.heard = now;
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let action = message["action"].as_str().unwrap_or("unknown").to_owned();
        let id = message.get("request-id").cloned();
        let status = match self.act(&action, &message) {
            Ok(value) => {
                let mut status = json!({ "status": "ok", "action": action });
                if let Some(value) = value {
                    status["value"] = value;
                }
                status
            }
            Err(why) => json!({ "status": "error", "action": action, "message": why }),
        };
        let mut status = status;
        status["web-socket-session-id"] = self.session.as_str().into();
        if let Some(id) = id {
            status["request-id"] = id;
        }
        status
    }

    fn act(&mut self, action: &str, message: &Value) -> Result<Option<Value>, &'static str> {
        let known = matches!(
            action,
            "connect"
                | "account-subscribe"
                | "heartbeat"
                | "public-watchlists-subscribe"
                | "quote-alerts-subscribe"
                | "user-message-subscribe"
        );
        if !known {
            return Err("not-implemented");
        }
        if !message["auth-token"].as_str().is_some_and(|t| self.shared.is_bearer(t)) {
            return Err("invalid-auth-token");
        }
        if matches!(action, "connect" | "account-subscribe") {
            let asked: Vec<String> = match &message["value"] {
                Value::String(one) => vec![one.clone()],
                Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => return Err("value-missing"),
            };
            if asked.is_empty() || asked.len() > 100 || asked.iter().any(|n| self.shared.account(n).is_none())
            {
                return Err("unknown-account");
            }
            self.accounts.clone_from(&asked);
            return Ok(Some(json!(asked)));
        }
        if self.accounts.is_empty() {
            return Err("connect-not-completed");
        }
        Ok(None)
    }

    /// `None` ends the connection: the client has been silent for too long.
    fn on_beat(&mut self, now: Instant) -> Option<Vec<Value>> {
        if now.duration_since(self.heard) >= self.shared.silence {
            return None;
        }
        if self.accounts.is_empty() || now.duration_since(self.pushed) < BALANCES_EVERY {
            return Some(Vec::new());
        }
        self.pushed = now;
        let at = self.shared.now();
        let mut out = Vec::new();
        for number in self.accounts.clone() {
            let Some(account) = self.shared.account(&number) else { continue };
            let data = balance_json(self.shared.market.as_ref(), &account, at);
            out.push(self.message("AccountBalance", data, at));
        }
        Some(out)
    }

    /// What the exchange said, and whatever else it has said by now.
    fn on_news(&mut self, first: Notice, more: &mut Receiver<Notice>) -> Vec<Value> {
        let rest = std::iter::from_fn(|| more.try_recv().ok()).take(MOST_AT_ONCE);
        let mine: Vec<Notice> = std::iter::once(first)
            .chain(rest)
            .filter(|notice| self.accounts.contains(&notice.account))
            .collect();
        let mut out: Vec<Value> =
            mine.into_iter().map(|notice| self.message(notice.kind, notice.data, notice.at)).collect();
        if self.shared.batch_account_messages && out.len() > 1 {
            out = vec![json!({ "results": out })];
        }
        out
    }

    fn message(&mut self, kind: &str, data: Value, at: Timestamp) -> Value {
        self.sequence += 1;
        json!({
            "type": kind, "data": data, "timestamp": at.timestamp_millis(), "ws-sequence": self.sequence
        })
    }
}
