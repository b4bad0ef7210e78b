//! Given what was recorded, when something happens, then these events or this refusal. No store, no sockets.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::containers::invariants;
use crate::domain::account::{Account, AccountKind, AccountRule};
use crate::domain::command::LogEntry;
use crate::domain::event::NoteKind;
use crate::domain::id::CountedIds;
use crate::domain::instrument::{ExerciseStyle, OptionContract, Right, Settlement};
use crate::domain::portfolio::{ExitProfile, PortfolioLimits};
use crate::domain::report::{AccountReport, AccountsReport, BrokerPosition};
use crate::domain::view::Horizon;
use crate::domain::{Command, Instrument, Money, PortfolioId, Price, Strategy, TradeId, TradingDate};
use crate::market::rates::RateCurve;

mod orders;
mod paper;
mod picture;
mod safety;
mod troubles;

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

fn portfolio(key: &str, account: Option<&str>, permitted: Vec<Strategy>) -> Portfolio {
    Portfolio {
        id: PortfolioId::from_key(key),
        key: key.into(),
        name: key.into(),
        capital: Money(Decimal::from(20_000)),
        account_key: account.map(str::to_owned),
        hypothetical: account.is_none(),
        permitted,
        limits: PortfolioLimits { beta_delta: Some(Decimal::ONE), var95: Some(Decimal::new(3, 2)) },
        exit: ExitProfile::Balanced,
        preferred_underlyings: Vec::new(),
        delta_band: None,
        warn_only: false,
    }
}

fn rule(key: &str, kind: AccountKind) -> AccountRule {
    AccountRule { key: key.into(), kind, number_ends_with: None, capital: None }
}

fn config() -> EngineConfig {
    EngineConfig {
        mode: Mode::Sim,
        portfolios: vec![
            portfolio("core", Some("ira"), vec![Strategy::CoveredCall]),
            portfolio("medium", Some("personal"), vec![Strategy::VerticalSpread]),
            portfolio("high", Some("personal"), vec![Strategy::Straddle]),
        ],
        account_rules: vec![rule("personal", AccountKind::Margin), rule("ira", AccountKind::Ira)],
        benchmark: symbol("SPY"),
        context: vec![symbol("SPY")],
        watch: vec![symbol("SPY")],
        market: MarketConfig::new(RateCurve::flat(0.04).unwrap(), symbol("SPY")),
        rates_as_of: TradingDate::from_ymd_opt(2026, 8, 20).unwrap(),
        account_refresh_seconds: 60,
        clock_skew_warn_ms: 2_000,
        clock_skew_block_ms: 30_000,
        clock_speed: 1.0,
        orders: OrderRules::default(),
        streaming: true,
        banner: None,
        read_only: None,
    }
}

/// An engine whose events become durable at once.
struct Bench {
    engine: Engine,
    recorded: Vec<Recorded>,
    now: Timestamp,
    /// Looks at every invariant after every step; a long run looks at its end.
    watchful: bool,
}

impl Bench {
    fn new() -> Self {
        let engine = Engine::new(config(), Containers::default(), Box::new(CountedIds::default()));
        let mut bench = Self {
            engine,
            recorded: Vec::new(),
            now: DateTime::from_timestamp(1_795_190_000, 0).unwrap(),
            watchful: true,
        };
        let first = bench.engine.start(Some("test"), bench.now);
        bench.settle(first);
        bench
    }

    /// Takes the input and everything that follows from it; returns the new events and the first answer.
    fn feed(&mut self, input: Input) -> (Vec<Arc<Event>>, Option<Result<String, Refusal>>) {
        let from = self.recorded.len();
        self.now += TimeDelta::seconds(1);
        let step = self.engine.step(input, self.now);
        let answer = self.settle(step);
        (self.recorded[from..].iter().map(|recorded| Arc::clone(&recorded.event)).collect(), answer)
    }

    fn settle(&mut self, step: Step) -> Option<Result<String, Refusal>> {
        let promised = step.promised.into_iter().next().map(|promise| Ok(promise.said));
        let answer = step.answers.into_iter().next().map(|answer| answer.result).or(promised);
        let fresh: Vec<Recorded> = step
            .events
            .into_iter()
            .zip(self.recorded.len() as u64 + 1..)
            .map(|(pending, seq)| Recorded {
                seq,
                meta: pending.meta,
                recorded_at: self.now,
                event: Arc::new(pending.event),
            })
            .collect();
        self.engine.commit(&fresh);
        self.recorded.extend(fresh);
        if self.watchful {
            assert_eq!(invariants::broken(self.engine.books()), Vec::<String>::new());
        }
        for effect in step.effects {
            if let Effect::Reconsider(report) = effect {
                let again = self.engine.step(Input::Accounts(*report), self.now);
                self.settle(again);
            }
        }
        answer
    }

