//! What the right to exercise between two boundaries adds to a European put: value and derivatives at any spot
//! from one integral over the time to expiry, as far from it as there is something to exercise.
//!
//! Never: solves for the boundaries; looks between them.

use super::super::Accuracy;
use super::super::boundary::{Problem, cdf_of, pdf, total};
use super::super::premium::Premium;
use super::super::tables::gauss_legendre;
use crate::numerics::vector::{Kernel, dispatch, mul_add};
use std::f64::consts::FRAC_PI_2;
use std::sync::LazyLock;

/// Numbers of points, by accuracy, and the most there can be.
const COUNTS: [usize; 3] = [24, 48, MOST];
const MOST: usize = 64;

/// Points and weights on [0, 1] for each of them.
static RULES: LazyLock<[Vec<(f64, f64)>; 3]> = LazyLock::new(|| COUNTS.map(gauss_legendre));

/// The boundaries at the points of the integral.
#[derive(Debug, Clone, Default)]
pub(super) struct Points {
    /// `ln B` of the lower and of the upper one.
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// `1/(σ√lag)`.
    inverse: Vec<f64>,
    /// What the drift of the log price adds to `d₋`.
    drift: Vec<f64>,
    /// `σ√lag`.
    spread: Vec<f64>,
    /// Weight × rate × e^(−rate·lag).
    interest: Vec<f64>,
    /// Weight × yield × e^(−yield·lag).
    yielded: Vec<f64>,
}

impl Points {
    /// The time to expiry is `T·sin²a` at an angle `a`, so that its root and that of the lag are smooth in it; `a`
    /// ends where the boundaries meet. `logs` are those of both boundaries at a time to expiry.
    pub fn new(
        problem: &Problem,
        accuracy: Accuracy,
        meeting: Option<f64>,
        logs: impl Fn(f64) -> [f64; 2],
    ) -> Self {
        let &Problem { rate, div, vol, t } = problem;
        let most = meeting.map_or(FRAC_PI_2, |meeting| (meeting / t).sqrt().min(1.0).asin());
        let mut points = Self::default();
        for (x, weight) in &RULES[accuracy as usize] {
            let (sin, cos) = (most * x).sin_cos();
            let root = t.sqrt() * cos;
            let lag = root * root;
            let weight = weight * most * 2.0 * sin * cos * t;
            let [lower, upper] = logs(t * sin * sin);
            points.lower.push(lower);
            points.upper.push(upper);
            points.inverse.push(1.0 / (vol * root));
            points.drift.push((rate - div - 0.5 * vol * vol) / vol * root);
            points.spread.push(vol * root);
            points.interest.push(weight * rate * (-rate * lag).exp());
            points.yielded.push(weight * div * (-div * lag).exp());
        }
        points
    }

    /// `spot` in units of the strike.
    pub fn value(&self, spot: f64) -> f64 {
        dispatch(Value { points: self, spot })
    }

    /// With its derivatives.
    pub fn premium(&self, spot: f64) -> Premium {
        dispatch(Slopes { points: self, spot })
    }
}

struct Value<'a> {
    points: &'a Points,
    spot: f64,
}

impl Kernel for Value<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let Self { points, spot } = self;
        let log = spot.ln();
        let mut terms = [0.0; MOST];
        for (boundary, sign) in [(&points.lower, -1.0), (&points.upper, 1.0)] {
            let given = boundary.iter().zip(&points.inverse).zip(&points.drift).zip(&points.spread);
            let given = given.zip(&points.interest).zip(&points.yielded);
            for (term, (((((boundary, inverse), drift), spread), interest), yielded)) in
                terms.iter_mut().zip(given)
            {
                let d_minus = mul_add::<FMA>(log - boundary, *inverse, *drift);
                let d_plus = d_minus + spread;
                let exercised = cdf_of::<FMA>(-d_minus, pdf::<FMA>(d_minus));
                let given_up = cdf_of::<FMA>(-d_plus, pdf::<FMA>(d_plus));
                *term += sign * (interest * exercised - spot * yielded * given_up);
            }
        }
        total(&terms)
    }
}

struct Slopes<'a> {
    points: &'a Points,
    spot: f64,
}

impl Kernel for Slopes<'_> {
    type Output = Premium;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Premium {
        let Self { points, spot } = self;
        let log = spot.ln();
        let per_spot = 1.0 / spot;
        let (mut values, mut slopes, mut curvatures) = ([0.0; MOST], [0.0; MOST], [0.0; MOST]);
        for (boundary, sign) in [(&points.lower, -1.0), (&points.upper, 1.0)] {
            let given = boundary.iter().zip(&points.inverse).zip(&points.drift).zip(&points.spread);
            let given = given.zip(&points.interest).zip(&points.yielded);
            let out = values.iter_mut().zip(&mut slopes).zip(&mut curvatures);
            for (
                (((((boundary, inverse), drift), spread), interest), yielded),
                ((value, slope), curvature),
            ) in given.zip(out)
            {
                let d_minus = mul_add::<FMA>(log - boundary, *inverse, *drift);
                let d_plus = d_minus + spread;
                let (density_minus, density_plus) = (pdf::<FMA>(d_minus), pdf::<FMA>(d_plus));
                let exercised = cdf_of::<FMA>(-d_minus, density_minus);
                let given_up = cdf_of::<FMA>(-d_plus, density_plus);
                let on_strike = interest * density_minus * inverse * per_spot;
                let on_spot = yielded * density_plus * inverse;
                *value += sign * (interest * exercised - spot * yielded * given_up);
                *slope += sign * (on_spot - on_strike - yielded * given_up);
                *curvature += sign
                    * per_spot
                    * (on_strike * mul_add::<FMA>(d_minus, *inverse, 1.0)
                        + on_spot * (1.0 - d_plus * inverse));
            }
        }
        Premium { value: total(&values), slope: total(&slopes), curvature: total(&curvatures) }
    }
}
