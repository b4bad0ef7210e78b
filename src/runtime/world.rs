//! The simulated broker that the process starts itself: the demo's seeded world, kept beside its store so
//! that a restart agrees with the events, or a recorded market.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::config::BrokerName;
use crate::containers::Containers;
use crate::domain::control::Venue;
use crate::domain::time::new_york_date;
use crate::domain::{Timestamp, TradingDate};
use crate::market::calendar::Calendar;
use crate::market::chain_file::{self, ChainFile};
use crate::market::history_file::{self, BarsBySymbol, Closes};
use crate::sim::world::{read_book, recorded_start};
use crate::sim::{
    FaultSpec, KeptAccounts, SimClock, SimConfig, SimError, WorldSource, demo_start, kept_until,
};

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
    pub faults: FaultSpec,
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
    #[error("the store in {} holds the record of another recorded market: {kept}, not {wished}", dir.display())]
    OtherDay { dir: PathBuf, kept: String, wished: String },
    #[error("the store in {} holds the record of a simulated market", dir.display())]
    SimulatedStore { dir: PathBuf },
    #[error("the store in {} holds the record of accounts at {kept}, and the broker is {wished}", dir.display())]
    OtherBroker { dir: PathBuf, kept: String, wished: &'static str },
    #[error(
        "the store in {} is the record of {kept}; this run is of {wished}, and one record is never of both",
        dir.display()
    )]
    OtherAccounts { dir: PathBuf, kept: &'static str, wished: &'static str },
    #[error("{}: {why}", path.display())]
    Input { path: PathBuf, why: String },
    #[error(transparent)]
    Sim(#[from] SimError),
}

impl WorldError {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::OtherSeed { .. } => "leave --seed out, or name another folder with --store",
            Self::OtherStore { .. }
            | Self::OtherDay { .. }
            | Self::SimulatedStore { .. }
            | Self::OtherAccounts { .. } => "name another folder with --store",
            Self::OtherBroker { .. } => "name another folder with --store, or the broker in cotrader.yaml",
            Self::Malformed { .. } => "delete the demo's folder to begin a new world",
            Self::Unreadable { .. } | Self::Unwritable { .. } => "check that the path exists and is yours",
            Self::Input { .. } => "compare with the columns in docs/guide/recorded-markets.md",
            Self::Sim(_) => "see the message",
        }
    }
}

/// What makes the same world again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    seed: u64,
    anchor: TradingDate,
}

/// The file of a demo's world: what makes it, and the accounts as the simulated broker last kept them.
#[derive(Debug, Deserialize)]
struct WorldFile {
    #[serde(flatten)]
    world: Kept,
    #[serde(default)]
    accounts: serde_json::Value,
}

const FILE: &str = "world.json";
/// Marks the store of a recorded market and says which: underlyings and days. What it shows comes from the files
/// that are named each time. An empty one is of a version that did not say.
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

/// The record of one broker's accounts is no other's: what the other holds would look closed.
pub fn one_broker(dir: &Path, books: &Containers, name: BrokerName) -> Result<(), WorldError> {
    let others = books.accounts.values().map(|held| &held.account.broker).filter(|it| *it != name.word());
    match others.max() {
        None => Ok(()),
        Some(kept) => {
            let kept = crate::domain::text::clean(kept, 20);
            Err(WorldError::OtherBroker { dir: dir.to_owned(), kept, wished: name.word() })
        }
    }
}

/// A record is of one kind of accounts: simulated ones, the certification host's, or real ones.
pub fn same_broker(dir: &Path, kept: Option<Venue>, wished: Venue) -> Result<(), WorldError> {
    let words = |of: Venue| match of {
        Venue::Simulator => "a simulator's accounts",
        Venue::Sandbox => "accounts in the broker's sandbox",
        Venue::Live | Venue::Paper => "real accounts",
    };
    match kept.filter(|kept| *kept != wished) {
        Some(kept) => {
            let (kept, wished) = (words(kept), words(wished));
            Err(WorldError::OtherAccounts { dir: dir.to_owned(), kept, wished })
        }
        None => Ok(()),
    }
}

