//! Binding, routing, and what every request passes: host, origin, user agent, token, version, date.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::domain::time::Timestamp;

use super::exchange::{Exchange, Setup};
use super::fault::market::Shown;
use super::fault::wire::{Cut, Wires};
use super::fault::{self, FaultSpec, Faults};
use super::oauth::Ledger;
use super::orders::{complex, search};
use super::world::Market;
use super::world::book::{self, AccountBook};
use super::world::book_file;
use super::world::recorded::RecordedWorld;
use super::world::seeded::SeededWorld;
use super::{Connection, Secrets, SimClock, SimConfig, SimError, WorldSource};
use super::{
    account_stream, accounts, dxlink, history, hours, instruments, lists, margin, oauth, orders, quotes,
    research, transactions, wire,
};

const BODY_LIMIT: usize = 256 * 1024;
const REQUESTS_AT_ONCE: usize = 128;
pub const STREAMS_AT_ONCE: usize = 32;
/// The oldest interface version still served.
const OLDEST_VERSION: u32 = 20_240_101;
/// How often the exchange is looked after, in real time.
const DRIVE_EVERY: Duration = Duration::from_millis(100);
const QUOTE_TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

pub struct SimState {
    pub clock: SimClock,
    pub market: Arc<dyn Market>,
    /// The market as clients see it quoted.
    pub shown: Arc<dyn Market>,
    pub faults: Arc<Faults>,
    pub exchange: Exchange,
    pub batch_account_messages: bool,
    pub connection: Connection,
    pub access_token_seconds: u64,
    pub silence: Duration,
    /// The names under which clients reach it: its own, and those of a proxy that was announced.
    pub hosts: Vec<String>,
    pub streams: Arc<Semaphore>,
    pub stop: watch::Receiver<bool>,
    access: Mutex<Ledger>,
    quote: Mutex<Ledger>,
    requests: Semaphore,
}

pub type Shared = Arc<SimState>;

