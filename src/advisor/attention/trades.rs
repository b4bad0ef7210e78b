//! What calls for action in one trade: an exit, an expiry, a dividend, a home or a reason that is missing.

use chrono::Datelike;
use rust_decimal::Decimal;

use super::{Attention, Book, Urgency, since_words};
use crate::advisor::exit_rules::ExitReading;
use crate::advisor::held::{Held, HeldExit};
use crate::advisor::trade_facts::{EXPIRY_DAYS, TradeFacts};
use crate::containers::Order;
use crate::domain::control::KillMode;
use crate::domain::order::{OrderLeg, OrderState, TimeInForce};
use crate::domain::text::signed;
use crate::domain::time::{days_to, new_york_date};
use crate::domain::{Leg, Money, Timestamp, Trade, TradingDate, label};

pub(super) fn of_trade(book: &Book<'_>, trade: &TradeFacts<'_>, held: &mut Held) -> Vec<Attention> {
    let it = trade.trade;
    let name = format!("{} {}", it.underlying, trade.label);
    let row = |urgency: Urgency, action: String, why: String| Attention {
        portfolio: it.portfolio,
        trade: Some(it.id),
        underlying: Some(it.underlying.clone()),
        ..Attention::new(urgency, format!("{urgency:?}/{}", it.id), action, why)
    };
    let of_trade = || book.books.orders.values().filter(|order| order.ticket.trade == it.id);
    let mut rows = Vec::new();
    let unknown = of_trade().filter(|order| order.is_unknown()).count();
    if unknown > 0 {
        let orders = if unknown == 1 { "an order".to_owned() } else { format!("{unknown} orders") };
        let why = "nobody knows whether the broker has it: it is looked for and never sent again".to_owned();
        let action = format!("{name}: {orders} UNKNOWN, O shows");
        rows.push(Attention { by_when: Some("now".to_owned()), ..row(Urgency::Unknown, action, why) });
    }
    if it.is_what_if() {
        let why = it
            .evaluation
            .as_ref()
            .map_or_else(|| "not evaluated".to_owned(), crate::booking::evaluate::verdict_words);
        let price = trade.entry.map(|price| format!("{:.2}", price.to_cents()));
        rows.push(Attention { price, ..row(Urgency::WhatIf, format!("WhatIf {name}"), why) });
        return rows;
    }
    if !it.is_open() {
        return rows;
    }
    let price = price_to_close(trade);
    rows.extend(close(book, trade, &row, price.as_ref(), held));
    if book.books.safety.kill == Some(KillMode::Hard) {
        let why = "the kill switch is hard: x closes it".to_owned();
        let by_when = Some("now".to_owned());
        rows.push(Attention { price: price.clone(), by_when, ..row(Urgency::Flatten, name.clone(), why) });
    }
    if lost_its_exits(book, it) {
        let why = "its resting exit was cancelled today, and nothing rests in its place: X rests it again";
        rows.push(Attention {
            price: price.clone(),
            ..row(Urgency::Unguarded, name.clone(), why.to_owned())
        });
    }
    if let Some(order) = lopsided(book, it) {
        rows.push(Attention {
            price: price.clone(),
            by_when: Some("now".to_owned()),
            ..row(
                Urgency::Rescue,
                format!("{name}: legs of unequal size, x closes what is held"),
                filled_words(order, book.now),
            )
        });
    }
    if trade.dividend.is_some() {
        held.dividends.insert(it.id);
    } else {
        held.dividends.remove(&it.id);
    }
    if let Some(threat) = &trade.dividend {
        let estimated = if threat.estimated { " (estimated)" } else { "" };
        let left = threat.time_value.map_or_else(
            || "its time value is unknown".to_owned(),
            |value| format!("its time value is {value:.2}"),
        );
        let eve = book.market.calendar().previous_session(threat.ex_date);
        rows.push(Attention {
            price: price.clone(),
            by_when: Some(format!("before the close of {}", date_words(eve, book.now))),
            due: Some(eve),
            ..row(
                Urgency::Dividend,
                format!("{}: short {} may be exercised", it.underlying, threat.call),
                format!("dividend {:.2}{estimated}, {left}", threat.amount),
            )
        });
    }
    if it.portfolio.is_none() {
        let why = "no portfolio, the account has several: m routes it".to_owned();
        rows.push(row(Urgency::Route, name.clone(), why));
    }
    if it.rationale.is_none() {
        let since = date_words(new_york_date(it.opened_at), book.now);
        let why = format!("no rationale: n gives one; adopted from the broker, opened {since}");
        rows.push(row(Urgency::Rationale, name, why));
    }
    rows
}

