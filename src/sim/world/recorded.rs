//! A recorded market: chains as they stood on their day, standing still. What the files do not say is
//! left out.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::instrument::{OccParts, is_index};
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::units::{PerDay, PerRatePercent, PerVolPoint};
use crate::domain::{Bar, OptionContract, Price, Right, Settlement, Symbol, TradingDate};
use crate::market::chain_file::{ChainFile, ChainRow};
use crate::market::history_file::BarsBySymbol;

use super::days;
use super::listing::{ExpiryKind, Listed};
use super::value::{TwoSided, Value, expiry_instant, years_to};
use super::{Market, Metrics, OptionPrint, Print, Profile, RootChain};

/// The file says which day it is; this is the time of that day that its quotes stand for.
const HOUR: u32 = 15;
const BENCHMARK: &str = "SPY";

type Key = (Symbol, TradingDate, Decimal, Right);

#[derive(Debug, Clone)]
struct Day {
    spot: f64,
    rows: BTreeMap<Key, ChainRow>,
}

#[derive(Debug, Clone)]
pub struct RecordedWorld {
    /// Per underlying, per day.
    days: BTreeMap<String, BTreeMap<TradingDate, Day>>,
    history: BarsBySymbol,
}

/// After expiry, exercise and assignment, with a moment to look at what they did.
const EVENING: (u32, u32) = (18, 30);
/// A moment before the opening; by then the morning's bookings are done.
const MORNING: (u32, u32) = (9, 25);

fn morning_of(date: TradingDate) -> Timestamp {
    days::at(date, MORNING.0, MORNING.1)
}

/// Where the clock of a recorded market starts: the afternoon of its first day.
pub fn recorded_start(chains: &[ChainFile]) -> Option<Timestamp> {
    chains.iter().map(|c| c.date).min().map(|date| days::at(date, HOUR, 0))
}

impl RecordedWorld {
    /// Refuses an empty recording, and a chain that does not let its spot be known.
    pub fn new(chains: Vec<ChainFile>, history: BarsBySymbol) -> Result<Self, String> {
        let mut by_underlying: BTreeMap<String, BTreeMap<TradingDate, Day>> = BTreeMap::new();
        for chain in chains {
            let rows: BTreeMap<Key, ChainRow> =
                chain.rows.into_iter().filter_map(|row| Some((key_of(&row)?, row))).collect();
            let spot = chain.spot.or_else(|| spot_from_parity(&rows));
            let Some(spot) = spot else {
                return Err(format!("the chain of {} on {} has no spot", chain.underlying, chain.date));
            };
            by_underlying
                .entry(chain.underlying.to_string())
                .or_default()
                .insert(chain.date, Day { spot, rows });
        }
        if by_underlying.is_empty() {
            return Err("there is no chain in it".to_owned());
        }
        Ok(Self { days: by_underlying, history })
    }

    /// The latest recorded day that has come; before the first, the first.
    fn day(&self, symbol: &str, at: Timestamp) -> Option<(TradingDate, &Day)> {
        let days = self.days.get(symbol)?;
        let today = new_york_date(at);
        let found = days.range(..=today).next_back().or_else(|| days.first_key_value());
        found.map(|(date, day)| (*date, day))
    }

    fn history_of(&self, symbol: &str) -> &[Bar] {
        Symbol::new(symbol).ok().and_then(|s| self.history.get(&s)).map_or(&[], Vec::as_slice)
    }

    /// Closes known before a date: nothing of the day itself, which is not over.
    fn bars_before(&self, symbol: &str, date: TradingDate) -> &[Bar] {
        let bars = self.history_of(symbol);
        &bars[..bars.partition_point(|b| b.date < date)]
    }

    fn realised(&self, symbol: &str, date: TradingDate, count: usize) -> Option<f64> {
        let bars = self.bars_before(symbol, date);
        let closes = &bars[bars.len().checked_sub(count + 1)?..];
        let returns: Vec<f64> = closes.windows(2).map(|w| (w[1].close / w[0].close).ln()).collect();
        Some((moments(&returns, &returns)? * 252.0).sqrt())
    }

