//! What a picture says about an option: its pricing inputs with the volatility its quote implies, and
//! where each of them comes from.

use std::sync::PoisonError;

use rust_decimal::prelude::ToPrimitive;

use super::{MarketView, Reading};
use crate::domain::freshness::Unusable;
use crate::domain::{
    ExerciseStyle, Instrument, OptionContract, Price, Right, Settlement, Symbol, TradingDate,
};
use crate::market::board::Strikes;
use crate::market::calendar::years_between;
use crate::market::quote::Quality;
use crate::market::update::BrokerGreeks;
use crate::pricing::{OptionInputs, greeks, implied_vol};

/// Which formula stands behind the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricingModel {
    European,
    /// An American contract valued as if it could not be exercised early: a stop-gap, and tagged as such.
    EuropeanForAmerican,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolSource {
    /// The contract's own mid.
    Mid,
    /// The ask of a contract that nobody bids for.
    Ask,
    /// Quoted strikes next to it, of the same expiry.
    Neighbour,
}

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

/// One option, ready for the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionReading {
    /// With the implied volatility; the spot in it is `plain_spot − escrow`.
    pub inputs: Reading<OptionInputs>,
    pub model: PricingModel,
    pub vol_source: VolSource,
    pub quality: Quality,
    pub plain_spot: Option<f64>,
    /// Present value of the dividends before expiry: constant when the spot moves.
    pub escrow: f64,
    pub forward: Option<Forward>,
    /// The broker's own Greeks, while live and at most five minutes old.
    pub broker: Option<BrokerGreeks>,
}

/// All pricing inputs but the volatility.
#[derive(Debug, Clone, Copy)]
struct Carried {
    plain_spot: f64,
    escrow: f64,
    rate: f64,
    dividend_yield: f64,
    tte_years: f64,
    forward: Forward,
}

/// Below this mid a quote is rounding, not a price.
const SMALLEST_MID: f64 = 0.03;
/// Nearer to zero or one than this, delta says that the price holds no volatility.
const SMALLEST_DELTA: f64 = 0.02;
/// The broker's Greeks beyond this age are not shown.
const OLDEST_GREEKS_SECONDS: i64 = 300;
/// Farther from the strike than this (in log), another strike is no neighbour.
const WIDEST_GAP: f64 = 0.15;

