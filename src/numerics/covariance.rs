//! Covariance of several series: exponentially weighted, sample, shrunk; and correlations made consistent.
//! Every series is a slice of equal length, oldest first. Too few observations give `None`.

use nalgebra::DMatrix;

/// Eigenvalues above minus this are rounding.
const ROUNDING: f64 = 1e-12;

#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    pub matrix: DMatrix<f64>,
    /// Weight of the target: zero is the sample, one the target alone.
    pub intensity: f64,
}

/// Demeaned, divided by n − 1.
pub fn sample(series: &[&[f64]]) -> Option<DMatrix<f64>> {
    let n = length(series).filter(|n| *n >= 2)?;
    Some(cross_products(series, &means(series, n)) / (n - 1) as f64)
}

/// `Σ = λΣ + (1 − λ)xx'` around zero, from the sample covariance of the first `seed` observations on.
pub fn ewma(series: &[&[f64]], decay: f64, seed: usize) -> Option<DMatrix<f64>> {
    let n = length(series).filter(|n| *n >= seed)?;
    let start: Vec<&[f64]> = series.iter().map(|values| &values[..seed]).collect();
    let mut matrix = sample(&start)?;
    for at in seed..n {
        for i in 0..series.len() {
            for j in 0..=i {
                let next = decay * matrix[(i, j)] + (1.0 - decay) * series[i][at] * series[j][at];
                matrix[(i, j)] = next;
                matrix[(j, i)] = next;
            }
        }
    }
    Some(matrix)
}

/// Ledoit and Wolf's (2004) shrinkage towards the mean variance on the diagonal, with moments over n.
pub fn ledoit_wolf(series: &[&[f64]]) -> Option<Shrunk> {
    let n = length(series).filter(|n| *n >= 2)?;
    let means = means(series, n);
    let size = series.len() as f64;
    let count = n as f64;
    let matrix = cross_products(series, &means) / count;
    let target = matrix.trace() / size;
    // Distance of the sample from the target, and how much of it is sampling noise.
    let distance = matrix.norm_squared() - size * target * target;
    let mut noise = 0.0;
    for at in 0..n {
        let squares: f64 = series.iter().zip(&means).map(|(x, m)| (x[at] - m).powi(2)).sum();
        noise += squares * squares;
    }
    noise = (noise / count - matrix.norm_squared()) / count;
    let intensity = if distance > 0.0 { (noise / distance).clamp(0.0, 1.0) } else { 1.0 };
    let mut matrix = matrix * (1.0 - intensity);
    for i in 0..series.len() {
        matrix[(i, i)] += intensity * target;
    }
    Some(Shrunk { matrix, intensity })
}

/// Pairwise correlations from different histories can contradict each other: some combination would have a
/// negative variance. Negative eigenvalues are set to zero and the diagonal back to one; says whether it was
/// needed.
pub fn repair_correlation(correlation: &mut DMatrix<f64>) -> bool {
    let n = correlation.nrows();
    if n < 2 {
        return false;
    }
    let eigen = correlation.clone().symmetric_eigen();
    if eigen.eigenvalues.iter().all(|&value| value >= -ROUNDING) {
        return false;
    }
    let lifted = eigen.eigenvalues.map(|value| value.max(0.0));
    let raw = &eigen.eigenvectors * DMatrix::from_diagonal(&lifted) * eigen.eigenvectors.transpose();
    *correlation = DMatrix::from_fn(n, n, |i, j| {
        if i == j { 1.0 } else { (raw[(i, j)] / (raw[(i, i)] * raw[(j, j)]).sqrt()).clamp(-1.0, 1.0) }
    });
    true
}

fn length(series: &[&[f64]]) -> Option<usize> {
    let n = series.first()?.len();
    series.iter().all(|values| values.len() == n).then_some(n)
}

fn means(series: &[&[f64]], n: usize) -> Vec<f64> {
    series.iter().map(|values| values.iter().sum::<f64>() / n as f64).collect()
}

fn cross_products(series: &[&[f64]], means: &[f64]) -> DMatrix<f64> {
    let product = |i: usize, j: usize| -> f64 {
        series[i].iter().zip(series[j]).map(|(x, y)| (x - means[i]) * (y - means[j])).sum()
    };
    DMatrix::from_fn(series.len(), series.len(), |i, j| product(i.max(j), i.min(j)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::stats;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "{got}, not {want}");
    }

    #[test]
    fn shrinkage_of_the_worked_sample() {
        let a = [0.010, -0.006, 0.004, -0.015, 0.002, 0.008, -0.003, 0.005];
        let b = [0.012, -0.009, 0.007, -0.018, -0.001, 0.011, -0.002, 0.004];
        let c = [0.008, -0.002, -0.001, -0.012, 0.006, 0.003, -0.007, 0.009];
        let got = ledoit_wolf(&[&a, &b, &c]).expect("eight observations");
        close(got.intensity, 0.319_281_238, 1e-9);
        close(got.matrix[(0, 0)], 6.177_588_31e-5, 1e-13);
        close(got.matrix[(0, 1)], 4.947_974_50e-5, 1e-13);
        close(got.matrix[(0, 2)], 3.127_051_81e-5, 1e-13);
        close(got.matrix[(1, 1)], 8.408_005_87e-5, 1e-13);
        assert_eq!(got.matrix, got.matrix.transpose());
    }

    #[test]
    fn exponential_weights_forget_the_start() {
        let x: Vec<f64> = (0..60).map(|i| 0.01 * f64::sin(f64::from(i) * 1.7)).collect();
        let y: Vec<f64> = x.iter().map(|r| -2.0 * r).collect();
        let got = ewma(&[&x, &y], 0.94, 20).expect("sixty observations");
        let seed = stats::sample_deviation(&x[..20]).expect("twenty").powi(2);
        let variance = stats::ewma_variance(seed, 0.94, &x[20..]);
        close(got[(0, 0)], variance, 1e-18);
        close(got[(0, 1)], -2.0 * variance, 1e-18);
        close(got[(1, 1)], 4.0 * variance, 1e-18);
        assert_eq!(ewma(&[&x[..19], &y[..19]], 0.94, 20), None);
        assert_eq!(ewma(&[&x, &y[1..]], 0.94, 20), None);
    }

    #[test]
    fn contradicting_correlations_are_made_consistent() {
        let rho = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]];
        let mut matrix = DMatrix::from_fn(3, 3, |i, j| rho[i][j]);
        assert!(repair_correlation(&mut matrix));
        assert!(matrix.clone().symmetric_eigenvalues().iter().all(|&value| value >= -ROUNDING));
        assert!((0..3).all(|i| matrix[(i, i)] == 1.0));
        assert!(!repair_correlation(&mut DMatrix::zeros(0, 0)));
        let kept = matrix.clone();
        assert!(!repair_correlation(&mut matrix));
        assert_eq!(matrix, kept);
    }
}
