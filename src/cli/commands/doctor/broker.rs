//! The broker and the way to it: trust, session, market data grant, clock, holidays, what the accounts may do.

use std::path::{Path, PathBuf};

use tokio::time::timeout;

use super::{Check, DEADLINE, State};
use crate::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use crate::broker::tradier::Tradier;
use crate::broker::{Broker, BrokerError, Records, Venue};
use crate::cli::setting::Setting;
use crate::config::{Env, Environment};
use crate::domain::report::{MarketHolidays, TradingStatus};
use crate::market::calendar::Calendar;
use crate::runtime::settings::Access;
use crate::runtime::{settings, world};
use crate::sim;

/// Where systems keep the authorities they trust.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/openssl/cert.pem",
];
/// A bundle is a few hundred KiB.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// The authorities that the broker's certificate is checked against. The demo and a simulator need none.
pub fn tls_roots(env: &Env, setting: Option<&Setting>) -> Check {
    const NAME: &str = "TLS roots";
    if cfg!(target_os = "macos") {
        return Check::ok(NAME, "from the system's keychain");
    }
    let named = env.get("SSL_CERT_FILE").map(PathBuf::from);
    let is_named = named.is_some();
    let bundle = named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file()));
    let found = bundle.as_deref().map(|path| (path, certificates(path)));
    match found {
        Some((path, Some(count))) if count > 0 => {
            Check::ok(NAME, format!("{count} authorities in {}", path.display()))
        }
        _ => {
            let text = match found {
                Some((path, _)) if is_named => {
                    format!("no certificate in SSL_CERT_FILE ({})", path.display())
                }
                Some((path, _)) => format!("no certificate in {}", path.display()),
                None => "no bundle of authorities was found".to_owned(),
            };
            let remedy = "install the system's ca-certificates, or name a bundle in SSL_CERT_FILE";
            let needed = setting.is_none_or(|setting| {
                matches!(setting.config.broker.environment, Environment::Production | Environment::Sandbox)
            });
            if needed { Check::fail(NAME, text, remedy) } else { Check::warn(NAME, text, remedy) }
        }
    }
}

fn certificates(path: &Path) -> Option<usize> {
    let bytes = std::fs::metadata(path).ok()?.len();
    let text = (bytes <= MOST_BYTES).then(|| std::fs::read(path).ok()).flatten()?;
    Some(String::from_utf8_lossy(&text).matches("-----BEGIN CERTIFICATE-----").count())
}

pub async fn checks(setting: &Setting) -> Vec<Check> {
    if setting.own_broker {
        return vec![simulated(setting).await];
    }
    let access = match settings::broker(&setting.config) {
        Err(error) => return vec![failed("broker", &error)],
        Ok(None) => return vec![Check::ok("broker", "none configured: the demo brings its own")],
        Ok(Some(access)) => access,
    };
    let address = crate::domain::text::clean(access.address(), 80);
    match access {
        Access::Tastytrade(wire, credentials) => {
            reach(setting, address, Tastytrade::new(wire, credentials)).await
        }
        Access::Tradier(wire, token) => reach(setting, address, Tradier::new(wire, token)).await,
    }
}

async fn reach<B: Venue + Records>(
    setting: &Setting,
    address: String,
    broker: Result<B, BrokerError>,
) -> Vec<Check> {
    let broker = match &broker {
        Ok(broker) => broker,
        Err(error) => return vec![failed("broker", error)],
    };
    let session = match timeout(DEADLINE, broker.session()).await {
        Err(_) => return vec![late("broker", &address)],
        Ok(Err(error)) => return vec![failed("broker", &error)],
        Ok(Ok(session)) => session,
    };
    let mut checks = vec![Check::ok(
        "broker",
        format!("{address} answers; the market is {:?}", session.state).to_lowercase(),
    )];
    checks.push(match timeout(DEADLINE, broker.market_data()).await {
        Err(_) => late("market data", &address),
        Ok(Err(error)) => failed("market data", &error),
        Ok(Ok(told)) => Check::ok("market data", told),
    });
    checks.push(clock(setting, broker.clock_skew_ms()));
    checks.push(holidays(setting, &address, broker).await);
    checks.extend(accounts(&address, broker).await);
    checks
}

