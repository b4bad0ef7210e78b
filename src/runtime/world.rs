//! The simulated broker that the process starts itself: the demo's seeded world, kept beside its store so
//! that a restart agrees with the events, or a recorded market.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::domain::time::new_york_date;
use crate::domain::{Timestamp, TradingDate};
use crate::market::calendar::Calendar;
use crate::market::chain_file;
use crate::market::history_file::{self, BarsBySymbol, Closes};
use crate::sim::world::{read_book, recorded_start};
use crate::sim::{SimClock, SimConfig, SimError, WorldSource, demo_start};

/// What the arguments ask of the simulated broker.
#[derive(Debug, Clone, Default)]
pub struct WorldWish {
    pub market: Vec<PathBuf>,
    pub history: Vec<PathBuf>,
    pub book: Option<PathBuf>,
    pub day: Option<TradingDate>,
    pub seed: Option<u64>,
    pub as_of: Option<Timestamp>,
    pub speed: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("{} does not describe a demo world: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
    #[error("the store in {} belongs to a world of seed {kept}, not {wished}", dir.display())]
    OtherSeed { dir: PathBuf, kept: u64, wished: u64 },
    #[error("the store in {} holds a record that this market did not make", dir.display())]
    OtherStore { dir: PathBuf },
    #[error("the store in {} holds the record of a simulated market", dir.display())]
    SimulatedStore { dir: PathBuf },
    #[error("{}: {why}", path.display())]
    Input { path: PathBuf, why: String },
    #[error(transparent)]
    Sim(#[from] SimError),
}

impl WorldError {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::OtherSeed { .. } => "leave --seed out, or name another folder with --store",
            Self::OtherStore { .. } | Self::SimulatedStore { .. } => "name another folder with --store",
            Self::Malformed { .. } => "delete the demo's folder to begin a new world",
            Self::Unreadable { .. } | Self::Unwritable { .. } => "check that the path exists and is yours",
            Self::Input { .. } => "compare with the columns in docs/guide/recorded-markets.md",
            Self::Sim(_) => "see the message",
        }
    }
}

/// What makes the same world again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    seed: u64,
    anchor: TradingDate,
}

const FILE: &str = "world.json";
/// Marks the store of recorded markets; what they show comes from the files that are named each time.
const RECORDED: &str = "recorded-market";
const DEFAULT_SEED: u64 = 7;

/// The record is not of a real broker: the store is marked by the demo's world or as recorded.
pub fn is_simulated(dir: &Path) -> bool {
    mark_of(dir).is_some()
}

/// The file beside a store that says which simulated market its record belongs to. A copy of the record without
/// it is of no market.
pub fn mark_of(dir: &Path) -> Option<PathBuf> {
    [FILE, RECORDED].into_iter().map(|name| dir.join(name)).find(|path| path.exists())
}

/// What the store's record says about a world beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    pub last_event: Option<Timestamp>,
    /// A cockpit has run on it; a journal alone belongs to no broker yet.
    pub has_sessions: bool,
}

/// The seeded world of a store: read where it is kept, made and kept where it is new.
pub fn seeded(dir: &Path, wish: &WorldWish, record: Record) -> Result<SimConfig, WorldError> {
    let path = dir.join(FILE);
    let kept = match std::fs::read_to_string(&path) {
        Ok(text) => Some(
            serde_json::from_str::<Kept>(&text)
                .map_err(|error| WorldError::Malformed { path: path.clone(), why: error.to_string() })?,
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(WorldError::Unreadable { path, source }),
    };
    if kept.is_none() && (record.has_sessions || dir.join(RECORDED).exists()) {
        return Err(WorldError::OtherStore { dir: dir.to_owned() });
    }
    let start = wish.as_of.unwrap_or_else(|| demo_start(Utc::now(), record.last_event, &Calendar::default()));
    let kept = match (kept, wish.seed) {
        (Some(kept), Some(wished)) if kept.seed != wished => {
            return Err(WorldError::OtherSeed { dir: dir.to_owned(), kept: kept.seed, wished });
        }
        (Some(kept), _) => kept,
        (None, seed) => {
            let kept = Kept { seed: seed.unwrap_or(DEFAULT_SEED), anchor: new_york_date(start) };
            keep(&path, &kept)?;
            kept
        }
    };
    let clock = SimClock::starting_at(start, wish.speed);
    Ok(SimConfig::new(kept.seed, clock, WorldSource::Seeded { anchor: kept.anchor }))
}

fn keep(path: &Path, kept: &Kept) -> Result<(), WorldError> {
    let unwritable = |source| WorldError::Unwritable { path: path.to_owned(), source };
    let text = serde_json::to_string(kept).map_err(|error| unwritable(error.into()))?;
    std::fs::write(path, text).map_err(unwritable)
}

/// The broker that the process brings itself, as the arguments want it.
pub fn own(dir: &Path, wish: &WorldWish, record: Record) -> Result<SimConfig, WorldError> {
    if wish.market.is_empty() {
        return seeded(dir, wish, record);
    }
    claim(dir, record)?;
    recorded(wish)
}

/// A recorded market writes into a store of its own kind, or into one where no cockpit has run.
fn claim(dir: &Path, record: Record) -> Result<(), WorldError> {
    let mark = dir.join(RECORDED);
    if mark.exists() {
        return Ok(());
    }
    if record.has_sessions || dir.join(FILE).exists() {
        return Err(WorldError::OtherStore { dir: dir.to_owned() });
    }
    std::fs::write(&mark, "").map_err(|source| WorldError::Unwritable { path: mark, source })
}

/// What the screen says about where its numbers come from.
pub fn banner(wish: &WorldWish, has_credentials: bool) -> String {
    if wish.market.is_empty() {
        let why = if has_credentials { "as asked for" } else { "no credentials are configured" };
        format!("demo: simulated broker, made-up market; `cotrader init` connects yours ({why})")
    } else {
        "recorded market shown as an open session; nothing here is today's".to_owned()
    }
}

/// A broker without a cockpit: the same seed on the same day is the same world. One that ran before goes on
/// where its clock would stand now: clients have seen that time and do not go back.
pub fn standing_alone(wish: &WorldWish, earlier: Option<RunBefore>) -> Result<SimConfig, WorldError> {
    if !wish.market.is_empty() {
        return recorded(wish);
    }
    let now = Utc::now();
    let seen = earlier.map(|earlier| earlier.clock_at(now, wish.speed));
    let start = wish.as_of.unwrap_or_else(|| demo_start(now, seen, &Calendar::default()));
    let clock = SimClock::starting_at(start, wish.speed);
    let source = WorldSource::Seeded { anchor: new_york_date(start) };
    Ok(SimConfig::new(wish.seed.unwrap_or(DEFAULT_SEED), clock, source))
}

/// What a simulated broker's clock showed at an instant of its earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBefore {
    pub wall: Timestamp,
    pub clock: Timestamp,
}

