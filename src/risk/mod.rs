//! What the book could lose: exposures by underlying, scenarios by full revaluation, value at risk,
//! limits, hedges, and what a bag of legs is. Works on values the engine fills in.
//!
//! Never: asks the market or the time, rounds, or turns what is unknown into a number.

pub mod book;
pub mod controls;
pub mod exposure;
pub mod hedging;
pub mod limits;
pub mod permission;
pub mod recognition;
pub mod report;
pub mod revaluation;
pub mod scenario;
pub mod trade_loss;
pub mod two_models;
pub mod valuation;
pub mod var;

#[cfg(test)]
pub(crate) mod fixtures;

pub use book::{LegPricing, PortfolioRisk, RiskBook, RiskLeg, RiskUnderlying};
pub use report::{PortfolioReport, RiskQuestion, RiskReport, compute};
