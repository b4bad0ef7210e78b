//! What the right to exercise early adds to a European put, once its boundary is known: value and derivatives
//! at any spot from one integral.
//!
//! Never: solves for the boundary; looks at the exercise region, where the integral does not hold.

use super::Accuracy;
use super::boundary::{Problem, Solution, Solve, cdf_of, pdf, points, total};
use super::integrals::{self, exercise_curvature, near_boundary};
use super::newton::{Differentiate, Tangents};
use super::tables::Tables;
use crate::numerics::vector::{Kernel, dispatch, mul_add};
use std::sync::LazyLock;

pub(super) static FAST: LazyLock<Tables<8, 8, 24>> = LazyLock::new(Tables::new);
pub(super) static ACCURATE: LazyLock<Tables<14, 16, 32>> = LazyLock::new(Tables::new);
pub(super) static HIGH: LazyLock<Tables<20, 32, 64>> = LazyLock::new(Tables::new);

/// The same boundaries at more points: next to the boundary the integrals of higher derivatives have a spike
/// as narrow as the distance to it.
const NEAR: usize = 128;
static FAST_NEAR: LazyLock<Tables<8, 8, NEAR>> = LazyLock::new(Tables::new);
static ACCURATE_NEAR: LazyLock<Tables<14, 16, NEAR>> = LazyLock::new(Tables::new);
static HIGH_NEAR: LazyLock<Tables<20, 32, NEAR>> = LazyLock::new(Tables::new);

/// The boundary of one put with strike 1, ready for any spot.
#[derive(Debug, Clone)]
pub(super) struct Boundary {
    solved: Solved,
    /// Below it exercise today is best.
    pub today: f64,
    /// Where the boundary has all but reached that of a put that never expires: the two values are then so close
    /// that what the integral is off could lift the one above the other.
    perpetual: Option<Problem>,
}

/// The boundary counts as having reached the perpetual one within so many shares of it.
const PERPETUAL: f64 = 0.03;
/// Interest and variance over the whole life above which that limit is looked at in any case.
const LONG: f64 = 2.0;

#[derive(Debug, Clone)]
enum Solved {
    Fast(Box<Solution<8, 24>>),
    Accurate(Box<Solution<14, 32>>),
    High(Box<Solution<20, 64>>),
}

/// A boundary and how it moves with volatility, rate and yield.
pub(super) enum Moving<'a> {
    Fast(&'a Solution<8, 24>, Box<Tangents<24>>),
    Accurate(&'a Solution<14, 32>, Box<Tangents<32>>),
    High(&'a Solution<20, 64>, Box<Tangents<64>>),
    FastNear(Box<(Solution<8, NEAR>, Tangents<NEAR>)>),
    AccurateNear(Box<(Solution<14, NEAR>, Tangents<NEAR>)>),
    HighNear(Box<(Solution<20, NEAR>, Tangents<NEAR>)>),
}

/// Premium over the European value and its derivatives with respect to spot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Premium {
    pub value: f64,
    pub slope: f64,
    pub curvature: f64,
}

impl Premium {
    /// Of a put with strike 1, carried to this strike.
    pub fn scaled(self, strike: f64) -> Self {
        Self { value: strike * self.value, slope: self.slope, curvature: self.curvature / strike }
    }
}

/// Further derivatives of the premium at one spot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sensitivity {
    pub vol: f64,
    pub rate: f64,
    pub div: f64,
    /// The second and third with respect to spot.
    pub second: f64,
    pub third: f64,
}

/// Fixed-point steps of the three modes.
pub(super) const FAST_STEPS: usize = 3;
pub(super) const ACCURATE_STEPS: usize = 4;
pub(super) const HIGH_STEPS: usize = 6;
/// And where the variance is many times the rate, so that the start is far off.
const MANY_STEPS: usize = 40;

