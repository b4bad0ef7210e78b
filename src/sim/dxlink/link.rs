//! One connection's protocol state, without the socket.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::server::Shared;
use super::feed::Channel;

const CHANNELS: usize = 64;

pub struct Link {
    shared: Shared,
    is_set_up: bool,
    is_authorized: bool,
    /// What the client was authorised by.
    token: String,
    is_over: bool,
    channels: BTreeMap<u64, Channel>,
    heard: Instant,
    kept_alive: Instant,
    keepalive_every: Duration,
}

impl Link {
    pub fn new(shared: Shared, now: Instant) -> Self {
        Self {
            shared,
            is_set_up: false,
            is_authorized: false,
            token: String::new(),
            is_over: false,
            channels: BTreeMap::new(),
            heard: now,
            kept_alive: now,
            keepalive_every: Duration::from_secs(30),
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn on_text(&mut self, text: &str, now: Instant) -> Vec<Value> {
        self.heard = now;
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return vec![error(0, "INVALID_MESSAGE", "The message is not JSON")];
        };
        let (Some(kind), Some(channel)) = (message["type"].as_str(), message["channel"].as_u64()) else {
            return vec![error(0, "INVALID_MESSAGE", "type or channel is missing")];
        };
        match kind {
            "SETUP" => self.setup(&message),
            "AUTH" => self.auth(&message),
            "KEEPALIVE" | "ERROR" => Vec::new(),
            _ if !self.is_authorized => vec![error(channel, "BAD_ACTION", "AUTH step missing")],
            "CHANNEL_REQUEST" => self.open(channel, &message),
            _ => self.on_channel(kind, channel, &message, now),
        }
    }

    fn setup(&mut self, message: &Value) -> Vec<Value> {
        if self.is_set_up {
            return vec![error(0, "BAD_ACTION", "SETUP was done already")];
        }
        self.is_set_up = true;
        let accepted = message["acceptKeepaliveTimeout"].as_f64().unwrap_or(60.0);
        // Twice within what the client tolerates.
        self.keepalive_every = Duration::from_secs_f64((accepted / 2.0).clamp(0.5, 300.0));
        let silence = self.shared.silence.as_secs();
        let mut out = vec![json!({
            "type": "SETUP", "channel": 0, "version": concat!("1.0-sim-", env!("CARGO_PKG_VERSION")),
            "keepaliveTimeout": 60, "acceptKeepaliveTimeout": silence
        })];
        if !self.is_authorized {
            out.push(auth_state(false));
        }
        out
    }

    fn auth(&mut self, message: &Value) -> Vec<Value> {
        let token = message["token"].as_str().unwrap_or_default();
        let good = self.shared.is_quote_token(token);
        self.is_authorized = good;
        token.clone_into(&mut self.token);
        if good {
            vec![auth_state(true)]
        } else {
            vec![error(0, "UNAUTHORIZED", "The token is unknown or has expired"), auth_state(false)]
        }
    }

    fn open(&mut self, channel: u64, message: &Value) -> Vec<Value> {
        if channel == 0 || self.channels.contains_key(&channel) {
            let text = format!("Channel with id {channel} already exists");
            return vec![error(channel, "BAD_ACTION", &text)];
        }
        if message["service"] != "FEED" {
            let text = "The service is not available";
            return vec![
                error(channel, "BAD_ACTION", text),
                json!({ "type": "CHANNEL_CLOSED", "channel": channel }),
            ];
        }
        if self.channels.len() >= CHANNELS {
            return vec![error(channel, "BAD_ACTION", "Too many channels")];
        }
        self.channels.insert(channel, Channel::new(channel));
        let contract = message["parameters"]["contract"].as_str().unwrap_or("AUTO");
        vec![json!({
            "type": "CHANNEL_OPENED", "channel": channel, "service": "FEED",
            "parameters": { "contract": contract, "subFormat": "LIST" }
        })]
    }

    fn on_channel(&mut self, kind: &str, id: u64, message: &Value, now: Instant) -> Vec<Value> {
        let Some(channel) = self.channels.get_mut(&id) else {
            return vec![error(id, "BAD_ACTION", &format!("Channel with id {id} not exists"))];
        };
        match kind {
            "CHANNEL_CANCEL" => {
                self.channels.remove(&id);
                vec![json!({ "type": "CHANNEL_CLOSED", "channel": id })]
            }
            "FEED_SETUP" => vec![channel.setup(message)],
            "FEED_SUBSCRIPTION" => {
                let refused = channel.subscribe(message).err();
                let mut out: Vec<Value> = refused.iter().map(|text| error(id, "BAD_ACTION", text)).collect();
                out.extend(channel.due(
                    self.shared.shown.as_ref(),
                    self.shared.exchange.halts(),
                    self.shared.now(),
                    now,
                ));
                out
            }
            _ => vec![error(id, "INVALID_MESSAGE", "The message type is unknown")],
        }
    }

    /// Data that is due, keepalives, and the end of patience.
    pub fn on_beat(&mut self, now: Instant) -> Vec<Value> {
        if now.duration_since(self.heard) >= self.shared.silence {
            self.is_over = true;
            return vec![error(0, "TIMEOUT", "No messages were received from the client in time")];
        }
        let mut out = Vec::new();
        if self.is_set_up && now.duration_since(self.kept_alive) >= self.keepalive_every {
            self.kept_alive = now;
            out.push(json!({ "type": "KEEPALIVE", "channel": 0 }));
        }
        if self.is_authorized && !self.shared.is_quote_token(&self.token) {
            self.is_authorized = false;
            self.channels.clear();
            out.push(auth_state(false));
        }
        let at = self.shared.now();
        for channel in self.channels.values_mut() {
            out.extend(channel.due(self.shared.shown.as_ref(), self.shared.exchange.halts(), at, now));
        }
        out
    }
}

fn auth_state(authorized: bool) -> Value {
    if authorized {
        json!({ "type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": "sim" })
    } else {
        json!({ "type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED" })
    }
}

fn error(channel: u64, code: &str, message: &str) -> Value {
    json!({ "type": "ERROR", "channel": channel, "error": code, "message": message })
}
