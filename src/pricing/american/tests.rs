//! The reference table, worked examples, and what must hold for every option.

mod gaps;
mod greeks;
mod two_sided;

use proptest::prelude::*;

use super::*;
use crate::numerics::optional_data;

fn option(right: Right, spot: f64, strike: f64, rate: f64, div: f64, vol: f64, t: f64) -> OptionInputs {
    OptionInputs { right, spot, strike, rate, dividend_yield: div, vol_annual: vol, tte_years: t }
}

/// Today's worth of `amount` after `years`.
fn dividend(years: f64, amount: f64, rate: f64) -> CashDividend {
    CashDividend { years, present_value: amount * (-rate * years).exp() }
}

struct Row {
    id: String,
    inputs: OptionInputs,
    /// price, delta, gamma, theta, vega, rho.
    want: [f64; 6],
    critical: Option<f64>,
    status: Status,
}

fn table() -> Option<Vec<Row>> {
    let text = optional_data::text("reference/numerics/american.csv")?;
    let rows = csv::Reader::from_reader(text.as_bytes()).into_records().map(|record| {
        let record = record.expect("a record");
        let number = |at: usize| record[at].parse::<f64>();
        let given = |at: usize| number(at).expect("a number");
        let right = if &record[2] == "C" { Right::Call } else { Right::Put };
        Row {
            id: record[0].to_owned(),
            inputs: option(right, given(3), given(4), given(5), given(6), given(7), given(9)),
            want: [10, 11, 12, 13, 14, 15].map(given),
            critical: number(17).ok(),
            status: match &record[18] {
                "continuation" => Status::Continuation,
                "exercise" => Status::Exercise,
                _ => Status::European,
            },
        }
    });
    Some(rows.collect())
}

#[test]
fn every_price_of_the_reference_table() {
    let Some(rows) = table() else { return };
    for (accuracy, most, root_mean) in
        [(Accuracy::Fast, 6e-6, 8e-7), (Accuracy::Accurate, 3e-7, 5e-8), (Accuracy::High, 7e-9, 1e-9)]
    {
        let (mut squares, mut held) = (0.0, 0.0);
        for row in &rows {
            let off = (price(&row.inputs, &[], accuracy) - row.want[0]).abs() / row.inputs.strike;
            assert!(off <= most, "{} {accuracy:?}: {off:e}", row.id);
            if row.status == Status::Continuation {
                (squares, held) = (squares + off * off, held + 1.0);
            }
        }
        let off = f64::sqrt(squares / held);
        assert!(off <= root_mean, "{accuracy:?}: {off:e}");
    }
}

#[test]
fn every_status_and_boundary_of_the_reference_table() {
    let Some(rows) = table() else { return };
    for row in &rows {
        let solved = American::solve(&row.inputs, &[], Accuracy::High);
        assert_eq!(solved.at(row.inputs.spot).status, row.status, "{}", row.id);
        match (solved.critical_spot(), row.critical) {
            (Some(got), Some(want)) => assert!((got / want - 1.0).abs() < 5e-5, "{}: {got} {want}", row.id),
            (got, want) => assert_eq!(got, want, "{}", row.id),
        }
    }
}

#[test]
fn the_worked_examples() {
    let put = option(Right::Put, 230.0, 240.0, 0.04, 0.0, 0.24, 56.0 / 365.0);
    let got = raw_greeks(&put, &[], Accuracy::Accurate);
    assert!((got.price - 13.921_953_0).abs() < 1e-6, "{}", got.price);
    assert!((got.delta + 0.648_481).abs() < 1e-6, "{}", got.delta);
    let paid = dividend(15.0 / 365.0, 1.10, 0.04);
    let call = option(Right::Call, 182.0 - paid.present_value, 170.0, 0.04, 0.0, 0.22, 30.0 / 365.0);
    let got = price(&call, &[paid], Accuracy::Fast);
    assert!((got - 12.760_10).abs() < 1e-5, "{got}");
    assert!((black_scholes::price(&call) - 12.315_523_7).abs() < 1e-7);
}

