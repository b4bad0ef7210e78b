//! Numbers without finance: the normal distribution, sample statistics, regression.
//!
//! Never: knows a price, a date or an instrument.

pub mod normal;
#[cfg(test)]
pub(crate) mod optional_data;
pub mod stats;
