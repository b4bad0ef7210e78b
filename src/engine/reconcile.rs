//! The broker's positions against our books. The broker is right about what is held; we are right about why.
//! Differences become events: new contracts are adopted as trades, vanished ones shrink or close trades.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::containers::Containers;
use crate::domain::event::{TradeAdopted, TradeClosed, TradeResized};
use crate::domain::report::BrokerPosition;
use crate::domain::time::new_york_date;
use crate::domain::trade::CloseReason;
use crate::domain::{
    AccountId, Event, IdSource, Instrument, Leg, PortfolioId, Price, Strategy, Symbol, Timestamp, Trade,
    TradeId,
};
use crate::risk::recognition::{self, Held};

/// Events that make our books agree with `positions` of one account. Where the list is not complete, what is
/// missing from it proves nothing; nor does what orders of ours are `moving`.
pub fn positions(
    books: &Containers,
    account: AccountId,
    positions: &[BrokerPosition],
    moving: &[Instrument],
    complete: bool,
    now: Timestamp,
    ids: &mut dyn IdSource,
) -> Vec<Event> {
    let ours = books.held(account);
    let theirs = net(positions);
    let mut events = Vec::new();
    let mut excess: BTreeMap<Instrument, Decimal> = BTreeMap::new();
    for (instrument, held) in &ours {
        // Missing from a list that is not whole proves nothing; reported smaller does.
        if moving.contains(instrument) || (!complete && !theirs.contains_key(instrument)) {
            continue;
        }
        let reported = theirs.get(instrument).copied().unwrap_or_default();
        if reported == *held {
            continue;
        }
        let same_side = reported.is_sign_positive() == held.is_sign_positive();
        let kept = if reported.is_zero() || !same_side { Decimal::ZERO } else { smaller(reported, *held) };
        if kept != *held {
            excess.insert(instrument.clone(), *held - kept);
        }
    }
    events.extend(shrink(books, account, &excess, now));
    let fresh = arrivals(books, account, positions, &theirs, &ours);
    events.extend(adopt(books, account, fresh, now, ids));
    events
}

fn net(positions: &[BrokerPosition]) -> BTreeMap<Instrument, Decimal> {
    let mut net = BTreeMap::new();
    for position in positions {
        *net.entry(position.instrument.clone()).or_insert(Decimal::ZERO) += position.quantity;
    }
    net.retain(|_, quantity| !quantity.is_zero());
    net
}

fn smaller(a: Decimal, b: Decimal) -> Decimal {
    if a.abs() < b.abs() { a } else { b }
}

/// Takes what is no longer held away from the trades that hold it, newest first.
fn shrink(
    books: &Containers,
    account: AccountId,
    excess: &BTreeMap<Instrument, Decimal>,
    now: Timestamp,
) -> Vec<Event> {
    let mut left = excess.clone();
    let mut events = Vec::new();
    let mut trades: Vec<&Trade> = books.open_trades().filter(|t| t.account == Some(account)).collect();
    trades.sort_by_key(|trade| std::cmp::Reverse((trade.opened_at, trade.id)));
    for trade in trades {
        let mut legs = trade.legs.clone();
        let mut touched = false;
        for leg in &mut legs {
            let Some(gone) = left.get_mut(&leg.instrument) else { continue };
            if gone.is_zero() || gone.is_sign_positive() != leg.quantity.is_sign_positive() {
                continue;
            }
            let taken = smaller(*gone, leg.quantity);
            leg.quantity -= taken;
            *gone -= taken;
            touched |= !taken.is_zero();
        }
        if !touched {
            continue;
        }
        legs.retain(|leg| !leg.quantity.is_zero());
        if legs.is_empty() {
            events.push(Event::TradeClosed(TradeClosed {
                trade: trade.id,
                why: why_gone(trade, now),
                rationale: None,
            }));
        } else {
            let strategy = recognition::label(&legs);
            events.push(Event::TradeResized(TradeResized { trade: trade.id, legs, strategy }));
        }
    }
    events
}

/// Past the expiration date the position ran off; how (worthless, assigned) the broker's transactions tell.
fn why_gone(trade: &Trade, now: Timestamp) -> CloseReason {
    let last = trade.legs.iter().filter_map(|leg| leg.instrument.option().map(|option| option.expiry)).max();
    match last {
        Some(expiry)
            if expiry < new_york_date(now) && trade.legs.iter().all(|l| l.instrument.option().is_some()) =>
        {
            CloseReason::Expired
        }
        _ => CloseReason::GoneAtBroker,
    }
}

