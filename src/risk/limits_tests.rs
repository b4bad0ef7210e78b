use rust_decimal::Decimal;

use super::*;
use crate::domain::freshness::Unusable;
use crate::risk::book::LegPricing;
use crate::risk::exposure::exposures;
use crate::risk::fixtures::{book_b, close, portfolio};
use crate::risk::var::value_at_risk;

fn read(book: &RiskBook, portfolio: &PortfolioRisk) -> Vec<LimitReading> {
    let measured = exposures(book);
    let var = value_at_risk(book, &measured.legs, |_| true);
    readings(portfolio, &measured, &var)
}

#[test]
fn beta_delta_and_var_against_equity() {
    let [l1, l5] = &read(&book_b(), &portfolio(40_000.0))[..] else { panic!("two limits") };
    // 60.753282 benchmark shares at 600 of an equity of 40,000, limit 75 %.
    close(l1.utilisation.expect("known"), 60.753282 * 600.0 / 40_000.0 / 0.75, 1e-8);
    assert_eq!(l1.state, LimitState::Breached);
    assert_eq!(l1.driver().map(Symbol::as_str), Some("AAPL"));
    // 1118.05 of 40,000 is 2.80 %, limit 3 %.
    close(l5.utilisation.expect("known"), 1118.04914 / 40_000.0 / 0.03, 1e-8);
    assert_eq!(l5.state, LimitState::Near);
    close(l5.parts.iter().map(|p| p.part.0).sum(), l5.measure.expect("known").0, 1e-3);
}

#[test]
fn the_driver_of_a_short_total_is_the_shortest() {
    let mut book = book_b();
    book.legs.retain(|leg| leg.underlying != 2);
    book.legs.truncate(4);
    let l1 = &read(&book, &portfolio(40_000.0))[0];
    assert!(l1.measure.is_some_and(|m| m < Dollars(0.0)));
    assert_eq!(l1.driver().map(Symbol::as_str), Some("SPY"));
}

#[test]
fn what_is_missing_makes_a_limit_unknown_not_free() {
    let mut book = book_b();
    let mut broke = portfolio(40_000.0);
    broke.equity = None;
    assert!(read(&book, &broke).iter().all(|r| r.state == LimitState::Unknown && r.value.is_none()));
    book.legs[0].priced = LegPricing::Unpriced { why: Unusable::Missing };
    let readings = read(&book, &portfolio(40_000.0));
    assert!(readings.iter().all(|r| r.state == LimitState::Unknown));
    assert_eq!(readings[0].unknown.as_deref(), Some("1 of 8 legs unpriced"));
    let mut book = book_b();
    book.underlyings[1].daily_vol = None;
    let states: Vec<_> = read(&book, &portfolio(40_000.0)).iter().map(|r| r.state).collect();
    assert_eq!(states, [LimitState::Breached, LimitState::Unknown], "only VaR needs the volatility");
}

#[test]
fn a_limit_of_zero_means_none_and_off_means_off() {
    let mut strict = portfolio(40_000.0);
    strict.limits.beta_delta = Some(Decimal::ZERO);
    strict.limits.var95 = None;
    let some = read(&book_b(), &strict);
    assert_eq!((some[0].state, some[0].utilisation), (LimitState::Breached, None));
    assert_eq!(some[1].state, LimitState::Off);
    let mut empty = book_b();
    empty.legs.clear();
    let none = read(&empty, &strict);
    assert_eq!((none[0].state, none[0].utilisation), (LimitState::Within, Some(0.0)));
}

#[test]
fn a_trade_that_reduces_a_breach_is_never_blocked() {
    let book = book_b();
    let tight = portfolio(40_000.0);
    let before = read(&book, &tight);
    let mut hedged = book.clone();
    hedged.legs[6].quantity = 190.0;
    let less = compare(&before, &read(&hedged, &tight), true, false);
    assert_eq!((less.verdict, less.reduces_breach), (Verdict::Warn, true));
    assert_eq!(less.changes[0].state, LimitState::Breached);
    hedged.legs[6].quantity = 300.0;
    let more = compare(&before, &read(&hedged, &tight), true, false);
    assert_eq!((more.verdict, more.reduces_breach), (Verdict::Block, false));
    assert_eq!(compare(&before, &read(&hedged, &tight), true, true).verdict, Verdict::Warn);
    assert_eq!(more.changes.len(), 2);
    assert!(more.changes[0].after > more.changes[0].before);
}

#[test]
fn the_unknown_blocks_opening_and_warns_on_closing() {
    let mut book = book_b();
    let before = read(&book, &portfolio(400_000.0));
    book.legs[0].priced = LegPricing::Unpriced { why: Unusable::Crossed };
    let after = read(&book, &portfolio(400_000.0));
    assert_eq!(compare(&before, &after, true, false).verdict, Verdict::Block);
    assert_eq!(compare(&before, &after, false, false).verdict, Verdict::Warn);
    assert_eq!(compare(&before, &before, true, false).verdict, Verdict::Pass);
}

#[test]
fn each_underlying_names_the_limit_it_uses_most_of() {
    let mut book = book_b();
    let tight = portfolio(40_000.0);
    for leg in &mut book.legs {
        leg.portfolio = Some(tight.id);
    }
    let readings = read(&book, &tight);
    let rows = binding(&book, &readings, |_| true);
    for row in &rows {
        let share = row.share.expect("known");
        for reading in &readings {
            let part = reading.part_of(row.underlying).expect("a part");
            let used = part.0 * reading.measure.unwrap().0.signum() / 40_000.0 / reading.limit.unwrap();
            assert!(used <= share + 1e-12, "{} uses {used} of {:?}", row.symbol, reading.id);
        }
    }
    // The parts of one limit make up its utilisation, those that relieve it included.
    let used = readings[0].utilisation.expect("known");
    let parts: Vec<f64> = (0..3).filter_map(|place| readings[0].share_of(place)).collect();
    assert!((parts.iter().sum::<f64>() - used).abs() < 1e-9);
    let relieves = (0..3).filter(|place| readings.iter().all(|r| r.share_of(*place) <= Some(0.0)));
    for place in relieves {
        assert!(rows.iter().all(|row| row.underlying != place), "what relieves every limit is bound by none");
    }
    assert!(binding(&book, &readings, |_| false).is_empty());
}

#[test]
fn an_unknown_limit_is_named_without_a_share() {
    let mut book = book_b();
    let tight = portfolio(40_000.0);
    for leg in &mut book.legs {
        leg.portfolio = Some(tight.id);
    }
    book.legs[0].priced = LegPricing::Unpriced { why: Unusable::Crossed };
    let rows = binding(&book, &read(&book, &tight), |_| true);
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.state == LimitState::Unknown && row.share.is_none()));
}