/// A solution that the last step changed more than this is none.
const LARGEST_CHANGE: f64 = 0.05;
/// Unless no more than this share of the strike hangs on it.
const NO_MATTER: f64 = 1e-7;

/// The boundary at the nodes of one mode, after so many fixed-point steps or, where those do not suffice, many
/// more. `None` where it does not settle.
pub(super) fn settled<const N: usize, const M: usize, const P: usize>(
    tables: &Tables<N, M, P>,
    problem: &Problem,
    iterations: usize,
) -> Option<Solution<N, P>> {
    [iterations, MANY_STEPS]
        .into_iter()
        .map(|iterations| dispatch(Solve { tables, problem: *problem, iterations }))
        .find(has_settled)
}

/// Whether the last step changed little: of the boundary, or of the value, which moves by the interest on the
/// strike while the spot is between the old boundary and the new.
fn has_settled<const N: usize, const P: usize>(solution: &Solution<N, P>) -> bool {
    let Problem { rate, vol, t, .. } = solution.problem;
    let change = solution.change;
    change <= LARGEST_CHANGE || rate * t * (change / (vol * t.sqrt())).min(1.0) <= NO_MATTER
}

impl Boundary {
    /// `None` where the iteration does not settle.
    pub fn solve(problem: &Problem, accuracy: Accuracy) -> Option<Self> {
        let solved = match accuracy {
            Accuracy::Fast => Solved::Fast(Box::new(settled(&*FAST, problem, FAST_STEPS)?)),
            Accuracy::Accurate => Solved::Accurate(Box::new(settled(&*ACCURATE, problem, ACCURATE_STEPS)?)),
            Accuracy::High => Solved::High(Box::new(settled(&*HIGH, problem, HIGH_STEPS)?)),
        };
        let log_today = match &solved {
            Solved::Fast(solution) => solution.log_today,
            Solved::Accurate(solution) => solution.log_today,
            Solved::High(solution) => solution.log_today,
        };
        let today = log_today.exp();
        let good = today.is_finite() && today > 0.0;
        good.then(|| Self { solved, today, perpetual: near_perpetual(problem, today) })
    }

    /// Of the fast mode.
    pub fn of_fast(solution: Solution<8, 24>) -> Self {
        let today = solution.log_today.exp();
        let perpetual = near_perpetual(&solution.problem, today);
        Self { today, solved: Solved::Fast(Box::new(solution)), perpetual }
    }

    /// What no value of the put at `spot` is above, where that can matter.
    pub fn ceiling(&self, spot: f64) -> Option<f64> {
        self.perpetual.map(|problem| problem.perpetual_value(spot)).filter(|value| value.is_finite())
    }

    /// Where it is of the fast mode and needs no ceiling.
    pub fn unbounded_fast(&self) -> Option<&Solution<8, 24>> {
        self.fast().filter(|_| self.perpetual.is_none())
    }

    /// Where it is of the fast mode.
    pub fn fast(&self) -> Option<&Solution<8, 24>> {
        match &self.solved {
            Solved::Fast(solution) => Some(solution),
            Solved::Accurate(_) | Solved::High(_) => None,
        }
    }

    /// `spot` in units of the strike, above the boundary.
    pub fn value(&self, spot: f64) -> f64 {
        match &self.solved {
            Solved::Fast(solution) => dispatch(Value { solution, spot }),
            Solved::Accurate(solution) => dispatch(Value { solution, spot }),
            Solved::High(solution) => dispatch(Value { solution, spot }),
        }
    }

    pub fn premium(&self, spot: f64) -> Premium {
        let here = self.slopes(spot);
        let (problem, too_near) = match &self.solved {
            Solved::Fast(solution) => (&solution.problem, 0.3),
            Solved::Accurate(solution) => (&solution.problem, 0.18),
            Solved::High(solution) => (&solution.problem, 0.1),
        };
        let deviation = problem.vol * problem.t.sqrt();
        // Where the value falls steeply the samples stay within that fall.
        let width = (too_near * deviation).min(0.6 * (1.0 - self.today) / self.today);
        let at_boundary = || exercise_curvature(problem, self.today);
        near_boundary(spot, self.today, width, here, at_boundary, |spot| self.slopes(spot).curvature)
    }

