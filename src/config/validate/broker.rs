//! Which broker is spoken to: the address decides the environment, and credentials go to known hosts only.

use url::{Host, Url};

use super::super::env::Env;
use super::super::error::{ConfigError, Fault, Origin};
use super::super::load::Document;
use super::super::raw::{self, Scalar};
use super::super::secrets::Credentials;
use super::super::settings::{BrokerName, BrokerSettings, Environment};
use super::word;

/// Stream hosts vary and are named by the broker's answers; an override stays inside these domains.
struct Hosts {
    production: &'static str,
    sandbox: &'static str,
    streams: &'static [&'static str],
}

const TASTYTRADE: Hosts = Hosts {
    production: "api.tastyworks.com",
    sandbox: "api.cert.tastyworks.com",
    streams: &[".tastyworks.com", ".dxfeed.com"],
};
const TRADIER: Hosts =
    Hosts { production: "api.tradier.com", sandbox: "sandbox.tradier.com", streams: &[".tradier.com"] };

fn hosts(name: BrokerName) -> &'static Hosts {
    match name {
        BrokerName::Tastytrade => &TASTYTRADE,
        BrokerName::Tradier => &TRADIER,
    }
}

const NAMES: [(&str, BrokerName); 2] =
    [("tastytrade", BrokerName::Tastytrade), ("tradier", BrokerName::Tradier)];

const ENVIRONMENTS: [(&str, Environment); 3] =
    [("production", Environment::Production), ("sandbox", Environment::Sandbox), ("sim", Environment::Sim)];

/// Addresses by the broker that has them.
const STREAMS: [(&str, &str, BrokerName); 3] = [
    ("dxlink_url", "COTRADER_DXLINK_URL", BrokerName::Tastytrade),
    ("account_stream_url", "COTRADER_ACCOUNT_STREAM_URL", BrokerName::Tastytrade),
    ("stream_url", "COTRADER_STREAM_URL", BrokerName::Tradier),
];

/// One address and where it was typed.
struct Address<'a> {
    document: &'a Document,
    key: &'static str,
    variable: Option<&'static str>,
    url: Url,
}

impl Address<'_> {
    fn fault(&self, fault: Fault) -> ConfigError {
        fault_at(self.document, self.key, self.variable, fault)
    }
}

fn fault_at(
    document: &Document,
    key: &'static str,
    variable: Option<&'static str>,
    fault: Fault,
) -> ConfigError {
    match variable {
        Some(name) => ConfigError { origin: Origin::Variable(name), fault: Box::new(fault) },
        None => document.at(&["broker", key], fault),
    }
}

/// The variable is for one run and goes before the file.
pub(in super::super) fn name_of(
    document: &Document,
    typed: Option<&Scalar>,
    env: &Env,
) -> Result<BrokerName, ConfigError> {
    const VARIABLE: &str = "COTRADER_BROKER";
    if let Some(typed) = env.get(VARIABLE) {
        let scalar = Scalar(typed.to_owned());
        return word(document, &["broker", "name"], "broker", &scalar, &NAMES)
            .map_err(|error| ConfigError { origin: Origin::Variable(VARIABLE), ..error });
    }
    let written = typed.map(|typed| word(document, &["broker", "name"], "broker", typed, &NAMES));
    Ok(written.transpose()?.unwrap_or(BrokerName::Tastytrade))
}

pub(in super::super) fn broker(
    document: &Document,
    typed: raw::Broker,
    credentials: Option<Credentials>,
    env: &Env,
    notes: &mut Vec<String>,
) -> Result<BrokerSettings, ConfigError> {
    let broker = name_of(document, typed.name.as_ref(), env)?;
    let wanted = typed
        .environment
        .map(|scalar| word(document, &["broker", "environment"], "environment", &scalar, &ENVIRONMENTS))
        .transpose()?;
    let base = address(document, "base_url", "COTRADER_BASE_URL", typed.base_url, env)?;
    let typed = [typed.dxlink_url, typed.account_stream_url, typed.stream_url];
    let mut streams = [const { None }; 3];
    for (((key, variable, of), typed), stream) in STREAMS.into_iter().zip(typed).zip(&mut streams) {
        *stream = address(document, key, variable, typed, env)?;
        if let Some(address) = stream
            && of != broker
        {
            let fault = Fault::OtherBrokersKey { key, belongs: of.word(), broker: broker.word() };
            return Err(address.fault(fault));
        }
    }
    let hosts = hosts(broker);
    let reached = base.as_ref().map(|base| environment_of(base, hosts)).transpose()?;
    if let (Some(base), Some(reached), Some(wanted)) = (&base, reached, wanted) {
        // The variable is for one run and goes before the file; inside the file the two must agree.
        if base.variable.is_none() && reached != wanted {
            let fault = Fault::EnvironmentMismatch { address: name(reached), environment: name(wanted) };
            return Err(base.fault(fault));
        }
    }
    let Some(credentials) = credentials else {
        if base.is_some() || broker != BrokerName::Tastytrade {
            let what = if base.is_some() { "a broker address is set" } else { "a broker is named" };
            let missing = broker.variables().join(" and ");
            notes.push(format!("{what}, but no credentials ({missing}): this is the demo"));
        }
        return Ok(demo(broker));
    };
    let environment = reached.or(wanted).unwrap_or(Environment::Production);
    let base_url = match base {
        Some(base) => Some(base.url),
        None if environment == Environment::Sim => {
            return Err(document.at(&["broker", "environment"], Fault::SimWithoutAddress));
        }
        None => known_url(environment, hosts),
    };
    let [dxlink, account, both] =
        streams.map(|stream| stream.map(|stream| stream_of(stream, environment, hosts)).transpose());
    Ok(BrokerSettings {
        name: broker,
        environment,
        base_url,
        dxlink_url: dxlink?,
        account_stream_url: account?,
        stream_url: both?,
        credentials: Some(credentials),
    })
}

