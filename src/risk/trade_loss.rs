//! What one trade may lose (L7): its greatest loss where that has an end, else its loss in the stress that stands
//! for it.
//!
//! Never: gives a number where a leg of the trade has no price.

use super::book::RiskBook;
use super::recognition;
use super::scenario::{Revaluation, Roll, SpotShock, StressSet, VolShock};
use crate::domain::limit::{Backing, LimitId, LimitState, TradeLoss};
use crate::domain::trade::LimitChange;
use crate::domain::{Instrument, Leg, Money, Right, Strategy, Symbol, TradeId, instrument::is_index};

/// An index or a fund moves less in a day to be remembered than the shares of one company.
const BROAD_MOVE: f64 = 0.20;
const SINGLE_MOVE: f64 = 0.30;
/// Volatility as a fraction of itself.
const VOL_RISE: f64 = 0.5;

/// The most that a trade of its kind may lose in its portfolio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Most {
    /// Nobody set it: what adds risk waits until somebody does.
    Unset,
    /// The portfolio takes no such trade.
    Nothing,
    Dollars(f64),
}

impl Most {
    /// `capital` is what the fractions are of.
    pub fn of(limits: Option<&TradeLoss>, backing: Backing, capital: Money) -> Self {
        match limits.map(|limits| limits.of(backing)) {
            None => Self::Unset,
            Some(None) => Self::Nothing,
            Some(Some(share)) => Self::Dollars(Money(capital.0 * share).to_f64()),
        }
    }
}

pub fn backing(strategy: Strategy, legs: &[Leg]) -> Backing {
    let shares = legs.iter().any(|leg| matches!(leg.instrument, Instrument::Equity(_)));
    let short_put = |leg: &Leg| {
        leg.quantity.is_sign_negative()
            && leg.instrument.option().is_some_and(|option| option.right == Right::Put)
    };
    let defined = recognition::is_defined_risk(legs);
    // Shares stand behind as many calls as they cover: with more calls than that nothing does.
    if (shares && defined) || (strategy == Strategy::Single && legs.iter().all(short_put)) {
        Backing::Stock
    } else if defined {
        Backing::Defined
    } else {
        Backing::Undefined
    }
}

/// L7 of a trade that is to be. Before it there is none, which uses nothing.
pub fn change(loss: Option<f64>, most: Most) -> LimitChange {
    let usable = |x: f64| (x.is_finite() && x >= 0.0).then_some(x);
    let (after, state) = match (most, loss.and_then(usable)) {
        (Most::Nothing, _) => (None, LimitState::Breached),
        (Most::Unset, _) | (_, None) => (None, LimitState::Unknown),
        (Most::Dollars(most), Some(loss)) => match usable(most) {
            Some(0.0) | None => (None, LimitState::Breached),
            Some(most) => (Some(loss / most), LimitState::of(loss / most)),
        },
    };
    LimitChange { limit: LimitId::L7, before: Some(0.0), after, state }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_measured_by_what_its_kind_may_lose() {
        let limits = TradeLoss { defined: "0.03".parse().unwrap(), undefined: None, stock: None };
        let capital = Money("20000".parse().unwrap());
        let of = |limits: Option<&TradeLoss>, backing, loss| {
            let change = change(loss, Most::of(limits, backing, capital));
            (change.after, change.state)
        };
        let defined = |loss| of(Some(&limits), Backing::Defined, loss);
        assert_eq!(defined(Some(300.0)), (Some(0.5), LimitState::Within));
        assert_eq!(defined(Some(480.0)), (Some(0.8), LimitState::Near));
        assert_eq!(defined(Some(600.0)), (Some(1.0), LimitState::Near));
        assert_eq!(defined(Some(600.01)).1, LimitState::Breached);
        assert_eq!(defined(None), (None, LimitState::Unknown));
        assert_eq!(defined(Some(f64::NAN)), (None, LimitState::Unknown));
        assert_eq!(
            of(Some(&limits), Backing::Undefined, Some(1.0)),
            (None, LimitState::Breached),
            "no such trade"
        );
        assert_eq!(of(None, Backing::Defined, Some(1.0)), (None, LimitState::Unknown), "nobody set it");
    }

    #[test]
    fn shares_stand_behind_no_more_calls_than_they_cover() {
        use crate::domain::{ExerciseStyle, OptionContract, Settlement};
        let symbol = Symbol::new("QQQ").unwrap();
        let call = Instrument::Option(std::sync::Arc::new(OptionContract {
            underlying: symbol.clone(),
            root: symbol.clone(),
            expiry: chrono::NaiveDate::from_ymd_opt(2026, 12, 18).unwrap(),
            right: Right::Call,
            strike: 540.into(),
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        }));
        let shares = Leg { instrument: Instrument::Equity(symbol), quantity: 100.into(), entry: None };
        let calls = |quantity: i64| Leg { instrument: call.clone(), quantity: quantity.into(), entry: None };
        let covered = [shares.clone(), calls(-1)];
        assert_eq!(backing(Strategy::CoveredCall, &covered), Backing::Stock);
        assert_eq!(backing(Strategy::Custom, &[shares, calls(-3)]), Backing::Undefined);
    }
}
