//! The exchange's calendar by rule: sessions, holidays, early closes, expiry instants and the time to
//! them. Closures that no rule knows (a storm, a day of mourning) are passed in.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use crate::domain::report::{MarketSession, SessionState};
use crate::domain::time::{new_york, new_york_date};
use crate::domain::{OptionContract, Settlement, Timestamp, TradingDate};

/// Seconds of the pricing year: 365 days of 86 400 seconds.
pub const SECONDS_PER_YEAR: f64 = 365.0 * 86_400.0;

/// New York's equity and index options exchanges follow the same days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    closures: BTreeSet<TradingDate>,
}

/// A day that is not an ordinary session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialDay {
    pub date: TradingDate,
    pub name: &'static str,
    pub kind: SpecialKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialKind {
    Closed,
    /// Closes at 13:00.
    EarlyClose,
}

impl Calendar {
    pub fn new(ad_hoc_closures: impl IntoIterator<Item = TradingDate>) -> Self {
        Self { closures: ad_hoc_closures.into_iter().collect() }
    }

    pub fn is_session(&self, date: TradingDate) -> bool {
        !is_weekend(date) && holiday(date).is_none() && !self.closures.contains(&date)
    }

    pub fn is_early_close(&self, date: TradingDate) -> bool {
        self.is_session(date) && early_close(date).is_some()
    }

    /// When the regular session ends on `date` by New York clocks; of a day without session: 16:00, which
    /// is where a contract that (wrongly) names that day would end.
    pub fn close_time(&self, date: TradingDate) -> NaiveTime {
        if self.is_early_close(date) { clock(13, 0) } else { clock(16, 0) }
    }

    pub fn open_at(&self, date: TradingDate) -> Timestamp {
        new_york(date, clock(9, 30))
    }

    pub fn close_at(&self, date: TradingDate) -> Timestamp {
        new_york(date, self.close_time(date))
    }

    /// The first session after `date`.
    pub fn next_session(&self, date: TradingDate) -> TradingDate {
        self.seek(date, |d| d.succ_opt())
    }

    /// The last session before `date`.
    pub fn previous_session(&self, date: TradingDate) -> TradingDate {
        self.seek(date, |d| d.pred_opt())
    }

    /// No rule closes more than four days in a row, so the bound is never met by a date in range.
    fn seek(&self, from: TradingDate, step: impl Fn(NaiveDate) -> Option<NaiveDate>) -> TradingDate {
        let mut date = from;
        for _ in 0..self.closures.len() + 12 {
            date = step(date).unwrap_or(date);
            if self.is_session(date) {
                break;
            }
        }
        date
    }

    /// Sessions after `from` up to and including `to`.
    pub fn sessions_between(&self, from: TradingDate, to: TradingDate) -> usize {
        from.iter_days().skip(1).take_while(|d| *d <= to).filter(|d| self.is_session(*d)).count()
    }

    /// Where `now` stands in the trading day; pre-market from 04:00, after hours until four hours after
    /// the close. `open_at` and `close_at` are of today's session, or of the next one where there is none.
    pub fn session_state(&self, now: Timestamp) -> MarketSession {
        let today = new_york_date(now);
        let next_date = self.next_session(today);
        let next_open_at = Some(self.open_at(next_date));
        if !self.is_session(today) {
            return MarketSession {
                state: SessionState::Closed,
                open_at: next_open_at,
                close_at: Some(self.close_at(next_date)),
                next_open_at,
                next_date: Some(next_date),
            };
        }
        let (open, close) = (self.open_at(today), self.close_at(today));
        let state = if now < new_york(today, clock(4, 0)) {
            SessionState::Closed
        } else if now < open {
            SessionState::PreMarket
        } else if now < close {
            SessionState::Open
        } else if now < close + TimeDelta::hours(4) {
            SessionState::AfterHours
        } else {
            SessionState::Closed
        };
        let (next_open_at, next_date) =
            if now < open { (Some(open), Some(today)) } else { (next_open_at, Some(next_date)) };
        MarketSession { state, open_at: Some(open), close_at: Some(close), next_open_at, next_date }
    }

    /// AM-settled contracts end at the open of their date, PM-settled ones at its close.
    pub fn expiry_instant(&self, contract: &OptionContract) -> Timestamp {
        match contract.settlement {
            Settlement::Am => self.open_at(contract.expiry),
            Settlement::Pm => self.close_at(contract.expiry),
        }
    }

    /// The last day on which the contract can be traded.
    pub fn last_trading_date(&self, contract: &OptionContract) -> TradingDate {
        match contract.settlement {
            Settlement::Am => self.previous_session(contract.expiry),
            Settlement::Pm => contract.expiry,
        }
    }

