//! The derivative of the fixed point: a step of Newton's method towards the boundary, and by the implicit
//! function theorem how the solved boundary moves with volatility, rate and yield.
//!
//! With `g` the fixed-point step in the depths `h` at the nodes and `p` a parameter, `h = g(h, p)` gives
//! `(1 − ∂g/∂h)·step = g − h` away from the solution and `(1 − ∂g/∂h)·dh/dp = ∂g/∂p` at it.
//!
//! Never: repeats itself: beyond one step, what lies next to expiry only settles by the fixed point.

use super::boundary::{Columns, Solution, cdf_of, depths, interpolated, pdf, rises, total};
use super::linear;
use super::tables::Tables;
use crate::numerics::vector::{Kernel, mul_add};

/// One fixed-point step near a boundary.
struct Linearised<const N: usize, const M: usize> {
    image: [f64; N],
    /// What is left of a change of the depths when the change of the image is taken off: a derivative.
    remaining: [[f64; N]; N],
    rise: [[f64; M]; N],
    /// Shares of each column in numerator and denominator.
    above: [[f64; M]; N],
    below: [[f64; M]; N],
    /// Derivatives of the logarithms of numerator and denominator, the one with respect to the column's `d₋`,
    /// the other to its `d₊`.
    above_slope: [[f64; M]; N],
    below_slope: [[f64; M]; N],
}

impl<const N: usize, const M: usize> Columns<N, M> {
    #[inline(always)]
    pub fn newton_step<const FMA: bool, const P: usize>(
        &self,
        tables: &Tables<N, M, P>,
        log_limit: f64,
        depth: &[f64; N],
    ) -> [f64; N] {
        let line = self.linearised::<FMA, P>(tables, log_limit, depth);
        let mut off = [[0.0]; N];
        for ((off, image), depth) in off.iter_mut().zip(&line.image).zip(depth) {
            *off = [image - depth];
        }
        linear::solve::<FMA, N, 1>(line.remaining, off).map(|[step]| step)
    }

    /// One fixed-point step and what it makes of small changes.
    #[inline(always)]
    fn linearised<const FMA: bool, const P: usize>(
        &self,
        tables: &Tables<N, M, P>,
        log_limit: f64,
        depth: &[f64; N],
    ) -> Linearised<N, M> {
        let between = depths::<FMA, N, M, P>(tables, depth);
        let rise = rises(&between, log_limit, depth);
        let (mut above, mut below) = ([[0.0; M]; N], [[0.0; M]; N]);
        let (mut above_slope, mut below_slope) = ([[0.0; M]; N], [[0.0; M]; N]);
        let given = self.inverse.as_flattened().iter().zip(self.drift.as_flattened());
        let given = given.zip(self.spread.as_flattened()).zip(rise.as_flattened());
        let given = given.zip(self.interest.as_flattened()).zip(self.yielded.as_flattened());
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
            *above = interest * cdf_of::<FMA>(d_minus, density_minus);
            *below = yielded * cdf_of::<FMA>(d_plus, density_plus);
            *above_slope = interest * density_minus;
            *below_slope = yielded * density_plus;
        }
        let (mut image, mut remaining) = ([0.0; N], [[0.0; N]; N]);
        for i in 0..N {
            let (numerator, denominator) = (total(&above[i]), total(&below[i]));
            image[i] = log_limit - (numerator / denominator).ln();
            scale(&mut above[i], numerator);
            scale(&mut below[i], denominator);
            scale(&mut above_slope[i], numerator);
            scale(&mut below_slope[i], denominator);
            // Of ln(numerator/denominator) per change of the node's own depth, then of the columns'.
            let mut by_column = [0.0; M];
            for k in 0..M {
                by_column[k] = (above_slope[i][k] - below_slope[i][k]) * self.inverse[i][k];
            }
            let by_own = total(&by_column);
            for k in 0..M {
                // depth² is what is interpolated; where that is not above zero, changes have no effect.
                let between = between[i][k];
                by_column[k] = if between > 0.0 { by_column[k] / between } else { 0.0 };
            }
            by_column[M - 1] = 0.0;
            for c in 0..N {
                let mut terms = tables.share[i][c];
                for k in 0..M {
                    terms[k] *= by_column[k];
                }
                remaining[i][c] = depth[c] * total(&terms);
            }
            remaining[i][i] += 1.0 - by_own;
        }
        Linearised { image, remaining, rise, above, below, above_slope, below_slope }
    }
}