    /// Of daily returns on common dates of the last year.
    fn beta(&self, symbol: &str, date: TradingDate) -> Option<f64> {
        let closes = |s: &str| -> BTreeMap<TradingDate, f64> {
            self.bars_before(s, date).iter().rev().take(253).map(|b| (b.date, b.close)).collect()
        };
        let (own, market) = (closes(symbol), closes(BENCHMARK));
        let common: Vec<(f64, f64)> = own.iter().filter_map(|(d, c)| Some((*c, *market.get(d)?))).collect();
        let returns = |pick: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            common.windows(2).map(|w| (pick(&w[1]) / pick(&w[0])).ln()).collect()
        };
        let (own, market) = (returns(|p| p.0), returns(|p| p.1));
        if own.len() < 60 {
            return None;
        }
        Some(moments(&own, &market)? / moments(&market, &market)?)
    }

    /// At-the-money volatility per expiration, as the file has it.
    fn expirations(&self, day: &Day, at: Timestamp) -> Vec<(TradingDate, Settlement, f64)> {
        let today = new_york_date(at);
        let mut best: BTreeMap<(TradingDate, bool), (f64, Vec<f64>)> = BTreeMap::new();
        for ((_, expiry, strike, _), row) in &day.rows {
            let (Some(iv), Some(k), Some(contract)) = (row.iv, strike.to_f64(), row.instrument.option())
            else {
                continue;
            };
            if *expiry <= today || !(0.01..4.0).contains(&iv) {
                continue;
            }
            let gap = (k - day.spot).abs();
            let entry = best
                .entry((*expiry, contract.settlement == Settlement::Am))
                .or_insert_with(|| (f64::INFINITY, Vec::new()));
            if gap < entry.0 - 1e-9 {
                *entry = (gap, vec![iv]);
            } else if gap < entry.0 + 1e-9 {
                entry.1.push(iv);
            }
        }
        best.into_iter()
            .filter(|(_, (gap, _))| *gap < 0.05 * day.spot)
            .map(|((expiry, am), (_, ivs))| {
                let settlement = if am { Settlement::Am } else { Settlement::Pm };
                (expiry, settlement, ivs.iter().sum::<f64>() / ivs.len() as f64)
            })
            .collect()
    }
}

fn key_of(row: &ChainRow) -> Option<Key> {
    let c = row.instrument.option()?;
    Some((c.root.clone(), c.expiry, c.strike.normalize(), c.right))
}

fn mid(row: &ChainRow) -> Option<f64> {
    let (bid, ask) = (row.bid?.to_f64(), row.ask?.to_f64());
    (bid > 0.0 && ask >= bid).then_some(0.5 * (bid + ask))
}

/// Strike plus call less put, where the two are nearest to each other.
fn spot_from_parity(rows: &BTreeMap<Key, ChainRow>) -> Option<f64> {
    let first = rows.keys().map(|k| k.1).min()?;
    rows.iter()
        .filter(|((_, expiry, _, right), _)| *expiry == first && *right == Right::Call)
        .filter_map(|((root, expiry, strike, _), call)| {
            let put = rows.get(&(root.clone(), *expiry, *strike, Right::Put))?;
            let gap = mid(call)? - mid(put)?;
            Some((gap.abs(), strike.to_f64()? + gap))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, spot)| spot)
}

/// Sample covariance.
fn moments(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len();
    if n < 2 || b.len() != n {
        return None;
    }
    let count = n as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    Some(a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum::<f64>() / (count - 1.0))
}

/// Total variance, linear in time, at thirty days; expiries of less than a week say little and are left out.
pub fn thirty_day_iv(expirations: &[(TradingDate, Settlement, f64)], at: Timestamp) -> Option<f64> {
    let target = 30.0 / 365.0;
    let points: Vec<(f64, f64)> = expirations
        .iter()
        .map(|(date, settlement, iv)| (years_to(expiry_instant(*date, *settlement), at), *iv))
        .filter(|(t, _)| *t > 7.0 / 365.0)
        .collect();
    let before = points.iter().filter(|p| p.0 <= target).max_by(|a, b| a.0.total_cmp(&b.0));
    let after = points.iter().filter(|p| p.0 > target).min_by(|a, b| a.0.total_cmp(&b.0));
    match (before, after) {
        (Some((t1, v1)), Some((t2, v2))) => {
            let (w1, w2) = (v1 * v1 * t1, v2 * v2 * t2);
            let w = w1 + (w2 - w1) * (target - t1) / (t2 - t1);
            Some((w / target).sqrt())
        }
        (Some((_, v)), None) | (None, Some((_, v))) => Some(*v),
        (None, None) => None,
    }
}

