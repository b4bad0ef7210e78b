//! The forward of an expiry, and all pricing inputs that do not come from the option's own quote.

use std::sync::{Arc, PoisonError};

use chrono::TimeDelta;
use rust_decimal::prelude::ToPrimitive;

use super::{MarketView, Reading};
use crate::domain::{ExerciseStyle, Instrument, OptionContract, Settlement, Symbol, Timestamp, TradingDate};
use crate::market::board::Strikes;
use crate::market::calendar::years_between;
use crate::market::update::ChainStrike;
use crate::pricing::american::CashDividend;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forward {
    pub value: f64,
    pub source: ForwardSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardSource {
    /// Put-call parity at the strikes nearest to it.
    Parity,
    /// Spot, rate and dividends.
    Carry,
}

/// All pricing inputs but the volatility.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub plain_spot: f64,
    pub escrow: f64,
    pub rate: f64,
    pub dividend_yield: f64,
    pub tte_years: f64,
    pub forward: Forward,
    /// What `escrow` is the sum of.
    pub dividends: Arc<[CashDividend]>,
}

impl MarketView {
    /// The underlying's price at `expiry` as the market has it: by parity for European contracts with
    /// quotes on both sides, else by carrying the spot. Of several roots the one settled at the close counts.
    pub fn forward(&self, symbol: &Symbol, expiry: TradingDate) -> Reading<Forward> {
        let series = self.0.contents.quoted.get(symbol);
        let mut contracts: Vec<&OptionContract> = series
            .into_iter()
            .flatten()
            .filter(|((_, date), _)| *date == expiry)
            .filter_map(|(_, strikes)| strikes.values().find_map(|s| s.call.as_ref().or(s.put.as_ref())))
            .filter_map(Instrument::option)
            .collect();
        contracts.sort_by_key(|contract| contract.settlement != Settlement::Pm);
        match contracts.first() {
            Some(contract) => self.carried(contract).map(|carried| carried.forward),
            None => {
                let closes = self.calendar().close_at(expiry);
                let at = pricing_instant(self.now(), closes);
                let tte_years = years_between(at, closes);
                self.spot(symbol).map(|spot| self.carry_spot(symbol, expiry, spot, at, tte_years).forward)
            }
        }
    }

    /// The contracts whose quotes give the parity forward of this one's expiry: both sides of the three
    /// listed strikes nearest to the spot. Empty for American contracts and without chain or spot.
    pub fn parity_instruments(&self, contract: &OptionContract) -> Vec<Instrument> {
        let Some(spot) = self.spot(&contract.underlying).known().copied() else { return Vec::new() };
        let Some(chain) = self.chain(&contract.underlying) else { return Vec::new() };
        if contract.style == ExerciseStyle::American {
            return Vec::new();
        }
        let mut rows: Vec<(f64, &ChainStrike)> = chain
            .expirations
            .iter()
            .filter(|expiration| expiration.date == contract.expiry)
            .flat_map(|expiration| &expiration.strikes)
            .filter(|row| row.call.option().is_some_and(|call| call.root == contract.root))
            .filter_map(|row| Some(((row.strike.to_f64()? - spot).abs(), row)))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().take(3).flat_map(|(_, row)| [row.call.clone(), row.put.clone()]).collect()
    }

    pub(super) fn strikes_of(&self, contract: &OptionContract) -> Option<&Strikes> {
        let series = self.0.contents.quoted.get(&contract.underlying)?;
        series.get(&(contract.root.clone(), contract.expiry))
    }

    pub(super) fn carried(&self, contract: &OptionContract) -> Reading<Carried> {
        let expires = self.calendar().expiry_instant(contract);
        let at = pricing_instant(self.now(), expires);
        let tte_years = years_between(at, expires);
        let spot = self.spot(&contract.underlying);
        let carry = |spot| self.carry_spot(&contract.underlying, contract.expiry, spot, at, tte_years);
        if contract.style == ExerciseStyle::American || tte_years <= 0.0 {
            return spot.map(carry);
        }
        let parity = self.parity_forward(contract, tte_years);
        match parity {
            None => spot.map(carry),
            // Chains are read now and then, spots stream: an old parity must not make a live leg stale. The
            // options on VIX follow a future, which its spot says nothing about.
            Some(Reading::Stale { .. }) if spot.is_live() && contract.underlying.as_str() != "VIX" => {
                spot.map(carry)
            }
            Some(forward) => spot.zip(forward).map(|(plain_spot, forward)| {
                let rate = self.rate(tte_years);
                Carried {
                    plain_spot,
                    escrow: 0.0,
                    rate,
                    // The yield that makes the carried spot meet the forward.
                    dividend_yield: rate - (forward / plain_spot).ln() / tte_years,
                    tte_years,
                    forward: Forward { value: forward, source: ForwardSource::Parity },
                    dividends: Arc::from([]),
                }
            }),
        }
    }

