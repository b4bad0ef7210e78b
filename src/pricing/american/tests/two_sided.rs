//! Exercise on two sides: against a finite-difference engine of another library, between the modes, in the limits,
//! and what must hold for every such option.

use super::*;

const MODES: [Accuracy; 3] = [Accuracy::Fast, Accuracy::Accurate, Accuracy::High];

fn put(spot: f64, rate: f64, div: f64, vol: f64, t: f64) -> OptionInputs {
    option(Right::Put, spot, 100.0, rate, div, vol, t)
}

/// The call that is worth as much.
fn mirrored(put: &OptionInputs) -> OptionInputs {
    OptionInputs {
        right: Right::Call,
        spot: put.strike,
        strike: put.spot,
        rate: put.dividend_yield,
        dividend_yield: put.rate,
        ..*put
    }
}

#[test]
fn a_fine_grid_of_another_library_agrees() {
    // QuantLib 1.44, FdBlackScholesVanillaEngine, Crank-Nicolson, 2 damping steps: twice the value on 4000 steps and
    // 8000 nodes less that on 2000 and 4000, which leaves a few 1e-8 of the strike (`within`: where it is more).
    for (spot, rate, div, vol, days, want, within) in [
        (100.0, -0.01, -0.04, 0.1, 365.0, 2.989_453_1, 5e-8),
        (97.0, -0.005, -0.01, 0.08, 365.0, 4.638_710_2, 5e-8),
        (100.0, -0.04, -0.12, 0.2, 182.0, 4.327_124_6, 5e-8),
        (80.0, -0.04, -0.12, 0.2, 1825.0, 20.347_577_9, 2e-7),
        (110.0, -0.01, -0.04, 0.1, 30.0, 0.000_251_954, 1e-10),
        // With more time to go than there is before the boundaries meet.
        (100.0, -0.01, -0.02, 0.08, 3650.0, 7.369_925_7, 5e-8),
        (90.0, -0.05, -0.06, 0.1, 365.0, 10.510_112_7, 5e-8),
        (95.0, -0.03, -0.035, 0.6, 365.0, 26.150_173_7, 1e-7),
        (110.0, -0.05, -0.06, 0.1, 365.0, 0.837_607_1, 5e-8),
        (80.0, -0.05, -0.06, 0.1, 365.0, 20.255_267_1, 5e-8),
        (100.0, -0.002, -0.05, 0.3, 1095.0, 16.185_378_4, 1e-7),
        (95.0, -0.01, -0.03, 0.2, 1825.0, 17.038_980_8, 1e-7),
        // Below the lower boundary, and close to the upper one.
        (25.0, -0.01, -0.04, 0.1, 365.0, 75.015_147_9, 5e-8),
        (92.0, -0.01, -0.04, 0.1, 365.0, 8.119_103_8, 5e-8),
        // No lower one.
        (101.0, 0.0, -0.03, 0.25, 730.0, 11.580_948_5, 1e-7),
    ] {
        let here = put(spot, rate, div, vol, days / 365.0);
        for (accuracy, own) in MODES.into_iter().zip([2e-6, 1e-7, 1e-8]) {
            for inputs in [here, mirrored(&here)] {
                let off = (price(&inputs, &[], accuracy) - want).abs() / 100.0;
                assert!(off < within + own, "{inputs:?} {accuracy:?}: {off:e}");
            }
        }
    }
}

#[test]
fn a_tree_agrees() {
    for (rate, div, vol, t) in [(-0.01, -0.04, 0.1, 1.0), (-0.05, -0.06, 0.1, 1.0), (0.0, -0.03, 0.25, 2.0)] {
        for spot in [60.0, 90.0, 100.0, 115.0] {
            let here = put(spot, rate, div, vol, t);
            let (got, want) = (price(&here, &[], Accuracy::Fast), oracle(&here, &[]));
            assert!((got - want).abs() < 3e-5 * 100.0, "{here:?}: {got} {want}");
        }
    }
}

#[test]
fn the_value_leaves_that_of_exercise_as_a_parabola() {
    for (rate, div, vol, t) in [(-0.01, -0.04, 0.1, 1.0), (-0.04, -0.12, 0.2, 0.5), (-0.05, -0.06, 0.1, 0.2)]
    {
        let solved = American::solve(&put(0.0, rate, div, vol, t), &[], Accuracy::High);
        let [low, high] = between(&solved).expect("two boundaries");
        for (boundary, side) in [(low, -1.0), (high, 1.0)] {
            let step = 0.02 * vol * t.sqrt();
            let [near, far] = [1.0, 2.0].map(|steps| {
                let spot = boundary * (side * step * steps).exp();
                solved.price(spot) - (100.0 - spot)
            });
            assert!(near > 0.0 && (far / near - 4.0).abs() < 0.5, "{rate} {div} {boundary}: {near} {far}");
            // As the pricing equation has it.
            let curved = (rate * 100.0 - div * boundary) / (vol * vol) * step * step;
            assert!((near / curved - 1.0).abs() < 0.25, "{rate} {div} {boundary}: {near} {curved}");
        }
    }
}

