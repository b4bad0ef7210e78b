//! The tastytrade adapter against fakes on loopback: what the wire does to it, it must survive.

mod account_stream;
mod fake;
mod ledger;
mod logging;
mod market_stream;
mod peer;
mod rest;
mod simulated;
