//! Small texts for the rules, recorded chains where they are at hand.

use chrono::{NaiveDate, NaiveTime};

use super::*;
use crate::domain::Reading;
use crate::domain::time::new_york;
use crate::market::board::Board;
use crate::market::rates::RateCurve;
use crate::market::view::{ForwardSource, MarketConfig};
use crate::numerics::optional_data;

const SMALL: &str = "\
quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,iv
2026-07-16,SPX,7533.77,SPXW,2026-07-17,7500.0,C,40.1,40.5,0,0.11
2026-07-17,SPX,7540.00,SPXW,2026-07-17,7500,C,39.1,39.5,38.2,
2026-07-17,SPX,7540.00,SPX?,2026-07-17,7510,C,1,2,,
2026-07-17,SPX,7540.00,SPX,2026-08-21,7505.50,P,,0.05,0,0
";

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn the_last_day_counts_unless_another_is_asked_for() {
    let last = read(SMALL.as_bytes(), None).expect("a chain");
    assert_eq!((last.date, last.rows.len(), last.ambiguous_roots), (date("2026-07-17"), 2, 1));
    assert_eq!(last.days, [date("2026-07-16"), date("2026-07-17")]);
    assert_eq!(last.spot, Some(7540.0));
    let put = &last.rows[1];
    let contract = put.instrument.option().expect("an option");
    assert_eq!((contract.strike, contract.settlement), (Decimal::new(75_055, 1), Settlement::Am));
    assert_eq!((put.bid, put.last, put.iv), (None, None, None));
    assert_eq!(put.ask, Some(Price(Decimal::new(5, 2))));
    let first = read(SMALL.as_bytes(), Some(date("2026-07-16"))).expect("a chain");
    assert_eq!((first.rows.len(), first.rows[0].iv), (1, Some(0.11)));
    let chain = last.chain();
    assert_eq!(chain.expirations.len(), 2);
    assert_eq!(chain.expirations[1].strikes[0].call.streamer_symbol(), ".SPX260821C7505.5");
    assert_eq!(last.updates(chrono::DateTime::UNIX_EPOCH).len(), 3);
}

#[test]
fn what_is_wrong_is_named_by_line_and_column() {
    let text = |cell: &str| SMALL.replace("39.1", cell);
    let error = read(text("x9").as_bytes(), None).expect_err("a bad price");
    assert_eq!(error.to_string(), "line 3, column \"bid\": \"x9\" is not a price; correct or remove the row");
    assert!(matches!(read(text("-1").as_bytes(), None), Err(TableError::Cell { line: 3, .. })));
    let short = read(text("39.1,7").as_bytes(), None).expect_err("a cell too many");
    assert!(short.to_string().contains("12 cells where the header names 11"), "{short}");
    let nan = SMALL.replace("7540.00", "NaN");
    assert!(matches!(read(nan.as_bytes(), None), Err(TableError::Cell { .. })));
    let missing = SMALL.replace("strike", "stroke");
    assert_eq!(read(missing.as_bytes(), None), Err(TableError::NoColumn { column: "strike".into() }));
    let wanted = date("2026-07-20");
    assert!(matches!(read(SMALL.as_bytes(), Some(wanted)), Err(TableError::NoSuchDay { .. })));
    assert_eq!(read("".as_bytes(), None), Err(TableError::Empty));
    let header_only = SMALL.lines().next().expect("a header");
    assert_eq!(read(header_only.as_bytes(), None), Err(TableError::Empty));
}

#[test]
fn recorded_chains_are_read_whole_and_give_the_sources_volatilities() {
    let Some(text) = optional_data::text("data/chains/SPX_2023-06-08.csv.gz") else { return };
    let file = read(text.as_bytes(), None).expect("a chain");
    assert_eq!((file.rows.len(), file.ambiguous_roots), (17_958, 0));
    let at = new_york(file.date, NaiveTime::from_hms_opt(16, 14, 0).expect("a time"));
    let mut board = Board::default();
    for update in file.updates(at) {
        board.apply(update);
    }
    let rates = RateCurve::flat(0.0525).expect("a curve");
    let config = MarketConfig::new(rates, Symbol::new("SPY").expect("a symbol"));
    let view = board.view(at, &config);
    let expiry = date("2023-07-21");
    let forward = *view.forward(&file.underlying, expiry).live().expect("a forward");
    assert_eq!(forward.source, ForwardSource::Parity);
    assert!((forward.value / 4291.0 - 1.0).abs() < 0.01, "{forward:?}");
    let mut differences = Vec::new();
    for row in &file.rows {
        let contract = row.instrument.option().expect("an option");
        let strike: f64 = contract.strike.try_into().expect("a strike");
        let out = contract.right.sign() * (strike - forward.value) > 0.0;
        let (Some(iv), true) = (row.iv, contract.expiry == expiry && out) else { continue };
        if (strike / forward.value).ln().abs() < 0.05
            && let Reading::Live { value } = view.option(&row.instrument).inputs
        {
            differences.push((value.vol_annual - iv).abs());
        }
    }
    differences.sort_by(f64::total_cmp);
    assert!(differences.len() > 50, "{}", differences.len());
    let median = differences[differences.len() / 2];
    assert!(median < 0.002, "median difference to the source {median}");
}

#[test]
fn all_recorded_chains_parse() {
    let Some(folder) = optional_data::path("data/chains") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("a plain name").to_owned();
        if !name.ends_with(".csv.gz") {
            continue;
        }
        let text = optional_data::text(&format!("data/chains/{name}")).expect("a file");
        let file = read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(file.rows.len() > 50, "{name}");
        files += 1;
    }
    assert!(files > 25, "only {files} files");
    let text = optional_data::text("data/chains_daily/SPX_2026-07-16_2026-08-05.csv.gz").expect("a file");
    let file = read(text.as_bytes(), Some(date("2026-07-17"))).expect("a chain");
    assert_eq!(file.days.len(), 15);
    assert!(file.ambiguous_roots > 0);
}