#[test]
fn a_ladder_is_its_single_prices() {
    for right in [Right::Call, Right::Put] {
        let terms = option(right, 0.0, 100.0, 0.045, 0.02, 0.3, 0.7);
        let solved = American::solve(&terms, &[], Accuracy::Fast);
        for spot in [40.0, 80.0, 97.5, 100.0, 130.0, 400.0] {
            let alone = price(&OptionInputs { spot, ..terms }, &[], Accuracy::Fast);
            assert_eq!(solved.price(spot), alone);
            let valued = solved.at(spot).price;
            assert!((valued - alone).abs() <= 1e-12 * 100.0, "{spot}: {valued} {alone}");
        }
    }
}

#[test]
fn modes_agree_where_the_rate_is_many_times_the_variance() {
    // Here the fixed point from the slope at the boundary does not contract, and prices would be off by a
    // thousandth and more of the strike.
    for (rate, div, vol, t) in [
        (0.272, 0.008, 0.1176, 5.97),
        (0.229, 0.051, 0.0614, 4.0),
        (0.117, 0.02, 0.058, 1.56),
        (0.045, 0.0, 0.06, 2.0),
    ] {
        let put = option(Right::Put, 100.0, 100.0, rate, div, vol, t);
        let best = price(&put, &[], Accuracy::High);
        for accuracy in [Accuracy::Fast, Accuracy::Accurate] {
            let got = price(&put, &[], accuracy);
            assert!((got - best).abs() < 1e-5 * put.strike, "{put:?} {accuracy:?}: {got} {best}");
        }
        let premium = Lattice::solve(&put, &[]).and_then(|lattice| lattice.at(100.0)).expect("a grid");
        let other = black_scholes::price(&put) + premium.value;
        assert!((other - best).abs() < 3e-4 * put.strike, "{put:?}: {other} {best}");
    }
}

#[test]
fn the_boundary_keeps_between_its_limits() {
    for (rate, div) in [(0.05, 0.0), (0.05, 0.02), (0.03, 0.03), (0.02, 0.06)] {
        let mut last = f64::INFINITY;
        for t in [1e-4, 0.01, 0.1, 1.0, 10.0, 100.0] {
            let terms = option(Right::Put, 0.0, 1.0, rate, div, 0.25, t);
            let critical = American::solve(&terms, &[], Accuracy::High).critical_spot().expect("a boundary");
            let perpetual = problem(&terms).perpetual();
            let limit = if div > rate { rate / div } else { 1.0 };
            assert!(critical < last && critical > perpetual && critical < limit, "{rate} {div} {t}");
            last = critical;
        }
    }
    // Far from expiry the perpetual boundary, next to it the limit.
    let at = |t: f64| {
        let terms = option(Right::Put, 0.0, 1.0, 0.05, 0.0, 0.25, t);
        American::solve(&terms, &[], Accuracy::High).critical_spot().expect("a boundary")
    };
    let perpetual = 1.6 / 2.6;
    assert!((at(100.0) / perpetual - 1.0).abs() < 2e-3, "{}", at(100.0));
    assert!(at(1e-6) > 0.998);
}

#[test]
fn edges() {
    let put = option(Right::Put, 90.0, 100.0, 0.05, 0.0, 0.2, 0.5);
    let value = |change: &dyn Fn(&mut OptionInputs)| {
        let mut inputs = put;
        change(&mut inputs);
        price(&inputs, &[], Accuracy::Fast)
    };
    assert_eq!(value(&|o| o.tte_years = 0.0), 10.0);
    assert_eq!(value(&|o| o.tte_years = -1.0), 10.0);
    assert_eq!(value(&|o| o.vol_annual = 0.0), 10.0);
    assert_eq!(value(&|o| o.spot = 0.0), 100.0);
    assert_eq!(value(&|o| o.strike = 0.0), 0.0);
    let at_the_money = OptionInputs { spot: 100.0, vol_annual: 0.0, tte_years: 1.0, ..put };
    let certain = raw_greeks(&at_the_money, &[], Accuracy::High);
    assert_eq!((certain.vanna.0, certain.volga.0, certain.veta.0, certain.gamma), (0.0, 0.0, 0.0, 0.0));
    let call = |o: &mut OptionInputs| (o.right, o.dividend_yield, o.spot) = (Right::Call, 0.08, 130.0);
    assert_eq!(value(&|o| (call(o), o.vol_annual = 0.0).1), 30.0);
    assert_eq!(value(&|o| (call(o), o.spot = 0.0).1), 0.0);
}

