//! Greeks that others published for recorded days, held against ours on the same quotes: their units are told, and what
//! they say is ours within what is taken for the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;

use super::units::{RhoUnit, ThetaUnit, VegaUnit, VolUnit};
use super::*;
use crate::domain::instrument::OptionContract;
use crate::domain::{ExerciseStyle, Right, Settlement, Symbol};
use crate::numerics::optional_data;

#[derive(serde::Deserialize, Clone)]
struct Row {
    quote_date: NaiveDate,
    #[serde(default)]
    spot: Option<f64>,
    root: String,
    expiration: NaiveDate,
    strike: f64,
    right: String,
    bid: Option<f64>,
    ask: Option<f64>,
    #[serde(default)]
    iv: Option<f64>,
    delta: Option<f64>,
    gamma: Option<f64>,
    #[serde(default)]
    theta: Option<f64>,
    #[serde(default)]
    vega: Option<f64>,
    #[serde(default)]
    rho: Option<f64>,
}

impl Row {
    /// Of nothing, where there is no market: such rows are left out.
    fn mid(&self) -> f64 {
        0.5 * (self.bid.unwrap_or(0.0) + self.ask.unwrap_or(0.0))
    }

    fn has_market(&self) -> bool {
        self.bid.zip(self.ask).is_some_and(|(bid, ask)| bid > 0.0 && ask < 1.2 * bid + 0.1)
    }

    fn days(&self) -> i64 {
        (self.expiration - self.quote_date).num_days()
    }
}

/// Rows with a market, of the first day in the file, some weeks before their expiry.
fn rows(file: &str) -> Option<Vec<Row>> {
    let text = optional_data::text(&format!("data/chains/{file}"))?;
    let all: Vec<Row> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows of a chain");
    let first = all.first()?.quote_date;
    let of_use = |row: &Row| row.quote_date == first && (14..=120).contains(&row.days()) && row.has_market();
    Some(all.into_iter().filter(of_use).collect())
}

/// Legs within a tenth of spot, each with the volatility that its own mid implies at the parity forward of its expiry.
fn pairs(rows: &[Row], rate: f64, style: ExerciseStyle, own_iv: bool) -> Vec<Pair> {
    let mut expiries: BTreeMap<NaiveDate, BTreeMap<u64, [Option<&Row>; 2]>> = BTreeMap::new();
    for row in rows {
        let of_strike = expiries.entry(row.expiration).or_default().entry(row.strike.to_bits()).or_default();
        of_strike[usize::from(row.right == "P")] = Some(row);
    }
    let mut found = Vec::new();
    for strikes in expiries.values() {
        let both: Vec<(f64, &Row, &Row)> = strikes
            .iter()
            .filter_map(|(strike, [call, put])| Some((f64::from_bits(*strike), (*call)?, (*put)?)))
            .collect();
        let Some(nearest) = both
            .iter()
            .map(|(strike, call, put)| (strike, (call.mid() - put.mid()).abs()))
            .min_by(|a, b| a.1.total_cmp(&b.1))
        else {
            continue;
        };
        let about = *nearest.0;
        let years = both[0].1.days() as f64 / 365.0;
        let spot = both[0].1.spot.unwrap_or(about);
        let mut forwards: Vec<f64> = both
            .iter()
            .filter(|(strike, ..)| (strike / about - 1.0).abs() < 0.02)
            .map(|(strike, call, put)| strike + (rate * years).exp() * (call.mid() - put.mid()))
            .collect();
        forwards.sort_by(f64::total_cmp);
        let forward = forwards[forwards.len() / 2];
        let dividend_yield = rate - (forward / spot).ln() / years;
        for (strike, call, put) in both {
            if (strike / forward - 1.0).abs() > 0.1 {
                continue;
            }
            let (right, row) = if strike < forward { (Right::Put, put) } else { (Right::Call, call) };
            let inputs =
                OptionInputs { right, spot, strike, rate, dividend_yield, vol_annual: 0.2, tte_years: years };
            let exercise = match style {
                ExerciseStyle::American => Exercise::anytime(),
                ExerciseStyle::European => Exercise::AtExpiry,
            };
            let Ok(vol_annual) = exercise.implied_vol(row.mid(), &inputs) else { continue };
            found.push(Pair {
                instrument: instrument(row, right, style),
                inputs: OptionInputs { vol_annual, ..inputs },
                exercise,
                escrow: 0.0,
                live: true,
                liquid: true,
                broker: BrokerGreeks {
                    price: None,
                    volatility: if own_iv { Some(vol_annual) } else { row.iv },
                    delta: row.delta,
                    gamma: row.gamma,
                    theta: row.theta,
                    vega: row.vega,
                    rho: row.rho,
                    at: Some(DateTime::UNIX_EPOCH),
                    received: DateTime::UNIX_EPOCH,
                },
                age_seconds: 0,
            });
        }
    }
    found
}

fn instrument(row: &Row, right: Right, style: ExerciseStyle) -> Instrument {
    let root = Symbol::new(&row.root).expect("a root");
    Instrument::Option(Arc::new(OptionContract {
        underlying: root.clone(),
        root,
        expiry: row.expiration,
        right,
        strike: Decimal::try_from(row.strike).expect("a strike"),
        settlement: Settlement::Pm,
        style,
        multiplier: 100,
    }))
}

/// The units that were told, and of how many of how many legs the two models differ.
fn compared(pairs: &[Pair]) -> (Units, Tally) {
    let found = compare(pairs, Units::default());
    let all: Vec<&Instrument> = found.checks.keys().collect();
    let tally = found.tally(all);
    (found.units, tally)
}

#[test]
fn greeks_per_year_and_per_whole_volatility_are_ours_in_other_units() {
    let Some(rows) = rows("SPXW_daily_2018-01-02_2018-02-02.csv.gz") else { return };
    let (units, tally) = compared(&pairs(&rows, 0.0142, ExerciseStyle::European, false));
    assert_eq!((units.theta, units.vega), (Some(ThetaUnit::PerYear), Some(VegaUnit::PerVol)));
    assert_eq!((units.volatility, units.rho), (Some(VolUnit::Fraction), None));
    assert!(tally.compared > 50 && !tally.is_mismatch(), "{tally:?}");
}

#[test]
fn greeks_per_day_and_point_of_american_options_are_ours() {
    for file in ["AAPL_2026-08-19.csv.gz", "MSFT_2026-08-19.csv.gz", "NVDA_2026-08-19.csv.gz"] {
        let Some(rows) = rows(file) else { return };
        // The file's volatilities are of another source than its Greeks.
        let (units, tally) = compared(&pairs(&rows, 0.037, ExerciseStyle::American, true));
        assert_eq!((units.theta, units.vega), (Some(ThetaUnit::PerDay), Some(VegaUnit::PerPoint)));
        assert_eq!(units.rho, Some(RhoUnit::PerPercent));
        assert!(tally.compared > 50 && !tally.is_mismatch(), "{file} {tally:?}");
    }
}

#[test]
fn a_whole_day_of_an_index_differs_on_no_leg_to_speak_of() {
    let Some(rows) = rows("SPX_2023-09-14.csv.gz") else { return };
    let (units, tally) = compared(&pairs(&rows, 0.0543, ExerciseStyle::European, false));
    assert_eq!(units.volatility, Some(VolUnit::Fraction));
    assert!(tally.compared > 500 && !tally.is_mismatch(), "{tally:?}");
}
