//! The second-order P&L `drift + d'x + ½x'Gx` with normal `x`: its moments, delta-normal figures and the
//! Cornish-Fisher expansion with the test of where it is valid.
//!
//! Never: gives a Cornish-Fisher quantile outside its domain, except as the raw expansion by that name.

use nalgebra::{DMatrix, DVector};

use crate::numerics::normal;

/// The expansion must rise over this range of the standard normal.
const DOMAIN: f64 = 3.0;

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
pub struct Moments {
    pub mean: f64,
    pub deviation: f64,
    pub skew: f64,
    pub excess_kurtosis: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalTail {
    pub var: f64,
    pub shortfall: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("skew {skew:.2} and excess kurtosis {excess_kurtosis:.2} are outside Cornish-Fisher's domain")]
pub struct Refused {
    pub skew: f64,
    pub excess_kurtosis: f64,
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
        let expansion = self.expansion();
        let Moments { skew, excess_kurtosis, .. } = expansion.0;
        if expansion.rises() { Ok(expansion) } else { Err(Refused { skew, excess_kurtosis }) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CornishFisher(pub Moments);

impl CornishFisher {
    /// The corrected normal quantile.
    pub fn corrected(&self, z: f64) -> f64 {
        let Moments { skew: s, excess_kurtosis: k, .. } = self.0;
        z + (z * z - 1.0) * s / 6.0 + (z.powi(3) - 3.0 * z) * k / 24.0
            - (2.0 * z.powi(3) - 5.0 * z) * s * s / 36.0
    }

    pub fn var(&self, confidence: f64) -> f64 {
        let z = normal::quantile(1.0 - confidence);
        -(self.0.mean + self.0.deviation * self.corrected(z))
    }

    /// Mean loss beyond the quantile: the integral of the expansion over the tail, in closed form.
    pub fn shortfall(&self, confidence: f64) -> f64 {
        let Moments { mean, deviation, skew: s, excess_kurtosis: k } = self.0;
        let tail = 1.0 - confidence;
        let z = normal::quantile(tail);
        let factor = 1.0 + z * s / 6.0 + (z * z - 1.0) * k / 24.0 - (2.0 * z * z - 1.0) * s * s / 36.0;
        -(mean - deviation * normal::pdf(z) / tail * factor)
    }

    /// The slope of the correction is a parabola in z: it is positive on the domain when it is positive at
    /// both ends and at its vertex, if that lies between.
    fn rises(&self) -> bool {
        let Moments { skew: s, excess_kurtosis: k, .. } = self.0;
        let (a, b, c) = (k / 8.0 - s * s / 6.0, s / 3.0, 1.0 - k / 8.0 + 5.0 * s * s / 36.0);
        let slope = |z: f64| (a * z + b) * z + c;
        let vertex = -b / (2.0 * a);
        let inside = vertex.abs() < DOMAIN;
        slope(-DOMAIN) > 0.0 && slope(DOMAIN) > 0.0 && (!inside || slope(vertex) > 0.0)
    }
}
