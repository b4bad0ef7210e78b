//! What is the same for every window before a gap: nodes, columns and points as shares of its length, and the
//! matrices that carry the boundary from the ones to the others.
//!
//! Towards the gap the boundary falls to zero steeply: with `δ` left before it, early exercise at the boundary
//! gains interest in proportion to `δ` on waiting, and loses the chance of a rise beyond the later boundary, a
//! normal tail in `ln B`. So `ln B` is nearly linear in `z` with `δ = length·N(z)/N(HIGHEST)`, and far from the
//! gap as smooth in `z` as in time. A polynomial in `z` through Chebyshev nodes is what is solved for.
//!
//! Never: depends on a market datum.

use super::super::tables::{Nodes, gauss_legendre};
use crate::numerics::normal;

/// `z` where a window begins.
const HIGHEST: f64 = 0.5;
/// How far beyond the last node the integrals go on, with `ln B` linear in `z` there.
const BEYOND: f64 = 1.5;

/// `N` nodes, the last at the beginning of the window; `M` columns of each node's integral, `P` points of the
/// price's. In all of them `z` runs from the node's as a square, which takes the root out of short lags.
pub(super) struct Tables<const N: usize, const M: usize, const P: usize> {
    /// What is left before the gap at the nodes, ascending to 1.
    pub left: [f64; N],
    /// Where the nodes are, in `z`.
    pub at: [f64; N],
    /// By node and column: from the node to the column.
    pub lag: [[f64; M]; N],
    pub weight: [[f64; M]; N],
    /// By node, then by node again: its share in `ln B` of every column.
    pub share: [[[f64; M]; N]; N],
    /// From the beginning of the window to the points.
    pub point_lag: [f64; P],
    pub point_weight: [f64; P],
    /// By node: its share in `ln B` of every point.
    pub point_share: [[f64; P]; N],
}

impl<const N: usize, const M: usize, const P: usize> Tables<N, M, P> {
    /// `lowest`: `z` of the node next to the gap.
    pub fn new(lowest: f64) -> Self {
        let width = HIGHEST - lowest;
        let whole = normal::cdf(HIGHEST);
        let nodes = Nodes::new(N - 1);
        let mut tables = Self {
            left: [0.0; N],
            at: [0.0; N],
            lag: [[0.0; M]; N],
            weight: [[0.0; M]; N],
            share: [[[0.0; M]; N]; N],
            point_lag: [0.0; P],
            point_weight: [0.0; P],
            point_share: [[0.0; P]; N],
        };
        // From `z` on towards the gap: lag, weight, and the shares of the nodes.
        let column = |z: f64, x: f64, weight: f64| {
            let reach = z - (lowest - BEYOND);
            let there = z - reach * x * x;
            let lag = (normal::cdf(z) - normal::cdf(there)) / whole;
            let weight = weight * 2.0 * x * reach * normal::pdf(there) / whole;
            (lag, weight, nodes.shares_or_beyond((there - lowest) / width))
        };
        for i in 0..N {
            let z = lowest + width * nodes.at[i];
            tables.at[i] = z;
            tables.left[i] = normal::cdf(z) / whole;
            for (k, (x, weight)) in gauss_legendre(M).into_iter().enumerate() {
                let (lag, weight, shares) = column(z, x, weight);
                (tables.lag[i][k], tables.weight[i][k]) = (lag, weight);
                for (c, share) in shares.into_iter().enumerate() {
                    tables.share[i][c][k] = share;
                }
            }
        }
        for (k, (x, weight)) in gauss_legendre(P).into_iter().enumerate() {
            let (lag, weight, shares) = column(HIGHEST, x, weight);
            (tables.point_lag[k], tables.point_weight[k]) = (lag, weight);
            for (c, share) in shares.into_iter().enumerate() {
                tables.point_share[c][k] = share;
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_cover_the_window() {
        let tables = Tables::<10, 24, 32>::new(-4.0);
        for (left, weight) in tables.left.iter().zip(&tables.weight) {
            let sum: f64 = weight.iter().sum();
            assert!((sum - left).abs() < 1e-7, "{sum} {left}");
        }
        let sum: f64 = tables.point_weight.iter().sum();
        assert!((sum - 1.0).abs() < 1e-7, "{sum}");
    }

    #[test]
    fn the_boundary_goes_on_in_a_line() {
        let tables = Tables::<10, 24, 32>::new(-4.0);
        for shares in &tables.share {
            for k in 0..24 {
                let sum: f64 = shares.iter().map(|share| share[k]).sum();
                let place: f64 = shares.iter().zip(&tables.at).map(|(share, z)| share[k] * z).sum();
                assert!((sum - 1.0).abs() < 1e-11 && (-5.6..=0.5).contains(&place), "{sum} {place}");
            }
        }
    }
}
