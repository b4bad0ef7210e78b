//! The volatility at which the model gives an observed price, or the reason why there is none: of one quote,
//! and of many at once on vector instructions. The batch means the same as the scalar function row for row.
//!
//! Never: knows a quote's age, a chain or a unit of the screen.

mod batch;
mod formula;
mod scalar;
mod table;
#[cfg(test)]
mod tests;

pub use batch::{implied_vols, implied_vols_on};
pub use scalar::implied_vol;
pub use table::{QuoteInputs, QuoteTable, VolTable};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ImpliedVolError {
    #[error("the price is below the discounted intrinsic value; check spot, rate and dividends")]
    BelowIntrinsic,
    #[error("the price is exactly the discounted intrinsic value: no time value is left to invert")]
    AtIntrinsic,
    #[error("the price is above the highest that any volatility gives; check the quote")]
    AboveMax,
    #[error("the price is the highest possible: no finite volatility gives it; check the quote")]
    AtMax,
    #[error("the price is zero; use a quote with a bid")]
    ZeroPrice,
    #[error("the price is negative; check the quote")]
    NegativePrice,
    #[error("an input is not a finite, positive number; check the row")]
    NotFinite,
    #[error("no time is left to expiry; an expired option has no implied volatility")]
    Expired,
    #[error(
        "the volatility is beyond the range of numbers that can be searched; check rates, time and price"
    )]
    OutOfRange,
}

impl ImpliedVolError {
    /// The word used in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::BelowIntrinsic => "below_intrinsic",
            Self::AtIntrinsic => "at_intrinsic",
            Self::AboveMax => "above_max",
            Self::AtMax => "at_max",
            Self::ZeroPrice => "zero_price",
            Self::NegativePrice => "negative_price",
            Self::NotFinite => "not_finite",
            Self::Expired => "expired",
            Self::OutOfRange => "out_of_range",
        }
    }
}
