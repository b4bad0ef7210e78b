//! Each control: what passes, what does not, and where the boundary lies.

use super::*;
use crate::domain::control::{Alarm, KillMode};
use crate::domain::freshness::Unusable;

use ControlId as C;
use Verdict::{Block, Pass, Warn};

fn leg(facts: &mut ControlFacts) -> &mut QuoteFacts {
    facts.legs[1].quote.as_mut().expect("it has one")
}

fn confirmation(facts: &mut ControlFacts) -> &mut Confirmation {
    facts.confirmation.as_mut().expect("it has one")
}

fn dry_run(facts: &mut ControlFacts) -> &mut DryRunFacts {
    facts.dry_run.as_mut().expect("it has one")
}

#[test]
fn real_money_needs_three_yeses_and_a_listed_account() {
    let opening = opening();
    let of = |spoil: fn(&mut ControlFacts)| after(&opening, C::OptIn, spoil);
    assert_eq!(of(|_| {}), Pass);
    assert_eq!(of(|f| f.account_listed = Some(false)), Block);
    assert_eq!(of(|f| f.confirmation = None), Block);
    assert_eq!(of(|f| confirmation(f).age_seconds = 60.0), Pass);
    assert_eq!(of(|f| confirmation(f).age_seconds = 60.1), Block);
    assert_eq!(of(|f| confirmation(f).age_seconds = -1.0), Block);
    assert_eq!(of(|f| confirmation(f).body_hash = "another".into()), Block);
    assert_eq!(of(|f| confirmation(f).worst = NetPrice(cents(123))), Block);
    assert_eq!(of(|f| confirmation(f).worst = NetPrice(cents(122))), Pass);
    let rehearsed = |f: &mut ControlFacts| (f.opt_in, f.confirmation) = (Some(OptIn::Rehearsal), None);
    assert_eq!(after(&opening, C::OptIn, rehearsed), Pass);
    for (configured, switch) in [(true, None), (false, Some("1")), (true, Some("true")), (true, Some("1 "))] {
        assert_eq!(LiveOptIn::given(configured, switch), None, "{switch:?}");
    }
}

#[test]
fn a_raised_switch_lets_out_what_only_reduces_risk() {
    for mode in [KillMode::Safe, KillMode::Hard] {
        let up = |f: &mut ControlFacts| f.kill = Some(Kill::Up(mode));
        assert_eq!(after(&opening(), C::KillSwitch, up), Block);
        assert_eq!(after(&closing(), C::KillSwitch, up), Warn);
        let and_flat = |f: &mut ControlFacts| {
            up(f);
            f.worst_case.loss_before = None;
        };
        assert_eq!(after(&closing(), C::KillSwitch, and_flat), Warn, "nothing is left of it");
        // Closing the wing of a spread takes the end from its loss.
        let and_unbounded = |f: &mut ControlFacts| {
            up(f);
            f.worst_case.defined_after = Some(false);
        };
        assert_eq!(after(&closing(), C::KillSwitch, and_unbounded), Block);
    }
    assert_eq!(after(&opening(), C::KillSwitch, |_| {}), Pass);
}

#[test]
fn nothing_goes_out_of_a_house_that_is_not_in_order() {
    let opening = opening();
    let of = |spoil: fn(&mut Health)| after(&opening, C::Health, |f| spoil(&mut f.health));
    assert_eq!(of(|_| {}), Pass);
    assert_eq!(of(|h| h.store_writable = Some(false)), Block);
    assert_eq!(of(|h| h.reconciled_today = Some(false)), Block);
    assert_eq!(of(|h| h.unknown_orders = Some(1)), Block);
    assert_eq!(of(|h| h.alarms = Some(vec![Alarm::StrangeFill { order: "12".into() }])), Block);
}

