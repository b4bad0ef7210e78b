//! Generalised Black-Scholes-Merton with a dividend yield (Black's model on a forward by
//! [`OptionInputs::on_forward`]): value and Greeks, exact at the edges. At or past expiry the
//! value is intrinsic; without volatility it is the discounted intrinsic value of the forward. Finite
//! inputs never give NaN or a negative price; [`raw_greeks_in_range`] says where doubles end.

use super::inputs::OptionInputs;
use crate::domain::units::{
    PerDay, PerRate, PerRatePercent, PerShare, PerVol, PerVolCubed, PerVolPerYear, PerVolPoint,
    PerVolPointSquared, PerVolSquared, PerYear,
};
use crate::numerics::normal;

/// Greeks of one unit held long, in the units of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UnitGreeks {
    pub price: f64,
    /// Per share.
    pub delta: f64,
    /// Delta per $1.
    pub gamma: f64,
    pub theta_day: PerShare<PerDay>,
    pub vega_point: PerShare<PerVolPoint>,
    pub rho_pct: PerShare<PerRatePercent>,
    /// Of delta.
    pub vanna_point: PerShare<PerVolPoint>,
    pub volga_point: PerShare<PerVolPointSquared>,
    /// Of delta.
    pub charm_day: PerShare<PerDay>,
    /// Gamma per $1.
    pub speed: f64,
}

impl UnitGreeks {
    /// One share.
    pub fn share(spot: f64) -> Self {
        Self { price: spot, delta: 1.0, ..Self::default() }
    }
}

/// Greeks in mathematical units: per $1 of spot, per 1.00 of volatility, per year of calendar time going
/// forward, per 1.00 of rate or yield.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RawGreeks {
    pub price: f64,
    pub delta: f64,
    pub gamma: f64,
    pub vega: PerVol,
    pub theta: PerYear,
    pub rho: PerRate,
    /// With respect to the dividend yield.
    pub phi: PerRate,
    /// Of delta.
    pub vanna: PerVol,
    pub volga: PerVolSquared,
    /// Of delta.
    pub charm: PerYear,
    /// Of vega.
    pub veta: PerVolPerYear,
    /// Gamma per $1.
    pub speed: f64,
    /// Of gamma.
    pub zomma: PerVol,
    /// Of gamma.
    pub color: PerYear,
    pub ultima: PerVolCubed,
    /// Per $1 of the strike.
    pub dual_delta: f64,
    pub dual_gamma: f64,
}

impl From<RawGreeks> for UnitGreeks {
    fn from(raw: RawGreeks) -> Self {
        Self {
            price: raw.price,
            delta: raw.delta,
            gamma: raw.gamma,
            theta_day: PerShare(raw.theta.per_day()),
            vega_point: PerShare(raw.vega.per_point()),
            rho_pct: PerShare(raw.rho.per_percent()),
            vanna_point: PerShare(raw.vanna.per_point()),
            volga_point: PerShare(raw.volga.per_point_squared()),
            charm_day: PerShare(raw.charm.per_day()),
            speed: raw.speed,
        }
    }
}

/// Value of one unit.
pub fn price(inputs: &OptionInputs) -> f64 {
    match Terms::of(inputs) {
        Some(terms) => finite_price(value(inputs, &terms)),
        None => finite_price(edge(inputs).price),
    }
}

/// Value and Greeks of one unit, in the units of the screen.
pub fn greeks(inputs: &OptionInputs) -> UnitGreeks {
    raw_greeks(inputs).into()
}

/// Value and Greeks of one unit, in mathematical units. What lies beyond the range of doubles is cut to its end;
/// what is undefined there, a difference of two infinite sides, is zero.
pub fn raw_greeks(inputs: &OptionInputs) -> RawGreeks {
    unbounded(inputs).finite()
}

/// The same; `None` where a figure is beyond the range of doubles or undefined.
pub fn raw_greeks_in_range(inputs: &OptionInputs) -> Option<RawGreeks> {
    (!is_lost(inputs)).then(|| unbounded(inputs)).filter(RawGreeks::in_range)
}

fn unbounded(inputs: &OptionInputs) -> RawGreeks {
    match Terms::of(inputs) {
        Some(terms) => interior(inputs, &terms),
        None => edge(inputs),
    }
}

