//! One DXLink connection after another: handshake, subscriptions, data, silence.
//!
//! Never: takes a socket that is open for one that is alive.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::layout::{FeedEvent, Layout};
use super::protocol::{self, FEED_CHANNEL, ServerFrame, decode};
use super::subscriptions::Subscribed;
use crate::broker::Subscriptions;
use crate::broker::link::{Attempt, Ended, Standing};
use crate::broker::outbox::Outbox;
use crate::broker::scrub::scrubbed;
use crate::broker::socket::{Incoming, Socket};
use crate::broker::tastytrade::Tastytrade;
use crate::broker::tastytrade::parse::feed::update;
use crate::broker::vitals::Vitals;
use crate::market::update::{Epoch, Link, MarketUpdate};

/// How long we may be silent, as we tell the server.
const OUR_SILENCE_SECONDS: u64 = 60;

pub struct MarketStream<'a> {
    pub adapter: &'a Tastytrade,
    pub outbox: &'a Outbox,
    pub subscriptions: watch::Receiver<Subscriptions>,
}

/// A connection that passed its handshake.
pub struct Connection {
    socket: Socket,
    layout: Layout,
    subscribed: Subscribed,
    pending: VecDeque<String>,
    vitals: Vitals,
    /// When it last spoke the protocol; a pong is not that.
    last_in: Instant,
    /// When it was last asked to.
    probed_at: Option<Instant>,
}

impl Attempt for MarketStream<'_> {
    const LINK: Link = Link::MarketStream;
    type Connection = Connection;

    fn wanted(subscriptions: &Subscriptions) -> bool {
        subscriptions.on
    }

    async fn connect(&mut self) -> Result<Connection, Ended> {
        let config = &self.adapter.config;
        let (token, url) = self.adapter.quote_token().await?;
        let deadline = config.timeouts.handshake;
        let mut socket = Socket::connect(&url, &config.user_agent, deadline).await.map_err(Ended::Lost)?;
        let mut handshake = Handshake { socket: &mut socket, deadline, layout: Layout::default() };
        let accept = config.keepalive.market_silence.as_secs().max(1);
        handshake.run(&config.user_agent, accept, &token).await?;
        let layout = handshake.layout;
        let mut subscribed = Subscribed::default();
        let wanted = self.subscriptions.borrow_and_update().clone();
        let frames = subscribed.change(&wanted, true, |of| self.adapter.streamer_name(of));
        for frame in frames {
            socket.send(frame).await.map_err(Ended::Lost)?;
            sleep(config.keepalive.subscription_pause).await;
        }
        Ok(Connection {
            socket,
            layout,
            subscribed,
            pending: VecDeque::new(),
            vitals: Vitals::new(config.keepalive.market_probe),
            last_in: Instant::now(),
            probed_at: None,
        })
    }

    async fn stay(&mut self, mut connection: Connection, standing: &Standing<'_>) -> Ended {
        let keepalive = self.adapter.config.keepalive;
        let mut speak = interval(keepalive.market_every);
        speak.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pace = interval(keepalive.subscription_pause.max(Duration::from_millis(1)));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let renew_at = Instant::now() + keepalive.quote_token_age;
        loop {
            let silent_at = connection.last_in + keepalive.market_silence;
            let probe_at = connection.last_in + keepalive.market_silence * 2 / 3;
            let probed = connection.probed_at.is_some_and(|at| at >= probe_at);
            let sent = tokio::select! {
                incoming = connection.socket.next() => match self.take(&mut connection, standing, incoming) {
                    Ok(()) => Ok(()),
                    Err(ended) => return ended,
                },
                Ok(()) = self.subscriptions.changed() => {
                    let wanted = self.subscriptions.borrow_and_update().clone();
                    if !wanted.on {
                        connection.socket.close().await;
                        return Ended::SwitchedOff;
                    }
                    let frames =
                        connection.subscribed.change(&wanted, false, |of| self.adapter.streamer_name(of));
                    connection.pending.extend(frames);
                    Ok(())
                }
                _ = pace.tick(), if !connection.pending.is_empty() => {
                    match connection.pending.pop_front() {
                        Some(frame) => connection.socket.send(frame).await,
                        None => Ok(()),
                    }
                }
                _ = speak.tick() => connection.socket.send(protocol::keepalive()).await,
                () = connection.vitals.due() => {
                    connection.vitals.turn(&mut connection.socket, standing).await
                }
                // A quiet market and a server that is slow to send keepalives look like a dead link. Asking
                // for the set-up again makes a living server answer, whatever it thinks of keepalives.
                () = sleep_until(probe_at), if !probed => {
                    connection.probed_at = Some(Instant::now());
                    connection.socket.send(protocol::feed_setup()).await
                }
                () = sleep_until(silent_at) => {
                    return Ended::Lost(format!("silent for {} s", keepalive.market_silence.as_secs_f64()));
                }
                () = sleep_until(renew_at) => {
                    connection.socket.close().await;
                    return Ended::Renewed;
                }
            };
            if let Err(why) = sent {
                return Ended::Lost(why);
            }
        }
    }
}

