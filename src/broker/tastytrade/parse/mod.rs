//! Wire → our words: the only translator.
//!
//! Never: asks anything of the network, keeps state, invents a value that was not sent.

pub(super) mod accounts;
mod amount;
pub(super) mod chain;
pub(super) mod contract;
pub(super) mod feed;
pub(super) mod ledger;
pub(super) mod listing;
pub(super) mod market;
pub(super) mod orders;
pub(super) mod records;

#[cfg(test)]
mod recorded_tests;

pub(super) const BROKER: &str = "tastytrade";
