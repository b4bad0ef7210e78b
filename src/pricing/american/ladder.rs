//! A solved option along ladders of spots, and with less time to go: the boundary that was solved for holds
//! until expiry, so an option that has grown older needs no solution of its own.
//!
//! Never: solves; differs from the scalar path by more than that differs from the truth (a ladder of up to
//! [`DIRECT`] spots: by more than rounding).

use std::sync::LazyLock;

use super::boundary::{Points, Problem, Solution, points, total};
use super::premium::{Boundary, FAST};
use super::{American, Engine, NO_VOLATILITY};
use crate::domain::Right;
use crate::numerics::vector::{FRAC_1_SQRT_2PI, Kernel, dispatch, exp, mills_pair, mul_add};
use crate::pricing::inputs::OptionInputs;

/// Nodes and price points of the fast mode.
const NODES: usize = 8;
const POINTS: usize = 24;
/// Of the time that was solved for; with less left the nodes would be too far apart.
const LEAST_LEFT: f64 = 0.02;

/// A ladder of more spots reads the premium off a polynomial in the logarithm of the spot, through so many
/// samples, where it spans no more than so many standard deviations.
const DIRECT: usize = 16;
const SAMPLES: usize = 10;
const WIDEST: f64 = 6.0;

impl American {
    /// The same option `years` later. `None` where it has to be solved anew.
    pub fn later(&self, years: f64) -> Option<Self> {
        let left = self.terms.tte_years - years;
        let terms = OptionInputs { tte_years: left, ..self.terms };
        let carries = left >= LEAST_LEFT * self.terms.tte_years
            && left > 0.0
            && terms.vol_annual * left.sqrt() > NO_VOLATILITY;
        // Cash dividends come nearer and go.
        if !carries || self.escrow != 0.0 || years < 0.0 {
            return None;
        }
        let engine = match &self.engine {
            Engine::European => Engine::European,
            Engine::Boundary(boundary) => {
                Engine::Boundary(Boundary::of_fast(dispatch(Later { known: boundary.fast()?, left })))
            }
            Engine::TwoSided(two_sided) => Engine::TwoSided(Box::new(two_sided.later(left))),
            Engine::Certain(_)
            | Engine::Wild(_)
            | Engine::Calls(_)
            | Engine::Gapped(_)
            | Engine::Bound(_) => return None,
        };
        Some(Self { terms, escrow: 0.0, engine })
    }

    /// Turns European values at some spots, whose logarithms are known, into American ones.
    #[inline(always)]
    pub fn lift<const FMA: bool>(&self, (spots, logs): (&[f64], &[f64]), values: &mut [f64]) {
        if let Engine::Boundary(boundary) = &self.engine
            && let Some(solution) = boundary.unbounded_fast()
        {
            Solved::of::<FMA>(&self.terms, solution, boundary.today).lift::<FMA>((spots, logs), values);
            return;
        }
        for (value, spot) in values.iter_mut().zip(spots) {
            *value = self.above(*value, *spot);
        }
    }
}

/// What the premium needs at every spot, in the put with strike 1 that stands for the option.
struct Solved<'a> {
    right: Right,
    strike: f64,
    log_strike: f64,
    deviation: f64,
    solution: &'a Solution<NODES, POINTS>,
    today: f64,
    /// The boundary times `e^((yield − rate)·lag)`.
    carried: [f64; POINTS],
}

impl<'a> Solved<'a> {
    #[inline(always)]
    fn of<const FMA: bool>(terms: &OptionInputs, solution: &'a Solution<NODES, POINTS>, today: f64) -> Self {
        let points = &solution.points;
        let OptionInputs { right, strike, rate, dividend_yield, vol_annual, .. } = *terms;
        let carry = match right {
            Right::Put => dividend_yield - rate,
            Right::Call => rate - dividend_yield,
        };
        let per_spread = carry / (vol_annual * vol_annual);
        let mut carried = [0.0; POINTS];
        for ((carried, log), spread) in carried.iter_mut().zip(&points.log_boundary).zip(&points.spread) {
            *carried = exp::<FMA>(mul_add::<FMA>(per_spread, spread * spread, *log));
        }
        let deviation = vol_annual * terms.tte_years.sqrt();
        Self { right, strike, log_strike: strike.ln(), deviation, solution, today, carried }
    }

    #[inline(always)]
    fn lift<const FMA: bool>(&self, (spots, logs): (&[f64], &[f64]), values: &mut [f64]) {
        let strike = self.strike;
        let curve = if spots.len() > DIRECT { self.curve::<FMA>(logs) } else { None };
        for ((value, spot), log) in values.iter_mut().zip(spots).zip(logs) {
            let (moneyness, scale) = match self.right {
                Right::Put => (spot / strike, strike),
                Right::Call => (strike / spot, *spot),
            };
            let exercise = scale * (1.0 - moneyness).max(0.0);
            let held = if moneyness > self.today {
                let log = self.log_moneyness(*log);
                let premium = match &curve {
                    Some(curve) => curve.at::<FMA>(log),
                    None => self.premium::<FMA>(moneyness, log),
                };
                *value + scale * premium.max(0.0)
            } else {
                exercise
            };
            *value = value.max(held).max(exercise);
        }
    }

