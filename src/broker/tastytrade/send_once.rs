//! Requests that change something at the broker: each goes out at most once, on a connection of its own.
//!
//! Never: repeats, follows a redirect, reuses a connection, takes silence for a no.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret;
use url::Url;

use super::config::TastytradeConfig;
use super::http::{Http, LARGEST_ANSWER_MIB, chain, client_builder};
use super::scrub::scrubbed;
use crate::broker::BrokerError;

/// The client for orders. Its own, so that no read's connection is ever reused: one that the broker has closed
/// meanwhile would leave open whether the order went out, and the library resends on such a connection.
pub(super) struct SendOnce {
    client: Client,
    deadline: Duration,
}

/// How far the one attempt came.
pub(super) enum Sent {
    /// The status is known. `None`: the body broke off or was too large.
    Answered { status: StatusCode, body: Option<Vec<u8>> },
    /// Nothing went out, for certain.
    Unsent(BrokerError),
    /// It may have gone out; no answer came.
    Lost(BrokerError),
}

impl SendOnce {
    pub fn new(config: &TastytradeConfig) -> Result<Self, BrokerError> {
        let client = client_builder(config)?
            .timeout(config.timeouts.order)
            .pool_max_idle_per_host(0)
            .http1_only()
            .build()
            .map_err(|error| BrokerError::BadAddress {
                what: "the order client",
                why: scrubbed(&chain(&error.without_url())),
            })?;
        Ok(Self { client, deadline: config.timeouts.order })
    }

    pub async fn send(&self, http: &Http, method: Method, path: &[&str], body: Option<Vec<u8>>) -> Sent {
        self.send_to(http, method, http.transport.url(path, &[]), body).await
    }

    /// `url` is one of the host that the token is for.
    pub(super) async fn send_to(&self, http: &Http, method: Method, url: Url, body: Option<Vec<u8>>) -> Sent {
        let transport = &http.transport;
        let bearer = match http.auth.lasting_bearer(transport).await {
            Ok(bearer) => bearer,
            Err(error) => return Sent::Unsent(error),
        };
        let Ok(mut authorization) = HeaderValue::from_str(bearer.header().expose_secret()) else {
            return Sent::Unsent(BrokerError::Unreadable {
                endpoint: "/oauth/token".into(),
                why: "the token is not text".into(),
            });
        };
        authorization.set_sensitive(true);
        let mut request = self.client.request(method, url).header(AUTHORIZATION, authorization);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        // Counted against the pace of the reads, but an order does not wait behind them.
        transport.count();
        let sent = Utc::now();
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                // Without a connection there was nothing to send over.
                let unsent = error.is_connect() || error.is_builder();
                let told = transport.network_within(self.deadline, error);
                return if unsent { Sent::Unsent(told) } else { Sent::Lost(told) };
            }
        };
        if let Some(date) = response.headers().get(DATE).and_then(|v| v.to_str().ok()) {
            transport.clock.observe(date, sent, Utc::now());
        }
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            http.auth.discard(&bearer).await;
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER_MIB * 1024 * 1024 => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => return Sent::Answered { status, body: Some(body) },
                Ok(Some(_)) | Err(_) => return Sent::Answered { status, body: None },
            }
        }
    }
}
