//! What moves, and by how much it moves each underlying and each implied volatility.
//!
//! Never: prices anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::view::Horizon;
use crate::risk::book::{DAYS_PER_YEAR, LegPricing, RiskBook, RiskUnderlying, usable};

/// Longer options move less, shorter ones more, within these bounds.
const TENOR_SCALE: (f64, f64) = (0.35, 2.0);
const LOWEST_VOL: f64 = 0.01;
const HIGHEST_VOL: f64 = 1.5;
/// A spot never falls below this share of itself.
const SPOT_FLOOR: f64 = 0.01;

/// √(30 ÷ days), held within bounds: the share of a 30-day vol shock that an option of this tenor sees.
pub fn tenor_scale(days_to_expiry: i64) -> f64 {
    // Day counts are far below 2^52.
    let days = days_to_expiry.max(7) as f64;
    (30.0 / days).sqrt().clamp(TENOR_SCALE.0, TENOR_SCALE.1)
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VolShock {
    /// Vol points of a 30-day option: +5 lifts 20 % to 25 %.
    Points(f64),
    /// A fraction of the volatility itself: +0.5 lifts 20 % to 30 %.
    Relative(f64),
}

impl VolShock {
    /// The shocked volatility of an option with this many days left.
    pub fn apply(self, vol: f64, days_to_expiry: i64) -> f64 {
        let scale = tenor_scale(days_to_expiry);
        let shocked = match self {
            Self::Points(points) => vol + points / 100.0 * scale,
            Self::Relative(share) => vol * (1.0 + share * scale),
        };
        shocked.clamp(LOWEST_VOL.min(vol), HIGHEST_VOL.max(vol))
    }

    /// Absolute vol points of the index itself, where the shock is in points.
    fn index_points(self) -> Option<f64> {
        match self {
            Self::Points(points) => Some(points),
            Self::Relative(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum SpotShock {
    /// The benchmark moves by this fraction, every underlying by its beta times as much.
    Benchmark(f64),
    /// One underlying by its own move; the others stay.
    Single { underlying: usize, by: f64 },
    /// A move for each underlying, in the book's order.
    Each(Vec<f64>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Shock {
    pub spot: SpotShock,
    pub vol: VolShock,
    pub roll: Roll,
}

/// Calendar time that passes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Roll {
    pub years: f64,
    /// The same in whole days, for labels.
    pub days: i64,
}

impl Roll {
    pub fn days(days: i64) -> Self {
        // Day counts are far below 2^52.
        Self { years: days as f64 / DAYS_PER_YEAR, days }
    }

    /// How far the screen's horizon rolls this book. Without options there is no expiry to roll to.
    pub fn of(book: &RiskBook, horizon: Horizon, counts: impl Fn(usize) -> bool) -> Self {
        match horizon {
            Horizon::Now => Self::default(),
            Horizon::FiveDays => Self::days(5),
            Horizon::Expiry => Self::to_next_expiry(book, counts),
        }
    }

    fn to_next_expiry(book: &RiskBook, counts: impl Fn(usize) -> bool) -> Self {
        let counted = book.legs.iter().enumerate().filter(|(place, _)| counts(*place));
        let expiries = counted.filter_map(|(_, leg)| match leg.priced {
            LegPricing::Option { inputs, .. } if inputs.tte_years > 0.0 => {
                Some(Self { years: inputs.tte_years, days: leg.days_to_expiry })
            }
            LegPricing::Option { .. } | LegPricing::Shares | LegPricing::Unpriced { .. } => None,
        });
        expiries.min_by(|a, b| a.years.total_cmp(&b.years)).unwrap_or_default()
    }
}

impl Shock {
    pub fn now(spot: SpotShock, vol: VolShock) -> Self {
        Self { spot, vol, roll: Roll::default() }
    }

    /// The shocked spot of every underlying; `None` where the spot is unknown.
    pub fn spots(&self, book: &RiskBook) -> Vec<Option<f64>> {
        book.underlyings.iter().enumerate().map(|(i, u)| self.spot_of(i, u)).collect()
    }

    fn spot_of(&self, place: usize, underlying: &RiskUnderlying) -> Option<f64> {
        let spot = usable(underlying.spot)?;
        let mapped = !matches!(self.spot, SpotShock::Single { .. });
        if mapped && is_volatility_index(underlying.symbol.as_str()) {
            let moved = match self.vol.index_points() {
                Some(points) => spot + points,
                None => spot * (1.0 + self.vol_share()),
            };
            return Some(moved.max(SPOT_FLOOR * spot));
        }
        let by = match &self.spot {
            SpotShock::Benchmark(by) => by * underlying.beta,
            SpotShock::Single { underlying, by } if *underlying == place => *by,
            SpotShock::Single { .. } => 0.0,
            SpotShock::Each(moves) => *moves.get(place)?,
        };
        let moved = (spot * (1.0 + by)).max(SPOT_FLOOR * spot);
        moved.is_finite().then_some(moved)
    }

    fn vol_share(&self) -> f64 {
        match self.vol {
            VolShock::Points(_) => 0.0,
            VolShock::Relative(share) => share,
        }
    }
}

/// A volatility index does not move by beta: its move is the vol shock itself.
pub fn is_volatility_index(symbol: &str) -> bool {
    ["VIX", "VIX3M", "VIX9D", "VIX1D", "VIX6M", "VXN", "RVX"].contains(&symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenor_scale_has_floor_and_cap() {
        assert!((tenor_scale(28) - 1.035_098_339_013_5).abs() < 1e-9);
        assert!((tenor_scale(0) - 2.0).abs() < 1e-12, "capped");
        assert!((tenor_scale(720) - 0.35).abs() < 1e-12, "floored");
    }

    #[test]
    fn vol_never_leaves_its_bounds_unless_it_was_outside_before() {
        assert!((VolShock::Points(-50.0).apply(0.2, 30) - 0.01).abs() < 1e-12);
        assert!((VolShock::Points(200.0).apply(0.2, 30) - 1.5).abs() < 1e-12);
        assert!((VolShock::Points(20.0).apply(1.8, 30) - 1.8).abs() < 1e-12);
        assert!((VolShock::Relative(0.5).apply(0.2, 30) - 0.3).abs() < 1e-12);
    }
}
