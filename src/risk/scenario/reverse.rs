//! The reverse question: how far must the benchmark move for the book to lose a given amount?
//!
//! Never: extrapolates. A loss that no move within the range brings has no answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::revalue::{Shocked, total, values_now};
use super::shocks::{Roll, Shock, SpotShock, VolShock};
use crate::risk::book::RiskBook;

/// How far out is looked, in steps of `STEP`; a loss that comes and goes within one step is not found.
const RANGE: f64 = 0.60;
const STEP: f64 = 0.01;
const HALVINGS: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossPoint {
    /// Dollars lost, positive.
    pub amount: f64,
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
pub fn loss_points(book: &RiskBook, amounts: &[f64], counts: impl Fn(usize) -> bool) -> Vec<LossPoint> {
    let base = values_now(book);
    let still = VolShock::Points(0.0);
    let shocked = Shocked::new(book, still, Roll::default());
    let pnl = |by: f64| {
        let spots = Shock::now(SpotShock::Benchmark(by), still).spots(book);
        total(&shocked.changes(&base, &spots), &counts)
    };
    // RANGE / STEP is a small whole number.
    let steps = (RANGE / STEP).round() as usize;
    let walk = |sign: f64| -> Vec<(f64, f64)> {
        (0..=steps).map(|i| sign * STEP * i as f64).map(|by| (by, pnl(by))).collect()
    };
    let (down, up) = (walk(-1.0), walk(1.0));
    amounts
        .iter()
        .map(|&amount| LossPoint {
            amount,
            down: crossing(&down, amount, &pnl),
            up: crossing(&up, amount, &pnl),
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
    use crate::risk::scenario::revalue::changes;

    #[test]
    fn the_found_move_loses_the_amount() {
        let book = book_b();
        let base = values_now(&book);
        for point in loss_points(&book, &[1_000.0, 5_000.0], |_| true) {
            let down = point.down.expect("a long delta book loses on the way down");
            let shock = Shock::now(SpotShock::Benchmark(down), VolShock::Points(0.0));
            close(total(&changes(&book, &base, &shock), &|_| true), -point.amount, 0.01);
            assert!(down < 0.0);
        }
        let five = loss_points(&book, &[3329.1346], |_| true)[0];
        close(five.down.expect("found"), -0.05, 1e-6);
    }

    #[test]
    fn what_cannot_be_lost_has_no_answer() {
        let points = loss_points(&book_b(), &[1e9, 0.0, f64::NAN], |_| true);
        assert!(points.iter().all(|p| p.down.is_none() && p.up.is_none()));
    }

    #[test]
    fn the_nearer_side_is_named() {
        let point = LossPoint { amount: 1.0, down: Some(-0.05), up: Some(0.03) };
        assert_eq!(point.nearest(), Some(0.03));
        assert_eq!(LossPoint { up: None, ..point }.nearest(), Some(-0.05));
    }
}
