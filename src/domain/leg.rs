//! One leg of a trade.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instrument::Instrument;
use super::money::{Money, Price};

/// Long positive, short negative: contracts for options, shares for equities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    pub instrument: Instrument,
    pub quantity: Decimal,
    /// Price paid or received per share; `None` where nobody knows it.
    pub entry: Option<Price>,
}

impl Leg {
    /// What the leg cost (positive) or brought in (negative) at entry.
    pub fn cost(&self) -> Option<Money> {
        self.entry.map(|price| price.times(self.quantity, self.instrument.multiplier()))
    }

    pub fn value_at(&self, mark: Price) -> Money {
        mark.times(self.quantity, self.instrument.multiplier())
    }
}
