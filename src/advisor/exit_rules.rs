//! When a trade should be closed, by the exit profile of its portfolio: share of the maximum profit, or days
//! to expiry. The rule's next trigger is always named, also while it does not call.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::held::HeldExit;
use crate::domain::portfolio::ExitProfile;
use crate::domain::{Money, Price, Strategy, Timestamp, TradingDate};

/// A target that was reached counts as missed again this many points of the maximum below it.
const CLEARS_BELOW: f64 = 5.0;

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
    /// Every mark is live: a rule calls on nothing else.
    pub live: bool,
    /// Shares are part of the structure: the rule is about its options, and the most they bring is the credit.
    pub covered: bool,
    /// Credit received per unit; `None` for debits.
    pub credit: Option<Price>,
}

/// What the share of the maximum profit says.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfitCall {
    None,
    Live {
        why: String,
    },
    /// It called when it was last known, and since then nobody knows.
    Stale {
        why: String,
        since: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExitReading {
    pub profit: ProfitCall,
    /// The calendar's call: it needs no quote.
    pub days: Option<String>,
    /// "50 % at 0.31 · 21 d on 27 Nov"
    pub next: String,
    /// What a unit of it is bought back at when the share of the credit is earned.
    pub target: Option<Price>,
    /// What closing at the mark would keep.
    pub keeps: Option<Money>,
}

impl ExitReading {
    /// Why to close now, as far as that is known now.
    pub fn due(&self) -> Option<String> {
        let profit = match &self.profit {
            ProfitCall::Live { why } => Some(why.clone()),
            ProfitCall::None | ProfitCall::Stale { .. } => None,
        };
        let calls: Vec<String> = [self.days.clone(), profit].into_iter().flatten().collect();
        (!calls.is_empty()).then(|| calls.join(", "))
    }

    /// Why it was to be closed when that was last known, and when that was.
    pub fn was_due(&self) -> Option<(&str, Timestamp)> {
        match &self.profit {
            ProfitCall::Stale { why, since } => Some((why, *since)),
            ProfitCall::None | ProfitCall::Live { .. } => None,
        }
    }
}

/// `held`: the target had been reached in the picture before.
pub fn read(facts: &ExitFacts, held: Option<&HeldExit>) -> ExitReading {
    let target = facts.profile.profit_percent();
    let days_rule = time_exit(facts);
    let days = days_rule
        .zip(facts.days)
        .filter(|(limit, days)| days <= limit)
        .map(|(limit, days)| format!("{days} DTE ≤ {limit}"));
    let mut next = Vec::new();
    let buy_back =
        facts.credit.filter(|_| facts.max_profit.is_some()).map(|credit| self::target(facts.profile, credit));
    if let Some(at) = buy_back {
        next.push(format!("{target} % at {:.2}", at.to_cents()));
    }
    if let (Some(limit), Some(expiry)) = (days_rule, facts.expiry) {
        let on = expiry - chrono::TimeDelta::days(limit);
        next.push(format!("{limit} d on {}", on.format("%-d %b")));
    }
    if wheel(facts.strategy) && facts.expiry.is_some() {
        next.push("or assigned".into());
    }
    ExitReading {
        profit: profit(facts, held),
        days,
        next: next.join(" · "),
        target: buy_back.filter(|_| !facts.covered),
        keeps: facts.open_pnl,
    }
}

/// What a unit that brought `credit` is bought back at when the profile's share of it is earned.
pub fn target(profile: ExitProfile, credit: Price) -> Price {
    Price(credit.0 * Decimal::from(100 - profile.profit_percent()) / Decimal::ONE_HUNDRED)
}

/// What a unit that brought `credit` costs to close when the loss is as large as the profile bears: a multiple of the
/// credit, of what has an end no more than 65 % of the most it can lose. What is rolled or assigned has no stop.
pub fn loss_stop(
    strategy: Strategy,
    profile: ExitProfile,
    defined: bool,
    credit: Price,
    max_loss: Option<Price>,
) -> Option<Price> {
    if wheel(strategy) || credit.0 <= Decimal::ZERO {
        return None;
    }
    let tenths = match (defined, profile) {
        (true, ExitProfile::Conservative) => 10,
        (true, ExitProfile::Balanced) => 15,
        (true, ExitProfile::Aggressive) | (false, _) => 20,
    };
    let loss = credit.0 * Decimal::new(tenths, 1);
    let loss = if defined { loss.min(max_loss?.0 * Decimal::new(65, 2)) } else { loss };
    Some(Price(credit.0 + loss))
}

fn profit(facts: &ExitFacts, held: Option<&HeldExit>) -> ProfitCall {
    let target = facts.profile.profit_percent();
    let of = if facts.covered { "the credit" } else { "max" };
    match (share(facts.open_pnl, facts.max_profit).filter(|_| facts.live), held) {
        (Some(percent), _) if percent >= f64::from(target) => {
            ProfitCall::Live { why: format!("{percent:.0} % of {of} ≥ {target} %") }
        }
        (Some(percent), Some(_)) if percent > f64::from(target) - CLEARS_BELOW => {
            ProfitCall::Live { why: format!("{percent:.0} % of {of}, was ≥ {target} %") }
        }
        (None, Some(held)) if !facts.live => ProfitCall::Stale { why: held.why.clone(), since: held.at },
        _ => ProfitCall::None,
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

/// In percent; unknown where there is nothing to be a share of.
pub fn share(part: Option<Money>, whole: Option<Money>) -> Option<f64> {
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
            live: true,
            covered: false,
            credit: Some(Price(Decimal::new(62, 2))),
        }
    }

    fn made(open: i64) -> ExitFacts {
        ExitFacts { open_pnl: Some(Money(Decimal::from(open))), ..spread() }
    }

    fn reached() -> HeldExit {
        let at = chrono::DateTime::UNIX_EPOCH;
        HeldExit { why: "52 % of max ≥ 50 %".into(), price: None, keeps: None, at }
    }

    #[test]
    fn a_stop_is_a_multiple_of_the_credit_and_of_the_most_that_can_be_lost() {
        let cents = |cents: i64| Price(Decimal::new(cents, 2));
        let stop = |strategy, profile, defined, most: Option<i64>| {
            loss_stop(strategy, profile, defined, cents(100), most.map(cents))
        };
        let (condor, conservative) = (Strategy::IronCondor, ExitProfile::Conservative);
        assert_eq!(stop(condor, conservative, true, Some(400)), Some(cents(200)));
        assert_eq!(stop(condor, ExitProfile::Balanced, true, Some(400)), Some(cents(250)));
        assert_eq!(stop(condor, ExitProfile::Aggressive, true, Some(200)), Some(cents(230)), "65 % of 2.00");
        assert_eq!(stop(condor, conservative, true, None), None, "the most is not known");
        assert_eq!(stop(Strategy::Strangle, conservative, false, None), Some(cents(300)));
        assert_eq!(stop(Strategy::Single, conservative, false, None), None, "it is rolled or assigned");
    }

    #[test]
    fn a_quiet_trade_names_its_next_trigger() {
        let reading = read(&spread(), None);
        assert_eq!(reading.due(), None);
        assert_eq!(reading.next, "50 % at 0.31 · 21 d on 27 Nov");
    }

    #[test]
    fn profit_and_time_both_call() {
        let facts = ExitFacts { days: Some(21), ..made(31) };
        assert_eq!(read(&facts, None).due().as_deref(), Some("21 DTE ≤ 21, 50 % of max ≥ 50 %"));
        let covered = ExitFacts { covered: true, ..made(31) };
        assert_eq!(read(&covered, None).due().as_deref(), Some("50 % of the credit ≥ 50 %"));
    }

    #[test]
    fn what_called_goes_on_calling_until_it_has_cleared_by_a_margin() {
        let calls = |open: i64, held: Option<&HeldExit>| read(&made(open), held).due();
        let held = reached();
        assert_eq!(calls(30, None), None, "48 % has not reached 50 %");
        assert_eq!(calls(30, Some(&held)).as_deref(), Some("48 % of max, was ≥ 50 %"));
        assert_eq!(calls(27, Some(&held)), None, "44 % is well below");
    }

    #[test]
    fn an_unknown_mark_never_calls_and_takes_no_call_back() {
        let blind = ExitFacts { open_pnl: None, live: false, ..spread() };
        assert_eq!(read(&blind, None).profit, ProfitCall::None);
        let (held, old) = (reached(), ExitFacts { live: false, ..made(10) });
        for facts in [blind, old] {
            let reading = read(&facts, Some(&held));
            assert_eq!(reading.due(), None, "nothing is due on what is not live");
            assert_eq!(reading.was_due(), Some(("52 % of max ≥ 50 %", held.at)));
        }
    }

    #[test]
    fn a_short_dated_trade_is_given_half_its_life() {
        let facts = ExitFacts { entry_days: Some(14), days: Some(10), ..spread() };
        assert_eq!(read(&facts, None).due(), None);
        let later = ExitFacts { days: Some(7), live: false, ..facts };
        assert_eq!(read(&later, None).due().as_deref(), Some("7 DTE ≤ 7"), "the calendar needs no quote");
    }

    #[test]
    fn covered_stock_has_no_calendar_exit() {
        let facts = ExitFacts { strategy: Strategy::CoveredCall, days: Some(2), ..spread() };
        assert_eq!(read(&facts, None).due(), None);
    }
}
