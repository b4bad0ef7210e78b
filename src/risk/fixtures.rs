//! The worked book of the specification: nine legs in three names, with independently computed figures.

use chrono::{TimeZone, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::book::{LegPricing, PortfolioRisk, RiskBook, RiskLeg, RiskUnderlying};
use crate::domain::account::AccountKind;
use crate::domain::portfolio::PortfolioLimits;
use crate::domain::{PortfolioId, Right, Symbol, TradeId};
use crate::pricing::Exercise;
use crate::pricing::inputs::OptionInputs;

pub fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("a symbol")
}

pub fn trade(n: u128) -> TradeId {
    TradeId(Uuid::from_u128(n))
}

pub fn underlying(name: &str, spot: f64, beta: f64, daily_vol: f64) -> RiskUnderlying {
    RiskUnderlying {
        symbol: symbol(name),
        spot: Some(spot),
        beta,
        beta_assumed: false,
        daily_vol: Some(daily_vol),
        half_spread: Some(0.01),
    }
}

/// Years from Friday 20 Nov 2026 10:30 New York to the close of 18 December.
pub const TAU: f64 = 0.077_340_182_648_401_83;

pub fn option(place: usize, n: f64, right: Right, strike: f64, vol: f64) -> RiskLeg {
    let (spot, dividend_yield) = [(600.0, 0.012), (520.0, 0.006), (230.0, 0.0)][place];
    RiskLeg {
        trade: trade(place as u128 + 1),
        portfolio: None,
        underlying: place,
        quantity: n,
        multiplier: 100.0,
        days_to_expiry: 28,
        priced: LegPricing::Option {
            inputs: OptionInputs {
                right,
                spot,
                strike,
                rate: 0.04,
                dividend_yield,
                vol_annual: vol,
                tte_years: TAU,
            },
            escrow: 0.0,
            exercise: Exercise::AtExpiry,
        },
        stale: false,
    }
}

pub fn shares(place: usize, n: f64) -> RiskLeg {
    RiskLeg {
        trade: trade(place as u128 + 1),
        portfolio: None,
        underlying: place,
        quantity: n,
        multiplier: 1.0,
        days_to_expiry: 0,
        priced: LegPricing::Shares,
        stale: false,
    }
}

pub fn book_b() -> RiskBook {
    use Right::{Call, Put};
    let rho = [[1.0, 0.92, 0.65], [0.92, 1.0, 0.72], [0.65, 0.72, 1.0]];
    RiskBook {
        as_of: Utc.with_ymd_and_hms(2026, 11, 20, 15, 30, 0).single().expect("an instant"),
        benchmark: symbol("SPY"),
        benchmark_spot: Some(600.0),
        benchmark_daily_vol: Some(0.010),
        benchmark_half_spread: Some(0.01),
        underlyings: vec![
            underlying("SPY", 600.0, 1.0, 0.010),
            underlying("QQQ", 520.0, 1.2, 0.014),
            underlying("AAPL", 230.0, 1.15, 0.017),
        ],
        legs: vec![
            option(0, 2.0, Put, 560.0, 0.205),
            option(0, -2.0, Put, 570.0, 0.195),
            option(0, -2.0, Call, 630.0, 0.145),
            option(0, 2.0, Call, 640.0, 0.142),
            option(1, -1.0, Put, 490.0, 0.235),
            option(1, -1.0, Call, 550.0, 0.185),
            shares(2, 200.0),
            option(2, -2.0, Call, 240.0, 0.24),
        ],
        correlation: rho.iter().map(|row| row.iter().copied().map(Some).collect()).collect(),
        portfolios: Vec::new(),
    }
}

/// Equal to one unit in the last printed digit.
#[track_caller]
pub fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want} ± {tolerance}");
}

/// L1 at 75 %, L5 at 3 % of the given equity.
pub fn portfolio(equity: f64) -> PortfolioRisk {
    PortfolioRisk {
        id: PortfolioId::from_key("medium"),
        name: "Medium".into(),
        equity: Some(equity),
        limits: PortfolioLimits { beta_delta: Some(Decimal::new(75, 2)), var95: Some(Decimal::new(3, 2)) },
        hypothetical: false,
        warn_only: false,
        account: Some(AccountKind::Margin),
        delta_band: None,
    }
}
