//! The one thread that writes. It collects the requests that wait, stores them in one transaction, makes the
//! head file follow, and only then answers. The first commit, sync or head write that fails ends it for good:
//! after a failed sync the kernel may have dropped the pages, so trying again would prove nothing.

use std::sync::{Arc, OnceLock};

use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::chain::{Fields, link};
use super::error::StoreError;
use super::head::{Head, HeadFile};
use super::lock::WriterLock;
use super::reserve::Reserve;
use super::schema::{signed, unsigned};
use super::wal::Pregrown;
use super::{codec, projections, replay};
use crate::domain::event::{Meta, Pending, Recorded, Stream};
use crate::domain::time::Timestamp;

/// Requests that may wait; a sender beyond that waits itself.
pub const QUEUE: usize = 1024;
/// Requests of one transaction, and the events from which on no further request joins it.
const BATCH: usize = 512;
const BATCH_EVENTS: usize = MAX_EVENTS;
/// Events of one request.
pub const MAX_EVENTS: usize = 4096;
/// Pages in the write-ahead log from which it is written back when nobody waits, and even when somebody does.
const WAL_IDLE_PAGES: i64 = 1_000;
const WAL_BUSY_PAGES: i64 = 16_000;

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// In the order of the request; for a duplicate, what was stored the first time.
    pub events: Vec<Recorded>,
    /// Nothing new was stored: the request's key, or all of its event ids, were there already.
    pub duplicate: bool,
}

/// An event with its stored columns, prepared by whoever asks so that the writer only writes.
pub struct Prepared {
    meta: Meta,
    event: Arc<crate::domain::Event>,
    kind: &'static str,
    payload: String,
}

pub struct Request {
    pub events: Vec<Prepared>,
    /// Streams that must be at these versions (0: new), or nothing is stored.
    pub expected: Vec<(Stream, u64)>,
    pub reply: oneshot::Sender<Result<Appended, StoreError>>,
}

/// Encodes a request. What would not read back as it was written is refused here, before anything is stored.
pub fn prepare(events: Vec<Pending>) -> Result<Vec<Prepared>, StoreError> {
    if events.len() > MAX_EVENTS {
        return Err(StoreError::TooMany { events: events.len(), limit: MAX_EVENTS });
    }
    let mut prepared: Vec<Prepared> = Vec::with_capacity(events.len());
    let mut ids = std::collections::HashSet::with_capacity(events.len());
    let mut keys = std::collections::HashSet::new();
    for Pending { mut meta, event } in events {
        if !ids.insert(meta.id) {
            return Err(StoreError::IdRepeated { id: meta.id.to_string() });
        }
        // The key names the request; its first event carries it.
        if meta.key.as_ref().is_some_and(|key| !keys.insert(key.clone())) {
            meta.key = None;
        }
        let kind = codec::kind(&event);
        let payload = codec::payload(&event).map_err(|_| StoreError::NotRepresentable { kind })?;
        if payload.len() > codec::MAX_PAYLOAD {
            return Err(StoreError::TooLarge { kind, bytes: payload.len(), limit: codec::MAX_PAYLOAD });
        }
        match codec::decode(kind.as_bytes(), payload.as_bytes()) {
            Some(Ok(back)) if back == event => {}
            _ => return Err(StoreError::NotRepresentable { kind }),
        }
        prepared.push(Prepared { meta, event: Arc::new(event), kind, payload });
    }
    Ok(prepared)
}

/// Set once, read by everybody: why the writer stopped.
pub type Halt = Arc<OnceLock<StoreError>>;

pub struct Writer {
    pub conn: Connection,
    pub head: Head,
    pub head_file: HeadFile,
    pub halt: Halt,
    pub scratch: Vec<u8>,
    pub reserve: Reserve,
    pub wal: Pregrown,
    /// Released when the writer is gone, and not before.
    pub lock: WriterLock,
}

/// Why a request was not stored: its own fault, or the store's.
enum Failure {
    Refused(StoreError),
    Fatal(&'static str, String),
}

impl Failure {
    fn fatal(during: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |e| Self::Fatal(during, e.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Fatal("reading an earlier event", error.to_string())
    }
}

impl Writer {
    /// Until the last sender is gone.
    pub fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = requests.blocking_recv() {
            let mut events = first.events.len();
            batch.push(first);
            while batch.len() < BATCH
                && events < BATCH_EVENTS
                && let Ok(request) = requests.try_recv()
            {
                events += request.events.len();
                batch.push(request);
            }
            self.serve(&mut batch);
            self.checkpoint(requests.is_empty());
        }
        self.finish();
    }

