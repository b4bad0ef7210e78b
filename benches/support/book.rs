//! A made-up book of options for the benches that need one: five underlyings, three portfolios.

use chrono::{TimeZone, Utc};
use cotrader::domain::account::AccountKind;
use cotrader::domain::portfolio::PortfolioLimits;
use cotrader::domain::{PortfolioId, Right, Symbol, TradeId};
use cotrader::pricing::{Exercise, OptionInputs};
use cotrader::risk::{LegPricing, PortfolioRisk, RiskBook, RiskLeg, RiskUnderlying};
use rust_decimal::Decimal;
use uuid::Uuid;

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("a symbol")
}

pub fn inputs(n: u32, spot: f64) -> OptionInputs {
    OptionInputs {
        right: if n.is_multiple_of(2) { Right::Put } else { Right::Call },
        spot,
        strike: spot * (0.9 + 0.01 * f64::from(n % 20)),
        rate: 0.04,
        dividend_yield: 0.01,
        vol_annual: 0.2,
        tte_years: f64::from(20 + n % 60) / 365.0,
    }
}

/// So many legs, all of them with this exercise.
pub fn book(legs: u32, exercise: &Exercise) -> RiskBook {
    let names = [
        ("SPY", 600.0, 1.0),
        ("QQQ", 520.0, 1.2),
        ("AAPL", 230.0, 1.15),
        ("IWM", 240.0, 1.1),
        ("NVDA", 190.0, 1.7),
    ];
    let portfolios: Vec<PortfolioId> = ["core", "medium", "high"].map(PortfolioId::from_key).to_vec();
    RiskBook {
        as_of: Utc.with_ymd_and_hms(2026, 11, 20, 15, 30, 0).single().expect("an instant"),
        benchmark: symbol("SPY"),
        benchmark_spot: Some(600.0),
        benchmark_daily_vol: Some(0.01),
        benchmark_half_spread: Some(0.01),
        underlyings: names
            .iter()
            .map(|&(name, spot, beta)| RiskUnderlying {
                symbol: symbol(name),
                spot: Some(spot),
                beta,
                beta_assumed: false,
                daily_vol: Some(0.01 * beta + 0.002),
                half_spread: Some(0.01),
            })
            .collect(),
        legs: (0..legs)
            .map(|n| {
                let place = n as usize % names.len();
                RiskLeg {
                    trade: TradeId(Uuid::from_u128(u128::from(n / 4))),
                    portfolio: Some(portfolios[n as usize % portfolios.len()]),
                    underlying: place,
                    quantity: if n.is_multiple_of(3) { 1.0 } else { -1.0 },
                    multiplier: 100.0,
                    days_to_expiry: i64::from(20 + n),
                    priced: LegPricing::Option {
                        inputs: inputs(n, names[place].1),
                        escrow: 0.0,
                        exercise: exercise.clone(),
                    },
                    stale: false,
                }
            })
            .collect(),
        correlation: Vec::new(),
        portfolios: portfolios
            .iter()
            .map(|&id| PortfolioRisk {
                id,
                name: "portfolio".into(),
                equity: Some(50_000.0),
                limits: PortfolioLimits {
                    beta_delta: Some(Decimal::new(75, 2)),
                    var95: Some(Decimal::new(3, 2)),
                },
                hypothetical: false,
                warn_only: false,
                account: Some(AccountKind::Margin),
                delta_band: None,
            })
            .collect(),
    }
}
