//! The commands that talk to a broker or to a running cockpit: simulated brokers on this machine only.

use std::collections::BTreeSet;

use chrono::Datelike;
use serde_json::Value;

use super::cli::{Broker, Home, unreachable};

/// The keys of a snapshot, as promised.
const PANELS: [&str; 14] = [
    "as_of",
    "mode",
    "freshness",
    "market",
    "account",
    "portfolios",
    "underlyings",
    "scenario",
    "stress",
    "positions",
    "blotter",
    "limits",
    "warnings",
    "answer",
];

#[test]
fn a_snapshot_has_every_panel_and_keeps_to_its_schema() {
    let home = Home::new();
    let snapshot = home.run(&["snapshot", "--json"]).expect(0).json();
    let keys: BTreeSet<&str> = snapshot.as_object().expect("an object").keys().map(String::as_str).collect();
    assert!(PANELS.iter().all(|key| keys.contains(key)), "{keys:?}");
    assert_eq!(snapshot["mode"], "demo");
    assert!(snapshot["positions"]["trades"].as_u64().is_some_and(|n| n >= 10));
    let text = home.run(&["snapshot", "--schema"]).expect(0).out;
    let schema: Value = serde_json::from_str(&text).expect("a document");
    let mut wrong = Vec::new();
    check(&schema, &schema, &snapshot, "snapshot", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("snapshot_schema", text);
}

/// As much of JSON Schema as the snapshot's uses.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let found = root.pointer(name.trim_start_matches('#')).expect("a definition");
        return check(root, found, value, at, wrong);
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[several].as_array() {
            let fits = choices.iter().any(|choice| {
                let mut no = Vec::new();
                check(root, choice, value, at, &mut no);
                no.is_empty()
            });
            if !fits {
                wrong.push(format!("{at}: {value} fits no choice"));
            }
        }
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        wrong.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{at}: unknown type {other}"),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        wrong.push(format!("{at}: {value} is not {kinds:?}"));
    }
    if let Some(members) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(required) {
                wrong.push(format!("{at}: {required} is missing"));
            }
        }
        if let Some(properties) = schema["properties"].as_object() {
            for (name, member) in members {
                match properties.get(name) {
                    Some(schema) => check(root, schema, member, &format!("{at}.{name}"), wrong),
                    None => wrong.push(format!("{at}: {name} is not in the schema")),
                }
            }
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema.get("items").is_some() {
            check(root, &schema["items"], item, &format!("{at}[{i}]"), wrong);
        }
    }
}

#[test]
fn the_printed_screen_fits_its_width() {
    let home = Home::new();
    for (width, panels) in [(160, 5), (120, 5), (80, 5)] {
        let ran = home.run(&["snapshot", "--width", &width.to_string(), "--height", "50"]).expect(0);
        assert_eq!(ran.err, "");
        assert!(ran.out.ends_with('\n') && !ran.out.contains('\u{1b}'), "plain text");
        for line in ran.out.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
        let titles = ["1 Market", "2 Risk", "3 Scenario", "4 Positions", "5 Hedging"];
        let shown = titles.iter().filter(|title| ran.out.contains(*title)).count();
        assert_eq!(shown, panels, "at {width}: {}", ran.out);
    }
}

#[test]
fn a_broker_that_is_nowhere_is_exit_4() {
    let home = unreachable();
    let ran = home.run(&["snapshot", "--json", "--wait", "1"]).expect(4).says("not complete in time");
    assert_eq!(ran.json()["mode"], "sim", "what there is, is printed all the same");
    let doctor = home.run(&["doctor", "--json"]).expect(4).json();
    let broker = check_named(&doctor, "broker");
    assert_eq!(broker["state"], "fail");
    assert!(broker["remedy"].as_str().is_some_and(|words| words.contains("network")), "{broker}");
    for ran in [home.run(&["doctor"]), home.run(&["snapshot", "--wait", "0"])] {
        assert_eq!(ran.code, Some(4), "{ran:?}");
        assert!(!ran.out.contains("a-client-secret") && !ran.err.contains("a-client-secret"));
    }
}

fn check_named<'a>(doctor: &'a Value, name: &str) -> &'a Value {
    let checks = doctor["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {doctor}"))
}