    /// Elapsed seconds to expiry over those of the pricing year; negative once expired.
    pub fn tte_years(&self, contract: &OptionContract, now: Timestamp) -> f64 {
        years_between(now, self.expiry_instant(contract))
    }

    /// The next `count` holidays and early closes from `from` on.
    pub fn special_days(&self, from: TradingDate, count: usize) -> Vec<SpecialDay> {
        // Eight or more a year; the horizon bounds the search.
        from.iter_days()
            .take(366 * (count / 8 + 2))
            .filter_map(|date| self.special_day(date))
            .take(count)
            .collect()
    }

    pub fn special_day(&self, date: TradingDate) -> Option<SpecialDay> {
        if is_weekend(date) {
            return None;
        }
        let day = |name, kind| Some(SpecialDay { date, name, kind });
        if let Some(name) = holiday(date) {
            return day(name, SpecialKind::Closed);
        }
        if self.closures.contains(&date) {
            return day("ad-hoc closure", SpecialKind::Closed);
        }
        early_close(date).and_then(|name| day(name, SpecialKind::EarlyClose))
    }
}

/// ACT/365 in elapsed seconds.
pub fn years_between(from: Timestamp, to: Timestamp) -> f64 {
    // Milliseconds of a century fit a double exactly.
    (to - from).num_milliseconds() as f64 / 1_000.0 / SECONDS_PER_YEAR
}

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The exchange's rules as announced for 2026 to 2028; they hold back to 2022.
fn holiday(date: NaiveDate) -> Option<&'static str> {
    let (month, day, weekday) = (date.month(), date.day(), date.weekday());
    let nth = (day - 1) / 7 + 1;
    let monday = weekday == Weekday::Mon;
    match month {
        // New Year's Day on a Saturday is not made up for.
        1 if day == 1 || (day == 2 && monday) => Some("New Year's Day"),
        1 if monday && nth == 3 => Some("Martin Luther King Jr. Day"),
        2 if monday && nth == 3 => Some("Presidents' Day"),
        3 | 4 if easter(date.year()).and_then(|e| e.checked_sub_days(Days::new(2))) == Some(date) => {
            Some("Good Friday")
        }
        5 if monday && day > 24 => Some("Memorial Day"),
        6 if date.year() >= 2022 && observed(date, 19) => Some("Juneteenth"),
        7 if observed(date, 4) => Some("Independence Day"),
        9 if monday && nth == 1 => Some("Labor Day"),
        11 if weekday == Weekday::Thu && nth == 4 => Some("Thanksgiving Day"),
        12 if observed(date, 25) => Some("Christmas Day"),
        _ => None,
    }
}

/// A fixed date of the same month, moved from Saturday to Friday and from Sunday to Monday.
fn observed(date: NaiveDate, day: u32) -> bool {
    match date.weekday() {
        Weekday::Fri => date.day() == day || date.day() + 1 == day,
        Weekday::Mon => date.day() == day || date.day() == day + 1,
        Weekday::Sat | Weekday::Sun => false,
        Weekday::Tue | Weekday::Wed | Weekday::Thu => date.day() == day,
    }
}

/// Why a session ends at 13:00.
fn early_close(date: NaiveDate) -> Option<&'static str> {
    if holiday(date).is_some() || is_weekend(date) {
        return None;
    }
    let weekday = date.weekday();
    match (date.month(), date.day()) {
        (11, 23..=29) if weekday == Weekday::Fri => Some("day after Thanksgiving"),
        (12, 24) => Some("Christmas Eve"),
        // The 4th then falls on Tuesday to Friday.
        (7, 3) if weekday != Weekday::Fri => Some("day before Independence Day"),
        _ => None,
    }
}

