//! What a picture says about an underlying: slow figures, beta, volatility, correlation, dividends, events.

use std::sync::Arc;

use chrono::TimeDelta;

use super::MarketView;
use crate::domain::freshness::Unusable;
use crate::domain::instrument::is_index;
pub use crate::domain::market_context::{BetaSource, DailyVolSource, DividendSource, Iv30Source};
use crate::domain::time::new_york_date;
use crate::domain::{Bar, Instrument, Reading, Symbol, TermState, TradingDate};
use crate::market::calendar::years_between;
use crate::market::dividends::{Dividend, DividendPlan, infer_spacing};
use crate::market::events::NextEvent;
use crate::market::history::{self, Pair, Series, Single};
use crate::market::update::UnderlyingMetrics;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    pub value: f64,
    pub source: BetaSource,
}

/// Volatility for the next thirty calendar days, per year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iv30 {
    pub value: f64,
    pub source: Iv30Source,
}

/// Standard deviation of the next daily return.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyVol {
    pub value: f64,
    pub source: DailyVolSource,
}

/// The term structure of the volatility index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityTerm {
    pub vix: Reading<f64>,
    pub vix3m: Reading<f64>,
    /// VIX ÷ VIX3M.
    pub ratio: Reading<f64>,
    pub state: TermState,
    /// VIX9D stands above VIX by more than a twentieth; `None` where it is not watched.
    pub is_stressed: Option<bool>,
}

/// VIX9D ÷ VIX from which nine days are dearer than thirty by more than noise.
const STRESSED: f64 = 1.05;
/// Expirations nearer than this say too little about a month.
const FEWEST_DAYS: f64 = 7.0;
/// A history that ended earlier says nothing of today's volatility.
const OLDEST_END_SESSIONS: i64 = 10;

impl MarketView {
    pub fn metrics(&self, symbol: &Symbol) -> Option<&UnderlyingMetrics> {
        self.0.contents.metrics.get(symbol)
    }

    /// Daily bars as they came, today's unfinished one included.
    pub fn bars(&self, symbol: &Symbol) -> &[Bar] {
        self.series(symbol).map_or(&[], |series| series.bars())
    }

    /// The daily bars of finished sessions.
    pub fn finished_bars(&self, symbol: &Symbol) -> &[Bar] {
        self.series(symbol).map_or(&[], |series| series.until(self.last_finished()))
    }

    /// Change since the previous close as a fraction.
    pub fn day_change(&self, symbol: &Symbol) -> Reading<f64> {
        let instrument = if is_index(symbol.as_str()) {
            Instrument::Index(symbol.clone())
        } else {
            Instrument::Equity(symbol.clone())
        };
        match self.previous_close(&instrument) {
            None => Reading::Unusable { why: Unusable::Missing },
            Some(close) => self.spot(symbol).map(|spot| spot / close.to_f64() - 1.0),
        }
    }

    /// Against the benchmark: the trader's word, else from daily bars, else the broker's, else one.
    /// A share's beta is not taken below zero unless the trader says so.
    pub fn beta(&self, symbol: &Symbol) -> Beta {
        let said = self.0.config.overrides.get(symbol).and_then(|o| o.beta).filter(|b| b.is_finite());
        if let Some(value) = said {
            return Beta { value, source: BetaSource::Override };
        }
        if symbol == self.benchmark() {
            return Beta { value: 1.0, source: BetaSource::Own };
        }
        let floored = |value: f64| if is_index(symbol.as_str()) { value } else { value.max(0.0) };
        if let Some(own) = self.pair(symbol, self.benchmark()).beta {
            return Beta { value: floored(own), source: BetaSource::Own };
        }
        match self.metrics(symbol).and_then(|m| m.beta).filter(|beta| beta.is_finite()) {
            Some(broker) => Beta { value: floored(broker), source: BetaSource::Broker },
            None => Beta { value: 1.0, source: BetaSource::Assumed },
        }
    }

    /// Standard deviation of the next daily return: the trader's word, else EWMA, else the last month's,
    /// else the implied volatility brought to a day.
    pub fn daily_vol(&self, symbol: &Symbol) -> Option<DailyVol> {
        let of = |source| move |value| DailyVol { value, source };
        let said = self.0.config.overrides.get(symbol).and_then(|o| o.daily_vol).filter(|v| *v >= 0.0);
        let single = self.single(symbol);
        let per_day = |annual: f64| annual / 252f64.sqrt();
        said.map(of(DailyVolSource::Override))
            .or(single.ewma_daily.map(of(DailyVolSource::Ewma)))
            .or(single.realised_20.map(per_day).map(of(DailyVolSource::Realised)))
            .or_else(|| self.iv30(symbol).map(|iv| per_day(iv.value)).map(of(DailyVolSource::Implied)))
    }

