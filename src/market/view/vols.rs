//! What implied volatilities keep from one picture to the next.
//!
//! Never: answers by what it holds. A contract whose time, rate or dividends are others begins anew, and an
//! answer is the same to the bit whether anything was kept or not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::Instrument;
use crate::pricing::american::VolNodes;

/// A large book and the strikes next to it, at about 10 kB each. Beyond it all is forgotten at once: a whole
/// chain was looked at, and the next pictures ask for the book again.
const MOST_CONTRACTS: usize = 1_024;

#[derive(Debug, Default)]
pub struct VolMemo(Mutex<HashMap<Instrument, Option<VolNodes>>>);

impl VolMemo {
    /// `ask` gets what is kept of the contract, and leaves there what shall be.
    pub fn of<T>(&self, contract: &Instrument, ask: impl FnOnce(&mut Option<VolNodes>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out while it is worked on: another picture's question does not wait for this one's.
        let mut kept = all.get_mut(contract).and_then(Option::take);
        drop(all);
        let answer = ask(&mut kept);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_CONTRACTS && !all.contains_key(contract) {
            all.clear();
        }
        match all.get_mut(contract) {
            Some(place) => *place = kept,
            None => drop(all.insert(contract.clone(), kept)),
        }
        answer
    }
}
