//! What can be held: shares, an index value (never held, only watched), an option contract. How brokers spell it
//! is in `symbol_forms`.

use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::symbol::Symbol;
pub use super::symbol_forms::{BadOptionSymbol, OccParts, parse_occ};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Call,
    Put,
}

impl Right {
    pub fn letter(self) -> char {
        match self {
            Self::Call => 'C',
            Self::Put => 'P',
        }
    }
    /// +1 for a call, −1 for a put.
    pub fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExerciseStyle {
    American,
    European,
}

/// AM-settled contracts settle at the open of the expiration date, PM-settled at the close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    Am,
    Pm,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OptionContract {
    pub underlying: Symbol,
    /// The OCC root: SPXW for SPX weeklies, a digit at the end for adjusted deliverables.
    pub root: Symbol,
    pub expiry: NaiveDate,
    pub right: Right,
    pub strike: Decimal,
    pub settlement: Settlement,
    pub style: ExerciseStyle,
    pub multiplier: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    Equity(Symbol),
    /// A calculated value such as VIX: quoted, never held.
    Index(Symbol),
    Option(Arc<OptionContract>),
}

impl Instrument {
    /// A symbol as it is quoted: an index value, or a share.
    pub fn watched(symbol: &Symbol) -> Self {
        if is_index(symbol.as_str()) { Self::Index(symbol.clone()) } else { Self::Equity(symbol.clone()) }
    }

    pub fn underlying(&self) -> &Symbol {
        match self {
            Self::Equity(symbol) | Self::Index(symbol) => symbol,
            Self::Option(contract) => &contract.underlying,
        }
    }

    pub fn multiplier(&self) -> u32 {
        match self {
            Self::Equity(_) | Self::Index(_) => 1,
            Self::Option(contract) => contract.multiplier,
        }
    }

    pub fn option(&self) -> Option<&OptionContract> {
        match self {
            Self::Option(contract) => Some(contract),
            Self::Equity(_) | Self::Index(_) => None,
        }
    }

    /// The broker's key: the ticker, or the 21-character OCC symbol.
    pub fn broker_symbol(&self) -> String {
        match self {
            Self::Equity(symbol) | Self::Index(symbol) => symbol.to_string(),
            Self::Option(contract) => contract.occ(),
        }
    }

    /// The market-data stream's key.
    pub fn streamer_symbol(&self) -> String {
        match self {
            Self::Equity(symbol) | Self::Index(symbol) => symbol.to_string(),
            Self::Option(contract) => contract.streamer(),
        }
    }
}

/// Cash-settled index roots exercise European; everything listed on shares exercises American.
/// Neither the OCC symbol nor the nested chain says so, hence this table (Cboe product specifications).
pub fn style_of_root(root: &str) -> ExerciseStyle {
    const EUROPEAN: [&str; 11] =
        ["SPX", "SPXW", "XSP", "NDX", "NDXP", "XND", "RUT", "RUTW", "MRUT", "VIX", "VIXW"];
    if EUROPEAN.contains(&root) { ExerciseStyle::European } else { ExerciseStyle::American }
}

/// Calculated values that carry options but cannot be bought.
pub fn is_index(symbol: &str) -> bool {
    const INDICES: [&str; 10] = ["SPX", "XSP", "NDX", "XND", "RUT", "MRUT", "VIX", "VIX3M", "VIX9D", "DJX"];
    INDICES.contains(&symbol)
}

impl OptionContract {
    /// OCC's symbol, its root padded to six.
    pub fn occ(&self) -> String {
        OccParts::of(self).padded()
    }

    /// The market-data stream's symbol.
    pub fn streamer(&self) -> String {
        OccParts::of(self).streamer()
    }

    /// An adjusted contract: a digit in the root or an unusual multiplier. Shown, never priced as standard.
    pub fn is_standard(&self) -> bool {
        self.multiplier == 100 && !self.root.as_str().ends_with(|c: char| c.is_ascii_digit())
    }
}

/// A strike as option symbols can spell it: above zero, below 100 000, in thousandths. Two others could share one
/// symbol.
pub fn listed_strike(strike: Decimal) -> Option<Decimal> {
    let strike = strike.normalize();
    let listed = strike > Decimal::ZERO && strike < Decimal::from(100_000) && strike.scale() <= 3;
    listed.then_some(strike)
}

/// Shares of one contract: 100, another number after a split or a merger, never none and never a million.
pub fn listed_multiplier(shares: Decimal) -> Option<u32> {
    shares.to_u32().filter(|n| (1..1_000_000).contains(n) && Decimal::from(*n) == shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(root: &str, strike: Decimal, right: Right) -> OptionContract {
        OptionContract {
            underlying: Symbol::new("SPY").expect("a symbol"),
            root: Symbol::new(root).expect("a symbol"),
            expiry: NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
            right,
            strike,
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        }
    }

    #[test]
    fn the_two_spellings_are_those_of_the_field() {
        let call = contract("SPY", Decimal::new(6400, 1), Right::Call);
        assert_eq!(call.occ(), "SPY   261218C00640000");
        assert_eq!(call.streamer(), ".SPY261218C640");
        let half = contract("F", Decimal::new(125, 1), Right::Put);
        assert_eq!(half.occ(), "F     261218P00012500");
        assert_eq!(half.streamer(), ".F261218P12.5");
    }

    #[test]
    fn occ_symbols_read_back() {
        let parts = parse_occ("SPXW  261120P06500000").expect("a good symbol");
        assert_eq!(parts.root.as_str(), "SPXW");
        assert_eq!(parts.strike, Decimal::from(6500));
        assert_eq!(parts.right, Right::Put);
        assert!(parse_occ("BRK/A 270115P00710000").is_ok());
    }

    #[test]
    fn what_is_not_an_option_symbol_is_refused() {
        for bad in [
            "",
            "SPY",
            "SPY   261318C00640000",
            "SPY   261218X00640000",
            "SPY   261218C0064000é",
            "SPY   2612-8C00640000",
            "SPY   261218C00000000",
        ] {
            assert!(parse_occ(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn strikes_and_multipliers_are_those_that_can_be_listed() {
        assert_eq!(listed_strike(Decimal::new(525_000, 4)).map(|s| s.to_string()), Some("52.5".into()));
        let bad = [Decimal::ZERO, Decimal::NEGATIVE_ONE, Decimal::new(525_001, 4), Decimal::from(100_000)];
        assert!(bad.into_iter().chain([Decimal::MAX]).all(|strike| listed_strike(strike).is_none()));
        assert_eq!(listed_multiplier(Decimal::new(1000, 1)), Some(100));
        let bad = [Decimal::ZERO, Decimal::NEGATIVE_ONE, Decimal::new(1005, 1), Decimal::from(u32::MAX)];
        assert!(bad.into_iter().all(|shares| listed_multiplier(shares).is_none()));
        assert!(contract("SPY", Decimal::MAX, Right::Call).occ().starts_with("SPY   261218C"), "no overflow");
    }

    #[test]
    fn a_digit_in_the_root_marks_an_adjusted_contract() {
        assert!(contract("SPY", Decimal::TEN, Right::Call).is_standard());
        assert!(!contract("AAPL1", Decimal::TEN, Right::Call).is_standard());
    }
}
