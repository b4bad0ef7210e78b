//! Rows of `FEED_DATA` → events, by the columns the server has announced.
//!
//! Never: trusts the order that was asked for while another one was announced.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::protocol::{FIELDS, Format};
use crate::broker::fields;

/// What a channel's data looks like right now. `FEED_CONFIG` changes it at any moment and tells only the
/// event types it has news about.
#[derive(Debug)]
pub struct Layout {
    format: Format,
    columns: HashMap<String, Vec<String>>,
}

/// An event of the feed. Numbers that were not sent, or were NaN, are `None`. Prices are those that were sent, digit
/// for digit; what only analytics read is `f64`.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedEvent {
    Quote {
        symbol: String,
        bid: Option<Decimal>,
        ask: Option<Decimal>,
        bid_size: Option<f64>,
        ask_size: Option<f64>,
        time: Option<i64>,
    },
    Trade {
        symbol: String,
        price: Option<Decimal>,
        time: Option<i64>,
    },
    Summary {
        symbol: String,
        previous_close: Option<Decimal>,
        open: Option<Decimal>,
        high: Option<Decimal>,
        low: Option<Decimal>,
        open_interest: Option<f64>,
    },
    Profile {
        symbol: String,
        /// `None` where the feed does not know.
        halted: Option<bool>,
    },
    Greeks {
        symbol: String,
        time: Option<i64>,
        price: Option<f64>,
        volatility: Option<f64>,
        delta: Option<f64>,
        gamma: Option<f64>,
        theta: Option<f64>,
        rho: Option<f64>,
        vega: Option<f64>,
    },
    Candle(CandleEvent),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CandleEvent {
    pub symbol: String,
    pub flags: i64,
    /// Epoch milliseconds of the bar's start.
    pub time: i64,
    pub open: Option<f64>,
    pub high: Option<f64>,
    pub low: Option<f64>,
    pub close: Option<f64>,
    pub volume: Option<f64>,
}

/// What one message brought, and how much of it could not be read.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<FeedEvent>,
    pub unreadable: usize,
}

impl Default for Layout {
    /// Until the server says otherwise: what was asked for.
    fn default() -> Self {
        let columns = FIELDS
            .iter()
            .map(|(kind, names)| ((*kind).to_owned(), names.iter().map(|n| (*n).to_owned()).collect()))
            .collect();
        Self { format: Format::Compact, columns }
    }
}

impl Layout {
    pub fn configure(&mut self, format: Option<Format>, fields: Vec<(String, Vec<String>)>) {
        if let Some(format) = format {
            self.format = format;
        }
        self.columns.extend(fields);
    }

    /// The announced format says how to read; the data itself overrules it, since servers have switched
    /// without a word.
    pub fn decode(&self, data: &[Value]) -> Decoded {
        let format = match data.first() {
            Some(Value::Object(_)) => Format::Full,
            Some(Value::String(_)) => Format::Compact,
            _ => self.format,
        };
        let mut decoded = Decoded::default();
        match format {
            Format::Full => {
                for row in data {
                    match row {
                        Value::Object(fields) => decoded.push(Row::Full(fields), None),
                        _ => decoded.unreadable += 1,
                    }
                }
            }
            Format::Compact => {
                for pair in data.chunks(2) {
                    match pair {
                        [Value::String(kind), Value::Array(values)] => {
                            self.compact(kind, values, &mut decoded);
                        }
                        _ => decoded.unreadable += 1,
                    }
                }
            }
        }
        decoded
    }

    fn compact(&self, kind: &str, values: &[Value], decoded: &mut Decoded) {
        let Some(columns) = self.columns.get(kind).filter(|columns| !columns.is_empty()) else {
            decoded.unreadable += 1;
            return;
        };
        // A ragged list means that the columns are not the announced ones: reading on would put a size
        // where a price belongs.
        if !values.len().is_multiple_of(columns.len()) {
            decoded.unreadable += 1;
            return;
        }
        for row in values.chunks_exact(columns.len()) {
            decoded.push(Row::Compact(columns, row), Some(kind));
        }
    }
}

impl Decoded {
    fn push(&mut self, row: Row<'_>, label: Option<&str>) {
        let kind = label.or_else(|| row.text("eventType")).unwrap_or("");
        match event(kind, &row) {
            Some(event) => self.events.push(event),
            None => self.unreadable += 1,
        }
    }
}

/// One event's fields, wherever they are.
enum Row<'a> {
    Full(&'a Map<String, Value>),
    Compact(&'a [String], &'a [Value]),
}

impl Row<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Full(fields) => fields.get(name),
            Self::Compact(columns, values) => {
                columns.iter().position(|column| column == name).and_then(|at| values.get(at))
            }
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// `"NaN"`, `"Infinity"` and nothing at all are no number.
    fn number(&self, name: &str) -> Option<f64> {
        let number = match self.get(name)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A price as it was sent; what is no number is none.
    fn price(&self, name: &str) -> Option<Decimal> {
        match self.get(name)? {
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Some(whole.into()),
                None => fields::real(number.as_f64()?),
            },
            Value::String(text) => fields::decimal(text.trim()),
            _ => None,
        }
    }

    fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Epoch milliseconds; 0 is the server's "unset".
    fn time(&self, name: &str) -> Option<i64> {
        self.integer(name).filter(|time| *time > 0)
    }
}

fn event(kind: &str, row: &Row<'_>) -> Option<FeedEvent> {
    let symbol = row.text("eventSymbol").filter(|symbol| !symbol.is_empty())?.to_owned();
    Some(match kind {
        "Quote" => FeedEvent::Quote {
            symbol,
            bid: row.price("bidPrice"),
            ask: row.price("askPrice"),
            bid_size: row.number("bidSize"),
            ask_size: row.number("askSize"),
            time: row.time("bidTime").max(row.time("askTime")),
        },
        "Trade" => FeedEvent::Trade { symbol, price: row.price("price"), time: row.time("time") },
        "Summary" => FeedEvent::Summary {
            symbol,
            previous_close: row.price("prevDayClosePrice"),
            open: row.price("dayOpenPrice"),
            high: row.price("dayHighPrice"),
            low: row.price("dayLowPrice"),
            open_interest: row.number("openInterest"),
        },
        "Profile" => FeedEvent::Profile {
            symbol,
            halted: match row.text("tradingStatus") {
                Some("HALTED") => Some(true),
                Some("ACTIVE") => Some(false),
                // A word nobody has heard of, and UNDEFINED.
                _ => None,
            },
        },
        "Greeks" => FeedEvent::Greeks {
            symbol,
            time: row.time("time"),
            price: row.number("price"),
            volatility: row.number("volatility"),
            delta: row.number("delta"),
            gamma: row.number("gamma"),
            theta: row.number("theta"),
            rho: row.number("rho"),
            vega: row.number("vega"),
        },
        "Candle" => FeedEvent::Candle(CandleEvent {
            symbol,
            flags: row.integer("eventFlags").unwrap_or(0),
            time: row.integer("time").unwrap_or(0),
            open: row.number("open"),
            high: row.number("high"),
            low: row.number("low"),
            close: row.number("close"),
            volume: row.number("volume"),
        }),
        _ => return None,
    })
}
