//! A full risk report of 25 legs against plain option prices of the same run: the ratio says how many prices
//! the report costs, whatever the machine. The target is 5 ms for 30 legs.

#[path = "support/book.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use cotrader::pricing::black_scholes::price;
use cotrader::pricing::{Exercise, OptionInputs};
use cotrader::risk::{RiskQuestion, compute};
use criterion::{Criterion, criterion_group, criterion_main};
use support::{book, inputs};

const LEGS: u32 = 25;
const ROUNDS: u32 = 200;

fn per_round(rounds: u32, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        work();
    }
    start.elapsed() / rounds
}

#[expect(clippy::print_stdout, reason = "the ratio is the result")]
fn ratio() {
    let (book, question) = (book(LEGS, &Exercise::AtExpiry), RiskQuestion::default());
    let report = per_round(ROUNDS, || {
        black_box(compute(black_box(&book), &question));
    });
    let options: Vec<OptionInputs> = (0..1_000).map(|n| inputs(n, 600.0)).collect();
    let thousand = per_round(ROUNDS, || {
        black_box(options.iter().map(|o| price(black_box(o))).sum::<f64>());
    });
    let prices = report.as_secs_f64() / thousand.as_secs_f64() * 1_000.0;
    println!("report of {LEGS} legs {report:?} = {prices:.0} prices ({thousand:?} per thousand)");
}

fn scenario(c: &mut Criterion) {
    ratio();
    let (book, question) = (book(LEGS, &Exercise::AtExpiry), RiskQuestion::default());
    c.bench_function("risk report, 25 legs", |b| b.iter(|| compute(black_box(&book), &question)));
}

criterion_group!(benches, scenario);
criterion_main!(benches);
