//! Orders on paper against a simulated broker: filled here, never sent there; and no desk for real money without
//! the yeses.

use std::time::Duration;

use serde_json::Value;

use super::super::terminal::{Home, Term, eventually, eventually_within};
use super::proxy::Broker;
use super::trades;
use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig, TastytradeDesk};
use cotrader::domain::control::LiveOptIn;

/// A limit gives way every 15 seconds, on a machine that does other things, too.
const WALK: Duration = Duration::from_secs(150);

const PAPER: &str = "orders:\n  paper_only: true\n  paper_fill: 5 %\n";

fn row(home: &Home) -> Option<Value> {
    let orders: Value = serde_json::from_str(&home.output(&["orders", "--json"])).expect("a document");
    orders["rows"].as_array().and_then(|rows| rows.first().cloned())
}

/// The picture comes a moment after the answer.
fn staged(home: &Home) -> Value {
    eventually("staged", || row(home).filter(|row| row["state"] == "staged"))
}

#[test]
fn what_is_traded_on_paper_fills_outlives_a_restart_and_never_reaches_the_broker() {
    let place = Home::new();
    let broker = Broker::behind_a_proxy(&place);
    let home = broker.customer().configured("cotrader.yaml", PAPER);
    let term = Term::cockpit(&home, 160, 50);
    term.wait_for("PAPER").wait_for("● live").wait_gone("refreshing").wait_gone("computing");
    home.output(&["book", "spy ic 45d 16 w5 x1 @medium", "--rationale", "income, IVR 23"]);
    let trade =
        eventually("booked", || trades(&home.snapshot()).into_iter().find(|t| t["kind"] == "what_if"));
    let id = trade["id"].as_str().expect("an id");
    home.output(&["promote", id, "--rationale", "income, IVR 23"]);
    assert_eq!(staged(&home)["account"], "paper personal");
    term.keys("Ob").wait_for("Send this order on paper?").keys("y").wait_for("sent to the paper broker");
    let filled =
        eventually_within(WALK, "filled on paper", || row(&home).filter(|row| row["state"] == "filled"));
    assert_eq!(filled["venue"], "paper");
    assert_eq!(home.events("order.submitted")[0]["payload"]["venue"], "paper");
    let flags = |home: &Home| {
        let trade = trades(&home.snapshot()).into_iter().find(|trade| trade["id"] == id).expect("held");
        (trade["is_open"].clone(), trade["flags"].clone(), trade["counted"].clone())
    };
    let (open, marks, counted) = flags(&home);
    assert!(open == true && counted == true && marks.to_string().contains("paper"), "{marks}");
    // A position of the broker's account is read and not traded.
    let real = trades(&home.snapshot()).into_iter().find(|trade| trade["account"] == "personal");
    let real = real.expect("the account holds something")["id"].as_str().expect("an id").to_owned();
    let refused = home.command(&["close", &real, "--rationale", "try"]).output().expect("runs");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{words}");
    assert!(words.contains("only read in PAPER mode"), "{words}");
    term.keys("<Esc>").wait_gone("Orders: ").keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);

    // Nobody but the record knows of it, and the broker's positions do not undo it.
    let term = Term::cockpit(&home, 160, 50);
    term.wait_for("PAPER").wait_for("● live").wait_gone("refreshing").wait_gone("computing");
    assert!(flags(&home).0 == true);
    home.output(&["close", id, "--rationale", "rehearsal"]);
    assert_eq!(staged(&home)["account"], "paper personal");
    let sent = broker.proxy.requests();
    assert!(sent.iter().any(|line| line.starts_with("GET ")), "the wire was listened to");
    let orders: Vec<&String> = sent.iter().filter(|line| line.contains("/orders")).collect();
    assert_eq!(orders, Vec::<&String>::new());
    drop(term);
}

#[test]
fn no_live_desk_without_both_yeses_and_none_at_another_address() {
    let at = |config| {
        let credentials = Credentials { client_secret: "a-secret".into(), refresh_token: "a-grant".into() };
        std::sync::Arc::new(Tastytrade::new(config, credentials).expect("an adapter"))
    };
    for (configured, switch) in [(false, None), (true, None), (false, Some("1")), (true, Some("yes"))] {
        assert!(LiveOptIn::given(configured, switch).is_none(), "{configured} {switch:?}");
    }
    let production = || at(TastytradeConfig::production());
    assert!(
        TastytradeDesk::loopback(production()).is_err() && TastytradeDesk::sandbox(production()).is_err()
    );
    let both = LiveOptIn::given(true, Some("1")).expect("both");
    assert!(TastytradeDesk::live(at(TastytradeConfig::sandbox()), both).is_err());
}

#[test]
fn doctor_names_the_mode() {
    let home = Home::new();
    let modes = |args: &[&str]| {
        let output = home.command(args).output().expect("runs");
        let told: Value = serde_json::from_slice(&output.stdout).expect("a document");
        let checks = told["checks"].as_array().expect("checks").clone();
        let mode = checks.into_iter().find(|check| check["name"] == "mode").expect("the mode");
        mode["text"].as_str().expect("a text").to_owned()
    };
    assert!(modes(&["doctor", "--json"]).starts_with("DEMO"));
    assert!(modes(&["doctor", "--json", "--paper"]).starts_with("PAPER"));
}
