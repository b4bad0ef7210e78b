//! The configuration in the words of the modules that use it.

use crate::broker::tastytrade::{Credentials, TastytradeConfig};
use crate::config::{AccountMatch, Config, Environment};
use crate::domain::account::AccountRule;
use crate::engine::EngineConfig;
use crate::market::calendar::Calendar;
use crate::market::dividends::{Dividend, DividendPlan};
use crate::market::events::{DatedEvents, EventSchedule};
use crate::market::rates::{BadCurve, RateCurve, ZeroPoint};
use crate::market::view::{MarketConfig, UnderlyingOverride};
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
        clock_skew_warn_ms: milliseconds(config.market.live_data.clock_skew_warn),
        clock_skew_block_ms: milliseconds(config.market.live_data.clock_skew_block),
        streaming: true,
        banner: None,
        read_only: None,
    })
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
    let point = |p: &crate::config::RatePoint| ZeroPoint { days: f64::from(p.days), rate: p.zero };
    let points = config.market.rates.points.iter().map(point).collect();
    let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(15);
    let schedule = |dated: &crate::config::DatedEvents| {
        EventSchedule::new(dated.dates.clone(), Some(dated.unknown_after))
    };
    let overrides = config.market.dividends.iter().map(|(symbol, list)| {
        let dividend = |d: &crate::config::Dividend| Dividend {
            ex_date: d.ex_date,
            amount: d.amount,
            estimated: d.estimated,
        };
        let plan = DividendPlan::of(list.iter().map(dividend).collect(), None);
        (symbol.clone(), UnderlyingOverride { dividends: Some(plan), ..UnderlyingOverride::default() })
    });
    Ok(MarketConfig {
        overrides: overrides.collect(),
        calendar: Calendar::with(
            config.calendar.closed.iter().copied(),
            config.calendar.early_closes.iter().copied(),
        ),
        events: DatedEvents {
            fomc: schedule(&config.calendar.fomc),
            cpi: schedule(&config.calendar.cpi),
            earnings: config
                .calendar
                .earnings
                .iter()
                .map(|(symbol, dated)| (symbol.clone(), schedule(dated)))
                .collect(),
            without_earnings: config.calendar.without_earnings.iter().cloned().collect(),
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_curve_is_linear_in_days() {
        let config = Config::load(None, &crate::config::Env::default()).expect("the built-in files");
        let rates = market(&config).expect("a curve").rates;
        let zero = |days: f64| rates.zero(days / 365.0);
        assert_eq!((zero(1.0), zero(400.0)), (0.0366, 0.037));
        assert!((zero(30.0) - 0.0366).abs() < 1e-12 && (zero(60.5) - 0.0368).abs() < 1e-12);
    }
}
