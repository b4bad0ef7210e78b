//! Where Tradier is, how long we wait for it, and which hosts may see the token.
//!
//! Never: reads files or the environment, holds a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::broker::BrokerError;
use crate::broker::hosts::{is_loopback, not_allowed, parsed, scheme_fits};
use crate::broker::settings::{Environment, Probe, Reconnect, Timeouts};
use crate::domain::AccountKind;

const PRODUCTION_REST: &str = "https://api.tradier.com/v1";
const PRODUCTION_SOCKETS: &str = "wss://ws.tradier.com/v1";
/// Paper accounts with a token of their own and delayed quotes.
const SANDBOX_REST: &str = "https://sandbox.tradier.com/v1";
const SANDBOX_SOCKETS: &str = "wss://sandbox-ws.tradier.com/v1";

#[derive(Debug, Clone, PartialEq)]
pub struct TradierConfig {
    pub base_url: String,
    /// Without `/markets/events` and `/accounts/events`.
    pub stream_url: String,
    /// False: quotes are read every few seconds instead.
    pub streams_quotes: bool,
    /// Halts are not told. Whatever traded no longer ago than this is taken to be trading; of all else it is unknown.
    pub traded_within: Duration,
    pub user_agent: String,
    pub timeouts: Timeouts,
    pub keepalive: Keepalive,
    pub reconnect: Reconnect,
    pub polling: Polling,
    /// What an account is, by the last four characters of its number, where the broker's own words are wrong
    /// or missing.
    pub account_kinds: BTreeMap<String, AccountKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    pub market_probe: Probe,
    /// A market stream that brought no data for so long while the market is open is replaced: it can go stale
    /// without closing.
    pub market_silence: Duration,
    pub account_probe: Probe,
    /// The account stream sends a heartbeat each minute (docs.tradier.com, "Account Streaming Responses").
    pub account_silence: Duration,
}

/// How often what no stream brings is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// Values of indices, and every quote where quotes are not streamed.
    pub quotes: Duration,
    /// The broker's source computes Greeks once an hour.
    pub greeks: Duration,
    pub bars: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            // Together with a picture every tenth of a second: nothing is shown as live for a second.
            market_probe: Probe { after: Duration::from_millis(300), patience: Duration::from_millis(400) },
            market_silence: Duration::from_secs(60),
            // Its news are rare and only hints.
            account_probe: Probe { after: Duration::from_secs(5), patience: Duration::from_secs(2) },
            account_silence: Duration::from_secs(150),
        }
    }
}

impl Default for Polling {
    fn default() -> Self {
        Self {
            quotes: Duration::from_secs(5),
            greeks: Duration::from_secs(10 * 60),
            bars: Duration::from_secs(3600),
        }
    }
}

impl TradierConfig {
    pub fn production() -> Self {
        Self::at(PRODUCTION_REST.into(), PRODUCTION_SOCKETS.into(), true)
    }

    /// Its quotes are delayed, and no stream of them is promised there.
    pub fn sandbox() -> Self {
        // Fifteen minutes of delay are usual, and how many they are is not documented.
        let traded_within = Duration::from_secs(20 * 60);
        Self { traded_within, ..Self::at(SANDBOX_REST.into(), SANDBOX_SOCKETS.into(), false) }
    }

    /// A simulated broker on this machine.
    pub fn loopback(base_url: impl Into<String>, stream_url: impl Into<String>) -> Self {
        Self::at(base_url.into(), stream_url.into(), true)
    }

    /// The configuration behind a REST address. The streams' address follows from the broker's own hosts; a loopback
    /// address needs it given.
    pub fn from_base_url(base_url: &str, stream_url: Option<&str>) -> Result<Self, BrokerError> {
        let rest = parsed("the broker", base_url)?;
        let mut config = match (environment_of(&rest)?, stream_url) {
            (Environment::Production, _) => Self::production(),
            (Environment::Sandbox, _) => Self::sandbox(),
            (Environment::Loopback, Some(stream)) => Self::loopback(base_url, stream),
            (Environment::Loopback, None) => {
                return Err(BrokerError::BadAddress {
                    what: "the streams",
                    why: "a loopback broker needs stream_url as well".into(),
                });
            }
        };
        // A bare host means the version that is spoken here.
        if rest.path() != "/" {
            config.base_url = base_url.to_owned();
        }
        if let Some(stream) = stream_url {
            config.stream_url = stream.to_owned();
        }
        config.checked()?;
        Ok(config)
    }

