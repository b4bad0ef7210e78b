//! What the simulated broker sends has the types that were recorded: each key that both know is of the same
//! JSON type. The recordings are optional data beside the repository.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::sim::{Session, config};

fn recordings() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/api");
    folder.is_dir().then_some(folder)
}

fn read(folder: &std::path::Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Paths of a document with the types seen there; elements of a list share a path.
fn types(value: &Value, path: &str, found: &mut BTreeMap<String, Vec<&'static str>>) {
    let seen = found.entry(path.to_owned()).or_default();
    if !seen.contains(&kind(value)) {
        seen.push(kind(value));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| types(item, &format!("{path}[]"), found)),
        Value::Object(map) => map.iter().for_each(|(key, item)| types(item, &format!("{path}.{key}"), found)),
        _ => {}
    }
}

/// Compares; returns how many paths both have.
fn compare(name: &str, recorded: &Value, sent: &Value) -> usize {
    let (mut theirs, mut ours) = (BTreeMap::new(), BTreeMap::new());
    types(recorded, "", &mut theirs);
    types(sent, "", &mut ours);
    let mut common = 0;
    for (path, kinds) in &ours {
        let Some(recorded) = theirs.get(path) else { continue };
        common += 1;
        for kind in kinds {
            assert!(recorded.contains(kind), "{name} {path}: {kind} sent, {recorded:?} recorded");
        }
    }
    common
}

#[tokio::test]
async fn every_recorded_payload_has_the_types_that_are_sent() {
    let Some(folder) = recordings() else {
        #[expect(clippy::print_stdout, reason = "says why nothing was tested")]
        {
            println!("skipped: no recorded payloads beside the repository");
        }
        return;
    };
    let s = Session::of(config()).await;
    let account = "/accounts/5WT00001";
    let at_least = |name: &str, recorded: &Value, sent: &Value, keys: usize| {
        let common = compare(name, recorded, sent);
        assert!(common >= keys, "{name}: only {common} keys in common");
    };
    for (name, path, keys) in [
        ("trading_status.json", format!("{account}/trading-status"), 30),
        ("margin_requirements.json", format!("/margin{account}/requirements"), 40),
        ("transactions_listing.json", format!("{account}/transactions"), 25),
        ("market_data_by_type.json", "/market-data/by-type?equity=SPY,NVDA&index=VIX".to_owned(), 25),
    ] {
        at_least(name, &read(&folder, name), &s.get(&path).await, keys);
    }
    for (name, path, keys) in [
        ("captures__accounts.json", "/customers/me/accounts", 14),
        ("captures__nested-option-chain.json", "/option-chains/SPY/nested", 25),
        ("captures__equities.json", "/instruments/equities", 18),
        ("captures__customer.json", "/customers/me", 30),
        ("captures__market-session-current.json", "/market-time/equities/sessions/current", 16),
    ] {
        at_least(name, &read(&folder, name), &s.get(path).await["data"], keys);
    }
    let leg = |symbol: &str, action: &str| json!({ "instrument-type": "Equity Option", "symbol": symbol, "quantity": 1, "action": action });
    let order = json!({
        "time-in-force": "Day", "order-type": "Limit", "price": "2.00", "price-effect": "Credit",
        "legs": [leg("SPY   261218C00685000", "Buy to Open"), leg("SPY   261218C00682000", "Sell to Open")]
    });
    let (_, sent) = s.post(&format!("{account}/orders/dry-run"), &order).await;
    at_least("order_dry_run.json", &read(&folder, "order_dry_run.json"), &sent, 45);
    let (_, sent) = s.post(&format!("/margin{account}/dry-run"), &order).await;
    at_least("margin_dry_run.json", &read(&folder, "margin_dry_run.json"), &sent, 100);

    // The stream carries the objects of REST.
    let (_, placed) = s.post(&format!("{account}/orders"), &order).await;
    let id = placed["data"]["order"]["id"].clone();
    let market = json!({
        "time-in-force": "Day", "order-type": "Market",
        "legs": [ { "instrument-type": "Equity", "symbol": "XLF", "quantity": 1, "action": "Buy to Open" } ]
    });
    let (_, filled) = s.post(&format!("{account}/orders"), &market).await;
    s.sim.advance(chrono::TimeDelta::seconds(2)).await;
    for (name, id) in [
        ("frames__account__order.documented.json", filled["data"]["order"]["id"].clone()),
        ("frames__account__order-market.documented.json", id),
    ] {
        let sent = s.get(&format!("{account}/orders/{id}")).await;
        at_least(name, &read(&folder, name)["data"], &sent["data"], 14);
    }
    let balance = s.get(&format!("{account}/balances/USD")).await;
    at_least(
        "account balance",
        &read(&folder, "frames__account__account-balance.derived.json")["data"],
        &balance["data"],
        30,
    );
}
