//! REST: authorisation, error answers, odd types.

use std::time::{Duration, Instant};

use cotrader::broker::error::Grade;
use cotrader::broker::{Broker, BrokerError};
use cotrader::domain::report::SessionState;
use cotrader::domain::{AccountKind, Instrument, Symbol};
use cotrader::market::update::MarketUpdate;
use rust_decimal::Decimal;

use super::fake::{Canned, Fake, REFRESH, SECRET, token};

const SESSION: &str = "/market-time/equities/sessions/current";
const OPEN: &str = r#"{"data":{"state":"Open","open-at":"2026-11-20T14:30:00.000+00:00"}}"#;

#[tokio::test]
async fn a_read_carries_the_token_and_the_agent() {
    let fake = Fake::start().await;
    fake.script.on(SESSION, [Canned::ok(OPEN)]);
    let adapter = fake.adapter();
    assert_eq!(adapter.clock_skew_ms(), None);
    assert_eq!(adapter.session().await.expect("a session").state, SessionState::Open);
    let asked = fake.script.last(SESSION);
    assert_eq!(asked.authorization.as_deref(), Some("Bearer first"));
    assert!(asked.user_agent.is_some_and(|agent| agent.starts_with("cotrader/")));
    assert_eq!(fake.script.last("/oauth/token").authorization, None);
    assert!(adapter.clock_skew_ms().is_some_and(|skew| skew.abs() < 1_500));
}

#[tokio::test]
async fn a_401_renews_once_and_repeats_the_read_once() {
    let fake = Fake::start().await;
    fake.script.on(SESSION, [Canned::status(401, "{}"), Canned::ok(OPEN)]);
    assert!(fake.adapter().session().await.is_ok());
    assert_eq!(fake.script.count("/oauth/token"), 2);
    assert_eq!(fake.script.last(SESSION).authorization.as_deref(), Some("Bearer second"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_by_one_request_only() {
    let fake = Fake::start().await;
    fake.script.on("/oauth/token", [token("short", "1e-9"), token("long", "\"900\"")]);
    fake.script.on(SESSION, [Canned::ok(OPEN)]);
    let adapter = fake.adapter();
    adapter.session().await.expect("a session");
    let all = tokio::join!(adapter.session(), adapter.session(), adapter.session(), adapter.session());
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
    assert_eq!(fake.script.count("/oauth/token"), 2);
    assert_eq!(fake.script.last(SESSION).authorization.as_deref(), Some("Bearer long"));
}

#[tokio::test]
async fn refused_credentials_are_tried_three_times_and_never_named() {
    let fake = Fake::start().await;
    let grumble = format!(r#"{{"error":"invalid_grant","error_description":"{REFRESH} {SECRET} 5WX00042"}}"#);
    fake.script.on("/oauth/token", [Canned::status(400, &grumble)]);
    let adapter = fake.adapter();
    for _ in 0..6 {
        let error = adapter.session().await.expect_err("no token");
        assert_eq!(error.grade(), Grade::Stop);
        let told = format!("{error} {error:?}");
        assert!(told.contains("invalid_grant"), "{told}");
        assert!(["5WX00042", SECRET, REFRESH].iter().all(|secret| !told.contains(secret)), "{told}");
    }
    assert_eq!(fake.script.count("/oauth/token"), 3);
    assert_eq!(fake.script.count(SESSION), 0);
}

#[tokio::test]
async fn a_token_that_is_always_refused_stops_the_renewals() {
    let fake = Fake::start().await;
    fake.script.on(SESSION, [Canned::status(401, "{}")]);
    let adapter = fake.adapter();
    for _ in 0..8 {
        assert!(matches!(adapter.session().await, Err(BrokerError::Unauthorised { .. })));
    }
    assert!(fake.script.count("/oauth/token") <= 4, "{}", fake.script.count("/oauth/token"));
}

#[tokio::test]
async fn a_gateway_page_is_retried_and_then_told_without_its_html() {
    let fake = Fake::start().await;
    let page = Canned::status(502, "<html><body>Bad Gateway</body></html>");
    fake.script.on(SESSION, [page.clone(), page.clone(), Canned::ok(OPEN)]);
    assert!(fake.adapter().session().await.is_ok());
    assert_eq!(fake.script.count(SESSION), 3);
    fake.script.on(SESSION, [page]);
    let error = fake.adapter().session().await.expect_err("a page");
    assert_eq!(error, BrokerError::Server { status: 502, message: "the answer is not JSON".into() });
    assert_eq!(fake.script.count(SESSION), 6);
}

#[tokio::test]
async fn retry_after_is_waited_for_but_not_for_ever() {
    let fake = Fake::start().await;
    let wait = Canned::status(429, "").with("retry-after", "2");
    fake.script.on(SESSION, [wait, Canned::ok(OPEN)]);
    let adapter = fake.adapter();
    let before = Instant::now();
    assert!(adapter.session().await.is_ok());
    assert!(before.elapsed() >= Duration::from_secs(2));
    fake.script.on(SESSION, [Canned::status(429, "").with("retry-after", "3600")]);
    let error = adapter.session().await.expect_err("too many requests");
    assert_eq!(error, BrokerError::RateLimited { retry_after_seconds: Some(3600) });
    assert_eq!(fake.script.count(SESSION), 3);
}

#[tokio::test]
async fn success_that_is_not_json_or_carries_nothing_is_an_error() {
    let fake = Fake::start().await;
    let adapter = fake.adapter();
    for body in ["<html>Maintenance</html>", "", r#"{"data":null}"#, "{}", r#"{"data":{"state":"#] {
        fake.script.on(SESSION, [Canned::ok(body)]);
        let error = adapter.session().await.expect_err("nothing to read");
        assert!(matches!(error, BrokerError::Unreadable { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_a_network_failure() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0u8; 4096];
            let _ = socket.read(&mut request).await;
            let half =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"data\":";
            let _ = socket.write_all(half.as_bytes()).await;
        }
    });
    let config = cotrader::broker::tastytrade::TastytradeConfig::loopback(&base, base.replace("http", "ws"));
    let adapter = cotrader::broker::tastytrade::Tastytrade::new(config, super::fake::credentials())
        .expect("an adapter");
    let error = adapter.session().await.expect_err("half an answer");
    assert!(matches!(error, BrokerError::Unreachable { .. }), "{error}");
    assert_eq!(error.grade(), Grade::Retry);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fake = Fake::start().await;
    fake.script.on(SESSION, [Canned::status(302, "").with("location", "/elsewhere")]);
    let error = fake.adapter().session().await.expect_err("a redirect");
    assert!(matches!(error, BrokerError::Rejected { status: 302, .. }), "{error}");
    assert_eq!(fake.script.count("/elsewhere"), 0);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let fake = Fake::start().await;
    fake.script.on(SESSION, [Canned::ok(&" ".repeat(33 * 1024 * 1024))]);
    let error = fake.adapter().session().await.expect_err("too much");
    assert!(matches!(error, BrokerError::TooLarge { limit_mib: 32, .. }), "{error}");
}

#[tokio::test]
async fn accounts_survive_strings_numbers_and_missing_parts() {
    let fake = Fake::start().await;
    fake.script.on(
        "/customers/me/accounts",
        [Canned::ok(
            r#"{"data":{"items":[
              {"account":{"account-number":"5WX00001","account-type-name":"Roth IRA","margin-or-cash":"Margin"}},
              "rubbish", {"account":{}},
              {"account":{"account-number":"5WX00002","margin-or-cash":"Margin","nickname":"Main","is-closed":false}}
            ]}}"#,
        )],
    );
    fake.script.on(
        "/accounts/5WX00001/balances/USD",
        [Canned::ok(r#"{"data":{"cash-balance":10.5,"net-liquidating-value":"20"}}"#)],
    );
    fake.script.on(
        "/accounts/5WX00001/positions",
        [Canned::ok(
            r#"{"data":{"items":[
              {"symbol":"SPY   261218P00640000","instrument-type":"Equity Option","underlying-symbol":"SPY",
               "quantity":"2","quantity-direction":"Short","multiplier":100.0},
              {"symbol":"SPY","instrument-type":"Equity","quantity":40,"quantity-direction":"Long"},
              {"symbol":"/ESZ6","instrument-type":"Future","quantity":1,"quantity-direction":"Long"},
              17]}}"#,
        )],
    );
    let adapter = fake.adapter();
    let report = adapter.accounts().await.expect("a report");
    assert_eq!(report.accounts.len(), 2);
    let [ira, main] = &report.accounts[..] else { panic!("{report:?}") };
    assert_eq!((ira.account.kind, ira.account.masked_number.as_str()), (AccountKind::Ira, "…0001"));
    assert!(ira.balances.is_some());
    let positions = ira.positions.as_ref().expect("positions");
    assert_eq!(
        positions.iter().map(|p| p.quantity).collect::<Vec<_>>(),
        [Decimal::from(-2), Decimal::from(40)]
    );
    // The future, which is not modelled, and the 17.
    assert_eq!(ira.unread, 2);
    // 404 on both: unknown, which is not "no positions".
    assert_eq!((main.account.kind, &main.balances, &main.positions), (AccountKind::Margin, &None, &None));
    assert!(!format!("{report:?}").contains("5WX0000"));
}

