//! Orders at the simulated broker, by plain HTTP; time is moved by hand.

use chrono::TimeDelta;
use cotrader::sim::{FillModel, KeptAccounts, SimClock, SimConfig, WorldSource, world};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::sim::{Session, config, number, text};

const ACCOUNT: &str = "/accounts/5WT00001";

/// The best side of a symbol's market.
async fn quote(s: &Session, symbol: &str) -> (f64, f64) {
    let encoded = symbol.replace(' ', "%20");
    let kind = if symbol.len() > 6 { "equity-option" } else { "equity" };
    let answer = s.get(&format!("/market-data/by-type?{kind}={encoded}")).await;
    let item = &answer["data"]["items"][0];
    (number(item, "bid"), number(item, "ask"))
}

fn leg(symbol: &str, action: &str, quantity: i64) -> Value {
    let kind = if symbol.len() > 6 { "Equity Option" } else { "Equity" };
    json!({ "instrument-type": kind, "symbol": symbol, "quantity": quantity, "action": action })
}

fn limit(price: &str, effect: &str, legs: &[Value]) -> Value {
    json!({
        "time-in-force": "Day", "order-type": "Limit", "price": price, "price-effect": effect,
        "source": "blackbox/1.0", "external-identifier": "0190f7c2-6f1e", "legs": legs
    })
}

const SHORT_PUT: &str = "SPY   261218P00640000";
const LONG_PUT: &str = "SPY   261218P00635000";
const SHORT_CALL: &str = "SPY   261218C00715000";
const LONG_CALL: &str = "SPY   261218C00720000";

fn condor(quantity: i64) -> Vec<Value> {
    vec![
        leg(LONG_PUT, "Buy to Open", quantity),
        leg(SHORT_PUT, "Sell to Open", quantity),
        leg(SHORT_CALL, "Sell to Open", quantity),
        leg(LONG_CALL, "Buy to Open", quantity),
    ]
}

/// Credits of the condor: what the market gives at once, and the middle.
async fn condor_credits(s: &Session) -> (f64, f64) {
    let (mut natural, mut middle) = (0.0, 0.0);
    for (symbol, sign) in [(LONG_PUT, -1.0), (SHORT_PUT, 1.0), (SHORT_CALL, 1.0), (LONG_CALL, -1.0)] {
        let (bid, ask) = quote(s, symbol).await;
        natural += sign * if sign > 0.0 { bid } else { ask };
        middle += sign * 0.5 * (bid + ask);
    }
    (natural, middle)
}

async fn place(s: &Session, order: &Value) -> Value {
    let (status, answer) = s.post(&format!("{ACCOUNT}/orders"), order).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer["data"]["order"].clone()
}

async fn order(s: &Session, id: &Value) -> Value {
    s.get(&format!("{ACCOUNT}/orders/{id}")).await["data"].clone()
}

/// Quantities held by symbol, signed.
async fn held(s: &Session, symbol: &str) -> i64 {
    let positions = s.get(&format!("{ACCOUNT}/positions")).await;
    let items = positions["data"]["items"].as_array().expect("items");
    items.iter().find(|p| p["symbol"] == symbol).map_or(0, |p| {
        let sign = if p["quantity-direction"] == "Short" { -1 } else { 1 };
        sign * p["quantity"].as_i64().expect("a whole number")
    })
}

async fn cash(s: &Session) -> f64 {
    number(&s.get(&format!("{ACCOUNT}/balances/USD")).await["data"], "cash-balance")
}

fn second() -> TimeDelta {
    TimeDelta::seconds(1)
}

/// Nothing between the natural price and the middle: only who pays the market's price is filled.
fn stern() -> SimConfig {
    SimConfig { fills: FillModel { rate: 0.0, ..FillModel::default() }, ..config() }
}

