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

/// How fast time passes: as on the wall, or many times as fast from an instant on, as at a simulated broker whose
/// clock was told to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    since: Timestamp,
    times: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { since: DateTime::UNIX_EPOCH, times: 1.0 }
    }
}

impl Pace {
    /// From now on; anything but a number from 1 to 100 000 is as on the wall.
    pub fn of(times: f64) -> Self {
        if times > 1.0 && times <= 100_000.0 { Self { since: Utc::now(), times } } else { Self::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.at(Utc::now())
    }

    fn at(&self, wall: Timestamp) -> Timestamp {
        // Exact, and the common case.
        if self.times <= 1.0 {
            return wall;
        }
        let passed = (wall - self.since).num_milliseconds() as f64 * self.times;
        // Milliseconds of centuries lie far inside i64, and the cast saturates.
        TimeDelta::try_milliseconds(passed as i64).map_or(wall, |passed| self.since + passed)
    }
}

/// What time it is for stamps: wall time, or the simulated broker's where it has a world of its own.
#[derive(Debug)]
pub(super) struct BrokerClock {
    skew: Mutex<SkewEstimate>,
    follows_broker: bool,
    pace: Pace,
}

impl BrokerClock {
    pub fn new(environment: Environment) -> Self {
        let follows_broker = environment == Environment::Loopback;
        Self { skew: Mutex::default(), follows_broker, pace: Pace::default() }
    }

    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Our own time, for the ends of a request.
    pub fn own(&self) -> Timestamp {
        self.pace.now()
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
        let own = self.own();
        match self.skew_ms() {
            Some(skew) if self.follows_broker => own + TimeDelta::milliseconds(skew),
            _ => own,
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
    fn a_pace_counts_from_its_beginning() {
        let pace = Pace { since: at(0), times: 60.0 };
        assert_eq!([pace.at(at(0)), pace.at(at(1_000))], [at(0), at(60_000)]);
        assert_eq!(Pace::of(f64::NAN), Pace::default());
        assert_eq!(Pace::default().at(at(7)), at(7));
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
