//! Clients of the real broker, as published, against the simulated one; only where they are installed.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::sim::sim;

/// The interpreter that has the SDK: named by `COTRADER_SDK_PYTHON`, or the one in the path.
fn python() -> Option<String> {
    let name = std::env::var("COTRADER_SDK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut probe = Command::new(&name);
    probe.args(["-c", "import tastytrade.dxfeed"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success()).then_some(name)
}

fn run(mut client: Command, connection: &str) -> Output {
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().expect("the interpreter starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(format!("{connection}\n").as_bytes()).expect("the script reads");
    drop(input);
    child.wait_with_output().expect("an end")
}

fn script(name: &str) -> String {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn the_python_sdk_trades_here_as_at_the_real_broker() {
    let Some(python) = python() else {
        #[expect(clippy::print_stdout, reason = "says why nothing was tested")]
        {
            println!("skipped: the Python package `tastytrade` is not installed");
        }
        return;
    };
    let sim = sim().await;
    let connection = serde_json::to_string(sim.connection()).expect("json");
    let mut client = Command::new(python);
    client.arg(script("tastytrade_sdk.py"));
    let output = tokio::task::spawn_blocking(move || run(client, &connection)).await.expect("no panic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Node with a websocket, and the folder whose `node_modules` has the packages: named by `COTRADER_DXLINK_MODULES`,
/// or the one of the script. Older versions of Node want to be asked for the websocket.
fn node() -> Option<Command> {
    let folder = std::env::var("COTRADER_DXLINK_MODULES").unwrap_or_else(|_| script(""));
    let probe = "if (typeof WebSocket !== 'function') process.exit(1);
        const from = require('node:module').createRequire(require('node:path').resolve(process.argv[1], 'package.json'));
        for (const name of ['core', 'websocket-client', 'feed']) from('@dxfeed/dxlink-' + name);";
    let flags: [&[&str]; 2] = [&[], &["--experimental-websocket"]];
    flags.into_iter().find_map(|flags| {
        let mut found = Command::new("node");
        found.args(flags).args(["-e", probe, &folder]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut client = Command::new("node");
        client.args(flags).arg(script("dxlink.cjs")).arg(&folder);
        found.status().is_ok_and(|status| status.success()).then_some(client)
    })
}

#[tokio::test]
async fn the_official_dxlink_client_opens_a_feed_and_reads_compact_data() {
    let Some(client) = node() else {
        #[expect(clippy::print_stdout, reason = "says why nothing was tested")]
        {
            println!("skipped: Node or the packages `@dxfeed/dxlink-*` are not installed");
        }
        return;
    };
    let sim = sim().await;
    let connection = serde_json::to_string(sim.connection()).expect("json");
    let output = tokio::task::spawn_blocking(move || run(client, &connection)).await.expect("no panic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
