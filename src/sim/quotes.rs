//! Snapshot quotes, market metrics, and the token of the market-data stream.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::domain::Settlement;
use crate::domain::instrument::parse_occ;
use crate::domain::time::Timestamp;

use super::exchange::halted;
use super::server::{Shared, SimState};
use super::wire::{self, Fields, Query, num, stamp, stamp_z};
use super::world::{Metrics, Profile};

const SYMBOLS_PER_REQUEST: usize = 100;

pub async fn token(State(shared): State<Shared>) -> Response {
    let now = shared.now();
    wire::one(
        json!({
            "token": shared.issue_quote_token(), "dxlink-url": shared.connection.dxlink_url, "level": "api",
            "issued-at": stamp(now), "expires-at": stamp(now + TimeDelta::hours(24))
        }),
        "/api-quote-tokens",
    )
}

pub async fn by_type(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let at = shared.now();
    let kinds = [("equity", "Equity"), ("index", "Index"), ("equity-option", "Equity Option")];
    let asked: Vec<(&str, Vec<String>)> = kinds.iter().map(|(key, kind)| (*kind, query.all(key))).collect();
    let count: usize = asked.iter().map(|(_, symbols)| symbols.len()).sum();
    if count > SYMBOLS_PER_REQUEST {
        return wire::failure(
            StatusCode::BAD_REQUEST,
            "validation_error",
            &format!("{count} symbols were asked for; at most {SYMBOLS_PER_REQUEST} are allowed"),
        );
    }
    let items: Vec<Value> = asked
        .iter()
        .flat_map(|(kind, symbols)| symbols.iter().filter_map(|s| snapshot(&shared, kind, s, at)))
        .collect();
    Json(json!({ "data": { "items": items }, "pagination": null, "context": "/market-data/by-type" }))
        .into_response()
}

pub async fn single(State(shared): State<Shared>, Path((kind, symbol)): Path<(String, String)>) -> Response {
    match snapshot(&shared, &kind, &symbol, shared.now()) {
        Some(data) => wire::one(data, &format!("/market-data/{kind}/{symbol}")),
        None => wire::not_found("market data for this symbol"),
    }
}

fn snapshot(shared: &SimState, kind: &str, symbol: &str, at: Timestamp) -> Option<Value> {
    match kind {
        "Equity" | "Index" => underlying(shared, kind, symbol, at),
        "Equity Option" => option(shared, symbol, at),
        _ => None,
    }
}

fn halts(fields: Fields, shared: &SimState, underlying: &str, at: Timestamp) -> Fields {
    let halt = halted(shared.exchange.halts(), underlying, at);
    let millis = |at: Option<Timestamp>| at.map_or(-1, |at| at.timestamp_millis());
    fields
        .with("is-trading-halted", halt.is_some())
        .with("halt-start-time", millis(halt.map(|h| h.from)))
        .with("halt-end-time", millis(halt.map(|h| h.to)))
}

fn underlying(shared: &SimState, kind: &str, symbol: &str, at: Timestamp) -> Option<Value> {
    let print = shared.shown.print(symbol, at)?;
    let profile = shared.shown.profile(symbol)?;
    let cents = |v: f64| (v * 100.0).round() / 100.0;
    let last = (!print.is_close_before).then_some(print.last);
    let mut fields = Fields::default()
        .with("symbol", symbol)
        .with("instrument-type", kind)
        .with("updated-at", stamp_z(at));
    fields = match print.quote {
        Some(q) => fields
            .maybe_num("bid", Some(q.bid))
            .maybe_num("bid-size", Some(q.bid_size))
            .maybe_num("ask", Some(q.ask))
            .maybe_num("ask-size", Some(q.ask_size))
            .maybe_num("mid", Some(q.mid()))
            .maybe_num("mark", Some(q.mid())),
        None => fields.with("bid-size", "0.0").with("ask-size", "0.0").maybe_num("mark", last),
    };
    fields = fields.maybe_num("last", last).maybe_num("last-mkt", last);
    if let Some(day) = print.day {
        fields = fields
            .maybe_num("open", Some(cents(day.open)))
            .maybe_num("day-high-price", Some(cents(day.high)))
            .maybe_num("day-low-price", Some(cents(day.low)));
    }
    if let Some((close, date)) = print.previous_close {
        fields = fields
            .maybe_num("prev-close", Some(close))
            .with("prev-close-date", date.to_string())
            .with("prev-close-price-type", "Final");
        if !profile.is_index {
            fields = fields
                .maybe_num("low-limit-price", Some(cents(close * 0.95)))
                .maybe_num("high-limit-price", Some(cents(close * 1.05)));
        }
    }
    if let Some((low, high)) = print.year_range {
        fields = fields
            .maybe_num("year-low-price", Some(cents(low)))
            .maybe_num("year-high-price", Some(cents(high)));
    }
    fields = carry(fields, &profile)
        .with("close-price-type", "Regular")
        .with("summary-date", print.session.to_string())
        .maybe_num("volume", print.volume);
    Some(halts(fields, shared, symbol, at).build())
}

fn carry(fields: Fields, profile: &Profile) -> Fields {
    let paying = profile.dividend.is_some();
    fields
        .maybe_num("beta", profile.beta)
        .maybe_num("dividend-amount", profile.dividend)
        .maybe_num("dividend-frequency", paying.then_some(profile.dividends_per_year))
}