#[tokio::test]
async fn a_four_leg_order_is_tried_placed_filled_and_booked() {
    let s = Session::of(stern()).await;
    let (natural, _) = condor_credits(&s).await;
    let wish = limit(&format!("{:.2}", natural - 0.05), "Credit", &condor(1));
    let (status, tried) = s.post(&format!("{ACCOUNT}/orders/dry-run"), &wish).await;
    assert_eq!(status, StatusCode::CREATED, "{tried}");
    let tried = &tried["data"];
    assert!(tried["order"].get("id").is_none());
    assert_eq!((&tried["order"]["status"], &tried["order"]["updated-at"]), (&json!("Received"), &json!(0)));
    let effect = &tried["buying-power-effect"];
    assert_eq!(text(effect, "change-in-margin-requirement-effect"), "Debit");
    assert_eq!(number(effect, "isolated-order-margin-requirement"), 500.0);
    let gap = number(effect, "current-buying-power") - number(effect, "new-buying-power");
    assert!((gap - number(effect, "impact")).abs() < 0.01, "{effect}");
    assert_eq!(number(&tried["fee-calculation"], "commission"), 4.0);
    assert!(
        s.get(&format!("{ACCOUNT}/orders/live")).await["data"]["items"].as_array().expect("items").is_empty()
    );

    let before = cash(&s).await;
    let placed = place(&s, &wish).await;
    assert!(placed["id"].is_i64() && placed["updated-at"].is_i64(), "{placed}");
    assert_eq!(placed["status"], "Routed");
    assert_eq!(placed["external-identifier"], "0190f7c2-6f1e");
    s.sim.advance(second()).await;
    let done = order(&s, &placed["id"]).await;
    assert_eq!(done["status"], "Filled", "{done}");
    for key in ["received-at", "in-flight-at", "live-at", "terminal-at"] {
        assert!(text(&done, key).ends_with("+00:00"), "{key}");
    }
    let mut credit = 0.0;
    for l in done["legs"].as_array().expect("legs") {
        assert_eq!(l["remaining-quantity"], 0);
        let fill = &l["fills"][0];
        let sign = if text(l, "action").starts_with("Buy") { -1.0 } else { 1.0 };
        credit += sign * number(fill, "fill-price");
        assert!(
            fill["quantity"].is_i64() && fill["fill-id"].is_string() && fill["destination-venue"].is_string()
        );
    }
    assert!((credit - natural).abs() < 0.051, "{credit} of {natural}: the market's price, no better");
    assert!((held(&s, SHORT_PUT).await, held(&s, LONG_CALL).await) == (-1, 1));
    let trades = s.get(&format!("{ACCOUNT}/transactions?start-date=2026-11-20&type=Trade")).await;
    let items = trades["data"]["items"].as_array().expect("items");
    let own: Vec<&Value> = items.iter().filter(|t| t["order-id"] == placed["id"]).collect();
    assert_eq!(own.len(), 4);
    let fees: f64 = own
        .iter()
        .flat_map(|t| ["commission", "clearing-fees", "regulatory-fees"].map(|key| number(t, key)))
        .sum();
    let gained = cash(&s).await - before;
    assert!((gained - (100.0 * credit - fees)).abs() < 0.01, "{gained} {credit} {fees}");
    let total = s.get(&format!("{ACCOUNT}/transactions/total-fees?date=2026-11-20")).await;
    assert!((number(&total["data"], "total-fees") - fees).abs() < 1e-9);
    let one = s.get(&format!("{ACCOUNT}/transactions/{}", own[0]["id"])).await;
    assert_eq!(&one["data"], own[0]);
}

