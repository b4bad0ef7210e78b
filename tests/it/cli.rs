//! The program as a shell runs it: a home of its own, nothing of this machine's environment.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_cotrader");
/// Nothing here takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A home with nothing in it.
pub struct Home {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder"), variables: Vec::new() }
    }

    /// With one more environment variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join(".config/cotrader")
    }

    /// The demo's store, which is the default where nothing is configured.
    pub fn store(&self) -> PathBuf {
        self.path().join(".local/share/cotrader/demo")
    }

    fn environment(&self) -> Vec<(String, String)> {
        let fixed = [("TERM", "xterm-256color"), ("TZ", "UTC"), ("LANG", "C.UTF-8")];
        let mut all: Vec<(String, String)> =
            fixed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.push(("HOME".to_owned(), self.path().display().to_string()));
        all.extend(self.variables.iter().cloned());
        all
    }

    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(BINARY);
        command.args(args).env_clear().envs(self.environment()).current_dir(self.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.feed(args, "")
    }

    /// With this on standard input.
    pub fn feed(&self, args: &[&str], input: &str) -> Ran {
        let output = assert_cmd::Command::from_std(self.command(args))
            .write_stdin(input)
            .timeout(DEADLINE)
            .output()
            .expect("it runs");
        Ran::of(&output)
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts")
    }

    /// In a terminal of 160×50.
    pub fn in_terminal(&self, args: &[&str]) -> InTerminal {
        let size = PtySize { rows: 50, cols: 160, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(BINARY);
        command.args(args);
        command.env_clear();
        command.cwd(self.path());
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("it starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (shown, output) = std::sync::mpsc::channel();
        // A terminal always reads, or the program in it would stand still.
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                if shown.send(String::from_utf8_lossy(&chunk[..n]).into_owned()).is_err() {
                    break;
                }
            }
        });
        InTerminal { child, output, writer, seen: String::new(), _master: pair.master }
    }
}

/// What became of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{words:?} is not said: {self:#?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

/// A program in a terminal; killed when the test ends.
pub struct InTerminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    output: Receiver<String>,
    writer: Box<dyn Write + Send>,
    pub seen: String,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl InTerminal {
    /// Until `words` have been shown.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        while !self.seen.contains(words) {
            match self.output.recv_timeout(DEADLINE) {
                Ok(text) => self.seen.push_str(&text),
                Err(why) => panic!("{why} before {words:?} in {}", self.seen),
            }
        }
    }

    pub fn type_in(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).expect("typed");
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Its exit code, once all it wrote has been read.
    pub fn end(&mut self) -> u32 {
        let exit = self.child.wait().expect("gone").exit_code();
        while let Ok(text) = self.output.recv_timeout(DEADLINE) {
            self.seen.push_str(&text);
        }
        exit
    }
}

impl Drop for InTerminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A simulated broker in a process of its own.
pub struct Broker {
    child: Child,
    pub connection: Value,
}

