//! The tables that a batch of quotes reads and fills: columns cut into blocks that stay in the first-level
//! cache. Unused lanes of the last block hold an empty quote, which the kernel leaves alone.

use super::{ImpliedVolError, implied_vol};
use crate::domain::Right;

/// Rows per block: seven columns in, nine at work, a dozen KiB in all.
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

#[derive(Debug, Clone)]
pub(super) struct QuoteBlock {
    /// +1 for a call, −1 for a put.
    pub sign: Column,
    pub price: Column,
    pub spot: Column,
    pub strike: Column,
    pub rate: Column,
    pub dividend_yield: Column,
    pub tte_years: Column,
}

impl QuoteBlock {
    const EMPTY: Self = Self {
        sign: [1.0; BLOCK],
        price: [0.0; BLOCK],
        spot: [1.0; BLOCK],
        strike: [1.0; BLOCK],
        rate: [0.0; BLOCK],
        dividend_yield: [0.0; BLOCK],
        tte_years: [1.0; BLOCK],
    };

    pub fn get(&self, lane: usize) -> QuoteInputs {
        QuoteInputs {
            right: if self.sign[lane] > 0.0 { Right::Call } else { Right::Put },
            price: self.price[lane],
            spot: self.spot[lane],
            strike: self.strike[lane],
            rate: self.rate[lane],
            dividend_yield: self.dividend_yield[lane],
            tte_years: self.tte_years[lane],
        }
    }

    fn set(&mut self, lane: usize, quote: &QuoteInputs) {
        self.sign[lane] = quote.right.sign();
        self.price[lane] = quote.price;
        self.spot[lane] = quote.spot;
        self.strike[lane] = quote.strike;
        self.rate[lane] = quote.rate;
        self.dividend_yield[lane] = quote.dividend_yield;
        self.tte_years[lane] = quote.tte_years;
    }
}

/// Quotes as columns, in the order in which they were pushed.
#[derive(Debug, Clone, Default)]
pub struct QuoteTable {
    pub(super) blocks: Vec<QuoteBlock>,
    rows: usize,
}

impl QuoteTable {
    pub fn push(&mut self, quote: &QuoteInputs) {
        let lane = self.rows % BLOCK;
        if lane == 0 {
            self.blocks.push(QuoteBlock::EMPTY);
        }
        if let Some(last) = self.blocks.last_mut() {
            last.set(lane, quote);
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

    /// One quote; `None` past the end.
    pub fn get(&self, row: usize) -> Option<QuoteInputs> {
        (row < self.rows).then(|| self.blocks[row / BLOCK].get(row % BLOCK))
    }
}

impl Extend<QuoteInputs> for QuoteTable {
    fn extend<I: IntoIterator<Item = QuoteInputs>>(&mut self, quotes: I) {
        quotes.into_iter().for_each(|quote| self.push(&quote));
    }
}

impl FromIterator<QuoteInputs> for QuoteTable {
    fn from_iter<I: IntoIterator<Item = QuoteInputs>>(quotes: I) -> Self {
        let mut table = Self::default();
        table.extend(quotes);
        table
    }
}

/// The answers to a [`QuoteTable`], row for row; reuse one to allocate only when it grows.
#[derive(Debug, Clone, Default)]
pub struct VolTable {
    pub(super) blocks: Vec<Column>,
    /// Row and reason of every row without a volatility, in order of rows.
    pub(super) errors: Vec<(usize, ImpliedVolError)>,
    rows: usize,
}

impl VolTable {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// One row; `None` past the end.
    pub fn get(&self, row: usize) -> Option<Result<f64, ImpliedVolError>> {
        if row >= self.rows {
            return None;
        }
        let found = self.errors.binary_search_by_key(&row, |error| error.0);
        Some(found.map_or_else(|_| Ok(self.blocks[row / BLOCK][row % BLOCK]), |at| Err(self.errors[at].1)))
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<f64, ImpliedVolError>> {
        let mut errors = self.errors.iter().peekable();
        (0..self.rows).map(move |row| match errors.next_if(|error| error.0 == row) {
            Some((_, error)) => Err(*error),
            None => Ok(self.blocks[row / BLOCK][row % BLOCK]),
        })
    }

    /// Rows without a volatility and why, in order.
    pub fn errors(&self) -> &[(usize, ImpliedVolError)] {
        &self.errors
    }

    pub(super) fn resize(&mut self, quotes: &QuoteTable) {
        self.blocks.resize(quotes.blocks.len(), [f64::NAN; BLOCK]);
        self.errors.clear();
        self.rows = quotes.rows;
    }
}
