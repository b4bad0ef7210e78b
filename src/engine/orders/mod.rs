//! Orders on their way: staged on a dry-run, sent once, looked up until the truth is known, walked, cancelled.
//!
//! Never: sends anything. An order leaves as an effect whose wish is durable first.

pub mod evidence;
pub mod looks;

mod alike;
mod changes;
mod day;
mod facts;
mod gone;
mod outcome;
mod send;
mod sets;
mod settled;
mod stage;
mod venue;

use std::collections::BTreeMap;

use crate::domain::order::{
    ComplexTicket, DryRun, NetPrice, OrderFor, OrderRefusal, OrderReport, Ticket, Walk,
};
use crate::domain::{AccountId, Evaluation, Instrument, OrderRef, Timestamp, TradeId};

use super::input::{Failure, ReplyTo};
use looks::Looks;

/// What the trader wants an order to do.
#[derive(Debug, Clone, PartialEq)]
pub struct StageWish {
    pub trade: TradeId,
    pub purpose: OrderFor,
    /// Without one the limit walks from mid, or rests where the exit rule says.
    pub limit: Option<NetPrice>,
    pub rationale: String,
}

/// The trader's yes, bound to the body that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yes {
    pub body_hash: String,
    /// Symbol and lots, where the money is real.
    pub typed: Option<String>,
    pub shown_at: Timestamp,
}

/// Why an order was not judged by the broker.
#[derive(Debug, Clone, PartialEq)]
pub enum NoDryRun {
    Refused(OrderRefusal),
    Failed(Failure),
}

/// Dry-runs are waited for, and fresh fills settle, beside the books: nothing here outlives the process.
#[derive(Debug, Default)]
pub(super) struct Desk {
    staging: BTreeMap<OrderRef, Staging>,
    /// Confirmed orders that are judged once more before they go out.
    sending: BTreeMap<OrderRef, Sending>,
    looks: Looks,
    /// When the program itself last asked for a change of an order: what the broker refuses is not asked again
    /// each second.
    asked: BTreeMap<OrderRef, Timestamp>,
    /// Why a limit that should give way does not: said once.
    stays: BTreeMap<OrderRef, String>,
    /// What at the broker looks like an order in doubt that no report names.
    pub(super) alike: BTreeMap<OrderRef, Vec<OrderReport>>,
    /// When fills of ours last changed a contract: a position read from before does not know them.
    changed: BTreeMap<(AccountId, Instrument), Timestamp>,
    /// Positions that differ from the books under orders that rest.
    doubts: BTreeMap<(AccountId, Instrument), settled::Doubt>,
}

#[derive(Debug)]
struct Staging {
    /// The order; of a set, the first one.
    ticket: Ticket,
    walk: Option<Walk>,
    set: Option<ComplexTicket>,
    /// A WhatIf becomes the intent of a real trade with it.
    promotes: bool,
    rationale: String,
    reply: Option<ReplyTo>,
}

#[derive(Debug)]
struct Sending {
    yes: Yes,
    reply: Option<ReplyTo>,
    /// The number of its evaluation.
    judging: u64,
    /// The book that is judged against.
    structure: u64,
    dry_run: Option<DryRun>,
    evaluation: Option<Evaluation>,
}

/// A dry-run speaks for this long.
const DRY_RUN_SECONDS: i64 = 60;
/// The broker's positions may lag its fills by this much.
const SETTLE_SECONDS: i64 = 5;
/// Between two changes of one order that nobody asked for by hand.
const CHANGE_SECONDS: i64 = 15;
/// Orders that wait for their dry-run at once: more than a person can start.
const STAGING_AT_ONCE: usize = 8;

fn is_fresh(dry_run: &DryRun, now: Timestamp) -> bool {
    (0..=DRY_RUN_SECONDS).contains(&(now - dry_run.at).num_seconds())
}
