//! Links that break and links that only look alive: how long a quote is shown as live after them.
//!
//! An hour with a disconnect every thirty seconds: the market's clock is moved on to the next one as soon as the one
//! before has healed. The bounds are those of the hour, in real seconds: sockets, probes and deadlines are the real
//! ones, and know no other time.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use cotrader::broker::{Broker, StreamEvent, Subscriptions};
use cotrader::domain::Instrument;
use cotrader::market::board::Board;
use cotrader::market::rates::RateCurve;
use cotrader::market::update::{Link, LinkState, MarketUpdate};
use cotrader::market::view::{MarketConfig, MarketView};
use cotrader::runtime::clock::EngineClock;
use cotrader::sim::{RunningSim, SimConfig, start};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::super::sim::config;
use super::{adapter, symbol};

const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// What a trader sees of the stream.
pub struct Screen {
    pub sim: RunningSim,
    board: Board,
    config: MarketConfig,
    clock: EngineClock,
    pub shown: Vec<Instrument>,
    events: mpsc::Receiver<StreamEvent>,
    broker: std::sync::Arc<cotrader::broker::tastytrade::Tastytrade>,
    _wanted: watch::Sender<Subscriptions>,
    _steer: mpsc::Sender<cotrader::broker::StreamControl>,
}

impl Screen {
    async fn open() -> Self {
        Self::over(config()).await
    }

    pub async fn over(config: SimConfig) -> Self {
        let sim = start(config).await.expect("the simulator starts");
        let broker = adapter(&sim, |config| {
            config.reconnect.first = Duration::from_millis(20);
            config.reconnect.cap = Duration::from_millis(100);
            // A tenth of what it is: a half-open link is given up within the drill.
            config.keepalive.market_silence = Duration::from_millis(1_500);
            config.keepalive.account_every = Duration::from_millis(200);
        });
        let chain = broker.chain(&symbol("SPY")).await.expect("a chain");
        let strikes = &chain.expirations[4].strikes;
        let near = strikes[strikes.len() / 2 - 5..].iter().take(10).map(|strike| strike.put.clone());
        let shown: Vec<Instrument> =
            near.chain([Instrument::Equity(symbol("SPY")), Instrument::Equity(symbol("QQQ"))]).collect();
        let wanted = Subscriptions { on: true, instruments: shown.clone(), history: Vec::new() };
        let (keep, subscriptions) = watch::channel(wanted);
        let (steer, control) = mpsc::channel(1);
        let (out, events) = mpsc::channel(64);
        let streaming = std::sync::Arc::clone(&broker);
        tokio::spawn(async move { streaming.stream(subscriptions, control, out).await });
        let config = MarketConfig::new(RateCurve::flat(0.04).expect("a curve"), symbol("SPY"));
        let clock = EngineClock::of_broker();
        Self {
            sim,
            board: Board::default(),
            config,
            clock,
            shown,
            events,
            broker,
            _wanted: keep,
            _steer: steer,
        }
    }

    fn plan(&self, faults: &str) {
        self.sim.set_faults(faults.parse().expect("a plan"));
    }

    /// Takes what comes within a moment.
    async fn take(&mut self) {
        let Ok(event) = timeout(Duration::from_millis(5), self.events.recv()).await else { return };
        self.clock.heard(self.broker.clock_skew_ms());
        let now = self.clock.now();
        match event.expect("still streaming") {
            StreamEvent::Market(updates) => {
                for update in updates {
                    if matches!(update, MarketUpdate::Quote { .. } | MarketUpdate::Summary { .. }) {
                        self.board.apply(update);
                    }
                }
            }
            StreamEvent::Link { link, state } => {
                assert!(!matches!(state, LinkState::Refused { .. }), "{link:?} was given up: {state:?}");
                self.board.link(link, state, now);
            }
            StreamEvent::Alive { link } => self.board.alive(link, now),
            StreamEvent::Account(_) => {}
        }
    }

    pub fn view(&self) -> MarketView {
        self.board.view(self.clock.now(), &self.config)
    }

    fn live(&self) -> usize {
        let view = self.view();
        self.shown.iter().filter(|instrument| view.quote_is_live(instrument)).count()
    }

    /// Until so many are live, and how long it took.
    pub async fn until(&mut self, is: impl Fn(usize) -> bool, what: &str) -> Duration {
        let begun = Instant::now();
        while !is(self.live()) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {} of {} are live", self.live(), self.shown.len());
            self.take().await;
        }
        begun.elapsed()
    }

    /// For a while nothing may be live.
    async fn stays_dark(&mut self, length: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < length {
            assert_eq!(self.live(), 0);
            self.take().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_live_behind_a_closed_or_a_half_open_link() {
    let mut screen = Screen::open().await;
    let all = screen.shown.len();
    let (mut closed, mut half_open) = (Duration::ZERO, Duration::ZERO);
    let opened = screen.clock.now();
    for round in 0..130 {
        screen.plan("");
        screen.until(|live| live == all, "healed").await;
        // 120 times thirty seconds, and ten more breaks among them.
        let due = opened + HOUR * round / 130;
        screen.sim.advance((due - screen.clock.now()).max(TimeDelta::zero())).await;
        screen.until(|live| live == all, "on with the hour").await;
        if round % 13 < 12 {
            // Whatever it tries, it does not come back before it is let.
            screen.plan("drop-stream@dxlink:1ms,e503@quote-token:1");
            closed = closed.max(screen.until(|live| live == 0, "after a close").await);
        } else {
            screen.plan("half-open@dxlink:1ms:1h");
            half_open = half_open.max(screen.until(|live| live == 0, "after a silence").await);
            // Every other one lasts until it is given up.
            if round % 2 == 0 {
                screen.stays_dark(Duration::from_secs(2)).await;
            }
        }
    }
    screen.plan("");
    screen.until(|live| live == all, "healed").await;
    assert!(screen.clock.now() - opened >= HOUR * 128 / 130, "the hour has passed");
    assert!(closed <= Duration::from_secs(1), "a quote was live {closed:?} after its link was closed");
    assert!(half_open <= Duration::from_secs(16), "a quote was live {half_open:?} on a half-open link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_end_early_are_renewed_and_no_link_is_given_up() {
    let mut screen = Screen::open().await;
    let all = screen.shown.len();
    for _ in 0..4 {
        screen.until(|live| live == all, "healed").await;
        screen.plan("auth-lost:300ms");
        screen.until(|live| live == 0, "after its token ended").await;
        screen.plan("");
    }
    screen.until(|live| live == all, "healed").await;
    let begun = Instant::now();
    while !matches!(screen.board.link_state(Link::AccountStream), Some(LinkState::Up { .. })) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", screen.board.link_state(Link::AccountStream));
        screen.take().await;
    }
}