impl MarketView {
    pub fn option(&self, instrument: &Instrument) -> OptionReading {
        let memo = || self.0.options.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memo().get(instrument) {
            return *known;
        }
        let reading = self.read_option(instrument);
        memo().insert(instrument.clone(), reading);
        reading
    }

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
                let tte_years = years_between(self.now(), self.calendar().close_at(expiry));
                self.spot(symbol).map(|spot| self.carry_spot(symbol, expiry, spot, tte_years).forward)
            }
        }
    }

    fn read_option(&self, instrument: &Instrument) -> OptionReading {
        let quality = self.quality(instrument);
        let blank = |why| OptionReading {
            inputs: Reading::Unusable { why },
            model: PricingModel::European,
            vol_source: VolSource::Mid,
            quality,
            plain_spot: None,
            escrow: 0.0,
            forward: None,
            broker: None,
        };
        let Some(contract) = instrument.option() else { return blank(Unusable::Dependent) };
        if self.is_expired(instrument) {
            return blank(Unusable::Expired);
        }
        if !contract.is_standard() {
            return blank(Unusable::NonStandard);
        }
        let carried = self.carried(contract);
        let known = carried.known().copied();
        let (vol_source, inputs) = match carried {
            Reading::Unusable { .. } => (VolSource::Mid, Reading::Unusable { why: Unusable::Dependent }),
            reading => {
                let carried = known.map(|carried| self.find_vol(instrument, contract, &carried));
                match carried {
                    Some((source, vol)) => {
                        let joined = reading.zip(vol);
                        (source, joined.map(|(carried, vol)| inputs(contract, &carried, vol)))
                    }
                    None => (VolSource::Mid, Reading::Unusable { why: Unusable::Dependent }),
                }
            }
        };
        OptionReading {
            inputs,
            model: match contract.style {
                ExerciseStyle::European => PricingModel::European,
                ExerciseStyle::American => PricingModel::EuropeanForAmerican,
            },
            vol_source,
            quality,
            plain_spot: known.map(|carried| carried.plain_spot),
            escrow: known.map_or(0.0, |carried| carried.escrow),
            forward: known.map(|carried| carried.forward),
            broker: self.broker_greeks(instrument),
        }
    }

    fn broker_greeks(&self, instrument: &Instrument) -> Option<BrokerGreeks> {
        let held = self.slot(instrument)?.greeks?;
        let fresh = self.is_live(&held) && self.age(held.received) <= OLDEST_GREEKS_SECONDS;
        fresh.then_some(held.value)
    }

    /// The contract's own volatility where its quote holds one, else that of its neighbours, else the
    /// ask's.
    fn find_vol(
        &self,
        instrument: &Instrument,
        contract: &OptionContract,
        carried: &Carried,
    ) -> (VolSource, Reading<f64>) {
        let own = self.vol_of_mid(instrument, contract, carried);
        if let Ok((vol, true)) = own {
            return (VolSource::Mid, vol);
        }
        if let Err(Unusable::Missing | Unusable::NotANumber) = own {
            return (VolSource::Mid, Reading::Unusable { why: Unusable::Missing });
        }
        if let Some(vol) = self.vol_of_neighbours(contract, carried) {
            return (VolSource::Neighbour, vol);
        }
        if let Ok((vol, false)) = own {
            return (VolSource::Mid, vol);
        }
        let of_ask = match self.ask_only(instrument) {
            Reading::Unusable { why } => Reading::Unusable { why },
            known => invert(known, contract, carried),
        };
        match (of_ask, own) {
            (Reading::Unusable { .. }, Err(why)) => (VolSource::Mid, Reading::Unusable { why }),
            (vol, _) => (VolSource::Ask, vol),
        }
    }

    /// The volatility of the mid, and whether it can be relied on.
    fn vol_of_mid(
        &self,
        instrument: &Instrument,
        contract: &OptionContract,
        carried: &Carried,
    ) -> Result<(Reading<f64>, bool), Unusable> {
        let mid = match self.quote(instrument) {
            Reading::Unusable { why } => return Err(why),
            known => known.map(|two| two.mid),
        };
        let large = mid.known().is_some_and(|mid| mid.to_f64() >= SMALLEST_MID);
        match invert(mid, contract, carried) {
            Reading::Unusable { why } => Err(why),
            vol => {
                let delta =
                    vol.known().map_or(0.0, |vol| greeks(&inputs(contract, carried, *vol)).delta.abs());
                let telling = (SMALLEST_DELTA..=1.0 - SMALLEST_DELTA).contains(&delta);
                Ok((vol, large && telling))
            }
        }
    }

    /// The other side of the same strike, else the nearest good strikes on either side, linear between.
    fn vol_of_neighbours(&self, contract: &OptionContract, carried: &Carried) -> Option<Reading<f64>> {
        let strikes = self.strikes_of(contract)?;
        let good = |strike: &rust_decimal::Decimal, rights: [Right; 2]| {
            rights.into_iter().find_map(|right| {
                let instrument = strikes.get(strike)?.of(right)?;
                let other = instrument.option()?;
                match self.vol_of_mid(instrument, other, carried) {
                    Ok((vol, true)) => Some((other.strike.to_f64()?, vol)),
                    _ => None,
                }
            })
        };
        // Out-of-the-money quotes carry the volatility, so they are asked first.
        let rights = |strike: &rust_decimal::Decimal| {
            if strike.to_f64().is_some_and(|k| k < carried.forward.value) {
                [Right::Put, Right::Call]
            } else {
                [Right::Call, Right::Put]
            }
        };
        let own = contract.strike.normalize();
        if let Some((_, vol)) = good(&own, rights(&own)) {
            return Some(vol);
        }
        let at = own.to_f64()?;
        let near = |strike: &&rust_decimal::Decimal| {
            strike.to_f64().is_some_and(|k| k > 0.0 && (k / at).ln().abs() <= WIDEST_GAP)
        };
        let below = strikes.range(..own).rev().map(|s| s.0).take_while(near).find_map(|k| good(k, rights(k)));
        let above = strikes.range(own..).map(|s| s.0).take_while(near).find_map(|k| good(k, rights(k)));
        match (below, above) {
            (Some((k1, v1)), Some((k2, v2))) if k2 > k1 => {
                let weight = (at - k1) / (k2 - k1);
                Some(v1.zip(v2).map(|(v1, v2)| v1 + weight * (v2 - v1)))
            }
            (Some((_, vol)), _) | (None, Some((_, vol))) => Some(vol),
            (None, None) => None,
        }
    }

    fn strikes_of(&self, contract: &OptionContract) -> Option<&Strikes> {
        let series = self.0.contents.quoted.get(&contract.underlying)?;
        series.get(&(contract.root.clone(), contract.expiry))
    }

    fn carried(&self, contract: &OptionContract) -> Reading<Carried> {
        let tte_years = self.calendar().tte_years(contract, self.now());
        let spot = self.spot(&contract.underlying);
        let carry = |spot| self.carry_spot(&contract.underlying, contract.expiry, spot, tte_years);
        if contract.style == ExerciseStyle::American || tte_years <= 0.0 {
            return spot.map(carry);
        }
        match self.parity_forward(contract, tte_years) {
            None => spot.map(carry),
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
                }
            }),
        }
    }

    fn carry_spot(&self, symbol: &Symbol, expiry: TradingDate, plain_spot: f64, tte_years: f64) -> Carried {
        let rate = self.rate(tte_years);
        let escrow = self.dividend_plan(symbol).map(|plan| {
            let config = self.config();
            let pv = plan.present_value(
                self.now(),
                config.calendar.close_at(expiry),
                &config.rates,
                &config.calendar,
            );
            // Dividends never eat the whole price; such a figure is a mistake in the data.
            if pv < 0.5 * plain_spot { pv } else { 0.0 }
        });
        let (escrow, dividend_yield) = match escrow {
            Some(escrow) => (escrow, 0.0),
            None => (0.0, self.dividend_yield(symbol)),
        };
        let value = (plain_spot - escrow) * ((rate - dividend_yield) * tte_years).exp();
        let forward = Forward { value, source: ForwardSource::Carry };
        Carried { plain_spot, escrow, rate, dividend_yield, tte_years, forward }
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

fn inputs(contract: &OptionContract, carried: &Carried, vol_annual: f64) -> OptionInputs {
    OptionInputs {
        right: contract.right,
        spot: carried.plain_spot - carried.escrow,
        strike: contract.strike.to_f64().unwrap_or(f64::NAN),
        rate: carried.rate,
        dividend_yield: carried.dividend_yield,
        vol_annual,
        tte_years: carried.tte_years,
    }
}

fn invert(price: Reading<Price>, contract: &OptionContract, carried: &Carried) -> Reading<f64> {
    let of = inputs(contract, carried, 0.0);
    let vol = |price: &Price| {
        let price = price.to_f64();
        implied_vol(of.right, price, of.spot, of.strike, of.rate, of.dividend_yield, of.tte_years)
    };
    match price.known().map(vol) {
        Some(Ok(vol)) => price.map(|_| vol),
        Some(Err(_)) => Reading::Unusable { why: Unusable::Arbitrage },
        None => price.map(Price::to_f64),
    }
}
