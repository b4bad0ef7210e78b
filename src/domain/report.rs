//! What the outside reports, in our words.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::{Account, Balances};
use super::id::AccountId;
use super::instrument::Instrument;
use super::money::Price;
use super::order::OrderReport;
use super::time::{Timestamp, TradingDate};

/// A position as the broker holds it. The sign comes from its direction field, never from cost effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrokerPosition {
    pub instrument: Instrument,
    pub quantity: Decimal,
    pub average_open_price: Option<Price>,
    /// Previous official close; `None` where the broker sends zero.
    pub close_price: Option<Price>,
    /// When it was opened.
    pub created_at: Option<Timestamp>,
}

/// Everything one REST look at the accounts brought. Complete for the accounts it names.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountsReport {
    pub accounts: Vec<AccountReport>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AccountReport {
    pub account: Account,
    pub balances: Option<Balances>,
    /// `None`: the look failed, which is not the same as no positions.
    pub positions: Option<Vec<BrokerPosition>>,
    /// Positions that the broker holds and that are not in `positions`: of a kind not modelled here, or not
    /// readable. Unless it is zero, a missing position is not a closed one.
    pub unread: usize,
}

/// What the broker lets an account do at present. `None`: it did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradingStatus {
    pub closed: Option<bool>,
    pub frozen: Option<bool>,
    /// Only orders that close something are taken.
    pub closing_only: Option<bool>,
    /// Only orders that lower the risk are taken.
    pub risk_reducing_only: Option<bool>,
    pub margin_call: Option<bool>,
    /// In a call for maintenance after day trades.
    pub day_trade_call: Option<bool>,
    pub pattern_day_trader: Option<bool>,
    pub day_trades: Option<u32>,
    pub short_calls: Option<bool>,
    /// The broker's word for the options that may be traded, as it came.
    pub options_level: Option<String>,
}

impl TradingStatus {
    /// Why new positions are not taken; `None`: nothing said so.
    pub fn obstacle(&self) -> Option<&'static str> {
        let table = [
            (self.closed, "the account is closed"),
            (self.frozen, "the account is frozen"),
            (self.closing_only, "only orders that close a position are taken"),
            (self.risk_reducing_only, "only orders that reduce risk are taken"),
            (self.margin_call, "the account is in a margin call"),
            (self.day_trade_call, "the account is in a day-trade maintenance call"),
        ];
        table.into_iter().find_map(|(holds, words)| (holds == Some(true)).then_some(words))
    }
}

/// Days on which the exchange does not trade, or not to the end, as the broker lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketHolidays {
    pub closed: BTreeSet<TradingDate>,
    pub early: BTreeSet<TradingDate>,
}

/// One account's change from the account stream: a hint, REST is the truth.
#[derive(Debug, Clone, PartialEq)]
pub enum AccountNotice {
    Balances {
        account: AccountId,
        balances: Balances,
    },
    Position {
        account: AccountId,
        position: BrokerPosition,
    },
    /// One order as it stands now, in full. Older states and repeats come, too.
    Order {
        report: Box<OrderReport>,
    },
    /// Something else changed: read the account again.
    Other {
        account: Option<AccountId>,
        kind: String,
    },
}

/// The exchange's session, as the broker states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketSession {
    pub state: SessionState,
    pub open_at: Option<Timestamp>,
    pub close_at: Option<Timestamp>,
    pub next_open_at: Option<Timestamp>,
    pub next_date: Option<TradingDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    Open,
    PreMarket,
    AfterHours,
    Closed,
    Unknown,
}
