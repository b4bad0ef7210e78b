//! The token endpoint and the ledger of tokens given out.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::server::Shared;

const TOKENS_KEPT: usize = 256;

/// Tokens and when they end; the oldest goes when there are too many.
#[derive(Debug, Default)]
pub struct Ledger(Vec<(String, Instant)>);

impl Ledger {
    pub fn issue(&mut self, prefix: &str, life: Duration, now: Instant) -> String {
        let token = format!("{prefix}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.0.retain(|(_, end)| *end > now);
        if self.0.len() >= TOKENS_KEPT {
            self.0.remove(0);
        }
        self.0.push((token.clone(), now + life));
        token
    }

    /// Nothing that was given out is good any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn is_valid(&self, token: &str, now: Instant) -> bool {
        self.0.iter().any(|(known, end)| known == token && *end > now)
    }
}

#[derive(Debug, Default, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    refresh_token: Option<String>,
    client_secret: Option<String>,
}

fn parse(body: &[u8]) -> Option<TokenRequest> {
    let text = std::str::from_utf8(body).ok()?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    let mut request = TokenRequest::default();
    for (key, value) in url::form_urlencoded::parse(text.as_bytes()).take(50) {
        let slot = match key.as_ref() {
            "grant_type" => &mut request.grant_type,
            "refresh_token" => &mut request.refresh_token,
            "client_secret" => &mut request.client_secret,
            _ => continue,
        };
        *slot = Some(value.into_owned());
    }
    Some(request)
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}

pub async fn token(State(shared): State<Shared>, body: Bytes) -> Response {
    let Some(request) = parse(&body) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "The request body is malformed");
    };
    match request.grant_type.as_deref() {
        Some("refresh_token") => {}
        Some(_) => {
            return refused(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "The grant type is not supported",
            );
        }
        None => return refused(StatusCode::BAD_REQUEST, "invalid_request", "grant_type is missing"),
    }
    if request.client_secret.as_deref() != Some(shared.connection.client_secret.as_str()) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed");
    }
    if request.refresh_token.as_deref() != Some(shared.connection.refresh_token.as_str()) {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant", "The refresh token is invalid");
    }
    let life = shared.access_token_seconds;
    let token = shared
        .with_access_tokens(|ledger| ledger.issue("sim-access-", Duration::from_secs(life), Instant::now()));
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": life })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        let token = ledger.issue("t-", Duration::from_secs(10), now);
        assert!(ledger.is_valid(&token, now) && !ledger.is_valid("t-other", now));
        assert!(!ledger.is_valid(&token, now + Duration::from_secs(11)));
    }

    #[test]
    fn both_body_forms_are_read() {
        let json = parse(br#"{"grant_type":"refresh_token","client_secret":"a"}"#).expect("json");
        assert_eq!(json.client_secret.as_deref(), Some("a"));
        let form = parse(b"grant_type=refresh_token&client_secret=a%20b").expect("form");
        assert_eq!(form.client_secret.as_deref(), Some("a b"));
        assert!(parse(b"{nonsense").is_none());
    }
}
