//! All Greeks of an American option: what one solution gives, and differences between solutions for the
//! rest.
//!
//! Never: differences what can be had exactly.

use super::boundary::Equation;
use super::{Accuracy, American, CashDividend, Status, Valuation};
use crate::domain::units::{PerRate, PerVol, PerVolSquared, PerYear};
use crate::pricing::black_scholes::{self, RawGreeks, UnitGreeks};
use crate::pricing::inputs::OptionInputs;

/// Steps of the differences: relative in volatility and time, absolute in rate and yield.
const VOL_STEP: f64 = 0.01;
const RATE_STEP: f64 = 1e-4;
const TIME_STEP: f64 = 0.005;
const SPOT_STEP: f64 = 1e-3;

/// Value and Greeks of one unit, in the units of the screen: six solutions in all.
pub fn greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> UnitGreeks {
    Around { inputs, dividends, accuracy, equation: American::equation(inputs) }.first().raw.into()
}

/// Value and Greeks of one unit, in mathematical units; the spot in `inputs` is the escrowed one, and the
/// dividends' present values stay what they are when the rate moves.
pub fn raw_greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> RawGreeks {
    Around { inputs, dividends, accuracy, equation: American::equation(inputs) }.all()
}

/// Solutions in the neighbourhood of one option.
struct Around<'a> {
    inputs: &'a OptionInputs,
    dividends: &'a [CashDividend],
    accuracy: Accuracy,
    equation: Equation,
}

struct First {
    raw: RawGreeks,
    /// Where more is to be known: the option held on.
    near: Option<Near>,
}

struct Near {
    now: Valuation,
    up: Valuation,
    down: Valuation,
    later: Valuation,
}

impl Around<'_> {
    /// All that the screen shows.
    fn first(&self) -> First {
        let inputs = self.inputs;
        let spot = inputs.spot;
        let solved = American::solve(inputs, self.dividends, self.accuracy);
        let now = solved.at(spot);
        if now.status == Status::European {
            return First { raw: black_scholes::raw_greeks(inputs), near: None };
        }
        let known = RawGreeks {
            price: now.price,
            delta: now.delta,
            gamma: now.gamma,
            theta: PerYear(now.theta),
            ..RawGreeks::default()
        };
        if now.status == Status::Exercise {
            let dual_delta = -inputs.right.sign();
            return First { raw: RawGreeks { dual_delta, ..known }, near: None };
        }
        let h = self.vol_step();
        let (up, down) = (self.by_vol(h, 0.0), self.by_vol(-h, 0.0));
        let later = self.by_vol(0.0, self.time_step());
        let s = SPOT_STEP * spot;
        let (above, below) = (solved.at(spot + s), solved.at(spot - s));
        let raw = RawGreeks {
            vega: PerVol((up.price - down.price) / (2.0 * h)),
            rho: PerRate(self.per_rate(|moved, step| moved.rate += step)),
            vanna: PerVol((up.delta - down.delta) / (2.0 * h)),
            volga: PerVolSquared((up.price - 2.0 * now.price + down.price) / (h * h)),
            charm: PerYear((later.delta - now.delta) / self.time_step()),
            speed: (above.gamma - below.gamma) / (2.0 * s),
            ..known
        };
        First { raw: raw.finite(), near: Some(Near { now, up, down, later }) }
    }

    fn all(&self) -> RawGreeks {
        let First { raw, near } = self.first();
        let Some(Near { now, up, down, later }) = near else { return raw };
        let OptionInputs { spot, strike, .. } = *self.inputs;
        let h = self.vol_step();
        let (up2, down2) = (self.by_vol(2.0 * h, 0.0), self.by_vol(-2.0 * h, 0.0));
        let slope = |pick: fn(&Valuation) -> f64| {
            (8.0 * (pick(&up) - pick(&down)) - (pick(&up2) - pick(&down2))) / (12.0 * h)
        };
        let wait = self.time_step();
        let later_vega = (self.by_vol(h, wait).price - self.by_vol(-h, wait).price) / (2.0 * h);
        let (near_sum, far_sum) = (up.price + down.price, up2.price + down2.price);
        RawGreeks {
            vega: PerVol(slope(|v| v.price)),
            vanna: PerVol(slope(|v| v.delta)),
            zomma: slope(|v| v.gamma),
            volga: PerVolSquared((16.0 * near_sum - far_sum - 30.0 * now.price) / (12.0 * h * h)),
            ultima: (up2.price - down2.price - 2.0 * (up.price - down.price)) / (2.0 * h * h * h),
            phi: PerRate(self.per_rate(|moved, step| moved.dividend_yield += step)),
            color: (later.gamma - now.gamma) / wait,
            veta: (later_vega - raw.vega.0) / wait,
            dual_delta: (now.price - spot * now.delta) / strike,
            dual_gamma: now.gamma * spot * spot / (strike * strike),
            ..raw
        }
        .finite()
    }

    fn vol_step(&self) -> f64 {
        (VOL_STEP * self.inputs.vol_annual).max(1e-6)
    }

    fn time_step(&self) -> f64 {
        TIME_STEP * self.inputs.tte_years
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
        American::solve_by(self.equation, &moved, &nearer, self.accuracy).at(self.inputs.spot)
    }

    /// Where rate and yield meet, the boundary's limit at expiry has a kink that a fast solution feels.
    fn per_rate(&self, change: fn(&mut OptionInputs, f64)) -> f64 {
        let at = |step: f64| {
            let mut moved = *self.inputs;
            change(&mut moved, step);
            let solved = American::solve_by(self.equation, &moved, self.dividends, self.accuracy.finer());
            solved.price(self.inputs.spot)
        };
        (at(RATE_STEP) - at(-RATE_STEP)) / (2.0 * RATE_STEP)
    }
}
