//! Whatever is read sooner is read alike.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;

use super::fuzzing::agrees;
use super::*;
use crate::domain::event::{DayClosed, Event, MarketObserved, NoteRecorded, TradeEvaluated, TradeResized};
use crate::domain::instrument::{ExerciseStyle, Instrument, OptionContract, Right, Settlement};
use crate::domain::leg::Leg;
use crate::domain::money::Price;
use crate::store::testing::{one_of_each, symbol};

fn written<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("serialises")
}

fn legs() -> Vec<Leg> {
    let contract = OptionContract {
        underlying: symbol(),
        root: symbol(),
        expiry: chrono::NaiveDate::from_ymd_opt(2027, 3, 19).expect("a date"),
        right: Right::Put,
        strike: Decimal::new(71_050, 2),
        multiplier: 100,
        style: ExerciseStyle::American,
        settlement: Settlement::Pm,
    };
    let leg =
        |instrument| Leg { instrument, quantity: Decimal::new(-3, 0), entry: Some(Price(Decimal::ONE)) };
    vec![leg(Instrument::Option(contract.into())), leg(Instrument::Equity(symbol()))]
}

#[test]
fn what_is_written_is_read_without_the_general_parser() {
    let mut seen = 0;
    for event in one_of_each() {
        let soon = match &event {
            Event::MarketObserved(body) => agrees::<MarketObserved>(&written(body)),
            Event::DayClosed(body) => agrees::<DayClosed>(&written(body)),
            Event::NoteRecorded(body) => agrees::<NoteRecorded>(&written(body)),
            Event::TradeEvaluated(body) => agrees::<TradeEvaluated>(&written(body)),
            Event::TradeResized(body) => {
                agrees::<TradeResized>(&written(&TradeResized { legs: legs(), ..body.clone() }))
            }
            _ => continue,
        };
        assert!(soon, "{event:?}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn every_text_is_read_as_json_says_or_left_to_the_general_parser() {
    let here = [
        "null",
        "true",
        "[]",
        "{}",
        "[1,-2,[],{\"a\":null}]",
        "0",
        "-1",
        "1.5",
        "-0.0",
        "2.5e-9",
        "1E+3",
        "18446744073709551615",
        "-9223372036854775807",
        "5e-324",
        "1.7976931348623157e308",
        r#""""#,
        r#""eight by""#,
        r#""éaé ∂ and more of it""#,
        r#""a \"quote\" and a \\""#,
        r#""\u00e9\ud83d\ude00\n""#,
        r#"{"a":{"b":"\t"}}"#,
    ];
    for text in here {
        assert!(agrees::<Value>(text), "{text}");
    }
    let deep = "[".repeat(500) + &"]".repeat(500);
    let left = [
        "",
        " 1",
        "1 ",
        "[1, 2]",
        "-",
        "-0",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e999",
        "18446744073709551616",
        "-9223372036854775808",
        "+1",
        "NaN",
        "nul",
        "truee",
        "[1,]",
        "[,1]",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\\\"\":1}",
        "\"",
        "\"open",
        "\"a\\\"",
        "\"\\",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"a\tb\"",
        "\"long enough\u{1} for a block\"",
        "1 2",
        "\"a\"b",
        &deep,
    ];
    for text in left {
        assert!(!agrees::<Value>(text), "{text}");
    }
}

#[test]
fn fields_may_come_in_any_order_and_be_more_or_fewer() {
    let text = r#"{"rationale":"why","new":[{"x":1}],"note_kind":"decision","underlying":"SPY"}"#;
    assert!(agrees::<NoteRecorded>(text));
    assert_eq!(from_str::<NoteRecorded>(text).map(|note| note.rationale).ok().as_deref(), Some("why"));
    assert!(!agrees::<NoteRecorded>(r#"{"rationale":"why","rationale":"twice","note_kind":"decision"}"#));
    let error = from_str::<NoteRecorded>(r#"{"note_kind":"decision"}"#).expect_err("no rationale");
    assert!(error.to_string().contains("missing field `rationale`"), "{error}");
}

proptest! {
    #[test]
    fn a_text_that_was_damaged_is_never_read_otherwise(at in 0usize..4_000, byte in 0x20u8..0x7f, cut in any::<bool>()) {
        for event in one_of_each() {
            let body = match &event {
                Event::TradeResized(body) => written(&TradeResized { legs: legs(), ..body.clone() }),
                _ => event.to_stored().map(|(_, body)| written(&body)).expect("serialises"),
            };
            let mut bytes = body.into_bytes();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let Ok(text) = String::from_utf8(bytes) else { continue };
            agrees::<Value>(&text);
            agrees::<NoteRecorded>(&text);
            agrees::<TradeResized>(&text);
            agrees::<TradeEvaluated>(&text);
            agrees::<DayClosed>(&text);
        }
    }

    #[test]
    fn every_number_and_every_string_reads_back(number in any::<f64>(), whole in any::<i64>(), text in ".*") {
        prop_assert!(agrees::<Value>(&written(&text)));
        agrees::<i64>(&whole.to_string());
        if number.is_finite() {
            prop_assert!(agrees::<f64>(&written(&number)));
            prop_assert_eq!(from_str::<f64>(&written(&number)).ok(), Some(number));
        }
    }
}
