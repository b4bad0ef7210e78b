//! The accounts in a file: whole, replaced in one move, so that a crash leaves the old one or the new one.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::SimError;
use super::venue::Venue;

const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
struct Written<'a> {
    version: u32,
    venue: &'a Venue,
}

#[derive(Debug, Deserialize)]
struct Kept {
    version: u32,
    venue: Venue,
}

/// `None` where nothing was kept yet.
pub fn read(path: &Path) -> Result<Option<Venue>, SimError> {
    let fault = |why: String| SimError::Kept { path: path.to_owned(), why };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    let kept: Kept = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
    if kept.version != VERSION {
        return Err(fault(format!("version {} is not {VERSION}", kept.version)));
    }
    Ok(Some(kept.venue))
}

pub fn text(venue: &Venue) -> String {
    // Strings, numbers and lists of them: there is nothing that could fail to be written.
    serde_json::to_string(&Written { version: VERSION, venue }).unwrap_or_default()
}

pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Err(std::io::Error::other("the accounts have no text"));
    }
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The name is durable with its folder.
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::book;
    use crate::sim::world::seeded::SeededWorld;

    #[test]
    fn what_is_written_reads_back_and_nothing_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        assert_eq!(read(&path).unwrap(), None);
        let world = SeededWorld::new(7, chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        let mut venue = Venue::new(7, book::accounts(&world, 7), world.paths().anchor_instant());
        let _ = venue.take_news();
        write(&path, &text(&venue)).unwrap();
        assert_eq!(read(&path).unwrap(), Some(venue));
        write(&path, "{}").unwrap();
        assert!(read(&path).is_err(), "half a file is said, not forgotten");
    }
}
