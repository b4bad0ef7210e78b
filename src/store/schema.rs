//! Connections and tables: how SQLite is asked to behave, and the numbered migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};
use rusqlite_migration::{M, Migrations};

use super::error::StoreError;

/// Below this a write-ahead log can be corrupted when it is reset.
const OLDEST_SQLITE: i32 = 3_051_003;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_events.sql")),
    M::up(include_str!("../../migrations/0002_projections.sql")),
    M::up(include_str!("../../migrations/0003_unknown_greeks.sql")),
    M::up(include_str!("../../migrations/0004_orders.sql")),
];

pub const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

pub fn check_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// The number of migrations the file has seen; newer than this program knows is refused.
pub fn version(conn: &Connection) -> Result<usize, StoreError> {
    let found: u32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(StoreError::sqlite("read the version of the store's tables"))?;
    let found = found as usize;
    if found > STEPS.len() {
        return Err(StoreError::Newer { found, known: STEPS.len() });
    }
    Ok(found)
}

pub fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    if version(conn)? < STEPS.len() {
        MIGRATIONS
            .to_latest(conn)
            .map_err(|source| StoreError::Migration { source: std::sync::Arc::new(source) })?;
    }
    Ok(())
}

/// The one connection that writes. Checkpoints are the writer's own business: left to SQLite they would run
/// inside the commit that somebody waits for.
pub fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(StoreError::sqlite("open the store"))?;
    let configure = || -> rusqlite::Result<()> {
        common(&conn)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        // macOS: fsync alone does not reach the platter.
        conn.pragma_update(None, "fullfsync", true)?;
        conn.pragma_update(None, "checkpoint_fullfsync", true)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update(None, "recursive_triggers", true)?;
        conn.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(())
    };
    configure().map_err(StoreError::sqlite("configure the store"))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// A connection that cannot write: for readers, and for looking at a file before anything touches it.
pub fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(StoreError::sqlite("open the store"))?;
    let configure = || -> rusqlite::Result<()> {
        common(&conn)?;
        conn.pragma_update(None, "query_only", true)
    };
    configure().map_err(StoreError::sqlite("configure the store"))?;
    Ok(conn)
}

fn common(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)
}

/// SQLite's integers are signed. Numbers of events stay far below the border; one beyond it finds nothing.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that never holds a negative number.
pub fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_apply_to_an_empty_file() {
        assert_eq!(MIGRATIONS.validate(), Ok(()));
    }

    #[test]
    fn the_sqlite_inside_is_new_enough() {
        assert!(check_sqlite().is_ok(), "{}", rusqlite::version());
    }

    #[test]
    fn a_store_of_the_future_is_refused() {
        let conn = Connection::open_in_memory().expect("a database");
        conn.pragma_update(None, "user_version", 99).expect("set");
        assert!(matches!(version(&conn), Err(StoreError::Newer { found: 99, .. })));
    }

    #[test]
    fn the_writing_connection_is_durable_and_distrustful() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cotrader.db");
        std::fs::write(&path, b"").expect("an empty file");
        let conn = open_for_writing(&path).expect("opens");
        let number = |name: &str| -> i64 {
            conn.pragma_query_value(None, name, |row| row.get(0)).expect("a pragma with a number")
        };
        let mode: String = conn.pragma_query_value(None, "journal_mode", |r| r.get(0)).expect("a mode");
        assert_eq!(mode, "wal");
        assert_eq!(number("synchronous"), 2);
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("trusted_schema"), 0);
        assert_eq!(number("cell_size_check"), 1);
        assert_eq!(number("mmap_size"), 0);
        assert!(number("busy_timeout") > 0);
    }
}
