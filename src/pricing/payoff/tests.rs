use proptest::prelude::*;

use super::*;
use crate::pricing::{OptionInputs, price};

fn legs(text: &str) -> Vec<PayoffLeg> {
    text.split_whitespace()
        .map(|word| {
            let (quantity, rest) = word.split_at(2);
            let quantity: f64 = quantity.parse().expect("a signed digit");
            match rest.split_at(1) {
                ("S", _) => PayoffLeg::Shares { quantity: quantity * 100.0 },
                (letter, strike) => PayoffLeg::Option {
                    right: if letter == "C" { Right::Call } else { Right::Put },
                    strike: strike.parse().expect("a strike"),
                    quantity,
                    multiplier: 100.0,
                },
            }
        })
        .collect()
}

/// Columns: legs, cost, profit, loss, breakevens, defined.
type Case = (&'static str, f64, Option<f64>, Option<f64>, &'static [f64], bool);

#[test]
fn the_worked_structures() {
    let cases: [Case; 15] = [
        ("-1P570", -271.0, Some(271.0), Some(56_729.0), &[567.29], false),
        ("-1P570 +1P560", -100.0, Some(100.0), Some(900.0), &[569.0], true),
        ("+1P560 -1P570 -1C630 +1C640", -190.0, Some(190.0), Some(810.0), &[568.10, 631.90], true),
        ("+1P580 -1P600 -1C600 +1C620", -1_320.0, Some(1_320.0), Some(680.0), &[586.80, 613.20], true),
        ("-1P600 -1C600", -2_260.0, Some(2_260.0), None, &[577.40, 622.60], false),
        ("-1P570 -1C630", -422.0, Some(422.0), None, &[565.78, 634.22], false),
        ("+1C590 -2C600 +1C610", 130.0, Some(870.0), Some(130.0), &[591.30, 608.70], true),
        ("+1C580 -1C590 -1C610 +1C620", 540.0, Some(460.0), Some(540.0), &[585.40, 614.60], true),
        ("-1P570 -1C630 +1C635", -328.0, Some(328.0), Some(56_672.0), &[566.72, 633.28], false),
        ("-1P600 -1C600 +1C620", -2_040.0, Some(2_040.0), Some(57_960.0), &[579.60], false),
        ("+1P580 -2P560", 86.0, Some(1_914.0), Some(54_086.0), &[540.86, 579.14], false),
        ("+1S -1C240", 23_000.0 - 268.0, Some(1_268.0), Some(22_732.0), &[227.32], true),
        ("+1S +1P220", 23_000.0 + 210.0, None, Some(1_210.0), &[232.10], true),
        ("+1S +1P220 -1C240", 23_000.0 - 58.0, Some(1_058.0), Some(942.0), &[229.42], true),
        ("+1C600", 1_300.0, None, Some(1_300.0), &[613.0], true),
    ];
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    for (text, cost, profit, loss, breakevens, defined) in cases {
        let got = payoff(&legs(text), cost);
        assert_eq!(got.max_profit.is_some(), profit.is_some(), "{text}");
        assert_eq!(got.max_loss.is_some(), loss.is_some(), "{text}");
        assert!(near(got.max_profit.unwrap_or(0.0), profit.unwrap_or(0.0)), "{text}: {got:?}");
        assert!(near(got.max_loss.unwrap_or(0.0), loss.unwrap_or(0.0)), "{text}: {got:?}");
        assert_eq!(got.breakevens.len(), breakevens.len(), "{text}: {got:?}");
        assert!(got.breakevens.iter().zip(breakevens).all(|(a, b)| near(*a, *b)), "{text}: {got:?}");
        assert_eq!(got.is_defined(), defined, "{text}");
    }
}

#[test]
fn the_sides_of_a_lizard_are_told_apart() {
    let got = payoff(&legs("-1P570 -1C630 +1C635"), -328.0);
    assert_eq!((got.at_zero, got.far_up), (-56_672.0, Some(-172.0)));
    assert!(got.undefined_down && !got.undefined_up);
}

