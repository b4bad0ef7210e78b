//! May this structure stand in this portfolio, given the account it lives in?
//!
//! Never: asks whether it is wise. Limits answer that.

use rust_decimal::Decimal;

use super::recognition::is_defined_risk;
use crate::domain::account::AccountKind;
use crate::domain::{Instrument, Leg, OptionContract, Portfolio, Right, Strategy};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    #[error("{} is not permitted in {portfolio}", .strategy.words())]
    Strategy { portfolio: String, strategy: Strategy },
    #[error("an uncovered short call is not permitted in {portfolio}: its account has no margin")]
    UncoveredCall { portfolio: String },
    #[error("short shares are not permitted in {portfolio}: its account has no margin")]
    ShortShares { portfolio: String },
    #[error("a single short option in {portfolio} may only be a cash-secured put")]
    OnlyCashSecured { portfolio: String },
    #[error("undefined risk is not permitted in {portfolio}: its account has no margin")]
    UndefinedRisk { portfolio: String },
}

/// The permission matrix of the portfolio, then what an account without margin forbids. Whether the cash for
/// a cash-secured put is there is not known here.
pub fn check(
    portfolio: &Portfolio,
    account: Option<AccountKind>,
    strategy: Strategy,
    legs: &[Leg],
) -> Result<(), NotPermitted> {
    let name = || portfolio.name.clone();
    // Shares have no template: they may be held wherever their account permits them.
    if strategy != Strategy::Stock && !portfolio.permitted.contains(&strategy) {
        return Err(NotPermitted::Strategy { portfolio: name(), strategy });
    }
    match account {
        None | Some(AccountKind::Margin) => Ok(()),
        Some(AccountKind::Ira | AccountKind::Cash) => {
            if shares(legs) < Decimal::ZERO {
                return Err(NotPermitted::ShortShares { portfolio: name() });
            }
            if uncovered_calls(legs) {
                return Err(NotPermitted::UncoveredCall { portfolio: name() });
            }
            if is_defined_risk(legs) || is_secured_put(legs) {
                return Ok(());
            }
            match strategy {
                Strategy::Single => Err(NotPermitted::OnlyCashSecured { portfolio: name() }),
                _ => Err(NotPermitted::UndefinedRisk { portfolio: name() }),
            }
        }
    }
}

fn shares(legs: &[Leg]) -> Decimal {
    legs.iter().filter(|leg| leg.instrument.option().is_none()).map(|leg| leg.quantity).sum()
}

fn options(legs: &[Leg], right: Right) -> impl Iterator<Item = (&OptionContract, &Leg)> {
    legs.iter().filter_map(move |leg| match &leg.instrument {
        Instrument::Option(contract) if contract.right == right => Some((&**contract, leg)),
        Instrument::Option(_) | Instrument::Equity(_) | Instrument::Index(_) => None,
    })
}

fn uncovered_calls(legs: &[Leg]) -> bool {
    let calls: Vec<Leg> = options(legs, Right::Call).map(|(_, leg)| leg.clone()).collect();
    let stock = legs.iter().filter(|leg| leg.instrument.option().is_none()).cloned();
    let calls_and_shares: Vec<Leg> = calls.into_iter().chain(stock).collect();
    !is_defined_risk(&calls_and_shares)
}

/// One short put and nothing else that sells.
fn is_secured_put(legs: &[Leg]) -> bool {
    let short: Vec<&Leg> = legs.iter().filter(|leg| leg.quantity < Decimal::ZERO).collect();
    match short.as_slice() {
        [only] => {
            legs.len() == 1 && only.instrument.option().is_some_and(|contract| contract.right == Right::Put)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::portfolio::{ExitProfile, PortfolioLimits};
    use crate::domain::{ExerciseStyle, Money, PortfolioId, Settlement, Symbol};

    fn portfolio(permitted: &[Strategy]) -> Portfolio {
        Portfolio {
            id: PortfolioId::from_key("core"),
            key: "core".into(),
            name: "Core".into(),
            capital: Money(Decimal::from(200_000)),
            account_key: Some("ira".into()),
            hypothetical: false,
            permitted: permitted.to_vec(),
            limits: PortfolioLimits { beta_delta: None, var95: None },
            exit: ExitProfile::Conservative,
            preferred_underlyings: Vec::new(),
            delta_band: None,
            warn_only: false,
        }
    }

    fn leg(right: Right, strike: i64, quantity: i64) -> Leg {
        let spy = Symbol::new("SPY").expect("a symbol");
        let contract = OptionContract {
            underlying: spy.clone(),
            root: spy,
            expiry: NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
            right,
            strike: Decimal::from(strike),
            settlement: Settlement::Pm,
            style: ExerciseStyle::American,
            multiplier: 100,
        };
        Leg {
            instrument: Instrument::Option(contract.into()),
            quantity: Decimal::from(quantity),
            entry: None,
        }
    }

    fn stock(quantity: i64) -> Leg {
        let spy = Symbol::new("SPY").expect("a symbol");
        Leg { instrument: Instrument::Equity(spy), quantity: Decimal::from(quantity), entry: None }
    }

    #[test]
    fn the_matrix_comes_first() {
        let core = portfolio(&[Strategy::VerticalSpread]);
        let condor = check(&core, None, Strategy::IronCondor, &[]).expect_err("not in the matrix");
        assert_eq!(condor.to_string(), "iron condor is not permitted in Core");
        let spread = [leg(Right::Put, 570, -1), leg(Right::Put, 560, 1)];
        assert_eq!(check(&core, Some(AccountKind::Ira), Strategy::VerticalSpread, &spread), Ok(()));
        assert_eq!(check(&core, Some(AccountKind::Margin), Strategy::Stock, &[stock(100)]), Ok(()));
    }

    #[test]
    fn without_margin_nothing_is_sold_that_is_not_covered() {
        let open = portfolio(&Strategy::TEMPLATES);
        let ira = |strategy, legs: &[Leg]| check(&open, Some(AccountKind::Ira), strategy, legs);
        let name = || "Core".to_owned();
        let put = [leg(Right::Put, 570, -1)];
        assert_eq!(ira(Strategy::Single, &put), Ok(()), "secured by cash");
        let call = [leg(Right::Call, 630, -1)];
        assert_eq!(ira(Strategy::Single, &call), Err(NotPermitted::UncoveredCall { portfolio: name() }));
        assert_eq!(check(&open, Some(AccountKind::Margin), Strategy::Single, &call), Ok(()));
        let covered = [stock(100), leg(Right::Call, 630, -1)];
        assert_eq!(ira(Strategy::CoveredCall, &covered), Ok(()));
        assert_eq!(
            ira(Strategy::Stock, &[stock(-100)]),
            Err(NotPermitted::ShortShares { portfolio: name() })
        );
        let ratio = [leg(Right::Put, 580, 1), leg(Right::Put, 560, -2)];
        assert_eq!(
            ira(Strategy::RatioSpread, &ratio),
            Err(NotPermitted::UndefinedRisk { portfolio: name() })
        );
        assert_eq!(
            ira(
                Strategy::JadeLizard,
                &[leg(Right::Put, 570, -1), leg(Right::Call, 630, -1), leg(Right::Call, 635, 1)]
            ),
            Err(NotPermitted::UndefinedRisk { portfolio: name() })
        );
    }
}
