//! The orders of the day and those that have not ended: what `O` lists.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::domain::control::Venue;
use crate::domain::order::{ComplexKind, NetPrice, OrderState, SetRole};
use crate::domain::{Money, OrderRef, Price, Symbol, TradeId};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrdersPanel {
    /// What is in doubt first, then what works, what is staged, and what has ended today, newest first.
    pub rows: Vec<OrderRow>,
    pub staged: usize,
    pub working: usize,
    pub unknown: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderRow {
    pub reference: OrderRef,
    /// The broker's number.
    pub broker_id: Option<String>,
    pub trade: TradeId,
    pub underlying: Symbol,
    /// "close iron condor 18 Dec 645/650 705/710"
    pub label: String,
    pub account: String,
    pub state: OrderState,
    /// Where it was sent, or would be: "paper" for what no broker ever sees.
    pub venue: Option<Venue>,
    /// Whether its truth at the broker is not known: shown red, never sent again.
    pub unknown: bool,
    /// Numbers at the broker that carry no reference and look like this one: only the trader can say.
    pub looks_like: Vec<String>,
    /// "working, cancel requested", "unknown: no answer in 30 s"
    pub words: String,
    /// Net price per unit, credits positive: the limit that works, the worst it walks to, mid and natural now.
    pub limit: NetPrice,
    /// "day", "good till cancelled".
    pub good_for: String,
    pub portfolio: Option<String>,
    pub worst: Option<NetPrice>,
    pub mid: Shown<NetPrice>,
    pub natural: Shown<NetPrice>,
    pub legs: Vec<OrderLegRow>,
    /// Units of the package: lots.
    pub units: u32,
    pub staged_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    /// When its state last changed.
    pub since: DateTime<Utc>,
    /// What the broker said it would do, before it was sent.
    pub buying_power_change: Option<Money>,
    pub fees: Option<Money>,
    pub warnings: Vec<String>,
    /// Of the body that was judged: a yes is bound to it.
    pub body_hash: Option<String>,
    /// Its place among orders that hang together; they stand together in the list.
    pub set: Option<SetRow>,
    /// An exit that rests until it is cancelled.
    pub rests: bool,
    /// It works where this run sends nothing: it cannot be cancelled from here.
    pub out_of_reach: bool,
    pub can_send: bool,
    pub can_cancel: bool,
    pub can_change: bool,
    pub can_drop: bool,
}

/// Orders that are sent in one request, and of which one's fill ends or begins the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetRow {
    /// The first order of the set.
    pub set: OrderRef,
    pub kind: ComplexKind,
    pub role: SetRole,
    /// The broker's number of the set.
    pub broker_id: Option<String>,
    /// "waits for the opening order; ends when the other exit fills"
    pub words: String,
    /// The broker holds it back until another one fills.
    pub waits: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLegRow {
    /// "sell to open 18 Dec 645 P"
    pub label: String,
    pub instrument: String,
    pub quantity: u32,
    pub filled: Decimal,
    /// Average of its fills.
    pub price: Option<Price>,
}
