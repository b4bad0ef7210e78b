//! Identity. Every id is a UUID in a type of its own; generation is injected, so that the centre
//! never invents one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where new ids come from: time-ordered in the program, counted in tests.
pub trait IdSource: Send + Sync {
    fn next(&mut self) -> Uuid;
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            pub fn new(ids: &mut dyn IdSource) -> Self {
                Self(ids.next())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

id! {
    TradeId,
    PortfolioId,
    AccountId,
    EventId,
    /// One run of the program.
    SessionId,
    /// Ties the events that came from one wish of the trader.
    CorrelationId,
    /// One intended order. It travels to the broker as our identifier of the order and is never used twice.
    OrderRef,
}

impl PortfolioId {
    /// Portfolios are configured by key; the same key is the same portfolio in every store.
    pub fn from_key(key: &str) -> Self {
        Self(derived("portfolio", key))
    }
}

impl AccountId {
    /// The account behind a broker's number, without keeping the number.
    pub fn from_number(broker: &str, number: &str) -> Self {
        Self(derived(broker, number))
    }

    /// The account on paper of a hypothetical portfolio, which lives in none of the broker's.
    pub fn of_hypothetical(portfolio: &str) -> Self {
        Self(derived("hypothetical", portfolio)).on_paper()
    }

    /// The account on paper beside this one. No broker has a number for it: what is ordered in it can reach
    /// none.
    #[must_use]
    pub fn on_paper(self) -> Self {
        self.marked(PAPER_MARK)
    }

    pub fn is_paper(self) -> bool {
        self.0.as_bytes()[6] >> 4 == PAPER_MARK
    }

    /// The account of the broker's that this one is, or stands beside on paper.
    #[must_use]
    pub fn of_record(self) -> Self {
        if self.is_paper() { self.marked(CUSTOM_MARK) } else { self }
    }

    fn marked(self, mark: u8) -> Self {
        let mut bytes = *self.0.as_bytes();
        bytes[6] = (mark << 4) | (bytes[6] & 0x0f);
        Self(Uuid::from_bytes(bytes))
    }
}

/// The version digit of ids made by `derived`, and the one that no id of any standard has.
const CUSTOM_MARK: u8 = 8;
const PAPER_MARK: u8 = 0xd;

/// Deterministic ids: the same fact gives the same id, in any store and on any machine.
fn derived(space: &str, name: &str) -> Uuid {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new()
        .chain_update(b"cotrader/")
        .chain_update(space.as_bytes())
        .chain_update(b"/")
        .chain_update(name.as_bytes())
        .finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Ids counted up from a start: for tests and for replays that must agree.
#[derive(Debug, Default)]
pub struct CountedIds(pub u128);

impl IdSource for CountedIds {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_on_paper_is_another_one_and_knows_whose_it_is() {
        let real = AccountId::from_number("tastytrade", "5WX00001");
        let paper = real.on_paper();
        assert!(paper.is_paper() && !real.is_paper());
        assert_ne!(paper, real);
        assert_eq!((paper.of_record(), real.of_record(), paper.on_paper()), (real, real, paper));
        let text = serde_json::to_string(&paper).expect("text");
        assert_eq!(serde_json::from_str::<AccountId>(&text).expect("read"), paper);
    }
}
