//! The part of the process environment that concerns cotrader, captured once and passed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// What belongs to this program or to a broker.
const PREFIXES: [&str; 3] = ["COTRADER_", "TT_", "TRADIER_"];
/// Only these are captured besides.
const OTHERS: [&str; 9] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "NO_COLOR",
    "COLORTERM",
    "TERM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Captured variables. Values are secrets until read one by one: `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, SecretString>);

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Env {
    /// What the process was started with. Values that are not UTF-8 are left out.
    pub fn capture() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || OTHERS.contains(&name.as_str())
            })
            .collect()
    }

    /// The value, unless unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name)?;
        self.0.get(name).cloned()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), SecretString::from(v.into()))).collect())
    }
}

/// The XDG folders of this program. `None` where neither the XDG variable nor `HOME` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    pub config: Option<PathBuf>,
    /// The store.
    pub data: Option<PathBuf>,
    /// Logs.
    pub state: Option<PathBuf>,
}

impl Folders {
    pub fn of(env: &Env) -> Self {
        let at = |variable: &str, below_home: &str| {
            // A relative XDG path is to be ignored, says the XDG specification.
            let xdg = env.get(variable).map(Path::new).filter(|path| path.is_absolute());
            let base = match xdg {
                Some(path) => path.to_path_buf(),
                None => Path::new(env.get("HOME")?).join(below_home),
            };
            Some(base.join("cotrader"))
        };
        Self {
            config: at("XDG_CONFIG_HOME", ".config"),
            data: at("XDG_DATA_HOME", ".local/share"),
            state: at("XDG_STATE_HOME", ".local/state"),
        }
    }
}
