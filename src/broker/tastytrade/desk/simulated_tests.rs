//! The desk against the simulated exchange: what one side says about orders, the other understands.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::broker::tastytrade::{Credentials, TastytradeConfig};
use crate::broker::{Broker, StreamEvent, Subscriptions};
use crate::domain::order::{ComplexKind, Exit, NetPrice, OrderAction, OrderLeg, OrderStatus, TimeInForce};
use crate::domain::report::AccountNotice;
use crate::domain::time::new_york;
use crate::domain::{Instrument, OrderRef, Symbol, TradeId};
use crate::sim::{RunningSim, SimClock, SimConfig, WorldSource};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Longer than any order needs here; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(20);

struct Market {
    /// Ends the simulation when it is dropped.
    _sim: RunningSim,
    reads: Arc<Tastytrade>,
    desk: TastytradeDesk,
    account: AccountId,
    spread: Vec<OrderLeg>,
}

async fn market() -> Market {
    let anchor = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date");
    let morning = new_york(anchor, NaiveTime::from_hms_opt(10, 48, 0).expect("a time"));
    let config = SimConfig::new(7, SimClock::starting_at(morning, 1.0), WorldSource::Seeded { anchor });
    let sim = crate::sim::start(config).await.expect("a simulation");
    let at = sim.connection();
    let credentials = Credentials {
        client_secret: at.client_secret.clone().into(),
        refresh_token: at.refresh_token.clone().into(),
    };
    let config = TastytradeConfig::loopback(&at.base_url, &at.account_stream_url);
    let reads = Arc::new(Tastytrade::new(config, credentials).expect("an adapter"));
    let account = reads.accounts().await.expect("accounts").accounts[0].account.id;
    let chain = reads.chain(&Symbol::new("SPY").expect("a symbol")).await.expect("a chain");
    let expiration = &chain.expirations[chain.expirations.len() / 2];
    let middle = expiration.strikes.len() / 2;
    let put = |n: usize| expiration.strikes[n].put.clone();
    let spread = vec![
        OrderLeg { instrument: put(middle), action: OrderAction::SellToOpen, quantity: 1 },
        OrderLeg { instrument: put(middle - 5), action: OrderAction::BuyToOpen, quantity: 1 },
    ];
    let desk = TastytradeDesk::loopback(Arc::clone(&reads)).expect("a desk");
    Market { _sim: sim, reads, desk, account, spread }
}

impl Market {
    fn ticket(&self, n: u128, cents: i64) -> Ticket {
        Ticket {
            reference: OrderRef(Uuid::from_u128(n)),
            trade: TradeId(Uuid::from_u128(1)),
            account: self.account,
            legs: self.spread.clone(),
            limit: NetPrice(Decimal::new(cents, 2)),
            time_in_force: TimeInForce::Day,
        }
    }

