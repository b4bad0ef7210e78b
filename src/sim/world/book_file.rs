//! A book from a file: the `positions` part of the risk command's book file, YAML or JSON.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Deserialize;

use crate::domain::instrument::{OccParts, is_index, listed_multiplier, listed_strike, style_of_root};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, is_plausible};
use crate::domain::{Instrument, OptionContract, Price, Right, Symbol};
use crate::market::chain_file::settlement_of_root;

use super::Market;
use super::book::{AccountBook, BookPosition, IRA, PERSONAL, market_value};
use super::value::cents;

const MOST_POSITIONS: usize = 5_000;

/// A line of a book file; without an entry price it is taken to have been opened at the first mark.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedPosition {
    pub account: String,
    pub instrument: Instrument,
    pub quantity: Decimal,
    pub entry: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    positions: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: Option<serde_yaml::Value>,
    underlying: String,
    #[serde(rename = "type")]
    kind: String,
    strike: Option<f64>,
    expiry: Option<String>,
    root: Option<String>,
    multiplier: Option<u32>,
    quantity: f64,
    entry: Option<f64>,
    account: Option<String>,
}

/// Contracts or shares of one line: more is a slip of the pen.
const MOST_UNITS: f64 = 1e6;

/// Reads a book file's text; JSON is YAML. The error names the position.
pub fn read_book(text: &str) -> Result<Vec<RecordedPosition>, String> {
    let file: File = serde_yaml::from_str(text)
        .map_err(|e| format!("the book file is malformed: {}", clean(&e.to_string(), 300)))?;
    if file.positions.len() > MOST_POSITIONS {
        return Err(format!("the book file has more than {MOST_POSITIONS} positions"));
    }
    file.positions
        .iter()
        .enumerate()
        .map(|(n, line)| {
            position(line).map_err(|why| format!("position {}{}: {why}", n + 1, name_of(line.id.as_ref())))
        })
        .collect()
}

fn position(line: &Line) -> Result<RecordedPosition, String> {
    let underlying = Symbol::new(&line.underlying).map_err(|e| e.to_string())?;
    let number = |v: f64, what: &str| {
        Decimal::from_f64(v).map(|d| d.normalize()).ok_or_else(|| format!("{what} is not a number"))
    };
    let right = match line.kind.as_str() {
        "stock" => None,
        "call" => Some(Right::Call),
        "put" => Some(Right::Put),
        other => return Err(format!("type {:?} is not call, put or stock", clean(other, 40))),
    };
    let instrument = match right {
        None if is_index(underlying.as_str()) => return Err("an index cannot be held".to_owned()),
        None => Instrument::Equity(underlying),
        Some(right) => {
            let strike = number(line.strike.ok_or("strike is missing")?, "strike")?;
            let strike = listed_strike(strike)
                .ok_or_else(|| format!("strike {strike} is not above 0 and below 100000, in thousandths"))?;
            let multiplier = line.multiplier.unwrap_or(100);
            listed_multiplier(multiplier.into())
                .ok_or_else(|| format!("multiplier {multiplier} is not above 0 and below a million"))?;
            let expiry = line.expiry.as_deref().ok_or("expiry is missing")?;
            let date =
                expiry.get(..10).and_then(|d| d.parse::<NaiveDate>().ok()).filter(|d| is_plausible(*d));
            let root = match &line.root {
                Some(root) => Symbol::new(root).map_err(|e| e.to_string())?,
                None => underlying.clone(),
            };
            Instrument::Option(
                OptionContract {
                    settlement: settlement_of_root(root.as_str()),
                    style: style_of_root(root.as_str()),
                    underlying,
                    root,
                    expiry: date.ok_or_else(|| format!("expiry {:?} is not a date", clean(expiry, 40)))?,
                    right,
                    strike,
                    multiplier,
                }
                .into(),
            )
        }
    };
    let account = match line.account.as_deref() {
        None | Some("personal") => PERSONAL.to_owned(),
        Some("ira") => IRA.to_owned(),
        Some(number) => number.to_owned(),
    };
    if line.quantity.abs() > MOST_UNITS {
        return Err(format!("quantity {} is more than {MOST_UNITS}", line.quantity));
    }
    let quantity = number(line.quantity, "quantity")?;
    let entry = line.entry.map(|e| number(e, "entry")).transpose()?;
    if let Some(entry) = entry.filter(|entry| !Price(*entry).is_plausible()) {
        return Err(format!("entry {entry} is not a price"));
    }
    Ok(RecordedPosition { account, instrument, quantity, entry })
}

