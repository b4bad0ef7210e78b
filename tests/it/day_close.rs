//! One close a session, of the real book, whatever the screen shows at that moment.

use super::terminal::{Home, Term, eventually};

#[test]
fn the_first_picture_after_the_close_is_recorded_once() {
    let home = Home::new();
    let cockpit =
        Term::spawn(&home, env!("CARGO_BIN_EXE_cotrader"), &["--as-of", "2026-11-20T16:05"], 160, 50);
    cockpit.wait_for("after hours");
    let found = eventually("the close of the day", || {
        Some(home.events("day.closed")).filter(|closes| !closes.is_empty())
    });
    cockpit.keys("q");
    cockpit.exit().assert_clean();
    assert_eq!(found.len(), 1);
    let close = &found[0]["payload"];
    assert_eq!(close["date"], "2026-11-20");
    let rows = |key: &str| close[key].as_array().expect("a list").clone();
    assert!(rows("exposures").len() >= 5 && rows("exposures").iter().all(|row| row["complete"] == true));
    assert!(rows("exposures").iter().all(|row| row["iv30"].is_number()));
    // Two accounts and four portfolios, all of known worth.
    assert_eq!(rows("equity").len(), 6);
    assert!(rows("equity").iter().all(|row| row["equity"].is_string()));
    assert!(close["context"]["marks"].as_array().is_some_and(|marks| marks.len() >= 20));
}
