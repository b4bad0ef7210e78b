//! Snapshot quotes, metrics and the session.

use crate::broker::tastytrade::wire::market as wire;
use crate::broker::values::{positive_price, price};
use crate::domain::report::{MarketSession, SessionState};
use crate::domain::time::new_york_date;
use crate::domain::{Instrument, Symbol, Timestamp};
use crate::market::update::{DaySummary, MarketUpdate, RawQuote, RawTrade, Source, UnderlyingMetrics};

/// What one row says about its instrument: quote, last price and the day.
pub fn snapshot(instrument: &Instrument, wire: &wire::MarketData, received: Timestamp) -> [MarketUpdate; 3] {
    let at = wire.updated_at.0;
    [
        MarketUpdate::Quote {
            instrument: instrument.clone(),
            quote: RawQuote {
                bid: price(&wire.bid),
                ask: positive_price(&wire.ask),
                bid_size: wire.bid_size.f64(),
                ask_size: wire.ask_size.f64(),
                at,
                received,
            },
            source: Source::Read,
        },
        MarketUpdate::Trade {
            instrument: instrument.clone(),
            // An index has no trades outside hours, only the value the broker marks it at.
            trade: RawTrade {
                price: positive_price(&wire.last).or_else(|| match instrument {
                    Instrument::Index(_) => positive_price(&wire.mark),
                    Instrument::Equity(_) | Instrument::Option(_) => None,
                }),
                at,
                received,
            },
            source: Source::Read,
        },
        MarketUpdate::Summary {
            instrument: instrument.clone(),
            summary: DaySummary {
                previous_close: positive_price(&wire.prev_close),
                open: positive_price(&wire.open),
                high: positive_price(&wire.day_high_price),
                low: positive_price(&wire.day_low_price),
                open_interest: wire.open_interest.f64(),
                halted: wire.is_trading_halted.0,
                trading_if_within: None,
            },
            source: Source::Read,
        },
    ]
}

/// Dates that have passed are not "next", however often they are sent.
pub fn metrics(wire: &wire::Metrics, now: Timestamp) -> Option<UnderlyingMetrics> {
    let today = new_york_date(now);
    let next_ex_date = [wire.dividend_next_date.0, wire.dividend_ex_date.0]
        .into_iter()
        .flatten()
        .find(|date| *date >= today);
    let mut expirations: Vec<_> = wire
        .option_expiration_implied_volatilities
        .good
        .iter()
        .filter_map(|row| Some((row.expiration_date.0?, row.implied_volatility.f64().filter(|v| *v > 0.0)?)))
        .collect();
    expirations.sort_by_key(|(date, _)| *date);
    expirations.dedup_by_key(|(date, _)| *date);
    Some(UnderlyingMetrics {
        symbol: Symbol::new(wire.symbol.as_str()).ok()?,
        iv_index: wire.implied_volatility_index.f64(),
        iv_rank: wire.implied_volatility_index_rank.f64(),
        iv_percentile: wire.implied_volatility_percentile.f64(),
        beta: wire.beta.f64(),
        dividend_yield: wire.dividend_yield.f64(),
        next_ex_date,
        next_dividend: positive_price(&wire.dividend_rate_per_share).map(|amount| amount.0),
        next_earnings: wire
            .earnings
            .as_ref()
            .and_then(|earnings| earnings.expected_report_date.0)
            .filter(|date| *date >= today),
        expirations,
        at: wire.updated_at.0,
    })
}

pub fn session(wire: &wire::Session, now: Timestamp) -> MarketSession {
    let state = match wire.state.as_str() {
        "Open" => SessionState::Open,
        "Closed" => SessionState::Closed,
        "Pre-market" => SessionState::PreMarket,
        // One word for both ends of the day.
        "Extended" if wire.open_at.0.is_some_and(|open| now < open) => SessionState::PreMarket,
        "Extended" => SessionState::AfterHours,
        _ => SessionState::Unknown,
    };
    let next = wire.next_session.as_ref();
    MarketSession {
        state,
        open_at: wire.open_at.0,
        close_at: wire.close_at.0,
        next_open_at: next.and_then(|next| next.open_at.0),
        next_date: next.and_then(|next| next.session_date.0),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone, Utc};

    use super::*;
    use crate::domain::Price;

    fn noon() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 11, 20, 17, 0, 0).single().expect("an instant")
    }

    #[test]
    fn a_zero_bid_is_a_bid_but_a_zero_ask_or_close_is_none() {
        let wire: wire::MarketData =
            serde_json::from_str(r#"{"symbol":"F","bid":"0.0","ask":0,"last":"NaN","prev-close":"0.0"}"#)
                .expect("a row");
        let equity = Instrument::Equity(Symbol::new("F").expect("a symbol"));
        let [quote, trade, summary] = snapshot(&equity, &wire, noon());
        let MarketUpdate::Quote { quote, .. } = quote else { panic!("{quote:?}") };
        assert_eq!((quote.bid, quote.ask, quote.bid_size), (Some(Price::default()), None, None));
        let MarketUpdate::Trade { trade, .. } = trade else { panic!("{trade:?}") };
        assert_eq!(trade.price, None);
        let MarketUpdate::Summary { summary, .. } = summary else { panic!("{summary:?}") };
        assert_eq!(summary, DaySummary::default());
    }

    #[test]
    fn metrics_stay_fractions_and_dates_gone_by_are_not_next() {
        let wire: wire::Metrics = serde_json::from_str(
            r#"{"symbol":"SPY","implied-volatility-index":"0.171204","implied-volatility-index-rank":0.3141,
               "implied-volatility-30-day":"16.9","dividend-next-date":"2022-12-18","dividend-ex-date":"2026-12-18",
               "earnings":{"expected-report-date":"2026-10-29"},
               "option-expiration-implied-volatilities":[
                 {"expiration-date":"2027-01-15","implied-volatility":"0.18"},
                 {"expiration-date":"2026-12-18","implied-volatility":"0.1664"},
                 {"expiration-date":"2027-02-19"}]}"#,
        )
        .expect("metrics");
        let metrics = metrics(&wire, noon()).expect("metrics");
        assert_eq!((metrics.iv_index, metrics.iv_rank), (Some(0.171204), Some(0.3141)));
        assert_eq!(metrics.next_ex_date, NaiveDate::from_ymd_opt(2026, 12, 18));
        assert_eq!(metrics.next_earnings, None);
        assert_eq!(metrics.expirations.iter().map(|(_, iv)| *iv).collect::<Vec<_>>(), [0.1664, 0.18]);
    }

    #[test]
    fn extended_hours_are_told_apart_by_the_open() {
        let read = |open: &str| {
            let json = format!(r#"{{"state":"Extended","open-at":"{open}","next-session":null}}"#);
            session(&serde_json::from_str(&json).expect("a session"), noon()).state
        };
        assert_eq!(read("2026-11-20T18:30:00.000+00:00"), SessionState::PreMarket);
        assert_eq!(read("2026-11-20T14:30:00.000+00:00"), SessionState::AfterHours);
    }
}