/// Neither the formulas hold nor those of the edges: there is volatility and time, but not as a double.
fn is_lost(inputs: &OptionInputs) -> bool {
    let OptionInputs { right: _, spot, strike, rate, dividend_yield, vol_annual, tte_years: t } = *inputs;
    if !(t > 0.0 && vol_annual > 0.0 && spot > 0.0 && strike > 0.0) {
        return false;
    }
    let (discount, carry) = ((-rate * t).exp(), (-dividend_yield * t).exp());
    let v = vol_annual * t.sqrt();
    let moneyness = log_ratio(spot, strike) + (rate - dividend_yield) * t;
    // A vanished discount of an ordinary amount is nothing, of a huge one anything.
    let known = |discount: f64, amount: f64| discount.is_finite() && (discount.is_normal() || amount < 1e15);
    !(known(carry, spot) && known(discount, strike)) || v == f64::INFINITY || (v == 0.0 && moneyness == 0.0)
}

/// What all formulas share, where the formulas apply.
struct Terms {
    /// e^(−rτ) and e^(−qτ).
    discount: f64,
    carry: f64,
    root_t: f64,
    /// σ√τ.
    v: f64,
    d1: f64,
    d2: f64,
    /// e^(−qτ)·φ(d1).
    density: f64,
}

impl Terms {
    /// `None` at the edges: expired, no volatility, spot or strike zero, or out of the range of doubles. A
    /// discount may vanish: what it multiplies is then below every double.
    fn of(inputs: &OptionInputs) -> Option<Self> {
        let t = inputs.tte_years;
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if !(positive(t) && positive(inputs.spot) && positive(inputs.strike) && positive(inputs.vol_annual)) {
            return None;
        }
        let root_t = t.sqrt();
        let v = inputs.vol_annual * root_t;
        let drift = (inputs.rate - inputs.dividend_yield) * t;
        let centre = (log_ratio(inputs.spot, inputs.strike) + drift) / v;
        let (d1, d2) = (centre + 0.5 * v, centre - 0.5 * v);
        let discount = (-inputs.rate * t).exp();
        let carry = (-inputs.dividend_yield * t).exp();
        let sides = discount.is_finite() && carry.is_finite();
        let usable = positive(v) && d1.is_finite() && d2.is_finite() && sides;
        usable.then(|| Self { discount, carry, root_t, v, d1, d2, density: carry * normal::pdf(d1) })
    }
}

fn log_ratio(spot: f64, strike: f64) -> f64 {
    let ratio = spot / strike;
    if ratio.is_normal() { ratio.ln() } else { spot.ln() - strike.ln() }
}

/// The out-of-the-money side is priced directly, the other by parity: no cancellation in either.
fn value(inputs: &OptionInputs, terms: &Terms) -> f64 {
    let forward_side = inputs.spot * terms.carry;
    let strike_side = inputs.strike * terms.discount;
    let sign = inputs.right.sign();
    let intrinsic = sign * (forward_side - strike_side);
    let side = if intrinsic > 0.0 { -sign } else { sign };
    intrinsic.max(0.0) + out_of_the_money(side, forward_side, strike_side, terms)
}

/// `side` is +1 for the call, −1 for the put. The two terms of the textbook formula nearly cancel in the
/// wings; with the common density taken out (it is the same for both) what remains is well conditioned.
fn out_of_the_money(side: f64, forward_side: f64, strike_side: f64, terms: &Terms) -> f64 {
    let (x1, x2) = (side * terms.d1, side * terms.d2);
    let value = if x1.max(x2) < 8.0 {
        let difference = normal::cdf_over_pdf(x1) - normal::cdf_over_pdf(x2);
        side * forward_side * normal::pdf(terms.d1) * difference
    } else {
        side * (forward_side * normal::cdf(x1) - strike_side * normal::cdf(x2))
    };
    value.max(0.0)
}

