//! The proof that an order has passed the pre-trade controls.
//!
//! Never: is built anywhere but here.

/// What may be sent: it has passed all controls, and nothing else can be handed to a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    pub fn get(&self) -> &T {
        &self.0
    }

    /// For tests of what comes after the controls.
    #[cfg(test)]
    pub(crate) fn for_test(cleared: T) -> Self {
        Self(cleared)
    }
}
