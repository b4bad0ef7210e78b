//! The first minute: what a fresh machine shows.

use super::super::terminal::{Home, PATIENCE, Term};
use super::{live_demo, title_rows};

#[test]
fn a_fresh_machine_shows_the_demo_with_every_panel_filled() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let text = term.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" DEMO ") && lines[0].contains("all real"), "{text}");
    assert!(lines[1].contains("no credentials") && lines[1].contains("cotrader init"), "{text}");
    let titles = title_rows(&text);
    assert!(titles.is_sorted(), "out of order: {titles:?}\n{text}");
    let ends = titles.iter().skip(1).copied().chain([lines.len() - 1]);
    for (start, end) in titles.iter().zip(ends) {
        let filled = (start + 1..end).filter(|row| !lines[*row].trim().is_empty()).count();
        assert!(filled >= 3, "the panel {:?} has {filled} lines\n{text}", lines[*start]);
    }
    assert!(text.contains("WITHIN LIMITS") || text.contains("BREACHED"), "{text}");
    assert!(!text.contains("unpriced") && !text.contains('~'), "something is not live\n{text}");
    term.keys("q");
    let ended = term.exit();
    ended.assert_clean();
    assert_eq!(ended.status.exit_code(), 0, "{ended:?}");
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let home = Home::new();
    let output = home.command(&[]).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("terminal") && errors.contains("cotrader snapshot"), "{errors}");
    assert!(output.stdout.is_empty());
}

/// Waits for a whole frame at this size: a key that comes in with the change of size waits for the next one.
fn drawn(term: &Term, columns: u16, rows: u16) {
    term.wait_until("a frame of the new size", PATIENCE, |screen| {
        let (tall, wide) = screen.size();
        // The end of the last line: nothing of a frame of another size ends there.
        let last = screen.rows(0, columns).nth(usize::from(rows) - 1).unwrap_or_default();
        (wide.get(), tall.get()) == (columns, rows) && last.contains("? help")
    });
}

#[test]
fn the_same_run_at_every_size_keeps_order_and_whole_figures() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let total = |term: &Term| term.text().lines().find(|line| line.starts_with("TOTAL")).map(str::to_owned);
    for (columns, rows) in [(120, 40), (80, 24), (60, 16), (160, 50), (80, 24)] {
        term.resize(columns, rows);
        drawn(&term, columns, rows);
        let text = term.text();
        let at: Vec<usize> = ["1 Market", "2 Risk", "3 Scenario", "4 Positions", "5 Hedging"]
            .iter()
            .filter_map(|title| text.lines().position(|line| line.contains(title)))
            .collect();
        assert!(at.len() == 5 && at.is_sorted(), "{columns}×{rows}: {at:?}\n{text}");
        assert!(text.lines().next().is_some_and(|line| line.contains("DEMO")), "{text}");
        // A figure is whole or absent: what stands in the sums reads as a number from end to end.
        let total = total(&term).unwrap_or_else(|| panic!("no sums at {columns}×{rows}\n{text}"));
        for word in total.split_whitespace().skip(1) {
            let bare = word.trim_start_matches('~').replace(',', "").replace('−', "-");
            assert!(bare.parse::<f64>().is_ok(), "{word:?} at {columns}×{rows}\n{text}");
        }
    }
    term.resize(50, 12);
    term.wait_until("one panel", PATIENCE, |screen| {
        let text = screen.contents();
        screen.size().1.get() == 50 && text.contains("2 Risk") && !text.contains("3 Scenario")
    });
    term.keys("4").wait_for("4 Positions").wait_gone("2 Risk");
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

#[test]
fn without_colour_the_screen_speaks_by_attributes() {
    let home = Home::new().with("NO_COLOR", "1");
    let term = live_demo(&home, 160, 50);
    let screen = term.screen();
    let cells = || (0..50).flat_map(|row| (0..160).map(move |column| (row, column)));
    let at = |(row, column): (u16, u16)| screen.cell(row, column).expect("a cell");
    let plain = vt100::Color::Default;
    assert!(cells().all(|place| at(place).fgcolor() == plain && at(place).bgcolor() == plain));
    assert!(cells().any(|place| at(place).bold()) && cells().any(|place| at(place).inverse()));
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

#[test]
fn a_terminal_too_small_for_anything_is_survived() {
    let home = Home::new();
    let term = Term::cockpit(&home, 20, 5);
    term.wait_for("br 0");
    term.resize(160, 50);
    term.wait_for("5 Hedging blotter");
    term.resize(1, 1);
    term.resize(80, 24);
    drawn(&term, 80, 24);
    term.keys("q");
    let ended = term.exit();
    ended.assert_clean();
    assert_eq!(ended.status.exit_code(), 0, "{ended:?}");
}
