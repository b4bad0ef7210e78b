//! A draft judged before it exists: the book with and without it, the limits of its portfolio before and
//! after, what it can make and lose.

use rust_decimal::Decimal;

use super::draft::Draft;
use super::profile;
use crate::containers::Containers;
use crate::domain::command_line::BookingLine;
use crate::domain::limit::{Backing, LimitId};
use crate::domain::text::signed;
use crate::domain::trade::{TradeOdds, Verdict};
use crate::domain::{
    Evaluation, Leg, LimitState, Money, Portfolio, PortfolioId, Refusal, Strategy, Symbol, Timestamp,
    TradeId, label,
};
use crate::risk::exposure;
use crate::risk::limits::compare;
use crate::risk::report::portfolio_limits;
use crate::risk::trade_loss::Most;
use crate::risk::{RiskBook, permission, recognition, trade_loss};

/// A booking on its way: waiting for the chain, then for the evaluation.
#[derive(Debug)]
pub struct PendingBooking {
    pub line: BookingLine,
    pub rationale: String,
    pub portfolio: PortfolioId,
    /// Who waits, by the runtime's number.
    pub reply: Option<u64>,
    pub draft: Option<(TradeId, Draft)>,
    /// The book it was judged against, and when its market was read.
    pub judged: Option<(u64, Timestamp)>,
}

/// L7 of a draft.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MayLose {
    pub most: Most,
    /// Dollars that it would cost more at the worst price its order accepts; `None` while there is no such price.
    pub worse: Option<f64>,
}

/// Everything the worker needs.
#[derive(Debug, Clone)]
pub struct EvaluationJob {
    pub trade: TradeId,
    pub portfolio: PortfolioId,
    pub warn_only: bool,
    pub strategy: Strategy,
    pub legs: Vec<Leg>,
    pub notes: Vec<String>,
    pub odds: Option<TradeOdds>,
    /// What L7 lets it lose; `None` where the controls of its order judge that.
    pub may_lose: Option<MayLose>,
    pub before: RiskBook,
    pub after: RiskBook,
}

/// The portfolio that the line names, or the largest that permits the strategy. Never the one that is merely
/// being looked at.
pub fn home<'a>(books: &'a Containers, line: &BookingLine) -> Result<&'a Portfolio, Refusal> {
    let permits = |portfolio: &Portfolio| portfolio.permitted.contains(&line.strategy);
    if let Some(key) = &line.portfolio {
        let held = books.portfolio_by_key(key).ok_or_else(|| Refusal::UnknownPortfolio(key.clone()))?;
        if !permits(&held.portfolio) {
            return Err(not_permitted(&held.portfolio, line.strategy));
        }
        return Ok(&held.portfolio);
    }
    let real = || books.portfolios.values().map(|held| &held.portfolio).filter(|p| !p.hypothetical);
    real().filter(|portfolio| permits(portfolio)).max_by_key(|portfolio| portfolio.capital).ok_or_else(|| {
        Refusal::NotPermitted { portfolio: "no real portfolio".to_owned(), strategy: line.strategy.words() }
    })
}

fn not_permitted(portfolio: &Portfolio, strategy: Strategy) -> Refusal {
    Refusal::NotPermitted { portfolio: portfolio.name.clone(), strategy: strategy.words() }
}

/// The account's own rules, once the legs are known.
pub fn permitted(books: &Containers, portfolio: PortfolioId, draft: &Draft) -> Result<(), Refusal> {
    let Some(held) = books.portfolios.get(&portfolio) else {
        return Err(Refusal::UnknownPortfolio(portfolio.to_string()));
    };
    let kind = held.account.and_then(|id| books.accounts.get(&id)).map(|account| account.account.kind);
    permission::check(&held.portfolio, kind, draft.strategy, &draft.legs)
        .map_err(|why| Refusal::NotAllowedThere { why: why.to_string() })
}

