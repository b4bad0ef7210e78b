//! The real program in a real pseudo-terminal, on a fresh demo store: how long until the first complete frame,
//! how long from a key to its frame, what is written while nothing changes, what it keeps in memory and what it
//! takes of a core. One line per item: name, value, target, verdict. Nothing here is asserted: a busy machine
//! is no defect.
//!
//! The pseudo-terminal itself is measured in the same run, by a program that only echoes.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const WIDTH: NonZeroU16 = NonZeroU16::new(160).expect("not zero");
const HEIGHT: NonZeroU16 = NonZeroU16::new(50).expect("not zero");
/// Longer than anything here may take; then the run says so and ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// What ends a frame: the terminal may show it now.
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

fn main() {
    // `cargo test` runs benches, too: there one short round shows that it works.
    let testing = !std::env::args().any(|arg| arg == "--bench");
    let rounds = |usual: usize, short: usize| if testing { short } else { usual };
    let echo = echo(rounds(200, 20));
    row("pty echo, p50", millis(echo.p50), "baseline", None);
    row("pty echo, p99", millis(echo.p99), "baseline", None);
    first_frames(rounds(7, 1));

    let dir = folder();
    let mut cockpit = Cockpit::start(dir.path(), &[]);
    cockpit.until("a complete frame", is_complete);
    cockpit.until("the history", is_settled);
    keys_while_streaming(&mut cockpit, rounds(60, 4), echo.p50);
    under_load(&mut cockpit, Duration::from_secs(rounds(30, 2) as u64));
    cockpit.press(b"S");
    cockpit.until("the end of streaming", |screen| screen.contains("○ snapshot"));
    cockpit.quiet(Duration::from_millis(1_500));
    keys_at_rest(&mut cockpit, rounds(150, 9), echo.p50);
    // The message about it goes by itself.
    cockpit.quiet(Duration::from_secs(6));
    idle(&mut cockpit, Duration::from_secs(rounds(20, 2) as u64));
    cockpit.quit();
}

/// All five panels with figures, the link live, nothing being read or computed.
fn is_complete(screen: &str) -> bool {
    let titles = ["1 Market", "2 Risk by underlying", "3 Scenario", "4 Positions", "5 Hedging blotter"];
    let total = screen.lines().find(|line| line.starts_with("TOTAL"));
    let header = screen.lines().next().unwrap_or_default();
    titles.iter().all(|title| screen.contains(title))
        && header.contains("● live")
        && !["refreshing", "computing"].iter().any(|word| header.contains(word))
        && screen.contains("VaR95")
        && total.is_some_and(|line| line.split_whitespace().count() >= 6 && !line.contains('—'))
}

/// Volatility premium and betas need the year of history, which comes in over the market stream.
fn is_settled(screen: &str) -> bool {
    is_complete(screen) && screen.lines().any(|line| line.contains("VRP") && !line.contains("VRP —"))
}

fn first_frames(rounds: usize) {
    let (mut fresh, mut again, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let dir = folder();
        for times in [&mut fresh, &mut again] {
            let mut cockpit = Cockpit::start(dir.path(), &[]);
            times.push(cockpit.until("a complete frame", is_complete) - cockpit.started);
            settled.push(cockpit.until("the history", is_settled) - cockpit.started);
            cockpit.quit();
        }
    }
    let target = Duration::from_millis(500);
    for (what, times) in [("new store", fresh), ("known store", again)] {
        let spread = Spread::of(times);
        row(
            &format!("first complete frame, {what}, median"),
            millis(spread.p50),
            "500 ms",
            spread.p50.meets(target),
        );
        row(
            &format!("first complete frame, {what}, worst"),
            millis(spread.worst),
            "500 ms",
            spread.worst.meets(target),
        );
    }
    let settled = Spread::of(settled);
    row("frame with the year of history, median", millis(settled.p50), "-", None);
}

/// While nothing else draws, whatever is drawn next is the answer.
fn keys_at_rest(cockpit: &mut Cockpit, presses: usize, echo: Duration) {
    let mut times = Vec::new();
    for key in [b"j", b"\t", b"z", b"k", b"\t", b"z"].iter().cycle().take(presses) {
        let pressed = cockpit.press(*key);
        times.push(cockpit.next_frame("an answer to a key").at - pressed);
        cockpit.settle();
    }
    key_rows("key to frame, streaming off", Spread::of(times), echo);
}

/// Ticks draw, too: the answer is the frame that has (or has no longer) the other panels.
fn keys_while_streaming(cockpit: &mut Cockpit, presses: usize, echo: Duration) {
    let mut times = Vec::new();
    for press in 0..presses {
        let zoomed = press % 2 == 0;
        let pressed = cockpit.press(b"z");
        let shown = cockpit.until("the zoom", |screen| screen.contains("3 Scenario") != zoomed);
        times.push(shown - pressed);
    }
    if presses % 2 == 1 {
        cockpit.press(b"z");
    }
    key_rows("key to frame, market streaming", Spread::of(times), echo);
}

