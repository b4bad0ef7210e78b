//! The exact law of the second-order P&L under normal returns. In the eigenbasis it is a sum of independent
//! `b·z + ½λ·z²`, whose moment generating function is known; distribution, density and partial expectation
//! are contour integrals of it. The contour leaves the real axis left of the pole at zero and bends away,
//! so that the integrand falls off fast even where a chi-square-like law has a heavy characteristic function.
//!
//! Never: samples. The same exposures give the same digits.

use nalgebra::{Complex, DMatrix};

use super::delta_gamma::DeltaGamma;

/// Trapezoid step; with the singularities of the contour's strip the error is below 1e-12.
const STEP: f64 = 0.06;
const NODES: usize = 700;
/// How strongly the contour bends.
const BEND: f64 = 0.4;
/// Curvatures smaller than this, in standard deviations, are straight lines.
const FLAT: f64 = 1e-9;
/// An integrand that rises no further than this is resolved by the steps and loses no digits.
const HARMLESS_RISE: f64 = 10.0;
const ITERATIONS: usize = 80;
const WEIGHT_STEP: f64 = 1e-4;

#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// Dollars of one standard deviation; everything below is in these units.
    scale: f64,
    drift: f64,
    /// Slope and curvature of each independent factor.
    factors: Vec<(f64, f64)>,
    mean: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Values {
    /// P(P&L ≤ x).
    distribution: f64,
    density: f64,
    /// E[(x − P&L)⁺].
    shortage: f64,
}

impl Law {
    /// `None` where the exposures are not finite.
    pub fn of(form: &DeltaGamma) -> Option<Self> {
        let eigen = form.covariance.clone().symmetric_eigen();
        let roots = eigen.eigenvalues.map(|value| value.max(0.0).sqrt());
        let root = &eigen.eigenvectors * DMatrix::from_diagonal(&roots);
        let curved = root.transpose() * &form.gamma * &root;
        // Rounding must not make it asymmetric.
        let curved = 0.5 * (&curved + curved.transpose());
        let slopes = root.transpose() * &form.delta;
        if curved.iter().chain(slopes.iter()).any(|x| !x.is_finite()) {
            return None;
        }
        let own = curved.symmetric_eigen();
        let b = own.eigenvectors.transpose() * slopes;
        let pairs = || b.iter().copied().zip(own.eigenvalues.iter().copied());
        let scale = pairs().map(|(b, l)| b * b + 0.5 * l * l).sum::<f64>().sqrt();
        if scale <= 0.0 {
            return Some(Self { scale: 0.0, drift: form.drift, factors: Vec::new(), mean: 0.0 });
        }
        let factors: Vec<(f64, f64)> = pairs().map(|(b, l)| (b / scale, l / scale)).collect();
        let mean = factors.iter().map(|(_, l)| 0.5 * l).sum();
        Some(Self { scale, drift: form.drift, factors, mean })
    }

    /// Loss that is exceeded with probability `1 − confidence`; negative where even that outcome gains.
    pub fn var(&self, confidence: f64) -> Option<f64> {
        self.quantile(1.0 - confidence).map(|q| -(self.drift + self.scale * q))
    }

    /// Mean loss beyond the quantile.
    pub fn shortfall(&self, confidence: f64) -> Option<f64> {
        let tail = 1.0 - confidence;
        let q = self.quantile(tail)?;
        let beyond = if self.scale > 0.0 { self.at(q).shortage / tail } else { 0.0 };
        Some(-(self.drift + self.scale * (q - beyond)))
    }

    /// Probability of a P&L at or below `pnl` dollars.
    pub fn probability_below(&self, pnl: f64) -> f64 {
        if self.scale > 0.0 {
            self.at((pnl - self.drift) / self.scale).distribution
        } else {
            f64::from(u8::from(pnl >= self.drift))
        }
    }

