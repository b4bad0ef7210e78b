//! The engine on the demo's book, fed by the real adapter from the simulated broker: what one batch of market
//! data, one picture for the screen and one risk report cost. The screen waits for none of them; these figures
//! say how old what it shows can get.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use cotrader::config::{Config, Env};
use cotrader::containers::Containers;
use cotrader::domain::event::Recorded;
use cotrader::engine::{Effect, Engine, Input, RiskDone, RiskJob, Step};
use cotrader::market::update::MarketUpdate;
use cotrader::risk::{report, two_models};
use cotrader::runtime::broker_task::{self, Errand};
use cotrader::runtime::clock::EngineClock;
use cotrader::runtime::{ids, settings};
use cotrader::sim::{self, SimClock, SimConfig, WorldSource, demo_start};
use cotrader::snapshot::Mode;
use tokio::sync::mpsc;

const SEED: u64 = 7;

fn main() {
    // `cargo test` runs benches, too: there one short round shows that it works.
    let testing = !std::env::args().any(|arg| arg == "--bench");
    let (listen, rounds) = if testing { (2, 5) } else { (12, 2_000) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let mut driver = runtime.block_on(driven(Duration::from_secs(listen)));
    // The streams stand still from here on: only the engine works.
    drop(runtime);
    driver.measure(rounds);
}

/// An engine with the whole demo in it, and the market data that came while it was listened to.
async fn driven(listen: Duration) -> Driver {
    let calendar = cotrader::market::calendar::Calendar::default();
    let start = demo_start(chrono::Utc::now(), None, &calendar);
    let anchor = cotrader::domain::time::new_york_date(start);
    let config = SimConfig::new(SEED, SimClock::starting_at(start, 1.0), WorldSource::Seeded { anchor });
    let sim = sim::start(config).await.expect("a simulated broker");
    let connection = sim.connection();
    let wire = TastytradeConfig::loopback(&connection.base_url, &connection.account_stream_url);
    let credentials = Credentials {
        client_secret: connection.client_secret.clone().into(),
        refresh_token: connection.refresh_token.clone().into(),
    };
    let broker = Arc::new(Tastytrade::new(wire, credentials).expect("an adapter"));
    let clock = EngineClock::of_broker();
    let _ = cotrader::broker::Broker::session(broker.as_ref()).await.expect("a session");
    clock.heard(cotrader::broker::Broker::clock_skew_ms(broker.as_ref()));

    let folder = tempfile::tempdir().expect("a folder without a configuration");
    let config = Config::load(Some(folder.path()), &Env::default())
        .or_else(|_| Config::load(None, &Env::default()))
        .expect("the embedded configuration");
    let config = settings::engine(&config, Mode::Demo).expect("an engine's settings");
    let engine = Engine::new(config, Containers::default(), Box::new(ids::TimeOrdered));
    let (back, mut inputs) = mpsc::channel(256);
    let (errands, errands_in) = mpsc::channel(16);
    tokio::spawn(broker_task::run(broker, clock.clone(), errands_in, back));
    let mut driver = Driver { engine, clock, errands, job: None, heard: Vec::new(), updates: 0 };
    let first = driver.engine.start(Some("bench"), driver.clock.now());
    driver.carry_out(first);
    let first = driver.engine.first_refresh();
    driver.carry_out(first);
    let until = tokio::time::Instant::now() + listen;
    let begun = Instant::now();
    while let Ok(Some(input)) = tokio::time::timeout_at(until, inputs.recv()).await {
        if let Input::Market(updates) = &input {
            driver.updates += updates.len();
            driver.heard.push(updates.clone());
        }
        driver.take(input);
    }
    let rate = driver.updates as f64 / begun.elapsed().as_secs_f64();
    println!("{:<52} {rate:>9.0} /s", "market updates of the demo, start included");
    driver
}

struct Driver {
    engine: Engine,
    clock: EngineClock,
    errands: mpsc::Sender<Errand>,
    job: Option<RiskJob>,
    heard: Vec<Vec<MarketUpdate>>,
    updates: usize,
}

impl Driver {
    fn take(&mut self, input: Input) {
        let step = self.engine.step(input, self.clock.now());
        self.carry_out(step);
    }

    /// What the engine's task does, with a disk that takes no time.
    fn carry_out(&mut self, step: Step) {
        let mut effects = step.effects;
        if !step.events.is_empty() {
            let mut seq = self.engine.books().seq;
            let recorded: Vec<Recorded> = step
                .events
                .into_iter()
                .map(|pending| {
                    seq += 1;
                    let (meta, event) = (pending.meta, Arc::new(pending.event));
                    Recorded { seq, recorded_at: meta.occurred_at, meta, event }
                })
                .collect();
            self.engine.commit(&recorded);
            effects.extend(self.engine.after_commit(self.clock.now()));
        }
        for effect in effects {
            match effect {
                Effect::Refresh => drop(self.errands.try_send(Errand::Refresh)),
                Effect::Watch(watch) => drop(self.errands.try_send(Errand::Watch(watch))),
                Effect::Reconsider(report) => self.take(Input::Accounts(*report)),
                Effect::Compute(job) => {
                    let done = answer(&job);
                    self.job = Some(*job);
                    self.take(Input::Risk(Box::new(done)));
                }
                // Nothing here books, sends or stops.
                _ => {}
            }
        }
    }

    fn measure(&mut self, rounds: usize) {
        let trades = self.engine.books().open_trades().count();
        let legs: usize = self.engine.books().open_trades().map(|trade| trade.legs.len()).sum();
        println!("{:<52} {trades:>9} with {legs} legs", "open trades");
        let mut heard = std::mem::take(&mut self.heard);
        // The year of history and the first read are not what comes every moment.
        heard.drain(..heard.len() / 2);
        let (mut steps, mut pictures, mut updates) = (Vec::new(), Vec::new(), 0);
        for batch in heard.iter().cycle().take(rounds) {
            updates += batch.len();
            let now = self.clock.now();
            let input = Input::Market(batch.clone());
            let begun = Instant::now();
            let step = self.engine.step(input, now);
            steps.push(begun.elapsed());
            self.carry_out(step);
            let begun = Instant::now();
            std::hint::black_box(self.engine.snapshot(now));
            pictures.push(begun.elapsed());
        }
        let stepping: Duration = steps.iter().sum();
        let rate = updates as f64 / stepping.as_secs_f64();
        println!("{:<52} {rate:>9.0} /s", "market updates that the engine can take");
        row(&format!("one batch of market data ({} updates)", updates / rounds.max(1)), &mut steps, None);
        row("one picture for the screen", &mut pictures, None);
        let job = self.job.take().expect("risk was asked for");
        let mut reports: Vec<Duration> = (0..rounds.clamp(1, 300))
            .map(|_| {
                let begun = Instant::now();
                std::hint::black_box(answer(&job));
                begun.elapsed()
            })
            .collect();
        let what = format!("one risk report of {} legs", job.book.legs.len());
        row(&what, &mut reports, Some(Duration::from_millis(5)));
    }
}

fn answer(job: &RiskJob) -> RiskDone {
    RiskDone {
        revision: job.revision,
        structure: job.structure,
        view: job.view.clone(),
        report: report::compute(&job.book, &job.question),
        models: two_models::compare(&job.pairs, job.units),
    }
}

fn row(what: &str, times: &mut [Duration], target: Option<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let verdict = target.map_or(String::new(), |target| {
        format!("  (target {target:?}) {}", if at(0.5) < target { "pass" } else { "MISS" })
    });
    println!("{what:<52} p50 {:>7.0} us  p99 {:>7.0} us{verdict}", micros(at(0.5)), micros(at(0.99)));
}
