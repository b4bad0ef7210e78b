//! Spots at which positions are revalued, underlying by underlying.

/// Rungs are padded to a multiple of the widest vector, so that a ladder is a whole number of vectors.
pub(super) const LANES: usize = 8;

/// One row of spots per underlying, all of the same length, with their logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladders {
    rungs: usize,
    padded: usize,
    spots: Vec<f64>,
    logs: Vec<f64>,
}

impl Ladders {
    /// `None` where a spot is not a positive number or the rows differ in length.
    pub fn of<R: AsRef<[f64]>>(rows: &[R]) -> Option<Self> {
        let rungs = rows.first().map_or(0, |row| row.as_ref().len());
        let mut ladders = Self::unfilled(rows.len(), rungs);
        for (place, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            if row.len() != rungs || !row.iter().all(|spot| *spot > 0.0 && spot.is_finite()) {
                return None;
            }
            ladders.fill(place, |rung| (row[rung], row[rung].ln()));
        }
        Some(ladders)
    }

    /// Room for that many rows; every spot is one.
    pub(super) fn unfilled(underlyings: usize, rungs: usize) -> Self {
        let padded = rungs.next_multiple_of(LANES);
        let size = underlyings * padded;
        Self { rungs, padded, spots: vec![1.0; size], logs: vec![0.0; size] }
    }

    /// Sets one row from spot and logarithm of each rung.
    pub(super) fn fill(&mut self, underlying: usize, of: impl Fn(usize) -> (f64, f64)) {
        let start = underlying * self.padded;
        for rung in 0..self.rungs {
            (self.spots[start + rung], self.logs[start + rung]) = of(rung);
        }
    }

    /// Spots and logarithms of one row, to be written; padding included.
    pub(super) fn row_mut(&mut self, underlying: usize) -> (&mut [f64], &mut [f64]) {
        let range = underlying * self.padded..(underlying + 1) * self.padded;
        (&mut self.spots[range.clone()], &mut self.logs[range])
    }

    /// Spots and logarithms of one row, padding included. An underlying without a row has an empty one.
    pub(super) fn row(&self, underlying: usize) -> (&[f64], &[f64]) {
        let range = underlying * self.padded..(underlying + 1) * self.padded;
        (self.spots.get(range.clone()).unwrap_or(&[]), self.logs.get(range).unwrap_or(&[]))
    }

    pub fn rungs(&self) -> usize {
        self.rungs
    }

    pub fn underlyings(&self) -> usize {
        self.spots.len().checked_div(self.padded).unwrap_or(0)
    }

    /// The length of a row with its padding.
    pub(super) fn padded(&self) -> usize {
        self.padded
    }
}
