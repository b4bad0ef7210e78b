//! Many quotes at once. A seed starts from the inverse of the normal (Bachelier) model, to which the formula
//! tends for small s, or from Pólya's approximation of the distribution function for large prices. Householder
//! steps of fourth order on the logarithm of the price or of its complement follow, one per pass over the
//! block; whatever is not at rest then, and all that the kernel cannot judge, goes to the scalar solver.

use std::f64::consts::FRAC_PI_2;

use super::formula::{FRAC_1_SQRT_2PI, NEAR_MONEYNESS, NEAR_VOL, bounded, householder, near_mean};
use super::table::{BLOCK, Column, QuoteBlock, QuoteTable, VolTable};
use crate::numerics::vector::{
    InstructionSet, Kernel, MILLS_END, dispatch_on, exp, ln, ln_ratio, mills, mills_pair, mul_add, poly,
};

/// The volatility of every quote, on the best instruction set of this processor.
pub fn implied_vols(quotes: &QuoteTable, out: &mut VolTable) {
    implied_vols_on(InstructionSet::detect(), quotes, out);
}

/// The same on a chosen instruction set, for tests and benches.
pub fn implied_vols_on(set: InstructionSet, quotes: &QuoteTable, out: &mut VolTable) {
    out.resize(quotes);
    dispatch_on(set, Invert { quotes: &quotes.blocks, out: &mut out.blocks });
    for row in 0..quotes.len() {
        let vol = &mut out.blocks[row / BLOCK][row % BLOCK];
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

const PASSES: usize = 5;
/// A step of this size leaves an error far below the last place: the next one is its fourth power.
const REST: f64 = 3e-5;

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

/// `h` in the normal model as a function of w² = ln(1 + X/β): h = w²·N(w)/M(w), relative error 1.4e-3 for h up
/// to 40 (weighted least squares).
const BACHELIER_N: [f64; 4] = [0.398_933_3, -0.019_163_72, 0.031_251_5, 0.010_281_25];
const BACHELIER_M: [f64; 5] = [1.0, -0.048_960_07, 0.083_294_67, 0.018_201_01, 0.007_371_683];

#[inline(always)]
fn seed<const FMA: bool>(work: &mut Work) {
    for i in 0..BLOCK {
        let (x, beta) = (work.moneyness[i], work.time_value[i]);
        let ratio = x / beta;
        let w2 = ln::<FMA>(1.0 + ratio);
        let w = w2.sqrt();
        // One at the money, where both vanish.
        let quotient = (ratio + 1e-8) / (w2 + 1e-8);
        let normal = beta * quotient * poly::<FMA, 5>(w, &BACHELIER_M) / poly::<FMA, 4>(w, &BACHELIER_N);
        // What the normal model lacks to second order, between its limits at h = 0 and for large h.
        let h = x / normal;
        let low = normal * (1.0 + 0.25 * normal * normal / mul_add::<FMA>(2.0 * h, h, 6.0));
        work.total_vol[i] = low;
    }
    for i in 0..BLOCK {
        let (x, beta, complement) = (work.moneyness[i], work.time_value[i], work.complement[i]);
        let low = work.total_vol[i];
        // Where d1 is zero: the largest vega.
        let centre = (2.0 * x).sqrt();
        let beta_centre = work.most[i] * (0.5 - FRAC_1_SQRT_2PI * mills::<FMA>(centre));
        let near = (low < NEAR_VOL) & (x < NEAR_MONEYNESS);
        let is_high = !near & (beta > beta_centre);
        // Pólya: (1 − N)·N·4 is nearly e^(−2t²/π).
        let gamma = -FRAC_PI_2 * ln::<FMA>(complement * (2.0 - complement));
        let gamma = if gamma > x { gamma } else { x };
        let high = (gamma + x).sqrt() + (gamma - x).sqrt();
        let low = if near | (low < centre) { low } else { centre };
        let class = if near { NEAR } else { WIDE };
        work.total_vol[i] = if is_high { high } else { low };
        work.side[i] = if is_high { -1.0 } else { 1.0 };
        work.class[i] = if work.class[i] == SCALAR { SCALAR } else { class };
    }
}

/// Small s: [R(h − t) − R(h + t)]/s by its Taylor series in t, without the cancellation.
#[inline(always)]
fn near_step<const FMA: bool>(lanes: &mut Lanes, rows: usize) {
    let Lanes { moneyness, target, total_vol, step, .. } = lanes;
    let columns = moneyness[..rows].iter().zip(&target[..rows]);
    let columns = columns.zip(&mut total_vol[..rows]).zip(&mut step[..rows]);
    for (((x, target), total_vol), step) in columns {
        let s = *total_vol;
        let h = x / s;
        let t = 0.5 * s;
        let (h2, t2) = (h * h, t * t);
        let mean = near_mean::<FMA>(h, t);
        let v = FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * (h2 + t2));
        let log = ln_ratio::<FMA>(v * s * mean, *target);
        let relative = bounded(householder::<FMA>(log, mean, 1.0 / mean, h2, t2));
        *step = relative;
        *total_vol = mul_add::<FMA>(s, relative, s);
    }
}

/// Any s: the two ratios themselves.
#[inline(always)]
fn wide_step<const FMA: bool>(lanes: &mut Lanes, rows: usize) {
    let Lanes { moneyness, target, side, total_vol, step, .. } = lanes;
    let columns = moneyness[..rows].iter().zip(&target[..rows]).zip(&side[..rows]);
    let columns = columns.zip(&mut total_vol[..rows]).zip(&mut step[..rows]);
    for ((((x, target), side), total_vol), step) in columns {
        let s = *total_vol;
        let h = x / s;
        let t = 0.5 * s;
        let (h2, t2) = (h * h, t * t);
        let difference = side * (h - t);
        let inner = if difference > 0.0 { difference } else { 0.0 };
        let outer = h + t;
        let (far, close) = mills_pair::<FMA>(outer, inner);
        let sum = mul_add::<FMA>(-side, far, close);
        let v = FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * (h2 + t2));
        let log = ln_ratio::<FMA>(v * sum, *target);
        let per_s = 1.0 / s;
        let relative = bounded(householder::<FMA>(log, side * sum * per_s, side * s / sum, h2, t2));
        let next = mul_add::<FMA>(s, relative, s);
        // The formula of a side holds on that side of the largest vega.
        let centre = (2.0 * x).sqrt();
        let beyond = side * (next - centre) > 0.0;
        // Past the table of ratios nothing is true.
        *step = if outer < MILLS_END { relative } else { f64::NAN };
        *total_vol = if beyond { centre } else { next };
    }
}
