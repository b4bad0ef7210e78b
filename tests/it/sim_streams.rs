//! The simulated broker's two websockets as a stranger speaks to them.

use std::time::Duration;

use cotrader::sim::{RunningSim, SimConfig, start};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::sim::{access_token, client, config, sim};

const PATIENCE: Duration = Duration::from_secs(10);

struct Wire(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Wire {
    async fn open(url: &str) -> Self {
        Self(connect_async(url).await.expect("a websocket").0)
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next message, `None` when the server closed.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server says something in time") {
                Some(Ok(Message::Text(text))) => {
                    return Some(serde_json::from_str(text.as_str()).expect("json"));
                }
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::Protocol(_))) | None => {
                    return None;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }

    async fn next(&mut self) -> Value {
        self.hear().await.expect("the stream is open")
    }

    async fn until(&mut self, kind: &str) -> Value {
        for _ in 0..200 {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
        panic!("no {kind} came");
    }
}

async fn quote_token(sim: &RunningSim) -> String {
    let http = client();
    let access = access_token(&http, sim).await;
    let url = format!("{}/api-quote-tokens", sim.connection().base_url);
    let answer: Value =
        http.get(url).bearer_auth(access).send().await.expect("an answer").json().await.expect("json");
    answer["data"]["token"].as_str().expect("a token").to_owned()
}

async fn authorised(sim: &RunningSim) -> Wire {
    let mut wire = Wire::open(&sim.connection().dxlink_url).await;
    wire.say(json!({ "type": "SETUP", "channel": 0, "version": "0.1-test/1", "keepaliveTimeout": 60, "acceptKeepaliveTimeout": 2 })).await;
    assert_eq!(wire.next().await["type"], "SETUP");
    assert_eq!(wire.next().await["state"], "UNAUTHORIZED");
    let token = quote_token(sim).await;
    wire.say(json!({ "type": "AUTH", "channel": 0, "token": token })).await;
    assert_eq!(wire.next().await["state"], "AUTHORIZED");
    wire
}

async fn with_channel(sim: &RunningSim, setup: Value) -> Wire {
    let mut wire = authorised(sim).await;
    wire.say(json!({ "type": "CHANNEL_REQUEST", "channel": 1, "service": "FEED", "parameters": { "contract": "AUTO" } })).await;
    let opened = wire.until("CHANNEL_OPENED").await;
    assert_eq!(opened["parameters"]["subFormat"], "LIST");
    wire.say(setup).await;
    let config = wire.until("FEED_CONFIG").await;
    assert!(config.get("eventFields").is_none(), "the layout comes before the first data");
    wire
}

#[tokio::test]
async fn compact_data_has_exactly_the_columns_asked_for() {
    let sim = sim().await;
    let fields = ["eventSymbol", "nonsense", "askPrice", "bidPrice", "bidSize"];
    let setup = json!({
        "type": "FEED_SETUP", "channel": 1, "acceptAggregationPeriod": 0.1, "acceptDataFormat": "COMPACT",
        "acceptEventFields": { "Quote": fields, "Greeks": ["eventSymbol", "volatility", "delta", "theta", "index"] }
    });
    let mut wire = with_channel(&sim, setup).await;
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 1, "add": [
        { "type": "Quote", "symbol": "SPY" }, { "type": "Quote", "symbol": ".SPY261218P650" },
        { "type": "Quote", "symbol": "VIX" }, { "type": "Greeks", "symbol": ".SPY261218P650" }
    ] }))
    .await;
    let config = wire.until("FEED_CONFIG").await;
    assert_eq!(config["eventFields"], json!({ "Quote": ["eventSymbol", "askPrice", "bidPrice", "bidSize"] }));
    let data = wire.until("FEED_DATA").await;
    assert_eq!(data["data"][0], "Quote");
    let flat = data["data"][1].as_array().expect("values");
    assert_eq!(flat.len() % 4, 0);
    let rows: Vec<&[Value]> = flat.chunks(4).collect();
    let symbols: Vec<&str> = rows.iter().filter_map(|r| r[0].as_str()).collect();
    assert!(symbols.contains(&"SPY") && symbols.contains(&".SPY261218P650"));
    assert!(!symbols.contains(&"VIX"), "nobody quotes an index");
    for row in rows {
        assert!(row[1].as_f64().expect("ask") > row[2].as_f64().expect("bid"));
    }
    let config = wire.until("FEED_CONFIG").await;
    assert_eq!(config["eventFields"]["Greeks"][4], "index");
    let greeks = wire.until("FEED_DATA").await;
    let greeks = greeks["data"][1].as_array().expect("values");
    assert!(greeks[2].as_f64().expect("delta") < 0.0 && greeks[3].as_f64().expect("theta") < 0.0);
    assert!(greeks[4].as_i64().expect("index") > 1 << 53);
    // The canary keeps singing.
    for _ in 0..3 {
        let data = wire.until("FEED_DATA").await;
        assert!(data["data"][0].is_string());
    }
    wire.say(json!({ "type": "CHANNEL_CANCEL", "channel": 1 })).await;
    wire.until("CHANNEL_CLOSED").await;
    sim.shutdown().await;
}

