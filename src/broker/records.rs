//! What a broker knows besides the book and the market: what an account may do, which days the exchange is closed.
//!
//! Never: on the way of a decision. It is read when somebody asks, and failing costs only the answer.

use std::future::Future;

use super::BrokerError;
use crate::domain::AccountId;
use crate::domain::report::{MarketHolidays, TradingStatus};

/// Reads that no picture waits for.
pub trait Records: Send + Sync {
    fn trading_status(
        &self,
        account: AccountId,
    ) -> impl Future<Output = Result<TradingStatus, BrokerError>> + Send;

    /// Of the stock exchange, this year's at least.
    fn holidays(&self) -> impl Future<Output = Result<MarketHolidays, BrokerError>> + Send;
}
