//! Orders that belong together: one cancels the other, one triggers others.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::domain::time::new_york_date;

use super::super::exchange::desk::{DeskError, Draft};
use super::super::exchange::order::ComplexKind;
use super::super::exchange::preflight::Verdict;
use super::super::server::{Shared, SimState};
use super::super::wire::{self, Answer, Query, Refusal};
use super::{created, examine, object, parse, shape};

struct Asked {
    kind: ComplexKind,
    trigger: Option<Draft>,
    orders: Vec<Draft>,
    verdict: Verdict,
}

fn read(shared: &SimState, number: &str, body: &[u8]) -> Result<Asked, Refusal> {
    let body = object(body)?;
    let kind = match body["type"].as_str() {
        None => return Err(wire::validation("type", "is missing").into()),
        Some(word) => {
            ComplexKind::of(word).ok_or_else(|| wire::validation("type", "does not have a valid value"))?
        }
    };
    let at = shared.now();
    let orders = body["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = match kind {
        ComplexKind::Oco | ComplexKind::Otoco => orders.len() == 2,
        ComplexKind::Oto => (1..=3).contains(&orders.len()),
    };
    if !fits {
        return Err(wire::validation("orders", "has the wrong number of orders for this type").into());
    }
    let has_trigger = body["trigger-order"].is_object();
    if has_trigger != (kind != ComplexKind::Oco) {
        let reason = if has_trigger { "is not allowed for this type" } else { "is missing" };
        return Err(wire::validation("trigger-order", reason).into());
    }
    if !has_trigger {
        // Either may fill, never both: the first one stands for the effect.
        let mut verdict = Verdict::default();
        let mut drafts = Vec::new();
        for order in orders {
            let (draft, of_this) = examine(shared, number, order)?;
            if drafts.is_empty() {
                verdict = of_this;
            }
            drafts.push(draft);
        }
        return Ok(Asked { kind, trigger: None, orders: drafts, verdict });
    }
    let (trigger, verdict) = examine(shared, number, &body["trigger-order"])?;
    // What the children close does not exist yet; only their form can be looked at.
    let mut drafts = Vec::new();
    for order in orders {
        drafts.push(parse::draft(order, shared.market.as_ref(), at)?);
    }
    Ok(Asked { kind, trigger: Some(trigger), orders: drafts, verdict })
}

pub async fn place(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Answer {
    let asked = read(&shared, &number, &body)?;
    let rules = shared.exchange.rules(shared.market.as_ref());
    let placed = shared.exchange.with(|venue| {
        let account = venue.account_index(&number)?;
        let id = venue.place_complex(&rules, account, asked.kind, asked.trigger, asked.orders);
        venue.complex_json(account, id)
    });
    let complex = placed.ok_or_else(|| wire::not_found("the account"))?;
    let answer = shape::answer("complex-order", complex, &asked.verdict);
    Ok(created(answer, &format!("/accounts/{number}/complex-orders")))
}

pub async fn dry_run(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Answer {
    let asked = read(&shared, &number, &body)?;
    let tried = |draft: &Draft| shape::tried(&number, draft);
    let mut complex = json!({
        "account-number": number, "type": asked.kind.wire(),
        "orders": asked.orders.iter().map(tried).collect::<Vec<_>>()
    });
    if let Some(trigger) = &asked.trigger {
        complex["trigger-order"] = tried(trigger);
    }
    let answer = shape::answer("complex-order", complex, &asked.verdict);
    Ok(created(answer, &format!("/accounts/{number}/complex-orders/dry-run")))
}

pub async fn one(State(shared): State<Shared>, Path((number, id)): Path<(String, String)>) -> Response {
    let found = shared.exchange.with(|venue| {
        let account = venue.account_index(&number)?;
        venue.complex_json(account, id.parse().ok()?)
    });
    match found {
        Some(complex) => wire::one(complex, &format!("/accounts/{number}/complex-orders/{id}")),
        None => wire::not_found("the complex order"),
    }
}

fn all(shared: &SimState, number: &str, only_live: bool) -> Option<Vec<Value>> {
    shared.exchange.with(|venue| {
        let today = venue.today();
        let account = venue.account(number)?;
        let is_live = |at: Option<_>| at.is_none_or(|at| new_york_date(at) == today);
        let wanted = account.complex.iter().rev().filter(|c| !only_live || is_live(c.terminal_at));
        Some(wanted.map(|complex| shape::complex(account, complex)).collect())
    })
}

pub async fn list(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = Query::parse(raw.as_deref());
    match all(&shared, &number, false) {
        Some(items) => wire::page(
            &items,
            &format!("/accounts/{number}/complex-orders"),
            query.number("per-page", 10),
            query.number("page-offset", 0),
        ),
        None => wire::not_found("the account"),
    }
}

pub async fn live(State(shared): State<Shared>, Path(number): Path<String>) -> Response {
    match all(&shared, &number, true) {
        Some(items) => wire::list(items, &format!("/accounts/{number}/complex-orders/live")),
        None => wire::not_found("the account"),
    }
}

pub async fn cancel(State(shared): State<Shared>, Path((number, id)): Path<(String, String)>) -> Response {
    let rules = shared.exchange.rules(shared.market.as_ref());
    let cancelled = shared.exchange.with(|venue| {
        let account = venue.account_index(&number).ok_or(DeskError::Unknown)?;
        let id = id.parse().map_err(|_| DeskError::Unknown)?;
        venue.cancel_complex(&rules, account, id)?;
        venue.complex_json(account, id).ok_or(DeskError::Unknown)
    });
    match cancelled {
        Ok(complex) => wire::one(complex, &format!("/accounts/{number}/complex-orders/{id}")),
        Err(DeskError::Unknown) => wire::not_found("the complex order"),
        Err(DeskError::Finished | DeskError::Bound) => wire::failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            "cannot_update_order",
            "the order could not be cancelled",
        ),
    }
}
