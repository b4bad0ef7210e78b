//! Carries out what the engine wants of the broker's order book: each request once, beside all others, and
//! every outcome told. What cannot even be begun was not sent, and that is told as a refusal.
//!
//! Never: repeats a request, sends while the kill flag is up, takes a lost answer for a no.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::broker::paper::PaperDesk;
use crate::broker::{OrderDesk, Undone};
use crate::domain::AccountId;
use crate::domain::OrderRef;
use crate::domain::order::{
    BrokerMessage, BrokerOrderId, ComplexTicket, DryRun, OrderRefusal, Placed, Ticket,
};
use crate::engine::orders::NoDryRun;
use crate::engine::orders::looks::LookUp;
use crate::engine::{Failure, Input};
use crate::risk::controls::{Cleared, Replacement};

use super::kill_flag::KillFlag;
use super::supervised;

/// What the engine's effects ask of the order book.
#[derive(Debug)]
pub enum DeskErrand {
    DryRun(Box<Ticket>),
    Submit(Box<Cleared<Ticket>>),
    Replace { id: BrokerOrderId, cleared: Box<Cleared<Replacement>> },
    Cancel { reference: OrderRef, account: AccountId, id: BrokerOrderId },
    DryRunSet(Box<ComplexTicket>),
    SubmitSet(Box<Cleared<ComplexTicket>>),
    CancelSet { set: OrderRef, account: AccountId, id: BrokerOrderId },
    LookUp(LookUp),
}

impl DeskErrand {
    fn account(&self) -> AccountId {
        match self {
            Self::DryRun(ticket) => ticket.account,
            Self::Submit(cleared) => cleared.get().account,
            Self::Replace { cleared, .. } => cleared.get().account,
            Self::Cancel { account, .. } => *account,
            Self::DryRunSet(set) => of_set(set).0,
            Self::SubmitSet(cleared) => of_set(cleared.get()).0,
            Self::CancelSet { account, .. } => *account,
            Self::LookUp(look) => look.account,
        }
    }

    /// The answer where it was never begun.
    pub fn not_begun(self, why: &str) -> Input {
        let refused = || Placed::Refused(not_sent(why));
        let failure = || Failure { what: why.to_owned(), remedy: "try again".to_owned(), remark: false };
        match self {
            Self::DryRun(ticket) => {
                Input::DryRun { reference: ticket.reference, result: Err(NoDryRun::Failed(failure())) }
            }
            Self::Submit(cleared) => Input::Placed { reference: cleared.get().reference, placed: refused() },
            Self::Replace { cleared, .. } => {
                Input::Changed { reference: cleared.get().reference, placed: refused() }
            }
            Self::Cancel { reference, .. } => Input::Changed { reference, placed: refused() },
            Self::DryRunSet(set) => {
                Input::DryRun { reference: of_set(&set).1, result: Err(NoDryRun::Failed(failure())) }
            }
            Self::SubmitSet(cleared) => {
                Input::SetPlaced { set: of_set(cleared.get()).1, placed: Placed::Refused(not_sent(why)) }
            }
            Self::CancelSet { set, .. } => Input::SetChanged { set, placed: Placed::Refused(not_sent(why)) },
            Self::LookUp(look) => Input::Looked { look, result: Err(failure()) },
        }
    }
}

/// The account of a set, and the order it is called by.
fn of_set(set: &ComplexTicket) -> (AccountId, OrderRef) {
    let lead = set.lead().expect("a set is made with its orders, and cleared with two at least");
    (lead.account, lead.reference)
}

/// Nothing left the process: a definite no.
fn not_sent(why: &str) -> OrderRefusal {
    OrderRefusal {
        status: 0,
        messages: vec![BrokerMessage { code: "not_sent".to_owned(), text: format!("not sent: {why}") }],
    }
}

/// Where orders go: the account says to which of the two.
pub struct Desks<D> {
    /// Without one every order of a broker's account is refused.
    pub broker: Option<Arc<D>>,
    pub paper: Arc<PaperDesk>,
}

