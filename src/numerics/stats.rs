//! Sample statistics. Too few observations give `None`, never NaN.

/// Arithmetic mean.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    // A sample has far fewer than 2^52 values, so the count is exact.
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation with n − 1, demeaned.
pub fn sample_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    let sum: f64 = values.iter().map(|x| (x - centre).powi(2)).sum();
    Some((sum / (values.len() - 1) as f64).sqrt())
}

/// Exponentially weighted variance around zero: `v = λ·v + (1 − λ)·x²` from `seed` on.
pub fn ewma_variance(seed: f64, decay: f64, values: &[f64]) -> f64 {
    values.iter().fold(seed, |variance, x| decay * variance + (1.0 - decay) * x * x)
}

/// Exponentially weighted covariance around zero; the shorter of the two series sets the length.
pub fn ewma_covariance(seed: f64, decay: f64, a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(seed, |c, (x, y)| decay * c + (1.0 - decay) * x * y)
}

/// Slope of the least-squares line of `y` on `x` with an intercept.
pub fn slope(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let (mx, my) = (mean(x)?, mean(y)?);
    let sxx: f64 = x.iter().map(|a| (a - mx).powi(2)).sum();
    let sxy: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    (sxx > 0.0).then(|| sxy / sxx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ewma_of_the_worked_example() {
        let r = [0.004, -0.012, 0.007, 0.001, -0.021, 0.013, 0.002, -0.006, 0.009, -0.015];
        let sigma = ewma_variance(r[0] * r[0], 0.94, &r).sqrt();
        assert!((sigma - 0.007_993_417_28).abs() < 1e-11, "{sigma}");
        assert!((sigma * 252f64.sqrt() - 0.126_891_566).abs() < 1e-9);
        assert!((ewma_covariance(r[0] * r[0], 0.94, &r, &r).sqrt() - sigma).abs() < 1e-15);
    }

    #[test]
    fn slope_and_deviation_of_small_samples() {
        assert_eq!(slope(&[1.0, 2.0, 3.0], &[3.0, 5.0, 7.0]), Some(2.0));
        assert_eq!(slope(&[1.0, 1.0], &[3.0, 5.0]), None);
        assert_eq!(sample_deviation(&[1.0]), None);
        assert_eq!(sample_deviation(&[1.0, 3.0]), Some(2f64.sqrt()));
        assert_eq!(mean(&[]), None);
    }
}
