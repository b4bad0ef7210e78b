//! What options of the made-up market are worth: term structure, smile, dividends, and the quote around it.

use rust_decimal::prelude::ToPrimitive;

use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::units::{PerDay, PerRatePercent, PerVolPoint};
use crate::domain::{ExerciseStyle, OptionContract, Settlement, TradingDate};
use crate::market::calendar::years_between;
use crate::pricing::american::{Accuracy, American, CashDividend, Status};
use crate::pricing::black_scholes::{UnitGreeks, greeks};
use crate::pricing::inputs::OptionInputs;

use super::days;
use super::names::Name;
use super::noise::Noise;

/// Flat continuous zero rate of the simulated world.
pub const RATE: f64 = 0.0394;
/// Yield of the index that carries no ex-dates.
const INDEX_YIELD: f64 = 0.0115;
/// Pull of short volatility towards the long one, per year.
const PULL: f64 = 4.0;

/// Of one unit, in the units that the broker sends.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Value {
    pub price: f64,
    pub iv: f64,
    pub delta: f64,
    pub gamma: f64,
    pub theta: PerDay,
    pub vega: PerVolPoint,
    pub rho: PerRatePercent,
}

impl Value {
    pub fn of(greeks: &UnitGreeks, iv: f64) -> Self {
        Self {
            price: greeks.price,
            iv,
            delta: greeks.delta,
            gamma: greeks.gamma,
            theta: greeks.theta_day.0,
            vega: greeks.vega_point.0,
            rho: greeks.rho_pct.0,
        }
    }
}

pub fn expiry_instant(date: TradingDate, settlement: Settlement) -> Timestamp {
    match settlement {
        Settlement::Am => days::at(date, 9, 30),
        Settlement::Pm => days::session(date).map_or_else(|| days::at(date, 16, 0), |s| s.close),
    }
}

pub fn years_to(expiry: Timestamp, at: Timestamp) -> f64 {
    years_between(at, expiry)
}

/// A name's volatility and carry at one instant.
#[derive(Debug, Clone, Copy)]
pub struct Surface<'a> {
    pub name: &'a Name,
    pub at: Timestamp,
    pub spot: f64,
    /// Log distance of the general volatility level from its anchor.
    pub stress: f64,
}

impl Surface<'_> {
    pub fn iv30(&self) -> f64 {
        self.name.iv30 * (self.name.iv_follow * self.stress).exp()
    }

    fn iv_long(&self) -> f64 {
        self.name.iv_long * (0.5 * self.name.iv_follow * self.stress).exp()
    }

    /// At-the-money total variance to `t` years; grows with `t`.
    fn total_variance(&self, t: f64, expiry: TradingDate) -> f64 {
        let mean = |t: f64| if t < 1e-9 { 1.0 } else { (1.0 - (-PULL * t).exp()) / (PULL * t) };
        let long = self.iv_long().powi(2);
        let short = (long + (self.iv30().powi(2) - long) / mean(30.0 / 365.0)).max(0.1 * long);
        let base = (long + (short - long) * mean(t)) * t;
        base + self.earnings_variance(expiry)
    }

    fn earnings_variance(&self, expiry: TradingDate) -> f64 {
        let today = new_york_date(self.at);
        match self.name.next_earnings(today) {
            Some(report) if report < expiry => self.name.earnings_move.powi(2),
            _ => 0.0,
        }
    }

    pub fn atm_iv(&self, expiry: TradingDate, settlement: Settlement) -> f64 {
        let t = years_to(expiry_instant(expiry, settlement), self.at).max(1e-6);
        (self.total_variance(t, expiry) / t).sqrt()
    }

    /// Spot less the dividends until expiry, the continuous yield, and those dividends.
    fn carry(&self, t: f64, expiry: TradingDate) -> (f64, f64, Vec<CashDividend>) {
        match self.name.symbol {
            "XSP" => (self.spot, INDEX_YIELD, Vec::new()),
            // Volatility trades on its future, which stands between spot and the long-run mean.
            "VIX" => {
                let future = 20.0 + (self.spot - 20.0) * (-3.5 * t).exp();
                (future, RATE, Vec::new())
            }
            _ => {
                let today = new_york_date(self.at);
                let dividends: Vec<CashDividend> = self
                    .name
                    .ex_dates(today, expiry)
                    .iter()
                    .map(|d| {
                        let years = years_to(days::at(*d, 9, 30), self.at).max(0.0);
                        CashDividend { years, present_value: self.name.dividend * (-RATE * years).exp() }
                    })
                    .collect();
                let paid: f64 = dividends.iter().map(|dividend| dividend.present_value).sum();
                (self.spot - paid, 0.0, dividends)
            }
        }
    }

    pub fn forward(&self, expiry: TradingDate, settlement: Settlement) -> f64 {
        let t = years_to(expiry_instant(expiry, settlement), self.at).max(0.0);
        let (spot, dividend_yield, _) = self.carry(t, expiry);
        spot * ((RATE - dividend_yield) * t).exp()
    }

    /// Volatility at a strike: surface SVI in standard deviations, free of butterfly arbitrage for the tabled shapes.
    fn iv(&self, strike: f64, forward: f64, t: f64, expiry: TradingDate) -> f64 {
        let theta = self.total_variance(t, expiry);
        let y = self.name.curvature * (strike / forward).ln() / theta.sqrt();
        let rho = self.name.skew;
        let w = 0.5 * theta * (1.0 + rho * y + ((y + rho).powi(2) + 1.0 - rho * rho).sqrt());
        (w / t).sqrt().clamp(0.03, 4.0)
    }

    pub fn value(&self, contract: &OptionContract) -> Value {
        let strike = contract.strike.to_f64().unwrap_or(f64::NAN);
        let sign = contract.right.sign();
        let t = years_to(expiry_instant(contract.expiry, contract.settlement), self.at);
        let exercise = (sign * (self.spot - strike)).max(0.0);
        if t <= 0.0 {
            let delta = if exercise > 0.0 { sign } else { 0.0 };
            return Value { price: exercise, delta, ..Value::default() };
        }
        let (spot, dividend_yield, dividends) = self.carry(t, contract.expiry);
        let inputs = OptionInputs {
            right: contract.right,
            spot,
            strike,
            rate: RATE,
            dividend_yield,
            vol_annual: 0.0,
            tte_years: t,
        };
        let iv = self.iv(strike, inputs.forward(), t, contract.expiry);
        let inputs = OptionInputs { vol_annual: iv, ..inputs };
        let european = Value::of(&greeks(&inputs), iv);
        match contract.style {
            ExerciseStyle::European => european,
            ExerciseStyle::American => early(&inputs, &dividends, european),
        }
    }
}