/// What the store's record says about a world beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    pub last_event: Option<Timestamp>,
    /// A cockpit has run on it; a journal alone belongs to no broker yet.
    pub has_sessions: bool,
    /// Another process writes it, and has the world with it.
    pub is_foreign: bool,
}

/// The seeded world of a store: read where it is kept, made and kept where it is new.
pub fn seeded(dir: &Path, wish: &WorldWish, record: Record) -> Result<SimConfig, WorldError> {
    let path = dir.join(FILE);
    let file = world_file(&path)?;
    let kept = file.as_ref().map(|file| file.world);
    if kept.is_none() && (record.has_sessions || dir.join(RECORDED).exists()) {
        return Err(WorldError::OtherStore { dir: dir.to_owned() });
    }
    // Neither what was recorded nor what was traded lies in the future of a restart.
    let traded = file.as_ref().and_then(|file| kept_until(&file.accounts));
    let floor = record.last_event.max(traded);
    let start = wish.as_of.unwrap_or_else(|| demo_start(Utc::now(), floor, &Calendar::default()));
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
    let mut config = SimConfig::new(kept.seed, clock, WorldSource::Seeded { anchor: kept.anchor });
    config.kept_accounts = Some(accounts_in(path, kept.seed, kept.anchor, record.is_foreign));
    config.faults.clone_from(&wish.faults);
    Ok(config)
}

/// Accounts that belong to a seeded world.
fn accounts_in(file: PathBuf, seed: u64, anchor: TradingDate, is_foreign: bool) -> KeptAccounts {
    let world = [("seed".to_owned(), seed.into()), ("anchor".to_owned(), anchor.to_string().into())];
    KeptAccounts { file, world: world.into_iter().collect(), is_foreign }
}

fn kept_world(path: &Path) -> Result<Option<Kept>, WorldError> {
    Ok(world_file(path)?.map(|file| file.world))
}

fn world_file(path: &Path) -> Result<Option<WorldFile>, WorldError> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| WorldError::Malformed { path: path.to_owned(), why: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(WorldError::Unreadable { path: path.to_owned(), source }),
    }
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
    let chains = chains(wish)?;
    let name = name_of(&chains);
    let config = recorded(wish, chains)?;
    claim(dir, record, &name)?;
    Ok(config)
}

/// A recorded market writes into a store of its own, or into one where no cockpit has run.
fn claim(dir: &Path, record: Record, name: &str) -> Result<(), WorldError> {
    let mark = dir.join(RECORDED);
    match kept_name(&mark)? {
        Some(kept) if !kept.is_empty() => return same_market(dir, kept, name),
        Some(_) => {}
        None if record.has_sessions || dir.join(FILE).exists() => {
            return Err(WorldError::OtherStore { dir: dir.to_owned() });
        }
        None => {}
    }
    std::fs::write(&mark, name).map_err(|source| WorldError::Unwritable { path: mark, source })
}

/// Underlyings and days, in one order however the files were named.
fn name_of(chains: &[ChainFile]) -> String {
    let mut names: Vec<String> = chains.iter().map(|c| format!("{} {}", c.underlying, c.date)).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// What the mark says; `None` where there is none.
fn kept_name(mark: &Path) -> Result<Option<String>, WorldError> {
    match std::fs::read_to_string(mark) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(WorldError::Unreadable { path: mark.to_owned(), source }),
    }
}

fn same_market(dir: &Path, kept: String, wished: &str) -> Result<(), WorldError> {
    if kept == wished {
        return Ok(());
    }
    Err(WorldError::OtherDay { dir: dir.to_owned(), kept, wished: wished.to_owned() })
}

