//! The answer, the account strip and the portfolio strip: what stays in sight at every size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::answer::fitting;
use super::{Scene, span};
use crate::domain::LimitState;
use crate::snapshot::overview::{AnswerState, StripKind};
use crate::snapshot::risk::RiskRow;
use crate::snapshot::{LimitRow, PortfolioStrip};
use crate::tui::format::{self, cut, figure, kilo, percent, plain, signed, width, wrap};
use crate::tui::paint::{Part, fit, put_line};

/// Two lines for the shapes in which panel 1 is closed or zoomed away.
pub fn draw_pinned(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let limit = usize::from(area.width);
    put_line(buf, area, 0, &short_answer(scene, limit));
    put_line(buf, area, 1, &short_account(scene, limit));
}

fn answer_style(scene: Scene<'_>) -> Style {
    let theme = scene.theme();
    match scene.snapshot.answer.state {
        AnswerState::Within => theme.good,
        AnswerState::Near | AnswerState::Unknown => theme.near,
        AnswerState::Breached => theme.breach,
    }
}

/// The whole sentence; the near limits on the same line where they fit, else on a second one.
pub fn answer(scene: Scene<'_>, limit: usize) -> Vec<Line<'static>> {
    let theme = scene.theme();
    let (mut first, used) = answer_spans(scene, 2, limit);
    let near_beside = near(scene, limit.saturating_sub(used + 3));
    let complete = width(&near_beside) > 0 && !near_beside.ends_with("more");
    if complete {
        first.push(span("   ", theme.text));
        first.push(span(near_beside, theme.near));
        return vec![Line::from(first)];
    }
    let mut lines = vec![Line::from(first)];
    if !scene.snapshot.answer.near.is_empty() {
        lines.push(Line::styled(near(scene, limit), theme.near));
    }
    lines
}

/// Headline and sentence with `gap` blanks between, and how wide they are.
fn answer_spans(scene: Scene<'_>, gap: usize, limit: usize) -> (Vec<Span<'static>>, usize) {
    let theme = scene.theme();
    let answer = &scene.snapshot.answer;
    let (head, tail) = fitting(
        &scene.prose(&answer.headline),
        &scene.prose(&answer.sentence),
        &scene.prose(&answer.short),
        gap,
        limit,
    );
    let used = width(&head) + gap + width(&tail);
    let spans =
        vec![span(head, answer_style(scene)), span(" ".repeat(gap), theme.text), span(tail, theme.text)];
    (spans, used)
}

/// `Near: NVDA VaR95 93 % (Core), +2 more`: each item whole, the rest counted.
fn near(scene: Scene<'_>, limit: usize) -> String {
    let items = &scene.snapshot.answer.near;
    for shown in (1..=items.len()).rev() {
        let mut text = format!("Near: {}", scene.prose(&items[..shown].join(", ")));
        if shown < items.len() {
            text = format!("{text}, +{} more", items.len() - shown);
        }
        if width(&text) <= limit {
            return text;
        }
    }
    String::new()
}

fn short_answer(scene: Scene<'_>, limit: usize) -> Line<'static> {
    Line::from(answer_spans(scene, 1, limit).0)
}

fn labelled(scene: Scene<'_>, rank: u8, label: &str, figure: format::Figure, unit: &str) -> Part {
    let theme = scene.theme();
    Part::new(
        rank,
        vec![
            span(format!("{label} "), theme.dim),
            span(format::with_unit(&figure.text, unit), theme.neutral(figure.standing)),
        ],
    )
}

fn short_account(scene: Scene<'_>, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let account = &scene.snapshot.account;
    let day = figure(&account.day, |m| signed(m.to_f64()));
    let mut parts = vec![
        labelled(scene, 1, "net liq", figure(&account.net_liq, |m| kilo(m.to_f64())), ""),
        Part::new(1, vec![span("day ", theme.dim), span(day.text, theme.pnl(day.standing, day.sign))]),
        labelled(scene, 2, "VaR95", figure(&account.var95, plain), ""),
        labelled(scene, 3, "BP", figure(&account.buying_power_used, percent), " %"),
    ];
    let all = (1..=scene.snapshot.answer.near.len()).rev();
    let mut near = Part::new(4, Vec::new());
    let mut first = true;
    for shown in all {
        let items = scene.snapshot.answer.near[..shown].join(", ");
        let more = scene.snapshot.answer.near.len() - shown;
        let more = if more > 0 { format!(", +{more} more") } else { String::new() };
        let spans = vec![span(format!("near: {}{more}", scene.prose(&items)), theme.near)];
        near = if first { Part::new(4, spans) } else { near.or(spans) };
        first = false;
    }
    parts.push(near);
    Line::from(fit(&parts, &Span::raw("  "), limit))
}

pub fn account(scene: Scene<'_>, limit: usize) -> Line<'static> {
    let theme = scene.theme();
    let account = &scene.snapshot.account;
    let net = figure(&account.net_liq, |m| kilo(m.to_f64()));
    let net_span = || vec![span("net liq ", theme.dim), span(net.text.clone(), theme.strong)];
    let mut by_account = net_span();
    if account.accounts.len() > 1 {
        let each: Vec<String> = account
            .accounts
            .iter()
            .map(|a| format!("{} {}", a.name, figure(&a.net_liq, |m| kilo(m.to_f64())).text))
            .collect();
        by_account.push(span(format!(" ({})", each.join(", ")), theme.dim));
    }
    let var = figure(&account.var95, plain);
    let used = figure(&account.var_utilisation, percent);
    let bar = account.var_utilisation.value.map_or_else(String::new, |u| format!(" {}", gauge(u)));
    let used_style = utilisation_style(scene, account.var_utilisation.value);
    let var_value = vec![span("VaR95 ", theme.dim), span(var.text, theme.neutral(var.standing))];
    let mut var_bar = var_value.clone();
    let mut var_short = var_value;
    if account.var95.value.is_some() && account.var_utilisation.value.is_some() {
        var_bar.push(span(format!("{bar} {} %", used.text), used_style));
        var_short.push(span(format!(" {} %", used.text), used_style));
    }
    let day = figure(&account.day, |m| signed(m.to_f64()));
    let open = figure(&account.open, |m| signed(m.to_f64()));
    let parts = [
        Part::new(0, by_account).or(net_span()),
        Part::new(1, var_bar).or(var_short),
        labelled(scene, 5, "ES97.5", figure(&account.es975, plain), ""),
        labelled(scene, 3, "BP", figure(&account.buying_power_used, percent), " %"),
        Part::new(1, vec![span("day ", theme.dim), span(day.text, theme.pnl(day.standing, day.sign))]),
        Part::new(4, vec![span("open ", theme.dim), span(open.text, theme.pnl(open.standing, open.sign))]),
        Part::text(8, scene.prose(&account.var_method), theme.dim),
    ];
    Line::from(fit(&parts, &Span::raw("   "), limit))
}

/// Eight steps of one limit; the figure stands beside it.
fn gauge(utilisation: f64) -> String {
    let filled = (utilisation * 8.0).clamp(0.0, 8.0).ceil();
    // Between 0 and 8 by the clamp; NaN casts to 0.
    let filled = (0..8).filter(|step| f64::from(*step) < filled).count();
    format!("{}{}", "▓".repeat(filled), "░".repeat(8 - filled))
}

fn utilisation_style(scene: Scene<'_>, utilisation: Option<f64>) -> Style {
    limit_style(scene, utilisation.map_or(LimitState::Unknown, LimitState::of))
}

pub fn limit_style(scene: Scene<'_>, state: LimitState) -> Style {
    let theme = scene.theme();
    match state {
        LimitState::Off => theme.dim,
        LimitState::Within => theme.text,
        LimitState::Near | LimitState::Unknown => theme.near,
        LimitState::Breached => theme.breach,
    }
}

fn not_live(limit: &LimitRow) -> &'static str {
    if limit.stale && limit.utilisation.is_some() { "~" } else { "" }
}

/// `93 % VaR95, Core !`
pub fn limit_words(limit: &LimitRow) -> String {
    limit_use(limit, None, limit.id.words())
}

/// With the share that one underlying has in it, `41 of 93 % VaR95, Core !`; by its code where that is short of room.
pub fn binding_words(row: &RiskRow, brief: bool) -> Option<String> {
    let limit = row.binding.as_ref()?;
    let code = format!("{:?}", limit.id);
    Some(limit_use(limit, row.binding_share, if brief { &code } else { limit.id.words() }))
}

fn limit_use(limit: &LimitRow, share: Option<f64>, name: &str) -> String {
    let mark = match limit.state {
        LimitState::Near => " !",
        LimitState::Breached => " !!",
        LimitState::Off | LimitState::Within | LimitState::Unknown => "",
    };
    let share = share.map_or_else(String::new, |share| format!("{} of ", percent(share)));
    let used = match (limit.state, limit.utilisation) {
        (LimitState::Off, _) => "off".to_owned(),
        (LimitState::Unknown, _) | (_, None) => format::UNKNOWN.to_owned(),
        (_, Some(used)) => format!("{}{share}{} %", not_live(limit), percent(used)),
    };
    format!("{used} {name}, {}{mark}", limit.portfolio)
}

/// Every portfolio in one line; figures leave all cells together, so that they stay comparable.
pub fn portfolios(scene: Scene<'_>, limit: usize) -> Vec<Line<'static>> {
    let strips = &scene.snapshot.portfolios;
    if strips.is_empty() {
        return Vec::new();
    }
    let theme = scene.theme();
    let gap = span("  │  ", theme.dim);
    for detail in (0..=5u8).rev() {
        let parts: Vec<Part> = strips.iter().map(|s| strip(scene, s, detail)).collect();
        let line = fit(&parts, &gap, limit);
        let whole = line.iter().filter(|s| s.content == gap.content).count() + 1 == strips.len();
        if whole || detail == 0 {
            return vec![Line::from(line)];
        }
    }
    Vec::new()
}

fn strip(scene: Scene<'_>, strip: &PortfolioStrip, detail: u8) -> Part {
    let theme = scene.theme();
    let equity = figure(&strip.equity, |m| kilo(m.to_f64()));
    let mut spans = vec![
        span(
            format!("{} ", strip.name),
            if strip.kind == StripKind::Real { theme.strong } else { theme.dim },
        ),
        span(equity.text, theme.neutral(equity.standing)),
    ];
    if strip.kind == StripKind::Unallocated {
        spans.push(span(" idle", theme.dim));
        return Part::new(2, spans);
    }
    if strip.kind == StripKind::Unassigned {
        // The inbox has no equity of its own.
        let words = if strip.trades == 1 { "1 trade".to_owned() } else { format!("{} trades", strip.trades) };
        spans.truncate(1);
        spans.push(span(words, theme.near));
    }
    if strip.trades == 0 {
        return Part::new(2, spans);
    }
    let mut add = |least: u8, label: &str, figure: format::Figure| {
        if detail >= least {
            spans.push(span(format!("  {label} "), theme.dim));
            spans.push(span(figure.text, theme.neutral(figure.standing)));
        }
    };
    add(2, "βΔ", figure(&strip.beta_delta, signed));
    add(3, "Θ", figure(&strip.theta_day, signed));
    add(4, "worst", figure(&strip.worst, kilo));
    add(5, "VaR", figure(&strip.var95, kilo));
    if let Some(limit) = strip.tightest.as_ref().filter(|_| detail >= 1) {
        let used = limit.utilisation.map_or_else(
            || format::UNKNOWN.to_owned(),
            |used| format!("{}{} %", not_live(limit), percent(used)),
        );
        // The code of the limit: the words stand in panel 2 and in the opened panel 1.
        let text = format!("  {:?} {used}", limit.id);
        spans.push(span(text, limit_style(scene, limit.state)));
    }
    Part::new(1, spans)
}

/// All limits, most used first: for the opened market panel.
pub fn limits(scene: Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let mut rows: Vec<&LimitRow> = scene.snapshot.limits.iter().collect();
    rows.sort_by(|a, b| b.utilisation.unwrap_or(f64::MAX).total_cmp(&a.utilisation.unwrap_or(f64::MAX)));
    let line = |limit: &LimitRow| {
        let driver = limit.driver.as_ref().map_or_else(String::new, |s| format!("  driven by {s}"));
        let text = format!("limit  {}{driver}", limit_words(limit));
        Line::styled(cut(&text, usize::from(width)), limit_style(scene, limit.state))
    };
    rows.into_iter().map(line).collect()
}

pub fn warnings(scene: Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let theme = scene.theme();
    let limit = usize::from(width);
    let lines = scene.snapshot.warnings.iter().flat_map(|w| wrap(&scene.prose(w), limit));
    lines.map(|text| Line::styled(text, theme.near)).collect()
}
