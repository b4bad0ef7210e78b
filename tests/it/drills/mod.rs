//! What must hold when the broker does not behave: the real adapter and the real engine, over real sockets,
//! against the simulated broker with faults. Its clock stands still and is moved on by hand, so that hours of
//! orders take seconds.

mod halts;
mod hostile;
mod links;
mod orders;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig, TastytradeDesk};
use cotrader::broker::{Broker, BrokerError, OrderDesk};
use cotrader::containers::Containers;
use cotrader::domain::control::OptIn;
use cotrader::domain::event::{
    Actor, Meta, NoteKind, OrderStaged, OrderSubmitted, Recorded, TradeEvaluated, TradeIntended,
};
use cotrader::domain::freshness::Standing;
use cotrader::domain::id::CountedIds;
use cotrader::domain::order::{
    NetPrice, OrderAction, OrderLeg, OrderReport, OrderState, OrderStatus, Placed, Ticket, TimeInForce,
};
use cotrader::domain::time::new_york;
use cotrader::domain::trade::{LimitChange, Verdict};
use cotrader::domain::{
    AccountId, Command, CorrelationId, Event, EventId, Instrument, Leg, LimitId, LimitState, Money, OrderRef,
    Price, Strategy, Symbol, Timestamp, TradeId, TradeKind,
};
use cotrader::engine::orders::looks::LookUp;
use cotrader::engine::{Effect, Engine, EngineConfig, Failure, Input, OrderRules, Step};
use cotrader::market::rates::RateCurve;
use cotrader::market::update::MarketUpdate;
use cotrader::market::view::MarketConfig;
use cotrader::risk::controls::{
    Cleared, ControlConfig, ControlFacts, DayFacts, DryRunFacts, Health, Kill, LegFacts, OpenOrders,
    QuoteFacts, QuoteSource, Sent, SessionFacts, TickSize, WorstCase, clear, first_block,
};
use cotrader::sim::{FillModel, RunningSim, SimClock, SimConfig, WorldSource, start};
use cotrader::snapshot::Mode;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::sim::{anchor, client};

/// The clock stands but for a thousandth of a second in an hour.
const STANDING: f64 = 1e-7;
const CONTRACTS: usize = 8;
/// Seconds in doubt; twice as long as anything is under way here.
const WRITTEN_OFF: i64 = 20;
/// Each second in which an order works, or more rarely: so long until a change there is known here.
const RECONCILED: u32 = 70;

pub fn morning() -> Timestamp {
    let day = NaiveDate::from_ymd_opt(2026, 8, 21).expect("a date");
    new_york(day, NaiveTime::from_hms_opt(10, 0, 0).expect("a time"))
}

pub fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("a symbol")
}

pub fn adapter(sim: &RunningSim, adjust: impl FnOnce(&mut TastytradeConfig)) -> Arc<Tastytrade> {
    // Installs the TLS provider, as the assembly would.
    let _ = client();
    let at = sim.connection();
    let mut config = TastytradeConfig::loopback(&at.base_url, &at.account_stream_url);
    adjust(&mut config);
    let credentials = Credentials {
        client_secret: at.client_secret.as_str().into(),
        refresh_token: at.refresh_token.as_str().into(),
    };
    Arc::new(Tastytrade::new(config, credentials).expect("an adapter"))
}

pub fn engine_config() -> EngineConfig {
    EngineConfig {
        mode: Mode::Sim,
        portfolios: Vec::new(),
        account_rules: Vec::new(),
        benchmark: symbol("SPY"),
        context: vec![symbol("SPY")],
        watch: vec![symbol("SPY")],
        market: MarketConfig::new(RateCurve::flat(0.04).expect("a curve"), symbol("SPY")),
        rates_as_of: anchor(),
        account_refresh_seconds: 60,
        clock_skew_warn_ms: 2_000,
        clock_skew_block_ms: 30_000,
        clock_speed: 1.0,
        orders: OrderRules::default(),
        streaming: true,
        banner: None,
        read_only: None,
    }
}

