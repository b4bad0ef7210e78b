//! The whole log as events, for the containers. A long log is read and decoded by several threads, each with a
//! connection of its own, in chunks that are handed on in order: the log only grows, so that chunks read at
//! different moments fit together.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::codec;
use super::error::{Flaw, StoreError};
use super::reader::{damaged, last_seq, unreadable};
use super::schema::signed;
use super::upcast::{LIFTS, Lifted, lift};
use crate::domain::event::{Meta, Recorded};
use crate::domain::id::{CorrelationId, EventId};

/// Events that one thread reads and decodes before it hands them on.
const CHUNK: u64 = 1_024;
/// More threads than this wait for the one that applies.
const READERS: usize = 4;

/// What a replay went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The last event of the log; 0 when it is empty.
    pub last_seq: u64,
    pub events: u64,
    /// Events whose kind or schema this version does not know, by kind.
    pub skipped: BTreeMap<String, u64>,
}

/// Hands every known event from `from_seq` on to `apply`, in order. A gap or an unreadable row ends it.
pub fn replay(
    conn: &Connection,
    from_seq: u64,
    mut apply: impl FnMut(Recorded),
) -> Result<Replayed, StoreError> {
    let first = from_seq.max(1);
    let last = last_seq(conn).map_err(StoreError::sqlite("read the events"))?;
    let mut done = Replayed { last_seq: first - 1, ..Replayed::default() };
    let mut at = first;
    while at <= last {
        let end = (at + CHUNK - 1).min(last);
        done.take(end, chunk(conn, at, end)?, &mut apply);
        at = end + 1;
    }
    Ok(done)
}

/// The same for a long log, with as many readers as the machine can use; `open` gives each its connection.
pub fn replay_with(
    open: impl Fn() -> Result<Connection, StoreError> + Sync,
    from_seq: u64,
    mut apply: impl FnMut(Recorded),
) -> Result<Replayed, StoreError> {
    let conn = open()?;
    let first = from_seq.max(1);
    let last = last_seq(&conn).map_err(StoreError::sqlite("read the events"))?;
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS) as u64;
    if readers < 2 || last.saturating_sub(first) < 4 * CHUNK {
        return replay(&conn, first, apply);
    }
    let mut done = Replayed { last_seq: first - 1, ..Replayed::default() };
    std::thread::scope(|scope| {
        let mut queues = Vec::new();
        for reader in 0..readers {
            // Two chunks may wait; then the reader does.
            let (send, receive) = sync_channel(2);
            let open = &open;
            let work = move || {
                let conn = match open() {
                    Ok(conn) => conn,
                    Err(error) => return drop(send.send(Err(error))),
                };
                let mut at = first + reader * CHUNK;
                while at <= last {
                    let end = (at + CHUNK - 1).min(last);
                    let read = chunk(&conn, at, end);
                    let failed = read.is_err();
                    // Nobody takes it: the replay has ended.
                    if send.send(read).is_err() || failed {
                        return;
                    }
                    at += readers * CHUNK;
                }
            };
            std::thread::Builder::new()
                .name("replay".into())
                .spawn_scoped(scope, work)
                .map_err(StoreError::io("start a reader of", Path::new("the events")))?;
            queues.push(receive);
        }
        let mut at = first;
        for queue in queues.iter().cycle() {
            if at > last {
                break;
            }
            let end = (at + CHUNK - 1).min(last);
            // A reader that died without a word has lost its chunk.
            let read = queue
                .recv()
                .unwrap_or_else(|_| Err(damaged(at, Flaw::Unreadable("its reader has stopped".into()))))?;
            done.take(end, read, &mut apply);
            at = end + 1;
        }
        Ok(done)
    })
}

impl Replayed {
    fn take(&mut self, end: u64, chunk: Chunk, apply: &mut impl FnMut(Recorded)) {
        self.events += chunk.known.len() as u64;
        self.last_seq = end;
        for kind in chunk.unknown {
            *self.skipped.entry(kind).or_default() += 1;
        }
        chunk.known.into_iter().for_each(apply);
    }
}

