//! Each fault of a read: what is said of it, what stays live, and that the next read makes up for it.

use std::time::Duration;

use cotrader::broker::tastytrade::Tastytrade;
use cotrader::broker::{Broker, BrokerError};
use cotrader::containers::Containers;
use cotrader::domain::Instrument;
use cotrader::domain::event::Recorded;
use cotrader::domain::id::CountedIds;
use cotrader::engine::{Effect, Engine, Input, Step};
use cotrader::runtime::broker_task::{Errand, run};
use cotrader::runtime::clock::EngineClock;
use cotrader::sim::{RunningSim, start};
use cotrader::snapshot::Snapshot;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::sim::config;
use super::{adapter, engine_config, symbol};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn every_fault_of_a_read_is_an_error_of_its_kind() {
    let sim = start(config()).await.expect("the simulator starts");
    let broker = adapter(&sim, |config| config.timeouts.request = Duration::from_secs(1));
    broker.session().await.expect("a session");
    let spy = [Instrument::Equity(symbol("SPY"))];
    type Is = fn(&BrokerError) -> bool;
    let kinds: [(&str, Is); 12] = [
        ("e401@quotes:1", |e| matches!(e, BrokerError::Unauthorised { status: 401, .. })),
        ("e403@quotes:1", |e| matches!(e, BrokerError::Forbidden { .. })),
        ("e404@quotes:1", |e| matches!(e, BrokerError::NotFound { .. })),
        ("e422@quotes:1", |e| matches!(e, BrokerError::Rejected { status: 422, .. })),
        // Longer than anybody waits: told, not slept through.
        ("e429@quotes:1:40s", |e| matches!(e, BrokerError::RateLimited { retry_after_seconds: Some(40) })),
        ("e503@quotes:1", |e| matches!(e, BrokerError::Server { status: 503, .. })),
        ("lost-reply@quotes:1", |e| matches!(e, BrokerError::Unreachable { .. })),
        ("late@quotes:1", |e| matches!(e, BrokerError::Unreachable { .. })),
        ("truncated@quotes:1", |e| matches!(e, BrokerError::Unreachable { .. })),
        ("html@quotes:1", |e| matches!(e, BrokerError::Unreadable { .. })),
        ("null@quotes:1", |e| matches!(e, BrokerError::Unreadable { .. })),
        ("latency@quotes:2s", |e| matches!(e, BrokerError::TimedOut { seconds: 1, .. })),
    ];
    for (faults, is) in kinds {
        sim.set_faults(faults.parse().expect("a plan"));
        let error = broker.quotes(&spy).await.expect_err(faults);
        assert!(is(&error), "{faults}: {error:?}");
        assert!(!error.remedy().is_empty() && !error.to_string().contains(&sim.connection().refresh_token));
        sim.set_faults("".parse().expect("no faults"));
        assert!(!broker.quotes(&spy).await.expect("it recovers").is_empty(), "{faults}");
    }
    // Once a second, and the read itself waits for it.
    sim.set_faults("e429@quotes:0.2:1s,e502@quotes:0.1".parse().expect("a plan"));
    assert!(!broker.quotes(&spy).await.expect("the third try at the latest").is_empty());
}

/// Engine and broker task, without streams: every value is one that was read.
pub struct Desk {
    sim: RunningSim,
    engine: Engine,
    clock: EngineClock,
    errands: mpsc::Sender<Errand>,
    inputs: mpsc::Receiver<Input>,
    recorded: Vec<Recorded>,
}

impl Desk {
    pub async fn open() -> Self {
        let sim = start(config()).await.expect("the simulator starts");
        let broker: std::sync::Arc<Tastytrade> = adapter(&sim, |_| {});
        broker.session().await.expect("a session");
        let clock = EngineClock::of_broker();
        clock.heard(broker.clock_skew_ms());
        let (errands, wanted) = mpsc::channel(16);
        let (told, inputs) = mpsc::channel(64);
        tokio::spawn(run(broker, clock.clone(), wanted, told));
        let config = cotrader::engine::EngineConfig { streaming: false, ..engine_config() };
        let engine = Engine::new(config, Containers::default(), Box::new(CountedIds(1)));
        let mut desk = Self { sim, engine, clock, errands, inputs, recorded: Vec::new() };
        let now = desk.clock.now();
        let first = desk.engine.start(Some("drill"), now);
        desk.settle(first).await;
        desk.refresh().await;
        // What is held is watched now, and read.
        desk.refresh().await;
        desk
    }