/// The last order of it ended with unequal legs, nothing has evened them out since, and nothing is at work on it.
fn lopsided<'a>(book: &Book<'a>, trade: &Trade) -> Option<&'a Order> {
    let of_trade = || book.books.orders.values().filter(|order| order.ticket.trade == trade.id);
    if of_trade().any(|order| order.state.may_work()) {
        return None;
    }
    let last = of_trade().filter(|order| !order.fills.is_empty()).max_by_key(|order| order.since)?;
    let held = |leg: &OrderLeg| -> Decimal {
        let legs = trade.legs.iter().filter(|held| held.instrument == leg.instrument);
        legs.map(|held| held.quantity.abs()).sum()
    };
    let (first, rest) = last.ticket.legs.split_first()?;
    let uneven = rest
        .iter()
        .any(|leg| held(leg) * Decimal::from(first.quantity) != held(first) * Decimal::from(leg.quantity));
    (last.state == OrderState::PartlyFilled && last.is_lopsided() && uneven).then_some(last)
}

/// An exit that was to rest until it is filled was cancelled today, and no closing order lives.
fn lost_its_exits(book: &Book<'_>, trade: &Trade) -> bool {
    let closing = || {
        let orders = book.books.orders.values();
        orders.filter(|order| order.ticket.trade == trade.id && order.ticket.is_closing())
    };
    let today = new_york_date(book.now);
    let gone = |order: &Order| {
        let rested = order.ticket.time_in_force == TimeInForce::Gtc && order.sent_at.is_some();
        rested && order.state == OrderState::Cancelled && new_york_date(order.since) == today
    };
    closing().any(gone) && !closing().any(|order| order.state.may_work())
}

/// "filled 2 of 2 put 645 18 Dec, 0 of 2 put 640 18 Dec"
fn filled_words(order: &Order, now: Timestamp) -> String {
    let year = new_york_date(now).year();
    let legs = order.ticket.legs.iter().enumerate().map(|(place, leg)| {
        let filled = order.filled(place).normalize();
        format!("{filled} of {} {}", leg.quantity, label::leg(&leg.instrument, year))
    });
    format!("its order ended with {} filled", legs.collect::<Vec<_>>().join(", "))
}

