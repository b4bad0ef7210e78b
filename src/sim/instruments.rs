//! Chains and instruments.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::instrument::{OccParts, parse_occ};
use crate::domain::time::{Timestamp, days_to};
use crate::domain::{ExerciseStyle, OptionContract, Right, Settlement, TradingDate};

use super::server::Shared;
use super::wire::{self, Query, amount, stamp};
use super::world::listing::ExpiryKind;
use super::world::value::expiry_instant;
use super::world::{Profile, RootChain};

fn settlement(of: Settlement) -> &'static str {
    match of {
        Settlement::Am => "AM",
        Settlement::Pm => "PM",
    }
}

/// OCC's spelling and the stream's.
fn spelled(root: &str, expiry: TradingDate, right: char, strike: Decimal) -> (String, String) {
    let thousandths = (strike * Decimal::ONE_THOUSAND).trunc().normalize();
    let date = expiry.format("%y%m%d");
    let occ = format!("{root:<6}{date}{right}{thousandths:0>8}");
    (occ, format!(".{root}{date}{right}{}", strike.normalize()))
}

fn deliverable(symbol: &str, root: &str) -> Value {
    json!({
        "id": 300_000 + symbol.bytes().map(u32::from).sum::<u32>(), "root-symbol": root,
        "deliverable-type": "Shares", "description": format!("100 shares of {symbol}"),
        "amount": "100.0", "percent": "100", "symbol": symbol, "instrument-type": "Equity"
    })
}

fn option_ticks(symbol: &str) -> Value {
    if matches!(symbol, "SPY" | "QQQ" | "IWM" | "XSP") {
        json!([ { "value": "0.01" } ])
    } else {
        json!([ { "threshold": "3.0", "value": "0.01" }, { "value": "0.05" } ])
    }
}

pub async fn nested_chain(State(shared): State<Shared>, Path(symbol): Path<String>) -> Response {
    let at = shared.now();
    let chains = shared.market.chain(&symbol, at);
    if chains.is_empty() {
        return wire::not_found("an option chain for this symbol");
    }
    let items = chains.iter().map(|chain| nested(&symbol, chain, at)).collect();
    wire::list(items, &format!("/option-chains/{symbol}/nested"))
}

fn nested(symbol: &str, chain: &RootChain, at: Timestamp) -> Value {
    let root = chain.root.as_str();
    let expirations: Vec<Value> = chain
        .listed
        .iter()
        .map(|listed| {
            let strikes: Vec<Value> = listed
                .strikes
                .iter()
                .map(|strike| {
                    let tail = |right: char| spelled(root, listed.expiry, right, *strike);
                    let (call, put) = (tail('C'), tail('P'));
                    json!({
                        "strike-price": amount(*strike),
                        "call": call.0, "call-streamer-symbol": call.1,
                        "put": put.0, "put-streamer-symbol": put.1
                    })
                })
                .collect();
            json!({
                "expiration-type": listed.kind.wire(), "expiration-date": listed.expiry.to_string(),
                "days-to-expiration": days_to(listed.expiry, at),
                "settlement-type": settlement(listed.settlement), "strikes": strikes
            })
        })
        .collect();
    json!({
        "underlying-symbol": symbol, "root-symbol": root, "option-chain-type": "Standard",
        "shares-per-contract": 100, "tick-sizes": option_ticks(symbol),
        "deliverables": [ deliverable(symbol, root) ],
        "expirations": expirations
    })
}

fn option_json(contract: &OptionContract, kind: ExpiryKind, at: Timestamp) -> Value {
    let expires = expiry_instant(contract.expiry, contract.settlement);
    let style = match contract.style {
        ExerciseStyle::American => "American",
        ExerciseStyle::European => "European",
    };
    json!({
        "symbol": contract.occ(), "instrument-type": "Equity Option", "active": expires > at,
        "strike-price": amount(contract.strike), "root-symbol": contract.root.as_str(),
        "underlying-symbol": contract.underlying.as_str(), "option-type": contract.right.letter().to_string(),
        "option-chain-type": "Standard", "expiration-date": contract.expiry.to_string(),
        "expiration-type": kind.wire(), "expires-at": stamp(expires), "stops-trading-at": stamp(expires),
        "days-to-expiration": days_to(contract.expiry, at), "exercise-style": style,
        "settlement-type": settlement(contract.settlement), "shares-per-contract": contract.multiplier,
        "market-time-instrument-collection": "Equity Option", "is-closing-only": false,
        "streamer-symbol": contract.streamer()
    })
}