impl MarketStream<'_> {
    fn take(
        &self,
        connection: &mut Connection,
        standing: &Standing<'_>,
        incoming: Incoming,
    ) -> Result<(), Ended> {
        if !matches!(incoming, Incoming::Closed(_)) {
            connection.vitals.heard(standing);
        }
        let text = match incoming {
            Incoming::Text(text) => text,
            // A pong proves a socket, not a feed.
            Incoming::Nothing => return Ok(()),
            Incoming::Closed(why) => return Err(Ended::Lost(why)),
        };
        connection.last_in = Instant::now();
        self.outbox.alive(Link::MarketStream);
        match decode(&text) {
            Ok(ServerFrame::FeedData { channel: FEED_CHANNEL, data }) => {
                let decoded = connection.layout.decode(&data);
                if decoded.unreadable > 0 {
                    tracing::warn!(unreadable = decoded.unreadable, "market data in an unknown shape");
                }
                self.deliver(connection, standing.epoch, &decoded.events);
            }
            Ok(ServerFrame::FeedConfig { channel: FEED_CHANNEL, format, fields }) => {
                connection.layout.configure(format, fields);
            }
            Ok(ServerFrame::Error { kind, message, .. }) => return failed(&kind, &message),
            Ok(ServerFrame::Unauthorized) => return Err(Ended::Refused("the session was ended".into())),
            Ok(ServerFrame::ChannelClosed { channel: FEED_CHANNEL }) => {
                return Err(Ended::Lost("the server closed the channel".into()));
            }
            Ok(_) => {}
            Err(bad) => tracing::warn!(why = bad.why, "a frame was not read"),
        }
        Ok(())
    }

    fn deliver(&self, connection: &mut Connection, epoch: Epoch, events: &[FeedEvent]) {
        let received = self.adapter.now();
        let mut updates = Vec::with_capacity(events.len());
        for event in events {
            if let FeedEvent::Candle(candle) = event {
                let (bars, frames) = connection.subscribed.candle(candle);
                connection.pending.extend(frames);
                updates.extend(bars.map(|(symbol, bars)| MarketUpdate::Bars { symbol, bars }));
                continue;
            }
            for instrument in connection.subscribed.instruments(event.symbol()) {
                updates.extend(update(instrument, event, epoch, received));
            }
        }
        self.outbox.market(updates);
    }
}

/// What an `ERROR` means once connected. A refused action is no failure of the connection.
fn failed(kind: &str, message: &str) -> Result<(), Ended> {
    let message = scrubbed(message);
    match kind {
        "UNAUTHORIZED" => Err(Ended::Refused(message)),
        "TIMEOUT" | "UNSUPPORTED_PROTOCOL" => Err(Ended::Lost(format!("{}: {message}", scrubbed(kind)))),
        _ => {
            tracing::warn!(kind = scrubbed(kind), message, "the market stream refused something");
            Ok(())
        }
    }
}

/// Strictly in order: each step waits for its answer.
struct Handshake<'a> {
    socket: &'a mut Socket,
    deadline: Duration,
    layout: Layout,
}

impl Handshake<'_> {
    async fn run(&mut self, agent: &str, accept: u64, token: &secrecy::SecretString) -> Result<(), Ended> {
        self.say(protocol::setup(agent, OUR_SILENCE_SECONDS, accept)).await?;
        self.hear("SETUP", |frame| matches!(frame, ServerFrame::Setup { .. })).await?;
        let state = self
            .hear("AUTH_STATE", |frame| matches!(frame, ServerFrame::Authorized | ServerFrame::Unauthorized))
            .await?;
        if state == ServerFrame::Unauthorized {
            self.say(protocol::auth(token)).await?;
            let state = self
                .hear("AUTH_STATE", |frame| {
                    matches!(frame, ServerFrame::Authorized | ServerFrame::Unauthorized)
                })
                .await?;
            if state == ServerFrame::Unauthorized {
                return Err(Ended::Refused("the quote token was refused".into()));
            }
        }
        self.say(protocol::channel_request()).await?;
        self.hear("CHANNEL_OPENED", |frame| {
            matches!(frame, ServerFrame::ChannelOpened { channel: FEED_CHANNEL })
        })
        .await?;
        self.say(protocol::feed_setup()).await?;
        let config = self
            .hear("FEED_CONFIG", |frame| {
                matches!(frame, ServerFrame::FeedConfig { channel: FEED_CHANNEL, .. })
            })
            .await?;
        if let ServerFrame::FeedConfig { format, fields, .. } = config {
            self.layout.configure(format, fields);
        }
        Ok(())
    }

    async fn say(&mut self, frame: String) -> Result<(), Ended> {
        self.socket.send(frame).await.map_err(Ended::Lost)
    }

    /// The next frame of the kind; an error, a close or the deadline ends the wait.
    async fn hear(
        &mut self,
        step: &'static str,
        is: impl Fn(&ServerFrame) -> bool,
    ) -> Result<ServerFrame, Ended> {
        let wait = async {
            loop {
                match self.socket.next().await {
                    Incoming::Text(text) => match decode(&text) {
                        Ok(frame) if is(&frame) => return Ok(frame),
                        Ok(ServerFrame::Error { kind, message, .. }) => {
                            let why = format!("{} at {step}: {}", scrubbed(&kind), scrubbed(&message));
                            let refused = kind == "UNAUTHORIZED";
                            return Err(if refused { Ended::Refused(why) } else { Ended::Lost(why) });
                        }
                        Ok(_) => {}
                        Err(bad) => tracing::warn!(why = bad.why, step, "a frame was not read"),
                    },
                    Incoming::Nothing => {}
                    Incoming::Closed(why) => return Err(Ended::Lost(format!("{why} at {step}"))),
                }
            }
        };
        match timeout(self.deadline, wait).await {
            Ok(result) => result,
            Err(_) => Err(Ended::Lost(format!("no {step} within {} s", self.deadline.as_secs_f64()))),
        }
    }
}
