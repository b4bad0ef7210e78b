//! The boundary in one window before a gap, by spectral collocation.
//!
//! Holding and exercising are worth the same at the boundary `B(t)`. Written for what is *not* exercised
//! (Göttsche & Vellekoop, 2011, with the escrowed spot), that says with `X = B(t)` and `D(t)` dropped out of it
//!
//! `X·[e^(−qτ)·N(d₊(X/K)) + q∫ e^(−ql)·N(d₊(X/B)) + q∫' e^(−ql)] = e^(−rτ)·N(d₋(X/K)) + r∫ e^(−rl)·N(d₋(X/B))`,
//!
//! `∫` over what is left of this window and all later ones, `∫'` over the gaps between them, `l` the lag from
//! `t`. Every term is positive, and near the gap both sides are small: what the later boundary has to say stands
//! on the left, what this window's own has on the right, and Newton's method takes the logarithms of the two.
//!
//! Never: finds the boundary after the last dividend, which is an ordinary one.

use super::super::boundary::{Points, Problem, cdf_of, interpolated, pdf, total};
use super::super::linear;
use super::tables::Tables;
use super::windows::Window;
use crate::numerics::vector::{Kernel, exp, mul_add};

/// A solved boundary at moments of exercise, in years from today.
#[derive(Debug, Clone)]
pub(super) struct Moments<const P: usize> {
    pub years: [f64; P],
    pub weight: [f64; P],
    pub log_boundary: [f64; P],
}

impl<const P: usize> Moments<P> {
    /// As the integrals of an option see them that is priced at `from`.
    #[inline(always)]
    pub fn seen_from<const FMA: bool>(&self, from: f64, problem: &Problem) -> Points<P> {
        let &Problem { rate, div, vol, .. } = problem;
        let per_root = (rate - div - 0.5 * vol * vol) / vol;
        let mut points = Points {
            log_boundary: self.log_boundary,
            inverse: [0.0; P],
            drift: [0.0; P],
            spread: [0.0; P],
            strike_discount: [0.0; P],
            spot_discount: [0.0; P],
        };
        for k in 0..P {
            let lag = (self.years[k] - from).max(f64::MIN_POSITIVE);
            let root = lag.sqrt();
            points.spread[k] = vol * root;
            points.inverse[k] = 1.0 / points.spread[k];
            points.drift[k] = per_root * root;
            points.strike_discount[k] = self.weight[k] * exp::<FMA>(-rate * lag);
            points.spot_discount[k] = self.weight[k] * exp::<FMA>(-div * lag);
        }
        points
    }
}

/// One window, compiled for each instruction set.
pub(super) struct Solve<'a, const N: usize, const M: usize, const P: usize> {
    pub tables: &'a Tables<N, M, P>,
    /// The whole option's: `t` is its time to expiry.
    pub problem: Problem,
    pub window: Window,
    /// The later windows.
    pub later: &'a [Moments<P>],
    /// And the gaps before, between and after them, this window's own first.
    pub gaps: &'a [Window],
    /// `ln B` just after the next ex-date.
    pub log_next: f64,
    /// Newton's method ends after a step that moves no node more than this.
    pub close: f64,
    /// Interest that what is known of the later windows does not resolve: closer to the gap than it takes to
    /// earn that, `ln B` goes on in a line.
    pub floor: f64,
}

/// The boundary, and at the beginning of the window.
pub(super) struct Solved<const P: usize> {
    pub moments: Moments<P>,
    pub log_first: f64,
    /// The last step's largest change of `ln B`.
    pub change: f64,
}

const MOST_STEPS: usize = 24;
/// The share of the window's interest that its own integral comes to, to begin with.
const START: f64 = 0.7;
const START_STEPS: usize = 40;
const START_CLOSE: f64 = 1e-2;

/// A sum and its derivative with respect to the logarithm of the spot.
#[derive(Clone, Copy, Default)]
struct Moved {
    value: f64,
    slope: f64,
}

