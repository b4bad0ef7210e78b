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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instrument::parse_occ;
    use crate::sim::exchange::order::{Terms, TimeInForce};
    use crate::sim::world::book::BookPosition;
    use crate::sim::world::seeded::SeededWorld;

    struct Scene {
        world: SeededWorld,
        at: Timestamp,
        account: Account,
    }

    impl Scene {
        fn new(is_ira: bool) -> Self {
            let world = SeededWorld::new(7, chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
            let at = world.paths().anchor_instant();
            let book = AccountBook {
                number: "5WT00002".into(),
                nickname: "n".into(),
                type_name: "t".into(),
                is_ira,
                cash: Decimal::from(20_000),
                positions: Vec::new(),
            };
            Self { world, at, account: Account::opened(book, &mut 0) }
        }

        fn option(&self, symbol: &str) -> Instrument {
            Instrument::Option(self.world.contract(&parse_occ(symbol).unwrap()).unwrap().into())
        }

        fn hold(&mut self, instrument: &Instrument, quantity: i64) {
            let line =
                BookPosition::opened("5WT00002", instrument.clone(), quantity.into(), Decimal::ONE, self.at);
            self.account.book.positions.push(line);
        }

        fn check(&self, price: (i64, Effect), legs: &[(&Instrument, Action, i64)]) -> Verdict {
            let legs = legs.iter().map(|(instrument, action, quantity)| Leg {
                instrument: (*instrument).clone(),
                action: *action,
                quantity: (*quantity).into(),
                remaining: (*quantity).into(),
                fills: Vec::new(),
            });
            let terms = Terms {
                kind: OrderKind::Limit,
                tif: TimeInForce::Day,
                gtc_date: None,
                price: Some(Decimal::new(price.0, 2)),
                effect: Some(price.1),
                stop_trigger: None,
                value: None,
                value_effect: None,
                source: None,
                external_identifier: None,
                strict: false,
            };
            check(&self.world, &self.account, &Draft { terms, legs: legs.collect() }, self.at)
        }
    }

    fn codes(verdict: &Verdict) -> Vec<&'static str> {
        verdict.errors.iter().map(|m| m.code).collect()
    }

    #[test]
    fn a_spread_ties_up_its_width_less_its_credit_and_closing_it_gives_that_back() {
        let mut s = Scene::new(false);
        let (short, long) = (s.option("SPY   261218P00640000"), s.option("SPY   261218P00635000"));
        let open =
            s.check((80, Effect::Credit), &[(&short, Action::SellToOpen, 1), (&long, Action::BuyToOpen, 1)]);
        assert_eq!(open.errors, []);
        assert!((open.power.margin_change - 500.0).abs() < 1e-9);
        let fees = open.fees.total().to_f64().unwrap();
        assert!((open.power.power_change - (80.0 - 500.0 - fees)).abs() < 1e-6, "{:?}", open.power);
        s.hold(&short, -1);
        s.hold(&long, 1);
        let close =
            s.check((30, Effect::Debit), &[(&short, Action::BuyToClose, 1), (&long, Action::SellToClose, 1)]);
        assert!((close.power.margin_change + 500.0).abs() < 1e-9);
        assert!(close.power.power_change > 400.0 && close.warnings.is_empty(), "{close:?}");
        assert!(close.fees.commission.is_zero());
    }

    #[test]
    fn a_retirement_account_sells_calls_against_shares_only() {
        let mut s = Scene::new(true);
        let call = s.option("XLF   261218C00055000");
        let sell = |s: &Scene, n: i64| s.check((10, Effect::Credit), &[(&call, Action::SellToOpen, n)]);
        assert_eq!(codes(&sell(&s, 1)), ["margin_check_failed"]);
        let shares = Instrument::Equity(crate::domain::Symbol::new("XLF").unwrap());
        s.hold(&shares, 100);
        assert_eq!(codes(&sell(&s, 1)), [""; 0]);
        assert_eq!(codes(&sell(&s, 2)), ["margin_check_failed"]);
    }

    #[test]
    fn what_is_not_there_cannot_be_closed() {
        let mut s = Scene::new(false);
        let put = s.option("SPY   261218P00640000");
        let buy = |s: &Scene| s.check((80, Effect::Debit), &[(&put, Action::BuyToClose, 2)]);
        assert_eq!(buy(&s).warnings[0].code, "closing_with_no_position");
        s.hold(&put, -1);
        assert_eq!(buy(&s).warnings[0].code, "closing_with_no_position", "one of two");
        s.hold(&s.option("SPY   261218P00600000"), 5);
        s.account.book.positions[0].quantity = Decimal::from(-2);
        assert!(buy(&s).warnings.is_empty());
    }
}
