#![doc = include_str!("../docs/architecture.md")]

// -- the words
pub mod domain;
pub mod numerics;

// -- the centre: pure, no clock, no I/O
pub mod advisor;
pub mod booking;
pub mod containers;
pub mod engine;
pub mod market;
pub mod pricing;
pub mod risk;
pub mod snapshot;

// -- the edge
pub mod broker;
pub mod sim;
pub mod store;
pub mod tui;

// -- assembly
pub mod cli;
pub mod config;
pub mod runtime;

// -- no part of the program: what must hold for any bytes
#[doc(hidden)]
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
