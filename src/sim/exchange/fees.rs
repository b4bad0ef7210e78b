//! What a trade costs, as the broker's public price list has it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::Instrument;

use super::order::{Action, Leg};

/// Amounts that are taken, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fees {
    pub commission: Decimal,
    pub clearing: Decimal,
    pub regulatory: Decimal,
    pub index: Decimal,
}

impl Fees {
    pub fn total(&self) -> Decimal {
        self.commission + self.clearing + self.regulatory + self.index
    }

    fn plus(self, other: Self) -> Self {
        Self {
            commission: self.commission + other.commission,
            clearing: self.clearing + other.clearing,
            regulatory: self.regulatory + other.regulatory,
            index: self.index + other.index,
        }
    }
}

/// No leg of an order costs more commission than this.
const MOST_COMMISSION: Decimal = Decimal::TEN;

/// Of one execution; `charged` is the commission that the leg has paid before.
pub fn of_fill(
    instrument: &Instrument,
    action: Action,
    quantity: Decimal,
    price: Decimal,
    charged: Decimal,
) -> Fees {
    let mut fees = Fees::default();
    match instrument {
        Instrument::Option(contract) => {
            if !action.is_closing() {
                fees.commission = quantity.min((MOST_COMMISSION - charged).max(Decimal::ZERO));
            }
            fees.clearing = Decimal::new(10, 2) * quantity;
            fees.regulatory = Decimal::new(4, 2) * quantity;
            fees.index = index_fee(contract.root.as_str()) * quantity;
        }
        Instrument::Equity(_) | Instrument::Index(_) => {
            fees.clearing = (Decimal::new(8, 4) * quantity).round_dp(3);
            if !action.is_buy() {
                fees.regulatory =
                    (Decimal::new(166, 6) * quantity + Decimal::new(206, 7) * quantity * price).round_dp(3);
            }
        }
    }
    fees
}

/// What exchanges take for contracts on their own indices.
fn index_fee(root: &str) -> Decimal {
    match root {
        "SPX" | "SPXW" => Decimal::new(60, 2),
        "VIX" | "VIXW" => Decimal::new(30, 2),
        "NDX" | "NDXP" | "RUT" | "RUTW" => Decimal::new(18, 2),
        _ => Decimal::ZERO,
    }
}

/// Of a whole order, at the prices its legs would trade at.
pub fn of_order(legs: &[Leg], prices: &[Decimal]) -> Fees {
    legs.iter()
        .zip(prices)
        .map(|(leg, price)| of_fill(&leg.instrument, leg.action, leg.remaining, *price, Decimal::ZERO))
        .fold(Fees::default(), Fees::plus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Symbol;

    #[test]
    fn closing_is_free_of_commission_and_opening_is_capped_per_leg() {
        let contract = crate::sim::world::parse_streamer(".SPY261218P640").unwrap();
        let listed = crate::sim::world::listing::contract("SPY", crate::domain::Settlement::Pm, &contract);
        let option = Instrument::Option(listed.unwrap().into());
        let fees = |action, quantity: i64, charged: i64| {
            of_fill(&option, action, quantity.into(), Decimal::ONE, charged.into()).commission
        };
        assert_eq!(fees(Action::SellToOpen, 4, 0), Decimal::from(4));
        assert_eq!(fees(Action::SellToOpen, 40, 0), Decimal::TEN);
        assert_eq!(fees(Action::SellToOpen, 4, 8), Decimal::from(2));
        assert_eq!(fees(Action::BuyToClose, 40, 0), Decimal::ZERO);
        let share = Instrument::Equity(Symbol::new("SPY").unwrap());
        assert!(
            of_fill(&share, Action::BuyToOpen, 100.into(), 650.into(), Decimal::ZERO).commission.is_zero()
        );
    }
}
