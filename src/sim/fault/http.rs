//! Faults of requests: one wrapper around what the router answers.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::sleep;

use crate::domain::time::Timestamp;

use super::super::server::Shared;
use super::super::wire;
use super::super::world::noise::Noise;
use super::spec::Fault;
use super::wire::Cut;
use super::{Faults, hostile};

/// No answer of the simulator is larger.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
const LARGEST_REQUEST: usize = 1024 * 1024;
/// By how much half an answer precedes its end.
const HALF_AHEAD: Duration = Duration::from_millis(20);

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Token,
    Accounts,
    Balances,
    Positions,
    Transactions,
    History,
    Margin,
    /// Each of the five that follow.
    Orders,
    Place,
    DryRun,
    Replace,
    Cancel,
    Look,
    Chains,
    Metrics,
    Quotes,
    Hours,
    QuoteToken,
    Watchlists,
    Dxlink,
    Account,
}

impl Endpoint {
    pub const ALL: [Self; 21] = [
        Self::Token,
        Self::Accounts,
        Self::Balances,
        Self::Positions,
        Self::Transactions,
        Self::History,
        Self::Margin,
        Self::Orders,
        Self::Place,
        Self::DryRun,
        Self::Replace,
        Self::Cancel,
        Self::Look,
        Self::Chains,
        Self::Metrics,
        Self::Quotes,
        Self::Hours,
        Self::QuoteToken,
        Self::Watchlists,
        Self::Dxlink,
        Self::Account,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Accounts => "accounts",
            Self::Balances => "balances",
            Self::Positions => "positions",
            Self::Transactions => "transactions",
            Self::History => "history",
            Self::Margin => "margin",
            Self::Orders => "orders",
            Self::Place => "place",
            Self::DryRun => "dry-run",
            Self::Replace => "replace",
            Self::Cancel => "cancel",
            Self::Look => "look",
            Self::Chains => "chains",
            Self::Metrics => "metrics",
            Self::Quotes => "quotes",
            Self::Hours => "hours",
            Self::QuoteToken => "quote-token",
            Self::Watchlists => "watchlists",
            Self::Dxlink => "dxlink",
            Self::Account => "account",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }

    fn of(method: &Method, path: &str) -> Self {
        let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        match words[..] {
            ["oauth" | "sessions", ..] => Self::Token,
            ["dxlink"] => Self::Dxlink,
            ["account"] => Self::Account,
            ["api-quote-tokens"] => Self::QuoteToken,
            ["market-data", ..] => Self::Quotes,
            ["market-metrics", ..] => Self::Metrics,
            ["market-time", ..] => Self::Hours,
            ["option-chains" | "instruments" | "symbols", ..] => Self::Chains,
            ["watchlists" | "public-watchlists" | "pairs-watchlists", ..] => Self::Watchlists,
            ["margin" | "margin-requirements-public-configuration", ..] => Self::Margin,
            ["customers", _, "orders", ..] => Self::Look,
            ["accounts", _, "orders" | "complex-orders", .., "dry-run"] => Self::DryRun,
            ["accounts", _, "orders" | "complex-orders", ..] => match *method {
                Method::GET | Method::HEAD => Self::Look,
                Method::DELETE => Self::Cancel,
                Method::POST => Self::Place,
                _ => Self::Replace,
            },
            ["accounts", _, "balances", ..] => Self::Balances,
            ["accounts", _, "positions", ..] => Self::Positions,
            ["accounts", _, "transactions", ..] => Self::Transactions,
            ["accounts", _, "net-liq" | "balance-snapshots", ..] => Self::History,
            ["accounts", _, "margin-requirements" | "position-limit", ..] => Self::Margin,
            _ => Self::Accounts,
        }
    }

    /// Whether a rule for this one is one for `other`.
    pub(super) fn covers(self, other: Self) -> bool {
        let about_orders =
            matches!(other, Self::Place | Self::DryRun | Self::Replace | Self::Cancel | Self::Look);
        self == other || (self == Self::Orders && about_orders)
    }