/// Easter Sunday of the Gregorian calendar, by the century and moon corrections.
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let leap_centuries = century / 4;
    let moon = (century + 8) / 25;
    let epact = (19 * golden + century - leap_centuries - (century - moon + 1) / 3 + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let count = epact + to_sunday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(count / 31).ok()?, u32::try_from(count % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::{ExerciseStyle, Right, Symbol};
    use crate::numerics::optional_data;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn instant(day: &str, hour: u32, minute: u32) -> Timestamp {
        new_york(date(day), clock(hour, minute))
    }

    fn contract(expiry: &str, settlement: Settlement) -> OptionContract {
        let symbol = Symbol::new("SPX").expect("a symbol");
        OptionContract {
            underlying: symbol.clone(),
            root: symbol,
            expiry: date(expiry),
            right: Right::Call,
            strike: Decimal::from(6000),
            settlement,
            style: ExerciseStyle::European,
            multiplier: 100,
        }
    }

    #[test]
    fn the_worked_times_to_expiry() {
        let calendar = Calendar::default();
        let now = instant("2026-11-20", 10, 30);
        let cases = [
            ("2026-12-18", Settlement::Pm, now, 0.077_340_182_6),
            ("2026-12-18", Settlement::Am, now, 0.076_598_173_5),
            ("2027-01-15", Settlement::Pm, now, 0.154_052_511_4),
            ("2026-11-27", Settlement::Pm, now, 0.019_463_470_3),
            ("2027-03-19", Settlement::Pm, instant("2027-03-12", 15, 0), 0.019_178_082_2),
        ];
        for (expiry, settlement, now, want) in cases {
            let got = calendar.tte_years(&contract(expiry, settlement), now);
            assert!((got - want).abs() < 1e-10, "{expiry}: {got}");
        }
    }

    #[test]
    fn the_announced_years() {
        let calendar = Calendar::default();
        let years = [
            (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25", "11-27 12-24"),
            (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24", "11-26"),
            (2028, "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25", "07-03 11-24"),
        ];
        for (year, closed, early) in years {
            let start = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
            let days: Vec<NaiveDate> = start.iter_days().take_while(|d| d.year() == year).collect();
            let list = |kind| {
                let of_kind = |d: &&NaiveDate| calendar.special_day(**d).is_some_and(|s| s.kind == kind);
                let names: Vec<String> =
                    days.iter().filter(of_kind).map(|d| d.format("%m-%d").to_string()).collect();
                names.join(" ")
            };
            assert_eq!(list(SpecialKind::Closed), closed);
            assert_eq!(list(SpecialKind::EarlyClose), early);
            assert_eq!(days.iter().filter(|d| calendar.is_session(**d)).count(), 251, "{year}");
        }
    }

    #[test]
    fn the_recorded_sessions_of_2023_to_2028() {
        let Some(text) = optional_data::text("data/calendars/nyse_sessions_2000_2028.csv") else { return };
        let calendar = Calendar::new([date("2025-01-09")]);
        let mut recorded = std::collections::BTreeMap::new();
        for line in text.lines().skip(1).filter(|line| line >= &"2023") {
            let fields: Vec<&str> = line.split(',').collect();
            recorded.insert(date(fields[0]), fields[3] == "1");
        }
        for day in date("2023-01-01").iter_days().take_while(|d| d.year() <= 2028) {
            assert_eq!(calendar.is_session(day), recorded.contains_key(&day), "{day}");
            assert_eq!(calendar.is_early_close(day), recorded.get(&day) == Some(&true), "{day}");
        }
    }

    #[test]
    fn the_day_has_its_phases() {
        let calendar = Calendar::default();
        let state = |day, hour, minute| calendar.session_state(instant(day, hour, minute)).state;
        assert_eq!(state("2026-11-20", 3, 59), SessionState::Closed);
        assert_eq!(state("2026-11-20", 9, 29), SessionState::PreMarket);
        assert_eq!(state("2026-11-20", 9, 30), SessionState::Open);
        assert_eq!(state("2026-11-20", 16, 0), SessionState::AfterHours);
        assert_eq!(state("2026-11-20", 20, 0), SessionState::Closed);
        assert_eq!(state("2026-11-26", 12, 0), SessionState::Closed);
        assert_eq!(state("2026-11-27", 13, 0), SessionState::AfterHours);
        assert_eq!(state("2026-11-27", 17, 0), SessionState::Closed);
        let weekend = calendar.session_state(instant("2026-11-21", 12, 0));
        assert_eq!(weekend.next_date, Some(date("2026-11-23")));
        let early = calendar.session_state(instant("2026-11-20", 8, 0));
        assert_eq!(early.next_open_at, Some(instant("2026-11-20", 9, 30)));
    }

    #[test]
    fn sessions_before_and_after_a_long_weekend() {
        let calendar = Calendar::new([date("2026-12-28")]);
        assert_eq!(calendar.next_session(date("2026-12-24")), date("2026-12-29"));
        assert_eq!(calendar.previous_session(date("2026-12-29")), date("2026-12-24"));
        assert_eq!(calendar.sessions_between(date("2026-12-23"), date("2026-12-29")), 2);
        assert_eq!(calendar.last_trading_date(&contract("2026-12-18", Settlement::Am)), date("2026-12-17"));
        let next: Vec<_> = calendar.special_days(date("2026-11-21"), 3).iter().map(|s| s.name).collect();
        assert_eq!(next, ["Thanksgiving Day", "day after Thanksgiving", "Christmas Eve"]);
    }
}
