//! Reads that no picture waits for: trading status and holidays.

use super::{Tastytrade, parse, wire};
use crate::broker::{BrokerError, Records};
use crate::domain::AccountId;
use crate::domain::report::{MarketHolidays, TradingStatus};

impl Records for Tastytrade {
    async fn trading_status(&self, account: AccountId) -> Result<TradingStatus, BrokerError> {
        let number = self.account_number(account).await?;
        let path = ["accounts", &number, "trading-status"];
        let wire: wire::account::TradingStatus =
            self.http.get("/accounts/…/trading-status", &path, &[]).await?;
        Ok(parse::records::trading_status(&wire))
    }

    async fn holidays(&self) -> Result<MarketHolidays, BrokerError> {
        const ENDPOINT: &str = "/market-time/equities/holidays";
        let wire: wire::market::Holidays =
            self.http.get(ENDPOINT, &["market-time", "equities", "holidays"], &[]).await?;
        let holidays = parse::records::holidays(&wire);
        if holidays.closed.is_empty() {
            // A year without a holiday is an answer that could not be read.
            return Err(BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "no holidays".into() });
        }
        Ok(holidays)
    }
}