fn option(shared: &SimState, symbol: &str, at: Timestamp) -> Option<Value> {
    let print = shared.shown.option(&parse_occ(symbol).ok()?, at)?;
    let under = shared.shown.print(print.contract.underlying.as_str(), at)?;
    let session = under.session;
    let q = print.quote;
    let mut fields = Fields::default()
        .with("symbol", symbol)
        .with("instrument-type", "Equity Option")
        .with("updated-at", stamp_z(at))
        .maybe_num("bid", Some(q.bid))
        .maybe_num("bid-size", Some(q.bid_size))
        .maybe_num("ask", Some(q.ask))
        .maybe_num("ask-size", Some(q.ask_size))
        .maybe_num("mid", Some(q.mid()))
        .maybe_num("mark", Some(q.mid()))
        .maybe_num("last", Some((q.mid() * 100.0).round() / 100.0))
        .maybe_num("prev-close", print.previous_close)
        .maybe("prev-close-date", under.previous_close.map(|(_, date)| date.to_string()))
        .with("close-price-type", "Regular")
        .with("prev-close-price-type", "Final")
        .with("summary-date", session.to_string())
        .maybe_num("open-interest", print.open_interest);
    if let Some(value) = print.value {
        fields = fields
            .maybe_num("volatility", Some(value.iv))
            .maybe_num("delta", Some(value.delta))
            .maybe_num("gamma", Some(value.gamma))
            .maybe_num("theta", Some(value.theta.0))
            .maybe_num("vega", Some(value.vega.0))
            .maybe_num("rho", Some(value.rho.0));
    }
    Some(halts(fields, shared, print.contract.underlying.as_str(), at).build())
}

pub async fn metrics(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let symbols = query.all("symbols");
    if symbols.is_empty() {
        return wire::validation("symbols", "is missing");
    }
    let at = shared.now();
    let items = symbols
        .iter()
        .take(SYMBOLS_PER_REQUEST)
        .filter_map(|s| {
            let metrics = shared.shown.metrics(s, at)?;
            Some(metrics_json(s, &metrics, &shared.shown.profile(s)?, at))
        })
        .collect();
    wire::list(items, "/market-metrics")
}

fn metrics_json(symbol: &str, m: &Metrics, profile: &Profile, at: Timestamp) -> Value {
    let percent = |v: Option<f64>| v.map(|v| (v * 1e4).round() / 100.0);
    let now = stamp_z(at);
    let mut fields = Fields::default()
        .with("symbol", symbol)
        .maybe_num("implied-volatility-index", m.iv_index)
        .maybe_num("implied-volatility-index-5-day-change", m.iv_index_5_day_change)
        .maybe_num("implied-volatility-index-rank", m.iv_rank)
        .maybe_num("tos-implied-volatility-index-rank", m.iv_rank)
        .maybe_num("tw-implied-volatility-index-rank", m.iv_rank.map(|r| 0.96 * r))
        .maybe("tos-implied-volatility-index-rank-updated-at", m.iv_rank.map(|_| now.clone()))
        .maybe("implied-volatility-index-rank-source", m.iv_rank.map(|_| "tos"))
        .maybe_num("implied-volatility-percentile", m.iv_percentile)
        .maybe("implied-volatility-updated-at", m.iv_index.map(|_| now.clone()))
        .maybe_num("implied-volatility-30-day", percent(m.iv_index))
        .maybe_num("historical-volatility-30-day", percent(m.historical_30))
        .maybe_num("historical-volatility-60-day", percent(m.historical_60))
        .maybe_num("historical-volatility-90-day", percent(m.historical_90))
        .maybe_num("iv-hv-30-day-difference", percent(m.iv_index.zip(m.historical_30).map(|(i, h)| i - h)))
        .maybe_num("beta", m.beta)
        .maybe("beta-updated-at", m.beta.map(|_| now.clone()))
        .maybe_num("corr-spy-3month", m.correlation)
        .with("market-cap", 0)
        .maybe_num("dividend-rate-per-share", m.dividend)
        .maybe_num("annual-dividend-per-share", m.annual_dividend)
        .maybe_num("dividend-yield", m.dividend_yield)
        .maybe("dividend-ex-date", m.last_ex_date.map(|d| d.to_string()))
        .maybe("dividend-next-date", m.next_ex_date.map(|d| d.to_string()))
        .maybe("dividend-updated-at", m.dividend.map(|_| now.clone()));
    if !profile.is_index {
        fields = fields
            .with("liquidity-value", "90112.4")
            .with("liquidity-rank", "0.61")
            .with("liquidity-rating", 4)
            .with("lendability", "Easy To Borrow")
            .with("borrow-rate", "0.0");
    }
    if let Some(report) = m.next_earnings {
        fields = fields.with(
            "earnings",
            json!({
                "visible": true, "estimated": true, "late-flag": 0, "expected-report-date": report.to_string(),
                "time-of-day": "AMC", "updated-at": now
            }),
        );
    }
    let per_expiry: Vec<Value> = m
        .expirations
        .iter()
        .map(|(date, settlement, iv)| {
            let settlement = if *settlement == Settlement::Am { "AM" } else { "PM" };
            json!({
                "expiration-date": date.to_string(), "option-chain-type": "Standard",
                "settlement-type": settlement, "implied-volatility": num(*iv)
            })
        })
        .collect();
    fields
        .with("listed-market", profile.listed_market.clone())
        .maybe("sector", profile.sector.clone())
        .with("option-expiration-implied-volatilities", per_expiry)
        .with("updated-at", now)
        .build()
}
