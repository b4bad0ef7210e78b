//! The triangular root of a covariance matrix, and correlated variates by it.

use nalgebra::DMatrix;

use super::vector::{Kernel, dispatch};

/// A pivot smaller than this share of its variance is rounding: the variate is a combination of earlier ones.
const ROUNDING: f64 = 1e-12;

#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    size: usize,
    /// Row by row, `i + 1` entries in row `i`.
    lower: Vec<f64>,
    /// The matrix had negative eigenvalues: the nearest consistent correlations took their place.
    pub repaired: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    #[error("a covariance matrix is square; this one has {rows} rows and {columns} columns")]
    NotSquare { rows: usize, columns: usize },
    #[error("entry {row},{column} of the covariance matrix is not a finite number")]
    NotFinite { row: usize, column: usize },
    #[error("variance {place} is negative")]
    NegativeVariance { place: usize },
}

impl Root {
    /// Only the lower triangle is read. A matrix without full rank is good: what depends on others gets no
    /// noise of its own.
    pub fn of(covariance: &DMatrix<f64>) -> Result<Self, RootError> {
        let (rows, columns) = covariance.shape();
        if rows != columns {
            return Err(RootError::NotSquare { rows, columns });
        }
        for row in 0..rows {
            if let Some(column) = (0..=row).find(|&column| !covariance[(row, column)].is_finite()) {
                return Err(RootError::NotFinite { row, column });
            }
            if covariance[(row, row)] < 0.0 {
                return Err(RootError::NegativeVariance { place: row });
            }
        }
        if let Some(lower) = factor(rows, |i, j| covariance[(i, j)]) {
            return Ok(Self { size: rows, lower, repaired: false });
        }
        let deviation: Vec<f64> = (0..rows).map(|i| covariance[(i, i)].sqrt()).collect();
        let mut correlation = DMatrix::from_fn(rows, rows, |i, j| {
            let product = deviation[i] * deviation[j];
            let rho = if product > 0.0 { covariance[(i.max(j), i.min(j))] / product } else { 0.0 };
            if i == j { 1.0 } else { rho.clamp(-1.0, 1.0) }
        });
        super::covariance::repair_correlation(&mut correlation);
        let entry = |i: usize, j: usize| correlation[(i, j)] * deviation[i] * deviation[j];
        let lower = factor_lifted(rows, entry);
        Ok(Self { size: rows, lower, repaired: true })
    }

    /// Standard deviation of one variate.
    pub fn deviation(&self, place: usize) -> f64 {
        let first = place * (place + 1) / 2;
        let row = self.lower.get(first..=first + place).unwrap_or(&[]);
        row.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    pub fn size(&self) -> usize {
        self.size
    }

    fn row(&self, i: usize) -> &[f64] {
        let start = i * (i + 1) / 2;
        &self.lower[start..=start + i]
    }

    /// Correlated variates of a block of paths. Factor after factor, each with one number per path: factor
    /// `i` of path `p` stands at `i·paths + p`.
    ///
    /// # Panics
    /// When a slice does not hold `size · paths` numbers.
    pub fn correlate(&self, independent: &[f64], paths: usize, out: &mut [f64]) {
        assert_eq!(independent.len(), self.size * paths, "independent variates of all factors");
        assert_eq!(out.len(), self.size * paths, "room for all factors");
        if paths == 0 {
            return;
        }
        dispatch(Correlate { root: self, independent, paths, out });
    }

    /// The matrix of which this is the root.
    pub fn covariance(&self) -> DMatrix<f64> {
        DMatrix::from_fn(self.size, self.size, |i, j| {
            self.row(i).iter().zip(self.row(j)).map(|(a, b)| a * b).sum()
        })
    }
}

struct Correlate<'a> {
    root: &'a Root,
    independent: &'a [f64],
    paths: usize,
    out: &'a mut [f64],
}

impl Kernel for Correlate<'_> {
    type Output = ();

    /// Nothing fused: the same bits on every processor.
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (i, target) in self.out.chunks_exact_mut(self.paths).enumerate() {
            target.fill(0.0);
            for (weight, source) in self.root.row(i).iter().zip(self.independent.chunks_exact(self.paths)) {
                for (t, z) in target.iter_mut().zip(source) {
                    *t += weight * z;
                }
            }
        }
    }
}

