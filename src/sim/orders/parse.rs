//! Reads an order as clients send it: numbers as numbers or as text, unknown keys ignored.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::domain::instrument::{is_index, parse_occ};
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Instrument, Symbol, TradingDate};

use super::super::exchange::desk::Draft;
use super::super::exchange::order::{Action, Effect, Leg, OrderKind, Terms, TimeInForce};
use super::super::exchange::trading::shares_for;
use super::super::world::Market;

const MOST_LEGS: usize = 4;
const MOST_UNITS: i64 = 1_000_000;
const MOST_TEXT: usize = 200;

/// Why an order is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Its form: 400 with field and reason.
    Malformed { field: String, reason: String },
    /// Its meaning: 422 with a code.
    Refused { code: &'static str, message: String },
}

fn bad<T>(field: impl Into<String>, reason: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Malformed { field: field.into(), reason: reason.into() })
}

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Refused { code, message: message.into() })
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body[key].as_str().filter(|text| !text.is_empty() && text.len() <= MOST_TEXT)
}

/// A number that may come as text; absent and null are the same.
fn number(body: &Value, key: &str) -> Result<Option<Decimal>, Unfit> {
    let spelled = match &body[key] {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return bad(key, "is invalid"),
    };
    let read = spelled.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(&spelled).ok());
    match read.filter(|value| value.abs() < Decimal::from(1_000_000_000)) {
        Some(value) => Ok(Some(value.normalize())),
        None => bad(key, "is invalid"),
    }
}

/// A price with its effect; clients that sign prices say the effect in the sign, a debit being negative.
fn priced(body: &Value, key: &str) -> Result<(Option<Decimal>, Option<Effect>), Unfit> {
    let Some(value) = number(body, key)? else { return Ok((None, None)) };
    let said = match &body[&format!("{key}-effect")] {
        Value::Null => None,
        Value::String(word) => match Effect::of(word) {
            Some(effect) => Some(effect),
            None => return bad(format!("{key}-effect"), "does not have a valid value"),
        },
        _ => return bad(format!("{key}-effect"), "is invalid"),
    };
    if value.is_sign_negative() && !value.is_zero() {
        return bad(key, "must be greater than or equal to 0");
    }
    if said.is_none() && !value.is_zero() {
        return bad(format!("{key}-effect"), "is missing");
    }
    Ok((Some(value), said))
}

pub fn terms(body: &Value) -> Result<Terms, Unfit> {
    let Some(kind) = text(body, "order-type") else { return bad("order-type", "is missing") };
    let Some(kind) = OrderKind::of(kind) else { return bad("order-type", "does not have a valid value") };
    let Some(tif) = text(body, "time-in-force") else { return bad("time-in-force", "is missing") };
    let Some(tif) = TimeInForce::of(tif) else { return bad("time-in-force", "does not have a valid value") };
    let gtc_date: Option<TradingDate> = match text(body, "gtc-date") {
        Some(date) => match date.parse() {
            Ok(date) => Some(date),
            Err(_) => return bad("gtc-date", "is invalid"),
        },
        None => None,
    };
    if tif == TimeInForce::Gtd && gtc_date.is_none() {
        return bad("gtc-date", "is missing");
    }
    let (price, effect) = priced(body, "price")?;
    let (value, value_effect) = priced(body, "value")?;
    let stop_trigger = number(body, "stop-trigger")?;
    if kind.has_price() != price.is_some() {
        return bad(
            "price",
            if price.is_some() { "is not allowed for this order type" } else { "is missing" },
        );
    }
    if kind.has_trigger() != stop_trigger.is_some() {
        let reason = if stop_trigger.is_some() { "is not allowed for this order type" } else { "is missing" };
        return bad("stop-trigger", reason);
    }
    if (kind == OrderKind::NotionalMarket) != value.is_some() {
        let reason = if value.is_some() { "is not allowed for this order type" } else { "is missing" };
        return bad("value", reason);
    }
    Ok(Terms {
        kind,
        tif,
        gtc_date,
        price,
        effect,
        stop_trigger,
        value,
        value_effect,
        source: text(body, "source").map(str::to_owned),
        external_identifier: text(body, "external-identifier").map(str::to_owned),
        strict: body["advanced-instructions"]["strict-position-effect-validation"] == true,
    })
}

