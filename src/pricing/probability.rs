//! Probabilities and expectations of an expiry: the lognormal law of the underlying, what a P&L line is worth
//! under it, the chance to touch a price before.
//!
//! Never: chooses the measure. The drift and the volatility come from the caller: r − q and the implied
//! volatility for pricing, others for a forecast.

use super::payoff::{ExpiryPnl, SpotRange};
use crate::numerics::normal;
use crate::numerics::vector::FRAC_1_SQRT_2PI;

/// Of the underlying at a horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lognormal {
    /// Of the logarithm.
    mean: f64,
    deviation: f64,
    spot: f64,
    forward: f64,
}

/// P&L this close to an extreme counts as the extreme: rounding of the line, in parts of it.
const AT_EXTREME: f64 = 1e-9;
const HALVINGS: usize = 200;

impl Lognormal {
    /// Spot in dollars, drift per year, volatility per √year. `None` unless spot and numbers are finite, spot is
    /// positive, volatility and time not negative.
    pub fn of(spot: f64, drift: f64, vol_annual: f64, years: f64) -> Option<Self> {
        let deviation = vol_annual * years.sqrt();
        let mean = spot.ln() + drift * years - 0.5 * deviation * deviation;
        let forward = spot * (drift * years).exp();
        let valid = spot > 0.0 && vol_annual >= 0.0 && mean.is_finite() && forward.is_finite();
        valid.then_some(Self { mean, deviation, spot, forward })
    }

    /// Standard deviations from the logarithm of a price down to the mean of it.
    fn score(&self, price: f64) -> f64 {
        let gap = price.max(0.0).ln() - self.mean;
        if self.deviation > 0.0 {
            gap / self.deviation
        } else if gap > 0.0 {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        }
    }

    /// P(S < price).
    pub fn below(&self, price: f64) -> f64 {
        normal::cdf(self.score(price))
    }

    /// P(S > price).
    pub fn above(&self, price: f64) -> f64 {
        normal::cdf(-self.score(price))
    }

    /// P(low < S < high), from the side where little is subtracted.
    pub fn between(&self, range: SpotRange) -> f64 {
        let (low, high) = (self.score(range.low), self.score(range.high));
        if low > 0.0 { normal::cdf(-low) - normal::cdf(-high) } else { normal::cdf(high) - normal::cdf(low) }
    }

    /// Probability of a union of ranges that do not overlap.
    pub fn within(&self, ranges: &[SpotRange]) -> f64 {
        // From zero, which an empty sum of floats is not.
        ranges.iter().fold(0.0, |sum, range| sum + self.between(*range))
    }

    /// `E[S; low < S < high]`.
    fn mean_between(&self, range: SpotRange) -> f64 {
        let (low, high) = (self.score(range.low) - self.deviation, self.score(range.high) - self.deviation);
        let mass = if low > 0.0 {
            normal::cdf(-low) - normal::cdf(-high)
        } else {
            normal::cdf(high) - normal::cdf(low)
        };
        self.forward * mass
    }

    /// The price below which the underlying stays with a probability.
    pub fn quantile(&self, probability: f64) -> f64 {
        let z = normal::quantile(probability);
        if self.deviation > 0.0 { (self.mean + self.deviation * z).exp() } else { self.mean.exp() }
    }

    /// `E[P&L]`.
    pub fn expectation(&self, pnl: &ExpiryPnl) -> f64 {
        self.expectation_below(pnl, f64::INFINITY)
    }

    /// E[min(P&L, level)].
    fn expectation_below(&self, pnl: &ExpiryPnl, level: f64) -> f64 {
        let mut sum = 0.0;
        for piece in pnl.pieces() {
            let mut add = |low: f64, high: f64| {
                let range = SpotRange { low, high };
                let middle = if high.is_finite() { 0.5 * (low + high) } else { low + 1.0 };
                sum += if piece.slope == 0.0 {
                    piece.base.min(level) * self.between(range)
                } else if piece.at(middle) >= level {
                    level * self.between(range)
                } else {
                    piece.base * self.between(range) + piece.slope * self.mean_between(range)
                };
            };
            let crossing = (level - piece.base) / piece.slope;
            if crossing > piece.low && crossing < piece.high {
                add(piece.low, crossing);
                add(crossing, piece.high);
            } else {
                add(piece.low, piece.high);
            }
        }
        sum
    }

