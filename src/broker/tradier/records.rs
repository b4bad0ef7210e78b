//! Reads that no picture waits for: what the profile says of an account, and the calendar of a year.

use chrono::{Datelike, NaiveDate};

use super::{Tradier, parse};
use crate::broker::{BrokerError, Records};
use crate::domain::AccountId;
use crate::domain::report::{MarketHolidays, TradingStatus};
use crate::domain::time::new_york_date;

impl Records for Tradier {
    async fn trading_status(&self, account: AccountId) -> Result<TradingStatus, BrokerError> {
        let number = self.account_number(account).await?;
        let entries = self.profile().await?;
        let own = entries.iter().find(|entry| entry.account_number.as_str() == number);
        own.map(parse::records::trading_status)
            .ok_or_else(|| BrokerError::NotFound { what: "an account with this id".into() })
    }

    /// Month by month, as the calendar is told.
    async fn holidays(&self) -> Result<MarketHolidays, BrokerError> {
        let year = new_york_date(self.now()).year();
        let mut holidays = MarketHolidays::default();
        for first in (1..=12).filter_map(|month| NaiveDate::from_ymd_opt(year, month, 1)) {
            parse::records::special_days(&self.calendar(first).await?, &mut holidays);
        }
        if holidays.closed.is_empty() {
            // A year without a holiday is an answer that could not be read.
            return Err(BrokerError::Unreadable {
                endpoint: "/markets/calendar".into(),
                why: "no holidays".into(),
            });
        }
        Ok(holidays)
    }
}
