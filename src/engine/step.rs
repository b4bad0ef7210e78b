//! One input, one step. This file routes; the rules are in `decide`, `reconcile` and `booking`.

use super::decide::{journal, lifecycle, setup};
use super::effect::Effect;
use super::input::{Failure, Input, ReplyTo, RiskDone};
use super::orders::evidence::Source;
use super::orders::{StageWish, Yes};
use super::{Answer, Engine, Promise, Step, Subject, paper_night, reconcile};
use crate::domain::command::LogEntry;
use crate::domain::event::Actor;
use crate::domain::report::{AccountNotice, AccountsReport, BrokerPosition};
use crate::domain::{AccountId, Command, Event, Instrument, Refusal, Timestamp};
use crate::market::update::{Link, LinkState, MarketUpdate};
use crate::snapshot::{Level, Notice};

/// A decision relies on a picture at most this old: newer ones are recorded anew.
const CONTEXT_SECONDS: i64 = 15;
/// How long an account that holds something has to be read as empty.
const EMPTY_SECONDS: i64 = 20;

impl Engine {
    pub fn step(&mut self, input: Input, now: Timestamp) -> Step {
        let mut step = Step::default();
        match input {
            Input::Command { command, reply } => self.command(&mut step, command, reply, now),
            Input::LogBatch { entries, reply } => self.log_batch(&mut step, &entries, reply, now),
            Input::Accounts(report) => self.accounts(&mut step, &report, now),
            Input::AccountNotice(AccountNotice::Order { report }) => {
                self.order_reported(&mut step, &report, Source::Told, now);
            }
            Input::AccountNotice(notice) => self.account_notice(&mut step, notice),
            Input::Session(session) => {
                self.session = Some(session);
                self.revision += 1;
            }
            Input::Market(updates) => {
                let mut first_history = false;
                for update in updates {
                    if let MarketUpdate::Bars { symbol, .. } = &update {
                        first_history |= !self.board.has_history(symbol);
                    }
                    self.board.apply(update);
                }
                self.revision += 1;
                if first_history {
                    // Betas and volatilities are others now: risk from before does not count as current.
                    self.read_revision = self.revision;
                    self.risk_wanted = None;
                }
            }
            Input::Link { link, state } => self.link(&mut step, link, state, now),
            Input::Alive { link } => self.board.alive(link, now),
            Input::Refreshed { failures } => {
                self.refreshing = false;
                self.refreshed_at = Some(now);
                if failures.iter().all(|failure| failure.remark) {
                    self.last_refresh = Some(now);
                }
                let known = std::mem::replace(&mut self.failures, failures.clone());
                self.have_read(&mut step, &failures, &known);
            }
            Input::Followed { failures } => {
                self.following = self.following.saturating_sub(1);
                let known = std::mem::replace(&mut self.follow_failures, failures.clone());
                self.have_read(&mut step, &failures, &known);
            }
            Input::Listed(chain) => {
                self.board.chain(chain);
                self.revision += 1;
            }
            Input::Chain { booking, chain } => self.chain(&mut step, booking, chain, now),
            Input::Evaluated { booking, evaluation } => self.evaluated(&mut step, booking, *evaluation, now),
            Input::Risk(done) => self.risk_done(*done),
            Input::ClockSkew { ms } => self.clock_skew(&mut step, ms),
            Input::KillFlag(seen) => self.kill_flag(&mut step, seen, now),
            Input::RiskFailed { why } => self.risk_failed(&mut step, why),
            Input::Stopped { part, why } => self.part_stopped(&mut step, part, &why, now),
            Input::Tick => self.tick(&mut step, now),
            Input::DryRun { reference, result } => self.dry_run_done(&mut step, reference, result, now),
            Input::Placed { reference, placed } => self.placed(&mut step, reference, placed, now),
            Input::Changed { reference, placed } => self.changed(&mut step, reference, placed, now),
            Input::SetPlaced { set, placed } => self.set_placed(&mut step, set, placed, now),
            Input::SetChanged { set, placed } => self.set_changed(&mut step, set, placed, now),
            Input::Looked { look, result } => self.looked(&mut step, &look, result, now),
            Input::Order(report) => self.order_reported(&mut step, &report, Source::Looked, now),
        }
        self.follow(&mut step, now);
        step
    }

