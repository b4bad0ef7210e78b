//! One-day value at risk and expected shortfall from dollar deltas, dollar gammas and the covariance of
//! daily returns. Loss is positive, no time passes, moves are simple returns, volatility stays.
//!
//! The headline is Cornish-Fisher where its expansion is valid and the exact quantile of the quadratic
//! form where it is not. Never delta-normal: it does not see short gamma.

pub mod covariance;
pub mod delta_gamma;
pub mod quadratic;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{RiskBook, usable};
use super::exposure::{Coverage, LegExposure};
use crate::domain::Symbol;
use crate::domain::units::Dollars;
use crate::numerics::cornish_fisher::Refused;
use covariance::{Covariance, Gap};
use delta_gamma::DeltaGamma;
use nalgebra::{DMatrix, DVector};

/// Step of the central differences behind component VaR, as a share of the exposure.
const WEIGHT_STEP: f64 = 1e-4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VarMethod {
    CornishFisher,
    /// The exact quantile of the second-order P&L under normal returns.
    Quadratic,
}

impl VarMethod {
    pub fn words(self) -> &'static str {
        match self {
            Self::CornishFisher => "Cornish-Fisher",
            Self::Quadratic => "exact delta-gamma quantile",
        }
    }
}

/// Known, or not and why. There is no number in the second case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum VarOutcome {
    Known {
        report: VarReport,
    },
    Unknown {
        /// The underlyings without a daily volatility or a correlation.
        missing: Vec<Symbol>,
        why: String,
    },
}

impl VarOutcome {
    pub fn known(&self) -> Option<&VarReport> {
        match self {
            Self::Known { report } => Some(report),
            Self::Unknown { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VarReport {
    pub method: VarMethod,
    pub var95: Dollars,
    pub var99: Dollars,
    pub es975: Dollars,
    /// What each underlying adds to VaR95: the derivative of VaR with respect to the size of its whole
    /// exposure (Euler), so that the parts sum to the total.
    pub components: Vec<VarComponent>,
    /// Beside the headline, for comparison only.
    pub delta_normal95: Dollars,
    /// Why Cornish-Fisher does not apply, where it does not.
    pub cornish_fisher_refused: Option<String>,
    /// Some correlations come from betas because there is no common history.
    pub correlation_assumed: bool,
    /// The given correlations contradicted each other and were moved to the nearest consistent ones.
    pub correlation_repaired: bool,
    pub coverage: Coverage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VarComponent {
    /// Place in the book's underlyings.
    pub underlying: usize,
    pub symbol: Symbol,
    pub var95: Dollars,
}

/// VaR of the legs that `counts` lets in; `rows` are the exposures of the book's legs.
pub fn value_at_risk(book: &RiskBook, rows: &[LegExposure], counts: impl Fn(usize) -> bool) -> VarOutcome {
    let counted = || rows.iter().filter(|row| counts(row.leg));
    let coverage = Coverage::of(counted());
    let mut places = Vec::new();
    let (mut deltas, mut gammas) = (Vec::new(), Vec::new());
    for (place, underlying) in book.underlyings.iter().enumerate() {
        let Some(spot) = usable(underlying.spot) else { continue };
        let (mut delta, mut gamma, mut held) = (0.0, 0.0, false);
        for exposure in counted().filter(|row| row.underlying == place).filter_map(|r| r.exposure.as_ref()) {
            delta += exposure.dollar_delta.0;
            gamma += exposure.gamma_per_dollar.0 * spot * spot;
            held = true;
        }
        if held {
            places.push(place);
            deltas.push(delta);
            gammas.push(gamma);
        }
    }
    let covariance = match covariance::of(book, &places) {
        Ok(covariance) => covariance,
        Err(Gap { missing, why }) => return VarOutcome::Unknown { missing, why },
    };
    let form = DeltaGamma {
        delta: DVector::from_vec(deltas),
        gamma: DMatrix::from_diagonal(&DVector::from_vec(gammas)),
        covariance: covariance.matrix.clone(),
        drift: 0.0,
    };
    match report(book, &places, &form, &covariance, coverage) {
        Some(report) => VarOutcome::Known { report },
        None => VarOutcome::Unknown {
            missing: Vec::new(),
            why: "the loss distribution could not be computed from these exposures".to_owned(),
        },
    }
}

fn report(
    book: &RiskBook,
    places: &[usize],
    form: &DeltaGamma,
    covariance: &Covariance,
    coverage: Coverage,
) -> Option<VarReport> {
    let (method, tail, refused) = match form.cornish_fisher() {
        Ok(cf) => (VarMethod::CornishFisher, [cf.var(0.95), cf.var(0.99), cf.shortfall(0.975)], None),
        Err(refused) => {
            let exact = quadratic::Law::of(form)?;
            let tail = [exact.var(0.95)?, exact.var(0.99)?, exact.shortfall(0.975)?];
            (VarMethod::Quadratic, tail, Some(refused))
        }
    };
    if tail.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let [var95, var99, es975] = tail.map(Dollars);
    let parts = match method {
        VarMethod::CornishFisher => cornish_fisher_components(form, 0.95),
        VarMethod::Quadratic => quadratic::components(form, 0.95)?,
    };
    let components = places.iter().zip(parts).filter_map(|(&underlying, var95)| {
        let symbol = book.underlyings.get(underlying)?.symbol.clone();
        Some(VarComponent { underlying, symbol, var95: Dollars(var95) })
    });
    Some(VarReport {
        method,
        var95,
        var99,
        es975,
        components: components.collect(),
        delta_normal95: Dollars(form.delta_normal(0.95).var),
        cornish_fisher_refused: refused.as_ref().map(Refused::to_string),
        correlation_assumed: covariance.assumed,
        correlation_repaired: covariance.repaired,
        coverage,
    })
}

/// Central differences in the size of each underlying's exposure. The expansion itself is smooth in the
/// exposures, so a neighbour just outside its domain still gives the derivative.
fn cornish_fisher_components(form: &DeltaGamma, confidence: f64) -> Vec<f64> {
    let at = |place: usize, weight: f64| form.weighted(place, weight).expansion().var(confidence);
    (0..form.delta.len())
        .map(|i| (at(i, 1.0 + WEIGHT_STEP) - at(i, 1.0 - WEIGHT_STEP)) / (2.0 * WEIGHT_STEP))
        .collect()
}

#[cfg(test)]
mod tests;
