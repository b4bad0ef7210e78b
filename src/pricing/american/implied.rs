//! The volatility at which an American option has an observed price.
//!
//! Never: answers where every low volatility gives the same price, that of exercising now.

use super::certain::best_payoff;
use super::{Accuracy, American, CashDividend};
use crate::pricing::black_scholes;
use crate::pricing::implied_vol::ImpliedVolError;
use crate::pricing::inputs::OptionInputs;

/// What the option is worth without any volatility.
pub(super) fn certain(inputs: &OptionInputs, dividends: &[CashDividend]) -> f64 {
    let escrow: f64 = dividends.iter().filter(|d| d.years > 0.0).map(|d| d.present_value).sum();
    let exercised = (inputs.right.sign() * (inputs.spot + escrow - inputs.strike)).max(0.0);
    best_payoff(&OptionInputs { vol_annual: 0.0, ..*inputs }, dividends, 0.0, inputs.spot).max(exercised)
}

const MOST_STEPS: usize = 60;
/// Of the strike: far inside a tick.
pub(super) const CLOSE: f64 = 1e-10;
const LEAST_VOL: f64 = 1e-4;
const MOST_VOL: f64 = 20.0;

/// `european` is the answer for the European option: never too low, because an American one is worth at
/// least as much, and close where early exercise is worth little.
pub fn implied_vol(
    price: f64,
    inputs: &OptionInputs,
    dividends: &[CashDividend],
    accuracy: Accuracy,
    european: Result<f64, ImpliedVolError>,
) -> Result<f64, ImpliedVolError> {
    use ImpliedVolError as E;
    if let Err(E::NotFinite | E::Expired | E::NegativePrice | E::ZeroPrice) = european {
        return european;
    }
    let at = |vol_annual: f64| OptionInputs { vol_annual, ..*inputs };
    let value = |vol: f64| American::solve(&at(vol), dividends, accuracy).price(inputs.spot);
    let certain = certain(inputs, dividends);
    let close = CLOSE * inputs.strike;
    if price < certain - close {
        return Err(E::BelowIntrinsic);
    }
    if price <= certain + close {
        return Err(E::AtIntrinsic);
    }
    let mut low = LEAST_VOL;
    let mut high = european.unwrap_or(MOST_VOL).clamp(2.0 * LEAST_VOL, MOST_VOL);
    let mut above = value(high) - price;
    if above < -close {
        // The solution for the start is a little low itself, or the European price has no volatility.
        high = MOST_VOL;
        above = value(high) - price;
    }
    if above < -close {
        return Err(E::AboveMax);
    }
    // The European slope is nearly the American one: a step with it nearly lands, secants finish, and the
    // bracket catches where neither does.
    let (mut vol, mut off) = (high, above);
    let mut slope = black_scholes::raw_greeks(&at(vol)).vega.0;
    for _ in 0..MOST_STEPS {
        if off.abs() <= close || high - low < 1e-13 {
            break;
        }
        let mut next = vol - off / slope;
        if next.is_nan() || next <= low || next >= high {
            next = 0.5 * (low + high);
        }
        let next_off = value(next) - price;
        slope = (next_off - off) / (next - vol);
        (vol, off) = (next, next_off);
        if off < 0.0 {
            low = vol;
        } else {
            high = vol;
        }
    }
    // At the lower end exercise was worth more than the price all the way down.
    if off.abs() > 1e-6 * inputs.strike { Err(E::AtIntrinsic) } else { Ok(vol) }
}
