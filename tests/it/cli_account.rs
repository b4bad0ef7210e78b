//! `account` and `lookup`: what the broker keeps and lists, read through the real adapter from simulated brokers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cli::{Broker, Home, unreachable};

/// The numbers behind the masks.
fn numbers(broker: &Broker) -> Vec<String> {
    let numbers = broker.connection["accounts"].as_array().expect("accounts");
    numbers.iter().map(|number| number.as_str().expect("a number").to_owned()).collect()
}

fn of<'a>(document: &'a Value, tail: &str) -> &'a Value {
    let all = document["accounts"].as_array().expect("accounts");
    all.iter().find(|one| one["account"] == tail).unwrap_or_else(|| panic!("{tail} in {document}"))
}

#[test]
fn accounts_are_shown_with_what_they_may_do_and_never_with_their_numbers() {
    let broker = Broker::start();
    let home = broker.home();
    for args in [
        &["account"][..],
        &["account", "transactions", "--since", "2026-01-01"],
        &["account", "net-liq", "--since", "2026-11-10"],
        &["account", "margin"],
        &["account", "watchlists", "--public"],
        &["account", "watchlists", "Liquid ETFs", "--public"],
        &["account", "watchlists"],
    ] {
        let plain = home.run(args).expect(0);
        assert!(!plain.out.is_empty() && plain.err.is_empty(), "{plain:?}");
        let told = home.run(&[args, &["--json"]].concat()).expect(0);
        assert_eq!(told.json()["mode"], "sim", "{args:?}");
        for number in numbers(&broker) {
            assert!(!plain.out.contains(&number) && !told.out.contains(&number), "{args:?}");
        }
    }
    let overview = home.run(&["account", "--json"]).expect(0).json();
    assert_eq!(overview["customer"]["name"], "Sim Trader");
    assert_eq!(of(&overview, "…0002")["kind"], "ira");
    assert_eq!(of(&overview, "…0002")["status"]["short_calls"], false);
    assert!(home.run(&["account"]).expect(0).out.contains("no short calls"));

    let one = home.run(&["account", "transactions", "--account", "0001", "--json"]).expect(0).json();
    assert_eq!(one["accounts"].as_array().map(Vec::len), Some(1));
    let rows = of(&one, "…0001")["transactions"].as_array().expect("rows").clone();
    let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(rows.len() > 5 && ids.len() == rows.len(), "each once");
    let sum: f64 = rows.iter().filter_map(|row| row["net_value"].as_str()?.parse::<f64>().ok()).sum();
    let net: f64 = of(&one, "…0001")["net"].as_str().expect("a sum").parse().expect("dollars");
    assert!((sum - net).abs() < 1e-9, "{sum} {net}");
    home.run(&["account", "margin", "--account", "9999"]).expect(1).says("…0001, …0002");
    home.run(&["account", "watchlists", "No Such List"]).expect(1).says("not found");
    home.run(&["account", "transactions", "--since", "soon"]).expect(2).says("--since");
}

#[test]
fn a_name_is_looked_up_with_its_chain_its_dividends_and_its_volatilities() {
    let broker = Broker::start();
    let home = broker.home();
    let spy = home.run(&["lookup", "spy", "--json"]).expect(0).json();
    assert_eq!(spy["equity"]["symbol"], "SPY");
    assert_eq!(spy["options"]["same_as_chain"], true);
    assert!(spy["dividends"]["rows"].as_array().is_some_and(|rows| rows.len() > 3));
    let expiries = spy["options"]["expiries"].as_array().expect("expiries");
    let with_vol = expiries.iter().filter(|one| one["iv"].as_f64().is_some_and(|iv| iv > 0.03 && iv < 1.0));
    assert!(expiries.len() > 20 && with_vol.count() > 20);
    assert!(expiries.iter().all(|one| one["style"] == "american" && one["kind"].is_string()));
    assert!(spy["not_read"].as_object().is_some_and(serde_json::Map::is_empty), "{}", spy["not_read"]);
    let plain = home.run(&["lookup", "SPY"]).expect(0);
    assert!(plain.out.contains("the chain by strikes has the same") && plain.err.is_empty(), "{}", plain.out);

    let several =
        home.run(&["lookup", "SPY", "VIX", "NOPE"]).expect(1).says("not listed at the broker: NOPE");
    assert!(several.out.contains("SPY") && several.out.contains("index"), "{}", several.out);
    home.run(&["lookup", "SP"]).expect(1).says("there are SPY");
    home.run(&["lookup", "\u{1b}[2J"]).expect(2).says("is not a symbol");
    let date = expiries[expiries.len() / 2]["date"].as_str().expect("a date").replace('-', "");
    let occ = format!("SPY   {}C00640000", &date[2..]);
    let contract = home.run(&["lookup", &occ, "--json"]).expect(0).json();
    assert_eq!(contract["contract"]["symbol"], occ.as_str());
    home.run(&["lookup", "ZZZQ  261218C00640000"]).expect(1).says("not found");
}

