//! Profit and loss of any structure at expiry: the line over the underlying's price, its extremes, zeros and
//! profitable ranges. Structures with a second expiry are valued at the first one, in [`near_expiry`].

pub mod expiry_pnl;
pub mod near_expiry;

pub use expiry_pnl::{ExpiryPnl, SpotRange};
pub use near_expiry::at_near_expiry;

use crate::domain::Right;

/// Long positive, short negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PayoffLeg {
    /// `quantity` in contracts, `multiplier` units each.
    Option {
        right: Right,
        strike: f64,
        quantity: f64,
        multiplier: f64,
    },
    Shares {
        quantity: f64,
    },
}

impl PayoffLeg {
    /// Shares or share equivalents, signed.
    pub fn units(&self) -> f64 {
        match *self {
            Self::Option { quantity, multiplier, .. } => quantity * multiplier,
            Self::Shares { quantity } => quantity,
        }
    }

    /// Worth of one unit at expiry.
    pub fn intrinsic(&self, spot: f64) -> f64 {
        match *self {
            Self::Option { right, strike, .. } => (right.sign() * (spot - strike)).max(0.0),
            Self::Shares { .. } => spot,
        }
    }

    /// Dollars at expiry.
    pub fn value(&self, spot: f64) -> f64 {
        self.units() * self.intrinsic(spot)
    }

    /// Dollars paid at a price per unit, negative for a credit.
    pub fn cost(&self, entry_price: f64) -> f64 {
        self.units() * entry_price
    }

    fn strike(&self) -> Option<f64> {
        match *self {
            Self::Option { strike, .. } => Some(strike),
            Self::Shares { .. } => None,
        }
    }

    fn is(&self, side: Right) -> bool {
        matches!(*self, Self::Option { right, .. } if right == side)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Payoff {
    /// Dollars; `None`: without limit, which only a rising price can give.
    pub max_profit: Option<f64>,
    /// Dollars, a positive number; `None`: without limit, which only a rising price can take.
    pub max_loss: Option<f64>,
    /// Where the line meets zero, ascending.
    pub breakevens: Vec<f64>,
    /// Where it is above zero, ascending.
    pub profitable: Vec<SpotRange>,
    /// P&L with the underlying at zero.
    pub at_zero: f64,
    /// P&L far above the highest strike; `None` where it never levels off.
    pub far_up: Option<f64>,
    /// Short calls beyond long calls and shares.
    pub undefined_up: bool,
    /// Short puts beyond long puts and short shares: the loss down to zero is only cash to the one who
    /// keeps the cash for it.
    pub undefined_down: bool,
}

impl Payoff {
    pub fn is_defined(&self) -> bool {
        !self.undefined_up && !self.undefined_down
    }
}

/// `cost` is what was paid for the whole structure in dollars, negative for a credit; shares included at
/// their entry price.
pub fn payoff(legs: &[PayoffLeg], cost: f64) -> Payoff {
    let line = ExpiryPnl::of(legs, cost);
    let right_slope = line.right_slope();
    let (worst, best) = line.extremes_at_corners();
    Payoff {
        max_profit: (right_slope <= 0.0).then_some(best.max(0.0)),
        max_loss: (right_slope >= 0.0).then(|| (-worst).max(0.0)),
        breakevens: line.zeros(),
        profitable: line.above(0.0),
        at_zero: line.at(0.0),
        far_up: (right_slope == 0.0).then(|| line.at(f64::MAX)),
        undefined_up: cover(legs, Right::Call) < 0.0,
        undefined_down: cover(legs, Right::Put) < 0.0,
    }
}

/// Options of one side with what covers them. Shares cover short calls; short shares cover short puts, but
/// long shares take nothing from a put: their own fall is the holder's business.
fn cover(legs: &[PayoffLeg], side: Right) -> f64 {
    legs.iter()
        .map(|leg| match leg {
            PayoffLeg::Shares { quantity } if side == Right::Call => *quantity,
            PayoffLeg::Shares { quantity } => (-quantity).max(0.0),
            option if option.is(side) => option.units(),
            PayoffLeg::Option { .. } => 0.0,
        })
        .sum()
}

#[cfg(test)]
mod tests;
