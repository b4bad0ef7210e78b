//! Market-stream events → updates.

use chrono::DateTime;
use rust_decimal::Decimal;

use crate::broker::tastytrade::dxlink::layout::FeedEvent;
use crate::broker::values::plausible;
use crate::domain::{Instrument, Price, Timestamp};
use crate::market::update::{BrokerGreeks, DaySummary, Epoch, MarketUpdate, RawQuote, RawTrade, Source};

/// `None` for events that are not about one instrument's present.
pub fn update(
    instrument: &Instrument,
    event: &FeedEvent,
    epoch: Epoch,
    received: Timestamp,
) -> Option<MarketUpdate> {
    let instrument = instrument.clone();
    let source = Source::Stream(epoch);
    Some(match *event {
        FeedEvent::Quote { bid, ask, bid_size, ask_size, time, .. } => MarketUpdate::Quote {
            instrument,
            quote: RawQuote {
                bid: plausible(bid),
                ask: positive(ask),
                bid_size,
                ask_size,
                at: time.and_then(DateTime::from_timestamp_millis),
                received,
            },
            source,
        },
        FeedEvent::Trade { price, time, .. } => MarketUpdate::Trade {
            instrument,
            trade: RawTrade {
                price: positive(price),
                at: time.and_then(DateTime::from_timestamp_millis),
                received,
            },
            source,
        },
        FeedEvent::Summary { previous_close, open, high, low, open_interest, .. } => MarketUpdate::Summary {
            instrument,
            summary: DaySummary {
                halted: None,
                trading_if_within: None,
                previous_close: positive(previous_close),
                open: positive(open),
                high: positive(high),
                low: positive(low),
                open_interest,
            },
            source,
        },
        FeedEvent::Profile { halted, .. } => MarketUpdate::Summary {
            instrument,
            summary: DaySummary { halted, ..DaySummary::default() },
            source,
        },
        FeedEvent::Greeks { time, price, volatility, delta, gamma, theta, rho, vega, .. } => {
            MarketUpdate::Greeks {
                instrument,
                greeks: BrokerGreeks {
                    price,
                    volatility,
                    delta,
                    gamma,
                    theta,
                    vega,
                    rho,
                    at: time.and_then(DateTime::from_timestamp_millis),
                    received,
                },
                source,
            }
        }
        FeedEvent::Candle(_) => return None,
    })
}

fn positive(value: Option<Decimal>) -> Option<Price> {
    plausible(value).filter(|price| !price.0.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Symbol;

    #[test]
    fn a_missing_size_keeps_the_price_and_a_missing_price_is_none() {
        let spy = Instrument::Equity(Symbol::new("SPY").expect("a symbol"));
        let now = DateTime::from_timestamp_millis(1_795_187_040_000).expect("an instant");
        let event = FeedEvent::Quote {
            symbol: "SPY".into(),
            bid: Some(Decimal::new(65_121, 2)),
            ask: None,
            bid_size: None,
            ask_size: Some(3.0),
            time: None,
        };
        let Some(MarketUpdate::Quote { quote, source, .. }) = update(&spy, &event, Epoch(3), now) else {
            panic!("not a quote")
        };
        assert_eq!(quote.bid.map(|bid| bid.to_string()), Some("651.21".into()));
        assert_eq!((quote.ask, quote.bid_size, quote.at), (None, None, None));
        assert_eq!(source, Source::Stream(Epoch(3)));
        let zero = FeedEvent::Trade { symbol: "SPY".into(), price: Some(Decimal::ZERO), time: None };
        let Some(MarketUpdate::Trade { trade, .. }) = update(&spy, &zero, Epoch(3), now) else {
            panic!("not a trade")
        };
        assert_eq!(trade.price, None);
    }

    #[test]
    fn what_no_share_costs_is_no_price() {
        assert_eq!(plausible(Some(Decimal::MAX)), None);
        assert_eq!(plausible(Some(Decimal::NEGATIVE_ONE)), None);
        assert_eq!(positive(Some(Decimal::ZERO)), None);
        assert_eq!(positive(Some(Decimal::ONE)), Some(Price(Decimal::ONE)));
    }
}
