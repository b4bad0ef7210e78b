//! Position Greeks per leg, trade, underlying and book. What cannot be added across underlyings (share
//! delta, gamma per dollar, vanna, volga, charm) has no place in the book's total.
//!
//! Never: counts a leg without a price as zero; it is left out and counted as unpriced.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{LegPricing, RiskBook, RiskLeg, usable};
use super::scenario::shocks::tenor_scale;
use crate::domain::{Symbol, TradeId};

/// Position Greeks in one underlying, in which every column adds up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exposure {
    pub delta_shares: f64,
    pub dollar_delta: f64,
    /// Benchmark shares with the same first-order risk.
    pub beta_weighted_delta: f64,
    /// Beta times dollar delta: what L1 measures.
    pub beta_dollar_delta: f64,
    /// Shares per $1 of the underlying.
    pub gamma_per_dollar: f64,
    /// Benchmark-share gamma per $1 of the benchmark.
    pub beta_weighted_gamma: f64,
    /// Gain or loss from gamma alone for ±1 % of the underlying.
    pub gamma_pnl_1pct: f64,
    /// The same for ±1 % of the benchmark, through beta.
    pub beta_gamma_pnl_1pct: f64,
    /// Change of dollar delta for +1 %.
    pub dollar_gamma_1pct: f64,
    /// Per calendar day.
    pub theta_day: f64,
    /// Per vol point.
    pub vega_point: f64,
    /// Vega as if every option had 30 days left.
    pub vega_point_30d: f64,
    pub rho_1pct: f64,
    pub vanna: f64,
    pub volga: f64,
    pub charm_day: f64,
    pub market_value: f64,
}

impl Exposure {
    fn add(&mut self, other: &Self) {
        self.delta_shares += other.delta_shares;
        self.dollar_delta += other.dollar_delta;
        self.beta_weighted_delta += other.beta_weighted_delta;
        self.beta_dollar_delta += other.beta_dollar_delta;
        self.gamma_per_dollar += other.gamma_per_dollar;
        self.beta_weighted_gamma += other.beta_weighted_gamma;
        self.gamma_pnl_1pct += other.gamma_pnl_1pct;
        self.beta_gamma_pnl_1pct += other.beta_gamma_pnl_1pct;
        self.dollar_gamma_1pct += other.dollar_gamma_1pct;
        self.theta_day += other.theta_day;
        self.vega_point += other.vega_point;
        self.vega_point_30d += other.vega_point_30d;
        self.rho_1pct += other.rho_1pct;
        self.vanna += other.vanna;
        self.volga += other.volga;
        self.charm_day += other.charm_day;
        self.market_value += other.market_value;
    }
}

/// How much of a sum is really in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    pub legs: usize,
    pub unpriced: usize,
    pub stale: usize,
    /// No leg is missing.
    pub complete: bool,
}