    /// Met by rules that name no endpoint. Refused tokens end a client by design, and streams have faults of
    /// their own: these are to be named.
    pub(super) fn is_usual(self) -> bool {
        !matches!(self, Self::Token | Self::Dxlink | Self::Account)
    }
}

/// What happens to one request.
#[derive(Debug, Default, PartialEq)]
struct Fate {
    latency: Duration,
    fault: Option<Fault>,
    /// A coin for what the fault leaves open.
    heads: bool,
    hostile: Option<(f64, Noise)>,
}

impl Faults {
    fn fate(&self, endpoint: Endpoint) -> Fate {
        let spec = self.spec();
        let mut fate = Fate::default();
        if spec.is_empty() {
            return fate;
        }
        let place = endpoint as usize;
        let nth = self.requests.get(place).map_or(0, |count| count.fetch_add(1, Ordering::Relaxed));
        for (rule, fault) in spec.at(endpoint) {
            let draw = self.draw(rule, place as u64, nth);
            let rate = match *fault {
                Fault::Latency { time, rate } => {
                    if draw.uniform() < rate {
                        fate.latency += time;
                    }
                    continue;
                }
                Fault::Hostile { rate } => {
                    fate.hostile = Some((rate, draw));
                    continue;
                }
                Fault::Status { rate, .. }
                | Fault::LostReply { rate }
                | Fault::Late { rate, .. }
                | Fault::Truncated { rate }
                | Fault::Html { rate }
                | Fault::Null { rate }
                | Fault::Empty { rate } => rate,
                _ => continue,
            };
            // The first that strikes is the one.
            if fate.fault.is_none() && draw.uniform() < rate {
                fate.fault = Some(*fault);
                fate.heads = draw.of(1).uniform() < 0.5;
            }
        }
        fate
    }
}

/// The router's answer, or what becomes of it.
pub async fn answered(shared: &Shared, request: Request, next: Next) -> Response {
    let fate = shared.faults.fate(Endpoint::of(request.method(), request.uri().path()));
    if fate != Fate::default() {
        let path = request.uri().path();
        tracing::debug!(method = %request.method(), path, ?fate, "a fault");
    }
    let changes = !request.method().is_safe();
    let cut = request.extensions().get::<Cut>().cloned();
    let break_off = || {
        if let Some(cut) = &cut {
            cut.cut();
        }
        // Never written: the connection is closed.
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    };
    let response = match fate.fault {
        None => next.run(request).await,
        Some(Fault::Status { code, retry_after, .. }) => {
            if changes && code >= 500 && fate.heads {
                next.run(request).await;
            }
            refusal(code, retry_after)
        }
        Some(Fault::LostReply { .. }) => {
            next.run(request).await;
            break_off()
        }
        Some(Fault::Late { after, .. }) => {
            if changes {
                send_on_its_way(shared, request, next, after).await;
            }
            break_off()
        }
        Some(Fault::Truncated { .. }) => half_of(next.run(request).await).await,
        Some(Fault::Html { .. }) => {
            next.run(request).await;
            page()
        }
        Some(Fault::Null { .. }) => {
            let answer = next.run(request).await;
            (answer.status(), axum::Json(json!({ "data": null }))).into_response()
        }
        Some(Fault::Empty { .. }) if !changes => {
            axum::Json(json!({ "data": { "items": [] }, "context": request.uri().path() })).into_response()
        }
        Some(_) => next.run(request).await,
    };
    let response = match fate.hostile {
        Some((rate, noise)) => spoilt(response, rate, noise).await,
        None => response,
    };
    sleep(fate.latency).await;
    response
}

fn refusal(code: u16, retry_after: Duration) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = wire::failure(status, "injected_fault", "An injected fault");
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = retry_after.as_secs().max(1).to_string();
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    response
}

/// Changes under way that nobody waits for any more. More of them than this are lost on the way.
const MOST_LATE: usize = 1_000;

/// A change that reaches the broker late.
#[derive(Debug)]
pub struct LateChange {
    due: Timestamp,
    request: Request,
    next: Next,
}

