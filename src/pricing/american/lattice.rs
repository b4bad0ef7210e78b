//! Finite differences, as the tests' second opinion on boundaries with gaps and on two sides.
//!
//! The escrowed log spot on an even grid; Crank-Nicolson steps that begin implicitly wherever the exercise
//! value jumps; early exercise exactly within a step where its region reaches to the end of the grid (Brennan
//! & Schwartz, 1977), else by operator splitting (Ikonen & Toivanen, 2004). A European option runs on the
//! same grid, and only the difference of the two is used: most of the error of the grid is in both.
//!
//! Never: knows today's spot; it answers for all of them.

use super::CashDividend;
use super::certain::escrow_after;
use super::cubic::Cubic;
use crate::numerics::vector::{Kernel, dispatch, mul_add};
use crate::pricing::inputs::OptionInputs;

/// What early exercise adds to the European value of the escrowed spot, on a grid of its logarithm.
#[derive(Debug, Clone)]
pub(super) struct Lattice {
    first: f64,
    step: f64,
    premium: Vec<f64>,
    /// By node: exercise now is best.
    exercised: Vec<bool>,
}

/// Standard deviations on either side of the strike.
const REACH: f64 = 5.5;
const FEWEST_NODES: usize = 128;
/// The error is a share of the option's own scale, so that a near expiry needs less.
const SHORT: f64 = 0.3;
const FEWER_NODES: usize = 80;
const FEWER_STEPS: usize = 6;
const MOST_NODES: usize = 4000;
/// Beyond, a finer grid next to the exercise region is not worth its time.
const BENT_NODES: usize = 1024;
/// Steps of the last stretch before expiry; the others take half of them.
const STEPS: usize = 8;
/// Operator splitting needs more of them than the direct solution.
const MORE_STEPS: usize = 24;
/// A stretch between two dates is cut where this share of it, and this share of that, is left.
const GRADING: f64 = 0.25;

/// The premium at a spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Local {
    pub value: f64,
    pub exercised: bool,
}

impl Lattice {
    /// `None` where the volatility is too small for a grid of bounded size.
    pub fn solve(terms: &OptionInputs, dividends: &[CashDividend]) -> Option<Self> {
        let (vol, t) = (terms.vol_annual, terms.tte_years);
        let variance = vol * vol;
        let drift = terms.rate - terms.dividend_yield - 0.5 * variance;
        let reach = REACH * vol * t.sqrt() + drift.abs() * t + 0.02;
        // Central differences need the diffusion to outweigh the drift across a cell, and next to the exercise
        // region the value bends within a few σ²/2r.
        let bend = 16.0 * reach * terms.rate.abs().max(terms.dividend_yield.abs()) / variance;
        let cells = (2.0 * reach * drift.abs() / variance)
            .max(bend.min(BENT_NODES as f64))
            .max(if t < SHORT { FEWER_NODES } else { FEWEST_NODES } as f64)
            .ceil();
        if !(reach.is_finite() && cells <= MOST_NODES as f64 && reach < 100.0) {
            return None;
        }
        let half = (cells as usize).div_ceil(2);
        let step = reach / half as f64;
        // The grid begins where exercise is: puts from below, calls from above.
        let step = -terms.right.sign() * step;
        let first = terms.strike.ln() - step * half as f64;
        let spots: Vec<f64> = (0..=2 * half).map(|i| (first + step * i as f64).exp()).collect();
        // Under negative rates exercise can be right between two spots, or on the far side.
        let two_sided = terms.rate < 0.0 || terms.dividend_yield < 0.0;
        let march = March::new(terms, dividends, spots, step, two_sided);
        let stretches = stretches(
            dividends,
            t,
            match two_sided {
                true => MORE_STEPS,
                false if t < SHORT => FEWER_STEPS,
                false => STEPS,
            },
        );
        let march = dispatch(Backwards { march, stretches: &stretches });
        let premium = march.american.iter().zip(&march.european).map(|(a, e)| (a - e).max(0.0)).collect();
        let exercised = march.american.iter().zip(&march.payoff).map(|(v, g)| *g > 0.0 && v <= g).collect();
        Some(Self { first, step, premium, exercised })
    }

    /// `None` outside the grid.
    pub fn at(&self, spot: f64) -> Option<Local> {
        let place = (spot.ln() - self.first) / self.step;
        let last = self.premium.len() - 1;
        if !(place >= 0.0 && place <= last as f64) {
            return None;
        }
        let cell = (place as usize).min(last - 1);
        let exercised = self.exercised[cell] && self.exercised[cell + 1];
        // The cubic through the two nodes on either side.
        let base = cell.saturating_sub(1).min(last - 3);
        let u = place - (base + 1) as f64;
        let cubic = Cubic::through([0, 1, 2, 3].map(|k| self.premium[base + k]));
        Some(Local { value: cubic.value(u), exercised })
    }
}

/// Backwards through time between two dates at which the exercise value jumps.
struct Stretch {
    /// Years from today, the later one first.
    from: f64,
    to: f64,
    steps: usize,
}

