//! The Cornish-Fisher expansion of a quantile in skew and kurtosis, with the test of where it is one.
//!
//! Never: gives a quantile outside its domain, except as the raw expansion by that name.

use super::normal;

/// The expansion must rise over this range of the standard normal.
const DOMAIN: f64 = 3.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    pub mean: f64,
    pub deviation: f64,
    pub skew: f64,
    pub excess_kurtosis: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("skew {skew:.2} and excess kurtosis {excess_kurtosis:.2} are outside Cornish-Fisher's domain")]
pub struct Refused {
    pub skew: f64,
    pub excess_kurtosis: f64,
}

/// The expansion of a profit's law; its tail figures count loss as positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CornishFisher(pub Moments);

impl CornishFisher {
    /// Inside its domain only (Maillard 2012): where it rises over three standard deviations to either side.
    pub fn of(moments: Moments) -> Result<Self, Refused> {
        let Moments { skew, excess_kurtosis, .. } = moments;
        let expansion = Self(moments);
        if expansion.rises() { Ok(expansion) } else { Err(Refused { skew, excess_kurtosis }) }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(skew: f64, excess_kurtosis: f64) -> Moments {
        Moments { mean: 1.0, deviation: 2.0, skew, excess_kurtosis }
    }

    #[test]
    fn without_skew_and_kurtosis_it_is_the_normal_quantile() {
        let expansion = CornishFisher::of(moments(0.0, 0.0)).expect("normal");
        assert!((expansion.var(0.95) - (2.0 * 1.644_853_626_951_472_7 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn the_test_of_the_domain_is_that_of_a_fine_grid() {
        for i in 0..60 {
            for j in 0..60 {
                let moments = moments(-3.0 + 0.1 * f64::from(i), -1.0 + 0.2 * f64::from(j));
                let raw = CornishFisher(moments);
                let at = |step: i32| raw.corrected(f64::from(step) * 0.01);
                let rises = (-300..300).all(|step| at(step + 1) > at(step));
                let accepted = CornishFisher::of(moments);
                // On the very edge of the domain the grid sees less than the slope.
                let edge = (-300..300).map(|step| at(step + 1) - at(step)).fold(f64::MAX, f64::min).abs();
                assert!(accepted.is_ok() == rises || edge < 1e-4, "{moments:?}");
            }
        }
    }

    #[test]
    fn beyond_the_greatest_skew_there_is_no_domain() {
        let greatest = 6.0 * (2f64.sqrt() - 1.0);
        for k in 0..400 {
            assert!(CornishFisher::of(moments(greatest + 0.01, 0.1 * f64::from(k))).is_err());
        }
    }

    #[test]
    fn the_shortfall_is_the_mean_of_the_quantiles_beyond() {
        let expansion = CornishFisher::of(moments(-0.7, 0.8)).expect("in the domain");
        let n = 20_000;
        let quantile = |i: i32| expansion.var(1.0 - 0.05 * (f64::from(i) + 0.5) / f64::from(n));
        let mean = (0..n).map(quantile).sum::<f64>() / f64::from(n);
        assert!((expansion.shortfall(0.95) / mean - 1.0).abs() < 1e-4);
    }
}
