//! Orders at tastytrade.
//!
//! Never: sends twice, sends what is not cleared, polls the list of live orders.

use std::collections::HashSet;

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::Tastytrade;
use super::order_body::{self, Unsendable};
use super::parse::orders;
use super::wire::Envelope;
use super::wire::order::{ComplexOrder, Order, OrderAnswer};
use crate::broker::answered::{Body, judged, placed, unsent};
use crate::broker::{BrokerError, Desk, OrderDesk, Undone};
use crate::domain::order::{
    BrokerOrderId, ComplexReport, ComplexTicket, DryRun, OrderReport, Placed, Ticket,
};
use crate::domain::{AccountId, Timestamp};
use crate::risk::controls::{Cleared, Replacement};

const PER_PAGE: u32 = 50;
/// Ten thousand orders; a look that would find more has failed.
const MOST_PAGES: u32 = 200;

/// Where orders of one user go.
pub type TastytradeDesk = Desk<Tastytrade>;

impl TastytradeDesk {
    fn source(&self) -> &str {
        &self.reads.config.user_agent
    }

    fn report(&self, order: &Order, account: AccountId) -> Option<OrderReport> {
        orders::report(order, account, |named| self.reads.directory.instrument(named))
    }

    fn complex_report(&self, set: &ComplexOrder, account: AccountId) -> Option<ComplexReport> {
        orders::complex(set, account, |named| self.reads.directory.instrument(named))
    }

    /// One request that brings an order back: bare or inside an answer.
    async fn ordered(
        &self,
        method: Method,
        account: AccountId,
        tail: &[&str],
        body: Option<Body>,
        is_it: impl Fn(&OrderReport) -> bool,
    ) -> Placed {
        let read = |bytes: &[u8]| {
            let wrapped = data::<OrderAnswer>(bytes).and_then(|answer| answer.order);
            let order = wrapped.or_else(|| data::<Order>(bytes))?;
            self.report(&order, account).filter(|report| is_it(report))
        };
        placed(self.send(method, account, tail, body).await, read, orders::refusal)
    }

    /// What the broker would do with exactly this body, of the orders or of the sets of them.
    async fn judgement(
        &self,
        account: AccountId,
        (what, endpoint): (&str, &'static str),
        body: Body,
        reference: &str,
    ) -> Result<DryRun, Undone> {
        let hash = body.hash();
        let unreadable = |why: &str| BrokerError::Unreadable { endpoint: endpoint.into(), why: why.into() };
        let sent = self.send(Method::POST, account, &[what, "dry-run"], Some(body)).await;
        let body = judged(sent, endpoint, orders::refusal)?;
        let answer = data::<OrderAnswer>(&body).ok_or_else(|| unreadable("it carries no data"))?;
        // Neither an effect nor a reason: nothing that an order could be sent on.
        if answer.buying_power_effect.is_none() && answer.errors.good.is_empty() {
            return Err(unreadable("it says nothing of buying power").into());
        }
        Ok(orders::dry_run(&answer, hash, reference, self.reads.now()))
    }

    async fn set_ordered(
        &self,
        method: Method,
        account: AccountId,
        tail: &[&str],
        body: Option<Body>,
    ) -> Placed<ComplexReport> {
        let read = |bytes: &[u8]| {
            let wrapped = data::<OrderAnswer>(bytes).and_then(|answer| answer.complex_order);
            let set = wrapped.or_else(|| data::<ComplexOrder>(bytes))?;
            self.complex_report(&set, account)
        };
        placed(self.send(method, account, tail, body).await, read, orders::refusal)
    }
}

impl OrderDesk for TastytradeDesk {
    async fn ready(&self, account: AccountId) -> Result<(), BrokerError> {
        self.reads.account_number(account).await?;
        self.reads.http.ready().await
    }

    async fn dry_run(&self, ticket: &Ticket) -> Result<DryRun, Undone> {
        let body = order_body::order(ticket, self.source()).map_err(|why| Undone::Refused(unsent(&why)))?;
        let what = ("orders", "/accounts/…/orders/dry-run");
        self.judgement(ticket.account, what, body, &ticket.reference.to_string()).await
    }

    async fn dry_run_complex(&self, ticket: &ComplexTicket) -> Result<DryRun, Undone> {
        let (account, body) =
            order_body::complex(ticket, self.source()).map_err(|why| Undone::Refused(unsent(&why)))?;
        let reference = ticket.lead().map_or_else(String::new, |lead| lead.reference.to_string());
        let what = ("complex-orders", "/accounts/…/complex-orders/dry-run");
        self.judgement(account, what, body, &reference).await
    }