fn key_rows(what: &str, spread: Spread, echo: Duration) {
    let target = Duration::from_millis(16);
    row(&format!("{what}, p50"), millis(spread.p50), "16 ms", spread.p50.meets(target));
    row(&format!("{what}, p99"), millis(spread.p99), "16 ms", spread.p99.meets(target));
    let ratio = spread.p50.as_secs_f64() / echo.as_secs_f64().max(1e-9);
    row(&format!("{what}, p50 to echo"), format!("{ratio:.1} x"), "-", None);
}

fn under_load(cockpit: &mut Cockpit, span: Duration) {
    let before = cockpit.process();
    let (frames, bytes, _) = cockpit.watch(span);
    let after = cockpit.process();
    let per_second = |n: usize| n as f64 / span.as_secs_f64();
    row("frames while the market streams", format!("{:.1} /s", per_second(frames)), "-", None);
    row("written while the market streams", format!("{:.1} kB/s", per_second(bytes) / 1e3), "-", None);
    let (Some(before), Some(after)) = (before, after) else {
        row("memory and processor", "not measured here".to_owned(), "-", None);
        return;
    };
    let share = 100.0 * (after.busy - before.busy) / span.as_secs_f64();
    row("core taken while the market streams", format!("{share:.1} %"), "-", None);
    let kept = |kb: u64| format!("{:.1} MB", kb as f64 / 1e3);
    row("resident memory", kept(after.resident_kb), "100 MB", Some(after.resident_kb <= 100_000));
    row("resident memory, highest", kept(after.highest_kb), "100 MB", Some(after.highest_kb <= 100_000));
}

fn idle(cockpit: &mut Cockpit, span: Duration) {
    let rest = |screen: &str| screen.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let before = (cockpit.process(), cockpit.screen());
    let (frames, bytes, screens) = cockpit.watch(span);
    let after = cockpit.process();
    let (mut known, mut needless, mut elsewhere) = (&before.1, 0, 0);
    for screen in &screens {
        needless += usize::from(screen == known);
        elsewhere += usize::from(rest(screen) != rest(known));
        known = screen;
    }
    // The accounts are still read once a minute; what that read changes is drawn.
    row("idle: frames below the clock line", elsewhere.to_string(), "-", None);
    row("idle: frames that changed nothing", needless.to_string(), "0", Some(needless == 0));
    row("idle: frames of the clock line", format!("{:.2} /s", frames as f64 / span.as_secs_f64()), "-", None);
    row("idle: written", format!("{:.0} B/s", bytes as f64 / span.as_secs_f64()), "-", None);
    if let (Some(before), Some(after)) = (before.0, after) {
        let share = 100.0 * (after.busy - before.busy) / span.as_secs_f64();
        row("idle: core taken", format!("{share:.2} %"), "-", None);
    }
}

/// What a key costs on its way through a pseudo-terminal and back, with a program that does nothing.
fn echo(rounds: usize) -> Spread {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "stty raw -echo; printf R; exec cat"]);
    let mut terminal = Terminal::run(command);
    let wait = |terminal: &Terminal| terminal.chunks.recv_timeout(PATIENCE).expect("an echo").0;
    wait(&terminal);
    let times = (0..rounds)
        .map(|_| {
            let pressed = Instant::now();
            terminal.type_in(b"j");
            wait(&terminal) - pressed
        })
        .collect();
    terminal.end();
    Spread::of(times)
}

