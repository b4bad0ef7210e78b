//! Sessions as the simulated exchange keeps them: which dates trade, from when to when.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};

use crate::domain::time::{Timestamp, TradingDate, new_york};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub date: TradingDate,
    pub open: Timestamp,
    pub close: Timestamp,
    pub early_close: bool,
}

impl Session {
    pub fn contains(&self, at: Timestamp) -> bool {
        at >= self.open && at < self.close
    }
}

pub fn session(date: TradingDate) -> Option<Session> {
    if weekend(date) || is_holiday(date) {
        return None;
    }
    let early_close = is_early_close(date);
    let close_hour = if early_close { 13 } else { 16 };
    Some(Session { date, open: at(date, 9, 30), close: at(date, close_hour, 0), early_close })
}

pub fn at(date: TradingDate, hour: u32, minute: u32) -> Timestamp {
    new_york(date, NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default())
}

pub fn session_on_or_before(date: TradingDate) -> TradingDate {
    walk(date, false)
}

pub fn session_before(date: TradingDate) -> TradingDate {
    walk(date - Days::new(1), false)
}

pub fn session_after(date: TradingDate) -> TradingDate {
    walk(date + Days::new(1), true)
}

/// The market is never closed ten weekdays in a row, so fourteen steps always find a session.
fn walk(from: TradingDate, forward: bool) -> TradingDate {
    let mut date = from;
    for _ in 0..14 {
        if session(date).is_some() {
            return date;
        }
        date = if forward { date + Days::new(1) } else { date - Days::new(1) };
    }
    from
}

fn weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

pub fn nth_weekday(year: i32, month: u32, weekday: Weekday, n: u8) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(year, month, weekday, n)
}

fn observed(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    match date.weekday() {
        Weekday::Sat => date.pred_opt(),
        Weekday::Sun => date.succ_opt(),
        _ => Some(date),
    }
}

/// Western Easter by the Gregorian computus.
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let century = year / 100;
    let epact = (century - century / 4 - (8 * century + 13) / 25 + 19 * golden + 15) % 30;
    let full_moon = epact - (epact / 28) * (1 - (29 / (epact + 1)) * ((21 - golden) / 11));
    let weekday = (year + year / 4 + full_moon + 2 - century + century / 4) % 7;
    let offset = full_moon - weekday;
    let month = 3 + (offset + 40) / 44;
    let day = offset + 28 - 31 * (month / 4);
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

pub fn is_holiday(date: NaiveDate) -> bool {
    let year = date.year();
    let new_year = NaiveDate::from_ymd_opt(year, 1, 1)
        .and_then(|d| if d.weekday() == Weekday::Sun { d.succ_opt() } else { Some(d) });
    let last_monday_of_may =
        nth_weekday(year, 5, Weekday::Mon, 5).or_else(|| nth_weekday(year, 5, Weekday::Mon, 4));
    [
        new_year,
        nth_weekday(year, 1, Weekday::Mon, 3),
        nth_weekday(year, 2, Weekday::Mon, 3),
        easter(year).map(|d| d - Days::new(2)),
        last_monday_of_may,
        observed(year, 6, 19),
        observed(year, 7, 4),
        nth_weekday(year, 9, Weekday::Mon, 1),
        nth_weekday(year, 11, Weekday::Thu, 4),
        observed(year, 12, 25),
    ]
    .contains(&Some(date))
}

pub fn is_early_close(date: NaiveDate) -> bool {
    let year = date.year();
    let after_thanksgiving = nth_weekday(year, 11, Weekday::Thu, 4).and_then(|d| d.succ_opt());
    let weekday = !weekend(date) && !is_holiday(date);
    let independence_eve = NaiveDate::from_ymd_opt(year, 7, 4).is_some_and(|d| {
        matches!(d.weekday(), Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri)
            && d.pred_opt() == Some(date)
    });
    weekday
        && (after_thanksgiving == Some(date) || (date.month(), date.day()) == (12, 24) || independence_eve)
}

/// The standard monthly expiration: the third Friday, or the Thursday before when that is a holiday.
pub fn third_friday(year: i32, month: u32) -> Option<NaiveDate> {
    nth_weekday(year, month, Weekday::Fri, 3).map(session_on_or_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_holidays_of_2026_and_2027() {
        let days: Vec<String> = (0..730)
            .filter_map(|n| NaiveDate::from_ymd_opt(2026, 1, 1).map(|d| d + Days::new(n)))
            .filter(|d| !weekend(*d) && is_holiday(*d))
            .map(|d| d.format("%y%m%d").to_string())
            .collect();
        let published = "260101 260119 260216 260403 260525 260619 260703 260907 261126 261225 \
                         270101 270118 270215 270326 270531 270618 270705 270906 271125 271224";
        assert_eq!(days.join(" "), published);
    }

    #[test]
    fn early_closes() {
        for (y, m, d) in [(2026, 11, 27), (2026, 12, 24), (2027, 11, 26), (2028, 7, 3)] {
            assert!(is_early_close(NaiveDate::from_ymd_opt(y, m, d).expect("a date")), "{y}-{m}-{d}");
        }
        assert!(!is_early_close(NaiveDate::from_ymd_opt(2027, 12, 24).expect("a date")));
    }
}