/// The spots between which exercise today is best.
fn between(solved: &American) -> Option<[f64; 2]> {
    let Engine::TwoSided(two_sided) = &solved.engine else { return None };
    two_sided.today().map(|[low, high]| [100.0 * low.exp(), 100.0 * high.exp()])
}

#[test]
fn boundaries_end_at_those_of_a_put_that_never_expires_or_meet() {
    let (rate, div) = (-0.01, -0.04);
    // √0.08 − √0.02.
    let most = 0.141_421_356;
    for vol in [0.03, 0.08, 0.11] {
        let solved = American::solve(&put(0.0, rate, div, vol, 150.0), &[], Accuracy::High);
        let [low, high] = between(&solved).expect("two boundaries");
        let drift = rate - div - 0.5 * vol * vol;
        let root = (drift * drift + 2.0 * rate * vol * vol).sqrt();
        for (boundary, root) in [(low, -root), (high, root)] {
            let power = -(drift + root) / (vol * vol);
            let perpetual = 100.0 * power / (power - 1.0);
            assert!((boundary / perpetual - 1.0).abs() < 0.01, "{vol}: {boundary} {perpetual}");
        }
    }
    let (mut last, mut met) = (f64::INFINITY, 0);
    for t in [0.1, 1.0, 5.0, 20.0, 40.0, 80.0] {
        let solved = American::solve(&put(0.0, rate, div, 1.3 * most, t), &[], Accuracy::Accurate);
        let width = between(&solved).map_or(0.0, |[low, high]| high - low);
        assert!(width < last || width == 0.0, "{t}: {width} {last}");
        let held =
            solved.at(60.0).status == Status::Continuation && solved.at(90.0).status == Status::Continuation;
        met += u32::from(width == 0.0 && held);
        last = width;
    }
    assert!(met > 0, "they never met");
}

#[test]
fn with_less_time_to_go_the_same_boundaries_hold() {
    for (rate, div, vol, t) in [(-0.01, -0.04, 0.1, 1.0), (-0.05, -0.06, 0.1, 1.0)] {
        let terms = put(0.0, rate, div, vol, t);
        let solved = American::solve(&terms, &[], Accuracy::Accurate);
        for gone in [0.1, 0.5, 0.8, 0.95] {
            let later = solved.later(gone * t).expect("the boundaries hold on");
            let left = OptionInputs { tte_years: (1.0 - gone) * t, ..terms };
            let fresh = American::solve(&left, &[], Accuracy::High);
            for spot in [20.0, 70.0, 88.0, 95.0, 100.0, 105.0, 120.0] {
                let (got, want) = (later.price(spot), fresh.price(spot));
                assert!((got - want).abs() < 1e-6 * 100.0, "{terms:?} {gone} {spot}: {got} {want}");
            }
        }
    }
}

