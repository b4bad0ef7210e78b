//! The accounts in a file beside what names their world: whole, replaced in one move, so that a crash leaves the
//! old one or the new one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::SimError;
use super::venue::Venue;
use crate::domain::time::Timestamp;

const VERSION: u32 = 1;
const KEY: &str = "accounts";

/// Where accounts and orders are kept between runs.
#[derive(Debug, Clone)]
pub struct KeptAccounts {
    pub file: PathBuf,
    /// What else stands in the file: accounts beside another world are not taken.
    pub world: Map<String, Value>,
    /// Somebody else writes it; this one only reads.
    pub is_foreign: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept<V> {
    version: u32,
    venue: V,
}

/// The instant of the last change, from what stands under `accounts` in such a file.
pub fn kept_until(accounts: &Value) -> Option<Timestamp> {
    accounts["venue"]["at"].as_str()?.parse().ok()
}

/// `None` where nothing was kept yet, or in another world.
pub fn read(kept: &KeptAccounts) -> Result<Option<Venue>, SimError> {
    let fault = |why: String| SimError::Kept { path: kept.file.clone(), why };
    let text = match fs::read_to_string(&kept.file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    let mut whole: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
    let Some(accounts) = whole.remove(KEY).filter(|accounts| !accounts.is_null()) else { return Ok(None) };
    if whole != kept.world {
        return Ok(None);
    }
    let found: Kept<Venue> = serde_json::from_value(accounts).map_err(|error| fault(error.to_string()))?;
    if found.version != VERSION {
        return Err(fault(format!("version {} is not {VERSION}", found.version)));
    }
    Ok(Some(found.venue))
}

pub fn text(kept: &KeptAccounts, venue: &Venue) -> serde_json::Result<String> {
    let mut whole = kept.world.clone();
    whole.insert(KEY.to_owned(), serde_json::to_value(Kept { version: VERSION, venue })?);
    serde_json::to_string(&whole)
}

pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!("cotrader.{name}.new"));
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
    fn what_is_written_reads_back_in_its_own_world_only() {
        let folder = tempfile::tempdir().unwrap();
        let named = |anchor: &str| KeptAccounts {
            file: folder.path().join("world.json"),
            world: Map::from_iter([("anchor".to_owned(), anchor.into())]),
            is_foreign: false,
        };
        let kept = named("2026-11-20");
        assert_eq!(read(&kept).unwrap(), None);
        write(&kept.file, "{\"anchor\":\"2026-11-20\"}").unwrap();
        assert_eq!(read(&kept).unwrap(), None, "a world whose accounts were never touched");
        let world = SeededWorld::new(7, chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        let mut venue = Venue::new(7, book::accounts(&world, 7), world.paths().anchor_instant());
        let _ = venue.take_news();
        let text = text(&kept, &venue).unwrap();
        write(&kept.file, &text).unwrap();
        assert_eq!(kept_until(&serde_json::from_str::<Value>(&text).unwrap()[KEY]), Some(venue.at));
        assert_eq!(read(&kept).unwrap(), Some(venue));
        assert_eq!(read(&named("2026-11-21")).unwrap(), None);
        write(&kept.file, "{\"accounts\":{").unwrap();
        assert!(read(&kept).is_err(), "half a file is said, not forgotten");
    }
}
