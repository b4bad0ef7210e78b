//! Market, calendar and screen.

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::super::env::Env;
use super::super::error::{ConfigError, Fault};
use super::super::load::Document;
use super::super::raw::{self, Scalar};
use super::super::settings::{
    COLOURS, CalendarSettings, Colour, DatedEvents, Dividend, Glyphs, LiveDataThresholds, MarketSettings,
    ROLES, RateCurve, RatePoint, ScreenSettings, Theme, fraction_of_percent,
};
use super::{decimal, percent, shown, symbol, symbols, within, word};
use crate::domain::{Symbol, TradingDate};

const THEMES: [(&str, Theme); 4] = [
    ("dark", Theme::Dark),
    ("light", Theme::Light),
    ("mono", Theme::Mono),
    ("colour_blind", Theme::ColourBlind),
];
const GLYPHS: [(&str, Glyphs); 2] = [("unicode", Glyphs::Unicode), ("ascii", Glyphs::Ascii)];

/// A value that the built-in file gives where the trader's does not: absent only if that file lost it.
fn given<T>(
    document: &Document,
    value: Option<T>,
    keys: &[&str],
    name: &'static str,
) -> Result<T, ConfigError> {
    value.ok_or_else(|| document.at(keys, Fault::Missing(name)))
}

pub(in super::super) fn market(
    document: &Document,
    typed: raw::Market,
) -> Result<MarketSettings, ConfigError> {
    let here = ["market"];
    let benchmark = given(document, typed.benchmark, &here, "benchmark")?;
    let rates = given(document, typed.rates, &here, "rates")?;
    Ok(MarketSettings {
        benchmark: symbol(document, &["market", "benchmark"], &benchmark)?,
        context: symbols(document, &["market", "context"], &typed.context.unwrap_or_default())?,
        watch: symbols(document, &["market", "watch"], &typed.watch.unwrap_or_default())?,
        rates: rate_curve(document, rates)?,
        dividends: dividends(document, typed.dividends.unwrap_or_default())?,
        live_data: live_data(document, typed.live_data.unwrap_or_default())?,
    })
}

fn rate_curve(document: &Document, typed: raw::Rates) -> Result<RateCurve, ConfigError> {
    let keys = ["market", "rates", "curve"];
    if typed.curve.is_empty() {
        return Err(document.at(&keys[..2], Fault::Missing("curve")));
    }
    if !typed.curve.windows(2).all(|pair| pair[0].days < pair[1].days) {
        return Err(document.at(&keys, Fault::NotAscending { key: "curve" }));
    }
    let points = typed
        .curve
        .iter()
        .map(|point| {
            let keys = ["market", "rates", "curve", "zero"];
            let value = percent(&point.zero.0).ok_or_else(|| {
                document.at(&keys, Fault::NotAPercentage { key: "zero", found: shown(&point.zero) })
            })?;
            let value = within(document, &keys, &point.zero, Some(value), (-5, 50))?;
            let zero = fraction_of_percent(value).to_f64().unwrap_or_default();
            Ok(RatePoint { days: point.days, zero })
        })
        .collect::<Result<Vec<_>, ConfigError>>()?;
    Ok(RateCurve { as_of: typed.as_of, points })
}

fn dividends(
    document: &Document,
    typed: raw::Keyed<Vec<raw::Dividend>>,
) -> Result<Vec<(Symbol, Vec<Dividend>)>, ConfigError> {
    let of_name = |(name, typed): (String, Vec<raw::Dividend>)| {
        let keys = ["market", "dividends", name.as_str()];
        let symbol = symbol(document, &keys[..2], &Scalar(name.clone()))?;
        if !typed.windows(2).all(|pair| pair[0].ex < pair[1].ex) {
            return Err(document.at(&keys, Fault::NotAscending { key: "ex" }));
        }
        let list = typed.iter().map(|dividend| {
            let keys = ["market", "dividends", name.as_str(), "amount"];
            let amount = within(document, &keys, &dividend.amount, decimal(&dividend.amount.0), (0, 1000))?;
            let amount = amount.to_f64().unwrap_or_default();
            Ok(Dividend { ex_date: dividend.ex, amount, estimated: dividend.estimated })
        });
        Ok((symbol, list.collect::<Result<Vec<_>, ConfigError>>()?))
    };
    typed.0.into_iter().map(of_name).collect()
}

