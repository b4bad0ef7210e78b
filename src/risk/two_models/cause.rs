//! Why two models differ on a leg: each known mistake is tried on ours, and the one that brings the broker's
//! figures about is named.
//!
//! Never: names a cause that does not explain the figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TRADING_DAYS_PER_YEAR;
use super::{Figure, Figures, Pair};
use crate::pricing::{Exercise, OptionInputs};
use crate::risk::book::DAYS_PER_YEAR;

/// What most likely lies behind a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The figure comes in another unit than at the start.
    Units,
    Sign,
    /// Only the volatility differs: one of the two is of another quote, or an old one.
    Volatility,
    /// The broker values it without early exercise.
    Exercise,
    /// The broker leaves the dividends out that we reckon with, or reckons with others.
    Dividend,
    /// The broker discounts with another rate.
    Rate,
    /// The broker's is of another spot.
    Spot,
    Unknown,
}

impl Cause {
    pub fn words(self) -> &'static str {
        match self {
            Self::Units => "another unit than at the start",
            Self::Sign => "the sign is turned over",
            Self::Volatility => "volatility: one of the two rests on an old or another quote",
            Self::Exercise => "the broker's has no early exercise",
            Self::Dividend => "dividends: the broker's reckons with none, or with others",
            Self::Rate => "interest rate",
            Self::Spot => "spot: the broker's is of another moment",
            Self::Unknown => "no single input explains it",
        }
    }
}

/// How far off a spot is sought, as a share of it; a rate and a dividend yield are sought between these.
const FARTHEST_SPOT: f64 = 0.1;
const RATES: (f64, f64) = (-0.02, 0.15);
const YIELDS: (f64, f64) = (0.0, 0.12);
/// Halvings of an interval: until a spot is known to a thousandth of a cent.
const HALVINGS: u32 = 30;

/// The inputs with another value of one of them.
type Changed = fn(OptionInputs, f64) -> OptionInputs;

pub(super) fn of(pair: &Pair, own: &Figures, broker: &Figures, figures: &[Figure]) -> Cause {
    if let Some(cause) = scaled(own, broker, figures) {
        return cause;
    }
    let Some(vol_annual) = broker.iv else { return Cause::Unknown };
    let theirs = OptionInputs { vol_annual, ..pair.inputs };
    if distance(&theirs, &pair.exercise, broker) <= 1.0 {
        return Cause::Volatility;
    }
    let plain = OptionInputs { spot: theirs.spot + pair.escrow, dividend_yield: 0.0, ..theirs };
    let early = matches!(pair.exercise, Exercise::Anytime { .. });
    let pays = pair.escrow != 0.0 || theirs.dividend_yield != 0.0;
    let without_dividends = if early { Exercise::anytime() } else { Exercise::AtExpiry };
    let at_expiry = early.then_some((Cause::Exercise, theirs, Exercise::AtExpiry));
    let undividended = pays.then_some((Cause::Dividend, plain, without_dividends));
    // A model that was given no rate has none at all; next to nothing is hard to find.
    let without_rate = Some((Cause::Rate, OptionInputs { rate: 0.0, ..theirs }, pair.exercise.clone()));
    let spots = (theirs.spot * (1.0 - FARTHEST_SPOT), theirs.spot * (1.0 + FARTHEST_SPOT));
    let with: [(Cause, (f64, f64), Changed); 3] = [
        (Cause::Spot, spots, |inputs, spot| OptionInputs { spot, ..inputs }),
        (Cause::Rate, RATES, |inputs, rate| OptionInputs { rate, ..inputs }),
        (Cause::Dividend, YIELDS, |inputs, dividend_yield| OptionInputs { dividend_yield, ..inputs }),
    ];
    let priced = with.into_iter().filter_map(|(cause, between, changed)| {
        let inputs = priced(broker, between, |x| changed(theirs, x), &pair.exercise)?;
        Some((cause, inputs, pair.exercise.clone()))
    });
    // One wrong input moves the forward as another does, and more than one is within what is taken for the same: how
    // near all the figures come tells them apart.
    let tried = at_expiry.into_iter().chain(undividended).chain(without_rate).chain(priced);
    let judged = tried.map(|(cause, inputs, exercise)| (cause, distance(&inputs, &exercise, broker)));
    let nearest = judged.filter(|(_, off)| *off <= 1.0).min_by(|a, b| a.1.total_cmp(&b.1));
    nearest.map_or(Cause::Unknown, |(cause, _)| cause)
}

/// A figure that is ours times a known factor.
fn scaled(own: &Figures, broker: &Figures, figures: &[Figure]) -> Option<Cause> {
    const FACTORS: [f64; 6] =
        [100.0, 0.01, DAYS_PER_YEAR, 1.0 / DAYS_PER_YEAR, TRADING_DAYS_PER_YEAR, 1.0 / TRADING_DAYS_PER_YEAR];
    let both = |figure: &Figure| {
        let (own, broker) = match figure {
            Figure::Iv => (own.iv, broker.iv),
            Figure::Delta => (own.delta, broker.delta),
            Figure::Gamma => (own.gamma, broker.gamma),
            Figure::Theta => (own.theta(), broker.theta()),
            Figure::Vega => (own.vega(), broker.vega()),
        };
        own.zip(broker)
    };
    let near = |ratio: f64, factor: f64| (0.8..=1.25).contains(&(ratio / factor));
    figures.iter().filter_map(both).find_map(|(own, broker)| {
        let ratio = broker / own;
        if near(ratio, -1.0) {
            Some(Cause::Sign)
        } else if FACTORS.iter().any(|factor| near(ratio.abs(), *factor)) {
            Some(Cause::Units)
        } else {
            None
        }
    })
}

/// The farthest of the broker's figures from our model's with these inputs, in units of what is taken for the same.
fn distance(inputs: &OptionInputs, exercise: &Exercise, broker: &Figures) -> f64 {
    let greeks = exercise.greeks(inputs);
    let off = |theirs: Option<f64>, ours: f64, least: f64, share: f64| {
        theirs.map_or(0.0, |theirs| (theirs - ours).abs() / least.max(share * ours.abs()))
    };
    let all = [
        off(broker.price, greeks.price, 0.02, 0.005),
        off(broker.delta, greeks.delta, 0.01, 0.0),
        off(broker.gamma, greeks.gamma, 0.001 * 100.0 / inputs.spot.max(1.0), 0.08),
        off(broker.theta(), greeks.theta_day.0.0, 0.01, 0.06),
        off(broker.vega(), greeks.vega_point.0.0, 0.01, 0.06),
        off(broker.rho(), greeks.rho_pct.0.0, 0.01, 0.06),
    ];
    // A figure that is no number explains nothing.
    all.into_iter().fold(0.0, |most: f64, off| if off.is_nan() { f64::INFINITY } else { most.max(off) })
}

/// The inputs between two, of which one input changes, at which our model has the broker's price.
fn priced(
    broker: &Figures,
    (mut low, mut high): (f64, f64),
    inputs: impl Fn(f64) -> OptionInputs,
    exercise: &Exercise,
) -> Option<OptionInputs> {
    let price = broker.price?;
    let over = |x: f64| exercise.price(&inputs(x)) - price;
    let rises = over(high) > over(low);
    if (over(low) > 0.0) == (over(high) > 0.0) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if (over(middle) > 0.0) == rises { high = middle } else { low = middle }
    }
    Some(inputs(0.5 * (low + high)))
}
