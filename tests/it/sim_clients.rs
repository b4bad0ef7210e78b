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

fn run(python: &str, connection: &str) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/tastytrade_sdk.py");
    let mut client = Command::new(python);
    client.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().expect("the interpreter starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(format!("{connection}\n").as_bytes()).expect("the script reads");
    drop(input);
    child.wait_with_output().expect("an end")
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
    let output = tokio::task::spawn_blocking(move || run(&python, &connection)).await.expect("no panic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
