//! Orders against a model of a broker that loses answers, is late, and shows its truth when it likes.

use super::*;
use crate::domain::OrderRef;
use crate::domain::control::KillMode;
use crate::domain::event::{
    Answered, OrderAnswered, OrderStaged, OrderSubmitted, TradeEvaluated, TradeIntended,
};
use crate::domain::order::{
    BrokerOrderId, DryRun, Fill, FillId, LegReport, NetPrice, OrderAction, OrderLeg, OrderRefusal,
    OrderReport, OrderState, OrderStatus, Placed, Ticket, TimeInForce,
};
use crate::domain::report::AccountNotice;
use crate::domain::trade::{Evaluation, TradeState, Verdict};
use crate::domain::{Leg, TradeKind};

mod calls;
mod changes;
mod exits;
mod reconciled;
mod sets;

const ACCOUNT: &str = "0001";

fn evaluation() -> Evaluation {
    serde_json::from_value(serde_json::json!({
        "net_price": null, "max_profit": null, "max_loss": null, "defined_risk": true, "breakevens": [],
        "delta_shares": null, "beta_weighted_delta": null, "theta_day": null, "vega_point": null,
        "limits": [], "verdict": Verdict::Pass, "notes": []
    }))
    .unwrap()
}

fn ticket(number: u128, closing: bool) -> Ticket {
    let action = if closing { OrderAction::BuyToClose } else { OrderAction::SellToOpen };
    Ticket {
        reference: OrderRef(uuid::Uuid::from_u128(1_000_000 + number)),
        trade: TradeId(uuid::Uuid::from_u128(2_000_000 + number)),
        account: AccountId::from_number("test", ACCOUNT),
        legs: vec![OrderLeg { instrument: option(Right::Put, 650), action, quantity: 1 }],
        limit: NetPrice(Decimal::new(if closing { -150 } else { 150 }, 2)),
        time_in_force: TimeInForce::Day,
    }
}

fn report_of(ticket: &Ticket, id: u64, status: OrderStatus, fills: &[&str]) -> OrderReport {
    let legs = ticket.legs.iter().map(|leg| LegReport {
        instrument: Some(leg.instrument.clone()),
        action: Some(leg.action),
        quantity: Some(Decimal::from(leg.quantity)),
        remaining: None,
        fills: fills
            .iter()
            .map(|fill| Fill {
                id: FillId((*fill).to_owned()),
                quantity: Decimal::ONE,
                price: Price(Decimal::new(152, 2)),
                at: None,
            })
            .collect(),
    });
    OrderReport {
        id: BrokerOrderId(id.to_string()),
        account: ticket.account,
        reference: Some(ticket.reference),
        status,
        legs: legs.collect(),
        limit: Some(ticket.limit),
        received_at: None,
        updated_at: None,
        replaces: None,
        replaced_by: None,
        complex: None,
        reject_reason: None,
    }
}

impl Bench {
    /// Events that are in the record, however they came there.
    fn given(&mut self, events: Vec<Event>) {
        let mut step = Step::default();
        self.engine.record(&mut step, Actor::Trader, events, None, self.now);
        self.settle(step);
    }

    /// An order on its way: its wish is durable, its request has left.
    fn sent(&mut self, ticket: &Ticket) {
        self.intended(ticket, None);
        self.order(ticket);
    }

    /// The evaluated trade of an order.
    fn intended(&mut self, ticket: &Ticket, portfolio: Option<PortfolioId>) {
        self.given(vec![
            Event::TradeIntended(TradeIntended {
                trade: ticket.trade,
                trade_kind: TradeKind::Real,
                portfolio,
                account: Some(ticket.account),
                underlying: symbol("SPY"),
                strategy: Strategy::Single,
                legs: vec![Leg {
                    instrument: option(Right::Put, 650),
                    quantity: Decimal::NEGATIVE_ONE,
                    entry: None,
                }],
                note_kind: NoteKind::Decision,
                rationale: "income".into(),
            }),
            Event::TradeEvaluated(TradeEvaluated { trade: ticket.trade, evaluation: evaluation() }),
        ]);
    }