impl SimState {
    pub fn with_access_tokens<T>(&self, f: impl FnOnce(&mut Ledger) -> T) -> T {
        f(&mut self.access.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn issue_quote_token(&self) -> String {
        self.quote.lock().unwrap_or_else(PoisonError::into_inner).issue(
            "sim-quote-",
            QUOTE_TOKEN_LIFE,
            Instant::now(),
        )
    }

    pub fn is_quote_token(&self, token: &str) -> bool {
        self.quote.lock().unwrap_or_else(PoisonError::into_inner).is_valid(token, Instant::now())
    }

    /// Accepts `Bearer <token>` only.
    pub fn is_bearer(&self, text: &str) -> bool {
        text.strip_prefix("Bearer ")
            .is_some_and(|t| self.with_access_tokens(|l| l.is_valid(t.trim(), Instant::now())))
    }

    /// No token given out so far is good any more.
    fn end_tokens(&self) {
        for ledger in [&self.access, &self.quote] {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The account as it stands.
    pub fn account(&self, number: &str) -> Option<AccountBook> {
        self.exchange.with(|venue| Some(venue.account(number)?.book.clone()))
    }

    pub fn books(&self) -> Vec<AccountBook> {
        self.exchange.with(|venue| venue.accounts.iter().map(|account| account.book.clone()).collect())
    }

    /// Lets the exchange do what is due by now.
    pub async fn settle(&self) {
        self.exchange.settle(self.market.as_ref(), self.now()).await;
    }

    /// What is due by itself: late requests arrive, then the exchange has its turn.
    async fn drive(&self) {
        while let Some(change) = self.faults.arrived(self.now()) {
            self.settle().await;
            change.arrive().await;
        }
        self.settle().await;
        let now = self.now();
        if let Some(next) = self.market.goes_on_at(now) {
            self.clock.advance(next - now);
            self.settle().await;
        }
    }
}

/// A serving simulator; dropping it without `shutdown` stops it too.
pub struct RunningSim {
    connection: Connection,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    shared: Shared,
}

impl RunningSim {
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Moves the clock on and lets everything happen that falls into the span.
    pub async fn advance(&self, by: TimeDelta) {
        self.shared.clock.advance(by);
        self.shared.drive().await;
    }

    /// Other faults from now on; those of the venue stay as they were at the start.
    pub fn set_faults(&self, faults: FaultSpec) {
        self.shared.faults.set(faults);
    }

    /// Closes the streams, then the listener.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(Duration::from_secs(3), &mut task).await.is_err() {
            task.abort();
        }
    }
}

pub async fn start(config: SimConfig) -> Result<RunningSim, SimError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
    let bind_error = |source| SimError::Bind { port: config.port, source };
    let listener = TcpListener::bind(address).await.map_err(bind_error)?;
    let port = listener.local_addr().map_err(bind_error)?.port();
    let now = config.clock.now();
    let halts = [config.halts, config.faults.halts(now)].concat();
    let setup = Setup {
        model: config.faults.fills(config.fills),
        halts: halts.clone(),
        kept: config.kept_accounts.clone(),
    };
    let (market, exchange): (Arc<dyn Market>, Exchange) = match &config.world {
        WorldSource::Seeded { anchor } => {
            let world = SeededWorld::new(config.seed, *anchor);
            // Nights between the day of the book and now have happened.
            let at = world.paths().anchor_instant().min(now);
            let books = || book::accounts(&world, config.seed);
            let exchange = Exchange::open(config.seed, books, at, setup)?;
            (Arc::new(world), exchange)
        }
        WorldSource::Recorded { chains, history, book } => {
            let world = RecordedWorld::new(chains.clone(), history.clone())
                .map_err(|reason| SimError::World { reason })?;
            let books = || book_file::accounts(&world, book, now);
            let exchange = Exchange::open(config.seed, books, now, setup)?;
            (Arc::new(world), exchange)
        }
    };
    let secrets = config.secrets.clone().unwrap_or_else(Secrets::random);
    let own = |path: &str| format!("ws://127.0.0.1:{port}/{path}");
    let connection = Connection {
        base_url: format!("http://127.0.0.1:{port}"),
        dxlink_url: config.advertise_dxlink.clone().unwrap_or_else(|| own("dxlink")),
        account_stream_url: config.advertise_account_stream.clone().unwrap_or_else(|| own("account")),
        client_secret: secrets.client_secret.expose_secret().to_owned(),
        refresh_token: secrets.refresh_token.expose_secret().to_owned(),
        accounts: exchange.with(|venue| venue.accounts.iter().map(|a| a.book.number.clone()).collect()),
    };
    let faults = Arc::new(Faults::new(config.seed, config.faults));
    let shown = Arc::new(Shown { market: Arc::clone(&market), faults: Arc::clone(&faults), halts });
    let (stop, stop_signal) = watch::channel(false);
    let shared: Shared = Arc::new(SimState {
        clock: config.clock,
        market,
        shown,
        faults,
        exchange,
        batch_account_messages: config.batch_account_messages,
        connection: connection.clone(),
        access_token_seconds: config.access_token_seconds,
        silence: Duration::from_secs(config.silence_timeout_seconds.max(1)),
        hosts: hosts(port, [&config.advertise_dxlink, &config.advertise_account_stream]),
        streams: Arc::new(Semaphore::new(STREAMS_AT_ONCE)),
        stop: stop_signal.clone(),
        access: Mutex::default(),
        quote: Mutex::default(),
        requests: Semaphore::new(REQUESTS_AT_ONCE),
    });
    shared.settle().await;
    tokio::spawn(drive(Arc::clone(&shared)));
    let app = router(Arc::clone(&shared));
    let task = tokio::spawn(async move {
        let mut stop = stop_signal;
        let until = async move { stopped(&mut stop).await };
        let app = app.into_make_service_with_connect_info::<Cut>();
        if let Err(error) = axum::serve(Wires(listener), app).with_graceful_shutdown(until).await {
            tracing::error!(%error, "the simulated broker stopped serving");
        }
    });
    Ok(RunningSim { connection, stop, task, shared })
}

/// Lets the exchange run while nobody asks.
async fn drive(shared: Shared) {
    let mut stop = shared.stop.clone();
    let mut beat = interval(DRIVE_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tokens_since = Instant::now();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = beat.tick() => shared.drive().await,
        }
        if shared.faults.tokens_end_every().is_some_and(|every| tokens_since.elapsed() >= every) {
            tokens_since = Instant::now();
            shared.end_tokens();
        }
    }
}

