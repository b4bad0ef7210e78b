//! Implied volatilities of one contract, over and over as quote and spot move: solutions at volatilities of a
//! fixed grid are kept, since a solution knows no spot, and what early exercise adds is read between them.
//!
//! Never: lets an answer depend on what was asked before. Which volatilities are solved follows from the
//! question alone; what is kept is only not solved again.

use std::sync::Arc;

use super::cubic::Cubic;
use super::implied::{CLOSE, certain, implied_vol};
use super::{Accuracy, American, CashDividend};
use crate::pricing::black_scholes;
use crate::pricing::implied_vol::ImpliedVolError;
use crate::pricing::inputs::OptionInputs;

/// Grid volatilities per doubling: about 2 % apart.
const PER_DOUBLING: f64 = 32.0;
/// Of the strike: between volatilities where the third difference is larger, something begins or ends, and
/// the solver itself has to look.
const BENT: f64 = 1e-6;
/// Total volatility up to which the solutions are smooth enough in it.
const WIDEST: f64 = 1.0;
/// A spot that jumps asks for others; those that were asked for first go first.
const MOST_NODES: usize = 12;
const MOST_STEPS: usize = 24;

/// One contract at one moment, at any spot and price.
#[derive(Debug)]
pub struct VolNodes {
    /// Neither the spot nor the volatility in it is used.
    terms: OptionInputs,
    dividends: Arc<[CashDividend]>,
    accuracy: Accuracy,
    nodes: Vec<(i32, American)>,
    /// The last question, price and spot, and its answer.
    last: Option<(f64, f64, Result<f64, ImpliedVolError>)>,
}

impl VolNodes {
    pub fn new(terms: &OptionInputs, dividends: &Arc<[CashDividend]>, accuracy: Accuracy) -> Self {
        Self { terms: *terms, dividends: Arc::clone(dividends), accuracy, nodes: Vec::new(), last: None }
    }

    /// Whether everything but spot, price and volatility is the same to the bit.
    pub fn is_of(&self, terms: &OptionInputs, dividends: &[CashDividend]) -> bool {
        let key =
            |t: &OptionInputs| (t.right, [t.strike, t.rate, t.dividend_yield, t.tte_years].map(f64::to_bits));
        key(&self.terms) == key(terms) && *self.dividends == *dividends
    }

    /// As the solver answers, to far less than a tick: `european` is the answer for the European option.
    pub fn implied_vol(
        &mut self,
        price: f64,
        spot: f64,
        european: impl FnOnce() -> Result<f64, ImpliedVolError>,
    ) -> Result<f64, ImpliedVolError> {
        if let Some((of_price, at_spot, vol)) = self.last
            && of_price.to_bits() == price.to_bits()
            && at_spot.to_bits() == spot.to_bits()
        {
            return vol;
        }
        let european = european();
        let inputs = OptionInputs { spot, ..self.terms };
        let vol = match european.ok().and_then(|start| self.between_nodes(price, &inputs, start)) {
            Some(vol) => Ok(vol),
            None => implied_vol(price, &inputs, &self.dividends, self.accuracy, european),
        };
        self.last = Some((price, spot, vol));
        vol
    }

    /// European value plus what early exercise adds, the latter by the cubic through four nodes.
    fn between_nodes(&mut self, price: f64, inputs: &OptionInputs, start: f64) -> Option<f64> {
        let close = CLOSE * inputs.strike;
        let wide = start * inputs.tte_years.sqrt() > WIDEST;
        if wide || price <= certain(inputs, &self.dividends) + close {
            return None;
        }
        let mut log = PER_DOUBLING * start.log2();
        let mut cell = None;
        for _ in 0..MOST_STEPS {
            let place = log.floor();
            let (base, cubic) = match cell {
                // A little beyond its cell the same cubic goes on, so that a root at the edge is found.
                Some((base, cubic)) if log >= base - 0.25 && log <= base + 1.25 => (base, cubic),
                _ if place.abs() < 1_000.0 => (place, Cubic::through(self.premiums(place as i32, inputs)?)),
                _ => return None,
            };
            cell = Some((base, cubic));
            if cubic.bend().abs() > BENT * inputs.strike {
                return None;
            }
            let u = log - base;
            let vol_annual = (log / PER_DOUBLING).exp2();
            let european = black_scholes::raw_greeks(&OptionInputs { vol_annual, ..*inputs });
            let off = european.price + cubic.value(u) - price;
            if off.abs() <= close {
                return Some(vol_annual);
            }
            let per_log = std::f64::consts::LN_2 / PER_DOUBLING;
            let slope = european.vega.0 * vol_annual * per_log + cubic.slope(u);
            // At most a cell at a time: the European slope of a far wing overshoots.
            let step = (off / slope).clamp(-8.0, 8.0);
            if !(slope > 0.0 && step.is_finite()) {
                return None;
            }
            log -= step;
        }
        None
    }

    /// What early exercise adds at the four volatilities around a cell; `None` where it is right at once at
    /// one of them.
    fn premiums(&mut self, cell: i32, inputs: &OptionInputs) -> Option<[f64; 4]> {
        let mut found = [0.0; 4];
        for (premium, place) in found.iter_mut().zip(cell - 1..) {
            *premium = self.node(place).premium(inputs.spot)?;
        }
        Some(found)
    }

    fn node(&mut self, place: i32) -> &American {
        let known = self.nodes.iter().position(|(at, _)| *at == place);
        let at = known.unwrap_or_else(|| {
            if self.nodes.len() >= MOST_NODES {
                self.nodes.remove(0);
            }
            let vol_annual = (f64::from(place) / PER_DOUBLING).exp2();
            let terms = OptionInputs { vol_annual, ..self.terms };
            self.nodes.push((place, American::solve(&terms, &self.dividends, self.accuracy)));
            self.nodes.len() - 1
        });
        &self.nodes[at].1
    }
}

#[cfg(test)]
mod tests;
