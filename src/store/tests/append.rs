//! Appending, replaying, refusing.

use std::ops::ControlFlow;

use super::everything;
use crate::domain::event::Event;
use crate::domain::id::{CountedIds, TradeId};
use crate::domain::units::Shares;
use crate::store::testing::*;
use crate::store::*;

#[test]
fn what_was_appended_is_replayed_and_survives_closing() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("store");
    let store = open(&dir);
    let mut ids = CountedIds(0);
    let request: Vec<_> = one_of_each().into_iter().map(|event| pending(&mut ids, None, event)).collect();
    let appended = store.append_blocking(request.clone()).expect("stored");
    assert!(!appended.duplicate);
    assert_eq!(appended.events.iter().map(|e| e.seq).collect::<Vec<_>>(), (1..=all()).collect::<Vec<_>>());
    for (recorded, wanted) in appended.events.iter().zip(&request) {
        assert_eq!((&recorded.meta, &*recorded.event), (&wanted.meta, &wanted.event));
    }
    assert_eq!(everything(&store), appended.events);
    store.close();

    let opened = Store::open(&dir, Access::ReadWrite).expect("opens again");
    assert_eq!((opened.damage, opened.events), (None, all()));
    assert_eq!(everything(&opened.store), appended.events);
    let mut tail = Vec::new();
    let replayed = opened.store.replay(12, |event| tail.push(event.clone())).expect("replays");
    assert_eq!((tail.as_slice(), replayed.last_seq), (&appended.events[11..], all()));
}

#[test]
fn stored_rows_carry_the_whole_envelope() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    let trade = TradeId::new(&mut ids);
    let why = "quotes \" and \u{1F600} and\nlines stay";
    let request = vec![pending(&mut ids, Some("k1"), intent(trade, why)), pending(&mut ids, None, note("n"))];
    let appended = store.append_blocking(request).expect("stored");
    let mut rows = Vec::new();
    let filter = Filter { stream: Some(format!("trade/{trade}")), ..Filter::default() };
    let keep = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    store.events(&filter, keep).expect("reads");
    assert_eq!(rows.len(), 1);
    let line: serde_json::Value = serde_json::from_str(&rows[0].to_json_line()).expect("one JSON object");
    assert_eq!(line["seq"], 1);
    assert_eq!(line["id"], appended.events[0].meta.id.to_string());
    assert_eq!(line["stream"], format!("trade/{trade}"));
    assert_eq!(line["stream_version"], 1);
    assert_eq!(line["kind"], "trade.intended");
    assert_eq!(line["schema"], 1);
    assert_eq!(line["actor"], "trader");
    assert_eq!(line["idempotency_key"], "k1");
    assert_eq!(line["payload"]["rationale"], why);
    assert_eq!(line["hash"].as_str().map(str::len), Some(64));

    let count = |filter: &Filter| {
        let mut n = 0;
        store
            .events(filter, |_| {
                n += 1;
                ControlFlow::Continue(())
            })
            .expect("reads");
        n
    };
    assert_eq!(count(&Filter::default()), 2);
    assert_eq!(count(&Filter { kind: Some("note.recorded".into()), ..Filter::default() }), 1);
    assert_eq!(count(&Filter { since: Some(at(7)), ..Filter::default() }), 2);
    assert_eq!(count(&Filter { since: Some(at(8)), ..Filter::default() }), 0);
    assert_eq!(count(&Filter { from_seq: 2, ..Filter::default() }), 1);
    let mut seen = 0;
    let stop = |_| {
        seen += 1;
        ControlFlow::Break(())
    };
    store.events(&Filter::default(), stop).expect("reads");
    assert_eq!(seen, 1);
}

#[test]
fn the_same_key_is_one_event() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    let first = store.append_blocking(vec![pending(&mut ids, Some("k"), note("a"))]).expect("stored");
    let again = store
        .append_blocking(vec![pending(&mut ids, Some("k"), note("b")), pending(&mut ids, None, note("c"))])
        .expect("known");
    assert!(again.duplicate && !first.duplicate);
    assert_eq!(again.events, first.events);
    assert_eq!(everything(&store).len(), 1);
}