fn hosts(port: u16, announced: [&Option<String>; 2]) -> Vec<String> {
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
    let authority = |address: &String| {
        let url = url::Url::parse(address).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    };
    own.into_iter().chain(announced.into_iter().flatten().filter_map(authority)).collect()
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/oauth/token", post(oauth::token))
        .route("/sessions", post(sessions_retired).delete(sessions_retired))
        .route("/sessions/validate", post(sessions_retired))
        .route("/customers/me", get(accounts::customer))
        .route("/customers/me/accounts", get(accounts::list))
        .route("/customers/me/accounts/{number}", get(accounts::one))
        .route("/accounts/{number}/trading-status", get(accounts::trading_status))
        .route("/accounts/{number}/balances", get(accounts::balances))
        .route("/accounts/{number}/balances/{currency}", get(accounts::balance))
        .route("/accounts/{number}/positions", get(accounts::positions))
        .route("/accounts/{number}/transactions", get(transactions::list))
        .route("/accounts/{number}/transactions/total-fees", get(transactions::total_fees))
        .route("/accounts/{number}/transactions/{id}", get(transactions::one))
        .route("/accounts/{number}/orders", get(search::search).post(orders::place))
        .route("/accounts/{number}/orders/live", get(search::live))
        .route("/accounts/{number}/orders/dry-run", post(orders::dry_run))
        .route(
            "/accounts/{number}/orders/{id}",
            get(orders::one).put(orders::replace).patch(orders::replace).delete(orders::cancel),
        )
        .route("/accounts/{number}/orders/{id}/dry-run", post(orders::replace_dry_run))
        .route("/accounts/{number}/complex-orders", get(complex::list).post(complex::place))
        .route("/accounts/{number}/complex-orders/live", get(complex::live))
        .route("/accounts/{number}/complex-orders/dry-run", post(complex::dry_run))
        .route("/accounts/{number}/complex-orders/{id}", get(complex::one).delete(complex::cancel))
        .route("/customers/me/orders", get(search::customer_search))
        .route("/customers/me/orders/live", get(search::customer_live))
        .route("/accounts/{number}/net-liq/history", get(history::net_liq))
        .route("/accounts/{number}/balance-snapshots", get(history::balance_snapshots))
        .route("/margin/accounts/{number}/requirements", get(margin::requirements))
        .route("/margin/accounts/{number}/dry-run", post(margin::dry_run))
        .route("/margin-requirements-public-configuration", get(margin::public_configuration))
        .route("/accounts/{number}/margin-requirements/{underlying}/effective", get(margin::effective))
        .route("/accounts/{number}/position-limit", get(margin::position_limit))
        .route("/public-watchlists", get(lists::public_all))
        .route("/public-watchlists/{name}", get(lists::public_one))
        .route("/pairs-watchlists", get(lists::pairs_all))
        .route("/watchlists", get(lists::all).post(lists::create))
        .route("/watchlists/{name}", get(lists::one).put(lists::replace).delete(lists::delete))
        .route("/symbols/search/{prefix}", get(research::search))
        .route("/market-metrics/historic-corporate-events/dividends/{symbol}", get(research::dividends))
        .route("/market-metrics/historic-corporate-events/earnings-reports/{symbol}", get(research::earnings))
        .route("/option-chains/{symbol}/compact", get(instruments::compact_chain))
        .route("/instruments/equities/active", get(instruments::active_equities))
        .route("/option-chains/{symbol}/nested", get(instruments::nested_chain))
        .route("/option-chains/{symbol}", get(instruments::flat_chain))
        .route("/instruments/equities", get(instruments::equities))
        .route("/instruments/equities/{symbol}", get(instruments::equity))
        .route("/instruments/equity-options/{occ}", get(instruments::equity_option))
        .route("/market-metrics", get(quotes::metrics))
        .route("/market-data/by-type", get(quotes::by_type))
        .route("/market-data/{kind}/{symbol}", get(quotes::single))
        .route("/market-time/equities/sessions/current", get(hours::current))
        .route("/market-time/equities/sessions/next", get(hours::next))
        .route("/market-time/equities/sessions/previous", get(hours::previous))
        .route("/market-time/equities/holidays", get(hours::holidays))
        .route("/market-time/sessions/current", get(hours::current_of))
        .route("/market-time/sessions", get(hours::span))
        .route("/api-quote-tokens", get(quotes::token))
        .route("/dxlink", get(dxlink::upgrade))
        .route("/account", get(account_stream::upgrade))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(Arc::clone(&shared), gate))
        .with_state(shared)
}

