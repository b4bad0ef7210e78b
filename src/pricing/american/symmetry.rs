//! Put-call symmetry: every option as a put with strike 1, and its value turned back.
//!
//! Never: prices anything.

use super::boundary::Problem;
use super::premium::Premium;
use crate::domain::Right;
use crate::pricing::inputs::OptionInputs;

/// By put-call symmetry a call on S at K is a put on K at S with rate and yield exchanged.
pub(super) fn problem(terms: &OptionInputs) -> Problem {
    let OptionInputs { rate, dividend_yield, vol_annual: vol, tte_years: t, .. } = *terms;
    match terms.right {
        Right::Put => Problem { rate, div: dividend_yield, vol, t },
        Right::Call => Problem { rate: dividend_yield, div: rate, vol, t },
    }
}

/// The spot of the put with strike 1 that stands for the option, and what its value is multiplied by; `None`
/// where the spot is zero or not a number.
pub(super) fn normalised(inputs: &OptionInputs) -> Option<(f64, f64)> {
    let (spot, scale) = match inputs.right {
        Right::Put => (inputs.spot / inputs.strike, inputs.strike),
        Right::Call => (inputs.strike / inputs.spot, inputs.spot),
    };
    (spot > 0.0 && spot.is_finite()).then_some((spot, scale))
}

/// What the put with strike 1 that stands for the option adds, as a premium of the option itself.
pub(super) fn turned(put: Premium, inputs: &OptionInputs, scale: f64) -> Premium {
    match inputs.right {
        Right::Put => {
            Premium { value: scale * put.value, slope: put.slope, curvature: put.curvature / scale }
        }
        // Premium of the call = S·p(K/S).
        Right::Call => {
            let moneyness = inputs.strike / inputs.spot;
            Premium {
                value: scale * put.value,
                slope: put.value - moneyness * put.slope,
                curvature: put.curvature * moneyness * moneyness / inputs.spot,
            }
        }
    }
}
