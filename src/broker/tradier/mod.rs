//! Tradier: REST reads, the market stream and the account stream, behind [`Broker`]; orders behind
//! [`OrderDesk`](super::OrderDesk), by a type of their own.
//!
//! Never: lets an account number or the token out of this module, decides anything.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::{Datelike, Months};
use reqwest::Method;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};

use super::answered::Body;
use super::fields::Many;
use super::link::Links;
use super::outbox::Outbox;
use super::send_once::{SendOnce, Sent};
use super::{Broker, BrokerError, StreamControl, StreamEvent, Subscriptions, Venue, unless_stopped};
use crate::domain::order::{BrokerOrderId, OrderReport};
use crate::domain::report::{AccountReport, AccountsReport, BrokerPosition, MarketSession};
use crate::domain::time::new_york_date;
use crate::domain::{Account, AccountId, Balances, Bar, Instrument, Symbol, Timestamp};
use crate::market::update::{MarketUpdate, OptionChain};

mod config;
mod desk;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod http;
mod ledger;
mod order_body;
mod parse;
mod records;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

pub use super::NoDesk;
pub use super::settings::Environment;
pub use config::{Keepalive, Polling, TradierConfig};
pub use desk::TradierDesk;

use config::Addresses;
use http::Http;
use stream::account::AccountStream;
use stream::market::MarketStream;
use stream::polls::Bars;

/// A page of quotes that is asked for by a form; a limit is not documented.
const SYMBOLS_PER_REQUEST: usize = 200;

/// One user at Tradier, by reading. It has no way to send an order: see [`TradierDesk`].
pub struct Tradier {
    config: TradierConfig,
    addresses: Addresses,
    http: Http,
    /// What only the adapter knows: the numbers behind the ids.
    numbers: RwLock<HashMap<AccountId, String>>,
}

impl Tradier {
    /// Refuses addresses that the token must not go to. Nothing is sent yet.
    pub fn new(config: TradierConfig, token: SecretString) -> Result<Self, BrokerError> {
        let addresses = config.checked()?;
        let http = Http::new(&config, &addresses, token)?;
        Ok(Self { config, addresses, http, numbers: RwLock::default() })
    }

    fn now(&self) -> Timestamp {
        self.http.transport.clock.now()
    }

    /// Every account of the user, open or not.
    async fn profile(&self) -> Result<Vec<wire::Account>, BrokerError> {
        const ENDPOINT: &str = "/user/profile";
        let entries: Many<wire::Account> =
            self.http.list(ENDPOINT, &["user", "profile"], &[], ("profile", "account")).await?;
        Ok(entries.warned(ENDPOINT))
    }

    /// The open accounts by number; remembers them.
    async fn open_accounts(&self) -> Result<Vec<(String, Account)>, BrokerError> {
        let entries = self.profile().await?;
        let open: Vec<(String, Account)> = entries
            .iter()
            .filter_map(|entry| parse::accounts::account(entry, &self.config.account_kinds))
            .collect();
        let numbers = open.iter().map(|(number, account)| (account.id, number.clone())).collect();
        *self.numbers.write().unwrap_or_else(PoisonError::into_inner) = numbers;
        Ok(open)
    }

