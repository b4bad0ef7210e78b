//! The program on the second broker: the real binary against a small Tradier on loopback.

#[expect(dead_code, reason = "the adapter's own tests use the rest of it")]
mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::terminal::{Home, Term, eventually, eventually_within};
use server::{Fault, NUMBER, Server, TOKEN};

const ORDERS: &str = "POST /accounts/VA000001/orders";
/// A limit gives way every 15 seconds, on a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(150);

/// A broker that runs as long as the test.
struct Broker {
    server: Arc<Server>,
    _runtime: Runtime,
}

impl Broker {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(Server::start());
        server.book().is_open = true;
        Self { server, _runtime: runtime }
    }

    /// A home that is configured for it: the broker by the file, the rest by the environment.
    fn home(&self, yaml: &str) -> Home {
        Home::new()
            .configured("cotrader.yaml", &format!("broker:\n  name: tradier\n{yaml}"))
            .with("COTRADER_BASE_URL", &self.server.base)
            .with("COTRADER_STREAM_URL", &self.server.sockets)
            .with("TRADIER_TOKEN", TOKEN)
    }

    /// Requests that concern orders.
    fn of_orders(&self) -> Vec<String> {
        let asked = self.server.book();
        let orders = asked.asked.iter().filter(|one| one.what.contains("/orders"));
        orders
            .map(|one| {
                format!("{}{}", one.what, if one.form.contains_key("preview") { " preview" } else { "" })
            })
            .collect()
    }
}

fn row(home: &Home) -> Option<Value> {
    let orders: Value = serde_json::from_str(&home.output(&["orders", "--json"])).expect("a document");
    orders["rows"].as_array().and_then(|rows| rows.first().cloned())
}

fn trades(home: &Home) -> Vec<Value> {
    let snapshot = home.snapshot();
    let groups = snapshot["positions"]["groups"].as_array().expect("groups").clone();
    groups.iter().flat_map(|group| group["trades"].as_array().expect("trades").clone()).collect()
}

fn says_no_secret(text: &str) {
    assert!(!text.contains(TOKEN) && !text.contains(NUMBER), "{text}");
}

#[test]
fn doctor_and_snapshot_reach_the_second_broker() {
    let broker = Broker::start();
    let home = broker.home("");
    let doctor = home.output(&["doctor", "--json"]);
    says_no_secret(&doctor);
    let told: Value = serde_json::from_str(&doctor).expect("a document");
    let check = |name: &str| {
        let checks = told["checks"].as_array().expect("checks");
        let found = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found["state"], "ok", "{found}");
        found["text"].as_str().expect("a text").to_owned()
    };
    assert!(check("mode").starts_with("SIM"));
    assert!(check("broker").ends_with("answers; the market is open"));
    assert_eq!(check("market data"), "quotes are answered, streamed from 127.0.0.1");
    assert_eq!(check("account"), "…0001: options level 6");
    assert_eq!(check("holidays"), "the broker's and ours are the same through 2026-12-25");

    let picture = home.output(&["snapshot", "--json"]);
    says_no_secret(&picture);
    let picture: Value = serde_json::from_str(&picture).expect("a document");
    assert_eq!(picture["mode"], "sim");
    assert_eq!(picture["positions"]["trades"], 1);
    assert_eq!(picture["underlyings"]["total"]["unpriced"], 0);
    let health = home.output(&["health"]);
    says_no_secret(&health);
    assert_eq!(broker.of_orders(), Vec::<String>::new(), "nobody asked for orders");
    // One store is one broker's.
    let other = home
        .with("COTRADER_BROKER", "tastytrade")
        .with("TT_CLIENT_SECRET", "a")
        .with("TT_REFRESH_TOKEN", "b");
    let other = other.with("COTRADER_STREAM_URL", "").with("COTRADER_ACCOUNT_STREAM_URL", "ws://127.0.0.1:9");
    let refused = other.command(&["snapshot", "--json"]).output().expect("runs");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("accounts at tradier, and the broker is tastytrade"), "{words}");
}

