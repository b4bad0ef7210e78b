//! One market connection after another: session, subscription, data, silence. Where quotes are not streamed, reading
//! them every few seconds is the connection.
//!
//! Never: takes a socket that is open for one that is alive.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::polls::{Bars, Polls};
use super::{Streams, lines, refused, session};
use crate::broker::link::{Attempt, Ended, Standing};
use crate::broker::outbox::Outbox;
use crate::broker::socket::{Incoming, Socket};
use crate::broker::tradier::wire::{Clock, MarketEvent};
use crate::broker::tradier::{Tradier, parse};
use crate::broker::vitals::Vitals;
use crate::broker::{BrokerError, Subscriptions};
use crate::domain::Instrument;
use crate::market::update::Link;

/// Quoted all day long: keeps the link young, and the list is never empty, which would be refused.
const CANARY: &str = "SPY";

pub struct MarketStream<'a> {
    pub adapter: &'a Tradier,
    pub outbox: &'a Outbox,
    pub subscriptions: watch::Receiver<Subscriptions>,
    pub bars: &'a Bars,
}

/// `None`: quotes are read, not streamed.
pub struct Connection(Option<Streaming>);

struct Streaming {
    socket: Socket,
    session: String,
    wanted: HashMap<String, Instrument>,
    vitals: Vitals,
    last_data: Instant,
}

impl Attempt for MarketStream<'_> {
    const LINK: Link = Link::MarketStream;
    type Connection = Connection;

    fn wanted(subscriptions: &Subscriptions) -> bool {
        subscriptions.on
    }

    async fn connect(&mut self) -> Result<Connection, Ended> {
        let config = &self.adapter.config;
        let wanted = self.subscriptions.borrow_and_update().clone();
        if !config.streams_quotes {
            self.polls().quotes(&wanted.instruments).await?;
            return Ok(Connection(None));
        }
        let session = session(self.adapter, Streams::Market).await?;
        let (url, deadline) = (&self.adapter.addresses.market, config.timeouts.handshake);
        let mut socket = Socket::connect(url, &config.user_agent, deadline).await.map_err(Ended::Lost)?;
        let wanted = streamed(&wanted);
        socket.send(subscription(&wanted, &session)).await.map_err(Ended::Lost)?;
        Ok(Connection(Some(Streaming {
            socket,
            session,
            wanted,
            vitals: Vitals::new(config.keepalive.market_probe),
            last_data: Instant::now(),
        })))
    }

    async fn stay(&mut self, connection: Connection, standing: &Standing<'_>) -> Ended {
        let polls = self.polls();
        match connection.0 {
            Some(streaming) => tokio::select! {
                ended = self.listen(streaming, standing) => ended,
                ended = polls.beside_a_stream() => ended,
            },
            None => tokio::select! {
                () = self.until_off() => Ended::SwitchedOff,
                ended = polls.instead_of_a_stream() => ended,
            },
        }
    }
}

impl<'a> MarketStream<'a> {
    fn polls(&self) -> Polls<'a> {
        Polls {
            adapter: self.adapter,
            outbox: self.outbox,
            subscriptions: self.subscriptions.clone(),
            bars: self.bars,
        }
    }

    async fn until_off(&mut self) {
        if self.subscriptions.wait_for(|now| !now.on).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn listen(&mut self, mut streaming: Streaming, standing: &Standing<'_>) -> Ended {
        let silence = self.adapter.config.keepalive.market_silence;
        loop {
            let silent_at = streaming.last_data + silence;
            let sent = tokio::select! {
                incoming = streaming.socket.next() => match self.take(&mut streaming, standing, incoming) {
                    Ok(()) => Ok(()),
                    Err(ended) => return ended,
                },
                Ok(()) = self.subscriptions.changed() => {
                    let now = self.subscriptions.borrow_and_update().clone();
                    if !now.on {
                        streaming.socket.close().await;
                        return Ended::SwitchedOff;
                    }
                    let wanted = streamed(&now);
                    if wanted == streaming.wanted {
                        Ok(())
                    } else {
                        streaming.wanted = wanted;
                        // The whole list replaces the one before.
                        let frame = subscription(&streaming.wanted, &streaming.session);
                        streaming.socket.send(frame).await
                    }
                }
                () = streaming.vitals.due() => streaming.vitals.turn(&mut streaming.socket, standing).await,
                () = sleep_until(silent_at) => match self.is_open().await {
                    Ok(true) => return Ended::Lost(format!("no data for {} s", silence.as_secs_f64())),
                    // At night nothing is quoted, and that is no fault of the stream.
                    Ok(false) => {
                        streaming.last_data = Instant::now();
                        Ok(())
                    }
                    Err(error) => return error.into(),
                },
            };
            if let Err(why) = sent {
                return Ended::Lost(why);
            }
        }
    }

    async fn is_open(&self) -> Result<bool, BrokerError> {
        let clock: Clock =
            self.adapter.http.one("/markets/clock", &["markets", "clock"], &[], "clock").await?;
        Ok(clock.state.as_str() == "open")
    }

    fn take(
        &self,
        streaming: &mut Streaming,
        standing: &Standing<'_>,
        incoming: Incoming,
    ) -> Result<(), Ended> {
        if !matches!(incoming, Incoming::Closed(_)) {
            streaming.vitals.heard(standing);
        }
        let text = match incoming {
            Incoming::Text(text) => text,
            // A pong proves a socket, not a feed.
            Incoming::Nothing => return Ok(()),
            Incoming::Closed(why) => return Err(Ended::Lost(why)),
        };
        streaming.last_data = Instant::now();
        self.outbox.alive(Link::MarketStream);
        let received = self.adapter.now();
        let mut updates = Vec::new();
        let mut unreadable = 0_usize;
        for line in lines(&text) {
            let Ok(message) = line else {
                unreadable += 1;
                continue;
            };
            let Some(event) = event(&message) else {
                unreadable += usize::from(!refused(&message)?);
                continue;
            };
            if let Some(instrument) = streaming.wanted.get(event.symbol.as_str()) {
                updates.extend(parse::events::update(instrument, &event, standing.epoch, received));
            }
        }
        if unreadable > 0 {
            tracing::warn!(unreadable, "market data in an unknown shape");
        }
        self.outbox.market(updates);
        Ok(())
    }
}

/// A message that is about something.
fn event(message: &Value) -> Option<MarketEvent> {
    let event: MarketEvent = serde_json::from_value(message.clone()).ok()?;
    (!event.kind.as_str().is_empty()).then_some(event)
}

/// Shares and options by their symbols. Values of indices are read: the streams are documented for the others only.
fn streamed(subscriptions: &Subscriptions) -> HashMap<String, Instrument> {
    let streamable = |one: &&Instrument| !matches!(one, Instrument::Index(_));
    let all = subscriptions.instruments.iter().filter(streamable);
    all.map(|instrument| (parse::symbol(instrument), instrument.clone())).collect()
}

fn subscription(wanted: &HashMap<String, Instrument>, session: &str) -> String {
    let mut symbols: Vec<&str> = wanted.keys().map(String::as_str).collect();
    if !wanted.contains_key(CANARY) {
        symbols.push(CANARY);
    }
    symbols.sort_unstable();
    let filter = ["quote", "trade", "summary"];
    json!({"symbols": symbols, "sessionid": session, "filter": filter, "linebreak": true, "validOnly": true})
        .to_string()
}