    fn command(&mut self, command: Command) -> (Vec<Arc<Event>>, Option<Result<String, Refusal>>) {
        self.feed(Input::Command { command, reply: None })
    }

    fn refused(&mut self, command: Command) -> Refusal {
        match self.command(command) {
            (events, Some(Err(refusal))) => {
                assert!(events.is_empty(), "a refusal records nothing");
                refusal
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    fn only_trade(&self) -> TradeId {
        let ids: Vec<TradeId> = self.engine.books().trades.keys().copied().collect();
        assert_eq!(ids.len(), 1);
        ids[0]
    }
}

fn account(number: &str, kind: AccountKind) -> Account {
    Account {
        id: AccountId::from_number("test", number),
        broker: "test".into(),
        masked_number: format!("…{number}"),
        nickname: "Main".into(),
        kind,
    }
}

fn option(right: Right, strike: i64) -> Instrument {
    Instrument::Option(Arc::new(OptionContract {
        underlying: symbol("SPY"),
        root: symbol("SPY"),
        expiry: TradingDate::from_ymd_opt(2026, 12, 18).unwrap(),
        right,
        strike: Decimal::from(strike),
        settlement: Settlement::Pm,
        style: ExerciseStyle::American,
        multiplier: 100,
    }))
}

fn held(instrument: Instrument, quantity: i64) -> BrokerPosition {
    BrokerPosition {
        instrument,
        quantity: Decimal::from(quantity),
        average_open_price: Some(Price(Decimal::from(2))),
        close_price: None,
        created_at: DateTime::from_timestamp(1_794_000_000, 0),
    }
}

fn report(kind: AccountKind, positions: Option<Vec<BrokerPosition>>) -> Input {
    let number = if kind == AccountKind::Ira { "0002" } else { "0001" };
    Input::Accounts(AccountsReport {
        accounts: vec![AccountReport {
            account: account(number, kind),
            balances: None,
            positions,
            unread: 0,
        }],
        at: DateTime::UNIX_EPOCH,
    })
}

fn spread() -> Vec<BrokerPosition> {
    vec![held(option(Right::Put, 650), -1), held(option(Right::Put, 645), 1)]
}

fn entry(underlying: Option<&str>, trade: Option<TradeId>, rationale: &str) -> Command {
    Command::Log(LogEntry {
        underlying: underlying.map(str::to_owned),
        strategy: None,
        rationale: rationale.into(),
        portfolio: None,
        trade,
        kind: NoteKind::Decision,
        key: None,
    })
}

#[test]
fn positions_of_an_account_with_one_portfolio_are_adopted_into_it() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let id = bench.only_trade();
    let trade = &bench.engine.books().trades[&id];
    assert_eq!(trade.strategy, Strategy::VerticalSpread);
    assert_eq!(trade.portfolio, Some(PortfolioId::from_key("core")));
    assert!(trade.is_open() && trade.adopted && trade.rationale.is_none());
}

#[test]
fn positions_of_an_account_with_several_portfolios_wait_in_the_inbox() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(spread())));
    let id = bench.only_trade();
    assert_eq!(bench.engine.books().trades[&id].portfolio, None);
    let to = PortfolioId::from_key("medium");
    let (events, answer) = bench.command(Command::Move { trade: id, to });
    assert_eq!(answer, Some(Ok("moved to medium".into())));
    assert!(matches!(events.as_slice(), [event] if matches!(event.as_ref(), Event::TradeMoved(_))));
    let refusal = bench.refused(Command::Move { trade: id, to: PortfolioId::from_key("core") });
    assert!(matches!(refusal, Refusal::OtherAccount { .. }));
}

#[test]
fn the_same_report_twice_changes_nothing() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let (events, _) = bench.feed(report(AccountKind::Ira, Some(spread())));
    assert!(events.is_empty());
}

