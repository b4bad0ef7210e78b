//! The market as it was when something was decided: compact, only what the book depends on, enough to
//! rebuild the numbers of that moment.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::money::Price;
use super::symbol::Symbol;
use super::time::{Timestamp, TradingDate};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketContext {
    pub as_of: Timestamp,
    /// Counts refreshes of this session: the same revision is recorded once.
    pub revision: u64,
    /// Continuous zero rate used.
    pub rate: f64,
    pub underlyings: Vec<UnderlyingFactors>,
    pub marks: Vec<LegMark>,
}

/// Everything is optional: what was missing then is missing on replay, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnderlyingFactors {
    pub symbol: Symbol,
    pub spot: Option<f64>,
    pub previous_close: Option<f64>,
    pub iv30: Option<f64>,
    pub iv_rank: Option<f64>,
    pub beta: Option<f64>,
    pub daily_vol: Option<f64>,
    pub next_ex_date: Option<TradingDate>,
    pub dividend: Option<Decimal>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegMark {
    /// OCC symbol or ticker.
    pub instrument: String,
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    pub mark: Option<Price>,
    pub iv: Option<f64>,
}
