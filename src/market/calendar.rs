//! The exchange's calendar by rule: sessions, holidays, early closes, expiry instants and the time to
//! them. Days that neither rule nor table knows (a storm, a day of mourning to come) are passed in.

mod rules;

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use self::rules::{Day, is_weekend};
use crate::domain::report::{MarketSession, SessionState};
use crate::domain::time::{new_york, new_york_date};
use crate::domain::{OptionContract, Settlement, Timestamp, TradingDate};

/// Seconds of the pricing year: 365 days of 86 400 seconds.
pub const SECONDS_PER_YEAR: f64 = 365.0 * 86_400.0;

/// New York's equity and index options exchanges follow the same days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    closed: BTreeSet<TradingDate>,
    short: BTreeSet<TradingDate>,
}

/// A day that is not an ordinary session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialDay {
    pub date: TradingDate,
    pub name: &'static str,
    pub kind: SpecialKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialKind {
    Closed,
    /// Closes at 13:00.
    EarlyClose,
}

impl Calendar {
    /// The exchange's own days and these. A day in both lists is closed.
    pub fn with(
        closed: impl IntoIterator<Item = TradingDate>,
        early_closes: impl IntoIterator<Item = TradingDate>,
    ) -> Self {
        Self { closed: closed.into_iter().collect(), short: early_closes.into_iter().collect() }
    }

    /// How a weekday goes.
    fn day(&self, date: TradingDate) -> Day {
        match rules::day(date) {
            closed @ Day::Closed(_) => closed,
            _ if self.closed.contains(&date) => Day::Closed("closed by announcement"),
            Day::Ordinary if self.short.contains(&date) => Day::Short("short by announcement"),
            other => other,
        }
    }

    pub fn is_session(&self, date: TradingDate) -> bool {
        !is_weekend(date) && !matches!(self.day(date), Day::Closed(_))
    }

    pub fn is_early_close(&self, date: TradingDate) -> bool {
        !is_weekend(date) && matches!(self.day(date), Day::Short(_))
    }

    /// When the regular session ends on `date` by New York clocks; of a day without session: 16:00, which
    /// is where a contract that (wrongly) names that day would end.
    pub fn close_time(&self, date: TradingDate) -> NaiveTime {
        if self.is_early_close(date) { clock(13, 0) } else { clock(16, 0) }
    }

    pub fn open_at(&self, date: TradingDate) -> Timestamp {
        new_york(date, clock(9, 30))
    }

    pub fn close_at(&self, date: TradingDate) -> Timestamp {
        new_york(date, self.close_time(date))
    }

    /// The first session after `date`.
    pub fn next_session(&self, date: TradingDate) -> TradingDate {
        self.seek(date, |d| d.succ_opt())
    }

    /// The last session before `date`.
    pub fn previous_session(&self, date: TradingDate) -> TradingDate {
        self.seek(date, |d| d.pred_opt())
    }

    /// Rule and table close six days in a row at most (September 2001), so the bound is met by no date in
    /// range.
    fn seek(&self, from: TradingDate, step: impl Fn(NaiveDate) -> Option<NaiveDate>) -> TradingDate {
        let mut date = from;
        for _ in 0..self.closed.len() + 12 {
            date = step(date).unwrap_or(date);
            if self.is_session(date) {
                break;
            }
        }
        date
    }

    /// Sessions after `from` up to and including `to`.
    pub fn sessions_between(&self, from: TradingDate, to: TradingDate) -> usize {
        from.iter_days().skip(1).take_while(|d| *d <= to).filter(|d| self.is_session(*d)).count()
    }

    /// Where `now` stands in the trading day; pre-market from 04:00, after hours until four hours after
    /// the close. `open_at` and `close_at` are of today's session, or of the next one where there is none.
    pub fn session_state(&self, now: Timestamp) -> MarketSession {
        let today = new_york_date(now);
        let next_date = self.next_session(today);
        let next_open_at = Some(self.open_at(next_date));
        if !self.is_session(today) {
            return MarketSession {
                state: SessionState::Closed,
                open_at: next_open_at,
                close_at: Some(self.close_at(next_date)),
                next_open_at,
                next_date: Some(next_date),
            };
        }
        let (open, close) = (self.open_at(today), self.close_at(today));
        let state = if now < new_york(today, clock(4, 0)) {
            SessionState::Closed
        } else if now < open {
            SessionState::PreMarket
        } else if now < close {
            SessionState::Open
        } else if now < close + TimeDelta::hours(4) {
            SessionState::AfterHours
        } else {
            SessionState::Closed
        };
        let (next_open_at, next_date) =
            if now < open { (Some(open), Some(today)) } else { (next_open_at, Some(next_date)) };
        MarketSession { state, open_at: Some(open), close_at: Some(close), next_open_at, next_date }
    }

    /// AM-settled contracts end at the open of their date, PM-settled ones at its close.
    pub fn expiry_instant(&self, contract: &OptionContract) -> Timestamp {
        match contract.settlement {
            Settlement::Am => self.open_at(contract.expiry),
            Settlement::Pm => self.close_at(contract.expiry),
        }
    }

    /// The last day on which the contract can be traded.
    pub fn last_trading_date(&self, contract: &OptionContract) -> TradingDate {
        match contract.settlement {
            Settlement::Am => self.previous_session(contract.expiry),
            Settlement::Pm => contract.expiry,
        }
    }

    /// Elapsed seconds to expiry over those of the pricing year; negative once expired.
    pub fn tte_years(&self, contract: &OptionContract, now: Timestamp) -> f64 {
        years_between(now, self.expiry_instant(contract))
    }

    /// The next `count` holidays and early closes from `from` on.
    pub fn special_days(&self, from: TradingDate, count: usize) -> Vec<SpecialDay> {
        // Eight or more a year; the horizon bounds the search.
        from.iter_days()
            .take(366 * (count / 8 + 2))
            .filter_map(|date| self.special_day(date))
            .take(count)
            .collect()
    }

    pub fn special_day(&self, date: TradingDate) -> Option<SpecialDay> {
        let (name, kind) = match self.day(date) {
            _ if is_weekend(date) => return None,
            Day::Ordinary => return None,
            Day::Closed(name) => (name, SpecialKind::Closed),
            Day::Short(name) => (name, SpecialKind::EarlyClose),
        };
        Some(SpecialDay { date, name, kind })
    }
}

/// ACT/365 in elapsed seconds.
pub fn years_between(from: Timestamp, to: Timestamp) -> f64 {
    // Milliseconds of a century fit a double exactly.
    (to - from).num_milliseconds() as f64 / 1_000.0 / SECONDS_PER_YEAR
}

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

#[cfg(test)]
mod tests;
