//! Each known mistake, injected, is caught and named; none is found where there is none.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use super::units::{RhoUnit, ThetaUnit, VegaUnit, VolUnit};
use super::*;
use crate::domain::instrument::OptionContract;
use crate::domain::{ExerciseStyle, Right, Settlement, Symbol};
use crate::pricing::american::CashDividend;

const RIGHTS: [Right; 2] = [Right::Call, Right::Put];

fn at() -> Timestamp {
    DateTime::from_timestamp(1_795_190_000, 0).expect("an instant")
}

fn instrument(right: Right, strike: i64) -> Instrument {
    let symbol = Symbol::new("SPY").expect("a symbol");
    Instrument::Option(Arc::new(OptionContract {
        underlying: symbol.clone(),
        root: symbol,
        expiry: NaiveDate::from_ymd_opt(2027, 1, 15).expect("a date"),
        right,
        strike: Decimal::from(strike),
        settlement: Settlement::Pm,
        style: ExerciseStyle::American,
        multiplier: 100,
    }))
}

/// How the broker's model is wrong, and what it calls its figures.
#[derive(Clone, Copy)]
struct Broker {
    spot: f64,
    vol: f64,
    rate: f64,
    dividends: bool,
    /// Beside the dividends, or in their place.
    pays_yield: f64,
    early: bool,
    /// The contracts are American.
    american: bool,
    theta: f64,
    vega: f64,
    percent: f64,
}

/// As ours, per day and point.
const SAME: Broker = Broker {
    spot: 0.0,
    vol: 0.0,
    rate: 0.04,
    dividends: true,
    pays_yield: 0.0,
    early: true,
    american: false,
    theta: 1.0,
    vega: 1.0,
    percent: 1.0,
};

const PAYS: f64 = 1.97;

fn dividends() -> Arc<[CashDividend]> {
    Arc::from([CashDividend { years: 0.08, present_value: PAYS }])
}

fn pair(right: Right, strike: i64, broker: Broker) -> Pair {
    let inputs = OptionInputs {
        right,
        spot: 600.0 - PAYS,
        strike: strike as f64,
        rate: 0.04,
        dividend_yield: 0.0,
        vol_annual: 0.18 + 0.0002 * (600 - strike) as f64,
        tte_years: 0.153,
    };
    let ours =
        if broker.american { Exercise::Anytime { dividends: dividends() } } else { Exercise::AtExpiry };
    let theirs = OptionInputs {
        spot: inputs.spot + broker.spot + if broker.dividends { 0.0 } else { PAYS },
        rate: broker.rate,
        dividend_yield: broker.pays_yield,
        vol_annual: inputs.vol_annual + broker.vol,
        ..inputs
    };
    let exercise = match (broker.early && broker.american, broker.dividends) {
        (false, _) => Exercise::AtExpiry,
        (true, true) => ours.clone(),
        (true, false) => Exercise::anytime(),
    };
    let greeks = exercise.greeks(&theirs);
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    Pair {
        instrument: instrument(right, strike),
        inputs,
        exercise: ours,
        escrow: PAYS,
        live: true,
        liquid: true,
        broker: BrokerGreeks {
            price: Some(rounded(greeks.price)),
            volatility: Some(rounded(theirs.vol_annual * broker.percent)),
            delta: Some(rounded(greeks.delta)),
            gamma: Some(rounded(greeks.gamma)),
            theta: Some(rounded(greeks.theta_day.0.0 * broker.theta)),
            vega: Some(rounded(greeks.vega_point.0.0 * broker.vega)),
            rho: Some(rounded(greeks.rho_pct.0.0 * broker.vega)),
            at: Some(at()),
            received: at(),
        },
        age_seconds: 2,
    }
}

/// Strikes around the money, both sides.
fn book(broker: Broker) -> Vec<Pair> {
    (0..10).flat_map(|step| RIGHTS.map(|right| pair(right, 550 + 10 * step, broker))).collect()
}

fn settled() -> Units {
    compare(&book(SAME), Units::default()).units
}

fn causes(pairs: &[Pair]) -> Vec<Option<Cause>> {
    let found = compare(pairs, settled());
    pairs.iter().map(|pair| found.checks[&pair.instrument].cause()).collect()
}

