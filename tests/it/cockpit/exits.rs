//! Ways out that rest at the broker: with the order that opens, and beside what is open.

use std::time::Duration;

use serde_json::Value;

use super::super::terminal::{Home, eventually, eventually_within};
use super::{live_demo, trades};

/// The simulated exchange fills inside the market when it likes.
const FILL: Duration = Duration::from_secs(180);

fn rows(home: &Home) -> Vec<Value> {
    let orders: Value = serde_json::from_str(&home.output(&["orders", "--json"])).expect("a document");
    orders["rows"].as_array().expect("rows").clone()
}

fn of_set(home: &Home, kind: &str) -> Vec<Value> {
    rows(home).into_iter().filter(|row| row["set"]["kind"] == kind).collect()
}

fn states(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["state"].as_str().expect("a state")).collect()
}

#[test]
fn an_order_goes_out_with_its_exits_which_outlive_a_restart_and_are_cancelled_whole() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    home.output(&["book", "spy ic 45d 16 w5 x1 @medium", "--rationale", "income, IVR 23"]);
    let trade =
        eventually("booked", || trades(&home.snapshot()).into_iter().find(|t| t["kind"] == "what_if"));
    let id = trade["id"].as_str().expect("an id").to_owned();
    home.output(&["promote", &id, "--with-exits", "--rationale", "income, IVR 23"]);
    let staged = eventually("staged", || Some(of_set(&home, "otoco")).filter(|rows| rows.len() == 3));
    assert_eq!(states(&staged), ["staged"; 3]);
    let stop = &staged[2]["set"]["role"];
    assert_eq!(stop["is"], "stop");
    term.keys("Ob")
        .wait_for("Send this order?")
        .wait_for("stop: limit")
        .keys("y")
        .wait_for("sent to the simulated");
    let filled = eventually_within(FILL, "the first one fills, the exits begin", || {
        let rows = of_set(&home, "otoco");
        let begun = rows[1..].iter().all(|row| row["set"]["waits"] == false);
        (states(&rows) == ["filled", "working", "working"] && begun).then_some(rows)
    });
    assert!(filled.iter().all(|row| row["set"]["broker_id"].is_string()), "{filled:?}");
    let linked = home.events("order.linked");
    assert_eq!((linked.len(), home.events("order.set_named").len()), (1, 1));
    assert_eq!(home.events("order.submitted").len(), 3, "a wish for each order");
    term.keys("<Esc>").wait_gone("Orders: ").keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);

    let term = live_demo(&home, 160, 50);
    assert_eq!(states(&of_set(&home, "otoco")), ["filled", "working", "working"], "they rest at the broker");
    let open = |home: &Home| {
        trades(&home.snapshot()).into_iter().any(|t| t["id"] == id.as_str() && t["is_open"] == true)
    };
    assert!(open(&home));
    // Another way out is refused while these rest.
    let refused = home.command(&["close", &id, "--rationale", "try"]).output().expect("runs");
    assert!(!refused.status.success(), "{refused:?}");
    // Any of them stands for the set; the ones that have ended stay as they are.
    term.keys("O")
        .wait_for("stop")
        .keys("jx")
        .wait_for("Cancel these orders?")
        .keys("y")
        .wait_for("cancel of the set");
    eventually("both exits are gone", || {
        (states(&of_set(&home, "otoco")) == ["filled", "cancelled", "cancelled"]).then_some(())
    });
    let asked = home.events("order.change_requested");
    assert_eq!(asked.len(), 2, "one wish for each");

    // Beside what is open: the two exits alone, until the switch takes them back.
    term.keys("<Esc>").wait_gone("Orders: ");
    let held = trades(&home.snapshot()).into_iter().filter(|trade| {
        let earns = trade["percent_of_max"]["value"].as_f64().is_some_and(|percent| percent > 0.0);
        trade["is_open"] == true && trade["id"] != id.as_str() && !trade["portfolio"].is_null() && earns
    });
    let bracketed = held.map(|trade| trade["id"].as_str().expect("an id").to_owned()).find(|other| {
        let staged = home.command(&["close", other, "--bracket", "--rationale", "two ways out"]).output();
        staged.expect("runs").status.success()
    });
    assert!(bracketed.is_some(), "nothing of the demo's book has a rule with a stop");
    eventually("staged", || (states(&of_set(&home, "oco")) == ["staged"; 2]).then_some(()));
    let row = rows(&home).iter().position(|row| row["set"]["kind"] == "oco").expect("listed");
    term.keys("O")
        .wait_for("OCO")
        .keys(&"j".repeat(row))
        .keys("b")
        .wait_for("Send this order?")
        .keys("y")
        .wait_for("sent to the simulated");
    eventually("they rest", || (states(&of_set(&home, "oco")) == ["working"; 2]).then_some(()));
    term.keys("<C-k>").wait_for("resting exits").keys("s").wait_for("KILL SAFE");
    eventually("the switch takes them back", || {
        (states(&of_set(&home, "oco")) == ["cancelled"; 2]).then_some(())
    });
    assert!(open(&home), "what they were to close is still held");
    drop(term);
}