#[tokio::test]
async fn an_order_beyond_the_middle_rests_and_can_be_replaced_and_cancelled() {
    let s = Session::open().await;
    let (natural, middle) = condor_credits(&s).await;
    let placed = place(&s, &limit(&format!("{:.2}", middle + 1.0), "Credit", &condor(2))).await;
    s.sim.advance(second()).await;
    let resting = order(&s, &placed["id"]).await;
    assert_eq!((text(&resting, "status"), &resting["size"]), ("Live", &json!(2)));
    // The SDK sends no legs here, the guide does; price and type are what counts.
    let path = format!("{ACCOUNT}/orders/{}", placed["id"]);
    let wish = json!({ "order-type": "Limit", "time-in-force": "Day", "price": middle + 0.5, "price-effect": "Credit" });
    let wish = {
        let mut w = wish;
        w["price"] = json!(format!("{:.2}", middle + 0.5));
        w
    };
    let (status, new) = s.send(Method::PUT, &path, &wish).await;
    assert_eq!(status, StatusCode::OK, "{new}");
    let new = &new["data"];
    assert_eq!((text(new, "status"), &new["replaces-order-id"]), ("Contingent", &placed["id"]));
    assert_eq!(order(&s, &placed["id"]).await["status"], "Replace Requested");
    s.sim.advance(second()).await;
    let old = order(&s, &placed["id"]).await;
    assert_eq!((text(&old, "status"), &old["edited"]), ("Cancelled", &json!(true)));
    assert_eq!(old["replacing-order-id"], new["id"]);
    assert_eq!(order(&s, &new["id"]).await["status"], "Live");

    let path = format!("{ACCOUNT}/orders/{}", new["id"]);
    let (status, gone) = s.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!((status, &gone["data"]["status"]), (StatusCode::OK, &json!("Cancel Requested")));
    s.sim.advance(second()).await;
    assert_eq!(order(&s, &new["id"]).await["status"], "Cancelled");
    let (status, refused) = s.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused["error"]["code"], "cannot_update_order");

    // Touched today, in any status; searched with a start only.
    let live = s.get(&format!("{ACCOUNT}/orders/live")).await;
    assert_eq!(live["data"]["items"].as_array().map(Vec::len), Some(2));
    let mine = s.get("/customers/me/orders/live?account-numbers[]=5WT00001").await;
    assert_eq!(mine["data"]["items"], live["data"]["items"]);
    let found = s.get(&format!("{ACCOUNT}/orders?start-date=2026-11-20&status[]=Cancelled&per-page=1")).await;
    assert_eq!(found["pagination"]["total-items"], 2);
    let request =
        |path: String| s.http.get(s.url(&path)).bearer_auth(&s.token).header("accept-version", "20261012");
    let refused = request(format!("{ACCOUNT}/orders")).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let found =
        request(format!("{ACCOUNT}/orders?start-at=2026-11-20T00:00:00Z")).send().await.expect("an answer");
    assert_eq!(found.status(), StatusCode::OK);
    assert!(natural < middle);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_brokers_codes() {
    let s = Session::open().await;
    let code = |answer: &Value| answer["error"]["errors"][0]["code"].as_str().unwrap_or("none").to_owned();
    let dry = format!("{ACCOUNT}/orders/dry-run");
    let cases = [
        (limit("1.00", "Credit", &[leg(LONG_PUT, "Buy to Open", 1)]), "cant_buy_for_credit"),
        (limit("1.00", "Debit", &[leg("NOPE", "Buy to Open", 1)]), "invalid_symbol"),
        (
            limit("10.00", "Credit", &[leg("SPY   261218P00680000", "Sell to Open", 90)]),
            "margin_check_failed",
        ),
        (
            json!({ "time-in-force": "GTC", "order-type": "Market", "legs": [leg("XLF", "Buy to Open", 1)] }),
            "gtc_market_orders_not_supported",
        ),
        (
            {
                let mut closing = limit("1.00", "Debit", &[leg("SPY   261218P00600000", "Buy to Close", 1)]);
                closing["advanced-instructions"] = json!({ "strict-position-effect-validation": true });
                closing
            },
            "closing_with_no_position",
        ),
    ];
    for (wish, expected) in cases {
        let (status, answer) = s.post(&dry, &wish).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["error"]["code"], "preflight_check_failure");
        assert_eq!(code(&answer), expected);
    }
    let loose = limit("1.00", "Debit", &[leg("SPY   261218P00600000", "Buy to Close", 1)]);
    let (status, answer) = s.post(&dry, &loose).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(answer["data"]["warnings"][0]["code"], "closing_with_no_position");

    let put = || leg(LONG_PUT, "Buy to Open", 1);
    let five: Vec<Value> =
        (0..5).map(|n| leg(&format!("SPY   261218P0063{n}000"), "Buy to Open", 1)).collect();
    let malformed = [
        (limit("1.00", "Debit", &[]), "legs"),
        (limit("1.00", "Debit", &five), "legs"),
        (limit("1.00", "Debit", &[put(), put()]), "legs"),
        (limit("1.00", "Debit", &[leg(LONG_PUT, "Buy to Open", 0)]), "legs[0].quantity"),
        (limit("-1.00", "Debit", &[put()]), "price"),
        (json!({ "time-in-force": "Day", "order-type": "Limit", "legs": [put()] }), "price"),
        (json!({ "time-in-force": "GTD", "order-type": "Market", "legs": [put()] }), "gtc-date"),
        (json!({ "order-type": "Market", "legs": [put()] }), "time-in-force"),
    ];
    for (wish, field) in malformed {
        let (status, answer) = s.post(&dry, &wish).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(answer["error"]["errors"][0]["domain"], field, "{answer}");
    }
    let (status, _) = s.post("/accounts/5WT99999/orders", &limit("1.00", "Debit", &[put()])).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // The increment is the venue's business: the broker lets it through.
    let odd = place(&s, &limit("310.005", "Debit", &[leg("QQQ", "Buy to Open", 1)])).await;
    s.sim.advance(second()).await;
    let odd = order(&s, &odd["id"]).await;
    assert_eq!(odd["status"], "Rejected");
    assert!(text(&odd, "reject-reason").contains("increment"));
}

