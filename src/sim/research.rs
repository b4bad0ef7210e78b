//! Looking things up: symbols by their beginning, dividends and reports of the past.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::Days;
use serde_json::{Value, json};

use crate::domain::TradingDate;
use crate::domain::time::new_york_date;

use super::server::Shared;
use super::wire::{self, Answer, Query, num};
use super::world::days;

const MOST_FOUND: usize = 50;
/// How far back dividends and reports are told.
const MOST_DAYS_BACK: u64 = 800;
/// No name pays or reports more than once in so many days.
const STEP: u64 = 21;

pub async fn search(State(shared): State<Shared>, Path(prefix): Path<String>) -> Response {
    let wanted = prefix.to_uppercase();
    let mut known = shared.market.underlyings();
    known.sort();
    let items: Vec<Value> = known
        .iter()
        .filter(|symbol| symbol.starts_with(&wanted))
        .take(MOST_FOUND)
        .filter_map(|symbol| {
            let profile = shared.market.profile(symbol)?;
            let kind = if profile.is_index { "Index" } else { "Equity" };
            Some(json!({
                "symbol": symbol, "description": profile.description, "listed-market": profile.listed_market,
                "options": profile.has_options, "instrument-type": kind
            }))
        })
        .collect();
    wire::list(items, &format!("/symbols/search/{prefix}"))
}

/// The figures of a name on days of the past, nearest first.
fn back(from: TradingDate) -> impl Iterator<Item = TradingDate> {
    (0..=MOST_DAYS_BACK / STEP).map(move |n| from - Days::new(n * STEP))
}

pub async fn dividends(State(shared): State<Shared>, Path(symbol): Path<String>) -> Answer {
    if shared.market.profile(&symbol).is_none() {
        return Err(wire::not_found("the symbol").into());
    }
    let today = new_york_date(shared.now());
    let mut paid: BTreeMap<TradingDate, f64> = BTreeMap::new();
    for date in back(today) {
        let Some(metrics) = shared.market.metrics(&symbol, days::at(date, 12, 0)) else { continue };
        if let (Some(ex), Some(amount)) = (metrics.last_ex_date, metrics.dividend) {
            paid.insert(ex, amount);
        }
    }
    let items = paid
        .iter()
        .rev()
        .map(|(date, value)| json!({ "occurred-date": date.to_string(), "amount": num(*value) }));
    let context = format!("/market-metrics/historic-corporate-events/dividends/{symbol}");
    Ok(wire::list(items.collect(), &context))
}

pub async fn earnings(
    State(shared): State<Shared>,
    Path(symbol): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let query = Query::parse(raw.as_deref());
    let span = query.span()?;
    let Some(first) = span.first else { return Err(wire::validation("start-date", "is missing").into()) };
    if shared.market.profile(&symbol).is_none() {
        return Err(wire::not_found("the symbol").into());
    }
    let today = new_york_date(shared.now());
    let mut reports: BTreeMap<TradingDate, f64> = BTreeMap::new();
    for date in back(today) {
        let at = days::at(date, 12, 0);
        let (Some(metrics), Some(print)) =
            (shared.market.metrics(&symbol, at), shared.market.print(&symbol, at))
        else {
            continue;
        };
        if let Some(report) = metrics.next_earnings {
            // About what a share at twenty-five times its earnings brings in a quarter.
            reports.insert(report, print.last.round() / 100.0);
        }
    }
    let is_told =
        |date: &TradingDate| *date >= first && *date <= today && span.last.is_none_or(|last| *date <= last);
    let items = reports
        .iter()
        .filter(|(date, _)| is_told(date))
        .map(|(date, eps)| json!({ "occurred-date": date.to_string(), "eps": num(*eps) }));
    let context = format!("/market-metrics/historic-corporate-events/earnings-reports/{symbol}");
    Ok(wire::list(items.collect(), &context))
}
