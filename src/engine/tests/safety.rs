//! The kill switch: raised by a command or by its flag file, lifted by the trader alone, kept by replay.

use super::*;
use crate::domain::control::{Alarm, KillMode};
use crate::domain::event::AlarmRaised;
use crate::risk::controls::Kill;

fn flagged(mode: KillMode) -> KillFlagged {
    KillFlagged { mode, why: "from a shell".into() }
}

/// What a step wants of the flag file.
fn flag_effects(step: &Step) -> Vec<String> {
    let words = |effect: &Effect| match effect {
        Effect::RaiseKillFlag { mode, .. } => Some(format!("raise {}", mode.word())),
        Effect::LowerKillFlag => Some("lower".to_owned()),
        _ => None,
    };
    step.effects.iter().filter_map(words).collect()
}

impl Bench {
    fn kill(&mut self, mode: KillMode) -> (Vec<Arc<Event>>, String) {
        let (events, answer) = self.command(Command::Kill { mode, why: "fat fingers".into() });
        (events, answer.expect("an answer").expect("never refused"))
    }

    fn reset(&mut self) -> (Vec<Arc<Event>>, Option<Result<String, Refusal>>) {
        self.command(Command::ResetKill { reason: "looked".into() })
    }

    /// The same books from the record alone.
    fn replayed(&self) -> Containers {
        let mut books = Containers::default();
        self.recorded.iter().for_each(|event| books.apply(event));
        books
    }
}

#[test]
fn hard_goes_over_safe_and_safe_not_over_hard() {
    let mut bench = Bench::new();
    assert_eq!(bench.engine.kill_switch(), Kill::Off);
    let (events, _) = bench.kill(KillMode::Safe);
    assert!(
        matches!(*events[0], Event::KillRaised(ref e) if e.mode == KillMode::Safe && e.why == "fat fingers")
    );
    assert_eq!(bench.kill(KillMode::Hard).0.len(), 1);
    let (events, said) = bench.kill(KillMode::Safe);
    assert!(events.is_empty() && said.starts_with("the kill switch is up already, hard"), "{said}");
    assert_eq!(bench.engine.kill_switch(), Kill::Up(KillMode::Hard));
    assert_eq!(bench.replayed(), *bench.engine.books());
    let header = bench.engine.snapshot(bench.now).header;
    assert_eq!(
        (header.safety.kill, header.safety.kill_why.as_deref()),
        (Some(KillMode::Hard), Some("fat fingers"))
    );
}

#[test]
fn only_a_reason_lifts_it_and_its_file_goes_when_that_is_durable() {
    let mut bench = Bench::new();
    bench.kill(KillMode::Safe);
    assert_eq!(bench.refused(Command::ResetKill { reason: " ".into() }), Refusal::EmptyRationale);
    bench.now += TimeDelta::seconds(1);
    let command = Command::ResetKill { reason: "looked at every order".into() };
    let step = bench.engine.step(Input::Command { command, reply: None }, bench.now);
    assert_eq!(flag_effects(&step), Vec::<String>::new(), "not before it is durable");
    assert_eq!(bench.engine.kill_switch(), Kill::Up(KillMode::Safe));
    bench.settle(step);
    assert_eq!(bench.engine.kill_switch(), Kill::Off);
    let after = |bench: &mut Bench| {
        let effects = bench.engine.after_commit(bench.now);
        flag_effects(&Step { effects, ..Step::default() })
    };
    assert_eq!((after(&mut bench), after(&mut bench)), (vec!["lower".to_owned()], Vec::new()));
    assert_eq!(bench.reset().1, Some(Ok("the kill switch is off already".into())));
    assert_eq!(bench.replayed(), *bench.engine.books());
}