    fn order(&mut self, ticket: &Ticket) {
        let reference = ticket.reference;
        self.given(vec![
            Event::OrderStaged(OrderStaged { ticket: ticket.clone(), walk: None, dry_run: None }),
            Event::OrderSubmitted(OrderSubmitted {
                reference,
                ticket: ticket.clone(),
                venue: None,
                checks: vec![],
            }),
        ]);
    }

    fn state(&self, ticket: &Ticket) -> OrderState {
        self.engine.books().orders[&ticket.reference].state
    }

    fn told(&mut self, report: OrderReport) -> Vec<Arc<Event>> {
        self.feed(Input::AccountNotice(AccountNotice::Order { report: Box::new(report) })).0
    }
}

#[test]
fn a_filled_order_makes_its_trade_and_a_closing_one_ends_it() {
    let mut bench = Bench::new();
    let opening = ticket(1, false);
    bench.sent(&opening);
    let live = report_of(&opening, 7, OrderStatus::Routed, &[]);
    bench.feed(Input::Placed { reference: opening.reference, placed: Placed::Accepted(Box::new(live)) });
    assert_eq!(bench.state(&opening), OrderState::Working);
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));
    assert_eq!(bench.state(&opening), OrderState::Filled);
    let trade = &bench.engine.books().trades[&opening.trade];
    assert!(trade.is_open());
    assert_eq!(trade.legs[0].entry, Some(Price(Decimal::new(152, 2))));
    // The same told again changes nothing.
    assert!(bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"])).is_empty());

    let closing = Ticket { trade: opening.trade, ..ticket(2, true) };
    bench.order(&closing);
    bench.told(report_of(&closing, 8, OrderStatus::Filled, &["b"]));
    let trade = &bench.engine.books().trades[&opening.trade];
    assert!(!trade.is_open() && matches!(trade.state, TradeState::Closed { .. }), "{trade:?}");
}

#[test]
fn the_word_filled_without_the_fills_is_no_end() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    bench.told(report_of(&sent, 7, OrderStatus::Filled, &[]));
    assert_ne!(bench.state(&sent), OrderState::Filled);
    let tick = bench.engine.step(Input::Tick, bench.now);
    assert!(tick.effects.iter().any(|effect| matches!(effect, Effect::LookUp(_))), "it is looked at at once");
}

#[test]
fn what_a_crash_left_open_is_unknown_at_the_next_start() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    let mut again = Engine::new(config(), bench.engine.books().clone(), Box::new(CountedIds(9_000)));
    let events = again.start(Some("test"), bench.now).events;
    let lost = |pending: &Pending| {
        matches!(&pending.event, Event::OrderAnswered(OrderAnswered { answer: Answered::Lost { .. }, .. }))
    };
    assert!(events.iter().any(lost));
}

#[test]
fn two_orders_under_one_reference_raise_an_alarm() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    bench.told(report_of(&sent, 7, OrderStatus::Live, &[]));
    let events = bench.told(report_of(&sent, 8, OrderStatus::Live, &[]));
    assert!(matches!(events.as_slice(), [event] if matches!(event.as_ref(), Event::AlarmRaised(_))));
    assert_eq!(bench.engine.books().safety.alarms.len(), 1);
}

#[test]
fn more_filled_than_ordered_raises_an_alarm() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    let events = bench.told(report_of(&sent, 7, OrderStatus::Filled, &["a", "b"]));
    assert!(events.iter().any(|event| matches!(event.as_ref(), Event::AlarmRaised(_))));
}

#[test]
fn positions_that_an_order_is_changing_prove_nothing() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![])));
    let sent = ticket(1, false);
    bench.sent(&sent);
    let held = vec![held(option(Right::Put, 650), -1)];
    let (events, _) = bench.feed(report(AccountKind::Margin, Some(held)));
    let adopted = events.iter().any(|event| matches!(event.as_ref(), Event::TradeAdopted(_)));
    assert!(!adopted, "its fill is on the way: the position is the order's");
}

