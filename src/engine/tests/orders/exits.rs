//! Ways out of a trade: an exit that rests at the broker, and what an order that ended with unequal legs calls for.

use super::*;
use crate::domain::order::OrderFor;

#[test]
fn an_exit_rests_at_the_price_of_the_rule_until_it_is_cancelled() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let opening = ticket(1, false);
    bench.intended(&opening, Some(PortfolioId::from_key("medium")));
    bench.order(&opening);
    let wish = |trade| Command::Stage {
        trade,
        purpose: OrderFor::RestExit,
        limit: None,
        rationale: "two thirds of it are enough".into(),
    };
    let refused = bench.refused(wish(opening.trade));
    assert!(matches!(refused, Refusal::NotOrderable { .. }), "not open yet: {refused}");
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));

    bench.now += TimeDelta::seconds(1);
    let input = Input::Command { command: wish(opening.trade), reply: None };
    let step = bench.engine.step(input, bench.now);
    let asked = step.effects.iter().find_map(|effect| match effect {
        Effect::DryRun(ticket) => Some(ticket),
        _ => None,
    });
    let exit = asked.expect("the broker is asked");
    assert_eq!(exit.time_in_force, TimeInForce::Gtc);
    // Sold at 1.52; the balanced profile keeps 65 %.
    assert_eq!(exit.limit, NetPrice(Decimal::new(-53, 2)));
    assert_eq!(exit.legs[0].action, OrderAction::BuyToClose);
}

#[test]
fn legs_filled_unequally_call_for_a_rescue_until_they_are_closed() {
    let mut bench = Bench::new();
    let single = ticket(1, false);
    let second =
        OrderLeg { instrument: option(Right::Put, 640), action: OrderAction::BuyToOpen, quantity: 1 };
    let legs = single.legs.iter().cloned().chain([second]).collect();
    let spread = Ticket { legs, ..single };
    bench.sent(&spread);
    let mut report = report_of(&spread, 7, OrderStatus::Live, &["a"]);
    report.legs[1].fills.clear();
    bench.told(report.clone());
    let rescue = |bench: &mut Bench| {
        let picture = bench.engine.snapshot(bench.now);
        picture.blotter.into_iter().find(|row| row.urgency == crate::snapshot::overview::Urgency::Rescue)
    };
    assert_eq!(rescue(&mut bench), None, "the other leg may still fill");

    report.status = OrderStatus::Cancelled;
    let step =
        bench.engine.step(Input::AccountNotice(AccountNotice::Order { report: Box::new(report) }), bench.now);
    let alarms =
        |effect: &Effect| matches!(effect, Effect::Say(notice) if notice.text.contains("others not"));
    assert!(step.effects.iter().any(alarms), "{:?}", step.effects);
    bench.settle(step);
    assert_eq!(bench.state(&spread), OrderState::PartlyFilled);
    let row = rescue(&mut bench).expect("a row");
    assert!(row.why.contains("1 of 1") && row.why.contains("0 of 1"), "{row:?}");
    assert_eq!(row.trade, Some(spread.trade));

    let closing = Ticket { trade: spread.trade, ..ticket(2, true) };
    bench.order(&closing);
    assert_eq!(rescue(&mut bench), None, "it is being closed");
    bench.told(report_of(&closing, 8, OrderStatus::Filled, &["b"]));
    assert_eq!(rescue(&mut bench), None);
    assert!(!bench.engine.books().trades[&spread.trade].is_open());
}
