//! What a trader can ask for: place, cancel, replace, and the same for orders that belong together.

use super::super::orders::shape;
use super::order::{Child, Complex, ComplexKind, Leg, Order, Status, Terms};
use super::transitions;
use super::venue::{At, MOST_ORDERS, Rules, Venue};

/// Why the desk does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error("the order is not known")]
    Unknown,
    #[error("the order is not working any more")]
    Finished,
    #[error("the order holds a place in a complex order")]
    Bound,
}

/// An order before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub terms: Terms,
    pub legs: Vec<Leg>,
}

impl Venue {
    fn take_in(&mut self, account: usize, draft: Draft) -> At {
        self.changed = true;
        self.last_order += 1;
        let (id, at) = (self.last_order, self.at);
        let held = &mut self.accounts[account];
        if held.orders.len() >= MOST_ORDERS
            && let Some(oldest) = held.orders.iter().position(|order| order.status.is_terminal())
        {
            held.orders.remove(oldest);
        }
        let number = held.book.number.clone();
        held.orders.push(Order::new(id, &number, draft.terms, draft.legs, at));
        At { account, order: held.orders.len() - 1 }
    }

    pub fn place(&mut self, rules: &Rules<'_>, account: usize, draft: Draft) -> Order {
        let at = self.take_in(account, draft);
        transitions::route(self, rules, at);
        self.order(at).clone()
    }

    pub fn cancel(&mut self, rules: &Rules<'_>, account: usize, id: u64) -> Result<Order, DeskError> {
        let at = self.find(account, id).ok_or(DeskError::Unknown)?;
        if self.order(at).status.is_terminal() {
            return Err(DeskError::Finished);
        }
        if self.order(at).status != Status::CancelRequested {
            // A replacement that waits for this order will not come.
            let waiting = self.order_mut(at).replaced_by.take();
            if let Some(next) = waiting.and_then(|next| self.find(account, next)) {
                transitions::end(self, rules, next, Status::Cancelled);
            }
            transitions::request_cancel(self, rules, at);
        }
        Ok(self.order(at).clone())
    }

    /// Whether this order may be replaced.
    pub fn replaceable(&self, account: usize, id: u64) -> Result<&Order, DeskError> {
        let at = self.find(account, id).ok_or(DeskError::Unknown)?;
        let order = self.order(at);
        match order.status {
            Status::Received | Status::Routed | Status::InFlight | Status::Live => Ok(order),
            Status::Contingent if order.child.is_some() => Err(DeskError::Bound),
            _ => Err(DeskError::Finished),
        }
    }

    /// Takes the old order back and sends the new one once that is confirmed. Not atomic: a fill in between
    /// ends the replacement.
    pub fn replace(&mut self, account: usize, id: u64, terms: Terms) -> Result<Order, DeskError> {
        let legs: Vec<Leg> = self
            .replaceable(account, id)?
            .legs
            .iter()
            .map(|leg| Leg { fills: Vec::new(), remaining: leg.quantity, ..leg.clone() })
            .collect();
        let next = self.take_in(account, Draft { terms, legs });
        let old = self.find(account, id).ok_or(DeskError::Unknown)?;
        let (new_id, child) = (self.order(next).id, self.order(old).child.clone());
        if let Some(child) = &child {
            let complex = self.accounts[account].complex.iter_mut().find(|c| c.id == child.complex);
            if let Some(complex) = complex {
                let places = complex.trigger.iter_mut().chain(&mut complex.orders);
                places.filter(|place| **place == id).for_each(|place| *place = new_id);
            }
        }
        let confirmed = self.at + super::trading::soon(self, id);
        let order = self.order_mut(old);
        order.replaced_by = Some(new_id);
        order.child = None;
        order.next = Some((confirmed, super::order::Stage::Cancel));
        transitions::set_status(self, old, Status::ReplaceRequested);
        let order = self.order_mut(next);
        order.replaces = Some(id);
        order.child = child;
        transitions::set_status(self, next, Status::Contingent);
        Ok(self.order(next).clone())
    }

    /// Places orders that belong together; returns the number of the whole.
    pub fn place_complex(
        &mut self,
        rules: &Rules<'_>,
        account: usize,
        kind: ComplexKind,
        trigger: Option<Draft>,
        orders: Vec<Draft>,
    ) -> u64 {
        self.last_complex += 1;
        let id = self.last_complex;
        let mut index = 0;
        let mut take = |venue: &mut Self, draft: Draft, tag: String| {
            let at = venue.take_in(account, draft);
            venue.order_mut(at).child = Some(Child { complex: id, tag, index });
            index += 1;
            venue.order(at).id
        };
        let has_trigger = trigger.is_some();
        let trigger = trigger.map(|draft| take(self, draft, format!("{}::trigger-order", kind.wire())));
        let orders: Vec<u64> = orders
            .into_iter()
            .enumerate()
            .map(|(n, draft)| {
                let tag = match kind {
                    ComplexKind::Oco => "OCO::order".to_owned(),
                    ComplexKind::Oto => "OTO::order".to_owned(),
                    ComplexKind::Otoco => format!("OTOCO::oco-{}-order", n + 1),
                };
                take(self, draft, tag)
            })
            .collect();
        let number = self.accounts[account].book.number.clone();
        self.accounts[account].complex.push(Complex {
            id,
            account: number,
            kind,
            trigger,
            orders: orders.clone(),
            received_at: self.at,
            terminal_at: None,
        });
        for child in orders {
            if let Some(at) = self.find(account, child) {
                if has_trigger {
                    transitions::set_status(self, at, Status::Contingent);
                } else {
                    transitions::route(self, rules, at);
                }
            }
        }
        if let Some(at) = trigger.and_then(|id| self.find(account, id)) {
            transitions::route(self, rules, at);
        }
        transitions::finish(self, account, id);
        id
    }

    pub fn cancel_complex(&mut self, rules: &Rules<'_>, account: usize, id: u64) -> Result<(), DeskError> {
        let held = &self.accounts[account];
        let complex = held.complex.iter().find(|complex| complex.id == id).ok_or(DeskError::Unknown)?;
        if complex.terminal_at.is_some() {
            return Err(DeskError::Finished);
        }
        // The children first: the trigger's end would ask for them once more.
        let all: Vec<u64> = complex.orders.iter().copied().chain(complex.trigger).collect();
        for at in all.into_iter().filter_map(|id| self.find(account, id)).collect::<Vec<_>>() {
            let status = self.order(at).status;
            if !status.is_terminal() && status != Status::CancelRequested {
                transitions::request_cancel(self, rules, at);
            }
        }
        Ok(())
    }

    pub fn complex_json(&self, account: usize, id: u64) -> Option<serde_json::Value> {
        let held = self.accounts.get(account)?;
        let complex = held.complex.iter().find(|complex| complex.id == id)?;
        Some(shape::complex(held, complex))
    }
}
