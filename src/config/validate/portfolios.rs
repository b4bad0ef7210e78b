//! Accounts and portfolios: allocation, permissions, limits.

use rust_decimal::Decimal;

use super::super::error::{ConfigError, Fault, nearest};
use super::super::load::Document;
use super::super::raw::{self, Scalar};
use super::super::settings::{AccountMatch, AccountRule, Unallocated, fraction_of_percent};
use super::{decimal, percent, shown, symbols, within, word};
use crate::domain::portfolio::{ExitProfile, PortfolioLimits};
use crate::domain::{AccountKind, Money, Portfolio, PortfolioId, Strategy};

const KINDS: [(&str, AccountKind); 3] =
    [("margin", AccountKind::Margin), ("cash", AccountKind::Cash), ("ira", AccountKind::Ira)];
const EXITS: [(&str, ExitProfile); 3] = [
    ("conservative", ExitProfile::Conservative),
    ("balanced", ExitProfile::Balanced),
    ("aggressive", ExitProfile::Aggressive),
];

/// A trillion dollars: sums of more would not fit.
const MOST_CAPITAL: i64 = 1_000_000_000_000;

pub(in super::super) struct Books {
    pub portfolios: Vec<Portfolio>,
    pub accounts: Vec<AccountRule>,
    pub unallocated: Vec<Unallocated>,
}

pub(in super::super) fn portfolios(
    document: &Document,
    typed: Option<raw::Portfolios>,
) -> Result<Books, ConfigError> {
    let typed = typed.unwrap_or(raw::Portfolios { accounts: None, portfolios: None });
    let accounts = accounts(document, typed.accounts.unwrap_or_default())?;
    let typed = typed.portfolios.unwrap_or_default().0;
    if typed.is_empty() {
        return Err(document.at(&["portfolios"], Fault::NoPortfolio));
    }
    let portfolios = typed
        .into_iter()
        .map(|(key, typed)| portfolio(document, key, typed, &accounts))
        .collect::<Result<Vec<_>, _>>()?;
    let unallocated = allocation(document, &accounts, &portfolios)?;
    Ok(Books { portfolios, accounts, unallocated })
}

