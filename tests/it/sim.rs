//! The simulated broker as a stranger sees it: plain HTTP over the loopback, shapes as the wire contract has them.

use chrono::NaiveDate;
use cotrader::domain::time::new_york;
use cotrader::sim::{RunningSim, SimClock, SimConfig, WorldSource, start};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

pub fn anchor() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date")
}

pub fn config() -> SimConfig {
    let morning = new_york(anchor(), chrono::NaiveTime::from_hms_opt(10, 48, 0).expect("a time"));
    SimConfig::new(7, SimClock::starting_at(morning, 1.0), WorldSource::Seeded { anchor: anchor() })
}

pub fn client() -> Client {
    // Loopback only, but the client type wants a provider for TLS all the same; a second install is refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().user_agent("blackbox/1.0").no_proxy().build().expect("a client")
}

pub async fn sim() -> RunningSim {
    start(config()).await.expect("the simulator starts")
}

pub async fn access_token(http: &Client, sim: &RunningSim) -> String {
    let c = sim.connection();
    let body = json!({
        "grant_type": "refresh_token", "refresh_token": c.refresh_token, "client_secret": c.client_secret
    });
    let answer =
        http.post(format!("{}/oauth/token", c.base_url)).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.expect("json");
    assert!(answer.get("data").is_none(), "the token answer is not wrapped");
    assert_eq!(answer["token_type"], "Bearer");
    answer["access_token"].as_str().expect("a token").to_owned()
}

pub struct Session {
    pub http: Client,
    pub sim: RunningSim,
    pub token: String,
}

impl Session {
    pub async fn open() -> Self {
        Self::of(config()).await
    }

    pub async fn of(config: SimConfig) -> Self {
        let (http, sim) = (client(), start(config).await.expect("the simulator starts"));
        let token = access_token(&http, &sim).await;
        Self { http, sim, token }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.connection().base_url)
    }

    pub async fn raw(&self, path: &str) -> Response {
        self.http.get(self.url(path)).bearer_auth(&self.token).send().await.expect("an answer")
    }

    /// Status and body of a request with another method.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.http.request(method, self.url(path)).bearer_auth(&self.token).json(body);
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("json"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.raw(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("json")
    }
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is text in {value}"))
}

pub fn number(value: &Value, key: &str) -> f64 {
    text(value, key).parse().unwrap_or_else(|_| panic!("{key} reads as a number"))
}

