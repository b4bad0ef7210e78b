//! The configuration: YAML as typed (`raw`), then as meant (`validate`), secrets from the environment or a
//! private file, and where each of them came from.
//!
//! Never: imported by the centre, keeps a secret where it could be printed, guesses at a limit.

mod defaults;
mod env;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod load;
mod locate;
mod raw;
mod secrets;
mod settings;
mod validate;

#[cfg(test)]
mod tests;

pub use defaults::Written;
pub use env::{Env, Folders};
pub use error::{ConfigError, Fault, Origin, Place};
pub use secrets::{Credentials, read_env_file};
pub use settings::{
    AccountMatch, AccountRule, BrokerName, BrokerSettings, COLOURS, CalendarSettings, Colour, DatedEvents,
    Dividend, Environment, Glyphs, LiveDataThresholds, MarketSettings, OrderSettings, ROLES, RateCurve,
    RatePoint, ScreenSettings, Source, Theme, Unallocated,
};

use crate::domain::Portfolio;

/// Everything the trader has configured, validated: a value of this type holds no nonsense.
#[derive(Debug, Clone)]
pub struct Config {
    /// In the order of the file.
    pub portfolios: Vec<Portfolio>,
    pub accounts: Vec<AccountRule>,
    /// What each account's portfolios leave of its capital.
    pub unallocated: Vec<Unallocated>,
    pub broker: BrokerSettings,
    pub market: MarketSettings,
    pub calendar: CalendarSettings,
    pub orders: OrderSettings,
    pub screen: ScreenSettings,
    /// Which file each part came from, for `doctor`.
    pub sources: Vec<Source>,
    /// What is legal but worth a word, for `doctor` and the start banner.
    pub notes: Vec<String>,
}