pub fn draft(body: &Value, market: &dyn Market, at: Timestamp) -> Result<Draft, Unfit> {
    let terms = terms(body)?;
    let Some(sent) = body["legs"].as_array() else { return bad("legs", "is missing") };
    if sent.is_empty() || sent.len() > MOST_LEGS {
        return bad("legs", format!("must contain between 1 and {MOST_LEGS} legs"));
    }
    let mut legs: Vec<Leg> = Vec::new();
    for (n, one) in sent.iter().enumerate() {
        let leg = leg(one, n, &terms, market, at)?;
        if legs.iter().any(|known| known.instrument == leg.instrument) {
            return bad("legs", "must not contain the same symbol twice");
        }
        legs.push(leg);
    }
    if legs.len() > 1 {
        if legs.iter().any(|leg| leg.instrument.option().is_none()) {
            return bad("legs", "of an order with several must be options");
        }
        if legs.iter().any(|leg| leg.instrument.underlying() != legs[0].instrument.underlying()) {
            return refused("legs_underlying_mismatch", "All legs must have the same underlying");
        }
        if terms.kind == OrderKind::Market {
            return bad("legs", "of a market order must be one");
        }
    }
    if terms.tif.is_extended() && legs.iter().any(|leg| leg.instrument.option().is_some()) {
        return bad("time-in-force", "is for shares only");
    }
    Ok(Draft { terms, legs })
}

fn leg(body: &Value, n: usize, terms: &Terms, market: &dyn Market, at: Timestamp) -> Result<Leg, Unfit> {
    let field = |key: &str| format!("legs[{n}].{key}");
    let Some(action) = text(body, "action") else { return bad(field("action"), "is missing") };
    let Some(action) = Action::of(action) else { return bad(field("action"), "does not have a valid value") };
    if matches!(action, Action::Buy | Action::Sell) {
        return bad(field("action"), "is for futures only");
    }
    let Some(symbol) = text(body, "symbol") else { return bad(field("symbol"), "is missing") };
    let Some(kind) = text(body, "instrument-type") else {
        return bad(field("instrument-type"), "is missing");
    };
    let instrument = instrument(kind, symbol, n, market, at)?;
    let quantity = if terms.kind == OrderKind::NotionalMarket {
        let shares = terms.value.and_then(|value| shares_for(value, market, &instrument, at));
        match shares.filter(|_| instrument.option().is_none() && body["quantity"].is_null()) {
            Some(shares) => shares,
            None => return bad(field("quantity"), "cannot be found from the value"),
        }
    } else {
        match number(body, "quantity")? {
            Some(q) if q > Decimal::ZERO && q.fract().is_zero() && q <= Decimal::from(MOST_UNITS) => q,
            Some(_) => return bad(field("quantity"), "must be a positive whole number"),
            None => return bad(field("quantity"), "is missing"),
        }
    };
    Ok(Leg { instrument, action, quantity, remaining: quantity, fills: Vec::new() })
}

fn instrument(
    kind: &str,
    symbol: &str,
    n: usize,
    market: &dyn Market,
    at: Timestamp,
) -> Result<Instrument, Unfit> {
    let unknown = || refused("invalid_symbol", format!("Symbol {symbol:?} is not tradeable"));
    match kind {
        "Equity" => match Symbol::new(symbol) {
            Ok(known) if market.profile(symbol).is_some() && !is_index(symbol) => {
                Ok(Instrument::Equity(known))
            }
            _ => unknown(),
        },
        "Equity Option" => {
            let contract = parse_occ(symbol).ok().and_then(|parts| market.contract(&parts));
            match contract {
                Some(contract) if contract.expiry >= new_york_date(at) => {
                    Ok(Instrument::Option(contract.into()))
                }
                _ => unknown(),
            }
        }
        "Future" | "Future Option" | "Cryptocurrency" => refused(
            "instrument_type_not_permitted",
            format!("{kind} orders are not permitted in this account"),
        ),
        _ => bad(format!("legs[{n}].instrument-type"), "does not have a valid value"),
    }
}
