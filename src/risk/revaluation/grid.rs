//! The profit of a book at every combination of spots, volatility and time.

use rayon::prelude::*;

use super::book::{Contract, Position, Unpriceable, check};
use super::kernel::{Terms, add};
use super::ladder::Ladders;
use crate::numerics::vector::{InstructionSet, Kernel, dispatch_on};
use crate::pricing::price;

/// Positions whose sums are formed together. Fixed, so that no sum depends on the number of threads.
const PART: usize = 1_024;

/// A shock to the volatility of a contract.
pub trait VolMove: Sync {
    /// The volatility after the `row`-th shock.
    fn vol(&self, row: usize, position: &Position, vol_annual: f64) -> f64;
    /// The number of shocks.
    fn rows(&self) -> usize;
}

#[derive(Debug)]
pub struct Axes<'a, V> {
    /// A row of shocked spots for each underlying.
    pub ladders: &'a Ladders,
    pub vols: V,
    /// Years that pass.
    pub rolls: &'a [f64],
}

/// Profits, spot by spot within volatility within time.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    spots: usize,
    vols: usize,
    profits: Vec<f64>,
}

impl Grid {
    /// `None` outside the grid.
    pub fn at(&self, roll: usize, vol: usize, spot: usize) -> Option<f64> {
        let inside = spot < self.spots && vol < self.vols;
        inside.then(|| self.profits.get((roll * self.vols + vol) * self.spots + spot).copied()).flatten()
    }

    /// All of them.
    pub fn profits(&self) -> &[f64] {
        &self.profits
    }
}

/// On the best instruction set of this processor.
pub fn grid<V: VolMove>(book: &[Position], now: &[f64], axes: &Axes<'_, V>) -> Result<Grid, Unpriceable> {
    grid_on(InstructionSet::detect(), book, now, axes)
}

/// `now` are today's spots of the underlyings.
pub fn grid_on<V: VolMove>(
    set: InstructionSet,
    book: &[Position],
    now: &[f64],
    axes: &Axes<'_, V>,
) -> Result<Grid, Unpriceable> {
    let underlyings = axes.ladders.underlyings();
    if now.len() != underlyings {
        return Err(Unpriceable::Rows { found: now.len(), wanted: underlyings });
    }
    check(book, now)?;
    let (vols, padded) = (axes.vols.rows(), axes.ladders.padded());
    let parts: Vec<Vec<f64>> = book
        .par_chunks(PART)
        .map(|positions| {
            let mut out = vec![0.0; axes.rolls.len() * vols * padded];
            dispatch_on(set, Part { positions, now, axes, out: &mut out });
            out
        })
        .collect();
    let spots = axes.ladders.rungs();
    let mut profits = vec![0.0; axes.rolls.len() * vols * spots];
    for part in &parts {
        for (sums, row) in profits.chunks_exact_mut(spots.max(1)).zip(part.chunks_exact(padded.max(1))) {
            sums.iter_mut().zip(row).for_each(|(sum, profit)| *sum += profit);
        }
    }
    Ok(Grid { spots, vols, profits })
}

struct Part<'a, V> {
    positions: &'a [Position],
    now: &'a [f64],
    axes: &'a Axes<'a, V>,
    out: &'a mut [f64],
}

impl<V: VolMove> Kernel for Part<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Axes { ladders, vols, rolls } = self.axes;
        let (rows, padded) = (vols.rows(), ladders.padded());
        let mut base = 0.0;
        for position in self.positions {
            let ladder = ladders.row(position.underlying);
            match &position.contract {
                Contract::Shares => {
                    base += position.size * self.now[position.underlying];
                    for row in self.out.chunks_exact_mut(padded.max(1)) {
                        row.iter_mut().zip(ladder.0).for_each(|(sum, spot)| *sum += position.size * spot);
                    }
                }
                Contract::European(inputs) => {
                    base += position.size * price(inputs);
                    let mut terms = Terms::of::<FMA>(inputs, position.size);
                    for (roll, rows_of_roll) in
                        rolls.iter().zip(self.out.chunks_exact_mut((rows * padded).max(1)))
                    {
                        terms.at::<FMA>(inputs.tte_years - roll);
                        for (row, out) in rows_of_roll.chunks_exact_mut(padded.max(1)).enumerate() {
                            add::<FMA>(&terms, vols.vol(row, position, inputs.vol_annual), ladder, out);
                        }
                    }
                }
            }
        }
        self.out.iter_mut().for_each(|sum| *sum -= base);
    }
}