impl<const N: usize, const M: usize, const P: usize> Kernel for Solve<'_, N, M, P> {
    type Output = Solved<P>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Solved<P> {
        let Self { tables, problem, window, later, close, .. } = &self;
        let mut seen: Vec<Points<P>> = Vec::with_capacity(N * later.len());
        for left in &tables.left {
            for moments in *later {
                seen.push(moments.seen_from::<FMA>(window.to - left * window.length(), problem));
            }
        }
        let own = Own::new::<FMA, P>(tables, problem, window.length());
        let mut logs = self.start::<FMA>(&seen);
        let longest = self.deviations();
        let resolved = self.resolved();
        let mut change = f64::INFINITY;
        for _ in 0..MOST_STEPS {
            let (own_values, mut matrix) = own.linearised::<FMA, P>(tables, &logs);
            let mut right = [[0.0]; N];
            for i in 0..N {
                let gain = self.later_gain::<FMA>(i, logs[i], &seen);
                if i < resolved {
                    let along = self.along(i);
                    matrix[i] = [0.0; N];
                    (matrix[i][i], matrix[i][i + 1], matrix[i][i + 2]) = (1.0, -1.0 - along, along);
                    right[i] = [-(logs[i] - (1.0 + along) * logs[i + 1] + along * logs[i + 2])];
                } else if gain.value > 0.0 {
                    matrix[i][i] += gain.slope / gain.value;
                    let scale = 1.0 / matrix[i][i];
                    matrix[i] = matrix[i].map(|x| x * scale);
                    right[i] = [-(gain.value / own_values[i]).ln() * scale];
                } else {
                    // Lost in rounding: the node has to rise.
                    matrix[i] = [0.0; N];
                    matrix[i][i] = 1.0;
                    right[i] = [0.5 * longest[i]];
                }
            }
            let step = linear::solve::<FMA, N, 1>(matrix, right);
            change = step.iter().fold(0.0, |most: f64, [step]| most.max(step.abs()));
            for ((log, [step]), longest) in logs.iter_mut().zip(&step).zip(&longest) {
                *log += step.clamp(-longest, *longest);
            }
            if change.is_nan() || change <= *close {
                break;
            }
        }
        let mut moments = Moments {
            years: [0.0; P],
            weight: [0.0; P],
            log_boundary: interpolated::<FMA, N, P>(&tables.point_share, &logs),
        };
        for k in 0..P {
            moments.years[k] = window.from + window.length() * tables.point_lag[k];
            moments.weight[k] = window.length() * tables.point_weight[k];
        }
        Solved { moments, log_first: logs[N - 1], change }
    }
}

impl<const N: usize, const M: usize, const P: usize> Solve<'_, N, M, P> {
    /// Node by node what would be right if the window's own integral were a fixed share of its interest. Along
    /// the nodes `ln B` is nearly a line.
    #[inline(always)]
    fn start<const FMA: bool>(&self, seen: &[Points<P>]) -> [f64; N] {
        let Self { tables, problem, window, .. } = self;
        let deviations = self.deviations();
        let resolved = self.resolved();
        let mut logs = [0.0; N];
        for i in (0..N).rev() {
            let mut log = match i {
                _ if i + 1 == N => self.log_next,
                _ if i + 2 == N => logs[i + 1],
                _ => logs[i + 1] + (logs[i + 1] - logs[i + 2]).min(0.0) * self.along(i),
            };
            if i < resolved {
                logs[i] = log;
                continue;
            }
            let interest = -(-problem.rate * tables.left[i] * window.length()).exp_m1();
            let longest = deviations[i];
            let mut least = f64::NEG_INFINITY;
            for _ in 0..START_STEPS {
                let gain = self.later_gain::<FMA>(i, log, seen);
                if !(gain.value > 0.0 && gain.slope > 0.0) {
                    least = log;
                    log += longest;
                    continue;
                }
                let step = -(gain.value / (START * interest)).ln() * gain.value / gain.slope;
                let step = step.clamp(-longest, longest).max(0.5 * (least - log));
                log += step;
                if step.abs() < START_CLOSE * longest {
                    break;
                }
            }
            logs[i] = log;
        }
        logs
    }

    /// The first node that is far enough from the gap.
    #[inline(always)]
    fn resolved(&self) -> usize {
        let per_length = self.problem.rate * self.window.length();
        self.tables.left.iter().take_while(|left| per_length * **left < self.floor).count().min(N - 3)
    }

    /// How much further along `z` a node lies from the next than that from the one after.
    #[inline(always)]
    fn along(&self, node: usize) -> f64 {
        let at = &self.tables.at;
        (at[node] - at[node + 1]) / (at[node + 1] - at[node + 2])
    }

    /// Of the log spot from the nodes to the next ex-date.
    #[inline(always)]
    fn deviations(&self) -> [f64; N] {
        let Self { tables, problem, window, gaps, .. } = self;
        let gap = gaps.first().map_or(0.0, Window::length);
        tables.left.map(|left| problem.vol * (gap + left * window.length()).sqrt())
    }

    /// What exercise at a node and at this log spot gains on holding, but for the window's own part.
    #[inline(always)]
    fn later_gain<const FMA: bool>(&self, node: usize, log: f64, seen: &[Points<P>]) -> Moved {
        let &Problem { rate, div, vol, t } = &self.problem;
        let left = self.tables.left[node] * self.window.length();
        let years = self.window.to - left;
        let lag = t - years;
        let spread = vol * lag.sqrt();
        let d_minus = (log + (rate - div) * lag) / spread - 0.5 * spread;
        let d_plus = d_minus + spread;
        let (density_minus, density_plus) = (pdf::<FMA>(d_minus), pdf::<FMA>(d_plus));
        let (paid, kept) = ((-rate * lag).exp(), (-div * lag).exp());
        let mut strike = Moved {
            value: paid * cdf_of::<FMA>(d_minus, density_minus),
            slope: paid * density_minus / spread,
        };
        let spot =
            Moved { value: kept * cdf_of::<FMA>(d_plus, density_plus), slope: kept * density_plus / spread };
        let count = self.later.len();
        for points in &seen[node * count..(node + 1) * count] {
            let (mut values, mut slopes) = ([0.0; P], [0.0; P]);
            for k in 0..P {
                let inverse = points.inverse[k];
                let d = mul_add::<FMA>(log - points.log_boundary[k], inverse, points.drift[k]);
                let density = pdf::<FMA>(d);
                values[k] = points.strike_discount[k] * cdf_of::<FMA>(d, density);
                slopes[k] = points.strike_discount[k] * density * inverse;
            }
            strike.value += rate * total(&values);
            strike.slope += rate * total(&slopes);
        }
        let at = exp::<FMA>(log);
        Moved { value: at * spot.value - strike.value, slope: at * (spot.value + spot.slope) - strike.slope }
    }
}

