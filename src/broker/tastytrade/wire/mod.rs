//! The broker's words as serde types, liberal on purpose: any field may be missing, null, or of another
//! JSON type than yesterday; unknown keys are ignored; a bad item costs itself, not its list.
//!
//! Never: means anything. Meaning is given in `parse`.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};

pub use crate::broker::fields::{Day, Flag, Many, Num, Text, When};

pub mod account;
pub mod instrument;
pub mod ledger;
pub mod listing;
pub mod market;
pub mod order;

/// `{"data": …}` around every answer but OAuth's.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct Envelope<T> {
    #[serde(default = "none")]
    pub data: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

/// `{"items": […]}` inside `data`.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct Items<T> {
    #[serde(default)]
    pub items: Many<T>,
}

/// One page of a list: `pagination` stands beside `data`, and may be null.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct Page<T> {
    #[serde(default = "none")]
    pub data: Option<Items<T>>,
    #[serde(default)]
    pub pagination: Option<Pagination>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Pagination {
    pub total_pages: Num,
    pub total_items: Num,
}

/// A token. It does not print.
#[derive(Debug, Clone, Default)]
pub struct Secret(pub Option<SecretString>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        Ok(Self(text.filter(|text| !text.is_empty()).map(SecretString::from)))
    }
}

/// OAuth's answer: unwrapped and snake_case.
#[derive(Deserialize)]
pub struct TokenAnswer {
    #[serde(default)]
    pub access_token: Secret,
    #[serde(default)]
    pub expires_in: Num,
    #[serde(default)]
    pub refresh_token: Secret,
}

/// An error answer in either spelling: `error` is an object at the broker, a string in OAuth.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    #[serde(default)]
    error: Reason,
    #[serde(default)]
    error_description: Text,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Reason {
    Full {
        #[serde(default)]
        code: Text,
        #[serde(default)]
        message: Text,
        #[serde(default)]
        errors: Many<Detail>,
    },
    Short(String),
    Other(IgnoredAny),
}

impl Default for Reason {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

/// One of several reasons: `code` and `message` for orders, `domain` and `reason` for parameters.
#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    code: Text,
    #[serde(default)]
    message: Text,
    #[serde(default)]
    domain: Text,
    #[serde(default)]
    reason: Text,
}

impl Detail {
    fn reason(&self) -> (String, String) {
        if self.message.as_str().is_empty() {
            let text = format!("{} {}", self.domain.as_str(), self.reason.as_str());
            (self.domain.as_str().to_owned(), text.trim().to_owned())
        } else {
            (self.code.as_str().to_owned(), self.message.as_str().to_owned())
        }
    }
}

impl Refusal {
    /// Each reason with its code; the general words where there is no single reason.
    pub fn reasons(&self) -> Vec<(String, String)> {
        let Reason::Full { code, message, errors } = &self.error else {
            return vec![(String::new(), self.words())];
        };
        let told: Vec<_> =
            errors.good.iter().map(Detail::reason).filter(|(_, text)| !text.is_empty()).collect();
        if told.is_empty() { vec![(code.as_str().to_owned(), message.as_str().to_owned())] } else { told }
    }

    /// The refusal in one line.
    pub fn words(&self) -> String {
        match &self.error {
            Reason::Full { code, message, errors } => {
                let mut words =
                    if message.as_str().is_empty() { code.as_str() } else { message.as_str() }.to_owned();
                for detail in errors.good.iter().take(5) {
                    let more = [detail.message.as_str(), detail.domain.as_str(), detail.reason.as_str()];
                    let more: Vec<&str> = more.into_iter().filter(|part| !part.is_empty()).collect();
                    words.push_str("; ");
                    words.push_str(&more.join(" "));
                }
                words
            }
            Reason::Short(code) if self.error_description.as_str().is_empty() => code.clone(),
            Reason::Short(code) => format!("{code}: {}", self.error_description.as_str()),
            Reason::Other(_) => "no explanation".into(),
        }
    }
}

#[cfg(test)]
mod tests;
