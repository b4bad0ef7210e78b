//! Event types, their fields, and one event's values at an instant.

use chrono::Datelike;
use serde_json::{Map, Value, json};

use crate::domain::instrument::OccParts;
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Bar, TradingDate};

use super::super::exchange::{Halt, halted};
use super::super::world::{Market, parse_streamer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Quote,
    Trade,
    TradeEth,
    Summary,
    Profile,
    Greeks,
    Candle,
    TheoPrice,
    Underlying,
    TimeAndSale,
}

impl Kind {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Quote" => Self::Quote,
            "Trade" => Self::Trade,
            "TradeETH" => Self::TradeEth,
            "Summary" => Self::Summary,
            "Profile" => Self::Profile,
            "Greeks" => Self::Greeks,
            "Candle" => Self::Candle,
            "TheoPrice" => Self::TheoPrice,
            "Underlying" => Self::Underlying,
            "TimeAndSale" => Self::TimeAndSale,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "Quote",
            Self::Trade => "Trade",
            Self::TradeEth => "TradeETH",
            Self::Summary => "Summary",
            Self::Profile => "Profile",
            Self::Greeks => "Greeks",
            Self::Candle => "Candle",
            Self::TheoPrice => "TheoPrice",
            Self::Underlying => "Underlying",
            Self::TimeAndSale => "TimeAndSale",
        }
    }

    /// All fields the server knows of this type, in the order it would announce them by itself.
    pub fn fields(self) -> Vec<&'static str> {
        let indexed: &[&'static str] = if self.is_indexed() { &INDEXED } else { &[] };
        [&EVENT[..], indexed, self.own_fields()].concat()
    }

    fn is_indexed(self) -> bool {
        matches!(self, Self::Greeks | Self::Candle | Self::TheoPrice | Self::Underlying)
    }

    fn own_fields(self) -> &'static [&'static str] {
        match self {
            Self::Quote => &[
                "sequence",
                "timeNanoPart",
                "bidTime",
                "bidExchangeCode",
                "bidPrice",
                "bidSize",
                "askTime",
                "askExchangeCode",
                "askPrice",
                "askSize",
            ],
            Self::Trade | Self::TradeEth => &[
                "time",
                "timeNanoPart",
                "sequence",
                "exchangeCode",
                "price",
                "change",
                "size",
                "dayId",
                "dayVolume",
                "dayTurnover",
                "tickDirection",
                "extendedTradingHours",
            ],
            Self::Summary => &[
                "dayId",
                "dayOpenPrice",
                "dayHighPrice",
                "dayLowPrice",
                "dayClosePrice",
                "dayClosePriceType",
                "prevDayId",
                "prevDayClosePrice",
                "prevDayClosePriceType",
                "prevDayVolume",
                "openInterest",
            ],
            Self::Profile => &[
                "description",
                "shortSaleRestriction",
                "tradingStatus",
                "statusReason",
                "haltStartTime",
                "haltEndTime",
                "highLimitPrice",
                "lowLimitPrice",
                "high52WeekPrice",
                "low52WeekPrice",
                "beta",
                "earningsPerShare",
                "dividendFrequency",
                "exDividendAmount",
                "exDividendDayId",
                "shares",
                "freeFloat",
            ],
            Self::Greeks => &["price", "volatility", "delta", "gamma", "theta", "rho", "vega"],
            Self::Candle => &[
                "count",
                "open",
                "high",
                "low",
                "close",
                "volume",
                "vwap",
                "bidVolume",
                "askVolume",
                "impVolatility",
                "openInterest",
            ],
            Self::TheoPrice => &["price", "underlyingPrice", "delta", "gamma", "dividend", "interest"],
            Self::Underlying => &[
                "volatility",
                "frontVolatility",
                "backVolatility",
                "callVolume",
                "putVolume",
                "optionVolume",
                "putCallRatio",
            ],
            Self::TimeAndSale => &["eventFlags", "index", "time", "price", "size"],
        }
    }
}

/// What every event begins with.
const EVENT: [&str; 3] = ["eventType", "eventSymbol", "eventTime"];
/// What follows where events have an index.
const INDEXED: [&str; 4] = ["eventFlags", "index", "time", "sequence"];

/// A double as the wire carries it: a number, or one of three words.
pub fn double(value: f64) -> Value {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        json!(value)
    }
}

fn unknown() -> Value {
    double(f64::NAN)
}