    fn command(&mut self, step: &mut Step, command: Command, reply: Option<ReplyTo>, now: Timestamp) {
        let outcome = match command {
            Command::Refresh => {
                if !self.refreshing {
                    self.refreshing = true;
                    step.effects.push(Effect::Refresh);
                }
                step.effects.push(Effect::RetryLinks);
                Ok("refreshing".to_owned())
            }
            Command::SetStreaming { on } => {
                self.streaming = on;
                self.revision += 1;
                Ok(if on { "streaming on" } else { "streaming off: r reads a snapshot" }.to_owned())
            }
            Command::SetView { view } => {
                self.view = view;
                self.revision += 1;
                self.risk_wanted = None;
                Ok(String::new())
            }
            Command::Kill { mode, why } => return self.kill(step, mode, &why, reply, now),
            Command::ResetKill { reason } => return self.reset_kill(step, &reason, reply, now),
            Command::ClearAlarms { reason } => return self.clear_alarms(step, &reason, reply, now),
            Command::Log(entry) => return self.log_one(step, &entry, (reply, 0), now),
            Command::Move { trade, to } => {
                return self.decide(step, (reply, 0), now, None, |engine, _| {
                    let event = lifecycle::relocate(&engine.books, trade, to)?;
                    let name = engine.books.portfolio(to).map_or("", |p| p.name.as_str());
                    Ok((vec![event], format!("moved to {name}")))
                });
            }
            Command::Discard { trade, reason } => {
                return self.decide(step, (reply, 0), now, None, |engine, _| {
                    Ok((vec![lifecycle::discard(&engine.books, trade, &reason)?], "discarded".to_owned()))
                });
            }
            Command::Stage { trade, purpose, limit, rationale } => {
                let wish = StageWish { trade, purpose, limit, rationale };
                return self.stage(step, &wish, reply, now);
            }
            Command::Send { order, body_hash, typed, shown_at } => {
                let yes = Yes { body_hash, typed, shown_at };
                return self.send(step, order, yes, reply, now);
            }
            Command::CancelOrder { order } => return self.cancel_order(step, order, reply, now),
            Command::ReplaceOrder { order, limit } => {
                return self.replace_order(step, order, limit, reply, now);
            }
            Command::DropOrder { order, reason } => {
                return self.drop_order(step, order, &reason, reply, now);
            }
            Command::AdoptOrder { order, id, reason } => {
                return self.adopt_order(step, (order, &id), &reason, reply, now);
            }
            Command::Book { line, rationale } => match self.begin_booking(&line, rationale, reply, now) {
                Ok(wish) => {
                    step.effects.push(Effect::FetchChain(wish));
                    return;
                }
                Err(refusal) => Err(refusal),
            },
        };
        step.answers.push(Answer { to: reply, slot: 0, result: outcome });
    }

    /// A decision of the trader: the market it relies on enters the record first, then what was decided.
    pub(super) fn decide(
        &mut self,
        step: &mut Step,
        (reply, slot): (Option<ReplyTo>, usize),
        now: Timestamp,
        key: Option<&str>,
        rule: impl FnOnce(&mut Self, Timestamp) -> Result<(Vec<Event>, String), Refusal>,
    ) {
        self.decide_on(step, (reply, slot), now, key, &[], rule);
    }

    /// The same for a decision that also relies on instruments which are not in the books yet: their market
    /// is recorded anew.
    pub(super) fn decide_on(
        &mut self,
        step: &mut Step,
        (reply, slot): (Option<ReplyTo>, usize),
        now: Timestamp,
        key: Option<&str>,
        also: &[Instrument],
        rule: impl FnOnce(&mut Self, Timestamp) -> Result<(Vec<Event>, String), Refusal>,
    ) {
        let outcome = match &self.read_only {
            Some(why) => Err(Refusal::ReadOnly(why.clone())),
            None => rule(self, now),
        };
        match outcome {
            Err(refusal) => step.answers.push(Answer { to: reply, slot, result: Err(refusal) }),
            Ok((decided, said)) => {
                // A request of its own, without a key: a repeated command repeats nothing, and its context
                // stands all the same.
                let age = if also.is_empty() { CONTEXT_SECONDS } else { 0 };
                if let Some(context) = self.context_event(step, now, age, also) {
                    self.record(step, Actor::System, vec![context], None, now);
                }
                let range = self.record(step, Actor::Trader, decided, key, now);
                step.promised.push(Promise { to: reply, slot, events: range, said });
            }
        }
    }

