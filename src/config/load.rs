//! Finds the files, reads them with a bound on their size, and turns the parser's complaints into ours.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::env::{Env, Folders};
use super::error::{ConfigError, Fault, Origin, Place, nearest};
use super::secrets::Credentials;
use super::settings::{BrokerName, Source};
use super::{Config, defaults, locate, raw, secrets, validate};
use crate::domain::text::clean;

pub(super) const MOST_BYTES: u64 = 1024 * 1024;

/// A YAML text and the file it stands in.
pub(super) struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    pub(super) fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self { path: path.into(), text: text.to_owned() }
    }

    /// The fault at a key path.
    pub(super) fn at(&self, keys: &[&str], fault: Fault) -> ConfigError {
        file_fault(&self.path, locate::key(&self.text, keys), fault)
    }

    /// Whether a line of its own says exactly `key: value`, a comment aside.
    pub(super) fn says(&self, key: &str, value: &str) -> bool {
        self.text.lines().any(|line| {
            let line = line.split('#').next().unwrap_or_default();
            line.split_once(':').is_some_and(|(name, rest)| name.trim() == key && rest.trim() == value)
        })
    }

    /// The fault at a word below a key path.
    pub(super) fn at_word(&self, keys: &[&str], word: &str, fault: Fault) -> ConfigError {
        file_fault(&self.path, locate::word(&self.text, keys, word), fault)
    }
}

impl Config {
    /// `folder` (the `--config` of the command line) goes before `COTRADER_CONFIG`, that before the XDG
    /// folder, and what no folder has comes from the built-in files.
    pub fn load(folder: Option<&Path>, env: &Env) -> Result<Self, ConfigError> {
        let (folder, named_by) = search(folder, env)?;
        let folder = folder.as_deref();
        let (cotrader, cotrader_source) = document(folder, "cotrader.yaml", defaults::COTRADER, named_by)?;
        let (portfolios, portfolios_source) =
            document(folder, "portfolios.yaml", defaults::PORTFOLIOS, named_by)?;
        let name = named_in(&cotrader, env)?;
        let (credentials, credentials_source) = secrets::load(folder, name, env)?;

        let mut config = Self::of(&cotrader, &portfolios, credentials, env)?;
        config.sources = vec![cotrader_source, portfolios_source, credentials_source];
        Ok(config)
    }

    /// Whose credentials are wanted, even where they, or anything else, are not right.
    pub fn broker_name(folder: Option<&Path>, env: &Env) -> Result<BrokerName, ConfigError> {
        let (folder, named_by) = search(folder, env)?;
        let (cotrader, _) = document(folder.as_deref(), "cotrader.yaml", defaults::COTRADER, named_by)?;
        named_in(&cotrader, env)
    }

    /// What the two documents and the environment mean.
    pub(super) fn of(
        cotrader: &Document,
        portfolios: &Document,
        credentials: Option<Credentials>,
        env: &Env,
    ) -> Result<Self, ConfigError> {
        let typed: raw::Cotrader = parse(cotrader)?.unwrap_or_default();
        let typed = typed.over(built_in_cotrader()?);
        let books: Option<raw::Portfolios> = parse(portfolios)?;
        let books = validate::portfolios(portfolios, books)?;
        let mut notes = Vec::new();
        let broker =
            validate::broker(cotrader, typed.broker.unwrap_or_default(), credentials, env, &mut notes)?;
        let known: Vec<&str> = books.accounts.iter().map(|account| account.key.as_str()).collect();
        let orders = validate::orders(cotrader, typed.orders.unwrap_or_default(), &known, env, &mut notes)?;
        Ok(Self {
            portfolios: books.portfolios,
            accounts: books.accounts,
            unallocated: books.unallocated,
            broker,
            market: validate::market(cotrader, typed.market.unwrap_or_default())?,
            orders,
            calendar: validate::calendar(cotrader, typed.calendar.unwrap_or_default())?,
            screen: validate::screen(cotrader, typed.screen.unwrap_or_default(), env)?,
            sources: Vec::new(),
            notes,
        })
    }
}

fn named_in(cotrader: &Document, env: &Env) -> Result<BrokerName, ConfigError> {
    let typed: raw::Cotrader = parse(cotrader)?.unwrap_or_default();
    validate::name_of(cotrader, typed.broker.and_then(|broker| broker.name).as_ref(), env)
}

