//! The promises that hold for any bytes. Each target is a plain function that panics where a promise is broken:
//! libFuzzer calls it from `fuzz/`, and `cargo test` replays kept and made-up inputs through it.
//!
//! Never: part of the program. It is compiled for tests and with the feature `fuzzing` only. What is private to a
//! module is tried inside of that module and named here.

mod bytes;
mod files;
pub(crate) mod pricing;
mod words;

pub(crate) use bytes::Bytes;
pub(crate) use files::{quotable, spelt};

pub use crate::broker::tastytrade::fuzzing::{dxlink, rest};
pub use crate::broker::tradier::fuzzing::tradier;
pub use crate::cli::fuzzing::{iv_batch, price_batch};
pub use crate::config::fuzzing::config;
pub use crate::store::fuzzing::store_json;
pub use files::{book_file, chain_file, history_file};
pub use pricing::{american, european, implied_vol, payoff};
pub use words::{command_line, symbols};

/// What is tried.
pub type Body = fn(&[u8]);

/// All targets by the name under which `fuzz/` runs them.
pub const TARGETS: [(&str, Body); 16] = [
    ("american", american),
    ("book_file", book_file),
    ("chain_file", chain_file),
    ("command_line", command_line),
    ("config", config),
    ("dxlink", dxlink),
    ("european", european),
    ("history_file", history_file),
    ("implied_vol", implied_vol),
    ("iv_batch", iv_batch),
    ("payoff", payoff),
    ("price_batch", price_batch),
    ("rest", rest),
    ("store_json", store_json),
    ("symbols", symbols),
    ("tradier", tradier),
];

/// What is told to a person is one short line that moves no cursor.
#[track_caller]
pub(crate) fn tellable(message: &str) {
    assert!(!message.is_empty(), "an error without words");
    assert!(message.chars().count() <= 1_000, "{} characters: {message:.300}…", message.chars().count());
    assert!(!message.chars().any(char::is_control), "control characters in {message:?}");
}

#[cfg(test)]
mod replay;
