//! What a step wants of the rest of the program: reads, computations, and orders whose wishes are durable.
//!
//! Never: waits for any of it.

use tokio::sync::mpsc;

use super::EngineTask;
use crate::engine::{Effect, Failure, Input, NoChain};
use crate::runtime::broker_task::Errand;
use crate::runtime::compute;
use crate::runtime::desk_task::DeskErrand;

impl EngineTask {
    pub(super) async fn run_effects(&mut self, effects: Vec<Effect>) {
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
    pub(super) fn send_orders(&self, sends: Vec<Effect>) {
        sends.into_iter().filter_map(errand).for_each(|errand| self.at_the_desk(errand));
    }

    /// Something of their step is not in the record: none of them goes out, and each is told as not sent.
    pub(super) fn leave_unsent(&self, sends: Vec<Effect>) {
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

fn behind() -> Failure {
    Failure { what: "the broker task is behind".into(), remedy: "r tries again".into(), remark: false }
}
