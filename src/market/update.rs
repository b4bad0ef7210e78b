//! What a broker adapter hands over: wire messages in our words.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;

pub use crate::domain::listing::Increment;
use crate::domain::{Bar, Instrument, Price, Symbol, Timestamp, TradingDate};

/// Counts connections of one link; a quote of an earlier epoch is never live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Read once, by REST.
    Read,
    /// Pushed, in the given connection epoch.
    Stream(Epoch),
}

/// Latest wins, per instrument and kind. A field that is `None` in a partial update says "unknown", so a
/// missing size never drops a price and a missing price is no price.
#[derive(Debug, Clone, PartialEq)]
pub enum MarketUpdate {
    Quote {
        instrument: Instrument,
        quote: RawQuote,
        source: Source,
    },
    Trade {
        instrument: Instrument,
        trade: RawTrade,
        source: Source,
    },
    Summary {
        instrument: Instrument,
        summary: DaySummary,
        source: Source,
    },
    Greeks {
        instrument: Instrument,
        greeks: BrokerGreeks,
        source: Source,
    },
    /// Daily bars, oldest first; replaces what was known from the first bar's date on.
    Bars {
        symbol: Symbol,
        bars: Vec<Bar>,
    },
    Metrics(UnderlyingMetrics),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawQuote {
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    pub bid_size: Option<f64>,
    pub ask_size: Option<f64>,
    /// When the broker says the quote is from; `None` where it does not say.
    pub at: Option<Timestamp>,
    /// When it reached us, on the same clock as the engine's `now`.
    pub received: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawTrade {
    pub price: Option<Price>,
    pub at: Option<Timestamp>,
    pub received: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DaySummary {
    pub previous_close: Option<Price>,
    pub open: Option<Price>,
    pub high: Option<Price>,
    pub low: Option<Price>,
    pub open_interest: Option<f64>,
    /// Trading in it is halted.
    pub halted: Option<bool>,
    /// Of a broker that tells no halts: what traded within so long of now is taken for trading.
    pub trading_if_within: Option<Duration>,
}

/// The broker's Greeks, as sent: cross-check and display only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrokerGreeks {
    pub price: Option<f64>,
    pub volatility: Option<f64>,
    pub delta: Option<f64>,
    pub gamma: Option<f64>,
    pub theta: Option<f64>,
    pub vega: Option<f64>,
    pub rho: Option<f64>,
    pub at: Option<Timestamp>,
    pub received: Timestamp,
}

/// Slow figures about an underlying. Fractions throughout: 0.17 is 17 %; rank 0.31 is 31.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderlyingMetrics {
    pub symbol: Symbol,
    pub iv_index: Option<f64>,
    pub iv_rank: Option<f64>,
    pub iv_percentile: Option<f64>,
    pub beta: Option<f64>,
    pub dividend_yield: Option<f64>,
    pub next_ex_date: Option<TradingDate>,
    pub next_dividend: Option<Decimal>,
    pub next_earnings: Option<TradingDate>,
    /// Implied volatility per expiration.
    pub expirations: Vec<(TradingDate, f64)>,
    pub at: Option<Timestamp>,
}

/// The listed contracts of one underlying.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionChain {
    pub underlying: Symbol,
    pub expirations: Vec<Expiration>,
    /// What prices of a root's contracts are multiples of; a root that is missing was not told of.
    pub increments: BTreeMap<Symbol, Vec<Increment>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expiration {
    pub date: TradingDate,
    /// Both sides of each strike, ascending by strike.
    pub strikes: Vec<ChainStrike>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChainStrike {
    pub strike: Decimal,
    pub call: Instrument,
    pub put: Instrument,
}

/// How one of the broker's links stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    Rest,
    MarketStream,
    AccountStream,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// Switched off by the trader.
    Off,
    Connecting {
        attempt: u32,
    },
    /// Authorised and subscribed.
    Up {
        epoch: Epoch,
    },
    /// Still connected, but nothing comes, not even an answer to a question. It is `Up` again, in the same
    /// epoch, once something does.
    Silent {
        epoch: Epoch,
    },
    /// Lost; `why` names it in a few words, `retry_in_ms` is when the next attempt comes.
    Down {
        why: String,
        retry_in_ms: Option<u64>,
    },
    /// Stopped for good until the trader acts (authentication refused).
    Refused {
        why: String,
    },
}
