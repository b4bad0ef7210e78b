//! Greeks where no boundary's own derivatives are at hand (dividends in cash, exercise on two sides, next to no
//! volatility): differences between solutions.
//!
//! Never: differences what can be had exactly.

use super::greeks::FirstOrder;
use super::premium::Premium;
use super::{Accuracy, American, CashDividend, Valuation};
use crate::domain::units::{PerRate, PerVol, PerVolCubed, PerVolPerYear, PerVolSquared, PerYear};
use crate::pricing::black_scholes::{self, RawGreeks};
use crate::pricing::inputs::OptionInputs;

/// Steps of the differences: relative in volatility and time, absolute in rate and yield.
pub(super) const VOL_STEP: f64 = 0.01;
const RATE_STEP: f64 = 1e-4;
const TIME_STEP: f64 = 0.005;
/// Of the dividends' present values.
const DIVIDEND_STEP: f64 = 0.05;
pub(super) const SPOT_STEP: f64 = 1e-3;

/// Solutions in the neighbourhood of one option that is held on.
pub(super) struct Around<'a> {
    pub inputs: &'a OptionInputs,
    pub dividends: &'a [CashDividend],
    pub accuracy: Accuracy,
    pub solved: &'a American,
    pub now: Valuation,
}

impl Around<'_> {
    pub fn first_order(&self) -> FirstOrder {
        let h = self.vol_step();
        FirstOrder {
            valuation: self.now,
            vega: PerVol((self.by_vol(h, 0.0).price - self.by_vol(-h, 0.0).price) / (2.0 * h)),
            rho: self.rho(),
            phi: self.phi(),
        }
    }

    pub fn all(&self) -> RawGreeks {
        let OptionInputs { spot, strike, .. } = *self.inputs;
        let now = &self.now;
        let h = self.vol_step();
        let (up, down) = (self.by_vol(h, 0.0), self.by_vol(-h, 0.0));
        let (up2, down2) = (self.by_vol(2.0 * h, 0.0), self.by_vol(-2.0 * h, 0.0));
        let slope = |pick: fn(&Valuation) -> f64| {
            (8.0 * (pick(&up) - pick(&down)) - (pick(&up2) - pick(&down2))) / (12.0 * h)
        };
        let wait = self.time_step();
        let later = self.by_vol(0.0, wait);
        let later_vega = (self.by_vol(h, wait).price - self.by_vol(-h, wait).price) / (2.0 * h);
        let (near_sum, far_sum) = (up.price + down.price, up2.price + down2.price);
        let s = SPOT_STEP * spot;
        let paid = self.by_dividends();
        RawGreeks {
            price: now.price,
            delta: now.delta,
            gamma: now.gamma,
            theta: now.theta,
            vega: PerVol(slope(|v| v.price)),
            rho: self.rho(),
            phi: self.phi(),
            vanna: PerVol(slope(|v| v.delta)),
            volga: PerVolSquared((16.0 * near_sum - far_sum - 30.0 * now.price) / (12.0 * h * h)),
            charm: PerYear((later.delta - now.delta) / wait),
            veta: PerVolPerYear((later_vega - (up.price - down.price) / (2.0 * h)) / wait),
            speed: (self.solved.at(spot + s).gamma - self.solved.at(spot - s).gamma) / (2.0 * s),
            zomma: PerVol(slope(|v| v.gamma)),
            color: PerYear((later.gamma - now.gamma) / wait),
            ultima: PerVolCubed(
                (up2.price - down2.price - 2.0 * (up.price - down.price)) / (2.0 * h * h * h),
            ),
            dual_delta: (now.price - spot * now.delta - paid.value) / strike,
            dual_gamma: (spot * spot * now.gamma + 2.0 * spot * paid.slope + paid.curvature)
                / (strike * strike),
        }
    }

    /// How value and delta move with the size of all dividends, and the value's second derivative: the price is
    /// homogeneous in spot, strike and dividends together, so that these are what the strike is left with.
    fn by_dividends(&self) -> Premium {
        if self.dividends.is_empty() {
            return Premium::default();
        }
        let at = |step: f64| {
            let sized =
                |d: &CashDividend| CashDividend { present_value: (1.0 + step) * d.present_value, ..*d };
            let dividends: Vec<CashDividend> = self.dividends.iter().map(sized).collect();
            American::solve(self.inputs, &dividends, self.accuracy).at(self.inputs.spot)
        };
        let (up, down) = (at(DIVIDEND_STEP), at(-DIVIDEND_STEP));
        Premium {
            value: (up.price - down.price) / (2.0 * DIVIDEND_STEP),
            slope: (up.delta - down.delta) / (2.0 * DIVIDEND_STEP),
            curvature: (up.price - 2.0 * self.now.price + down.price) / (DIVIDEND_STEP * DIVIDEND_STEP),
        }
    }

    fn rho(&self) -> PerRate {
        self.per_rate(|moved, step| moved.rate += step)
    }

    /// Where dividends are cash there is no yield to move: there it is that of the European option.
    fn phi(&self) -> PerRate {
        if self.dividends.is_empty() {
            return self.per_rate(|moved, step| moved.dividend_yield += step);
        }
        black_scholes::raw_greeks(self.inputs).phi
    }

    fn vol_step(&self) -> f64 {
        (VOL_STEP * self.inputs.vol_annual).max(1e-6)
    }

    /// Never across an ex-date: there a call's delta jumps.
    fn time_step(&self) -> f64 {
        let first = self.dividends.iter().map(|d| d.years).filter(|years| *years > 0.0);
        first.fold(TIME_STEP * self.inputs.tte_years, |step, years| step.min(0.5 * years))
    }

    /// At another volatility, `wait` years later.
    fn by_vol(&self, step: f64, wait: f64) -> Valuation {
        let moved = OptionInputs {
            vol_annual: (self.inputs.vol_annual + step).max(0.0),
            tte_years: self.inputs.tte_years - wait,
            ..*self.inputs
        };
        let nearer: Vec<CashDividend> =
            self.dividends.iter().map(|d| CashDividend { years: d.years - wait, ..*d }).collect();
        American::solve(&moved, &nearer, self.accuracy).at(self.inputs.spot)
    }

    fn per_rate(&self, change: fn(&mut OptionInputs, f64)) -> PerRate {
        let at = |step: f64| {
            let mut moved = *self.inputs;
            change(&mut moved, step);
            American::solve(&moved, self.dividends, self.accuracy).price(self.inputs.spot)
        };
        PerRate((at(RATE_STEP) - at(-RATE_STEP)) / (2.0 * RATE_STEP))
    }
}