/// Days since 1970-01-01.
pub fn day_id(date: TradingDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// Indexed events carry seconds in the upper half of their index.
fn index(at: Timestamp, sequence: u32) -> i64 {
    (at.timestamp() << 32) | i64::from(sequence)
}

pub type Values = Map<String, Value>;

fn values(pairs: Value) -> Values {
    match pairs {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

enum Target {
    Option(OccParts),
    Underlying,
}

fn target(symbol: &str) -> Option<Target> {
    if symbol.starts_with('.') {
        parse_streamer(symbol).map(Target::Option)
    } else {
        Some(Target::Underlying)
    }
}

/// The latest event of a type, or `None` where the server has nothing to say. Candles are made elsewhere.
pub fn latest(
    market: &dyn Market,
    halts: &[Halt],
    kind: Kind,
    symbol: &str,
    at: Timestamp,
) -> Option<Values> {
    let mut event = match (kind, target(symbol)?) {
        (Kind::Quote, Target::Underlying) => {
            // Indices print; nobody quotes them.
            let q = market.print(symbol, at)?.quote?;
            quote(q.bid, q.bid_size, q.ask, q.ask_size)
        }
        (Kind::Quote, Target::Option(parts)) => {
            let q = market.option(&parts, at)?.quote;
            quote(q.bid, q.bid_size, q.ask, q.ask_size)
        }
        (Kind::Trade, Target::Underlying) => underlying_trade(market, symbol, at)?,
        (Kind::Trade, Target::Option(parts)) => {
            let print = market.option(&parts, at)?;
            let price = (print.quote.mid() * 100.0).round() / 100.0;
            trade(at, price, price - print.previous_close.unwrap_or(f64::NAN), 1.0, f64::NAN)
        }
        (Kind::Summary, Target::Underlying) => underlying_summary(market, symbol, at)?,
        (Kind::Summary, Target::Option(parts)) => {
            let print = market.option(&parts, at)?;
            let underlying = market.print(print.contract.underlying.as_str(), at)?;
            values(json!({
                "dayId": day_id(underlying.session), "dayOpenPrice": unknown(), "dayHighPrice": unknown(),
                "dayLowPrice": unknown(), "dayClosePrice": unknown(), "dayClosePriceType": "REGULAR",
                "prevDayId": underlying.previous_close.map_or(0, |c| day_id(c.1)),
                "prevDayClosePrice": double(print.previous_close.unwrap_or(f64::NAN)),
                "prevDayClosePriceType": "FINAL", "prevDayVolume": unknown(),
                "openInterest": print.open_interest.map_or(json!(0), |v| json!(v as i64))
            }))
        }
        (Kind::Profile, Target::Underlying) => profile(market, halted(halts, symbol, at), symbol, at)?,
        (Kind::Greeks, Target::Option(parts)) => {
            let v = market.option(&parts, at)?.value?;
            values(json!({
                "eventFlags": 0, "index": index(at, 0), "time": at.timestamp_millis(), "sequence": 0,
                "price": double(v.price), "volatility": double(v.iv), "delta": double(v.delta),
                "gamma": double(v.gamma), "theta": double(v.theta.0), "rho": double(v.rho.0),
                "vega": double(v.vega.0)
            }))
        }
        _ => return None,
    };
    stamp(&mut event, kind, symbol);
    Some(event)
}

fn stamp(event: &mut Values, kind: Kind, symbol: &str) {
    event.insert("eventType".into(), kind.name().into());
    event.insert("eventSymbol".into(), symbol.into());
    event.insert("eventTime".into(), 0.into());
}

fn quote(bid: f64, bid_size: f64, ask: f64, ask_size: f64) -> Values {
    values(json!({
        "sequence": 0, "timeNanoPart": 0, "bidTime": 0, "bidExchangeCode": "Q", "bidPrice": double(bid),
        "bidSize": double(bid_size), "askTime": 0, "askExchangeCode": "Q", "askPrice": double(ask),
        "askSize": double(ask_size)
    }))
}

fn trade(at: Timestamp, price: f64, change: f64, size: f64, volume: f64) -> Values {
    let change = (change * 100.0).round() / 100.0;
    let direction = if change >= 0.0 { "UP" } else { "DOWN" };
    values(json!({
        "time": at.timestamp_millis(), "timeNanoPart": 0, "sequence": 0, "exchangeCode": "Q",
        "price": double(price), "change": double(change), "size": double(size),
        "dayId": day_id(new_york_date(at)), "dayVolume": double(volume), "dayTurnover": double(volume * price),
        "tickDirection": direction, "extendedTradingHours": false
    }))
}

fn underlying_trade(market: &dyn Market, symbol: &str, at: Timestamp) -> Option<Values> {
    let print = market.print(symbol, at).filter(|print| !print.is_close_before)?;
    let before = print.previous_close.map_or(f64::NAN, |c| c.0);
    Some(trade(at, print.last, print.last - before, 100.0, print.volume.unwrap_or(f64::NAN)))
}

fn underlying_summary(market: &dyn Market, symbol: &str, at: Timestamp) -> Option<Values> {
    let print = market.print(symbol, at)?;
    let cents = |v: f64| double((v * 100.0).round() / 100.0);
    let day = print.day;
    Some(values(json!({
        "dayId": day_id(print.session),
        "dayOpenPrice": day.map_or_else(unknown, |d| cents(d.open)),
        "dayHighPrice": day.map_or_else(unknown, |d| cents(d.high)),
        "dayLowPrice": day.map_or_else(unknown, |d| cents(d.low)),
        "dayClosePrice": unknown(), "dayClosePriceType": "REGULAR",
        "prevDayId": print.previous_close.map_or(0, |c| day_id(c.1)),
        "prevDayClosePrice": print.previous_close.map_or_else(unknown, |c| cents(c.0)),
        "prevDayClosePriceType": "FINAL", "prevDayVolume": unknown(), "openInterest": 0
    })))
}

/// Whether it trades, and since when and until when it does not; 0 is no instant.
pub fn trading(halt: Option<&Halt>) -> [(&'static str, Value); 3] {
    let millis = |at: Option<Timestamp>| json!(at.map_or(0, |at| at.timestamp_millis()));
    [
        ("tradingStatus", if halt.is_some() { "HALTED" } else { "ACTIVE" }.into()),
        ("haltStartTime", millis(halt.map(|halt| halt.from))),
        ("haltEndTime", millis(halt.map(|halt| halt.to))),
    ]
}

fn profile(market: &dyn Market, halt: Option<&Halt>, symbol: &str, at: Timestamp) -> Option<Values> {
    let profile = market.profile(symbol)?;
    let year = market.print(symbol, at)?.year_range;
    let known = |v: Option<f64>| double(v.unwrap_or(f64::NAN));
    let ex_day = market.metrics(symbol, at).and_then(|m| m.next_ex_date).map_or(0, day_id);
    let reason = halt.map_or(Value::Null, |_| "Trading halt".into());
    let mut event = values(json!({
        "description": profile.description, "shortSaleRestriction": "INACTIVE",
        "statusReason": reason, "highLimitPrice": unknown(),
        "lowLimitPrice": unknown(), "high52WeekPrice": known(year.map(|y| y.1)),
        "low52WeekPrice": known(year.map(|y| y.0)), "beta": known(profile.beta),
        "earningsPerShare": unknown(), "dividendFrequency": double(profile.dividends_per_year),
        "exDividendAmount": known(profile.dividend), "exDividendDayId": ex_day, "shares": unknown(),
        "freeFloat": unknown()
    }));
    event.extend(trading(halt).map(|(field, value)| (field.to_owned(), value)));
    Some(event)
}

pub const REMOVE: u8 = 2;
pub const SNAPSHOT_BEGIN: u8 = 4;
pub const SNAPSHOT_END: u8 = 8;

/// One daily candle; midnight UTC of its date is its time.
pub fn candle(symbol: &str, bar: &Bar, flags: u8) -> Values {
    let midnight = bar.date.and_time(chrono::NaiveTime::MIN).and_utc();
    let cents = |v: f64| double((v * 100.0).round() / 100.0);
    let mut event = values(json!({
        "eventFlags": flags, "index": index(midnight, 0), "time": midnight.timestamp_millis(), "sequence": 0,
        "count": 1000 + bar.date.ordinal(), "open": cents(bar.open), "high": cents(bar.high),
        "low": cents(bar.low), "close": cents(bar.close), "volume": double(bar.volume.unwrap_or(f64::NAN)),
        "vwap": cents((bar.high + bar.low + bar.close) / 3.0), "bidVolume": unknown(),
        "askVolume": unknown(), "impVolatility": unknown(), "openInterest": unknown()
    }));
    stamp(&mut event, Kind::Candle, symbol);
    event
}

/// The placeholder that says "nothing": begins, ends and removes at once.
pub fn empty_candles(symbol: &str, at: Timestamp) -> Values {
    let flags = REMOVE + SNAPSHOT_BEGIN + SNAPSHOT_END;
    let mut event = values(json!({
        "eventFlags": flags, "index": index(at, 0), "time": at.timestamp_millis(), "sequence": 0, "count": 0
    }));
    for field in Kind::Candle.fields().iter().skip(8) {
        event.insert((*field).to_owned(), unknown());
    }
    stamp(&mut event, Kind::Candle, symbol);
    event
}

/// `SPY{=1d}` is answered as `SPY{=d}`; the base and whether the period is one day come with it.
pub fn candle_symbol(text: &str) -> Option<(String, String, bool)> {
    let (base, rest) = text.split_once('{')?;
    let attributes = rest.strip_suffix('}')?;
    let mut parts = attributes.split(',');
    let period = parts.next()?.strip_prefix('=')?;
    let digits = period.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = period.split_at(digits);
    let count = if count == "1" { "" } else { count };
    let mut normal = format!("{base}{{={count}{unit}");
    for part in parts {
        normal.push(',');
        normal.push_str(part);
    }
    normal.push('}');
    let daily = count.is_empty() && unit == "d";
    let base = base.split('&').next().unwrap_or(base).to_owned();
    (!base.is_empty()).then_some((base, normal, daily))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candle_symbols_are_normalised() {
        let of = candle_symbol;
        assert_eq!(of("SPY{=1d}"), Some(("SPY".into(), "SPY{=d}".into(), true)));
        assert_eq!(of("SPY&Q{=5m,tho=true}"), Some(("SPY".into(), "SPY&Q{=5m,tho=true}".into(), false)));
        for bad in ["SPY", "SPY{", "SPY{d}", "{=d}"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn doubles_that_are_not_numbers_are_words() {
        assert_eq!(double(f64::NAN), json!("NaN"));
        assert_eq!(double(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(double(1.5), json!(1.5));
    }
}
