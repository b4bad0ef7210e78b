//! The one way to tastytrade's REST: pace, deadlines, sizes, retries of reads, and what an error answer says.
//!
//! Never: follows a redirect, sends a token anywhere but to the configured host, retries anything but a read.

use std::num::NonZeroU32;
use std::sync::Once;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::Utc;
use governor::{DefaultDirectRateLimiter, Quota};
use reqwest::header::{AUTHORIZATION, DATE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::auth::{Auth, Bearer};
use super::clock::BrokerClock;
use super::config::{Addresses, Environment, TastytradeConfig};
use super::scrub::scrubbed;
use super::wire::{Envelope, Many, Page, Refusal};
use crate::broker::BrokerError;
use crate::broker::error::Grade;

pub(super) const LARGEST_ANSWER_MIB: usize = 32;
const RETRIES_AFTER_THE_FIRST: usize = 2;
/// Before the second try; doubled before the third, and as much again at random.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// A longer wait is told to the caller instead of being slept through.
const LONGEST_RETRY_AFTER_SECONDS: u64 = 30;

/// Requests without anyone's authorisation: what `Auth` renews its token through.
pub(super) struct Transport {
    client: reqwest::Client,
    base: Url,
    pace: DefaultDirectRateLimiter,
    pub clock: BrokerClock,
    request_deadline: Duration,
}

/// Authorised reads.
pub(super) struct Http {
    pub transport: Transport,
    pub auth: Auth,
}

/// What came back, read to its end.
pub(super) struct Answer {
    pub status: StatusCode,
    retry_after_seconds: Option<u64>,
    body: Vec<u8>,
}

/// The process's TLS provider; whoever installs first wins, and there is only one in this program.
pub(super) fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was already installed");
        }
    });
}

/// What reads and orders have in common: who we are, nothing that leads elsewhere, nothing sent twice.
pub(super) fn client_builder(config: &TastytradeConfig) -> Result<reqwest::ClientBuilder, BrokerError> {
    install_tls();
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(version) = &config.accept_version {
        let value = HeaderValue::from_str(version).map_err(|_| BrokerError::BadAddress {
            what: "the API version",
            why: "it is a date, YYYYMMDD".into(),
        })?;
        headers.insert(HeaderName::from_static("accept-version"), value);
    }
    Ok(reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .default_headers(headers)
        .connect_timeout(config.timeouts.connect)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy())
}

impl Transport {
    pub fn new(config: &TastytradeConfig, addresses: &Addresses) -> Result<Self, BrokerError> {
        let client = client_builder(config)?.timeout(config.timeouts.request).build().map_err(|error| {
            BrokerError::BadAddress { what: "the REST client", why: scrubbed(&chain(&error.without_url())) }
        })?;
        let base = addresses.rest.clone();
        let pace = DefaultDirectRateLimiter::direct(pace_of(addresses.environment));
        let clock = BrokerClock::new(addresses.environment);
        Ok(Self { client, base, pace, clock, request_deadline: config.timeouts.request })
    }

    /// Path segments are encoded one by one, so a slash or a space inside a symbol stays inside it.
    pub fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    pub fn post(&self, path: &[&str]) -> RequestBuilder {
        self.client.post(self.url(path, &[]))
    }

    pub async fn exchange(
        &self,
        endpoint: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, BrokerError> {
        self.pace.until_ready().await;
        let sent = Utc::now();
        let mut response = request.send().await.map_err(|error| self.network(error))?;
        if let Some(date) = response.headers().get(DATE).and_then(|v| v.to_str().ok()) {
            self.clock.observe(date, sent, Utc::now());
        }
        let status = response.status();
        let retry_after_seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok());
        let limit = LARGEST_ANSWER_MIB * 1024 * 1024;
        let too_large = || BrokerError::TooLarge { endpoint: endpoint.into(), limit_mib: LARGEST_ANSWER_MIB };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.network(error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after_seconds, body })
    }

    /// One request more in the pace of all, without waiting for its turn.
    pub fn count(&self) {
        // A pace that is used up makes the reads wait, which is all that is asked of it.
        let _ = self.pace.check();
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or("the broker").to_owned()
    }

    fn network(&self, error: reqwest::Error) -> BrokerError {
        self.network_within(self.request_deadline, error)
    }

    /// What went wrong with a request that had so much time.
    pub fn network_within(&self, deadline: Duration, error: reqwest::Error) -> BrokerError {
        if error.is_timeout() {
            return BrokerError::TimedOut { host: self.host(), seconds: deadline.as_secs() };
        }
        BrokerError::Unreachable { host: self.host(), why: scrubbed(&chain(&error.without_url())) }
    }
}

impl Http {
    pub fn new(transport: Transport, auth: Auth) -> Self {
        Self { transport, auth }
    }

    /// Reads `data` of one endpoint. `endpoint` names it in messages, without account numbers.
    pub async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, BrokerError> {
        self.read(endpoint, path, query).await?.data(endpoint)
    }

