//! Worked examples, the reference tables, and what must hold for any option.

use proptest::prelude::*;

use super::*;
use crate::domain::Right;
use crate::numerics::optional_data;

/// The expiry of the worked book: 28.2291667 days.
const TAU: f64 = 28.229_166_666_666_667 / 365.0;

fn option(right: Right, spot: f64, strike: f64, q: f64, vol_annual: f64, tte_years: f64) -> OptionInputs {
    OptionInputs { right, spot, strike, rate: 0.04, dividend_yield: q, vol_annual, tte_years }
}

fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 2e-8 * want.abs().max(1e-3), "got {got}, want {want}");
}

#[test]
fn the_at_the_money_month() {
    let call = greeks(&option(Right::Call, 600.0, 600.0, 0.012, 0.18, 30.0 / 365.0));
    near(call.price, 13.025_765_7);
    near(call.delta, 0.527_541_222);
    near(call.gamma, 0.012_840_076_1);
    near(call.vega_point.0.0, 0.683_865_969);
    near(call.theta_day.0.0, -0.228_013_659);
    near(call.rho_pct.0.0, 0.249_451_206);
    near(call.vanna_point.0.0, -0.000_415_103_829);
    near(call.volga_point.0.0, 0.000_050_267_367_8);
    near(call.charm_day.0.0, -0.000_449_120_312);
    near(call.speed, -0.000_050_594_126_9);
    let put = greeks(&option(Right::Put, 600.0, 600.0, 0.012, 0.18, 30.0 / 365.0));
    near(put.price, 11.647_891_1);
    near(put.delta, -0.471_472_963);
    near(put.theta_day.0.0, -0.182_182_636);
    near(put.rho_pct.0.0, -0.242_080_824);
    near(put.charm_day.0.0, -0.000_481_964_614);
    near(put.gamma, call.gamma);
    near(put.volga_point.0.0, call.volga_point.0.0);
}

#[test]
fn parity_gives_the_same_forward_at_each_strike() {
    for strike in [595.0, 600.0, 605.0] {
        let call = price(&option(Right::Call, 600.0, strike, 0.012, 0.17, TAU));
        let put = price(&option(Right::Put, 600.0, strike, 0.012, 0.17, TAU));
        let forward = strike + (0.04 * TAU).exp() * (call - put);
        assert!((forward - 601.300_722_934).abs() < 1e-9, "{strike}: {forward}");
    }
}

#[test]
fn the_legs_of_the_worked_book() {
    let rows = [
        (Right::Put, 600.0, 560.0, 0.012, 0.205, 1.674_326, -0.100_767),
        (Right::Put, 600.0, 570.0, 0.012, 0.195, 2.708_484, -0.155_410),
        (Right::Call, 600.0, 630.0, 0.012, 0.145, 1.517_204, 0.127_845),
        (Right::Call, 600.0, 640.0, 0.012, 0.142, 0.595_614, 0.059_360),
        (Right::Put, 520.0, 490.0, 0.006, 0.235, 3.016_817, -0.162_932),
        (Right::Call, 520.0, 550.0, 0.006, 0.185, 2.122_505, 0.155_370),
        (Right::Call, 230.0, 240.0, 0.0, 0.24, 2.677_675, 0.288_446),
    ];
    for (right, spot, strike, q, vol, want, delta) in rows {
        let got = greeks(&option(right, spot, strike, q, vol, TAU));
        assert!((got.price - want).abs() < 1e-6, "{strike}: {}", got.price);
        assert!((got.delta - delta).abs() < 1e-6, "{strike}: {}", got.delta);
    }
}

#[test]
fn at_the_edges_nothing_is_lost_or_invented() {
    let expired = greeks(&option(Right::Put, 560.0, 570.0, 0.012, 0.2, 0.0));
    assert_eq!((expired.price, expired.delta, expired.theta_day.0.0), (10.0, -1.0, 0.0));
    assert_eq!(price(&option(Right::Call, 560.0, 570.0, 0.012, 0.2, -0.1)), 0.0);
    let calm = option(Right::Call, 600.0, 570.0, 0.012, 0.0, 1.0);
    let want = 600.0 * (-0.012f64).exp() - 570.0 * (-0.04f64).exp();
    assert!((price(&calm) - want).abs() < 1e-12);
    assert_eq!(price(&option(Right::Put, 600.0, 570.0, 0.012, 0.0, 1.0)), 0.0);
    assert_eq!(price(&option(Right::Call, 0.0, 570.0, 0.012, 0.2, 1.0)), 0.0);
    assert!(
        (price(&option(Right::Put, 0.0, 570.0, 0.012, 0.2, 1.0)) - 570.0 * (-0.04f64).exp()).abs() < 1e-9
    );
    assert_eq!(price(&option(Right::Call, 600.0, 0.0, 0.0, 0.2, 1.0)), 600.0);
}

