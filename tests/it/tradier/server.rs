//! A small Tradier on a loopback port, with the quirks of the real one: a list of one is its item, an empty one the
//! text `"null"`, refusals come with a 200, orders are forms, and the answer to one is no more than its number.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_tungstenite::tungstenite::Message;

pub const TOKEN: &str = "a-token-of-the-simulated-broker";
pub const NUMBER: &str = "VA000001";

/// What comes instead of the answer.
#[derive(Debug, Clone)]
pub enum Fault {
    Status(u16, &'static str, String),
    /// The order is taken, and the connection ends without a byte.
    Lost,
    /// The connection ends before anything was done.
    Closed,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub what: String,
    pub query: HashMap<String, String>,
    pub form: HashMap<String, String>,
    pub authorization: String,
    pub accept: String,
}

#[derive(Default)]
pub struct Book {
    pub faults: HashMap<String, VecDeque<Fault>>,
    pub asked: Vec<Asked>,
    /// By path: what a read answers instead of the usual.
    pub answers: HashMap<String, Value>,
    pub orders: BTreeMap<u64, Value>,
    pub subscriptions: Vec<Value>,
}

/// Shared by the connections and the test.
pub struct Server {
    book: Mutex<Book>,
    pub base: String,
    pub sockets: String,
    /// Frames for whoever listens, by stream.
    pub market: broadcast::Sender<String>,
    pub account: broadcast::Sender<String>,
    /// Counts subscriptions, so that a test can wait for one.
    pub subscribed: watch::Sender<usize>,
    /// What was asked so far, so that a test can wait for it.
    pub requests: watch::Sender<Vec<String>>,
}

impl Server {
    pub async fn start() -> Arc<Self> {
        let http = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Arc::new(Self {
            book: Mutex::default(),
            base: format!("http://{}/v1", http.local_addr().expect("an address")),
            sockets: format!("ws://{}/v1", socket.local_addr().expect("an address")),
            market: broadcast::channel(64).0,
            account: broadcast::channel(64).0,
            subscribed: watch::channel(0).0,
            requests: watch::channel(Vec::new()).0,
        });
        let own = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((connection, _)) = http.accept().await {
                tokio::spawn(converse(connection, Arc::clone(&own)));
            }
        });
        let own = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((connection, _)) = socket.accept().await {
                tokio::spawn(stream(connection, Arc::clone(&own)));
            }
        });
        server
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("whole")
    }

    /// The next answers to one request; after them it is answered as usual.
    pub fn fault(&self, what: &str, faults: impl IntoIterator<Item = Fault>) {
        self.book().faults.entry(what.into()).or_default().extend(faults);
    }

    pub fn asked(&self, what: &str) -> Vec<Asked> {
        self.book().asked.iter().filter(|one| one.what == what).cloned().collect()
    }

    /// Requests that change something at the broker: previews change nothing.
    pub fn sent(&self) -> usize {
        let changes = |one: &&Asked| {
            one.what.contains("/orders") && !one.what.starts_with("GET") && !one.form.contains_key("preview")
        };
        self.book().asked.iter().filter(changes).count()
    }
}

async fn converse(mut socket: TcpStream, server: Arc<Server>) -> Option<()> {
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
            let mut lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value).to_owned()
        };
        let length: usize = header("content-length").parse().unwrap_or(0);
        while bytes.len() < head + length {
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let mut words = text.split_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = |bytes: &[u8]| url::form_urlencoded::parse(bytes).into_owned().collect();
        let asked = Asked {
            what: format!("{method} {}", path.trim_start_matches("/v1")),
            query: pairs(query.as_bytes()),
            form: pairs(&bytes[head..head + length]),
            authorization: header("authorization"),
            accept: header("accept"),
        };
        bytes.drain(..head + length);
        let (status, headers, body) = answer(&server, asked)?;
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}");
        socket.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// `None` ends the connection.
fn answer(server: &Server, asked: Asked) -> Option<(u16, &'static str, String)> {
    let mut book = server.book();
    book.asked.push(asked.clone());
    server.requests.send_modify(|all| all.push(asked.what.clone()));
    let fault = book.faults.get_mut(&asked.what).and_then(VecDeque::pop_front);
    match fault {
        Some(Fault::Status(status, headers, body)) => return Some((status, headers, body)),
        Some(Fault::Closed) => return None,
        Some(Fault::Lost) => {
            usual(&mut book, &asked);
            return None;
        }
        None => {}
    }
    if asked.authorization != format!("Bearer {TOKEN}") {
        return Some((401, "content-type: text/plain\r\n", "Invalid Access Token".into()));
    }
    // XML is what is answered to whoever does not ask for anything else.
    if asked.accept != "application/json" {
        return Some((200, "content-type: application/xml\r\n", "<profile/>".into()));
    }
    let (status, value) = usual(&mut book, &asked);
    Some((status, "content-type: application/json\r\n", value.to_string()))
}

