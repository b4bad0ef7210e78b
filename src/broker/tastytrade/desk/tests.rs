//! The desk against a server that answers badly: what went out is counted, and what is told is right.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::*;
use crate::broker::NoDesk;
use crate::broker::send_once::{SendOnce, Sent};
use crate::broker::tastytrade::{Credentials, TastytradeConfig, http};
use crate::domain::control::LiveOptIn;
use crate::domain::order::{
    ComplexKind, Exit, NetPrice, OrderAction, OrderLeg, OrderRefusal, OrderStatus, TimeInForce,
};
use crate::domain::{Instrument, OrderRef, TradeId};

const NUMBER: &str = "5WX00042";
const ORDERS: &str = "POST /accounts/5WX00042/orders";
const DRY_RUN: &str = "POST /accounts/5WX00042/orders/dry-run";

#[derive(Clone)]
enum Answer {
    Json(u16, String),
    /// These bytes, and the end of the connection.
    Raw(String),
    /// The connection ends without a byte.
    Closed,
    Silence,
}

#[derive(Debug, Clone)]
struct Asked {
    what: String,
    query: String,
    authorization: String,
    body: Vec<u8>,
    connection: usize,
}

#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    asked: Mutex<Vec<Asked>>,
}

impl Script {
    /// By method and path; the last one repeats.
    fn on(&self, what: &str, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().expect("whole").insert(what.into(), answers.into_iter().collect());
    }

    fn asked(&self, what: &str) -> Vec<Asked> {
        self.asked.lock().expect("whole").iter().filter(|one| one.what == what).cloned().collect()
    }

    /// Everything but reads and tokens.
    fn sent(&self) -> usize {
        let asked = self.asked.lock().expect("whole");
        asked.iter().filter(|one| !one.what.starts_with("GET") && !one.what.ends_with("token")).count()
    }

    fn answer(&self, asked: Asked) -> Answer {
        let mut answers = self.answers.lock().expect("whole");
        let answer = match answers.get_mut(&asked.what) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        };
        self.asked.lock().expect("whole").push(asked);
        answer.unwrap_or_else(|| Answer::Json(404, r#"{"error":{"code":"record_not_found"}}"#.into()))
    }
}

async fn serve(script: Arc<Script>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((socket, _)) = listener.accept().await {
            connection += 1;
            tokio::spawn(converse(socket, connection, Arc::clone(&script)));
        }
    });
    format!("http://{address}")
}

async fn converse(mut socket: TcpStream, connection: usize, script: Arc<Script>) -> Option<()> {
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let header = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        };
        let length: usize = header("content-length").and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
        while bytes.len() < head + length {
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let mut words = text.split_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = Asked {
            what: format!("{method} {path}"),
            query: query.into(),
            authorization: header("authorization").map_or("", |(_, value)| value).into(),
            body: bytes[head..head + length].to_vec(),
            connection,
        };
        bytes.drain(..head + length);
        match script.answer(asked) {
            Answer::Json(status, body) => {
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: ");
                let answer = format!("{head}{}\r\n\r\n{body}", body.len());
                socket.write_all(answer.as_bytes()).await.ok()?;
            }
            Answer::Raw(text) => {
                socket.write_all(text.as_bytes()).await.ok()?;
                return None;
            }
            Answer::Closed => return None,
            Answer::Silence => std::future::pending().await,
        }
    }
}

struct Bench {
    script: Arc<Script>,
    desk: TastytradeDesk,
    account: AccountId,
}

