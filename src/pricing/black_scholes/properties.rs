//! Examples printed in textbooks, and what must hold for any European option whatever its numbers.

use proptest::prelude::*;

use super::*;
use crate::domain::Right;

/// right, spot, strike, rate, yield, volatility, time.
type Case = (Right, f64, f64, f64, f64, f64, f64);

fn option((right, spot, strike, rate, dividend_yield, vol_annual, tte_years): Case) -> OptionInputs {
    OptionInputs { right, spot, strike, rate, dividend_yield, vol_annual, tte_years }
}

/// Equal to as many decimals as the book prints.
fn printed(got: f64, want: f64, decimals: i32) {
    assert!((got - want).abs() <= 0.5001 * 10f64.powi(-decimals), "got {got}, printed {want}");
}

#[test]
fn haug_complete_guide_chapters_1_and_2() {
    use Right::{Call, Put};
    let value = |case| price(&option(case));
    let all = |case| raw_greeks(&option(case));
    // A stock option, an index option with a yield, a currency option.
    printed(value((Call, 60.0, 65.0, 0.08, 0.0, 0.30, 0.25)), 2.1334, 4);
    printed(value((Put, 100.0, 95.0, 0.10, 0.05, 0.20, 0.5)), 2.4648, 4);
    printed(value((Call, 1.56, 1.60, 0.06, 0.08, 0.12, 0.5)), 0.0291, 4);
    // Futures options by Black's formula, and by its limit without rates (margined premium).
    for right in [Call, Put] {
        printed(price(&OptionInputs::on_forward(right, 19.0, 19.0, 0.10, 0.28, 0.75)), 1.7011, 4);
    }
    printed(price(&OptionInputs::on_forward(Put, 4200.0, 3800.0, 0.0, 0.15, 0.75)), 65.6185, 4);
    printed(price(&OptionInputs::on_forward(Call, 4200.0, 3800.0, 0.0, 0.15, 0.75)), 465.6185, 4);
    // Greeks.
    printed(all((Call, 105.0, 100.0, 0.10, 0.10, 0.36, 0.5)).delta, 0.5946, 4);
    printed(all((Put, 105.0, 100.0, 0.10, 0.10, 0.36, 0.5)).delta, -0.3566, 4);
    printed(all((Call, 55.0, 60.0, 0.10, 0.0, 0.30, 0.75)).gamma, 0.0278, 4);
    printed(all((Call, 55.0, 60.0, 0.105, 0.0355, 0.30, 0.75)).vega.0, 18.5027, 4);
    printed(all((Call, 72.0, 75.0, 0.09, 0.0, 0.19, 1.0)).rho.0, 38.7325, 4);
}

#[test]
fn hull_options_futures_and_other_derivatives() {
    use Right::{Call, Put};
    printed(price(&option((Call, 42.0, 40.0, 0.10, 0.0, 0.20, 0.5))), 4.76, 2);
    printed(price(&option((Put, 42.0, 40.0, 0.10, 0.0, 0.20, 0.5))), 0.81, 2);
    printed(price(&option((Call, 930.0, 900.0, 0.08, 0.03, 0.20, 2.0 / 12.0))), 51.83, 2);
    printed(price(&OptionInputs::on_forward(Put, 20.0, 20.0, 0.09, 0.25, 4.0 / 12.0)), 1.12, 2);
    // Twenty weeks on a stock at 49: the running example of the chapter on Greek letters.
    let greeks = raw_greeks(&option((Call, 49.0, 50.0, 0.05, 0.0, 0.20, 0.3846)));
    printed(greeks.price, 2.40, 2);
    printed(greeks.delta, 0.522, 3);
    printed(greeks.gamma, 0.066, 3);
    printed(greeks.vega.0, 12.1, 1);
    printed(greeks.theta.0, -4.31, 2);
    printed(greeks.rho.0, 8.91, 2);
}

