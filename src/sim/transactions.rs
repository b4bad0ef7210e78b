//! What happened in an account: trades with their fees, deliveries, money.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::TradingDate;
use crate::domain::time::Timestamp;

use super::exchange::ledger::{Transaction, TransactionKind};
use super::exchange::order::VENUE;
use super::orders::shape::instrument_type;
use super::server::Shared;
use super::wire::{self, Fields, Query, amount, effect, stamp_z};

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
        .maybe("action", t.action.map(|action| action.wire()))
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

/// What a request wants to see.
struct Filter<'a> {
    query: &'a Query,
    types: Vec<String>,
    sub_types: Vec<String>,
    first: Option<TradingDate>,
    last: Option<TradingDate>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl<'a> Filter<'a> {
    fn of(query: &'a Query) -> Result<Self, Response> {
        let date = |key: &str| match query.get(key).map(str::parse::<TradingDate>) {
            Some(Err(_)) => Err(wire::validation(key, "is invalid")),
            Some(Ok(date)) => Ok(Some(date)),
            None => Ok(None),
        };
        let instant = |key: &str| match query.get(key).map(str::parse::<Timestamp>) {
            Some(Err(_)) => Err(wire::validation(key, "is invalid")),
            Some(Ok(at)) => Ok(Some(at)),
            None => Ok(None),
        };
        if query.get("type").is_some() && query.get("types[]").is_some() {
            return Err(wire::validation("type", "cannot be given together with types"));
        }
        let mut types = query.all("types");
        types.extend(query.get("type").map(str::to_owned));
        Ok(Self {
            types,
            sub_types: query.all("sub-type"),
            first: date("start-date")?,
            last: date("end-date")?,
            from: instant("start-at")?,
            to: instant("end-at")?,
            query,
        })
    }

    fn takes(&self, t: &Transaction) -> bool {
        let is =
            |key: &str, value: Option<&str>| self.query.get(key).is_none_or(|asked| Some(asked) == value);
        let symbol = t.instrument.as_ref().map(|i| i.broker_symbol());
        (self.types.is_empty() || self.types.iter().any(|kind| kind == t.kind.wire()))
            && (self.sub_types.is_empty() || self.sub_types.contains(&t.sub))
            && self.first.is_none_or(|first| t.date() >= first)
            && self.last.is_none_or(|last| t.date() <= last)
            && self.from.is_none_or(|from| t.at >= from)
            && self.to.is_none_or(|to| t.at <= to)
            && is("symbol", symbol.as_deref())
            && is("underlying-symbol", t.instrument.as_ref().map(|i| i.underlying().as_str()))
            && is("instrument-type", t.instrument.as_ref().map(instrument_type))
            && is("action", t.action.map(|action| action.wire()))
            && is("currency", Some("USD"))
            && self.query.get("futures-symbol").is_none()
    }
}

pub async fn list(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let filter = match Filter::of(&query) {
        Ok(filter) => filter,
        Err(refusal) => return refusal,
    };
    let found = shared.exchange.with(|venue| {
        let account = venue.account(&number)?;
        let mut found: Vec<&Transaction> = account.transactions.iter().filter(|t| filter.takes(t)).collect();
        found.sort_by_key(|t| (t.at, t.id));
        if query.get("sort") != Some("Asc") {
            found.reverse();
        }
        Some(found.into_iter().map(|t| json_of(&number, t)).collect::<Vec<_>>())
    });
    let Some(items) = found else { return wire::not_found("the account") };
    let context = format!("/accounts/{number}/transactions");
    wire::page(&items, &context, query.number("per-page", 250), query.number("page-offset", 0))
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
) -> Response {
    let query = Query::parse(raw.as_deref());
    let date = match query.get("date").map(str::parse::<TradingDate>) {
        None => crate::domain::time::new_york_date(shared.now()),
        Some(Ok(date)) => date,
        Some(Err(_)) => return wire::validation("date", "is invalid"),
    };
    let total = shared.exchange.with(|venue| {
        let of_day = venue.account(&number)?.transactions.iter().filter(|t| t.date() == date);
        Some(of_day.map(|t| t.fees.total()).sum::<Decimal>())
    });
    match total {
        Some(total) => wire::one(
            json!({ "total-fees": amount(total), "total-fees-effect": effect(-total) }),
            &format!("/accounts/{number}/transactions/total-fees"),
        ),
        None => wire::not_found("the account"),
    }
}
