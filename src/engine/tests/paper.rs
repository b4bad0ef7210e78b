//! Accounts on paper: their evenings, their fees, and what they are no part of.

use super::*;
use crate::domain::bar::Bar;
use crate::domain::event::{
    Answered, BookedFill, LinkedOrder, OrderAnswered, OrderChange, OrderFilled, OrderStaged, OrderSubmitted,
    OrdersLinked, SetNamed, TradeAdopted, TradeIntended,
};
use crate::domain::order::{
    BrokerOrderId, ComplexKind, Fill, FillId, NetPrice, OrderAction, OrderLeg, SetRole, Ticket, TimeInForce,
};
use crate::domain::trade::{CloseReason, TradeState};
use crate::domain::{Leg, OrderRef, TradeKind};
use crate::market::update::{Epoch, MarketUpdate, RawQuote, Source};

impl Bench {
    fn recorded(&mut self, events: Vec<Event>) {
        let mut step = Step::default();
        self.engine.record(&mut step, Actor::Trader, events, None, self.now);
        self.settle(step);
    }
}

fn paper() -> AccountId {
    AccountId::from_number("test", "0001").on_paper()
}

fn expiring() -> TradingDate {
    TradingDate::from_ymd_opt(2026, 11, 20).unwrap()
}

fn contract(right: Right, strike: i64) -> Instrument {
    let Instrument::Option(option) = option(right, strike) else { panic!("an option") };
    Instrument::Option(OptionContract { expiry: expiring(), ..(*option).clone() }.into())
}

/// Open on paper: the contracts, signed, at an entry in cents.
fn held_on_paper(bench: &mut Bench, legs: &[(Instrument, i64, i64)]) -> TradeId {
    let trade = TradeId(uuid::Uuid::from_u128(77));
    let underlying = legs[0].0.underlying().clone();
    let legs = legs.iter().map(|(instrument, quantity, cents)| Leg {
        instrument: instrument.clone(),
        quantity: Decimal::from(*quantity),
        entry: Some(Price(Decimal::new(*cents, 2))),
    });
    bench.recorded(vec![Event::TradeAdopted(TradeAdopted {
        trade,
        account: paper(),
        portfolio: Some(PortfolioId::from_key("medium")),
        underlying,
        strategy: Strategy::Single,
        legs: legs.collect(),
        opened_at: bench.now,
    })]);
    trade
}

/// The evening of the expiry has come, and the day closed there.
fn evening(bench: &mut Bench, close: f64) {
    let bar = Bar { date: expiring(), open: close, high: close, low: close, close, volume: None };
    bench.feed(Input::Market(vec![MarketUpdate::Bars { symbol: symbol("SPY"), bars: vec![bar] }]));
    bench.now = chrono::DateTime::from_timestamp(1_795_212_000, 0).unwrap();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
}

#[test]
fn a_short_put_in_the_money_becomes_shares_at_the_strike_less_its_premium() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let trade = held_on_paper(&mut bench, &[(contract(Right::Put, 650), -1, 200)]);
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    assert_eq!(bench.engine.books().trades[&trade].legs.len(), 1, "the close of the day is not known yet");
    evening(&mut bench, 640.0);
    let held = &bench.engine.books().trades[&trade];
    assert!(held.is_open());
    let [shares] = &held.legs[..] else { panic!("{held:?}") };
    assert_eq!(
        (&shares.instrument, shares.quantity),
        (&Instrument::Equity(symbol("SPY")), Decimal::from(100))
    );
    assert_eq!(shares.entry, Some(Price(Decimal::from(648))));
    let told = bench.recorded.iter().any(
        |it| matches!(it.event.as_ref(), Event::NoteRecorded(note) if note.rationale.contains("is assigned")),
    );
    assert!(told, "a note says what happened");
}

#[test]
fn what_is_out_of_the_money_runs_off_and_a_spread_in_the_money_closes_itself() {
    for (close, why) in [(660.0, CloseReason::Expired), (630.0, CloseReason::Assigned)] {
        let mut bench = Bench::new();
        bench.feed(report(AccountKind::Margin, Some(vec![])));
        let legs = [(contract(Right::Put, 650), -1, 200), (contract(Right::Put, 640), 1, 80)];
        let trade = held_on_paper(&mut bench, &legs);
        evening(&mut bench, close);
        assert_eq!(bench.engine.books().trades[&trade].state, TradeState::Closed { why }, "{close}");
    }
}