    /// Minus the mean of the worst `tail` of the expiry P&L: 0.05 for the shortfall at 95 %. Stretches where
    /// the P&L is constant count with the part of them that belongs to the tail. `None` for a tail outside
    /// (0, 1).
    pub fn shortfall(&self, pnl: &ExpiryPnl, tail: f64) -> Option<f64> {
        if !(tail > 0.0 && tail < 1.0) {
            return None;
        }
        let quantile = self.pnl_quantile(pnl, tail);
        Some(-(quantile - (quantile - self.expectation_below(pnl, quantile)) / tail))
    }

    /// The least level that the P&L stays at or below with the probability.
    fn pnl_quantile(&self, pnl: &ExpiryPnl, probability: f64) -> f64 {
        let ends = [1e-18, 1.0 - 1e-16].map(|p| pnl.at(self.quantile(p)));
        let (mut low, mut high) = pnl.extremes_at_corners();
        low = low.min(ends[0]).min(ends[1]);
        high = high.max(ends[0]).max(ends[1]);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.within(&pnl.above(middle)) <= 1.0 - probability {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Probability that the price stood at `barrier` at any moment up to the horizon, watched continuously.
    pub fn touch(&self, barrier: f64) -> f64 {
        if barrier <= 0.0 {
            return 0.0;
        }
        // By differences, which no ratio of extremes can overflow.
        let gap = barrier.ln() - self.spot.ln();
        if gap == 0.0 {
            return 1.0;
        }
        let travel = self.mean - self.spot.ln();
        if self.deviation == 0.0 {
            return f64::from(u8::from(travel / gap >= 1.0));
        }
        let side = -gap.signum();
        let direct = normal::cdf(side * (gap - travel) / self.deviation);
        let z = side * (gap + travel) / self.deviation;
        // e^(2νx/σ²)·N(z): the first is large where the second is tiny, so there they meet as exponents, whose sum
        // is a square.
        let mirrored = if z >= 0.0 {
            (2.0 * (travel / self.deviation) * (gap / self.deviation)).exp() * normal::cdf(z)
        } else {
            let apart = (gap - travel) / self.deviation;
            (-0.5 * apart * apart).exp() * FRAC_1_SQRT_2PI * normal::cdf_over_pdf(z)
        };
        (direct + mirrored).clamp(0.0, 1.0)
    }
}

/// What the end of a structure looks like under one law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    /// P(P&L > 0), before fees.
    pub profit: f64,
    /// P(P&L at its greatest); zero where profit has no limit.
    pub max_profit: f64,
    /// P(P&L at its least); zero where loss has no limit.
    pub max_loss: f64,
}

impl Odds {
    /// `within` gives the probability of a union of ranges.
    pub fn of(pnl: &ExpiryPnl, within: impl Fn(&[SpotRange]) -> f64) -> Self {
        let (worst, best) = pnl.extremes_at_corners();
        let near = AT_EXTREME * (worst.abs().max(best.abs()) + 1.0);
        let slope = pnl.right_slope();
        Self {
            profit: within(&pnl.above(0.0)),
            max_profit: if slope > 0.0 { 0.0 } else { within(&pnl.above(best - near)) },
            max_loss: if slope < 0.0 { 0.0 } else { (1.0 - within(&pnl.above(worst + near))).max(0.0) },
        }
    }

    pub fn lognormal(pnl: &ExpiryPnl, law: &Lognormal) -> Self {
        Self::of(pnl, |ranges| law.within(ranges))
    }
}

#[cfg(test)]
mod tests;