/// Serves errands until the sender is gone.
pub async fn run<D: OrderDesk>(
    desks: Desks<D>,
    flag: KillFlag,
    mut errands: mpsc::Receiver<DeskErrand>,
    inputs: mpsc::Sender<Input>,
) {
    while let Some(errand) = errands.recv().await {
        let (flag, inputs) = (flag.clone(), inputs.clone());
        if errand.account().is_paper() {
            spawn(Arc::clone(&desks.paper), flag, errand, inputs);
        } else if let Some(broker) = &desks.broker {
            spawn(Arc::clone(broker), flag, errand, inputs);
        } else if inputs.send(errand.not_begun("orders are not sent in this mode")).await.is_err() {
            return;
        }
    }
}

fn spawn<D: OrderDesk>(desk: Arc<D>, flag: KillFlag, errand: DeskErrand, inputs: mpsc::Sender<Input>) {
    tokio::spawn(async move {
        let told = carry_out(desk.as_ref(), &flag, errand).await;
        drop(inputs.send(told).await);
    });
}

async fn carry_out<D: OrderDesk>(desk: &D, flag: &KillFlag, errand: DeskErrand) -> Input {
    match errand {
        DeskErrand::DryRun(ticket) => {
            let result = dry_run(supervised::watched(desk.dry_run(&ticket)).await);
            Input::DryRun { reference: ticket.reference, result }
        }
        DeskErrand::DryRunSet(set) => {
            let result = dry_run(supervised::watched(desk.dry_run_complex(&set)).await);
            Input::DryRun { reference: of_set(&set).1, result }
        }
        DeskErrand::Submit(_) | DeskErrand::Replace { .. } | DeskErrand::SubmitSet(_) => {
            match supervised::watched(desk.ready(errand.account())).await {
                Ok(Ok(())) => change(desk, flag, errand).await,
                Ok(Err(error)) => errand.not_begun(&error.to_string()),
                Err(why) => errand.not_begun(&why),
            }
        }
        DeskErrand::Cancel { reference, account, id } => {
            Input::Changed { reference, placed: told(desk.cancel(account, &id)).await }
        }
        DeskErrand::CancelSet { set, account, id } => {
            Input::SetChanged { set, placed: told(desk.cancel_complex(account, &id)).await }
        }
        DeskErrand::LookUp(look) => {
            let result = match &look.id {
                Some(id) => desk.order(look.account, id).await.map(|report| vec![report]),
                None => desk.orders_since(look.account, look.since).await,
            };
            let result = result.map_err(|error| Failure {
                what: format!("orders: {error}"),
                remedy: error.remedy().to_owned(),
                remark: false,
            });
            Input::Looked { look, result }
        }
    }
}

fn dry_run(judged: Result<Result<DryRun, Undone>, String>) -> Result<DryRun, NoDryRun> {
    match judged {
        Ok(Ok(dry_run)) => Ok(dry_run),
        Ok(Err(Undone::Refused(refusal))) => Err(NoDryRun::Refused(refusal)),
        Ok(Err(Undone::Broker(error))) => Err(NoDryRun::Failed(Failure {
            what: format!("the broker did not judge the order: {error}"),
            remedy: error.remedy().to_owned(),
            remark: false,
        })),
        Err(why) => Err(NoDryRun::Failed(Failure {
            what: why,
            remedy: "start cotrader again".to_owned(),
            remark: false,
        })),
    }
}

/// The flag is looked at last: what follows is the request.
async fn change<D: OrderDesk>(desk: &D, flag: &KillFlag, errand: DeskErrand) -> Input {
    let killed = "the kill switch is up";
    match errand {
        DeskErrand::Submit(cleared) if !flag.stops(cleared.get()) => {
            let reference = cleared.get().reference;
            Input::Placed { reference, placed: told(desk.place(*cleared)).await }
        }
        DeskErrand::Replace { id, cleared } if !flag.stops(cleared.get()) => {
            let (reference, account) = (cleared.get().reference, cleared.get().account);
            Input::Changed { reference, placed: told(desk.replace(account, &id, *cleared)).await }
        }
        DeskErrand::SubmitSet(cleared) if !cleared.get().lead().is_some_and(|lead| flag.stops(lead)) => {
            let set = of_set(cleared.get()).1;
            Input::SetPlaced { set, placed: told(desk.place_complex(*cleared)).await }
        }
        stopped => stopped.not_begun(killed),
    }
}

/// A panic in the middle of a request leaves its outcome unknown.
async fn told<R>(request: impl Future<Output = Placed<R>>) -> Placed<R> {
    supervised::watched(request).await.unwrap_or_else(|why| Placed::Unknown { why })
}
