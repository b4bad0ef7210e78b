//! What the tests of the store have in common.

use std::path::Path;

use rust_decimal::Decimal;

use super::{Access, Store};
use crate::domain::Right;
use crate::domain::account::{Account, AccountKind, Balances};
use crate::domain::control::{Alarm, ControlCheck, ControlId, KillMode, Measured, Venue};
use crate::domain::event::*;
use crate::domain::freshness::{Standing, Unusable};
use crate::domain::id::*;
use crate::domain::instrument::Instrument;
use crate::domain::market_context::{
    BetaSource, DailyVolSource, DividendSource, Iv30Source, IvSource, LegMark, MarketContext, Model,
    UnderlyingFactors,
};
use crate::domain::money::{Money, Price};
use crate::domain::order::{
    BrokerMessage, BrokerOrderId, ComplexKind, DryRun, Fill, FillId, NetPrice, OrderAction, OrderLeg,
    OrderRefusal, OrderStatus, OrderStep, SetRole, Ticket, TimeInForce, Walk,
};
use crate::domain::portfolio::{ExitProfile, Portfolio, PortfolioLimits};
use crate::domain::strategy::Strategy;
use crate::domain::symbol::Symbol;
use crate::domain::time::Timestamp;
use crate::domain::trade::{CloseReason, Evaluation, Touch, TradeKind, TradeOdds, Verdict};
use crate::domain::units::{BenchmarkShares, GammaPnl, PerDay, PerVolPoint, Shares};

pub fn at(second: u32) -> Timestamp {
    chrono::DateTime::from_timestamp(1_800_000_000 + i64::from(second), 123_456_789).expect("an instant")
}

pub fn pending(ids: &mut CountedIds, key: Option<&str>, event: Event) -> Pending {
    let id = EventId::new(ids);
    let meta = Meta {
        id,
        occurred_at: at(7),
        actor: Actor::Trader,
        correlation: CorrelationId::new(ids),
        causation: Some(EventId::new(ids)),
        key: key.map(str::to_owned),
    };
    Pending { meta, event }
}

pub fn note(text: &str) -> Event {
    Event::NoteRecorded(NoteRecorded {
        trade: None,
        note_kind: NoteKind::Decision,
        underlying: Some(symbol()),
        strategy: Some(Strategy::IronCondor),
        rationale: text.to_owned(),
    })
}

pub fn intent(trade: TradeId, rationale: &str) -> Event {
    Event::TradeIntended(TradeIntended {
        trade,
        trade_kind: TradeKind::Real,
        portfolio: Some(PortfolioId::from_key("core")),
        account: None,
        underlying: symbol(),
        strategy: Strategy::IronCondor,
        legs: vec![],
        note_kind: NoteKind::Decision,
        rationale: rationale.to_owned(),
    })
}

pub fn symbol() -> Symbol {
    Symbol::new("SPY").expect("a symbol")
}

/// Opens for writing and expects a sound store.
pub fn open(dir: &Path) -> Store {
    let opened = Store::open(dir, Access::ReadWrite).expect("a store");
    assert_eq!(opened.damage, None);
    opened.store
}

/// A store with `notes` notes in it, closed.
pub fn filled(dir: &Path, notes: usize) {
    let store = open(dir);
    let mut ids = CountedIds(1000);
    for i in 0..notes {
        store
            .append_blocking(vec![pending(&mut ids, None, note(&format!("why number {i}")))])
            .expect("stored");
    }
    store.close();
}

fn context() -> MarketContext {
    let date = |month| chrono::NaiveDate::from_ymd_opt(2027, month, 19).expect("a date");
    MarketContext {
        as_of: at(1),
        revision: 3,
        rate: 0.0385,
        rates_as_of: Some(date(1)),
        underlyings: vec![UnderlyingFactors {
            symbol: symbol(),
            spot: Some(701.25),
            spot_standing: Some(Standing::StaleSeconds(42)),
            previous_close: None,
            iv30: Some(0.162),
            iv30_source: Some(Iv30Source::BrokerIndex),
            iv_rank: None,
            beta: Some(1.0),
            beta_source: Some(BetaSource::Assumed),
            daily_vol: Some(0.0102),
            daily_vol_source: Some(DailyVolSource::Implied),
            next_ex_date: Some(date(3)),
            dividend: Some(Decimal::new(175, 2)),
            dividend_source: Some(DividendSource::Estimated),
            dividend_yield: None,
            metrics_at: Some(at(0)),
        }],
        marks: vec![LegMark {
            instrument: "SPY   270319P00680000".into(),
            bid: None,
            ask: Some(Price(Decimal::new(5, 2))),
            quote_age_seconds: Some(3),
            mark: Some(Price(Decimal::new(25, 3))),
            mark_standing: Some(Standing::Live),
            iv: None,
            iv_standing: Some(Standing::Unusable(Unusable::Arbitrage)),
            iv_source: Some(IvSource::Ask),
            model: Some(Model::EuropeanForAmerican),
        }],
    }
}