fn accounts(document: &Document, typed: raw::Keyed<raw::Account>) -> Result<Vec<AccountRule>, ConfigError> {
    let mut rules: Vec<AccountRule> = Vec::new();
    for (key, account) in typed.0 {
        let keys = ["accounts", key.as_str()];
        let missing = |name| document.at(&keys, Fault::Missing(name));
        let kind = account.kind.ok_or_else(|| missing("kind"))?;
        let kind = word(document, &["accounts", &key, "kind"], "kind of account", &kind, &KINDS)?;
        let capital = capital(
            document,
            &["accounts", &key, "capital"],
            account.capital.ok_or_else(|| missing("capital"))?,
        )?;
        let matches = match account.last_four {
            None => AccountMatch::Kind,
            Some(Scalar(tail)) if tail.len() == 4 && tail.chars().all(|c| c.is_ascii_alphanumeric()) => {
                AccountMatch::LastFour(tail)
            }
            Some(_) => return Err(document.at(&["accounts", &key, "last_four"], Fault::BadLastFour)),
        };
        let rule = AccountRule { key: key.clone(), kind, capital, matches };
        if let Some(other) = rules.iter().find(|other| indistinct(other, &rule)) {
            let fault = Fault::AmbiguousAccounts { first: other.key.clone(), second: key.clone() };
            return Err(document.at(&keys, fault));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Two rules of which both could claim one of the broker's accounts.
fn indistinct(one: &AccountRule, other: &AccountRule) -> bool {
    match (&one.matches, &other.matches) {
        (AccountMatch::LastFour(a), AccountMatch::LastFour(b)) => a == b,
        _ => one.kind == other.kind,
    }
}

fn capital(document: &Document, keys: &[&str], typed: Scalar) -> Result<Money, ConfigError> {
    match decimal(&typed.0) {
        Some(amount) if amount > Decimal::from(MOST_CAPITAL) => {
            let (least, most) = ("0".to_owned(), MOST_CAPITAL.to_string());
            Err(document
                .at(keys, Fault::OutOfRange { key: "capital".into(), found: shown(&typed), least, most }))
        }
        Some(amount) if amount > Decimal::ZERO => Ok(Money(amount)),
        _ => Err(document.at(keys, Fault::CapitalNotPositive { found: shown(&typed) })),
    }
}

fn portfolio(
    document: &Document,
    key: String,
    typed: raw::Portfolio,
    accounts: &[AccountRule],
) -> Result<Portfolio, ConfigError> {
    let below = |name| ["portfolios", key.as_str(), name];
    let here = ["portfolios", key.as_str()];
    let missing = |name| document.at(&here, Fault::Missing(name));
    if typed.warn_only && !typed.hypothetical {
        return Err(document.at(&below("warn_only"), Fault::WarnOnlyReal(key.clone())));
    }
    let account_key = home(document, &key, typed.account, typed.hypothetical, accounts)?;
    let exit = typed.exit.ok_or_else(|| missing("exit"))?;
    let permitted = typed.permitted.ok_or_else(|| missing("permitted"))?;
    Ok(Portfolio {
        id: PortfolioId::from_key(&key),
        name: typed.name.map_or_else(|| key.clone(), |name| shown(&name)),
        capital: capital(document, &below("capital"), typed.capital.ok_or_else(|| missing("capital"))?)?,
        account_key,
        hypothetical: typed.hypothetical,
        permitted: strategies(document, &below("permitted"), &permitted)?,
        limits: limits(document, &key, typed.limits.unwrap_or_default())?,
        exit: word(document, &below("exit"), "exit profile", &exit, &EXITS)?,
        preferred_underlyings: symbols(document, &below("preferred"), &typed.preferred.unwrap_or_default())?,
        delta_band: typed
            .hedge_band
            .map(|band| within(document, &below("hedge_band"), &band, decimal(&band.0), (0, 1_000_000)))
            .transpose()?,
        warn_only: typed.warn_only,
        key,
    })
}

/// A portfolio lives in an account or is hypothetical, never both.
fn home(
    document: &Document,
    key: &str,
    account: Option<Scalar>,
    hypothetical: bool,
    accounts: &[AccountRule],
) -> Result<Option<String>, ConfigError> {
    match (account, hypothetical) {
        (None, true) => Ok(None),
        (None, false) => Err(document.at(&["portfolios", key], Fault::NoAccount(key.to_owned()))),
        (Some(_), true) => {
            let fault = Fault::HypotheticalInAccount(key.to_owned());
            Err(document.at(&["portfolios", key, "account"], fault))
        }
        (Some(typed), false) => {
            let known: Vec<(&str, &str)> =
                accounts.iter().map(|a| (a.key.as_str(), a.key.as_str())).collect();
            let found =
                word(document, &["portfolios", key, "account"], "configured account", &typed, &known)?;
            Ok(Some(found.to_owned()))
        }
    }
}

fn strategies(document: &Document, keys: &[&str], typed: &[Scalar]) -> Result<Vec<Strategy>, ConfigError> {
    let mut all = Vec::with_capacity(typed.len());
    for scalar in typed {
        let Some(strategy) = Strategy::TEMPLATES.into_iter().find(|known| known.key() == scalar.0) else {
            let names = || Strategy::TEMPLATES.into_iter().map(Strategy::key);
            let fault = Fault::UnknownWord {
                kind: "strategy",
                found: shown(scalar),
                nearest: nearest(&scalar.0, names()),
                known: names().map(str::to_owned).collect(),
            };
            return Err(document.at_word(keys, &scalar.0, fault));
        };
        if !all.contains(&strategy) {
            all.push(strategy);
        }
    }
    Ok(all)
}

fn limits(document: &Document, key: &str, typed: raw::Limits) -> Result<PortfolioLimits, ConfigError> {
    let one =
        |name: &'static str, typed: Option<Scalar>| {
            let keys = ["portfolios", key, "limits", name];
            let Some(typed) = typed else {
                return Err(document.at(&keys[..3], Fault::LimitAbsent { limit: name }));
            };
            if typed.0 == "off" {
                return Ok(None);
            }
            // The fraction, too, has to be above zero, and to fit when it is taken of a capital.
            match percent(&typed.0).map(fraction_of_percent) {
                Some(limit) if limit > Decimal::ZERO && limit <= Decimal::ONE_THOUSAND => Ok(Some(limit)),
                _ => Err(document
                    .at(&keys, Fault::BadLimit { limit: name, found: format!("`{}`", shown(&typed)) })),
            }
        };
    Ok(PortfolioLimits {
        beta_delta: one("beta_delta", typed.beta_delta)?,
        var95: one("var95", typed.var95)?,
    })
}

/// What stays of each account; more than an account has is refused.
fn allocation(
    document: &Document,
    accounts: &[AccountRule],
    portfolios: &[Portfolio],
) -> Result<Vec<Unallocated>, ConfigError> {
    let mut rest = Vec::with_capacity(accounts.len());
    for account in accounts {
        let of_account = |p: &&Portfolio| p.account_key.as_deref() == Some(account.key.as_str());
        let allocated: Money = portfolios.iter().filter(of_account).map(|p| p.capital).sum();
        let amount = account.capital - allocated;
        if amount.is_negative() {
            let fault = Fault::OverAllocated {
                account: account.key.clone(),
                allocated: allocated.0,
                capital: account.capital.0,
            };
            return Err(document.at(&["accounts", &account.key, "capital"], fault));
        }
        rest.push(Unallocated { account_key: account.key.clone(), amount });
    }
    Ok(rest)
}