    fn log_one(
        &mut self,
        step: &mut Step,
        entry: &LogEntry,
        reply: (Option<ReplyTo>, usize),
        now: Timestamp,
    ) {
        self.decide(step, reply, now, entry.key.as_deref(), |engine, _| {
            let event = journal::log(&engine.books, entry, engine.ids.as_mut())?;
            Ok((vec![event], "recorded".to_owned()))
        });
    }

    /// Lines do not depend on each other, except a note on a trade that an earlier line opened: the caller
    /// sends those in a later batch, because ids are known only then.
    fn log_batch(&mut self, step: &mut Step, entries: &[LogEntry], reply: ReplyTo, now: Timestamp) {
        for (slot, entry) in entries.iter().enumerate() {
            self.log_one(step, entry, (Some(reply), slot), now);
        }
    }

    fn accounts(&mut self, step: &mut Step, report: &AccountsReport, now: Timestamp) {
        for account in &report.accounts {
            if let Some(balances) = &account.balances {
                self.balances.insert(account.account.id, balances.clone());
            }
        }
        self.revision += 1;
        // What was refused just now would be refused again, and reconsidered without end.
        let refused =
            [Subject::Books, Subject::Positions].iter().any(|what| !self.troubles.may_try(*what, now));
        if self.read_only.is_some() || refused {
            return;
        }
        let mut events = Vec::new();
        let mut claimed = Vec::new();
        for account in &report.accounts {
            events.extend(setup::account(&self.books, account, &self.config.account_rules, &mut claimed));
        }
        if !events.is_empty() {
            // Portfolios find their account, and positions their portfolio, once the accounts are in the
            // books: the rest of the report is taken up when it is read again.
            self.record(step, Actor::Broker, events, None, now);
            step.effects.push(Effect::Reconsider(Box::new(report.clone())));
            return;
        }
        let mut events = setup::portfolios(&self.books, &self.config.portfolios);
        if !events.is_empty() {
            self.record(step, Actor::System, std::mem::take(&mut events), None, now);
            step.effects.push(Effect::Reconsider(Box::new(report.clone())));
            return;
        }
        for account in &report.accounts {
            if let Some(positions) = &account.positions {
                let whole = account.unread == 0 && self.may_be_whole(account.account.id, positions, now);
                let (settled, moving) = self.settled(account.account.id, positions, whole, report.at, now);
                events.extend(reconcile::positions(
                    &self.books,
                    account.account.id,
                    &settled,
                    &moving,
                    whole,
                    now,
                    self.ids.as_mut(),
                ));
            }
        }
        events.extend(paper_night::settle(&self.books, &self.market(now)));
        if !events.is_empty() {
            self.record(step, Actor::Broker, events, None, now);
        }
    }

    /// A list without a single position, where something is held, is more likely a bad answer than a flat account:
    /// it is believed once it has been the answer for a while.
    fn may_be_whole(&mut self, account: AccountId, positions: &[BrokerPosition], now: Timestamp) -> bool {
        if !positions.is_empty() || self.books.held(account).is_empty() {
            self.emptied.remove(&account);
            return true;
        }
        let since = *self.emptied.entry(account).or_insert(now);
        let believed = (now - since).num_seconds() >= EMPTY_SECONDS;
        if believed {
            self.emptied.remove(&account);
        }
        believed
    }

    /// For the warnings.
    pub(super) fn emptied_words(&self) -> impl Iterator<Item = String> {
        self.emptied.keys().filter_map(|id| self.books.accounts.get(id)).map(|held| {
            let number = &held.account.masked_number;
            format!("account {number} was read without any position: not believed until it is read so again")
        })
    }