/// `None` where the matrix has a negative eigenvalue beyond rounding.
fn factor(size: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Vec<f64>> {
    decompose(size, entry, false)
}

/// Of a matrix that is positive semi-definite but for rounding.
fn factor_lifted(size: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    decompose(size, entry, true).expect("a lifted factorisation never stops")
}

fn decompose(size: usize, entry: impl Fn(usize, usize) -> f64, lifted: bool) -> Option<Vec<f64>> {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    let mut lower = vec![0.0; size * (size + 1) / 2];
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[at(i, k)] * lower[at(j, k)]).sum();
            let rest = entry(i, j) - sum;
            let rounding = ROUNDING * entry(i, i).max(f64::MIN_POSITIVE);
            if i == j {
                if rest < -rounding && !lifted {
                    return None;
                }
                lower[at(i, i)] = if rest > rounding { rest.sqrt() } else { 0.0 };
            } else if lower[at(j, j)] > 0.0 {
                lower[at(i, j)] = rest / lower[at(j, j)];
            } else if rest * rest > ROUNDING * entry(i, i) * entry(j, j) && !lifted {
                // Without a pivot nothing may be left over: a leftover has no real root.
                return None;
            }
        }
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::normals;
    use crate::numerics::philox::Philox;

    fn matrix(rows: &[&[f64]]) -> DMatrix<f64> {
        DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
    }

    #[test]
    fn the_root_times_itself_is_the_matrix() {
        let good = matrix(&[&[4.0, 1.2, -0.6], &[1.2, 1.0, 0.1], &[-0.6, 0.1, 0.25]]);
        let root = Root::of(&good).expect("a covariance");
        assert!(!root.repaired && root.size() == 3);
        assert!((root.covariance() - good).abs().max() < 1e-14);
        assert!((root.deviation(0) - 2.0).abs() < 1e-14 && (root.deviation(2) - 0.5).abs() < 1e-14);
    }

    #[test]
    fn what_depends_on_others_gets_no_noise_of_its_own() {
        // The third is the sum of the first two, the fourth never moves.
        let flat = matrix(&[&[1.0, 0.5, 1.5, 0.0], &[0.5, 1.0, 1.5, 0.0], &[1.5, 1.5, 3.0, 0.0], &[0.0; 4]]);
        let root = Root::of(&flat).expect("a covariance");
        assert!(!root.repaired);
        assert!((root.covariance() - flat).abs().max() < 1e-12);
        let mut out = [0.0; 4];
        root.correlate(&[0.3, -1.1, 7.0, 9.0], 1, &mut out);
        assert!((out[2] - out[0] - out[1]).abs() < 1e-12 && out[3] == 0.0);
        let same = matrix(&[&[1.0, 1.0], &[1.0, 1.0]]);
        assert_eq!(Root::of(&same).expect("a covariance").lower, [1.0, 1.0, 0.0]);
    }

    #[test]
    fn contradictions_are_repaired_and_keep_the_variances() {
        let bad = matrix(&[&[4.0, 1.8, -1.8], &[1.8, 1.0, 0.9], &[-1.8, 0.9, 1.0]]);
        let root = Root::of(&bad).expect("repairable");
        assert!(root.repaired);
        let near = root.covariance();
        for i in 0..3 {
            assert!((near[(i, i)] / bad[(i, i)] - 1.0).abs() < 1e-9);
        }
        let hidden = matrix(&[&[0.0, 0.1], &[0.1, 1.0]]);
        assert!(Root::of(&hidden).expect("repairable").repaired);
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        assert_eq!(Root::of(&matrix(&[&[1.0, 0.0]])), Err(RootError::NotSquare { rows: 1, columns: 2 }));
        assert_eq!(
            Root::of(&matrix(&[&[1.0, 0.0], &[f64::NAN, 1.0]])),
            Err(RootError::NotFinite { row: 1, column: 0 })
        );
        assert_eq!(Root::of(&matrix(&[&[-1.0]])), Err(RootError::NegativeVariance { place: 0 }));
    }

    #[test]
    fn correlated_paths_have_the_covariance_asked_for() {
        let want = matrix(&[&[1.0, 0.6, -0.3], &[0.6, 2.0, 0.2], &[-0.3, 0.2, 0.5]]);
        let root = Root::of(&want).expect("a covariance");
        let paths = 50_000;
        let mut normal = vec![0.0; 3 * paths];
        for (factor, out) in normal.chunks_exact_mut(paths).enumerate() {
            normals::draw(Philox::new(5), factor as u64, 0, out);
        }
        let mut out = vec![0.0; 3 * paths];
        root.correlate(&normal, paths, &mut out);
        let rows: Vec<&[f64]> = out.chunks_exact(paths).collect();
        let got = crate::numerics::covariance::sample(&rows).expect("paths");
        for i in 0..3 {
            for j in 0..3 {
                let variance = want[(i, i)] * want[(j, j)] + want[(i, j)].powi(2);
                let error = (variance / paths as f64).sqrt();
                assert!((got[(i, j)] - want[(i, j)]).abs() < 4.0 * error, "{i} {j}");
            }
        }
    }
}
