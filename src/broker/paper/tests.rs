//! The paper broker against quotes of its own: what fills, at which price, and what never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate};

use super::*;
use crate::domain::order::{ComplexKind, Exit, Fill, FillId, NetPrice, OrderAction, OrderLeg, TimeInForce};
use crate::domain::{ExerciseStyle, OptionContract, OrderRef, Price, Right, Settlement, Symbol, TradeId};
use crate::market::rates::RateCurve;
use crate::market::update::{Epoch, RawQuote, Source};

/// Friday 20 November 2026, 10:48 in New York.
const OPEN: i64 = 1_795_189_680_000;
const SECOND: i64 = 1_000;

struct Bench {
    desk: PaperDesk,
    clock: Arc<AtomicI64>,
    account: AccountId,
}

fn at(ms: i64) -> Timestamp {
    DateTime::from_timestamp_millis(ms).expect("an instant")
}

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn net(price: i64) -> NetPrice {
    NetPrice(cents(price))
}

fn config(orders: Vec<Resumed>) -> PaperConfig {
    let spy = Symbol::new("SPY").expect("a symbol");
    PaperConfig {
        market: MarketConfig::new(RateCurve::flat(0.04).expect("a curve"), spy),
        model: FillModel::default(),
        capital: BTreeMap::from([(account(), Money(Decimal::from(25_000)))]),
        held: BTreeMap::new(),
        orders,
    }
}

fn account() -> AccountId {
    AccountId::of_hypothetical("model")
}

impl Bench {
    fn new() -> Self {
        Self::resuming(Vec::new())
    }

    fn resuming(orders: Vec<Resumed>) -> Self {
        let clock = Arc::new(AtomicI64::new(OPEN));
        let read = Arc::clone(&clock);
        let desk = PaperDesk::new(config(orders), move || at(read.load(Ordering::Relaxed)));
        desk.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) });
        Self { desk, clock, account: account() }
    }

    fn wait(&self, seconds: i64) -> Timestamp {
        at(self.clock.fetch_add(seconds * SECOND, Ordering::Relaxed) + seconds * SECOND)
    }

    /// A streamed quote a second later.
    fn quote(&self, instrument: &Instrument, bid: i64, ask: i64) {
        self.sized(instrument, bid, ask, None);
    }

    fn sized(&self, instrument: &Instrument, bid: i64, ask: i64, size: Option<f64>) {
        let received = self.wait(1);
        let quote = RawQuote {
            bid: Some(Price(cents(bid))),
            ask: Some(Price(cents(ask))),
            bid_size: size,
            ask_size: size,
            at: None,
            received,
        };
        let source = Source::Stream(Epoch(1));
        self.desk.hear(&[MarketUpdate::Quote { instrument: instrument.clone(), quote, source }]);
    }

    async fn place(&self, ticket: &Ticket) -> BrokerOrderId {
        match self.desk.place(Cleared::for_test(ticket.clone())).await {
            Placed::Accepted(report) => report.id,
            other => panic!("not accepted: {other:?}"),
        }
    }
}

fn put(strike: i64) -> Instrument {
    option(Right::Put, strike)
}

fn option(right: Right, strike: i64) -> Instrument {
    let spy = Symbol::new("SPY").expect("a symbol");
    Instrument::Option(
        OptionContract {
            underlying: spy.clone(),
            root: spy,
            expiry: NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
            strike: Decimal::from(strike),
            right,
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        }
        .into(),
    )
}

fn leg(instrument: Instrument, action: OrderAction, quantity: u32) -> OrderLeg {
    OrderLeg { instrument, action, quantity }
}

fn ticket(limit: i64, quantity: u32) -> Ticket {
    Ticket {
        reference: OrderRef(uuid::Uuid::from_u128(7)),
        trade: TradeId(uuid::Uuid::from_u128(8)),
        account: account(),
        legs: vec![
            leg(put(640), OrderAction::SellToOpen, quantity),
            leg(put(635), OrderAction::BuyToOpen, quantity),
        ],
        limit: net(limit),
        time_in_force: TimeInForce::Day,
    }
}

/// Sold at 3.00 (mid 3.10), bought at 2.00 (mid 1.90): mid 1.20, natural 1.00.
fn market(bench: &Bench) {
    bench.quote(&put(640), 300, 320);
    bench.quote(&put(635), 180, 200);
}