#[test]
fn doctor_looks_at_everything_and_survives_a_broken_configuration() {
    let home = Home::new();
    let report = home.run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(report["ok"], true);
    for name in [
        "config",
        "credentials",
        "store",
        "writer",
        "kill switch",
        "sqlite",
        "log",
        "terminal",
        "TLS roots",
        "broker",
    ] {
        assert!(check_named(&report, name)["text"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert!(!home.store().exists(), "it changes nothing");

    std::fs::create_dir_all(home.config()).expect("a folder");
    std::fs::write(home.config().join("cotrader.yaml"), "screen:\n  theme: purple\n").expect("written");
    let broken = home.run(&["doctor", "--json"]).expect(1).json();
    let config = check_named(&broken, "config");
    assert_eq!(config["state"], "fail");
    assert!(config["text"].as_str().is_some_and(|text| text.contains("cotrader.yaml:2:10")), "{config}");
    assert!(config["remedy"].as_str().is_some_and(|text| text.contains("dark")), "{config}");
    assert_eq!(check_named(&broken, "broker")["state"], "warn");
    let plain = home.run(&["doctor"]).expect(1);
    assert!(plain.out.contains("FAIL  config") && plain.out.contains("→"), "{}", plain.out);
}

#[test]
fn a_configured_broker_is_looked_at_through_the_adapter() {
    let broker = Broker::start();
    let report = broker.home().run(&["doctor", "--json"]).expect(0).json();
    assert!(check_named(&report, "broker")["text"].as_str().is_some_and(|t| t.contains("answers")));
    assert!(check_named(&report, "market data")["text"].as_str().is_some_and(|t| t.contains("127.0.0.1")));
    assert!(
        check_named(&report, "holidays")["text"].as_str().is_some_and(|t| t.contains("the same")),
        "{report}"
    );
    let level = check_named(&report, "account")["text"].as_str().unwrap_or_default();
    assert!(level.contains("options level No Restrictions"), "{report}");
    let refused = broker.home().with("TT_REFRESH_TOKEN", "wrong").run(&["doctor"]).expect(1);
    assert!(refused.out.contains("FAIL  broker") && refused.out.contains("cotrader init"), "{}", refused.out);
}

#[test]
fn init_writes_private_files_once_and_asks_only_on_a_terminal() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.run(&["init"]).expect(2).says("--no-credentials");
    assert!(!home.config().exists(), "nothing is written where it cannot ask");
    let first = home.run(&["init", "--no-credentials"]).expect(0);
    assert!(first.out.contains("written") && first.out.contains("demo"), "{}", first.out);
    for name in ["cotrader.yaml", "portfolios.yaml", ".env"] {
        let mode = std::fs::metadata(home.config().join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let file = home.config().join("cotrader.yaml");
    std::fs::write(&file, "# mine\n").expect("written");
    let second = home.run(&["init", "--no-credentials"]).expect(0);
    assert!(second.out.contains("kept") && !second.out.contains("written "), "{}", second.out);
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "# mine\n");
    let elsewhere = home.path().join("a/b");
    home.run(&["init", "--no-credentials", "--config", elsewhere.to_str().expect("text")]).expect(0);
    assert!(elsewhere.join("portfolios.yaml").exists());
}

#[test]
fn init_takes_credentials_unseen_and_tries_them() {
    use std::os::unix::fs::PermissionsExt;
    let broker = Broker::start();
    let home = Home::new()
        .with("COTRADER_BASE_URL", broker.text("base_url"))
        .with("COTRADER_ACCOUNT_STREAM_URL", broker.text("account_stream_url"));
    let (secret, token) = (broker.text("client_secret"), broker.text("refresh_token"));

    let mut wrong = home.in_terminal(&["init"]);
    wrong.wait_for("client secret: ");
    wrong.type_in("not-the-secret\r");
    wrong.wait_for("refresh token: ");
    wrong.type_in("not-the-token\r");
    assert_eq!(wrong.end(), 1, "{}", wrong.seen);
    assert!(wrong.seen.contains("the login failed") && wrong.seen.contains("→"), "{}", wrong.seen);
    assert!(!wrong.seen.contains("not-the-"), "{}", wrong.seen);

    let mut right = home.in_terminal(&["init"]);
    right.wait_for("Replace them?");
    right.type_in("y\r");
    right.wait_for("client secret: ");
    right.type_in(&format!("{secret}\r"));
    right.wait_for("refresh token: ");
    right.type_in(&format!("{token}\r"));
    assert_eq!(right.end(), 0, "{}", right.seen);
    assert!(right.seen.contains("The login works: 2 accounts"), "{}", right.seen);
    assert!(right.seen.contains("`ira` in portfolios.yaml"), "{}", right.seen);
    assert!(!right.seen.contains(secret) && !right.seen.contains(token), "unseen");
    for number in broker.connection["accounts"].as_array().expect("accounts") {
        let number = number.as_str().or_else(|| number["number"].as_str()).expect("a number");
        assert!(!right.seen.contains(number), "masked: {}", right.seen);
    }
    let file = home.config().join(".env");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(text.contains(secret) && text.contains(token) && !text.contains("not-the-"));
    home.run(&["doctor"]).expect(0);

    let mut given_up = home.in_terminal(&["init"]);
    given_up.wait_for("Replace them?");
    given_up.type_in("y\r");
    given_up.wait_for("client secret: ");
    given_up.type_in("\u{3}");
    assert_eq!(given_up.end(), 1, "{}", given_up.seen);
    assert_eq!(std::fs::read_to_string(&file).expect("text"), text, "nothing changed");
}

#[test]
fn a_what_if_is_evaluated_and_recorded_by_one_line() {
    let home = Home::new();
    let ran = home.run(&[
        "book",
        "spy",
        "ic",
        "45d",
        "16",
        "w5",
        "x1",
        "@medium",
        "--rationale",
        "income",
        "--json",
    ]);
    let document = ran.expect(0).json();
    assert_eq!(document["portfolio"], "Medium");
    assert_eq!(document["legs"].as_array().map(Vec::len), Some(4));
    let evaluation = &document["evaluation"];
    for key in ["net_price", "max_profit", "max_loss", "breakevens", "delta_shares", "theta_day", "verdict"] {
        assert!(!evaluation[key].is_null(), "{key} in {evaluation}");
    }
    for limit in evaluation["limits"].as_array().expect("limits") {
        assert!(limit["after"].as_f64().is_some_and(|used| used > 0.0), "{limit}");
    }
    let ids: Vec<&str> =
        document["events"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
    let trade = document["trade"].as_str().expect("a trade");
    let events = home.run(&["events", "--json", "--stream", &format!("trade/{trade}")]).expect(0);
    let stored: Vec<Value> =
        events.lines().iter().map(|l| serde_json::from_str(l).expect("an event")).collect();
    let stored_ids: Vec<&str> = stored.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(stored_ids, ids);
    assert_eq!(stored[0]["payload"]["rationale"], "income");
    assert_eq!(&stored[1]["payload"]["evaluation"], evaluation);
    let plain =
        home.run(&["book", "iron_condor", "SPY", "--dte", "30", "--portfolio", "model", "--", "why", "not"]);
    let plain = plain.expect(0).out;
    for word in ["WhatIf", "credit", "max loss", "breakevens", "limit beta delta", "→", "verdict", "events"]
    {
        assert!(plain.contains(word), "{word} in {plain}");
    }
    // It is on the screen of whoever looks next.
    let snapshot = home.run(&["snapshot", "--json"]).expect(0).json();
    assert!(snapshot["positions"].to_string().contains(trade));
}

#[test]
fn what_cannot_be_booked_says_why() {
    let home = Home::new();
    home.run(&["book", "spy", "ic"]).expect(2).says("rationale");
    home.run(&["book", "spy", "ic", "--rationale", "a", "--", "b"]).expect(2).says("twice");
    home.run(&["book", "spy", "ic", "x0", "--rationale", "a"]).expect(2).says("lots");
    home.run(&["book", "spy", "hope", "--rationale", "a"]).expect(2).says("hope");
    home.run(&["book"]).expect(2);
    home.run(&["book", "spy ic @nobody -- income"]).expect(1).says("nobody");
    home.run(&["book", "spy ic 99 x1 @medium -- sides overlap"]).expect(1).says("overlap");
    home.run(&["book", "spy ic x40 @medium -- far too many", "--json"]).expect(3).says("would be at");
    let refused = home.run(&["book", "spy", "ic", "@core", "--json", "--rationale", "not there"]).expect(3);
    assert_eq!(refused.json()["refused"]["block"], true);
    let unreachable = unreachable();
    let none = unreachable.run(&["book", "spy", "ic", "--rationale", "a"]);
    assert_eq!(none.code, Some(4), "{none:?}");
}

#[test]
fn a_running_cockpit_takes_what_the_shell_asks() {
    let home = Home::new();
    let before = home.run(&["health"]).expect(1).says("no store yet");
    assert!(before.out.contains("none runs"), "{}", before.out);
    let mut cockpit = home.in_terminal(&[]);
    cockpit.wait_for("Risk by underlying");
    let snapshot = home.run(&["snapshot", "--json"]).expect(0).json();
    assert_eq!(snapshot["mode"], "demo");
    let health = home.run(&["health", "--json"]).expect(0).json();
    assert_eq!(health["healthy"], true);
    assert_eq!(health["cockpit"]["pid"], cockpit.pid());
    assert_eq!(health["broker"]["reachable"], true);
    assert!(health["streams"]["market"]["age_seconds"].as_f64().is_some_and(|age| age < 15.0), "{health}");
    assert_eq!(health["store"]["state"], "sound");
    let plain = home.run(&["health"]).expect(0).out;
    assert!(plain.contains(&format!("process {}", cockpit.pid())) && plain.contains("live"), "{plain}");

    let logged = home.run(&["log", "--rationale", "from a shell", "--underlying", "SPY"]).expect(0);
    let line = r#"{"rationale": "in a batch", "key": "k"}"#;
    let batch = home.feed(&["log", "--batch", "-"], &format!("{line}\n{line}\nnonsense\n")).expect(1);
    assert_eq!(batch.lines().len(), 2);
    assert_eq!(batch.lines()[0], batch.lines()[1]);
    assert!(batch.err.contains("error: line 3: "), "{}", batch.err);
    let booked =
        home.run(&["book", "spy", "ic", "@medium", "--rationale", "income", "--json"]).expect(0).json();
    assert_eq!(booked["legs"].as_array().map(Vec::len), Some(4), "{booked}");
    home.run(&["book", "spy", "ic", "@core", "--rationale", "not there"]).expect(3);
    let events = home.run(&["events", "--json"]).expect(0).out;
    for id in [logged.out.trim(), batch.lines()[0], booked["events"][0].as_str().expect("an id")] {
        assert!(events.contains(id), "{id}");
    }
    home.run(&["verify"]).expect(0);

    let pid =
        rustix::process::Pid::from_raw(i32::try_from(cockpit.pid()).expect("small")).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
    cockpit.end();
    let after = home.run(&["health", "--json"]).expect(0).json();
    assert_eq!(after["cockpit"]["running"], false);
}

#[test]
fn health_says_when_the_broker_is_gone() {
    let mut broker = Broker::start();
    let home = broker.home();
    let store = home.path().join("store");
    let store = store.to_str().expect("text").to_owned();
    let mut cockpit = home.in_terminal(&["--store", &store]);
    cockpit.wait_for("● live");
    home.run(&["health", "--store", &store]).expect(0);
    broker.end();
    // The links notice within a second; each question takes a few hundredths of one.
    let mut asked = (0..200).map(|_| home.run(&["health", "--json", "--store", &store]));
    let gone = asked.find(|ran| ran.code != Some(0)).expect("noticed").expect(4);
    assert_eq!(gone.json()["broker"]["reachable"], false);
    assert!(gone.err.contains("→"), "{}", gone.err);
}

const RECORDED: &str =
    "quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,volume,open_interest,iv,delta
2025-05-06,SPY,558.80,SPY,2025-06-20,560,C,12.00,12.10,12.0,10,100,0.18,0.50
2025-05-06,SPY,558.80,SPY,2025-06-20,560,P,11.00,11.10,11.0,10,100,0.19,-0.50
";

#[test]
fn a_recorded_name_without_a_chain_is_not_live() {
    let home = Home::new();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let chain = write("spy.csv", RECORDED);
    let prices = write(
        "prices.csv",
        "date,symbol,close\n2025-05-02,QQQ,488.83\n2025-05-05,QQQ,485.93\n2025-05-06,QQQ,481.41\n",
    );
    let indices = write(
        "vix.csv",
        "date,vix,vix3m\n2025-05-02,22.68,24.0\n2025-05-05,23.64,24.55\n2025-05-06,24.76,25\n",
    );
    let market = home
        .run(&["snapshot", "--json", "--market", &chain, "--history", &prices, "--history", &indices])
        .expect(0)
        .json()["market"]
        .clone();
    let quote = |symbol: &str| {
        let quotes = market["quotes"].as_array().expect("quotes");
        quotes.iter().find(|quote| quote["symbol"] == symbol).expect("in the panel").clone()
    };
    assert_eq!(quote("SPY")["last"]["standing"], "live");
    assert_eq!(quote("QQQ")["last"], serde_json::json!({ "value": 485.93, "standing": "stale" }));
    assert_eq!(quote("QQQ")["change_percent"]["standing"], "unknown");
    assert_eq!(market["vix"], serde_json::json!({ "value": 23.64, "standing": "stale" }));
    assert_eq!(market["vix_change"]["standing"], "unknown");
    assert_eq!(market["term_ratio"]["standing"], "stale");
}

#[test]
fn another_recorded_market_is_refused_by_the_store_and_by_a_running_cockpit() {
    let home = Home::new();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (first, second) =
        (write("a.csv", RECORDED), write("b.csv", &RECORDED.replace("2025-05-06", "2025-05-08")));
    let store = home.path().join("kept").display().to_string();
    home.run(&["snapshot", "--json", "--store", &store, "--market", &first]).expect(0);
    let before = home.run(&["events", "--json", "--store", &store]).expect(0).out;
    home.run(&["snapshot", "--store", &store, "--market", &second])
        .expect(1)
        .says("SPY 2025-05-06, not SPY 2025-05-08")
        .says("--store");
    home.run(&["log", "--rationale", "x", "--store", &store, "--market", &second])
        .expect(1)
        .says("SPY 2025-05-06");
    assert_eq!(
        home.run(&["events", "--json", "--store", &store]).expect(0).out,
        before,
        "nothing is written"
    );

    let mut cockpit = home.in_terminal(&[]);
    cockpit.wait_for("Risk by underlying");
    let demo = home.store().display().to_string();
    let other = ["--store", demo.as_str(), "--market", first.as_str()];
    let refused = |args: &[&str]| {
        home.run(&[args, &other].concat()).expect(1).says(&demo).says("name another folder");
    };
    refused(&["snapshot"]);
    refused(&["log", "--rationale", "x"]);
    refused(&["book", "spy", "ic", "45d", "16", "w5", "x1", "--rationale", "x"]);
    home.run(&["snapshot", "--store", &demo, "--seed", "99"]).expect(1).says("of seed 7, not 99");
    home.run(&["snapshot", "--store", &demo, "--seed", "7"]).expect(0);
    for kind in ["trade.intended", "note.recorded"] {
        assert_eq!(home.run(&["events", "--kind", kind]).expect(0).out, "", "nothing is booked");
    }
    let pid =
        rustix::process::Pid::from_raw(i32::try_from(cockpit.pid()).expect("small")).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
    cockpit.end();
}

/// One option that the recorded day quotes, and shares that it knows nothing of.
#[test]
fn a_leg_without_a_quote_leaves_nothing_that_looks_whole() {
    let home = Home::new();
    let mut chain = "quote_date,underlying,spot,root,expiration,strike,right,bid,ask\n".to_owned();
    for strike in [600_i32, 610, 620, 630, 640] {
        for (right, inside) in [("C", 620 - strike), ("P", strike - 620)] {
            let bid = inside.max(0) + 7;
            chain
                .push_str(&format!("2026-08-05,SPY,620,SPY,2026-08-21,{strike},{right},{bid}.00,{bid}.10\n"));
        }
    }
    let book = "positions:
  - {underlying: SPY, type: put, strike: 610, expiry: 2026-08-21, quantity: -1}
  - {underlying: GOOG, type: stock, quantity: 100, entry: 180.00}
";
    let mut closes = "date,symbol,close\n".to_owned();
    let days = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day").iter_days().take(156);
    for (day, up) in
        days.filter(|day| day.weekday().number_from_monday() < 6).zip([0, 4, -3, 6, 1].iter().cycle())
    {
        closes.push_str(&format!("{day},SPY,{}\n", 620 + up));
    }
    std::fs::write(home.path().join("closes.csv"), closes).expect("daily prices");
    std::fs::write(home.path().join("spy.csv"), chain).expect("a chain");
    std::fs::write(home.path().join("book.yaml"), book).expect("a book");
    let taken = [
        "snapshot",
        "--json",
        "--wait",
        "2",
        "--market",
        "spy.csv",
        "--book",
        "book.yaml",
        "--history",
        "closes.csv",
    ];
    let ran = home.run(&taken).expect(4).says("not complete in time");
    let text = ran.out.clone();
    let snapshot = ran.json();
    assert_eq!(snapshot["answer"]["headline"], "UNKNOWN (1 leg unpriced)");
    assert_eq!(snapshot["account"]["var_method"], "1 leg unpriced");
    assert_eq!(snapshot["underlyings"]["total"]["unpriced"], 1);
    assert_eq!(
        snapshot["underlyings"]["total"]["beta_delta"]["standing"], "live",
        "with the count beside it"
    );
    for (panel, figures) in [
        ("/account", ["net_liq", "var95", "es975", "day", "open"].as_slice()),
        ("/underlyings/total", &["worst", "var95"]),
        ("/stress/0", &["pnl"]),
    ] {
        for figure in figures {
            let shown = &snapshot.pointer(panel).expect(panel)[figure];
            assert_eq!(shown["standing"], "unknown", "{panel} {figure}: {shown}");
        }
    }
    assert!(!text.contains(":-0.0,") && !text.contains(":-0.0}"), "a zero with a sign");
    assert_eq!(snapshot["portfolios"][0]["var95"]["value"], 0.0, "an empty portfolio loses nothing");
}