#[test]
fn the_profitable_ranges_of_a_condor_and_of_a_short_put() {
    let range = |low, high| SpotRange { low, high };
    let condor = payoff(&legs("+1P560 -1P570 -1C630 +1C640"), -190.0);
    assert_eq!(condor.profitable, [range(condor.breakevens[0], condor.breakevens[1])]);
    let put = payoff(&legs("-1P570"), -271.0);
    assert_eq!(put.profitable, [range(put.breakevens[0], f64::INFINITY)]);
    let straddle = payoff(&legs("+1P600 +1C600"), 2_260.0);
    let [down, up] = straddle.breakevens[..] else { panic!("{straddle:?}") };
    assert_eq!(straddle.profitable, [range(0.0, down), range(up, f64::INFINITY)]);
    assert!(payoff(&legs("+1P560 -1P570"), 0.0).profitable.is_empty());
}

#[test]
fn a_stretch_at_zero_has_two_ends_and_no_profit() {
    let free = payoff(&legs("+1C600 -1C610"), 0.0);
    assert_eq!((free.breakevens.as_slice(), free.max_loss), ([600.0].as_slice(), Some(0.0)));
    let lifted = payoff(&legs("+1P560 -1P570 -1C630 +1C640"), 0.0);
    assert_eq!((lifted.breakevens.as_slice(), lifted.max_profit), ([570.0, 630.0].as_slice(), Some(0.0)));
    assert!(lifted.profitable.is_empty());
}

#[test]
fn which_bags_of_legs_are_undefined_and_where() {
    let cases = [
        ("-1P570 +1P560 -1C630 +1C640", false, false),
        ("+2S -3C240", true, false),
        ("+1S +1P220 -1C240", false, false),
        ("-2P560 +1P580", false, true),
        ("-1P570 -1C570 +1C600", false, true),
        ("-1P570 +1P560 -1P550 +1P540", false, false),
        ("+2P560 -2P570 -1C630 +1C640", false, false),
        ("-1S -1P220", true, false),
    ];
    for (text, up, down) in cases {
        let got = payoff(&legs(text), 0.0);
        assert_eq!((got.undefined_up, got.undefined_down), (up, down), "{text}");
        assert_eq!(got.max_loss.is_none(), up, "{text}");
    }
}

/// A call of the second expiry, at the first.
fn january(strike: f64) -> impl Fn(usize, f64) -> f64 {
    move |_, spot| {
        price(&OptionInputs {
            right: Right::Call,
            spot,
            strike,
            rate: 0.04,
            dividend_yield: 0.012,
            vol_annual: 0.172,
            tte_years: 0.154_052_511_4 - 0.077_340_182_6,
        })
    }
}

#[test]
fn the_worked_calendar() {
    let got = at_near_expiry(&legs("-1C600"), &legs("+1C600"), 546.050_460, january(600.0));
    let near = |a: f64, b: f64, tolerance: f64| assert!((a - b).abs() <= tolerance, "{a}, not {b}");
    near(got.max_profit.expect("limited"), 657.345_179, 1e-5);
    near(got.max_loss.expect("limited"), 546.050_460, 1e-5);
    let [down, up] = got.breakevens[..] else { panic!("{got:?}") };
    near(down, 584.275_713, 1e-6);
    near(up, 618.792_334, 1e-6);
    assert_eq!(got.profitable, [SpotRange { low: down, high: up }]);
    assert!(got.is_defined());
}

#[test]
fn a_short_option_is_not_covered_by_one_that_expires_first() {
    let reverse = at_near_expiry(&legs("+1C600"), &legs("-1C600"), -546.0, january(600.0));
    assert!(reverse.undefined_up && !reverse.undefined_down);
    let covered = at_near_expiry(&legs("+1S"), &legs("-1C600"), 59_000.0, january(600.0));
    assert!(!covered.undefined_up);
    let two_short = at_near_expiry(&legs("-2C600"), &legs("+1C600"), -100.0, january(600.0));
    assert_eq!((two_short.max_loss, two_short.far_up), (None, None));
    assert!(two_short.undefined_up);
}

