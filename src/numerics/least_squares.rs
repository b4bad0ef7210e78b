//! Nonlinear least squares with few parameters: Levenberg and Marquardt's method with differences for
//! derivatives.

use nalgebra::{DMatrix, DVector};

const MOST_STEPS: usize = 120;
const MOST_DAMPINGS: usize = 12;
const DIFFERENCE: f64 = 1e-6;
/// A step that lowers the cost by a smaller share is the last one.
const ENOUGH: f64 = 1e-7;

#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    pub parameters: Vec<f64>,
    /// Sum of squared residuals.
    pub cost: f64,
}

/// Improves `start` until a step no longer helps. `residuals` fills a slice of `count` numbers; parameters stay
/// inside `bounds`. `None` where the residuals at the start are not finite.
pub fn minimise(
    start: &[f64],
    bounds: &[(f64, f64)],
    count: usize,
    residuals: impl Fn(&[f64], &mut [f64]),
) -> Option<Minimum> {
    let inside = |values: &mut [f64]| {
        for (value, (low, high)) in values.iter_mut().zip(bounds) {
            *value = value.clamp(*low, *high);
        }
    };
    let cost_at = |parameters: &[f64], out: &mut [f64]| {
        residuals(parameters, out);
        out.iter().map(|r| r * r).sum::<f64>()
    };
    let mut best = start.to_vec();
    inside(&mut best);
    let mut here = vec![0.0; count];
    let mut there = vec![0.0; count];
    let mut cost = cost_at(&best, &mut here);
    if !cost.is_finite() {
        return None;
    }
    let size = best.len();
    let mut damping = 1e-3;
    for _ in 0..MOST_STEPS {
        let mut jacobian = DMatrix::zeros(count, size);
        for column in 0..size {
            let mut moved = best.clone();
            let (low, high) = bounds.get(column).copied().unwrap_or((f64::MIN, f64::MAX));
            let step = DIFFERENCE * (1.0 + moved[column].abs());
            moved[column] += if moved[column] + step <= high { step } else { -step };
            moved[column] = moved[column].max(low);
            let width = moved[column] - best[column];
            residuals(&moved, &mut there);
            for (row, (new, old)) in there.iter().zip(&here).enumerate() {
                let slope = (new - old) / width;
                jacobian[(row, column)] = if slope.is_finite() { slope } else { 0.0 };
            }
        }
        let normal = jacobian.tr_mul(&jacobian);
        let gradient = jacobian.tr_mul(&DVector::from_column_slice(&here));
        let mut improved = false;
        for _ in 0..MOST_DAMPINGS {
            let mut damped = normal.clone();
            for i in 0..size {
                damped[(i, i)] += damping * normal[(i, i)].max(1e-12);
            }
            let Some(step) = damped.cholesky().map(|root| root.solve(&gradient)) else {
                damping *= 10.0;
                continue;
            };
            let mut trial: Vec<f64> = best.iter().zip(step.iter()).map(|(x, dx)| x - dx).collect();
            inside(&mut trial);
            let trial_cost = cost_at(&trial, &mut there);
            if trial_cost < cost {
                let gain = (cost - trial_cost) / cost;
                (best, cost) = (trial, trial_cost);
                here.copy_from_slice(&there);
                damping = (damping * 0.2).max(1e-12);
                improved = gain > ENOUGH;
                break;
            }
            damping *= 5.0;
        }
        if !improved {
            break;
        }
    }
    Some(Minimum { parameters: best, cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: (f64, f64) = (-100.0, 100.0);

    #[test]
    fn the_bottom_of_a_curved_valley() {
        let valley = |p: &[f64], out: &mut [f64]| {
            out[0] = 10.0 * (p[1] - p[0] * p[0]);
            out[1] = 1.0 - p[0];
        };
        let got = minimise(&[-1.2, 1.0], &[WIDE; 2], 2, valley).expect("finite");
        assert!(got.parameters.iter().all(|p| (p - 1.0).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn bounds_hold_and_nothing_finite_is_needed_elsewhere() {
        let line = |p: &[f64], out: &mut [f64]| out[0] = (p[0] - 3.0).sqrt() + 1.0;
        let got = minimise(&[10.0], &[(4.0, 20.0)], 1, line).expect("finite");
        assert!((got.parameters[0] - 4.0).abs() < 1e-6, "{got:?}");
        assert_eq!(minimise(&[1.0], &[WIDE], 1, line), None);
    }

    #[test]
    fn the_decay_of_an_exponential() {
        let decay = |p: &[f64], out: &mut [f64]| {
            for (i, r) in out.iter_mut().enumerate() {
                let t = i as f64 * 0.1;
                *r = p[0] * (-p[1] * t).exp() - 2.0 * (-1.3 * t).exp();
            }
        };
        let got = minimise(&[1.0, 0.1], &[WIDE; 2], 20, decay).expect("finite");
        assert!((got.parameters[0] - 2.0).abs() < 1e-7 && (got.parameters[1] - 1.3).abs() < 1e-7);
    }
}
