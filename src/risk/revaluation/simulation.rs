//! The profit of a book on each day of a history, or on each path of a simulation.

use rayon::prelude::*;

use super::along::{Left, Scratch, merged};
use super::book::{Contract, Position, Unpriceable, book_value, check};
use super::kernel::{Terms, add, add_moving};
use super::ladder::Ladders;
use super::premiums::Early;
use crate::numerics::cholesky::Root;
use crate::numerics::normals;
use crate::numerics::philox::Philox;
use crate::numerics::vector::{InstructionSet, Kernel, dispatch_on, exp};

/// Days or paths that are done together: their spots stay in the second-level cache.
const BLOCK: usize = 1_024;

/// Correlated normal log returns over the horizon, all volatilities unchanged.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// Root of the covariance of the log returns over the horizon.
    pub root: &'a Root,
    pub paths: usize,
    pub seed: u64,
}

/// On the best instruction set of this processor.
pub fn historical(
    book: &[Position],
    now: &[f64],
    returns: &[Vec<f64>],
    vol_moves: &[Vec<f64>],
    horizon: f64,
    vol_floor: f64,
) -> Result<Vec<f64>, Unpriceable> {
    historical_on(InstructionSet::detect(), book, now, returns, vol_moves, horizon, vol_floor)
}

/// The profit on each day. `returns` and `vol_moves` hold one row per underlying, one log return or change in
/// volatility per day; `horizon` is the time in years that passes.
pub fn historical_on(
    set: InstructionSet,
    book: &[Position],
    now: &[f64],
    returns: &[Vec<f64>],
    vol_moves: &[Vec<f64>],
    horizon: f64,
    vol_floor: f64,
) -> Result<Vec<f64>, Unpriceable> {
    check(book, now)?;
    for rows in [returns, vol_moves] {
        if rows.len() != now.len() {
            return Err(Unpriceable::Rows { found: rows.len(), wanted: now.len() });
        }
    }
    let days = returns.first().map_or(0, Vec::len);
    let whole = |row: &Vec<f64>| row.len() == days && row.iter().all(|x| x.is_finite());
    if !returns.iter().chain(vol_moves).all(whole) {
        return Err(Unpriceable::Move);
    }
    let base = book_value(book, now);
    let book = merged(book);
    let ends = |row: &[f64]| row.iter().fold((0.0, 0.0), |(low, high), x| (x.min(low), x.max(high)));
    let ready = ready(&book, horizon, |position, vol| {
        let (fall, rise) = ends(&returns[position.underlying]);
        let (less, more) = ends(&vol_moves[position.underlying]);
        let spot = now[position.underlying];
        ((spot * fall.exp(), spot * rise.exp()), ((vol + less).max(vol_floor), (vol + more).max(vol_floor)))
    });
    let mut profits = vec![0.0; days];
    profits.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        let first = block * BLOCK;
        let mut ladders = Ladders::unfilled(now.len(), out.len());
        for (place, (spot, row)) in now.iter().zip(returns).enumerate() {
            let log = spot.ln();
            ladders.fill(place, |day| (spot * row[first + day].exp(), log + row[first + day]));
        }
        let mut moves = vec![0.0; now.len() * ladders.padded()];
        for (to, from) in moves.chunks_exact_mut(ladders.padded().max(1)).zip(vol_moves) {
            to[..out.len()].copy_from_slice(&from[first..first + out.len()]);
        }
        let mut sums = vec![0.0; ladders.padded()];
        let moves = Some((moves.as_slice(), vol_floor));
        dispatch_on(set, Paths { book: &book, ready: &ready, ladders: &ladders, moves, out: &mut sums });
        out.iter_mut().zip(&sums).for_each(|(profit, sum)| *profit = sum - base);
    });
    Ok(profits)
}

/// On the best instruction set of this processor.
pub fn monte_carlo(
    book: &[Position],
    now: &[f64],
    simulation: Simulation<'_>,
    horizon: f64,
) -> Result<Vec<f64>, Unpriceable> {
    monte_carlo_on(InstructionSet::detect(), book, now, simulation, horizon)
}