pub fn evaluate(job: &EvaluationJob) -> Evaluation {
    let before = portfolio_limits(&job.before, job.portfolio);
    let after = portfolio_limits(&job.after, job.portfolio);
    let compared = compare(&before, &after, true, job.warn_only);
    let exposures = exposure::exposures(&job.after);
    // The sum of the legs that have a price is not the trade's: then its Greeks are unknown.
    let own = exposures.trades.iter().find(|row| row.trade == job.trade && row.coverage.complete);
    let own = own.map(|row| &row.exposure);
    let payoff = profile::at_expiry(&job.legs);
    let cost = job.legs.iter().map(Leg::cost).sum::<Option<Money>>();
    let max_loss = payoff.as_ref().and_then(|p| p.max_loss);
    let stress_loss = trade_loss::stress_loss(&job.after, job.trade);
    let mut limits = compared.changes;
    let mut notes = job.notes.clone();
    let mut verdict = compared.verdict;
    if let Some(may) = job.may_lose {
        let loss = match trade_loss::backing(job.strategy, &job.legs) {
            Backing::Defined => max_loss.zip(may.worse).map(|(loss, worse)| (loss.abs() + worse).max(0.0)),
            Backing::Undefined | Backing::Stock => stress_loss,
        };
        let own = trade_loss::change(loss, may.most);
        let judged = match own.state {
            LimitState::Off | LimitState::Within => Verdict::Pass,
            LimitState::Near => Verdict::Warn,
            LimitState::Unknown | LimitState::Breached if job.warn_only => Verdict::Warn,
            LimitState::Unknown | LimitState::Breached => Verdict::Block,
        };
        verdict = verdict.max(judged);
        limits.push(own);
    }
    if compared.reduces_breach {
        notes.push("over a limit, but less than before".to_owned());
    }
    let stale = job.after.legs.iter().any(|leg| leg.stale && leg.portfolio == Some(job.portfolio));
    if stale {
        notes.push("quotes of the portfolio are stale".to_owned());
        verdict = verdict.max(if job.warn_only { Verdict::Warn } else { Verdict::Block });
    }
    if own.is_none() {
        notes.push("a leg has no usable quote".to_owned());
        verdict = verdict.max(if job.warn_only { Verdict::Warn } else { Verdict::Block });
    }
    if let Some(name) = assumed_beta(job) {
        notes.push(format!("nobody knows the beta of {name}: 1.00 stands in"));
    }
    Evaluation {
        net_price: cost.map(|cost| -cost),
        max_profit: payoff.as_ref().and_then(|p| p.max_profit).and_then(Money::from_f64),
        max_loss: max_loss.and_then(Money::from_f64),
        payoff_unknown: payoff.is_none(),
        defined_risk: recognition::is_defined_risk(&job.legs),
        stress_loss: stress_loss.and_then(Money::from_f64),
        breakevens: payoff.map(|p| p.breakevens).unwrap_or_default(),
        odds: job.odds.clone(),
        delta_shares: own.map(|of| of.delta_shares),
        beta_weighted_delta: own.map(|of| of.beta_weighted_delta),
        theta_day: own.map(|of| of.theta_day),
        vega_point: own.map(|of| of.vega_point),
        limits,
        verdict,
        notes,
    }
}

/// The underlying of the draft, where 1.0 stands in for its beta.
fn assumed_beta(job: &EvaluationJob) -> Option<&Symbol> {
    let leg = job.after.legs.iter().find(|leg| leg.trade == job.trade)?;
    job.after.underlying_of(leg).filter(|of| of.beta_assumed).map(|of| &of.symbol)
}

/// A block stays a block: the limit that stands in the way, or the quotes that nobody knows.
pub fn blocked(evaluation: &Evaluation, underlying: &Symbol) -> Option<Refusal> {
    if evaluation.verdict != Verdict::Block {
        return None;
    }
    let of = |state| evaluation.limits.iter().filter(move |change| change.state == state);
    let worst = of(LimitState::Breached)
        .max_by(|a, b| a.after.unwrap_or(f64::INFINITY).total_cmp(&b.after.unwrap_or(f64::INFINITY)));
    if let Some(change) = worst {
        let limit = change.limit.words().to_owned();
        return Some(match change.after {
            // Percentages on a screen are far below 2^53.
            Some(after) => Refusal::LimitBlocks { limit, percent: (after * 100.0).round() as i64 },
            None => Refusal::LimitIsNone { limit },
        });
    }
    // L7 is measured by either: with both known it is the limit that is not.
    let measured =
        evaluation.stress_loss.is_some() && (evaluation.max_loss.is_some() || !evaluation.defined_risk);
    Some(match of(LimitState::Unknown).next() {
        Some(change) if change.limit == LimitId::L7 && measured => Refusal::NoTradeLoss,
        Some(change) => Refusal::LimitUnknown { limit: change.limit.words().to_owned() },
        None => Refusal::StaleMarket(underlying.clone()),
    })
}

/// "WhatIf booked: sell 1 iron condor …, credit 0.96, max loss 404; L1 62 → 64 %: pass"
pub fn sentence(draft: &Draft, evaluation: &Evaluation) -> String {
    let words = label::strategy_words(draft.strategy, &draft.legs);
    let price = evaluation.net_price.map_or_else(
        || "price unknown".to_owned(),
        |price| {
            let side = if price.is_negative() { "debit" } else { "credit" };
            format!("{side} {} in all", Money(price.0.abs().round_dp(2)))
        },
    );
    let loss = match evaluation.max_loss {
        Some(loss) => loss.0.round_dp(0).to_string(),
        None if evaluation.payoff_unknown => "unknown".to_owned(),
        None => "unlimited".to_owned(),
    };
    let odds = evaluation.odds.as_ref().map_or_else(String::new, odds_words);
    format!(
        "WhatIf booked: {words}, {price}, max loss {loss}{odds}; {}; {}",
        draft.notes.join(", "),
        verdict_words(evaluation)
    )
}

/// ", POP 74 %, EV −3 as implied"
fn odds_words(odds: &TradeOdds) -> String {
    let ev = odds.ev.map_or_else(String::new, |ev| format!(", EV {} as implied", signed(ev.to_f64(), 0)));
    format!(", POP {:.0} %{ev}", odds.pop * 100.0)
}

