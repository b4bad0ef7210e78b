//! Orders that hang together: staged whole, sent in one request, cancelled in one; each booked for itself.

use super::*;
use crate::domain::event::{LinkedOrder, OrdersLinked};
use crate::domain::order::{ComplexKind, ComplexReport, OrderFor, SetRole};

const SET: &str = "56544";

/// A spread that is open: sold at 1.52 and bought at 0.52.
fn spread(bench: &mut Bench) -> Ticket {
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let single = ticket(1, false);
    let bought =
        OrderLeg { instrument: option(Right::Put, 640), action: OrderAction::BuyToOpen, quantity: 1 };
    let opening = Ticket { legs: single.legs.iter().cloned().chain([bought]).collect(), ..single };
    bench.given(vec![
        Event::TradeIntended(TradeIntended {
            trade: opening.trade,
            trade_kind: TradeKind::Real,
            portfolio: Some(PortfolioId::from_key("medium")),
            account: Some(opening.account),
            underlying: symbol("SPY"),
            strategy: Strategy::VerticalSpread,
            legs: [(650, Decimal::NEGATIVE_ONE), (640, Decimal::ONE)]
                .map(|(strike, quantity)| Leg {
                    instrument: option(Right::Put, strike),
                    quantity,
                    entry: None,
                })
                .into(),
            note_kind: NoteKind::Decision,
            rationale: "income".into(),
        }),
        Event::TradeEvaluated(TradeEvaluated { trade: opening.trade, evaluation: evaluation() }),
    ]);
    bench.order(&opening);
    let mut filled = report_of(&opening, 7, OrderStatus::Filled, &["a"]);
    filled.legs[1].fills[0].price = Price(Decimal::new(52, 2));
    filled.legs[1].fills[0].id = FillId("b".into());
    bench.told(filled);
    opening
}

/// The set as staged: what takes the profit, and the stop.
fn staged(bench: &mut Bench, trade: TradeId) -> [Ticket; 2] {
    let command = Command::Stage { trade, purpose: OrderFor::Bracket, limit: None, rationale: "rest".into() };
    let step = bench.engine.step(Input::Command { command, reply: None }, bench.now);
    let asked = step.effects.iter().find_map(|effect| match effect {
        Effect::DryRunSet(set) => Some((**set).clone()),
        _ => None,
    });
    let set = asked.unwrap_or_else(|| panic!("the broker is asked of the whole: {:?}", step.answers));
    assert_eq!((set.kind, set.trigger.is_none()), (ComplexKind::Oco, true));
    // A credit of 1.00, the balanced profile: 65 % of it, and a loss of one and a half times the credit.
    let [target, stop] = &set.orders[..] else { panic!("{set:?}") };
    assert_eq!((target.ticket.limit, target.stop), (NetPrice(Decimal::new(-35, 2)), None));
    assert_eq!(stop.stop, Some(NetPrice(Decimal::new(-250, 2))));
    assert_eq!(stop.ticket.limit, NetPrice(Decimal::new(-275, 2)));
    assert!(set.tickets().all(|it| it.time_in_force == TimeInForce::Gtc && it.is_closing()));
    let tickets = [target.ticket.clone(), stop.ticket.clone()];
    bench.settle(step);
    let run = dry_run(bench.now);
    let input = Input::DryRun { reference: tickets[0].reference, result: Ok(run) };
    let events = bench.feed(input).0;
    let linked = events.iter().any(
        |event| matches!(event.as_ref(), Event::OrdersLinked(linked) if linked.set == tickets[0].reference),
    );
    assert!(linked && tickets.iter().all(|it| bench.state(it) == OrderState::Staged));
    tickets
}

fn submitted(bench: &mut Bench, tickets: &[Ticket]) {
    let submitted = |ticket: &Ticket| {
        let (reference, ticket) = (ticket.reference, ticket.clone());
        Event::OrderSubmitted(OrderSubmitted { reference, ticket, venue: None, checks: vec![] })
    };
    bench.given(tickets.iter().map(submitted).collect());
}

