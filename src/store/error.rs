//! What can go wrong with the store, with the values one needs to act and the remedy in the words.

use std::path::PathBuf;
use std::sync::Arc;

use super::chain::hex;

/// Why an open store takes no events, and everything else that can fail. Cheap to clone: one failed commit
/// answers every request that waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: Arc<std::io::Error> },
    #[error("cannot {doing}: {source}")]
    Sqlite { doing: &'static str, source: Arc<rusqlite::Error> },
    #[error("cannot bring the store's tables up to date: {source}")]
    Migration { source: Arc<rusqlite_migration::Error> },
    #[error("there is no store in {}; start the cockpit once, or point --store at one", dir.display())]
    Missing { dir: PathBuf },
    #[error("the store in {} is held by process {pid} since {since}; close that one first", dir.display())]
    Locked { dir: PathBuf, pid: u32, since: String },
    #[error("{} is on a network file system ({kind}), which cannot promise durability; use a local disk", dir.display())]
    NetworkFileSystem { dir: PathBuf, kind: &'static str },
    #[error("{} holds other files and no store; name a folder of its own with --store", dir.display())]
    ForeignFolder { dir: PathBuf },
    #[error("SQLite {found} can corrupt a write-ahead log; 3.51.3 or newer is needed")]
    OldSqlite { found: &'static str },
    #[error(
        "the store was written by a newer cotrader (tables {found}, this one knows {known}); update cotrader"
    )]
    Newer { found: usize, known: usize },
    #[error("the store is open read-only: another process writes, or reading was asked for")]
    ReadOnly,
    #[error("the store is damaged and takes no events: {0}; run `cotrader verify`, then restore a backup")]
    Damaged(Damage),
    #[error(
        "the store has stopped: {during} failed ({cause}); nothing is retried; free space or replace the disk, then restart"
    )]
    Halted { during: &'static str, cause: Arc<str> },
    #[error("the store is closed")]
    Closed,
    #[error("stream {stream} is at version {found}, not {expected}: someone else was faster; look again")]
    VersionConflict { stream: String, expected: u64, found: u64 },
    #[error("event id {id} already names a different event ({seq})")]
    IdReused { id: String, seq: u64 },
    #[error("event id {id} stands twice in one request")]
    IdRepeated { id: String },
    #[error("a {kind} event would not read back as it was written: a number in it is not finite")]
    NotRepresentable { kind: &'static str },
    #[error("a {kind} event of {bytes} bytes exceeds the {limit} a stored event may have")]
    TooLarge { kind: &'static str, bytes: usize, limit: usize },
    #[error("a request of {events} events exceeds the {limit} one may have")]
    TooMany { events: usize, limit: usize },
    #[error("event {seq} ({kind}) does not read as this version writes it: {source}")]
    Undecodable { seq: u64, kind: String, source: Arc<serde_json::Error> },
    #[error("{} exists already; a backup never overwrites", file.display())]
    BackupExists { file: PathBuf },
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn sqlite(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { doing, source: Arc::new(source) }
    }

    /// The stored bytes are wrong, as opposed to a call that went wrong.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Undecodable { .. })
    }
}

/// Where the stored bytes stop being what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first event concerned; `None` when it lies outside the events.
    pub seq: Option<u64>,
    pub what: Flaw,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("the stored bytes do not match their hash")]
    Altered,
    #[error("it does not continue the chain of the event before it")]
    Unchained,
    #[error("the number found in its place is {found}")]
    Gap { found: u64 },
    #[error("its place in stream {stream} is {found}, not {expected}")]
    StreamVersion { stream: String, expected: u64, found: u64 },
    #[error("{stored} events are there, {promised} were acknowledged")]
    Truncated { stored: u64, promised: u64 },
    #[error("its hash is {stored}, the head file says {promised}")]
    Head { stored: String, promised: String },
    #[error("the head file is missing although there are events")]
    HeadMissing,
    #[error("the head file cannot be read: neither of its records is whole")]
    HeadUnreadable,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error("the database's own check says: {0}")]
    Integrity(String),
    #[error("the table {0} differs from what the events say; `cotrader rebuild` makes it anew")]
    Projection(&'static str),
}

impl Flaw {
    pub(super) fn head(stored: &super::chain::Hash, promised: &super::chain::Hash) -> Self {
        Self::Head { stored: hex(stored), promised: hex(promised) }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "event {seq}: {}", self.what),
            None => self.what.fmt(f),
        }
    }
}
