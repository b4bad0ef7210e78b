//! One option at one volatility and one time, along a ladder of spots: the European kernel first, early
//! exercise on top of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::book::{Contract, Position};
use super::kernel::{Terms, add};
use super::ladder::Ladders;
use crate::numerics::vector::ln;
use crate::pricing::Exercise;
use crate::pricing::american::American;
use crate::pricing::inputs::OptionInputs;

/// A spot that its dividends have eaten up.
const NOTHING: f64 = 1e-9;

/// An option after some years.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub terms: OptionInputs,
    /// The spot of the day is the plain one: what has gone ex by then is no longer in it.
    pub escrow: f64,
    pub exercise: Exercise,
}

impl Left {
    pub fn of(inputs: &OptionInputs, escrow: f64, exercise: &Exercise, years: f64) -> Self {
        let left = inputs.tte_years - years;
        let exercise = exercise.later(years, inputs.rate);
        let escrow = if left <= 0.0 {
            0.0
        } else if years > 0.0 {
            exercise.escrow(left).unwrap_or(escrow)
        } else {
            escrow
        };
        Self { terms: OptionInputs { tte_years: left.max(0.0), ..*inputs }, escrow, exercise }
    }

    /// What exercise brings at a spot less the escrow.
    pub fn intrinsic(&self, spot: f64) -> f64 {
        (self.terms.right.sign() * (spot + self.escrow - self.terms.strike)).max(0.0)
    }

    pub fn early(&self, vol_annual: f64) -> Option<American> {
        self.exercise.early(&OptionInputs { vol_annual, ..self.terms })
    }
}

/// Room for one ladder.
#[derive(Debug)]
pub(super) struct Scratch {
    pub net: Net,
    /// Of one unit.
    pub values: Vec<f64>,
}

/// A ladder less an escrow.
#[derive(Debug)]
pub(super) struct Net {
    /// So many count, the others only fill the last vector.
    rungs: usize,
    spots: Vec<f64>,
    logs: Vec<f64>,
}

impl Net {
    #[inline(always)]
    pub fn of<'a, const FMA: bool>(
        &'a mut self,
        escrow: f64,
        plain: (&'a [f64], &'a [f64]),
    ) -> (&'a [f64], &'a [f64]) {
        if escrow == 0.0 {
            return plain;
        }
        for ((net, log), spot) in self.spots.iter_mut().zip(&mut self.logs).zip(plain.0) {
            *net = if spot - escrow > NOTHING { spot - escrow } else { NOTHING };
            *log = ln::<FMA>(*net);
        }
        (&self.spots, &self.logs)
    }
}

impl Scratch {
    pub fn of(ladders: &Ladders) -> Self {
        let (rungs, padded) = (ladders.rungs(), ladders.padded());
        let net = Net { rungs, spots: vec![1.0; padded], logs: vec![0.0; padded] };
        Self { net, values: vec![0.0; padded] }
    }

    /// Adds `size` times the worth at every rung. `terms` are those of one unit and stand at the right time.
    #[inline(always)]
    pub fn add<const FMA: bool>(
        &mut self,
        (terms, size): (&Terms, f64),
        vol: f64,
        escrow: f64,
        early: Option<&American>,
        ladder: (&[f64], &[f64]),
        out: &mut [f64],
    ) {
        let count = self.net.rungs.min(ladder.0.len());
        let ladder = self.net.of::<FMA>(escrow, ladder);
        self.values.fill(0.0);
        add::<FMA>(terms, vol, ladder, &mut self.values);
        if let Some(early) = early {
            early.lift::<FMA>((&ladder.0[..count], &ladder.1[..count]), &mut self.values[..count]);
        }
        out.iter_mut().zip(&self.values).for_each(|(sum, value)| *sum += size * value);
    }
}

/// What tells contracts with early exercise apart, volatility included; `None` for others, which need no
/// solution.
pub(super) fn key(underlying: usize, contract: &Contract) -> Option<Vec<u64>> {
    let Contract::Option { inputs, escrow, exercise: Exercise::Anytime { dividends } } = contract else {
        return None;
    };
    let OptionInputs { right, spot, strike, rate, dividend_yield, vol_annual, tte_years } = *inputs;
    let numbers = [right.sign(), spot, strike, rate, dividend_yield, vol_annual, tte_years, *escrow];
    let paid = dividends.iter().flat_map(|d| [d.years, d.present_value]);
    let bits = numbers.into_iter().chain(paid).map(f64::to_bits);
    Some(std::iter::once(underlying as u64).chain(bits).collect())
}

/// Positions in one American contract made one: it has to be solved once, whoever holds it.
pub(super) fn merged(book: &[Position]) -> Cow<'_, [Position]> {
    if !book.iter().any(|position| position.contract.is_american()) {
        return Cow::Borrowed(book);
    }
    let mut known = BTreeMap::new();
    let mut merged: Vec<Position> = Vec::with_capacity(book.len());
    for position in book {
        let here = merged.len();
        let found = key(position.underlying, &position.contract);
        let place = found.map_or(here, |key| *known.entry(key).or_insert(here));
        match merged.get_mut(place) {
            Some(one) => one.size += position.size,
            None => merged.push(position.clone()),
        }
    }
    if merged.len() == book.len() { Cow::Borrowed(book) } else { Cow::Owned(merged) }
}
