//! Whatever happens to the files is found and named, and a damaged store takes nothing.

use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;

use super::everything;
use crate::domain::id::{CountedIds, TradeId};
use crate::store::chain::COLUMNS;
use crate::store::testing::*;
use crate::store::*;

const CHAIN_ONLY: VerifyOptions = VerifyOptions { integrity: false, projections: false };

fn first_damage(dir: &Path) -> Damage {
    let report = verify(dir, VerifyOptions::default()).expect("verifies");
    report.damages.first().cloned().expect("something is found")
}

/// Opens for writing, expects the damage to be seen, and nothing to be written.
fn refuses(dir: &Path) -> Damage {
    let before = std::fs::read(dir.join("cotrader.db")).ok();
    let opened = Store::open(dir, Access::ReadWrite).expect("opens, read-only");
    let damage = opened.damage.expect("the damage is seen");
    assert!(matches!(opened.store.health(), Health::Damaged(_)));
    let refused = opened.store.append_blocking(vec![pending(&mut CountedIds(1 << 40), None, note("no"))]);
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    opened.store.close();
    assert!(before == std::fs::read(dir.join("cotrader.db")).ok(), "a damaged file is left as it was found");
    damage
}

/// Every stored row as SQLite hands it out, or its error.
fn dump(db: &Path) -> Result<Vec<Vec<rusqlite::types::Value>>, rusqlite::Error> {
    let conn = schema::open_for_reading(db).map_err(|_| rusqlite::Error::InvalidQuery)?;
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM events ORDER BY seq"))?;
    let rows = statement.query_map([], |row| (0..15).map(|i| row.get(i)).collect())?;
    rows.collect()
}

#[test]
fn any_changed_byte_of_any_event_is_found_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 4);
    let db = dir.path().join("cotrader.db");
    let pages: Vec<u64> = {
        let conn = Connection::open(&db).expect("opens");
        let mut statement =
            conn.prepare("SELECT pageno FROM dbstat WHERE name = 'events'").expect("prepared");
        let pages = statement.query_map([], |row| schema::unsigned(row, 0)).expect("pages");
        pages.collect::<Result<_, _>>().expect("numbers")
    };
    let good = std::fs::read(&db).expect("the file");
    let truth = dump(&db).expect("whole");
    assert_eq!(truth.len(), 4);
    let mut changed = 0;
    for page in pages {
        let start = usize::try_from(page - 1).expect("small") * 4096;
        for (at, byte) in good.iter().enumerate().skip(start).take(4096).filter(|(_, byte)| **byte != 0) {
            let mut bad = good.clone();
            bad[at] = byte ^ (1 << (at % 8));
            std::fs::write(&db, &bad).expect("written");
            if dump(&db).is_ok_and(|rows| rows == truth) {
                continue;
            }
            changed += 1;
            let report = verify(dir.path(), CHAIN_ONLY).expect("verifies");
            let seq = report.first_damaged();
            assert!(seq.is_some_and(|seq| (1..=4).contains(&seq)), "byte {at}: {report:?}");
        }
    }
    assert!(changed > 1_000, "the fields of four events: {changed}");
    std::fs::write(&db, &good).expect("written");
    assert!(verify(dir.path(), VerifyOptions::default()).expect("verifies").is_sound());
}

#[test]
fn a_changed_field_is_named_by_its_event() {
    for (sql, seq) in [
        ("UPDATE events SET payload = replace(payload, 'why', 'WHY') WHERE seq = 2", 2),
        ("UPDATE events SET idempotency_key = 'k' WHERE seq = 3", 3),
        ("UPDATE events SET occurred_at = recorded_at WHERE seq = 4", 4),
        ("UPDATE events SET hash = prev_hash WHERE seq = 1", 1),
        ("UPDATE events SET prev_hash = hash WHERE seq = 5", 5),
        ("UPDATE events SET seq = 77 WHERE seq = 3", 3),
        ("UPDATE events SET stream_version = 99 WHERE seq = 5", 5),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path(), 5);
        let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
        conn.execute_batch("DROP TRIGGER events_are_never_changed").expect("dropped");
        assert_eq!(conn.execute(sql, []), Ok(1), "{sql}");
        drop(conn);
        assert_eq!(first_damage(dir.path()).seq, Some(seq), "{sql}");
        assert_eq!(refuses(dir.path()).seq, Some(seq), "{sql}");
    }
}

#[test]
fn a_missing_end_is_found_by_the_head() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 5);
    let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
    conn.execute_batch("DROP TRIGGER events_are_never_removed; DELETE FROM events WHERE seq > 3")
        .expect("removed");
    drop(conn);
    let expected = Damage { seq: Some(4), what: Flaw::Truncated { stored: 3, promised: 5 } };
    assert_eq!(first_damage(dir.path()), expected);
    assert_eq!(refuses(dir.path()), expected);
    let reader = Store::open(dir.path(), Access::ReadOnly).expect("reads").store;
    assert_eq!(everything(&reader).len(), 3, "what is there can be read");
}

