//! Requests that change something at a broker: each goes out at most once, on a connection of its own.
//!
//! Never: repeats, follows a redirect, reuses a connection, takes silence for a no.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use url::Url;

use super::BrokerError;
use super::scrub::scrubbed;
use super::transport::{Caller, LARGEST_ANSWER_MIB, Transport, chain, client_builder, is_crowded};

/// The client for orders. Its own, so that no read's connection is ever reused: one that the broker has closed
/// meanwhile would leave open whether the order went out, and the library resends on such a connection.
pub struct SendOnce {
    client: Client,
    deadline: Duration,
}

/// How far the one attempt came.
pub enum Sent {
    /// The status is known. `None`: the body broke off or was too large.
    Answered { status: StatusCode, body: Option<Vec<u8>> },
    /// Nothing went out, for certain.
    Unsent(BrokerError),
    /// It may have gone out; no answer came.
    Lost(BrokerError),
}

/// The one request.
pub(super) struct Request {
    pub method: Method,
    /// One of the host that the authorisation is for.
    pub url: Url,
    pub authorization: HeaderValue,
    pub body: Option<(&'static str, Vec<u8>)>,
}

impl SendOnce {
    pub(super) fn new(caller: &Caller<'_>) -> Result<Self, BrokerError> {
        let deadline = caller.timeouts.order;
        let client =
            client_builder(caller).timeout(deadline).pool_max_idle_per_host(0).http1_only().build().map_err(
                |error| BrokerError::BadAddress {
                    what: "the order client",
                    why: scrubbed(&chain(&error.without_url())),
                },
            )?;
        Ok(Self { client, deadline })
    }

    /// By value: a request is used up by being sent.
    pub(super) async fn send(&self, transport: &Transport, request: Request) -> Sent {
        let Request { method, url, mut authorization, body } = request;
        authorization.set_sensitive(true);
        let mut request = self.client.request(method, url).header(AUTHORIZATION, authorization);
        if let Some((kind, body)) = body {
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        // Counted against the pace of the reads, but an order does not wait behind them.
        transport.count();
        let sent = transport.clock.own();
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
            transport.clock.observe(date, sent, transport.clock.own());
        }
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER_MIB * 1024 * 1024 => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => {
                    let body = Some(body).filter(|body| !is_crowded(body));
                    return Sent::Answered { status, body };
                }
                Ok(Some(_)) | Err(_) => return Sent::Answered { status, body: None },
            }
        }
    }
}
