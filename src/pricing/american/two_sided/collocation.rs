//! One of the two boundaries of a put under negative rates, by collocation and Newton's method.
//!
//! Until the boundaries meet, what is held above the upper one and what is held below the lower one touch
//! nowhere: each is a problem of its own, in which exercise goes on without end on the other side (Andersen &
//! Lake, 2021). Writing the value of each as that of exercising at the end plus what is gained on the way, a
//! boundary `b(τ) = ln B` obeys `b = ln(numerator/denominator)` with
//!
//! - numerator `E − r·∫ e^(−r·lag)·N(−d₋) du`, denominator `F − q·∫ e^(−q·lag)·N(−d₊) du`, both without a
//!   negative term, as the rates have none that is positive;
//! - above, `E = 1 − e^(−rτ)·N(−d₋(B/K))` and `F` likewise; below, where the end is far in the money, nothing.
//!
//! As for one boundary, the square of `ln(B/limit)` is nearly a polynomial in `√τ`.
//!
//! Never: knows the other boundary, or whether it has met it.

use super::super::boundary::{Columns, Problem, cdf_of, depths, pdf, rises, total};
use super::super::linear;
use super::super::tables::Tables;
use crate::numerics::vector::{Kernel, mul_add};
use std::f64::consts::PI;

/// Above which, or below which, the option is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Upper,
    Lower,
}

impl Side {
    /// Which way `ln B` goes from its limit at expiry, as a factor of the depth.
    pub fn sign(self) -> f64 {
        match self {
            Self::Upper => -1.0,
            Self::Lower => 1.0,
        }
    }

    /// `ln B` just before expiry: the strike, and where yield and interest balance.
    pub fn limit(self, problem: &Problem) -> f64 {
        match self {
            Self::Upper => 0.0,
            Self::Lower => (problem.rate / problem.div).ln(),
        }
    }
}

/// The depths at the nodes, `|ln(B/limit)|`, from a start.
pub(super) struct Collocate<'a, const N: usize, const M: usize> {
    pub tables: &'a Tables<N, M, 1>,
    pub problem: Problem,
    pub side: Side,
    pub start: [f64; N],
    /// The last step changes no depth by more, each as much as its root of time counts.
    pub close: f64,
}

const MOST_STEPS: usize = 16;
/// Fixed-point steps of the upper boundary before those of Newton's method: what lies next to expiry, where it
/// begins at the kink of the payoff, settles by them.
const SETTLING: usize = 3;

/// A step leaves at least and at most so much of a depth.
const SHRINK: f64 = 0.4;
const GROW: f64 = 2.5;

impl<const N: usize, const M: usize> Kernel for Collocate<'_, N, M> {
    /// `None` where it does not settle.
    type Output = Option<[f64; N]>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let Self { tables, problem, side, start, close } = self;
        if !start.iter().all(|depth| *depth > 0.0 && depth.is_finite()) {
            return None;
        }
        let columns = Columns::new::<FMA, 1>(tables, &problem);
        let settling = if side == Side::Upper { SETTLING } else { 0 };
        let mut depth = start;
        for k in 0..MOST_STEPS {
            let step = step::<FMA, N, M>(&columns, tables, &problem, side, &depth, k < settling);
            let mut change = 0.0f64;
            for ((depth, step), root) in depth.iter_mut().zip(&step).zip(&tables.root) {
                let next = (*depth + step).clamp(SHRINK * *depth, GROW * *depth);
                if !next.is_finite() {
                    return None;
                }
                change = change.max(root * (next - *depth).abs());
                *depth = next;
            }
            if change <= close && k >= settling {
                // With more time to go both boundaries close in, but for what the last digits do.
                let rises = depth.windows(2).all(|pair| pair[0] < 1.05 * pair[1]);
                return rises.then_some(depth);
            }
        }
        None
    }
}

