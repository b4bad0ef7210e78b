//! Reading stored rows, for people and scripts. Readers have connections of their own that cannot write; each
//! sees the log as it was when its reading began.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::chain::{self, hex};
use super::codec;
use super::error::{Damage, Flaw, StoreError};
use super::schema::{signed, unsigned};
use crate::domain::time::Timestamp;

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

pub(super) fn damaged(seq: u64, what: Flaw) -> StoreError {
    StoreError::Damaged(Damage { seq: Some(seq), what })
}

pub(super) fn unreadable(seq: u64, source: &rusqlite::Error) -> StoreError {
    damaged(seq, Flaw::Unreadable(source.to_string()))
}
