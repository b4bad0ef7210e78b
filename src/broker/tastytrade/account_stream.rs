//! The account stream: connect, acknowledgement, heartbeats with the present token, notices.
//!
//! Never: takes a notice for the truth; after each connect the accounts are to be read anew.

use std::collections::HashMap;
use std::time::Duration;

use rust_decimal::prelude::ToPrimitive;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::auth::Bearer;
use super::parse::orders::Symbols;
use super::parse::{accounts, orders};
use super::wire::account::{Balance, Position, StreamMessage};
use super::wire::order::{ComplexOrder, Order};
use super::{Directory, Tastytrade};
use crate::broker::Subscriptions;
use crate::broker::link::{Attempt, Ended, Standing};
use crate::broker::outbox::Outbox;
use crate::broker::scrub::scrubbed;
use crate::broker::socket::{Incoming, Socket};
use crate::broker::vitals::Vitals;
use crate::domain::order::OrderReport;
use crate::domain::report::AccountNotice;
use crate::domain::text::clean;
use crate::domain::{AccountId, Timestamp};
use crate::market::update::Link;

/// Notices in one batch; more of them mean "read it all again".
const MOST_RESULTS: usize = 1_000;

pub(super) struct AccountStream<'a> {
    pub adapter: &'a Tastytrade,
    pub outbox: &'a Outbox,
}

/// An acknowledged connection, and the accounts it was asked for.
pub(super) struct Connection {
    socket: Socket,
    numbers: HashMap<String, AccountId>,
}

impl Attempt for AccountStream<'_> {
    const LINK: Link = Link::AccountStream;
    type Connection = Connection;

    fn wanted(_: &Subscriptions) -> bool {
        true
    }

    async fn connect(&mut self) -> Result<Connection, Ended> {
        let config = &self.adapter.config;
        let numbers = self.adapter.account_numbers().await?;
        if numbers.is_empty() {
            return Err(Ended::Lost("no open account".into()));
        }
        let deadline = config.timeouts.handshake;
        let url = &self.adapter.addresses.account_stream;
        let mut socket = Socket::connect(url, &config.user_agent, deadline).await.map_err(Ended::Lost)?;
        let value: Vec<&str> = numbers.keys().map(String::as_str).collect();
        let (frame, bearer) = self.frame("connect", 1, Some(json!(value))).await?;
        socket.send(frame).await.map_err(Ended::Lost)?;
        // A heartbeat before the acknowledgement is an error: wait for it.
        match timeout(deadline, acknowledged(&mut socket)).await {
            Ok(Err(refused @ Ended::Refused(_))) => {
                // Nothing but this stream would find out: the next attempt takes a new token.
                self.adapter.http.auth.discard(&bearer).await;
                return Err(refused);
            }
            Ok(result) => result?,
            Err(_) => {
                return Err(Ended::Lost(format!("no acknowledgement within {} s", deadline.as_secs_f64())));
            }
        }
        Ok(Connection { socket, numbers })
    }

    async fn stay(&mut self, connection: Connection, standing: &Standing<'_>) -> Ended {
        let Connection { mut socket, numbers } = connection;
        let mut count = Count::default();
        self.outbox.alive(Link::AccountStream);
        // Nothing is replayed: what happened meanwhile is only in REST.
        self.outbox.notice(AccountNotice::Other { account: None, kind: "connected".into() });
        let keepalive = self.adapter.config.keepalive;
        let every = keepalive.account_every.max(Duration::from_millis(1));
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_in = Instant::now();
        let mut vitals = Vitals::new(keepalive.account_probe);
        let mut request = 1;
        loop {
            tokio::select! {
                incoming = socket.next() => match incoming {
                    Incoming::Text(text) => {
                        vitals.heard(standing);
                        last_in = Instant::now();
                        self.outbox.alive(Link::AccountStream);
                        if let Err(ended) = self.take(&text, &numbers, &mut count) {
                            return ended;
                        }
                    }
                    Incoming::Nothing => vitals.heard(standing),
                    Incoming::Closed(why) => return Ended::Lost(why),
                },
                _ = heartbeat.tick() => {
                    request += 1;
                    let frame = match self.frame("heartbeat", request, None).await {
                        Ok((frame, _)) => frame,
                        Err(ended) => return ended,
                    };
                    if let Err(why) = socket.send(frame).await {
                        return Ended::Lost(why);
                    }
                }
                () = vitals.due() => {
                    if let Err(why) = vitals.turn(&mut socket, standing).await {
                        return Ended::Lost(why);
                    }
                }
                () = sleep_until(last_in + keepalive.account_silence) => {
                    return Ended::Lost(format!("silent for {} s", keepalive.account_silence.as_secs_f64()));
                }
            }
        }
    }
}

