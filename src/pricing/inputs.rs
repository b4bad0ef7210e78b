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
    /// An option on a forward or future (Black, 1976): the forward stands in for the spot and carries no
    /// drift, the value is discounted at `rate`. Delta and gamma are then per $1 of the forward; what the
    /// value gains per 1.00 of rate with the forward held is `rho + phi`.
    pub fn on_forward(
        right: Right,
        forward: f64,
        strike: f64,
        rate: f64,
        vol_annual: f64,
        tte_years: f64,
    ) -> Self {
        Self { right, spot: forward, strike, rate, dividend_yield: rate, vol_annual, tte_years }
    }

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
