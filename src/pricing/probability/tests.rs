use proptest::prelude::*;

use super::*;
use crate::domain::Right;
use crate::pricing::expected_value::{self, Friction};
use crate::pricing::payoff::PayoffLeg;
use crate::pricing::{OptionInputs, price};

const TAU: f64 = 28.229_166_666_666_667 / 365.0;
const DRIFT: f64 = 0.04 - 0.012;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got}, not {want}");
}

fn law(vol_annual: f64) -> Lognormal {
    Lognormal::of(600.0, DRIFT, vol_annual, TAU).expect("a law")
}

fn option(quantity: f64, right: Right, strike: f64) -> PayoffLeg {
    PayoffLeg::Option { right, strike, quantity, multiplier: 100.0 }
}

fn put_spread() -> ExpiryPnl {
    ExpiryPnl::of(&[option(-1.0, Right::Put, 570.0), option(1.0, Right::Put, 560.0)], -100.0)
}

fn condor() -> ExpiryPnl {
    let legs = [
        option(1.0, Right::Put, 560.0),
        option(-1.0, Right::Put, 570.0),
        option(-1.0, Right::Call, 630.0),
        option(1.0, Right::Call, 640.0),
    ];
    ExpiryPnl::of(&legs, -190.0)
}

#[test]
fn odds_of_the_worked_put_spread_and_condor() {
    let got = Odds::lognormal(&put_spread(), &law(0.195));
    near(got.profit, 0.839_169_287, 1e-9);
    near(got.max_profit, 0.831_137_501, 1e-9);
    near(got.max_loss, 0.099_387_118_1, 1e-10);
    near(Odds::lognormal(&condor(), &law(0.17)).profit, 0.739_033_243, 1e-9);
}

#[test]
fn touching_the_short_strikes() {
    near(law(0.195).touch(570.0), 0.340_061_669, 1e-9);
    near(2.0 * law(0.195).below(570.0), 0.337_724_997, 1e-9);
    near(law(0.145).touch(630.0), 0.235_598_885, 1e-9);
    assert_eq!((law(0.2).touch(600.0), law(0.2).touch(0.0)), (1.0, 0.0));
    // With hardly any volatility the drift alone decides.
    let calm = Lognormal::of(600.0, 0.5, 1e-3, 1.0).expect("a law");
    near(calm.touch(700.0), 1.0, 1e-12);
    near(calm.touch(599.0), 0.0, 1e-12);
}

#[test]
fn the_three_expected_values_of_the_worked_spread() {
    let friction =
        Friction { contracts: 2.0, open_fee_per_contract: 1.14, close_fee_per_contract: 0.14, slippage: 0.0 }
            .total();
    let put = |strike, vol_annual| {
        price(&OptionInputs {
            right: Right::Put,
            spot: 600.0,
            strike,
            rate: 0.04,
            dividend_yield: 0.012,
            vol_annual,
            tte_years: TAU,
        })
    };
    let profit = Odds::lognormal(&put_spread(), &law(0.195)).profit;
    near(expected_value::binary(profit, 100.0, 900.0, friction), -63.390_713_4, 1e-7);
    let growth = (0.04 * TAU).exp();
    let own = 100.0 * (put(560.0, 0.205) - put(570.0, 0.195));
    near(expected_value::against_model(100.0, own, growth, friction), -6.296_178_35, 1e-7);
    near(expected_value::under(&law(0.195), &put_spread(), friction), -34.679_543_6, 1e-7);
    let forecast = law(expected_value::forecast_vol(0.195, 0.125));
    near(expected_value::under(&forecast, &put_spread(), friction), 11.858_305_9, 1e-7);
    near(Odds::lognormal(&put_spread(), &forecast).profit, 0.888_509_509, 1e-9);
    near(law(0.195).shortfall(&put_spread(), 0.05).expect("a tail"), 900.0, 1e-9);
}

