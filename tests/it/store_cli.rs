//! The store's commands, and what happens to the store when the program or a byte of it dies.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::cli::{Home, Ran};

/// The keys of an event line, as promised.
const KEYS: [&str; 13] = [
    "seq",
    "id",
    "stream",
    "stream_version",
    "kind",
    "schema",
    "occurred_at",
    "recorded_at",
    "actor",
    "correlation_id",
    "causation_id",
    "payload",
    "hash",
];

fn events(home: &Home, more: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = ["events", "--json"].iter().chain(more).copied().collect();
    let ran = home.run(&args).expect(0);
    ran.lines().iter().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

fn entry(i: usize) -> String {
    json!({ "underlying": "SPY", "strategy": "iron_condor", "rationale": format!("line {i}: IVR 23, \"ünïcode\"") })
        .to_string()
}

fn batch(home: &Home, lines: &[String]) -> Ran {
    home.feed(&["log", "--batch", "-"], &(lines.join("\n") + "\n"))
}

#[test]
fn what_is_logged_is_found_again_unchanged() {
    let home = Home::new();
    let lines: Vec<String> = (0..600).map(entry).collect();
    let logged = batch(&home, &lines).expect(0);
    let ids = logged.lines();
    assert_eq!(ids.len(), 600);
    let stored = events(&home, &["--kind", "trade.intended"]);
    assert_eq!(stored.len(), 600);
    for (i, (id, event)) in ids.iter().zip(&stored).enumerate() {
        assert_eq!(event["id"].as_str(), Some(*id), "in the order of the lines");
        assert_eq!(event["payload"]["rationale"], format!("line {i}: IVR 23, \"ünïcode\""));
        assert_eq!(event["payload"]["underlying"], "SPY");
        assert_eq!(event["actor"], "trader");
    }
    let all = events(&home, &[]);
    for (i, event) in all.iter().enumerate() {
        assert_eq!(event["seq"], i + 1, "gap-free");
        let keys: BTreeSet<&str> = event.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(KEYS.iter().all(|key| keys.contains(key)), "{keys:?}");
    }
    let report = home.run(&["verify", "--json"]).expect(0).json();
    assert_eq!((report["sound"].as_bool(), report["events"].as_u64()), (Some(true), Some(all.len() as u64)));
    assert_eq!(report["last_hash"], all.last().expect("some")["hash"]);
}

#[test]
fn the_same_key_twice_is_one_event() {
    let home = Home::new();
    let keyed = |text: &str| json!({ "rationale": text, "underlying": "QQQ", "key": "order 7" }).to_string();
    let first = batch(&home, &[keyed("income"), keyed("income")]).expect(0);
    let ids = first.lines();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    let again = batch(&home, &[keyed("income")]).expect(0);
    assert_eq!(again.lines(), [ids[0]]);
    let single =
        home.run(&["log", "--rationale", "income", "--underlying", "QQQ", "--key", "order 7"]).expect(0);
    assert_eq!(single.lines(), [ids[0]]);
    assert_eq!(events(&home, &["--kind", "trade.intended"]).len(), 1);
}

#[test]
fn a_bad_line_is_named_and_the_good_ones_stand() {
    let home = Home::new();
    let lines = [
        entry(1),
        "{not json".to_owned(),
        entry(3),
        json!({ "rationale": "" }).to_string(),
        json!({ "rationale": "x", "portfolio": "no-such" }).to_string(),
        json!({ "rationale": "x", "surprise": 1 }).to_string(),
        json!({ "rationale": "x", "trade": "01a1fe79-be7f-736f-b752-5fa84f146573" }).to_string(),
        entry(8),
    ];
    let ran = batch(&home, &lines).expect(1);
    assert_eq!(ran.lines().len(), 3);
    for number in [2, 4, 5, 6, 7] {
        assert!(ran.err.contains(&format!("error: line {number}: ")), "{}", ran.err);
    }
    assert_eq!(ran.err.lines().count(), 5, "{}", ran.err);
    let texts: Vec<Value> = events(&home, &["--kind", "trade.intended"])
        .iter()
        .map(|e| e["payload"]["rationale"].clone())
        .collect();
    assert_eq!(texts.len(), 3);
    home.run(&["verify"]).expect(0);
    home.run(&["log", "--batch", "no-such-file"]).expect(1).says("no-such-file");
    home.run(&["log"]).expect(2).says("--rationale");
    home.run(&["log", "--rationale", "x", "--kind", "rumour"]).expect(2).says("decision, note");
    home.run(&["log", "--rationale", "  "]).expect(1).says("rationale is needed");
}

#[test]
fn a_note_goes_to_its_trade_and_filters_find_it() {
    let home = Home::new();
    let opened = home.run(&["log", "--rationale", "income", "--underlying", "SPY"]).expect(0);
    let intended = &events(&home, &["--kind", "trade.intended"])[0];
    assert_eq!(intended["id"].as_str(), Some(opened.out.trim()));
    let trade = intended["payload"]["trade"].as_str().expect("a trade");
    home.run(&["log", "--rationale", "rolled in time", "--trade", trade, "--kind", "outcome"]).expect(0);
    let stream = events(&home, &["--stream", &format!("trade/{trade}")]);
    assert_eq!(stream.len(), 2);
    assert_eq!(stream[1]["kind"], "note.recorded");
    assert_eq!(stream[1]["payload"]["rationale"], "rolled in time");
    assert_eq!(stream[1]["stream_version"], 2);
    assert!(events(&home, &["--since", "2099-01-01"]).is_empty());
    assert_eq!(events(&home, &["--since", "2020-01-01T00:00:00Z"]).len(), events(&home, &[]).len());
    let plain = home.run(&["events", "--kind", "note.recorded"]).expect(0);
    assert!(plain.out.contains("note.recorded") && plain.out.contains("rolled in time"), "{}", plain.out);
    assert_eq!(plain.lines().len(), 1);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let home = Home::new();
    let lines: Vec<String> = (0..400).map(entry).collect();
    batch(&home, &lines).expect(0);
    let mut child = home.spawn(&["events", "--json"]);
    let mut first = String::new();
    // More than a pipe holds is still to come.
    BufReader::with_capacity(64, child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    let ran = Ran::of(&child.wait_with_output().expect("ended")).expect(0);
    assert_eq!(ran.err, "");
}

#[test]
fn every_id_that_came_out_survives_kill_9() {
    let home = Home::new();
    let mut printed: Vec<String> = Vec::new();
    for round in 0..4 {
        let mut child = home.spawn(&["log", "--batch", "-"]);
        let mut input = child.stdin.take().expect("piped");
        let feeder = std::thread::spawn(move || {
            // Ends when the reader is killed.
            (0..).try_for_each(|i| writeln!(input, "{}", entry(i)))
        });
        let enough = printed.len() + 40 + 170 * round;
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            // What was cut off by the kill was not printed.
            if line.len() == 36 {
                printed.push(line);
            }
            if printed.len() == enough {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("gone");
        assert!(feeder.join().expect("joined").is_err(), "the pipe broke");
        assert!(printed.len() >= enough, "{} of {enough}", printed.len());
        let stored: BTreeSet<String> =
            events(&home, &[]).iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect();
        let lost: Vec<&String> = printed.iter().filter(|id| !stored.contains(*id)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        home.run(&["verify"]).expect(0);
    }
}

/// Changes one character of a stored rationale, as a failing disk would. Returns the number of its event.
fn flip_one_byte(home: &Home) -> u64 {
    let mark = b"line 3: IVR 23";
    // All of it in the one file, so that the byte that is read is the byte that was changed.
    let file = home.store().join("cotrader.db");
    let mut changed = 0;
    for path in [file.clone(), file.with_file_name("cotrader.db-wal")] {
        let Ok(mut bytes) = std::fs::read(&path) else { continue };
        let places: Vec<usize> =
            bytes.windows(mark.len()).enumerate().filter(|(_, w)| w == mark).map(|(i, _)| i).collect();
        for at in places {
            bytes[at + 13] = b'4';
            changed += 1;
        }
        std::fs::write(&path, bytes).expect("written");
    }
    assert!(changed > 0, "the text stands in the file as it was typed");
    // The first event is the first portfolio; ours is the fourth entry.
    let portfolios = 4;
    portfolios + 4
}

#[test]
fn a_flipped_byte_is_found_named_and_stops_every_writer() {
    let home = Home::new();
    let lines: Vec<String> = (0..20).map(entry).collect();
    batch(&home, &lines).expect(0);
    let seq = events(&home, &["--kind", "trade.intended"])[3]["seq"].as_u64().expect("a number");
    assert_eq!(flip_one_byte(&home), seq);
    let before = files(&home.store());

    home.run(&["verify"]).expect(5).says(&format!("seq {seq}"));
    let report = home.run(&["verify", "--json"]).expect(5).json();
    assert_eq!((report["sound"].as_bool(), report["first_damaged_seq"].as_u64()), (Some(false), Some(seq)));

    let remedy = "restore a backup";
    home.run(&["log", "--rationale", "one more"]).expect(5).says(&format!("event {seq}")).says(remedy);
    let refused = batch(&home, &[entry(99)]).expect(5).says(remedy);
    assert_eq!(refused.out, "", "no id for what was not recorded");
    home.run(&["book", "spy", "ic", "--rationale", "income"]).expect(5).says(&format!("event {seq}"));
    home.run(&["health"]).expect(5).says("damaged");
    home.run(&["rebuild"]).expect(5);
    let copy = home.path().join("copy.db");
    home.run(&["backup", copy.to_str().expect("text")]).expect(5);
    assert!(!copy.exists(), "no copy of what is damaged");
    let doctor = home.run(&["doctor"]).expect(1);
    assert!(doctor.out.contains("FAIL  store"), "{}", doctor.out);
    assert_eq!(files(&home.store()), before, "nothing was touched");
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = ["cotrader.db", "cotrader.head"]
        .iter()
        .map(|name| ((*name).to_owned(), std::fs::read(dir.join(name)).expect("there")))
        .collect();
    files.sort();
    files
}

#[test]
fn the_second_writer_is_told_who_holds_the_store() {
    let home = Home::new();
    let mut child = home.spawn(&["log", "--batch", "-"]);
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "{}", entry(0)).expect("taken");
    input.flush().expect("taken");
    let mut first = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    output.read_line(&mut first).expect("an id");
    assert_eq!(first.trim().len(), 36, "at once, though the input goes on");

    let holder = format!("process {}", child.id());
    home.run(&["log", "--rationale", "me too"]).expect(1).says(&holder);
    home.run(&["rebuild"]).expect(1).says(&holder);
    home.run(&["verify"]).expect(0);
    assert_eq!(events(&home, &["--kind", "trade.intended"]).len(), 1, "reading goes on beside it");
    let doctor = home.run(&["doctor"]).expect(0);
    assert!(doctor.out.contains(&holder), "{}", doctor.out);
    drop(input);
    assert!(child.wait().expect("ended").success());
    home.run(&["log", "--rationale", "me too"]).expect(0);
}

#[test]
fn a_backup_is_a_store_and_never_overwrites() {
    let home = Home::new();
    home.run(&["verify"]).expect(1).says("no store");
    home.run(&["backup", "x.db"]).expect(1).says("no store");
    batch(&home, &(0..50).map(entry).collect::<Vec<_>>()).expect(0);
    let restored = home.path().join("restored");
    std::fs::create_dir(&restored).expect("a folder");
    let copy = restored.join("cotrader.db");
    let name = copy.to_str().expect("text");
    let said = home.run(&["backup", name]).expect(0);
    assert!(said.out.contains("verified"), "{}", said.out);
    home.run(&["backup", name]).expect(1).says("never overwrites");
    let dir = restored.to_str().expect("text");
    assert_eq!(events(&home, &["--store", dir]), events(&home, &[]));
    home.run(&["log", "--rationale", "goes on", "--store", dir]).expect(0);
    home.run(&["verify", "--store", dir]).expect(0);
    assert!(home.run(&["rebuild", "--store", dir]).expect(0).out.contains("made anew from 55 events"));
}

#[test]
fn the_backup_of_a_simulated_market_brings_its_market_along() {
    let home = Home::new();
    batch(&home, &[entry(0)]).expect(0);
    let world = r#"{"seed":11,"anchor":"2026-11-20"}"#;
    std::fs::write(home.store().join("world.json"), world).expect("written");
    let copy = home.path().join("copy.db");
    let name = copy.to_str().expect("text");
    let said = home.run(&["backup", name]).expect(0).out;
    let beside = home.path().join("copy.db.world.json");
    assert!(said.contains(beside.to_str().expect("text")) && said.contains("as cotrader.db and world.json"));
    assert_eq!(std::fs::read_to_string(&beside).expect("there"), world);
    // Neither half is ever written over.
    std::fs::remove_file(&copy).expect("removed");
    home.run(&["backup", name]).expect(1).says("never overwrites");
    assert!(!copy.exists());
}
