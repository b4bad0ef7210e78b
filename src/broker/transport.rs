//! The one way to a broker's REST: pace, deadlines, sizes, repeats of reads, and what a status means.
//!
//! Never: follows a redirect, sends anything anywhere but to the configured host, repeats anything but a read.

use std::future::Future;
use std::sync::Once;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::Utc;
use governor::{DefaultDirectRateLimiter, Quota};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::BrokerError;
use super::clock::{BrokerClock, Pace};
use super::error::Grade;
use super::scrub::scrubbed;
use super::settings::{Environment, Timeouts};
use crate::domain::Timestamp;

pub(super) const LARGEST_ANSWER_MIB: usize = 32;
/// Objects and lists of one answer, and values: three bytes can become hundreds in memory. The longest list of
/// contracts has a tenth of it.
const MOST_OBJECTS: usize = 400_000;
const MOST_VALUES: usize = 6_000_000;
const RETRIES_AFTER_THE_FIRST: usize = 2;
/// Before the second try; doubled before the third, and as much again at random.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// A longer wait is told to the caller instead of being slept through.
const LONGEST_RETRY_AFTER_SECONDS: u64 = 30;

/// Who we say we are, and how long we wait.
pub(super) struct Caller<'a> {
    pub user_agent: &'a str,
    /// Sent with every request.
    pub headers: HeaderMap,
    pub timeouts: Timeouts,
}

/// Requests to one host. Authorisation is the adapter's.
pub(super) struct Transport {
    pub client: reqwest::Client,
    base: Url,
    pace: DefaultDirectRateLimiter,
    pub clock: BrokerClock,
    request_deadline: Duration,
}

/// What came back, read to its end.
pub(super) struct Answer {
    pub status: StatusCode,
    retry_after_seconds: Option<u64>,
    pub body: Vec<u8>,
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
pub(super) fn client_builder(caller: &Caller<'_>) -> reqwest::ClientBuilder {
    install_tls();
    reqwest::Client::builder()
        .user_agent(caller.user_agent)
        .default_headers(caller.headers.clone())
        .connect_timeout(caller.timeouts.connect)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
}

impl Transport {
    pub fn new(
        caller: &Caller<'_>,
        base: Url,
        environment: Environment,
        pace: Quota,
    ) -> Result<Self, BrokerError> {
        let request_deadline = caller.timeouts.request;
        let client = client_builder(caller).timeout(request_deadline).build().map_err(|error| {
            BrokerError::BadAddress { what: "the REST client", why: scrubbed(&chain(&error.without_url())) }
        })?;
        let pace = DefaultDirectRateLimiter::direct(pace);
        Ok(Self { client, base, pace, clock: BrokerClock::new(environment), request_deadline })
    }

    /// Our own time goes at this pace.
    pub fn paced(self, pace: Pace) -> Self {
        Self { clock: self.clock.paced(pace), ..self }
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
        let sent = self.clock.own();
        let mut response = request.send().await.map_err(|error| self.network(error))?;
        if let Some(date) = response.headers().get(DATE).and_then(|v| v.to_str().ok()) {
            self.clock.observe(date, sent, self.clock.own());
        }
        let status = response.status();
        let retry_after_seconds = retry_after(response.headers(), Utc::now());
        let limit = LARGEST_ANSWER_MIB * 1024 * 1024;
        let too_large = || BrokerError::TooLarge { endpoint: endpoint.into(), limit_mib: LARGEST_ANSWER_MIB };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.network(error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        if is_crowded(&body) {
            let why = "it holds more values than any answer does".into();
            return Err(BrokerError::Unreadable { endpoint: endpoint.into(), why });
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

impl Answer {
    /// Success, or the typed error behind the status. `words` tells what the body says of it.
    pub fn accepted(
        self,
        endpoint: &'static str,
        words: impl FnOnce(&[u8]) -> String,
    ) -> Result<Self, BrokerError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let status = self.status.as_u16();
        let message = words(&self.body);
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

    pub fn json<T: DeserializeOwned>(&self, endpoint: &'static str) -> Result<T, BrokerError> {
        serde_json::from_slice(&self.body).map_err(|error| BrokerError::Unreadable {
            endpoint: endpoint.into(),
            // serde's own words quote values; the place is enough to find the field.
            why: format!("{:?} at line {} column {}", error.classify(), error.line(), error.column()),
        })
    }
}

/// Whether a JSON text would take far more memory than it has bytes. Counts what stands inside texts, too: there it
/// is rare.
pub(super) fn is_crowded(body: &[u8]) -> bool {
    let (mut objects, mut values) = (0, 0);
    for byte in body {
        objects += usize::from(matches!(byte, b'{' | b'['));
        values += usize::from(*byte == b',');
    }
    objects > MOST_OBJECTS || values > MOST_VALUES
}

/// A read, and what may pass by itself tried again twice.
pub(super) async fn retried<T, F: Future<Output = Result<T, BrokerError>>>(
    read: impl FnMut() -> F,
) -> Result<T, BrokerError> {
    read.retry(
        ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_jitter()
            .with_max_times(RETRIES_AFTER_THE_FIRST),
    )
    .when(|error: &BrokerError| error.grade() == Grade::Retry)
    .adjust(|error, delay| match error {
        BrokerError::RateLimited { retry_after_seconds: Some(seconds) } => {
            let wanted = Duration::from_secs(*seconds);
            delay.filter(|_| *seconds <= LONGEST_RETRY_AFTER_SECONDS).map(|delay| delay.max(wanted))
        }
        _ => delay,
    })
    .await
}

/// When to ask again: the standard header's seconds, or the instant at which a counted minute ends.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let number = |name: &str| -> Option<i64> { headers.get(name)?.to_str().ok()?.trim().parse().ok() };
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return u64::try_from(seconds).ok();
    }
    let milliseconds = number("x-ratelimit-expiry")?.checked_sub(now.timestamp_millis())?;
    // A minute is what is counted: what claims more counts on another clock.
    u64::try_from(milliseconds).ok().map(|wait| wait.div_ceil(1_000)).filter(|seconds| *seconds <= 60)
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

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_short_text_of_many_values_is_not_unfolded() {
        assert!(is_crowded(&b"{},".repeat(MOST_OBJECTS + 1)) && is_crowded(&b"[".repeat(MOST_OBJECTS + 1)));
        assert!(is_crowded(&b"1,".repeat(MOST_VALUES + 1)));
        assert!(!is_crowded(&b"{\"symbol\":\"SPY   261218C00640000\",\"n\":1},".repeat(60_000)));
    }

    #[test]
    fn the_wait_is_told_in_seconds_or_as_the_end_of_the_counted_minute() {
        let now = chrono::DateTime::from_timestamp_millis(1_795_187_040_000).expect("an instant");
        let after = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
            retry_after(&headers, now)
        };
        assert_eq!(after("retry-after", "7"), Some(7));
        assert_eq!(after("x-ratelimit-expiry", "1795187041500"), Some(2));
        for (name, value) in [
            ("retry-after", "soon"),
            ("retry-after", "-1"),
            ("x-ratelimit-expiry", "1795187039999"),
            ("x-ratelimit-expiry", "1795190000000"),
            ("x-ratelimit-available", "3"),
        ] {
            assert_eq!(after(name, value), None, "{name}: {value}");
        }
    }
}
