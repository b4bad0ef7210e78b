//! What the book would be worth somewhere else: the spot and vol grid, named stresses, the spot move that
//! loses a given amount. Every cell is a full revaluation of every leg.
//!
//! Never: prices a leg from its Greeks, except in the Taylor estimate that stands beside the full value.

pub mod revalue;
pub mod shocks;
