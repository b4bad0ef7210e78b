//! The files as typed: shapes only, nothing is believed yet. Unknown and repeated keys are refused here.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::domain::TradingDate;

/// `cotrader.yaml`. What is left out has the built-in value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cotrader {
    pub broker: Option<Broker>,
    pub market: Option<Market>,
    pub calendar: Option<Calendar>,
    pub orders: Option<Orders>,
    pub screen: Option<Screen>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Broker {
    pub name: Option<Scalar>,
    pub environment: Option<Scalar>,
    pub base_url: Option<Scalar>,
    pub dxlink_url: Option<Scalar>,
    pub account_stream_url: Option<Scalar>,
    pub stream_url: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Market {
    pub benchmark: Option<Scalar>,
    pub context: Option<Vec<Scalar>>,
    pub watch: Option<Vec<Scalar>>,
    pub rates: Option<Rates>,
    pub dividends: Option<Keyed<Vec<Dividend>>>,
    pub live_data: Option<LiveData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rates {
    pub as_of: TradingDate,
    pub curve: Vec<RatePoint>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RatePoint {
    pub days: u32,
    pub zero: Scalar,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dividend {
    pub ex: TradingDate,
    pub amount: Scalar,
    #[serde(default)]
    pub estimated: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiveData {
    pub link_age_seconds: Option<Scalar>,
    pub quote_age_seconds: Option<Scalar>,
    pub clock_skew_warn_seconds: Option<Scalar>,
    pub clock_skew_block_seconds: Option<Scalar>,
    pub account_refresh_seconds: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calendar {
    pub closed: Option<Vec<TradingDate>>,
    pub early_closes: Option<Vec<TradingDate>>,
    pub fomc: Option<Dated>,
    pub cpi: Option<Dated>,
    pub earnings: Option<Keyed<Dated>>,
    pub without_earnings: Option<Vec<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dated {
    pub dates: Vec<TradingDate>,
    pub unknown_after: TradingDate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orders {
    /// Never taken from the built-in file: it opens trading with real money.
    pub live_trading: Option<Scalar>,
    pub accounts: Option<Vec<Scalar>>,
    pub paper_only: Option<Scalar>,
    pub paper_fill: Option<Scalar>,
    pub reserve: Option<Scalar>,
    pub open_loss: Option<Scalar>,
    pub contracts_per_leg: Option<Scalar>,
    pub contracts_per_order: Option<Scalar>,
    pub notional: Option<Scalar>,
    pub spread: Option<Scalar>,
    pub spread_dollars: Option<Scalar>,
    pub collar_spread: Option<Scalar>,
    pub collar_mid: Option<Scalar>,
    pub collar_ticks: Option<Scalar>,
    pub orders_per_minute: Option<Scalar>,
    pub orders_per_day: Option<Scalar>,
    pub replacements_per_minute: Option<Scalar>,
    pub replacements_per_day: Option<Scalar>,
    pub open_orders: Option<Scalar>,
    pub trade_loss: Option<Keyed<TradeLoss>>,
    pub day_loss: Option<Keyed<Scalar>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TradeLoss {
    pub defined: Option<Scalar>,
    pub undefined: Option<Scalar>,
    pub stock: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Screen {
    pub theme: Option<Scalar>,
    pub colours: Option<Keyed<Scalar>>,
    pub glyphs: Option<Scalar>,
    pub frames_per_second: Option<Scalar>,
    pub keys: Option<Keyed<Scalar>>,
}

impl Cotrader {
    /// These values, and where nothing was typed those of `under`.
    pub(super) fn over(self, under: Self) -> Self {
        let (market, below) = (self.market.unwrap_or_default(), under.market.unwrap_or_default());
        let (live, live_below) = (market.live_data.unwrap_or_default(), below.live_data.unwrap_or_default());
        let (calendar, dates) = (self.calendar.unwrap_or_default(), under.calendar.unwrap_or_default());
        let (orders, allowed) = (self.orders.unwrap_or_default(), under.orders.unwrap_or_default());
        let (screen, shown) = (self.screen.unwrap_or_default(), under.screen.unwrap_or_default());
        Self {
            broker: self.broker.or(under.broker),
            market: Some(Market {
                benchmark: market.benchmark.or(below.benchmark),
                context: market.context.or(below.context),
                watch: market.watch.or(below.watch),
                rates: market.rates.or(below.rates),
                dividends: market.dividends.or(below.dividends),
                live_data: Some(LiveData {
                    link_age_seconds: live.link_age_seconds.or(live_below.link_age_seconds),
                    quote_age_seconds: live.quote_age_seconds.or(live_below.quote_age_seconds),
                    clock_skew_warn_seconds: live
                        .clock_skew_warn_seconds
                        .or(live_below.clock_skew_warn_seconds),
                    clock_skew_block_seconds: live
                        .clock_skew_block_seconds
                        .or(live_below.clock_skew_block_seconds),
                    account_refresh_seconds: live
                        .account_refresh_seconds
                        .or(live_below.account_refresh_seconds),
                }),
            }),
            calendar: Some(Calendar {
                closed: calendar.closed.or(dates.closed),
                early_closes: calendar.early_closes.or(dates.early_closes),
                fomc: calendar.fomc.or(dates.fomc),
                cpi: calendar.cpi.or(dates.cpi),
                earnings: calendar.earnings.or(dates.earnings),
                without_earnings: calendar.without_earnings.or(dates.without_earnings),
            }),
            orders: Some(Orders {
                live_trading: orders.live_trading,
                accounts: orders.accounts,
                paper_only: orders.paper_only.or(allowed.paper_only),
                paper_fill: orders.paper_fill.or(allowed.paper_fill),
                reserve: orders.reserve.or(allowed.reserve),
                open_loss: orders.open_loss.or(allowed.open_loss),
                contracts_per_leg: orders.contracts_per_leg.or(allowed.contracts_per_leg),
                contracts_per_order: orders.contracts_per_order.or(allowed.contracts_per_order),
                notional: orders.notional.or(allowed.notional),
                spread: orders.spread.or(allowed.spread),
                spread_dollars: orders.spread_dollars.or(allowed.spread_dollars),
                collar_spread: orders.collar_spread.or(allowed.collar_spread),
                collar_mid: orders.collar_mid.or(allowed.collar_mid),
                collar_ticks: orders.collar_ticks.or(allowed.collar_ticks),
                orders_per_minute: orders.orders_per_minute.or(allowed.orders_per_minute),
                orders_per_day: orders.orders_per_day.or(allowed.orders_per_day),
                replacements_per_minute: orders.replacements_per_minute.or(allowed.replacements_per_minute),
                replacements_per_day: orders.replacements_per_day.or(allowed.replacements_per_day),
                open_orders: orders.open_orders.or(allowed.open_orders),
                trade_loss: orders.trade_loss.or(allowed.trade_loss),
                day_loss: orders.day_loss.or(allowed.day_loss),
            }),
            screen: Some(Screen {
                theme: screen.theme.or(shown.theme),
                colours: screen.colours.or(shown.colours),
                glyphs: screen.glyphs.or(shown.glyphs),
                frames_per_second: screen.frames_per_second.or(shown.frames_per_second),
                keys: screen.keys.or(shown.keys),
            }),
        }
    }
}

/// `portfolios.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Portfolios {
    pub accounts: Option<Keyed<Account>>,
    pub portfolios: Option<Keyed<Portfolio>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub kind: Option<Scalar>,
    pub capital: Option<Scalar>,
    pub last_four: Option<Scalar>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Portfolio {
    pub name: Option<Scalar>,
    pub account: Option<Scalar>,
    #[serde(default)]
    pub hypothetical: bool,
    #[serde(default)]
    pub warn_only: bool,
    pub capital: Option<Scalar>,
    pub exit: Option<Scalar>,
    pub permitted: Option<Vec<Scalar>>,
    pub limits: Option<Limits>,
    pub preferred: Option<Vec<Scalar>>,
    pub hedge_band: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub beta_delta: Option<Scalar>,
    pub var95: Option<Scalar>,
}

/// One plain value, whatever YAML takes it for, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.trim().to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        from.deserialize_any(Any)
    }
}

/// A mapping with names of the trader's choice: keeps their order, refuses a name twice.
#[derive(Debug)]
pub(super) struct Keyed<T>(pub Vec<(String, T)>);

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Keyed<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names, each with its values below it")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keyed<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Keyed(entries))
            }
        }
        from.deserialize_map(Entries(std::marker::PhantomData))
    }
}
