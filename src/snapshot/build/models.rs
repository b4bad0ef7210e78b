//! Our Greeks beside the broker's, as the screen shows them.

use super::Facts;
use crate::domain::Instrument;
use crate::risk::two_models::{Check, Figures, Tally, Verdict};
use crate::snapshot::positions::{LegModels, ModelFigures, ModelState, ModelWatch};

pub(super) fn of_leg(facts: &Facts<'_>, instrument: &Instrument) -> Option<LegModels> {
    let Check { own, broker, broker_at, verdict } = facts.models?.checks.get(instrument)?;
    let (state, differing, cause) = match verdict {
        Verdict::Agree => (ModelState::Agree, Vec::new(), None),
        Verdict::Differ { figures, cause } => (ModelState::Differ, figures.clone(), Some(*cause)),
        Verdict::BrokerOld => (ModelState::BrokerOld, Vec::new(), None),
        Verdict::OwnStale => (ModelState::OwnStale, Vec::new(), None),
    };
    let (own, broker) = (figures(own), figures(broker));
    Some(LegModels {
        state,
        differing,
        cause,
        broker_at: *broker_at,
        difference: difference(&own, &broker),
        own,
        broker,
    })
}

fn figures(of: &Figures) -> ModelFigures {
    ModelFigures {
        price: of.price,
        iv_percent: of.iv.map(|iv| iv * 100.0),
        delta: of.delta,
        gamma: of.gamma,
        theta_day: of.theta(),
        vega_point: of.vega(),
        rho_1pct: of.rho(),
    }
}

fn difference(own: &ModelFigures, broker: &ModelFigures) -> ModelFigures {
    let less = |of: fn(&ModelFigures) -> Option<f64>| Some(of(broker)? - of(own)?);
    ModelFigures {
        price: less(|f| f.price),
        iv_percent: less(|f| f.iv_percent),
        delta: less(|f| f.delta),
        gamma: less(|f| f.gamma),
        theta_day: less(|f| f.theta_day),
        vega_point: less(|f| f.vega_point),
        rho_1pct: less(|f| f.rho_1pct),
    }
}

fn tally(facts: &Facts<'_>) -> Tally {
    facts.models.map_or(Tally::default(), |models| models.tally(&facts.books.instruments()))
}

pub(super) fn watch(facts: &Facts<'_>) -> ModelWatch {
    let Some(models) = facts.models else { return ModelWatch::default() };
    let (tally, units) = (tally(facts), &models.units);
    ModelWatch {
        compared: tally.compared,
        differ: tally.differ,
        mostly: tally.mostly,
        theta_unit: units.theta_words().map(str::to_owned),
        vega_unit: units.vega_words().map(str::to_owned),
        rho_unit: units.rho_words().map(str::to_owned),
        volatility_unit: units.volatility_words().map(str::to_owned),
        sample: units.sample,
    }
}

/// For the warnings: how many differ, and what cannot be compared at all.
pub(super) fn warnings(facts: &Facts<'_>) -> Vec<String> {
    let tally = tally(facts);
    let mut said = Vec::new();
    if let Some(cause) = tally.mostly {
        let (differ, compared, words) = (tally.differ, tally.compared, cause.words());
        said.push(format!(
            "the broker's Greeks differ from ours on {differ} of {compared} contracts ({words}); limits use ours"
        ));
    }
    if facts.models.is_some_and(|models| models.units.are_in_doubt()) {
        said.push(
            "the broker's Greeks come in no known unit: what is not told is not compared; limits use ours"
                .into(),
        );
    }
    said
}