impl AccountStream<'_> {
    /// A message with the token that is valid now, and that token.
    async fn frame(
        &self,
        action: &str,
        request: u64,
        value: Option<Value>,
    ) -> Result<(String, Bearer), Ended> {
        let http = &self.adapter.http;
        let bearer = http.auth.bearer(&http.transport).await?;
        let mut frame = json!({"action": action, "auth-token": bearer.header().expose_secret(),
            "request-id": request, "source": self.adapter.config.user_agent});
        if let Some(value) = value {
            frame["value"] = value;
        }
        Ok((frame.to_string(), bearer))
    }

    fn take(&self, text: &str, numbers: &HashMap<String, AccountId>, count: &mut Count) -> Result<(), Ended> {
        let Ok(message) = serde_json::from_str::<StreamMessage>(text) else {
            tracing::warn!("an account message was not read");
            self.outbox.notice(AccountNotice::Other { account: None, kind: "unreadable".into() });
            return Ok(());
        };
        if message.status.as_str() == "error" {
            let why = scrubbed(message.message.as_str());
            return Err(Ended::Lost(format!("{} refused: {why}", scrubbed(message.action.as_str()))));
        }
        if message.results.good.len() > MOST_RESULTS {
            self.outbox.notice(AccountNotice::Other { account: None, kind: "overflow".into() });
            return Ok(());
        }
        let now = self.adapter.now();
        let batch = message.results.good.into_iter().filter_map(|one| serde_json::from_value(one).ok());
        let single = StreamMessage {
            kind: message.kind,
            data: message.data,
            ws_sequence: message.ws_sequence,
            ..StreamMessage::default()
        };
        let directory = &self.adapter.directory;
        for one in batch.chain(std::iter::once(single)) {
            if count.misses(one.ws_sequence.0.and_then(|number| number.to_u64())) {
                tracing::debug!("the account stream skipped a message");
                self.outbox.notice(AccountNotice::Other { account: None, kind: "gap".into() });
            }
            if !one.kind.as_str().is_empty() {
                notices(one, numbers, directory, now).into_iter().for_each(|one| self.outbox.notice(one));
            }
        }
        Ok(())
    }
}

async fn acknowledged(socket: &mut Socket) -> Result<(), Ended> {
    loop {
        let text = match socket.next().await {
            Incoming::Text(text) => text,
            Incoming::Nothing => continue,
            Incoming::Closed(why) => return Err(Ended::Lost(why)),
        };
        let Ok(message) = serde_json::from_str::<StreamMessage>(&text) else { continue };
        match message.status.as_str() {
            "ok" if message.action.as_str() == "connect" => return Ok(()),
            "error" => {
                let why = scrubbed(message.message.as_str());
                let lower = why.to_ascii_lowercase();
                let refused = ["auth", "token", "permitted", "credential"].iter().any(|w| lower.contains(w));
                let why = format!("connect refused: {why}");
                return Err(if refused { Ended::Refused(why) } else { Ended::Lost(why) });
            }
            _ => {}
        }
    }
}

/// The numbers that messages of one connection carry. They are not documented: where they turn out not to
/// count one by one, a jump says nothing.
#[derive(Default)]
struct Count {
    last: Option<u64>,
    in_a_row: bool,
    jumps: u32,
}

impl Count {
    /// Jumps that are taken for losses before two numbers have ever followed each other.
    const JUMPS_BELIEVED: u32 = 3;

    /// Whether a message before this one was lost. A number that was there before says nothing.
    fn misses(&mut self, number: Option<u64>) -> bool {
        let Some(number) = number else { return false };
        let last = self.last.unwrap_or(number);
        self.last = Some(number.max(last));
        if number == last.saturating_add(1) {
            self.in_a_row = true;
        }
        if number <= last.saturating_add(1) {
            return false;
        }
        self.jumps = self.jumps.saturating_add(1);
        self.in_a_row || self.jumps <= Self::JUMPS_BELIEVED
    }
}

