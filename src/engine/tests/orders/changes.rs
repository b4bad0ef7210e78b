//! Orders whose change had no answer, that were replaced, or whose trade changed under them.

use super::*;
use crate::domain::event::{OrderChange, OrderChangeRequested, OrderMoved};
use crate::domain::order::OrderStep;
use crate::engine::orders::looks::LookUp;

impl Bench {
    /// A working order with the number 7.
    fn working(&mut self, ticket: &Ticket) {
        self.sent(ticket);
        let live = report_of(ticket, 7, OrderStatus::Live, &[]);
        self.feed(Input::Placed { reference: ticket.reference, placed: Placed::Accepted(Box::new(live)) });
    }

    fn asks_for(&mut self, ticket: &Ticket, change: OrderChange) {
        let reference = ticket.reference;
        let wish = OrderChangeRequested { reference, change, checks: vec![] };
        self.given(vec![Event::OrderChangeRequested(wish)]);
    }

    fn loses_the_answer(&mut self, ticket: &Ticket) {
        let why = "no answer in 30 s".into();
        self.feed(Input::Changed { reference: ticket.reference, placed: Placed::Unknown { why } });
    }

    /// What a look brings, each report a step of its own.
    fn looks(&mut self, look: LookUp, reports: Vec<OrderReport>) {
        self.now += TimeDelta::seconds(1);
        let step = self.engine.step(Input::Looked { look, result: Ok(reports) }, self.now);
        let considered: Vec<_> = step
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Consider(report) => Some(report.clone()),
                _ => None,
            })
            .collect();
        self.settle(step);
        for report in considered {
            self.feed(Input::Order(report));
        }
    }

    fn next_look(&mut self, within_seconds: i64) -> LookUp {
        for _ in 0..within_seconds {
            self.now += TimeDelta::seconds(1);
            let step = self.engine.step(Input::Tick, self.now);
            let look = step.effects.iter().find_map(|effect| match effect {
                Effect::LookUp(look) => Some(look.clone()),
                _ => None,
            });
            self.settle(step);
            if let Some(look) = look {
                return look;
            }
        }
        panic!("no look within {within_seconds} s")
    }
}

fn replacement() -> OrderChange {
    OrderChange::Replace { limit: NetPrice(Decimal::new(149, 2)) }
}

#[test]
fn an_order_whose_change_had_no_answer_can_still_be_cancelled() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.working(&order);
    bench.asks_for(&order, replacement());
    bench.loses_the_answer(&order);
    let known = &bench.engine.books().orders[&order.reference];
    assert!(known.is_unknown());
    let limit = NetPrice(Decimal::new(148, 2));
    let refused = bench.refused(Command::ReplaceOrder { order: order.reference, limit });
    assert!(refused.to_string().contains("unknown"), "{refused}");
    let (events, _) = bench.command(Command::CancelOrder { order: order.reference });
    assert!(matches!(events[0].as_ref(), Event::OrderChangeRequested(_)));
    // And the kill switch reaches it, too.
    let mut again = Bench::new();
    again.working(&order);
    again.asks_for(&order, replacement());
    again.loses_the_answer(&order);
    again.command(Command::Kill { mode: KillMode::Safe, why: "drill".into() });
    let cancelled = again.engine.books().orders[&order.reference].change;
    assert_eq!(cancelled, Some(OrderChange::Cancel));
}

#[test]
fn a_new_number_is_the_truth_about_a_lost_change() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.working(&order);
    bench.asks_for(&order, replacement());
    bench.loses_the_answer(&order);
    let new = OrderReport {
        replaces: Some(BrokerOrderId("7".into())),
        limit: Some(NetPrice(Decimal::new(149, 2))),
        ..report_of(&order, 8, OrderStatus::Live, &[])
    };
    bench.told(new);
    let known = &bench.engine.books().orders[&order.reference];
    assert!(!known.is_unknown());
    assert_eq!(known.limit, NetPrice(Decimal::new(149, 2)));
}