#[test]
fn more_and_more_volatility_approaches_the_limit() {
    for (right, rate, div, limit) in
        [(Right::Put, 0.05, 0.0, 100.0), (Right::Put, 0.05, 0.02, 100.0), (Right::Call, 0.01, 0.05, 90.0)]
    {
        let mut last = 0.0;
        for vol_annual in [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e8, 1e100] {
            let wild = option(right, 90.0, 100.0, rate, div, vol_annual, 1.0);
            let solved = American::solve(&wild, &[], Accuracy::High);
            let got = solved.price(90.0);
            assert!(got >= last - 1e-4 && got <= limit + 1e-9, "{right:?} {vol_annual}: {got} after {last}");
            assert!(!solved.is_bound(), "{right:?} {vol_annual}");
            assert!((solved.at(90.0).price - got).abs() < 1e-9);
            last = got;
        }
        assert!((last - limit).abs() < 1e-9, "{last}");
    }
}

/// A binomial tree on the escrowed spot, European in its last step, extrapolated over its steps.
fn oracle(inputs: &OptionInputs, dividends: &[CashDividend]) -> f64 {
    let mean = |steps| 0.5 * (tree(inputs, dividends, steps) + tree(inputs, dividends, steps + 1));
    2.0 * mean(600) - mean(300)
}

fn tree(inputs: &OptionInputs, dividends: &[CashDividend], steps: usize) -> f64 {
    let OptionInputs { spot, strike, rate, dividend_yield: div, vol_annual: vol, tte_years: t, .. } = *inputs;
    let dt = t / steps as f64;
    let up = (vol * dt.sqrt()).exp();
    let likely = (((rate - div) * dt).exp() - 1.0 / up) / (up - 1.0 / up);
    let discount = (-rate * dt).exp();
    let sign = inputs.right.sign();
    let spot_at = |step: usize, ups: usize| spot * up.powi(2 * ups as i32 - step as i32);
    let exercise = |step: usize, spot: f64| {
        // What goes ex during the next step is still held.
        let held = escrow_after(dividends, dt * step as f64, rate);
        sign * (spot + held - strike)
    };
    let last = steps - 1;
    let mut values: Vec<f64> = (0..=last)
        .map(|ups| {
            let spot = spot_at(last, ups);
            black_scholes::price(&OptionInputs { spot, tte_years: dt, ..*inputs }).max(exercise(last, spot))
        })
        .collect();
    for step in (0..last).rev() {
        for ups in 0..=step {
            let held = discount * (likely * values[ups + 1] + (1.0 - likely) * values[ups]);
            values[ups] = held.max(exercise(step, spot_at(step, ups)));
        }
    }
    values[0]
}

#[test]
fn with_cash_dividends_a_fine_tree_agrees() {
    let strike = 100.0;
    for right in [Right::Call, Right::Put] {
        for (rate, vol, t) in [(0.05, 0.3, 0.29), (0.04, 0.2, 0.35), (0.07, 0.35, 0.9), (0.01, 0.15, 1.4)] {
            for (first, amount) in [(0.02, 0.6), (0.2, 1.5), (0.24, 0.05)] {
                let dividends: Vec<CashDividend> = (0..6)
                    .map(|k| first + 0.25 * f64::from(k))
                    .filter(|years| *years < t)
                    .map(|years| dividend(years, amount, rate))
                    .collect();
                for spot in [85.0, 100.0, 112.0] {
                    let inputs = option(right, spot, strike, rate, 0.0, vol, t);
                    let got = price(&inputs, &dividends, Accuracy::Fast);
                    let want = oracle(&inputs, &dividends);
                    assert!((got - want).abs() < 1e-4 * strike, "{inputs:?} {dividends:?}: {got} {want}");
                }
            }
        }
    }
}

#[test]
fn with_cash_dividends_the_greeks_are_the_slopes_of_the_price() {
    for right in [Right::Call, Right::Put] {
        let dividends = [dividend(0.1, 0.9, 0.04), dividend(0.35, 0.9, 0.04)];
        let solved =
            American::solve(&option(right, 0.0, 100.0, 0.04, 0.0, 0.25, 0.5), &dividends, Accuracy::Fast);
        for spot in [92.0, 99.0, 106.0] {
            let now = solved.at(spot);
            let (up, down) = (solved.at(spot + 0.5), solved.at(spot - 0.5));
            let delta = up.price - down.price;
            let gamma = up.delta - down.delta;
            assert_eq!(now.price, solved.price(spot));
            assert!((now.delta - delta).abs() < 2e-4, "{right:?} {spot}: {} {delta}", now.delta);
            assert!((now.gamma - gamma).abs() < 1e-3, "{right:?} {spot}: {} {gamma}", now.gamma);
        }
    }
}

