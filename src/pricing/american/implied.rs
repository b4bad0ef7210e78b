//! The volatility at which an American option has an observed price.
//!
//! Never: answers where every low volatility gives the same price, that of exercising now.

use super::certain::best_payoff;
use super::{Accuracy, American, CashDividend};
use crate::domain::Right;
use crate::pricing::black_scholes;
use crate::pricing::implied_vol::ImpliedVolError;
use crate::pricing::inputs::OptionInputs;

/// What the option is worth without any volatility.
pub(super) fn certain(inputs: &OptionInputs, dividends: &[CashDividend]) -> f64 {
    let escrow: f64 = dividends.iter().filter(|d| d.years > 0.0).map(|d| d.present_value).sum();
    let exercised = (inputs.right.sign() * (inputs.spot + escrow - inputs.strike)).max(0.0);
    best_payoff(&OptionInputs { vol_annual: 0.0, ..*inputs }, dividends, 0.0, inputs.spot).max(exercised)
}

/// What no volatility passes. With more and more of it the underlying is next to nothing but for a vanishing
/// chance of a fortune: a put is worth its strike at the best moment, a call all of its underlying.
fn most(inputs: &OptionInputs, dividends: &[CashDividend]) -> f64 {
    let ruined = best_payoff(&OptionInputs { vol_annual: 0.0, ..*inputs }, dividends, 0.0, 0.0);
    match inputs.right {
        Right::Put => ruined,
        Right::Call => inputs.spot * (-inputs.dividend_yield * inputs.tte_years).exp().max(1.0) + ruined,
    }
}

const MOST_STEPS: usize = 60;
/// Of the strike: far inside a tick.
pub(super) const CLOSE: f64 = 1e-10;
const LEAST_VOL: f64 = 1e-4;
/// Beyond, the boundary of exercise is not resolved well enough to invert.
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
    if let Err(E::NotFinite | E::Expired | E::NegativePrice | E::ZeroPrice | E::OutOfRange) = european {
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
    let most = most(inputs, dividends);
    if price > most + close {
        return Err(E::AboveMax);
    }
    if price >= most - close {
        return Err(E::AtMax);
    }
    let mut low = LEAST_VOL;
    let mut high = european.unwrap_or(MOST_VOL).clamp(2.0 * LEAST_VOL, MOST_VOL);
    let mut above = value(high) - price;
    if above < -close && high < MOST_VOL {
        // The solution for the start is a little low itself, or the European price has no volatility.
        high = MOST_VOL;
        above = value(high) - price;
    }
    if above < -close {
        return Err(E::OutOfRange);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::QuoteInputs;

    fn implied(right: Right, rate: f64, dividend_yield: f64, price: f64) -> Result<f64, ImpliedVolError> {
        let inputs = OptionInputs {
            right,
            spot: 90.0,
            strike: 100.0,
            rate,
            dividend_yield,
            vol_annual: 0.0,
            tte_years: 1.0,
        };
        let OptionInputs { spot, strike, tte_years, .. } = inputs;
        let quote = QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years };
        implied_vol(price, &inputs, &[], Accuracy::Accurate, quote.implied_vol())
    }

    #[test]
    fn the_highest_price_is_that_of_the_best_moment() {
        use ImpliedVolError as E;
        let grown = 100.0 * 0.05f64.exp();
        for (right, rate, dividend_yield, highest) in [
            (Right::Put, 0.05, 0.0, 100.0),
            (Right::Put, 0.0, 0.02, 100.0),
            (Right::Put, -0.05, 0.0, grown),
            (Right::Call, 0.0, 0.02, 90.0),
            (Right::Call, 0.05, 0.0, 90.0),
            (Right::Call, 0.0, -0.05, 0.9 * grown),
        ] {
            let at = |price: f64| implied(right, rate, dividend_yield, price);
            assert_eq!(at(highest), Err(E::AtMax), "{right:?} {rate} {dividend_yield}");
            assert_eq!(at(highest + 1e-6), Err(E::AboveMax), "{right:?} {rate} {dividend_yield}");
            assert!(matches!(at(0.9 * highest), Ok(vol) if vol > 1.0), "{right:?} {rate} {dividend_yield}");
        }
        // It has a volatility, of more than 10,000 %.
        assert_eq!(implied(Right::Put, 0.05, 0.0, 99.99), Err(E::OutOfRange));
    }

    #[test]
    fn with_dividends_a_put_is_worth_its_strike_once_they_are_paid() {
        use ImpliedVolError as E;
        let put = OptionInputs {
            right: Right::Put,
            spot: 88.0,
            strike: 100.0,
            rate: 0.0,
            dividend_yield: 0.0,
            vol_annual: 0.0,
            tte_years: 1.0,
        };
        let paid = [CashDividend { years: 0.5, present_value: 2.0 }];
        let at = |price| implied_vol(price, &put, &paid, Accuracy::Accurate, Err(E::AtMax));
        assert_eq!((at(100.0), at(100.01)), (Err(E::AtMax), Err(E::AboveMax)));
    }
}
