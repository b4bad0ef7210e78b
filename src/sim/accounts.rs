//! Customers, accounts, balances, positions, margin.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use crate::domain::Instrument;
use crate::domain::time::{Timestamp, new_york_date};

use super::orders::shape::instrument_type;
use super::requirement;
use super::server::Shared;
use super::wire::{self, Fields, Query, amount, num, stamp};
use super::world::Market;
use super::world::book::{AccountBook, BookPosition, held, market_value};
use super::world::value::expiry_instant;

fn account_json(account: &AccountBook) -> Value {
    let margin_or_cash = if account.is_ira { "Cash" } else { "Margin" };
    json!({
        "account-number": account.number, "nickname": account.nickname, "account-type-name": account.type_name,
        "margin-or-cash": margin_or_cash, "day-trader-status": false,
        "is-closed": false, "is-firm-error": false, "is-firm-proprietary": false, "is-foreign": false,
        "is-futures-approved": false, "is-test-drive": false, "investment-objective": "SPECULATION",
        "suitable-options-level": "No Restrictions", "external-id": format!("X-{}", account.number),
        "opened-at": "2024-02-01T15:00:00.000+00:00", "created-at": "2024-02-01T14:59:00.000+00:00"
    })
}

pub async fn customer() -> Response {
    let address = json!({
        "street-one": "1 Simulation Way", "city": "Nowhere", "state-region": "NA", "postal-code": "00000",
        "country": "USA", "is-domestic": true, "is-foreign": false
    });
    let born = "1980-01-01";
    wire::one(
        json!({
            "id": "me", "first-name": "Sim", "last-name": "Trader", "email": "sim@example.invalid",
            "address": address, "mailing-address": address, "birth-date": born,
            "mobile-phone-number": "0000000000", "external-id": "C0000000001",
            "created-at": "2024-02-01T14:00:00.000+00:00", "agreed-to-margining": true,
            "has-delayed-quotes": false, "has-industry-affiliation": false, "has-listed-affiliation": false,
            "has-pending-or-approved-application": true, "has-political-affiliation": false,
            "has-institutional-assets": false, "is-foreign": false, "is-professional": false,
            "permitted-account-types": []
        }),
        "/customers/me",
    )
}

pub async fn list(State(shared): State<Shared>) -> Response {
    let items = shared
        .books()
        .iter()
        .map(|a| json!({ "account": account_json(a), "authority-level": "owner" }))
        .collect();
    wire::list(items, "/customers/me/accounts")
}

pub async fn one(State(shared): State<Shared>, Path(number): Path<String>) -> Response {
    match shared.account(&number) {
        Some(account) => wire::one(account_json(&account), &format!("/customers/me/accounts/{number}")),
        None => wire::not_found("the account"),
    }
}

pub async fn trading_status(State(shared): State<Shared>, Path(number): Path<String>) -> Response {
    let Some(account) = shared.account(&number) else { return wire::not_found("the account") };
    let calculation = if account.is_ira { "IRA Margin" } else { "Reg T" };
    wire::one(
        json!({
            "account-number": number, "id": 9001, "options-level": "No Restrictions", "fee-schedule-name": "default",
            "equities-margin-calculation-type": calculation, "is-closed": false, "is-closing-only": false,
            "is-frozen": false, "is-in-margin-call": false, "is-pattern-day-trader": false,
            "is-in-day-trade-equity-maintenance-call": false, "is-aggregated-at-clearing": false,
            "is-full-equity-margin-required": account.is_ira, "has-intraday-equities-margin": false,
            "short-calls-enabled": !account.is_ira, "are-far-otm-net-options-restricted": true,
            "is-roll-the-day-forward-enabled": true, "is-cryptocurrency-enabled": false,
            "is-futures-enabled": false, "is-futures-closing-only": false, "is-futures-intra-day-enabled": false,
            "is-small-notional-futures-intra-day-enabled": false, "futures-margin-rate-multiplier": "0.0",
            "small-notional-futures-margin-rate-multiplier": "0.0", "is-equity-offering-enabled": false,
            "is-equity-offering-closing-only": false, "updated-at": stamp(shared.now()),
            "day-trade-count": 0, "is-portfolio-margin-enabled": false, "is-risk-reducing-only": false,
            "is-cryptocurrency-closing-only": false
        }),
        &format!("/accounts/{number}/trading-status"),
    )
}

/// Sums of an account's marks.
#[derive(Debug, Default, Clone, Copy)]
pub struct Values {
    pub long_equity: f64,
    pub short_equity: f64,
    pub long_option: f64,
    pub short_option: f64,
}

