//! What is wrong with the cockpit itself: a question of risk that failed, a part that stopped, a clock that is
//! off.
//!
//! Never: touches a book or a price.

use std::collections::BTreeMap;

use super::effect::Effect;
use super::input::Part;
use super::{Engine, Step};
use crate::domain::{Event, Refusal, Timestamp};
use crate::market::update::{Link, LinkState};
use crate::snapshot::{Level, Notice};

#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Why the last question of risk has no answer.
    pub risk: Option<String>,
    stopped: BTreeMap<Part, String>,
    /// Why the record of the process that writes cannot be read: the books here may be behind it.
    record: Option<String>,
    /// What the store would not take although nobody waits for it: since when, and why.
    unrecorded: BTreeMap<Subject, (Timestamp, String)>,
    /// The broker's clock less ours.
    skew_ms: i64,
}

/// What is recorded without anybody waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Session,
    Books,
    Positions,
    Market,
    Close,
    Decision,
    Order,
    Control,
}

impl Subject {
    pub fn of(event: &Event) -> Self {
        match event {
            Event::SessionStarted(_) => Self::Session,
            Event::PortfolioDefined(_) | Event::AccountSeen(_) | Event::BalancesReported(_) => Self::Books,
            Event::TradeAdopted(_) | Event::TradeResized(_) => Self::Positions,
            Event::MarketObserved(_) => Self::Market,
            Event::DayClosed(_) => Self::Close,
            Event::TradeIntended(_)
            | Event::TradeEvaluated(_)
            | Event::TradeMoved(_)
            | Event::TradeClosed(_)
            | Event::TradePromoted(_)
            | Event::NoteRecorded(_) => Self::Decision,
            Event::OrderStaged(_)
            | Event::OrdersLinked(_)
            | Event::SetNamed(_)
            | Event::OrderSubmitted(_)
            | Event::OrderAnswered(_)
            | Event::OrderMoved(_)
            | Event::OrderFilled(_)
            | Event::OrderChangeRequested(_)
            | Event::OrderChangeAnswered(_) => Self::Order,
            Event::KillRaised(_) | Event::KillLifted(_) | Event::AlarmRaised(_) | Event::AlarmsCleared(_) => {
                Self::Control
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Session => "the start of this session",
            Self::Books => "what the broker says of an account",
            Self::Positions => "what the broker says of the positions",
            Self::Market => "the market that a decision relied on",
            Self::Close => "the close of the day",
            Self::Decision => "a decision",
            Self::Order => "what became of an order",
            Self::Control => "the kill switch or an alarm",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Session => "decisions are recorded all the same; `cotrader verify` checks the store",
            Self::Books | Self::Positions => "r reads the broker again and tries again",
            Self::Market => "decisions are recorded all the same; r reads the market again",
            Self::Close => {
                "r reads the market again; it is tried every half minute until midnight in New York"
            }
            Self::Decision => "`cotrader doctor` checks the settings; r tries again",
            Self::Order => "the broker's own platform shows its orders; r reads them again",
            Self::Control => "`cotrader verify` checks the store; nothing relies on it until it is recorded",
        }
    }
}

/// What was refused is asked for again this rarely: most likely it is refused once more.
const TRY_AGAIN_MS: i64 = 30_000;

/// How far our clock may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Clock {
    Right,
    Off,
    /// Nothing that rests on the time of day may be decided.
    FarOff,
}

impl Troubles {
    /// For the warnings.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let risk = self.risk.iter().map(|why| format!("risk could not be computed: {why}"));
        let record = self.record.iter().map(|why| unreadable(why));
        let unrecorded = self
            .unrecorded
            .iter()
            .map(|(of, (_, why))| format!("{}; {}", not_recorded(*of, why), of.remedy()));
        risk.chain(record).chain(unrecorded).chain(self.stopped.iter().map(|(part, why)| stopped(*part, why)))
    }

    /// It is in the record now.
    pub fn recorded(&mut self, event: &Event) {
        self.unrecorded.remove(&Subject::of(event));
    }

    pub fn may_try(&self, what: Subject, now: Timestamp) -> bool {
        let waited = |at: Timestamp| (now - at).num_milliseconds() >= TRY_AGAIN_MS;
        self.unrecorded.get(&what).is_none_or(|(at, _)| waited(*at))
    }

    /// The books on the screen may be old ones: under the header, for as long as that is so.
    pub fn books_may_be_old(&self) -> Option<String> {
        let stopped = || self.stopped.get(&Part::Following).map(|why| stopped(Part::Following, why));
        let why = self.record.as_deref().map(unreadable).or_else(stopped)?;
        Some(format!("{why}; the books shown may be old"))
    }
}

fn unreadable(why: &str) -> String {
    format!("the other cockpit's decisions cannot be read: {why}")
}

fn not_recorded(what: Subject, why: &str) -> String {
    format!("{} cannot be recorded: {why}", what.words())
}