/// Symbols only, by root and kind of expiration.
pub async fn compact_chain(State(shared): State<Shared>, Path(symbol): Path<String>) -> Response {
    let chains = shared.market.chain(&symbol, shared.now());
    if chains.is_empty() {
        return wire::not_found("an option chain for this symbol");
    }
    let mut items = Vec::new();
    for chain in &chains {
        for kind in [ExpiryKind::Regular, ExpiryKind::Weekly, ExpiryKind::EndOfMonth] {
            let of_kind: Vec<_> = chain.listed.iter().filter(|listed| listed.kind == kind).collect();
            let Some(first) = of_kind.first() else { continue };
            let (mut symbols, mut streamers) = (Vec::new(), Vec::new());
            for listed in &of_kind {
                for strike in &listed.strikes {
                    for right in ['C', 'P'] {
                        let (occ, streamer) = spelled(chain.root.as_str(), listed.expiry, right, *strike);
                        symbols.push(occ);
                        streamers.push(streamer);
                    }
                }
            }
            items.push(json!({
                "underlying-symbol": symbol, "root-symbol": chain.root.as_str(),
                "option-chain-type": "Standard", "settlement-type": settlement(first.settlement),
                "shares-per-contract": 100, "expiration-type": kind.wire(),
                "deliverables": [ deliverable(&symbol, chain.root.as_str()) ],
                "symbols": symbols, "streamer-symbols": streamers
            }));
        }
    }
    wire::list(items, &format!("/option-chains/{symbol}/compact"))
}

pub async fn flat_chain(State(shared): State<Shared>, Path(symbol): Path<String>) -> Response {
    let at = shared.now();
    let chains = shared.market.chain(&symbol, at);
    if chains.is_empty() {
        return wire::not_found("an option chain for this symbol");
    }
    let mut items = Vec::new();
    for chain in &chains {
        for listed in &chain.listed {
            for strike in &listed.strikes {
                for right in [Right::Call, Right::Put] {
                    let parts =
                        OccParts { root: chain.root.clone(), expiry: listed.expiry, right, strike: *strike };
                    if let Some(contract) = shared.market.contract(&parts) {
                        items.push(option_json(&contract, listed.kind, at));
                    }
                }
            }
        }
    }
    wire::list(items, &format!("/option-chains/{symbol}"))
}

pub async fn equity_option(State(shared): State<Shared>, Path(occ): Path<String>) -> Response {
    let at = shared.now();
    let Some(contract) = parse_occ(&occ).ok().and_then(|parts| shared.market.contract(&parts)) else {
        return wire::not_found("the option");
    };
    let kind = shared
        .market
        .chain(contract.underlying.as_str(), at)
        .iter()
        .flat_map(|c| &c.listed)
        .find(|l| l.expiry == contract.expiry)
        .map_or(ExpiryKind::Regular, |l| l.kind);
    wire::one(option_json(&contract, kind, at), &format!("/instruments/equity-options/{occ}"))
}

fn equity_json(symbol: &str, profile: &Profile) -> Value {
    let mut body = json!({
        "id": 700 + symbol.bytes().map(u32::from).sum::<u32>(), "symbol": symbol, "instrument-type": "Equity",
        "description": profile.description, "short-description": profile.description, "active": true,
        "is-etf": profile.is_etf, "is-index": profile.is_index, "is-illiquid": false,
        "is-closing-only": profile.is_index, "is-options-closing-only": false,
        "is-fractional-quantity-eligible": !profile.is_index, "is-fraud-risk": false,
        "bypass-manual-review": false, "overnight-trading-permitted": !profile.is_index,
        "lendability": "Easy To Borrow", "borrow-rate": "0.0", "listed-market": profile.listed_market,
        "market-time-instrument-collection": "Equity", "streamer-symbol": symbol,
        "tick-sizes": [ { "threshold": "1.0", "value": "0.0001" }, { "value": "0.01" } ]
    });
    if profile.has_options {
        body["option-tick-sizes"] = option_ticks(symbol);
    }
    body
}

pub async fn equity(State(shared): State<Shared>, Path(symbol): Path<String>) -> Response {
    match shared.market.profile(&symbol) {
        Some(profile) => {
            wire::one(equity_json(&symbol, &profile), &format!("/instruments/equities/{symbol}"))
        }
        None => wire::not_found("the equity"),
    }
}

/// Everything listed, a thousand to a page.
pub async fn active_equities(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let known = shared.market.underlyings();
    let items: Vec<Value> =
        known.iter().filter_map(|s| shared.market.profile(s).map(|p| equity_json(s, &p))).collect();
    let (per_page, offset) = (query.number("per-page", 1_000), query.number("page-offset", 0));
    wire::page(&items, "/instruments/equities/active", per_page, offset)
}

pub async fn equities(State(shared): State<Shared>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let wanted = query.all("symbol");
    let items: Vec<Value> = shared
        .market
        .underlyings()
        .iter()
        .filter(|s| wanted.is_empty() || wanted.contains(s))
        .filter_map(|s| shared.market.profile(s).map(|p| equity_json(s, &p)))
        .collect();
    let (per_page, offset) = (query.number("per-page", 250), query.number("page-offset", 0));
    wire::page(&items, "/instruments/equities", per_page, offset)
}
