//! Room put aside for a full disk: a file of 16 MB that is given up when space runs out, so that the closing
//! events of the day still fit. What comes after that halts the store like any other failed write.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SIZE: u64 = 16 << 20;
/// Below this much free space nothing is put aside: the disk has better uses for it.
const PLENTY: u64 = 8 * SIZE;

/// Set once the room has been given up.
pub type LowSpace = Arc<AtomicBool>;

#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    held: bool,
    low: LowSpace,
}

impl Reserve {
    /// As far as the file system allows; a store without a reserve works all the same.
    pub fn take(dir: &Path) -> Self {
        let path = dir.join("cotrader.reserve");
        let held = free(dir).is_some_and(|free| free >= PLENTY) && allocate(&path).is_ok();
        Self { path, held, low: LowSpace::default() }
    }

    pub fn low_space(&self) -> LowSpace {
        Arc::clone(&self.low)
    }

    /// Looks before something is written.
    pub fn check(&mut self) {
        if let Some(free) = self.path.parent().and_then(free) {
            self.check_with(free);
        }
    }

    fn check_with(&mut self, free: u64) {
        if free >= SIZE {
            return;
        }
        if !self.low.swap(true, Ordering::Relaxed) {
            tracing::error!(free, "the disk is nearly full; the store gives up its reserve");
        }
        if self.held {
            self.held = false;
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn free(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Blocks that are really there; a file with a hole would keep nothing free.
#[cfg(target_os = "linux")]
fn allocate(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, SIZE)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn allocate(_path: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_given_up_once_and_only_when_space_runs_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cotrader.reserve");
        assert!(allocate(&path).is_ok());
        let mut reserve = Reserve { path: path.clone(), held: true, low: LowSpace::default() };
        assert_eq!(std::fs::metadata(&path).expect("there").len(), SIZE);
        reserve.check_with(SIZE);
        assert!(path.exists() && !reserve.low.load(Ordering::Relaxed));
        reserve.check_with(SIZE - 1);
        assert!(!path.exists() && reserve.low.load(Ordering::Relaxed));
        reserve.check_with(0);
        assert!(!path.exists());
    }
}