/// Copies a store as a power cut would leave it: with its log not yet written back.
fn with_log(dir: &Path, copy: &Path, notes: usize) {
    let store = open(dir);
    let mut ids = CountedIds(0);
    for _ in 0..notes {
        store.append_blocking(vec![pending(&mut ids, None, note("in the log only"))]).expect("stored");
    }
    std::fs::create_dir(copy).expect("a folder");
    for name in ["cotrader.db", "cotrader.db-wal", "cotrader.head"] {
        std::fs::copy(dir.join(name), copy.join(name)).expect("copied");
    }
}

#[test]
fn a_lost_or_broken_log_is_found_by_the_head() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = dir.path().join("whole");
    with_log(&dir.path().join("store"), &whole, 6);
    let wal = std::fs::read(whole.join("cotrader.db-wal")).expect("the log");
    for at in (0..wal.len()).step_by(211).filter(|at| wal[*at] != 0) {
        let mut bad = wal.clone();
        bad[at] ^= 0x10;
        std::fs::write(whole.join("cotrader.db-wal"), &bad).expect("written");
        let _ = std::fs::remove_file(whole.join("cotrader.db-shm"));
        let report = verify(&whole, VerifyOptions::default()).expect("verifies");
        let untouched = dump(&whole.join("cotrader.db")).is_ok_and(|rows| rows.len() == 6);
        assert!(!report.is_sound() || untouched, "byte {at}");
    }
    std::fs::remove_file(whole.join("cotrader.db-wal")).expect("removed");
    let _ = std::fs::remove_file(whole.join("cotrader.db-shm"));
    let damage = refuses(&whole);
    assert_eq!(damage.what, Flaw::Truncated { stored: 0, promised: 6 });
    assert_eq!(first_damage(&whole), damage);
}

#[test]
fn a_crash_between_commit_and_head_is_no_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, crashed) = (dir.path().join("store"), dir.path().join("crashed"));
    filled(&store, 3);
    let head = std::fs::read(store.join("cotrader.head")).expect("the head");
    with_log(&store, &crashed, 4);
    std::fs::write(crashed.join("cotrader.head"), head).expect("an older head");
    assert!(verify(&crashed, VerifyOptions::default()).expect("verifies").is_sound());
    assert_eq!(everything(&open(&crashed)).len(), 7);
    let head = head::read(&crashed.join("cotrader.head")).expect("readable").expect("there").expect("whole");
    assert_eq!(head.count, 7, "the head follows the log");
}

#[test]
fn files_that_are_gone_or_garbage_are_damage() {
    // `None`: the file is gone.
    let garbage = "x".repeat(9000);
    for (name, content) in [
        ("cotrader.head", None),
        ("cotrader.head", Some(garbage.as_str())),
        ("cotrader.db", None),
        ("cotrader.db", Some("")),
        ("cotrader.db", Some(garbage.as_str())),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path(), 2);
        let path = dir.path().join(name);
        match content {
            None => std::fs::remove_file(path).expect("removed"),
            Some(content) => std::fs::write(path, content).expect("written"),
        }
        assert_eq!(first_damage(dir.path()), refuses(dir.path()), "{name}");
    }
}

#[test]
fn a_database_cut_short_is_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 200);
    let db = dir.path().join("cotrader.db");
    let good = std::fs::read(&db).expect("the file");
    for keep in [good.len() / 2, good.len() - 4096, 100] {
        std::fs::write(&db, &good[..keep]).expect("cut");
        assert!(!verify(dir.path(), VerifyOptions::default()).expect("verifies").is_sound(), "{keep}");
    }
}

#[test]
fn the_head_in_the_directorys_place_is_an_error_not_a_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(dir.path().join("cotrader.head")).expect("a folder in the way");
    assert!(matches!(Store::open(dir.path(), Access::ReadWrite), Err(StoreError::Io { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_requests_make_a_log_without_gaps_that_replays_as_it_was_answered(
        requests in prop::collection::vec(prop::collection::vec((0u8..4, "[ -~é\u{0}-\u{1f}\"\\\\]{0,40}"), 0..6), 1..12)
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = open(dir.path());
        let mut ids = CountedIds(0);
        let trades: Vec<TradeId> = (0..3).map(|_| TradeId::new(&mut ids)).collect();
        let mut answered = Vec::new();
        for request in &requests {
            let request = request
                .iter()
                .map(|(which, text)| match trades.get(usize::from(*which)) {
                    Some(trade) => pending(&mut ids, None, intent(*trade, text)),
                    None => pending(&mut ids, None, note(text)),
                })
                .collect();
            answered.extend(store.append_blocking(request).expect("stored").events);
        }
        let seqs: Vec<u64> = answered.iter().map(|e| e.seq).collect();
        prop_assert_eq!(seqs, (1..=answered.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(&everything(&store), &answered);
        store.close();
        let report = verify(dir.path(), VerifyOptions::default()).expect("verifies");
        prop_assert!(report.is_sound(), "{:?}", report);
        prop_assert_eq!(report.events, answered.len() as u64);
        prop_assert_eq!(everything(&open(dir.path())), answered);
    }
}
