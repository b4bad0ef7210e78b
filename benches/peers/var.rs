//! One-day value at risk by full revaluation: 10,000 positions over 500 days of history, and 200 positions over
//! 100,000 correlated paths.

use std::hint::black_box;

use cotrader::numerics::cholesky::Root;
use cotrader::numerics::tail;
use cotrader::numerics::vector::InstructionSet;
use cotrader::risk::revaluation::{Simulation, historical_on, monte_carlo_on};
use nalgebra::DMatrix;
use serde_json::{Value, json};

use crate::book::Book;
use crate::inputs::{Inputs, between, random};
use crate::{Rounds, Time, emit, timed};

const DAY: f64 = 1.0 / 365.0;

pub fn run(inputs: &Inputs, rounds: Rounds) {
    for american_share in [0.0, 0.3] {
        historical(inputs, rounds, american_share);
        simulated(inputs, rounds, american_share);
    }
}

fn historical(inputs: &Inputs, rounds: Rounds, american_share: f64) {
    let book = Book::of(inputs, rounds.rows(10_000)).with_americans(american_share);
    let Book { now, positions, daily_vol } = book;
    let n = now.len();
    let mut random = random();
    let table = inputs.matrix("hist.csv").unwrap_or_else(|| {
        let scale = |column: usize| if column < n { 1.7 * daily_vol[column] } else { 0.01 };
        (0..500).map(|_| (0..2 * n).map(|c| between(&mut random, -scale(c), scale(c))).collect()).collect()
    });
    let column = |c: usize| table.iter().map(|day| day[c]).collect::<Vec<f64>>();
    let returns: Vec<Vec<f64>> = (0..n).map(column).collect();
    let moves: Vec<Vec<f64>> = (n..2 * n).map(column).collect();
    for set in InstructionSet::available() {
        let mut profits = Vec::new();
        let time = timed(rounds.of(7), || {
            profits = historical_on(black_box(set), black_box(&positions), &now, &returns, &moves, DAY, 0.01)
                .expect("profits");
        });
        report(("var-hist", american_share), set.name(), positions.len(), time, &mut profits);
    }
}

fn simulated(inputs: &Inputs, rounds: Rounds, american_share: f64) {
    let book = Book::of(inputs, rounds.rows(200)).with_americans(american_share);
    let Book { now, positions, daily_vol } = book;
    let n = now.len();
    let correlation = inputs.matrix("corr.csv").unwrap_or_else(|| {
        (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.4 }).collect()).collect()
    });
    let covariance = DMatrix::from_fn(n, n, |i, j| correlation[i][j] * daily_vol[i] * daily_vol[j]);
    let root = Root::of(&covariance).expect("a covariance");
    let paths = rounds.rows(100_000);
    for set in InstructionSet::available() {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut profits = Vec::new();
            let simulation = Simulation { root: &root, paths, seed: 1 };
            let time = timed(rounds.of(7), || {
                let run = || monte_carlo_on(black_box(set), black_box(&positions), &now, simulation, DAY);
                profits = pool.install(run).expect("profits");
            });
            let name = format!("{} threads {threads}", set.name());
            report(("var-mc", american_share), &name, positions.len(), time, &mut profits);
        }
    }
}

fn report(
    (item, american_share): (&str, f64),
    name: &str,
    positions: usize,
    time: Time,
    profits: &mut [f64],
) {
    let valuations = positions * profits.len();
    // Bits in order: one number that differs as soon as one path does.
    let bits = profits.iter().fold(0_u64, |hash, x| hash.rotate_left(5) ^ x.to_bits());
    let mut more = json!({
        "positions": positions,
        "american_share": american_share,
        "scenarios": profits.len(),
        "bits": format!("{bits:016x}"),
    });
    for (confidence, var, shortfall) in [(0.95, "VaR95", "ES95"), (0.99, "VaR99", "ES99")] {
        if let (Some(tail), Value::Object(more)) = (tail::of(profits, confidence), &mut more) {
            more.insert(var.into(), json!(tail.var));
            more.insert(shortfall.into(), json!(tail.shortfall));
            more.insert(format!("{var}_se"), json!(tail.var_error));
            more.insert(format!("{shortfall}_se"), json!(tail.shortfall_error));
        }
    }
    emit(item, name, valuations, time, &more);
}