#[test]
fn the_same_id_is_one_event_and_a_borrowed_id_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    let a = pending(&mut ids, None, note("a"));
    let first = store.append_blocking(vec![a.clone()]).expect("stored");
    let again = store.append_blocking(vec![a.clone()]).expect("known");
    assert_eq!((&again.events, again.duplicate), (&first.events, true));

    let other = Pending { event: note("other"), ..a.clone() };
    let refused = store.append_blocking(vec![pending(&mut ids, None, note("x")), other]);
    assert!(matches!(refused, Err(StoreError::IdReused { seq: 1, .. })), "{refused:?}");
    let twice = store.append_blocking(vec![a.clone(), a]);
    assert!(matches!(twice, Err(StoreError::IdRepeated { .. })), "{twice:?}");
    assert_eq!(everything(&store).len(), 1, "a refused request leaves nothing behind");
}

#[tokio::test]
async fn an_expected_version_is_checked() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    let trade = TradeId::new(&mut ids);
    let stream = Stream::Trade(trade);
    let request = |ids: &mut CountedIds| vec![pending(ids, None, intent(trade, "w"))];
    store.append_expecting(request(&mut ids), vec![(stream, 0)]).await.expect("new");
    let late = store.append_expecting(request(&mut ids), vec![(stream, 0)]).await;
    assert!(matches!(late, Err(StoreError::VersionConflict { expected: 0, found: 1, .. })), "{late:?}");
    store.append_expecting(request(&mut ids), vec![(stream, 1)]).await.expect("in time");
    assert_eq!(everything(&store).len(), 2);
}

#[test]
fn what_cannot_be_read_back_is_refused_before_it_is_stored() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    let Some(Event::DayClosed(mut day)) = one_of_each().into_iter().nth(5) else { panic!("a close") };
    day.exposures[0].delta_shares = Some(Shares(f64::NAN));
    let refused = store.append_blocking(vec![pending(&mut ids, None, Event::DayClosed(day))]);
    assert!(matches!(refused, Err(StoreError::NotRepresentable { kind: "day.closed" })), "{refused:?}");
    let huge = note(&"x".repeat(codec::MAX_PAYLOAD));
    let refused = store.append_blocking(vec![pending(&mut ids, None, huge)]);
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    assert!(everything(&store).is_empty());
}

#[test]
fn a_second_writer_is_told_who_holds_the_store_and_may_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    store.append_blocking(vec![pending(&mut ids, None, note("a"))]).expect("stored");
    match Store::open(dir.path(), Access::ReadWrite) {
        Err(StoreError::Locked { pid, since, .. }) => {
            assert_eq!(pid, std::process::id());
            assert!(since.contains('T'), "{since}");
        }
        other => panic!("{other:?}"),
    }
    let reader = Store::open(dir.path(), Access::ReadOnly).expect("reads").store;
    store.append_blocking(vec![pending(&mut ids, None, note("b"))]).expect("stored");
    assert_eq!(everything(&reader).len(), 2, "a reader sees what was written after it opened");
    assert!(matches!(reader.health(), Health::ReadOnly));
    let refused = reader.append_blocking(vec![pending(&mut ids, None, note("c"))]);
    assert!(matches!(refused, Err(StoreError::ReadOnly)));
    drop(store);
    open(dir.path());
}

#[test]
fn reading_what_is_not_there_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let nowhere = dir.path().join("nowhere");
    assert!(matches!(Store::open(&nowhere, Access::ReadOnly), Err(StoreError::Missing { .. })));
    assert!(matches!(verify(&nowhere, VerifyOptions::default()), Err(StoreError::Missing { .. })));
    assert!(!nowhere.exists());
}

#[test]
fn only_the_owner_may_look() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("a").join("store");
    let store = open(&dir);
    store.append_blocking(vec![pending(&mut CountedIds(0), None, note("a"))]).expect("stored");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path);
    }
    assert!(names.len() >= 5, "database, log, its index, head, lock: {names:?}");
}

#[test]
fn events_can_be_neither_changed_nor_removed_nor_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 3);
    let conn = Connection::open(dir.path().join("cotrader.db")).expect("any SQL tool");
    for sql in [
        "UPDATE events SET payload = '{}' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events",
        "REPLACE INTO events SELECT * FROM events WHERE seq = 2",
        "REPLACE INTO events SELECT 4, event_id, stream, 4, kind, schema, occurred_at, recorded_at, actor,
            correlation_id, causation_id, idempotency_key, payload, prev_hash, hash FROM events WHERE seq = 1",
        "INSERT INTO events SELECT 9, 'new', stream, 9, kind, schema, occurred_at, recorded_at, actor,
            correlation_id, causation_id, NULL, payload, prev_hash, hash FROM events WHERE seq = 1",
    ] {
        assert!(conn.execute(sql, []).is_err(), "{sql}");
    }
    drop(conn);
    assert!(verify(dir.path(), VerifyOptions::default()).expect("verifies").is_sound());
}

