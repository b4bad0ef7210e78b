//! What the trader decides on the screen: in every panel at once, and in the record.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::terminal::{Home, PATIENCE, Term, eventually};
use super::{live_demo, trades};

const LINE: &str = ":spy ic 45d 16 w5 x1 @medium -- income, IVR 23";

fn what_ifs(snapshot: &Value) -> Vec<Value> {
    trades(snapshot).into_iter().filter(|trade| trade["kind"] == "what_if").collect()
}

fn total(snapshot: &Value, figure: &str) -> f64 {
    snapshot["underlyings"]["total"][figure]["value"].as_f64().expect("a figure")
}

/// Leaves the cockpit by the front door.
fn quit(term: Term) {
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

#[test]
fn a_whatif_is_booked_by_one_line_counts_when_asked_to_and_is_discarded_with_a_reason() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let without = home.snapshot();
    term.keys(&format!("{LINE}<Enter>")).wait_for("WhatIf booked").wait_for("WhatIf: 1 OUT");
    let booked = eventually("the WhatIf is in the picture", || what_ifs(&home.snapshot()).pop());
    assert_eq!(booked["counted"], false);
    assert_eq!(booked["portfolio"], "Medium");
    assert_eq!(booked["rationale"], "income, IVR 23");
    let intended = home.events("trade.intended");
    let event = intended.iter().find(|event| event["payload"]["trade"] == booked["id"]).expect("recorded");
    assert_eq!(event["payload"]["rationale"], "income, IVR 23");
    assert_eq!(event["actor"], "trader");
    let label = booked["label"].as_str().expect("a label");
    // Marked in the grid: zoomed and filtered, so that it is in sight whatever else there is.
    term.keys("4z/spy<Enter>").wait_for(&format!("? {label}")).keys("z").wait_for("5 Hedging blotter");

    term.keys("f").wait_for("WhatIf: 1 IN");
    let with = eventually("the WhatIf counts", || {
        let snapshot = home.snapshot();
        let counted = what_ifs(&snapshot).iter().all(|trade| trade["counted"] == true);
        (counted && snapshot["header"]["computing"] == false).then_some(snapshot)
    });
    // Four short and long options of its own: theta, vega, the worst cell and the limit move.
    for figure in ["theta_day", "vega_point", "worst", "var95"] {
        let moved = (total(&with, figure) - total(&without, figure)).abs();
        assert!(moved > 0.5, "{figure} did not move: {}", total(&with, figure));
    }
    let cell = |snapshot: &Value| snapshot["scenario"]["cells"][0][0]["value"].as_f64().expect("a cell");
    assert!((cell(&with) - cell(&without)).abs() > 1.0);
    let medium = |snapshot: &Value| {
        let strips = snapshot["portfolios"].as_array().expect("strips").clone();
        let strip = strips.into_iter().find(|strip| strip["name"] == "Medium").expect("Medium");
        strip["theta_day"]["value"].as_f64().unwrap_or(0.0)
    };
    assert!(medium(&with) > medium(&without) + 0.5, "its portfolio's figures move too");

    bottom(&term);
    select(&term, &["? ", label]);
    term.keys("d")
        .wait_for("Discard a WhatIf")
        .keys("too wide<Enter>")
        .wait_for("Discard this trade?")
        .keys("y");
    term.wait_for("discarded");
    eventually("the WhatIf is gone", || what_ifs(&home.snapshot()).is_empty().then_some(()));
    let closed = home.events("trade.closed");
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0]["payload"]["trade"], booked["id"]);
    assert_eq!(closed[0]["payload"]["rationale"], "too wide");
    quit(term);
}

/// Goes to the last row; what was typed has been done when this returns.
fn bottom(term: &Term) {
    let typing = |screen: &vt100::Screen| {
        let (rows, columns) = screen.size();
        let last = screen.rows(0, columns.get()).nth(usize::from(rows.get()) - 1);
        last.is_some_and(|line| line.starts_with(':'))
    };
    term.keys("G:").wait_until("the line is open", PATIENCE, typing);
    term.keys("<Esc>").wait_until("the line is closed", PATIENCE, |screen| !typing(screen));
}

