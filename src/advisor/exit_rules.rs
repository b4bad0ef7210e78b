//! When a trade should be closed, by the exit profile of its portfolio: share of the maximum profit, or days
//! to expiry. The rule's next trigger is always named, also while it does not call.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::portfolio::ExitProfile;
use crate::domain::{Money, Price, Strategy, TradingDate};

/// What the rule looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitFacts {
    pub strategy: Strategy,
    pub profile: ExitProfile,
    /// Days from the day of entry to the nearest expiry.
    pub entry_days: Option<i64>,
    pub days: Option<i64>,
    pub expiry: Option<TradingDate>,
    /// `None` when it cannot be known or is unlimited.
    pub max_profit: Option<Money>,
    /// `None` while a mark is missing: a rule never calls on a guess.
    pub open_pnl: Option<Money>,
    /// Credit received per unit; `None` for debits.
    pub credit: Option<Price>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExitReading {
    /// Open P&L in percent of the maximum profit.
    pub percent_of_max: Option<f64>,
    /// Why to close now.
    pub due: Option<String>,
    /// "50 % at 0.31 · 21 d on 27 Nov"
    pub next: String,
    /// What closing at the mark would keep.
    pub keeps: Option<Money>,
}

pub fn read(facts: &ExitFacts) -> ExitReading {
    let target = facts.profile.profit_percent();
    let percent_of_max = share(facts.open_pnl, facts.max_profit);
    let days_rule = time_exit(facts);
    let mut due = Vec::new();
    if let Some(percent) = percent_of_max.filter(|percent| *percent >= f64::from(target)) {
        due.push(format!("{percent:.0} % of max ≥ {target} %"));
    }
    if let (Some(limit), Some(days)) = (days_rule, facts.days)
        && days <= limit
    {
        due.push(format!("{days} DTE ≤ {limit}"));
    }
    let mut next = Vec::new();
    if let Some(credit) = facts.credit.filter(|_| facts.max_profit.is_some()) {
        let at = Price(credit.0 * Decimal::from(100 - target) / Decimal::ONE_HUNDRED).to_cents();
        next.push(format!("{target} % at {at:.2}"));
    }
    if let (Some(limit), Some(expiry)) = (days_rule, facts.expiry) {
        let on = expiry - chrono::TimeDelta::days(limit);
        next.push(format!("{limit} d on {}", on.format("%-d %b")));
    }
    if wheel(facts.strategy) && facts.expiry.is_some() {
        next.push("or assigned".into());
    }
    ExitReading {
        percent_of_max,
        due: (!due.is_empty()).then(|| due.join(", ")),
        next: next.join(" · "),
        keeps: facts.open_pnl,
    }
}

/// Shorter trades are not closed at once: half of their days at entry bound the rule. Wheel puts, covered
/// stock and protective structures are rolled or assigned, not closed by the calendar.
fn time_exit(facts: &ExitFacts) -> Option<i64> {
    if wheel(facts.strategy) {
        return None;
    }
    let half = facts.entry_days.map_or(i64::MAX, |days| days / 2);
    Some(facts.profile.days().min(half))
}

fn wheel(strategy: Strategy) -> bool {
    matches!(
        strategy,
        Strategy::Single
            | Strategy::CoveredCall
            | Strategy::ProtectivePut
            | Strategy::Collar
            | Strategy::Stock
    )
}

fn share(part: Option<Money>, whole: Option<Money>) -> Option<f64> {
    let (part, whole) = (part?, whole?);
    if whole.0 <= Decimal::ZERO {
        return None;
    }
    (part.0 / whole.0 * Decimal::ONE_HUNDRED).to_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread() -> ExitFacts {
        ExitFacts {
            strategy: Strategy::VerticalSpread,
            profile: ExitProfile::Conservative,
            entry_days: Some(45),
            days: Some(28),
            expiry: TradingDate::from_ymd_opt(2026, 12, 18),
            max_profit: Some(Money(Decimal::from(62))),
            open_pnl: Some(Money(Decimal::from(20))),
            credit: Some(Price(Decimal::new(62, 2))),
        }
    }

    #[test]
    fn a_quiet_trade_names_its_next_trigger() {
        let reading = read(&spread());
        assert_eq!(reading.due, None);
        assert_eq!(reading.next, "50 % at 0.31 · 21 d on 27 Nov");
    }

    #[test]
    fn profit_and_time_both_call() {
        let facts = ExitFacts { open_pnl: Some(Money(Decimal::from(31))), days: Some(21), ..spread() };
        assert_eq!(read(&facts).due.as_deref(), Some("50 % of max ≥ 50 %, 21 DTE ≤ 21"));
    }

    #[test]
    fn an_unknown_mark_never_calls() {
        let facts = ExitFacts { open_pnl: None, ..spread() };
        assert_eq!(read(&facts).due, None);
        assert_eq!(read(&facts).percent_of_max, None);
    }

    #[test]
    fn a_short_dated_trade_is_given_half_its_life() {
        let facts = ExitFacts { entry_days: Some(14), days: Some(10), ..spread() };
        assert_eq!(read(&facts).due, None);
        assert_eq!(read(&ExitFacts { days: Some(7), ..facts }).due.as_deref(), Some("7 DTE ≤ 7"));
    }

    #[test]
    fn covered_stock_has_no_calendar_exit() {
        let facts = ExitFacts { strategy: Strategy::CoveredCall, days: Some(2), ..spread() };
        assert_eq!(read(&facts).due, None);
    }
}