    /// One page of a list, and how many pages there are where the broker says so.
    pub async fn get_page<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(Many<T>, Option<u32>), BrokerError> {
        let page: Page<T> = self.read(endpoint, path, query).await?.json(endpoint)?;
        let list = page.data.ok_or_else(|| no_data(endpoint))?;
        Ok((list.items, page.pagination.and_then(|pagination| pagination.total_pages.u32())))
    }

    async fn read(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer, BrokerError> {
        let url = self.transport.url(path, query);
        (|| self.get_once(endpoint, url.clone()))
            .retry(
                ExponentialBuilder::default()
                    .with_min_delay(FIRST_PAUSE)
                    .with_jitter()
                    .with_max_times(RETRIES_AFTER_THE_FIRST),
            )
            .when(|error| error.grade() == Grade::Retry)
            .adjust(|error, delay| match error {
                BrokerError::RateLimited { retry_after_seconds: Some(seconds) } => {
                    let wanted = Duration::from_secs(*seconds);
                    delay.filter(|_| *seconds <= LONGEST_RETRY_AFTER_SECONDS).map(|delay| delay.max(wanted))
                }
                _ => delay,
            })
            .await
    }

    /// One read; a 401 renews the token and repeats it once.
    async fn get_once(&self, endpoint: &'static str, url: Url) -> Result<Answer, BrokerError> {
        let bearer = self.auth.bearer(&self.transport).await?;
        let answer = self.authorised(endpoint, url.clone(), &bearer).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            self.auth.accepted();
            return answer.accepted(endpoint);
        }
        let renewed = self.auth.renewed_after(&bearer, &self.transport).await?;
        let answer = self.authorised(endpoint, url, &renewed).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.auth.refused_with_a_new_token().await;
        } else {
            self.auth.accepted();
        }
        answer.accepted(endpoint)
    }

    async fn authorised(
        &self,
        endpoint: &'static str,
        url: Url,
        bearer: &Bearer,
    ) -> Result<Answer, BrokerError> {
        let mut value = HeaderValue::from_str(bearer.header().expose_secret()).map_err(|_| {
            BrokerError::Unreadable { endpoint: "/oauth/token".into(), why: "the token is not text".into() }
        })?;
        value.set_sensitive(true);
        let request = self.transport.client.get(url).header(AUTHORIZATION, value);
        self.transport.exchange(endpoint, request).await
    }
}

impl Answer {
    /// Success, or the typed error behind the status.
    pub fn accepted(self, endpoint: &'static str) -> Result<Self, BrokerError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let status = self.status.as_u16();
        let message = self.refusal_text();
        Err(match status {
            401 => BrokerError::Unauthorised { status, message },
            403 => BrokerError::Forbidden { message },
            404 => BrokerError::NotFound { what: format!("{endpoint}: {message}") },
            429 => BrokerError::RateLimited { retry_after_seconds: self.retry_after_seconds },
            500..=599 => BrokerError::Server { status, message },
            300..=399 => {
                BrokerError::Rejected { status, message: format!("{endpoint} redirects; not followed") }
            }
            _ => BrokerError::Rejected { status, message },
        })
    }

    /// What the error answer says, whether it is the broker's envelope, OAuth's or a gateway's page.
    pub fn refusal_text(&self) -> String {
        self.refusal_without(&[])
    }

    /// The same where the request carried secrets: an answer that repeats them is told without them.
    pub fn refusal_without(&self, secrets: &[&SecretString]) -> String {
        match serde_json::from_slice::<Refusal>(&self.body) {
            Ok(refusal) => {
                let mut words = refusal.words();
                for secret in secrets.iter().map(|s| s.expose_secret()).filter(|s| !s.is_empty()) {
                    words = words.replace(secret, "***");
                }
                scrubbed(&words)
            }
            Err(_) if self.body.is_empty() => "no explanation".into(),
            Err(_) => "the answer is not JSON".into(),
        }
    }

    pub fn json<T: DeserializeOwned>(&self, endpoint: &'static str) -> Result<T, BrokerError> {
        serde_json::from_slice(&self.body).map_err(|error| BrokerError::Unreadable {
            endpoint: endpoint.into(),
            // serde's own words quote values; the place is enough to find the field.
            why: format!("{:?} at line {} column {}", error.classify(), error.line(), error.column()),
        })
    }

    fn data<T: DeserializeOwned>(&self, endpoint: &'static str) -> Result<T, BrokerError> {
        let envelope: Envelope<T> = self.json(endpoint)?;
        envelope.data.ok_or_else(|| no_data(endpoint))
    }
}

fn no_data(endpoint: &'static str) -> BrokerError {
    BrokerError::Unreadable { endpoint: endpoint.into(), why: "it carries no data".into() }
}

/// Two a second with a burst of ten; a simulator on this machine need not be spared.
fn pace_of(environment: Environment) -> Quota {
    let (steady, burst) = match environment {
        Environment::Production | Environment::Sandbox => (2, 10),
        Environment::Loopback => (200, 200),
    };
    let whole = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(whole(steady)).allow_burst(whole(burst))
}

/// An error with what it was caused by.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
