//! The cubic through four evenly spaced values.
//!
//! Never: knows what they are values of.

/// In units of the spacing from the second value on, where `at` is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cubic([f64; 4]);

impl Cubic {
    pub fn through([a, b, c, d]: [f64; 4]) -> Self {
        Self([
            b,
            (-2.0 * a - 3.0 * b + 6.0 * c - d) / 6.0,
            0.5 * (a - 2.0 * b + c),
            (d - a + 3.0 * (b - c)) / 6.0,
        ])
    }

    pub fn value(&self, at: f64) -> f64 {
        let [c0, c1, c2, c3] = self.0;
        c0 + at * (c1 + at * (c2 + at * c3))
    }

    pub fn slope(&self, at: f64) -> f64 {
        let [_, c1, c2, c3] = self.0;
        c1 + at * (2.0 * c2 + at * 3.0 * c3)
    }

    /// The third difference, the same everywhere.
    pub fn bend(&self) -> f64 {
        6.0 * self.0[3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_its_own() {
        let value = |x: f64| 2.0 - x + 0.5 * x * x - 0.25 * x * x * x;
        let cubic = Cubic::through([-1.0, 0.0, 1.0, 2.0].map(value));
        for x in [-1.0, 0.3, 0.9, 2.0] {
            assert!((cubic.value(x) - value(x)).abs() < 1e-14);
            assert!((cubic.slope(x) - (-1.0 + x - 0.75 * x * x)).abs() < 1e-14);
        }
        assert!((cubic.bend() + 1.5).abs() < 1e-14);
    }
}