#[test]
fn nothing_is_settled_without_the_close_however_long_ago_it_ended() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let trade = held_on_paper(&mut bench, &[(contract(Right::Put, 650), -1, 200)]);
    let waits = |bench: &mut Bench| {
        let warnings = bench.engine.snapshot(bench.now).warnings;
        let ours = "SPY 20 Nov 650 P ended and the close of that day is not known: it stays until it is";
        warnings.iter().filter(|warning| *warning == ours).count()
    };
    bench.now += TimeDelta::days(20);
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let held = &bench.engine.books().trades[&trade];
    assert!(held.is_open() && held.legs[0].instrument == contract(Right::Put, 650), "{held:?}");
    assert_eq!(waits(&mut bench), 1);
    // The bars come later than the accounts.
    let bar = Bar { date: expiring(), open: 600.0, high: 600.0, low: 600.0, close: 600.0, volume: None };
    bench.feed(Input::Market(vec![MarketUpdate::Bars { symbol: symbol("SPY"), bars: vec![bar] }]));
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let held = &bench.engine.books().trades[&trade];
    assert_eq!(held.legs[0].entry, Some(Price(Decimal::from(648))), "its loss is kept: {held:?}");
    assert_eq!(waits(&mut bench), 0);
}

#[test]
fn what_ends_in_the_morning_goes_by_the_open() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let Instrument::Option(put) = contract(Right::Put, 650) else { panic!("an option") };
    let morning = Settlement::Am;
    let index = OptionContract {
        underlying: symbol("SPX"),
        root: symbol("SPX"),
        settlement: morning,
        ..(*put).clone()
    };
    let trade = held_on_paper(&mut bench, &[(Instrument::Option(index.into()), -1, 200)]);
    let bar = Bar { date: expiring(), open: 640.0, high: 670.0, low: 640.0, close: 670.0, volume: None };
    bench.feed(Input::Market(vec![MarketUpdate::Bars { symbol: symbol("SPX"), bars: vec![bar] }]));
    bench.now = chrono::DateTime::from_timestamp(1_795_212_000, 0).unwrap();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let settled = TradeState::Closed { why: CloseReason::CashSettled };
    assert_eq!(bench.engine.books().trades[&trade].state, settled);
    let words = "is settled in cash at 10 a share, by the open of its day";
    let told = bench
        .recorded
        .iter()
        .any(|it| matches!(it.event.as_ref(), Event::NoteRecorded(note) if note.rationale.contains(words)));
    assert!(told, "a note says what happened");
}

/// Buys the put back: at the broker's side as number `n`, by itself or in a set.
fn closing(bench: &mut Bench, trade: TradeId, n: u128) -> OrderRef {
    let reference = OrderRef(uuid::Uuid::from_u128(80 + n));
    let (instrument, action) = (contract(Right::Put, 650), OrderAction::BuyToClose);
    let ticket = Ticket {
        reference,
        trade,
        account: paper(),
        legs: vec![OrderLeg { instrument, action, quantity: 1 }],
        limit: NetPrice(Decimal::new(-50, 2)),
        time_in_force: TimeInForce::Gtc,
    };
    let answer = Answered::Accepted { id: BrokerOrderId(n.to_string()) };
    bench.recorded(vec![
        Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }),
        Event::OrderSubmitted(OrderSubmitted { reference, ticket, venue: None, checks: vec![] }),
        Event::OrderAnswered(OrderAnswered { reference, answer }),
    ]);
    reference
}

#[test]
fn exits_of_what_the_evening_has_settled_are_taken_back() {
    for in_set in [false, true] {
        let mut bench = Bench::new();
        bench.feed(report(AccountKind::Margin, Some(vec![])));
        let trade = held_on_paper(&mut bench, &[(contract(Right::Put, 650), -1, 200)]);
        let orders = [1, 2].map(|n| closing(&mut bench, trade, n));
        if in_set {
            let [target, stop] = orders;
            let at = NetPrice(Decimal::new(-400, 2));
            let roles = [(target, SetRole::Target), (stop, SetRole::Stop { at })];
            let orders = roles.map(|(reference, role)| LinkedOrder { reference, role }).into();
            bench.recorded(vec![
                Event::OrdersLinked(OrdersLinked { set: target, set_kind: ComplexKind::Oco, orders }),
                Event::SetNamed(SetNamed { set: target, id: BrokerOrderId("set".into()) }),
            ]);
        }
        let cancels = |bench: &mut Bench| {
            bench.now += TimeDelta::seconds(1);
            let step = bench.engine.step(Input::Tick, bench.now);
            let sent = step.sends.iter().map(|effect| match effect {
                Effect::Cancel { id, .. } | Effect::CancelSet { id, .. } => id.0.clone(),
                other => panic!("{other:?}"),
            });
            let sent: Vec<String> = sent.collect();
            bench.settle(step);
            sent
        };
        assert_eq!(cancels(&mut bench), Vec::<String>::new(), "what they close is held");
        evening(&mut bench, 640.0);
        let wanted: &[&str] = if in_set { &["set"] } else { &["1", "2"] };
        assert_eq!(cancels(&mut bench), wanted);
        assert_eq!(cancels(&mut bench), Vec::<String>::new(), "asked once");
        let asked = |order: &OrderRef| bench.engine.books().orders[order].change == Some(OrderChange::Cancel);
        assert!(orders.iter().all(asked));
    }
}

