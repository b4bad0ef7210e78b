//! Daily bars out of candle events: a snapshot is collected until its end, then bars are replaced one by one.
//!
//! Never: hands over half a snapshot.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::{DateTime, Timelike};

use super::layout::CandleEvent;
use crate::domain::time::new_york_date;
use crate::domain::{Bar, TradingDate};

const TX_PENDING: i64 = 1;
const REMOVE_EVENT: i64 = 2;
const SNAPSHOT_BEGIN: i64 = 4;
const SNAPSHOT_END: i64 = 8;
const SNAPSHOT_SNIP: i64 = 16;
/// Forty years of days; more is not history but a mistake.
const MOST_BARS: usize = 10_000;

/// The stream's key for the daily bars of a symbol.
pub fn daily(symbol: &str) -> String {
    format!("{symbol}{{=d}}")
}

/// The symbol behind a candle key, however the server spells the rest: `SPY&Q{=1d,tho=true}` is `SPY`.
pub fn base(key: &str) -> &str {
    let plain = key.split('{').next().unwrap_or(key);
    plain.split('&').next().unwrap_or(plain)
}

/// One symbol's bars.
#[derive(Debug, Default)]
pub struct Series {
    bars: BTreeMap<TradingDate, Bar>,
    collecting: bool,
    /// The earliest date changed since the last hand-over.
    changed_from: Option<TradingDate>,
    complete: bool,
}

impl Series {
    /// Takes one event; gives the bars from the first changed one on, once they form a whole.
    pub fn take(&mut self, event: &CandleEvent) -> Option<Vec<Bar>> {
        if event.flags & SNAPSHOT_BEGIN != 0 {
            *self = Self { collecting: true, ..Self::default() };
        }
        let date = date(event.time);
        if let Some(date) = date {
            self.put(date, event);
        }
        if event.flags & (SNAPSHOT_END | SNAPSHOT_SNIP) != 0 {
            self.collecting = false;
            self.complete = true;
        }
        if self.collecting || event.flags & TX_PENDING != 0 {
            return None;
        }
        let from = self.changed_from.take()?;
        let bars: Vec<Bar> =
            self.bars.range((Bound::Included(from), Bound::Unbounded)).map(|(_, bar)| *bar).collect();
        (!bars.is_empty()).then_some(bars)
    }

    /// A whole snapshot has been seen.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn put(&mut self, date: TradingDate, event: &CandleEvent) {
        let changed = match bar(date, event) {
            Some(bar) if event.flags & REMOVE_EVENT == 0 => {
                if self.bars.len() >= MOST_BARS && !self.bars.contains_key(&date) {
                    return;
                }
                self.bars.insert(date, bar);
                true
            }
            Some(_) => self.bars.remove(&date).is_some(),
            None if event.flags & REMOVE_EVENT != 0 => self.bars.remove(&date).is_some(),
            None => false,
        };
        if changed {
            self.changed_from = Some(self.changed_from.map_or(date, |from| from.min(date)));
        }
    }
}

/// A bar without all four prices, or with one that cannot be a price, is none.
fn bar(date: TradingDate, event: &CandleEvent) -> Option<Bar> {
    let price = |value: Option<f64>| value.filter(|price| *price > 0.0);
    Some(Bar {
        date,
        open: price(event.open)?,
        high: price(event.high)?,
        low: price(event.low)?,
        close: price(event.close)?,
        volume: event.volume.filter(|volume| *volume >= 0.0),
    })
}

/// A day's bar starts at midnight UTC of its date, or at some moment of that day in New York.
fn date(milliseconds: i64) -> Option<TradingDate> {
    let at = DateTime::from_timestamp_millis(milliseconds).filter(|_| milliseconds > 0)?;
    if at.num_seconds_from_midnight() == 0 { Some(at.date_naive()) } else { Some(new_york_date(at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const FIRST: i64 = 1_795_046_400_000; // 2026-11-19T00:00:00Z

    fn candle(day: i64, flags: i64, close: f64) -> CandleEvent {
        let price = (!close.is_nan()).then_some(close);
        CandleEvent {
            symbol: "SPY{=d}".into(),
            flags,
            time: FIRST + day * DAY,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: None,
        }
    }

    #[test]
    fn a_snapshot_is_handed_over_whole_and_oldest_first() {
        let mut series = Series::default();
        assert_eq!(series.take(&candle(2, SNAPSHOT_BEGIN, 3.0)), None);
        assert_eq!(series.take(&candle(1, 0, 2.0)), None);
        let bars = series.take(&candle(0, SNAPSHOT_END | REMOVE_EVENT, f64::NAN)).expect("a whole");
        assert_eq!(bars.iter().map(|bar| bar.close).collect::<Vec<_>>(), [2.0, 3.0]);
        assert_eq!(bars[0].date.to_string(), "2026-11-20");
        assert!(series.is_complete());
    }

    #[test]
    fn afterwards_a_bar_replaces_its_own_day_and_a_correction_brings_what_follows() {
        let mut series = Series::default();
        assert_eq!(series.take(&candle(1, SNAPSHOT_BEGIN, 2.0)), None);
        assert!(series.take(&candle(0, SNAPSHOT_SNIP, 1.0)).is_some());
        assert_eq!(series.take(&candle(1, 0, 2.5)).map(|bars| bars.len()), Some(1));
        assert_eq!(series.take(&candle(0, TX_PENDING, 1.5)), None);
        let bars = series.take(&candle(2, 0, 4.0)).expect("the transaction has ended");
        assert_eq!(bars.iter().map(|bar| bar.close).collect::<Vec<_>>(), [1.5, 2.5, 4.0]);
    }

    #[test]
    fn an_empty_snapshot_is_complete_and_brings_nothing() {
        let mut series = Series::default();
        let flags = SNAPSHOT_BEGIN | SNAPSHOT_END | REMOVE_EVENT;
        assert_eq!(series.take(&candle(0, flags, f64::NAN)), None);
        assert!(series.is_complete());
    }

    #[test]
    fn a_new_snapshot_forgets_the_old_one() {
        let mut series = Series::default();
        assert!(series.take(&candle(0, SNAPSHOT_BEGIN | SNAPSHOT_END, 1.0)).is_some());
        assert_eq!(series.take(&candle(3, SNAPSHOT_BEGIN, 9.0)), None);
        let bars = series.take(&candle(2, SNAPSHOT_END, 8.0)).expect("a whole");
        assert_eq!(bars.len(), 2);
    }

    #[test]
    fn the_key_is_found_however_it_is_spelt() {
        for key in ["SPY", "SPY{=d}", "SPY{=1d,tho=true}", "SPY&Q{=d}"] {
            assert_eq!(base(key), "SPY");
        }
        assert_eq!(daily("BRK/A"), "BRK/A{=d}");
    }
}
