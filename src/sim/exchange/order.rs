//! An order as the simulated broker keeps it, in the words of the wire.
//!
//! Never: decides anything; what becomes of an order stands in `lifecycle` and `matching`.

use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::domain::{Instrument, TradingDate};

/// An enumeration whose names on the wire are also those of the kept state.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub fn wire(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
    (read $(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        words!($(#[$meta])* $name { $($variant = $word),+ });

        impl $name {
            pub fn of(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(Status {
    Received = "Received",
    Routed = "Routed",
    InFlight = "In Flight",
    Contingent = "Contingent",
    Live = "Live",
    CancelRequested = "Cancel Requested",
    ReplaceRequested = "Replace Requested",
    Filled = "Filled",
    Cancelled = "Cancelled",
    Expired = "Expired",
    Rejected = "Rejected",
});

words!(read OrderKind {
    Limit = "Limit",
    Market = "Market",
    MarketableLimit = "Marketable Limit",
    Stop = "Stop",
    StopLimit = "Stop Limit",
    NotionalMarket = "Notional Market",
});

words!(read TimeInForce {
    Day = "Day",
    Gtc = "GTC",
    Gtd = "GTD",
    Ext = "Ext",
    ExtOvernight = "Ext Overnight",
    GtcExt = "GTC Ext",
    GtcExtOvernight = "GTC Ext Overnight",
    Ioc = "IOC",
});

words!(read Effect { Credit = "Credit", Debit = "Debit", None = "None" });

words!(read Action {
    BuyToOpen = "Buy to Open",
    SellToOpen = "Sell to Open",
    BuyToClose = "Buy to Close",
    SellToClose = "Sell to Close",
    Buy = "Buy",
    Sell = "Sell",
});

words!(read ComplexKind { Oco = "OCO", Otoco = "OTOCO", Oto = "OTO" });

impl Status {
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Expired | Self::Rejected)
    }

    /// At the venue, where it can be filled.
    pub fn is_working(self) -> bool {
        matches!(self, Self::Live | Self::CancelRequested | Self::ReplaceRequested)
    }
}

impl TimeInForce {
    pub fn is_extended(self) -> bool {
        matches!(self, Self::Ext | Self::ExtOvernight | Self::GtcExt | Self::GtcExtOvernight)
    }

    pub fn is_till_cancelled(self) -> bool {
        matches!(self, Self::Gtc | Self::GtcExt | Self::GtcExtOvernight)
    }
}

impl OrderKind {
    pub fn has_price(self) -> bool {
        matches!(self, Self::Limit | Self::StopLimit)
    }

    pub fn has_trigger(self) -> bool {
        matches!(self, Self::Stop | Self::StopLimit)
    }

    /// Takes what the market gives, once it works.
    pub fn is_at_market(self) -> bool {
        matches!(self, Self::Market | Self::MarketableLimit | Self::Stop | Self::NotionalMarket)
    }
}

impl Action {
    pub fn is_buy(self) -> bool {
        matches!(self, Self::BuyToOpen | Self::BuyToClose | Self::Buy)
    }

    pub fn is_closing(self) -> bool {
        matches!(self, Self::BuyToClose | Self::SellToClose)
    }

    pub fn sign(self) -> Decimal {
        if self.is_buy() { Decimal::ONE } else { Decimal::NEGATIVE_ONE }
    }
}

/// A venue's report of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    pub exec: u64,
    pub group: u64,
    pub quantity: Decimal,
    pub price: Decimal,
    pub at: Timestamp,
}

pub const VENUE: &str = "SIM_A";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    pub instrument: Instrument,
    pub action: Action,
    pub quantity: Decimal,
    pub remaining: Decimal,
    pub fills: Vec<Fill>,
}

/// What the trader asked for, apart from the legs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub kind: OrderKind,
    pub tif: TimeInForce,
    pub gtc_date: Option<TradingDate>,
    /// Net price of one unit of the whole order, not negative.
    pub price: Option<Decimal>,
    pub effect: Option<Effect>,
    pub stop_trigger: Option<Decimal>,
    pub value: Option<Decimal>,
    pub value_effect: Option<Effect>,
    pub source: Option<String>,
    pub external_identifier: Option<String>,
    /// Rejects a closing leg without position instead of letting it open one.
    pub strict: bool,
}

impl Terms {
    /// What one unit may cost at most; negative for a credit. `None` takes the market.
    pub fn limit_cost(&self) -> Option<Decimal> {
        if self.kind.is_at_market() {
            return None;
        }
        let price = self.price?;
        Some(if self.effect == Some(Effect::Credit) { -price } else { price })
    }
}

/// Where an order goes by itself, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Route,
    Fly,
    Work,
    Cancel,
}

/// An execution that was decided and not yet reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Posting {
    pub at: Timestamp,
    pub leg: usize,
    pub group: u64,
    pub quantity: Decimal,
    pub price: Decimal,
}

/// A leg that the venue has yet to trade although others of the same execution are: until then the order's legs
/// stand unequal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// `None`: never.
    pub at: Option<Timestamp>,
    pub leg: usize,
    pub group: u64,
    pub quantity: Decimal,
    pub price: Decimal,
}