#[tokio::test]
async fn full_data_is_the_default_and_leaves_out_what_is_empty() {
    let sim = sim().await;
    let mut wire = with_channel(&sim, json!({ "type": "FEED_SETUP", "channel": 1 })).await;
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 1, "reset": true, "add": [
        { "type": "Trade", "symbol": "VIX" }, { "type": "Summary", "symbol": "SPY" }
    ] }))
    .await;
    let trade = wire.until("FEED_DATA").await;
    let event = &trade["data"][0];
    assert_eq!((event["eventType"].as_str(), event["eventSymbol"].as_str()), (Some("Trade"), Some("VIX")));
    assert!((event["price"].as_f64().expect("price") - 16.2).abs() < 1.0);
    assert!(event.get("dayVolume").is_none(), "NaN fields are left out");
    let summary = wire.until("FEED_DATA").await;
    let event = &summary["data"][0];
    assert_eq!(event["eventType"], "Summary");
    assert_eq!(event["dayId"], 20_777);
    assert!((event["prevDayClosePrice"].as_f64().expect("close") - 677.29).abs() < 0.1);
}

#[tokio::test]
async fn a_halt_stands_in_the_profile_and_in_quotes_that_stand_still() {
    let faults = "halt@SPY:1m:5m".parse().expect("a plan");
    let sim = start(SimConfig { faults, ..config() }).await.expect("the simulator starts");
    let setup = json!({
        "type": "FEED_SETUP", "channel": 1, "acceptDataFormat": "COMPACT",
        "acceptEventFields": { "Profile": ["eventSymbol", "tradingStatus", "haltStartTime", "haltEndTime"] }
    });
    let mut wire = with_channel(&sim, setup).await;
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 1, "add": [
        { "type": "Profile", "symbol": "SPY" }, { "type": "Profile", "symbol": "QQQ" }
    ] }))
    .await;
    let told = wire.until("FEED_DATA").await;
    assert_eq!(told["data"][1], json!(["QQQ", "ACTIVE", 0, 0, "SPY", "ACTIVE", 0, 0]));

    sim.advance(chrono::TimeDelta::seconds(70)).await;
    let told = wire.until("FEED_DATA").await;
    let [symbol, status, from, to] = told["data"][1].as_array().expect("values").as_slice() else {
        panic!("only what has changed: {told}")
    };
    assert_eq!((symbol, status), (&json!("SPY"), &json!("HALTED")));
    assert_eq!(to.as_i64().zip(from.as_i64()).map(|(to, from)| to - from), Some(300_000));
    let (http, base) = (client(), sim.connection().base_url.clone());
    let token = access_token(&http, &sim).await;
    let quote = async |kind: &str| -> Value {
        let url = format!("{base}/market-data/by-type?{kind}");
        let answer = http.get(url).bearer_auth(&token).send().await.expect("an answer");
        answer.json::<Value>().await.expect("json")["data"]["items"][0].clone()
    };
    let asked = ["equity=SPY", "equity-option=SPY%20%20%20261218P00640000"];
    let mut before = Vec::new();
    for kind in asked {
        let quote = quote(kind).await;
        assert_eq!((&quote["is-trading-halted"], &quote["halt-start-time"]), (&json!(true), from), "{quote}");
        before.push((quote["bid"].clone(), quote["ask"].clone()));
    }
    sim.advance(chrono::TimeDelta::minutes(4)).await;
    for (kind, before) in asked.into_iter().zip(before) {
        let quote = quote(kind).await;
        assert_eq!((quote["bid"].clone(), quote["ask"].clone()), before);
    }

    sim.advance(chrono::TimeDelta::minutes(1)).await;
    let told = wire.until("FEED_DATA").await;
    assert_eq!(told["data"][1], json!(["SPY", "ACTIVE", 0, 0]));
    assert_eq!(quote(asked[0]).await["is-trading-halted"], false);
}

