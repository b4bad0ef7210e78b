//! Credentials: from the environment, or from a `.env` file that nobody else can read. Never from YAML,
//! never into an error, never into this process's environment.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::env::Env;
use super::error::{ConfigError, Fault, Origin};
use super::load::{MOST_BYTES, file_fault, read_bounded};
use super::settings::{BrokerName, Source};

const CLIENT_SECRET: &str = "TT_CLIENT_SECRET";
const REFRESH_TOKEN: &str = "TT_REFRESH_TOKEN";
const TRADIER_TOKEN: &str = "TRADIER_TOKEN";

/// What a broker wants to know us by. `Debug` shows nothing of it.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Of an OAuth application.
    Tastytrade { client_secret: SecretString, refresh_token: SecretString },
    /// The personal token of the account page.
    Tradier { token: SecretString },
}

impl BrokerName {
    /// The variables that hold its credentials.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Tastytrade => &[CLIENT_SECRET, REFRESH_TOKEN],
            Self::Tradier => &[TRADIER_TOKEN],
        }
    }
}

/// The credentials of one broker. The environment goes before the file, each variable by itself.
pub(super) fn load(
    folder: Option<&Path>,
    of: BrokerName,
    env: &Env,
) -> Result<(Option<Credentials>, Source), ConfigError> {
    let file = match folder.map(|folder| folder.join(".env")) {
        Some(path) => read_env_file(&path)?.map(|pairs| (path, pairs)),
        None => None,
    };
    let mut source = Source { part: "credentials", file: None, variables: Vec::new() };
    let mut take = |name: &'static str| {
        if let Some(value) = env.secret(name) {
            source.variables.push(name);
            return Some(value);
        }
        let (path, pairs) = file.as_ref()?;
        let (_, value) =
            pairs.iter().rev().find(|(key, value)| key == name && !value.expose_secret().is_empty())?;
        source.file = Some(path.clone());
        Some(value.clone())
    };
    if of == BrokerName::Tradier {
        let token = take(TRADIER_TOKEN);
        return Ok((token.map(|token| Credentials::Tradier { token }), source));
    }
    let (client_secret, refresh_token) = (take(CLIENT_SECRET), take(REFRESH_TOKEN));
    match (client_secret, refresh_token) {
        (Some(client_secret), Some(refresh_token)) => {
            Ok((Some(Credentials::Tastytrade { client_secret, refresh_token }), source))
        }
        (None, None) => Ok((None, source)),
        (Some(_), None) => Err(half(REFRESH_TOKEN, CLIENT_SECRET, source)),
        (None, Some(_)) => Err(half(CLIENT_SECRET, REFRESH_TOKEN, source)),
    }
}

fn half(missing: &'static str, present: &'static str, source: Source) -> ConfigError {
    let origin = match source.file {
        Some(path) => Origin::File { path, place: None },
        None => Origin::Variable(present),
    };
    ConfigError { origin, fault: Box::new(Fault::HalfCredentials { missing }) }
}

/// The values of a file that only its owner can read; `None` where there is no such file.
pub fn read_env_file(path: &Path) -> Result<Option<Vec<(String, SecretString)>>, ConfigError> {
    // Looked at before it is opened: a file that others can read is refused unread.
    refuse_open_file(path)?;
    let Some(text) = read_bounded(path, MOST_BYTES)? else { return Ok(None) };
    let text = SecretString::from(text);
    let mut pairs = Vec::new();
    for (index, line) in text.expose_secret().lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        // The reader's own error would carry the line, and with it the secret.
        let syntax = || file_fault(path, None, Fault::EnvFileSyntax { line: index + 1 });
        for item in dotenvy::from_read_iter(line.as_bytes()) {
            let (name, value) = item.map_err(|_| syntax())?;
            pairs.push((name, SecretString::from(value)));
        }
    }
    Ok(Some(pairs))
}

#[cfg(unix)]
fn refuse_open_file(path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o7777,
        // Absent is fine; any other trouble shows when it is read.
        Err(_) => return Ok(()),
    };
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(file_fault(path, None, Fault::EnvFileOpen { mode, path: PathBuf::from(path) }))
}

#[cfg(not(unix))]
fn refuse_open_file(_: &Path) -> Result<(), ConfigError> {
    Ok(())
}