/// A contract that orders are made of, with its quote of the morning.
struct Quoted {
    instrument: Instrument,
    bid: Price,
    ask: Price,
}

/// Engine, adapter and broker, and the record in between.
pub struct Drill {
    sim: RunningSim,
    reads: Arc<Tastytrade>,
    desk: TastytradeDesk,
    account: AccountId,
    contracts: Vec<Quoted>,
    engine: Engine,
    recorded: Vec<Recorded>,
    ids: CountedIds,
    start: Timestamp,
    now: Timestamp,
    /// When each order that was in doubt was so no more.
    resolved: BTreeMap<OrderRef, Timestamp>,
    in_doubt: BTreeSet<OrderRef>,
    refused: BTreeSet<OrderRef>,
    written_off: BTreeSet<OrderRef>,
}

impl Drill {
    pub async fn open(faults: &str) -> Self {
        let start_at = morning();
        let clock = SimClock::starting_at(start_at, STANDING);
        let config = SimConfig {
            // Nothing fills inside the market: what is at mid rests.
            fills: FillModel { rate: 0.0, ..FillModel::default() },
            faults: faults.parse().expect("a plan"),
            ..SimConfig::new(7, clock, recorded_day())
        };
        let plan = std::mem::take(&mut { config.faults.clone() });
        let sim = start(config).await.expect("the simulator starts");
        // The set-up is not part of the drill.
        sim.set_faults("".parse().expect("no faults"));
        let reads = adapter(&sim, |_| {});
        let desk = TastytradeDesk::loopback(Arc::clone(&reads)).expect("a desk");
        let account = reads.accounts().await.expect("accounts").accounts[0].account.id;
        let contracts = contracts(&reads).await;
        sim.set_faults(plan);
        let engine = Engine::new(engine_config(), Containers::default(), Box::new(CountedIds(1 << 64)));
        let mut drill = Self {
            sim,
            reads,
            desk,
            account,
            contracts,
            engine,
            recorded: Vec::new(),
            ids: CountedIds(1),
            start: start_at,
            now: start_at,
            resolved: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
            refused: BTreeSet::new(),
            written_off: BTreeSet::new(),
        };
        let first = drill.engine.start(Some("drill"), drill.now);
        drill.settle(first).await;
        drill
    }