impl Market for RecordedWorld {
    fn underlyings(&self) -> Vec<String> {
        let mut names: Vec<String> = self.days.keys().cloned().collect();
        let further = self.history.keys().map(ToString::to_string);
        names.extend(further.filter(|s| !self.days.contains_key(s)));
        names
    }

    /// Between two recorded days there is nothing to see once the night's bookings are done.
    fn goes_on_at(&self, now: Timestamp) -> Option<Timestamp> {
        let today = new_york_date(now);
        let recorded = || self.days.values().flat_map(BTreeMap::keys).copied();
        let before = recorded().filter(|date| *date <= today).max()?;
        let next = recorded().filter(|date| *date > today).min();
        // The morning of a recorded day belongs to the night before it.
        let (before, next) = match next {
            _ if before == today && now < morning_of(today) => {
                (recorded().filter(|d| *d < today).max()?, today)
            }
            Some(next) => (before, next),
            None => return None,
        };
        (now >= days::at(before, EVENING.0, EVENING.1)).then(|| morning_of(next))
    }

    fn canary(&self) -> String {
        self.days.keys().find(|s| !is_index(s)).cloned().unwrap_or_default()
    }

    fn profile(&self, symbol: &str) -> Option<Profile> {
        let known = self.days.contains_key(symbol) || !self.history_of(symbol).is_empty();
        known.then(|| Profile {
            description: symbol.to_owned(),
            listed_market: "UNKNOWN".to_owned(),
            is_index: is_index(symbol),
            is_etf: false,
            has_options: self.days.contains_key(symbol),
            sector: None,
            beta: None,
            dividend: None,
            dividends_per_year: 0.0,
        })
    }

    fn print(&self, symbol: &str, at: Timestamp) -> Option<Print> {
        let today = new_york_date(at);
        let (session, last, is_close_before) = match self.day(symbol, at) {
            Some((date, day)) => (date, day.spot, false),
            // Known by its history only: the close of the day before. An older one is no price.
            None => self
                .bars_before(symbol, today)
                .last()
                .filter(|bar| bar.date == days::session_before(today))
                .map(|bar| (today, bar.close, true))?,
        };
        // Files record no market in the underlying itself: the narrowest one that holds the spot.
        let quote = (!is_index(symbol) && self.days.contains_key(symbol)).then(|| {
            let bid = (last * 100.0 + 1e-6).floor() / 100.0;
            TwoSided { bid, ask: bid + 0.01, bid_size: f64::NAN, ask_size: f64::NAN }
        });
        let before = self.bars_before(symbol, session);
        let year: Vec<f64> = before.iter().rev().take(252).map(|b| b.close).collect();
        let year_range = (year.len() >= 200)
            .then(|| year.iter().fold((f64::INFINITY, 0.0_f64), |(lo, hi), c| (lo.min(*c), hi.max(*c))));
        Some(Print {
            last,
            is_close_before,
            quote,
            session,
            day: None,
            previous_close: before
                .last()
                .filter(|bar| bar.date == days::session_before(session))
                .map(|bar| (bar.close, bar.date)),
            volume: None,
            year_range,
        })
    }

    fn bars(&self, symbol: &str, from: TradingDate, at: Timestamp) -> Vec<Bar> {
        let today = new_york_date(at);
        self.bars_before(symbol, today).iter().filter(|b| b.date >= from).copied().collect()
    }

    fn chain(&self, symbol: &str, at: Timestamp) -> Vec<RootChain> {
        let Some((_, day)) = self.day(symbol, at) else { return Vec::new() };
        let today = new_york_date(at);
        let mut roots: BTreeMap<Symbol, BTreeMap<TradingDate, (Settlement, Vec<Decimal>)>> = BTreeMap::new();
        for ((root, expiry, strike, _), row) in &day.rows {
            let Some(contract) = row.instrument.option().filter(|_| *expiry >= today) else { continue };
            let listed = roots.entry(root.clone()).or_default().entry(*expiry);
            let (_, strikes) = listed.or_insert_with(|| (contract.settlement, Vec::new()));
            // Rows come ascending by strike; a strike has one or two of them.
            if strikes.last() != Some(strike) {
                strikes.push(*strike);
            }
        }
        let kind = |date: TradingDate| {
            use chrono::Datelike;
            let monthly = days::third_friday(date.year(), date.month()) == Some(date);
            if monthly { ExpiryKind::Regular } else { ExpiryKind::Weekly }
        };
        roots
            .into_iter()
            .map(|(root, expiries)| RootChain {
                root,
                listed: expiries
                    .into_iter()
                    .map(|(expiry, (settlement, strikes))| Listed {
                        expiry,
                        kind: kind(expiry),
                        settlement,
                        strikes,
                    })
                    .collect(),
            })
            .collect()
    }

