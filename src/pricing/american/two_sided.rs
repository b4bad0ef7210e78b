//! Puts that are worth exercising between two spots: yield below a rate that is not above zero. Both boundaries
//! by spectral collocation (Andersen & Lake, 2021), as far from expiry as they have not met.
//!
//! Interest makes the strike worth more when it is paid later, the yield makes the share worth more when it is
//! handed over later. Exercise is right below an upper boundary, which begins at the strike, as soon as waiting
//! for luck is not worth what the share gains, and above a lower one, which begins where the two balance. With
//! more time to go both close in. They meet where the volatility is above `√(−2q) − √(−2r)` (Battauz, De Donno &
//! Sbuelz, 2015): with more time than that to go exercise is not right, but may become so.
//!
//! Never: sees a call (put-call symmetry has made a put of it) or cash dividends.

mod collocation;
mod integrals;

use self::collocation::{Collocate, Side};
use self::integrals::Points;
use super::Accuracy;
use super::boundary::Problem;
use super::premium::Premium;
use super::tables::Tables;
use crate::domain::Right;
use crate::numerics::vector::dispatch;
use crate::pricing::black_scholes;
use crate::pricing::inputs::OptionInputs;
use std::sync::LazyLock;

static FAST: LazyLock<Tables<8, 12, 1>> = LazyLock::new(Tables::new);
static ACCURATE: LazyLock<Tables<14, 24, 1>> = LazyLock::new(Tables::new);
static HIGH: LazyLock<Tables<18, 40, 1>> = LazyLock::new(Tables::new);

/// Both boundaries of one put with strike 1, ready for any spot.
#[derive(Debug, Clone)]
pub(super) struct TwoSided {
    problem: Problem,
    accuracy: Accuracy,
    curves: Curves,
    points: Points,
    /// Logarithms of the spots between which exercise today is best.
    today: Option<[f64; 2]>,
}

/// Both boundaries, to the end of the option's life or to a little beyond where they meet.
#[derive(Debug, Clone)]
struct Curves {
    upper: Curve,
    /// `None` where the rate is zero: exercise is right down to a spot of zero.
    lower: Option<Curve>,
    /// The time to expiry at which they meet.
    meeting: Option<f64>,
}

/// `ln B` as a function of the time to expiry.
#[derive(Debug, Clone)]
struct Curve {
    side: Side,
    limit: f64,
    end: f64,
    /// Expiry, where the depth is zero, is left out.
    nodes: Vec<Node>,
}

/// One of the Chebyshev nodes in the root of time.
#[derive(Debug, Clone, Copy)]
struct Node {
    root: f64,
    /// Barycentric.
    weight: f64,
    /// Of the depth.
    square: f64,
}

/// `ln B` where there is no lower boundary.
const NOWHERE: f64 = -600.0;

impl TwoSided {
    /// `None` where the iterations do not settle.
    pub fn solve(problem: &Problem, accuracy: Accuracy) -> Option<Self> {
        let rough = search(problem)?;
        let end = rough.upper.end;
        // Where the finer nodes do not settle, the coarse ones are the better answer.
        let finer = match accuracy {
            Accuracy::Fast => None,
            Accuracy::Accurate => pair(&ACCURATE, problem, end, Some(&rough), 1e-6),
            Accuracy::High => pair(&HIGH, problem, end, Some(&rough), 1e-8),
        };
        Some(Self::of(problem, finer.unwrap_or(rough), accuracy))
    }

    /// Whether early exercise adds less than the last digits: it earns at most the difference between rate and
    /// yield, and no longer than the lower boundary alone takes to reach the strike.
    pub fn is_negligible(problem: &Problem) -> bool {
        let &Problem { rate, div, vol, t } = problem;
        let longest = ((div / rate).ln() / (Side::Lower.slope(problem) * vol)).powi(2);
        (rate - div) * t.min(longest) < 1e-14
    }

    fn of(problem: &Problem, curves: Curves, accuracy: Accuracy) -> Self {
        let meeting = curves.meeting.filter(|meeting| *meeting < problem.t);
        let points = Points::new(problem, accuracy, meeting, |time| curves.logs(time));
        let today = meeting.is_none().then(|| curves.logs(problem.t));
        Self { problem: *problem, accuracy, curves, points, today }
    }

