//! Puts on a payer of cash dividends: their boundary has a gap before every ex-date.
//!
//! The value is Kim's (1990), a European option and the interest that exercise earns wherever it is right, with
//! the time between gaps as the domain of the integral (Göttsche & Vellekoop, 2011).
//! After the last dividend the boundary is an ordinary one; every window before it is solved backwards from
//! there, and what was solved serves all spots.
//!
//! Never: used with a rate not above zero or with a yield.

mod collocation;
mod tables;
mod windows;

use std::sync::LazyLock;

use self::collocation::{Moments, Solve, Solved};
use self::tables::Tables;
use self::windows::{Window, windows};
use super::boundary::{Points, Problem};
use super::integrals::{self, exercise_curvature, near_boundary};
use super::premium::{self, ACCURATE_STEPS, FAST_STEPS, HIGH_STEPS, Premium};
use super::tables::Tables as Ordinary;
use super::{Accuracy, CashDividend};
use crate::numerics::vector::{Kernel, dispatch};

static FAST: LazyLock<Tables<9, 12, 24>> = LazyLock::new(|| Tables::new(-3.5));
static ACCURATE: LazyLock<Tables<13, 20, 32>> = LazyLock::new(|| Tables::new(-4.2));
static HIGH: LazyLock<Tables<22, 32, 64>> = LazyLock::new(|| Tables::new(-5.0));

/// The boundary of one put with strike 1, ready for any spot.
#[derive(Debug, Clone)]
pub(super) struct Gapped {
    problem: Problem,
    pieces: Pieces,
    /// Below it exercise today is best; zero in a gap.
    pub today: f64,
    /// How long exercise stays right from today on.
    first: f64,
}

/// How hard a mode tries.
#[derive(Clone, Copy)]
struct Effort {
    /// Fixed-point steps after the last ex-date.
    steps: usize,
    /// Newton's method ends after a step that moves no node more than this.
    close: f64,
    /// Interest that one window does not resolve, in shares of the strike.
    floor: f64,
}

/// One for every window.
#[derive(Debug, Clone)]
enum Pieces {
    Fast(Box<[Points<24>]>),
    Accurate(Box<[Points<32>]>),
    High(Box<[Points<64>]>),
}

/// Dividends that are worth less than this share of the strike are none.
const NO_DIVIDEND: f64 = 1e-9;
/// A solution that the last step changed by more standard deviations than this is none,
const LARGEST_CHANGE: f64 = 1e-3;
/// unless it does not change the value by more than this share of the strike.
const NO_MATTER: f64 = 1e-7;

impl Gapped {
    /// Where the mode's nodes do not settle, those of a finer one; `None` where none does. `dividends` are worth shares of the strike.
    pub fn solve(problem: &Problem, mut dividends: Vec<CashDividend>, accuracy: Accuracy) -> Option<Self> {
        dividends.retain(|d| d.present_value > NO_DIVIDEND);
        dividends.sort_by(|a, b| a.years.total_cmp(&b.years));
        let problem = *problem;
        let dividends = dividends.as_slice();
        let fast = || {
            let effort = Effort { steps: FAST_STEPS, close: 1e-4, floor: 1e-6 };
            backwards(&*FAST, &*premium::FAST, effort, &problem, dividends, Pieces::Fast)
        };
        let accurate = || {
            let effort = Effort { steps: ACCURATE_STEPS, close: 1e-5, floor: 5e-8 };
            backwards(&*ACCURATE, &*premium::ACCURATE, effort, &problem, dividends, Pieces::Accurate)
        };
        // What a tiny dividend leaves between two boundaries that nearly meet can be too little to resolve.
        let high = |floor| {
            let effort = Effort { steps: HIGH_STEPS, close: 1e-7, floor };
            backwards(&*HIGH, &*premium::HIGH, effort, &problem, dividends, Pieces::High)
        };
        let best = || [3e-9, 1e-7, 1e-6, 1e-5].into_iter().find_map(high);
        let (today, first, pieces) = match accuracy {
            Accuracy::Fast => fast().or_else(accurate).or_else(best)?,
            Accuracy::Accurate => accurate().or_else(best)?,
            Accuracy::High => best()?,
        };
        let good = today.is_finite() && today >= 0.0;
        good.then_some(Self { problem, pieces, today, first })
    }

    /// What early exercise adds at `spot`, in units of the strike and above the boundary.
    pub fn value(&self, spot: f64) -> f64 {
        let problem = &self.problem;
        match &self.pieces {
            Pieces::Fast(pieces) => dispatch(Value { pieces, problem, spot }),
            Pieces::Accurate(pieces) => dispatch(Value { pieces, problem, spot }),
            Pieces::High(pieces) => dispatch(Value { pieces, problem, spot }),
        }
    }

