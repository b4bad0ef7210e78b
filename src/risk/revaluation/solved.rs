//! A book at one volatility and one time, ready for any spots.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::along::{Left, Scratch, key};
use super::book::{Contract, Position};
use super::kernel::Terms;
use super::ladder::Ladders;
use crate::numerics::vector::{Kernel, dispatch};
use crate::pricing::american::American;
use crate::pricing::inputs::OptionInputs;

/// Position by position; what early exercise needs is solved once for all that share a contract.
#[derive(Debug, Clone)]
pub struct Solved {
    units: Vec<Unit>,
    early: Vec<Option<American>>,
}

#[derive(Debug, Clone)]
enum Unit {
    LeftOut,
    Shares { underlying: usize, size: f64 },
    Option { underlying: usize, size: f64, terms: OptionInputs, escrow: f64, early: Option<usize> },
}

impl Solved {
    /// `years` from now, at the volatility that `vol` gives the position at a place; where it gives none the
    /// position is left out.
    pub fn of(book: &[Position], years: f64, vol: impl Fn(usize, f64) -> Option<f64>) -> Self {
        let mut known = BTreeMap::new();
        let mut distinct: Vec<Left> = Vec::new();
        let mut unit = |(place, position): (usize, &Position)| {
            let Position { underlying, size, ref contract } = *position;
            let (inputs, escrow, exercise) = match contract {
                Contract::Shares if vol(place, 0.0).is_some() => return Unit::Shares { underlying, size },
                Contract::Shares => return Unit::LeftOut,
                Contract::Option { inputs, escrow, exercise } => (inputs, *escrow, exercise),
            };
            let Some(vol_annual) = vol(place, inputs.vol_annual) else { return Unit::LeftOut };
            let mut left = Left::of(inputs, escrow, exercise, years);
            left.terms.vol_annual = vol_annual;
            let (terms, escrow) = (left.terms, left.escrow);
            let contract = Contract::Option { inputs: terms, escrow, exercise: left.exercise.clone() };
            let early = key(underlying, &contract).map(|key| {
                *known.entry(key).or_insert_with(|| {
                    distinct.push(left);
                    distinct.len() - 1
                })
            });
            Unit::Option { underlying, size, terms, escrow, early }
        };
        let units = book.iter().enumerate().map(&mut unit).collect();
        let early = distinct.par_iter().map(|left| left.early(left.terms.vol_annual)).collect();
        Self { units, early }
    }

    /// What each position is worth at each rung: row after row of as many numbers as the ladders have rungs,
    /// not a number where a position is left out or has no ladder.
    pub fn worths(&self, ladders: &Ladders) -> Vec<f64> {
        let mut out = vec![f64::NAN; self.units.len() * ladders.rungs()];
        dispatch(Rows { solved: self, ladders, out: &mut out });
        out
    }
}

struct Rows<'a> {
    solved: &'a Solved,
    ladders: &'a Ladders,
    out: &'a mut [f64],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (rungs, padded) = (self.ladders.rungs(), self.ladders.padded());
        let mut scratch = Scratch::of(self.ladders);
        let mut sums = vec![0.0; padded];
        for (unit, out) in self.solved.units.iter().zip(self.out.chunks_exact_mut(rungs.max(1))) {
            match unit {
                Unit::Shares { underlying, size } if *underlying < self.ladders.underlyings() => {
                    let spots = self.ladders.row(*underlying).0;
                    out.iter_mut().zip(spots).for_each(|(worth, spot)| *worth = size * spot);
                }
                Unit::Option { underlying, size, terms, escrow, early }
                    if *underlying < self.ladders.underlyings() =>
                {
                    let mut kernel = Terms::of::<FMA>(terms, 1.0);
                    kernel.at::<FMA>(terms.tte_years);
                    let early = early.and_then(|place| self.solved.early.get(place)?.as_ref());
                    let ladder = self.ladders.row(*underlying);
                    sums.fill(0.0);
                    let unit = (&kernel, *size);
                    scratch.add::<FMA>(unit, terms.vol_annual, *escrow, early, ladder, &mut sums);
                    out.copy_from_slice(&sums[..rungs]);
                }
                Unit::LeftOut | Unit::Shares { .. } | Unit::Option { .. } => {}
            }
        }
    }
}
