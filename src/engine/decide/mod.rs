//! The rules: books and a wish in, events or a refusal out. Synchronous, pure, never mutating.

pub mod journal;
pub mod lifecycle;
pub mod safety;
pub mod setup;
