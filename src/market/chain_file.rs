//! Recorded option chains as comma-separated text: one row per contract, one or more days in one file.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::table::{Table, TableError};
use super::update::{
    ChainStrike, DaySummary, Expiration, MarketUpdate, OptionChain, RawQuote, RawTrade, Source,
};
use crate::domain::instrument::{is_index, listed_strike, style_of_root};
use crate::domain::{Instrument, OptionContract, Price, Right, Settlement, Symbol, Timestamp, TradingDate};

/// One contract at the time of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainRow {
    pub instrument: Instrument,
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    /// `None` where it never traded.
    pub last: Option<Price>,
    pub volume: Option<f64>,
    pub open_interest: Option<f64>,
    /// As the source computed them, in the source's units.
    pub iv: Option<f64>,
    pub delta: Option<f64>,
    pub gamma: Option<f64>,
    pub theta: Option<f64>,
    pub vega: Option<f64>,
    pub rho: Option<f64>,
}

/// One underlying on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainFile {
    pub underlying: Symbol,
    pub date: TradingDate,
    /// All days that the file holds, ascending.
    pub days: Vec<TradingDate>,
    /// Of the underlying; the forward implied by the quotes is the better one.
    pub spot: Option<f64>,
    pub rows: Vec<ChainRow>,
    /// Rows of the day that were left out: the source could not tell which root they belong to.
    pub ambiguous_roots: usize,
}

/// Beyond any day of any listed underlying.
const MOST_ROWS: usize = 200_000;

/// Reads one day: the one asked for, else the last one in the file. Columns `quote_date`, `underlying`,
/// `root`, `expiration`, `strike`, `right`, `bid` and `ask` must be there, the others may.
pub fn read(input: impl BufRead, day: Option<TradingDate>) -> Result<ChainFile, TableError> {
    let mut table = Table::open(input)?;
    let columns = Columns::of(&table)?;
    let mut days = BTreeMap::<TradingDate, ()>::new();
    let mut found: Option<ChainFile> = None;
    while table.advance()? {
        let date = table.date(columns.quote_date)?;
        days.insert(date, ());
        let wanted = match (day, &found) {
            (Some(day), _) => date == day,
            (None, Some(file)) => date >= file.date,
            (None, None) => true,
        };
        if !wanted {
            continue;
        }
        if found.as_ref().is_none_or(|file| file.date != date) {
            found = Some(columns.start(&table, date)?);
        }
        if let Some(file) = &mut found {
            columns.take(&table, file)?;
        }
    }
    let mut file = match (found, day, days.first_key_value(), days.last_key_value()) {
        (Some(file), ..) => file,
        (None, Some(wanted), Some((first, _)), Some((last, _))) => {
            return Err(TableError::NoSuchDay { wanted, first: *first, last: *last });
        }
        _ => return Err(TableError::Empty),
    };
    file.days = days.into_keys().collect();
    Ok(file)
}

struct Columns {
    quote_date: usize,
    underlying: usize,
    spot: Option<usize>,
    root: usize,
    expiration: usize,
    strike: usize,
    right: usize,
    bid: usize,
    ask: usize,
    optional: [Option<usize>; 9],
}

impl Columns {
    fn of<R: BufRead>(table: &Table<R>) -> Result<Self, TableError> {
        let names = ["last", "volume", "open_interest", "iv", "delta", "gamma", "theta", "vega", "rho"];
        Ok(Self {
            quote_date: table.need("quote_date")?,
            underlying: table.need("underlying")?,
            spot: table.find("spot"),
            root: table.need("root")?,
            expiration: table.need("expiration")?,
            strike: table.need("strike")?,
            right: table.need("right")?,
            bid: table.need("bid")?,
            ask: table.need("ask")?,
            optional: names.map(|name| table.find(name)),
        })
    }

    fn start<R: BufRead>(&self, table: &Table<R>, date: TradingDate) -> Result<ChainFile, TableError> {
        Ok(ChainFile {
            underlying: table.parse(self.underlying, "a symbol")?,
            date,
            days: Vec::new(),
            spot: table.number(self.spot)?.filter(|spot| *spot > 0.0 && *spot < 1e9),
            rows: Vec::new(),
            ambiguous_roots: 0,
        })
    }