/// Signed, what the fills of the first unit come to.
fn paid(report: &OrderReport) -> Decimal {
    let of = |leg: &crate::domain::order::LegReport| {
        let sign = leg.action.map_or(Decimal::ZERO, OrderAction::sign);
        leg.fills.first().map_or(Decimal::ZERO, |fill| -sign * fill.price.0)
    };
    report.legs.iter().map(of).sum()
}

#[tokio::test]
async fn an_order_that_gives_enough_trades_at_the_models_price_and_no_better() {
    let bench = Bench::new();
    market(&bench);
    // Half of one leg's half-spread, for two legs a root of two less: 1.20 − 0.3536 × 0.20, to the cent.
    bench.place(&ticket(105, 1)).await;
    let told = bench.desk.trade();
    assert_eq!((told.len(), told[0].status.clone()), (1, OrderStatus::Filled));
    assert_eq!(paid(&told[0]), cents(112));
    assert!(told[0].is_filled());
    assert_eq!(bench.desk.trade(), [], "told once");
}

#[tokio::test]
async fn one_that_asks_for_more_waits_until_the_market_comes_and_then_gets_its_limit() {
    let bench = Bench::new();
    market(&bench);
    let id = bench.place(&ticket(113, 1)).await;
    assert_eq!(bench.desk.trade(), []);
    bench.quote(&put(640), 330, 350);
    let told = bench.desk.trade();
    assert_eq!((told[0].id.clone(), paid(&told[0])), (id, cents(113)));
}

#[tokio::test]
async fn nothing_trades_without_a_live_quote_with_two_sides_in_every_leg() {
    let no_sides = [(0, 320), (320, 300), (0, 0)];
    for (bid, ask) in no_sides {
        let bench = Bench::new();
        bench.quote(&put(635), 180, 200);
        bench.quote(&put(640), bid, ask);
        bench.place(&ticket(1, 1)).await;
        assert_eq!(bench.desk.trade(), [], "{bid} {ask}");
    }
    // Half of the legs is no market, and what is stale is none.
    let bench = Bench::new();
    bench.quote(&put(640), 300, 320);
    bench.place(&ticket(1, 1)).await;
    assert_eq!(bench.desk.trade(), []);
    let bench = Bench::new();
    market(&bench);
    bench.desk.link(Link::MarketStream, LinkState::Down { why: "test".into(), retry_in_ms: None });
    bench.place(&ticket(1, 1)).await;
    assert_eq!(bench.desk.trade(), []);
    let silent = Bench::new();
    market(&silent);
    silent.place(&ticket(1, 1)).await;
    silent.wait(60);
    assert_eq!(silent.desk.trade(), [], "nothing was heard for a minute");
}

#[tokio::test]
async fn the_sizes_shown_bound_a_fill_and_each_quote_trades_once() {
    let bench = Bench::new();
    bench.sized(&put(640), 300, 320, Some(2.0));
    bench.sized(&put(635), 180, 200, Some(50.0));
    bench.place(&ticket(105, 3)).await;
    let first = bench.desk.trade();
    assert_eq!(first[0].status, OrderStatus::Live);
    assert_eq!(first[0].legs[0].fills[0].quantity, Decimal::TWO);
    assert_eq!(bench.desk.trade(), [], "the same quotes again");
    bench.sized(&put(640), 300, 320, Some(2.0));
    let last = bench.desk.trade();
    assert!(last[0].is_filled() && last[0].status == OrderStatus::Filled);
    let ids: Vec<_> = last[0].legs.iter().flat_map(|leg| &leg.fills).map(|fill| &fill.id).collect();
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (4, 4), "{ids:?}");
}

#[tokio::test]
async fn a_day_order_ends_with_the_session_and_a_closed_market_trades_nothing() {
    let bench = Bench::new();
    market(&bench);
    bench.place(&ticket(119, 1)).await;
    bench.wait(6 * 3_600);
    let told = bench.desk.trade();
    assert_eq!(told[0].status, OrderStatus::Expired);
    let night = Bench::new();
    night.wait(7 * 3_600);
    market(&night);
    night.place(&ticket(1, 1)).await;
    assert_eq!(night.desk.trade(), []);
}