#[test]
fn unknown_kinds_and_schemas_are_counted_and_passed_over() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 3);
    let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
    conn.execute_batch(
        "DROP TRIGGER events_are_never_changed;
         UPDATE events SET kind = 'order.teleported' WHERE seq = 1;
         UPDATE events SET schema = 7 WHERE seq = 3;",
    )
    .expect("a newer program wrote these");
    let mut seen = Vec::new();
    let replayed = replay::replay(&conn, 1, |event| seen.push(event.seq)).expect("replays");
    assert_eq!(seen, [2]);
    assert_eq!((replayed.events, replayed.last_seq), (1, 3));
    assert_eq!(
        replayed.skipped.into_iter().collect::<Vec<_>>(),
        [("note.recorded".to_owned(), 1), ("order.teleported".to_owned(), 1)]
    );
}

#[test]
fn a_head_that_cannot_be_written_stops_the_store_for_good() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 2);
    let files = Files::in_dir(dir.path());
    let lock = lock::WriterLock::take(&files.dir, &files.lock).expect("free");
    let conn = schema::open_for_writing(&files.db).expect("opens");
    let head = head::read(&files.head).expect("readable").expect("there").expect("whole");
    let broken = head::HeadFile::that_cannot_write(&files.head);
    let store = open::start(files, conn, head, broken, lock).expect("starts");
    let mut ids = CountedIds(0);
    for _ in 0..2 {
        let refused = store.append_blocking(vec![pending(&mut ids, None, note("lost?"))]);
        assert!(
            matches!(refused, Err(StoreError::Halted { during: "writing the head file", .. })),
            "{refused:?}"
        );
    }
    assert!(matches!(store.health(), Health::Halted(_)));
    store.close();

    // The first was committed and never acknowledged, the second never tried: a new start takes the log as it is.
    let opened = Store::open(dir.path(), Access::ReadWrite).expect("opens");
    assert_eq!((opened.damage, opened.events), (None, 3));
    assert!(opened.store.append_blocking(vec![pending(&mut ids, None, note("again"))]).is_ok());
}

#[test]
fn a_commit_that_fails_stops_the_store_for_good() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 2);
    let files = Files::in_dir(dir.path());
    let lock = lock::WriterLock::take(&files.dir, &files.lock).expect("free");
    let conn = schema::open_for_writing(&files.db).expect("opens");
    let found = head::HeadFile::open(&files.head).expect("opens").expect("whole");
    // No page more: the disk is full as far as SQLite can tell.
    conn.pragma_update(None, "max_page_count", 1).expect("a limit");
    let store = open::start(files, conn, found.1, found.0, lock).expect("starts");
    let mut ids = CountedIds(0);
    let big = "x".repeat(200_000);
    let refused = store.append_blocking(vec![pending(&mut ids, None, note(&big))]);
    assert!(matches!(refused, Err(StoreError::Halted { .. })), "{refused:?}");
    let refused = store.append_blocking(vec![pending(&mut ids, None, note("small"))]);
    assert!(matches!(refused, Err(StoreError::Halted { .. })), "{refused:?}");
    store.close();
    assert_eq!(everything(&open(dir.path())).len(), 2);
}

#[test]
fn a_long_log_is_replayed_in_order_whoever_reads_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut ids = CountedIds(0);
    for _ in 0..3 {
        let request = (0..3_000).map(|i| pending(&mut ids, None, note(&format!("{i}")))).collect();
        store.append_blocking(request).expect("stored");
    }
    for from in [1, 2, 1_500, 9_000, 9_001, 20_000] {
        let mut next = from;
        let replayed = store
            .replay(from, |event| {
                assert_eq!(event.seq, next);
                next += 1;
            })
            .expect("replays");
        assert_eq!(replayed.events, 9_001u64.saturating_sub(from), "from {from}");
        assert_eq!(replayed.last_seq, 9_000.max(from - 1), "from {from}");
    }
    store.close();

    let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
    conn.execute_batch(
        "DROP TRIGGER events_are_never_changed; UPDATE events SET payload = '[' WHERE seq = 7777",
    )
    .expect("changed");
    let mut seen = 0;
    let ended = replay::replay_with(
        || schema::open_for_reading(&dir.path().join("cotrader.db")),
        1,
        |event| {
            seen = event.seq;
        },
    );
    assert!(matches!(ended, Err(StoreError::Undecodable { seq: 7777, .. })), "{ended:?}");
    assert_eq!(seen, 7776, "everything before it was handed on");
}
