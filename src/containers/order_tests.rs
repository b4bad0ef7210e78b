use proptest::prelude::*;
use rust_decimal::Decimal;

use super::tests::{adopted, record, symbol};
use super::*;
use crate::domain::event::{
    Answered, BookedFill, NoteKind, OrderAnswered, OrderChange, OrderChangeAnswered, OrderChangeRequested,
    OrderFilled, OrderMoved, OrderStaged, OrderSubmitted, TradeEvaluated, TradeIntended,
};
use crate::domain::id::CountedIds;
use crate::domain::order::{
    BrokerOrderId, Fill, FillId, NetPrice, OrderAction, OrderLeg, OrderState, OrderStep, Ticket, TimeInForce,
};
use crate::domain::trade::Verdict;
use crate::domain::{Evaluation, Instrument, Leg, Price, Strategy, TradeKind, TradeState};

const QUANTITY: u32 = 100;

struct Sent {
    books: Containers,
    reference: OrderRef,
    trade: TradeId,
}

fn ticket(reference: OrderRef, trade: TradeId, action: OrderAction) -> Ticket {
    Ticket {
        reference,
        trade,
        account: AccountId::from_number("test", "1"),
        legs: vec![OrderLeg { instrument: Instrument::Equity(symbol("SPY")), action, quantity: QUANTITY }],
        limit: NetPrice(Decimal::from(-600)),
        time_in_force: TimeInForce::Day,
    }
}

fn intended(trade: TradeId) -> [Event; 2] {
    let leg = Leg {
        instrument: Instrument::Equity(symbol("SPY")),
        quantity: Decimal::from(QUANTITY),
        entry: Some(Price(Decimal::from(600))),
    };
    let evaluation = Evaluation {
        net_price: None,
        max_profit: None,
        max_loss: None,
        payoff_unknown: false,
        defined_risk: true,
        stress_loss: None,
        breakevens: vec![],
        odds: None,
        delta_shares: None,
        beta_weighted_delta: None,
        theta_day: None,
        vega_point: None,
        limits: vec![],
        verdict: Verdict::Pass,
        notes: vec![],
    };
    [
        Event::TradeIntended(TradeIntended {
            trade,
            trade_kind: TradeKind::Real,
            portfolio: None,
            account: Some(AccountId::from_number("test", "1")),
            underlying: symbol("SPY"),
            strategy: Strategy::Stock,
            legs: vec![leg],
            note_kind: NoteKind::Decision,
            rationale: "cheap".into(),
        }),
        Event::TradeEvaluated(TradeEvaluated { trade, evaluation }),
    ]
}

/// An order on its way, of a trade that is PENDING.
fn sent() -> Sent {
    let mut ids = CountedIds(70);
    let (trade, reference) = (TradeId::new(&mut ids), OrderRef::new(&mut ids));
    let mut books = Containers::default();
    for event in intended(trade) {
        record(&mut books, event);
    }
    let ticket = ticket(reference, trade, OrderAction::BuyToOpen);
    record(&mut books, Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }));
    record(
        &mut books,
        Event::OrderSubmitted(OrderSubmitted { reference, ticket, venue: None, checks: vec![] }),
    );
    Sent { books, reference, trade }
}

fn fill(id: &str, quantity: i64, price: i64) -> BookedFill {
    BookedFill {
        instrument: Instrument::Equity(symbol("SPY")),
        action: OrderAction::BuyToOpen,
        fill: Fill {
            id: FillId(id.into()),
            quantity: Decimal::from(quantity),
            price: Price(Decimal::from(price)),
            at: None,
        },
    }
}

fn moved(reference: OrderRef, step: OrderStep) -> Event {
    Event::OrderMoved(OrderMoved { reference, step, id: None, status: None, limit: None, why: None })
}

#[test]
fn a_trade_is_pending_while_its_order_is_out_and_back_where_it_was_when_nothing_came_of_it() {
    let Sent { mut books, reference, trade } = sent();
    assert_eq!(books.trades[&trade].state, TradeState::Pending);
    record(&mut books, moved(reference, OrderStep::Accept));
    record(&mut books, moved(reference, OrderStep::Cancel));
    assert_eq!(books.orders[&reference].state, OrderState::Cancelled);
    assert_eq!(books.trades[&trade].state, TradeState::Evaluated);
}

