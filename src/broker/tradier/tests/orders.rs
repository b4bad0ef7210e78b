use chrono::{NaiveDate, TimeZone, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::broker::tradier::parse::instrument;
use crate::broker::tradier::{NoDesk, TradierDesk};
use crate::broker::{OrderDesk, Undone};
use crate::domain::control::LiveOptIn;
use crate::domain::order::{
    BrokerOrderId, ComplexKind, ComplexTicket, NetPrice, OrderAction, OrderLeg, OrderStatus, Placed, Ticket,
    TimeInForce,
};
use crate::domain::{OrderRef, Timestamp, TradeId};
use crate::risk::controls::{Cleared, Replacement};

const ORDERS: &str = "POST /accounts/VA000001/orders";

fn ticket(n: u128, cents: i64) -> Ticket {
    let leg = |symbol, action| OrderLeg {
        instrument: instrument(symbol).expect("an instrument"),
        action,
        quantity: 2,
    };
    Ticket {
        reference: OrderRef(Uuid::from_u128(n)),
        trade: TradeId(Uuid::from_u128(1)),
        account: account(),
        legs: vec![
            leg("SPY261218P00630000", OrderAction::SellToOpen),
            leg("SPY261218P00620000", OrderAction::BuyToOpen),
        ],
        limit: NetPrice(Decimal::new(cents, 2)),
        time_in_force: TimeInForce::Day,
    }
}

pub fn cleared(n: u128, cents: i64) -> Cleared<Ticket> {
    Cleared::for_test(ticket(n, cents))
}

pub fn desk(server: &Server) -> TradierDesk {
    TradierDesk::loopback(adapter(server)).expect("a loopback desk")
}

fn that_morning() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 20, 15, 0, 0).single().expect("an instant")
}