#[tokio::test]
async fn candles_come_as_a_snapshot_newest_first_under_the_normal_name() {
    let sim = sim().await;
    let setup = json!({
        "type": "FEED_SETUP", "channel": 1, "acceptDataFormat": "COMPACT",
        "acceptEventFields": { "Candle": ["eventSymbol", "eventFlags", "time", "close"] }
    });
    let mut wire = with_channel(&sim, setup).await;
    let from = 1_793_836_800_000_i64; // 5 Nov 2026
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 1, "add": [
        { "type": "Candle", "symbol": "SPY{=1d}", "fromTime": from }
    ] }))
    .await;
    let data = wire.until("FEED_DATA").await;
    let flat = data["data"][1].as_array().expect("values");
    let rows: Vec<&[Value]> = flat.chunks(4).collect();
    assert_eq!(rows.len(), 12, "5 to 20 November has twelve sessions");
    assert!(rows.iter().all(|r| r[0] == "SPY{=d}"));
    assert_eq!(rows[0][1], 4);
    assert_eq!(rows[11][1], 8);
    let times: Vec<i64> = rows.iter().filter_map(|r| r[2].as_i64()).collect();
    assert!(times.windows(2).all(|w| w[0] > w[1]));
    assert_eq!(times[11], from);
    // The forming bar follows under the same time, without flags.
    let live = wire.until("FEED_DATA").await;
    assert_eq!(live["data"][1][1], 0);
    assert_eq!(live["data"][1][2].as_i64(), Some(times[0]));
    let many: Vec<Value> = (0..25)
        .map(|n| json!({ "type": "Candle", "symbol": format!("NAME{n}{{=d}}"), "fromTime": from }))
        .collect();
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 1, "add": many })).await;
    let error = wire.until("ERROR").await;
    assert_eq!(error["error"], "BAD_ACTION");
    let rest = wire.until("FEED_DATA").await;
    let empty = rest["data"][1].as_array().expect("values").chunks(4).find(|r| r[1] == 14);
    assert!(empty.is_some(), "an unknown name has an empty snapshot");
}

#[tokio::test]
async fn the_order_of_steps_is_enforced() {
    let sim = sim().await;
    let mut wire = Wire::open(&sim.connection().dxlink_url).await;
    wire.say(json!({ "type": "SETUP", "channel": 0, "version": "0.1" })).await;
    wire.until("AUTH_STATE").await;
    wire.say(json!({ "type": "CHANNEL_REQUEST", "channel": 1, "service": "FEED", "parameters": {} })).await;
    let error = wire.until("ERROR").await;
    assert_eq!((error["error"].as_str(), error["channel"].as_u64()), (Some("BAD_ACTION"), Some(1)));
    wire.say(json!({ "type": "AUTH", "channel": 0, "token": "wrong" })).await;
    assert_eq!(wire.until("AUTH_STATE").await["state"], "UNAUTHORIZED");
    wire.say(json!({ "type": "AUTH", "channel": 0, "token": quote_token(&sim).await })).await;
    assert_eq!(wire.until("AUTH_STATE").await["state"], "AUTHORIZED");
    wire.say(json!({ "type": "FEED_SUBSCRIPTION", "channel": 9, "add": [] })).await;
    assert_eq!(wire.until("ERROR").await["error"], "BAD_ACTION");
}

#[tokio::test]
async fn the_server_keeps_alive_and_gives_up_on_the_silent() {
    let sim =
        start(SimConfig { silence_timeout_seconds: 2, ..config() }).await.expect("the simulator starts");
    let mut wire = authorised(&sim).await;
    wire.until("KEEPALIVE").await;
    let error = wire.until("ERROR").await;
    assert_eq!(error["error"], "TIMEOUT");
    assert!(wire.hear().await.is_none(), "then the connection is closed");
}

#[tokio::test]
async fn the_account_stream_wants_connect_before_anything_else() {
    let sim =
        start(SimConfig { silence_timeout_seconds: 2, ..config() }).await.expect("the simulator starts");
    let token = format!("Bearer {}", access_token(&client(), &sim).await);
    let mut wire = Wire::open(&sim.connection().account_stream_url).await;
    wire.say(json!({ "action": "heartbeat", "auth-token": token, "request-id": 1 })).await;
    let early = wire.next().await;
    assert_eq!(early["status"], "error");
    assert_eq!(early["message"], "connect-not-completed");
    wire.say(
        json!({ "action": "connect", "value": ["5WT00001"], "auth-token": "Bearer no", "request-id": 2 }),
    )
    .await;
    assert_eq!(wire.next().await["status"], "error");
    wire.say(json!({ "action": "connect", "value": ["5WT00001", "5WT00002"], "auth-token": token, "request-id": 3 })).await;
    let connected = wire.next().await;
    assert_eq!(connected["status"], "ok");
    assert_eq!(connected["value"], json!(["5WT00001", "5WT00002"]));
    assert_eq!(connected["request-id"], 3);
    assert!(connected["web-socket-session-id"].is_string());
    wire.say(json!({ "action": "heartbeat", "auth-token": token })).await;
    let heartbeat = wire.next().await;
    assert_eq!((heartbeat["status"].as_str(), heartbeat.get("request-id")), (Some("ok"), None));
    assert!(wire.hear().await.is_none(), "silence ends the connection");
}

