//! What no order gets past: anything that is missing or is no number.

use proptest::prelude::*;

use super::*;

type Spoil = (&'static str, Box<dyn Fn(&mut ControlFacts)>);

macro_rules! spoils {
    ($(($($field:tt)+) = $bad:expr;)+) => {
        vec![$((
            concat!($(stringify!($field)),+, " = ", stringify!($bad)),
            Box::new(|facts: &mut ControlFacts| facts.$($field)+ = $bad) as Box<dyn Fn(&mut ControlFacts)>,
        )),+]
    };
}

/// Every fact, removed; every figure, turned into what it cannot be. Taken apart field by field, so that a
/// new fact does not compile before it is spoilt here.
fn spoils() -> Vec<Spoil> {
    let ControlFacts {
        opt_in: _,
        account_listed: _,
        confirmation: Some(Confirmation { body_hash: _, age_seconds: _, worst: _ }),
        kill: _,
        health: Health { store_writable: _, reconciled_today: _, unknown_orders: _, alarms: _ },
        session: SessionFacts { open: _, halted: _, seconds_to_close: _ },
        legs: _,
        clock_skew_seconds: _,
        body_hash: _,
        dry_run:
            Some(DryRunFacts {
                body_hash: _,
                age_seconds: _,
                // What the order changes, and what the broker warns of, does not decide on a new risk.
                buying_power_change: _,
                buying_power_after: _,
                error: _,
                warning: _,
            }),
        equity: _,
        worst_case:
            WorstCase {
                // Before a trade there is nothing: what is needed of it is that the order closes none of it.
                loss_before: _,
                loss_after: _,
                defined_before: _,
                defined_after: _,
                // Asked where risk has no end.
                undefined_permitted: _,
                notional: _,
                most_loss: _,
            },
        limits: _,
        others: _,
        sent: Some(Sent { orders_minute: _, orders_day: _, replacements_minute: _, replacements_day: _ }),
        open_orders: OpenOrders { count: _, loss_if_all_fill: _ },
        day: DayFacts { pnl: _, most_loss: _ },
    } = facts()
    else {
        panic!("the facts of the tests are complete")
    };
    let mut all = spoils! {
        (opt_in) = None;
        (account_listed) = None;
        (confirmation) = None;
        (kill) = None;
        (health.store_writable) = None;
        (health.reconciled_today) = None;
        (health.unknown_orders) = None;
        (health.alarms) = None;
        (session.open) = None;
        (session.halted) = None;
        (session.seconds_to_close) = None;
        (legs) = Vec::new();
        (clock_skew_seconds) = None;
        (body_hash) = None;
        (dry_run) = None;
        (equity) = None;
        (equity) = Some(Money(Decimal::NEGATIVE_ONE));
        (worst_case.loss_after) = None;
        (worst_case.defined_after) = None;
        (worst_case.notional) = None;
        (worst_case.most_loss) = None;
        (limits) = None;
        (limits) = Some(Vec::new());
        (others) = None;
        (sent) = None;
        (open_orders.count) = None;
        (open_orders.loss_if_all_fill) = None;
        (day.pnl) = None;
        (day.most_loss) = None;
    };
    macro_rules! within {
        ($facts:ident => $($change:expr;)+) => {
            $(all.push((stringify!($change), Box::new(|$facts: &mut ControlFacts| $change)));)+
        };
    }
    within! { f =>
        f.confirmation.as_mut().unwrap().body_hash.clear();
        f.dry_run.as_mut().unwrap().body_hash.clear();
        f.dry_run.as_mut().unwrap().age_seconds = None;
        f.dry_run.as_mut().unwrap().buying_power_after = None;
        f.limits.as_mut().unwrap()[0].after = None;
        f.limits.as_mut().unwrap()[1].after = None;
        f.limits.as_mut().unwrap().retain(|change| change.limit != LimitId::L1);
        f.limits.as_mut().unwrap().retain(|change| change.limit != LimitId::L5);
    }
    for place in 0..4 {
        let mut of_leg = |name, spoil: fn(&mut LegFacts)| {
            all.push((name, Box::new(move |f: &mut ControlFacts| spoil(&mut f.legs[place]))));
        };
        of_leg("quote", |leg| leg.quote = None);
        of_leg("ticks", |leg| leg.ticks.clear());
        of_leg("no tick", |leg| leg.ticks[0].tick = Decimal::ZERO);
        of_leg("bid", |leg| leg.quote.as_mut().unwrap().bid = None);
        of_leg("ask", |leg| leg.quote.as_mut().unwrap().ask = None);
        of_leg("bid below nothing", |leg| leg.quote.as_mut().unwrap().bid = Some(Price(cents(-1))));
        of_leg("age", |leg| leg.quote.as_mut().unwrap().age_seconds = None);
        all.push(("a leg", Box::new(move |f: &mut ControlFacts| f.legs.truncate(place))));
    }
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        macro_rules! figures {
            ($facts:ident => $($place:expr;)+) => {
                $(all.push((
                    stringify!($place),
                    Box::new(move |$facts: &mut ControlFacts| *$place = bad),
                ));)+
            };
        }
        figures! { f =>
            &mut f.confirmation.as_mut().unwrap().age_seconds;
            f.session.seconds_to_close.as_mut().unwrap();
            f.clock_skew_seconds.as_mut().unwrap();
            f.dry_run.as_mut().unwrap().age_seconds.as_mut().unwrap();
            f.worst_case.loss_after.as_mut().unwrap();
            f.worst_case.notional.as_mut().unwrap();
            f.worst_case.most_loss.as_mut().unwrap();
            f.limits.as_mut().unwrap()[0].after.as_mut().unwrap();
            f.limits.as_mut().unwrap()[1].after.as_mut().unwrap();
            f.open_orders.loss_if_all_fill.as_mut().unwrap();
            f.day.pnl.as_mut().unwrap();
            f.day.most_loss.as_mut().unwrap();
            f.legs[0].quote.as_mut().unwrap().age_seconds.as_mut().unwrap();
            f.legs[3].quote.as_mut().unwrap().age_seconds.as_mut().unwrap();
        }
    }
    all
}