#[test]
fn with_nothing_beyond_the_near_expiry_the_curve_is_the_line() {
    for (text, cost) in [("+1P560 -1P570 -1C630 +1C640", -190.0), ("-1P570", -271.0), ("+1C600", 1_300.0)] {
        let (line, curve) = (payoff(&legs(text), cost), at_near_expiry(&legs(text), &[], cost, |_, _| 0.0));
        assert_eq!(line.breakevens.len(), curve.breakevens.len(), "{text}");
        assert!(line.breakevens.iter().zip(&curve.breakevens).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!((line.max_profit.unwrap_or(0.0) - curve.max_profit.unwrap_or(0.0)).abs() < 1e-9);
        assert!((line.max_loss.unwrap_or(0.0) - curve.max_loss.unwrap_or(0.0)).abs() < 1e-9);
        assert_eq!((line.far_up, line.is_defined()), (curve.far_up, curve.is_defined()));
    }
}

fn any_leg() -> impl Strategy<Value = PayoffLeg> {
    let option =
        (any::<bool>(), 1..40_u8, -5..=5_i8).prop_map(|(call, strike, quantity)| PayoffLeg::Option {
            right: if call { Right::Call } else { Right::Put },
            strike: f64::from(strike) * 2.5,
            quantity: f64::from(quantity),
            multiplier: 100.0,
        });
    prop_oneof![4 => option, 1 => (-300..=300_i16).prop_map(|n| PayoffLeg::Shares { quantity: f64::from(n) })]
}

fn bag() -> impl Strategy<Value = (Vec<PayoffLeg>, f64)> {
    (prop::collection::vec(any_leg(), 0..7), (-50_000..=50_000_i32).prop_map(f64::from))
}

proptest! {
    #[test]
    fn the_line_is_the_sum_of_its_legs((legs, cost) in bag(), spot in 0.0..300.0_f64) {
        let want = legs.iter().map(|leg| leg.value(spot)).sum::<f64>() - cost;
        prop_assert!((ExpiryPnl::of(&legs, cost).at(spot) - want).abs() < 1e-6);
        let piece = ExpiryPnl::of(&legs, cost).pieces().find(|p| p.low <= spot && spot <= p.high);
        prop_assert!((piece.expect("pieces cover all prices").at(spot) - want).abs() < 1e-6);
    }

    #[test]
    fn breakevens_are_zeros_and_the_only_ones((legs, cost) in bag()) {
        let (line, got) = (ExpiryPnl::of(&legs, cost), payoff(&legs, cost));
        for &spot in &got.breakevens {
            prop_assert!(line.at(spot).abs() < 1e-5, "{} at {}", line.at(spot), spot);
        }
        prop_assert!(got.breakevens.windows(2).all(|pair| pair[0] < pair[1]));
        // Between neighbours the sign does not change: no zero is missed.
        let far = got.breakevens.last().copied().unwrap_or(0.0) + 1_000.0;
        let edges: Vec<f64> = [0.0].into_iter().chain(got.breakevens.iter().copied()).chain([far]).collect();
        for edge in edges.windows(2) {
            let inside = (1..50).map(|i| line.at(edge[0] + (edge[1] - edge[0]) * f64::from(i) / 50.0));
            let signs: Vec<f64> = inside.filter(|pnl| pnl.abs() > 1e-6).map(f64::signum).collect();
            prop_assert!(signs.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn the_profitable_ranges_are_where_the_line_is_positive((legs, cost) in bag(), spot in 0.0..300.0_f64) {
        let (line, got) = (ExpiryPnl::of(&legs, cost), payoff(&legs, cost));
        let inside = got.profitable.iter().any(|range| range.low < spot && spot < range.high);
        prop_assert!(inside == (line.at(spot) > 0.0) || line.at(spot).abs() < 1e-6);
        prop_assert!(got.profitable.windows(2).all(|pair| pair[0].high <= pair[1].low));
    }

    #[test]
    fn no_price_gains_or_loses_more_than_the_limits((legs, cost) in bag(), spot in 0.0..3_000.0_f64) {
        let pnl = ExpiryPnl::of(&legs, cost).at(spot);
        let got = payoff(&legs, cost);
        prop_assert!(got.max_profit.is_none_or(|most| pnl <= most + 1e-6));
        prop_assert!(got.max_loss.is_none_or(|most| pnl >= -most - 1e-6));
        let mirrored: Vec<PayoffLeg> = legs.iter().map(|leg| match *leg {
            PayoffLeg::Option { right, strike, quantity, multiplier } =>
                PayoffLeg::Option { right, strike, quantity: -quantity, multiplier },
            PayoffLeg::Shares { quantity } => PayoffLeg::Shares { quantity: -quantity },
        }).collect();
        let other = payoff(&mirrored, -cost);
        prop_assert_eq!((other.max_profit, other.max_loss), (got.max_loss, got.max_profit));
    }
}
