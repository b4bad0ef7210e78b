//! `iv --batch`: prices in, implied volatilities out.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::batch::{self, Chunk, Fault, Lines};
use crate::cli::args::BatchArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::domain::instrument::ExerciseStyle;
use crate::pricing::american::{self, Accuracy};
use crate::pricing::{ImpliedVolError, OptionInputs, QuoteInputs, QuoteTable, VolTable, implied_vols};

const COLUMNS: [&str; 6] = ["spot", "strike", "rate", "div", "t", "price"];

const HEADING: &str = "id,vol,status";
const COMPLAINT: &str = "gave no volatility; the column status says why";

pub fn run(args: &BatchArgs) -> Result<Exit, Trouble> {
    through(batch::source(&args.batch)?, io::stdout().lock())
}

pub(super) fn through(source: impl Read, out: impl Write) -> Result<Exit, Trouble> {
    batch::run(source, out, COLUMNS, [HEADING, COMPLAINT], answer)
}

fn answer(chunk: &Chunk<6>, rows: Range<usize>, lines: &mut Lines) {
    let table: QuoteTable = rows.clone().map(|row| quote(chunk, row)).collect();
    let mut vols = VolTable::default();
    implied_vols(&table, &mut vols);
    for (row, vol) in rows.zip(vols.iter()) {
        lines.cell(chunk.id(row));
        lines.comma();
        let vol = match chunk.styles[row] {
            ExerciseStyle::European => vol,
            ExerciseStyle::American => american_vol(&quote(chunk, row), vol),
        };
        match refused(chunk, row).map_or(vol.map_err(ImpliedVolError::code), Err) {
            Ok(vol) => {
                lines.number(vol);
                lines.comma();
                lines.cell(b"ok");
            }
            Err(status) => {
                lines.failed += 1;
                lines.comma();
                lines.cell(status.as_bytes());
            }
        }
        lines.end();
    }
}

fn quote(chunk: &Chunk<6>, row: usize) -> QuoteInputs {
    let [spot, strike, rate, dividend_yield, tte_years, price] = chunk.row(row);
    QuoteInputs { right: chunk.rights[row], price, spot, strike, rate, dividend_yield, tte_years }
}

/// Of a contract that may be exercised early; the search begins at the answer for the European one.
fn american_vol(quote: &QuoteInputs, european: Result<f64, ImpliedVolError>) -> Result<f64, ImpliedVolError> {
    let inputs = OptionInputs {
        right: quote.right,
        spot: quote.spot,
        strike: quote.strike,
        rate: quote.rate,
        dividend_yield: quote.dividend_yield,
        vol_annual: 0.0,
        tte_years: quote.tte_years,
    };
    american::implied_vol(quote.price, &inputs, &[], Accuracy::Accurate, european)
}

/// Why a row is not asked for its volatility.
fn refused(chunk: &Chunk<6>, row: usize) -> Option<&'static str> {
    match &chunk.faults[row] {
        Some(Fault::Type { .. } | Fault::Missing { column: "type" }) => Some("bad_type"),
        Some(Fault::Style { .. }) => Some("bad_style"),
        Some(Fault::Cells { .. }) => Some("bad_row"),
        Some(Fault::Missing { .. } | Fault::NotANumber { .. } | Fault::NotFinite { .. }) => {
            Some("not_finite")
        }
        None => None,
    }
}
