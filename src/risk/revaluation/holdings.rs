//! The legs of a risk book as positions.
//!
//! Never: makes a position of a leg that has no price now.

use super::book::{Contract, Position};
use crate::risk::book::{LegPricing, RiskBook, RiskLeg, usable};

/// What of a book can be revalued.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdings {
    pub positions: Vec<Position>,
    /// By position: its leg in the book.
    pub legs: Vec<usize>,
    /// By ladder: its underlying in the book.
    pub underlyings: Vec<usize>,
    /// By ladder: today's spot.
    pub now: Vec<f64>,
}

impl Holdings {
    pub fn of(book: &RiskBook) -> Self {
        let spots = book.underlyings.iter().enumerate();
        let (underlyings, now): (Vec<usize>, Vec<f64>) =
            spots.filter_map(|(place, underlying)| Some((place, usable(underlying.spot)?))).unzip();
        let (positions, legs) = book
            .legs
            .iter()
            .enumerate()
            .filter_map(|(place, leg)| Some((position(leg, &underlyings)?, place)))
            .unzip();
        Self { positions, legs, underlyings, now }
    }
}

fn position(leg: &RiskLeg, underlyings: &[usize]) -> Option<Position> {
    let contract = match &leg.priced {
        LegPricing::Unpriced { .. } => return None,
        LegPricing::Shares => Contract::Shares,
        LegPricing::Option { inputs, escrow, exercise } => {
            Contract::Option { inputs: *inputs, escrow: *escrow, exercise: exercise.clone() }
        }
    };
    let underlying = underlyings.iter().position(|place| *place == leg.underlying)?;
    let size = leg.quantity * leg.multiplier;
    (size.is_finite() && contract.is_valid()).then_some(Position { underlying, size, contract })
}
