//! The wire to the broker is cut and mended: nothing is shown as live that is not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::terminal::{Home, PATIENCE, Signal, Term, eventually};
use super::proxy::Broker;
use super::{live_demo, trades};

/// The figures that stand for the whole picture: marks, Greeks, sums.
fn standings(snapshot: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut take = |name: String, shown: &Value| {
        if let Some(standing) = shown["standing"].as_str().filter(|standing| *standing != "unknown") {
            found.push((name, standing.to_owned()));
        }
    };
    for (name, shown) in snapshot["underlyings"]["total"].as_object().expect("a total") {
        take(format!("total {name}"), shown);
    }
    for trade in trades(snapshot) {
        let options = trade["legs"].as_array().expect("legs").iter().any(|leg| leg["dte"].is_number());
        for name in ["mark", "delta_shares", "open"].into_iter().filter(|_| options) {
            take(format!("{} {name}", trade["label"]), &trade[name]);
        }
    }
    found
}

fn all(snapshot: &Value, standing: &str) -> bool {
    standings(snapshot).iter().all(|(_, is)| is == standing)
}

fn held(snapshot: &Value) -> BTreeSet<String> {
    standings(snapshot).into_iter().map(|(name, _)| name).collect()
}

fn live(term: &Term) {
    term.wait_for("● live").wait_for("TOTAL").wait_gone("computing").wait_gone("unpriced").wait_gone("~");
}

/// A cockpit behind a wire that can be cut, and its picture while every figure is live.
fn wired(place: &Home) -> (Broker, Home, Term, Value) {
    let broker = Broker::behind_a_proxy(place);
    let home = broker.customer();
    let term = Term::cockpit(&home, 160, 50);
    live(&term);
    let before = home.snapshot();
    assert!(all(&before, "live"), "{:?}", standings(&before));
    (broker, home, term, before)
}

/// Five seconds at the most, counted from the call.
fn live_again(home: &Home, term: &Term) -> Value {
    let at = Instant::now();
    live(term);
    let took = at.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    eventually("every figure is live again", || {
        let snapshot = home.snapshot_as_it_is();
        all(&snapshot, "live").then_some(snapshot)
    })
}

/// `r` brings back what was there before, and it moves: the subscriptions are there, not only a read.
fn followed_again(home: &Home, term: &Term, before: &Value) -> Value {
    term.keys("r");
    let after = live_again(home, term);
    assert_eq!(held(&after), held(before), "the same instruments are followed");
    let quotes = |snapshot: &Value| snapshot["market"]["quotes"].to_string();
    eventually("quotes move", || (quotes(&home.snapshot()) != quotes(&after)).then_some(()));
    after
}

/// Counted from the call.
fn nothing_is_live_within_a_second(home: &Home, term: &Term, badge: &str) -> Value {
    let at = Instant::now();
    term.wait_until("the badge says so", PATIENCE, |screen| {
        let header = screen.rows(0, 160).next().unwrap_or_default();
        header.contains(badge) && !header.contains("● live")
    });
    let noticed = at.elapsed();
    term.wait_until("the sums are marked", PATIENCE, |screen| {
        let total = screen.rows(0, 160).find(|line| line.starts_with("TOTAL")).unwrap_or_default();
        // Nine figures, each with its mark.
        total.matches('~').count() == 9
    });
    let took = at.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}, the badge {noticed:?}");
    let header = term.text().lines().next().unwrap_or_default().to_owned();
    assert!(header.contains("why: "), "no reason in {header:?}");
    let snapshot = home.snapshot_as_it_is();
    assert!(all(&snapshot, "stale"), "{:?}", standings(&snapshot));
    snapshot
}

#[test]
fn a_broker_that_falls_silent_is_noticed_as_fast_and_heard_again_on_the_same_wire() {
    let place = Home::new();
    let (broker, home, term, _) = wired(&place);

    broker.pause();
    let quiet = nothing_is_live_within_a_second(&home, &term, "● QUIET");
    assert_eq!(quiet["header"]["link"]["kind"], "quiet");
    assert_eq!(quiet["answer"]["state"], "unknown");
    // A read that nobody answers holds nothing up: the screen still obeys.
    term.keys("r").wait_for("refreshing");
    term.keys("?").wait_for("─ Keys ─");
    term.keys("<Esc>").wait_gone("─ Keys ─");

    broker.resume();
    live_again(&home, &term);
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

#[test]
fn a_broker_that_dies_and_comes_back_is_the_same_broker() {
    let place = Home::new();
    let (mut broker, home, term, before) = wired(&place);
    let mut last = before["as_of"].as_str().expect("an instant").to_owned();
    for how in [Signal::KILL, Signal::TERM] {
        broker.end(how);
        nothing_is_live_within_a_second(&home, &term, "● DOWN");

        broker.restart(&place);
        let after = followed_again(&home, &term, &before);
        // Its clock went on.
        let as_of = after["as_of"].as_str().expect("an instant").to_owned();
        assert!(as_of > last, "{as_of} after {last}");
        last = as_of;
    }
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
    let secret = broker.connection()["client_secret"].as_str().expect("a secret");
    let log = std::fs::read_dir(place.state()).into_iter().flatten().flatten();
    for file in log {
        let text = std::fs::read_to_string(file.path()).expect("a log");
        assert!(!text.contains(secret), "{:?} holds a secret", file.path());
    }
}

#[test]
fn a_cut_wire_leaves_nothing_live_and_a_mended_one_everything() {
    let place = Home::new();
    let (broker, home, term, before) = wired(&place);
    assert!(term.text().contains(" SIM "), "{}", term.text());

    broker.proxy.cut();
    let cut = nothing_is_live_within_a_second(&home, &term, "● DOWN");
    assert_eq!(cut["answer"]["state"], "unknown");

    broker.proxy.mend();
    followed_again(&home, &term, &before);
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
    // What the wire carried did not leave a secret behind.
    for key in ["client_secret", "refresh_token"] {
        let secret = broker.connection()[key].as_str().expect("a secret");
        assert!(!home.output(&["events", "--json"]).contains(secret));
    }
}

#[test]
fn without_the_stream_a_read_value_ages_and_is_marked() {
    let config = "market:\n  live_data:\n    quote_age_seconds: 1\n";
    let home = Home::new().configured("cotrader.yaml", config);
    let term = live_demo(&home, 160, 50);
    term.keys("S").wait_for("○ snapshot");
    term.wait_until("what was read is marked as old", PATIENCE, |screen| {
        let quotes = screen.rows(0, 160).find(|line| line.starts_with("SPY ")).unwrap_or_default();
        let total = screen.rows(0, 160).find(|line| line.starts_with("TOTAL")).unwrap_or_default();
        quotes.starts_with("SPY ~") && total.matches('~').count() == 9
    });
    assert!(term.text().contains("UNKNOWN (quotes are stale)"), "{}", term.text());
    term.keys("S").wait_for("● live").wait_gone("~");
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}
