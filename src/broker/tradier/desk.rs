//! Orders at Tradier.
//!
//! Never: sends twice, sends what is not cleared, fakes what the broker has not.

use std::collections::HashSet;

use chrono::TimeDelta;
use reqwest::Method;

use super::Tradier;
use super::order_body::{self, Unsendable};
use super::parse::orders;
use super::wire::{self, Order, Preview};
use crate::broker::answered::{Body, judged, placed, unsent};
use crate::broker::fields::Many;
use crate::broker::send_once::Sent;
use crate::broker::{BrokerError, Desk, OrderDesk, Undone};
use crate::domain::order::{
    BrokerOrderId, ComplexReport, ComplexTicket, DryRun, OrderReport, OrderStatus, Placed, Ticket,
};
use crate::domain::time::new_york_date;
use crate::domain::{AccountId, Timestamp};
use crate::risk::controls::{Cleared, Replacement};

const PER_PAGE: u32 = 100;
/// Ten thousand orders; a look that would find more has failed.
const MOST_PAGES: u32 = 100;

/// Where orders of one user go.
pub type TradierDesk = Desk<Tradier>;

impl TradierDesk {
    /// One request whose answer tells no more than a number: the look that follows tells the rest.
    async fn taken(
        &self,
        method: Method,
        account: AccountId,
        tail: &[&str],
        body: Option<Body>,
        then: OrderStatus,
        is_it: impl Fn(&BrokerOrderId) -> bool,
    ) -> Placed {
        let sent = self.send(method, account, tail, body).await;
        if let Sent::Answered { status, body } = &sent
            && status.is_success()
            && let Some(refusal) = orders::refused_with_success(body.as_deref())
        {
            return Placed::Refused(refusal);
        }
        let read = |bytes: &[u8]| {
            let id = orders::taken_number(bytes).filter(|id| is_it(id))?;
            Some(orders::taken(id, account, then))
        };
        placed(sent, read, orders::refusal)
    }
}

impl OrderDesk for TradierDesk {
    /// The token lasts; what may be missing is the account's number.
    async fn ready(&self, account: AccountId) -> Result<(), BrokerError> {
        self.reads.account_number(account).await.map(drop)
    }

    async fn dry_run(&self, ticket: &Ticket) -> Result<DryRun, Undone> {
        const ENDPOINT: &str = "/accounts/…/orders";
        let unreadable = |why: &str| BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: why.into() };
        let body = order_body::order(ticket).map_err(|why| Undone::Refused(unsent(&why)))?;
        let number = self.reads.account_number(ticket.account).await?;
        let before = orders::buying_power(self.reads.balances(&number).await?);
        let asked = order_body::previewed(&body);
        let sent = self.send(Method::POST, ticket.account, &["orders"], Some(asked)).await;
        let told = judged(sent, ENDPOINT, orders::refusal)?;
        if let Some(refusal) = orders::refused_with_success(Some(&told)) {
            return Err(Undone::Refused(refusal));
        }
        let answer = serde_json::from_slice(&told).map_err(|_| unreadable("it is not JSON"))?;
        let preview: Option<Preview> = wire::one(answer, "order");
        let preview =
            preview.filter(orders::is_previewed).ok_or_else(|| unreadable("it says nothing of the cost"))?;
        Ok(orders::dry_run(&preview, before, body.hash(), self.reads.now()))
    }

    async fn place(&self, ticket: Cleared<Ticket>) -> Placed {
        let ticket = ticket.get();
        match order_body::order(ticket) {
            Ok(body) => {
                let then = OrderStatus::Received;
                self.taken(Method::POST, ticket.account, &["orders"], Some(body), then, |_| true).await
            }
            Err(why) => Placed::Refused(unsent(&why)),
        }
    }

    /// Tradier changes the order where it stands: number and tag stay.
    async fn replace(&self, account: AccountId, order: &BrokerOrderId, with: Cleared<Replacement>) -> Placed {
        let ticket: &Ticket = with.get();
        let body = match order_body::replacement(ticket) {
            Ok(_) if ticket.account != account => return Placed::Refused(unsent(&Unsendable::Accounts)),
            Ok(body) => body,
            Err(why) => return Placed::Refused(unsent(&why)),
        };
        let tail = ["orders", order.0.as_str()];
        let then = OrderStatus::ReplaceRequested;
        self.taken(Method::PUT, account, &tail, Some(body), then, |id| id == order).await
    }

    async fn cancel(&self, account: AccountId, order: &BrokerOrderId) -> Placed {
        let tail = ["orders", order.0.as_str()];
        self.taken(Method::DELETE, account, &tail, None, OrderStatus::CancelRequested, |id| id == order).await
    }

    /// Of two orders that cancel each other one must be no limit order, and the set has one tag for all of them
    /// (documentation.tradier.com, "Advanced Orders"): what we would send cannot be said, or not found again.
    async fn place_complex(&self, _: Cleared<ComplexTicket>) -> Placed<ComplexReport> {
        Placed::Refused(unsent(&Unsendable::Sets))
    }

    async fn cancel_complex(&self, _: AccountId, _: &BrokerOrderId) -> Placed<ComplexReport> {
        Placed::Refused(unsent(&Unsendable::Sets))
    }

    async fn order(&self, account: AccountId, order: &BrokerOrderId) -> Result<OrderReport, BrokerError> {
        self.reads.order(account, order).await
    }

    async fn orders_since(
        &self,
        account: AccountId,
        from: Timestamp,
    ) -> Result<Vec<OrderReport>, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/orders";
        let unreadable = |why: &str| BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: why.into() };
        let number = self.reads.account_number(account).await?;
        let mut query = vec![("includeTags", "true".to_owned()), ("limit", PER_PAGE.to_string())];
        // Without a filter there are the orders of today's session; all of them are to be asked for sparingly.
        if new_york_date(from) < new_york_date(self.reads.now()) {
            query.push(("filter", "all".into()));
            query.push(("start", new_york_date(from).to_string()));
        }
        let mut found: Vec<OrderReport> = Vec::new();
        let mut seen: HashSet<BrokerOrderId> = HashSet::new();
        for page in 1..=MOST_PAGES {
            let mut query = query.clone();
            query.push(("page", page.to_string()));
            let path = ["accounts", number.as_str(), "orders"];
            let orders: Many<Order> =
                self.reads.http.list(ENDPOINT, &path, &query, ("orders", "order")).await?;
            if orders.bad > 0 {
                return Err(unreadable("an order in the list cannot be read"));
            }
            let before = found.len();
            for order in &orders.good {
                let report = orders::report(order, account)
                    .ok_or_else(|| unreadable("an order in the list cannot be read"))?;
                if seen.insert(report.id.clone()) {
                    found.push(report);
                }
            }
            // How many pages there are is not told: the end is where nothing new comes.
            if found.len() == before {
                // Stamps have no zone that is documented for all of them: a day more is looked at, none is lost.
                let since = from - TimeDelta::days(1);
                found.retain(|order| order.received_at.is_none_or(|at| at >= since));
                found.sort_by_key(|order| std::cmp::Reverse(order.received_at));
                return Ok(found);
            }
        }
        Err(unreadable("the list does not end"))
    }
}
