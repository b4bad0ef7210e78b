//! The instrument behind a symbol of the broker's.

use std::sync::Arc;

use super::super::wire::Num;
use crate::domain::instrument::{is_index, listed_multiplier, parse_occ, style_of_root};
use crate::domain::symbol_forms::settlement_of_root;
use crate::domain::text::clean;
use crate::domain::{Instrument, OptionContract, Symbol};

/// Why something the broker holds is not shown as one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// Futures, crypto, bonds: held at the broker, not modelled here.
    Kind(String),
    Unreadable(&'static str),
}

/// What the symbol does not carry follows from its root, as it does in every list of the broker's.
pub fn instrument(kind: &str, text: &str, underlying: &str, multiplier: &Num) -> Result<Instrument, Skipped> {
    let symbol = || Symbol::new(text).map_err(|_| Skipped::Unreadable("symbol"));
    match kind {
        "Equity" if is_index(text) => Ok(Instrument::Index(symbol()?)),
        "Equity" => Ok(Instrument::Equity(symbol()?)),
        "Index" => Ok(Instrument::Index(symbol()?)),
        "Equity Option" => {
            let parts = parse_occ(text).map_err(|_| Skipped::Unreadable("symbol"))?;
            let multiplier = match multiplier.0 {
                Some(shares) => listed_multiplier(shares).ok_or(Skipped::Unreadable("multiplier"))?,
                None => USUAL_MULTIPLIER,
            };
            Ok(Instrument::Option(Arc::new(OptionContract {
                underlying: Symbol::new(underlying).unwrap_or_else(|_| parts.root.clone()),
                settlement: settlement_of_root(parts.root.as_str()),
                style: style_of_root(parts.root.as_str()),
                root: parts.root,
                expiry: parts.expiry,
                right: parts.right,
                strike: parts.strike,
                multiplier,
            })))
        }
        other => Err(Skipped::Kind(clean(other, 30))),
    }
}

/// Whether [`instrument`] finds this contract by its symbol and underlying alone.
pub fn is_usual(contract: &OptionContract) -> bool {
    contract.multiplier == USUAL_MULTIPLIER
        && contract.settlement == settlement_of_root(contract.root.as_str())
        && contract.style == style_of_root(contract.root.as_str())
}

const USUAL_MULTIPLIER: u32 = 100;
