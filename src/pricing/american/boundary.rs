//! The early-exercise boundary of a put as a function of the time to expiry, by the spectral collocation
//! of Andersen, Lake & Offengenden (2016).
//!
//! With `B` the boundary, `X` its limit at expiry and `H = ln²(B/X)`, `H` is nearly a polynomial in `√time`
//! and is known through its values on Chebyshev nodes. There Kim's integral equation is a fixed point
//! `B = K·numerator/denominator`, iterated a fixed number of times. `ln(B(t)/B(u))` is a difference of square
//! roots of `H`: the loops hold neither a logarithm nor a branch.
//!
//! Never: sees a call (put-call symmetry has made a put of it) or a spot.

use super::tables::Tables;
use crate::numerics::vector::{Kernel, exp, mills, mul_add};

/// A put with strike 1 and a rate above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Problem {
    pub rate: f64,
    pub div: f64,
    pub vol: f64,
    pub t: f64,
    pub equation: Equation,
}

/// Which of the two fixed points is iterated. Differences between solutions must not compare one with the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Equation {
    /// From the slope at the boundary (FP-A): converges faster where the rate is above the yield.
    Slope,
    /// From the value at the boundary (FP-B).
    Value,
}

impl Equation {
    pub fn fitting(rate: f64, div: f64) -> Self {
        if rate > div { Self::Slope } else { Self::Value }
    }
}

impl Problem {
    /// The boundary just before expiry: where the interest on the strike no longer pays for the yield.
    pub fn limit(&self) -> f64 {
        if self.div > self.rate { self.rate / self.div } else { 1.0 }
    }

    /// The boundary of a put that never expires.
    pub fn perpetual(&self) -> f64 {
        let variance = self.vol * self.vol;
        let drift = self.rate - self.div - 0.5 * variance;
        // The negative root of ½σ²λ² + drift·λ − r, in the form that does not cancel.
        let root = (drift * drift + 2.0 * self.rate * variance).sqrt();
        let lambda =
            if drift >= 0.0 { -(drift + root) / variance } else { -2.0 * self.rate / (root - drift) };
        lambda / (lambda - 1.0)
    }
}

/// The boundary at the points of the price integral.
#[derive(Debug, Clone)]
pub(super) struct Points<const P: usize> {
    /// `ln B`.
    pub log_boundary: [f64; P],
    /// `1/(σ√lag)`.
    pub inverse: [f64; P],
    /// What the drift of the log price adds to `d₋`.
    pub drift: [f64; P],
    /// `σ√lag`.
    pub spread: [f64; P],
    /// Weight × rate × e^(−rate·lag): interest on the strike.
    pub interest: [f64; P],
    /// Weight × yield × e^(−yield·lag): dividends given up.
    pub yielded: [f64; P],
}

#[derive(Debug, Clone)]
pub(super) struct Solution<const P: usize> {
    pub points: Points<P>,
    /// `ln B` with the whole time to go.
    pub log_today: f64,
    /// The last step's largest change of `ln B`.
    pub change: f64,
}

/// The whole solution of one boundary, compiled for each instruction set.
pub(super) struct Solve<'a, const N: usize, const M: usize, const P: usize> {
    pub tables: &'a Tables<N, M, P>,
    pub problem: Problem,
    pub iterations: usize,
}

/// A start of the iteration grows like this multiple of `σ√(2t)` before it bends towards the perpetual
/// boundary; tuned on the prices after four steps.
const START_SLOPE: f64 = 1.7;

impl<const N: usize, const M: usize, const P: usize> Kernel for Solve<'_, N, M, P> {
    type Output = Solution<P>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Solution<P> {
        let Self { tables, problem, iterations } = self;
        let columns = Columns::new::<FMA, P>(tables, &problem);
        let log_limit = problem.limit().ln();
        let deepest = (log_limit - problem.perpetual().ln()).max(0.0);
        let mut depth = start(tables, &problem, deepest);
        let mut change = f64::INFINITY;
        for _ in 0..iterations {
            change = columns.step::<FMA, P>(tables, &problem, log_limit, deepest, &mut depth);
        }
        let points = points::<FMA, N, M, P>(tables, &problem, log_limit, &depth);
        Solution { points, log_today: log_limit - depth[N - 1], change }
    }
}