#[test]
fn a_look_that_failed_is_not_a_look_that_found_nothing() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let (events, _) = bench.feed(report(AccountKind::Ira, None));
    assert!(events.is_empty());
    // Nor is an answer without any position one of a flat account, the first time.
    for _ in 0..15 {
        let (events, _) = bench.feed(report(AccountKind::Ira, Some(Vec::new())));
        assert!(events.is_empty());
    }
    let warnings = bench.engine.snapshot(bench.now).warnings;
    assert!(warnings.iter().any(|warning| warning.contains("without any position")), "{warnings:?}");
    bench.feed(report(AccountKind::Ira, Some(spread())));
    bench.feed(report(AccountKind::Ira, Some(Vec::new())));
    bench.now += TimeDelta::seconds(20);
    let (events, _) = bench.feed(report(AccountKind::Ira, Some(Vec::new())));
    assert!(matches!(events.as_slice(), [event] if matches!(event.as_ref(), Event::TradeClosed(_))));
    assert_eq!(bench.engine.books().open_trades().count(), 0);
}

#[test]
fn a_side_that_vanished_leaves_the_rest_of_the_trade() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    bench.feed(report(AccountKind::Ira, Some(vec![held(option(Right::Put, 645), 1)])));
    let id = bench.only_trade();
    let trade = &bench.engine.books().trades[&id];
    assert!(trade.is_open());
    assert_eq!((trade.legs.len(), trade.strategy), (1, Strategy::Single));
}

#[test]
fn what_was_added_becomes_a_trade_of_its_own() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let doubled = vec![held(option(Right::Put, 650), -3), held(option(Right::Put, 645), 3)];
    bench.feed(report(AccountKind::Ira, Some(doubled)));
    let quantities: Vec<Decimal> =
        bench.engine.books().open_trades().map(|trade| trade.legs[0].quantity.abs()).collect();
    assert_eq!(quantities, [Decimal::ONE, Decimal::TWO]);
}

