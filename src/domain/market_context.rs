//! The market as it was when something was decided: compact, only what the book depends on, enough to
//! rebuild the numbers of that moment, and to tell what was known, how fresh it was and what was assumed.
//!
//! Fields that say so came later: in an event of before they are absent, which means "not recorded", not
//! "live".

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::freshness::Standing;
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
    /// The day that the configured rates are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates_as_of: Option<TradingDate>,
    pub underlyings: Vec<UnderlyingFactors>,
    pub marks: Vec<LegMark>,
}

/// Everything is optional: what was missing then is missing on replay, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnderlyingFactors {
    pub symbol: Symbol,
    pub spot: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_standing: Option<Standing>,
    pub previous_close: Option<f64>,
    pub iv30: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv30_source: Option<Iv30Source>,
    pub iv_rank: Option<f64>,
    /// The beta that the figures were computed with, even if nobody knew it: see `beta_source`.
    pub beta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_source: Option<BetaSource>,
    pub daily_vol: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_vol_source: Option<DailyVolSource>,
    pub next_ex_date: Option<TradingDate>,
    pub dividend: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dividend_source: Option<DividendSource>,
    /// Continuous; taken where no dividend is known. Without either, none is reckoned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dividend_yield: Option<f64>,
    /// When the broker last renewed its slow figures: volatilities, beta, dividends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegMark {
    /// OCC symbol or ticker.
    pub instrument: String,
    /// As it came, whatever it is worth.
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    /// Seconds since bid and ask came; a quiet quote on a living link is live all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote_age_seconds: Option<i64>,
    pub mark: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_standing: Option<Standing>,
    pub iv: Option<f64>,
    /// Of an option: the volatility depends on its underlying, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv_standing: Option<Standing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv_source: Option<IvSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BetaSource {
    /// From daily bars.
    Own,
    Broker,
    /// Nobody knows it: 1.0 stands in.
    Assumed,
    /// The trader's word.
    Override,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Iv30Source {
    /// The broker's volatility index.
    BrokerIndex,
    /// Interpolated between the broker's volatilities per expiration.
    Expirations,
}

/// Where the standard deviation of the next daily return comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DailyVolSource {
    /// The trader's word.
    Override,
    /// Exponentially weighted daily returns.
    Ewma,
    /// The last twenty sessions.
    Realised,
    /// The implied volatility of thirty days, brought to one.
    Implied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DividendSource {
    Announced,
    /// An earlier one repeated.
    Estimated,
    /// The trader's word.
    Override,
}

/// Which quote an option's volatility was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IvSource {
    /// The contract's own mid.
    Mid,
    /// The ask of a contract that nobody bids for.
    Ask,
    /// Quoted strikes next to it, of the same expiry.
    Neighbour,
}

/// The formula that stood behind the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    American,
    European,
    Black76,
    /// An American contract valued as if it could not be exercised early: in records of earlier versions.
    EuropeanForAmerican,
}
