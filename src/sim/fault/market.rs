//! The market as clients are shown it: quotes without numbers, crossed, or of a while ago.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::domain::instrument::OccParts;
use crate::domain::time::Timestamp;
use crate::domain::{Bar, OptionContract, TradingDate};

use super::super::exchange::{Halt, halted};
use super::super::world::noise::Noise;
use super::super::world::value::TwoSided;
use super::super::world::{Market, Metrics, OptionPrint, Print, Profile, RootChain, parts_of};
use super::Faults;
use super::spec::Fault;

/// A bad quote stays for so long.
const SPELL_MS: i64 = 5_000;

/// A market behind faults. The exchange and the accounts keep the true one.
pub struct Shown {
    pub market: Arc<dyn Market>,
    pub faults: Arc<Faults>,
    /// Quotes of what is halted stand still.
    pub halts: Vec<Halt>,
}

impl Shown {
    /// The instant that is shown instead, and what is wrong with the quote.
    fn of(&self, underlying: &str, symbol: &str, at: Timestamp) -> (Timestamp, Option<Wrong>) {
        let spec = self.faults.spec();
        let at = halted(&self.halts, underlying, at).map_or(at, |halt| halt.from);
        let (mut shown, mut wrong) = (at, None);
        let millis = at.timestamp_millis();
        for (rule, item) in spec.items.iter().enumerate() {
            let noise =
                |span: i64| self.faults.draw(rule, 0, millis.div_euclid(span).unsigned_abs()).named(symbol);
            match item.fault {
                Fault::StaleQuote { span, rate } => {
                    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
                    if noise(span).uniform() < rate {
                        shown = at - TimeDelta::milliseconds(millis.rem_euclid(span));
                    }
                }
                Fault::NanQuote { rate } if noise(SPELL_MS).uniform() < rate => {
                    wrong = Some(Wrong::Missing(noise(SPELL_MS)));
                }
                Fault::CrossedQuote { rate } if noise(SPELL_MS).uniform() < rate => {
                    wrong = wrong.or(Some(Wrong::Crossed));
                }
                _ => {}
            }
        }
        (shown, wrong)
    }
}

#[derive(Debug, Clone, Copy)]
enum Wrong {
    Missing(Noise),
    Crossed,
}

impl Wrong {
    fn spoil(self, quote: &mut TwoSided) {
        match self {
            Self::Missing(noise) => {
                let which = noise.of(1).uniform();
                if which < 0.7 {
                    quote.bid = f64::NAN;
                }
                if which > 0.3 {
                    quote.ask = f64::NAN;
                }
                quote.bid_size = f64::NAN;
            }
            Self::Crossed => {
                let (bid, ask) = (quote.bid, quote.ask);
                quote.bid = ask + 0.05;
                quote.ask = bid;
            }
        }
    }
}

impl Market for Shown {
    fn underlyings(&self) -> Vec<String> {
        self.market.underlyings()
    }

    fn canary(&self) -> String {
        self.market.canary()
    }

    fn profile(&self, symbol: &str) -> Option<Profile> {
        self.market.profile(symbol)
    }

    fn print(&self, symbol: &str, at: Timestamp) -> Option<Print> {
        let (at, wrong) = self.of(symbol, symbol, at);
        let mut print = self.market.print(symbol, at)?;
        if let (Some(wrong), Some(quote)) = (wrong, &mut print.quote) {
            wrong.spoil(quote);
        }
        Some(print)
    }

    fn bars(&self, symbol: &str, from: TradingDate, at: Timestamp) -> Vec<Bar> {
        self.market.bars(symbol, from, at)
    }

    fn chain(&self, symbol: &str, at: Timestamp) -> Vec<RootChain> {
        self.market.chain(symbol, at)
    }

    fn contract(&self, parts: &OccParts) -> Option<OptionContract> {
        self.market.contract(parts)
    }

    fn option(&self, parts: &OccParts, at: Timestamp) -> Option<OptionPrint> {
        let contract = self.market.contract(parts)?;
        let (at, wrong) = self.of(contract.underlying.as_str(), &name_of(&contract), at);
        let mut print = self.market.option(parts, at)?;
        if let Some(wrong) = wrong {
            wrong.spoil(&mut print.quote);
            if let (Wrong::Missing(_), Some(value)) = (wrong, &mut print.value) {
                (value.delta, value.gamma) = (f64::NAN, f64::NAN);
            }
        }
        Some(print)
    }

    fn metrics(&self, symbol: &str, at: Timestamp) -> Option<Metrics> {
        self.market.metrics(symbol, at)
    }
}

/// One draw for a contract, however a client spells it.
fn name_of(contract: &OptionContract) -> String {
    let parts = parts_of(contract);
    format!("{} {} {:?} {}", parts.root, parts.expiry, parts.right, parts.strike.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::seeded::SeededWorld;

    fn shown(spec: &str) -> (Shown, Timestamp) {
        let anchor = TradingDate::from_ymd_opt(2026, 11, 20).expect("a date");
        let world = SeededWorld::new(7, anchor);
        let at = world.paths().anchor_instant() + TimeDelta::minutes(90);
        let faults = Arc::new(Faults::new(7, spec.parse().expect("a plan")));
        (Shown { market: Arc::new(world), faults, halts: Vec::new() }, at)
    }

    fn quote(market: &Shown, at: Timestamp) -> TwoSided {
        market.print("SPY", at).expect("a print").quote.expect("a quote")
    }

    #[test]
    fn quotes_are_missing_crossed_or_of_a_while_ago() {
        let (market, at) = shown("crossed-quote:1");
        let crossed = quote(&market, at);
        assert!(crossed.bid > crossed.ask, "{crossed:?}");
        let (market, at) = shown("nan-quote:1");
        let missing = quote(&market, at);
        assert!(missing.bid.is_nan() || missing.ask.is_nan(), "{missing:?}");
        let (market, at) = shown("stale-quote:60s:1");
        let minute = at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(60_000));
        let seen: Vec<f64> = (0..60).map(|s| quote(&market, minute + TimeDelta::seconds(s)).bid).collect();
        assert!(seen.iter().all(|bid| *bid == seen[0]));
        let true_ones: Vec<f64> = (0..60)
            .map(|s| {
                let print = market.market.print("SPY", minute + TimeDelta::seconds(s)).expect("a print");
                print.quote.expect("a quote").bid
            })
            .collect();
        assert!(true_ones.iter().any(|bid| *bid != true_ones[0]), "the market itself has moved");
    }
}
