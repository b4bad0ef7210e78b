//! Bytes as numbers: whatever the fuzzer changes becomes another number, and the numbers it reaches soon are the
//! ones at which formulas break.

use crate::domain::Right;

/// Reads from the front; behind the end there are zeros.
pub(crate) struct Bytes<'a>(pub &'a [u8]);

/// Where doubles and formulas have corners.
const CORNERS: [f64; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    100.0,
    0.01,
    1e-12,
    1e-300,
    -1e-300,
    5e-324,
    f64::MIN_POSITIVE,
    1e15,
    1e154,
    1e300,
    -1e300,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

impl Bytes<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn right(&mut self) -> Right {
        if self.byte().is_multiple_of(2) { Right::Call } else { Right::Put }
    }

    /// Between two numbers, both included.
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        let share = f64::from(u32::from_le_bytes(self.take())) / f64::from(u32::MAX);
        (low + (high - low) * share).clamp(low, high)
    }

    /// Any double: an ordinary one between the two numbers, a corner, or whatever the bits say.
    pub fn number(&mut self, low: f64, high: f64) -> f64 {
        match self.byte() {
            0..=159 => self.within(low, high),
            160..=207 => CORNERS[usize::from(self.byte()) % CORNERS.len()],
            208..=239 => 10f64.powf(self.within(-320.0, 308.0)),
            _ => f64::from_bits(u64::from_le_bytes(self.take())),
        }
    }
}
