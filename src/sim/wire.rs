//! Envelopes and spellings of the wire: numbers as text, instants, dates, errors.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::{Map, Value, json};

use crate::domain::TradingDate;
use crate::domain::time::{Timestamp, new_york_date};

/// `320.0`, `651.21`: at most six decimals, at least one.
pub fn num(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    match Decimal::from_f64(value) {
        Some(decimal) => amount(decimal.round_dp(6)),
        None => format!("{value:?}"),
    }
}

pub fn amount(value: Decimal) -> String {
    let text = value.normalize().to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// Accounts, orders, instruments: `2026-06-12T19:33:51.327+00:00`.
pub fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// Market metrics, market data, transactions: the same with `Z`.
pub fn stamp_z(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn effect(value: Decimal) -> &'static str {
    if value.is_zero() {
        "None"
    } else if value.is_sign_negative() {
        "Debit"
    } else {
        "Credit"
    }
}

/// An object under construction that leaves out what is unknown.
#[derive(Debug, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub fn maybe<T: Into<Value>>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// A number as text, left out when unknown.
    pub fn maybe_num(self, key: &str, value: Option<f64>) -> Self {
        self.maybe(key, value.filter(|v| v.is_finite()).map(num))
    }

    pub fn build(self) -> Value {
        Value::Object(self.0)
    }
}

pub fn one(data: Value, context: &str) -> Response {
    Json(json!({ "data": data, "context": context })).into_response()
}

pub fn list(items: Vec<Value>, context: &str) -> Response {
    one(json!({ "items": items }), context)
}

/// A page of a list, with the top-level `pagination` object.
pub fn page(items: &[Value], context: &str, per_page: usize, offset: usize) -> Response {
    let per_page = per_page.clamp(1, 2000);
    let total = items.len();
    let start = offset.saturating_mul(per_page).min(total);
    let shown = &items[start..(start + per_page).min(total)];
    Json(json!({
        "data": { "items": shown },
        "context": context,
        "pagination": {
            "per-page": per_page, "page-offset": offset, "item-offset": start, "total-items": total,
            "total-pages": total.div_ceil(per_page).max(1), "current-item-count": shown.len(),
            "previous-link": null, "next-link": null, "paging-link-template": null
        }
    }))
    .into_response()
}

pub fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

pub fn not_found(what: &str) -> Response {
    failure(StatusCode::NOT_FOUND, "record_not_found", &format!("Couldn't find {what}"))
}

pub fn validation(domain: &str, reason: &str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({ "error": {
            "code": "validation_error", "message": "Request validation failed",
            "errors": [ { "domain": domain, "reason": reason } ]
        } })),
    )
        .into_response()
}

/// An answer that ends a request early.
#[derive(Debug)]
pub struct Refusal(Box<Response>);

pub type Answer = Result<Response, Refusal>;

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Query parameters in order; a key may repeat.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
            .take(500)
            .map(|(k, v)| (k.into_owned(), v.into_owned()));
        Self(pairs.collect())
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// All values of `key`, `key[]`, repeated or separated by commas.
    pub fn all(&self, key: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(k, _)| k.strip_suffix("[]").unwrap_or(k) == key)
            .flat_map(|(_, v)| v.split(',').map(str::to_owned).collect::<Vec<_>>())
            .filter(|v| !v.trim().is_empty())
            .collect()
    }

    /// A value that is not of its kind is refused, one that is absent is not.
    pub fn read<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Refusal> {
        match self.get(key).map(str::parse) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(validation(key, "is invalid").into()),
        }
    }

    pub fn span(&self) -> Result<Span, Refusal> {
        Ok(Span {
            from: self.read("start-at")?,
            to: self.read("end-at")?,
            first: self.read("start-date")?,
            last: self.read("end-date")?,
        })
    }

    pub fn number(&self, key: &str, default: usize) -> usize {
        self.get(key).and_then(|v| v.parse().ok()).unwrap_or(default)
    }
}

/// From and to, by instants or by dates of New York, each of them open where nothing was said.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    pub first: Option<TradingDate>,
    pub last: Option<TradingDate>,
}

impl Span {
    pub fn has_start(&self) -> bool {
        self.from.is_some() || self.first.is_some()
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        let date = new_york_date(at);
        self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
            && self.first.is_none_or(|first| date >= first)
            && self.last.is_none_or(|last| date <= last)
    }
}

/// The interface version that a client asks for.
pub fn version(headers: &HeaderMap) -> Option<u32> {
    headers.get("accept-version")?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_recorded() {
        assert_eq!(num(320.0), "320.0");
        assert_eq!(num(651.21), "651.21");
        assert_eq!(num(0.171_204), "0.171204");
        assert_eq!(num(-0.0), "0.0");
        assert_eq!(num(f64::NAN), "NaN");
        assert_eq!(amount(Decimal::new(742, 2)), "7.42");
    }

    #[test]
    fn lists_come_in_three_spellings() {
        let query = Query::parse(Some("equity=SPY,QQQ&equity[]=IWM&equity=TLT&index=VIX"));
        assert_eq!(query.all("equity"), ["SPY", "QQQ", "IWM", "TLT"]);
        assert_eq!(query.all("index"), ["VIX"]);
    }
}