    fn known_numbers(&self) -> HashMap<AccountId, String> {
        self.numbers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of one account, read where it is not known yet.
    async fn account_number(&self, account: AccountId) -> Result<String, BrokerError> {
        if let Some(number) = self.known_numbers().remove(&account) {
            return Ok(number);
        }
        self.open_accounts().await?;
        self.known_numbers()
            .remove(&account)
            .ok_or_else(|| BrokerError::NotFound { what: "an open account with this id".into() })
    }

    async fn report(&self, number: String, account: Account) -> Result<AccountReport, BrokerError> {
        let (balances, positions) = tokio::join!(self.balances(&number), self.positions(&number));
        let balances = unless_stopped(balances, "balances", &account)?.flatten();
        let positions = unless_stopped(positions, "positions", &account)?;
        let (positions, unread) = positions.map_or((None, 0), |(read, unread)| (Some(read), unread));
        Ok(AccountReport { account, balances, positions, unread })
    }

    async fn balances(&self, number: &str) -> Result<Option<Balances>, BrokerError> {
        let path = ["accounts", number, "balances"];
        let wire = self.http.one("/accounts/…/balances", &path, &[], "balances").await?;
        Ok(parse::accounts::balances(&wire, self.now()))
    }

    /// What could be read, and how many could not.
    async fn positions(&self, number: &str) -> Result<(Vec<BrokerPosition>, usize), BrokerError> {
        const ENDPOINT: &str = "/accounts/…/positions";
        let path = ["accounts", number, "positions"];
        let wire: Many<wire::Position> =
            self.http.list(ENDPOINT, &path, &[], ("positions", "position")).await?;
        let all = wire.good.len() + wire.bad;
        let mut positions = Vec::with_capacity(wire.good.len());
        for position in wire.warned(ENDPOINT) {
            match parse::accounts::position(&position) {
                Ok(position) => positions.push(position),
                Err(field) => tracing::warn!(field, "a position could not be read"),
            }
        }
        let unread = all - positions.len();
        Ok((positions, unread))
    }

    /// Rows of quotes by instrument, with the Greeks of options.
    async fn rows(&self, of: &[Instrument]) -> Result<Vec<(Instrument, wire::Quote)>, BrokerError> {
        const ENDPOINT: &str = "/markets/quotes";
        let mut found = Vec::with_capacity(of.len());
        for chunk in of.chunks(SYMBOLS_PER_REQUEST) {
            let asked: HashMap<String, &Instrument> =
                chunk.iter().map(|instrument| (parse::symbol(instrument), instrument)).collect();
            let symbols = asked.keys().cloned().collect::<Vec<_>>().join(",");
            let form = [("symbols", symbols), ("greeks", "true".to_owned())];
            let answer = self.http.ask(ENDPOINT, &["markets", "quotes"], &form).await?;
            let rows: Many<wire::Quote> = wire::list(answer, ("quotes", "quote")).ok_or_else(|| {
                BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "it carries no quotes".into() }
            })?;
            found.extend(rows.warned(ENDPOINT).into_iter().filter_map(|row| {
                asked.get(row.symbol.as_str()).map(|instrument| ((*instrument).clone(), row))
            }));
        }
        Ok(found)
    }

    fn told<'a>(
        &self,
        rows: &'a [(Instrument, wire::Quote)],
        received: Timestamp,
    ) -> impl Iterator<Item = MarketUpdate> + use<'a> {
        let within = self.config.traded_within;
        rows.iter().flat_map(move |(of, row)| parse::market::snapshot(of, row, received, within))
    }

    async fn bars(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<Bar>, BrokerError> {
        let query = [
            ("symbol", symbol.to_string()),
            ("interval", "daily".to_owned()),
            ("start", new_york_date(since).to_string()),
        ];
        let path = ["markets", "history"];
        let days = self.http.list("/markets/history", &path, &query, ("history", "day")).await?;
        Ok(parse::market::bars(days))
    }

    /// One month of the calendar.
    async fn calendar(&self, day: chrono::NaiveDate) -> Result<Vec<wire::CalendarDay>, BrokerError> {
        const ENDPOINT: &str = "/markets/calendar";
        let query = [("month", day.month().to_string()), ("year", day.year().to_string())];
        let answer = self.http.get(ENDPOINT, &["markets", "calendar"], &query).await?;
        let days = answer.get("calendar").cloned().and_then(|calendar| wire::list(calendar, ("days", "day")));
        let days: Option<Many<wire::CalendarDay>> = days;
        days.map(|days| days.warned(ENDPOINT)).ok_or_else(|| BrokerError::Unreadable {
            endpoint: ENDPOINT.into(),
            why: "it carries no days".into(),
        })
    }

    async fn order(&self, account: AccountId, order: &BrokerOrderId) -> Result<OrderReport, BrokerError> {
        const ENDPOINT: &str = "/accounts/…/orders/…";
        let number = self.account_number(account).await?;
        let path = ["accounts", number.as_str(), "orders", order.0.as_str()];
        let query = [("includeTags", "true".to_owned())];
        let wire: wire::Order = self.http.one(ENDPOINT, &path, &query, "order").await?;
        parse::orders::report(&wire, account).filter(|report| report.id == *order).ok_or_else(|| {
            BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "it is not that order".into() }
        })
    }
}

impl Venue for Tradier {
    fn environment(&self) -> Environment {
        self.addresses.environment
    }