    /// The same with less time to go.
    pub fn later(&self, left: f64) -> Self {
        Self::of(&Problem { t: left, ..self.problem }, self.curves.clone(), self.accuracy)
    }

    /// Logarithms of the spots between which exercise today is best, in units of the strike.
    #[cfg(test)]
    pub fn today(&self) -> Option<[f64; 2]> {
        self.today
    }

    /// Whether exercise is best at `spot`, in units of the strike.
    pub fn exercised(&self, spot: f64) -> bool {
        let log = spot.ln();
        self.today.is_some_and(|[low, high]| low <= log && log <= high)
    }

    /// At a spot where the option is held.
    pub fn value(&self, spot: f64) -> f64 {
        self.points.value(spot)
    }

    /// The same with its derivatives.
    pub fn premium(&self, spot: f64) -> Premium {
        let here = self.points.premium(spot);
        let Some([low, high]) = self.today else { return here };
        let log = spot.ln();
        let (boundary, side) = if log > high { (high, 1.0) } else { (low, -1.0) };
        let too_near = match self.accuracy {
            Accuracy::Fast => 0.3,
            Accuracy::Accurate => 0.15,
            Accuracy::High => 0.1,
        };
        // Where the value falls steeply the samples stay within that fall.
        let fall = 0.6 * ((-boundary).exp_m1()).max(0.0);
        let width = (too_near * self.problem.vol * self.problem.t.sqrt()).min(fall);
        let away = side * (log - boundary);
        if away >= width {
            return here;
        }
        // Next to a boundary the derivatives have a part that comes from lags too short for the points: they
        // are interpolated between where the points suffice and the boundary itself, where they are known.
        let places = [0.0, 1.0, 1.5, 2.0].map(|multiple| multiple * width);
        let (mut slope, mut curvature) = (0.0, 0.0);
        for (i, place) in places.iter().enumerate() {
            let others = places.iter().enumerate().filter(|(j, _)| *j != i);
            let share = others.fold(1.0, |share, (_, other)| share * (away - other) / (place - other));
            let at = (boundary + side * place).exp();
            let known = if i == 0 { self.at_boundary(at) } else { self.points.premium(at) };
            slope += share * known.slope;
            curvature += share * known.curvature;
        }
        let good = slope.is_finite() && curvature.is_finite();
        if good { Premium { slope, curvature, ..here } } else { here }
    }

    /// Where exercise begins: its slope, and the curvature that the pricing equation leaves on the other side.
    fn at_boundary(&self, spot: f64) -> Premium {
        let Problem { rate, div, vol, t } = self.problem;
        let european = black_scholes::raw_greeks(&OptionInputs {
            right: Right::Put,
            spot,
            strike: 1.0,
            rate,
            dividend_yield: div,
            vol_annual: vol,
            tte_years: t,
        });
        Premium {
            value: 1.0 - spot - european.price,
            slope: -1.0 - european.delta,
            curvature: 2.0 * (rate - div * spot) / (vol * vol * spot * spot) - european.gamma,
        }
    }
}

impl Curves {
    fn logs(&self, time: f64) -> [f64; 2] {
        [self.lower.as_ref().map_or(NOWHERE, |lower| lower.log(time)), self.upper.log(time)]
    }

    fn gap(&self, time: f64) -> f64 {
        let [low, high] = self.logs(time);
        high - low
    }

    /// Finds where they meet, by bisection in the root of time.
    fn meet(&mut self) {
        let end = self.upper.end;
        if self.gap(end) > 0.0 {
            return;
        }
        let (mut apart, mut met) = (0.0f64, 1.0f64);
        for _ in 0..BISECTIONS {
            let root = 0.5 * (apart + met);
            if self.gap(root * root * end) > 0.0 { apart = root } else { met = root }
        }
        self.meeting = Some(met * met * end);
    }
}

/// The premium next to where they meet is worth nothing: half the digits are plenty.
const BISECTIONS: usize = 30;

