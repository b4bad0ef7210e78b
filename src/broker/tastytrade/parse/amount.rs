//! Amounts with an effect, and words.

use rust_decimal::Decimal;

use crate::broker::tastytrade::wire::{Num, Text};
use crate::domain::Money;
use crate::domain::text::clean;

/// A magnitude and its effect: credit positive, debit negative. Without an effect only nought has a sign.
pub fn signed(size: &Num, effect: &Text) -> Option<Decimal> {
    let size = size.0?;
    match effect.as_str() {
        "Credit" => Some(size.abs()),
        "Debit" => Some(-size.abs()),
        _ => Some(size).filter(Decimal::is_zero),
    }
    .map(|value| value.normalize())
}

pub fn cash(size: &Num, effect: &Text) -> Option<Money> {
    signed(size, effect).map(Money).filter(|money| money.is_plausible())
}

/// A debit as a positive number: what is asked for.
pub fn requirement(size: &Num, effect: &Text) -> Option<Money> {
    cash(size, effect).map(|money| Money((-money.0).normalize()))
}

/// What is said, if anything is: this long at most, and nothing that moves a cursor.
pub fn word(text: &str, width: usize) -> Option<String> {
    Some(clean(text.trim(), width)).filter(|word| !word.is_empty())
}
