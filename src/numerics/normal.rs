//! The standard normal distribution, accurate in the far tails: the distribution function keeps its
//! relative accuracy (about 1e-15) down to the smallest doubles.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use implied_vol::{DefaultSpecialFn, SpecialFn};

/// Density.
pub fn pdf(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Distribution function.
pub fn cdf(x: f64) -> f64 {
    0.5 * DefaultSpecialFn::erfc(-x * FRAC_1_SQRT_2)
}

/// `cdf(x) / pdf(x)`. Smooth where both vanish; grows like the inverse density to the right, so callers
/// keep `x` below about 37.
pub fn cdf_over_pdf(x: f64) -> f64 {
    (0.5 * PI).sqrt() * DefaultSpecialFn::erfcx(-x * FRAC_1_SQRT_2)
}

/// The `p`-quantile; infinite at 0 and 1, NaN outside.
pub fn quantile(p: f64) -> f64 {
    super::normals::quantile(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tails_keep_their_digits() {
        // Φ(−10) and Φ(−37), to sixteen digits.
        assert!((cdf(-10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-14);
        assert!((cdf(-37.0) / 5.725_571_222_524_576e-300 - 1.0).abs() < 1e-13);
        assert!((cdf(1.0) - 0.841_344_746_068_543).abs() < 1e-15);
    }

    #[test]
    fn the_quantile_undoes_the_distribution_function() {
        for p in [1e-6, 0.01, 0.05, 0.5, 0.95, 0.999] {
            assert!((cdf(quantile(p)) - p).abs() < 1e-12, "{p}");
        }
        assert!(quantile(-0.1).is_nan());
    }

    #[test]
    fn the_ratio_is_what_its_name_says() {
        for x in [-30.0, -5.0, 0.0, 3.0] {
            assert!((cdf_over_pdf(x) * pdf(x) / cdf(x) - 1.0).abs() < 1e-13, "{x}");
        }
    }
}
