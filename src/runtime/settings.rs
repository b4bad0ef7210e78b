//! The configuration in the words of the modules that use it.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use secrecy::SecretString;

use crate::broker::BrokerError;
use crate::broker::clock::Pace;
use crate::broker::tastytrade::{Credentials, TastytradeConfig};
use crate::broker::tradier::TradierConfig;
use crate::config::{AccountMatch, Config, Environment};
use crate::domain::account::AccountRule;
use crate::domain::control::{OptIn, Venue};
use crate::engine::{EngineConfig, OrderRules};
use crate::market::calendar::Calendar;
use crate::market::dividends::{Dividend, DividendPlan};
use crate::market::events::{DatedEvents, EventSchedule};
use crate::market::rates::{BadCurve, RateCurve, ZeroPoint};
use crate::market::view::{MarketConfig, UnderlyingOverride};
use crate::risk::controls::ControlConfig;
use crate::snapshot::Mode;

/// The mode that the credentials and the address lead to. Production is paper unless both yeses to real money
/// are given.
pub fn mode(config: &Config, own_broker: bool) -> Mode {
    let environment = if own_broker { Environment::Demo } else { config.broker.environment };
    match environment {
        _ if config.orders.paper_only => Mode::Paper,
        Environment::Demo => Mode::Demo,
        Environment::Sim => Mode::Sim,
        Environment::Sandbox => Mode::Sandbox,
        Environment::Production if config.orders.live.is_some() => Mode::Live,
        Environment::Production => Mode::Paper,
    }
}

/// Whose accounts these are: what a store is a record of.
pub fn whose(config: &Config, own_broker: bool) -> Venue {
    match config.broker.environment {
        _ if own_broker => Venue::Simulator,
        Environment::Demo | Environment::Sim => Venue::Simulator,
        Environment::Sandbox => Venue::Sandbox,
        Environment::Production => Venue::Live,
    }
}

/// What orders are held to. Two yeses mean nothing where no real money is.
fn orders(config: &Config, mode: Mode) -> OrderRules {
    let orders = &config.orders;
    let live = orders.live.filter(|_| mode == Mode::Live);
    let share = |share: Decimal| share.to_f64().unwrap_or(f64::NAN);
    let controls = ControlConfig {
        quote_age_seconds: config.market.live_data.quote_age.as_secs_f64(),
        clock_skew_seconds: config.market.live_data.clock_skew_block.as_secs_f64(),
        spread_share: orders.spread,
        spread_dollars: orders.spread_dollars,
        contracts_per_leg: orders.contracts_per_leg,
        contracts_per_order: orders.contracts_per_order,
        notional: share(orders.notional),
        collar_spread_share: orders.collar_spread,
        collar_mid_share: orders.collar_mid,
        collar_ticks: orders.collar_ticks,
        reserve_share: share(orders.reserve),
        orders_per_minute: orders.orders_per_minute,
        orders_per_day: orders.orders_per_day,
        replacements_per_minute: orders.replacements_per_minute,
        replacements_per_day: orders.replacements_per_day,
        open_orders: orders.open_orders,
        open_loss_share: share(orders.open_loss),
        ..ControlConfig::default()
    };
    OrderRules {
        opt_in: live.map_or(OptIn::Rehearsal, OptIn::Live),
        // Elsewhere it is not a yes that stands in the way.
        missing: match config.broker.environment {
            Environment::Production => orders.missing.clone(),
            _ => Vec::new(),
        },
        // Who starts the process knows whether it brings its own.
        broker: None,
        accounts: orders.accounts.clone(),
        // The bounds of the configuration are narrower than those of the controls.
        controls: controls.validated().expect("a configuration that was read holds no figure that is none"),
        trade_loss: orders.trade_loss.iter().cloned().collect(),
        day_loss: orders.day_loss.iter().cloned().collect(),
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
        clock_speed: 1.0,
        orders: orders(config, mode),
        streaming: true,
        banner: None,
        read_only: None,
    })
}

/// Where the market runs many times as fast, what is young by the wall's clock is older by the market's: ages grow
/// with it, and what is read now and then is read every few seconds of the wall.
pub fn at_speed(config: &mut EngineConfig, speed: f64) {
    if speed.is_nan() || speed <= 1.0 {
        return;
    }
    config.clock_speed = speed;
    // A hundred thousand at the most, times minutes.
    let times = |seconds: i64| (seconds as f64 * speed).ceil() as i64;
    config.market.link_live_seconds = times(config.market.link_live_seconds);
    config.market.read_live_seconds = times(config.market.read_live_seconds);
    config.market.canary_seconds = times(config.market.canary_seconds);
    config.account_refresh_seconds = times(config.account_refresh_seconds.min(FAST_REFRESH_SECONDS));
    let controls = &mut config.orders.controls;
    controls.quote_age_seconds *= speed;
    controls.dry_run_seconds *= speed;
    controls.confirmation_seconds *= speed;
}

/// Also how long after a night that is skipped the clock of the market is known.
const FAST_REFRESH_SECONDS: i64 = 5;

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

