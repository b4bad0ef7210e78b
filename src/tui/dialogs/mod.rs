//! What lies over the panels: help, questions, text entry, pickers, details. One box each, on a stack.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::format::{cut, width};
use super::message::Effect;
use super::paint::{put, put_line, shade};
use super::panels::Scene;
use crate::domain::command_line::BookingLine;
use crate::domain::order::OrderFor;
use crate::domain::view::Scope;
use crate::domain::{OrderRef, PortfolioId, Symbol, Timestamp, TradeId};

mod detail;
mod help;
mod kill;
mod models;
pub mod orders;
mod palette;
mod question;

pub use detail::openable;
pub use kill::HARD;
pub use palette::{COMMANDS, Suggestion, suggestions};

#[derive(Debug, Clone)]
pub enum Dialog {
    Help {
        scroll: usize,
    },
    /// Focus stands on No; only `y` goes on.
    Confirm {
        question: String,
        lines: Vec<String>,
        then: Effect,
    },
    Text {
        title: String,
        prompt: String,
        input: Input,
        purpose: Purpose,
    },
    Pick {
        title: String,
        items: Vec<Item>,
        cursor: usize,
    },
    Underlying {
        symbol: Symbol,
        cursor: usize,
    },
    Trade {
        id: TradeId,
        cursor: usize,
    },
    Leg {
        trade: TradeId,
        instrument: String,
    },
    Todo {
        key: String,
        cursor: usize,
    },
    Cell {
        row: usize,
        column: usize,
    },
    /// The kill switch: one key each for safe, hard and reset.
    Kill,
    Orders {
        cursor: usize,
    },
    Order {
        reference: OrderRef,
    },
}

/// What the typed text is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    Rationale(BookingLine),
    DiscardReason {
        trade: TradeId,
        label: String,
    },
    /// The word that makes the switch hard.
    KillHard,
    ResetKill,
    /// Why an order is made of a trade.
    Stage {
        trade: TradeId,
        purpose: OrderFor,
    },
    /// With real money the yes is typed.
    TypedSend {
        order: OrderRef,
        body_hash: String,
        wanted: String,
        shown_at: Timestamp,
    },
    NewLimit {
        order: OrderRef,
        credit: bool,
    },
    DropReason {
        order: OrderRef,
    },
    /// How the trader knows that the broker's order is the one in doubt.
    AdoptReason {
        order: OrderRef,
        id: String,
    },
    ClearAlarms,
    /// A note, or the missing rationale of a trade.
    Note {
        trade: Option<TradeId>,
        underlying: Option<Symbol>,
        missing: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub label: String,
    /// `None`: shown, but not to be had. Such items stand last.
    pub choice: Option<Choice>,
}

impl Item {
    pub fn new(label: impl Into<String>, choice: Choice) -> Self {
        Self { label: label.into(), choice: Some(choice) }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Scope(Scope),
    Route { trade: TradeId, to: PortfolioId },
}

/// A box ready to be drawn: a title, lines and which of them is selected.
pub struct Sheet {
    pub title: String,
    pub lines: Vec<Line<'static>>,
    pub selected: Option<usize>,
    pub scroll: usize,
    pub footer: String,
}

/// The topmost dialog, and the palette over the command line.
pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    if let Some(dialog) = scene.ui.dialogs.last() {
        let inner = text_width(area.width);
        let sheet = sheet(scene, dialog, inner);
        draw_sheet(scene, &sheet, area, buf);
    }
    palette::draw(scene, area, buf);
}

/// Columns for text inside a box on a screen of this width.
fn text_width(screen: u16) -> usize {
    usize::from(screen.saturating_sub(6).clamp(8, 110))
}

fn sheet(scene: Scene<'_>, dialog: &Dialog, limit: usize) -> Sheet {
    match dialog {
        Dialog::Help { scroll } => help::sheet(scene, *scroll, limit),
        Dialog::Confirm { question, lines, .. } => question::confirm(scene, question, lines, limit),
        Dialog::Text { title, prompt, input, purpose } => {
            question::text(scene, title, prompt, input, purpose, limit)
        }
        Dialog::Pick { title, items, cursor } => question::pick(scene, title, items, *cursor, limit),
        Dialog::Underlying { symbol, cursor } => detail::underlying(scene, symbol, *cursor, limit),
        Dialog::Trade { id, cursor } => detail::trade(scene, *id, *cursor, limit),
        Dialog::Leg { trade, instrument } => detail::leg(scene, *trade, instrument, limit),
        Dialog::Todo { key, cursor } => detail::todo(scene, key, *cursor, limit),
        Dialog::Cell { row, column } => detail::cell(scene, *row, *column, limit),
        Dialog::Kill => kill::sheet(scene, limit),
        Dialog::Orders { cursor } => orders::list(scene, *cursor, limit),
        Dialog::Order { reference } => orders::one(scene, *reference, limit),
    }
}

fn draw_sheet(scene: Scene<'_>, sheet: &Sheet, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme();
    let longest = sheet.lines.iter().map(|l| l.spans.iter().map(|s| width(&s.content)).sum()).max();
    let inner: usize = longest.unwrap_or(0).max(width(&sheet.title) + 4).max(width(&sheet.footer)).max(24);
    let wide = u16::try_from(inner + 4).unwrap_or(u16::MAX).min(area.width);
    let tall = u16::try_from(sheet.lines.len() + 3).unwrap_or(u16::MAX).min(area.height);
    if wide < 6 || tall < 3 {
        return;
    }
    let frame = Rect {
        x: area.x + (area.width - wide) / 2,
        y: area.y + (area.height - tall) / 2,
        width: wide,
        height: tall,
    };
    Clear.render(frame, buf);
    let right = frame.right() - 1;
    for y in frame.y..frame.bottom() {
        put(buf, frame.x, y, frame.right(), "│", theme.accent);
        put(buf, right, y, frame.right(), "│", theme.accent);
    }
    let rule = "─".repeat(usize::from(wide - 2));
    put(buf, frame.x, frame.y, frame.right(), &format!("┌{rule}┐"), theme.accent);
    put(buf, frame.x, frame.bottom() - 1, frame.right(), &format!("└{rule}┘"), theme.accent);
    let title = cut(&format!(" {} ", sheet.title), usize::from(wide.saturating_sub(4)));
    put(buf, frame.x + 2, frame.y, right, &title, theme.title_focused);
    let body = Rect { x: frame.x + 2, y: frame.y + 1, width: wide - 4, height: tall - 2 };
    let rows = usize::from(body.height.saturating_sub(1)).max(1);
    let scroll = match sheet.selected {
        Some(at) => super::state::window(0, at, sheet.lines.len(), rows),
        None => sheet.scroll.min(sheet.lines.len().saturating_sub(rows)),
    };
    for (row, line) in sheet.lines.iter().enumerate().skip(scroll).take(rows) {
        let y = u16::try_from(row - scroll).unwrap_or(u16::MAX);
        put_line(buf, body, y, line);
        if sheet.selected == Some(row) {
            shade(buf, body, y, theme.selected);
        }
    }
    let below = sheet.lines.len().saturating_sub(scroll + rows);
    let footer =
        if below > 0 { format!("{below} more below · {}", sheet.footer) } else { sheet.footer.clone() };
    if body.height > 1 {
        let footer = cut(&footer, usize::from(body.width));
        put_line(buf, body, body.height - 1, &Line::styled(footer, theme.dim));
    }
}