#[test]
fn whatever_single_fact_is_missing_or_no_number_nothing_is_cleared() {
    let config = ControlConfig::default();
    let (_, checks) = clear(opening(), &facts(), &config).expect("everything is well");
    assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{checks:#?}");
    for (what, spoil) in spoils() {
        let mut facts = facts();
        spoil(&mut facts);
        let refused = clear(opening(), &facts, &config).expect_err(what);
        let no = first_block(&refused).unwrap_or_else(|| panic!("{what}: nothing says no"));
        assert!(no.why.as_deref().is_some_and(|why| !why.is_empty()), "{what}: {no:?}");
    }
}

#[test]
fn closing_goes_out_and_a_position_that_nobody_knows_is_not_closed() {
    let config = ControlConfig::default();
    assert!(clear(closing(), &facts_of_closing(), &config).is_ok());
    for place in 0..4 {
        let mut facts = facts_of_closing();
        facts.legs[place].held = None;
        assert!(clear(closing(), &facts, &config).is_err());
        let mut facts = facts_of_closing();
        facts.legs[place].closing_elsewhere = None;
        assert!(clear(closing(), &facts, &config).is_err());
    }
}

#[test]
fn nothing_known_is_sixteen_times_no() {
    let checks = check(&opening(), &ControlFacts::default(), &ControlConfig::default());
    let said: Vec<(ControlId, Verdict)> = checks.iter().map(|check| (check.control, check.verdict)).collect();
    // An order that opens exceeds no position, and one of two contracts a leg is not too large.
    let expected = ControlId::ALL.map(|control| match control {
        ControlId::Size | ControlId::ClosingOnly => (control, Verdict::Pass),
        _ => (control, Verdict::Block),
    });
    assert_eq!(said, expected);
}

/// Reads one figure as any number a computer has.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::ANY,
        -10.0..2_000.0,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(0.0),
        Just(-0.0)
    ]
}