/// `ln(X/B)` at the nodes: zero at expiry, the perpetual boundary far away.
#[inline(always)]
fn start<const N: usize, const M: usize, const P: usize>(
    tables: &Tables<N, M, P>,
    problem: &Problem,
    deepest: f64,
) -> [f64; N] {
    let growth = START_SLOPE * problem.vol * (2.0 * problem.t).sqrt();
    tables.root.map(|root| {
        let depth = deepest * -(-growth * root / deepest).exp_m1();
        if depth.is_finite() { depth } else { 0.0 }
    })
}

/// Per node and column: all that does not change between iterations.
struct Columns<const N: usize, const M: usize> {
    inverse: [[f64; M]; N],
    drift: [[f64; M]; N],
    spread: [[f64; M]; N],
    interest: [[f64; M]; N],
    yielded: [[f64; M]; N],
}

impl<const N: usize, const M: usize> Columns<N, M> {
    #[inline(always)]
    fn new<const FMA: bool, const P: usize>(tables: &Tables<N, M, P>, problem: &Problem) -> Self {
        let &Problem { rate, div, vol, t, .. } = problem;
        let root_t = t.sqrt();
        let per_root = (rate - div - 0.5 * vol * vol) / vol;
        let mut columns = Self {
            inverse: [[0.0; M]; N],
            drift: [[0.0; M]; N],
            spread: [[0.0; M]; N],
            interest: [[0.0; M]; N],
            yielded: [[0.0; M]; N],
        };
        let lags = tables.root_lag.as_flattened().iter().zip(tables.weight.as_flattened());
        let out = columns.inverse.as_flattened_mut().iter_mut().zip(columns.drift.as_flattened_mut());
        let out = out.zip(columns.spread.as_flattened_mut());
        let out = out.zip(columns.interest.as_flattened_mut()).zip(columns.yielded.as_flattened_mut());
        for ((root_lag, weight), ((((inverse, drift), spread), interest), yielded)) in lags.zip(out) {
            let root = root_t * root_lag;
            let lag = root * root;
            let weight = weight * t;
            *spread = vol * root;
            *inverse = 1.0 / *spread;
            *drift = per_root * root;
            *interest = weight * rate * exp::<FMA>(-rate * lag);
            *yielded = weight * div * exp::<FMA>(-div * lag);
        }
        for i in 0..N {
            // The last column is what the equation says of expiry: discounting without a weight.
            let time = t * tables.root[i] * tables.root[i];
            columns.interest[i][M - 1] = exp::<FMA>(-rate * time);
            columns.yielded[i][M - 1] = exp::<FMA>(-div * time);
        }
        columns
    }

    /// One fixed-point step; the largest change of `ln B`.
    #[inline(always)]
    fn step<const FMA: bool, const P: usize>(
        &self,
        tables: &Tables<N, M, P>,
        problem: &Problem,
        log_limit: f64,
        deepest: f64,
        depth: &mut [f64; N],
    ) -> f64 {
        let squares = depth.map(|depth| depth * depth);
        let mut rise = [[0.0; M]; N];
        for ((shares, rise), depth) in tables.share.iter().zip(&mut rise).zip(&*depth) {
            let mut square = [0.0; M];
            for (share, h) in shares.iter().zip(&squares) {
                for (sum, share) in square.iter_mut().zip(share) {
                    *sum = mul_add::<FMA>(*share, *h, *sum);
                }
            }
            for (rise, square) in rise.iter_mut().zip(&square) {
                *rise = square.max(0.0).sqrt() - depth;
            }
            rise[M - 1] = log_limit - depth;
        }
        let mut above = [[0.0; M]; N];
        let mut below = [[0.0; M]; N];
        match problem.equation {
            Equation::Slope => self.slope_terms::<FMA>(&rise, &mut above, &mut below),
            Equation::Value => self.value_terms::<FMA>(&rise, &mut above, &mut below),
        }
        let mut change = 0.0f64;
        for ((depth, above), below) in depth.iter_mut().zip(&above).zip(&below) {
            let log_boundary = (total(above) / total(below)).ln();
            let next = (log_limit - log_boundary).clamp(0.0, deepest);
            change = change.max((next - *depth).abs());
            *depth = next;
        }
        change
    }

