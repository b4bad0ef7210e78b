//! The whole log as events, for the containers. A long log is read and decoded by several threads, each with a
//! connection of its own, in chunks that are handed on in order: the log only grows, so that chunks read at
//! different moments fit together. Whoever is free reads the next chunk, into one that has been applied already:
//! a reader that has to wait for its processor holds up the others as little as it can, memory is used again at
//! once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::codec;
use super::error::{Flaw, StoreError};
use super::reader::{damaged, last_seq, unreadable};
use super::schema::signed;
use super::upcast::{LIFTS, Lifted, lift};
use crate::domain::event::{Event, Meta, Recorded};
use crate::domain::id::{CorrelationId, EventId};
use crate::domain::time::Timestamp;

/// Events that one thread reads and decodes before it hands them on.
const CHUNK: u64 = 512;
/// Chunks that are read, wait or are applied at any moment.
const CHUNKS: usize = 8;
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

/// Hands every known event from `from_seq` on to `apply`, in order. A gap or an unreadable row ends it, after
/// everything before it has been handed on.
pub fn replay(
    conn: &Connection,
    from_seq: u64,
    mut apply: impl FnMut(&Recorded),
) -> Result<Replayed, StoreError> {
    let first = from_seq.max(1);
    let last = last_seq(conn).map_err(StoreError::sqlite("read the events"))?;
    let mut done = Replayed { last_seq: first - 1, ..Replayed::default() };
    let mut chunk = Chunk::default();
    let mut at = first;
    while at <= last {
        let end = (at + CHUNK - 1).min(last);
        chunk.read(conn, at, end);
        done.take(end, &mut chunk, &mut apply)?;
        at = end + 1;
    }
    Ok(done)
}

/// The same for a long log, with as many readers as the machine can use; `open` gives each its connection.
pub fn replay_with(
    open: impl Fn() -> Result<Connection, StoreError> + Sync,
    from_seq: u64,
    mut apply: impl FnMut(&Recorded),
) -> Result<Replayed, StoreError> {
    let conn = open()?;
    let first = from_seq.max(1);
    let last = last_seq(&conn).map_err(StoreError::sqlite("read the events"))?;
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS) as u64;
    if readers < 2 || last.saturating_sub(first) < 8 * CHUNK {
        return replay(&conn, first, apply);
    }
    let mut done = Replayed { last_seq: first - 1, ..Replayed::default() };
    std::thread::scope(|scope| {
        // As many chunks as there ever are, so that neither queue is ever full.
        let (wish, wishes) = sync_channel::<(u64, Chunk)>(CHUNKS);
        let (send, read) = sync_channel(CHUNKS);
        let wishes = Arc::new(Mutex::new(wishes));
        for _ in 0..readers {
            let (open, wishes, send) = (&open, Arc::clone(&wishes), send.clone());
            std::thread::Builder::new()
                .name("replay".into())
                .spawn_scoped(scope, move || read_wishes(open, &wishes, &send, last))
                .map_err(StoreError::io("start a reader of", Path::new("the events")))?;
        }
        // Only the readers hold them now: when all have ended, nothing more is waited for.
        drop((wishes, send));
        let mut starts = (first..=last).step_by(CHUNK as usize);
        for at in starts.by_ref().take(CHUNKS) {
            drop(wish.try_send((at, Chunk::default())));
        }
        let mut early = BTreeMap::new();
        let mut at = first;
        while at <= last {
            let mut chunk = match early.remove(&at) {
                Some(chunk) => chunk,
                None => {
                    // Readers that died without a word have lost their chunks.
                    let stopped = |_| damaged(at, Flaw::Unreadable("its reader has stopped".into()));
                    let (of, chunk): (u64, Chunk) = read.recv().map_err(stopped)?;
                    early.insert(of, chunk);
                    continue;
                }
            };
            let end = (at + CHUNK - 1).min(last);
            done.take(end, &mut chunk, &mut apply)?;
            at = end + 1;
            if let Some(next) = starts.next() {
                drop(wish.try_send((next, chunk)));
            }
        }
        Ok(done)
    })
}

/// One reader: whichever chunk is wanted next, until none is.
fn read_wishes(
    open: &impl Fn() -> Result<Connection, StoreError>,
    wishes: &Mutex<Receiver<(u64, Chunk)>>,
    send: &SyncSender<(u64, Chunk)>,
    last: u64,
) {
    let mut conn = None;
    loop {
        let wish = wishes.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((at, mut chunk)) = wish else { return };
        let end = (at + CHUNK - 1).min(last);
        // Whatever happens here, the chunk is answered: the replay waits for it.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let opened = conn.take().map_or_else(open, Ok)?;
            chunk.read(&opened, at, end);
            Ok((opened, std::mem::take(&mut chunk)))
        }));
        let stopped = |_| Err(damaged(at, Flaw::Unreadable("its reader has stopped".into())));
        let chunk = match answer.unwrap_or_else(stopped) {
            Ok((opened, read)) => {
                conn = Some(opened);
                read
            }
            Err(error) => Chunk { broken: Some(error), ..Chunk::default() },
        };
        // Nobody takes it: the replay has ended.
        if send.send((at, chunk)).is_err() {
            return;
        }
    }
}

