//! Opening: lock, look, and only then touch. The file is checked through a connection that cannot write, so
//! that a damaged store is left exactly as it was found.
//!
//! Checked here: the head record against the log, the chain over everything after the head and over the last
//! [`CHECKED`] events (all of them in a store of ordinary size). Older events are checked by `verify`.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::mpsc;

use super::chain::{self, GENESIS, Hash};
use super::error::{Damage, Flaw, StoreError};
use super::head::{self, Head, HeadFile};
use super::lock::WriterLock;
use super::reserve::Reserve;
use super::wal::Pregrown;
use super::writer::{self, Writer};
use super::{Files, Inner, Role, Store, reader, schema};

/// Events from the end whose chain is checked at every start.
pub const CHECKED: u64 = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For the one process that writes.
    ReadWrite,
    /// Beside a writer, or without one.
    ReadOnly,
}

#[derive(Debug)]
pub struct Opened {
    pub store: Store,
    /// What is wrong with it: then it is readable as far as it goes and takes no events.
    pub damage: Option<Damage>,
    /// Events in the log when it was opened.
    pub events: u64,
}

impl Opened {
    fn damaged(files: Files, damage: Damage) -> Self {
        tracing::error!(%damage, dir = %files.dir.display(), "the store is damaged");
        let role = Role::Damaged(damage.clone());
        let events = schema::open_for_reading(&files.db)
            .ok()
            .and_then(|conn| reader::last_seq(&conn).ok())
            .unwrap_or_default();
        Self { store: Store { inner: Arc::new(Inner { files, role }) }, damage: Some(damage), events }
    }
}

pub fn open(dir: &Path, access: Access) -> Result<Opened, StoreError> {
    schema::check_sqlite()?;
    let files = Files::in_dir(dir);
    match access {
        Access::ReadOnly => open_read_only(files),
        Access::ReadWrite => open_for_writing(files),
    }
}

fn open_read_only(files: Files) -> Result<Opened, StoreError> {
    match inspect(&files)? {
        Found::Nothing => Err(StoreError::Missing { dir: files.dir }),
        Found::Damaged(damage) => Ok(Opened::damaged(files, damage)),
        Found::Sound(found) => {
            let inner = Inner { files, role: Role::ReadOnly };
            Ok(Opened { store: Store { inner: Arc::new(inner) }, damage: None, events: found.log.count })
        }
    }
}

fn open_for_writing(files: Files) -> Result<Opened, StoreError> {
    make_dir(&files.dir)?;
    refuse_network(&files.dir)?;
    let lock = WriterLock::take(&files.dir, &files.lock)?;
    let found = match inspect(&files)? {
        Found::Damaged(damage) => return Ok(Opened::damaged(files, damage)),
        Found::Nothing => Sound { log: Head::EMPTY, promised: None },
        Found::Sound(found) => found,
    };
    make_file(&files.db)?;
    let mut conn = schema::open_for_writing(&files.db)?;
    schema::migrate(&mut conn)?;
    let head_file = take_head(&files, &conn, &found)?;
    restrict(&files);
    let store = start(files, conn, found.log, head_file, lock)?;
    Ok(Opened { store, damage: None, events: found.log.count })
}

/// Gives everything that writes to the one thread that does.
pub(super) fn start(
    files: Files,
    conn: Connection,
    head: Head,
    head_file: HeadFile,
    lock: WriterLock,
) -> Result<Store, StoreError> {
    let halt = Arc::new(OnceLock::new());
    let (requests, queue) = mpsc::channel(writer::QUEUE);
    let reserve = Reserve::take(&files.dir);
    let low_space = reserve.low_space();
    let writer = Writer {
        conn,
        head,
        head_file,
        halt: Arc::clone(&halt),
        scratch: Vec::new(),
        reserve,
        wal: Pregrown::of(&files.db),
        lock,
    };
    let thread = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.run(queue))
        .map_err(StoreError::io("start the writer of", &files.dir))?;
    let role = Role::Writing {
        requests: Mutex::new(Some(requests)),
        halt,
        low_space,
        thread: Mutex::new(Some(thread)),
    };
    Ok(Store { inner: Arc::new(Inner { files, role }) })
}

