//! What the engine wants from the world, as data. Effects run after the events of the same step are durable.

use crate::booking::evaluate::EvaluationJob;
use crate::domain::control::KillMode;
use crate::domain::order::{BrokerOrderId, ComplexTicket, OrderReport, Ticket};
use crate::domain::view::View;
use crate::domain::{AccountId, Instrument, OrderRef, Symbol, Timestamp};
use crate::risk::RiskBook;
use crate::risk::controls::{Cleared, Replacement};
use crate::risk::report::RiskQuestion;
use crate::risk::two_models::{Pair, Units};
use crate::snapshot::Notice;

use super::input::ChainWish;
use super::orders::looks::LookUp;

#[derive(Debug)]
pub enum Effect {
    /// Read accounts, quotes, metrics and session again.
    Refresh,
    /// What the market stream should carry.
    Watch(Watch),
    /// The same report once more, now that the books know its accounts.
    Reconsider(Box<crate::domain::report::AccountsReport>),
    /// One attempt at every lost link, now.
    RetryLinks,
    FetchChain(ChainWish),
    /// Ask the broker what it would do with an order. Nothing is sent.
    DryRun(Box<Ticket>),
    /// Once, and only after its wish is durable.
    Submit(Box<Cleared<Ticket>>),
    Replace {
        id: BrokerOrderId,
        cleared: Box<Cleared<Replacement>>,
    },
    Cancel {
        reference: OrderRef,
        account: AccountId,
        id: BrokerOrderId,
    },
    /// The same for orders that hang together.
    DryRunSet(Box<ComplexTicket>),
    SubmitSet(Box<Cleared<ComplexTicket>>),
    CancelSet {
        set: OrderRef,
        account: AccountId,
        id: BrokerOrderId,
    },
    LookUp(LookUp),
    /// One report of a look, judged by itself on the books as they then are.
    Consider(Box<OrderReport>),
    Evaluate {
        booking: u64,
        job: Box<EvaluationJob>,
    },
    Compute(Box<RiskJob>),
    /// The flag file of the kill switch is put down, where it is not.
    RaiseKillFlag {
        mode: KillMode,
        why: String,
    },
    /// The switch is reset, and that is durable: its flag file goes.
    LowerKillFlag,
    Say(Notice),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watch {
    pub on: bool,
    pub instruments: Vec<Instrument>,
    pub history: Vec<(Symbol, Timestamp)>,
    /// Underlyings whose metrics a refresh reads.
    pub underlyings: Vec<Symbol>,
    /// Underlyings whose listed contracts are needed: index options are priced on their parity forward.
    pub chains: Vec<Symbol>,
}

/// One question to the risk worker; a newer one replaces a waiting one.
#[derive(Debug, Clone)]
pub struct RiskJob {
    pub revision: u64,
    pub structure: u64,
    pub view: View,
    pub book: RiskBook,
    pub question: RiskQuestion,
    /// Options that the broker has Greeks of, and the units that it was found to send them in.
    pub pairs: Vec<Pair>,
    pub units: Units,
}