    pub fn plan(&self, faults: &str) {
        self.sim.set_faults(faults.parse().expect("a plan"));
    }

    /// What is said when all is well.
    pub fn warnings(&mut self) -> Vec<String> {
        self.engine.snapshot(self.clock.now()).warnings
    }

    /// As the record keeps them.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let event = |recorded: &Recorded| serde_json::to_value(recorded.event.as_ref()).expect("json");
        self.recorded.iter().map(event).collect()
    }

    async fn settle(&mut self, step: Step) {
        let mut waiting = vec![step];
        while let Some(step) = waiting.pop() {
            for pending in step.events {
                let event = Recorded {
                    seq: self.recorded.len() as u64 + 1,
                    meta: pending.meta,
                    recorded_at: self.clock.now(),
                    event: std::sync::Arc::new(pending.event),
                };
                self.engine.commit(std::slice::from_ref(&event));
                self.recorded.push(event);
            }
            let follow = self.engine.after_commit(self.clock.now());
            for effect in step.effects.into_iter().chain(follow) {
                match effect {
                    Effect::Watch(watch) => {
                        self.errands.send(Errand::Watch(watch)).await.expect("the task takes errands");
                    }
                    Effect::Reconsider(report) => {
                        waiting.push(self.engine.step(Input::Accounts(*report), self.clock.now()));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Reads everything; what was wrong is in the picture.
    pub async fn refresh(&mut self) -> Snapshot {
        self.errands.send(Errand::Refresh).await.expect("the task takes errands");
        loop {
            let input = timeout(PATIENCE, self.inputs.recv()).await.expect("it answers").expect("it runs");
            let done = matches!(input, Input::Refreshed { .. });
            let step = self.engine.step(input, self.clock.now());
            self.settle(step).await;
            if done {
                return self.engine.snapshot(self.clock.now());
            }
        }
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_said_and_nothing_is_taken_for_gone() {
    let mut desk = Desk::open().await;
    let whole = desk.refresh().await;
    let usual = desk.warnings();
    assert_eq!(whole.warnings, usual);
    let trades = desk.engine.books().open_trades().count();
    assert!(trades > 5);
    for (faults, says) in [
        ("e503@hours:1", "market session"),
        ("html@accounts:1", "accounts: an answer"),
        ("empty@accounts:1", "the broker lists none"),
        ("e503@positions:1", "could not be read completely"),
        ("empty@positions:1", "without any position"),
        ("null@positions:1", "could not be read completely"),
        ("empty@balances:1", "could not be read completely"),
        ("truncated@balances:1", "could not be read completely"),
        ("lost-reply@quotes:1", "quotes: 127.0.0.1"),
        ("empty@quotes:1", "the answer holds none"),
        ("html@metrics:1", "market metrics: an answer"),
    ] {
        desk.sim.set_faults(faults.parse().expect("a plan"));
        let picture = desk.refresh().await;
        let said = picture.warnings.iter().any(|warning| warning.contains(says));
        assert!(said, "{faults}: {:?}", picture.warnings);
        assert_eq!(desk.engine.books().open_trades().count(), trades, "{faults}");
        desk.sim.set_faults("".parse().expect("no faults"));
        let after = desk.refresh().await;
        assert_eq!(after.warnings, usual, "{faults}");
        assert_eq!(desk.engine.books().open_trades().count(), trades, "{faults}");
    }
}

#[tokio::test]
async fn quotes_that_are_no_quotes_leave_no_live_figure_behind() {
    let mut desk = Desk::open().await;
    for faults in ["nan-quote:1", "crossed-quote:1"] {
        desk.sim.set_faults(faults.parse().expect("a plan"));
        // A value that was read before is live for its seconds, and then it is not.
        let picture = desk.refresh().await;
        let marks = desk.engine.books().instruments();
        assert!(!marks.is_empty());
        let rows = serde_json::to_value(&picture).expect("json");
        let text = rows.to_string();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{faults}");
        let total = &rows["underlyings"]["total"];
        assert!(
            total["unpriced"].as_u64().is_some_and(|n| n > 0) || total["delta_shares"]["standing"] != "live",
            "{faults}: {total}"
        );
        desk.sim.set_faults("".parse().expect("no faults"));
        desk.refresh().await;
    }
}