    pub fn premium(&self, spot: f64) -> Premium {
        let here = self.slopes(spot);
        if self.today == 0.0 {
            return here;
        }
        let too_near = match &self.pieces {
            Pieces::Fast(_) => 0.3,
            Pieces::Accurate(_) => 0.18,
            Pieces::High(_) => 0.1,
        };
        // Lags too short for the points are a share of the first window.
        let deviation = self.problem.vol * self.first.sqrt();
        let width = (too_near * deviation).min(0.6 * (1.0 - self.today).max(0.0) / self.today);
        let at_boundary = || exercise_curvature(&self.problem, self.today);
        near_boundary(spot, self.today, width, here, at_boundary, |spot| self.slopes(spot).curvature)
    }

    fn slopes(&self, spot: f64) -> Premium {
        let problem = &self.problem;
        match &self.pieces {
            Pieces::Fast(pieces) => dispatch(Slopes { pieces, problem, spot }),
            Pieces::Accurate(pieces) => dispatch(Slopes { pieces, problem, spot }),
            Pieces::High(pieces) => dispatch(Slopes { pieces, problem, spot }),
        }
    }
}

/// All windows from the last to the first: today's boundary, how long it is one, and the points of the price
/// integral.
fn backwards<const N: usize, const M: usize, const A: usize, const B: usize, const P: usize>(
    tables: &Tables<N, M, P>,
    ordinary: &Ordinary<A, B, P>,
    Effort { steps, close, floor }: Effort,
    problem: &Problem,
    dividends: &[CashDividend],
    keep: fn(Box<[Points<P>]>) -> Pieces,
) -> Option<(f64, f64, Pieces)> {
    let (before, after) = windows(problem.rate, problem.t, dividends, 4.0 * floor);
    let (mut today, mut first) = (0.0, 0.0);
    let mut later: Vec<Moments<P>> = Vec::with_capacity(before.len() + 1);
    let mut gaps: Vec<Window> = Vec::new();
    let mut next = problem.t;
    let mut log_next = problem.limit().ln();
    if let Some(window) = after {
        let problem = Problem { t: window.length(), ..*problem };
        let solution = premium::settled(ordinary, &problem, steps)?;
        later.push(moments(ordinary, window, &solution.points.log_boundary));
        if window.from == 0.0 {
            (today, first) = (solution.log_today.exp(), window.length());
        }
        (next, log_next) = (window.from, solution.log_today);
    }
    for window in before {
        gaps.insert(0, Window { from: window.to, to: next });
        let solved: Solved<P> = dispatch(Solve {
            tables,
            problem: *problem,
            window,
            later: &later,
            gaps: &gaps,
            log_next,
            close,
            floor,
        });
        let moved = (solved.change / (problem.vol * (next - window.from).sqrt())).min(1.0);
        if !(moved <= LARGEST_CHANGE || problem.rate * window.length() * moved <= NO_MATTER) {
            return None;
        }
        if window.from == 0.0 {
            (today, first) = (solved.log_first.exp(), window.length());
        }
        (next, log_next) = (window.from, solved.log_first);
        later.push(solved.moments);
    }
    Some((today, first, keep(dispatch(Today { moments: &later, problem }))))
}

/// The ordinary boundary after the last ex-date.
fn moments<const A: usize, const B: usize, const P: usize>(
    tables: &Ordinary<A, B, P>,
    window: Window,
    log_boundary: &[f64; P],
) -> Moments<P> {
    let length = window.length();
    Moments {
        years: tables.price_root_lag.map(|root| window.from + length * root * root),
        weight: tables.price_weight.map(|weight| length * weight),
        log_boundary: *log_boundary,
    }
}

struct Today<'a, const P: usize> {
    moments: &'a [Moments<P>],
    problem: &'a Problem,
}

impl<const P: usize> Kernel for Today<'_, P> {
    type Output = Box<[Points<P>]>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let mut all = Vec::with_capacity(self.moments.len());
        for moments in self.moments {
            all.push(moments.seen_from::<FMA>(0.0, self.problem));
        }
        all.into_boxed_slice()
    }
}

struct Value<'a, const P: usize> {
    pieces: &'a [Points<P>],
    problem: &'a Problem,
    spot: f64,
}

impl<const P: usize> Kernel for Value<'_, P> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let mut sum = 0.0;
        for points in self.pieces {
            sum += integrals::value::<FMA, P>(points, self.problem, self.spot);
        }
        sum
    }
}

struct Slopes<'a, const P: usize> {
    pieces: &'a [Points<P>],
    problem: &'a Problem,
    spot: f64,
}

impl<const P: usize> Kernel for Slopes<'_, P> {
    type Output = Premium;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Premium {
        let mut sum = Premium::default();
        for points in self.pieces {
            let part = integrals::slopes::<FMA, P>(points, self.problem, self.spot);
            sum.value += part.value;
            sum.slope += part.slope;
            sum.curvature += part.curvature;
        }
        sum
    }
}
