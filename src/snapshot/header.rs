//! The header line: mode, view, clock, links, counts.

use chrono::NaiveDateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::domain::control::KillMode;
use crate::domain::report::SessionState;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Demo,
    Sim,
    Sandbox,
    Paper,
    Live,
}

impl Mode {
    pub fn badge(self) -> &'static str {
        match self {
            Self::Demo => "DEMO",
            Self::Sim => "SIM",
            Self::Sandbox => "SANDBOX",
            Self::Paper => "PAPER",
            Self::Live => "LIVE",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// "all real", or the portfolio in view.
    pub scope: String,
    /// What New York clocks show.
    pub exchange_time: NaiveDateTime,
    pub session: SessionState,
    /// The next change of session, as an instant: the close while open, the open otherwise.
    pub session_until: Option<Timestamp>,
    /// Seconds to that change.
    pub seconds_left: Option<i64>,
    pub early_close: bool,
    pub link: LinkView,
    pub streaming: bool,
    /// A read of the broker is under way.
    pub refreshing: bool,
    /// Risk is being computed for this book and view; until then its figures are unknown.
    pub computing: bool,
    pub what_ifs: usize,
    pub what_ifs_counted: bool,
    /// Orders of which nobody knows whether they are at the broker.
    pub unknown: usize,
    /// Orders at the broker that are not filled.
    pub working: usize,
    pub working_counted: bool,
    /// Second cockpit or damaged store: why nothing can be recorded.
    pub read_only: Option<String>,
    /// What to do about it.
    pub read_only_remedy: Option<String>,
    pub safety: SafetyView,
    pub breaches: usize,
    pub near: usize,
    /// There is a risk picture that the two counts above are of.
    pub limits_known: bool,
    pub to_do: usize,
    /// One sentence under the header, such as "demo: no credentials; run `cotrader init`".
    pub banner: Option<String>,
}

/// What stops new orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SafetyView {
    /// The kill switch, recorded or by its flag file; `None`: off.
    pub kill: Option<KillMode>,
    pub kill_why: Option<String>,
    /// Its flag file stands in the store's folder.
    pub kill_flag: bool,
    /// What must not happen and did, until the trader has looked.
    pub alarms: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Streaming, and something came in within the last seconds.
    Live,
    /// Snapshot of the last refresh; streaming is off.
    Snapshot,
    Connecting,
    /// Connected, but the broker says nothing and does not answer.
    Quiet,
    Down,
    Refused,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkView {
    pub kind: LinkKind,
    /// Seconds since anything came in (streaming) or since the last refresh (snapshot).
    pub age_seconds: Option<f64>,
    /// Why it is down, in a few words, and when the next attempt comes.
    pub why: Option<String>,
    pub account_stream_up: bool,
}

/// Counts behind the badges, for scripts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Freshness {
    pub link: LinkView,
    pub last_refresh: Option<Timestamp>,
    pub live_instruments: usize,
    pub stale_instruments: usize,
    pub unpriced_instruments: usize,
    /// The oldest quote of a held instrument, in seconds.
    pub oldest_quote_seconds: Option<i64>,
    /// Underlyings of the book, and the benchmark, whose daily prices have not come: betas and volatilities of
    /// theirs are the broker's or assumed.
    pub without_history: usize,
}
