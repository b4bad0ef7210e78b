//! When the holder of an option may exercise it, and the one place that picks the model from that.
//!
//! Never: mixes models: price, Greeks, implied volatility and boundary of one contract come from the same one.

use std::sync::Arc;

use super::american::{self, Accuracy, American, CashDividend, VolNodes};
use super::black_scholes::{self, UnitGreeks};
use super::implied_vol::{ImpliedVolError, implied_vol};
use super::inputs::OptionInputs;

/// Of every live figure: errors far below a cent, a few microseconds each.
const ACCURACY: Accuracy = Accuracy::Fast;

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Exercise {
    /// European: only at expiry.
    #[default]
    AtExpiry,
    /// American. The spot in the inputs is the escrowed one where there are dividends.
    Anytime { dividends: Arc<[CashDividend]> },
}

impl Exercise {
    /// American without cash dividends to come.
    pub fn anytime() -> Self {
        Self::Anytime { dividends: Arc::from([]) }
    }

    pub fn price(&self, inputs: &OptionInputs) -> f64 {
        match self {
            Self::AtExpiry => black_scholes::price(inputs),
            Self::Anytime { dividends } => american::price(inputs, dividends, ACCURACY),
        }
    }

    pub fn greeks(&self, inputs: &OptionInputs) -> UnitGreeks {
        match self {
            Self::AtExpiry => black_scholes::greeks(inputs),
            Self::Anytime { dividends } => american::greeks(inputs, dividends, ACCURACY),
        }
    }

    /// Without the Greeks that would need further solutions.
    pub fn delta(&self, inputs: &OptionInputs) -> f64 {
        match self {
            Self::AtExpiry => black_scholes::greeks(inputs).delta,
            Self::Anytime { dividends } => American::solve(inputs, dividends, ACCURACY).at(inputs.spot).delta,
        }
    }

    /// All that early exercise needs to be known but the spot; `None` where it is never right.
    pub fn early(&self, terms: &OptionInputs) -> Option<American> {
        match self {
            Self::AtExpiry => None,
            Self::Anytime { dividends } => {
                let solved = American::solve(terms, dividends, ACCURACY);
                (!solved.is_european()).then_some(solved)
            }
        }
    }

    /// The same contract `years` later: dividends are nearer, those that have gone ex are gone.
    pub fn later(&self, years: f64, rate: f64) -> Self {
        match self {
            Self::Anytime { dividends } if years > 0.0 && !dividends.is_empty() => {
                let grown = (rate * years).exp();
                let left = dividends.iter().filter(|d| d.years > years);
                Self::Anytime {
                    dividends: left
                        .map(|d| CashDividend {
                            years: d.years - years,
                            present_value: d.present_value * grown,
                        })
                        .collect(),
                }
            }
            same => same.clone(),
        }
    }

    /// Present value of the dividends to come within `years`; `None` where the model knows none of them.
    pub fn escrow(&self, years: f64) -> Option<f64> {
        match self {
            Self::AtExpiry => None,
            Self::Anytime { dividends } => {
                let coming = dividends.iter().filter(|d| d.years > 0.0 && d.years <= years);
                Some(coming.map(|d| d.present_value).sum())
            }
        }
    }

    /// As [`Self::implied_vol`], for one contract whose quote and spot move: what can be known without them is
    /// kept in `kept`, and the answer is the same whatever is in it.
    pub fn implied_vol_kept(
        &self,
        price: f64,
        inputs: &OptionInputs,
        kept: &mut Option<VolNodes>,
    ) -> Result<f64, ImpliedVolError> {
        let Self::Anytime { dividends } = self else { return self.implied_vol(price, inputs) };
        let nodes = match kept {
            Some(nodes) if nodes.is_of(inputs, dividends) => nodes,
            _ => kept.insert(VolNodes::new(inputs, dividends, ACCURACY)),
        };
        let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = *inputs;
        nodes.implied_vol(price, spot, || {
            implied_vol(right, price, spot, strike, rate, dividend_yield, tte_years)
        })
    }

    /// The volatility at which the model gives `price`; that in `inputs` is not used.
    pub fn implied_vol(&self, price: f64, inputs: &OptionInputs) -> Result<f64, ImpliedVolError> {
        let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = *inputs;
        let european = implied_vol(right, price, spot, strike, rate, dividend_yield, tte_years);
        match self {
            Self::AtExpiry => european,
            Self::Anytime { dividends } => {
                american::implied_vol(price, inputs, dividends, ACCURACY, european)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Right;

    fn put() -> OptionInputs {
        OptionInputs {
            right: Right::Put,
            spot: 95.0,
            strike: 100.0,
            rate: 0.04,
            dividend_yield: 0.0,
            vol_annual: 0.25,
            tte_years: 0.5,
        }
    }

    #[test]
    fn every_figure_comes_from_the_same_model() {
        let dividends: Arc<[CashDividend]> = Arc::from([CashDividend { years: 0.1, present_value: 0.8 }]);
        for exercise in [Exercise::AtExpiry, Exercise::anytime(), Exercise::Anytime { dividends }] {
            let price = exercise.price(&put());
            let greeks = exercise.greeks(&put());
            assert!((price - greeks.price).abs() < 1e-12);
            let early = exercise.early(&put());
            assert_eq!(early.map_or(black_scholes::price(&put()), |solved| solved.price(95.0)), price);
            assert!((exercise.delta(&put()) - greeks.delta).abs() < 1e-12);
            let vol = exercise.implied_vol(price, &put()).expect("a volatility");
            assert!((vol - 0.25).abs() < 1e-7, "{exercise:?} {vol}");
            let kept = exercise.implied_vol_kept(price, &put(), &mut None).expect("a volatility");
            assert!((kept - 0.25).abs() < 1e-6, "{exercise:?} {kept}");
        }
    }

    #[test]
    fn dividends_come_nearer_and_go() {
        let dividends: Arc<[CashDividend]> = Arc::from(
            [(0.1, 0.8), (0.3, 0.9)].map(|(years, present_value)| CashDividend { years, present_value }),
        );
        let exercise = Exercise::Anytime { dividends };
        assert_eq!((exercise.escrow(0.5), exercise.escrow(0.2)), (Some(0.8 + 0.9), Some(0.8)));
        assert_eq!(exercise.later(0.2, 0.0).escrow(0.3), Some(0.9), "the first one has gone ex");
        assert_eq!(Exercise::AtExpiry.escrow(1.0), None);
        let Exercise::Anytime { dividends } = exercise.later(0.2, 0.05) else {
            unreachable!("an American contract stays one")
        };
        assert_eq!(dividends.len(), 1);
        assert!((dividends[0].years - 0.1).abs() < 1e-12);
        assert!((dividends[0].present_value - 0.9 * 0.01f64.exp()).abs() < 1e-12);
        assert_eq!(exercise.later(0.0, 0.05), exercise);
    }
}
