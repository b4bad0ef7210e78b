//! What a picture says about an option: its pricing inputs with the volatility its quote implies, and
//! where each of them comes from.

use std::sync::{Arc, PoisonError};

use rust_decimal::prelude::ToPrimitive;

use super::forward::{Carried, Forward, ForwardSource};
use super::{MarketView, Reading};
use crate::domain::freshness::Unusable;
use crate::domain::{ExerciseStyle, Instrument, OptionContract, Price, Right};
use crate::market::quote::Quality;
use crate::market::update::BrokerGreeks;
use crate::pricing::{Exercise, OptionInputs, greeks};

/// Which formula stands behind the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricingModel {
    /// Exercise at any time: spectral collocation, or along the dividends in cash.
    American,
    /// Black-Scholes-Merton on the carried spot.
    European,
    /// Black's formula on the forward that put-call parity implies.
    Black76,
}

impl PricingModel {
    /// The word used in files and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::American => "american",
            Self::European => "european",
            Self::Black76 => "black76",
        }
    }
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

/// One option, ready for the model.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionReading {
    /// With the implied volatility; the spot in it is `plain_spot − escrow`.
    pub inputs: Reading<OptionInputs>,
    pub model: PricingModel,
    pub exercise: Exercise,
    pub vol_source: VolSource,
    pub quality: Quality,
    pub plain_spot: Option<f64>,
    /// Present value of the dividends before expiry: constant when the spot moves.
    pub escrow: f64,
    pub forward: Option<Forward>,
    /// The broker's own Greeks, while live and at most five minutes old.
    pub broker: Option<BrokerGreeks>,
}

/// What a mid says about volatility.
#[derive(Debug, Clone, Copy)]
struct MidVol {
    vol: Reading<f64>,
    /// Large enough, and neither certain to be exercised nor certain not to be.
    telling: bool,
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
            return known.clone();
        }
        let reading = self.read_option(instrument);
        memo().insert(instrument.clone(), reading.clone());
        reading
    }

    fn read_option(&self, instrument: &Instrument) -> OptionReading {
        let quality = self.quality(instrument);
        let blank = |why| OptionReading {
            inputs: Reading::Unusable { why },
            model: PricingModel::European,
            exercise: Exercise::AtExpiry,
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
        let known = carried.known().cloned();
        let (vol_source, inputs) = match carried {
            Reading::Unusable { .. } => (VolSource::Mid, Reading::Unusable { why: Unusable::Dependent }),
            reading => {
                let carried = known.as_ref().map(|carried| self.find_vol(instrument, contract, carried));
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
            model: match (contract.style, known.as_ref().map(|carried| carried.forward.source)) {
                (ExerciseStyle::American, _) => PricingModel::American,
                (ExerciseStyle::European, Some(ForwardSource::Parity)) => PricingModel::Black76,
                (ExerciseStyle::European, _) => PricingModel::European,
            },
            exercise: known.as_ref().map_or(Exercise::AtExpiry, |carried| exercise(contract, carried)),
            vol_source,
            quality,
            plain_spot: known.as_ref().map(|carried| carried.plain_spot),
            escrow: known.as_ref().map_or(0.0, |carried| carried.escrow),
            forward: known.map(|carried| carried.forward),
            broker: self.broker_greeks(instrument),
        }
    }

    fn broker_greeks(&self, instrument: &Instrument) -> Option<BrokerGreeks> {
        let held = self.slot(instrument)?.greeks?;
        let fresh = self.is_live(instrument, &held) && self.age(held.received) <= OLDEST_GREEKS_SECONDS;
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
        if let Ok(MidVol { vol, telling: true }) = own {
            return (VolSource::Mid, vol);
        }
        if let Err(Unusable::Missing | Unusable::NotANumber) = own {
            return (VolSource::Mid, Reading::Unusable { why: Unusable::Missing });
        }
        if let Some(vol) = self.vol_of_neighbours(contract, carried) {
            return (VolSource::Neighbour, vol);
        }
        if let Ok(MidVol { vol, .. }) = own {
            return (VolSource::Mid, vol);
        }
        let ask = match (own, contract.style) {
            // Worth no more than exercise: whatever volatility there is lies below the ask's.
            (Err(Unusable::Arbitrage), ExerciseStyle::American) => self.quote(instrument).map(|two| two.ask),
            _ => self.ask_only(instrument),
        };
        let of_ask = match ask {
            Reading::Unusable { why } => Reading::Unusable { why },
            known => self.invert(known, instrument, contract, carried),
        };
        match (of_ask, own) {
            (Reading::Unusable { .. }, Err(why)) => (VolSource::Mid, Reading::Unusable { why }),
            (vol, _) => (VolSource::Ask, vol),
        }
    }

    /// The volatility of the mid, whatever it is worth.
    fn vol_of_mid(
        &self,
        instrument: &Instrument,
        contract: &OptionContract,
        carried: &Carried,
    ) -> Result<MidVol, Unusable> {
        let mid = match self.quote(instrument) {
            Reading::Unusable { why } => return Err(why),
            known => known.map(|two| two.mid),
        };
        let large = mid.known().is_some_and(|mid| mid.to_f64() >= SMALLEST_MID);
        match self.invert(mid, instrument, contract, carried) {
            Reading::Unusable { why } => Err(why),
            vol => {
                // European: near enough to tell, and at hand without solving for early exercise.
                let delta = |vol: &f64| greeks(&inputs(contract, carried, *vol)).delta.abs();
                let delta = vol.known().map_or(0.0, delta);
                let telling = (SMALLEST_DELTA..=1.0 - SMALLEST_DELTA).contains(&delta);
                Ok(MidVol { vol, telling: large && telling })
            }
        }
    }

    fn invert(
        &self,
        price: Reading<Price>,
        instrument: &Instrument,
        contract: &OptionContract,
        carried: &Carried,
    ) -> Reading<f64> {
        let of = inputs(contract, carried, 0.0);
        let vol = |price: &Price| match exercise(contract, carried) {
            Exercise::AtExpiry => Exercise::AtExpiry.implied_vol(price.to_f64(), &of),
            early => {
                let kept = &self.0.contents.vols;
                kept.of(instrument, |kept| early.implied_vol_kept(price.to_f64(), &of, kept))
            }
        };
        match price.known().map(vol) {
            Some(Ok(vol)) => price.map(|_| vol),
            Some(Err(_)) => Reading::Unusable { why: Unusable::Arbitrage },
            None => price.map(Price::to_f64),
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
                    Ok(MidVol { vol, telling: true, .. }) => Some((other.strike.to_f64()?, vol)),
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

fn exercise(contract: &OptionContract, carried: &Carried) -> Exercise {
    match contract.style {
        ExerciseStyle::European => Exercise::AtExpiry,
        ExerciseStyle::American => Exercise::Anytime { dividends: Arc::clone(&carried.dividends) },
    }
}
