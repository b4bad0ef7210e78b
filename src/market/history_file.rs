//! Daily prices as comma-separated text, in two shapes: long, with a `symbol` column and `close` or
//! `adj_close`; and wide, one column per index (`vix`, `vix3m` …).

use std::collections::BTreeMap;
use std::io::BufRead;

use super::table::{Table, TableError};
use crate::domain::{Bar, Symbol, TradingDate};

/// Which closes are wanted where a file has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// As traded (adjusted for splits where the source did so).
    Traded,
    /// Total return: the whole bar is scaled to the adjusted close.
    Adjusted,
}

/// Bars by symbol, ascending by date, one per date.
pub type BarsBySymbol = BTreeMap<Symbol, Vec<Bar>>;

/// Half a million rows: a century of a hundred names is more than any cockpit wants.
const MOST_BARS: usize = 500_000;

/// A date that comes twice keeps its last row; a row without a close is left out.
pub fn read(input: impl BufRead, closes: Closes) -> Result<BarsBySymbol, TableError> {
    let mut table = Table::open(input)?;
    let date = table.need("date")?;
    let layout = Layout::of(&table, closes)?;
    let mut bars = BTreeMap::<Symbol, BTreeMap<TradingDate, Bar>>::new();
    let mut count = 0;
    while table.advance()? {
        let date = table.date(date)?;
        for (symbol, bar) in layout.bars(&table, date)? {
            count += 1;
            if count > MOST_BARS {
                return Err(TableError::TooLong { most: MOST_BARS });
            }
            bars.entry(symbol).or_default().insert(date, bar);
        }
    }
    if bars.is_empty() {
        return Err(TableError::Empty);
    }
    Ok(bars.into_iter().map(|(symbol, days)| (symbol, days.into_values().collect())).collect())
}

enum Layout {
    Long { symbol: usize, columns: Ohlc, adjusted: Option<usize> },
    Wide(Vec<(Symbol, Ohlc)>),
}

/// Missing open, high and low are taken to be the close.
#[derive(Clone, Copy)]
struct Ohlc {
    open: Option<usize>,
    high: Option<usize>,
    low: Option<usize>,
    close: usize,
    volume: Option<usize>,
}

impl Layout {
    fn of<R: BufRead>(table: &Table<R>, closes: Closes) -> Result<Self, TableError> {
        let Some(symbol) = table.find("symbol") else { return Self::wide(table) };
        let (traded, adjusted) = (table.find("close"), table.find("adj_close"));
        let Some(close) = traded.or(adjusted) else {
            return Err(TableError::NoColumn { column: "close".to_owned() });
        };
        let columns = Ohlc {
            open: table.find("open"),
            high: table.find("high"),
            low: table.find("low"),
            close,
            volume: table.find("volume"),
        };
        Ok(Self::Long { symbol, columns, adjusted: adjusted.filter(|_| closes == Closes::Adjusted) })
    }

    fn wide<R: BufRead>(table: &Table<R>) -> Result<Self, TableError> {
        let part = |name: &str| ["_open", "_high", "_low"].iter().any(|end| name.ends_with(end));
        let mut names = Vec::new();
        for (at, name) in table.header().iter().enumerate() {
            if name == "date" || part(name) {
                continue;
            }
            let Ok(symbol) = Symbol::new(&name.to_ascii_uppercase()) else {
                return Err(TableError::NoColumn { column: "symbol".to_owned() });
            };
            let side = |end: &str| table.find(&format!("{name}_{end}"));
            let columns =
                Ohlc { open: side("open"), high: side("high"), low: side("low"), close: at, volume: None };
            names.push((symbol, columns));
        }
        if names.is_empty() {
            return Err(TableError::NoColumn { column: "close".to_owned() });
        }
        Ok(Self::Wide(names))
    }

    fn bars<R: BufRead>(
        &self,
        table: &Table<R>,
        date: TradingDate,
    ) -> Result<Vec<(Symbol, Bar)>, TableError> {
        let mut found = Vec::new();
        match self {
            Self::Long { symbol, columns, adjusted } => {
                if let Some(bar) = columns.bar(table, date)? {
                    let symbol: Symbol = table.parse(*symbol, "a symbol")?;
                    let ratio = match adjusted {
                        Some(_) => table.number(*adjusted)?.filter(|x| *x > 0.0).map(|x| x / bar.close),
                        None => Some(1.0),
                    };
                    let Some(ratio) = ratio else { return Ok(found) };
                    let bar = scaled(bar, ratio);
                    let prices = [bar.open, bar.high, bar.low, bar.close];
                    if !prices.iter().all(|price| *price > 0.0 && price.is_finite()) {
                        return Err(table.bad(adjusted.unwrap_or(columns.close), "a price near the others"));
                    }
                    found.push((symbol, bar));
                }
            }
            Self::Wide(names) => {
                for (symbol, columns) in names {
                    found.extend(columns.bar(table, date)?.map(|bar| (symbol.clone(), bar)));
                }
            }
        }
        Ok(found)
    }
}

