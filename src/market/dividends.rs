//! Discrete dividends over an option's life and what they are worth today: the known ones, and beyond
//! them the last amount repeated at the known spacing.

use chrono::Days;

use super::calendar::{Calendar, years_between};
use super::rates::RateCurve;
use crate::domain::{Timestamp, TradingDate};
use crate::pricing::american::CashDividend;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dividend {
    pub ex_date: TradingDate,
    pub amount: f64,
    /// Expected, not announced: repeated from an earlier one, or said so by whoever named it.
    pub estimated: bool,
}

/// Known dividends of one underlying.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DividendPlan {
    /// Ascending by ex-date.
    known: Vec<Dividend>,
    spacing_days: Option<u16>,
}

/// Two payments nearer or further apart (an extra one, a gap in the data) say nothing about the next.
const USUAL_SPACING: std::ops::RangeInclusive<u16> = 25..=400;

/// A schedule never runs longer than this many payments: monthly for ten years.
const MOST_PAYMENTS: usize = 120;

impl DividendPlan {
    /// `known` as (ex-date, amount); what is not a positive, finite amount is left out. `spacing_days`
    /// between payments, where the frequency is known.
    pub fn new(known: &[(TradingDate, f64)], spacing_days: Option<u16>) -> Self {
        let announced = |&(ex_date, amount): &_| Dividend { ex_date, amount, estimated: false };
        Self::of(known.iter().map(announced).collect(), spacing_days)
    }

    /// Without a frequency, the last two dates give it where they lie a month to a year apart.
    pub fn of(mut known: Vec<Dividend>, spacing_days: Option<u16>) -> Self {
        known.retain(|d| d.amount.is_finite() && d.amount > 0.0);
        known.sort_by_key(|d| d.ex_date);
        known.dedup_by_key(|d| d.ex_date);
        let between = match known.as_slice() {
            [.., before, last] => u16::try_from((last.ex_date - before.ex_date).num_days()).ok(),
            _ => None,
        };
        let spacing_days = spacing_days.filter(|days| *days > 0);
        Self { known, spacing_days: spacing_days.or(between.filter(|days| USUAL_SPACING.contains(days))) }
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Dividends with an ex-date after `after` and up to `until`.
    pub fn between(&self, after: TradingDate, until: TradingDate) -> Vec<Dividend> {
        let mut all: Vec<Dividend> =
            self.known.iter().copied().filter(|d| d.ex_date > after && d.ex_date <= until).collect();
        let (Some(last), Some(spacing)) = (self.known.last(), self.spacing_days) else { return all };
        let mut next = *last;
        // The last known date may lie years back; skip there without listing.
        let behind = (after - last.ex_date).num_days().max(0);
        let skipped = u64::try_from(behind).unwrap_or(0) / u64::from(spacing);
        next.ex_date =
            next.ex_date.checked_add_days(Days::new(skipped * u64::from(spacing))).unwrap_or(until);
        next.estimated = true;
        while all.len() < MOST_PAYMENTS {
            let Some(date) = next.ex_date.checked_add_days(Days::new(u64::from(spacing))) else { break };
            if date > until {
                break;
            }
            next.ex_date = date;
            if date > after {
                all.push(next);
            }
        }
        all
    }

    /// The next one from `today` on, today's included.
    pub fn next(&self, today: TradingDate) -> Option<Dividend> {
        let yesterday = today.pred_opt().unwrap_or(today);
        let horizon = today.checked_add_days(Days::new(400)).unwrap_or(today);
        self.between(yesterday, horizon).first().copied()
    }

    /// Today's worth of what goes ex after `now` and not after `expiry`. A share goes ex at the open of
    /// its ex-date.
    pub fn present_value(
        &self,
        now: Timestamp,
        expiry: Timestamp,
        rates: &RateCurve,
        calendar: &Calendar,
    ) -> f64 {
        self.cash(now, expiry, rates, calendar).iter().map(|dividend| dividend.present_value).sum()
    }

    /// What goes ex after `now` and not after `expiry`, as the model takes it.
    pub fn cash(
        &self,
        now: Timestamp,
        expiry: Timestamp,
        rates: &RateCurve,
        calendar: &Calendar,
    ) -> Vec<CashDividend> {
        let from = crate::domain::time::new_york_date(now);
        let until = crate::domain::time::new_york_date(expiry);
        self.between(from.pred_opt().unwrap_or(from), until)
            .iter()
            .map(|dividend| (dividend.amount, calendar.open_at(dividend.ex_date)))
            .filter(|(_, ex)| *ex > now && *ex <= expiry)
            .map(|(amount, ex)| {
                let years = years_between(now, ex);
                CashDividend { years, present_value: amount * rates.discount(years) }
            })
            .collect()
    }
}

/// How often a payment of `amount` comes, judged by the yearly yield on `spot`: yearly, half-yearly,
/// quarterly or monthly; `None` where none of these fits.
pub fn infer_spacing(amount: f64, dividend_yield: f64, spot: f64) -> Option<u16> {
    let per_year = dividend_yield * spot / amount;
    [(1.0, 365), (2.0, 182), (4.0, 91), (12.0, 30)]
        .into_iter()
        .find(|(count, _): &(f64, u16)| (per_year / count).ln().abs() < 0.25)
        .map(|(_, days)| days)
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, TimeDelta};

