//! What is revalued.

use crate::pricing::inputs::OptionInputs;
use crate::pricing::price;

/// One holding: `size` units of a contract, short negative, the multiplier included.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Place of its underlying among the ladders.
    pub underlying: usize,
    pub size: f64,
    pub contract: Contract,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Contract {
    /// Worth its spot.
    Shares,
    /// The spot in it is today's.
    European(OptionInputs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpriceable {
    #[error("position {place} has an input that is not a number in its range; leave it out and count it")]
    Position { place: usize },
    #[error("position {place} names underlying {underlying}, of which there is no ladder")]
    NoLadder { place: usize, underlying: usize },
    #[error("{found} rows of moves for {wanted} underlyings")]
    Rows { found: usize, wanted: usize },
    #[error("a move or a spot is not a number; leave that day out")]
    Move,
}

/// Worth of all positions today.
pub fn book_value(book: &[Position], spots: &[f64]) -> f64 {
    book.iter().map(|position| position.size * unit_value(position, spots)).sum()
}

fn unit_value(position: &Position, spots: &[f64]) -> f64 {
    match &position.contract {
        Contract::Shares => spots.get(position.underlying).copied().unwrap_or(0.0),
        Contract::European(inputs) => price(inputs),
    }
}

/// Everything the kernels rely on, checked once.
pub(super) fn check(book: &[Position], now: &[f64]) -> Result<(), Unpriceable> {
    if !now.iter().all(|spot| *spot > 0.0 && spot.is_finite()) {
        return Err(Unpriceable::Move);
    }
    let underlyings = now.len();
    for (place, position) in book.iter().enumerate() {
        if position.underlying >= underlyings {
            return Err(Unpriceable::NoLadder { place, underlying: position.underlying });
        }
        let valid = match &position.contract {
            Contract::Shares => true,
            Contract::European(inputs) => inputs.is_valid(),
        };
        if !valid || !position.size.is_finite() {
            return Err(Unpriceable::Position { place });
        }
    }
    Ok(())
}
