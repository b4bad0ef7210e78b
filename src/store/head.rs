//! The head file: how many events were acknowledged, and the hash of the last one. The chain alone cannot see
//! that its end is missing (a lost `-wal` file leaves a shorter, perfectly chained log); the head can.
//!
//! Two fixed slots, one block each, written in turn: the record of the event before the last always stays
//! whole, so a write torn by a power cut costs nothing but itself. The file never changes its size or name
//! after it was made, hence one `fdatasync` makes a record durable without the file system's journal.
//! Making the file itself goes the long way: write new, sync, rename, sync the folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::chain::{GENESIS, Hash, hex, unhex};
use super::error::{Flaw, StoreError};

const SLOT: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub count: u64,
    pub hash: Hash,
}

impl Head {
    pub const EMPTY: Self = Self { count: 0, hash: GENESIS };

    fn to_slot(self) -> Vec<u8> {
        let body = format!("cotrader head 1\ncount {}\nhash {}\n", self.count, hex(&self.hash));
        let mut slot = format!("{body}check {}\n", check(&body)).into_bytes();
        slot.resize(SLOT - 1, b' ');
        slot.push(b'\n');
        slot
    }

    /// `None` for a slot that is torn, altered or was never written.
    fn from_slot(slot: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(slot).ok()?;
        let (body, rest) = text.split_at_checked(text.find("check ")?)?;
        let mut lines = body.lines();
        if lines.next()? != "cotrader head 1" || rest.strip_prefix("check ")?.trim_end() != check(body) {
            return None;
        }
        let count = lines.next()?.strip_prefix("count ")?.parse().ok()?;
        let hash = unhex(lines.next()?.strip_prefix("hash ")?)?;
        Some(Self { count, hash })
    }
}

fn check(body: &str) -> String {
    let digest: Hash = Sha256::digest(body.as_bytes()).into();
    hex(&digest[..8])
}

/// The head file, open for writing.
#[derive(Debug)]
pub struct HeadFile {
    file: File,
    next_slot: usize,
}

impl HeadFile {
    /// Makes the file with `head` in it.
    pub fn create(path: &Path, head: Head) -> Result<Self, StoreError> {
        let fresh = path.with_extension("head.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&fresh).map_err(StoreError::io("make", &fresh))?;
        let mut both = head.to_slot();
        both.resize(2 * SLOT, b' ');
        file.write_all_at(&both, 0)
            .and_then(|()| file.sync_all())
            .map_err(StoreError::io("write", &fresh))?;
        std::fs::rename(&fresh, path).map_err(StoreError::io("rename", path))?;
        sync_dir_of(path)?;
        Ok(Self { file, next_slot: 1 })
    }

    /// Opens the file for writing; `Err(Flaw)` when neither slot is whole.
    pub fn open(path: &Path) -> Result<Result<(Self, Head), Flaw>, StoreError> {
        let file =
            OpenOptions::new().read(true).write(true).open(path).map_err(StoreError::io("open", path))?;
        let slots = slots(&file).map_err(StoreError::io("read", path))?;
        Ok(match newest(&slots) {
            Some((slot, head)) => Ok((Self { file, next_slot: 1 - slot }, head)),
            None => Err(Flaw::HeadUnreadable),
        })
    }

    /// Durable when it returns. After an error nobody knows what the disk holds: the caller must stop.
    pub fn write(&mut self, head: Head) -> io::Result<()> {
        self.file.write_all_at(&head.to_slot(), (self.next_slot * SLOT) as u64)?;
        self.file.sync_data()?;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }

    #[cfg(test)]
    pub fn that_cannot_write(path: &Path) -> Self {
        Self { file: File::open(path).expect("the head file of a test"), next_slot: 0 }
    }
}

/// What the head file says; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Result<Head, Flaw>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("open", path)(e)),
    };
    let slots = slots(&file).map_err(StoreError::io("read", path))?;
    Ok(Some(newest(&slots).map(|(_, head)| head).ok_or(Flaw::HeadUnreadable)))
}

fn slots(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2 * SLOT);
    file.take(2 * SLOT as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn newest(bytes: &[u8]) -> Option<(usize, Head)> {
    bytes
        .chunks(SLOT)
        .enumerate()
        .filter_map(|(i, slot)| Head::from_slot(slot).map(|head| (i, head)))
        .max_by_key(|(_, head)| head.count)
}

/// Names in a folder are durable only once the folder is.
pub fn sync_dir_of(path: &Path) -> Result<(), StoreError> {
    // The parent of a bare name is the empty path, which is no folder that can be opened.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|d| d.sync_all()).map_err(StoreError::io("sync", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(count: u64) -> Head {
        Head { count, hash: Sha256::digest(count.to_le_bytes()).into() }
    }

    #[test]
    fn the_newest_record_is_read_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cotrader.head");
        assert!(read(&path).expect("no file is fine").is_none());
        let mut file = HeadFile::create(&path, Head::EMPTY).expect("a head file");
        assert_eq!(read(&path).expect("readable"), Some(Ok(Head::EMPTY)));
        for count in 1..=5 {
            file.write(head(count)).expect("written");
            assert_eq!(read(&path).expect("readable"), Some(Ok(head(count))));
        }
        let (mut again, found) = HeadFile::open(&path).expect("opens").expect("whole");
        assert_eq!(found, head(5));
        again.write(head(6)).expect("written");
        assert_eq!(read(&path).expect("readable"), Some(Ok(head(6))));
    }

    #[test]
    fn a_torn_record_leaves_the_one_before_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cotrader.head");
        let mut file = HeadFile::create(&path, head(1)).expect("a head file");
        file.write(head(2)).expect("written");
        // The third write goes to the first slot and is cut off in its middle.
        file.file.write_all_at(&head(3).to_slot()[..40], 0).expect("torn");
        assert_eq!(read(&path).expect("readable"), Some(Ok(head(2))));
    }

    #[test]
    fn no_altered_byte_is_taken_for_another_head() {
        let good = head(12).to_slot();
        for at in 0..SLOT {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            let found = Head::from_slot(&bad);
            assert!(found.is_none() || found == Some(head(12)), "byte {at}: {found:?}");
        }
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cotrader.head");
        std::fs::write(&path, vec![b'x'; 2 * SLOT]).expect("written");
        assert_eq!(read(&path).expect("readable"), Some(Err(Flaw::HeadUnreadable)));
    }
}
