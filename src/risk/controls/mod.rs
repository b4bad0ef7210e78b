//! The sixteen controls that stand before every order, and the only way past them: `Cleared`.
//!
//! Never: sends, asks the market or the time, or passes on what is not known. A control that lacks an input,
//! or finds one that cannot be, says no. Cancels need no clearance and are never slowed.

mod config;
mod exposure;
mod facts;
mod flow;
mod form;
mod gates;
mod package;
#[cfg(test)]
mod tests;

pub use config::{BadControl, ControlConfig};
pub use facts::{
    Confirmation, ControlFacts, DayFacts, DryRunFacts, Health, Kill, LegFacts, OpenOrders, OtherOrder,
    QuoteFacts, QuoteSource, Sent, SessionFacts, TickSize, WorstCase,
};
pub use package::{Package, notional, package, stop_room, tick, tick_at};

use crate::domain::control::{ControlCheck, ControlId, Measured};
use crate::domain::order::{ComplexKind, ComplexTicket, Exit, NetPrice, Ticket};
use crate::domain::trade::Verdict;

/// What may be sent: it has passed its controls, and nothing else can be handed to a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    pub fn get(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }

    /// For tests of what comes after the controls.
    #[cfg(test)]
    pub(crate) fn for_test(cleared: T) -> Self {
        Self(cleared)
    }
}

/// A working order with another limit: the ticket as it will work. A type of its own, because it passes fewer
/// controls and must never be sent as a new order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(pub Ticket);

impl std::ops::Deref for Replacement {
    type Target = Ticket;
    fn deref(&self) -> &Ticket {
        &self.0
    }
}

/// What the controls of a replacement are: the order itself was judged by all of them when it was sent.
pub const OF_REPLACEMENTS: [ControlId; 8] = [
    ControlId::OptIn,
    ControlId::KillSwitch,
    ControlId::Health,
    ControlId::Session,
    ControlId::Freshness,
    ControlId::Form,
    ControlId::Collar,
    ControlId::Rate,
];

/// All sixteen, in order, each with what it looked at.
pub fn check(ticket: &Ticket, facts: &ControlFacts, config: &ControlConfig) -> Vec<ControlCheck> {
    let judged = Judged { ticket, stop: None, facts, config, replacing: false };
    ControlId::ALL.into_iter().map(|control| judged.by(control)).collect()
}

/// Those of `OF_REPLACEMENTS`, in order. The ticket has the new limit.
pub fn check_replacement(ticket: &Ticket, facts: &ControlFacts, config: &ControlConfig) -> Vec<ControlCheck> {
    let judged = Judged { ticket, stop: None, facts, config, replacing: true };
    OF_REPLACEMENTS.into_iter().map(|control| judged.by(control)).collect()
}

/// All sixteen of a set of orders, in order: each control's gravest answer. With a trigger it is the trigger
/// that is judged, and each of the others must be an exit of exactly what it opens; without one all of them
/// close the same thing, and each is judged. The facts are those of the order that is judged.
pub fn check_complex(
    ticket: &ComplexTicket,
    facts: &ControlFacts,
    config: &ControlConfig,
) -> Vec<ControlCheck> {
    let all = |config| {
        let trigger = ticket.trigger.iter().map(|trigger| (trigger, None));
        let exits = ticket.orders.iter().map(|exit| (&exit.ticket, exit.stop));
        let one = |(ticket, stop)| Judged { ticket, stop, facts, config, replacing: false };
        trigger.chain(exits).map(one).collect::<Vec<_>>()
    };
    let (judged, shape) = match (&ticket.trigger, ticket.orders.split_first()) {
        (Some(trigger), Some(_)) if ticket.kind != ComplexKind::Oco => {
            let exits = ticket.orders.iter().all(|exit| form::is_exit_of(&exit.ticket, trigger));
            (
                all(config).into_iter().take(1).collect(),
                exits.then_some(()).ok_or("an order of the set is no exit of what the first one opens"),
            )
        }
        (None, Some((first, rest))) if ticket.kind == ComplexKind::Oco && !rest.is_empty() => {
            let alike = rest.iter().all(|other| form::close_the_same(&first.ticket, &other.ticket));
            (all(config), alike.then_some(()).ok_or("the orders of the set do not close the same"))
        }
        _ => (all(config), Err("the set has not the orders that its kind needs")),
    };
    let mut gravest: Vec<ControlCheck> = ControlId::ALL.map(never_looked_at).into();
    for (place, order) in judged.into_iter().enumerate() {
        for kept in &mut gravest {
            let found = order.by(kept.control);
            if place == 0 || found.verdict > kept.verdict {
                *kept = found;
            }
        }
    }
    // An exit has a tick and a sign of its own; the rest of it follows from what it closes.
    for exit in ticket.trigger.iter().flat_map(|_| &ticket.orders) {
        let Exit { ticket, stop } = exit;
        let found = Judged { ticket, stop: *stop, facts, config, replacing: false }.by(ControlId::Form);
        replace_by_graver(&mut gravest, found);
    }
    if let Err(why) = shape {
        replace_by_graver(
            &mut gravest,
            ControlCheck {
                control: ControlId::Form,
                value: text("malformed"),
                limit: text("orders that hang together"),
                verdict: Verdict::Block,
                why: Some(format!("{why}; build it anew")),
            },
        );
    }
    gravest
}

