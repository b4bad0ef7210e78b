//! The account stream: acknowledgement before heartbeats, notices, the token of the moment.

use std::time::Duration;

use cotrader::broker::StreamEvent;
use cotrader::domain::AccountId;
use cotrader::domain::report::AccountNotice;
use cotrader::market::update::Link;
use serde_json::json;

use super::fake::{Canned, token};
use super::peer::{Peers, Running, want};

async fn notice(running: &mut Running) -> AccountNotice {
    running
        .until(|event| match event {
            StreamEvent::Account(notice) => Some(notice.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn it_waits_for_the_acknowledgement_then_beats_and_reports() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&[]), |config| {
        config.keepalive.account_every = Duration::from_millis(30);
    });
    let mut peer = peers.account_up().await;
    assert_eq!(running.up(Link::AccountStream).await, 1);
    assert_eq!(notice(&mut running).await, AccountNotice::Other { account: None, kind: "connected".into() });
    let heartbeat = peer.next().await;
    assert_eq!(
        (heartbeat["action"].as_str(), heartbeat["auth-token"].as_str()),
        (Some("heartbeat"), Some("Bearer first"))
    );
    let position = json!({"type": "CurrentPosition", "data": {"account-number": "5WX00042", "symbol": "SPY",
        "instrument-type": "Equity", "quantity": "3", "quantity-direction": "Short"}});
    let balance =
        json!({"type": "AccountBalance", "data": {"account-number": "5WX00042", "cash-balance": "12.5"}});
    peer.send(json!({"results": [position, 7, balance]})).await;
    peer.send(json!({"type": "OrderChain", "data": {"account-number": "5WX00042"}})).await;
    let id = AccountId::from_number("tastytrade", "5WX00042");
    let first = notice(&mut running).await;
    let AccountNotice::Position { account, position } = first else { panic!("{first:?}") };
    assert_eq!((account, position.quantity.to_string()), (id, "-3".to_owned()));
    assert!(matches!(notice(&mut running).await, AccountNotice::Balances { .. }));
    let other = AccountNotice::Other { account: Some(id), kind: "OrderChain".into() };
    assert_eq!(notice(&mut running).await, other);
}

#[tokio::test]
async fn heartbeats_carry_the_token_of_the_moment() {
    let mut peers = Peers::start().await;
    peers.rest.script.on("/oauth/token", [token("first", "0.3"), token("second", "900")]);
    let _running = peers.run(want(&[]), |config| {
        config.keepalive.account_every = Duration::from_millis(50);
    });
    let mut peer = peers.account_up().await;
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("Bearer second") {
        seen.push(peer.next().await["auth-token"].as_str().expect("a token").to_owned());
        assert!(seen.len() < 100, "never renewed");
    }
}

#[tokio::test]
async fn an_error_or_a_silence_ends_the_connection_and_the_next_says_read_again() {
    let mut peers = Peers::start().await;
    let mut running = peers.run(want(&[]), |config| {
        config.keepalive.account_silence = Duration::from_millis(200);
    });
    let mut peer = peers.account_up().await;
    running.up(Link::AccountStream).await;
    peer.send(json!({"status": "error", "action": "heartbeat", "message": "stale token 5WX00042"})).await;
    let why = running.down(Link::AccountStream).await;
    assert!(why.contains("heartbeat") && !why.contains("5WX00042"), "{why}");
    let _silent = peers.account_up().await;
    assert_eq!(running.up(Link::AccountStream).await, 2);
    assert_eq!(notice(&mut running).await, AccountNotice::Other { account: None, kind: "connected".into() });
    assert!(running.down(Link::AccountStream).await.starts_with("silent"));
    peers.account_up().await;
    assert_eq!(running.up(Link::AccountStream).await, 3);
}

#[tokio::test]
async fn refused_credentials_stop_both_links_after_three_logins() {
    let peers = Peers::start().await;
    let refusal = r#"{"error":"invalid_grant","error_description":"revoked"}"#;
    peers.rest.script.on("/oauth/token", [Canned::status(400, refusal)]);
    let mut running = peers.run(want(&["SPY"]), |_| {});
    let mut refused = Vec::new();
    while refused.len() < 2 {
        let link = running
            .until(|event| match event {
                StreamEvent::Link { link, state: cotrader::market::update::LinkState::Refused { .. } } => {
                    Some(*link)
                }
                _ => None,
            })
            .await;
        assert!(!refused.contains(&link));
        refused.push(link);
    }
    assert_eq!(peers.rest.script.count("/oauth/token"), 3);
}
