//! Many quotes at once. A seed starts from the inverse of the normal (Bachelier) model, to which the formula
//! tends for small s, or from Pólya's approximation of the distribution function for large prices. Householder
//! steps of fourth order on the logarithm of the price or of its complement follow, one per pass over the
//! block; whatever is not at rest then, and all that the kernel cannot judge, goes to the scalar solver.

use super::formula::{PASSES, REST, Start, near, normal_seed, start, wide};
use super::table::{BLOCK, Column, QuoteBlock, QuoteTable, VolTable};
use crate::numerics::vector::{InstructionSet, Kernel, dispatch_on, exp, ln_ratio};
use crate::pricing::columns::Block;

/// The volatility of every quote, on the best instruction set of this processor.
pub fn implied_vols(quotes: &QuoteTable, out: &mut VolTable) {
    implied_vols_on(InstructionSet::detect(), quotes, out);
}

/// The same on a chosen instruction set, for tests and benches.
pub fn implied_vols_on(set: InstructionSet, quotes: &QuoteTable, out: &mut VolTable) {
    out.resize(quotes.len());
    dispatch_on(set, Invert { quotes: &quotes.blocks, out: &mut out.vols.blocks });
    for row in 0..quotes.len() {
        let vol = &mut out.vols.blocks[row / BLOCK][row % BLOCK];
        if !vol.is_nan() {
            continue;
        }
        match quotes.blocks[row / BLOCK].get(row % BLOCK).implied_vol() {
            Ok(found) => *vol = found,
            Err(error) => out.errors.push((row, error)),
        }
    }
}

struct Invert<'a> {
    quotes: &'a [QuoteBlock],
    out: &'a mut [Column],
}

impl Kernel for Invert<'_> {
    type Output = ();

    /// Leaves NaN where the scalar solver has to decide.
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut work = Work::NEW;
        for (quotes, out) in self.quotes.iter().zip(self.out) {
            prepare::<FMA>(quotes, &mut work);
            seed::<FMA>(&mut work);
            work.split();
            work.near.solve::<FMA, true>();
            work.wide.solve::<FMA, false>();
            *out = [f64::NAN; BLOCK];
            work.near.scatter(&work.per_root_t, out);
            work.wide.scatter(&work.per_root_t, out);
        }
    }
}

/// How a row is solved.
const SCALAR: f64 = 0.0;
const NEAR: f64 = 1.0;
const WIDE: f64 = 2.0;

/// Columns between the passes over one block.
struct Work {
    moneyness: Column,
    time_value: Column,
    complement: Column,
    most: Column,
    per_root_t: Column,
    class: Column,
    side: Column,
    total_vol: Column,
    near: Lanes,
    wide: Lanes,
}

/// The rows of one class, closed up.
struct Lanes {
    row: [u8; BLOCK],
    moneyness: Column,
    /// What the formula has to give: the time value, or its complement where the side is −1.
    target: Column,
    side: Column,
    total_vol: Column,
    /// The last relative step.
    step: Column,
    rows: usize,
}

impl Lanes {
    const NEW: Self = Self {
        row: [0; BLOCK],
        moneyness: [0.0; BLOCK],
        target: [0.0; BLOCK],
        side: [0.0; BLOCK],
        total_vol: [0.0; BLOCK],
        step: [0.0; BLOCK],
        rows: 0,
    };

    /// Steps until all rows rest, at most [`PASSES`] times.
    #[inline(always)]
    fn solve<const FMA: bool, const SMALL: bool>(&mut self) {
        if self.rows == 0 {
            return;
        }
        // Whole vectors are faster than a rest: what lies behind the rows is stale but harmless.
        let padded = self.rows.next_multiple_of(8).min(BLOCK);
        for _ in 0..PASSES {
            if SMALL {
                near_step::<FMA>(self, padded);
            } else {
                wide_step::<FMA>(self, padded);
            }
            let resting: usize =
                self.step[..self.rows].iter().map(|step| usize::from(step.abs() <= REST)).sum();
            if resting == self.rows {
                break;
            }
        }
    }

    #[inline(always)]
    fn scatter(&self, per_root_t: &Column, out: &mut Column) {
        for i in 0..self.rows {
            let row = usize::from(self.row[i]);
            let rests = self.step[i].abs() <= REST;
            out[row] = if rests { self.total_vol[i] * per_root_t[row] } else { f64::NAN };
        }
    }
}

impl Work {
    const NEW: Self = Self {
        moneyness: [0.0; BLOCK],
        time_value: [0.0; BLOCK],
        complement: [0.0; BLOCK],
        most: [0.0; BLOCK],
        per_root_t: [0.0; BLOCK],
        class: [0.0; BLOCK],
        side: [0.0; BLOCK],
        total_vol: [0.0; BLOCK],
        near: Lanes::NEW,
        wide: Lanes::NEW,
    };

