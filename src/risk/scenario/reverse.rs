//! The reverse question: how far must the benchmark move for the book to lose a given amount?
//!
//! Never: extrapolates. A loss that no move within the range brings has no answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::revalue::{Revaluation, total};
use super::shocks::{Roll, SpotShock, VolShock};
use crate::domain::units::Dollars;

/// How far out is looked, in steps of `STEP`; a loss that comes and goes within one step is not found.
const RANGE: f64 = 0.60;
const STEP: f64 = 0.01;
const HALVINGS: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossPoint {
    /// What is lost, positive.
    pub amount: Dollars,
    /// The nearest benchmark fall that loses so much, as a negative fraction.
    pub down: Option<f64>,
    /// The nearest rise that does.
    pub up: Option<f64>,
}

impl LossPoint {
    /// The nearer of the two.
    pub fn nearest(&self) -> Option<f64> {
        match (self.down, self.up) {
            (Some(down), Some(up)) => Some(if -down <= up { down } else { up }),
            (one, other) => one.or(other),
        }
    }
}

/// For each amount, the spot moves (volatility unchanged, no time passing, beta-mapped) that lose it.
pub fn loss_points(
    now: &Revaluation<'_>,
    amounts: &[Dollars],
    counts: impl Fn(usize) -> bool,
) -> Vec<LossPoint> {
    let shocked = now.shocked(VolShock::Points(0.0), Roll::default());
    let pnl = |by: f64| total(&shocked.change(SpotShock::Benchmark(by)), &counts);
    // RANGE / STEP is a small whole number.
    let steps = (RANGE / STEP).round() as usize;
    let walk = |sign: f64| -> Vec<(f64, f64)> {
        let moves: Vec<f64> = (0..=steps).map(|i| sign * STEP * i as f64).collect();
        let spots: Vec<SpotShock> = moves.iter().copied().map(SpotShock::Benchmark).collect();
        let pnl = shocked.changes(&spots).into_iter().map(|changes| total(&changes, &counts));
        moves.into_iter().zip(pnl).collect()
    };
    let (down, up) = (walk(-1.0), walk(1.0));
    amounts
        .iter()
        .map(|&amount| LossPoint {
            amount,
            down: crossing(&down, amount.0, &pnl),
            up: crossing(&up, amount.0, &pnl),
        })
        .collect()
}

fn crossing(path: &[(f64, f64)], amount: f64, pnl: &impl Fn(f64) -> f64) -> Option<f64> {
    if amount.is_nan() || amount <= 0.0 {
        return None;
    }
    let step = path.windows(2).find(|w| w[1].1 <= -amount)?;
    let (mut inside, mut outside) = (step[0].0, step[1].0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (inside + outside);
        if pnl(middle) <= -amount {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    Some(outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::fixtures::{book_b, close};

    #[test]
    fn the_found_move_loses_the_amount() {
        let book = book_b();
        let now = Revaluation::of(&book);
        for point in loss_points(&now, &[1_000.0, 5_000.0].map(Dollars), |_| true) {
            let down = point.down.expect("a long delta book loses on the way down");
            let shocked = now.shocked(VolShock::Points(0.0), Roll::default());
            close(total(&shocked.change(SpotShock::Benchmark(down)), &|_| true), -point.amount.0, 0.01);
            assert!(down < 0.0);
        }
        let five = loss_points(&now, &[Dollars(3329.1346)], |_| true)[0];
        close(five.down.expect("found"), -0.05, 1e-6);
    }

    #[test]
    fn what_cannot_be_lost_has_no_answer() {
        let points = loss_points(&Revaluation::of(&book_b()), &[1e9, 0.0, f64::NAN].map(Dollars), |_| true);
        assert!(points.iter().all(|p| p.down.is_none() && p.up.is_none()));
    }

    #[test]
    fn the_nearer_side_is_named() {
        let point = LossPoint { amount: Dollars(1.0), down: Some(-0.05), up: Some(0.03) };
        assert_eq!(point.nearest(), Some(0.03));
        assert_eq!(LossPoint { up: None, ..point }.nearest(), Some(-0.05));
    }
}