    /// Newton's method held inside a shrinking bracket.
    fn quantile(&self, tail: f64) -> Option<f64> {
        if self.scale <= 0.0 {
            return Some(0.0);
        }
        // Cantelli's inequality bounds every quantile by the mean and the deviation, which is one here.
        let odds = ((1.0 - tail) / tail).sqrt();
        let (mut low, mut high) = (self.mean - odds, self.mean + 1.0 / odds);
        let mut x = 0.5 * (low + self.mean);
        for _ in 0..ITERATIONS {
            let here = self.at(x);
            let miss = here.distribution - tail;
            if !miss.is_finite() {
                return None;
            }
            if miss > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let step = x - miss / here.density;
            let next = if step > low && step < high { step } else { 0.5 * (low + high) };
            if (next - x).abs() < 1e-11 * (1.0 + x.abs()) {
                return Some(next);
            }
            x = next;
        }
        Some(x)
    }

    fn at(&self, x: f64) -> Values {
        let steepest = self.factors.iter().map(|f| -f.1).fold(0.0, f64::max);
        let start = -1.0 / (2.0 * steepest).max(1.0);
        // Far out the exponent is s·(edge − x), so the contour bends to where that falls. With very unequal
        // curvatures the integrand may first rise there, faster than the steps resolve: then the other side,
        // where it has died away long before it would rise.
        let edge: f64 =
            self.factors.iter().filter(|f| f.1.abs() > FLAT).map(|(b, l)| -b * b / (2.0 * l)).sum();
        let bend = if edge > x { -BEND } else { BEND };
        let (first, rise) = self.along(x, start, bend);
        if rise <= HARMLESS_RISE {
            return first;
        }
        let (second, other_rise) = self.along(x, start, -bend);
        if other_rise < rise { second } else { first }
    }

    /// The integrals along one contour, and how far the integrand rose above its start.
    fn along(&self, x: f64, start: f64, bend: f64) -> (Values, f64) {
        let mut sums = [0.0; 3];
        let mut first = 0.0;
        let mut largest = 0.0_f64;
        for node in 0..NODES {
            // Node numbers are small.
            let v = STEP * node as f64;
            let s = Complex::new(start + bend * (v.cosh() - 1.0), v.sinh());
            let direction = Complex::new(bend * v.sinh(), v.cosh());
            let term = (self.exponent(s) - s * x).exp() * direction;
            let weight = if node == 0 { 0.5 * STEP } else { STEP };
            sums[0] += weight * (term / s).im;
            sums[1] += weight * term.im;
            sums[2] += weight * (term / (s * s)).im;
            let size = term.norm();
            if node == 0 {
                first = size;
            }
            if size.is_nan() {
                return (
                    Values { distribution: f64::NAN, density: f64::NAN, shortage: f64::NAN },
                    f64::INFINITY,
                );
            }
            largest = largest.max(size);
            if v > 2.0 && size < 1e-15 * largest {
                break;
            }
        }
        let [distribution, density, shortage] = sums.map(|sum| sum / std::f64::consts::PI);
        (Values { distribution: -distribution, density, shortage }, largest / first)
    }

    /// Logarithm of the moment generating function. The contour never meets the cuts, which lie on the real
    /// axis beyond 1/λ, so the principal logarithm is the right one.
    fn exponent(&self, s: Complex<f64>) -> Complex<f64> {
        self.factors.iter().fold(Complex::new(0.0, 0.0), |sum, &(b, l)| {
            let curve = Complex::new(1.0, 0.0) - s * l;
            let straight = s * s * (0.5 * b * b) / curve;
            sum + straight - if l.abs() > FLAT { curve.ln() * 0.5 } else { Complex::new(0.0, 0.0) }
        })
    }
}

/// Euler shares of VaR by factor. At the quantile the distribution stays constant when an exposure grows,
/// so the derivative of VaR is that of the distribution over the density.
pub fn components(form: &DeltaGamma, confidence: f64) -> Option<Vec<f64>> {
    let law = Law::of(form)?;
    if law.scale <= 0.0 {
        return Some(vec![0.0; form.delta.len()]);
    }
    let quantile = law.quantile(1.0 - confidence)?;
    let pnl = law.drift + law.scale * quantile;
    let density = law.at(quantile).density / law.scale;
    let below = |place, weight| Some(Law::of(&form.weighted(place, weight))?.probability_below(pnl));
    (0..form.delta.len())
        .map(|i| {
            let change: f64 = below(i, 1.0 + WEIGHT_STEP)? - below(i, 1.0 - WEIGHT_STEP)?;
            Some(change / (2.0 * WEIGHT_STEP) / density)
        })
        .collect()
}