#[test]
fn a_decision_opens_an_intent_and_a_note_gives_an_adopted_trade_its_reason() {
    let mut bench = Bench::new();
    let (events, _) = bench.command(entry(Some("spy"), None, "income, IVR 23"));
    match events.as_slice() {
        [event] => match event.as_ref() {
            Event::TradeIntended(intended) => assert_eq!(intended.rationale, "income, IVR 23"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let adopted = bench.engine.books().open_trades().next().unwrap().id;
    bench.command(entry(None, Some(adopted), "wheel"));
    assert_eq!(bench.engine.books().trades[&adopted].rationale.as_deref(), Some("wheel"));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_remedy() {
    let mut bench = Bench::new();
    let nobody = TradeId(uuid::Uuid::from_u128(99));
    let refusals = [
        bench.refused(entry(Some("spy"), None, "  \u{200b} ")),
        bench.refused(entry(None, Some(nobody), "why")),
        bench.refused(entry(Some("not a symbol!"), None, "why")),
        bench.refused(Command::Discard { trade: nobody, reason: "why".into() }),
        bench.refused(entry(Some("spy"), None, &"x".repeat(20_000))),
    ];
    for refusal in refusals {
        assert!(!refusal.remedy().is_empty(), "{refusal}");
    }
    bench.feed(report(AccountKind::Ira, Some(spread())));
    let real = bench.engine.books().open_trades().next().unwrap().id;
    assert_eq!(bench.refused(Command::Discard { trade: real, reason: "away".into() }), Refusal::NotAWhatIf);
}

#[test]
fn a_read_only_engine_decides_nothing() {
    let held = ReadOnly::Held { pid: 7, since: "this morning".into() };
    let config = EngineConfig { read_only: Some(held), ..config() };
    let mut engine = Engine::new(config, Containers::default(), Box::new(CountedIds::default()));
    let now = DateTime::UNIX_EPOCH;
    assert!(engine.start(Some("test"), now).events.is_empty());
    let step = engine.step(report(AccountKind::Ira, Some(spread())), now);
    assert!(step.events.is_empty());
    let step = engine.step(Input::Command { command: entry(Some("spy"), None, "x"), reply: None }, now);
    let Err(refusal @ Refusal::ReadOnly(_)) = &step.answers[0].result else { panic!("{step:?}") };
    assert!(refusal.to_string().contains("process 7") && refusal.remedy().contains("decide there"));
}

/// The same account with another cash.
fn with_cash(dollars: i64) -> Input {
    let balances = crate::domain::Balances {
        cash: Some(Money(Decimal::from(dollars))),
        net_liq: None,
        buying_power: None,
        requirement: None,
        as_of: DateTime::UNIX_EPOCH,
    };
    let Input::Accounts(mut report) = report(AccountKind::Ira, Some(Vec::new())) else { unreachable!() };
    report.accounts[0].balances = Some(balances);
    Input::Accounts(report)
}

#[test]
fn who_follows_another_shows_its_books_and_the_cash_that_belongs_to_them() {
    let mut writer = Bench::new();
    writer.feed(with_cash(1_000));
    let held = ReadOnly::Held { pid: 7, since: "this morning".into() };
    let config = EngineConfig { read_only: Some(held), ..config() };
    let mut follower = Engine::new(config, Containers::default(), Box::new(CountedIds::default()));
    follower.commit(&writer.recorded);
    let known = writer.recorded.len();
    let net_liq = |engine: &mut Engine| engine.snapshot(writer.now).account.net_liq.value;
    // The broker's report reaches the one that reads before the one that writes.
    follower.step(with_cash(1_500), writer.now);
    assert_eq!(net_liq(&mut follower), Some(Money(Decimal::from(1_000))));
    assert_eq!(follower.snapshot(writer.now).account.accounts[0].cash, Some(Money(Decimal::from(1_000))));
    writer.feed(with_cash(1_500));
    writer.command(entry(Some("SPY"), None, "income"));
    follower.commit(&writer.recorded[known..]);
    let net_liq = |engine: &mut Engine| engine.snapshot(writer.now).account.net_liq.value;
    assert_eq!(net_liq(&mut follower), Some(Money(Decimal::from(1_500))));
    assert_eq!(follower.books(), writer.engine.books());
}

#[test]
fn a_risk_report_of_another_book_is_not_shown() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Ira, Some(spread())));
    assert!(!bench.engine.risk_is_current());
    assert!(bench.engine.snapshot(bench.now).answer.headline.starts_with("UNKNOWN"));
}

#[test]
fn another_horizon_leaves_the_limits_known_and_the_matrix_empty_until_it_is_computed() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![held(option(Right::Put, 600), -1)])));
    let mut answered = |input| {
        bench.now += TimeDelta::seconds(1);
        let step = bench.engine.step(input, bench.now);
        let asked = step.effects.into_iter().find_map(|effect| match effect {
            Effect::Compute(job) => Some(job),
            _ => None,
        });
        let unanswered = bench.engine.snapshot(bench.now);
        let job = asked.expect("a question");
        let report = crate::risk::report::compute(&job.book, &job.question);
        let models = crate::risk::two_models::compare(&job.pairs, job.units);
        let done =
            RiskDone { revision: job.revision, structure: job.structure, view: job.view, report, models };
        bench.engine.step(Input::Risk(Box::new(done)), bench.now);
        (unanswered, bench.engine.snapshot(bench.now))
    };
    let (_, before) = answered(Input::Refreshed { failures: Vec::new() });
    let view = View { horizon: Horizon::FiveDays, ..View::default() };
    let (meanwhile, after) = answered(Input::Command { command: Command::SetView { view }, reply: None });
    assert_eq!(before.scenario.cells.len(), after.scenario.cells.len());
    assert!(!after.scenario.cells.is_empty() && meanwhile.scenario.cells.is_empty());
    assert!(meanwhile.header.computing);
    assert_eq!(meanwhile.answer.headline, before.answer.headline);
    assert_eq!(meanwhile.underlyings.total.beta_delta, before.underlyings.total.beta_delta);
    assert_eq!(meanwhile.underlyings.total.worst, crate::snapshot::Shown::unknown());
}

#[test]
fn a_day_of_another_time_is_said_not_to_be_that_of_the_configuration() {
    let mut bench = Bench::new();
    let mut warned =
        |at: i64| bench.engine.snapshot(DateTime::from_timestamp(at, 0).unwrap()).warnings.join("; ");
    let (now, then) = (warned(1_795_190_000), warned(1_675_872_000));
    assert!(now.contains("interest rates are those of 2026-08-20") && !now.contains("priced with"), "{now}");
    assert!(then.contains("priced with the interest rates of 2026-08-20, not of 2023-02-08"), "{then}");
    assert!(then.contains("no FOMC dates are configured for 2023-02-08"), "{then}");
}

#[derive(Debug, Clone)]
enum Happening {
    Positions(bool, Vec<(usize, i64)>),
    Log(usize),
    Note(usize, usize),
    Move(usize, usize),
    Discard(usize),
}

fn happening() -> impl Strategy2<Value = Happening> {
    let bag = proptest::collection::vec((0usize..4, -3i64..4), 0..5);
    prop_oneof![
        (any::<bool>(), bag).prop_map(|(ira, bag)| Happening::Positions(ira, bag)),
        (0usize..3).prop_map(Happening::Log),
        (0usize..6, 0usize..3).prop_map(|(trade, text)| Happening::Note(trade, text)),
        (0usize..6, 0usize..3).prop_map(|(trade, to)| Happening::Move(trade, to)),
        (0usize..6).prop_map(Happening::Discard),
    ]
}

