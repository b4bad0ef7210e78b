//! The order endpoints: place, try, find, replace, cancel.

pub mod complex;
pub mod parse;
pub mod shape;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::domain::TradingDate;
use crate::domain::instrument::is_index;
use crate::domain::time::{Timestamp, new_york_date};

use super::exchange::desk::{DeskError, Draft};
use super::exchange::order::{Order, Terms};
use super::exchange::preflight::{self, Verdict};
use super::server::{Shared, SimState};
use super::wire::{self, Query};
use parse::Unfit;

/// From this version on a search has to say where it starts.
const START_IS_MANDATORY: u32 = 20_261_012;

pub fn unfit(unfit: &Unfit) -> Response {
    match unfit {
        Unfit::Malformed { field, reason } => wire::validation(field, reason),
        Unfit::Refused { code, message } => preflight_failure(&[json!({ "code": code, "message": message })]),
    }
}

fn preflight_failure(errors: &[Value]) -> Response {
    let body = json!({ "error": {
        "code": "preflight_check_failure", "message": "One or more preflight checks failed", "errors": errors
    } });
    (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response()
}

/// An object, or the refusal of what is none.
pub fn object(body: &[u8]) -> Result<Value, Response> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(wire::failure(StatusCode::BAD_REQUEST, "invalid_request", "The request body is malformed")),
    }
}

fn desk_refusal(error: DeskError, what: &str) -> Response {
    match error {
        DeskError::Unknown => wire::not_found("the order"),
        DeskError::Finished | DeskError::Bound => wire::failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            "cannot_update_order",
            &format!("the order could not be {what}"),
        ),
    }
}

/// Reads and checks an order against the account as it is now.
pub fn examine(
    shared: &SimState,
    number: &str,
    body: &Value,
    at: Timestamp,
) -> Result<(Draft, Verdict), Response> {
    let draft = parse::draft(body, shared.market.as_ref(), at).map_err(|why| unfit(&why))?;
    let verdict = shared
        .exchange
        .with(|venue| Some(preflight::check(shared.market.as_ref(), venue.account(number)?, &draft, at)))
        .ok_or_else(|| wire::not_found("the account"))?;
    if verdict.errors.is_empty() {
        Ok((draft, verdict))
    } else {
        Err(preflight_failure(&shape::messages(&verdict.errors)))
    }
}

