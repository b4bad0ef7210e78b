//! The checks every order passes before it is sent, as they are recorded: what was measured, against what,
//! with which result. And the two things that stop all orders: the kill switch and an alarm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trade::Verdict;

/// The sixteen pre-trade controls, by the number they are known under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlId {
    /// 1: the trader wants this mode to trade, in three ways, and the account is on the list.
    OptIn,
    /// 2
    KillSwitch,
    /// 3: store writable, broker reconciled today, nothing unknown, no alarm.
    Health,
    /// 4: session open, product not halted, not in the last minute unless closing.
    Session,
    /// 5: every leg's quote is live, uncrossed and narrow enough; the clock is right.
    Freshness,
    /// 6: limit order, valid tick, at most four legs on one underlying, standard contracts.
    Form,
    /// 7: contracts per leg and per order.
    Size,
    /// 8: loss and notional the order can bring; undefined risk only where it is permitted.
    WorstCase,
    /// 9: how far the limit may be from mid.
    Collar,
    /// 10: buying power after, by a dry-run of exactly this order that is at most a minute old.
    BuyingPower,
    /// 11: the portfolio's limits after the trade.
    PortfolioLimits,
    /// 12: no like order within a minute, none of the same intent open or unknown.
    Duplicate,
    /// 13: orders a minute and a day; cancels are never slowed.
    Rate,
    /// 14: open orders, and what they come to if all fill.
    OpenOrders,
    /// 15: a closing order may not exceed or turn the position.
    ClosingOnly,
    /// 16: after the day's loss limit only what reduces risk.
    DayLoss,
}

impl ControlId {
    pub const ALL: [Self; 16] = [
        Self::OptIn,
        Self::KillSwitch,
        Self::Health,
        Self::Session,
        Self::Freshness,
        Self::Form,
        Self::Size,
        Self::WorstCase,
        Self::Collar,
        Self::BuyingPower,
        Self::PortfolioLimits,
        Self::Duplicate,
        Self::Rate,
        Self::OpenOrders,
        Self::ClosingOnly,
        Self::DayLoss,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::OptIn => "permission to trade",
            Self::KillSwitch => "kill switch",
            Self::Health => "state of the record",
            Self::Session => "session",
            Self::Freshness => "quotes",
            Self::Form => "form of the order",
            Self::Size => "size",
            Self::WorstCase => "loss of the trade",
            Self::Collar => "distance from mid",
            Self::BuyingPower => "buying power",
            Self::PortfolioLimits => "limits of the portfolio",
            Self::Duplicate => "like order",
            Self::Rate => "orders a minute or a day",
            Self::OpenOrders => "open orders",
            Self::ClosingOnly => "what is held",
            Self::DayLoss => "loss of the day",
        }
    }

    pub fn number(self) -> usize {
        Self::ALL.iter().position(|control| *control == self).map_or(0, |place| place + 1)
    }
}

/// What a control looked at. Unknown is never read as good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    Number(f64),
    Text(String),
    Unknown,
}

/// One control's answer, as it goes into the record beside the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlCheck {
    pub control: ControlId,
    pub value: Measured,
    pub limit: Measured,
    pub verdict: Verdict,
    /// For the trader, when it does not pass: what is wrong and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Whether an order can cost money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptIn {
    /// It cannot: demo, simulator, the broker's certification host, paper.
    Rehearsal,
    /// It can.
    Live(LiveOptIn),
}

/// The two yeses that stand before every order with real money: the configuration's and the environment's.
/// The third is typed for each order. There is no way to this value without both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveOptIn {
    _both: (),
}

/// Where an order goes, as it stands in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Venue {
    /// A simulated exchange on this machine.
    Simulator,
    /// The broker's certification host.
    Sandbox,
    /// The paper broker: nothing leaves this process.
    Paper,
    /// The broker itself: real money.
    Live,
}

impl Venue {
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulator => "sim",
            Self::Sandbox => "sandbox",
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

/// One of the two yeses that stand before every live order and was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingYes {
    Configured,
    Switched,
}

impl MissingYes {
    /// Those that are missing, in the order in which they are given.
    pub fn of(configured: bool, switch: Option<&str>) -> Vec<Self> {
        let missing = [(configured, Self::Configured), (switch == Some("1"), Self::Switched)];
        missing.into_iter().filter(|(given, _)| !given).map(|(_, yes)| yes).collect()
    }

    /// What gives it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Configured => "`live_trading: true` under `orders:` in cotrader.yaml",
            Self::Switched => "COTRADER_LIVE=1 in the environment",
        }
    }
}

/// The environment variable of the second yes; only the value `1` is one.
pub const LIVE_SWITCH: &str = "COTRADER_LIVE";

impl LiveOptIn {
    pub fn given(configured: bool, switch: Option<&str>) -> Option<Self> {
        (configured && switch == Some("1")).then_some(Self { _both: () })
    }
}

impl OptIn {
    pub fn is_live(self) -> bool {
        matches!(self, Self::Live(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KillMode {
    /// No new entries; working orders are cancelled.
    Safe,
    /// The same, and flattening everything is proposed.
    Hard,
}

impl KillMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Hard => "hard",
        }
    }
}

/// Something that must not happen did: new orders wait until the trader has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "alarm")]
pub enum Alarm {
    /// Two orders at the broker carry one reference of ours.
    DoubledOrder { first: String, second: String },
    /// More was filled than was ordered; or what closes filled, and there was nothing left to close.
    Overfilled { order: String },
    /// A fill of an order that is not ours.
    StrangeFill { order: String },
    /// The broker's book differs from ours in what cannot be explained.
    Difference { what: String },
}

impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DoubledOrder { first, second } => {
                write!(f, "orders {first} and {second} at the broker carry one reference of ours")
            }
            Self::Overfilled { order } => {
                write!(f, "order {order} filled more than was ordered or was left to close")
            }
            Self::StrangeFill { order } => write!(f, "order {order} filled and was not sent from here"),
            Self::Difference { what } => f.write_str(what),
        }
    }
}
