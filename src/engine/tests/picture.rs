//! What the picture says of a trade: where it may go, and what called for action a moment ago.

use super::*;
use crate::market::update::{Epoch, MarketUpdate, RawQuote, Source};
use crate::snapshot::{Snapshot, Standing};

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
