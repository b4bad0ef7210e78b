//! The P&L line at one expiry: straight between corners, with a slope beyond the last.

use super::PayoffLeg;
use crate::domain::Right;

/// A P&L this small a part of what the legs move is rounding.
const ROUNDING: f64 = 1e-13;

/// From `low` to `high`, both ends excluded; `high` may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpotRange {
    pub low: f64,
    pub high: f64,
}

/// A straight piece: `base + slope·spot` from `low` to `high`, the last one without end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub low: f64,
    pub high: f64,
    pub base: f64,
    pub slope: f64,
}

impl Piece {
    pub fn at(&self, spot: f64) -> f64 {
        self.base + self.slope * spot
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryPnl {
    /// Spot and dollars, ascending in spot, the first at zero.
    corners: Vec<(f64, f64)>,
    right_slope: f64,
}

impl ExpiryPnl {
    /// `cost`: dollars paid for all legs, negative for a credit.
    pub fn of(legs: &[PayoffLeg], cost: f64) -> Self {
        let mut spots: Vec<f64> = legs.iter().filter_map(PayoffLeg::strike).collect();
        spots.push(0.0);
        spots.sort_by(f64::total_cmp);
        spots.dedup();
        let last = spots.last().copied().unwrap_or(0.0);
        let gross = legs.iter().map(|leg| leg.units().abs()).sum::<f64>() * last + cost.abs();
        let pnl = |spot: f64| {
            let pnl = legs.iter().map(|leg| leg.value(spot)).sum::<f64>() - cost;
            if pnl.abs() <= ROUNDING * gross { 0.0 } else { pnl }
        };
        // Far above, calls and shares go up with the price and puts are nothing.
        let right_slope = legs.iter().filter(|leg| !leg.is(Right::Put)).map(PayoffLeg::units).sum();
        Self { corners: spots.into_iter().map(|spot| (spot, pnl(spot))).collect(), right_slope }
    }

    /// Dollars per $1 far above the highest strike.
    pub fn right_slope(&self) -> f64 {
        self.right_slope
    }

    /// Least and greatest P&L at zero and at the strikes. All extremes are there, except one without limit.
    pub fn extremes_at_corners(&self) -> (f64, f64) {
        self.corners
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &(_, pnl)| (low.min(pnl), high.max(pnl)))
    }

    pub fn at(&self, spot: f64) -> f64 {
        let after = self.corners.partition_point(|&(corner, _)| corner <= spot);
        let (x0, y0) = self.corners[after.saturating_sub(1)];
        match self.corners.get(after) {
            Some(&(x1, y1)) => y0 + (y1 - y0) * ((spot - x0) / (x1 - x0)),
            None if self.right_slope == 0.0 => y0,
            None => y0 + self.right_slope * (spot - x0),
        }
    }

    /// The straight pieces, ascending.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        let inner = self.corners.windows(2).map(|pair| {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let slope = (y1 - y0) / (x1 - x0);
            Piece { low: x0, high: x1, base: y0 - slope * x0, slope }
        });
        let outer = self.corners.last().map(|&(x, y)| {
            let slope = self.right_slope;
            Piece { low: x, high: f64::INFINITY, base: y - slope * x, slope }
        });
        inner.chain(outer)
    }

    /// Where the line meets zero, ascending: crossings, touching corners and both ends of a stretch at zero.
    pub fn zeros(&self) -> Vec<f64> {
        let mut found: Vec<f64> = Vec::new();
        let mut keep = |spot: f64| {
            if spot > 0.0 && found.last() != Some(&spot) {
                found.push(spot);
            }
        };
        for pair in self.corners.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            if y0 * y1 < 0.0 {
                keep(x0 + (x1 - x0) * (y0 / (y0 - y1)));
            } else if y1 == 0.0 {
                keep(x1);
            }
        }
        if let Some(&(x, y)) = self.corners.last()
            && y * self.right_slope < 0.0
        {
            keep(x - y / self.right_slope);
        }
        found
    }

    /// Where the P&L exceeds `level`, ascending, neighbouring pieces joined.
    pub fn above(&self, level: f64) -> Vec<SpotRange> {
        let mut found: Vec<SpotRange> = Vec::new();
        let mut add = |low: f64, high: f64| match found.last_mut() {
            Some(last) if last.high == low => last.high = high,
            _ => found.push(SpotRange { low, high }),
        };
        for (at, &(x0, y0)) in self.corners.iter().enumerate() {
            let (x1, y1) = match self.corners.get(at + 1) {
                Some(&corner) => corner,
                None if self.right_slope == 0.0 => (f64::INFINITY, y0),
                None => (f64::INFINITY, f64::INFINITY.copysign(self.right_slope)),
            };
            let crossing = || {
                if x1.is_finite() {
                    x0 + (x1 - x0) * ((level - y0) / (y1 - y0))
                } else {
                    x0 + (level - y0) / self.right_slope
                }
            };
            match (y0 > level, y1 > level) {
                (true, true) => add(x0, x1),
                (true, false) => add(x0, crossing()),
                (false, true) => add(crossing(), x1),
                (false, false) => {}
            }
        }
        found.retain(|range| range.high > range.low);
        found
    }
}
