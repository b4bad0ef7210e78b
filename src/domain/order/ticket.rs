//! What is sent: one limit order on one underlying.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::id::{AccountId, OrderRef, TradeId};
use crate::domain::instrument::Instrument;
use crate::domain::money::Money;
use crate::domain::symbol::Symbol;
use crate::domain::time::TradingDate;

/// What an order does to the position in one contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    BuyToOpen,
    SellToOpen,
    BuyToClose,
    SellToClose,
}

impl OrderAction {
    pub fn is_buy(self) -> bool {
        matches!(self, Self::BuyToOpen | Self::BuyToClose)
    }

    pub fn is_closing(self) -> bool {
        matches!(self, Self::BuyToClose | Self::SellToClose)
    }

    /// +1 for a buy, −1 for a sale: the sign of what it adds to the position.
    pub fn sign(self) -> Decimal {
        if self.is_buy() { Decimal::ONE } else { Decimal::NEGATIVE_ONE }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLeg {
    pub instrument: Instrument,
    pub action: OrderAction,
    /// Contracts or shares of the whole order, at least one.
    pub quantity: u32,
}

/// Net price of one unit of the whole order, per share: a credit is positive, a debit negative.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct NetPrice(pub Decimal);

impl NetPrice {
    pub fn is_credit(self) -> bool {
        self.0 > Decimal::ZERO
    }

    /// Large enough for any order, small enough for all sums.
    pub fn is_plausible(self) -> bool {
        self.0.abs() < Decimal::from(1_000_000)
    }

    /// Less credit or more debit by `by`: what the other side likes better.
    #[must_use]
    pub fn conceding(self, by: Decimal) -> Self {
        Self(self.0 - by)
    }

    /// Whether a fill at this price is at least as good for us as `limit`.
    pub fn is_within(self, limit: Self) -> bool {
        self.0 >= limit.0
    }
}

impl std::fmt::Display for NetPrice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = if self.0.is_sign_negative() && !self.0.is_zero() { "db" } else { "cr" };
        // At least cents: 1.5 reads as 1.50.
        let amount = self.0.abs().round_dp(4).normalize();
        if amount.scale() < 2 { write!(f, "{amount:.2} {side}") } else { write!(f, "{amount} {side}") }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    Day,
    /// Good till cancelled.
    Gtc,
    /// Good till the end of that day.
    Gtd(TradingDate),
}

/// What an order is to do for its trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderFor {
    Open,
    Close,
    /// Close at the price of the exit rule, good till cancelled: it rests at the broker.
    RestExit,
    /// Two exits that rest: the rule's profit and its stop. The fill of one cancels the other.
    Bracket,
    /// Open, with the two exits sent along: they begin with the fill.
    OpenWithExits,
}

impl OrderFor {
    pub const ALL: [Self; 5] = [Self::Open, Self::Close, Self::RestExit, Self::Bracket, Self::OpenWithExits];

    pub fn is_closing(self) -> bool {
        !matches!(self, Self::Open | Self::OpenWithExits)
    }
}

/// How a limit gives way: from where it starts, in steps, never past the worst acceptable price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Walk {
    pub start: NetPrice,
    pub worst: NetPrice,
    /// What each step concedes, positive.
    pub step: Decimal,
    pub every_seconds: u32,
    /// After this the order is cancelled.
    pub for_seconds: u32,
}

impl Walk {
    /// The limit `seconds` after the order began to work; `None` when its time is over.
    pub fn limit_at(&self, seconds: i64) -> Option<NetPrice> {
        if seconds >= i64::from(self.for_seconds) {
            return None;
        }
        let steps = seconds.max(0) / i64::from(self.every_seconds.max(1));
        let given = self.start.conceding(self.step * Decimal::from(steps));
        Some(given.max(self.worst))
    }
}

