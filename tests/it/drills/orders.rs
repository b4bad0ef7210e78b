//! Orders in a storm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use cotrader::broker::{Broker, OrderDesk, StreamEvent, Subscriptions};
use cotrader::domain::Event;
use cotrader::domain::order::{FillId, OrderState, OrderStatus, Placed};
use cotrader::domain::report::AccountNotice;
use cotrader::engine::Input;
use cotrader::sim::FaultSpec;
use cotrader::snapshot::overview::Urgency;
use rust_decimal::Decimal;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{Drill, RECONCILED};

/// Thirty of a hundred submissions go wrong, in every way that there is.
const STORM: &str = "lost-reply@place:8%,late@place:8%:9s,e502@place:5%,e504@place:4%,truncated@place:3%,\
                     html@place:3%,null@place:2%,e422@place:1%,e429@place:1%";

/// A look lists what was sent within two minutes: that many of them keep it short.
const TOGETHER: usize = 4;
const SECONDS_BETWEEN: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_each_intent_is_one_order_at_the_broker_and_the_truth_is_known_in_time() {
    let mut drill = Drill::open(STORM).await;
    let intents: u64 = 500;
    for first in (0..intents).step_by(TOGETHER) {
        // One in two hundred rests at the middle. The engine alone, without sockets, is put through two thousand.
        let wishes = (first..first + TOGETHER as u64).map(|n| (n, n % 200 == 50));
        drill.send_together(wishes).await;
        for _ in 0..SECONDS_BETWEEN {
            drill.second().await;
        }
    }
    for _ in 0..30 {
        drill.second().await;
    }
    let doubts = drill.in_doubt.len() + drill.resolved.len() + drill.written_off.len();
    let wrong = doubts + drill.refused.len();
    assert!((110..=190).contains(&wrong), "{wrong} of {intents} went wrong");
    let truth = drill.compare().await;
    let shown: BTreeMap<_, _> =
        truth.iter().filter_map(|report| Some((report.reference?, report.received_at?))).collect();
    assert!(drill.resolved.len() > 60, "{} doubts were resolved", drill.resolved.len());
    for (reference, resolved) in &drill.resolved {
        let took = *resolved - shown[reference];
        assert!(took <= TimeDelta::seconds(5), "{reference} was there for {took} before it was known");
    }
    let unknown = drill.engine.books().orders.values().filter(|order| order.state == OrderState::Unknown);
    assert_eq!(unknown.count(), drill.in_doubt.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_that_fail_delay_the_truth_and_never_change_it() {
    let looks = "html@look:15%,null@look:5%,e404@look:5%";
    let mut drill = Drill::open(&format!("{STORM},{looks}")).await;
    for n in 0..100 {
        drill.send(n, 2, 1, n % 20 == 10).await;
        drill.second().await;
    }
    for _ in 0..400 {
        drill.second().await;
    }
    drill.compare().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fill_is_booked_once_whatever_the_stream_does_to_its_messages() {
    let stream = "drop-message@account:10%,double-message@account:10%,reorder-message@account:10%";
    let mut drill = Drill::open(&format!("{stream},partial-fill:50%")).await;
    let nothing = Subscriptions { on: false, ..Subscriptions::default() };
    let (_keep, wanted) = watch::channel(nothing);
    let (_steer, control) = mpsc::channel(1);
    let (out, mut events) = mpsc::channel(64);
    let broker = std::sync::Arc::clone(&drill.reads);
    let streaming = tokio::spawn(async move { broker.stream(wanted, control, out).await });
    // Connected before the first order.
    loop {
        let event = timeout(Duration::from_secs(10), events.recv()).await.expect("it connects");
        if let Some(StreamEvent::Account(AccountNotice::Other { kind, .. })) = event
            && kind == "connected"
        {
            break;
        }
    }
    let mut told = 0_u32;
    for n in 0..1_000 + 90 {
        if n < 1_000 {
            drill.send(n, 2, 2, false).await;
        }
        drill.second().await;
        while let Ok(Some(event)) = timeout(Duration::from_millis(1), events.recv()).await {
            if let StreamEvent::Account(notice) = event {
                told += u32::from(matches!(notice, AccountNotice::Order { .. }));
                drill.feed(Input::AccountNotice(notice)).await;
            }
        }
    }
    streaming.abort();
    assert!(told > 2_000, "{told} notices of orders");
    let truth = drill.compare().await;
    assert_eq!(truth.len(), 1_000);
    let mut booked: BTreeSet<FillId> = BTreeSet::new();
    for event in drill.recorded.iter().map(|recorded| recorded.event.as_ref()) {
        if let Event::OrderFilled(filled) = event {
            for fill in &filled.fills {
                assert!(booked.insert(fill.fill.id.clone()), "{:?} was booked twice", fill.fill.id);
            }
        }
    }
    let made: BTreeSet<FillId> = truth
        .iter()
        .flat_map(|report| report.legs.iter().flat_map(|leg| leg.fills.iter().map(|fill| fill.id.clone())))
        .collect();
    assert_eq!(booked, made);
    assert!(made.len() > 2_200, "{} fills of a thousand orders with two legs", made.len());
    for order in drill.engine.books().orders.values() {
        assert_eq!((order.filled(0), order.filled(1)), (Decimal::TWO, Decimal::TWO));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn legs_that_the_venue_leaves_unequal_call_for_a_rescue_once_the_order_ends() {
    let mut drill = Drill::open("leg-out:1").await;
    drill.send(1, 2, 2, false).await;
    let reference = *drill.engine.books().orders.keys().next().expect("an order");
    for _ in 0..RECONCILED {
        drill.second().await;
    }
    let rescue = |drill: &mut Drill| {
        let picture = drill.engine.snapshot(drill.now);
        picture.blotter.into_iter().find(|row| row.urgency == Urgency::Rescue)
    };
    let filled = |drill: &Drill| {
        let order = &drill.engine.books().orders[&reference];
        let mut filled = [order.filled(0), order.filled(1)];
        filled.sort();
        (order.state, filled)
    };
    let unequal = [Decimal::ZERO, Decimal::TWO];
    assert_eq!(filled(&drill), (OrderState::Working, unequal));
    assert_eq!(rescue(&mut drill), None, "the other leg may still fill");

    let id = drill.engine.books().orders[&reference].ids.last().cloned().expect("it is known there");
    let asked = drill.desk.cancel(drill.account, &id).await;
    assert!(matches!(asked, Placed::Accepted(_)), "{asked:?}");
    for _ in 0..RECONCILED {
        drill.second().await;
    }
    assert_eq!(filled(&drill), (OrderState::PartlyFilled, unequal));
    let row = rescue(&mut drill).expect("a row");
    assert!(row.why.contains("2 of 2") && row.why.contains("0 of 2"), "{row:?}");
    let there = drill.truth().await;
    let legs: Vec<usize> = there[0].legs.iter().map(|leg| leg.fills.len()).collect();
    assert!(there[0].status == OrderStatus::Cancelled && legs.contains(&0) && legs.contains(&1), "{there:?}");
}

#[test]
fn the_storm_is_a_plan() {
    assert!(STORM.parse::<FaultSpec>().is_ok());
}
