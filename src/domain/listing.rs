//! What a broker says about what it lists: shares, option contracts, dividends and reports of the past.
//!
//! Text in these types is the broker's, cleaned at the edge.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use super::instrument::OptionContract;
use super::ledger::broker_words;
use super::money::Price;
use super::symbol::Symbol;
use super::time::{Timestamp, TradingDate};

/// Prices below `below` are multiples of `tick`; `None`: all the higher ones. Lowest prices first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Increment {
    pub below: Option<Decimal>,
    pub tick: Decimal,
}

broker_words! {
    /// Whether shares can be had for a short sale.
    Lendability {
        Easy = "Easy To Borrow",
        Locate = "Locate Required",
        Preborrow = "Preborrow",
    }
    ExpirationKind {
        Regular = "Regular",
        Weekly = "Weekly",
        Quarterly = "Quarterly",
        EndOfMonth = "End-Of-Month",
    }
    ChainKind {
        Standard = "Standard",
        NonStandard = "Non-standard",
    }
}

/// A share, a fund or an index, as it is listed. `None`: not said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EquityDetails {
    pub symbol: Symbol,
    pub description: Option<String>,
    pub is_index: Option<bool>,
    pub is_etf: Option<bool>,
    pub active: Option<bool>,
    pub closing_only: Option<bool>,
    pub options_closing_only: Option<bool>,
    pub illiquid: Option<bool>,
    pub fractional: Option<bool>,
    pub overnight: Option<bool>,
    pub lendability: Option<Lendability>,
    /// A fraction per year.
    pub borrow_rate: Option<Decimal>,
    pub listed_market: Option<String>,
    pub increments: Vec<Increment>,
    pub option_increments: Vec<Increment>,
}

/// One option contract as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptionDetails {
    /// OCC's symbol.
    pub symbol: String,
    pub contract: Arc<OptionContract>,
    pub active: Option<bool>,
    pub closing_only: Option<bool>,
    pub expiration: Option<ExpirationKind>,
    pub chain: Option<ChainKind>,
    pub expires_at: Option<Timestamp>,
    pub stops_trading_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PastDividend {
    /// The first day without it.
    pub date: TradingDate,
    pub amount: Option<Price>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PastEarnings {
    pub date: TradingDate,
    /// Dollars a share; a loss is negative.
    pub per_share: Option<Decimal>,
}

/// A symbol that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SymbolFound {
    pub symbol: String,
    pub description: Option<String>,
}
