//! What must hold of everything that an adapter takes out of foreign bytes, whatever the broker.

use std::collections::BTreeSet;

use chrono::DateTime;

use crate::domain::order::{DryRun, OrderReport};
use crate::domain::report::BrokerPosition;
use crate::domain::time::new_york_date;
use crate::domain::{Bar, Instrument, Money, Price, Timestamp};
use crate::fuzzing::{quotable, spelt, tellable};
use crate::market::update::{MarketUpdate, OptionChain};

pub fn now() -> Timestamp {
    DateTime::from_timestamp_millis(1_795_187_040_000).expect("an instant")
}

pub fn sound_bars(bars: &[Bar]) {
    assert!(bars.windows(2).all(|pair| pair[0].date < pair[1].date), "{bars:?}");
    for bar in bars {
        let prices = [bar.open, bar.high, bar.low, bar.close];
        assert!(prices.iter().all(|price| price.is_finite() && *price > 0.0), "{bar:?}");
    }
}

fn finite(numbers: &[Option<f64>]) {
    assert!(numbers.iter().flatten().all(|number| number.is_finite()), "{numbers:?}");
}

/// An instant that has a date in New York, and a distance from now.
pub fn dated(at: Option<Timestamp>) {
    if let Some(at) = at {
        let days = (new_york_date(at) - new_york_date(now())).num_days();
        assert!((days - (at - now()).num_days()).abs() <= 2, "{at:?}");
    }
}

/// What the books are told of the market can be computed with.
pub fn sound(update: &MarketUpdate) {
    match update {
        MarketUpdate::Quote { quote, .. } => {
            [quote.bid, quote.ask].into_iter().for_each(quotable);
            finite(&[quote.bid_size, quote.ask_size]);
            dated(quote.at);
        }
        MarketUpdate::Trade { trade, .. } => {
            quotable(trade.price);
            dated(trade.at);
        }
        MarketUpdate::Summary { summary, .. } => {
            let prices = [summary.previous_close, summary.open, summary.high, summary.low];
            prices.into_iter().for_each(quotable);
            finite(&[summary.open_interest]);
        }
        MarketUpdate::Greeks { greeks: g, .. } => {
            finite(&[g.price, g.volatility, g.delta, g.gamma, g.theta, g.vega, g.rho]);
            dated(g.at);
        }
        MarketUpdate::Metrics(metrics) => {
            let m = metrics;
            finite(&[m.iv_index, m.iv_rank, m.iv_percentile, m.beta, m.dividend_yield]);
            quotable(m.next_dividend.map(Price));
            assert!(m.expirations.windows(2).all(|pair| pair[0].0 < pair[1].0), "{m:?}");
            assert!(m.expirations.iter().all(|(_, vol)| vol.is_finite() && *vol > 0.0), "{m:?}");
            dated(m.at);
        }
        MarketUpdate::Bars { bars, .. } => sound_bars(bars),
    }
}

pub fn sound_chain(chain: &OptionChain) {
    for expiration in &chain.expirations {
        assert!(expiration.strikes.windows(2).all(|pair| pair[0].strike < pair[1].strike), "{expiration:?}");
        for strike in &expiration.strikes {
            spelt(&strike.call);
            spelt(&strike.put);
        }
    }
}

/// Sums and products of these are money.
pub fn sound_position(position: &BrokerPosition) {
    spelt(&position.instrument);
    [position.average_open_price, position.close_price].into_iter().for_each(quotable);
    assert!(position.instrument.multiplier() > 0);
    let price = position.average_open_price.unwrap_or_default();
    let worth = price.times(position.quantity, position.instrument.multiplier());
    assert!((worth + worth).to_f64().is_finite());
    dated(position.created_at);
}

/// What an order reports can be summed, and each fill is itself.
pub fn sound_order(report: &OrderReport) {
    [report.received_at, report.updated_at].into_iter().for_each(dated);
    report.reject_reason.iter().for_each(|why| tellable(why));
    let _ = (report.is_filled(), report.has_fills());
    let mut ids = BTreeSet::new();
    for leg in &report.legs {
        leg.instrument.iter().for_each(spelt);
        for fill in &leg.fills {
            quotable(Some(fill.price));
            let worth =
                fill.price.times(fill.quantity, leg.instrument.as_ref().map_or(1, Instrument::multiplier));
            assert!(worth.to_f64().is_finite() && !fill.id.0.chars().any(char::is_control));
            dated(fill.at);
            assert!(ids.insert(&fill.id), "{report:?}");
        }
    }
}

pub fn sound_money(amounts: &[Option<Money>]) {
    let sum: Money = amounts.iter().flatten().copied().cycle().take(400).sum();
    assert!(sum.to_f64().is_finite());
}

pub fn sound_dry_run(run: &DryRun) {
    sound_money(&[run.buying_power_change, run.buying_power_after, run.margin_change, run.fees]);
    run.warnings.iter().chain(&run.errors).for_each(|message| tellable(&message.text));
}
