//! The formulas, written once and compiled per instruction set.

use super::table::{BLOCK, Column, GreekBlock, GreekTable, OptionBlock, OptionTable};
use crate::domain::units::{PerRate, PerVol, PerVolSquared, PerYear};
use crate::numerics::vector::{
    FRAC_1_SQRT_2PI, InstructionSet, Kernel, dispatch_on, exp, ln_ratio, mills, mul_add,
};
use crate::pricing::columns::Block;
use crate::pricing::{OptionInputs, black_scholes};

/// Value and Greeks of every row, on the best instruction set of this processor.
pub fn greeks(options: &OptionTable, out: &mut GreekTable) {
    greeks_on(InstructionSet::detect(), options, out);
}

/// The same on a chosen instruction set, for tests and benches.
pub fn greeks_on(set: InstructionSet, options: &OptionTable, out: &mut GreekTable) {
    out.resize(options.len());
    dispatch_on(set, Greeks { options: &options.blocks, out: &mut out.blocks });
}

/// The value alone, in less time.
pub fn prices(options: &OptionTable, out: &mut Vec<f64>) {
    prices_on(InstructionSet::detect(), options, out);
}

/// The same on a chosen instruction set, for tests and benches.
pub fn prices_on(set: InstructionSet, options: &OptionTable, out: &mut Vec<f64>) {
    out.resize(options.blocks.len() * BLOCK, 0.0);
    dispatch_on(set, Prices { options: &options.blocks, out: out.as_chunks_mut().0 });
    out.truncate(options.len());
}

struct Greeks<'a> {
    options: &'a [OptionBlock],
    out: &'a mut [GreekBlock],
}

impl Kernel for Greeks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (options, out) in self.options.iter().zip(self.out) {
            greeks_block::<FMA>(options, out);
            if !inside(options) {
                patch(options, |lane, option| out.set(lane, &black_scholes::raw_greeks(option).into()));
            }
        }
    }
}

struct Prices<'a> {
    options: &'a [OptionBlock],
    out: &'a mut [Column],
}

impl Kernel for Prices<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (options, out) in self.options.iter().zip(self.out) {
            prices_block::<FMA>(options, out);
            if !inside(options) {
                patch(options, |lane, option| out[lane] = black_scholes::price(option));
            }
        }
    }
}

/// Where neither a product of the inputs nor a power of them leaves the range of doubles, and where the
/// second Mills ratio stays on its interval while the density is not zero: total volatility below 2.3.
/// False for NaN.
#[inline(always)]
fn lane_inside(block: &OptionBlock, i: usize) -> bool {
    let (spot, strike, vol, t) = (block.spot[i], block.strike[i], block.vol_annual[i], block.tte_years[i]);
    let variance = vol * vol * t;
    let exponent = (block.rate[i] * t).abs().max((block.dividend_yield[i] * t).abs());
    // `max` drops a NaN, but then the other test of the same number fails: t is checked below, and a rate
    // that is not a number makes the sum one.
    let carry = block.rate[i] + block.dividend_yield[i];
    (spot > 1e-60)
        & (spot < 1e60)
        & (strike > 1e-60)
        & (strike < 1e60)
        & (vol > 0.0)
        & (t > 1e-12)
        & (t < 1e6)
        & (variance > 1e-20)
        & (variance < 5.29)
        & (exponent < 300.0)
        & (carry.abs() < f64::INFINITY)
}

#[inline(always)]
fn inside(block: &OptionBlock) -> bool {
    (0..BLOCK).fold(true, |all, i| all & lane_inside(block, i))
}

/// Redoes the lanes that the kernel cannot.
#[cold]
fn patch(block: &OptionBlock, mut redo: impl FnMut(usize, &OptionInputs)) {
    for lane in (0..BLOCK).filter(|lane| !lane_inside(block, *lane)) {
        redo(lane, &block.get(lane));
    }
}

