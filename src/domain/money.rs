//! Money and prices are decimals, exact as quoted. The only two doors between money and `f64` are here.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dollars: cash, P&L, market value. Credits and gains positive, debits and losses negative.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Money(pub Decimal);

/// A price per share or per unit of the contract's multiplier.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Price(pub Decimal);

impl Money {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The way out of money into analytics.
    pub fn to_f64(self) -> f64 {
        // A Decimal always has a nearest f64.
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// The way in: rounds half-even to a millionth, refuses NaN, infinities and what a decimal cannot hold.
    pub fn from_f64(value: f64) -> Option<Self> {
        rounded(value).map(Self)
    }

    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// No account holds a quadrillion dollars; what says so is a mistake, and sums of it would not fit.
    pub fn is_plausible(self) -> bool {
        self.0.abs() < Decimal::from(1_000_000_000_000_000i64)
    }
}

impl Price {
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    pub fn from_f64(value: f64) -> Option<Self> {
        rounded(value).map(Self)
    }

    /// Nothing costs a billion dollars a share, or less than nothing; what says so is not a price, and sums of it
    /// would not fit.
    pub fn is_plausible(self) -> bool {
        self.0 >= Decimal::ZERO && self.0 < Decimal::from(1_000_000_000)
    }

    /// `price × quantity × multiplier`, signed like the quantity.
    pub fn times(self, quantity: Decimal, multiplier: u32) -> Money {
        Money(self.0 * quantity * Decimal::from(multiplier))
    }

    /// Rounded to the nearest cent, half away from zero: for limits and display of proposals.
    pub fn to_cents(self) -> Self {
        Self(self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

fn rounded(value: f64) -> Option<Decimal> {
    if !value.is_finite() {
        return None;
    }
    Decimal::from_f64(value)
        .map(|d| d.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven).normalize())
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}
impl Sub for Price {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Add for Price {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_into_money_rounds_half_even_to_a_millionth_and_refuses_nonsense() {
        assert_eq!(Money::from_f64(1.234_567_8).map(|m| m.0.to_string()), Some("1.234568".into()));
        assert_eq!(Money::from_f64(f64::NAN), None);
        assert_eq!(Money::from_f64(f64::INFINITY), None);
        assert_eq!(Money::from_f64(1e300), None);
    }

    #[test]
    fn what_no_share_costs_and_no_account_holds_is_implausible() {
        let billion = Decimal::from(1_000_000_000);
        assert!(Price(Decimal::ZERO).is_plausible() && Price(billion - Decimal::ONE).is_plausible());
        for bad in [billion, Decimal::MAX, Decimal::NEGATIVE_ONE] {
            assert!(!Price(bad).is_plausible(), "{bad}");
        }
        assert!(Money(-billion).is_plausible() && !Money(Decimal::MIN).is_plausible());
    }

    #[test]
    fn a_short_position_has_negative_value() {
        let price = Price(Decimal::new(742, 2));
        assert_eq!(price.times(Decimal::from(-2), 100), Money(Decimal::new(-148_400, 2)));
    }
}
