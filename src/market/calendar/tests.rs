use chrono::{Datelike, Weekday};
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
fn every_recorded_session_of_2000_to_2028() {
    let Some(text) = optional_data::text("data/calendars/nyse_sessions_2000_2028.csv") else { return };
    let calendar = Calendar::default();
    let mut recorded = std::collections::BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let time = |at: usize| NaiveTime::parse_from_str(fields[at], "%H:%M").expect("a time");
        recorded.insert(date(fields[0]), (time(1), time(2), fields[3] == "1"));
    }
    assert_eq!(recorded.len(), 7_292);
    for day in date("2000-01-01").iter_days().take_while(|d| d.year() <= 2028) {
        assert_eq!(calendar.is_session(day), recorded.contains_key(&day), "{day}");
        let early = recorded.get(&day).is_some_and(|(_, _, early)| *early);
        assert_eq!(calendar.is_early_close(day), early, "{day}");
        if let Some((open, close, _)) = recorded.get(&day) {
            assert_eq!(calendar.open_at(day), new_york(day, *open), "{day}");
            assert_eq!(calendar.close_at(day), new_york(day, *close), "{day}");
        }
    }
}

#[test]
fn every_recorded_holiday_by_its_name() {
    let calendar = Calendar::default();
    for (years, rows) in [("2000_2028", 336), ("2020_2028", 104)] {
        let Some(text) = optional_data::text(&format!("data/calendars/nyse_holidays_{years}.csv")) else {
            return;
        };
        assert_eq!(text.lines().skip(1).count(), rows);
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let day = date(fields[0]);
            assert_eq!(day.format("%a").to_string(), fields[1]);
            let special = calendar.special_day(day).unwrap_or_else(|| panic!("nothing on {day}"));
            let closed = if fields[3] == "full" { SpecialKind::Closed } else { SpecialKind::EarlyClose };
            assert_eq!(special.kind, closed, "{day}");
            // The source and we name the same day by words of which one is the same.
            let ours = match fields[2] {
                "July 4th" => "Independence",
                "Dr. Martin Luther King Jr. Day" => "Luther King",
                "President's Day" => "Presidents",
                "September 11 attacks" => "September 11",
                "Day of mourning (G.H.W. Bush)" => "Bush",
                other if other.starts_with("Day of mourning") => {
                    other.split(['(', ')']).nth(1).expect("a name")
                }
                "early close" => "",
                other => other.split(' ').next().expect("a word"),
            };
            assert!(special.name.contains(ours), "{day}: {} for {}", special.name, fields[2]);
        }
    }
}

#[test]
fn later_years_follow_the_rules() {
    let calendar = Calendar::default();
    let of = |text: &str| calendar.special_day(date(text)).map(|special| (special.name, special.kind));
    assert_eq!(of("2033-12-30"), None, "a New Year's Day on Saturday is not made up for");
    assert_eq!(of("2034-01-02"), Some(("New Year's Day", SpecialKind::Closed)));
    assert_eq!(of("2038-04-23"), Some(("Good Friday", SpecialKind::Closed)));
    assert_eq!(of("2032-06-18"), Some(("Juneteenth", SpecialKind::Closed)));
    assert_eq!(of("2032-07-05"), Some(("Independence Day", SpecialKind::Closed)));
    assert_eq!(of("2032-07-02"), None);
    assert_eq!(of("2030-07-03"), Some(("day before Independence Day", SpecialKind::EarlyClose)));
    for year in 2029..2130 {
        let start = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
        let days: Vec<SpecialDay> = start
            .iter_days()
            .take_while(|d| d.year() == year)
            .filter_map(|day| calendar.special_day(day))
            .collect();
        let count = |kind| days.iter().filter(|day| day.kind == kind).count();
        assert!((9..=10).contains(&count(SpecialKind::Closed)), "{year}");
        assert!((1..=3).contains(&count(SpecialKind::EarlyClose)), "{year}");
        assert!(days.iter().all(|day| !matches!(day.date.weekday(), Weekday::Sat | Weekday::Sun)));
    }
}

#[test]
fn the_trader_adds_days() {
    let calendar = Calendar::with(
        [date("2029-01-10"), date("2029-03-17")],
        [date("2029-01-10"), date("2029-01-11"), date("2029-07-04"), date("2029-01-13")],
    );
    assert!(!calendar.is_session(date("2029-01-10")) && !calendar.is_early_close(date("2029-01-10")));
    assert_eq!(calendar.close_at(date("2029-01-11")), instant("2029-01-11", 13, 0));
    assert!(!calendar.is_session(date("2029-07-04")), "a holiday stays one");
    assert!(!calendar.is_session(date("2029-01-13")) && !calendar.is_early_close(date("2029-01-13")));
    assert_eq!(calendar.next_session(date("2029-01-09")), date("2029-01-11"));
    let expiring = contract("2029-01-11", Settlement::Pm);
    assert_eq!(calendar.expiry_instant(&expiring), instant("2029-01-11", 13, 0));
}

#[test]
fn elapsed_seconds_count_through_clock_changes_and_half_days() {
    let calendar = Calendar::default();
    let years = |expiry: &str, settlement, now| calendar.tte_years(&contract(expiry, settlement), now);
    let exactly = |seconds: i64| seconds as f64 / (365.0 * 86_400.0);
    // Spring: the week has 167 hours from close to close, autumn: 169.
    let (close, open) = (instant("2027-03-12", 16, 0), instant("2027-11-05", 9, 30));
    assert_eq!(years("2027-03-19", Settlement::Pm, close), exactly(167 * 3600));
    assert_eq!(years("2027-11-12", Settlement::Pm, open), exactly(169 * 3600 + 6 * 3600 + 1800));
    assert_eq!(years("2027-11-12", Settlement::Am, open), exactly(169 * 3600));
    // A half day ends PM-settled contracts three hours early and AM-settled ones at its open.
    let eve = instant("2026-11-25", 13, 0);
    assert_eq!(years("2026-11-27", Settlement::Pm, eve), exactly(48 * 3600));
    assert_eq!(years("2026-11-27", Settlement::Am, eve), exactly(44 * 3600 + 1800));
    let last = instant("2026-11-27", 13, 0);
    let second = TimeDelta::seconds(1);
    assert_eq!(years("2026-11-27", Settlement::Pm, last - second), exactly(1));
    assert_eq!(years("2026-11-27", Settlement::Pm, last), 0.0);
    assert_eq!(years("2026-11-27", Settlement::Pm, last + second), exactly(-1));
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
    let calendar = Calendar::with([date("2026-12-28")], []);
    assert_eq!(calendar.next_session(date("2026-12-24")), date("2026-12-29"));
    assert_eq!(calendar.previous_session(date("2026-12-29")), date("2026-12-24"));
    assert_eq!(calendar.sessions_between(date("2026-12-23"), date("2026-12-29")), 2);
    assert_eq!(calendar.last_trading_date(&contract("2026-12-18", Settlement::Am)), date("2026-12-17"));
    let next: Vec<_> = calendar.special_days(date("2026-11-21"), 3).iter().map(|s| s.name).collect();
    assert_eq!(next, ["Thanksgiving Day", "day after Thanksgiving", "Christmas Eve"]);
}
