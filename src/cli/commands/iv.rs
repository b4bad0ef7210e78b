//! `iv --batch`: prices in, implied volatilities out.

use std::ops::Range;

use super::batch::{self, Chunk, Fault, Lines};
use crate::cli::args::BatchArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::domain::instrument::ExerciseStyle;
use crate::pricing::{ImpliedVolError, QuoteInputs, QuoteTable, VolTable, implied_vols};

const COLUMNS: [&str; 6] = ["spot", "strike", "rate", "div", "t", "price"];

pub fn run(args: &BatchArgs) -> Result<Exit, Trouble> {
    batch::run(&args.batch, COLUMNS, "id,vol,status", answer)
}

fn answer(chunk: &Chunk<6>, rows: Range<usize>, lines: &mut Lines) {
    let table: QuoteTable = rows.clone().map(|row| quote(chunk, row)).collect();
    let mut vols = VolTable::default();
    implied_vols(&table, &mut vols);
    for (row, vol) in rows.zip(vols.iter()) {
        lines.cell(chunk.id(row));
        lines.comma();
        match refused(chunk, row).map_or(vol.map_err(ImpliedVolError::code), Err) {
            Ok(vol) => {
                lines.number(vol);
                lines.comma();
                lines.cell(b"ok");
            }
            Err(status) => {
                lines.failed = true;
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

/// Why a row is not asked for its volatility.
fn refused(chunk: &Chunk<6>, row: usize) -> Option<&'static str> {
    match (&chunk.faults[row], chunk.styles[row]) {
        (Some(Fault::Type { .. } | Fault::Missing { column: "type" }), _) => Some("bad_type"),
        (Some(Fault::Style { .. }), _) => Some("bad_style"),
        (Some(Fault::Missing { .. } | Fault::NotANumber { .. } | Fault::NotFinite { .. }), _) => {
            Some("not_finite")
        }
        (None, ExerciseStyle::American) => Some("american_unsupported"),
        (None, ExerciseStyle::European) => None,
    }
}
