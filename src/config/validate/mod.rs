//! From as typed to as meant: every value becomes one that cannot hold nonsense, or an error that names its
//! place and the way out.

mod broker;
mod orders;
mod portfolios;
mod settings;

pub(super) use broker::{broker, name_of};
pub(super) use orders::orders;
pub(super) use portfolios::portfolios;
pub(super) use settings::{calendar, market, screen};

use rust_decimal::Decimal;

use super::error::{ConfigError, Fault, nearest};
use super::load::Document;
use super::raw::Scalar;
use crate::domain::Symbol;
use crate::domain::text::clean;

/// `typed` without what people put into numbers for the eye.
fn decimal(typed: &str) -> Option<Decimal> {
    typed.replace('_', "").parse().ok()
}

/// A percentage with its sign, as a number of percent.
fn percent(typed: &str) -> Option<Decimal> {
    decimal(typed.strip_suffix('%')?.trim_end())
}

fn shown(scalar: &Scalar) -> String {
    clean(&scalar.0, 60)
}

/// The value a word stands for.
fn word<T: Copy>(
    document: &Document,
    keys: &[&str],
    kind: &'static str,
    typed: &Scalar,
    known: &[(&str, T)],
) -> Result<T, ConfigError> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == typed.0) {
        return Ok(*value);
    }
    let names = || known.iter().map(|(name, _)| *name);
    let fault = Fault::UnknownWord {
        kind,
        found: shown(typed),
        nearest: nearest(&typed.0, names()),
        known: names().map(str::to_owned).collect(),
    };
    Err(document.at_word(keys, &typed.0, fault))
}

fn symbol(document: &Document, keys: &[&str], typed: &Scalar) -> Result<Symbol, ConfigError> {
    Symbol::new(&typed.0)
        .map_err(|bad| document.at_word(keys, &typed.0, Fault::BadSymbol { found: bad.found }))
}

fn symbols(document: &Document, keys: &[&str], typed: &[Scalar]) -> Result<Vec<Symbol>, ConfigError> {
    let mut all: Vec<Symbol> = Vec::with_capacity(typed.len());
    for scalar in typed {
        let symbol = symbol(document, keys, scalar)?;
        if !all.contains(&symbol) {
            all.push(symbol);
        }
    }
    Ok(all)
}

/// A value inside a closed range.
fn within(
    document: &Document,
    keys: &[&str],
    typed: &Scalar,
    value: Option<Decimal>,
    (least, most): (i64, i64),
) -> Result<Decimal, ConfigError> {
    let key = || keys.last().copied().unwrap_or_default().to_owned();
    let value =
        value.ok_or_else(|| document.at(keys, Fault::NotANumber { key: key(), found: shown(typed) }))?;
    if value < Decimal::from(least) || value > Decimal::from(most) {
        let (least, most) = (least.to_string(), most.to_string());
        return Err(document.at(keys, Fault::OutOfRange { key: key(), found: shown(typed), least, most }));
    }
    Ok(value)
}
