//! One order on paper: how it stands, and what the market does to it.

use rust_decimal::Decimal;

use super::fill::{FillModel, Meeting};
use crate::domain::order::{
    BrokerOrderId, Fill, FillId, LegReport, NetPrice, OrderReport, OrderStatus, Phase, SetRole, Ticket,
    TimeInForce,
};
use crate::domain::report::SessionState;
use crate::domain::time::new_york_date;
use crate::domain::{Instrument, Timestamp};
use crate::market::view::MarketView;

/// An order of the record that had not ended when the program did, or that hangs together with one.
#[derive(Debug, Clone)]
pub struct Resumed {
    pub ticket: Ticket,
    /// The limit that works.
    pub limit: NetPrice,
    /// Its numbers; none where the program ended before it was taken, and then it never was.
    pub ids: Vec<BrokerOrderId>,
    pub sent_at: Timestamp,
    /// By leg.
    pub fills: Vec<Vec<Fill>>,
    /// Its place among orders that hang together, and what was last told of it there.
    pub set: Option<ResumedInSet>,
}

#[derive(Debug, Clone)]
pub struct ResumedInSet {
    pub id: Option<BrokerOrderId>,
    pub role: SetRole,
    pub status: Option<OrderStatus>,
}

pub(super) struct Resting {
    /// With the limit that works.
    pub ticket: Ticket,
    pub report: OrderReport,
    /// How many numbers the order has had.
    number: usize,
    /// The quotes that it was compared with last: it trades once with each.
    met: Option<Timestamp>,
    changed: bool,
    /// Its place in a set.
    pub role: Option<SetRole>,
    /// The market has been at its stop. It is not recorded: after a restart the market has to come there anew.
    stopped: bool,
}

impl Resting {
    pub fn new(ticket: Ticket, number: usize, now: Timestamp) -> Self {
        let legs = ticket.legs.iter().map(|leg| LegReport {
            instrument: Some(leg.instrument.clone()),
            action: Some(leg.action),
            quantity: Some(Decimal::from(leg.quantity)),
            remaining: Some(Decimal::from(leg.quantity)),
            fills: Vec::new(),
        });
        let report = OrderReport {
            id: BrokerOrderId(format!("paper-{}-{number}", ticket.reference)),
            account: ticket.account,
            reference: Some(ticket.reference),
            status: OrderStatus::Live,
            legs: legs.collect(),
            limit: Some(ticket.limit),
            received_at: Some(now),
            updated_at: Some(now),
            replaces: None,
            replaced_by: None,
            complex: None,
            reject_reason: None,
        };
        Self { ticket, report, number, met: None, changed: false, role: None, stopped: false }
    }

    /// As the record has it. What was under way when the program ended had not been taken, or had not been
    /// traded: there is no other side that could know better.
    pub fn resumed(of: Resumed) -> Self {
        let ticket = Ticket { limit: of.limit, ..of.ticket };
        let mut order = Self::new(ticket, of.ids.len().max(1), of.sent_at);
        for (leg, fills) in order.report.legs.iter_mut().zip(of.fills) {
            let filled: Decimal = fills.iter().map(|fill| fill.quantity).sum();
            leg.remaining = leg.quantity.map(|wanted| wanted - filled);
            leg.fills = fills;
        }
        // It rested already: what it gets now is its limit.
        order.met = Some(of.sent_at);
        if let Some(set) = of.set {
            order.report.complex = set.id;
            order.role = Some(set.role);
            if let Some(known) = set.status.filter(stays) {
                order.report.status = known;
            }
        }
        if order.works() && order.open_units() == 0 {
            // The program ended between the fill and the word of it.
            order.end(OrderStatus::Filled, None, of.sent_at);
        }
        match of.ids.last() {
            Some(id) => order.report.id = id.clone(),
            None if !order.works() => {}
            None => {
                let why = "the program ended before the paper broker took it";
                order.end(OrderStatus::Rejected, Some(why), of.sent_at);
            }
        }
        order
    }

    /// An order of the set `set`; all but the first of a set with a trigger wait for that one.
    pub fn in_set(mut self, set: BrokerOrderId, role: SetRole, waits: bool) -> Self {
        self.report.complex = Some(set);
        self.role = Some(role);
        if waits {
            self.report.status = OrderStatus::Contingent;
        }
        self
    }

    /// What it waited for has happened: it works from now on.
    pub fn begin(&mut self, now: Timestamp) {
        self.report.status = OrderStatus::Live;
        self.report.updated_at = Some(now);
        self.changed = true;
    }

    /// Ends with `self`, and begins again at the new limit, with what is filled already.
    pub fn replaced(&mut self, ticket: &Ticket, now: Timestamp) -> Self {
        let fresh = Ticket { limit: ticket.limit, ..self.ticket.clone() };
        let mut new = Self::new(fresh, self.number + 1, now);
        new.report.legs = self.report.legs.clone();
        new.report.replaces = Some(self.report.id.clone());
        // Nearer to the market than before: it is compared anew, as one that arrives.
        self.report.replaced_by = Some(new.report.id.clone());
        self.end(OrderStatus::Cancelled, None, now);
        new
    }

