//! Builds the tasks and channels of one cockpit, and takes them down again in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::broker::clock::Pace;
use crate::broker::paper::{FillModel, PaperConfig, PaperDesk};
use crate::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use crate::broker::tradier::Tradier;
use crate::broker::{BrokerError, Desk, OrderDesk, Venue};
use crate::config::{BrokerName, Config, Environment};
use crate::containers::Containers;
use crate::domain::control::LiveOptIn;
use crate::domain::{AccountId, ReadOnly};
use crate::engine::{Engine, EngineConfig, Input, Part};
use crate::market::rates::BadCurve;
use crate::sim::{self, RunningSim};
use crate::snapshot::{Mode, Notice, Snapshot};
use crate::store::{Holder, Store, StoreError};

use super::clock::EngineClock;
use super::desk_task::Desks;
use super::engine_task::{Ask, EngineTask, Ports};
use super::kill_flag::KillFlag;
use super::recovery::Recovered;
use super::settings::Access;
use super::world::{self, WorldError, WorldWish};
use super::{
    broker_task, compute, control, desk_task, following, ids, paper_record, paper_task, recovery, settings,
    supervised,
};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("the configured rates make no curve: {0}")]
    Rates(#[from] BadCurve),
}

/// The cockpit went down otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    #[error("the engine stopped on an error of its own")]
    Engine,
    #[error("the engine did not stop within {} s", GRACE.as_secs())]
    Late,
}

impl EndError {
    pub fn remedy(&self) -> &'static str {
        "what was confirmed is recorded: start cotrader again; `cotrader verify` checks the store"
    }
}

/// What to run.
pub struct Plan<'a> {
    pub store: PathBuf,
    pub config: &'a Config,
    /// The process brings its own simulated broker, whatever is configured.
    pub own_broker: bool,
    pub wish: WorldWish,
    /// Listen for shell commands: the cockpit does, a single snapshot does not.
    pub listen: bool,
}

/// A cockpit without its screen.
pub struct Running {
    pub mode: Mode,
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    pub notices: mpsc::Receiver<Notice>,
    pub asks: mpsc::Sender<Ask>,
    pub stop: watch::Sender<bool>,
    engine: JoinHandle<Engine>,
    others: Vec<JoinHandle<()>>,
    sim: Option<RunningSim>,
}

/// How long the tasks may take to leave.
const GRACE: Duration = Duration::from_secs(2);
const FIRST_ANSWER: Duration = Duration::from_secs(3);
const HISTORY_PATIENCE: Duration = Duration::from_secs(2);

/// The broker is looked up here, and from then on it is a type.
pub async fn start(plan: Plan<'_>) -> Result<Running, StartError> {
    let recovered = recovery::open(&plan.store)?;
    let last_event = recovered.books.last_event_at;
    let record = world::Record {
        last_event,
        has_sessions: recovered.books.sessions > 0,
        is_foreign: recovered.read_only.is_some(),
    };
    let mode = settings::mode(plan.config, plan.own_broker);
    let whose = settings::whose(plan.config, plan.own_broker);
    world::same_broker(&plan.store, recovered.books.broker, whose)?;
    let mut config = settings::engine(plan.config, mode)?;
    config.read_only.clone_from(&recovered.read_only);
    config.orders.broker = Some(whose);
    let name = if plan.own_broker { BrokerName::Tastytrade } else { plan.config.broker.name };
    world::one_broker(&plan.store, &recovered.books, name)?;
    let (sim, access) = broker(&plan, record, &mut config).await?;
    let ready = Ready { plan, mode, config, recovered, pace: access.pace(), sim };
    match access {
        Access::Tastytrade(wire, credentials) => ready.run(Tastytrade::new(wire, credentials)?).await,
        Access::Tradier(wire, token) => ready.run(Tradier::new(wire, token)?).await,
    }
}

/// All that a cockpit needs beside a broker.
struct Ready<'a> {
    plan: Plan<'a>,
    mode: Mode,
    config: EngineConfig,
    recovered: Recovered,
    pace: Pace,
    sim: Option<RunningSim>,
}

