//! Why a command was refused, and what to do about it.

use super::id::{OrderRef, TradeId};
use super::symbol::Symbol;
use super::text::clean;
use super::trade::IllegalTransition;

/// Why a cockpit shows and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadOnly {
    /// Another process writes to the store, and this one shows what it records.
    #[error("the store is held by process {pid} since {since}")]
    Held { pid: u32, since: String },
    /// It wrote, and has ended.
    #[error("process {pid}, which held the store, has ended")]
    Released { pid: u32 },
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A write failed: nothing is retried.
    #[error("{0}")]
    Stopped(String),
}

impl ReadOnly {
    /// What the trader can do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Held { .. } => "decide there, or close it and start again",
            Self::Released { .. } => "start again to decide here",
            Self::Damaged(_) => "`cotrader verify` says where; restore a backup into an empty folder",
            Self::Stopped(_) => "free space or replace the disk, then start cotrader again",
        }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("no trade {0}")]
    UnknownTrade(TradeId),
    #[error("no portfolio named {:?}", clean(.0, 40))]
    UnknownPortfolio(String),
    #[error("{:?} is not a strategy", clean(.0, 40))]
    UnknownStrategy(String),
    #[error("a rationale is needed")]
    EmptyRationale,
    #[error("the text is longer than {limit} characters")]
    TextTooLong { limit: usize },
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    #[error("only a WhatIf can be discarded; this is a real position")]
    NotAWhatIf,
    #[error("{portfolio} lives in another account than the position")]
    OtherAccount { portfolio: String },
    #[error("{portfolio} does not permit {strategy}")]
    NotPermitted { portfolio: String, strategy: String },
    #[error("{why}")]
    NotAllowedThere { why: String },
    #[error("{strategy} cannot be booked yet: vertical spreads and iron condors can")]
    NotBookable { strategy: String },
    #[error("{0} has no option chain here")]
    NoChain(Symbol),
    #[error("no strikes for this in {underlying}: {why}")]
    NoStrikes { underlying: Symbol, why: String },
    #[error("quotes of {0} are missing or stale")]
    StaleMarket(Symbol),
    #[error("{limit} would be at {percent} %")]
    LimitBlocks { limit: String, percent: i64 },
    #[error("{limit} allows nothing at all")]
    LimitIsNone { limit: String },
    #[error("trading in {0} is halted: there is no market to judge it by")]
    Halted(Symbol),
    #[error("no limit is set for what one trade of this portfolio may lose")]
    NoTradeLoss,
    #[error("{limit} of the portfolio is not known: something in it has no usable quote")]
    LimitUnknown { limit: String },
    #[error("the book changed or the quotes grew old while this was being judged")]
    Overtaken,
    #[error("{most} bookings are on their way already")]
    TooManyBookings { most: usize },
    #[error("this cannot be recorded: {why}")]
    NotRecorded { why: String },
    #[error("nothing can be recorded here: {0}")]
    ReadOnly(ReadOnly),
    #[error("this computer's clock is {seconds} s off the broker's")]
    ClockOff { seconds: i64 },
    #[error("no alarm stands")]
    NoAlarm,
    #[error("no order {0}")]
    UnknownOrder(OrderRef),
    #[error("not possible: {why}")]
    NotOrderable { why: String },
    /// The account is read and not traded in this run.
    #[error("not possible: {why}")]
    OnlyRead { why: String, remedy: String },
    #[error("the broker would refuse it: {what}")]
    BrokerRefuses { what: String },
    /// A pre-trade control says no.
    #[error("{name} (control {number}) blocks it: {why}")]
    Control { number: usize, name: &'static str, why: String },
    #[error("{what}")]
    CouldNotRead { what: String, remedy: String },
    #[error("{0}")]
    BadLine(super::command_line::BadLine),
}

impl Refusal {
    /// What the trader can do next.
    pub fn remedy(&self) -> &str {
        match self {
            Self::UnknownTrade(_) => "take an id that `cotrader events` or `cotrader snapshot --json` prints",
            Self::UnknownPortfolio(_) => {
                "portfolios are core, medium, high, model or those of portfolios.yaml"
            }
            Self::UnknownStrategy(_) => "use a name such as vertical_spread, iron_condor, covered_call",
            Self::EmptyRationale => "say why in a few words",
            Self::TextTooLong { .. } => "shorten it",
            Self::Illegal(_) | Self::NotAWhatIf => "pick a trade that is still an intent or a WhatIf",
            Self::OtherAccount { .. } => "move it to a portfolio of the same account",
            Self::NotPermitted { .. } | Self::NotAllowedThere { .. } => {
                "take another portfolio, or change its permissions in portfolios.yaml"
            }
            Self::NotBookable { .. } => "book a vertical spread or an iron condor",
            Self::NoChain(_) => "take an underlying with listed options",
            Self::NoStrikes { .. } => "change delta, width or days",
            Self::StaleMarket(_) => "refresh with r and try again",
            Self::LimitBlocks { .. } => "take fewer lots, a narrower width, or reduce something first",
            Self::LimitIsNone { .. } => "take another portfolio, or change the limit in its configuration",
            Self::Halted(_) => "wait until it trades again",
            Self::NoTradeLoss => "set it under `orders: trade_loss:` in cotrader.yaml",
            Self::LimitUnknown { .. } => {
                "refresh with r; `snapshot --json` names what is missing under warnings"
            }
            Self::Overtaken | Self::TooManyBookings { .. } => "book it again in a moment",
            Self::NotRecorded { .. } => "change what the message names and try again",
            Self::ReadOnly(why) => why.remedy(),
            Self::ClockOff { .. } => "set it from the network (NTP), then refresh with r",
            Self::NoAlarm => "nothing is to be done",
            Self::UnknownOrder(_) => "take one that O lists",
            Self::NotOrderable { .. } => "O shows the orders, `cotrader snapshot --json` the trades",
            Self::BrokerRefuses { .. } => "change what it names and stage it again",
            Self::Control { .. } => "put right what it names; the others are in the record of the order",
            Self::CouldNotRead { remedy, .. } | Self::OnlyRead { remedy, .. } => remedy,
            Self::BadLine(bad) => bad.remedy(),
        }
    }

    /// Blocked by a limit or gate rather than malformed: exit code 3 in the shell.
    pub fn is_block(&self) -> bool {
        matches!(
            self,
            Self::LimitBlocks { .. }
                | Self::LimitIsNone { .. }
                | Self::LimitUnknown { .. }
                | Self::NoTradeLoss
                | Self::Halted(_)
                | Self::NotPermitted { .. }
                | Self::NotAllowedThere { .. }
                | Self::StaleMarket(_)
                | Self::ClockOff { .. }
                | Self::BrokerRefuses { .. }
                | Self::OnlyRead { .. }
                | Self::Control { .. }
        )
    }
}
