//! 6, 7, 9 and 15: the order itself, its size, its price, and what it does to the position.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::package::{Package, package, stop_room, tick};
use super::{Finding, Judged, block, count, number, pass, text};
use crate::domain::Instrument;
use crate::domain::control::Measured;
use crate::domain::order::{BadTicket, NetPrice, OrderLeg, Ticket};

/// So many shares count as one contract.
const SHARES: u32 = 100;

impl Judged<'_> {
    pub(super) fn form(&self) -> Finding {
        let limit = text("limit order, valid tick, one underlying, standard contracts");
        if let Err(bad) = self.ticket.check() {
            return block(text("malformed"), limit, format!("{bad}; build the order anew"));
        }
        let Some(tick) = tick(self.ticket, &self.facts.legs) else {
            return block(
                Measured::Unknown,
                limit,
                "the price increment of a leg is not known; refresh with r",
            );
        };
        let price = self.ticket.limit.0;
        if !(price % tick).is_zero() {
            let bad = BadTicket::Tick { tick };
            return block(text(price.to_string()), limit, format!("{bad}; round it"));
        }
        if let [only] = self.ticket.legs.as_slice()
            && (price.is_zero() || only.action.is_buy() == self.ticket.limit.is_credit())
        {
            return block(
                text(self.ticket.limit.to_string()),
                limit,
                "what is bought is a debit and what is sold a credit; check the sign of the limit",
            );
        }
        if let Some(stop) = self.stop {
            let on_tick = (stop.0 % tick).is_zero();
            if !on_tick
                || !stop.is_within(self.ticket.limit)
                || stop.is_credit() != self.ticket.limit.is_credit()
            {
                let found = text(format!("stop {stop}, limit {}", self.ticket.limit));
                let why = "a stop stands on a tick, and its limit gives no less than the stop; build it anew";
                return block(found, limit, why);
            }
        }
        pass(text(self.ticket.limit.to_string()), limit)
    }

    pub(super) fn size(&self) -> Finding {
        let (per_leg, per_order) = (self.config.contracts_per_leg, self.config.contracts_per_order);
        let sizes = self.ticket.legs.iter().map(contracts);
        let whole = sizes.clone().fold(0_u32, u32::saturating_add);
        if let Some(most) = sizes.max().filter(|most| *most > per_leg) {
            return block(
                count(most),
                count(per_leg),
                format!(
                    "{most} contracts of a leg are over {per_leg}; take fewer, or raise `orders: contracts_per_leg`"
                ),
            );
        }
        if whole == 0 {
            return block(count(whole), count(per_order), "the order is of nothing; build it anew");
        }
        if whole > per_order {
            return block(
                count(whole),
                count(per_order),
                format!(
                    "{whole} contracts are over {per_order}; take fewer, or raise `orders: contracts_per_order`"
                ),
            );
        }
        pass(count(whole), count(per_order))
    }

    /// How far from mid. What closes may ask for more than the market gives: it rests.
    pub(super) fn collar(&self) -> Finding {
        let Some(package) = package(self.ticket, &self.facts.legs) else {
            return block(
                Measured::Unknown,
                Measured::Unknown,
                "no mid: a leg has no usable quote; refresh with r",
            );
        };
        let Some(tick) = tick(self.ticket, &self.facts.legs) else {
            return block(
                Measured::Unknown,
                Measured::Unknown,
                "the price increment of a leg is not known; refresh with r",
            );
        };
        let ticks = tick * Decimal::from(self.config.collar_ticks);
        let room = (self.config.collar_spread_share * package.spread())
            .max(self.config.collar_mid_share * package.mid.0.abs())
            .max(ticks);
        // A wide band still ends just past what would be had at once.
        let worst = package.mid.conceding(room).max(package.natural.conceding(ticks));
        if let Some(stop) = self.stop {
            return self.stop_collar(stop, &package, tick);
        }
        let limit = self.ticket.limit;
        let distance = (limit.0 - package.mid.0).to_f64().map_or(Measured::Unknown, number);
        let most = room.to_f64().map_or(Measured::Unknown, number);
        if !limit.is_within(worst) {
            return block(
                distance,
                most,
                format!(
                    "{limit} gives away too much: mid is {}, the worst that may be sent is {}; take a price nearer to mid",
                    shown(package.mid.0),
                    shown(worst.0),
                ),
            );
        }
        if limit.0 > package.mid.0 + room && !self.ticket.is_closing() {
            return block(
                distance,
                most,
                format!(
                    "{limit} is far better than the market gives: mid is {}; check price and sign",
                    shown(package.mid.0)
                ),
            );
        }
        pass(distance, most)
    }

    /// A stop waits for a worse market than this one; the limit that it then has is near it.
    fn stop_collar(&self, stop: NetPrice, package: &Package, tick: Decimal) -> Finding {
        let (beyond, room) = (stop.0 - self.ticket.limit.0, stop_room(stop, tick));
        let (found, most) = (figure(beyond), figure(room));
        if package.natural.0 <= stop.0 {
            let why = format!(
                "the market is at the stop of {stop} already: natural is {}; close it (x) instead",
                shown(package.natural.0)
            );
            return block(found, most, why);
        }
        if beyond > room {
            let why = format!("the limit gives away {beyond} past the stop; take one nearer to it");
            return block(found, most, why);
        }
        pass(found, most)
    }

    /// Each closing leg against what is held of its contract, less what other orders are closing.
    pub(super) fn closing_only(&self) -> Finding {
        let closing = self.ticket.legs.iter().enumerate().filter(|(_, leg)| leg.action.is_closing());
        let mut tightest: Option<(Decimal, Decimal)> = None;
        for (place, leg) in closing {
            let name = leg.instrument.broker_symbol();
            let facts = self.facts.legs.get(place);
            let known = facts.and_then(|facts| Some((facts.held?, facts.closing_elsewhere?)));
            let Some((held, elsewhere)) = known.filter(|(_, elsewhere)| *elsewhere >= Decimal::ZERO) else {
                return block(
                    Measured::Unknown,
                    Measured::Unknown,
                    format!("what is held of {name} is not known; refresh with r"),
                );
            };
            // Selling closes what is long, buying what is short.
            let closable = (-leg.action.sign() * held - elsewhere).max(Decimal::ZERO);
            let wanted = Decimal::from(leg.quantity);
            if wanted > closable {
                return block(
                    figure(wanted),
                    figure(closable),
                    format!(
                        "{wanted} of {name} are to be closed and {} can be; take no more, or cancel the order that closes it already",
                        closable.normalize()
                    ),
                );
            }
            if tightest.is_none_or(|(was, of)| closable - wanted < of - was) {
                tightest = Some((wanted, closable));
            }
        }
        match tightest {
            None => pass(text("opens"), text("no more than is held")),
            Some((wanted, closable)) => pass(figure(wanted), figure(closable)),
        }
    }
}

