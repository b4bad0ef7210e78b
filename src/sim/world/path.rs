//! Where every name trades at every instant: correlated daily closes around an anchored day, and a
//! deterministic bridge between them within the day.

use chrono::Days;

use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Bar, TradingDate};

use super::days::{self, Session};
use super::names::{NAMES, position_of};
use super::noise::{Noise, bridge};

const SESSIONS_BEFORE: usize = 420;
const SESSIONS_AFTER: usize = 320;
/// Realised, per year; below what options imply, as is usual.
const MARKET_VOL: f64 = 0.105;
const MARKET_DRIFT: f64 = 0.09;
/// Share of the move that happens before the open.
const OVERNIGHT: f64 = 0.35;
/// How fast the volatility indices come back, per session.
const VIX_PERSISTENCE: f64 = 0.96;

/// A day's range as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DayRange {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub last: f64,
}

#[derive(Debug, Clone)]
pub struct Paths {
    noise: Noise,
    sessions: Vec<Session>,
    anchor: usize,
    /// Logarithms of the closes, per name, parallel to `sessions`.
    closes: Vec<Vec<f64>>,
}

impl Paths {
    pub fn new(seed: u64, anchor_date: TradingDate) -> Self {
        let noise = Noise::new(seed);
        let anchor_date = days::session_on_or_before(anchor_date);
        let mut dates = Vec::with_capacity(SESSIONS_BEFORE + SESSIONS_AFTER);
        let mut date = anchor_date;
        for _ in 0..SESSIONS_BEFORE {
            date = days::session_before(date);
            dates.push(date);
        }
        dates.reverse();
        let anchor = dates.len();
        date = anchor_date;
        for _ in 0..SESSIONS_AFTER {
            dates.push(date);
            date = days::session_after(date);
        }
        let sessions: Vec<Session> = dates.into_iter().filter_map(days::session).collect();
        let closes = NAMES.iter().map(|_| Vec::new()).collect();
        let mut paths = Self { noise, sessions, anchor, closes };
        paths.closes = (0..NAMES.len()).map(|n| paths.draw_closes(n)).collect();
        paths
    }

    fn day_noise(&self, what: &str, date: TradingDate) -> Noise {
        self.noise.named(what).of(u64::from(date.to_epoch_days().unsigned_abs()))
    }

    /// The market's log return of one session.
    fn market_return(&self, date: TradingDate) -> f64 {
        MARKET_DRIFT / 252.0 + self.day_noise("market", date).normal() * MARKET_VOL / 252.0_f64.sqrt()
    }

    fn own_return(&self, n: usize, date: TradingDate) -> f64 {
        let name = &NAMES[n];
        self.day_noise(name.symbol, date).normal() * name.own_vol / 252.0_f64.sqrt()
    }

    fn draw_closes(&self, n: usize) -> Vec<f64> {
        let name = &NAMES[n];
        let n = if name.symbol == "XSP" { 0 } else { n };
        let level = name.level.ln();
        let before = (name.level / (1.0 + name.change)).ln();
        let rest_of_day = 0.9_f64;
        let mut closes = vec![0.0; self.sessions.len()];
        if name.beta < -1.0 {
            // A volatility index: shocks against the market, drawn back to its mean.
            let mut shocks = vec![0.0; self.sessions.len()];
            let mut z = 0.0;
            for (j, session) in self.sessions.iter().enumerate() {
                z = VIX_PERSISTENCE * z
                    + name.beta * self.market_return(session.date)
                    + self.own_return(n, session.date);
                shocks[j] = z;
            }
            let last = shocks[self.anchor - 1];
            for j in 0..self.anchor {
                let steps = i32::try_from(self.anchor - 1 - j).unwrap_or(i32::MAX);
                closes[j] = before + shocks[j] - last * VIX_PERSISTENCE.powi(steps);
            }
            for j in self.anchor..self.sessions.len() {
                let date = self.sessions[j].date;
                let shock = name.beta * self.market_return(date) + self.own_return(n, date);
                closes[j] = if j == self.anchor {
                    level + rest_of_day * shock
                } else {
                    level + VIX_PERSISTENCE * (closes[j - 1] - level) + shock
                };
            }
            return closes;
        }
        let step = |date| name.beta * self.market_return(date) + self.own_return(n, date);
        closes[self.anchor - 1] = before;
        for j in (0..self.anchor - 1).rev() {
            closes[j] = closes[j + 1] - step(self.sessions[j + 1].date);
        }
        closes[self.anchor] = level + rest_of_day * step(self.sessions[self.anchor].date);
        for j in self.anchor + 1..self.sessions.len() {
            closes[j] = closes[j - 1] + step(self.sessions[j].date);
        }
        closes
    }

