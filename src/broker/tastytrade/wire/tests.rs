use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    n: Num,
    t: Text,
    w: When,
    d: Day,
    f: Flag,
}

fn row(json: &str) -> Row {
    serde_json::from_str(json).expect("any object is a row")
}

#[test]
fn a_number_is_a_number_in_whatever_type_it_comes() {
    for json in [r#"{"n":"100.25"}"#, r#"{"n":100.25}"#, r#"{"n":"1.0025E2"}"#] {
        assert_eq!(row(json).n.0, Some(Decimal::new(10_025, 2)), "{json}");
    }
    assert_eq!(row(r#"{"n":100}"#).n.u32(), Some(100));
    assert_eq!(row(r#"{"n":"1.0"}"#).n.u32(), Some(1));
    for json in [r#"{"n":"NaN"}"#, r#"{"n":null}"#, "{}", r#"{"n":{}}"#, r#"{"n":[1]}"#, r#"{"n":true}"#] {
        assert_eq!(row(json).n.0, None, "{json}");
    }
}

#[test]
fn instants_come_in_four_spellings() {
    let expected = DateTime::from_timestamp_millis(1_781_292_831_327).expect("an instant");
    for json in [
        r#"{"w":"2026-06-12T19:33:51.327+00:00"}"#,
        r#"{"w":"2026-06-12T19:33:51.327Z"}"#,
        r#"{"w":"2026-06-12T19:33:51.327+0000"}"#,
        r#"{"w":1781292831327}"#,
    ] {
        assert_eq!(row(json).w.0, Some(expected), "{json}");
    }
    for json in [r#"{"w":"yesterday"}"#, r#"{"w":-8334601228800000}"#, r#"{"w":8210266876799999}"#] {
        assert_eq!(row(json).w.0, None, "{json}");
    }
    assert_eq!(row(r#"{"d":"2026-11-20"}"#).d.0, NaiveDate::from_ymd_opt(2026, 11, 20));
    assert_eq!(row(r#"{"d":"soon"}"#).d.0, None);
    assert_eq!(row(r#"{"f":"true","t":7}"#).f.0, Some(true));
    assert_eq!(row(r#"{"t":7}"#).t.as_str(), "7");
}

#[test]
fn a_bad_item_costs_itself_not_its_list() {
    let list: Items<Row> =
        serde_json::from_str(r#"{"items":[{"n":1},"rubbish",null,{"n":"2","new":[{}]}]}"#).expect("a list");
    assert_eq!((list.items.good.len(), list.items.bad), (2, 2));
    let none: Items<Row> = serde_json::from_str(r#"{"items":null}"#).expect("an empty list");
    assert!(none.items.good.is_empty());
    assert!(serde_json::from_str::<Items<Row>>(r#"{"items":"soon"}"#).is_err());
}

#[test]
fn refusals_speak_in_either_spelling() {
    let words = |json: &str| serde_json::from_str::<Refusal>(json).expect("a refusal").words();
    assert_eq!(words(r#"{"error":{"code":"not_permitted","message":"no access"}}"#), "no access");
    assert_eq!(words(r#"{"error":{"code":406}}"#), "406");
    assert_eq!(words(r#"{"error":"invalid_grant","error_description":"revoked"}"#), "invalid_grant: revoked");
    assert_eq!(
        words(r#"{"error":{"message":"invalid","errors":[{"domain":"start-date","reason":"is missing"}]}}"#),
        "invalid; start-date is missing"
    );
    assert_eq!(words("{}"), "no explanation");
}
