//! tastytrade: REST reads, the DXLink market stream and the account stream, behind [`Broker`]; orders behind
//! [`OrderDesk`](super::OrderDesk), by a type of their own.
//!
//! Never: lets an account number or a secret out of this module, decides anything.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use reqwest::Method;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use url::Url;

use super::answered::Body;
use super::link::Links;
use super::outbox::Outbox;
use super::send_once::{SendOnce, Sent};
use super::{Broker, BrokerError, StreamControl, StreamEvent, Subscriptions, Venue, unless_stopped};
use crate::domain::report::{AccountReport, AccountsReport, BrokerPosition, MarketSession};
use crate::domain::{Account, AccountId, Instrument, Symbol, Timestamp};
use crate::market::update::{MarketUpdate, OptionChain};

mod account_stream;
mod auth;
mod catalogue;
mod config;
mod desk;
mod dxlink;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod hostile_tests;
mod http;
mod ledger;
mod order_body;
mod parse;
mod records;
pub mod wire;

pub use super::NoDesk;
pub use auth::Credentials;
pub use config::{Environment, Keepalive, Probe, Reconnect, TastytradeConfig, Timeouts};
pub use desk::TastytradeDesk;

use account_stream::AccountStream;
use config::Addresses;
use dxlink::client::MarketStream;
use http::Http;
use parse::contract::{self, Skipped};
use parse::orders::Symbols;
use wire::{Items, account, instrument, market};

/// Limit of the snapshot-quote endpoint, kept for the metrics, too.
const SYMBOLS_PER_REQUEST: usize = 100;

/// One user at tastytrade, by reading. It has no way to send an order: see [`TastytradeDesk`].
pub struct Tastytrade {
    config: TastytradeConfig,
    addresses: Addresses,
    http: Http,
    directory: Directory,
}

/// What only the adapter knows: the numbers behind the ids, and stream names that do not follow the rule.
#[derive(Default)]
struct Directory {
    numbers: RwLock<HashMap<AccountId, String>>,
    streamer_names: RwLock<HashMap<Instrument, String>>,
    /// Contracts by OCC symbol that the symbol alone would give wrong.
    unusual: RwLock<HashMap<String, Instrument>>,
}

impl Directory {
    fn learn_unusual(&self, contracts: impl IntoIterator<Item = Instrument>) {
        let mut contracts = contracts.into_iter().peekable();
        if contracts.peek().is_some() {
            let mut known = self.unusual.write().unwrap_or_else(PoisonError::into_inner);
            known.extend(contracts.map(|contract| (contract.broker_symbol(), contract)));
        }
    }

    /// The instrument of an order's leg.
    fn instrument(&self, named: &Symbols<'_>) -> Option<Instrument> {
        let derived =
            contract::instrument(named.kind, named.symbol, named.underlying, &Default::default()).ok()?;
        let known = self.unusual.read().unwrap_or_else(PoisonError::into_inner);
        Some(known.get(&derived.broker_symbol()).cloned().unwrap_or(derived))
    }
}

impl Tastytrade {
    /// Refuses addresses that credentials must not go to. Nothing is sent yet.
    pub fn new(config: TastytradeConfig, credentials: Credentials) -> Result<Self, BrokerError> {
        let addresses = config.checked()?;
        let transport = http::transport(&config, &addresses)?;
        let http = Http::new(transport, auth::Auth::new(credentials));
        Ok(Self { config, addresses, http, directory: Directory::default() })
    }

    fn now(&self) -> Timestamp {
        self.http.transport.clock.now()
    }

    /// The open accounts by number; remembers them for the account stream.
    async fn open_accounts(&self) -> Result<Vec<(String, Account)>, BrokerError> {
        const ENDPOINT: &str = "/customers/me/accounts";
        let entries: Items<account::AccountEntry> =
            self.http.get(ENDPOINT, &["customers", "me", "accounts"], &[]).await?;
        let entries = entries.items.warned(ENDPOINT);
        let garbled = |entry: &&account::AccountEntry| {
            let number = entry.account.account_number.as_str();
            !number.is_empty() && !parse::accounts::is_number(number)
        };
        if entries.iter().any(|entry| garbled(&entry)) {
            let why = "an account number is none".into();
            return Err(BrokerError::Unreadable { endpoint: ENDPOINT.into(), why });
        }
        let open: Vec<(String, Account)> = entries
            .iter()
            .filter_map(|entry| parse::accounts::account(entry, &self.config.account_kinds))
            .collect();
        let numbers = open.iter().map(|(number, account)| (account.id, number.clone())).collect();
        *self.directory.numbers.write().unwrap_or_else(PoisonError::into_inner) = numbers;
        Ok(open)
    }

