//! What the solvers share. Parity turns every quote into its out-of-the-money side, and √(F·K) is the unit of
//! money, so that two numbers remain: X = |ln F/K| and the time value β. With σ√τ = s, h = X/s, t = s/2,
//! v = φ(0)·e^(−(h²+t²)/2) and the Mills ratio R,
//!
//! β = v·[R(h − t) − R(h + t)], and the largest β less β = v·[R(t − h) + R(t + h)].

use crate::numerics::vector::{mills, mul_add};

pub const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// The series of [`near_mean`] is complete below this total volatility, and there it loses nothing.
pub const NEAR_VOL: f64 = 1.3;
pub const NEAR_MONEYNESS: f64 = 1.5;

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

/// The mean of −R′ over [h − t, h + t].
#[inline(always)]
pub fn near_mean<const FMA: bool>(h: f64, t: f64) -> f64 {
    // r(n) = R⁽ⁿ⁾(h)·tⁿ⁻¹/n!, from R⁽ⁿ⁺¹⁾ = h·R⁽ⁿ⁾ + n·R⁽ⁿ⁻¹⁾.
    let ratio = mills::<FMA>(h);
    let first = mul_add::<FMA>(h, ratio, -1.0);
    let (ht, t2) = (h * t, t * t);
    let mut odd = first;
    let mut even = 0.5 * t * mul_add::<FMA>(h, first, ratio);
    let mut tail = 0.0;
    let mut n = 3.0;
    for _ in 0..12 {
        odd = mul_add::<FMA>(ht, even, t2 * odd) * (1.0 / n);
        even = mul_add::<FMA>(ht, odd, t2 * even) * (1.0 / (n + 1.0));
        tail += odd;
        n += 2.0;
    }
    -(first + tail)
}
