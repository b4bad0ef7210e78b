//! The event store: durable append, replay, verification, upcasting, projections. One process writes, through
//! one thread; an event that was acknowledged survives crash, kill and power loss, and a byte that changes
//! afterwards is found.
//!
//! Never: interprets a rule, changes or removes an event, retries a failed write.

mod backup;
mod chain;
mod codec;
mod error;
mod head;
mod json;
mod lock;
mod open;
mod projections;
mod reader;
mod replay;
mod reserve;
mod schema;
mod upcast;
mod verify;
mod wal;
mod writer;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use json::fuzzing;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use backup::{Backup, backup};
pub use error::{Damage, Flaw, StoreError};
pub use lock::{Holder, holder, last_holder};
pub use open::{Access, Opened};
pub use reader::{Filter, StoredEvent};
pub use replay::{Follower, Replayed};
pub use verify::{Rebuilt, VerifyOptions, VerifyReport, rebuild, verify};
pub use writer::Appended;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::domain::event::{Pending, Recorded, Stream};
use reserve::LowSpace;
use writer::{Halt, Request};

/// The files of a store, side by side in its folder.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub dir: PathBuf,
    pub db: PathBuf,
    pub head: PathBuf,
    pub lock: PathBuf,
}

impl Files {
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            db: dir.join("cotrader.db"),
            head: dir.join("cotrader.head"),
            lock: dir.join("cotrader.lock"),
        }
    }
}

/// Whether events are taken, and why not.
#[derive(Debug, Clone)]
pub enum Health {
    Writing,
    ReadOnly,
    Damaged(Damage),
    /// The error that every further append gets, too.
    Halted(StoreError),
}

/// An open store. Clones share the one writer; it ends, and the lock is released, with the last of them.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    role: Role,
}

#[derive(Debug)]
enum Role {
    Writing {
        /// Taken at the end: the writer stops when its last sender is gone.
        requests: Mutex<Option<mpsc::Sender<Request>>>,
        halt: Halt,
        low_space: LowSpace,
        thread: Mutex<Option<JoinHandle<()>>>,
    },
    ReadOnly,
    Damaged(Damage),
}

impl Store {
    /// Opens the store in `dir`, making it when there is none and writing was asked for.
    pub fn open(dir: &Path, access: Access) -> Result<Opened, StoreError> {
        open::open(dir, access)
    }

