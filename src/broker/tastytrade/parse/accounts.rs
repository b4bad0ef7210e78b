//! Accounts, balances and positions.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::BROKER;
use super::contract::{self, Skipped};
use crate::broker::scrub::masked_number;
use crate::broker::tastytrade::wire::account as wire;
use crate::broker::values::{MOST_UNITS, money, positive_price};
use crate::domain::report::BrokerPosition;
use crate::domain::text::clean;
use crate::domain::{Account, AccountId, AccountKind, Balances, Timestamp};

/// Whether this can be an account's number: letters, digits and dashes.
pub fn is_number(text: &str) -> bool {
    (1..=24).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An account with its number, which stays inside the adapter; `None` where it is closed or has no number.
pub fn account(
    entry: &wire::AccountEntry,
    kinds: &BTreeMap<String, AccountKind>,
) -> Option<(String, Account)> {
    let wire = &entry.account;
    let number = wire.account_number.as_str();
    if !is_number(number) || wire.is_closed.0 == Some(true) {
        return None;
    }
    let masked_number = masked_number(number);
    let nickname = clean(wire.nickname.as_str(), 40);
    let told = kinds.get(masked_number.trim_start_matches('…')).or_else(|| kinds.get(&nickname));
    let account = Account {
        id: AccountId::from_number(BROKER, number),
        broker: BROKER.into(),
        kind: told
            .copied()
            .unwrap_or_else(|| kind(wire.account_type_name.as_str(), wire.margin_or_cash.as_str())),
        masked_number,
        nickname,
    };
    Some((number.to_owned(), account))
}

/// Where the broker's words are missing the account may do the least: cash.
fn kind(type_name: &str, margin_or_cash: &str) -> AccountKind {
    if type_name.to_ascii_uppercase().contains("IRA") {
        AccountKind::Ira
    } else if margin_or_cash.eq_ignore_ascii_case("margin") {
        AccountKind::Margin
    } else {
        AccountKind::Cash
    }
}

/// `None` where the answer has neither cash nor a value.
pub fn balances(wire: &wire::Balance, now: Timestamp) -> Option<Balances> {
    let row = wire.items.good.iter().find(|row| matches!(row.currency.as_str(), "USD" | "")).unwrap_or(wire);
    let balances = Balances {
        cash: money(&row.cash_balance),
        net_liq: money(&row.net_liquidating_value),
        buying_power: money(&row.derivative_buying_power),
        requirement: money(&row.maintenance_requirement),
        as_of: row.updated_at.0.unwrap_or(now),
    };
    (balances.cash.is_some() || balances.net_liq.is_some()).then_some(balances)
}

/// The sign comes from `quantity-direction` alone: `cost-effect` is the effect of *closing*.
pub fn position(wire: &wire::Position) -> Result<BrokerPosition, Skipped> {
    let size = wire.quantity.0.map(|size| size.abs()).filter(|size| *size <= MOST_UNITS);
    let size = size.ok_or(Skipped::Unreadable("quantity"))?;
    let quantity = match wire.quantity_direction.as_str() {
        "Long" => size,
        "Short" => -size,
        "Zero" => Decimal::ZERO,
        _ if size.is_zero() => Decimal::ZERO,
        _ => return Err(Skipped::Unreadable("quantity-direction")),
    };
    Ok(BrokerPosition {
        instrument: contract::instrument(
            wire.instrument_type.as_str(),
            wire.symbol.as_str(),
            wire.underlying_symbol.as_str(),
            &wire.multiplier,
        )?,
        quantity,
        average_open_price: positive_price(&wire.average_open_price),
        close_price: positive_price(&wire.close_price),
        created_at: wire.created_at.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExerciseStyle, Money, Price, Settlement};

    fn read(json: &str) -> Result<BrokerPosition, Skipped> {
        position(&serde_json::from_str(json).expect("a position"))
    }

    const SHORT_PUT: &str = r#"{"symbol":"SPXW  261218P06400000","instrument-type":"Equity Option",
        "underlying-symbol":"SPX","quantity":2,"quantity-direction":"Short","multiplier":"100.0",
        "average-open-price":"7.42","close-price":"0.0","cost-effect":"Debit",
        "created-at":"2026-11-03T15:41:09.120+00:00"}"#;

    #[test]
    fn the_sign_comes_from_the_direction_and_a_zero_close_is_none() {
        let position = read(SHORT_PUT).expect("a position");
        assert_eq!(position.quantity, Decimal::from(-2));
        assert_eq!(position.average_open_price, Some(Price(Decimal::new(742, 2))));
        assert_eq!(position.close_price, None);
        let contract = position.instrument.option().expect("an option");
        assert_eq!(contract.occ(), "SPXW  261218P06400000");
        assert_eq!(contract.underlying.as_str(), "SPX");
        assert_eq!((contract.style, contract.settlement), (ExerciseStyle::European, Settlement::Pm));
        let long = SHORT_PUT.replace("\"Short\"", "\"Long\"").replace(":2,", ":\"2.0\",");
        assert_eq!(read(&long).expect("a position").quantity, Decimal::new(20, 1));
        let zero = SHORT_PUT.replace("\"Short\"", "\"Zero\"").replace(":2,", ":0,");
        assert_eq!(read(&zero).expect("a position").quantity, Decimal::ZERO);
    }

    #[test]
    fn a_position_without_its_sign_is_not_guessed() {
        let no_direction = SHORT_PUT.replace("\"quantity-direction\":\"Short\",", "");
        assert_eq!(read(&no_direction), Err(Skipped::Unreadable("quantity-direction")));
        let huge = SHORT_PUT.replace(":2,", ":\"70000000000000000000000000000\",");
        assert_eq!(read(&huge), Err(Skipped::Unreadable("quantity")));
        for odd in ["0", "-100", "100.5", "4000000000"] {
            let json = SHORT_PUT.replace("100.0", odd);
            assert_eq!(read(&json), Err(Skipped::Unreadable("multiplier")), "{odd}");
        }
        let future = SHORT_PUT.replace("Equity Option", "Future Option");
        assert_eq!(read(&future), Err(Skipped::Kind("Future Option".into())));
    }

    #[test]
    fn the_kind_of_an_account_follows_its_name_and_doubt_means_cash() {
        assert_eq!(kind("Traditional IRA", "Margin"), AccountKind::Ira);
        assert_eq!(kind("Individual", "Margin"), AccountKind::Margin);
        assert_eq!(kind("Individual", "Cash"), AccountKind::Cash);
        assert_eq!(kind("", ""), AccountKind::Cash);
    }

    #[test]
    fn the_number_is_masked_and_a_closed_account_is_left_out() {
        let json = r#"{"account":{"account-number":"5CT00001","nickname":"Main","margin-or-cash":"Margin"}}"#;
        let entry: wire::AccountEntry = serde_json::from_str(json).expect("an account");
        let (number, known) = account(&entry, &BTreeMap::new()).expect("an open account");
        assert_eq!(number, "5CT00001");
        assert_eq!(known.masked_number, "…0001");
        assert_eq!(known.id, AccountId::from_number("tastytrade", "5CT00001"));
        let told = BTreeMap::from([("0001".to_owned(), AccountKind::Ira)]);
        assert_eq!(account(&entry, &told).expect("an open account").1.kind, AccountKind::Ira);
        let closed = json.replace("\"nickname\"", "\"is-closed\":true,\"nickname\"");
        let entry: wire::AccountEntry = serde_json::from_str(&closed).expect("an account");
        assert!(account(&entry, &BTreeMap::new()).is_none());
    }

    #[test]
    fn balances_come_as_an_object_or_as_one_row_per_currency() {
        let now = chrono::DateTime::from_timestamp_millis(0).expect("an instant");
        let read = |json: &str| balances(&serde_json::from_str(json).expect("balances"), now);
        let one = read(r#"{"cash-balance":"48210.55","net-liquidating-value":51233.1}"#).expect("balances");
        assert_eq!(one.cash, Some(Money(Decimal::new(4_821_055, 2))));
        assert_eq!(one.net_liq, Some(Money(Decimal::new(512_331, 1))));
        let rows =
            r#"{"items":[{"currency":"EUR","cash-balance":"1"},{"currency":"USD","cash-balance":"2"}]}"#;
        assert_eq!(read(rows).and_then(|b| b.cash), Some(Money(Decimal::TWO)));
        assert_eq!(read("{}"), None);
    }
}