fn stretches(dividends: &[CashDividend], t: f64, steps: usize) -> Vec<Stretch> {
    let mut dates: Vec<f64> = dividends.iter().map(|d| d.years).filter(|y| *y > 0.0 && *y < t).collect();
    dates.sort_by(|a, b| b.total_cmp(a));
    dates.dedup();
    dates.push(0.0);
    let mut from = t;
    let mut all = Vec::new();
    for (place, to) in dates.into_iter().enumerate() {
        let length = from - to;
        let steps = if place == 0 { steps } else { steps / 2 };
        let cuts =
            [length * GRADING * GRADING * GRADING, length * GRADING * GRADING, length * GRADING, length];
        let mut begin = from;
        for cut in cuts {
            let end = if cut == length { to } else { from - cut };
            all.push(Stretch { from: begin, to: end, steps });
            begin = end;
        }
        from = to;
    }
    all
}

/// The whole march, compiled for each instruction set.
struct Backwards<'a> {
    march: March<'a>,
    stretches: &'a [Stretch],
}

impl<'a> Kernel for Backwards<'a> {
    type Output = March<'a>;

    #[inline(always)]
    fn run<const FMA: bool>(mut self) -> March<'a> {
        for stretch in self.stretches {
            self.march.cross::<FMA>(stretch);
        }
        self.march
    }
}

struct March<'a> {
    terms: &'a OptionInputs,
    dividends: &'a [CashDividend],
    spots: Vec<f64>,
    step: f64,
    american: Vec<f64>,
    european: Vec<f64>,
    payoff: Vec<f64>,
    /// How fast holding loses against exercising.
    multiplier: Vec<f64>,
    right_american: Vec<f64>,
    right_european: Vec<f64>,
    jumped: bool,
    two_sided: bool,
}

impl<'a> March<'a> {
    fn new(
        terms: &'a OptionInputs,
        dividends: &'a [CashDividend],
        spots: Vec<f64>,
        step: f64,
        two_sided: bool,
    ) -> Self {
        let sign = terms.right.sign();
        let value: Vec<f64> = spots.iter().map(|s| (sign * (s - terms.strike)).max(0.0)).collect();
        let zero = vec![0.0; spots.len()];
        Self {
            terms,
            dividends,
            step,
            european: value.clone(),
            payoff: value.clone(),
            american: value,
            multiplier: zero.clone(),
            right_american: zero.clone(),
            right_european: zero,
            spots,
            jumped: true,
            two_sided,
        }
    }

    #[inline(always)]
    fn cross<const FMA: bool>(&mut self, stretch: &Stretch) {
        let before = escrow_after(self.dividends, stretch.from, self.terms.rate);
        let dt = (stretch.from - stretch.to) / stretch.steps as f64;
        // Just before an ex-date more is held than just after it.
        let within = escrow_after(self.dividends, 0.5 * (stretch.from + stretch.to), self.terms.rate);
        self.jumped |= (within > 0.0) != (before > 0.0) || {
            let grown = before * (-self.terms.rate * 0.5 * (stretch.from - stretch.to)).exp();
            (within - grown).abs() > 1e-12 * self.terms.strike
        };
        let mut time = stretch.from;
        let mut done = 0;
        if self.jumped {
            // The last moment before an ex-date, at which calls are exercised.
            let held = escrow_after(self.dividends, stretch.from - 1e-12, self.terms.rate);
            let sign = self.terms.right.sign();
            for (value, spot) in self.american.iter_mut().zip(&self.spots) {
                *value = value.max(sign * (spot + held - self.terms.strike));
            }
            // Four implicit quarter steps in place of the first, to damp what the jump excites.
            self.multiplier.fill(0.0);
            let implicit = Weights::new(self, 0.25 * dt, 1.0);
            for _ in 0..4 {
                time -= 0.25 * dt;
                self.step::<FMA>(&implicit, time);
            }
            self.jumped = false;
            done = 1;
        }
        let centred = Weights::new(self, dt, 0.5);
        for k in done..stretch.steps {
            time = stretch.from - dt * (k + 1) as f64;
            self.step::<FMA>(&centred, time);
        }
    }

    #[inline(always)]
    fn step<const FMA: bool>(&mut self, weights: &Weights, time: f64) {
        let terms = self.terms;
        let sign = terms.right.sign();
        // The moment after an ex-date belongs to the later stretch, the moment before it to this one.
        let held = escrow_after(self.dividends, time + 1e-12, terms.rate);
        for (payoff, spot) in self.payoff.iter_mut().zip(&self.spots) {
            *payoff = sign * (spot + held - terms.strike);
        }
        let last = self.spots.len() - 1;
        for edge in [0, last] {
            let grown = weights.drift * sign * self.spots[edge];
            let waited = |value: f64| {
                if value > 0.0 { (weights.discount * (value + grown)).max(0.0) } else { 0.0 }
            };
            self.right_european[edge] = waited(self.european[edge]);
            self.right_american[edge] = waited(self.american[edge]).max(self.payoff[edge]);
        }
        let push = self.two_sided.then_some((self.multiplier.as_slice(), weights.dt));
        weights.apply::<FMA>(&self.american, push, &mut self.right_american);
        weights.apply::<FMA>(&self.european, None, &mut self.right_european);
        weights.eliminate::<FMA>(&mut self.right_american, &mut self.right_european);
        if self.two_sided {
            weights.substitute::<FMA>(&mut self.right_american, &mut self.right_european, None);
            let (dt, inverse) = (weights.dt, 1.0 / weights.dt);
            let known = self.american.iter_mut().zip(&mut self.multiplier);
            for ((value, multiplier), (held, payoff)) in
                known.zip(self.right_american.iter().zip(&self.payoff))
            {
                let next = (held - dt * *multiplier).max(*payoff);
                *multiplier = (*multiplier + (payoff - held) * inverse).max(0.0);
                *value = next;
            }
        } else {
            weights.substitute::<FMA>(&mut self.right_american, &mut self.right_european, Some(&self.payoff));
            std::mem::swap(&mut self.american, &mut self.right_american);
        }
        std::mem::swap(&mut self.european, &mut self.right_european);
    }
}

