//! How an order goes from one status to the next, and what that does to the orders that hang on it.

use rust_decimal::Decimal;

use super::super::orders::shape;
use super::hours;
use super::order::{ComplexKind, Order, Stage, Status, TimeInForce};
use super::trading;
use super::venue::{At, Rules, Venue};

/// Sets a status with its instant and says so.
pub fn set_status(venue: &mut Venue, at: At, status: Status) {
    let now = venue.at;
    let order = venue.order_mut(at);
    order.status = status;
    order.updated_at = now;
    match status {
        Status::InFlight => order.in_flight_at = Some(now),
        Status::Live => order.live_at = order.live_at.or(Some(now)),
        Status::Cancelled => order.cancelled_at = Some(now),
        _ => {}
    }
    if status.is_terminal() {
        order.terminal_at = Some(now);
        order.next = None;
        order.forget_owed();
    }
    tell(venue, at);
}

pub fn tell(venue: &mut Venue, at: At) {
    let data = shape::order(venue.order(at));
    venue.say(at.account, "Order", data);
}

/// Sends an order to the venue, or keeps it until the venue opens.
pub fn route(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    let now = venue.at;
    let (tif, gtc_date, id) = {
        let order = venue.order(at);
        (order.terms.tif, order.terms.gtc_date, order.id)
    };
    let Some(opens) = hours::trading_from(tif, now) else {
        return reject(venue, rules, at, "No session for this time in force");
    };
    if opens > now {
        venue.order_mut(at).next = Some((opens, Stage::Route));
        return set_status(venue, at, Status::Received);
    }
    let ends = hours::ends(tif, gtc_date, now);
    if ends.is_some_and(|end| end <= now) {
        return expire(venue, rules, at);
    }
    let flight = venue.delay(id, 1, 40, 90);
    let order = venue.order_mut(at);
    order.ends_at = ends;
    order.next = Some((now + flight, Stage::Fly));
    set_status(venue, at, Status::Routed);
}

pub fn fly(venue: &mut Venue, at: At) {
    let id = venue.order(at).id;
    let arrival = venue.at + venue.delay(id, 2, 5, 30);
    venue.order_mut(at).next = Some((arrival, Stage::Work));
    set_status(venue, at, Status::InFlight);
}

/// The venue looks at what the broker let through.
pub fn work(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    if let Some(reason) = trading::refusal(rules.market, venue.order(at)) {
        return reject(venue, rules, at, reason);
    }
    set_status(venue, at, Status::Live);
    trading::look(venue, rules, at, 0.0);
    let order = venue.order(at);
    if order.terms.tif == TimeInForce::Ioc
        && !order.status.is_terminal()
        && order.open_units() > Decimal::ZERO
    {
        end(venue, rules, at, Status::Cancelled);
    }
}

pub fn reject(venue: &mut Venue, rules: &Rules<'_>, at: At, reason: &str) {
    venue.order_mut(at).reject_reason = Some(reason.to_owned());
    end(venue, rules, at, Status::Rejected);
}

pub fn expire(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    end(venue, rules, at, Status::Expired);
}

/// Ends an order that was not filled.
pub fn end(venue: &mut Venue, rules: &Rules<'_>, at: At, status: Status) {
    set_status(venue, at, status);
    ended(venue, rules, at);
}

/// Asks the venue to take an order back. One that is not there yet goes at once.
pub fn request_cancel(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    let (id, status) = (venue.order(at).id, venue.order(at).status);
    if status.is_terminal() {
        return;
    }
    if status == Status::Contingent {
        return end(venue, rules, at, Status::Cancelled);
    }
    let confirmed = venue.at + venue.delay(id, 3, 60, 250);
    venue.order_mut(at).next = Some((confirmed, Stage::Cancel));
    set_status(venue, at, Status::CancelRequested);
}

pub fn confirm_cancel(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    if trading::overtakes_cancel(venue, rules, at) {
        return;
    }
    if venue.order(at).replaced_by.is_some() {
        venue.order_mut(at).edited = true;
    }
    end(venue, rules, at, Status::Cancelled);
}

/// What hangs on an order that has come to its end, filled or not.
pub fn ended(venue: &mut Venue, rules: &Rules<'_>, at: At) {
    let order = venue.order(at).clone();
    if let Some(next) = order.replaced_by.and_then(|id| venue.find(at.account, id)) {
        take_over(venue, rules, &order, next);
        return;
    }
    let Some(child) = &order.child else { return };
    let account = &venue.accounts[at.account];
    let Some(complex) = account.complex.iter().find(|complex| complex.id == child.complex).cloned() else {
        return;
    };
    let others: Vec<At> = complex
        .trigger
        .iter()
        .chain(&complex.orders)
        .filter(|id| **id != order.id)
        .filter_map(|id| venue.find(at.account, *id))
        .filter(|other| !venue.order(*other).status.is_terminal())
        .collect();
    let is_filled = order.status == Status::Filled;
    if complex.trigger == Some(order.id) {
        for other in others {
            if is_filled {
                route(venue, rules, other);
            } else {
                request_cancel(venue, rules, other);
            }
        }
    } else if complex.kind != ComplexKind::Oto {
        for other in others {
            request_cancel(venue, rules, other);
        }
    }
    finish(venue, at.account, complex.id);
}

/// The replacement goes out with what was left, or not at all when nothing was.
fn take_over(venue: &mut Venue, rules: &Rules<'_>, old: &Order, next: At) {
    if venue.order(next).status != Status::Contingent {
        return;
    }
    match old.status {
        // What is left is another order than the one that was to be replaced.
        Status::Cancelled if old.is_lopsided() => {
            reject(venue, rules, next, "The legs of the original order were filled unequally");
        }
        Status::Cancelled => {
            let (size, open) = (old.size(), old.open_units());
            if open < size {
                for leg in &mut venue.order_mut(next).legs {
                    if let Some(before) = old.legs.iter().find(|l| l.instrument == leg.instrument) {
                        leg.quantity = before.quantity * open / size;
                        leg.remaining = leg.quantity;
                    }
                }
            }
            route(venue, rules, next);
        }
        Status::Filled => {
            reject(venue, rules, next, "The original order was filled before it could be replaced");
        }
        _ => end(venue, rules, next, Status::Cancelled),
    }
}

/// A complex order ends with the last of its orders; each change of its parts is told with the whole.
pub fn finish(venue: &mut Venue, account: usize, id: u64) {
    let now = venue.at;
    let Some(index) = venue.accounts[account].complex.iter().position(|complex| complex.id == id) else {
        return;
    };
    let held = &venue.accounts[account];
    let complex = &held.complex[index];
    let is_over = complex
        .trigger
        .iter()
        .chain(&complex.orders)
        .filter_map(|id| held.order(*id))
        .all(|order| order.status.is_terminal());
    if is_over {
        let complex = &mut venue.accounts[account].complex[index];
        complex.terminal_at = complex.terminal_at.or(Some(now));
    }
    venue.changed = true;
    let held = &venue.accounts[account];
    let data = shape::complex(held, &held.complex[index]);
    venue.say(account, "ComplexOrder", data);
}
