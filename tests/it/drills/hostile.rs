//! Whatever text the broker sends: nothing of it reaches the terminal, the document or the record as it is.

use cotrader::domain::text::clean;
use cotrader::snapshot::Snapshot;
use cotrader::tui::{UiState, render_text};
use serde_json::Value;

use super::reads::Desk;

/// Longer than anything the program says of one thing.
const LONG: usize = 4_000;

/// Every text of a document that could move a cursor, reorder or hide, or fill a memory.
fn foul(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if text.chars().count() > LONG || *text != clean(text, 10 * LONG) {
                found.push(format!("{at}: {:?}", text.chars().take(80).collect::<String>()));
            }
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, one)| foul(one, &format!("{at}[{n}]"), found));
        }
        Value::Object(object) => {
            for (key, one) in object {
                foul(&Value::from(key.as_str()), &format!("{at}.(key)"), found);
                foul(one, &format!("{at}.{key}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn all_is_clean(picture: &Snapshot, ui: &UiState, when: &str) {
    let mut found = Vec::new();
    foul(&serde_json::to_value(picture).expect("json"), "", &mut found);
    assert!(found.is_empty(), "{when}: {found:?}");
    for (width, height) in [(160, 50), (90, 30)] {
        let screen = render_text(picture, ui, width, height);
        let bad = screen.chars().filter(|c| *c != '\n').find(|c| clean(&c.to_string(), 4) != c.to_string());
        assert!(bad.is_none(), "{when}: {bad:?} on the screen");
    }
}

#[tokio::test]
async fn hostile_text_reaches_neither_screen_nor_document_nor_record() {
    let mut desk = Desk::open().await;
    let usual = desk.warnings();
    let ui = UiState::new(&cotrader::tui::ScreenConfig::default()).expect("a screen");
    for round in 0..24 {
        let rate = if round % 2 == 0 { "0.02" } else { "0.3" };
        let places = ["accounts", "positions", "balances", "quotes", "metrics", "hours"];
        let plan: Vec<String> = match round % 4 {
            0 | 1 => vec![format!("hostile:{rate}")],
            // One at a time: what an answer spoils otherwise keeps the others from being asked for.
            _ => vec![format!("hostile@{}:{rate}", places[round / 4 % places.len()])],
        };
        desk.plan(&plan.join(","));
        let picture = desk.refresh().await;
        all_is_clean(&picture, &ui, &plan.join(","));
    }
    let record = desk.events();
    assert!(record.len() > 10);
    let mut found = Vec::new();
    for event in record {
        foul(&event, "event", &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
    desk.plan("");
    let healed = desk.refresh().await;
    assert_eq!(healed.warnings, usual);
}