    /// The numbers the account stream is asked for, with the ids that notices carry.
    async fn account_numbers(&self) -> Result<HashMap<String, AccountId>, BrokerError> {
        let known: HashMap<String, AccountId> = {
            let numbers = self.directory.numbers.read().unwrap_or_else(PoisonError::into_inner);
            numbers.iter().map(|(id, number)| (number.clone(), *id)).collect()
        };
        if !known.is_empty() {
            return Ok(known);
        }
        let open = self.open_accounts().await?;
        Ok(open.into_iter().map(|(number, account)| (number, account.id)).collect())
    }

    /// The number of one account, read where it is not known yet.
    async fn account_number(&self, account: AccountId) -> Result<String, BrokerError> {
        let known = {
            let numbers = self.directory.numbers.read().unwrap_or_else(PoisonError::into_inner);
            numbers.get(&account).cloned()
        };
        if let Some(number) = known {
            return Ok(number);
        }
        let open = self.open_accounts().await?;
        open.into_iter()
            .find_map(|(number, found)| (found.id == account).then_some(number))
            .ok_or_else(|| BrokerError::NotFound { what: "an open account with this id".into() })
    }

    /// A fresh quote token and the checked address it belongs to.
    async fn quote_token(&self) -> Result<(SecretString, Url), BrokerError> {
        const ENDPOINT: &str = "/api-quote-tokens";
        let wire: market::QuoteToken = self.http.get(ENDPOINT, &["api-quote-tokens"], &[]).await?;
        let address = self.config.dxlink_url.as_deref().unwrap_or(wire.dxlink_url.as_str());
        let url = self.addresses.market_stream(address)?;
        let token = wire
            .token
            .0
            .ok_or_else(|| BrokerError::Unreadable { endpoint: ENDPOINT.into(), why: "no token".into() })?;
        Ok((token, url))
    }

    fn streamer_name(&self, instrument: &Instrument) -> String {
        let names = self.directory.streamer_names.read().unwrap_or_else(PoisonError::into_inner);
        names.get(instrument).cloned().unwrap_or_else(|| instrument.streamer_symbol())
    }

    async fn report(&self, number: String, account: Account) -> Result<AccountReport, BrokerError> {
        let (balances, positions) = tokio::join!(self.balances(&number), self.positions(&number));
        let balances = unless_stopped(balances, "balances", &account)?.flatten();
        let positions = unless_stopped(positions, "positions", &account)?;
        let (positions, unread) = positions.map_or((None, 0), |(read, unread)| (Some(read), unread));
        Ok(AccountReport { account, balances, positions, unread })
    }

    async fn balances(&self, number: &str) -> Result<Option<crate::domain::Balances>, BrokerError> {
        let path = ["accounts", number, "balances", "USD"];
        let wire: account::Balance = self.http.get("/accounts/…/balances/USD", &path, &[]).await?;
        Ok(parse::accounts::balances(&wire, self.now()))
    }

    /// What could be read, and how many could not.
    async fn positions(&self, number: &str) -> Result<(Vec<BrokerPosition>, usize), BrokerError> {
        const ENDPOINT: &str = "/accounts/…/positions";
        let wire: Items<account::Position> =
            self.http.get(ENDPOINT, &["accounts", number, "positions"], &[]).await?;
        let mut positions = Vec::with_capacity(wire.items.good.len());
        let all = wire.items.good.len() + wire.items.bad;
        for position in wire.items.warned(ENDPOINT) {
            match parse::accounts::position(&position) {
                Ok(position) => positions.push(position),
                Err(Skipped::Kind(kind)) => {
                    tracing::warn!(kind, "a position of a kind that is not modelled");
                }
                Err(Skipped::Unreadable(field)) => tracing::warn!(field, "a position could not be read"),
            }
        }
        let unread = all - positions.len();
        let held = positions.iter().map(|position| &position.instrument);
        let unusual = held.filter(|one| one.option().is_some_and(|o| !contract::is_usual(o)));
        self.directory.learn_unusual(unusual.cloned());
        Ok((positions, unread))
    }
}

/// The query key of an instrument on the snapshot-quote endpoint.
fn query_key(instrument: &Instrument) -> &'static str {
    match instrument {
        Instrument::Equity(_) => "equity",
        Instrument::Index(_) => "index",
        Instrument::Option(_) => "equity-option",
    }
}

