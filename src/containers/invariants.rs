//! What must always hold of the containers, whatever the events were. Checked by tests and by `verify`.

use std::collections::BTreeSet;

use super::Containers;
use crate::domain::{AccountId, TradeKind};

/// Every broken invariant, in words; empty when all is well.
pub fn broken(books: &Containers) -> Vec<String> {
    let mut found = Vec::new();
    for (id, trade) in &books.trades {
        if *id != trade.id {
            found.push(format!("trade {} is filed under {id}", trade.id));
        }
        if trade.is_open() && trade.kind == TradeKind::WhatIf && trade.account.is_some() {
            found.push(format!("WhatIf {id} is open in a real account"));
        }
        if trade.is_open() && trade.is_what_if() {
            found.push(format!("trade {id} is open and a WhatIf at once"));
        }
        for leg in &trade.legs {
            if leg.instrument.underlying() != &trade.underlying {
                found.push(format!(
                    "trade {id} of {} holds a leg of {}",
                    trade.underlying,
                    leg.instrument.underlying()
                ));
            }
        }
        if let Some(portfolio) = trade.portfolio {
            match books.portfolios.get(&portfolio) {
                None => found.push(format!("trade {id} is in a portfolio that does not exist")),
                Some(held)
                    if trade.is_open()
                        && !held.portfolio.hypothetical
                        && held.account != trade.account.map(AccountId::of_record) =>
                {
                    found.push(format!("trade {id} is in {} but in another account", held.portfolio.name));
                }
                Some(_) => {}
            }
        }
    }
    for (reference, order) in &books.orders {
        if *reference != order.ticket.reference {
            found.push(format!("order {} is filed under {reference}", order.ticket.reference));
        }
        if !books.trades.contains_key(&order.ticket.trade) {
            found.push(format!("order {reference} belongs to a trade that does not exist"));
        }
        let mut seen = BTreeSet::new();
        if order.fills.iter().any(|booked| !seen.insert(&booked.fill.id)) {
            found.push(format!("order {reference} has one fill twice"));
        }
    }
    found
}
