//! American options: value and Greeks with a continuous yield or with cash dividends.
//!
//! One [`American`] is solved for a volatility, a rate, a yield, a time and a strike, and then answers for
//! any spot: where exercise begins does not depend on the spot, so a ladder of spots costs little more than
//! one price.
//!
//! Never: below intrinsic or below European value; NaN for finite inputs.

mod boundary;
mod calls;
mod certain;
mod cross;
mod cubic;
mod differences;
mod gaps;
mod greeks;
mod implied;
mod integrals;
mod ladder;
#[cfg(test)]
mod lattice;
mod linear;
mod newton;
mod nodes;
mod premium;
mod symmetry;
mod tables;
mod two_sided;

pub use greeks::{FirstOrder, first_order, greeks, raw_greeks, raw_greeks_in_range};
pub use implied::implied_vol;
pub use nodes::VolNodes;

use self::calls::Calls;
use self::certain::{best_payoff, escrow_after, wildest};
use self::gaps::Gapped;
#[cfg(test)]
use self::lattice::Lattice;
use self::premium::{Boundary, Premium};
use self::symmetry::{normalised, problem, turned};
use self::two_sided::TwoSided;
use super::black_scholes;
use super::inputs::OptionInputs;
use crate::domain::Right;
use crate::domain::units::PerYear;

/// How close to the true value, in shares of the strike: root mean square and worst over the reference
/// table, which reaches to ten years and 150 % volatility. With exercise on two sides (below-zero rates) the modes
/// are within 2e-6, 1e-7 and 1.2e-8 at worst. With dividends in cash, too, a put keeps to the figures below; where
/// the rate is a thousandth of the variance the two faster modes are off by up to 1e-5 and 2e-6. A call before
/// dividends is a chain of integrals, the same in every mode; at rates below zero it lacks what exercise between
/// two ex-dates earns, at most the interest on the strike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Accuracy {
    /// 7e-7 and 5e-6: live books and scenario grids.
    #[default]
    Fast,
    /// 5e-8 and 3e-7.
    Accurate,
    /// 1e-9 and 7e-9.
    High,
}

/// What the holder should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Hold; early exercise may become right later.
    Continuation,
    /// Exercise now: the value is intrinsic.
    Exercise,
    /// Early exercise is never right: the value is European.
    European,
}

/// A dividend in cash during the life of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CashDividend {
    /// From today to the ex-date.
    pub years: f64,
    /// Worth today.
    pub present_value: f64,
}

/// Value at one spot and what one solution gives beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valuation {
    pub status: Status,
    pub price: f64,
    pub delta: f64,
    pub gamma: f64,
    pub theta: PerYear,
}

/// All that can be known of an option before its spot is.
///
/// With cash dividends the spot meant everywhere is the escrowed one: the plain spot less the present value
/// of the dividends to come. Exercise is worth what the plain spot makes it worth.
#[derive(Debug, Clone)]
pub struct American {
    /// The spot in it is not used.
    terms: OptionInputs,
    /// Present value of the dividends to come.
    escrow: f64,
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    /// Early exercise is never right, or nothing is left to decide.
    European,
    /// No volatility to speak of.
    Certain(Vec<CashDividend>),
    Boundary(Boundary),
    Calls(Calls),
    /// A put before dividends in cash.
    Gapped(Gapped),
    TwoSided(Box<TwoSided>),
    /// So much volatility that the underlying as good as falls to nothing, or rises beyond every strike, at once.
    Wild(Vec<CashDividend>),
    /// Outside what any method here resolves, such as cash dividends beside a yield: the larger of the European
    /// value and the best certain payoff, a lower bound.
    Bound(Vec<CashDividend>),
}

/// Of the strike: as good as nothing, and its logarithm still a number.
const WORTHLESS: f64 = 1e-12;
/// Total volatility below which a path is as good as certain.
const NO_VOLATILITY: f64 = 1e-6;
/// Total volatility above which, where no method settles, the value is its limit.
const WILD: f64 = 30.0;

