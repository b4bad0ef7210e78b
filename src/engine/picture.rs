//! The engine's state as a snapshot.

use std::collections::BTreeMap;

use super::input::RiskDone;
use super::{Engine, paper_night};
use crate::domain::{Money, Timestamp};
use crate::market::update::Link;
use crate::snapshot::Snapshot;
use crate::snapshot::build::{Facts, assemble};

impl Engine {
    /// What calls for action in it is remembered for the next one: a row shall not come and go with every tick.
    pub fn snapshot(&mut self, now: Timestamp) -> Snapshot {
        let market = self.market(now);
        let counted = self.counted();
        let net_liq: BTreeMap<_, _> =
            self.books.accounts.keys().map(|id| (*id, self.net_liq(*id, &market))).collect();
        let failures = self.failures.iter().chain(&self.follow_failures).map(|failure| failure.what.clone());
        let failures: Vec<String> = failures
            .chain(self.emptied_words())
            .chain(paper_night::unsettled(&self.books, &market))
            .chain(self.troubles.words())
            .chain(self.clock_warning())
            .collect();
        let stop = self.clock_warning().filter(|_| self.clock_is_far_off());
        let stop = self.troubles.books_may_be_old().or(stop);
        let models = self.risk.as_ref().map(|risk| &risk.models);
        let mismatch = models.and_then(|models| models.tally(&self.books.instruments()).mismatch());
        let stop = stop.or(mismatch);
        let (snapshot, held) = assemble(&Facts {
            now,
            revision: self.revision,
            mode: self.config.mode,
            view: &self.view,
            books: &self.books,
            market: &market,
            // A report of another book or another view would be a number of something else.
            // Without any account there is no book: nothing held is not the same as nothing known.
            risk: self.risk.as_ref().filter(|risk| self.is_of_book(risk)).map(|risk| &risk.report),
            matrix: self
                .risk
                .as_ref()
                .filter(|risk| self.is_of_book(risk) && risk.view == self.view)
                .map(|risk| &risk.report),
            computing: self.troubles.risk.is_none()
                && (!self.risk_is_current()
                    || self.risk.as_ref().is_some_and(|risk| risk.revision < self.read_revision)),
            risk_failed: self.troubles.risk.is_some(),
            doubted: self.risk.as_ref().is_some_and(|risk| risk.revision < self.live_revision),
            models,
            counted: &counted,
            may_stage: &|trade, closing| self.may_stage(trade, closing).map(|_| ()),
            balances: &self.balances(),
            net_liq: &net_liq,
            session: self.session,
            links: &self.links,
            trouble: &self.trouble,
            link_age: self.board.link_age(Link::MarketStream, now),
            streaming: self.streaming,
            refreshing: self.refreshing || self.following > 0,
            last_refresh: self.last_refresh,
            failures: &failures,
            read_only: self.read_only.as_ref(),
            safety: &self.safety(),
            banner: stop.as_deref().or(self.config.banner.as_deref()),
            context: &self.config.context,
            rates_as_of: self.config.rates_as_of,
            unallocated: self.unallocated(),
            alike: &self.desk.alike,
            held: &self.held,
        });
        self.held = held;
        snapshot
    }

    /// The report is of the book on the screen, whatever its matrix shows.
    fn is_of_book(&self, risk: &RiskDone) -> bool {
        let same = risk.view.scope == self.view.scope && risk.view.counts == self.view.counts;
        same && risk.structure == self.structure && !self.books.accounts.is_empty()
    }

    /// Capital of the configured accounts less what their real portfolios were given.
    fn unallocated(&self) -> Money {
        let capital: Money = self.config.account_rules.iter().filter_map(|rule| rule.capital).sum();
        let given: Money = self.config.portfolios.iter().filter(|p| !p.hypothetical).map(|p| p.capital).sum();
        capital - given
    }
}