/// One row of the reference table by column name.
struct Row {
    header: Vec<String>,
    fields: Vec<String>,
}

impl Row {
    fn text(&self, name: &str) -> &str {
        let at = self.header.iter().position(|h| h == name).expect("a known column");
        &self.fields[at]
    }
    fn number(&self, name: &str) -> f64 {
        self.text(name).parse().expect("a number")
    }
    fn inputs(&self) -> OptionInputs {
        OptionInputs {
            right: if self.text("type") == "C" { Right::Call } else { Right::Put },
            spot: self.number("spot"),
            strike: self.number("strike"),
            rate: self.number("rate"),
            dividend_yield: self.number("div"),
            vol_annual: self.number("vol"),
            tte_years: self.number("t"),
        }
    }
}

fn table(name: &str) -> Option<Vec<Row>> {
    let text = optional_data::text(&format!("reference/numerics/{name}"))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| Row {
        header: header.clone(),
        fields: record.expect("a record").iter().map(str::to_owned).collect(),
    });
    Some(rows.collect())
}

#[test]
fn the_european_reference_table() {
    let Some(rows) = table("european.csv") else { return };
    let mut wrong = Vec::new();
    for row in &rows {
        let inputs = row.inputs();
        let got = raw_greeks(&inputs);
        let OptionInputs { spot, strike, vol_annual: v, tte_years: t, .. } = inputs;
        let (d1, d2, kappa) = (row.number("d1"), row.number("d2"), row.number("kappa"));
        let relative = 8.0 * f64::EPSILON * (4.0 + kappa + d1 * d1 + d2 * d2);
        let absolute = 4.0 * f64::EPSILON * (4.0 + 1.0 / (v * t.sqrt()));
        let cash = spot + strike;
        let root = t.sqrt();
        let wide = (1.0 + d1 * d1).powi(2);
        let gamma_scale = 1.0 / (spot * v * root);
        let vega_scale = spot * root;
        let checks = [
            ("price", got.price, 0.0),
            ("delta", got.delta, 1.0),
            ("gamma", got.gamma, gamma_scale),
            ("vega", got.vega.0, vega_scale),
            ("theta", got.theta.0, cash / t),
            ("rho", got.rho.0, cash * t),
            ("phi", got.phi.0, cash * t),
            ("vanna", got.vanna.0, 1.0 / v),
            ("volga", got.volga.0, vega_scale / v),
            ("charm", got.charm.0, 1.0 / t),
            ("veta", got.veta.0, vega_scale / t * wide),
            ("speed", got.speed, gamma_scale / (spot * v * root) * wide),
            ("zomma", got.zomma.0, gamma_scale / v * wide),
            ("color", got.color.0, gamma_scale / t * wide),
            ("ultima", got.ultima.0, vega_scale / (v * v) * wide),
            ("dual_delta", got.dual_delta, 1.0),
            ("dual_gamma", got.dual_gamma, 1.0 / (strike * v * root)),
        ];
        for (name, value, scale) in checks {
            let want = row.number(name);
            let off = (value - want).abs();
            if !(off <= relative * want.abs() || off <= absolute * scale || off <= f64::MIN_POSITIVE) {
                wrong.push(format!("{} {name}: {value:e}, not {want:e}", row.text("id")));
            }
        }
        near(price(&inputs), got.price);
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// rate, yield, volatility, time of calls at the money.
fn in_range(spot: f64, (rate, dividend_yield, vol_annual, tte_years): (f64, f64, f64, f64)) -> bool {
    let inputs =
        OptionInputs { right: Right::Call, spot, strike: spot, rate, dividend_yield, vol_annual, tte_years };
    let found = raw_greeks_in_range(&inputs);
    assert!(found.is_none_or(|found| found == raw_greeks(&inputs)), "{inputs:?}");
    found.is_some()
}

#[test]
fn what_doubles_cannot_hold_is_told_from_what_is_zero() {
    // Both sides infinite; color, gamma and the square of the time alone; no volatility left in v.
    assert!(!in_range(100.0, (-800.0, -800.0, 0.2, 1.0)));
    assert!(!in_range(100.0, (0.0, -800.0, 0.2, 1.0)));
    assert!(!in_range(100.0, (0.0, 0.0, 0.2, 1e-300)));
    assert!(!in_range(1e-310, (0.0, 0.0, 0.2, 1.0)));
    assert!(!in_range(100.0, (0.0, 0.0, 1e-300, 1e-300)));
    assert!(!in_range(100.0, (0.0, 0.0, 1e300, 1e300)));
    // Worth nothing, worth its spot, and large numbers that are numbers.
    assert!(in_range(100.0, (800.0, 800.0, 0.2, 1.0)));
    assert!(in_range(100.0, (800.0, 0.0, 0.2, 1.0)));
    assert!(in_range(100.0, (1e308, 0.0, 0.2, 1.0)));
    assert!(in_range(1e300, (0.01, 0.0, 0.2, 1.0)));
    assert!(in_range(100.0, (0.0, 0.0, 0.0, 1.0)));
    assert!(in_range(100.0, (0.0, 0.0, 0.2, 0.0)));
    assert!(in_range(0.0, (-800.0, -800.0, 0.2, 1.0)));
    // A gamma of 1e340 is cut, a density of e^-1e9 is none.
    let near = OptionInputs { spot: 1e-310, strike: 1e-310, ..option(Right::Put, 1.0, 1.0, 0.0, 1e-30, 1.0) };
    assert_eq!(raw_greeks(&OptionInputs { rate: 0.0, ..near }).gamma, f64::MAX);
    let far = OptionInputs { spot: 2.0, ..option(Right::Call, 1.0, 1.0, 0.0, 1e-150, 1e-150) };
    let got = raw_greeks_in_range(&far).expect("numbers");
    assert_eq!((got.delta, got.gamma, got.ultima.0, got.color.0), (1.0, 0.0, 0.0, 0.0));
}

prop_compose! {
    fn any_option()(
        call in any::<bool>(), spot in 5.0..900.0f64, ratio in 0.6..1.6f64, rate in -0.02..0.10f64,
        dividend_yield in 0.0..0.06f64, vol_annual in 0.05..1.2f64, tte_years in 0.01..2.0f64,
    ) -> OptionInputs {
        let right = if call { Right::Call } else { Right::Put };
        OptionInputs { right, spot, strike: spot * ratio, rate, dividend_yield, vol_annual, tte_years }
    }
}

proptest! {
    #[test]
    fn parity_and_bounds_hold(o in any_option()) {
        let call = price(&OptionInputs { right: Right::Call, ..o });
        let put = price(&OptionInputs { right: Right::Put, ..o });
        let forward_side = o.spot * (-o.dividend_yield * o.tte_years).exp();
        let strike_side = o.strike * (-o.rate * o.tte_years).exp();
        prop_assert!((call - put - (forward_side - strike_side)).abs() < 1e-11 * o.spot);
        prop_assert!(call >= (forward_side - strike_side).max(0.0) && call <= forward_side * (1.0 + 1e-15));
        prop_assert!(put >= (strike_side - forward_side).max(0.0) && put <= strike_side * (1.0 + 1e-15));
    }

    #[test]
    fn a_call_rises_with_spot_a_put_falls_and_both_rise_with_volatility(o in any_option()) {
        let base = price(&o);
        let up = price(&OptionInputs { spot: o.spot * 1.01, ..o });
        prop_assert!(o.right.sign() * (up - base) >= -1e-12 * o.spot);
        let wilder = price(&OptionInputs { vol_annual: o.vol_annual + 0.01, ..o });
        prop_assert!(wilder >= base - 1e-12 * o.spot);
    }

    #[test]
    fn nonsense_gives_neither_nan_nor_a_negative_price(
        spot in prop::num::f64::POSITIVE | prop::num::f64::ZERO, strike in prop::num::f64::POSITIVE | prop::num::f64::ZERO,
        rate in prop::num::f64::NORMAL, q in prop::num::f64::NORMAL,
        vol_annual in prop::num::f64::POSITIVE | prop::num::f64::ZERO, tte_years in prop::num::f64::NORMAL,
    ) {
        prop_assume!(spot.is_finite() && strike.is_finite() && vol_annual.is_finite());
        for right in [Right::Call, Right::Put] {
            let got = raw_greeks(&OptionInputs { right, spot, strike, rate, dividend_yield: q, vol_annual, tte_years });
            prop_assert!(got.price >= 0.0 && got.price.is_finite());
            prop_assert!(got.delta.is_finite() && got.theta.0.is_finite() && got.color.0.is_finite());
        }
    }
}
