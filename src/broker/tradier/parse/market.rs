//! Quotes with Greeks, chains, daily bars, the clock and the calendar.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;

use crate::broker::fields::{Many, Num, Text};
use crate::broker::tradier::wire;
use crate::broker::values::{instant, positive_price, price};
use crate::domain::report::{MarketSession, SessionState};
use crate::domain::time::{new_york, new_york_date};
use crate::domain::{Bar, Instrument, Right, Symbol, Timestamp, TradingDate};
use crate::market::update::{
    BrokerGreeks, ChainStrike, DaySummary, Expiration, Increment, MarketUpdate, OptionChain, RawQuote,
    RawTrade, Source,
};

/// What one row says about its instrument: quote, last price, the day, and an option's Greeks. What traded `within` so
/// long is not halted.
pub fn snapshot(
    instrument: &Instrument,
    wire: &wire::Quote,
    received: Timestamp,
    within: Duration,
) -> Vec<MarketUpdate> {
    let source = Source::Read;
    let traded = instant(&wire.trade_date);
    let mut updates = vec![
        MarketUpdate::Quote {
            instrument: instrument.clone(),
            quote: RawQuote {
                bid: price(&wire.bid),
                ask: positive_price(&wire.ask),
                bid_size: size(instrument, &wire.bidsize),
                ask_size: size(instrument, &wire.asksize),
                at: instant(&wire.bid_date).max(instant(&wire.ask_date)),
                received,
            },
            source,
        },
        MarketUpdate::Trade {
            instrument: instrument.clone(),
            trade: RawTrade { price: positive_price(&wire.last), at: traded, received },
            source,
        },
        MarketUpdate::Summary {
            instrument: instrument.clone(),
            summary: DaySummary {
                previous_close: positive_price(&wire.prevclose),
                open: positive_price(&wire.open),
                high: positive_price(&wire.high),
                low: positive_price(&wire.low),
                open_interest: wire.open_interest.f64(),
                halted: None,
                trading_if_within: Some(within),
            },
            source,
        },
    ];
    updates.extend(greeks(instrument, wire, received));
    updates
}

/// Computed by ORATS once an hour, in its units: vega and rho for a point, theta for a day (its data dictionary);
/// Tradier names none. As sent: which units they are in is found out where they are compared.
pub fn greeks(instrument: &Instrument, wire: &wire::Quote, received: Timestamp) -> Option<MarketUpdate> {
    let told = wire.greeks.0.as_ref().filter(|_| instrument.option().is_some())?;
    let volatility = [&told.smv_vol, &told.mid_iv].into_iter().filter_map(Num::f64).find(|v| *v > 0.0);
    Some(MarketUpdate::Greeks {
        instrument: instrument.clone(),
        greeks: BrokerGreeks {
            price: None,
            volatility,
            delta: told.delta.f64(),
            gamma: told.gamma.f64(),
            theta: told.theta.f64(),
            vega: told.vega.f64(),
            rho: told.rho.f64(),
            at: computed(&told.updated_at),
            received,
        },
        source: Source::Read,
    })
}

/// Without a zone: read as UTC it is never younger than it is.
fn computed(text: &Text) -> Option<Timestamp> {
    NaiveDateTime::parse_from_str(text.as_str(), "%Y-%m-%d %H:%M:%S").ok().map(|at| at.and_utc())
}

/// Shares are told in hundreds, contracts one by one (docs.tradier.com, "Quotes").
pub fn size(instrument: &Instrument, wire: &Num) -> Option<f64> {
    let lot = match instrument {
        Instrument::Equity(_) => 100.0,
        Instrument::Index(_) | Instrument::Option(_) => 1.0,
    };
    wire.f64().filter(|size| *size >= 0.0).map(|size| size * lot)
}

/// A chain, and how much of it could not be read.
pub struct ParsedChain {
    pub chain: OptionChain,
    pub unreadable: usize,
}

/// Of all roots' symbols, those of standard contracts. A strike is there where both sides are; two roots that expire
/// on one date keep an expiration each, the one that settles in the morning first.
pub fn chain(underlying: &Symbol, roots: Many<wire::Root>) -> ParsedChain {
    type Sides = BTreeMap<Decimal, (Option<Instrument>, Option<Instrument>)>;
    let mut unreadable = roots.bad;
    let mut listed: BTreeMap<(TradingDate, crate::domain::Settlement, Symbol), Sides> = BTreeMap::new();
    let mut increments = BTreeMap::new();
    for root in roots.good {
        let symbols: Many<Text> = wire::many(root.options);
        unreadable += symbols.bad;
        for symbol in symbols.good {
            let Some(instrument) = super::instrument(symbol.as_str()) else {
                unreadable += 1;
                continue;
            };
            let Some(contract) = instrument.option() else {
                unreadable += 1;
                continue;
            };
            // Adjusted roots are left out: nothing is opened on them.
            if !contract.is_standard() || contract.underlying != *underlying {
                continue;
            }
            if matches!(Instrument::watched(underlying), Instrument::Index(_)) {
                increments.insert(contract.root.clone(), of_an_index());
            }
            let key = (contract.expiry, contract.settlement, contract.root.clone());
            let sides = listed.entry(key).or_default().entry(contract.strike).or_default();
            match contract.right {
                Right::Call => sides.0 = Some(instrument),
                Right::Put => sides.1 = Some(instrument),
            }
        }
    }
    let expirations = listed.into_iter().filter_map(|((date, ..), sides)| {
        let strikes: Vec<ChainStrike> = sides
            .into_iter()
            .filter_map(|(strike, (call, put))| Some(ChainStrike { strike, call: call?, put: put? }))
            .collect();
        (!strikes.is_empty()).then_some(Expiration { date, strikes })
    });
    let chain =
        OptionChain { underlying: underlying.clone(), expirations: expirations.collect(), increments };
    ParsedChain { chain, unreadable }
}

