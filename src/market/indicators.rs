//! Indicators of daily bars, as charts show them: averages, strength, direction, momentum. The caller hands
//! in the bars of finished sessions only, oldest first; each value is that of the last of them.
//!
//! Never: looks at a bar after the one it speaks of, makes a figure of too few bars.

use crate::domain::{Bar, Trend};

/// With fewer bars there is no indicator at all: an average that has not forgotten its seed misleads.
pub const FEWEST_BARS: usize = 60;
/// Bars without a range among the last sixty from which the range is taken for unknown.
const MOST_WITHOUT_RANGE: usize = 3;
/// Wilder's period, of RSI and ADX alike.
const WILDER: usize = 14;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Macd {
    /// Difference of the averages over 12 and 26 days.
    pub line: f64,
    /// Average of the line over 9 days.
    pub signal: f64,
}

impl Macd {
    pub fn histogram(&self) -> f64 {
        self.line - self.signal
    }
}

/// How strongly prices move in one direction, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Directional {
    pub adx: f64,
    /// +DI and −DI.
    pub plus: f64,
    pub minus: f64,
}

/// `None`: too few bars, or nothing to divide by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Indicators {
    pub ema20: Option<f64>,
    pub sma50: Option<f64>,
    pub rsi14: Option<f64>,
    pub macd: Option<Macd>,
    pub directional: Option<Directional>,
    pub trend: Option<Trend>,
}

impl Indicators {
    pub fn of(bars: &[Bar]) -> Self {
        let Some(last) = bars.last().filter(|_| bars.len() >= FEWEST_BARS) else { return Self::default() };
        let closes: Vec<f64> = bars.iter().map(|bar| bar.close).collect();
        let ema20 = ema(&closes, 20).last().copied();
        let sma50 = simple_mean(&closes[closes.len() - 50..]);
        Self {
            ema20,
            sma50: Some(sma50),
            rsi14: rsi(&closes),
            macd: macd(&closes),
            directional: directional(bars),
            trend: ema20.map(|ema20| trend(last.close, ema20, sma50)),
        }
    }
}

fn trend(close: f64, ema20: f64, sma50: f64) -> Trend {
    if close > ema20 && ema20 > sma50 {
        Trend::Up
    } else if close < ema20 && ema20 < sma50 {
        Trend::Down
    } else {
        Trend::Neutral
    }
}

/// Of what is not empty.
fn simple_mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The average from the day on that completes the first period, which seeds it with its simple mean;
/// `weight` is that of a new value.
fn smoothed(values: &[f64], period: usize, weight: f64) -> Vec<f64> {
    let Some((seed, rest)) = values.split_at_checked(period).filter(|_| period > 0) else {
        return Vec::new();
    };
    let mut average = simple_mean(seed);
    std::iter::once(average)
        .chain(rest.iter().map(|value| {
            average += weight * (value - average);
            average
        }))
        .collect()
}

fn ema(values: &[f64], period: usize) -> Vec<f64> {
    smoothed(values, period, 2.0 / (period as f64 + 1.0))
}

fn wilder(values: &[f64]) -> Vec<f64> {
    smoothed(values, WILDER, 1.0 / WILDER as f64)
}

/// `None` where no close of memory differs from the one before.
fn rsi(closes: &[f64]) -> Option<f64> {
    let moves = |side: fn(f64) -> f64| -> Vec<f64> {
        closes.windows(2).map(|pair| side(pair[1] - pair[0])).collect()
    };
    let gain = *wilder(&moves(|change| change.max(0.0))).last()?;
    let loss = *wilder(&moves(|change| (-change).max(0.0))).last()?;
    (gain + loss > 0.0).then(|| 100.0 * gain / (gain + loss))
}

fn macd(closes: &[f64]) -> Option<Macd> {
    let (fast, slow) = (ema(closes, 12), ema(closes, 26));
    // Both end on the same day.
    let later = fast.len().checked_sub(slow.len())?;
    let line: Vec<f64> = fast[later..].iter().zip(&slow).map(|(fast, slow)| fast - slow).collect();
    Some(Macd { line: *line.last()?, signal: *ema(&line, 9).last()? })
}

