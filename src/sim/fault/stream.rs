//! Faults of the two streams: one wrapper around their sockets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::spec::Fault;
use super::{FaultSpec, Faults, hostile};

const SEND_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Dxlink,
    Account,
}

impl Stream {
    pub const ALL: [Self; 2] = [Self::Dxlink, Self::Account];

    pub fn name(self) -> &'static str {
        match self {
            Self::Dxlink => "dxlink",
            Self::Account => "account",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// Whether a message tells something that happened. What keeps the protocol going is never lost: it goes
    /// over a connection that loses nothing.
    fn is_news(self, message: &Value) -> bool {
        match self {
            Self::Dxlink => message["type"] == "FEED_DATA",
            Self::Account => message.get("data").or_else(|| message.get("results")).is_some(),
        }
    }
}

/// How a connection stands at an instant.
#[derive(Debug, PartialEq)]
enum Line {
    /// Until something may be different.
    Open(Option<Instant>),
    /// Nobody reads and nobody writes, until then.
    Silent(Instant),
    Broken,
}

/// One connection of a client, with what happens to it.
pub struct Faulty {
    socket: WebSocket,
    fates: Fates,
}

impl Faulty {
    pub fn new(socket: WebSocket, faults: Arc<Faults>, stream: Stream) -> Self {
        Self { socket, fates: Fates::new(faults, stream, Instant::now()) }
    }

    /// The next message; `None` where the connection is over. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
        loop {
            match self.fates.line(Instant::now()) {
                Line::Broken => return None,
                Line::Silent(until) => self.fates.turn(Some(until)).await,
                Line::Open(until) => tokio::select! {
                    received = self.socket.recv() => return received,
                    () = self.fates.turn(until) => {}
                },
            }
        }
    }

    /// `false` where the connection is over. On a silent line it waits: what is sent there comes in order, later.
    pub async fn send(&mut self, message: &Value) -> bool {
        loop {
            match self.fates.line(Instant::now()) {
                Line::Broken => return false,
                Line::Silent(until) => self.fates.turn(Some(until)).await,
                Line::Open(_) => break,
            }
        }
        for text in self.fates.of_message(message) {
            let sent = timeout(SEND_PATIENCE, self.socket.send(Message::Text(text.into()))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return false;
            }
        }
        true
    }

    pub async fn close(&mut self, code: u16, reason: &'static str) {
        if !matches!(self.fates.line(Instant::now()), Line::Open(_)) {
            return;
        }
        // The peer may be gone already; then there is nobody to tell.
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = timeout(SEND_PATIENCE, self.socket.send(Message::Close(Some(frame)))).await;
    }
}

/// What happens to one connection, without its socket.
struct Fates {
    faults: Arc<Faults>,
    plan: watch::Receiver<Arc<FaultSpec>>,
    stream: Stream,
    opened: Instant,
    connection: u64,
    news: u64,
    /// Waits for the next message to go first.
    held: Option<String>,
}

impl Fates {
    fn new(faults: Arc<Faults>, stream: Stream, opened: Instant) -> Self {
        let connection = faults.connections.fetch_add(1, Ordering::Relaxed);
        let plan = faults.spec.subscribe();
        Self { faults, plan, stream, opened, connection, news: 0, held: None }
    }

    /// Until the line may stand otherwise: at that instant, or with another plan.
    async fn turn(&mut self, until: Option<Instant>) {
        let at = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = at => {}
            Ok(()) = self.plan.changed() => {}
        }
    }

    fn line(&self, now: Instant) -> Line {
        let age = now.saturating_duration_since(self.opened);
        let mut next: Option<Instant> = None;
        let mut silent: Option<Instant> = None;
        let mut turns = |at: Instant| next = Some(next.map_or(at, |known| known.min(at)));
        for (_, fault) in self.faults.spec().on(self.stream) {
            match *fault {
                Fault::DropStream { after } if age >= after => return Line::Broken,
                Fault::DropStream { after } => turns(self.opened + after),
                Fault::HalfOpen { after, length } => {
                    let round = after + length;
                    let into = Duration::from_secs_f64(age.as_secs_f64() % round.as_secs_f64());
                    if into >= after {
                        silent = silent.max(Some(now + (round - into)));
                    } else {
                        turns(now + (after - into));
                    }
                }
                _ => {}
            }
        }
        match (silent, next) {
            (Some(until), next) => Line::Silent(next.map_or(until, |next| next.min(until))),
            (None, next) => Line::Open(next),
        }
    }

    /// What goes out for this message: nothing, itself, itself twice, or itself and one that was held back.
    fn of_message(&mut self, message: &Value) -> Vec<String> {
        let text = message.to_string();
        if !self.stream.is_news(message) {
            return vec![text];
        }
        self.news += 1;
        let mut out = vec![text];
        let mut holds = false;
        for (rule, fault) in self.faults.spec().on(self.stream) {
            let strikes = |rate: f64| self.faults.draw(rule, self.connection, self.news).uniform() < rate;
            match *fault {
                Fault::DropMessage { rate } if strikes(rate) => out.clear(),
                Fault::DoubleMessage { rate } if strikes(rate) => out.extend(out.first().cloned()),
                Fault::ReorderMessage { rate } => holds |= strikes(rate),
                _ => {}
            }
        }
        for text in &mut out {
            for (rule, fault) in self.faults.spec().on(self.stream) {
                if let Fault::Hostile { rate } = *fault {
                    let noise = self.faults.draw(rule, self.connection, self.news).named("hostile");
                    let bytes = hostile::spoilt(text, rate, hostile::HUGE_FRAME, noise);
                    *text = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
        }
        if holds && self.held.is_none() {
            self.held = out.pop();
        } else {
            out.extend(self.held.take());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fates(spec: &str, opened: Instant) -> Fates {
        let faults = Arc::new(Faults::new(7, spec.parse().expect("a plan")));
        Fates::new(faults, Stream::Account, opened)
    }

    #[test]
    fn a_line_breaks_or_falls_silent_at_its_time_and_is_heard_again() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let breaks = fates("drop-stream:30s,half-open@dxlink:5s", start);
        assert_eq!(breaks.line(at(29)), Line::Open(Some(at(30))));
        assert_eq!(breaks.line(at(30)), Line::Broken);
        let silent = fates("half-open:10s:20s", start);
        assert_eq!(silent.line(at(0)), Line::Open(Some(at(10))));
        assert_eq!(silent.line(at(15)), Line::Silent(at(30)));
        assert_eq!(silent.line(at(30)), Line::Open(Some(at(40))));
        assert_eq!(silent.line(at(45)), Line::Silent(at(60)));
        assert_eq!(fates("html:1", start).line(at(1_000_000)), Line::Open(None));
    }

    #[test]
    fn news_are_lost_doubled_and_overtaken_and_the_protocol_is_not() {
        let send = |spec: &str| -> Vec<u64> {
            let mut fates = fates(spec, Instant::now());
            let news = (0..6).flat_map(|n| fates.of_message(&json!({ "type": "Order", "data": n })));
            news.map(|text| serde_json::from_str::<Value>(&text).expect("json")["data"].as_u64().expect("n"))
                .collect()
        };
        assert_eq!(send("drop-message:1"), [0_u64; 0]);
        assert_eq!(send("double-message:1"), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(send("reorder-message:1"), [1, 0, 3, 2, 5, 4]);
        let mut fates = fates("drop-message:1", Instant::now());
        assert_eq!(fates.of_message(&json!({ "status": "ok" })).len(), 1);
    }
}
