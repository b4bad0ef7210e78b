//! Reading: the whole log as events for the containers, or as stored rows for people and scripts. Readers have
//! connections of their own that cannot write; each sees the log as it was when its reading began.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::chain::{self, hex};
use super::codec;
use super::error::{Damage, Flaw, StoreError};
use super::schema::{signed, unsigned};
use super::upcast::{LIFTS, Lifted, lift};
use crate::domain::event::{Meta, Recorded};
use crate::domain::id::{CorrelationId, EventId};
use crate::domain::time::Timestamp;

/// What a replay went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The last event of the log; 0 when it is empty.
    pub last_seq: u64,
    pub events: u64,
    /// Events whose kind or schema this version does not know, by kind.
    pub skipped: BTreeMap<String, u64>,
}

/// Which stored rows are wanted; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub from_seq: u64,
    /// By the time at which it occurred.
    pub since: Option<Timestamp>,
    pub kind: Option<String>,
    /// `trade/<id>`, `market`, …
    pub stream: Option<String>,
}

/// A row as it is stored, readable even where this version does not know the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub seq: u64,
    pub id: String,
    pub stream: String,
    pub stream_version: u64,
    pub kind: String,
    pub schema: u64,
    pub occurred_at: String,
    pub recorded_at: String,
    pub actor: String,
    pub correlation_id: String,
    pub causation_id: Option<String>,
    pub idempotency_key: Option<String>,
    /// The JSON text exactly as stored.
    pub payload: String,
    /// Lower-case hexadecimal.
    pub hash: String,
}

impl StoredEvent {
    /// One line of `cotrader events --json`. The payload goes in as it is stored, unless it is no JSON any more
    /// (a damaged row): then as a string.
    pub fn to_json_line(&self) -> String {
        let payload = match serde_json::from_str::<serde::de::IgnoredAny>(&self.payload) {
            Ok(_) => self.payload.clone(),
            Err(_) => Value::from(self.payload.as_str()).to_string(),
        };
        let text = |value: &str| Value::from(value).to_string();
        let optional = |value: &Option<String>| Value::from(value.as_deref()).to_string();
        format!(
            "{{\"seq\":{},\"id\":{},\"stream\":{},\"stream_version\":{},\"kind\":{},\"schema\":{},\
             \"occurred_at\":{},\"recorded_at\":{},\"actor\":{},\"correlation_id\":{},\"causation_id\":{},\
             \"idempotency_key\":{},\"payload\":{},\"hash\":{}}}",
            self.seq,
            text(&self.id),
            text(&self.stream),
            self.stream_version,
            text(&self.kind),
            self.schema,
            text(&self.occurred_at),
            text(&self.recorded_at),
            text(&self.actor),
            text(&self.correlation_id),
            optional(&self.causation_id),
            optional(&self.idempotency_key),
            payload,
            text(&self.hash),
        )
    }

    fn from_row(row: &Row<'_>) -> Result<Self, Flaw> {
        let (fields, _, hash) = chain::stored(row)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Self {
            seq: fields.seq,
            id: text(fields.event_id),
            stream: text(fields.stream),
            stream_version: fields.stream_version,
            kind: text(fields.kind),
            schema: fields.schema,
            occurred_at: text(fields.occurred_at),
            recorded_at: text(fields.recorded_at),
            actor: text(fields.actor),
            correlation_id: text(fields.correlation_id),
            causation_id: fields.causation_id.map(text),
            idempotency_key: fields.idempotency_key.map(text),
            payload: text(fields.payload),
            hash: hex(hash),
        })
    }
}

/// The columns a replay needs, in the order in which they are read.
const REPLAYED: &str = "seq, event_id, kind, schema, occurred_at, recorded_at, actor, correlation_id, \
                        causation_id, idempotency_key, payload";

/// Hands every known event from `from_seq` on to `apply`, in order. A gap or an unreadable row ends it.
pub fn replay(
    conn: &Connection,
    from_seq: u64,
    mut apply: impl FnMut(Recorded),
) -> Result<Replayed, StoreError> {
    let failed = || StoreError::sqlite("read the events");
    let mut done = Replayed::default();
    let mut next = from_seq.max(1);
    done.last_seq = next - 1;
    let start = signed(next);
    let mut statement = conn
        .prepare_cached(&format!("SELECT {REPLAYED} FROM events WHERE seq >= ?1 ORDER BY seq"))
        .map_err(failed())?;
    let mut rows = statement.query([start]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(|e| unreadable(next, &e))? {
        match recorded(row, next)? {
            Decoded::Known(event) => {
                apply(event);
                done.events += 1;
            }
            Decoded::Unknown(kind) => *done.skipped.entry(kind).or_default() += 1,
        }
        done.last_seq = next;
        next += 1;
    }
    Ok(done)
}

/// The event of one seq, if it is there and known.
pub fn one(conn: &Connection, seq: u64) -> Result<Option<Recorded>, StoreError> {
    let failed = || StoreError::sqlite("read an event");
    let mut statement =
        conn.prepare_cached(&format!("SELECT {REPLAYED} FROM events WHERE seq = ?1")).map_err(failed())?;
    let mut rows = statement.query([signed(seq)]).map_err(failed())?;
    match rows.next().map_err(failed())? {
        Some(row) => match recorded(row, seq)? {
            Decoded::Known(event) => Ok(Some(event)),
            Decoded::Unknown(_) => Ok(None),
        },
        None => Ok(None),
    }
}

/// Stored rows in order; the callback may end it early.
pub fn events(
    conn: &Connection,
    filter: &Filter,
    mut each: impl FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let failed = || StoreError::sqlite("read the events");
    let sql = format!(
        "SELECT {} FROM events WHERE seq >= ?1 AND (?2 IS NULL OR occurred_at >= ?2)
            AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR stream = ?4) ORDER BY seq",
        chain::COLUMNS
    );
    let mut statement = conn.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement
        .query(params![
            signed(filter.from_seq),
            filter.since.map(codec::timestamp_text),
            filter.kind,
            filter.stream
        ])
        .map_err(failed())?;
    let mut last = filter.from_seq.saturating_sub(1);
    while let Some(row) = rows.next().map_err(|e| unreadable(last + 1, &e))? {
        let event = StoredEvent::from_row(row).map_err(|what| damaged(last + 1, what))?;
        last = event.seq;
        if each(event).is_break() {
            break;
        }
    }
    Ok(())
}

/// How far the log reaches; 0 when it is empty.
pub fn last_seq(conn: &Connection) -> rusqlite::Result<u64> {
    conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| unsigned(row, 0))
}

/// The stored hash of one event.
pub fn hash_of(conn: &Connection, seq: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.query_row("SELECT hash FROM events WHERE seq = ?1", [signed(seq)], |row| row.get(0)).optional()
}

enum Decoded {
    Known(Recorded),
    Unknown(String),
}

fn damaged(seq: u64, what: Flaw) -> StoreError {
    StoreError::Damaged(Damage { seq: Some(seq), what })
}

fn unreadable(seq: u64, source: &rusqlite::Error) -> StoreError {
    damaged(seq, Flaw::Unreadable(source.to_string()))
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
