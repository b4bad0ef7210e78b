//! Numbers without finance: the normal distribution, sample statistics, covariance, random streams,
//! vector building blocks.
//!
//! Never: knows a price, a date or an instrument.

pub mod cholesky;
pub mod cornish_fisher;
pub mod covariance;
pub mod least_squares;
pub mod normal;
pub mod normals;
#[cfg(test)]
pub(crate) mod optional_data;
pub mod philox;
pub mod stats;
pub mod tail;
pub mod vector;
