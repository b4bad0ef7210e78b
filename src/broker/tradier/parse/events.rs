//! Messages of the market stream → updates.

use crate::broker::tradier::wire::MarketEvent;
use crate::broker::values::{instant, positive_price, price};
use crate::domain::{Instrument, Timestamp};
use crate::market::update::{DaySummary, Epoch, MarketUpdate, RawQuote, RawTrade, Source};

use super::market::size;

/// `None` for messages that are not about an instrument's present.
pub fn update(
    instrument: &Instrument,
    event: &MarketEvent,
    epoch: Epoch,
    received: Timestamp,
) -> Option<MarketUpdate> {
    let source = Source::Stream(epoch);
    let own = || instrument.clone();
    Some(match event.kind.as_str() {
        "quote" => MarketUpdate::Quote {
            instrument: own(),
            quote: RawQuote {
                bid: price(&event.bid),
                ask: positive_price(&event.ask),
                bid_size: size(instrument, &event.bidsz),
                ask_size: size(instrument, &event.asksz),
                at: instant(&event.biddate).max(instant(&event.askdate)),
                received,
            },
            source,
        },
        "trade" => MarketUpdate::Trade {
            instrument: own(),
            trade: RawTrade { price: positive_price(&event.price), at: instant(&event.date), received },
            source,
        },
        "summary" => MarketUpdate::Summary {
            instrument: own(),
            summary: DaySummary {
                previous_close: positive_price(&event.prev_close),
                open: positive_price(&event.open),
                high: positive_price(&event.high),
                low: positive_price(&event.low),
                open_interest: None,
                ..DaySummary::default()
            },
            source,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shapes of docs.tradier.com, "Streaming Market Data": numbers as such and as texts, instants as texts.
    #[test]
    fn numbers_come_as_such_and_as_texts() {
        let spy = super::super::instrument("SPY").expect("an instrument");
        let now = chrono::DateTime::from_timestamp_millis(1_795_187_040_000).expect("an instant");
        let read = |json: &str| update(&spy, &serde_json::from_str(json).expect("a message"), Epoch(3), now);
        let told = read(
            r#"{"type":"quote","symbol":"SPY","bid":281.84,"bidsz":60,"bidexch":"M","biddate":"1557757189000",
               "ask":"281.85","asksz":"6","askexch":"Z","askdate":"1557757190000"}"#,
        );
        let Some(MarketUpdate::Quote { quote, source, .. }) = told else { panic!("{told:?}") };
        assert_eq!(
            (quote.bid_size, quote.ask_size, source),
            (Some(6000.0), Some(600.0), Source::Stream(Epoch(3)))
        );
        assert_eq!(quote.at.map(|at| at.timestamp_millis()), Some(1_557_757_190_000));
        let told = read(
            r#"{"type":"trade","symbol":"SPY","price":"281.85","date":"1557757190000","last":"281.85"}"#,
        );
        let Some(MarketUpdate::Trade { trade, .. }) = told else { panic!("{told:?}") };
        assert_eq!(trade.price.map(|price| price.to_string()), Some("281.85".into()));
        let told = read(r#"{"type":"summary","symbol":"SPY","open":null,"prevClose":"288.1"}"#);
        let Some(MarketUpdate::Summary { summary, .. }) = told else { panic!("{told:?}") };
        assert_eq!(summary.previous_close.map(|price| price.to_string()), Some("288.1".into()));
        assert_eq!(read(r#"{"type":"timesale","symbol":"SPY","last":"282.09"}"#), None);
        let empty = read(r#"{"type":"quote","bid":null,"ask":{}}"#);
        let Some(MarketUpdate::Quote { quote, .. }) = empty else { panic!("{empty:?}") };
        assert_eq!((quote.bid, quote.ask, quote.at), (None, None, None));
    }
}