impl LateChange {
    pub async fn arrive(self) {
        self.next.run(self.request).await;
    }
}

impl Faults {
    /// The first of the changes that have arrived by now.
    pub fn arrived(&self, now: Timestamp) -> Option<LateChange> {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let first = late.iter().enumerate().min_by_key(|(_, change)| change.due)?.0;
        (late[first].due <= now).then(|| late.remove(first))
    }
}

/// Keeps a change on its way.
async fn send_on_its_way(shared: &Shared, request: Request, next: Next, after: Duration) {
    let (parts, body) = request.into_parts();
    // With the connection the body would be gone.
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else { return };
    let request = Request::from_parts(parts, Body::from(body));
    let due = shared.now() + TimeDelta::from_std(after).unwrap_or_default();
    let mut late = shared.faults.late.lock().unwrap_or_else(PoisonError::into_inner);
    if late.len() < MOST_LATE {
        late.push(LateChange { due, request, next });
    }
}

/// Breaks off in the middle of the body.
async fn half_of(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
    let half: Result<Bytes, std::io::Error> = Ok(whole.slice(..whole.len() / 2));
    let end = async {
        // What went before is on its way by then.
        sleep(HALF_AHEAD).await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    };
    let body = futures_util::stream::iter([half]).chain(futures_util::stream::once(end));
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    Response::from_parts(parts, Body::from_stream(body))
}

async fn spoilt(response: Response, rate: f64, noise: Noise) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, LARGEST_ANSWER).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let text = String::from_utf8_lossy(&whole);
    let bytes = hostile::spoilt(&text, rate, hostile::HUGE_ANSWER, noise);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes))
}

/// What a gateway in between says, with the status of success.
fn page() -> Response {
    let html = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Checking</body></html>";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let of = |method: Method, path: &str| Endpoint::of(&method, path).name();
        assert_eq!(of(Method::POST, "/accounts/1/orders"), "place");
        assert_eq!(of(Method::POST, "/accounts/1/orders/dry-run"), "dry-run");
        assert_eq!(of(Method::POST, "/accounts/1/orders/7/dry-run"), "dry-run");
        assert_eq!(of(Method::PUT, "/accounts/1/orders/7"), "replace");
        assert_eq!(of(Method::DELETE, "/accounts/1/complex-orders/7"), "cancel");
        assert_eq!(of(Method::GET, "/accounts/1/orders"), "look");
        assert_eq!(of(Method::GET, "/customers/me/accounts"), "accounts");
        assert_eq!(of(Method::GET, "/accounts/1/balances/USD"), "balances");
        assert_eq!(of(Method::GET, "/option-chains/SPY/nested"), "chains");
        assert_eq!(of(Method::GET, "/market-data/by-type"), "quotes");
        assert_eq!(of(Method::POST, "/oauth/token"), "token");
        assert!(Endpoint::Orders.covers(Endpoint::Look) && !Endpoint::Look.covers(Endpoint::Orders));
    }

    #[test]
    fn the_same_seed_and_requests_meet_the_same_faults() {
        let fates = |seed: u64, between: usize| -> Vec<bool> {
            let faults = Faults::new(seed, "e502:0.3,latency@quotes:1s:0.5".parse().expect("a plan"));
            (0..300)
                .map(|_| {
                    for _ in 0..between {
                        faults.fate(Endpoint::Quotes);
                    }
                    faults.fate(Endpoint::Positions).fault.is_some()
                })
                .collect()
        };
        let struck = fates(7, 0);
        // What is asked of other endpoints changes nothing here.
        assert_eq!(struck, fates(7, 3));
        assert_ne!(struck, fates(8, 0));
        let share = struck.iter().filter(|struck| **struck).count();
        assert!((60..=120).contains(&share), "{share} of 300");
        let faults = Faults::new(7, "e502:1".parse().expect("a plan"));
        assert_eq!(faults.fate(Endpoint::Token), Fate::default(), "tokens are to be named");
    }
}
