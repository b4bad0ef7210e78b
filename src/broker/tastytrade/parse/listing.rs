//! Shares, single contracts, dividends and reports of the past, symbols that a search finds.

use std::sync::Arc;

use super::amount::word;
use super::chain::increments;
use crate::broker::tastytrade::wire::{Many, listing as wire};
use crate::broker::values::plausible;
use crate::domain::instrument::{listed_multiplier, listed_strike, parse_occ, style_of_root};
use crate::domain::ledger::Listed;
use crate::domain::listing::{
    ChainKind, EquityDetails, ExpirationKind, Lendability, OptionDetails, PastDividend, PastEarnings,
    SymbolFound,
};
use crate::domain::symbol_forms::settlement_of_root;
use crate::domain::{ExerciseStyle, OptionContract, Settlement, Symbol};

const LONGEST_DESCRIPTION: usize = 100;

/// `None` where its symbol is none.
pub fn equity(wire: &wire::Equity) -> Option<EquityDetails> {
    Some(EquityDetails {
        symbol: Symbol::new(wire.symbol.as_str()).ok()?,
        description: word(wire.description.as_str(), LONGEST_DESCRIPTION),
        is_index: wire.is_index.0,
        is_etf: wire.is_etf.0,
        active: wire.active.0,
        closing_only: wire.is_closing_only.0,
        options_closing_only: wire.is_options_closing_only.0,
        illiquid: wire.is_illiquid.0,
        fractional: wire.is_fractional_quantity_eligible.0,
        overnight: wire.overnight_trading_permitted.0,
        lendability: Lendability::of(wire.lendability.as_str()),
        borrow_rate: wire.borrow_rate.0.map(|rate| rate.normalize()),
        listed_market: word(wire.listed_market.as_str(), 20),
        increments: increments(&wire.tick_sizes).unwrap_or_default(),
        option_increments: increments(&wire.option_tick_sizes).unwrap_or_default(),
    })
}

/// The symbol and the fields must tell the same contract: one that contradicts itself is worth nothing.
pub fn option(wire: &wire::EquityOption) -> Option<OptionDetails> {
    let parts = parse_occ(wire.symbol.as_str()).ok()?;
    let strike = wire.strike_price.0.map_or(Some(parts.strike), listed_strike)?;
    let right = match wire.option_type.as_str() {
        "" => parts.right.letter(),
        text => text.chars().next()?.to_ascii_uppercase(),
    };
    let agrees = strike == parts.strike
        && right == parts.right.letter()
        && wire.expiration_date.0.is_none_or(|date| date == parts.expiry)
        && Symbol::new(wire.root_symbol.as_str()).map_or(true, |root| root == parts.root);
    if !agrees {
        return None;
    }
    let root = parts.root.as_str();
    let contract = OptionContract {
        underlying: Symbol::new(wire.underlying_symbol.as_str()).unwrap_or_else(|_| parts.root.clone()),
        settlement: match wire.settlement_type.as_str() {
            "AM" => Settlement::Am,
            "PM" => Settlement::Pm,
            _ => settlement_of_root(root),
        },
        style: match wire.exercise_style.as_str() {
            "American" => ExerciseStyle::American,
            "European" => ExerciseStyle::European,
            _ => style_of_root(root),
        },
        expiry: parts.expiry,
        right: parts.right,
        strike: parts.strike,
        multiplier: wire.shares_per_contract.0.map_or(Some(100), listed_multiplier)?,
        root: parts.root.clone(),
    };
    Some(OptionDetails {
        symbol: contract.occ(),
        contract: Arc::new(contract),
        active: wire.active.0,
        closing_only: wire.is_closing_only.0,
        expiration: ExpirationKind::of(wire.expiration_type.as_str()),
        chain: ChainKind::of(wire.option_chain_type.as_str()),
        expires_at: wire.expires_at.0,
        stops_trading_at: wire.stops_trading_at.0,
    })
}

/// Those that `read` makes something of, and the number of the others.
pub fn listed<W, T>(wire: Many<W>, read: impl Fn(&W) -> Option<T>) -> Listed<T> {
    let all = wire.good.len() + wire.bad;
    let rows: Vec<T> = wire.good.iter().filter_map(read).collect();
    Listed { unread: all - rows.len(), rows }
}

