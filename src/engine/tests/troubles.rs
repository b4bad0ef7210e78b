//! What is wrong with the cockpit itself is said, and stands for as long as it lasts.

use super::*;

fn said(step: &Step) -> Vec<String> {
    let notice = |effect: &Effect| match effect {
        Effect::Say(notice) => Some(notice.text.clone()),
        _ => None,
    };
    step.effects.iter().filter_map(notice).collect()
}

#[test]
fn risk_that_cannot_be_computed_is_unknown_and_said_once() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(vec![held(option(Right::Put, 600), -1)])));
    bench.feed(Input::Refreshed { failures: Vec::new() });
    let failed = || Input::RiskFailed { why: "a number of nothing".into() };
    let step = bench.engine.step(failed(), bench.now);
    assert_eq!(said(&step), ["risk could not be computed: a number of nothing"]);
    let picture = bench.engine.snapshot(bench.now);
    assert_eq!(picture.answer.headline, "UNKNOWN (risk could not be computed)");
    assert!(!picture.header.computing);
    assert!(picture.warnings.iter().any(|warning| warning.contains("a number of nothing")));
    let step = bench.engine.step(failed(), bench.now);
    assert_eq!(said(&step), Vec::<String>::new());
    // The market alone asks again only now and then.
    let mut asks_after = |seconds: i64| {
        bench.now += TimeDelta::seconds(seconds);
        let step = bench.engine.step(Input::Market(Vec::new()), bench.now);
        step.effects.iter().any(|effect| matches!(effect, Effect::Compute(_)))
    };
    assert_eq!([1, 28, 1, 1].map(&mut asks_after), [false, false, true, false]);
    // What was read asks at once, and an answer makes it good.
    bench.now += TimeDelta::seconds(1);
    let step = bench.engine.step(Input::Refreshed { failures: Vec::new() }, bench.now);
    let job = step.effects.into_iter().find_map(|effect| match effect {
        Effect::Compute(job) => Some(job),
        _ => None,
    });
    let job = job.expect("a new question");
    let done = RiskDone {
        revision: job.revision,
        structure: job.structure,
        view: job.view.clone(),
        report: crate::risk::report::compute(&job.book, &job.question),
        models: crate::risk::two_models::TwoModels::default(),
    };
    bench.engine.step(Input::Risk(Box::new(done)), bench.now);
    let picture = bench.engine.snapshot(bench.now);
    assert!(!picture.answer.headline.contains("could not be computed"), "{}", picture.answer.headline);
    assert!(!picture.warnings.iter().any(|warning| warning.contains("could not be computed")));
}

#[test]
fn a_part_that_stops_is_named_and_its_links_are_down() {
    let mut bench = Bench::new();
    let up = |link| Input::Link { link, state: LinkState::Up { epoch: crate::market::update::Epoch(1) } };
    bench.feed(up(Link::MarketStream));
    bench.feed(Input::Refreshed { failures: Vec::new() });
    let step = bench.engine.step(Input::Stopped { part: Part::Streams, why: "torn".into() }, bench.now);
    assert!(said(&step).contains(&"the streams stopped: torn".to_owned()), "{:?}", said(&step));
    let picture = bench.engine.snapshot(bench.now);
    assert_eq!(picture.header.link.kind, crate::snapshot::header::LinkKind::Down);
    assert!(picture.header.link.why.is_some_and(|why| why.contains("torn")));
    assert!(picture.warnings.contains(&"the streams stopped: torn".to_owned()));
    // A read that will never end is not under way.
    bench.feed(Input::Command { command: Command::Refresh, reply: None });
    assert!(bench.engine.snapshot(bench.now).header.refreshing);
    bench.feed(Input::Stopped { part: Part::Reads, why: "torn".into() });
    assert!(!bench.engine.snapshot(bench.now).header.refreshing);
    // Nor is the next one, of which is said that nobody reads.
    bench.feed(Input::Command { command: Command::Refresh, reply: None });
    let nobody = || Failure { what: "nobody reads".into(), remedy: "start again".into(), remark: false };
    bench.feed(Input::Refreshed { failures: vec![nobody()] });
    let picture = bench.engine.snapshot(bench.now);
    assert!(!picture.header.refreshing);
    assert!(picture.warnings.contains(&"nobody reads".to_owned()), "{:?}", picture.warnings);
}

#[test]
fn who_cannot_read_what_another_records_says_so_until_it_can() {
    let held = ReadOnly::Held { pid: 7, since: "this morning".into() };
    let config = EngineConfig { read_only: Some(held), ..config() };
    let mut engine = Engine::new(config, Containers::default(), Box::new(CountedIds::default()));
    let now = DateTime::UNIX_EPOCH;
    let words = "the other cockpit's decisions cannot be read: the disk is away";
    let stands = |engine: &mut Engine| {
        let picture = engine.snapshot(now);
        (picture.header.banner, picture.warnings.iter().any(|warning| warning == words))
    };
    assert_eq!(stands(&mut engine), (None, false));
    assert_eq!(engine.record_unreadable("the disk is away".into()).text, words);
    assert_eq!(stands(&mut engine), (Some(format!("{words}; the books shown may be old")), true));
    engine.record_is_read();
    assert_eq!(stands(&mut engine), (None, false));
    engine.step(Input::Stopped { part: Part::Following, why: "torn".into() }, now);
    let banner = stands(&mut engine).0.expect("it stands");
    assert!(banner.starts_with("following the other cockpit stopped: torn"), "{banner}");
}

