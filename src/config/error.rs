//! What can be wrong with a configuration: where, what, and what to do about it.

use std::path::PathBuf;

use rust_decimal::Decimal;

/// One-based, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File { path: PathBuf, place: Option<Place> },
    Variable(&'static str),
}

/// Prints as `file:line:column: what; remedy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub origin: Origin,
    pub fault: Box<Fault>,
}

impl std::error::Error for ConfigError {}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.origin {
            Origin::File { path, place: Some(Place { line, column }) } => {
                write!(f, "{}:{line}:{column}: ", path.display())?;
            }
            Origin::File { path, place: None } => write!(f, "{}: ", path.display())?,
            Origin::Variable(name) => write!(f, "environment variable {name}: ")?,
        }
        write!(f, "{}; {}", self.fault, self.fault.remedy())
    }
}

/// Values are shown as typed, except those of credentials, which are never carried here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("no such folder")]
    NoFolder,
    #[error("cannot be read ({0})")]
    Unreadable(std::io::ErrorKind),
    #[error("cannot be written ({0})")]
    Unwritable(std::io::ErrorKind),
    #[error("is {bytes} bytes long, at most {most} are read")]
    TooLarge { bytes: u64, most: u64 },
    #[error("not valid YAML for this file: {0}")]
    Yaml(String),
    #[error("unknown key `{found}`")]
    UnknownKey { found: String, nearest: Option<String>, known: Vec<String> },
    #[error("`{0}` is a credential")]
    SecretInYaml(String),
    #[error("`{0}` is written twice")]
    DuplicateKey(String),
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{found}` is not a known {kind}")]
    UnknownWord { kind: &'static str, found: String, nearest: Option<String>, known: Vec<String> },
    #[error("`{found}` is not a symbol")]
    BadSymbol { found: String },
    #[error("`{key}` is `{found}`, not a number")]
    NotANumber { key: String, found: String },
    #[error("`{key}` is `{found}`, not a percentage")]
    NotAPercentage { key: &'static str, found: String },
    #[error("`{key}` is {found}, outside {least} to {most}")]
    OutOfRange { key: String, found: String, least: String, most: String },
    #[error("capital is {found}")]
    CapitalNotPositive { found: String },
    #[error("limit `{limit}` is {found}")]
    BadLimit { limit: &'static str, found: String },
    #[error("limit `{limit}` is not written")]
    LimitAbsent { limit: &'static str },
    #[error("the portfolios of account `{account}` are allocated {allocated} of its {capital}")]
    OverAllocated { account: String, allocated: Decimal, capital: Decimal },
    #[error("accounts `{first}` and `{second}` cannot be told apart")]
    AmbiguousAccounts { first: String, second: String },
    #[error("portfolio `{0}` is hypothetical and names an account")]
    HypotheticalInAccount(String),
    #[error("portfolio `{0}` names no account")]
    NoAccount(String),
    #[error("no portfolio is configured")]
    NoPortfolio,
    #[error("portfolio `{0}` only warns, but trades real money")]
    WarnOnlyReal(String),
    #[error("last_four must be the last four characters of an account number")]
    BadLastFour,
    #[error("`{key}` must ascend without repetition")]
    NotAscending { key: &'static str },
    #[error("`unknown_after` lies before the last date of the list")]
    UnknownBeforeLast,
    #[error("`{found}` is not a colour")]
    BadColour { found: String },
    #[error("`live_trading` is `{found}`")]
    NotExactlyTrue { found: String },
    #[error("not an address of the form scheme://host")]
    BadUrl,
    #[error("the address carries a user name or a password")]
    UserInUrl,
    #[error("host `{host}` is not one that credentials are sent to")]
    HostNotAllowed { host: String },
    #[error("{scheme} is not used to reach {host}")]
    SchemeNotAllowed { scheme: String, host: String },
    #[error("the address belongs to {address}, the environment is {environment}")]
    EnvironmentMismatch { address: &'static str, environment: &'static str },
    #[error("environment `sim` needs the simulator's address")]
    SimWithoutAddress,
    #[error("`{key}` belongs to {belongs}, and the broker is {broker}")]
    OtherBrokersKey { key: &'static str, belongs: &'static str, broker: &'static str },
    #[error("{missing} is missing, the other credential is set")]
    HalfCredentials { missing: &'static str },
    #[error("can be read by others (mode {mode:04o})")]
    EnvFileOpen { mode: u32, path: PathBuf },
    #[error("is not made of NAME=value lines (line {line})")]
    EnvFileSyntax { line: usize },
}

impl Fault {
    /// What the trader does about it.
    pub fn remedy(&self) -> String {
        let nearest = |nearest: &Option<String>, known: &[String]| match nearest {
            Some(word) => format!("did you mean `{word}`?"),
            None if known.is_empty() => "there is none yet: define it first".to_owned(),
            None => format!("known are {}", known.join(", ")),
        };
        match self {
            Self::NoFolder => {
                "create it with `cotrader init`, or leave --config and COTRADER_CONFIG out".into()
            }
            Self::Unreadable(_) | Self::Unwritable(_) => "check that the path exists and is yours".into(),
            Self::TooLarge { .. } => "is this the right file?".into(),
            Self::Yaml(_) => "compare with the commented file that `cotrader init` writes".into(),
            Self::UnknownKey { nearest: n, known, .. } | Self::UnknownWord { nearest: n, known, .. } => {
                nearest(n, known)
            }
            Self::SecretInYaml(_) => {
                "remove it and put it into TT_CLIENT_SECRET, TT_REFRESH_TOKEN, TRADIER_TOKEN or a .env file of mode 0600"
                    .into()
            }
            Self::DuplicateKey(_) => "keep one of the two".into(),
            Self::Missing(key) => format!("write `{key}: …` here"),
            Self::BadSymbol { .. } => "write it as the exchange does, in capitals: SPY, BRK.B".into(),
            Self::NotANumber { .. } => "write a plain number".into(),
            Self::NotAPercentage { key, .. } => format!("write it with its sign: `{key}: 3.7 %`"),
            Self::OutOfRange { least, most, .. } => format!("write a value from {least} to {most}"),
            Self::CapitalNotPositive { .. } => "write an amount in dollars above 0".into(),
            Self::BadLimit { limit, .. } => {
                format!("write a percentage above 0 such as `{limit}: 3.0 %`, or `{limit}: off` to have none")
            }
            Self::LimitAbsent { limit } => {
                format!("write `{limit}: 3.0 %`, or `{limit}: off` to have none")
            }
            Self::OverAllocated { .. } => "lower a portfolio's capital or raise the account's".into(),
            Self::AmbiguousAccounts { .. } => "give each a `last_four` of its own".into(),
            Self::HypotheticalInAccount(_) => "remove `account` or `hypothetical`".into(),
            Self::NoAccount(_) => "write `account: …`, or `hypothetical: true`".into(),
            Self::NoPortfolio => "add one, or delete the file to get the defaults".into(),
            Self::WarnOnlyReal(_) => "`warn_only` needs `hypothetical: true`".into(),
            Self::BadLastFour => "write it in quotes, such as `last_four: \"0001\"`".into(),
            Self::NotAscending { .. } => "sort the list and remove what is there twice".into(),
            Self::UnknownBeforeLast => "set it to the last day for which the list is complete".into(),
            Self::BadColour { .. } => {
                "write \"#rrggbb\" in quotes, or a colour of the terminal such as light_red".into()
            }
            Self::NotExactlyTrue { .. } => {
                "write `live_trading: true`, plain and on a line of its own, or leave it out".into()
            }
            Self::BadUrl => "write it like http://127.0.0.1:7878".into(),
            Self::UserInUrl => "leave out everything between // and @".into(),
            Self::HostNotAllowed { .. } => {
                "use the broker's own host or an address of this machine, 127.0.0.1".into()
            }
            Self::SchemeNotAllowed { .. } => "use https or wss; http and ws are for this machine only".into(),
            Self::EnvironmentMismatch { .. } => "change one of the two, or leave `environment` out".into(),
            Self::SimWithoutAddress => {
                "set COTRADER_BASE_URL or base_url to what `cotrader sim --print-connection` printed".into()
            }
            Self::OtherBrokersKey { belongs, .. } => format!("remove it, or write `name: {belongs}`"),
            Self::HalfCredentials { missing } => format!("set {missing} as well, or neither for the demo"),
            Self::EnvFileOpen { path, .. } => format!("chmod 600 {}", path.display()),
            Self::EnvFileSyntax { .. } => "one NAME=value a line, as in .env.example".into(),
        }
    }
}

/// The known word that `found` most likely stands for: at most a third of it may differ.
pub(super) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|word| (distance(&found.to_lowercase().replace('-', "_"), word), word))
        .filter(|(distance, word)| *distance * 3 <= word.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.to_owned())
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(64).collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised_and_other_words_are_not() {
        assert_eq!(nearest("mian", ["main", "ira"]).as_deref(), Some("main"));
        assert_eq!(nearest("Iron-Condr", ["iron_condor", "condor"]).as_deref(), Some("iron_condor"));
        assert_eq!(nearest("moonshot", ["single", "stock"]), None);
    }
}
