//! Our Greeks beside the broker's, leg by leg: in one set of units, with what differs and why it most likely does.
//!
//! Never: puts a figure of the broker's where ours belongs. Limits and sums know our model only, and a broker that
//! sends nothing, or something old, takes nothing away.

mod cause;
pub mod units;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::units::{PerDay, PerRatePercent, PerShare, PerVolPoint};
use crate::domain::{Instrument, Reading, Timestamp};
use crate::market::quote::Quality;
use crate::market::update::BrokerGreeks;
use crate::market::view::{MarketView, VolSource};
use crate::pricing::{Exercise, OptionInputs, UnitGreeks};

pub use cause::Cause;
pub use units::Units;

/// Both are of one moment: figures farther apart than this are not held against each other.
pub const COMPARED_SECONDS: i64 = 15;
/// Where so many legs differ it is not the legs.
const MISMATCH_SHARE: f64 = 0.2;
/// More contracts than this are not compared; a book has a tenth of it.
const MOST_PAIRS: usize = 2_000;
/// Causes are sought for so many legs at a time: each takes some solutions of the model.
const MOST_EXPLAINED: usize = 40;

/// Some brokers spread a year's decay over the days on which there is trading.
const TRADING_DAYS_PER_YEAR: f64 = 252.0;

/// One option as both models see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub instrument: Instrument,
    pub inputs: OptionInputs,
    pub exercise: Exercise,
    /// Present value of the dividends before expiry, which the spot in `inputs` is without.
    pub escrow: f64,
    /// Ours rests on live quotes.
    pub live: bool,
    /// Quoted well and neither nearly a share nor nearly nothing: good for telling units.
    pub liquid: bool,
    pub broker: BrokerGreeks,
    /// How old the broker's were when the pair was taken.
    pub age_seconds: i64,
}

/// Per share held long; `None` is what nobody said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    pub price: Option<f64>,
    /// Per year, 0.2 = 20 %.
    pub iv: Option<f64>,
    pub delta: Option<f64>,
    pub gamma: Option<f64>,
    pub theta_day: Option<PerShare<PerDay>>,
    pub vega_point: Option<PerShare<PerVolPoint>>,
    pub rho_pct: Option<PerShare<PerRatePercent>>,
}

impl Figures {
    fn own(inputs: &OptionInputs, greeks: &UnitGreeks) -> Self {
        Self {
            price: Some(greeks.price),
            iv: Some(inputs.vol_annual),
            delta: Some(greeks.delta),
            gamma: Some(greeks.gamma),
            theta_day: Some(greeks.theta_day),
            vega_point: Some(greeks.vega_point),
            rho_pct: Some(greeks.rho_pct),
        }
    }

    /// Dollars a day.
    pub fn theta(&self) -> Option<f64> {
        self.theta_day.map(|theta| theta.0.into())
    }

    /// Dollars a point.
    pub fn vega(&self) -> Option<f64> {
        self.vega_point.map(|vega| vega.0.into())
    }

    /// Dollars per 1 % of rate.
    pub fn rho(&self) -> Option<f64> {
        self.rho_pct.map(|rho| rho.0.into())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    Iv,
    Delta,
    Gamma,
    Theta,
    Vega,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Agree,
    Differ {
        figures: Vec<Figure>,
        cause: Cause,
    },
    /// The broker's are too old to be held against ours.
    BrokerOld,
    /// Ours rest on quotes that are not live.
    OwnStale,
}

/// One leg.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub own: Figures,
    pub broker: Figures,
    /// When the broker's are of.
    pub broker_at: Timestamp,
    pub verdict: Verdict,
}

impl Check {
    pub fn cause(&self) -> Option<Cause> {
        match &self.verdict {
            Verdict::Differ { cause, .. } => Some(*cause),
            Verdict::Agree | Verdict::BrokerOld | Verdict::OwnStale => None,
        }
    }
}

/// All that is followed, and the units it was compared in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TwoModels {
    pub checks: BTreeMap<Instrument, Check>,
    pub units: Units,
}

/// What holds of some of the checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Compared at all.
    pub compared: usize,
    pub differ: usize,
    /// What most of the differing ones are put down to.
    pub mostly: Option<Cause>,
}

impl Tally {
    /// So many differ that an input of one of the models must be wrong.
    pub fn is_mismatch(&self) -> bool {
        // Leg counts are far below 2^52.
        self.differ > 1 && self.differ as f64 >= MISMATCH_SHARE * self.compared as f64
    }

    /// For the line under the header, where there is one.
    pub fn mismatch(&self) -> Option<String> {
        let cause = self.mostly.filter(|_| self.is_mismatch())?;
        let (differ, compared) = (self.differ, self.compared);
        Some(format!(
            "the broker's Greeks are not ours on {differ} of {compared} contracts: {}",
            cause.words()
        ))
    }
}

