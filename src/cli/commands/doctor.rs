//! `doctor`: everything a cockpit needs, looked at one by one, each with its remedy. Changes nothing, and goes
//! on where something is broken.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::cli::args::{Cli, JsonArg};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::config::{Config, Env, Environment, Folders};
use crate::runtime::kill_flag::KillFlag;
use crate::runtime::wire_up::default_stores;
use crate::snapshot::Mode;
use crate::store::{self, StoreError, VerifyOptions};

mod broker;
mod terminal;

/// No single look takes longer.
const DEADLINE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    text: String,
    remedy: Option<String>,
    /// A failure that only the broker or the way to it can end.
    #[serde(skip)]
    unreachable: bool,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, state: State::Ok, text: text.into(), remedy: None, unreachable: false }
    }

    fn warn(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Warn, remedy: Some(remedy.into()), ..Self::ok(name, text) }
    }

    fn fail(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(name, text, remedy) }
    }
}

pub async fn run(cli: &Cli, env: Env, args: JsonArg) -> Result<Exit, Trouble> {
    let folders = Folders::of(&env);
    let config = Config::load(cli.config.as_deref(), &env);
    let mut checks = configuration(config.as_ref());
    let setting = Setting::of(cli, env.clone());
    if let (Ok(_), Err(trouble)) = (&config, &setting) {
        let remedy = trouble.remedy.clone().unwrap_or_default();
        checks.push(Check::fail("arguments", trouble.text.clone(), remedy));
    }
    let dir = match (&setting, &cli.store) {
        (Ok(setting), _) => Some(setting.store.clone()),
        (Err(_), Some(dir)) => Some(dir.clone()),
        // Which one would be used is not known: the real one where there is one.
        (Err(_), None) => folders.data.as_deref().map(likely_store),
    };
    match &dir {
        Some(dir) => checks.extend(the_store(dir)),
        None => checks.push(Check::fail("store", "no folder to keep it in", "set HOME, or use --store")),
    }
    checks.push(Check::ok("sqlite", format!("{}, compiled in", store::sqlite_version())));
    let log = match &setting {
        Ok(setting) => Some(setting.log_folder()),
        Err(_) => folders.state.clone(),
    };
    checks.push(log_folder(log.as_deref()));
    checks.extend(terminal::checks(&env));
    checks.push(broker::tls_roots(&env, setting.as_ref().ok()));
    match &setting {
        Ok(setting) => {
            checks.push(mode(setting));
            checks.extend(broker::checks(setting).await);
        }
        Err(_) => checks.push(Check::warn(
            "broker",
            "not tried: which one is meant is not known",
            "put the configuration right first",
        )),
    }
    report(&checks, args)
}

fn report(checks: &[Check], args: JsonArg) -> Result<Exit, Trouble> {
    let failed: Vec<&Check> = checks.iter().filter(|check| check.state == State::Fail).collect();
    let exit = match failed.as_slice() {
        [] => Exit::Ok,
        all if all.iter().all(|check| check.unreachable) => Exit::BrokerUnreachable,
        _ => Exit::Failed,
    };
    if args.json {
        let document = serde_json::json!({
            "ok": failed.is_empty(),
            "version": env!("CARGO_PKG_VERSION"),
            "checks": checks,
        });
        super::print_json(&document)?;
        return Ok(exit);
    }
    let mut text = String::new();
    for check in checks {
        let mark = match check.state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        text.push_str(&format!("{mark}  {:<13} {}\n", check.name, check.text));
        if let Some(remedy) = check.remedy.as_ref().filter(|remedy| !remedy.is_empty()) {
            text.push_str(&format!("      {:<13} → {remedy}\n", ""));
        }
    }
    let warned = checks.iter().filter(|check| check.state == State::Warn).count();
    text.push_str(&match (failed.len(), warned) {
        (0, 0) => "all well\n".to_owned(),
        (failed, warned) => format!("{failed} failed, {warned} to look at\n"),
    });
    super::print(&text)?;
    Ok(exit)
}

