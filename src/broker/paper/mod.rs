//! The paper broker: real quotes, fills by a model, in accounts that no broker knows. What it did is in the
//! record of orders; it begins from there and keeps nothing itself.
//!
//! Never: reaches a host. It holds no address, no client and no credentials, and takes orders of accounts on
//! paper only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::{BrokerError, OrderDesk, Undone};
use crate::domain::order::{
    BrokerMessage, BrokerOrderId, ComplexReport, ComplexTicket, DryRun, OrderRefusal, OrderReport,
    OrderStatus, Placed, SetRole, Ticket,
};
use crate::domain::report::AccountsReport;
use crate::domain::{AccountId, AccountKind, Instrument, Money, Timestamp};
use crate::market::board::Board;
use crate::market::update::{Link, LinkState, MarketUpdate};
use crate::market::view::{MarketConfig, MarketView};
use crate::risk::controls::{Cleared, Replacement};

mod cost;
mod fill;
mod resting;
mod sets;
#[cfg(test)]
mod tests;

pub use fill::FillModel;
pub use resting::{Resumed, ResumedInSet};

use resting::Resting;

/// Orders that are remembered, ended ones included; the oldest ended ones go first.
const MOST_ORDERS: usize = 2_000;

/// What the paper broker begins with.
pub struct PaperConfig {
    pub market: MarketConfig,
    pub model: FillModel,
    /// What hypothetical accounts have; the others have what the broker says of the account beside them.
    pub capital: BTreeMap<AccountId, Money>,
    /// What accounts on paper hold.
    pub held: BTreeMap<(AccountId, Instrument), Decimal>,
    /// Orders of the record that have not ended, and those that these hang together with.
    pub orders: Vec<Resumed>,
}

pub struct PaperDesk {
    desk: Mutex<Desk>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

struct Desk {
    board: Board,
    market: MarketConfig,
    model: FillModel,
    capital: BTreeMap<AccountId, Money>,
    /// The broker's accounts: kind and buying power.
    accounts: BTreeMap<AccountId, (AccountKind, Option<Money>)>,
    held: BTreeMap<(AccountId, Instrument), Decimal>,
    orders: BTreeMap<BrokerOrderId, Resting>,
}

impl PaperDesk {
    pub fn new(config: PaperConfig, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let orders = config.orders.into_iter().map(Resting::resumed);
        let mut orders = orders.map(|order| (order.report.id.clone(), order)).collect();
        sets::catch_up(&mut orders, clock());
        let desk = Desk {
            board: Board::default(),
            orders,
            market: config.market,
            model: config.model,
            capital: config.capital,
            accounts: BTreeMap::new(),
            held: config.held,
        };
        Self { desk: Mutex::new(desk), clock: Box::new(clock) }
    }

    /// Quotes, and prices of what options stand on; the rest does not matter here. Whether an order that works
    /// has a new quote by it.
    pub fn hear(&self, updates: &[MarketUpdate]) -> bool {
        let mut desk = self.lock();
        let mut concerned = false;
        for update in updates {
            let wanted = match update {
                MarketUpdate::Quote { .. } | MarketUpdate::Summary { .. } => true,
                MarketUpdate::Trade { instrument, .. } => instrument.option().is_none(),
                MarketUpdate::Greeks { .. } | MarketUpdate::Bars { .. } | MarketUpdate::Metrics(_) => false,
            };
            if wanted {
                if let MarketUpdate::Quote { instrument, .. } = update {
                    concerned |= desk.has_order_on(instrument);
                }
                desk.board.apply(update.clone());
            }
        }
        concerned
    }

    pub fn link(&self, link: Link, state: LinkState) {
        let now = self.now();
        self.lock().board.link(link, state, now);
    }

    pub fn alive(&self, link: Link) {
        let now = self.now();
        self.lock().board.alive(link, now);
    }

    pub fn accounts(&self, report: &AccountsReport) {
        let mut desk = self.lock();
        for account in &report.accounts {
            let power = account.balances.as_ref().and_then(|balances| balances.buying_power);
            desk.accounts.insert(account.account.id, (account.account.kind, power));
        }
    }

    /// What the market has done to the orders since it was asked last.
    pub fn trade(&self) -> Vec<OrderReport> {
        let now = self.now();
        self.lock().trade(now)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        // What is held is plain data: it is whole even if a holder panicked.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn view(&self, now: Timestamp) -> MarketView {
        self.board.view(now, &self.market)
    }

    fn has_order_on(&self, instrument: &Instrument) -> bool {
        let on = |order: &Resting| order.ticket.legs.iter().any(|leg| leg.instrument == *instrument);
        self.orders.values().any(|order| order.works() && on(order))
    }