/// The head file, saying what the log says: behind it after a crash between commit and head write, missing in
/// a new store and in a restored backup.
fn take_head(files: &Files, conn: &Connection, found: &Sound) -> Result<HeadFile, StoreError> {
    let Some(promised) = found.promised else {
        let file = HeadFile::create(&files.head, found.log)?;
        conn.execute("DELETE FROM sealed_head", [])
            .map_err(StoreError::sqlite("take over a restored backup"))?;
        return Ok(file);
    };
    match HeadFile::open(&files.head)? {
        Ok((mut file, _)) => {
            if promised != found.log {
                tracing::info!(from = promised.count, to = found.log.count, "the head follows the log");
                file.write(found.log).map_err(StoreError::io("write", &files.head))?;
            }
            Ok(file)
        }
        Err(what) => Err(StoreError::Damaged(Damage { seq: None, what })),
    }
}

pub(super) struct Sound {
    /// How far the log reaches.
    pub log: Head,
    /// What the head file says; `None`: there is none, and there need not be.
    pub promised: Option<Head>,
}

pub(super) enum Found {
    Nothing,
    Sound(Sound),
    Damaged(Damage),
}

/// Looks without writing. The head is read before the log: the log of a living store only grows, so what is
/// read second holds at least what the first promised.
fn inspect(files: &Files) -> Result<Found, StoreError> {
    let promised = head::read(&files.head)?;
    let size = match std::fs::metadata(&files.db) {
        Ok(meta) => Some(meta.len()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(StoreError::io("look at", &files.db)(e)),
    };
    let promised = match promised {
        Some(Err(what)) => return Ok(Found::Damaged(Damage { seq: None, what })),
        Some(Ok(head)) => Some(head),
        None => None,
    };
    if size.is_none() {
        return Ok(match promised {
            Some(head) if head.count > 0 => Found::Damaged(truncated(0, head.count)),
            _ => Found::Nothing,
        });
    }
    let conn = match schema::open_for_reading(&files.db) {
        Ok(conn) => conn,
        Err(error) => return as_damage(error).map(Found::Damaged),
    };
    match look(&conn, promised, CHECKED) {
        Ok(sound) => Ok(Found::Sound(sound)),
        Err(Trouble::Damage(damage)) => Ok(Found::Damaged(damage)),
        Err(Trouble::Error(error)) => as_damage(error).map(Found::Damaged),
    }
}

pub(super) enum Trouble {
    Damage(Damage),
    Error(StoreError),
}

/// Compares the log with its head and walks the chain of its last `checked` events.
pub(super) fn look(conn: &Connection, promised: Option<Head>, checked: u64) -> Result<Sound, Trouble> {
    let failed = |e| Trouble::Error(StoreError::sqlite("read the store")(e));
    if schema::version(conn).map_err(Trouble::Error)? == 0 {
        // Made, and gone again before its tables were.
        return match promised {
            Some(head) if head.count > 0 => Err(Trouble::Damage(truncated(0, head.count))),
            _ => Ok(Sound { log: Head::EMPTY, promised }),
        };
    }
    let last = reader::last_seq(conn).map_err(failed)?;
    let known = match promised {
        Some(head) => head,
        None if last == 0 => Head::EMPTY,
        None => match sealed(conn).map_err(failed)? {
            Some(head) if head.count == last => head,
            _ => return Err(Trouble::Damage(Damage { seq: None, what: Flaw::HeadMissing })),
        },
    };
    if last < known.count {
        return Err(Trouble::Damage(truncated(last, known.count)));
    }
    if known.count > 0 {
        match reader::hash_of(conn, known.count).map_err(failed)? {
            Some(hash) if hash == known.hash => {}
            Some(hash) => {
                let mut stored = GENESIS;
                hash.iter().zip(stored.iter_mut()).for_each(|(from, to)| *to = *from);
                let what = Flaw::head(&stored, &known.hash);
                // The chain may say more precisely where it went wrong.
                walk_tail(conn, last, known.count, checked)?;
                return Err(Trouble::Damage(Damage { seq: Some(known.count), what }));
            }
            None => {
                let what = Flaw::Gap { found: last };
                return Err(Trouble::Damage(Damage { seq: Some(known.count), what }));
            }
        }
    }
    let log = walk_tail(conn, last, known.count, checked)?;
    Ok(Sound { log, promised })
}

/// Everything after the head, and at least the last `checked` events.
fn walk_tail(conn: &Connection, last: u64, head: u64, checked: u64) -> Result<Head, Trouble> {
    let failed = |e| Trouble::Error(StoreError::sqlite("read the store")(e));
    let from = (head + 1).min(last.saturating_sub(checked) + 1);
    let prev: Hash = if from <= 1 {
        GENESIS
    } else {
        let hash = reader::hash_of(conn, from - 1).map_err(failed)?;
        hash.and_then(|h| Hash::try_from(h).ok())
            .ok_or_else(|| Trouble::Damage(Damage { seq: Some(from - 1), what: Flaw::Gap { found: from } }))?
    };
    let (count, hash) = chain::walk(conn, from, prev, |_| Ok(())).map_err(Trouble::Damage)?;
    Ok(Head { count, hash })
}

/// The head that a backup carries inside.
fn sealed(conn: &Connection) -> rusqlite::Result<Option<Head>> {
    conn.query_row("SELECT count, hash FROM sealed_head", [], |row| {
        Ok(Head { count: schema::unsigned(row, 0)?, hash: row.get(1)? })
    })
    .optional()
}

pub(super) fn truncated(stored: u64, promised: u64) -> Damage {
    Damage { seq: Some(stored + 1), what: Flaw::Truncated { stored, promised } }
}

/// A file that SQLite cannot make sense of is damage; a file it may not open, or a newer one, is an error.
pub(super) fn as_damage(error: StoreError) -> Result<Damage, StoreError> {
    use rusqlite::ErrorCode as Code;
    let StoreError::Sqlite { source, .. } = &error else { return Err(error) };
    match source.sqlite_error_code() {
        Some(Code::DatabaseCorrupt | Code::NotADatabase | Code::SystemIoFailure | Code::Unknown) => {
            Ok(Damage { seq: None, what: Flaw::Unreadable(source.to_string()) })
        }
        // A value of a type that was never written there.
        None => Ok(Damage { seq: None, what: Flaw::Unreadable(source.to_string()) }),
        Some(_) => Err(error),
    }
}

/// What may lie in a folder before it has a store: what the program itself puts beside one.
const OURS: [&str; 6] = ["world.json", "recorded-market", "control.sock", "KILL", "log", ".env"];

/// A folder with other things in it is somebody's, and stays as it is.
fn refuse_foreign(dir: &Path) -> Result<(), StoreError> {
    if dir.join("cotrader.db").exists() {
        return Ok(());
    }
    let entries = std::fs::read_dir(dir).map_err(StoreError::io("look into", dir))?;
    for entry in entries {
        let name = entry.map_err(StoreError::io("look into", dir))?.file_name();
        let known = name.to_str().is_some_and(|name| name.starts_with("cotrader.") || OURS.contains(&name));
        if !known {
            return Err(StoreError::ForeignFolder { dir: dir.to_owned() });
        }
    }
    Ok(())
}

fn make_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        refuse_foreign(dir)?;
    } else {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(StoreError::io("make the folder", dir))?;
        head::sync_dir_of(dir)?;
    }
    let _ = std::fs::set_permissions(dir, Permissions::from_mode(0o700));
    Ok(())
}

