//! European options: value and eight Greeks in batch on every instruction set, value alone, and the scalar
//! formulas.

use std::hint::black_box;

use cotrader::numerics::vector::InstructionSet;
use cotrader::pricing::batch::{BatchGreeks, GreekTable, OptionTable, greeks_on, prices_on};
use cotrader::pricing::{OptionInputs, price, raw_greeks};
use serde_json::{Value, json};

use crate::inputs::{Inputs, OptionRow, random, random_option};
use crate::{Rounds, emit, timed};

fn options(inputs: &Inputs, rows: usize) -> Vec<OptionInputs> {
    if let Some(table) = inputs.rows::<OptionRow>("european.csv") {
        return table.iter().map(OptionRow::option).collect();
    }
    let mut random = random();
    (0..rows).map(|_| random_option(&mut random, [-0.005, 0.08], [2.0, 900.0])).collect()
}

/// The sum of each column.
fn checksum(rows: impl Iterator<Item = BatchGreeks>) -> Value {
    let sum = rows.fold(BatchGreeks::default(), |a, b| BatchGreeks {
        price: a.price + b.price,
        delta: a.delta + b.delta,
        gamma: a.gamma + b.gamma,
        vega: a.vega + b.vega,
        theta: a.theta + b.theta,
        rho: a.rho + b.rho,
        vanna: a.vanna + b.vanna,
        volga: a.volga + b.volga,
        charm: a.charm + b.charm,
    });
    json!({
        "price": sum.price, "delta": sum.delta, "gamma": sum.gamma, "vega": sum.vega, "theta": sum.theta,
        "rho": sum.rho, "vanna": sum.vanna, "volga": sum.volga, "charm": sum.charm,
    })
}

pub fn run(inputs: &Inputs, rounds: Rounds) {
    let all = options(inputs, rounds.rows(100_000));
    // All rows, and as many as the second-level cache holds.
    for n in [all.len(), 4_096.min(all.len())] {
        let options = &all[..n];
        let table: OptionTable = options.iter().collect();
        let mut out = GreekTable::default();
        let mut values = Vec::new();
        for set in InstructionSet::available() {
            let repeats = rounds.of(4_000_000 / n);
            let time = timed(repeats, || greeks_on(black_box(set), black_box(&table), black_box(&mut out)));
            let more = json!({ "greeks": 8, "checksum": checksum(out.iter()) });
            emit("european", &format!("batch {}", set.name()), n, time, &more);
            let time =
                timed(repeats, || prices_on(black_box(set), black_box(&table), black_box(&mut values)));
            let more = json!({ "greeks": 0, "checksum": { "price": values.iter().sum::<f64>() } });
            emit("european-price", &format!("batch {}", set.name()), n, time, &more);
        }
    }
    let mut sum = 0.0;
    let time =
        timed(rounds.of(5), || sum = all.iter().map(|o| black_box(raw_greeks(black_box(o))).price).sum());
    let more = json!({ "greeks": 16, "checksum": { "price": sum } });
    emit("european", "scalar", all.len(), time, &more);
    let time = timed(rounds.of(5), || sum = all.iter().map(|o| black_box(price(black_box(o)))).sum());
    let more = json!({ "greeks": 0, "checksum": { "price": sum } });
    emit("european-price", "scalar", all.len(), time, &more);
}
