//! What a trade costs at the simulated broker: its public price list, which `domain` keeps.

use rust_decimal::Decimal;

use crate::domain::Instrument;
use crate::domain::fees::{self, Side};

use super::order::{Action, Leg};

pub use crate::domain::fees::Fees;

/// Of one execution; `charged` is the commission that the leg has paid before.
pub fn of_fill(
    instrument: &Instrument,
    action: Action,
    quantity: Decimal,
    price: Decimal,
    charged: Decimal,
) -> Fees {
    let side = Side { buys: action.is_buy(), closes: action.is_closing() };
    fees::of_fill(instrument, side, quantity, price, charged)
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
