//! Which contracts the simulated exchange lists on a given date.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Weekday};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use crate::domain::instrument::{OccParts, style_of_root};
use crate::domain::{OptionContract, Settlement, Symbol, TradingDate};

use super::days;
use super::names::{Expiries, Name, months};

/// The `expiration-type` of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExpiryKind {
    Weekly,
    EndOfMonth,
    Regular,
}

impl ExpiryKind {
    pub fn wire(self) -> &'static str {
        match self {
            Self::Weekly => "Weekly",
            Self::EndOfMonth => "End-Of-Month",
            Self::Regular => "Regular",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub expiry: TradingDate,
    pub kind: ExpiryKind,
    pub settlement: Settlement,
    /// Ascending.
    pub strikes: Vec<Decimal>,
}

/// Expirations from `today` on, ascending.
pub fn expirations(name: &Name, today: TradingDate) -> Vec<(TradingDate, ExpiryKind, Settlement)> {
    let mut dates: BTreeMap<TradingDate, ExpiryKind> = BTreeMap::new();
    let mut add = |date: TradingDate, kind: ExpiryKind| {
        if date >= today {
            let known = dates.entry(date).or_insert(kind);
            *known = (*known).max(kind);
        }
    };
    if name.expiries == Expiries::None {
        return Vec::new();
    }
    if name.expiries == Expiries::Volatility {
        for (year, month) in months(today, 9) {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            if let Some(friday) = days::third_friday(next_year, next_month) {
                add(days::session_on_or_before(friday - Days::new(30)), ExpiryKind::Regular);
            }
        }
        return dates.into_iter().map(|(d, k)| (d, k, Settlement::Am)).collect();
    }
    if name.expiries == Expiries::Daily {
        for n in 0..=21 {
            let date = today + Days::new(n);
            if days::session(date).is_some() {
                add(date, ExpiryKind::Weekly);
            }
        }
        for (year, month) in months(today, 3) {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            if let Some(first) = chrono::NaiveDate::from_ymd_opt(next_year, next_month, 1) {
                add(days::session_before(first), ExpiryKind::EndOfMonth);
            }
        }
    }
    for n in 0..=56 {
        let date = today + Days::new(n);
        if date.weekday() == Weekday::Fri {
            add(days::session_on_or_before(date), ExpiryKind::Weekly);
        }
    }
    for (year, month) in months(today, 13) {
        if let Some(date) = days::third_friday(year, month) {
            add(date, ExpiryKind::Regular);
        }
    }
    dates.into_iter().map(|(d, k)| (d, k, Settlement::Pm)).collect()
}

/// Listed strikes around a reference level.
pub fn strikes(name: &Name, reference: f64) -> Vec<Decimal> {
    let (low, high) = if name.expiries == Expiries::Volatility {
        (10.0, 60.0)
    } else {
        (0.75 * reference, 1.25 * reference)
    };
    let fine = if name.expiries == Expiries::Volatility {
        (10.0, 20.0)
    } else {
        (reference * (1.0 - name.fine_range), reference * (1.0 + name.fine_range))
    };
    // Steps are at least half a dollar, so the count stays below a few hundred.
    let first = (low / name.fine_step).ceil() as u32;
    let last = (high / name.fine_step).floor() as u32;
    (first..=last)
        .map(|n| f64::from(n) * name.fine_step)
        .filter(|k| (fine.0..=fine.1).contains(k) || (k / name.coarse_step).fract().abs() < 1e-9)
        .filter_map(Decimal::from_f64)
        .map(|k| k.normalize())
        .collect()
}

/// The listed strike nearest to a level.
pub fn nearest_strike(strikes: &[Decimal], level: f64) -> Option<Decimal> {
    use rust_decimal::prelude::ToPrimitive;
    let gap = |k: &Decimal| (k.to_f64().unwrap_or(f64::INFINITY) - level).abs();
    strikes.iter().min_by(|a, b| gap(a).total_cmp(&gap(b))).copied()
}

/// The contract that an option symbol names, as the simulated exchange specifies it.
pub fn contract(underlying: &str, settlement: Settlement, parts: &OccParts) -> Option<OptionContract> {
    Some(OptionContract {
        underlying: Symbol::new(underlying).ok()?,
        root: parts.root.clone(),
        expiry: parts.expiry,
        right: parts.right,
        strike: parts.strike,
        settlement,
        style: style_of_root(parts.root.as_str()),
        multiplier: 100,
    })
}

#[cfg(test)]
mod tests {
    use super::super::names::{NAMES, position_of};
    use super::*;
    use chrono::NaiveDate;

    fn date(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a date")
    }

    #[test]
    fn expirations_fall_on_sessions_and_holidays_move_back() {
        for name in &NAMES {
            for (expiry, _, _) in expirations(name, date(2026, 11, 20)) {
                assert!(days::session(expiry).is_some(), "{} {expiry}", name.symbol);
            }
        }
        let nvda = &NAMES[position_of("NVDA").expect("known")];
        let listed: Vec<_> = expirations(nvda, date(2026, 12, 1)).into_iter().map(|e| e.0).collect();
        assert!(listed.contains(&date(2026, 12, 24)), "Christmas Friday moves to Thursday");
        assert!(listed.contains(&date(2026, 12, 31)), "New Year's Friday moves to Thursday");
        let vix = &NAMES[position_of("VIX").expect("known")];
        let first = expirations(vix, date(2026, 11, 20))[0];
        assert_eq!((first.0, first.2), (date(2026, 12, 16), Settlement::Am));
    }

    #[test]
    fn strike_lists_stay_small_and_ascending() {
        for name in NAMES.iter().filter(|n| n.expiries != Expiries::None) {
            let strikes = strikes(name, name.level);
            assert!(strikes.len() <= 125, "{} {}", name.symbol, strikes.len());
            assert!(strikes.len() >= 20, "{} {}", name.symbol, strikes.len());
            assert!(strikes.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