    fn trade(&mut self, now: Timestamp) -> Vec<OrderReport> {
        if !self.orders.values().any(|order| order.works() || order.has_changed()) {
            return Vec::new();
        }
        let market = self.view(now);
        let mut told = Vec::new();
        let working = self.orders.iter().filter(|(_, order)| order.works());
        let working: Vec<BrokerOrderId> = working.map(|(id, _)| id.clone()).collect();
        for id in &working {
            // Ended meanwhile, by what it hangs together with.
            let Some(order) = self.orders.get_mut(id).filter(|order| order.works()) else { continue };
            let traded = order.trade(&market, &self.model, now);
            for (instrument, quantity) in traded {
                *self.held.entry((order.ticket.account, instrument)).or_default() += quantity;
            }
            sets::follow(&mut self.orders, id, now);
        }
        let changed = |order: &mut Resting| order.take_changed().then(|| order.report.clone());
        told.extend(self.orders.values_mut().filter_map(changed));
        self.forget();
        told
    }

    fn forget(&mut self) {
        while self.orders.len() > MOST_ORDERS {
            let ended = self.orders.values().filter(|order| !order.works());
            let oldest = ended.min_by_key(|order| order.report.updated_at).map(|o| o.report.id.clone());
            let Some(id) = oldest else { return };
            self.orders.remove(&id);
        }
    }

    /// Of a set it is the first order that is judged: the others only close.
    fn judge(&self, ticket: &Ticket, hash: String, now: Timestamp) -> DryRun {
        let market = self.view(now);
        let account = ticket.account.of_record();
        let (kind, power) = match (self.accounts.get(&account), self.capital.get(&ticket.account)) {
            (Some((kind, power)), _) => (*kind, *power),
            (None, capital) => (AccountKind::Margin, capital.copied()),
        };
        let held = self.held.iter().filter(|((of, _), _)| *of == ticket.account);
        let held: BTreeMap<Instrument, Decimal> =
            held.map(|((_, instrument), quantity)| (instrument.clone(), *quantity)).collect();
        let effect = cost::effect(ticket, &held, kind, &market);
        let bound = cost::bound(&held, kind, &market);
        let after = power.zip(bound).zip(effect).map(|((power, bound), effect)| power - bound + effect.power);
        let short = after.filter(|after| after.is_negative());
        DryRun {
            body_hash: hash,
            at: now,
            buying_power_change: effect.map(|effect| effect.power),
            buying_power_after: after,
            margin_change: effect.map(|effect| effect.margin),
            fees: Some(-cost::fees(ticket)),
            warnings: Vec::new(),
            errors: short
                .map(|after| BrokerMessage {
                    code: "margin_check_failed".to_owned(),
                    text: format!("buying power on paper would be {}", after.0.round_dp(2)),
                })
                .into_iter()
                .collect(),
        }
    }
}

impl OrderDesk for PaperDesk {
    async fn dry_run(&self, ticket: &Ticket) -> Result<DryRun, Undone> {
        let hash = body_hash(ticket).map_err(Undone::Refused)?;
        let now = self.now();
        Ok(self.lock().judge(ticket, hash, now))
    }

    async fn dry_run_complex(&self, ticket: &ComplexTicket) -> Result<DryRun, Undone> {
        let (lead, hash) = set_hash(ticket).map_err(Undone::Refused)?;
        let now = self.now();
        Ok(self.lock().judge(lead, hash, now))
    }

    async fn place(&self, ticket: Cleared<Ticket>) -> Placed {
        let ticket = ticket.into_inner();
        if let Err(refusal) = body_hash(&ticket) {
            return Placed::Refused(refusal);
        }
        let now = self.now();
        let order = Resting::new(ticket, 1, now);
        let mut desk = self.lock();
        if desk.orders.values().any(|known| known.ticket.reference == order.ticket.reference) {
            return Placed::Refused(refusal("its reference has been used"));
        }
        let report = order.report.clone();
        desk.orders.insert(report.id.clone(), order);
        Placed::Accepted(Box::new(report))
    }

    async fn replace(&self, account: AccountId, order: &BrokerOrderId, with: Cleared<Replacement>) -> Placed {
        let ticket: &Ticket = with.get();
        let now = self.now();
        let mut desk = self.lock();
        let old = match working(&mut desk, account, order) {
            Ok(old) => old,
            Err(refusal) => return Placed::Refused(refusal),
        };
        if old.role.is_some() {
            return Placed::Refused(refusal("it hangs together with others"));
        }
        let new = old.replaced(ticket, now);
        let report = new.report.clone();
        desk.orders.insert(report.id.clone(), new);
        Placed::Accepted(Box::new(report))
    }

    async fn cancel(&self, account: AccountId, order: &BrokerOrderId) -> Placed {
        let now = self.now();
        let mut desk = self.lock();
        match working(&mut desk, account, order) {
            Ok(order) => {
                order.end(OrderStatus::Cancelled, None, now);
                order.take_changed();
                let report = order.report.clone();
                sets::follow(&mut desk.orders, &report.id, now);
                Placed::Accepted(Box::new(report))
            }
            Err(refusal) => Placed::Refused(refusal),
        }
    }

