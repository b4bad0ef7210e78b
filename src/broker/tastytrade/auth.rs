//! The access token: one at a time, renewed before it ends, and no knocking on a closed door.
//!
//! Never: lets a secret into an error, a log line or a `Debug` text.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::http::{refusal_text, refusal_without};
use super::wire::TokenAnswer;
use crate::broker::BrokerError;
use crate::broker::error::Grade;
use crate::broker::transport::Transport;

const ENDPOINT: &str = "/oauth/token";
/// The broker blocks an address for hours after too many failed logins.
const FAILURES_ALLOWED: u32 = 3;
/// What the broker documents where the answer does not say.
const USUAL_LIFE: Duration = Duration::from_secs(900);
/// What a token must have left for a request that is not repeated. A 401 is then the broker's answer to the
/// request, not to an old token.
const LASTING: Duration = Duration::from_secs(60);

/// The personal OAuth grant of one user.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub client_secret: SecretString,
    pub refresh_token: SecretString,
}

/// An access token and which one it was, counted from the first.
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    token: SecretString,
    generation: u64,
}

impl Bearer {
    /// The value of the `Authorization` header, and of the account stream's `auth-token`.
    pub fn header(&self) -> SecretString {
        SecretString::from(format!("Bearer {}", self.token.expose_secret()))
    }
}

/// Holding the lock across the exchange is the point: all others wait for the one renewal.
pub(super) struct Auth {
    state: Mutex<State>,
    /// Refusals in a row: of the credentials, or of tokens fresh from the broker.
    failures: AtomicU32,
}

struct State {
    credentials: Credentials,
    current: Option<Current>,
    generation: u64,
    refusal: Option<BrokerError>,
}

struct Current {
    bearer: Bearer,
    renew_at: Instant,
    ends_at: Instant,
}

impl Auth {
    pub fn new(credentials: Credentials) -> Self {
        let state = State { credentials, current: None, generation: 0, refusal: None };
        Self { state: Mutex::new(state), failures: AtomicU32::new(0) }
    }

    /// A token that is good now.
    pub async fn bearer(&self, transport: &Transport) -> Result<Bearer, BrokerError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let usable = match &state.current {
            Some(current) if now < current.renew_at => return Ok(current.bearer.clone()),
            Some(current) if now < current.ends_at => Some(current.bearer.clone()),
            _ => None,
        };
        match (state.renew(transport, &self.failures).await, usable) {
            // The old one lives for another third of its life: a network failure can wait.
            (Err(error), Some(old)) if error.grade() == Grade::Retry => Ok(old),
            (result, _) => result,
        }
    }

    /// A token that does not end under way: for requests that are made once. Renewed first where less than a
    /// minute of it is left.
    pub async fn lasting_bearer(&self, transport: &Transport) -> Result<Bearer, BrokerError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let lasting = state
            .current
            .as_ref()
            .filter(|current| current.ends_at.saturating_duration_since(now) >= LASTING)
            .map(|current| (current.bearer.clone(), now < current.renew_at));
        let old = match lasting {
            Some((bearer, true)) => return Ok(bearer),
            Some((bearer, false)) => Some(bearer),
            None => None,
        };
        match (state.renew(transport, &self.failures).await, old) {
            (Err(error), Some(old)) if error.grade() == Grade::Retry => Ok(old),
            (result, _) => result,
        }
    }

    /// The broker refused this token: the next request takes a new one.
    pub async fn discard(&self, refused: &Bearer) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|current| current.bearer.generation == refused.generation) {
            state.current = None;
        }
    }

    /// The token after `used` was refused: the current one where somebody else has renewed meanwhile.
    pub async fn renewed_after(&self, used: &Bearer, transport: &Transport) -> Result<Bearer, BrokerError> {
        let mut state = self.state.lock().await;
        match &state.current {
            Some(current) if current.bearer.generation > used.generation => Ok(current.bearer.clone()),
            _ => state.renew(transport, &self.failures).await,
        }
    }

    /// A token fresh from the broker was refused: counts like a failed login.
    pub async fn refused_with_a_new_token(&self) {
        let mut state = self.state.lock().await;
        state.failed(
            &self.failures,
            BrokerError::Unauthorised { status: 401, message: "a new token was refused".into() },
        );
    }

    /// The broker has taken a token.
    pub fn accepted(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// The trader asks to try again: one more attempt, not three.
    pub async fn allow_one_more(&self) {
        let mut state = self.state.lock().await;
        if state.refusal.take().is_some() {
            self.failures.store(FAILURES_ALLOWED - 1, Ordering::Relaxed);
        }
    }
}

impl State {
    async fn renew(&mut self, transport: &Transport, failures: &AtomicU32) -> Result<Bearer, BrokerError> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let body = serde_json::json!({
            "grant_type": "refresh_token",
            "refresh_token": self.credentials.refresh_token.expose_secret(),
            "client_secret": self.credentials.client_secret.expose_secret(),
        });
        let answer = transport.exchange(ENDPOINT, transport.post(&["oauth", "token"]).json(&body)).await?;
        if matches!(answer.status.as_u16(), 400 | 401 | 403) {
            let error = BrokerError::Unauthorised {
                status: answer.status.as_u16(),
                message: refusal_without(
                    &answer.body,
                    &[&self.credentials.client_secret, &self.credentials.refresh_token],
                ),
            };
            self.failed(failures, error.clone());
            return Err(error);
        }
        let granted: TokenAnswer = answer.accepted(ENDPOINT, refusal_text)?.json(ENDPOINT)?;
        let Some(token) = granted.access_token.0 else {
            return Err(BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "no access token".into() });
        };
        if let Some(rotated) = granted.refresh_token.0 {
            self.credentials.refresh_token = rotated;
        }
        self.generation += 1;
        let life = granted.expires_in.seconds().unwrap_or(USUAL_LIFE);
        let now = Instant::now();
        let bearer = Bearer { token, generation: self.generation };
        // Two thirds: ten minutes of the usual fifteen.
        self.current =
            Some(Current { bearer: bearer.clone(), renew_at: now + life * 2 / 3, ends_at: now + life });
        self.refusal = None;
        Ok(bearer)
    }

    fn failed(&mut self, failures: &AtomicU32, error: BrokerError) {
        let failures = failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES_ALLOWED {
            tracing::warn!(failures, "the broker keeps refusing the credentials; stopped");
            self.refusal = Some(error);
        }
    }
}
