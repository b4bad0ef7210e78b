//! Input → decision → events and effects; after durability the containers change and a snapshot is due.
//!
//! The only writer of the containers. Never: waits, prints, opens anything, asks the time or invents an id.

use std::collections::BTreeMap;

use crate::advisor::held::Held;
use crate::containers::Containers;
use crate::domain::account::AccountRule;
use crate::domain::event::{Actor, Meta, Pending, Recorded, SessionStarted};
use crate::domain::report::MarketSession;
use crate::domain::view::View;
use crate::domain::{
    AccountId, Balances, CorrelationId, Event, EventId, IdSource, Instrument, Portfolio, ReadOnly, Refusal,
    SessionId, Symbol, Timestamp,
};
use crate::market::board::Board;
use crate::market::update::{Link, LinkState};
use crate::market::view::{MarketConfig, MarketView};
use crate::risk::two_models::Units;
use crate::snapshot::{Mode, Notice};

mod booking_steps;
pub mod decide;
pub mod effect;
pub mod input;
mod observe;
pub mod orders;
mod paper_night;
mod picture;
pub mod reconcile;
mod risk_book;
mod step;
mod troubles;
mod watching;

#[cfg(test)]
mod tests;

pub use effect::{Effect, RiskJob, Watch};
pub use input::{ChainWish, Failure, Input, KillFlagged, NoChain, Part, ReplyTo, RiskDone};

pub use troubles::Subject;
use troubles::Troubles;

use decide::safety::KillFlagSeen;
pub use decide::safety::OrderRules;

use crate::booking::evaluate::PendingBooking;

/// What the engine is told once, at the start.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    pub mode: Mode,
    pub portfolios: Vec<Portfolio>,
    pub account_rules: Vec<AccountRule>,
    pub benchmark: Symbol,
    /// The strip of panel 1.
    pub context: Vec<Symbol>,
    /// Followed whether held or not; contains the strip.
    pub watch: Vec<Symbol>,
    pub market: MarketConfig,
    /// The day the configured rates are of.
    pub rates_as_of: crate::domain::TradingDate,
    /// The account stream is a hint: this often the accounts are read again.
    pub account_refresh_seconds: i64,
    /// From here a clock that differs from the broker's is warned of; from there nothing is booked.
    pub clock_skew_warn_ms: i64,
    pub clock_skew_block_ms: i64,
    /// How many of its seconds pass in one of a person's: 1, but where a simulated market runs faster.
    pub clock_speed: f64,
    pub orders: OrderRules,
    pub streaming: bool,
    pub banner: Option<String>,
    /// Second cockpit or damaged store: nothing can be recorded, and why.
    pub read_only: Option<ReadOnly>,
}

pub struct Engine {
    config: EngineConfig,
    books: Containers,
    board: Board,
    session: Option<MarketSession>,
    view: View,
    /// The last balances of every account, for display; the record keeps what decisions rely on.
    balances: BTreeMap<AccountId, Balances>,
    links: BTreeMap<Link, LinkState>,
    /// Why a link was lost, until it is up again.
    trouble: BTreeMap<Link, String>,
    streaming: bool,
    refreshing: bool,
    /// Watch lists handed out whose first read has not ended.
    following: usize,
    /// The picture as of the last read: risk computed before it does not know what was read.
    read_revision: u64,
    last_refresh: Option<Timestamp>,
    /// Accounts that hold something and are read as empty, since when.
    emptied: BTreeMap<AccountId, Timestamp>,
    /// The last read that ended, well or not.
    refreshed_at: Option<Timestamp>,
    failures: Vec<Failure>,
    /// Of reading what a changed watch list needed.
    follow_failures: Vec<Failure>,
    /// Counts changes of market, books or view; risk is tagged with it.
    revision: u64,
    /// Counts changes of trades and portfolios: a risk report of another structure is of another book.
    structure: u64,
    risk: Option<RiskDone>,
    /// What the broker's Greeks are in: told once, from the first that come.
    units: Units,
    risk_wanted: Option<u64>,
    troubles: Troubles,
    /// Live, stale or unusable, for everything that is watched.
    last_freshness: Vec<u8>,
    risk_asked_at: Option<Timestamp>,
    /// The picture as of the last loss of the market stream: risk computed before it does not know that.
    live_revision: u64,
    watch: Watch,
    /// Options that forwards are read from, by root and expiry, with the spot they were chosen at.
    parity: BTreeMap<(Symbol, crate::domain::TradingDate), (f64, Vec<Instrument>)>,
    bookings: BTreeMap<u64, PendingBooking>,
    next_booking: u64,
    observed: Option<Observed>,
    /// What called for action in the last picture.
    held: Held,
    desk: orders::Desk,
    read_only: Option<ReadOnly>,
    kill_flag: KillFlagSeen,
    ids: Box<dyn IdSource>,
}

