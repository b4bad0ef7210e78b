//! How near each limit of each portfolio is, which underlying brings it there, and what a trade would
//! change about it.
//!
//! Never: lets a missing input pass for zero. Unknown blocks whatever adds risk.

use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{PortfolioRisk, RiskBook};
use super::exposure::Exposures;
use super::var::VarOutcome;
use crate::domain::trade::{LimitChange, Verdict};
use crate::domain::units::Dollars;
use crate::domain::{LimitId, LimitState, PortfolioId, Symbol};

/// What counts as nothing where a limit is zero: half a cent.
const NOTHING: Dollars = Dollars(0.005);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitReading {
    pub id: LimitId,
    pub portfolio: PortfolioId,
    pub portfolio_name: String,
    /// Signed for L1.
    pub measure: Option<Dollars>,
    /// The size of the measure as a fraction of equity.
    pub value: Option<f64>,
    /// `None`: switched off.
    pub limit: Option<f64>,
    /// Value over limit; `None` where unknown, and where the limit is zero and something is there.
    pub utilisation: Option<f64>,
    pub state: LimitState,
    /// Each underlying's part of the measure, largest in the direction of the total first.
    pub parts: Vec<LimitPart>,
    /// Why the value is unknown.
    pub unknown: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitPart {
    pub underlying: usize,
    pub symbol: Symbol,
    /// Signed like the measure.
    pub part: Dollars,
}

impl LimitReading {
    /// The underlying that uses most of it.
    pub fn driver(&self) -> Option<&Symbol> {
        self.parts.first().map(|part| &part.symbol)
    }

    /// An underlying's part of the measure.
    pub fn part_of(&self, underlying: usize) -> Option<Dollars> {
        self.parts.iter().find(|part| part.underlying == underlying).map(|part| part.part)
    }

    /// An underlying's part of the utilisation, negative where it relieves the limit. Anything is infinitely
    /// much of a limit of zero. `None` while the measure is unknown.
    fn share_of(&self, underlying: usize) -> Option<f64> {
        let (measure, value, limit) = (self.measure?, self.value?, self.limit?);
        let part = measure.0.signum() * self.part_of(underlying)?;
        if part.abs() < NOTHING || measure.abs() < NOTHING {
            return Some(0.0);
        }
        // value = |measure| ÷ equity
        Some(part / measure.abs() * value / limit)
    }
}

/// The limits of one portfolio from its own exposures and VaR.
pub fn readings(portfolio: &PortfolioRisk, exposures: &Exposures, var: &VarOutcome) -> Vec<LimitReading> {
    vec![beta_delta(portfolio, exposures), var95(portfolio, exposures, var)]
}

fn beta_delta(portfolio: &PortfolioRisk, exposures: &Exposures) -> LimitReading {
    let parts = exposures.underlyings.iter().map(|row| LimitPart {
        underlying: row.underlying,
        symbol: row.symbol.clone(),
        part: row.exposure.beta_dollar_delta.dollars(),
    });
    let measure = incomplete(exposures).map_or(Ok(exposures.total.beta_dollar_delta.dollars()), Err);
    let limit = portfolio.limits.beta_delta.map(|l| l.to_f64().unwrap_or(f64::NAN));
    reading(LimitId::L1, portfolio, limit, measure, parts.collect())
}

fn var95(portfolio: &PortfolioRisk, exposures: &Exposures, var: &VarOutcome) -> LimitReading {
    let limit = portfolio.limits.var95.map(|l| l.to_f64().unwrap_or(f64::NAN));
    match var {
        VarOutcome::Unknown { why, .. } => {
            reading(LimitId::L5, portfolio, limit, Err(why.clone()), Vec::new())
        }
        VarOutcome::Known { report } => {
            let parts = report.components.iter().map(|c| LimitPart {
                underlying: c.underlying,
                symbol: c.symbol.clone(),
                part: c.var95,
            });
            // Where even the bad outcome gains there is nothing at risk.
            let measure = incomplete(exposures).map_or(Ok(Dollars(report.var95.0.max(0.0))), Err);
            reading(LimitId::L5, portfolio, limit, measure, parts.collect())
        }
    }
}

fn incomplete(exposures: &Exposures) -> Option<String> {
    let missing = exposures.total.coverage.unpriced;
    (missing > 0).then(|| format!("{missing} of {} legs unpriced", exposures.total.coverage.legs))
}

fn reading(
    id: LimitId,
    portfolio: &PortfolioRisk,
    limit: Option<f64>,
    measure: Result<Dollars, String>,
    mut parts: Vec<LimitPart>,
) -> LimitReading {
    let equity = portfolio.equity.filter(|e| e.is_finite() && *e > 0.0);
    let known = match (measure, equity) {
        (Err(why), _) => Err(why),
        (Ok(_), None) => Err("equity is unknown or not positive".to_owned()),
        (Ok(measure), Some(_)) if !measure.is_finite() => Err("the measure is not a number".to_owned()),
        (Ok(measure), Some(equity)) => Ok((measure, measure.abs() / Dollars(equity))),
    };
    let direction = known.as_ref().map_or(1.0, |(measure, _)| measure.0.signum());
    parts.sort_by(|a, b| (direction * b.part).0.total_cmp(&(direction * a.part).0));
    let (utilisation, state) = match (&known, limit) {
        (_, None) => (None, LimitState::Off),
        (Err(_), Some(_)) => (None, LimitState::Unknown),
        (Ok(_), Some(limit)) if limit.is_nan() || limit < 0.0 => (None, LimitState::Unknown),
        // "None at all": nothing uses nothing of it, anything is a breach.
        (Ok((measure, _)), Some(0.0)) if measure.abs() < NOTHING => (Some(0.0), LimitState::Within),
        (Ok(_), Some(0.0)) => (None, LimitState::Breached),
        (Ok((_, value)), Some(limit)) => (Some(value / limit), LimitState::of(value / limit)),
    };
    LimitReading {
        id,
        portfolio: portfolio.id,
        portfolio_name: portfolio.name.clone(),
        measure: known.as_ref().ok().map(|k| k.0),
        value: known.as_ref().ok().map(|k| k.1),
        limit,
        utilisation,
        state,
        parts,
        unknown: known.err(),
    }
}

/// The limit of which one underlying uses most: where it stands first in the way of more of the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindingLimit {
    pub underlying: usize,
    pub symbol: Symbol,
    pub limit: LimitId,
    pub portfolio: PortfolioId,
    pub portfolio_name: String,
    /// Of the limit as a whole.
    pub utilisation: Option<f64>,
    pub state: LimitState,
    /// The underlying's part of the measure.
    pub part: Option<Dollars>,
    /// That part over the limit: 0.41 are 41 points of its utilisation.
    pub share: Option<f64>,
}

