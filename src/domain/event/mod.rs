//! What happened, in past tense. Written once, never changed; old shapes are lifted on read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::{Account, Balances};
use super::id::{AccountId, PortfolioId, SessionId, TradeId};
use super::leg::Leg;
use super::market_context::MarketContext;
use super::money::Money;
use super::portfolio::Portfolio;
use super::strategy::Strategy;
use super::symbol::Symbol;
use super::time::TradingDate;
use super::trade::{CloseReason, Evaluation, TradeKind};
use super::units::{BenchmarkShares, GammaPnl, PerDay, PerVolPoint, Shares};

mod envelope;
mod order;
pub use envelope::{Actor, Meta, Pending, Recorded, Stream};
pub use order::{
    AlarmRaised, AlarmsCleared, Answered, BookedFill, KillLifted, KillRaised, LinkedOrder, OrderAnswered,
    OrderChange, OrderChangeAnswered, OrderChangeRequested, OrderFilled, OrderMoved, OrderStaged,
    OrderSubmitted, OrdersLinked, SetNamed, TradePromoted,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    #[default]
    Decision,
    Note,
    Objective,
    Mandate,
    Outcome,
}

/// The body of an event. The variant's name in dotted form is the stored `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload")]
pub enum Event {
    #[serde(rename = "session.started")]
    SessionStarted(SessionStarted),
    #[serde(rename = "portfolio.defined")]
    PortfolioDefined(PortfolioDefined),
    #[serde(rename = "account.seen")]
    AccountSeen(AccountSeen),
    #[serde(rename = "account.balances_reported")]
    BalancesReported(BalancesReported),
    #[serde(rename = "market.observed")]
    MarketObserved(MarketObserved),
    #[serde(rename = "day.closed")]
    DayClosed(DayClosed),
    #[serde(rename = "trade.intended")]
    TradeIntended(TradeIntended),
    #[serde(rename = "trade.evaluated")]
    TradeEvaluated(TradeEvaluated),
    #[serde(rename = "trade.adopted")]
    TradeAdopted(TradeAdopted),
    /// The broker reports other quantities than the trade's: the broker is right.
    #[serde(rename = "trade.resized")]
    TradeResized(TradeResized),
    #[serde(rename = "trade.moved")]
    TradeMoved(TradeMoved),
    #[serde(rename = "trade.closed")]
    TradeClosed(TradeClosed),
    #[serde(rename = "trade.promoted")]
    TradePromoted(TradePromoted),
    #[serde(rename = "order.staged")]
    OrderStaged(OrderStaged),
    #[serde(rename = "order.linked")]
    OrdersLinked(OrdersLinked),
    #[serde(rename = "order.set_named")]
    SetNamed(SetNamed),
    #[serde(rename = "order.submitted")]
    OrderSubmitted(OrderSubmitted),
    #[serde(rename = "order.answered")]
    OrderAnswered(OrderAnswered),
    #[serde(rename = "order.moved")]
    OrderMoved(OrderMoved),
    #[serde(rename = "order.filled")]
    OrderFilled(OrderFilled),
    #[serde(rename = "order.change_requested")]
    OrderChangeRequested(OrderChangeRequested),
    #[serde(rename = "order.change_answered")]
    OrderChangeAnswered(OrderChangeAnswered),
    #[serde(rename = "kill.raised")]
    KillRaised(KillRaised),
    #[serde(rename = "kill.lifted")]
    KillLifted(KillLifted),
    #[serde(rename = "alarm.raised")]
    AlarmRaised(AlarmRaised),
    #[serde(rename = "alarm.cleared")]
    AlarmsCleared(AlarmsCleared),
    #[serde(rename = "note.recorded")]
    NoteRecorded(NoteRecorded),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStarted {
    pub session: SessionId,
    pub mode: String,
    pub version: String,
    /// Whose accounts the record is of, whatever the mode sends there. `None`: recorded by a version that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<super::control::Venue>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortfolioDefined {
    pub portfolio: Portfolio,
    /// The account it was matched to, once that account has been seen.
    pub account: Option<AccountId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountSeen {
    pub account: Account,
    /// The key that the configuration gives it, if any.
    pub key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BalancesReported {
    pub account: AccountId,
    pub balances: Balances,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketObserved {
    pub context: MarketContext,
}

/// One a session: what the book was worth and how it was exposed at the close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayClosed {
    pub date: TradingDate,
    pub equity: Vec<EquityAtClose>,
    pub exposures: Vec<ExposureAtClose>,
    pub context: MarketContext,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EquityAtClose {
    pub portfolio: Option<PortfolioId>,
    pub account: Option<AccountId>,
    /// `None`: a leg had no mark.
    pub equity: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExposureAtClose {
    pub underlying: Symbol,
    /// Of the legs that had a price; `None` when none of them had one.
    pub delta_shares: Option<Shares>,
    pub beta_weighted_delta: Option<BenchmarkShares>,
    pub gamma_pnl_1pct: Option<GammaPnl>,
    pub theta_day: Option<PerDay>,
    pub vega_point: Option<PerVolPoint>,
    pub iv30: Option<f64>,
    /// Every leg had a price.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeIntended {
    pub trade: TradeId,
    pub trade_kind: TradeKind,
    pub portfolio: Option<PortfolioId>,
    pub account: Option<AccountId>,
    pub underlying: Symbol,
    pub strategy: Strategy,
    pub legs: Vec<Leg>,
    pub note_kind: NoteKind,
    pub rationale: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeEvaluated {
    pub trade: TradeId,
    pub evaluation: Evaluation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeAdopted {
    pub trade: TradeId,
    pub account: AccountId,
    pub portfolio: Option<PortfolioId>,
    pub underlying: Symbol,
    pub strategy: Strategy,
    pub legs: Vec<Leg>,
    /// When the broker says the position was opened.
    pub opened_at: super::time::Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeResized {
    pub trade: TradeId,
    pub legs: Vec<Leg>,
    pub strategy: Strategy,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeMoved {
    pub trade: TradeId,
    pub from: Option<PortfolioId>,
    pub to: PortfolioId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeClosed {
    pub trade: TradeId,
    pub why: CloseReason,
    pub rationale: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteRecorded {
    pub trade: Option<TradeId>,
    pub note_kind: NoteKind,
    pub underlying: Option<Symbol>,
    pub strategy: Option<Strategy>,
    pub rationale: String,
}

impl Event {
    /// The stream an event belongs to.
    pub fn stream(&self) -> Stream {
        match self {
            Self::SessionStarted(e) => Stream::Session(e.session),
            Self::PortfolioDefined(e) => Stream::Portfolio(e.portfolio.id),
            Self::AccountSeen(e) => Stream::Account(e.account.id),
            Self::BalancesReported(e) => Stream::Account(e.account),
            Self::MarketObserved(_) | Self::DayClosed(_) => Stream::Market,
            Self::TradeIntended(e) => Stream::Trade(e.trade),
            Self::TradeEvaluated(e) => Stream::Trade(e.trade),
            Self::TradeAdopted(e) => Stream::Trade(e.trade),
            Self::TradeResized(e) => Stream::Trade(e.trade),
            Self::TradeMoved(e) => Stream::Trade(e.trade),
            Self::TradeClosed(e) => Stream::Trade(e.trade),
            Self::TradePromoted(e) => Stream::Trade(e.trade),
            Self::OrderStaged(e) => Stream::Order(e.ticket.reference),
            Self::OrdersLinked(e) => Stream::Order(e.set),
            Self::SetNamed(e) => Stream::Order(e.set),
            Self::OrderSubmitted(e) => Stream::Order(e.reference),
            Self::OrderAnswered(e) => Stream::Order(e.reference),
            Self::OrderMoved(e) => Stream::Order(e.reference),
            Self::OrderFilled(e) => Stream::Order(e.reference),
            Self::OrderChangeRequested(e) => Stream::Order(e.reference),
            Self::OrderChangeAnswered(e) => Stream::Order(e.reference),
            Self::KillRaised(_) | Self::KillLifted(_) | Self::AlarmRaised(_) | Self::AlarmsCleared(_) => {
                Stream::Safety
            }
            Self::NoteRecorded(e) => e.trade.map_or(Stream::Journal, Stream::Trade),
        }
    }

    /// Stored beside the payload; a new shape gets a new number and an upcaster.
    pub fn schema(&self) -> u32 {
        1
    }

    /// The dotted kind and the payload, as they are stored.
    pub fn to_stored(&self) -> Result<(String, serde_json::Value), serde_json::Error> {
        match serde_json::to_value(self)? {
            serde_json::Value::Object(mut map) => {
                let kind = map.remove("kind").and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
                Ok((kind, map.remove("payload").unwrap_or_default()))
            }
            other => Ok((String::new(), other)),
        }
    }

    pub fn from_stored(kind: &str, payload: serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::json!({ "kind": kind, "payload": payload }))
    }
}
