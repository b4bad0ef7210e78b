//! Orders, as they are sent and as they come back.

use serde::{Deserialize, Serialize};

use super::{Many, Num, Text, When};

/// What is sent. The order of the fields is the order on the wire: one order has one spelling.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewOrder {
    pub time_in_force: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gtc_date: Option<String>,
    pub order_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_trigger: Option<String>,
    pub price: String,
    pub price_effect: &'static str,
    pub source: String,
    pub external_identifier: String,
    /// Left out where an order takes the place of another one: its legs stay as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<NewLeg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced_instructions: Option<AdvancedInstructions>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewLeg {
    pub instrument_type: &'static str,
    pub symbol: String,
    pub quantity: u32,
    pub action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AdvancedInstructions {
    pub strict_position_effect_validation: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewComplexOrder {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_order: Option<NewOrder>,
    pub orders: Vec<NewOrder>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Order {
    pub id: Text,
    pub account_number: Text,
    pub underlying_symbol: Text,
    pub price: Num,
    pub price_effect: Text,
    pub status: Text,
    pub external_identifier: Text,
    pub received_at: When,
    pub updated_at: When,
    pub replaces_order_id: Text,
    pub replacing_order_id: Text,
    pub complex_order_id: Text,
    pub reject_reason: Text,
    pub legs: Many<Leg>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Leg {
    pub instrument_type: Text,
    pub symbol: Text,
    pub quantity: Num,
    pub remaining_quantity: Num,
    pub action: Text,
    pub fills: Many<Fill>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Fill {
    pub fill_id: Text,
    pub ext_exec_id: Text,
    pub quantity: Num,
    pub fill_price: Num,
    pub filled_at: When,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ComplexOrder {
    pub id: Text,
    pub account_number: Text,
    pub trigger_order: Option<Order>,
    pub orders: Many<Order>,
}

/// The answer to an order and to a dry run of one. A replaced or cancelled order comes bare, without this.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrderAnswer {
    pub order: Option<Order>,
    pub complex_order: Option<ComplexOrder>,
    pub buying_power_effect: Option<BuyingPowerEffect>,
    pub fee_calculation: Option<FeeCalculation>,
    pub warnings: Many<Message>,
    pub errors: Many<Message>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct BuyingPowerEffect {
    pub change_in_margin_requirement: Num,
    pub change_in_margin_requirement_effect: Text,
    pub change_in_buying_power: Num,
    pub change_in_buying_power_effect: Text,
    pub new_buying_power: Num,
    pub new_buying_power_effect: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct FeeCalculation {
    pub total_fees: Num,
    pub total_fees_effect: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Message {
    pub code: Text,
    pub message: Text,
}