async fn placed(desk: &TradierDesk, n: u128) -> BrokerOrderId {
    match desk.place(cleared(n, 150)).await {
        Placed::Accepted(report) => report.id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_asked_about_is_what_is_sent_and_it_is_found_by_number_and_by_tag() {
    let server = Server::start().await;
    let desk = desk(&server);
    let run = desk.dry_run(&ticket(7, 150)).await.expect("a preview");
    let money = |value: Option<crate::domain::Money>| value.map(|money| money.0.normalize().to_string());
    assert_eq!(money(run.buying_power_change), Some("-1700.7".into()));
    assert_eq!(money(run.buying_power_after), Some("4663.16".into()));
    assert_eq!((money(run.fees), run.errors.len()), (Some("-0.7".into()), 0));
    assert_eq!(server.sent(), 0, "a preview changes nothing");

    let Placed::Accepted(report) = desk.place(cleared(7, 150)).await else { panic!("not accepted") };
    assert_eq!((report.status, report.legs.len()), (OrderStatus::Received, 0));
    let [asked, sent] = &server.asked(ORDERS)[..] else { panic!("not twice") };
    let mut asked = asked.form.clone();
    assert_eq!(asked.remove("preview").as_deref(), Some("true"));
    assert_eq!(asked, sent.form);
    assert_eq!(sent.form["tag"], Uuid::from_u128(7).to_string());
    assert_eq!((sent.form["class"].as_str(), sent.form["price"].as_str()), ("multileg", "1.5"));

    let by_number = desk.order(account(), &report.id).await.expect("the order");
    assert_eq!(
        (by_number.reference, &by_number.status),
        (Some(OrderRef(Uuid::from_u128(7))), &OrderStatus::Live)
    );
    assert_eq!((by_number.legs.len(), by_number.limit), (2, Some(NetPrice(Decimal::new(15, 1)))));
    let found = desk.orders_since(account(), that_morning()).await.expect("orders");
    assert_eq!(found, [by_number]);
    let unknown = desk.order(account(), &BrokerOrderId("9".into())).await;
    assert!(matches!(unknown, Err(BrokerError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_lost_answer_is_unknown_is_sent_once_and_is_found_again_by_its_tag() {
    let server = Server::start().await;
    let desk = desk(&server);
    server.fault(ORDERS, [Fault::Lost]);
    let lost = desk.place(cleared(7, 150)).await;
    assert!(matches!(lost, Placed::Unknown { .. }), "{lost:?}");
    assert_eq!(server.sent(), 1);
    placed(&desk, 8).await;
    let found = desk.orders_since(account(), that_morning()).await.expect("orders");
    let tags: Vec<_> = found.iter().filter_map(|order| order.reference).collect();
    assert_eq!(tags.len(), 2);
    assert!(tags.contains(&OrderRef(Uuid::from_u128(7))));
}

#[tokio::test]
async fn every_bad_end_of_an_order_is_unknown_and_nothing_is_sent_twice() {
    let status = |code, body: &str| Fault::Status(code, "", body.to_owned());
    let ends = [
        Fault::Closed,
        status(200, "<html>Maintenance</html>"),
        status(200, ""),
        status(200, "null"),
        status(200, r#"{"order":"null"}"#),
        status(200, r#"{"order":{"status":"ok"}}"#),
        status(200, r#"{"order":{"id":0,"status":"ok"}}"#),
        status(200, r#"{"order":{"id":7}}"#),
        status(302, ""),
        status(500, r#"{"fault":{"faultstring":"support id VA000001"}}"#),
        status(503, "<html>"),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let server = Server::start().await;
        server.fault(ORDERS, [end]);
        let answer = desk(&server).place(cleared(7, 150)).await;
        let Placed::Unknown { why } = &answer else { panic!("{n}: {answer:?}") };
        assert!(!why.is_empty() && !why.contains(NUMBER) && !why.contains('<'), "{n}: {why}");
        assert_eq!(server.sent(), 1, "{n}: {why}");
    }
}

#[tokio::test]
async fn a_definite_no_is_told_with_every_reason_and_sent_once() {
    let both = r#"{"errors":{"error":["VA000001 has too little.","Second\u001b[31m."]}}"#;
    let one = r#"{"errors":{"error":"VA000001 has too little."}}"#;
    for (status, body, reasons) in [
        (200, both, 2),
        (200, one, 1),
        (400, both, 2),
        (401, "Invalid Access Token", 1),
        (403, "<html>", 0),
        (404, "", 0),
        (429, r#"{"fault":{"faultstring":"Quota Violation"}}"#, 1),
    ] {
        let server = Server::start().await;
        server.fault(ORDERS, [Fault::Status(status, "", body.into())]);
        let answer = desk(&server).place(cleared(7, 150)).await;
        let Placed::Refused(refusal) = &answer else { panic!("{status}: {answer:?}") };
        assert_eq!((refusal.status, refusal.messages.len()), (status, reasons), "{body}");
        let words = refusal.to_string();
        assert!(!words.contains(NUMBER) && !words.contains('\u{1b}'), "{words}");
        assert_eq!(server.sent(), 1);
        assert!(server.book().orders.is_empty());
    }
    let server = Server::start().await;
    let dear = desk(&server).place(cleared(7, 10_001)).await;
    let Placed::Refused(refusal) = dear else { panic!("{dear:?}") };
    assert_eq!(refusal.to_string(), "Backoffice rejected override of the order.; PriceTooHigh");
}

#[tokio::test]
async fn a_preview_that_says_nothing_is_an_error_and_a_no_is_a_no() {
    for body in [r#"{"order":{"status":"ok"}}"#, r#"{"order":{"cost":1}}"#, "{}", "<html>", ""] {
        let server = Server::start().await;
        server.fault(ORDERS, [Fault::Status(200, "", body.into())]);
        let answer = desk(&server).dry_run(&ticket(7, 150)).await;
        let Err(Undone::Broker(error)) = &answer else { panic!("{body}: {answer:?}") };
        assert!(matches!(error, BrokerError::Unreadable { .. }), "{error:?}");
        told(error);
    }
    for (status, body) in [(200, r#"{"errors":{"error":"NotEnoughBuyingPower"}}"#), (400, "Invalid tag")] {
        let server = Server::start().await;
        server.fault(ORDERS, [Fault::Status(status, "", body.into())]);
        let answer = desk(&server).dry_run(&ticket(7, 150)).await;
        assert!(matches!(&answer, Err(Undone::Refused(no)) if no.messages.len() == 1), "{answer:?}");
    }
    let server = Server::start().await;
    server.fault(ORDERS, [Fault::Status(503, "", String::new())]);
    let answer = desk(&server).dry_run(&ticket(7, 150)).await;
    assert!(matches!(answer, Err(Undone::Broker(BrokerError::Server { status: 503, .. }))), "{answer:?}");
}

#[tokio::test]
async fn a_change_keeps_number_and_tag_and_a_cancel_ends_it() {
    let server = Server::start().await;
    let desk = desk(&server);
    let id = placed(&desk, 7).await;
    let with = |cents| Cleared::for_test(Replacement(ticket(7, cents)));
    let changed = desk.replace(account(), &id, with(145)).await;
    let Placed::Accepted(report) = changed else { panic!("{changed:?}") };
    assert_eq!((&report.id, report.status), (&id, OrderStatus::ReplaceRequested));
    let now = desk.order(account(), &id).await.expect("the order");
    assert_eq!(now.limit, Some(NetPrice(Decimal::new(145, 2))));
    assert_eq!(now.reference, Some(OrderRef(Uuid::from_u128(7))));
    let path = format!("/accounts/{NUMBER}/orders/{id}");
    let [change] = &server.asked(&format!("PUT {path}"))[..] else { panic!("not once") };
    let mut terms: Vec<_> = change.form.keys().map(String::as_str).collect();
    terms.sort_unstable();
    assert_eq!(terms, ["duration", "price", "type"]);

    let other = json!({"order": {"id": 1, "status": "ok"}}).to_string();
    server.fault(&format!("PUT {path}"), [Fault::Status(200, "", other)]);
    let strange = desk.replace(account(), &id, with(140)).await;
    assert!(matches!(strange, Placed::Unknown { .. }), "an answer about another order: {strange:?}");

    server.fault(&format!("DELETE {path}"), [Fault::Lost]);
    let lost = desk.cancel(account(), &id).await;
    assert!(matches!(lost, Placed::Unknown { .. }), "{lost:?}");
    assert_eq!(desk.order(account(), &id).await.expect("the order").status, OrderStatus::Cancelled);
    let late = desk.cancel(account(), &id).await;
    assert!(matches!(&late, Placed::Refused(no) if no.to_string() == "order is not open"), "{late:?}");
    let gone = desk.cancel(account(), &BrokerOrderId("9".into())).await;
    assert!(matches!(&gone, Placed::Refused(no) if no.status == 400), "{gone:?}");
}

#[tokio::test]
async fn all_pages_are_read_and_a_look_that_failed_in_part_has_failed() {
    let server = Server::start().await;
    let desk = desk(&server);
    for n in 1..=5 {
        placed(&desk, n).await;
    }
    let found = desk.orders_since(account(), that_morning()).await.expect("orders");
    assert_eq!(found.len(), 5);
    let path = format!("GET /accounts/{NUMBER}/orders");
    let pages: Vec<_> = server.asked(&path).iter().map(|asked| asked.query["page"].clone()).collect();
    assert_eq!(pages, ["1", "2", "3", "4"]);
    assert!(server.asked(&path).iter().all(|asked| asked.query["includeTags"] == "true"));

    let part = json!({"orders": {"order": [{"id": 1, "status": "open"}, {"status": "open"}]}});
    for answer in [part, json!({"orders": {"order": [7]}}), json!({}), json!({"orders": "soon"})] {
        server.book().answers.insert(path.clone(), answer.clone());
        let failed = desk.orders_since(account(), that_morning()).await;
        assert!(matches!(failed, Err(BrokerError::Unreadable { .. })), "{answer}: {failed:?}");
    }
    server.book().answers.insert(path, json!({"orders": "null"}));
    assert_eq!(desk.orders_since(account(), that_morning()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn what_cannot_be_said_or_to_whom_is_refused_here_and_nothing_is_sent() {
    let server = Server::start().await;
    let desk = desk(&server);
    let day = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a date");
    let dated = Ticket { time_in_force: TimeInForce::Gtd(day), ..ticket(7, 150) };
    let stranger = Ticket { account: crate::domain::AccountId(Uuid::nil()), ..ticket(7, 150) };
    for bad in [dated.clone(), stranger.clone(), Ticket { legs: Vec::new(), ..ticket(7, 150) }] {
        let answer = desk.place(Cleared::for_test(bad)).await;
        assert!(
            matches!(&answer, Placed::Refused(no) if no.status == 0 && !no.messages.is_empty()),
            "{answer:?}"
        );
    }
    let id = BrokerOrderId("228175".into());
    for bad in [dated, stranger] {
        let answer = desk.replace(account(), &id, Cleared::for_test(Replacement(bad))).await;
        assert!(matches!(&answer, Placed::Refused(no) if no.status == 0), "{answer:?}");
    }
    let set = ComplexTicket {
        kind: ComplexKind::Oco,
        trigger: None,
        orders: vec![ticket(1, 150).into(), ticket(2, 50).into()],
    };
    let answer = desk.place_complex(Cleared::for_test(set)).await;
    assert!(
        matches!(&answer, Placed::Refused(no) if no.to_string().contains("an order of its own")),
        "{answer:?}"
    );
    assert!(matches!(desk.cancel_complex(account(), &id).await, Placed::Refused(no) if no.status == 0));
    assert_eq!(server.sent(), 0);
}

#[test]
fn no_desk_stands_at_the_real_host_without_the_yeses() {
    let reads = |config| Arc::new(Tradier::new(config, TOKEN.into()).expect("an adapter"));
    let yes = LiveOptIn::given(true, Some("1")).expect("two yeses");
    let is = |desk: Result<TradierDesk, NoDesk>| desk.map_err(|no| no == NoDesk::OtherEnvironment).err();
    let simulated = || TradierConfig::loopback("http://127.0.0.1:1/v1", "ws://127.0.0.1:1/v1");
    for (config, loopback, sandbox, live) in [
        (simulated(), None, Some(true), Some(true)),
        (TradierConfig::sandbox(), Some(true), None, Some(true)),
        (TradierConfig::production(), Some(true), Some(true), None),
    ] {
        assert_eq!(is(TradierDesk::loopback(reads(config.clone()))), loopback, "{}", config.base_url);
        assert_eq!(is(TradierDesk::sandbox(reads(config.clone()))), sandbox, "{}", config.base_url);
        assert_eq!(is(TradierDesk::live(reads(config.clone()), yes)), live, "{}", config.base_url);
    }
}
