//! Frames of the sample book as text, the styles of a few cells, and what holds at every size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::sample;
use super::state::{Panel, ScreenConfig, UiState};
use super::{draw, render_text};
use crate::snapshot::Snapshot;

fn ui(snapshot: &Snapshot, width: u16, height: u16) -> UiState {
    let mut ui = UiState::new(&ScreenConfig::default()).unwrap();
    ui.size = (width, height);
    ui.settle(snapshot);
    ui
}

fn frame(snapshot: &Snapshot, width: u16, height: u16) -> String {
    render_text(snapshot, &ui(snapshot, width, height), width, height)
}

#[test]
fn a_terminal_shows_what_the_text_form_says() {
    let snapshot = sample::normal();
    let ui = ui(&snapshot, 160, 50);
    let mut terminal = Terminal::new(TestBackend::new(160, 50)).unwrap();
    terminal.draw(|frame| draw(frame, &snapshot, &ui)).unwrap();
    let buffer = terminal.backend().buffer();
    let text = render_text(&snapshot, &ui, 160, 50);
    for (y, line) in text.lines().enumerate() {
        let row: String = (0..160).map(|x| buffer[(x, u16::try_from(y).unwrap())].symbol()).collect();
        assert_eq!(row.trim_end(), line);
    }
    for panel in Panel::ALL {
        assert!(text.contains(&format!(" {} {} ", panel.index() + 1, panel.name())), "{panel:?}");
    }
}

#[test]
fn frames_of_the_sample_book() {
    let books = [
        ("normal", sample::normal()),
        ("stale", sample::stale()),
        ("breached", sample::breached()),
        ("empty", sample::empty()),
    ];
    for (name, snapshot) in &books {
        for (width, height) in [(160, 50), (120, 40), (80, 24), (60, 16), (50, 12)] {
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), frame(snapshot, width, height));
        }
    }
}
