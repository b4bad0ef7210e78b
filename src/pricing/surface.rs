//! The volatility surface: one slice per expiry, as good a curve as its quotes allow, and what lies between.
//!
//! Never: knows quotes' ages. Which dynamics a move of the underlying follows is the caller's choice: sticky
//! strike keeps the slice, sticky moneyness moves its forward.

pub mod slice;

pub use slice::{Shape, Slice, SliceQuality};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surface {
    /// By time to expiry.
    slices: Vec<Slice>,
    /// Times in years of announcements that expiries on either side must not be averaged across.
    events: Vec<f64>,
}

impl Surface {
    pub fn new(mut slices: Vec<Slice>, events: Vec<f64>) -> Self {
        slices.retain(|slice| slice.years() > 0.0);
        slices.sort_by(|a, b| a.years().total_cmp(&b.years()));
        Self { slices, events }
    }

    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// Total variance is linear in time between two expiries at the same log-moneyness; before the first and
    /// after the last, and on either side of an event, the volatility is that of the nearest expiry on this
    /// side. `None` without slices or for a time that is not positive.
    pub fn vol(&self, log_moneyness: f64, years: f64) -> Option<f64> {
        if !(years > 0.0 && years.is_finite()) {
            return None;
        }
        let after = self.slices.partition_point(|slice| slice.years() <= years);
        let later = self.slices.get(after);
        let Some(earlier) = after.checked_sub(1).and_then(|at| self.slices.get(at)) else {
            return later.map(|slice| slice.vol(log_moneyness));
        };
        let Some(later) = later else { return Some(earlier.vol(log_moneyness)) };
        let (t0, t1) = (earlier.years(), later.years());
        if let Some(event) = self.events.iter().find(|event| **event > t0 && **event <= t1) {
            let side = if years < *event { earlier } else { later };
            return Some(side.vol(log_moneyness));
        }
        let (w0, w1) = (earlier.total_variance(log_moneyness), later.total_variance(log_moneyness));
        let w = w0 + (w1 - w0) * ((years - t0) / (t1 - t0));
        Some((w / years).sqrt())
    }

    /// The first neighbours whose total variance falls with time somewhere on the grid of the tests, and where.
    pub fn calendar_arbitrage(&self) -> Option<(usize, f64)> {
        self.slices.windows(2).enumerate().find_map(|(at, pair)| {
            let falls = |k: &f64| pair[1].total_variance(*k) < pair[0].total_variance(*k);
            super::svi::test_grid().find(falls).map(|k| (at, k))
        })
    }
}

#[cfg(test)]
mod chain_tests;
#[cfg(test)]
mod tests;
