//! The best that a holder can do if the underlying moves without chance: exact where there is no volatility,
//! a lower bound everywhere.
//!
//! Never: includes any value of waiting for luck.

use super::CashDividend;
use crate::domain::Right;
use crate::pricing::inputs::OptionInputs;

/// The value now of the dividends that go ex after `years`, grown to then: what the plain spot exceeds the
/// escrowed one by.
pub(super) fn escrow_after(dividends: &[CashDividend], years: f64, rate: f64) -> f64 {
    let held: f64 = dividends.iter().filter(|d| d.years > years).map(|d| d.present_value).sum();
    if held == 0.0 { 0.0 } else { held * (rate * years).exp() }
}

/// The best discounted payoff over all moments from `from` years on, on the certain path of an escrowed
/// spot that stands at `spot` then. `terms.spot` is not used.
pub(super) fn best_payoff(terms: &OptionInputs, dividends: &[CashDividend], from: f64, spot: f64) -> f64 {
    let (rate, div) = (terms.rate, terms.dividend_yield);
    let payoff = |years: f64, held: f64| {
        let wait = years - from;
        let kept = spot * (-div * wait).exp();
        let paid = terms.strike * (-rate * wait).exp();
        terms.right.sign() * (kept + held * (rate * from).exp() - paid)
    };
    let held_after =
        |years: f64| -> f64 { dividends.iter().filter(|d| d.years > years).map(|d| d.present_value).sum() };
    let end = terms.tte_years;
    let mut best = payoff(from, held_after(from)).max(payoff(end, 0.0));
    for dividend in dividends.iter().filter(|d| d.years > from && d.years < end) {
        let after = held_after(dividend.years);
        best = best.max(payoff(dividend.years, after));
        best = best.max(payoff(dividend.years, after + dividend.present_value));
    }
    // Where interest on the strike and yield on the spot balance.
    let turn = from + (rate * terms.strike / (div * spot)).ln() / (rate - div);
    if turn > from && turn < end {
        best = best.max(payoff(turn, held_after(turn)));
    }
    if best.is_nan() { 0.0 } else { best.clamp(0.0, f64::MAX) }
}

/// The limit of large volatility: a put is worth what its holder gets once the spot is zero, a call what the
/// share is worth to someone who need not pay.
pub(super) fn wildest(terms: &OptionInputs, dividends: &[CashDividend], spot: f64) -> f64 {
    match terms.right {
        Right::Put => best_payoff(terms, dividends, 0.0, 0.0),
        Right::Call => best_payoff(&OptionInputs { strike: 0.0, ..*terms }, dividends, 0.0, spot),
    }
}
