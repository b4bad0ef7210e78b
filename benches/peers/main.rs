//! The numerical core beside other libraries: one JSON line per item with what was computed (checksums), how
//! much of it and in what time. `COTRADER_BENCH_INPUTS` names a folder of input tables, so that others can be
//! run on the very same numbers; without it the bench makes its own. Arguments that are not options select
//! items by name. Only equal checksums make two times comparable.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

mod american;
mod book;
mod european;
mod inputs;
mod iv;
mod scenario;
mod var;

use std::time::Instant;

use serde_json::{Map, Value, json};

use inputs::Inputs;

/// An item prints its lines; the flag asks for one short round that only shows that it works.
type Item = fn(&Inputs, Rounds);

const ITEMS: [(&str, Item); 5] = [
    ("american", american::run),
    ("european", european::run),
    ("iv", iv::run),
    ("scenario", scenario::run),
    ("var", var::run),
];

fn main() {
    let inputs = Inputs::from_environment();
    // `cargo test` runs benches, too: there one short round shows that it works.
    let rounds = Rounds { testing: !std::env::args().any(|arg| arg == "--bench") };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, item) in ITEMS {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            item(&inputs, rounds);
        }
    }
}

/// How often to repeat.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    testing: bool,
}

impl Rounds {
    pub fn of(self, usual: usize) -> usize {
        if self.testing { 1 } else { usual }
    }

    /// Rows to work on: a test takes few.
    pub fn rows(self, usual: usize) -> usize {
        if self.testing { usual.min(300) } else { usual }
    }
}

/// Median and best of some rounds, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    pub median: f64,
    pub best: f64,
}

/// After one round to warm up.
pub fn timed(rounds: usize, mut work: impl FnMut()) -> Time {
    work();
    let mut seconds: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    Time { median: seconds[seconds.len() / 2], best: seconds[0] }
}

/// Prints one line. `more` is an object with what was computed.
pub fn emit(item: &str, variant: &str, n: usize, time: Time, more: &Value) {
    let mut line = Map::new();
    line.insert("item".into(), json!(item));
    line.insert("peer".into(), json!(format!("cotrader {variant}")));
    line.insert("n".into(), json!(n));
    line.insert("seconds".into(), json!(time.median));
    line.insert("best_seconds".into(), json!(time.best));
    // A count of rows is far below 2^52.
    line.insert("per_second".into(), json!(n as f64 / time.median));
    line.insert("ns_each".into(), json!(1e9 * time.median / n as f64));
    for (key, value) in more.as_object().into_iter().flatten() {
        line.insert(key.clone(), value.clone());
    }
    println!("{}", Value::Object(line));
}