impl Curve {
    fn new(side: Side, problem: &Problem, roots: &[f64], depths: &[f64]) -> Self {
        let nodes = (1..).zip(roots.iter().zip(depths)).map(|(i, (root, depth))| {
            let size = if i == roots.len() { 0.5 } else { 1.0 };
            let weight = if i.is_multiple_of(2) { size } else { -size };
            Node { root: *root, weight, square: depth * depth }
        });
        Self { side, limit: side.limit(problem), end: problem.t, nodes: nodes.collect() }
    }

    fn depth(&self, time: f64) -> f64 {
        let root = (time / self.end).max(0.0).sqrt();
        // A hit on a node outweighs all others.
        let apart = |away: f64| if away == 0.0 { 1e-100 } else { away };
        let (mut above, mut below) = (0.0, 0.5 / apart(root));
        for node in &self.nodes {
            let part = node.weight / apart(root - node.root);
            above += part * node.square;
            below += part;
        }
        (above / below).max(0.0).sqrt()
    }

    fn log(&self, time: f64) -> f64 {
        self.limit + self.side.sign() * self.depth(time)
    }
}

/// How often the longest time tried is changed.
const MOST_TRIES: usize = 24;
/// What was solved for may end so far beyond where the boundaries meet: a little later the upper one falls
/// through the point where yield and interest balance, and there is none any more.
const CLOSE_BEHIND: f64 = 0.85;

/// Both boundaries by the nodes of the fast mode.
fn search(problem: &Problem) -> Option<Curves> {
    let &Problem { rate, div, vol, t } = problem;
    let solved = |end: f64| pair(&FAST, problem, end, None, 1e-4);
    let meets = rate < 0.0 && vol > (-2.0 * div).sqrt() - (-2.0 * rate).sqrt();
    if !meets && let Some(curves) = solved(t) {
        return Some(curves);
    }
    let width = (div / rate).ln();
    let mut end = guess(problem, width).min(t);
    let (mut longest, mut failed) = (0.0f64, f64::INFINITY);
    for _ in 0..MOST_TRIES {
        match solved(end) {
            Some(Curves { meeting: Some(meeting), .. }) if meeting < CLOSE_BEHIND * end => {
                failed = failed.min(end);
                end = 1.05 * meeting;
            }
            Some(curves) if curves.meeting.is_some() || end >= t => return Some(curves),
            Some(curves) => {
                longest = end;
                let root = width / (width - curves.gap(end));
                end = (1.1 * root * root * end).clamp(1.2 * end, 4.0 * end).min(t);
                if end >= failed {
                    end = (longest * failed).sqrt();
                }
            }
            None => {
                failed = failed.min(end);
                end = if longest > 0.0 { (longest * failed).sqrt() } else { 0.5 * end };
            }
        }
    }
    None
}

/// Where the boundaries would meet if they went on as they begin.
fn guess(problem: &Problem, width: f64) -> f64 {
    let per_root = |time: f64| {
        let short = Problem { t: time, ..*problem };
        (Side::Upper.slope(&short) + Side::Lower.slope(&short)) * problem.vol
    };
    let mut time = problem.t;
    for _ in 0..4 {
        time = (width / per_root(time)).powi(2).min(problem.t);
    }
    time
}

/// Both boundaries up to a time to expiry, from a rough solution up to there if there is one.
fn pair<const N: usize, const M: usize>(
    tables: &Tables<N, M, 1>,
    problem: &Problem,
    end: f64,
    rough: Option<&Curves>,
    close: f64,
) -> Option<Curves> {
    let problem = Problem { t: end, ..*problem };
    let one = |side: Side, known: Option<&Curve>| {
        let start = match known {
            Some(curve) => tables.root.map(|root| curve.depth(root * root * end)),
            None => tables.root.map(|root| side.start(&problem, root)),
        };
        let depth = dispatch(Collocate { tables, problem, side, start, close })?;
        Some(Curve::new(side, &problem, &tables.root, &depth))
    };
    let upper = one(Side::Upper, rough.map(|rough| &rough.upper))?;
    let lower = if problem.rate < 0.0 {
        Some(one(Side::Lower, rough.and_then(|rough| rough.lower.as_ref()))?)
    } else {
        None
    };
    let mut curves = Curves { upper, lower, meeting: None };
    curves.meet();
    Some(curves)
}
