//! Profit and loss at the first of several expiries: what expires is worth its intrinsic value, the rest what
//! the caller's model says. The curve bends, so extremes and zeros are searched, not computed.
//!
//! Never: chooses a model or a volatility.

use super::{Payoff, PayoffLeg, SpotRange, cover};
use crate::domain::Right;

/// Evaluations of the curve between zero and the end of the range.
const GRID: usize = 800;
/// The range ends at this multiple of the highest strike.
const REACH: f64 = 2.0;
const REFINEMENTS: usize = 100;

/// `cost`: dollars paid for all legs. `far_value` gives the worth of one unit of the far leg of that place at
/// the near expiry with the underlying at a price.
///
/// A far option counts as unlimited risk or profit by its number, not by its model value: a long call covers a
/// short one, though its value far up may lag by the dividends. A short option is not covered by a long one
/// that expires before it.
pub fn at_near_expiry(
    near: &[PayoffLeg],
    far: &[PayoffLeg],
    cost: f64,
    far_value: impl Fn(usize, f64) -> f64,
) -> Payoff {
    let pnl = |spot: f64| {
        let expiring: f64 = near.iter().map(|leg| leg.value(spot)).sum();
        let rest: f64 = far.iter().enumerate().map(|(i, leg)| leg.units() * far_value(i, spot)).sum();
        expiring + rest - cost
    };
    let (spots, values) = sample(near, far, &pnl);
    let (mut worst, mut best) = (f64::INFINITY, f64::NEG_INFINITY);
    for (i, &value) in values.iter().enumerate() {
        let (before, after) = (i.saturating_sub(1), (i + 1).min(values.len() - 1));
        let (low, high) = (spots[before], spots[after]);
        best = best.max(value);
        worst = worst.min(value);
        if value >= values[before] && value >= values[after] {
            best = best.max(highest(&pnl, low, high));
        }
        if value <= values[before] && value <= values[after] {
            worst = worst.min(-highest(&|spot| -pnl(spot), low, high));
        }
    }
    let breakevens = zeros(&spots, &values, &pnl);
    let calls = cover(near, Right::Call) + cover(far, Right::Call);
    let puts = cover(near, Right::Put) + cover(far, Right::Put);
    let shares: Vec<PayoffLeg> = near.iter().filter(|leg| leg.strike().is_none()).copied().collect();
    let lasting = |side: Right| cover(far, side) + cover(&shares, side);
    let last = values.last().copied().unwrap_or(-cost);
    Payoff {
        max_profit: (calls <= 0.0).then_some(best.max(0.0)),
        max_loss: (calls >= 0.0).then(|| (-worst).max(0.0)),
        profitable: between(&breakevens, &pnl, calls > 0.0 || (calls == 0.0 && last > 0.0)),
        breakevens,
        at_zero: values.first().copied().unwrap_or(-cost),
        far_up: (calls == 0.0).then_some(last),
        undefined_up: calls < 0.0 || lasting(Right::Call) < 0.0,
        undefined_down: puts < 0.0 || lasting(Right::Put) < 0.0,
    }
}

/// An even grid with all strikes in it.
fn sample(near: &[PayoffLeg], far: &[PayoffLeg], pnl: &impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let strikes: Vec<f64> = near.iter().chain(far).filter_map(PayoffLeg::strike).collect();
    let top = strikes.iter().copied().fold(0.0, f64::max);
    let step = REACH * top / GRID as f64;
    let mut spots: Vec<f64> = (0..=GRID).map(|i| step * i as f64).chain(strikes).collect();
    spots.sort_by(f64::total_cmp);
    spots.dedup();
    let values = spots.iter().map(|&spot| pnl(spot)).collect();
    (spots, values)
}

/// Greatest value between two places around a local maximum, by golden sections.
fn highest(curve: &impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let mut best = f64::NEG_INFINITY;
    for _ in 0..REFINEMENTS {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        let (a, b) = (curve(left), curve(right));
        best = best.max(a).max(b);
        if a > b {
            high = right;
        } else {
            low = left;
        }
        if high - low <= 1e-9 * high {
            break;
        }
    }
    best
}

fn zeros(spots: &[f64], values: &[f64], pnl: &impl Fn(f64) -> f64) -> Vec<f64> {
    let mut found = Vec::new();
    for (x, y) in spots.windows(2).zip(values.windows(2)) {
        if y[0] * y[1] < 0.0 {
            found.push(root(pnl, (x[0], y[0]), (x[1], y[1])));
        } else if y[1] == 0.0 && y[0] != 0.0 {
            found.push(x[1]);
        }
    }
    found
}

/// Bisection: the curve may have a corner between the places.
fn root(pnl: &impl Fn(f64) -> f64, (mut low, at_low): (f64, f64), (mut high, _): (f64, f64)) -> f64 {
    for _ in 0..REFINEMENTS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if pnl(middle) * at_low > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The stretches between zeros in which the middle is above zero; beyond the last zero as told.
fn between(zeros: &[f64], pnl: &impl Fn(f64) -> f64, profitable_far_up: bool) -> Vec<SpotRange> {
    let edges: Vec<f64> = std::iter::once(0.0).chain(zeros.iter().copied()).collect();
    let mut found: Vec<SpotRange> = edges
        .windows(2)
        .filter(|edge| pnl(0.5 * (edge[0] + edge[1])) > 0.0)
        .map(|edge| SpotRange { low: edge[0], high: edge[1] })
        .collect();
    if profitable_far_up {
        let low = edges.last().copied().unwrap_or(0.0);
        found.push(SpotRange { low, high: f64::INFINITY });
    }
    found
}
