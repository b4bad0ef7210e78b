//! Nested option chains.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::contract;
use crate::broker::tastytrade::wire::instrument as wire;
use crate::broker::tastytrade::wire::{Many, Num};
use crate::broker::values::positive_price;
use crate::domain::instrument::{listed_multiplier, listed_strike, parse_occ, style_of_root};
use crate::domain::symbol_forms::settlement_of_root;
use crate::domain::{Instrument, OptionContract, Right, Settlement, Symbol};
use crate::market::update::{ChainStrike, Expiration, Increment, OptionChain};

/// A chain, how much of it could not be read, and the stream names that differ from the usual spelling.
pub struct ParsedChain {
    pub chain: OptionChain,
    pub unreadable: usize,
    pub streamer_names: Vec<(Instrument, String)>,
    /// Contracts whose symbol does not tell the whole of them.
    pub unusual: Vec<Instrument>,
}

/// All standard roots of the underlying. Two roots may expire on one date (SPX in the morning, SPXW in the
/// afternoon): each keeps an expiration of its own. Adjusted roots are left out: nothing is opened on them.
pub fn chain(underlying: &Symbol, roots: Many<wire::NestedChain>) -> ParsedChain {
    let mut parsed = ParsedChain {
        chain: OptionChain {
            underlying: underlying.clone(),
            expirations: Vec::new(),
            increments: BTreeMap::new(),
        },
        unreadable: roots.bad,
        streamer_names: Vec::new(),
        unusual: Vec::new(),
    };
    for root in roots.good {
        if !matches!(root.option_chain_type.as_str(), "" | "Standard") {
            continue;
        }
        parsed.unreadable += root.expirations.bad;
        let Ok(symbol) =
            Symbol::new(root.root_symbol.as_str()).or_else(|_| Symbol::new(root.underlying_symbol.as_str()))
        else {
            parsed.unreadable += 1;
            continue;
        };
        if let Some(increments) = increments(&root.tick_sizes) {
            parsed.chain.increments.insert(symbol.clone(), increments);
        }
        let Some(multiplier) = root.shares_per_contract.0.map_or(Some(100), listed_multiplier) else {
            parsed.unreadable += 1;
            continue;
        };
        for expiration in &root.expirations.good {
            parsed.expiration(&symbol, multiplier, expiration);
        }
    }
    let am_first = |expiration: &Expiration| {
        let first = expiration.strikes.first().and_then(|strike| strike.call.option());
        (expiration.date, first.map(|contract| contract.settlement))
    };
    parsed.chain.expirations.sort_by_key(am_first);
    parsed
}

impl ParsedChain {
    fn expiration(&mut self, root: &Symbol, multiplier: u32, wire: &wire::NestedExpiration) {
        self.unreadable += wire.strikes.bad;
        let Some(date) = wire.expiration_date.0 else {
            self.unreadable += 1;
            return;
        };
        let settlement = match wire.settlement_type.as_str() {
            "AM" => Settlement::Am,
            "PM" => Settlement::Pm,
            _ => settlement_of_root(root.as_str()),
        };
        let mut strikes = Vec::with_capacity(wire.strikes.good.len());
        for row in &wire.strikes.good {
            let listed = |right| OptionContract {
                underlying: self.chain.underlying.clone(),
                root: root.clone(),
                expiry: date,
                right,
                strike: Decimal::ZERO,
                settlement,
                style: style_of_root(root.as_str()),
                multiplier,
            };
            let call = completed(listed(Right::Call), row.strike_price.0, row.call.as_str());
            let put = completed(listed(Right::Put), row.strike_price.0, row.put.as_str());
            let (Some(call), Some(put)) = (call, put) else {
                self.unreadable += 1;
                continue;
            };
            self.streamer_name(&call, row.call_streamer_symbol.as_str());
            self.streamer_name(&put, row.put_streamer_symbol.as_str());
            let Some(strike) = call.option().map(|contract| contract.strike) else { continue };
            let told = |side: &&Instrument| side.option().is_some_and(contract::is_usual);
            self.unusual.extend([&call, &put].into_iter().filter(|side| !told(side)).cloned());
            strikes.push(ChainStrike { strike, call, put });
        }
        strikes.sort_by_key(|strike| strike.strike);
        strikes.dedup_by_key(|strike| strike.strike);
        if !strikes.is_empty() {
            self.chain.expirations.push(Expiration { date, strikes });
        }
    }

