//! Whose accounts a record is of, and which yes is missing: told by the program itself.

use serde_json::Value;

use super::super::terminal::{Home, Term};
use super::proxy::Broker;

fn real(home: Home, address: &str) -> Home {
    home.with("COTRADER_BASE_URL", address)
        .with("TT_CLIENT_SECRET", "a-secret")
        .with("TT_REFRESH_TOKEN", "a-grant")
}

#[test]
fn a_record_is_of_one_brokers_accounts_and_no_other_is_let_in() {
    let place = Home::new();
    let broker = Broker::behind_a_proxy(&place);
    let home = broker.customer();
    let term = Term::cockpit(&home, 160, 50);
    term.wait_for("SIM").wait_for("● live").keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
    assert_eq!(home.events("session.started")[0]["payload"]["broker"], "simulator");
    let store = home.store();
    for address in ["https://api.cert.tastyworks.com", "https://api.tastyworks.com"] {
        let other = real(Home::new(), address).with("COTRADER_STORE", &store.display().to_string());
        let refused = other.command(&["snapshot", "--json", "--wait", "1"]).output().expect("runs");
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{words}");
        assert!(
            words.contains("is the record of a simulator's accounts") && words.contains("--store"),
            "{words}"
        );
    }
    assert_eq!(home.events("session.started").len(), 1, "nothing was recorded by those that were refused");
}

/// Both yeses have to be there, each as it is meant; otherwise the mode is PAPER, and doctor names what is missing.
#[test]
fn doctor_names_each_yes_that_is_missing_and_live_needs_both() {
    let told = |configured: &str, switch: Option<&str>| {
        let mut home =
            real(Home::new(), "https://api.tastyworks.com").configured("cotrader.yaml", configured);
        if let Some(switch) = switch {
            home = home.with("COTRADER_LIVE", switch);
        }
        let output = home.command(&["doctor", "--json"]).output().expect("runs");
        let told: Value = serde_json::from_slice(&output.stdout).expect("a document");
        let mode =
            told["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "mode").cloned();
        mode.expect("the mode")["text"].as_str().expect("a text").to_owned()
    };
    let yes = "orders:\n  live_trading: true\n";
    let (file, environment) = ("live_trading: true", "COTRADER_LIVE=1");
    let neither = told("", None);
    assert!(
        neither.starts_with("PAPER") && neither.contains(file) && neither.contains(environment),
        "{neither}"
    );
    let configured = told(yes, None);
    assert!(
        configured.starts_with("PAPER") && !configured.contains(file) && configured.contains(environment),
        "{configured}"
    );
    let wrong = told(yes, Some("yes"));
    assert!(wrong.starts_with("PAPER") && wrong.contains(environment), "{wrong}");
    let switched = told("", Some("1"));
    assert!(
        switched.starts_with("PAPER") && switched.contains(file) && !switched.contains(environment),
        "{switched}"
    );
    assert!(told(yes, Some("1")).starts_with("LIVE"));
}
