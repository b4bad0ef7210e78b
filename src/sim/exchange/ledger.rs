//! One account's cash, positions and transactions, and how executions and nightly events move them.
//!
//! Never: knows a price or a time that it was not given.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Instrument, TradingDate};

use super::super::world::book::{AccountBook, BookPosition};
use super::fees::Fees;
use super::order::{Action, Complex, Order};

/// Older ones go: an account of the simulation is not an archive.
const MOST_TRANSACTIONS: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionKind {
    Trade,
    ReceiveDeliver,
    MoneyMovement,
}

impl TransactionKind {
    pub fn wire(self) -> &'static str {
        match self {
            Self::Trade => "Trade",
            Self::ReceiveDeliver => "Receive Deliver",
            Self::MoneyMovement => "Money Movement",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    pub id: u64,
    pub kind: TransactionKind,
    pub sub: String,
    pub description: String,
    pub at: Timestamp,
    /// What came in, negative for what went out, before fees.
    pub value: Decimal,
    pub fees: Fees,
    pub action: Option<Action>,
    pub instrument: Option<Instrument>,
    pub quantity: Option<Decimal>,
    pub price: Option<Decimal>,
    pub order: Option<u64>,
    pub exec: Option<u64>,
    pub group: Option<u64>,
}

impl Transaction {
    pub fn net(&self) -> Decimal {
        self.value - self.fees.total()
    }

    pub fn date(&self) -> TradingDate {
        new_york_date(self.at)
    }

    /// By how much it changed the holding of its instrument.
    pub fn units(&self) -> Decimal {
        match (self.action, self.quantity) {
            (Some(action), Some(quantity)) => action.sign() * quantity,
            _ => Decimal::ZERO,
        }
    }
}

/// A change of a holding at a price.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    pub kind: TransactionKind,
    pub sub: &'a str,
    pub instrument: &'a Instrument,
    pub action: Action,
    pub quantity: Decimal,
    pub price: Decimal,
    pub fees: Fees,
    pub at: Timestamp,
    pub order: Option<u64>,
    pub exec: Option<u64>,
    pub group: Option<u64>,
}

/// An account with everything that happened in it, newest last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub book: AccountBook,
    pub orders: Vec<Order>,
    pub complex: Vec<Complex>,
    pub transactions: Vec<Transaction>,
}

impl Account {
    /// The account as it stands at the start: each line came by a trade that is already in the cash.
    pub fn opened(book: AccountBook, next_id: &mut u64) -> Self {
        let mut lines: Vec<&BookPosition> = book.positions.iter().collect();
        lines.sort_by_key(|line| line.opened_at);
        let transactions = lines
            .iter()
            .map(|line| {
                *next_id += 1;
                opening(line, *next_id)
            })
            .collect();
        Self { book, orders: Vec::new(), complex: Vec::new(), transactions }
    }

    pub fn position(&self, instrument: &Instrument) -> Option<&BookPosition> {
        self.book.positions.iter().find(|line| line.instrument == *instrument)
    }

    pub fn units(&self, instrument: &Instrument) -> Decimal {
        self.position(instrument).map_or(Decimal::ZERO, |line| line.quantity)
    }

    pub fn order(&self, id: u64) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// Moves holding and cash, and writes it down.
    pub fn book(&mut self, id: u64, booking: &Booking<'_>) {
        let Booking { instrument, action, quantity, price, at, .. } = *booking;
        let multiplier = Decimal::from(instrument.multiplier());
        let value = -action.sign() * quantity * price * multiplier;
        self.change_position(instrument, action.sign() * quantity, price, at);
        let verb = if action.is_buy() { "Bought" } else { "Sold" };
        let description = match booking.kind {
            TransactionKind::Trade => {
                format!("{verb} {quantity} {} @ {price}", instrument.broker_symbol())
            }
            _ => format!("{} {quantity} {}", booking.sub, instrument.broker_symbol()),
        };
        self.write(Transaction {
            id,
            kind: booking.kind,
            sub: booking.sub.to_owned(),
            description,
            at,
            value,
            fees: booking.fees,
            action: Some(action),
            instrument: Some(instrument.clone()),
            quantity: Some(quantity),
            price: Some(price),
            order: booking.order,
            exec: booking.exec,
            group: booking.group,
        });
    }

    /// Cash that comes or goes without a holding.
    pub fn pay(&mut self, id: u64, sub: &str, description: String, value: Decimal, at: Timestamp) {
        self.write(Transaction {
            id,
            kind: TransactionKind::MoneyMovement,
            sub: sub.to_owned(),
            description,
            at,
            value,
            fees: Fees::default(),
            action: None,
            instrument: None,
            quantity: None,
            price: None,
            order: None,
            exec: None,
            group: None,
        });
    }