#[test]
fn trades_on_paper_are_no_part_of_a_portfolio_in_another_run() {
    for (mode, counts) in [(Mode::Paper, true), (Mode::Sim, false)] {
        let mut bench = Bench::new();
        bench.feed(report(AccountKind::Margin, Some(vec![])));
        bench.engine.config.mode = mode;
        held_on_paper(&mut bench, &[(Instrument::Equity(symbol("SPY")), 1, 60_000)]);
        let received = bench.now;
        let (bid, ask) = (Some(Price(Decimal::from(649))), Some(Price(Decimal::from(651))));
        let quote = RawQuote { bid, ask, bid_size: None, ask_size: None, at: None, received };
        let instrument = Instrument::Equity(symbol("SPY"));
        let source = Source::Stream(Epoch(1));
        bench.feed(Input::Market(vec![MarketUpdate::Quote { instrument, quote, source }]));
        let market = bench.engine.market(bench.now);
        let books = bench.engine.books();
        let medium = PortfolioId::from_key("medium");
        let made = risk_book::open_pnl(books, &market, medium, bench.engine.belongs());
        assert_eq!(made.sum, Money(Decimal::from(if counts { 50 } else { 0 })), "{mode:?}");
        // The picture says the same.
        let picture = bench.engine.snapshot(bench.now);
        let strip = picture.portfolios.iter().find(|strip| strip.id == Some(medium)).expect("a strip");
        let worth = if counts { 20_050 } else { 20_000 };
        assert_eq!(strip.equity.value, Some(Money(Decimal::from(worth))), "{mode:?}");
    }
}

#[test]
fn fees_are_estimated_from_the_fills_and_counted_once() {
    let mut bench = Bench::new();
    let trade = TradeId(uuid::Uuid::from_u128(78));
    let leg =
        OrderLeg { instrument: contract(Right::Put, 650), action: OrderAction::SellToOpen, quantity: 12 };
    let ticket = Ticket {
        reference: OrderRef(uuid::Uuid::from_u128(79)),
        trade,
        account: paper(),
        legs: vec![leg.clone()],
        limit: NetPrice(Decimal::new(150, 2)),
        time_in_force: TimeInForce::Day,
    };
    let fill = |id: &str, quantity: i64| BookedFill {
        instrument: leg.instrument.clone(),
        action: leg.action,
        fill: Fill {
            id: FillId(id.into()),
            quantity: Decimal::from(quantity),
            price: Price(Decimal::new(150, 2)),
            at: Some(bench.now),
        },
    };
    let fills = vec![fill("a", 8), fill("b", 4), fill("a", 8)];
    let reference = ticket.reference;
    bench.watchful = false;
    bench.recorded(vec![
        Event::TradeIntended(TradeIntended {
            trade,
            trade_kind: TradeKind::Real,
            portfolio: None,
            account: Some(paper()),
            underlying: symbol("SPY"),
            strategy: Strategy::Single,
            legs: vec![],
            note_kind: NoteKind::Decision,
            rationale: "income".into(),
        }),
        Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }),
        Event::OrderSubmitted(OrderSubmitted { reference, ticket, venue: None, checks: vec![] }),
        Event::OrderFilled(OrderFilled { reference, fills }),
    ]);
    // Ten dollars of commission at most, and fourteen cents for each of twelve contracts.
    let books = bench.engine.books();
    assert_eq!(books.estimated_fees(trade, |_| true), Money(Decimal::new(1_168, 2)));
    assert_eq!(books.estimated_fees(trade, |_| false), Money::default());
}
