//! The market and the book that the simulated broker shows: seeded and made up, or recorded.
//!
//! Never: keeps state of its own. Everything is a function of the world and of the instant asked for, so
//! that two clients, or one client twice, see the same thing.

use crate::domain::instrument::{OccParts, listed_strike};
use crate::domain::time::Timestamp;
use crate::domain::{Bar, Instrument, OptionContract, Right, Settlement, Symbol, TradingDate};

pub mod book;
pub mod book_file;
pub mod days;
pub mod listing;
pub mod names;
pub mod noise;
pub mod path;
pub mod recorded;
pub mod seeded;
pub mod value;

pub use book::BookPosition;
pub use book_file::{RecordedPosition, read_book};
use listing::Listed;
use path::DayRange;
pub use recorded::recorded_start;
use value::{TwoSided, Value};

/// What is known about a share, fund or index.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub description: String,
    pub listed_market: String,
    pub is_index: bool,
    pub is_etf: bool,
    pub has_options: bool,
    pub sector: Option<String>,
    pub beta: Option<f64>,
    pub dividend: Option<f64>,
    pub dividends_per_year: f64,
}

/// An underlying's market at an instant. Sizes and prices that nobody knows are NaN or absent, never 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Print {
    pub last: f64,
    /// `last` is the close before: nothing is known of the session itself, and nothing of it is served.
    pub is_close_before: bool,
    /// Indices print without a market around them.
    pub quote: Option<TwoSided>,
    pub session: TradingDate,
    pub day: Option<DayRange>,
    pub previous_close: Option<(f64, TradingDate)>,
    pub volume: Option<f64>,
    pub year_range: Option<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OptionPrint {
    pub contract: OptionContract,
    pub quote: TwoSided,
    pub value: Option<Value>,
    pub previous_close: Option<f64>,
    pub open_interest: Option<f64>,
}

/// Slow figures. Fractions; whatever is unknown is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics {
    pub iv_index: Option<f64>,
    pub iv_index_5_day_change: Option<f64>,
    pub iv_rank: Option<f64>,
    pub iv_percentile: Option<f64>,
    pub historical_30: Option<f64>,
    pub historical_60: Option<f64>,
    pub historical_90: Option<f64>,
    pub beta: Option<f64>,
    pub correlation: Option<f64>,
    pub dividend: Option<f64>,
    pub annual_dividend: Option<f64>,
    pub dividend_yield: Option<f64>,
    pub last_ex_date: Option<TradingDate>,
    pub next_ex_date: Option<TradingDate>,
    pub next_earnings: Option<TradingDate>,
    pub expirations: Vec<(TradingDate, Settlement, f64)>,
}

/// The chain of one root.
#[derive(Debug, Clone, PartialEq)]
pub struct RootChain {
    pub root: Symbol,
    pub listed: Vec<Listed>,
}

/// A market to serve from. Implementations answer from values alone.
pub trait Market: Send + Sync {
    fn underlyings(&self) -> Vec<String>;
    /// The symbol that is never silent for long.
    fn canary(&self) -> String {
        "SPY".to_owned()
    }
    /// Where a clock that stands here goes on at once; `None`: as it goes.
    fn goes_on_at(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
    fn profile(&self, symbol: &str) -> Option<Profile>;
    fn print(&self, symbol: &str, at: Timestamp) -> Option<Print>;
    fn bars(&self, symbol: &str, from: TradingDate, at: Timestamp) -> Vec<Bar>;
    fn chain(&self, symbol: &str, at: Timestamp) -> Vec<RootChain>;
    /// The contract as listed; also known after its expiry, so that books can be read back.
    fn contract(&self, parts: &OccParts) -> Option<OptionContract>;
    fn option(&self, parts: &OccParts, at: Timestamp) -> Option<OptionPrint>;
    fn metrics(&self, symbol: &str, at: Timestamp) -> Option<Metrics>;

    /// Price and delta for balances and margin: the middle of the market.
    fn mark(&self, instrument: &Instrument, at: Timestamp) -> Option<(f64, f64)> {
        match instrument {
            Instrument::Equity(s) | Instrument::Index(s) => {
                let print = self.print(s.as_str(), at)?;
                Some((print.quote.map_or(print.last, |q| q.mid()), 1.0))
            }
            Instrument::Option(c) => {
                let print = self.option(&parts_of(c), at)?;
                let delta = print.value.map_or(f64::NAN, |v| v.delta);
                let mid = print.quote.mid();
                let mid = if mid.is_finite() { mid } else { print.value?.price };
                Some((mid, delta))
            }
        }
    }
}

pub fn parts_of(contract: &OptionContract) -> OccParts {
    OccParts {
        root: contract.root.clone(),
        expiry: contract.expiry,
        right: contract.right,
        strike: contract.strike,
    }
}

/// Reads the stream's spelling `.ROOTyymmddCstrike`.
pub fn parse_streamer(text: &str) -> Option<OccParts> {
    let body = text.strip_prefix('.').filter(|b| b.is_ascii() && b.len() <= 40)?;
    let split = body.rfind(['C', 'P'])?;
    let (head, tail) = (&body[..split], &body[split + 1..]);
    let right = if body.as_bytes()[split] == b'C' { Right::Call } else { Right::Put };
    let root_end = head.len().checked_sub(6)?;
    // Six digits: the parser alone would take blanks for some of them.
    let date = Some(&head[root_end..]).filter(|date| date.bytes().all(|b| b.is_ascii_digit()))?;
    let expiry = chrono::NaiveDate::parse_from_str(date, "%y%m%d").ok()?;
    let strike: rust_decimal::Decimal = tail.parse().ok()?;
    let root = Symbol::new(&head[..root_end]).ok()?;
    Some(OccParts { root, expiry, right, strike: listed_strike(strike)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streamer_symbols_read_back() {
        let parts = parse_streamer(".SPY261218C640").expect("good");
        assert_eq!((parts.root.as_str(), parts.right), ("SPY", Right::Call));
        let half = parse_streamer(".XLF261218P52.5").expect("good");
        assert_eq!(half.strike.to_string(), "52.5");
        let bad = ["", ".", "SPY", ".SPY", ".SPY26C", ".C", ".SPY261318C640", ".SPY261218C-1", ".é261218C1"];
        for bad in bad.into_iter().chain([".SPY26 1 8C640", ".SPY261218C0", ".SPY261218C1e9"]) {
            assert!(parse_streamer(bad).is_none(), "{bad}");
        }
    }
}