pub fn created(data: Value, context: &str) -> Response {
    let body = json!({ "data": data, "api-version": "v1", "context": context });
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

pub async fn place(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Response {
    let (body, at) = match object(&body) {
        Ok(body) => (body, shared.now()),
        Err(refusal) => return refusal,
    };
    let (draft, verdict) = match examine(&shared, &number, &body, at) {
        Ok(examined) => examined,
        Err(refusal) => return refusal,
    };
    let rules = shared.exchange.rules(shared.market.as_ref());
    let placed = shared.exchange.with(|venue| {
        let account = venue.account_index(&number)?;
        Some(shape::order(&venue.place(&rules, account, draft)))
    });
    match placed {
        Some(order) => {
            created(shape::answer("order", order, &verdict), &format!("/accounts/{number}/orders"))
        }
        None => wire::not_found("the account"),
    }
}

pub async fn dry_run(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Response {
    let body = match object(&body) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    match examine(&shared, &number, &body, shared.now()) {
        Ok((draft, verdict)) => created(
            shape::answer("order", shape::tried(&number, &draft), &verdict),
            &format!("/accounts/{number}/orders/dry-run"),
        ),
        Err(refusal) => refusal,
    }
}

pub async fn one(State(shared): State<Shared>, Path((number, id)): Path<(String, String)>) -> Response {
    let found =
        shared.exchange.with(|venue| Some(shape::order(venue.account(&number)?.order(id.parse().ok()?)?)));
    match found {
        Some(order) => wire::one(order, &format!("/accounts/{number}/orders/{id}")),
        None => wire::not_found("the order"),
    }
}

pub async fn cancel(State(shared): State<Shared>, Path((number, id)): Path<(String, String)>) -> Response {
    let rules = shared.exchange.rules(shared.market.as_ref());
    let cancelled = shared.exchange.with(|venue| {
        let account = venue.account_index(&number).ok_or(DeskError::Unknown)?;
        venue.cancel(&rules, account, id.parse().map_err(|_| DeskError::Unknown)?)
    });
    match cancelled {
        Ok(order) => wire::one(shape::order(&order), &format!("/accounts/{number}/orders/{id}")),
        Err(error) => desk_refusal(error, "cancelled"),
    }
}

/// What a replacement asks for: the old order with another price, type or time in force.
fn replacement(old: &Order, body: &Value) -> Result<Terms, Unfit> {
    let mut merged = json!({
        "order-type": old.terms.kind.wire(), "time-in-force": old.terms.tif.wire(),
        "price": old.terms.price.map(wire::amount), "price-effect": old.terms.effect.map(|e| e.wire()),
        "stop-trigger": old.terms.stop_trigger.map(wire::amount),
        "gtc-date": old.terms.gtc_date.map(|d| d.to_string()),
        "source": old.terms.source, "external-identifier": old.terms.external_identifier,
        "advanced-instructions": { "strict-position-effect-validation": old.terms.strict }
    });
    for key in [
        "order-type",
        "time-in-force",
        "gtc-date",
        "price",
        "price-effect",
        "stop-trigger",
        "value",
        "value-effect",
        "source",
        "external-identifier",
    ] {
        if !body[key].is_null() {
            merged[key] = body[key].clone();
        }
    }
    // An order that becomes one without price has none left.
    if merged["order-type"] != old.terms.kind.wire() {
        for (key, sent) in [("price", &body["price"]), ("stop-trigger", &body["stop-trigger"])] {
            if sent.is_null() {
                merged[key] = Value::Null;
            }
        }
    }
    parse::terms(&merged)
}

/// The order as it would be, checked; its own legs are not counted twice by anything that is checked.
fn examine_replacement(
    shared: &SimState,
    number: &str,
    id: u64,
    body: &Value,
) -> Result<(Draft, Verdict), Response> {
    let old = shared.exchange.with(|venue| {
        let account = venue.account_index(number).ok_or(DeskError::Unknown)?;
        venue.replaceable(account, id).cloned()
    });
    let old = old.map_err(|error| desk_refusal(error, "replaced"))?;
    let terms = replacement(&old, body).map_err(|why| unfit(&why))?;
    let draft = Draft { terms, legs: old.legs };
    let verdict = shared
        .exchange
        .with(|venue| {
            Some(preflight::check(shared.market.as_ref(), venue.account(number)?, &draft, shared.now()))
        })
        .ok_or_else(|| wire::not_found("the account"))?;
    if verdict.errors.is_empty() {
        Ok((draft, verdict))
    } else {
        Err(preflight_failure(&shape::messages(&verdict.errors)))
    }
}

pub async fn replace(
    State(shared): State<Shared>,
    Path((number, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let body = match object(&body) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Ok(id) = id.parse::<u64>() else { return wire::not_found("the order") };
    let draft = match examine_replacement(&shared, &number, id, &body) {
        Ok((draft, _)) => draft,
        Err(refusal) => return refusal,
    };
    let replaced = shared.exchange.with(|venue| {
        let account = venue.account_index(&number).ok_or(DeskError::Unknown)?;
        venue.replace(account, id, draft.terms)
    });
    match replaced {
        Ok(order) => wire::one(shape::order(&order), &format!("/accounts/{number}/orders/{id}")),
        Err(error) => desk_refusal(error, "replaced"),
    }
}

pub async fn replace_dry_run(
    State(shared): State<Shared>,
    Path((number, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let body = match object(&body) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Ok(id) = id.parse::<u64>() else { return wire::not_found("the order") };
    match examine_replacement(&shared, &number, id, &body) {
        Ok((draft, verdict)) => created(
            shape::answer("order", shape::tried(&number, &draft), &verdict),
            &format!("/accounts/{number}/orders/{id}/dry-run"),
        ),
        Err(refusal) => refusal,
    }
}

/// Touched on this trading day, or not at its end yet.
fn is_of_today(order: &Order, today: TradingDate) -> bool {
    !order.status.is_terminal() || new_york_date(order.updated_at) == today
}

fn fits(order: &Order, query: &Query) -> bool {
    let statuses = query.all("status");
    let kind = if is_index(order.underlying()) { "Index" } else { "Equity" };
    (statuses.is_empty() || statuses.iter().any(|s| s == order.status.wire()))
        && query.get("underlying-symbol").is_none_or(|symbol| symbol == order.underlying())
        && query.get("underlying-instrument-type").is_none_or(|wanted| wanted == kind)
        && query.get("futures-symbol").is_none()
}

fn live_of(shared: &SimState, numbers: &[String], query: &Query) -> Vec<Value> {
    shared.exchange.with(|venue| {
        let today = venue.today();
        let accounts = venue.accounts.iter().filter(|a| numbers.contains(&a.book.number));
        let orders = accounts.flat_map(|account| account.orders.iter().rev());
        orders.filter(|order| is_of_today(order, today) && fits(order, query)).map(shape::order).collect()
    })
}

pub async fn live(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    if shared.account(&number).is_none() {
        return wire::not_found("the account");
    }
    let items = live_of(&shared, std::slice::from_ref(&number), &Query::parse(raw.as_deref()));
    wire::list(items, &format!("/accounts/{number}/orders/live"))
}

/// The span that a search asks for, by dates of New York or by instants.
struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    first: Option<TradingDate>,
    last: Option<TradingDate>,
}

impl Span {
    fn of(query: &Query, headers: &HeaderMap) -> Result<Self, Response> {
        let date = |key: &str| match query.get(key).map(str::parse::<TradingDate>) {
            None => Ok(None),
            Some(Ok(date)) => Ok(Some(date)),
            Some(Err(_)) => Err(wire::validation(key, "is invalid")),
        };
        let instant = |key: &str| match query.get(key).map(str::parse::<Timestamp>) {
            None => Ok(None),
            Some(Ok(at)) => Ok(Some(at)),
            Some(Err(_)) => Err(wire::validation(key, "is invalid")),
        };
        let span = Self {
            from: instant("start-at")?,
            to: instant("end-at")?,
            first: date("start-date")?,
            last: date("end-date")?,
        };
        let version = headers.get("accept-version").and_then(|v| v.to_str().ok()?.parse::<u32>().ok());
        if version.is_some_and(|v| v >= START_IS_MANDATORY) && span.from.is_none() && span.first.is_none() {
            return Err(wire::validation("start-date", "is missing"));
        }
        Ok(span)
    }

    fn contains(&self, at: Timestamp) -> bool {
        let date = new_york_date(at);
        self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
            && self.first.is_none_or(|first| date >= first)
            && self.last.is_none_or(|last| date <= last)
    }
}

fn search_of(
    shared: &SimState,
    numbers: &[String],
    query: &Query,
    headers: &HeaderMap,
    context: &str,
) -> Response {
    let span = match Span::of(query, headers) {
        Ok(span) => span,
        Err(refusal) => return refusal,
    };
    let items: Vec<Value> = shared.exchange.with(|venue| {
        let accounts = venue.accounts.iter().filter(|a| numbers.contains(&a.book.number));
        let mut found: Vec<&Order> = accounts
            .flat_map(|account| &account.orders)
            .filter(|order| span.contains(order.received_at) && fits(order, query))
            .collect();
        found.sort_by_key(|order| std::cmp::Reverse((order.received_at, order.id)));
        if query.get("sort") == Some("Asc") {
            found.reverse();
        }
        found.into_iter().map(shape::order).collect()
    });
    wire::page(&items, context, query.number("per-page", 10), query.number("page-offset", 0))
}

pub async fn search(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    if shared.account(&number).is_none() {
        return wire::not_found("the account");
    }
    let context = format!("/accounts/{number}/orders");
    let numbers = std::slice::from_ref(&number);
    search_of(&shared, numbers, &Query::parse(raw.as_deref()), &headers, &context)
}

/// The accounts a customer names, or all of them.
fn named(shared: &SimState, query: &Query) -> Result<Vec<String>, Response> {
    let asked = query.all("account-numbers");
    match asked.iter().find(|number| shared.account(number).is_none()) {
        Some(_) => Err(wire::failure(StatusCode::FORBIDDEN, "not_permitted", "User not permitted access")),
        None if asked.is_empty() => Ok(shared.connection.accounts.clone()),
        None => Ok(asked),
    }
}

pub async fn customer_search(
    State(shared): State<Shared>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(raw.as_deref());
    match named(&shared, &query) {
        Ok(numbers) => search_of(&shared, &numbers, &query, &headers, "/customers/me/orders"),
        Err(refusal) => refusal,
    }
}

pub async fn customer_live(
    State(shared): State<Shared>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let items = match named(&shared, &query) {
        Ok(numbers) => live_of(&shared, &numbers, &query),
        Err(refusal) => return refusal,
    };
    let version = headers.get("accept-version").and_then(|v| v.to_str().ok()?.parse::<u32>().ok());
    let context = "/customers/me/orders/live";
    if version.is_some_and(|v| v >= START_IS_MANDATORY) {
        return wire::page(&items, context, query.number("per-page", 10), query.number("page-offset", 0));
    }
    wire::list(items, context)
}
