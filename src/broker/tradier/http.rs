//! Tradier's REST: authorised reads, and what an error answer says.
//!
//! Never: sends the token anywhere but to the configured host, repeats anything but a read, knocks for ever on a
//! closed door.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::Quota;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::config::{Addresses, TradierConfig};
use super::wire::{self, Refusal};
use crate::broker::BrokerError;
use crate::broker::answered::Body;
use crate::broker::fields::Many;
use crate::broker::scrub::scrubbed;
use crate::broker::send_once::{Request, SendOnce, Sent};
use crate::broker::settings::Environment;
use crate::broker::transport::{Answer, Caller, Transport, retried};

/// Refusals of the token in a row after which nothing is asked any more until the trader wishes it.
const REFUSALS_ALLOWED: u32 = 3;
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) struct Http {
    pub transport: Transport,
    token: SecretString,
    refusals: AtomicU32,
}

/// Without this header the answers are XML.
pub(super) fn caller(config: &TradierConfig) -> Caller<'_> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Caller { user_agent: &config.user_agent, headers, timeouts: config.timeouts }
}

impl Http {
    pub fn new(
        config: &TradierConfig,
        addresses: &Addresses,
        token: SecretString,
    ) -> Result<Self, BrokerError> {
        let environment = addresses.environment;
        let pace = pace_of(environment);
        let transport = Transport::new(&caller(config), addresses.rest.clone(), environment, pace)?;
        Ok(Self { transport, token, refusals: AtomicU32::new(0) })
    }

    /// One object of an answer, `{"outer": {…}}`. `endpoint` names it in messages, without account numbers.
    pub async fn one<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
        outer: &'static str,
    ) -> Result<T, BrokerError> {
        let answer = self.get(endpoint, path, query).await?;
        wire::one(answer, outer).ok_or_else(|| unreadable(endpoint, outer))
    }

    /// A list of an answer, `{"outer": {"inner": […]}}`, in all the shapes it comes in.
    pub async fn list<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
        names: (&'static str, &'static str),
    ) -> Result<Many<T>, BrokerError> {
        let answer = self.get(endpoint, path, query).await?;
        wire::list(answer, names).ok_or_else(|| unreadable(endpoint, names.0))
    }

    pub async fn get(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Value, BrokerError> {
        let url = self.transport.url(path, query);
        retried(|| self.read(endpoint, self.transport.client.get(url.clone()))).await
    }

    /// A read that is asked for by a form: a long list, or a session of a stream.
    pub async fn ask(
        &self,
        endpoint: &'static str,
        path: &[&str],
        form: &[(&str, String)],
    ) -> Result<Value, BrokerError> {
        retried(|| self.read(endpoint, self.transport.post(path).form(form))).await
    }

    async fn read(&self, endpoint: &'static str, request: RequestBuilder) -> Result<Value, BrokerError> {
        if self.refusals.load(Ordering::Relaxed) >= REFUSALS_ALLOWED {
            let message = "the token was refused before; nothing is asked with it any more".to_owned();
            return Err(BrokerError::Unauthorised { status: 401, message });
        }
        let request = request.header(AUTHORIZATION, self.authorization()?);
        let answer = self.transport.exchange(endpoint, request).await?;
        self.noted(answer.status);
        let value: Value = accepted(answer, endpoint)?.json(endpoint)?;
        // Whatever systems behind the API refuse comes with a 200 (documentation.tradier.com, "Error Responses").
        match Refusal::of(&value) {
            Some(refusal) => Err(BrokerError::Rejected { status: 200, message: scrubbed(&refusal.words()) }),
            None => Ok(value),
        }
    }

    /// The one request that changes something. The token does not end under way.
    pub async fn send(&self, once: &SendOnce, method: Method, path: &[&str], body: Option<Body>) -> Sent {
        let authorization = match self.authorization() {
            Ok(authorization) => authorization,
            Err(error) => return Sent::Unsent(error),
        };
        let url = self.transport.url(path, &[]);
        let body = body.map(|body| (FORM, body.0));
        let sent = once.send(&self.transport, Request { method, url, authorization, body }).await;
        if let Sent::Answered { status, .. } = &sent {
            self.noted(*status);
        }
        sent
    }

    /// The trader asks to try again: one more attempt, not three.
    pub fn allow_one_more(&self) {
        let allowed = |refusals: u32| Some(refusals.min(REFUSALS_ALLOWED - 1));
        let _ = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, allowed);
    }

    fn noted(&self, status: StatusCode) {
        if status == StatusCode::UNAUTHORIZED {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        } else {
            self.refusals.store(0, Ordering::Relaxed);
        }
    }

    fn authorization(&self) -> Result<HeaderValue, BrokerError> {
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| BrokerError::Unauthorised {
            status: 0,
            message: "the token has characters that no token has".into(),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn accepted(answer: Answer, endpoint: &'static str) -> Result<Answer, BrokerError> {
    answer.accepted(endpoint, refusal_text)
}

/// What an error answer says: the broker's list, the gateway's fault, bare words, or a page.
pub(super) fn refusal_text(body: &[u8]) -> String {
    let words = match serde_json::from_slice::<Value>(body) {
        Ok(value) => Refusal::of(&value).map(|refusal| scrubbed(&refusal.words())),
        Err(_) => std::str::from_utf8(body).ok().filter(|text| !text.contains('<')).map(scrubbed),
    };
    words.filter(|words| !words.is_empty()).unwrap_or_else(|| "no explanation".into())
}

fn unreadable(endpoint: &'static str, field: &'static str) -> BrokerError {
    BrokerError::Unreadable { endpoint: endpoint.into(), why: format!("it carries no {field}") }
}

/// All requests together stay within the smallest of the limits, which are counted by the minute and by kind of
/// endpoint: 120 in production and 60 in the sandbox (documentation.tradier.com, "Rate Limiting").
fn pace_of(environment: Environment) -> Quota {
    let (steady, burst) = match environment {
        Environment::Production => (100, 20),
        Environment::Sandbox => (45, 15),
        Environment::Loopback => (12_000, 200),
    };
    let whole = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(whole(steady)).allow_burst(whole(burst))
}
