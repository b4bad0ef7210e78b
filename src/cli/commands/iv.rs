//! `iv --batch`: prices in, implied volatilities out.

use std::ops::Range;

use super::batch::{self, Chunk, Fault, Lines};
use crate::cli::args::BatchArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::domain::instrument::ExerciseStyle;
use crate::pricing::{ImpliedVolError, implied_vol};

const COLUMNS: [&str; 6] = ["spot", "strike", "rate", "div", "t", "price"];

pub fn run(args: &BatchArgs) -> Result<Exit, Trouble> {
    batch::run(&args.batch, COLUMNS, "id,vol,status", answer)
}

fn answer(chunk: &Chunk<6>, rows: Range<usize>, lines: &mut Lines) {
    for row in rows {
        lines.cell(chunk.id(row));
        lines.comma();
        match implied(chunk, row) {
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

fn implied(chunk: &Chunk<6>, row: usize) -> Result<f64, &'static str> {
    match &chunk.faults[row] {
        None => {}
        Some(Fault::Type { .. } | Fault::Missing { column: "type" }) => return Err("bad_type"),
        Some(Fault::Style { .. }) => return Err("bad_style"),
        Some(Fault::Missing { .. } | Fault::NotANumber { .. } | Fault::NotFinite { .. }) => {
            return Err("not_finite");
        }
    }
    let [spot, strike, rate, dividend_yield, t, price] = chunk.row(row);
    let right = chunk.rights[row];
    match chunk.styles[row] {
        ExerciseStyle::European => {
            implied_vol(right, price, spot, strike, rate, dividend_yield, t).map_err(ImpliedVolError::code)
        }
        ExerciseStyle::American => Err("american_unsupported"),
    }
}
