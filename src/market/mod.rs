//! What the market says and how old it is: quotes, chains, calendar, rates, dividends, history; and
//! `MarketView`, the immutable picture that the centre reads.
//!
//! Never: opens a socket, hears of a broker, asks the time.

pub mod calendar;
pub mod update;
