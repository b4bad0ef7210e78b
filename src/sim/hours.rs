//! When the market is open.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::domain::TradingDate;
use crate::domain::time::{Timestamp, new_york_date};

use super::server::Shared;
use super::wire::{self, Query, stamp};
use super::world::days::{self, Session};

const DAYS_AT_ONCE: u64 = 280;

/// Pre-market from 8:15, extended hours until 20:00 (17:00 on half days).
fn edges(session: &Session) -> (Timestamp, Timestamp) {
    let start = session.open - TimeDelta::minutes(75);
    let end = session.close + TimeDelta::hours(4);
    (start, end)
}

fn session_json(session: &Session, collection: &str) -> Value {
    let (start, end) = edges(session);
    json!({
        "session-date": session.date.to_string(), "instrument-collection": collection,
        "start-at": stamp(start), "open-at": stamp(session.open),
        "close-at": stamp(session.close), "close-at-ext": stamp(end)
    })
}

fn state(session: Option<&Session>, at: Timestamp) -> &'static str {
    let Some(session) = session else { return "Closed" };
    let (start, end) = edges(session);
    if session.contains(at) {
        "Open"
    } else if at >= start && at < session.open {
        "Pre-market"
    } else if at >= session.close && at < end {
        "Extended"
    } else {
        "Closed"
    }
}

fn current_json(at: Timestamp, collection: &str) -> Value {
    let today = new_york_date(at);
    let session = days::session(today);
    let shown = days::session(days::session_on_or_before(today));
    // Before today's open the next session is today's.
    let next = match session {
        Some(s) if at < s.open => Some(s),
        _ => days::session(days::session_after(today)),
    };
    let previous = days::session(days::session_before(today));
    let mut body = match (session.or(shown), session) {
        (Some(s), _) => session_json(&s, collection),
        (None, _) => json!({ "instrument-collection": collection }),
    };
    if let Some(map) = body.as_object_mut() {
        map.remove("session-date");
        map.insert("state".into(), state(session.as_ref(), at).into());
        if let Some(next) = next {
            map.insert("next-session".into(), session_json(&next, collection));
        }
        if let Some(previous) = previous {
            map.insert("previous-session".into(), session_json(&previous, collection));
        }
    }
    body
}

pub async fn current(State(shared): State<Shared>) -> Response {
    wire::one(current_json(shared.now(), "Equity"), "/market-time/equities/sessions/current")
}

pub async fn current_of(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let collections = Query::parse(raw.as_deref()).all("instrument-collections");
    let at = shared.now();
    let items = collections.iter().filter(|c| *c == "Equity").map(|c| current_json(at, c)).collect();
    wire::list(items, "/market-time/sessions/current")
}

fn date_of(query: &Query, key: &str) -> Option<TradingDate> {
    query.get(key).and_then(|d| d.parse().ok())
}

pub async fn next(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let from = date_of(&Query::parse(raw.as_deref()), "date");
    let from = from.unwrap_or_else(|| new_york_date(shared.now()));
    beside(days::session_after(from), "/market-time/equities/sessions/next")
}

pub async fn previous(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let from = date_of(&Query::parse(raw.as_deref()), "date");
    let from = from.unwrap_or_else(|| new_york_date(shared.now()));
    beside(days::session_before(from), "/market-time/equities/sessions/previous")
}

fn beside(date: TradingDate, context: &str) -> Response {
    match days::session(date) {
        Some(session) => wire::one(session_json(&session, "Equity"), context),
        None => wire::not_found("the session"),
    }
}

pub async fn span(RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let (Some(from), Some(to)) = (date_of(&query, "from-date"), date_of(&query, "to-date")) else {
        return wire::validation("from-date", "is missing");
    };
    let length = u64::try_from((to - from).num_days()).unwrap_or(0);
    if length > DAYS_AT_ONCE {
        return wire::validation("to-date", "is more than nine months after from-date");
    }
    let items = (0..=length)
        .filter_map(|n| days::session(from + Days::new(n)))
        .map(|s| session_json(&s, "Equity"))
        .collect();
    wire::list(items, "/market-time/sessions")
}

pub async fn holidays(State(shared): State<Shared>) -> Response {
    let year = new_york_date(shared.now()).year();
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let dates = |keep: fn(NaiveDate) -> bool| -> Vec<String> {
        (0..731).map(|n| first + Days::new(n)).filter(|d| keep(*d)).map(|d| d.to_string()).collect()
    };
    wire::one(
        json!({
            "market-holidays": dates(|d| d.weekday().number_from_monday() < 6 && days::is_holiday(d)),
            "market-half-days": dates(days::is_early_close)
        }),
        "/market-time/equities/holidays",
    )
}
