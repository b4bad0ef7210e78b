//! Which addresses credentials may go to: the broker's own hosts, encrypted, or this machine.

use url::{Host, Url};

use super::BrokerError;

pub(super) fn parsed(what: &'static str, address: &str) -> Result<Url, BrokerError> {
    let url =
        Url::parse(address).map_err(|error| BrokerError::BadAddress { what, why: error.to_string() })?;
    // `https://api.tastyworks.com@elsewhere/` names elsewhere; nothing of ours has user information.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(not_allowed(&url));
    }
    Ok(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Encrypted everywhere, except on this machine. Only the standard port elsewhere.
pub(super) fn scheme_fits(url: &Url, encrypted: &str, plain: &str) -> bool {
    if is_loopback(url) {
        url.scheme() == encrypted || url.scheme() == plain
    } else {
        url.scheme() == encrypted && url.port().is_none()
    }
}

pub(super) fn not_allowed(url: &Url) -> BrokerError {
    let host = url.host_str().unwrap_or("an address without a host");
    BrokerError::HostNotAllowed {
        host: format!("{}://{}", url.scheme(), crate::domain::text::clean(host, 80)),
    }
}
