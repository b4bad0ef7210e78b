//! A simulated broker in a process of its own that misbehaves, and what the trader at the screen is told.

use serde_json::Value;

use super::super::terminal::{Home, Term, eventually};
use super::proxy::Broker;
use super::trades;

/// Broker, trader, and the cockpit that connects the two.
fn against(place: &Home, faults: &str) -> (Broker, Home, Term) {
    let broker = Broker::misbehaving(place, Some(faults));
    let home = broker.customer();
    let term = Term::cockpit(&home, 160, 50);
    term.wait_for("● live");
    (broker, home, term)
}

fn warned(snapshot: &Value, words: &str) -> bool {
    let said = snapshot["warnings"].as_array().expect("warnings");
    said.iter().any(|warning| warning.as_str().is_some_and(|warning| warning.contains(words)))
}

/// Standings of the marks of an underlying's legs.
fn marks(snapshot: &Value, symbol: &str) -> Vec<String> {
    let groups = snapshot["positions"]["groups"].as_array().expect("groups");
    let group = groups.iter().find(|group| group["symbol"] == symbol).expect("held");
    let trades = group["trades"].as_array().expect("trades");
    trades.iter().filter_map(|trade| trade["mark"]["standing"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_halted_underlying_is_named_counts_as_stale_and_is_not_ordered() {
    let place = Home::new();
    let (_broker, home, term) = against(&place, "halt@XLF:1ms:24h");
    term.wait_for("HALTED XLF").wait_gone("refreshing").wait_gone("unpriced");
    let snapshot = eventually("the halt in the picture", || {
        let snapshot = home.snapshot();
        (snapshot["market"]["halted"] == serde_json::json!(["XLF"])).then_some(snapshot)
    });
    assert!(warned(&snapshot, "XLF: trading is halted"), "{}", snapshot["warnings"]);
    assert!(marks(&snapshot, "XLF").iter().all(|standing| standing == "stale"), "{snapshot}");
    assert!(marks(&snapshot, "QQQ").iter().all(|standing| standing == "live"), "{snapshot}");
    assert_eq!(snapshot["answer"]["state"], "unknown");
    let groups = snapshot["positions"]["groups"].as_array().expect("groups");
    let group = groups.iter().find(|group| group["symbol"] == "XLF").expect("held");
    let options =
        |trade: &&Value| trade["label"].as_str().is_some_and(|label| label.starts_with("short put"));
    let trades = group["trades"].as_array().expect("trades");
    let id = trades.iter().find(options).and_then(|trade| trade["id"].as_str()).expect("an id");
    let refused = home.command(&["close", id, "--rationale", "try"]).output().expect("runs");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("XLF is halted"), "{words}");
    assert!(home.events("order.staged").is_empty());
}

#[test]
fn crossed_quotes_have_no_price_and_no_limit_is_called_kept() {
    let place = Home::new();
    let (_broker, home, term) = against(&place, "crossed-quote:1");
    term.wait_for("UNKNOWN (").wait_for("unpriced");
    // Before the first quotes there are none: that is another reason.
    let snapshot = eventually("crossed quotes are named", || {
        let snapshot = home.snapshot_as_it_is();
        warned(&snapshot, "crossed quote").then_some(snapshot)
    });
    assert_eq!(snapshot["answer"]["state"], "unknown");
    let unpriced = snapshot["freshness"]["unpriced_instruments"].as_u64();
    assert!(unpriced.is_some_and(|count| count > 10), "{}", snapshot["freshness"]);
}

#[test]
fn positions_that_cannot_be_read_are_not_taken_for_none() {
    let place = Home::new();
    let (_broker, home, term) = against(&place, "e502@positions:1");
    term.wait_for("could not be read completely");
    let snapshot = home.snapshot_as_it_is();
    assert!(warned(&snapshot, "could not be read completely"), "{}", snapshot["warnings"]);
    assert_eq!(snapshot["answer"]["state"], "unknown", "not within limits for want of positions");
    assert!(home.events("trade.adopted").is_empty() && home.events("trade.closed").is_empty());
}

#[test]
fn an_order_whose_answer_is_lost_is_sent_once_and_found_again() {
    let place = Home::new();
    let (broker, home, term) = against(&place, "lost-reply@place:1");
    term.wait_gone("refreshing").wait_gone("computing").wait_gone("unpriced");
    home.output(&["book", "spy ic 45d 16 w5 x1 @medium", "--rationale", "income, IVR 23"]);
    let what_if = |home: &Home| trades(&home.snapshot()).into_iter().find(|trade| trade["kind"] == "what_if");
    let id = eventually("booked", || what_if(&home))["id"].as_str().expect("an id").to_owned();
    home.output(&["promote", &id, "--rationale", "income, IVR 23"]);
    let row = |home: &Home| {
        let orders: Value = serde_json::from_str(&home.output(&["orders", "--json"])).expect("a document");
        orders["rows"].as_array().and_then(|rows| rows.first().cloned())
    };
    eventually("staged", || row(&home).filter(|row| row["state"] == "staged"));
    term.keys("Ob").wait_for("Send this order").keys("y");
    eventually("found at the broker", || {
        row(&home).filter(|row| row["state"] == "working" || row["state"] == "filled")
    });
    let answered = home.events("order.answered");
    assert!(answered[0]["payload"].to_string().contains("lost"), "nobody knew: {answered:?}");
    let sent = broker.proxy.requests();
    let placed = |line: &&String| line.starts_with("POST ") && line.contains("/orders HTTP");
    assert_eq!(sent.iter().filter(placed).count(), 1, "{sent:#?}");
}
