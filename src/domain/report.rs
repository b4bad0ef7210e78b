//! What the outside reports, in our words.

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