    /// Answers every request of the batch and empties it.
    fn serve(&mut self, batch: &mut Vec<Request>) {
        let outcome = match self.halt.get() {
            Some(halted) => Err(halted.clone()),
            None => self.store(batch).map_err(|(during, cause)| {
                let error = StoreError::Halted { during, cause: cause.into() };
                tracing::error!(%error, "the store has stopped");
                self.halt.get_or_init(|| error).clone()
            }),
        };
        match outcome {
            // A receiver that is gone no longer wants to know.
            Ok(answers) => {
                for (request, answer) in batch.drain(..).zip(answers) {
                    let _ = request.reply.send(answer);
                }
            }
            Err(halted) => {
                for request in batch.drain(..) {
                    let _ = request.reply.send(Err(halted.clone()));
                }
            }
        }
    }

    /// One transaction and one head record for the whole batch. The answers may be given once it returns.
    fn store(
        &mut self,
        batch: &[Request],
    ) -> Result<Vec<Result<Appended, StoreError>>, (&'static str, String)> {
        self.reserve.check();
        let begin = |e: rusqlite::Error| ("beginning a transaction", e.to_string());
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(begin)?;
        let mut head = self.head;
        let now = Utc::now();
        let mut answers = Vec::with_capacity(batch.len());
        for request in batch {
            match store_one(&tx, &mut head, now, request, &mut self.scratch) {
                Ok(appended) => answers.push(Ok(appended)),
                Err(Failure::Refused(error)) => answers.push(Err(error)),
                Err(Failure::Fatal(during, cause)) => return Err((during, cause)),
            }
        }
        if head == self.head {
            tx.rollback().map_err(|e| ("ending a transaction", e.to_string()))?;
            return Ok(answers);
        }
        tx.commit().map_err(|e| ("committing", e.to_string()))?;
        self.head_file.write(head).map_err(|e| ("writing the head file", e.to_string()))?;
        self.head = head;
        Ok(answers)
    }

    /// Writes the log back into the database: when nobody waits, or when it has grown too long.
    fn checkpoint(&mut self, idle: bool) {
        if self.halt.get().is_some() {
            return;
        }
        if idle {
            self.wal.after_batch();
        }
        let pages = |mode: &str| -> rusqlite::Result<i64> {
            self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(1))
        };
        let outcome = pages("NOOP").and_then(|waiting| {
            let due = if idle { WAL_IDLE_PAGES } else { WAL_BUSY_PAGES };
            if waiting >= due { pages("PASSIVE").map(drop) } else { Ok(()) }
        });
        match outcome {
            // A reader holds an old page: it is done next time.
            Ok(()) => {}
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {}
            Err(e) => {
                let error =
                    StoreError::Halted { during: "writing back the log", cause: e.to_string().into() };
                tracing::error!(%error, "the store has stopped");
                self.halt.get_or_init(|| error);
            }
        }
    }

    fn finish(self) {
        // A halted store is left as it lies: the next start looks at it with fresh eyes.
        if self.halt.get().is_none()
            && let Err(error) = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the log was not written back; the next start does it");
        }
        drop(self.conn);
        drop(self.lock);
    }
}

fn store_one(
    conn: &Connection,
    head: &mut Head,
    now: Timestamp,
    request: &Request,
    scratch: &mut Vec<u8>,
) -> Result<Appended, Failure> {
    if let Some(events) = stored_under_key(conn, request)? {
        return Ok(Appended { events, duplicate: true });
    }
    for (stream, expected) in &request.expected {
        let found = stream_version(conn, &stream.to_string())?;
        if found != *expected {
            let stream = stream.to_string();
            return Err(Failure::Refused(StoreError::VersionConflict { stream, expected: *expected, found }));
        }
    }
    let known: Vec<Option<Recorded>> =
        request.events.iter().map(|event| stored_under_id(conn, event)).collect::<Result<_, _>>()?;
    let duplicate = !known.is_empty() && known.iter().all(Option::is_some);
    let mut events = Vec::with_capacity(known.len());
    // From here on nothing is refused: a request is stored whole, or the store stops.
    for (event, known) in request.events.iter().zip(known) {
        events.push(match known {
            Some(earlier) => earlier,
            None => insert(conn, head, now, event, scratch)?,
        });
    }
    Ok(Appended { events, duplicate })
}