impl Values {
    pub fn net(&self, cash: f64) -> f64 {
        cash + self.long_equity - self.short_equity + self.long_option - self.short_option
    }

    pub fn of(market: &dyn Market, account: &AccountBook, at: Timestamp) -> Self {
        let mut values = Self::default();
        for line in held(&account.positions, at) {
            let Some(value) = market_value(market, line, at) else { continue };
            let slot = match (&line.instrument, value >= 0.0) {
                (Instrument::Option(_), true) => &mut values.long_option,
                (Instrument::Option(_), false) => &mut values.short_option,
                (_, true) => &mut values.long_equity,
                (_, false) => &mut values.short_equity,
            };
            *slot += value.abs();
        }
        values
    }
}

/// The balance object of REST and of the account stream.
pub fn balance_json(market: &dyn Market, account: &AccountBook, at: Timestamp) -> Value {
    let v = Values::of(market, account, at);
    let cash = account.cash.to_f64().unwrap_or(0.0);
    let net = v.net(cash);
    let needs = requirement::by_underlying(market, account, at);
    let stock: f64 = needs.values().map(|n| n.0).sum();
    let options: f64 = needs.values().map(|n| n.1).sum();
    let total = stock + options;
    let excess = requirement::available(cash, v.long_equity - v.short_equity, total).max(0.0);
    let leverage = if account.is_ira { 1.0 } else { 2.0 };
    let m = |value: f64| Value::from(num((value * 1000.0).round() / 1000.0));
    let mut fields = Fields::from(json!({
        "account-number": account.number, "currency": "USD", "cash-balance": amount(account.cash),
        "net-liquidating-value": m(net), "equity-buying-power": m(excess * leverage),
        "derivative-buying-power": m(excess), "day-trading-buying-power": "0.0",
        "used-derivative-buying-power": m(options), "available-trading-funds": "0.0",
        "maintenance-requirement": m(total), "maintenance-excess": m(excess), "margin-equity": m(net),
        "reg-t-margin-requirement": m(total), "day-trade-excess": m(excess),
        "long-equity-value": m(v.long_equity), "short-equity-value": m(v.short_equity),
        "long-derivative-value": m(v.long_option), "short-derivative-value": m(v.short_option),
        "long-margineable-value": m(v.long_equity), "short-margineable-value": m(v.short_equity),
        "cash-available-to-withdraw": m(excess.min(cash.max(0.0))),
        "closed-loop-available-balance": m(excess.min(cash.max(0.0))),
        "effective-cryptocurrency-buying-power": m(excess),
        "pending-cash-effect": "None", "unsettled-cryptocurrency-fiat-effect": "None",
        "buying-power-adjustment-effect": "None",
        "snapshot-date": new_york_date(at).to_string(), "updated-at": stamp(at)
    }));
    for key in ZERO_BALANCES {
        fields = fields.with(key, "0.0");
    }
    fields.build()
}

/// What these accounts never have, but the wire always carries.
const ZERO_BALANCES: [&str; 31] = [
    "maintenance-call-value",
    "reg-t-call-value",
    "day-trading-call-value",
    "day-equity-call-value",
    "long-futures-value",
    "short-futures-value",
    "long-futures-derivative-value",
    "short-futures-derivative-value",
    "long-cryptocurrency-value",
    "short-cryptocurrency-value",
    "cryptocurrency-margin-requirement",
    "long-bond-value",
    "bond-margin-requirement",
    "long-fixed-income-security-value",
    "fixed-income-security-margin-requirement",
    "equity-offering-margin-requirement",
    "futures-margin-requirement",
    "futures-overnight-margin-requirement",
    "futures-intraday-margin-requirement",
    "pending-cash",
    "cash-settle-balance",
    "margin-settle-balance",
    "total-settle-balance",
    "sma-equity-option-buying-power",
    "special-memorandum-account-value",
    "special-memorandum-account-apex-adjustment",
    "unsettled-cryptocurrency-fiat-amount",
    "buying-power-adjustment",
    "pending-margin-interest",
    "total-pending-liquidity-pool-rebate",
    "apex-starting-day-margin-equity",
];

pub async fn balance(
    State(shared): State<Shared>,
    Path((number, currency)): Path<(String, String)>,
) -> Response {
    match shared.account(&number) {
        Some(account) if currency == "USD" => wire::one(
            balance_json(shared.market.as_ref(), &account, shared.now()),
            &format!("/accounts/{number}/balances/USD"),
        ),
        Some(_) => wire::not_found("a balance in this currency"),
        None => wire::not_found("the account"),
    }
}

