//! Messages over the lower right corner: what was done goes by itself, errors stay until they are dismissed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use super::Scene;
use crate::snapshot::Level;
use crate::tui::format::{width, wrap};
use crate::tui::paint::put_line;

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(2).min(90);
    if room < 10 {
        return;
    }
    let mut bottom = area.bottom();
    for toast in scene.ui.toasts.iter().rev() {
        let (tag, style) = look(scene, toast.notice.level);
        let mut text = wrap(&format!("{tag}{}", scene.prose(&toast.notice.text)), room);
        if let Some(remedy) = &toast.notice.remedy {
            text.extend(wrap(&format!("→ {}", scene.prose(remedy)), room));
        }
        if toast.until.is_none() {
            text.push("Esc dismisses".to_owned());
        }
        let wide = text.iter().map(|l| width(l)).max().unwrap_or(0).min(room) + 2;
        let (wide, tall) =
            (u16::try_from(wide).unwrap_or(area.width), u16::try_from(text.len()).unwrap_or(1));
        if bottom < area.y + tall {
            return;
        }
        let place = Rect { x: area.right() - wide, y: bottom - tall, width: wide, height: tall };
        Clear.render(place, buf);
        buf.set_style(place, style);
        let inner = Rect { x: place.x + 1, width: wide - 2, ..place };
        for (row, line) in text.into_iter().enumerate() {
            put_line(buf, inner, u16::try_from(row).unwrap_or(u16::MAX), &Line::styled(line, style));
        }
        bottom -= tall;
    }
}

fn look(scene: Scene<'_>, level: Level) -> (&'static str, Style) {
    let theme = scene.theme();
    match level {
        Level::Done => ("", theme.selected),
        Level::Warning => ("! ", theme.selected.patch(theme.near)),
        Level::Error => ("!! ", theme.breach),
    }
}
