//! The simulated broker misbehaving on demand, as a client sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use cotrader::sim::SimConfig;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::sim::{Session, config};

async fn with(faults: &str) -> Session {
    let session = Session::of(config()).await;
    session.sim.set_faults(faults.parse().expect("a plan"));
    session
}

fn account(session: &Session) -> String {
    session.sim.connection().accounts[0].clone()
}

fn order(reference: u32) -> Value {
    json!({
        "order-type": "Limit", "time-in-force": "Day", "price": "1.00", "price-effect": "Debit",
        "external-identifier": format!("fault-{reference}"),
        "legs": [{ "instrument-type": "Equity", "symbol": "SPY", "quantity": 1, "action": "Buy to Open" }]
    })
}

/// The request's outcome: a status, or that there was no answer.
async fn try_place(session: &Session, reference: u32) -> Option<StatusCode> {
    let url = session.url(&format!("/accounts/{}/orders", account(session)));
    let request = session.http.post(url).bearer_auth(&session.token).json(&order(reference));
    request.send().await.ok().map(|answer| answer.status())
}

/// The references of all orders that the broker has.
async fn references(session: &Session) -> Vec<String> {
    session.sim.set_faults("".parse().expect("no faults"));
    let all = session.get(&format!("/accounts/{}/orders?per-page=200", account(session))).await;
    let items = all["data"]["items"].as_array().expect("a list").clone();
    items.iter().filter_map(|order| order["external-identifier"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_lost_reply_is_an_order_without_an_answer() {
    let session = with("lost-reply@place:1").await;
    assert_eq!(try_place(&session, 1).await, None);
    assert_eq!(references(&session).await, ["fault-1"]);
}

#[tokio::test]
async fn a_late_order_is_not_there_and_then_it_is() {
    let session = with("late@place:1:30s").await;
    assert_eq!(try_place(&session, 1).await, None);
    assert!(references(&session).await.is_empty());
    session.sim.advance(chrono::TimeDelta::seconds(20)).await;
    assert!(references(&session).await.is_empty());
    session.sim.advance(chrono::TimeDelta::seconds(15)).await;
    assert_eq!(references(&session).await, ["fault-1"]);
}

#[tokio::test]
async fn of_changes_that_a_gateway_fails_half_are_carried_out() {
    let session = with("e502@place:1").await;
    for n in 0..40 {
        assert_eq!(try_place(&session, n).await, Some(StatusCode::BAD_GATEWAY));
    }
    let done = references(&session).await;
    assert!((8..=32).contains(&done.len()), "{}", done.len());
    session.sim.set_faults("e422@place:1".parse().expect("a plan"));
    assert_eq!(try_place(&session, 100).await, Some(StatusCode::UNPROCESSABLE_ENTITY));
    assert!(!references(&session).await.contains(&"fault-100".to_owned()), "a no is a no");
}

#[tokio::test]
async fn answers_are_refused_cut_short_empty_or_no_json() {
    let session =
        with("e429@positions:1:7s,truncated@metrics:1,html@hours:1,empty@balances:1,null@chains:1").await;
    let positions = session.raw(&format!("/accounts/{}/positions", account(&session))).await;
    assert_eq!(positions.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(positions.headers()["retry-after"], "7");
    assert!(positions.headers().contains_key("date"));
    let metrics = session.raw("/market-metrics?symbols=SPY").await;
    assert_eq!(metrics.status(), StatusCode::OK);
    assert!(metrics.bytes().await.is_err(), "it breaks off");
    let hours = session.raw("/market-time/equities/sessions/current").await;
    assert_eq!(
        (hours.status(), &hours.headers()["content-type"]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().expect("a value"))
    );
    let balances = session.get(&format!("/accounts/{}/balances/USD", account(&session))).await;
    assert_eq!(balances["data"], json!({ "items": [] }));
    assert_eq!(session.get("/option-chains/SPY/nested").await, json!({ "data": null }));
}

#[tokio::test]
async fn the_same_seed_and_requests_meet_the_same_faults() {
    let run = || async {
        let faults = "e503@quotes:0.3,lost-reply@quotes:0.2".parse().expect("a plan");
        let session = Session::of(SimConfig { faults, ..config() }).await;
        let mut seen = Vec::new();
        for _ in 0..40 {
            let url = session.url("/market-data/by-type?equity=SPY");
            let answer = session.http.get(url).bearer_auth(&session.token).send().await;
            seen.push(answer.ok().map(|answer| answer.status().as_u16()));
        }
        seen
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert_eq!(BTreeSet::from_iter(first), BTreeSet::from([None, Some(200), Some(503)]));
}

#[tokio::test]
async fn the_date_can_be_wrong_and_tokens_can_end() {
    let session = with("clock-skew:-1h").await;
    let answer = session.raw("/customers/me").await;
    assert!(answer.headers()["date"].to_str().expect("text").contains(" 14:4"), "{:?}", answer.headers());
    session.sim.set_faults("auth-lost:300ms".parse().expect("a plan"));
    let refused = async {
        while session.raw("/customers/me").await.status() != StatusCode::UNAUTHORIZED {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the token ends");
}

#[tokio::test]
async fn a_stream_breaks_without_a_goodbye_and_a_half_open_one_says_nothing() {
    let session = with("drop-stream@account:300ms,half-open@dxlink:100ms:20s").await;
    let (mut account, _) =
        connect_async(&session.sim.connection().account_stream_url).await.expect("connected");
    let end = tokio::time::timeout(Duration::from_secs(10), account.next()).await.expect("it ends");
    assert!(!matches!(end, Some(Ok(_))), "no goodbye: {end:?}");

    let (mut dxlink, _) = connect_async(&session.sim.connection().dxlink_url).await.expect("connected");
    tokio::time::sleep(Duration::from_millis(200)).await;
    dxlink.send(Message::Ping(Vec::new().into())).await.expect("the socket takes it");
    let heard = tokio::time::timeout(Duration::from_secs(1), dxlink.next()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn orders_fill_piece_by_piece_and_before_a_cancel() {
    let faults = "fill-on-cancel:1".parse().expect("a plan");
    let session = Session::of(SimConfig { faults, ..config() }).await;
    let path = format!("/accounts/{}/orders", account(&session));
    let (status, placed) = session.post(&path, &order(1)).await;
    assert_eq!(status, StatusCode::CREATED);
    let id = placed["data"]["order"]["id"].to_string();
    let one = format!("{path}/{id}");
    session.sim.advance(chrono::TimeDelta::seconds(2)).await;
    assert_eq!(session.get(&one).await["data"]["status"], "Live");
    let (status, asked) = session.send(Method::DELETE, &one, &json!({})).await;
    assert_eq!((status, &asked["data"]["status"]), (StatusCode::OK, &json!("Cancel Requested")));
    session.sim.advance(chrono::TimeDelta::seconds(2)).await;
    let filled = session.get(&one).await;
    assert_eq!(filled["data"]["status"], "Filled", "{filled}");

    let faults = "partial-fill:1".parse().expect("a plan");
    let session = Session::of(SimConfig { faults, ..config() }).await;
    let path = format!("/accounts/{}/orders", account(&session));
    let mut large = order(2);
    large["price"] = "2000.00".into();
    large["legs"][0]["quantity"] = 7.into();
    let (_, placed) = session.post(&path, &large).await;
    let one = format!("{path}/{}", placed["data"]["order"]["id"]);
    session.sim.advance(chrono::TimeDelta::seconds(60)).await;
    let filled = session.get(&one).await;
    let fills = filled["data"]["legs"][0]["fills"].as_array().expect("fills").len();
    assert!(fills > 1, "{filled}");
}