fn built_in_cotrader() -> Result<raw::Cotrader, ConfigError> {
    Ok(parse(&Document::new("built-in cotrader.yaml", defaults::COTRADER))?.unwrap_or_default())
}

/// A folder asked for by name must be there; the XDG folder need not.
fn search(folder: Option<&Path>, env: &Env) -> Result<(Option<PathBuf>, Option<&'static str>), ConfigError> {
    if let Some(folder) = folder {
        let missing = || file_fault(folder, None, Fault::NoFolder);
        return folder.is_dir().then(|| (Some(folder.to_path_buf()), None)).ok_or_else(missing);
    }
    if let Some(folder) = env.get("COTRADER_CONFIG").map(PathBuf::from) {
        let missing = || file_fault(&folder, None, Fault::NoFolder);
        return folder.is_dir().then(|| (Some(folder.clone()), Some("COTRADER_CONFIG"))).ok_or_else(missing);
    }
    Ok((Folders::of(env).config, None))
}

fn document(
    folder: Option<&Path>,
    name: &'static str,
    built_in: &str,
    named_by: Option<&'static str>,
) -> Result<(Document, Source), ConfigError> {
    let found = match folder.map(|folder| folder.join(name)) {
        Some(path) => read_bounded(&path, MOST_BYTES)?.map(|text| (path, text)),
        None => None,
    };
    Ok(match found {
        Some((path, text)) => {
            let source =
                Source { part: name, file: Some(path.clone()), variables: named_by.into_iter().collect() };
            (Document { path, text }, source)
        }
        None => (
            Document::new(format!("built-in {name}"), built_in),
            Source { part: name, file: None, variables: Vec::new() },
        ),
    })
}

/// The whole file as text, `None` where there is none.
pub(super) fn read_bounded(path: &Path, most: u64) -> Result<Option<String>, ConfigError> {
    let unreadable = |error: &std::io::Error| file_fault(path, None, Fault::Unreadable(error.kind()));
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let bytes = file.metadata().map_err(|error| unreadable(&error))?.len();
    if bytes > most {
        return Err(file_fault(path, None, Fault::TooLarge { bytes, most }));
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    Ok(Some(text))
}

pub(super) fn file_fault(path: &Path, place: Option<Place>, fault: Fault) -> ConfigError {
    ConfigError { origin: Origin::File { path: path.to_path_buf(), place }, fault: Box::new(fault) }
}

/// `None` for a file without content.
fn parse<T: DeserializeOwned>(document: &Document) -> Result<Option<T>, ConfigError> {
    let live = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if !document.text.lines().any(live) {
        return Ok(None);
    }
    serde_yaml::from_str(&document.text).map(Some).map_err(|error| {
        let place = error.location().map(|at| Place { line: at.line(), column: at.column() });
        let fault = complaint(&error.to_string());
        // The parser points at the mapping; the key itself is further on.
        let place = match (&fault, place) {
            (Fault::UnknownKey { found, .. } | Fault::SecretInYaml(found), Some(from)) => {
                locate::from(&document.text, from, found).or(place)
            }
            (Fault::DuplicateKey(name), Some(from)) => locate::repeated(&document.text, from, name).or(place),
            _ => place,
        };
        file_fault(&document.path, place, fault)
    })
}

/// The parser's sentence as a fault of ours.
fn complaint(message: &str) -> Fault {
    // A key may hold anything, even these words: what is known stands behind the last of them.
    let behind = |words: &str| message.split_once(words).map(|(_, rest)| rest);
    if let Some((found, known)) = behind("unknown field `").and_then(|rest| rest.rsplit_once("`, expected "))
    {
        let found = clean(found, 60);
        let lower = found.to_lowercase();
        if ["secret", "token", "password"].iter().any(|word| lower.contains(word)) {
            return Fault::SecretInYaml(found);
        }
        let known: Vec<String> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let nearest = nearest(&found, known.iter().map(String::as_str));
        return Fault::UnknownKey { found, nearest, known };
    }
    if let Some((found, _)) = behind("duplicate field `").and_then(|rest| rest.rsplit_once('`')) {
        return Fault::DuplicateKey(clean(found, 60));
    }
    // What was typed is left out: it could be a secret in the wrong place.
    let told = match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) => format!("{}…{}", &message[..first], &message[last + 1..]),
        _ => message.to_owned(),
    };
    let told = told.split(" at line ").next().unwrap_or_default();
    Fault::Yaml(clean(told, 160))
}