#[test]
fn black_is_the_spot_formula_on_the_forward_of_the_spot() {
    for right in [Right::Call, Right::Put] {
        let spot = option((right, 100.0, 95.0, 0.05, 0.02, 0.3, 0.75));
        let forward = OptionInputs::on_forward(right, spot.forward(), 95.0, 0.05, 0.3, 0.75);
        assert!((price(&spot) - price(&forward)).abs() < 1e-13);
        assert_eq!(forward.forward(), forward.spot);
        // With the forward held, the rate only discounts.
        let greeks = raw_greeks(&forward);
        assert!(((greeks.rho + greeks.phi).0 + 0.75 * greeks.price).abs() < 1e-12);
    }
}

prop_compose! {
    fn any_option()(
        call in any::<bool>(), spot in 5.0..900.0f64, ratio in 0.6..1.6f64, rate in -0.02..0.10f64,
        dividend_yield in -0.01..0.06f64, vol_annual in 0.05..1.2f64, tte_years in 0.01..2.0f64,
    ) -> OptionInputs {
        let right = if call { Right::Call } else { Right::Put };
        OptionInputs { right, spot, strike: spot * ratio, rate, dividend_yield, vol_annual, tte_years }
    }
}

/// Fourth-order central difference.
fn slope(h: f64, at: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)
}

