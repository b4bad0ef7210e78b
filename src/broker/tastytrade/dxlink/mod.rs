//! The market stream: DXLink frames, their layout, subscriptions and candles as values; and the client that
//! moves them over a socket.
//!
//! Never: means anything by a number; that is `parse::market`'s business.

pub(super) mod candles;
pub(super) mod client;
pub(super) mod layout;
pub(super) mod protocol;
pub(super) mod subscriptions;

#[cfg(test)]
mod protocol_tests;