    pub fn works(&self) -> bool {
        self.report.status.phase() != Phase::Ended
    }

    pub fn end(&mut self, status: OrderStatus, why: Option<&str>, now: Timestamp) {
        self.report.status = status;
        self.report.updated_at = Some(now);
        self.report.reject_reason = why.map(str::to_owned);
        self.changed = true;
    }

    pub fn has_changed(&self) -> bool {
        self.changed
    }

    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What it traded, signed.
    pub fn trade(
        &mut self,
        market: &MarketView,
        model: &FillModel,
        now: Timestamp,
    ) -> Vec<(Instrument, Decimal)> {
        if self.is_over(market, now) {
            self.end(OrderStatus::Expired, None, now);
            return Vec::new();
        }
        if self.report.status == OrderStatus::Contingent || market.session().state != SessionState::Open {
            return Vec::new();
        }
        let Some(meeting) = Meeting::of(&self.ticket, market) else { return Vec::new() };
        // At what would be had at once, because that is what it is there to bound.
        if let Some(stop) = self.role.and_then(SetRole::stop).filter(|_| !self.stopped) {
            if meeting.natural().is_within(stop) && meeting.natural() != stop {
                return Vec::new();
            }
            self.stopped = true;
            self.met = None;
        }
        let arrives = self.met.is_none();
        if self.met.is_some_and(|met| meeting.newest <= met) {
            return Vec::new();
        }
        self.met = Some(meeting.newest);
        let best = meeting.price(model);
        if !best.is_within(self.ticket.limit) {
            return Vec::new();
        }
        // Who arrives takes what there is; who waited is taken at what was asked.
        let price = if arrives { best } else { self.ticket.limit };
        let open = self.open_units();
        let units = meeting.depth().map_or(open, |depth| open.min(depth));
        self.book(&meeting, price, units, now)
    }

    fn book(
        &mut self,
        meeting: &Meeting,
        price: NetPrice,
        units: u32,
        now: Timestamp,
    ) -> Vec<(Instrument, Decimal)> {
        let per_unit = self.ticket.units().max(1);
        let mut traded = Vec::with_capacity(self.ticket.legs.len());
        let legs = self.ticket.legs.iter().zip(&mut self.report.legs);
        for (at, ((leg, told), price)) in legs.zip(meeting.leg_prices(price)).enumerate() {
            let quantity = Decimal::from(leg.quantity / per_unit * units);
            let id = FillId(format!("{}/{at}/{}", self.report.id, told.fills.len() + 1));
            told.fills.push(Fill { id, quantity, price, at: Some(now) });
            told.remaining = told.remaining.map(|remaining| remaining - quantity);
            traded.push((leg.instrument.clone(), leg.action.sign() * quantity));
        }
        if self.open_units() == 0 {
            self.report.status = OrderStatus::Filled;
        }
        self.report.updated_at = Some(now);
        self.changed = true;
        traded
    }

    fn open_units(&self) -> u32 {
        let per_unit = self.ticket.units().max(1);
        let filled = self
            .report
            .legs
            .first()
            .map_or(Decimal::ZERO, |leg| leg.fills.iter().map(|fill| fill.quantity).sum::<Decimal>());
        let Some(leg) = self.ticket.legs.first() else { return 0 };
        let ratio = Decimal::from(leg.quantity / per_unit);
        let filled = filled.checked_div(ratio).unwrap_or_default();
        let filled = rust_decimal::prelude::ToPrimitive::to_u32(&filled).unwrap_or(per_unit);
        per_unit.saturating_sub(filled)
    }

    /// Its time is over, or that of a contract of it.
    fn is_over(&self, market: &MarketView, now: Timestamp) -> bool {
        let calendar = market.calendar();
        let sent = self.report.received_at.unwrap_or(now);
        let last = match self.ticket.time_in_force {
            // Sent after the close it is for the next session.
            TimeInForce::Day => {
                let date = new_york_date(sent);
                let today = calendar.is_session(date) && sent < calendar.close_at(date);
                Some(calendar.close_at(if today { date } else { calendar.next_session(date) }))
            }
            TimeInForce::Gtd(date) => Some(calendar.close_at(date)),
            TimeInForce::Gtc => None,
        };
        let options = self.ticket.legs.iter().filter_map(|leg| leg.instrument.option());
        let expiry = options.map(|contract| calendar.expiry_instant(contract)).min();
        last.is_some_and(|last| now >= last) || expiry.is_some_and(|expiry| now >= expiry)
    }
}

/// What the record says last holds after a restart, too: what waits goes on waiting, what has ended stays so.
fn stays(status: &OrderStatus) -> bool {
    *status == OrderStatus::Contingent || status.phase() == Phase::Ended
}
