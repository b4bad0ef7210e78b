//! What the market says of a whole order: mid and natural price of one unit of it, and its tick.
//!
//! Never: makes a price where a leg has none.

use rust_decimal::Decimal;

use super::facts::{LegFacts, QuoteFacts, TickSize};
use crate::domain::order::{NetPrice, Ticket};

/// Net prices of one unit, credit positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    pub mid: NetPrice,
    /// What is had at once: bids for what is sold, asks for what is bought.
    pub natural: NetPrice,
}

impl Package {
    /// From the one natural side to the other, positive.
    pub fn spread(&self) -> Decimal {
        (self.mid.0 - self.natural.0) * Decimal::TWO
    }
}

impl QuoteFacts {
    /// Bid and ask, where they make a market. A bid of nothing is one: what it is worth the caller decides.
    pub fn two_sided(&self) -> Option<(Decimal, Decimal)> {
        let (bid, ask) = (self.bid?.0, self.ask?.0);
        (bid >= Decimal::ZERO && ask > Decimal::ZERO && bid <= ask).then_some((bid, ask))
    }
}

/// What the limit of a stop may give away past the stop: a tenth of it, and five ticks at least.
pub fn stop_room(stop: NetPrice, tick: Decimal) -> Decimal {
    (stop.0.abs() * Decimal::new(1, 1)).max(tick * Decimal::from(5))
}

/// `None` where a leg has no usable quote, or the order no units.
pub fn package(ticket: &Ticket, legs: &[LegFacts]) -> Option<Package> {
    let units = Decimal::from(ticket.units());
    if units.is_zero() || legs.len() != ticket.legs.len() {
        return None;
    }
    let (mut mid, mut natural) = (Decimal::ZERO, Decimal::ZERO);
    for (leg, facts) in ticket.legs.iter().zip(legs) {
        let (bid, ask) = facts.quote.as_ref()?.two_sided()?;
        let ratio = Decimal::from(leg.quantity) / units;
        // What is bought is paid for, and a debit is negative.
        let flow = -leg.action.sign() * ratio;
        mid += flow * (bid + ask) / Decimal::TWO;
        natural += flow * if leg.action.is_buy() { ask } else { bid };
    }
    Some(Package { mid: NetPrice(mid), natural: NetPrice(natural) })
}

/// The increment of the order's limit. One leg has its contract's at that price; several trade as a package
/// in the finest increment any of them has. `None` where a leg's is not known or is none.
pub fn tick(ticket: &Ticket, legs: &[LegFacts]) -> Option<Decimal> {
    if legs.len() != ticket.legs.len() {
        return None;
    }
    match legs {
        [] => None,
        [only] => tick_at(&only.ticks, ticket.limit.0.abs()),
        several => {
            let finest = |leg: &LegFacts| leg.ticks.iter().map(|size| size.tick).min();
            let ticks: Option<Vec<Decimal>> = several.iter().map(finest).collect();
            ticks?.into_iter().min()
        }
    }
    .filter(|tick| *tick > Decimal::ZERO)
}

/// The increment that holds at a price; thresholds come in any order.
pub fn tick_at(ticks: &[TickSize], price: Decimal) -> Option<Decimal> {
    let bounded = ticks.iter().filter_map(|size| Some((size.below?, size.tick)));
    let within = bounded.filter(|(below, _)| price < *below).min_by_key(|(below, _)| *below);
    within.map(|(_, tick)| tick).or_else(|| ticks.iter().find(|size| size.below.is_none()).map(|s| s.tick))
}

/// What an order turns over in dollars of its underlying: of each right the greater of what is bought and what
/// is sold, because the two sides of a spread cover each other. `None` where the underlying has no price.
pub fn notional(ticket: &Ticket, underlying: f64) -> Option<f64> {
    if !underlying.is_finite() || underlying <= 0.0 {
        return None;
    }
    let mut most = 0.0_f64;
    for right in [None, Some(crate::domain::Right::Call), Some(crate::domain::Right::Put)] {
        let of_right = |buys: bool| -> f64 {
            let legs = ticket.legs.iter().filter(|leg| {
                leg.instrument.option().map(|contract| contract.right) == right && leg.action.is_buy() == buys
            });
            legs.map(|leg| f64::from(leg.quantity) * f64::from(leg.instrument.multiplier())).sum()
        };
        most = most.max(of_right(true)).max(of_right(false));
    }
    Some(most * underlying)
}
