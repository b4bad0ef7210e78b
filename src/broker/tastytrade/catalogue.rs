//! What the broker lists: shares, contracts, dividends and reports of the past.

use super::wire::{Items, listing as wire};
use super::{SYMBOLS_PER_REQUEST, Tastytrade, http, parse};
use crate::broker::{BrokerError, Catalogue};
use crate::domain::ledger::Listed;
use crate::domain::listing::{EquityDetails, OptionDetails, PastDividend, PastEarnings, SymbolFound};
use crate::domain::{OptionContract, Symbol, TradingDate};

const EVENTS: [&str; 2] = ["market-metrics", "historic-corporate-events"];

impl Catalogue for Tastytrade {
    async fn equity(&self, of: &Symbol) -> Result<EquityDetails, BrokerError> {
        const ENDPOINT: &str = "/instruments/equities/…";
        let wire: wire::Equity =
            self.http.get(ENDPOINT, &["instruments", "equities", of.as_str()], &[]).await?;
        parse::listing::equity(&wire)
            .filter(|read| read.symbol == *of)
            .ok_or_else(|| http::unreadable(ENDPOINT, "it is not that symbol"))
    }

    async fn equities(&self, of: &[Symbol]) -> Result<Vec<EquityDetails>, BrokerError> {
        const ENDPOINT: &str = "/instruments/equities";
        let mut found = Vec::with_capacity(of.len());
        for chunk in of.chunks(SYMBOLS_PER_REQUEST) {
            let query: Vec<(&str, String)> = chunk.iter().map(|one| ("symbol[]", one.to_string())).collect();
            let key = |wire: &wire::Equity| parse::listing::equity(wire).map(|read| read.symbol.to_string());
            let rows: Vec<wire::Equity> =
                self.http.get_all(ENDPOINT, &["instruments", "equities"], &query, key).await?;
            // A service that does not know the filter would send everything it lists.
            found.extend(
                rows.iter().filter_map(parse::listing::equity).filter(|one| of.contains(&one.symbol)),
            );
        }
        Ok(found)
    }

    async fn option(&self, of: &OptionContract) -> Result<OptionDetails, BrokerError> {
        const ENDPOINT: &str = "/instruments/equity-options/…";
        let occ = of.occ();
        let wire: wire::EquityOption =
            self.http.get(ENDPOINT, &["instruments", "equity-options", &occ], &[]).await?;
        parse::listing::option(&wire)
            .filter(|read| read.symbol == occ)
            .ok_or_else(|| http::unreadable(ENDPOINT, "it is not that contract"))
    }

    async fn options(&self, of: &Symbol) -> Result<Listed<OptionDetails>, BrokerError> {
        let rows: Items<wire::EquityOption> =
            self.http.get("/option-chains/…", &["option-chains", of.as_str()], &[]).await?;
        Ok(parse::listing::listed(rows.items, parse::listing::option))
    }

    async fn dividends(&self, of: &Symbol) -> Result<Listed<PastDividend>, BrokerError> {
        let path = [EVENTS[0], EVENTS[1], "dividends", of.as_str()];
        let rows: Items<wire::Occurred> = self.http.get("/market-metrics/…/dividends/…", &path, &[]).await?;
        Ok(parse::listing::dividends(rows.items))
    }

    async fn earnings(&self, of: &Symbol, since: TradingDate) -> Result<Listed<PastEarnings>, BrokerError> {
        let path = [EVENTS[0], EVENTS[1], "earnings-reports", of.as_str()];
        let query = [("start-date", since.to_string())];
        let rows: Items<wire::Occurred> =
            self.http.get("/market-metrics/…/earnings-reports/…", &path, &query).await?;
        Ok(parse::listing::earnings(rows.items))
    }

    async fn search(&self, prefix: &str) -> Result<Listed<SymbolFound>, BrokerError> {
        let rows: Items<wire::Found> =
            self.http.get("/symbols/search/…", &["symbols", "search", prefix], &[]).await?;
        Ok(parse::listing::listed(rows.items, parse::listing::found))
    }
}
