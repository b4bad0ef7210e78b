//! The made-up market: twelve names, deterministic in (seed, anchor date, instant).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rust_decimal::prelude::ToPrimitive;

use crate::domain::instrument::OccParts;
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Bar, OptionContract, Settlement, Symbol, TradingDate};

use super::days;
use super::listing::{self, Listed};
use super::names::{Expiries, NAMES, Name, position_of};
use super::noise::Noise;
use super::path::Paths;
use super::value::{Surface, TwoSided, cents, quote_around, size_noise};
use super::{Market, Metrics, OptionPrint, Print, Profile, RootChain};

#[derive(Debug, Clone)]
pub struct SeededWorld {
    paths: Paths,
    noise: Noise,
    /// Closing mids already worked out: they do not change, and an American one costs time.
    closes: Arc<Mutex<HashMap<(String, Timestamp), f64>>>,
}

/// Beyond so many the memory of closes starts anew.
const MOST_CLOSES: usize = 20_000;

impl SeededWorld {
    pub fn new(seed: u64, anchor: TradingDate) -> Self {
        let noise = Noise::new(seed).named("world");
        Self { paths: Paths::new(seed, anchor), noise, closes: Arc::default() }
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    fn name(symbol: &str) -> Option<&'static Name> {
        position_of(symbol).map(|n| &NAMES[n])
    }

    pub fn surface(&self, symbol: &str, at: Timestamp) -> Option<Surface<'static>> {
        let name = Self::name(symbol)?;
        let vix = self.paths.spot("VIX", at)?;
        let anchor_vix = position_of("VIX").map(|n| NAMES[n].level)?;
        Some(Surface { name, at, spot: self.paths.spot(symbol, at)?, stress: (vix / anchor_vix).ln() })
    }

    /// Strikes hang on the close before, so that a list stands still through the day.
    pub fn strikes(&self, name: &Name, at: Timestamp) -> Vec<rust_decimal::Decimal> {
        let reference = self.paths.previous_close(name.symbol, at).map_or(name.level, |c| c.0);
        listing::strikes(name, reference)
    }

    /// The mid of a contract at the end of a session.
    fn close(&self, contract: &OptionContract, name: &Name, at: Timestamp) -> Option<f64> {
        let key = (contract.streamer(), at);
        let memo = || self.closes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memo().get(&key) {
            return Some(*known);
        }
        let value = self.surface(contract.underlying.as_str(), at)?.value(contract);
        let mid = quote_around(&value, name, contract.root.as_str(), self.noise).mid();
        let mut memo = memo();
        if memo.len() >= MOST_CLOSES {
            memo.clear();
        }
        memo.insert(key, mid);
        Some(mid)
    }

    fn realised(&self, symbol: &str, at: Timestamp, sessions: usize) -> Option<f64> {
        let closes = self.paths.recent_log_closes(symbol, at, sessions + 1);
        let returns: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).collect();
        if returns.len() < sessions {
            return None;
        }
        let count = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / count;
        let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Some((variance * 252.0).sqrt())
    }

    /// Where today's volatility stands between a low and a high that put the tabled rank at the anchor.
    fn iv_rank(name: &Name, iv30: f64) -> f64 {
        let low = 0.78 * name.iv30;
        let high = low + (name.iv30 - low) / name.iv_rank;
        (iv30 - low) / (high - low)
    }
}

impl Market for SeededWorld {
    fn underlyings(&self) -> Vec<String> {
        NAMES.iter().map(|n| n.symbol.to_owned()).collect()
    }

    fn profile(&self, symbol: &str) -> Option<Profile> {
        let name = Self::name(symbol)?;
        Some(Profile {
            description: name.description.to_owned(),
            listed_market: name.market.to_owned(),
            is_index: name.is_index,
            is_etf: name.is_etf,
            has_options: name.expiries != Expiries::None,
            sector: (!name.sector.is_empty()).then(|| name.sector.to_owned()),
            beta: (!matches!(name.symbol, "VIX" | "VIX3M")).then_some(name.beta),
            dividend: (name.dividend > 0.0).then_some(name.dividend),
            dividends_per_year: name.dividends_per_year(),
        })
    }

