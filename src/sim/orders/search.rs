//! Finding orders: those of today, and those of a span.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::domain::TradingDate;
use crate::domain::instrument::is_index;
use crate::domain::time::new_york_date;

use super::super::exchange::order::Order;
use super::super::server::{Shared, SimState};
use super::super::wire::{self, Answer, Query, Refusal, version};
use super::shape;

/// From this version on a search has to say where it starts.
const START_IS_MANDATORY: u32 = 20_261_012;

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

fn search_of(
    shared: &SimState,
    numbers: &[String],
    query: &Query,
    headers: &HeaderMap,
    context: &str,
) -> Answer {
    let span = query.span()?;
    if version(headers).is_some_and(|v| v >= START_IS_MANDATORY) && !span.has_start() {
        return Err(wire::validation("start-date", "is missing").into());
    }
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
    Ok(wire::page(&items, context, query.number("per-page", 10), query.number("page-offset", 0)))
}

pub async fn search(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Answer {
    if shared.account(&number).is_none() {
        return Err(wire::not_found("the account").into());
    }
    let context = format!("/accounts/{number}/orders");
    let numbers = std::slice::from_ref(&number);
    search_of(&shared, numbers, &Query::parse(raw.as_deref()), &headers, &context)
}

/// The accounts a customer names, or all of them.
fn named(shared: &SimState, query: &Query) -> Result<Vec<String>, Refusal> {
    let asked = query.all("account-numbers");
    if asked.iter().any(|number| shared.account(number).is_none()) {
        return Err(wire::failure(StatusCode::FORBIDDEN, "not_permitted", "User not permitted access").into());
    }
    Ok(if asked.is_empty() { shared.connection.accounts.clone() } else { asked })
}

pub async fn customer_search(
    State(shared): State<Shared>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = Query::parse(raw.as_deref());
    let numbers = named(&shared, &query)?;
    search_of(&shared, &numbers, &query, &headers, "/customers/me/orders")
}

pub async fn customer_live(
    State(shared): State<Shared>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = Query::parse(raw.as_deref());
    let items = live_of(&shared, &named(&shared, &query)?, &query);
    let context = "/customers/me/orders/live";
    if version(&headers).is_some_and(|v| v >= START_IS_MANDATORY) {
        return Ok(wire::page(&items, context, query.number("per-page", 10), query.number("page-offset", 0)));
    }
    Ok(wire::list(items, context))
}