fn dry_run(now: Timestamp) -> DryRun {
    DryRun {
        body_hash: "3b1f".into(),
        at: now,
        buying_power_change: None,
        buying_power_after: None,
        margin_change: None,
        fees: None,
        warnings: vec![],
        errors: vec![],
    }
}

#[test]
fn a_failed_evaluation_leaves_the_order_staged_and_free_to_be_sent_again() {
    let mut bench = Bench::new();
    let staged = ticket(1, false);
    bench.intended(&staged, Some(PortfolioId::from_key("medium")));
    let run = dry_run(bench.now);
    bench.given(vec![Event::OrderStaged(OrderStaged {
        ticket: staged.clone(),
        walk: None,
        dry_run: Some(run),
    })]);
    let send =
        |shown_at| Command::Send { order: staged.reference, body_hash: "3b1f".into(), typed: None, shown_at };
    let early = bench.refused(send(bench.now - TimeDelta::minutes(40)));
    assert!(early.to_string().contains("too long ago"), "{early}");
    for _ in 0..2 {
        let (events, answer) = bench.command(send(bench.now));
        assert!(events.is_empty() && answer.is_none(), "it is being judged: {answer:?}");
        let failure = Failure { what: "panic".into(), remedy: "see the log".into(), remark: false };
        let chain = Err(NoChain::Failed(failure));
        let (_, answer) = bench.feed(Input::Chain { booking: bench.engine.next_booking, chain });
        assert!(matches!(answer, Some(Err(Refusal::CouldNotRead { .. }))), "{answer:?}");
        assert_eq!(bench.state(&staged), OrderState::Staged);
    }
}

#[test]
fn what_was_on_its_way_when_the_switch_went_up_is_cancelled_once_it_works() {
    let mut bench = Bench::new();
    let sent = ticket(1, false);
    bench.sent(&sent);
    bench.command(Command::Kill { mode: KillMode::Safe, why: "enough".into() });
    bench.told(report_of(&sent, 7, OrderStatus::Live, &[]));
    let mut cancels = 0;
    // The broker refuses each of them: asked again now and then, not each second.
    for _ in 0..40 {
        bench.now += TimeDelta::seconds(1);
        let step = bench.engine.step(Input::Tick, bench.now);
        cancels += step.sends.iter().filter(|effect| matches!(effect, Effect::Cancel { .. })).count();
        let asked = !step.sends.is_empty();
        bench.settle(step);
        if asked {
            let placed = Placed::Refused(OrderRefusal { status: 422, messages: vec![] });
            bench.feed_at(Input::Changed { reference: sent.reference, placed });
        }
    }
    assert_eq!(cancels, 3);
}

/// A seeded stream of chances.
struct Chance(u64);