/// Moves up until the selected row contains all the words.
fn select(term: &Term, words: &[&str]) {
    let selected = |screen: &vt100::Screen| {
        let (rows, columns) = screen.size();
        // The selected row is shaded from its first column on; nothing else is.
        let shaded = |row: u16| {
            screen.cell(row, 0).is_some_and(|cell| cell.inverse() || cell.bgcolor() != vt100::Color::Default)
        };
        let at = (0..rows.get()).find(|row| shaded(*row))?;
        screen.rows(0, columns.get()).nth(usize::from(at))
    };
    let fits =
        |line: &Option<String>| line.as_ref().is_some_and(|line| words.iter().all(|w| line.contains(w)));
    loop {
        let before = selected(&term.screen());
        if fits(&before) {
            return;
        }
        let what = format!("the row above {before:?} is selected, on the way to {words:?}");
        term.keys("k").wait_until(&what, PATIENCE, |screen| selected(screen) != before);
    }
}

#[test]
fn an_unrouted_trade_is_given_a_portfolio_and_a_missing_rationale() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let unrouted = |snapshot: &Value| -> Vec<Value> {
        trades(snapshot).into_iter().filter(|trade| trade["portfolio"].is_null()).collect()
    };
    let to_do = |snapshot: &Value| snapshot["header"]["to_do"].as_u64().expect("a count");
    let before = home.snapshot();
    let inbox = unrouted(&before);
    let condor = inbox.iter().find(|trade| trade["strategy"] == "iron_condor").expect("an iron condor");
    let (id, label) = (condor["id"].clone(), condor["label"].as_str().expect("a label").to_owned());
    // Where it is asked for: in the blotter, whole at this zoom.
    term.keys("5z");
    bottom(&term);
    select(&term, &["ROUTE", &label]);
    term.keys("m").wait_for(&format!("Move {label} to")).keys("j<Enter>").wait_for("moved to Medium");
    eventually("it has left the inbox", || {
        (unrouted(&home.snapshot()).len() == inbox.len() - 1).then_some(())
    });
    let moved = home.events("trade.moved");
    assert_eq!((moved.len(), &moved[0]["payload"]["trade"]), (1, &id));

    bottom(&term);
    select(&term, &["WHY?", &label]);
    term.keys("nold condor, taken over<Enter>").wait_for("recorded");
    let asks_why = |snapshot: &Value| {
        let rows = snapshot["blotter"].as_array().expect("rows");
        rows.iter().any(|row| row["urgency"] == "rationale" && row["trade"] == id)
    };
    eventually("nobody asks why any more", || (!asks_why(&home.snapshot())).then_some(()));
    let notes = home.events("note.recorded");
    assert_eq!(
        notes.last().map(|note| &note["payload"]["rationale"]),
        Some(&"old condor, taken over".into())
    );
    assert_eq!(
        to_do(&home.snapshot()),
        to_do(&before) - 2,
        "one row less for the portfolio, one for the rationale"
    );
    quit(term);
}

#[test]
fn the_portfolio_view_narrows_every_panel() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let names = |snapshot: &Value| -> BTreeSet<String> {
        trades(snapshot).iter().map(|trade| trade["portfolio"].to_string()).collect()
    };
    assert!(names(&home.snapshot()).len() > 1);
    term.keys(":portfolio core<Enter>").wait_for("Core ▾").wait_gone("computing");
    let core = eventually("only Core is in the picture", || {
        let snapshot = home.snapshot();
        (names(&snapshot) == BTreeSet::from(["\"Core\"".to_owned()])).then_some(snapshot)
    });
    assert_eq!(core["scenario"]["subject"], "Core");
    term.keys("pg<Enter>").wait_for("all real ▾");
    quit(term);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_remedy_and_records_nothing() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    let decided = || -> usize {
        ["trade.intended", "trade.moved", "trade.closed", "note.recorded"]
            .iter()
            .map(|kind| home.events(kind).len())
            .sum()
    };
    for (line, says) in [
        (":flymetothemoon", "no command"),
        (":spy ic 45d x0 @medium -- income", "lots must be"),
        (":spy ic 45d 16 w5 x1 @nowhere -- income", "nowhere"),
        (":zzzz ic 45d 16 w5 x1 @medium -- income", "ZZZZ"),
        (":spy ic 45d 16 w5 x1 @core -- income", "Core"),
    ] {
        term.keys(line).keys("<Enter>").wait_for("!! ");
        let text = term.text();
        assert!(text.contains(says), "{line:?} should say {says:?}\n{text}");
        assert!(text.contains('→'), "{line:?} has no remedy\n{text}");
        assert_eq!(decided(), 0, "{line:?}");
        term.keys("<Esc>").wait_gone("!! ");
    }
    quit(term);
}
