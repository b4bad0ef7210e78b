//! The tables that a batch of quotes reads and fills.

use super::{ImpliedVolError, implied_vol};
use crate::domain::Right;
use crate::pricing::columns::{Block, Table, block};

/// Rows per block, which stays in the first-level cache: seven columns in, nine at work, a dozen KiB in all.
pub(super) const BLOCK: usize = 128;

pub(super) type Column = [f64; BLOCK];

/// What the model needs to know about one quote. Price in the units of spot and strike, paid today; rates
/// continuously compounded per year; time in years of 365 × 86 400 seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoteInputs {
    pub right: Right,
    pub price: f64,
    pub spot: f64,
    pub strike: f64,
    pub rate: f64,
    pub dividend_yield: f64,
    pub tte_years: f64,
}

impl QuoteInputs {
    pub fn implied_vol(&self) -> Result<f64, ImpliedVolError> {
        let Self { right, price, spot, strike, rate, dividend_yield, tte_years } = *self;
        implied_vol(right, price, spot, strike, rate, dividend_yield, tte_years)
    }
}

block!(
    /// Unused lanes hold an empty quote, which the kernel leaves alone.
    QuoteBlock: BLOCK, QuoteInputs (right as sign) {
        price: f64 = 0.0,
        spot: f64 = 1.0,
        strike: f64 = 1.0,
        rate: f64 = 0.0,
        dividend_yield: f64 = 0.0,
        tte_years: f64 = 1.0,
    }
);

pub type QuoteTable = Table<QuoteBlock>;

impl Block for Column {
    type Row = f64;
    const ROWS: usize = BLOCK;
    const EMPTY: Self = [f64::NAN; BLOCK];

    fn get(&self, lane: usize) -> f64 {
        self[lane]
    }

    fn set(&mut self, lane: usize, vol: &f64) {
        self[lane] = *vol;
    }
}

/// The answers to a [`QuoteTable`], row for row; reuse one to allocate only when it grows.
#[derive(Debug, Clone, Default)]
pub struct VolTable {
    pub(super) vols: Table<Column>,
    /// Row and reason of every row without a volatility, in order of rows.
    pub(super) errors: Vec<(usize, ImpliedVolError)>,
}

impl VolTable {
    pub fn len(&self) -> usize {
        self.vols.len()
    }

    pub fn is_empty(&self) -> bool {
        self.vols.is_empty()
    }

    /// One row; `None` past the end.
    pub fn get(&self, row: usize) -> Option<Result<f64, ImpliedVolError>> {
        let vol = self.vols.get(row)?;
        let found = self.errors.binary_search_by_key(&row, |error| error.0);
        Some(found.map_or(Ok(vol), |at| Err(self.errors[at].1)))
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<f64, ImpliedVolError>> {
        let mut errors = self.errors.iter().peekable();
        self.vols.iter().enumerate().map(move |(row, vol)| match errors.next_if(|error| error.0 == row) {
            Some((_, error)) => Err(*error),
            None => Ok(vol),
        })
    }

    /// Rows without a volatility and why, in order.
    pub fn errors(&self) -> &[(usize, ImpliedVolError)] {
        &self.errors
    }

    pub(super) fn resize(&mut self, rows: usize) {
        self.vols.resize(rows);
        self.errors.clear();
    }
}
