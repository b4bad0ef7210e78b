//! How a shell command gets its wish done: by the cockpit that holds the store, or by an engine of its own
//! over the store when none runs. The rules are the same either way.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::domain::Command;
use crate::domain::command::LogEntry;
use crate::domain::{ReadOnly, Timestamp};
use crate::engine::{Engine, EngineConfig};
use crate::store::StoreError;

use super::clock::EngineClock;
use super::control::{Client, ControlError, Request, Response, Told};
use super::engine_task::{Ask, EngineTask, Outcome, Ports};
use super::kill_flag::KillFlag;
use super::{ids, recovery, world};

#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the engine stopped")]
    Stopped,
    #[error("nothing can be recorded here: {0}")]
    ReadOnly(ReadOnly),
}

pub enum Shell {
    Cockpit(Client),
    Own(Own),
}

/// An engine without a broker, for the journal.
pub struct Own {
    asks: mpsc::Sender<Ask>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Engine>,
}

impl Shell {
    pub async fn open(dir: &Path, config: EngineConfig) -> Result<Self, ShellError> {
        match Client::connect(dir).await {
            Ok(client) => return Ok(Self::Cockpit(client)),
            Err(ControlError::Nobody { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let recovered = recovery::open(dir)?;
        if let Some(damage) = recovered.damage {
            return Err(StoreError::Damaged(damage).into());
        }
        if let Some(why) = recovered.read_only {
            return Err(ShellError::ReadOnly(why));
        }
        let config = EngineConfig { streaming: false, ..config };
        let clock = journal_clock(dir, recovered.books.last_event_at);
        let engine = Engine::new(config, recovered.books, Box::new(ids::TimeOrdered));
        let (asks, asked) = mpsc::channel(8);
        let (stop, shutdown) = watch::channel(false);
        let (back, inputs) = mpsc::channel(8);
        let (errands, _) = mpsc::channel(1);
        let (desk, _) = mpsc::channel(1);
        let (risk, _) = watch::channel(None);
        let (snapshots, _) = watch::channel(None);
        let (notices, _) = mpsc::channel(1);
        let (_, news) = mpsc::channel(1);
        let kill_flag = KillFlag::of(dir);
        let ports = Ports {
            asks: asked,
            inputs,
            news,
            back,
            errands,
            desk,
            risk,
            snapshots,
            notices,
            shutdown,
            kill_flag,
        };
        let task = EngineTask::new(engine, Some(recovered.store), clock, ports);
        let task = tokio::spawn(task.run_journal());
        Ok(Self::Own(Own { asks, stop, task }))
    }

    /// One answer a line, in order, each given only when its event is durable.
    pub async fn log(&mut self, entries: Vec<LogEntry>) -> Result<Vec<Told>, ShellError> {
        match self {
            Self::Cockpit(client) => match client.ask(&Request::Log(entries)).await? {
                Response::Log(told) => Ok(told),
                _ => Err(ControlError::Failed("it answered something else".into()).into()),
            },
            Self::Own(own) => {
                let (reply, answer) = oneshot::channel();
                own.asks.send(Ask::Log { entries, reply }).await.map_err(|_| ShellError::Stopped)?;
                let outcomes = answer.await.map_err(|_| ShellError::Stopped)?;
                Ok(outcomes.into_iter().map(Told::from).collect())
            }
        }
    }

    /// One command, answered when what it decides is durable.
    pub async fn command(&mut self, command: Command) -> Result<Told, ShellError> {
        match self {
            Self::Cockpit(client) => match client.ask(&Request::Command(command)).await? {
                Response::Command(told) => Ok(told),
                _ => Err(ControlError::Failed("it answered something else".into()).into()),
            },
            Self::Own(own) => {
                let (reply, answer) = oneshot::channel();
                let ask = Ask::Command { command, reply: Some(reply) };
                own.asks.send(ask).await.map_err(|_| ShellError::Stopped)?;
                let outcome: Outcome = answer.await.map_err(|_| ShellError::Stopped)?;
                Ok(outcome.into())
            }
        }
    }

    pub async fn close(self) {
        if let Self::Own(own) = self {
            own.stop.send_replace(true);
            if let Err(failed) = own.task.await {
                tracing::error!(%failed, "the engine ended badly");
            }
        }
    }
}

/// A simulated world has a time of its own: a line written beside it goes on from its last event.
fn journal_clock(dir: &Path, last: Option<Timestamp>) -> EngineClock {
    let Some(last) = last else { return EngineClock::wall() };
    if !world::is_simulated(dir) {
        let clock = EngineClock::wall();
        clock.not_before(last);
        return clock;
    }
    let clock = EngineClock::of_broker();
    clock.heard(Some((last - Utc::now()).num_milliseconds()));
    clock.not_before(last);
    clock
}

/// A snapshot of the cockpit that runs on this store, if one does.
pub async fn running_snapshot(dir: &Path) -> Option<Result<Arc<crate::snapshot::Snapshot>, ControlError>> {
    let mut client = match Client::connect(dir).await {
        Ok(client) => client,
        Err(ControlError::Nobody { .. }) => return None,
        Err(error) => return Some(Err(error)),
    };
    Some(match client.ask(&Request::Snapshot).await {
        Ok(Response::Snapshot(snapshot)) => Ok(Arc::new(*snapshot)),
        Ok(_) => Err(ControlError::Failed("it answered something else".into())),
        Err(error) => Err(error),
    })
}
