//! Two streams, each with a session of its own that is asked for by REST, and what no stream brings.

use serde_json::Value;

use super::Tradier;
use super::wire::{self, Refusal, Session};
use crate::broker::BrokerError;
use crate::broker::link::Ended;
use crate::broker::scrub::scrubbed;

pub(super) mod account;
pub(super) mod market;
pub(super) mod polls;

/// A fresh session: it is to be used within five minutes (documentation.tradier.com, "Stream Market Events").
async fn session(adapter: &Tradier, of: Streams) -> Result<String, Ended> {
    let (endpoint, first) = match of {
        Streams::Market => ("/markets/events/session", "markets"),
        Streams::Account => ("/accounts/events/session", "accounts"),
    };
    let answer = adapter.http.ask(endpoint, &[first, "events", "session"], &[]).await?;
    let session: Option<Session> = wire::one(answer, "stream");
    let id = session.and_then(|session| session.sessionid.0).filter(|id| !id.is_empty());
    id.ok_or_else(|| {
        BrokerError::Unreadable { endpoint: endpoint.into(), why: "it carries no session".into() }.into()
    })
}

#[derive(Clone, Copy)]
enum Streams {
    Market,
    Account,
}

/// The JSON lines of one frame; several come in one, and what is none is counted.
pub(super) fn lines(text: &str) -> Vec<Result<Value, ()>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|_| ())).collect()
}

/// A stream refuses in a message of its own. A session that is over, or one too many, ends the connection.
pub(super) fn refused(message: &Value) -> Result<bool, Ended> {
    let Some(refusal) = Refusal::of(message) else { return Ok(false) };
    let words = scrubbed(&refusal.words());
    if words.to_ascii_lowercase().contains("session") {
        return Err(Ended::Lost(format!("refused: {words}")));
    }
    tracing::warn!(words, "a stream refused something");
    Ok(true)
}