fn token(name: &str, seconds: u32) -> Answer {
    Answer::Json(200, format!(r#"{{"access_token":"{name}","expires_in":{seconds}}}"#))
}

async fn bench() -> Bench {
    let script = Arc::new(Script::default());
    script.on("POST /oauth/token", [token("first", 900), token("second", 900), token("third", 900)]);
    let accounts = format!(r#"{{"data":{{"items":[{{"account":{{"account-number":"{NUMBER}"}}}}]}}}}"#);
    script.on("GET /customers/me/accounts", [Answer::Json(200, accounts)]);
    let base = serve(Arc::clone(&script)).await;
    let mut config = TastytradeConfig::loopback(&base, base.replace("http", "ws"));
    config.timeouts.order = Duration::from_millis(300);
    let credentials = Credentials { client_secret: "a-secret".into(), refresh_token: "a-grant".into() };
    let reads = Arc::new(Tastytrade::new(config, credentials).expect("a loopback address"));
    let desk = TastytradeDesk::loopback(reads).expect("a loopback desk");
    Bench { script, desk, account: AccountId::from_number("tastytrade", NUMBER) }
}

fn option(occ: &str) -> Instrument {
    crate::broker::tastytrade::parse::contract::instrument("Equity Option", occ, "SPY", &Default::default())
        .expect("an option")
}

fn reference() -> OrderRef {
    OrderRef(Uuid::from_u128(0x0190_f7c2_6f1e_7c55_8f4e_2b6a_7b1d_9c10))
}

fn ticket(account: AccountId) -> Ticket {
    let leg = |occ: &str, action| OrderLeg { instrument: option(occ), action, quantity: 2 };
    Ticket {
        reference: reference(),
        trade: TradeId(Uuid::from_u128(1)),
        account,
        legs: vec![
            leg("SPY   261218P00630000", OrderAction::SellToOpen),
            leg("SPY   261218P00620000", OrderAction::BuyToOpen),
        ],
        limit: NetPrice(Decimal::new(1_510, 3)),
        time_in_force: TimeInForce::Day,
    }
}

fn cleared(bench: &Bench) -> Cleared<Ticket> {
    Cleared::for_test(ticket(bench.account))
}

const ROUTED: &str = r#"{"data":{"order":{"id":771201,"account-number":"5WX00042","status":"Routed",
    "external-identifier":"0190f7c2-6f1e-7c55-8f4e-2b6a7b1d9c10","legs":[]},"warnings":[]}}"#;

const EFFECT: &str = r#"{"data":{"order":{"status":"Received","updated-at":0},"buying-power-effect":{
    "change-in-buying-power":"853.5","change-in-buying-power-effect":"Debit",
    "new-buying-power":39756.5,"new-buying-power-effect":"Credit"},
    "fee-calculation":{"total-fees":"4.5","total-fees-effect":"Debit"},
    "warnings":[{"code":"tif.next_valid_session","message":"Later."}],"errors":[]}}"#;

