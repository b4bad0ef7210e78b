//! Orders on the wire: whole numbers for identities and quantities, text for prices, instants as recorded.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::Instrument;
use crate::domain::instrument::is_index;

use super::super::accounts::integer;
use super::super::exchange::desk::Draft;
use super::super::exchange::fees::Fees;
use super::super::exchange::ledger::Account;
use super::super::exchange::order::{Complex, Effect, Fill, Leg, Order, Status, Terms, VENUE, size_of};
use super::super::exchange::preflight::{Message, PowerEffect, Verdict};
use super::super::wire::{Fields, amount, effect, stamp};

pub fn instrument_type(instrument: &Instrument) -> &'static str {
    if instrument.option().is_some() { "Equity Option" } else { "Equity" }
}

fn fill(fill: &Fill) -> Value {
    json!({
        "fill-id": format!("{}_SIM", fill.exec), "quantity": integer(fill.quantity),
        "fill-price": amount(fill.price), "filled-at": stamp(fill.at), "destination-venue": VENUE,
        "ext-group-fill-id": fill.group.to_string(), "ext-exec-id": fill.exec.to_string()
    })
}

fn leg(leg: &Leg) -> Value {
    json!({
        "instrument-type": instrument_type(&leg.instrument), "symbol": leg.instrument.broker_symbol(),
        "quantity": integer(leg.quantity), "remaining-quantity": integer(leg.remaining),
        "action": leg.action.wire(), "fills": leg.fills.iter().map(fill).collect::<Vec<_>>()
    })
}

/// What a placed order and one that was only tried have in common.
fn terms(account: &str, terms: &Terms, legs: &[Leg]) -> Fields {
    let underlying = legs.first().map_or("", |leg| leg.instrument.underlying().as_str());
    let kind = if is_index(underlying) { "Index" } else { "Equity" };
    Fields::default()
        .with("account-number", account)
        .with("time-in-force", terms.tif.wire())
        .maybe("gtc-date", terms.gtc_date.map(|date| date.to_string()))
        .with("order-type", terms.kind.wire())
        .with("size", integer(size_of(legs)))
        .with("underlying-symbol", underlying)
        .with("underlying-instrument-type", kind)
        .maybe("price", terms.price.map(amount))
        .maybe("price-effect", terms.effect.map(Effect::wire))
        .maybe("stop-trigger", terms.stop_trigger.map(amount))
        .maybe("value", terms.value.map(amount))
        .maybe("value-effect", terms.value_effect.map(Effect::wire))
        .maybe("source", terms.source.clone())
        .maybe("external-identifier", terms.external_identifier.clone())
        .with("legs", legs.iter().map(leg).collect::<Vec<_>>())
}

pub fn order(order: &Order) -> Value {
    let is_open = matches!(
        order.status,
        Status::Received | Status::Routed | Status::InFlight | Status::Live | Status::Contingent
    );
    let open: Decimal = order.open_units();
    let cancelled = (order.status == Status::Cancelled).then(|| integer(open));
    let mut fields = terms(&order.account, &order.terms, &order.legs)
        .with("id", order.id)
        .with("status", order.status.wire())
        .with("cancellable", is_open)
        .with("editable", is_open && order.child.as_ref().is_none_or(|_| order.status != Status::Contingent))
        .with("edited", order.edited)
        .with("ext-client-order-id", format!("J{:013X}", order.id))
        .with("ext-global-order-number", order.id % 100_000)
        .with("global-request-id", format!("sim-{}", order.id))
        .with("received-at", stamp(order.received_at))
        .with("updated-at", order.updated_at.timestamp_millis())
        .maybe("in-flight-at", order.in_flight_at.map(stamp))
        .maybe("live-at", order.live_at.map(stamp))
        .maybe("terminal-at", order.terminal_at.map(stamp))
        .maybe("cancelled-at", order.cancelled_at.map(stamp))
        .maybe("cancelled-size", cancelled)
        .maybe("reject-reason", order.reject_reason.clone())
        .maybe("replaces-order-id", order.replaces)
        .maybe("replacing-order-id", order.replaced_by);
    if let Some(live) = order.live_at {
        fields = fields.with("ext-exchange-order-number", format!("{}-{}", live.format("%Y%m%d"), order.id));
    }
    if let Some(child) = &order.child {
        fields = fields
            .with("complex-order-id", child.complex)
            .with("complex-order-tag", child.tag.clone())
            .with("preflight-id", child.index);
        if order.status == Status::Contingent {
            fields = fields.with("contingent-status", "Pending Order");
        }
    }
    fields.build()
}