fn told_of(ticket: &Ticket, id: u64, status: OrderStatus, fills: &[&str]) -> OrderReport {
    OrderReport { complex: Some(BrokerOrderId(SET.into())), ..report_of(ticket, id, status, fills) }
}

fn complex(tickets: &[Ticket], status: OrderStatus, named: bool) -> Placed<ComplexReport> {
    let one = |(n, ticket): (usize, &Ticket)| OrderReport {
        reference: named.then_some(ticket.reference),
        ..told_of(ticket, 8 + n as u64, status.clone(), &[])
    };
    Placed::Accepted(Box::new(ComplexReport {
        id: BrokerOrderId(SET.into()),
        account: tickets[0].account,
        orders: tickets.iter().enumerate().map(one).collect(),
    }))
}

fn working(bench: &mut Bench, named: bool) -> [Ticket; 2] {
    let opening = spread(bench);
    let tickets = staged(bench, opening.trade);
    submitted(bench, &tickets);
    let set = tickets[0].reference;
    bench.feed(Input::SetPlaced { set, placed: complex(&tickets, OrderStatus::Live, named) });
    assert!(tickets.iter().all(|it| bench.state(it) == OrderState::Working));
    let orders = &bench.engine.books().orders;
    let numbers = tickets.each_ref().map(|it| orders[&it.reference].ids.last().unwrap().0.clone());
    assert_eq!(numbers, ["8", "9"], "each its own");
    let place = orders[&set].set.clone().expect("in a set");
    assert_eq!((place.id, place.role), (Some(BrokerOrderId(SET.into())), SetRole::Target));
    tickets
}

fn cancels(step: &Step) -> usize {
    assert!(!step.sends.iter().any(|effect| matches!(effect, Effect::Cancel { .. })), "never one by itself");
    step.sends.iter().filter(|effect| matches!(effect, Effect::CancelSet { id, .. } if id.0 == SET)).count()
}

#[test]
fn one_exit_fills_and_the_other_ends_and_the_trade_is_closed_once() {
    for named in [true, false] {
        let mut bench = Bench::new();
        let tickets = working(&mut bench, named);
        let mut filled = told_of(&tickets[0], 8, OrderStatus::Filled, &["x"]);
        filled.legs[1].fills[0].id = FillId("y".into());
        bench.told(filled.clone());
        assert!(!bench.engine.books().trades[&tickets[0].trade].is_open());
        bench.told(told_of(&tickets[1], 9, OrderStatus::Cancelled, &[]));
        assert!(bench.told(filled).is_empty(), "booked once");
        assert_eq!(tickets.each_ref().map(|it| bench.state(it)), [OrderState::Filled, OrderState::Cancelled]);
    }
}

/// Both legs of an exit, each with a fill of its own.
fn filled_as(ticket: &Ticket, id: u64, [short, long]: [&str; 2]) -> OrderReport {
    let mut filled = told_of(ticket, id, OrderStatus::Filled, &[short]);
    filled.legs[1].fills[0].id = FillId(long.into());
    filled
}

#[test]
fn both_exits_of_a_set_that_fill_raise_an_alarm() {
    let mut bench = Bench::new();
    let tickets = working(&mut bench, true);
    bench.told(filled_as(&tickets[0], 8, ["w", "x"]));
    assert!(bench.engine.books().safety.alarms.is_empty());
    let events = bench.told(filled_as(&tickets[1], 9, ["y", "z"]));
    let alarms = events.iter().filter(|event| matches!(event.as_ref(), Event::AlarmRaised(_)));
    assert_eq!(alarms.count(), 1);
    let alarm = bench.engine.books().safety.alarms[0].to_string();
    assert!(alarm.contains("order 9 filled more"), "{alarm}");
}

