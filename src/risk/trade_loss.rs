//! What a trade can lose where expiry does not say: its loss in the stress that stands for it (L7).
//!
//! Never: gives a number where a leg of the trade has no price.

use super::book::RiskBook;
use super::scenario::{Revaluation, Roll, SpotShock, StressSet, VolShock};
use crate::domain::{Symbol, TradeId, instrument::is_index};

/// An index or a fund moves less in a day to be remembered than the shares of one company.
const BROAD_MOVE: f64 = 0.20;
const SINGLE_MOVE: f64 = 0.30;
/// Volatility as a fraction of itself.
const VOL_RISE: f64 = 0.5;

/// The worse of both sides, in dollars and positive; zero where neither loses.
pub fn stress_loss(book: &RiskBook, trade: TradeId) -> Option<f64> {
    let own: Vec<usize> =
        book.legs.iter().enumerate().filter(|(_, leg)| leg.trade == trade).map(|(place, _)| place).collect();
    if own.is_empty() {
        return None;
    }
    let now = Revaluation::of(book);
    let shocked = now.shocked_of(VolShock::Relative(VOL_RISE), Roll::default(), |leg| leg.trade == trade);
    let side =
        |side: f64| SpotShock::Each(book.underlyings.iter().map(|u| side * move_of(&u.symbol)).collect());
    let mut worst = 0.0_f64;
    for changed in shocked.changes(&[side(-1.0), side(1.0)]) {
        let pnl: Option<f64> = own.iter().map(|place| changed.get(*place).copied().flatten()).sum();
        worst = worst.max(-pnl?);
    }
    worst.is_finite().then_some(worst)
}

fn move_of(symbol: &Symbol) -> f64 {
    if is_index(symbol.as_str()) || StressSet::embedded().is_fund(symbol) { BROAD_MOVE } else { SINGLE_MOVE }
}