#[test]
fn a_clock_that_is_off_is_warned_of_and_far_off_blocks_bookings() {
    let mut bench = Bench::new();
    let skew = |bench: &mut Bench, ms| {
        let step = bench.engine.step(Input::ClockSkew { ms }, bench.now);
        (said(&step).len(), bench.engine.snapshot(bench.now))
    };
    let of_clock = |picture: &crate::snapshot::Snapshot| {
        picture.warnings.iter().find(|warning| warning.contains("clock")).cloned()
    };
    let book = || {
        let line = crate::domain::command_line::parse_booking("spy ic 45d 16 w5 x1 @medium").unwrap();
        Command::Book { line, rationale: "income".into() }
    };
    let (notices, picture) = skew(&mut bench, 1_999);
    assert_eq!((notices, of_clock(&picture)), (0, None));
    let (notices, picture) = skew(&mut bench, 3_200);
    let words = "this computer's clock is 3.2 s behind the broker's";
    assert_eq!((notices, of_clock(&picture).as_deref()), (1, Some(words)));
    assert_eq!(picture.header.banner, None);
    // The same again is not said again.
    assert_eq!(skew(&mut bench, 3_300).0, 0);
    let (notices, picture) = skew(&mut bench, -30_000);
    assert_eq!(notices, 1);
    assert!(picture.header.banner.is_some_and(|banner| banner.contains("30.0 s ahead of the broker's")));
    let refusal = bench.refused(book());
    assert_eq!(refusal, Refusal::ClockOff { seconds: 30 });
    assert!(refusal.is_block());
    let (notices, picture) = skew(&mut bench, 0);
    assert_eq!((notices, of_clock(&picture)), (0, None));
    assert!(!matches!(bench.command(book()).1, Some(Err(Refusal::ClockOff { .. }))));
}

#[test]
fn what_the_store_would_not_take_is_named_until_it_does() {
    let mut bench = Bench::new();
    let why = || "a number in it is not finite".to_owned();
    let warned = |bench: &mut Bench| {
        let words =
            "the close of the day cannot be recorded: a number in it is not finite; r reads the market";
        bench.engine.snapshot(bench.now).warnings.iter().any(|warning| warning.starts_with(words))
    };
    assert!(!warned(&mut bench));
    let notice = bench.engine.not_recorded(Subject::Close, why(), bench.now).expect("said");
    assert_eq!(notice.text, "the close of the day cannot be recorded: a number in it is not finite");
    assert!(notice.remedy.is_some_and(|remedy| remedy.contains("every half minute")));
    assert_eq!(bench.engine.not_recorded(Subject::Close, why(), bench.now).map(|n| n.text), None);
    assert!(warned(&mut bench));
    let may_try = |bench: &Bench, seconds| {
        bench.engine.troubles.may_try(Subject::Close, bench.now + TimeDelta::seconds(seconds))
    };
    assert_eq!([29, 30].map(|seconds| may_try(&bench, seconds)), [false, true]);
    let context = bench.engine.context_event(&Step::default(), bench.now, 0, &[]);
    assert!(context.is_none(), "no market, no context");
    let closed = Event::DayClosed(crate::domain::event::DayClosed {
        date: TradingDate::from_ymd_opt(2026, 11, 20).unwrap(),
        equity: Vec::new(),
        exposures: Vec::new(),
        context: crate::domain::market_context::MarketContext {
            as_of: bench.now,
            revision: 0,
            rate: 0.04,
            rates_as_of: None,
            underlyings: Vec::new(),
            marks: Vec::new(),
        },
    });
    let mut step = Step::default();
    bench.engine.record(&mut step, Actor::System, vec![closed], None, bench.now);
    bench.settle(step);
    assert!(!warned(&mut bench) && may_try(&bench, 0));
}

#[test]
fn accounts_that_cannot_be_recorded_are_not_considered_without_end() {
    let mut bench = Bench::new();
    let step = bench.engine.step(report(AccountKind::Margin, Some(Vec::new())), bench.now);
    assert!(!step.events.is_empty());
    assert!(step.effects.iter().any(|effect| matches!(effect, Effect::Reconsider(_))));
    bench.engine.not_recorded(Subject::Books, "too large".into(), bench.now);
    let step = bench.engine.step(report(AccountKind::Margin, Some(Vec::new())), bench.now);
    assert!(step.events.is_empty());
    assert!(!step.effects.iter().any(|effect| matches!(effect, Effect::Reconsider(_))));
    bench.now += TimeDelta::seconds(30);
    bench.feed(report(AccountKind::Margin, Some(Vec::new())));
    assert_eq!(bench.engine.books().accounts.len(), 1);
}
