use super::*;
use crate::broker::Broker;
use crate::broker::error::Grade;
use crate::broker::tradier::parse::instrument;
use crate::domain::report::SessionState;
use crate::domain::{Instrument, Symbol};
use crate::market::update::MarketUpdate;

fn instruments(of: &[&str]) -> Vec<Instrument> {
    of.iter().map(|text| instrument(text).expect("an instrument")).collect()
}

#[tokio::test]
async fn an_account_comes_with_balances_and_positions_and_without_its_number() {
    let server = Server::start().await;
    let report = adapter(&server).accounts().await.expect("accounts");
    let [one] = &report.accounts[..] else { panic!("{report:?}") };
    assert_eq!((one.account.id, one.account.masked_number.as_str()), (account(), "…0001"));
    let balances = one.balances.as_ref().expect("balances");
    assert_eq!(balances.net_liq.map(|money| money.to_string()), Some("17798.36".into()));
    assert_eq!(balances.buying_power.map(|money| money.to_string()), Some("6363.86".into()));
    let [position] = one.positions.as_deref().expect("positions") else { panic!("{one:?}") };
    assert_eq!(position.average_open_price.map(|price| price.to_string()), Some("1.55".into()));
    assert_eq!((position.quantity, one.unread), ((-2).into(), 0));
    assert!(!format!("{report:?}").contains(NUMBER));
}

#[tokio::test]
async fn no_positions_is_not_positions_that_could_not_be_read() {
    let server = Server::start().await;
    let path = format!("GET /accounts/{NUMBER}/positions");
    let adapter = adapter(&server);
    let positions = async |answer: serde_json::Value| {
        server.book().answers.insert(path.clone(), answer);
        let mut report = adapter.accounts().await.expect("accounts");
        let one = report.accounts.remove(0);
        (one.positions.map(|all| all.len()), one.unread)
    };
    use serde_json::json;
    assert_eq!(positions(json!({"positions": "null"})).await, (Some(0), 0));
    assert_eq!(positions(json!({"positions": null})).await, (Some(0), 0));
    let many = json!([{"symbol": "SPY", "quantity": "3"}, {"symbol": "SPY"}, 7, {"quantity": 1}]);
    assert_eq!(positions(json!({"positions": {"position": many}})).await, (Some(1), 3));
    for failed in [json!({}), json!({"positions": "soon"}), json!([]), json!(7), json!(null)] {
        assert_eq!(positions(failed.clone()).await, (None, 0), "{failed}");
    }
}

#[tokio::test]
async fn every_answer_may_be_anything_and_is_an_error_or_a_value_but_never_a_panic() {
    use serde_json::json;
    let odd = [json!(null), json!([]), json!("null"), json!({"x": []}), json!(7)];
    for answer in odd {
        let server = Server::start().await;
        for outer in
            ["GET /user/profile", "GET /markets/clock", "GET /markets/options/lookup", "POST /markets/quotes"]
        {
            server.book().answers.insert(outer.into(), answer.clone());
        }
        let adapter = adapter(&server);
        let spy = Symbol::new("SPY").expect("a symbol");
        assert!(adapter.accounts().await.is_err() && adapter.session().await.is_err(), "{answer}");
        assert!(adapter.quotes(&instruments(&["SPY"])).await.is_err(), "{answer}");
        assert!(matches!(adapter.chain(&spy).await, Err(BrokerError::NotFound { .. })), "{answer}");
    }
}

