//! One frame: layout, panels, dialogs and messages onto a buffer. Nothing here remembers anything.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panels::{self, Scene, banner, header, hint_line, overview, toasts};
use super::state::{Panel, UiState};
use super::{dialogs, layout, paint};
use crate::snapshot::Snapshot;

/// Draws the whole screen into the frame.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, ui: &UiState) {
    let area = frame.area();
    render(snapshot, ui, area, frame.buffer_mut());
}

pub fn render(snapshot: &Snapshot, ui: &UiState, area: Rect, buf: &mut Buffer) {
    let scene = Scene { snapshot, ui };
    let needs = panels::needs(snapshot, ui, area.width);
    let has_banner = banner::text(snapshot, ui).is_some();
    let layout = layout::arrange(area, &needs, ui.focus, ui.zoom, has_banner);
    header::draw(scene, layout.header, buf);
    banner::draw(scene, layout.banner, buf);
    overview::draw_pinned(scene, layout.pinned, buf);
    for panel in Panel::ALL {
        if let Some(area) = layout.area(panel) {
            panels::draw(scene, panel, area, buf);
        }
    }
    hint_line::draw(scene, layout.hint, buf);
    let inside = Rect {
        y: layout.header.bottom(),
        height: layout.hint.y.saturating_sub(layout.header.bottom()),
        ..area
    };
    dialogs::draw(scene, inside, buf);
    toasts::draw(scene, inside, buf);
    if ui.ascii {
        paint::to_ascii(buf);
    }
}

/// The screen as plain lines, without colours: for tests and for output that is not a terminal.
pub fn render_text(snapshot: &Snapshot, ui: &UiState, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    render(snapshot, ui, area, &mut buf);
    let row = |y: u16| {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            skip = super::format::width(symbol).saturating_sub(1);
        }
        line.truncate(line.trim_end().len());
        line
    };
    (0..height).map(row).collect::<Vec<_>>().join("\n")
}
