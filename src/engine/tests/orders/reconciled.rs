//! Working orders are looked at one by one; what a look shows goes into the record as the broker's word.

use super::*;
use crate::engine::orders::looks::LookUp;
use crate::market::update::Epoch;

fn looks(step: &Step) -> Vec<LookUp> {
    let of = |effect: &Effect| match effect {
        Effect::LookUp(look) => Some(look.clone()),
        _ => None,
    };
    step.effects.iter().filter_map(of).collect()
}

impl Bench {
    fn tick(&mut self, seconds: i64) -> Vec<LookUp> {
        self.now += TimeDelta::seconds(seconds);
        let step = self.engine.step(Input::Tick, self.now);
        let looks = looks(&step);
        self.settle(step);
        looks
    }

    /// The broker answers a look with these.
    fn shown(&mut self, look: LookUp, reports: Vec<OrderReport>) -> Vec<Arc<Event>> {
        let from = self.recorded.len();
        let step = self.engine.step(Input::Looked { look, result: Ok(reports) }, self.now);
        for effect in step.effects {
            if let Effect::Consider(report) = effect {
                let step = self.engine.step(Input::Order(report), self.now);
                self.settle(step);
            }
        }
        self.recorded[from..].iter().map(|recorded| Arc::clone(&recorded.event)).collect()
    }
}

#[test]
fn every_working_order_is_looked_at_after_a_connection_and_each_minute_by_its_number() {
    let mut bench = Bench::new();
    let (one, two) = (ticket(1, false), ticket(2, false));
    for (number, sent) in [(7, &one), (8, &two)] {
        bench.sent(sent);
        bench.told(report_of(sent, number, OrderStatus::Live, &[]));
    }
    let numbers = |looks: &[LookUp]| -> Vec<Option<String>> {
        looks.iter().map(|look| look.id.as_ref().map(|id| id.0.clone())).collect()
    };
    let both = [Some("7".to_owned()), Some("8".to_owned())];
    let link = |state| Input::Link { link: Link::AccountStream, state };
    bench.feed(link(LinkState::Up { epoch: Epoch(1) }));
    let seen = bench.tick(1);
    assert_eq!(numbers(&seen), both, "after the first connection");
    for (look, sent) in seen.into_iter().zip([&one, &two]) {
        let number = look.id.clone().and_then(|id| id.0.parse().ok()).expect("a number");
        assert!(bench.shown(look, vec![report_of(sent, number, OrderStatus::Live, &[])]).is_empty());
    }
    assert_eq!(bench.tick(30), []);
    let seen = bench.tick(31);
    assert_eq!(numbers(&seen), both, "a minute later");
    bench.feed(link(LinkState::Down { why: "test".into(), retry_in_ms: None }));
    bench.feed(link(LinkState::Up { epoch: Epoch(2) }));
    // What nobody streamed is found by the look, and is the broker's word.
    let from = bench.recorded.len();
    bench.shown(seen[0].clone(), vec![report_of(&one, 7, OrderStatus::Cancelled, &[])]);
    assert_eq!(bench.state(&one), OrderState::Cancelled);
    assert!(bench.recorded[from..].iter().all(|recorded| recorded.meta.actor == Actor::Broker));
    bench.shown(seen[1].clone(), vec![report_of(&two, 8, OrderStatus::Live, &[])]);
    assert!(numbers(&bench.tick(1)).contains(&both[1]), "and after the next connection");
}

#[test]
fn an_order_without_a_reference_is_taken_for_ours_by_the_trader_alone() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    let lost = Placed::Unknown { why: "no answer".into() };
    bench.feed(Input::Placed { reference: sent.reference, placed: lost });
    let seen = |change: fn(&mut OrderReport)| {
        let mut report = report_of(&sent, 7, OrderStatus::Live, &[]);
        (report.reference, report.received_at) =
            (None, Some(DateTime::from_timestamp(1_795_190_500, 0).unwrap()));
        change(&mut report);
        report
    };
    let adopt = || Command::AdoptOrder {
        order: sent.reference,
        id: BrokerOrderId("7".into()),
        reason: "the platform shows it at that second".into(),
    };
    let other: [fn(&mut OrderReport); 4] = [
        |report| report.limit = Some(NetPrice(Decimal::ONE)),
        |report| report.legs[0].quantity = Some(Decimal::TWO),
        |report| report.reference = Some(OrderRef(uuid::Uuid::from_u128(5))),
        |report| report.received_at = Some(DateTime::UNIX_EPOCH),
    ];
    for change in other {
        let look = bench.tick(5).pop().expect("it is looked for");
        bench.shown(look, vec![seen(change)]);
        assert!(matches!(bench.refused(adopt()), Refusal::NotOrderable { .. }));
    }
    let look = bench.tick(5).pop().expect("it is looked for");
    assert!(bench.shown(look, vec![seen(|_| {})]).is_empty(), "the program decides nothing");
    let row = bench.engine.snapshot(bench.now).orders.rows.remove(0);
    assert_eq!((row.looks_like, row.unknown), (vec!["7".to_owned()], true));
    let from = bench.recorded.len();
    let (_, answer) = bench.command(adopt());
    assert!(matches!(answer, Some(Ok(_))), "{answer:?}");
    assert_eq!(bench.state(&sent), OrderState::Working);
    let moved = bench.recorded[from..].iter().find(|it| matches!(it.event.as_ref(), Event::OrderMoved(_)));
    assert_eq!(moved.expect("recorded").meta.actor, Actor::Trader);
    let look = bench.tick(1).pop().expect("it is looked at");
    assert_eq!(look.id, Some(BrokerOrderId("7".into())));
    bench.shown(look, vec![seen(|report| report.status = OrderStatus::Cancelled)]);
    assert_eq!(bench.state(&sent), OrderState::Cancelled);
}