#[tokio::test]
async fn quotes_come_with_greeks_and_without_what_nobody_knows() {
    let server = Server::start().await;
    let asked = instruments(&["SPY", "SPY261218P00630000", "UNKNOWN"]);
    let updates = adapter(&server).quotes(&asked).await.expect("quotes");
    let kinds = |of: &str| {
        let of = instrument(of).expect("an instrument");
        updates.iter().filter(|update| matches!(update,
            MarketUpdate::Quote { instrument, .. } | MarketUpdate::Trade { instrument, .. }
            | MarketUpdate::Summary { instrument, .. } | MarketUpdate::Greeks { instrument, .. } if *instrument == of))
            .count()
    };
    assert_eq!((kinds("SPY"), kinds("SPY261218P00630000"), kinds("UNKNOWN")), (3, 4, 0));
    let [form] = &server.asked("POST /markets/quotes")[..] else { panic!("not once") };
    assert_eq!(form.form.get("greeks").map(String::as_str), Some("true"));
    assert!(adapter(&server).quotes(&[]).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn chain_session_and_what_is_not_offered() {
    let server = Server::start().await;
    let adapter = adapter(&server);
    let spy = Symbol::new("SPY").expect("a symbol");
    let chain = adapter.chain(&spy).await.expect("a chain");
    assert_eq!((chain.expirations.len(), chain.expirations[0].strikes.len()), (2, 37));
    assert_eq!(adapter.session().await.expect("a session").state, SessionState::Open);
    let refused = adapter.metrics(&[spy]).await.expect_err("there are none");
    assert_eq!((told(&refused).as_str(), refused.grade()), ("Tradier offers no market metrics", Grade::Tell));
    assert!(adapter.clock_skew_ms().is_none(), "this server sends no date");
}

#[tokio::test]
async fn a_refused_token_is_told_and_not_knocked_with_for_ever() {
    let server = Server::start().await;
    let config = TradierConfig::loopback(&server.base, &server.sockets);
    let adapter = Tradier::new(config, "another-token".into()).expect("a loopback address");
    for _ in 0..5 {
        let refused = adapter.accounts().await.expect_err("a refusal");
        assert!(matches!(refused, BrokerError::Unauthorised { status: 401, .. }), "{refused:?}");
        told(&refused);
    }
    assert_eq!(server.asked("GET /user/profile").len(), 3);
    adapter.http.allow_one_more();
    adapter.accounts().await.expect_err("a refusal");
    adapter.accounts().await.expect_err("a refusal");
    assert_eq!(server.asked("GET /user/profile").len(), 4);
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_may_not_is_told() {
    let server = Server::start().await;
    let adapter = adapter(&server);
    let status = |code, headers, body: &str| Fault::Status(code, headers, body.to_owned());
    let page = "<html>Bad Gateway</html>";
    server.fault("GET /markets/clock", [status(502, "", page), Fault::Closed]);
    assert!(adapter.session().await.is_ok(), "the third time it was answered");
    assert_eq!(server.asked("GET /markets/clock").len(), 3);

    // The counted minute has just ended: the next try is due at once.
    let reset = "x-ratelimit-allowed: 120\r\nx-ratelimit-available: 0\r\nx-ratelimit-expiry: 1\r\n";
    server.fault("GET /markets/clock", [status(429, reset, "Quota Violation")]);
    assert!(adapter.session().await.is_ok());
    // Three quarters of it are left, more than is slept through.
    let end = (chrono::Utc::now() + chrono::TimeDelta::seconds(45)).timestamp_millis();
    let reset: &str = Box::leak(format!("x-ratelimit-expiry: {end}\r\n").into_boxed_str());
    server.fault("GET /markets/clock", [status(429, reset, "Quota Violation")]);
    let limited = adapter.session().await.expect_err("too long a wait");
    let BrokerError::RateLimited { retry_after_seconds: Some(31..=45) } = limited else {
        panic!("{limited:?}")
    };

    let secret = format!("account {NUMBER} is not yours");
    let refusals = [
        (status(400, "", &secret), "request refused (400): account …0001 is not yours"),
        (status(403, "", r#"{"fault":{"faultstring":"not entitled"}}"#), "not permitted: not entitled"),
        (
            status(200, "", r#"{"errors":{"error":["first","second"]}}"#),
            "request refused (200): first; second",
        ),
        (status(200, "", page), "an answer of /markets/clock could not be read: Syntax at line 1 column 1"),
        (
            status(302, "location: http://evil.example/\r\n", ""),
            "request refused (302): /markets/clock redirects; not followed",
        ),
    ];
    for (fault, words) in refusals {
        let before = server.asked("GET /markets/clock").len();
        server.fault("GET /markets/clock", [fault]);
        let error = adapter.session().await.expect_err(words);
        assert_eq!(told(&error), words);
        assert_eq!(server.asked("GET /markets/clock").len(), before + 1, "asked once: {words}");
    }
}
