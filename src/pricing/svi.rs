//! Raw SVI (Gatheral): the total implied variance of one expiry as a hyperbola over log-moneyness, with the
//! tests for static arbitrage (Gatheral and Jacquier 2014).
//!
//! Never: knows a quote's age or a strike's liquidity; what comes in is taken as usable.

pub mod fit;

pub use fit::{Fitted, SmileQuote, SviError, fit};

/// `w(k) = a + b·(ρ·(k − m) + √((k − m)² + s²))`, with `k = ln(strike/forward)` and `w = vol²·years`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawSvi {
    pub a: f64,
    pub b: f64,
    pub rho: f64,
    pub m: f64,
    pub s: f64,
}

/// The arbitrage tests look at these log-moneynesses: ±1.5 in steps of 0.005.
pub fn test_grid() -> impl Iterator<Item = f64> {
    (-300..=300).map(|i| f64::from(i) * 0.005)
}

impl RawSvi {
    /// √(x² + s²); both are of ordinary size.
    fn root(&self, x: f64) -> f64 {
        (x * x + self.s * self.s).sqrt()
    }

    pub fn total_variance(&self, k: f64) -> f64 {
        let x = k - self.m;
        self.a + self.b * (self.rho * x + self.root(x))
    }

    /// First derivative in `k`.
    pub fn slope(&self, k: f64) -> f64 {
        let x = k - self.m;
        self.b * (self.rho + x / self.root(x))
    }

    /// Second derivative in `k`.
    pub fn curvature(&self, k: f64) -> f64 {
        let root = self.root(k - self.m);
        self.b * self.s * self.s / (root * root * root)
    }

    /// Positive variance everywhere and wings no steeper than any model allows (Lee).
    pub fn is_admissible(&self) -> bool {
        let all = [self.a, self.b, self.rho, self.m, self.s];
        all.iter().all(|x| x.is_finite())
            && self.b >= 0.0
            && self.rho.abs() < 1.0
            && self.s > 0.0
            && self.a + self.b * self.s * (1.0 - self.rho * self.rho).sqrt() >= 0.0
            && self.b * (1.0 + self.rho.abs()) < 2.0
    }

    /// Up to a positive factor the probability density of the underlying at expiry.
    pub fn density_factor(&self, k: f64) -> f64 {
        // The three derivatives with one root.
        let x = k - self.m;
        let root = self.root(x);
        let ratio = x / root;
        let w = self.a + self.b * (self.rho * x + root);
        let slope = self.b * (self.rho + ratio);
        let curvature = self.b * (1.0 - ratio * ratio) / root;
        let linear = 1.0 - 0.5 * k * slope / w;
        linear * linear - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * curvature
    }

    /// The grid, and places around the vertex: short expiries bend within one step of the grid.
    pub fn density_grid(&self) -> impl Iterator<Item = f64> + use<> {
        let Self { m, s, .. } = *self;
        test_grid().chain((-20..=20).map(move |i| (m + s * 0.25 * f64::from(i)).clamp(-1.5, 1.5)))
    }

    /// Where on that grid the density is least, and its factor there.
    pub fn least_density(&self) -> (f64, f64) {
        self.density_grid().map(|k| (k, self.density_factor(k))).fold((0.0, f64::INFINITY), |least, here| {
            // A density that is no number is no density.
            if here.1 >= least.1 { least } else { here }
        })
    }

    /// No butterfly of this expiry costs less than nothing.
    pub fn is_free_of_butterflies(&self) -> bool {
        self.is_admissible() && self.least_density().1 >= 0.0
    }
}

#[cfg(test)]
mod tests;
