//! Single values of foreign JSON, liberal on purpose: a field may be missing, null, or of another JSON type than
//! yesterday; a bad item costs itself, not its list.
//!
//! Never: means anything. Meaning is given by each adapter's `parse`.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::domain::time::is_plausible;

/// A list that survives its bad items and counts them.
#[derive(Debug, Clone)]
pub struct Many<T> {
    pub good: Vec<T>,
    pub bad: usize,
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self { good: Vec::new(), bad: 0 }
    }
}

impl<T> Many<T> {
    /// The good ones; the bad ones are mentioned in the log.
    pub fn warned(self, endpoint: &'static str) -> Vec<T> {
        if self.bad > 0 {
            tracing::warn!(endpoint, unreadable = self.bad, "some items could not be read");
        }
        self.good
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(std::marker::PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Many::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut many = Many::default();
                while let Some(item) = list.next_element::<Tried<T>>()? {
                    match item {
                        Tried::Good(item) => many.good.push(item),
                        Tried::Bad(_) => many.bad += 1,
                    }
                }
                Ok(many)
            }
        }
        deserializer.deserialize_any(List(std::marker::PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(untagged, bound(deserialize = "T: DeserializeOwned"))]
enum Tried<T> {
    Good(T),
    Bad(IgnoredAny),
}

/// Any JSON value, reduced to what a single field can be.
enum Scalar {
    Nothing,
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Scalar, E> {
                Ok(Scalar::Nothing)
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value.into()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value.into()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar::Real(value))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nothing)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nothing)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

macro_rules! field {
    ($($(#[$doc:meta])* $name:ident($inner:ty) from $read:path;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name(pub Option<$inner>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Scalar::deserialize(deserializer).map(|scalar| Self($read(scalar)))
            }
        }
    )+};
}

field! {
    /// A number, sent as number or string; `"NaN"` is none.
    Num(Decimal) from number;
    /// Text; a number is its digits.
    Text(String) from text;
    /// An instant in any of the brokers' spellings, or epoch milliseconds, as number or string.
    When(DateTime<Utc>) from instant;
    Day(NaiveDate) from day;
    Flag(bool) from flag;
}

impl Num {
    pub fn f64(&self) -> Option<f64> {
        self.0.and_then(|value| value.to_f64())
    }

    pub fn u32(&self) -> Option<u32> {
        self.0.and_then(|value| value.to_u32())
    }

    pub fn seconds(&self) -> Option<Duration> {
        let seconds = self.f64()?;
        (seconds > 0.0 && seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
    }
}

impl Text {
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }
}

fn number(scalar: Scalar) -> Option<Decimal> {
    match scalar {
        Scalar::Integer(value) => Decimal::try_from_i128_with_scale(value, 0).ok(),
        Scalar::Real(value) => real(value),
        Scalar::Text(text) => decimal(text.trim()),
        Scalar::Nothing | Scalar::Bool(_) => None,
    }
}

/// A JSON number as it was sent: the shortest text that gives the same f64 back. That is exact up to fifteen
/// significant digits, because no two such numbers share an f64; reading JSON rounds to the nearest one.
pub(super) fn real(value: f64) -> Option<Decimal> {
    decimal(&value.to_string())
}

/// `NaN`, `Infinity` and what a decimal cannot hold are none.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

fn text(scalar: Scalar) -> Option<String> {
    match scalar {
        Scalar::Text(text) => Some(text),
        Scalar::Integer(value) => Some(value.to_string()),
        Scalar::Real(value) => Some(value.to_string()),
        Scalar::Nothing | Scalar::Bool(_) => None,
    }
}

fn instant(scalar: Scalar) -> Option<DateTime<Utc>> {
    let at = match scalar {
        // Some spell the zone out behind the offset: `…-05:00[America/New_York]`.
        Scalar::Text(text) => DateTime::parse_from_rfc3339(text.split('[').next().unwrap_or_default())
            .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            .ok()
            .map(|at| at.with_timezone(&Utc))
            .or_else(|| text.parse().ok().and_then(DateTime::from_timestamp_millis)),
        Scalar::Integer(value) => i64::try_from(value).ok().and_then(DateTime::from_timestamp_millis),
        Scalar::Nothing | Scalar::Bool(_) | Scalar::Real(_) => None,
    };
    // At the ends of what instants count to there is no other time zone.
    at.filter(|at| is_plausible(at.date_naive()))
}

fn day(scalar: Scalar) -> Option<NaiveDate> {
    match scalar {
        Scalar::Text(text) => text.get(..10).unwrap_or(&text).parse().ok().filter(|day| is_plausible(*day)),
        _ => None,
    }
}

fn flag(scalar: Scalar) -> Option<bool> {
    match scalar {
        Scalar::Bool(value) => Some(value),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}