/// One row for all that says "close it": the exit rule, and an expiry that comes near.
fn close(
    book: &Book<'_>,
    trade: &TradeFacts<'_>,
    row: &dyn Fn(Urgency, String, String) -> Attention,
    price: Option<&String>,
    held: &mut Held,
) -> Option<Attention> {
    let it = trade.trade;
    let name = format!("{} {}", it.underlying, trade.label);
    let keeps = |pnl: Money| format!("keeps {}", signed(pnl.to_f64(), 0));
    let open = trade.open.whole().known().copied().map(keeps);
    let expiry = expires(trade);
    let exit = trade.exit.as_ref();
    let kept = exit.and_then(|exit| exit.keeps).map(keeps);
    // As the picture before left it: what is no longer known is shown from there.
    let last = held.exits.get(&it.id).cloned();
    if let Some(exit) = exit {
        held.exit(it.id, &exit.profit, price, kept.as_ref(), book.now);
    }
    let was = exit.and_then(ExitReading::was_due);
    let was_words = was.map(|(why, at)| format!("{}: {why}", since_words(at, book.now)));
    let due = exit.and_then(ExitReading::due);
    let reasons: Vec<String> = [due.clone(), was_words].into_iter().flatten().collect();
    let by_when = expiry.as_ref().map(|(date, _)| date_words(*date, book.now));
    let place = Attention { due: trade.nearest_expiry, ..row(Urgency::Exit, String::new(), String::new()) };
    if reasons.is_empty() {
        let (_, threat) = expiry?;
        let action = format!("{name} expires in {} d", trade.days.unwrap_or_default());
        let expires =
            row(Urgency::Expiry, action, threat.unwrap_or_else(|| "out of the money now".to_owned()));
        // One key for both: the selection stays when the rule calls, too.
        return Some(Attention {
            key: place.key,
            price: price.cloned(),
            after: open,
            by_when,
            due: place.due,
            ..expires
        });
    }
    let stale = due.is_none();
    let threat = expiry.as_ref().and_then(|(_, threat)| threat.clone());
    let when = [(!stale).then(|| "today".to_owned()), by_when.map(|date| format!("expires {date}"))];
    let when: Vec<String> = when.into_iter().flatten().collect();
    let remembered = |now: Option<String>, then: fn(HeldExit) -> Option<String>| {
        now.or_else(|| last.clone().and_then(then))
    };
    Some(Attention {
        action: closing(trade, book.now),
        price: remembered(price.cloned(), |last| last.price.map(|price| format!("~{price}"))),
        after: remembered(kept, |last| last.keeps),
        why: reasons.into_iter().chain(threat).collect::<Vec<_>>().join("; "),
        by_when: (!when.is_empty()).then(|| when.join(", ")),
        stale,
        rank: if expiry.is_some() { Urgency::Expiry } else { Urgency::Exit },
        ..place
    })
}

/// What is to be done, in lots. Shares stay where they are: their options are closed.
fn closing(trade: &TradeFacts<'_>, now: Timestamp) -> String {
    let it = trade.trade;
    let symbol = &it.underlying;
    let lots = trade.lots.abs().normalize();
    let options: Vec<&Leg> = it.legs.iter().filter(|leg| leg.instrument.option().is_some()).collect();
    match options.as_slice() {
        all if all.len() == it.legs.len() => format!("close {lots} {symbol} {}", trade.label),
        [only] => {
            let year = new_york_date(now).year();
            format!(
                "buy back {} {symbol} {}",
                only.quantity.abs().normalize(),
                label::leg(&only.instrument, year)
            )
        }
        _ => format!("close the options of {symbol} {}", trade.label),
    }
}

/// An expiry that is near, and what it threatens.
fn expires(trade: &TradeFacts<'_>) -> Option<(TradingDate, Option<String>)> {
    let expiry = trade.nearest_expiry.filter(|_| trade.days.is_some_and(|days| days <= EXPIRY_DAYS))?;
    let threat = match (&trade.assignment, trade.exercise) {
        (Some(threat), _) => {
            Some(format!("short {} is {:.2} in the money: assignment", threat.leg, threat.in_the_money))
        }
        (None, Some(by)) => Some(format!("{by:.2} in the money: exercised or cash-settled")),
        (None, None) => None,
    };
    Some((expiry, threat))
}

/// The mark, to the cent.
fn price_to_close(trade: &TradeFacts<'_>) -> Option<String> {
    let mark = trade.mark.known()?.to_cents();
    let stale = if trade.mark.is_live() { "" } else { "~" };
    Some(format!("{stale}{mark:.2}"))
}

fn date_words(date: TradingDate, now: Timestamp) -> String {
    match days_to(date, now) {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("{} {}", date.format("%a"), label::short_date(date, new_york_date(now).year())),
    }
}
