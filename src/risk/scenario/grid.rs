//! The scenario matrix. Legs are revalued once per cell; the book, a portfolio and an underlying are sums
//! over the same leg values, so that they always agree.
//!
//! Never: leaves a cell out because some leg has no price; the coverage says how many are missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::revalue::Revaluation;
use super::shocks::{Roll, Shock, SpotShock, VolShock};
use crate::domain::Symbol;
use crate::domain::units::Dollars;
use crate::domain::view::Horizon;
use crate::risk::book::{LegPricing, RiskBook, RiskLeg};
use crate::risk::exposure::{Coverage, LegExposure};

/// The worst cell is looked for no further out than this.
const WORST_WITHIN: f64 = 0.10;
/// A Taylor estimate that is off by more than this share of the full value is not to be trusted.
const TAYLOR_ERROR: f64 = 0.10;
/// … unless the error is below this share of equity.
const TAYLOR_IMMATERIAL: f64 = 0.001;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The benchmark moves and every underlying follows by its beta.
    Book,
    /// One underlying by its own move; only its legs count.
    Underlying(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct GridRequest {
    /// −0.10 is −10 %.
    pub spot_moves: Vec<f64>,
    /// One row each.
    pub vols: Vec<VolShock>,
    pub roll: Roll,
    pub subject: Subject,
}

impl GridRequest {
    /// The grid of the screen; the next expiry is that of the legs that `counts` lets in.
    pub fn screen(
        book: &RiskBook,
        horizon: Horizon,
        subject: Subject,
        counts: impl Fn(usize) -> bool,
    ) -> Self {
        Self {
            spot_moves: vec![-0.10, -0.05, -0.03, -0.01, 0.0, 0.01, 0.03, 0.05, 0.10],
            vols: [20.0, 10.0, 5.0, 0.0, -5.0].map(VolShock::Points).to_vec(),
            roll: Roll::of(book, horizon, counts),
            subject,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnderlyingPnl {
    /// Place in the book's underlyings.
    pub underlying: usize,
    pub symbol: Symbol,
    pub pnl: Dollars,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    pub pnl: Dollars,
    /// What the Greeks alone would say.
    pub taylor: Dollars,
    /// The Greeks mislead here.
    pub distrust_greeks: bool,
    pub by_underlying: Vec<UnderlyingPnl>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstCell {
    pub row: usize,
    pub column: usize,
    pub spot_move: f64,
    pub vol: VolShock,
    pub pnl: Dollars,
    /// The three underlyings that lose most there, worst first.
    pub drivers: Vec<UnderlyingPnl>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioGrid {
    /// `None`: beta-mapped.
    pub subject: Option<Symbol>,
    pub spot_moves: Vec<f64>,
    pub vols: Vec<VolShock>,
    pub roll_days: i64,
    /// One row per vol shock, one column per spot move.
    pub cells: Vec<Vec<Cell>>,
    /// The lowest cell within ±10 % spot; `None` where no leg could be priced.
    pub worst: Option<WorstCell>,
    /// Each underlying's own lowest value within ±10 % spot.
    pub worst_by_underlying: Vec<UnderlyingPnl>,
    pub coverage: Coverage,
}

/// Every leg's change in every cell, and its Taylor estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct LegGrid {
    request: GridRequest,
    /// Row by row, cell by cell, leg by leg.
    full: Vec<Vec<Option<f64>>>,
    taylor: Vec<Vec<f64>>,
}

impl LegGrid {
    /// `rows` are the exposures of every leg of the same book. Only what the request is about is revalued.
    pub fn compute(now: &Revaluation<'_>, rows: &[LegExposure], request: GridRequest) -> Self {
        let cells = request.vols.len() * request.spot_moves.len();
        let (mut full, mut taylor) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        let matters = |leg: &RiskLeg| match request.subject {
            Subject::Book => true,
            Subject::Underlying(place) => leg.underlying == place,
        };
        let spot = |by: &f64| match request.subject {
            Subject::Book => SpotShock::Benchmark(*by),
            Subject::Underlying(underlying) => SpotShock::Single { underlying, by: *by },
        };
        let spots: Vec<SpotShock> = request.spot_moves.iter().map(spot).collect();
        for vol in &request.vols {
            full.extend(now.shocked_of(*vol, request.roll, matters).changes(&spots));
            taylor.extend(spots.iter().map(|spot| {
                estimate(now.book, rows, &Shock { spot: spot.clone(), vol: *vol, roll: request.roll })
            }));
        }
        Self { request, full, taylor }
    }

    /// The grid of the legs that `counts` lets in. `equity` decides when a Taylor error matters.
    pub fn sum(
        &self,
        book: &RiskBook,
        measured: &[LegExposure],
        equity: Option<f64>,
        counts: impl Fn(usize) -> bool,
    ) -> ScenarioGrid {
        let counts = |leg: usize| {
            let here = match self.request.subject {
                Subject::Book => true,
                Subject::Underlying(place) => book.legs.get(leg).is_some_and(|l| l.underlying == place),
            };
            here && counts(leg)
        };
        let columns = self.request.spot_moves.len().max(1);
        let rows: Vec<Vec<Cell>> = self
            .full
            .chunks(columns)
            .zip(self.taylor.chunks(columns))
            .map(|(full, taylor)| {
                full.iter().zip(taylor).map(|(f, t)| cell(book, f, t, equity, &counts)).collect()
            })
            .collect();
        let subject = match self.request.subject {
            Subject::Book => None,
            Subject::Underlying(place) => book.underlyings.get(place).map(|u| u.symbol.clone()),
        };
        let coverage = Coverage::of(measured.iter().filter(|row| counts(row.leg)));
        let priced = coverage.legs > coverage.unpriced;
        ScenarioGrid {
            subject,
            spot_moves: self.request.spot_moves.clone(),
            vols: self.request.vols.clone(),
            roll_days: self.request.roll.days,
            worst: priced.then(|| self.worst(&rows)).flatten(),
            worst_by_underlying: self.worst_by_underlying(&rows),
            cells: rows,
            coverage,
        }
    }

    /// Only the worst cell of those legs.
    pub fn worst_of(
        &self,
        book: &RiskBook,
        measured: &[LegExposure],
        counts: impl Fn(usize) -> bool,
    ) -> Option<WorstCell> {
        self.sum(book, measured, None, counts).worst
    }

    fn near(&self, column: usize) -> bool {
        self.request.spot_moves.get(column).is_some_and(|by| by.abs() <= WORST_WITHIN + 1e-9)
    }

    fn worst(&self, rows: &[Vec<Cell>]) -> Option<WorstCell> {
        let mut found: Option<(usize, usize, &Cell)> = None;
        for (r, row) in rows.iter().enumerate() {
            for (c, cell) in row.iter().enumerate().filter(|(c, _)| self.near(*c)) {
                if found.is_none_or(|(_, _, worst)| cell.pnl < worst.pnl) {
                    found = Some((r, c, cell));
                }
            }
        }
        let (row, column, cell) = found?;
        let mut drivers = cell.by_underlying.clone();
        drivers.retain(|d| d.pnl.0 < 0.0);
        drivers.sort_by(|a, b| a.pnl.total_cmp(&b.pnl));
        drivers.truncate(3);
        Some(WorstCell {
            row,
            column,
            spot_move: *self.request.spot_moves.get(column)?,
            vol: *self.request.vols.get(row)?,
            pnl: cell.pnl,
            drivers,
        })
    }

    fn worst_by_underlying(&self, rows: &[Vec<Cell>]) -> Vec<UnderlyingPnl> {
        let mut worst: Vec<UnderlyingPnl> = Vec::new();
        for row in rows {
            for (_, cell) in row.iter().enumerate().filter(|(c, _)| self.near(*c)) {
                for part in &cell.by_underlying {
                    match worst.iter_mut().find(|w| w.underlying == part.underlying) {
                        Some(known) => known.pnl.0 = known.pnl.0.min(part.pnl.0),
                        None => worst.push(part.clone()),
                    }
                }
            }
        }
        worst
    }
}

fn cell(
    book: &RiskBook,
    full: &[Option<f64>],
    taylor: &[f64],
    equity: Option<f64>,
    counts: &impl Fn(usize) -> bool,
) -> Cell {
    let by_underlying = split(book, full, counts);
    let pnl: Dollars = by_underlying.iter().map(|part| part.pnl).sum();
    let estimate = Dollars(taylor.iter().enumerate().filter(|(leg, _)| counts(*leg)).map(|(_, t)| t).sum());
    let error = (estimate - pnl).abs();
    let material = equity.is_none_or(|e| error > TAYLOR_IMMATERIAL * Dollars(e));
    Cell {
        pnl,
        taylor: estimate,
        distrust_greeks: material && error > TAYLOR_ERROR * pnl.abs() + Dollars(1e-9),
        by_underlying,
    }
}

/// Leg changes summed by underlying, in the book's order; underlyings without a priced leg have no part.
pub(super) fn split(
    book: &RiskBook,
    changes: &[Option<f64>],
    counts: &impl Fn(usize) -> bool,
) -> Vec<UnderlyingPnl> {
    let mut sums: Vec<Option<f64>> = vec![None; book.underlyings.len()];
    for (place, (leg, change)) in book.legs.iter().zip(changes).enumerate() {
        if let (true, Some(change), Some(sum)) = (counts(place), change, sums.get_mut(leg.underlying)) {
            *sum = Some(sum.unwrap_or(0.0) + change);
        }
    }
    let named = book.underlyings.iter().zip(sums).enumerate();
    named
        .filter_map(|(underlying, (u, pnl))| {
            Some(UnderlyingPnl { underlying, symbol: u.symbol.clone(), pnl: Dollars(pnl?) })
        })
        .collect()
}

/// Second order in spot and vol with the cross term, first order in time, leg by leg.
fn estimate(book: &RiskBook, rows: &[LegExposure], shock: &Shock) -> Vec<f64> {
    let spots = shock.spots(book);
    let days = shock.roll.years * crate::risk::book::DAYS_PER_YEAR;
    book.legs
        .iter()
        .zip(rows)
        .map(|(leg, row)| {
            let now = book.underlying_of(leg).and_then(|u| u.spot);
            let (Some(e), Some(to), Some(from)) =
                (&row.exposure, spots.get(leg.underlying).copied().flatten(), now)
            else {
                return 0.0;
            };
            let points = match leg.priced {
                LegPricing::Option { inputs, .. } => {
                    let vol = inputs.vol_annual;
                    (shock.vol.apply(vol, leg.days_to_expiry) - vol) * 100.0
                }
                LegPricing::Shares | LegPricing::Unpriced { .. } => 0.0,
            };
            let by = to - from;
            e.delta_shares.0 * by
                + 0.5 * e.gamma_per_dollar.0 * by * by
                + e.vega_point.0 * points
                + e.vanna.0 * by * points
                + 0.5 * e.volga.0 * points * points
                + e.theta_day.over(days).0
        })
        .collect()
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