/// Whether the store's record is of the market that the arguments name, for commands that would otherwise be
/// done in another one. `runs`: a cockpit has the store, so that a record without a mark is a real broker's.
pub fn agree(dir: &Path, wish: &WorldWish, runs: bool) -> Result<(), WorldError> {
    let other = || Err(WorldError::OtherStore { dir: dir.to_owned() });
    let recorded = dir.join(RECORDED);
    if !wish.market.is_empty() {
        return match kept_name(&recorded)? {
            Some(kept) if !kept.is_empty() => same_market(dir, kept, &name_of(&chains(wish)?)),
            Some(_) => Ok(()),
            None if runs || dir.join(FILE).exists() => other(),
            None => Ok(()),
        };
    }
    let Some(wished) = wish.seed else { return Ok(()) };
    match kept_world(&dir.join(FILE))? {
        Some(kept) if kept.seed == wished => Ok(()),
        Some(kept) => Err(WorldError::OtherSeed { dir: dir.to_owned(), kept: kept.seed, wished }),
        None if runs || recorded.exists() => other(),
        None => Ok(()),
    }
}

/// What the screen says about where its numbers come from.
pub fn banner(wish: &WorldWish, days: usize, has_credentials: bool) -> String {
    if wish.market.is_empty() {
        let why = if has_credentials { "as asked for" } else { "no credentials are configured" };
        format!("demo: simulated broker, made-up market; `cotrader init` connects yours ({why})")
    } else if days > 1 {
        "recorded days, played one after the other; nothing here is today's".to_owned()
    } else {
        "recorded market shown as an open session; nothing here is today's".to_owned()
    }
}

/// A broker without a cockpit: the same seed on the same day is the same world. One that ran before goes on
/// where its clock would stand now: clients have seen that time and do not go back. `accounts` is the file that
/// keeps what was traded in a made-up market on its day.
pub fn standing_alone(
    wish: &WorldWish,
    earlier: Option<RunBefore>,
    accounts: Option<PathBuf>,
) -> Result<SimConfig, WorldError> {
    if !wish.market.is_empty() {
        return recorded(wish, chains(wish)?);
    }
    let now = Utc::now();
    let seen = earlier.map(|earlier| earlier.clock_at(now, wish.speed));
    let start = wish.as_of.unwrap_or_else(|| demo_start(now, seen, &Calendar::default()));
    let clock = SimClock::starting_at(start, wish.speed);
    let (seed, anchor) = (wish.seed.unwrap_or(DEFAULT_SEED), new_york_date(start));
    let mut config = SimConfig::new(seed, clock, WorldSource::Seeded { anchor });
    config.kept_accounts = accounts.map(|file| accounts_in(file, seed, anchor, false));
    config.faults.clone_from(&wish.faults);
    Ok(config)
}

