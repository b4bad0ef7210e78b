//! Instants are UTC; exchange time goes through the compiled-in zone database, never through an offset.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::America::New_York;

pub type Timestamp = DateTime<Utc>;
/// A calendar date of the exchange.
pub type TradingDate = NaiveDate;

/// A date that a market may have: from 1900 to 2199. Beyond are slips of the pen, and the ends of what dates count to.
pub fn is_plausible(date: TradingDate) -> bool {
    (1900..2200).contains(&date.year())
}

/// The instant at which New York clocks show `time` on `date`. Where the clock jumps over the time or
/// shows it twice, the earlier instant counts; neither happens in trading hours.
pub fn new_york(date: NaiveDate, time: NaiveTime) -> Timestamp {
    let local = date.and_time(time);
    match New_York.from_local_datetime(&local).earliest() {
        Some(instant) => instant.with_timezone(&Utc),
        None => Utc.from_utc_datetime(&(local + chrono::TimeDelta::hours(5))),
    }
}

/// What New York clocks show.
pub fn to_new_york(at: Timestamp) -> NaiveDateTime {
    at.with_timezone(&New_York).naive_local()
}

pub fn new_york_date(at: Timestamp) -> TradingDate {
    to_new_york(at).date()
}

/// Whole calendar days in New York from `now` to `date`: for labels and rules, never for pricing.
pub fn days_to(date: TradingDate, now: Timestamp) -> i64 {
    (date - new_york_date(now)).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_across_the_spring_change_is_seven_times_24_hours_less_one() {
        let day = |m, d| NaiveDate::from_ymd_opt(2027, m, d).expect("a date");
        let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).expect("a time");
        let gap = new_york(day(3, 19), hour(16)) - new_york(day(3, 12), hour(15));
        assert_eq!(gap.num_hours(), 7 * 24);
    }
}