#[tokio::test]
async fn what_was_asked_about_is_what_is_sent() {
    let bench = bench().await;
    bench.script.on(DRY_RUN, [Answer::Json(200, EFFECT.into())]);
    bench.script.on(ORDERS, [Answer::Json(201, ROUTED.into())]);
    let run = bench.desk.dry_run(&ticket(bench.account)).await.expect("a dry run");
    assert_eq!(run.buying_power_change.map(|m| m.to_string()), Some("-853.5".into()));
    assert_eq!(run.buying_power_after.map(|m| m.to_string()), Some("39756.5".into()));
    assert_eq!(run.fees.map(|m| m.to_string()), Some("-4.5".into()));
    assert_eq!((run.warnings.len(), run.errors.len()), (1, 0));
    let placed = bench.desk.place(cleared(&bench)).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    assert_eq!((report.id.0.as_str(), &report.status), ("771201", &OrderStatus::Routed));
    assert_eq!(report.reference, Some(reference()));
    let [asked] = &bench.script.asked(DRY_RUN)[..] else { panic!("not once") };
    let [sent] = &bench.script.asked(ORDERS)[..] else { panic!("not once") };
    assert_eq!(asked.body, sent.body);
    let expected = concat!(
        r#"{"time-in-force":"Day","order-type":"Limit","price":"1.51","price-effect":"Credit","source":"cotrader/"#,
        env!("CARGO_PKG_VERSION"),
        r#"","external-identifier":"0190f7c2-6f1e-7c55-8f4e-2b6a7b1d9c10","legs":["#,
        r#"{"instrument-type":"Equity Option","symbol":"SPY   261218P00630000","quantity":2,"action":"Sell to Open"},"#,
        r#"{"instrument-type":"Equity Option","symbol":"SPY   261218P00620000","quantity":2,"action":"Buy to Open"}]}"#,
    );
    assert_eq!(String::from_utf8_lossy(&sent.body), expected);
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest(&sent.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(run.body_hash, hash);
    assert_ne!(asked.connection, sent.connection, "an order has a connection of its own");
}

#[tokio::test]
async fn every_bad_end_of_an_order_is_unknown_and_nothing_is_sent_twice() {
    let html = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n\r\n<html>Bad Gateway</html>";
    let half = "HTTP/1.1 201 Created\r\ncontent-length: 900\r\n\r\n{\"data\":{\"order\":{\"id\":771201,";
    let ends = [
        Answer::Closed,
        Answer::Silence,
        Answer::Raw(html.into()),
        Answer::Raw(half.into()),
        Answer::Raw("HTTP/1.1 201 Created\r\ncontent-le".into()),
        Answer::Json(200, "<html>Maintenance</html>".into()),
        Answer::Json(200, String::new()),
        Answer::Json(201, r#"{"data":null}"#.into()),
        Answer::Json(201, r#"{"data":{"order":{"status":"Routed"}}}"#.into()),
        Answer::Json(201, ROUTED.replace("9c10", "9c11")),
        Answer::Json(302, String::new()),
        Answer::Json(500, r#"{"error":{"message":"support id 5WX00042"}}"#.into()),
        Answer::Json(503, String::new()),
        Answer::Json(504, String::new()),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let bench = bench().await;
        bench.script.on(ORDERS, [end, Answer::Json(201, ROUTED.into())]);
        let placed = bench.desk.place(cleared(&bench)).await;
        let Placed::Unknown { why } = &placed else { panic!("{n}: {placed:?}") };
        assert!(!why.is_empty() && !why.contains(NUMBER) && !why.contains('<'), "{n}: {why}");
        assert_eq!(bench.script.sent(), 1, "{n}: {why}");
    }
}

#[tokio::test]
async fn a_definite_no_is_told_with_every_reason_and_sent_once() {
    let preflight = r#"{"error":{"code":"preflight_check_failure","message":"One or more preflight checks failed",
        "errors":[{"code":"cant_buy_for_credit","message":"You cannot buy for a \u001b[31mcredit."},
                  {"code":"margin_check_failed","message":"5WX00042 has too little."},
                  {"domain":"legs","reason":"are too many"}, 7]}}"#;
    for status in [400, 401, 403, 404, 422, 429] {
        let bench = bench().await;
        bench.script.on(ORDERS, [Answer::Json(status, preflight.into())]);
        let placed = bench.desk.place(cleared(&bench)).await;
        let Placed::Refused(refusal) = &placed else { panic!("{status}: {placed:?}") };
        let told: Vec<_> = refusal.messages.iter().map(|m| (m.code.as_str(), m.text.as_str())).collect();
        let expected = [
            ("cant_buy_for_credit", "You cannot buy for a credit."),
            ("margin_check_failed", "…0042 has too little."),
            ("legs", "legs are too many"),
        ];
        assert_eq!((refusal.status, told), (status, expected.to_vec()));
        assert_eq!(bench.script.sent(), 1);
    }
    // A page instead of the broker's words, and an answer that breaks off: the status alone says no.
    let broken = "HTTP/1.1 422 Unprocessable\r\ncontent-length: 900\r\n\r\n{\"error\":";
    for end in [Answer::Json(403, "<html>".into()), Answer::Raw(broken.into())] {
        let bench = bench().await;
        bench.script.on(ORDERS, [end]);
        let placed = bench.desk.place(cleared(&bench)).await;
        let Placed::Refused(refusal) = &placed else { panic!("{placed:?}") };
        assert!(refusal.messages.is_empty() && refusal.to_string().starts_with("refused (4"));
        assert_eq!(bench.script.sent(), 1);
    }
}

#[tokio::test]
async fn a_refused_token_costs_the_order_and_is_not_used_again() {
    let bench = bench().await;
    bench.script.on(ORDERS, [Answer::Json(401, "{}".into()), Answer::Json(201, ROUTED.into())]);
    let placed = bench.desk.place(cleared(&bench)).await;
    assert!(matches!(placed, Placed::Refused(OrderRefusal { status: 401, .. })), "{placed:?}");
    assert_eq!(bench.script.sent(), 1);
    assert!(matches!(bench.desk.place(cleared(&bench)).await, Placed::Accepted(_)));
    let tokens: Vec<_> = bench.script.asked(ORDERS).into_iter().map(|asked| asked.authorization).collect();
    assert_eq!(tokens, ["Bearer first", "Bearer second"]);
}

#[tokio::test]
async fn a_token_in_its_last_minute_is_renewed_before_an_order_and_not_for_a_read() {
    let bench = bench().await;
    bench.script.on("POST /oauth/token", [token("short", 55), token("long", 900)]);
    bench.script.on(ORDERS, [Answer::Json(201, ROUTED.into())]);
    bench.desk.reads.account_number(bench.account).await.expect("a read");
    assert!(matches!(bench.desk.place(cleared(&bench)).await, Placed::Accepted(_)));
    let tokens: Vec<_> = bench.script.asked(ORDERS).into_iter().map(|asked| asked.authorization).collect();
    assert_eq!(tokens, ["Bearer long"]);
}

#[tokio::test]
async fn without_a_token_a_connection_or_a_sound_ticket_nothing_is_sent() {
    let bench = bench().await;
    bench.desk.reads.account_number(bench.account).await.expect("a read");
    let mut bad = ticket(bench.account);
    bad.legs.clear();
    let stranger = Ticket { account: AccountId(Uuid::nil()), ..ticket(bench.account) };
    for bad in [bad, stranger] {
        let placed = bench.desk.place(Cleared::for_test(bad)).await;
        assert!(matches!(placed, Placed::Refused(OrderRefusal { status: 0, .. })), "{placed:?}");
    }
    assert_eq!(bench.script.sent(), 0);

    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let base = format!("http://{address}");
    let config = TastytradeConfig::loopback(&base, base.replace("http", "ws"));
    let once = SendOnce::new(&http::caller(&config).expect("headers")).expect("a client");
    let reads = &bench.desk.reads.http;
    let url = reqwest::Url::parse(&format!("{base}/accounts")).expect("an address");
    assert!(matches!(reads.send_to(&once, Method::POST, url, None).await, Sent::Unsent(_)));

    bench.script.on("POST /oauth/token", [Answer::Json(400, r#"{"error":"invalid_grant"}"#.into())]);
    bench.desk.reads.http.auth.discard(&reads.auth.bearer(&reads.transport).await.expect("a token")).await;
    let placed = bench.desk.place(cleared(&bench)).await;
    let Placed::Refused(refusal) = &placed else { panic!("{placed:?}") };
    assert!(refusal.status == 0 && refusal.to_string().contains("invalid_grant"), "{refusal}");
    assert_eq!(bench.script.sent(), 0);
}

#[tokio::test]
async fn a_replacement_says_price_and_reference_and_keeps_the_legs() {
    let bench = bench().await;
    let old = BrokerOrderId("771200".into());
    let put = "PUT /accounts/5WX00042/orders/771200";
    let contingent = r#"{"data":{"id":771201,"status":"Contingent","replaces-order-id":771200,
        "external-identifier":"0190f7c2-6f1e-7c55-8f4e-2b6a7b1d9c10"}}"#;
    bench.script.on(put, [Answer::Json(200, contingent.into()), Answer::Closed]);
    let debit = Ticket { limit: NetPrice(Decimal::new(-70, 2)), ..ticket(bench.account) };
    let placed = bench.desk.replace(bench.account, &old, Cleared::for_test(Replacement(debit))).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    assert_eq!((report.replaces.as_ref(), &report.status), (Some(&old), &OrderStatus::Contingent));
    let body: serde_json::Value = serde_json::from_slice(&bench.script.asked(put)[0].body).expect("JSON");
    assert_eq!((body["price"].as_str(), body["price-effect"].as_str()), (Some("0.7"), Some("Debit")));
    assert!(body.get("legs").is_none() && body["external-identifier"].is_string());
    let lost =
        bench.desk.replace(bench.account, &old, Cleared::for_test(Replacement(ticket(bench.account)))).await;
    assert!(matches!(lost, Placed::Unknown { .. }), "{lost:?}");
    assert_eq!(bench.script.sent(), 2);
}

#[tokio::test]
async fn a_cancel_is_accepted_refused_or_unknown_like_an_order() {
    let bench = bench().await;
    let order = BrokerOrderId("771201".into());
    let gone = r#"{"error":{"code":"cannot_update_order","message":"the order could not be cancelled"}}"#;
    let ends = [
        Answer::Json(200, r#"{"data":{"id":771201,"status":"Cancel Requested"}}"#.into()),
        Answer::Json(422, gone.into()),
        Answer::Closed,
        Answer::Json(200, r#"{"data":{"id":5,"status":"Cancel Requested"}}"#.into()),
        Answer::Json(200, String::new()),
    ];
    bench.script.on("DELETE /accounts/5WX00042/orders/771201", ends);
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(match bench.desk.cancel(bench.account, &order).await {
            Placed::Accepted(report) if report.status == OrderStatus::CancelRequested => "yes",
            Placed::Accepted(_) => "what?",
            Placed::Refused(refusal) if refusal.messages[0].code == "cannot_update_order" => "no",
            Placed::Refused(_) => "why?",
            Placed::Unknown { .. } => "unknown",
        });
    }
    assert_eq!(told, ["yes", "no", "unknown", "unknown", "unknown"]);
    assert_eq!(bench.script.sent(), 5);
}

#[tokio::test]
async fn a_set_goes_out_as_one_and_closing_orders_insist_on_their_position() {
    let bench = bench().await;
    let path = "POST /accounts/5WX00042/complex-orders";
    let answer = r#"{"data":{"complex-order":{"id":56544,"type":"OTOCO",
        "trigger-order":{"id":1,"status":"Routed"},
        "orders":[{"id":2,"status":"Contingent"},{"id":3,"status":"Contingent"}]}}}"#;
    bench.script.on(path, [Answer::Json(201, answer.into()), Answer::Closed]);
    let exit = || {
        let mut exit = ticket(bench.account);
        exit.legs[0].action = OrderAction::BuyToClose;
        exit.legs[1].action = OrderAction::SellToClose;
        Ticket { time_in_force: TimeInForce::Gtc, limit: NetPrice(Decimal::new(-75, 2)), ..exit }
    };
    let set = |trigger| ComplexTicket {
        kind: ComplexKind::Otoco,
        trigger,
        orders: vec![exit().into(), Exit { ticket: exit(), stop: Some(NetPrice(Decimal::new(-70, 2))) }],
    };
    let placed = bench.desk.place_complex(Cleared::for_test(set(Some(ticket(bench.account))))).await;
    let Placed::Accepted(report) = placed else { panic!("{placed:?}") };
    assert_eq!((report.id.0.as_str(), report.orders.len()), ("56544", 3));
    assert!(report.orders.iter().all(|order| order.complex.as_ref() == Some(&report.id)));
    let body: serde_json::Value = serde_json::from_slice(&bench.script.asked(path)[0].body).expect("JSON");
    assert_eq!(body["type"].as_str(), Some("OTOCO"));
    assert!(body["trigger-order"].get("advanced-instructions").is_none());
    for order in body["orders"].as_array().expect("orders") {
        assert_eq!(order["advanced-instructions"]["strict-position-effect-validation"].as_bool(), Some(true));
        assert_eq!(order["time-in-force"].as_str(), Some("GTC"));
    }
    let word = |place: usize, key: &str| body["orders"][place][key].as_str().map(str::to_owned);
    assert_eq!((word(0, "order-type").as_deref(), word(0, "stop-trigger")), (Some("Limit"), None));
    assert_eq!(word(1, "order-type").as_deref(), Some("Stop Limit"));
    assert_eq!(
        (word(1, "stop-trigger").as_deref(), word(1, "price").as_deref()),
        (Some("0.7"), Some("0.75"))
    );
    let lost = bench.desk.place_complex(Cleared::for_test(set(Some(ticket(bench.account))))).await;
    assert!(matches!(lost, Placed::Unknown { .. }), "{lost:?}");
    let headless = bench.desk.place_complex(Cleared::for_test(set(None))).await;
    assert!(matches!(headless, Placed::Refused(OrderRefusal { status: 0, .. })), "{headless:?}");
    assert_eq!(bench.script.sent(), 2);
}

#[tokio::test]
async fn the_search_reads_every_page_or_fails() {
    let bench = bench().await;
    let path = "GET /accounts/5WX00042/orders";
    let page = |ids: &str, pages: &str| {
        Answer::Json(200, format!(r#"{{"data":{{"items":[{ids}]}},"pagination":{pages}}}"#))
    };
    let from = chrono::DateTime::from_timestamp_millis(1_795_186_980_190).expect("an instant");
    let three = r#"{"total-pages":"3"}"#;
    // The second page repeats an order that a newer one has pushed down.
    bench.script.on(
        path,
        [
            page(r#"{"id":9},{"id":8}"#, three),
            page(r#"{"id":8},{"id":"7","status":"Hovering"}"#, three),
            page(r#"{"id":6}"#, three),
        ],
    );
    let found = bench.desk.orders_since(bench.account, from).await.expect("orders");
    assert_eq!(found.iter().map(|order| order.id.0.as_str()).collect::<Vec<_>>(), ["9", "8", "7", "6"]);
    assert_eq!(found[2].status, OrderStatus::Other("Hovering".into()));
    let asked = bench.script.asked(path);
    assert_eq!(asked.len(), 3);
    assert!(asked[0].query.contains("start-at=2026-11-20T15%3A03%3A00.190Z"), "{}", asked[0].query);
    assert!(asked[2].query.contains("page-offset=2"), "{}", asked[2].query);

    bench.script.on(path, [page(r#"{"id":9}"#, "null"), page("", "null")]);
    assert_eq!(bench.desk.orders_since(bench.account, from).await.map(|found| found.len()), Ok(1));
    for bad in [r#"{"id":9},{"status":"Live"}"#, r#"{"id":9},17"#] {
        bench.script.on(path, [page(bad, "null")]);
        assert!(bench.desk.orders_since(bench.account, from).await.is_err(), "{bad}");
    }
    bench.script.on(path, [page(r#"{"id":9}"#, three), Answer::Json(403, "{}".into())]);
    assert!(bench.desk.orders_since(bench.account, from).await.is_err());
}

#[tokio::test]
async fn one_order_is_that_order_or_an_error() {
    let bench = bench().await;
    let path = "GET /accounts/5WX00042/orders/7";
    let order = BrokerOrderId("7".into());
    bench.script.on(path, [Answer::Json(200, r#"{"data":{"id":7,"status":"Live"}}"#.into())]);
    assert_eq!(bench.desk.order(bench.account, &order).await.map(|o| o.status), Ok(OrderStatus::Live));
    bench.script.on(path, [Answer::Json(200, r#"{"data":{"id":8,"status":"Live"}}"#.into())]);
    assert!(bench.desk.order(bench.account, &order).await.is_err());
}

#[tokio::test]
async fn a_dry_run_that_says_nothing_is_an_error_and_a_no_is_a_no() {
    let bench = bench().await;
    let no = r#"{"error":{"code":"preflight_check_failure","errors":[{"code":"x","message":"No."}]}}"#;
    bench.script.on(
        DRY_RUN,
        [
            Answer::Json(422, no.into()),
            Answer::Json(200, r#"{"data":{"order":{}}}"#.into()),
            Answer::Closed,
            Answer::Json(502, "<html>".into()),
        ],
    );
    let ticket = ticket(bench.account);
    let refused = bench.desk.dry_run(&ticket).await;
    assert!(matches!(&refused, Err(Undone::Refused(no)) if no.to_string() == "No."), "{refused:?}");
    for _ in 0..3 {
        let undone = bench.desk.dry_run(&ticket).await;
        assert!(matches!(undone, Err(Undone::Broker(_))), "{undone:?}");
    }
    assert_eq!(bench.script.sent(), 4);
}

#[test]
fn no_desk_stands_at_the_real_host_without_the_yeses() {
    let credentials = || Credentials { client_secret: "a-secret".into(), refresh_token: "a-grant".into() };
    let reads = |config| Arc::new(Tastytrade::new(config, credentials()).expect("an adapter"));
    for (configured, environment) in
        [(false, Some("1")), (true, None), (true, Some("true")), (true, Some("")), (false, None)]
    {
        assert!(LiveOptIn::given(configured, environment).is_none());
    }
    let yes = LiveOptIn::given(true, Some("1")).expect("two yeses");
    let simulated = || TastytradeConfig::loopback("http://127.0.0.1:1", "ws://127.0.0.1:1");
    let is = |desk: Result<TastytradeDesk, NoDesk>| desk.map_err(|no| no == NoDesk::OtherEnvironment).err();
    for (config, loopback, sandbox, live) in [
        (simulated(), None, Some(true), Some(true)),
        (TastytradeConfig::sandbox(), Some(true), None, Some(true)),
        (TastytradeConfig::production(), Some(true), Some(true), None),
    ] {
        assert_eq!(is(TastytradeDesk::loopback(reads(config.clone()))), loopback, "{}", config.base_url);
        assert_eq!(is(TastytradeDesk::sandbox(reads(config.clone()))), sandbox, "{}", config.base_url);
        assert_eq!(is(TastytradeDesk::live(reads(config.clone()), yes)), live, "{}", config.base_url);
    }
}

#[tokio::test]
async fn a_desk_that_reads_sends_nothing() {
    let bench = bench().await;
    let desk = TastytradeDesk::reading(Arc::clone(&bench.desk.reads));
    let ticket = ticket(bench.account);
    assert!(matches!(desk.dry_run(&ticket).await, Err(Undone::Broker(BrokerError::Forbidden { .. }))));
    let id = BrokerOrderId("1".into());
    assert!(matches!(desk.cancel(bench.account, &id).await, Placed::Refused(no) if no.status == 0));
    assert_eq!(bench.script.sent(), 0);
}
