//! What a trader types, and the spellings of symbols.

use super::files::spelt;
use super::tellable;
use crate::domain::command_line::{parse_booking, split_rationale};
use crate::domain::instrument::{Settlement, parse_occ, style_of_root};
use crate::domain::text::clean;
use crate::domain::{Instrument, OptionContract, Symbol};
use crate::sim::world::parse_streamer;

/// Booking lines: figures within their ranges whatever the order and the case of the words, or a short refusal with
/// its remedy.
pub fn command_line(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (line, rationale) = split_rationale(text);
    assert!(text.starts_with(line) && rationale.is_none_or(|why| !why.trim().is_empty()));
    let read = parse_booking(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    if let [underlying, others @ ..] = words.as_slice() {
        let turned: Vec<&str> = std::iter::once(underlying).chain(others.iter().rev()).copied().collect();
        let turned = parse_booking(&turned.join("  "));
        assert_eq!(read.as_ref().ok(), turned.as_ref().ok(), "the order of {line:?} matters");
        let loud = parse_booking(&line.to_ascii_uppercase());
        assert_eq!(read.as_ref().ok(), loud.as_ref().ok(), "the case of {line:?} matters");
    }
    match read {
        Ok(booking) => {
            assert!(booking.days.is_none_or(|days| days <= 1_100));
            assert!(booking.delta.is_none_or(|delta| (1..=99).contains(&delta)));
            assert!((1..=500).contains(&booking.lots));
            let width = booking.width.unwrap_or(rust_decimal::Decimal::ONE);
            assert!(width > rust_decimal::Decimal::ZERO && width <= rust_decimal::Decimal::ONE_THOUSAND);
            let stored = serde_json::to_string(&booking).expect("it serialises");
            assert_eq!(serde_json::from_str(&stored).ok(), Some(booking), "{stored}");
        }
        Err(bad) => {
            tellable(&bad.to_string());
            tellable(bad.remedy());
        }
    }
}

/// Symbols, OCC symbols and stream symbols: what is read is spelt back the same.
pub fn symbols(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Symbol::new(text) {
        Ok(symbol) => {
            assert_eq!(Symbol::new(symbol.as_str()).as_ref(), Ok(&symbol));
            assert_eq!(clean(symbol.as_str(), 48), symbol.as_str(), "it shows as it is");
        }
        Err(bad) => tellable(&bad.to_string()),
    }
    let read = match parse_occ(text) {
        Ok(parts) => Some(parts),
        Err(bad) => {
            tellable(&bad.to_string());
            None
        }
    };
    for parts in [read, parse_streamer(text)].into_iter().flatten() {
        let contract = OptionContract {
            underlying: parts.root.clone(),
            style: style_of_root(parts.root.as_str()),
            root: parts.root,
            expiry: parts.expiry,
            right: parts.right,
            strike: parts.strike,
            settlement: Settlement::Pm,
            multiplier: 100,
        };
        spelt(&Instrument::Option(contract.into()));
    }
    let shown = clean(text, 40);
    assert!(shown.chars().count() <= 40 && !shown.chars().any(char::is_control), "{shown:?}");
    assert_eq!(clean(&shown, 40), shown, "clean text stays as it is");
}