/// The place of an order in a complex one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    pub complex: u64,
    pub tag: String,
    pub index: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub account: String,
    pub terms: Terms,
    pub legs: Vec<Leg>,
    pub status: Status,
    pub received_at: Timestamp,
    pub in_flight_at: Option<Timestamp>,
    pub live_at: Option<Timestamp>,
    pub terminal_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub edited: bool,
    pub replaces: Option<u64>,
    pub replaced_by: Option<u64>,
    pub child: Option<Child>,
    pub reject_reason: Option<String>,
    /// End of its time in force, known once it is routed.
    pub ends_at: Option<Timestamp>,
    pub next: Option<(Timestamp, Stage)>,
    pub postings: VecDeque<Posting>,
    #[serde(default)]
    pub owed: VecDeque<Owed>,
    /// Units that the venue has executed, reported or not, those with legs owed included.
    pub executed: Decimal,
    pub triggered: bool,
}

impl Order {
    /// A fresh order, not yet on its way.
    pub fn new(id: u64, account: &str, terms: Terms, legs: Vec<Leg>, at: Timestamp) -> Self {
        let status = Status::Received;
        Self {
            id,
            account: account.to_owned(),
            terms,
            legs,
            status,
            received_at: at,
            in_flight_at: None,
            live_at: None,
            terminal_at: None,
            cancelled_at: None,
            updated_at: at,
            edited: false,
            replaces: None,
            replaced_by: None,
            child: None,
            reject_reason: None,
            ends_at: None,
            next: None,
            postings: VecDeque::new(),
            owed: VecDeque::new(),
            executed: Decimal::ZERO,
            triggered: false,
        }
    }

    /// How many units the order is of: the greatest common measure of its legs.
    pub fn size(&self) -> Decimal {
        size_of(&self.legs)
    }

    pub fn open_units(&self) -> Decimal {
        self.size() - self.executed
    }

    /// Every unit was traded with all its legs.
    pub fn is_complete(&self) -> bool {
        self.executed >= self.size() && self.owed.is_empty()
    }

    /// What was traded of the legs, reported or not, is not in the proportion of the order.
    pub fn is_lopsided(&self) -> bool {
        let traded = |(place, leg): (usize, &Leg)| {
            let unreported = self.postings.iter().filter(|posting| posting.leg == place);
            leg.quantity - leg.remaining + unreported.map(|posting| posting.quantity).sum::<Decimal>()
        };
        let Some(first) = self.legs.first() else { return false };
        let of_first = traded((0, first));
        let mut all = self.legs.iter().enumerate();
        all.any(|(place, leg)| traded((place, leg)) * first.quantity != of_first * leg.quantity)
    }

    /// What is owed will not come any more: its units count as not executed.
    pub fn forget_owed(&mut self) {
        let size = self.size();
        let mut groups = BTreeMap::new();
        for owed in self.owed.drain(..) {
            if let Some(leg) = self.legs.get(owed.leg).filter(|leg| !leg.quantity.is_zero()) {
                groups.insert(owed.group, owed.quantity * size / leg.quantity);
            }
        }
        self.executed -= groups.values().copied().sum::<Decimal>();
    }

    pub fn underlying(&self) -> &str {
        self.legs.first().map_or("", |leg| leg.instrument.underlying().as_str())
    }

    /// The instant at which something happens by itself, apart from matching.
    pub fn due(&self) -> Option<Timestamp> {
        let posting = self.postings.front().map(|p| p.at);
        let end = self.ends_at.filter(|_| self.status.is_working());
        let owed = self.owed.iter().filter_map(|owed| owed.at).min();
        [self.next.map(|(at, _)| at), posting, owed, end].into_iter().flatten().min()
    }
}

pub fn size_of(legs: &[Leg]) -> Decimal {
    legs.iter().map(|leg| leg.quantity).reduce(common_measure).unwrap_or_default()
}

/// Euclid's; fractions of a share leave the smaller one. Quantities are positive and bounded, so it ends.
fn common_measure(a: Decimal, b: Decimal) -> Decimal {
    let (mut a, mut b) = (a, b);
    for _ in 0..200 {
        if b.is_zero() {
            return a;
        }
        (a, b) = (b, a % b);
    }
    a
}

/// Orders that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complex {
    pub id: u64,
    pub account: String,
    pub kind: ComplexKind,
    pub trigger: Option<u64>,
    pub orders: Vec<u64>,
    pub received_at: Timestamp,
    pub terminal_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_greatest_common_measure() {
        let d = Decimal::from;
        assert_eq!(common_measure(d(4), d(6)), d(2));
        assert_eq!(common_measure(d(100), d(1)), d(1));
        assert_eq!(common_measure(Decimal::new(15, 1), Decimal::new(5, 1)), Decimal::new(5, 1));
    }

    #[test]
    fn words_read_back() {
        assert_eq!(OrderKind::of("Stop Limit"), Some(OrderKind::StopLimit));
        assert_eq!(TimeInForce::of("Forever"), None);
        assert_eq!(Status::CancelRequested.wire(), "Cancel Requested");
        assert_eq!(TimeInForce::GtcExt.wire(), "GTC Ext");
        assert!(Status::Expired.is_terminal() && !Status::Contingent.is_working());
    }
}
