//! Assembles a snapshot: every panel from the same books, the same market and the same risk report.

use std::collections::BTreeMap;

use chrono::Datelike;

use super::{LimitRow, Mode, SafetyView, Snapshot, Standing};
use crate::advisor::held::Held;
use crate::advisor::{attention, trade_facts};
use crate::containers::{Containers, HeldAccount};
use crate::domain::control::Venue;
use crate::domain::order::OrderReport;
use crate::domain::report::MarketSession;
use crate::domain::time::new_york_date;
use crate::domain::view::{Scope, View};
use crate::domain::{
    AccountId, Balances, OrderRef, PortfolioId, Refusal, Symbol, Timestamp, Trade, TradingDate,
};
use crate::market::update::{Link, LinkState};
use crate::market::view::MarketView;
use crate::risk::exposure::Coverage;
use crate::risk::report::RiskReport;
use crate::risk::two_models::TwoModels;
use crate::risk::valuation::Total;

mod calendar;
mod header;
mod market;
mod models;
mod orders;
mod outlook;
mod overview;
mod positions;
mod risk;

/// Everything a picture is made of. Borrowed: nothing here outlives the assembly.
pub struct Facts<'a> {
    pub now: Timestamp,
    pub revision: u64,
    pub mode: Mode,
    pub view: &'a View,
    pub books: &'a Containers,
    pub market: &'a MarketView,
    /// The report of the view; its portfolios and limits are always those of the whole book.
    pub risk: Option<&'a RiskReport>,
    /// The same report, where its matrix is the one on view too: limits and Greeks know no horizon, the worst cell does.
    pub matrix: Option<&'a RiskReport>,
    /// The report is of an older picture than this one.
    pub computing: bool,
    /// There is no report because computing it failed.
    pub risk_failed: bool,
    /// What was live when the report was computed may not be any more.
    pub doubted: bool,
    /// Our Greeks beside the broker's, as of the last report.
    pub models: Option<&'a TwoModels>,
    /// Which trades are in the sums of the screen.
    pub counted: &'a dyn Fn(&Trade) -> bool,
    /// What stands in the way of an opening or of a closing order of a trade.
    pub may_stage: &'a dyn Fn(&Trade, bool) -> Result<(), Refusal>,
    /// The broker's latest balances, and our own value of each account.
    pub balances: &'a BTreeMap<AccountId, Balances>,
    pub net_liq: &'a BTreeMap<AccountId, Total>,
    pub session: Option<MarketSession>,
    pub links: &'a BTreeMap<Link, LinkState>,
    /// Why a link was lost that is being tried again.
    pub trouble: &'a BTreeMap<Link, String>,
    pub link_age: Option<i64>,
    pub streaming: bool,
    pub refreshing: bool,
    pub last_refresh: Option<Timestamp>,
    pub failures: &'a [String],
    pub read_only: Option<&'a crate::domain::ReadOnly>,
    pub safety: &'a SafetyView,
    pub banner: Option<&'a str>,
    pub context: &'a [Symbol],
    pub rates_as_of: TradingDate,
    /// What the portfolios leave of the accounts' capital.
    pub unallocated: crate::domain::Money,
    /// What at the broker looks like an order in doubt.
    pub alike: &'a BTreeMap<OrderRef, Vec<OrderReport>>,
    /// What called for action in the picture before.
    pub held: &'a Held,
}