/// One step's matrices, the same in every row: `(1 − θ·dt·A)·new = (1 + (1 − θ)·dt·A)·old`.
struct Weights {
    dt: f64,
    /// What an option without optionality left does in a step, at the edges: the spot drifts, the rest is
    /// discounted.
    drift: f64,
    discount: f64,
    /// Of the left, own and right neighbour in the explicit part.
    explicit: [f64; 3],
    above: f64,
    /// By elimination from the far end: the factor of the unknown before, and the inverse pivot.
    lower: Vec<f64>,
    pivot: Vec<f64>,
}

impl Weights {
    fn new(march: &March<'_>, dt: f64, theta: f64) -> Self {
        let terms = march.terms;
        let variance = terms.vol_annual * terms.vol_annual;
        // Leaned so that a forward on the underlying is exact on the grid, however coarse.
        let h = march.step;
        let spread = 0.5 * variance / (h * h);
        let lean = 0.5 * (terms.rate - terms.dividend_yield - 2.0 * spread * (h.cosh() - 1.0)) / h.sinh();
        let (left, own, right) = (spread - lean, -2.0 * spread - terms.rate, spread + lean);
        let ahead = (1.0 - theta) * dt;
        let behind = theta * dt;
        let (lower, diagonal, above) = (-behind * left, 1.0 - behind * own, -behind * right);
        let n = march.spots.len();
        let (mut upper, mut pivot) = (vec![0.0; n], vec![1.0; n]);
        for i in (1..n - 1).rev() {
            pivot[i] = 1.0 / (diagonal - above * upper[i + 1]);
            upper[i] = lower * pivot[i];
        }
        let carry = (terms.rate - terms.dividend_yield) * dt;
        let discount = (-terms.rate * dt).exp();
        Self {
            dt,
            drift: carry.exp_m1(),
            discount,
            explicit: [ahead * left, 1.0 + ahead * own, ahead * right],
            above,
            lower: upper,
            pivot,
        }
    }

    /// The explicit half; the two edges of `out` are left as they are.
    #[inline(always)]
    fn apply<const FMA: bool>(&self, old: &[f64], push: Option<(&[f64], f64)>, out: &mut [f64]) {
        let [left, own, right] = self.explicit;
        let inner = 1..old.len() - 1;
        for (out, around) in out[inner.clone()].iter_mut().zip(old.windows(3)) {
            *out = mul_add::<FMA>(left, around[0], mul_add::<FMA>(own, around[1], right * around[2]));
        }
        if let Some((push, dt)) = push {
            for (out, push) in out[inner.clone()].iter_mut().zip(&push[inner]) {
                *out += dt * push;
            }
        }
    }

    /// Both systems at once: the processor overlaps their chains. The edges hold the given values.
    #[inline(always)]
    fn eliminate<const FMA: bool>(&self, a: &mut [f64], b: &mut [f64]) {
        let n = a.len();
        let (mut next_a, mut next_b) = (a[n - 1], b[n - 1]);
        for i in (1..n - 1).rev() {
            let pivot = self.pivot[i];
            let upper = self.above * pivot;
            next_a = mul_add::<FMA>(-upper, next_a, a[i] * pivot);
            next_b = mul_add::<FMA>(-upper, next_b, b[i] * pivot);
            (a[i], b[i]) = (next_a, next_b);
        }
    }

    /// From the end where exercise is, so that the better of holding and exercising can be taken on the way
    /// (Brennan & Schwartz, 1977).
    #[inline(always)]
    fn substitute<const FMA: bool>(&self, a: &mut [f64], b: &mut [f64], floor: Option<&[f64]>) {
        let n = a.len();
        let (mut last_a, mut last_b) = (a[0], b[0]);
        for i in 1..n - 1 {
            last_a = mul_add::<FMA>(-self.lower[i], last_a, a[i]);
            if let Some(floor) = floor {
                last_a = if last_a > floor[i] { last_a } else { floor[i] };
            }
            last_b = mul_add::<FMA>(-self.lower[i], last_b, b[i]);
            (a[i], b[i]) = (last_a, last_b);
        }
    }
}