fn stopped(part: Part, why: &str) -> String {
    let what = match part {
        Part::Reads => "reading the broker",
        Part::Streams => "the streams",
        Part::Risk => "the risk worker",
        Part::Shell => "answering shell commands",
        Part::Following => "following the other cockpit",
    };
    format!("{what} stopped: {why}")
}

fn clock_words(skew_ms: i64) -> String {
    let way = if skew_ms > 0 { "behind" } else { "ahead of" };
    let seconds = skew_ms.unsigned_abs() as f64 / 1000.0;
    format!("this computer's clock is {seconds:.1} s {way} the broker's")
}

impl Engine {
    fn clock(&self) -> Clock {
        let off = self.troubles.skew_ms.saturating_abs();
        if off >= self.config.clock_skew_block_ms {
            Clock::FarOff
        } else if off >= self.config.clock_skew_warn_ms {
            Clock::Off
        } else {
            Clock::Right
        }
    }

    /// For the warnings, and under the header where nothing can be booked for it.
    pub(super) fn clock_warning(&self) -> Option<String> {
        let words = || clock_words(self.troubles.skew_ms);
        match self.clock() {
            Clock::Right => None,
            Clock::Off => Some(words()),
            Clock::FarOff => Some(format!("{}: nothing is booked until it is set", words())),
        }
    }

    pub(super) fn clock_is_far_off(&self) -> bool {
        self.clock() == Clock::FarOff
    }

    /// The broker's clock less ours.
    pub(super) fn skew_seconds(&self) -> Option<f64> {
        // Milliseconds of a skew are far below 2^52.
        Some(self.troubles.skew_ms as f64 / 1000.0)
    }

    /// A draft is judged by the day and the hour.
    pub(super) fn clock_permits(&self) -> Result<(), Refusal> {
        if !self.clock_is_far_off() {
            return Ok(());
        }
        Err(Refusal::ClockOff { seconds: self.troubles.skew_ms.saturating_abs() / 1000 })
    }

    pub(super) fn clock_skew(&mut self, step: &mut Step, ms: i64) {
        let before = self.clock();
        self.troubles.skew_ms = ms;
        let now = self.clock();
        if now == before {
            return;
        }
        self.revision += 1;
        if let Some(text) = self.clock_warning().filter(|_| now > before) {
            let level = if now == Clock::FarOff { Level::Error } else { Level::Warning };
            let remedy = Some("set it from the network (NTP); `cotrader doctor` checks it".into());
            step.effects.push(Effect::Say(Notice { level, text, remedy }));
        }
    }

    /// What is on the screen belongs to an earlier picture; of this one nothing is known. The next change of
    /// book or market asks again.
    pub(super) fn risk_failed(&mut self, step: &mut Step, why: String) {
        self.risk = None;
        if self.troubles.risk.replace(why.clone()).is_none() {
            step.effects.push(Effect::Say(Notice {
                level: Level::Error,
                text: format!("risk could not be computed: {why}"),
                remedy: Some("its figures are unknown until it succeeds; r asks again".into()),
            }));
        }
    }

    /// The store is well and would not take an event that nobody waits for. Said once, and in the warnings until
    /// an event of its kind is taken.
    pub fn not_recorded(&mut self, what: Subject, why: String, now: Timestamp) -> Option<Notice> {
        self.revision += 1;
        let text = not_recorded(what, &why);
        let known = self.troubles.unrecorded.insert(what, (now, why.clone()));
        let new = known.is_none_or(|(_, before)| before != why);
        new.then(|| Notice { level: Level::Error, text, remedy: Some(what.remedy().into()) })
    }

    /// What the process that writes has recorded since is not known here.
    pub fn record_unreadable(&mut self, why: String) -> Notice {
        let text = unreadable(&why);
        self.troubles.record = Some(why);
        self.revision += 1;
        let remedy = Some("`cotrader verify` checks the store; it is tried again".into());
        Notice { level: Level::Error, text, remedy }
    }

    /// All that is recorded can be read, whether it was anything new or not.
    pub fn record_is_read(&mut self) {
        if self.troubles.record.take().is_some() {
            self.revision += 1;
        }
    }

    pub(super) fn part_stopped(&mut self, step: &mut Step, part: Part, why: &str, now: Timestamp) {
        let text = stopped(part, why);
        let links: &[Link] = match part {
            Part::Reads => &[Link::Rest],
            Part::Streams => &[Link::MarketStream, Link::AccountStream],
            Part::Risk | Part::Shell | Part::Following => &[],
        };
        for link in links {
            self.link(step, *link, LinkState::Down { why: text.clone(), retry_in_ms: None }, now);
        }
        if part == Part::Reads {
            // Whatever was under way will not end any more.
            self.refreshing = false;
            self.following = 0;
        }
        if part == Part::Risk {
            self.risk = None;
            self.troubles.risk = Some(text.clone());
        }
        self.troubles.stopped.insert(part, why.to_owned());
        self.revision += 1;
        step.effects.push(Effect::Say(Notice {
            level: Level::Error,
            text,
            remedy: Some("leave with q and start cotrader again: what was confirmed is recorded".into()),
        }));
    }
}