/// Of the bars after the last one that is broken. `None` without ranges: a file of closes alone has
/// high = low on every day, and what would come out is not the indicator.
fn directional(bars: &[Bar]) -> Option<Directional> {
    let is_whole = |bar: &Bar| bar.high.is_finite() && bar.low.is_finite() && bar.high >= bar.low;
    let broken = bars.iter().rposition(|bar| !is_whole(bar)).map_or(0, |at| at + 1);
    let bars = bars.get(broken..).filter(|bars| bars.len() >= FEWEST_BARS)?;
    let recent = &bars[bars.len() - FEWEST_BARS..];
    if recent.iter().filter(|bar| bar.high == bar.low).count() > MOST_WITHOUT_RANGE {
        return None;
    }
    let (mut range, mut up, mut down) = (Vec::new(), Vec::new(), Vec::new());
    for pair in bars.windows(2) {
        let (before, bar) = (pair[0], pair[1]);
        let high = bar.high.max(before.close);
        range.push(high - bar.low.min(before.close));
        let (rise, fall) = (bar.high - before.high, before.low - bar.low);
        up.push(if rise > fall && rise > 0.0 { rise } else { 0.0 });
        down.push(if fall > rise && fall > 0.0 { fall } else { 0.0 });
    }
    let (range, up, down) = (wilder(&range), wilder(&up), wilder(&down));
    let share = |moved: f64, range: f64| if range > 0.0 { 100.0 * moved / range } else { 0.0 };
    let of_range: Vec<(f64, f64)> = range
        .iter()
        .zip(up.iter().zip(&down))
        .map(|(range, (up, down))| (share(*up, *range), share(*down, *range)))
        .collect();
    let directions: Vec<f64> =
        of_range.iter().map(|(plus, minus)| share((plus - minus).abs(), plus + minus)).collect();
    let (plus, minus) = *of_range.last()?;
    let adx = *wilder(&directions).last()?;
    Some(Directional { adx, plus, minus })
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};
    use proptest::prelude::*;

    use super::*;
    use crate::market::history::realised_vol;

    fn day(at: usize) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date") + Days::new(at as u64)
    }

    fn bar(at: usize, close: f64, high: f64, low: f64) -> Bar {
        Bar { date: day(at), open: close, high, low, close, volume: None }
    }

    /// The eighty bars of the worked example.
    fn worked() -> Vec<Bar> {
        (0..80)
            .map(|at| {
                let i = at as f64;
                let close = 100.0 + 0.2 * i + 3.0 * (0.35 * i).sin();
                let high = close + 0.8 + 0.3 * (0.5 * i).cos();
                bar(at, close, high, close - 0.9 - 0.25 * (0.4 * i).sin())
            })
            .collect()
    }

    #[test]
    fn the_worked_example_to_its_digits() {
        let bars = worked();
        let of = Indicators::of(&bars);
        let macd = of.macd.expect("a MACD");
        let directional = of.directional.expect("an ADX");
        let cases = [
            ("EMA20", of.ema20.expect("an average"), 114.718_076, 5e-7),
            ("SMA50", of.sma50.expect("an average"), 110.948_125, 5e-7),
            ("RSI14", of.rsi14.expect("an RSI"), 71.906_575_0, 5e-8),
            ("MACD", macd.line, 2.069_124_27, 5e-9),
            ("signal", macd.signal, 1.698_638_82, 5e-9),
            ("histogram", macd.histogram(), 0.370_485_450, 5e-10),
            ("ADX14", directional.adx, 32.771_486_6, 5e-8),
            ("+DI", directional.plus, 27.064_354_2, 5e-8),
            ("−DI", directional.minus, 11.752_949_4, 5e-8),
            ("RV20", realised_vol(&bars, 20).expect("a volatility"), 0.103_361_445, 5e-10),
        ];
        for (name, got, want, half_a_digit) in cases {
            assert!((got - want).abs() <= half_a_digit, "{name}: {got} for {want}");
        }
        assert_eq!(of.trend, Some(Trend::Up));
    }

    #[test]
    fn too_few_bars_give_nothing() {
        let bars = worked();
        for count in 0..FEWEST_BARS {
            assert_eq!(Indicators::of(&bars[..count]), Indicators::default(), "{count}");
        }
        let enough = Indicators::of(&bars[..FEWEST_BARS]);
        assert!(enough.macd.is_some() && enough.directional.is_some() && enough.trend.is_some());
    }

    #[test]
    fn what_cannot_be_known_is_not_zero() {
        let still: Vec<Bar> = (0..80).map(|at| bar(at, 100.0, 101.0, 99.0)).collect();
        let of = Indicators::of(&still);
        assert_eq!((of.rsi14, of.trend, of.ema20), (None, Some(Trend::Neutral), Some(100.0)));
        let closes_only: Vec<Bar> =
            worked().iter().map(|b| Bar { high: b.close, low: b.close, ..*b }).collect();
        let of = Indicators::of(&closes_only);
        assert!(of.directional.is_none() && of.rsi14.is_some(), "a file of closes gives no ADX");
        let mut broken = worked();
        broken[70].high = f64::NAN;
        assert_eq!(Indicators::of(&broken).directional, None);
        let mut healed = vec![Bar { high: 1.0, low: 2.0, ..worked()[0] }];
        healed.extend(worked().split_off(1));
        let whole = Indicators::of(&worked()[1..]).directional;
        assert_eq!((Indicators::of(&healed).directional, whole.is_some()), (whole, true));
    }

    #[test]
    fn trends_by_their_order() {
        let falling: Vec<Bar> = worked()
            .iter()
            .enumerate()
            .map(|(at, b)| {
                let close = 300.0 - b.close;
                bar(at, close, close + 1.0, close - 1.0)
            })
            .collect();
        assert_eq!(Indicators::of(&falling).trend, Some(Trend::Down));
        assert_eq!(trend(100.0, 99.0, 99.5), Trend::Neutral);
        assert_eq!(trend(100.0, 100.0, 99.0), Trend::Neutral);
        let rising: Vec<Bar> = (0..80).map(|at| bar(at, at as f64 + 50.0, at as f64 + 51.0, 1.0)).collect();
        assert_eq!(Indicators::of(&rising).rsi14, Some(100.0), "nothing but gains");
    }

    proptest! {
        /// No look-ahead: what was said of a day does not change with what came after it.
        #[test]
        fn a_later_bar_changes_no_earlier_value(
            closes in prop::collection::vec(1.0..1000.0f64, 60..140), later in 1.0..1000.0f64, period in 1usize..30,
        ) {
            let mut longer = closes.clone();
            longer.push(later);
            for of in [ema, |values: &[f64], _| wilder(values)] {
                let (before, after) = (of(&closes, period), of(&longer, period));
                prop_assert_eq!(&after[..after.len() - 1], &before[..]);
            }
        }

        #[test]
        fn percentages_stay_within_a_hundred(
            steps in prop::collection::vec((-0.05..0.05f64, 0.0..0.03f64, 0.0..0.03f64), 60..140),
        ) {
            let mut close = 100.0;
            let bars: Vec<Bar> = steps
                .iter()
                .enumerate()
                .map(|(at, (step, above, below))| {
                    close *= f64::exp(*step);
                    bar(at, close, close * (1.0 + above), close * (1.0 - below))
                })
                .collect();
            let of = Indicators::of(&bars);
            let directional = of.directional.expect("ranges");
            for value in [of.rsi14.expect("moves"), directional.adx, directional.plus, directional.minus] {
                prop_assert!((0.0..=100.0 + 1e-9).contains(&value), "{}", value);
            }
        }
    }
}
