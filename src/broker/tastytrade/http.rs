//! tastytrade's REST: authorised reads, the envelope around answers, and what an error answer says.
//!
//! Never: sends a token anywhere but to the configured host, repeats anything but a read.

use std::collections::HashSet;
use std::num::NonZeroU32;

use governor::Quota;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::auth::{Auth, Bearer};
use super::config::{Addresses, Environment, TastytradeConfig};
use super::wire::{Envelope, Many, Page, Refusal};
use crate::broker::BrokerError;
use crate::broker::answered::Body;
use crate::broker::scrub::scrubbed;
use crate::broker::send_once::{Request, SendOnce, Sent};
use crate::broker::transport::{Answer, Caller, Transport, retried};

/// As the broker gives them when nothing is said.
const PER_PAGE: u32 = 250;
/// Fifty thousand items; a list that would be longer has failed.
const MOST_PAGES: u32 = 200;

/// Authorised reads.
pub(super) struct Http {
    pub transport: Transport,
    pub auth: Auth,
}

/// Who we are to this broker.
pub(super) fn caller(config: &TastytradeConfig) -> Result<Caller<'_>, BrokerError> {
    let mut headers = HeaderMap::new();
    headers.insert(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(version) = &config.accept_version {
        let value = HeaderValue::from_str(version).map_err(|_| BrokerError::BadAddress {
            what: "the API version",
            why: "it is a date, YYYYMMDD".into(),
        })?;
        headers.insert(HeaderName::from_static("accept-version"), value);
    }
    Ok(Caller { user_agent: &config.user_agent, headers, timeouts: config.timeouts })
}

/// Requests without anyone's authorisation: what `Auth` renews its token through.
pub(super) fn transport(config: &TastytradeConfig, addresses: &Addresses) -> Result<Transport, BrokerError> {
    let environment = addresses.environment;
    let made = Transport::new(&caller(config)?, addresses.rest.clone(), environment, pace_of(environment))?;
    Ok(made.paced(config.clock_pace))
}

