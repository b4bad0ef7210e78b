//! What a structure can make and lose at expiry, from its own entry prices.

use rust_decimal::prelude::ToPrimitive;

use crate::domain::{Instrument, Leg, Money};
use crate::pricing::payoff::{ExpiryPnl, Payoff, PayoffLeg, payoff};

/// `None` for legs of several expiries (their value at the near one needs a model) and while an entry price
/// is unknown.
pub fn at_expiry(legs: &[Leg]) -> Option<Payoff> {
    let mut expiries = legs.iter().filter_map(|leg| leg.instrument.option().map(|option| option.expiry));
    let first = expiries.next();
    if expiries.any(|expiry| Some(expiry) != first) {
        return None;
    }
    let (parts, cost) = parts(legs)?;
    Some(payoff(&parts, cost))
}

/// The P&L at the expiry that all options share, and what was paid in dollars; `None` as above.
pub fn line(legs: &[Leg]) -> Option<(ExpiryPnl, f64)> {
    let (parts, cost) = parts(legs)?;
    Some((ExpiryPnl::of(&parts, cost), cost))
}

fn parts(legs: &[Leg]) -> Option<(Vec<PayoffLeg>, f64)> {
    let cost: Money = legs.iter().map(Leg::cost).sum::<Option<Money>>()?;
    Some((legs.iter().map(part).collect::<Option<_>>()?, cost.to_f64()))
}

fn part(leg: &Leg) -> Option<PayoffLeg> {
    let quantity = leg.quantity.to_f64()?;
    match &leg.instrument {
        Instrument::Equity(_) => Some(PayoffLeg::Shares { quantity }),
        Instrument::Index(_) => None,
        Instrument::Option(option) => Some(PayoffLeg::Option {
            right: option.right,
            strike: option.strike.to_f64()?,
            quantity,
            multiplier: f64::from(option.multiplier),
        }),
    }
}