#[tokio::test]
async fn one_cancels_the_other_and_a_trigger_releases_them() {
    let s = Session::of(stern()).await;
    let (bid, ask) = quote(&s, "XLF").await;
    let body = json!({
        "type": "OTOCO",
        "trigger-order": limit(&format!("{:.2}", ask + 0.5), "Debit", &[leg("XLF", "Buy to Open", 10)]),
        "orders": [
            limit(&format!("{:.2}", bid + 20.0), "Credit", &[leg("XLF", "Sell to Close", 10)]),
            json!({
                "time-in-force": "Day", "order-type": "Stop", "stop-trigger": format!("{:.2}", bid - 10.0),
                "legs": [leg("XLF", "Sell to Close", 10)]
            }),
        ]
    });
    let (status, placed) = s.post(&format!("{ACCOUNT}/complex-orders"), &body).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    let placed = &placed["data"]["complex-order"];
    assert_eq!(placed["orders"][0]["status"], "Contingent");
    assert_eq!(placed["orders"][0]["contingent-status"], "Pending Order");
    assert_eq!(placed["orders"][1]["complex-order-tag"], "OTOCO::oco-2-order");
    s.sim.advance(second()).await;
    s.sim.advance(second()).await;
    let path = format!("{ACCOUNT}/complex-orders/{}", placed["id"]);
    let now = s.get(&path).await["data"].clone();
    assert_eq!(now["trigger-order"]["status"], "Filled");
    assert_eq!((&now["orders"][0]["status"], &now["orders"][1]["status"]), (&json!("Live"), &json!("Live")));

    // The profit taker is brought to the market: it fills, the stop goes.
    let taker = format!("{ACCOUNT}/orders/{}", now["orders"][0]["id"]);
    let nearer =
        json!({ "order-type": "Limit", "time-in-force": "Day", "price": "1.00", "price-effect": "Credit" });
    let (status, answer) = s.send(Method::PATCH, &taker, &nearer).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    for _ in 0..3 {
        s.sim.advance(second()).await;
    }
    let now = s.get(&path).await["data"].clone();
    assert_eq!(
        (&now["orders"][0]["status"], &now["orders"][1]["status"]),
        (&json!("Filled"), &json!("Cancelled"))
    );
    assert!(now["terminal-at"].is_string());
    assert_eq!(held(&s, "XLF").await, 0);
    let list = s.get(&format!("{ACCOUNT}/complex-orders")).await;
    assert_eq!(list["pagination"]["total-items"], 1);

    let oco = json!({ "type": "OCO", "orders": [
        limit("1.00", "Debit", &[leg("XLF", "Buy to Open", 10)]),
        limit("1.50", "Debit", &[leg("XLF", "Buy to Open", 10)]),
    ] });
    let (_, placed) = s.post(&format!("{ACCOUNT}/complex-orders"), &oco).await;
    let id = &placed["data"]["complex-order"]["id"];
    let path = format!("{ACCOUNT}/complex-orders/{id}");
    s.sim.advance(second()).await;
    let (status, _) = s.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    s.sim.advance(second()).await;
    let now = s.get(&path).await["data"].clone();
    assert_eq!(
        (&now["orders"][0]["status"], &now["orders"][1]["status"]),
        (&json!("Cancelled"), &json!("Cancelled"))
    );
}

