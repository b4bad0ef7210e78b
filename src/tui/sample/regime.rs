//! How the names of the sample stand by their daily bars, and how far the dates of events are known.

use chrono::NaiveDate;

use super::{day, live, symbol};
use crate::snapshot::market::{DatedEvent, DatedKind, RegimeRow, Trend};
use crate::snapshot::{Shown, Standing};

/// Of three names a full row, of one no bars, of one bars that ended early and without ranges.
pub(super) fn regime() -> Vec<RegimeRow> {
    const NONE: f64 = f64::NAN;
    let row = |name: &str, trend: Option<Trend>, bars_to, figures: [f64; 15]| {
        let bars = if bars_to == Some(day(11, 19)) { Standing::Live } else { Standing::Stale };
        let shown = |at: usize| Shown::of(Some(figures[at]).filter(|value| !value.is_nan()), bars);
        let slow = |at: usize| live(figures[at]);
        RegimeRow {
            symbol: symbol(name),
            bars_to,
            trend: Shown::of(trend, bars),
            rsi14: shown(0),
            adx14: shown(1),
            plus_di14: shown(2),
            minus_di14: shown(3),
            macd: shown(4),
            macd_signal: shown(5),
            macd_histogram: shown(6),
            ema20: shown(7),
            sma50: shown(8),
            rv20: shown(9),
            vol_premium: shown(10),
            variance_ratio: shown(11),
            iv30: slow(12),
            iv_rank: slow(13),
            iv_percentile: slow(14),
        }
    };
    let spy = [61.9, 22.4, 27.1, 16.3, 4.18, 3.52, 0.66, 675.31, 668.04, 10.7, 3.1, 1.66, 13.8, 23.0, 36.0];
    let qqq = [58.2, 18.7, 24.9, 19.8, 3.07, 3.21, -0.14, 606.9, 598.77, 15.6, 3.4, 1.48, 19.0, 31.0, 44.0];
    let iwm =
        [46.3, 27.9, 17.2, 25.5, -1.02, -0.61, -0.41, 245.6, 247.11, 21.9, -1.4, 0.88, 20.5, 28.0, 40.0];
    let mut tlt = [NONE; 15];
    tlt[12..].copy_from_slice(&[12.5, 40.0, 52.0]);
    let nvda = [41.5, NONE, NONE, NONE, -2.3, -1.1, -1.2, 189.9, 184.2, 44.0, -4.0, 0.83, 40.0, 62.0, 71.0];
    vec![
        row("SPY", Some(Trend::Up), Some(day(11, 19)), spy),
        row("QQQ", Some(Trend::Up), Some(day(11, 19)), qqq),
        row("IWM", Some(Trend::Down), Some(day(11, 19)), iwm),
        row("TLT", None, None, tlt),
        row("NVDA", Some(Trend::Neutral), Some(day(11, 17)), nvda),
    ]
}

pub(super) fn events() -> Vec<DatedEvent> {
    let of = |kind, name: Option<&str>, next, unknown_after| DatedEvent {
        kind,
        symbol: name.map(symbol),
        next,
        unknown_after,
    };
    vec![
        of(DatedKind::Fomc, None, Some(day(12, 9)), NaiveDate::from_ymd_opt(2027, 12, 8)),
        of(DatedKind::Cpi, None, Some(day(12, 10)), Some(day(12, 10))),
        of(DatedKind::Earnings, Some("NVDA"), None, None),
    ]
}
