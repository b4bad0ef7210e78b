//! What an acknowledged event costs, as a ratio to what the disk charges for one durable 4 KiB write, measured
//! in turn in the same run; what group commit brings.
//!
//! `COTRADER_BENCH_ROUNDS` (2000) makes it shorter.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use cotrader::domain::event::{Actor, Event, Meta, NoteKind, NoteRecorded, Pending};
use cotrader::domain::id::{CorrelationId, CountedIds, EventId};
use cotrader::domain::{Strategy, Symbol};
use cotrader::store::{Access, Store};
use rusqlite::{Connection, params};

fn main() {
    // `cargo test` runs benches, too: there one short round shows that it works.
    let testing = !std::env::args().any(|arg| arg == "--bench");
    let given = std::env::var("COTRADER_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds = given.unwrap_or(if testing { 20 } else { 2_000 });
    let dir = tempfile::Builder::new()
        .prefix("append-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder on the disk that is measured");
    latency(dir.path(), rounds);
    group_commit(dir.path(), rounds);
}

fn latency(dir: &Path, rounds: usize) {
    let mut raw_disk = RawDisk::in_dir(dir);
    let mut bare = BareCommit::in_dir(dir);
    let store = Store::open(&dir.join("latency"), Access::ReadWrite).expect("a store").store;
    let mut ids = CountedIds(0);
    let (mut raw, mut commit, mut acknowledged) = (Vec::new(), Vec::new(), Vec::new());
    // In turn, so that a busy disk is busy for all three; the first tenth warms up.
    for round in 0..rounds + rounds / 10 {
        let times = [
            timed(|| raw_disk.write(round)),
            timed(|| bare.commit()),
            timed(|| {
                let request = vec![note(&mut ids, "the rationale of one decision, a sentence long or two")];
                store.append_blocking(request).expect("stored");
            }),
        ];
        if round >= rounds / 10 {
            raw.push(times[0]);
            commit.push(times[1]);
            acknowledged.push(times[2]);
        }
    }
    let base = row("raw 4 KiB write in place + fdatasync", &mut raw, None);
    row("bare commit: one insert, WAL, FULL", &mut commit, Some((base, 1.5)));
    row("acknowledged append: events, projections, head", &mut acknowledged, Some((base, 5.0)));
}

fn group_commit(dir: &Path, rounds: usize) {
    let store = Store::open(&dir.join("group"), Access::ReadWrite).expect("a store").store;
    let requests = rounds.max(64) * 8;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut ids = CountedIds(0);
    let took = timed(|| {
        runtime.block_on(async {
            let waiting: Vec<_> = (0..requests)
                .map(|_| tokio::spawn(store.append(vec![note(&mut ids, "one of many")])))
                .collect();
            for answer in waiting {
                answer.await.expect("runs").expect("stored");
            }
        });
    });
    rate("requests of one event, all waiting at once", requests, took);
    let batches = (requests / 100).max(1);
    let took = timed(|| {
        for _ in 0..batches {
            let request = (0..100).map(|_| note(&mut ids, "one of a hundred")).collect();
            store.append_blocking(request).expect("stored");
        }
    });
    rate("requests of a hundred events, one after the other", batches * 100, took);
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Prints one line, with the ratio to a base and how many times the base it may be; answers the median.
fn row(what: &str, times: &mut [Duration], base: Option<(Duration, f64)>) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let against = base.map_or(String::new(), |(base, target)| {
        let ratio = micros(at(0.5)) / micros(base);
        let verdict = if ratio <= target { "pass" } else { "MISS" };
        format!("  {ratio:.2}x (target {target}x) {verdict}")
    });
    println!("{what:<52} p50 {:>7.0} us  p99 {:>7.0} us{against}", micros(at(0.5)), micros(at(0.99)));
    at(0.5)
}

fn rate(what: &str, events: usize, took: Duration) {
    println!("{what:<52} {:>9.0} events/s", events as f64 / took.as_secs_f64());
}

fn note(ids: &mut CountedIds, rationale: &str) -> Pending {
    let meta = Meta {
        id: EventId::new(ids),
        occurred_at: chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("an instant"),
        actor: Actor::Trader,
        correlation: CorrelationId::new(ids),
        causation: None,
        key: None,
    };
    let event = Event::NoteRecorded(NoteRecorded {
        trade: None,
        note_kind: NoteKind::Decision,
        underlying: Symbol::new("SPY").ok(),
        strategy: Some(Strategy::IronCondor),
        rationale: rationale.to_owned(),
    });
    Pending { meta, event }
}

/// The floor: one block that exists already, made durable.
struct RawDisk {
    file: File,
}

impl RawDisk {
    const BLOCKS: usize = 256;

    fn in_dir(dir: &Path) -> Self {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(dir.join("raw"))
            .expect("a new file");
        file.write_all_at(&vec![1; Self::BLOCKS * 4096], 0).expect("written");
        file.sync_all().expect("synced");
        Self { file }
    }

    fn write(&mut self, round: usize) {
        let block = [round as u8; 4096];
        self.file.write_all_at(&block, ((round % Self::BLOCKS) * 4096) as u64).expect("written");
        self.file.sync_data().expect("synced");
    }
}

/// SQLite alone: the event table without projections, hash or head.
struct BareCommit {
    conn: Connection,
    next: i64,
}

impl BareCommit {
    fn in_dir(dir: &Path) -> Self {
        let conn = Connection::open(dir.join("bare.db")).expect("a database");
        conn.pragma_update(None, "journal_mode", "WAL").expect("set");
        conn.pragma_update(None, "synchronous", "FULL").expect("set");
        conn.execute_batch(
            "CREATE TABLE events (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL) STRICT",
        )
        .expect("a table");
        // The log at its working size, as the store keeps it.
        conn.execute_batch(
            "CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(5000000)); DROP TABLE filler;
             PRAGMA wal_checkpoint(RESTART);",
        )
        .expect("a grown log");
        Self { conn, next: 1 }
    }

    fn commit(&mut self) {
        let payload =
            "{\"rationale\":\"the rationale of one decision, a sentence long or two, as in the store\"}";
        self.conn
            .prepare_cached("INSERT INTO events VALUES (?1, 'note.recorded', ?2)")
            .expect("prepared")
            .execute(params![self.next, payload])
            .expect("committed");
        self.next += 1;
    }
}