#[test]
fn the_flag_file_alone_raises_it_once_and_its_loss_is_no_reset() {
    let mut bench = Bench::new();
    assert!(bench.engine.minds_kill_flag(Some(&flagged(KillMode::Safe))));
    let (events, _) = bench.feed(Input::KillFlag(Some(flagged(KillMode::Safe))));
    assert!(
        matches!(events.as_slice(), [one] if matches!(&**one, Event::KillRaised(e) if e.why == "flag file: from a shell"))
    );
    assert_eq!(bench.recorded.last().expect("recorded").meta.actor, Actor::System);
    assert!(!bench.engine.minds_kill_flag(Some(&flagged(KillMode::Safe))));
    assert!(bench.feed(Input::KillFlag(Some(flagged(KillMode::Safe)))).0.is_empty());
    assert_eq!(bench.feed(Input::KillFlag(Some(flagged(KillMode::Hard)))).0.len(), 1);
    // Somebody takes the file away: it is put back.
    assert!(bench.engine.minds_kill_flag(None));
    let step = bench.engine.step(Input::KillFlag(None), bench.now);
    assert!(step.events.is_empty());
    assert_eq!(flag_effects(&step), ["raise hard"]);
    assert_eq!(bench.engine.kill_switch(), Kill::Up(KillMode::Hard));
    bench.feed(Input::KillFlag(Some(flagged(KillMode::Hard))));
    assert_eq!(bench.reset().0.len(), 1);
    assert_eq!(bench.engine.kill_switch(), Kill::Off);
    assert!(!bench.engine.minds_kill_flag(None));
}

#[test]
fn where_nothing_can_be_recorded_the_flag_still_stops_everything() {
    let held = ReadOnly::Damaged("seq 7".into());
    let config = EngineConfig { read_only: Some(held.clone()), ..config() };
    let mut engine = Engine::new(config, Containers::default(), Box::new(CountedIds::default()));
    let now = DateTime::from_timestamp(1_795_190_000, 0).unwrap();
    let command = Command::Kill { mode: KillMode::Hard, why: String::new() };
    let step = engine.step(Input::Command { command, reply: None }, now);
    assert!(step.events.is_empty());
    assert_eq!(flag_effects(&step), ["raise hard"]);
    let said = step.answers[0].result.as_ref().expect("not refused");
    assert!(said.contains("not recorded") && said.contains("seq 7"), "{said}");
    let step = engine.step(Input::KillFlag(Some(flagged(KillMode::Hard))), now);
    assert!(step.events.is_empty());
    assert_eq!(engine.kill_switch(), Kill::Up(KillMode::Hard));
    assert!(engine.snapshot(now).header.safety.kill_flag);
    let command = Command::ResetKill { reason: "looked".into() };
    let step = engine.step(Input::Command { command, reply: None }, now);
    assert_eq!(step.answers[0].result, Err(Refusal::ReadOnly(held)));
}

#[test]
fn what_the_store_would_not_take_is_tried_again_and_holds_meanwhile() {
    let mut bench = Bench::new();
    let step = bench.engine.step(Input::KillFlag(Some(flagged(KillMode::Safe))), bench.now);
    assert_eq!(step.events.len(), 1);
    bench.engine.not_recorded(Subject::Control, "too large".into(), bench.now);
    assert_eq!(bench.engine.kill_switch(), Kill::Up(KillMode::Safe));
    assert!(bench.engine.minds_kill_flag(Some(&flagged(KillMode::Safe))));
    assert!(bench.feed(Input::KillFlag(Some(flagged(KillMode::Safe)))).0.is_empty(), "not at once");
    bench.now += TimeDelta::seconds(30);
    assert_eq!(bench.feed(Input::KillFlag(Some(flagged(KillMode::Safe)))).0.len(), 1);
}

#[test]
fn alarms_stand_until_the_trader_has_looked() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(Command::ClearAlarms { reason: "looked".into() }), Refusal::NoAlarm);
    let alarm = Alarm::StrangeFill { order: "1234".into() };
    let mut step = Step::default();
    let now = bench.now;
    let event = Event::AlarmRaised(AlarmRaised { alarm, order: None });
    bench.engine.record(&mut step, Actor::System, vec![event], None, now);
    bench.settle(step);
    let safety = bench.engine.snapshot(bench.now).header.safety;
    assert_eq!(safety.alarms, ["order 1234 filled and was not sent from here"]);
    assert_eq!(bench.refused(Command::ClearAlarms { reason: "…".into() }), Refusal::EmptyRationale);
    assert_eq!(bench.command(Command::ClearAlarms { reason: "mine, by hand".into() }).0.len(), 1);
    assert!(bench.engine.books().safety.alarms.is_empty());
}
