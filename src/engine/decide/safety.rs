//! The kill switch and the alarms: raised by anybody, lifted by the trader alone, and durable. Beside the
//! record stands a flag file, which any process can put down and every sender looks at; the two are kept equal
//! here.
//!
//! Never: lifts the switch because the file is gone, takes the file away before the reset is durable.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::containers::Containers;
use crate::domain::control::{KillMode, MissingYes, OptIn, Venue};
use crate::domain::event::{Actor, AlarmsCleared, KillLifted, KillRaised};
use crate::domain::limit::TradeLoss;
use crate::domain::text::clean_note;
use crate::domain::{Event, Refusal, Timestamp};
use crate::engine::effect::Effect;
use crate::engine::input::{KillFlagged, ReplyTo};
use crate::engine::troubles::Subject;
use crate::engine::{Answer, Engine, Promise, Step};
use crate::risk::controls::{ControlConfig, Kill};
use crate::snapshot::{Level, Notice, SafetyView};

use super::journal::checked_text;

/// What is kept of a reason: a switch is never refused for its text.
const REASON: usize = 400;

/// What raising it to `mode` adds to the record; `None` where it is that high already.
pub fn raised(books: &Containers, mode: KillMode, why: &str) -> Option<Event> {
    if books.safety.kill >= Some(mode) {
        return None;
    }
    let why: String = clean_note(why).chars().take(REASON).collect();
    let why = if why.is_empty() { "no reason given".to_owned() } else { why };
    Some(Event::KillRaised(KillRaised { mode, why }))
}

/// What orders are held to, as configured.
#[derive(Debug, Clone)]
pub struct OrderRules {
    /// The first two yeses to real money; the third is asked for with each order.
    pub opt_in: OptIn,
    /// Of the first two yeses, those that were not given.
    pub missing: Vec<MissingYes>,
    /// Whose accounts are read: a record is of one of them.
    pub broker: Option<Venue>,
    /// The accounts that may trade, by their keys; `None`: all, where no real money can be spent.
    pub accounts: Option<Vec<String>>,
    pub controls: ControlConfig,
    /// L7 and L16 by portfolio key, as fractions of its equity; a portfolio that is not there has none, and
    /// nothing that adds risk goes out for it.
    pub trade_loss: BTreeMap<String, TradeLoss>,
    pub day_loss: BTreeMap<String, Decimal>,
}

impl Default for OrderRules {
    /// Nothing can cost money, and no portfolio may lose any.
    fn default() -> Self {
        Self {
            opt_in: OptIn::Rehearsal,
            missing: Vec::new(),
            broker: None,
            accounts: None,
            controls: ControlConfig::default(),
            trade_loss: BTreeMap::new(),
            day_loss: BTreeMap::new(),
        }
    }
}

impl OrderRules {
    /// Whether an account, by its key in the configuration, may trade.
    pub fn lists(&self, account: Option<&str>) -> bool {
        match (&self.accounts, account) {
            (Some(listed), Some(key)) => listed.iter().any(|known| known == key),
            (Some(_), None) => false,
            (None, _) => !self.opt_in.is_live(),
        }
    }
}

/// The flag file as it was last seen.
#[derive(Debug, Default)]
pub struct KillFlagSeen {
    up: Option<KillFlagged>,
    /// A reset of this process is durable: the file is to go.
    to_lower: bool,
}

impl Engine {
    /// The switch as it holds: recorded, or by its flag file alone.
    pub fn kill_switch(&self) -> Kill {
        let flagged = self.kill_flag.up.as_ref().map(|flag| flag.mode);
        self.books.safety.kill.max(flagged).map_or(Kill::Off, Kill::Up)
    }

    /// For the picture.
    pub(in crate::engine) fn safety(&self) -> SafetyView {
        let flagged = || self.kill_flag.up.as_ref().map(|flag| flag.why.as_str());
        let why = self.books.safety.kill_why.as_deref().or_else(flagged);
        SafetyView {
            kill: match self.kill_switch() {
                Kill::Off => None,
                Kill::Up(mode) => Some(mode),
            },
            kill_why: why.map(clean_note),
            kill_flag: self.kill_flag.up.is_some(),
            alarms: self.books.safety.alarms.iter().map(|alarm| clean_note(&alarm.to_string())).collect(),
        }
    }

    /// Whether what the flag file says is other than what is known and recorded.
    pub fn minds_kill_flag(&self, seen: Option<&KillFlagged>) -> bool {
        let recorded = self.books.safety.kill;
        seen != self.kill_flag.up.as_ref()
            || (self.read_only.is_none()
                && (seen.is_some_and(|flag| recorded < Some(flag.mode))
                    || (seen.is_none() && recorded.is_some())))
    }

