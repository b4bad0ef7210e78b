//! Dated events that move volatility: central bank decisions, inflation releases, earnings. Dates come
//! from configuration or the broker; past the last date that a list is known to cover, the answer is
//! "unknown", never "none".

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Symbol, TradingDate};

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
    /// There is no such event: a fund has no earnings.
    Never,
}

impl NextEvent {
    pub fn date(self) -> Option<TradingDate> {
        match self {
            Self::On(date) => Some(date),
            Self::NoneUntil(_) | Self::Unknown | Self::Never => None,
        }
    }

    /// Whether an event falls on or before `until`; `None` where that is not known.
    pub fn by(self, until: TradingDate) -> Option<bool> {
        match self {
            Self::On(date) => Some(date <= until),
            Self::NoneUntil(known) => (until <= known).then_some(false),
            Self::Unknown => None,
            Self::Never => Some(false),
        }
    }
}

/// Half a year, as between the reports of a foreign company, and some weeks.
const LONGEST_GAP_DAYS: i64 = 210;

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
            return if self.has_begun(from) { NextEvent::On(*date) } else { NextEvent::Unknown };
        }
        match self.unknown_after {
            Some(known) if known >= from => NextEvent::NoneUntil(known),
            _ => NextEvent::Unknown,
        }
    }

    /// All that are known from `from` to `until`, both included.
    pub fn between(&self, from: TradingDate, until: TradingDate) -> impl Iterator<Item = TradingDate> {
        self.dates.iter().copied().filter(move |date| (from..=until).contains(date))
    }

    /// Whether all events from `from` to `until` are known.
    pub fn reach(&self, from: TradingDate, until: TradingDate) -> Reach {
        match self.unknown_after {
            _ if !self.has_begun(from) => Reach::Nothing,
            Some(known) if known >= until => Reach::Whole,
            Some(known) if known >= from => Reach::UnknownAfter(known),
            _ => Reach::Nothing,
        }
    }

    /// A first date further off than two events ever lie apart: the list begins later than `from`.
    fn has_begun(&self, from: TradingDate) -> bool {
        self.dates.first().is_none_or(|first| (*first - from).num_days() <= LONGEST_GAP_DAYS)
    }

    /// The last date up to which the list is complete.
    pub fn unknown_after(&self) -> Option<TradingDate> {
        self.unknown_after
    }
}

/// How much of a time a schedule covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Whole,
    /// The time goes on after this date, and what it brings nobody knows.
    UnknownAfter(TradingDate),
    Nothing,
}

/// What the trader has written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatedEvents {
    pub fomc: EventSchedule,
    pub cpi: EventSchedule,
    /// By company.
    pub earnings: BTreeMap<Symbol, EventSchedule>,
    /// Funds, which report nothing.
    pub without_earnings: BTreeSet<Symbol>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> TradingDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_end_of_the_list_is_said_and_not_taken_for_silence() {
        let list = EventSchedule::new(vec![date("2026-11-10"), date("2026-12-10")], None);
        let all: Vec<TradingDate> = list.between(date("2026-11-10"), date("2026-12-09")).collect();
        assert_eq!(all, [date("2026-11-10")]);
        let reach = |from, until| list.reach(date(from), date(until));
        assert_eq!(reach("2026-11-20", "2026-12-10"), Reach::Whole);
        assert_eq!(reach("2026-11-20", "2026-12-11"), Reach::UnknownAfter(date("2026-12-10")));
        assert_eq!(reach("2026-12-10", "2026-12-25"), Reach::UnknownAfter(date("2026-12-10")));
        assert_eq!(reach("2026-12-11", "2026-12-25"), Reach::Nothing);
        assert_eq!(reach("2018-02-05", "2018-03-05"), Reach::Nothing, "the list begins later");
        assert_eq!(list.next(date("2018-02-05")), NextEvent::Unknown);
        let empty = EventSchedule::default();
        assert_eq!(empty.reach(date("2026-12-11"), date("2026-12-11")), Reach::Nothing);
        assert_eq!(empty.unknown_after(), None);
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
        assert_eq!((NextEvent::Never.by(date("2030-01-01")), NextEvent::Never.date()), (Some(false), None));
        assert_eq!(EventSchedule::default().next(date("2026-01-01")), NextEvent::Unknown);
    }
}
