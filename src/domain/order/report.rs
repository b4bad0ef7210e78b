//! What the broker says of an order, in our words.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::{NetPrice, OrderAction};
use crate::domain::id::{AccountId, OrderRef};
use crate::domain::instrument::Instrument;
use crate::domain::money::{Money, Price};
use crate::domain::time::Timestamp;

/// The broker's number of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BrokerOrderId(pub String);

impl std::fmt::Display for BrokerOrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// The broker's name of one fill of one leg. Each is booked at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FillId(pub String);

/// The broker's word for where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Received,
    Routed,
    InFlight,
    Contingent,
    Live,
    CancelRequested,
    ReplaceRequested,
    RemovePending,
    Filled,
    Cancelled,
    Expired,
    Rejected,
    Removed,
    PartiallyRemoved,
    /// A word that is not known here: never taken for an end.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Submission,
    Working,
    Ended,
}

impl OrderStatus {
    pub fn phase(&self) -> Phase {
        match self {
            Self::Received | Self::Routed | Self::InFlight | Self::Contingent => Phase::Submission,
            Self::Live
            | Self::CancelRequested
            | Self::ReplaceRequested
            | Self::RemovePending
            | Self::Other(_) => Phase::Working,
            Self::Filled
            | Self::Cancelled
            | Self::Expired
            | Self::Rejected
            | Self::Removed
            | Self::PartiallyRemoved => Phase::Ended,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fill {
    pub id: FillId,
    /// Contracts or shares, positive.
    pub quantity: Decimal,
    pub price: Price,
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegReport {
    /// `None`: a symbol that is not readable here.
    pub instrument: Option<Instrument>,
    pub action: Option<OrderAction>,
    pub quantity: Option<Decimal>,
    pub remaining: Option<Decimal>,
    /// All fills so far; every report repeats them.
    pub fills: Vec<Fill>,
}

/// One look at one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderReport {
    pub id: BrokerOrderId,
    pub account: AccountId,
    /// Ours, where the broker gives back what it was sent.
    pub reference: Option<OrderRef>,
    pub status: OrderStatus,
    pub legs: Vec<LegReport>,
    pub limit: Option<NetPrice>,
    pub received_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// This order took the place of that one.
    pub replaces: Option<BrokerOrderId>,
    pub replaced_by: Option<BrokerOrderId>,
    /// The set of orders it belongs to.
    pub complex: Option<BrokerOrderId>,
    pub reject_reason: Option<String>,
}

impl OrderReport {
    /// Every leg is filled to its quantity. The word `Filled` alone does not say so: for several legs it comes
    /// with the first of them.
    pub fn is_filled(&self) -> bool {
        !self.legs.is_empty()
            && self.legs.iter().all(|leg| {
                let filled: Decimal = leg.fills.iter().map(|fill| fill.quantity).sum();
                leg.quantity.is_some_and(|wanted| filled >= wanted)
            })
    }

    pub fn has_fills(&self) -> bool {
        self.legs.iter().any(|leg| !leg.fills.is_empty())
    }
}

/// A code and a sentence of the broker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerMessage {
    pub code: String,
    pub text: String,
}

/// What the broker would do with an order, asked before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRun {
    /// Of exactly the body that was asked about: only that may be sent.
    pub body_hash: String,
    pub at: Timestamp,
    /// Signed: what the order takes from buying power is negative.
    pub buying_power_change: Option<Money>,
    pub buying_power_after: Option<Money>,
    /// Signed: what the order binds is negative.
    pub margin_change: Option<Money>,
    /// Signed: what is paid is negative.
    pub fees: Option<Money>,
    pub warnings: Vec<BrokerMessage>,
    pub errors: Vec<BrokerMessage>,
}

/// A definite no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderRefusal {
    /// The broker's status of the answer; 0 where nothing was sent.
    pub status: u16,
    pub messages: Vec<BrokerMessage>,
}

impl std::fmt::Display for OrderRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.messages.split_first() {
            None => write!(f, "refused ({})", self.status),
            Some((first, rest)) => {
                write!(f, "{}", first.text)?;
                rest.iter().try_for_each(|message| write!(f, "; {}", message.text))
            }
        }
    }
}

/// Orders that hang together, as the broker holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplexReport {
    pub id: BrokerOrderId,
    pub account: AccountId,
    /// Every order of the set, the trigger first.
    pub orders: Vec<OrderReport>,
}

/// What came of the one request that sends, replaces or cancels an order, or a set of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed<R = OrderReport> {
    Accepted(Box<R>),
    /// The broker has not done it and will not.
    Refused(OrderRefusal),
    /// It may have been done, or may still be: look, never send again.
    Unknown {
        why: String,
    },
}