    fn print(&self, symbol: &str, at: Timestamp) -> Option<Print> {
        let name = Self::name(symbol)?;
        let spot = self.paths.spot(symbol, at)?;
        let (_, session) = self.paths.session_at(at);
        let quote = (!name.is_index).then(|| {
            let half = 0.005_f64.max(spot * 0.000_012 * name.spread);
            let size = size_noise(self.noise, symbol, at);
            let bid = cents(((spot - half) * 100.0).round() / 100.0);
            let ask = cents(((spot + half) * 100.0).round() / 100.0).max(cents(bid + 0.01));
            let lots = |n: Noise| (100.0 * (1.0 + 12.0 * n.uniform()).floor()).round();
            TwoSided { bid, ask, bid_size: lots(size.of(1)), ask_size: lots(size.of(2)) }
        });
        let volume = (!name.is_index && at >= session.open).then(|| {
            let busy = 0.7
                + 0.6
                    * self
                        .noise
                        .named(symbol)
                        .of(session.date.to_epoch_days().unsigned_abs().into())
                        .uniform();
            let open_for = (at.min(session.close) - session.open).num_seconds() as f64;
            let length = (session.close - session.open).num_seconds() as f64;
            (name.volume * busy * open_for / length).round()
        });
        Some(Print {
            last: cents(spot),
            is_close_before: false,
            quote,
            session: session.date,
            day: self.paths.day_range(symbol, at),
            previous_close: self.paths.previous_close(symbol, at).map(|(p, d)| (cents(p), d)),
            volume,
            year_range: self.paths.year_range(symbol, at),
        })
    }

    fn bars(&self, symbol: &str, from: TradingDate, at: Timestamp) -> Vec<Bar> {
        self.paths.bars(symbol, from, at)
    }

    fn chain(&self, symbol: &str, at: Timestamp) -> Vec<RootChain> {
        let Some(name) = Self::name(symbol) else { return Vec::new() };
        let Ok(root) = Symbol::new(symbol) else { return Vec::new() };
        let strikes = self.strikes(name, at);
        let listed: Vec<Listed> = listing::expirations(name, new_york_date(at))
            .into_iter()
            .map(|(expiry, kind, settlement)| Listed { expiry, kind, settlement, strikes: strikes.clone() })
            .collect();
        if listed.is_empty() { Vec::new() } else { vec![RootChain { root, listed }] }
    }

    fn contract(&self, parts: &OccParts) -> Option<OptionContract> {
        let name = Self::name(parts.root.as_str())?;
        let on_grid = {
            let steps = parts.strike.to_f64()? / name.fine_step;
            (steps - steps.round()).abs() < 1e-9 && steps > 0.0
        };
        let settlement = match name.expiries {
            Expiries::None => return None,
            Expiries::Volatility => Settlement::Am,
            Expiries::Daily | Expiries::Weekly => Settlement::Pm,
        };
        if !on_grid || days::session(parts.expiry).is_none() {
            return None;
        }
        listing::contract(name.symbol, settlement, parts)
    }

    fn option(&self, parts: &OccParts, at: Timestamp) -> Option<OptionPrint> {
        let contract = self.contract(parts)?;
        let symbol = contract.underlying.as_str();
        let root = contract.root.as_str();
        let name = Self::name(symbol)?;
        // Quotes stand still while the market is closed, and so does the time value in them.
        let at = self.paths.last_trading_instant(at);
        let surface = self.surface(symbol, at)?;
        let value = surface.value(&contract);
        let key = contract.streamer();
        let quote = quote_around(&value, name, root, size_noise(self.noise, &key, at));
        let (previous_date, _) = self.paths.previous_close(symbol, at).map(|(p, d)| (d, p))?;
        let previous_instant = days::session(previous_date)?.close;
        let before = self.close(&contract, name, previous_instant)?;
        let near = 4.0 * value.delta.abs() * (1.0 - value.delta.abs());
        let interest = self.noise.named(&key).uniform() * (50.0 + 30_000.0 * near * name.volume / 70e6);
        Some(OptionPrint {
            contract,
            quote,
            value: Some(value),
            previous_close: Some(cents(before)),
            open_interest: Some(interest.round()),
        })
    }

