//! Checking all of it: every hash, every number, every stream, the head, SQLite's own structures, and the
//! projections against the events. And making the projections anew.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;

use super::chain::{self, GENESIS};
use super::error::{Damage, Flaw, StoreError};
use super::head::{self, Head};
use super::lock::WriterLock;
use super::open::{self, Trouble};
use super::{Files, projections, replay, schema};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyOptions {
    /// SQLite's own check of its pages and indexes.
    pub integrity: bool,
    /// The projections against a fold made anew.
    pub projections: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { integrity: true, projections: true }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Sound events from the first on.
    pub events: u64,
    pub streams: u64,
    /// The hash of the last sound event, in hexadecimal.
    pub last_hash: String,
    /// Everything that was found; the events first.
    pub damages: Vec<Damage>,
}

impl VerifyReport {
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty()
    }

    /// The first damaged event.
    pub fn first_damaged(&self) -> Option<u64> {
        self.damages.iter().filter_map(|damage| damage.seq).min()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    pub events: u64,
    /// Events of kinds this version does not know.
    pub skipped: u64,
}

/// Reads everything and changes nothing; a running cockpit is not disturbed.
pub fn verify(dir: &Path, options: VerifyOptions) -> Result<VerifyReport, StoreError> {
    schema::check_sqlite()?;
    let files = Files::in_dir(dir);
    // Before the log: see `open`.
    let promised = head::read(&files.head)?;
    if !files.db.exists() {
        return match promised {
            None => Err(StoreError::Missing { dir: dir.to_owned() }),
            Some(head) => Ok(nothing_there(head)),
        };
    }
    schema::open_for_reading(&files.db)
        .and_then(|conn| verify_connection(&conn, promised, options))
        .or_else(|error| open::as_damage(error).map(|damage| empty_report(Some(damage))))
}

fn nothing_there(promised: Result<Head, Flaw>) -> VerifyReport {
    let damage = match promised {
        Ok(Head { count: 0, .. }) => None,
        Ok(head) => Some(open::truncated(0, head.count)),
        Err(what) => Some(Damage { seq: None, what }),
    };
    empty_report(damage)
}

fn empty_report(damage: Option<Damage>) -> VerifyReport {
    let damages = damage.into_iter().collect();
    VerifyReport { events: 0, streams: 0, last_hash: chain::hex(&GENESIS), damages }
}

pub(super) fn verify_connection(
    conn: &Connection,
    promised: Option<Result<Head, Flaw>>,
    options: VerifyOptions,
) -> Result<VerifyReport, StoreError> {
    // One read transaction: a writer at work does not move the ground.
    conn.execute_batch("BEGIN").map_err(StoreError::sqlite("begin reading"))?;
    let mut report = empty_report(None);
    if schema::version(conn)? == 0 {
        return Ok(nothing_there(promised.unwrap_or(Ok(Head::EMPTY))));
    }
    let mut streams: HashMap<Vec<u8>, u64> = HashMap::new();
    let walked = chain::walk(conn, 1, GENESIS, |fields| {
        let version = match streams.get_mut(fields.stream) {
            Some(version) => version,
            None => streams.entry(fields.stream.to_owned()).or_default(),
        };
        *version += 1;
        if *version == fields.stream_version {
            return Ok(());
        }
        Err(Flaw::StreamVersion {
            stream: String::from_utf8_lossy(fields.stream).into_owned(),
            expected: *version,
            found: fields.stream_version,
        })
    });
    report.streams = streams.len() as u64;
    match walked {
        Ok((count, hash)) => {
            report.events = count;
            report.last_hash = chain::hex(&hash);
        }
        Err(damage) => {
            report.events = damage.seq.unwrap_or(1) - 1;
            report.damages.push(damage);
        }
    }
    let events_sound = report.damages.is_empty();
    // With a broken chain the head can only repeat it, unless it says that the end is missing.
    match promised.transpose() {
        Err(what) => report.damages.push(Damage { seq: None, what }),
        Ok(promised) => match open::look(conn, promised, 0) {
            Ok(_) => {}
            Err(Trouble::Damage(damage)) => {
                if !report.damages.contains(&damage) {
                    report.damages.push(damage);
                }
            }
            Err(Trouble::Error(error)) => {
                let damage = open::as_damage(error)?;
                if events_sound {
                    report.damages.push(damage);
                }
            }
        },
    }
    if options.integrity {
        report.damages.extend(integrity(conn));
    }
    if options.projections && report.damages.is_empty() {
        report.damages.extend(projection_damage(conn)?);
    }
    Ok(report)
}

/// SQLite's own words about its pages, indexes and constraints.
fn integrity(conn: &Connection) -> Vec<Damage> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = conn.prepare("PRAGMA integrity_check(20)")?;
        let lines = statement.query_map([], |row| row.get(0))?;
        lines.collect()
    };
    let as_damage = |words: String| Damage { seq: None, what: Flaw::Integrity(words) };
    match check() {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").map(as_damage).collect(),
        Err(e) => vec![as_damage(e.to_string())],
    }
}

/// A fold made anew in memory, compared table by table.
fn projection_damage(conn: &Connection) -> Result<Option<Damage>, StoreError> {
    if schema::version(conn)? == 0 {
        return Ok(None);
    }
    let failed = || StoreError::sqlite("compare the projections");
    let mut fresh = Connection::open_in_memory().map_err(failed())?;
    schema::migrate(&mut fresh)?;
    fold(conn, &fresh)?;
    for (table, order) in projections::TABLES {
        let sql = format!("SELECT * FROM {table} ORDER BY {order}");
        if dump(conn, &sql).map_err(failed())? != dump(&fresh, &sql).map_err(failed())? {
            return Ok(Some(Damage { seq: None, what: Flaw::Projection(table) }));
        }
    }
    Ok(None)
}

fn dump(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<rusqlite::types::Value>>> {
    let mut statement = conn.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect())?;
    rows.collect()
}

/// Folds the events of one connection into the projections of another.
fn fold(from: &Connection, into: &Connection) -> Result<Rebuilt, StoreError> {
    into.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::sqlite("begin the projections"))?;
    projections::clear(into).map_err(StoreError::sqlite("empty the projections"))?;
    let mut failed = None;
    let replayed = replay::replay(from, 1, |recorded| {
        if failed.is_none() {
            failed = projections::apply(into, recorded.seq, recorded.meta.occurred_at, &recorded.event).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(StoreError::sqlite("update a projection")(error));
    }
    into.execute_batch("COMMIT").map_err(StoreError::sqlite("store the projections"))?;
    Ok(Rebuilt { events: replayed.events, skipped: replayed.skipped.values().sum() })
}

/// Empties the projections and folds every event into them again. Takes the writer's lock; the events of a
/// damaged store are no ground to build on.
pub fn rebuild(dir: &Path) -> Result<Rebuilt, StoreError> {
    schema::check_sqlite()?;
    let files = Files::in_dir(dir);
    if !files.db.exists() {
        return Err(StoreError::Missing { dir: dir.to_owned() });
    }
    let _lock = WriterLock::take(dir, &files.lock)?;
    let report = verify(dir, VerifyOptions { integrity: true, projections: false })?;
    if let Some(damage) = report.damages.into_iter().next() {
        return Err(StoreError::Damaged(damage));
    }
    let mut conn = schema::open_for_writing(&files.db)?;
    schema::migrate(&mut conn)?;
    let events = schema::open_for_reading(&files.db)?;
    fold(&events, &conn)
}
