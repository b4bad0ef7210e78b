//! A broker for commands that only read: the configured one, or the demo's on this machine, which is looked at and
//! left as it was.

use chrono::{TimeDelta, Utc};

use crate::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use crate::broker::tradier::Tradier;
use crate::broker::{Broker, BrokerError};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::Timestamp;
use crate::runtime::settings::{self, Access};
use crate::runtime::world;
use crate::sim::{self, RunningSim};

/// One of the brokers: what is read of it is written once, for any.
pub enum Reached {
    Tastytrade(Box<Tastytrade>),
    Tradier(Box<Tradier>),
}

pub struct Connection {
    pub broker: Reached,
    sim: Option<RunningSim>,
}

impl Connection {
    pub async fn open(setting: &Setting) -> Result<Self, Trouble> {
        if !setting.own_broker
            && let Some(access) = settings::broker(&setting.config).map_err(|error| trouble(&error))?
        {
            let made = match access {
                Access::Tastytrade(wire, credentials) => {
                    Tastytrade::new(wire, credentials).map(|made| Reached::Tastytrade(Box::new(made)))
                }
                Access::Tradier(wire, token) => {
                    Tradier::new(wire, token).map(|made| Reached::Tradier(Box::new(made)))
                }
            };
            return Ok(Self { broker: made.map_err(|error| trouble(&error))?, sim: None });
        }
        let failed =
            |error: world::WorldError| Trouble::failed(error.to_string()).with_remedy(error.remedy());
        let config = world::looked_at(&setting.store, &setting.wish).map_err(failed)?;
        let sim = sim::start(config).await.map_err(|error| failed(error.into()))?;
        let at = sim.connection();
        let wire = TastytradeConfig::loopback(&at.base_url, &at.account_stream_url);
        let credentials = Credentials {
            client_secret: at.client_secret.clone().into(),
            refresh_token: at.refresh_token.clone().into(),
        };
        let broker = Tastytrade::new(wire, credentials).map_err(|error| trouble(&error))?;
        Ok(Self { broker: Reached::Tastytrade(Box::new(broker)), sim: Some(sim) })
    }

    pub async fn close(self) {
        if let Some(sim) = self.sim {
            sim.shutdown().await;
        }
    }
}

/// What a command ends with that could not read what it was asked for.
pub fn trouble(error: &BrokerError) -> Trouble {
    Trouble::new(exit_of(error), error.to_string()).with_remedy(error.remedy())
}

/// What a command ends with that printed what it could read.
pub fn incomplete(error: &BrokerError) -> Trouble {
    Trouble::new(exit_of(error), format!("not all could be read: {error}")).with_remedy(error.remedy())
}

fn exit_of(error: &BrokerError) -> Exit {
    match error {
        BrokerError::Unreachable { .. }
        | BrokerError::TimedOut { .. }
        | BrokerError::RateLimited { .. }
        | BrokerError::Server { .. } => Exit::BrokerUnreachable,
        _ => Exit::Failed,
    }
}

/// The broker's time, once it has answered: a simulated one has a day of its own.
pub fn now_at(broker: &impl Broker) -> Timestamp {
    Utc::now() + TimeDelta::milliseconds(broker.clock_skew_ms().unwrap_or(0))
}
