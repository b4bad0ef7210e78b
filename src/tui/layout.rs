//! Where everything stands: a pure function of the area, of what the panels need and of what is focused.

use ratatui::layout::Rect;

use super::panels;
use super::state::{Panel, UiState};
use crate::snapshot::Snapshot;

/// Rows that a panel's body wants below its title.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    pub min: u16,
    pub ideal: u16,
    /// Share of the rows beyond the minimum.
    pub weight: u16,
    /// What it can use once nobody hides a row.
    pub extra: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All five panels open.
    Full,
    /// Header and answer pinned, five titles, one panel open.
    Compact,
    /// Header, answer and one panel.
    Single,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PanelArea {
    pub title: Rect,
    /// Without height where the panel is closed.
    pub body: Rect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub shape: Shape,
    pub header: Rect,
    pub banner: Rect,
    /// Answer and account lines where panel 1 does not carry them.
    pub pinned: Rect,
    pub panels: [Option<PanelArea>; 5],
    pub hint: Rect,
}

impl Layout {
    pub fn area(&self, panel: Panel) -> Option<PanelArea> {
        self.panels[panel.index()]
    }
}

pub fn shape(width: u16, height: u16) -> Shape {
    match (width, height) {
        (120.., 40..) => Shape::Full,
        (60.., 16..) => Shape::Compact,
        _ => Shape::Single,
    }
}

pub fn arrange(area: Rect, needs: &[Need; 5], focus: Panel, zoom: bool, banner: bool) -> Layout {
    let shape = shape(area.width, area.height);
    let mut rest = area;
    let mut take = |rows: u16| {
        let rows = rows.min(rest.height);
        let taken = Rect { height: rows, ..rest };
        rest = Rect { y: rest.y + rows, height: rest.height - rows, ..rest };
        taken
    };
    let header = take(1);
    let banner = take(u16::from(banner && area.height >= 10));
    let pinned = take(match shape {
        Shape::Full if !zoom => 0,
        Shape::Full | Shape::Compact => 2,
        Shape::Single => u16::from(area.height >= 5),
    });
    let hint_rows = u16::from(area.height >= 4);
    let hint = Rect { y: area.bottom() - hint_rows, height: hint_rows, ..area };
    rest.height = rest.height.saturating_sub(hint_rows);
    let bodies = match shape {
        Shape::Full if !zoom => share(rest.height.saturating_sub(5), needs),
        _ => {
            let titles = if shape == Shape::Compact && !zoom { 5 } else { 1 };
            let mut bodies = [0; 5];
            bodies[focus.index()] = rest.height.saturating_sub(titles);
            bodies
        }
    };
    let mut panels = [None; 5];
    let mut y = rest.y;
    for panel in Panel::ALL {
        let alone = zoom || shape == Shape::Single;
        if (alone && panel != focus) || y >= rest.bottom() {
            continue;
        }
        let title = Rect { y, height: 1, ..rest };
        let rows = bodies[panel.index()].min(rest.bottom() - y - 1);
        panels[panel.index()] = Some(PanelArea { title, body: Rect { y: y + 1, height: rows, ..rest } });
        y += 1 + rows;
    }
    Layout { shape, header, banner, pinned, panels, hint }
}

/// Everyone gets the minimum; what is left goes one row at a time to whoever is furthest behind its weight.
fn share(rows: u16, needs: &[Need; 5]) -> [u16; 5] {
    let mut given = needs.map(|n| n.min);
    // A terminal of this shape holds the minima of any book; should a panel ask for more, the largest gives.
    while given.iter().sum::<u16>() > rows {
        let Some(largest) = (0..5).max_by_key(|i| given[*i]) else { break };
        given[largest] -= 1;
    }
    let mut left = rows - given.iter().sum::<u16>();
    while left > 0 {
        let next = (0..5).filter(|i| given[*i] < needs[*i].ideal).min_by_key(|i| {
            let beyond = u32::from(given[*i].saturating_sub(needs[*i].min));
            (beyond * 100 / u32::from(needs[*i].weight.max(1)), *i)
        });
        let Some(i) = next else { break };
        given[i] += 1;
        left -= 1;
    }
    for (rows, need) in given.iter_mut().zip(needs) {
        let more = need.extra.saturating_sub(*rows).min(left);
        *rows += more;
        left -= more;
    }
    given
}

