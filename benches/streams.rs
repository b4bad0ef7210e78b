//! The adapter under load: how fast it takes COMPACT data, whether a stream of 5 000 events a second over 3 000
//! symbols keeps memory flat and the event loop free, and what reading a book of 200 legs costs in time and requests.
//!
//! Each promise has its verdict beside it; as a bench it ends with an error where one is missed.
//!
//! The feeder stands in for the broker's end of both streams, on a thread of its own; what is measured runs on one
//! thread: the adapter, a board that takes the data in, and a task that measures how late it wakes up.
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use cotrader::broker::tastytrade::{Credentials, Tastytrade, TastytradeConfig};
use cotrader::broker::{Broker, StreamControl, StreamEvent, Subscriptions};
use cotrader::domain::{Instrument, Symbol};
use cotrader::market::board::Board;
use cotrader::market::chain_file;
use cotrader::market::update::{Link, LinkState, MarketUpdate};
use cotrader::sim::world::{RecordedPosition, recorded_start};
use cotrader::sim::{self, SimClock, SimConfig, WorldSource};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

const SYMBOLS: usize = 3_000;
const EVENTS_PER_MESSAGE: usize = 100;
const EVENTS_PER_SECOND: usize = 5_000;
/// The bid that ends a run: no symbol has it otherwise.
const LAST: f64 = 777_777.0;

fn main() {
    // `cargo test` runs benches, too: there one short round shows that it works.
    let testing = !std::env::args().any(|arg| arg == "--bench");
    let (messages, seconds, rounds) = if testing { (20, 1, 1) } else { (20_000, 60, 20) };
    flood(messages);
    steady(seconds);
    refresh(rounds);
    let missed = MISSED.load(Ordering::Relaxed);
    println!("{missed} promises missed");
    // A debug build that looks whether it works keeps none.
    if !testing && missed > 0 {
        std::process::exit(1);
    }
}

static MISSED: AtomicU64 = AtomicU64::new(0);

fn verdict(kept: bool) -> &'static str {
    if kept {
        return "pass";
    }
    MISSED.fetch_add(1, Ordering::Relaxed);
    "MISS"
}

fn single() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn name(number: usize) -> String {
    let letter = |place: usize| char::from(b'A' + u8::try_from(number / place % 26).unwrap_or(0));
    [letter(26 * 26), letter(26), letter(1), 'X'].iter().collect()
}

/// One message: quotes of the symbols that follow `from`.
fn message(from: usize, bid: f64) -> String {
    let mut text = String::from(r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["#);
    for n in from..from + EVENTS_PER_MESSAGE {
        let comma = if n == from { "" } else { "," };
        let (name, bid) = (name(n % SYMBOLS), bid + (n % 97) as f64 / 100.0);
        write!(text, r#"{comma}"Quote","{name}",{bid:.2},{:.2},"NaN",40.0,0,0"#, bid + 0.02).expect("room");
    }
    text.push_str("]]}");
    text
}

fn last() -> String {
    format!(
        r#"{{"type":"FEED_DATA","channel":1,"data":["Quote",["Quote","{}",{LAST},{},"NaN",40.0,0,0]]}}"#,
        name(0),
        LAST + 1.0
    )
}

/// What the feeder sends once everything is subscribed.
#[derive(Clone, Copy)]
enum Load {
    AtOnce(usize),
    Paced { seconds: u64 },
}

/// The broker's end of both streams, and the three reads that lead there. Answers with its address.
fn feeder(load: Load) -> String {
    let (told, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        single().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            told.send(address.to_string()).expect("the bench waits");
            let quote_token = json!({"data": {"token": "t", "dxlink-url": format!("ws://{address}/market")}});
            let accounts = json!({"data": {"items": [{"account": {"account-number": "5WX00042"}}]}});
            let market = move |upgrade: WebSocketUpgrade| async move {
                upgrade.on_upgrade(move |socket| feed(socket, load))
            };
            let app = Router::new()
                .route(
                    "/oauth/token",
                    post(|| async { Json(json!({"access_token": "a", "expires_in": 900})) }),
                )
                .route("/api-quote-tokens", get(move || async move { Json(quote_token) }))
                .route("/customers/me/accounts", get(move || async move { Json(accounts) }))
                .route("/market", any(market))
                .route("/account", any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(account) }));
            axum::serve(listener, app).await.expect("it serves");
        });
    });
    address.recv().expect("a feeder")
}

async fn heard(socket: &mut WebSocket) -> Option<Value> {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).ok();
        }
    }
    None
}

