//! What the picture says of a trade: where it may go, and what called for action a moment ago.

use super::*;
use crate::market::update::{Epoch, MarketUpdate, RawQuote, Source};
use crate::snapshot::{Shown, Snapshot, Standing};

#[test]
fn the_picture_offers_the_moves_that_would_not_be_refused() {
    let mut bench = Bench::new();
    bench.feed(report(AccountKind::Margin, Some(spread())));
    let trade = bench.only_trade();
    let snapshot = bench.engine.snapshot(bench.now);
    let routes = snapshot.positions.groups[0].trades[0].routes.clone();
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["high", "medium", "core"], "what may take it comes first");
    for route in routes.into_iter().rev() {
        match bench.command(Command::Move { trade, to: route.portfolio }).1 {
            Some(Ok(_)) => assert_eq!(route.refused, None),
            Some(Err(refusal)) => assert_eq!(route.refused, Some(refusal.to_string())),
            None => panic!("no answer"),
        }
    }
}

/// A spread sold for 1.00: its short leg is worth `short`, the long one 0.50.
fn marks(bench: &mut Bench, short: f64) -> Snapshot {
    let quote = |strike, mid: f64| MarketUpdate::Quote {
        instrument: option(Right::Put, strike),
        quote: RawQuote {
            bid: Price::from_f64(mid - 0.01),
            ask: Price::from_f64(mid + 0.01),
            bid_size: None,
            ask_size: None,
            at: None,
            received: bench.now,
        },
        source: Source::Stream(Epoch(1)),
    };
    let quotes = vec![quote(650, short), quote(645, 0.5)];
    bench.feed(Input::Market(quotes));
    bench.engine.snapshot(bench.now)
}

#[test]
fn an_exit_that_called_stays_until_it_has_cleared_and_does_not_vanish_with_the_link() {
    let mut bench = Bench::new();
    let up = LinkState::Up { epoch: Epoch(1) };
    bench.feed(Input::Link { link: Link::MarketStream, state: up.clone() });
    let sold = |strike, quantity, price| BrokerPosition {
        average_open_price: Some(Price(Decimal::from(price))),
        ..held(option(Right::Put, strike), quantity)
    };
    bench.feed(report(AccountKind::Ira, Some(vec![sold(650, -1, 3), sold(645, 1, 2)])));
    let exit = |snapshot: &Snapshot| {
        let row = snapshot.blotter.iter().find(|row| row.urgency.tag() == "EXIT").cloned();
        row.map(|row| (row.stale, row.why, row.price))
    };
    let called = |percent: &str, price: &str| Some((false, percent.to_owned(), Some(price.to_owned())));
    assert_eq!(exit(&marks(&mut bench, 0.87)), None, "63 % of the maximum do not reach 65 %");
    assert_eq!(exit(&marks(&mut bench, 0.85)), called("65 % of max ≥ 65 %", "0.35"));
    let near = marks(&mut bench, 0.88);
    assert_eq!(exit(&near), called("62 % of max, was ≥ 65 %", "0.38"), "a row does not flicker");
    assert!(near.positions.groups[0].trades[0].rule.starts_with("CLOSE: 62 %"));

    let down = LinkState::Down { why: "reset".into(), retry_in_ms: None };
    bench.feed(Input::Link { link: Link::MarketStream, state: down });
    bench.now += TimeDelta::minutes(3);
    let cut = bench.engine.snapshot(bench.now);
    let (stale, why, price) = exit(&cut).expect("what was due does not vanish");
    assert!(
        stale && why.starts_with("stale since 10:5") && why.ends_with(": 62 % of max, was ≥ 65 %"),
        "{why}"
    );
    assert_eq!(price.as_deref(), Some("~0.38"));
    let trade = &cut.positions.groups[0].trades[0];
    assert!(trade.rule.starts_with("~CLOSE, stale since 10:5"), "{}", trade.rule);
    assert_eq!(trade.percent_of_max.standing, Standing::Stale);

    bench.feed(Input::Link { link: Link::MarketStream, state: up });
    assert_eq!(exit(&marks(&mut bench, 0.92)), None, "58 % are well below");
    assert_eq!(exit(&marks(&mut bench, 0.87)), None, "and from there the way up is the whole one");
}