    fn write(&mut self, transaction: Transaction) {
        self.book.cash += transaction.net();
        if self.transactions.len() >= MOST_TRANSACTIONS {
            self.transactions.remove(0);
        }
        self.transactions.push(transaction);
    }

    fn change_position(&mut self, instrument: &Instrument, change: Decimal, price: Decimal, at: Timestamp) {
        let today = new_york_date(at);
        let number = self.book.number.clone();
        let lines = &mut self.book.positions;
        let index = lines.iter().position(|line| line.instrument == *instrument).unwrap_or_else(|| {
            lines.push(BookPosition::opened(&number, instrument.clone(), Decimal::ZERO, price, at));
            lines.len() - 1
        });
        let line = &mut lines[index];
        let (before, after) = (line.quantity, line.quantity + change);
        let multiplier = Decimal::from(instrument.multiplier());
        if before.is_zero() {
            line.average_open_price = price;
            line.opened_at = at;
        } else if before.is_sign_negative() == change.is_sign_negative() {
            let cost = before * line.average_open_price + change * price;
            line.average_open_price = (cost / after).abs().round_dp(6);
        } else {
            let closed = change.abs().min(before.abs())
                * if before.is_sign_negative() { -Decimal::ONE } else { Decimal::ONE };
            if line.realized_on != Some(today) {
                line.realized = Decimal::ZERO;
            }
            line.realized += closed * (price - line.average_open_price) * multiplier;
            line.realized_on = Some(today);
            if !after.is_zero() && after.is_sign_negative() != before.is_sign_negative() {
                line.average_open_price = price;
                line.opened_at = at;
            }
        }
        line.quantity = after;
        line.updated_at = at;
    }
}

/// The trade that a line of the book came from. Its fees were paid before the cash was counted.
fn opening(line: &BookPosition, id: u64) -> Transaction {
    let action = if line.quantity.is_sign_negative() { Action::SellToOpen } else { Action::BuyToOpen };
    let count = line.quantity.abs();
    let multiplier = Decimal::from(line.instrument.multiplier());
    let price = line.average_open_price;
    let verb = if action.is_buy() { "Bought" } else { "Sold" };
    Transaction {
        id,
        kind: TransactionKind::Trade,
        sub: action.wire().to_owned(),
        description: format!("{verb} {count} {} @ {price}", line.instrument.broker_symbol()),
        at: line.opened_at,
        value: -action.sign() * count * price * multiplier,
        fees: super::fees::of_fill(&line.instrument, action, count, price, Decimal::ZERO),
        action: Some(action),
        instrument: Some(line.instrument.clone()),
        quantity: Some(count),
        price: Some(price),
        order: Some(600_000 + id),
        exec: Some(id),
        group: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Symbol;

    fn account() -> Account {
        let book = AccountBook {
            number: "5WT00001".into(),
            nickname: "n".into(),
            type_name: "Individual".into(),
            is_ira: false,
            cash: Decimal::from(10_000),
            positions: Vec::new(),
        };
        Account::opened(book, &mut 0)
    }

    fn trade(account: &mut Account, action: Action, quantity: i64, price: i64, day: i64) {
        let share = Instrument::Equity(Symbol::new("XLF").unwrap());
        let at = Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(20_000 + day);
        account.book(
            1,
            &Booking {
                kind: TransactionKind::Trade,
                sub: action.wire(),
                instrument: &share,
                action,
                quantity: quantity.into(),
                price: price.into(),
                fees: Fees { clearing: Decimal::ONE, ..Fees::default() },
                at,
                order: None,
                exec: None,
                group: None,
            },
        );
    }

    #[test]
    fn averages_gains_and_cash_follow_the_trades() {
        let mut account = account();
        trade(&mut account, Action::BuyToOpen, 10, 50, 0);
        trade(&mut account, Action::BuyToOpen, 30, 54, 0);
        let line = account.book.positions[0].clone();
        assert_eq!((line.quantity, line.average_open_price), (40.into(), 53.into()));
        trade(&mut account, Action::SellToClose, 30, 55, 0);
        assert_eq!(account.book.positions[0].realized, Decimal::from(60));
        // Through zero: what is left is new, at the new price.
        trade(&mut account, Action::SellToOpen, 15, 60, 1);
        let line = &account.book.positions[0];
        assert_eq!((line.quantity, line.average_open_price), ((-5).into(), 60.into()));
        assert_eq!(line.realized, Decimal::from(70), "yesterday's gain is not today's");
        let cash = 10_000 - 500 - 1_620 + 1_650 + 900 - 4;
        assert_eq!(account.book.cash, Decimal::from(cash));
        let net: Decimal = account.transactions.iter().map(Transaction::net).sum();
        assert_eq!(net, Decimal::from(cash - 10_000));
        let units: Decimal = account.transactions.iter().map(Transaction::units).sum();
        assert_eq!(units, Decimal::from(-5));
    }
}
