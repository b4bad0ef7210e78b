//! What is revalued.

use crate::pricing::Exercise;
use crate::pricing::inputs::OptionInputs;

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
    Option {
        /// The spot in it is not used.
        inputs: OptionInputs,
        /// The present value of dividends before expiry: it stays as it is when the spot moves.
        escrow: f64,
        exercise: Exercise,
    },
}

impl Contract {
    /// Without dividends in cash.
    pub fn european(inputs: OptionInputs) -> Self {
        Self::Option { inputs, escrow: 0.0, exercise: Exercise::AtExpiry }
    }

    /// Without dividends in cash.
    pub fn american(inputs: OptionInputs) -> Self {
        Self::Option { inputs, escrow: 0.0, exercise: Exercise::anytime() }
    }

    /// One unit, now, at a plain spot.
    pub fn value(&self, spot: f64) -> f64 {
        match self {
            Self::Shares => spot,
            Self::Option { inputs, escrow, exercise } => {
                exercise.price(&OptionInputs { spot: (spot - escrow).max(0.0), ..*inputs })
            }
        }
    }

    pub(super) fn is_american(&self) -> bool {
        matches!(self, Self::Option { exercise: Exercise::Anytime { .. }, .. })
    }

    /// Every number in it is one the model can price.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Shares => true,
            Self::Option { inputs, escrow, .. } => inputs.is_valid() && escrow.is_finite(),
        }
    }
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
    let spot = |position: &Position| spots.get(position.underlying).copied().unwrap_or(0.0);
    book.iter().map(|position| position.size * position.contract.value(spot(position))).sum()
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
        if !position.contract.is_valid() || !position.size.is_finite() {
            return Err(Unpriceable::Position { place });
        }
    }
    Ok(())
}