/// A process on a pseudo-terminal; what it writes comes with the moment at which it could be read.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    chunks: Receiver<(Instant, Vec<u8>)>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn run(command: CommandBuilder) -> Self {
        let size = PtySize { rows: HEIGHT.get(), cols: WIDTH.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let writer = pair.master.take_writer().expect("its input");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let (send, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        Self { child, writer, chunks, _master: pair.master }
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.writer.write_all(keys).and_then(|()| self.writer.flush()).expect("typed");
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Frame {
    at: Instant,
    bytes: usize,
}

struct Cockpit {
    terminal: Terminal,
    screen: vt100::Parser,
    /// Written by the program, not yet shown: a frame is shown when it is whole.
    pending: Vec<u8>,
    /// When the newest of `pending` came.
    heard: Instant,
    started: Instant,
}

impl Cockpit {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cotrader"));
        command.args(args);
        command.arg("--store");
        command.arg(dir.join("store"));
        command.env_clear();
        command.env("HOME", dir);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.cwd(dir);
        let started = Instant::now();
        let terminal = Terminal::run(command);
        let screen = vt100::Parser::new(HEIGHT, WIDTH, 0);
        Self { terminal, screen, pending: Vec::new(), heard: started, started }
    }

    fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    fn press(&mut self, key: &[u8]) -> Instant {
        let pressed = Instant::now();
        self.terminal.type_in(key);
        pressed
    }

    /// The next whole frame that comes within `wait`.
    fn frame(&mut self, wait: Duration) -> Option<Frame> {
        let until = Instant::now() + wait;
        loop {
            if let Some(end) = find(&self.pending, END_OF_FRAME) {
                let rest = self.pending.split_off(end + END_OF_FRAME.len());
                let frame = std::mem::replace(&mut self.pending, rest);
                self.screen.process(&frame);
                return Some(Frame { at: self.heard, bytes: frame.len() });
            }
            match self.terminal.chunks.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((at, bytes)) => {
                    self.heard = at;
                    self.pending.extend_from_slice(&bytes);
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    let said = String::from_utf8_lossy(&self.pending).into_owned();
                    panic!("the cockpit ended: {said}\n{}", self.screen());
                }
            }
        }
    }

    fn next_frame(&mut self, what: &str) -> Frame {
        let frame = self.frame(PATIENCE);
        frame.unwrap_or_else(|| panic!("waited for {what}; the screen shows\n{}", self.screen()))
    }

    /// When the screen first showed what is asked for.
    fn until(&mut self, what: &str, shown: impl Fn(&str) -> bool) -> Instant {
        let patient = Instant::now() + PATIENCE;
        loop {
            if shown(&self.screen()) {
                return self.heard;
            }
            if Instant::now() > patient {
                panic!("waited for {what}; the screen shows\n{}", self.screen());
            }
            self.next_frame(what);
        }
    }

    /// Takes what still follows at once from the last key.
    fn settle(&mut self) {
        while self.frame(Duration::from_millis(5)).is_some() {}
    }

    /// Until only the clock has changed for so long.
    fn quiet(&mut self, span: Duration) {
        let below = |screen: String| screen.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let patient = Instant::now() + PATIENCE;
        let mut known = below(self.screen());
        let mut since = Instant::now();
        while since.elapsed() < span && Instant::now() < patient {
            self.frame(Duration::from_millis(50));
            let now = below(self.screen());
            if now != known {
                known = now;
                since = Instant::now();
            }
        }
    }

    /// Frames and bytes that come in `span`, and every screen they made.
    fn watch(&mut self, span: Duration) -> (usize, usize, Vec<String>) {
        let until = Instant::now() + span;
        let (mut bytes, mut screens) = (0, Vec::new());
        while let Some(frame) = self.frame(until.saturating_duration_since(Instant::now())) {
            bytes += frame.bytes;
            screens.push(self.screen());
        }
        (screens.len(), bytes, screens)
    }

    fn process(&self) -> Option<Process> {
        Process::look(self.terminal.child.process_id()?)
    }

    fn quit(mut self) {
        self.press(b"q");
        let patient = Instant::now() + Duration::from_secs(5);
        while Instant::now() < patient {
            // Draining lets it write its last bytes.
            let _ = self.terminal.chunks.recv_timeout(Duration::from_millis(10));
            if matches!(self.terminal.child.try_wait(), Ok(Some(_))) {
                return;
            }
        }
        println!("the cockpit did not leave at q");
        self.terminal.end();
    }
}

/// What Linux says about a process.
struct Process {
    resident_kb: u64,
    highest_kb: u64,
    /// Seconds of a core so far.
    busy: f64,
}

impl Process {
    fn look(pid: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; user and system time are the 12th and 13th after it.
        let after = stat.rsplit_once(')')?.1;
        let ticks: Vec<f64> =
            after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
        Some(Self {
            resident_kb: field("VmRSS:")?,
            highest_kb: field("VmHWM:")?,
            busy: ticks.iter().sum::<f64>() / ticks_per_second(),
        })
    }
}

fn ticks_per_second() -> f64 {
    let asked = std::process::Command::new("getconf").arg("CLK_TCK").output().ok();
    asked.and_then(|said| String::from_utf8_lossy(&said.stdout).trim().parse().ok()).unwrap_or(100.0)
}

struct Spread {
    p50: Duration,
    p99: Duration,
    worst: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        Self { p50: at(0.5), p99: at(0.99), worst: at(1.0) }
    }
}

trait Meets {
    fn meets(self, target: Duration) -> Option<bool>;
}

impl Meets for Duration {
    fn meets(self, target: Duration) -> Option<bool> {
        Some(self <= target)
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn row(what: &str, value: String, target: &str, met: Option<bool>) {
    let verdict = match met {
        Some(true) => "pass",
        Some(false) => "MISS",
        None => "",
    };
    println!("{what:<48} {value:>14}   {target:>8}   {verdict}");
}

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("cockpit-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder on the disk of the build")
}
