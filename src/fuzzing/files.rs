//! Files from outside: recorded chains, price histories, books.

use chrono::{Datelike, NaiveTime};

use super::tellable;
use crate::domain::instrument::parse_occ;
use crate::domain::time::new_york;
use crate::domain::{Instrument, Price};
use crate::market::table::TableError;
use crate::market::{chain_file as chains, history_file as histories};
use crate::sim::world::{parse_streamer, parts_of, read_book};

/// A contract that both spellings carry and read back, at a date that exchange time can be told of.
#[track_caller]
pub(crate) fn spelt(instrument: &Instrument) {
    let (occ, streamer) = (instrument.broker_symbol(), instrument.streamer_symbol());
    let Some(contract) = instrument.option() else { return };
    let parts = parts_of(contract);
    assert!(parts.strike > rust_decimal::Decimal::ZERO, "{contract:?}");
    // An OCC symbol has room for six letters and this century only.
    if contract.root.as_str().len() <= 6 && (2000..2100).contains(&contract.expiry.year()) {
        assert_eq!(parse_occ(&occ).as_ref(), Ok(&parts), "{occ:?}");
    }
    if (2000..2069).contains(&contract.expiry.year()) {
        assert_eq!(parse_streamer(&streamer).as_ref(), Some(&parts), "{streamer:?}");
    }
    let close = new_york(contract.expiry, NaiveTime::from_hms_opt(16, 0, 0).expect("a time of day"));
    assert!((close.date_naive() - contract.expiry).num_days().abs() <= 1, "{contract:?}");
}

/// A price that can be multiplied with any quantity and summed.
#[track_caller]
pub(crate) fn quotable(price: Option<Price>) {
    let Some(Price(value)) = price else { return };
    assert!(!value.is_sign_negative() || value.is_zero(), "{value}");
    assert!(value < rust_decimal::Decimal::from(1_000_000_000), "{value}");
}

fn refused(error: &TableError) {
    tellable(&error.to_string());
}

/// Chain files: contracts that can be spelt, plausible prices, a chain in order; else an error with its place.
pub fn chain_file(bytes: &[u8]) {
    let file = match chains::read(bytes, None) {
        Ok(file) => file,
        Err(error) => return refused(&error),
    };
    assert_eq!(file.days.last(), Some(&file.date), "the last day is read where none is asked for");
    assert!(file.days.windows(2).all(|pair| pair[0] < pair[1]));
    for row in &file.rows {
        spelt(&row.instrument);
        [row.bid, row.ask, row.last].into_iter().for_each(quotable);
        let numbers =
            [row.volume, row.open_interest, row.iv, row.delta, row.gamma, row.theta, row.vega, row.rho];
        assert!(numbers.into_iter().flatten().all(f64::is_finite), "{row:?}");
    }
    let chain = file.chain();
    for expiration in &chain.expirations {
        assert!(expiration.strikes.windows(2).all(|pair| pair[0].strike < pair[1].strike), "{expiration:?}");
    }
    let at = new_york(file.date, NaiveTime::from_hms_opt(15, 0, 0).expect("a time of day"));
    assert!(file.updates(at).len() >= file.rows.len());
    for day in file.days.iter().take(3) {
        match chains::read(bytes, Some(*day)) {
            Ok(again) if *day == file.date => {
                assert_eq!(again.rows, file.rows, "asked for or not, it is the same day");
            }
            Ok(again) => assert_eq!(again.date, *day),
            // Rows of a day that is not wanted are passed over unread.
            Err(error) => {
                assert!(*day != file.date, "asked for, the day cannot be read: {error}");
                refused(&error);
            }
        }
    }
}

/// Price histories: positive, finite bars in order of dates, of either kind of close; else an error with its place.
pub fn history_file(bytes: &[u8]) {
    for closes in [histories::Closes::Traded, histories::Closes::Adjusted] {
        let bars = match histories::read(bytes, closes) {
            Ok(bars) => bars,
            Err(error) => {
                refused(&error);
                continue;
            }
        };
        for (symbol, bars) in &bars {
            assert!(bars.windows(2).all(|pair| pair[0].date < pair[1].date), "{symbol}: {bars:?}");
            for bar in bars {
                let prices = [bar.open, bar.high, bar.low, bar.close];
                assert!(prices.iter().all(|price| price.is_finite() && *price > 0.0), "{symbol}: {bar:?}");
                assert!(bar.volume.is_none_or(|volume| volume.is_finite() && volume >= 0.0), "{bar:?}");
            }
        }
    }
}

/// Book files: holdings that can be spelt and counted; else an error that names the position.
pub fn book_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let book = match read_book(text) {
        Ok(book) => book,
        Err(why) => return tellable(&why),
    };
    for line in &book {
        spelt(&line.instrument);
        assert!(line.quantity.abs() <= rust_decimal::Decimal::from(1_000_000), "{line:?}");
        assert!(line.instrument.multiplier() > 0, "{line:?}");
        let entry = line.entry.map(Price);
        quotable(entry);
        // Money of it fits.
        let worth = entry.unwrap_or_default().times(line.quantity, line.instrument.multiplier());
        assert!(worth.to_f64().is_finite());
    }
}