    /// Of daily returns; where the joint history is too short, through the benchmark.
    pub fn correlation(&self, a: &Symbol, b: &Symbol) -> Option<f64> {
        if a == b {
            return Some(1.0);
        }
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        self.pair(first, second).correlation.or_else(|| {
            let benchmark = self.benchmark();
            if a == benchmark || b == benchmark {
                return None;
            }
            let to_market = |name: &Symbol| self.pair(name, benchmark).correlation;
            Some(to_market(a)? * to_market(b)?)
        })
    }

    /// Realised volatility of the last twenty sessions, per year.
    pub fn rv20(&self, symbol: &Symbol) -> Option<f64> {
        self.single(symbol).realised_20
    }

    /// What the daily bars of finished sessions say; empty where they ended long ago.
    pub fn daily_figures(&self, symbol: &Symbol) -> Single {
        self.single(symbol)
    }

    /// The last session that is over.
    pub fn last_session(&self) -> TradingDate {
        let last = self.last_finished();
        if self.calendar().is_session(last) { last } else { self.calendar().previous_session(last) }
    }

    /// IV30 less realised volatility, in points: what a seller of volatility is paid beyond what came.
    pub fn vol_premium(&self, symbol: &Symbol) -> Option<f64> {
        Some(100.0 * (self.iv30(symbol)?.value - self.rv20(symbol)?))
    }

    /// VIX, VIX3M and VIX9D against each other.
    pub fn volatility_term(&self) -> VolatilityTerm {
        let spot = |name: &str| match Symbol::new(name) {
            Ok(symbol) => self.spot_or_close(&symbol),
            Err(_) => Reading::Unusable { why: Unusable::Missing },
        };
        let (vix, vix3m, vix9d) = (spot("VIX"), spot("VIX3M"), spot("VIX9D"));
        let over = |a: Reading<f64>, b: Reading<f64>| a.zip(b).map(|(a, b)| a / b);
        let young = |reading: &Reading<f64>| self.is_within_a_session(reading);
        let ratio = over(vix, vix3m);
        let short_ratio = over(vix9d, vix);
        let state = match ratio.known() {
            Some(ratio) if young(&vix) && young(&vix3m) => TermState::of_ratio(*ratio),
            _ => TermState::Unknown,
        };
        let is_stressed = match short_ratio.known() {
            Some(ratio) if young(&vix) && young(&vix9d) => Some(*ratio > STRESSED),
            _ => None,
        };
        VolatilityTerm { vix, vix3m, ratio, state, is_stressed }
    }

    /// Live, or read no earlier than in the session before today's.
    fn is_within_a_session(&self, reading: &Reading<f64>) -> bool {
        match reading {
            Reading::Live { .. } => true,
            Reading::Stale { age_seconds, .. } => {
                let read_on = new_york_date(self.now() - TimeDelta::seconds(*age_seconds));
                read_on >= self.calendar().previous_session(new_york_date(self.now()))
            }
            Reading::Unusable { .. } => false,
        }
    }

    pub fn iv30(&self, symbol: &Symbol) -> Option<Iv30> {
        let metrics = self.metrics(symbol)?;
        let usable = |vol: &f64| vol.is_finite() && *vol > 0.0;
        if let Some(value) = metrics.iv_index.filter(usable) {
            return Some(Iv30 { value, source: Iv30Source::BrokerIndex });
        }
        let mut points: Vec<(f64, f64)> = metrics
            .expirations
            .iter()
            .filter(|(_, vol)| usable(vol))
            .map(|(date, vol)| (years_between(self.now(), self.calendar().close_at(*date)) * 365.0, *vol))
            .filter(|(days, _)| *days >= FEWEST_DAYS)
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        interpolate_total_variance(&points, 30.0).map(|value| Iv30 { value, source: Iv30Source::Expirations })
    }

    /// The next dividend, today's ex-date included.
    pub fn next_dividend(&self, symbol: &Symbol) -> Option<Dividend> {
        self.dividend_plan(symbol)?.next(new_york_date(self.now()))
    }

    /// The next dividend is the trader's word, announced, or repeated from an earlier one.
    pub fn dividend_source(&self, symbol: &Symbol) -> Option<DividendSource> {
        let next = self.next_dividend(symbol)?;
        let said = self.0.config.overrides.get(symbol).is_some_and(|o| o.dividends.is_some());
        Some(match (said, next.estimated) {
            (_, true) => DividendSource::Estimated,
            (true, false) => DividendSource::Override,
            (false, false) => DividendSource::Announced,
        })
    }

