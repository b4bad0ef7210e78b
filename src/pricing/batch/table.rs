//! The tables that a batch reads and fills.

use crate::pricing::columns::{Table, block};
use crate::pricing::{OptionInputs, RawGreeks};

/// Rows per block: runs long enough for the prefetcher, a stride that is no power of two (else the sixteen
/// columns would fall into the same cache sets), a multiple of every vector width.
pub(super) const BLOCK: usize = 576;

pub(super) type Column = [f64; BLOCK];

block!(
    /// Unused lanes hold a harmless option.
    OptionBlock: BLOCK, OptionInputs (right as sign) {
        spot = 1.0,
        strike = 1.0,
        rate = 0.0,
        dividend_yield = 0.0,
        vol_annual = 1.0,
        tte_years = 1.0,
    }
);

pub type OptionTable = Table<OptionBlock>;

/// Value and the eight Greeks of a batch, in the units of [`RawGreeks`]: per $1 of spot, per 1.00 of
/// volatility and rate, per year of calendar time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BatchGreeks {
    pub price: f64,
    pub delta: f64,
    pub gamma: f64,
    pub vega: f64,
    pub theta: f64,
    pub rho: f64,
    pub vanna: f64,
    pub volga: f64,
    pub charm: f64,
}

impl From<RawGreeks> for BatchGreeks {
    fn from(raw: RawGreeks) -> Self {
        Self {
            price: raw.price,
            delta: raw.delta,
            gamma: raw.gamma,
            vega: raw.vega.0,
            theta: raw.theta.0,
            rho: raw.rho.0,
            vanna: raw.vanna.0,
            volga: raw.volga.0,
            charm: raw.charm.0,
        }
    }
}

block!(
    GreekBlock: BLOCK, BatchGreeks {
        price = 0.0,
        delta = 0.0,
        gamma = 0.0,
        vega = 0.0,
        theta = 0.0,
        rho = 0.0,
        vanna = 0.0,
        volga = 0.0,
        charm = 0.0,
    }
);

/// The answers to an [`OptionTable`], row for row.
pub type GreekTable = Table<GreekBlock>;