    fn slopes(&self, spot: f64) -> Premium {
        match &self.solved {
            Solved::Fast(solution) => dispatch(Slopes { solution, spot }),
            Solved::Accurate(solution) => dispatch(Slopes { solution, spot }),
            Solved::High(solution) => dispatch(Slopes { solution, spot }),
        }
    }

    pub fn moving(&self) -> Moving<'_> {
        match &self.solved {
            Solved::Fast(solution) => {
                Moving::Fast(solution, Box::new(dispatch(Differentiate { tables: &*FAST, solution })))
            }
            Solved::Accurate(solution) => {
                Moving::Accurate(solution, Box::new(dispatch(Differentiate { tables: &*ACCURATE, solution })))
            }
            Solved::High(solution) => {
                Moving::High(solution, Box::new(dispatch(Differentiate { tables: &*HIGH, solution })))
            }
        }
    }
}

fn near_perpetual(problem: &Problem, today: f64) -> Option<Problem> {
    let &Problem { rate, vol, t, .. } = problem;
    let long = rate * t > LONG || vol * vol * t > LONG;
    (long || today < (1.0 + PERPETUAL) * problem.perpetual()).then_some(*problem)
}

impl Boundary {
    /// For spots next to the boundary.
    pub fn moving_near(&self) -> Moving<'static> {
        match &self.solved {
            Solved::Fast(solution) => {
                Moving::FastNear(Box::new(dispatch(Nearer { tables: &*FAST_NEAR, solution: &**solution })))
            }
            Solved::Accurate(solution) => Moving::AccurateNear(Box::new(dispatch(Nearer {
                tables: &*ACCURATE_NEAR,
                solution: &**solution,
            }))),
            Solved::High(solution) => {
                Moving::HighNear(Box::new(dispatch(Nearer { tables: &*HIGH_NEAR, solution: &**solution })))
            }
        }
    }
}

/// Carries a solved boundary to other points.
struct Nearer<'a, const N: usize, const M: usize, const P: usize, const Q: usize> {
    tables: &'a Tables<N, M, Q>,
    solution: &'a Solution<N, P>,
}

impl<const N: usize, const M: usize, const P: usize, const Q: usize> Kernel for Nearer<'_, N, M, P, Q> {
    type Output = (Solution<N, Q>, Tangents<Q>);

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let Self { tables, solution: &Solution { problem, depth, log_today, change, .. } } = self;
        let points = points::<FMA, N, M, Q>(tables, &problem, problem.limit().ln(), &depth);
        let solution = Solution { problem, depth, points, log_today, change };
        let tangents = Differentiate { tables, solution: &solution }.run::<FMA>();
        (solution, tangents)
    }
}

impl Moving<'_> {
    /// How the logarithm of today's boundary moves with volatility, rate and yield.
    pub fn log_today(&self) -> [f64; 3] {
        match self {
            Self::Fast(_, tangents) => tangents.log_today,
            Self::Accurate(_, tangents) => tangents.log_today,
            Self::High(_, tangents) => tangents.log_today,
            Self::FastNear(near) => near.1.log_today,
            Self::AccurateNear(near) => near.1.log_today,
            Self::HighNear(near) => near.1.log_today,
        }
    }

    /// `spot` in units of the strike, above the boundary.
    pub fn sensitivity(&self, spot: f64) -> Sensitivity {
        match self {
            Self::Fast(solution, tangents) => dispatch(Moved { solution, tangents, spot }),
            Self::Accurate(solution, tangents) => dispatch(Moved { solution, tangents, spot }),
            Self::High(solution, tangents) => dispatch(Moved { solution, tangents, spot }),
            Self::FastNear(near) => dispatch(Moved { solution: &near.0, tangents: &near.1, spot }),
            Self::AccurateNear(near) => dispatch(Moved { solution: &near.0, tangents: &near.1, spot }),
            Self::HighNear(near) => dispatch(Moved { solution: &near.0, tangents: &near.1, spot }),
        }
    }
}

