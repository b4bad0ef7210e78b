//! What the solvers share. Parity turns every quote into its out-of-the-money side, and √(F·K) is the unit of
//! money, so that two numbers remain: X = |ln F/K| and the time value β. With σ√τ = s, h = X/s, t = s/2,
//! v = φ(0)·e^(−(h²+t²)/2) and the Mills ratio R,
//!
//! β = v·[R(h − t) − R(h + t)], and the largest β less β = v·[R(t − h) + R(t + h)].

use std::f64::consts::FRAC_PI_2;

use crate::numerics::vector::{FRAC_1_SQRT_2PI, MILLS_END, ln, ln_ratio, mills, mills_pair, mul_add, poly};

/// The series of [`near_mean`] is complete below this total volatility, and there it loses nothing.
const NEAR_VOL: f64 = 1.3;
const NEAR_MONEYNESS: f64 = 1.5;

/// The relative step of fourth order (Householder's third method) in `s` on `ln(price/target)`, given that
/// logarithm, `g` = its derivative times s, and h², t².
#[inline(always)]
pub fn householder<const FMA: bool>(log: f64, inverse_g: f64, g: f64, h2: f64, t2: f64) -> f64 {
    let newton = -log * inverse_g;
    // s·v′/v and s²·(v′/v)′.
    let w = h2 - t2;
    let dw = -mul_add::<FMA>(3.0, h2, t2);
    let second = w - g;
    let third = mul_add::<FMA>(second, second - g, dw);
    let up = mul_add::<FMA>(0.5 * second, newton, 1.0);
    let down = mul_add::<FMA>(newton, mul_add::<FMA>(third * newton, 1.0 / 6.0, second), 1.0);
    newton * up / down
}

/// A step never more than halves or doubles; NaN stays NaN.
#[inline(always)]
pub fn bounded(step: f64) -> f64 {
    let step = if step > 1.0 { 1.0 } else { step };
    if step < -0.5 { -0.5 } else { step }
}

#[inline(always)]
pub fn is_near(s: f64, x: f64) -> bool {
    (s < NEAR_VOL) & (x < NEAR_MONEYNESS)
}

/// Steps before a row is given up.
pub const PASSES: usize = 5;
/// A step of this size leaves an error far below the last place: the next one is its fourth power.
pub const REST: f64 = 3e-5;

/// The mean of −R′ over [h − t, h + t]. One row alone may stop where the terms vanish; vectors take them all.
#[inline(always)]
pub fn near_mean<const FMA: bool, const STOP: bool>(h: f64, t: f64) -> f64 {
    // r(n) = R⁽ⁿ⁾(h)·tⁿ⁻¹/n!, from R⁽ⁿ⁺¹⁾ = h·R⁽ⁿ⁾ + n·R⁽ⁿ⁻¹⁾.
    let ratio = mills::<FMA>(h);
    let first = mul_add::<FMA>(h, ratio, -1.0);
    let (ht, t2) = (h * t, t * t);
    let mut odd = first;
    let mut even = 0.5 * t * mul_add::<FMA>(h, first, ratio);
    let mut tail = 0.0;
    let mut n = 3.0;
    for _ in 0..12 {
        if STOP {
            // One row waits for every operation: only one of these depends on the term before.
            let (by_n, by_next) = (1.0 / n, 1.0 / (n + 1.0));
            odd = mul_add::<FMA>(ht * by_n, even, t2 * by_n * odd);
            even = mul_add::<FMA>(ht * by_next, odd, t2 * by_next * even);
        } else {
            odd = mul_add::<FMA>(ht, even, t2 * odd) * (1.0 / n);
            even = mul_add::<FMA>(ht, odd, t2 * even) * (1.0 / (n + 1.0));
        }
        tail += odd;
        if STOP && odd.abs() < 1e-17 {
            break;
        }
        n += 2.0;
    }
    -(first + tail)
}

/// `h` in the normal model as a function of w² = ln(1 + X/β): h = w²·N(w)/M(w), relative error 1.4e-3 for h up
/// to 40 (weighted least squares).
const BACHELIER_N: [f64; 4] = [0.398_933_3, -0.019_163_72, 0.031_251_5, 0.010_281_25];
const BACHELIER_M: [f64; 5] = [1.0, -0.048_960_07, 0.083_294_67, 0.018_201_01, 0.007_371_683];

