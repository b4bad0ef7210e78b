//! The first minute: what a fresh machine shows.

use super::super::terminal::{Home, Term};
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

#[test]
fn a_terminal_too_small_for_anything_is_survived() {
    let home = Home::new();
    let term = Term::cockpit(&home, 20, 5);
    term.wait_for("br 0");
    term.resize(160, 50);
    term.wait_for("5 Hedging blotter");
    term.resize(1, 1);
    term.resize(80, 24);
    term.wait_for("5 Hedging blotter");
    term.keys("q");
    let ended = term.exit();
    ended.assert_clean();
    assert_eq!(ended.status.exit_code(), 0, "{ended:?}");
}