impl Chance {
    fn of(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What the broker holds, and from when on it shows it.
struct Held {
    ticket: Ticket,
    id: u64,
    shown_at: i64,
    fills_at: i64,
}

/// Thirty of a hundred submissions go wrong in one way or another; looks fail where `looks_fail`.
fn storm(intents: u128, seed: u64, looks_fail: bool) {
    let mut bench = Bench { watchful: false, ..Bench::new() };
    let mut chance = Chance(seed);
    let mut broker: Vec<Held> = Vec::new();
    let mut expected = BTreeMap::new();
    let mut unknown_since = BTreeMap::new();
    let start = bench.now;
    let mut next = 0;
    for second in 0..i64::try_from(intents).unwrap() / 4 + 900 {
        bench.now = start + TimeDelta::seconds(second);
        // Four intents a second, while there are any.
        for _ in 0..4.min(intents - next) {
            next += 1;
            let ticket = ticket(next, false);
            bench.sent(&ticket);
            let id = u64::try_from(next).unwrap();
            let held = |after: i64, wait: u64| Held {
                ticket: ticket.clone(),
                id,
                shown_at: second + after,
                fills_at: second + after + 1 + i64::try_from(wait).unwrap(),
            };
            let lost = Placed::Unknown { why: "no answer".into() };
            let wait = chance.of(20);
            let (placed, reaches) = match chance.of(100) {
                0..70 => {
                    let routed = report_of(&ticket, id, OrderStatus::Routed, &[]);
                    (Placed::Accepted(Box::new(routed)), Some(held(0, wait)))
                }
                70..80 => (lost, Some(held(0, wait))),
                80..90 => (lost, Some(held(1 + i64::try_from(chance.of(30)).unwrap(), wait))),
                90..95 => (lost, None),
                _ => (Placed::Refused(OrderRefusal { status: 422, messages: vec![] }), None),
            };
            let refused = matches!(placed, Placed::Refused(_));
            if let Placed::Unknown { .. } = placed
                && let Some(held) = &reaches
            {
                unknown_since.insert(ticket.reference, held.shown_at);
            }
            let ends = match (&reaches, refused) {
                (Some(_), _) => OrderState::Filled,
                (None, true) => OrderState::Rejected,
                (None, false) => OrderState::Unknown,
            };
            expected.insert(ticket.reference, ends);
            broker.extend(reaches);
            bench.feed_at(Input::Placed { reference: ticket.reference, placed });
        }
        let step = bench.engine.step(Input::Tick, bench.now);
        assert!(step.sends.is_empty(), "nothing is ever sent again");
        let looks: Vec<_> = step
            .effects
            .iter()
            .filter_map(|effect| if let Effect::LookUp(look) = effect { Some(look.clone()) } else { None })
            .collect();
        bench.settle(step);
        for look in looks {
            if looks_fail && chance.of(100) < 30 {
                let result = Err(Failure { what: "502".into(), remedy: String::new(), remark: false });
                bench.feed_at(Input::Looked { look, result });
                continue;
            }
            let wanted = |held: &&Held| {
                held.shown_at <= second && look.id.as_ref().is_none_or(|id| id.0 == held.id.to_string())
            };
            // A search brings what else there is, too: the newest few are enough here.
            let mut reports: Vec<OrderReport> = broker
                .iter()
                .filter(wanted)
                .filter(|held| look.id.is_some() || held.ticket.reference == look.reference)
                .map(|held| held.report(second))
                .collect();
            reports.truncate(50);
            let step = bench.engine.step(Input::Looked { look, result: Ok(reports.clone()) }, bench.now);
            bench.settle(step);
            for report in reports {
                bench.feed_at(Input::Order(Box::new(report)));
            }
        }
        if !looks_fail {
            unknown_since.retain(|reference, shown: &mut i64| {
                let unknown = bench.engine.books().orders[reference].state == OrderState::Unknown;
                assert!(!unknown || second - *shown <= 5, "the truth of {reference} is there and not known");
                unknown
            });
        }
    }
    let books = bench.engine.books();
    assert_eq!(invariants::broken(books), Vec::<String>::new());
    for (reference, state) in expected {
        assert_eq!(books.orders[&reference].state, state, "{reference}");
    }
    let filled = books.trades.values().filter(|trade| trade.is_open()).count();
    assert_eq!(filled, broker.len(), "each order that reached the broker is one position");
    assert!(books.safety.alarms.is_empty());
}

impl Held {
    fn report(&self, second: i64) -> OrderReport {
        let fill = format!("f{}", self.id);
        let (status, fills): (_, &[&str]) =
            if second >= self.fills_at { (OrderStatus::Filled, &[&fill]) } else { (OrderStatus::Live, &[]) };
        report_of(&self.ticket, self.id, status, fills)
    }
}

impl Bench {
    /// The same as `feed` at the moment that it is.
    fn feed_at(&mut self, input: Input) {
        let step = self.engine.step(input, self.now);
        assert!(step.sends.is_empty(), "nothing is ever sent again");
        self.settle(step);
    }
}

#[test]
fn in_a_storm_of_lost_answers_each_intent_is_one_order_and_the_truth_is_found() {
    storm(2_000, 7, false);
}

#[test]
fn looks_that_fail_delay_the_truth_and_never_change_it() {
    storm(200, 11, true);
}