    #[inline(always)]
    fn log_moneyness(&self, log: f64) -> f64 {
        match self.right {
            Right::Put => log - self.log_strike,
            Right::Call => self.log_strike - log,
        }
    }

    /// The premium between the ends of a ladder, as far as the option is held there. `None` where it is not,
    /// or where the ends are too far apart.
    #[inline(always)]
    fn curve<const FMA: bool>(&self, logs: &[f64]) -> Option<Curve> {
        let ends = logs.iter().map(|log| self.log_moneyness(*log));
        let (low, high) = ends.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = (low.max(self.today.ln()), high);
        if !(high > low && high - low <= WIDEST * self.deviation) {
            return None;
        }
        let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
        let mut coefficients = [0.0; SAMPLES];
        for (at, shares) in SAMPLING.at.iter().zip(&SAMPLING.shares) {
            let log = mul_add::<FMA>(half, *at, centre);
            let sample = self.premium::<FMA>(exp::<FMA>(log), log);
            for (coefficient, share) in coefficients.iter_mut().zip(shares) {
                *coefficient = mul_add::<FMA>(sample, *share, *coefficient);
            }
        }
        Some(Curve { centre, per_half: 1.0 / half, coefficients })
    }

    /// The two densities differ by a known factor, `S·e^(−q·lag)·φ(d₊) = B·e^(−r·lag)·φ(d₋)`, so that one
    /// exponential serves both tails.
    #[inline(always)]
    fn premium<const FMA: bool>(&self, spot: f64, log: f64) -> f64 {
        let Points { log_boundary, inverse, drift, spread, strike_discount, spot_discount } =
            &self.solution.points;
        let Problem { rate, div, .. } = self.solution.problem;
        let spot_yield = spot * div;
        let per_spot = 1.0 / spot;
        let mut terms = [0.0; POINTS];
        for k in 0..POINTS {
            let d_minus = mul_add::<FMA>(log - log_boundary[k], inverse[k], drift[k]);
            let d_plus = d_minus + spread[k];
            let density = FRAC_1_SQRT_2PI * exp::<FMA>(-0.5 * d_minus * d_minus);
            let (ratio_minus, ratio_plus) = mills_pair::<FMA>(d_minus.abs(), d_plus.abs());
            let tail_minus = density * ratio_minus;
            let tail_plus = density * self.carried[k] * per_spot * ratio_plus;
            let exercised = if d_minus > 0.0 { tail_minus } else { 1.0 - tail_minus };
            let given_up = if d_plus > 0.0 { tail_plus } else { 1.0 - tail_plus };
            terms[k] = rate * strike_discount[k] * exercised - spot_yield * spot_discount[k] * given_up;
        }
        total(&terms)
    }
}

/// A sum of Chebyshev polynomials between two ends.
struct Curve {
    centre: f64,
    per_half: f64,
    coefficients: [f64; SAMPLES],
}

impl Curve {
    /// By Clenshaw's recurrence.
    #[inline(always)]
    fn at<const FMA: bool>(&self, log: f64) -> f64 {
        let x = (log - self.centre) * self.per_half;
        let (mut next, mut after) = (0.0, 0.0);
        for coefficient in self.coefficients[1..].iter().rev() {
            (next, after) = (mul_add::<FMA>(2.0 * x, next, coefficient - after), next);
        }
        mul_add::<FMA>(x, next, self.coefficients[0] - after)
    }
}

/// Chebyshev points of the second kind on [-1, 1] and, by point, its share of each coefficient.
struct Sampling {
    at: [f64; SAMPLES],
    shares: [[f64; SAMPLES]; SAMPLES],
}

static SAMPLING: LazyLock<Sampling> = LazyLock::new(|| {
    let last = SAMPLES - 1;
    let half_at_ends = |i: usize| if i == 0 || i == last { 0.5 } else { 1.0 };
    let angle = |j: usize| std::f64::consts::PI * j as f64 / last as f64;
    Sampling {
        at: std::array::from_fn(|j| angle(j).cos()),
        shares: std::array::from_fn(|j| {
            let share = |k: usize| (k as f64 * angle(j)).cos() * half_at_ends(k);
            std::array::from_fn(|k| share(k) * half_at_ends(j) * 2.0 / last as f64)
        }),
    }
});

struct Later<'a> {
    known: &'a Solution<NODES, POINTS>,
    left: f64,
}

impl Kernel for Later<'_> {
    type Output = Solution<NODES, POINTS>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let Self { known, left } = self;
        let log_limit = known.problem.limit().ln();
        let nearer = (left / known.problem.t).sqrt();
        let squares = known.depth.map(|depth| depth * depth);
        let depth = FAST.root.map(|root| CARRY.at(nearer * root, &squares).max(0.0).sqrt());
        let problem = Problem { t: left, ..known.problem };
        let points = points::<FMA, NODES, NODES, POINTS>(&FAST, &problem, log_limit, &depth);
        Solution { problem, depth, points, log_today: log_limit - depth[NODES - 1], change: known.change }
    }
}

