//! Full revaluation of whole books, at the speed of the machine: a grid of spot × volatility × time, the days
//! of a history, the paths of a simulation. A position is valued along a *ladder* of spots of its
//! underlying, and what depends on volatility and time alone is computed once per ladder.
//!
//! Answers do not depend on the number of threads: work is cut at fixed places and added up in order.
//!
//! Never: knows a trade, a limit or the age of a quote; turns what it cannot price into a number.

mod along;
#[cfg(test)]
mod american_tests;
mod book;
mod grid;
mod holdings;
mod kernel;
mod ladder;
mod premiums;
mod simulation;
mod solved;
#[cfg(test)]
mod tests;

pub use book::{Contract, Position, Unpriceable, book_value};
pub use grid::{Axes, Grid, VolMove, grid, grid_on};
pub use holdings::Holdings;
pub use ladder::Ladders;
pub use simulation::{Simulation, historical, historical_on, monte_carlo, monte_carlo_on};
pub use solved::Solved;
