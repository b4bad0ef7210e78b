//! Every risk number of one view, from one book, in one pass: the sums on the screen are sums of the same
//! leg values everywhere.
//!
//! Never: formats or rounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{PortfolioRisk, RiskBook};
use super::exposure::{Exposures, LegExposure, TotalExposure, aggregate, leg_exposures};
use super::hedging::{self, HedgeProposal};
use super::limits::{self, BindingLimit, LimitReading};
use super::scenario::{
    GridRequest, LegGrid, LossPoint, Revaluation, ScenarioGrid, StressResult, StressSet, Subject,
    UnderlyingPnl, WorstCell, loss_points,
};
use super::var::{VarOutcome, value_at_risk};
use crate::domain::units::Dollars;
use crate::domain::view::{Horizon, Scope};
use crate::domain::{PortfolioId, Symbol, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct RiskQuestion {
    pub scope: Scope,
    pub horizon: Horizon,
    /// One underlying by its own move; `None`: the whole scope, beta-mapped.
    pub scenario_of: Option<Symbol>,
    /// "At which move does the book lose this?"
    pub loss_amounts: Vec<Dollars>,
    /// Net liq behind the scope: decides when an error of the Greeks matters.
    pub equity: Option<f64>,
}

impl Default for RiskQuestion {
    fn default() -> Self {
        Self {
            scope: Scope::AllReal,
            horizon: Horizon::Now,
            scenario_of: None,
            loss_amounts: vec![Dollars(5_000.0), Dollars(10_000.0)],
            equity: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskReport {
    pub as_of: Timestamp,
    pub exposures: Exposures,
    /// The matrix that was asked for.
    pub grid: ScenarioGrid,
    /// The scope's worst cell, beta-mapped, also while the matrix shows one underlying.
    pub worst: Option<WorstCell>,
    /// Each underlying's part of that cell: the parts sum to it.
    pub worst_parts: Vec<UnderlyingPnl>,
    /// Each underlying's own worst cell.
    pub worst_by_underlying: Vec<UnderlyingPnl>,
    pub stresses: Vec<StressResult>,
    pub losses: Vec<LossPoint>,
    pub var: VarOutcome,
    /// Every portfolio, whatever the scope; then the legs without one, if there are any.
    pub portfolios: Vec<PortfolioReport>,
    /// The tightest limit for each underlying of the scope.
    pub binding: Vec<BindingLimit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortfolioReport {
    /// `None`: not yet routed.
    pub id: Option<PortfolioId>,
    pub name: String,
    pub total: TotalExposure,
    pub worst: Option<WorstCell>,
    pub var: VarOutcome,
    pub limits: Vec<LimitReading>,
    pub hedges: Vec<HedgeProposal>,
}

pub fn compute(book: &RiskBook, question: &RiskQuestion) -> RiskReport {
    let rows = leg_exposures(book);
    let scoped: Vec<bool> = book.legs.iter().map(|leg| book.in_scope(leg, &question.scope)).collect();
    let counts = |leg: usize| scoped.get(leg).copied().unwrap_or(false);
    let exposures = aggregate(book, chosen(&rows, counts));

    let now = Revaluation::of(book);
    let all =
        LegGrid::compute(&now, &rows, GridRequest::screen(book, question.horizon, Subject::Book, counts));
    let mapped = all.sum(book, &rows, question.equity, counts);
    let (worst, worst_parts) = (mapped.worst.clone(), parts_of_worst(&mapped));
    let worst_by_underlying = mapped.worst_by_underlying.clone();
    let asked = question.scenario_of.as_ref();
    let grid = match asked.and_then(|symbol| book.underlyings.iter().position(|u| u.symbol == *symbol)) {
        Some(place) => {
            let subject = Subject::Underlying(place);
            let request = GridRequest::screen(book, question.horizon, subject, |leg| {
                counts(leg) && book.legs.get(leg).is_some_and(|l| l.underlying == place)
            });
            LegGrid::compute(&now, &rows, request).sum(book, &rows, question.equity, counts)
        }
        None => mapped,
    };

    let portfolios = portfolios(book, &rows, &all);
    let readings: Vec<LimitReading> = portfolios.iter().flat_map(|p| p.limits.iter().cloned()).collect();
    RiskReport {
        as_of: book.as_of,
        grid,
        worst,
        worst_parts,
        worst_by_underlying,
        stresses: StressSet::embedded().apply(&now, counts),
        losses: loss_points(&now, &question.loss_amounts, counts),
        var: value_at_risk(book, &exposures.legs, |_| true),
        binding: limits::binding(book, &readings, counts),
        portfolios,
        exposures,
    }
}

/// The limits of one portfolio in this book: what a trade is judged by, before and after.
pub fn portfolio_limits(book: &RiskBook, portfolio: PortfolioId) -> Vec<LimitReading> {
    let rows = leg_exposures(book);
    let Some(limits) = book.portfolios.iter().find(|p| p.id == portfolio) else { return Vec::new() };
    let mine = |leg: usize| book.legs.get(leg).is_some_and(|l| l.portfolio == Some(portfolio));
    let exposures = aggregate(book, chosen(&rows, mine));
    limits::readings(limits, &exposures, &value_at_risk(book, &exposures.legs, |_| true))
}

fn chosen(rows: &[LegExposure], counts: impl Fn(usize) -> bool) -> Vec<LegExposure> {
    rows.iter().filter(|row| counts(row.leg)).cloned().collect()
}

fn parts_of_worst(grid: &ScenarioGrid) -> Vec<UnderlyingPnl> {
    let cell = grid.worst.as_ref().and_then(|w| grid.cells.get(w.row)?.get(w.column));
    cell.map(|cell| cell.by_underlying.clone()).unwrap_or_default()
}

fn portfolios(book: &RiskBook, rows: &[LegExposure], grid: &LegGrid) -> Vec<PortfolioReport> {
    let mut all: Vec<PortfolioReport> =
        book.portfolios.iter().map(|p| of_portfolio(book, rows, grid, Some(p))).collect();
    if book.legs.iter().any(|leg| leg.portfolio.is_none()) {
        all.push(of_portfolio(book, rows, grid, None));
    }
    all
}

fn of_portfolio(
    book: &RiskBook,
    rows: &[LegExposure],
    grid: &LegGrid,
    portfolio: Option<&PortfolioRisk>,
) -> PortfolioReport {
    let id = portfolio.map(|p| p.id);
    let mine = |leg: usize| book.legs.get(leg).is_some_and(|l| l.portfolio == id);
    let exposures = aggregate(book, chosen(rows, mine));
    let var = value_at_risk(book, &exposures.legs, |_| true);
    let worst = grid.worst_of(book, rows, mine);
    PortfolioReport {
        id,
        name: portfolio.map_or_else(|| "unassigned".to_owned(), |p| p.name.clone()),
        total: exposures.total,
        worst,
        limits: portfolio.map(|p| limits::readings(p, &exposures, &var)).unwrap_or_default(),
        hedges: portfolio.map(|p| hedging::proposals(book, p, &exposures)).unwrap_or_default(),
        var,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LimitState;
    use crate::risk::fixtures::{book_b, close, portfolio};

    fn split_book() -> RiskBook {
        let mut book = book_b();
        let medium = portfolio(40_000.0);
        let model = PortfolioRisk {
            id: PortfolioId::from_key("model"),
            name: "Model".into(),
            hypothetical: true,
            warn_only: true,
            account: None,
            ..portfolio(25_000.0)
        };
        for leg in &mut book.legs {
            leg.portfolio = match leg.underlying {
                0 => Some(medium.id),
                1 => Some(model.id),
                _ => None,
            };
        }
        book.portfolios = vec![medium, model];
        book
    }

    #[test]
    fn hypothetical_portfolios_stand_beside_and_never_in_the_sum() {
        let report = compute(&split_book(), &RiskQuestion::default());
        let symbols: Vec<&str> = report.exposures.underlyings.iter().map(|u| u.symbol.as_str()).collect();
        assert_eq!(symbols, ["SPY", "AAPL"]);
        close(report.exposures.total.beta_weighted_delta.0, -2.768491 + 62.735333, 1e-5);
        let names: Vec<&str> = report.portfolios.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["Medium", "Model", "unassigned"]);
        close(report.portfolios[1].total.beta_weighted_delta.0, 0.786441, 1e-6);
        assert!(report.portfolios[2].limits.is_empty());
        assert!(report.binding.iter().all(|b| b.symbol.as_str() == "SPY"));
    }

    #[test]
    fn the_parts_of_the_screen_agree_with_each_other() {
        let question =
            RiskQuestion { scenario_of: Some(book_b().underlyings[2].symbol.clone()), ..Default::default() };
        let report = compute(&split_book(), &question);
        let worst = report.worst.as_ref().expect("priced");
        close(report.worst_parts.iter().map(|p| p.pnl.0).sum(), worst.pnl.0, 1e-9);
        assert_eq!(report.grid.subject.as_ref().map(Symbol::as_str), Some("AAPL"));
        assert_eq!(report.stresses.len(), 15);
        let var = report.var.known().expect("known");
        close(var.components.iter().map(|c| c.var95).sum::<Dollars>() / var.var95, 1.0, 1e-6);
        assert_eq!(report.losses.len(), 2);
        let mine = portfolio_limits(&split_book(), PortfolioId::from_key("medium"));
        assert_eq!(mine, report.portfolios[0].limits);
        assert!(mine.iter().all(|r| r.state == LimitState::Within));
    }

    #[test]
    fn a_report_goes_through_json_unchanged() {
        let report = compute(&split_book(), &RiskQuestion::default());
        let text = serde_json::to_string(&report).expect("serialises");
        let back: RiskReport = serde_json::from_str(&text).expect("reads back");
        assert_eq!(back, report);
    }

    #[test]
    fn an_empty_book_has_a_report() {
        let mut book = book_b();
        book.legs.clear();
        let report = compute(&book, &RiskQuestion::default());
        assert!(report.worst.is_none() && report.exposures.legs.is_empty());
        assert_eq!(report.var.known().map(|v| v.var95), Some(Dollars(0.0)));
    }
}
