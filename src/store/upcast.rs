//! Old shapes are lifted on read, never rewritten. A lift takes the payload of one schema of one kind to the
//! next schema; they run one after the other until the newest is reached.

use std::borrow::Cow;

use serde_json::Value;

pub struct Lift {
    pub kind: &'static str,
    /// The schema it starts from; it leads to the next one.
    pub from: u64,
    pub lift: fn(Value) -> Value,
}

/// Every lift there is. A body whose shape changes gets a new `Event::schema` and an entry here.
pub const LIFTS: &[Lift] = &[];

/// What becomes of a stored payload.
pub enum Lifted<'a> {
    Newest(Cow<'a, [u8]>),
    /// Written by a newer program: nobody here can read it.
    FromTheFuture,
}

/// Without lifts the stored bytes go through untouched, unparsed.
pub fn lift<'a>(
    lifts: &[Lift],
    kind: &[u8],
    schema: u64,
    payload: &'a [u8],
) -> Result<Lifted<'a>, serde_json::Error> {
    let of_kind = |l: &&Lift| l.kind.as_bytes() == kind;
    let newest = lifts.iter().filter(of_kind).map(|l| l.from + 1).max().unwrap_or(1);
    if schema == newest {
        return Ok(Lifted::Newest(Cow::Borrowed(payload)));
    }
    if schema > newest {
        return Ok(Lifted::FromTheFuture);
    }
    let mut value: Value = serde_json::from_slice(payload)?;
    for from in schema..newest {
        if let Some(step) = lifts.iter().filter(of_kind).find(|l| l.from == from) {
            value = (step.lift)(value);
        }
    }
    serde_json::to_vec(&value).map(|bytes| Lifted::Newest(Cow::Owned(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[Lift] = &[
        Lift { kind: "a", from: 1, lift: |_| Value::from("two") },
        Lift { kind: "a", from: 2, lift: |v| Value::from(format!("{} three", v.as_str().unwrap_or("?"))) },
    ];

    fn lifted(kind: &str, schema: u64) -> Option<String> {
        match lift(STEPS, kind.as_bytes(), schema, b"\"one\"").expect("json") {
            Lifted::Newest(bytes) => Some(String::from_utf8(bytes.into_owned()).expect("text")),
            Lifted::FromTheFuture => None,
        }
    }

    #[test]
    fn lifts_run_one_after_the_other() {
        assert_eq!(lifted("a", 1).as_deref(), Some("\"two three\""));
        assert_eq!(lifted("a", 2).as_deref(), Some("\"one three\""));
        assert_eq!(lifted("a", 3).as_deref(), Some("\"one\""));
        assert_eq!(lifted("b", 1).as_deref(), Some("\"one\""));
    }

    #[test]
    fn a_schema_of_the_future_is_passed_over() {
        assert_eq!(lifted("a", 4), None);
        assert_eq!(lifted("b", 2), None);
    }
}
