//! What daily bars say: returns, realised and daily volatility, beta, correlation. Series are joined on
//! their common dates before returns are taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::indicators::Indicators;
use crate::domain::{Bar, Symbol, TradingDate};
use crate::numerics::stats;

/// RiskMetrics decay.
pub const DECAY: f64 = 0.94;
const SEED_DAYS: usize = 20;
/// Fewer returns than this give no EWMA and no beta.
pub const FEWEST_RETURNS: usize = 60;
const BETA_WINDOW: usize = 252;
/// Older returns weigh less than 1e-13 and only cost time.
const EWMA_WINDOW: usize = 500;
const SESSIONS_PER_YEAR: f64 = 252.0;

pub fn log_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

fn closes(bars: &[Bar]) -> Vec<f64> {
    bars.iter().map(|bar| bar.close).collect()
}

fn tail<T>(values: &[T], most: usize) -> &[T] {
    &values[values.len().saturating_sub(most)..]
}

/// Annual volatility of the last `days` daily log returns, demeaned, over √252.
pub fn realised_vol(bars: &[Bar], days: usize) -> Option<f64> {
    let returns = log_returns(&closes(tail(bars, days + 1)));
    if returns.len() < days {
        return None;
    }
    stats::sample_deviation(&returns).map(|sigma| sigma * SESSIONS_PER_YEAR.sqrt())
}

/// Daily volatility for tomorrow: EWMA around zero, seeded by the first twenty days.
pub fn ewma_daily_vol(bars: &[Bar]) -> Option<f64> {
    let returns = log_returns(&closes(tail(bars, EWMA_WINDOW + 1)));
    ewma_covariance(&returns, &returns).map(f64::sqrt)
}

fn ewma_covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < FEWEST_RETURNS || a.len() != b.len() {
        return None;
    }
    let (seed_a, rest_a) = a.split_at(SEED_DAYS);
    let (seed_b, rest_b) = b.split_at(SEED_DAYS);
    let (mean_a, mean_b) = (stats::mean(seed_a)?, stats::mean(seed_b)?);
    let sum: f64 = seed_a.iter().zip(seed_b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    let seed = sum / (SEED_DAYS - 1) as f64;
    Some(stats::ewma_covariance(seed, DECAY, rest_a, rest_b))
}

/// Log returns of two names between the dates that both have, oldest first, the last `most` of them.
pub fn joint_returns(a: &[Bar], b: &[Bar], most: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.date.cmp(&y.date) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                left.push(x.close);
                right.push(y.close);
                i += 1;
                j += 1;
            }
        }
    }
    (log_returns(tail(&left, most + 1)), log_returns(tail(&right, most + 1)))
}

/// EWMA correlation on joint dates.
pub fn ewma_correlation(a: &[Bar], b: &[Bar]) -> Option<f64> {
    let (x, y) = joint_returns(a, b, EWMA_WINDOW);
    let covariance = ewma_covariance(&x, &y)?;
    let scale = (ewma_covariance(&x, &x)? * ewma_covariance(&y, &y)?).sqrt();
    (scale > 0.0).then(|| (covariance / scale).clamp(-1.0, 1.0))
}

/// Least-squares beta on the benchmark over the last 252 joint days, drawn a third of the way to one
/// (Blume). Not floored here.
pub fn blume_beta(own: &[Bar], benchmark: &[Bar]) -> Option<f64> {
    let (y, x) = joint_returns(own, benchmark, BETA_WINDOW);
    if x.len() < FEWEST_RETURNS {
        return None;
    }
    stats::slope(&x, &y).map(|raw| 0.67 * raw + 0.33)
}

/// The bars of one name: ascending by date, one per date, closes positive.
#[derive(Debug, Clone, Default)]
pub struct Series {
    bars: Vec<Bar>,
    /// Counts rewritings of the past, so that what was derived from it is derived again.
    rewritten: u64,
}

/// Four years of sessions; older bars are dropped.
const MOST_BARS: usize = 1_008;

impl Series {
    /// Replaces what was known from the first new bar's date on.
    pub fn replace_from(&mut self, fresh: &[Bar]) {
        let mut fresh: Vec<Bar> =
            fresh.iter().copied().filter(|bar| bar.close.is_finite() && bar.close > 0.0).collect();
        fresh.sort_by_key(|bar| bar.date);
        fresh.dedup_by_key(|bar| bar.date);
        let Some(first) = fresh.first() else { return };
        if self.bars.last().is_some_and(|last| first.date < last.date) {
            self.rewritten += 1;
        }
        let kept = self.bars.partition_point(|bar| bar.date < first.date);
        self.bars.truncate(kept);
        self.bars.append(&mut fresh);
        let surplus = self.bars.len().saturating_sub(MOST_BARS);
        self.bars.drain(..surplus);
    }

    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// Bars up to and including `last`.
    pub fn until(&self, last: TradingDate) -> &[Bar] {
        &self.bars[..self.bars.partition_point(|bar| bar.date <= last)]
    }

    /// Changes whenever the bars up to `last` do.
    fn fingerprint(&self, last: TradingDate) -> Fingerprint {
        let bars = self.until(last);
        (
            self.rewritten,
            bars.len(),
            bars.last().map(|bar| bar.date),
            bars.last().map(|bar| bar.close.to_bits()),
        )
    }
}

type Fingerprint = (u64, usize, Option<TradingDate>, Option<u64>);
type PairMemo = HashMap<(Symbol, Symbol), (Fingerprint, Fingerprint, Pair)>;