impl Coverage {
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a LegExposure>) -> Self {
        let mut coverage = Self { complete: true, ..Self::default() };
        for row in rows {
            coverage.legs += 1;
            coverage.unpriced += usize::from(row.exposure.is_none());
            coverage.stale += usize::from(row.stale);
        }
        coverage.complete = coverage.unpriced == 0;
        coverage
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegExposure {
    /// Place in the book's legs.
    pub leg: usize,
    pub trade: TradeId,
    pub underlying: usize,
    pub stale: bool,
    /// Model value per share, for options.
    pub unit_price: Option<f64>,
    pub unit_delta: Option<f64>,
    /// `None`: the leg, its underlying or the benchmark has no usable price.
    pub exposure: Option<Exposure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeExposure {
    pub trade: TradeId,
    pub exposure: Exposure,
    pub coverage: Coverage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnderlyingExposure {
    /// Place in the book's underlyings.
    pub underlying: usize,
    pub symbol: Symbol,
    pub beta: f64,
    pub beta_assumed: bool,
    pub exposure: Exposure,
    pub coverage: Coverage,
}

/// The whole book: only what may be added across underlyings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TotalExposure {
    pub dollar_delta: f64,
    pub beta_weighted_delta: f64,
    pub beta_dollar_delta: f64,
    pub beta_weighted_gamma: f64,
    /// Gain or loss from gamma alone for ±1 % of the benchmark.
    pub gamma_pnl_1pct: f64,
    pub dollar_gamma_1pct: f64,
    pub theta_day: f64,
    pub vega_point: f64,
    pub vega_point_30d: f64,
    pub rho_1pct: f64,
    pub market_value: f64,
    /// The benchmark's daily move, as a fraction, at which a day's theta equals the gamma P&L; `None`
    /// where theta and gamma do not oppose each other.
    pub breakeven_move: Option<f64>,
    pub coverage: Coverage,
    /// Some beta in it is a stand-in.
    pub beta_assumed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exposures {
    pub legs: Vec<LegExposure>,
    pub trades: Vec<TradeExposure>,
    /// Underlyings that have legs, in the book's order.
    pub underlyings: Vec<UnderlyingExposure>,
    pub total: TotalExposure,
}

/// Every leg, in the book's order.
pub fn leg_exposures(book: &RiskBook) -> Vec<LegExposure> {
    book.legs.iter().enumerate().map(|(i, leg)| of_leg(book, i, leg)).collect()
}

/// The whole book.
pub fn exposures(book: &RiskBook) -> Exposures {
    aggregate(book, leg_exposures(book))
}

/// Sums over some of the book's legs.
pub fn aggregate(book: &RiskBook, legs: Vec<LegExposure>) -> Exposures {
    let mut by_trade: BTreeMap<TradeId, Vec<&LegExposure>> = BTreeMap::new();
    let mut by_underlying: BTreeMap<usize, Vec<&LegExposure>> = BTreeMap::new();
    for row in &legs {
        by_trade.entry(row.trade).or_default().push(row);
        by_underlying.entry(row.underlying).or_default().push(row);
    }
    let trades = by_trade
        .into_iter()
        .map(|(trade, rows)| TradeExposure {
            trade,
            exposure: sum(&rows),
            coverage: Coverage::of(rows.iter().copied()),
        })
        .collect();
    let underlyings: Vec<UnderlyingExposure> = by_underlying
        .into_iter()
        .filter_map(|(place, rows)| {
            let underlying = book.underlyings.get(place)?;
            Some(UnderlyingExposure {
                underlying: place,
                symbol: underlying.symbol.clone(),
                beta: underlying.beta,
                beta_assumed: underlying.beta_assumed,
                exposure: sum(&rows),
                coverage: Coverage::of(rows.iter().copied()),
            })
        })
        .collect();
    let total = total(book, &underlyings, Coverage::of(&legs));
    Exposures { legs, trades, underlyings, total }
}

fn sum(rows: &[&LegExposure]) -> Exposure {
    let mut all = Exposure::default();
    for exposure in rows.iter().filter_map(|row| row.exposure.as_ref()) {
        all.add(exposure);
    }
    all
}

fn total(book: &RiskBook, rows: &[UnderlyingExposure], coverage: Coverage) -> TotalExposure {
    let add = |pick: fn(&Exposure) -> f64| rows.iter().map(|row| pick(&row.exposure)).sum::<f64>();
    let beta_weighted_gamma = add(|e| e.beta_weighted_gamma);
    let theta_day = add(|e| e.theta_day);
    TotalExposure {
        dollar_delta: add(|e| e.dollar_delta),
        beta_weighted_delta: add(|e| e.beta_weighted_delta),
        beta_dollar_delta: add(|e| e.beta_dollar_delta),
        beta_weighted_gamma,
        gamma_pnl_1pct: add(|e| e.beta_gamma_pnl_1pct),
        dollar_gamma_1pct: add(|e| e.dollar_gamma_1pct),
        theta_day,
        vega_point: add(|e| e.vega_point),
        vega_point_30d: add(|e| e.vega_point_30d),
        rho_1pct: add(|e| e.rho_1pct),
        market_value: add(|e| e.market_value),
        breakeven_move: breakeven(book, theta_day, beta_weighted_gamma),
        coverage,
        beta_assumed: rows.iter().any(|row| row.beta_assumed),
    }
}

/// Where ½γ(mS)² = −Θ.
fn breakeven(book: &RiskBook, theta: f64, gamma: f64) -> Option<f64> {
    let spot = usable(book.benchmark_spot)?;
    let squared = -2.0 * theta / gamma;
    (squared > 0.0 && squared.is_finite()).then(|| squared.sqrt() / spot)
}

fn of_leg(book: &RiskBook, place: usize, leg: &RiskLeg) -> LegExposure {
    let mut row = LegExposure {
        leg: place,
        trade: leg.trade,
        underlying: leg.underlying,
        stale: leg.stale,
        unit_price: None,
        unit_delta: None,
        exposure: None,
    };
    let Some(underlying) = book.underlying_of(leg) else { return row };
    let (Some(spot), Some(benchmark_spot)) = (usable(underlying.spot), usable(book.benchmark_spot)) else {
        return row;
    };
    let ratio = underlying.beta * spot / benchmark_spot;
    let n = leg.quantity * leg.multiplier;
    let (delta, gamma, mut exposure) = match &leg.priced {
        LegPricing::Unpriced { .. } => return row,
        LegPricing::Shares => (1.0, 0.0, Exposure { market_value: n * spot, ..Exposure::default() }),
        LegPricing::Option { inputs, exercise, .. } => {
            let unit = exercise.greeks(inputs);
            row.unit_price = Some(unit.price);
            row.unit_delta = Some(unit.delta);
            let vega = n * unit.vega_point.0;
            let exposure = Exposure {
                theta_day: n * unit.theta_day.0,
                vega_point: vega,
                vega_point_30d: vega * tenor_scale(leg.days_to_expiry),
                rho_1pct: n * unit.rho_pct.0,
                vanna: n * unit.vanna_point.0,
                volga: n * unit.volga_point.0,
                charm_day: n * unit.charm_day.0,
                market_value: n * unit.price,
                ..Exposure::default()
            };
            (unit.delta, unit.gamma, exposure)
        }
    };
    exposure.delta_shares = n * delta;
    exposure.dollar_delta = exposure.delta_shares * spot;
    exposure.beta_weighted_delta = exposure.delta_shares * ratio;
    exposure.beta_dollar_delta = exposure.dollar_delta * underlying.beta;
    exposure.gamma_per_dollar = n * gamma;
    exposure.beta_weighted_gamma = exposure.gamma_per_dollar * ratio * ratio;
    exposure.gamma_pnl_1pct = 0.5 * exposure.gamma_per_dollar * (0.01 * spot).powi(2);
    exposure.beta_gamma_pnl_1pct = 0.5 * exposure.beta_weighted_gamma * (0.01 * benchmark_spot).powi(2);
    exposure.dollar_gamma_1pct = exposure.gamma_per_dollar * spot * spot / 100.0;
    let finite = exposure.market_value.is_finite()
        && exposure.delta_shares.is_finite()
        && exposure.theta_day.is_finite()
        && exposure.vega_point.is_finite();
    row.exposure = finite.then_some(exposure);
    row
}

#[cfg(test)]
mod tests;
