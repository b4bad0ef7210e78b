//! Whether, how much and at which prices an order meets the market on paper: never without a live quote with two
//! sides in every leg, never beyond the limit, never better than the model.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::domain::Price;
use crate::domain::order::{NetPrice, OrderLeg, Ticket};
use crate::market::view::MarketView;

/// How far from mid toward the natural side orders trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FillModel {
    /// Of one leg: 0 is mid, 1 the natural side.
    pub half_spread: Decimal,
}

impl Default for FillModel {
    fn default() -> Self {
        Self { half_spread: Decimal::new(50, 2) }
    }
}

impl FillModel {
    /// Of a package: its legs are not all at their worst at once, so that n of them give as much as the square
    /// root of n alone.
    fn share(&self, legs: usize) -> Decimal {
        // At most four legs: a small whole number.
        let root = Decimal::from_f64((legs.max(1) as f64).sqrt()).unwrap_or(Decimal::ONE);
        (self.half_spread / root).clamp(Decimal::ZERO, Decimal::ONE)
    }
}

/// What a package trades in.
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// One leg's market.
#[derive(Debug, Clone, Copy)]
struct Side {
    /// Contracts per unit of the order; negative where sold.
    ratio: Decimal,
    mid: Decimal,
    /// The price that is had at once.
    near: Decimal,
    /// Contracts shown there.
    size: Option<Decimal>,
}

/// A whole order against quotes that are live now.
#[derive(Debug, Clone)]
pub(super) struct Meeting {
    sides: Vec<Side>,
    mid: Decimal,
    natural: Decimal,
    /// When the newest of its quotes came.
    pub newest: crate::domain::Timestamp,
}

impl Meeting {
    /// `None` where a leg has nobody to trade with, or nobody knows.
    pub fn of(ticket: &Ticket, market: &MarketView) -> Option<Self> {
        let units = Decimal::from(ticket.units());
        if units.is_zero() {
            return None;
        }
        let mut sides = Vec::with_capacity(ticket.legs.len());
        let mut newest = None;
        for leg in &ticket.legs {
            if market.halted(leg.instrument.underlying()) == Some(true) {
                return None;
            }
            sides.push(side(leg, units, market)?);
            newest = newest.max(market.raw_quote(&leg.instrument).map(|quote| quote.received));
        }
        let net = |of: fn(&Side) -> Decimal| -sides.iter().map(|side| side.ratio * of(side)).sum::<Decimal>();
        Some(Self { mid: net(|side| side.mid), natural: net(|side| side.near), newest: newest?, sides })
    }

    /// The best that the model gives, to the cent against us.
    pub fn price(&self, model: &FillModel) -> NetPrice {
        let given = model.share(self.sides.len()) * (self.mid - self.natural);
        NetPrice(((self.mid - given) / CENT).floor() * CENT)
    }

    /// What is had at once.
    pub fn natural(&self) -> NetPrice {
        NetPrice(self.natural)
    }

    /// Units that the sizes shown would take at once; a size that nobody told is no bound.
    pub fn depth(&self) -> Option<u32> {
        let of = |side: &Side| Some((side.size? / side.ratio.abs()).floor());
        let least = self.sides.iter().filter_map(of).min()?;
        least.max(Decimal::ONE).to_u32()
    }

    /// Prices of the legs that make up a net price: each as far from its mid as the others.
    pub fn leg_prices(&self, net: NetPrice) -> Vec<Price> {
        let gap = self.mid - self.natural;
        let share = (self.mid - net.0).checked_div(gap).unwrap_or(Decimal::ZERO);
        let exact = |side: &Side| (side.mid + share * (side.near - side.mid)).max(Decimal::ZERO);
        let mut prices: Vec<Decimal> = self.sides.iter().map(|side| exact(side).round_dp(4)).collect();
        let made: Decimal = self.sides.iter().zip(&prices).map(|(side, price)| -side.ratio * price).sum();
        // What rounding left goes to the dearest leg, where it changes the price least.
        let dearest = (0..prices.len()).max_by(|a, b| prices[*a].cmp(&prices[*b]));
        if let Some(at) = dearest {
            prices[at] += (made - net.0) / self.sides[at].ratio;
        }
        prices.into_iter().map(|price| Price(price.round_dp(6).normalize())).collect()
    }
}

fn side(leg: &OrderLeg, units: Decimal, market: &MarketView) -> Option<Side> {
    let quote = market.raw_quote(&leg.instrument).filter(|_| market.quote_is_live(&leg.instrument))?;
    let (bid, ask) = (quote.bid?.0, quote.ask?.0);
    let buys = leg.action.is_buy();
    // A bid of nothing is no market for a sale; what is worth nothing can be bought back all the same.
    let bidden = if buys { bid >= Decimal::ZERO } else { bid > Decimal::ZERO };
    if !bidden || ask <= Decimal::ZERO || bid > ask {
        return None;
    }
    let ratio = leg.action.sign() * Decimal::from(leg.quantity) / units;
    let size = if buys { quote.ask_size } else { quote.bid_size };
    Some(Side {
        ratio,
        mid: (bid + ask) / Decimal::TWO,
        near: if buys { ask } else { bid },
        size: size.filter(|size| *size >= 1.0).and_then(Decimal::from_f64),
    })
}
