//! The write-ahead log at its working size. A commit that makes the file longer pays for the file system's
//! journal as well, about as much again as the commit itself; one that overwrites what is there does not. SQLite
//! reuses the file after each write-back, so it only has to reach its size once: zeros are appended, which no
//! frame can be taken for, since every frame carries the salt of the log's header and a checksum.
//!
//! Only the `-wal` file is opened here. SQLite's locks live on the database and its index, which must never be
//! opened and closed beside it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// What the log holds between two write-backs in a quiet session, and something more.
const SIZE: u64 = 1_100 * (4096 + 24) + 32;
/// A process that writes a line and leaves should not pay for it.
const AFTER_BATCHES: u32 = 16;

#[derive(Debug)]
pub struct Pregrown {
    path: PathBuf,
    batches: u32,
}

impl Pregrown {
    pub fn of(db: &std::path::Path) -> Self {
        let mut name = db.as_os_str().to_owned();
        name.push("-wal");
        Self { path: name.into(), batches: 0 }
    }

    /// Called when nobody waits. A failure costs speed and nothing else.
    pub fn after_batch(&mut self) {
        self.batches = self.batches.saturating_add(1);
        if self.batches == AFTER_BATCHES
            && let Err(error) = self.grow()
        {
            tracing::debug!(%error, "the log grows as it goes");
        }
    }

    fn grow(&self) -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        let length = file.metadata()?.len();
        if length < SIZE {
            let zeros = vec![0; usize::try_from(SIZE - length).unwrap_or_default()];
            file.write_all_at(&zeros, length)?;
            file.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::CountedIds;
    use crate::store::testing::*;
    use crate::store::{VerifyOptions, verify};

    #[test]
    fn a_log_at_its_working_size_loses_nothing_in_a_crash() {
        let dir = tempfile::tempdir().expect("a folder");
        let (home, crashed) = (dir.path().join("store"), dir.path().join("crashed"));
        let store = open(&home);
        let mut ids = CountedIds(0);
        let wal = home.join("cotrader.db-wal");
        // Far enough that the log is written back and begun anew at least once.
        let events = 1_500;
        for i in 0..events {
            store
                .append_blocking(vec![pending(&mut ids, None, note(&format!("number {i}")))])
                .expect("stored");
        }
        let length = std::fs::metadata(&wal).expect("there").len();
        assert!((SIZE..2 * SIZE).contains(&length), "{length}");
        std::fs::create_dir(&crashed).expect("a folder");
        for name in ["cotrader.db", "cotrader.db-wal", "cotrader.head"] {
            std::fs::copy(home.join(name), crashed.join(name)).expect("copied");
        }
        let report = verify(&crashed, VerifyOptions::default()).expect("verifies");
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.events, events);
    }
}
