//! Whose the accounts are, what happened in them, what they were worth, what margin they need.

use chrono::NaiveTime;

use super::parse::{self, BROKER};
use super::wire::{Items, ledger as wire};
use super::{Tastytrade, http};
use crate::broker::{BrokerError, Ledger};
use crate::domain::ledger::{
    Customer, Listed, MarginReport, NetLiqBar, Transaction, Watchlist, WatchlistOwner,
};
use crate::domain::time::new_york;
use crate::domain::{AccountId, Money, TradingDate};

/// The segment of a path.
fn lists_of(owner: WatchlistOwner) -> &'static str {
    match owner {
        WatchlistOwner::Own => "watchlists",
        WatchlistOwner::Broker => "public-watchlists",
    }
}

impl Ledger for Tastytrade {
    fn broker_name(&self) -> &'static str {
        BROKER
    }

    async fn customer(&self) -> Result<Customer, BrokerError> {
        let wire: wire::Customer = self.http.get("/customers/me", &["customers", "me"], &[]).await?;
        Ok(parse::ledger::customer(&wire))
    }

    async fn transactions(
        &self,
        account: AccountId,
        since: TradingDate,
    ) -> Result<Vec<Transaction>, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/transactions";
        let number = self.account_number(account).await?;
        let path = ["accounts", number.as_str(), "transactions"];
        // Newest first: what comes meanwhile moves the others on to later pages, where they are seen a second time
        // and not missed.
        let query = [("start-date", since.to_string()), ("sort", "Desc".to_owned())];
        let key = |wire: &wire::Transaction| parse::ledger::transaction(wire).map(|read| read.id);
        let rows: Vec<wire::Transaction> = self.http.get_all(ENDPOINT, &path, &query, key).await?;
        Ok(rows.iter().filter_map(parse::ledger::transaction).collect())
    }

    async fn fees_of_day(&self, account: AccountId, day: TradingDate) -> Result<Option<Money>, BrokerError> {
        let number = self.account_number(account).await?;
        let path = ["accounts", number.as_str(), "transactions", "total-fees"];
        let query = [("date", day.to_string())];
        let wire: wire::TotalFees =
            self.http.get("/accounts/…/transactions/total-fees", &path, &query).await?;
        Ok(parse::ledger::total_fees(&wire))
    }

    async fn net_liq_history(
        &self,
        account: AccountId,
        since: TradingDate,
    ) -> Result<Listed<NetLiqBar>, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/net-liq/history";
        let number = self.account_number(account).await?;
        let path = ["accounts", number.as_str(), "net-liq", "history"];
        let start = new_york(since, NaiveTime::MIN).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let rows: Items<wire::NetLiq> = self.http.get(ENDPOINT, &path, &[("start-time", start)]).await?;
        let mut read = parse::listing::listed(rows.items, parse::ledger::net_liq);
        read.rows.sort_by_key(|bar| bar.at);
        Ok(read)
    }

    async fn margin(&self, account: AccountId) -> Result<MarginReport, BrokerError> {
        const ENDPOINT: &str = "/margin/accounts/…/requirements";
        let number = self.account_number(account).await?;
        let path = ["margin", "accounts", number.as_str(), "requirements"];
        let wire: wire::MarginReport = self.http.get(ENDPOINT, &path, &[]).await?;
        let report = parse::ledger::margin(&wire);
        if report.requirement.is_none() && report.maintenance.is_none() {
            return Err(http::unreadable(ENDPOINT, "it says nothing of a requirement"));
        }
        Ok(report)
    }

    async fn watchlists(&self, of: WatchlistOwner) -> Result<Listed<Watchlist>, BrokerError> {
        let rows: Items<wire::Watchlist> = self.http.get("/watchlists", &[lists_of(of)], &[]).await?;
        Ok(parse::ledger::lists(rows.items))
    }

    async fn watchlist(&self, of: WatchlistOwner, name: &str) -> Result<Watchlist, BrokerError> {
        const ENDPOINT: &str = "/watchlists/…";
        let wire: wire::Watchlist = self.http.get(ENDPOINT, &[lists_of(of), name], &[]).await?;
        match parse::ledger::watchlist(&wire) {
            Some((list, 0)) => Ok(list),
            Some(_) => Err(http::unreadable(ENDPOINT, "an entry of the list cannot be read")),
            None => Err(http::unreadable(ENDPOINT, "it is no list")),
        }
    }
}
