//! The account stream: which order changed. What became of it is read by its number, for the events name neither
//! contracts nor the tag.
//!
//! Never: takes an event for the truth; after each connect the accounts are to be read anew.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Streams, lines, refused, session};
use crate::broker::Subscriptions;
use crate::broker::fields::Text;
use crate::broker::link::{Attempt, Ended, Standing};
use crate::broker::outbox::Outbox;
use crate::broker::socket::{Incoming, Socket};
use crate::broker::tradier::Tradier;
use crate::broker::tradier::wire::AccountEvent;
use crate::broker::values::order_number;
use crate::broker::vitals::Vitals;
use crate::domain::AccountId;
use crate::domain::order::BrokerOrderId;
use crate::domain::report::AccountNotice;
use crate::domain::text::clean;
use crate::market::update::Link;

/// Orders that may wait to be read; more of them mean "read it all again".
const MOST_WAITING: usize = 64;

pub struct AccountStream<'a> {
    pub adapter: &'a Tradier,
    pub outbox: &'a Outbox,
}

pub struct Connection {
    socket: Socket,
    numbers: HashMap<String, AccountId>,
}

type Wish = (AccountId, BrokerOrderId);

impl Attempt for AccountStream<'_> {
    const LINK: Link = Link::AccountStream;
    type Connection = Connection;

    fn wanted(_: &Subscriptions) -> bool {
        true
    }

    async fn connect(&mut self) -> Result<Connection, Ended> {
        let config = &self.adapter.config;
        if self.adapter.known_numbers().is_empty() {
            self.adapter.open_accounts().await?;
        }
        let numbers: HashMap<String, AccountId> =
            self.adapter.known_numbers().into_iter().map(|(id, number)| (number, id)).collect();
        if numbers.is_empty() {
            return Err(Ended::Lost("no open account".into()));
        }
        let session = session(self.adapter, Streams::Account).await?;
        let (url, deadline) = (&self.adapter.addresses.account, config.timeouts.handshake);
        let mut socket = Socket::connect(url, &config.user_agent, deadline).await.map_err(Ended::Lost)?;
        let frame = json!({"events": ["order"], "sessionid": session, "excludeAccounts": []});
        socket.send(frame.to_string()).await.map_err(Ended::Lost)?;
        Ok(Connection { socket, numbers })
    }

    async fn stay(&mut self, connection: Connection, standing: &Standing<'_>) -> Ended {
        self.outbox.alive(Link::AccountStream);
        // Nothing is replayed: what happened meanwhile is only in REST.
        self.outbox.notice(AccountNotice::Other { account: None, kind: "connected".into() });
        let (wishes, wished) = mpsc::channel(MOST_WAITING);
        tokio::select! {
            ended = self.listen(connection, standing, &wishes) => ended,
            ended = self.look(wished) => ended,
        }
    }
}

impl AccountStream<'_> {
    async fn listen(
        &self,
        connection: Connection,
        standing: &Standing<'_>,
        wishes: &mpsc::Sender<Wish>,
    ) -> Ended {
        let Connection { mut socket, numbers } = connection;
        let keepalive = self.adapter.config.keepalive;
        let mut vitals = Vitals::new(keepalive.account_probe);
        let mut last_in = Instant::now();
        loop {
            tokio::select! {
                incoming = socket.next() => match incoming {
                    Incoming::Text(text) => {
                        vitals.heard(standing);
                        last_in = Instant::now();
                        self.outbox.alive(Link::AccountStream);
                        if let Err(ended) = self.take(&text, &numbers, wishes) {
                            return ended;
                        }
                    }
                    Incoming::Nothing => vitals.heard(standing),
                    Incoming::Closed(why) => return Ended::Lost(why),
                },
                () = vitals.due() => {
                    if let Err(why) = vitals.turn(&mut socket, standing).await {
                        return Ended::Lost(why);
                    }
                }
                () = sleep_until(last_in + keepalive.account_silence) => {
                    let seconds = keepalive.account_silence.as_secs_f64();
                    return Ended::Lost(format!("silent for {seconds} s"));
                }
            }
        }
    }

    fn take(
        &self,
        text: &str,
        numbers: &HashMap<String, AccountId>,
        wishes: &mpsc::Sender<Wish>,
    ) -> Result<(), Ended> {
        for line in lines(text) {
            let message = line.unwrap_or(Value::Null);
            if refused(&message)? {
                continue;
            }
            let Ok(event) = serde_json::from_value::<AccountEvent>(message) else {
                tracing::warn!("an account message was not read");
                self.outbox.notice(AccountNotice::Other { account: None, kind: "unreadable".into() });
                continue;
            };
            if event.event.as_str() == "heartbeat" {
                continue;
            }
            let account = numbers.get(event.account.as_str()).copied();
            let kind = clean(event.event.as_str(), 40);
            let wish = account.zip(changed(&event));
            let kept = wish.is_some_and(|wish| wishes.try_send(wish).is_ok());
            if !kept {
                self.outbox.notice(AccountNotice::Other { account, kind });
            }
        }
        Ok(())
    }

    /// One order after the other, at the pace of all reads.
    async fn look(&self, mut wished: mpsc::Receiver<Wish>) -> Ended {
        while let Some((account, id)) = wished.recv().await {
            let notice = match self.adapter.order(account, &id).await {
                Ok(report) => AccountNotice::Order { report: Box::new(report) },
                Err(error) => {
                    tracing::warn!(order = %id, %error, "a changed order could not be read");
                    AccountNotice::Other { account: Some(account), kind: "order".into() }
                }
            };
            self.outbox.notice(notice);
        }
        // The listener holds the other end for as long as it lives.
        std::future::pending().await
    }
}

/// The order that an event is about: of a leg it is the one that the leg belongs to.
fn changed(event: &AccountEvent) -> Option<BrokerOrderId> {
    let of_order = |id: &Text| order_number(id);
    of_order(&event.parent_id).or_else(|| of_order(&event.id)).filter(|_| event.event.as_str() == "order")
}