    /// The latest session whose date has come; the first or last one known outside the drawn span.
    pub fn session_at(&self, at: Timestamp) -> (usize, &Session) {
        let date = new_york_date(at);
        let after = self.sessions.partition_point(|s| s.date <= date);
        let index = after.saturating_sub(1).max(1);
        (index, &self.sessions[index])
    }

    pub fn anchor_date(&self) -> TradingDate {
        self.sessions[self.anchor].date
    }

    /// 10:48 New York on the anchor date: where every level is as tabled.
    pub fn anchor_instant(&self) -> Timestamp {
        days::at(self.anchor_date(), 10, 48)
    }

    fn close(&self, n: usize, index: usize) -> f64 {
        self.closes[n][index].exp()
    }

    /// The official close before the session that `at` belongs to.
    pub fn previous_close(&self, symbol: &str, at: Timestamp) -> Option<(f64, TradingDate)> {
        let n = position_of(symbol)?;
        let (index, _) = self.session_at(at);
        Some((self.close(n, index - 1), self.sessions[index - 1].date))
    }

    /// The last price at an instant; outside the session the nearest close before.
    pub fn spot(&self, symbol: &str, at: Timestamp) -> Option<f64> {
        let n = position_of(symbol)?;
        let (index, session) = self.session_at(at);
        if at < session.open {
            return Some(self.close(n, index - 1));
        }
        if at >= session.close {
            return Some(self.close(n, index));
        }
        Some(self.within(n, index, seconds(session.open, at)).exp())
    }

    /// The latest instant not after `at` at which the market was open, or its last close.
    pub fn last_trading_instant(&self, at: Timestamp) -> Timestamp {
        let (index, session) = self.session_at(at);
        if at < session.open { self.sessions[index - 1].close } else { at.min(session.close) }
    }

    fn gap(&self, n: usize, index: usize) -> f64 {
        let from = self.closes[n][index - 1];
        let towards = if index == self.anchor { NAMES[n].level.ln() } else { self.closes[n][index] };
        from + OVERNIGHT * (towards - from)
    }

    /// Log price `t` seconds after the open of a session.
    fn within(&self, n: usize, index: usize, t: f64) -> f64 {
        let session = &self.sessions[index];
        let length = seconds(session.open, session.close);
        let end = self.closes[n][index];
        let start = self.gap(n, index);
        let pinned = (index == self.anchor).then(|| {
            let pin = seconds(session.open, self.anchor_instant());
            (pin, NAMES[n].level.ln())
        });
        let (t0, v0, t1, v1) = match pinned {
            Some((pin, level)) if t < pin => (0.0, start, pin, level),
            Some((pin, level)) => (pin, level, length, end),
            None => (0.0, start, length, end),
        };
        let line = v0 + (v1 - v0) * (t - t0) / (t1 - t0);
        let root_second = (252.0 * 23_400.0_f64).sqrt();
        let key = |what: &str| self.day_noise(what, session.date).of(17).of(t0.to_bits());
        let name = &NAMES[n];
        let driver = if name.symbol == "XSP" { "SPY" } else { name.symbol };
        let market = bridge(key("market"), t1 - t0, t - t0, 0.8 * MARKET_VOL / root_second);
        let own = bridge(key(driver), t1 - t0, t - t0, 0.8 * name.own_vol / root_second);
        line + name.beta * market + own
    }

    /// Open, high, low so far and last of the session that `at` belongs to; `None` before its open.
    pub fn day_range(&self, symbol: &str, at: Timestamp) -> Option<DayRange> {
        let n = position_of(symbol)?;
        let (index, session) = self.session_at(at);
        if at < session.open {
            return None;
        }
        let until = at.min(session.close);
        Some(self.range(n, index, seconds(session.open, until), 120.0, at >= session.close))
    }

    fn range(&self, n: usize, index: usize, until: f64, step: f64, closed: bool) -> DayRange {
        let open = self.gap(n, index);
        let (mut high, mut low) = (open, open);
        let mut t = step;
        while t < until {
            let v = self.within(n, index, t);
            (high, low) = (high.max(v), low.min(v));
            t += step;
        }
        let last = if closed { self.closes[n][index] } else { self.within(n, index, until) };
        DayRange { open: open.exp(), high: high.max(last).exp(), low: low.min(last).exp(), last: last.exp() }
    }

