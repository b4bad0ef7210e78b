//! What orders are held to, and the first two yeses to real money.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::super::env::Env;
use super::super::error::{ConfigError, Fault, nearest};
use super::super::load::Document;
use super::super::raw::{self, Scalar};
use super::super::settings::{OrderSettings, fraction_of_percent};
use super::{decimal, percent, shown, within, word};
use crate::domain::control::{LIVE_SWITCH, LiveOptIn, MissingYes};
use crate::domain::limit::TradeLoss;

pub(in super::super) fn orders(
    document: &Document,
    typed: raw::Orders,
    accounts: &[&str],
    env: &Env,
    notes: &mut Vec<String>,
) -> Result<OrderSettings, ConfigError> {
    let given = |name: &'static str, typed: Option<Scalar>| {
        typed.ok_or_else(|| document.at(&["orders"], Fault::Missing(name)))
    };
    let number = |name: &'static str, typed: Option<Scalar>, bounds| {
        let typed = given(name, typed)?;
        within(document, &["orders", name], &typed, decimal(&typed.0), bounds)
    };
    let count = |name: &'static str, typed: Option<Scalar>, most| {
        let keys = ["orders", name];
        let typed = given(name, typed)?;
        let value = decimal(&typed.0).filter(|value| value.fract().is_zero());
        Ok::<u32, ConfigError>(within(document, &keys, &typed, value, (1, most))?.to_u32().unwrap_or(1))
    };
    let share = |name: &'static str, typed: Option<Scalar>, most| {
        let typed = given(name, typed)?;
        fraction(document, &["orders", name], name, &typed, most)
    };
    let (live, missing) = live(document, typed.live_trading.as_ref(), env, notes)?;
    let accounts = typed.accounts.map(|typed| listed(document, &typed, accounts)).transpose()?;
    if live.is_some() && accounts.as_ref().is_none_or(Vec::is_empty) {
        notes.push("live trading is on, but `orders: accounts:` lists no account: none may trade".to_owned());
    }
    let trade_loss = typed.trade_loss.unwrap_or_default().0.into_iter().map(|(name, typed)| {
        let keys = ["orders", "trade_loss", name.as_str()];
        let one = |of: &'static str, typed: Option<Scalar>| {
            typed
                .map(|typed| fraction(document, &[keys[0], keys[1], keys[2], of], of, &typed, 100))
                .transpose()
        };
        let defined =
            one("defined", typed.defined)?.ok_or_else(|| document.at(&keys, Fault::Missing("defined")))?;
        let loss = TradeLoss {
            defined,
            undefined: one("undefined", typed.undefined)?,
            stock: one("stock", typed.stock)?,
        };
        Ok((name, loss))
    });
    let trade_loss = trade_loss.collect::<Result<Vec<_>, ConfigError>>()?;
    let day_loss = typed.day_loss.unwrap_or_default().0.into_iter().map(|(name, typed)| {
        let share = fraction(document, &["orders", "day_loss", name.as_str()], "day_loss", &typed, 100)?;
        Ok((name, share))
    });
    let day_loss = day_loss.collect::<Result<Vec<_>, ConfigError>>()?;
    Ok(OrderSettings {
        live,
        missing,
        paper_only: switch(document, "paper_only", &given("paper_only", typed.paper_only)?)?,
        paper_fill: share("paper_fill", typed.paper_fill, 100)?,
        accounts,
        reserve: share("reserve", typed.reserve, 100)?,
        open_loss: share("open_loss", typed.open_loss, 100)?,
        contracts_per_leg: count("contracts_per_leg", typed.contracts_per_leg, 10_000)?,
        contracts_per_order: count("contracts_per_order", typed.contracts_per_order, 40_000)?,
        notional: number("notional", typed.notional, (1, 1_000_000_000))?,
        spread: share("spread", typed.spread, 100)?,
        spread_dollars: positive(
            document,
            "spread_dollars",
            &given("spread_dollars", typed.spread_dollars)?,
        )?,
        collar_spread: share("collar_spread", typed.collar_spread, 100)?,
        collar_mid: share("collar_mid", typed.collar_mid, 100)?,
        collar_ticks: count("collar_ticks", typed.collar_ticks, 100)?,
        orders_per_minute: count("orders_per_minute", typed.orders_per_minute, 10_000)?,
        orders_per_day: count("orders_per_day", typed.orders_per_day, 1_000_000)?,
        replacements_per_minute: count("replacements_per_minute", typed.replacements_per_minute, 10_000)?,
        replacements_per_day: count("replacements_per_day", typed.replacements_per_day, 1_000_000)?,
        open_orders: count("open_orders", typed.open_orders, 1_000)?,
        trade_loss,
        day_loss,
    })
}

