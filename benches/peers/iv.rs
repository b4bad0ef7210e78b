//! Implied volatility: the batch on every instruction set, the scalar function, and the `implied-vol` crate
//! alone as a baseline of the same run. Undiscounted prices.

use std::hint::black_box;

use cotrader::domain::Right;
use cotrader::numerics::normal::pdf;
use cotrader::numerics::vector::InstructionSet;
use cotrader::pricing::implied_vol::implied_vols_on;
use cotrader::pricing::{OptionInputs, QuoteInputs, QuoteTable, VolTable, price};
use implied_vol::ImpliedBlackVolatility;
use implied_vol::solver::{BlackSolver, Hybrid, Jaeckel};
use serde_json::{Value, json};

use crate::inputs::{Inputs, between, random};
use crate::{Rounds, emit, timed};

#[derive(serde::Deserialize)]
struct Row {
    #[serde(rename = "type")]
    right: char,
    forward: f64,
    strike: f64,
    t: f64,
    price: f64,
    vol: f64,
}

/// A quote and the volatility that made it.
struct Case {
    quote: QuoteInputs,
    vol_annual: f64,
    /// Relative error of the volatility per relative error of the price, at least one.
    condition: f64,
}

impl Case {
    fn new(quote: QuoteInputs, vol_annual: f64) -> Self {
        let deviation = vol_annual * quote.tte_years.sqrt();
        let d1 = (quote.spot / quote.strike).ln() / deviation + 0.5 * deviation;
        let condition = (quote.price / (quote.spot * pdf(d1) * deviation)).max(1.0);
        Self { quote, vol_annual, condition }
    }
}

fn cases(inputs: &Inputs, rows: usize) -> Vec<Case> {
    let quote = |right, price, spot, strike, tte_years| QuoteInputs {
        right,
        price,
        spot,
        strike,
        rate: 0.0,
        dividend_yield: 0.0,
        tte_years,
    };
    if let Some(table) = inputs.rows::<Row>("iv.csv") {
        let case = |row: Row| {
            let right = if row.right == 'C' { Right::Call } else { Right::Put };
            Case::new(quote(right, row.price, row.forward, row.strike, row.t), row.vol)
        };
        return table.into_iter().map(case).collect();
    }
    // Out of the money: the price of the other side has lost the digits that would be compared.
    let mut random = random();
    (0..rows)
        .map(|_| {
            let tte_years = between(&mut random, 1.0, 900.0) / 365.0;
            let vol_annual = between(&mut random, 0.05, 1.2);
            let d: f64 = between(&mut random, -4.0, 4.0);
            let strike = 100.0 * (d * vol_annual * tte_years.sqrt()).exp();
            let right = if strike > 100.0 { Right::Call } else { Right::Put };
            let (spot, rate, dividend_yield) = (100.0, 0.0, 0.0);
            let inputs = OptionInputs { right, spot, strike, rate, dividend_yield, vol_annual, tte_years };
            Case::new(quote(right, price(&inputs), spot, strike, tte_years), vol_annual)
        })
        .collect()
}

/// What the answers are worth; a time without it says nothing.
fn quality(cases: &[Case], found: impl Iterator<Item = Option<f64>>) -> Value {
    let (mut failures, mut worst, mut sum) = (0, 0.0f64, 0.0);
    let mut errors = Vec::new();
    for (case, vol) in cases.iter().zip(found) {
        let Some(vol) = vol.filter(|vol| vol.is_finite()) else {
            failures += 1;
            continue;
        };
        let error = (vol / case.vol_annual - 1.0).abs();
        worst = worst.max(error / (f64::EPSILON * case.condition));
        errors.push(error);
        sum += vol;
    }
    errors.sort_by(f64::total_cmp);
    let at = |share: f64| errors.get(((errors.len() as f64 - 1.0) * share) as usize).copied();
    json!({
        "failures": failures, "max_rel_err": at(1.0), "p99_rel_err": at(0.99), "median_rel_err": at(0.5),
        "max_err_over_eps_cond": worst, "checksum": { "vol": sum },
    })
}

pub fn run(inputs: &Inputs, rounds: Rounds) {
    let cases = cases(inputs, rounds.rows(20_000));
    let n = cases.len();
    let table: QuoteTable = cases.iter().map(|case| case.quote).collect();
    let repeats = rounds.of(400_000usize.div_ceil(n));
    let mut out = VolTable::default();
    for set in InstructionSet::available() {
        let time =
            timed(5 * repeats, || implied_vols_on(black_box(set), black_box(&table), black_box(&mut out)));
        let more = quality(&cases, out.iter().map(Result::ok));
        emit("implied_vol", &format!("batch {}", set.name()), n, time, &more);
    }
    let mut vols = vec![None; n];
    let time = timed(repeats, || {
        for (vol, case) in vols.iter_mut().zip(&cases) {
            *vol = black_box(&case.quote).implied_vol().ok();
        }
    });
    emit("implied_vol", "scalar", n, time, &quality(&cases, vols.iter().copied()));
    baseline::<Hybrid>("implied-vol Hybrid", &cases, repeats);
    baseline::<Jaeckel>("implied-vol Jaeckel", &cases, repeats);
}

fn baseline<S: BlackSolver>(name: &str, cases: &[Case], repeats: usize) {
    let mut vols = vec![None; cases.len()];
    let time = timed(repeats, || {
        for (vol, case) in vols.iter_mut().zip(cases) {
            let quote = black_box(&case.quote);
            *vol = ImpliedBlackVolatility::builder()
                .option_price(quote.price)
                .forward(quote.spot)
                .strike(quote.strike)
                .expiry(quote.tte_years)
                .is_call(quote.right == Right::Call)
                .build()
                .and_then(|problem| problem.calculate_with::<S>());
        }
    });
    emit("implied_vol", name, cases.len(), time, &quality(cases, vols.iter().copied()));
}