impl Broker {
    pub fn start() -> Self {
        let home = Home::new();
        let mut child = home.spawn(&["sim", "--print-connection"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let connection = serde_json::from_str(&line).expect("a connection");
        Self { child, connection }
    }

    pub fn text(&self, key: &str) -> &str {
        self.connection[key].as_str().expect("text")
    }

    /// A home that is configured for this broker.
    pub fn home(&self) -> Home {
        Home::new()
            .with("COTRADER_BASE_URL", self.text("base_url"))
            .with("COTRADER_DXLINK_URL", self.text("dxlink_url"))
            .with("COTRADER_ACCOUNT_STREAM_URL", self.text("account_stream_url"))
            .with("TT_CLIENT_SECRET", self.text("client_secret"))
            .with("TT_REFRESH_TOKEN", self.text("refresh_token"))
    }

    pub fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end();
    }
}

/// A home whose broker is nowhere.
pub fn unreachable() -> Home {
    // Nobody listens on a port that was free a moment ago.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("known").port();
    Home::new()
        .with("COTRADER_BASE_URL", &format!("http://127.0.0.1:{port}"))
        .with("COTRADER_ACCOUNT_STREAM_URL", &format!("ws://127.0.0.1:{port}"))
        .with("TT_CLIENT_SECRET", "a-client-secret")
        .with("TT_REFRESH_TOKEN", "a-refresh-token")
}

const COMMANDS: [&str; 16] = [
    "demo",
    "sim",
    "init",
    "doctor",
    "health",
    "snapshot",
    "book",
    "account",
    "lookup",
    "log",
    "events",
    "verify",
    "rebuild",
    "backup",
    "completions",
    "man",
];

#[test]
fn every_command_explains_itself_and_refuses_what_it_does_not_know() {
    let home = Home::new();
    let overview = home.run(&["--help"]).expect(0);
    for command in COMMANDS {
        assert!(overview.out.contains(&format!("\n  {command} ")), "{command} is not in the overview");
        let help = home.run(&[command, "--help"]).expect(0);
        assert!(help.out.contains("Usage: cotrader"), "{}", help.out);
        // An option without a word about it is a riddle.
        for line in home.run(&[command, "-h"]).expect(0).out.lines() {
            let riddle = line.trim_start().starts_with("--") && !line.trim_end().contains("  ");
            let words_follow = line.trim_end().len() > 34;
            assert!(!riddle || words_follow || line.contains('<'), "{command}: {line}");
        }
        home.run(&[command, "--no-such-flag"]).expect(2).says("--no-such-flag");
    }
    home.run(&["no-such-command"]).expect(2).says("no-such-command");
    assert!(!home.path().join(".local").exists(), "help makes no store");
}

#[test]
fn without_a_terminal_the_cockpit_says_what_to_use() {
    Home::new().run(&[]).expect(2).says("snapshot --json");
}

#[test]
fn completions_and_manual_name_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.run(&["completions", shell]).expect(0).out.contains("snapshot"), "{shell}");
    }
    let manual = home.run(&["man"]).expect(0).out;
    assert!(manual.contains(".TH cotrader") && manual.contains("Exit codes"), "{manual}");
    home.run(&["completions", "tcsh-or-so"]).expect(2);
}

#[test]
fn a_broken_configuration_is_named_with_its_place_and_what_to_do() {
    let home = Home::new();
    home.run(&["--config", "nowhere", "verify"]).expect(1).says("no such folder").says("cotrader init");
    home.run(&["init", "--no-credentials"]).expect(0);

    let file = home.config().join("cotrader.yaml");
    std::fs::write(&file, "market:\n  benchmrk: SPY\n").expect("written");
    home.run(&["verify"])
        .expect(1)
        .says("cotrader.yaml:2:3: unknown key `benchmrk`")
        .says("did you mean `benchmark`?");
    std::fs::write(&file, "market: [unclosed\n").expect("written");
    home.run(&["events"]).expect(1).says("cotrader.yaml:").says("not valid YAML");
    std::fs::remove_file(&file).expect("removed");

    let secrets = home.config().join(".env");
    std::fs::write(&secrets, "TT_CLIENT_SECRET=hush-hush\nTT_REFRESH_TOKEN=hush-too\n").expect("written");
    std::fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("opened");
    let refused = home.run(&["snapshot"]).expect(1).says("chmod 600").says("mode 0644");
    assert!(!refused.err.contains("hush"), "{}", refused.err);
}

#[test]
fn arguments_that_mean_nothing_exit_2() {
    let home = Home::new();
    home.run(&["--speed", "0", "snapshot"]).expect(2).says("not a pace");
    home.run(&["--history", "x.csv", "snapshot"]).expect(2).says("--market");
    home.run(&["--as-of", "yesterday", "snapshot"]).expect(2).says("not an instant");
    home.run(&["events", "--since", "soon"]).expect(2).says("not an instant");
    home.run(&["snapshot", "--width", "3"]).expect(2);
    home.run(&["--market", "nowhere.csv", "snapshot"]).expect(1).says("nowhere.csv");
}