/// How many kinds of events there are.
pub fn all() -> u64 {
    one_of_each().len() as u64
}

pub fn one_of_each() -> Vec<Event> {
    let ids = &mut CountedIds(0);
    let trade = TradeId::new(ids);
    let account = AccountId::from_number("sim", "1");
    let core = PortfolioId::from_key("core");
    let date = chrono::NaiveDate::from_ymd_opt(2027, 2, 8).expect("a date");
    let money = Money(Decimal::new(-12_345, 2));
    vec![
        Event::SessionStarted(SessionStarted {
            session: SessionId::new(ids),
            mode: "DEMO".into(),
            version: "0.1.0".into(),
            broker: Some(Venue::Simulator),
        }),
        Event::PortfolioDefined(PortfolioDefined {
            portfolio: Portfolio {
                id: core,
                key: "core".into(),
                name: "Core".into(),
                capital: Money(Decimal::from(20_000)),
                account_key: None,
                hypothetical: false,
                permitted: vec![Strategy::IronCondor],
                limits: PortfolioLimits { beta_delta: Some(Decimal::new(15, 2)), var95: None },
                exit: ExitProfile::Balanced,
                preferred_underlyings: vec![symbol()],
                delta_band: None,
                warn_only: false,
            },
            account: Some(account),
        }),
        Event::AccountSeen(AccountSeen {
            account: Account {
                id: account,
                broker: "sim".into(),
                masked_number: "…0001".into(),
                nickname: "main".into(),
                kind: AccountKind::Margin,
            },
            key: None,
        }),
        Event::BalancesReported(BalancesReported {
            account,
            balances: Balances {
                cash: Some(money),
                net_liq: None,
                buying_power: None,
                requirement: None,
                as_of: at(2),
            },
        }),
        Event::MarketObserved(MarketObserved { context: context() }),
        Event::DayClosed(DayClosed {
            date,
            equity: vec![
                EquityAtClose { portfolio: Some(core), account: None, equity: Some(money) },
                EquityAtClose { portfolio: None, account: Some(account), equity: None },
            ],
            exposures: vec![ExposureAtClose {
                underlying: symbol(),
                delta_shares: Some(Shares(0.1 + 0.2)),
                beta_weighted_delta: Some(BenchmarkShares(-1e-9)),
                gamma_pnl_1pct: Some(GammaPnl(3.5)),
                theta_day: None,
                vega_point: Some(PerVolPoint(-40.25)),
                iv30: Some(0.162),
                complete: true,
            }],
            context: context(),
        }),
        intent(trade, "mean reversion after the gap"),
        Event::TradeEvaluated(TradeEvaluated {
            trade,
            evaluation: Evaluation {
                net_price: Some(money),
                max_profit: Some(money),
                max_loss: None,
                payoff_unknown: false,
                defined_risk: true,
                stress_loss: Some(money),
                breakevens: vec![701.5, 760.25],
                odds: Some(TradeOdds {
                    pop: 0.71,
                    p_max_profit: 0.5,
                    p_max_loss: 0.125,
                    probability_of_touch: vec![Touch {
                        strike: Decimal::from(700),
                        right: Right::Put,
                        probability: 0.375,
                    }],
                    ev: Some(money),
                    ev_forecast: None,
                }),
                delta_shares: Some(Shares(-3.25)),
                beta_weighted_delta: None,
                theta_day: Some(PerDay(5.5)),
                vega_point: None,
                limits: vec![],
                verdict: Verdict::Pass,
                notes: vec!["nearest listed expiry".into()],
            },
        }),
        Event::TradeAdopted(TradeAdopted {
            trade: TradeId::new(ids),
            account,
            portfolio: None,
            underlying: symbol(),
            strategy: Strategy::Stock,
            legs: vec![],
            opened_at: at(5),
        }),
        Event::TradeResized(TradeResized { trade, legs: vec![], strategy: Strategy::VerticalSpread }),
        Event::TradeMoved(TradeMoved { trade, from: Some(core), to: PortfolioId::from_key("wheel") }),
        Event::TradeClosed(TradeClosed {
            trade,
            why: CloseReason::Expired,
            rationale: Some("worthless, as planned".into()),
        }),
        note("a thought"),
    ]
    .into_iter()
    .chain(one_of_each_order_event(trade, account))
    .collect()
}