impl Ready<'_> {
    async fn run<B: Venue>(self, broker: B) -> Result<Running, StartError>
    where
        Desk<B>: OrderDesk,
    {
        let Self { plan, mode, config, recovered, pace, sim } = self;
        let broker = Arc::new(broker);
        let follows_broker = plan.own_broker || plan.config.broker.environment == Environment::Sim;
        let clock = if follows_broker { EngineClock::of_broker_at(pace) } else { EngineClock::wall() };
        if follows_broker {
            // The first thing the engine needs is the time.
            match timeout(FIRST_ANSWER, broker.session()).await {
                Ok(Ok(_)) => clock.heard(broker.clock_skew_ms()),
                Ok(Err(error)) => tracing::warn!(%error, "the broker does not answer yet"),
                Err(_) => tracing::warn!("the broker does not answer yet"),
            }
        }
        if let Some(last) = recovered.books.last_event_at {
            clock.not_before(last);
        }
        let next = recovered.books.seq + 1;
        let paper = Arc::new(paper(plan.config, &config, &recovered.books, clock.clone()));
        let engine = Engine::new(config, recovered.books, Box::new(ids::TimeOrdered));
        let store = match recovered.read_only {
            None => Recording::Writes(recovered.store),
            Some(ReadOnly::Held { pid, since }) => {
                Recording::Follows { store: recovered.store, next, writer: Holder { pid, since } }
            }
            Some(_) => Recording::Stands,
        };
        let desks = Desks { broker: order_desk(mode, plan.config.orders.live, &broker), paper };
        Ok(spawn(&plan, mode, engine, store, clock, (broker, desks), sim))
    }
}

/// The way to the broker of this process; its own simulated one is started.
async fn broker(
    plan: &Plan<'_>,
    record: world::Record,
    config: &mut EngineConfig,
) -> Result<(Option<RunningSim>, Access), StartError> {
    if !plan.own_broker
        && let Some(access) = settings::broker(plan.config)?
    {
        if world::is_simulated(&plan.store) {
            return Err(WorldError::SimulatedStore { dir: plan.store.clone() }.into());
        }
        return Ok((None, access));
    }
    let sim_config = world::own(&plan.store, &plan.wish, record)?;
    let days = sim_config.world.recorded_days();
    let sim = sim::start(sim_config).await.map_err(WorldError::from)?;
    let connection = sim.connection();
    let mut wire = TastytradeConfig::loopback(&connection.base_url, &connection.account_stream_url);
    wire.clock_pace = Pace::of(plan.wish.speed);
    settings::at_speed(config, plan.wish.speed);
    let credentials = Credentials {
        client_secret: connection.client_secret.clone().into(),
        refresh_token: connection.refresh_token.clone().into(),
    };
    config.banner = Some(world::banner(&plan.wish, days, plan.config.broker.credentials.is_some()));
    Ok((Some(sim), Access::Tastytrade(wire, credentials)))
}

/// What this process does with the record.
enum Recording {
    Writes(Store),
    /// Another process writes; what comes from `next` on is shown here, too.
    Follows {
        store: Store,
        next: u64,
        writer: Holder,
    },
    /// Nobody writes: the store is damaged.
    Stands,
}

fn spawn<B: Venue>(
    plan: &Plan<'_>,
    mode: Mode,
    engine: Engine,
    recording: Recording,
    clock: EngineClock,
    (broker, desks): (Arc<B>, Desks<Desk<B>>),
    sim: Option<RunningSim>,
) -> Running
where
    Desk<B>: OrderDesk,
{
    let (asks, asked) = mpsc::channel(64);
    let (back, inputs) = mpsc::channel(256);
    let (errands, errands_in) = mpsc::channel(16);
    let (desk, desk_in) = mpsc::channel(64);
    let (risk, risk_in) = watch::channel(None);
    let (picture, snapshots) = watch::channel(None);
    let (say, notices) = mpsc::channel(64);
    let (stop, shutdown) = watch::channel(false);
    let (tell, news) = mpsc::channel(1);
    let (heard, passing) = mpsc::channel(256);
    let passing = paper_task::run(Arc::clone(&desks.paper), passing, back.clone());
    let mut others = vec![
        supervised::spawn(Part::Reads, passing, back.clone()),
        tokio::spawn(desk_task::run(desks, KillFlag::of(&plan.store), desk_in, back.clone())),
        tokio::spawn(broker_task::run(broker, clock.clone(), errands_in, heard)),
        supervised::spawn(Part::Risk, compute::risk_worker(risk_in, back.clone()), back.clone()),
    ];
    let store = match recording {
        Recording::Writes(store) => Some(store),
        Recording::Follows { store, next, writer } => {
            let told = back.clone();
            let following = async move {
                if let Err(why) = following::run(store, next, writer, tell).await {
                    tracing::error!(why, "the other cockpit is not followed any more");
                    drop(told.send(Input::Stopped { part: Part::Following, why }).await);
                }
            };
            others.push(supervised::spawn(Part::Following, following, back.clone()));
            None
        }
        Recording::Stands => None,
    };
    if plan.listen && store.is_some() {
        let served = control::serve(plan.store.clone(), asks.clone(), snapshots.clone(), shutdown.clone());
        let told = back.clone();
        let served = async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "shell commands cannot reach this cockpit");
                drop(told.send(Input::Stopped { part: Part::Shell, why: error.to_string() }).await);
            }
        };
        others.push(supervised::spawn(Part::Shell, served, back.clone()));
    }
    let ports = Ports {
        asks: asked,
        inputs,
        news,
        back,
        errands,
        desk,
        risk,
        snapshots: picture,
        notices: say,
        shutdown,
        kill_flag: KillFlag::of(&plan.store),
    };
    let engine = tokio::spawn(EngineTask::new(engine, store, clock, ports).run());
    Running { mode, snapshots, notices, asks, stop, engine, others, sim }
}

