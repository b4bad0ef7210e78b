//! A copy that stands on its own: one file, verified, with its head inside since the head file stays behind.
//! Restoring is putting it in an empty folder as `cotrader.db`. A live file is never copied byte by byte.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::Utc;
use rusqlite::{Connection, params};

use super::chain::unhex;
use super::codec::timestamp_text;
use super::error::StoreError;
use super::head::{Head, sync_dir_of};
use super::schema::signed;
use super::verify::{VerifyOptions, VerifyReport, verify, verify_connection};
use super::{Files, schema};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub events: u64,
    pub bytes: u64,
}

/// Copies the store in `dir` to `file`, which must not exist. A damaged store is not backed up as if it were a
/// good one: keep the folder, and look for an older backup.
pub fn backup(dir: &Path, file: &Path) -> Result<Backup, StoreError> {
    let source = verify(dir, VerifyOptions { integrity: false, projections: false })?;
    refuse_damaged(&source)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Ok(empty) => drop(empty),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(StoreError::BackupExists { file: file.to_owned() });
        }
        Err(e) => return Err(StoreError::io("make", file)(e)),
    }
    let done = copy(&Files::in_dir(dir).db, file);
    if done.is_err() {
        // Ours, made a moment ago, and no backup.
        let _ = std::fs::remove_file(file);
    }
    done
}

fn refuse_damaged(report: &VerifyReport) -> Result<(), StoreError> {
    match report.damages.first() {
        Some(damage) => Err(StoreError::Damaged(damage.clone())),
        None => Ok(()),
    }
}

fn copy(db: &Path, file: &Path) -> Result<Backup, StoreError> {
    let failed = || StoreError::sqlite("copy the store");
    let source = schema::open_for_reading(db)?;
    source.pragma_update(None, "query_only", false).map_err(failed())?;
    // An empty file is what VACUUM INTO accepts besides none at all.
    source.execute("VACUUM INTO ?1", [file.to_string_lossy()]).map_err(failed())?;
    drop(source);

    // The copy speaks for itself: what its own chain says becomes the head it carries.
    let copy = Connection::open(file).map_err(failed())?;
    let read = VerifyOptions { integrity: true, projections: true };
    let count: u64 = super::reader::last_seq(&copy).map_err(failed())?;
    let hash = super::reader::hash_of(&copy, count).map_err(failed())?;
    let hash = hash.and_then(|h| h.try_into().ok()).unwrap_or(super::chain::GENESIS);
    let report = verify_connection(&copy, Some(Ok(Head { count, hash })), read)?;
    refuse_damaged(&report)?;
    copy.execute_batch("ROLLBACK").map_err(failed())?;
    copy.execute(
        "INSERT OR REPLACE INTO sealed_head (id, count, hash, sealed_at) VALUES (1, ?1, ?2, ?3)",
        params![
            signed(count),
            unhex(&report.last_hash).unwrap_or(super::chain::GENESIS),
            timestamp_text(Utc::now())
        ],
    )
    .map_err(failed())?;
    copy.close().map_err(|(_, e)| failed()(e))?;
    let synced = File::open(file).map_err(StoreError::io("open", file))?;
    synced.sync_all().map_err(StoreError::io("sync", file))?;
    sync_dir_of(file)?;
    let bytes = synced.metadata().map_err(StoreError::io("look at", file))?.len();
    Ok(Backup { events: count, bytes })
}
