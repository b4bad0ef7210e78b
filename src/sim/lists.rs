//! Watchlists: the broker's own, which stand still, and the trader's, which are kept as they were sent.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::orders::object;
use super::server::{Shared, SimState};
use super::wire::{self, Answer, Query, Refusal};

const MOST_LISTS: usize = 200;
const MOST_ENTRIES: usize = 2_000;
const MOST_NAME: usize = 100;

fn entries(shared: &SimState, keep: impl Fn(&str) -> bool) -> Vec<Value> {
    let symbols = shared.market.underlyings().into_iter().filter(|symbol| keep(symbol));
    symbols.map(|symbol| json!({ "symbol": symbol, "instrument-type": "Equity" })).collect()
}

fn public_lists(shared: &SimState) -> Vec<Value> {
    let profile = |symbol: &str| shared.market.profile(symbol);
    let list = |name: &str, order: i64, entries: Vec<Value>| {
        json!({
            "name": name, "group-name": "tastytrade", "order-index": order,
            "cms-id": format!("sim-{}", name.to_lowercase().replace(' ', "-")), "watchlist-entries": entries
        })
    };
    vec![
        list("Indices", 0, entries(shared, |s| profile(s).is_some_and(|p| p.is_index))),
        list("Liquid ETFs", 1, entries(shared, |s| profile(s).is_some_and(|p| p.is_etf && p.has_options))),
        list("High Options Volume", 2, entries(shared, |s| profile(s).is_some_and(|p| p.has_options))),
    ]
}

pub async fn public_all(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let counts = Query::parse(raw.as_deref()).get("counts-only") == Some("true");
    let mut items = public_lists(&shared);
    if counts {
        for item in &mut items {
            let count = item["watchlist-entries"].as_array().map_or(0, Vec::len);
            if let Some(map) = item.as_object_mut() {
                map.remove("watchlist-entries");
                map.insert("watchlist-entries-count".into(), count.into());
            }
        }
    }
    wire::list(items, "/public-watchlists")
}

pub async fn public_one(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    match public_lists(&shared).into_iter().find(|list| list["name"] == name.as_str()) {
        Some(list) => wire::one(list, &format!("/public-watchlists/{name}")),
        None => wire::not_found("the watchlist"),
    }
}

/// Pairs are not made up.
pub async fn pairs_all() -> Response {
    wire::list(Vec::new(), "/pairs-watchlists")
}

pub async fn all(State(shared): State<Shared>) -> Response {
    wire::list(shared.exchange.with(|venue| venue.watchlists.clone()), "/watchlists")
}

pub async fn one(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    match shared.exchange.with(|venue| venue.watchlists.iter().find(|l| l["name"] == name.as_str()).cloned())
    {
        Some(list) => wire::one(list, &format!("/watchlists/{name}")),
        None => wire::not_found("the watchlist"),
    }
}

/// A list as it will be kept.
fn read(body: &[u8]) -> Result<Value, Refusal> {
    let body = object(body)?;
    let name = body["name"].as_str().unwrap_or_default();
    if name.is_empty() || name.len() > MOST_NAME {
        return Err(wire::validation("name", "is missing").into());
    }
    let sent = body["watchlist-entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sent.len() > MOST_ENTRIES {
        return Err(wire::validation("watchlist-entries", "are too many").into());
    }
    let mut entries = Vec::new();
    for entry in sent {
        let Some(symbol) = entry["symbol"].as_str().filter(|s| !s.is_empty() && s.len() <= 40) else {
            return Err(wire::validation("watchlist-entries[symbol]", "is missing").into());
        };
        let kind = entry["instrument-type"].as_str().unwrap_or("Equity");
        entries.push(json!({ "symbol": symbol, "instrument-type": kind }));
    }
    Ok(json!({
        "name": name, "group-name": body["group-name"].as_str().unwrap_or("default"),
        "order-index": body["order-index"].as_i64().unwrap_or(9999), "watchlist-entries": entries
    }))
}

pub async fn create(State(shared): State<Shared>, body: Bytes) -> Answer {
    let list = read(&body)?;
    let made = shared.exchange.with(|venue| {
        let is_known = venue.watchlists.iter().any(|known| known["name"] == list["name"]);
        if is_known || venue.watchlists.len() >= MOST_LISTS {
            return false;
        }
        venue.set_watchlists(|lists| lists.push(list.clone()));
        true
    });
    if !made {
        let message = "Name has already been taken";
        return Err(wire::failure(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", message).into());
    }
    let body = json!({ "data": list, "context": "/watchlists" });
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Replaces everything.
pub async fn replace(State(shared): State<Shared>, Path(name): Path<String>, body: Bytes) -> Answer {
    let list = read(&body)?;
    let done = shared.exchange.with(|venue| {
        let index = venue.watchlists.iter().position(|known| known["name"] == name.as_str())?;
        venue.set_watchlists(|lists| lists[index] = list.clone());
        Some(())
    });
    done.ok_or_else(|| wire::not_found("the watchlist"))?;
    Ok(wire::one(list, &format!("/watchlists/{name}")))
}

pub async fn delete(State(shared): State<Shared>, Path(name): Path<String>) -> Answer {
    let gone = shared.exchange.with(|venue| {
        let index = venue.watchlists.iter().position(|known| known["name"] == name.as_str())?;
        let list = venue.watchlists[index].clone();
        venue.set_watchlists(|lists| drop(lists.remove(index)));
        Some(list)
    });
    let list = gone.ok_or_else(|| wire::not_found("the watchlist"))?;
    Ok(wire::one(list, &format!("/watchlists/{name}")))
}