#[test]
fn the_last_minute_belongs_to_closing_orders() {
    let (opening, closing) = (opening(), closing());
    let left = |ticket, seconds| after(ticket, C::Session, |f| f.session.seconds_to_close = Some(seconds));
    assert_eq!([left(&opening, 60.5), left(&opening, 60.0), left(&opening, 0.0)], [Pass, Block, Block]);
    assert_eq!([left(&closing, 60.5), left(&closing, 60.0), left(&closing, 0.0)], [Pass, Warn, Block]);
    for ticket in [&opening, &closing] {
        assert_eq!(after(ticket, C::Session, |f| f.session.open = Some(false)), Block);
        assert_eq!(after(ticket, C::Session, |f| f.session.halted = Some(true)), Block);
    }
}

#[test]
fn every_leg_has_a_live_young_uncrossed_and_narrow_quote() {
    let (opening, closing) = (opening(), closing());
    let of = |spoil: fn(&mut ControlFacts)| {
        (after(&opening, C::Freshness, spoil), after(&closing, C::Freshness, spoil))
    };
    assert_eq!(of(|f| leg(f).age_seconds = Some(15.0)), (Pass, Pass));
    assert_eq!(of(|f| leg(f).age_seconds = Some(15.1)), (Block, Block));
    assert_eq!(of(|f| leg(f).standing = Standing::StaleSeconds(3)), (Block, Block));
    assert_eq!(of(|f| leg(f).bid = Some(Price(cents(179)))), (Block, Block), "crossed");
    assert_eq!(of(|f| leg(f).bid = Some(Price(cents(178)))), (Pass, Pass), "locked");
    assert_eq!(of(|f| leg(f).bid = Some(Price(cents(148)))), (Pass, Pass), "thirty cents wide");
    assert_eq!(of(|f| leg(f).bid = Some(Price(cents(147)))), (Block, Warn), "wider than that");
    assert_eq!(of(|f| leg(f).bid = Some(Price(cents(-1)))), (Block, Block));
    assert_eq!(of(|f| f.clock_skew_seconds = Some(-30.0)), (Pass, Pass));
    assert_eq!(of(|f| f.clock_skew_seconds = Some(-30.1)), (Block, Block));
    assert_eq!(of(|f| f.legs.truncate(3)), (Block, Block));
    let worthless = |f: &mut ControlFacts| {
        *leg(f) = QuoteFacts {
            bid: Some(Price(Decimal::ZERO)),
            ask: Some(Price(cents(5))),
            standing: Standing::Unusable(Unusable::ZeroBid),
            ..*leg(f)
        }
    };
    assert_eq!(of(worthless), (Block, Pass), "what has no bid can be bought back");
}

#[test]
fn the_order_is_one_that_an_exchange_takes() {
    let form = |ticket: &Ticket| verdict(ticket, &facts(), C::Form).0;
    assert_eq!(form(&opening()), Pass);
    let mut crooked = opening();
    crooked.limit = NetPrice(Decimal::new(1_225, 3));
    assert_eq!(form(&crooked), Block, "no multiple of a cent");
    let mut adjusted = opening();
    adjusted.legs[0].instrument = option("SPY1", Right::Put, 645);
    assert_eq!(form(&adjusted), Block);
    let mut twice = opening();
    twice.legs[0] = twice.legs[1].clone();
    assert_eq!(form(&twice), Block);
    let mut five = opening();
    five.legs.push(five.legs[0].clone());
    assert_eq!(form(&five), Block);

    let mut single = opening();
    single.legs.truncate(1);
    single.limit = NetPrice(cents(-111));
    let mut known = facts();
    known.legs.truncate(1);
    known.legs[0].ticks =
        vec![TickSize { below: Some(cents(300)), tick: cents(1) }, TickSize { below: None, tick: cents(5) }];
    let form = |limit: i64| {
        let ticket = Ticket { limit: NetPrice(cents(limit)), ..single.clone() };
        verdict(&ticket, &known, C::Form).0
    };
    assert_eq!([form(-299), form(-300), form(-301), form(-305)], [Pass, Pass, Block, Pass]);
    assert_eq!([form(111), form(0)], [Block, Block], "what is bought is paid for");
}

