//! What a contract leaves behind on the evening it ends, or when its owner exercises it: nothing, cash, or shares at the
//! strike.
//!
//! Never: looks up what the underlying closed at.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::instrument::{ExerciseStyle, OptionContract, Right, is_index};

/// In the money by less than this is worth nothing to anybody, in dollars a share.
const LEAST_INTRINSIC: f64 = 0.01;

/// Of a position in one contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Worthless,
    /// Per share, positive: the owner gets it from the one who owes it.
    Cash {
        per_share: Decimal,
    },
    /// Signed: bought where positive; paid for at the strike.
    Shares {
        count: Decimal,
    },
}

/// `spot`: what the underlying was settled at.
pub fn at_expiry(contract: &OptionContract, quantity: Decimal, spot: f64) -> Ending {
    let strike = contract.strike.to_f64().unwrap_or(f64::NAN);
    let intrinsic = contract.right.sign() * (spot - strike);
    if intrinsic.is_nan() || intrinsic < LEAST_INTRINSIC {
        return Ending::Worthless;
    }
    if is_index(contract.underlying.as_str()) {
        let per_share = Decimal::from_f64((intrinsic * 100.0).round() / 100.0).unwrap_or_default();
        return Ending::Cash { per_share };
    }
    exercised(contract, quantity)
}

/// The owner takes or delivers the shares.
pub fn exercised(contract: &OptionContract, quantity: Decimal) -> Ending {
    let sign = match contract.right {
        Right::Call => Decimal::ONE,
        Right::Put => Decimal::NEGATIVE_ONE,
    };
    Ending::Shares { count: sign * quantity * Decimal::from(contract.multiplier) }
}

/// The owner of a call exercises on the evening before the ex-date when what is left of its time value is less than the
/// dividend. `mark` per share.
pub fn is_taken_early(
    contract: &OptionContract,
    quantity: Decimal,
    (spot, mark): (f64, f64),
    dividend: f64,
) -> bool {
    let intrinsic = spot - contract.strike.to_f64().unwrap_or(f64::INFINITY);
    quantity.is_sign_negative()
        && !quantity.is_zero()
        && contract.right == Right::Call
        && contract.style == ExerciseStyle::American
        && intrinsic > LEAST_INTRINSIC
        && mark - intrinsic < dividend
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Settlement, Symbol};

    fn contract(symbol: &str, right: Right) -> OptionContract {
        let root = Symbol::new(symbol).expect("a symbol");
        OptionContract {
            underlying: root.clone(),
            root,
            expiry: chrono::NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
            strike: Decimal::from(600),
            right,
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        }
    }

    #[test]
    fn what_is_in_the_money_becomes_shares_or_cash_and_the_rest_nothing() {
        let one = Decimal::ONE;
        let shares = |count: i64| Ending::Shares { count: Decimal::from(count) };
        let (put, call) = (contract("SPY", Right::Put), contract("SPY", Right::Call));
        assert_eq!(at_expiry(&put, -one, 590.0), shares(100), "assigned: bought at the strike");
        assert_eq!(at_expiry(&put, one, 590.0), shares(-100), "exercised: sold at the strike");
        assert_eq!(at_expiry(&call, -one, 610.0), shares(-100));
        assert_eq!(at_expiry(&call, one, 610.0), shares(100));
        assert_eq!(at_expiry(&call, one, 600.004), Ending::Worthless);
        assert_eq!(at_expiry(&put, one, f64::NAN), Ending::Worthless);
        let index = contract("SPX", Right::Put);
        assert_eq!(at_expiry(&index, -one, 587.5), Ending::Cash { per_share: Decimal::new(125, 1) });
    }

    #[test]
    fn a_short_call_is_taken_for_a_dividend_above_its_time_value() {
        let call = contract("SPY", Right::Call);
        let taken = |quantity: i64, mark| is_taken_early(&call, Decimal::from(quantity), (610.0, mark), 1.75);
        assert!(taken(-1, 11.0) && !taken(-1, 12.0) && !taken(1, 11.0));
        assert!(!is_taken_early(&contract("SPY", Right::Put), Decimal::NEGATIVE_ONE, (590.0, 10.1), 1.75));
    }
}
