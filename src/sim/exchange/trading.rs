//! Orders against the market: looks, executions, and how they are reported leg by leg.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::domain::Instrument;
use crate::domain::time::Timestamp;

use super::super::accounts;
use super::super::orders::shape;
use super::super::world::Market;
use super::super::world::noise::Noise;
use super::super::world::value::option_tick;
use super::fees;
use super::hours;
use super::ledger::{Booking, TransactionKind};
use super::matching::{self, Execution, Legs, Package};
use super::order::{Effect, Fill, Order, Owed, Posting, Status};
use super::transitions;
use super::venue::{At, Rules, Venue};

/// What only the venue checks, after the broker has let the order through.
pub fn refusal(market: &dyn Market, order: &Order) -> Option<&'static str> {
    let at = order.in_flight_at.unwrap_or(order.received_at);
    for leg in &order.legs {
        if let Instrument::Option(contract) = &leg.instrument
            && super::super::world::value::expiry_instant(contract.expiry, contract.settlement) <= at
        {
            return Some("The contract has expired");
        }
        if market.mark(&leg.instrument, at).is_none() {
            return Some("The symbol is not traded");
        }
    }
    let price = order.terms.price?;
    // Packages of options trade in pennies whatever their legs do.
    let tick = match &order.legs.first()?.instrument {
        Instrument::Option(contract) if order.legs.len() == 1 => {
            Decimal::from_f64(option_tick(contract.root.as_str(), price.to_f64()?))?.round_dp(2)
        }
        Instrument::Equity(_) | Instrument::Index(_) if price < Decimal::ONE => Decimal::new(1, 4),
        _ => Decimal::new(1, 2),
    };
    (!(price % tick).is_zero()).then_some("Price is not a multiple of the minimum price increment")
}

/// The order meets the market for `seconds`; none of them is the moment of its arrival.
pub fn look(venue: &mut Venue, rules: &Rules<'_>, at: At, seconds: f64) {
    let now = venue.at;
    let order = venue.order(at);
    let (id, open) = (order.id, order.open_units());
    if !order.status.is_working()
        || open <= Decimal::ZERO
        || is_halted(rules, order, now)
        || !hours::is_trading(order.terms.tif, now)
    {
        return;
    }
    if order.terms.kind.has_trigger() && !order.triggered {
        if !is_triggered(rules.market, order, now) {
            return;
        }
        venue.order_mut(at).triggered = true;
    }
    let order = venue.order(at);
    let Some(package) = Package::of(rules.market, &order.legs, now) else { return };
    let limit = order.terms.limit_cost().and_then(|cost| cost.to_f64());
    let noise = Noise::new(venue.seed).named("fill").of(id).of(now.timestamp_millis().unsigned_abs());
    if let Some(execution) = matching::meet(&package, limit, open, seconds, &rules.model, noise) {
        execute(venue, rules, at, &package, execution);
    }
}

fn is_halted(rules: &Rules<'_>, order: &Order, at: Timestamp) -> bool {
    order.legs.iter().any(|leg| rules.halt(leg.instrument.underlying().as_str(), at).is_some())
}

/// Some orders fill in the moment before the venue would take them back. Whether this one has.
pub fn overtakes_cancel(venue: &mut Venue, rules: &Rules<'_>, at: At) -> bool {
    let now = venue.at;
    let order = venue.order(at);
    let (open, limit) = (order.open_units(), order.terms.limit_cost().and_then(|cost| cost.to_f64()));
    let draw = Noise::new(venue.seed).named("fill-on-cancel").of(order.id);
    if draw.uniform() >= rules.model.fill_on_cancel
        || is_halted(rules, order, now)
        || open <= Decimal::ZERO
        || (order.terms.kind.has_trigger() && !order.triggered)
        || !hours::is_trading(order.terms.tif, now)
    {
        return false;
    }
    let Some(package) = Package::of(rules.market, &order.legs, now) else { return false };
    let cost = limit.unwrap_or(package.natural);
    execute(venue, rules, at, &package, Execution { units: open, cost, legs: Legs::Together });
    true
}

fn is_triggered(market: &dyn Market, order: &Order, at: Timestamp) -> bool {
    let (Some(leg), Some(trigger)) = (order.legs.first(), order.terms.stop_trigger.and_then(|t| t.to_f64()))
    else {
        return false;
    };
    // A package has no last price: it is stopped by what it would cost, or bring, at once.
    if order.legs.len() > 1 {
        return Package::of(market, &order.legs, at).is_some_and(|package| {
            if order.terms.effect == Some(Effect::Credit) {
                -package.natural <= trigger
            } else {
                package.natural >= trigger
            }
        });
    }
    let last = match &leg.instrument {
        Instrument::Option(_) => market.mark(&leg.instrument, at).map(|(price, _)| price),
        share => market.print(share.underlying().as_str(), at).map(|print| print.last),
    };
    last.is_some_and(|last| if leg.action.is_buy() { last >= trigger } else { last <= trigger })
}

