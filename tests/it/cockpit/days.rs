//! The fire drill: recorded days played one after the other, with a book on top. The days are optional data beside
//! the repository.

use std::path::PathBuf;
use std::time::Duration;

use super::super::terminal::{Home, Term, eventually};
use super::trades;

/// Two days that follow each other.
fn days() -> Option<[PathBuf; 2]> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chains");
    let files = ["SPY_2025-05-01.csv.gz", "SPY_2025-05-02_intraday.csv.gz"].map(|name| folder.join(name));
    files.iter().all(|file| file.is_file()).then_some(files)
}

/// Half a day of the market's in as many seconds as this, on a machine that does other things, too.
const NIGHT: Duration = Duration::from_secs(120);

/// The first is a put that ends in the money in the first night: it is assigned.
const BOOK: &str = "positions:
  - {underlying: SPY, type: put, strike: 562, expiry: 2025-05-01, quantity: -1, entry: 5.10}
  - {underlying: SPY, type: put, strike: 555, expiry: 2025-05-01, quantity: 1, entry: 2.10}
  - {underlying: SPY, type: call, strike: 580, expiry: 2025-05-16, quantity: -1, entry: 3.00}
";

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says that it was skipped")]
fn recorded_days_play_as_open_sessions_one_after_the_other() {
    let Some([first, second]) = days() else {
        println!("skipped: no recorded days in ../shared/data/chains");
        return;
    };
    let home = Home::new().configured("book.yaml", BOOK);
    let book = home.store().with_file_name("config").join("cotrader").join("book.yaml");
    let text = |path: &PathBuf| path.display().to_string();
    let args = [
        "demo",
        "--market",
        &text(&first),
        "--market",
        &text(&second),
        "--book",
        &text(&book),
        "--as-of",
        "2025-05-01T15:30",
        "--speed",
        "300",
    ];
    let term = Term::spawn(&home, env!("CARGO_BIN_EXE_cotrader"), &args, 160, 50);
    let header = |words: &'static str| {
        term.wait_until(words, NIGHT, |screen| {
            screen.rows(0, 160).next().is_some_and(|header| header.contains(words))
        });
    };
    header("Thu 1 May 15:");
    term.wait_for("recorded days, played one after the other").wait_for("● live");
    let held = |home: &Home| -> Vec<String> {
        let words = |trade: serde_json::Value| trade["label"].as_str().map(str::to_owned);
        trades(&home.snapshot_as_it_is()).into_iter().filter_map(words).collect()
    };
    let spot = |home: &Home| home.snapshot_as_it_is()["market"]["quotes"][0]["last"]["value"].as_f64();
    let is_at = |home: &Home, price: f64| spot(home).is_some_and(|spot| (spot - price).abs() < 0.02);
    eventually("the first day's prices", || is_at(&home, 558.47).then_some(()));
    header("after hours");
    // The night is not waited for, and what it did stands in the book.
    header("Fri 2 May");
    // Not "opens in": in regular hours the benchmark must be heard.
    header("ET, open ");
    eventually("the second day's prices", || is_at(&home, 565.62).then_some(()));
    eventually("the night's bookings", || {
        let held = held(&home);
        let gone = !held.iter().any(|trade| trade.contains("1 May"));
        (gone && held.iter().any(|trade| trade.contains("shares"))).then_some(())
    });
    let snapshot = home.snapshot_as_it_is();
    let at = snapshot["as_of"].as_str().expect("an instant");
    assert!(at.starts_with("2025-05-02T"), "{at}");
    assert_eq!(snapshot["freshness"]["link"]["kind"], "live");
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}