/// Only the word `true`, as it stands, is a yes; `false` is a no, and anything else is neither. One yes without
/// the other is none, and that is said.
fn live(
    document: &Document,
    typed: Option<&Scalar>,
    env: &Env,
    notes: &mut Vec<String>,
) -> Result<(Option<LiveOptIn>, Vec<MissingYes>), ConfigError> {
    let configured = match typed {
        None => false,
        Some(typed) if typed.0 == "false" => false,
        Some(typed) if typed.0 == "true" && document.says("live_trading", "true") => true,
        Some(typed) => {
            let fault = Fault::NotExactlyTrue { found: shown(typed) };
            return Err(document.at(&["orders", "live_trading"], fault));
        }
    };
    let switch = env.get(LIVE_SWITCH);
    let both = LiveOptIn::given(configured, switch);
    match (both, configured, switch) {
        (None, true, _) => {
            notes.push(format!("live_trading is on, but {LIVE_SWITCH} is not 1: no real order is sent"));
        }
        (None, false, Some("1")) => {
            notes.push(format!("{LIVE_SWITCH} is 1, but live_trading is not true: no real order is sent"));
        }
        _ => {}
    }
    Ok((both, MissingYes::of(configured, switch)))
}

fn switch(document: &Document, key: &'static str, typed: &Scalar) -> Result<bool, ConfigError> {
    word(document, &["orders", key], "switch", typed, &[("true", true), ("false", false)])
}

fn listed(document: &Document, typed: &[Scalar], known: &[&str]) -> Result<Vec<String>, ConfigError> {
    let one = |typed: &Scalar| {
        if known.contains(&typed.0.as_str()) {
            return Ok(typed.0.clone());
        }
        let fault = Fault::UnknownWord {
            kind: "account",
            found: shown(typed),
            nearest: nearest(&typed.0, known.iter().copied()),
            known: known.iter().map(|key| (*key).to_owned()).collect(),
        };
        Err(document.at_word(&["orders", "accounts"], &typed.0, fault))
    };
    typed.iter().map(one).collect()
}

/// A percentage above nothing: what is zero would block everything, or nothing.
fn fraction(
    document: &Document,
    keys: &[&str],
    key: &'static str,
    typed: &Scalar,
    most: i64,
) -> Result<Decimal, ConfigError> {
    let value = percent(&typed.0)
        .ok_or_else(|| document.at(keys, Fault::NotAPercentage { key, found: shown(typed) }))?;
    if value <= Decimal::ZERO || value > Decimal::from(most) {
        let fault = Fault::OutOfRange {
            key: key.into(),
            found: shown(typed),
            least: "above 0 %".into(),
            most: format!("{most} %"),
        };
        return Err(document.at(keys, fault));
    }
    Ok(fraction_of_percent(value))
}

fn positive(document: &Document, key: &'static str, typed: &Scalar) -> Result<Decimal, ConfigError> {
    let keys = ["orders", key];
    let value = within(document, &keys, typed, decimal(&typed.0), (0, 1_000))?;
    if value.is_zero() {
        let fault = Fault::OutOfRange {
            key: key.into(),
            found: shown(typed),
            least: "above 0".into(),
            most: "1000".into(),
        };
        return Err(document.at(&keys, fault));
    }
    Ok(value)
}