fn interior(inputs: &OptionInputs, terms: &Terms) -> RawGreeks {
    let &Terms { discount, carry, root_t, v, d1, d2, density } = terms;
    let OptionInputs { spot, strike, rate, dividend_yield: q, vol_annual: vol, tte_years: t, .. } = *inputs;
    let s = inputs.right.sign();
    let n1 = carry * normal::cdf(s * d1);
    let n2 = discount * normal::cdf(s * d2);
    if density == 0.0 {
        // No power of anything brings it back.
        return linear(inputs, value(inputs, terms), n1, n2);
    }
    let vega = spot * density * root_t;
    let gamma = density / (spot * v);
    let product = d1 * d2;
    let drift = 2.0 * (rate - q) * t - d2 * v;
    RawGreeks {
        price: value(inputs, terms),
        delta: s * n1,
        gamma,
        vega: PerVol(vega),
        theta: PerYear(-spot * density * vol / (2.0 * root_t) - s * rate * strike * n2 + s * q * spot * n1),
        rho: PerRate(s * strike * t * n2),
        phi: PerRate(-s * spot * t * n1),
        vanna: PerVol(-density * d2 / vol),
        volga: PerVolSquared(vega * product / vol),
        charm: PerYear(s * q * n1 - density * drift / (2.0 * t * v)),
        veta: PerVolPerYear(vega * (q + (rate - q) * d1 / v - (1.0 + product) / (2.0 * t))),
        speed: -(gamma / spot) * (d1 / v + 1.0),
        zomma: PerVol(gamma * (product - 1.0) / vol),
        color: PerYear(gamma / (2.0 * t) * (2.0 * q * t + 1.0 + d1 * drift / v)),
        ultima: PerVolCubed(-vega / (vol * vol) * (product * (1.0 - product) + d1 * d1 + d2 * d2)),
        dual_delta: -s * n2,
        dual_gamma: density * spot / (strike * strike * v),
    }
}

/// No optionality is left: the value is linear in spot, or zero.
fn edge(inputs: &OptionInputs) -> RawGreeks {
    let t = inputs.tte_years.max(0.0);
    let s = inputs.right.sign();
    let discount = (-inputs.rate * t).exp();
    let carry = (-inputs.dividend_yield * t).exp();
    let forward_side = product(inputs.spot, carry);
    let strike_side = product(inputs.strike, discount);
    let moneyness = s * (forward_side - strike_side);
    // Exactly at the money the two one-sided slopes differ; their mean is the convention here.
    let weight = if moneyness > 0.0 {
        1.0
    } else if moneyness == 0.0 && inputs.spot > 0.0 {
        0.5
    } else {
        0.0
    };
    let (n1, n2) = (product(weight, carry), product(weight, discount));
    linear(inputs, moneyness.max(0.0), n1, n2)
}

/// Value and slopes where the density has vanished: of `n1` shares, discounted, less `n2` strikes.
fn linear(inputs: &OptionInputs, price: f64, n1: f64, n2: f64) -> RawGreeks {
    let OptionInputs { spot, strike, rate, dividend_yield: q, .. } = *inputs;
    let t = inputs.tte_years.max(0.0);
    let s = inputs.right.sign();
    let per_year = |rate: f64, side: f64| if t > 0.0 { product(rate, side) } else { 0.0 };
    let (shares, strikes) = (product(spot, n1), product(strike, n2));
    RawGreeks {
        price,
        delta: s * n1,
        theta: PerYear(s * (per_year(q, shares) - per_year(rate, strikes))),
        rho: PerRate(s * product(t, strikes)),
        phi: PerRate(-s * product(t, shares)),
        charm: PerYear(s * per_year(q, n1)),
        dual_delta: -s * n2,
        ..RawGreeks::default()
    }
}

/// Zero where one factor is exactly zero, whatever the other.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

fn finite_price(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, f64::MAX) }
}

impl RawGreeks {
    /// Infinite figures are cut to the largest double; what is undefined becomes zero.
    pub(crate) fn finite(mut self) -> Self {
        self.price = finite_price(self.price);
        for greek in self.sixteen() {
            *greek = if greek.is_nan() { 0.0 } else { greek.clamp(-f64::MAX, f64::MAX) };
        }
        self
    }

    /// Every figure is a number, and none was cut.
    pub(crate) fn in_range(&self) -> bool {
        let mut all = *self;
        let greeks = all.sixteen().iter().all(|greek| greek.abs() < f64::MAX);
        greeks && self.price < f64::MAX
    }

    fn sixteen(&mut self) -> [&mut f64; 16] {
        [
            &mut self.delta,
            &mut self.gamma,
            &mut self.vega.0,
            &mut self.theta.0,
            &mut self.rho.0,
            &mut self.phi.0,
            &mut self.vanna.0,
            &mut self.volga.0,
            &mut self.charm.0,
            &mut self.veta.0,
            &mut self.speed,
            &mut self.zomma.0,
            &mut self.color.0,
            &mut self.ultima.0,
            &mut self.dual_delta,
            &mut self.dual_gamma,
        ]
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