    /// The fixed point that follows from the value at the boundary (FP-B).
    #[inline(always)]
    fn value_terms<const FMA: bool>(
        &self,
        rise: &[[f64; M]; N],
        above: &mut [[f64; M]; N],
        below: &mut [[f64; M]; N],
    ) {
        let given = self.inverse.as_flattened().iter().zip(self.drift.as_flattened());
        let given = given.zip(self.spread.as_flattened()).zip(rise.as_flattened());
        let given = given.zip(self.interest.as_flattened()).zip(self.yielded.as_flattened());
        let out = above.as_flattened_mut().iter_mut().zip(below.as_flattened_mut());
        for ((((((inverse, drift), spread), rise), interest), yielded), (above, below)) in given.zip(out) {
            let d_minus = mul_add::<FMA>(*rise, *inverse, *drift);
            *above = interest * cdf::<FMA>(d_minus);
            *below = yielded * cdf::<FMA>(d_minus + spread);
        }
    }

    /// The fixed point that follows from the slope at the boundary (FP-A).
    #[inline(always)]
    fn slope_terms<const FMA: bool>(
        &self,
        rise: &[[f64; M]; N],
        above: &mut [[f64; M]; N],
        below: &mut [[f64; M]; N],
    ) {
        let given = self.inverse.as_flattened().iter().zip(self.drift.as_flattened());
        let given = given.zip(self.spread.as_flattened()).zip(rise.as_flattened());
        let given = given.zip(self.interest.as_flattened()).zip(self.yielded.as_flattened());
        let out = above.as_flattened_mut().iter_mut().zip(below.as_flattened_mut());
        for ((((((inverse, drift), spread), rise), interest), yielded), (above, below)) in given.zip(out) {
            let d_minus = mul_add::<FMA>(*rise, *inverse, *drift);
            let d_plus = d_minus + spread;
            let density = pdf::<FMA>(d_plus);
            *above = interest * inverse * pdf::<FMA>(d_minus);
            *below = yielded * mul_add::<FMA>(density, *inverse, cdf_of::<FMA>(d_plus, density));
        }
    }
}

/// The boundary through those depths, `ln(X/B)` at the nodes, at the points of the price integral.
#[inline(always)]
pub(super) fn points<const FMA: bool, const N: usize, const M: usize, const P: usize>(
    tables: &Tables<N, M, P>,
    problem: &Problem,
    log_limit: f64,
    depth: &[f64; N],
) -> Points<P> {
    let &Problem { rate, div, vol, t, .. } = problem;
    let root_t = t.sqrt();
    let per_root = (rate - div - 0.5 * vol * vol) / vol;
    let mut square = [0.0; P];
    for (shares, depth) in tables.price_share.iter().zip(depth) {
        let h = depth * depth;
        for (sum, share) in square.iter_mut().zip(shares) {
            *sum = mul_add::<FMA>(*share, h, *sum);
        }
    }
    let mut points = Points {
        log_boundary: [0.0; P],
        inverse: [0.0; P],
        drift: [0.0; P],
        spread: [0.0; P],
        interest: [0.0; P],
        yielded: [0.0; P],
    };
    #[expect(
        clippy::needless_range_loop,
        reason = "seven arrays in step read better by index than as a nest of zips"
    )]
    for k in 0..P {
        let root = root_t * tables.price_root_lag[k];
        let lag = root * root;
        let weight = tables.price_weight[k] * t;
        points.log_boundary[k] = log_limit - square[k].max(0.0).sqrt();
        points.spread[k] = vol * root;
        points.inverse[k] = 1.0 / points.spread[k];
        points.drift[k] = per_root * root;
        points.interest[k] = weight * rate * exp::<FMA>(-rate * lag);
        points.yielded[k] = weight * div * exp::<FMA>(-div * lag);
    }
    points
}

/// A sum in eight lanes, which one vector holds.
#[inline(always)]
pub(super) fn total<const M: usize>(terms: &[f64; M]) -> f64 {
    let (chunks, rest) = terms.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, term) in lanes.iter_mut().zip(chunk) {
            *lane += term;
        }
    }
    let pairs: [f64; 4] =
        [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
    (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]) + rest.iter().sum::<f64>()
}

const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// Only absolute accuracy counts here: every term is a share of the strike.
#[inline(always)]
pub(super) fn pdf<const FMA: bool>(x: f64) -> f64 {
    FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * x * x)
}

#[inline(always)]
pub(super) fn cdf_of<const FMA: bool>(x: f64, density: f64) -> f64 {
    let tail = density * mills::<FMA>(x.abs());
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[inline(always)]
pub(super) fn cdf<const FMA: bool>(x: f64) -> f64 {
    cdf_of::<FMA>(x, pdf::<FMA>(x))
}