    /// The trader's date, else the broker's. Where the trader's list has none and the broker one, the broker's
    /// counts: an event too many is the smaller mistake.
    pub fn next_earnings(&self, symbol: &Symbol) -> NextEvent {
        let today = new_york_date(self.now());
        let events = &self.0.config.events;
        if is_index(symbol.as_str()) || events.without_earnings.contains(symbol) {
            return NextEvent::Never;
        }
        let listed = events.earnings.get(symbol).map_or(NextEvent::Unknown, |list| list.next(today));
        if let NextEvent::On(_) = listed {
            return listed;
        }
        match self.metrics(symbol).and_then(|m| m.next_earnings).filter(|date| *date >= today) {
            Some(date) => NextEvent::On(date),
            None => listed,
        }
    }

    /// The discrete dividends, where an amount is known. An index has none: its forward carries them.
    pub(super) fn dividend_plan(&self, symbol: &Symbol) -> Option<DividendPlan> {
        if is_index(symbol.as_str()) {
            return None;
        }
        let said = self.0.config.overrides.get(symbol);
        if let Some(plan) = said.and_then(|o| o.dividends.clone()) {
            return Some(plan);
        }
        if said.is_some_and(|o| o.dividend_yield.is_some()) {
            return None;
        }
        let metrics = self.metrics(symbol)?;
        let amount = crate::domain::Price(metrics.next_dividend?).to_f64();
        let spacing = said.and_then(|o| o.dividend_spacing_days).or_else(|| {
            let spot = *self.spot(symbol).known()?;
            infer_spacing(amount, metrics.dividend_yield?, spot)
        });
        let plan = DividendPlan::new(&[(metrics.next_ex_date?, amount)], spacing);
        // A payment that is over and does not repeat says nothing about the future.
        plan.next(new_york_date(self.now())).is_some().then_some(plan)
    }

    /// The continuous yield, where no discrete dividends are known.
    pub fn dividend_yield(&self, symbol: &Symbol) -> Option<f64> {
        let said = self.0.config.overrides.get(symbol).and_then(|o| o.dividend_yield);
        said.or_else(|| self.metrics(symbol)?.dividend_yield).filter(|q| q.is_finite())
    }

    /// The last date whose session is over.
    fn last_finished(&self) -> TradingDate {
        let today = new_york_date(self.now());
        if self.calendar().close_at(today) <= self.now() { today } else { self.yesterday() }
    }

    fn series(&self, symbol: &Symbol) -> Option<&Arc<Series>> {
        self.0.contents.series.get(symbol)
    }

    /// History that still speaks of the present: it ends within the last sessions.
    fn recent(&self, symbol: &Symbol) -> Option<&Arc<Series>> {
        let last = self.last_finished();
        let series = self.series(symbol)?;
        let end = series.until(last).last()?.date;
        // Far ends are told apart by the calendar alone.
        let near = (last - end).num_days() <= 2 * OLDEST_END_SESSIONS;
        (near && self.calendar().sessions_between(end, last) <= OLDEST_END_SESSIONS as usize)
            .then_some(series)
    }

    fn single(&self, symbol: &Symbol) -> Single {
        let last = self.last_finished();
        self.recent(symbol).map(|s| self.0.contents.memo.single(symbol, s, last)).unwrap_or_default()
    }

    fn pair(&self, a: &Symbol, b: &Symbol) -> Pair {
        let last = self.last_finished();
        match (self.recent(a), self.recent(b)) {
            (Some(x), Some(y)) => self.0.contents.memo.pair((a, x), (b, y), last),
            _ => Pair::default(),
        }
    }

    /// Log returns of two names between finished joint sessions, oldest first, the last `most`.
    pub fn joint_returns(&self, a: &Symbol, b: &Symbol, most: usize) -> (Vec<f64>, Vec<f64>) {
        history::joint_returns(self.finished_bars(a), self.finished_bars(b), most)
    }
}

/// Linear in total variance between the two neighbours of `days`, flat in volatility beyond the ends.
/// `points` are (calendar days, volatility), ascending.
pub fn interpolate_total_variance(points: &[(f64, f64)], days: f64) -> Option<f64> {
    let above = points.partition_point(|point| point.0 < days);
    match (above.checked_sub(1).and_then(|i| points.get(i)), points.get(above)) {
        (Some(a), Some(b)) => {
            let variance = |point: &(f64, f64)| point.1 * point.1 * point.0;
            let weight = (days - a.0) / (b.0 - a.0);
            Some(((variance(a) + weight * (variance(b) - variance(a))) / days).sqrt())
        }
        (Some(end), None) | (None, Some(end)) => Some(end.1),
        (None, None) => None,
    }
}