    fn contract(&self, parts: &OccParts) -> Option<OptionContract> {
        let key: Key = (parts.root.clone(), parts.expiry, parts.strike.normalize(), parts.right);
        self.days
            .values()
            .flat_map(BTreeMap::values)
            .find_map(|day| day.rows.get(&key))
            .and_then(|row| row.instrument.option().cloned())
    }

    fn option(&self, parts: &OccParts, at: Timestamp) -> Option<OptionPrint> {
        let contract = self.contract(parts)?;
        let (_, day) = self.day(contract.underlying.as_str(), at)?;
        let row = day.rows.get(&key_of_parts(parts))?;
        // An empty bid is one that nobody makes; an empty ask is unknown.
        let quote = TwoSided {
            bid: row.bid.map_or(0.0, Price::to_f64),
            ask: row.ask.map_or(f64::NAN, Price::to_f64),
            bid_size: f64::NAN,
            ask_size: f64::NAN,
        };
        let known = |v: Option<f64>| v.unwrap_or(f64::NAN);
        let value = row.iv.zip(row.delta).map(|(iv, delta)| Value {
            price: quote.mid(),
            iv,
            delta,
            gamma: known(row.gamma),
            theta: PerDay(known(row.theta)),
            vega: PerVolPoint(known(row.vega)),
            rho: PerRatePercent(known(row.rho)),
        });
        Some(OptionPrint { contract, quote, value, previous_close: None, open_interest: row.open_interest })
    }

    fn metrics(&self, symbol: &str, at: Timestamp) -> Option<Metrics> {
        let (date, day) = match self.day(symbol, at) {
            Some((date, day)) => (date, Some(day)),
            None if self.history_of(symbol).is_empty() => return None,
            None => (new_york_date(at), None),
        };
        let expirations = day.map(|d| self.expirations(d, at)).unwrap_or_default();
        Some(Metrics {
            iv_index: thirty_day_iv(&expirations, at),
            historical_30: self.realised(symbol, date, 30),
            historical_60: self.realised(symbol, date, 60),
            historical_90: self.realised(symbol, date, 90),
            beta: self.beta(symbol, date),
            expirations,
            ..Metrics::default()
        })
    }
}