/// It closes no more of each leg than `opening` opens, and nothing else.
pub(super) fn is_exit_of(exit: &Ticket, opening: &Ticket) -> bool {
    let closes = |leg: &OrderLeg| {
        opening.legs.iter().any(|opened| {
            opened.instrument == leg.instrument
                && !opened.action.is_closing()
                && opened.action.is_buy() != leg.action.is_buy()
                && opened.quantity >= leg.quantity
        })
    };
    exit.is_closing()
        && exit.account == opening.account
        && exit.trade == opening.trade
        && exit.legs.len() == opening.legs.len()
        && exit.legs.iter().all(closes)
}

pub(super) fn close_the_same(one: &Ticket, other: &Ticket) -> bool {
    one.is_closing() && one.account == other.account && one.trade == other.trade && one.legs == other.legs
}

fn contracts(leg: &OrderLeg) -> u32 {
    match leg.instrument {
        Instrument::Option(_) => leg.quantity,
        Instrument::Equity(_) | Instrument::Index(_) => leg.quantity.div_ceil(SHARES),
    }
}

fn figure(value: Decimal) -> Measured {
    value.to_f64().map_or(Measured::Unknown, number)
}

fn shown(price: Decimal) -> crate::domain::order::NetPrice {
    crate::domain::order::NetPrice(price.round_dp(2))
}