/// Figures of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Single {
    /// The last session in them.
    pub as_of: Option<TradingDate>,
    pub realised_20: Option<f64>,
    pub ewma_daily: Option<f64>,
    pub indicators: Indicators,
}

/// Figures of a name against another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    pub correlation: Option<f64>,
    /// Of the first on the second.
    pub beta: Option<f64>,
}

/// Derived figures, kept as long as the bars they come from. Shared by all pictures of one board.
#[derive(Debug, Default)]
pub struct HistoryMemo {
    singles: Mutex<HashMap<Symbol, (Fingerprint, Single)>>,
    pairs: Mutex<PairMemo>,
}

impl HistoryMemo {
    pub fn single(&self, symbol: &Symbol, series: &Series, last: TradingDate) -> Single {
        let print = series.fingerprint(last);
        let mut memo = self.singles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, figures)) = memo.get(symbol)
            && *of == print
        {
            return *figures;
        }
        let bars = series.until(last);
        let figures = Single {
            as_of: bars.last().map(|bar| bar.date),
            realised_20: realised_vol(bars, 20),
            ewma_daily: ewma_daily_vol(bars),
            indicators: Indicators::of(bars),
        };
        memo.insert(symbol.clone(), (print, figures));
        figures
    }

    pub fn pair(&self, a: (&Symbol, &Series), b: (&Symbol, &Series), last: TradingDate) -> Pair {
        let prints = (a.1.fingerprint(last), b.1.fingerprint(last));
        let key = (a.0.clone(), b.0.clone());
        let mut memo = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_a, of_b, figures)) = memo.get(&key)
            && (*of_a, *of_b) == prints
        {
            return *figures;
        }
        let (x, y) = (a.1.until(last), b.1.until(last));
        let figures = Pair { correlation: ewma_correlation(x, y), beta: blume_beta(x, y) };
        memo.insert(key, (prints.0, prints.1, figures));
        figures
    }
}

/// All series of a board; cheap to share.
pub type SeriesBySymbol = Arc<HashMap<Symbol, Arc<Series>>>;

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn start() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date")
    }

    fn bars(returns: &[f64]) -> Vec<Bar> {
        let mut close = 100.0;
        std::iter::once(&0.0)
            .chain(returns)
            .enumerate()
            .map(|(day, r)| {
                close *= f64::exp(*r);
                let date = start() + Days::new(day as u64);
                Bar { date, open: close, high: close, low: close, close, volume: None }
            })
            .collect()
    }

    /// A fixed zigzag: no randomness, no pattern that hides an offset by one.
    fn wave(n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|i| size * ((i * i * 7 + i * 3) % 13) as f64 / 13.0 - size / 2.0).collect()
    }

    #[test]
    fn realised_volatility_is_demeaned_and_annual() {
        let zigzag: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 0.011 } else { -0.009 }).collect();
        let got = realised_vol(&bars(&zigzag), 20).expect("a figure");
        let want = 0.01 * (20.0f64 / 19.0).sqrt() * 252f64.sqrt();
        assert!((got - want).abs() < 1e-12, "{got}");
        assert_eq!(realised_vol(&bars(&zigzag[1..]), 20), None);
    }

    #[test]
    fn a_name_that_moves_one_and_a_half_times_the_benchmark() {
        let market = wave(100, 0.02);
        let own: Vec<f64> = market.iter().map(|r| 1.5 * r).collect();
        let beta = blume_beta(&bars(&own), &bars(&market)).expect("a beta");
        assert!((beta - (0.67 * 1.5 + 0.33)).abs() < 1e-9, "{beta}");
        let correlation = ewma_correlation(&bars(&own), &bars(&market)).expect("a correlation");
        assert!((correlation - 1.0).abs() < 1e-9);
        let ratio =
            ewma_daily_vol(&bars(&own)).expect("a vol") / ewma_daily_vol(&bars(&market)).expect("a vol");
        assert!((ratio - 1.5).abs() < 1e-9);
        assert_eq!(ewma_daily_vol(&bars(&wave(59, 0.02))), None);
    }

    #[test]
    fn only_common_dates_make_returns() {
        let a = bars(&[0.01, 0.02, 0.03]);
        let mut b = bars(&[0.01, 0.02, 0.03]);
        b.remove(1);
        let (x, y) = joint_returns(&a, &b, 10);
        assert_eq!(x.len(), 2);
        assert!((x[0] - 0.03).abs() < 1e-12 && (x[0] - y[0]).abs() < 1e-15);
    }

    #[test]
    fn new_bars_replace_the_past_from_their_first_date_on() {
        let mut series = Series::default();
        series.replace_from(&bars(&[0.0; 5]));
        let before = series.fingerprint(start() + Days::new(3));
        let mut today = *series.bars().last().expect("a bar");
        today.close = 120.0;
        series.replace_from(&[today]);
        assert_eq!(series.bars().len(), 6);
        assert_eq!(before, series.fingerprint(start() + Days::new(3)), "today's bar leaves the past alone");
        let mut old = series.bars()[2];
        old.close = 50.0;
        series.replace_from(&[old]);
        assert_eq!(series.bars().len(), 3);
        assert_ne!(before, series.fingerprint(start() + Days::new(3)));
        series.replace_from(&[Bar { close: f64::NAN, ..old }]);
        assert_eq!(series.bars().len(), 3, "a bar without a close is no bar");
    }
}
