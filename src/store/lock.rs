//! One process writes: an exclusive lock on a file beside the database, taken before anything is opened. The
//! kernel releases it when its holder dies, however it dies; the text in it is for the message only.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use rustix::fs::{FlockOperation, flock};

use super::error::StoreError;

/// Held as long as this value lives.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    pub fn take(dir: &Path, path: &Path) -> Result<Self, StoreError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(StoreError::io("open", path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(dir, &mut file)),
            Err(e) => return Err(StoreError::io("lock", path)(e.into())),
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        file.set_len(0)
            .and_then(|()| writeln!(file, "{} {since}", std::process::id()))
            .map_err(StoreError::io("write", path))?;
        Ok(Self { _file: file })
    }
}

/// The process that writes to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    pub since: String,
}

impl Holder {
    /// Whether that process is there.
    pub fn runs(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        // One that is not ours to signal is there all the same.
        pid.is_some_and(|pid| {
            !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
        })
    }
}

/// Who took the lock last, by its own words. It tries no lock, which somebody may be about to take.
pub fn last_holder(dir: &Path) -> Option<Holder> {
    let mut file = File::open(super::Files::in_dir(dir).lock).ok()?;
    match held(dir, &mut file) {
        StoreError::Locked { pid, since, .. } if pid != 0 => Some(Holder { pid, since }),
        _ => None,
    }
}

/// Who writes to the store in `dir` at present; `None` when nobody does. Changes nothing.
pub fn holder(dir: &Path) -> Option<Holder> {
    let mut file = File::open(super::Files::in_dir(dir).lock).ok()?;
    // Shared and released at once: it is refused exactly while somebody writes.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        _ => return None,
    }
    match held(dir, &mut file) {
        StoreError::Locked { pid, since, .. } => Some(Holder { pid, since }),
        _ => None,
    }
}

/// Who holds it. A holder between locking and writing has not named itself yet: pid 0.
fn held(dir: &Path, file: &mut File) -> StoreError {
    let mut text = String::new();
    let read = Read::by_ref(file).take(128).read_to_string(&mut text);
    let (pid, since) = match (read, text.trim().split_once(' ')) {
        (Ok(_), Some((pid, since))) => (pid.parse().unwrap_or(0), since.to_owned()),
        _ => (0, "just now".to_owned()),
    };
    StoreError::Locked { dir: dir.to_owned(), pid, since }
}