impl American {
    pub fn solve(terms: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> Self {
        let coming: Vec<CashDividend> = dividends
            .iter()
            .copied()
            .filter(|d| d.years > 0.0 && d.years <= terms.tte_years && d.present_value > 0.0)
            .collect();
        let escrow = escrow_after(&coming, 0.0, terms.rate);
        Self { terms: *terms, escrow, engine: engine(terms, coming, accuracy) }
    }

    pub fn price(&self, spot: f64) -> f64 {
        self.above(black_scholes::price(&OptionInputs { spot, ..self.terms }), spot)
    }

    /// The price where the European value is known.
    fn above(&self, european: f64, spot: f64) -> f64 {
        let inputs = OptionInputs { spot, ..self.terms };
        let exercise = self.exercise(spot);
        let held = match &self.engine {
            Engine::European => european,
            Engine::Certain(dividends) | Engine::Bound(dividends) => {
                best_payoff(&self.terms, dividends, 0.0, spot)
            }
            Engine::Boundary(boundary) => match normalised(&inputs) {
                Some((spot, _)) if spot <= boundary.today => exercise,
                Some((spot, scale)) => {
                    let held = european + scale * boundary.value(spot).max(0.0);
                    boundary.ceiling(spot).map_or(held, |most| held.min(scale * most))
                }
                None => exercise,
            },
            Engine::Gapped(gapped) => match normalised(&inputs) {
                Some((spot, scale)) if spot > gapped.today => european + scale * gapped.value(spot).max(0.0),
                // In a gap even a worthless share is better waited with.
                None if gapped.today == 0.0 => {
                    european + self.terms.strike * gapped.value(WORTHLESS).max(0.0)
                }
                _ => exercise,
            },
            Engine::Wild(dividends) => wildest(&self.terms, dividends, spot),
            Engine::Calls(calls) => calls.at(spot).value,
            Engine::TwoSided(two_sided) => match normalised(&inputs) {
                Some((spot, _)) if two_sided.exercised(spot) => exercise,
                Some((spot, scale)) => european + scale * two_sided.value(spot).max(0.0),
                None => european,
            },
        };
        let value = held.max(exercise).max(european);
        if value.is_finite() { value } else { exercise.max(european) }
    }

    /// What the right to exercise early adds; `None` where it is right at once, and where it could not be told.
    fn premium(&self, spot: f64) -> Option<f64> {
        let inputs = OptionInputs { spot, ..self.terms };
        let premium = match &self.engine {
            Engine::European => 0.0,
            Engine::Certain(_) | Engine::Wild(_) | Engine::Bound(_) => return None,
            Engine::Boundary(boundary) => {
                let (spot, scale) = normalised(&inputs).filter(|(spot, _)| *spot > boundary.today)?;
                let premium = scale * boundary.value(spot).max(0.0);
                match boundary.ceiling(spot) {
                    Some(most) => premium.min((scale * most - black_scholes::price(&inputs)).max(0.0)),
                    None => premium,
                }
            }
            Engine::Gapped(gapped) => {
                let (spot, scale) = normalised(&inputs).filter(|(spot, _)| *spot > gapped.today)?;
                scale * gapped.value(spot).max(0.0)
            }
            Engine::Calls(calls) => {
                let held = calls.at(spot).value;
                (held > self.exercise(spot)).then(|| (held - black_scholes::price(&inputs)).max(0.0))?
            }
            Engine::TwoSided(two_sided) => {
                let (spot, scale) = normalised(&inputs).filter(|(spot, _)| !two_sided.exercised(*spot))?;
                scale * two_sided.value(spot).max(0.0)
            }
        };
        premium.is_finite().then_some(premium)
    }

    /// Price, delta, gamma and theta. Theta keeps the escrowed spot where it is.
    pub fn at(&self, spot: f64) -> Valuation {
        let inputs = OptionInputs { spot, ..self.terms };
        let european = black_scholes::raw_greeks(&inputs);
        let plain = |status| Valuation {
            status,
            price: european.price,
            delta: european.delta,
            gamma: european.gamma,
            theta: european.theta,
        };
        let exercise = self.exercise(spot);
        let exercised = Valuation {
            status: Status::Exercise,
            price: exercise.max(european.price),
            delta: self.terms.right.sign(),
            gamma: 0.0,
            theta: PerYear(0.0),
        };
        let held = match &self.engine {
            Engine::European => return plain(Status::European),
            Engine::Certain(dividends) | Engine::Bound(dividends) => {
                let best = best_payoff(&self.terms, dividends, 0.0, spot);
                return if exercise > 0.0 && best <= exercise && european.price <= exercise {
                    exercised
                } else {
                    Valuation { price: best.max(european.price), ..plain(Status::Continuation) }
                };
            }
            Engine::Wild(dividends) => {
                let price = wildest(&self.terms, dividends, spot);
                return Valuation { price: price.max(european.price), ..plain(Status::Continuation) };
            }
            Engine::Boundary(boundary) => match normalised(&inputs) {
                Some((moneyness, scale)) if moneyness > boundary.today => {
                    let premium = turned(boundary.premium(moneyness), &inputs, scale);
                    let held = add(&european, premium);
                    let most = boundary.ceiling(moneyness).map_or(f64::MAX, |most| scale * most);
                    Premium { value: held.value.min(most), ..held }
                }
                _ => return exercised,
            },
            Engine::Gapped(gapped) => match normalised(&inputs) {
                Some((moneyness, scale)) if moneyness > gapped.today => {
                    let put = gapped.premium(moneyness);
                    add(&european, put.scaled(scale))
                }
                _ => return exercised,
            },
            Engine::Calls(calls) => calls.at(spot),
            Engine::TwoSided(two_sided) => match normalised(&inputs) {
                Some((moneyness, _)) if two_sided.exercised(moneyness) => return exercised,
                Some((moneyness, scale)) => {
                    add(&european, turned(two_sided.premium(moneyness), &inputs, scale))
                }
                None => return plain(Status::Continuation),
            },
        };
        let price = held.value.max(exercise).max(european.price);
        let good = price.is_finite() && held.slope.is_finite() && held.curvature.is_finite();
        if !good {
            return plain(Status::Continuation);
        }
        let (delta, gamma) = (held.slope, held.curvature.max(0.0));
        Valuation {
            status: Status::Continuation,
            price,
            delta,
            gamma,
            theta: self.theta(spot, price, delta, gamma),
        }
    }

    /// Early exercise is never right, at no spot.
    pub fn is_european(&self) -> bool {
        matches!(self.engine, Engine::European)
    }

    /// No volatility to speak of.
    fn is_certain(&self) -> bool {
        matches!(self.engine, Engine::Certain(_))
    }

    /// No method here resolves these terms: the price is only a lower bound.
    pub fn is_bound(&self) -> bool {
        matches!(self.engine, Engine::Bound(_))
    }

    /// The spot at which exercise begins today, where there is one such spot.
    pub fn critical_spot(&self) -> Option<f64> {
        match (&self.engine, self.terms.right) {
            (Engine::Boundary(boundary), Right::Put) => Some(self.terms.strike * boundary.today),
            (Engine::Boundary(boundary), Right::Call) => Some(self.terms.strike / boundary.today),
            (Engine::Gapped(gapped), _) if gapped.today > 0.0 => Some(self.terms.strike * gapped.today),
            _ => None,
        }
    }

    /// What exercise brings today.
    fn exercise(&self, spot: f64) -> f64 {
        (self.terms.right.sign() * (spot + self.escrow - self.terms.strike)).max(0.0)
    }

    /// From the pricing equation, which holds wherever the option is held on.
    fn theta(&self, spot: f64, price: f64, delta: f64, gamma: f64) -> PerYear {
        let OptionInputs { rate, dividend_yield, vol_annual, .. } = self.terms;
        let diffusion = 0.5 * vol_annual * vol_annual * spot * spot * gamma;
        let theta = rate * price - (rate - dividend_yield) * spot * delta - diffusion;
        PerYear(if theta.is_finite() { theta } else { 0.0 })
    }
}

/// Value of one unit; the spot in `inputs` is the escrowed one.
pub fn price(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> f64 {
    American::solve(inputs, dividends, accuracy).price(inputs.spot)
}

fn add(european: &black_scholes::RawGreeks, premium: Premium) -> Premium {
    Premium {
        value: european.price + premium.value.max(0.0),
        slope: european.delta + premium.slope,
        curvature: european.gamma + premium.curvature,
    }
}

fn engine(terms: &OptionInputs, dividends: Vec<CashDividend>, accuracy: Accuracy) -> Engine {
    let probe = OptionInputs { spot: terms.strike, ..*terms };
    if !probe.is_valid() || terms.tte_years <= 0.0 || terms.strike <= 0.0 {
        return Engine::European;
    }
    let call = terms.right == Right::Call;
    let problem = problem(terms);
    if dividends.is_empty() {
        if problem.rate <= 0.0 && problem.div >= problem.rate {
            return Engine::European;
        }
    } else if call && terms.dividend_yield == 0.0 {
        if terms.vol_annual * terms.tte_years.sqrt() > NO_VOLATILITY
            && let Some(calls) = Calls::solve(terms, &dividends)
        {
            return Engine::Calls(calls);
        }
    } else if !call && terms.rate <= 0.0 && terms.dividend_yield >= terms.rate {
        // Waiting costs no interest, and what is still to go ex only makes a put worth more.
        return Engine::European;
    }
    if terms.vol_annual * terms.tte_years.sqrt() <= NO_VOLATILITY {
        return Engine::Certain(dividends);
    }
    if dividends.is_empty() && problem.rate > 0.0 {
        if let Some(boundary) = Boundary::solve(&problem, accuracy) {
            return Engine::Boundary(boundary);
        }
    } else if !call && terms.rate > 0.0 && terms.dividend_yield == 0.0 {
        let shares = |d: &CashDividend| CashDividend { present_value: d.present_value / terms.strike, ..*d };
        if let Some(gapped) = Gapped::solve(&problem, dividends.iter().map(shares).collect(), accuracy) {
            return Engine::Gapped(gapped);
        }
    }
    if dividends.is_empty() && problem.rate <= 0.0 {
        if let Some(two_sided) = TwoSided::solve(&problem, accuracy) {
            return Engine::TwoSided(Box::new(two_sided));
        }
        if TwoSided::is_negligible(&problem) {
            return Engine::European;
        }
    }
    if terms.vol_annual * terms.tte_years.sqrt() > WILD {
        Engine::Wild(dividends)
    } else {
        Engine::Bound(dividends)
    }
}

#[cfg(test)]
mod tests;