#[test]
fn the_finest_tick_of_its_legs_is_the_packages() {
    let mut facts = facts();
    for leg in &mut facts.legs {
        leg.ticks = vec![
            TickSize { below: None, tick: cents(10) },
            TickSize { below: Some(cents(300)), tick: cents(5) },
        ];
    }
    assert_eq!(tick(&opening(), &facts.legs), Some(cents(5)));
    assert_eq!(verdict(&opening(), &facts, C::Form).0, Block);
    facts.legs[2].ticks.clear();
    assert_eq!(tick(&opening(), &facts.legs), None);
}

#[test]
fn size_is_bounded_by_leg_and_by_order() {
    let size = |legs: usize, quantity: u32| {
        let mut ticket = opening();
        ticket.legs.truncate(legs);
        for leg in &mut ticket.legs {
            leg.quantity = quantity;
        }
        verdict(&ticket, &facts(), C::Size).0
    };
    assert_eq!([size(1, 10), size(1, 11), size(1, 0), size(1, u32::MAX)], [Pass, Block, Block, Block]);
    assert_eq!([size(4, 5), size(4, 6)], [Pass, Block]);
    let mut shares = opening();
    shares.legs.truncate(1);
    shares.legs[0].instrument = Instrument::Equity(Symbol::new("SPY").expect("a symbol"));
    shares.legs[0].quantity = 1_000;
    assert_eq!(verdict(&shares, &facts(), C::Size).0, Pass);
    shares.legs[0].quantity = 1_001;
    assert_eq!(verdict(&shares, &facts(), C::Size).0, Block);
}

#[test]
fn the_worst_case_is_within_what_a_trade_may_lose() {
    let opening = opening();
    let of = |spoil: fn(&mut WorstCase)| after(&opening, C::WorstCase, |f| spoil(&mut f.worst_case));
    assert_eq!(of(|_| {}), Pass);
    assert_eq!(of(|w| w.loss_after = Some(1_500.0)), Warn);
    assert_eq!(of(|w| w.loss_after = Some(1_500.01)), Block);
    assert_eq!(of(|w| w.loss_after = Some(-1.0)), Block);
    assert_eq!(of(|w| w.defined_after = Some(false)), Block);
    let permitted = |w: &mut WorstCase| (w.defined_after, w.undefined_permitted) = (Some(false), Some(true));
    assert_eq!(of(permitted), Pass);
    assert_eq!(of(|w| w.notional = Some(1_000_000.0)), Pass);
    assert_eq!(of(|w| w.notional = Some(1_000_001.0)), Block);
    // Closing passes whatever it still can lose, as long as that is no more than before.
    let closing = closing();
    let of = |spoil: fn(&mut WorstCase)| after(&closing, C::WorstCase, |f| spoil(&mut f.worst_case));
    let part = |w: &mut WorstCase| (w.loss_before, w.loss_after) = (Some(9_000.0), Some(9_000.0));
    assert_eq!(of(part), Pass);
    let more = |w: &mut WorstCase| (w.loss_before, w.loss_after) = (Some(9_000.0), Some(9_001.0));
    assert_eq!(of(more), Block);
    assert_eq!(notional(&opening, 680.0), Some(136_000.0));
    assert_eq!(notional(&opening, f64::NAN), None);
}

#[test]
fn the_limit_stays_within_the_collar() {
    let collar = |mut ticket: Ticket, limit: i64| {
        ticket.limit = NetPrice(cents(limit));
        verdict(&ticket, &facts(), C::Collar).0
    };
    let worked = package(&opening(), &facts().legs).expect("all legs are quoted");
    assert_eq!((worked.mid.0, worked.natural.0, worked.spread()), (cents(122), cents(118), cents(8)));
    // Five percent of mid are six cents, two ticks past the natural side are 1.16.
    assert_eq!([116, 115, 128, 129].map(|limit| collar(opening(), limit)), [Pass, Block, Pass, Block]);
    // A debit: 1.28 is two ticks past the natural 1.26; an exit may rest at any better price.
    assert_eq!([-128, -129, -60, -1].map(|limit| collar(closing(), limit)), [Pass, Block, Pass, Pass]);
}

