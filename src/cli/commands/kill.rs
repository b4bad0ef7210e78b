//! `kill`: the flag file first, because it needs nothing and nobody; then the record.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::{Cli, KillArgs};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::config::{Env, Folders};
use crate::domain::Command;
use crate::domain::control::KillMode;
use crate::runtime::control::Told;
use crate::runtime::kill_flag::KillFlag;
use crate::runtime::shell::Shell;
use crate::runtime::wire_up::default_stores;

/// The flag is up already: who does not answer by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A configuration that cannot be read does not keep the flag from being put down: then it is put down beside
/// every store it could be.
pub fn raise(cli: &Cli, args: &KillArgs) -> Result<Exit, Trouble> {
    let env = Env::capture();
    let folders = Folders::of(&env);
    let setting = Setting::of(cli, env);
    let stores: Vec<PathBuf> = match (&setting, &cli.store, &folders.data) {
        (Ok(setting), ..) => vec![setting.store.clone()],
        (Err(_), Some(store), _) => vec![store.clone()],
        (Err(_), None, Some(data)) => default_stores(data).to_vec(),
        (Err(_), None, None) => Vec::new(),
    };
    let mode = if args.hard { KillMode::Hard } else { KillMode::Safe };
    let why = args.reason.clone().unwrap_or_else(|| "from a shell".to_owned());
    let mut down = !stores.is_empty();
    for store in &stores {
        let flag = KillFlag::of(store);
        match flag.raise(mode, &why) {
            Ok(()) => {
                super::print(&format!(
                    "{} is down: nothing new is sent from this store\n",
                    flag.path().display()
                ))?;
            }
            Err(error) => {
                down = false;
                super::complain(&format!("cotrader: cannot put down {}: {error}", flag.path().display()));
            }
        }
    }
    let recorded = match setting {
        Ok(setting) => crate::cli::wait(async move { tell(&setting, Command::Kill { mode, why }).await }),
        Err(trouble) => Err(trouble),
    };
    match recorded {
        Ok(exit) => Ok(exit),
        Err(trouble) if down => {
            super::complain(&format!("cotrader: not recorded yet: {}", trouble.text));
            super::complain("  → the flag holds all the same; the next cockpit on this store records it");
            Ok(Exit::Ok)
        }
        Err(trouble) => Err(trouble),
    }
}

pub async fn reset(setting: Setting, args: KillArgs) -> Result<Exit, Trouble> {
    tell(&setting, Command::ResetKill { reason: args.reason.unwrap_or_default() }).await
}

async fn tell(setting: &Setting, command: Command) -> Result<Exit, Trouble> {
    let telling = async {
        let mut shell = Shell::open(&setting.store, setting.engine_config()?).await?;
        let told = shell.command(command).await;
        shell.close().await;
        Ok::<Told, Trouble>(told?)
    };
    let told = tokio::time::timeout(PATIENCE, telling).await.map_err(|_| {
        Trouble::failed(format!("the running cockpit did not answer in {} s", PATIENCE.as_secs()))
            .with_remedy("end it and start it again")
    })??;
    match told {
        Told::Done(done) => {
            super::print(&format!("{}\n", done.said))?;
            Ok(Exit::Ok)
        }
        Told::Refused { text, remedy, .. } => Err(Trouble::failed(text).with_remedy(remedy)),
    }
}
