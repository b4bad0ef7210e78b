//! The integral of what early exercise adds over the moments at which it is right, at one spot: the value, its
//! derivatives with respect to the spot, and with respect to a boundary's own place.
//!
//! Never: knows where the points come from, or where the boundary is gone.

use super::boundary::{Points, Problem, cdf_of, pdf, total};
use super::premium::Premium;
use crate::domain::Right;
use crate::numerics::vector::mul_add;
use crate::pricing::black_scholes;
use crate::pricing::inputs::OptionInputs;

/// With a strike of 1.
#[inline(always)]
pub(super) fn value<const FMA: bool, const P: usize>(
    points: &Points<P>,
    problem: &Problem,
    spot: f64,
) -> f64 {
    let &Problem { rate, div, .. } = problem;
    let log_spot = spot.ln();
    let mut terms = [0.0; P];
    #[expect(
        clippy::needless_range_loop,
        reason = "seven arrays in step read better by index than as a nest of zips"
    )]
    for k in 0..P {
        let d_minus = mul_add::<FMA>(log_spot - points.log_boundary[k], points.inverse[k], points.drift[k]);
        let d_plus = d_minus + points.spread[k];
        let exercised = cdf_of::<FMA>(-d_minus, pdf::<FMA>(d_minus));
        let given_up = cdf_of::<FMA>(-d_plus, pdf::<FMA>(d_plus));
        terms[k] =
            rate * points.strike_discount[k] * exercised - spot * div * points.spot_discount[k] * given_up;
    }
    total(&terms)
}

/// The value and its derivatives with respect to spot.
#[inline(always)]
pub(super) fn slopes<const FMA: bool, const P: usize>(
    points: &Points<P>,
    problem: &Problem,
    spot: f64,
) -> Premium {
    let &Problem { rate, div, .. } = problem;
    let log_spot = spot.ln();
    let per_spot = 1.0 / spot;
    let (mut values, mut slopes, mut curvatures) = ([0.0; P], [0.0; P], [0.0; P]);
    for k in 0..P {
        let inverse = points.inverse[k];
        let d_minus = mul_add::<FMA>(log_spot - points.log_boundary[k], inverse, points.drift[k]);
        let d_plus = d_minus + points.spread[k];
        let (density_minus, density_plus) = (pdf::<FMA>(d_minus), pdf::<FMA>(d_plus));
        let exercised = cdf_of::<FMA>(-d_minus, density_minus);
        let given_up = cdf_of::<FMA>(-d_plus, density_plus);
        let (interest, yielded) = (rate * points.strike_discount[k], div * points.spot_discount[k]);
        let on_strike = interest * density_minus * inverse * per_spot;
        let on_spot = yielded * density_plus * inverse;
        values[k] = interest * exercised - spot * yielded * given_up;
        slopes[k] = on_spot - on_strike - yielded * given_up;
        curvatures[k] = per_spot
            * (on_strike * mul_add::<FMA>(d_minus, inverse, 1.0) + on_spot * (1.0 - d_plus * inverse));
    }
    Premium { value: total(&values), slope: total(&slopes), curvature: total(&curvatures) }
}

/// Next to the boundary the curvature has a part that comes from lags too short for the points: nearer than
/// `width` in the log spot it is the cubic through the one at the boundary and three farther away.
pub(super) fn near_boundary(
    spot: f64,
    today: f64,
    width: f64,
    here: Premium,
    at_boundary: impl FnOnce() -> f64,
    curvature_at: impl Fn(f64) -> f64,
) -> Premium {
    let away = (spot / today).ln();
    if away >= width {
        return here;
    }
    let places = [0.0, 1.0, 1.5, 2.0].map(|multiple| multiple * width);
    let [_, one, two, three] = places.map(|place| today * place.exp());
    let known = [at_boundary(), curvature_at(one), curvature_at(two), curvature_at(three)];
    let mut curvature = 0.0;
    for (i, (place, known)) in places.iter().zip(known).enumerate() {
        let others = places.iter().enumerate().filter(|(j, _)| *j != i);
        curvature += others.fold(known, |share, (_, other)| share * (away - other) / (place - other));
    }
    if curvature.is_finite() { Premium { curvature, ..here } } else { here }
}

/// What early exercise adds to the curvature at the boundary, where the pricing equation leaves the value no
/// other.
pub(super) fn exercise_curvature(problem: &Problem, today: f64) -> f64 {
    let &Problem { rate, div, vol, t } = problem;
    let put = OptionInputs {
        right: Right::Put,
        spot: today,
        strike: 1.0,
        rate,
        dividend_yield: div,
        vol_annual: vol,
        tte_years: t,
    };
    2.0 * (rate - div * today) / (vol * vol * today * today) - black_scholes::raw_greeks(&put).gamma
}
