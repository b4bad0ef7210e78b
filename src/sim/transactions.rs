//! What happened in an account: trades with their fees, deliveries, money.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::time::new_york_date;
use crate::domain::{Instrument, TradingDate};

use super::exchange::ledger::{Transaction, TransactionKind};
use super::exchange::order::{Action, VENUE};
use super::orders::shape::instrument_type;
use super::server::Shared;
use super::wire::{self, Answer, Fields, Query, Span, amount, effect, stamp_z};

fn json_of(account: &str, t: &Transaction) -> Value {
    let net = t.net();
    let mut fields = Fields::default()
        .with("id", t.id)
        .with("account-number", account)
        .with("transaction-type", t.kind.wire())
        .with("transaction-sub-type", t.sub.clone())
        .with("description", t.description.clone())
        .with("executed-at", stamp_z(t.at))
        .with("transaction-date", t.date().to_string())
        .with("value", amount(t.value.abs()))
        .with("value-effect", effect(t.value))
        .with("net-value", amount(net.abs()))
        .with("net-value-effect", effect(net))
        .with("is-estimated-fee", true)
        .with("currency", "USD")
        .with("created-at", stamp_z(t.at + TimeDelta::milliseconds(99)))
        .maybe("action", t.action.map(Action::wire))
        .maybe("quantity", t.quantity.map(amount));
    if let Some(instrument) = &t.instrument {
        fields = fields
            .with("symbol", instrument.broker_symbol())
            .with("instrument-type", instrument_type(instrument))
            .with("underlying-symbol", instrument.underlying().as_str());
    }
    // What was delivered without a price has none.
    fields = fields.maybe("price", t.price.filter(|p| !p.is_zero() || t.order.is_some()).map(amount));
    if t.kind == TransactionKind::Trade {
        for (key, fee) in [
            ("commission", t.fees.commission),
            ("clearing-fees", t.fees.clearing),
            ("regulatory-fees", t.fees.regulatory),
            ("proprietary-index-option-fees", t.fees.index),
        ] {
            fields = fields.with(key, amount(fee)).with(&format!("{key}-effect"), effect(-fee));
        }
        fields = fields
            .maybe("order-id", t.order)
            .maybe("exec-id", t.exec.map(|exec| exec.to_string()))
            .maybe("ext-exec-id", t.exec.map(|exec| exec.to_string()))
            .maybe("ext-group-fill-id", t.group.map(|group| group.to_string()))
            .with("leg-count", 1)
            .with("destination-venue", VENUE);
    }
    fields.build()
}

/// Whether a request wants to see it.
fn takes(query: &Query, types: &[String], span: &Span, t: &Transaction) -> bool {
    let is = |key: &str, value: Option<&str>| query.get(key).is_none_or(|asked| Some(asked) == value);
    let symbol = t.instrument.as_ref().map(Instrument::broker_symbol);
    let sub_types = query.all("sub-type");
    (types.is_empty() || types.iter().any(|kind| kind == t.kind.wire()))
        && (sub_types.is_empty() || sub_types.contains(&t.sub))
        && span.contains(t.at)
        && is("symbol", symbol.as_deref())
        && is("underlying-symbol", t.instrument.as_ref().map(|i| i.underlying().as_str()))
        && is("instrument-type", t.instrument.as_ref().map(instrument_type))
        && is("action", t.action.map(Action::wire))
        && is("currency", Some("USD"))
        && query.get("futures-symbol").is_none()
}

pub async fn list(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let query = Query::parse(raw.as_deref());
    let span = query.span()?;
    let mut types = query.all("types");
    if let Some(one) = query.get("type") {
        if !types.is_empty() {
            return Err(wire::validation("type", "cannot be given together with types").into());
        }
        types.push(one.to_owned());
    }
    let found = shared.exchange.with(|venue| {
        let all = venue.account(&number)?.transactions.iter();
        let mut found: Vec<&Transaction> = all.filter(|t| takes(&query, &types, &span, t)).collect();
        found.sort_by_key(|t| (t.at, t.id));
        if query.get("sort") != Some("Asc") {
            found.reverse();
        }
        Some(found.into_iter().map(|t| json_of(&number, t)).collect::<Vec<_>>())
    });
    let items = found.ok_or_else(|| wire::not_found("the account"))?;
    let context = format!("/accounts/{number}/transactions");
    Ok(wire::page(&items, &context, query.number("per-page", 250), query.number("page-offset", 0)))
}

pub async fn one(State(shared): State<Shared>, Path((number, id)): Path<(String, String)>) -> Response {
    let found = shared.exchange.with(|venue| {
        let id: u64 = id.parse().ok()?;
        Some(json_of(&number, venue.account(&number)?.transactions.iter().find(|t| t.id == id)?))
    });
    match found {
        Some(body) => wire::one(body, &format!("/accounts/{number}/transactions/{id}")),
        None => wire::not_found("the transaction"),
    }
}

pub async fn total_fees(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let date: Option<TradingDate> = Query::parse(raw.as_deref()).read("date")?;
    let date = date.unwrap_or_else(|| new_york_date(shared.now()));
    let total = shared.exchange.with(|venue| {
        let of_day = venue.account(&number)?.transactions.iter().filter(|t| t.date() == date);
        Some(of_day.map(|t| t.fees.total()).sum::<Decimal>())
    });
    let total = total.ok_or_else(|| wire::not_found("the account"))?;
    Ok(wire::one(
        json!({ "total-fees": amount(total), "total-fees-effect": effect(-total) }),
        &format!("/accounts/{number}/transactions/total-fees"),
    ))
}
