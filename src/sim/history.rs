//! What an account was worth on earlier days, from its transactions and the market of those days.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::{Days, Months};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Instrument, TradingDate};

use super::exchange::ledger::{Account, Transaction};
use super::server::{Shared, SimState};
use super::wire::{self, Answer, Fields, Query, num, stamp_z};
use super::world::book::{AccountBook, BookPosition};
use super::world::{Market, days};

/// Sessions in one answer.
const MOST_DAYS: usize = 260;

/// The account as its transactions say it was: cash and holdings less what came later.
pub fn book_at(account: &Account, at: Timestamp) -> AccountBook {
    let mut book = account.book.clone();
    let mut later: BTreeMap<String, (Instrument, Decimal)> = BTreeMap::new();
    for t in account.transactions.iter().filter(|t| t.at > at) {
        book.cash -= t.net();
        if let Some(instrument) = &t.instrument {
            let entry =
                later.entry(instrument.broker_symbol()).or_insert((instrument.clone(), Decimal::ZERO));
            entry.1 += t.units();
        }
    }
    for (instrument, units) in later.into_values() {
        match book.positions.iter_mut().find(|line| line.instrument == instrument) {
            Some(line) => line.quantity -= units,
            None => {
                book.positions.push(BookPosition::opened(
                    &book.number,
                    instrument,
                    -units,
                    Decimal::ZERO,
                    at,
                ));
            }
        }
    }
    book.positions.retain(|line| !line.quantity.is_zero());
    book
}

/// Cash and marks; a line that the market of that instant does not know is left out.
fn worth(market: &dyn Market, book: &AccountBook, at: Timestamp) -> f64 {
    let held: f64 = super::world::book::held(&book.positions, at)
        .filter_map(|line| super::world::book::market_value(market, line, at))
        .sum();
    book.cash.to_f64().unwrap_or(0.0) + held
}

/// The last session of the answer is the one that runs, with what is known of it.
fn sessions(first: TradingDate, now: Timestamp) -> Vec<days::Session> {
    let today = new_york_date(now);
    let length = (today - first).num_days().clamp(0, 800) as u64;
    let all = (0..=length).filter_map(|n| days::session(first + Days::new(n)));
    let mut kept: Vec<days::Session> = all.filter(|session| session.open <= now).collect();
    let surplus = kept.len().saturating_sub(MOST_DAYS);
    kept.drain(..surplus);
    kept
}

fn bar(shared: &SimState, account: &Account, session: &days::Session, now: Timestamp) -> Value {
    let market = shared.market.as_ref();
    let end = session.close.min(now);
    let middle = session.open + (end - session.open) / 2;
    let values = [session.open, middle, end].map(|at| worth(market, &book_at(account, at), at));
    let cents = |value: f64| num((value * 100.0).round() / 100.0);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let mut fields = Fields::default();
    for (key, value) in [("open", values[0]), ("high", high), ("low", low), ("close", values[2])] {
        fields = fields
            .with(key, cents(value))
            .with(&format!("pending-cash-{key}"), "0.0")
            .with(&format!("total-{key}"), cents(value));
    }
    fields.with("time", stamp_z(end)).build()
}

/// The first day that a request asks for.
fn first_day(query: &Query, now: Timestamp) -> TradingDate {
    let today = new_york_date(now);
    let stated = query.get("start-time").and_then(|t| t.get(..10)).and_then(|d| d.parse().ok());
    if let Some(date) = stated {
        return date;
    }
    match query.get("time-back").unwrap_or("1y") {
        "1d" => today - Days::new(1),
        "1w" => today - Days::new(7),
        "1m" => today - Months::new(1),
        "3m" => today - Months::new(3),
        "6m" => today - Months::new(6),
        _ => today - Months::new(12),
    }
}

pub async fn net_liq(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let account = shared.exchange.with(|venue| venue.account(&number).cloned());
    let account = account.ok_or_else(|| wire::not_found("the account"))?;
    let query = Query::parse(raw.as_deref());
    let now = shared.now();
    // Before the first transaction there is nothing to tell.
    let opened =
        account.transactions.iter().map(Transaction::date).min().unwrap_or_else(|| new_york_date(now));
    let last = query.get("end-time").and_then(|t| t.get(..10)).and_then(|d| d.parse::<TradingDate>().ok());
    let asked = sessions(first_day(&query, now).max(opened), now);
    // Marks of many contracts on many days: off the threads that serve.
    let answer = tokio::task::spawn_blocking(move || {
        let wanted = asked.iter().filter(|session| last.is_none_or(|last| session.date <= last));
        let items: Vec<Value> = wanted.map(|session| bar(&shared, &account, session, now)).collect();
        wire::list(items, &format!("/accounts/{number}/net-liq/history"))
    });
    answer.await.map_err(|_| server_error().into())
}

fn server_error() -> Response {
    wire::failure(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong")
}

/// Balances at the begin or the end of days.
pub async fn balance_snapshots(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let account = shared.exchange.with(|venue| venue.account(&number).cloned());
    let account = account.ok_or_else(|| wire::not_found("the account"))?;
    let query = Query::parse(raw.as_deref());
    let now = shared.now();
    let is_end = match query.get("time-of-day") {
        Some("BOD") => false,
        None | Some("EOD") => true,
        Some(_) => return Err(wire::validation("time-of-day", "does not have a valid value").into()),
    };
    let one: Option<TradingDate> = query.read("snapshot-date")?;
    let span = query.span()?;
    let opened =
        account.transactions.iter().map(Transaction::date).min().unwrap_or_else(|| new_york_date(now));
    let first = one.or(span.first).unwrap_or(opened).max(opened);
    let last = one.or(span.last);
    let answer = tokio::task::spawn_blocking(move || {
        let of_day = |session: &days::Session| {
            let at = if is_end { session.close } else { session.open };
            if at > now {
                return None;
            }
            let mut body = super::accounts::balance_json(shared.market.as_ref(), &book_at(&account, at), at);
            body["time-of-day"] = json!(if is_end { "EOD" } else { "BOD" });
            Some(body)
        };
        let wanted = sessions(first, now);
        let wanted = wanted.iter().filter(|session| last.is_none_or(|last| session.date <= last));
        let items: Vec<Value> = wanted.filter_map(of_day).collect();
        let context = format!("/accounts/{number}/balance-snapshots");
        wire::page(&items, &context, query.number("per-page", 250), query.number("page-offset", 0))
    });
    answer.await.map_err(|_| server_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::book;
    use crate::sim::world::seeded::SeededWorld;

    #[test]
    fn going_back_undoes_the_trades() {
        let world = SeededWorld::new(7, chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        let now = world.paths().anchor_instant();
        let book = book::accounts(&world, 7).remove(0);
        let account = Account::opened(book.clone(), &mut 0);
        assert_eq!(book_at(&account, now), book);
        let first = account.transactions.iter().map(|t| t.at).min().unwrap();
        let before = book_at(&account, first - chrono::TimeDelta::seconds(1));
        assert!(before.positions.is_empty());
        let spent: Decimal = account.transactions.iter().map(Transaction::net).sum();
        assert_eq!(before.cash, book.cash - spent);
    }
}
