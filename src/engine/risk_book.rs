//! From books and market to the plain values that risk is computed on.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::prelude::ToPrimitive;

use super::Engine;
use super::effect::RiskJob;
use crate::advisor::trade_facts;
use crate::booking::draft::Draft;
use crate::booking::evaluate::{EvaluationJob, MayLose, PendingBooking};
use crate::booking::{odds, ticket};
use crate::containers::Containers;
use crate::domain::time::days_to;
use crate::domain::units::BenchmarkShares;
use crate::domain::view::Counts;
use crate::domain::{
    AccountId, Instrument, Leg, Portfolio, PortfolioId, Reading, Symbol, Timestamp, Trade, TradeId,
    TradeKind, TradeState,
};
use crate::market::view::{BetaSource, MarketView};
use crate::risk::report::RiskQuestion;
use crate::risk::trade_loss::{self, Most};
use crate::risk::valuation::Total;
use crate::risk::{LegPricing, PortfolioRisk, RiskBook, RiskLeg, RiskUnderlying, two_models};
use crate::snapshot::Mode;

/// Risk is asked for at most twice a second of the engine's clock; commands do not wait for that.
const ASK_EVERY_MS: i64 = 500;
/// After a failure the market alone asks again this rarely: most likely it fails once more.
const ASK_AGAIN_MS: i64 = 30_000;

impl Engine {
    /// The question that the present picture needs answered, unless it is being answered already.
    pub(super) fn risk_job(&mut self, now: Timestamp) -> Option<RiskJob> {
        if self.risk_wanted.is_some_and(|wanted| wanted >= self.revision) {
            return None;
        }
        let every = if self.troubles.risk.is_some() { ASK_AGAIN_MS } else { ASK_EVERY_MS };
        let waited = self.risk_asked_at.is_none_or(|at| (now - at).num_milliseconds() >= every);
        // A changed view is answered at once: the trader is waiting.
        if !waited && self.risk_wanted.is_some() {
            return None;
        }
        self.risk_wanted = Some(self.revision);
        self.risk_asked_at = Some(now);
        let market = self.market(now);
        // One account of unknown value makes the whole unknown.
        let net_liq: Option<f64> = self
            .books
            .accounts
            .keys()
            .map(|id| self.net_liq(*id, &market).whole().known().map(|value| value.to_f64()))
            .sum();
        let question = RiskQuestion {
            scope: self.view.scope,
            horizon: self.view.horizon,
            scenario_of: self.view.scenario_of.clone(),
            equity: net_liq.filter(|equity| *equity > 0.0),
            ..RiskQuestion::default()
        };
        let (structure, view) = (self.structure, self.view.clone());
        Some(RiskJob {
            revision: self.revision,
            structure,
            view,
            book: book(&self.books, &market, self.counted(), self.belongs()),
            question,
            pairs: two_models::pairs(&self.watch.instruments, &market),
            units: self.units,
        })
    }

    /// What `f` has taken in: what is held; then what is at the broker; then what is only meant.
    pub(super) fn counted(&self) -> impl Fn(&Trade) -> bool + use<> {
        let counts = self.view.counts;
        let belongs = self.belongs();
        move |trade: &Trade| {
            let counted = trade.is_open()
                || (counts >= Counts::Working && trade.state == TradeState::Pending)
                || (counts == Counts::WhatIf && trade.is_shown());
            counted && belongs(trade)
        }
    }

    /// Whether a trade is of the book that this run trades. What was traded on paper in place of an account of the
    /// broker's is of it on paper only; what is hypothetical stands beside everywhere.
    pub(super) fn belongs(&self) -> impl Fn(&Trade) -> bool + use<> {
        let others: BTreeSet<AccountId> = match self.config.mode {
            Mode::Paper => BTreeSet::new(),
            _ => self.books.accounts.keys().map(|account| account.on_paper()).collect(),
        };
        move |trade: &Trade| trade.account.is_none_or(|account| !others.contains(&account))
    }

    pub(super) fn evaluation_job(
        &self,
        trade: TradeId,
        pending: &PendingBooking,
        draft: &Draft,
        market: &MarketView,
        now: Timestamp,
    ) -> EvaluationJob {
        // Judged against what counts on the screen: with `f`, other WhatIfs of the portfolio, too.
        let counted = self.counted();
        let before = book(&self.books, market, &counted, self.belongs());
        let drafted = Trade {
            id: trade,
            kind: TradeKind::WhatIf,
            portfolio: Some(pending.portfolio),
            account: None,
            underlying: pending.line.underlying.clone(),
            strategy: draft.strategy,
            legs: draft.legs.clone(),
            state: TradeState::Intent,
            opened_at: now,
            adopted: false,
            rationale: None,
            evaluation: None,
        };
        let held = self.books.portfolios.get(&pending.portfolio).map(|held| &held.portfolio);
        let may_lose = held.map(|portfolio| MayLose {
            most: self.may_lose(portfolio, &drafted),
            worse: ticket::worse_by(&drafted, market),
        });
        let mut with_draft = self.books.clone();
        with_draft.trades.insert(trade, drafted);
        let counts = |other: &Trade| counted(other) || other.id == trade;
        let after = book(&with_draft, market, counts, self.belongs());
        EvaluationJob {
            trade,
            portfolio: pending.portfolio,
            warn_only: held.is_some_and(|portfolio| portfolio.warn_only),
            strategy: draft.strategy,
            legs: draft.legs.clone(),
            notes: draft.notes.clone(),
            odds: odds::of(&draft.legs, market).ok().and_then(|odds| odds.live().cloned()),
            may_lose,
            before,
            after,
        }
    }

