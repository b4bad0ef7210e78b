//! Which days are no ordinary sessions: the exchange's rules since 2000, and the few days since then that
//! followed none of them.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// How a day of the week that is no ordinary session goes, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Ordinary,
    Closed(&'static str),
    /// Ends at 13:00.
    Short(&'static str),
}

pub(super) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// By table where one speaks of the day, else by rule. Not for weekends.
pub(super) fn day(date: NaiveDate) -> Day {
    one_off(date).unwrap_or_else(|| match (holiday(date), short(date)) {
        (Some(name), _) => Day::Closed(name),
        (None, Some(name)) => Day::Short(name),
        (None, None) => Day::Ordinary,
    })
}

/// Announced for one time only. New ones come through the configuration until they stand here.
fn one_off(date: NaiveDate) -> Option<Day> {
    match (date.year(), date.month(), date.day()) {
        (2001, 9, 11..=14) => Some(Day::Closed("attacks of September 11")),
        // Independence Day fell on a Thursday, and the short session on the day after it.
        (2002, 7, 3) => Some(Day::Ordinary),
        (2002, 7, 5) => Some(Day::Short("day after Independence Day")),
        (2003, 12, 26) => Some(Day::Short("day after Christmas")),
        (2004, 6, 11) => Some(Day::Closed("mourning for Ronald Reagan")),
        (2007, 1, 2) => Some(Day::Closed("mourning for Gerald Ford")),
        (2012, 10, 29 | 30) => Some(Day::Closed("Hurricane Sandy")),
        (2018, 12, 5) => Some(Day::Closed("mourning for George H. W. Bush")),
        (2025, 1, 9) => Some(Day::Closed("mourning for Jimmy Carter")),
        _ => None,
    }
}

/// As announced up to 2028 and taken to hold beyond.
fn holiday(date: NaiveDate) -> Option<&'static str> {
    let (month, day, weekday) = (date.month(), date.day(), date.weekday());
    let nth = (day - 1) / 7 + 1;
    let monday = weekday == Weekday::Mon;
    match month {
        // New Year's Day on a Saturday is not made up for.
        1 if day == 1 || (day == 2 && monday) => Some("New Year's Day"),
        1 if monday && nth == 3 && date.year() >= 1998 => Some("Martin Luther King Jr. Day"),
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

/// Why a session that is no holiday ends at 13:00.
fn short(date: NaiveDate) -> Option<&'static str> {
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
    use super::*;

    #[test]
    fn easter_by_the_almanac() {
        // The earliest and the latest day it can fall on, and years about the turn of a century.
        for sunday in ["1818-03-22", "1943-04-25", "2000-04-23", "2026-04-05", "2038-04-25", "2100-03-28"] {
            let sunday: NaiveDate = sunday.parse().expect("a date");
            assert_eq!(easter(sunday.year()), Some(sunday));
        }
    }
}
