//! Puts before dividends in cash: against independent solutions, and what their boundary must do.

use super::*;

/// Rate, volatility, days to expiry, the days and worth today of the dividends, and at each spot the value by
/// QuantLib 1.44's finite differences on the escrowed spot (`FdBlackScholesVanillaEngine`, `Escrowed`, Douglas; of
/// 800 × 800 and 1600 × 1600 the extrapolation to none) and by an independent program for the same integral
/// equation, in another language, with 37 nodes, 64 columns and 128 points.
type Known = (f64, f64, f64, &'static [(f64, f64)], [(f64, f64, f64); 3]);

const KNOWN: [Known; 6] = [
    (
        0.05,
        0.3,
        182.0,
        &[(73.0, 1.0)],
        [
            (85.0, 16.156_985, 16.156_986_164),
            (97.0, 8.755_057, 8.755_046_041),
            (108.0, 4.533_270, 4.533_260_003),
        ],
    ),
    (
        0.04,
        0.2,
        365.0,
        &[(110.0, 0.5), (201.0, 0.5), (292.0, 0.5)],
        [
            (85.0, 14.769_831, 14.769_834_665),
            (97.0, 7.543_444, 7.543_440_269),
            (108.0, 3.642_188, 3.642_180_601),
        ],
    ),
    (
        0.08,
        0.15,
        730.0,
        &[(365.0, 3.0)],
        [(85.0, 12.000_010, 12.0), (97.0, 4.603_640, 4.603_625_005), (108.0, 1.852_417, 1.852_400_050)],
    ),
    (
        0.05,
        0.25,
        182.0,
        &[(73.0, 0.1)],
        [
            (85.0, 15.424_830, 15.424_821_967),
            (97.0, 7.415_249, 7.415_238_988),
            (108.0, 3.265_605, 3.265_597_251),
        ],
    ),
    (
        0.03,
        0.6,
        91.0,
        &[(1.0, 0.8)],
        [
            (85.0, 19.635_555, 19.635_537_356),
            (97.0, 12.907_029, 12.907_010_508),
            (108.0, 8.483_533, 8.483_517_593),
        ],
    ),
    (
        0.045,
        0.35,
        274.0,
        &[(30.0, 0.9), (121.0, 0.9), (212.0, 0.9)],
        [
            (85.0, 18.118_200, 18.118_201_098),
            (97.0, 11.740_624, 11.740_615_742),
            (108.0, 7.621_262, 7.621_251_878),
        ],
    ),
];

fn put(rate: f64, vol: f64, t: f64) -> OptionInputs {
    option(Right::Put, 100.0, 100.0, rate, 0.0, vol, t)
}

fn paying(years: f64, present_value: f64) -> CashDividend {
    CashDividend { years, present_value }
}

/// Where exercise begins today.
fn critical(solved: &American) -> f64 {
    solved.critical_spot().unwrap_or(0.0)
}

#[test]
fn independent_programs_agree() {
    for (accuracy, most) in [(Accuracy::Fast, 2e-6), (Accuracy::Accurate, 5e-8), (Accuracy::High, 5e-10)] {
        for (rate, vol, days, dividends, values) in KNOWN {
            let dividends: Vec<CashDividend> =
                dividends.iter().map(|(day, worth)| paying(day / 365.0, *worth)).collect();
            let solved = American::solve(&put(rate, vol, days / 365.0), &dividends, accuracy);
            for (spot, grid, exact) in values {
                let off = (solved.price(spot) - exact).abs() / 100.0;
                assert!(off < most, "{accuracy:?} {rate} {vol} {days} {spot}: {off:e}");
                assert!((grid - exact).abs() < 3e-7 * 100.0, "the two programs: {grid} {exact}");
            }
        }
    }
}

#[test]
fn the_lattice_agrees_where_it_is_fine_enough() {
    for (rate, vol, days, dividends, values) in KNOWN {
        let dividends: Vec<CashDividend> =
            dividends.iter().map(|(day, worth)| paying(day / 365.0, *worth)).collect();
        let inputs = put(rate, vol, days / 365.0);
        let lattice = Lattice::solve(&inputs, &dividends).expect("a grid");
        for (spot, _, exact) in values {
            let local = lattice.at(spot).expect("on the grid");
            let value = black_scholes::price(&OptionInputs { spot, ..inputs }) + local.value;
            assert!(local.exercised || (value - exact).abs() < 2e-4 * 100.0, "{spot}: {value} {exact}");
        }
    }
}

#[test]
fn without_a_dividend_worth_the_name_the_boundary_is_the_plain_one() {
    let inputs = put(0.05, 0.25, 0.5);
    for accuracy in [Accuracy::Fast, Accuracy::Accurate, Accuracy::High] {
        let plain = American::solve(&inputs, &[], accuracy);
        for worth in [1e-12, 1e-8, 1e-6, 1e-4, 1e-3] {
            let paid = American::solve(&inputs, &[paying(0.2, worth)], accuracy);
            for spot in [70.0, 85.0, 92.0, 100.0, 115.0] {
                let off = (paid.price(spot) - plain.price(spot)).abs();
                assert!(off < worth + 2e-4, "{accuracy:?} {worth} at {spot}: {off:e}");
            }
        }
        let tiny = American::solve(&inputs, &[paying(0.2, 1e-12)], accuracy);
        assert!((critical(&tiny) / critical(&plain) - 1.0).abs() < 1e-9, "{accuracy:?}");
    }
}

#[test]
fn the_boundary_moves_without_jumps_between_gaps_and_is_gone_in_them() {
    let (rate, ex) = (0.05, [0.2, 0.45]);
    let inputs = put(rate, 0.25, 0.6);
    let at = |now: f64| {
        let coming: Vec<CashDividend> =
            ex.iter().map(|ex| paying(ex - now, 0.6 * (-rate * (ex - now)).exp())).collect();
        American::solve(&OptionInputs { tte_years: 0.6 - now, ..inputs }, &coming, Accuracy::High)
    };
    let gap = (1.0f64 + 0.006).ln() / rate;
    let mut before: Option<f64> = None;
    for step in 0..1200 {
        let now = 0.0005 * f64::from(step) + 1e-5;
        let solved = at(now);
        let next = ex.iter().find(|ex| **ex > now);
        let to_gap = next.map_or(f64::INFINITY, |next| next - gap - now);
        if to_gap < 0.0 {
            assert_eq!(critical(&solved), 0.0, "{now}");
            // Waiting for the dividend is worth more than exercise, however deep in the money.
            assert!(solved.price(5.0) > solved.exercise(5.0), "{now}");
            before = None;
            continue;
        }
        let here = critical(&solved);
        assert!(here > 0.0 && here < 100.0, "{now}: {here}");
        assert_eq!(solved.price(0.999 * here), solved.exercise(0.999 * here));
        // Towards the gap it falls, ever more steeply; and it rises to the strike towards expiry.
        let steep = if to_gap < 0.02 || now > 0.55 { 0.2 } else { 0.01 };
        if let Some(before) = before.replace(here) {
            assert!((here / before).ln().abs() < steep, "{now}: {before} to {here}");
        }
    }
}

#[test]
fn no_window_is_left_between_dividends_that_are_worth_waiting_for() {
    // Interest of a quarter is less than the dividend: exercise is only right after the last.
    let dividends = [paying(0.1, 1.0), paying(0.35, 1.0), paying(0.6, 1.0)];
    let solved = American::solve(&put(0.03, 0.3, 0.7), &dividends, Accuracy::Accurate);
    assert_eq!(critical(&solved), 0.0);
    let Engine::Gapped(gapped) = &solved.engine else { panic!("a boundary with gaps") };
    assert!((gapped.value(0.9) - 1e-2).abs() < 1e-2);
    // A last dividend on the day of expiry leaves none after it.
    let at_expiry = [paying(0.5, 2.0)];
    let european = American::solve(&put(0.03, 0.3, 0.5), &at_expiry, Accuracy::Fast);
    assert!(
        (european.price(90.0) - black_scholes::price(&option(Right::Put, 90.0, 100.0, 0.03, 0.0, 0.3, 0.5)))
            .abs()
            < 1e-9
    );
}

#[test]
fn greeks_are_differences_of_prices() {
    let dividends = [paying(0.1, 0.7), paying(0.35, 0.7)];
    for (accuracy, times) in [(Accuracy::Fast, 30.0), (Accuracy::High, 1.0)] {
        for spot in [88.0, 95.0, 101.0, 115.0] {
            let here = OptionInputs { spot, ..put(0.045, 0.3, 0.5) };
            let got = raw_greeks(&here, &dividends, accuracy);
            let price = |change: &dyn Fn(&mut OptionInputs)| {
                let mut moved = here;
                change(&mut moved);
                super::price(&moved, &dividends, Accuracy::High)
            };
            let slope = |change: &dyn Fn(&mut OptionInputs, f64), h: f64| {
                let at = |steps: f64| price(&|o| change(o, steps * h));
                (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h)
            };
            let second = |change: &dyn Fn(&mut OptionInputs, f64), h: f64| {
                let at = |steps: f64| price(&|o| change(o, steps * h));
                (at(1.0) - 2.0 * at(0.0) + at(-1.0)) / (h * h)
            };
            let older = |wait: f64| {
                let nearer: Vec<CashDividend> = dividends
                    .iter()
                    .map(|d| paying(d.years - wait, d.present_value * (here.rate * wait).exp()))
                    .collect();
                super::price(
                    &OptionInputs { tte_years: here.tte_years - wait, ..here },
                    &nearer,
                    Accuracy::High,
                )
            };
            let checks = [
                ("delta", got.delta, slope(&|o, h| o.spot += h, 0.1), 2e-7),
                ("gamma", got.gamma, second(&|o, h| o.spot += h, 0.1), 5e-7),
                ("vega", got.vega.0, slope(&|o, h| o.vol_annual += h, 2e-3), 1e-4),
                ("volga", got.volga.0, second(&|o, h| o.vol_annual += h, 4e-3), 0.02),
                ("rho", got.rho.0, slope(&|o, h| o.rate += h, 1e-3), 2e-3),
                ("theta", got.theta.0, (older(1e-3) - older(-1e-3)) / 2e-3, 2e-3),
            ];
            for (name, got, want, close) in checks {
                assert!((got - want).abs() < times * close, "{accuracy:?} {spot} {name}: {got} {want}");
            }
        }
    }
}

#[test]
fn the_curvature_goes_on_up_to_the_boundary() {
    let dividends = [paying(0.3, 0.7)];
    let inputs = put(0.06, 0.3, 0.5);
    let exact = American::solve(&inputs, &dividends, Accuracy::High);
    let today = critical(&exact);
    for accuracy in [Accuracy::Fast, Accuracy::Accurate, Accuracy::High] {
        let solved = American::solve(&inputs, &dividends, accuracy);
        for away in [1e-5, 1e-4, 1e-3, 0.03, 0.06] {
            let spot = today.max(critical(&solved)) * (1.0 + away);
            let here = solved.at(spot);
            // The pricing equation leaves no other at the boundary; farther off, the slope of delta.
            let want = if away < 0.01 {
                2.0 * inputs.rate * inputs.strike / (inputs.vol_annual * spot).powi(2)
            } else {
                let h = 0.2 * away * spot;
                (exact.at(spot + h).delta - exact.at(spot - h).delta) / (2.0 * h)
            };
            assert!((here.gamma / want - 1.0).abs() < 0.03, "{accuracy:?} {away}: {} {want}", here.gamma);
        }
    }
}

#[test]
fn calls_before_many_dividends_agree_with_a_tree() {
    let monthly: Vec<CashDividend> = (0..30).map(|k| paying(0.05 + f64::from(k) / 12.0, 0.5)).collect();
    for spot in [80.0, 95.0, 120.0] {
        let inputs = option(Right::Call, spot, 100.0, 0.03, 0.0, 0.2, 2.5);
        let solved = American::solve(&inputs, &monthly, Accuracy::Fast);
        let got = solved.price(spot);
        let want = oracle(&inputs, &monthly);
        assert!(!solved.is_bound() && (got - want).abs() < 2e-4 * 100.0, "{spot}: {got} {want}");
    }
}

prop_compose! {
    fn with_dividends()(
        rate in 0.002f64..0.1,
        vol in 0.08f64..1.0,
        t in 0.02f64..2.5,
        moneyness in -2.0f64..2.0,
        paid in proptest::collection::vec((0.0f64..1.0, -5.0f64..1.0), 1..5),
    ) -> (OptionInputs, Vec<CashDividend>) {
        let spot = 100.0 * (moneyness * vol * t.sqrt()).exp();
        let dividends = paid.iter().map(|(at, log)| paying(at * t, log.exp())).collect();
        (OptionInputs { spot, ..put(rate, vol, t) }, dividends)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_modes_agree((inputs, dividends) in with_dividends()) {
        let best = price(&inputs, &dividends, Accuracy::High);
        for (accuracy, most) in [(Accuracy::Fast, 2e-5), (Accuracy::Accurate, 2e-6)] {
            let solved = American::solve(&inputs, &dividends, accuracy);
            let off = (solved.price(inputs.spot) - best).abs() / inputs.strike;
            prop_assert!(off < most && !solved.is_bound(), "{:?} {:e}", accuracy, off);
        }
    }

    #[test]
    fn more_volatility_and_a_later_expiry_are_worth_more((inputs, dividends) in with_dividends()) {
        let value = price(&inputs, &dividends, Accuracy::Accurate);
        let wilder = OptionInputs { vol_annual: 1.1 * inputs.vol_annual, ..inputs };
        prop_assert!(price(&wilder, &dividends, Accuracy::Accurate) >= value - 4e-6 * inputs.strike);
        let longer = OptionInputs { tte_years: 1.2 * inputs.tte_years, ..inputs };
        prop_assert!(price(&longer, &dividends, Accuracy::Accurate) >= value - 4e-6 * inputs.strike);
        let more: Vec<CashDividend> =
            dividends.iter().map(|d| paying(d.years, 1.1 * d.present_value)).collect();
        // On the same escrowed spot exercise is worth less by what is yet to go ex.
        prop_assert!(price(&inputs, &more, Accuracy::Accurate) <= value + 4e-6 * inputs.strike);
    }

    #[test]
    fn an_older_tree_agrees((inputs, dividends) in with_dividends()) {
        // A tree sees dates only on its steps; far from them it is good to some 1e-5.
        prop_assume!(dividends.iter().all(|d| d.years > 0.02 * inputs.tte_years));
        let want = oracle(&inputs, &dividends);
        let got = price(&inputs, &dividends, Accuracy::Accurate);
        prop_assert!((got - want).abs() < 3e-4 * inputs.strike, "{} {}", got, want);
    }
}
