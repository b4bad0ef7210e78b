//! A simple Reg-T style requirement per underlying, good enough for balances that look right.
//!
//! Never: an authority; the cockpit has its own margin rules.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;

use crate::domain::time::Timestamp;
use crate::domain::{Instrument, Right, TradingDate};

use super::world::Market;
use super::world::book::{AccountBook, BookPosition, held, market_value};

struct OpenOption {
    right: Right,
    strike: f64,
    expiry: TradingDate,
    contracts: f64,
    mark: f64,
}

/// Requirement by underlying: first for shares, second for options.
pub fn by_underlying(
    market: &dyn Market,
    account: &AccountBook,
    at: Timestamp,
) -> BTreeMap<String, (f64, f64)> {
    let mut groups: BTreeMap<String, Vec<&BookPosition>> = BTreeMap::new();
    for line in held(&account.positions, at) {
        groups.entry(line.instrument.underlying().to_string()).or_default().push(line);
    }
    groups
        .into_iter()
        .map(|(underlying, lines)| {
            let requirement = group(market, account.is_ira, &underlying, &lines, at);
            (underlying, requirement)
        })
        .collect()
}

fn group(
    market: &dyn Market,
    is_ira: bool,
    underlying: &str,
    lines: &[&BookPosition],
    at: Timestamp,
) -> (f64, f64) {
    let spot = market.print(underlying, at).map_or(0.0, |p| p.last);
    let (mut shares, mut shares_value) = (0.0, 0.0);
    let (mut longs, mut shorts): (Vec<OpenOption>, Vec<OpenOption>) = (Vec::new(), Vec::new());
    for line in lines {
        let quantity = line.quantity.to_f64().unwrap_or(0.0);
        match &line.instrument {
            Instrument::Equity(_) | Instrument::Index(_) => {
                shares += quantity;
                shares_value += market_value(market, line, at).unwrap_or(0.0);
            }
            Instrument::Option(c) => {
                let option = OpenOption {
                    right: c.right,
                    strike: c.strike.to_f64().unwrap_or(0.0),
                    expiry: c.expiry,
                    contracts: quantity.abs(),
                    mark: market.mark(&line.instrument, at).map_or(0.0, |m| m.0),
                };
                if quantity > 0.0 { longs.push(option) } else { shorts.push(option) }
            }
        }
    }
    let mut sides = spreads(&mut shorts, &mut longs, (shares.max(0.0) / 100.0).floor());
    for short in &shorts {
        let side = sides.entry(short.expiry).or_default();
        let slot = usize::from(short.right == Right::Call);
        let out = (short.right.sign() * (short.strike - spot)).max(0.0);
        let naked = if is_ira && short.right == Right::Put {
            short.strike
        } else {
            let floor = if short.right == Right::Put { short.strike } else { spot };
            short.mark + (0.2 * spot - out).max(0.1 * floor)
        };
        side[slot] += 100.0 * short.contracts * naked;
    }
    let options = sides.values().map(|[puts, calls]| puts.max(*calls)).sum();
    let stock_rate = if is_ira { 1.0 } else { 0.5 };
    (shares_value.abs() * stock_rate, options)
}

/// What covered shorts need, puts and calls of each expiry; what is left in `shorts` is covered by nothing. `cover` are
/// the calls that shares stand behind.
fn spreads(
    shorts: &mut [OpenOption],
    longs: &mut [OpenOption],
    mut cover: f64,
) -> BTreeMap<TradingDate, [f64; 2]> {
    // The greater side of each expiry counts, as in an iron condor.
    let mut sides: BTreeMap<TradingDate, [f64; 2]> = BTreeMap::new();
    // The short that is nearest to the money first: it takes the nearest cover that is left, of its own expiry before
    // a later one. Not always the least that is possible, but what a trader put together stays together.
    let first =
        |a: &OpenOption, b: &OpenOption| (a.right.sign() * a.strike).total_cmp(&(b.right.sign() * b.strike));
    shorts.sort_by(|a, b| a.expiry.cmp(&b.expiry).then(first(a, b)));
    for short in shorts.iter_mut().filter(|short| short.right == Right::Call) {
        let covered = cover.min(short.contracts);
        cover -= covered;
        short.contracts -= covered;
    }
    for same_expiry in [true, false] {
        for short in shorts.iter_mut() {
            longs.sort_by(|a, b| (a.strike - short.strike).abs().total_cmp(&(b.strike - short.strike).abs()));
            let covers = |long: &&mut OpenOption| {
                let in_time =
                    if same_expiry { long.expiry == short.expiry } else { long.expiry >= short.expiry };
                long.right == short.right && in_time
            };
            for long in longs.iter_mut().filter(covers) {
                let paired = long.contracts.min(short.contracts);
                let width = (short.right.sign() * (long.strike - short.strike)).max(0.0);
                let slot = usize::from(short.right == Right::Call);
                sides.entry(short.expiry).or_default()[slot] += 100.0 * paired * width;
                long.contracts -= paired;
                short.contracts -= paired;
            }
        }
    }
    sides
}

/// Dollars of an account: what its positions tie up, and what is left for options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    pub required: f64,
    pub available: f64,
}

/// Cash and shares, less what is tied up. Premium received stands in the cash, premium paid has left it; long
/// options lend nothing.
pub fn available(cash: f64, shares: f64, required: f64) -> f64 {
    cash + shares - required
}

pub fn power(market: &dyn Market, account: &AccountBook, at: Timestamp) -> Power {
    let required: f64 =
        by_underlying(market, account, at).values().map(|(shares, options)| shares + options).sum();
    let shares: f64 = held(&account.positions, at)
        .filter(|line| line.instrument.option().is_none())
        .filter_map(|line| market_value(market, line, at))
        .sum();
    Power { required, available: available(account.cash.to_f64().unwrap_or(0.0), shares, required) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_of_two_expiries_do_not_take_each_others_cover() {
        let day = |day| TradingDate::from_ymd_opt(2026, 12, day).unwrap();
        let put =
            |strike, expiry| OpenOption { right: Right::Put, strike, expiry, contracts: 1.0, mark: 0.0 };
        let (early, late) = (day(18), day(31));
        let mut shorts = [put(640.0, early), put(650.0, late)];
        let mut longs = [put(635.0, early), put(645.0, late)];
        let sides = spreads(&mut shorts, &mut longs, 0.0);
        assert_eq!(sides, BTreeMap::from([(early, [500.0, 0.0]), (late, [500.0, 0.0])]));
        assert!(shorts.iter().all(|short| short.contracts == 0.0));
        // A calendar keeps its own beside a spread of its later expiry.
        let call = |strike, expiry| OpenOption { right: Right::Call, ..put(strike, expiry) };
        let mut shorts = [call(670.0, early), call(710.0, late)];
        let mut longs = [call(670.0, late), call(715.0, late)];
        let sides = spreads(&mut shorts, &mut longs, 0.0);
        assert_eq!(sides, BTreeMap::from([(early, [0.0, 0.0]), (late, [0.0, 500.0])]));
        // Of one expiry as well, and a later one covers what is left.
        let mut shorts = [put(640.0, early), put(650.0, early)];
        let mut longs = [put(635.0, early), put(645.0, late)];
        assert_eq!(spreads(&mut shorts, &mut longs, 0.0)[&early], [1_500.0, 0.0]);
        let mut shorts = [put(640.0, early), put(650.0, early)];
        let mut longs = [put(635.0, early), put(645.0, early)];
        assert_eq!(spreads(&mut shorts, &mut longs, 0.0)[&early], [1_000.0, 0.0]);
    }
}
