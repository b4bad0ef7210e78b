//! The world of the small Tradier: SPY at 650 on 20 November 2026, its options by Bachelier's formula, a year's calendar.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use serde_json::{Value, json};

pub const DAY: &str = "2026-11-20";
const SPOT: f64 = 650.0;
/// Dollars that SPY moves in a year, one standard deviation.
const SPREAD: f64 = 110.0;
const EXPIRIES: [&str; 2] = ["261218", "270115"];
const CLOSED: [&str; 10] =
    ["01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"];
const EARLY: [&str; 2] = ["11-27", "12-24"];

/// Its clock: the morning of that day, from when it was opened.
pub struct Clock {
    opened: DateTime<Utc>,
}

impl Clock {
    pub fn start() -> Self {
        Self { opened: Utc::now() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let morning = NaiveDate::from_ymd_opt(2026, 11, 20).and_then(|day| day.and_hms_opt(15, 3, 0));
        morning.expect("a morning").and_utc() + (Utc::now() - self.opened)
    }
}

/// The put or call of a symbol without padding: strike less spot, years, and whether it is a call.
fn option(symbol: &str) -> Option<(f64, f64, bool)> {
    let (head, strike) = symbol.split_at_checked(symbol.len().checked_sub(8)?)?;
    let (head, right) = head.split_at_checked(head.len().checked_sub(1)?)?;
    let expiry = head.get(head.len().checked_sub(6)?..)?;
    let expiry = NaiveDate::parse_from_str(&format!("20{expiry}"), "%Y%m%d").ok()?;
    let today: NaiveDate = DAY.parse().expect("a date");
    let years = ((expiry - today).num_days().max(1)) as f64 / 365.0;
    Some((strike.parse::<f64>().ok()? / 1000.0 - SPOT, years, right == "C"))
}

fn density(d: f64) -> f64 {
    (-d * d / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The share of a normal distribution below `d` (Abramowitz and Stegun, 26.2.17).
fn below(d: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * d.abs());
    let tail = density(d)
        * t
        * (0.319_381_53
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    if d < 0.0 { tail } else { 1.0 - tail }
}

/// What an instrument is worth.
pub fn mid(symbol: &str) -> f64 {
    match option(symbol) {
        Some((beyond, years, is_call)) => {
            let width = SPREAD * years.sqrt();
            let d = beyond / width;
            let put = beyond * below(d) + width * density(d);
            let worth = if is_call { put - beyond } else { put };
            (worth * 100.0).round().max(3.0) / 100.0
        }
        None if symbol == "SPY" => SPOT,
        None if symbol == "VIX" => 16.5,
        None => 100.0,
    }
}

fn greeks(symbol: &str, at: DateTime<Utc>) -> Option<Value> {
    let (beyond, years, is_call) = option(symbol)?;
    let width = SPREAD * years.sqrt();
    let d = beyond / width;
    let bell = density(d);
    Some(json!({"delta": if is_call { below(-d) } else { -below(d) }, "gamma": bell / width,
        "theta": -width * bell / (2.0 * years * 365.0), "vega": SPOT * years.sqrt() * bell / 100.0, "rho": "-0.1",
        "smv_vol": SPREAD / SPOT, "updated_at": at.format("%Y-%m-%d %H:00:02").to_string()}))
}

/// A row of quotes, with numbers as such and as texts.
pub fn row(symbol: &str, at: DateTime<Utc>) -> Value {
    let (mid, now) = (mid(symbol), at.timestamp_millis());
    let half = if option(symbol).is_some() { 0.02 } else { 0.05 };
    let mut row = json!({"symbol": symbol, "bid": cents(mid - half), "ask": cents(mid + half).to_string(),
        "bidsize": 10, "asksize": 12, "last": mid, "prevclose": cents(mid * 0.998), "bid_date": now - 1,
        "ask_date": now, "trade_date": now});
    if let Some(greeks) = greeks(symbol, at) {
        row["greeks"] = greeks;
    }
    row
}

/// The same, as the stream says it.
pub fn event(symbol: &str, at: DateTime<Utc>) -> Value {
    let (row, now) = (row(symbol, at), at.timestamp_millis().to_string());
    json!({"type": "quote", "symbol": symbol, "bid": row["bid"], "bidsz": 10, "bidexch": "Q", "biddate": now,
        "ask": row["ask"], "asksz": 12, "askexch": "Q", "askdate": now})
}

pub fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

/// Every option symbol of SPY.
pub fn listed() -> Vec<String> {
    let strikes = (560..=740).step_by(5);
    let of = |expiry: &'static str| {
        strikes
            .clone()
            .flat_map(move |k| ["C", "P"].map(|right| format!("SPY{expiry}{right}{:08}", k * 1000)))
    };
    EXPIRIES.into_iter().flat_map(of).collect()
}

/// Daily prices of the months before, a saw tooth.
pub fn history(start: &str) -> Vec<Value> {
    let start: NaiveDate = start.parse().unwrap_or_default();
    let days = (1..300).map(|n| DAY.parse::<NaiveDate>().expect("a date") - TimeDelta::days(n));
    let sessions = days.filter(|day| *day >= start && !is_weekend(*day));
    let bar = |day: NaiveDate| {
        let close = SPOT * (1.0 + 0.004 * f64::from(day.num_days_from_ce() % 7 - 3));
        json!({"date": day.to_string(), "open": close, "high": close + 2.5, "low": (close - 2.5).to_string(),
            "close": close, "volume": 70_000_000})
    };
    let mut bars: Vec<Value> = sessions.map(bar).collect();
    bars.reverse();
    bars
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// One month of the calendar, weekends included.
pub fn calendar(year: i32, month: u32) -> Vec<Value> {
    let days = (1..=31).filter_map(|day| NaiveDate::from_ymd_opt(year, month, day));
    let told = |day: NaiveDate| {
        let name = day.format("%m-%d").to_string();
        if is_weekend(day) || CLOSED.contains(&name.as_str()) {
            json!({"date": day.to_string(), "status": "closed", "description": "Market is closed"})
        } else {
            let end = if EARLY.contains(&name.as_str()) { "13:00" } else { "16:00" };
            json!({"date": day.to_string(), "status": "open", "description": "Market is open",
                "premarket": {"start": "07:00", "end": "09:24"}, "open": {"start": "09:30", "end": end},
                "postmarket": {"start": "16:00", "end": "19:55"}})
        }
    };
    days.map(told).collect()
}