    fn carry_spot(
        &self,
        symbol: &Symbol,
        expiry: TradingDate,
        plain_spot: f64,
        at: Timestamp,
        tte_years: f64,
    ) -> Carried {
        let rate = self.rate(tte_years);
        let dividends = self.dividend_plan(symbol).map(|plan| {
            let config = self.config();
            let expiry = config.calendar.close_at(expiry);
            // What has gone ex is gone, as soon as it has: the spot knows it, too.
            let mut all = plan.cash(at, expiry, &config.rates, &config.calendar);
            let gone = years_between(at, self.now());
            all.retain(|dividend| dividend.years > gone);
            // Dividends never eat the whole price; such a figure is a mistake in the data.
            let pv: f64 = all.iter().map(|dividend| dividend.present_value).sum();
            if pv < 0.5 * plain_spot { all } else { Vec::new() }
        });
        let dividend_yield = match dividends {
            Some(_) => 0.0,
            None => self.dividend_yield(symbol).unwrap_or(0.0),
        };
        let dividends: Arc<[CashDividend]> = dividends.unwrap_or_default().into();
        let escrow: f64 = dividends.iter().map(|dividend| dividend.present_value).sum();
        let value = (plain_spot - escrow) * ((rate - dividend_yield) * tte_years).exp();
        let forward = Forward { value, source: ForwardSource::Carry };
        Carried { plain_spot, escrow, rate, dividend_yield, tte_years, forward, dividends }
    }

    /// The median of K + e^(rτ)(C − P) over the three strikes where call and put are worth nearly the
    /// same, live quotes before stale ones.
    fn parity_forward(&self, contract: &OptionContract, tte_years: f64) -> Option<Reading<f64>> {
        let key = (contract.root.clone(), contract.expiry);
        let memo = || self.0.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memo().get(&key) {
            return *known;
        }
        let grow = (self.rate(tte_years) * tte_years).exp();
        let mut candidates: Vec<(f64, Reading<f64>)> = self
            .strikes_of(contract)
            .into_iter()
            .flatten()
            .filter_map(|(strike, sided)| {
                let (call, put) = (sided.call.as_ref()?, sided.put.as_ref()?);
                let both = self.quote(call).zip(self.quote(put));
                let gap = both.map(|(call, put)| call.mid.to_f64() - put.mid.to_f64());
                let strike = strike.to_f64()?;
                Some((gap.known()?.abs(), gap.map(|gap| strike + grow * gap)))
            })
            .collect();
        if candidates.iter().any(|(_, forward)| forward.is_live()) {
            candidates.retain(|(_, forward)| forward.is_live());
        }
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        candidates.truncate(3);
        let forward = median(candidates.into_iter().map(|(_, forward)| forward));
        memo().insert(key, forward);
        forward
    }
}

/// The moment that options expiring at `expires` are priced at: `now`, or what lies before it by less than a
/// 65 000th of the time that is left (half a minute of a month, five hundredths of a second of the last hour), and by
/// less than a minute. So pictures in quick succession ask the same question of a quote that has not moved. The
/// volatility that a quote implies is then too small by at most 8 parts in a million, 0.0002 points of 20 %; the price is the
/// quote's all the same. All contracts with one expiry share the moment.
fn pricing_instant(now: Timestamp, expires: Timestamp) -> Timestamp {
    let left = (expires - now).num_milliseconds();
    // Each divides the next, or nearly so, and all but the first few divide a minute.
    const STEPS: [i64; 15] =
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
    let finest = left / (1 << 16);
    let step = STEPS.into_iter().rev().find(|step| *step <= finest).unwrap_or(1);
    if left <= 0 { now } else { expires - TimeDelta::milliseconds((left + step - 1) / step * step) }
}

/// The middle value with the standing of the worst; `None` without a positive one.
fn median(readings: impl Iterator<Item = Reading<f64>>) -> Option<Reading<f64>> {
    let mut values = Vec::new();
    let mut standing = Reading::Live { value: () };
    for reading in readings {
        values.extend(reading.known().copied().filter(|value| *value > 0.0));
        standing = standing.zip(reading.map(|_| ())).map(|_| ());
    }
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let middle =
        if values.len() % 2 == 1 { upper } else { 0.5 * (values.get(values.len() / 2 - 1)? + upper) };
    Some(standing.map(|()| middle))
}
