//! Both traits against a small simulated Tradier.

mod orders;
mod reads;
#[path = "../../../../tests/it/tradier/server.rs"]
mod server;
mod streams;

use std::sync::Arc;

use server::{Fault, NUMBER, Server, TOKEN};

use super::{Tradier, TradierConfig};
use crate::broker::BrokerError;
use crate::domain::AccountId;

/// The error of a token that is wrong, and of everything that a status says.
fn adapter(server: &Server) -> Arc<Tradier> {
    with(server, |_| {})
}

fn with(server: &Server, change: impl FnOnce(&mut TradierConfig)) -> Arc<Tradier> {
    let mut config = TradierConfig::loopback(&server.base, &server.sockets);
    config.timeouts.order = std::time::Duration::from_millis(500);
    change(&mut config);
    Arc::new(Tradier::new(config, TOKEN.into()).expect("a loopback address"))
}

fn account() -> AccountId {
    AccountId::from_number("tradier", NUMBER)
}

fn told(error: &BrokerError) -> String {
    let words = error.to_string();
    assert!(!words.contains(TOKEN) && !words.contains(NUMBER) && !words.contains('<'), "{words}");
    assert!(!error.remedy().is_empty());
    words
}
