//! The cell writer: the one place where text reaches the buffer, cleaned once more; and lines made of parts
//! that stand whole or not at all.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::format::width;
use crate::domain::text::clean;

/// Writes a line at a row of the area; what does not fit is cut by the caller, never here by luck.
pub fn put_line(buf: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    if row >= area.height {
        return;
    }
    let (y, end) = (area.y + row, area.right());
    let mut x = area.x;
    for span in &line.spans {
        x = put(buf, x, y, end, &span.content, line.style.patch(span.style));
    }
}

/// Writes text from `x` up to `end` and answers where it stopped.
pub fn put(buf: &mut Buffer, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
    if x >= end {
        return end;
    }
    let room = usize::from(end - x);
    let plain = text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control());
    if plain {
        buf.set_stringn(x, y, text, room, style).0
    } else {
        buf.set_stringn(x, y, clean(text, room), room, style).0
    }
}

/// Lays a style over a whole row, keeping its text and foregrounds.
pub fn shade(buf: &mut Buffer, area: Rect, row: u16, style: Style) {
    if row < area.height {
        buf.set_style(Rect { y: area.y + row, height: 1, ..area }, style);
    }
}

/// A piece of a line in one or more forms, longest first. Higher `rank` gives way earlier; 0 never does.
#[derive(Debug, Clone)]
pub struct Part {
    forms: Vec<Vec<Span<'static>>>,
    rank: u8,
    /// Shortened at its rank, never dropped.
    kept: bool,
}

impl Part {
    pub fn new(rank: u8, spans: Vec<Span<'static>>) -> Self {
        Self { forms: vec![spans], rank, kept: false }
    }

    pub fn text(rank: u8, text: impl Into<String>, style: Style) -> Self {
        Self::new(rank, vec![Span::styled(text.into(), style)])
    }

    /// A shorter way to say the same.
    #[must_use]
    pub fn or(mut self, spans: Vec<Span<'static>>) -> Self {
        self.forms.push(spans);
        self
    }

    /// The shortest form stays, whatever else has to go.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// The width of the shortest form.
    pub fn least(&self) -> usize {
        self.forms.iter().map(|form| spans_width(form)).min().unwrap_or(0)
    }

    #[must_use]
    pub fn or_text(self, text: impl Into<String>, style: Style) -> Self {
        self.or(vec![Span::styled(text.into(), style)])
    }
}

fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|s| width(&s.content)).sum()
}

/// Joins parts with `gap`. What does not fit is shortened first, then dropped, highest rank first; what was
/// shortened takes back the room that a dropped part leaves.
pub fn fit(parts: &[Part], gap: &Span<'static>, limit: usize) -> Vec<Span<'static>> {
    let mut chosen: Vec<Option<usize>> = parts.iter().map(|_| Some(0)).collect();
    let gap_width = width(&gap.content);
    let total = |chosen: &[Option<usize>]| {
        let forms = parts.iter().zip(chosen).filter_map(|(p, form)| form.map(|f| spans_width(&p.forms[f])));
        let (count, sum) = forms.filter(|w| *w > 0).fold((0_usize, 0), |(n, sum), w| (n + 1, sum + w));
        sum + gap_width * count.saturating_sub(1)
    };
    while total(&chosen) > limit {
        // Shorten before dropping within the same rank; among equals the later part gives way.
        let next = (0..parts.len())
            .filter(|i| {
                let droppable = parts[*i].rank > 0 && !parts[*i].kept;
                chosen[*i].is_some_and(|form| droppable || form + 1 < parts[*i].forms.len())
            })
            .max_by_key(|i| {
                let shorter = chosen[*i].is_some_and(|form| form + 1 < parts[*i].forms.len());
                (parts[*i].rank, shorter, *i)
            });
        let Some(i) = next else { break };
        chosen[i] = chosen[i].map(|form| form + 1).filter(|form| *form < parts[i].forms.len());
    }
    let mut growing: Vec<usize> = (0..parts.len()).filter(|i| chosen[*i].is_some()).collect();
    growing.sort_by_key(|i| parts[*i].rank);
    for i in growing {
        let present = chosen[i].unwrap_or(0);
        for longer in 0..present {
            chosen[i] = Some(longer);
            if total(&chosen) <= limit {
                break;
            }
            chosen[i] = Some(present);
        }
    }
    let mut out: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (part, form) in parts.iter().zip(chosen) {
        let Some(spans) = form.map(|f| &part.forms[f]) else { continue };
        let wide = spans_width(spans);
        if wide == 0 || used + wide > limit {
            continue;
        }
        if used > 0 {
            out.push(gap.clone());
            used += gap_width;
        }
        used += wide;
        out.extend(spans.iter().cloned());
    }
    out
}

/// Left and right parts on one line with `fill` between; the right side wins over left parts of rank > 0.
pub fn justified(
    left: &[Part],
    right: &[Part],
    gap: &Span<'static>,
    fill: (char, Style),
    limit: usize,
) -> Line<'static> {
    let right = fit(right, gap, limit);
    let taken = spans_width(&right);
    let space = if taken > 0 { 2 } else { 0 };
    let left = fit(left, gap, limit.saturating_sub(taken + space));
    let used = spans_width(&left);
    let middle = limit.saturating_sub(used + taken);
    let mut spans = left;
    if fill.0 == ' ' || middle < 3 {
        spans.push(Span::raw(" ".repeat(middle)));
    } else {
        let close = usize::from(taken > 0);
        spans.push(Span::styled(
            format!(" {}{}", fill.0.to_string().repeat(middle - 1 - close), " ".repeat(close)),
            fill.1,
        ));
    }
    spans.extend(right);
    Line::from(spans)
}