    /// Stores all of `events` or none, and answers once they are durable. Given up by the caller after the
    /// request was accepted, they are stored all the same.
    pub fn append(
        &self,
        events: Vec<Pending>,
    ) -> impl Future<Output = Result<Appended, StoreError>> + Send + 'static {
        self.append_expecting(events, Vec::new())
    }

    /// The same, provided that each named stream is at that version (0: it has no events yet).
    pub fn append_expecting(
        &self,
        events: Vec<Pending>,
        expected: Vec<(Stream, u64)>,
    ) -> impl Future<Output = Result<Appended, StoreError>> + Send + 'static {
        let request = self.request(events, expected);
        async move {
            let Some((sender, request, answer)) = request? else { return Ok(NOTHING) };
            sender.send(request).await.map_err(|_| StoreError::Closed)?;
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
    }

    /// Several requests, stored in this order and each by itself; answered when the last is durable. All are
    /// handed on before the first is waited for, so that they share the disk's time.
    pub async fn append_in_order(&self, requests: Vec<Vec<Pending>>) -> Vec<Result<Appended, StoreError>> {
        let mut accepted = Vec::with_capacity(requests.len());
        for events in requests {
            // One after the other: requests that race for the queue would be stored as they win.
            accepted.push(match self.request(events, Vec::new()) {
                Ok(None) => Ok(None),
                Ok(Some((sender, request, answer))) => {
                    sender.send(request).await.map(|()| Some(answer)).map_err(|_| StoreError::Closed)
                }
                Err(error) => Err(error),
            });
        }
        let mut answers = Vec::with_capacity(accepted.len());
        for accepted in accepted {
            answers.push(match accepted {
                Ok(Some(answer)) => answer.await.unwrap_or(Err(StoreError::Closed)),
                Ok(None) => Ok(NOTHING),
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// For threads that may wait. Never from inside an async task.
    pub fn append_blocking(&self, events: Vec<Pending>) -> Result<Appended, StoreError> {
        let Some((sender, request, answer)) = self.request(events, Vec::new())? else { return Ok(NOTHING) };
        sender.blocking_send(request).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Hands every event from `from_seq` (1 is the first) on to `apply`, in order; kinds this version does not
    /// know are counted and passed over.
    pub fn replay(&self, from_seq: u64, apply: impl FnMut(&Recorded)) -> Result<Replayed, StoreError> {
        replay::replay_with(|| self.reader(), from_seq, apply)
    }

    /// For a process that shows what another one stores: reads on from `from_seq`, a piece at a time.
    pub fn follow(&self, from_seq: u64) -> Result<Follower, StoreError> {
        Ok(Follower::new(self.reader()?, from_seq))
    }

    /// Stored rows with their whole envelope, in order; the callback may end it early.
    pub fn events(
        &self,
        filter: &Filter,
        each: impl FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        reader::events(&self.reader()?, filter, each)
    }

    pub fn health(&self) -> Health {
        match &self.inner.role {
            Role::Writing { halt, .. } => {
                halt.get().map_or(Health::Writing, |error| Health::Halted(error.clone()))
            }
            Role::ReadOnly => Health::ReadOnly,
            Role::Damaged(damage) => Health::Damaged(damage.clone()),
        }
    }

    /// The disk is nearly full and the reserve is gone: a warning worth a line on the screen.
    pub fn low_on_space(&self) -> bool {
        match &self.inner.role {
            Role::Writing { low_space, .. } => low_space.load(std::sync::atomic::Ordering::Relaxed),
            Role::ReadOnly | Role::Damaged(_) => false,
        }
    }

    pub fn dir(&self) -> &Path {
        &self.inner.files.dir
    }

    /// Waits until everything accepted is stored and the lock is released; later appends find it closed.
    pub fn close(self) {
        self.inner.close();
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let conn = schema::open_for_reading(&self.inner.files.db)?;
        // It goes through the log once: pages that are used again at once stay in the processor's own cache.
        conn.pragma_update(None, "cache_size", -256).map_err(StoreError::sqlite("configure the store"))?;
        Ok(conn)
    }

    #[expect(clippy::type_complexity, reason = "the three parts of one request, taken apart at once")]
    fn request(
        &self,
        events: Vec<Pending>,
        expected: Vec<(Stream, u64)>,
    ) -> Result<
        Option<(mpsc::Sender<Request>, Request, oneshot::Receiver<Result<Appended, StoreError>>)>,
        StoreError,
    > {
        let sender = match &self.inner.role {
            Role::Writing { requests, halt, .. } => match halt.get() {
                Some(halted) => return Err(halted.clone()),
                None => guard(requests).clone().ok_or(StoreError::Closed)?,
            },
            Role::ReadOnly => return Err(StoreError::ReadOnly),
            Role::Damaged(damage) => return Err(StoreError::Damaged(damage.clone())),
        };
        if events.is_empty() {
            return Ok(None);
        }
        let (reply, answer) = oneshot::channel();
        Ok(Some((sender, Request { events: writer::prepare(events)?, expected, reply }, answer)))
    }
}

/// The SQLite that is compiled in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// The answer to a request without events.
const NOTHING: Appended = Appended { events: Vec::new(), duplicate: false };

/// Nothing panics while holding these; if something did, the value inside is still whole.
fn guard<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Inner {
    fn close(&self) {
        if let Role::Writing { requests, thread, .. } = &self.role {
            drop(guard(requests).take());
            let thread = guard(thread).take();
            if let Some(thread) = thread
                && thread.join().is_err()
            {
                tracing::error!("the store's writer has panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
