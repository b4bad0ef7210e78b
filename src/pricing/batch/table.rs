//! The tables that a batch reads and fills: columns cut into blocks, so that all columns of a block lie
//! together in the cache. Unused lanes of the last block hold a harmless option.

use crate::domain::Right;
use crate::pricing::{OptionInputs, RawGreeks};

/// Rows per block: runs long enough for the prefetcher, a stride that is no power of two (else the sixteen
/// columns would fall into the same cache sets), a multiple of every vector width.
pub(super) const BLOCK: usize = 576;

pub(super) type Column = [f64; BLOCK];

#[derive(Debug, Clone)]
pub(super) struct OptionBlock {
    /// +1 for a call, −1 for a put.
    pub sign: Column,
    pub spot: Column,
    pub strike: Column,
    pub rate: Column,
    pub dividend_yield: Column,
    pub vol_annual: Column,
    pub tte_years: Column,
}

/// What the unused lanes hold.
const HARMLESS: OptionBlock = OptionBlock {
    sign: [1.0; BLOCK],
    spot: [1.0; BLOCK],
    strike: [1.0; BLOCK],
    rate: [0.0; BLOCK],
    dividend_yield: [0.0; BLOCK],
    vol_annual: [1.0; BLOCK],
    tte_years: [1.0; BLOCK],
};

impl OptionBlock {
    pub fn get(&self, lane: usize) -> OptionInputs {
        OptionInputs {
            right: if self.sign[lane] > 0.0 { Right::Call } else { Right::Put },
            spot: self.spot[lane],
            strike: self.strike[lane],
            rate: self.rate[lane],
            dividend_yield: self.dividend_yield[lane],
            vol_annual: self.vol_annual[lane],
            tte_years: self.tte_years[lane],
        }
    }

    fn set(&mut self, lane: usize, option: &OptionInputs) {
        self.sign[lane] = option.right.sign();
        self.spot[lane] = option.spot;
        self.strike[lane] = option.strike;
        self.rate[lane] = option.rate;
        self.dividend_yield[lane] = option.dividend_yield;
        self.vol_annual[lane] = option.vol_annual;
        self.tte_years[lane] = option.tte_years;
    }
}

/// Options as columns, in the order in which they were pushed.
#[derive(Debug, Clone, Default)]
pub struct OptionTable {
    pub(super) blocks: Vec<OptionBlock>,
    rows: usize,
}

impl OptionTable {
    pub fn push(&mut self, option: &OptionInputs) {
        let lane = self.rows % BLOCK;
        if lane == 0 {
            self.blocks.push(HARMLESS);
        }
        if let Some(last) = self.blocks.last_mut() {
            last.set(lane, option);
        }
        self.rows += 1;
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.rows = 0;
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// One option; `None` past the end.
    pub fn get(&self, row: usize) -> Option<OptionInputs> {
        (row < self.rows).then(|| self.blocks[row / BLOCK].get(row % BLOCK))
    }
}

impl<'a> Extend<&'a OptionInputs> for OptionTable {
    fn extend<I: IntoIterator<Item = &'a OptionInputs>>(&mut self, options: I) {
        options.into_iter().for_each(|option| self.push(option));
    }
}

impl<'a> FromIterator<&'a OptionInputs> for OptionTable {
    fn from_iter<I: IntoIterator<Item = &'a OptionInputs>>(options: I) -> Self {
        let mut table = Self::default();
        table.extend(options);
        table
    }
}

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

#[derive(Debug, Clone)]
pub(super) struct GreekBlock {
    pub price: Column,
    pub delta: Column,
    pub gamma: Column,
    pub vega: Column,
    pub theta: Column,
    pub rho: Column,
    pub vanna: Column,
    pub volga: Column,
    pub charm: Column,
}

impl GreekBlock {
    const EMPTY: Self = Self {
        price: [0.0; BLOCK],
        delta: [0.0; BLOCK],
        gamma: [0.0; BLOCK],
        vega: [0.0; BLOCK],
        theta: [0.0; BLOCK],
        rho: [0.0; BLOCK],
        vanna: [0.0; BLOCK],
        volga: [0.0; BLOCK],
        charm: [0.0; BLOCK],
    };

    fn get(&self, lane: usize) -> BatchGreeks {
        BatchGreeks {
            price: self.price[lane],
            delta: self.delta[lane],
            gamma: self.gamma[lane],
            vega: self.vega[lane],
            theta: self.theta[lane],
            rho: self.rho[lane],
            vanna: self.vanna[lane],
            volga: self.volga[lane],
            charm: self.charm[lane],
        }
    }

    pub fn set(&mut self, lane: usize, raw: &RawGreeks) {
        self.price[lane] = raw.price;
        self.delta[lane] = raw.delta;
        self.gamma[lane] = raw.gamma;
        self.vega[lane] = raw.vega.0;
        self.theta[lane] = raw.theta.0;
        self.rho[lane] = raw.rho.0;
        self.vanna[lane] = raw.vanna.0;
        self.volga[lane] = raw.volga.0;
        self.charm[lane] = raw.charm.0;
    }
}

/// The answers to an [`OptionTable`], row for row; reuse one to allocate only when it grows.
#[derive(Debug, Clone, Default)]
pub struct GreekTable {
    pub(super) blocks: Vec<GreekBlock>,
    rows: usize,
}

impl GreekTable {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// One row; `None` past the end.
    pub fn get(&self, row: usize) -> Option<BatchGreeks> {
        (row < self.rows).then(|| self.blocks[row / BLOCK].get(row % BLOCK))
    }

    pub fn iter(&self) -> impl Iterator<Item = BatchGreeks> {
        (0..self.rows).map(|row| self.blocks[row / BLOCK].get(row % BLOCK))
    }

    pub(super) fn resize(&mut self, options: &OptionTable) {
        self.blocks.resize(options.blocks.len(), GreekBlock::EMPTY);
        self.rows = options.rows;
    }
}
