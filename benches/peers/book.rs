//! The books of the revaluation benches: forty underlyings and options on them.

use cotrader::domain::Right;
use cotrader::pricing::{Exercise, OptionInputs};
use cotrader::risk::revaluation::{Contract, Position};
use rand::RngExt;

use crate::inputs::{Inputs, between, random};

/// Shocks of the spot.
pub const SPOTS: i32 = 21;
const UNDERLYINGS: usize = 40;

pub struct Book {
    /// Spots of the underlyings.
    pub now: Vec<f64>,
    /// Deviations of their daily log returns.
    pub daily_vol: Vec<f64>,
    pub positions: Vec<Position>,
}

#[derive(serde::Deserialize)]
struct Underlying {
    spot: f64,
    rate: f64,
    div: f64,
    dailyvol: f64,
}

#[derive(serde::Deserialize)]
struct Row {
    u: usize,
    #[serde(rename = "type")]
    right: char,
    strike: f64,
    vol: f64,
    days: f64,
    qty: f64,
}

impl Book {
    /// The same with that share of the positions American.
    pub fn with_americans(mut self, share: f64) -> Self {
        let mut owed = 0.0;
        for position in &mut self.positions {
            owed += share;
            if let (true, Contract::Option { exercise, .. }) = (owed >= 1.0, &mut position.contract) {
                *exercise = Exercise::anytime();
                owed -= 1.0;
            }
        }
        self
    }

    /// The table of that many positions, or one made here.
    pub fn of(inputs: &Inputs, positions: usize) -> Self {
        let mut random = random();
        let underlyings: Vec<Underlying> = inputs.rows("underlyings.csv").unwrap_or_else(|| {
            (0..UNDERLYINGS)
                .map(|_| Underlying {
                    spot: between(&mut random, 20.0, 600.0),
                    rate: 0.043,
                    div: between(&mut random, 0.0, 0.03),
                    dailyvol: between(&mut random, 0.008, 0.028),
                })
                .collect()
        });
        let rows: Vec<Row> = inputs.rows(&format!("book_{positions}.csv")).unwrap_or_else(|| {
            (0..positions)
                .map(|_| {
                    let u = random.random_range(0..underlyings.len());
                    Row {
                        u,
                        right: if random.random::<bool>() { 'C' } else { 'P' },
                        strike: underlyings[u].spot * between(&mut random, -0.25, 0.25).exp(),
                        vol: between(&mut random, 0.15, 0.7),
                        days: between(&mut random, 35.0, 730.0).round(),
                        qty: between(&mut random, -19.0, 19.0).round(),
                    }
                })
                .collect()
        });
        let position = |row: Row| {
            let Underlying { spot, rate, div, .. } = underlyings[row.u];
            let inputs = OptionInputs {
                right: if row.right == 'C' { Right::Call } else { Right::Put },
                spot,
                strike: row.strike,
                rate,
                dividend_yield: div,
                vol_annual: row.vol,
                tte_years: row.days / 365.0,
            };
            Position { underlying: row.u, size: 100.0 * row.qty, contract: Contract::european(inputs) }
        };
        Self {
            now: underlyings.iter().map(|u| u.spot).collect(),
            daily_vol: underlyings.iter().map(|u| u.dailyvol).collect(),
            positions: rows.into_iter().map(position).collect(),
        }
    }
}