/// Made by us rather than by SQLite, so that its mode never depends on the umask. SQLite gives the files it
/// makes beside the database the database's own mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(StoreError::io("make", path))?;
    }
    Ok(())
}

/// A store that was copied here may have come with wider rights. By name, never by opening: closing any
/// handle of the database would drop SQLite's locks on it.
fn restrict(files: &Files) {
    for path in [&files.db, &files.head, &files.lock] {
        let _ = std::fs::set_permissions(path, Permissions::from_mode(0o600));
    }
}

/// Locks and syncs are promises of the local kernel; a server elsewhere need not keep them.
#[cfg(target_os = "linux")]
fn refuse_network(dir: &Path) -> Result<(), StoreError> {
    const NETWORK: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x564c, "NCP"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0102_1997, "9P"),
    ];
    // A file system that does not say what it is gets the benefit of the doubt.
    let Ok(found) = rustix::fs::statfs(dir) else { return Ok(()) };
    let magic = found.f_type as u64 & 0xffff_ffff;
    match NETWORK.iter().find(|(number, _)| u64::from(*number) == magic) {
        Some((_, kind)) => Err(StoreError::NetworkFileSystem { dir: dir.to_owned(), kind }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_dir: &Path) -> Result<(), StoreError> {
    Ok(())
}