fn live_data(document: &Document, typed: raw::LiveData) -> Result<LiveDataThresholds, ConfigError> {
    let seconds = |name: &'static str, typed: Option<Scalar>| {
        let keys = ["market", "live_data", name];
        let typed = given(document, typed, &keys[..2], name)?;
        let value = within(document, &keys, &typed, decimal(&typed.0), (1, 3600))?;
        let milliseconds = (value * Decimal::ONE_THOUSAND).to_u64().unwrap_or_default();
        Ok(Duration::from_millis(milliseconds))
    };
    let thresholds = LiveDataThresholds {
        link_age: seconds("link_age_seconds", typed.link_age_seconds)?,
        quote_age: seconds("quote_age_seconds", typed.quote_age_seconds)?,
        clock_skew_warn: seconds("clock_skew_warn_seconds", typed.clock_skew_warn_seconds)?,
        clock_skew_block: seconds("clock_skew_block_seconds", typed.clock_skew_block_seconds)?,
        account_refresh: seconds("account_refresh_seconds", typed.account_refresh_seconds)?,
    };
    if thresholds.clock_skew_block < thresholds.clock_skew_warn {
        let fault = Fault::OutOfRange {
            key: "clock_skew_block_seconds".into(),
            found: thresholds.clock_skew_block.as_secs().to_string(),
            least: format!("{} (the warning)", thresholds.clock_skew_warn.as_secs()),
            most: "3600".into(),
        };
        return Err(document.at(&["market", "live_data", "clock_skew_block_seconds"], fault));
    }
    Ok(thresholds)
}

pub(in super::super) fn calendar(
    document: &Document,
    typed: raw::Calendar,
) -> Result<CalendarSettings, ConfigError> {
    let macro_events = |name: &'static str, typed: Option<raw::Dated>| {
        dated(document, &["calendar", name], given(document, typed, &["calendar"], name)?)
    };
    let earnings = typed.earnings.unwrap_or_default().0.into_iter().map(|(name, typed)| {
        let keys = ["calendar", "earnings", name.as_str()];
        let symbol = symbol(document, &keys[..2], &Scalar(name.clone()))?;
        Ok((symbol, dated(document, &keys, typed)?))
    });
    let earnings = earnings.collect::<Result<Vec<_>, ConfigError>>()?;
    let days = |name: &'static str, typed: Option<Vec<TradingDate>>| {
        let typed = typed.unwrap_or_default();
        if !typed.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(document.at(&["calendar", name], Fault::NotAscending { key: name }));
        }
        Ok(typed)
    };
    Ok(CalendarSettings {
        closed: days("closed", typed.closed)?,
        early_closes: days("early_closes", typed.early_closes)?,
        fomc: macro_events("fomc", typed.fomc)?,
        cpi: macro_events("cpi", typed.cpi)?,
        earnings,
        without_earnings: symbols(
            document,
            &["calendar", "without_earnings"],
            &typed.without_earnings.unwrap_or_default(),
        )?,
    })
}

fn dated(document: &Document, keys: &[&str], typed: raw::Dated) -> Result<DatedEvents, ConfigError> {
    let below = |key| [keys, &[key]].concat();
    if !typed.dates.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(document.at(&below("dates"), Fault::NotAscending { key: "dates" }));
    }
    if typed.dates.last().is_some_and(|last| *last > typed.unknown_after) {
        return Err(document.at(&below("unknown_after"), Fault::UnknownBeforeLast));
    }
    Ok(DatedEvents { dates: typed.dates, unknown_after: typed.unknown_after })
}

pub(in super::super) fn screen(
    document: &Document,
    typed: raw::Screen,
    env: &Env,
) -> Result<ScreenSettings, ConfigError> {
    let here = ["screen"];
    let theme = given(document, typed.theme, &here, "theme")?;
    let theme = word(document, &["screen", "theme"], "theme", &theme, &THEMES)?;
    let glyphs = given(document, typed.glyphs, &here, "glyphs")?;
    let frames = given(document, typed.frames_per_second, &here, "frames_per_second")?;
    let frames = within(document, &["screen", "frames_per_second"], &frames, decimal(&frames.0), (1, 60))?;
    let colours = typed
        .colours
        .unwrap_or_default()
        .0
        .into_iter()
        .map(|(role, typed)| {
            let known = ROLES.map(|name| (name, ()));
            word(document, &["screen", "colours"], "role", &Scalar(role.clone()), &known)?;
            let bad =
                || document.at(&["screen", "colours", &role], Fault::BadColour { found: shown(&typed) });
            let colour = colour(&typed.0).ok_or_else(bad)?;
            Ok((role, colour))
        })
        .collect::<Result<Vec<_>, ConfigError>>()?;
    Ok(ScreenSettings {
        theme: if env.get("NO_COLOR").is_some() { Theme::Mono } else { theme },
        colours,
        glyphs: word(document, &["screen", "glyphs"], "set of glyphs", &glyphs, &GLYPHS)?,
        frames_per_second: frames.to_u32().unwrap_or(1),
        keys: typed
            .keys
            .unwrap_or_default()
            .0
            .into_iter()
            .map(|(action, key)| (action, shown(&key)))
            .collect(),
    })
}

fn colour(typed: &str) -> Option<Colour> {
    if COLOURS.contains(&typed) {
        return Some(Colour::Named(typed.to_owned()));
    }
    let digits = typed.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some(Colour::Rgb(part(0)?, part(2)?, part(4)?))
}