/// With the right to exercise early. Vega and rho stay those of the European option while it is held: they
/// are the broker's figures here, for comparison only.
fn early(inputs: &OptionInputs, dividends: &[CashDividend], european: Value) -> Value {
    let now = American::solve(inputs, dividends, Accuracy::Fast).at(inputs.spot);
    let theta = now.theta.per_day();
    let known = Value { price: now.price, delta: now.delta, gamma: now.gamma, theta, ..european };
    match now.status {
        Status::Exercise => Value { vega: PerVolPoint(0.0), rho: PerRatePercent(0.0), ..known },
        Status::Continuation | Status::European => known,
    }
}

/// A two-sided market. A bid of zero is a bid nobody makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoSided {
    pub bid: f64,
    pub ask: f64,
    pub bid_size: f64,
    pub ask_size: f64,
}

impl TwoSided {
    pub fn mid(&self) -> f64 {
        0.5 * (self.bid + self.ask)
    }
}

/// Bid and ask around a fair value, on the tick, never crossed; wider in the wings and in the money.
pub fn quote_around(value: &Value, name: &Name, root: &str, size: Noise) -> TwoSided {
    let fair = value.price;
    let depth = value.delta.abs();
    let moneyness = if depth > 0.6 { 1.0 + 3.0 * (depth - 0.6) } else { 1.0 };
    let half = name.spread * moneyness * (0.004 + 0.005 * fair.sqrt() + 0.0015 * fair);
    let tick = option_tick(root, fair);
    let bid = ((fair - half) / tick).floor().max(0.0) * tick;
    let ask = (((fair + half) / tick).ceil() * tick).max(bid + tick);
    let near = (8.0 * depth * (1.0 - depth)).max(0.05);
    let contracts = |n: Noise| (1.0 + 400.0 * near * n.uniform()).round();
    TwoSided {
        bid: cents(bid),
        ask: cents(ask),
        bid_size: contracts(size.of(1)),
        ask_size: contracts(size.of(2)),
    }
}

/// Pennies throughout for the broad funds; otherwise pennies below three dollars, nickels above.
pub fn option_tick(root: &str, price: f64) -> f64 {
    if matches!(root, "SPY" | "QQQ" | "IWM" | "XSP") || price < 3.0 { 0.01 } else { 0.05 }
}

pub fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Seconds-wide buckets in which displayed sizes stand still.
pub fn size_noise(noise: Noise, symbol: &str, at: Timestamp) -> Noise {
    noise.named(symbol).of(at.timestamp().div_euclid(4).unsigned_abs())
}
