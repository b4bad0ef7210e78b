//! Where tastytrade is, how long we wait for it, and which hosts may see credentials.
//!
//! Never: reads files or the environment, holds a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::broker::BrokerError;
use crate::broker::clock::Pace;
use crate::broker::hosts::{is_loopback, not_allowed, parsed, scheme_fits};
pub use crate::broker::settings::{Environment, Probe, Reconnect, Timeouts};
use crate::domain::AccountKind;

const PRODUCTION_REST: &str = "https://api.tastyworks.com";
const PRODUCTION_STREAM: &str = "wss://streamer.tastyworks.com";
const SANDBOX_REST: &str = "https://api.cert.tastyworks.com";
const SANDBOX_STREAM: &str = "wss://streamer.cert.tastyworks.com";
/// The broker's market data comes from its vendor, under host names that have changed before.
const MARKET_DATA_DOMAIN: &str = ".dxfeed.com";

#[derive(Debug, Clone, PartialEq)]
pub struct TastytradeConfig {
    pub base_url: String,
    /// Overrides the address that comes with the quote token.
    pub dxlink_url: Option<String>,
    pub account_stream_url: String,
    /// `product/version`; any other shape is refused by the broker with 401.
    pub user_agent: String,
    /// The API version asked for, `YYYYMMDD`.
    pub accept_version: Option<String>,
    pub timeouts: Timeouts,
    pub keepalive: Keepalive,
    pub reconnect: Reconnect,
    /// How fast the broker's clock runs, where it is a simulated one of this process.
    pub clock_pace: Pace,
    /// What an account is, by the last four characters of its number or its nickname, where the
    /// broker's own words are wrong or missing.
    pub account_kinds: BTreeMap<String, AccountKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// How often we speak on the market stream.
    pub market_every: Duration,
    /// A market stream that brought nothing for so long is dead.
    pub market_silence: Duration,
    pub market_probe: Probe,
    pub account_every: Duration,
    pub account_silence: Duration,
    pub account_probe: Probe,
    /// A quote token is replaced at this age.
    pub quote_token_age: Duration,
    /// Pause between two subscription messages.
    pub subscription_pause: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            market_every: Duration::from_secs(10),
            market_silence: Duration::from_secs(15),
            // Together with a picture every tenth of a second: nothing is shown as live for a second.
            market_probe: Probe { after: Duration::from_millis(300), patience: Duration::from_millis(400) },
            account_every: Duration::from_secs(20),
            account_silence: Duration::from_secs(60),
            // Its news are rare and only hints.
            account_probe: Probe { after: Duration::from_secs(5), patience: Duration::from_secs(2) },
            quote_token_age: Duration::from_secs(20 * 3600),
            subscription_pause: Duration::from_millis(20),
        }
    }
}

impl TastytradeConfig {
    pub fn production() -> Self {
        // Without an explicit version the oldest one is served; the sandbox has rejected the header.
        Self {
            accept_version: Some("20251101".into()),
            ..Self::at(PRODUCTION_REST.into(), PRODUCTION_STREAM.into())
        }
    }

    pub fn sandbox() -> Self {
        Self::at(SANDBOX_REST.into(), SANDBOX_STREAM.into())
    }

    /// A simulated broker. Both addresses are its own; the market stream's comes with the quote token.
    pub fn loopback(base_url: impl Into<String>, account_stream_url: impl Into<String>) -> Self {
        Self::at(base_url.into(), account_stream_url.into())
    }

    /// The configuration behind a REST address. The account stream's address follows from the broker's own
    /// hosts; a loopback address needs it given.
    pub fn from_base_url(base_url: &str, account_stream_url: Option<&str>) -> Result<Self, BrokerError> {
        let mut config = match (environment_of(&parsed("the broker", base_url)?)?, account_stream_url) {
            (Environment::Production, _) => Self::production(),
            (Environment::Sandbox, _) => Self::sandbox(),
            (Environment::Loopback, Some(stream)) => Self::loopback(base_url, stream),
            (Environment::Loopback, None) => {
                return Err(BrokerError::BadAddress {
                    what: "the account stream",
                    why: "a loopback broker needs account_stream_url as well".into(),
                });
            }
        };
        config.base_url = base_url.to_owned();
        if let Some(stream) = account_stream_url {
            config.account_stream_url = stream.to_owned();
        }
        config.checked()?;
        Ok(config)
    }

    fn at(base_url: String, account_stream_url: String) -> Self {
        Self {
            base_url,
            dxlink_url: None,
            account_stream_url,
            user_agent: concat!("cotrader/", env!("CARGO_PKG_VERSION")).into(),
            accept_version: None,
            timeouts: Timeouts::default(),
            keepalive: Keepalive::default(),
            reconnect: Reconnect::default(),
            clock_pace: Pace::default(),
            account_kinds: BTreeMap::new(),
        }
    }

