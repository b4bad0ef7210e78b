//! Examples printed in books and papers, of which the table beside the repository has the exact values, too.

use super::american::{self, Accuracy};
use super::{ImpliedVolError, OptionInputs, QuoteInputs, raw_greeks};
use crate::domain::Right;
use crate::numerics::optional_data;

struct Example {
    id: String,
    kind: String,
    quantity: String,
    inputs: OptionInputs,
    /// As printed, and what half a unit of its last place is.
    published: f64,
    half: f64,
    exact: f64,
}

fn examples() -> Option<Vec<Example>> {
    let text = optional_data::text("reference/numerics/published.csv")?;
    let rows = csv::Reader::from_reader(text.as_bytes()).into_records().map(|record| {
        let record = record.expect("a record");
        let number = |at: usize| record[at].parse::<f64>().unwrap_or(f64::NAN);
        Example {
            id: record[0].to_owned(),
            kind: record[2].to_owned(),
            quantity: record[10].to_owned(),
            inputs: OptionInputs {
                right: if &record[3] == "C" { Right::Call } else { Right::Put },
                spot: number(4),
                strike: number(5),
                rate: number(6),
                dividend_yield: number(7),
                vol_annual: number(8),
                tte_years: number(9),
            },
            published: number(11),
            half: 0.5 * 10f64.powf(-number(12)),
            exact: number(13),
        }
    });
    Some(rows.collect())
}

impl Example {
    /// Exact to `close`, and as printed but for `units` of the last printed place.
    fn holds(&self, got: f64, close: f64, units: f64) {
        let Self { id, published, half, exact, .. } = self;
        assert!((got - exact).abs() <= close, "{id}: {got}, exactly {exact}");
        assert!((got - published).abs() <= 2.0 * units * half, "{id}: {got}, printed {published}");
    }
}

#[test]
fn european_values_and_greeks() {
    let Some(examples) = examples() else { return };
    let mut seen = 0;
    for example in examples.iter().filter(|example| example.kind == "european") {
        let got = raw_greeks(&example.inputs);
        let value = match example.quantity.as_str() {
            "price" => got.price,
            "delta" => got.delta,
            "gamma" => got.gamma,
            "vega" => got.vega.0,
            "theta" => got.theta.0,
            "rho" => got.rho.0,
            other => panic!("{}: {other}", example.id),
        };
        example.holds(value, 1e-11 * example.exact.abs().max(1.0), 0.5001);
        seen += 1;
    }
    assert_eq!(seen, 23);
}

#[test]
fn implied_volatilities() -> Result<(), ImpliedVolError> {
    let Some(examples) = examples() else { return Ok(()) };
    let mut seen = 0;
    for example in &examples {
        let Some(price) = example.kind.strip_prefix("implied_vol:price=") else { continue };
        let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = example.inputs;
        let price = price.parse().expect("a price");
        let vol =
            QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years }.implied_vol()?;
        example.holds(vol, 1e-14, 1.0);
        seen += 1;
    }
    assert_eq!(seen, 2);
    Ok(())
}

#[test]
fn american_values() {
    let Some(examples) = examples() else { return };
    let mut seen = 0;
    for example in examples.iter().filter(|example| example.kind == "american") {
        let got = american::price(&example.inputs, &[], Accuracy::High);
        // The printed ones come from long trees, whose last place may be one off; one is an approximation.
        let units = if example.id == "B054" { f64::INFINITY } else { 1.1 };
        example.holds(got, 1e-8 * example.inputs.strike, units);
        seen += 1;
    }
    assert_eq!(seen, 29);
}

#[test]
fn american_values_of_which_an_approximation_was_printed() {
    let Some(examples) = examples() else { return };
    let mut seen = 0;
    for example in examples.iter().filter(|example| example.kind == "american-BAW") {
        let got = american::price(&example.inputs, &[], Accuracy::High);
        // Barone-Adesi and Whaley's quadratic approximation is up to 0.037 off here.
        example.holds(got, 1e-8 * example.inputs.strike, 400.0);
        seen += 1;
    }
    assert_eq!(seen, 34);
}
