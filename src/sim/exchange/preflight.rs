//! What the broker checks before an order leaves, and what the order would do to the account.
//!
//! Never: checks price increments; the venue does that later, as the real one.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::domain::time::Timestamp;
use crate::domain::{Instrument, Right};

use super::super::requirement;
use super::super::world::Market;
use super::super::world::book::{AccountBook, held};
use super::desk::Draft;
use super::fees::{self, Fees};
use super::hours;
use super::ledger::{Account, Booking, TransactionKind};
use super::matching::Package;
use super::order::{Action, Effect, Leg, OrderKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub code: &'static str,
    pub text: String,
}

fn message(code: &'static str, text: impl Into<String>) -> Message {
    Message { code, text: text.into() }
}

/// Dollars; what an order ties up and what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PowerEffect {
    pub margin_change: f64,
    pub power_change: f64,
    pub current: f64,
    pub new: f64,
    pub isolated: f64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    pub errors: Vec<Message>,
    pub warnings: Vec<Message>,
    pub power: PowerEffect,
    pub fees: Fees,
    pub is_spread: bool,
}

pub fn check(market: &dyn Market, account: &Account, draft: &Draft, at: Timestamp) -> Verdict {
    let mut verdict = Verdict { is_spread: draft.legs.len() > 1, ..Verdict::default() };
    rules(draft, at, &mut verdict);
    positions(account, draft, &mut verdict);
    let prices = prices(market, draft, at);
    verdict.fees = fees::of_order(&draft.legs, &prices);
    verdict.power = power(market, &account.book, &draft.legs, &prices, verdict.fees.total(), at);
    if is_naked_call(&account.book, &draft.legs, at) {
        verdict.errors.push(message(
            "margin_check_failed",
            "Your account does not permit short calls without the shares",
        ));
    } else if verdict.power.new < 0.0 && verdict.power.power_change < 0.0 {
        verdict.errors.push(message(
            "margin_check_failed",
            "You do not have enough buying power available for this order",
        ));
    }
    verdict
}

fn rules(draft: &Draft, at: Timestamp, verdict: &mut Verdict) {
    let terms = &draft.terms;
    let opens = draft.legs.iter().any(|leg| !leg.action.is_closing());
    let all = |buys: bool| draft.legs.iter().all(|leg| leg.action.is_buy() == buys);
    let priced = terms.price.is_some_and(|price| price > Decimal::ZERO);
    if priced && all(true) && terms.effect == Some(Effect::Credit) {
        verdict.errors.push(message("cant_buy_for_credit", "You cannot buy for a credit."));
    }
    if priced && all(false) && terms.effect == Some(Effect::Debit) {
        verdict.errors.push(message("cant_sell_for_debit", "You cannot sell for a debit."));
    }
    if terms.tif.is_till_cancelled() && matches!(terms.kind, OrderKind::Market | OrderKind::NotionalMarket) {
        verdict
            .errors
            .push(message("gtc_market_orders_not_supported", "GTC market orders are not supported."));
    }
    if terms.tif.is_till_cancelled() && terms.kind == OrderKind::Stop && opens {
        verdict
            .errors
            .push(message("gtc_opening_stop_not_supported", "An opening stop order cannot be GTC."));
    }
    if !hours::is_trading(terms.tif, at) {
        if opens && matches!(terms.kind, OrderKind::Market | OrderKind::NotionalMarket) {
            verdict.errors.push(message(
                "market_order_outside_session",
                "Opening market orders are accepted while the market is open only.",
            ));
        }
        verdict.warnings.push(message(
            "tif.next_valid_session",
            "Your order will begin working during next valid session.",
        ));
    }
}