/// Decides an execution and lets its first leg be reported at once, the others a moment later, or when they trade.
fn execute(venue: &mut Venue, rules: &Rules<'_>, at: At, package: &Package, execution: Execution) {
    venue.last_exec += 1;
    let group = venue.last_exec;
    let now = venue.at;
    let prices = package.leg_prices(execution.cost);
    let id = venue.order(at).id;
    let (mut when, mut later) = (now, now);
    let (mut postings, mut behind) = (Vec::new(), Vec::new());
    let order = venue.order(at);
    let size = order.size();
    let draw = Noise::new(venue.seed).named("leg-out").of(id).of(group).uniform();
    let left_out = (draw * order.legs.len() as f64) as usize;
    for (leg, price) in prices.into_iter().enumerate() {
        let quantity = order.legs[leg].quantity * execution.units / size;
        let purpose = 100 + group * 8 + leg as u64;
        match execution.legs {
            Legs::OneByOne if leg > 0 => {
                later += venue.delay(id, purpose, LEG_AFTER_LEG.0, LEG_AFTER_LEG.1);
                behind.push(Owed { at: Some(later), leg, group, quantity, price });
            }
            Legs::Apart if leg == left_out => {
                behind.push(Owed { at: None, leg, group, quantity, price });
            }
            _ => {
                if !postings.is_empty() {
                    when += venue.delay(id, purpose, 20, 120);
                }
                postings.push(Posting { at: when, leg, group, quantity, price });
            }
        }
    }
    let order = venue.order_mut(at);
    order.executed += execution.units;
    order.postings.extend(postings);
    order.owed.extend(behind);
    post(venue, rules, at);
}

/// Milliseconds from one leg to the next where they trade one by one.
const LEG_AFTER_LEG: (i64, i64) = (700, 3_000);
/// How long a leg waits for trading to go on.
const LOOKS_AGAIN: i64 = 5;

/// Trades the leg that is due, unless there is no trading now.
pub fn follow(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    let now = venue.at;
    let waits = is_halted(rules, venue.order(at), now) || !hours::is_trading(venue.order(at).terms.tif, now);
    let order = venue.order_mut(at);
    let is_due = |owed: &Owed| owed.at.is_some_and(|due| due <= now);
    let Some(place) = order.owed.iter().position(is_due) else { return };
    if waits {
        order.owed[place].at = Some(now + TimeDelta::seconds(LOOKS_AGAIN));
        return;
    }
    if let Some(Owed { leg, group, quantity, price, .. }) = order.owed.remove(place) {
        order.postings.push_back(Posting { at: now, leg, group, quantity, price });
    }
    post(venue, rules, at);
}

/// Reports the next decided execution: into the ledger, then to whoever listens.
pub fn post(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    let now = venue.at;
    let Some(posting) = venue.order_mut(at).postings.pop_front() else { return };
    venue.last_exec += 1;
    let exec = venue.last_exec;
    let transaction = venue.next_transaction();
    let order = venue.order_mut(at);
    let is_complete = order.is_complete();
    let leg = &mut order.legs[posting.leg];
    let before: Decimal = leg.fills.iter().map(|fill| fill.quantity).sum();
    let charged = if leg.action.is_closing() { Decimal::ZERO } else { before.min(Decimal::TEN) };
    let quantity = posting.quantity.min(leg.remaining);
    leg.remaining -= quantity;
    leg.fills.push(Fill { exec, group: posting.group, quantity, price: posting.price, at: now });
    let (instrument, action, id) = (leg.instrument.clone(), leg.action, order.id);
    let newly_filled = is_complete && order.status != Status::Filled;
    venue.accounts[at.account].book(
        transaction,
        &Booking {
            kind: TransactionKind::Trade,
            sub: action.wire(),
            instrument: &instrument,
            action,
            quantity,
            price: posting.price,
            fees: fees::of_fill(&instrument, action, quantity, posting.price, charged),
            at: now,
            order: Some(id),
            exec: Some(exec),
            group: Some(posting.group),
        },
    );
    if newly_filled {
        // Published with the first leg; the other legs' fills follow.
        transitions::set_status(venue, at, Status::Filled);
    } else {
        venue.order_mut(at).updated_at = now;
        let data = shape::order(venue.order(at));
        venue.say(at.account, "Order", data);
    }
    tell_position(venue, rules, at.account, &instrument);
    if venue.order(at).postings.is_empty() {
        tell_balance(venue, rules, at.account);
    }
    if newly_filled {
        transitions::ended(venue, rules, at);
    }
}

pub fn tell_position(venue: &mut Venue, rules: &Rules<'_>, account: usize, instrument: &Instrument) {
    let Some(line) = venue.accounts[account].position(instrument) else { return };
    let data = accounts::position_json(rules.market, line, venue.at, false);
    venue.say(account, "CurrentPosition", data);
}

pub fn tell_balance(venue: &mut Venue, rules: &Rules<'_>, account: usize) {
    let data = accounts::balance_json(rules.market, &venue.accounts[account].book, venue.at);
    venue.say(account, "AccountBalance", data);
}

/// Shares that a fractional order by value comes to.
pub fn shares_for(
    value: Decimal,
    market: &dyn Market,
    instrument: &Instrument,
    at: Timestamp,
) -> Option<Decimal> {
    let ask = matching::quote(market, instrument, at)?.ask;
    let price = Decimal::from_f64(ask).filter(|price| *price > Decimal::ZERO)?;
    Some((value / price).round_dp(5)).filter(|shares| *shares > Decimal::ZERO)
}

/// How long an order may wait for its replacement before anything moves.
pub const REPLACE_DELAY: (i64, i64) = (60, 250);

pub fn soon(venue: &Venue, order: u64) -> TimeDelta {
    venue.delay(order, 4, REPLACE_DELAY.0, REPLACE_DELAY.1)
}
