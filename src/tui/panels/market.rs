//! Panel 1: indices, volatility, rates, the calendar of this book; then the answer and the strips.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, overview, regime, span};
use crate::snapshot::Shown;
use crate::snapshot::market::{MarketQuote, TermState};
use crate::tui::format::{self, figure, plain, plain1, plain2, signed1, signed2};
use crate::tui::layout::{Shape, shape};
use crate::tui::paint::{Part, fit, put_line};
use crate::tui::table::Look;

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let full = shape(scene.ui.size.0, scene.ui.size.1) == Shape::Full && !scene.ui.zoom;
    let area = if scene.ui.zoom { draw_zoomed(scene, area, buf) } else { area };
    let mut rest = if scene.ui.zoom { Vec::new() } else { market_lines(scene, area.width) };
    rest.extend(overview_lines(scene, area.width, full));
    if !full {
        rest.extend(overview::limits(scene, area.width));
        rest.extend(overview::warnings(scene, area.width));
    }
    put_lines(&rest, area, buf);
}

fn put_lines(lines: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    for (row, line) in lines.iter().enumerate().take(usize::from(area.height)) {
        put_line(buf, area, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
}

/// Calendar, dates, portfolios and the nearest limits keep their room below the table.
const ROWS_BELOW: u16 = 6;

/// Quotes, a row for each name, the calendar and how far its dates go; answers what is left below.
fn draw_zoomed(scene: Scene<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let below = |area: Rect, rows: u16| {
        let rows = rows.min(area.height);
        Rect { y: area.y + rows, height: area.height - rows, ..area }
    };
    let limit = usize::from(area.width);
    put_line(buf, area, 0, &Line::from(fit(&quotes(scene), &Span::raw("   "), limit)));
    let area = below(area, 1);
    let mut table = regime::table(scene);
    let names = table.rows.len();
    let rows = u16::try_from(names + 1).unwrap_or(u16::MAX).min(area.height.saturating_sub(ROWS_BELOW));
    let shown = usize::from(rows.saturating_sub(1));
    if shown < names {
        table.rows.truncate(shown.saturating_sub(1));
        let words = format!("and {} more names; a taller terminal shows them", names - table.rows.len());
        put_line(
            buf,
            Rect { height: rows, ..area },
            rows.saturating_sub(1),
            &Line::styled(words, scene.theme().near),
        );
    }
    let look = Look { head: scene.theme().head, highlight: scene.theme().text, selected: None, offset: 0 };
    // With room for one line it is the one that says what is missing, not a head over nothing.
    if rows > 1 {
        table.render(Rect { height: rows, ..area }, buf, look);
    }
    let area = below(area, rows);
    let gap = Span::styled(" · ", scene.theme().dim);
    put_line(buf, area, 0, &Line::from(fit(&calendar(scene), &gap, limit)));
    put_line(buf, area, 1, &Line::from(fit(&regime::events(scene), &gap, limit)));
    below(area, 2)
}

/// The body: three lines of market, then the overview unless it is pinned above.
pub fn lines(scene: Scene<'_>, width: u16, with_answer: bool) -> Vec<Line<'static>> {
    let mut lines = market_lines(scene, width);
    lines.extend(overview_lines(scene, width, with_answer));
    lines
}

fn market_lines(scene: Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let limit = usize::from(width);
    let quotes = fit(&quotes(scene), &Span::raw("   "), limit);
    let calendar = fit(&calendar(scene), &Span::styled(" · ", scene.theme().dim), limit);
    vec![Line::from(quotes), regime::line(scene, limit), Line::from(calendar)]
}

fn overview_lines(scene: Scene<'_>, width: u16, with_answer: bool) -> Vec<Line<'static>> {
    let limit = usize::from(width);
    let mut lines = Vec::new();
    if with_answer {
        lines.extend(overview::answer(scene, limit));
        lines.push(overview::account(scene, limit));
    }
    lines.extend(overview::portfolios(scene, limit));
    lines
}

fn quotes(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let market = &scene.snapshot.market;
    let mut parts: Vec<Part> = halted(scene).into_iter().collect();
    for (at, quote) in market.quotes.iter().enumerate() {
        let rank = u8::try_from(at).unwrap_or(u8::MAX).saturating_mul(2).min(40);
        parts.push(quote_part(scene, quote, rank, at == 0));
    }
    parts.push(level(scene, "VIX", &market.vix, Some(&market.vix_change), 1));
    parts.push(level(scene, "VIX3M", &market.vix3m, None, 7));
    if !market.iv_ranks.is_empty() {
        let ranks = |most: usize| {
            let mut spans = vec![span("IVR", theme.dim)];
            for rank in market.iv_ranks.iter().take(most) {
                let value = figure(&rank.rank, plain);
                spans.push(span(format!(" {} ", rank.symbol), theme.text));
                spans.push(span(value.text, theme.neutral(value.standing)));
            }
            spans
        };
        // The benchmark and the two richest; where that is too long, the benchmark.
        parts.push(Part::new(9, ranks(3)).or(ranks(1)));
    }
    let rate =
        market.rate_3m.map_or_else(|| format::UNKNOWN.to_owned(), |r| format!("{} %", plain2(r * 100.0)));
    parts.push(Part::new(11, vec![span("3m ", theme.dim), span(rate, theme.text)]));
    parts
}

/// Stands before everything else: what it says of prices is truer than they are.
fn halted(scene: Scene<'_>) -> Option<Part> {
    let names = scene.snapshot.market.halted.iter().map(ToString::to_string).collect::<Vec<_>>();
    (!names.is_empty()).then(|| {
        let words = |count: usize| match names.len() - count {
            0 => format!("HALTED {}", names.join(" ")),
            more => format!("HALTED {} +{more}", names[..count].join(" ")),
        };
        let style = scene.theme().breach;
        Part::text(0, words(names.len()), style).or(vec![span(words(1), style)]).kept()
    })
}

fn quote_part(scene: Scene<'_>, quote: &MarketQuote, rank: u8, benchmark: bool) -> Part {
    let theme = scene.theme();
    let last = figure(&quote.last, plain2);
    let change = figure(&quote.change_percent, signed2);
    let mut short =
        vec![span(format!("{} ", quote.symbol), theme.strong), span(last.text, theme.neutral(last.standing))];
    if quote.last.value.is_some() || quote.change_percent.value.is_some() {
        let change_words = format!(" {}", format::with_unit(&change.text, "%"));
        short.push(span(change_words, theme.pnl(change.standing, change.sign)));
    }
    if !benchmark || quote.sigma_percent.value.is_none() {
        return Part::new(rank, short);
    }
    let sigma = figure(&quote.sigma_percent, plain2);
    let mut long = short.clone();
    long.push(span(scene.prose(&format!(" (1σ ±{})", sigma.text)), theme.dim));
    Part::new(rank, long).or(short)
}

fn level(scene: Scene<'_>, name: &str, value: &Shown<f64>, change: Option<&Shown<f64>>, rank: u8) -> Part {
    let theme = scene.theme();
    let value = figure(value, plain1);
    let mut spans =
        vec![span(format!("{name} "), theme.text), span(value.text, theme.neutral(value.standing))];
    if let Some(change) = change.filter(|change| change.value.is_some()) {
        let change = figure(change, signed1);
        spans.push(span(format!(" {}", change.text), theme.neutral(change.standing)));
    }
    Part::new(rank, spans)
}

fn calendar(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let items = &scene.snapshot.market.calendar;
    if items.is_empty() {
        return vec![Part::text(0, "nothing in the calendar for this book", theme.dim)];
    }
    let today = scene.snapshot.header.exchange_time.date();
    let part = |(at, item): (usize, &crate::snapshot::market::CalendarItem)| {
        let text = format!("{} {}", format::date(item.date, today), scene.prose(&item.words));
        Part::text(u8::try_from(at + 1).unwrap_or(u8::MAX), text, theme.text)
    };
    items.iter().enumerate().map(part).collect()
}

pub fn remarks(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let market = &scene.snapshot.market;
    let premium = figure(&market.vol_premium, signed1);
    let ratio = figure(&market.term_ratio, plain2);
    let style = term_style(scene);
    vec![
        Part::text(
            2,
            format!("VRP {}", format::with_unit(&premium.text, " pt")),
            theme.neutral(premium.standing),
        ),
        Part::new(
            1,
            vec![
                span(format!("VIX/VIX3M {} ", ratio.text), theme.neutral(ratio.standing)),
                span(term_words(market.term_state), style),
                span(if market.term_stress == Some(true) { ", VIX9D STRESS" } else { "" }, theme.near),
            ],
        ),
    ]
}

pub fn headline(scene: Scene<'_>) -> Vec<Part> {
    let theme = scene.theme();
    let market = &scene.snapshot.market;
    let mut parts: Vec<Part> = halted(scene).into_iter().collect();
    for (at, quote) in market.quotes.iter().take(3).enumerate() {
        let change = figure(&quote.change_percent, signed2);
        let rank = if at == 0 { 1 } else { u8::try_from(at + 3).unwrap_or(u8::MAX) };
        parts.push(Part::new(
            rank,
            vec![
                span(format!("{} ", quote.symbol), theme.text),
                span(change.text, theme.pnl(change.standing, change.sign)),
            ],
        ));
    }
    let vix = figure(&market.vix, plain1);
    let change = figure(&market.vix_change, signed1);
    let level =
        span(format!("VIX {}", format::with_change(&vix.text, &change.text)), theme.neutral(vix.standing));
    let term = span(format!(" {}", term_words(market.term_state)), term_style(scene));
    parts.push(Part::new(2, vec![level.clone(), term]).or(vec![level]));
    let today = scene.snapshot.header.exchange_time.date();
    if let Some(next) = market.calendar.first() {
        let text = format!("{} {}", format::date(next.date, today), scene.prose(&next.words));
        parts.push(Part::text(3, text, theme.dim));
    }
    parts
}

fn term_words(state: TermState) -> &'static str {
    match state {
        TermState::Contango => "contango",
        TermState::Flat => "flat",
        TermState::Backwardation => "BACKWARDATION",
        TermState::Unknown => "term structure unknown",
    }
}

fn term_style(scene: Scene<'_>) -> ratatui::style::Style {
    let theme = scene.theme();
    match scene.snapshot.market.term_state {
        TermState::Contango | TermState::Flat => theme.text,
        TermState::Backwardation | TermState::Unknown => theme.near,
    }
}
