//! The early-exercise boundary of a put as a function of the time to expiry, by the spectral collocation
//! of Andersen, Lake & Offengenden (2016).
//!
//! With `B` the boundary, `X` its limit at expiry and `depth = ln(X/B)`, `depth²` is nearly a polynomial in
//! `√time` and is known through its values on Chebyshev nodes. There Kim's integral equation, that holding and
//! exercising are worth the same at the boundary, is a fixed point `B = K·numerator/denominator` (their
//! FP-B). `ln(B(t)/B(u))` is a difference of square roots of polynomials: the loops hold neither a logarithm
//! nor a branch.
//!
//! A few fixed-point steps settle what lies next to expiry, where only they converge; one step of Newton's
//! method removes what is left. The fixed point that follows from the slope at the boundary (FP-A) contracts
//! faster, but not at all where the rate is many times the variance: prices were off by a per cent there.
//!
//! Never: sees a call (put-call symmetry has made a put of it) or a spot.

use super::tables::Tables;
use crate::numerics::vector::{FRAC_1_SQRT_2PI, Kernel, exp, mills, mul_add};

/// A put with strike 1 and a rate above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Problem {
    pub rate: f64,
    pub div: f64,
    pub vol: f64,
    pub t: f64,
}

impl Problem {
    /// The boundary just before expiry: where the interest on the strike no longer pays for the yield.
    pub fn limit(&self) -> f64 {
        if self.div > self.rate { self.rate / self.div } else { 1.0 }
    }

