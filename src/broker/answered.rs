//! What the answer to the one request means: a yes that names the order, a definite no, or not knowing.
//!
//! Never: takes a lost or unreadable answer for a no.

use sha2::{Digest, Sha256};

use super::send_once::Sent;
use super::{BrokerError, Undone};
use crate::domain::order::{BrokerMessage, OrderRefusal, Placed};

/// Exactly the bytes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

impl Body {
    pub fn hash(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Statuses by which a broker says that it has not done it and will not.
fn is_no(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 422 | 429)
}

/// `read` finds the order in a body of success; `refusal` finds the reasons in any other.
pub(super) fn placed<R>(
    sent: Sent,
    read: impl FnOnce(&[u8]) -> Option<R>,
    refusal: impl FnOnce(u16, Option<&[u8]>) -> OrderRefusal,
) -> Placed<R> {
    match sent {
        Sent::Unsent(error) => Placed::Refused(unsent(&error)),
        Sent::Lost(error) => Placed::Unknown { why: error.to_string() },
        Sent::Answered { status, body } if is_no(status.as_u16()) => {
            Placed::Refused(refusal(status.as_u16(), body.as_deref()))
        }
        Sent::Answered { status, body } if status.is_success() => match body.as_deref().and_then(read) {
            Some(report) => Placed::Accepted(Box::new(report)),
            None => {
                let what = if body.is_some() { "cannot be read" } else { "broke off" };
                Placed::Unknown {
                    why: format!("the broker answered {}, but the answer {what}", status.as_u16()),
                }
            }
        },
        Sent::Answered { status, body } => {
            let refusal = refusal(status.as_u16(), body.as_deref());
            let words = if refusal.messages.is_empty() { String::new() } else { format!(": {refusal}") };
            Placed::Unknown { why: format!("the broker answered {}{words}", status.as_u16()) }
        }
    }
}

/// The body of the broker's judgement on an order that was not routed, or why there is none.
pub(super) fn judged(
    sent: Sent,
    endpoint: &'static str,
    refusal: impl FnOnce(u16, Option<&[u8]>) -> OrderRefusal,
) -> Result<Vec<u8>, Undone> {
    let (status, body) = match sent {
        Sent::Unsent(error) | Sent::Lost(error) => return Err(error.into()),
        Sent::Answered { status, body } => (status, body),
    };
    let code = status.as_u16();
    if is_no(code) {
        return Err(Undone::Refused(refusal(code, body.as_deref())));
    }
    if !status.is_success() {
        let message = refusal(code, body.as_deref()).to_string();
        return Err(BrokerError::Server { status: code, message }.into());
    }
    let broke_off = || BrokerError::Unreadable { endpoint: endpoint.into(), why: "it broke off".into() };
    Ok(body.ok_or_else(broke_off)?)
}

/// A definite no of our own: nothing left this machine.
pub(super) fn unsent(why: &dyn std::fmt::Display) -> OrderRefusal {
    let message = BrokerMessage { code: "not_sent".into(), text: format!("not sent: {why}") };
    OrderRefusal { status: 0, messages: vec![message] }
}