/// A part this small of a limit, half a percent of it, does not bind.
const NO_SHARE: f64 = 0.005;

/// For each underlying the limit of which it uses most, over the portfolios that hold it. Limits belong to
/// portfolios; what an underlying adds to their measure is what it has to do with them. One that adds nothing,
/// or takes some away, is bound by none. Where a limit is unknown nobody knows the parts either: it is named
/// if there is no known one.
pub fn binding(
    book: &RiskBook,
    readings: &[LimitReading],
    counts: impl Fn(usize) -> bool,
) -> Vec<BindingLimit> {
    let one = |place: usize, symbol: &Symbol| {
        let holds = |portfolio: PortfolioId| {
            let mut legs = book.legs.iter().enumerate();
            legs.any(|(i, leg)| leg.underlying == place && leg.portfolio == Some(portfolio) && counts(i))
        };
        let live = || readings.iter().filter(|r| r.state != LimitState::Off && holds(r.portfolio));
        let known = live().filter_map(|r| Some((r, r.share_of(place)?)));
        let most = known.filter(|(_, share)| *share >= NO_SHARE).max_by(|a, b| a.1.total_cmp(&b.1));
        let (limit, share) = match most {
            Some((limit, share)) => (limit, Some(share)),
            None => (live().find(|r| r.state == LimitState::Unknown)?, None),
        };
        Some(BindingLimit {
            underlying: place,
            symbol: symbol.clone(),
            limit: limit.id,
            portfolio: limit.portfolio,
            portfolio_name: limit.portfolio_name.clone(),
            utilisation: limit.utilisation,
            state: limit.state,
            part: limit.part_of(place),
            share: share.filter(|share| share.is_finite()),
        })
    };
    book.underlyings.iter().enumerate().filter_map(|(place, u)| one(place, &u.symbol)).collect()
}

/// What a trade does to the limits of its portfolio.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub changes: Vec<LimitChange>,
    pub verdict: Verdict,
    /// Breached, but nowhere more than before: the trade may go on, with a warning.
    pub reduces_breach: bool,
}

/// Judges the state after. `opening` is false for a trade that only closes.
pub fn compare(
    before: &[LimitReading],
    after: &[LimitReading],
    opening: bool,
    warn_only: bool,
) -> Comparison {
    let earlier = |id: LimitId| before.iter().find(|r| r.id == id);
    let changes = after
        .iter()
        .map(|r| LimitChange {
            limit: r.id,
            before: earlier(r.id).and_then(|b| b.utilisation),
            after: r.utilisation,
            state: r.state,
        })
        .collect();
    let breached: Vec<&LimitReading> = after.iter().filter(|r| r.state == LimitState::Breached).collect();
    let improves = |r: &&LimitReading| match (r.value, earlier(r.id).and_then(|b| b.value)) {
        (Some(after), Some(before)) => after <= before + 1e-12,
        (None, _) | (_, None) => false,
    };
    let reduces_breach = !breached.is_empty() && breached.iter().all(improves);
    let worst = after.iter().map(|r| match r.state {
        LimitState::Off | LimitState::Within => Verdict::Pass,
        LimitState::Near => Verdict::Warn,
        LimitState::Unknown if opening => Verdict::Block,
        LimitState::Unknown => Verdict::Warn,
        LimitState::Breached if reduces_breach => Verdict::Warn,
        LimitState::Breached => Verdict::Block,
    });
    let verdict = worst.max().unwrap_or(Verdict::Pass);
    let verdict = if warn_only { verdict.min(Verdict::Warn) } else { verdict };
    Comparison { changes, verdict, reduces_breach }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
