//! The configuration in the words of the modules that use it.

use crate::broker::tastytrade::{Credentials, TastytradeConfig};
use crate::config::{AccountMatch, Config, Environment};
use crate::domain::account::AccountRule;
use crate::engine::EngineConfig;
use crate::market::calendar::Calendar;
use crate::market::events::{EventSchedule, MacroEvents};
use crate::market::rates::{BadCurve, RateCurve};
use crate::market::view::MarketConfig;
use crate::snapshot::Mode;

/// The mode that the credentials and the address lead to. Production is paper: nothing can be sent yet.
pub fn mode(environment: Environment) -> Mode {
    match environment {
        Environment::Demo => Mode::Demo,
        Environment::Sim => Mode::Sim,
        Environment::Sandbox => Mode::Sandbox,
        Environment::Production => Mode::Paper,
    }
}

pub fn engine(config: &Config, mode: Mode) -> Result<EngineConfig, BadCurve> {
    let mut watch = config.market.context.clone();
    watch.extend(config.market.watch.iter().cloned());
    watch.sort();
    watch.dedup();
    Ok(EngineConfig {
        mode,
        portfolios: config.portfolios.clone(),
        account_rules: config.accounts.iter().map(account_rule).collect(),
        benchmark: config.market.benchmark.clone(),
        context: config.market.context.clone(),
        watch,
        market: market(config)?,
        rates_as_of: config.market.rates.as_of,
        account_refresh_seconds: i64::try_from(config.market.live_data.account_refresh.as_secs())
            .unwrap_or(60),
        streaming: true,
        banner: None,
        read_only: None,
    })
}

fn account_rule(rule: &crate::config::AccountRule) -> AccountRule {
    AccountRule {
        key: rule.key.clone(),
        kind: rule.kind,
        number_ends_with: match &rule.matches {
            AccountMatch::Kind => None,
            AccountMatch::LastFour(tail) => Some(tail.clone()),
        },
        capital: Some(rule.capital),
    }
}

fn market(config: &Config) -> Result<MarketConfig, BadCurve> {
    let points = config.market.rates.points.iter().map(|p| (f64::from(p.days) / 365.0, p.zero)).collect();
    let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(15);
    let schedule = |dated: &crate::config::DatedEvents| {
        EventSchedule::new(dated.dates.clone(), Some(dated.unknown_after))
    };
    Ok(MarketConfig {
        calendar: Calendar::with(
            config.calendar.closed.iter().copied(),
            config.calendar.early_closes.iter().copied(),
        ),
        events: MacroEvents { fomc: schedule(&config.calendar.fomc), cpi: schedule(&config.calendar.cpi) },
        link_live_seconds: seconds(config.market.live_data.link_age),
        read_live_seconds: seconds(config.market.live_data.quote_age),
        ..MarketConfig::new(RateCurve::new(points)?, config.market.benchmark.clone())
    })
}

/// Where the configured broker is; `None` in the demo.
pub fn broker(
    config: &Config,
) -> Result<Option<(TastytradeConfig, Credentials)>, crate::broker::BrokerError> {
    let Some(credentials) = &config.broker.credentials else { return Ok(None) };
    let text = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
    let stream = config.broker.account_stream_url.as_ref().map(text);
    let mut wire = match (&config.broker.base_url, config.broker.environment) {
        (Some(base), _) => TastytradeConfig::from_base_url(&text(base), stream.as_deref())?,
        (None, Environment::Sandbox) => TastytradeConfig::sandbox(),
        (None, _) => TastytradeConfig::production(),
    };
    wire.dxlink_url = config.broker.dxlink_url.as_ref().map(text);
    let credentials = Credentials {
        client_secret: credentials.client_secret.clone(),
        refresh_token: credentials.refresh_token.clone(),
    };
    Ok(Some((wire, credentials)))
}
