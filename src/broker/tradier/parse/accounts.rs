//! Accounts, balances and positions.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::BROKER;
use crate::broker::scrub::masked_number;
use crate::broker::tradier::wire;
use crate::broker::values::{MOST_UNITS, money};
use crate::domain::report::BrokerPosition;
use crate::domain::text::clean;
use crate::domain::{Account, AccountId, AccountKind, Balances, OptionContract, Price, Timestamp};

/// An account with its number, which stays inside the adapter; `None` where it is closed or has no number.
pub fn account(wire: &wire::Account, kinds: &BTreeMap<String, AccountKind>) -> Option<(String, Account)> {
    let number = wire.account_number.as_str();
    if number.is_empty() || wire.status.as_str().eq_ignore_ascii_case("closed") {
        return None;
    }
    let masked_number = masked_number(number);
    let told = kinds.get(masked_number.trim_start_matches('…')).copied();
    let account = Account {
        id: AccountId::from_number(BROKER, number),
        broker: BROKER.into(),
        kind: told.unwrap_or_else(|| kind(wire.classification.as_str(), wire.kind.as_str())),
        masked_number,
        // There are no nicknames; the classification tells accounts apart.
        nickname: clean(&wire.classification.as_str().replace('_', " "), 40),
    };
    Some((number.to_owned(), account))
}

/// Where the broker's words are missing the account may do the least: cash.
fn kind(classification: &str, kind: &str) -> AccountKind {
    if classification.to_ascii_lowercase().contains("ira") {
        AccountKind::Ira
    } else if kind.eq_ignore_ascii_case("margin") {
        AccountKind::Margin
    } else {
        AccountKind::Cash
    }
}

/// `None` where the answer has neither cash nor a value.
pub fn balances(wire: &wire::Balances, now: Timestamp) -> Option<Balances> {
    let of_options = [&wire.margin, &wire.pdt].into_iter().find_map(|kind| kind.0.as_ref());
    let buying_power = of_options
        .and_then(|power| money(&power.option_buying_power))
        .or_else(|| money(&wire.cash.0.as_ref()?.cash_available));
    let balances = Balances {
        cash: money(&wire.total_cash),
        net_liq: money(&wire.total_equity),
        buying_power,
        requirement: money(&wire.current_requirement),
        as_of: now,
    };
    (balances.cash.is_some() || balances.net_liq.is_some()).then_some(balances)
}

/// `Err` names the field that cannot be read. Tradier tells neither marks nor closes: they come with quotes.
pub fn position(wire: &wire::Position) -> Result<BrokerPosition, &'static str> {
    let quantity = wire.quantity.0.map(|units| units.normalize()).filter(|units| units.abs() <= MOST_UNITS);
    let quantity = quantity.ok_or("quantity")?;
    let instrument = super::instrument(wire.symbol.as_str()).ok_or("symbol")?;
    let units = quantity.abs().checked_mul(Decimal::from(instrument.multiplier()));
    let each = wire.cost_basis.0.and_then(|cost| cost.abs().checked_div(units?));
    let average = each.map(|price| Price(price.round_dp(6).normalize()));
    Ok(BrokerPosition {
        // Of a contract with another deliverable a hundredth of the cost would be the price of nothing.
        average_open_price: average.filter(|price| {
            price.is_plausible() && instrument.option().is_none_or(OptionContract::is_standard)
        }),
        instrument,
        quantity,
        close_price: None,
        created_at: wire.date_acquired.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Money;

    fn position_of(json: &str) -> Result<BrokerPosition, &'static str> {
        position(&serde_json::from_str(json).expect("a position"))
    }

    #[test]
    fn the_price_is_the_cost_of_one_share() {
        let short = position_of(
            r#"{"symbol":"SPXW261218P06400000","quantity":-2.00000000,"cost_basis":-1484.0,
               "date_acquired":"2026-11-03T15:41:09.120Z","id":130089}"#,
        )
        .expect("a position");
        assert_eq!(short.quantity, Decimal::from(-2));
        assert_eq!(short.average_open_price, Some(Price(Decimal::new(742, 2))));
        assert!(short.created_at.is_some() && short.close_price.is_none());
        let shares =
            position_of(r#"{"symbol":"AAPL","quantity":"3","cost_basis":"620.02"}"#).expect("shares");
        assert_eq!(shares.average_open_price.map(|p| p.to_string()), Some("206.673333".into()));
        let adjusted = position_of(r#"{"symbol":"AAPL1261218C00100000","quantity":1,"cost_basis":150}"#);
        assert_eq!(adjusted.expect("a position").average_open_price, None);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_nothing_is_guessed() {
        assert_eq!(position_of(r#"{"symbol":"AAPL"}"#), Err("quantity"));
        assert_eq!(position_of(r#"{"symbol":"AAPL","quantity":"7e28"}"#), Err("quantity"));
        assert_eq!(position_of(r#"{"quantity":1,"symbol":null}"#), Err("symbol"));
        let bare = position_of(r#"{"symbol":"AAPL","quantity":0,"cost_basis":null}"#).expect("a position");
        assert_eq!((bare.average_open_price, bare.quantity), (None, Decimal::ZERO));
    }

    #[test]
    fn buying_power_stands_where_the_kind_of_the_account_has_it() {
        let now = chrono::DateTime::from_timestamp_millis(0).expect("an instant");
        let power = |json: &str| {
            let wire = serde_json::from_str(json).expect("balances");
            balances(&wire, now).map(|balances| balances.buying_power.map(|money| money.to_string()))
        };
        let of = |told: &str| format!(r#"{{"total_cash":1,"total_equity":"2.5",{told}}}"#);
        let options = r#"{"option_buying_power":6363.860000000000000000000000,"stock_buying_power":1}"#;
        assert_eq!(power(&of(&format!("\"margin\":{options}"))), Some(Some("6363.86".into())));
        assert_eq!(
            power(&of(&format!("\"margin\":\"null\",\"pdt\":{options}"))),
            Some(Some("6363.86".into()))
        );
        assert_eq!(
            power(&of(r#""cash":{"cash_available":4343.38,"sweep":0}"#)),
            Some(Some("4343.38".into()))
        );
        assert_eq!(power(&of(r#""margin":7"#)), Some(None));
        assert_eq!(power("{}"), None);
        let wire = serde_json::from_str(r#"{"total_cash":"1.50","current_requirement":2557.0}"#);
        let read = balances(&wire.expect("balances"), now).expect("balances");
        assert_eq!((read.cash, read.net_liq), (Some(Money(Decimal::new(150, 2))), None));
    }

    #[test]
    fn the_kind_of_an_account_follows_its_classification_and_doubt_means_cash() {
        let read = |json: &str| account(&serde_json::from_str(json).expect("an account"), &BTreeMap::new());
        let (number, ira) = read(
            r#"{"account_number":"VA000002","classification":"rollover_ira","status":"active","type":"margin"}"#,
        )
        .expect("an account");
        assert_eq!(
            (number.as_str(), ira.kind, ira.nickname.as_str()),
            ("VA000002", AccountKind::Ira, "rollover ira")
        );
        assert_eq!(ira.masked_number, "…0002");
        assert_eq!(read(r#"{"account_number":7}"#).map(|(_, account)| account.kind), Some(AccountKind::Cash));
        assert!(read(r#"{"account_number":"VA1","status":"closed"}"#).is_none());
        assert!(read("{}").is_none());
    }
}