#[test]
fn a_leg_that_both_exits_fill_raises_an_alarm_while_the_trade_is_open() {
    let mut bench = Bench::new();
    let tickets = working(&mut bench, true);
    for (n, ticket) in tickets.iter().enumerate() {
        let mut half = told_of(ticket, 8 + n as u64, OrderStatus::Live, &[&format!("f{n}")]);
        half.legs[1].fills.clear();
        bench.told(half);
        assert_eq!(bench.engine.books().safety.alarms.len(), n);
    }
    assert!(bench.engine.books().trades[&tickets[0].trade].is_open());
}

#[test]
fn a_closing_order_that_fills_when_its_trade_is_closed_raises_an_alarm() {
    let mut bench = Bench::new();
    let opening = ticket(1, false);
    bench.sent(&opening);
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));
    let closing = |n| Ticket { trade: opening.trade, ..ticket(n, true) };
    for (n, fill) in [(2, "b"), (3, "c")] {
        bench.order(&closing(n));
        assert!(bench.engine.books().safety.alarms.is_empty());
        let id = u64::try_from(n).unwrap();
        bench.told(report_of(&closing(n), id, OrderStatus::Filled, &[fill]));
    }
    assert_eq!(bench.engine.books().safety.alarms.len(), 1);
}

#[test]
fn a_set_is_cancelled_whole_by_the_trader_and_by_the_switch() {
    let by_hand = |order| Command::CancelOrder { order };
    let by_switch = |_| Command::Kill { mode: KillMode::Safe, why: "enough".into() };
    for command in [by_hand as fn(OrderRef) -> Command, by_switch] {
        let mut bench = Bench::new();
        let tickets = working(&mut bench, true);
        // Any of its orders stands for the set.
        let command = command(tickets[1].reference);
        let step = bench.engine.step(Input::Command { command, reply: None }, bench.now);
        assert_eq!(cancels(&step), 1);
        let asked = step.events.iter().filter(|it| matches!(it.event, Event::OrderChangeRequested(_)));
        assert_eq!(asked.count(), 2);
        bench.settle(step);
        let set = tickets[0].reference;
        bench.feed(Input::SetChanged { set, placed: complex(&tickets, OrderStatus::Cancelled, true) });
        assert!(tickets.iter().all(|it| bench.state(it) == OrderState::Cancelled));
    }
}

#[test]
fn a_set_whose_cancel_is_refused_is_asked_for_again_under_the_switch() {
    let mut bench = Bench::new();
    let tickets = working(&mut bench, true);
    let set = tickets[0].reference;
    bench.command(Command::Kill { mode: KillMode::Safe, why: "enough".into() });
    let refused = || Placed::Refused(OrderRefusal { status: 422, messages: vec![] });
    bench.feed(Input::SetChanged { set, placed: refused() });
    // What closes and was sent after the switch went up stays.
    let since = Ticket { trade: tickets[0].trade, ..ticket(9, true) };
    bench.order(&since);
    bench.told(report_of(&since, 20, OrderStatus::Live, &[]));
    let mut asked = 0;
    for _ in 0..40 {
        bench.now += TimeDelta::seconds(1);
        let step = bench.engine.step(Input::Tick, bench.now);
        let now = cancels(&step);
        bench.settle(step);
        if now > 0 {
            bench.feed_at(Input::SetChanged { set, placed: refused() });
        }
        asked += now;
    }
    assert_eq!(asked, 2);
    assert_eq!(bench.state(&since), OrderState::Working);
}

/// Its answer was lost, and a report of the stop gave its number: the target is still in doubt.
fn half_known(bench: &mut Bench) -> [Ticket; 2] {
    let opening = spread(bench);
    let tickets = staged(bench, opening.trade);
    submitted(bench, &tickets);
    let set = tickets[0].reference;
    bench.feed(Input::SetPlaced { set, placed: Placed::Unknown { why: "no answer".into() } });
    bench.told(told_of(&tickets[1], 9, OrderStatus::Live, &[]));
    assert_eq!(bench.state(&tickets[0]), OrderState::Unknown);
    tickets
}

