//! One FEED channel: what it is asked for, in which layout, and what is due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::domain::time::{Timestamp, new_york_date};

use super::super::exchange::{Halt, halted};
use super::super::world::Market;
use super::event::{
    Kind, SNAPSHOT_BEGIN, SNAPSHOT_END, Values, candle, candle_symbol, empty_candles, latest, trading,
};

const EVENTS_PER_MESSAGE: usize = 100;
const SUBSCRIPTIONS: usize = 20_000;
const CANDLES: usize = 20;
/// The market's canary is never silent for longer than a second, so that a dead stream can be told from a
/// quiet one.
const CANARY_SILENCE: Duration = Duration::from_millis(900);

/// Where a subscription stands.
#[derive(Debug)]
struct Subscription {
    /// As the client wrote it; candles answer under the normalised name.
    from_time: Option<i64>,
    sent: Option<Values>,
    sent_at: Option<Instant>,
    looked_at: Option<Instant>,
}

#[derive(Debug)]
pub struct Channel {
    id: u64,
    compact: bool,
    period: f64,
    fields: BTreeMap<Kind, Vec<&'static str>>,
    announced: BTreeSet<Kind>,
    subscriptions: BTreeMap<(Kind, String), Subscription>,
    looked_at: Option<Instant>,
}

impl Channel {
    pub fn new(id: u64) -> Self {
        Self {
            id,
            compact: false,
            period: 0.1,
            fields: BTreeMap::new(),
            announced: BTreeSet::new(),
            subscriptions: BTreeMap::new(),
            looked_at: None,
        }
    }

    pub fn setup(&mut self, message: &Value) -> Value {
        if let Some(period) = message["acceptAggregationPeriod"].as_f64().filter(|p| p.is_finite()) {
            self.period = period.clamp(0.0, 3600.0);
        }
        if let Some(format) = message["acceptDataFormat"].as_str() {
            self.compact = format == "COMPACT";
        }
        if let Some(asked) = message["acceptEventFields"].as_object() {
            for (name, fields) in asked {
                let (Some(kind), Some(fields)) = (Kind::parse(name), fields.as_array()) else { continue };
                // Unknown names are dropped, the order stays the client's.
                let known: Vec<&'static str> = fields
                    .iter()
                    .filter_map(Value::as_str)
                    .filter_map(|f| kind.fields().iter().find(|known| **known == f).copied())
                    .take(64)
                    .collect();
                if !known.is_empty() {
                    self.fields.insert(kind, known);
                    self.announced.remove(&kind);
                }
            }
        }
        self.config(None)
    }

