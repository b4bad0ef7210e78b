//! What reaches the log file, at its most talkative: no secret, no token, no account number.

use std::io::Write;
use std::sync::{Arc, Mutex};

use cotrader::broker::Broker;
use cotrader::market::update::Link;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::fake::{Canned, SECRET};
use super::peer::{Peers, want};

const NUMBER: &str = "5WX00042";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics while holding it").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// One thread, so that the subscriber of the thread hears everything, the spawned stream included.
#[tokio::test]
async fn nothing_secret_is_logged_when_everything_goes_wrong() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_env_filter("cotrader=trace")
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let mut peers = Peers::start().await;
    let grumble = format!(r#"{{"error":{{"message":"{NUMBER} {SECRET} Bearer first"}}}}"#);
    peers.rest.script.on(&format!("/accounts/{NUMBER}/positions"), [Canned::status(403, &grumble)]);
    peers.rest.script.on(&format!("/accounts/{NUMBER}/balances/USD"), [Canned::status(422, &grumble)]);
    let report = peers.rest.adapter().accounts().await.expect("a report");
    assert_eq!(report.accounts[0].positions, None);

    let mut running = peers.run(want(&["SPY"]), |_| {});
    let (mut market, _) = peers.market_up().await;
    market.send(json!({"type": "ERROR", "channel": 1, "error": "BAD_ACTION", "message": grumble})).await;
    market.send(json!({"type": "FEED_DATA", "channel": 1, "data": ["Quote", [NUMBER]]})).await;
    market.send(json!({"type": "ERROR", "channel": 0, "error": "TIMEOUT", "message": grumble})).await;
    let why = running.down(Link::MarketStream).await;
    let mut account = peers.account_up().await;
    account.send(json!({"status": "error", "action": "heartbeat", "message": grumble})).await;
    let why = why + &running.down(Link::AccountStream).await;

    let text =
        String::from_utf8(log.0.lock().expect("no test panics while holding it").clone()).expect("text");
    assert!(text.contains("could not be read") && text.contains("refused something"), "{text}");
    for secret in [NUMBER, SECRET, "quote-token"] {
        assert!(!text.contains(secret), "{secret} in {text}");
        assert!(!why.contains(secret), "{secret} in {why}");
    }
}