#[test]
fn a_set_in_doubt_whose_number_is_known_is_cancelled_by_the_trader_and_by_the_switch() {
    let by_hand = |order| Command::CancelOrder { order };
    let by_switch = |_| Command::Kill { mode: KillMode::Safe, why: "enough".into() };
    for command in [by_hand as fn(OrderRef) -> Command, by_switch] {
        for stop_ends in [false, true] {
            let mut bench = Bench::new();
            let tickets = half_known(&mut bench);
            if stop_ends {
                bench.told(told_of(&tickets[1], 9, OrderStatus::Rejected, &[]));
            }
            let rows = bench.engine.snapshot(bench.now).orders.rows;
            assert!(rows.iter().any(|row| row.unknown && row.can_cancel && !row.can_change));
            let set = tickets[0].reference;
            let step = bench.engine.step(Input::Command { command: command(set), reply: None }, bench.now);
            assert_eq!(cancels(&step), 1, "{:?}", step.answers);
            bench.settle(step);
            assert!(bench.engine.books().orders[&set].is_changing());
            bench.feed(Input::SetChanged { set, placed: complex(&tickets, OrderStatus::Cancelled, true) });
            assert_eq!(bench.state(&tickets[0]), OrderState::Cancelled);
        }
    }
}

#[test]
fn an_exit_that_was_on_its_way_when_the_switch_went_up_is_cancelled_once_it_works() {
    let mut bench = Bench::new();
    let opening = ticket(1, false);
    bench.sent(&opening);
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));
    let exit = Ticket { trade: opening.trade, ..ticket(2, true) };
    bench.order(&exit);
    bench.command(Command::Kill { mode: KillMode::Safe, why: "enough".into() });
    bench.told(report_of(&exit, 8, OrderStatus::Live, &[]));
    let step = bench.engine.step(Input::Tick, bench.now);
    assert!(matches!(&step.sends[..], [Effect::Cancel { id, .. }] if id.0 == "8"), "{:?}", step.sends);
}

#[test]
fn a_set_without_a_number_is_looked_at_and_never_cancelled_by_one_of_its_orders() {
    let mut bench = Bench::new();
    let opening = spread(&mut bench);
    let tickets = staged(&mut bench, opening.trade);
    submitted(&mut bench, &tickets);
    for (n, ticket) in tickets.iter().enumerate() {
        bench.told(report_of(ticket, 8 + n as u64, OrderStatus::Live, &[]));
    }
    let refused = bench.refused(Command::CancelOrder { order: tickets[0].reference });
    assert!(refused.to_string().contains("number"), "{refused}");
    let tick = bench.engine.step(Input::Tick, bench.now);
    let looked =
        |effect: &Effect| matches!(effect, Effect::LookUp(look) if look.reference == tickets[0].reference);
    assert!(tick.effects.iter().any(looked), "{:?}", tick.effects);
    bench.settle(tick);
    let kill = Command::Kill { mode: KillMode::Safe, why: "enough".into() };
    let step = bench.engine.step(Input::Command { command: kill, reply: None }, bench.now);
    assert_eq!(cancels(&step), 0);
    bench.settle(step);
    // A look names it, and the switch reaches it.
    bench.feed(Input::Order(Box::new(told_of(&tickets[0], 8, OrderStatus::Live, &[]))));
    let step = bench.engine.step(Input::Tick, bench.now);
    assert_eq!(cancels(&step), 1);
}