proptest! {
    #[test]
    fn what_is_cleared_has_sixteen_answers_that_pass_or_warn(
        spoiled in prop::collection::vec(any_number(), 10),
        which in any::<u16>(),
        close in any::<bool>(),
        limit in -300i64..300,
        quantity in 0u32..30,
    ) {
        let (mut ticket, mut facts) = if close { (closing(), facts_of_closing()) } else { (opening(), facts()) };
        if which & 1 == 0 { ticket.limit = NetPrice(cents(limit)); }
        if which & 2 == 0 { ticket.legs[0].quantity = quantity; }
        let bit = |n: u32| which & (1 << n) == 0;
        if bit(2) { facts.session.seconds_to_close = Some(spoiled[0]); }
        if bit(3) { facts.worst_case.loss_after = Some(spoiled[1]); }
        if bit(4) { facts.worst_case.loss_before = Some(spoiled[2]); }
        if bit(5) { facts.worst_case.most_loss = Some(spoiled[3]); }
        if bit(6) { facts.day.pnl = Some(spoiled[4]); }
        if bit(7) { facts.day.most_loss = Some(spoiled[5]); }
        if bit(8) { facts.open_orders.loss_if_all_fill = Some(spoiled[6]); }
        if bit(9) { facts.clock_skew_seconds = Some(spoiled[7]); }
        if bit(10) { facts.limits.as_mut().unwrap()[0].after = Some(spoiled[8]); }
        if bit(11) { facts.limits.as_mut().unwrap()[0].before = Some(spoiled[9]); }
        let checks = check(&ticket, &facts, &ControlConfig::default());
        prop_assert_eq!(checks.iter().map(|c| c.control).collect::<Vec<_>>(), ControlId::ALL);
        for one in &checks {
            // What is recorded is readable again: no number in it is none.
            for measured in [&one.value, &one.limit] {
                prop_assert!(!matches!(measured, Measured::Number(n) if !n.is_finite()), "{:?}", one);
            }
            prop_assert_eq!(one.why.is_some(), one.verdict != Verdict::Pass, "{:?}", one);
        }
        let refused = checks.iter().any(|c| c.verdict == Verdict::Block);
        match clear(ticket.clone(), &facts, &ControlConfig::default()) {
            Ok((cleared, kept)) => {
                prop_assert!(!refused);
                prop_assert_eq!(cleared.get(), &ticket);
                prop_assert_eq!(kept, checks);
            }
            Err(kept) => {
                prop_assert!(refused);
                prop_assert_eq!(kept, checks);
            }
        }
    }
}

#[test]
fn a_replacement_passes_eight_of_them_and_keeps_within_what_was_confirmed() {
    let config = ControlConfig::default();
    let mut facts = facts();
    // What only a new order needs is not asked again.
    (facts.dry_run, facts.limits, facts.others, facts.body_hash) = (None, None, None, None);
    let (cleared, checks) = clear_replacement(opening(), &facts, &config).expect("well");
    assert_eq!(cleared.get().limit, opening().limit);
    assert_eq!(checks.iter().map(|c| c.control).collect::<Vec<_>>(), OF_REPLACEMENTS);
    facts.confirmation.as_mut().unwrap().worst = NetPrice(cents(123));
    assert!(clear_replacement(opening(), &facts, &config).is_err());
    for control in OF_REPLACEMENTS {
        let checks = check_replacement(&opening(), &ControlFacts::default(), &config);
        let found = checks.iter().find(|check| check.control == control).expect("one of eight");
        assert_eq!(found.verdict, Verdict::Block, "{control:?}");
    }
}

#[test]
fn orders_that_hang_together_are_cleared_together() {
    let config = ControlConfig::default();
    let exit = |limit: i64| Ticket { reference: reference(9), limit: NetPrice(cents(limit)), ..closing() };
    let with = |kind, trigger: Option<Ticket>, orders: Vec<Ticket>| ComplexTicket {
        kind,
        trigger,
        orders: orders.into_iter().map(Exit::from).collect(),
    };
    let brackets = with(ComplexKind::Otoco, Some(opening()), vec![exit(-60), exit(-240)]);
    let (cleared, checks) = clear_complex(brackets.clone(), &facts(), &config).expect("well");
    assert_eq!((cleared.get(), checks.len()), (&brackets, 16));
    let mut too_many = brackets.clone();
    too_many.orders[1].ticket.legs[0].quantity = 3;
    let mut crooked = brackets.clone();
    crooked.orders[0].ticket.limit = NetPrice(Decimal::new(-605, 3));
    let opens = with(ComplexKind::Otoco, Some(opening()), vec![exit(-60), opening()]);
    let alone = with(ComplexKind::Otoco, None, vec![exit(-60), exit(-240)]);
    let empty = with(ComplexKind::Oco, None, Vec::new());
    for bad in [too_many, crooked, opens, alone, empty] {
        let refused = clear_complex(bad.clone(), &facts(), &config).expect_err("refused");
        assert_eq!(refused.len(), 16);
        let form = refused.iter().find(|check| check.control == ControlId::Form).expect("looked at");
        assert_eq!(form.verdict, Verdict::Block, "{bad:?}");
    }
    let oco = with(ComplexKind::Oco, None, vec![exit(-60), exit(-122)]);
    assert!(clear_complex(oco.clone(), &facts_of_closing(), &config).is_ok());
    // Past the collar.
    let worse = with(ComplexKind::Oco, None, vec![exit(-60), exit(-500)]);
    assert!(clear_complex(worse, &facts_of_closing(), &config).is_err());
    assert!(clear_complex(oco, &facts(), &config).is_err(), "nothing is held");
}

