//! What has to be watched for the books as they are, and which questions follow from a step.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::effect::{Effect, Watch};
use super::{Engine, Step};
use crate::domain::{ExerciseStyle, Instrument, OptionContract, Reading, Symbol, Timestamp};

/// History that betas and volatilities are taken from, with room for holidays.
const HISTORY_DAYS: i64 = 400;
/// The spot may move this far before parity is read at other strikes.
const PARITY_MOVE: f64 = 0.02;

impl Engine {
    /// What every step may lead to: a changed watch list, a risk picture that is out of date.
    pub(super) fn follow(&mut self, step: &mut Step, now: Timestamp) {
        if !step.events.is_empty() {
            // The books are about to change: look again when they have.
            return;
        }
        let watch = self.wanted(now);
        if watch != self.watch {
            self.watch = watch.clone();
            self.following += 1;
            step.effects.push(Effect::Watch(watch));
        }
        if let Some(job) = self.risk_job(now) {
            step.effects.push(Effect::Compute(Box::new(job)));
        }
    }

    /// Effects that follow from books which have just changed.
    pub fn after_commit(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut step = Step::default();
        step.effects.extend(self.kill_flag_to_lower());
        self.follow(&mut step, now);
        step.effects
    }

    /// How each watched instrument stands; changes also when nothing arrives.
    pub(super) fn freshness(&self, now: Timestamp) -> Vec<u8> {
        let market = self.market(now);
        let standing = |instrument: &Instrument| match market.mark(instrument) {
            Reading::Live { .. } => 0,
            Reading::Stale { .. } => 1,
            Reading::Unusable { .. } => 2,
        };
        self.watch.instruments.iter().map(standing).collect()
    }

    fn wanted(&mut self, now: Timestamp) -> Watch {
        let mut underlyings: Vec<Symbol> =
            std::iter::once(self.config.benchmark.clone()).chain(self.config.watch.iter().cloned()).collect();
        underlyings.extend(self.books.underlyings());
        underlyings.sort();
        underlyings.dedup();
        let mut instruments: Vec<Instrument> = underlyings.iter().map(Instrument::watched).collect();
        let held = self.books.instruments();
        let mut chains: Vec<Symbol> = held
            .iter()
            .filter_map(Instrument::option)
            .filter(|option| option.style == ExerciseStyle::European)
            .map(|option| option.underlying.clone())
            .collect();
        chains.dedup();
        instruments.extend(self.parity_pairs(&held, now));
        instruments.extend(held);
        instruments.sort();
        instruments.dedup();
        // A day's granularity, so that the list changes once a day at most.
        let since =
            (now - TimeDelta::days(HISTORY_DAYS)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        let since = self.watch.history.first().map_or(since, |(_, known)| *known);
        let history = underlyings.iter().map(|symbol| (symbol.clone(), since)).collect();
        Watch { on: self.streaming, instruments, history, underlyings, chains }
    }

    /// The options around the money that the forward of a held index series is read from. Chosen once and kept
    /// while the spot stays near, so that the subscription does not change with every tick.
    fn parity_pairs(&mut self, held: &BTreeSet<Instrument>, now: Timestamp) -> Vec<Instrument> {
        let european =
            held.iter().filter_map(Instrument::option).filter(|o| o.style == ExerciseStyle::European);
        let mut series: Vec<&OptionContract> = european.collect();
        series.dedup_by(|a, b| a.root == b.root && a.expiry == b.expiry);
        if series.is_empty() {
            return Vec::new();
        }
        let market = self.market(now);
        let mut pairs = Vec::new();
        for contract in series {
            let Some(spot) = market.spot(&contract.underlying).known().copied() else { continue };
            let key = (contract.root.clone(), contract.expiry);
            let near = |(at, _): &(f64, Vec<Instrument>)| (spot / at - 1.0).abs() < PARITY_MOVE;
            if self.parity.get(&key).is_none_or(|known| !near(known) || known.1.is_empty()) {
                self.parity.insert(key.clone(), (spot, market.parity_instruments(contract)));
            }
            pairs.extend(self.parity.get(&key).into_iter().flat_map(|(_, pairs)| pairs.iter().cloned()));
        }
        pairs
    }
}
