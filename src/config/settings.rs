//! The validated values, part by part.

use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;
use url::Url;

use super::secrets::Credentials;
use crate::domain::control::{LiveOptIn, MissingYes};
use crate::domain::limit::TradeLoss;
use crate::domain::{Account, AccountKind, Money, Symbol, TradingDate};

/// How an account of the configuration finds its counterpart at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountMatch {
    /// The only account of its kind.
    Kind,
    /// The last four characters of the broker's number.
    LastFour(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRule {
    /// The key in the configuration, such as `ira`; portfolios name it.
    pub key: String,
    pub kind: AccountKind,
    /// What the portfolios may be allocated from.
    pub capital: Money,
    pub matches: AccountMatch,
}

impl AccountRule {
    /// Whether `account`, as the broker reports it, is the one meant.
    pub fn matches(&self, account: &Account) -> bool {
        match &self.matches {
            AccountMatch::Kind => account.kind == self.kind,
            AccountMatch::LastFour(tail) => account.masked_number.ends_with(tail.as_str()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unallocated {
    pub account_key: String,
    pub amount: Money,
}

/// Whose accounts these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerName {
    Tastytrade,
    Tradier,
}

impl BrokerName {
    /// As the configuration and the accounts spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tastytrade => "tastytrade",
            Self::Tradier => "tradier",
        }
    }
}

/// What stands behind the screen; follows from the credentials and the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// No credentials: the built-in simulated broker.
    Demo,
    /// A simulator at a loopback address.
    Sim,
    /// The broker's own host for rehearsals.
    Sandbox,
    /// Real market data and accounts, read only.
    Production,
}

#[derive(Debug, Clone)]
pub struct BrokerSettings {
    pub name: BrokerName,
    pub environment: Environment,
    /// `None` in the demo, which brings its own.
    pub base_url: Option<Url>,
    /// Overrides what tastytrade answers; `None` follows the broker.
    pub dxlink_url: Option<Url>,
    pub account_stream_url: Option<Url>,
    /// Of both streams of Tradier.
    pub stream_url: Option<Url>,
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MarketSettings {
    pub benchmark: Symbol,
    /// The strip of the market panel.
    pub context: Vec<Symbol>,
    /// Followed even when nothing is held in them.
    pub watch: Vec<Symbol>,
    pub rates: RateCurve,
    /// Where the trader knows better than the broker; ascending by date, never empty.
    pub dividends: Vec<(Symbol, Vec<Dividend>)>,
    pub live_data: LiveDataThresholds,
}

/// Continuously compounded zero rates, ascending by days, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    pub as_of: TradingDate,
    pub points: Vec<RatePoint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatePoint {
    pub days: u32,
    /// Per year; 0.04 is 4 %.
    pub zero: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dividend {
    pub ex_date: TradingDate,
    /// Dollars a share.
    pub amount: f64,
    pub estimated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveDataThresholds {
    pub link_age: Duration,
    pub quote_age: Duration,
    pub clock_skew_warn: Duration,
    pub clock_skew_block: Duration,
    pub account_refresh: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSettings {
    /// Days without session, and sessions to 13:00, that neither rule nor table of the exchange's calendar knows.
    pub closed: Vec<TradingDate>,
    pub early_closes: Vec<TradingDate>,
    pub fomc: DatedEvents,
    pub cpi: DatedEvents,
    pub earnings: Vec<(Symbol, DatedEvents)>,
    /// Funds, which report nothing.
    pub without_earnings: Vec<Symbol>,
}

/// Known dates, ascending. Whether something falls after `unknown_after` nobody has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedEvents {
    pub dates: Vec<TradingDate>,
    pub unknown_after: TradingDate,
}

/// What orders are held to before they go out.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderSettings {
    /// The first two of the three yeses that real money needs.
    pub live: Option<LiveOptIn>,
    /// Those of the two that were not given.
    pub missing: Vec<MissingYes>,
    /// Every order goes to the paper broker, whatever else is set.
    pub paper_only: bool,
    /// How far from mid toward the natural side the paper broker fills one leg: share of the half-spread.
    pub paper_fill: Decimal,
    /// The accounts that may trade, by their keys; `None`: all of them, as long as no real money can be spent.
    pub accounts: Option<Vec<String>>,
    /// Fractions of the account's value.
    pub reserve: Decimal,
    pub open_loss: Decimal,
    pub contracts_per_leg: u32,
    pub contracts_per_order: u32,
    /// Dollars.
    pub notional: Decimal,
    /// A leg's spread: share of its mid, and dollars.
    pub spread: Decimal,
    pub spread_dollars: Decimal,
    /// How far a limit may be from mid: share of the spread, share of mid, ticks.
    pub collar_spread: Decimal,
    pub collar_mid: Decimal,
    pub collar_ticks: u32,
    pub orders_per_minute: u32,
    pub orders_per_day: u32,
    pub replacements_per_minute: u32,
    pub replacements_per_day: u32,
    pub open_orders: u32,
    /// By portfolio key.
    pub trade_loss: Vec<(String, TradeLoss)>,
    pub day_loss: Vec<(String, Decimal)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Dark,
    Light,
    Mono,
    ColourBlind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    Unicode,
    Ascii,
}

/// What the screen paints, as its theme names it.
pub const ROLES: [&str; 16] = [
    "text",
    "dim",
    "head",
    "rule",
    "title",
    "title_focused",
    "accent",
    "gain",
    "loss",
    "stale",
    "near",
    "breach",
    "good",
    "what_if",
    "selected",
    "strong",
];

/// The colours of the terminal.
pub const COLOURS: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "gray",
    "dark_gray",
    "light_red",
    "light_green",
    "light_yellow",
    "light_blue",
    "light_magenta",
    "light_cyan",
    "white",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Colour {
    /// One of the terminal's sixteen, as named in the file.
    Named(String),
    Rgb(u8, u8, u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenSettings {
    pub theme: Theme,
    /// Role and the colour that replaces the theme's.
    pub colours: Vec<(String, Colour)>,
    pub glyphs: Glyphs,
    pub frames_per_second: u32,
    /// Action and the key it is bound to instead.
    pub keys: Vec<(String, String)>,
}

impl ScreenSettings {
    /// The least time between two frames.
    pub fn frame_interval(&self) -> Duration {
        Duration::from_secs(1) / self.frames_per_second.max(1)
    }
}

/// Where one part of the configuration was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `cotrader.yaml`, `portfolios.yaml`, `credentials`.
    pub part: &'static str,
    /// `None`: the built-in default, or absent in the case of credentials.
    pub file: Option<PathBuf>,
    /// Environment variables that had a say in it, by name.
    pub variables: Vec<&'static str>,
}

/// A percentage as a fraction: `3.0 %` is 0.03.
pub(super) fn fraction_of_percent(percent: Decimal) -> Decimal {
    (percent / Decimal::ONE_HUNDRED).normalize()
}