#[test]
fn the_demo_is_looked_at_and_left_as_it_is() {
    let home = Home::new();
    let told = home.run(&["account", "--json"]).expect(0).json();
    assert_eq!(told["mode"], "demo");
    home.run(&["lookup", "SPY", "QQQ"]).expect(0);
    assert!(!home.store().exists(), "nothing is made");
    // The accounts are those of the demo's own store, where there is one.
    let shown = home.run(&["--seed", "11", "snapshot", "--json"]).expect(0).json();
    let files = || -> BTreeSet<_> {
        let all = std::fs::read_dir(home.store()).expect("a store").map(|entry| entry.expect("an entry"));
        all.map(|one| (one.file_name(), one.metadata().and_then(|m| m.modified()).expect("a time"))).collect()
    };
    let before = files();
    let told = home.run(&["account", "--json"]).expect(0).json();
    let positions: u64 = told["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .filter_map(|one| one["positions"].as_u64())
        .sum();
    assert!(positions > 5 && shown["positions"]["trades"].as_u64().is_some_and(|trades| trades > 3));
    home.run(&["--seed", "12", "account"]).expect(1).says("seed");
    assert_eq!(files(), before);
}

#[test]
fn a_broker_that_is_nowhere_is_exit_4_for_reads_too() {
    let home = unreachable();
    for args in
        [&["account"][..], &["account", "margin", "--json"], &["lookup", "SPY"], &["lookup", "SPY", "QQQ"]]
    {
        let ran = home.run(args).expect(4);
        assert!(ran.err.contains("→") && ran.out.is_empty(), "{ran:?}");
        assert!(!ran.err.contains("a-client-secret"));
    }
}

#[test]
fn a_part_that_cannot_be_read_is_named_and_costs_itself() {
    let home = Home::new();
    let ran = home
        .run(&["--fault", "e503@metrics:1", "lookup", "SPY", "--json"])
        .expect(4)
        .says("not all could be read");
    let told = ran.json();
    assert!(told["metrics"].is_null() && told["not_read"]["metrics"].is_string(), "{}", told["not_read"]);
    assert_eq!(told["options"]["same_as_chain"], true);
    let ran = home.run(&["--fault", "e503@transactions:1", "account", "transactions"]).expect(4);
    assert!(ran.out.contains("…0001") && ran.out.contains("503"), "{}", ran.out);
}

/// What a terminal acts on, and what reorders or hides.
fn foul(text: &str) -> Option<char> {
    text.chars()
        .filter(|c| *c != '\n')
        .find(|c| cotrader::domain::text::clean(&c.to_string(), 4) != c.to_string())
}

#[test]
fn hostile_text_of_the_broker_reaches_no_terminal_raw() {
    let home = Home::new();
    let mut spoilt = 0;
    const EVERYWHERE: &str = "hostile@accounts:0.1,hostile@transactions:0.2,hostile@margin:0.2,hostile@watchlists:0.3,\
                              hostile@chains:0.001,hostile@metrics:0.1,hostile@orders:0.2,hostile@history:0.1";
    for (seed, args) in [
        ("21", &["account"][..]),
        ("22", &["account", "transactions"]),
        ("23", &["account", "transactions", "--json"]),
        ("24", &["account", "margin", "--json"]),
        ("25", &["account", "net-liq"]),
        ("26", &["account", "watchlists", "--public"]),
        ("27", &["lookup", "SPY"]),
        ("28", &["lookup", "QQQ", "--json"]),
        ("29", &["lookup", "SPY", "QQQ", "NVDA"]),
        ("30", &["orders"]),
    ] {
        let store = home.path().join(seed);
        let store = store.to_str().expect("a path");
        let ran = home.run(&[&["--seed", seed, "--store", store, "--fault", EVERYWHERE], args].concat());
        assert!(matches!(ran.code, Some(0 | 1 | 4)), "{args:?}: {ran:?}");
        assert_eq!((foul(&ran.out), foul(&ran.err)), (None, None), "{args:?}");
        spoilt += usize::from(ran.out.contains('·') || ran.code != Some(0));
    }
    assert!(spoilt > 3, "the faults struck {spoilt} times");
}

#[test]
fn text_that_was_recorded_is_printed_without_what_a_terminal_acts_on() {
    let home = Home::new();
    let why = "calm\u{9b}31m \u{202e}drow\u{2066} \u{1b}]0;owned\u{7} \u{e0041}";
    home.run(&["log", "--rationale", why]).expect(0);
    for args in [&["events"][..], &["events", "--json"]] {
        let ran = home.run(args).expect(0);
        assert_eq!(foul(&ran.out), None, "{args:?}: {:?}", ran.out);
        assert!(ran.out.contains("calm"));
    }
}