/// Events next to each other, decoded.
#[derive(Default)]
struct Chunk {
    known: Vec<Recorded>,
    unknown: Vec<String>,
}

/// The columns a replay needs, in the order in which they are read.
const REPLAYED: &str = "seq, event_id, kind, schema, occurred_at, recorded_at, actor, correlation_id, \
                        causation_id, idempotency_key, payload";

/// The events `first..=last`, every one of them.
fn chunk(conn: &Connection, first: u64, last: u64) -> Result<Chunk, StoreError> {
    let failed = || StoreError::sqlite("read the events");
    let mut chunk = Chunk::default();
    let mut statement = conn
        .prepare_cached(&format!("SELECT {REPLAYED} FROM events WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"))
        .map_err(failed())?;
    let mut rows = statement.query([signed(first), signed(last)]).map_err(failed())?;
    let mut next = first;
    while let Some(row) = rows.next().map_err(|e| unreadable(next, &e))? {
        match recorded(row, next)? {
            Decoded::Known(event) => chunk.known.push(event),
            Decoded::Unknown(kind) => chunk.unknown.push(kind),
        }
        next += 1;
    }
    if next <= last {
        return Err(damaged(next, Flaw::Gap { found: last }));
    }
    Ok(chunk)
}

/// The event of one seq, if it is there and known.
pub fn one(conn: &Connection, seq: u64) -> Result<Option<Recorded>, StoreError> {
    Ok(chunk(conn, seq, seq)?.known.pop())
}

enum Decoded {
    Known(Recorded),
    Unknown(String),
}

fn recorded(row: &Row<'_>, expected: u64) -> Result<Decoded, StoreError> {
    let altered = || damaged(expected, Flaw::Altered);
    let column = |i: usize| row.get_ref(i).map_err(|e| unreadable(expected, &e));
    let text = |i: usize| match column(i)? {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(altered()),
    };
    let optional = |i: usize| match column(i)? {
        ValueRef::Text(bytes) => Ok(Some(bytes)),
        ValueRef::Null => Ok(None),
        _ => Err(altered()),
    };
    let number = |i: usize| match column(i)? {
        ValueRef::Integer(value) => u64::try_from(value).map_err(|_| altered()),
        _ => Err(altered()),
    };
    let seq = number(0)?;
    if seq != expected {
        return Err(damaged(expected, Flaw::Gap { found: seq }));
    }
    let kind = text(2)?;
    let undecodable = |source| StoreError::Undecodable {
        seq,
        kind: String::from_utf8_lossy(kind).into_owned(),
        source: Arc::new(source),
    };
    let unknown = || Decoded::Unknown(String::from_utf8_lossy(kind).into_owned());
    let payload = match lift(LIFTS, kind, number(3)?, text(10)?).map_err(undecodable)? {
        Lifted::Newest(payload) => payload,
        Lifted::FromTheFuture => return Ok(unknown()),
    };
    let Some(event) = codec::decode(kind, &payload) else { return Ok(unknown()) };
    let event = event.map_err(undecodable)?;
    let instant = |i: usize| codec::timestamp(text(i)?).ok_or_else(altered);
    let id = |i: usize| codec::uuid(text(i)?).ok_or_else(altered);
    let causation = match optional(8)? {
        Some(bytes) => Some(EventId(codec::uuid(bytes).ok_or_else(altered)?)),
        None => None,
    };
    let key = match optional(9)? {
        Some(bytes) => Some(std::str::from_utf8(bytes).map_err(|_| altered())?.to_owned()),
        None => None,
    };
    let meta = Meta {
        id: EventId(id(1)?),
        occurred_at: instant(4)?,
        actor: codec::actor(text(6)?).ok_or_else(altered)?,
        correlation: CorrelationId(id(7)?),
        causation,
        key,
    };
    Ok(Decoded::Known(Recorded { seq, meta, recorded_at: instant(5)?, event: Arc::new(event) }))
}