impl Replayed {
    fn take(
        &mut self,
        end: u64,
        chunk: &mut Chunk,
        apply: &mut impl FnMut(&Recorded),
    ) -> Result<(), StoreError> {
        self.events += chunk.known.len() as u64;
        for kind in chunk.unknown.drain(..) {
            *self.skipped.entry(kind).or_default() += 1;
        }
        chunk.known.iter().for_each(apply);
        if let Some(error) = chunk.broken.take() {
            return Err(error);
        }
        self.last_seq = end;
        Ok(())
    }
}

/// Events next to each other, decoded.
#[derive(Default)]
struct Chunk {
    known: Vec<Recorded>,
    unknown: Vec<String>,
    /// Why it ends before its end.
    broken: Option<StoreError>,
}

impl Chunk {
    /// The events `first..=last`, every one of them, in place of what was there.
    fn read(&mut self, conn: &Connection, first: u64, last: u64) {
        let mut filled = 0;
        self.unknown.clear();
        self.broken = self.fill(conn, first, last, &mut filled).err();
        self.known.truncate(filled);
    }

    fn fill(
        &mut self,
        conn: &Connection,
        first: u64,
        last: u64,
        filled: &mut usize,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::sqlite("read the events");
        let mut statement = conn
            .prepare_cached(&format!(
                "SELECT {REPLAYED} FROM events WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"
            ))
            .map_err(failed())?;
        let mut rows = statement.query([signed(first), signed(last)]).map_err(failed())?;
        let mut next = first;
        while let Some(row) = rows.next().map_err(|e| unreadable(next, &e))? {
            match recorded(row, next)? {
                Ok(event) => {
                    self.put(*filled, event);
                    *filled += 1;
                }
                Err(Unknown(kind)) => self.unknown.push(kind),
            }
            next += 1;
        }
        if next <= last {
            return Err(damaged(next, Flaw::Gap { found: last }));
        }
        Ok(())
    }

    /// Over the event that stood there, in its memory unless somebody has kept it: giving back a chunk's memory
    /// and asking for it again would cost more than reading does.
    fn put(&mut self, at: usize, known: Known) {
        let Known { seq, meta, recorded_at, event } = known;
        let Some(place) = self.known.get_mut(at) else {
            self.known.push(Recorded { seq, meta, recorded_at, event: Arc::new(event) });
            return;
        };
        (place.seq, place.meta, place.recorded_at) = (seq, meta, recorded_at);
        match Arc::get_mut(&mut place.event) {
            Some(old) => *old = event,
            None => place.event = Arc::new(event),
        }
    }
}

/// The columns a replay needs, in the order in which they are read.
const REPLAYED: &str = "seq, event_id, kind, schema, occurred_at, recorded_at, actor, correlation_id, \
                        causation_id, idempotency_key, payload";

/// The event of one seq, if it is there and known.
pub fn one(conn: &Connection, seq: u64) -> Result<Option<Recorded>, StoreError> {
    let mut chunk = Chunk::default();
    chunk.fill(conn, seq, seq, &mut 0)?;
    Ok(chunk.known.pop())
}

/// Reads on behind the process that writes, as far as that one has come.
#[derive(Debug)]
pub struct Follower {
    conn: Connection,
    next: u64,
}

impl Follower {
    pub fn new(conn: Connection, from_seq: u64) -> Self {
        Self { conn, next: from_seq.max(1) }
    }

    /// The first event that has not been handed out.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// What was stored since, at most `CHUNK` events of it, without kinds that this version does not know.
    /// What cannot be read is an error once everything before it has been handed out.
    pub fn read_on(&mut self) -> Result<Vec<Recorded>, StoreError> {
        let last = last_seq(&self.conn).map_err(StoreError::sqlite("read the events"))?;
        if last < self.next {
            return Ok(Vec::new());
        }
        let end = (self.next + CHUNK - 1).min(last);
        let mut chunk = Chunk::default();
        chunk.read(&self.conn, self.next, end);
        self.next = match (chunk.broken, chunk.known.last()) {
            (None, _) => end + 1,
            (Some(_), Some(good)) => good.seq + 1,
            (Some(error), None) => return Err(error),
        };
        Ok(chunk.known)
    }
}

/// An event, or the kind of one that this version does not know.
type Decoded = Result<Known, Unknown>;

struct Unknown(String);

/// A `Recorded` before it has its place.
struct Known {
    seq: u64,
    meta: Meta,
    recorded_at: Timestamp,
    event: Event,
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
    let unknown = || Err(Unknown(String::from_utf8_lossy(kind).into_owned()));
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
    Ok(Ok(Known { seq, meta, recorded_at: instant(5)?, event }))
}
