//! What is the same for every option: nodes in the square root of time, quadrature points and weights,
//! and the matrices that carry a boundary from the ones to the others.
//!
//! Never: depends on a market datum.

use std::f64::consts::{FRAC_PI_2, PI};

/// `N` nodes of the boundary beside expiry, `M` columns of every integral equation, `P` points of the
/// price integral, all in units of the option's time to expiry.
///
/// An integral over the time to expiry `u` from 0 to `t` is taken in the angle `a`, `u = t·sin²a`: `√u` and
/// `√(t − u)` become `√t·sin a` and `√t·cos a`, and neither end is singular any more.
pub(super) struct Tables<const N: usize, const M: usize, const P: usize> {
    /// Square roots of the nodes' times to expiry, ascending to 1.
    pub root: [f64; N],
    /// By node and column: `√(t − u)`; the last column is expiry itself, `u = 0`.
    pub root_lag: [[f64; M]; N],
    /// By node and column: weight of the point; 0 in the last column, which is no part of the integral.
    pub weight: [[f64; M]; N],
    /// By node, then by node again: the share of that node's `H` in `H(u)` of every column.
    pub share: [[[f64; M]; N]; N],
    pub price_root_lag: [f64; P],
    pub price_weight: [f64; P],
    /// By node: the share of its `H` in `H(u)` of every point.
    pub price_share: [[f64; P]; N],
}

impl<const N: usize, const M: usize, const P: usize> Tables<N, M, P> {
    pub fn new() -> Self {
        let nodes = Nodes::new(N);
        let mut tables = Self {
            root: [0.0; N],
            root_lag: [[0.0; M]; N],
            weight: [[0.0; M]; N],
            share: [[[0.0; M]; N]; N],
            price_root_lag: [0.0; P],
            price_weight: [0.0; P],
            price_share: [[0.0; P]; N],
        };
        let columns = angles(M - 1);
        for i in 0..N {
            let root = nodes.at[i + 1];
            tables.root[i] = root;
            tables.root_lag[i][M - 1] = root;
            for (k, column) in columns.iter().enumerate() {
                tables.root_lag[i][k] = root * column.cos;
                tables.weight[i][k] = root * root * column.weight;
                let shares = nodes.shares(root * column.sin);
                for c in 0..N {
                    tables.share[i][c][k] = shares[c + 1];
                }
            }
        }
        for (k, point) in angles(P).iter().enumerate() {
            tables.price_root_lag[k] = point.cos;
            tables.price_weight[k] = point.weight;
            let shares = nodes.shares(point.sin);
            for c in 0..N {
                tables.price_share[c][k] = shares[c + 1];
            }
        }
        tables
    }
}

/// Chebyshev points of the second kind on [0, 1], expiry first.
pub(super) struct Nodes {
    pub at: Vec<f64>,
    barycentric: Vec<f64>,
}

impl Nodes {
    pub fn new(n: usize) -> Self {
        let at = (0..=n).map(|i| 0.5 * (1.0 - (PI * i as f64 / n as f64).cos())).collect();
        let weight = |i: usize| {
            let size = if i == 0 || i == n { 0.5 } else { 1.0 };
            if i.is_multiple_of(2) { size } else { -size }
        };
        Self { at, barycentric: (0..=n).map(weight).collect() }
    }

    /// How much the value at each node counts in the interpolated value at `x`.
    pub fn shares(&self, x: f64) -> Vec<f64> {
        if let Some(hit) = self.at.iter().position(|at| (x - at).abs() < 1e-15) {
            return (0..self.at.len()).map(|i| if i == hit { 1.0 } else { 0.0 }).collect();
        }
        let parts: Vec<f64> = self.at.iter().zip(&self.barycentric).map(|(at, b)| b / (x - at)).collect();
        let whole: f64 = parts.iter().sum();
        parts.iter().map(|part| part / whole).collect()
    }

    /// The same, and below 0 along the tangent at 0.
    pub fn shares_or_beyond(&self, x: f64) -> Vec<f64> {
        let mut shares = self.shares(x.max(0.0));
        let beyond = x.min(0.0);
        for (place, at) in self.at.iter().enumerate().skip(1) {
            let slope = beyond * self.barycentric[place] / (self.barycentric[0] * (self.at[0] - at));
            shares[place] += slope;
            shares[0] -= slope;
        }
        shares
    }
}

struct Angle {
    sin: f64,
    cos: f64,
    /// Of `∫ f(u) du` over [0, 1].
    weight: f64,
}

fn angles(n: usize) -> Vec<Angle> {
    gauss_legendre(n)
        .into_iter()
        .map(|(x, w)| {
            let (sin, cos) = (FRAC_PI_2 * x).sin_cos();
            Angle { sin, cos, weight: w * FRAC_PI_2 * 2.0 * sin * cos }
        })
        .collect()
}

/// Points and weights on [0, 1], ascending.
pub(super) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let order = n as f64;
    (0..n)
        .rev()
        .map(|i| {
            let mut z = (PI * (i as f64 + 0.75) / (order + 0.5)).cos();
            let mut slope = 1.0;
            // Newton from the asymptotic root doubles the digits each time.
            for _ in 0..8 {
                let (mut before, mut value) = (1.0, z);
                for k in 2..=n {
                    let k = k as f64;
                    (before, value) = (value, ((2.0 * k - 1.0) * z * value - (k - 1.0) * before) / k);
                }
                slope = order * (z * value - before) / (z * z - 1.0);
                z -= value / slope;
            }
            (0.5 * (1.0 + z), 1.0 / ((1.0 - z * z) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadrature_is_exact_for_polynomials() {
        for n in [3, 7, 24, 64] {
            for power in [0, 1, 2 * n as i32 - 1] {
                let sum: f64 = gauss_legendre(n).iter().map(|(x, w)| w * x.powi(power)).sum();
                assert!((sum * f64::from(power + 1) - 1.0).abs() < 1e-13, "{n} {power}");
            }
        }
    }

    #[test]
    fn shares_reproduce_polynomials() {
        let nodes = Nodes::new(6);
        for x in [0.0, 0.123, 0.5, 0.97, 1.0] {
            let got: f64 = nodes.shares(x).iter().zip(&nodes.at).map(|(s, at)| s * at.powi(6)).sum();
            assert!((got - x.powi(6)).abs() < 1e-14, "{x}");
        }
    }
}
