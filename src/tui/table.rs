//! A typed table: columns are dropped by rank when the width is short, figures are right-aligned and never
//! cut, text columns share what is left and are cut between words.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::format::{Figure, cut, width};
use super::paint::put;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Right-aligned, as wide as its widest figure.
    Figure,
    /// Left-aligned, at most `max` wide, at least `min`.
    Text { min: u16, max: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub head: Cow<'static, str>,
    pub kind: Kind,
    /// Columns of the highest rank go first; 0 stays.
    pub rank: u8,
}

impl Column {
    pub fn figure(head: impl Into<Cow<'static, str>>, rank: u8) -> Self {
        Self { head: head.into(), kind: Kind::Figure, rank }
    }

    pub fn text(head: impl Into<Cow<'static, str>>, rank: u8, min: u16, max: u16) -> Self {
        Self { head: head.into(), kind: Kind::Text { min, max }, rank }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl Cell {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    pub fn figure(figure: Figure, style: Style) -> Self {
        Self { text: figure.text, style }
    }

    pub fn empty() -> Self {
        Self { text: String::new(), style: Style::new() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    /// Pinned below the rows.
    pub total: Option<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    column: usize,
    x: u16,
    width: u16,
}

impl Table {
    fn natural(&self, column: usize) -> u16 {
        let head = width(&self.columns[column].head);
        let widest = self
            .rows
            .iter()
            .chain(self.total.iter())
            .filter_map(|row| row.get(column))
            .map(|cell| width(&cell.text))
            .max()
            .unwrap_or(0);
        u16::try_from(head.max(widest)).unwrap_or(u16::MAX)
    }

    /// The width at which every column stands whole.
    pub fn natural_width(&self) -> u16 {
        let gaps = u16::try_from(self.columns.len().saturating_sub(1)).unwrap_or(0);
        (0..self.columns.len()).map(|c| self.natural(c)).fold(gaps, u16::saturating_add)
    }

    /// Which columns stand where. Text columns start at their minimum and share the rest in order.
    fn plan(&self, limit: u16) -> (Vec<Place>, bool) {
        let natural: Vec<u16> = (0..self.columns.len()).map(|c| self.natural(c)).collect();
        let least = |c: usize| match self.columns[c].kind {
            Kind::Figure => natural[c],
            Kind::Text { min, .. } => natural[c].min(min),
        };
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let needed = |kept: &[usize]| {
            kept.iter().map(|c| u32::from(least(*c))).sum::<u32>()
                + u32::try_from(kept.len().saturating_sub(1)).unwrap_or(0)
        };
        while needed(&kept) > u32::from(limit) {
            let weakest = kept
                .iter()
                .enumerate()
                .filter(|(_, c)| self.columns[**c].rank > 0)
                .max_by_key(|(at, c)| (self.columns[**c].rank, *at));
            let Some((at, _)) = weakest else { break };
            kept.remove(at);
        }
        let hidden = kept.len() < self.columns.len();
        let mut spare = u32::from(limit).saturating_sub(needed(&kept));
        let mut widths: Vec<u16> = kept.iter().map(|c| least(*c)).collect();
        // Text grows to its natural width, the most important column first.
        let mut growing: Vec<usize> = (0..kept.len()).collect();
        growing.sort_by_key(|at| self.columns[kept[*at]].rank);
        // First as far as each column may take from the others, then whatever nobody else wants.
        for generous in [false, true] {
            for at in growing.iter().copied() {
                if let Kind::Text { max, .. } = self.columns[kept[at]].kind {
                    let most = if generous { u16::MAX } else { max };
                    let wish = u32::from(natural[kept[at]].min(most).saturating_sub(widths[at]));
                    let granted = wish.min(spare);
                    spare -= granted;
                    widths[at] += u16::try_from(granted).unwrap_or(0);
                }
            }
        }
        let mut x = 0u16;
        let mut places = Vec::with_capacity(kept.len());
        for (column, width) in kept.into_iter().zip(widths) {
            places.push(Place { column, x, width });
            x = x.saturating_add(width).saturating_add(1);
        }
        // What is still left spreads between the columns, at most one more blank each.
        let gaps = u32::try_from(places.len().saturating_sub(1)).unwrap_or(0);
        let extra = u16::try_from(spare.checked_div(gaps).unwrap_or(0).min(1)).unwrap_or(0);
        for (i, place) in places.iter_mut().enumerate() {
            place.x += extra * u16::try_from(i).unwrap_or(0);
        }
        (places, hidden)
    }

    /// Head, the window `offset..` of the rows and the pinned total. `selected` is a row index to highlight.
    pub fn render(&self, area: Rect, buf: &mut Buffer, look: Look) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        let (mut places, hidden) = self.plan(area.width);
        if hidden {
            // The sign that there is more stands beside the last head, not over it.
            places = self.plan(area.width - 1).0;
        }
        let total = usize::from(self.total.is_some() && area.height > 2);
        let body = usize::from(area.height).saturating_sub(1 + total);
        for place in &places {
            let column = &self.columns[place.column];
            let text = match column.kind {
                Kind::Figure => right(&column.head, place.width),
                Kind::Text { .. } => cut(&column.head, usize::from(place.width)),
            };
            put(buf, area.x + place.x, area.y, area.right(), &text, look.head);
        }
        if hidden {
            let x = area.right().saturating_sub(1);
            put(buf, x, area.y, area.right(), "›", look.head);
        }
        let window = self.rows.iter().enumerate().skip(look.offset).take(body);
        let mut y = area.y + 1;
        for (index, row) in window {
            self.line(&places, row, area, y, buf);
            if look.selected == Some(index) {
                buf.set_style(Rect { y, height: 1, ..area }, look.highlight);
            }
            y += 1;
        }
        if let (Some(row), 1) = (&self.total, total) {
            self.line(&places, row, area, y, buf);
        }
    }

    fn line(&self, places: &[Place], row: &[Cell], area: Rect, y: u16, buf: &mut Buffer) {
        for (at, place) in places.iter().enumerate() {
            let Some(cell) = row.get(place.column).filter(|c| !c.text.is_empty()) else { continue };
            // Text runs on over cells of this row that are empty.
            let next =
                places[at + 1..].iter().find(|p| row.get(p.column).is_some_and(|c| !c.text.is_empty()));
            let end = next.map_or(area.width, |p| p.x.saturating_sub(1)).min(area.width);
            let room = match self.columns[place.column].kind {
                Kind::Figure => place.width.min(area.width.saturating_sub(place.x)),
                Kind::Text { .. } => end.saturating_sub(place.x),
            };
            let text = match self.columns[place.column].kind {
                Kind::Figure => right(&cell.text, room),
                Kind::Text { .. } => cut(&cell.text, usize::from(room)),
            };
            put(buf, area.x.saturating_add(place.x), y, area.right(), &text, cell.style);
        }
    }

    /// A row as plain text, for the clipboard.
    pub fn row_text(&self, index: usize) -> Option<String> {
        let row = self.rows.get(index)?;
        let words: Vec<String> = self
            .columns
            .iter()
            .zip(row)
            .filter(|(_, cell)| !cell.text.trim().is_empty())
            .map(|(column, cell)| format!("{} {}", column.head, cell.text.trim()).trim().to_owned())
            .collect();
        Some(words.join(" · "))
    }
}

/// How a table is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub head: Style,
    pub highlight: Style,
    pub selected: Option<usize>,
    pub offset: usize,
}

/// Right-aligned; a figure without room is `###`, never a part of itself.
fn right(text: &str, room: u16) -> String {
    let (wide, room) = (width(text), usize::from(room));
    if wide > room {
        return "#".repeat(room.min(3));
    }
    format!("{}{text}", " ".repeat(room - wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let cell = |t: &str| Cell::new(t, Style::new());
        Table {
            columns: vec![
                Column::text("", 0, 4, 10),
                Column::figure("worst", 1),
                Column::figure("vega", 2),
                Column::text("rule", 3, 6, 40),
            ],
            rows: vec![vec![cell("NVDA"), cell("−11,163"), cell("+4.1"), cell("50 % at 0.31 or roll")]],
            total: None,
        }
    }

    fn drawn(wide: u16) -> String {
        let area = Rect::new(0, 0, wide, 2);
        let mut buf = Buffer::empty(area);
        let plain = Style::new();
        table().render(area, &mut buf, Look { head: plain, highlight: plain, selected: None, offset: 0 });
        buf.content[usize::from(wide)..].iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
    }

    #[test]
    fn columns_go_by_rank_and_figures_stay_whole() {
        assert!(drawn(60).contains("50 % at 0.31 or roll"));
        assert_eq!(drawn(30).trim_end(), "NVDA −11,163 +4.1 50 % at …");
        assert_eq!(drawn(20).trim_end(), "NVDA  −11,163  +4.1");
        assert_eq!(drawn(14).trim_end(), "NVDA  −11,163");
        assert_eq!(drawn(6).trim_end(), "NVDA");
    }

    #[test]
    fn text_uses_the_room_that_nobody_else_wants() {
        let cell = |t: &str| Cell::new(t, Style::new());
        let mut table = table();
        table.rows = vec![
            vec![cell("covered call, no rationale"), Cell::empty(), cell("+4.1"), Cell::empty()],
            vec![cell("put"), cell("−11,163"), cell("−9.0"), cell("roll")],
        ];
        let drawn = |wide: u16| {
            let area = Rect::new(0, 0, wide, 3);
            let mut buf = Buffer::empty(area);
            let plain = Style::new();
            table.render(area, &mut buf, Look { head: plain, highlight: plain, selected: None, offset: 0 });
            let from = usize::from(wide);
            buf.content[from..2 * from].iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
        };
        assert!(drawn(60).starts_with("covered call, no rationale"), "{:?}", drawn(60));
        assert_eq!(drawn(33).trim_end(), "covered call, no …      +4.1");
    }

    #[test]
    fn a_row_reads_as_text_with_its_heads() {
        assert_eq!(
            table().row_text(0).as_deref(),
            Some("NVDA · worst −11,163 · vega +4.1 · rule 50 % at 0.31 or roll")
        );
    }
}