/// The answer of a day without faults.
fn usual(book: &mut Book, asked: &Asked) -> (u16, Value) {
    if let Some(told) = book.answers.get(&asked.what) {
        return (200, told.clone());
    }
    let (method, path) = asked.what.split_once(' ').expect("a method and a path");
    let orders = format!("/accounts/{NUMBER}/orders");
    let order = path.strip_prefix(&format!("{orders}/"));
    match (method, order) {
        ("GET", Some(id)) => match id.parse().ok().and_then(|id: u64| book.orders.get(&id)) {
            Some(order) => (200, json!({"order": order})),
            None => (404, json!({"errors": {"error": "order not found"}})),
        },
        ("PUT" | "DELETE", Some(id)) => change(book, method, id, &asked.form),
        ("POST", _) if path == orders => place(book, &asked.form),
        ("GET", _) if path == orders => {
            let page: usize = asked.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
            let all: Vec<Value> = book.orders.values().skip((page - 1) * 2).take(2).cloned().collect();
            (200, json!({"orders": listed("order", all)}))
        }
        ("POST", _) if path.ends_with("/events/session") => {
            (200, json!({"stream": {"url": "https://stream.example/v1", "sessionid": "a-session-of-today"}}))
        }
        ("POST", _) if path == "/markets/quotes" => quotes(&asked.form),
        ("GET", _) => read(path),
        _ => (404, json!({"fault": {"faultstring": "no such path"}})),
    }
}

/// The shapes of a list.
pub fn listed(name: &str, mut items: Vec<Value>) -> Value {
    match items.len() {
        0 => json!("null"),
        1 => json!({name: items.remove(0)}),
        _ => json!({name: items}),
    }
}

fn read(path: &str) -> (u16, Value) {
    let told = match path {
        "/user/profile" => json!({"profile": {"id": "id-x", "account": {"account_number": NUMBER,
            "classification": "individual", "status": "active", "type": "margin", "option_level": 6}}}),
        "/markets/clock" => json!({"clock": {"date": "2026-11-20", "state": "open", "timestamp": 1795186980,
            "next_change": "16:00", "next_state": "postmarket"}}),
        "/markets/calendar" => json!({"calendar": {"month": 11, "year": 2026, "days": {"day": []}}}),
        "/markets/history" => json!({"history": {"day": {"date": "2026-11-19", "open": 650, "high": 652.5,
            "low": "649", "close": 651.2, "volume": 70000000}}}),
        "/markets/options/lookup" => json!({"symbols": [{"rootSymbol": "SPY", "options":
            ["SPY261218C00630000", "SPY261218P00630000", "SPY261218C00620000", "SPY261218P00620000"]}]}),
        _ if path.ends_with("/balances") => {
            json!({"balances": {"account_number": NUMBER, "account_type": "margin",
            "total_cash": 6363.86, "total_equity": "17798.36", "current_requirement": 2557.0,
            "margin": {"option_buying_power": 6363.86, "stock_buying_power": 12727.72}}})
        }
        _ if path.ends_with("/positions") => json!({"positions": {"position": {"id": 130089, "symbol":
            "SPY261218P00630000", "quantity": -2.0, "cost_basis": -310.0, "date_acquired": "2026-11-03T15:41:09.120Z"}}}),
        _ => return (404, json!({"errors": {"error": ["no such path"]}})),
    };
    (200, told)
}

fn quotes(form: &HashMap<String, String>) -> (u16, Value) {
    let symbols = form.get("symbols").map_or("", String::as_str).split(',').filter(|s| *s != "UNKNOWN");
    let row = |symbol: &str| {
        let mut row = json!({"symbol": symbol, "bid": 1.45, "ask": "1.55", "bidsize": 10, "asksize": 12, "last": 1.5,
            "prevclose": null, "bid_date": 1795186979000_i64, "ask_date": 1795186980000_i64});
        if symbol.len() > 10 {
            row["greeks"] = json!({"delta": -0.3, "gamma": 0.01, "theta": -0.05, "vega": 0.4, "rho": "-0.1",
                "smv_vol": 0.17, "updated_at": "2026-11-20 16:00:02"});
        }
        row
    };
    (200, json!({"quotes": listed("quote", symbols.map(row).collect())}))
}

