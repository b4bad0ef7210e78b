//! The engine's loop: take an input, decide, make durable, apply, run effects, publish.
//!
//! The one place where a decision waits for the disk; nothing else in the process does.

mod effects;
mod flag;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::domain::command::{Done, LogEntry};
use crate::domain::{Command, Refusal};
use crate::engine::{Engine, Input, KillFlagged, ReplyTo, RiskJob};
use crate::snapshot::{Level, Notice, Snapshot};
use crate::store::Store;

use super::broker_task::Errand;
use super::clock::EngineClock;
use super::desk_task::DeskErrand;
use super::following::News;
use super::kill_flag::KillFlag;

/// Ticks and risk results are published together: at most ten pictures a second, commands at once.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// Journal lines that one durable batch takes.
pub const LOG_BATCH: usize = 256;

/// The answer to one journal line, or to one command.
pub type Outcome = Result<Done, Refusal>;

/// What a person or a shell asks; a shell waits for the answer.
#[derive(Debug)]
pub enum Ask {
    Command {
        command: Command,
        reply: Option<oneshot::Sender<Outcome>>,
    },
    Log {
        entries: Vec<LogEntry>,
        reply: oneshot::Sender<Vec<Outcome>>,
    },
    /// The engine panics, so that a test can see what the trader would see. Not part of what is shipped.
    #[cfg(debug_assertions)]
    Panic,
}

/// The channels between the engine and everything else.
pub struct Ports {
    pub asks: mpsc::Receiver<Ask>,
    pub inputs: mpsc::Receiver<Input>,
    /// From the process that writes, where this one only reads.
    pub news: mpsc::Receiver<News>,
    /// For workers that report back.
    pub back: mpsc::Sender<Input>,
    pub errands: mpsc::Sender<Errand>,
    pub desk: mpsc::Sender<DeskErrand>,
    pub risk: watch::Sender<Option<RiskJob>>,
    pub snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    pub notices: mpsc::Sender<Notice>,
    pub shutdown: watch::Receiver<bool>,
    pub kill_flag: KillFlag,
}

pub struct EngineTask {
    engine: Engine,
    store: Option<Store>,
    clock: EngineClock,
    ports: Ports,
    waiting: BTreeMap<ReplyTo, Waiting>,
    next_reply: u64,
    dirty: bool,
    published: Option<Instant>,
    pictures: u64,
    /// The flag as this process saw it last: only that one is taken away by a reset.
    flag_seen: Option<KillFlagged>,
}

enum Waiting {
    One(oneshot::Sender<Outcome>),
    Many { answers: Vec<Option<Outcome>>, reply: oneshot::Sender<Vec<Outcome>> },
}

impl EngineTask {
    /// `store` is `None` where nothing can be recorded; the engine knows that too.
    pub fn new(engine: Engine, store: Option<Store>, clock: EngineClock, ports: Ports) -> Self {
        Self {
            engine,
            store,
            clock,
            ports,
            waiting: BTreeMap::new(),
            next_reply: 0,
            dirty: true,
            published: None,
            pictures: 0,
            flag_seen: None,
        }
    }

    /// The cockpit's loop.
    pub async fn run(mut self) -> Engine {
        let first = self.engine.start(Some(env!("CARGO_PKG_VERSION")), self.clock.now());
        self.carry_out(first).await;
        self.look_at_flag().await;
        let first = self.engine.first_refresh();
        self.carry_out(first).await;
        self.serve().await
    }

    /// The journal's loop: no session, no broker, no pictures.
    pub async fn run_journal(mut self) -> Engine {
        let first = self.engine.start(None, self.clock.now());
        self.carry_out(first).await;
        self.look_at_flag().await;
        loop {
            tokio::select! {
                biased;
                Some(ask) = self.ports.asks.recv() => self.ask(ask).await,
                _ = self.ports.shutdown.changed() => break,
            }
        }
        self.engine
    }

    async fn serve(mut self) -> Engine {
        self.publish();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let due = self.published.map_or_else(Instant::now, |at| at + PUBLISH_EVERY);
            tokio::select! {
                biased;
                _ = self.ports.shutdown.changed() => break,
                Some(ask) = self.ports.asks.recv() => {
                    self.ask(ask).await;
                    // A changed book or view is published with its risk, which is milliseconds away.
                    if self.engine.risk_is_current() {
                        self.publish();
                    }
                }
                () = tokio::time::sleep_until(due), if self.dirty => self.publish(),
                Some(news) = self.ports.news.recv() => self.hear(news).await,
                Some(input) = self.ports.inputs.recv() => {
                    let answers_risk = matches!(input, Input::Risk(_));
                    self.take(input).await;
                    if answers_risk {
                        self.publish();
                    }
                }
                _ = second.tick() => {
                    self.look_at_flag().await;
                    self.take(Input::Tick).await;
                }
            }
        }
        self.engine
    }

    /// Applied as if it had been decided here: it is durable already.
    async fn hear(&mut self, news: News) {
        self.dirty = true;
        match news {
            News::Recorded(events) => {
                if let Some(last) = events.last() {
                    self.clock.not_before(last.meta.occurred_at);
                }
                self.engine.commit(&events);
                self.engine.record_is_read();
                let follow = self.engine.after_commit(self.clock.now());
                self.run_effects(follow).await;
            }
            News::Readable => self.engine.record_is_read(),
            News::Writer(why) => self.engine.cannot_record(why),
            News::Unreadable(why) => {
                let notice = self.engine.record_unreadable(why);
                self.say(notice);
            }
        }
    }

    async fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Command { command, reply } => {
                let reply = reply.map(|sender| self.await_answer(Waiting::One(sender)));
                self.take(Input::Command { command, reply }).await;
            }
            #[cfg(debug_assertions)]
            Ask::Panic => panic!("rehearsed"),
            Ask::Log { entries, reply } if entries.is_empty() => drop(reply.send(Vec::new())),
            Ask::Log { entries, reply } => {
                let answers = entries.iter().map(|_| None).collect();
                let reply = self.await_answer(Waiting::Many { answers, reply });
                self.take(Input::LogBatch { entries, reply }).await;
            }
        }
    }

    fn await_answer(&mut self, waiting: Waiting) -> ReplyTo {
        self.next_reply += 1;
        let key = ReplyTo(self.next_reply);
        self.waiting.insert(key, waiting);
        key
    }

    async fn take(&mut self, input: Input) {
        let step = self.engine.step(input, self.clock.now());
        self.carry_out(step).await;
    }

    fn say(&self, notice: Notice) {
        tracing::info!(level = ?notice.level, text = %notice.text, "said");
        if self.ports.notices.try_send(notice).is_err() {
            tracing::debug!("nobody reads notices");
        }
    }

    fn publish(&mut self) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        let mut picture = self.engine.snapshot(self.clock.now());
        // The pause between pictures begins when one is ready: what is slow to build leaves time for inputs.
        self.published = Some(Instant::now());
        self.ports.snapshots.send_if_modified(|shown| {
            if shown.as_ref().is_some_and(|last| picture.differs_in_time_only(last)) {
                return false;
            }
            // Whatever made it differ, a new picture is a new number: the screen draws what it has not drawn.
            self.pictures += 1;
            picture.revision = self.pictures;
            *shown = Some(Arc::new(picture));
            true
        });
    }
}

/// A refusal in the form the screen shows.
pub fn refused(refusal: &Refusal) -> Notice {
    Notice { level: Level::Error, text: refusal.to_string(), remedy: Some(refusal.remedy().to_owned()) }
}
