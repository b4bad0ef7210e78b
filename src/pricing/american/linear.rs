//! Small systems of linear equations, of a size known to the compiler.
//!
//! Never: checks its matrix; a singular one gives numbers that are not finite.

use crate::numerics::vector::mul_add;

/// Gauss-Jordan elimination of `matrix·unknown = right`, for `R` right-hand sides at once. Without pivoting:
/// meant for matrices near the identity. Whole rows are what vectors hold, so the work saved by stopping at
/// the diagonal would not be saved.
#[inline(always)]
pub(super) fn solve<const FMA: bool, const N: usize, const R: usize>(
    mut matrix: [[f64; N]; N],
    mut right: [[f64; R]; N],
) -> [[f64; R]; N] {
    for pivot in 0..N {
        let inverse = 1.0 / matrix[pivot][pivot];
        let row = matrix[pivot].map(|x| x * inverse);
        let known = right[pivot].map(|x| x * inverse);
        for (line, right) in matrix.iter_mut().zip(&mut right) {
            let factor = -line[pivot];
            for (x, y) in line.iter_mut().zip(&row) {
                *x = mul_add::<FMA>(factor, *y, *x);
            }
            for (x, y) in right.iter_mut().zip(&known) {
                *x = mul_add::<FMA>(factor, *y, *x);
            }
        }
        matrix[pivot] = row;
        right[pivot] = known;
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_solves() {
        let matrix = [[1.1, 0.2, -0.1], [0.3, 0.9, 0.05], [-0.2, 0.1, 1.2]];
        let right = [[1.0, 0.5], [-2.0, 0.0], [0.3, 4.0]];
        let got = solve::<false, 3, 2>(matrix, right);
        for (line, right) in matrix.iter().zip(&right) {
            for side in 0..2 {
                let sum: f64 = line.iter().zip(&got).map(|(a, x)| a * x[side]).sum();
                assert!((sum - right[side]).abs() < 1e-14, "{sum} {}", right[side]);
            }
        }
    }
}
