//! What the market says and how old it is: quotes, chains, calendar, rates, dividends, history; and
//! `MarketView`, the immutable picture that the centre reads.
//!
//! Never: opens a socket, hears of a broker, asks the time.

pub mod board;
pub mod calendar;
pub mod chain_file;
pub mod dividends;
pub mod events;
pub mod history;
pub mod history_file;
pub mod indicators;
pub mod quote;
pub mod rates;
pub mod table;
pub mod update;
pub mod view;
