//! Single values of an adapter's wire in our words: what is no price, no money and no number of an order is none.
//!
//! Never: asks the network, invents a value that was not sent.

use rust_decimal::Decimal;

use super::fields::{Num, Text, When};
use super::scrub::scrubbed;
use crate::domain::order::{BrokerMessage, BrokerOrderId};
use crate::domain::text::clean;
use crate::domain::{Money, Price, Timestamp};

/// Contracts or shares of one position or order: what is more is a mistake, and the value of it would not fit.
pub(super) const MOST_UNITS: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// As it was sent; one that nothing costs is none.
pub(super) fn plausible(value: Option<Decimal>) -> Option<Price> {
    value.map(|value| Price(value.normalize())).filter(|price| price.is_plausible())
}

/// A price that may be zero, as a bid may; never negative.
pub(super) fn price(number: &Num) -> Option<Price> {
    plausible(number.0)
}

/// A price that cannot be zero: there it means "none".
pub(super) fn positive_price(number: &Num) -> Option<Price> {
    price(number).filter(|price| !price.0.is_zero())
}

pub(super) fn money(number: &Num) -> Option<Money> {
    number.0.map(Money).filter(|money| money.is_plausible())
}

pub(super) fn units(wire: &Num) -> Option<Decimal> {
    wire.0.map(|units| units.abs().normalize()).filter(|units| *units <= MOST_UNITS)
}

/// A broker's numbers of orders; none is sent as nothing, as nought or as an empty text.
pub(super) fn order_number(text: &Text) -> Option<BrokerOrderId> {
    let text = text.as_str();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (plain && !text.is_empty() && text.len() <= 64 && text != "0").then(|| BrokerOrderId(text.to_owned()))
}

/// The present moment is not 1970: nought says "unset".
pub(super) fn instant(wire: &When) -> Option<Timestamp> {
    wire.0.filter(|at| at.timestamp_millis() > 0)
}

/// A broker's words with its code.
pub(super) fn message(code: &str, text: &str) -> BrokerMessage {
    let code = clean(code, 60);
    let text = scrubbed(text);
    let told = [text, code.clone()].into_iter().find(|words| !words.is_empty());
    BrokerMessage { text: told.unwrap_or_else(|| "no explanation".into()), code }
}
