//! The profit of a book at every combination of spots, volatility and time.

use rayon::prelude::*;

use super::along::{Left, Scratch, merged};
use super::book::{Contract, Position, Unpriceable, check};
use super::kernel::{Terms, add};
use super::ladder::Ladders;
use crate::numerics::vector::{InstructionSet, Kernel, dispatch_on};
use crate::pricing::Exercise;
use crate::pricing::american::American;

/// Positions whose sums are formed together. Fixed, so that no sum depends on the number of threads; few,
/// because American ones take much longer than others.
const PART: usize = 128;

/// A shock to the volatility of a contract, whoever holds how much of it.
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
    /// Years that pass, the fewest first: American contracts are solved there, once for each volatility, and
    /// what they need later follows from it.
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
    let parts: Vec<Vec<f64>> = merged(book)
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
        let mut scratch = Scratch::of(ladders);
        let mut base = 0.0;
        for position in self.positions {
            let (size, ladder) = (position.size, ladders.row(position.underlying));
            base += size * position.contract.value(self.now[position.underlying]);
            let (inputs, escrow, exercise) = match &position.contract {
                Contract::Option { inputs, escrow, exercise } => (inputs, *escrow, exercise),
                Contract::Shares => {
                    for row in self.out.chunks_exact_mut(padded.max(1)) {
                        row.iter_mut().zip(ladder.0).for_each(|(sum, spot)| *sum += size * spot);
                    }
                    continue;
                }
            };
            let plain = escrow == 0.0 && *exercise == Exercise::AtExpiry;
            let mut terms = Terms::of::<FMA>(inputs, if plain { size } else { 1.0 });
            let mut solved: Vec<(f64, Option<American>)> = Vec::new();
            for (roll, rows_of_roll) in rolls.iter().zip(self.out.chunks_exact_mut((rows * padded).max(1))) {
                terms.at::<FMA>(inputs.tte_years - roll);
                let by_vol = rows_of_roll.chunks_exact_mut(padded.max(1)).enumerate();
                if plain {
                    for (row, out) in by_vol {
                        add::<FMA>(&terms, vols.vol(row, position, inputs.vol_annual), ladder, out);
                    }
                    continue;
                }
                let left = Left::of(inputs, escrow, exercise, *roll);
                for (row, out) in by_vol {
                    let vol = vols.vol(row, position, inputs.vol_annual);
                    let known = solved.get(row).and_then(|(at, early)| early.as_ref()?.later(roll - at));
                    let early = known.or_else(|| left.early(vol));
                    scratch.add::<FMA>((&terms, size), vol, left.escrow, early.as_ref(), ladder, out);
                    if solved.len() == row {
                        solved.push((*roll, early));
                    }
                }
            }
        }
        self.out.iter_mut().for_each(|sum| *sum -= base);
    }
}
