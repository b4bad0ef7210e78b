//! Wire → our words: the only translator.
//!
//! Never: asks anything of the network, keeps state, invents a value that was not sent.

use std::sync::Arc;

use crate::domain::symbol_forms::{OccParts, parse_occ, settlement_of_root, underlying_of_root};
use crate::domain::{Instrument, Symbol};

pub(super) mod accounts;
pub(super) mod events;
pub(super) mod market;
pub(super) mod orders;
pub(super) mod records;

pub(super) const BROKER: &str = "tradier";

/// Shares of a contract: the broker's lists of symbols do not say, and adjusted contracts have a digit in the root.
const USUAL_MULTIPLIER: u32 = 100;

/// Our spelling → Tradier's: OCC without padding.
pub fn symbol(instrument: &Instrument) -> String {
    match instrument {
        Instrument::Equity(symbol) | Instrument::Index(symbol) => symbol.to_string(),
        Instrument::Option(contract) => OccParts::of(contract).compact(),
    }
}

/// One symbol names the whole of an instrument: nothing else comes with it.
pub fn instrument(text: &str) -> Option<Instrument> {
    match parse_occ(text) {
        Ok(parts) => {
            let underlying = underlying_of_root(&parts.root);
            let settlement = settlement_of_root(parts.root.as_str());
            let contract = parts.contract(underlying, settlement, USUAL_MULTIPLIER);
            Some(Instrument::Option(Arc::new(contract)))
        }
        Err(_) => Symbol::new(text).ok().map(|symbol| Instrument::watched(&symbol)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_names_its_instrument_and_is_spelt_back() {
        for text in ["SPY", "VIX", "BRK/B", "SPY261218C00570000", "SPXW261218P06400000", "F261218P00012500"] {
            let read = instrument(text).expect("an instrument");
            assert_eq!(symbol(&read), text);
        }
        let weekly = instrument("SPXW261218P06400000").expect("an instrument");
        assert_eq!(weekly.underlying().as_str(), "SPX");
        assert_eq!(weekly.broker_symbol(), "SPXW  261218P06400000");
        assert!(instrument("spy\u{202e}").is_none());
    }
}
