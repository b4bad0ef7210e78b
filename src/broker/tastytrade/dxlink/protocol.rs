//! DXLink frames as values: text ⇄ meaning, nothing in between.
//!
//! Never: opens a socket, keeps a connection's state.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

/// The only channel we open; clients use odd numbers. `AUTO` picks the contract by event type.
pub const FEED_CHANNEL: u64 = 1;

/// The event types asked for, each with the columns asked for. What comes is told by `FEED_CONFIG`.
pub const FIELDS: [(&str, &[&str]); 6] = [
    (
        "Quote",
        &["eventType", "eventSymbol", "bidPrice", "askPrice", "bidSize", "askSize", "bidTime", "askTime"],
    ),
    ("Trade", &["eventType", "eventSymbol", "price", "time"]),
    ("Profile", &["eventType", "eventSymbol", "tradingStatus", "haltStartTime", "haltEndTime"]),
    (
        "Summary",
        &[
            "eventType",
            "eventSymbol",
            "prevDayClosePrice",
            "dayOpenPrice",
            "dayHighPrice",
            "dayLowPrice",
            "openInterest",
        ],
    ),
    (
        "Greeks",
        &[
            "eventType",
            "eventSymbol",
            "time",
            "price",
            "volatility",
            "delta",
            "gamma",
            "theta",
            "rho",
            "vega",
        ],
    ),
    (
        "Candle",
        &[
            "eventType",
            "eventSymbol",
            "eventFlags",
            "index",
            "time",
            "open",
            "high",
            "low",
            "close",
            "volume",
        ],
    ),
];

/// How the server lays out the data of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Full,
    Compact,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    Setup {
        keepalive_timeout: Option<f64>,
    },
    Authorized,
    Unauthorized,
    Keepalive,
    ChannelOpened {
        channel: u64,
    },
    ChannelClosed {
        channel: u64,
    },
    FeedConfig {
        channel: u64,
        format: Option<Format>,
        fields: Vec<(String, Vec<String>)>,
    },
    FeedData {
        channel: u64,
        data: Vec<Value>,
    },
    Error {
        channel: u64,
        kind: String,
        message: String,
    },
    /// A message of a later protocol.
    Other {
        kind: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame that is not a DXLink message: {why}")]
pub struct BadFrame {
    pub why: &'static str,
}

pub fn decode(text: &str) -> Result<ServerFrame, BadFrame> {
    let value: Value = serde_json::from_str(text).map_err(|_| BadFrame { why: "not JSON" })?;
    let Value::Object(mut frame) = value else { return Err(BadFrame { why: "not an object" }) };
    let Some(kind) = frame.get("type").and_then(Value::as_str).map(str::to_owned) else {
        return Err(BadFrame { why: "no type" });
    };
    let channel = frame.get("channel").and_then(Value::as_u64).unwrap_or(0);
    let text_of = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    Ok(match kind.as_str() {
        "SETUP" => {
            ServerFrame::Setup { keepalive_timeout: frame.get("keepaliveTimeout").and_then(Value::as_f64) }
        }
        "AUTH_STATE" if text_of("state") == "AUTHORIZED" => ServerFrame::Authorized,
        "AUTH_STATE" => ServerFrame::Unauthorized,
        "KEEPALIVE" => ServerFrame::Keepalive,
        "CHANNEL_OPENED" => ServerFrame::ChannelOpened { channel },
        "CHANNEL_CLOSED" => ServerFrame::ChannelClosed { channel },
        "FEED_CONFIG" => ServerFrame::FeedConfig {
            channel,
            format: match text_of("dataFormat").as_str() {
                "FULL" => Some(Format::Full),
                "COMPACT" => Some(Format::Compact),
                _ => None,
            },
            fields: frame.get("eventFields").and_then(Value::as_object).map(fields).unwrap_or_default(),
        },
        "FEED_DATA" => match frame.remove("data") {
            Some(Value::Array(data)) => ServerFrame::FeedData { channel, data },
            _ => return Err(BadFrame { why: "data without a list" }),
        },
        "ERROR" => ServerFrame::Error { channel, kind: text_of("error"), message: text_of("message") },
        _ => ServerFrame::Other { kind },
    })
}

fn fields(by_type: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
    by_type
        .iter()
        .filter_map(|(kind, names)| {
            let names = names.as_array()?;
            let names = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?;
            Some((kind.clone(), names))
        })
        .collect()
}

/// One line of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    pub kind: &'static str,
    pub symbol: String,
    /// Epoch milliseconds; candles only.
    pub from_time: Option<i64>,
}

pub fn setup(version: &str, keepalive_seconds: u64, accept_seconds: u64) -> String {
    json!({"type": "SETUP", "channel": 0, "version": format!("0.1-{version}"),
        "keepaliveTimeout": keepalive_seconds, "acceptKeepaliveTimeout": accept_seconds})
    .to_string()
}

pub fn auth(token: &SecretString) -> String {
    json!({"type": "AUTH", "channel": 0, "token": token.expose_secret()}).to_string()
}

pub fn keepalive() -> String {
    json!({"type": "KEEPALIVE", "channel": 0}).to_string()
}

pub fn channel_request() -> String {
    json!({"type": "CHANNEL_REQUEST", "channel": FEED_CHANNEL, "service": "FEED",
        "parameters": {"contract": "AUTO"}})
    .to_string()
}

pub fn feed_setup() -> String {
    let fields: Map<String, Value> =
        FIELDS.iter().map(|(kind, names)| ((*kind).to_owned(), json!(names))).collect();
    json!({"type": "FEED_SETUP", "channel": FEED_CHANNEL, "acceptAggregationPeriod": 0.1,
        "acceptDataFormat": "COMPACT", "acceptEventFields": fields})
    .to_string()
}

/// `reset`, then `remove`, then `add`, as the server applies them.
pub fn feed_subscription(reset: bool, remove: &[Entry], add: &[Entry]) -> String {
    let list = |entries: &[Entry]| Value::Array(entries.iter().map(entry).collect());
    let mut frame = Map::new();
    frame.insert("type".into(), "FEED_SUBSCRIPTION".into());
    frame.insert("channel".into(), FEED_CHANNEL.into());
    if reset {
        frame.insert("reset".into(), true.into());
    }
    if !remove.is_empty() {
        frame.insert("remove".into(), list(remove));
    }
    if !add.is_empty() {
        frame.insert("add".into(), list(add));
    }
    Value::Object(frame).to_string()
}

fn entry(entry: &Entry) -> Value {
    match entry.from_time {
        Some(from) => json!({"type": entry.kind, "symbol": entry.symbol, "fromTime": from}),
        None => json!({"type": entry.kind, "symbol": entry.symbol}),
    }
}
