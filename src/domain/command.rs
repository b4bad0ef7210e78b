//! What the trader asks. Imperative; the engine answers with events or a refusal.

use serde::{Deserialize, Serialize};

use super::command_line::BookingLine;
use super::control::KillMode;
use super::event::{NoteKind, TradeIntended};
use super::id::{EventId, OrderRef, PortfolioId, TradeId};
use super::order::{BrokerOrderId, NetPrice, OrderFor};
use super::time::Timestamp;
use super::trade::Evaluation;
use super::view::View;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// Book a WhatIf from the one-line form.
    Book {
        line: BookingLine,
        rationale: String,
    },
    /// Journal a decision or a note.
    Log(LogEntry),
    /// Route a trade to a portfolio.
    Move {
        trade: TradeId,
        to: PortfolioId,
    },
    /// Discard a WhatIf or an intent.
    Discard {
        trade: TradeId,
        reason: String,
    },
    /// No new entries from now on, and working orders are cancelled; hard: flattening is proposed as well.
    Kill {
        mode: KillMode,
        why: String,
    },
    /// Orders may go out again.
    ResetKill {
        reason: String,
    },
    /// Make an order of a trade (a WhatIf becomes real with it), and ask the broker what it would do. Nothing is
    /// sent.
    Stage {
        trade: TradeId,
        purpose: OrderFor,
        /// Without one the limit walks from mid, or rests where the exit rule says.
        limit: Option<NetPrice>,
        rationale: String,
    },
    /// The trader's yes to exactly the body that was shown.
    Send {
        order: OrderRef,
        body_hash: String,
        /// With real money symbol and lots are typed, as in `SPY 1`.
        typed: Option<String>,
        /// As of when it was shown: a yes does not keep.
        shown_at: Timestamp,
    },
    CancelOrder {
        order: OrderRef,
    },
    ReplaceOrder {
        order: OrderRef,
        limit: NetPrice,
    },
    /// Take back a staged order, or write off one whose truth could not be found.
    DropOrder {
        order: OrderRef,
        reason: String,
    },
    /// One that the broker shows without a reference is an order of ours whose fate is unknown; the reason says how
    /// the trader knows.
    AdoptOrder {
        order: OrderRef,
        id: BrokerOrderId,
        reason: String,
    },
    /// The trader has looked: new orders may go out again.
    ClearAlarms {
        reason: String,
    },
    /// Read everything from the broker again.
    Refresh,
    SetStreaming {
        on: bool,
    },
    SetView {
        view: View,
    },
}

/// One line of `cotrader log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    #[serde(default)]
    pub underlying: Option<String>,
    #[serde(default)]
    pub strategy: Option<String>,
    pub rationale: String,
    #[serde(default)]
    pub portfolio: Option<String>,
    #[serde(default)]
    pub trade: Option<TradeId>,
    #[serde(default)]
    pub kind: NoteKind,
    /// Idempotency key: the same key twice is one event.
    #[serde(default)]
    pub key: Option<String>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    pub events: Vec<EventId>,
    pub trade: Option<TradeId>,
    /// One sentence for the toast or the shell.
    pub said: String,
    /// What a booking made, and how it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked: Option<Box<Booked>>,
}

impl Done {
    /// Nothing had to be recorded.
    pub fn without_events(said: String) -> Self {
        Self { events: Vec::new(), trade: None, said, booked: None }
    }
}

/// A WhatIf as it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booked {
    pub intended: TradeIntended,
    pub evaluation: Evaluation,
}
