//! Tradier's words as serde types, liberal on purpose: any field may be missing, null, or of another JSON type than
//! yesterday. The answers were XML once: a list of one comes as its only item, an empty one as the text `"null"`.
//!
//! Never: means anything. Meaning is given in `parse`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::broker::fields::{Day, Flag, Many, Num, Text, When};

/// The object under `outer`; `None` where there is none.
pub fn one<T: DeserializeOwned>(mut answer: Value, outer: &str) -> Option<T> {
    let inner = answer.get_mut(outer)?.take();
    inner.is_object().then(|| serde_json::from_value(inner).ok()).flatten()
}

/// The list under `outer.inner`; `None` where the answer is none of the shapes that a list has.
pub fn list<T: DeserializeOwned>(mut answer: Value, (outer, inner): (&str, &str)) -> Option<Many<T>> {
    match answer.get_mut(outer)?.take() {
        Value::Object(mut object) => Some(many(object.remove(inner).unwrap_or_default())),
        Value::Null => Some(Many::default()),
        Value::String(text) if text == "null" => Some(Many::default()),
        _ => None,
    }
}

/// One, many or none.
pub fn many<T: DeserializeOwned>(value: Value) -> Many<T> {
    let items = match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        Value::String(text) if text == "null" => Vec::new(),
        single => vec![single],
    };
    let mut many = Many::default();
    for item in items {
        match serde_json::from_value(item) {
            Ok(item) => many.good.push(item),
            Err(_) => many.bad += 1,
        }
    }
    many
}

/// An object that may be anything else, or not there.
#[derive(Debug)]
pub struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(value.is_object().then(|| serde_json::from_value(value).ok()).flatten()))
    }
}

/// Why something was not done: `{"errors": {"error": …}}`, the gateway's `{"fault": …}`, or a stream's `{"error": …}`.
#[derive(Debug)]
pub struct Refusal(pub Vec<String>);

impl Refusal {
    /// `None` where the answer is no refusal.
    pub fn of(answer: &Value) -> Option<Self> {
        let texts = |value: &Value| many::<Text>(value.clone()).good;
        let errors = answer.get("errors").filter(|errors| !errors.is_null()).map(|errors| {
            let listed = errors.get("error").map(texts);
            listed.unwrap_or_else(|| texts(errors))
        });
        let fault = || Some(texts(answer.get("fault")?.get("faultstring")?));
        let error = || Some(texts(answer.get("error").filter(|error| error.is_string())?));
        let told = errors.or_else(fault).or_else(error)?;
        Some(Self(told.into_iter().filter_map(|text| text.0).filter(|text| !text.is_empty()).collect()))
    }

    pub fn words(&self) -> String {
        if self.0.is_empty() { "no explanation".into() } else { self.0.join("; ") }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    pub account_number: Text,
    pub classification: Text,
    pub status: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub option_level: Num,
    pub day_trader: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Balances {
    pub total_cash: Num,
    pub total_equity: Num,
    pub current_requirement: Num,
    /// One of these three, by the kind of the account.
    pub margin: Maybe<BuyingPower>,
    pub pdt: Maybe<BuyingPower>,
    pub cash: Maybe<CashAvailable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BuyingPower {
    pub option_buying_power: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CashAvailable {
    pub cash_available: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Position {
    pub symbol: Text,
    /// Signed.
    pub quantity: Num,
    /// Of all of it; of what was sold negative.
    pub cost_basis: Num,
    pub date_acquired: When,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Quote {
    pub symbol: Text,
    pub last: Num,
    pub bid: Num,
    pub ask: Num,
    pub bidsize: Num,
    pub asksize: Num,
    pub bid_date: When,
    pub ask_date: When,
    pub trade_date: When,
    pub prevclose: Num,
    pub open: Num,
    pub high: Num,
    pub low: Num,
    pub open_interest: Num,
    pub greeks: Maybe<Greeks>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Greeks {
    pub delta: Num,
    pub gamma: Num,
    pub theta: Num,
    pub vega: Num,
    pub rho: Num,
    pub smv_vol: Num,
    pub mid_iv: Num,
    /// `2026-11-20 14:59:08`, without a zone.
    pub updated_at: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Clock {
    pub state: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CalendarDay {
    pub date: Day,
    pub status: Text,
    pub open: Maybe<Hours>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hours {
    pub start: Text,
    pub end: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HistoryDay {
    pub date: Day,
    pub open: Num,
    pub high: Num,
    pub low: Num,
    pub close: Num,
    pub volume: Num,
}

/// A root of an underlying, and every option symbol of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Root {
    pub options: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Session {
    pub sessionid: Text,
}

/// One message of the market stream; which fields it has depends on its type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MarketEvent {
    #[serde(rename = "type")]
    pub kind: Text,
    pub symbol: Text,
    pub bid: Num,
    pub bidsz: Num,
    pub biddate: When,
    pub ask: Num,
    pub asksz: Num,
    pub askdate: When,
    pub price: Num,
    pub date: When,
    pub open: Num,
    pub high: Num,
    pub low: Num,
    #[serde(rename = "prevClose")]
    pub prev_close: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AccountEvent {
    pub event: Text,
    pub id: Text,
    /// Of a leg: the order it belongs to.
    pub parent_id: Text,
    pub account: Text,
    pub status: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Order {
    pub id: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub symbol: Text,
    pub option_symbol: Text,
    pub side: Text,
    pub quantity: Num,
    pub status: Text,
    pub price: Num,
    pub avg_fill_price: Num,
    pub exec_quantity: Num,
    pub last_fill_price: Num,
    pub last_fill_quantity: Num,
    pub remaining_quantity: Num,
    pub create_date: When,
    pub transaction_date: When,
    pub class: Text,
    pub tag: Text,
    pub reason_description: Text,
    /// One or many, each an order of its own.
    pub leg: Value,
}

/// The answer to an order that was sent, changed or cancelled: no more than its number.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Taken {
    pub id: Text,
    pub status: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Preview {
    pub status: Text,
    pub commission: Num,
    pub fees: Num,
    /// What the order takes from cash, commission and fees with it.
    pub cost: Num,
    pub margin_change: Num,
}
