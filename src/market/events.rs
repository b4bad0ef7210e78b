//! Dated events that move volatility: central bank decisions, inflation releases, earnings. Dates come
//! from configuration or the broker; past the last date that a list is known to cover, the answer is
//! "unknown", never "none".

use crate::domain::TradingDate;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    Fomc,
    Cpi,
    Earnings,
}

impl EventKind {
    pub fn words(self) -> &'static str {
        match self {
            Self::Fomc => "FOMC",
            Self::Cpi => "CPI",
            Self::Earnings => "earnings",
        }
    }
}

/// What is known about the next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextEvent {
    On(TradingDate),
    /// None up to and including this date; beyond it nobody knows.
    NoneUntil(TradingDate),
    Unknown,
}

impl NextEvent {
    pub fn date(self) -> Option<TradingDate> {
        match self {
            Self::On(date) => Some(date),
            Self::NoneUntil(_) | Self::Unknown => None,
        }
    }

    /// Whether an event falls on or before `until`; `None` where that is not known.
    pub fn by(self, until: TradingDate) -> Option<bool> {
        match self {
            Self::On(date) => Some(date <= until),
            Self::NoneUntil(known) => (until <= known).then_some(false),
            Self::Unknown => None,
        }
    }
}

/// The dates of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSchedule {
    dates: Vec<TradingDate>,
    unknown_after: Option<TradingDate>,
}

impl EventSchedule {
    /// Without `unknown_after`, the list is taken to be complete up to its last date.
    pub fn new(mut dates: Vec<TradingDate>, unknown_after: Option<TradingDate>) -> Self {
        dates.sort_unstable();
        dates.dedup();
        let unknown_after = unknown_after.or_else(|| dates.last().copied());
        Self { dates, unknown_after }
    }

    /// The first one on or after `from`.
    pub fn next(&self, from: TradingDate) -> NextEvent {
        if let Some(date) = self.dates.iter().find(|date| **date >= from) {
            return NextEvent::On(*date);
        }
        match self.unknown_after {
            Some(known) if known >= from => NextEvent::NoneUntil(known),
            _ => NextEvent::Unknown,
        }
    }
}

/// The schedules that concern every underlying.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MacroEvents {
    pub fomc: EventSchedule,
    pub cpi: EventSchedule,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> TradingDate {
        text.parse().expect("a date")
    }

    #[test]
    fn beyond_the_list_nothing_is_known() {
        let schedule =
            EventSchedule::new(vec![date("2026-12-09"), date("2026-10-28")], Some(date("2026-12-31")));
        assert_eq!(schedule.next(date("2026-11-20")), NextEvent::On(date("2026-12-09")));
        assert_eq!(schedule.next(date("2026-12-10")), NextEvent::NoneUntil(date("2026-12-31")));
        assert_eq!(schedule.next(date("2027-01-01")), NextEvent::Unknown);
        let next = schedule.next(date("2026-12-10"));
        assert_eq!((next.by(date("2026-12-20")), next.by(date("2027-01-15"))), (Some(false), None));
        assert_eq!(EventSchedule::default().next(date("2026-01-01")), NextEvent::Unknown);
    }
}