/// What Newton's method, or the fixed point, adds to the depths.
#[inline(always)]
fn step<const FMA: bool, const N: usize, const M: usize>(
    columns: &Columns<N, M>,
    tables: &Tables<N, M, 1>,
    problem: &Problem,
    side: Side,
    depth: &[f64; N],
    fixed: bool,
) -> [f64; N] {
    let limit = side.limit(problem);
    let sign = side.sign();
    let between = depths::<FMA, N, M, 1>(tables, depth);
    // Of the upper boundary; the lower one goes the other way.
    let mut rise = rises(&between, 0.0, depth);
    for (rise, depth) in rise.iter_mut().zip(depth) {
        for rise in rise.iter_mut() {
            *rise *= -sign;
        }
        rise[M - 1] = limit + sign * depth;
    }
    let (mut above, mut below) = ([[0.0; M]; N], [[0.0; M]; N]);
    let (mut above_slope, mut below_slope) = ([[0.0; M]; N], [[0.0; M]; N]);
    let given = columns.inverse.as_flattened().iter().zip(columns.drift.as_flattened());
    let given = given.zip(columns.spread.as_flattened()).zip(rise.as_flattened());
    let given = given.zip(columns.interest.as_flattened()).zip(columns.yielded.as_flattened());
    let out = above.as_flattened_mut().iter_mut().zip(below.as_flattened_mut());
    let out = out.zip(above_slope.as_flattened_mut()).zip(below_slope.as_flattened_mut());
    for (
        (((((inverse, drift), spread), rise), interest), yielded),
        (((above, below), above_slope), below_slope),
    ) in given.zip(out)
    {
        let d_minus = mul_add::<FMA>(*rise, *inverse, *drift);
        let d_plus = d_minus + spread;
        let (density_minus, density_plus) = (pdf::<FMA>(d_minus), pdf::<FMA>(d_plus));
        *above = -interest * cdf_of::<FMA>(-d_minus, density_minus);
        *below = -yielded * cdf_of::<FMA>(-d_plus, density_plus);
        *above_slope = interest * density_minus * inverse;
        *below_slope = yielded * density_plus * inverse;
    }
    let (mut off, mut remaining) = ([[0.0]; N], [[0.0; N]; N]);
    for i in 0..N {
        let last = M - 1;
        match side {
            // The last column is expiry: `1 − e^(−rτ)·N(−d)`, without its two digits too few next to it.
            Side::Upper => {
                let time = problem.t * tables.root[i] * tables.root[i];
                let d_minus = mul_add::<FMA>(rise[i][last], columns.inverse[i][last], columns.drift[i][last]);
                let d_plus = d_minus + columns.spread[i][last];
                above[i][last] = columns.interest[i][last] * cdf_of::<FMA>(d_minus, pdf::<FMA>(d_minus))
                    - (-problem.rate * time).exp_m1();
                below[i][last] = columns.yielded[i][last] * cdf_of::<FMA>(d_plus, pdf::<FMA>(d_plus))
                    - (-problem.div * time).exp_m1();
            }
            Side::Lower => {
                (above[i][last], below[i][last]) = (0.0, 0.0);
                (above_slope[i][last], below_slope[i][last]) = (0.0, 0.0);
            }
        }
        let (numerator, denominator) = (total(&above[i]), total(&below[i]));
        off[i][0] = sign * ((numerator / denominator).ln() - limit) - depth[i];
        if fixed {
            continue;
        }
        let (per_numerator, per_denominator) = (1.0 / numerator, 1.0 / denominator);
        let mut by_column = [0.0; M];
        for k in 0..M {
            by_column[k] = above_slope[i][k] * per_numerator - below_slope[i][k] * per_denominator;
        }
        let by_own = total(&by_column);
        for k in 0..M {
            // depth² is what is interpolated; where that is not above zero, changes have no effect.
            let between = between[i][k];
            by_column[k] = if between > 0.0 { by_column[k] / between } else { 0.0 };
        }
        by_column[last] = 0.0;
        for c in 0..N {
            let mut terms = tables.share[i][c];
            for k in 0..M {
                terms[k] *= by_column[k];
            }
            remaining[i][c] = depth[c] * total(&terms);
        }
        remaining[i][i] += 1.0 - by_own;
    }
    if fixed {
        return off.map(|[off]| off);
    }
    linear::solve::<FMA, N, 1>(remaining, off).map(|[step]| step)
}

impl Side {
    /// The depth next to expiry in standard deviations of the log price.
    pub fn slope(self, problem: &Problem) -> f64 {
        let &Problem { rate, div, vol, t } = problem;
        match self {
            // `√ln(σ²/(8π(r − q)²τ))` in the limit (Evans, Kuske & Keller, 2002).
            Self::Upper => (vol * vol / (8.0 * PI * (rate - div) * (rate - div) * t)).ln_1p().sqrt(),
            Self::Lower => 0.64,
        }
    }

    /// A start of the iteration at a share `root` of the root of time.
    pub fn start(self, problem: &Problem, root: f64) -> f64 {
        let t = problem.t * root * root;
        let depth = self.slope(&Problem { t, ..*problem }) * problem.vol * t.sqrt();
        let deepest = self.perpetual(problem);
        let bent = -deepest * (-depth / deepest).exp_m1();
        if bent.is_finite() { bent } else { depth }
    }

    /// The depth of the boundary of a put that never expires; infinite where there is none.
    fn perpetual(self, problem: &Problem) -> f64 {
        let variance = problem.vol * problem.vol;
        let drift = problem.rate - problem.div - 0.5 * variance;
        let square = drift * drift + 2.0 * problem.rate * variance;
        if !(square > 0.0 && drift > 0.0) {
            return f64::INFINITY;
        }
        // The roots of ½σ²λ² + drift·λ − r, both below zero.
        let sum = drift + square.sqrt();
        let lambda = match self {
            Self::Upper => -sum / variance,
            Self::Lower => 2.0 * problem.rate / sum,
        };
        ((lambda / (lambda - 1.0)).ln() - self.limit(problem)).abs()
    }
}