    /// The addresses as URLs, once all of them are found to be ones that credentials may go to.
    pub(super) fn checked(&self) -> Result<Addresses, BrokerError> {
        let rest = parsed("the broker", &self.base_url)?;
        let environment = environment_of(&rest)?;
        let account_stream = parsed("the account stream", &self.account_stream_url)?;
        let stream_host = match environment {
            Environment::Production => Some(PRODUCTION_STREAM),
            Environment::Sandbox => Some(SANDBOX_STREAM),
            Environment::Loopback => None,
        };
        let allowed = match stream_host {
            Some(own) => parsed("the account stream", own)?.host() == account_stream.host(),
            None => is_loopback(&account_stream),
        };
        if !allowed || !scheme_fits(&account_stream, "wss", "ws") {
            return Err(not_allowed(&account_stream));
        }
        let addresses = Addresses { environment, rest, account_stream };
        if let Some(url) = &self.dxlink_url {
            addresses.market_stream(url)?;
        }
        Ok(addresses)
    }
}

/// Checked addresses of one environment.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    pub environment: Environment,
    pub rest: Url,
    pub account_stream: Url,
}

impl Addresses {
    /// The market stream's address arrives in an answer: it is checked before a token goes there.
    pub fn market_stream(&self, address: &str) -> Result<Url, BrokerError> {
        let url = parsed("the market stream", address)?;
        let allowed = match self.environment {
            Environment::Loopback => is_loopback(&url),
            Environment::Production | Environment::Sandbox => {
                url.domain().is_some_and(|domain| domain.ends_with(MARKET_DATA_DOMAIN))
            }
        };
        if allowed && scheme_fits(&url, "wss", "ws") { Ok(url) } else { Err(not_allowed(&url)) }
    }
}

fn environment_of(rest: &Url) -> Result<Environment, BrokerError> {
    let environment = match rest.domain() {
        _ if is_loopback(rest) => Environment::Loopback,
        Some("api.tastyworks.com") => Environment::Production,
        Some("api.cert.tastyworks.com") => Environment::Sandbox,
        _ => return Err(not_allowed(rest)),
    };
    if scheme_fits(rest, "https", "http") { Ok(environment) } else { Err(not_allowed(rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(address: &str) -> Result<Environment, BrokerError> {
        environment_of(&parsed("the broker", address)?)
    }

    #[test]
    fn credentials_go_to_the_brokers_own_hosts_and_this_machine_only() {
        assert_eq!(rest("https://api.tastyworks.com"), Ok(Environment::Production));
        assert_eq!(rest("https://api.cert.tastyworks.com/"), Ok(Environment::Sandbox));
        assert_eq!(rest("http://127.0.0.1:8000"), Ok(Environment::Loopback));
        assert_eq!(rest("http://[::1]:8000"), Ok(Environment::Loopback));
        for bad in [
            "http://api.tastyworks.com",
            "https://api.tastyworks.com:8443",
            "https://api.tastyworks.com.evil.example",
            "https://evil.example/api.tastyworks.com",
            "https://api.tastyworks.com@evil.example",
            "https://someone@api.tastyworks.com",
            "https://xapi.tastyworks.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "file:///etc/passwd",
        ] {
            assert!(matches!(rest(bad), Err(BrokerError::HostNotAllowed { .. })), "{bad}");
        }
    }

    #[test]
    fn the_market_stream_belongs_to_the_vendor() {
        let addresses = TastytradeConfig::production().checked().expect("the broker's own hosts");
        assert!(addresses.market_stream("wss://tasty-openapi-ws.dxfeed.com/realtime").is_ok());
        for bad in [
            "ws://tasty-openapi-ws.dxfeed.com/realtime",
            "wss://dxfeed.com.evil.example/realtime",
            "wss://evildxfeed.com/realtime",
            "ws://127.0.0.1:9/realtime",
            "wss://a@tasty-openapi-ws.dxfeed.com/realtime",
        ] {
            assert!(addresses.market_stream(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_loopback_broker_needs_a_loopback_account_stream() {
        let base = "http://127.0.0.1:8000";
        assert!(TastytradeConfig::from_base_url(base, None).is_err());
        assert!(TastytradeConfig::from_base_url(base, Some("wss://streamer.tastyworks.com")).is_err());
        assert!(TastytradeConfig::from_base_url(base, Some("ws://127.0.0.1:8001/stream")).is_ok());
        let production = TastytradeConfig::from_base_url("https://api.tastyworks.com", None);
        assert_eq!(production.map(|c| c.account_stream_url), Ok("wss://streamer.tastyworks.com".into()));
    }
}
