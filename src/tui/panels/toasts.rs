//! Messages over the lower right corner: what was done goes by itself, errors stay until they are dismissed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

use super::Scene;
use crate::snapshot::Level;
use crate::tui::format::{width, wrap};
use crate::tui::paint::put_line;
use crate::tui::state::Toast;

/// Boxes at a time; those behind come forward as these go.
const MOST_SHOWN: usize = 2;

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    // Border and one blank on each side.
    let room = usize::from(area.width).saturating_sub(4).min(88);
    if room < 10 {
        return;
    }
    let behind = scene.ui.toasts.len().saturating_sub(MOST_SHOWN);
    let newest = scene.ui.toasts.iter().rev().take(MOST_SHOWN);
    let mut boxes: Vec<(Vec<String>, Style)> =
        newest.map(|toast| words(scene, toast, room, behind)).collect();
    let rows = |lines: &[String]| lines.len() + 2;
    // The newest is read first: the older one waits where there is no room for both.
    if boxes.iter().map(|(lines, _)| rows(lines)).sum::<usize>() > usize::from(area.height) {
        boxes.truncate(1);
    }
    let mut bottom = area.bottom();
    for (mut lines, style) in boxes.into_iter().rev() {
        lines.truncate(usize::from(area.height).saturating_sub(2));
        let tall = u16::try_from(rows(&lines)).unwrap_or(u16::MAX);
        let wide = lines.iter().map(|l| width(l)).max().unwrap_or(0).min(room) + 4;
        let wide = u16::try_from(wide).unwrap_or(area.width);
        if lines.is_empty() || bottom < area.y + tall {
            return;
        }
        let place = Rect { x: area.right() - wide, y: bottom - tall, width: wide, height: tall };
        Clear.render(place, buf);
        Block::bordered().style(style).render(place, buf);
        let inner = Rect { x: place.x + 2, y: place.y + 1, width: wide - 4, height: tall - 2 };
        for (row, line) in lines.into_iter().enumerate() {
            put_line(buf, inner, u16::try_from(row).unwrap_or(u16::MAX), &Line::styled(line, style));
        }
        bottom -= tall;
    }
}

fn words(scene: Scene<'_>, toast: &Toast, room: usize, behind: usize) -> (Vec<String>, Style) {
    let (tag, style) = look(scene, toast.notice.level);
    let mut lines = wrap(&format!("{tag}{}", scene.prose(&toast.notice.text)), room);
    if let Some(remedy) = &toast.notice.remedy {
        lines.extend(wrap(&format!("→ {}", scene.prose(remedy)), room));
    }
    if toast.until.is_none() {
        let more = if behind > 0 { format!(", {behind} more behind") } else { String::new() };
        lines.push(format!("Esc dismisses{more}"));
    }
    (lines, style)
}

fn look(scene: Scene<'_>, level: Level) -> (&'static str, Style) {
    let theme = scene.theme();
    match level {
        Level::Done => ("", theme.selected),
        Level::Warning => ("! ", theme.selected.patch(theme.near)),
        Level::Error => ("!! ", theme.breach),
    }
}
