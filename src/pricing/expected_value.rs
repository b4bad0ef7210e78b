//! What a structure is worth before it is opened: three expected values, all net of friction, and the credit
//! that is left after slippage. Dollars throughout.
//!
//! Never: decides. The gate is the caller's; its number is the one under the forecast law.

use super::payoff::ExpiryPnl;
use super::probability::Lognormal;

/// Costs of a round trip.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Friction {
    pub contracts: f64,
    pub open_fee_per_contract: f64,
    pub close_fee_per_contract: f64,
    /// Expected slippage that the credit does not already bear.
    pub slippage: f64,
}

impl Friction {
    pub fn total(&self) -> f64 {
        self.contracts * (self.open_fee_per_contract + self.close_fee_per_contract) + self.slippage
    }
}

/// The whole gain or the whole loss, nothing between: harsh where a loss is mostly partial.
pub fn binary(profit_probability: f64, max_profit: f64, max_loss: f64, friction: f64) -> f64 {
    profit_probability * max_profit - (1.0 - profit_probability) * max_loss - friction
}

/// Against the model's own value: about minus the friction, whatever the structure; a check, no judgement.
/// `model_value` is what holding the structure is worth today, every leg at its own volatility, negative for
/// a structure that was sold; `growth` carries it to the expiry.
pub fn against_model(credit: f64, model_value: f64, growth: f64, friction: f64) -> f64 {
    credit + growth * model_value - friction
}

/// Under a law of the underlying at expiry.
pub fn under(law: &Lognormal, pnl: &ExpiryPnl, friction: f64) -> f64 {
    law.expectation(pnl) - friction
}

/// Halfway between what the market asks and what the underlying did.
pub fn forecast_vol(implied: f64, realised: f64) -> f64 {
    0.5 * (implied + realised)
}

/// The credit per share after crossing the share `aggression` of every leg's half-spread: 0.5 by custom, 1 at
/// the worst price worth taking.
pub fn credit_after_slippage(mid_credit: f64, half_spreads: &[f64], aggression: f64) -> f64 {
    mid_credit - aggression * half_spreads.iter().sum::<f64>()
}

/// Expected gain per dollar that can be lost; `None` where nothing can.
pub fn return_on_risk(expected: f64, max_loss: f64) -> Option<f64> {
    (max_loss > 0.0).then(|| expected / max_loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friction_counts_both_ways() {
        let friction = Friction {
            contracts: 2.0,
            open_fee_per_contract: 1.14,
            close_fee_per_contract: 0.14,
            slippage: 0.0,
        };
        assert!((friction.total() - 2.56).abs() < 1e-12);
    }

    #[test]
    fn the_credit_that_is_left() {
        let got = credit_after_slippage(1.96, &[0.025, 0.025, 0.02, 0.02], 0.5);
        assert!((got - 1.915).abs() < 1e-12);
        assert_eq!(return_on_risk(10.0, 0.0), None);
        assert_eq!(return_on_risk(-9.0, 900.0), Some(-0.01));
    }
}