#[test]
fn an_answer_without_references_is_believed_where_legs_and_limit_fit_and_the_gravest_is_said() {
    let mut bench = Bench::new();
    let opening = spread(&mut bench);
    let tickets = staged(&mut bench, opening.trade);
    submitted(&mut bench, &tickets);
    let set = tickets[0].reference;
    let mut placed = complex(&tickets, OrderStatus::Live, false);
    if let Placed::Accepted(report) = &mut placed {
        report.orders[1].limit = Some(NetPrice(Decimal::new(-1, 2)));
    }
    let step = bench.engine.step(Input::SetPlaced { set, placed }, bench.now);
    let says = |effect: &Effect| {
        matches!(effect, Effect::Say(said)
            if said.text.contains("UNKNOWN") && said.text.contains(&tickets[1].reference.to_string()))
    };
    assert_eq!(step.effects.iter().filter(|it| says(it)).count(), 1, "{:?}", step.effects);
    bench.settle(step);
    assert_eq!(tickets.each_ref().map(|it| bench.state(it)), [OrderState::Working, OrderState::Unknown]);
}

#[test]
fn an_order_of_a_set_keeps_its_limit() {
    let mut bench = Bench::new();
    let tickets = working(&mut bench, true);
    let limit = NetPrice(Decimal::new(-40, 2));
    let refused = bench.refused(Command::ReplaceOrder { order: tickets[0].reference, limit });
    assert!(refused.to_string().contains("hangs together"), "{refused}");
}

#[test]
fn a_lost_answer_puts_all_of_it_in_doubt_and_a_look_finds_orders_and_number() {
    let mut bench = Bench::new();
    let opening = spread(&mut bench);
    let tickets = staged(&mut bench, opening.trade);
    submitted(&mut bench, &tickets);
    let set = tickets[0].reference;
    let step = bench
        .engine
        .step(Input::SetPlaced { set, placed: Placed::Unknown { why: "no answer".into() } }, bench.now);
    let said: Vec<&Notice> = step
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Say(notice) = effect { Some(notice) } else { None })
        .collect();
    // One word for the whole, and it says which.
    assert_eq!(said.len(), 1);
    for part in ["UNKNOWN", "SPY", "1 lot", &set.to_string()] {
        assert!(said[0].text.contains(part), "{part}: {}", said[0].text);
    }
    bench.settle(step);
    assert!(tickets.iter().all(|it| bench.state(it) == OrderState::Unknown));
    for (n, ticket) in tickets.iter().enumerate() {
        bench.feed(Input::Order(Box::new(told_of(ticket, 8 + n as u64, OrderStatus::Live, &[]))));
    }
    assert!(tickets.iter().all(|it| bench.state(it) == OrderState::Working));
    let step = bench
        .engine
        .step(Input::Command { command: Command::CancelOrder { order: set }, reply: None }, bench.now);
    assert_eq!(cancels(&step), 1, "it has its number");
}

/// An opening order that works, with two exits that wait for it.
fn with_exits(bench: &mut Bench, lots: u32) -> [Ticket; 3] {
    let of = |n, closing| {
        let mut ticket = ticket(n, closing);
        ticket.legs[0].quantity = lots;
        ticket
    };
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let opening = of(1, false);
    bench.intended(&opening, Some(PortfolioId::from_key("medium")));
    let exit = |n: u128| Ticket { trade: opening.trade, time_in_force: TimeInForce::Gtc, ..of(n, true) };
    let tickets = [opening.clone(), exit(2), exit(3)];
    let staged = |ticket: &Ticket| {
        Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None })
    };
    let roles = [SetRole::Trigger, SetRole::Target, SetRole::Stop { at: NetPrice(Decimal::new(-300, 2)) }];
    let orders = tickets.iter().zip(roles).map(|(it, role)| LinkedOrder { reference: it.reference, role });
    let linked =
        OrdersLinked { set: opening.reference, set_kind: ComplexKind::Otoco, orders: orders.collect() };
    bench.given(tickets.iter().map(staged).chain([Event::OrdersLinked(linked)]).collect());
    submitted(bench, &tickets);
    let mut placed = complex(&tickets, OrderStatus::Contingent, true);
    if let Placed::Accepted(report) = &mut placed {
        report.orders[0].status = OrderStatus::Routed;
    }
    bench.feed(Input::SetPlaced { set: opening.reference, placed });
    tickets
}