    /// Buys `quantity` of one or two contracts: over the market, or at its middle, where it rests.
    fn ticket(&mut self, n: u64, legs: usize, quantity: u32, rests: bool) -> (Ticket, Vec<LegFacts>) {
        let first = usize::try_from(n).expect("small") % self.contracts.len();
        let chosen: Vec<&Quoted> =
            (0..legs).map(|k| &self.contracts[(first + k) % self.contracts.len()]).collect();
        let middle: Decimal = chosen.iter().map(|c| (c.bid.0 + c.ask.0) / Decimal::TWO).sum();
        let natural: Decimal = chosen.iter().map(|c| c.ask.0).sum();
        let limit = if rests { middle.round_dp(2) } else { natural + Decimal::new(2, 2) };
        let leg = |c: &&Quoted| OrderLeg {
            instrument: c.instrument.clone(),
            action: OrderAction::BuyToOpen,
            quantity,
        };
        let facts = chosen.iter().map(|c| LegFacts {
            quote: Some(QuoteFacts {
                bid: Some(c.bid),
                ask: Some(c.ask),
                standing: Standing::Live,
                age_seconds: Some(1.0),
                source: QuoteSource::Stream,
            }),
            ticks: vec![TickSize { below: None, tick: Decimal::new(1, 2) }],
            held: Some(Decimal::ZERO),
            closing_elsewhere: Some(Decimal::ZERO),
        });
        let facts = facts.collect();
        let ticket = Ticket {
            reference: OrderRef(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 + u128::from(n))),
            trade: TradeId(Uuid::from_u128(2_000_000 + u128::from(n))),
            account: self.account,
            legs: chosen.iter().map(leg).collect(),
            limit: NetPrice(-limit),
            time_in_force: TimeInForce::Day,
        };
        (ticket, facts)
    }

    /// An intent in the record, through its controls, and out: what the runtime does in this order.
    pub async fn send(&mut self, n: u64, legs: usize, quantity: u32, rests: bool) {
        let (reference, cleared) = self.intend(n, legs, quantity, rests);
        let placed = self.desk.place(cleared).await;
        self.answered(reference, placed).await;
    }

    /// The same for several that are under way at once, each on its own connection.
    pub async fn send_together(&mut self, wishes: impl Iterator<Item = (u64, bool)>) {
        let intents: Vec<_> = wishes.map(|(n, rests)| self.intend(n, 1, 1, rests)).collect();
        let desk = &self.desk;
        let requests =
            intents.into_iter().map(async |(reference, cleared)| (reference, desk.place(cleared).await));
        for (reference, placed) in futures_util::future::join_all(requests).await {
            self.answered(reference, placed).await;
        }
    }

    async fn answered(&mut self, reference: OrderRef, placed: Placed) {
        match &placed {
            Placed::Accepted(_) => {}
            Placed::Refused(_) => drop(self.refused.insert(reference)),
            Placed::Unknown { .. } => drop(self.in_doubt.insert(reference)),
        }
        self.feed(Input::Placed { reference, placed }).await;
    }

    fn intend(&mut self, n: u64, legs: usize, quantity: u32, rests: bool) -> (OrderRef, Cleared<Ticket>) {
        let (ticket, facts) = self.ticket(n, legs, quantity, rests);
        let (cleared, checks) = cleared(&ticket, facts);
        let evaluation = serde_json::from_value(serde_json::json!({
            "net_price": null, "max_profit": null, "max_loss": null, "defined_risk": true, "breakevens": [],
            "delta_shares": null, "beta_weighted_delta": null, "theta_day": null, "vega_point": null,
            "limits": [], "verdict": Verdict::Pass, "notes": []
        }));
        let reference = ticket.reference;
        let legs = ticket.legs.iter().map(|leg| Leg {
            instrument: leg.instrument.clone(),
            quantity: Decimal::from(leg.quantity),
            entry: None,
        });
        self.record(vec![
            Event::TradeIntended(TradeIntended {
                trade: ticket.trade,
                trade_kind: TradeKind::Real,
                portfolio: None,
                account: Some(ticket.account),
                underlying: symbol("SPY"),
                strategy: Strategy::Single,
                legs: legs.collect(),
                note_kind: NoteKind::Decision,
                rationale: "drill".into(),
            }),
            Event::TradeEvaluated(TradeEvaluated {
                trade: ticket.trade,
                evaluation: evaluation.expect("an evaluation"),
            }),
            Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }),
            Event::OrderSubmitted(OrderSubmitted { reference, ticket, checks, venue: None }),
        ]);
        (reference, cleared)
    }

    fn record(&mut self, events: Vec<Event>) {
        let correlation = CorrelationId::new(&mut self.ids);
        for event in events {
            let meta = Meta {
                id: EventId::new(&mut self.ids),
                occurred_at: self.now,
                actor: Actor::Trader,
                correlation,
                causation: None,
                key: None,
            };
            self.commit(meta, event);
        }
    }

    fn commit(&mut self, meta: Meta, event: Event) {
        let seq = self.recorded.len() as u64 + 1;
        let recorded = Recorded { seq, meta, recorded_at: self.now, event: Arc::new(event) };
        self.engine.commit(std::slice::from_ref(&recorded));
        self.recorded.push(recorded);
    }

    async fn feed(&mut self, input: Input) {
        let step = self.engine.step(input, self.now);
        self.settle(step).await;
    }

    /// Everything durable at once, and what the engine wants of the order book done at once.
    async fn settle(&mut self, step: Step) {
        assert!(step.sends.is_empty(), "nothing is ever sent again: {:?}", step.sends);
        let mut waiting = vec![step];
        while let Some(step) = waiting.pop() {
            for pending in step.events {
                self.commit(pending.meta, pending.event);
            }
            for effect in step.effects {
                let next = match effect {
                    Effect::Consider(report) => Input::Order(report),
                    Effect::LookUp(look) => {
                        let result = self.look(&look).await;
                        Input::Looked { look, result }
                    }
                    _ => continue,
                };
                waiting.push(self.engine.step(next, self.now));
            }
        }
        let orders = &self.engine.books().orders;
        let now = self.now;
        let known = |reference: &OrderRef| orders[reference].state != OrderState::Unknown;
        let found: Vec<OrderRef> = self.in_doubt.iter().copied().filter(known).collect();
        for reference in found {
            self.in_doubt.remove(&reference);
            self.resolved.insert(reference, now);
        }
    }

    /// As the runtime's desk task does it.
    async fn look(&self, look: &LookUp) -> Result<Vec<OrderReport>, Failure> {
        let found = match &look.id {
            Some(id) => self.desk.order(look.account, id).await.map(|one| vec![one]),
            None => self.desk.orders_since(look.account, look.since).await,
        };
        found.map_err(|error: BrokerError| Failure {
            what: error.to_string(),
            remedy: error.remedy().to_owned(),
            remark: false,
        })
    }

    /// One second goes by, at the broker and here.
    pub async fn second(&mut self) {
        self.now += TimeDelta::seconds(1);
        self.sim.advance(TimeDelta::seconds(1)).await;
        self.feed(Input::Tick).await;
        self.write_off().await;
    }

    /// What cannot arrive any more is written off, as a trader would: in doubt it would be looked for to the end of
    /// the day.
    async fn write_off(&mut self) {
        let orders = &self.engine.books().orders;
        let old = |reference: &OrderRef| {
            let order = &orders[reference];
            order.state == OrderState::Unknown && (self.now - order.since).num_seconds() > WRITTEN_OFF
        };
        let old: Vec<OrderRef> = self.in_doubt.iter().copied().filter(old).collect();
        for order in old {
            self.in_doubt.remove(&order);
            self.written_off.insert(order);
            let command = Command::DropOrder { order, reason: "it is not at the broker".into() };
            self.feed(Input::Command { command, reply: None }).await;
        }
    }

    /// The broker's whole truth, without faults.
    pub async fn truth(&self) -> Vec<OrderReport> {
        self.sim.set_faults("".parse().expect("no faults"));
        self.desk.orders_since(self.account, self.start - TimeDelta::minutes(1)).await.expect("the orders")
    }

    /// One order of the broker's per intent at most, and every state here what it is there.
    pub async fn compare(&self) -> Vec<OrderReport> {
        let truth = self.truth().await;
        let mut by_reference: BTreeMap<OrderRef, &OrderReport> = BTreeMap::new();
        for report in &truth {
            let reference = report.reference.expect("ours");
            assert!(by_reference.insert(reference, report).is_none(), "{reference} is there twice");
        }
        let books = self.engine.books();
        assert!(books.safety.alarms.is_empty(), "{:?}", books.safety.alarms);
        for (reference, order) in &books.orders {
            let expected = match by_reference.get(reference).map(|report| &report.status) {
                Some(OrderStatus::Filled) => OrderState::Filled,
                Some(OrderStatus::Live) => OrderState::Working,
                Some(other) => panic!("{reference} is {other:?} at the broker"),
                None if self.refused.contains(reference) => OrderState::Rejected,
                None if self.written_off.contains(reference) => OrderState::Dropped,
                // Nobody knows whether it will yet arrive.
                None => OrderState::Unknown,
            };
            assert_eq!(order.state, expected, "{reference}: {:?}", by_reference.get(reference));
            if self.refused.contains(reference) {
                assert!(!by_reference.contains_key(reference), "{reference} was refused and is there");
            }
        }
        truth
    }
}