fn configuration(config: Result<&Config, &crate::config::ConfigError>) -> Vec<Check> {
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let remedy = error.fault.remedy();
            // The message ends with the remedy, which has a line of its own here.
            let text = error.to_string();
            let text = text.strip_suffix(&format!("; {remedy}")).unwrap_or(&text).to_owned();
            return vec![Check::fail("config", text, remedy)];
        }
    };
    let mut checks: Vec<Check> = config
        .sources
        .iter()
        .map(|source| {
            let variables = source.variables.join(", ");
            let place = match (&source.file, source.part, variables.is_empty()) {
                (Some(file), _, true) => file.display().to_string(),
                (Some(file), _, false) => format!("{} and {variables}", file.display()),
                (None, _, false) => format!("from {variables}"),
                (None, "credentials", true) => "none: cotrader starts the demo".to_owned(),
                (None, _, true) => "built-in defaults".to_owned(),
            };
            let name = if source.part == "credentials" { "credentials" } else { "config" };
            let what = if name == "config" { format!("{}: {place}", source.part) } else { place };
            Check::ok(name, what)
        })
        .collect();
    for note in &config.notes {
        checks.push(Check::warn("config", note.clone(), ""));
    }
    checks
}

/// Where orders go, and which yes to real money is missing.
fn mode(setting: &Setting) -> Check {
    const NAME: &str = "mode";
    let orders = &setting.config.orders;
    let mode = setting.mode();
    let badge = mode.badge();
    match mode {
        Mode::Demo => Check::ok(NAME, format!("{badge}: orders go to the demo's own exchange")),
        Mode::Sim => Check::ok(NAME, format!("{badge}: orders go to the simulator on this machine")),
        Mode::Sandbox => Check::ok(NAME, format!("{badge}: orders go to the broker's rehearsal host")),
        Mode::Paper => {
            let text = format!("{badge}: accounts are only read, orders are filled on paper");
            let real = setting.config.broker.environment == Environment::Production && !setting.own_broker;
            let missing: Vec<&str> = orders.missing.iter().map(|yes| yes.words()).collect();
            if real && !missing.is_empty() {
                let missing = missing.join(" and ");
                Check::ok(NAME, format!("{text}; for real money these are missing: {missing}"))
            } else {
                Check::ok(NAME, text)
            }
        }
        Mode::Live => match orders.accounts.as_deref() {
            None | Some([]) => Check::warn(
                NAME,
                format!("{badge}: real money, but no account may trade"),
                "list one under `orders: accounts:` in cotrader.yaml",
            ),
            Some(accounts) => Check::warn(
                NAME,
                format!("{badge}: orders cost real money, in {}; each one is typed", accounts.join(", ")),
                "take COTRADER_LIVE out of the environment to trade on paper",
            ),
        },
    }
}

fn likely_store(data: &Path) -> PathBuf {
    let [own, other, demo] = default_stores(data);
    [own, other].into_iter().find(|dir| dir.exists()).unwrap_or(demo)
}

fn the_store(dir: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    match store::verify(dir, VerifyOptions::default()) {
        Ok(report) => match report.damages.first() {
            None => checks.push(Check::ok(
                "store",
                format!("{}: {} events in {} streams, sound", dir.display(), report.events, report.streams),
            )),
            Some(damage) => checks.push(Check::fail(
                "store",
                format!("{}: damaged: {damage}", dir.display()),
                "keep the folder as it is, restore a backup into an empty one",
            )),
        },
        Err(StoreError::Missing { .. }) => {
            checks
                .push(Check::ok("store", format!("none yet; made in {} at the first start", dir.display())));
        }
        Err(error) => {
            let remedy = "see the message; `cotrader verify` tells more";
            checks.push(Check::fail("store", error.to_string(), remedy));
        }
    }
    checks.push(match store::holder(dir) {
        Some(holder) => Check::ok("writer", format!("process {} since {}", holder.pid, holder.since)),
        None => Check::ok("writer", "nobody writes at present"),
    });
    checks.push(match KillFlag::of(dir).seen() {
        None => Check::ok("kill switch", "off"),
        Some(flag) => Check::warn(
            "kill switch",
            format!("{}: {}; nothing new is sent", flag.mode.word(), flag.why),
            "`cotrader kill --reset --reason …` lifts it",
        ),
    });
    checks
}

fn log_folder(folder: Option<&Path>) -> Check {
    const NAME: &str = "log";
    let Some(folder) = folder else {
        return Check::warn(NAME, "no folder for diagnostics", "set HOME or XDG_STATE_HOME");
    };
    if !folder.exists() {
        return Check::ok(NAME, format!("{}, made at the first start", folder.display()));
    }
    match rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
        Ok(()) if folder.is_dir() => Check::ok(NAME, folder.display().to_string()),
        Ok(()) => Check::fail(NAME, format!("{} is no folder", folder.display()), "move it away"),
        Err(error) => {
            let text = format!("{} cannot be written: {error}", folder.display());
            Check::fail(NAME, text, "make the folder yours: without it diagnostics are lost")
        }
    }
}
