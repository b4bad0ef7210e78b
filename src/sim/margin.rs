//! What margin an account's positions and an order need, and the limits of an account.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde_json::{Value, json};

use crate::domain::instrument::is_index;
use crate::domain::time::Timestamp;

use super::accounts::Values;
use super::exchange::desk::Draft;
use super::exchange::preflight;
use super::orders::{object, parse, shape};
use super::requirement;
use super::server::Shared;
use super::wire::{self, Answer, Fields, amount, effect, num};
use super::world::Market;
use super::world::book::{AccountBook, BookPosition, held};

fn cents(value: f64) -> String {
    num((value * 100.0).round() / 100.0)
}

/// A debit under a key and its effect.
fn debit(fields: Fields, key: &str, value: f64) -> Fields {
    let side = if value == 0.0 { "None" } else { "Debit" };
    fields.with(key, cents(value.abs())).with(&format!("{key}-effect"), side)
}

fn strategy(lines: &[&BookPosition]) -> &'static str {
    let any = |f: &dyn Fn(&BookPosition) -> bool| lines.iter().any(|line| f(line));
    let is_option = |line: &BookPosition| line.instrument.option().is_some();
    let short = any(&|line| is_option(line) && line.quantity.is_sign_negative());
    let long = any(&|line| is_option(line) && !line.quantity.is_sign_negative());
    let shares = any(&|line| !is_option(line));
    match (short, long, shares) {
        (true, _, true) => "COVERED_CALL",
        (true, true, false) => "VERTICAL_SPREAD",
        (true, false, false) => "SHORT_OPTION",
        (false, true, _) => "LONG_OPTION",
        (false, false, _) => "LONG_UNDERLYING",
    }
}

fn entry(market: &dyn Market, line: &BookPosition, at: Timestamp) -> Value {
    let close = market.mark(&line.instrument, at).map_or(f64::NAN, |mark| mark.0);
    json!({
        "instrument-symbol": line.instrument.broker_symbol(),
        "instrument-type": shape::instrument_type(&line.instrument),
        "quantity": amount(line.quantity), "close-price": num(close), "fixing-price": "NaN"
    })
}

fn underlying_type(symbol: &str) -> &'static str {
    if is_index(symbol) { "Index" } else { "Equity" }
}

pub async fn requirements(State(shared): State<Shared>, Path(number): Path<String>) -> Response {
    let Some(account) = shared.account(&number) else { return wire::not_found("the account") };
    let (market, at) = (shared.market.as_ref(), shared.now());
    let needs = requirement::by_underlying(market, &account, at);
    let (v, cash) = (Values::of(market, &account, at), account.cash.to_f64().unwrap_or(0.0));
    let net = v.net(cash);
    let total: f64 = needs.values().map(|(shares, options)| shares + options).sum();
    let excess = requirement::available(cash, v.long_equity - v.short_equity, total).max(0.0);
    let calculation = if account.is_ira { "IRA Margin" } else { "Reg T" };
    let groups: Vec<Value> = needs
        .iter()
        .map(|(underlying, (shares, options))| {
            let lines: Vec<&BookPosition> = held(&account.positions, at)
                .filter(|line| line.instrument.underlying().as_str() == underlying)
                .collect();
            let entries: Vec<Value> = lines.iter().map(|line| entry(market, line, at)).collect();
            let sums = |fields: Fields| {
                let need = shares + options;
                let fields = debit(fields, "margin-requirement", need);
                debit(debit(fields, "maintenance-requirement", need), "buying-power", need)
            };
            let inner = sums(Fields::default())
                .with("description", strategy(&lines))
                .with("includes-working-order", false)
                .with("position-entries", entries)
                .build();
            sums(Fields::default())
                .with("description", underlying.as_str())
                .with("code", underlying.as_str())
                .with("underlying-symbol", underlying.as_str())
                .with("underlying-type", underlying_type(underlying))
                .with("margin-calculation-type", calculation)
                .with("price-increase-percent", "0.15")
                .with("price-decrease-percent", "-0.15")
                .with("groups", vec![inner])
                .build()
        })
        .collect();
    wire::one(
        json!({
            "account-number": number, "description": "Total", "margin-calculation-type": calculation,
            "option-level": "No Restrictions",
            "margin-requirement": cents(total), "margin-requirement-effect": "Debit",
            "maintenance-requirement": cents(total), "maintenance-requirement-effect": "Debit",
            "margin-equity": cents(net), "margin-equity-effect": "Credit",
            "option-buying-power": cents(excess), "option-buying-power-effect": "Credit",
            "reg-t-margin-requirement": cents(total), "reg-t-margin-requirement-effect": "Debit",
            "reg-t-option-buying-power": cents(excess), "reg-t-option-buying-power-effect": "Credit",
            "maintenance-excess": cents(excess), "maintenance-excess-effect": "Credit",
            "groups": groups, "last-state-timestamp": at.timestamp_millis()
        }),
        &format!("/margin/accounts/{number}/requirements"),
    )
}

