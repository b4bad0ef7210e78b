//! Ordinary tables that any SQL tool can read: folds over the events, updated in the transaction that stores
//! the event, made anew at any time. They copy what events say and interpret no rule.

mod days;
mod decisions;
mod orders;
mod trades;

use rusqlite::Connection;

use crate::domain::event::Event;
use crate::domain::time::Timestamp;

/// The tables and a total order of their rows, for emptying and comparing.
pub const TABLES: [(&str, &str); 6] = [
    ("trades", "id"),
    ("decisions", "seq"),
    ("daily_close", "date, portfolio, account"),
    ("greeks_history", "date, underlying"),
    ("orders", "reference"),
    ("fills", "reference, fill"),
];

pub fn apply(conn: &Connection, seq: u64, at: Timestamp, event: &Event) -> rusqlite::Result<()> {
    trades::apply(conn, at, event)?;
    orders::apply(conn, at, event)?;
    decisions::apply(conn, seq, at, event)?;
    days::apply(conn, event)
}

pub fn clear(conn: &Connection) -> rusqlite::Result<()> {
    for (table, _) in TABLES {
        conn.execute(&format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}

/// The stored word of a domain value that serialises as a plain string.
fn word<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Ok(other.to_string()),
        Err(e) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(e))),
    }
}