    /// L7 of a trade in a portfolio.
    pub(super) fn may_lose(&self, portfolio: &Portfolio, trade: &Trade) -> Most {
        let limits = self.config.orders.trade_loss.get(&portfolio.key);
        Most::of(limits, trade_loss::backing(trade.strategy, &trade.legs), portfolio.capital)
    }
}

/// The book of risk over the trades that `counts` takes in; portfolios are worth what the trades that `belong` to this
/// run's book have made.
pub(super) fn book(
    books: &Containers,
    market: &MarketView,
    counts: impl Fn(&Trade) -> bool,
    belongs: impl Fn(&Trade) -> bool,
) -> RiskBook {
    let benchmark = market.benchmark().clone();
    let mut symbols: Vec<Symbol> = vec![benchmark.clone()];
    let counted: Vec<&Trade> = books.trades.values().filter(|trade| counts(trade)).collect();
    symbols.extend(counted.iter().map(|trade| trade.underlying.clone()));
    symbols.sort();
    symbols.dedup();
    let place: BTreeMap<&Symbol, usize> = symbols.iter().enumerate().map(|(i, s)| (s, i)).collect();
    let legs = counted
        .iter()
        .flat_map(|trade| trade.legs.iter().map(move |leg| (trade, leg)))
        .filter(|(_, leg)| !leg.quantity.is_zero())
        .filter_map(|(trade, leg)| Some(risk_leg(trade, leg, *place.get(&trade.underlying)?, market)))
        .collect();
    let correlation =
        symbols.iter().map(|a| symbols.iter().map(|b| market.correlation(a, b)).collect()).collect();
    RiskBook {
        as_of: market.now(),
        benchmark_spot: market.spot(&benchmark).known().copied(),
        benchmark_daily_vol: market.daily_vol(&benchmark).map(|vol| vol.value),
        benchmark_half_spread: half_spread(&benchmark, market),
        benchmark,
        underlyings: symbols.iter().map(|symbol| risk_underlying(symbol, market)).collect(),
        legs,
        correlation,
        portfolios: portfolios(books, market, belongs),
    }
}

fn risk_underlying(symbol: &Symbol, market: &MarketView) -> RiskUnderlying {
    let beta = market.beta(symbol);
    RiskUnderlying {
        symbol: symbol.clone(),
        spot: market.spot(symbol).known().copied(),
        beta: beta.value,
        beta_assumed: beta.source == BetaSource::Assumed,
        daily_vol: market.daily_vol(symbol).map(|vol| vol.value),
        half_spread: half_spread(symbol, market),
    }
}

fn half_spread(symbol: &Symbol, market: &MarketView) -> Option<f64> {
    let quote = market.quote(&Instrument::watched(symbol));
    quote.known().map(|two| (two.ask.to_f64() - two.bid.to_f64()) / 2.0)
}

fn risk_leg(trade: &Trade, leg: &Leg, underlying: usize, market: &MarketView) -> RiskLeg {
    let (priced, stale) = pricing(&leg.instrument, market);
    RiskLeg {
        trade: trade.id,
        portfolio: trade.portfolio,
        underlying,
        quantity: leg.quantity.to_f64().unwrap_or(f64::NAN),
        multiplier: f64::from(leg.instrument.multiplier()),
        days_to_expiry: leg.instrument.option().map_or(0, |option| days_to(option.expiry, market.now())),
        priced,
        stale,
    }
}

fn pricing(instrument: &Instrument, market: &MarketView) -> (LegPricing, bool) {
    let Some(_) = instrument.option() else {
        return match market.spot(instrument.underlying()) {
            Reading::Live { .. } => (LegPricing::Shares, false),
            Reading::Stale { .. } => (LegPricing::Shares, true),
            Reading::Unusable { why } => (LegPricing::Unpriced { why }, false),
        };
    };
    let reading = market.option(instrument);
    let option =
        |inputs| LegPricing::Option { inputs, escrow: reading.escrow, exercise: reading.exercise.clone() };
    match reading.inputs {
        Reading::Live { value } => (option(value), false),
        Reading::Stale { value, .. } => (option(value), true),
        Reading::Unusable { why } => (LegPricing::Unpriced { why }, false),
    }
}

/// A portfolio is worth its capital and what its open trades have made since they were opened. While a mark
/// is missing nobody knows, and its limits say so.
fn portfolios(
    books: &Containers,
    market: &MarketView,
    belongs: impl Fn(&Trade) -> bool,
) -> Vec<PortfolioRisk> {
    books
        .portfolios
        .values()
        .map(|held| {
            let portfolio = &held.portfolio;
            let equity = open_pnl(books, market, portfolio.id, &belongs)
                .whole()
                .known()
                .map(|pnl| (portfolio.capital + *pnl).to_f64())
                .filter(|equity| *equity > 0.0);
            PortfolioRisk {
                id: portfolio.id,
                name: portfolio.name.clone(),
                equity,
                limits: portfolio.limits,
                hypothetical: portfolio.hypothetical,
                warn_only: portfolio.warn_only,
                account: held.account.and_then(|id| books.accounts.get(&id)).map(|held| held.account.kind),
                delta_band: portfolio.delta_band.and_then(|band| band.to_f64()).map(BenchmarkShares),
            }
        })
        .collect()
}

pub(super) fn open_pnl(
    books: &Containers,
    market: &MarketView,
    portfolio: PortfolioId,
    belongs: impl Fn(&Trade) -> bool,
) -> Total {
    let mut total = Total::default();
    for trade in books.open_trades().filter(|it| it.portfolio == Some(portfolio) && belongs(it)) {
        total.include(&trade_facts::open_pnl(trade, books, market));
    }
    total
}
