//! The input of every risk number: one plain value, complete in itself.
//!
//! Never: looks anything up. What is not in here does not count.

use crate::domain::freshness::Unusable;
use crate::domain::portfolio::PortfolioLimits;
use crate::domain::units::BenchmarkShares;
use crate::domain::view::Scope;
use crate::domain::{PortfolioId, Symbol, Timestamp, TradeId, account::AccountKind};
use crate::pricing::Exercise;
use crate::pricing::inputs::OptionInputs;

/// Calendar days of a pricing year.
pub const DAYS_PER_YEAR: f64 = 365.0;

#[derive(Debug, Clone, PartialEq)]
pub struct RiskBook {
    pub as_of: Timestamp,
    /// What betas are measured against.
    pub benchmark: Symbol,
    pub benchmark_spot: Option<f64>,
    /// Standard deviation of the benchmark's daily return; needed only where correlations are missing.
    pub benchmark_daily_vol: Option<f64>,
    /// Half the quoted spread per benchmark share, for the cost of a hedge.
    pub benchmark_half_spread: Option<f64>,
    pub underlyings: Vec<RiskUnderlying>,
    pub legs: Vec<RiskLeg>,
    /// Daily return correlations, one row per underlying; `None` or a short row where unknown.
    pub correlation: Vec<Vec<Option<f64>>>,
    pub portfolios: Vec<PortfolioRisk>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RiskUnderlying {
    pub symbol: Symbol,
    pub spot: Option<f64>,
    pub beta: f64,
    /// Nobody knows the beta: 1.0 stands in for it, and every number that uses it says so.
    pub beta_assumed: bool,
    /// Standard deviation of the daily return, 0.01 = 1 %.
    pub daily_vol: Option<f64>,
    /// Half the quoted spread per share; `None` where it cannot be traded or is not quoted.
    pub half_spread: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RiskLeg {
    pub trade: TradeId,
    /// `None`: not yet routed to a portfolio.
    pub portfolio: Option<PortfolioId>,
    /// Index into `RiskBook::underlyings`.
    pub underlying: usize,
    /// Contracts or shares, short negative.
    pub quantity: f64,
    pub multiplier: f64,
    /// New York calendar days, for labels and the vol shock's tenor scale; never for pricing.
    pub days_to_expiry: i64,
    pub priced: LegPricing,
    /// Priced on a quote that is no longer live: counted, and counted as stale.
    pub stale: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LegPricing {
    Shares,
    Option {
        inputs: OptionInputs,
        /// Plain spot minus the spot in `inputs`: the present value of dividends before expiry, held
        /// constant when the spot is shocked.
        escrow: f64,
        exercise: Exercise,
    },
    Unpriced {
        why: Unusable,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct PortfolioRisk {
    pub id: PortfolioId,
    pub name: String,
    pub equity: Option<f64>,
    pub limits: PortfolioLimits,
    pub hypothetical: bool,
    pub warn_only: bool,
    /// Of the account it lives in; `None` for a hypothetical portfolio.
    pub account: Option<AccountKind>,
    /// Half-width of the beta-weighted delta band; `None` takes half of L1.
    pub delta_band: Option<BenchmarkShares>,
}

impl RiskBook {
    /// Does the leg count in what the scope shows?
    pub fn in_scope(&self, leg: &RiskLeg, scope: &Scope) -> bool {
        match scope {
            // Hypothetical portfolios stand beside the real ones, never in a sum.
            Scope::AllReal => !leg.portfolio.is_some_and(|id| self.is_hypothetical(id)),
            Scope::Portfolio(id) => leg.portfolio == Some(*id),
            Scope::Unassigned => leg.portfolio.is_none(),
        }
    }

    fn is_hypothetical(&self, id: PortfolioId) -> bool {
        self.portfolios.iter().any(|p| p.id == id && p.hypothetical)
    }

    pub fn underlying_of(&self, leg: &RiskLeg) -> Option<&RiskUnderlying> {
        self.underlyings.get(leg.underlying)
    }

    /// Beta times the ratio of spots: how many benchmark shares one share stands for.
    pub fn beta_ratio(&self, underlying: &RiskUnderlying) -> Option<f64> {
        let ratio = underlying.beta * usable(underlying.spot)? / usable(self.benchmark_spot)?;
        ratio.is_finite().then_some(ratio)
    }
}

/// A spot that a number can be built on.
pub(crate) fn usable(spot: Option<f64>) -> Option<f64> {
    spot.filter(|s| s.is_finite() && *s > 0.0)
}
