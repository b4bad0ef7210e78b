//! One order that everything is known about and every control lets pass, and one that closes it: what the
//! tests spoil.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::domain::control::{LiveOptIn, OptIn};
use crate::domain::freshness::Standing;
use crate::domain::order::{NetPrice, OrderAction, OrderLeg, TimeInForce};
use crate::domain::trade::LimitChange;
use crate::domain::{
    AccountId, ExerciseStyle, Instrument, LimitId, LimitState, Money, OptionContract, OrderRef, Price, Right,
    Settlement, Symbol, TradeId,
};

mod each;
mod never;

pub(super) fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

pub(super) fn option(root: &str, right: Right, strike: i64) -> Instrument {
    let root = Symbol::new(root).expect("a symbol");
    Instrument::Option(
        OptionContract {
            underlying: Symbol::new("SPY").expect("a symbol"),
            root,
            expiry: NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
            right,
            strike: Decimal::from(strike),
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        }
        .into(),
    )
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(super) fn reference(number: u128) -> OrderRef {
    OrderRef(id(number))
}

/// The four legs of a condor, short inside, and bid and ask of each in cents.
const CONDOR: [(Right, i64, bool, i64, i64); 4] = [
    (Right::Put, 645, true, 110, 112),
    (Right::Put, 650, false, 176, 178),
    (Right::Call, 705, false, 120, 122),
    (Right::Call, 710, true, 64, 66),
];

fn ticket(closing: bool, limit: i64) -> Ticket {
    let legs = CONDOR.map(|(right, strike, wing, ..)| OrderLeg {
        instrument: option("SPY", right, strike),
        action: match (closing, wing) {
            (false, true) => OrderAction::BuyToOpen,
            (false, false) => OrderAction::SellToOpen,
            (true, true) => OrderAction::SellToClose,
            (true, false) => OrderAction::BuyToClose,
        },
        quantity: 2,
    });
    Ticket {
        reference: reference(1),
        trade: TradeId(id(7)),
        account: AccountId(id(5)),
        legs: legs.into(),
        limit: NetPrice(cents(limit)),
        time_in_force: TimeInForce::Day,
    }
}

/// Sells two condors for 1.22: mid is 1.22, natural 1.18.
pub(super) fn opening() -> Ticket {
    ticket(false, 122)
}

/// Buys them back.
pub(super) fn closing() -> Ticket {
    ticket(true, -122)
}

pub(super) fn live() -> OptIn {
    OptIn::Live(LiveOptIn::given(true, Some("1")).expect("both"))
}

/// Everything is known and well, with real money.
pub(super) fn facts() -> ControlFacts {
    let legs = CONDOR.map(|(_, _, _, bid, ask)| LegFacts {
        quote: Some(QuoteFacts {
            bid: Some(Price(cents(bid))),
            ask: Some(Price(cents(ask))),
            standing: Standing::Live,
            age_seconds: Some(2.0),
            source: QuoteSource::Stream,
        }),
        ticks: vec![TickSize { below: None, tick: cents(1) }],
        held: Some(Decimal::ZERO),
        closing_elsewhere: Some(Decimal::ZERO),
    });
    let near = |limit, before, after| LimitChange {
        limit,
        before: Some(before),
        after: Some(after),
        state: LimitState::of(after),
    };
    ControlFacts {
        opt_in: Some(live()),
        account_listed: Some(true),
        confirmation: Some(Confirmation {
            body_hash: "abc".into(),
            age_seconds: 5.0,
            worst: NetPrice(cents(-200)),
        }),
        kill: Some(Kill::Off),
        health: Health {
            store_writable: Some(true),
            reconciled_today: Some(true),
            unknown_orders: Some(0),
            alarms: Some(Vec::new()),
        },
        session: SessionFacts { open: Some(true), halted: Some(false), seconds_to_close: Some(3_600.0) },
        legs: legs.into(),
        clock_skew_seconds: Some(0.4),
        body_hash: Some("abc".into()),
        dry_run: Some(DryRunFacts {
            body_hash: "abc".into(),
            age_seconds: Some(3.0),
            buying_power_change: Some(Money(cents(-75_600))),
            buying_power_after: Some(Money(cents(3_000_000))),
            error: None,
            warning: None,
        }),
        equity: Some(Money(cents(5_000_000))),
        worst_case: WorstCase {
            loss_before: Some(0.0),
            loss_after: Some(756.0),
            defined_before: Some(true),
            defined_after: Some(true),
            undefined_permitted: Some(false),
            notional: Some(136_000.0),
            most_loss: Some(1_500.0),
        },
        limits: Some(vec![near(LimitId::L1, 0.30, 0.35), near(LimitId::L5, 0.10, 0.20)]),
        others: Some(vec![another()]),
        sent: Some(Sent { orders_minute: 1, orders_day: 4, replacements_minute: 0, replacements_day: 9 }),
        open_orders: OpenOrders { count: Some(2), loss_if_all_fill: Some(1_800.0) },
        day: DayFacts { pnl: Some(-100.0), most_loss: Some(750.0) },
    }
}

/// The same for `closing`: the condors are held, and afterwards nothing is.
pub(super) fn facts_of_closing() -> ControlFacts {
    let mut facts = facts();
    for (leg, (_, _, wing, ..)) in facts.legs.iter_mut().zip(CONDOR) {
        leg.held = Some(Decimal::from(if wing { 2 } else { -2 }));
    }
    facts.worst_case.loss_before = Some(756.0);
    facts.worst_case.loss_after = Some(0.0);
    facts
}

/// An order of another trade, ended, of the same account.
pub(super) fn another() -> OtherOrder {
    OtherOrder {
        reference: reference(2),
        account: opening().account,
        trade: TradeId(id(8)),
        closing: false,
        legs: vec![(option("SPY", Right::Put, 600), OrderAction::SellToOpen)],
        may_work: false,
        age_seconds: Some(30.0),
    }
}

pub(super) fn verdict(ticket: &Ticket, facts: &ControlFacts, control: ControlId) -> (Verdict, String) {
    let checks = check(ticket, facts, &ControlConfig::default());
    let of = checks.into_iter().find(|check| check.control == control).expect("all sixteen");
    (of.verdict, of.why.unwrap_or_default())
}

pub(super) fn after(ticket: &Ticket, control: ControlId, spoil: impl FnOnce(&mut ControlFacts)) -> Verdict {
    let mut facts = if ticket.is_closing() { facts_of_closing() } else { facts() };
    spoil(&mut facts);
    let (verdict, why) = verdict(ticket, &facts, control);
    assert_eq!(verdict == Verdict::Pass, why.is_empty(), "{control:?}: {verdict:?} {why}");
    verdict
}
