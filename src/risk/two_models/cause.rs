//! Why two models differ on a leg: each known mistake is tried on ours, and the one that brings the broker's
//! figures about is named.
//!
//! Never: names a cause that does not explain the figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Figure, Figures, Pair};
use crate::pricing::{Exercise, OptionInputs};

/// In the order in which they are tried.
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
    /// The broker leaves the dividends out that we reckon with.
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
            Self::Dividend => "dividends: the broker's leaves them out",
            Self::Rate => "interest rate",
            Self::Spot => "spot: the broker's is of another moment",
            Self::Unknown => "no single input explains it",
        }
    }
}

/// The rate that a model has that was given none.
const NO_RATE: f64 = 0.0;
/// How far off a spot is sought, as a share of it.
const FARTHEST_SPOT: f64 = 0.1;
/// Halvings until the spot is found to a thousandth of a cent.
const HALVINGS: u32 = 30;

pub(super) fn of(pair: &Pair, own: &Figures, broker: &Figures, figures: &[Figure]) -> Cause {
    if let Some(cause) = scaled(own, broker, figures) {
        return cause;
    }
    let Some(vol_annual) = broker.iv else { return Cause::Unknown };
    let theirs = OptionInputs { vol_annual, ..pair.inputs };
    let explains = |inputs: &OptionInputs, exercise: &Exercise| explains(inputs, exercise, broker);
    if explains(&theirs, &pair.exercise) {
        return Cause::Volatility;
    }
    let plain = OptionInputs { spot: theirs.spot + pair.escrow, dividend_yield: 0.0, ..theirs };
    let early = matches!(pair.exercise, Exercise::Anytime { .. });
    let without_dividends = if early { Exercise::anytime() } else { Exercise::AtExpiry };
    if early && explains(&theirs, &Exercise::AtExpiry) {
        return Cause::Exercise;
    }
    let pays = pair.escrow != 0.0 || theirs.dividend_yield != 0.0;
    if pays && explains(&plain, &without_dividends) {
        return Cause::Dividend;
    }
    if explains(&OptionInputs { rate: NO_RATE, ..theirs }, &pair.exercise) {
        return Cause::Rate;
    }
    match spot_of(broker, &theirs, &pair.exercise) {
        Some(spot) if explains(&OptionInputs { spot, ..theirs }, &pair.exercise) => Cause::Spot,
        _ => Cause::Unknown,
    }
}

/// A figure that is ours times a known factor.
fn scaled(own: &Figures, broker: &Figures, figures: &[Figure]) -> Option<Cause> {
    const FACTORS: [f64; 6] = [100.0, 0.01, 365.0, 1.0 / 365.0, 252.0, 1.0 / 252.0];
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

/// Whether our model with these inputs has the broker's figures, closer than what is called a difference.
fn explains(inputs: &OptionInputs, exercise: &Exercise, broker: &Figures) -> bool {
    let greeks = exercise.greeks(inputs);
    let within = |theirs: Option<f64>, ours: f64, least: f64, share: f64| {
        theirs.is_none_or(|theirs| (theirs - ours).abs() <= least.max(share * ours.abs()))
    };
    within(broker.price, greeks.price, 0.02, 0.005)
        && within(broker.delta, greeks.delta, 0.01, 0.0)
        && within(broker.gamma, greeks.gamma, 0.001 * 100.0 / inputs.spot.max(1.0), 0.08)
        && within(broker.theta(), greeks.theta_day.0.0, 0.01, 0.06)
        && within(broker.vega(), greeks.vega_point.0.0, 0.01, 0.06)
}

/// The spot at which our model has the broker's price at the broker's volatility.
fn spot_of(broker: &Figures, inputs: &OptionInputs, exercise: &Exercise) -> Option<f64> {
    let price = broker.price?;
    let over = |spot: f64| exercise.price(&OptionInputs { spot, ..*inputs }) - price;
    let (mut low, mut high) = (inputs.spot * (1.0 - FARTHEST_SPOT), inputs.spot * (1.0 + FARTHEST_SPOT));
    let rises = over(high) > over(low);
    if (over(low) > 0.0) == (over(high) > 0.0) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if (over(middle) > 0.0) == rises { high = middle } else { low = middle }
    }
    Some(0.5 * (low + high))
}
