//! The second-order P&L `drift + d'x + ½x'Gx` with normal `x`: its moments, delta-normal figures and the
//! Cornish-Fisher expansion of its quantiles.

use nalgebra::{DMatrix, DVector};

use crate::numerics::cornish_fisher::{CornishFisher, Moments, Refused};
use crate::numerics::normal;

#[derive(Debug, Clone, PartialEq)]
pub struct DeltaGamma {
    /// Dollars per unit of each factor.
    pub delta: DVector<f64>,
    /// Symmetric; dollars per unit squared.
    pub gamma: DMatrix<f64>,
    pub covariance: DMatrix<f64>,
    pub drift: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalTail {
    pub var: f64,
    pub shortfall: f64,
}

impl DeltaGamma {
    /// One factor's whole exposure scaled: its delta and its row and column of gamma.
    pub fn weighted(&self, place: usize, weight: f64) -> Self {
        let mut scaled = self.clone();
        scaled.delta[place] *= weight;
        let others = (0..self.delta.len()).filter(|j| *j != place);
        for j in others {
            // A cross gamma belongs to both factors in equal parts; scaling one scales half of it.
            let half = 0.5 * (1.0 + weight);
            scaled.gamma[(place, j)] *= half;
            scaled.gamma[(j, place)] *= half;
        }
        scaled.gamma[(place, place)] *= weight;
        scaled
    }

    pub fn moments(&self) -> Moments {
        let sd = &self.covariance * &self.delta;
        let gs = &self.gamma * &self.covariance;
        let gs2 = &gs * &gs;
        let linear = self.delta.dot(&sd);
        // d'ΣGΣd and d'ΣGΣGΣd.
        let g_sd = &self.gamma * &sd;
        let once = sd.dot(&g_sd);
        let twice = g_sd.dot(&(&self.covariance * &g_sd));
        let trace3 = (&gs2 * &gs).trace();
        let trace4 = (&gs2 * &gs2).trace();
        let variance = linear + 0.5 * gs2.trace();
        let deviation = variance.max(0.0).sqrt();
        let ratio = |x: f64, power: i32| if deviation > 0.0 { x / deviation.powi(power) } else { 0.0 };
        Moments {
            mean: self.drift + 0.5 * gs.trace(),
            deviation,
            skew: ratio(3.0 * once + trace3, 3),
            excess_kurtosis: ratio(12.0 * twice + 3.0 * trace4, 4),
        }
    }

    pub fn delta_normal(&self, confidence: f64) -> NormalTail {
        let sd = self.delta.dot(&(&self.covariance * &self.delta)).max(0.0).sqrt();
        let z = normal::quantile(confidence);
        NormalTail { var: z * sd, shortfall: sd * normal::pdf(z) / (1.0 - confidence) }
    }

    /// Each factor's share of the delta-normal VaR; they sum to it.
    pub fn delta_normal_components(&self, confidence: f64) -> Vec<f64> {
        let sd = &self.covariance * &self.delta;
        let total = self.delta.dot(&sd).max(0.0).sqrt();
        let z = normal::quantile(confidence);
        let part = |(d, s): (&f64, &f64)| if total > 0.0 { z * d * s / total } else { 0.0 };
        self.delta.iter().zip(sd.iter()).map(part).collect()
    }

    /// The expansion without the test of its domain.
    pub fn expansion(&self) -> CornishFisher {
        CornishFisher(self.moments())
    }

    pub fn cornish_fisher(&self) -> Result<CornishFisher, Refused> {
        CornishFisher::of(self.moments())
    }
}
