//! Accounts as the broker reports them, without their numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::AccountId;
use super::money::Money;
use super::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Taxable margin account.
    Margin,
    Cash,
    /// Retirement account: no uncovered short call, no short stock, no margin debit.
    Ira,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    pub id: AccountId,
    pub broker: String,
    /// `…0001`: the last four characters; the number itself is never kept.
    pub masked_number: String,
    pub nickname: String,
    pub kind: AccountKind,
}

/// What the broker says the account is worth. Its net liq can lag the marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balances {
    pub cash: Option<Money>,
    pub net_liq: Option<Money>,
    pub buying_power: Option<Money>,
    /// What the broker requires against the positions.
    pub requirement: Option<Money>,
    pub as_of: Timestamp,
}

/// How a configured account finds the broker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRule {
    /// The name that portfolios refer to, such as `ira`.
    pub key: String,
    pub kind: AccountKind,
    /// The last characters of the number; without them the kind decides.
    pub number_ends_with: Option<String>,
    /// What the trader put into it: the frame that allocations must fit.
    pub capital: Option<Money>,
}