    async fn place(&self, ticket: Ticket) -> OrderReport {
        match self.desk.place(Cleared::for_test(ticket)).await {
            Placed::Accepted(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    async fn until(&self, order: &BrokerOrderId, is: impl Fn(&OrderReport) -> bool) -> OrderReport {
        let look = async {
            loop {
                let report = self.desk.order(self.account, order).await.expect("the order");
                if is(&report) {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the order comes there")
    }
}

#[tokio::test]
async fn an_order_rests_is_replaced_and_cancelled_and_each_of_them_is_found_again() {
    let market = market().await;
    let start = market.reads.now() - TimeDelta::seconds(5);
    // A credit of 4.90 on a width of 5 is nothing anybody pays.
    let asked = market.ticket(1, 490);
    let run = market.desk.dry_run(&asked).await.expect("a dry run");
    assert!(run.errors.is_empty() && run.buying_power_change.is_some() && run.fees.is_some(), "{run:?}");
    assert!(run.warnings.iter().all(|one| one.code != "external_identifier_changed"), "{run:?}");
    let placed = market.place(asked.clone()).await;
    assert_eq!((placed.reference, placed.limit), (Some(asked.reference), Some(asked.limit)));
    let legs: Vec<_> = placed.legs.iter().map(|leg| (leg.instrument.clone(), leg.action)).collect();
    let wanted: Vec<_> =
        asked.legs.iter().map(|leg| (Some(leg.instrument.clone()), Some(leg.action))).collect();
    assert_eq!(legs, wanted);
    let live = market.until(&placed.id, |report| report.status == OrderStatus::Live).await;
    assert!(!live.has_fills());

    let better = market.ticket(2, 480);
    let replaced =
        market.desk.replace(market.account, &placed.id, Cleared::for_test(Replacement(better.clone()))).await;
    let Placed::Accepted(new) = replaced else { panic!("{replaced:?}") };
    assert_eq!((new.replaces.as_ref(), new.limit), (Some(&placed.id), Some(better.limit)));
    let old = market.until(&placed.id, |report| report.status == OrderStatus::Cancelled).await;
    assert_eq!(old.replaced_by.as_ref(), Some(&new.id));
    market.until(&new.id, |report| report.status == OrderStatus::Live).await;

    let cancelled = market.desk.cancel(market.account, &new.id).await;
    assert!(matches!(&cancelled, Placed::Accepted(report) if report.id == new.id), "{cancelled:?}");
    market.until(&new.id, |report| report.status == OrderStatus::Cancelled).await;
    let again = market.desk.cancel(market.account, &new.id).await;
    let Placed::Refused(refusal) = again else { panic!("{again:?}") };
    assert_eq!((refusal.status, refusal.messages[0].code.as_str()), (422, "cannot_update_order"));

    let found = market.desk.orders_since(market.account, start).await.expect("orders");
    let ids: Vec<_> = found.iter().map(|order| order.id.clone()).collect();
    assert_eq!(ids, [new.id.clone(), placed.id]);
    let later = market.reads.now() + TimeDelta::minutes(10);
    assert_eq!(market.desk.orders_since(market.account, later).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_fill_is_told_by_the_stream_and_by_reading_and_closing_nothing_is_refused() {
    let market = market().await;
    let (_keep, wanted) = watch::channel(Subscriptions::default());
    let (_control, controls) = mpsc::channel(1);
    let (out, mut events) = mpsc::channel(64);
    let reads = Arc::clone(&market.reads);
    tokio::spawn(async move { reads.stream(wanted, controls, out).await });
    let connected = async {
        while let Some(event) = events.recv().await {
            if matches!(&event, StreamEvent::Account(AccountNotice::Other { kind, .. }) if kind == "connected")
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("the account stream stands");

    // A cent of credit is a gift: it fills at the market.
    let placed = market.place(market.ticket(7, 1)).await;
    let streamed = async {
        while let Some(event) = events.recv().await {
            if let StreamEvent::Account(AccountNotice::Order { report }) = event
                && report.id == placed.id
                && report.is_filled()
            {
                return *report;
            }
        }
        panic!("the stream ended")
    };
    let streamed = tokio::time::timeout(PATIENCE, streamed).await.expect("the fill is told");
    let read = market.until(&placed.id, OrderReport::is_filled).await;
    let fills = |report: &OrderReport| -> Vec<_> {
        report.legs.iter().flat_map(|leg| leg.fills.iter().map(|fill| fill.id.clone())).collect()
    };
    assert_eq!((fills(&streamed).len(), streamed.reference), (2, Some(OrderRef(Uuid::from_u128(7)))));
    assert_eq!(fills(&streamed), fills(&read));
    assert_ne!(fills(&read)[0], fills(&read)[1]);

    let mut nothing = market.ticket(8, -5);
    nothing.legs.truncate(1);
    nothing.legs[0].action = OrderAction::BuyToClose;
    let Instrument::Option(held) = &market.spread[0].instrument else { panic!("an option") };
    let other =
        crate::domain::OptionContract { strike: held.strike - Decimal::from(20), ..held.as_ref().clone() };
    nothing.legs[0].instrument = Instrument::Option(other.into());
    let refused = market.desk.place(Cleared::for_test(nothing)).await;
    assert!(
        matches!(&refused, Placed::Refused(no) if no.status == 422 && !no.messages.is_empty()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_set_is_taken_whole_and_cancelled_whole() {
    let market = market().await;
    let exit = |n, cents| {
        let mut exit = market.ticket(n, cents);
        exit.legs[0].action = OrderAction::BuyToClose;
        exit.legs[1].action = OrderAction::SellToClose;
        Ticket { time_in_force: TimeInForce::Gtc, ..exit }
    };
    let set = ComplexTicket {
        kind: ComplexKind::Otoco,
        trigger: Some(market.ticket(20, 490)),
        orders: vec![exit(21, -10).into(), exit(22, -450).into()],
    };
    let placed = market.desk.place_complex(Cleared::for_test(set)).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    assert_eq!(report.orders.len(), 3);
    let references: Vec<_> = report.orders.iter().filter_map(|order| order.reference).collect();
    assert_eq!(references, [20, 21, 22].map(|n| OrderRef(Uuid::from_u128(n))));
    assert!(report.orders.iter().all(|order| order.complex.as_ref() == Some(&report.id)));
    let cancelled = market.desk.cancel_complex(market.account, &report.id).await;
    assert!(matches!(cancelled, Placed::Accepted(_)), "{cancelled:?}");
    for order in &report.orders {
        market.until(&order.id, |report| report.status == OrderStatus::Cancelled).await;
    }
}

#[tokio::test]
async fn the_fill_of_one_exit_ends_the_other() {
    let market = market().await;
    let exit = |n, cents| {
        let mut exit = market.ticket(n, cents);
        exit.legs[0].action = OrderAction::BuyToClose;
        exit.legs[1].action = OrderAction::SellToClose;
        Ticket { time_in_force: TimeInForce::Gtc, ..exit }
    };
    let stop = |n, stop, cents| Exit { ticket: exit(n, cents), stop: Some(NetPrice(Decimal::new(stop, 2))) };
    // A cent of credit fills at the market; the first exit takes any price, the second waits for one that nobody asks.
    let set = ComplexTicket {
        kind: ComplexKind::Otoco,
        trigger: Some(market.ticket(20, 1)),
        orders: vec![exit(21, -490).into(), stop(22, -495, -499)],
    };
    let judged = market.desk.dry_run_complex(&set).await.expect("judged");
    assert!(judged.errors.is_empty() && judged.buying_power_change.is_some(), "{judged:?}");
    let placed = market.desk.place_complex(Cleared::for_test(set)).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    let [opens, target, stop_order] = &report.orders[..] else { panic!("{report:?}") };
    assert_eq!((&target.status, &stop_order.status), (&OrderStatus::Contingent, &OrderStatus::Contingent));
    market.until(&opens.id, OrderReport::is_filled).await;
    market.until(&target.id, OrderReport::is_filled).await;
    let ended = market.until(&stop_order.id, |report| report.status == OrderStatus::Cancelled).await;
    assert!(!ended.has_fills());

    // Two exits of what is held again: here it is the stop whose price is there.
    let filled = market.place(market.ticket(30, 1)).await;
    market.until(&filled.id, OrderReport::is_filled).await;
    let set = ComplexTicket {
        kind: ComplexKind::Oco,
        trigger: None,
        orders: vec![exit(31, -1).into(), stop(32, -2, -490)],
    };
    let placed = market.desk.place_complex(Cleared::for_test(set)).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    market.until(&report.orders[1].id, OrderReport::is_filled).await;
    let ended = market.until(&report.orders[0].id, |report| report.status == OrderStatus::Cancelled).await;
    assert!(!ended.has_fills());
}
