//! When orders can trade, and what the broker does while they cannot.

use chrono::{Days, TimeDelta};

use crate::domain::TradingDate;
use crate::domain::time::{Timestamp, new_york_date};

use super::super::world::days::{self, Session};
use super::order::TimeInForce;

/// Longest closure that the calendar can have.
const MOST_CLOSED_DAYS: u64 = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Night {
    /// Before the open: dividends are credited, closed lines leave the list.
    Morning,
    /// After the close: expired contracts are exercised, assigned, settled in cash or removed.
    Settlement,
}

/// From 8:15 until four hours after the close.
fn window(tif: TimeInForce, session: &Session) -> (Timestamp, Timestamp) {
    if tif.is_extended() {
        (session.open - TimeDelta::minutes(75), session.close + TimeDelta::hours(4))
    } else {
        (session.open, session.close)
    }
}

fn sessions_from(date: TradingDate) -> impl Iterator<Item = Session> {
    (0..=MOST_CLOSED_DAYS).filter_map(move |n| days::session(date + Days::new(n)))
}

/// The first instant at or after `at` in which an order of this time in force can trade.
pub fn trading_from(tif: TimeInForce, at: Timestamp) -> Option<Timestamp> {
    sessions_from(new_york_date(at)).find_map(|session| {
        let (from, to) = window(tif, &session);
        (at < to).then(|| at.max(from))
    })
}

pub fn is_trading(tif: TimeInForce, at: Timestamp) -> bool {
    trading_from(tif, at) == Some(at)
}

/// Until when an order routed at `at` works; `None`: until it is cancelled.
pub fn ends(tif: TimeInForce, gtc_date: Option<TradingDate>, at: Timestamp) -> Option<Timestamp> {
    let last = match tif {
        _ if tif.is_till_cancelled() => return None,
        TimeInForce::Gtd => gtc_date.unwrap_or_else(|| new_york_date(at)),
        _ => new_york_date(at),
    };
    let session = days::session(last).or_else(|| days::session(days::session_before(last)))?;
    Some(window(tif, &session).1)
}

/// The next thing the broker does by itself after `at`.
pub fn next_night(at: Timestamp) -> Option<(Timestamp, Night)> {
    sessions_from(new_york_date(at)).find_map(|session| {
        let moments = [
            (days::at(session.date, 8, 0), Night::Morning),
            (days::at(session.date, 18, 0), Night::Settlement),
        ];
        moments.into_iter().find(|(moment, _)| *moment > at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn date(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, d).unwrap()
    }

    #[test]
    fn a_day_order_of_the_weekend_works_on_monday_until_its_close() {
        let saturday = days::at(date(21), 12, 0);
        let open = trading_from(TimeInForce::Day, saturday).unwrap();
        assert_eq!(open, days::at(date(23), 9, 30));
        assert_eq!(ends(TimeInForce::Day, None, open), Some(days::at(date(23), 16, 0)));
        assert_eq!(trading_from(TimeInForce::Ext, saturday), Some(days::at(date(23), 8, 15)));
    }

    #[test]
    fn the_day_after_thanksgiving_ends_early() {
        let open = trading_from(TimeInForce::Day, days::at(date(25), 17, 0)).unwrap();
        assert_eq!(open, days::at(date(27), 9, 30), "Thursday is a holiday");
        assert_eq!(ends(TimeInForce::Day, None, open), Some(days::at(date(27), 13, 0)));
        assert!(!is_trading(TimeInForce::Day, days::at(date(27), 13, 0)));
        assert_eq!(ends(TimeInForce::Gtc, None, open), None);
        let saturday = Some(date(28));
        assert_eq!(ends(TimeInForce::Gtd, saturday, open), Some(days::at(date(27), 13, 0)));
    }

    #[test]
    fn nights_follow_sessions() {
        let (first, what) = next_night(days::at(date(25), 10, 0)).unwrap();
        assert_eq!((first, what), (days::at(date(25), 18, 0), Night::Settlement));
        assert_eq!(next_night(first), Some((days::at(date(27), 8, 0), Night::Morning)));
    }
}
