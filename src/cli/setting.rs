//! What every command needs to know first: configuration, folders, whose broker.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::args::{Cli, WorldArgs};
use super::exit::{Exit, Trouble};
use crate::config::{Config, Env, Environment, Folders};
use crate::domain::Timestamp;
use crate::domain::time::new_york;
use crate::engine::EngineConfig;
use crate::runtime::settings;
use crate::runtime::wire_up::{Plan, default_store};
use crate::runtime::world::WorldWish;
use crate::snapshot::Mode;

pub struct Setting {
    pub config: Config,
    pub env: Env,
    pub folders: Folders,
    pub store: PathBuf,
    /// The process brings its own simulated broker.
    pub own_broker: bool,
    pub wish: WorldWish,
}

impl Setting {
    pub fn of(cli: &Cli, env: Env) -> Result<Self, Trouble> {
        let folders = Folders::of(&env);
        let mut config = Config::load(cli.config.as_deref(), &env)?;
        config.orders.paper_only |= cli.paper;
        let wish = wish(&cli.world)?;
        let asked_for =
            matches!(cli.command, Some(super::args::Command::Demo | super::args::Command::Sim(_)));
        let own_broker =
            asked_for || cli.world.is_recorded() || config.broker.environment == Environment::Demo;
        if cli.world.fault.is_some() && !own_broker {
            return Err(Trouble::new(Exit::Usage, "--fault belongs to the simulated broker")
                .with_remedy("use it with `cotrader sim`, `cotrader demo` or a recorded market"));
        }
        let store = match &cli.store {
            Some(dir) => dir.clone(),
            None => {
                let data = folders.data.as_deref().ok_or_else(no_home)?;
                if cli.world.is_recorded() {
                    recorded_store(data, &wish)
                } else {
                    default_store(data, (!own_broker).then_some(config.broker.name))
                }
            }
        };
        Ok(Self { config, env, folders, store, own_broker, wish })
    }

    /// A cockpit on this store; `listen` where shell commands are to reach it.
    pub fn plan(&self, listen: bool) -> Plan<'_> {
        Plan {
            store: self.store.clone(),
            config: &self.config,
            own_broker: self.own_broker,
            wish: self.wish.clone(),
            listen,
        }
    }

    pub fn mode(&self) -> Mode {
        settings::mode(&self.config, self.own_broker)
    }

    /// The engine's settings, for commands without a broker.
    pub fn engine_config(&self) -> Result<EngineConfig, Trouble> {
        settings::engine(&self.config, self.mode())
            .map_err(|error| Trouble::failed(format!("the configured rates make no curve: {error}")))
    }

    /// Where diagnostics go: beside a store that was named, in the state folder otherwise.
    pub fn log_folder(&self) -> PathBuf {
        self.folders.state.clone().unwrap_or_else(|| self.store.join("log"))
    }
}

/// Each recorded market has a record of its own.
fn recorded_store(data: &Path, wish: &WorldWish) -> PathBuf {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    let day = wish.day.map(|day| PathBuf::from(day.to_string()));
    for path in wish.market.iter().chain(&wish.history).chain(&wish.book).chain(&day) {
        let full = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        digest.update(full.as_os_str().as_encoded_bytes());
        digest.update([0]);
    }
    let name: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    data.join("recorded").join(name)
}

fn wish(args: &WorldArgs) -> Result<WorldWish, Trouble> {
    if args.market.is_empty() && (args.book.is_some() || !args.history.is_empty() || args.day.is_some()) {
        return Err(Trouble::new(Exit::Usage, "--history, --book and --day belong to a recorded market")
            .with_remedy("name a chain file with --market"));
    }
    if !(args.speed.is_finite() && args.speed > 0.0 && args.speed <= 100_000.0) {
        return Err(Trouble::new(Exit::Usage, format!("--speed {} is not a pace", args.speed))
            .with_remedy("take a number above 0, at most 100000"));
    }
    Ok(WorldWish {
        market: args.market.clone(),
        history: args.history.clone(),
        book: args.book.clone(),
        day: args.day,
        seed: args.seed,
        as_of: args.as_of.as_deref().map(instant).transpose()?,
        speed: args.speed,
        faults: args.fault.clone().unwrap_or_default(),
    })
}

/// RFC 3339, or New York time without an offset, or a date.
pub fn instant(text: &str) -> Result<Timestamp, Trouble> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, form) {
            return Ok(new_york(local.date(), local.time()));
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(new_york(date, NaiveTime::MIN));
    }
    let shown = crate::domain::text::clean(text, 40);
    Err(Trouble::new(Exit::Usage, format!("{shown:?} is not an instant"))
        .with_remedy("write 2026-11-20T10:48:00-05:00, or 2026-11-20T10:48 for New York time"))
}

fn no_home() -> Trouble {
    Trouble::failed("there is no home folder to keep the store in")
        .with_remedy("set HOME, or name a folder with --store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_without_an_offset_is_new_york_time() {
        let summer = instant("2026-07-16T15:00").unwrap();
        assert_eq!(summer, instant("2026-07-16T15:00:00-04:00").unwrap());
        let winter = instant("2026-11-20 10:48").unwrap();
        assert_eq!(winter, instant("2026-11-20T15:48:00Z").unwrap());
        assert!(instant("yesterday").is_err());
    }
}