/// Increments are not told. Options on indices are quoted in nickels below three dollars and in dimes above (Cboe's
/// specifications of SPX; a package of them in nickels), and a multiple of these is one of a smaller increment, such as the
/// cent of XSP, too. What options on shares are quoted in is for whoever prices an order to know.
fn of_an_index() -> Vec<Increment> {
    let of = |below, cents| Increment { below, tick: Decimal::new(cents, 2) };
    vec![of(Some(Decimal::from(3)), 5), of(None, 10)]
}

/// Oldest first; a day without its prices is none.
pub fn bars(days: Many<wire::HistoryDay>) -> Vec<Bar> {
    let positive = |number: &Num| number.f64().filter(|price| *price > 0.0 && price.is_finite());
    let bar = |day: &wire::HistoryDay| {
        Some(Bar {
            date: day.date.0?,
            open: positive(&day.open)?,
            high: positive(&day.high)?,
            low: positive(&day.low)?,
            close: positive(&day.close)?,
            volume: day.volume.f64().filter(|volume| *volume >= 0.0),
        })
    };
    let mut bars: Vec<Bar> = days.good.iter().filter_map(bar).collect();
    bars.sort_by_key(|bar| bar.date);
    bars.dedup_by_key(|bar| bar.date);
    bars
}

/// The state is the clock's; the hours are the calendar's, whose times are New York's.
pub fn session(clock: &wire::Clock, days: &[wire::CalendarDay], now: Timestamp) -> MarketSession {
    let today = new_york_date(now);
    let hours = |day: &wire::CalendarDay| {
        let date = day.date.0.filter(|_| day.status.as_str() == "open")?;
        let told = day.open.0.as_ref()?;
        let at = |time: &Text| NaiveTime::parse_from_str(time.as_str(), "%H:%M").ok();
        Some((date, new_york(date, at(&told.start)?), new_york(date, at(&told.end)?)))
    };
    let mut sessions: Vec<_> = days.iter().filter_map(hours).collect();
    sessions.sort_unstable();
    let own = sessions.iter().find(|(date, ..)| *date == today);
    let next = sessions.iter().find(|(date, ..)| *date > today);
    MarketSession {
        state: match clock.state.as_str() {
            "open" => SessionState::Open,
            "premarket" => SessionState::PreMarket,
            "postmarket" => SessionState::AfterHours,
            "closed" => SessionState::Closed,
            _ => SessionState::Unknown,
        },
        open_at: own.map(|(_, open, _)| *open),
        close_at: own.map(|(.., close)| *close),
        next_open_at: next.map(|(_, open, _)| *open),
        next_date: next.map(|(date, ..)| *date),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone, Utc};

    use super::*;
    use crate::domain::{Price, Settlement};

    fn noon() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 11, 20, 17, 0, 0).single().expect("an instant")
    }

    fn quote(symbol: &str, json: &str) -> Vec<MarketUpdate> {
        let wire = serde_json::from_str(json).expect("a row");
        snapshot(
            &super::super::instrument(symbol).expect("an instrument"),
            &wire,
            noon(),
            Duration::from_secs(60),
        )
    }

    #[test]
    fn an_option_row_tells_quote_day_and_greeks_and_a_zero_bid_is_a_bid() {
        let told = quote(
            "SPY261218P00570000",
            r#"{"symbol":"SPY261218P00570000","bid":0.0,"ask":"0.05","bidsize":0,"asksize":12,"last":null,
               "bid_date":1795186800000,"ask_date":"1795186801000","trade_date":0,"prevclose":0.0,"open_interest":140,
               "greeks":{"delta":-0.12,"gamma":0.004,"theta":"-0.031","vega":0.21,"rho":-0.02,"phi":0.1,
               "bid_iv":0.0,"mid_iv":0.181,"ask_iv":0.19,"smv_vol":0.183,"updated_at":"2026-11-20 16:00:02"}}"#,
        );
        let [
            MarketUpdate::Quote { quote, .. },
            MarketUpdate::Trade { trade, .. },
            MarketUpdate::Summary { summary, .. },
            MarketUpdate::Greeks { greeks, .. },
        ] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!((quote.bid, quote.ask), (Some(Price::default()), Some(Price(Decimal::new(5, 2)))));
        assert_eq!((quote.bid_size, quote.ask_size), (Some(0.0), Some(12.0)));
        assert_eq!(quote.at.map(|at| at.timestamp_millis()), Some(1_795_186_801_000));
        assert_eq!((trade.price, trade.at, summary.previous_close), (None, None, None));
        assert_eq!((greeks.delta, greeks.theta, greeks.vega), (Some(-0.12), Some(-0.031), Some(0.21)));
        assert_eq!(greeks.volatility, Some(0.183));
        assert_eq!(greeks.at, Utc.with_ymd_and_hms(2026, 11, 20, 16, 0, 2).single());
    }

    #[test]
    fn no_row_says_that_trading_goes_on_but_how_long_a_trade_speaks_for_it() {
        let told = quote("SPY", &format!(r#"{{"trade_date":{}}}"#, noon().timestamp_millis()));
        let [_, MarketUpdate::Trade { trade, .. }, MarketUpdate::Summary { summary, .. }] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((summary.halted, summary.trading_if_within), (None, Some(Duration::from_secs(60))));
        assert_eq!(trade.at, Some(noon()));
    }

    #[test]
    fn shares_are_told_in_hundreds_and_have_no_greeks() {
        let told = quote("SPY", r#"{"bidsize":3,"asksize":"NaN","greeks":"null"}"#);
        let [MarketUpdate::Quote { quote, .. }, _, _] = &told[..] else { panic!("{told:?}") };
        assert_eq!((quote.bid, quote.bid_size, quote.ask_size), (None, Some(300.0), None));
    }

    #[test]
    fn each_root_keeps_its_own_expiration_and_halves_of_strikes_are_left_out() {
        let symbols = serde_json::json!({"symbols":[
            {"rootSymbol":"SPX","options":"SPX261218C06400000"},
            {"rootSymbol":"SPX","options":["SPX261218P06400000", 7, "SPX261218C06500000"]},
            {"rootSymbol":"SPXW","options":["SPXW261218C06400000","SPXW261218P06400000","rubbish"]},
            {"rootSymbol":"SPX1","options":["SPX1261218C06400000","SPX1261218P06400000"]}, null]});
        let roots = wire::many(symbols["symbols"].clone());
        let parsed = chain(&Symbol::new("SPX").expect("a symbol"), roots);
        let told: Vec<_> = parsed
            .chain
            .expirations
            .iter()
            .map(|one| (one.strikes[0].call.option().expect("an option").settlement, one.strikes.len()))
            .collect();
        assert_eq!(told, [(Settlement::Am, 1), (Settlement::Pm, 1)]);
        assert_eq!(parsed.unreadable, 3, "the number, the rubbish and the root that is none");
        let told: Vec<_> =
            parsed.chain.increments.iter().map(|(root, all)| (root.as_str(), all.len())).collect();
        assert_eq!(told, [("SPX", 2), ("SPXW", 2)]);
    }

    #[test]
    fn the_hours_are_the_calendars_in_new_york() {
        let days: Many<wire::CalendarDay> = wire::many(serde_json::json!([
            {"date":"2026-11-20","status":"open","open":{"start":"09:30","end":"16:00"}},
            {"date":"2026-11-21","status":"closed"}, {"date":"2026-11-27","status":"open","open":{"start":"09:30","end":"13:00"}},
            {"date":"2026-11-23","status":"open","open":{"start":"09:30","end":"16:00"}}, {"date":"2026-11-24","status":"open"}]));
        let clock = |state: &str| wire::Clock { state: Text(Some(state.into())) };
        let told = session(&clock("open"), &days.good, noon());
        assert_eq!(told.state, SessionState::Open);
        assert_eq!(told.close_at, Utc.with_ymd_and_hms(2026, 11, 20, 21, 0, 0).single());
        assert_eq!(told.next_date, NaiveDate::from_ymd_opt(2026, 11, 23));
        assert_eq!(session(&clock("postmarket"), &[], noon()).state, SessionState::AfterHours);
        assert_eq!(session(&clock("halted"), &[], noon()).state, SessionState::Unknown);
    }

    #[test]
    fn bars_are_oldest_first_and_a_day_without_a_price_is_none() {
        let days = wire::many(serde_json::json!([
            {"date":"2026-11-20","open":2,"high":"3","low":1,"close":2.5,"volume":10},
            {"date":"2026-11-19","open":1,"high":2,"low":1,"close":1.5,"volume":null},
            {"date":"2026-11-18","open":1,"high":2,"low":1,"close":0}]));
        let told: Vec<_> =
            bars(days).iter().map(|bar| (bar.date.to_string(), bar.close, bar.volume)).collect();
        assert_eq!(told, [("2026-11-19".into(), 1.5, None), ("2026-11-20".into(), 2.5, Some(10.0))]);
    }
}
