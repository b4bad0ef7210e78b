//! What the right to exercise early adds to a European put, once its boundary is known: value, slope and
//! curvature at any spot from one integral.
//!
//! Never: solves for the boundary; looks at the exercise region, where the integral does not hold.

use super::Accuracy;
use super::boundary::{Points, Problem, Solution, Solve, cdf_of, pdf, total};
use super::tables::Tables;
use crate::numerics::vector::{Kernel, dispatch, mul_add};
use std::sync::LazyLock;

pub(super) static FAST: LazyLock<Tables<8, 8, 24>> = LazyLock::new(Tables::new);
static ACCURATE: LazyLock<Tables<12, 16, 32>> = LazyLock::new(Tables::new);
static HIGH: LazyLock<Tables<20, 32, 64>> = LazyLock::new(Tables::new);

/// The boundary of one put with strike 1, ready for any spot.
#[derive(Debug, Clone)]
pub(super) struct Boundary {
    points: AnyPoints,
    /// Below it exercise today is best.
    pub today: f64,
}

#[derive(Debug, Clone)]
enum AnyPoints {
    Fast(Box<Points<24>>),
    Accurate(Box<Points<32>>),
    High(Box<Points<64>>),
}

/// Premium over the European value and its derivatives with respect to spot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Premium {
    pub value: f64,
    pub slope: f64,
    pub curvature: f64,
}

/// A fixed number of steps that leaves a larger change than this has not found the boundary.
const FAST_CHANGE: f64 = 0.05;

impl Boundary {
    /// `None` where the iteration does not settle.
    pub fn solve(problem: &Problem, accuracy: Accuracy) -> Option<Self> {
        let problem = *problem;
        match accuracy {
            Accuracy::Fast => {
                Self::settled(dispatch(Solve { tables: &*FAST, problem, iterations: 4 }), AnyPoints::Fast)
            }
            Accuracy::Accurate => Self::settled(
                dispatch(Solve { tables: &*ACCURATE, problem, iterations: 8 }),
                AnyPoints::Accurate,
            ),
            Accuracy::High => {
                Self::settled(dispatch(Solve { tables: &*HIGH, problem, iterations: 16 }), AnyPoints::High)
            }
        }
    }

    fn settled<const P: usize>(
        solution: Solution<P>,
        keep: impl FnOnce(Box<Points<P>>) -> AnyPoints,
    ) -> Option<Self> {
        let today = solution.log_today.exp();
        let good = solution.change <= FAST_CHANGE && today.is_finite() && today > 0.0;
        good.then(|| Self { points: keep(Box::new(solution.points)), today })
    }

    /// Of the fast mode.
    pub fn of_points(points: Points<24>, today: f64) -> Self {
        Self { points: AnyPoints::Fast(Box::new(points)), today }
    }

    /// Where it is of the fast mode.
    pub fn fast(&self) -> Option<&Points<24>> {
        match &self.points {
            AnyPoints::Fast(points) => Some(points),
            AnyPoints::Accurate(_) | AnyPoints::High(_) => None,
        }
    }

    /// `spot` in units of the strike, above the boundary.
    pub fn value(&self, spot: f64) -> f64 {
        match &self.points {
            AnyPoints::Fast(points) => dispatch(Value { points, spot }),
            AnyPoints::Accurate(points) => dispatch(Value { points, spot }),
            AnyPoints::High(points) => dispatch(Value { points, spot }),
        }
    }

    pub fn premium(&self, spot: f64) -> Premium {
        match &self.points {
            AnyPoints::Fast(points) => dispatch(Slopes { points, spot }),
            AnyPoints::Accurate(points) => dispatch(Slopes { points, spot }),
            AnyPoints::High(points) => dispatch(Slopes { points, spot }),
        }
    }
}

struct Value<'a, const P: usize> {
    points: &'a Points<P>,
    spot: f64,
}

impl<const P: usize> Kernel for Value<'_, P> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let Self { points, spot } = self;
        let log_spot = spot.ln();
        let mut terms = [0.0; P];
        #[expect(
            clippy::needless_range_loop,
            reason = "seven arrays in step read better by index than as a nest of zips"
        )]
        for k in 0..P {
            let d_minus =
                mul_add::<FMA>(log_spot - points.log_boundary[k], points.inverse[k], points.drift[k]);
            let d_plus = d_minus + points.spread[k];
            let exercised = cdf_of::<FMA>(-d_minus, pdf::<FMA>(d_minus));
            let given_up = cdf_of::<FMA>(-d_plus, pdf::<FMA>(d_plus));
            terms[k] = points.interest[k] * exercised - spot * points.yielded[k] * given_up;
        }
        total(&terms)
    }
}

struct Slopes<'a, const P: usize> {
    points: &'a Points<P>,
    spot: f64,
}

impl<const P: usize> Kernel for Slopes<'_, P> {
    type Output = Premium;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Premium {
        let Self { points, spot } = self;
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
            let (interest, yielded) = (points.interest[k], points.yielded[k]);
            let on_strike = interest * density_minus * inverse * per_spot;
            let on_spot = yielded * density_plus * inverse;
            values[k] = interest * exercised - spot * yielded * given_up;
            slopes[k] = on_spot - on_strike - yielded * given_up;
            curvatures[k] = per_spot
                * (on_strike * mul_add::<FMA>(d_minus, inverse, 1.0) + on_spot * (1.0 - d_plus * inverse));
        }
        Premium { value: total(&values), slope: total(&slopes), curvature: total(&curvatures) }
    }
}
