//! Trading status and holidays.

use chrono::{Datelike, NaiveTime, Weekday};
use rust_decimal::prelude::ToPrimitive;

use crate::broker::tradier::wire;
use crate::domain::report::{MarketHolidays, TradingStatus};

/// The profile tells the level, whether the account is a day trader's, and whether it is closed; all else stays unsaid.
pub fn trading_status(wire: &wire::Account) -> TradingStatus {
    let level = wire.option_level.0.and_then(|level| level.to_u32());
    TradingStatus {
        closed: match wire.status.as_str() {
            "active" => Some(false),
            "closed" => Some(true),
            _ => None,
        },
        pattern_day_trader: wire.day_trader.0,
        options_level: level.map(|level| level.to_string()),
        ..TradingStatus::default()
    }
}

/// Of the days of one month those on which the exchange does not trade, or not to the end.
pub fn special_days(days: &[wire::CalendarDay], into: &mut MarketHolidays) {
    for day in days {
        let Some(date) = day.date.0.filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun))
        else {
            continue;
        };
        let end =
            day.open.0.as_ref().and_then(|open| NaiveTime::parse_from_str(open.end.as_str(), "%H:%M").ok());
        match (day.status.as_str(), end) {
            ("closed", _) => drop(into.closed.insert(date)),
            ("open", Some(end)) if NaiveTime::from_hms_opt(16, 0, 0).is_some_and(|usual| end < usual) => {
                into.early.insert(date);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_says_little_and_nothing_is_guessed() {
        let status = |json: &str| trading_status(&serde_json::from_str(json).expect("any object is read"));
        assert_eq!(status("{}"), TradingStatus::default());
        let told = status(r#"{"status":"active","option_level":6,"day_trader":"true","type":"margin"}"#);
        assert_eq!((told.closed, told.pattern_day_trader), (Some(false), Some(true)));
        assert_eq!((told.options_level.as_deref(), told.short_calls), (Some("6"), None));
        let odd = status(r#"{"status":"closed","option_level":-1,"day_trader":[]}"#);
        assert_eq!((odd.obstacle(), odd.options_level), (Some("the account is closed"), None));
    }

    #[test]
    fn weekends_are_no_holidays_and_a_short_day_ends_early() {
        let days: Vec<wire::CalendarDay> = serde_json::from_str(
            r#"[{"date":"2026-11-25","status":"open","open":{"start":"09:30","end":"16:00"}},
                {"date":"2026-11-26","status":"closed","description":"Market is closed for Thanksgiving Day"},
                {"date":"2026-11-27","status":"open","open":{"start":"09:30","end":"13:00"}},
                {"date":"2026-11-28","status":"closed"},{"date":"soon","status":"closed"},{}]"#,
        )
        .expect("any object is read");
        let mut read = MarketHolidays::default();
        special_days(&days, &mut read);
        let told =
            |days: &std::collections::BTreeSet<_>| days.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (told(&read.closed), told(&read.early)),
            (vec!["2026-11-26".into()], vec!["2026-11-27".into()])
        );
    }
}
