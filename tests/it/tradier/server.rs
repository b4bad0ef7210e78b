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

#[path = "book.rs"]
mod book;
#[path = "market.rs"]
pub mod market;

use market::Clock;

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
    /// Units and cost by symbol.
    pub positions: BTreeMap<String, (f64, f64)>,
    /// Answers are dated, quotes stream by themselves, and orders are filled as soon as they are there.
    pub is_open: bool,
    pub subscriptions: Vec<Value>,
}

/// Shared by the connections and the test.
pub struct Server {
    book: Mutex<Book>,
    clock: Clock,
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
            book: Mutex::new(book::opening()),
            clock: Clock::start(),
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
        let date = server.clock.now().format("%a, %d %b %Y %H:%M:%S GMT");
        let date = if server.book().is_open { format!("date: {date}\r\n") } else { String::new() };
        let answer = format!("HTTP/1.1 {status} X\r\n{headers}{date}content-length: {length}\r\n\r\n{body}");
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
            book::usual(server, &mut book, &asked);
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
    let (status, value) = book::usual(server, &mut book, &asked);
    Some((status, "content-type: application/json\r\n", value.to_string()))
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
    let is_market = path == "/v1/markets/events";
    let mut frames = if is_market { server.market.subscribe() } else { server.account.subscribe() };
    let mut wanted: Vec<String> = Vec::new();
    let mut beat = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            message = socket.next() => match message?.ok()? {
                Message::Text(text) => {
                    let asked: Value = serde_json::from_str(text.as_str()).ok()?;
                    if asked["sessionid"] != "a-session-of-today" {
                        let refusal = json!({"error": "Session not found"}).to_string();
                        socket.send(Message::text(refusal)).await.ok()?;
                    }
                    let symbols = asked["symbols"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    wanted = symbols.map(str::to_owned).collect();
                    server.book().subscriptions.push(asked);
                    server.subscribed.send_modify(|count| *count += 1);
                }
                Message::Close(_) => return None,
                _ => {}
            },
            _ = beat.tick(), if is_market && server.book().is_open => {
                let events = wanted.iter().map(|symbol| market::event(symbol, server.clock.now()).to_string());
                let frame = events.collect::<Vec<_>>().join("\n");
                if !frame.is_empty() {
                    socket.send(Message::text(frame)).await.ok()?;
                }
            },
            frame = frames.recv() => match frame.ok()?.as_str() {
                "hang up" => return None,
                text => socket.send(Message::text(text)).await.ok()?,
            },
        }
    }
}