/// One place among the streams, held as long as the connection lives.
pub fn stream_permit(shared: &SimState) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&shared.streams).try_acquire_owned().ok()
}

/// Returns when the simulator is to stop, or when its handle was dropped.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn unknown() -> Response {
    wire::failure(StatusCode::NOT_FOUND, "not_found", "No such resource")
}

async fn sessions_retired() -> Response {
    wire::failure(StatusCode::UNAUTHORIZED, "invalid_credentials", "Password sessions are retired; use OAuth")
}

/// The simulator's time stands in the `Date` of every answer, refusals included.
async fn gate(
    State(shared): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(cut);
    let mut response = match refuse(&shared, &request) {
        Some(refusal) => refusal,
        None => match shared.requests.try_acquire() {
            Ok(_permit) => {
                let changes = !request.method().is_safe();
                shared.settle().await;
                let response = fault::http::answered(&shared, request, next).await;
                if changes {
                    // What was asked for is kept before it is confirmed.
                    shared.settle().await;
                }
                response
            }
            Err(_) => {
                wire::failure(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests at once")
            }
        },
    };
    let date = shared.faults.date(shared.now()).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, value);
    }
    response
}

fn refuse(shared: &Shared, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    // A page in a browser must not reach this server, by whatever name it resolves.
    if !text(header::HOST).is_some_and(|host| shared.hosts.iter().any(|own| own == host)) {
        return Some(wire::failure(StatusCode::FORBIDDEN, "not_permitted", "Unknown host"));
    }
    if headers.contains_key(header::ORIGIN) {
        return Some(wire::failure(StatusCode::FORBIDDEN, "not_permitted", "Browsers are not served"));
    }
    let path = request.uri().path();
    if matches!(path, "/dxlink" | "/account") {
        return None;
    }
    let agent_ok = text(header::USER_AGENT).is_some_and(|agent| {
        agent.split_once('/').is_some_and(|(product, version)| !product.is_empty() && !version.is_empty())
    });
    if !agent_ok {
        return Some(wire::failure(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "User-Agent is missing or malformed",
        ));
    }
    if let Some(version) = text(header::HeaderName::from_static("accept-version")) {
        let served = version.len() == 8 && version.parse::<u32>().is_ok_and(|v| v >= OLDEST_VERSION);
        if !served {
            let body = json!({ "error": { "code": 406, "message": "The requested version is not served" } });
            return Some((StatusCode::NOT_ACCEPTABLE, axum::Json(body)).into_response());
        }
    }
    let open = matches!(
        path,
        "/oauth/token" | "/sessions" | "/sessions/validate" | "/margin-requirements-public-configuration"
    );
    if !open && !text(header::AUTHORIZATION).is_some_and(|a| shared.is_bearer(a)) {
        return Some(wire::failure(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "This token is invalid or has expired",
        ));
    }
    if path == "/oauth/token" && request.method() != Method::POST {
        return Some(wire::failure(StatusCode::NOT_FOUND, "not_found", "No such resource"));
    }
    None
}