#[test]
fn what_is_read_of_accounts_and_listings_is_shown_and_what_is_not_is_named() {
    let broker = Broker::start();
    let home = broker.home("");
    let told = home.output(&["account", "--json"]);
    says_no_secret(&told);
    let told: Value = serde_json::from_str(&told).expect("a document");
    assert!(told["customer"].is_null() && told["accounts"][0]["account"] == "…0001", "{told}");
    assert_eq!(told["accounts"][0]["status"]["options_level"], "6");
    let spy: Value = serde_json::from_str(&home.output(&["lookup", "SPY", "--json"])).expect("a document");
    assert!(spy["options"]["contracts"].as_u64().is_some_and(|contracts| contracts > 4), "{spy}");
    assert!(spy["options"]["same_as_chain"].is_null() && spy["not_read"]["dividends"].is_string(), "{spy}");
    let refused = home.command(&["account", "transactions"]).output().expect("runs");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(words.contains("transactions: not read from Tradier"), "{words}");
    assert_eq!(broker.of_orders(), Vec::<String>::new());
}

/// A cockpit with one order of four legs, staged; the id of its trade.
fn staged(home: &Home, mode: &str) -> (Term, String) {
    let term = Term::cockpit(home, 160, 50);
    term.wait_for(mode).wait_for("● live").wait_gone("refreshing").wait_gone("computing");
    home.output(&["book", "spy ic 28d 16 w5 x1 @medium", "--rationale", "income"]);
    let trade = eventually("booked", || trades(home).into_iter().find(|trade| trade["kind"] == "what_if"));
    let id = trade["id"].as_str().expect("an id").to_owned();
    home.output(&["promote", &id, "--rationale", "income"]);
    eventually("staged", || row(home).filter(|row| row["state"] == "staged"));
    (term, id)
}

fn filled(home: &Home) -> Value {
    eventually_within(PATIENCE, "filled", || row(home).filter(|row| row["state"] == "filled"))
}

#[test]
fn an_order_is_previewed_sent_once_and_found_filled() {
    let broker = Broker::start();
    let home = broker.home("");
    let (term, id) = staged(&home, "SIM");
    assert_eq!(broker.of_orders(), [format!("{ORDERS} preview")]);
    term.keys("Ob").wait_for("Send this order").keys("y");
    assert_eq!(filled(&home)["legs"].as_array().map(Vec::len), Some(4));
    assert_eq!(broker.server.sent(), 1);
    let is_it = |trade: &Value| trade["id"] == id.as_str() && trade["kind"] == "real";
    let held = eventually("held", || trades(&home).into_iter().find(is_it));
    assert_eq!(held["is_open"], true, "{held}");
    term.keys("<Esc>").wait_gone("Orders: ").keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

#[test]
fn an_order_whose_answer_is_lost_is_found_by_its_tag_and_not_sent_again() {
    let broker = Broker::start();
    let home = broker.home("");
    let (term, _) = staged(&home, "SIM");
    broker.server.fault(ORDERS, [Fault::Lost]);
    term.keys("Ob").wait_for("Send this order").keys("y");
    assert_eq!(filled(&home)["unknown"], false);
    assert_eq!(broker.server.sent(), 1);
    let answered = home.events("order.answered");
    assert_eq!(answered[0]["payload"]["answer"]["is"], "lost");
}

#[test]
fn on_paper_quotes_are_real_and_no_order_reaches_the_broker() {
    let broker = Broker::start();
    let home = broker.home("orders:\n  paper_only: true\n  paper_fill: 5 %\n");
    let (term, _) = staged(&home, "PAPER");
    term.keys("Ob").wait_for("Send this order on paper?").keys("y").wait_for("sent to the paper broker");
    filled(&home);
    assert_eq!(broker.of_orders(), Vec::<String>::new());
}
