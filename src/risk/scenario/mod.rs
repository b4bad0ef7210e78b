//! What the book would be worth somewhere else: the spot and vol grid, named stresses, the spot move that
//! loses a given amount. Every cell is a full revaluation of every leg.
//!
//! Never: prices a leg from its Greeks, except in the Taylor estimate that stands beside the full value.

pub mod grid;
pub mod revalue;
pub mod reverse;
pub mod shocks;
pub mod stress;

pub use grid::{Cell, GridRequest, LegGrid, ScenarioGrid, Subject, UnderlyingPnl, WorstCell};
pub use revalue::Revaluation;
pub use reverse::{LossPoint, loss_points};
pub use shocks::{Roll, Shock, SpotShock, VolShock};
pub use stress::{StressResult, StressSet};