    /// Daily bars from a date up to now, oldest first; the last one is still forming while the market is open.
    pub fn bars(&self, symbol: &str, from: TradingDate, at: Timestamp) -> Vec<Bar> {
        let Some(n) = position_of(symbol) else { return Vec::new() };
        let (current, session) = self.session_at(at);
        let end = if at < session.open { current } else { current + 1 };
        (1..end)
            .filter(|j| self.sessions[*j].date >= from)
            .map(|j| {
                let s = self.sessions[j];
                let closed = j < current || at >= s.close;
                let until = if closed { s.close } else { at };
                let range = self.range(n, j, seconds(s.open, until), 900.0, closed);
                let busy = 0.7 + 0.6 * self.day_noise("volume", s.date).named(symbol).uniform();
                let share = seconds(s.open, until) / seconds(s.open, s.close);
                Bar {
                    date: s.date,
                    open: range.open,
                    high: range.high,
                    low: range.low,
                    close: range.last,
                    volume: (!NAMES[n].is_index).then(|| (NAMES[n].volume * busy * share).round()),
                }
            })
            .collect()
    }

    /// The year's extremes of the daily closes.
    pub fn year_range(&self, symbol: &str, at: Timestamp) -> Option<(f64, f64)> {
        let n = position_of(symbol)?;
        let (index, session) = self.session_at(at);
        let since = session.date - Days::new(365);
        let closes = (0..index).filter(|j| self.sessions[*j].date >= since).map(|j| self.close(n, j));
        Some(closes.fold((f64::INFINITY, 0.0), |(lo, hi), c| (lo.min(c), hi.max(c))))
    }

    /// Log closes of the last `count` sessions before the current one.
    pub fn recent_log_closes(&self, symbol: &str, at: Timestamp, count: usize) -> Vec<f64> {
        let Some(n) = position_of(symbol) else { return Vec::new() };
        let (index, _) = self.session_at(at);
        self.closes[n][index.saturating_sub(count)..index].to_vec()
    }
}

/// Seconds between two instants, to the quarter second below.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let quarters = (to - from).num_milliseconds().div_euclid(250);
    quarters as f64 / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, TimeDelta};

    fn anchor() -> TradingDate {
        NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date")
    }

    #[test]
    fn at_the_anchor_every_level_and_day_change_is_as_tabled() {
        let paths = Paths::new(7, anchor());
        for name in &NAMES {
            let spot = paths.spot(name.symbol, paths.anchor_instant()).expect("a known name");
            assert!((spot / name.level - 1.0).abs() < 1e-9, "{} {spot}", name.symbol);
            let (close, date) =
                paths.previous_close(name.symbol, paths.anchor_instant()).expect("a known name");
            assert!((spot / close - 1.0 - name.change).abs() < 1e-9, "{}", name.symbol);
            assert_eq!(date, NaiveDate::from_ymd_opt(2026, 11, 19).expect("a date"));
        }
    }

    #[test]
    fn the_price_is_continuous_and_closed_markets_stand_still() {
        let paths = Paths::new(3, anchor());
        let open = days::at(anchor(), 9, 30);
        let mut last = paths.spot("SPY", open).expect("SPY");
        for second in (5..23_400).step_by(5) {
            let spot = paths.spot("SPY", open + TimeDelta::seconds(second)).expect("SPY");
            assert!((spot / last - 1.0).abs() < 0.0015, "jump at {second}");
            last = spot;
        }
        let evening = days::at(anchor(), 17, 0);
        let sunday = evening + TimeDelta::days(2);
        assert_eq!(paths.spot("SPY", evening), paths.spot("SPY", sunday));
    }

    #[test]
    fn a_year_of_bars_holds_together() {
        let paths = Paths::new(7, anchor());
        let from = NaiveDate::from_ymd_opt(2025, 11, 1).expect("a date");
        let bars = paths.bars("NVDA", from, paths.anchor_instant());
        assert!(bars.len() > 255, "{}", bars.len());
        for bar in &bars {
            assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close));
        }
        assert!(bars.windows(2).all(|w| w[0].date < w[1].date));
    }

    #[test]
    fn realised_market_volatility_is_about_what_was_asked_for() {
        let paths = Paths::new(11, anchor());
        let closes = paths.recent_log_closes("SPY", paths.anchor_instant(), 400);
        let returns: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = returns.iter().sum::<f64>() / returns.len() as f64;
        let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (returns.len() - 1) as f64;
        let vol = (variance * 252.0).sqrt();
        assert!((0.085..0.125).contains(&vol), "{vol}");
    }
}
