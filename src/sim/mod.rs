//! A broker on the loopback: OAuth, REST, market-data stream and account stream as the real one speaks
//! them, over a made-up or a recorded market.
//!
//! Never: reads the environment or a configuration, takes a real credential, listens beyond 127.0.0.1.

mod account_stream;
mod accounts;
pub mod clock;
mod dxlink;
mod exchange;
pub mod fault;
mod history;
mod hours;
mod instruments;
mod lists;
mod margin;
mod oauth;
mod orders;
mod quotes;
mod requirement;
mod research;
mod server;
mod transactions;
mod wire;
pub mod world;

use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;

pub use clock::{SimClock, demo_start};
pub use exchange::{FillModel, Halt, KeptAccounts, kept_until};
pub use fault::{BadFaults, FAULTS_HELP, FaultSpec};
pub use server::{RunningSim, start};

use crate::domain::TradingDate;
use crate::market::chain_file::ChainFile;
use crate::market::history_file::BarsBySymbol;
use world::RecordedPosition;

/// What market and book are served.
#[derive(Debug, Clone)]
pub enum WorldSource {
    /// Made up, the same on every start with the same seed and anchor date.
    Seeded { anchor: TradingDate },
    /// Chains as recorded, standing still; closes for history; a book or none. Start the clock at
    /// [`world::recorded_start`].
    Recorded { chains: Vec<ChainFile>, history: BarsBySymbol, book: Vec<RecordedPosition> },
}

impl WorldSource {
    /// How many different days are recorded in it.
    pub fn recorded_days(&self) -> usize {
        match self {
            Self::Seeded { .. } => 0,
            Self::Recorded { chains, .. } => {
                chains.iter().map(|chain| chain.date).collect::<std::collections::BTreeSet<_>>().len()
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct SimConfig {
    pub seed: u64,
    /// 0 takes any free port.
    pub port: u16,
    pub clock: SimClock,
    pub world: WorldSource,
    /// Life of an access token in real seconds; the real broker's is 900.
    pub access_token_seconds: u64,
    /// Silence after which a stream is closed, in real seconds; the real broker's is 60.
    pub silence_timeout_seconds: u64,
    /// Handed out instead of the own stream addresses, so that a proxy can stand between.
    pub advertise_dxlink: Option<String>,
    pub advertise_account_stream: Option<String>,
    /// Those of an earlier run, so that its clients find the same broker; `None` makes them anew.
    pub secrets: Option<Secrets>,
    /// How readily orders fill.
    pub fills: FillModel,
    /// Spans in which a symbol and its options do not trade.
    pub halts: Vec<Halt>,
    /// Where accounts and orders are kept between runs; `None` forgets them.
    pub kept_accounts: Option<KeptAccounts>,
    /// Several account messages in one frame, where they come together.
    pub batch_account_messages: bool,
    /// What goes wrong on purpose.
    pub faults: FaultSpec,
}

/// What a client proves itself with. It opens nothing but this simulation, and does not print all the same.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub client_secret: SecretString,
    pub refresh_token: SecretString,
}

impl Secrets {
    fn random() -> Self {
        let made = |what: &str| SecretString::from(format!("sim-{what}-{}", Uuid::new_v4().simple()));
        Self { client_secret: made("secret"), refresh_token: made("refresh") }
    }
}

impl SimConfig {
    pub fn new(seed: u64, clock: SimClock, world: WorldSource) -> Self {
        Self {
            seed,
            port: 0,
            clock,
            world,
            access_token_seconds: 900,
            silence_timeout_seconds: 60,
            advertise_dxlink: None,
            advertise_account_stream: None,
            secrets: None,
            fills: FillModel::default(),
            halts: Vec::new(),
            kept_accounts: None,
            batch_account_messages: false,
            faults: FaultSpec::default(),
        }
    }
}

/// Everything a client needs; the secrets open nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connection {
    pub base_url: String,
    pub dxlink_url: String,
    pub account_stream_url: String,
    pub client_secret: String,
    pub refresh_token: String,
    pub accounts: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error(
        "the simulated broker cannot listen on 127.0.0.1:{port}: {source}; choose another port or 0 for any"
    )]
    Bind { port: u16, source: std::io::Error },
    #[error("the simulated broker cannot use this market: {reason}")]
    World { reason: String },
    #[error("the kept accounts in {} cannot be used: {why}; move the file away to begin anew", path.display())]
    Kept { path: std::path::PathBuf, why: String },
}
