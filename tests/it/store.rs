//! The store and sudden death: what was acknowledged is there, whatever killed the process that wrote it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cotrader::domain::event::{Actor, Event, Meta, NoteKind, NoteRecorded, Pending};
use cotrader::domain::id::{CorrelationId, EventId};
use cotrader::store::{Access, Filter, Store, VerifyOptions, verify};

/// Tells the child which store to write to; without it the child has nothing to do.
const STORE: &str = "COTRADER_TEST_KILLED_STORE";

fn note(text: String) -> Pending {
    let event = Event::NoteRecorded(NoteRecorded {
        trade: None,
        note_kind: NoteKind::Note,
        underlying: None,
        strategy: None,
        rationale: text,
    });
    let meta = Meta {
        id: EventId(uuid::Uuid::now_v7()),
        occurred_at: chrono::Utc::now(),
        actor: Actor::Trader,
        correlation: CorrelationId(uuid::Uuid::now_v7()),
        causation: None,
        key: None,
    };
    Pending { meta, event }
}

/// The child: acknowledges events on stdout until it is killed.
#[test]
#[ignore = "the child of the kill test"]
fn writes_until_it_is_killed() {
    let Ok(dir) = std::env::var(STORE) else { return };
    let opened = Store::open(Path::new(&dir), Access::ReadWrite).expect("a store");
    assert_eq!(opened.damage, None);
    let mut out = std::io::stdout();
    for i in 0.. {
        // Requests of different sizes, so that some die in their middle.
        let request = (0..1 + i % 7).map(|k| note(format!("request {i}, event {k}"))).collect();
        let appended = opened.store.append_blocking(request).expect("stored");
        for event in appended.events {
            writeln!(out, "acknowledged {} {}", event.seq, event.meta.id).expect("somebody reads");
        }
        out.flush().expect("somebody reads");
    }
}

/// A process that writes to the store until it is killed.
fn writer(store: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "store::writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(STORE, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..6 {
        let mut child = writer(dir.path());
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (mut seen, enough) = (0, 15 + 37 * round);
        for line in lines {
            let line = line.expect("text");
            if let Some((_, fact)) = line.split_once("acknowledged ") {
                acknowledged.push(fact.to_owned());
                seen += 1;
            }
            if seen == enough {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("gone");
        assert!(seen >= enough, "the child wrote {seen} of {enough}");

        let report = verify(dir.path(), VerifyOptions::default()).expect("verifies");
        assert!(report.is_sound(), "{report:?}");
        let opened = Store::open(dir.path(), Access::ReadWrite).expect("the lock died with its holder");
        assert_eq!(opened.damage, None);
        let mut stored = Vec::new();
        let keep = |row: cotrader::store::StoredEvent| {
            stored.push(format!("{} {}", row.seq, row.id));
            std::ops::ControlFlow::Continue(())
        };
        opened.store.events(&Filter::default(), keep).expect("reads");
        for fact in &acknowledged {
            let (seq, _) = fact.split_once(' ').expect("a number and an id");
            let index = seq.parse::<usize>().expect("a number") - 1;
            assert_eq!(stored.get(index), Some(fact), "lost or changed");
        }
        opened.store.close();
    }
}

#[test]
fn a_second_process_is_told_who_writes() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = writer(dir.path());
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("acknowledged")));
    assert!(first.is_some(), "the child writes");
    let refused = Store::open(dir.path(), Access::ReadWrite).map(|_| ());
    let told = refused.expect_err("held").to_string();
    assert!(told.contains(&format!("process {}", child.id())), "{told}");
    let reader = Store::open(dir.path(), Access::ReadOnly).expect("reads beside the writer");
    assert_eq!(reader.damage, None);
    assert!(reader.store.replay(1, |_| {}).expect("replays").events > 0);
    child.kill().expect("killed");
    // The pipe must be read to its end, or a full one would keep the child from being the one that is killed.
    lines.for_each(drop);
    child.wait().expect("gone");
}
