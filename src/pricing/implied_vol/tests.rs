//! The solvers against the reference table, against each other and against the price.

use proptest::prelude::*;

use super::*;
use crate::domain::Right;
use crate::fuzzing::pricing::{condition, quote, round_trip, vol_or_reason, vols as batch};
use crate::numerics::optional_data;
use crate::numerics::vector::InstructionSet;
use crate::pricing::{OptionInputs, price};

const ORDINARY: QuoteInputs = QuoteInputs {
    right: Right::Put,
    price: 2.75,
    spot: 600.0,
    strike: 570.0,
    rate: 0.04,
    dividend_yield: 0.012,
    tte_years: 28.229_166_666_666_667 / 365.0,
};

#[test]
fn bid_mid_and_ask_of_one_quote() {
    let quotes = [2.75, 2.70, 2.80].map(|price| QuoteInputs { price, ..ORDINARY });
    for set in InstructionSet::available() {
        for (got, want) in batch(set, &quotes).iter().zip([0.196_039_982, 0.194_786_827, 0.197_285_488]) {
            assert!((got.expect("a vol") - want).abs() < 1e-9, "{got:?}");
        }
    }
    for (price, strike, want) in [(2.75, 570.0, 0.196_039_982), (0.05, 520.0, 0.202_934_653)] {
        let got = QuoteInputs { price, strike, ..ORDINARY }.implied_vol().expect("a vol");
        assert!((got - want).abs() < 1e-9, "{price}");
    }
}