use proptest::strategy::Strategy as Strategy2;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Replaying what was recorded gives the books of the session that recorded it, byte for byte.
    #[test]
    fn replay_equals_live(happenings in proptest::collection::vec(happening(), 1..25)) {
        let mut bench = Bench::new();
        let instruments = [option(Right::Put, 640), option(Right::Put, 650), option(Right::Call, 700), Instrument::Equity(symbol("SPY"))];
        let texts = ["income", "hedge", ""];
        for happening in happenings {
            let nth = |n: usize| bench.engine.books().trades.keys().nth(n).copied();
            match happening {
                Happening::Positions(ira, bag) => {
                    let kind = if ira { AccountKind::Ira } else { AccountKind::Margin };
                    let positions = bag.iter().map(|(i, q)| held(instruments[*i].clone(), *q)).collect();
                    bench.feed(report(kind, Some(positions)));
                }
                Happening::Log(text) => { bench.command(entry(Some("SPY"), None, texts[text])); }
                Happening::Note(n, text) => {
                    let trade = nth(n);
                    bench.command(entry(None, trade, texts[text]));
                }
                Happening::Move(n, to) => {
                    let to = PortfolioId::from_key(["core", "medium", "high"][to]);
                    if let Some(trade) = nth(n) { bench.command(Command::Move { trade, to }); }
                }
                Happening::Discard(n) => {
                    if let Some(trade) = nth(n) { bench.command(Command::Discard { trade, reason: "no".into() }); }
                }
            }
        }
        let mut replayed = Containers::default();
        for event in &bench.recorded {
            // As a store would give it back: by its kind and payload.
            let (kind, payload) = event.event.to_stored().unwrap();
            let read = serde_json::from_str(&payload.to_string()).unwrap();
            let event = Recorded { event: Arc::new(Event::from_stored(&kind, read).unwrap()), ..event.clone() };
            replayed.apply(&event);
        }
        let bytes = |books: &Containers| serde_json::to_string(books).unwrap();
        prop_assert_eq!(bytes(&replayed), bytes(bench.engine.books()));
    }
}

#[test]
fn an_increment_enters_at_what_the_broker_paid_for_it() {
    let mut bench = Bench::new();
    let at = |cents: i64| Some(Price(Decimal::new(cents, 2)));
    let one = |quantity, entry| BrokerPosition {
        average_open_price: entry,
        ..held(option(Right::Put, 650), quantity)
    };
    bench.feed(report(AccountKind::Ira, Some(vec![one(-1, at(100))])));
    bench.feed(report(AccountKind::Ira, Some(vec![one(-2, at(150))])));
    let entries: Vec<_> = bench.engine.books().open_trades().map(|trade| trade.legs[0].entry).collect();
    assert_eq!(entries, [at(100), at(200)].map(|p| p.map(|p| Price(p.0.normalize()))));
}

#[test]
fn a_list_that_is_not_whole_proves_nothing_missing_but_something_smaller() {
    let mut bench = Bench::new();
    bench.feed(report(
        AccountKind::Ira,
        Some(vec![held(option(Right::Put, 650), -3), held(option(Right::Call, 700), -1)]),
    ));
    let Input::Accounts(mut partial) =
        report(AccountKind::Ira, Some(vec![held(option(Right::Put, 650), -2)]))
    else {
        panic!("a report of accounts")
    };
    partial.accounts[0].unread = 1;
    bench.feed(Input::Accounts(partial));
    let left = bench.engine.books().held(AccountId::from_number("test", "0002"));
    assert_eq!(left[&option(Right::Put, 650)], Decimal::from(-2));
    assert_eq!(left[&option(Right::Call, 700)], Decimal::from(-1));
}

#[test]
fn two_accounts_of_one_kind_do_not_share_a_key() {
    let mut bench = Bench::new();
    let both = ["0001", "0003"].map(|number| AccountReport {
        account: account(number, AccountKind::Margin),
        balances: None,
        positions: Some(Vec::new()),
        unread: 0,
    });
    bench.feed(Input::Accounts(AccountsReport { accounts: both.into(), at: DateTime::UNIX_EPOCH }));
    let keys: Vec<_> = bench.engine.books().accounts.values().filter_map(|held| held.key.clone()).collect();
    assert_eq!(keys, ["personal"]);
}