    /// How the logarithm of the limit moves with volatility, rate and yield.
    pub fn limit_slopes(&self) -> [f64; 3] {
        if self.div > self.rate { [0.0, 1.0 / self.rate, -1.0 / self.div] } else { [0.0; 3] }
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

    /// The value of a put that never expires, held at `spot`.
    pub fn perpetual_value(&self, spot: f64) -> f64 {
        let boundary = self.perpetual();
        // λ = B/(B − 1), as B = λ/(λ − 1).
        let lambda = boundary / (boundary - 1.0);
        (1.0 - boundary) * (lambda * (spot / boundary).ln()).exp()
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
    /// Weight × e^(−rate·lag).
    pub strike_discount: [f64; P],
    /// Weight × e^(−yield·lag).
    pub spot_discount: [f64; P],
}

#[derive(Debug, Clone)]
pub(super) struct Solution<const N: usize, const P: usize> {
    pub problem: Problem,
    /// `ln(X/B)` at the nodes.
    pub depth: [f64; N],
    pub points: Points<P>,
    /// `ln B` with the whole time to go.
    pub log_today: f64,
    /// The last step's largest change of `ln B`, each as much as its root of time counts: what lies next to
    /// expiry decides little.
    pub change: f64,
}

/// The whole solution of one boundary, compiled for each instruction set.
pub(super) struct Solve<'a, const N: usize, const M: usize, const P: usize> {
    pub tables: &'a Tables<N, M, P>,
    pub problem: Problem,
    /// Fixed-point steps before the Newton step.
    pub iterations: usize,
}

/// A start of the iteration grows like this multiple of `σ√(2t)` before it bends towards the perpetual
/// boundary; tuned on the prices after four fixed-point steps.
const START_SLOPE: f64 = 1.7;

impl<const N: usize, const M: usize, const P: usize> Kernel for Solve<'_, N, M, P> {
    type Output = Solution<N, P>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Solution<N, P> {
        let Self { tables, problem, iterations } = self;
        let columns = Columns::new::<FMA, P>(tables, &problem);
        let log_limit = problem.limit().ln();
        let deepest = (log_limit - problem.perpetual().ln()).max(0.0);
        let mut depth = start(tables, &problem, deepest);
        for _ in 0..iterations {
            let image = columns.image::<FMA, P>(tables, log_limit, &depth);
            depth = image.map(|depth| depth.clamp(0.0, deepest));
        }
        let step = columns.newton_step::<FMA, P>(tables, log_limit, &depth);
        let mut change = 0.0f64;
        for ((depth, step), root) in depth.iter_mut().zip(&step).zip(&tables.root) {
            let next = (*depth + step).clamp(0.0, deepest);
            change = change.max(root * (next - *depth).abs());
            *depth = next;
        }
        let points = points::<FMA, N, M, P>(tables, &problem, log_limit, &depth);
        Solution { problem, depth, points, log_today: log_limit - depth[N - 1], change }
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
pub(super) struct Columns<const N: usize, const M: usize> {
    pub inverse: [[f64; M]; N],
    pub drift: [[f64; M]; N],
    pub spread: [[f64; M]; N],
    /// Weight × rate × e^(−rate·lag): interest on the strike.
    pub interest: [[f64; M]; N],
    /// Weight × yield × e^(−yield·lag): dividends given up.
    pub yielded: [[f64; M]; N],
}

impl<const N: usize, const M: usize> Columns<N, M> {
    #[inline(always)]
    pub fn new<const FMA: bool, const P: usize>(tables: &Tables<N, M, P>, problem: &Problem) -> Self {
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

    /// Where one fixed-point step leads.
    #[inline(always)]
    fn image<const FMA: bool, const P: usize>(
        &self,
        tables: &Tables<N, M, P>,
        log_limit: f64,
        depth: &[f64; N],
    ) -> [f64; N] {
        let between = depths::<FMA, N, M, P>(tables, depth);
        let rise = rises(&between, log_limit, depth);
        let mut above = [[0.0; M]; N];
        let mut below = [[0.0; M]; N];
        let given = self.inverse.as_flattened().iter().zip(self.drift.as_flattened());
        let given = given.zip(self.spread.as_flattened()).zip(rise.as_flattened());
        let given = given.zip(self.interest.as_flattened()).zip(self.yielded.as_flattened());
        let out = above.as_flattened_mut().iter_mut().zip(below.as_flattened_mut());
        for ((((((inverse, drift), spread), rise), interest), yielded), (above, below)) in given.zip(out) {
            let d_minus = mul_add::<FMA>(*rise, *inverse, *drift);
            *above = interest * cdf::<FMA>(d_minus);
            *below = yielded * cdf::<FMA>(d_minus + spread);
        }
        let mut image = [0.0; N];
        for ((image, above), below) in image.iter_mut().zip(&above).zip(&below) {
            *image = log_limit - (total(above) / total(below)).ln();
        }
        image
    }
}

/// `ln` of the boundary at a node over that at its columns; the last column, the option's end, stands against
/// the strike.
#[inline(always)]
pub(super) fn rises<const N: usize, const M: usize>(
    between: &[[f64; M]; N],
    log_limit: f64,
    depth: &[f64; N],
) -> [[f64; M]; N] {
    let mut rise = *between;
    for (rise, depth) in rise.iter_mut().zip(depth) {
        rise[M - 1] = log_limit;
        for rise in rise {
            *rise -= depth;
        }
    }
    rise
}

/// `ln(X/B)` at every column of every node.
#[inline(always)]
pub(super) fn depths<const FMA: bool, const N: usize, const M: usize, const P: usize>(
    tables: &Tables<N, M, P>,
    depth: &[f64; N],
) -> [[f64; M]; N] {
    let squares = depth.map(|depth| depth * depth);
    let mut depths = [[0.0; M]; N];
    for (shares, depths) in tables.share.iter().zip(&mut depths) {
        *depths = interpolated::<FMA, N, M>(shares, &squares).map(|square| square.max(0.0).sqrt());
    }
    depths
}

/// Values at the nodes carried to the points that `shares` belong to.
#[inline(always)]
pub(super) fn interpolated<const FMA: bool, const N: usize, const K: usize>(
    shares: &[[f64; K]; N],
    at_nodes: &[f64; N],
) -> [f64; K] {
    let mut sums = [0.0; K];
    for (shares, value) in shares.iter().zip(at_nodes) {
        for (sum, share) in sums.iter_mut().zip(shares) {
            *sum = mul_add::<FMA>(*share, *value, *sum);
        }
    }
    sums
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
    let square = interpolated::<FMA, N, P>(&tables.price_share, &depth.map(|depth| depth * depth));
    let mut points = Points {
        log_boundary: [0.0; P],
        inverse: [0.0; P],
        drift: [0.0; P],
        spread: [0.0; P],
        strike_discount: [0.0; P],
        spot_discount: [0.0; P],
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
        points.strike_discount[k] = weight * exp::<FMA>(-rate * lag);
        points.spot_discount[k] = weight * exp::<FMA>(-div * lag);
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
