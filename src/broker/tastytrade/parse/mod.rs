//! Wire → our words: the only translator.
//!
//! Never: asks anything of the network, keeps state, invents a value that was not sent.

use rust_decimal::Decimal;

use super::wire::Num;
use crate::domain::{Price, Settlement};

pub(super) mod accounts;
pub(super) mod chain;
pub(super) mod contract;
pub(super) mod feed;
pub(super) mod market;
pub(super) mod orders;

#[cfg(test)]
mod recorded_tests;

pub(super) const BROKER: &str = "tastytrade";

/// As it was sent; one that nothing costs is none.
fn plausible(value: Option<Decimal>) -> Option<Price> {
    value.map(|value| Price(value.normalize())).filter(|price| price.is_plausible())
}

/// A price that may be zero, as a bid may; never negative.
fn price(number: &Num) -> Option<Price> {
    plausible(number.0)
}

/// A price that cannot be zero: there it means "none".
fn positive_price(number: &Num) -> Option<Price> {
    price(number).filter(|price| !price.0.is_zero())
}

/// How a root settles where the broker does not say, as with positions: the standard monthly contracts of
/// these cash-settled indices settle at the open (Cboe product specifications), everything else at the close.
fn settlement_of_root(root: &str) -> Settlement {
    const AT_THE_OPEN: [&str; 6] = ["SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"];
    if AT_THE_OPEN.contains(&root) { Settlement::Am } else { Settlement::Pm }
}
