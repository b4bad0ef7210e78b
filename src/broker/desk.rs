//! The money side of a broker: what sends, replaces and cancels orders, and what reads them back.
//!
//! Never: sends anything twice, sends what is not cleared, reads a lost answer as a no.

use std::future::Future;

use super::BrokerError;
use crate::domain::order::{
    BrokerMessage, BrokerOrderId, ComplexReport, ComplexTicket, DryRun, OrderRefusal, OrderReport, Placed,
    Ticket,
};
use crate::domain::{AccountId, Timestamp};
use crate::risk::controls::{Cleared, Replacement};

/// Why a dry run has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Undone {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The broker would refuse the order.
    #[error("{0}")]
    Refused(OrderRefusal),
}

/// Where orders go. A capability of its own: what only reads a broker has no such method.
///
/// Each of `place`, `replace`, `cancel` and their complex kin makes at most one request, whatever happens to
/// it. None of them returns an error: there is a yes, a definite no, and not knowing.
pub trait OrderDesk: Send + Sync + 'static {
    /// Gets ready what a request of this account needs beside its body, such as a token that lasts: between the last
    /// look at the kill switch and the request nothing is to be waited for.
    fn ready(&self, account: AccountId) -> impl Future<Output = Result<(), BrokerError>> + Send {
        let _ = account;
        std::future::ready(Ok(()))
    }

    /// Asks what the order would do. Routes nothing.
    fn dry_run(&self, ticket: &Ticket) -> impl Future<Output = Result<DryRun, Undone>> + Send;

    /// The same for orders that hang together.
    fn dry_run_complex(&self, ticket: &ComplexTicket) -> impl Future<Output = Result<DryRun, Undone>> + Send {
        let _ = ticket;
        let text = "not sent: orders that hang together are not sent to this broker".to_owned();
        let messages = vec![BrokerMessage { code: "not_sent".to_owned(), text }];
        std::future::ready(Err(Undone::Refused(OrderRefusal { status: 0, messages })))
    }

    /// `ticket.reference` goes along, so that the order can be found again.
    fn place(&self, ticket: Cleared<Ticket>) -> impl Future<Output = Placed> + Send;

    /// Cancels `order` and sends `with` in its place, which has a number of its own. Only price and time in
    /// force may differ. A fill of the old one wins against the new one.
    fn replace(
        &self,
        account: AccountId,
        order: &BrokerOrderId,
        with: Cleared<Replacement>,
    ) -> impl Future<Output = Placed> + Send;

    /// Accepted means that the broker tries: the order may fill all the same.
    fn cancel(&self, account: AccountId, order: &BrokerOrderId) -> impl Future<Output = Placed> + Send;

    fn place_complex(
        &self,
        ticket: Cleared<ComplexTicket>,
    ) -> impl Future<Output = Placed<ComplexReport>> + Send;

    /// Cancels every order of the set that has not ended.
    fn cancel_complex(
        &self,
        account: AccountId,
        set: &BrokerOrderId,
    ) -> impl Future<Output = Placed<ComplexReport>> + Send;

    /// One order as it stands.
    fn order(
        &self,
        account: AccountId,
        order: &BrokerOrderId,
    ) -> impl Future<Output = Result<OrderReport, BrokerError>> + Send;

    /// All orders since `from` on the broker's clock, in whatever state, newest first. All of them or an
    /// error: a look that failed in part is not a look that found nothing.
    fn orders_since(
        &self,
        account: AccountId,
        from: Timestamp,
    ) -> impl Future<Output = Result<Vec<OrderReport>, BrokerError>> + Send;
}
