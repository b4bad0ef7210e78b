//! Orders that hang together at the broker: one that opens and its exits, or two exits of which one ends the other.
//!
//! A stop can be said here only, and only with a limit: it is an exit of a set and never an order of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::{NetPrice, Ticket};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComplexKind {
    /// One cancels the other.
    Oco,
    /// The first one's fill sends the others, of which one cancels the other.
    Otoco,
    /// The first one's fill sends the others.
    Oto,
}

impl ComplexKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Oco => "OCO",
            Self::Otoco => "OTOCO",
            Self::Oto => "OTO",
        }
    }
}

/// An order of a set other than its trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    pub ticket: Ticket,
    /// It begins to work, at its limit, once the market gives no more than this.
    pub stop: Option<NetPrice>,
}

impl From<Ticket> for Exit {
    fn from(ticket: Ticket) -> Self {
        Self { ticket, stop: None }
    }
}

/// Orders that hang together at the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplexTicket {
    pub kind: ComplexKind,
    pub trigger: Option<Ticket>,
    pub orders: Vec<Exit>,
}

impl ComplexTicket {
    /// Every order of the set, the trigger first.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.trigger.iter().chain(self.orders.iter().map(|exit| &exit.ticket))
    }

    /// The order that the set is called by.
    pub fn lead(&self) -> Option<&Ticket> {
        self.tickets().next()
    }
}

/// The place of an order in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum SetRole {
    /// Opens; its fill sends the exits.
    Trigger,
    /// Takes the profit.
    Target,
    /// Ends the loss: begins to work once the market gives no more than `at`.
    Stop { at: NetPrice },
}

impl SetRole {
    pub fn stop(self) -> Option<NetPrice> {
        match self {
            Self::Stop { at } => Some(at),
            Self::Trigger | Self::Target => None,
        }
    }
}
