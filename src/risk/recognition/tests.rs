use chrono::TimeZone;

use super::*;
use crate::domain::{ExerciseStyle, OptionContract, Right, Settlement};

fn symbol() -> Symbol {
    Symbol::new("SPY").expect("a symbol")
}

/// `-1P570` expiring in December, `+1C600J` in January, `+200sh`.
fn held(text: &str) -> Held {
    if let Some(shares) = text.strip_suffix("sh") {
        let quantity = shares.parse().expect("a number");
        return Held { instrument: Instrument::Equity(symbol()), quantity, opened_at: None };
    }
    let place = text.find(['C', 'P']).expect("a right");
    let (number, rest) = text.split_at(place);
    let january = rest.ends_with('J');
    let day = if january { (2027, 1, 15) } else { (2026, 12, 18) };
    let contract = OptionContract {
        underlying: symbol(),
        root: symbol(),
        expiry: NaiveDate::from_ymd_opt(day.0, day.1, day.2).expect("a date"),
        right: if rest.starts_with('C') { Right::Call } else { Right::Put },
        strike: rest[1..].trim_end_matches('J').parse().expect("a strike"),
        settlement: Settlement::Pm,
        style: ExerciseStyle::American,
        multiplier: 100,
    };
    Held {
        instrument: Instrument::Option(contract.into()),
        quantity: number.parse().expect("a number"),
        opened_at: None,
    }
}

fn bag(text: &str) -> Vec<Held> {
    text.split_whitespace().map(held).collect()
}

/// `iron_condor×1`, sorted.
fn names(groups: &[Group]) -> Vec<String> {
    let mut names: Vec<String> =
        groups.iter().map(|g| format!("{}×{}", g.strategy.key(), g.multiplicity)).collect();
    names.sort();
    names
}

/// Everything that went in came out.
fn conserved(held: &[Held], groups: &[Group]) {
    for (index, one) in held.iter().enumerate() {
        let out: Decimal =
            groups.iter().flat_map(|g| &g.legs).filter(|p| p.index == index).map(|p| p.quantity).sum();
        assert_eq!(out, one.quantity, "leg {index}");
    }
}

#[test]
fn every_template_is_recognised_from_its_whole_bag() {
    use Strategy as S;
    let rows = [
        ("-1P570", S::Single, false),
        ("+1C600", S::Single, true),
        ("-1P570 +1P560", S::VerticalSpread, true),
        ("-1P570 +1P560 -1C630 +1C640", S::IronCondor, true),
        ("+1P580 -1P600 -1C600 +1C620", S::IronButterfly, true),
        ("-1P600 -1C600", S::Straddle, false),
        ("+1P570 +1C630", S::Strangle, true),
        ("+1C590 -2C600 +1C610", S::Butterfly, true),
        ("+1P580 -1P590 -1P610 +1P620", S::Condor, true),
        ("-1P570 -1C630 +1C635", S::JadeLizard, false),
        ("-1P570 -1C570 +1C600", S::BigLizard, false),
        ("-2P560 +1P580", S::RatioSpread, false),
        ("-1C600 +2C620", S::RatioSpread, true),
        ("-1C600 +1C600J", S::CalendarSpread, true),
        ("+100sh -1C240", S::CoveredCall, true),
        ("+100sh +1P220", S::ProtectivePut, true),
        ("+100sh +1P220 -1C240", S::Collar, true),
        ("-1C610 +1C590J", S::DiagonalSpread, true),
        ("-1P580 +1P580J -1C620 +1C620J", S::CalendarDoubleSpread, true),
        ("+300sh", S::Stock, true),
        ("-300sh", S::Stock, false),
    ];
    for (text, strategy, defined) in rows {
        let held = bag(text);
        let groups = recognise(&held);
        assert_eq!(groups.len(), 1, "{text}: {:?}", names(&groups));
        assert_eq!((groups[0].strategy, groups[0].defined_risk), (strategy, defined), "{text}");
        conserved(&held, &groups);
        let reversed: Vec<Held> = held.into_iter().rev().collect();
        assert_eq!(recognise(&reversed)[0].strategy, strategy, "{text} in another order");
    }
}

