//! What a step decided: made durable, applied, and answered; only then do its orders leave.

use super::{EngineTask, Outcome, Waiting, refused};
use crate::domain::command::{Booked, Done};
use crate::domain::event::{Pending, Recorded};
use crate::domain::{Event, ReadOnly, Refusal};
use crate::engine::{Promise, ReplyTo, Step, Subject};
use crate::snapshot::{Level, Notice};
use crate::store::StoreError;

impl EngineTask {
    pub(super) async fn carry_out(&mut self, step: Step) {
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
}

/// What is appended together, and who waits for it.
struct Request {
    len: usize,
    said: String,
    /// Who is told, and for which line; without a `ReplyTo` it is the screen.
    answers: Option<(Option<ReplyTo>, usize)>,
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