pub fn dividends(wire: Many<wire::Occurred>) -> Listed<PastDividend> {
    let one = |row: &wire::Occurred| {
        Some(PastDividend { date: row.occurred_date.0?, amount: plausible(row.amount.0) })
    };
    let mut read = listed(wire, one);
    read.rows.sort_by_key(|row| std::cmp::Reverse(row.date));
    read
}

pub fn earnings(wire: Many<wire::Occurred>) -> Listed<PastEarnings> {
    let one = |row: &wire::Occurred| {
        Some(PastEarnings { date: row.occurred_date.0?, per_share: row.eps.0.map(|eps| eps.normalize()) })
    };
    let mut read = listed(wire, one);
    read.rows.sort_by_key(|row| std::cmp::Reverse(row.date));
    read
}

pub fn found(wire: &wire::Found) -> Option<SymbolFound> {
    let symbol = word(wire.symbol.as_str(), 48)?;
    Some(SymbolFound { symbol, description: word(wire.description.as_str(), LONGEST_DESCRIPTION) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tastytrade::wire::Items;

    const CALL: &str = r#"{"symbol":"SPXW  261218C06400000","active":true,"strike-price":"6400.0","root-symbol":"SPXW",
        "underlying-symbol":"SPX","option-type":"C","option-chain-type":"Standard","expiration-date":"2026-12-18",
        "expiration-type":"End-Of-Month","expires-at":"2026-12-18T21:00:00.000+00:00","exercise-style":"European",
        "settlement-type":"PM","shares-per-contract":"100","is-closing-only":false,"days-to-expiration":-3}"#;

    fn read(json: &str) -> Option<OptionDetails> {
        option(&serde_json::from_str(json).expect("any object is read"))
    }

    #[test]
    fn a_contract_is_what_symbol_and_fields_agree_on() {
        let call = read(CALL).expect("a contract");
        assert_eq!(
            (call.contract.style, call.contract.underlying.as_str()),
            (ExerciseStyle::European, "SPX")
        );
        assert_eq!(call.expiration, Some(ExpirationKind::EndOfMonth));
        for (from, to) in [
            ("6400.0", "6401"),
            ("\"C\"", "\"Put\""),
            ("2026-12-18\",\n", "2026-12-19\",\n"),
            ("\"root-symbol\":\"SPXW\"", "\"root-symbol\":\"SPX\""),
            ("\"100\"", "0"),
            ("261218C06400000", "nonsense"),
        ] {
            assert_eq!(read(&CALL.replace(from, to)), None, "{to}");
        }
        let bare = read(r#"{"symbol":"AAPL1 261218P00100000","exercise-style":"Bermudan","active":null}"#);
        let bare = bare.expect("the symbol is enough");
        assert_eq!((bare.contract.style, bare.active), (ExerciseStyle::American, None));
    }

    #[test]
    fn a_share_needs_its_symbol_only() {
        let read = |json: &str| equity(&serde_json::from_str(json).expect("any object is read"));
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"symbol":"\u001b[2J"}"#), None);
        let odd = read(
            r#"{"symbol":"GME","is-etf":"false","lendability":"By Appointment","borrow-rate":0.125,
                "tick-sizes":[{"threshold":"1.0","value":"0.0001"},{"value":"0.01"}],"option-tick-sizes":[{"value":"NaN"}]}"#,
        )
        .expect("a share");
        assert_eq!((odd.is_etf, odd.is_index), (Some(false), None));
        assert_eq!(odd.lendability, Some(Lendability::Other("By Appointment".into())));
        assert_eq!((odd.increments.len(), odd.option_increments.len()), (2, 0));
    }

    #[test]
    fn the_past_is_told_newest_first_and_a_row_without_a_day_is_counted() {
        let rows = r#"{"items":[{"occurred-date":"2026-06-18","amount":1.8},{"amount":"1"},
            {"occurred-date":"2026-09-18","amount":"NaN","eps":"-0.25"}]}"#;
        let items = || {
            let read: Items<wire::Occurred> = serde_json::from_str(rows).expect("rows");
            read.items
        };
        let paid = dividends(items());
        assert_eq!((paid.rows.len(), paid.unread), (2, 1));
        assert_eq!((paid.rows[0].date.to_string().as_str(), paid.rows[0].amount), ("2026-09-18", None));
        assert_eq!(earnings(items()).rows[0].per_share.map(|eps| eps.to_string()), Some("-0.25".into()));
    }
}