/// The market context that was recorded last.
#[derive(Debug, Clone, Copy)]
struct Observed {
    at: Timestamp,
    event: EventId,
}

/// What one input leads to. Nothing of it happens before `events` are durable.
#[derive(Debug, Default)]
pub struct Step {
    pub events: Vec<Pending>,
    pub effects: Vec<Effect>,
    /// What leaves for the broker's order book: only if every event of the step is durable.
    pub sends: Vec<Effect>,
    /// Refusals and answers that need no event come at once.
    pub answers: Vec<Answer>,
    /// Someone waits for the events to be durable.
    pub promised: Vec<Promise>,
}

/// An answer that is ready now.
#[derive(Debug)]
pub struct Answer {
    pub to: Option<ReplyTo>,
    /// Which line of a batch; 0 elsewhere.
    pub slot: usize,
    pub result: Result<String, Refusal>,
}

/// An answer once events `from..to` of the step are durable.
#[derive(Debug, Clone)]
pub struct Promise {
    pub to: Option<ReplyTo>,
    /// Which line of a batch; 0 elsewhere.
    pub slot: usize,
    pub events: std::ops::Range<usize>,
    pub said: String,
}

impl Engine {
    pub fn new(config: EngineConfig, books: Containers, ids: Box<dyn IdSource>) -> Self {
        Self {
            streaming: config.streaming,
            read_only: config.read_only.clone(),
            board: Board::default(),
            session: None,
            view: View::default(),
            balances: BTreeMap::new(),
            links: BTreeMap::new(),
            trouble: BTreeMap::new(),
            refreshing: false,
            following: 0,
            read_revision: 0,
            last_refresh: None,
            refreshed_at: None,
            emptied: BTreeMap::new(),
            failures: Vec::new(),
            follow_failures: Vec::new(),
            revision: 0,
            structure: 0,
            risk: None,
            units: Units::default(),
            risk_wanted: None,
            troubles: Troubles::default(),
            last_freshness: Vec::new(),
            risk_asked_at: None,
            live_revision: 0,
            watch: Watch::default(),
            parity: BTreeMap::new(),
            bookings: BTreeMap::new(),
            next_booking: 0,
            observed: None,
            held: Held::default(),
            kill_flag: KillFlagSeen::default(),
            desk: orders::Desk::default(),
            config,
            books,
            ids,
        }
    }