/// The layout of the present screen.
pub fn of(snapshot: &Snapshot, ui: &UiState) -> Layout {
    let area = Rect::new(0, 0, ui.size.0, ui.size.1);
    let needs = panels::needs(snapshot, ui, area.width);
    arrange(area, &needs, ui.focus, ui.zoom, panels::banner::text(snapshot, ui).is_some())
}

/// Rows of a panel that are in sight, without its column heads and total.
pub fn rows_in_sight(panel: Panel, layout: &Layout) -> usize {
    layout.area(panel).map_or(0, |place| rows_of_body(panel, place))
}

pub fn rows_of_body(panel: Panel, place: PanelArea) -> usize {
    let rows = usize::from(place.body.height);
    let total = usize::from(panel == Panel::Risk && rows > 2);
    rows.saturating_sub(1 + total)
}

pub fn body_height(panel: Panel, snapshot: &Snapshot, ui: &UiState) -> usize {
    rows_in_sight(panel, &of(snapshot, ui))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEEDS: [Need; 5] = [
        Need { min: 5, ideal: 6, weight: 1, extra: 0 },
        Need { min: 4, ideal: 12, weight: 3, extra: 0 },
        Need { min: 6, ideal: 9, weight: 2, extra: 0 },
        Need { min: 4, ideal: 20, weight: 4, extra: 0 },
        Need { min: 3, ideal: 8, weight: 2, extra: 0 },
    ];

    #[test]
    fn all_five_panels_stand_open_at_120_by_40() {
        let layout = arrange(Rect::new(0, 0, 120, 40), &NEEDS, Panel::Risk, false, true);
        assert_eq!(layout.shape, Shape::Full);
        for panel in Panel::ALL {
            let area = layout.area(panel).expect("an open panel");
            assert!(area.body.height >= NEEDS[panel.index()].min, "{panel:?}");
        }
    }

    #[test]
    fn extras_come_after_every_row_that_is_hidden() {
        let mut needs = NEEDS;
        needs[2].extra = 30;
        let ideal: u16 = needs.iter().map(|n| n.ideal).sum();
        assert_eq!(share(ideal, &needs), needs.map(|n| n.ideal));
        assert_eq!(share(ideal + 4, &needs)[2], needs[2].ideal + 4);
    }

    #[test]
    fn below_that_one_panel_is_open_and_five_titles_stand() {
        let layout = arrange(Rect::new(0, 0, 80, 24), &NEEDS, Panel::Scenario, false, false);
        assert_eq!(layout.pinned.height, 2);
        let open: Vec<u16> = Panel::ALL.iter().map(|p| layout.area(*p).unwrap().body.height).collect();
        assert_eq!(open, [0, 0, 15, 0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_nothing_leaves_the_area(
            width in 1u16..260, height in 1u16..90, focus in 0usize..5, zoom: bool, banner: bool,
        ) {
            let area = Rect::new(0, 0, width, height);
            let layout = arrange(area, &NEEDS, Panel::ALL[focus], zoom, banner);
            let mut parts = vec![layout.header, layout.banner, layout.pinned, layout.hint];
            for panel in layout.panels.iter().flatten() {
                parts.extend([panel.title, panel.body]);
            }
            let parts: Vec<Rect> = parts.into_iter().filter(|r| r.height > 0).collect();
            for (at, part) in parts.iter().enumerate() {
                prop_assert!(part.bottom() <= area.bottom() && part.right() <= area.right());
                for other in &parts[at + 1..] {
                    prop_assert!(!part.intersects(*other), "{part:?} {other:?}");
                }
            }
        }
    }
}
