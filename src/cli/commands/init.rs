//! `init`: commented configuration files, the broker's credentials into a private file, and a first login.
//!
//! Never: overwrites a configuration file, shows or logs a secret, takes one from the command line.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::broker::tastytrade::Tastytrade;
use crate::broker::tradier::Tradier;
use crate::broker::{Broker, BrokerError};
use crate::cli::args::InitArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::config::{BrokerName, Config, Env, Folders};
use crate::domain::AccountKind;
use crate::domain::report::AccountsReport;
use crate::runtime::settings::{self, Access};

use super::private_file;

mod prompt;

/// For the login and the accounts, with what the adapter retries by itself.
const DEADLINE: Duration = Duration::from_secs(30);

pub async fn run(folder: Option<&Path>, env: &Env, args: &InitArgs) -> Result<Exit, Trouble> {
    let named = folder.map(Path::to_path_buf).or_else(|| env.get("COTRADER_CONFIG").map(Into::into));
    let folder = named.or_else(|| Folders::of(env).config).ok_or_else(|| {
        Trouble::failed("there is no home folder to write to")
            .with_remedy("set HOME, or name a folder with --config")
    })?;
    if !args.no_credentials && !std::io::stdin().is_terminal() {
        return Err(Trouble::new(Exit::Usage, "credentials are asked for on a terminal, and this is none")
            .with_remedy(
                "add --no-credentials to write the files only; scripts set TT_CLIENT_SECRET and TT_REFRESH_TOKEN, or TRADIER_TOKEN",
            ));
    }
    let written = Config::write_default(&folder)?;
    let mut text = String::new();
    for path in &written.created {
        text.push_str(&format!("written  {}\n", path.display()));
    }
    for path in &written.kept {
        text.push_str(&format!("kept     {}\n", path.display()));
    }
    super::print(&text)?;
    let file = folder.join(".env");
    if args.no_credentials {
        Config::load(Some(&folder), env)?;
        return super::print(&format!(
            "Without credentials `cotrader` starts the demo. To connect your broker: `cotrader init`, or fill in\n{}\n",
            file.display()
        ))
        .map(|()| Exit::Ok);
    }
    let broker = Config::broker_name(Some(&folder), env)?;
    if wants_credentials(&folder, broker, env)? {
        let (from, asked): (_, &[&str]) = match broker {
            BrokerName::Tastytrade => (
                "From your OAuth application at my.tastytrade.com (Manage, My Profile, API).",
                &["client secret: ", "refresh token: "],
            ),
            BrokerName::Tradier => ("From the API page of your account at Tradier.", &["access token: "]),
        };
        super::print(&format!("{from}\nNothing is shown while you type; Enter ends, Esc gives up.\n"))?;
        let unseen = prompt::Unseen::begin()?;
        let typed = asked.iter().map(|what| unseen.ask(what)).collect::<Result<Vec<_>, _>>()?;
        drop(unseen);
        let values: Vec<(&str, &str)> =
            broker.variables().iter().copied().zip(typed.iter().map(ExposeSecret::expose_secret)).collect();
        private_file::write(&file, &values).map_err(|error| {
            Trouble::failed(format!("cannot write {}: {error}", file.display()))
                .with_remedy("check that the folder is yours")
        })?;
        super::print(&format!("written  {} (mode 0600)\n", file.display()))?;
    }
    log_in(&folder, env).await
}

/// Whether to ask: not over what the environment says, and over a file only when the trader wants it.
fn wants_credentials(folder: &Path, broker: BrokerName, env: &Env) -> Result<bool, Trouble> {
    let variables = broker.variables();
    if variables.iter().all(|name| env.get(name).is_some()) {
        super::print(&format!("used from the environment: {}\n", variables.join(", ")))?;
        return Ok(false);
    }
    // A file with half of them, or open to others, is what the questions put right.
    let there = Config::load(Some(folder), env).is_ok_and(|config| config.broker.credentials.is_some());
    if !there {
        return Ok(true);
    }
    prompt::yes("There are credentials already. Replace them? [y/N] ")
}

async fn log_in(folder: &Path, env: &Env) -> Result<Exit, Trouble> {
    let config = Config::load(Some(folder), env)?;
    let refused = |error: BrokerError| {
        let exit = match error {
            BrokerError::Unreachable { .. } | BrokerError::TimedOut { .. } | BrokerError::Server { .. } => {
                Exit::BrokerUnreachable
            }
            _ => Exit::Failed,
        };
        Trouble::new(exit, format!("the files are written, but the login failed: {error}"))
            .with_remedy(error.remedy())
    };
    let Some(access) = settings::broker(&config).map_err(refused)? else {
        return Err(Trouble::failed("no credentials are configured").with_remedy("run `cotrader init` again"));
    };
    say(&format!("logging in at {} … ", crate::domain::text::clean(access.address(), 80)))?;
    let answer = match access {
        Access::Tastytrade(wire, credentials) => {
            let broker = Tastytrade::new(wire, credentials).map_err(refused)?;
            timeout(DEADLINE, broker.accounts()).await
        }
        Access::Tradier(wire, token) => {
            let broker = Tradier::new(wire, token).map_err(refused)?;
            timeout(DEADLINE, broker.accounts()).await
        }
    };
    super::print("\n")?;
    match answer {
        Err(_) => Err(Trouble::new(
            Exit::BrokerUnreachable,
            format!("the files are written, but the broker did not answer in {} s", DEADLINE.as_secs()),
        )
        .with_remedy("check the network, then run `cotrader doctor`")),
        Ok(Err(error)) => Err(refused(error)),
        Ok(Ok(report)) => {
            super::print(&found(&report, &config))?;
            Ok(Exit::Ok)
        }
    }
}

fn say(text: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(super::stdout_gone)
}

/// The accounts, masked, and what the configuration makes of them.
fn found(report: &AccountsReport, config: &Config) -> String {
    let mut text = format!("The login works: {} accounts\n", report.accounts.len());
    for account in &report.accounts {
        let kind = match account.account.kind {
            AccountKind::Margin => "margin",
            AccountKind::Cash => "cash",
            AccountKind::Ira => "IRA",
        };
        let rule = config.accounts.iter().find(|rule| rule.matches(&account.account));
        let meant = rule.map_or_else(
            || "no account of portfolios.yaml means it: its positions wait in the inbox".to_owned(),
            |rule| format!("`{}` in portfolios.yaml", rule.key),
        );
        let positions = account
            .positions
            .as_ref()
            .map_or("positions could not be read".to_owned(), |held| format!("{} positions", held.len()));
        let (number, name) = (&account.account.masked_number, &account.account.nickname);
        text.push_str(&format!(
            "  {number}  {kind:<6}  {:<20}  {positions}; {meant}\n",
            crate::domain::text::clean(name, 20)
        ));
    }
    text.push_str("Start the cockpit with `cotrader`.\n");
    text
}