#[test]
fn an_opening_order_that_ends_partly_filled_leaves_lots_without_exits_which_is_said() {
    let mut bench = Bench::new();
    let tickets = with_exits(&mut bench, 3);
    let mut part = told_of(&tickets[0], 8, OrderStatus::Cancelled, &["a"]);
    part.legs[0].fills[0].quantity = Decimal::TWO;
    let input = Input::AccountNotice(AccountNotice::Order { report: Box::new(part) });
    let step = bench.engine.step(input, bench.now);
    let said = |effect: &Effect| {
        matches!(effect, Effect::Say(said) if said.text == "2 lots are open without exits"
            && said.remedy.as_deref() == Some("X rests them"))
    };
    assert_eq!(step.effects.iter().filter(|it| said(it)).count(), 1, "{:?}", step.effects);
    bench.settle(step);
    assert_eq!(bench.state(&tickets[0]), OrderState::PartlyFilled);
}

#[test]
fn exits_that_end_each_other_count_once_and_not_while_they_wait() {
    let mut bench = Bench::new();
    let tickets = with_exits(&mut bench, 2);
    let other = Ticket { trade: tickets[0].trade, ..ticket(9, true) };
    let closing = |bench: &Bench| bench.engine.closing_elsewhere(&other, &other.legs[0].instrument);
    assert_eq!(closing(&bench), Decimal::ZERO, "nothing is open yet");
    let mut filled = told_of(&tickets[0], 8, OrderStatus::Filled, &["a"]);
    filled.legs[0].fills[0].quantity = Decimal::TWO;
    bench.told(filled);
    assert_eq!(closing(&bench), Decimal::TWO);
    let own = bench.engine.closing_elsewhere(&tickets[1], &other.legs[0].instrument);
    assert_eq!(own, Decimal::ZERO, "what ends it is not beside it");
    bench.order(&other);
    assert_eq!(
        bench.engine.closing_elsewhere(&ticket(10, true), &other.legs[0].instrument),
        Decimal::from(3)
    );
}

#[test]
fn exits_wait_for_the_order_that_opens_and_stand_below_it() {
    let mut bench = Bench::new();
    let tickets = with_exits(&mut bench, 1);
    let opening = tickets[0].clone();
    let rows = bench.engine.snapshot(bench.now).orders.rows;
    let listed: Vec<OrderRef> = rows.iter().map(|row| row.reference).collect();
    assert_eq!(listed, tickets.each_ref().map(|it| it.reference), "together, the first one first");
    let waits: Vec<bool> = rows.iter().map(|row| row.set.as_ref().expect("in the set").waits).collect();
    assert_eq!(waits, [false, true, true]);
    assert!(rows.iter().all(|row| row.can_cancel && !row.can_change));
    bench.told(told_of(&opening, 8, OrderStatus::Filled, &["a"]));
    bench.told(told_of(&tickets[1], 9, OrderStatus::Live, &[]));
    bench.told(told_of(&tickets[2], 10, OrderStatus::Live, &[]));
    assert!(bench.engine.books().trades[&opening.trade].is_open());
    let rows = bench.engine.snapshot(bench.now).orders.rows;
    assert!(rows.iter().all(|row| !row.set.as_ref().expect("in the set").waits));
    assert_eq!(rows.iter().filter(|row| row.rests).count(), 2);
}

#[test]
fn what_was_not_sent_is_taken_back_whole() {
    let mut bench = Bench::new();
    let opening = spread(&mut bench);
    let tickets = staged(&mut bench, opening.trade);
    let order = tickets[1].reference;
    bench.command(Command::DropOrder { order, reason: "no".into() });
    assert!(tickets.iter().all(|it| bench.state(it) == OrderState::Dropped));
}
