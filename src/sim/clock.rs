//! The simulated broker's clock: real time mapped onto another day, possibly faster.
//!
//! Never: read by the cockpit directly; the cockpit sees it through the HTTP `Date` header only.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{NaiveTime, TimeDelta};
use tokio::time::Instant;

use crate::domain::time::{Timestamp, TradingDate, new_york, new_york_date};
use crate::market::calendar::Calendar;

/// Starts at a given instant and runs `speed` times as fast as real time.
#[derive(Debug, Clone)]
pub struct SimClock {
    start: Timestamp,
    anchor: Instant,
    speed: f64,
    /// Milliseconds that it was moved on by hand; clones share it.
    ahead: Arc<AtomicI64>,
}

impl SimClock {
    /// A speed that is not a positive number counts as 1; more than 100 000 is cut.
    pub fn starting_at(at: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed.min(100_000.0) } else { 1.0 };
        Self { start: at, anchor: Instant::now(), speed, ahead: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.after(self.anchor.elapsed()) + TimeDelta::milliseconds(self.ahead.load(Ordering::SeqCst))
    }

    /// Moves it, and its clones, on; never back.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead.fetch_add(by.num_milliseconds().max(0), Ordering::SeqCst);
    }

    fn after(&self, real: std::time::Duration) -> Timestamp {
        let passed = real.as_secs_f64() * self.speed;
        // Millisecond resolution: what the wire carries. Centuries of running stay far inside i64.
        self.start + TimeDelta::milliseconds((passed * 1000.0) as i64)
    }
}

/// Where a demonstration starts: now, when the market is open; otherwise a quiet mid-morning that lies on
/// or after what the store already knows.
pub fn demo_start(real_now: Timestamp, not_before: Option<Timestamp>, calendar: &Calendar) -> Timestamp {
    let floor_ok = |at: Timestamp| not_before.is_none_or(|floor| at >= floor);
    let today = new_york_date(real_now);
    let is_open = calendar.is_session(today)
        && real_now >= calendar.open_at(today)
        && real_now < calendar.close_at(today);
    if is_open && floor_ok(real_now) {
        return real_now;
    }
    let latest = if calendar.is_session(today) { today } else { calendar.previous_session(today) };
    let mid_morning = at_new_york(latest, 10, 48);
    let start = match not_before {
        Some(floor) if floor >= mid_morning => floor + TimeDelta::seconds(1),
        _ => mid_morning,
    };
    let date = new_york_date(start);
    let last_start = at_new_york(date, 15, 30).min(calendar.close_at(date) - TimeDelta::minutes(30));
    let is_fit = calendar.is_session(date) && start >= calendar.open_at(date) && start <= last_start;
    if is_fit {
        return start;
    }
    // A floor before the open of a session waits for that session, not for the next one.
    let early = calendar.is_session(date) && start < calendar.open_at(date);
    at_new_york(if early { date } else { calendar.next_session(date) }, 10, 0)
}

fn at_new_york(date: TradingDate, hour: u32, minute: u32) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
    new_york(date, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn start(now: Timestamp, not_before: Option<Timestamp>) -> Timestamp {
        demo_start(now, not_before, &Calendar::default())
    }

    fn ny(y: i32, m: u32, d: u32, hour: u32, minute: u32) -> Timestamp {
        at_new_york(NaiveDate::from_ymd_opt(y, m, d).expect("a date"), hour, minute)
    }

    #[test]
    fn an_open_market_is_taken_as_it_is() {
        let now = ny(2026, 11, 20, 11, 5);
        assert_eq!(start(now, None), now);
    }

    #[test]
    fn a_weekend_goes_back_to_fridays_mid_morning() {
        assert_eq!(start(ny(2026, 11, 21, 8, 0), None), ny(2026, 11, 20, 10, 48));
        // An early morning before the open belongs to its own session date.
        assert_eq!(start(ny(2026, 11, 20, 3, 0), None), ny(2026, 11, 20, 10, 48));
        assert_eq!(start(ny(2026, 11, 26, 12, 0), None), ny(2026, 11, 25, 10, 48));
    }

    #[test]
    fn time_never_runs_back_behind_what_the_store_knows() {
        let known = ny(2026, 11, 20, 14, 0);
        assert_eq!(start(ny(2026, 11, 21, 8, 0), Some(known)), known + TimeDelta::seconds(1));
        let late = ny(2026, 11, 20, 15, 45);
        assert_eq!(start(ny(2026, 11, 21, 8, 0), Some(late)), ny(2026, 11, 23, 10, 0));
    }

    #[test]
    fn a_fast_clock_runs_fast() {
        let clock = SimClock::starting_at(ny(2026, 11, 20, 10, 0), 60.0);
        assert_eq!(clock.after(std::time::Duration::from_secs(10)), ny(2026, 11, 20, 10, 10));
        assert!(clock.now() >= ny(2026, 11, 20, 10, 0));
    }
}
