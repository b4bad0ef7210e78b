//! What happens to orders. An order's wish is durable before its first byte leaves; what comes back is
//! evidence, recorded as it was told.

use serde::{Deserialize, Serialize};

use crate::domain::control::{Alarm, ControlCheck, KillMode, Venue};
use crate::domain::id::{AccountId, OrderRef, TradeId};
use crate::domain::instrument::Instrument;
use crate::domain::order::{
    BrokerOrderId, ComplexKind, DryRun, Fill, NetPrice, OrderAction, OrderRefusal, OrderStatus, OrderStep,
    SetRole, Ticket, Walk,
};

/// A WhatIf becomes the intent of a real trade: the same object, one flag changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradePromoted {
    pub trade: TradeId,
    pub account: AccountId,
    pub rationale: String,
}

/// Ready to be sent; nothing has been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderStaged {
    pub ticket: Ticket,
    pub walk: Option<Walk>,
    pub dry_run: Option<DryRun>,
}

/// Orders that were staged just now hang together: they are sent in one request, and cancelled in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrdersLinked {
    /// The set is called by its first order: the trigger, or the one that takes the profit.
    pub set: OrderRef,
    pub set_kind: ComplexKind,
    pub orders: Vec<LinkedOrder>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedOrder {
    pub reference: OrderRef,
    pub role: SetRole,
}

/// The broker's number of a set, as soon as something of the broker's says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetNamed {
    pub set: OrderRef,
    pub id: BrokerOrderId,
}

/// Goes out as soon as this is durable, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderSubmitted {
    pub reference: OrderRef,
    /// Exactly what is sent.
    pub ticket: Ticket,
    /// Where to. `None`: recorded by a version that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    pub checks: Vec<ControlCheck>,
}

/// What came back on the one request that sent it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderAnswered {
    pub reference: OrderRef,
    pub answer: Answered,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Answered {
    Accepted {
        id: BrokerOrderId,
    },
    Refused {
        refusal: OrderRefusal,
    },
    /// No readable answer: it may have been done.
    Lost {
        why: String,
    },
    /// There was no readable answer, and a look long after showed that nothing of it had been done.
    NotDone,
}

/// Evidence of the broker's that moved an order, or the trader's written word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderMoved {
    pub reference: OrderRef,
    pub step: OrderStep,
    /// The broker's number of it, where this is the first evidence that names one, or a replacement's.
    pub id: Option<BrokerOrderId>,
    pub status: Option<OrderStatus>,
    /// The limit that now works.
    pub limit: Option<NetPrice>,
    pub why: Option<String>,
}

/// Each fill is booked once; its id says which it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderFilled {
    pub reference: OrderRef,
    pub fills: Vec<BookedFill>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedFill {
    pub instrument: Instrument,
    pub action: OrderAction,
    pub fill: Fill,
}

/// Goes out as soon as this is durable, once; one at a time per order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderChangeRequested {
    pub reference: OrderRef,
    pub change: OrderChange,
    pub checks: Vec<ControlCheck>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum OrderChange {
    Cancel,
    Replace { limit: NetPrice },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderChangeAnswered {
    pub reference: OrderRef,
    pub answer: Answered,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KillRaised {
    pub mode: KillMode,
    pub why: String,
}

/// Only the trader lifts it, and says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KillLifted {
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmRaised {
    pub alarm: Alarm,
    pub order: Option<OrderRef>,
}

/// All alarms that stand, after the trader has looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmsCleared {
    pub reason: String,
}
