//! One contract along a ladder of spots: the inner loop of every revaluation.
//!
//! In the sums of a book absolute accuracy counts, so that the textbook difference serves; the two normal
//! tails share one exponential, because `S·e^(−qτ)·φ(d1) = K·e^(−rτ)·φ(d2)`, and one division.

use crate::numerics::vector::{FRAC_1_SQRT_2PI, exp, ln, mills_pair, mul_add};
use crate::pricing::inputs::OptionInputs;
use crate::pricing::price;

/// Total volatilities that the kernel serves; outside the scalar formulas do.
const LEAST_DEVIATION: f64 = 1e-7;
const MOST_DEVIATION: f64 = 20.0;

/// What a contract has that neither volatility nor time changes, and what time alone does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    inputs: OptionInputs,
    size: f64,
    sign: f64,
    log_strike: f64,
    /// In years; NaN before the first call of [`Terms::at`].
    time: f64,
    root_time: f64,
    /// e^(−qτ).
    carry: f64,
    /// K·e^(−rτ).
    discounted_strike: f64,
    /// (r − q)·τ − ln K.
    shift: f64,
}

impl Terms {
    #[inline(always)]
    pub fn of<const FMA: bool>(inputs: &OptionInputs, size: f64) -> Self {
        Self {
            inputs: *inputs,
            size,
            sign: inputs.right.sign(),
            log_strike: ln::<FMA>(inputs.strike),
            time: f64::NAN,
            root_time: 0.0,
            carry: 1.0,
            discounted_strike: inputs.strike,
            shift: 0.0,
        }
    }

    /// Another time to expiry.
    #[inline(always)]
    pub fn at<const FMA: bool>(&mut self, time: f64) {
        if time == self.time {
            return;
        }
        let OptionInputs { strike, rate, dividend_yield: q, .. } = self.inputs;
        self.time = time;
        self.root_time = time.max(0.0).sqrt();
        self.carry = exp::<FMA>(-q * time);
        self.discounted_strike = strike * exp::<FMA>(-rate * time);
        self.shift = mul_add::<FMA>(rate - q, time, -self.log_strike);
    }

    #[inline(always)]
    fn served(&self, least_vol: f64, most_vol: f64) -> bool {
        let OptionInputs { strike, rate, dividend_yield: q, .. } = self.inputs;
        (strike > 1e-60)
            & (strike < 1e60)
            & ((rate * self.time).abs() < 300.0)
            & ((q * self.time).abs() < 300.0)
            & (least_vol * self.root_time > LEAST_DEVIATION)
            & (most_vol * self.root_time < MOST_DEVIATION)
    }

    fn redo(&self, spot: f64, vol_annual: f64) -> f64 {
        self.size * price(&OptionInputs { spot, vol_annual, tte_years: self.time.max(0.0), ..self.inputs })
    }
}

/// Adds the contract's worth at every rung, at one volatility.
#[inline(always)]
pub(super) fn add<const FMA: bool>(
    terms: &Terms,
    vol: f64,
    (spots, logs): (&[f64], &[f64]),
    out: &mut [f64],
) {
    if !terms.served(vol, vol) {
        for (sum, spot) in out.iter_mut().zip(spots) {
            *sum += terms.redo(*spot, vol);
        }
        return;
    }
    let deviation = vol * terms.root_time;
    let inverse = 1.0 / deviation;
    for ((sum, spot), log) in out.iter_mut().zip(spots).zip(logs) {
        *sum += worth::<FMA>(terms, *spot, *log, deviation, inverse);
    }
}

/// The same with a volatility of its own at every rung: `vol` and a move, not below `floor`.
#[inline(always)]
pub(super) fn add_moving<const FMA: bool>(
    terms: &Terms,
    (vol, floor): (f64, f64),
    moves: &[f64],
    (spots, logs): (&[f64], &[f64]),
    out: &mut [f64],
) {
    let (least, most) =
        moves.iter().fold((f64::MAX, f64::MIN), |(low, high), by| (low.min(*by), high.max(*by)));
    let moved = |by: f64| if vol + by > floor { vol + by } else { floor };
    if !terms.served(moved(least), moved(most)) {
        for ((sum, spot), by) in out.iter_mut().zip(spots).zip(moves) {
            *sum += terms.redo(*spot, moved(*by));
        }
        return;
    }
    for (((sum, spot), log), by) in out.iter_mut().zip(spots).zip(logs).zip(moves) {
        let deviation = moved(*by) * terms.root_time;
        *sum += worth::<FMA>(terms, *spot, *log, deviation, 1.0 / deviation);
    }
}

#[inline(always)]
fn worth<const FMA: bool>(terms: &Terms, spot: f64, log: f64, deviation: f64, inverse: f64) -> f64 {
    let d1 = mul_add::<FMA>(log + terms.shift, inverse, 0.5 * deviation);
    let d2 = d1 - deviation;
    let forward = spot * terms.carry;
    let density = forward * FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * d1 * d1);
    let (ratio1, ratio2) = mills_pair::<FMA>(d1.abs(), d2.abs());
    let (tail1, tail2) = (density * ratio1, density * ratio2);
    let spot_side = if terms.sign * d1 > 0.0 { forward - tail1 } else { tail1 };
    let strike_side = if terms.sign * d2 > 0.0 { terms.discounted_strike - tail2 } else { tail2 };
    terms.size * terms.sign * (spot_side - strike_side)
}