/// Contracts that cost little: thousands of them fit into the account. A recorded day stands still, and takes no
/// time to be priced.
fn recorded_day() -> WorldSource {
    let mut csv = String::from(
        "quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,volume,open_interest,iv,delta\n",
    );
    for n in 0..CONTRACTS {
        let (strike, cents) = (700 + n, 5 + n % 3);
        csv.push_str(&format!(
            "2026-08-21,SPY,652.40,SPY,2026-09-18,{strike},C,0.0{cents},0.0{},0.06,10,100,0.16,0.02\n",
            cents + 2
        ));
    }
    let chain = cotrader::market::chain_file::read(csv.as_bytes(), None).expect("a chain");
    WorldSource::Recorded { chains: vec![chain], history: BTreeMap::new(), book: Vec::new() }
}

async fn contracts(reads: &Tastytrade) -> Vec<Quoted> {
    let chain = reads.chain(&symbol("SPY")).await.expect("a chain");
    let strikes = chain.expirations.iter().flat_map(|expiration| &expiration.strikes);
    let calls: Vec<Instrument> = strikes.map(|strike| strike.call.clone()).collect();
    let quotes = reads.quotes(&calls).await.expect("quotes");
    let quoted = quotes.into_iter().filter_map(|update| match update {
        MarketUpdate::Quote { instrument, quote, .. } => {
            Some(Quoted { instrument, bid: quote.bid?, ask: quote.ask? })
        }
        _ => None,
    });
    let quoted: Vec<Quoted> = quoted.collect();
    assert_eq!(quoted.len(), CONTRACTS);
    quoted
}