fn key_of_parts(parts: &OccParts) -> Key {
    (parts.root.clone(), parts.expiry, parts.strike.normalize(), parts.right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{chain_file, history_file};

    const CHAIN: &str = "quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,volume,open_interest,iv,delta,gamma,theta,vega,rho,osi
2026-08-21,XLF,52.40,XLF,2026-09-11,52,C,0.90,0.95,0.9,10,100,0.16,0.58,0.1,-0.02,0.05,0.01,x
2026-08-21,XLF,52.40,XLF,2026-09-11,52,P,0.40,0.45,0.4,10,100,0.18,-0.42,0.1,-0.02,0.05,0.01,x
2026-08-21,XLF,52.40,XLF,2026-10-16,52,C,1.70,1.80,,,,0.20,0.56,,,,,x
2026-08-21,XLF,52.40,XLF,2026-10-16,60,C,,0.02,,,,,,,,,,x
";
    const HISTORY: &str =
        "date,symbol,close\n2026-08-19,XLF,52.0\n2026-08-20,XLF,52.2\n2026-08-21,XLF,53.0\n";

    fn world() -> (RecordedWorld, Timestamp) {
        let chain = chain_file::read(CHAIN.as_bytes(), None).expect("a chain");
        let history = history_file::read(HISTORY.as_bytes(), history_file::Closes::Traded).expect("bars");
        let at = recorded_start(std::slice::from_ref(&chain)).expect("a day");
        (RecordedWorld::new(vec![chain], history).expect("a world"), at)
    }

    #[test]
    fn quotes_stand_as_recorded_and_what_is_missing_stays_missing() {
        let (world, at) = world();
        assert_eq!(at, days::at("2026-08-21".parse().expect("a date"), 15, 0));
        let parts = |expiry: &str, strike: i64| OccParts {
            root: Symbol::new("XLF").expect("a symbol"),
            expiry: expiry.parse().expect("a date"),
            right: Right::Call,
            strike: Decimal::from(strike),
        };
        let near = world.option(&parts("2026-09-11", 52), at).expect("listed");
        assert_eq!((near.quote.bid, near.quote.ask), (0.90, 0.95));
        assert!((near.value.expect("recorded Greeks").delta - 0.58).abs() < 1e-12);
        let far = world.option(&parts("2026-10-16", 60), at).expect("listed");
        assert_eq!((far.quote.bid, far.quote.ask, far.value), (0.0, 0.02, None));
        assert!(world.option(&parts("2026-10-16", 99), at).is_none());
        let print = world.print("XLF", at).expect("known");
        // The close of the day itself is not known in its afternoon.
        assert_eq!(print.previous_close.map(|c| c.0), Some(52.2));
        assert_eq!(world.bars("XLF", TradingDate::MIN, at).len(), 2);
    }

    #[test]
    fn between_recorded_days_a_clock_goes_on_from_the_evening_to_the_morning() {
        let chain = |date: &str| {
            chain_file::read(CHAIN.replace("2026-08-21,XLF", &format!("{date},XLF")).as_bytes(), None)
                .expect("a chain")
        };
        let chains = vec![chain("2026-08-21"), chain("2026-08-25")];
        let world = RecordedWorld::new(chains, BarsBySymbol::new()).expect("a world");
        let at = |day: u32, hour: u32, minute: u32| {
            days::at(TradingDate::from_ymd_opt(2026, 8, day).expect("a date"), hour, minute)
        };
        for open in [at(21, 15, 0), at(21, 18, 29), at(25, 9, 25), at(25, 12, 0)] {
            assert_eq!(world.goes_on_at(open), None, "{open}");
        }
        // A weekend, and a session that nobody recorded.
        for night in [at(21, 18, 30), at(22, 2, 0), at(24, 12, 0), at(25, 9, 24)] {
            assert_eq!(world.goes_on_at(night), Some(at(25, 9, 25)), "{night}");
        }
        for over in [at(25, 18, 30), at(27, 0, 0)] {
            assert_eq!(world.goes_on_at(over), None, "after the last day time goes as it goes");
        }
    }

    #[test]
    fn a_name_without_a_chain_has_its_close_before_and_nothing_of_the_day() {
        let (world, at) = world();
        let mut history = world.history.clone();
        let bars = history.values().next().cloned().expect("bars");
        history.insert(Symbol::new("TLT").expect("a symbol"), bars);
        let world = RecordedWorld { history, ..world };
        let print = world.print("TLT", at).expect("known by its history");
        assert!(print.is_close_before);
        assert_eq!((print.last, print.previous_close.map(|c| c.0)), (52.2, Some(52.2)));
        assert_eq!((print.quote, print.session), (None, new_york_date(at)));
        assert!(!world.print("XLF", at).expect("known").is_close_before, "its chain is of the day");
    }

    #[test]
    fn metrics_come_from_the_chain_itself() {
        let (world, at) = world();
        let metrics = world.metrics("XLF", at).expect("known");
        let ivs: Vec<f64> = metrics.expirations.iter().map(|e| e.2).collect();
        assert!(ivs.len() == 2 && (ivs[0] - 0.17).abs() < 1e-12 && (ivs[1] - 0.20).abs() < 1e-12, "{ivs:?}");
        let iv30 = metrics.iv_index.expect("two expiries");
        assert!((0.17..0.20).contains(&iv30), "{iv30}");
        assert_eq!((metrics.iv_rank, metrics.beta, metrics.historical_30), (None, None, None));
    }

    #[test]
    fn a_recording_without_a_spot_is_refused_unless_parity_gives_it() {
        let no_spot = CHAIN.replace(",52.40,", ",,");
        let chain = chain_file::read(no_spot.as_bytes(), None).expect("a chain");
        let world = RecordedWorld::new(vec![chain], BarsBySymbol::new()).expect("parity gives it");
        let at = days::at("2026-08-21".parse().expect("a date"), 15, 0);
        assert!((world.print("XLF", at).expect("known").last - 52.5).abs() < 1e-9);
        assert!(RecordedWorld::new(Vec::new(), BarsBySymbol::new()).is_err());
    }
}