    /// By a quote that is read: asking for a session could end the one that a cockpit streams by.
    async fn market_data(&self) -> Result<String, BrokerError> {
        let known: Vec<Instrument> = Symbol::new("SPY").map(Instrument::Equity).into_iter().collect();
        let rows = self.rows(&known).await?;
        if rows.is_empty() {
            return Err(BrokerError::NotFound { what: "a quote of SPY".into() });
        }
        Ok(if self.config.streams_quotes {
            format!(
                "quotes are answered, streamed from {}",
                self.addresses.market.host_str().unwrap_or_default()
            )
        } else {
            let every = self.config.polling.quotes.as_secs();
            format!("quotes are answered, delayed, and read every {every} s: nothing is streamed here")
        })
    }

    fn order_client(&self) -> Result<SendOnce, BrokerError> {
        SendOnce::new(&http::caller(&self.config))
    }

    async fn number(&self, account: AccountId) -> Result<String, BrokerError> {
        self.account_number(account).await
    }

    async fn send(&self, once: &SendOnce, method: Method, path: &[&str], body: Option<Body>) -> Sent {
        self.http.send(once, method, path, body).await
    }
}

impl Broker for Tradier {
    fn clock_skew_ms(&self) -> Option<i64> {
        self.http.transport.clock.skew_ms()
    }

    async fn accounts(&self) -> Result<AccountsReport, BrokerError> {
        // Of the first request: what happens while the others are read may be in it or not.
        let at = self.now();
        let mut accounts = Vec::new();
        for (number, account) in self.open_accounts().await? {
            accounts.push(self.report(number, account).await?);
        }
        Ok(AccountsReport { accounts, at })
    }

    /// Without the calendar the state is known all the same.
    async fn session(&self) -> Result<MarketSession, BrokerError> {
        let clock = self.http.one("/markets/clock", &["markets", "clock"], &[], "clock").await?;
        let now = self.now();
        let today = new_york_date(now);
        let mut days = Vec::new();
        // At the end of a month the next session is in the next one.
        let months = [Some(today), today.checked_add_months(Months::new(1)).filter(|_| today.day() > 20)];
        for month in months.into_iter().flatten() {
            match self.calendar(month).await {
                Ok(read) => days.extend(read),
                Err(error) => tracing::warn!(%error, "the calendar could not be read"),
            }
        }
        Ok(parse::market::session(&clock, &days, now))
    }

    /// With the Greeks of options.
    async fn quotes(&self, of: &[Instrument]) -> Result<Vec<MarketUpdate>, BrokerError> {
        let rows = self.rows(of).await?;
        let received = self.now();
        Ok(self.told(&rows, received).collect())
    }

    /// Neither volatility ranks nor dividends nor earnings are among the documented endpoints.
    async fn metrics(&self, _: &[Symbol]) -> Result<Vec<MarketUpdate>, BrokerError> {
        Err(BrokerError::NotOffered { what: "market metrics", broker: "Tradier" })
    }

    async fn chain(&self, of: &Symbol) -> Result<OptionChain, BrokerError> {
        const ENDPOINT: &str = "/markets/options/lookup";
        let path = ["markets", "options", "lookup"];
        let mut answer = self.http.get(ENDPOINT, &path, &[("underlying", of.to_string())]).await?;
        let roots = wire::many(answer.get_mut("symbols").map(serde_json::Value::take).unwrap_or_default());
        let parsed = parse::market::chain(of, roots);
        if parsed.unreadable > 0 {
            tracing::warn!(chain = of.as_str(), unreadable = parsed.unreadable, "parts of a chain");
        }
        if parsed.chain.expirations.is_empty() {
            return Err(BrokerError::NotFound { what: format!("options on {of}") });
        }
        Ok(parsed.chain)
    }

    async fn stream(
        &self,
        subscriptions: watch::Receiver<Subscriptions>,
        control: mpsc::Receiver<StreamControl>,
        out: mpsc::Sender<StreamEvent>,
    ) {
        let (outbox, bars) = (Outbox::default(), Bars::default());
        let market = MarketStream {
            adapter: self,
            outbox: &outbox,
            subscriptions: subscriptions.clone(),
            bars: &bars,
        };
        let account = AccountStream { adapter: self, outbox: &outbox };
        let reconnect = self.config.reconnect;
        let links = Links { outbox: &outbox, reconnect, subscriptions, control, out };
        let permit = || {
            self.http.allow_one_more();
            std::future::ready(())
        };
        links.run(market, account, permit).await;
    }
}
