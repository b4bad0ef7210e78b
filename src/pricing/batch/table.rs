//! The tables that a batch reads and fills.

use crate::domain::units::{PerRate, PerVol, PerVolSquared, PerYear};
use crate::pricing::columns::{Table, block};
use crate::pricing::{OptionInputs, RawGreeks};

/// Rows per block: runs long enough for the prefetcher, a stride that is no power of two (else the sixteen
/// columns would fall into the same cache sets), a multiple of every vector width.
pub(super) const BLOCK: usize = 576;

pub(super) type Column = [f64; BLOCK];

block!(
    /// Unused lanes hold a harmless option.
    OptionBlock: BLOCK, OptionInputs (right as sign) {
        spot: f64 = 1.0,
        strike: f64 = 1.0,
        rate: f64 = 0.0,
        dividend_yield: f64 = 0.0,
        vol_annual: f64 = 1.0,
        tte_years: f64 = 1.0,
    }
);

pub type OptionTable = Table<OptionBlock>;

/// Value and the eight Greeks of a batch, in the units of [`RawGreeks`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BatchGreeks {
    pub price: f64,
    pub delta: f64,
    pub gamma: f64,
    pub vega: PerVol,
    pub theta: PerYear,
    pub rho: PerRate,
    /// Of delta.
    pub vanna: PerVol,
    pub volga: PerVolSquared,
    /// Of delta.
    pub charm: PerYear,
}

impl From<RawGreeks> for BatchGreeks {
    fn from(raw: RawGreeks) -> Self {
        Self {
            price: raw.price,
            delta: raw.delta,
            gamma: raw.gamma,
            vega: raw.vega,
            theta: raw.theta,
            rho: raw.rho,
            vanna: raw.vanna,
            volga: raw.volga,
            charm: raw.charm,
        }
    }
}

block!(
    GreekBlock: BLOCK, BatchGreeks {
        price: f64 = 0.0,
        delta: f64 = 0.0,
        gamma: f64 = 0.0,
        vega: PerVol = PerVol(0.0),
        theta: PerYear = PerYear(0.0),
        rho: PerRate = PerRate(0.0),
        vanna: PerVol = PerVol(0.0),
        volga: PerVolSquared = PerVolSquared(0.0),
        charm: PerYear = PerYear(0.0),
    }
);

/// The answers to an [`OptionTable`], row for row.
pub type GreekTable = Table<GreekBlock>;
