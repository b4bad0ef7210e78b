//! What a broker says about what it lists: shares, contracts, dividends and reports of the past.
//!
//! Never: on the way of a decision. A broker whose adapter does not read one of these says so.

use std::future::{Future, ready};

use super::{BrokerError, Ledger};
use crate::domain::ledger::Listed;
use crate::domain::listing::{EquityDetails, OptionDetails, PastDividend, PastEarnings, SymbolFound};
use crate::domain::{OptionContract, Symbol, TradingDate};

/// Reads of listings that no picture waits for.
pub trait Catalogue: Ledger {
    fn equity(&self, _of: &Symbol) -> impl Future<Output = Result<EquityDetails, BrokerError>> + Send {
        ready(Err(self.not_read("the details of a share")))
    }

    /// Symbols that the broker does not know are left out.
    fn equities(
        &self,
        _of: &[Symbol],
    ) -> impl Future<Output = Result<Vec<EquityDetails>, BrokerError>> + Send {
        ready(Err(self.not_read("the details of shares")))
    }

    fn option(
        &self,
        _of: &OptionContract,
    ) -> impl Future<Output = Result<OptionDetails, BrokerError>> + Send {
        ready(Err(self.not_read("the details of a contract")))
    }

    /// Every contract on an underlying, adjusted ones included.
    fn options(
        &self,
        _of: &Symbol,
    ) -> impl Future<Output = Result<Listed<OptionDetails>, BrokerError>> + Send {
        ready(Err(self.not_read("the details of contracts")))
    }

    /// Newest first.
    fn dividends(
        &self,
        _of: &Symbol,
    ) -> impl Future<Output = Result<Listed<PastDividend>, BrokerError>> + Send {
        ready(Err(self.not_read("dividends of the past")))
    }

    /// Newest first.
    fn earnings(
        &self,
        _of: &Symbol,
        _since: TradingDate,
    ) -> impl Future<Output = Result<Listed<PastEarnings>, BrokerError>> + Send {
        ready(Err(self.not_read("reports of the past")))
    }

    /// Symbols that begin so.
    fn search(&self, _prefix: &str) -> impl Future<Output = Result<Listed<SymbolFound>, BrokerError>> + Send {
        ready(Err(self.not_read("a search for symbols")))
    }
}
