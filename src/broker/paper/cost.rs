//! What an order on paper costs and binds: fees by the broker's public price list, and a requirement that is the
//! most the options of one underlying can lose, or where that has no end the usual margin of what is uncovered.
//!
//! Never: offsets one underlying with another, or takes an unknown price for a small one.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use crate::domain::fees::{self, Side};
use crate::domain::order::{OrderLeg, Ticket};
use crate::domain::{AccountKind, Instrument, Money, OptionContract, Right, Symbol};
use crate::market::view::MarketView;

/// Signed: what the order takes is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    pub power: Money,
    pub margin: Money,
}

/// By the public price list; positive. Shares at what they cost by the limit.
pub(super) fn fees(ticket: &Ticket) -> Money {
    let of_leg = |leg: &OrderLeg| {
        let side = Side { buys: leg.action.is_buy(), closes: leg.action.is_closing() };
        let price = ticket.limit.0.abs();
        fees::of_fill(&leg.instrument, side, Decimal::from(leg.quantity), price, Decimal::ZERO).total()
    };
    Money(ticket.legs.iter().map(of_leg).sum::<Decimal>().round_dp(2))
}

/// `None` where it cannot be told: a price is missing, or the account has no margin for it.
pub(super) fn effect(
    ticket: &Ticket,
    held: &BTreeMap<Instrument, Decimal>,
    kind: AccountKind,
    market: &MarketView,
) -> Option<Effect> {
    let mut after = held.clone();
    for leg in &ticket.legs {
        let change = leg.action.sign() * Decimal::from(leg.quantity);
        *after.entry(leg.instrument.clone()).or_default() += change;
    }
    let margin = bound(held, kind, market)? - bound(&after, kind, market)?;
    let multiplier = Decimal::from(ticket.legs.first()?.instrument.multiplier());
    let cash = ticket.limit.0 * Decimal::from(ticket.units()) * multiplier;
    Some(Effect { power: margin + Money(cash) - fees(ticket), margin })
}

/// What positions bind, over all underlyings; positive.
pub(super) fn bound(
    held: &BTreeMap<Instrument, Decimal>,
    kind: AccountKind,
    market: &MarketView,
) -> Option<Money> {
    let mut by_underlying: BTreeMap<&Symbol, Vec<(&Instrument, Decimal)>> = BTreeMap::new();
    for (instrument, quantity) in held.iter().filter(|(_, quantity)| !quantity.is_zero()) {
        by_underlying.entry(instrument.underlying()).or_default().push((instrument, *quantity));
    }
    by_underlying.into_iter().map(|(symbol, bag)| of_bag(symbol, &bag, kind, market)).sum()
}

fn of_bag(
    symbol: &Symbol,
    bag: &[(&Instrument, Decimal)],
    kind: AccountKind,
    market: &MarketView,
) -> Option<Money> {
    let spot = || market.spot(symbol).known().copied().and_then(Decimal::from_f64);
    let shares: Decimal = bag.iter().filter(|(it, _)| it.option().is_none()).map(|(_, q)| *q).sum();
    let options: Vec<(&OptionContract, Decimal)> =
        bag.iter().filter_map(|(it, quantity)| Some((it.option()?, *quantity))).collect();
    // Shares are paid for, or borrowed and covered with half as much again.
    let for_shares = match shares {
        none if none.is_zero() => Decimal::ZERO,
        long if long.is_sign_positive() => long * spot()?,
        short => short.abs() * spot()? * Decimal::new(15, 1),
    };
    let lost = most_lost(&options, shares.max(Decimal::ZERO));
    let uncovered = match kind {
        AccountKind::Margin => Some(uncovered(&options, bag, spot, market)),
        AccountKind::Cash | AccountKind::Ira => None,
    };
    let for_options = match (lost, uncovered) {
        (Some(lost), Some(Some(uncovered))) => lost.min(uncovered),
        (Some(lost), _) => lost,
        (None, Some(uncovered)) => uncovered?,
        (None, None) => return None,
    };
    Some(Money(for_shares + for_options))
}

/// At expiry, all of them taken at one date: what runs longer is worth at least that. Shares cover calls.
/// `None`: there is no end to it.
fn most_lost(options: &[(&OptionContract, Decimal)], shares: Decimal) -> Option<Decimal> {
    let calls = options.iter().filter(|(contract, _)| contract.right == Right::Call);
    let slope: Decimal = calls.map(|(contract, q)| *q * Decimal::from(contract.multiplier)).sum();
    if (slope + shares).is_sign_negative() && !(slope + shares).is_zero() {
        return None;
    }
    let worth = |spot: Decimal| -> Decimal {
        let of = |(contract, quantity): &(&OptionContract, Decimal)| {
            let inside = match contract.right {
                Right::Call => spot - contract.strike,
                Right::Put => contract.strike - spot,
            };
            *quantity * Decimal::from(contract.multiplier) * inside.max(Decimal::ZERO)
        };
        options.iter().map(of).sum::<Decimal>() + shares * spot
    };
    let strikes = options.iter().map(|(contract, _)| contract.strike);
    let least = strikes.chain([Decimal::ZERO]).map(worth).min().unwrap_or_default();
    Some((-least).max(Decimal::ZERO))
}

/// Every short option by itself: its value and a fifth of the underlying less what it is out of the money, at
/// least a tenth. Of calls and puts the side that needs more.
fn uncovered(
    options: &[(&OptionContract, Decimal)],
    bag: &[(&Instrument, Decimal)],
    spot: impl Fn() -> Option<Decimal>,
    market: &MarketView,
) -> Option<Decimal> {
    let mut sides = [Decimal::ZERO; 2];
    let short = options.iter().filter(|(_, quantity)| quantity.is_sign_negative());
    for (contract, quantity) in short {
        let spot = spot()?;
        let instrument = bag.iter().find(|(it, _)| it.option().is_some_and(|own| own == *contract))?.0;
        let value = market.mark(instrument).known()?.0;
        let (side, out, floor) = match contract.right {
            Right::Call => (0, contract.strike - spot, spot),
            Right::Put => (1, spot - contract.strike, contract.strike),
        };
        let fifth = Decimal::new(2, 1) * spot - out.max(Decimal::ZERO);
        let each = value + fifth.max(Decimal::new(1, 1) * floor);
        sides[side] += quantity.abs() * Decimal::from(contract.multiplier) * each;
    }
    Some(sides[0].max(sides[1]))
}
