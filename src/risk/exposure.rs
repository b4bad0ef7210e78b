//! Position Greeks per leg, trade, underlying and book. What cannot be added across underlyings (share
//! delta, gamma per dollar, vanna, volga, charm) has no place in the book's total.
//!
//! Never: counts a leg without a price as zero; it is left out and counted as unpriced.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{LegPricing, RiskBook, RiskLeg, usable};
use super::scenario::shocks::tenor_scale;
use crate::domain::units::{
    BenchmarkShares, BenchmarkSharesPerDollar, BetaDollarDelta, BetaGammaPnl, DollarDelta,
    DollarDeltaPerPercent, Dollars, GammaPnl, PerDay, PerRatePercent, PerVolPoint, PerVolPointSquared,
    Shares, SharesPerDollar,
};
use crate::domain::{Symbol, TradeId};

/// Position Greeks in one underlying, in which every column adds up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exposure {
    pub delta_shares: Shares,
    pub dollar_delta: DollarDelta,
    /// Benchmark shares with the same first-order risk.
    pub beta_weighted_delta: BenchmarkShares,
    /// Beta times dollar delta: what L1 measures.
    pub beta_dollar_delta: BetaDollarDelta,
    /// Shares per $1 of the underlying.
    pub gamma_per_dollar: SharesPerDollar,
    /// Benchmark-share gamma per $1 of the benchmark.
    pub beta_weighted_gamma: BenchmarkSharesPerDollar,
    /// Gain or loss from gamma alone for ±1 % of the underlying.
    pub gamma_pnl_1pct: GammaPnl,
    /// The same for ±1 % of the benchmark, through beta.
    pub beta_gamma_pnl_1pct: BetaGammaPnl,
    /// Change of dollar delta for +1 %.
    pub dollar_gamma_1pct: DollarDeltaPerPercent,
    pub theta_day: PerDay,
    pub vega_point: PerVolPoint,
    /// Vega as if every option had 30 days left.
    pub vega_point_30d: PerVolPoint,
    pub rho_1pct: PerRatePercent,
    pub vanna: PerVolPoint,
    pub volga: PerVolPointSquared,
    pub charm_day: PerDay,
    pub market_value: Dollars,
}

impl AddAssign for Exposure {
    fn add_assign(&mut self, other: Self) {
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

impl Add for Exposure {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// What the opposite position has.
impl Neg for Exposure {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            delta_shares: -self.delta_shares,
            dollar_delta: -self.dollar_delta,
            beta_weighted_delta: -self.beta_weighted_delta,
            beta_dollar_delta: -self.beta_dollar_delta,
            gamma_per_dollar: -self.gamma_per_dollar,
            beta_weighted_gamma: -self.beta_weighted_gamma,
            gamma_pnl_1pct: -self.gamma_pnl_1pct,
            beta_gamma_pnl_1pct: -self.beta_gamma_pnl_1pct,
            dollar_gamma_1pct: -self.dollar_gamma_1pct,
            theta_day: -self.theta_day,
            vega_point: -self.vega_point,
            vega_point_30d: -self.vega_point_30d,
            rho_1pct: -self.rho_1pct,
            vanna: -self.vanna,
            volga: -self.volga,
            charm_day: -self.charm_day,
            market_value: -self.market_value,
        }
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
    pub dollar_delta: DollarDelta,
    pub beta_weighted_delta: BenchmarkShares,
    pub beta_dollar_delta: BetaDollarDelta,
    pub beta_weighted_gamma: BenchmarkSharesPerDollar,
    /// Gain or loss from gamma alone for ±1 % of the benchmark.
    pub gamma_pnl_1pct: BetaGammaPnl,
    pub dollar_gamma_1pct: DollarDeltaPerPercent,
    pub theta_day: PerDay,
    pub vega_point: PerVolPoint,
    pub vega_point_30d: PerVolPoint,
    pub rho_1pct: PerRatePercent,
    pub market_value: Dollars,
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
        all += *exposure;
    }
    all
}

fn total(book: &RiskBook, rows: &[UnderlyingExposure], coverage: Coverage) -> TotalExposure {
    fn add<U: Sum>(rows: &[UnderlyingExposure], of: fn(&Exposure) -> U) -> U {
        rows.iter().map(|row| of(&row.exposure)).sum()
    }
    let beta_weighted_gamma = add(rows, |e| e.beta_weighted_gamma);
    let theta_day = add(rows, |e| e.theta_day);
    TotalExposure {
        dollar_delta: add(rows, |e| e.dollar_delta),
        beta_weighted_delta: add(rows, |e| e.beta_weighted_delta),
        beta_dollar_delta: add(rows, |e| e.beta_dollar_delta),
        beta_weighted_gamma,
        gamma_pnl_1pct: add(rows, |e| e.beta_gamma_pnl_1pct),
        dollar_gamma_1pct: add(rows, |e| e.dollar_gamma_1pct),
        theta_day,
        vega_point: add(rows, |e| e.vega_point),
        vega_point_30d: add(rows, |e| e.vega_point_30d),
        rho_1pct: add(rows, |e| e.rho_1pct),
        market_value: add(rows, |e| e.market_value),
        breakeven_move: breakeven(book, theta_day, beta_weighted_gamma),
        coverage,
        beta_assumed: rows.iter().any(|row| row.beta_assumed),
    }
}

/// Where ½γ(mS)² = −Θ.
fn breakeven(book: &RiskBook, theta: PerDay, gamma: BenchmarkSharesPerDollar) -> Option<f64> {
    let spot = usable(book.benchmark_spot)?;
    let squared = -2.0 * theta.0 / gamma.0;
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
        LegPricing::Shares => (1.0, 0.0, Exposure { market_value: Dollars(n * spot), ..Exposure::default() }),
        LegPricing::Option { inputs, exercise, .. } => {
            let unit = exercise.greeks(inputs);
            row.unit_price = Some(unit.price);
            row.unit_delta = Some(unit.delta);
            let vega = unit.vega_point.times(n);
            let exposure = Exposure {
                theta_day: unit.theta_day.times(n),
                vega_point: vega,
                vega_point_30d: vega * tenor_scale(leg.days_to_expiry),
                rho_1pct: unit.rho_pct.times(n),
                vanna: unit.vanna_point.times(n),
                volga: unit.volga_point.times(n),
                charm_day: unit.charm_day.times(n),
                market_value: Dollars(n * unit.price),
                ..Exposure::default()
            };
            (unit.delta, unit.gamma, exposure)
        }
    };
    let (shares, per_dollar) = (Shares(n * delta), SharesPerDollar(n * gamma));
    exposure.delta_shares = shares;
    exposure.dollar_delta = shares.dollar_delta(spot);
    exposure.beta_weighted_delta = shares.beta_weighted(ratio);
    exposure.beta_dollar_delta = exposure.dollar_delta.beta_weighted(underlying.beta);
    exposure.gamma_per_dollar = per_dollar;
    exposure.beta_weighted_gamma = per_dollar.beta_weighted(ratio);
    exposure.gamma_pnl_1pct = per_dollar.pnl_of_one_percent(spot);
    exposure.beta_gamma_pnl_1pct = exposure.beta_weighted_gamma.pnl_of_one_percent(benchmark_spot);
    exposure.dollar_gamma_1pct = per_dollar.dollar_delta_of_one_percent(spot);
    let finite = exposure.market_value.is_finite()
        && exposure.delta_shares.is_finite()
        && exposure.theta_day.is_finite()
        && exposure.vega_point.is_finite();
    row.exposure = finite.then_some(exposure);
    row
}

#[cfg(test)]
mod tests;
