//! A desk in the middle of its work: one order staged, one working, one in doubt, one filled.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{normal, symbol, trade_id};
use crate::domain::control::Venue;
use crate::domain::order::{NetPrice, OrderState};
use crate::domain::{Money, OrderRef, Price};
use crate::snapshot::orders::{OrderLegRow, OrderRow, OrdersPanel};
use crate::snapshot::{Shown, Snapshot};

fn net(cents: i64) -> NetPrice {
    NetPrice(Decimal::new(cents, 2))
}

fn row(number: u128, state: OrderState, label: &str, words: &str) -> OrderRow {
    let at = normal().as_of - TimeDelta::seconds(12);
    let filled = if state == OrderState::Filled { Decimal::ONE } else { Decimal::ZERO };
    let leg = |label: &str| OrderLegRow {
        label: label.into(),
        instrument: "SPY   261218P00645000".into(),
        quantity: 1,
        filled,
        price: (state == OrderState::Filled).then(|| Price(Decimal::new(212, 2))),
    };
    OrderRow {
        reference: OrderRef(Uuid::from_u128(number)),
        broker_id: (state != OrderState::Staged).then(|| format!("77120{number}")),
        trade: trade_id(1),
        underlying: symbol("SPY"),
        label: label.into(),
        account: "personal".into(),
        state,
        venue: Some(Venue::Simulator),
        unknown: state == OrderState::Unknown,
        looks_like: Vec::new(),
        words: words.into(),
        good_for: "day".to_owned(),
        portfolio: Some("Medium".to_owned()),
        limit: net(118),
        worst: Some(net(115)),
        mid: Shown::live(net(117)),
        natural: Shown::live(net(110)),
        legs: vec![leg("sell to open put 645 18 Dec"), leg("buy to open put 640 18 Dec")],
        units: 1,
        staged_at: at,
        sent_at: (state != OrderState::Staged).then_some(at),
        since: at,
        buying_power_change: Some(Money(Decimal::new(-38_656, 2))),
        fees: Some(Money(Decimal::new(-228, 2))),
        warnings: vec!["Your order will begin working during next valid session.".into()],
        body_hash: Some("3b1f".into()),
        set: None,
        rests: false,
        out_of_reach: false,
        can_send: state == OrderState::Staged,
        can_cancel: state == OrderState::Working,
        can_change: state == OrderState::Working,
        can_drop: matches!(state, OrderState::Staged | OrderState::Unknown),
    }
}

pub fn with_orders() -> Snapshot {
    let spread = "put spread 18 Dec 645/640";
    let mut snapshot = normal();
    snapshot.header.working = 1;
    snapshot.header.unknown = 1;
    snapshot.orders = OrdersPanel {
        rows: vec![
            row(1, OrderState::Unknown, spread, "UNKNOWN: no answer in 30 s"),
            row(2, OrderState::Working, "iron condor 18 Dec 645/650 705/710", "working"),
            row(3, OrderState::Staged, spread, "staged"),
            row(4, OrderState::Filled, "close covered call 18 Dec 700", "filled"),
        ],
        staged: 1,
        working: 1,
        unknown: 1,
    };
    snapshot
}