fn one_of_each_order_event(trade: TradeId, account: AccountId) -> Vec<Event> {
    let ids = &mut CountedIds(900);
    let reference = OrderRef::new(ids);
    let limit = NetPrice(Decimal::new(151, 2));
    let id = BrokerOrderId("771201".into());
    let ticket = Ticket {
        reference,
        trade,
        account,
        legs: vec![OrderLeg {
            instrument: Instrument::Equity(symbol()),
            action: OrderAction::SellToOpen,
            quantity: 2,
        }],
        limit,
        time_in_force: TimeInForce::Day,
    };
    let checks = vec![ControlCheck {
        control: ControlId::Collar,
        value: Measured::Number(0.1 + 0.2),
        limit: Measured::Text("0.40 from mid".into()),
        verdict: Verdict::Block,
        why: Some("the limit is too far from mid: walk it from mid".into()),
    }];
    let message = BrokerMessage { code: "margin_check_failed".into(), text: "not enough".into() };
    let fill = Fill {
        id: FillId("1_SIM".into()),
        quantity: Decimal::ONE,
        price: Price(Decimal::new(210, 2)),
        at: Some(at(9)),
    };
    vec![
        Event::TradePromoted(TradePromoted { trade, account, rationale: "as planned".into() }),
        Event::OrderStaged(OrderStaged {
            ticket: ticket.clone(),
            walk: Some(Walk {
                start: limit,
                worst: NetPrice(Decimal::new(140, 2)),
                step: Decimal::new(1, 2),
                every_seconds: 15,
                for_seconds: 300,
            }),
            dry_run: Some(DryRun {
                body_hash: "abc".into(),
                at: at(8),
                buying_power_change: Some(Money(Decimal::from(-1_000))),
                buying_power_after: None,
                margin_change: None,
                fees: Some(Money(Decimal::new(-45, 1))),
                warnings: vec![message.clone()],
                errors: vec![],
            }),
        }),
        Event::OrdersLinked(OrdersLinked {
            set: reference,
            set_kind: ComplexKind::Oco,
            orders: vec![
                LinkedOrder { reference, role: SetRole::Target },
                LinkedOrder { reference, role: SetRole::Stop { at: limit } },
            ],
        }),
        Event::SetNamed(SetNamed { set: reference, id: BrokerOrderId("56544".into()) }),
        Event::OrderSubmitted(OrderSubmitted {
            reference,
            ticket,
            venue: Some(Venue::Sandbox),
            checks: checks.clone(),
        }),
        Event::OrderAnswered(OrderAnswered {
            reference,
            answer: Answered::Refused { refusal: OrderRefusal { status: 422, messages: vec![message] } },
        }),
        Event::OrderMoved(OrderMoved {
            reference,
            step: OrderStep::Accept,
            id: Some(id.clone()),
            status: Some(OrderStatus::Other("Parked".into())),
            limit: Some(limit),
            why: None,
        }),
        Event::OrderFilled(OrderFilled {
            reference,
            fills: vec![BookedFill {
                instrument: Instrument::Equity(symbol()),
                action: OrderAction::SellToOpen,
                fill,
            }],
        }),
        Event::OrderChangeRequested(OrderChangeRequested {
            reference,
            change: OrderChange::Replace { limit },
            checks,
        }),
        Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer: Answered::Accepted { id } }),
        Event::KillRaised(KillRaised { mode: KillMode::Hard, why: "the desk is on fire".into() }),
        Event::KillLifted(KillLifted { reason: "it is out".into() }),
        Event::AlarmRaised(AlarmRaised {
            alarm: Alarm::Overfilled { order: "771201".into() },
            order: Some(reference),
        }),
        Event::AlarmsCleared(AlarmsCleared { reason: "looked at the broker".into() }),
    ]
}