/// What each account may do.
async fn accounts<B: Broker + Records>(address: &str, broker: &B) -> Vec<Check> {
    const NAME: &str = "account";
    let report = match timeout(DEADLINE, broker.accounts()).await {
        Err(_) => return vec![late(NAME, address)],
        Ok(Err(error)) => return vec![failed(NAME, &error)],
        Ok(Ok(report)) => report,
    };
    let mut checks = Vec::with_capacity(report.accounts.len());
    for held in report.accounts {
        let who = &held.account.masked_number;
        checks.push(match timeout(DEADLINE, broker.trading_status(held.account.id)).await {
            Err(_) => unread(NAME, address),
            Ok(Err(error)) => Check::warn(NAME, format!("{who}: {error}"), error.remedy()),
            Ok(Ok(status)) => match status.obstacle() {
                Some(why) => Check::warn(NAME, format!("{who}: {why}"), "the broker's own platform says why"),
                None => Check::ok(NAME, format!("{who}: {}", permissions(&status))),
            },
        });
    }
    if checks.is_empty() {
        checks.push(Check::warn(NAME, "no open account", "the broker's own platform shows them"));
    }
    checks
}

fn permissions(status: &TradingStatus) -> String {
    let level = status.options_level.as_deref().unwrap_or("not said");
    let mut words = format!("options level {level}");
    match status.short_calls {
        Some(true) => words.push_str(", short calls"),
        Some(false) => words.push_str(", no short calls"),
        None => {}
    }
    if let Some(count) = status.day_trades.filter(|count| *count > 0) {
        words.push_str(&format!(", {count} day trades"));
    }
    if status.pattern_day_trader == Some(true) {
        words.push_str(", pattern day trader");
    }
    words
}

/// The calendar here is by rule and table; the broker lists the days. Expiries and times to expiry rest on it.
async fn holidays<B: Records>(setting: &Setting, address: &str, broker: &B) -> Check {
    const NAME: &str = "holidays";
    let listed = match timeout(DEADLINE, broker.holidays()).await {
        Err(_) => return unread(NAME, address),
        Ok(Err(error)) => return Check::warn(NAME, error.to_string(), error.remedy()),
        Ok(Ok(listed)) => listed,
    };
    let own = &setting.config.calendar;
    let calendar = Calendar::with(own.closed.iter().copied(), own.early_closes.iter().copied());
    let unlike = unlike(&calendar, &listed);
    match (unlike.first(), listed.closed.last()) {
        (Some(first), _) => Check::warn(
            NAME,
            format!("{first}{}", if unlike.len() > 1 { ", and others" } else { "" }),
            "if the broker is right, name the day in cotrader.yaml under calendar",
        ),
        (None, last) => {
            let through = last.map_or_else(String::new, |last| format!(" through {last}"));
            Check::ok(NAME, format!("the broker's and ours are the same{through}"))
        }
    }
}

/// The days on which the two differ, within what the broker lists.
fn unlike(calendar: &Calendar, listed: &MarketHolidays) -> Vec<String> {
    // Some years of holidays and early closes.
    const MOST_DAYS: usize = 60;
    let (closed, early) = (&listed.closed, &listed.early);
    let wrong_closed = closed.iter().filter(|day| calendar.is_session(**day));
    let mut unlike: Vec<String> =
        wrong_closed.map(|day| format!("{day} is a holiday at the broker and a session here")).collect();
    let wrong_early = early.iter().filter(|day| !calendar.is_early_close(**day));
    unlike.extend(wrong_early.map(|day| format!("{day} ends early at the broker and not here")));
    if let (Some(first), Some(last)) = (closed.first(), closed.last()) {
        let ours = calendar.special_days(*first, MOST_DAYS);
        let only_ours = ours.iter().map(|day| day.date).filter(|day| day <= last);
        let unlisted = only_ours.filter(|day| !closed.contains(day) && !early.contains(day));
        unlike.extend(unlisted.map(|day| format!("{day} is special here and not at the broker")));
    }
    unlike
}