/// An order that was tried only: no number, no instants.
pub fn tried(account: &str, draft: &Draft) -> Value {
    terms(account, &draft.terms, &draft.legs)
        .with("status", "Received")
        .with("cancellable", true)
        .with("editable", true)
        .with("edited", false)
        .with("updated-at", 0)
        .build()
}

pub fn complex(account: &Account, complex: &Complex) -> Value {
    let of = |id: &u64| account.order(*id).map(order);
    Fields::default()
        .with("id", complex.id)
        .with("account-number", complex.account.clone())
        .with("type", complex.kind.wire())
        .with("orders", complex.orders.iter().filter_map(of).collect::<Vec<_>>())
        .maybe("trigger-order", complex.trigger.as_ref().and_then(of))
        .maybe("terminal-at", complex.terminal_at.map(stamp))
        .build()
}

fn dollars(value: f64) -> Decimal {
    use rust_decimal::prelude::FromPrimitive;
    Decimal::from_f64(value).unwrap_or_default().round_dp(3)
}

/// Magnitude and effect under two keys.
fn signed(fields: Fields, key: &str, value: Decimal) -> Fields {
    fields.with(key, amount(value.abs())).with(&format!("{key}-effect"), effect(value))
}

pub fn power(power: &PowerEffect, is_spread: bool) -> Value {
    let change = dollars(power.power_change);
    let mut fields = Fields::default();
    for (key, value) in [
        // What more is required is a debit.
        ("change-in-margin-requirement", -dollars(power.margin_change)),
        ("change-in-buying-power", change),
        ("current-buying-power", dollars(power.current)),
        ("new-buying-power", dollars(power.new)),
        ("isolated-order-margin-requirement", -dollars(power.isolated)),
    ] {
        fields = signed(fields, key, value);
    }
    fields
        .with("is-spread", is_spread)
        .with("impact", amount(change.abs()))
        .with("effect", effect(change))
        .build()
}

pub fn fees(fees: &Fees) -> Value {
    let mut fields = Fields::default();
    for (key, part, name, value) in [
        ("regulatory-fees", "regulatory-fees-breakdown", "orf", fees.regulatory),
        ("clearing-fees", "clearing-fees-breakdown", "clearing", fees.clearing),
        ("commission", "commission-breakdown", "brokerage", fees.commission),
        ("proprietary-index-option-fees", "proprietary-fees-breakdown", "index", fees.index),
        ("rebates", "rebates-breakdown", "rebate", Decimal::ZERO),
    ] {
        let parts = if value.is_zero() {
            json!([])
        } else {
            json!([ { "name": name, "value": amount(value), "effect": "Debit" } ])
        };
        fields = signed(fields, key, -value).with(part, parts);
    }
    signed(fields, "total-fees", -fees.total()).with("per-quantity", false).build()
}

pub fn messages(messages: &[Message]) -> Vec<Value> {
    messages.iter().map(|m| json!({ "code": m.code, "message": m.text })).collect()
}

/// The answer to an order that was sent or tried.
pub fn answer(key: &str, body: Value, verdict: &Verdict) -> Value {
    Fields::default()
        .with(key, body)
        .with("buying-power-effect", power(&verdict.power, verdict.is_spread))
        .with("fee-calculation", fees(&verdict.fees))
        .with("warnings", messages(&verdict.warnings))
        .with("errors", messages(&verdict.errors))
        .with("notes", json!([]))
        .build()
}