impl Facts<'_> {
    /// Metrics and balances come by reading, not by stream: they are as live as the link they came over.
    fn slow(&self) -> Standing {
        let read_lately = self
            .last_refresh
            .is_some_and(|at| (self.now - at).num_seconds() <= self.market.config().read_live_seconds);
        if self.market.stream_is_live() || read_lately { Standing::Live } else { Standing::Stale }
    }

    /// A sum is live when all its parts are, stale when one is; missing parts are counted beside it.
    fn standing(&self, coverage: &Coverage) -> Standing {
        if coverage.legs > 0 && coverage.unpriced == coverage.legs {
            Standing::Unknown
        } else if coverage.stale > 0 || (self.doubted && coverage.legs > 0) {
            Standing::Stale
        } else {
            Standing::Live
        }
    }

    /// For what stands alone, with no count of missing parts beside it, and for quantiles and worst cases,
    /// which some of the legs say nothing about: whole or unknown.
    fn whole(&self, coverage: &Coverage) -> Standing {
        if coverage.unpriced > 0 { Standing::Unknown } else { self.standing(coverage) }
    }

    fn year(&self) -> i32 {
        new_york_date(self.now).year()
    }

    fn account_name(&self, held: &HeldAccount) -> String {
        match held.key.as_deref() {
            Some("ira") => "IRA".to_owned(),
            Some(key) => key.to_owned(),
            None => held.account.masked_number.clone(),
        }
    }

    /// On paper it says so: `paper IRA`, and plain `paper` where no account stands beside it.
    fn account_named(&self, id: AccountId) -> Option<String> {
        let held = self.books.accounts.get(&id.of_record()).map(|held| self.account_name(held));
        match (id.is_paper(), held) {
            (true, Some(name)) => Some(format!("paper {name}")),
            (true, None) => Some("paper".to_owned()),
            (false, held) => held,
        }
    }

    /// Where an order of the account would go in this run.
    fn venue(&self, account: AccountId) -> Option<Venue> {
        match self.mode {
            _ if account.is_paper() => Some(Venue::Paper),
            Mode::Demo | Mode::Sim => Some(Venue::Simulator),
            Mode::Sandbox => Some(Venue::Sandbox),
            Mode::Live => Some(Venue::Live),
            Mode::Paper => None,
        }
    }

    /// Whose limits the view answers for: all real portfolios, or the one in view.
    fn answers_for(&self, portfolio: Option<PortfolioId>) -> bool {
        match self.view.scope {
            Scope::AllReal => portfolio
                .and_then(|id| self.books.portfolio(id))
                .is_none_or(|portfolio| !portfolio.hypothetical),
            Scope::Portfolio(id) => portfolio == Some(id),
            Scope::Unassigned => portfolio.is_none(),
        }
    }

    fn answers_for_limit(&self, row: &LimitRow) -> bool {
        let portfolio = self.books.portfolios.values().find(|held| held.portfolio.name == row.portfolio);
        self.answers_for(portfolio.map(|held| held.portfolio.id))
    }

    /// In the view: the scope lets it in. Whether it counts is another question.
    fn in_scope(&self, trade: &Trade) -> bool {
        let hypothetical = trade
            .portfolio
            .and_then(|id| self.books.portfolio(id))
            .is_some_and(|portfolio| portfolio.hypothetical);
        match self.view.scope {
            Scope::AllReal => !hypothetical,
            Scope::Portfolio(id) => trade.portfolio == Some(id),
            Scope::Unassigned => trade.portfolio.is_none(),
        }
    }
}

/// The picture, and what the next one has to know of its calls for action.
pub fn assemble(facts: &Facts<'_>) -> (Snapshot, Held) {
    let visible = |trade: &&Trade| facts.in_scope(trade) && trade.is_shown();
    let trades: Vec<_> = facts
        .books
        .trades
        .values()
        .filter(visible)
        .map(|trade| trade_facts::of(trade, facts.books, facts.market, facts.held))
        .collect();
    let underlyings = risk::panel(facts, &trades);
    let order: Vec<Symbol> = underlyings.rows.iter().map(|row| row.symbol.clone()).collect();
    let limits = overview::limits(facts);
    let (rows, held) = attention::rows(&attention::Book {
        now: facts.now,
        books: facts.books,
        trades: &trades,
        market: facts.market,
        risk: facts.risk,
        shows: &|portfolio| facts.answers_for(portfolio),
        held: facts.held,
    });
    let blotter = overview::blotter(facts, rows);
    let account = overview::account(facts, &trades);
    let worth = overview::worth(facts, account.net_liq.value);
    let scenario = risk::scenario(facts, worth);
    let answer = overview::answer(facts, &underlyings, &scenario, &limits);
    let warnings = overview::warnings(facts, &trades);
    let snapshot = Snapshot {
        revision: facts.revision,
        as_of: facts.now,
        mode: facts.mode,
        view: facts.view.clone(),
        header: header::header(facts, &limits, &blotter),
        freshness: header::freshness(facts, &trades),
        market: market::panel(facts, &order),
        stress: risk::stress(facts, worth),
        portfolios: overview::portfolios(facts, &limits),
        positions: positions::panel(facts, &trades, &order),
        orders: orders::panel(facts),
        answer,
        account,
        underlyings,
        scenario,
        blotter,
        limits,
        warnings,
    };
    (snapshot, held)
}