fn demo(name: BrokerName) -> BrokerSettings {
    BrokerSettings {
        name,
        environment: Environment::Demo,
        base_url: None,
        dxlink_url: None,
        account_stream_url: None,
        stream_url: None,
        credentials: None,
    }
}

fn name(environment: Environment) -> &'static str {
    match environment {
        Environment::Demo => "demo",
        Environment::Sim => "sim",
        Environment::Sandbox => "sandbox",
        Environment::Production => "production",
    }
}

fn known_url(environment: Environment, hosts: &Hosts) -> Option<Url> {
    let host = match environment {
        Environment::Sandbox => hosts.sandbox,
        Environment::Production => hosts.production,
        Environment::Demo | Environment::Sim => return None,
    };
    Url::parse(&format!("https://{host}")).ok()
}

fn address<'a>(
    document: &'a Document,
    key: &'static str,
    variable: &'static str,
    typed: Option<Scalar>,
    env: &Env,
) -> Result<Option<Address<'a>>, ConfigError> {
    let (text, variable) = match (env.get(variable), typed) {
        (Some(text), _) => (text.to_owned(), Some(variable)),
        (None, Some(Scalar(text))) => (text, None),
        (None, None) => return Ok(None),
    };
    let fault = |fault| fault_at(document, key, variable, fault);
    let url = Url::parse(&text).ok().filter(Url::has_host).ok_or_else(|| fault(Fault::BadUrl))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(Fault::UserInUrl));
    }
    Ok(Some(Address { document, key, variable, url }))
}

/// Where REST requests to this address end up; a host that is not known gets no credentials.
fn environment_of(base: &Address<'_>, hosts: &Hosts) -> Result<Environment, ConfigError> {
    if is_loopback(&base.url) {
        return scheme(base, &["http", "https"]).map(|()| Environment::Sim);
    }
    let environment = match base.url.host_str() {
        Some(host) if host == hosts.production => Environment::Production,
        Some(host) if host == hosts.sandbox => Environment::Sandbox,
        other => {
            let host = other.unwrap_or_default().to_owned();
            return Err(base.fault(Fault::HostNotAllowed { host }));
        }
    };
    scheme(base, &["https"]).map(|()| environment)
}

/// A stream override belongs to the same side as the REST address: this machine, or the broker.
fn stream_of(stream: Address<'_>, environment: Environment, hosts: &Hosts) -> Result<Url, ConfigError> {
    if is_loopback(&stream.url) {
        if environment != Environment::Sim {
            let fault = Fault::EnvironmentMismatch { address: "sim", environment: name(environment) };
            return Err(stream.fault(fault));
        }
        scheme(&stream, &["ws", "wss"])?;
        return Ok(stream.url);
    }
    let host = stream.url.host_str().unwrap_or_default();
    if environment == Environment::Sim || !hosts.streams.iter().any(|domain| host.ends_with(domain)) {
        return Err(stream.fault(Fault::HostNotAllowed { host: host.to_owned() }));
    }
    scheme(&stream, &["wss"])?;
    Ok(stream.url)
}

fn scheme(address: &Address<'_>, allowed: &[&str]) -> Result<(), ConfigError> {
    if allowed.contains(&address.url.scheme()) {
        return Ok(());
    }
    let host = address.url.host_str().unwrap_or_default().to_owned();
    Err(address.fault(Fault::SchemeNotAllowed { scheme: address.url.scheme().to_owned(), host }))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}
