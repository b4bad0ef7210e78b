//! A person at a terminal: the real binary on a real pseudo-terminal, its screen parsed cell by cell.
//!
//! Every wait is for a condition with a deadline; what was on the screen is in the message when it fails.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{
    ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system,
};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, test_kill_process};

/// Long enough for a debug build on a busy machine; a condition that holds ends the wait at once.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Folders and environment of one trader: nothing of the machine's own shines through.
pub struct Home {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("ct").tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name).display().to_string();
        let env = [
            ("HOME", at("home")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_DATA_HOME", at("data")),
            ("XDG_STATE_HOME", at("state")),
            ("COTRADER_STORE", at("store")),
            ("TERM", "xterm-256color".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("PATH", std::env::var("PATH").expect("a search path")),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        std::fs::create_dir(dir.path().join("home")).expect("a home");
        Self { dir, env }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a configuration file.
    pub fn configured(self, file: &str, text: &str) -> Self {
        let folder = self.dir.path().join("config").join("cotrader");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(file), text).expect("a file");
        self
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state").join("cotrader")
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// The process that holds the store.
    pub fn writer(&self) -> i32 {
        let lock = std::fs::read_to_string(self.store().join("cotrader.lock")).expect("a lock");
        lock.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id")
    }

    /// A command of the program without a terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cotrader"));
        command.env_clear().envs(self.env.iter().cloned()).current_dir(self.dir.path()).args(args);
        command
    }

    /// What a command prints; it must succeed.
    pub fn output(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("the program starts");
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?} ended with {}: {text}{errors}", output.status);
        text.into_owned()
    }

    /// The picture of the cockpit that runs, asked through its socket.
    pub fn snapshot(&self) -> serde_json::Value {
        serde_json::from_str(&self.output(&["snapshot", "--json"])).expect("a JSON document")
    }

    /// The same as it is, whole or not.
    pub fn snapshot_as_it_is(&self) -> serde_json::Value {
        let output =
            self.command(&["snapshot", "--json", "--wait", "0"]).output().expect("the program starts");
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 4)), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a JSON document")
    }

    /// Recorded events of a kind, oldest first.
    pub fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let lines = self.output(&["events", "--json", "--kind", kind]);
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }
}

/// What the pseudo-terminal shows. Only whole frames: a screen is published when the program says that an
/// update is complete.
struct Shared {
    latest: Mutex<Latest>,
    changed: Condvar,
}

struct Latest {
    screen: vt100::Screen,
    /// The size wanted by the last `resize`, to be applied by the reader.
    resized: Option<(NonZeroU16, NonZeroU16)>,
    ended: Option<ExitStatus>,
}

pub struct Term {
    master: Box<dyn MasterPty + Send>,
    /// Held open, so that what was written last and how the terminal was left can be read after the end.
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Mutex<Box<dyn Write + Send>>,
    shared: Arc<Shared>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    pid: Pid,
    reader: Option<JoinHandle<()>>,
}

fn cells(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    let one = |n| NonZeroU16::new(n).expect("a terminal has cells");
    (one(rows), one(columns))
}

impl Term {
    /// The cockpit.
    pub fn cockpit(home: &Home, columns: u16, rows: u16) -> Self {
        Self::spawn(home, env!("CARGO_BIN_EXE_cotrader"), &[], columns, rows)
    }

    pub fn spawn(home: &Home, program: &str, args: &[&str], columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        for (name, value) in &home.env {
            command.env(name, value);
        }
        command.cwd(home.dir.path());
        let mut child = pair.slave.spawn_command(command).expect("the program starts");
        let pid = child.process_id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let (rows, columns) = cells(columns, rows);
        let parser = vt100::Parser::new(rows, columns, 0);
        let shared = Arc::new(Shared {
            latest: Mutex::new(Latest { screen: parser.screen().clone(), resized: None, ended: None }),
            changed: Condvar::new(),
        });
        let killer = child.clone_killer();
        let source = pair.master.try_clone_reader().expect("a reader");
        let to_screen = Arc::clone(&shared);
        let reader = std::thread::spawn(move || follow(source, parser, &to_screen));
        let at_end = Arc::clone(&shared);
        std::thread::spawn(move || {
            let status = child.wait().unwrap_or_else(|_| ExitStatus::with_signal("unknown"));
            at_end.latest.lock().expect("no panic while held").ended = Some(status);
            at_end.changed.notify_all();
        });
        Self {
            writer: Mutex::new(pair.master.take_writer().expect("a writer")),
            master: pair.master,
            slave: Some(pair.slave),
            shared,
            killer,
            pid: pid.expect("a process id"),
            reader: Some(reader),
        }
    }

    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Types: `jj<Enter>`, `<C-c>`, anything else as it stands. `<Esc>` ends a call: what follows at once would
    /// read as a key with Alt, so that its effect must be waited for first.
    pub fn keys(&self, keys: &str) -> &Self {
        let mut writer = self.writer.lock().expect("no panic while held");
        let mut rest = keys;
        while let Some(next) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
            let known = named.and_then(|(name, tail)| Some((key_bytes(name)?, tail)));
            let (bytes, tail) = match known {
                Some(known) => known,
                None => (next.to_string().into_bytes(), &rest[next.len_utf8()..]),
            };
            // A closed terminal shows in what is waited for next.
            drop(writer.write_all(&bytes).and_then(|()| writer.flush()));
            rest = tail;
            assert!(bytes != b"\x1b" || rest.is_empty(), "wait for what <Esc> does before {rest:?}");
        }
        drop(writer);
        self
    }

    pub fn screen(&self) -> vt100::Screen {
        self.shared.latest.lock().expect("no panic while held").screen.clone()
    }

    pub fn text(&self) -> String {
        self.screen().contents()
    }

    pub fn wait_for(&self, words: &str) -> &Self {
        self.wait_until(&format!("{words:?} is on the screen"), PATIENCE, |screen| {
            screen.contents().contains(words)
        })
    }

    pub fn wait_gone(&self, words: &str) -> &Self {
        self.wait_until(&format!("{words:?} is gone"), PATIENCE, |screen| !screen.contents().contains(words))
    }

    /// Waits until whole frames satisfy the condition; the words say what was waited for.
    pub fn wait_until(&self, what: &str, within: Duration, holds: impl Fn(&vt100::Screen) -> bool) -> &Self {
        let until = Instant::now() + within;
        let mut latest = self.shared.latest.lock().expect("no panic while held");
        while !holds(&latest.screen) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || latest.ended.is_some() {
                let screen = framed(&latest.screen);
                let ended = latest.ended.clone();
                drop(latest);
                panic!("waited {within:?} until {what}; ended: {ended:?}; the screen was\n{screen}");
            }
            latest = self.shared.changed.wait_timeout(latest, left).expect("no panic while held").0;
        }
        drop(latest);
        self
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.shared.latest.lock().expect("no panic while held").resized = Some(cells(columns, rows));
        self.master.resize(size).expect("a size");
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits for the end; the terminal must have been left as it was found.
    pub fn exit(mut self) -> Ended {
        let status = self.end();
        let modes = self.modes();
        self.drain();
        Ended { status, modes, screen: self.screen() }
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.end();
    }

    /// The line modes of the terminal, by name.
    pub fn modes(&self) -> String {
        format!("{:?}", self.master.get_termios().expect("line modes").local_flags)
    }

    fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        let mut latest = self.shared.latest.lock().expect("no panic while held");
        loop {
            if let Some(status) = &latest.ended {
                return status.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let screen = framed(&latest.screen);
                drop(latest);
                panic!("the process goes on; the screen was\n{screen}");
            }
            latest = self.shared.changed.wait_timeout(latest, left).expect("no panic while held").0;
        }
    }

    /// Closing the last end but ours ends the reader, when it has read everything.
    fn drain(&mut self) {
        self.slave = None;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        // Whatever the test came to: nothing is left running.
        let running = self.shared.latest.lock().map_or(true, |latest| latest.ended.is_none());
        if running {
            drop(self.killer.kill());
        }
    }
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub modes: String,
    pub screen: vt100::Screen,
}