#[test]
fn worked_splits() {
    let rows = [
        ("-1P570 +1P560 -1C630 +1C640", vec!["iron_condor×1"]),
        ("+200sh -3C240", vec!["covered_call×2", "single×-1"]),
        ("-2C600 +2C600J", vec!["calendar_spread×2"]),
        ("-1P570 +1P560 -1P550 +1P540", vec!["vertical_spread×1", "vertical_spread×1"]),
        ("+2P560 -2P570 -1C630 +1C640", vec!["iron_condor×1", "vertical_spread×1"]),
        ("-4P570 +4P560 -4C630 +4C640", vec!["iron_condor×4"]),
        ("+150sh -1C240", vec!["covered_call×1", "stock×50"]),
        ("+198sh", vec!["stock×198"]),
        ("+1C590 -1C590 +1P500", vec!["single×1"]),
    ];
    for (text, want) in rows {
        assert_eq!(names(&recognise(&bag(text))), want, "{text}");
    }
    let verticals = recognise(&bag("-1P570 +1P560 -1P550 +1P540"));
    let mut pairs: Vec<Vec<usize>> = verticals
        .iter()
        .map(|g| {
            let mut i: Vec<usize> = g.legs.iter().map(|p| p.index).collect();
            i.sort();
            i
        })
        .collect();
    pairs.sort();
    assert_eq!(pairs, [vec![0, 1], vec![2, 3]], "570/560 and 550/540");
    let naked = recognise(&bag("+200sh -3C240"));
    let single = naked.iter().find(|g| g.strategy == Strategy::Single).expect("one call is left");
    assert!(!single.defined_risk, "and it is uncovered");
}

#[test]
fn variants_are_tagged() {
    let tags = |text: &str| recognise(&bag(text))[0].tags.clone();
    assert_eq!(tags("-1P570 +1P560"), [Tag::Credit, Tag::Put]);
    assert_eq!(tags("-1C640 +1C630"), [Tag::Debit, Tag::Call]);
    assert_eq!(tags("-1P570 +1P560 -1C630 +1C640"), [Tag::Short]);
    assert_eq!(tags("-1P570 +1P560 -1C630 +1C650"), [Tag::Short, Tag::BrokenWing]);
    assert_eq!(tags("-1P610 +1P600 -1C590 +1C600"), [Tag::Short, Tag::Inverted]);
    assert_eq!(tags("-2P560 +1P580"), [Tag::Front, Tag::Put]);
}

#[test]
fn a_mixed_account_falls_into_its_structures() {
    let text = "+100sh -1C660 -2P620 +2P610 -1P600J +1P590J -1C700J +1C710J";
    let mut held = bag(text);
    for (one, minute) in held.iter_mut().zip([0, 5, 7, 7, 9, 9, 9, 9]) {
        one.opened_at = chrono::Utc.with_ymd_and_hms(2026, 11, 2, 15, minute, 0).single();
    }
    let groups = recognise(&held);
    assert_eq!(names(&groups), ["covered_call×1", "iron_condor×1", "vertical_spread×2"]);
    conserved(&held, &groups);
    // Without the times the order of the templates decides, and a collar comes first.
    let untimed = bag(text);
    let groups = recognise(&untimed);
    assert!(groups.iter().any(|g| g.strategy == Strategy::Collar));
    conserved(&untimed, &groups);
}

#[test]
fn what_was_opened_together_stays_together() {
    let at = |second| chrono::Utc.with_ymd_and_hms(2026, 11, 2, 15, 0, second).single();
    let mut held = bag("-1P570 +1P560 -1C630 +1C640");
    assert_eq!(names(&recognise(&held)), ["iron_condor×1"]);
    for (one, second) in held.iter_mut().zip([0, 1, 30, 30]) {
        one.opened_at = at(second);
    }
    let groups = recognise(&held);
    assert_eq!(names(&groups), ["vertical_spread×1", "vertical_spread×1"], "two orders, two trades");
    conserved(&held, &groups);
}

#[test]
fn many_leftovers_of_one_expiry_are_one_custom_position() {
    let held = bag("+1C600 +1C610 +1C620 +3C630");
    let groups = recognise(&held);
    assert_eq!(names(&groups), ["custom×1"]);
    conserved(&held, &groups);
    assert_eq!(label(&[]), Strategy::Custom);
}

#[test]
fn adjusted_contracts_and_other_underlyings_stand_alone() {
    let mut held = bag("+100sh -1C240");
    if let Instrument::Option(contract) = &held[1].instrument {
        let mut adjusted = (**contract).clone();
        adjusted.root = Symbol::new("SPY1").expect("a symbol");
        held[1].instrument = Instrument::Option(adjusted.into());
    }
    assert_eq!(names(&recognise(&held)), ["custom×-1", "stock×100"]);
    held[0].instrument = Instrument::Equity(Symbol::new("QQQ").expect("a symbol"));
    let groups = recognise(&held);
    assert_eq!(groups.len(), 2);
    conserved(&held, &groups);
}