/// What value and Greeks share.
struct Terms {
    root_t: f64,
    d1: f64,
    d2: f64,
    /// 1 / (S·σ·τ): every other reciprocal is a product with it.
    inverse: f64,
    /// S·e^(−qτ)·φ(d1), which equals K·e^(−rτ)·φ(d2).
    density: f64,
    /// S·e^(−qτ)·N(s·d1) and K·e^(−rτ)·N(s·d2).
    spot_side: f64,
    strike_side: f64,
}

#[inline(always)]
fn terms<const FMA: bool>(block: &OptionBlock, i: usize) -> Terms {
    let (sign, spot, strike) = (block.sign[i], block.spot[i], block.strike[i]);
    let (rate, q, vol, t) = (block.rate[i], block.dividend_yield[i], block.vol_annual[i], block.tte_years[i]);
    let root_t = t.sqrt();
    let inverse = 1.0 / (spot * vol * t);
    let half = 0.5 * vol * root_t;
    let centre = mul_add::<FMA>(rate - q, t, ln_ratio::<FMA>(spot, strike)) * (inverse * spot * root_t);
    let (d1, d2) = (centre + half, centre - half);
    let forward = spot * exp::<FMA>(-q * t);
    let discounted = strike * exp::<FMA>(-rate * t);
    let density = forward * FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * d1 * d1);
    // N(x) is the tail φ·R for negative x, one minus the tail for positive x; φ is the same for both.
    let tail1 = density * mills::<FMA>(d1.abs());
    let tail2 = density * mills::<FMA>(d2.abs());
    Terms {
        root_t,
        d1,
        d2,
        inverse,
        density,
        spot_side: if sign * d1 > 0.0 { forward - tail1 } else { tail1 },
        strike_side: if sign * d2 > 0.0 { discounted - tail2 } else { tail2 },
    }
}

/// Rounding may take a vanishing difference below zero; a price never is.
#[inline(always)]
fn value(sign: f64, terms: &Terms) -> f64 {
    let difference = sign * (terms.spot_side - terms.strike_side);
    if difference > 0.0 { difference } else { 0.0 }
}

#[inline(always)]
fn prices_block<const FMA: bool>(block: &OptionBlock, out: &mut Column) {
    for (i, price) in out.iter_mut().enumerate() {
        *price = value(block.sign[i], &terms::<FMA>(block, i));
    }
}

#[inline(always)]
fn greeks_block<const FMA: bool>(block: &OptionBlock, out: &mut GreekBlock) {
    for i in 0..BLOCK {
        let terms = terms::<FMA>(block, i);
        let Terms { root_t, d1, d2, inverse, density, spot_side, strike_side } = terms;
        let (sign, spot) = (block.sign[i], block.spot[i]);
        let (rate, q) = (block.rate[i], block.dividend_yield[i]);
        let (vol, t) = (block.vol_annual[i], block.tte_years[i]);
        let per_spot = inverse * vol * t;
        let per_vol = inverse * spot * t;
        let per_time = inverse * spot * vol;
        let per_deviation = inverse * spot * root_t;
        let delta = sign * spot_side * per_spot;
        let density_per_spot = density * per_spot;
        let vega = density * root_t;
        let carry = mul_add::<FMA>(q, spot_side, -rate * strike_side);
        let decay = -0.5 * density * vol * root_t * per_time;
        let drift = mul_add::<FMA>(rate - q, per_deviation, -0.5 * d2 * per_time);
        out.price[i] = value(sign, &terms);
        out.delta[i] = delta;
        out.gamma[i] = density_per_spot * per_spot * per_deviation;
        out.vega[i] = PerVol(vega);
        out.theta[i] = PerYear(mul_add::<FMA>(sign, carry, decay));
        out.rho[i] = PerRate(sign * t * strike_side);
        out.vanna[i] = PerVol(-density_per_spot * d2 * per_vol);
        out.volga[i] = PerVolSquared(vega * d1 * d2 * per_vol);
        out.charm[i] = PerYear(mul_add::<FMA>(q, delta, -density_per_spot * drift));
    }
}