#[test]
fn the_limits() {
    let value = |rate, div, vol, t| price(&put(95.0, rate, div, vol, t), &[], Accuracy::Accurate);
    // A rate of zero, from either side.
    for (div, vol, t) in [(-0.03, 0.25, 2.0), (-0.05, 0.1, 1.0), (-0.01, 0.6, 5.0)] {
        let (none, below, above) =
            (value(0.0, div, vol, t), value(-1e-9, div, vol, t), value(1e-9, div, vol, t));
        assert!((none - below).abs() < 1e-5, "{div} {vol} {t}: {none} {below}");
        // There one boundary is solved for.
        assert!((none - above).abs() < 2e-3, "{div} {vol} {t}: {none} {above}");
    }
    // Yield and rate next to each other: what early exercise adds vanishes.
    for gap in [1e-3, 1e-5, 1e-7, 1e-9, 1e-12, 1e-15] {
        let here = put(95.0, -0.02, -0.02 - gap, 0.2, 1.0);
        let solved = American::solve(&here, &[], Accuracy::High);
        let added = solved.price(95.0) - black_scholes::price(&here).max(5.0);
        assert!((0.0..=gap * 100.0).contains(&added), "{gap}: {added}");
        assert!(!solved.is_bound(), "{gap}");
    }
    // More and more volatility, less and less of it, and of time.
    for power in -12..12 {
        let size = 10f64.powi(power);
        for (vol, t) in [(size, 1.0), (0.2, size), (0.02, size)] {
            for (rate, div) in [(-0.01, -0.04), (-0.3, -2.0), (0.0, -0.02), (-1e-9, -1e-8)] {
                let here = put(95.0, rate, div, vol, t);
                for inputs in [here, mirrored(&here)] {
                    let solved = American::solve(&inputs, &[], Accuracy::Fast);
                    let (now, value) = (solved.at(inputs.spot), solved.price(inputs.spot));
                    let least = black_scholes::price(&inputs).max(inputs.intrinsic());
                    assert!(value >= least * (1.0 - 1e-12), "{inputs:?} {value}");
                    for number in [now.price, now.delta, now.gamma, now.theta.0] {
                        assert!(number.is_finite(), "{inputs:?} {now:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn greeks_are_the_slopes_of_the_price() {
    for (rate, div, vol, t) in [(-0.01, -0.04, 0.1, 1.0), (-0.05, -0.06, 0.1, 1.0), (-0.03, -0.09, 0.3, 0.3)]
    {
        for spot in [15.0, 96.0, 101.0, 112.0] {
            let here = put(spot, rate, div, vol, t);
            let slope = |change: &dyn Fn(&mut OptionInputs, f64), h: f64| {
                let at = |step: f64| {
                    let mut moved = here;
                    change(&mut moved, step);
                    price(&moved, &[], Accuracy::High)
                };
                ((at(h) - at(-h)) / (2.0 * h), (at(h) - 2.0 * at(0.0) + at(-h)) / (h * h))
            };
            let (delta, gamma) = slope(&|o, h| o.spot += h, 0.02 * spot * vol * t.sqrt());
            let (gone, _) = slope(&|o, h| o.tte_years += h, 1e-3 * t);
            let (vega, _) = slope(&|o, h| o.vol_annual += h, 1e-4);
            let (rho, _) = slope(&|o, h| o.rate += h, 1e-5);
            let (phi, _) = slope(&|o, h| o.dividend_yield += h, 1e-5);
            for (accuracy, times) in MODES.into_iter().zip([10.0, 2.0, 1.0]) {
                let got = first_order(&here, &[], accuracy);
                let now = got.valuation;
                let checks = [
                    ("delta", now.delta, delta, 2e-4),
                    ("gamma", now.gamma, gamma, 4e-4 + 0.002 * gamma.abs()),
                    ("theta", now.theta.0, -gone, 5e-3),
                    ("vega", got.vega.0, vega, 0.02),
                    ("rho", got.rho.0, rho, 0.02),
                    ("phi", got.phi.0, phi, 0.02),
                ];
                for (name, got, want, close) in checks {
                    assert!((got - want).abs() < times * close, "{here:?} {accuracy:?} {name}: {got} {want}");
                }
            }
        }
    }
}

fn any_two_sided() -> impl Strategy<Value = OptionInputs> {
    (0.2..2.5, 0.001f64.ln()..0.2f64.ln(), 0.0..0.999, 0.02f64.ln()..1.5f64.ln(), 0.003f64.ln()..12f64.ln())
        .prop_map(|(spot, div, share, vol, t)| {
            let div = -f64::exp(div);
            put(100.0 * spot, share * div, div, vol.exp(), t.exp())
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_modes_agree_and_a_call_is_its_mirrored_put(inputs in any_two_sided()) {
        // No price is above the discounted strike, which rates below zero make larger than the strike.
        let scale = 100.0 * (-inputs.rate * inputs.tte_years).exp();
        let [fast, accurate, high] = MODES.map(|accuracy| {
            let value = price(&inputs, &[], accuracy);
            let call = price(&mirrored(&inputs), &[], accuracy);
            assert!((value - call).abs() < 1e-12 * scale, "{inputs:?} {accuracy:?}: {value} {call}");
            value
        });
        prop_assert!((fast - high).abs() < 5e-6 * scale, "{} {}", fast, high);
        prop_assert!((accurate - high).abs() < 3e-7 * scale, "{} {}", accurate, high);
    }

    #[test]
    fn value_grows_with_time_and_volatility_and_is_convex(inputs in any_two_sided()) {
        let solved = American::solve(&inputs, &[], Accuracy::Fast);
        prop_assert!(matches!(solved.engine, Engine::TwoSided(_)));
        let now = solved.at(inputs.spot);
        let scale = 100.0 * (-inputs.rate * inputs.tte_years).exp();
        prop_assert!(now.price >= inputs.intrinsic() && now.price >= black_scholes::price(&inputs) - 1e-13 * scale);
        prop_assert!((now.price - solved.price(inputs.spot)).abs() <= 1e-12 * scale);
        prop_assert!(now.price <= scale && now.gamma >= 0.0);
        let kept = (-inputs.dividend_yield * inputs.tte_years).exp();
        prop_assert!(now.delta <= 1e-4 && now.delta >= -kept - 1e-4, "{}", now.delta);
        let wilder = OptionInputs { vol_annual: 1.1 * inputs.vol_annual, ..inputs };
        let longer = OptionInputs { tte_years: 1.2 * inputs.tte_years, ..inputs };
        for more in [wilder, longer] {
            let more = price(&more, &[], Accuracy::Fast);
            prop_assert!(more >= now.price - 1e-5 * scale, "{} {}", more, now.price);
        }
        let step = 0.05 * inputs.spot;
        let sides = solved.price(inputs.spot - step) + solved.price(inputs.spot + step);
        prop_assert!(sides >= 2.0 * now.price - 1e-5 * scale, "{} {}", sides, now.price);
    }
}