#[test]
fn a_stop_waits_for_a_worse_market_and_its_limit_is_near_it() {
    let config = ControlConfig::default();
    let exit = |limit: i64, stop: Option<i64>| Exit {
        ticket: Ticket { limit: NetPrice(cents(limit)), ..closing() },
        stop: stop.map(|stop| NetPrice(cents(stop))),
    };
    let judged = |limit, stop| {
        let orders = vec![exit(-60, None), exit(limit, Some(stop))];
        let set = ComplexTicket { kind: ComplexKind::Oco, trigger: None, orders };
        let mut facts = facts_of_closing();
        if let Some(confirmed) = &mut facts.confirmation {
            confirmed.worst = NetPrice(cents(-1_000));
        }
        let refused = clear_complex(set, &facts, &config).err()?;
        Some(first_block(&refused).expect("a reason").control)
    };
    assert_eq!(judged(-264, -240), None, "far worse than the market, and a tenth past the stop");
    assert_eq!(judged(-264, -100), Some(ControlId::Collar), "the market is there already");
    assert_eq!(judged(-900, -240), Some(ControlId::Collar), "a limit that takes any price");
    assert_eq!(judged(-230, -240), Some(ControlId::Form), "it would never fill where it begins");
}

#[test]
fn a_figure_that_blocks_everything_or_nothing_is_no_setting() {
    assert!(ControlConfig::default().validated().is_ok());
    let zero = ControlConfig { contracts_per_leg: 0, ..ControlConfig::default() };
    let negative = ControlConfig { notional: -1.0, ..ControlConfig::default() };
    let none = ControlConfig { reserve_share: f64::NAN, ..ControlConfig::default() };
    let endless = ControlConfig { quote_age_seconds: f64::INFINITY, ..ControlConfig::default() };
    let share = ControlConfig { open_loss_share: 1.5, ..ControlConfig::default() };
    let collar = ControlConfig { collar_mid_share: Decimal::ZERO, ..ControlConfig::default() };
    for bad in [zero, negative, none, endless, share, collar] {
        assert!(bad.validated().is_err_and(|error| error.to_string().contains("must be")));
    }
}

#[test]
fn the_record_of_a_check_keeps_its_form() {
    let mut spoiled = facts();
    spoiled.sent = Some(Sent { orders_minute: 6, ..Sent::default() });
    let checks = check(&opening(), &spoiled, &ControlConfig::default());
    let rate = serde_json::to_value(&checks[12]).expect("it can be written");
    assert_eq!(
        rate,
        serde_json::json!({
            "control": "rate",
            "value": { "number": 6.0 },
            "limit": { "number": 6.0 },
            "verdict": "block",
            "why": "6 orders in the last minute, the most is 6; wait a minute",
        })
    );
    let kill = serde_json::to_value(&checks[1]).expect("it can be written");
    assert_eq!(
        kill,
        serde_json::json!({
            "control": "kill_switch",
            "value": { "text": "off" },
            "limit": { "text": "off" },
            "verdict": "pass",
        })
    );
    let unknown = check(&opening(), &ControlFacts::default(), &ControlConfig::default());
    assert_eq!(serde_json::to_value(&unknown[1].value).expect("written"), serde_json::json!("unknown"));
    let all = serde_json::to_string(&checks).expect("it can be written");
    let read: Vec<ControlCheck> = serde_json::from_str(&all).expect("it can be read");
    assert_eq!(read, checks);
    let names: Vec<String> = ControlId::ALL
        .iter()
        .map(|control| serde_json::to_value(control).expect("written").as_str().expect("a word").to_owned())
        .collect();
    assert_eq!(
        names.join(" "),
        "opt_in kill_switch health session freshness form size worst_case collar buying_power \
         portfolio_limits duplicate rate open_orders closing_only day_loss"
    );
}
