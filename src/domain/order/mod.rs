//! Orders in our words: what is sent, where it stands, what it filled.
//!
//! Limit orders only: a market order cannot be said here. The state of an order is ours; what the broker
//! calls it is a report. A filled order is one whose fills say so.

mod report;
mod set;
mod state;
mod ticket;

pub use report::{
    BrokerMessage, BrokerOrderId, ComplexReport, DryRun, Fill, FillId, LegReport, OrderRefusal, OrderReport,
    OrderStatus, Phase, Placed,
};
pub use set::{ComplexKind, ComplexTicket, Exit, SetRole};
pub use state::{IllegalOrderStep, OrderState, OrderStep};
pub use ticket::{BadTicket, NetPrice, OrderAction, OrderFor, OrderLeg, Ticket, TimeInForce, Walk};