impl RunBefore {
    fn clock_at(self, now: Timestamp, speed: f64) -> Timestamp {
        let passed = (now - self.wall).num_milliseconds().max(0) as f64 * speed.clamp(1.0, 100_000.0);
        // A year at most: more is a clock that was set wrong.
        self.clock + TimeDelta::milliseconds(passed.min(3.2e10) as i64)
    }
}

/// A day of real chains shown as an open session, with the book and the history that the files give.
fn recorded(wish: &WorldWish) -> Result<SimConfig, WorldError> {
    let chains = wish
        .market
        .iter()
        .map(|path| {
            let file = chain_file::read(lines(path)?, wish.day);
            file.map_err(|error| WorldError::Input { path: path.clone(), why: error.to_string() })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut history = BarsBySymbol::default();
    for path in &wish.history {
        let read = history_file::read(lines(path)?, Closes::Traded);
        let read = read.map_err(|error| WorldError::Input { path: path.clone(), why: error.to_string() })?;
        history.extend(read);
    }
    let book = match &wish.book {
        None => Vec::new(),
        Some(path) => {
            let text = std::io::read_to_string(lines(path)?)
                .map_err(|source| WorldError::Unreadable { path: path.clone(), source })?;
            read_book(&text)
                .map_err(|error| WorldError::Input { path: path.clone(), why: error.to_string() })?
        }
    };
    let start = wish.as_of.or_else(|| recorded_start(&chains)).unwrap_or_else(Utc::now);
    let clock = SimClock::starting_at(start, wish.speed);
    let source = WorldSource::Recorded { chains, history, book };
    Ok(SimConfig::new(wish.seed.unwrap_or(DEFAULT_SEED), clock, source))
}

/// No recorded file of this kind is larger; more would be something else.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// The text of a file, unpacked where its name ends in `.gz`.
fn lines(path: &Path) -> Result<Box<dyn BufRead>, WorldError> {
    let unreadable = |source| WorldError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if path.extension().is_some_and(|extension| extension == "gz") {
        Ok(Box::new(BufReader::new(GzDecoder::new(file).take(MOST_BYTES))))
    } else {
        Ok(Box::new(BufReader::new(file.take(MOST_BYTES))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> WorldWish {
        WorldWish { speed: 1.0, ..WorldWish::default() }
    }

    #[test]
    fn a_journal_written_before_the_first_start_does_not_make_a_store_a_real_one() {
        let dir = tempfile::tempdir().unwrap();
        let noted = Record { last_event: Some(Utc::now()), has_sessions: false };
        assert!(seeded(dir.path(), &wish(), noted).is_ok());
        assert!(is_simulated(dir.path()));
    }

    #[test]
    fn a_store_that_served_a_cockpit_without_a_world_is_not_the_demos() {
        let dir = tempfile::tempdir().unwrap();
        let served = Record { last_event: Some(Utc::now()), has_sessions: true };
        assert!(matches!(seeded(dir.path(), &wish(), served), Err(WorldError::OtherStore { .. })));
        assert!(!is_simulated(dir.path()));
    }

    #[test]
    fn recorded_markets_and_the_demo_keep_apart() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record { last_event: Some(Utc::now()), has_sessions: true };
        assert!(matches!(claim(dir.path(), record), Err(WorldError::OtherStore { .. })));
        claim(dir.path(), Record::default()).unwrap();
        assert!(is_simulated(dir.path()));
        claim(dir.path(), record).unwrap();
        assert!(matches!(seeded(dir.path(), &wish(), Record::default()), Err(WorldError::OtherStore { .. })));
        let demo = tempfile::tempdir().unwrap();
        seeded(demo.path(), &wish(), Record::default()).unwrap();
        assert!(matches!(claim(demo.path(), Record::default()), Err(WorldError::OtherStore { .. })));
    }
}
