//! American options: one price in each accuracy, price with delta, gamma and theta, the same with vega, rho and phi
//! (the checksum has a trace of them), all Greeks, a ladder of spots, and options on payers of cash dividends.
//! Where the table has a column `price`, the errors against it are relative to the strike.

use std::hint::black_box;

use cotrader::domain::Right;
use cotrader::pricing::OptionInputs;
use cotrader::pricing::american::{Accuracy, American, CashDividend, first_order, greeks};
use serde_json::{Value, json};

use crate::inputs::{Inputs, OptionRow, random, random_option};
use crate::{Rounds, Time, emit, timed};

struct Case {
    inputs: OptionInputs,
    reference: Option<f64>,
}

fn cases(inputs: &Inputs, rows: usize) -> Vec<Case> {
    if let Some(table) = inputs.rows::<OptionRow>("american.csv") {
        let case = |row: &OptionRow| Case { inputs: row.option(), reference: row.price };
        return table.iter().map(case).collect();
    }
    let mut random = random();
    let option = || random_option(&mut random, [0.005, 0.08], [5.0, 720.0]);
    std::iter::repeat_with(option).take(rows).map(|inputs| Case { inputs, reference: None }).collect()
}

pub fn run(inputs: &Inputs, rounds: Rounds) {
    let cases = cases(inputs, rounds.rows(2_000));
    let n = cases.len();
    for (name, accuracy, repeats) in
        [("fast", Accuracy::Fast, 20), ("accurate", Accuracy::Accurate, 10), ("high", Accuracy::High, 3)]
    {
        let mut prices = vec![0.0; n];
        let mut each = |work: &dyn Fn(&OptionInputs) -> f64| -> (Time, f64) {
            let time = timed(rounds.of(repeats), || {
                for (price, case) in prices.iter_mut().zip(&cases) {
                    *price = work(black_box(&case.inputs));
                }
            });
            (time, prices.iter().sum())
        };
        let (time, sum) = each(&|o| American::solve(o, &[], accuracy).at(o.spot).price);
        emit("american-greeks3", name, n, time, &json!({ "checksum": sum }));
        let (time, sum) = each(&|o| {
            let first = first_order(o, &[], accuracy);
            first.valuation.price + 1e-9 * (first.vega.0 + first.rho.0 + first.phi.0)
        });
        emit("american-greeks6", name, n, time, &json!({ "checksum": sum }));
        let (time, sum) = each(&|o| greeks(o, &[], accuracy).price);
        emit("american-greeks", name, n, time, &json!({ "checksum": sum }));
        let (time, sum) = each(&|o| {
            let solved = American::solve(o, &[], accuracy);
            (-10..=10).map(|k| solved.price(o.spot * (1.0 + 0.03 * f64::from(k)))).sum()
        });
        emit("american-ladder21", name, n, time, &json!({ "checksum": sum }));
        let (time, sum) = each(&|o| American::solve(o, &[], accuracy).price(o.spot));
        let mut more = json!({ "checksum": sum, "us_each": 1e6 * time.median / n as f64 });
        if let (Some(more), Some(errors)) = (more.as_object_mut(), errors(&cases, &prices)) {
            more.extend(errors);
        }
        emit("american", name, n, time, &more);
    }
    dividends(&cases, rounds);
}

/// Quarterly payments of half a per cent of the spot, by right: calls and puts have methods of their own.
fn dividends(cases: &[Case], rounds: Rounds) {
    for (name, right) in [("calls", Right::Call), ("puts", Right::Put)] {
        let cases: Vec<(OptionInputs, Vec<CashDividend>)> = cases
            .iter()
            .filter(|case| case.inputs.right == right)
            .map(|case| {
                let inputs = OptionInputs { dividend_yield: 0.0, ..case.inputs };
                let dates = (0..12).map(|k| 0.1 + 0.25 * f64::from(k));
                let paid = dates
                    .filter(|years| *years < inputs.tte_years)
                    .map(|years| CashDividend { years, present_value: 0.005 * inputs.spot })
                    .collect();
                (inputs, paid)
            })
            .collect();
        let mut sum = 0.0;
        let time = timed(rounds.of(5), || {
            sum = cases
                .iter()
                .map(|(o, paid)| American::solve(black_box(o), paid, Accuracy::Fast).price(o.spot))
                .sum();
        });
        let more = json!({ "checksum": sum, "us_each": 1e6 * time.median / cases.len() as f64 });
        emit("american-dividends", name, cases.len(), time, &more);
    }
}

fn errors(cases: &[Case], prices: &[f64]) -> Option<serde_json::Map<String, Value>> {
    let mut off: Vec<f64> = cases
        .iter()
        .zip(prices)
        .filter_map(|(case, price)| Some((price - case.reference?).abs() / case.inputs.strike))
        .collect();
    off.sort_by(f64::total_cmp);
    let largest = *off.last()?;
    let root_mean = (off.iter().map(|e| e * e).sum::<f64>() / off.len() as f64).sqrt();
    let values = json!({
        "max_err_over_strike": largest,
        "rms_err_over_strike": root_mean,
        "median_err_over_strike": off[off.len() / 2],
        "failures": prices.iter().filter(|price| !price.is_finite()).count(),
    });
    values.as_object().cloned()
}