#[test]
fn the_reference_table() {
    let Some(text) = optional_data::text("reference/numerics/implied_vol.csv") else { return };
    let records: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).records().map(|r| r.expect("a record")).collect();
    let number = |r: &csv::StringRecord, at: usize| r[at].parse::<f64>().unwrap_or(f64::NAN);
    let quotes: Vec<QuoteInputs> = records
        .iter()
        .map(|r| QuoteInputs {
            right: if &r[2] == "C" { Right::Call } else { Right::Put },
            spot: number(r, 3),
            strike: number(r, 4),
            rate: number(r, 5),
            dividend_yield: number(r, 6),
            tte_years: number(r, 7),
            price: number(r, 8),
        })
        .collect();
    let mut ways: Vec<(String, Vec<Result<f64, ImpliedVolError>>)> = Vec::new();
    for set in InstructionSet::available() {
        let alone = quotes.iter().map(|quote| scalar::implied_vol_on(set, quote)).collect();
        ways.push((format!("scalar {}", set.name()), alone));
        ways.push((format!("batch {}", set.name()), batch(set, &quotes)));
    }
    let mut wrong = Vec::new();
    for (way, answers) in &ways {
        for (record, got) in records.iter().zip(answers) {
            let bound = 4.0 * f64::EPSILON * number(record, 10);
            let good = match got {
                Ok(vol) => (vol / number(record, 9) - 1.0).abs() <= bound,
                Err(error) => error.code() == &record[11],
            };
            if !good {
                wrong.push(format!("{way} {}: {got:?}, not {} {}", &record[0], &record[9], &record[11]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_without_a_volatility_say_why_and_leave_their_neighbours_alone() {
    use ImpliedVolError as E;
    let call = QuoteInputs { right: Right::Call, rate: 0.0, dividend_yield: 0.0, ..ORDINARY };
    let edges = [
        (E::ZeroPrice, QuoteInputs { price: 0.0, ..ORDINARY }),
        (E::NegativePrice, QuoteInputs { price: -0.01, ..ORDINARY }),
        (E::BelowIntrinsic, QuoteInputs { price: 29.99, ..call }),
        (E::AtIntrinsic, QuoteInputs { price: 30.0, ..call }),
        (E::AtMax, QuoteInputs { price: 600.0, ..call }),
        (E::AboveMax, QuoteInputs { price: 600.01, ..call }),
        (E::AboveMax, QuoteInputs { price: 1e300, ..ORDINARY }),
        (E::Expired, QuoteInputs { tte_years: 0.0, ..ORDINARY }),
        (E::Expired, QuoteInputs { tte_years: -1.0, ..ORDINARY }),
        // Both sides are infinite, one is; and both vanish.
        (E::OutOfRange, QuoteInputs { rate: -1e4, dividend_yield: -1e4, ..ORDINARY }),
        (E::OutOfRange, QuoteInputs { dividend_yield: -1e4, ..ORDINARY }),
        (E::AboveMax, QuoteInputs { rate: 1e5, dividend_yield: 1e5, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { tte_years: f64::NAN, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { tte_years: f64::INFINITY, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { price: f64::NAN, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { price: f64::INFINITY, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { spot: 0.0, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { spot: -600.0, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { spot: f64::NAN, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { strike: f64::INFINITY, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { strike: 0.0, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { rate: f64::NAN, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { dividend_yield: f64::NAN, ..ORDINARY }),
        (E::NotFinite, QuoteInputs { rate: f64::INFINITY, dividend_yield: f64::NEG_INFINITY, ..ORDINARY }),
    ];
    let mut quotes = vec![ORDINARY; 300];
    for (i, (_, edge)) in edges.iter().enumerate() {
        quotes[7 * i + 3] = *edge;
    }
    for set in InstructionSet::available() {
        let alone = batch(set, &[ORDINARY])[0];
        for (i, answer) in batch(set, &quotes).iter().enumerate() {
            let edge = (i % 7 == 3).then(|| edges.get(i / 7)).flatten();
            assert_eq!(*answer, edge.map_or(alone, |edge| Err(edge.0)), "{} {:?}", set.name(), quotes[i]);
        }
    }
}

#[test]
fn any_length_is_answered_and_a_table_can_be_used_again() {
    let (mut table, mut out) = (QuoteTable::default(), VolTable::default());
    for rows in [0usize, 1, 127, 128, 129, 400, 5] {
        table.clear();
        for row in 0..rows {
            table.push(&QuoteInputs { price: row as f64 * 0.05, ..ORDINARY });
        }
        implied_vols(&table, &mut out);
        assert_eq!((table.len(), out.len()), (rows, rows));
        assert_eq!((table.is_empty(), out.is_empty()), (rows == 0, rows == 0));
        assert_eq!(out.errors().len(), usize::from(rows > 0), "the first price is zero");
        let vols: Vec<f64> = out.iter().filter_map(Result::ok).collect();
        assert!(vols.windows(2).all(|pair| pair[0] < pair[1]), "a higher price is a higher volatility");
        assert!(table.get(rows).is_none() && out.get(rows).is_none());
    }
}

#[test]
fn at_the_money_forward_small_and_large_volatility_are_found() {
    let money = |vol_annual| OptionInputs {
        right: Right::Call,
        spot: 100.0,
        strike: 100.0,
        rate: 0.0,
        dividend_yield: 0.0,
        vol_annual,
        tte_years: 1.0,
    };
    let options: Vec<OptionInputs> = (0..200).map(|i| money(1e-7 * 1.09f64.powi(i))).collect();
    let quotes: Vec<QuoteInputs> = options.iter().map(|option| quote(option, price(option))).collect();
    for set in InstructionSet::available() {
        for ((got, option), quote) in batch(set, &quotes).iter().zip(&options).zip(&quotes) {
            let bound = 4.0 * f64::EPSILON * condition(option, quote.price);
            let off = got.expect("a vol") / option.vol_annual - 1.0;
            assert!(off.abs() <= bound, "{}: {got:?}, not {}", set.name(), option.vol_annual);
            let alone = scalar::implied_vol_on(set, quote).expect("a vol");
            assert!((alone / option.vol_annual - 1.0).abs() <= bound, "{}: {alone}", set.name());
        }
    }
}

#[test]
fn the_smallest_prices_still_have_a_volatility() {
    let quote =
        |price| QuoteInputs { price, spot: 1.0, strike: 0.8, rate: 0.0, dividend_yield: 0.0, ..ORDINARY };
    let quotes: Vec<QuoteInputs> =
        (250..324).map(|digits| quote(format!("1e-{digits}").parse().expect("a number"))).collect();
    for set in InstructionSet::available() {
        let vols: Vec<f64> = batch(set, &quotes).into_iter().map(|vol| vol.expect("a vol")).collect();
        // Even, as the logarithm of the price is: no kink where one solver takes over from another.
        for three in vols.windows(3) {
            let bend = (three[0] * three[2]).sqrt() / three[1] - 1.0;
            assert!(three[2] < three[1] && bend.abs() < 1e-4, "{three:?}");
        }
    }
}

prop_compose! {
    /// Anything a chain may hold, far tails, tiny and huge volatility included.
    fn any_option()(
        call in any::<bool>(), spot in -5.0..9.0f64, deviations in -6.0..6.0f64, rate in -0.05..0.2f64,
        dividend_yield in -0.02..0.12f64, total in -6.0..1.6f64, t in -7.0..2.5f64,
    ) -> OptionInputs {
        let right = if call { Right::Call } else { Right::Put };
        let (total, tte_years, spot) = (total.exp(), t.exp(), spot.exp());
        let vol_annual = total / tte_years.sqrt();
        let strike = spot * (deviations * total).exp();
        OptionInputs { right, spot, strike, rate, dividend_yield, vol_annual, tte_years }
    }
}

proptest! {
    #[test]
    fn a_round_trip_returns_the_volatility(options in prop::collection::vec(any_option(), 1..200)) {
        round_trip(&options, scalar::implied_vol_on);
    }

    #[test]
    fn nonsense_gets_an_answer_or_the_reason(
        price in any::<f64>(), spot in any::<f64>(), strike in any::<f64>(),
        rate in any::<f64>(), dividend_yield in any::<f64>(), tte_years in any::<f64>(),
    ) {
        let quote = |right| QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years };
        vol_or_reason(&[quote(Right::Call), quote(Right::Put)]);
    }
}
