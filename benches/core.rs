//! The core's building blocks against one scalar European price of the same run: the ratio says how many such
//! prices an item costs, whatever the machine. Items take turns in short rounds, and the shortest round of each
//! counts: a machine that builds something else beside it changes little.

#[path = "support/book.rs"]
mod support;

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cotrader::domain::view::Horizon;
use cotrader::pricing::american::{self, Accuracy, American};
use cotrader::pricing::batch::{self, GreekTable, OptionTable};
use cotrader::pricing::{
    Exercise, OptionInputs, QuoteInputs, QuoteTable, VolTable, greeks, implied_vols, price,
};
use cotrader::risk::exposure::leg_exposures;
use cotrader::risk::scenario::{GridRequest, LegGrid, Revaluation, Subject};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// As many options as a chain of a few expiries has; a batch of them stays in the second-level cache.
const OPTIONS: u32 = 1_000;
/// American options of a round: each costs as much as some twenty European ones.
const AMERICAN: usize = 50;
/// The demo's book.
const LEGS: u32 = 29;
const ROUNDS: usize = 200;

/// One thing to time: `operations` are what one call of `work` does.
struct Item<'a> {
    name: &'static str,
    operations: usize,
    work: Box<dyn Fn() + 'a>,
}

impl<'a> Item<'a> {
    fn new(name: &'static str, operations: usize, work: impl Fn() + 'a) -> Self {
        Self { name, operations, work: Box::new(work) }
    }
}

/// The inputs of all items.
struct Given {
    options: Vec<OptionInputs>,
    table: OptionTable,
    quotes: Vec<QuoteInputs>,
    quote_table: QuoteTable,
}

impl Given {
    fn new() -> Self {
        let options: Vec<OptionInputs> = (0..OPTIONS).map(|n| support::inputs(n, 600.0)).collect();
        let quote = |option: &OptionInputs| {
            let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = *option;
            QuoteInputs { right, price: price(option), spot, strike, rate, dividend_yield, tte_years }
        };
        let quotes: Vec<QuoteInputs> = options.iter().map(quote).collect();
        Self { table: options.iter().collect(), quote_table: quotes.iter().collect(), options, quotes }
    }

    /// The first is what all are compared with.
    fn items(&self) -> Vec<Item<'_>> {
        let Self { options, table, quotes, quote_table } = self;
        let all = options.len();
        let american = &options[..AMERICAN];
        let (values, sensitivities) = (RefCell::new(Vec::new()), RefCell::new(GreekTable::default()));
        let vols = RefCell::new(VolTable::default());
        vec![
            Item::new("European price, scalar", all, || each(options, price)),
            Item::new("European price and Greeks, scalar", all, || each(options, greeks)),
            Item::new("European price, batch", all, move || {
                batch::prices(black_box(table), &mut values.borrow_mut());
            }),
            Item::new("European price and Greeks, batch", all, move || {
                batch::greeks(black_box(table), &mut sensitivities.borrow_mut());
            }),
            Item::new("implied volatility, scalar", all, || each(quotes, QuoteInputs::implied_vol)),
            Item::new("implied volatility, batch", all, move || {
                implied_vols(black_box(quote_table), &mut vols.borrow_mut());
            }),
            Item::new("American price, fast", AMERICAN, || {
                each(american, |option| american::price(option, &[], Accuracy::Fast));
            }),
            Item::new("American price, delta, gamma, theta, fast", AMERICAN, || {
                each(american, |option| American::solve(option, &[], Accuracy::Fast).at(option.spot));
            }),
            Item::new("American price and Greeks, fast", AMERICAN, || {
                each(american, |option| american::greeks(option, &[], Accuracy::Fast));
            }),
            grid("matrix of 29 European legs", &Exercise::AtExpiry),
            grid("matrix of 29 American legs", &Exercise::anytime()),
        ]
    }
}

fn each<T, U>(rows: &[T], of: impl Fn(&T) -> U) {
    for row in rows {
        black_box(of(black_box(row)));
    }
}

/// The scenario matrix of the screen, summed over the whole book.
fn grid(name: &'static str, exercise: &Exercise) -> Item<'static> {
    let book = support::book(LEGS, exercise);
    let rows = leg_exposures(&book);
    Item::new(name, 1, move || {
        let now = Revaluation::of(black_box(&book));
        let request = GridRequest::screen(&book, Horizon::Now, Subject::Book, |_| true);
        black_box(LegGrid::compute(&now, &rows, request).sum(&book, &rows, None, |_| true));
    })
}

#[expect(clippy::print_stdout, reason = "the ratios are the result")]
fn ratios(items: &[Item<'_>]) {
    let mut best = vec![Duration::MAX; items.len()];
    for _ in 0..ROUNDS {
        for (best, item) in best.iter_mut().zip(items) {
            let start = Instant::now();
            (item.work)();
            *best = (*best).min(start.elapsed());
        }
    }
    let nanoseconds =
        |(best, item): (&Duration, &Item<'_>)| 1e9 * best.as_secs_f64() / item.operations as f64;
    let of_each: Vec<f64> = best.iter().zip(items).map(nanoseconds).collect();
    for (item, of_one) in items.iter().zip(&of_each) {
        println!("{:42} {of_one:12.1} ns = {:9.3} prices", item.name, of_one / of_each[0]);
    }
}

fn core(c: &mut Criterion) {
    let given = Given::new();
    let items = given.items();
    ratios(&items);
    let mut group = c.benchmark_group("core");
    for item in &items {
        group.throughput(Throughput::Elements(item.operations as u64));
        group.bench_function(item.name, |b| b.iter(&item.work));
    }
    group.finish();
}

criterion_group!(benches, core);
criterion_main!(benches);
