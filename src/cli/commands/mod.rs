//! One file per command, and what they share: writing to the terminal.

use std::io::Write;

use super::exit::{Exit, Trouble};
use super::setting::Setting;
use crate::runtime::control::Client;
use crate::runtime::world;

pub mod account;
mod batch;
pub mod book;
pub mod cockpit;
mod connection;
pub mod doctor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod health;
pub mod init;
pub mod iv;
pub mod kill;
pub mod log;
pub mod lookup;
pub mod orders;
pub mod price;
mod private_file;
pub mod sim;
mod sim_credentials;
pub mod snapshot;
pub mod store;
mod table;

/// What a running cockpit answers or records is of its own market: arguments that name another are refused.
pub async fn refuse_other_market(setting: &Setting) -> Result<(), Trouble> {
    if setting.wish.market.is_empty() && setting.wish.seed.is_none() {
        return Ok(());
    }
    let runs = Client::connect(&setting.store).await.is_ok();
    world::agree(&setting.store, &setting.wish, runs)
        .map_err(|error| Trouble::failed(error.to_string()).with_remedy(error.remedy()))
}

/// To stdout, at once. Foreign text in it was cleaned where it came in; nothing that moves a cursor passes here either.
pub fn print(text: &str) -> Result<(), Trouble> {
    write(crate::domain::text::shown(text).as_bytes())
}

/// One JSON document on one line. What a terminal would act on is escaped.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Trouble> {
    let text = serde_json::to_string(document).map_err(|error| Trouble::failed(error.to_string()))?;
    write(format!("{}\n", crate::domain::text::escaped(&text)).as_bytes())
}

fn write(bytes: &[u8]) -> Result<(), Trouble> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_gone)
}

/// To stderr; if even that is gone there is nobody to tell.
pub fn complain(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", crate::domain::text::shown(text)));
}

/// A reader that has seen enough (`| head`) is no failure.
pub fn stdout_gone(error: std::io::Error) -> Trouble {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Trouble::nobody_reads();
    }
    Trouble::failed(format!("cannot write the output: {error}"))
}

pub fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> Result<Exit, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(shell, command, "cotrader", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Ok)
}

pub fn man(command: clap::Command) -> Result<Exit, Trouble> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(stdout_gone)?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Ok)
}
