//! Full revaluation of legs under shocks.
//!
//! Never: gives a number for a leg that has no price now.

use super::shocks::{Roll, Shock, VolShock};
use crate::pricing::exercise::Ladder;
use crate::pricing::inputs::OptionInputs;
use crate::risk::book::{LegPricing, RiskBook, RiskLeg, usable};

/// What every leg is worth now; `None` where it has no price.
pub fn values_now(book: &RiskBook) -> Vec<Option<f64>> {
    book.legs
        .iter()
        .map(|leg| {
            let spot = usable(book.underlying_of(leg)?.spot)?;
            let unit = match &leg.priced {
                LegPricing::Unpriced { .. } => return None,
                LegPricing::Shares => spot,
                LegPricing::Option { inputs, exercise, .. } => exercise.price(inputs),
            };
            finite(unit * leg.quantity * leg.multiplier)
        })
        .collect()
}

/// A book at one volatility shock and one roll, ready for any spots: what an American option needs solved
/// does not depend on them.
pub struct Shocked<'a> {
    book: &'a RiskBook,
    legs: Vec<Unit>,
}

/// What one unit of a leg is worth at a spot.
enum Unit {
    Unpriced,
    Shares,
    Option { ladder: Box<Ladder>, escrow: f64 },
}

impl<'a> Shocked<'a> {
    pub fn new(book: &'a RiskBook, vol: VolShock, roll: Roll) -> Self {
        Self::of(book, vol, roll, |_| true)
    }

    /// The other legs have no change.
    pub fn of(book: &'a RiskBook, vol: VolShock, roll: Roll, matters: impl Fn(&RiskLeg) -> bool) -> Self {
        let unit = |leg| if matters(leg) { Unit::of(leg, vol, roll) } else { Unit::Unpriced };
        Self { book, legs: book.legs.iter().map(unit).collect() }
    }

    /// Change in value of every leg with the underlyings at `spots`, `None` where it has none. `base` is
    /// `values_now` of the same book.
    pub fn changes(&self, base: &[Option<f64>], spots: &[Option<f64>]) -> Vec<Option<f64>> {
        self.book
            .legs
            .iter()
            .zip(&self.legs)
            .zip(base)
            .map(|((leg, unit), now)| {
                let spot = spots.get(leg.underlying).copied().flatten()?;
                let value = match unit {
                    Unit::Unpriced => return None,
                    Unit::Shares => spot,
                    Unit::Option { ladder, escrow } => ladder.price((spot - escrow).max(0.0)),
                };
                finite(value * leg.quantity * leg.multiplier - (*now)?)
            })
            .collect()
    }
}

impl Unit {
    fn of(leg: &RiskLeg, vol: VolShock, roll: Roll) -> Self {
        match &leg.priced {
            LegPricing::Unpriced { .. } => Self::Unpriced,
            LegPricing::Shares => Self::Shares,
            LegPricing::Option { inputs, escrow, exercise } => {
                let left = inputs.tte_years - roll.years;
                let terms = OptionInputs {
                    vol_annual: vol.apply(inputs.vol_annual, leg.days_to_expiry),
                    tte_years: left.max(0.0),
                    ..*inputs
                };
                let later = exercise.later(roll.years, inputs.rate);
                // The shocked spot is that of the day: what has gone ex by then is no longer in it.
                let escrow = if roll.years > 0.0 { later.escrow(left).unwrap_or(*escrow) } else { *escrow };
                let escrow = if left > 0.0 { escrow } else { 0.0 };
                Self::Option { ladder: Box::new(later.ladder(&terms)), escrow }
            }
        }
    }
}

/// Change in value of every leg under one shock. `base` is `values_now` of the same book.
pub fn changes(book: &RiskBook, base: &[Option<f64>], shock: &Shock) -> Vec<Option<f64>> {
    Shocked::new(book, shock.vol, shock.roll).changes(base, &shock.spots(book))
}

/// The sum over the legs that have a price and that `counts` lets in.
pub fn total(changes: &[Option<f64>], counts: &impl Fn(usize) -> bool) -> f64 {
    changes.iter().enumerate().filter(|(leg, _)| counts(*leg)).filter_map(|(_, change)| *change).sum()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