#[test]
fn a_call_before_dividends_has_no_cliff_at_a_rate_of_zero() {
    let dividends = |rate| [dividend(30.0 / 365.0, 1.5, rate)];
    let call = |rate| {
        let terms = option(Right::Call, 100.0, 95.0, rate, 0.0, 0.2, 90.0 / 365.0);
        price(&terms, &dividends(rate), Accuracy::Fast)
    };
    // QuantLib 1.44, FdBlackScholesVanillaEngine, escrowed dividends: 7.279 and 7.320.
    assert!((call(-0.005) - 7.279).abs() < 0.03, "{}", call(-0.005));
    assert!((call(-1e-4) - 7.320).abs() < 2e-3, "{}", call(-1e-4));
    assert!((call(0.0) - call(-1e-6)).abs() < 1e-4);
    let terms = option(Right::Call, 100.0, 95.0, 0.0, 0.0, 0.2, 90.0 / 365.0);
    let rho = raw_greeks(&terms, &dividends(0.0), Accuracy::Fast).rho.0;
    assert!((5.0..15.0).contains(&rho), "{rho}");
}

#[test]
fn on_the_eve_of_an_ex_date_time_does_not_step_across_it() {
    let paid = dividend(0.3 / 365.0, 3.0, 0.02);
    let call = option(Right::Call, 104.0, 100.0, 0.02, 0.0, 0.15, 150.0 / 365.0);
    let charm = raw_greeks(&call, &[paid], Accuracy::Fast).charm.0 / 365.0;
    let at = |days: f64| {
        let later = OptionInputs { tte_years: call.tte_years - days / 365.0, ..call };
        let nearer = CashDividend { years: paid.years - days / 365.0, ..paid };
        American::solve(&later, &[nearer], Accuracy::High).at(call.spot).delta
    };
    let want = (at(0.1) - at(-0.1)) / 0.2;
    assert!((charm - want).abs() < 0.1 * want.abs().max(0.05), "{charm} {want}");
}

#[test]
fn dividends_too_small_to_be_worth_exercising_leave_a_european_call() {
    let inputs = option(Right::Call, 100.0, 95.0, 0.05, 0.0, 0.2, 0.5);
    let tiny = [dividend(0.2, 0.1, 0.05)];
    let european = black_scholes::price(&inputs);
    assert!((price(&inputs, &tiny, Accuracy::Fast) - european).abs() < 1e-12);
}

fn any_option() -> impl Strategy<Value = OptionInputs> {
    let right = prop_oneof![Just(Right::Call), Just(Right::Put)];
    (right, 1.0..500.0, 1.0..500.0, -0.02..0.12, -0.02..0.12, 0.03..1.5, 0.002..5.0)
        .prop_map(|(right, spot, strike, rate, div, vol, t)| option(right, spot, strike, rate, div, vol, t))
}