#[tokio::test]
async fn stopping_the_simulator_closes_the_streams() {
    let sim = sim().await;
    let mut wire = authorised(&sim).await;
    let stopping = tokio::spawn(sim.shutdown());
    while wire.hear().await.is_some() {}
    timeout(PATIENCE, stopping).await.expect("stops in time").expect("no panic");
}

#[tokio::test]
async fn an_order_walks_through_the_account_stream() {
    let sim = sim().await;
    let http = client();
    let token = format!("Bearer {}", access_token(&http, &sim).await);
    let mut wire = Wire::open(&sim.connection().account_stream_url).await;
    let accounts = json!(["5WT00001", "5WT00002"]);
    wire.say(json!({ "action": "connect", "value": accounts, "auth-token": token })).await;
    assert_eq!(wire.next().await["status"], "ok");
    let order = json!({
        "time-in-force": "Day", "order-type": "Market",
        "legs": [ { "instrument-type": "Equity", "symbol": "XLF", "quantity": 3, "action": "Buy to Open" } ]
    });
    let url = format!("{}/accounts/5WT00001/orders", sim.connection().base_url);
    let placed = http.post(url).header("authorization", &token).json(&order).send().await.expect("an answer");
    assert_eq!(placed.status(), 201);
    sim.advance(chrono::TimeDelta::seconds(2)).await;
    let mut seen = Vec::new();
    let mut sequence = 0;
    while seen.last() != Some(&"AccountBalance".to_owned()) {
        let message = wire.next().await;
        assert!(message["timestamp"].is_i64());
        let number = message["ws-sequence"].as_u64().expect("a sequence");
        assert!(number > sequence);
        sequence = number;
        let kind = message["type"].as_str().expect("a type");
        assert_eq!(message["data"]["account-number"], "5WT00001");
        seen.push(match kind {
            "Order" => message["data"]["status"].as_str().expect("a status").to_owned(),
            other => other.to_owned(),
        });
    }
    assert_eq!(seen, ["Routed", "In Flight", "Live", "Filled", "CurrentPosition", "AccountBalance"]);
}

#[tokio::test]
async fn messages_that_come_together_may_come_in_one_frame() {
    let sim =
        start(SimConfig { batch_account_messages: true, ..config() }).await.expect("the simulator starts");
    let http = client();
    let token = format!("Bearer {}", access_token(&http, &sim).await);
    let (mut mine, mut other) = (
        Wire::open(&sim.connection().account_stream_url).await,
        Wire::open(&sim.connection().account_stream_url).await,
    );
    for (wire, account) in [(&mut mine, "5WT00001"), (&mut other, "5WT00002")] {
        wire.say(json!({ "action": "connect", "value": account, "auth-token": token })).await;
        assert_eq!(wire.next().await["status"], "ok");
    }
    for account in ["5WT00001", "5WT00002"] {
        let order = json!({
            "time-in-force": "Day", "order-type": "Market",
            "legs": [ { "instrument-type": "Equity", "symbol": "XLF", "quantity": 1, "action": "Buy to Open" } ]
        });
        let url = format!("{}/accounts/{account}/orders", sim.connection().base_url);
        let placed = http.post(url).header("authorization", &token).json(&order).send().await;
        assert_eq!(placed.expect("an answer").status(), 201);
    }
    sim.advance(chrono::TimeDelta::seconds(2)).await;
    for (wire, account) in [(&mut mine, "5WT00001"), (&mut other, "5WT00002")] {
        let (mut kinds, mut frames) = (Vec::new(), 0);
        while kinds.last().map(String::as_str) != Some("AccountBalance") {
            let frame = wire.next().await;
            frames += 1;
            let batch = frame["results"].as_array().cloned().unwrap_or_else(|| vec![frame.clone()]);
            for message in batch {
                assert_eq!(message["data"]["account-number"], account, "its own account's only");
                kinds.push(message["type"].as_str().expect("a type").to_owned());
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
        assert!(frames < kinds.len(), "at least two came together");
    }
}