struct Value<'a, const N: usize, const P: usize> {
    solution: &'a Solution<N, P>,
    spot: f64,
}

impl<const N: usize, const P: usize> Kernel for Value<'_, N, P> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        integrals::value::<FMA, P>(&self.solution.points, &self.solution.problem, self.spot)
    }
}

struct Slopes<'a, const N: usize, const P: usize> {
    solution: &'a Solution<N, P>,
    spot: f64,
}

impl<const N: usize, const P: usize> Kernel for Slopes<'_, N, P> {
    type Output = Premium;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Premium {
        integrals::slopes::<FMA, P>(&self.solution.points, &self.solution.problem, self.spot)
    }
}

struct Moved<'a, const N: usize, const P: usize> {
    solution: &'a Solution<N, P>,
    tangents: &'a Tangents<P>,
    spot: f64,
}

impl<const N: usize, const P: usize> Kernel for Moved<'_, N, P> {
    type Output = Sensitivity;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Sensitivity {
        let Self { solution: Solution { points, problem, .. }, tangents, spot } = self;
        let &Problem { rate, div, vol, .. } = problem;
        let log_spot = spot.ln();
        let (per_vol, per_spot) = (1.0 / vol, 1.0 / spot);
        let (mut seconds, mut thirds) = ([0.0; P], [0.0; P]);
        let (mut vols, mut rates, mut divs) = ([0.0; P], [0.0; P], [0.0; P]);
        for k in 0..P {
            let (inverse, spread) = (points.inverse[k], points.spread[k]);
            let d_minus = mul_add::<FMA>(log_spot - points.log_boundary[k], inverse, points.drift[k]);
            let d_plus = d_minus + spread;
            let (density_minus, density_plus) = (pdf::<FMA>(d_minus), pdf::<FMA>(d_plus));
            let (paid, kept) = (points.strike_discount[k], spot * points.spot_discount[k]);
            let exercised = paid * cdf_of::<FMA>(-d_minus, density_minus);
            let given_up = kept * cdf_of::<FMA>(-d_plus, density_plus);
            let on_strike = rate * paid * density_minus;
            let on_spot = div * kept * density_plus;
            // Derivatives of the two densities' parts of the curvature.
            let (rise, fall) = (mul_add::<FMA>(d_minus, inverse, 1.0), d_plus * inverse);
            let square = inverse * inverse;
            let per_square = inverse * per_spot * per_spot;
            seconds[k] = per_square * (on_strike * rise + on_spot * (1.0 - fall));
            thirds[k] = per_square
                * per_spot
                * (on_strike * (square - rise * (rise + 1.0)) - on_spot * (square + 1.0 - fall * fall));
            // How much less per rise of both `d`, as where the boundary falls.
            let by_d = on_spot - on_strike;
            let [by_vol, by_rate, by_div] = tangents.log_boundary.map(|moved| -moved[k] * inverse * by_d);
            let root = spread * per_vol;
            let carry = by_d * root * per_vol;
            let lag = root * root;
            // ∂d₋/∂σ = −d₊/σ and ∂d₊/∂σ = −d₋/σ; ∂d/∂r = −∂d/∂q = √lag/σ.
            vols[k] = by_vol + (on_strike * d_plus - on_spot * d_minus) * per_vol;
            rates[k] = by_rate + carry + exercised * (1.0 - rate * lag);
            divs[k] = by_div - carry - given_up * (1.0 - div * lag);
        }
        Sensitivity {
            vol: total(&vols),
            rate: total(&rates),
            div: total(&divs),
            second: total(&seconds),
            third: total(&thirds),
        }
    }
}
