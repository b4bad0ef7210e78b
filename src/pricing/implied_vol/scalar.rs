//! One quote.

use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility};

use super::formula::{PASSES, REST, Start, householder, is_near, near, near_mean, normal_seed, start, wide};
use super::{ImpliedVolError, QuoteInputs};
use crate::domain::Right;
use crate::numerics::normal::cdf_over_pdf;
use crate::numerics::vector::{FRAC_1_SQRT_2PI, InstructionSet, Kernel, dispatch_on, ln_ratio};

/// European implied volatility per √year, accurate to the conditioning of the problem. Prices near a bound and
/// whatever does not come to rest go to Jäckel's method.
pub fn implied_vol(
    right: Right,
    price: f64,
    spot: f64,
    strike: f64,
    rate: f64,
    dividend_yield: f64,
    tte_years: f64,
) -> Result<f64, ImpliedVolError> {
    let quote = QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years };
    // One row fills no vector: what helps is the fused operation, and the smaller version has it.
    implied_vol_on(InstructionSet::Avx2, &quote)
}

/// The same on a chosen instruction set, for tests.
pub(super) fn implied_vol_on(set: InstructionSet, quote: &QuoteInputs) -> Result<f64, ImpliedVolError> {
    use ImpliedVolError as E;
    let QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years } = *quote;
    let all = [price, spot, strike, rate, dividend_yield, tte_years];
    if all.iter().any(|x| !x.is_finite()) || spot <= 0.0 || strike <= 0.0 {
        return Err(E::NotFinite);
    }
    if tte_years <= 0.0 {
        return Err(E::Expired);
    }
    if price < 0.0 {
        return Err(E::NegativePrice);
    }
    if price == 0.0 {
        return Err(E::ZeroPrice);
    }
    let forward_side = spot * (-dividend_yield * tte_years).exp();
    let strike_side = strike * (-rate * tte_years).exp();
    if !(forward_side.is_finite() && strike_side.is_finite()) {
        return Err(E::OutOfRange);
    }
    let (intrinsic, most) = match right {
        Right::Call => ((forward_side - strike_side).max(0.0), forward_side),
        Right::Put => ((strike_side - forward_side).max(0.0), strike_side),
    };
    if price < intrinsic {
        return Err(E::BelowIntrinsic);
    }
    if price == intrinsic {
        return Err(E::AtIntrinsic);
    }
    if price > most {
        return Err(E::AboveMax);
    }
    if price == most {
        return Err(E::AtMax);
    }
    let ordinary = Ordinary { price, forward_side, strike_side, intrinsic, most };
    if let Some(s) = dispatch_on(set, ordinary) {
        return Ok(s / tte_years.sqrt());
    }
    let grow = (rate * tte_years).exp();
    ImpliedBlackVolatility::builder()
        .option_price(price * grow)
        .forward(forward_side * grow)
        .strike(strike)
        .expiry(tte_years)
        .is_call(right == Right::Call)
        .build()
        .and_then(|problem| problem.calculate::<DefaultSpecialFn>())
        .filter(|vol| vol.is_finite() && *vol > 0.0)
        .or_else(|| far_tail(price, forward_side, strike_side, intrinsic).map(|s| s / tte_years.sqrt()))
        // The bounds were met in discounted terms; compounding can only lose the last digit of them.
        .ok_or(if price - intrinsic < most - price { E::AtIntrinsic } else { E::AtMax })
}

/// The total volatility where neither bound is near, by the steps of the batch.
struct Ordinary {
    price: f64,
    forward_side: f64,
    strike_side: f64,
    intrinsic: f64,
    most: f64,
}

impl Kernel for Ordinary {
    type Output = Option<f64>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Option<f64> {
        let Self { price, forward_side, strike_side, intrinsic, most } = self;
        let cash = forward_side + strike_side;
        let noise = if intrinsic > 0.0 { 1e-13 * cash } else { 1e-280 * cash };
        let (time_value, missing) = (price - intrinsic, most - price);
        let least = forward_side.min(strike_side);
        if !(least > 1e-100 && cash < 1e100 && time_value > noise && missing > 1e-13 * cash) {
            return None;
        }
        let unit = (forward_side * strike_side).sqrt();
        let (beta, complement) = (time_value / unit, missing / unit);
        let x = ln_ratio::<FMA>(forward_side, strike_side).abs();
        let seed = normal_seed::<FMA>(x, beta);
        if is_near(seed, x) {
            return settled(
                seed,
                #[inline(always)]
                |s| near::<FMA, true>(x, beta, s),
            );
        }
        let Start { total_vol, side, .. } = start::<FMA>(seed, x, beta, complement, least / unit);
        let target = if side > 0.0 { beta } else { complement };
        settled(
            total_vol,
            #[inline(always)]
            |s| wide::<FMA>(x, target, side, s),
        )
    }
}

/// Steps until they vanish.
#[inline(always)]
fn settled(mut s: f64, next: impl Fn(f64) -> (f64, f64)) -> Option<f64> {
    for _ in 0..PASSES {
        let (there, step) = next(s);
        s = there;
        if step.abs() <= REST {
            return Some(s);
        }
    }
    None
}

/// The total volatility of a price next to the smallest doubles, where the crate gives up: everything in
/// logarithms, which do not lose digits there.
fn far_tail(price: f64, forward_side: f64, strike_side: f64, intrinsic: f64) -> Option<f64> {
    let log_unit = 0.5 * (forward_side.ln() + strike_side.ln());
    let log_beta = price.ln() - log_unit;
    let x = (forward_side.ln() - strike_side.ln()).abs();
    if intrinsic > 0.0 || x == 0.0 || log_beta > -600.0 {
        return None;
    }
    let mut s = x / (-2.0 * log_beta).sqrt();
    for _ in 0..20 {
        let (h, t) = (x / s, 0.5 * s);
        let mean = if is_near(s, x) {
            near_mean::<false, true>(h, t)
        } else {
            (cdf_over_pdf(t - h) - cdf_over_pdf(-h - t)) / s
        };
        let log_model = (FRAC_1_SQRT_2PI * s * mean).ln() - 0.5 * (h * h + t * t);
        let step = householder::<false>(log_model - log_beta, mean, 1.0 / mean, h * h, t * t);
        // Not beyond the largest vega, where this side of the formula ends.
        s = (s * (1.0 + step.clamp(-0.5, 1.0))).min((2.0 * x).sqrt());
        if step.abs() < 1e-5 {
            return Some(s);
        }
    }
    None
}
