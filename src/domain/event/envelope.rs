//! What stands around an event's body.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::domain::id::{AccountId, CorrelationId, EventId, OrderRef, PortfolioId, SessionId, TradeId};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    Trade(TradeId),
    Portfolio(PortfolioId),
    Account(AccountId),
    Order(OrderRef),
    Session(SessionId),
    Market,
    /// The kill switch and alarms.
    Safety,
    /// Notes that belong to no trade.
    Journal,
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trade(id) => write!(f, "trade/{id}"),
            Self::Portfolio(id) => write!(f, "portfolio/{id}"),
            Self::Account(id) => write!(f, "account/{id}"),
            Self::Order(id) => write!(f, "order/{id}"),
            Self::Session(id) => write!(f, "session/{id}"),
            Self::Market => f.write_str("market"),
            Self::Safety => f.write_str("safety"),
            Self::Journal => f.write_str("journal"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Trader,
    System,
    Broker,
}

impl Actor {
    pub fn key(self) -> &'static str {
        match self {
            Self::Trader => "trader",
            Self::System => "system",
            Self::Broker => "broker",
        }
    }
}

/// Identity and cause of an event: the part that is known before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub id: EventId,
    /// The broker's clock in demo, sim and replay; the wall clock otherwise.
    pub occurred_at: Timestamp,
    pub actor: Actor,
    pub correlation: CorrelationId,
    /// The event that brought this one about.
    pub causation: Option<EventId>,
    /// The same key twice is one event.
    pub key: Option<String>,
}

/// Decided, not yet durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    pub meta: Meta,
    pub event: Event,
}

/// Durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub seq: u64,
    pub meta: Meta,
    pub recorded_at: Timestamp,
    pub event: Arc<Event>,
}
