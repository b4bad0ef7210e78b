//! `price --batch`: options in, values and Greeks out.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::batch::{self, Chunk, Lines};
use crate::cli::args::BatchArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::domain::instrument::ExerciseStyle;
use crate::pricing::american::{self, Accuracy, American};
use crate::pricing::{OptionInputs, RawGreeks, raw_greeks_in_range};

const COLUMNS: [&str; 6] = ["spot", "strike", "rate", "div", "vol", "t"];
const HEADING: &str = "id,price,delta,gamma,vega,theta,rho,phi,vanna,volga,charm,veta,speed,zomma,color,\
                       ultima,dual_delta,dual_gamma,error";
const COMPLAINT: &str = "could not be priced; the column error says why";
const FIGURES: usize = 17;

pub fn run(args: &BatchArgs) -> Result<Exit, Trouble> {
    through(batch::source(&args.batch)?, io::stdout().lock())
}

pub(super) fn through(source: impl Read, out: impl Write) -> Result<Exit, Trouble> {
    batch::run(source, out, COLUMNS, [HEADING, COMPLAINT], answer)
}

fn answer(chunk: &Chunk<6>, rows: Range<usize>, lines: &mut Lines) {
    for row in rows {
        let figures = match &chunk.faults[row] {
            Some(fault) => Err(fault.to_string()),
            None => priced(chunk, row),
        };
        lines.cell(chunk.id(row));
        match figures {
            Ok(figures) => {
                for figure in figures {
                    lines.comma();
                    lines.number(figure);
                }
                lines.comma();
            }
            Err(why) => {
                lines.failed += 1;
                (0..=FIGURES).for_each(|_| lines.comma());
                lines.cell(why.as_bytes());
            }
        }
        lines.end();
    }
}

fn priced(chunk: &Chunk<6>, row: usize) -> Result<[f64; FIGURES], String> {
    let [spot, strike, rate, dividend_yield, vol_annual, tte_years] = chunk.row(row);
    for (name, value) in [("spot", spot), ("strike", strike), ("vol", vol_annual), ("t", tte_years)] {
        if value < 0.0 {
            return Err(format!("{name} is negative"));
        }
    }
    let inputs =
        OptionInputs { right: chunk.rights[row], spot, strike, rate, dividend_yield, vol_annual, tte_years };
    let found = match chunk.styles[row] {
        ExerciseStyle::European => raw_greeks_in_range(&inputs),
        ExerciseStyle::American => american::raw_greeks_in_range(&inputs, Accuracy::High),
    };
    found.as_ref().map(in_order).ok_or_else(|| {
        let american = chunk.styles[row] == ExerciseStyle::American;
        if american && American::solve(&inputs, &[], Accuracy::High).is_bound() {
            return "only a lower bound can be told of an american option so extreme".into();
        }
        "a figure is beyond the range of numbers; check the row".into()
    })
}

/// As the heading names them.
fn in_order(raw: &RawGreeks) -> [f64; FIGURES] {
    [
        raw.price,
        raw.delta,
        raw.gamma,
        raw.vega.0,
        raw.theta.0,
        raw.rho.0,
        raw.phi.0,
        raw.vanna.0,
        raw.volga.0,
        raw.charm.0,
        raw.veta.0,
        raw.speed,
        raw.zomma.0,
        raw.color.0,
        raw.ultima.0,
        raw.dual_delta,
        raw.dual_gamma,
    ]
}