/// A closing leg needs something to close.
fn positions(account: &Account, draft: &Draft, verdict: &mut Verdict) {
    for leg in draft.legs.iter().filter(|leg| leg.action.is_closing()) {
        let held = account.units(&leg.instrument);
        let closable = if leg.action.is_buy() { -held } else { held }.max(Decimal::ZERO);
        if closable >= leg.quantity {
            continue;
        }
        let text = format!("{} has no position of this size to close", leg.instrument.broker_symbol());
        let found = message("closing_with_no_position", text);
        if draft.terms.strict { verdict.errors.push(found) } else { verdict.warnings.push(found) }
    }
}

/// What the legs would trade at: together the limit, or the natural price.
fn prices(market: &dyn Market, draft: &Draft, at: Timestamp) -> Vec<Decimal> {
    match Package::of(market, &draft.legs, at) {
        Some(package) => {
            let limit = draft.terms.limit_cost().and_then(|cost| cost.to_f64());
            package.leg_prices(limit.unwrap_or(package.natural))
        }
        None => draft
            .legs
            .iter()
            .map(|leg| {
                let mark = market.mark(&leg.instrument, at).and_then(|(mark, _)| Decimal::from_f64(mark));
                mark.unwrap_or_default().max(Decimal::ZERO)
            })
            .collect(),
    }
}

fn power(
    market: &dyn Market,
    book: &AccountBook,
    legs: &[Leg],
    prices: &[Decimal],
    fees: Decimal,
    at: Timestamp,
) -> PowerEffect {
    let after = with(book, legs, prices, fees, at);
    let alone = AccountBook { positions: Vec::new(), ..book.clone() };
    let alone = with(&alone, legs, prices, Decimal::ZERO, at);
    let (before, then) = (requirement::power(market, book, at), requirement::power(market, &after, at));
    PowerEffect {
        margin_change: then.required - before.required,
        power_change: then.available - before.available,
        current: before.available,
        new: then.available,
        isolated: requirement::power(market, &alone, at).required,
    }
}

/// The account as it would be after the order, at its limit or the natural price.
pub fn after(market: &dyn Market, book: &AccountBook, draft: &Draft, at: Timestamp) -> AccountBook {
    with(book, &draft.legs, &prices(market, draft, at), Decimal::ZERO, at)
}

fn with(book: &AccountBook, legs: &[Leg], prices: &[Decimal], fees: Decimal, at: Timestamp) -> AccountBook {
    let mut account =
        Account { book: book.clone(), orders: Vec::new(), complex: Vec::new(), transactions: Vec::new() };
    for (leg, price) in legs.iter().zip(prices) {
        account.book(
            0,
            &Booking {
                kind: TransactionKind::Trade,
                sub: leg.action.wire(),
                instrument: &leg.instrument,
                action: leg.action,
                quantity: leg.remaining,
                price: *price,
                fees: Fees::default(),
                at,
                order: None,
                exec: None,
                group: None,
            },
        );
    }
    account.book.cash -= fees;
    account.book
}

/// A retirement account may sell calls only against shares or other calls.
fn is_naked_call(book: &AccountBook, legs: &[Leg], at: Timestamp) -> bool {
    let sells_calls = |leg: &&Leg| {
        leg.action == Action::SellToOpen && leg.instrument.option().is_some_and(|c| c.right == Right::Call)
    };
    if !book.is_ira {
        return false;
    }
    legs.iter().filter(sells_calls).any(|sold| {
        let underlying = sold.instrument.underlying();
        let cover = |instrument: &Instrument, units: Decimal| match instrument {
            Instrument::Option(c) if c.right == Right::Call && c.underlying == *underlying => {
                units * Decimal::from(c.multiplier)
            }
            Instrument::Equity(symbol) if symbol == underlying => units,
            _ => Decimal::ZERO,
        };
        let held: Decimal =
            held(&book.positions, at).map(|line| cover(&line.instrument, line.quantity)).sum();
        let ordered: Decimal =
            legs.iter().map(|leg| cover(&leg.instrument, leg.action.sign() * leg.quantity)).sum();
        held + ordered < Decimal::ZERO
    })
}