    fn metrics(&self, symbol: &str, at: Timestamp) -> Option<Metrics> {
        let name = Self::name(symbol)?;
        let at = self.paths.last_trading_instant(at);
        let surface = self.surface(symbol, at)?;
        let iv = surface.iv30();
        let week_ago = self.surface(symbol, at - chrono::TimeDelta::days(7))?.iv30();
        let today = new_york_date(at);
        let traded = name.expiries != Expiries::None;
        let pays = name.dividend > 0.0;
        let annual = name.dividend * name.dividends_per_year();
        let rank = Self::iv_rank(name, iv);
        Some(Metrics {
            iv_index: traded.then_some(iv),
            iv_index_5_day_change: traded.then_some(iv - week_ago),
            iv_rank: traded.then_some(rank),
            iv_percentile: traded.then_some((0.12 + 1.05 * rank).clamp(0.0, 1.0)),
            historical_30: self.realised(symbol, at, 30),
            historical_60: self.realised(symbol, at, 60),
            historical_90: self.realised(symbol, at, 90),
            beta: (!name.is_index).then_some(name.beta),
            correlation: (!name.is_index).then(|| {
                let market = name.beta * 0.105;
                market / (market.powi(2) + name.own_vol.powi(2)).sqrt().max(1e-9)
            }),
            dividend: pays.then_some(name.dividend),
            annual_dividend: pays.then_some(annual),
            dividend_yield: pays.then(|| annual / surface.spot),
            last_ex_date: name.last_ex_date(today),
            next_ex_date: name.next_ex_date(today),
            next_earnings: name.next_earnings(today),
            expirations: listing::expirations(name, today)
                .into_iter()
                .filter(|(d, _, _)| *d > today)
                .map(|(d, _, s)| (d, s, surface.atm_iv(d, s)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Right;
    use chrono::{NaiveDate, TimeDelta};
    use proptest::prelude::*;

    fn world(seed: u64) -> SeededWorld {
        SeededWorld::new(seed, NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date"))
    }

    #[test]
    fn the_whole_listed_market_is_uncrossed_and_parity_holds_at_the_money() {
        let world = world(7);
        let at = world.paths().anchor_instant();
        for symbol in world.underlyings() {
            for chain in world.chain(&symbol, at) {
                for listed in chain.listed.iter().step_by(3) {
                    let surface = world.surface(&symbol, at).expect("a surface");
                    let forward = surface.forward(listed.expiry, listed.settlement);
                    for strike in listed.strikes.iter().step_by(5) {
                        let side = |right| {
                            let parts = OccParts {
                                root: chain.root.clone(),
                                expiry: listed.expiry,
                                right,
                                strike: *strike,
                            };
                            world.option(&parts, at).expect("listed contracts have a market")
                        };
                        let (call, put) = (side(Right::Call), side(Right::Put));
                        for q in [call.quote, put.quote] {
                            assert!(q.bid >= 0.0 && q.ask > q.bid, "{symbol} {strike} {q:?}");
                        }
                        let k = strike.to_f64().expect("finite");
                        if (k / forward - 1.0).abs() < 0.03 {
                            let expiry =
                                super::super::value::expiry_instant(listed.expiry, listed.settlement);
                            let t = super::super::value::years_to(expiry, at);
                            let fair = (forward - k) * (-super::super::value::RATE * t).exp();
                            let gap = call.value.expect("v").price - put.value.expect("v").price - fair;
                            // The right to exercise early is worth something to the put alone, at most the
                            // interest on the strike.
                            let interest = k * (1.0 - (-super::super::value::RATE * t).exp());
                            let early = if symbol.as_str() == "XSP" { 0.0 } else { 0.3 * interest };
                            let slack = 0.02 + 0.003 * forward;
                            assert!(
                                gap < slack && gap > -slack - early,
                                "{symbol} {} {k} {gap}",
                                listed.expiry
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn at_the_money_volatility_is_what_the_metrics_say() {
        let world = world(7);
        let at = world.paths().anchor_instant();
        let metrics = world.metrics("SPY", at).expect("SPY");
        assert!((metrics.iv_index.expect("known") - 0.138).abs() < 1e-9);
        assert!((metrics.iv_rank.expect("known") - 0.23).abs() < 1e-9);
        let near_30 = metrics
            .expirations
            .iter()
            .min_by_key(|(d, _, _)| ((*d - new_york_date(at)).num_days() - 30).abs())
            .expect("expirations");
        assert!((near_30.2 - 0.138).abs() < 0.004, "{near_30:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn same_seed_and_instant_same_market(seed in 0u64..1_000, minutes in 0i64..20_000, ms in 0i64..60_000) {
            let (a, b) = (world(seed), world(seed));
            let at = a.paths().anchor_instant() + TimeDelta::minutes(minutes) + TimeDelta::milliseconds(ms);
            // The second world is asked something else first: nothing may depend on the order of questions.
            let _ = b.print("NVDA", at - TimeDelta::hours(1));
            prop_assert_eq!(a.print("SPY", at), b.print("SPY", at));
            let chain = a.chain("QQQ", at);
            let listed = &chain[0].listed[chain[0].listed.len() / 2];
            let parts = OccParts {
                root: chain[0].root.clone(),
                expiry: listed.expiry,
                right: Right::Put,
                strike: listed.strikes[listed.strikes.len() / 3],
            };
            let (x, y) = (a.option(&parts, at), b.option(&parts, at));
            prop_assert_eq!(&x, &y);
            let quote = x.expect("listed").quote;
            prop_assert!(quote.bid >= 0.0 && quote.ask > quote.bid);
        }
    }
}
