//! The file that makes a restarted `sim` the same broker: its secrets, and where its clock stood.
//!
//! Never: reads a file that others can read, prints what is in it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::private_file;
use crate::cli::exit::Trouble;
use crate::config;
use crate::domain::Timestamp;
use crate::runtime::world::RunBefore;
use crate::sim::{Connection, Secrets};

const CLIENT_SECRET: &str = "TT_CLIENT_SECRET";
const REFRESH_TOKEN: &str = "TT_REFRESH_TOKEN";
const CLOCK: &str = "COTRADER_SIM_CLOCK";

#[derive(Debug, Default)]
pub struct Kept {
    pub secrets: Option<Secrets>,
    pub before: Option<RunBefore>,
}

/// The file beside it that keeps accounts and orders: `sim.env` → `sim.env.accounts.json`.
pub fn accounts_beside(path: &Path) -> PathBuf {
    let mut whole = path.as_os_str().to_owned();
    whole.push(".accounts.json");
    whole.into()
}

/// What an earlier run left; nothing where there was none.
pub fn read(path: &Path) -> Result<Kept, Trouble> {
    let pairs = config::read_env_file(path)?.unwrap_or_default();
    let value = |name: &str| {
        let found = pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| !value.expose_secret().is_empty()).cloned()
    };
    let secrets = match (value(CLIENT_SECRET), value(REFRESH_TOKEN)) {
        (Some(client_secret), Some(refresh_token)) => Some(Secrets { client_secret, refresh_token }),
        (None, None) => None,
        _ => {
            let text = format!("{}: {CLIENT_SECRET} and {REFRESH_TOKEN} belong together", path.display());
            return Err(Trouble::failed(text).with_remedy("complete the file, or remove it"));
        }
    };
    let before = value(CLOCK).map(|clock| run_before(path, &clock)).transpose()?;
    Ok(Kept { secrets, before })
}

fn run_before(path: &Path, clock: &SecretString) -> Result<RunBefore, Trouble> {
    let read = |text: &str| text.parse().ok().and_then(DateTime::from_timestamp_millis);
    let pair = clock.expose_secret().split_once('/');
    let both = pair.and_then(|(wall, clock)| Some(RunBefore { wall: read(wall)?, clock: read(clock)? }));
    both.ok_or_else(|| {
        let text = format!("{}: {CLOCK} is not two instants in milliseconds", path.display());
        Trouble::failed(text).with_remedy("remove that line, or the file")
    })
}

/// Keeps what the next run needs. Other lines of the file stay.
pub fn write(path: &Path, connection: &Connection, clock: Timestamp) -> Result<(), Trouble> {
    let clock = format!("{}/{}", Utc::now().timestamp_millis(), clock.timestamp_millis());
    let values = [
        (CLIENT_SECRET, connection.client_secret.as_str()),
        (REFRESH_TOKEN, connection.refresh_token.as_str()),
        (CLOCK, clock.as_str()),
    ];
    private_file::write(path, &values).map_err(|error| {
        Trouble::failed(format!("the credentials cannot be kept in {}: {error}", path.display()))
            .with_remedy("name a file in a folder that you can write")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn connection() -> Connection {
        Connection {
            base_url: String::new(),
            dxlink_url: String::new(),
            account_stream_url: String::new(),
            client_secret: "one".into(),
            refresh_token: "two".into(),
            accounts: Vec::new(),
        }
    }

    #[test]
    fn what_a_run_keeps_the_next_one_finds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim.env");
        let none = read(&path).unwrap();
        assert!(none.secrets.is_none() && none.before.is_none());
        let clock = DateTime::from_timestamp_millis(1_795_187_040_123).unwrap();
        write(&path, &connection(), clock).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let kept = read(&path).unwrap();
        let secrets = kept.secrets.unwrap();
        assert_eq!(secrets.client_secret.expose_secret(), "one");
        assert_eq!(secrets.refresh_token.expose_secret(), "two");
        assert_eq!(kept.before.map(|before| before.clock), Some(clock));
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_half_is_refused_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim.env");
        let refused = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let trouble = read(&path).unwrap_err();
            assert!(!trouble.text.contains("swordfish"), "{}", trouble.text);
            trouble.text
        };
        let whole = "TT_CLIENT_SECRET=swordfish\nTT_REFRESH_TOKEN=swordfish\n";
        assert!(refused(whole, 0o640).contains("can be read by others"));
        assert!(refused("TT_CLIENT_SECRET=swordfish\n", 0o600).contains("belong together"));
        assert!(refused(&format!("{whole}COTRADER_SIM_CLOCK=swordfish\n"), 0o600).contains("two instants"));
    }
}