impl Venue for Tastytrade {
    fn environment(&self) -> Environment {
        self.addresses.environment
    }

    /// A fresh quote token says which host it belongs to.
    async fn market_data(&self) -> Result<String, BrokerError> {
        let (_, url) = self.quote_token().await?;
        Ok(format!("granted, streamed from {}", url.host_str().unwrap_or_default()))
    }

    fn order_client(&self) -> Result<SendOnce, BrokerError> {
        SendOnce::new(&http::caller(&self.config)?)
    }

    async fn number(&self, account: AccountId) -> Result<String, BrokerError> {
        self.account_number(account).await
    }

    async fn send(&self, once: &SendOnce, method: Method, path: &[&str], body: Option<Body>) -> Sent {
        self.http.send(once, method, path, body).await
    }
}

impl Broker for Tastytrade {
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

    async fn session(&self) -> Result<MarketSession, BrokerError> {
        let path = ["market-time", "equities", "sessions", "current"];
        let wire: market::Session =
            self.http.get("/market-time/equities/sessions/current", &path, &[]).await?;
        Ok(parse::market::session(&wire, self.now()))
    }

    async fn quotes(&self, of: &[Instrument]) -> Result<Vec<MarketUpdate>, BrokerError> {
        const ENDPOINT: &str = "/market-data/by-type";
        let mut updates = Vec::with_capacity(of.len() * 3);
        for chunk in of.chunks(SYMBOLS_PER_REQUEST) {
            let mut wanted: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
            let mut asked: HashMap<String, Vec<&Instrument>> = HashMap::new();
            for instrument in chunk {
                let symbol = instrument.broker_symbol();
                wanted.entry(query_key(instrument)).or_default().push(symbol.clone());
                asked.entry(symbol).or_default().push(instrument);
            }
            let query: Vec<(&str, String)> =
                wanted.into_iter().map(|(key, symbols)| (key, symbols.join(","))).collect();
            let rows: Items<market::MarketData> =
                self.http.get(ENDPOINT, &["market-data", "by-type"], &query).await?;
            let received = self.now();
            for row in rows.items.warned(ENDPOINT) {
                for instrument in asked.get(row.symbol.as_str()).into_iter().flatten() {
                    updates.extend(parse::market::snapshot(instrument, &row, received));
                }
            }
        }
        Ok(updates)
    }

    async fn metrics(&self, of: &[Symbol]) -> Result<Vec<MarketUpdate>, BrokerError> {
        const ENDPOINT: &str = "/market-metrics";
        let mut updates = Vec::with_capacity(of.len());
        for chunk in of.chunks(SYMBOLS_PER_REQUEST) {
            let symbols = chunk.iter().map(Symbol::as_str).collect::<Vec<_>>().join(",");
            let rows: Items<market::Metrics> =
                self.http.get(ENDPOINT, &["market-metrics"], &[("symbols", symbols)]).await?;
            let now = self.now();
            let read = rows.items.warned(ENDPOINT);
            updates.extend(
                read.iter().filter_map(|row| parse::market::metrics(row, now)).map(MarketUpdate::Metrics),
            );
        }
        Ok(updates)
    }

    async fn chain(&self, of: &Symbol) -> Result<OptionChain, BrokerError> {
        const ENDPOINT: &str = "/option-chains/…/nested";
        let roots: Items<instrument::NestedChain> =
            self.http.get(ENDPOINT, &["option-chains", of.as_str(), "nested"], &[]).await?;
        let parsed = parse::chain::chain(of, roots.items);
        if parsed.unreadable > 0 {
            tracing::warn!(chain = of.as_str(), unreadable = parsed.unreadable, "parts of a chain");
        }
        if !parsed.streamer_names.is_empty() {
            let mut names = self.directory.streamer_names.write().unwrap_or_else(PoisonError::into_inner);
            names.extend(parsed.streamer_names);
        }
        self.directory.learn_unusual(parsed.unusual);
        Ok(parsed.chain)
    }

    async fn stream(
        &self,
        subscriptions: watch::Receiver<Subscriptions>,
        control: mpsc::Receiver<StreamControl>,
        out: mpsc::Sender<StreamEvent>,
    ) {
        let outbox = Outbox::default();
        let market = MarketStream { adapter: self, outbox: &outbox, subscriptions: subscriptions.clone() };
        let account = AccountStream { adapter: self, outbox: &outbox };
        let reconnect = self.config.reconnect;
        let links = Links { outbox: &outbox, reconnect, subscriptions, control, out };
        links.run(market, account, || self.http.auth.allow_one_more()).await;
    }
}
