//! One close a session, of the real book, whatever the screen shows at that moment.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::cli::Home;

fn closes(home: &Home) -> Vec<Value> {
    let listed = home.run(&["events", "--kind", "day.closed", "--json"]).expect(0);
    listed.lines().iter().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn the_first_picture_after_the_close_is_recorded_once() {
    let home = Home::new();
    let mut cockpit = home.in_terminal(&["--as-of", "2026-11-20T16:05"]);
    cockpit.wait_for("after hours");
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut found = closes(&home);
    while found.is_empty() {
        assert!(Instant::now() < deadline, "no close was recorded");
        found = closes(&home);
    }
    cockpit.type_in("q");
    cockpit.end();
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