    use super::*;
    use crate::domain::Right;
    use crate::domain::time::new_york;
    use crate::pricing::{OptionInputs, price};

    fn date(text: &str) -> TradingDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_escrowed_price_of_the_worked_example() {
        // 1.10 goes ex in exactly 15 days.
        let now = new_york(date("2026-11-20"), NaiveTime::from_hms_opt(9, 30, 0).expect("a time"));
        let plan = DividendPlan::new(&[(date("2026-12-05"), 1.10)], None);
        let rates = RateCurve::flat(0.04).expect("a curve");
        let pv = plan.present_value(now, now + TimeDelta::days(30), &rates, &Calendar::default());
        assert!((pv - 1.10 * (-0.04f64 * 15.0 / 365.0).exp()).abs() < 1e-12);
        let call = OptionInputs {
            right: Right::Call,
            spot: 182.0 - pv,
            strike: 170.0,
            rate: 0.04,
            dividend_yield: 0.0,
            vol_annual: 0.22,
            tte_years: 30.0 / 365.0,
        };
        assert!((price(&call) - 12.315_523_7).abs() < 1e-7);
        assert_eq!(plan.present_value(now, now + TimeDelta::days(14), &rates, &Calendar::default()), 0.0);
    }

    #[test]
    fn the_last_amount_repeats_at_its_spacing() {
        let plan = DividendPlan::new(&[(date("2026-09-18"), 1.8), (date("2026-12-18"), 1.9)], Some(91));
        let dates: Vec<String> = plan
            .between(date("2026-11-20"), date("2027-07-01"))
            .iter()
            .map(|d| format!("{} {} {}", d.ex_date, d.amount, d.estimated))
            .collect();
        assert_eq!(dates, ["2026-12-18 1.9 false", "2027-03-19 1.9 true", "2027-06-18 1.9 true"]);
        assert_eq!(plan.next(date("2026-12-18")).map(|d| d.ex_date), Some(date("2026-12-18")));
        let stale = DividendPlan::new(&[(date("2020-03-20"), 1.0)], Some(91));
        let next = stale.next(date("2026-11-21")).expect("a repeated one");
        assert!(next.estimated && next.ex_date >= date("2026-11-21") && next.ex_date < date("2027-02-21"));
    }

    #[test]
    fn two_dates_give_the_spacing_unless_one_is_an_extra() {
        let expected = |ex: &str, amount| Dividend { ex_date: date(ex), amount, estimated: true };
        let plan = DividendPlan::of(
            vec![expected("2027-03-19", 2.0), Dividend { estimated: false, ..expected("2026-12-18", 1.9) }],
            None,
        );
        let all = plan.between(date("2026-11-20"), date("2027-06-30"));
        let said: Vec<(bool, f64)> = all.iter().map(|d| (d.estimated, d.amount)).collect();
        assert_eq!(said, [(false, 1.9), (true, 2.0), (true, 2.0)]);
        assert_eq!(all[2].ex_date, date("2027-06-18"));
        let extra = DividendPlan::new(&[(date("2026-12-18"), 1.9), (date("2026-12-28"), 5.0)], None);
        assert_eq!(extra.between(date("2026-11-20"), date("2027-06-30")).len(), 2);
    }

    #[test]
    fn the_frequency_follows_from_yield_and_amount() {
        assert_eq!(infer_spacing(1.9, 0.0125, 600.0), Some(91));
        assert_eq!(infer_spacing(0.3, 0.04, 90.0), Some(30));
        assert_eq!(infer_spacing(1.9, 0.0, 600.0), None);
    }
}