/// A short put, sold, and an exit that rests under it.
fn exit_rests(bench: &mut Bench) -> Ticket {
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let opening = ticket(1, false);
    bench.intended(&opening, Some(PortfolioId::from_key("medium")));
    bench.order(&opening);
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));
    let exit = Ticket { trade: opening.trade, time_in_force: TimeInForce::Gtc, ..ticket(2, true) };
    bench.order(&exit);
    bench.told(report_of(&exit, 8, OrderStatus::Live, &[]));
    bench.now += TimeDelta::seconds(60);
    exit
}

/// The broker's positions, read this second.
fn read(bench: &mut Bench, positions: Vec<BrokerPosition>, unread: usize) -> Vec<Arc<Event>> {
    let Input::Accounts(mut report) = report(AccountKind::Margin, Some(positions)) else { unreachable!() };
    report.at = bench.now + TimeDelta::seconds(1);
    report.accounts[0].unread = unread;
    bench.feed(Input::Accounts(report)).0
}

fn shares() -> Vec<BrokerPosition> {
    vec![held(Instrument::Equity(symbol("SPY")), 100)]
}

#[test]
fn a_short_put_that_is_assigned_under_a_resting_exit_becomes_shares_in_the_books() {
    let mut bench = Bench::new();
    let exit = exit_rests(&mut bench);
    let short = || vec![held(option(Right::Put, 650), -1)];
    assert!(read(&mut bench, short(), 0).is_empty());
    let open = |bench: &Bench| bench.engine.books().trades[&exit.trade].is_open();
    let adopted = |events: &[Arc<Event>]| {
        events.iter().filter(|event| matches!(event.as_ref(), Event::TradeAdopted(_))).count()
    };
    let events = read(&mut bench, shares(), 0);
    assert_eq!((adopted(&events), open(&bench)), (1, true), "the exit may have filled: it is looked at");
    bench.now += TimeDelta::seconds(20);
    read(&mut bench, shares(), 0);
    assert!(open(&bench), "not looked at yet");
    let looks = bench.tick(1);
    let look = looks.into_iter().find(|look| look.reference == exit.reference).expect("a look");
    assert!(bench.shown(look, vec![report_of(&exit, 8, OrderStatus::Live, &[])]).is_empty());
    read(&mut bench, shares(), 1);
    assert!(open(&bench), "a list that is not whole proves nothing");
    read(&mut bench, shares(), 0);
    assert!(!open(&bench));
    assert_eq!(bench.engine.books().open_trades().count(), 1, "the shares");
    assert!(bench.engine.books().safety.alarms.is_empty());
}

#[test]
fn an_exit_that_fills_before_its_word_comes_is_booked_and_not_taken_for_a_difference() {
    let mut bench = Bench::new();
    let exit = exit_rests(&mut bench);
    for _ in 0..3 {
        read(&mut bench, shares(), 0);
        bench.now += TimeDelta::seconds(20);
    }
    let look = bench.tick(1).into_iter().find(|look| look.reference == exit.reference).expect("a look");
    let reports = vec![report_of(&exit, 8, OrderStatus::Filled, &["b"])];
    let step = bench.engine.step(Input::Looked { look, result: Ok(reports.clone()) }, bench.now);
    bench.settle(step);
    // The positions are read again before what the look showed is taken in.
    read(&mut bench, shares(), 0);
    assert!(bench.engine.books().trades[&exit.trade].is_open());
    for report in reports {
        bench.feed(Input::Order(Box::new(report)));
    }
    let state = bench.engine.books().trades[&exit.trade].state;
    assert_eq!(state, TradeState::Closed { why: crate::domain::trade::CloseReason::Closed });
    assert!(bench.engine.books().safety.alarms.is_empty());
}
