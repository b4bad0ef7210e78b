//! The batch against the reference table and the scalar formulas, on every instruction set.

use proptest::prelude::*;

use super::*;
use crate::domain::Right;
use crate::numerics::optional_data;
use crate::numerics::vector::InstructionSet;
use crate::pricing::{OptionInputs, price, raw_greeks};

const ORDINARY: OptionInputs = OptionInputs {
    right: Right::Call,
    spot: 100.0,
    strike: 104.0,
    rate: 0.03,
    dividend_yield: 0.01,
    vol_annual: 0.25,
    tte_years: 0.3,
};

fn batch(set: InstructionSet, options: &[OptionInputs]) -> Vec<BatchGreeks> {
    let table: OptionTable = options.iter().collect();
    let mut out = GreekTable::default();
    greeks_on(set, &table, &mut out);
    assert_eq!(out.len(), options.len());
    let mut values = Vec::new();
    prices_on(set, &table, &mut values);
    let rows: Vec<BatchGreeks> = out.iter().collect();
    // Fusing may differ between the two loops: nothing but the last places of the larger side.
    for ((row, value), option) in rows.iter().zip(&values).zip(options) {
        let scale = option.spot + option.strike;
        assert!((row.price - value).abs() <= 1e-14 * scale || !scale.is_finite(), "{option:?}");
    }
    rows
}

fn scalar(option: &OptionInputs) -> BatchGreeks {
    let raw = raw_greeks(option);
    BatchGreeks {
        price: raw.price,
        delta: raw.delta,
        gamma: raw.gamma,
        vega: raw.vega,
        theta: raw.theta,
        rho: raw.rho,
        vanna: raw.vanna,
        volga: raw.volga,
        charm: raw.charm,
    }
}

