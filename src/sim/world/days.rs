//! Sessions as the simulated exchange keeps them: the shared calendar, without ad-hoc closures.

use chrono::{Days, NaiveDate, NaiveTime, Weekday};

use crate::domain::time::{Timestamp, TradingDate, new_york};
use crate::market::calendar::{Calendar, SpecialKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub date: TradingDate,
    pub open: Timestamp,
    pub close: Timestamp,
}

impl Session {
    pub fn contains(&self, at: Timestamp) -> bool {
        at >= self.open && at < self.close
    }
}

pub fn session(date: TradingDate) -> Option<Session> {
    let calendar = Calendar::default();
    calendar.is_session(date).then(|| Session {
        date,
        open: calendar.open_at(date),
        close: calendar.close_at(date),
    })
}

pub fn at(date: TradingDate, hour: u32, minute: u32) -> Timestamp {
    new_york(date, NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default())
}

pub fn session_on_or_before(date: TradingDate) -> TradingDate {
    Calendar::default().previous_session(date + Days::new(1))
}

pub fn session_before(date: TradingDate) -> TradingDate {
    Calendar::default().previous_session(date)
}

pub fn session_after(date: TradingDate) -> TradingDate {
    Calendar::default().next_session(date)
}

pub fn nth_weekday(year: i32, month: u32, weekday: Weekday, n: u8) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(year, month, weekday, n)
}

pub fn is_holiday(date: NaiveDate) -> bool {
    Calendar::default().special_day(date).is_some_and(|d| d.kind == SpecialKind::Closed)
}

pub fn is_early_close(date: NaiveDate) -> bool {
    Calendar::default().is_early_close(date)
}

/// The standard monthly expiration: the third Friday, or the Thursday before when that is a holiday.
pub fn third_friday(year: i32, month: u32) -> Option<NaiveDate> {
    nth_weekday(year, month, Weekday::Fri, 3).map(session_on_or_before)
}
