//! In which units the broker's figures come: told by comparison with ours, once, and held from then on.
//!
//! Never: assumes a unit. What cannot be told is not compared.

use super::{Figures, Pair, TRADING_DAYS_PER_YEAR};
use crate::domain::units::{PerDay, PerRatePercent, PerShare, PerVolPoint};
use crate::market::update::BrokerGreeks;
use crate::pricing::UnitGreeks;
use crate::risk::book::DAYS_PER_YEAR;

/// So many options are needed, and their median decides.
const ENOUGH: usize = 20;
/// Of a smaller book so many do, if all of them say the same.
const FEW: usize = 5;
/// A ratio counts as a unit's within this factor.
const BAND: f64 = 1.25;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolUnit {
    /// 0.2 is 20 %.
    Fraction,
    Percent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VegaUnit {
    PerPoint,
    /// Per 1.00 of volatility.
    PerVol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThetaUnit {
    PerDay,
    PerTradingDay,
    PerYear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RhoUnit {
    PerPercent,
    /// Per 1.00 of rate.
    PerRate,
}

/// How many of theirs are one of ours.
const VOLS: [(VolUnit, f64); 2] = [(VolUnit::Fraction, 1.0), (VolUnit::Percent, 100.0)];
const VEGAS: [(VegaUnit, f64); 2] = [(VegaUnit::PerPoint, 1.0), (VegaUnit::PerVol, 100.0)];
const THETAS: [(ThetaUnit, f64); 3] = [
    (ThetaUnit::PerDay, 1.0),
    (ThetaUnit::PerTradingDay, DAYS_PER_YEAR / TRADING_DAYS_PER_YEAR),
    (ThetaUnit::PerYear, DAYS_PER_YEAR),
];
const RHOS: [(RhoUnit, f64); 2] = [(RhoUnit::PerPercent, 1.0), (RhoUnit::PerRate, 100.0)];

/// `None`: not told yet, or not to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    pub volatility: Option<VolUnit>,
    pub vega: Option<VegaUnit>,
    pub theta: Option<ThetaUnit>,
    pub rho: Option<RhoUnit>,
    /// Options that were good for telling, when it was last tried.
    pub sample: usize,
}

/// Theirs, ours, and below which size ours tells nothing.
type Compared = fn(&Pair, &UnitGreeks) -> (Option<f64>, f64, f64);

impl Units {
    /// "per day", "per year": as the broker sends it; `None` while that is not known.
    pub fn theta_words(&self) -> Option<&'static str> {
        self.theta.map(|unit| match unit {
            ThetaUnit::PerDay => "per day",
            ThetaUnit::PerTradingDay => "per trading day",
            ThetaUnit::PerYear => "per year",
        })
    }

    pub fn vega_words(&self) -> Option<&'static str> {
        self.vega.map(|unit| match unit {
            VegaUnit::PerPoint => "per point",
            VegaUnit::PerVol => "per 1.00",
        })
    }

    pub fn rho_words(&self) -> Option<&'static str> {
        self.rho.map(|unit| match unit {
            RhoUnit::PerPercent => "per 1 %",
            RhoUnit::PerRate => "per 1.00",
        })
    }

    pub fn volatility_words(&self) -> Option<&'static str> {
        self.volatility.map(|unit| match unit {
            VolUnit::Fraction => "fraction",
            VolUnit::Percent => "per cent",
        })
    }

    /// What theta and vega of a leg are compared in is known.
    pub fn are_settled(&self) -> bool {
        self.volatility.is_some() && self.vega.is_some() && self.theta.is_some()
    }

    /// There were enough options to tell, and they did not: no known unit makes the two models agree.
    pub fn are_in_doubt(&self) -> bool {
        !self.are_settled() && self.sample >= ENOUGH
    }

    pub(super) fn settle(mut self, pairs: &[Pair], own: &[UnitGreeks]) -> Self {
        if self.are_settled() && self.rho.is_some() {
            return self;
        }
        let good = |(pair, own): &(&Pair, &UnitGreeks)| {
            pair.live
                && pair.liquid
                && pair.age_seconds <= super::COMPARED_SECONDS
                && (0.05..=0.95).contains(&own.delta.abs())
        };
        let sample: Vec<(&Pair, &UnitGreeks)> = pairs.iter().zip(own).filter(good).collect();
        self.sample = sample.len();
        let ratios = |of: Compared| -> Vec<f64> {
            let ratio = |(pair, own): &(&Pair, &UnitGreeks)| {
                let (theirs, ours, least) = of(pair, own);
                // Rounded to a few digits, a small figure says nothing about its unit.
                (ours.abs() > least).then_some(theirs? / ours).filter(|ratio| ratio.is_finite())
            };
            sample.iter().filter_map(ratio).collect()
        };
        let vol: Compared =
            |pair: &Pair, _: &UnitGreeks| (pair.broker.volatility, pair.inputs.vol_annual, 0.01);
        let vega: Compared = |pair: &Pair, own: &UnitGreeks| (pair.broker.vega, own.vega_point.0.0, 0.01);
        let theta: Compared = |pair: &Pair, own: &UnitGreeks| (pair.broker.theta, own.theta_day.0.0, 0.005);
        let rho: Compared = |pair: &Pair, own: &UnitGreeks| (pair.broker.rho, own.rho_pct.0.0, 0.01);
        self.volatility = self.volatility.or_else(|| told(ratios(vol), &VOLS));
        self.vega = self.vega.or_else(|| told(ratios(vega), &VEGAS));
        self.theta = self.theta.or_else(|| told(ratios(theta), &THETAS));
        self.rho = self.rho.or_else(|| told(ratios(rho), &RHOS));
        self
    }

    /// The broker's in our units. A figure whose unit is not known is left out.
    pub(super) fn canonical(&self, broker: &BrokerGreeks) -> Figures {
        let by = |value: Option<f64>, per: Option<f64>| Some(value.filter(|value| value.is_finite())? / per?);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Figures {
            price: finite(broker.price),
            iv: by(broker.volatility, self.volatility.map(|unit| per(unit, &VOLS))),
            delta: finite(broker.delta),
            gamma: finite(broker.gamma),
            theta_day: by(broker.theta, self.theta.map(|unit| per(unit, &THETAS)))
                .map(|day| PerShare(PerDay(day))),
            vega_point: by(broker.vega, self.vega.map(|unit| per(unit, &VEGAS)))
                .map(|point| PerShare(PerVolPoint(point))),
            rho_pct: by(broker.rho, self.rho.map(|unit| per(unit, &RHOS)))
                .map(|percent| PerShare(PerRatePercent(percent))),
        }
    }
}

fn per<U: PartialEq + Copy>(unit: U, known: &[(U, f64)]) -> f64 {
    known.iter().find(|(of, _)| *of == unit).map_or(1.0, |(_, per)| *per)
}

/// The unit that the ratios of theirs to ours speak for. A sign turned over is no unit: it is found leg by leg.
fn told<U: Copy + PartialEq>(mut ratios: Vec<f64>, known: &[(U, f64)]) -> Option<U> {
    let nearest = |ratio: f64| {
        let distance = |per: f64| (ratio.abs() / per).ln().abs();
        let nearest = known.iter().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))?;
        (distance(nearest.1) <= BAND.ln()).then_some(nearest.0)
    };
    if ratios.len() >= ENOUGH {
        let middle = ratios.len() / 2;
        let (_, median, _) = ratios.select_nth_unstable_by(middle, |a, b| a.abs().total_cmp(&b.abs()));
        return nearest(*median);
    }
    if ratios.len() < FEW {
        return None;
    }
    let first = nearest(*ratios.first()?)?;
    ratios.iter().all(|ratio| nearest(*ratio) == Some(first)).then_some(first)
}
