//! Arguments, subcommands, output, exit codes.
//!
//! Never: holds a rule. What a command prints comes from the store or from a snapshot.

pub mod args;
mod commands;
mod exit;
mod setting;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use commands::fuzzing;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::{Exit, Trouble};
use setting::Setting;

use crate::config::{ConfigError, Env};
use crate::runtime::shell::ShellError;
use crate::runtime::wire_up::StartError;
use crate::store::StoreError;

/// The whole program: reads the arguments, runs the command, says what went wrong.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    private_files();
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(trouble) if trouble.text.is_empty() => trouble.exit.into(),
        Err(trouble) => {
            commands::complain(&format!("cotrader: {}", trouble.text));
            if let Some(remedy) = &trouble.remedy {
                commands::complain(&format!("  → {remedy}"));
            }
            trouble.exit.into()
        }
    }
}

/// Whatever this process creates is its owner's alone.
fn private_files() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

fn dispatch(cli: Cli) -> Result<Exit, Trouble> {
    match &cli.command {
        Some(Command::Completions { shell }) => return commands::completions(*shell, &mut Cli::command()),
        Some(Command::Man) => return commands::man(Cli::command()),
        Some(Command::Price(args)) => return commands::price::run(args),
        Some(Command::Iv(args)) => return commands::iv::run(args),
        Some(Command::Snapshot(args)) if args.schema => return commands::snapshot::schema(),
        Some(Command::Init(args)) => {
            return wait(commands::init::run(cli.config.as_deref(), &Env::capture(), args));
        }
        Some(Command::Kill(args)) if !args.reset => return commands::kill::raise(&cli, args),
        Some(Command::Doctor(args)) => return wait(commands::doctor::run(&cli, Env::capture(), *args)),
        _ => {}
    }
    let setting = Setting::of(&cli, Env::capture())?;
    match cli.command {
        None | Some(Command::Demo) => wait(commands::cockpit::run(setting)),
        Some(Command::Sim(args)) => wait(commands::sim::run(setting, args)),
        Some(Command::Health(args)) => wait(commands::health::run(setting, args)),
        Some(Command::Snapshot(args)) => wait(commands::snapshot::run(setting, args)),
        Some(Command::Book(args)) => wait(commands::book::run(setting, args)),
        Some(Command::Account(args)) => wait(commands::account::run(setting, args)),
        Some(Command::Lookup(args)) => wait(commands::lookup::run(setting, args)),
        Some(Command::Orders(args)) => wait(commands::orders::list(setting, args)),
        Some(Command::Promote(args)) => wait(commands::orders::promote(setting, args)),
        Some(Command::Close(args)) => wait(commands::orders::close(setting, args)),
        Some(Command::Kill(args)) => wait(commands::kill::reset(setting, args)),
        Some(Command::Log(args)) => wait(async move { commands::log::run(&setting, args).await }),
        Some(Command::Events(args)) => commands::store::events(&setting, args),
        Some(Command::Verify(args)) => commands::store::verify(&setting, args),
        Some(Command::Rebuild) => commands::store::rebuild(&setting),
        Some(Command::Backup { file }) => commands::store::backup(&setting, &file),
        Some(
            Command::Completions { .. }
            | Command::Man
            | Command::Init(_)
            | Command::Doctor(_)
            | Command::Price(_)
            | Command::Iv(_),
        ) => Ok(Exit::Ok),
    }
}

/// Runs a command that waits for sockets on a runtime of its own.
fn wait(command: impl Future<Output = Result<Exit, Trouble>>) -> Result<Exit, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| Trouble::failed(format!("no runtime: {error}")))?;
    let done = runtime.block_on(command);
    // A blocked name lookup must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    done
}

impl From<ConfigError> for Trouble {
    fn from(error: ConfigError) -> Self {
        // Its sentence ends with the remedy already.
        Self::failed(error.to_string())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let exit = if error.is_damage() { Exit::StoreDamaged } else { Exit::Failed };
        Self::new(exit, error.to_string())
    }
}

impl From<ShellError> for Trouble {
    fn from(error: ShellError) -> Self {
        match error {
            ShellError::Store(store) => store.into(),
            ShellError::ReadOnly(ref why) => Self::failed(error.to_string()).with_remedy(why.remedy()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<StartError> for Trouble {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::Store(store) => store.into(),
            StartError::World(world) => Self::failed(text).with_remedy(world.remedy()),
            StartError::Broker(broker) => Self::failed(text).with_remedy(broker.remedy()),
            StartError::Rates(_) => Self::failed(text).with_remedy("correct market.rates in cotrader.yaml"),
        }
    }
}