#[test]
fn on_a_clean_day_nothing_differs() {
    let found = compare(&book(SAME), Units::default());
    assert!(found.units.are_settled(), "{:?}", found.units);
    assert!(found.checks.values().all(|check| check.verdict == Verdict::Agree));
    let all: Vec<&Instrument> = found.checks.keys().collect();
    assert_eq!(found.tally(all), Tally { compared: 20, differ: 0, mostly: None });
}

#[test]
fn units_are_told_by_comparison_and_figures_shown_in_ours() {
    for (theta, unit) in
        [(1.0, ThetaUnit::PerDay), (365.0, ThetaUnit::PerYear), (365.0 / 252.0, ThetaUnit::PerTradingDay)]
    {
        for (vega, percent) in [(1.0, 100.0), (100.0, 1.0)] {
            let pairs = book(Broker { theta, vega, percent, ..SAME });
            let found = compare(&pairs, Units::default());
            assert_eq!(found.units.theta, Some(unit));
            let per_point = vega < 2.0;
            let vega_unit = if per_point { VegaUnit::PerPoint } else { VegaUnit::PerVol };
            assert_eq!(found.units.vega, Some(vega_unit));
            assert_eq!(found.units.rho, Some(if per_point { RhoUnit::PerPercent } else { RhoUnit::PerRate }));
            let vol_unit = if percent > 2.0 { VolUnit::Percent } else { VolUnit::Fraction };
            assert_eq!(found.units.volatility, Some(vol_unit));
            for check in found.checks.values() {
                assert_eq!(check.verdict, Verdict::Agree);
                let (own, broker) = (check.own.theta(), check.broker.theta());
                let gap = own.zip(broker).map(|(own, broker)| (own - broker).abs());
                assert!(gap.is_some_and(|gap| gap < 1e-3), "{check:?}");
            }
        }
    }
}

#[test]
fn a_scale_that_is_none_is_in_doubt_and_only_the_rest_is_compared() {
    // Divided by the days once too often.
    let found = compare(&book(Broker { theta: 1.0 / 365.0, ..SAME }), Units::default());
    assert_eq!(found.units.theta, None);
    assert!(found.units.are_in_doubt());
    assert!(found.checks.values().all(|check| check.broker.theta_day.is_none()));
    assert!(found.checks.values().all(|check| check.verdict == Verdict::Agree), "of what can be compared");
}

#[test]
fn a_small_book_settles_where_all_say_the_same_and_a_tiny_one_does_not() {
    let few: Vec<Pair> = book(SAME).into_iter().take(8).collect();
    assert!(compare(&few, Units::default()).units.are_settled());
    let mut split = few.clone();
    for pair in &mut split[..3] {
        pair.broker.theta = pair.broker.theta.map(|theta| theta * 365.0);
    }
    let units = compare(&split, Units::default()).units;
    assert_eq!((units.theta, units.vega), (None, Some(VegaUnit::PerPoint)));
    assert!(!units.are_in_doubt(), "too few to speak of doubt");
    assert!(!compare(&few[..4], Units::default()).units.are_settled());
}

#[test]
fn what_changes_its_unit_later_is_caught() {
    for change in [100.0, 1.0 / 365.0, 365.0] {
        let mut pairs = book(SAME);
        pairs.iter_mut().for_each(|pair| pair.broker.theta = pair.broker.theta.map(|theta| theta * change));
        let found = causes(&pairs);
        assert!(found.iter().all(|cause| *cause == Some(Cause::Units)), "{change}: {found:?}");
    }
    let mut pairs = book(SAME);
    pairs.iter_mut().for_each(|pair| pair.broker.vega = pair.broker.vega.map(|vega| vega * 100.0));
    assert!(causes(&pairs).iter().all(|cause| *cause == Some(Cause::Units)));
}

#[test]
fn a_sign_turned_over_is_caught_from_the_first_moment() {
    let pairs = book(Broker { theta: -1.0, ..SAME });
    let found = compare(&pairs, Units::default());
    assert_eq!(found.units.theta, Some(ThetaUnit::PerDay));
    assert!(found.checks.values().all(|check| check.cause() == Some(Cause::Sign)));
}