fn untouched(limit: LimitId) -> LimitChange {
    LimitChange { limit, before: Some(0.1), after: Some(0.1), state: LimitState::of(0.1) }
}

/// Past all sixteen controls, with figures wide enough for a storm.
fn cleared(
    ticket: &Ticket,
    legs: Vec<LegFacts>,
) -> (Cleared<Ticket>, Vec<cotrader::domain::control::ControlCheck>) {
    let plenty = Money(Decimal::from(10_000_000));
    let facts = ControlFacts {
        opt_in: Some(OptIn::Rehearsal),
        account_listed: Some(true),
        confirmation: None,
        kill: Some(Kill::Off),
        health: Health {
            store_writable: Some(true),
            reconciled_today: Some(true),
            // Each intent stands for itself here.
            unknown_orders: Some(0),
            alarms: Some(Vec::new()),
        },
        session: SessionFacts { open: Some(true), halted: Some(false), seconds_to_close: Some(3_600.0) },
        legs,
        clock_skew_seconds: Some(0.0),
        body_hash: Some("drill".into()),
        dry_run: Some(DryRunFacts {
            body_hash: "drill".into(),
            age_seconds: Some(1.0),
            buying_power_change: Some(Money(Decimal::NEGATIVE_ONE)),
            buying_power_after: Some(plenty),
            error: None,
            warning: None,
        }),
        equity: Some(plenty),
        worst_case: WorstCase {
            loss_before: Some(0.0),
            loss_after: Some(40.0),
            defined_before: Some(true),
            defined_after: Some(true),
            undefined_permitted: Some(false),
            notional: Some(66_000.0),
            most_loss: Some(10_000.0),
        },
        limits: Some([LimitId::L1, LimitId::L5].map(untouched).into()),
        others: Some(Vec::new()),
        sent: Some(Sent::default()),
        open_orders: OpenOrders { count: Some(0), loss_if_all_fill: Some(40.0) },
        day: DayFacts { pnl: Some(0.0), most_loss: Some(10_000.0) },
    };
    let config = ControlConfig { collar_spread_share: Decimal::TEN, ..ControlConfig::default() };
    match clear(ticket.clone(), &facts, &config) {
        Ok(cleared) => cleared,
        Err(checks) => panic!("{:?}", first_block(&checks)),
    }
}
