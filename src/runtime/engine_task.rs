//! The engine's loop: take an input, decide, make durable, apply, run effects, publish.
//!
//! The one place where a decision waits for the disk; nothing else in the process does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::domain::command::{Booked, Done, LogEntry};
use crate::domain::control::KillMode;
use crate::domain::event::{Pending, Recorded};
use crate::domain::{Command, Event, ReadOnly, Refusal};
use crate::engine::{
    Effect, Engine, Failure, Input, KillFlagged, NoChain, Promise, ReplyTo, RiskJob, Step, Subject,
};
use crate::snapshot::{Level, Notice, Snapshot};
use crate::store::{Store, StoreError};

use super::broker_task::Errand;
use super::clock::EngineClock;
use super::compute;
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

    /// Once a second and at the start. What it says goes to the engine where that does not know it yet.
    async fn look_at_flag(&mut self) {
        self.flag_seen = self.ports.kill_flag.seen();
        if self.engine.minds_kill_flag(self.flag_seen.as_ref()) {
            self.take(Input::KillFlag(self.flag_seen.clone())).await;
        }
    }

    fn raise_flag(&mut self, mode: KillMode, why: &str) {
        if let Err(error) = self.ports.kill_flag.raise(mode, why) {
            self.say(flag_trouble(
                format!("the flag file cannot be put down: {error}"),
                &self.ports.kill_flag,
            ));
        }
        self.flag_seen = self.ports.kill_flag.seen();
    }

    fn lower_flag(&mut self) {
        let lowered = self.ports.kill_flag.lower(self.flag_seen.as_ref());
        match lowered {
            Ok(true) => self.flag_seen = None,
            Ok(false) => {
                let text = "another flag file was put down meanwhile: the switch goes up again".to_owned();
                self.say(flag_trouble(text, &self.ports.kill_flag));
            }
            Err(error) => {
                let text = format!("the flag file cannot be taken away: {error}");
                self.say(flag_trouble(text, &self.ports.kill_flag));
            }
        }
    }

    async fn carry_out(&mut self, step: Step) {
        self.dirty = true;
        let Step { events, effects, answers, promised, sends } = step;
        let order = answers.into_iter();
        if events.is_empty() {
            for answer in order {
                let outcome = answer.result.map(Done::without_events);
                self.answer(answer.to, answer.slot, outcome);
            }
            self.run_effects(effects).await;
            // A wish that is not in the record is not sent.
            debug_assert!(sends.is_empty(), "an order without its wish");
            return;
        }
        let requests = requests(events.len(), &promised);
        let mut subjects = Vec::with_capacity(requests.len());
        let mut at = 0;
        for request in &requests {
            subjects.push(events.get(at).map(|pending| Subject::of(&pending.event)));
            at += request.len;
        }
        let results = self.append(events, &requests).await;
        let mut halted = None;
        let mut durable = true;
        for ((request, result), subject) in requests.into_iter().zip(results).zip(subjects) {
            let outcome = match result {
                Ok(recorded) => {
                    self.engine.commit(&recorded);
                    Ok(done(&recorded, request.said.clone()))
                }
                Err(error) if is_refusal(&error) => {
                    durable = false;
                    Err(Refusal::NotRecorded { why: error.to_string() })
                }
                Err(error) => {
                    let why = stopped(&error);
                    durable = false;
                    halted.get_or_insert(why.clone());
                    Err(Refusal::ReadOnly(why))
                }
            };
            match (request.answers, outcome, subject) {
                (Some((to, slot)), outcome, _) => self.answer(to, slot, outcome),
                (None, Err(Refusal::NotRecorded { why }), Some(subject)) => {
                    if let Some(notice) = self.engine.not_recorded(subject, why, self.clock.now()) {
                        self.say(notice);
                    }
                }
                (None, _, _) => {}
            }
        }
        for answer in order {
            let outcome = answer.result.map(Done::without_events);
            self.answer(answer.to, answer.slot, outcome);
        }
        match halted {
            // Effects only read: what was promised to be read is read all the same.
            Some(why) => {
                let notice = self.engine.store_failed(why);
                self.say(notice);
                self.run_effects(effects).await;
            }
            None => {
                if durable {
                    self.send_orders(sends);
                } else {
                    self.leave_unsent(sends);
                }
                self.run_effects(effects).await;
                let follow = self.engine.after_commit(self.clock.now());
                self.run_effects(follow).await;
            }
        }
    }

    /// One request per promise, so that each is durable or repeated by itself; one disk wait for all.
    async fn append(
        &self,
        mut events: Vec<Pending>,
        requests: &[Request],
    ) -> Vec<Result<Vec<Recorded>, StoreError>> {
        let Some(store) = &self.store else {
            return requests.iter().map(|_| Err(StoreError::ReadOnly)).collect();
        };
        let mut appends = Vec::with_capacity(requests.len());
        for request in requests {
            let rest = events.split_off(request.len);
            appends.push(std::mem::replace(&mut events, rest));
        }
        let stored = store.append_in_order(appends).await;
        stored.into_iter().map(|result| result.map(|appended| appended.events)).collect()
    }

    fn answer(&mut self, to: Option<ReplyTo>, slot: usize, outcome: Outcome) {
        let Some(to) = to else {
            match outcome {
                Ok(done) if done.said.is_empty() => {}
                Ok(done) => self.say(Notice { level: Level::Done, text: done.said, remedy: None }),
                Err(refusal) => self.say(refused(&refusal)),
            }
            return;
        };
        match self.waiting.remove(&to) {
            None => tracing::error!(reply = to.0, "an answer nobody asked for"),
            Some(Waiting::One(sender)) => drop(sender.send(outcome)),
            Some(Waiting::Many { mut answers, reply }) => {
                if let Some(place) = answers.get_mut(slot) {
                    *place = Some(outcome);
                }
                if answers.iter().all(Option::is_some) {
                    drop(reply.send(answers.into_iter().flatten().collect()));
                } else {
                    self.waiting.insert(to, Waiting::Many { answers, reply });
                }
            }
        }
    }

    async fn run_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Refresh => {
                    self.send_errand(Errand::Refresh, Some(|failures| Input::Refreshed { failures }));
                }
                Effect::Watch(watch) => {
                    self.send_errand(Errand::Watch(watch), Some(|failures| Input::Followed { failures }));
                }
                Effect::RetryLinks => self.send_errand(Errand::RetryLinks, None),
                Effect::FetchChain(wish) => {
                    let booking = wish.booking;
                    if self.ports.errands.try_send(Errand::Chain(wish)).is_err() {
                        self.report_back(Input::Chain { booking, chain: Err(NoChain::Failed(behind())) });
                    }
                }
                // At once: a newer report must not come before it.
                Effect::Reconsider(report) => Box::pin(self.take(Input::Accounts(*report))).await,
                Effect::Evaluate { booking, job } => {
                    tokio::spawn(compute::evaluation(booking, *job, self.ports.back.clone()));
                }
                Effect::Compute(job) => {
                    self.ports.risk.send_replace(Some(*job));
                }
                Effect::RaiseKillFlag { mode, why } => self.raise_flag(mode, &why),
                Effect::LowerKillFlag => self.lower_flag(),
                Effect::Say(notice) => self.say(notice),
                Effect::Consider(report) => Box::pin(self.take(Input::Order(report))).await,
                Effect::DryRun(ticket) => self.at_the_desk(DeskErrand::DryRun(ticket)),
                Effect::DryRunSet(set) => self.at_the_desk(DeskErrand::DryRunSet(set)),
                Effect::LookUp(look) => self.at_the_desk(DeskErrand::LookUp(look)),
                Effect::Submit(_)
                | Effect::Replace { .. }
                | Effect::Cancel { .. }
                | Effect::SubmitSet(_)
                | Effect::CancelSet { .. } => {
                    tracing::error!("an order left without its wish being durable first: not sent");
                }
            }
        }
    }

    /// Their wishes are durable.
    fn send_orders(&self, sends: Vec<Effect>) {
        sends.into_iter().filter_map(errand).for_each(|errand| self.at_the_desk(errand));
    }

    /// Something of their step is not in the record: none of them goes out, and each is told as not sent.
    fn leave_unsent(&self, sends: Vec<Effect>) {
        for errand in sends.into_iter().filter_map(errand) {
            self.report_back(errand.not_begun("what it rests on could not be recorded"));
        }
    }

    /// The queue is bounded: what does not fit was not sent, and that is known.
    fn at_the_desk(&self, errand: DeskErrand) {
        if let Err(full) = self.ports.desk.try_send(errand) {
            let errand = match full {
                mpsc::error::TrySendError::Full(errand) | mpsc::error::TrySendError::Closed(errand) => errand,
            };
            self.report_back(errand.not_begun("too many orders are on their way"));
        }
    }

    /// The errand queue is bounded: when the broker is that far behind, one more read would not help. Whoever
    /// waits for the end of the errand is told.
    fn send_errand(&self, errand: Errand, ends: Option<fn(Vec<Failure>) -> Input>) {
        if self.ports.errands.try_send(errand).is_err() {
            tracing::warn!("the broker task is behind");
            if let Some(ends) = ends {
                self.report_back(ends(vec![behind()]));
            }
        }
    }

    fn report_back(&self, input: Input) {
        let back = self.ports.back.clone();
        tokio::spawn(async move { drop(back.send(input).await) });
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

fn flag_trouble(text: String, flag: &KillFlag) -> Notice {
    let remedy = format!("look at {}", flag.path().display());
    Notice { level: Level::Error, text: format!("kill switch: {text}"), remedy: Some(remedy) }
}

/// What is appended together, and who waits for it.
struct Request {
    len: usize,
    said: String,
    /// Who is told, and for which line; without a `ReplyTo` it is the screen.
    answers: Option<(Option<ReplyTo>, usize)>,
}

fn errand(effect: Effect) -> Option<DeskErrand> {
    match effect {
        Effect::Submit(cleared) => Some(DeskErrand::Submit(cleared)),
        Effect::Replace { id, cleared } => Some(DeskErrand::Replace { id, cleared }),
        Effect::Cancel { reference, account, id } => Some(DeskErrand::Cancel { reference, account, id }),
        Effect::SubmitSet(cleared) => Some(DeskErrand::SubmitSet(cleared)),
        Effect::CancelSet { set, account, id } => Some(DeskErrand::CancelSet { set, account, id }),
        other => {
            tracing::error!(?other, "not an order");
            None
        }
    }
}

fn requests(events: usize, promised: &[Promise]) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut at = 0;
    for promise in promised {
        if promise.events.start > at {
            requests.push(Request { len: promise.events.start - at, said: String::new(), answers: None });
        }
        requests.push(Request {
            len: promise.events.len(),
            said: promise.said.clone(),
            answers: Some((promise.to, promise.slot)),
        });
        at = promise.events.end;
    }
    if at < events {
        requests.push(Request { len: events - at, said: String::new(), answers: None });
    }
    requests
}

