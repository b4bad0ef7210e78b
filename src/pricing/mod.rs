//! Value, Greeks and implied volatility of one contract; payoff, odds and expectations of a structure; the
//! volatility surface.
//!
//! Never: knows a position, a quote's age or a broker.

pub mod american;
pub mod batch;
pub mod black_scholes;
mod columns;
pub mod exercise;
pub mod expected_value;
pub mod first_passage;
pub mod implied_vol;
pub mod inputs;
pub mod payoff;
pub mod probability;
pub mod surface;
pub mod svi;

pub use black_scholes::{RawGreeks, UnitGreeks, greeks, price, raw_greeks, raw_greeks_in_range};
pub use exercise::Exercise;
pub use implied_vol::{ImpliedVolError, QuoteInputs, QuoteTable, VolTable, implied_vol, implied_vols};
pub use inputs::OptionInputs;

#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod sampled_tests;