impl Ended {
    pub fn text(&self) -> String {
        self.screen.contents()
    }

    /// Main screen, cursor, cooked mode, no paste brackets.
    pub fn assert_clean(&self) -> &Self {
        let screen = &self.screen;
        let seen = framed(screen);
        assert!(!screen.alternate_screen(), "the alternate screen was not left\n{seen}");
        assert!(!screen.hide_cursor(), "the cursor is hidden\n{seen}");
        assert!(!screen.bracketed_paste(), "paste is bracketed\n{seen}");
        assert!(self.modes.contains("ECHO") && self.modes.contains("ICANON"), "raw: {}", self.modes);
        self
    }
}

/// Begin and end of an update that belongs together.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

fn follow(mut source: impl Read, mut parser: vt100::Parser, shared: &Shared) {
    let mut waiting: Vec<u8> = Vec::new();
    let mut inside = false;
    let mut chunk = [0; 65_536];
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        waiting.extend_from_slice(&chunk[..read]);
        loop {
            let marker = if inside { END } else { BEGIN };
            let found = waiting.windows(marker.len()).position(|window| window == marker);
            // What may be the beginning of a marker waits for the rest of it.
            let upto =
                found.map_or_else(|| waiting.len() - partial(&waiting, marker), |at| at + marker.len());
            let ready: Vec<u8> = waiting.drain(..upto).collect();
            let mut latest = shared.latest.lock().expect("no panic while held");
            if let Some((rows, columns)) = latest.resized.take() {
                parser.set_size(rows, columns);
            }
            parser.process(&ready);
            if found.is_some() {
                inside = !inside;
            }
            if !inside {
                latest.screen = parser.screen().clone();
                shared.changed.notify_all();
            }
            if found.is_none() {
                break;
            }
        }
    }
    parser.process(&waiting);
    let mut latest = shared.latest.lock().expect("no panic while held");
    latest.screen = parser.screen().clone();
    shared.changed.notify_all();
}

fn partial(bytes: &[u8], marker: &[u8]) -> usize {
    (1..marker.len()).rev().find(|&n| bytes.ends_with(&marker[..n])).unwrap_or(0)
}

fn key_bytes(name: &str) -> Option<Vec<u8>> {
    let bytes = match name {
        "Enter" => b"\r".to_vec(),
        "Esc" => b"\x1b".to_vec(),
        "Tab" => b"\t".to_vec(),
        "BS" => b"\x7f".to_vec(),
        "Up" => b"\x1b[A".to_vec(),
        "Down" => b"\x1b[B".to_vec(),
        _ => {
            let letter = name.strip_prefix("C-")?.bytes().next().filter(u8::is_ascii_lowercase)?;
            vec![letter - b'a' + 1]
        }
    };
    Some(bytes)
}

/// The screen between rules, so that blank rows and ends of lines show.
pub fn framed(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let mut text = format!("{columns}×{rows}, alternate {}\n", screen.alternate_screen());
    for row in screen.rows(0, columns.get()) {
        writeln!(text, "│{row}").expect("memory");
    }
    text
}

/// Waits for a condition outside a terminal; the words say which.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, look)
}

pub fn eventually_within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited {patience:?} until {what}");
    }
}

pub fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id");
    kill_process(pid, signal).expect("the process is there");
}

/// Whether a process is there.
pub fn runs(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}