/// The key was used before: then the request was carried out before.
fn stored_under_key(conn: &Connection, request: &Request) -> Result<Option<Vec<Recorded>>, Failure> {
    let mut found = Vec::new();
    for key in request.events.iter().filter_map(|event| event.meta.key.as_ref()) {
        let seq: Option<u64> = conn
            .prepare_cached("SELECT seq FROM events WHERE idempotency_key = ?1")
            .and_then(|mut statement| statement.query_row([key], |row| unsigned(row, 0)).optional())
            .map_err(Failure::fatal("looking for a key"))?;
        if let Some(seq) = seq {
            found.extend(replay::one(conn, seq)?);
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// The same id with the same content is the same event; with another content it is a mistake.
fn stored_under_id(conn: &Connection, event: &Prepared) -> Result<Option<Recorded>, Failure> {
    let id = event.meta.id.to_string();
    let earlier: Option<(u64, String, String)> = conn
        .prepare_cached("SELECT seq, kind, payload FROM events WHERE event_id = ?1")
        .and_then(|mut statement| {
            statement.query_row([&id], |row| Ok((unsigned(row, 0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .map_err(Failure::fatal("looking for an event id"))?;
    match earlier {
        None => Ok(None),
        Some((seq, kind, payload)) if kind == event.kind && payload == event.payload => {
            Ok(replay::one(conn, seq)?)
        }
        Some((seq, _, _)) => Err(Failure::Refused(StoreError::IdReused { id, seq })),
    }
}

fn stream_version(conn: &Connection, stream: &str) -> Result<u64, Failure> {
    conn.prepare_cached("SELECT coalesce(max(stream_version), 0) FROM events WHERE stream = ?1")
        .and_then(|mut statement| statement.query_row([stream], |row| unsigned(row, 0)))
        .map_err(Failure::fatal("looking for a stream's version"))
}

fn insert(
    conn: &Connection,
    head: &mut Head,
    now: Timestamp,
    event: &Prepared,
    scratch: &mut Vec<u8>,
) -> Result<Recorded, Failure> {
    let Prepared { meta, event, kind, payload } = event;
    let seq = head.count + 1;
    let stream = event.stream().to_string();
    let stream_version = stream_version(conn, &stream)? + 1;
    let schema = u64::from(event.schema());
    let id = meta.id.to_string();
    let (occurred_at, recorded_at) = (codec::timestamp_text(meta.occurred_at), codec::timestamp_text(now));
    let correlation_id = meta.correlation.to_string();
    let causation_id = meta.causation.map(|id| id.to_string());
    let fields = Fields {
        seq,
        event_id: id.as_bytes(),
        stream: stream.as_bytes(),
        stream_version,
        kind: kind.as_bytes(),
        schema,
        occurred_at: occurred_at.as_bytes(),
        recorded_at: recorded_at.as_bytes(),
        actor: meta.actor.key().as_bytes(),
        correlation_id: correlation_id.as_bytes(),
        causation_id: causation_id.as_deref().map(str::as_bytes),
        idempotency_key: meta.key.as_deref().map(str::as_bytes),
        payload: payload.as_bytes(),
    };
    let hash = link(&head.hash, &fields, scratch);
    let row = params![
        signed(seq),
        id,
        stream,
        signed(stream_version),
        kind,
        signed(schema),
        occurred_at,
        recorded_at,
        meta.actor.key(),
        correlation_id,
        causation_id,
        meta.key,
        payload,
        head.hash,
        hash,
    ];
    conn.prepare_cached(INSERT)
        .and_then(|mut statement| statement.execute(row))
        .map_err(Failure::fatal("storing an event"))?;
    projections::apply(conn, seq, meta.occurred_at, event)
        .map_err(Failure::fatal("updating a projection"))?;
    *head = Head { count: seq, hash };
    Ok(Recorded { seq, meta: meta.clone(), recorded_at: now, event: Arc::clone(event) })
}

const INSERT: &str = "INSERT INTO events (seq, event_id, stream, stream_version, kind, schema, occurred_at, \
                      recorded_at, actor, correlation_id, causation_id, idempotency_key, payload, prev_hash, \
                      hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
