//! Configuration meets the record: portfolios become events when they are new or have changed, accounts when
//! the broker shows them.

use crate::containers::{Containers, HeldAccount};
use crate::domain::account::AccountRule;
use crate::domain::event::{AccountSeen, BalancesReported, PortfolioDefined};
use crate::domain::report::AccountReport;
use crate::domain::{Account, AccountId, Event, Portfolio};

/// Portfolios of the configuration that the record does not know in this form.
pub fn portfolios(books: &Containers, configured: &[Portfolio]) -> Vec<Event> {
    configured
        .iter()
        .filter_map(|portfolio| {
            let account = account_with_key(books, portfolio.account_key.as_deref());
            let known = books.portfolios.get(&portfolio.id);
            let same = known.is_some_and(|held| held.portfolio == *portfolio && held.account == account);
            (!same)
                .then(|| Event::PortfolioDefined(PortfolioDefined { portfolio: portfolio.clone(), account }))
        })
        .collect()
}

/// The account as the broker shows it, and its cash where that changed. Net liq and requirement move with
/// every tick: they are shown, not recorded, until the day's close.
///
/// `claimed` are the keys that other accounts of the same report have been given already.
pub fn account(
    books: &Containers,
    report: &AccountReport,
    rules: &[AccountRule],
    claimed: &mut Vec<String>,
) -> Vec<Event> {
    let mut events = Vec::new();
    let held = books.accounts.get(&report.account.id);
    let key = key_of(&report.account, rules, books, claimed);
    claimed.extend(key.clone());
    if held.is_none_or(|held| held.account != report.account || held.key != key) {
        events.push(Event::AccountSeen(AccountSeen { account: report.account.clone(), key }));
    }
    if let Some(balances) = &report.balances {
        let known = held.and_then(|held| held.balances.as_ref());
        if known.is_none_or(|known| known.cash != balances.cash) {
            events.push(Event::BalancesReported(BalancesReported {
                account: report.account.id,
                balances: balances.clone(),
            }));
        }
    }
    events
}

fn account_with_key(books: &Containers, key: Option<&str>) -> Option<AccountId> {
    let key = key?;
    books.accounts.values().find(|held| held.key.as_deref() == Some(key)).map(|held| held.account.id)
}

/// A rule that names the last characters wins; a rule by kind takes the first account of that kind, and
/// keeps it.
fn key_of(
    account: &Account,
    rules: &[AccountRule],
    books: &Containers,
    claimed: &[String],
) -> Option<String> {
    let by_number = rules.iter().find(|rule| {
        rule.number_ends_with.as_deref().is_some_and(|end| account.masked_number.ends_with(end))
    });
    if let Some(rule) = by_number {
        return Some(rule.key.clone());
    }
    let held = books.accounts.get(&account.id).and_then(|held| held.key.clone());
    // Kept as long as the configuration still has such an account.
    if let Some(key) =
        held.filter(|key| rules.iter().any(|rule| rule.key == *key && rule.kind == account.kind))
    {
        return Some(key);
    }
    rules
        .iter()
        .filter(|rule| rule.number_ends_with.is_none() && rule.kind == account.kind)
        .find(|rule| {
            let taken =
                |held: &HeldAccount| held.account.id != account.id && held.key.as_deref() == Some(&rule.key);
            !claimed.contains(&rule.key) && !books.accounts.values().any(taken)
        })
        .map(|rule| rule.key.clone())
}