/// Any finite doubles at all.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL | prop::num::f64::NEGATIVE,
        -10.0..10.0,
        0.0..200.0,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn at_least_european_at_least_intrinsic(inputs in any_option()) {
        let value = price(&inputs, &[], Accuracy::Fast);
        prop_assert!(value >= inputs.intrinsic());
        prop_assert!(value >= black_scholes::price(&inputs));
        prop_assert!(value <= inputs.spot.max(inputs.strike) * (0.02 * inputs.tte_years).exp());
    }

    #[test]
    fn a_call_is_the_put_with_spot_and_strike_rate_and_yield_exchanged(call in any_option()) {
        let call = OptionInputs { right: Right::Call, ..call };
        let put = OptionInputs {
            right: Right::Put,
            spot: call.strike,
            strike: call.spot,
            rate: call.dividend_yield,
            dividend_yield: call.rate,
            ..call
        };
        let solved = American::solve(&call, &[], Accuracy::Accurate);
        let (a, b) = (solved.price(call.spot), price(&put, &[], Accuracy::Accurate));
        let close = if solved.is_bound() { 1e-4 } else { 1e-11 };
        prop_assert!((a - b).abs() <= close * call.strike.max(call.spot), "{} {}", a, b);
    }

    #[test]
    fn more_time_volatility_and_moneyness_are_worth_more(inputs in any_option()) {
        let wilder = OptionInputs { vol_annual: 1.2 * inputs.vol_annual, ..inputs };
        let longer = OptionInputs { tte_years: 1.3 * inputs.tte_years, ..inputs };
        let smooth = |o: &OptionInputs| {
            let solved = American::solve(o, &[], Accuracy::Accurate);
            !solved.is_bound()
        };
        let close = if [inputs, wilder, longer].iter().all(smooth) { 1e-6 } else { 2e-4 };
        let scale = close * inputs.strike.max(inputs.spot);
        let value = price(&inputs, &[], Accuracy::Accurate);
        prop_assert!(price(&longer, &[], Accuracy::Accurate) >= value - scale);
        prop_assert!(price(&wilder, &[], Accuracy::Accurate) >= value - scale);
        let deeper = OptionInputs { spot: inputs.spot * (1.0 + 0.05 * inputs.right.sign()), ..inputs };
        let gained = price(&deeper, &[], Accuracy::Accurate) - value;
        prop_assert!(gained >= -scale && gained <= 0.05 * inputs.spot * (0.02 * inputs.tte_years).exp() + scale);
    }

    #[test]
    fn never_above_a_put_that_never_expires(
        (spot, rate, div, vol, t) in (0.4..3.0, 0.001..0.35, 0.0..0.1, 0.004..0.6, 0.1..120.0),
    ) {
        let put = option(Right::Put, 100.0 * spot, 100.0, rate, div, vol, t);
        let mirrored = option(Right::Call, 100.0, 100.0 * spot, div, rate, vol, t);
        let problem = problem(&put);
        prop_assume!(spot > problem.perpetual());
        let most = 100.0 * problem.perpetual_value(spot);
        for accuracy in [Accuracy::Fast, Accuracy::Accurate, Accuracy::High] {
            for inputs in [put, mirrored] {
                let solved = American::solve(&inputs, &[], accuracy);
                // Exercise and the European value are never undercut, to rounding.
                let held = solved.critical_spot().is_some();
                let got = [solved.price(inputs.spot), solved.at(inputs.spot).price];
                prop_assert!(!held || got.iter().all(|got| *got <= most.max(inputs.intrinsic()) + 1e-11), "{:?} {}", got, most);
            }
        }
    }

    #[test]
    fn greeks_have_their_signs(inputs in any_option()) {
        let now = American::solve(&inputs, &[], Accuracy::Fast).at(inputs.spot);
        prop_assert!(now.gamma >= 0.0);
        let delta = now.delta * inputs.right.sign();
        prop_assert!((-1e-9..=1.0 + 0.11).contains(&delta), "{}", delta);
    }

    #[test]
    fn nothing_finite_gives_nan_or_less_than_intrinsic(
        call in any::<bool>(),
        numbers in prop::array::uniform6(any_number()),
        paid in prop::option::of((any_number(), any_number())),
    ) {
        let [spot, strike, rate, div, vol, t] = numbers;
        let right = if call { Right::Call } else { Right::Put };
        let inputs = option(right, spot.abs(), strike.abs(), rate, div, vol.abs(), t);
        let paid: Vec<CashDividend> =
            paid.map(|(years, present_value)| CashDividend { years, present_value }).into_iter().collect();
        let value = price(&inputs, &paid, Accuracy::Fast);
        prop_assert!(value.is_finite() && value >= 0.0 && value >= black_scholes::price(&inputs));
        if paid.is_empty() && t > 0.0 {
            prop_assert!(value >= inputs.intrinsic());
        }
        let greeks = raw_greeks(&inputs, &paid, Accuracy::Fast);
        for number in [greeks.price, greeks.delta, greeks.gamma, greeks.vega.0, greeks.theta.0, greeks.rho.0,
            greeks.vanna.0, greeks.volga.0, greeks.charm.0, greeks.speed] {
            prop_assert!(!number.is_nan());
        }
    }
}