/// One order as it is meant to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    pub reference: OrderRef,
    pub trade: TradeId,
    pub account: AccountId,
    pub legs: Vec<OrderLeg>,
    pub limit: NetPrice,
    pub time_in_force: TimeInForce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTicket {
    #[error("an order has one to four legs, this one {legs}")]
    Legs { legs: usize },
    #[error("each leg is a different contract with a quantity of at least one")]
    Leg,
    #[error("all legs of an order stand on one underlying")]
    Underlyings,
    #[error("several legs are options; shares go in an order of their own")]
    Mixed,
    #[error("an adjusted contract or an index value cannot be ordered here; use the broker's own platform")]
    NotOrderable,
    #[error("the limit price is not a multiple of the tick of {tick}")]
    Tick { tick: Decimal },
}

impl Ticket {
    pub fn underlying(&self) -> Option<&Symbol> {
        self.legs.first().map(|leg| leg.instrument.underlying())
    }

    pub fn is_closing(&self) -> bool {
        !self.legs.is_empty() && self.legs.iter().all(|leg| leg.action.is_closing())
    }

    /// How many units of the smallest package the order holds: what the net price is quoted for.
    pub fn units(&self) -> u32 {
        self.legs.iter().map(|leg| leg.quantity).fold(0, gcd)
    }

    /// Contracts of all legs together.
    pub fn contracts(&self) -> u32 {
        self.legs.iter().map(|leg| leg.quantity).sum()
    }

    /// Dollars that the whole order costs at a net price; what brings money is negative.
    pub fn cost_at(&self, price: NetPrice) -> Option<Money> {
        let multiplier = self.legs.first()?.instrument.multiplier();
        Some(Money(-price.0 * Decimal::from(self.units()) * Decimal::from(multiplier)))
    }

    /// What can be told without a market: form, not sense.
    pub fn check(&self) -> Result<(), BadTicket> {
        if self.legs.is_empty() || self.legs.len() > 4 {
            return Err(BadTicket::Legs { legs: self.legs.len() });
        }
        for (place, leg) in self.legs.iter().enumerate() {
            if leg.quantity == 0 || self.legs[..place].iter().any(|other| other.instrument == leg.instrument)
            {
                return Err(BadTicket::Leg);
            }
            match &leg.instrument {
                Instrument::Index(_) => return Err(BadTicket::NotOrderable),
                Instrument::Equity(_) if self.legs.len() > 1 => return Err(BadTicket::Mixed),
                Instrument::Option(contract) if !contract.is_standard() => {
                    return Err(BadTicket::NotOrderable);
                }
                Instrument::Equity(_) | Instrument::Option(_) => {}
            }
        }
        let underlying = self.underlying();
        if self.legs.iter().any(|leg| Some(leg.instrument.underlying()) != underlying) {
            return Err(BadTicket::Underlyings);
        }
        Ok(())
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(cents: i64) -> NetPrice {
        NetPrice(Decimal::new(cents, 2))
    }

    #[test]
    fn a_walk_starts_at_its_start_and_ends_when_its_time_is_over() {
        let walk = Walk {
            start: price(150),
            worst: price(140),
            step: Decimal::new(3, 2),
            every_seconds: 20,
            for_seconds: 90,
        };
        assert_eq!(walk.limit_at(0), Some(price(150)));
        assert_eq!(walk.limit_at(20), Some(price(147)));
        assert_eq!(walk.limit_at(89), Some(price(140)), "four steps would be past the worst");
        assert_eq!(walk.limit_at(90), None);
    }

    proptest! {
        #[test]
        fn a_walk_never_passes_its_worst_price(
            start in -500i64..500, room in 0i64..200, step in 1i64..50, every in 0u32..60, at in -10i64..5_000
        ) {
            let walk = Walk {
                start: price(start),
                worst: price(start - room),
                step: Decimal::new(step, 2),
                every_seconds: every,
                for_seconds: 3_600,
            };
            if let Some(limit) = walk.limit_at(at) {
                prop_assert!(limit >= walk.worst && limit <= walk.start);
            } else {
                prop_assert!(at >= 3_600);
            }
        }
    }

    #[test]
    fn a_credit_is_positive_and_reads_as_one() {
        assert_eq!(price(151).to_string(), "1.51 cr");
        assert_eq!(price(-70).to_string(), "0.70 db");
        assert!(price(150).is_within(price(149)) && !price(-71).is_within(price(-70)));
    }
}