/// Accounts around a book: cash such that the net liquidation is what such accounts usually hold.
pub fn accounts(market: &dyn Market, book: &[RecordedPosition], at: Timestamp) -> Vec<AccountBook> {
    let mut numbers = vec![PERSONAL.to_owned(), IRA.to_owned()];
    for line in book {
        if !numbers.contains(&line.account) {
            numbers.push(line.account.clone());
        }
    }
    numbers
        .into_iter()
        .map(|number| {
            let positions: Vec<BookPosition> = book
                .iter()
                .filter(|line| line.account == number)
                .map(|line| {
                    let instrument = known_by(market, &line.instrument);
                    let mark = || market.mark(&instrument, at).and_then(|m| Decimal::from_f64(cents(m.0)));
                    let average_open_price = line.entry.or_else(mark).unwrap_or_default();
                    BookPosition::opened(&number, instrument, line.quantity, average_open_price, at)
                })
                .collect();
            let is_ira = number == IRA;
            let wanted = if is_ira { 200_000.0 } else { 50_000.0 };
            let held: f64 = positions.iter().filter_map(|p| market_value(market, p, at)).sum();
            let (nickname, type_name) = match number.as_str() {
                IRA => ("IRA", "Roth IRA"),
                PERSONAL => ("Personal", "Individual"),
                other => (other, "Individual"),
            };
            AccountBook {
                nickname: nickname.to_owned(),
                type_name: type_name.to_owned(),
                is_ira,
                cash: Decimal::from_f64(wanted - held).unwrap_or_default().round_dp(2),
                positions,
                number,
            }
        })
        .collect()
}

/// The contract as the market specifies it; a book file cannot know its settlement.
fn known_by(market: &dyn Market, instrument: &Instrument) -> Instrument {
    match instrument {
        Instrument::Option(c) => {
            let exact = market.contract(&super::parts_of(c));
            // Weeklies of an index stand under a root of their own, which a book does not name.
            let weekly = || {
                let root = Symbol::new(&format!("{}W", c.root)).ok()?;
                market.contract(&OccParts { root, ..super::parts_of(c) })
            };
            exact.or_else(weekly).map_or_else(|| instrument.clone(), |found| Instrument::Option(found.into()))
        }
        Instrument::Equity(_) | Instrument::Index(_) => instrument.clone(),
    }
}

/// " (a)": the trader's own name for a line, where it has one.
fn name_of(id: Option<&serde_yaml::Value>) -> String {
    match id {
        Some(serde_yaml::Value::String(text)) => format!(" ({})", clean(text, 40)),
        Some(serde_yaml::Value::Number(number)) => format!(" ({number})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_read_the_same() {
        let yaml = "positions:\n  - {id: a, underlying: SPY, type: put, strike: 710, expiry: 2027-03-19, quantity: -3, iv: 0.18}\n  - {id: b, underlying: MSFT, type: stock, quantity: 300, entry: 455.5, account: ira}\n";
        let json = r#"{"positions":[{"id":"a","underlying":"SPY","type":"put","strike":710,"expiry":"2027-03-19","quantity":-3},{"id":"b","underlying":"MSFT","type":"stock","quantity":300,"entry":455.5,"account":"ira"}]}"#;
        let book = read_book(yaml).expect("good");
        assert_eq!(book, read_book(json).expect("good"));
        assert_eq!(book[0].instrument.broker_symbol(), "SPY   270319P00710000");
        assert_eq!((book[1].account.as_str(), book[1].entry), (IRA, Some(Decimal::new(4555, 1))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bad = |line: &str| read_book(&format!("positions:\n  - {line}\n")).expect_err("refused");
        assert!(bad("{underlying: SPY, type: swap, quantity: 1}").contains("swap"));
        assert!(bad("{underlying: SPY, type: put, strike: 1, quantity: 1}").contains("expiry is missing"));
        for strike in ["-5", "0", "100000", "1.00005", ".nan", "1e25"] {
            let line =
                format!("{{underlying: SPY, type: put, strike: {strike}, expiry: 2027-03-19, quantity: 1}}");
            assert!(bad(&line).contains("strike"), "{line}");
        }
        let option = "underlying: SPY, type: put, strike: 5, quantity: 1";
        assert!(bad(&format!("{{{option}, expiry: 2027-03-19, multiplier: 0}}")).contains("multiplier 0"));
        assert!(bad(&format!("{{{option}, expiry: 9027-03-19}}")).contains("9027-03-19"));
        assert!(bad("{underlying: SPY, type: stock, quantity: 1, entry: -1}").contains("entry -1"));
        assert!(bad("{underlying: VIX, type: stock, quantity: 1}").contains("index"));
    }
}