/// How long a list is, where the broker says.
pub struct Told {
    pub pages: Option<u32>,
    pub items: Option<u32>,
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
        data(&self.read(endpoint, path, query).await?, endpoint)
    }

    /// One page of a list, and how many pages there are where the broker says so.
    pub async fn get_page<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(Many<T>, Told), BrokerError> {
        let page: Page<T> = self.read(endpoint, path, query).await?.json(endpoint)?;
        let list = page.data.ok_or_else(|| no_data(endpoint))?;
        let told = page.pagination.unwrap_or_default();
        Ok((list.items, Told { pages: told.total_pages.u32(), items: told.total_items.u32() }))
    }

    /// Every page of a list, each item once: the whole list or an error. `key` tells items apart; one without a
    /// key cannot be read.
    pub async fn get_all<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
        key: impl Fn(&T) -> Option<String> + Send,
    ) -> Result<Vec<T>, BrokerError> {
        let mut found: Vec<T> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let (mut pages, mut total): (Option<u32>, Option<u32>) = (None, None);
        for page in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.push(("per-page", PER_PAGE.to_string()));
            query.push(("page-offset", page.to_string()));
            let answer: Page<T> = self.read(endpoint, path, &query).await?.json(endpoint)?;
            let list = answer.data.ok_or_else(|| no_data(endpoint))?.items;
            if list.bad > 0 {
                return Err(unreadable(endpoint, "an item of the list cannot be read"));
            }
            // What comes meanwhile lengthens the list; a page that says nothing of it leaves it as it was told.
            let told = answer.pagination.unwrap_or_default();
            pages = told.total_pages.u32().or(pages);
            total = told.total_items.u32().or(total);
            let before = found.len();
            for item in list.good {
                let key =
                    key(&item).ok_or_else(|| unreadable(endpoint, "an item of the list has no name"))?;
                if seen.insert(key) {
                    found.push(item);
                }
            }
            let last = match pages {
                Some(pages) => page + 1 >= pages,
                None => found.len() == before,
            };
            if last {
                let whole = total.is_none_or(|total| found.len() >= total as usize);
                return if whole {
                    Ok(found)
                } else {
                    Err(unreadable(endpoint, "the list is shorter than it is said to be"))
                };
            }
        }
        Err(unreadable(endpoint, "the list does not end"))
    }

    async fn read(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer, BrokerError> {
        let url = self.transport.url(path, query);
        retried(|| self.get_once(endpoint, url.clone())).await
    }

    /// One read; a 401 renews the token and repeats it once.
    async fn get_once(&self, endpoint: &'static str, url: Url) -> Result<Answer, BrokerError> {
        let bearer = self.auth.bearer(&self.transport).await?;
        let answer = self.authorised(endpoint, url.clone(), &bearer).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            self.auth.accepted();
            return answer.accepted(endpoint, refusal_text);
        }
        let renewed = self.auth.renewed_after(&bearer, &self.transport).await?;
        let answer = self.authorised(endpoint, url, &renewed).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.auth.refused_with_a_new_token().await;
        } else {
            self.auth.accepted();
        }
        answer.accepted(endpoint, refusal_text)
    }

    async fn authorised(
        &self,
        endpoint: &'static str,
        url: Url,
        bearer: &Bearer,
    ) -> Result<Answer, BrokerError> {
        let value = authorization(bearer)?;
        let request = self.transport.client.get(url).header(AUTHORIZATION, value);
        self.transport.exchange(endpoint, request).await
    }

    /// A token that does not end under the next request.
    pub async fn ready(&self) -> Result<(), BrokerError> {
        self.auth.lasting_bearer(&self.transport).await.map(drop)
    }

    /// The one request that changes something, with a token that does not end under way.
    pub async fn send(&self, once: &SendOnce, method: Method, path: &[&str], body: Option<Body>) -> Sent {
        self.send_to(once, method, self.transport.url(path, &[]), body).await
    }

    /// `url` is one of the host that the token is for.
    pub(super) async fn send_to(
        &self,
        once: &SendOnce,
        method: Method,
        url: Url,
        body: Option<Body>,
    ) -> Sent {
        let bearer = match self.auth.lasting_bearer(&self.transport).await {
            Ok(bearer) => bearer,
            Err(error) => return Sent::Unsent(error),
        };
        let authorization = match authorization(&bearer) {
            Ok(authorization) => authorization,
            Err(error) => return Sent::Unsent(error),
        };
        let body = body.map(|body| ("application/json", body.0));
        let sent = once.send(&self.transport, Request { method, url, authorization, body }).await;
        if matches!(&sent, Sent::Answered { status, .. } if *status == StatusCode::UNAUTHORIZED) {
            self.auth.discard(&bearer).await;
        }
        sent
    }
}

fn authorization(bearer: &Bearer) -> Result<HeaderValue, BrokerError> {
    let mut value = HeaderValue::from_str(bearer.header().expose_secret()).map_err(|_| {
        BrokerError::Unreadable { endpoint: "/oauth/token".into(), why: "the token is not text".into() }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What the error answer says, whether it is the broker's envelope, OAuth's or a gateway's page.
pub(super) fn refusal_text(body: &[u8]) -> String {
    refusal_without(body, &[])
}

/// The same where the request carried secrets: an answer that repeats them is told without them.
pub(super) fn refusal_without(body: &[u8], secrets: &[&SecretString]) -> String {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => {
            let mut words = refusal.words();
            for secret in secrets.iter().map(|s| s.expose_secret()).filter(|s| !s.is_empty()) {
                words = words.replace(secret, "***");
            }
            scrubbed(&words)
        }
        Err(_) if body.is_empty() => "no explanation".into(),
        Err(_) => "the answer is not JSON".into(),
    }
}

fn data<T: DeserializeOwned>(answer: &Answer, endpoint: &'static str) -> Result<T, BrokerError> {
    let envelope: Envelope<T> = answer.json(endpoint)?;
    envelope.data.ok_or_else(|| no_data(endpoint))
}

fn no_data(endpoint: &'static str) -> BrokerError {
    unreadable(endpoint, "it carries no data")
}

pub(super) fn unreadable(endpoint: &'static str, why: &str) -> BrokerError {
    BrokerError::Unreadable { endpoint: endpoint.into(), why: why.into() }
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
