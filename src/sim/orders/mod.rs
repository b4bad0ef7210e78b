//! The order endpoints: place, try, replace, cancel.

pub mod complex;
pub mod parse;
pub mod search;
pub mod shape;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::exchange::desk::{DeskError, Draft};
use super::exchange::order::{Effect, Order, Terms};
use super::exchange::preflight::{self, Verdict};
use super::server::{Shared, SimState};
use super::wire::{self, Answer, Refusal};
use parse::Unfit;

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Malformed { field, reason } => wire::validation(&field, &reason).into(),
            Unfit::Refused { code, message } => {
                preflight_failure(&[json!({ "code": code, "message": message })]).into()
            }
        }
    }
}

fn preflight_failure(errors: &[Value]) -> Response {
    let body = json!({ "error": {
        "code": "preflight_check_failure", "message": "One or more preflight checks failed", "errors": errors
    } });
    (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response()
}

/// An object, or the refusal of what is none.
pub fn object(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => {
            let message = "The request body is malformed";
            Err(wire::failure(StatusCode::BAD_REQUEST, "invalid_request", message).into())
        }
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

/// Checks an order against the account as it is now.
fn check(shared: &SimState, number: &str, draft: &Draft) -> Result<Verdict, Refusal> {
    let (market, at) = (shared.market.as_ref(), shared.now());
    let verdict = shared
        .exchange
        .with(|venue| Some(preflight::check(market, venue.account(number)?, draft, at)))
        .ok_or_else(|| wire::not_found("the account"))?;
    if verdict.errors.is_empty() {
        Ok(verdict)
    } else {
        Err(preflight_failure(&shape::messages(&verdict.errors)).into())
    }
}

/// Reads and checks.
pub fn examine(shared: &SimState, number: &str, body: &Value) -> Result<(Draft, Verdict), Refusal> {
    let draft = parse::draft(body, shared.market.as_ref(), shared.now())?;
    let verdict = check(shared, number, &draft)?;
    Ok((draft, verdict))
}

pub fn created(data: Value, context: &str) -> Response {
    let body = json!({ "data": data, "api-version": "v1", "context": context });
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

pub async fn place(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Answer {
    let (draft, verdict) = examine(&shared, &number, &object(&body)?)?;
    let rules = shared.exchange.rules(shared.market.as_ref());
    let placed = shared.exchange.with(|venue| {
        let account = venue.account_index(&number)?;
        Some(shape::order(&venue.place(&rules, account, draft)))
    });
    let order = placed.ok_or_else(|| wire::not_found("the account"))?;
    Ok(created(shape::answer("order", order, &verdict), &format!("/accounts/{number}/orders")))
}

pub async fn dry_run(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Answer {
    let (draft, verdict) = examine(&shared, &number, &object(&body)?)?;
    let order = shape::tried(&number, &draft);
    Ok(created(shape::answer("order", order, &verdict), &format!("/accounts/{number}/orders/dry-run")))
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

/// What a replacement may change.
const CHANGEABLE: [&str; 10] = [
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
];

/// What a replacement asks for: the old order with another price, type or time in force.
fn replacement(old: &Order, body: &Value) -> Result<Terms, Unfit> {
    let mut merged = json!({
        "order-type": old.terms.kind.wire(), "time-in-force": old.terms.tif.wire(),
        "price": old.terms.price.map(wire::amount), "price-effect": old.terms.effect.map(Effect::wire),
        "stop-trigger": old.terms.stop_trigger.map(wire::amount),
        "gtc-date": old.terms.gtc_date.map(|d| d.to_string()),
        "source": old.terms.source, "external-identifier": old.terms.external_identifier,
        "advanced-instructions": { "strict-position-effect-validation": old.terms.strict }
    });
    for key in CHANGEABLE {
        if !body[key].is_null() {
            merged[key] = body[key].clone();
        }
    }
    // An order of another type keeps no price that the new type was not given.
    if merged["order-type"] != old.terms.kind.wire() {
        for key in ["price", "stop-trigger"] {
            merged[key] = body[key].clone();
        }
    }
    parse::terms(&merged)
}

/// The order as it would be, checked.
fn examine_replacement(
    shared: &SimState,
    number: &str,
    id: u64,
    body: &[u8],
) -> Result<(Draft, Verdict), Refusal> {
    let body = object(body)?;
    let old = shared.exchange.with(|venue| {
        let account = venue.account_index(number).ok_or(DeskError::Unknown)?;
        venue.replaceable(account, id).cloned()
    });
    let old = old.map_err(|error| desk_refusal(error, "replaced"))?;
    let draft = Draft { terms: replacement(&old, &body)?, legs: old.legs };
    let verdict = check(shared, number, &draft)?;
    Ok((draft, verdict))
}

fn order_id(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| wire::not_found("the order").into())
}

pub async fn replace(
    State(shared): State<Shared>,
    Path((number, id)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let id = order_id(&id)?;
    let (draft, _) = examine_replacement(&shared, &number, id, &body)?;
    let replaced = shared.exchange.with(|venue| {
        let account = venue.account_index(&number).ok_or(DeskError::Unknown)?;
        venue.replace(account, id, draft.terms)
    });
    let order = replaced.map_err(|error| desk_refusal(error, "replaced"))?;
    Ok(wire::one(shape::order(&order), &format!("/accounts/{number}/orders/{id}")))
}

pub async fn replace_dry_run(
    State(shared): State<Shared>,
    Path((number, id)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let id = order_id(&id)?;
    let (draft, verdict) = examine_replacement(&shared, &number, id, &body)?;
    let order = shape::tried(&number, &draft);
    Ok(created(shape::answer("order", order, &verdict), &format!("/accounts/{number}/orders/{id}/dry-run")))
}
