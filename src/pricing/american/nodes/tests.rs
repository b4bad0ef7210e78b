//! Between nodes as by the solver; and the same to the bit, whatever was asked before.

use proptest::prelude::*;

use super::super::price;
use super::*;
use crate::domain::Right;

fn cold(price: f64, inputs: &OptionInputs, dividends: &[CashDividend]) -> Result<f64, ImpliedVolError> {
    implied_vol(price, inputs, dividends, Accuracy::Fast, european(price, inputs))
}

fn european(price: f64, inputs: &OptionInputs) -> Result<f64, ImpliedVolError> {
    let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = *inputs;
    crate::pricing::implied_vol::implied_vol(right, price, spot, strike, rate, dividend_yield, tte_years)
}

prop_compose! {
    fn question()(
        put in any::<bool>(),
        moneyness in -2.5f64..2.5,
        rate in 0.0f64..0.06,
        div in prop_oneof![Just(0.0), 0.0f64..0.05],
        vol in 0.08f64..0.9,
        days in 1.0f64..800.0,
        ex in proptest::collection::vec((0.02f64..1.0, 0.0005f64..0.01), 0..3),
    ) -> (OptionInputs, Arc<[CashDividend]>) {
        let tte_years: f64 = days / 365.0;
        let strike: f64 = 100.0;
        let dividends: Vec<CashDividend> = ex
            .iter()
            .map(|(at, amount)| CashDividend { years: at * tte_years, present_value: amount * strike })
            .collect();
        let inputs = OptionInputs {
            right: if put { Right::Put } else { Right::Call },
            spot: strike * (moneyness * vol * tte_years.sqrt()).exp(),
            strike,
            rate,
            dividend_yield: if dividends.is_empty() { div } else { 0.0 },
            vol_annual: vol,
            tte_years,
        };
        (inputs, dividends.into())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn between_nodes_as_by_the_solver((inputs, dividends) in question()) {
        let value = price(&inputs, &dividends, Accuracy::Fast);
        let Ok(solved) = cold(value, &inputs, &dividends) else { return Ok(()) };
        let mut nodes = VolNodes::new(&inputs, &dividends, Accuracy::Fast);
        let vol = nodes.implied_vol(value, inputs.spot, || european(value, &inputs)).expect("a volatility");
        let back = price(&OptionInputs { vol_annual: vol, ..inputs }, &dividends, Accuracy::Fast);
        prop_assert!((back - value).abs() <= 1e-7 * inputs.strike, "{vol} {solved} {back} {value}");
    }

    #[test]
    fn what_was_asked_before_does_not_matter(
        (inputs, dividends) in question(),
        moves in proptest::collection::vec((-0.06f64..0.06, -0.5f64..0.5), 1..12),
    ) {
        let mut kept = VolNodes::new(&inputs, &dividends, Accuracy::Fast);
        for (spot, vol) in moves {
            let moved = OptionInputs {
                spot: inputs.spot * (1.0 + spot),
                vol_annual: inputs.vol_annual * (1.0 + vol),
                ..inputs
            };
            let value = price(&moved, &dividends, Accuracy::Fast);
            let mut fresh = VolNodes::new(&inputs, &dividends, Accuracy::Fast);
            let ask = |nodes: &mut VolNodes| nodes.implied_vol(value, moved.spot, || european(value, &moved));
            let (first, again, cold) = (ask(&mut kept), ask(&mut kept), ask(&mut fresh));
            prop_assert_eq!(first.map(f64::to_bits).ok(), cold.map(f64::to_bits).ok());
            prop_assert_eq!(first.map(f64::to_bits).ok(), again.map(f64::to_bits).ok());
            prop_assert!(kept.nodes.len() <= MOST_NODES);
        }
    }
}

#[test]
fn a_moved_quote_is_answered_without_a_new_solution() {
    let inputs = OptionInputs {
        right: Right::Put,
        spot: 600.0,
        strike: 590.0,
        rate: 0.04,
        dividend_yield: 0.0,
        vol_annual: 0.18,
        tte_years: 0.1,
    };
    let mut nodes = VolNodes::new(&inputs, &Arc::from([]), Accuracy::Fast);
    let mut ask = |spot: f64, price: f64| {
        let at = OptionInputs { spot, ..inputs };
        nodes.implied_vol(price, spot, || european(price, &at)).expect("a volatility");
        nodes.nodes.len()
    };
    let before = ask(600.0, 7.20);
    assert_eq!([ask(600.1, 7.20), ask(600.1, 7.15), ask(599.7, 7.30)], [before; 3]);
    let other = OptionInputs { tte_years: 0.1001, ..inputs };
    assert!(nodes.is_of(&OptionInputs { spot: 1.0, vol_annual: 0.9, ..inputs }, &[]));
    assert!(!nodes.is_of(&other, &[]));
    assert!(!nodes.is_of(&inputs, &[CashDividend { years: 0.05, present_value: 1.0 }]));
}

#[test]
fn what_has_no_volatility_has_none_between_nodes_either() {
    let inputs = OptionInputs {
        right: Right::Put,
        spot: 80.0,
        strike: 100.0,
        rate: 0.05,
        dividend_yield: 0.0,
        vol_annual: 0.2,
        tte_years: 0.25,
    };
    for value in [f64::NAN, -1.0, 0.0, 19.0, 20.0, 101.0] {
        let mut nodes = VolNodes::new(&inputs, &Arc::from([]), Accuracy::Fast);
        let vol = nodes.implied_vol(value, inputs.spot, || european(value, &inputs));
        assert_eq!(vol.is_err(), cold(value, &inputs, &[]).is_err(), "{value}");
        assert!(vol.is_err(), "{value}");
    }
}
