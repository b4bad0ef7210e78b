//! All Greeks of an American option: what one solution gives, and differences between solutions for the
//! rest.
//!
//! Never: differences what can be had exactly.

use super::{Accuracy, American, CashDividend, Status, Valuation};
use crate::pricing::black_scholes::{self, RawGreeks, UnitGreeks};
use crate::pricing::inputs::OptionInputs;
use crate::pricing::units::{PerRate, PerVol, PerVolSquared, PerYear};

/// Steps of the differences: relative in volatility and time, absolute in rate and yield.
const VOL_STEP: f64 = 0.01;
const RATE_STEP: f64 = 1e-4;
const TIME_STEP: f64 = 0.005;
const SPOT_STEP: f64 = 1e-3;

/// Value and Greeks of one unit, in the units of the screen.
pub fn greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> UnitGreeks {
    raw_greeks(inputs, dividends, accuracy).into()
}

/// Value and Greeks of one unit, in mathematical units; the spot in `inputs` is the escrowed one, and the
/// dividends' present values stay what they are when the rate moves.
pub fn raw_greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> RawGreeks {
    let spot = inputs.spot;
    let solved = American::solve(inputs, dividends, accuracy);
    let now = solved.at(spot);
    if now.status == Status::European {
        return black_scholes::raw_greeks(inputs);
    }
    let known = RawGreeks {
        price: now.price,
        delta: now.delta,
        gamma: now.gamma,
        theta: PerYear(now.theta),
        dual_delta: if inputs.strike > 0.0 { (now.price - spot * now.delta) / inputs.strike } else { 0.0 },
        ..RawGreeks::default()
    };
    if now.status == Status::Exercise {
        return RawGreeks { dual_delta: -inputs.right.sign(), ..known };
    }
    let equation = American::equation(inputs);
    let (vol, t) = (inputs.vol_annual, inputs.tte_years);
    let h = (VOL_STEP * vol).max(1e-6);
    let by_vol = |steps: f64| {
        let moved = OptionInputs { vol_annual: (vol + steps * h).max(0.0), ..*inputs };
        American::solve_by(equation, &moved, dividends, accuracy).at(spot)
    };
    let (up, down, up2, down2) = (by_vol(1.0), by_vol(-1.0), by_vol(2.0), by_vol(-2.0));
    let slope = |pick: fn(&Valuation) -> f64| {
        (8.0 * (pick(&up) - pick(&down)) - (pick(&up2) - pick(&down2))) / (12.0 * h)
    };
    // Where rate and yield meet, the boundary's limit at expiry has a kink that a fast solution feels.
    let per_rate = |change: fn(&mut OptionInputs, f64)| {
        let at = |step: f64| {
            let mut moved = *inputs;
            change(&mut moved, step);
            American::solve_by(equation, &moved, dividends, accuracy.finer()).price(spot)
        };
        (at(RATE_STEP) - at(-RATE_STEP)) / (2.0 * RATE_STEP)
    };
    let s = SPOT_STEP * spot;
    let (above, below) = (solved.at(spot + s), solved.at(spot - s));
    let later = Later::of(inputs, dividends, accuracy, TIME_STEP * t);
    let vega = slope(|v| v.price);
    RawGreeks {
        vega: PerVol(vega),
        rho: PerRate(per_rate(|moved, step| moved.rate += step)),
        phi: PerRate(per_rate(|moved, step| moved.dividend_yield += step)),
        vanna: PerVol(slope(|v| v.delta)),
        volga: PerVolSquared(
            (16.0 * (up.price + down.price) - (up2.price + down2.price) - 30.0 * now.price) / (12.0 * h * h),
        ),
        zomma: slope(|v| v.gamma),
        ultima: (up2.price - down2.price - 2.0 * (up.price - down.price)) / (2.0 * h * h * h),
        speed: (above.gamma - below.gamma) / (2.0 * s),
        charm: PerYear(later.slope(&now, |v| v.delta)),
        color: later.slope(&now, |v| v.gamma),
        veta: (later.vega - vega) / later.step,
        dual_gamma: now.gamma * spot * spot / (inputs.strike * inputs.strike),
        ..known
    }
    .finite()
}

/// The same option a little later, dividends nearer by the same time.
struct Later {
    step: f64,
    value: Valuation,
    vega: f64,
}

impl Later {
    fn of(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy, step: f64) -> Self {
        let nearer: Vec<CashDividend> =
            dividends.iter().map(|d| CashDividend { years: d.years - step, ..*d }).collect();
        let (spot, equation) = (inputs.spot, American::equation(inputs));
        let at = |vol_annual: f64| {
            let then = OptionInputs { vol_annual, tte_years: inputs.tte_years - step, ..*inputs };
            American::solve_by(equation, &then, &nearer, accuracy).at(spot)
        };
        let h = (VOL_STEP * inputs.vol_annual).max(1e-6);
        let (up, down) = (at(inputs.vol_annual + h), at((inputs.vol_annual - h).max(0.0)));
        Self { step, value: at(inputs.vol_annual), vega: (up.price - down.price) / (2.0 * h) }
    }

    fn slope(&self, now: &Valuation, pick: fn(&Valuation) -> f64) -> f64 {
        (pick(&self.value) - pick(now)) / self.step
    }
}
