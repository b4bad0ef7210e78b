//! Full revaluation of a book's legs under shocks, by the kernels that revalue any book.
//!
//! Never: gives a number for a leg that has no price now.

use std::borrow::Cow;

use super::shocks::{Roll, Shock, SpotShock, VolShock};
use crate::risk::book::{RiskBook, RiskLeg};
use crate::risk::revaluation::{Holdings, Ladders, Solved};

/// A book and what its legs are worth now.
#[derive(Debug)]
pub struct Revaluation<'a> {
    pub book: &'a RiskBook,
    holdings: Holdings,
    /// At today's volatilities.
    still: Solved,
    /// By position.
    now: Vec<f64>,
}

/// A book at one volatility shock and one roll, ready for any spots: what an American option needs solved
/// does not depend on them.
#[derive(Debug)]
pub struct Shocked<'a> {
    of: &'a Revaluation<'a>,
    solved: Cow<'a, Solved>,
    vol: VolShock,
    roll: Roll,
}

impl<'a> Revaluation<'a> {
    pub fn of(book: &'a RiskBook) -> Self {
        let holdings = Holdings::of(book);
        let still = Solved::of(&holdings.positions, 0.0, |_, vol| Some(vol));
        let today: Vec<[f64; 1]> = holdings.now.iter().map(|spot| [*spot]).collect();
        let now = Ladders::of(&today).map(|ladders| still.worths(&ladders)).unwrap_or_default();
        Self { book, holdings, still, now }
    }

    pub fn shocked(&self, vol: VolShock, roll: Roll) -> Shocked<'_> {
        self.shocked_of(vol, roll, |_| true)
    }

    /// The other legs have no change.
    pub fn shocked_of(&self, vol: VolShock, roll: Roll, matters: impl Fn(&RiskLeg) -> bool) -> Shocked<'_> {
        let solved = if (vol, roll) == (VolShock::Points(0.0), Roll::default()) {
            Cow::Borrowed(&self.still)
        } else {
            let leg = |place: usize| self.book.legs.get(*self.holdings.legs.get(place)?);
            let shocked = |place, now| {
                let leg = leg(place).filter(|leg| matters(leg))?;
                Some(vol.apply(now, leg.days_to_expiry))
            };
            Cow::Owned(Solved::of(&self.holdings.positions, roll.years, shocked))
        };
        Shocked { of: self, solved, vol, roll }
    }
}

impl Shocked<'_> {
    /// Change in value of every leg under each shock of the spots, `None` where it has none.
    pub fn changes(&self, spots: &[SpotShock]) -> Vec<Vec<Option<f64>>> {
        let Revaluation { book, holdings, now, .. } = self.of;
        let moved: Vec<Vec<Option<f64>>> = spots
            .iter()
            .map(|spot| Shock { spot: spot.clone(), vol: self.vol, roll: self.roll }.spots(book))
            .collect();
        let spot = |place: usize, shock: usize| moved.get(shock)?.get(place).copied().flatten();
        let row = |place: &usize| (0..spots.len()).map(|shock| spot(*place, shock).unwrap_or(1.0)).collect();
        let rows: Vec<Vec<f64>> = holdings.underlyings.iter().map(row).collect();
        let worths = Ladders::of(&rows).map(|ladders| self.solved.worths(&ladders)).unwrap_or_default();
        let mut changes = vec![vec![None; book.legs.len()]; spots.len()];
        let known = holdings.positions.iter().zip(&holdings.legs).zip(now);
        for (((position, leg), now), worths) in known.zip(worths.chunks_exact(spots.len().max(1))) {
            for (shock, (changes, worth)) in changes.iter_mut().zip(worths).enumerate() {
                let change = worth - now;
                let moved = spot(holdings.underlyings[position.underlying], shock).is_some();
                if moved && change.is_finite() {
                    changes[*leg] = Some(change);
                }
            }
        }
        changes
    }

    /// The same under one shock.
    pub fn change(&self, spot: SpotShock) -> Vec<Option<f64>> {
        self.changes(&[spot]).pop().unwrap_or_default()
    }
}

/// The sum over the legs that have a price and that `counts` lets in.
pub fn total(changes: &[Option<f64>], counts: &impl Fn(usize) -> bool) -> f64 {
    changes.iter().enumerate().filter(|(leg, _)| counts(*leg)).filter_map(|(_, change)| *change).sum()
}