/// `H = ln²(B/X)` is a polynomial in the square root of the time to expiry, of degree `NODES` and zero at
/// expiry: its values at the nodes determine it, at any shorter time, too.
struct Carry {
    roots: [f64; NODES],
    /// Barycentric, that of expiry left out: the value there is zero.
    weights: [f64; NODES],
    at_expiry: f64,
}

static CARRY: LazyLock<Carry> = LazyLock::new(|| {
    let roots = FAST.root;
    let weights = roots.map(|root| {
        let others = roots.iter().filter(|other| **other != root);
        others.fold(root, |product, other| product * (root - other)).recip()
    });
    let at_expiry = roots.iter().fold(1.0, |product, root| -product * root).recip();
    Carry { roots, weights, at_expiry }
});

impl Carry {
    #[inline(always)]
    fn at(&self, root: f64, squares: &[f64; NODES]) -> f64 {
        let (mut above, mut below) = (0.0, self.at_expiry / root);
        for ((known, weight), square) in self.roots.iter().zip(&self.weights).zip(squares) {
            let away = root - known;
            // A hit outweighs all others.
            let part = weight / if away == 0.0 { 1e-100 } else { away };
            above += part * square;
            below += part;
        }
        above / below
    }
}

#[cfg(test)]
mod tests {
    use super::super::Accuracy;
    use super::*;
    use crate::pricing::black_scholes;

    fn options() -> Vec<OptionInputs> {
        let mut all = Vec::new();
        for right in [Right::Put, Right::Call] {
            for (rate, dividend_yield) in [(0.05, 0.0), (0.04, 0.02), (0.02, 0.06), (0.08, 0.04)] {
                for vol_annual in [0.08, 0.2, 0.45, 1.2] {
                    for tte_years in [0.02, 0.3, 2.0] {
                        all.push(OptionInputs {
                            right,
                            spot: 100.0,
                            strike: 100.0,
                            rate,
                            dividend_yield,
                            vol_annual,
                            tte_years,
                        });
                    }
                }
            }
        }
        all
    }

    struct Lift<'a>(&'a American, &'a [f64], &'a [f64], &'a mut [f64]);

    impl Kernel for Lift<'_> {
        type Output = ();

        #[inline(always)]
        fn run<const FMA: bool>(self) {
            self.0.lift::<FMA>((self.1, self.2), self.3);
        }
    }

    /// In pieces of so many spots.
    fn along(solved: &American, terms: &OptionInputs, piece: usize) -> Vec<(f64, f64)> {
        let spots: Vec<f64> = (-12..=12).map(|i| 100.0 * f64::from(i).mul_add(0.04, 1.0)).collect();
        let logs: Vec<f64> = spots.iter().map(|spot| spot.ln()).collect();
        let mut values: Vec<f64> =
            spots.iter().map(|spot| black_scholes::price(&OptionInputs { spot: *spot, ..*terms })).collect();
        let ladders = spots.chunks(piece).zip(logs.chunks(piece));
        for ((spots, logs), values) in ladders.zip(values.chunks_mut(piece)) {
            dispatch(Lift(solved, spots, logs, values));
        }
        spots.into_iter().zip(values).collect()
    }

    #[test]
    fn a_ladder_is_the_scalar_price_at_every_spot() {
        for terms in options() {
            let solved = American::solve(&terms, &[], Accuracy::Fast);
            for (piece, most) in [(13, 1e-11), (25, 1e-5 * terms.strike)] {
                for (spot, value) in along(&solved, &terms, piece) {
                    let want = solved.price(spot);
                    assert!((value - want).abs() < most, "{terms:?} at {spot}: {value} not {want}");
                }
            }
        }
    }

    #[test]
    fn an_older_option_needs_no_solution_of_its_own() {
        let (mut worst, mut squares, mut count) = (0.0f64, 0.0, 0.0);
        for terms in options() {
            let solved = American::solve(&terms, &[], Accuracy::Fast);
            for gone in [0.0, 0.1, 0.5, 0.8, 0.95] {
                let years = gone * terms.tte_years;
                let left = OptionInputs { tte_years: terms.tte_years - years, ..terms };
                let later = solved.later(years).expect("the boundary holds on");
                let exact = American::solve(&left, &[], Accuracy::High);
                for (spot, value) in along(&later, &left, 25) {
                    let off = (value - exact.price(spot)).abs() / terms.strike;
                    (worst, squares, count) = (worst.max(off), squares + off * off, count + 1.0);
                }
            }
        }
        assert!(worst < 1e-5, "{worst:e}");
        let mean = f64::sqrt(squares / count);
        assert!(mean < 2e-6, "{mean:e}");
    }
}
