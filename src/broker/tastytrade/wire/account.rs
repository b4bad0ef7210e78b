//! Accounts, balances, positions and the account stream's messages.

use serde::Deserialize;

use super::{Day, Flag, Many, Num, Text, When};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AccountEntry {
    pub account: Account,
    pub authority_level: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Account {
    pub account_number: Text,
    pub nickname: Text,
    pub account_type_name: Text,
    pub margin_or_cash: Text,
    pub is_closed: Flag,
}

/// One object, or one row per currency in `items`, depending on the API version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Balance {
    pub account_number: Text,
    pub currency: Text,
    pub cash_balance: Num,
    pub net_liquidating_value: Num,
    pub derivative_buying_power: Num,
    pub maintenance_requirement: Num,
    pub snapshot_date: Day,
    pub updated_at: When,
    pub items: Many<Balance>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Position {
    pub account_number: Text,
    pub symbol: Text,
    pub instrument_type: Text,
    pub underlying_symbol: Text,
    pub streamer_symbol: Text,
    pub quantity: Num,
    pub quantity_direction: Text,
    pub multiplier: Num,
    pub average_open_price: Num,
    pub close_price: Num,
    pub created_at: When,
    pub updated_at: When,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TradingStatus {
    pub is_closed: Flag,
    pub is_frozen: Flag,
    pub is_closing_only: Flag,
    pub is_risk_reducing_only: Flag,
    pub is_in_margin_call: Flag,
    pub is_in_day_trade_equity_maintenance_call: Flag,
    pub is_pattern_day_trader: Flag,
    pub day_trade_count: Num,
    pub short_calls_enabled: Flag,
    pub options_level: Text,
}

/// Everything the account stream sends: acknowledgements (`status`, `action`), notifications (`type`, `data`)
/// and batches (`results`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StreamMessage {
    pub status: Text,
    pub action: Text,
    pub message: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub data: serde_json::Value,
    pub results: Many<serde_json::Value>,
    pub ws_sequence: Num,
}
