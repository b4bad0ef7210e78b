//! Customer, transactions, net liq history, margin report, watchlists.

use serde::Deserialize;

use super::{Day, Flag, Many, Num, Text, When};

/// Of what is sent about a person, what is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Customer {
    pub first_name: Text,
    pub middle_name: Text,
    pub last_name: Text,
    pub is_professional: Flag,
    pub has_delayed_quotes: Flag,
    pub agreed_to_margining: Flag,
    pub created_at: When,
}

/// A line that is no trade lacks symbol, action, quantity, price and fees.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Transaction {
    pub id: Text,
    pub transaction_type: Text,
    pub transaction_sub_type: Text,
    pub description: Text,
    pub symbol: Text,
    pub instrument_type: Text,
    pub underlying_symbol: Text,
    pub quantity: Num,
    pub price: Num,
    pub executed_at: When,
    pub transaction_date: Day,
    pub value: Num,
    pub value_effect: Text,
    pub net_value: Num,
    pub net_value_effect: Text,
    pub order_id: Text,
    // A fee that is absent was not taken; one that is there and unreadable is not nought.
    pub commission: Option<Num>,
    pub commission_effect: Text,
    pub clearing_fees: Option<Num>,
    pub clearing_fees_effect: Text,
    pub regulatory_fees: Option<Num>,
    pub regulatory_fees_effect: Text,
    pub proprietary_index_option_fees: Option<Num>,
    pub proprietary_index_option_fees_effect: Text,
    pub currency_conversion_fees: Option<Num>,
    pub currency_conversion_fees_effect: Text,
    pub other_charge: Option<Num>,
    pub other_charge_effect: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TotalFees {
    pub total_fees: Num,
    pub total_fees_effect: Text,
}

/// Documents say camelCase, clients read kebab-case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NetLiq {
    pub open: Num,
    pub high: Num,
    pub low: Num,
    pub close: Num,
    #[serde(alias = "totalClose")]
    pub total_close: Num,
    pub time: When,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MarginReport {
    pub margin_calculation_type: Text,
    pub margin_requirement: Num,
    pub margin_requirement_effect: Text,
    pub maintenance_requirement: Num,
    pub maintenance_requirement_effect: Text,
    pub margin_equity: Num,
    pub margin_equity_effect: Text,
    pub option_buying_power: Num,
    pub option_buying_power_effect: Text,
    pub reg_t_margin_requirement: Num,
    pub reg_t_margin_requirement_effect: Text,
    pub maintenance_excess: Num,
    pub maintenance_excess_effect: Text,
    pub groups: Many<MarginGroup>,
    pub last_state_timestamp: When,
}

/// An underlying. Empty ones are sent, too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MarginGroup {
    pub description: Text,
    pub code: Text,
    pub margin_requirement: Num,
    pub margin_requirement_effect: Text,
    pub maintenance_requirement: Num,
    pub maintenance_requirement_effect: Text,
    pub buying_power: Num,
    pub price_increase_percent: Num,
    pub price_decrease_percent: Num,
    pub groups: Many<MarginStrategy>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MarginStrategy {
    pub description: Text,
    pub margin_requirement: Num,
    pub margin_requirement_effect: Text,
    pub maintenance_requirement: Num,
    pub maintenance_requirement_effect: Text,
    pub includes_working_order: Flag,
    pub position_entries: Many<MarginPosition>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MarginPosition {
    pub instrument_symbol: Text,
    pub quantity: Num,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Watchlist {
    pub name: Text,
    pub group_name: Text,
    pub watchlist_entries: Many<WatchlistEntry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WatchlistEntry {
    pub symbol: Text,
    pub instrument_type: Text,
}
