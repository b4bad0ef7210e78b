//! Greeks of an American option. Where one smooth boundary separates holding from exercise, they are those of
//! the European option and those of the premium over it, which the boundary's own derivatives give.
//!
//! Never: differences what can be had exactly.

use super::differences::{Around, VOL_STEP};
use super::premium::Moving;
use super::{Accuracy, American, CashDividend, Engine, Status, Valuation};
use crate::domain::Right;
use crate::domain::units::{PerRate, PerVol, PerVolCubed, PerVolPerYear, PerVolSquared, PerYear};
use crate::pricing::black_scholes::{self, RawGreeks, UnitGreeks};
use crate::pricing::inputs::OptionInputs;

/// Value and first derivatives with respect to all that moves, in mathematical units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstOrder {
    pub valuation: Valuation,
    pub vega: PerVol,
    pub rho: PerRate,
    /// With respect to the dividend yield.
    pub phi: PerRate,
}

/// Value and first derivatives of one unit; about twice the cost of a price where there is a boundary. The spot
/// in `inputs` is the escrowed one, and the dividends' present values stay what they are when the rate moves.
pub fn first_order(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> FirstOrder {
    let solved = American::solve(inputs, dividends, accuracy);
    let valuation = solved.at(inputs.spot);
    let known = match valuation.status {
        Status::European => {
            let RawGreeks { vega, rho, phi, .. } = black_scholes::raw_greeks(inputs);
            FirstOrder { valuation, vega, rho, phi }
        }
        Status::Exercise => FirstOrder { valuation, vega: PerVol(0.0), rho: PerRate(0.0), phi: PerRate(0.0) },
        Status::Continuation => match Smooth::of(&solved) {
            Some(smooth) => smooth.first_order(inputs.spot, valuation),
            None => Around { inputs, dividends, accuracy, solved: &solved, now: valuation }.first_order(),
        },
    };
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    FirstOrder {
        vega: PerVol(finite(known.vega.0)),
        rho: PerRate(finite(known.rho.0)),
        phi: PerRate(finite(known.phi.0)),
        ..known
    }
}

/// Value and Greeks of one unit, in the units of the screen.
pub fn greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> UnitGreeks {
    raw_greeks(inputs, dividends, accuracy).into()
}

/// Value and Greeks of one unit, in mathematical units; conventions as for [`first_order`].
pub fn raw_greeks(inputs: &OptionInputs, dividends: &[CashDividend], accuracy: Accuracy) -> RawGreeks {
    greeks_of(&American::solve(inputs, dividends, accuracy), inputs, dividends, accuracy).1.finite()
}

/// The same without cash dividends; `None` where a figure is beyond the range of doubles or undefined,
/// and where the value would only be a lower bound.
pub fn raw_greeks_in_range(inputs: &OptionInputs, accuracy: Accuracy) -> Option<RawGreeks> {
    // The formulas multiply several powers of these.
    let squared = |x: f64| x == 0.0 || (1e-60..1e60).contains(&x);
    if !(squared(inputs.spot) && squared(inputs.strike)) {
        return None;
    }
    let solved = American::solve(inputs, &[], accuracy);
    if solved.is_bound() {
        return None;
    }
    let (status, raw) = greeks_of(&solved, inputs, &[], accuracy);
    // What is held on has the European figures in it.
    let held = status != Status::Exercise;
    (raw.in_range() && !(held && black_scholes::raw_greeks_in_range(inputs).is_none())).then_some(raw)
}

/// The same of an option that these inputs were solved for.
fn greeks_of(
    solved: &American,
    inputs: &OptionInputs,
    dividends: &[CashDividend],
    accuracy: Accuracy,
) -> (Status, RawGreeks) {
    let now = solved.at(inputs.spot);
    let raw = match now.status {
        Status::European => black_scholes::raw_greeks(inputs),
        Status::Exercise => RawGreeks {
            price: now.price,
            delta: now.delta,
            dual_delta: -inputs.right.sign(),
            ..RawGreeks::default()
        },
        Status::Continuation => match Smooth::of(solved) {
            Some(smooth) => smooth.all(inputs.spot, &now, accuracy),
            None if solved.is_certain() => certain(inputs, dividends, accuracy, solved, now),
            None => Around { inputs, dividends, accuracy, solved, now }.all(),
        },
    };
    (now.status, raw)
}

/// Without volatility there is a kink and nothing to difference across it: as at the edges of the European value.
fn certain(
    inputs: &OptionInputs,
    dividends: &[CashDividend],
    accuracy: Accuracy,
    solved: &American,
    now: Valuation,
) -> RawGreeks {
    let FirstOrder { rho, phi, .. } = Around { inputs, dividends, accuracy, solved, now }.first_order();
    let edge = black_scholes::raw_greeks(&OptionInputs { vol_annual: 0.0, ..*inputs });
    RawGreeks { price: now.price, delta: now.delta, gamma: now.gamma, theta: now.theta, rho, phi, ..edge }
}

/// An option that one smooth boundary belongs to.
pub(super) struct Smooth<'a> {
    pub solved: &'a American,
    pub moving: Moving<'a>,
    pub critical: f64,
}