/// "evaluated: beta delta 64 %, VaR95 31 %: pass"
pub fn verdict_words(evaluation: &Evaluation) -> String {
    let limits: Vec<String> = evaluation
        .limits
        .iter()
        .map(|change| {
            let percent = change.after.map_or("unknown".to_owned(), |used| format!("{:.0} %", used * 100.0));
            format!("{} {percent}", change.limit.words())
        })
        .collect();
    let verdict = match evaluation.verdict {
        Verdict::Pass => "within limits",
        Verdict::Warn => "near or over a limit",
        Verdict::Block => "blocked",
    };
    if limits.is_empty() { verdict.to_owned() } else { format!("{}: {verdict}", limits.join(", ")) }
}

/// Nothing is sold for nothing: a credit structure without a credit is no trade.
pub fn has_sense(draft: &Draft, debit: bool) -> bool {
    let cost: Option<Money> = draft.legs.iter().map(Leg::cost).sum();
    cost.is_some_and(|cost| if debit { cost.0 > Decimal::ZERO } else { cost.0 < Decimal::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::freshness::Unusable;
    use crate::domain::units::{PerDay, Shares};
    use crate::domain::{Instrument, Price};
    use crate::risk::fixtures;
    use crate::risk::{LegPricing, PortfolioRisk};

    /// A draft of one share of QQQ beside the worked book, in a portfolio that only warns.
    fn job(priced: LegPricing) -> EvaluationJob {
        let (trade, portfolio) = (fixtures::trade(77), PortfolioId::from_key("model"));
        let before = fixtures::book_b();
        let mut after = before.clone();
        let mut leg = fixtures::shares(1, 1.0);
        leg.trade = trade;
        leg.portfolio = Some(portfolio);
        leg.priced = priced;
        after.legs.push(leg);
        after.portfolios.push(PortfolioRisk {
            id: portfolio,
            name: "Model".into(),
            equity: Some(25_000.0),
            limits: crate::domain::portfolio::PortfolioLimits { beta_delta: None, var95: None },
            hypothetical: true,
            warn_only: true,
            account: None,
            delta_band: None,
        });
        let leg = Leg {
            instrument: Instrument::Equity(fixtures::symbol("QQQ")),
            quantity: Decimal::ONE,
            entry: Some(Price(Decimal::from(520))),
        };
        EvaluationJob {
            trade,
            portfolio,
            warn_only: true,
            strategy: Strategy::Stock,
            legs: vec![leg],
            notes: Vec::new(),
            odds: None,
            may_lose: None,
            before,
            after,
        }
    }

    #[test]
    fn what_is_not_known_of_a_draft_is_not_recorded_as_nothing() {
        let known = evaluate(&job(LegPricing::Shares));
        assert_eq!((known.delta_shares, known.theta_day), (Some(Shares(1.0)), Some(PerDay(0.0))));
        let unknown = evaluate(&job(LegPricing::Unpriced { why: Unusable::Missing }));
        assert_eq!((unknown.delta_shares, unknown.beta_weighted_delta), (None, None));
        assert_eq!((unknown.theta_day, unknown.vega_point), (None, None));
        assert_eq!(unknown.verdict, Verdict::Warn);
        let mut without_entry = job(LegPricing::Shares);
        without_entry.legs[0].entry = None;
        let judged = evaluate(&without_entry);
        assert_eq!((judged.net_price, judged.max_loss, judged.payoff_unknown), (None, None, true));
    }

    #[test]
    fn a_beta_that_nobody_knows_is_said() {
        let mut job = job(LegPricing::Shares);
        assert!(evaluate(&job).notes.is_empty());
        job.after.underlyings[1].beta_assumed = true;
        assert_eq!(evaluate(&job).notes, ["nobody knows the beta of QQQ: 1.00 stands in"]);
    }

    #[test]
    fn what_one_trade_may_lose_is_judged_before_it_exists() {
        let judged = |most: Most| {
            let mut job = job(LegPricing::Shares);
            job.warn_only = false;
            job.may_lose = Some(MayLose { most, worse: Some(0.0) });
            evaluate(&job)
        };
        let roomy = judged(Most::Dollars(10_000.0));
        let loss = roomy.stress_loss.unwrap().to_f64();
        let own = roomy.limits.iter().find(|change| change.limit == LimitId::L7).unwrap();
        assert_eq!(
            (own.before, own.after, own.state),
            (Some(0.0), Some(loss / 10_000.0), LimitState::Within)
        );
        assert_eq!((roomy.verdict, blocked(&roomy, &fixtures::symbol("QQQ"))), (Verdict::Pass, None));
        let near = judged(Most::Dollars(loss / 0.9));
        assert_eq!(near.verdict, Verdict::Warn);
        let refused = |most| blocked(&judged(most), &fixtures::symbol("QQQ")).unwrap();
        let limit = LimitId::L7.words().to_owned();
        assert_eq!(
            refused(Most::Dollars(loss / 1.5)),
            Refusal::LimitBlocks { limit: limit.clone(), percent: 150 }
        );
        assert_eq!(refused(Most::Nothing), Refusal::LimitIsNone { limit });
        assert_eq!(refused(Most::Unset), Refusal::NoTradeLoss);
    }
}