impl Ohlc {
    fn bar<R: BufRead>(&self, table: &Table<R>, date: TradingDate) -> Result<Option<Bar>, TableError> {
        let Some(close) = table.number(Some(self.close))? else { return Ok(None) };
        if close <= 0.0 {
            return Err(table.bad(self.close, "a positive price"));
        }
        let not_negative = |column: Option<usize>, wanted| match (column, table.number(column)?) {
            (Some(column), Some(number)) if number < 0.0 => Err(table.bad(column, wanted)),
            (_, number) => Ok(number),
        };
        // The sources write 0 for what they do not know.
        let or_close = |column| {
            let price = not_negative(column, "a positive price")?;
            Ok(price.filter(|price| *price > 0.0).unwrap_or(close))
        };
        Ok(Some(Bar {
            date,
            open: or_close(self.open)?,
            high: or_close(self.high)?,
            low: or_close(self.low)?,
            close,
            volume: not_negative(self.volume, "a volume of zero or more")?,
        }))
    }
}

fn scaled(bar: Bar, ratio: f64) -> Bar {
    Bar {
        open: bar.open * ratio,
        high: bar.high * ratio,
        low: bar.low * ratio,
        close: bar.close * ratio,
        ..bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::optional_data;

    fn symbol(text: &str) -> Symbol {
        Symbol::new(text).expect("a symbol")
    }

    #[test]
    fn long_files_by_either_close() {
        let text = "date,symbol,open,high,low,close,adj_close,volume\n\
                    2026-01-05,SPY,100,104,98,102,51,1000\n\
                    2026-01-02,SPY,99,101,98,100,50,900\n\
                    2026-01-02,QQQ,,,,200,,\n";
        let traded = read(text.as_bytes(), Closes::Traded).expect("bars");
        let spy = &traded[&symbol("SPY")];
        assert_eq!((spy[0].close, spy[1].close, spy[1].volume), (100.0, 102.0, Some(1000.0)));
        assert_eq!((traded[&symbol("QQQ")][0].open, traded[&symbol("QQQ")][0].volume), (200.0, None));
        let adjusted = read(text.as_bytes(), Closes::Adjusted).expect("bars");
        assert_eq!((adjusted[&symbol("SPY")][1].close, adjusted[&symbol("SPY")][1].high), (51.0, 52.0));
        assert!(!adjusted.contains_key(&symbol("QQQ")), "no adjusted close, no bar");
        let only =
            read("date,symbol,adj_close\n2026-01-02,SPY,50\n".as_bytes(), Closes::Traded).expect("bars");
        assert_eq!(only[&symbol("SPY")][0].close, 50.0);
    }

    #[test]
    fn wide_files_give_one_series_per_column() {
        let text =
            "date,vix_open,vix_high,vix_low,vix,vix3m\n2026-01-02,17,19,16,18,\n2026-01-05,,,,17.5,19\n";
        let bars = read(text.as_bytes(), Closes::Traded).expect("bars");
        let vix = &bars[&symbol("VIX")];
        assert_eq!((vix[0].high, vix[1].high, vix[1].close), (19.0, 17.5, 17.5));
        assert_eq!(bars[&symbol("VIX3M")].len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        let error = read("date,symbol,close\n2026-01-02,SPY,abc\n".as_bytes(), Closes::Traded);
        assert_eq!(
            error.expect_err("a bad price").to_string(),
            "line 2, column \"close\": \"abc\" is not a number; correct or remove the row"
        );
        for bad in [
            "date,symbol,close\n2026-01-02,SPY,-1\n",
            "date,symbol,open,close\n2026-01-02,SPY,-1,1\n",
            "date,symbol,close,volume\n2026-01-02,SPY,1,-1\n",
            "date,symbol,close,adj_close\n2026-01-02,SPY,1e-300,1e300\n",
            "date,symbol,close,close\n2026-01-02,SPY,1,2\n",
            "date,symbol,close\n+262142-12-31,SPY,1\n",
        ] {
            assert!(read(bad.as_bytes(), Closes::Adjusted).is_err(), "{bad}");
        }
        assert!(matches!(
            read("day,symbol,close\n".as_bytes(), Closes::Traded),
            Err(TableError::NoColumn { .. })
        ));
        assert_eq!(read("date,symbol,close\n".as_bytes(), Closes::Traded), Err(TableError::Empty));
        let wide: String = (0..1_001).map(|i| format!(",c{i}")).collect();
        let wide = read(format!("date{wide}\n").as_bytes(), Closes::Traded);
        assert_eq!(wide, Err(TableError::TooWide { most: 1_000 }));
    }

    #[test]
    fn the_recorded_price_files() {
        for (name, holds, fewest) in [
            ("etf_daily_ohlcv.csv.gz", "SPY", 8_000),
            ("adj_close_to_2026-08.csv.gz", "AAPL", 8_000),
            ("index_daily_ohlc.csv.gz", "SPX", 9_000),
            ("vol_indices.csv.gz", "VIX3M", 4_000),
        ] {
            let Some(text) = optional_data::text(&format!("data/prices/{name}")) else { return };
            let bars =
                read(text.as_bytes(), Closes::Traded).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(bars[&symbol(holds)].len() > fewest, "{name}: {}", bars[&symbol(holds)].len());
        }
    }
}