/// What the broker holds beyond our books.
fn arrivals(
    books: &Containers,
    account: AccountId,
    positions: &[BrokerPosition],
    theirs: &BTreeMap<Instrument, Decimal>,
    ours: &BTreeMap<Instrument, Decimal>,
) -> Vec<BrokerPosition> {
    let mut fresh = Vec::new();
    for (instrument, reported) in theirs {
        let held = ours.get(instrument).copied().unwrap_or_default();
        let covered = if held.is_zero() || held.is_sign_positive() != reported.is_sign_positive() {
            Decimal::ZERO
        } else {
            smaller(held, *reported)
        };
        let quantity = *reported - covered;
        if quantity.is_zero() {
            continue;
        }
        if let Some(position) = positions.iter().find(|position| position.instrument == *instrument) {
            let added = BrokerPosition { quantity, ..position.clone() };
            fresh.push(if covered.is_zero() {
                added
            } else {
                // The broker's average and date are those of the whole position, not of what came on top.
                BrokerPosition {
                    average_open_price: entry_of_rest(books, account, position, *reported, covered),
                    created_at: None,
                    ..added
                }
            });
        }
    }
    fresh
}

/// What the increment was bought or sold at: the broker's cost of all less our cost of what we knew.
fn entry_of_rest(
    books: &Containers,
    account: AccountId,
    position: &BrokerPosition,
    reported: Decimal,
    covered: Decimal,
) -> Option<Price> {
    let known: Decimal = books
        .open_trades()
        .filter(|trade| trade.account == Some(account))
        .flat_map(|trade| &trade.legs)
        .filter(|leg| leg.instrument == position.instrument)
        .map(|leg| leg.entry.map(|entry| entry.0 * leg.quantity))
        .sum::<Option<Decimal>>()?;
    let rest = reported - covered;
    let entry = (position.average_open_price?.0 * reported - known).checked_div(rest)?;
    (entry >= Decimal::ZERO).then_some(Price(entry.round_dp(6).normalize()))
}

fn adopt(
    books: &Containers,
    account: AccountId,
    fresh: Vec<BrokerPosition>,
    now: Timestamp,
    ids: &mut dyn IdSource,
) -> Vec<Event> {
    let portfolio = home_of(books, account);
    let mut by_underlying: BTreeMap<Symbol, Vec<BrokerPosition>> = BTreeMap::new();
    for position in fresh {
        by_underlying.entry(position.instrument.underlying().clone()).or_default().push(position);
    }
    let mut events = Vec::new();
    for (underlying, bag) in by_underlying {
        for (strategy, legs, opened_at) in structures(&bag) {
            events.push(Event::TradeAdopted(TradeAdopted {
                trade: TradeId::new(ids),
                account,
                portfolio,
                underlying: underlying.clone(),
                strategy,
                legs,
                opened_at: opened_at.unwrap_or(now),
            }));
        }
    }
    events
}

/// One portfolio in the account: its home. Several: the inbox, because only the trader knows.
fn home_of(books: &Containers, account: AccountId) -> Option<PortfolioId> {
    let mut homes = books.portfolios_of(account);
    match (homes.next(), homes.next()) {
        (Some(only), None) => Some(only.portfolio.id),
        _ => None,
    }
}

fn structures(bag: &[BrokerPosition]) -> Vec<(Strategy, Vec<Leg>, Option<Timestamp>)> {
    let held: Vec<Held> = bag
        .iter()
        .map(|position| Held {
            instrument: position.instrument.clone(),
            quantity: position.quantity,
            opened_at: position.created_at,
        })
        .collect();
    recognition::recognise(&held)
        .into_iter()
        .map(|group| {
            let legs = group
                .legs
                .iter()
                .map(|part| Leg {
                    instrument: bag[part.index].instrument.clone(),
                    quantity: part.quantity,
                    entry: bag[part.index].average_open_price,
                })
                .collect();
            let opened_at = group.legs.iter().filter_map(|part| bag[part.index].created_at).max();
            (group.strategy, legs, opened_at)
        })
        .collect()
}
