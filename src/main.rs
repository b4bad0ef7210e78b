//! The `cotrader` program.

fn main() {}