#[tokio::test]
async fn doors_are_shut_without_agent_token_or_the_right_host() {
    let (http, sim) = (client(), sim().await);
    let base = &sim.connection().base_url;
    let status =
        |request: reqwest::RequestBuilder| async { request.send().await.expect("an answer").status() };
    let me = format!("{base}/customers/me");
    assert_eq!(status(http.get(&me)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(http.get(&me).bearer_auth("wrong")).await, StatusCode::UNAUTHORIZED);
    let token = access_token(&http, &sim).await;
    assert_eq!(status(http.get(&me).bearer_auth(&token)).await, StatusCode::OK);
    assert_eq!(
        status(http.get(&me).bearer_auth(&token).header("user-agent", "nonsense")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(http.get(&me).bearer_auth(&token).header("host", "evil.example")).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(http.get(&me).bearer_auth(&token).header("origin", "http://evil.example")).await,
        StatusCode::FORBIDDEN
    );
    let old = http
        .get(&me)
        .bearer_auth(&token)
        .header("accept-version", "20010101")
        .send()
        .await
        .expect("an answer");
    assert_eq!(old.status(), StatusCode::NOT_ACCEPTABLE);
    let old: Value = old.json().await.expect("json");
    assert_eq!(old["error"]["code"], 406);
    assert_eq!(
        status(http.get(&me).bearer_auth(&token).header("accept-version", "20251101")).await,
        StatusCode::OK
    );
    let sessions = status(http.post(format!("{base}/sessions")).json(&json!({ "login": "x" }))).await;
    assert_eq!(sessions, StatusCode::UNAUTHORIZED);
    sim.shutdown().await;
}

#[tokio::test]
async fn token_errors_follow_the_rfc_and_forms_are_read_too() {
    let (http, sim) = (client(), sim().await);
    let c = sim.connection().clone();
    let url = format!("{}/oauth/token", c.base_url);
    let wrong =
        json!({ "grant_type": "refresh_token", "refresh_token": "no", "client_secret": c.client_secret });
    let answer = http.post(&url).json(&wrong).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let answer: Value = answer.json().await.expect("json");
    assert_eq!(answer["error"], "invalid_grant");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", c.refresh_token.as_str()),
        ("client_secret", c.client_secret.as_str()),
    ];
    let answer = http.post(&url).form(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let bare = http.post(&url).header("user-agent", "").form(&form).send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let http = client();
    let sim = start(SimConfig { access_token_seconds: 0, ..config() }).await.expect("the simulator starts");
    let token = access_token(&http, &sim).await;
    let url = format!("{}/customers/me", sim.connection().base_url);
    let answer = http.get(url).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.expect("json");
    assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string());
}

#[tokio::test]
async fn accounts_balances_and_positions_have_the_recorded_types() {
    let s = Session::open().await;
    let accounts = s.get("/customers/me/accounts").await;
    assert_eq!(accounts["context"], "/customers/me/accounts");
    let numbers: Vec<&str> = accounts["data"]["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| text(&i["account"], "account-number"))
        .collect();
    assert_eq!(numbers, s.sim.connection().accounts);
    assert!(accounts["data"]["items"][0]["account"]["day-trader-status"].is_boolean());
    for (account, net_liq) in numbers.iter().zip([50_000.0, 200_000.0]) {
        let status = s.get(&format!("/accounts/{account}/trading-status")).await;
        assert!(status["data"]["is-frozen"].is_boolean());
        let balance = s.get(&format!("/accounts/{account}/balances/USD")).await;
        let balance = &balance["data"];
        for (key, value) in balance.as_object().expect("an object") {
            assert!(value.is_string(), "{key} is text");
        }
        assert!(balance.as_object().expect("an object").len() >= 44);
        let net = number(balance, "net-liquidating-value");
        assert!((net / net_liq - 1.0).abs() < 0.02, "{net}");
        assert!(number(balance, "derivative-buying-power") > 0.0);
        let positions = s.get(&format!("/accounts/{account}/positions?include-marks=true")).await;
        let items = positions["data"]["items"].as_array().expect("items");
        assert!(items.len() >= 8);
        for p in items {
            assert!(p["quantity"].is_number() && p["multiplier"].is_number());
            assert!(matches!(text(p, "quantity-direction"), "Long" | "Short"));
            let closing = if text(p, "quantity-direction") == "Long" { "Credit" } else { "Debit" };
            assert_eq!(text(p, "cost-effect"), closing);
            assert!(number(p, "average-open-price") > 0.0 && number(p, "close-price") > 0.0);
            assert!(number(p, "mark-price") > 0.0);
            if text(p, "instrument-type") == "Equity Option" {
                assert_eq!(text(p, "symbol").len(), 21);
                assert!(text(p, "expires-at").ends_with("+00:00"));
                assert!(text(p, "streamer-symbol").starts_with('.'));
            }
        }
        let margin = s.get(&format!("/margin/accounts/{account}/requirements")).await;
        assert!(margin["data"]["groups"].as_array().is_some_and(|g| !g.is_empty()));
        assert!(margin["data"]["last-state-timestamp"].is_i64());
        let trades = s.get(&format!("/accounts/{account}/transactions?per-page=3&page-offset=1")).await;
        assert_eq!(trades["pagination"]["current-item-count"], 3);
        assert_eq!(trades["pagination"]["item-offset"], 3);
        assert!(trades["data"]["items"][0]["quantity"].is_string());
        let history = s.get(&format!("/accounts/{account}/net-liq/history?time-back=1m")).await;
        let bars = history["data"]["items"].as_array().expect("items");
        assert!(bars.len() >= 10, "{}", bars.len());
        let last = bars.last().expect("a bar");
        assert!((number(last, "close") / net - 1.0).abs() < 0.001, "{last} {net}");
        let plain = s.get(&format!("/accounts/{account}/balances")).await;
        assert!(plain["data"].get("items").is_none());
    }
    let url = format!("{}/accounts/{}/balances", s.sim.connection().base_url, numbers[0]);
    let rows = s.http.get(url).bearer_auth(&s.token).header("accept-version", "20251101");
    let rows: Value = rows.send().await.expect("an answer").json().await.expect("json");
    assert_eq!(rows["data"]["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(s.raw("/accounts/5WT99999/positions").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn chains_and_instruments() {
    let s = Session::open().await;
    let chain = s.get("/option-chains/SPY/nested").await;
    let items = chain["data"]["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    let expirations = items[0]["expirations"].as_array().expect("expirations");
    assert!(expirations.len() >= 25, "{}", expirations.len());
    let december =
        expirations.iter().find(|e| e["expiration-date"] == "2026-12-18").expect("the monthly expiry");
    assert_eq!((text(december, "expiration-type"), text(december, "settlement-type")), ("Regular", "PM"));
    assert_eq!(december["days-to-expiration"], 28);
    let strikes = december["strikes"].as_array().expect("strikes");
    assert!((60..=120).contains(&strikes.len()), "{}", strikes.len());
    let strike = strikes.iter().find(|k| k["strike-price"] == "680.0").expect("a strike near the money");
    assert_eq!(text(strike, "call"), "SPY   261218C00680000");
    assert_eq!(text(strike, "put-streamer-symbol"), ".SPY261218P680");
    let one = s.get("/instruments/equity-options/SPY%20%20%20261218C00680000").await;
    assert_eq!(one["data"]["exercise-style"], "American");
    assert_eq!(one["data"]["expires-at"], "2026-12-18T21:00:00.000+00:00");
    let flat = s.get("/option-chains/XSP").await;
    assert_eq!(flat["data"]["items"][0]["exercise-style"], "European");
    let vix = s.get("/option-chains/VIX/nested").await;
    assert_eq!(vix["data"]["items"][0]["expirations"][0]["settlement-type"], "AM");
    assert_eq!(s.raw("/option-chains/NOPE/nested").await.status(), StatusCode::NOT_FOUND);
    let spy = s.get("/instruments/equities/SPY").await;
    assert_eq!(spy["data"]["is-etf"], true);
    let index = s.get("/instruments/equities/VIX").await;
    assert_eq!(index["data"]["is-index"], true);
    let some = s.get("/instruments/equities?symbol[]=SPY&symbol[]=NVDA").await;
    assert_eq!(some["pagination"]["total-items"], 2);
}

#[tokio::test]
async fn quotes_metrics_and_hours() {
    let s = Session::open().await;
    let quotes = s
        .get("/market-data/by-type?equity=SPY,QQQ&equity[]=TLT&index=VIX&equity-option=SPY%20%20%20261218P00650000&equity=NOPE")
        .await;
    let items = quotes["data"]["items"].as_array().expect("items");
    assert_eq!(items.len(), 5);
    let of = |symbol: &str| items.iter().find(|i| i["symbol"] == symbol).expect("a quote");
    let spy = of("SPY");
    assert!(number(spy, "bid") < number(spy, "ask"));
    assert!((number(spy, "last") - 681.42).abs() < 2.0);
    assert!((number(spy, "last") / number(spy, "prev-close") - 1.0061).abs() < 0.003);
    assert_eq!(spy["halt-start-time"], -1);
    assert!(of("VIX").get("bid").is_none(), "indices have no market around them");
    let put = of("SPY   261218P00650000");
    assert!(number(put, "bid") < number(put, "ask") && number(put, "delta") < 0.0);
    let single = s.get("/market-data/Equity%20Option/SPY%20%20%20261218P00650000").await;
    assert_eq!(single["data"]["instrument-type"], "Equity Option");
    let many = vec!["SPY"; 101].join(",");
    let refused = s.raw(&format!("/market-data/by-type?equity={many}")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);

    let metrics = s.get("/market-metrics?symbols=SPY,TLT,VIX").await;
    let spy = &metrics["data"]["items"][0];
    assert!((number(spy, "implied-volatility-index") - 0.138).abs() < 0.01);
    assert!((number(spy, "implied-volatility-30-day") - 13.8).abs() < 1.0);
    assert!(spy["liquidity-rating"].is_i64() && spy["market-cap"].is_number());
    assert_eq!(spy["dividend-next-date"], "2026-12-18");
    assert_eq!(metrics["data"]["items"][1]["dividend-next-date"], "2026-12-01");
    assert!(metrics["data"]["items"][2].get("beta").is_none());

    let session = s.get("/market-time/equities/sessions/current").await;
    assert_eq!(session["data"]["state"], "Open");
    assert_eq!(session["data"]["next-session"]["session-date"], "2026-11-23");
    let holidays = s.get("/market-time/equities/holidays").await;
    let days = holidays["data"]["market-holidays"].as_array().expect("days");
    assert!(days.contains(&json!("2026-11-26")));
    let answer = s.raw("/nothing/here").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let date = answer.headers().get("date").and_then(|d| d.to_str().ok()).expect("a date").to_owned();
    assert!(date.starts_with("Fri, 20 Nov 2026 15:48"), "the simulator's own time: {date}");
    let token = s.get("/api-quote-tokens").await;
    assert_eq!(token["data"]["dxlink-url"], s.sim.connection().dxlink_url);
    assert_eq!(token["data"]["level"], "api");
}
