//! How each name stands by its daily bars and its volatilities: one line of panel 1, a table in its zoom; and
//! how far the dates of events are known.

use ratatui::text::{Line, Span};

use super::{Scene, span};
use crate::snapshot::Shown;
use crate::snapshot::market::{DatedEvent, DatedKind, RegimeRow, Trend};
use crate::tui::format::{self, UNKNOWN, figure, plain, plain1, plain2, signed1, signed2};
use crate::tui::paint::{Part, fit};
use crate::tui::table::{Cell, Column, Table};

/// `SPY up RSI 62 ADX 22 …   QQQ down …`: names without bars are left to the table, but the benchmark stands
/// whatever is known of it.
pub fn line(scene: Scene<'_>, limit: usize) -> Line<'static> {
    let rows = &scene.snapshot.market.regime;
    let known = |(at, row): &(usize, &RegimeRow)| *at == 0 || row.trend.value.is_some();
    let parts: Vec<Part> =
        rows.iter().enumerate().filter(known).map(|(at, row)| part(scene, row, at)).collect();
    Line::from(fit(&parts, &Span::raw("   "), limit))
}

fn part(scene: Scene<'_>, row: &RegimeRow, at: usize) -> Part {
    let theme = scene.theme();
    let labelled = |label: &str, shown: &Shown<f64>, words: fn(f64) -> String| {
        let figure = figure(shown, words);
        [span(format!(" {label} "), theme.dim), span(figure.text, theme.neutral(figure.standing))]
    };
    let trend = trend(&row.trend);
    let short =
        vec![span(format!("{} ", row.symbol), theme.strong), span(trend, theme.neutral(row.trend.standing))];
    let mut medium = short.clone();
    medium.extend(labelled("RSI", &row.rsi14, plain));
    medium.extend(labelled("ADX", &row.adx14, plain));
    let mut long = medium.clone();
    long.extend(labelled("MACD hist", &row.macd_histogram, signed2));
    long.extend(labelled("RV", &row.rv20, plain1));
    long.extend(labelled("VRP", &row.vol_premium, signed1));
    Part::new(u8::try_from(at + 1).unwrap_or(u8::MAX), long).or(medium).or(short)
}

fn trend(shown: &Shown<Trend>) -> String {
    figure(shown, |trend| trend.words().to_owned()).text
}

pub fn table(scene: Scene<'_>) -> Table {
    let columns = vec![
        Column::text("", 0, 6, 8),
        Column::text("trend", 1, 8, 8),
        Column::figure("RSI", 1),
        Column::figure("ADX", 1),
        Column::figure("+DI", 6),
        Column::figure("−DI", 6),
        Column::figure("MACD", 7),
        Column::figure("signal", 7),
        Column::figure("hist", 2),
        Column::figure("EMA20", 8),
        Column::figure("SMA50", 8),
        Column::figure("RV20", 2),
        Column::figure("IV30", 4),
        Column::figure("VRP", 1),
        Column::figure("IV²/RV²", 9),
        Column::figure("IVR", 3),
        Column::figure("IVP", 3),
        Column::text("bars to", 5, 9, 9),
    ];
    let rows = scene.snapshot.market.regime.iter().map(|row| cells(scene, row)).collect();
    Table { columns, rows, total: None }
}

fn cells(scene: Scene<'_>, row: &RegimeRow) -> Vec<Cell> {
    let theme = scene.theme();
    let today = scene.snapshot.header.exchange_time.date();
    let cell = |shown: &Shown<f64>, words: fn(f64) -> String| {
        let figure = figure(shown, words);
        let style = theme.neutral(figure.standing);
        Cell::figure(figure, style)
    };
    let bars = row.bars_to.map_or_else(|| UNKNOWN.to_owned(), |last| format::date(last, today));
    vec![
        Cell::new(row.symbol.as_str(), theme.strong),
        Cell::new(trend(&row.trend), theme.neutral(row.trend.standing)),
        cell(&row.rsi14, plain1),
        cell(&row.adx14, plain1),
        cell(&row.plus_di14, plain1),
        cell(&row.minus_di14, plain1),
        cell(&row.macd, signed2),
        cell(&row.macd_signal, signed2),
        cell(&row.macd_histogram, signed2),
        cell(&row.ema20, plain2),
        cell(&row.sma50, plain2),
        cell(&row.rv20, plain1),
        cell(&row.iv30, plain1),
        cell(&row.vol_premium, signed1),
        cell(&row.variance_ratio, plain2),
        cell(&row.iv_rank, plain),
        cell(&row.iv_percentile, plain),
        Cell::new(bars, theme.dim),
    ]
}

/// `FOMC Wed 9 Dec, unknown after 8 Dec 2027`: what is not known is said, never left out.
pub fn events(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let today = scene.snapshot.header.exchange_time.date();
    let part = |(at, event): (usize, &DatedEvent)| {
        let name = match (event.kind, &event.symbol) {
            (DatedKind::Fomc, _) => "FOMC".to_owned(),
            (DatedKind::Cpi, _) => "CPI".to_owned(),
            (DatedKind::Earnings, Some(symbol)) => format!("{symbol} earnings"),
            (DatedKind::Earnings, None) => "earnings".to_owned(),
        };
        let words = match (event.next, event.unknown_after) {
            (Some(next), Some(known)) if known > next => {
                format!("{name} {}, unknown after {}", format::date(next, today), format::date(known, today))
            }
            (Some(next), _) => format!("{name} {}, then unknown", format::date(next, today)),
            (None, Some(known)) => format!("{name} unknown after {}", format::date(known, today)),
            (None, None) => format!("{name} unknown"),
        };
        let style = if event.next.is_some() { theme.text } else { theme.near };
        Part::text(u8::try_from(at + 1).unwrap_or(u8::MAX), words, style)
    };
    scene.snapshot.market.events.iter().enumerate().map(part).collect()
}