#[tokio::test]
async fn quotes_are_asked_by_type_a_hundred_at_a_time() {
    let fake = Fake::start().await;
    fake.script.on(
        "/market-data/by-type",
        [Canned::ok(
            r#"{"data":{"items":[{"symbol":"S7","bid":"1.5","ask":1.6,"bid-size":"3.0","last":"1.55"},
               {"symbol":"VIX","mark":"17.2","bid-size":"0.0"},{"symbol":"NOT-ASKED","bid":"1"}]}}"#,
        )],
    );
    let mut wanted: Vec<Instrument> =
        (0..130).map(|n| Instrument::Equity(Symbol::new(&format!("S{n}")).expect("a symbol"))).collect();
    wanted.push(Instrument::Index(Symbol::new("VIX").expect("a symbol")));
    let updates = fake.adapter().quotes(&wanted).await.expect("quotes");
    assert_eq!(fake.script.count("/market-data/by-type"), 2);
    assert!(fake.script.last("/market-data/by-type").target.contains("index=VIX"));
    let vix = updates.iter().find_map(|update| match update {
        MarketUpdate::Trade { instrument: Instrument::Index(_), trade, .. } => trade.price,
        _ => None,
    });
    assert_eq!(vix.map(|price| price.to_string()), Some("17.2".into()));
    // S7 was asked for in the first request, VIX in the second; three kinds each.
    assert_eq!(updates.len(), 6);
}

#[tokio::test]
async fn a_chain_path_is_encoded_segment_by_segment() {
    let fake = Fake::start().await;
    fake.script.on("/option-chains/BRK%2FA/nested", [Canned::ok(r#"{"data":{"items":[]}}"#)]);
    let chain = fake.adapter().chain(&Symbol::new("BRK/A").expect("a symbol")).await.expect("a chain");
    assert!(chain.expirations.is_empty());
}
