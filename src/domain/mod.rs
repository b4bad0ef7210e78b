//! The words everything else is written in: ids, money, units of figures, instruments, trades and their state machine,
//! commands, events, reports, limits, readings.
//!
//! Never: computes a price, asks the time, touches I/O.

pub mod account;
pub mod bar;
pub mod command;
pub mod command_line;
pub mod control;
pub mod event;
pub mod fees;
pub mod freshness;
pub mod id;
pub mod instrument;
pub mod label;
pub mod ledger;
pub mod leg;
pub mod limit;
pub mod listing;
pub mod market_context;
pub mod money;
pub mod order;
pub mod portfolio;
pub mod refusal;
pub mod regime;
pub mod report;
pub mod settlement;
pub mod strategy;
pub mod symbol;
pub mod symbol_forms;
pub mod text;
pub mod time;
pub mod trade;
pub mod units;
pub mod view;

pub use account::{Account, AccountKind, Balances};
pub use bar::Bar;
pub use command::Command;
pub use event::Event;
pub use freshness::Reading;
pub use id::{AccountId, CorrelationId, EventId, IdSource, OrderRef, PortfolioId, SessionId, TradeId};
pub use instrument::{ExerciseStyle, Instrument, OptionContract, Right, Settlement};
pub use leg::Leg;
pub use limit::{LimitId, LimitState};
pub use money::{Money, Price};
pub use portfolio::Portfolio;
pub use refusal::{ReadOnly, Refusal};
pub use regime::{TermState, Trend};
pub use strategy::Strategy;
pub use symbol::Symbol;
pub use time::{Timestamp, TradingDate};
pub use trade::{Evaluation, Trade, TradeKind, TradeState};