pub async fn balances(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(account) = shared.account(&number) else { return wire::not_found("the account") };
    let version = headers.get("accept-version").and_then(|v| v.to_str().ok()?.parse::<u32>().ok());
    let body = balance_json(shared.market.as_ref(), &account, shared.now());
    let context = format!("/accounts/{number}/balances");
    if version.is_some_and(|v| v >= 20_240_501) {
        wire::list(vec![body], &context)
    } else {
        wire::one(body, &context)
    }
}

pub fn integer(value: Decimal) -> Value {
    match value.to_i64() {
        Some(whole) if Decimal::from(whole) == value => Value::from(whole),
        _ => Value::from(value.to_f64().unwrap_or(0.0)),
    }
}

/// The position object of REST and of the account stream.
pub fn position_json(market: &dyn Market, line: &BookPosition, at: Timestamp, marks: bool) -> Value {
    let today = new_york_date(at);
    let direction = match (line.quantity.is_zero(), line.quantity.is_sign_negative()) {
        (true, _) => "Zero",
        (false, true) => "Short",
        (false, false) => "Long",
    };
    // The effect of closing, as the wire has it.
    let cost_effect = if line.quantity.is_sign_negative() { "Debit" } else { "Credit" };
    let close = match &line.instrument {
        Instrument::Equity(s) | Instrument::Index(s) => {
            market.print(s.as_str(), at).and_then(|p| p.previous_close).map(|c| c.0)
        }
        Instrument::Option(c) => market.option(&super::world::parts_of(c), at).and_then(|p| p.previous_close),
    };
    let kind = if line.instrument.option().is_some() { "Equity Option" } else { "Equity" };
    let open = amount(line.average_open_price);
    let opened_today = new_york_date(line.opened_at) == today;
    let close_text = close.map_or_else(|| "0.0".to_owned(), num);
    let day_basis = if opened_today { open.clone() } else { close_text.clone() };
    let realized = if line.realized_on == Some(today) { line.realized } else { Decimal::ZERO };
    let mark = marks.then(|| market.mark(&line.instrument, at)).flatten().map(|m| m.0);
    let size = line.quantity.abs() * Decimal::from(line.instrument.multiplier());
    Fields::from(json!({
        "account-number": line.account, "symbol": line.instrument.broker_symbol(), "instrument-type": kind,
        "underlying-symbol": line.instrument.underlying().as_str(),
        "streamer-symbol": line.instrument.streamer_symbol(),
        "quantity": integer(line.quantity.abs()), "quantity-direction": direction,
        "multiplier": line.instrument.multiplier(), "average-open-price": open, "close-price": close_text,
        "cost-effect": cost_effect, "average-daily-market-close-price": day_basis,
        "average-yearly-market-close-price": open, "is-suppressed": false, "is-frozen": false,
        "restricted-quantity": 0,
        "realized-day-gain": amount(realized.abs()), "realized-day-gain-effect": wire::effect(realized),
        "realized-day-gain-date": today.to_string(),
        "realized-today": amount(realized.abs()), "realized-today-effect": wire::effect(realized),
        "realized-today-date": today.to_string(),
        "created-at": stamp(line.opened_at), "updated-at": stamp(line.updated_at)
    }))
    .maybe("expires-at", line.instrument.option().map(|c| stamp(expiry_instant(c.expiry, c.settlement))))
    .maybe_num("mark-price", mark)
    .maybe_num("mark", mark.map(|p| p * size.to_f64().unwrap_or(0.0)))
    .build()
}

pub async fn positions(
    State(shared): State<Shared>,
    Path(number): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let Some(account) = shared.account(&number) else { return wire::not_found("the account") };
    let query = Query::parse(raw.as_deref());
    let underlyings = query.all("underlying-symbol");
    let symbol = query.get("symbol").map(str::to_owned);
    let marks = query.get("include-marks") == Some("true");
    let at = shared.now();
    let closed = query.get("include-closed-positions") == Some("true");
    let types = query.all("instrument-type");
    let gone = account.positions.iter().filter(|p| closed && p.quantity.is_zero());
    let items = held(&account.positions, at)
        .chain(gone)
        .filter(|p| types.is_empty() || types.iter().any(|t| t == instrument_type(&p.instrument)))
        .filter(|p| {
            let underlying = p.instrument.underlying().as_str();
            (underlyings.is_empty() || underlyings.iter().any(|u| u == underlying))
                && symbol.as_ref().is_none_or(|s| *s == p.instrument.broker_symbol())
        })
        .map(|p| position_json(shared.market.as_ref(), p, at, marks))
        .collect();
    wire::list(items, &format!("/accounts/{number}/positions"))
}
