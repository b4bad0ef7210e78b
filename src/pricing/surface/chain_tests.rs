//! Recorded chains: every expiry gets a slice, nearly all of them a curve without arbitrage.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::*;
use crate::domain::Right;
use crate::numerics::optional_data;
use crate::pricing::implied_vol;
use crate::pricing::svi::SmileQuote;

const RATE: f64 = 0.045;
/// Of one chain: enough to meet every kind of slice, in the time of a test.
const MOST_EXPIRIES: usize = 8;

type Pair = [Option<(f64, f64)>; 2];
type Expiries = BTreeMap<NaiveDate, BTreeMap<u64, Pair>>;

/// Bid and ask of call and put by strike in tenths of a cent, by expiry; one root.
fn chain(name: &str) -> Option<(NaiveDate, Expiries)> {
    let text = optional_data::text(&format!("data/chains/{name}"))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().expect("headers").clone();
    let column = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let [day, root, expiry, strike, right, bid, ask] =
        ["quote_date", "root", "expiration", "strike", "right", "bid", "ask"].map(column);
    let mut expiries: Expiries = BTreeMap::new();
    let mut quote_date = NaiveDate::MIN;
    for record in reader.records() {
        let record = record.expect("a record");
        if &record[root] == "SPX" {
            continue;
        }
        quote_date = record[day].parse().expect("a date");
        let number = |at: usize| record[at].parse::<f64>().unwrap_or(f64::NAN);
        let side = usize::from(&record[right] == "P");
        let strikes = expiries.entry(record[expiry].parse().expect("a date")).or_default();
        let key = (number(strike) * 1_000.0).round() as u64;
        strikes.entry(key).or_default()[side] = Some((number(bid), number(ask)));
    }
    Some((quote_date, expiries))
}

fn mid((bid, ask): (f64, f64)) -> f64 {
    0.5 * (bid + ask)
}

/// By parity at the three strikes where call and put are worth most nearly the same.
fn forward(strikes: &BTreeMap<u64, Pair>, growth: f64) -> Option<f64> {
    let mut near: Vec<(f64, f64)> = strikes
        .iter()
        .filter_map(|(strike, pair)| {
            let [Some(call), Some(put)] = *pair else { return None };
            (call.0 > 0.0 && put.0 > 0.0 && call.1 > 0.0 && put.1 > 0.0)
                .then(|| (mid(call) - mid(put), *strike as f64 / 1_000.0))
        })
        .collect();
    near.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    near.truncate(3);
    let mut forwards: Vec<f64> = near.iter().map(|(gap, strike)| strike + growth * gap).collect();
    forwards.sort_by(f64::total_cmp);
    (forwards.len() == 3).then(|| forwards[1])
}

fn smile(strikes: &BTreeMap<u64, Pair>, forward: f64, years: f64) -> Vec<SmileQuote> {
    let vol = |right, price: f64, strike: f64| {
        implied_vol(right, price, forward * (-RATE * years).exp(), strike, RATE, 0.0, years).ok()
    };
    strikes
        .iter()
        .filter_map(|(key, pair)| {
            let strike = *key as f64 / 1_000.0;
            let (right, quote) =
                if strike < forward { (Right::Put, pair[1]?) } else { (Right::Call, pair[0]?) };
            let (bid, ask) = quote;
            let nothing = bid.is_nan() || ask.is_nan();
            let wide = ask - bid > (0.5 * mid(quote)).max(0.10);
            if nothing || bid <= 0.0 || ask < bid || mid(quote) < 0.03 || wide {
                return None;
            }
            let (at_bid, at_mid, at_ask) =
                (vol(right, bid, strike), vol(right, mid(quote), strike)?, vol(right, ask, strike)?);
            Some(SmileQuote {
                log_moneyness: (strike / forward).ln(),
                vol: at_mid,
                spread: at_ask - at_bid.unwrap_or(0.0),
            })
        })
        .collect()
}

#[test]
fn recorded_chains_have_curves_without_arbitrage() {
    let (mut curves, mut eligible, mut slices) = (0, 0, 0);
    let mut errors = Vec::new();
    for name in ["SPY_2025-05-06.csv.gz", "AAPL_2026-08-20_1006.csv.gz", "XLF_2026-08-21.csv.gz"] {
        let Some((day, expiries)) = chain(name) else { return };
        let mut built: Vec<Slice> = Vec::new();
        for (expiry, strikes) in expiries.iter().take(MOST_EXPIRIES) {
            let days = (*expiry - day).num_days();
            let years = days as f64 / 365.0;
            let Some(forward) = forward(strikes, (RATE * years).exp()).filter(|_| days >= 1) else {
                continue;
            };
            let quotes = smile(strikes, forward, years);
            let below = quotes.iter().filter(|quote| quote.log_moneyness < 0.0).count();
            let enough = quotes.len() >= 8 && below >= 3 && quotes.len() - below >= 3;
            let Some(slice) = Slice::of(forward, years, &quotes, built.last(), built.last()) else {
                assert!(quotes.is_empty(), "{name} {expiry}");
                continue;
            };
            slices += 1;
            eligible += usize::from(enough);
            if let (Shape::Svi(curve), SliceQuality::Svi { error_in_spreads, .. }) =
                (slice.shape(), slice.quality())
            {
                curves += 1;
                errors.push(error_in_spreads);
                assert!(curve.is_free_of_butterflies(), "{name} {expiry}");
            }
            let vols: Vec<f64> = (-60..=60).map(|i| slice.vol(f64::from(i) * 0.01)).collect();
            assert!(vols.iter().all(|vol| *vol > 0.005 && *vol < 8.0), "{name} {expiry}: {vols:?}");
            let rises: Vec<f64> =
                (25..=200).map(|i| slice.probability_below(forward * f64::from(i) * 0.01)).collect();
            if matches!(slice.shape(), Shape::Svi(_)) {
                assert!(rises.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9), "{name} {expiry}");
            }
            built.push(slice);
        }
    }
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    assert!(slices >= 20, "{slices}");
    assert!(curves * 10 >= eligible * 8, "{curves} curves of {eligible}");
    assert!(median < 1.2, "{median}");
}