#[tokio::test]
async fn accounts_and_orders_outlive_the_broker() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || KeptAccounts {
        file: folder.path().join("world.json"),
        world: serde_json::Map::new(),
        is_foreign: false,
    };
    let broker = || async { Session::of(SimConfig { kept_accounts: Some(kept()), ..stern() }).await };
    let s = broker().await;
    let buy =
        json!({ "time-in-force": "Day", "order-type": "Market", "legs": [leg("XLF", "Buy to Open", 7)] });
    let bought = place(&s, &buy).await;
    let mut resting = limit("1.00", "Debit", &[leg("XLF", "Buy to Open", 5)]);
    resting["time-in-force"] = json!("GTC");
    let resting = place(&s, &resting).await;
    s.sim.advance(second()).await;
    let (shares, money) = (held(&s, "XLF").await, cash(&s).await);
    let (filled, live) = (order(&s, &bought["id"]).await, order(&s, &resting["id"]).await);
    assert_eq!((text(&filled, "status"), text(&live, "status"), shares), ("Filled", "Live", 7));
    // No orderly end: what was answered is kept already.
    drop(s);
    let s = broker().await;
    assert_eq!((held(&s, "XLF").await, cash(&s).await), (shares, money));
    assert_eq!((order(&s, &bought["id"]).await, order(&s, &resting["id"]).await), (filled, live));
    let next = place(&s, &buy).await;
    assert!(next["id"].as_i64() > resting["id"].as_i64(), "numbers are not given twice");
}

/// Two recorded days: the calls are dear on the first and cheap on the second, the put ends on it in the money.
#[tokio::test]
async fn recorded_days_play_one_after_the_other_with_the_book_upon_them() {
    let head =
        "quote_date,underlying,spot,root,expiration,strike,right,bid,ask,last,volume,open_interest,iv,delta";
    let day = |date: &str, spot: &str, ask: &str| {
        let call = format!("{date},XLF,{spot},XLF,2026-09-18,52,C,0.90,{ask},1.0,10,100,0.16,0.58");
        let put = format!("{date},XLF,{spot},XLF,2026-08-21,53,P,0.60,0.70,0.6,10,100,0.16,-0.70");
        let text = format!("{head}\n{call}\n{put}\n");
        cotrader::market::chain_file::read(text.as_bytes(), None).expect("a chain")
    };
    let chains = vec![day("2026-08-20", "52.60", "1.30"), day("2026-08-21", "52.40", "1.05")];
    let book = "positions:\n  - {underlying: XLF, type: put, strike: 53, expiry: 2026-08-21, quantity: -2}\n";
    let book = world::read_book(book).expect("a book");
    let clock = SimClock::starting_at(world::recorded_start(&chains).expect("a day"), 1.0);
    let source = WorldSource::Recorded { chains, history: std::collections::BTreeMap::new(), book };
    let s = Session::of(SimConfig { fills: stern().fills, ..SimConfig::new(1, clock, source) }).await;
    let mut wish = limit("1.10", "Debit", &[leg("XLF   260918C00052000", "Buy to Open", 1)]);
    wish["time-in-force"] = json!("GTC");
    let placed = place(&s, &wish).await;
    s.sim.advance(TimeDelta::hours(2)).await;
    assert_eq!(order(&s, &placed["id"]).await["status"], "Live", "too dear on the first day");
    assert_eq!(held(&s, "XLF   260821P00053000").await, -2);
    s.sim.advance(TimeDelta::hours(20)).await;
    let done = order(&s, &placed["id"]).await;
    assert_eq!(done["status"], "Filled");
    assert_eq!(text(&done["legs"][0]["fills"][0], "fill-price"), "1.05");
    s.sim.advance(TimeDelta::hours(8)).await;
    assert_eq!((held(&s, "XLF   260821P00053000").await, held(&s, "XLF").await), (0, 200));
    let sub = s.get(&format!("{ACCOUNT}/transactions?types[]=Receive%20Deliver")).await;
    assert_eq!(sub["data"]["items"][0]["transaction-sub-type"], "Assignment");
}