    async fn place_complex(&self, ticket: Cleared<ComplexTicket>) -> Placed<ComplexReport> {
        let ticket = ticket.into_inner();
        let now = self.now();
        let lead = match set_hash(&ticket) {
            Ok((lead, _)) => lead.clone(),
            Err(refusal) => return Placed::Refused(refusal),
        };
        let mut desk = self.lock();
        let used = |one: &Ticket| desk.orders.values().any(|known| known.ticket.reference == one.reference);
        if ticket.tickets().any(used) {
            return Placed::Refused(refusal("its reference has been used"));
        }
        let (set, waits) = (sets::id_of(lead.reference), ticket.trigger.is_some());
        let trigger =
            ticket.trigger.map(|it| Resting::new(it, 1, now).in_set(set.clone(), SetRole::Trigger, false));
        let exits = ticket.orders.into_iter().map(|exit| {
            let role = exit.stop.map_or(SetRole::Target, |at| SetRole::Stop { at });
            Resting::new(exit.ticket, 1, now).in_set(set.clone(), role, waits)
        });
        let orders: Vec<Resting> = trigger.into_iter().chain(exits).collect();
        desk.orders.extend(orders.into_iter().map(|order| (order.report.id.clone(), order)));
        match sets::report(&desk.orders, lead.account, &set) {
            Some(report) => Placed::Accepted(Box::new(report)),
            None => Placed::Refused(refusal("the set has no orders")),
        }
    }

    async fn cancel_complex(&self, account: AccountId, set: &BrokerOrderId) -> Placed<ComplexReport> {
        let now = self.now();
        let mut desk = self.lock();
        let of_set = |order: &&mut Resting| {
            order.ticket.account == account && order.report.complex.as_ref() == Some(set) && order.works()
        };
        let mut ended = 0;
        for order in desk.orders.values_mut().filter(of_set) {
            order.end(OrderStatus::Cancelled, None, now);
            order.take_changed();
            ended += 1;
        }
        match sets::report(&desk.orders, account, set).filter(|_| ended > 0) {
            Some(report) => Placed::Accepted(Box::new(report)),
            None => Placed::Refused(refusal("there is no such set that works on paper")),
        }
    }

    async fn order(&self, account: AccountId, order: &BrokerOrderId) -> Result<OrderReport, BrokerError> {
        let desk = self.lock();
        let found = desk.orders.get(order).filter(|found| found.ticket.account == account);
        found
            .map(|found| found.report.clone())
            .ok_or_else(|| BrokerError::NotFound { what: format!("order {order} on paper") })
    }

    async fn orders_since(
        &self,
        account: AccountId,
        from: Timestamp,
    ) -> Result<Vec<OrderReport>, BrokerError> {
        let desk = self.lock();
        let since = |order: &&Resting| {
            order.ticket.account == account && order.report.received_at.is_none_or(|at| at >= from)
        };
        let mut found: Vec<OrderReport> =
            desk.orders.values().filter(since).map(|order| order.report.clone()).collect();
        found.sort_by_key(|report| std::cmp::Reverse(report.received_at));
        Ok(found)
    }
}

fn working<'a>(
    desk: &'a mut Desk,
    account: AccountId,
    order: &BrokerOrderId,
) -> Result<&'a mut Resting, OrderRefusal> {
    let found = desk.orders.get_mut(order).filter(|found| found.ticket.account == account);
    let found = found.ok_or_else(|| refusal("there is no such order on paper"))?;
    if !found.works() {
        return Err(refusal("the order has ended"));
    }
    Ok(found)
}

/// Of the ticket as it is, which must be one and of an account on paper.
fn body_hash(ticket: &Ticket) -> Result<String, OrderRefusal> {
    if !ticket.account.is_paper() {
        return Err(refusal("the account is not one on paper"));
    }
    ticket.check().map_err(|bad| refusal(&bad.to_string()))?;
    hash_of(ticket)
}

/// The first order of a set, and the hash of the whole.
fn set_hash(ticket: &ComplexTicket) -> Result<(&Ticket, String), OrderRefusal> {
    let lead = ticket.lead().ok_or_else(|| refusal("the set has no orders"))?;
    if ticket.tickets().any(|one| one.account != lead.account) {
        return Err(refusal("orders that hang together stand in one account"));
    }
    for one in ticket.tickets() {
        body_hash(one)?;
    }
    Ok((lead, hash_of(ticket)?))
}

fn hash_of(body: &impl serde::Serialize) -> Result<String, OrderRefusal> {
    let body = serde_json::to_vec(body).map_err(|_| refusal("the order cannot be written down"))?;
    Ok(Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refusal(why: &str) -> OrderRefusal {
    let message = BrokerMessage { code: "paper".to_owned(), text: why.to_owned() };
    OrderRefusal { status: 422, messages: vec![message] }
}