pub async fn public_configuration() -> Response {
    let rate = Decimal::from_f64(super::world::value::RATE).unwrap_or_default();
    wire::one(
        json!({ "risk-free-rate": amount(rate.round_dp(6)) }),
        "/margin-requirements-public-configuration",
    )
}

/// The rates that `requirement` counts with.
pub async fn effective(
    State(shared): State<Shared>,
    Path((number, underlying)): Path<(String, String)>,
) -> Response {
    let Some(account) = shared.account(&number) else { return wire::not_found("the account") };
    if shared.market.profile(&underlying).is_none() {
        return wire::not_found("the underlying");
    }
    let shares = if account.is_ira { "1.0" } else { "0.5" };
    wire::one(
        json!({
            "underlying-symbol": underlying,
            "long-equity-initial": shares, "long-equity-maintenance": shares,
            "short-equity-initial": shares, "short-equity-maintenance": shares,
            "naked-option-standard": "0.2", "naked-option-minimum": "0.1", "naked-option-floor": "2.5"
        }),
        &format!("/accounts/{number}/margin-requirements/{underlying}/effective"),
    )
}

pub async fn position_limit(State(shared): State<Shared>, Path(number): Path<String>) -> Response {
    if shared.account(&number).is_none() {
        return wire::not_found("the account");
    }
    wire::one(
        json!({
            "account-number": number, "equity-order-size": 20_000, "equity-option-order-size": 500,
            "future-order-size": 100, "future-option-order-size": 100, "underlying-opening-order-limit": 500,
            "equity-position-size": 100_000, "equity-option-position-size": 5_000,
            "future-position-size": 100, "future-option-position-size": 100
        }),
        &format!("/accounts/{number}/position-limit"),
    )
}

/// The margin of one underlying, in the words of the margin service.
fn results(market: &dyn Market, book: &AccountBook, underlying: &str, at: Timestamp) -> Value {
    let of_underlying = |line: &&BookPosition| line.instrument.underlying().as_str() == underlying;
    let lines: Vec<&BookPosition> = held(&book.positions, at).filter(of_underlying).collect();
    let own = AccountBook { positions: lines.iter().copied().cloned().collect(), ..book.clone() };
    let need = requirement::power(market, &own, at).required;
    let v = Values::of(market, &own, at);
    let mut fields = Fields::default()
        .with("code", underlying)
        .with("description", underlying)
        .with("entity-count", lines.len())
        .with("underlying-symbol", underlying)
        .with("underlying-type", underlying_type(underlying))
        .with("underlying-price", market.print(underlying, at).map_or("NaN".to_owned(), |p| num(p.last)))
        .with("margin-calculation-type", if book.is_ira { "IRA Margin" } else { "Reg T" });
    for key in ["margin-requirement", "maintenance-requirement", "buying-power-impact"] {
        fields = debit(fields, key, need);
    }
    fields = debit(fields, "base-margin-requirement", need);
    fields = debit(debit(fields, "cash-adjustment", 0.0), "working-margin", 0.0);
    fields = debit(debit(fields, "position-margin", need), "position-equity-adjustment", 0.0);
    fields = debit(fields, "cash-settlement-value", 0.0);
    for (key, value) in [("long-equity-value", v.long_equity), ("short-equity-value", v.short_equity)] {
        let side = if value == 0.0 { "None" } else { "Credit" };
        fields = fields.with(key, cents(value)).with(&format!("{key}-effect"), side);
    }
    let group = json!({
        "group": {
            "margin-strategy": strategy(&lines),
            "position-entries": lines.iter().map(|line| entry(market, line, at)).collect::<Vec<_>>()
        },
        "margin": cents(need), "maintenance-requirement": cents(need), "maintenance-requirement-effect": "Debit",
        "net-liq-result": {
            "long-equity-value": cents(v.long_equity), "short-equity-value": cents(v.short_equity),
            "long-derivative-value": cents(v.long_option), "short-derivative-value": cents(v.short_option),
            "long-cryptocurrency-value": "0.0", "short-cryptocurrency-value": "0.0"
        }
    });
    let marks: serde_json::Map<String, Value> = lines
        .iter()
        .filter_map(|line| {
            let (mark, _) = market.mark(&line.instrument, at)?;
            Some((line.instrument.broker_symbol(), num(mark).into()))
        })
        .collect();
    fields
        .with("long-derivative-value", cents(v.long_option))
        .with("short-derivative-value", cents(v.short_option))
        .with("long-cryptocurrency-value", "0.0")
        .with("short-cryptocurrency-value", "0.0")
        .with("group-results", if lines.is_empty() { Vec::new() } else { vec![group] })
        .with("order-ids", Vec::<Value>::new())
        .with(
            "calculated-at",
            at.with_timezone(&chrono_tz::America::New_York)
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, false),
        )
        .with("marks", marks)
        .build()
}