#[test]
fn buying_power_after_is_what_the_broker_says_of_exactly_this_order() {
    let (opening, closing) = (opening(), closing());
    let of = |spoil: fn(&mut DryRunFacts)| after(&opening, C::BuyingPower, |f| spoil(dry_run(f)));
    assert_eq!(of(|_| {}), Pass);
    assert_eq!(of(|d| d.body_hash = "another".into()), Block);
    assert_eq!(of(|d| d.age_seconds = Some(60.0)), Pass);
    assert_eq!(of(|d| d.age_seconds = Some(60.1)), Block);
    assert_eq!(of(|d| d.error = Some("margin check failed".into())), Block);
    assert_eq!(of(|d| d.warning = Some("the market is closed".into())), Warn);
    assert_eq!(of(|d| d.buying_power_after = Some(Money(cents(500_000)))), Pass);
    assert_eq!(of(|d| d.buying_power_after = Some(Money(cents(499_999)))), Block);
    let frees = |f: &mut ControlFacts| {
        dry_run(f).buying_power_after = Some(Money(cents(100)));
        dry_run(f).buying_power_change = Some(Money(cents(75_600)));
    };
    assert_eq!(after(&closing, C::BuyingPower, frees), Warn);
    assert_eq!(after(&opening, C::BuyingPower, frees), Block);
    assert_eq!(after(&opening, C::BuyingPower, |f| f.equity = Some(Money(cents(-1)))), Block);
}

#[test]
fn limits_hold_after_the_trade_and_a_reduction_is_never_blocked() {
    let of = |ticket: &Ticket, before: Option<f64>, after_it: Option<f64>, state| {
        after(ticket, C::PortfolioLimits, |f| {
            let limits = f.limits.as_mut().expect("known");
            limits[0] = LimitChange { limit: LimitId::L1, before, after: after_it, state };
        })
    };
    use LimitState as S;
    let opening = opening();
    assert_eq!(of(&opening, Some(0.5), Some(0.79), S::Within), Pass);
    assert_eq!(of(&opening, Some(0.5), Some(1.0), S::Near), Warn);
    assert_eq!(of(&opening, Some(0.5), Some(1.01), S::Breached), Block);
    assert_eq!(of(&opening, Some(1.2), Some(1.1), S::Breached), Warn, "less than before");
    assert_eq!(of(&opening, None, Some(1.1), S::Breached), Block, "less than what?");
    assert_eq!(of(&opening, Some(0.5), None, S::Unknown), Block);
    assert_eq!(of(&opening, Some(0.5), None, S::Within), Block, "a state without its figure");
    assert_eq!(of(&opening, Some(0.5), Some(1.5), S::Within), Block, "a state against its figure");
    assert_eq!(of(&opening, None, None, S::Off), Pass);
    assert_eq!(of(&closing(), Some(0.5), None, S::Unknown), Warn);
    assert_eq!(of(&closing(), Some(0.5), Some(1.2), S::Breached), Block);
    assert_eq!(after(&opening, C::PortfolioLimits, |f| f.limits = Some(Vec::new())), Block);
    let one = |f: &mut ControlFacts| f.limits.as_mut().expect("known").truncate(1);
    assert_eq!(after(&opening, C::PortfolioLimits, one), Block);
}