/// One of the brokers, and what it knows us by. Whoever reaches one looks here which it is, once.
pub enum Access {
    Tastytrade(TastytradeConfig, Credentials),
    Tradier(TradierConfig, SecretString),
}

impl Access {
    pub fn address(&self) -> &str {
        match self {
            Self::Tastytrade(wire, _) => &wire.base_url,
            Self::Tradier(wire, _) => &wire.base_url,
        }
    }

    /// How fast its clock goes.
    pub fn pace(&self) -> Pace {
        match self {
            Self::Tastytrade(wire, _) => wire.clock_pace,
            Self::Tradier(..) => Pace::default(),
        }
    }
}

/// The way to the configured broker; `None` in the demo.
pub fn broker(config: &Config) -> Result<Option<Access>, BrokerError> {
    let Some(credentials) = &config.broker.credentials else { return Ok(None) };
    let text = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
    let base = config.broker.base_url.as_ref().map(text);
    let is_sandbox = config.broker.environment == Environment::Sandbox;
    Ok(Some(match credentials {
        crate::config::Credentials::Tastytrade { client_secret, refresh_token } => {
            let stream = config.broker.account_stream_url.as_ref().map(text);
            let mut wire = match base {
                Some(base) => TastytradeConfig::from_base_url(&base, stream.as_deref())?,
                None if is_sandbox => TastytradeConfig::sandbox(),
                None => TastytradeConfig::production(),
            };
            wire.dxlink_url = config.broker.dxlink_url.as_ref().map(text);
            let (client_secret, refresh_token) = (client_secret.clone(), refresh_token.clone());
            Access::Tastytrade(wire, Credentials { client_secret, refresh_token })
        }
        crate::config::Credentials::Tradier { token } => {
            let stream = config.broker.stream_url.as_ref().map(text);
            let wire = match base {
                Some(base) => TradierConfig::from_base_url(&base, stream.as_deref())?,
                None if is_sandbox => TradierConfig::sandbox(),
                None => TradierConfig::production(),
            };
            Access::Tradier(wire, token.clone())
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As loaded from a folder with one cotrader.yaml, and production credentials.
    fn configured(yaml: &str, more: &[(&str, &str)]) -> Config {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("cotrader.yaml"), yaml).expect("written");
        let credentials = [("TT_CLIENT_SECRET", "canary-secret"), ("TT_REFRESH_TOKEN", "canary-token")];
        let env = credentials.iter().chain(more).copied().collect();
        Config::load(Some(dir.path()), &env).expect("a good configuration")
    }

    #[test]
    fn the_built_in_figures_are_the_defaults_of_the_controls() {
        let config = Config::load(None, &crate::config::Env::default()).expect("the built-in files");
        let rules = orders(&config, mode(&config, false));
        assert_eq!(rules.controls, ControlConfig::default());
        assert_eq!(rules.opt_in, OptIn::Rehearsal);
        assert!(rules.lists(Some("ira")) && rules.lists(None), "no real money, no list");
        let keys: Vec<&str> = rules.trade_loss.keys().map(String::as_str).collect();
        assert_eq!(keys, ["core", "high", "medium", "model"]);
        assert_eq!(rules.trade_loss["core"].undefined, None, "none at all");
        assert_eq!(rules.day_loss["core"], Decimal::new(15, 3));
    }

    #[test]
    fn real_money_needs_production_the_word_and_the_switch() {
        let yes = "orders:\n  live_trading: true\n  accounts: [ira]\n";
        let on = [("COTRADER_LIVE", "1")];
        let config = configured(yes, &on);
        let rules = orders(&config, mode(&config, false));
        assert_eq!(mode(&config, false), Mode::Live);
        assert!(rules.opt_in.is_live() && rules.lists(Some("ira")));
        assert!(!rules.lists(Some("personal")) && !rules.lists(None));
        let unlisted = configured("orders:\n  live_trading: true\n", &on);
        assert!(!orders(&unlisted, Mode::Live).lists(Some("ira")));
        let sim = [("COTRADER_LIVE", "1"), ("COTRADER_BASE_URL", "http://127.0.0.1:7878")];
        for paper in [
            configured(yes, &[]),
            configured(yes, &[("COTRADER_LIVE", "true")]),
            configured("orders:\n  live_trading: false\n", &on),
            configured("", &on),
            configured(yes, &sim),
        ] {
            assert_ne!(mode(&paper, false), Mode::Live);
            assert!(!orders(&paper, mode(&paper, false)).opt_in.is_live());
        }
    }

    #[test]
    fn the_built_in_curve_is_linear_in_days() {
        let config = Config::load(None, &crate::config::Env::default()).expect("the built-in files");
        let rates = market(&config).expect("a curve").rates;
        let zero = |days: f64| rates.zero(days / 365.0);
        assert_eq!((zero(1.0), zero(400.0)), (0.0366, 0.037));
        assert!((zero(30.0) - 0.0366).abs() < 1e-12 && (zero(60.5) - 0.0368).abs() < 1e-12);
    }
}