    /// Sorts the rows by class, without a branch on the data.
    #[inline(always)]
    fn split(&mut self) {
        let (mut near, mut wide) = (0, 0);
        for (i, class) in (0u8..).zip(&self.class) {
            // A counter never passes the number of rows before this one, so it is a valid place.
            self.near.row[near] = i;
            self.wide.row[wide] = i;
            near += usize::from(*class == NEAR);
            wide += usize::from(*class == WIDE);
        }
        (self.near.rows, self.wide.rows) = (near, wide);
        for lanes in [&mut self.near, &mut self.wide] {
            for i in 0..lanes.rows {
                let row = usize::from(lanes.row[i]);
                lanes.moneyness[i] = self.moneyness[row];
                lanes.side[i] = self.side[row];
                lanes.total_vol[i] = self.total_vol[row];
                lanes.target[i] =
                    if self.side[row] > 0.0 { self.time_value[row] } else { self.complement[row] };
            }
        }
    }
}

/// Discounting, parity, the unit of money, and which rows the kernel may take.
#[inline(always)]
fn prepare<const FMA: bool>(quotes: &QuoteBlock, work: &mut Work) {
    for i in 0..BLOCK {
        let (sign, price, spot, strike) = (quotes.sign[i], quotes.price[i], quotes.spot[i], quotes.strike[i]);
        let (rate, q, tau) = (quotes.rate[i], quotes.dividend_yield[i], quotes.tte_years[i]);
        let forward_side = spot * exp::<FMA>(-q * tau);
        let strike_side = strike * exp::<FMA>(-rate * tau);
        let intrinsic = sign * (forward_side - strike_side);
        let in_the_money = intrinsic > 0.0;
        let time_value = if in_the_money { price - intrinsic } else { price };
        let most = if sign > 0.0 { forward_side } else { strike_side };
        let least = if forward_side < strike_side { forward_side } else { strike_side };
        let cash = forward_side + strike_side;
        let complement = most - price;
        let scale = 1.0 / (forward_side * strike_side).sqrt();
        // Where rounding may decide between an answer and an error, the scalar solver does.
        let noise = if in_the_money { 1e-13 * cash } else { 1e-280 * cash };
        let exponent = (rate * tau).abs() + (q * tau).abs();
        let good = (spot > 1e-60)
            & (spot < 1e60)
            & (strike > 1e-60)
            & (strike < 1e60)
            & (tau > 1e-12)
            & (tau < 1e6)
            & (exponent < 100.0)
            & (time_value > noise)
            & (complement > 1e-13 * cash);
        work.moneyness[i] = ln_ratio::<FMA>(forward_side, strike_side).abs();
        work.time_value[i] = time_value * scale;
        work.complement[i] = complement * scale;
        work.most[i] = least * scale;
        work.per_root_t[i] = 1.0 / tau.sqrt();
        work.class[i] = if good { WIDE } else { SCALAR };
    }
}

#[inline(always)]
fn seed<const FMA: bool>(work: &mut Work) {
    for i in 0..BLOCK {
        work.total_vol[i] = normal_seed::<FMA>(work.moneyness[i], work.time_value[i]);
    }
    for i in 0..BLOCK {
        let (x, beta, complement) = (work.moneyness[i], work.time_value[i], work.complement[i]);
        let Start { total_vol, near, side } =
            start::<FMA>(work.total_vol[i], x, beta, complement, work.most[i]);
        let class = if near { NEAR } else { WIDE };
        work.total_vol[i] = total_vol;
        work.side[i] = side;
        work.class[i] = if work.class[i] == SCALAR { SCALAR } else { class };
    }
}

#[inline(always)]
fn near_step<const FMA: bool>(lanes: &mut Lanes, rows: usize) {
    let Lanes { moneyness, target, total_vol, step, .. } = lanes;
    let columns = moneyness[..rows].iter().zip(&target[..rows]);
    let columns = columns.zip(&mut total_vol[..rows]).zip(&mut step[..rows]);
    for (((x, target), total_vol), step) in columns {
        (*total_vol, *step) = near::<FMA, false>(*x, *target, *total_vol);
    }
}

#[inline(always)]
fn wide_step<const FMA: bool>(lanes: &mut Lanes, rows: usize) {
    let Lanes { moneyness, target, side, total_vol, step, .. } = lanes;
    let columns = moneyness[..rows].iter().zip(&target[..rows]).zip(&side[..rows]);
    let columns = columns.zip(&mut total_vol[..rows]).zip(&mut step[..rows]);
    for ((((x, target), side), total_vol), step) in columns {
        (*total_vol, *step) = wide::<FMA>(*x, *target, *side, *total_vol);
    }
}
