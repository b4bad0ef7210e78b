//! What is held, added up over trades: the side of our books that the broker's positions are compared with,
//! and the list of what has to be watched.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::Containers;
use crate::domain::{AccountId, Instrument, Symbol};

impl Containers {
    /// Net quantity per instrument over the open trades of an account.
    pub fn held(&self, account: AccountId) -> BTreeMap<Instrument, Decimal> {
        let mut held = BTreeMap::new();
        for trade in self.open_trades().filter(|trade| trade.account == Some(account)) {
            for leg in &trade.legs {
                *held.entry(leg.instrument.clone()).or_insert(Decimal::ZERO) += leg.quantity;
            }
        }
        held.retain(|_, quantity| !quantity.is_zero());
        held
    }

    /// Every instrument of a trade that is held, tried out or on its way.
    pub fn instruments(&self) -> BTreeSet<Instrument> {
        self.shown_trades()
            .flat_map(|trade| trade.legs.iter())
            .filter(|leg| !leg.quantity.is_zero())
            .map(|leg| leg.instrument.clone())
            .collect()
    }

    pub fn underlyings(&self) -> BTreeSet<Symbol> {
        self.shown_trades().map(|trade| trade.underlying.clone()).collect()
    }
}