/// The one-column ASCII stand-in of each glyph that the screen uses.
fn ascii_of(c: char) -> &'static str {
    match c {
        '−' | '–' | '—' | '─' => "-",
        '━' => "=",
        '│' | '┃' => "|",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┏' | '┓' | '┗' | '┛' | '±' | '┼' => "+",
        '·' => ".",
        '●' | '×' => "*",
        '○' => "o",
        '▸' | '→' | '›' => ">",
        '◂' | '←' | '‹' => "<",
        '▾' | '↓' => "v",
        '↑' => "^",
        '▓' | '█' => "#",
        '░' => ".",
        '…' => "~",
        'Δ' => "D",
        'Γ' => "G",
        'Θ' => "T",
        'ρ' => "r",
        'β' => "b",
        'σ' => "s",
        '≤' => "<",
        '≥' => ">",
        '≠' => "!",
        '“' | '”' => "\"",
        '’' | '‘' => "'",
        '²' => "2",
        _ => "?",
    }
}

/// Replaces every glyph outside ASCII, for terminals and fonts that have nothing else.
pub fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let symbol = cell.symbol();
        if !symbol.is_ascii() {
            let plain = symbol.chars().next().map_or(" ", ascii_of);
            cell.set_symbol(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|s| s.content.as_ref()).collect()
    }

    #[test]
    fn parts_are_shortened_then_dropped_and_never_cut() {
        let style = Style::new();
        let parts = [
            Part::text(0, "breach 0", style),
            Part::text(2, "ADX 18.0", style),
            Part::text(1, "streaming 12 s", style).or_text("12 s", style),
        ];
        let gap = Span::raw("  ");
        assert_eq!(text(&fit(&parts, &gap, 40)), "breach 0  ADX 18.0  streaming 12 s");
        assert_eq!(text(&fit(&parts, &gap, 30)), "breach 0  streaming 12 s");
        assert_eq!(text(&fit(&parts, &gap, 15)), "breach 0  12 s");
        let regrown = [parts[2].clone(), Part::text(1, "a long reason", style)];
        assert_eq!(text(&fit(&regrown, &gap, 18)), "streaming 12 s");
        assert_eq!(text(&fit(&parts, &gap, 10)), "breach 0");
        assert_eq!(text(&fit(&parts, &gap, 4)), "");
    }

    #[test]
    fn hostile_text_does_not_reach_a_cell() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 1));
        put(&mut buf, 0, 0, 10, "a\u{1b}[2Jb\u{202e}c", Style::new());
        let row: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(row, "ab·c      ");
    }
}