/// Name, value and natural scale of each column.
fn columns(row: &BatchGreeks, option: &OptionInputs) -> [(&'static str, f64, f64); 9] {
    let OptionInputs { spot, strike, vol_annual: v, tte_years: t, .. } = *option;
    let (cash, deviation) = (spot + strike, v * t.sqrt());
    [
        ("price", row.price, cash),
        ("delta", row.delta, 1.0),
        ("gamma", row.gamma, 1.0 / (spot * deviation)),
        ("vega", row.vega.0, spot * t.sqrt()),
        ("theta", row.theta.0, cash / t),
        ("rho", row.rho.0, cash * t),
        ("vanna", row.vanna.0, 1.0 / v),
        ("volga", row.volga.0, spot * t.sqrt() / v),
        ("charm", row.charm.0, 1.0 / t),
    ]
}

#[test]
fn the_european_reference_table() {
    let Some(text) = optional_data::text("reference/numerics/european.csv") else { return };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|h| h == name).expect("a known column");
    let records: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("a record")).collect();
    let number = |r: &csv::StringRecord, name: &str| r[at(name)].parse::<f64>().expect("a number");
    let options: Vec<OptionInputs> = records
        .iter()
        .map(|r| OptionInputs {
            right: if &r[at("type")] == "C" { Right::Call } else { Right::Put },
            spot: number(r, "spot"),
            strike: number(r, "strike"),
            rate: number(r, "rate"),
            dividend_yield: number(r, "div"),
            vol_annual: number(r, "vol"),
            tte_years: number(r, "t"),
        })
        .collect();
    let mut wrong = Vec::new();
    for set in InstructionSet::available() {
        for ((row, option), record) in batch(set, &options).iter().zip(&options).zip(&records) {
            let (d1, d2) = (number(record, "d1"), number(record, "d2"));
            let relative = 8.0 * f64::EPSILON * (4.0 + number(record, "kappa") + d1 * d1 + d2 * d2);
            let deviation = option.vol_annual * option.tte_years.sqrt();
            let absolute = 4.0 * f64::EPSILON * (4.0 + 1.0 / deviation);
            for (name, got, scale) in columns(row, option) {
                let want = number(record, name);
                let off = (got - want).abs();
                if !(off <= relative * want.abs() || off <= absolute * scale) {
                    wrong.push(format!("{} {} {name}: {got:e}, not {want:e}", set.name(), &record[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), records.len(), wrong.join("\n"));
}

#[test]
fn rows_outside_the_kernel_get_the_scalar_answer_and_leave_their_neighbours_alone() {
    let edges = [
        OptionInputs { tte_years: 0.0, ..ORDINARY },
        OptionInputs { tte_years: 0.0, spot: 104.0, ..ORDINARY },
        OptionInputs { tte_years: -0.2, right: Right::Put, ..ORDINARY },
        OptionInputs { vol_annual: 0.0, ..ORDINARY },
        OptionInputs { vol_annual: 0.0, right: Right::Put, ..ORDINARY },
        OptionInputs { spot: 0.0, ..ORDINARY },
        OptionInputs { spot: 0.0, right: Right::Put, ..ORDINARY },
        OptionInputs { strike: 0.0, ..ORDINARY },
        OptionInputs { vol_annual: 9.0, ..ORDINARY },
        OptionInputs { tte_years: 1e-13, ..ORDINARY },
        OptionInputs { rate: 4000.0, ..ORDINARY },
        OptionInputs { dividend_yield: -4000.0, ..ORDINARY },
        OptionInputs { spot: 1e200, strike: 1e200, ..ORDINARY },
        OptionInputs { spot: f64::NAN, ..ORDINARY },
        OptionInputs { strike: f64::INFINITY, ..ORDINARY },
        OptionInputs { rate: f64::NAN, ..ORDINARY },
        OptionInputs { dividend_yield: f64::NAN, ..ORDINARY },
        OptionInputs { rate: f64::INFINITY, dividend_yield: f64::NEG_INFINITY, ..ORDINARY },
        OptionInputs { vol_annual: f64::NAN, ..ORDINARY },
        OptionInputs { tte_years: f64::NAN, ..ORDINARY },
        OptionInputs { tte_years: f64::INFINITY, ..ORDINARY },
    ];
    let mut options = vec![ORDINARY; 200];
    for (i, edge) in edges.iter().enumerate() {
        options[7 * i + 3] = *edge;
    }
    for set in InstructionSet::available() {
        let rows = batch(set, &options);
        let alone = batch(set, &[ORDINARY])[0];
        for (i, row) in rows.iter().enumerate() {
            let edge = i % 7 == 3 && i / 7 < edges.len();
            assert_eq!(*row, if edge { scalar(&options[i]) } else { alone }, "{}: row {i}", set.name());
        }
    }
}

#[test]
fn any_length_is_answered_and_a_table_can_be_used_again() {
    let mut table = OptionTable::default();
    let mut out = GreekTable::default();
    let mut values = Vec::new();
    for rows in [0usize, 1, 575, 576, 577, 1300, 5] {
        table.clear();
        for row in 0..rows {
            table.push(&OptionInputs { strike: 80.0 + 0.1 * row as f64, ..ORDINARY });
        }
        greeks(&table, &mut out);
        prices(&table, &mut values);
        assert_eq!((table.len(), out.len(), values.len()), (rows, rows, rows));
        assert_eq!((table.is_empty(), out.is_empty()), (rows == 0, rows == 0));
        for (row, value) in values.iter().enumerate() {
            let option = table.get(row).expect("a row");
            assert_eq!(option.strike, 80.0 + 0.1 * row as f64);
            let want = price(&option);
            assert!((value - want).abs() < 1e-13 * 100.0, "{row}: {value}, not {want}");
            assert_eq!(out.get(row).expect("a row").price, *value);
        }
        assert!(table.get(rows).is_none() && out.get(rows).is_none());
    }
}

prop_compose! {
    /// Anything a chain may hold, tails and edges of the kernel's domain included.
    fn any_option()(
        call in any::<bool>(), spot in -5.0..9.0f64, ratio in -1.0..1.0f64, rate in -0.05..0.2f64,
        dividend_yield in -0.02..0.12f64, vol in -5.0..1.6f64, t in -9.0..2.5f64,
    ) -> OptionInputs {
        let right = if call { Right::Call } else { Right::Put };
        let (vol_annual, tte_years) = (vol.exp(), t.exp());
        let spot = spot.exp();
        OptionInputs { right, spot, strike: spot * ratio.exp(), rate, dividend_yield, vol_annual, tte_years }
    }
}

proptest! {
    // A case computes whole blocks on every instruction set.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_instruction_set_gives_the_scalar_answer(options in prop::collection::vec(any_option(), 1..80)) {
        for set in InstructionSet::available() {
            for (row, option) in batch(set, &options).iter().zip(&options) {
                let deviation = option.vol_annual * option.tte_years.sqrt();
                let bound = 16.0 * f64::EPSILON * (4.0 + 1.0 / deviation);
                let rates = 1.0 + (option.rate.abs() + option.dividend_yield.abs()) * option.tte_years;
                prop_assert!(row.price >= 0.0);
                for ((name, got, scale), (_, want, _)) in columns(row, option).iter().zip(columns(&scalar(option), option)) {
                    prop_assert!((got - want).abs() <= bound * rates * scale, "{} {}: {} not {}", set.name(), name, got, want);
                }
            }
        }
    }

    #[test]
    fn finite_nonsense_gives_neither_nan_nor_a_negative_price(
        spot in prop::num::f64::POSITIVE | prop::num::f64::ZERO, strike in prop::num::f64::POSITIVE | prop::num::f64::ZERO,
        rate in prop::num::f64::NORMAL, q in prop::num::f64::NORMAL,
        vol_annual in prop::num::f64::POSITIVE | prop::num::f64::ZERO, tte_years in prop::num::f64::NORMAL,
    ) {
        prop_assume!(spot.is_finite() && strike.is_finite() && vol_annual.is_finite());
        for right in [Right::Call, Right::Put] {
            let option = OptionInputs { right, spot, strike, rate, dividend_yield: q, vol_annual, tte_years };
            for set in InstructionSet::available() {
                let row = batch(set, &[option])[0];
                prop_assert!(row.price >= 0.0 && row.price.is_finite());
                prop_assert!(columns(&row, &option).iter().all(|(_, value, _)| value.is_finite()));
            }
        }
    }
}
