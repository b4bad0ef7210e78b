//! Projections made anew, and backups.

use rusqlite::Connection;

use super::everything;
use crate::domain::id::CountedIds;
use crate::store::testing::*;
use crate::store::*;

fn text(conn: &Connection, sql: &str) -> String {
    conn.query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn store_of_everything(dir: &Path) {
    let store = open(dir);
    let mut ids = CountedIds(500);
    for event in one_of_each() {
        store.append_blocking(vec![pending(&mut ids, None, event)]).expect("stored");
    }
    store.close();
}

#[test]
fn any_sql_tool_reads_the_projections() {
    let dir = tempfile::tempdir().expect("a folder");
    store_of_everything(dir.path());
    let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
    let trade = "SELECT state || ' ' || strategy || ' ' || close_reason || ' ' || rationale FROM trades
                 WHERE kind = 'real' AND state = 'closed'";
    assert_eq!(text(&conn, trade), "closed vertical_spread expired mean reversion after the gap");
    assert_eq!(text(&conn, "SELECT state FROM trades WHERE strategy = 'stock'"), "executed");
    let decisions = "SELECT group_concat(kind || ': ' || rationale, '; ' ORDER BY seq) FROM decisions";
    assert_eq!(
        text(&conn, decisions),
        "decision: mean reversion after the gap; outcome: worthless, as planned; decision: a thought"
    );
    assert_eq!(text(&conn, "SELECT equity FROM daily_close WHERE equity IS NOT NULL"), "-123.45");
    let iv30: f64 = conn.query_row("SELECT iv30 FROM greeks_history", [], |row| row.get(0)).expect("one row");
    assert_eq!(iv30.to_bits(), 0.162f64.to_bits());
}

#[test]
fn projections_that_differ_are_found_and_made_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    store_of_everything(dir.path());
    let conn = Connection::open(dir.path().join("cotrader.db")).expect("opens");
    conn.execute_batch("UPDATE trades SET state = 'executed'; DELETE FROM decisions").expect("changed");
    drop(conn);
    let report = verify(dir.path(), VerifyOptions::default()).expect("verifies");
    assert_eq!(report.damages, [Damage { seq: None, what: Flaw::Projection("trades") }]);
    assert_eq!(rebuild(dir.path()).expect("rebuilt"), Rebuilt { events: all(), skipped: 0 });
    assert!(verify(dir.path(), VerifyOptions::default()).expect("verifies").is_sound());
}

#[test]
fn a_store_in_use_is_not_rebuilt_but_can_be_verified_and_backed_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let (home, file) = (dir.path().join("store"), dir.path().join("copy.db"));
    let store = open(&home);
    store.append_blocking(vec![pending(&mut CountedIds(0), None, note("a"))]).expect("stored");
    assert!(matches!(rebuild(&home), Err(StoreError::Locked { .. })));
    assert!(verify(&home, VerifyOptions::default()).expect("verifies").is_sound());
    assert_eq!(backup(&home, &file).expect("copied").events, 1);
    store.append_blocking(vec![pending(&mut CountedIds(9), None, note("b"))]).expect("still writing");
}

#[test]
fn a_backup_is_one_file_that_stands_on_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let (home, file, restored) =
        (dir.path().join("store"), dir.path().join("copy.db"), dir.path().join("restored"));
    store_of_everything(&home);
    let made = backup(&home, &file).expect("copied");
    assert_eq!(made.events, all());
    let meta = std::fs::metadata(&file).expect("there");
    assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (made.bytes, 0o600));
    assert!(matches!(backup(&home, &file), Err(StoreError::BackupExists { .. })));
    let beside = std::fs::read_dir(dir.path()).expect("a folder").count();
    assert_eq!(beside, 2, "the store and one file");

    std::fs::create_dir(&restored).expect("a folder");
    std::fs::copy(&file, restored.join("cotrader.db")).expect("restored");
    assert!(verify(&restored, VerifyOptions::default()).expect("verifies").is_sound());
    let store = open(&restored);
    assert_eq!(everything(&store), everything(&Store::open(&home, Access::ReadOnly).expect("reads").store));
    store.append_blocking(vec![pending(&mut CountedIds(9000), None, note("goes on"))]).expect("stored");
    store.close();
    assert!(verify(&restored, VerifyOptions::default()).expect("verifies").is_sound());
    std::fs::remove_file(restored.join("cotrader.head")).expect("removed");
    assert!(!verify(&restored, VerifyOptions::default()).expect("verifies").is_sound());
}

#[test]
fn a_damaged_store_is_neither_backed_up_nor_rebuilt() {
    let dir = tempfile::tempdir().expect("a folder");
    let (home, file) = (dir.path().join("store"), dir.path().join("copy.db"));
    filled(&home, 3);
    let conn = Connection::open(home.join("cotrader.db")).expect("opens");
    conn.execute_batch(
        "DROP TRIGGER events_are_never_changed; UPDATE events SET payload = '{}' WHERE seq = 2",
    )
    .expect("changed");
    drop(conn);
    let named = |error: Result<(), StoreError>| match error {
        Err(StoreError::Damaged(damage)) => damage.seq,
        other => panic!("{other:?}"),
    };
    assert_eq!(named(backup(&home, &file).map(drop)), Some(2));
    assert_eq!(named(rebuild(&home).map(drop)), Some(2));
    assert!(!file.exists());
}