/// Taken at once; a tag that has other characters than it may have is refused.
fn place(book: &mut Book, form: &HashMap<String, String>) -> (u16, Value) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let tag = field("tag");
    if tag.len() > 255 || !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return (400, json!({"errors": {"error": "Invalid tag"}}));
    }
    let price: f64 = field("price").parse().unwrap_or(0.0);
    if form.contains_key("preview") {
        let sign = if field("type") == "credit" { -1.0 } else { 1.0 };
        return (
            200,
            json!({"order": {"status": "ok", "commission": 0.70, "cost": sign * price * 200.0 + 0.7,
            "fees": 0, "order_cost": sign * price * 200.0, "margin_change": 2000.0, "result": true,
            "class": field("class"), "strategy": "spread"}}),
        );
    }
    // Systems behind the API refuse with a 200.
    if price > 100.0 {
        return (
            200,
            json!({"errors": {"error": ["Backoffice rejected override of the order.", "PriceTooHigh"]}}),
        );
    }
    let id = 228_175 + u64::try_from(book.orders.len()).expect("few");
    let leg = |n: usize| {
        Some(json!({"id": id * 10 + n as u64, "class": "option", "symbol": field("symbol"), "option_symbol":
            form.get(&format!("option_symbol[{n}]"))?, "side": form.get(&format!("side[{n}]"))?, "quantity":
            form.get(&format!("quantity[{n}]"))?.parse::<f64>().ok()?, "exec_quantity": 0.0, "status": "open"}))
    };
    let legs: Vec<Value> = (0..4).map_while(leg).collect();
    let order = json!({"id": id, "class": field("class"), "symbol": field("symbol"), "type": field("type"),
        "side": field("side"), "option_symbol": form.get("option_symbol"), "quantity": field("quantity"),
        "status": "open", "duration": field("duration"), "price": price, "avg_fill_price": 0.0, "exec_quantity": 0.0,
        "create_date": "2026-11-20T15:13:36.076Z", "transaction_date": "2026-11-20T15:13:36.076Z", "tag": tag,
        "num_legs": legs.len(), "leg": if legs.is_empty() { Value::Null } else { json!(legs) }});
    book.orders.insert(id, order);
    (200, json!({"order": {"id": id, "status": "ok", "partner_id": "c4998eb7-06e8-4820-a7ab-55d9760065fb"}}))
}

/// A change keeps number, legs and tag.
fn change(book: &mut Book, method: &str, id: &str, form: &HashMap<String, String>) -> (u16, Value) {
    let Some(order) = id.parse().ok().and_then(|id: u64| book.orders.get_mut(&id)) else {
        return (400, json!({"errors": {"error": "order not found"}}));
    };
    if order["status"] != "open" {
        return (200, json!({"errors": {"error": "order is not open"}}));
    }
    if method == "DELETE" {
        order["status"] = json!("canceled");
    } else {
        order["price"] = json!(form.get("price").and_then(|price| price.parse::<f64>().ok()));
        order["type"] = json!(form.get("type"));
        order["duration"] = json!(form.get("duration"));
    }
    (200, json!({"order": {"id": order["id"], "status": "ok"}}))
}

/// A websocket: the first message names the session; then whatever the test sends.
async fn stream(connection: TcpStream, server: Arc<Server>) -> Option<()> {
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the type of the refusal is the library's")]
    let seen = |request: &tokio_tungstenite::tungstenite::handshake::server::Request, response| {
        path = request.uri().path().to_owned();
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(connection, seen).await.ok()?;
    let mut frames =
        if path == "/v1/markets/events" { server.market.subscribe() } else { server.account.subscribe() };
    loop {
        tokio::select! {
            message = socket.next() => match message?.ok()? {
                Message::Text(text) => {
                    let asked: Value = serde_json::from_str(text.as_str()).ok()?;
                    if asked["sessionid"] != "a-session-of-today" {
                        let refusal = json!({"error": "Session not found"}).to_string();
                        socket.send(Message::text(refusal)).await.ok()?;
                    }
                    server.book().subscriptions.push(asked);
                    server.subscribed.send_modify(|count| *count += 1);
                }
                Message::Close(_) => return None,
                _ => {}
            },
            frame = frames.recv() => match frame.ok()?.as_str() {
                "hang up" => return None,
                text => socket.send(Message::text(text)).await.ok()?,
            },
        }
    }
}
