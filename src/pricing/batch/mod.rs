//! Black-Scholes-Merton over columns: value and eight Greeks of many options at once, in mathematical
//! units. A vector kernel works on blocks that stay in the cache; rows outside its domain
//! (expired, no volatility, no spot, extreme or not finite) are done again by the scalar formulas, so that
//! every row has the same meaning as [`raw_greeks`](super::raw_greeks).
//!
//! Never: allocates per row, knows a position or a unit of the screen.

mod kernel;
mod table;
#[cfg(test)]
mod tests;

pub use kernel::{greeks, greeks_on, prices, prices_on};
pub use table::{BatchGreeks, GreekTable, OptionTable};
