//! Shares, single contracts, dividends and reports of the past, symbols that a search finds.

use serde::Deserialize;

use super::instrument::TickSize;
use super::{Day, Flag, Many, Num, Text, When};

/// Indices are served as equities, too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Equity {
    pub symbol: Text,
    pub description: Text,
    pub is_index: Flag,
    pub is_etf: Flag,
    pub active: Flag,
    pub is_closing_only: Flag,
    pub is_options_closing_only: Flag,
    pub is_illiquid: Flag,
    pub is_fractional_quantity_eligible: Flag,
    pub overnight_trading_permitted: Flag,
    pub lendability: Text,
    pub borrow_rate: Num,
    pub listed_market: Text,
    pub tick_sizes: Many<TickSize>,
    pub option_tick_sizes: Many<TickSize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct EquityOption {
    pub symbol: Text,
    pub active: Flag,
    pub strike_price: Num,
    pub root_symbol: Text,
    pub underlying_symbol: Text,
    pub option_type: Text,
    pub option_chain_type: Text,
    pub expiration_date: Day,
    pub expiration_type: Text,
    pub expires_at: When,
    pub stops_trading_at: When,
    pub exercise_style: Text,
    pub settlement_type: Text,
    pub shares_per_contract: Num,
    pub is_closing_only: Flag,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Occurred {
    pub occurred_date: Day,
    pub amount: Num,
    pub eps: Num,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Found {
    pub symbol: Text,
    pub description: Text,
}
