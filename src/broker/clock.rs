//! Our clock against the broker's, from the `Date` of its answers.
//!
//! Never: decides what a skew means.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use super::settings::Environment;
use crate::domain::Timestamp;

/// `Date` has whole seconds, so one answer only bounds the skew. The estimate is kept while it lies inside
/// the bounds and moves to their middle when it does not: it never trembles, and follows a clock that runs.
#[derive(Debug, Default)]
pub(super) struct SkewEstimate {
    milliseconds: Option<i64>,
}

impl SkewEstimate {
    fn observe(&mut self, date: Timestamp, sent: Timestamp, received: Timestamp) {
        let low = (date - received).num_milliseconds();
        let high = (date + TimeDelta::seconds(1) - sent).num_milliseconds();
        let current = self.milliseconds.unwrap_or(0);
        self.milliseconds = Some(if (low..=high).contains(&current) { current } else { (low + high) / 2 });
    }
}

/// What time it is for stamps: wall time, or the simulated broker's where it has a world of its own.
#[derive(Debug)]
pub(super) struct BrokerClock {
    skew: Mutex<SkewEstimate>,
    follows_broker: bool,
}

impl BrokerClock {
    pub fn new(environment: Environment) -> Self {
        Self { skew: Mutex::default(), follows_broker: environment == Environment::Loopback }
    }

    pub fn observe(&self, date_header: &str, sent: Timestamp, received: Timestamp) {
        if let Ok(date) = DateTime::parse_from_rfc2822(date_header) {
            self.lock().observe(date.with_timezone(&Utc), sent, received);
        }
    }

    pub fn skew_ms(&self) -> Option<i64> {
        self.lock().milliseconds
    }

    /// The instant for `received` stamps, on the clock the engine runs on.
    pub fn now(&self) -> Timestamp {
        let wall = Utc::now();
        match self.skew_ms() {
            Some(skew) if self.follows_broker => wall + TimeDelta::milliseconds(skew),
            _ => wall,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SkewEstimate> {
        // Nothing panics while holding it; a poisoned estimate is still an estimate.
        self.skew.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        DateTime::from_timestamp_millis(1_795_187_040_000 + milliseconds).expect("an instant")
    }

    #[test]
    fn clocks_that_agree_have_no_skew_whatever_part_of_the_second_it_is() {
        let mut skew = SkewEstimate::default();
        for (sent, received, date) in [(10, 30, 0), (990, 1_010, 1_000), (1_500, 1_510, 1_000)] {
            skew.observe(at(date), at(sent), at(received));
            assert_eq!(skew.milliseconds, Some(0));
        }
    }

    #[test]
    fn a_skew_is_found_within_half_a_second_and_then_held() {
        let mut skew = SkewEstimate::default();
        skew.observe(at(40_000), at(100), at(200));
        let found = skew.milliseconds.expect("an estimate");
        assert!((39_800..=40_900).contains(&found), "{found}");
        skew.observe(at(41_000), at(1_050), at(1_060));
        assert_eq!(skew.milliseconds, Some(found));
    }
}
