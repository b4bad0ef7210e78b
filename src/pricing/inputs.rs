//! What the model needs to know about one option.

use crate::domain::Right;

/// Rates continuously compounded per year; volatility per √year (0.20 is 20 %); time in years of
/// 365 × 86 400 seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionInputs {
    pub right: Right,
    pub spot: f64,
    pub strike: f64,
    pub rate: f64,
    pub dividend_yield: f64,
    pub vol_annual: f64,
    pub tte_years: f64,
}

impl OptionInputs {
    /// The forward price of the underlying at expiry.
    pub fn forward(&self) -> f64 {
        self.spot * ((self.rate - self.dividend_yield) * self.tte_years).exp()
    }

    pub fn intrinsic(&self) -> f64 {
        (self.right.sign() * (self.spot - self.strike)).max(0.0)
    }

    /// A number the model can price: finite, spot and strike not negative, volatility not negative.
    pub fn is_valid(&self) -> bool {
        [self.spot, self.strike, self.rate, self.dividend_yield, self.vol_annual, self.tte_years]
            .iter()
            .all(|x| x.is_finite())
            && self.spot >= 0.0
            && self.strike >= 0.0
            && self.vol_annual >= 0.0
    }
}