#[inline(always)]
fn scale<const M: usize>(terms: &mut [f64; M], whole: f64) {
    let inverse = 1.0 / whole;
    for term in terms {
        *term *= inverse;
    }
}

/// How `ln B` at the points of the price integral moves with volatility, rate and yield.
#[derive(Debug, Clone)]
pub(super) struct Tangents<const P: usize> {
    pub log_boundary: [[f64; P]; 3],
    /// With the whole time to go.
    pub log_today: [f64; 3],
}

/// Differentiates a solved boundary, compiled for each instruction set.
pub(super) struct Differentiate<'a, const N: usize, const M: usize, const P: usize> {
    pub tables: &'a Tables<N, M, P>,
    pub solution: &'a Solution<N, P>,
}

/// Stands for a yield of zero, so that what a yield would add can be divided by it.
const NO_YIELD: f64 = 1e-200;

impl<const N: usize, const M: usize, const P: usize> Kernel for Differentiate<'_, N, M, P> {
    type Output = Tangents<P>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Tangents<P> {
        let Self { tables, solution } = self;
        let mut problem = solution.problem;
        if problem.div == 0.0 {
            problem.div = NO_YIELD;
        }
        let log_limit = problem.limit().ln();
        let by_limit = problem.limit_slopes();
        let depth = &solution.depth;
        let columns = Columns::new::<FMA, P>(tables, &problem);
        let line = columns.linearised::<FMA, P>(tables, log_limit, depth);
        let mut by_parameter = [[0.0; 3]; N];
        for (i, by_parameter) in by_parameter.iter_mut().enumerate() {
            let (mut by_vol, mut by_carry) = ([0.0; M], [0.0; M]);
            let (mut interest, mut yielded) = ([0.0; M], [0.0; M]);
            for k in 0..M {
                let spread = columns.spread[i][k];
                let d_minus = mul_add::<FMA>(line.rise[i][k], columns.inverse[i][k], columns.drift[i][k]);
                let (above, below) = (line.above_slope[i][k], line.below_slope[i][k]);
                // ∂d₋/∂σ = −d₊/σ and ∂d₊/∂σ = −d₋/σ; ∂d/∂r = −∂d/∂q = √lag/σ.
                by_vol[k] = (above * (d_minus + spread) - below * d_minus) / problem.vol;
                by_carry[k] = (above - below) * spread / (problem.vol * problem.vol);
                let lag = problem.t * tables.root_lag[i][k] * tables.root_lag[i][k];
                // ∂(r·e^(−r·lag))/∂r; expiry, in the last column, is not multiplied by a rate.
                let (per_rate, per_div) =
                    if k == M - 1 { (0.0, 0.0) } else { (1.0 / problem.rate, 1.0 / problem.div) };
                interest[k] = line.above[i][k] * (per_rate - lag);
                yielded[k] = line.below[i][k] * (per_div - lag);
            }
            let last = (line.above_slope[i][M - 1] - line.below_slope[i][M - 1]) * columns.inverse[i][M - 1];
            let carry = total(&by_carry);
            let parts = [total(&by_vol), -carry - total(&interest), carry + total(&yielded)];
            for ((slope, part), limit) in by_parameter.iter_mut().zip(parts).zip(by_limit) {
                *slope = part + limit * (1.0 - last);
            }
        }
        let moved = linear::solve::<FMA, N, 3>(line.remaining, by_parameter);
        let log_today: [f64; 3] = std::array::from_fn(|p| by_limit[p] - moved[N - 1][p]);
        let mut log_boundary = [[0.0; P]; 3];
        for (p, log_boundary) in log_boundary.iter_mut().enumerate() {
            let mut squares = [0.0; N];
            for c in 0..N {
                squares[c] = depth[c] * moved[c][p];
            }
            *log_boundary = interpolated::<FMA, N, P>(&tables.price_share, &squares);
            for (slope, log_boundary) in log_boundary.iter_mut().zip(&solution.points.log_boundary) {
                let depth = log_limit - log_boundary;
                *slope = by_limit[p] - if depth > 0.0 { *slope / depth } else { 0.0 };
            }
        }
        Tangents { log_boundary, log_today }
    }
}