#[test]
fn a_lost_change_that_was_never_done_is_found_out_by_a_look_long_after() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.working(&order);
    bench.asks_for(&order, replacement());
    bench.loses_the_answer(&order);
    let unchanged = || vec![report_of(&order, 7, OrderStatus::Live, &[])];
    let soon = bench.next_look(5);
    bench.looks(soon, unchanged());
    assert!(bench.engine.books().orders[&order.reference].is_unknown(), "it may still be done");
    bench.now += TimeDelta::seconds(60);
    let late = bench.next_look(10);
    bench.looks(late, unchanged());
    assert!(!bench.engine.books().orders[&order.reference].is_unknown());
}

#[test]
fn fills_of_every_number_of_a_replaced_order_count() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.working(&order);
    bench.asks_for(&order, replacement());
    let new = OrderReport {
        replaces: Some(BrokerOrderId("7".into())),
        ..report_of(&order, 8, OrderStatus::Live, &[])
    };
    bench.feed(Input::Changed { reference: order.reference, placed: Placed::Accepted(Box::new(new)) });
    let look = bench.next_look(61);
    assert_eq!(look.id, None, "one number would not show them all");
    // The replacement was rejected because the original had filled: the broker tells the newest first.
    let rejected = report_of(&order, 8, OrderStatus::Rejected, &[]);
    bench.told(rejected.clone());
    assert_eq!(bench.state(&order), OrderState::Working, "not the end yet");
    bench.looks(look, vec![rejected, report_of(&order, 7, OrderStatus::Filled, &["a"])]);
    assert_eq!(bench.state(&order), OrderState::Filled);
    assert!(bench.engine.books().trades[&order.trade].is_open());
}

#[test]
fn a_fill_after_the_end_is_looked_for_and_forbids_what_was_staged_meanwhile() {
    let mut bench = Bench::new();
    let first = ticket(1, false);
    bench.working(&first);
    bench.told(report_of(&first, 7, OrderStatus::Cancelled, &[]));
    assert_eq!(bench.state(&first), OrderState::Cancelled);
    let second = Ticket { trade: first.trade, ..ticket(2, false) };
    let run = dry_run(bench.now);
    bench.given(vec![Event::OrderStaged(OrderStaged {
        ticket: second.clone(),
        walk: None,
        dry_run: Some(run),
    })]);
    let look = bench.next_look(30);
    assert_eq!(look.reference, first.reference);
    bench.looks(look, vec![report_of(&first, 7, OrderStatus::Filled, &["a"])]);
    assert!(bench.engine.books().trades[&first.trade].is_open());
    let refused = bench.refused(Command::Send {
        order: second.reference,
        body_hash: "3b1f".into(),
        typed: None,
        shown_at: bench.now,
    });
    assert!(refused.to_string().contains("not yet open"), "{refused}");
}

#[test]
fn an_end_whose_fills_cannot_be_read_is_looked_at_ever_more_rarely_and_then_in_doubt() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.working(&order);
    let filled = || report_of(&order, 7, OrderStatus::Filled, &[]);
    bench.told(filled());
    let from = bench.now;
    let mut looks = 0;
    while bench.state(&order) == OrderState::Working {
        let look = bench.next_look(70);
        bench.looks(look, vec![filled()]);
        looks += 1;
        assert!(looks < 12);
    }
    assert!((60..=200).contains(&(bench.now - from).num_seconds()), "{:?}", bench.now - from);
    assert_eq!(bench.state(&order), OrderState::Unknown);
    assert_eq!(bench.engine.books().safety.alarms.len(), 1);
    // The trader's word ends it.
    let reason = "seen on the platform: nothing".to_owned();
    bench.command(Command::DropOrder { order: order.reference, reason });
    assert_eq!(bench.state(&order), OrderState::Dropped);
}

#[test]
fn a_trade_with_an_order_is_not_discarded() {
    let mut bench = Bench::new();
    let order = ticket(1, false);
    bench.intended(&order, None);
    bench.given(vec![Event::OrderStaged(OrderStaged { ticket: order.clone(), walk: None, dry_run: None })]);
    let discard = || Command::Discard { trade: order.trade, reason: "no".into() };
    assert!(bench.refused(discard()).to_string().contains("order of it"));
    bench.given(vec![Event::OrderMoved(OrderMoved {
        reference: order.reference,
        step: OrderStep::Drop,
        id: None,
        status: None,
        limit: None,
        why: Some("no".into()),
    })]);
    assert!(bench.command(discard()).1.is_some_and(|answer| answer.is_ok()));
}
