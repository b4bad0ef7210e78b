//! The engine's `now`. In demo and sim it is the broker's clock, which may run fast or stand on another day;
//! otherwise the wall's. It never runs backwards, whatever the answers say. Between two answers it goes at the
//! pace that the simulated broker of this process was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta};

use crate::broker::clock::Pace;
use crate::domain::Timestamp;

/// Shared by the tasks of one process: two numbers, no lock.
#[derive(Debug, Clone)]
pub struct EngineClock {
    inner: Arc<Inner>,
    follows_broker: bool,
    pace: Pace,
}

#[derive(Debug)]
struct Inner {
    skew_ms: AtomicI64,
    last_ms: AtomicI64,
}

impl EngineClock {
    pub fn wall() -> Self {
        Self::new(false, Pace::default())
    }

    pub fn of_broker() -> Self {
        Self::of_broker_at(Pace::default())
    }

    /// The skew that is heard is one to a clock of this pace.
    pub fn of_broker_at(pace: Pace) -> Self {
        Self::new(true, pace)
    }

    fn new(follows_broker: bool, pace: Pace) -> Self {
        let inner = Inner { skew_ms: AtomicI64::new(0), last_ms: AtomicI64::new(i64::MIN) };
        Self { inner: Arc::new(inner), follows_broker, pace }
    }

    /// The broker's clock less ours, as its last answer showed it.
    pub fn heard(&self, skew_ms: Option<i64>) {
        if let Some(skew) = skew_ms.filter(|_| self.follows_broker) {
            let known = self.inner.skew_ms.load(Ordering::Relaxed);
            // Answers are stamped to the second: smaller differences are not a different clock.
            if (skew - known).abs() > 1_500 {
                self.inner.skew_ms.store(skew, Ordering::Relaxed);
            }
        }
    }

    /// Whether a difference to the broker's clock is a difference of worlds, and no fault of ours.
    pub fn follows_broker(&self) -> bool {
        self.follows_broker
    }

    /// A record is never continued before its last event.
    pub fn not_before(&self, at: Timestamp) {
        self.inner.last_ms.fetch_max(at.timestamp_millis(), Ordering::Relaxed);
    }

    pub fn now(&self) -> Timestamp {
        let skewed = self.pace.now() + TimeDelta::milliseconds(self.inner.skew_ms.load(Ordering::Relaxed));
        let ms = skewed.timestamp_millis();
        let last = self.inner.last_ms.fetch_max(ms, Ordering::Relaxed).max(ms);
        DateTime::from_timestamp_millis(last).unwrap_or(skewed)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_broker_clock_moves_now_and_never_backwards() {
        let clock = EngineClock::of_broker();
        let before = clock.now();
        clock.heard(Some(86_400_000));
        let tomorrow = clock.now();
        assert!(tomorrow - before >= TimeDelta::hours(23));
        clock.heard(Some(0));
        assert!(clock.now() >= tomorrow);
    }

    #[test]
    fn the_wall_clock_ignores_what_a_broker_says() {
        let clock = EngineClock::wall();
        clock.heard(Some(86_400_000));
        assert!((clock.now() - Utc::now()).num_hours().abs() < 1);
    }
}
