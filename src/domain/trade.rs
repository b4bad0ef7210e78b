//! A trade and its state machine. A WhatIf is the same object with one flag; whether a trade is open is
//! computed from its state and legs, never stored.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{AccountId, PortfolioId, TradeId};
use super::instrument::Right;
use super::leg::Leg;
use super::money::Money;
use super::strategy::Strategy;
use super::symbol::Symbol;
use super::time::Timestamp;
use super::units::{BenchmarkShares, PerDay, PerVolPoint, Shares};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TradeKind {
    Real,
    WhatIf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    Closed,
    Expired,
    Assigned,
    Exercised,
    CashSettled,
    Abandoned,
    /// The broker no longer reports the legs and has not said why.
    GoneAtBroker,
}

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum TradeState {
    Intent,
    Evaluated,
    /// An order is submitting, working or unknown.
    Pending,
    Executed,
    Closed {
        why: CloseReason,
    },
    Rolled {
        into: TradeId,
    },
}

/// What can move a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum TradeStep {
    Evaluate,
    Edit,
    Submit,
    Reject,
    Fill,
    Close { why: CloseReason },
    Roll { into: TradeId },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trade that is {from:?} cannot {step:?}")]
pub struct IllegalTransition {
    pub from: TradeState,
    pub step: TradeStep,
}

impl TradeState {
    /// The one table of legal moves.
    pub fn next(self, step: TradeStep) -> Result<Self, IllegalTransition> {
        use TradeState as S;
        use TradeStep as T;
        let abandon = |why| why == CloseReason::Abandoned;
        match (self, step) {
            (S::Intent | S::Evaluated, T::Evaluate) => Ok(S::Evaluated),
            (S::Evaluated, T::Edit) => Ok(S::Intent),
            (S::Evaluated, T::Submit) => Ok(S::Pending),
            (S::Pending, T::Reject) => Ok(S::Evaluated),
            (S::Pending, T::Fill) => Ok(S::Executed),
            // A fill can arrive after the cancel was acknowledged: the exchange was faster.
            (S::Evaluated, T::Fill) => Ok(S::Executed),
            // Later fills of the same order.
            (S::Executed, T::Fill) => Ok(S::Executed),
            (S::Intent | S::Evaluated, T::Close { why }) if abandon(why) => Ok(S::Closed { why }),
            (S::Executed, T::Close { why }) if !abandon(why) => Ok(S::Closed { why }),
            (S::Executed, T::Roll { into }) => Ok(S::Rolled { into }),
            (from, step) => Err(IllegalTransition { from, step }),
        }
    }
}

/// The figures a trade was judged by before it could go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    /// Credit positive, debit negative, for the whole trade at mid; `None` when unknown.
    pub net_price: Option<Money>,
    /// `None` when unlimited, or unknown: see `payoff_unknown`.
    pub max_profit: Option<Money>,
    pub max_loss: Option<Money>,
    /// What it makes and loses at expiry could not be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub payoff_unknown: bool,
    pub defined_risk: bool,
    /// What it loses in the stress of L7, positive; `None` when a leg has no price, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress_loss: Option<Money>,
    pub breakevens: Vec<f64>,
    /// `None` where a leg had no volatility, or nobody asked yet: records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odds: Option<TradeOdds>,
    /// Of the whole trade; `None` when a leg of it has no usable price.
    pub delta_shares: Option<Shares>,
    pub beta_weighted_delta: Option<BenchmarkShares>,
    pub theta_day: Option<PerDay>,
    pub vega_point: Option<PerVolPoint>,
    /// Each limit of the trade's portfolio, before and after.
    pub limits: Vec<LimitChange>,
    pub verdict: Verdict,
    /// What a trader should know in words: permission, missing data, nearest listed expiry.
    pub notes: Vec<String>,
}

/// Of a structure that is held to its expiry, from its entry prices, before fees. Probabilities from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeOdds {
    /// That it ends with a profit.
    pub pop: f64,
    /// That it ends with the most it can make; 0 where that has no limit.
    pub p_max_profit: f64,
    /// That it ends with the most it can lose; 0 where that has no limit.
    pub p_max_loss: f64,
    /// For each strike that is short: that the underlying stands there at any moment before.
    pub probability_of_touch: Vec<Touch>,
    /// Expected dollars, every leg at the volatility that its own quote implies: what the market pays for it.
    pub ev: Option<Money>,
    /// The same if volatility comes halfway between implied and the last 20 sessions'.
    pub ev_forecast: Option<Money>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Touch {
    pub strike: Decimal,
    pub right: Right,
    pub probability: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitChange {
    pub limit: super::limit::LimitId,
    pub before: Option<f64>,
    pub after: Option<f64>,
    pub state: super::limit::LimitState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Warn,
    Block,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trade {
    pub id: TradeId,
    pub kind: TradeKind,
    /// `None`: in the inbox `unassigned`, until the trader routes it.
    pub portfolio: Option<PortfolioId>,
    /// `None` for hypothetical trades and for intents without legs.
    pub account: Option<AccountId>,
    pub underlying: Symbol,
    pub strategy: Strategy,
    pub legs: Vec<Leg>,
    pub state: TradeState,
    pub opened_at: Timestamp,
    /// Adopted from the broker rather than booked here.
    pub adopted: bool,
    pub rationale: Option<String>,
    pub evaluation: Option<Evaluation>,
}

impl Trade {
    /// Open: executed, and something is left.
    pub fn is_open(&self) -> bool {
        self.state == TradeState::Executed && self.legs.iter().any(|leg| leg.quantity != Decimal::ZERO)
    }

    /// A live WhatIf: it has legs and has not been discarded.
    pub fn is_what_if(&self) -> bool {
        self.kind == TradeKind::WhatIf
            && matches!(self.state, TradeState::Intent | TradeState::Evaluated)
            && !self.legs.is_empty()
    }

    /// Meant for real and not there yet: its order is staged, at the broker, or of unknown fate.
    pub fn is_on_its_way(&self) -> bool {
        self.kind == TradeKind::Real
            && matches!(self.state, TradeState::Intent | TradeState::Evaluated | TradeState::Pending)
            && !self.legs.is_empty()
    }

    /// Wanted or tried out, neither held nor at a broker.
    pub fn is_meant(&self) -> bool {
        self.is_shown() && !self.is_open() && self.state != TradeState::Pending
    }

    /// On the screen: held, tried out, or on its way.
    pub fn is_shown(&self) -> bool {
        self.is_open() || self.is_what_if() || self.is_on_its_way()
    }

    /// Net cost of the legs: positive when the trade was paid for, negative when it brought in a credit.
    pub fn entry_cost(&self) -> Option<Money> {
        self.legs.iter().map(Leg::cost).sum()
    }
}