/// Total volatility from the normal model with its first correction: good while it is not large.
#[inline(always)]
pub fn normal_seed<const FMA: bool>(x: f64, beta: f64) -> f64 {
    let ratio = x / beta;
    let w2 = ln::<FMA>(1.0 + ratio);
    let w = w2.sqrt();
    // One at the money, where both vanish.
    let quotient = (ratio + 1e-8) / (w2 + 1e-8);
    let normal = beta * quotient * poly::<FMA, 5>(w, &BACHELIER_M) / poly::<FMA, 4>(w, &BACHELIER_N);
    // What the normal model lacks to second order, between its limits at h = 0 and for large h.
    let h = x / normal;
    normal * (1.0 + 0.25 * normal * normal / mul_add::<FMA>(2.0 * h, h, 6.0))
}

/// `ln(v·ratio/target)`, where `squares` is h² + t²: the exponential in v need not be taken. What rounding of the
/// squares adds to this logarithm is small beside its derivative, which grows like them.
#[inline(always)]
fn ln_price<const FMA: bool>(ratio: f64, target: f64, squares: f64) -> f64 {
    mul_add::<FMA>(-0.5, squares, ln_ratio::<FMA>(FRAC_1_SQRT_2PI * ratio, target))
}

/// Where and how the steps begin.
pub struct Start {
    pub total_vol: f64,
    /// By [`near`], not by [`wide`].
    pub near: bool,
    /// +1: the time value is inverted, −1: its complement.
    pub side: f64,
}

/// `seed` from [`normal_seed`]; `most` is the largest time value, `complement` what is missing to it.
#[inline(always)]
pub fn start<const FMA: bool>(seed: f64, x: f64, beta: f64, complement: f64, most: f64) -> Start {
    // Where d1 is zero: the largest vega.
    let centre = (2.0 * x).sqrt();
    let beta_centre = most * (0.5 - FRAC_1_SQRT_2PI * mills::<FMA>(centre));
    let near = is_near(seed, x);
    let is_high = !near & (beta > beta_centre);
    // Pólya: (1 − N)·N·4 is nearly e^(−2t²/π).
    let gamma = -FRAC_PI_2 * ln::<FMA>(complement * (2.0 - complement));
    let gamma = if gamma > x { gamma } else { x };
    let high = (gamma + x).sqrt() + (gamma - x).sqrt();
    let low = if near | (seed < centre) { seed } else { centre };
    Start { total_vol: if is_high { high } else { low }, near, side: if is_high { -1.0 } else { 1.0 } }
}

/// One step for small s, the difference of the ratios by its Taylor series in t, without the cancellation: the
/// next `s` and the relative step to it.
#[inline(always)]
pub fn near<const FMA: bool, const STOP: bool>(x: f64, beta: f64, s: f64) -> (f64, f64) {
    let h = x / s;
    let t = 0.5 * s;
    let (h2, t2) = (h * h, t * t);
    let mean = near_mean::<FMA, STOP>(h, t);
    let log = ln_price::<FMA>(s * mean, beta, h2 + t2);
    let step = bounded(householder::<FMA>(log, mean, 1.0 / mean, h2, t2));
    (mul_add::<FMA>(s, step, s), step)
}

/// The same for any s, by the two ratios themselves; `target` is the number of that side.
#[inline(always)]
pub fn wide<const FMA: bool>(x: f64, target: f64, side: f64, s: f64) -> (f64, f64) {
    let h = x / s;
    let t = 0.5 * s;
    let (h2, t2) = (h * h, t * t);
    let difference = side * (h - t);
    let inner = if difference > 0.0 { difference } else { 0.0 };
    let outer = h + t;
    let (far, close) = mills_pair::<FMA>(outer, inner);
    let sum = mul_add::<FMA>(-side, far, close);
    let log = ln_price::<FMA>(sum, target, h2 + t2);
    let per_s = 1.0 / s;
    let step = bounded(householder::<FMA>(log, side * sum * per_s, side * s / sum, h2, t2));
    let next = mul_add::<FMA>(s, step, s);
    // The formula of a side holds on that side of the largest vega.
    let centre = (2.0 * x).sqrt();
    let beyond = side * (next - centre) > 0.0;
    // Past the table of ratios nothing is true.
    (if beyond { centre } else { next }, if outer < MILLS_END { step } else { f64::NAN })
}
