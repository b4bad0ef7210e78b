//! The flag file of the kill switch: `KILL` in the store's folder. Any process may put it down, `touch` does;
//! whoever sends an order looks at it right before. It works while everything else hangs.
//!
//! Never: is taken away but by a reset that is durable; reads a file it cannot look at as "not there".

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::control::KillMode;
use crate::domain::order::Ticket;
use crate::domain::text::clean_note;
use crate::engine::KillFlagged;

const NAME: &str = "KILL";
/// More of it is not read.
const MOST_BYTES: u64 = 4 * 1024;

/// One store's flag. Cheap to copy into every task that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillFlag {
    folder: PathBuf,
}

impl KillFlag {
    pub fn of(store: &Path) -> Self {
        Self { folder: store.to_owned() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Looks anew each time. Whatever stands there under the name is a flag, and so is not being able to look.
    pub fn is_up(&self) -> bool {
        // Not followed: a link to nowhere is a flag, too.
        match std::fs::symlink_metadata(self.path()) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// Whether this order may not be sent now: under a flag only what closes may.
    pub fn stops(&self, ticket: &Ticket) -> bool {
        self.is_up() && !ticket.is_closing()
    }

    /// What it says. A file that does not say `hard` says `safe`.
    pub fn seen(&self) -> Option<KillFlagged> {
        if !self.is_up() {
            return None;
        }
        let mut text = Vec::new();
        let read =
            open_for_reading(&self.path()).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text));
        let text = match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => {
                return Some(KillFlagged {
                    mode: KillMode::Safe,
                    why: format!("it cannot be read: {error}"),
                });
            }
        };
        let (first, rest) = text.split_once('\n').unwrap_or((text.as_str(), ""));
        let mode = if first.trim().eq_ignore_ascii_case("hard") { KillMode::Hard } else { KillMode::Safe };
        let why = clean_note(rest);
        Some(KillFlagged { mode, why: if why.is_empty() { "no reason given".to_owned() } else { why } })
    }

    /// Puts it down, on the disk before this returns. One that is harder stays.
    pub fn raise(&self, mode: KillMode, why: &str) -> std::io::Result<()> {
        if self.seen().is_some_and(|flag| flag.mode >= mode) {
            return Ok(());
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Beside it and then in its place: at no moment is there half a flag.
        let new = self.folder.join(format!("{NAME}.{}", std::process::id()));
        drop(std::fs::remove_file(&new));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(format!("{}\n{}\n", mode.word(), clean_note(why)).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, self.path())?;
        File::open(&self.folder)?.sync_all()
    }

    /// Takes away the flag that was seen; another one that came since stays. Answers whether none is left.
    pub fn lower(&self, seen: Option<&KillFlagged>) -> std::io::Result<bool> {
        match self.seen() {
            None => return Ok(true),
            now if now.as_ref() != seen => return Ok(false),
            Some(_) => {}
        }
        std::fs::remove_file(self.path())?;
        File::open(&self.folder)?.sync_all()?;
        Ok(true)
    }
}

/// A pipe under that name must not hang who looks.
fn open_for_reading(path: &Path) -> std::io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn flag() -> (tempfile::TempDir, KillFlag) {
        let dir = tempfile::tempdir().expect("a folder");
        let flag = KillFlag::of(&dir.path().join("store"));
        (dir, flag)
    }

    #[test]
    fn it_is_put_down_where_there_is_no_store_yet_and_is_its_owners_alone() {
        let (_dir, flag) = flag();
        assert!(!flag.is_up() && flag.seen().is_none());
        flag.raise(KillMode::Safe, "too\nmuch").expect("written");
        let seen = flag.seen().expect("up");
        assert_eq!((seen.mode, seen.why.as_str()), (KillMode::Safe, "too much"));
        assert_eq!(std::fs::metadata(flag.path()).expect("there").mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&flag.folder).expect("there").mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(&flag.folder).expect("there").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn hard_goes_over_safe_and_stays() {
        let (_dir, flag) = flag();
        flag.raise(KillMode::Safe, "first").expect("written");
        flag.raise(KillMode::Hard, "second").expect("written");
        flag.raise(KillMode::Safe, "third").expect("nothing to do");
        assert_eq!(flag.seen(), Some(KillFlagged { mode: KillMode::Hard, why: "second".into() }));
    }

    #[test]
    fn whatever_bears_the_name_is_a_flag() {
        let (_dir, flag) = flag();
        std::fs::create_dir(&flag.folder).expect("a folder");
        let up = |why: &str| {
            assert!(flag.is_up(), "{why}");
            let seen = flag.seen().expect(why);
            assert_eq!(seen.mode, KillMode::Safe, "{why}");
            assert!(!seen.why.is_empty());
        };
        std::fs::write(flag.path(), "").expect("touched");
        up("an empty file");
        std::fs::write(flag.path(), b"\xff\xfe\x00 what").expect("written");
        up("bytes that are no text");
        std::fs::remove_file(flag.path()).expect("removed");
        symlink("/nowhere/at/all", flag.path()).expect("a link");
        up("a link to nowhere");
        std::fs::remove_file(flag.path()).expect("removed");
        std::fs::create_dir(flag.path()).expect("a folder");
        up("a folder");
        std::fs::remove_dir(flag.path()).expect("removed");
        // A folder that is a file: nobody can look whether a flag is in it.
        let odd = KillFlag::of(&flag.folder.join("file"));
        std::fs::write(&odd.folder, "").expect("written");
        assert!(odd.is_up());
    }

    #[test]
    fn only_the_flag_that_was_seen_is_taken_away() {
        let (_dir, flag) = flag();
        assert!(flag.lower(None).expect("nothing there"));
        flag.raise(KillMode::Safe, "first").expect("written");
        let first = flag.seen();
        flag.raise(KillMode::Hard, "another, meanwhile").expect("written");
        assert!(!flag.lower(first.as_ref()).expect("looked"));
        assert!(flag.is_up());
        assert!(flag.lower(flag.seen().as_ref()).expect("removed"));
        assert!(!flag.is_up());
    }
}