#[test]
fn a_lost_answer_is_unknown_and_keeps_the_trade_pending() {
    let Sent { mut books, reference, trade } = sent();
    let answer = Answered::Lost { why: "no answer in 30 s".into() };
    record(&mut books, Event::OrderAnswered(OrderAnswered { reference, answer }));
    assert!(books.orders[&reference].is_unknown());
    assert_eq!(books.trades[&trade].state, TradeState::Pending);
    assert_eq!(books.live_orders().count(), 1);
}

#[test]
fn fills_make_the_position_at_their_average_and_each_counts_once() {
    let Sent { mut books, reference, trade } = sent();
    for fills in [vec![fill("a", 40, 600)], vec![fill("a", 40, 600), fill("b", 60, 610)]] {
        record(&mut books, Event::OrderFilled(OrderFilled { reference, fills }));
    }
    let leg = &books.trades[&trade].legs[0];
    assert_eq!((leg.quantity, leg.entry), (Decimal::from(100), Some(Price(Decimal::from(606)))));
    assert!(books.trades[&trade].is_open() && books.orders[&reference].is_filled());
    assert!(!books.orders[&reference].is_overfilled());
    assert_eq!(invariants::broken(&books), Vec::<String>::new());
}

#[test]
fn a_closing_order_takes_the_position_away_and_leaves_its_cost() {
    let mut ids = CountedIds(90);
    let (trade, reference) = (TradeId::new(&mut ids), OrderRef::new(&mut ids));
    let mut books = Containers::default();
    record(&mut books, adopted(trade, i64::from(QUANTITY)));
    let ticket = ticket(reference, trade, OrderAction::SellToClose);
    record(&mut books, Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }));
    record(
        &mut books,
        Event::OrderSubmitted(OrderSubmitted { reference, ticket, venue: None, checks: vec![] }),
    );
    assert!(books.trades[&trade].is_open(), "a closing order leaves the trade what it is");
    let sold = BookedFill { action: OrderAction::SellToClose, ..fill("c", 30, 640) };
    record(&mut books, Event::OrderFilled(OrderFilled { reference, fills: vec![sold] }));
    let leg = &books.trades[&trade].legs[0];
    assert_eq!((leg.quantity, leg.entry), (Decimal::from(70), Some(Price(Decimal::from(600)))));
}

#[test]
fn a_change_whose_answer_is_lost_leaves_the_order_in_doubt() {
    let Sent { mut books, reference, .. } = sent();
    record(&mut books, moved(reference, OrderStep::Accept));
    let limit = NetPrice(Decimal::from(-601));
    let ask = |books: &mut Containers, answer| {
        let change = OrderChange::Replace { limit };
        let wish = OrderChangeRequested { reference, change, checks: vec![] };
        record(books, Event::OrderChangeRequested(wish));
        record(books, Event::OrderChangeAnswered(OrderChangeAnswered { reference, answer }));
    };
    ask(&mut books, Answered::Lost { why: "reset".into() });
    assert!(books.orders[&reference].is_unknown());
    assert_ne!(books.orders[&reference].limit, limit);
    ask(&mut books, Answered::Accepted { id: BrokerOrderId("2".into()) });
    assert!(!books.orders[&reference].is_unknown());
    assert_eq!(books.orders[&reference].limit, limit);
}

proptest! {
    /// Whatever is dropped, doubled and reordered on the way: the position is the sum of the different fills.
    #[test]
    fn doubled_and_reordered_reports_book_each_fill_once(
        reports in proptest::collection::vec(proptest::collection::vec(0usize..8, 0..6), 0..20)
    ) {
        let Sent { mut books, reference, trade } = sent();
        let all: Vec<BookedFill> = (0..8).map(|n| fill(&n.to_string(), n + 1, 600 + n)).collect();
        let mut told = std::collections::BTreeSet::new();
        for report in reports {
            told.extend(report.iter().copied());
            let fills = report.into_iter().map(|n| all[n].clone()).collect();
            record(&mut books, Event::OrderFilled(OrderFilled { reference, fills }));
        }
        let wanted: i64 = told.iter().map(|n| *n as i64 + 1).sum();
        if !told.is_empty() {
            prop_assert_eq!(books.trades[&trade].legs[0].quantity, Decimal::from(wanted));
        }
        prop_assert_eq!(invariants::broken(&books), Vec::<String>::new());
    }
}