#[test]
fn the_same_order_does_not_go_out_again() {
    let opening = opening();
    let legs = opening.legs.iter().rev().map(|leg| (leg.instrument.clone(), leg.action)).collect();
    let alike = OtherOrder { legs, ..another() };
    let of = |other: OtherOrder| after(&opening, C::Duplicate, |f| f.others = Some(vec![another(), other]));
    let aged = |age| OtherOrder { age_seconds: age, ..alike.clone() };
    assert_eq!([of(aged(Some(60.0))), of(aged(Some(59.9))), of(aged(None))], [Pass, Block, Block]);
    assert_eq!(of(OtherOrder { account: AccountId(id(6)), ..aged(Some(1.0)) }), Pass);
    let same_trade = OtherOrder { trade: opening.trade, ..another() };
    assert_eq!(of(same_trade.clone()), Pass, "it has ended");
    assert_eq!(of(OtherOrder { may_work: true, ..same_trade.clone() }), Block);
    assert_eq!(of(OtherOrder { may_work: true, closing: true, ..same_trade }), Pass, "it is the exit");
    assert_eq!(of(OtherOrder { reference: opening.reference, ..another() }), Block);
}

#[test]
fn orders_are_counted_by_the_minute_and_by_the_day() {
    let opening = opening();
    let of = |minute, day| {
        let sent = Sent { orders_minute: minute, orders_day: day, ..Sent::default() };
        after(&opening, C::Rate, |f| f.sent = Some(sent))
    };
    assert_eq!([of(5, 49), of(6, 6), of(0, 50)], [Pass, Block, Block]);
    let replaced = |minute, day| {
        let mut facts = facts();
        // The rate of new orders does not slow a walk.
        let sent =
            Sent { orders_minute: 99, orders_day: 999, replacements_minute: minute, replacements_day: day };
        facts.sent = Some(sent);
        clear_replacement(opening.clone(), &facts, &ControlConfig::default()).is_ok()
    };
    assert_eq!([replaced(11, 499), replaced(12, 12), replaced(0, 500)], [true, false, false]);
}

#[test]
fn open_orders_are_few_and_together_bearable() {
    let opening = opening();
    let of = |ticket: &Ticket, count, loss| {
        let open = OpenOrders { count: Some(count), loss_if_all_fill: Some(loss) };
        after(ticket, C::OpenOrders, |f| f.open_orders = open)
    };
    assert_eq!([of(&opening, 19, 0.0), of(&opening, 20, 0.0)], [Pass, Block]);
    assert_eq!([of(&opening, 1, 5_000.0), of(&opening, 1, 5_000.5)], [Pass, Block]);
    assert_eq!(of(&closing(), 1, 9_999.0), Pass);
}

#[test]
fn closing_neither_exceeds_nor_turns_the_position() {
    let closing = closing();
    let held = |place: usize, held: i64, elsewhere: i64| {
        after(&closing, C::ClosingOnly, |f| {
            f.legs[place].held = Some(Decimal::from(held));
            f.legs[place].closing_elsewhere = Some(Decimal::from(elsewhere));
        })
    };
    // The second leg buys two back.
    assert_eq!([held(1, -2, 0), held(1, -1, 0), held(1, 0, 0), held(1, 2, 0)], [Pass, Block, Block, Block]);
    assert_eq!([held(1, -3, 1), held(1, -2, 1), held(1, -2, -1)], [Pass, Block, Block]);
    assert_eq!([held(0, 2, 0), held(0, 1, 0), held(0, -2, 0)], [Pass, Block, Block]);
    assert_eq!(after(&opening(), C::ClosingOnly, |_| {}), Pass);
}

#[test]
fn after_the_days_loss_only_risk_goes_down() {
    let pnl = |ticket: &Ticket, pnl| after(ticket, C::DayLoss, |f| f.day.pnl = Some(pnl));
    assert_eq!([pnl(&opening(), -749.99), pnl(&opening(), -750.0)], [Pass, Block]);
    assert_eq!(pnl(&closing(), -9_000.0), Warn);
    assert_eq!(after(&closing(), C::DayLoss, |f| f.day.most_loss = None), Warn);
}
