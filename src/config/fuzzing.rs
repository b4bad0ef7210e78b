//! What holds for any configuration.

use super::load::Document;
use super::{Config, Env, defaults};
use crate::domain::Money;
use crate::fuzzing::tellable;

/// Configuration files: values that hold no nonsense, or an error that names file and remedy. The first byte
/// chooses the file.
pub fn config(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (cotrader, portfolios) =
        if choice.is_multiple_of(2) { (text, defaults::PORTFOLIOS) } else { (defaults::COTRADER, text) };
    let cotrader = Document::new("cotrader.yaml", cotrader);
    let portfolios = Document::new("portfolios.yaml", portfolios);
    match Config::of(&cotrader, &portfolios, None, &Env::default()) {
        Ok(config) => sensible(&config),
        Err(error) => {
            tellable(&error.to_string());
            assert!(!error.fault.remedy().is_empty());
        }
    }
}

fn sensible(config: &Config) {
    assert!(!config.portfolios.is_empty());
    let capital: Money = config.portfolios.iter().map(|portfolio| portfolio.capital).sum();
    assert!(capital > Money::ZERO);
    let accounts: Money = config.accounts.iter().map(|account| account.capital).sum();
    let left: Money = config.unallocated.iter().map(|rest| rest.amount).sum();
    assert!(!left.is_negative() && left <= accounts);
    for portfolio in &config.portfolios {
        assert!(portfolio.capital > Money::ZERO, "{portfolio:?}");
        assert!(portfolio.hypothetical != portfolio.account_key.is_some(), "{portfolio:?}");
        let limits = [portfolio.limits.beta_delta, portfolio.limits.var95];
        assert!(
            limits.into_iter().flatten().all(|limit| limit > rust_decimal::Decimal::ZERO),
            "{portfolio:?}"
        );
        tellable(&format!("{}.", portfolio.name));
    }
    config.notes.iter().for_each(|note| tellable(note));
}