/// What was only decided may never have become durable: the next decision needs a context all the same.
#[test]
fn the_market_counts_as_recorded_once_it_is() {
    let mut bench = Bench::new();
    bench.feed(Input::Link { link: Link::MarketStream, state: LinkState::Up { epoch: Epoch(1) } });
    let shares = Instrument::Equity(symbol("SPY"));
    bench.feed(report(AccountKind::Ira, Some(vec![held(shares.clone(), 100)])));
    let quote = RawQuote {
        bid: Price::from_f64(599.9),
        ask: Price::from_f64(600.1),
        bid_size: None,
        ask_size: None,
        at: None,
        received: bench.now,
    };
    let source = Source::Stream(Epoch(1));
    bench.feed(Input::Market(vec![MarketUpdate::Quote { instrument: shares, quote, source }]));
    let decide = |bench: &mut Bench| {
        let command = entry(Some("SPY"), None, "premium is rich today");
        bench.engine.step(Input::Command { command, reply: None }, bench.now)
    };
    let kinds = |step: &Step| {
        let observes = |pending: &Pending| matches!(pending.event, Event::MarketObserved(_));
        step.events.iter().map(observes).collect::<Vec<_>>()
    };
    let lost = decide(&mut bench);
    assert_eq!(kinds(&lost), [true, false]);
    let again = decide(&mut bench);
    assert_eq!(kinds(&again), [true, false], "the first was never recorded");
    let (context, decided) = (again.events[0].meta.id, again.events[1].meta.causation);
    assert_eq!(decided, Some(context));
    bench.settle(again);
    let third = decide(&mut bench);
    assert_eq!((kinds(&third), third.events[0].meta.causation), (vec![false], Some(context)));
}

#[test]
fn a_trade_says_what_it_can_bring_and_its_odds_once_every_leg_has_a_volatility() {
    let mut bench = Bench::new();
    bench.feed(Input::Link { link: Link::MarketStream, state: LinkState::Up { epoch: Epoch(1) } });
    let sold = |strike, quantity, price| BrokerPosition {
        average_open_price: Some(Price(Decimal::from(price))),
        ..held(option(Right::Put, strike), quantity)
    };
    bench.feed(report(AccountKind::Ira, Some(vec![sold(650, -1, 3), sold(645, 1, 2)])));
    let of = |snapshot: &Snapshot| snapshot.positions.groups[0].trades[0].outlook.clone();
    let unpriced = of(&marks(&mut bench, 0.87));
    assert_eq!(unpriced.max_profit, Shown::live(Money(Decimal::from(100))));
    assert_eq!(unpriced.max_loss, Shown::live(Money(Decimal::from(400))));
    assert_eq!(unpriced.breakevens, Some(vec![649.0]));
    assert_eq!((unpriced.pop, unpriced.ev), (Shown::unknown(), Shown::unknown()));
    assert!(unpriced.probability_of_touch.is_empty());
    assert!(unpriced.unknown_because.is_some_and(|why| why.ends_with("an input is missing")));

    let spot = MarketUpdate::Quote {
        instrument: Instrument::Equity(symbol("SPY")),
        quote: RawQuote {
            bid: Price::from_f64(679.9),
            ask: Price::from_f64(680.1),
            bid_size: None,
            ask_size: None,
            at: None,
            received: bench.now,
        },
        source: Source::Stream(Epoch(1)),
    };
    bench.feed(Input::Market(vec![spot]));
    let snapshot = marks(&mut bench, 0.87);
    let priced = of(&snapshot);
    let known = |shown: &Shown<f64>| shown.value.filter(|_| shown.standing == Standing::Live).expect("live");
    let (pop, most, least) = (known(&priced.pop), known(&priced.p_max_profit), known(&priced.p_max_loss));
    assert!(most < pop && pop < 1.0 && pop > 0.8 && least > 0.0 && least < 1.0 - pop, "{most} {pop} {least}");
    let [touch] = priced.probability_of_touch.as_slice() else { panic!("one strike is short") };
    assert_eq!((touch.strike, touch.right), (Decimal::from(650), Right::Put));
    assert!(known(&touch.probability) > 1.0 - pop);
    // Sold for 1.00 and worth 0.37: the market gives back about as much.
    assert!(priced.ev.value.is_some_and(|ev| (ev.to_f64() - 63.0).abs() < 0.5), "{:?}", priced.ev);
    assert_eq!(priced.ev_forecast, Shown::unknown(), "no year of prices, no forecast");
    assert_eq!(priced.unknown_because, None);

    let row = serde_json::to_value(&snapshot.positions.groups[0].trades[0]).unwrap();
    for key in ["max_profit", "max_loss", "breakevens", "pop", "p_max_profit", "p_max_loss", "ev"] {
        assert!(!row[key].is_null(), "{key} stands in the trade itself");
    }
    assert_eq!(row["probability_of_touch"][0]["strike"], "650");
    let again: crate::snapshot::positions::TradeRow = serde_json::from_value(row).unwrap();
    assert_eq!(again, snapshot.positions.groups[0].trades[0]);
}