    pub fn books(&self) -> &Containers {
        &self.books
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The first step of a run: the session (where there is one) and the configured portfolios enter the record.
    pub fn start(&mut self, version: Option<&str>, now: Timestamp) -> Step {
        let mut step = Step::default();
        if self.read_only.is_none() {
            let mut events = Vec::new();
            if let Some(version) = version {
                events.push(Event::SessionStarted(SessionStarted {
                    session: SessionId::new(self.ids.as_mut()),
                    mode: self.config.mode.badge().to_ascii_lowercase(),
                    version: version.to_owned(),
                    broker: self.config.orders.broker,
                }));
            }
            events.extend(decide::setup::portfolios(&self.books, &self.config.portfolios));
            self.record(&mut step, Actor::System, events, None, now);
            let left = self.orders_left_open();
            self.record(&mut step, Actor::System, left, None, now);
        }
        step
    }

    /// The read of the broker that every run begins with.
    pub fn first_refresh(&mut self) -> Step {
        self.refreshing = true;
        Step { effects: vec![Effect::Refresh], ..Step::default() }
    }

    /// Events that are durable change the books. Answers of an idempotent repeat are known already.
    pub fn commit(&mut self, recorded: &[Recorded]) {
        for event in recorded {
            if event.seq > self.books.seq {
                self.books.apply(event);
                self.revision += 1;
                if let Event::MarketObserved(_) = *event.event {
                    self.observed = Some(Observed { at: event.meta.occurred_at, event: event.meta.id });
                }
                self.troubles.recorded(&event.event);
                self.kill_recorded(&event.event);
                if changes_risk(&event.event) {
                    self.structure += 1;
                    self.risk_wanted = None;
                }
            }
        }
    }

    /// The store refused or halted: from now on nothing is decided.
    pub fn store_failed(&mut self, why: ReadOnly) -> Notice {
        let notice = Notice {
            level: crate::snapshot::Level::Error,
            text: format!("nothing can be recorded: {why}"),
            remedy: Some(why.remedy().to_owned()),
        };
        self.cannot_record(why);
        notice
    }

    /// Why nothing can be recorded has become another reason.
    pub fn cannot_record(&mut self, why: ReadOnly) {
        self.read_only = Some(why);
        self.revision += 1;
    }

    /// The balances that belong to the books. Who cannot record has books that stand where the record does:
    /// a cash of another moment beside them would make a net liq that never was.
    fn balances(&self) -> BTreeMap<AccountId, Balances> {
        let mut balances = self.balances.clone();
        if self.read_only.is_some() {
            for (id, held) in &self.books.accounts {
                let cash = held.balances.as_ref().and_then(|recorded| recorded.cash);
                if let Some(shown) = balances.get_mut(id) {
                    shown.cash = cash;
                }
            }
        }
        balances
    }

    /// The report belongs to the book and the view on the screen; market data may have moved since.
    pub fn risk_is_current(&self) -> bool {
        self.risk.as_ref().is_some_and(|risk| risk.structure == self.structure && risk.view == self.view)
    }

    /// The market context that a decision of this step relies on: of the step itself, else of the record.
    fn observed(&self, step: &Step) -> Option<Observed> {
        let observes = |pending: &&Pending| matches!(pending.event, Event::MarketObserved(_));
        let of_step = step.events.iter().rev().find(observes);
        of_step.map(|it| Observed { at: it.meta.occurred_at, event: it.meta.id }).or(self.observed)
    }

    fn market(&self, now: Timestamp) -> MarketView {
        self.board.view(now, &self.config.market)
    }

    /// Gives decided events identity, cause and time, all in one batch of the step.
    fn record(
        &mut self,
        step: &mut Step,
        actor: Actor,
        events: Vec<Event>,
        key: Option<&str>,
        now: Timestamp,
    ) -> std::ops::Range<usize> {
        let from = step.events.len();
        let correlation = CorrelationId::new(self.ids.as_mut());
        let observed = self.observed(step).map(|observed| observed.event);
        let mut causation = observed.filter(|_| actor == Actor::Trader);
        for event in events {
            let id = EventId::new(self.ids.as_mut());
            step.events.push(Pending {
                meta: Meta {
                    id,
                    occurred_at: now,
                    actor,
                    correlation,
                    causation,
                    key: key.map(str::to_owned),
                },
                event,
            });
            causation = Some(id);
        }
        from..step.events.len()
    }
}

/// Notes and observations leave the risk of the book as it is.
fn changes_risk(event: &Event) -> bool {
    !matches!(
        event,
        Event::NoteRecorded(_)
            | Event::MarketObserved(_)
            | Event::SessionStarted(_)
            | Event::DayClosed(_)
            | Event::KillRaised(_)
            | Event::KillLifted(_)
            | Event::AlarmRaised(_)
            | Event::AlarmsCleared(_)
    )
}