async fn account(mut socket: WebSocket) {
    while let Some(frame) = heard(&mut socket).await {
        let answer = json!({"status": "ok", "action": frame["action"], "request-id": frame["request-id"]});
        if socket.send(Message::Text(answer.to_string().into())).await.is_err() {
            return;
        }
    }
}

async fn feed(mut socket: WebSocket, load: Load) {
    let mut subscribed = 0;
    while subscribed < SYMBOLS {
        let Some(frame) = heard(&mut socket).await else { return };
        let answers: Vec<Value> = match frame["type"].as_str() {
            Some("SETUP") => vec![
                json!({"type": "SETUP", "channel": 0, "version": "1.0-bench", "keepaliveTimeout": 60}),
                json!({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}),
            ],
            Some("AUTH") => vec![json!({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"})],
            Some("CHANNEL_REQUEST") => {
                vec![json!({"type": "CHANNEL_OPENED", "channel": 1, "service": "FEED"})]
            }
            Some("FEED_SETUP") => vec![json!({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "COMPACT"})],
            Some("FEED_SUBSCRIPTION") => {
                let added = frame["add"].as_array().into_iter().flatten();
                subscribed += added.filter(|entry| entry["type"] == "Quote").count();
                Vec::new()
            }
            _ => Vec::new(),
        };
        for answer in answers {
            if socket.send(Message::Text(answer.to_string().into())).await.is_err() {
                return;
            }
        }
    }
    let send =
        async |socket: &mut WebSocket, text: String| socket.send(Message::Text(text.into())).await.is_ok();
    match load {
        Load::AtOnce(messages) => {
            // Made beforehand: the feeder shall not be what is measured.
            let made: Vec<String> =
                (0..SYMBOLS).step_by(EVENTS_PER_MESSAGE).map(|from| message(from, 100.0)).collect();
            for text in made.iter().cycle().take(messages) {
                if !send(&mut socket, text.clone()).await {
                    return;
                }
            }
        }
        Load::Paced { seconds } => {
            let a_second = EVENTS_PER_SECOND / EVENTS_PER_MESSAGE;
            let mut pace =
                tokio::time::interval(Duration::from_secs(1) / u32::try_from(a_second).unwrap_or(1));
            for n in 0..usize::try_from(seconds).unwrap_or(0) * a_second {
                pace.tick().await;
                let text = message(n * EVENTS_PER_MESSAGE % SYMBOLS, 100.0 + (n % 500) as f64);
                if !send(&mut socket, text).await {
                    return;
                }
            }
        }
    }
    send(&mut socket, last()).await;
    // Until the adapter goes: a closed stream would be connected anew.
    while heard(&mut socket).await.is_some() {}
}

/// An adapter on the feeder's streams.
struct Stream {
    events: mpsc::Receiver<StreamEvent>,
    board: Board,
    taken: usize,
    _wanted: watch::Sender<Subscriptions>,
    _control: mpsc::Sender<StreamControl>,
}

impl Stream {
    fn start(address: &str) -> Self {
        let config =
            TastytradeConfig::loopback(format!("http://{address}"), format!("ws://{address}/account"));
        let credentials =
            Credentials { client_secret: "s".to_owned().into(), refresh_token: "r".to_owned().into() };
        let adapter = Tastytrade::new(config, credentials).expect("an adapter");
        let instruments =
            (0..SYMBOLS).map(|n| Instrument::Equity(Symbol::new(&name(n)).expect("a symbol"))).collect();
        let subscriptions = Subscriptions { on: true, instruments, history: Vec::new() };
        let (wanted, subscriptions) = watch::channel(subscriptions);
        let (control, controls) = mpsc::channel(4);
        let (out, events) = mpsc::channel(64);
        tokio::spawn(async move { adapter.stream(subscriptions, controls, out).await });
        Self { events, board: Board::default(), taken: 0, _wanted: wanted, _control: control }
    }

    /// Takes everything in until the run's last quote; `None` where the stream ends before.
    async fn read_on(&mut self) -> Option<()> {
        while let Some(event) = self.events.recv().await {
            let StreamEvent::Market(updates) = event else { continue };
            let mut ended = false;
            for update in updates {
                if let MarketUpdate::Quote { quote, .. } = &update {
                    ended |= quote.bid.is_some_and(|bid| bid.to_f64() == LAST);
                }
                self.taken += 1;
                self.board.apply(update);
            }
            if ended {
                return Some(());
            }
        }
        None
    }

    async fn up(&mut self) {
        while let Some(event) = self.events.recv().await {
            if matches!(event, StreamEvent::Link { link: Link::MarketStream, state: LinkState::Up { .. } }) {
                return;
            }
        }
    }
}

/// Messages a second through websocket, reader, conflation and board, beside reading them as plain JSON.
fn flood(messages: usize) {
    let address = feeder(Load::AtOnce(messages));
    let (elapsed, taken) = single().block_on(async {
        let mut stream = Stream::start(&address);
        stream.up().await;
        let begun = Instant::now();
        stream.read_on().await.expect("the last quote");
        (begun.elapsed(), stream.taken)
    });
    let made: Vec<String> =
        (0..SYMBOLS).step_by(EVENTS_PER_MESSAGE).map(|from| message(from, 100.0)).collect();
    let begun = Instant::now();
    for text in made.iter().cycle().take(messages) {
        std::hint::black_box(serde_json::from_str::<Value>(text).expect("JSON"));
    }
    let plain = begun.elapsed();
    let rate = messages as f64 / elapsed.as_secs_f64();
    let times = elapsed.as_secs_f64() / plain.as_secs_f64();
    println!(
        "COMPACT messages of {EVENTS_PER_MESSAGE} quotes, to the board   {rate:>9.0} /s, {:>9.0} events/s",
        rate * EVENTS_PER_MESSAGE as f64
    );
    println!(
        "  beside reading them as plain JSON              {times:>9.2} x; {taken} updates reached the board"
    );
}

/// The promised stream: how late the loop wakes up, and what memory does meanwhile.
fn steady(seconds: u64) {
    let address = feeder(Load::Paced { seconds });
    single().block_on(async {
        let mut stream = Stream::start(&address);
        stream.up().await;
        let begun = Instant::now();
        let probe = tokio::spawn(async {
            const EVERY: Duration = Duration::from_millis(5);
            let mut late = Vec::new();
            loop {
                let begun = Instant::now();
                tokio::time::sleep(EVERY).await;
                late.push(begun.elapsed().saturating_sub(EVERY));
                // Taken over once a quarter of a second.
                if late.len() >= 50 {
                    LATE.lock().expect("no panic").append(&mut late);
                }
            }
        });
        let memory = tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut every = tokio::time::interval(Duration::from_millis(500));
            loop {
                every.tick().await;
                seen.push(resident_kib());
                *MEMORY.lock().expect("no panic") = seen.clone();
            }
        });
        stream.read_on().await.expect("the last quote");
        let elapsed = begun.elapsed().as_secs_f64();
        probe.abort();
        memory.abort();
        let rate = (seconds as usize * EVENTS_PER_SECOND) as f64 / elapsed;
        let held = verdict(rate >= 0.98 * EVENTS_PER_SECOND as f64);
        println!(
            "stream over {SYMBOLS} symbols, {seconds} s                 {rate:>9.0} events/s (target {EVENTS_PER_SECOND}) {held}, {} updates taken",
            stream.taken
        );
    });
    let mut late = std::mem::take(&mut *LATE.lock().expect("no panic"));
    late.sort_unstable();
    let at = |share: f64| {
        late.get((late.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or_default()
    };
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let kept = verdict(at(0.999) < Duration::from_millis(100));
    println!(
        "  loop lag                    p50 {:.2} ms  p99 {:.2} ms  p99.9 {:.2} ms  worst {:.2} ms  (target p99.9 100 ms) {kept}",
        millis(at(0.5)),
        millis(at(0.99)),
        millis(at(0.999)),
        millis(at(1.0))
    );
    let memory = std::mem::take(&mut *MEMORY.lock().expect("no panic"));
    let (early, last) = (memory.get(memory.len() / 4), memory.last());
    if let (Some(early), Some(last)) = (early, last) {
        let grown = last.saturating_sub(*early);
        let kept = verdict(grown <= FLAT_KIB);
        println!(
            "  resident memory             {early} KiB after a quarter, {last} KiB at the end: {grown} KiB more (target at most {FLAT_KIB}) {kept}"
        );
    }
}

/// What an allocator may still take without anything being kept: a leak of one byte an event would be more.
const FLAT_KIB: u64 = 256;

static LATE: std::sync::Mutex<Vec<Duration>> = std::sync::Mutex::new(Vec::new());
static MEMORY: std::sync::Mutex<Vec<u64>> = std::sync::Mutex::new(Vec::new());

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// A chain of five expiries and twenty strikes, both sides: two hundred contracts, all of them held.
fn chain_csv() -> String {
    let mut csv = String::from("quote_date,underlying,root,expiration,strike,right,bid,ask,spot\n");
    for expiry in ["2026-11-27", "2026-12-04", "2026-12-18", "2027-01-15", "2027-02-19"] {
        for strike in (550..650).step_by(5) {
            for right in ["C", "P"] {
                let gap = if right == "C" { 600.0 - f64::from(strike) } else { f64::from(strike) - 600.0 };
                let mid = gap.max(0.0) + 12.0 * (-gap.abs() / 40.0).exp();
                let (bid, ask) = (mid - 0.02, mid + 0.02);
                writeln!(csv, "2026-11-20,SPY,SPY,{expiry},{strike},{right},{bid:.2},{ask:.2},600")
                    .expect("room");
            }
        }
    }
    csv
}

/// What the cockpit reads when it refreshes: session, accounts, quotes of all legs, metrics.
fn refresh(rounds: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let chain = chain_file::read(Cursor::new(chain_csv()), None).expect("a chain");
        let contracts: Vec<Instrument> = chain.rows.iter().map(|row| row.instrument.clone()).collect();
        let book = contracts.iter().map(|instrument| RecordedPosition {
            account: "personal".to_owned(),
            instrument: instrument.clone(),
            quantity: rust_decimal::Decimal::NEGATIVE_ONE,
            entry: None,
        });
        let chains = vec![chain];
        let start = recorded_start(&chains).expect("a day");
        let world = WorldSource::Recorded { chains, history: Default::default(), book: book.collect() };
        let sim = sim::start(SimConfig::new(7, SimClock::starting_at(start, 1.0), world)).await.expect("a broker");
        let connection = sim.connection();
        let requests = Arc::new(AtomicU64::new(0));
        let counted = counting_proxy(&connection.base_url, Arc::clone(&requests)).await;
        let wire = TastytradeConfig::loopback(counted, &connection.account_stream_url);
        let credentials = Credentials {
            client_secret: connection.client_secret.clone().into(),
            refresh_token: connection.refresh_token.clone().into(),
        };
        let broker = Tastytrade::new(wire, credentials).expect("an adapter");
        let spy = Symbol::new("SPY").expect("a symbol");
        let mut wanted = contracts;
        wanted.push(Instrument::Equity(spy.clone()));
        let (mut times, mut asked, mut legs) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            let before = requests.load(Ordering::Relaxed);
            let begun = Instant::now();
            broker.session().await.expect("a session");
            let accounts = broker.accounts().await.expect("accounts");
            let quotes = broker.quotes(&wanted).await.expect("quotes");
            broker.metrics(std::slice::from_ref(&spy)).await.expect("metrics");
            times.push(begun.elapsed());
            asked.push(requests.load(Ordering::Relaxed) - before);
            legs = accounts.accounts.iter().filter_map(|account| account.positions.as_ref()).map(Vec::len).sum();
            assert!(quotes.len() >= wanted.len(), "{} quotes", quotes.len());
        }
        let mut bare: Vec<Duration> = Vec::new();
        for _ in 0..rounds {
            let begun = Instant::now();
            broker.session().await.expect("a session");
            bare.push(begun.elapsed());
        }
        bare.sort_unstable();
        let bare = bare.get(bare.len() / 2).copied().unwrap_or_default();
        let first = times.remove(0);
        let first_asked = asked.remove(0);
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or(first);
        let again = asked.last().copied().unwrap_or(first_asked);
        println!(
            "full refresh of {legs} legs                       first {:.0} ms with {first_asked} requests, then {:.0} ms with {again}",
            first.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3
        );
        println!(
            "  beside one bare read                           {:>9.1} x ({:.1} ms)",
            median.as_secs_f64() / bare.as_secs_f64().max(1e-9),
            bare.as_secs_f64() * 1e3
        );
        sim.shutdown().await;
    });
}

/// Passes everything on and counts the ends of request heads.
async fn counting_proxy(to: &str, requests: Arc<AtomicU64>) -> String {
    let to = to.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (to, own, requests) = (to.clone(), address.to_string(), Arc::clone(&requests));
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(&to).await else { return };
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let back =
                    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let mut buffer = vec![0; 64 * 1024];
                // A head may come in pieces: its last bytes are looked at again.
                let mut tail = Vec::new();
                while let Ok(read) = from_client.read(&mut buffer).await {
                    if read == 0 {
                        break;
                    }
                    // The simulated broker answers to its own name only; heads come in one piece here.
                    let named = replaced(&buffer[..read], &own, &to);
                    if to_server.write_all(&named).await.is_err() {
                        break;
                    }
                    tail.extend_from_slice(&buffer[..read]);
                    let ends = tail.windows(4).filter(|four| four == b"\r\n\r\n").count();
                    requests.fetch_add(u64::try_from(ends).unwrap_or(0), Ordering::Relaxed);
                    let keep = tail.len().saturating_sub(3);
                    tail.drain(..keep);
                }
                back.abort();
            });
        }
    });
    format!("http://{address}")
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    match bytes.windows(from.len()).position(|part| part == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
