//! Option chains.

use serde::Deserialize;

use super::{Day, Many, Num, Text};

/// One root of an underlying; an index has several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NestedChain {
    pub underlying_symbol: Text,
    pub root_symbol: Text,
    pub option_chain_type: Text,
    pub shares_per_contract: Num,
    pub tick_sizes: Many<TickSize>,
    pub expirations: Many<NestedExpiration>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NestedExpiration {
    pub expiration_type: Text,
    pub expiration_date: Day,
    pub settlement_type: Text,
    pub strikes: Many<NestedStrike>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NestedStrike {
    pub strike_price: Num,
    pub call: Text,
    pub call_streamer_symbol: Text,
    pub put: Text,
    pub put_streamer_symbol: Text,
}

/// Prices below the threshold are multiples of the value; without a threshold, all that are not below one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TickSize {
    /// A key that is absent says "no threshold"; one that cannot be read says nothing.
    pub threshold: Option<Num>,
    pub value: Num,
}
