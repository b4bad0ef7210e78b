//! Rows of a comma-separated file by column name. What cannot be read is named by line and column, with
//! what was expected there.

use std::io::BufRead;
use std::str::FromStr;

use chrono::NaiveDate;
use csv::{Reader, ReaderBuilder, StringRecord};

use crate::domain::text::clean;
use crate::domain::time::is_plausible;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("column {column:?} is missing; the first line must name the columns")]
    NoColumn { column: String },
    #[error("column {column:?} stands twice in the first line; remove one or give it another name")]
    Twice { column: String },
    #[error("the first line names more than {most} columns; is this the right file?")]
    TooWide { most: usize },
    #[error("line {line}, column {column:?}: {found:?} is not {wanted}; correct or remove the row")]
    Cell { line: u64, column: String, found: String, wanted: &'static str },
    #[error("line {line} cannot be read as comma-separated text ({why}); check that the file is complete")]
    Unreadable { line: u64, why: String },
    #[error("the file has no rows; give a file with data below the header line")]
    Empty,
    #[error("the file has no day {wanted}; it holds {first} to {last}")]
    NoSuchDay { wanted: chrono::NaiveDate, first: chrono::NaiveDate, last: chrono::NaiveDate },
    #[error("the file has more than {most} rows; split it")]
    TooLong { most: usize },
}

/// Wide files have a column per index; no source has more of them.
const MOST_COLUMNS: usize = 1_000;

/// A file being read row by row.
pub struct Table<R> {
    reader: Reader<R>,
    header: Vec<String>,
    record: StringRecord,
    line: u64,
}

impl<R: BufRead> Table<R> {
    pub fn open(input: R) -> Result<Self, TableError> {
        let mut reader = ReaderBuilder::new().has_headers(true).flexible(false).from_reader(input);
        let header = match reader.headers() {
            Ok(header) => header.iter().map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>(),
            Err(error) => return Err(unreadable(1, &error)),
        };
        if header.iter().all(String::is_empty) {
            return Err(TableError::Empty);
        }
        if header.len() > MOST_COLUMNS {
            return Err(TableError::TooWide { most: MOST_COLUMNS });
        }
        let mut names: Vec<&String> = header.iter().filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(TableError::Twice { column: clean(pair[0], 40) });
        }
        Ok(Self { reader, header, record: StringRecord::new(), line: 1 })
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    pub fn find(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    pub fn need(&self, column: &str) -> Result<usize, TableError> {
        self.find(column).ok_or_else(|| TableError::NoColumn { column: column.to_owned() })
    }

    /// Moves to the next row; false at the end.
    pub fn advance(&mut self) -> Result<bool, TableError> {
        let line = self.line + 1;
        let more = self.reader.read_record(&mut self.record).map_err(|error| unreadable(line, &error))?;
        self.line = self.record.position().map_or(line, csv::Position::line);
        Ok(more)
    }

    pub fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or("").trim()
    }

    /// A cell that must be there.
    pub fn parse<T: FromStr>(&self, column: usize, wanted: &'static str) -> Result<T, TableError> {
        self.text(column).parse().map_err(|_| self.bad(column, wanted))
    }

    /// A day that a market may have had.
    pub fn date(&self, column: usize) -> Result<NaiveDate, TableError> {
        let wanted = "a date such as 2026-11-20";
        let date = self.parse(column, wanted)?;
        if is_plausible(date) { Ok(date) } else { Err(self.bad(column, wanted)) }
    }

    /// A finite number; `None` for an empty cell or a column that the file does not have.
    pub fn number(&self, column: Option<usize>) -> Result<Option<f64>, TableError> {
        let Some(column) = column.filter(|column| !self.text(*column).is_empty()) else { return Ok(None) };
        let number: f64 = self.parse(column, "a number")?;
        if number.is_finite() { Ok(Some(number)) } else { Err(self.bad(column, "a finite number")) }
    }

    pub fn bad(&self, column: usize, wanted: &'static str) -> TableError {
        TableError::Cell {
            line: self.line,
            column: self.header.get(column).map(|name| clean(name, 40)).unwrap_or_default(),
            found: clean(self.text(column), 40),
            wanted,
        }
    }
}

fn unreadable(line: u64, error: &csv::Error) -> TableError {
    let line = error.position().map_or(line, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header names {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => clean(&error.to_string(), 80),
    };
    TableError::Unreadable { line, why }
}