/// An order in the margin service's own, more textual, spelling.
fn order(number: &str, draft: &Draft) -> Value {
    let legs: Vec<Value> = draft
        .legs
        .iter()
        .map(|leg| {
            json!({
                "symbol": leg.instrument.broker_symbol(),
                "instrument-type": shape::instrument_type(&leg.instrument),
                "quantity": leg.quantity.normalize().to_string(), "remaining-quantity": "0",
                "action": leg.action.wire()
            })
        })
        .collect();
    let terms = &draft.terms;
    let underlying = draft.legs.first().map_or("", |leg| leg.instrument.underlying().as_str());
    Fields::default()
        .with("id", "dry-run-0")
        .with("account-number", number)
        .with("time-in-force", terms.tif.wire())
        .with("order-type", terms.kind.wire())
        .with("size", "0")
        .maybe("price", terms.price.map(amount))
        .maybe("price-effect", terms.effect.map(super::exchange::order::Effect::wire))
        .with("value", "0.0")
        .with("value-effect", "None")
        .with("cancellable", false)
        .with("editable", false)
        .with("underlying-symbol", underlying)
        .with("legs", legs)
        .build()
}

/// The margin of an order before it is sent; says what it would need, and refuses nothing.
pub async fn dry_run(State(shared): State<Shared>, Path(number): Path<String>, body: Bytes) -> Answer {
    let (market, at) = (shared.market.as_ref(), shared.now());
    let draft = parse::draft(&object(&body)?, market, at)?;
    let account = shared.exchange.with(|venue| venue.account(&number).cloned());
    let account = account.ok_or_else(|| wire::not_found("the account"))?;
    let verdict = preflight::check(market, &account, &draft, at);
    let after = preflight::after(market, &account.book, &draft, at);
    let alone = AccountBook { positions: Vec::new(), ..account.book.clone() };
    let alone = preflight::after(market, &alone, &draft, at);
    let underlying = draft.legs.first().map_or("", |leg| leg.instrument.underlying().as_str());
    let before = results(market, &account.book, underlying, at);
    let mut fields = Fields::from(shape::power(&verdict.power, verdict.is_spread));
    let isolated = Decimal::from_f64(verdict.power.isolated).unwrap_or_default().round_dp(2);
    fields = fields
        .with("isolated-order-buying-power-effect", amount(isolated))
        .with("isolated-order-buying-power-effect-effect", effect(-isolated));
    let body = fields
        .with("orders", vec![order(&number, &draft)])
        .with("last-results", results(market, &after, underlying, at))
        .with("base-results", before)
        .with("new-order-results", results(market, &alone, underlying, at))
        .with("order-ids", vec!["dry-run-0"])
        .build();
    Ok(wire::one(body, &format!("/margin/accounts/{number}/dry-run")))
}
