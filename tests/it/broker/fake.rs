//! A broker reduced to scripts: each test says what the next answers are.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};

pub const SECRET: &str = "1f0c9b7e55aa4d2b8c3e7766c2a1d0e4f9b8a7c6";
pub const REFRESH: &str = "short-refresh";

/// One scripted answer.
#[derive(Clone)]
pub struct Canned {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Canned {
    pub fn ok(body: &str) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json".into())], body: body.into() }
    }
    pub fn status(status: u16, body: &str) -> Self {
        Self { status, ..Self::ok(body) }
    }
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What was asked: path with query, and the headers that matter.
#[derive(Debug, Clone)]
pub struct Asked {
    pub target: String,
    pub authorization: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Default)]
pub struct Script {
    /// By path; the last answer of a path repeats.
    answers: Mutex<HashMap<String, VecDeque<Canned>>>,
    pub asked: Mutex<Vec<Asked>>,
}

impl Script {
    pub fn on(&self, path: &str, answers: impl IntoIterator<Item = Canned>) {
        self.answers
            .lock()
            .expect("no test panics while holding it")
            .insert(path.into(), answers.into_iter().collect());
    }

    pub fn count(&self, path: &str) -> usize {
        let asked = self.asked.lock().expect("no test panics while holding it");
        asked.iter().filter(|a| a.target.split('?').next() == Some(path)).count()
    }

    pub fn last(&self, path: &str) -> Asked {
        let asked = self.asked.lock().expect("no test panics while holding it");
        asked.iter().rev().find(|a| a.target.split('?').next() == Some(path)).cloned().expect("it was asked")
    }
}

pub struct Fake {
    pub script: Arc<Script>,
    pub base_url: String,
}

/// A token answer of the given life.
pub fn token(name: &str, seconds: &str) -> Canned {
    Canned::ok(&format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":{seconds}}}"#))
}

impl Fake {
    pub async fn start() -> Self {
        let script = Arc::new(Script::default());
        script.on("/oauth/token", [token("first", "900"), token("second", "900"), token("third", "900")]);
        let app = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let base_url = serve(app).await;
        Self { script, base_url }
    }

    pub fn adapter(&self) -> Tastytrade {
        let config = TastytradeConfig::loopback(&self.base_url, self.base_url.replace("http", "ws"));
        Tastytrade::new(config, credentials()).expect("a loopback address")
    }
}

pub fn credentials() -> Credentials {
    Credentials { client_secret: SECRET.into(), refresh_token: REFRESH.into() }
}

/// Serves until the test's runtime ends.
pub async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response<Body> {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        target: request.uri().to_string(),
        authorization: header("authorization"),
        user_agent: header("user-agent"),
    };
    let canned = {
        let mut answers = script.answers.lock().expect("no test panics while holding it");
        match answers.get_mut(request.uri().path()) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
    };
    script.asked.lock().expect("no test panics while holding it").push(asked);
    let canned = canned.unwrap_or_else(|| {
        Canned::status(404, r#"{"error":{"code":"record_not_found","message":"unknown path"}}"#)
    });
    let mut response = Response::builder().status(StatusCode::from_u16(canned.status).expect("a status"));
    for (name, value) in &canned.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(canned.body)).expect("an answer")
}