/// Where orders of the mode go. One that is not the address's own gets none: nothing is sent then. On paper the
/// broker's orders are read and no more.
fn order_desk<B: Venue>(mode: Mode, live: Option<LiveOptIn>, reads: &Arc<B>) -> Option<Arc<Desk<B>>> {
    let reads = Arc::clone(reads);
    let desk = match (mode, live) {
        (Mode::Demo | Mode::Sim, _) => Desk::loopback(reads),
        (Mode::Sandbox, _) => Desk::sandbox(reads),
        (Mode::Live, Some(live)) => Desk::live(reads, live),
        (Mode::Paper, _) | (Mode::Live, None) => Ok(Desk::reading(reads)),
    };
    desk.map(Arc::new).inspect_err(|error| tracing::error!(%error, "orders go nowhere")).ok()
}

/// The paper broker as the record leaves it.
fn paper(config: &Config, engine: &EngineConfig, books: &Containers, clock: EngineClock) -> PaperDesk {
    let hypothetical = engine.portfolios.iter().filter(|portfolio| portfolio.hypothetical);
    let capital = hypothetical.map(|it| (AccountId::of_hypothetical(&it.key), it.capital)).collect();
    let config = PaperConfig {
        market: engine.market.clone(),
        model: FillModel { half_spread: config.orders.paper_fill },
        capital,
        held: paper_record::held(books),
        orders: paper_record::orders(books),
    };
    PaperDesk::new(config, move || clock.now())
}

impl Running {
    /// Waits for a picture that is `enough`, and then a little for the daily prices that betas and volatilities come
    /// from: not every underlying has them.
    pub async fn complete(&self, patience: Duration, enough: fn(&Snapshot) -> bool) -> bool {
        let mut snapshots = self.snapshots.clone();
        let complete = |picture: &Option<Arc<Snapshot>>| picture.as_ref().is_some_and(|p| enough(p));
        if !timeout(patience, snapshots.wait_for(complete)).await.is_ok_and(|waited| waited.is_ok()) {
            return false;
        }
        let settled = |picture: &Option<Arc<Snapshot>>| {
            picture.as_ref().is_some_and(|p| enough(p) && p.freshness.without_history == 0)
        };
        drop(timeout(HISTORY_PATIENCE, snapshots.wait_for(settled)).await);
        true
    }

    /// Engine first, so that nothing is decided any more; the store closes with it; then the rest.
    pub async fn stop(self) -> Result<(), EndError> {
        self.stop.send_replace(true);
        let ended = match timeout(GRACE, self.engine).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failed)) => {
                tracing::error!(%failed, "the engine ended badly");
                Err(EndError::Engine)
            }
            Err(_) => {
                tracing::error!("the engine did not stop in time");
                Err(EndError::Late)
            }
        };
        if let Some(sim) = self.sim
            && timeout(GRACE, sim.shutdown()).await.is_err()
        {
            tracing::error!("the simulated broker did not stop in time");
        }
        for task in self.others {
            task.abort();
        }
        ended
    }
}

/// Every place where one may be, the demo's last.
pub fn default_stores(data: &Path) -> [PathBuf; 3] {
    [Some(BrokerName::Tastytrade), Some(BrokerName::Tradier), None].map(|broker| default_store(data, broker))
}

/// Where a store is when nobody names it: neither the demo, which has no broker's name, nor two brokers share a folder.
pub fn default_store(data: &Path, broker: Option<BrokerName>) -> PathBuf {
    data.join(match broker {
        None => "demo",
        Some(BrokerName::Tastytrade) => "store",
        Some(BrokerName::Tradier) => "tradier",
    })
}