/// What a notification says; a set of orders says each of them. What we cannot read in full still says that
/// the account changed.
pub(super) fn notices(
    message: StreamMessage,
    numbers: &HashMap<String, AccountId>,
    directory: &Directory,
    now: Timestamp,
) -> Vec<AccountNotice> {
    let number = message.data.get("account-number").and_then(Value::as_str).unwrap_or("");
    let account = numbers.get(number).copied();
    let kind = clean(message.kind.as_str(), 40);
    let known = |named: &Symbols<'_>| directory.instrument(named);
    let order = |report: OrderReport| AccountNotice::Order { report: Box::new(report) };
    let read = account.and_then(|account| match kind.as_str() {
        "CurrentPosition" => {
            let wire: Position = serde_json::from_value(message.data).ok()?;
            let position = accounts::position(&wire).ok()?;
            Some(vec![AccountNotice::Position { account, position }])
        }
        "AccountBalance" => {
            let wire: Balance = serde_json::from_value(message.data).ok()?;
            let balances = accounts::balances(&wire, now)?;
            Some(vec![AccountNotice::Balances { account, balances }])
        }
        "Order" => {
            let wire: Order = serde_json::from_value(message.data).ok()?;
            Some(vec![order(orders::report(&wire, account, known)?)])
        }
        "ComplexOrder" => {
            let wire: ComplexOrder = serde_json::from_value(message.data).ok()?;
            let set = orders::complex(&wire, account, known)?;
            Some(set.orders.into_iter().map(order).collect()).filter(|all: &Vec<_>| !all.is_empty())
        }
        _ => None,
    });
    read.unwrap_or_else(|| vec![AccountNotice::Other { account, kind }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_all(json: &str) -> Vec<AccountNotice> {
        let id = AccountId::from_number("tastytrade", "5WX00042");
        let numbers = HashMap::from([("5WX00042".to_owned(), id)]);
        let now = chrono::DateTime::from_timestamp_millis(0).expect("an instant");
        notices(serde_json::from_str(json).expect("a message"), &numbers, &Directory::default(), now)
    }

    fn told(json: &str) -> AccountNotice {
        let mut all = told_all(json);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn an_order_comes_in_full_and_a_set_as_each_of_its_orders() {
        let order = told(
            r#"{"type":"Order","data":{"account-number":"5WX00042","id":1,"status":"Live","price":"1.5",
               "price-effect":"Debit","legs":[{"symbol":"SPY","instrument-type":"Equity","quantity":2,
               "remaining-quantity":"1","action":"Buy to Open","fills":[{"fill-id":"7","quantity":1,
               "fill-price":"1.49"}]}]}}"#,
        );
        let AccountNotice::Order { report } = order else { panic!("{order:?}") };
        assert_eq!((report.id.0.as_str(), report.has_fills(), report.is_filled()), ("1", true, false));
        let set = told_all(
            r#"{"type":"ComplexOrder","data":{"account-number":"5WX00042","id":9,"type":"OTOCO",
               "trigger-order":{"id":1,"status":"Live"},"orders":[{"id":2,"status":"Contingent"},{"id":3}]}}"#,
        );
        let ids: Vec<_> = set
            .iter()
            .map(|one| match one {
                AccountNotice::Order { report } => (report.id.0.clone(), report.complex.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        let nine = Some(crate::domain::order::BrokerOrderId("9".into()));
        let expected: Vec<_> = ["1", "2", "3"].map(|id| (id.to_owned(), nine.clone())).to_vec();
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_gap_in_the_count_is_noticed_and_numbers_that_do_not_count_are_not_believed_for_long() {
        let gaps = |numbers: &[u64]| {
            let mut count = Count::default();
            numbers.iter().filter(|number| count.misses(Some(**number))).count()
        };
        assert_eq!(gaps(&[41, 42, 43, 43, 42, 44, 46, 47, 50]), 2);
        assert_eq!(gaps(&[1, 10, 20, 30, 40, 50, 60]), 3);
        assert!(!Count::default().misses(None));
    }

    #[test]
    fn positions_and_balances_are_read_and_everything_else_is_a_hint() {
        let position = told(
            r#"{"type":"CurrentPosition","data":{"account-number":"5WX00042","symbol":"AAPL",
               "instrument-type":"Equity","quantity":0,"quantity-direction":"Zero"},"ws-sequence":42}"#,
        );
        let AccountNotice::Position { position, .. } = position else { panic!("{position:?}") };
        assert!(position.quantity.is_zero());
        let balances = told(
            r#"{"type":"AccountBalance","data":{"account-number":"5WX00042","cash-balance":"10000.0"}}"#,
        );
        assert!(matches!(balances, AccountNotice::Balances { .. }));
        let order = told(r#"{"type":"Order","data":{"account-number":"5WX00042","status":"Live"}}"#);
        let id = Some(AccountId::from_number("tastytrade", "5WX00042"));
        assert_eq!(order, AccountNotice::Other { account: id, kind: "Order".into() });
        let unread = told(r#"{"type":"CurrentPosition","data":{"account-number":"5WX00042","symbol":7}}"#);
        assert_eq!(unread, AccountNotice::Other { account: id, kind: "CurrentPosition".into() });
        let stranger = told(r#"{"type":"Order","data":{"account-number":"9ZZ99999"}}"#);
        assert_eq!(stranger, AccountNotice::Other { account: None, kind: "Order".into() });
    }
}
