//! Our ticket as the bytes that are sent. One ticket has one body: the dry run asks about exactly what is
//! sent afterwards, and the hash says so.
//!
//! Never: sends, rounds a price, leaves the sign to the broker.

use rust_decimal::Decimal;
use serde::Serialize;

use super::wire::order as wire;
use crate::broker::answered::Body;
use crate::domain::order::{
    BadTicket, ComplexKind, ComplexTicket, Exit, OrderAction, OrderLeg, Ticket, TimeInForce,
};
use crate::domain::{AccountId, Instrument};

/// Why nothing can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error(transparent)]
    Ticket(#[from] BadTicket),
    #[error("orders that hang together stand in one account")]
    Accounts,
    #[error("this set has not the orders that its kind needs")]
    Orders,
    #[error("the order cannot be written down")]
    Spelling,
}

fn body(value: &impl Serialize) -> Result<Body, Unsendable> {
    serde_json::to_vec(value).map(Body).map_err(|_| Unsendable::Spelling)
}

pub fn order(ticket: &Ticket, source: &str) -> Result<Body, Unsendable> {
    body(&new_order(ticket, source)?)
}

/// The order that takes the place of another one: its legs are those of the old one, and not said again.
pub fn replacement(ticket: &Ticket, source: &str) -> Result<Body, Unsendable> {
    body(&wire::NewOrder { legs: Vec::new(), ..new_order(ticket, source)? })
}

/// The set, and the account it stands in.
pub fn complex(ticket: &ComplexTicket, source: &str) -> Result<(AccountId, Body), Unsendable> {
    let (kind, triggered, orders) = match ticket.kind {
        ComplexKind::Oco => ("OCO", false, 2..=2),
        ComplexKind::Otoco => ("OTOCO", true, 2..=2),
        ComplexKind::Oto => ("OTO", true, 1..=3),
    };
    if ticket.trigger.is_some() != triggered || !orders.contains(&ticket.orders.len()) {
        return Err(Unsendable::Orders);
    }
    let account = ticket.lead().ok_or(Unsendable::Orders)?.account;
    if ticket.tickets().any(|one| one.account != account) {
        return Err(Unsendable::Accounts);
    }
    let trigger_order = ticket.trigger.as_ref().map(|one| new_order(one, source)).transpose()?;
    let orders = ticket.orders.iter().map(|one| exit(one, source)).collect::<Result<_, _>>()?;
    Ok((account, body(&wire::NewComplexOrder { kind, trigger_order, orders })?))
}

/// A stop goes with its limit: as a price without sign, on the side of the limit.
fn exit(exit: &Exit, source: &str) -> Result<wire::NewOrder, BadTicket> {
    let order = new_order(&exit.ticket, source)?;
    Ok(match exit.stop {
        None => order,
        Some(stop) => wire::NewOrder {
            order_type: "Stop Limit",
            stop_trigger: Some(stop.0.abs().normalize().to_string()),
            ..order
        },
    })
}

fn new_order(ticket: &Ticket, source: &str) -> Result<wire::NewOrder, BadTicket> {
    ticket.check()?;
    let legs = ticket.legs.iter().map(new_leg).collect::<Result<_, _>>()?;
    let (time_in_force, gtc_date) = match ticket.time_in_force {
        TimeInForce::Day => ("Day", None),
        TimeInForce::Gtc => ("GTC", None),
        TimeInForce::Gtd(date) => ("GTD", Some(date.format("%Y-%m-%d").to_string())),
    };
    // Without it the broker turns a closing order without its position into an opening one.
    let closes = ticket.legs.iter().any(|leg| leg.action.is_closing());
    let debit = ticket.limit.0 < Decimal::ZERO;
    Ok(wire::NewOrder {
        time_in_force,
        gtc_date,
        order_type: "Limit",
        stop_trigger: None,
        price: ticket.limit.0.abs().normalize().to_string(),
        price_effect: if debit { "Debit" } else { "Credit" },
        source: source.to_owned(),
        external_identifier: ticket.reference.to_string(),
        legs,
        advanced_instructions: closes
            .then_some(wire::AdvancedInstructions { strict_position_effect_validation: true }),
    })
}

fn new_leg(leg: &OrderLeg) -> Result<wire::NewLeg, BadTicket> {
    Ok(wire::NewLeg {
        instrument_type: match &leg.instrument {
            Instrument::Equity(_) => "Equity",
            Instrument::Option(_) => "Equity Option",
            Instrument::Index(_) => return Err(BadTicket::NotOrderable),
        },
        symbol: leg.instrument.broker_symbol(),
        quantity: leg.quantity,
        action: action_word(leg.action),
    })
}

pub fn action_word(action: OrderAction) -> &'static str {
    match action {
        OrderAction::BuyToOpen => "Buy to Open",
        OrderAction::SellToOpen => "Sell to Open",
        OrderAction::BuyToClose => "Buy to Close",
        OrderAction::SellToClose => "Sell to Close",
    }
}
