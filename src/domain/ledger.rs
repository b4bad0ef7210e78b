//! What a broker keeps about an account besides its positions: who it belongs to, what happened in it, what it was
//! worth, what margin it needs, which lists of symbols its owner keeps.
//!
//! Text in these types is the broker's, cleaned at the edge.

use rust_decimal::Decimal;
use serde::Serialize;

use super::money::{Money, Price};
use super::order::BrokerOrderId;
use super::symbol::Symbol;
use super::time::{Timestamp, TradingDate};

/// Words of a broker with a meaning here. One that is new is kept as it came.
macro_rules! broker_words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $variant,)+
            Other(String),
        }

        impl $name {
            /// `None` where nothing was said.
            pub fn of(word: &str) -> Option<Self> {
                match word.trim() {
                    "" => None,
                    $($word => Some(Self::$variant),)+
                    other => Some(Self::Other($crate::domain::text::clean(other, 40))),
                }
            }

            pub fn word(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    )+};
}
pub(crate) use broker_words;

broker_words! {
    TransactionKind {
        Trade = "Trade",
        /// Shares or contracts that came or went without a trade: assignment, exercise, expiry, mergers.
        ReceiveDeliver = "Receive Deliver",
        MoneyMovement = "Money Movement",
        AdministrativeTransfer = "Administrative Transfer",
    }
    /// What a line of a list or of an account is about.
    AssetKind {
        Equity = "Equity",
        EquityOption = "Equity Option",
        Index = "Index",
        Future = "Future",
        FutureOption = "Future Option",
        Cryptocurrency = "Cryptocurrency",
    }
}

/// Rows of which some could not be read: never to be taken for all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub unread: usize,
}

/// Who the credentials belong to. Address, birthday and telephone are sent, too, and not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Customer {
    pub name: Option<String>,
    /// Exchanges charge professionals more and serve them differently.
    pub professional: Option<bool>,
    pub delayed_quotes: Option<bool>,
    pub agreed_to_margin: Option<bool>,
    pub since: Option<Timestamp>,
}

/// One line of an account's history. Amounts are signed: credits positive, debits negative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transaction {
    pub id: String,
    pub kind: Option<TransactionKind>,
    /// `Sell to Open`, `Dividend`, `Assignment` and many more, in the broker's words.
    pub sub_kind: Option<String>,
    pub description: String,
    /// As the broker spells it; of a kind that is not modelled here, too.
    pub symbol: Option<String>,
    pub asset: Option<AssetKind>,
    pub underlying: Option<Symbol>,
    pub quantity: Option<Decimal>,
    pub price: Option<Price>,
    pub executed_at: Option<Timestamp>,
    pub date: Option<TradingDate>,
    /// Without fees.
    pub value: Option<Money>,
    pub net_value: Option<Money>,
    /// Commissions and all other fees; `None` where one of them has no readable amount.
    pub fees: Option<Money>,
    pub order: Option<BrokerOrderId>,
}

/// What an account was worth in a span of time, as the broker reckons it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetLiqBar {
    pub at: Timestamp,
    pub open: Option<Money>,
    pub high: Option<Money>,
    pub low: Option<Money>,
    pub close: Option<Money>,
    /// With cash that is on its way.
    pub total_close: Option<Money>,
}

/// The broker's own reckoning of the margin that an account needs. Requirements are positive.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MarginReport {
    /// `Reg T`, `IRA Margin`, `Portfolio Margin`, in the broker's words.
    pub calculation: Option<String>,
    pub requirement: Option<Money>,
    pub maintenance: Option<Money>,
    pub equity: Option<Money>,
    pub option_buying_power: Option<Money>,
    pub reg_t_requirement: Option<Money>,
    pub maintenance_excess: Option<Money>,
    pub groups: Vec<MarginGroup>,
    /// Groups that could not be read: the sums above hold them all the same.
    pub unread: usize,
    pub at: Option<Timestamp>,
}

/// What one underlying needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MarginGroup {
    pub name: String,
    pub requirement: Option<Money>,
    pub maintenance: Option<Money>,
    pub buying_power: Option<Money>,
    /// The move up and down, as a fraction of the price, that the requirement covers.
    pub move_up: Option<Decimal>,
    pub move_down: Option<Decimal>,
    pub strategies: Vec<MarginStrategy>,
}

/// The strategy that the broker takes some positions for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MarginStrategy {
    pub name: String,
    pub requirement: Option<Money>,
    pub maintenance: Option<Money>,
    pub includes_working_order: Option<bool>,
    pub positions: Vec<MarginPosition>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarginPosition {
    pub symbol: String,
    pub quantity: Option<Decimal>,
}

/// Whose lists of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchlistOwner {
    /// The customer's own.
    Own,
    /// Kept by the broker for everybody.
    Broker,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watchlist {
    pub name: String,
    pub group: Option<String>,
    pub entries: Vec<WatchlistEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchlistEntry {
    /// As the broker spells it: lists hold futures and crypto, too.
    pub symbol: String,
    pub asset: Option<AssetKind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_new_is_kept_clean_and_none_is_none() {
        assert_eq!(TransactionKind::of(" Trade "), Some(TransactionKind::Trade));
        assert_eq!(TransactionKind::of(""), None);
        let new = AssetKind::of("Fixed\u{1b}[2J Income\u{202e}").expect("said");
        assert_eq!(new, AssetKind::Other("Fixed Income·".into()));
        assert_eq!(serde_json::to_string(&new).expect("json"), "\"Fixed Income·\"");
    }
}