    fn format(&self) -> &'static str {
        if self.compact { "COMPACT" } else { "FULL" }
    }

    fn config(&self, fields: Option<(Kind, &[&'static str])>) -> Value {
        let mut config = json!({
            "type": "FEED_CONFIG", "channel": self.id, "dataFormat": self.format(), "aggregationPeriod": self.period
        });
        if let Some((kind, fields)) = fields {
            config["eventFields"] = json!({ kind.name(): fields });
        }
        config
    }

    /// Applies reset, remove and add in that order. An error leaves what was added before it.
    pub fn subscribe(&mut self, message: &Value) -> Result<(), String> {
        if message["reset"].as_bool() == Some(true) {
            self.subscriptions.clear();
        }
        for entry in message["remove"].as_array().into_iter().flatten() {
            if let Some((key, _)) = subscription_key(entry) {
                self.subscriptions.remove(&key);
            }
        }
        for entry in message["add"].as_array().into_iter().flatten() {
            let Some((key, from_time)) = subscription_key(entry) else { continue };
            let candles = self.subscriptions.keys().filter(|(k, _)| *k == Kind::Candle).count();
            let known = self.subscriptions.contains_key(&key);
            if key.0 == Kind::Candle && !known && candles >= CANDLES {
                return Err("Your subscription size for event type 'Candle' is too big".into());
            }
            if !known && self.subscriptions.len() >= SUBSCRIPTIONS {
                return Err("Your subscription size is too big".into());
            }
            let fresh = Subscription { from_time, sent: None, sent_at: None, looked_at: None };
            self.subscriptions.insert(key, fresh);
        }
        // What is new is answered with the next look, without waiting for the aggregation period.
        self.looked_at = None;
        Ok(())
    }

    /// Everything that is due, one event type per message, layouts announced before their first data.
    pub fn due(&mut self, market: &dyn Market, halts: &[Halt], at: Timestamp, now: Instant) -> Vec<Value> {
        let period = Duration::from_secs_f64(self.period);
        if self.looked_at.is_some_and(|last| now.duration_since(last) < period) {
            return Vec::new();
        }
        self.looked_at = Some(now);
        let canary = market.canary();
        let mut ready: BTreeMap<Kind, Vec<Values>> = BTreeMap::new();
        for ((kind, symbol), subscription) in &mut self.subscriptions {
            let rest = rest_between_looks(*kind, symbol, subscription);
            if subscription.looked_at.is_some_and(|last| now.duration_since(last) < rest) {
                continue;
            }
            subscription.looked_at = Some(now);
            let events = ready.entry(*kind).or_default();
            if *kind == Kind::Candle {
                candles(market, symbol, subscription, at, events);
                continue;
            }
            // A profile is dear, and all that changes in it within a day is whether there is trading.
            if *kind == Kind::Profile && is_told(subscription.sent.as_ref(), halted(halts, symbol, at)) {
                continue;
            }
            let Some(event) = latest(market, halts, *kind, symbol, at) else { continue };
            let is_canary = *kind == Kind::Quote && *symbol == canary;
            let silent = subscription.sent_at.is_none_or(|last| now.duration_since(last) >= CANARY_SILENCE);
            if is_news(*kind, subscription.sent.as_ref(), &event) || (is_canary && silent) {
                subscription.sent = Some(event.clone());
                subscription.sent_at = Some(now);
                events.push(event);
            }
        }
        let mut out = Vec::new();
        for (kind, events) in ready.into_iter().filter(|(_, e)| !e.is_empty()) {
            let fields: Vec<&'static str> = self.fields.get(&kind).cloned().unwrap_or_else(|| kind.fields());
            if self.announced.insert(kind) {
                out.push(self.config(Some((kind, &fields))));
            }
            for chunk in events.chunks(EVENTS_PER_MESSAGE) {
                out.push(self.data(kind, &fields, chunk));
            }
        }
        out
    }

    fn data(&self, kind: Kind, fields: &[&'static str], events: &[Values]) -> Value {
        let data = if self.compact {
            let nan = Value::from("NaN");
            let row = |e: &Values| -> Vec<Value> {
                fields.iter().map(|f| e.get(*f).unwrap_or(&nan).clone()).collect()
            };
            json!([kind.name(), events.iter().flat_map(row).collect::<Vec<Value>>()])
        } else {
            Value::Array(events.iter().map(|e| full(e, fields)).collect())
        };
        json!({ "type": "FEED_DATA", "channel": self.id, "data": data })
    }
}

/// An object with type, symbol and the wanted fields; what is empty is left out.
fn full(event: &Values, fields: &[&'static str]) -> Value {
    let wanted = ["eventType", "eventSymbol"].into_iter().chain(fields.iter().copied());
    let object: Map<String, Value> = wanted
        .filter_map(|f| event.get(f).map(|v| (f.to_owned(), v.clone())))
        .filter(|(_, v)| !v.is_null() && v.as_str() != Some("NaN"))
        .collect();
    Value::Object(object)
}

fn subscription_key(entry: &Value) -> Option<((Kind, String), Option<i64>)> {
    let kind = Kind::parse(entry["type"].as_str()?)?;
    let symbol = entry["symbol"].as_str().filter(|s| s.len() <= 100)?;
    let from_time = entry["fromTime"].as_i64().or_else(|| entry["fromTime"].as_f64().map(|t| t as i64));
    let symbol = if kind == Kind::Candle { candle_symbol(symbol)?.1 } else { symbol.to_owned() };
    Some(((kind, symbol), from_time))
}

/// How long a subscription is left alone after it was looked at: the slower its kind changes, the longer;
/// far options stay quiet, as they do on an exchange.
fn rest_between_looks(kind: Kind, symbol: &str, subscription: &Subscription) -> Duration {
    let millis = match kind {
        Kind::Quote if symbol.starts_with('.') => {
            let price = |key: &str| {
                subscription.sent.as_ref().and_then(|e| e.get(key)).and_then(Value::as_f64).unwrap_or(0.0)
            };
            if price("askPrice") < 0.10 { 6000 } else { 300 }
        }
        Kind::Quote => 240,
        Kind::Trade if !symbol.starts_with('.') => 480,
        Kind::Profile => 500,
        Kind::Greeks => 2000,
        Kind::Candle => 1500,
        Kind::Trade | Kind::Summary => 10_000,
        _ => 60_000,
    };
    Duration::from_millis(millis)
}

/// The profile that was sent says this of trading.
fn is_told(sent: Option<&Values>, halt: Option<&Halt>) -> bool {
    let now = trading(halt);
    sent.is_some_and(|sent| now.iter().all(|(field, value)| sent.get(*field) == Some(value)))
}

/// A changed stamp alone is no news.
fn is_news(kind: Kind, sent: Option<&Values>, event: &Values) -> bool {
    let Some(sent) = sent else { return true };
    let matter: &[&str] = match kind {
        Kind::Quote => &["bidPrice", "askPrice", "bidSize", "askSize"],
        Kind::Trade => &["price"],
        Kind::Greeks => &["price", "volatility"],
        Kind::Profile => &["tradingStatus", "haltStartTime", "haltEndTime"],
        Kind::Summary => &["dayOpenPrice", "dayHighPrice", "dayLowPrice", "prevDayClosePrice"],
        _ => &[],
    };
    matter.iter().any(|f| sent.get(*f) != event.get(*f))
}

/// The snapshot first, newest bar to oldest; afterwards the forming bar whenever it changes.
fn candles(
    market: &dyn Market,
    symbol: &str,
    subscription: &mut Subscription,
    at: Timestamp,
    out: &mut Vec<Values>,
) {
    let Some((base, _, daily)) = candle_symbol(symbol) else { return };
    if subscription.sent.is_none() {
        let from = subscription.from_time.and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        let mut bars = if daily { market.bars(&base, from.date_naive(), at) } else { Vec::new() };
        bars.reverse();
        let last = bars.len().saturating_sub(1);
        for (n, bar) in bars.iter().enumerate() {
            let begin = if n == 0 { SNAPSHOT_BEGIN } else { 0 };
            let end = if n == last { SNAPSHOT_END } else { 0 };
            out.push(candle(symbol, bar, begin + end));
        }
        let first = bars.first().map_or_else(|| empty_candles(symbol, at), |bar| candle(symbol, bar, 0));
        if bars.is_empty() {
            out.push(first.clone());
        }
        subscription.sent = Some(first);
        return;
    }
    let today = new_york_date(at);
    let live = if daily { market.bars(&base, today, at).pop() } else { None };
    let Some(bar) = live else { return };
    let event = candle(symbol, &bar, 0);
    if subscription.sent.as_ref() != Some(&event) {
        subscription.sent = Some(event.clone());
        out.push(event);
    }
}
