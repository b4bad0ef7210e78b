//! A daily bar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::TradingDate;

/// Prices are analytics here (returns, indicators), hence `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bar {
    pub date: TradingDate,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: Option<f64>,
}