/// What early exercise adds to the European Greeks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added {
    pub vega: f64,
    pub rho: f64,
    pub phi: f64,
    pub gamma: f64,
    pub speed: f64,
}

impl<'a> Smooth<'a> {
    fn of(solved: &'a American) -> Option<Self> {
        match &solved.engine {
            Engine::Boundary(boundary) => {
                Some(Self { solved, moving: boundary.moving(), critical: solved.critical_spot()? })
            }
            _ => None,
        }
    }

    /// The same, for spots next to the boundary.
    pub fn nearer(&self) -> Option<Smooth<'a>> {
        match &self.solved.engine {
            Engine::Boundary(boundary) => {
                Some(Self { solved: self.solved, moving: boundary.moving_near(), critical: self.critical })
            }
            _ => None,
        }
    }

    /// At a spot where the option is held on.
    pub fn added(&self, spot: f64) -> Added {
        let strike = self.solved.terms.strike;
        match self.solved.terms.right {
            Right::Put => {
                let put = self.moving.sensitivity(spot / strike);
                Added {
                    vega: strike * put.vol,
                    rho: strike * put.rate,
                    phi: strike * put.div,
                    gamma: put.second / strike,
                    speed: put.third / (strike * strike),
                }
            }
            // Premium of the call = S·p(x), x = K/S, with the put's rate and yield exchanged.
            Right::Call => {
                let moneyness = strike / spot;
                let put = self.moving.sensitivity(moneyness);
                let square = moneyness * moneyness / (spot * spot);
                Added {
                    vega: spot * put.vol,
                    rho: spot * put.div,
                    phi: spot * put.rate,
                    gamma: put.second * moneyness * moneyness / spot,
                    speed: -square * (3.0 * put.second + moneyness * put.third),
                }
            }
        }
    }

    fn first_order(&self, spot: f64, valuation: Valuation) -> FirstOrder {
        let european = black_scholes::raw_greeks(&OptionInputs { spot, ..self.solved.terms });
        let added = self.added(spot);
        FirstOrder {
            valuation,
            vega: PerVol(european.vega.0 + added.vega),
            rho: PerRate(european.rho.0 + added.rho),
            phi: PerRate(european.phi.0 + added.phi),
        }
    }

    fn all(&self, spot: f64, now: &Valuation, accuracy: Accuracy) -> RawGreeks {
        let terms = OptionInputs { spot, ..self.solved.terms };
        let OptionInputs { strike, vol_annual: vol, .. } = terms;
        let european = black_scholes::raw_greeks(&terms);
        let added = self.added(spot);
        let vega = european.vega.0 + added.vega;
        let cross = self.cross(spot);
        // Derivatives of vega with respect to volatility; one-sided where less of it means exercise.
        let h = VOL_STEP * vol;
        let vega_at = |step: f64| self.vega_at(spot, step, accuracy);
        let (volga, ultima) = match (vega_at(h), vega_at(-h)) {
            (Some(up), Some(down)) => ((up - down) / (2.0 * h), (up - 2.0 * vega + down) / (h * h)),
            (Some(up), None) => ((up - vega) / h, 0.0),
            _ => (european.volga.0, european.ultima.0),
        };
        RawGreeks {
            price: now.price,
            delta: now.delta,
            gamma: now.gamma,
            theta: now.theta,
            vega: PerVol(vega),
            rho: PerRate(european.rho.0 + added.rho),
            phi: PerRate(european.phi.0 + added.phi),
            vanna: PerVol(cross.vanna),
            volga: PerVolSquared(volga),
            charm: PerYear(cross.charm),
            veta: PerVolPerYear(cross.veta),
            speed: cross.speed,
            zomma: PerVol(cross.zomma),
            color: PerYear(cross.color),
            ultima: PerVolCubed(ultima),
            dual_delta: (now.price - spot * now.delta) / strike,
            dual_gamma: now.gamma * spot * spot / (strike * strike),
        }
    }

    /// At another volatility; `None` where exercise is best there.
    fn vega_at(&self, spot: f64, step: f64, accuracy: Accuracy) -> Option<f64> {
        let vol_annual = self.solved.terms.vol_annual + step;
        let terms = OptionInputs { spot, vol_annual, ..self.solved.terms };
        let moved = American::solve(&terms, &[], accuracy);
        let exercised = moved.at(spot).status == Status::Exercise;
        let european = black_scholes::raw_greeks(&terms).vega.0;
        (!exercised).then(|| european + Smooth::of(&moved).map_or(0.0, |smooth| smooth.added(spot).vega))
    }
}