proptest! {
    #[test]
    fn every_greek_is_the_difference_of_a_lower_one(o in any_option()) {
        let got = raw_greeks(&o);
        let deviation = o.vol_annual * o.tte_years.sqrt();
        let (s, k, v, t) = (o.spot, o.strike, o.vol_annual, o.tte_years);
        // Steps that are small beside the width of the distribution.
        let (hs, hk, hv, ht) = (3e-3 * deviation * s, 3e-3 * deviation * k, 1e-3 * v, 1e-3 * t);
        let by_spot = |x: f64| raw_greeks(&OptionInputs { spot: s + x, ..o });
        let by_strike = |x: f64| raw_greeks(&OptionInputs { strike: k + x, ..o });
        let by_vol = |x: f64| raw_greeks(&OptionInputs { vol_annual: v + x, ..o });
        // Calendar time going forward.
        let by_time = |x: f64| raw_greeks(&OptionInputs { tte_years: t - x, ..o });
        let by_rate = |x: f64| price(&OptionInputs { rate: o.rate + x, ..o });
        let by_yield = |x: f64| price(&OptionInputs { dividend_yield: o.dividend_yield + x, ..o });
        let (gamma, vega) = (1.0 / (s * deviation), s * t.sqrt());
        let checks = [
            ("delta", got.delta, slope(hs, |x| by_spot(x).price), 1.0),
            ("gamma", got.gamma, slope(hs, |x| by_spot(x).delta), gamma),
            ("speed", got.speed, slope(hs, |x| by_spot(x).gamma), gamma / (s * deviation)),
            ("vega", got.vega.0, slope(hv, |x| by_vol(x).price), vega),
            ("vanna", got.vanna.0, slope(hv, |x| by_vol(x).delta), 1.0 / v),
            ("vanna from vega", got.vanna.0, slope(hs, |x| by_spot(x).vega.0), 1.0 / v),
            ("volga", got.volga.0, slope(hv, |x| by_vol(x).vega.0), vega / v),
            ("zomma", got.zomma.0, slope(hv, |x| by_vol(x).gamma), gamma / v),
            ("ultima", got.ultima.0, slope(hv, |x| by_vol(x).volga.0), vega / (v * v)),
            ("theta", got.theta.0, slope(ht, |x| by_time(x).price), s / t),
            ("charm", got.charm.0, slope(ht, |x| by_time(x).delta), 1.0 / t),
            ("veta", got.veta.0, slope(ht, |x| by_time(x).vega.0), vega / t),
            ("color", got.color.0, slope(ht, |x| by_time(x).gamma), gamma / t),
            ("rho", got.rho.0, slope(1e-4, by_rate), s * t),
            ("phi", got.phi.0, slope(1e-4, by_yield), s * t),
            ("dual delta", got.dual_delta, slope(hk, |x| by_strike(x).price), 1.0),
            ("dual gamma", got.dual_gamma, slope(hk, |x| by_strike(x).dual_delta), gamma),
        ];
        for (name, closed, difference, scale) in checks {
            prop_assert!((closed - difference).abs() < 2e-6 * scale, "{}: {} and {}", name, closed, difference);
        }
    }

    #[test]
    fn the_pricing_equation_and_homogeneity_hold(o in any_option()) {
        let g = raw_greeks(&o);
        let carry = (o.rate - o.dividend_yield) * o.spot * g.delta;
        let diffusion = 0.5 * (o.vol_annual * o.spot).powi(2) * g.gamma;
        let scale = o.spot * (1.0 + o.vol_annual / o.tte_years.sqrt());
        prop_assert!((g.theta.0 + carry + diffusion - o.rate * g.price).abs() < 1e-12 * scale);
        // Value and Greeks scale with the currency.
        prop_assert!((o.spot * g.delta + o.strike * g.dual_delta - g.price).abs() < 1e-12 * o.spot);
        prop_assert!((o.spot * o.spot * g.gamma - o.strike * o.strike * g.dual_gamma).abs() < 1e-9 * o.spot);
    }

    #[test]
    fn the_value_is_convex_in_strike_and_spot_and_monotone_in_strike(o in any_option(), step in 0.001..0.2f64) {
        let at_strike = |x: f64| price(&OptionInputs { strike: o.strike * x, ..o });
        let at_spot = |x: f64| price(&OptionInputs { spot: o.spot * x, ..o });
        let slack = 1e-12 * o.spot;
        let (low, mid, high) = (at_strike(1.0 - step), at_strike(1.0), at_strike(1.0 + step));
        prop_assert!(low + high >= 2.0 * mid - slack);
        prop_assert!(o.right.sign() * (low - high) >= -slack);
        prop_assert!(at_spot(1.0 - step) + at_spot(1.0 + step) >= 2.0 * at_spot(1.0) - slack);
    }

    #[test]
    fn a_put_is_a_call_with_the_currencies_exchanged(o in any_option()) {
        let mirrored = OptionInputs {
            right: if o.right == Right::Call { Right::Put } else { Right::Call },
            spot: o.strike,
            strike: o.spot,
            rate: o.dividend_yield,
            dividend_yield: o.rate,
            ..o
        };
        prop_assert!((price(&o) - price(&mirrored)).abs() < 1e-12 * o.spot);
    }

    #[test]
    fn the_limits_are_the_bounds(o in any_option()) {
        let forward_side = o.spot * (-o.dividend_yield * o.tte_years).exp();
        let strike_side = o.strike * (-o.rate * o.tte_years).exp();
        let intrinsic = (o.right.sign() * (forward_side - strike_side)).max(0.0);
        let most = if o.right == Right::Call { forward_side } else { strike_side };
        let calm = price(&OptionInputs { vol_annual: 1e-9, ..o });
        let wild = price(&OptionInputs { vol_annual: 1e3, ..o });
        prop_assert!((calm - intrinsic).abs() < 1e-8 * o.spot);
        prop_assert!((wild - most).abs() < 1e-12 * o.spot);
        let soon = price(&OptionInputs { tte_years: 1e-15, ..o });
        prop_assert!((soon - o.intrinsic()).abs() < 1e-7 * o.spot);
        let out = match o.right {
            Right::Call => OptionInputs { strike: 1e12, ..o },
            Right::Put => OptionInputs { strike: 1e-12, ..o },
        };
        prop_assert!(price(&out) < 1e-9);
    }

    #[test]
    fn every_greek_of_finite_nonsense_is_finite(
        spot in 0.0..f64::MAX, strike in 0.0..f64::MAX, small in prop::num::f64::POSITIVE,
        rate in prop::num::f64::NORMAL, q in prop::num::f64::NORMAL, vol_annual in 0.0..f64::MAX,
        tte_years in prop::num::f64::NORMAL,
    ) {
        prop_assume!(small.is_finite());
        for (spot, strike) in [(spot, strike), (small, strike), (spot, small), (small, small)] {
            for right in [Right::Call, Right::Put] {
                let g = raw_greeks(&option((right, spot, strike, rate, q, vol_annual, tte_years)));
                prop_assert!(g.price >= 0.0 && g.price.is_finite());
                prop_assert!(g == g.finite());
                let unit = UnitGreeks::from(g);
                prop_assert!(unit.theta_day.0.is_finite() && unit.charm_day.0.is_finite() && unit.speed.is_finite());
            }
        }
    }
}
