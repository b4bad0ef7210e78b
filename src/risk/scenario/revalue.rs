//! Full revaluation of legs under one shock.
//!
//! Never: gives a number for a leg that has no price now.

use super::shocks::Shock;
use crate::pricing::black_scholes::price;
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
                LegPricing::Option { inputs, .. } => price(inputs),
            };
            finite(unit * leg.quantity * leg.multiplier)
        })
        .collect()
}

/// Change in value of every leg under the shock. `base` is `values_now` of the same book.
pub fn changes(book: &RiskBook, base: &[Option<f64>], shock: &Shock) -> Vec<Option<f64>> {
    let spots = shock.spots(book);
    book.legs
        .iter()
        .zip(base)
        .map(|(leg, now)| {
            let spot = spots.get(leg.underlying).copied().flatten()?;
            finite(value_at(leg, spot, shock)? - (*now)?)
        })
        .collect()
}

/// The sum over the legs that have a price and that `counts` lets in.
pub fn total(changes: &[Option<f64>], counts: &impl Fn(usize) -> bool) -> f64 {
    changes.iter().enumerate().filter(|(leg, _)| counts(*leg)).filter_map(|(_, change)| *change).sum()
}

fn value_at(leg: &RiskLeg, spot: f64, shock: &Shock) -> Option<f64> {
    let unit = match &leg.priced {
        LegPricing::Unpriced { .. } => return None,
        LegPricing::Shares => spot,
        LegPricing::Option { inputs, escrow } => {
            let left = inputs.tte_years - shock.roll.years;
            // Dividends still escrowed have been paid by the time the option has expired.
            let model_spot = if left > 0.0 { (spot - escrow).max(0.0) } else { spot };
            price(&OptionInputs {
                spot: model_spot,
                vol_annual: shock.vol.apply(inputs.vol_annual, leg.days_to_expiry),
                tte_years: left.max(0.0),
                ..*inputs
            })
        }
    };
    Some(unit * leg.quantity * leg.multiplier)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