    fn at(base_url: String, stream_url: String, streams_quotes: bool) -> Self {
        Self {
            base_url,
            stream_url,
            streams_quotes,
            traded_within: Duration::from_secs(60),
            user_agent: concat!("cotrader/", env!("CARGO_PKG_VERSION")).into(),
            timeouts: Timeouts::default(),
            keepalive: Keepalive::default(),
            reconnect: Reconnect::default(),
            polling: Polling::default(),
            account_kinds: BTreeMap::new(),
        }
    }

    /// The addresses as URLs, once all of them are found to be ones that the token may go to.
    pub(super) fn checked(&self) -> Result<Addresses, BrokerError> {
        let rest = parsed("the broker", &self.base_url)?;
        let environment = environment_of(&rest)?;
        let sockets = match environment {
            Environment::Production => Some(PRODUCTION_SOCKETS),
            Environment::Sandbox => Some(SANDBOX_SOCKETS),
            Environment::Loopback => None,
        };
        let streams = parsed("the streams", &self.stream_url)?;
        let allowed = match sockets {
            Some(own) => parsed("the streams", own)?.host() == streams.host(),
            None => is_loopback(&streams),
        };
        if !allowed || !scheme_fits(&streams, "wss", "ws") {
            return Err(not_allowed(&streams));
        }
        let below = |path: [&str; 2]| {
            let mut url = streams.clone();
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop_if_empty().extend(path);
            }
            url
        };
        Ok(Addresses {
            environment,
            market: below(["markets", "events"]),
            account: below(["accounts", "events"]),
            rest,
        })
    }
}

fn environment_of(rest: &Url) -> Result<Environment, BrokerError> {
    let environment = match rest.domain() {
        _ if is_loopback(rest) => Environment::Loopback,
        Some("api.tradier.com") => Environment::Production,
        Some("sandbox.tradier.com") => Environment::Sandbox,
        _ => return Err(not_allowed(rest)),
    };
    if scheme_fits(rest, "https", "http") { Ok(environment) } else { Err(not_allowed(rest)) }
}

/// Checked addresses of one environment.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    pub environment: Environment,
    pub rest: Url,
    pub market: Url,
    pub account: Url,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_brokers_own_hosts_and_this_machine_only() {
        let rest = |base: &str, streams: &str| {
            let config = TradierConfig::loopback(base, streams);
            config.checked().map(|addresses| addresses.environment)
        };
        let (sockets, here) = (PRODUCTION_SOCKETS, "ws://127.0.0.1:9/v1");
        assert_eq!(rest(PRODUCTION_REST, sockets), Ok(Environment::Production));
        assert_eq!(rest(SANDBOX_REST, SANDBOX_SOCKETS), Ok(Environment::Sandbox));
        assert_eq!(rest("http://127.0.0.1:8000/v1", here), Ok(Environment::Loopback));
        for (base, streams) in [
            ("http://api.tradier.com/v1", sockets),
            ("https://api.tradier.com:8443/v1", sockets),
            ("https://api.tradier.com.evil.example/v1", sockets),
            ("https://api.tradier.com@evil.example/v1", sockets),
            ("https://xapi.tradier.com/v1", sockets),
            (PRODUCTION_REST, SANDBOX_SOCKETS),
            (PRODUCTION_REST, here),
            (PRODUCTION_REST, "ws://ws.tradier.com/v1"),
            ("http://127.0.0.1:8000/v1", sockets),
        ] {
            let refused = rest(base, streams);
            assert!(matches!(refused, Err(BrokerError::HostNotAllowed { .. })), "{base} {streams}");
        }
        let addresses = TradierConfig::production().checked().expect("the broker's own hosts");
        assert_eq!(addresses.market.as_str(), "wss://ws.tradier.com/v1/markets/events");
    }
}