    async fn place(&self, ticket: Cleared<Ticket>) -> Placed {
        let ticket = ticket.get();
        let body = match order_body::order(ticket, self.source()) {
            Ok(body) => body,
            Err(why) => return Placed::Refused(unsent(&why)),
        };
        // An answer about somebody else's order says nothing of ours.
        let ours = |report: &OrderReport| report.reference.is_none_or(|it| it == ticket.reference);
        self.ordered(Method::POST, ticket.account, &["orders"], Some(body), ours).await
    }

    async fn replace(&self, account: AccountId, order: &BrokerOrderId, with: Cleared<Replacement>) -> Placed {
        let ticket: &Ticket = with.get();
        let body = match order_body::replacement(ticket, self.source()) {
            Ok(_) if ticket.account != account => return Placed::Refused(unsent(&Unsendable::Accounts)),
            Ok(body) => body,
            Err(why) => return Placed::Refused(unsent(&why)),
        };
        let ours = |report: &OrderReport| report.reference.is_none_or(|it| it == ticket.reference);
        self.ordered(Method::PUT, account, &["orders", &order.0], Some(body), ours).await
    }

    async fn cancel(&self, account: AccountId, order: &BrokerOrderId) -> Placed {
        let same = |report: &OrderReport| report.id == *order;
        self.ordered(Method::DELETE, account, &["orders", &order.0], None, same).await
    }

    async fn place_complex(&self, ticket: Cleared<ComplexTicket>) -> Placed<ComplexReport> {
        match order_body::complex(ticket.get(), self.source()) {
            Ok((account, body)) => {
                self.set_ordered(Method::POST, account, &["complex-orders"], Some(body)).await
            }
            Err(why) => Placed::Refused(unsent(&why)),
        }
    }

    async fn cancel_complex(&self, account: AccountId, set: &BrokerOrderId) -> Placed<ComplexReport> {
        self.set_ordered(Method::DELETE, account, &["complex-orders", &set.0], None).await
    }

    async fn order(&self, account: AccountId, order: &BrokerOrderId) -> Result<OrderReport, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/orders/…";
        let number = self.reads.account_number(account).await?;
        let wire: Order =
            self.reads.http.get(ENDPOINT, &["accounts", &number, "orders", &order.0], &[]).await?;
        self.report(&wire, account).filter(|report| report.id == *order).ok_or_else(|| {
            BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "it is not that order".into() }
        })
    }

    async fn orders_since(
        &self,
        account: AccountId,
        from: Timestamp,
    ) -> Result<Vec<OrderReport>, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/orders";
        let unreadable = |why: &str| BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: why.into() };
        let number = self.reads.account_number(account).await?;
        let start = from.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let mut found: Vec<OrderReport> = Vec::new();
        let mut seen: HashSet<BrokerOrderId> = HashSet::new();
        let mut total: Option<u32> = None;
        for page in 0..MOST_PAGES {
            // Newest first: an order that comes meanwhile moves the others on to later pages, where they are
            // seen a second time and not missed.
            let query = [
                ("start-at", start.clone()),
                ("sort", "Desc".to_owned()),
                ("per-page", PER_PAGE.to_string()),
                ("page-offset", page.to_string()),
            ];
            let path = ["accounts", number.as_str(), "orders"];
            let (items, told) = self.reads.http.get_page::<Order>(ENDPOINT, &path, &query).await?;
            if items.bad > 0 {
                return Err(unreadable("an order in the list cannot be read"));
            }
            let before = found.len();
            for order in &items.good {
                let report = self
                    .report(order, account)
                    .ok_or_else(|| unreadable("an order in the list has no number"))?;
                if seen.insert(report.id.clone()) {
                    found.push(report);
                }
            }
            // What comes meanwhile is not missed: the list is whole with what there was at the beginning.
            if total.is_none() {
                total = told.items;
            }
            let last = match told.pages {
                Some(pages) => page + 1 >= pages,
                // Without a count the end is where nothing new comes.
                None => found.len() == before,
            };
            if last {
                let whole = total.is_none_or(|total| found.len() >= total as usize);
                return if whole {
                    Ok(found)
                } else {
                    Err(unreadable("the list came with fewer orders than it told of"))
                };
            }
        }
        Err(unreadable("the list does not end"))
    }
}

fn data<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice::<Envelope<T>>(body).ok()?.data
}

#[cfg(test)]
mod simulated_tests;
#[cfg(test)]
mod tests;