    fn streamer_name(&mut self, instrument: &Instrument, named: &str) {
        if !named.is_empty() && named != instrument.streamer_symbol() {
            self.streamer_names.push((instrument.clone(), named.to_owned()));
        }
    }
}

/// All of them or none: with a hole in it the table would name a wrong increment.
pub fn increments(wire: &Many<wire::TickSize>) -> Option<Vec<Increment>> {
    let positive = |number: &Num| positive_price(number).map(|price| price.0.normalize());
    let one = |size: &wire::TickSize| {
        let below = size.threshold.as_ref().map(|below| positive(below).ok_or(())).transpose().ok()?;
        Some(Increment { below, tick: positive(&size.value)? })
    };
    let mut told: Vec<Increment> = wire.good.iter().map(one).collect::<Option<_>>()?;
    told.sort_by_key(|increment| (increment.below.is_none(), increment.below));
    (wire.bad == 0 && !told.is_empty()).then_some(told)
}

/// Completes one side of a strike. The OCC symbol and the row must tell the same contract: a row that
/// contradicts itself is worth nothing.
fn completed(mut listed: OptionContract, strike: Option<Decimal>, occ: &str) -> Option<Instrument> {
    listed.strike = listed_strike(strike?)?;
    if !occ.is_empty() {
        let parts = parse_occ(occ).ok()?;
        let agrees = parts.root == listed.root
            && parts.strike == listed.strike
            && parts.expiry == listed.expiry
            && parts.right == listed.right;
        if !agrees {
            return None;
        }
    }
    Some(Instrument::Option(Arc::new(listed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tastytrade::wire::Items;

    const TWO_ROOTS: &str = r#"{"items":[
      {"underlying-symbol":"SPX","root-symbol":"SPXW","option-chain-type":"Standard","shares-per-contract":100,
       "tick-sizes":[{"value":"0.10"},{"threshold":3.0,"value":"0.05"}],
       "expirations":[{"expiration-date":"2026-12-18","settlement-type":"PM","strikes":[
         {"strike-price":"6500.0","call":"SPXW  261218C06500000","call-streamer-symbol":".SPXW261218C6500",
          "put":"SPXW  261218P06500000","put-streamer-symbol":".SPXW261218P6500"},
         {"strike-price":6400,"call":"SPXW  261218C06400000","put":"SPXW  261218P06400000"},
         {"strike-price":"6300","call":"SPXW  261218C06200000","put":"SPXW  261218P06300000"}]}]},
      {"underlying-symbol":"SPX","root-symbol":"SPX","shares-per-contract":"100",
       "tick-sizes":[{"value":"0.05"},{"threshold":"NaN","value":"0.01"}],
       "expirations":[{"expiration-date":"2026-12-18","settlement-type":"AM","strikes":[
         {"strike-price":"6500.0","call":"SPX   261218C06500000","put":"SPX   261218P06500000"}]},
         {"settlement-type":"AM","strikes":[]}]},
      {"underlying-symbol":"SPX","root-symbol":"SPX1","option-chain-type":"Non-standard","expirations":[]}
    ]}"#;

    #[test]
    fn each_root_keeps_its_own_expiration_and_settlement() {
        let roots: Items<wire::NestedChain> = serde_json::from_str(TWO_ROOTS).expect("a chain");
        let parsed = chain(&Symbol::new("SPX").expect("a symbol"), roots.items);
        let told: Vec<_> = parsed
            .chain
            .expirations
            .iter()
            .map(|e| {
                let call = e.strikes[0].call.option().expect("an option");
                (call.root.as_str().to_owned(), call.settlement, e.strikes.len())
            })
            .collect();
        assert_eq!(told, [("SPX".to_owned(), Settlement::Am, 1), ("SPXW".to_owned(), Settlement::Pm, 2)]);
        assert_eq!(parsed.chain.expirations[1].strikes[0].strike, Decimal::from(6400));
        // The strike that contradicts its symbol and the expiration without a date.
        assert_eq!(parsed.unreadable, 2);
        assert!(parsed.streamer_names.is_empty());
        let [(root, told)] = &parsed.chain.increments.into_iter().collect::<Vec<_>>()[..] else {
            panic!("only a table that reads completely counts")
        };
        let nickel = Increment { below: Some(Decimal::from(3)), tick: Decimal::new(5, 2) };
        let dime = Increment { below: None, tick: Decimal::new(1, 1) };
        assert_eq!((root.as_str(), &told[..]), ("SPXW", &[nickel, dime][..]));
    }
}