/// The market of a demo's store for a look from outside, accounts included; without one a made-up market, as
/// [`standing_alone`] has it. Nothing is written.
pub fn looked_at(dir: &Path, wish: &WorldWish) -> Result<SimConfig, WorldError> {
    if wish.market.is_empty() && dir.join(FILE).exists() {
        return seeded(dir, wish, Record { is_foreign: true, ..Record::default() });
    }
    standing_alone(wish, None, None)
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

fn chains(wish: &WorldWish) -> Result<Vec<ChainFile>, WorldError> {
    let read = |path: &PathBuf| {
        let file = chain_file::read(lines(path)?, wish.day);
        file.map_err(|error| WorldError::Input { path: path.clone(), why: error.to_string() })
    };
    wish.market.iter().map(read).collect()
}

/// A day of real chains shown as an open session, with the book and the history that the files give.
fn recorded(wish: &WorldWish, chains: Vec<ChainFile>) -> Result<SimConfig, WorldError> {
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
    let mut config = SimConfig::new(wish.seed.unwrap_or(DEFAULT_SEED), clock, source);
    config.faults.clone_from(&wish.faults);
    Ok(config)
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
        let noted = Record { last_event: Some(Utc::now()), ..Record::default() };
        assert!(seeded(dir.path(), &wish(), noted).is_ok());
        assert!(is_simulated(dir.path()));
    }

    #[test]
    fn a_store_that_served_a_cockpit_without_a_world_is_not_the_demos() {
        let dir = tempfile::tempdir().unwrap();
        let served = Record { last_event: Some(Utc::now()), has_sessions: true, is_foreign: false };
        assert!(matches!(seeded(dir.path(), &wish(), served), Err(WorldError::OtherStore { .. })));
        assert!(!is_simulated(dir.path()));
    }

    #[test]
    fn a_restart_goes_on_behind_what_was_traded() {
        let dir = tempfile::tempdir().unwrap();
        let traded = "2026-11-20T19:00:00Z";
        let text = format!(
            r#"{{"seed":7,"anchor":"2026-11-20","accounts":{{"version":1,"venue":{{"at":"{traded}"}}}}}}"#
        );
        std::fs::write(dir.path().join(FILE), text).unwrap();
        let config = seeded(dir.path(), &wish(), Record::default()).unwrap();
        assert!(config.clock.now() >= traded.parse::<Timestamp>().unwrap());
        let kept = config.kept_accounts.unwrap();
        assert_eq!((&kept.world["anchor"], kept.is_foreign), (&"2026-11-20".into(), false));
        let read_only = Record { is_foreign: true, ..Record::default() };
        let other = seeded(dir.path(), &wish(), read_only).unwrap();
        assert!(other.kept_accounts.unwrap().is_foreign, "the world is its writer's");
    }

    #[test]
    fn recorded_markets_and_the_demo_keep_apart() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record { last_event: Some(Utc::now()), has_sessions: true, is_foreign: false };
        assert!(matches!(claim(dir.path(), record, "SPY 2025-05-06"), Err(WorldError::OtherStore { .. })));
        claim(dir.path(), Record::default(), "SPY 2025-05-06").unwrap();
        assert!(is_simulated(dir.path()));
        claim(dir.path(), record, "SPY 2025-05-06").unwrap();
        assert!(matches!(seeded(dir.path(), &wish(), Record::default()), Err(WorldError::OtherStore { .. })));
        let demo = tempfile::tempdir().unwrap();
        seeded(demo.path(), &wish(), Record::default()).unwrap();
        assert!(matches!(claim(demo.path(), Record::default(), "SPY"), Err(WorldError::OtherStore { .. })));
    }

    #[test]
    fn the_record_of_one_recorded_day_takes_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join(RECORDED);
        claim(dir.path(), Record::default(), "SPY 2025-05-06").unwrap();
        let other = claim(dir.path(), Record::default(), "SPY 2023-09-14").unwrap_err();
        assert!(other.to_string().contains("SPY 2025-05-06, not SPY 2023-09-14"), "{other}");
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), "SPY 2025-05-06");
        // A mark that does not say which is named by the next start.
        std::fs::write(&mark, "").unwrap();
        claim(dir.path(), Record { has_sessions: true, ..Record::default() }, "SPY 2023-09-14").unwrap();
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), "SPY 2023-09-14");
    }

    #[test]
    fn a_seed_agrees_with_its_own_store_only() {
        let dir = tempfile::tempdir().unwrap();
        let of = |seed| WorldWish { seed, ..wish() };
        assert!(agree(dir.path(), &of(Some(3)), false).is_ok(), "nothing is there yet");
        assert!(matches!(agree(dir.path(), &of(Some(3)), true), Err(WorldError::OtherStore { .. })));
        seeded(dir.path(), &of(Some(3)), Record::default()).unwrap();
        assert!(agree(dir.path(), &of(Some(3)), true).is_ok());
        assert!(agree(dir.path(), &of(None), true).is_ok());
        assert!(matches!(agree(dir.path(), &of(Some(4)), true), Err(WorldError::OtherSeed { .. })));
        let market = WorldWish { market: vec!["spy.csv".into()], ..wish() };
        assert!(matches!(agree(dir.path(), &market, true), Err(WorldError::OtherStore { .. })));
    }
}
