//! Everything that can wake the engine: one closed enum.

use crate::domain::command::LogEntry;
use crate::domain::control::KillMode;
use crate::domain::order::{ComplexReport, DryRun, OrderReport, Placed};
use crate::domain::report::{AccountNotice, AccountsReport, MarketSession};
use crate::domain::view::View;
use crate::domain::{Command, Evaluation, OrderRef, Symbol};
use crate::market::update::{Link, LinkState, MarketUpdate, OptionChain};
use crate::risk::report::RiskReport;
use crate::risk::two_models::TwoModels;

use super::orders::NoDryRun;
use super::orders::looks::LookUp;

/// Whom an answer goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyTo(pub u64);

#[derive(Debug)]
pub enum Input {
    /// From the keyboard or a shell; `reply` is `None` where nobody waits for more than a notice.
    Command {
        command: Command,
        reply: Option<ReplyTo>,
    },
    /// Many journal lines at once: one durable batch, one answer a line.
    LogBatch {
        entries: Vec<LogEntry>,
        reply: ReplyTo,
    },
    Accounts(AccountsReport),
    AccountNotice(AccountNotice),
    Session(MarketSession),
    Market(Vec<MarketUpdate>),
    Link {
        link: Link,
        state: LinkState,
    },
    Alive {
        link: Link,
    },
    /// A full read of the broker ended; the failures in words, empty when all went well.
    Refreshed {
        failures: Vec<Failure>,
    },
    /// What a changed watch list needed has been read.
    Followed {
        failures: Vec<Failure>,
    },
    /// The listed contracts of an underlying on the watch list.
    Listed(OptionChain),
    /// The chain that a booking waits for, with quotes of the expiry it wants.
    Chain {
        booking: u64,
        chain: Result<OptionChain, NoChain>,
    },
    Evaluated {
        booking: u64,
        evaluation: Box<Evaluation>,
    },
    Risk(Box<RiskDone>),
    /// What the broker would do with an order.
    DryRun {
        reference: OrderRef,
        result: Result<DryRun, NoDryRun>,
    },
    /// The answer to the one request that sent an order.
    Placed {
        reference: OrderRef,
        placed: Placed,
    },
    /// The answer to a cancel or a replacement.
    Changed {
        reference: OrderRef,
        placed: Placed,
    },
    /// The answer to the one request that sent orders that hang together; `set` is the first of them.
    SetPlaced {
        set: OrderRef,
        placed: Placed<ComplexReport>,
    },
    /// The answer to the cancel of a set.
    SetChanged {
        set: OrderRef,
        placed: Placed<ComplexReport>,
    },
    Looked {
        look: LookUp,
        result: Result<Vec<OrderReport>, Failure>,
    },
    /// One report of a look.
    Order(Box<OrderReport>),
    /// The broker's clock less ours, where ours is the wall's.
    ClockSkew {
        ms: i64,
    },
    /// The newest question has no answer: the worker failed on it.
    RiskFailed {
        why: String,
    },
    /// The flag file of the kill switch, looked at: what it says, or that there is none.
    KillFlag(Option<KillFlagged>),
    /// A part of the process ended on an error of its own.
    Stopped {
        part: Part,
        why: String,
    },
    /// Once a second.
    Tick,
}

/// What the flag file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillFlagged {
    pub mode: KillMode,
    pub why: String,
}

/// What runs beside the engine and may stop without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Reading the broker by request.
    Reads,
    Streams,
    Risk,
    /// The socket of shell commands.
    Shell,
    /// Reading what another process records.
    Following,
}

/// Something outside failed, in words for the trader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub what: String,
    pub remedy: String,
    /// Everything was read; this is worth knowing all the same.
    pub remark: bool,
}

#[derive(Debug)]
pub struct RiskDone {
    /// The picture that it was computed for.
    pub revision: u64,
    /// And the book and view of that picture.
    pub structure: u64,
    pub view: View,
    pub report: RiskReport,
    /// Our Greeks beside the broker's.
    pub models: TwoModels,
}

/// Why a booking gets no chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoChain {
    /// The broker knows no such underlying, or no options on it.
    NotListed,
    Failed(Failure),
}

/// A subject that has a chain: what `FetchChain` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainWish {
    pub booking: u64,
    pub underlying: Symbol,
    pub days: u32,
    pub now: crate::domain::Timestamp,
}