#[tokio::test]
async fn a_replacement_has_a_number_of_its_own_and_a_cancel_ends_it() {
    let bench = Bench::new();
    market(&bench);
    let first = bench.place(&ticket(119, 1)).await;
    let with = Cleared::for_test(Replacement(ticket(118, 1)));
    let Placed::Accepted(second) = bench.desk.replace(bench.account, &first, with).await else {
        panic!("not replaced")
    };
    assert_eq!((second.replaces.as_ref(), second.limit), (Some(&first), Some(net(118))));
    let old = bench.desk.order(bench.account, &first).await.expect("known");
    assert_eq!((old.status, old.replaced_by), (OrderStatus::Cancelled, Some(second.id.clone())));
    let Placed::Accepted(ended) = bench.desk.cancel(bench.account, &second.id).await else {
        panic!("not cancelled")
    };
    assert_eq!(ended.status, OrderStatus::Cancelled);
    assert!(matches!(bench.desk.cancel(bench.account, &second.id).await, Placed::Refused(_)));
    let all = bench.desk.orders_since(bench.account, at(OPEN)).await.expect("a list");
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn an_account_of_a_broker_is_refused_and_so_is_a_reference_twice() {
    let bench = Bench::new();
    let real = Ticket { account: AccountId::from_number("tastytrade", "1"), ..ticket(105, 1) };
    assert!(matches!(bench.desk.place(Cleared::for_test(real.clone())).await, Placed::Refused(_)));
    assert!(matches!(bench.desk.dry_run(&real).await, Err(Undone::Refused(_))));
    bench.place(&ticket(105, 1)).await;
    assert!(matches!(bench.desk.place(Cleared::for_test(ticket(105, 1))).await, Placed::Refused(_)));
}

#[tokio::test]
async fn it_begins_where_the_record_ends() {
    let resumed = |ids: &[&str], fills: Vec<Vec<crate::domain::order::Fill>>| Resumed {
        ticket: ticket(119, 2),
        limit: net(113),
        ids: ids.iter().map(|id| BrokerOrderId((*id).into())).collect(),
        sent_at: at(OPEN - 60 * SECOND),
        fills,
        set: None,
    };
    let fill = |leg: usize| crate::domain::order::Fill {
        id: crate::domain::order::FillId(format!("old/{leg}/1")),
        quantity: Decimal::ONE,
        price: Price(cents(300)),
        at: None,
    };
    let bench = Bench::resuming(vec![resumed(&["a", "b"], vec![vec![fill(0)], vec![fill(1)]])]);
    bench.quote(&put(640), 330, 350);
    bench.quote(&put(635), 180, 200);
    let told = bench.desk.trade();
    assert_eq!((told[0].id.0.as_str(), told[0].status.clone()), ("b", OrderStatus::Filled));
    let filled: Vec<usize> = told[0].legs.iter().map(|leg| leg.fills.len()).collect();
    assert_eq!(filled, [2, 2], "one was filled before, one now");
    // What was never answered was never taken: the search says so.
    let bench = Bench::resuming(vec![resumed(&[], Vec::new())]);
    let found = bench.desk.orders_since(bench.account, at(OPEN - 120 * SECOND)).await.expect("a list");
    assert_eq!(found[0].status, OrderStatus::Rejected);
    assert_eq!(found[0].reference, Some(ticket(1, 1).reference));
}

#[tokio::test]
async fn a_dry_run_knows_requirement_credit_and_fees() {
    let bench = Bench::new();
    market(&bench);
    let told = bench.desk.dry_run(&ticket(115, 2)).await.expect("judged");
    // Two spreads five wide bind 1,000, bring 230 and cost 2 × 2 × 1.14.
    assert_eq!(told.margin_change, Some(Money(Decimal::from(-1_000))));
    assert_eq!(told.fees, Some(Money(Decimal::new(-456, 2))));
    assert_eq!(told.buying_power_change, Some(Money(Decimal::new(-77_456, 2))));
    assert_eq!(told.buying_power_after, Some(Money(Decimal::new(2_422_544, 2))));
    assert!(told.errors.is_empty());
    let much = bench.desk.dry_run(&ticket(115, 100)).await.expect("judged");
    assert_eq!(much.errors.len(), 1, "25,000 do not carry 50,000");
    // Without the price of SPY a short put binds its whole strike, and a short call what nobody can tell.
    let mut naked = ticket(300, 1);
    naked.legs.truncate(1);
    let told = bench.desk.dry_run(&naked).await.expect("judged");
    assert_eq!(told.margin_change, Some(Money(Decimal::from(-64_000))));
    naked.legs[0].instrument = option(Right::Call, 640);
    let told = bench.desk.dry_run(&naked).await.expect("judged");
    assert_eq!(told.buying_power_after, None, "the price of SPY is not known");
}

/// Buys the spread back at 0.60, or once that costs 2.00 and more.
fn exits() -> Vec<Exit> {
    let exit = |n: u128, limit: i64| Ticket {
        reference: OrderRef(uuid::Uuid::from_u128(n)),
        legs: vec![leg(put(640), OrderAction::BuyToClose, 1), leg(put(635), OrderAction::SellToClose, 1)],
        time_in_force: TimeInForce::Gtc,
        ..ticket(limit, 1)
    };
    vec![exit(21, -60).into(), Exit { ticket: exit(22, -220), stop: Some(net(-200)) }]
}

async fn placed(bench: &Bench, kind: ComplexKind, trigger: Option<Ticket>) -> ComplexReport {
    let set = ComplexTicket { kind, trigger, orders: exits() };
    match bench.desk.place_complex(Cleared::for_test(set)).await {
        Placed::Accepted(report) => *report,
        other => panic!("not accepted: {other:?}"),
    }
}

fn statuses(told: &[OrderReport]) -> Vec<OrderStatus> {
    told.iter().map(|report| report.status.clone()).collect()
}

#[tokio::test]
async fn of_two_exits_one_fills_and_ends_the_other() {
    for (falls, filled) in [(true, 0), (false, 1)] {
        let bench = Bench::new();
        market(&bench);
        let set = placed(&bench, ComplexKind::Oco, None).await;
        assert_eq!(statuses(&set.orders), [OrderStatus::Live, OrderStatus::Live]);
        assert_eq!(bench.desk.trade(), [], "neither price is there, and a stop is no limit order");
        if falls {
            bench.quote(&put(640), 100, 102);
            bench.quote(&put(635), 50, 52);
        } else {
            bench.quote(&put(640), 400, 404);
            bench.quote(&put(635), 196, 200);
        }
        let told = bench.desk.trade();
        let ended =
            |at: usize| told.iter().find(|it| it.id == set.orders[at].id).expect("told").status.clone();
        assert_eq!((ended(filled), ended(1 - filled)), (OrderStatus::Filled, OrderStatus::Cancelled));
        bench.quote(&put(640), 100, 102);
        assert_eq!(bench.desk.trade(), [], "nothing of it works any more");
    }
}

#[tokio::test]
async fn a_stop_that_is_jumped_over_stays_unfilled_at_its_limit() {
    let bench = Bench::new();
    market(&bench);
    placed(&bench, ComplexKind::Oco, None).await;
    bench.quote(&put(640), 600, 604);
    bench.quote(&put(635), 196, 200);
    assert_eq!(bench.desk.trade(), [], "4.08 is past 2.20");
    bench.quote(&put(640), 400, 404);
    let told = bench.desk.trade();
    assert_eq!(statuses(&told).iter().filter(|it| **it == OrderStatus::Filled).count(), 1, "once it is back");
}

#[tokio::test]
async fn exits_begin_with_the_fill_and_end_with_an_order_that_did_not() {
    let bench = Bench::new();
    market(&bench);
    let set = placed(&bench, ComplexKind::Otoco, Some(ticket(105, 1))).await;
    assert_eq!(statuses(&set.orders), [OrderStatus::Live, OrderStatus::Contingent, OrderStatus::Contingent]);
    let told = bench.desk.trade();
    assert_eq!(told.len(), 3);
    let live = told.iter().filter(|report| report.status == OrderStatus::Live).count();
    assert_eq!(live, 2, "both exits work now");
    let cancelled = bench.desk.cancel_complex(bench.account, &set.id).await;
    let Placed::Accepted(cancelled) = cancelled else { panic!("{cancelled:?}") };
    assert_eq!(statuses(&cancelled.orders)[1..], [OrderStatus::Cancelled, OrderStatus::Cancelled]);
    assert!(matches!(bench.desk.cancel_complex(bench.account, &set.id).await, Placed::Refused(_)));

    let bench = Bench::new();
    market(&bench);
    placed(&bench, ComplexKind::Otoco, Some(ticket(119, 1))).await;
    bench.quote(&put(640), 100, 102);
    bench.quote(&put(635), 50, 52);
    assert_eq!(bench.desk.trade(), [], "exits of nothing");
    bench.wait(6 * 3_600);
    let told = bench.desk.trade();
    let mut ends = statuses(&told);
    ends.sort_by_key(|status| *status == OrderStatus::Expired);
    assert_eq!(ends, [OrderStatus::Cancelled, OrderStatus::Cancelled, OrderStatus::Expired]);
}

#[tokio::test]
async fn a_set_goes_on_after_a_restart() {
    let resumed = |n: usize, status: OrderStatus| {
        let exit = exits().remove(n);
        Resumed {
            limit: exit.ticket.limit,
            ids: vec![BrokerOrderId(format!("old-{n}"))],
            sent_at: at(OPEN - 60 * SECOND),
            fills: Vec::new(),
            set: Some(ResumedInSet {
                id: Some(BrokerOrderId("the-set".into())),
                role: exit.stop.map_or(SetRole::Target, |at| SetRole::Stop { at }),
                status: Some(status),
            }),
            ticket: exit.ticket,
        }
    };
    let bench = Bench::resuming(vec![resumed(0, OrderStatus::Live), resumed(1, OrderStatus::Live)]);
    bench.quote(&put(640), 100, 102);
    bench.quote(&put(635), 50, 52);
    let told = bench.desk.trade();
    assert_eq!(statuses(&told), [OrderStatus::Filled, OrderStatus::Cancelled]);
    let waiting = Bench::resuming(vec![resumed(0, OrderStatus::Contingent)]);
    waiting.quote(&put(640), 100, 102);
    waiting.quote(&put(635), 50, 52);
    assert_eq!(waiting.desk.trade(), [], "what it waits for has not filled");
}

fn of_record(n: u128, ticket: Ticket, role: SetRole, status: OrderStatus) -> Resumed {
    Resumed {
        limit: ticket.limit,
        ids: vec![BrokerOrderId(format!("old-{n}"))],
        sent_at: at(OPEN - 60 * SECOND),
        fills: Vec::new(),
        set: Some(ResumedInSet { id: Some(BrokerOrderId("the-set".into())), role, status: Some(status) }),
        ticket,
    }
}

#[tokio::test]
async fn what_an_end_does_to_the_others_is_made_up_for_after_a_restart() {
    let roles = [SetRole::Target, SetRole::Stop { at: net(-200) }];
    let [target, stop] = <[Exit; 2]>::try_from(exits()).expect("two").map(|exit| exit.ticket);
    let of = |told: Vec<OrderReport>| -> Vec<(String, OrderStatus)> {
        told.into_iter().map(|it| (it.id.0, it.status)).collect()
    };

    // The target has filled: in the record as such, or by its fills only. Nothing else works, and it is told all the same.
    let fill = |n: u32| Fill {
        id: FillId(n.to_string()),
        quantity: Decimal::ONE,
        price: Price(cents(100)),
        at: None,
    };
    for status in [OrderStatus::Filled, OrderStatus::Live] {
        let mut filled = of_record(1, target.clone(), roles[0], status.clone());
        filled.fills = vec![vec![fill(1)], vec![fill(2)]];
        let bench = Bench::resuming(vec![of_record(2, stop.clone(), roles[1], OrderStatus::Live), filled]);
        let mut wanted = vec![("old-2".to_owned(), OrderStatus::Cancelled)];
        if status == OrderStatus::Live {
            wanted.insert(0, ("old-1".to_owned(), OrderStatus::Filled));
        }
        assert_eq!(of(bench.desk.trade()), wanted);
    }

    // What opens has filled, or has not and never will.
    for (end, then) in
        [(OrderStatus::Filled, OrderStatus::Live), (OrderStatus::Cancelled, OrderStatus::Cancelled)]
    {
        let trigger = of_record(0, ticket(115, 1), SetRole::Trigger, end);
        let waits = |n, exit: &Ticket, role| of_record(n, exit.clone(), role, OrderStatus::Contingent);
        let bench = Bench::resuming(vec![trigger, waits(1, &target, roles[0]), waits(2, &stop, roles[1])]);
        let wanted = [("old-1".to_owned(), then.clone()), ("old-2".to_owned(), then)];
        assert_eq!(of(bench.desk.trade()), wanted);
    }
}