    /// A hint: balances are shown at once, anything about positions is read again by REST.
    fn account_notice(&mut self, step: &mut Step, notice: AccountNotice) {
        match notice {
            AccountNotice::Balances { account, balances } => {
                self.balances.insert(account, balances);
                self.revision += 1;
            }
            AccountNotice::Position { .. } | AccountNotice::Order { .. } | AccountNotice::Other { .. } => {
                if !self.refreshing {
                    self.refreshing = true;
                    step.effects.push(Effect::Refresh);
                }
            }
        }
    }

    pub(super) fn link(&mut self, step: &mut Step, link: Link, state: LinkState, now: Timestamp) {
        let known = self.links.insert(link, state.clone());
        self.revision += 1;
        let was_up = matches!(known, Some(LinkState::Up { .. } | LinkState::Silent { .. }));
        match &state {
            LinkState::Down { why, .. } => drop(self.trouble.insert(link, why.clone())),
            LinkState::Up { .. } | LinkState::Off => drop(self.trouble.remove(&link)),
            LinkState::Connecting { .. } | LinkState::Silent { .. } | LinkState::Refused { .. } => {}
        }
        match &state {
            LinkState::Down { why, .. } if was_up => {
                let what = link_words(link);
                step.effects.push(Effect::Say(Notice {
                    level: Level::Warning,
                    text: format!("{what} lost: {why}"),
                    remedy: Some("r tries at once".into()),
                }));
            }
            LinkState::Refused { why } => step.effects.push(Effect::Say(Notice {
                level: Level::Error,
                text: format!("{} refused: {why}", link_words(link)),
                remedy: Some("check the credentials with `cotrader doctor`".into()),
            })),
            _ => {}
        }
        if link == Link::MarketStream && !matches!(state, LinkState::Up { .. }) {
            self.live_revision = self.revision;
        }
        if matches!(state, LinkState::Up { .. }) && !was_up {
            self.look_at_all_orders();
        }
        self.board.link(link, state, now);
    }

    /// New figures are in: risk computed before does not know them. A failure is said once.
    fn have_read(&mut self, step: &mut Step, failures: &[Failure], known: &[Failure]) {
        self.revision += 1;
        self.read_revision = self.revision;
        self.risk_wanted = None;
        if let Some(first) = failures.first().filter(|_| failures != known) {
            step.effects.push(Effect::Say(Notice {
                level: Level::Error,
                text: first.what.clone(),
                remedy: Some(first.remedy.clone()),
            }));
        }
    }

    fn risk_done(&mut self, done: RiskDone) {
        self.troubles.risk = None;
        self.units = done.models.units;
        if self.risk.as_ref().is_none_or(|risk| risk.revision <= done.revision) {
            self.risk = Some(done);
        }
    }

    fn tick(&mut self, step: &mut Step, now: Timestamp) {
        let freshness = self.freshness(now);
        if freshness != self.last_freshness {
            // Time alone made something stale, or a contract expired: what depends on it is not the same.
            self.last_freshness = freshness;
            self.revision += 1;
            if self.troubles.risk.is_none() {
                self.risk_wanted = None;
            }
        }
        if let Some(event) = self.close_of_day(now) {
            self.record(step, Actor::System, vec![event], None, now);
        }
        self.cancel_late(step, now);
        self.cancel_closings_of_nothing(step, now);
        self.walk_orders(step, now);
        self.look_after_orders(step, now);
        // The account stream is only a hint: the accounts themselves are read again now and then.
        let due = self
            .refreshed_at
            .is_none_or(|at| (now - at).num_seconds() >= self.config.account_refresh_seconds);
        if due && !self.refreshing && self.following == 0 {
            self.refreshing = true;
            step.effects.push(Effect::Refresh);
        }
    }
}

fn link_words(link: Link) -> &'static str {
    match link {
        Link::Rest => "broker",
        Link::MarketStream => "market stream",
        Link::AccountStream => "account stream",
    }
}