#[test]
fn the_expectation_of_one_option_is_its_compounded_price() {
    for (right, strike) in [(Right::Call, 630.0), (Right::Put, 500.0), (Right::Call, 1.0)] {
        let inputs = OptionInputs {
            right,
            spot: 600.0,
            strike,
            rate: 0.04,
            dividend_yield: 0.012,
            vol_annual: 0.2,
            tte_years: TAU,
        };
        let pnl = ExpiryPnl::of(&[option(0.01, right, strike)], 0.0);
        near(law(0.2).expectation(&pnl), price(&inputs) * (0.04 * TAU).exp(), 1e-10);
    }
}

#[test]
fn the_shortfall_is_the_mean_of_the_worst_outcomes() {
    let shares = PayoffLeg::Shares { quantity: 100.0 };
    let short_call = ExpiryPnl::of(&[option(-1.0, Right::Call, 630.0)], -150.0);
    let covered = ExpiryPnl::of(&[shares, option(-1.0, Right::Call, 630.0)], 59_850.0);
    for pnl in [put_spread(), condor(), short_call, covered] {
        let law = law(0.2);
        let n = 200_000;
        let outcome = |i: i32| pnl.at(law.quantile((f64::from(i) + 0.5) / f64::from(n)));
        let mut outcomes: Vec<f64> = (0..n).map(outcome).collect();
        outcomes.sort_by(f64::total_cmp);
        let worst = 0.05 * f64::from(n);
        let mean = outcomes.iter().take(worst as usize).sum::<f64>() / worst;
        near(law.shortfall(&pnl, 0.05).expect("a tail") / -mean, 1.0, 1e-4);
    }
    assert_eq!(law(0.2).shortfall(&condor(), 0.0), None);
}

#[test]
fn without_time_or_volatility_the_underlying_is_where_it_drifts() {
    let still = Lognormal::of(600.0, 0.0, 0.0, 1.0).expect("a law");
    assert_eq!((still.below(599.0), still.below(601.0), still.touch(590.0)), (0.0, 1.0, 0.0));
    assert_eq!(still.expectation(&condor()), 190.0);
    assert_eq!(Odds::lognormal(&condor(), &still).profit, 1.0);
    let up = Lognormal::of(100.0, 0.1, 0.0, 1.0).expect("a law");
    assert_eq!((up.touch(105.0), up.touch(120.0), up.touch(95.0)), (1.0, 0.0, 0.0));
    assert_eq!(Lognormal::of(0.0, 0.0, 0.2, 1.0), None);
    assert_eq!(Lognormal::of(600.0, 0.0, f64::NAN, 1.0), None);
    assert_eq!(Lognormal::of(600.0, 0.0, 0.2, -1.0), None);
}

proptest! {
    #[test]
    fn touching_is_likelier_than_ending_beyond(
        barrier in 200.0..1_800.0_f64, vol in 0.01..2.0_f64, drift in -0.3..0.3_f64, years in 0.001..3.0_f64
    ) {
        let law = Lognormal::of(600.0, drift, vol, years).expect("a law");
        let beyond = if barrier < 600.0 { law.below(barrier) } else { law.above(barrier) };
        let touch = law.touch(barrier);
        prop_assert!(touch >= beyond - 1e-14 && touch <= 1.0, "{touch} {beyond}");
    }

    #[test]
    fn probabilities_add_up(low in 1.0..900.0_f64, width in 0.0..900.0_f64, vol in 0.01..1.5_f64) {
        let law = Lognormal::of(600.0, 0.02, vol, 0.4).expect("a law");
        let parts = [
            SpotRange { low: 0.0, high: low },
            SpotRange { low, high: low + width },
            SpotRange { low: low + width, high: f64::INFINITY },
        ];
        prop_assert!((law.within(&parts) - 1.0).abs() < 1e-13);
        let mean: f64 = parts.iter().map(|range| law.mean_between(*range)).sum();
        prop_assert!((mean / law.forward - 1.0).abs() < 1e-13);
    }
}