impl TwoModels {
    pub fn tally<'a>(&self, of: impl IntoIterator<Item = &'a Instrument>) -> Tally {
        let mut tally = Tally::default();
        let mut causes: BTreeMap<Cause, usize> = BTreeMap::new();
        for check in of.into_iter().filter_map(|instrument| self.checks.get(instrument)) {
            match &check.verdict {
                Verdict::Agree => tally.compared += 1,
                Verdict::Differ { cause, .. } => {
                    tally.compared += 1;
                    tally.differ += 1;
                    *causes.entry(*cause).or_default() += 1;
                }
                Verdict::BrokerOld | Verdict::OwnStale => {}
            }
        }
        tally.mostly = causes.into_iter().max_by_key(|(_, count)| *count).map(|(cause, _)| cause);
        tally
    }
}

/// Those of the instruments that both models speak of.
pub fn pairs<'a>(of: impl IntoIterator<Item = &'a Instrument>, market: &MarketView) -> Vec<Pair> {
    let pair = |instrument: &Instrument| {
        instrument.option()?;
        let reading = market.option(instrument);
        let broker = reading.broker?;
        let inputs = *reading.inputs.known()?;
        // What a reconnect brings first may be of hours ago.
        let since = broker.at.map_or(broker.received, |at| at.min(broker.received));
        Some(Pair {
            instrument: instrument.clone(),
            inputs,
            exercise: reading.exercise,
            escrow: reading.escrow,
            live: matches!(reading.inputs, Reading::Live { .. }),
            liquid: matches!(reading.quality, Quality::Good | Quality::Locked)
                && reading.vol_source == VolSource::Mid,
            broker,
            age_seconds: (market.now() - since).num_seconds().max(0),
        })
    };
    of.into_iter().filter_map(pair).take(MOST_PAIRS).collect()
}

/// The units are told from the pairs until they are settled; from then on a figure in another unit is one that
/// differs.
pub fn compare(pairs: &[Pair], settled: Units) -> TwoModels {
    let own: Vec<UnitGreeks> = pairs.iter().map(|pair| pair.exercise.greeks(&pair.inputs)).collect();
    let units = settled.settle(pairs, &own);
    let mut explained = 0;
    let mut checks = BTreeMap::new();
    for (pair, greeks) in pairs.iter().zip(&own) {
        let (own, broker) = (Figures::own(&pair.inputs, greeks), units.canonical(&pair.broker));
        let verdict = if pair.age_seconds > COMPARED_SECONDS {
            Verdict::BrokerOld
        } else if !pair.live {
            Verdict::OwnStale
        } else {
            let figures = differing(&own, &broker, plain_spot(pair));
            if figures.is_empty() {
                Verdict::Agree
            } else {
                explained += 1;
                let sought = explained <= MOST_EXPLAINED;
                let cause = if sought { cause::of(pair, &own, &broker, &figures) } else { Cause::Unknown };
                Verdict::Differ { figures, cause }
            }
        };
        let broker_at = pair.broker.at.map_or(pair.broker.received, |at| at.min(pair.broker.received));
        checks.insert(pair.instrument.clone(), Check { own, broker, broker_at, verdict });
    }
    TwoModels { checks, units }
}

fn plain_spot(pair: &Pair) -> f64 {
    pair.inputs.spot + pair.escrow
}

/// Which figures lie farther apart than rounding and a moment explain. What one side does not say agrees.
fn differing(own: &Figures, broker: &Figures, spot: f64) -> Vec<Figure> {
    fn gap(own: Option<f64>, broker: Option<f64>) -> Option<(f64, f64)> {
        let (own, broker) = (own?, broker?);
        Some(((own - broker).abs(), own.abs()))
    }
    fn beyond(gap: Option<(f64, f64)>, differs: impl Fn(f64, f64) -> bool) -> bool {
        gap.is_some_and(|(gap, size)| !gap.is_finite() || differs(gap, size))
    }
    let theta = gap(own.theta(), broker.theta());
    let vega = gap(own.vega(), broker.vega());
    let dollars = |gap: f64, size: f64| gap > 0.02 && gap > 0.1 * size;
    // In the wings gamma is next to nothing, and a share of nothing says nothing: what moves delta by less than
    // half a hundredth over one per cent of spot is left alone.
    let curved = |gap: f64, size: f64| gap > 0.15 * size && gap * 0.01 * spot > 0.005;
    let table = [
        (Figure::Iv, beyond(gap(own.iv, broker.iv), |gap, _| gap > 0.01)),
        (Figure::Delta, beyond(gap(own.delta, broker.delta), |gap, _| gap > 0.03)),
        (Figure::Gamma, beyond(gap(own.gamma, broker.gamma), curved)),
        (Figure::Theta, beyond(theta, dollars)),
        (Figure::Vega, beyond(vega, dollars)),
    ];
    table.into_iter().filter_map(|(figure, differs)| differs.then_some(figure)).collect()
}

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