fn replace_by_graver(checks: &mut [ControlCheck], found: ControlCheck) {
    if let Some(kept) = checks.iter_mut().find(|check| check.control == found.control)
        && found.verdict > kept.verdict
    {
        *kept = found;
    }
}

fn never_looked_at(control: ControlId) -> ControlCheck {
    ControlCheck {
        control,
        value: Measured::Unknown,
        limit: Measured::Unknown,
        verdict: Verdict::Block,
        why: Some("there is no order to look at; build it anew".to_owned()),
    }
}

/// The checks go into the record either way.
pub fn clear(
    ticket: Ticket,
    facts: &ControlFacts,
    config: &ControlConfig,
) -> Result<(Cleared<Ticket>, Vec<ControlCheck>), Vec<ControlCheck>> {
    let checks = check(&ticket, facts, config);
    if blocks(&checks) { Err(checks) } else { Ok((Cleared(ticket), checks)) }
}

pub fn clear_replacement(
    ticket: Ticket,
    facts: &ControlFacts,
    config: &ControlConfig,
) -> Result<(Cleared<Replacement>, Vec<ControlCheck>), Vec<ControlCheck>> {
    let checks = check_replacement(&ticket, facts, config);
    if blocks(&checks) { Err(checks) } else { Ok((Cleared(Replacement(ticket)), checks)) }
}

/// Orders that hang together: see `check_complex`.
pub fn clear_complex(
    ticket: ComplexTicket,
    facts: &ControlFacts,
    config: &ControlConfig,
) -> Result<(Cleared<ComplexTicket>, Vec<ControlCheck>), Vec<ControlCheck>> {
    let checks = check_complex(&ticket, facts, config);
    if blocks(&checks) { Err(checks) } else { Ok((Cleared(ticket), checks)) }
}

fn blocks(checks: &[ControlCheck]) -> bool {
    checks.is_empty() || checks.iter().any(|check| check.verdict == Verdict::Block)
}

/// The first control that says no, for a sentence.
pub fn first_block(checks: &[ControlCheck]) -> Option<&ControlCheck> {
    checks.iter().find(|check| check.verdict == Verdict::Block)
}

/// One order and what is known about it.
struct Judged<'a> {
    ticket: &'a Ticket,
    /// From where its limit works, for the stop of a set.
    stop: Option<NetPrice>,
    facts: &'a ControlFacts,
    config: &'a ControlConfig,
    replacing: bool,
}

impl Judged<'_> {
    fn by(&self, control: ControlId) -> ControlCheck {
        let found = match control {
            ControlId::OptIn => self.opt_in(),
            ControlId::KillSwitch => self.kill_switch(),
            ControlId::Health => self.health(),
            ControlId::Session => self.session(),
            ControlId::Freshness => self.freshness(),
            ControlId::Form => self.form(),
            ControlId::Size => self.size(),
            ControlId::WorstCase => self.worst_case(),
            ControlId::Collar => self.collar(),
            ControlId::BuyingPower => self.buying_power(),
            ControlId::PortfolioLimits => self.portfolio_limits(),
            ControlId::Duplicate => self.duplicate(),
            ControlId::Rate => self.rate(),
            ControlId::OpenOrders => self.open_orders(),
            ControlId::ClosingOnly => self.closing_only(),
            ControlId::DayLoss => self.day_loss(),
        };
        ControlCheck {
            control,
            value: found.value,
            limit: found.limit,
            verdict: found.verdict,
            why: found.why,
        }
    }

    /// The whole trade can lose no more with the order than without it, and no risk loses its end.
    fn reduces_risk(&self) -> bool {
        let worst = &self.facts.worst_case;
        let less = match (worst.loss_before.and_then(possible), worst.loss_after.and_then(possible)) {
            (Some(before), Some(after)) => after <= before,
            // Whatever it could lose: nothing is left of it.
            (None, Some(after)) => after == 0.0,
            _ => false,
        };
        let bounded = matches!(
            (worst.defined_before, worst.defined_after),
            (_, Some(true)) | (Some(false), Some(false))
        );
        self.ticket.is_closing() && less && bounded
    }
}

/// A figure that cannot be negative and must be one.
fn possible(figure: f64) -> Option<f64> {
    (figure.is_finite() && figure >= 0.0).then_some(figure)
}

struct Finding {
    value: Measured,
    limit: Measured,
    verdict: Verdict,
    why: Option<String>,
}

fn pass(value: Measured, limit: Measured) -> Finding {
    Finding { value, limit, verdict: Verdict::Pass, why: None }
}

fn warn(value: Measured, limit: Measured, why: impl Into<String>) -> Finding {
    Finding { value, limit, verdict: Verdict::Warn, why: Some(why.into()) }
}

fn block(value: Measured, limit: Measured, why: impl Into<String>) -> Finding {
    Finding { value, limit, verdict: Verdict::Block, why: Some(why.into()) }
}

/// What is no number is not known: nothing else can be written down.
fn number(value: f64) -> Measured {
    if value.is_finite() { Measured::Number(value) } else { Measured::Unknown }
}

fn count(value: u32) -> Measured {
    Measured::Number(f64::from(value))
}

fn text(value: impl Into<String>) -> Measured {
    Measured::Text(value.into())
}