/// Of the legs on which it shows at all, the cause is named on most, and never another one than the two given.
fn mostly(broker: Broker, cause: Cause, twin: Option<Cause>) {
    let broker = Broker { american: true, ..broker };
    let found = compare(&book(broker), settled());
    let all: Vec<&Instrument> = found.checks.keys().collect();
    let tally = found.tally(all);
    assert!(tally.is_mismatch(), "{cause:?}: {tally:?}");
    assert_eq!(
        tally.mostly,
        Some(cause),
        "{:?}",
        found.checks.values().map(Check::cause).collect::<Vec<_>>()
    );
    for found in found.checks.values().filter_map(Check::cause) {
        assert!(found == cause || Some(found) == twin, "{cause:?}: {found:?}");
    }
}

#[test]
fn each_wrong_input_is_named() {
    mostly(Broker { vol: 0.02, ..SAME }, Cause::Volatility, None);
    mostly(Broker { vol: -0.015, ..SAME }, Cause::Volatility, None);
    mostly(Broker { spot: 7.0, ..SAME }, Cause::Spot, None);
    mostly(Broker { spot: -9.0, vol: 0.002, ..SAME }, Cause::Spot, None);
    mostly(Broker { rate: 0.0, vol: 0.012, ..SAME }, Cause::Rate, None);
    mostly(Broker { rate: 0.055, vol: 0.012, ..SAME }, Cause::Rate, None);
    mostly(Broker { rate: 0.02, vol: -0.012, ..SAME }, Cause::Rate, None);
    mostly(Broker { rate: 0.12, ..SAME }, Cause::Rate, None);
    mostly(Broker { pays_yield: 0.015, vol: 0.012, ..SAME }, Cause::Dividend, None);
    mostly(Broker { dividends: false, vol: 0.012, ..SAME }, Cause::Dividend, None);
}

#[test]
fn the_right_to_exercise_early_is_missed() {
    // A call the day before a dividend that is worth exercising for.
    let mut one = pair(Right::Call, 520, Broker { american: true, ..SAME });
    one.exercise =
        Exercise::Anytime { dividends: Arc::from([CashDividend { years: 0.003, present_value: 9.0 }]) };
    one.inputs.spot = 600.0 - 9.0;
    one.escrow = 9.0;
    let theirs = Exercise::AtExpiry.greeks(&one.inputs);
    one.broker = BrokerGreeks {
        price: Some(theirs.price),
        volatility: Some(one.inputs.vol_annual),
        delta: Some(theirs.delta),
        gamma: Some(theirs.gamma),
        theta: Some(theirs.theta_day.0.0),
        vega: Some(theirs.vega_point.0.0),
        rho: Some(theirs.rho_pct.0.0),
        ..one.broker
    };
    assert_eq!(causes(&[one]), [Some(Cause::Exercise)]);
}

#[test]
fn what_no_input_explains_is_called_so() {
    let mut one = pair(Right::Put, 590, SAME);
    one.broker.delta = one.broker.delta.map(|delta| delta + 0.2);
    assert_eq!(causes(&[one]), [Some(Cause::Unknown)]);
}

#[test]
fn what_is_old_is_not_held_against_ours_and_what_is_missing_agrees() {
    let mut old = pair(Right::Put, 590, Broker { vol: 0.1, ..SAME });
    old.age_seconds = COMPARED_SECONDS + 1;
    let mut ours = pair(Right::Put, 580, Broker { vol: 0.1, ..SAME });
    ours.live = false;
    let mut silent = pair(Right::Put, 570, SAME);
    silent.broker = BrokerGreeks {
        price: None,
        volatility: None,
        delta: Some(f64::NAN),
        gamma: None,
        theta: None,
        vega: None,
        rho: None,
        ..silent.broker
    };
    let found = compare(&[old.clone(), ours.clone(), silent.clone()], settled());
    assert_eq!(found.checks[&old.instrument].verdict, Verdict::BrokerOld);
    assert_eq!(found.checks[&ours.instrument].verdict, Verdict::OwnStale);
    assert_eq!(found.checks[&silent.instrument].verdict, Verdict::Agree);
    assert_eq!(found.checks[&silent.instrument].broker, Figures::default());
    let all: Vec<&Instrument> = found.checks.keys().collect();
    assert_eq!(found.tally(all), Tally { compared: 1, ..Tally::default() });
}

#[test]
fn the_age_is_that_of_the_older_of_event_and_arrival() {
    let mut one = pair(Right::Put, 590, SAME);
    one.broker.at = Some(at() - TimeDelta::seconds(90));
    let found = compare(std::slice::from_ref(&one), Units::default());
    assert_eq!(found.checks[&one.instrument].broker_at, at() - TimeDelta::seconds(90));
}