/// The profit on each path after `horizon` years. Underlying `i` draws from stream `i` of the seed.
pub fn monte_carlo_on(
    set: InstructionSet,
    book: &[Position],
    now: &[f64],
    simulation: Simulation<'_>,
    horizon: f64,
) -> Result<Vec<f64>, Unpriceable> {
    check(book, now)?;
    if simulation.root.size() != now.len() {
        return Err(Unpriceable::Rows { found: simulation.root.size(), wanted: now.len() });
    }
    let base = book_value(book, now);
    let book = merged(book);
    let ready = ready(&book, horizon, |position, vol| {
        let reach = TABULATED * simulation.root.deviation(position.underlying);
        let spot = now[position.underlying];
        ((spot * (-reach).exp(), spot * reach.exp()), (vol, vol))
    });
    let philox = Philox::new(simulation.seed);
    let mut profits = vec![0.0; simulation.paths];
    profits.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        // A block is always drawn whole, so that a path does not depend on how many there are.
        let mut ladders = Ladders::unfilled(now.len(), BLOCK);
        let mut independent = vec![0.0; now.len() * BLOCK];
        for (factor, row) in independent.chunks_exact_mut(BLOCK).enumerate() {
            normals::draw_antithetic(philox, factor as u64, (block * BLOCK) as u64, row);
        }
        let mut returns = vec![0.0; now.len() * BLOCK];
        simulation.root.correlate(&independent, BLOCK, &mut returns);
        dispatch_on(set, Move { now, returns: &returns, ladders: &mut ladders });
        let mut sums = vec![0.0; BLOCK];
        let paths = Paths { book: &book, ready: &ready, ladders: &ladders, moves: None, out: &mut sums };
        dispatch_on(set, paths);
        out.iter_mut().zip(&sums).for_each(|(profit, sum)| *profit = sum - base);
    });
    Ok(profits)
}

/// Turns log returns into spots.
struct Move<'a> {
    now: &'a [f64],
    returns: &'a [f64],
    ladders: &'a mut Ladders,
}

impl Kernel for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let width = self.ladders.padded();
        for ((place, spot), row) in self.now.iter().enumerate().zip(self.returns.chunks_exact(width.max(1))) {
            let log = spot.ln();
            let (spots, logs) = self.ladders.row_mut(place);
            for ((to, to_log), by) in spots.iter_mut().zip(logs).zip(row) {
                *to = spot * exp::<FMA>(*by);
                *to_log = log + by;
            }
        }
    }
}

/// Standard deviations of a simulated spot that tables reach to; what lies beyond is priced on its own.
const TABULATED: f64 = 6.0;

/// An option at the horizon, and what early exercise of it needs.
struct Ready {
    left: Left,
    early: Early,
}

/// By position; `ends` are those of the plain spots and of the volatilities. `None` for shares.
fn ready(
    book: &[Position],
    horizon: f64,
    ends: impl Fn(&Position, f64) -> ((f64, f64), (f64, f64)) + Sync,
) -> Vec<Option<Ready>> {
    book.par_iter()
        .map(|position| {
            let Contract::Option { inputs, escrow, exercise } = &position.contract else { return None };
            let left = Left::of(inputs, *escrow, exercise, horizon);
            let (spots, vols) = ends(position, inputs.vol_annual);
            let early = Early::of(&left, spots, vols);
            Some(Ready { left, early })
        })
        .collect()
}

/// The worth of the book at every rung.
struct Paths<'a> {
    book: &'a [Position],
    ready: &'a [Option<Ready>],
    ladders: &'a Ladders,
    /// A move of the volatility for each underlying and rung, and what no volatility falls below.
    moves: Option<(&'a [f64], f64)>,
    out: &'a mut [f64],
}

impl Kernel for Paths<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (rungs, width) = (self.ladders.rungs(), self.ladders.padded());
        let mut scratch = Scratch::of(self.ladders);
        for (position, ready) in self.book.iter().zip(self.ready) {
            let (size, ladder) = (position.size, self.ladders.row(position.underlying));
            let Some(Ready { left, early }) = ready else {
                self.out.iter_mut().zip(ladder.0).for_each(|(sum, spot)| *sum += size * spot);
                continue;
            };
            let plain = left.escrow == 0.0 && matches!(early, Early::Never);
            let mut terms = Terms::of::<FMA>(&left.terms, if plain { size } else { 1.0 });
            terms.at::<FMA>(left.terms.tte_years);
            let vol = left.terms.vol_annual;
            let ladder = scratch.net.of::<FMA>(left.escrow, ladder);
            scratch.values.fill(0.0);
            let out = if plain { &mut *self.out } else { &mut scratch.values };
            let start = position.underlying * width;
            let moves = self.moves.map(|(moves, floor)| (&moves[start..start + width], floor));
            match moves {
                None => add::<FMA>(&terms, vol, ladder, out),
                Some((moves, floor)) => add_moving::<FMA>(&terms, (vol, floor), moves, ladder, out),
            }
            if plain {
                continue;
            }
            let moved = |rung: usize| moves.map_or(vol, |(moves, floor)| (vol + moves[rung]).max(floor));
            early.lift(left, (&ladder.0[..rungs], &ladder.1[..rungs]), moved, &mut scratch.values[..rungs]);
            self.out.iter_mut().zip(&scratch.values).for_each(|(sum, value)| *sum += size * value);
        }
    }
}