    fn take<R: BufRead>(&self, table: &Table<R>, file: &mut ChainFile) -> Result<(), TableError> {
        if table.text(self.root).ends_with('?') {
            file.ambiguous_roots += 1;
            return Ok(());
        }
        if file.rows.len() >= MOST_ROWS {
            return Err(TableError::TooLong { most: MOST_ROWS });
        }
        let underlying: Symbol = table.parse(self.underlying, "a symbol")?;
        if underlying != file.underlying {
            return Err(table.bad(self.underlying, "the underlying of the rows before"));
        }
        let root: Symbol = table.parse(self.root, "an option root")?;
        let strike: Decimal = table.parse(self.strike, "a strike")?;
        let Some(strike) = listed_strike(strike) else {
            return Err(table.bad(self.strike, "a strike above 0 and below 100000, in thousandths"));
        };
        let right = match table.text(self.right) {
            "C" | "c" | "call" => Right::Call,
            "P" | "p" | "put" => Right::Put,
            _ => return Err(table.bad(self.right, "C or P")),
        };
        let contract = OptionContract {
            underlying,
            expiry: table.date(self.expiration)?,
            right,
            strike,
            settlement: settlement_of_root(root.as_str()),
            style: style_of_root(root.as_str()),
            multiplier: 100,
            root,
        };
        let mut numbers = [None; 9];
        for (number, column) in numbers.iter_mut().zip(self.optional) {
            *number = table.number(column)?;
        }
        let [last, volume, open_interest, iv, delta, gamma, theta, vega, rho] = numbers;
        file.rows.push(ChainRow {
            instrument: Instrument::Option(Arc::new(contract)),
            bid: price(table, self.bid)?,
            ask: price(table, self.ask)?,
            last: last
                .filter(|last| *last > 0.0)
                .and_then(Price::from_f64)
                .filter(|last| last.is_plausible()),
            volume,
            open_interest,
            // The sources write 0 for what they could not compute.
            iv: iv.filter(|iv| *iv > 0.0),
            delta,
            gamma,
            theta,
            vega,
            rho,
        });
        Ok(())
    }
}

fn price<R: BufRead>(table: &Table<R>, column: usize) -> Result<Option<Price>, TableError> {
    if table.text(column).is_empty() {
        return Ok(None);
    }
    let price = Price(table.parse::<Decimal>(column, "a price")?.normalize());
    if !price.is_plausible() {
        return Err(table.bad(column, "a price of zero or more, below a billion"));
    }
    Ok(Some(price))
}

/// The roots that settle at the open of their expiration date; all others settle at the close.
pub fn settlement_of_root(root: &str) -> Settlement {
    if ["SPX", "NDX", "RUT", "VIX", "VIXW", "DJX"].contains(&root) { Settlement::Am } else { Settlement::Pm }
}

impl ChainFile {
    /// The listing: one entry per root and expiration, both sides of each strike.
    pub fn chain(&self) -> OptionChain {
        let mut series = BTreeMap::<(TradingDate, Symbol), BTreeMap<Decimal, &OptionContract>>::new();
        for contract in self.rows.iter().filter_map(|row| row.instrument.option()) {
            let key = (contract.expiry, contract.root.clone());
            series.entry(key).or_default().insert(contract.strike, contract);
        }
        let side = |contract: &OptionContract, right| {
            Instrument::Option(Arc::new(OptionContract { right, ..contract.clone() }))
        };
        let expirations = series.into_iter().map(|((date, _), strikes)| Expiration {
            date,
            strikes: strikes
                .into_iter()
                .map(|(strike, contract)| ChainStrike {
                    strike,
                    call: side(contract, Right::Call),
                    put: side(contract, Right::Put),
                })
                .collect(),
        });
        OptionChain {
            underlying: self.underlying.clone(),
            expirations: expirations.collect(),
            increments: BTreeMap::new(),
        }
    }

    /// What a reader of quotes would have received at `at`.
    pub fn updates(&self, at: Timestamp) -> Vec<MarketUpdate> {
        let source = Source::Read;
        let mut updates = Vec::with_capacity(2 * self.rows.len() + 1);
        if let Some(price) = self.spot.and_then(Price::from_f64) {
            let name = self.underlying.clone();
            let index = is_index(name.as_str());
            updates.push(MarketUpdate::Trade {
                instrument: if index { Instrument::Index(name) } else { Instrument::Equity(name) },
                trade: RawTrade { price: Some(price), at: Some(at), received: at },
                source,
            });
        }
        for row in &self.rows {
            let quote = RawQuote {
                bid: row.bid,
                ask: row.ask,
                bid_size: None,
                ask_size: None,
                at: Some(at),
                received: at,
            };
            updates.push(MarketUpdate::Quote { instrument: row.instrument.clone(), quote, source });
            if row.open_interest.is_some() {
                updates.push(MarketUpdate::Summary {
                    instrument: row.instrument.clone(),
                    summary: DaySummary { open_interest: row.open_interest, ..DaySummary::default() },
                    source,
                });
            }
        }
        updates
    }
}

#[cfg(test)]
mod tests;
