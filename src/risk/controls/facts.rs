//! What the sixteen controls look at, filled in by the engine. Plain values: nothing here asks anything.
//! `Default` is "nothing is known", and nothing passes on it.

use rust_decimal::Decimal;

use crate::domain::control::{Alarm, KillMode, OptIn};
use crate::domain::freshness::Standing;
use crate::domain::id::{AccountId, OrderRef, TradeId};
use crate::domain::instrument::Instrument;
use crate::domain::money::{Money, Price};
use crate::domain::order::{NetPrice, OrderAction};
use crate::domain::trade::LimitChange;

/// `None` everywhere: not known, which is never read as good.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ControlFacts {
    pub opt_in: Option<OptIn>,
    /// Whether the trader put the order's account on the list of those that may trade.
    pub account_listed: Option<bool>,
    /// Needed where the money is real.
    pub confirmation: Option<Confirmation>,
    /// What is recorded or what the flag file says, whichever is up.
    pub kill: Option<Kill>,
    pub health: Health,
    pub session: SessionFacts,
    /// In the order of the ticket's legs.
    pub legs: Vec<LegFacts>,
    /// The broker's clock less ours.
    pub clock_skew_seconds: Option<f64>,
    /// Of exactly the body that is to be sent.
    pub body_hash: Option<String>,
    pub dry_run: Option<DryRunFacts>,
    /// Net liquidation value of the account.
    pub equity: Option<Money>,
    pub worst_case: WorstCase,
    /// The portfolio's limits without the trade and with it, filled at the worst acceptable price.
    pub limits: Option<Vec<LimitChange>>,
    /// Every other order of the account that may work, and every one sent in the last minutes.
    pub others: Option<Vec<OtherOrder>>,
    pub sent: Option<Sent>,
    pub open_orders: OpenOrders,
    pub day: DayFacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    Off,
    Up(KillMode),
}

/// What the trader typed for one order: bound to its body, and to the worst price it may walk to.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirmation {
    pub body_hash: String,
    pub age_seconds: f64,
    pub worst: NetPrice,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// The writer lives and the store takes events.
    pub store_writable: Option<bool>,
    /// The account's positions were read today and compared with the books.
    pub reconciled_today: Option<bool>,
    /// Orders whose truth is not known.
    pub unknown_orders: Option<u32>,
    pub alarms: Option<Vec<Alarm>>,
}

/// Of the product that is ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SessionFacts {
    pub open: Option<bool>,
    pub halted: Option<bool>,
    pub seconds_to_close: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LegFacts {
    pub quote: Option<QuoteFacts>,
    /// The contract's price increments, lowest prices first; empty where nobody told them.
    pub ticks: Vec<TickSize>,
    /// The account's position in this contract, signed.
    pub held: Option<Decimal>,
    /// Contracts of it that other orders at the broker are closing already.
    pub closing_elsewhere: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoteFacts {
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    pub standing: Standing,
    /// Since it was last told, by the stream or on request.
    pub age_seconds: Option<f64>,
    pub source: QuoteSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteSource {
    Stream,
    /// Read once, by REST.
    Read,
}

/// Prices below `below` are multiples of `tick`; `None`: all the higher ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickSize {
    pub below: Option<Decimal>,
    pub tick: Decimal,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DryRunFacts {
    pub body_hash: String,
    pub age_seconds: Option<f64>,
    pub buying_power_change: Option<Money>,
    pub buying_power_after: Option<Money>,
    /// The broker's first objection.
    pub error: Option<String>,
    pub warning: Option<String>,
}

/// What the whole trade can lose: without the order, and with it filled at its worst acceptable price.
/// Dollars, positive. Defined risk counts its greatest loss, undefined risk its loss under stress.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WorstCase {
    pub loss_before: Option<f64>,
    pub loss_after: Option<f64>,
    pub defined_before: Option<bool>,
    pub defined_after: Option<bool>,
    /// Portfolio and account allow risk without an end.
    pub undefined_permitted: Option<bool>,
    /// Dollars of the underlying that the order turns over.
    pub notional: Option<f64>,
    /// L7 of the portfolio, in dollars.
    pub most_loss: Option<f64>,
}

/// Another order of the same account.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherOrder {
    pub reference: OrderRef,
    pub account: AccountId,
    pub trade: TradeId,
    pub closing: bool,
    pub legs: Vec<(Instrument, OrderAction)>,
    /// Submitting, working or unknown.
    pub may_work: bool,
    /// Since it was sent.
    pub age_seconds: Option<f64>,
}

/// What left in the last minute and today, before this one. Cancels are never counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    pub orders_minute: u32,
    pub orders_day: u32,
    pub replacements_minute: u32,
    pub replacements_day: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OpenOrders {
    /// At the broker now, without this one.
    pub count: Option<u32>,
    /// Dollars, positive: what they and this one can lose if all of them fill.
    pub loss_if_all_fill: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DayFacts {
    /// The portfolio's, signed.
    pub pnl: Option<f64>,
    /// L16 of the portfolio, in dollars, positive.
    pub most_loss: Option<f64>,
}