    /// Works whatever else does not: where it cannot be recorded, the flag file stops every sender all the same.
    pub(in crate::engine) fn kill(
        &mut self,
        step: &mut Step,
        mode: KillMode,
        why: &str,
        to: Option<ReplyTo>,
        now: Timestamp,
    ) {
        step.effects.push(Effect::RaiseKillFlag { mode, why: clean_note(why) });
        step.effects.extend(self.out_of_reach().map(Effect::Say));
        if let Some(events) = self.raise(step, Actor::Trader, mode, why, now) {
            self.cancel_all(step, now);
            let said = match mode {
                KillMode::Safe => {
                    "kill switch safe: no new entries; working orders are cancelled, resting exits too"
                }
                KillMode::Hard => {
                    "kill switch hard: no new entries; working orders are cancelled, resting exits too; flatten what is open"
                }
            };
            step.promised.push(Promise { to, slot: 0, events, said: said.to_owned() });
            return;
        }
        let said = match &self.read_only {
            None => {
                let mode = self.books.safety.kill.unwrap_or(mode);
                let orders = match self.books.live_orders().count() {
                    0 => "no order is at the broker".to_owned(),
                    1 => "1 order is still at the broker".to_owned(),
                    many => format!("{many} orders are still at the broker"),
                };
                format!("the kill switch is up already, {}: nothing new is sent; {orders}", mode.word())
            }
            Some(why) => {
                format!("its flag file is put down: nothing new is sent; it is not recorded here: {why}")
            }
        };
        step.answers.push(Answer { to, slot: 0, result: Ok(said) });
    }

    /// Orders that work where this run sends nothing, not even a cancel.
    fn out_of_reach(&self) -> Option<Notice> {
        let left: Vec<_> =
            self.books.live_orders().filter(|it| self.venue(it.ticket.account).is_err()).collect();
        let venue = left.first()?.venue.map_or("other", |venue| venue.word()).to_uppercase();
        let orders = if left.len() == 1 {
            "1 order still works".to_owned()
        } else {
            format!("{} orders still work", left.len())
        };
        Some(Notice {
            level: Level::Error,
            text: format!("{orders} at the {venue} broker: this run cannot cancel there"),
            remedy: Some(format!("start cotrader in {venue} mode, or cancel on the broker's own platform")),
        })
    }

    /// Every way the switch goes up comes through here; whoever sends orders adds their cancels to the step.
    fn raise(
        &mut self,
        step: &mut Step,
        actor: Actor,
        mode: KillMode,
        why: &str,
        now: Timestamp,
    ) -> Option<std::ops::Range<usize>> {
        if self.read_only.is_some() {
            return None;
        }
        let event = raised(&self.books, mode, why)?;
        Some(self.record(step, actor, vec![event], None, now))
    }

    pub(in crate::engine) fn reset_kill(
        &mut self,
        step: &mut Step,
        reason: &str,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        if self.kill_switch() == Kill::Off && self.read_only.is_none() {
            let result = Ok("the kill switch is off already".to_owned());
            step.answers.push(Answer { to: reply, slot: 0, result });
            return;
        }
        self.decide(step, (reply, 0), now, None, |_, _| {
            let reason = checked_text(reason)?;
            let said = "kill switch reset: orders may go out again".to_owned();
            Ok((vec![Event::KillLifted(KillLifted { reason })], said))
        });
    }

    pub(in crate::engine) fn clear_alarms(
        &mut self,
        step: &mut Step,
        reason: &str,
        reply: Option<ReplyTo>,
        now: Timestamp,
    ) {
        self.decide(step, (reply, 0), now, None, |engine, _| {
            if engine.books.safety.alarms.is_empty() {
                return Err(Refusal::NoAlarm);
            }
            let reason = checked_text(reason)?;
            Ok((vec![Event::AlarmsCleared(AlarmsCleared { reason })], "alarms cleared".to_owned()))
        });
    }

    /// The file counts from the moment it is seen; it is recorded as soon as that can be.
    pub(in crate::engine) fn kill_flag(
        &mut self,
        step: &mut Step,
        seen: Option<KillFlagged>,
        now: Timestamp,
    ) {
        if self.kill_flag.up != seen {
            self.kill_flag.up.clone_from(&seen);
            self.revision += 1;
        }
        match seen {
            Some(flag) if self.troubles.may_try(Subject::Control, now) => {
                let why = format!("flag file: {}", flag.why);
                if self.raise(step, Actor::System, flag.mode, &why, now).is_some() {
                    self.cancel_all(step, now);
                    step.effects.extend(self.out_of_reach().map(Effect::Say));
                    step.effects.push(Effect::Say(Notice {
                        level: Level::Error,
                        text: format!("kill switch {}: {}", flag.mode.word(), clean_note(&why)),
                        remedy: Some("nothing new is sent; Ctrl-k r resets it".into()),
                    }));
                }
            }
            Some(_) => {}
            // Taking the file away is no reset.
            None => {
                if let Some(mode) = self.books.safety.kill.filter(|_| self.read_only.is_none()) {
                    let why = self.books.safety.kill_why.clone().unwrap_or_default();
                    step.effects.push(Effect::RaiseKillFlag { mode, why });
                }
            }
        }
    }

    pub(in crate::engine) fn kill_recorded(&mut self, event: &Event) {
        match event {
            Event::KillLifted(_) => {
                self.kill_flag.up = None;
                self.kill_flag.to_lower = self.read_only.is_none();
            }
            Event::KillRaised(_) => self.kill_flag.to_lower = false,
            _ => {}
        }
    }

    pub(in crate::engine) fn kill_flag_to_lower(&mut self) -> Option<Effect> {
        std::mem::take(&mut self.kill_flag.to_lower).then_some(Effect::LowerKillFlag)
    }
}