/// The demo's broker lives on this machine: whether it can is worth knowing, too.
async fn simulated(setting: &Setting) -> Check {
    let started = match world::standing_alone(&setting.wish, None, None) {
        Ok(config) => sim::start(config).await.map_err(world::WorldError::from),
        Err(error) => Err(error),
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => return Check::fail("broker", format!("simulated: {error}"), error.remedy()),
    };
    let connection = running.connection();
    let wire = TastytradeConfig::loopback(&connection.base_url, &connection.account_stream_url);
    let credentials = Credentials {
        client_secret: connection.client_secret.clone().into(),
        refresh_token: connection.refresh_token.clone().into(),
    };
    let check = match Tastytrade::new(wire, credentials) {
        Err(error) => failed("broker", &error),
        Ok(broker) => match timeout(DEADLINE, broker.session()).await {
            Err(_) => late("broker", "the simulated broker"),
            Ok(Err(error)) => failed("broker", &error),
            Ok(Ok(_)) => Check::ok("broker", "simulated, on this machine; `cotrader init` connects yours"),
        },
    };
    running.shutdown().await;
    check
}

fn failed(name: &'static str, error: &BrokerError) -> Check {
    let unreachable = matches!(
        error,
        BrokerError::Unreachable { .. }
            | BrokerError::TimedOut { .. }
            | BrokerError::RateLimited { .. }
            | BrokerError::Server { .. }
    );
    let remedy = match error {
        BrokerError::Unreachable { .. } | BrokerError::TimedOut { .. } => {
            "check the network, and base_url in cotrader.yaml"
        }
        // `run cotrader doctor` is no remedy here.
        BrokerError::NotFound { .. } | BrokerError::Rejected { .. } => "check base_url in cotrader.yaml",
        other => other.remedy(),
    };
    Check { unreachable, ..Check::fail(name, error.to_string(), remedy) }
}

fn late(name: &'static str, whom: &str) -> Check {
    let text = format!("{whom} did not answer in {} s", DEADLINE.as_secs());
    Check { unreachable: true, ..Check::fail(name, text, "check the network") }
}

/// What nothing rests on.
fn unread(name: &'static str, whom: &str) -> Check {
    Check { state: State::Warn, unreachable: false, ..late(name, whom) }
}

fn clock(setting: &Setting, skew_ms: Option<i64>) -> Check {
    const NAME: &str = "clock";
    const REMEDY: &str = "set this machine's clock by NTP";
    if setting.config.broker.environment == Environment::Sim {
        return Check::ok(NAME, "the simulator's is used, it need not agree with this machine's");
    }
    let Some(skew) = skew_ms else {
        return Check::warn(NAME, "the broker's answers carry no time", "nothing: it is shown as unknown");
    };
    let text = format!("{:+.1} s from the broker's", -(skew as f64) / 1000.0);
    let limits = &setting.config.market.live_data;
    let size = u128::from(skew.unsigned_abs());
    if size >= limits.clock_skew_block.as_millis() {
        Check::fail(NAME, text, REMEDY)
    } else if size >= limits.clock_skew_warn.as_millis() {
        Check::warn(NAME, text, REMEDY)
    } else {
        Check::ok(NAME, text)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn a_day_that_only_one_of_the_two_knows_is_named() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let calendar = Calendar::default();
        let mut listed = MarketHolidays {
            closed: [day("2026-11-26"), day("2026-12-25")].into(),
            early: [day("2026-11-27"), day("2026-12-24")].into(),
        };
        assert_eq!(unlike(&calendar, &listed), Vec::<String>::new());
        listed.closed.insert(day("2026-12-01"));
        listed.early.remove(&day("2026-11-27"));
        listed.early.insert(day("2026-12-02"));
        assert_eq!(
            unlike(&calendar, &listed),
            [
                "2026-12-01 is a holiday at the broker and a session here",
                "2026-12-02 ends early at the broker and not here",
                "2026-11-27 is special here and not at the broker",
            ]
        );
    }

    #[test]
    fn what_an_account_may_do_is_said_in_the_brokers_words() {
        let status = TradingStatus {
            options_level: Some("No Restrictions".into()),
            short_calls: Some(false),
            day_trades: Some(2),
            ..TradingStatus::default()
        };
        assert_eq!(permissions(&status), "options level No Restrictions, no short calls, 2 day trades");
        assert_eq!(permissions(&TradingStatus::default()), "options level not said");
    }
}
