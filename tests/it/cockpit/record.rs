//! What was confirmed is there after the worst: the same trades, the same book, the same ids.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::super::terminal::{Home, PATIENCE, Term, runs};
use super::{live_demo, trades};

/// Id, name, portfolio, account and size of every trade: what a book is.
fn book(snapshot: &Value) -> BTreeSet<String> {
    let text = |trade: &Value| {
        ["id", "label", "portfolio", "account", "quantity", "rationale"].map(|key| trade[key].to_string())
    };
    trades(snapshot).iter().map(|trade| text(trade).join(" ")).collect()
}

/// Hands lines to the cockpit that runs, and returns what was printed.
fn log_batch(home: &Home, lines: &[String]) -> Vec<String> {
    let mut command = home.command(&["log", "--batch", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    for line in lines {
        writeln!(input, "{line}").expect("it reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn after_kill_9_the_book_is_the_same_and_nothing_confirmed_is_missing() {
    let home = Home::new();
    let term = live_demo(&home, 120, 40);
    let before = book(&home.snapshot());
    assert!(before.len() >= 10, "{before:?}");
    let lines: Vec<String> = (0..50)
        .map(|n| format!(r#"{{"underlying":"SPY","strategy":"iron_condor","rationale":"line {n}"}}"#))
        .collect();
    let printed = log_batch(&home, &lines);
    assert_eq!(printed.len(), lines.len());
    term.kill();
    assert_eq!(home.output(&["verify"]).matches("as it was written").count(), 1);
    let recorded: Vec<Value> = home.events("trade.intended");
    let ids: Vec<&str> = recorded.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(ids, printed, "the ids in the store are those that were printed, in their order");
    let adopted = home.events("trade.adopted").len();

    let again = live_demo(&home, 120, 40);
    let after = book(&home.snapshot());
    assert_eq!(before, after);
    assert_eq!(home.events("trade.adopted").len(), adopted, "a restart adopts nothing twice");
    again.keys("q");
    assert_eq!(again.exit().assert_clean().status.exit_code(), 0);
    home.output(&["verify"]);
}

#[test]
fn a_second_cockpit_shows_what_the_first_one_records() {
    let home = Home::new();
    let first = live_demo(&home, 160, 50);
    let second = Term::cockpit(&home, 160, 50);
    second.wait_for("READ-ONLY").wait_for("decide there").wait_for("TOTAL").wait_for("WHY?");
    let mute: Vec<String> = trades(&home.snapshot())
        .iter()
        .filter(|trade| trade["rationale"].is_null())
        .filter_map(|trade| trade["id"].as_str().map(str::to_owned))
        .collect();
    assert!(!mute.is_empty());
    // The shell reaches the one that writes.
    for trade in &mute {
        home.output(&["log", "--trade", trade, "--rationale", "inherited"]);
    }
    second.wait_gone("WHY?");
    home.output(&["book", "spy", "ic", "45d", "16", "w5", "x1", "@medium", "--rationale", "income"]);
    second.wait_for("WhatIf: 1 OUT");
    // It is the same book: the same sums once both count it.
    let total = |term: &Term| term.text().lines().find(|line| line.starts_with("TOTAL")).map(str::to_owned);
    let before = total(&second).expect("sums");
    second.keys("f").wait_for("WhatIf: 1 IN").wait_gone("computing");
    second.wait_until("other sums", PATIENCE, |screen| {
        screen.contents().lines().any(|line| line.starts_with("TOTAL") && line != before)
    });
    // Nobody writes any more, and it says so.
    let pid = first.pid();
    first.kill();
    second.wait_for(&format!("process {pid}, which held the store, has ended"));
    second.keys("q");
    assert_eq!(second.exit().assert_clean().status.exit_code(), 0);
    home.output(&["verify"]);
}

#[test]
fn a_second_cockpit_only_reads_and_names_the_first() {
    let home = Home::new();
    let first = live_demo(&home, 120, 40);
    let second = Term::cockpit(&home, 120, 40);
    second.wait_for("READ-ONLY").wait_for(&format!("process {}", first.pid())).wait_for("TOTAL");
    assert_eq!(home.writer(), first.pid());
    let events = home.output(&["events", "--json"]).lines().count();
    // Whatever it is asked, it records nothing, and says why.
    second.keys(":spy ic 45d 16 w5 x1 @medium -- income<Enter>").wait_for("!! ");
    assert_eq!(home.output(&["events", "--json"]).lines().count(), events);
    let pid = second.pid();
    second.keys("<Esc>").wait_gone("!! ").keys("q");
    assert_eq!(second.exit().assert_clean().status.exit_code(), 0);
    assert!(!runs(pid) && runs(first.pid()));
    first.wait_for("● live").keys("q");
    assert_eq!(first.exit().assert_clean().status.exit_code(), 0);
    home.output(&["verify"]);
}