/// A window's own integrals, by node and column: all that does not change between steps.
struct Own<const N: usize, const M: usize> {
    inverse: [[f64; M]; N],
    drift: [[f64; M]; N],
    spread: [[f64; M]; N],
    /// Weight × rate × e^(−rate·lag).
    interest: [[f64; M]; N],
}

impl<const N: usize, const M: usize> Own<N, M> {
    #[inline(always)]
    fn new<const FMA: bool, const P: usize>(
        tables: &Tables<N, M, P>,
        problem: &Problem,
        length: f64,
    ) -> Self {
        let &Problem { rate, div, vol, .. } = problem;
        let per_root = (rate - div - 0.5 * vol * vol) / vol;
        let mut own = Self {
            inverse: [[0.0; M]; N],
            drift: [[0.0; M]; N],
            spread: [[0.0; M]; N],
            interest: [[0.0; M]; N],
        };
        for i in 0..N {
            for k in 0..M {
                let lag = (length * tables.lag[i][k]).max(f64::MIN_POSITIVE);
                let weight = length * tables.weight[i][k];
                let root = lag.sqrt();
                own.spread[i][k] = vol * root;
                own.inverse[i][k] = 1.0 / own.spread[i][k];
                own.drift[i][k] = per_root * root;
                own.interest[i][k] = weight * rate * exp::<FMA>(-rate * lag);
            }
        }
        own
    }

    /// The integrals at the nodes, and the derivatives of minus their logarithms.
    #[inline(always)]
    fn linearised<const FMA: bool, const P: usize>(
        &self,
        tables: &Tables<N, M, P>,
        logs: &[f64; N],
    ) -> ([f64; N], [[f64; N]; N]) {
        let mut values = [0.0; N];
        let mut matrix = [[0.0; N]; N];
        for i in 0..N {
            let between = interpolated::<FMA, N, M>(&tables.share[i], logs);
            let (mut terms, mut slopes) = ([0.0; M], [0.0; M]);
            for k in 0..M {
                let inverse = self.inverse[i][k];
                let d = mul_add::<FMA>(logs[i] - between[k], inverse, self.drift[i][k]);
                let density = pdf::<FMA>(d);
                terms[k] = self.interest[i][k] * cdf_of::<FMA>(d, density);
                slopes[k] = self.interest[i][k] * density * inverse;
            }
            let whole = total(&terms).max(f64::MIN_POSITIVE);
            values[i] = whole;
            let scale = 1.0 / whole;
            matrix[i][i] = -scale * total(&slopes);
            for (entry, share) in matrix[i].iter_mut().zip(&tables.share[i]) {
                let mut moved = *share;
                for (moved, slope) in moved.iter_mut().zip(&slopes) {
                    *moved *= slope;
                }
                *entry += scale * total(&moved);
            }
        }
        (values, matrix)
    }
}