/// The market context that went in with a decision is not what was asked for.
fn done(recorded: &[Recorded], said: String) -> Done {
    let decided = || recorded.iter().filter(|r| !matches!(r.event.as_ref(), Event::MarketObserved(_)));
    let trade = decided().find_map(|r| match r.event.as_ref() {
        Event::TradeIntended(e) => Some(e.trade),
        Event::TradeMoved(e) => Some(e.trade),
        Event::TradeClosed(e) => Some(e.trade),
        Event::NoteRecorded(e) => e.trade,
        _ => None,
    });
    let intended = decided().find_map(|r| match r.event.as_ref() {
        Event::TradeIntended(e) => Some(e),
        _ => None,
    });
    let evaluated = decided().find_map(|r| match r.event.as_ref() {
        Event::TradeEvaluated(e) => Some(&e.evaluation),
        _ => None,
    });
    let booked = intended.zip(evaluated).map(|(intended, evaluation)| {
        Box::new(Booked { intended: intended.clone(), evaluation: evaluation.clone() })
    });
    Done { events: decided().map(|r| r.meta.id).collect(), trade, said, booked }
}

fn behind() -> Failure {
    Failure { what: "the broker task is behind".into(), remedy: "r tries again".into(), remark: false }
}

/// Why a store that wrote does so no more, without the remedy that its own words hold.
fn stopped(error: &StoreError) -> ReadOnly {
    ReadOnly::Stopped(match error {
        StoreError::Halted { during, cause } => format!("the store has stopped: {during} failed ({cause})"),
        other => other.to_string(),
    })
}

/// The store is well and will not take this one request; nothing else is concerned.
fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotRepresentable { .. }
            | StoreError::TooLarge { .. }
            | StoreError::TooMany { .. }
            | StoreError::IdReused { .. }
            | StoreError::IdRepeated { .. }
            | StoreError::VersionConflict { .. }
    )
}

/// A refusal in the form the screen shows.
pub fn refused(refusal: &Refusal) -> Notice {
    Notice { level: Level::Error, text: refusal.to_string(), remedy: Some(refusal.remedy().to_owned()) }
}
