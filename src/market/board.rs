//! The latest value of everything, per instrument and kind: what comes in replaces what was there, so
//! that a slow reader never meets a queue. Also how the links stand and how long they have been silent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use super::history::{HistoryMemo, SeriesBySymbol};
use super::update::{
    BrokerGreeks, DaySummary, Epoch, Link, LinkState, MarketUpdate, OptionChain, RawQuote, RawTrade, Source,
    UnderlyingMetrics,
};
use super::view::{MarketConfig, MarketView, Standing, VolMemo};
use crate::domain::report::SessionState;
use crate::domain::time::new_york_date;
use crate::domain::{Instrument, Right, Symbol, Timestamp};

/// A value, where it came from and when it reached us.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamped<T> {
    pub value: T,
    pub source: Source,
    pub received: Timestamp,
}

/// What is known of one instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slot {
    pub quote: Option<Stamped<RawQuote>>,
    pub trade: Option<Stamped<RawTrade>>,
    pub summary: DaySummary,
    pub greeks: Option<Stamped<BrokerGreeks>>,
    /// When a stream last brought a quote or a trade of it, and in which connection. Reads do not count.
    pub streamed: Option<(Epoch, Timestamp)>,
}

impl Slot {
    fn hear(&mut self, source: Source, received: Timestamp) {
        if let Source::Stream(epoch) = source {
            self.streamed = Some((epoch, received));
        }
    }
}

/// The quoted contracts of one underlying by root and expiry.
pub type QuotedSeries = BTreeMap<(Symbol, NaiveDate), Strikes>;

/// The quoted contracts of one root and expiry, by strike.
pub type Strikes = BTreeMap<Decimal, Sided>;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sided {
    pub call: Option<Instrument>,
    pub put: Option<Instrument>,
}

impl Sided {
    pub fn of(&self, right: Right) -> Option<&Instrument> {
        match right {
            Right::Call => self.call.as_ref(),
            Right::Put => self.put.as_ref(),
        }
    }
}

#[derive(Debug, Clone)]
struct LinkStatus {
    state: LinkState,
    heard: Timestamp,
}

/// What all pictures of one moment share; copied only when something changes while a picture is held.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    pub slots: Arc<HashMap<Instrument, Arc<Slot>>>,
    pub quoted: Arc<HashMap<Symbol, QuotedSeries>>,
    pub metrics: Arc<HashMap<Symbol, UnderlyingMetrics>>,
    pub series: SeriesBySymbol,
    pub chains: Arc<HashMap<Symbol, Arc<OptionChain>>>,
    /// Underlyings that do not trade.
    pub halted: Arc<HashSet<Symbol>>,
    pub memo: Arc<HistoryMemo>,
    pub vols: Arc<VolMemo>,
}

/// Two full index chains and a book besides. Beyond it, instruments never seen before are not taken in;
/// `Board::refused` counts what was dropped.
const MOST_INSTRUMENTS: usize = 60_000;

#[derive(Debug, Default)]
pub struct Board {
    contents: Contents,
    links: HashMap<Link, LinkStatus>,
    /// When the market stream was lost last: what came before is not live until it has come again.
    lost: Option<Timestamp>,
    /// Since when the connection of the market stream has brought nothing: while it does not, what came before
    /// is not live.
    silent: Option<Timestamp>,
    revision: u64,
    refused: u64,
}

impl Board {
    /// Counts everything that was taken in.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Updates dropped because the board was full.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    pub fn apply(&mut self, update: MarketUpdate) {
        self.revision += 1;
        match update {
            MarketUpdate::Quote { instrument, quote, source } => {
                let incoming = Stamped { value: quote, source, received: quote.received };
                self.hear(source, quote.received);
                let standing = self.standing_epoch();
                let Some(slot) = self.slot(instrument) else { return };
                slot.hear(source, quote.received);
                if let Some(source) =
                    accepted(slot.quote.map(|held| (held.source, held.value.at)), source, quote.at, standing)
                {
                    let held = slot.quote.map(|held| held.value);
                    let value = RawQuote {
                        bid_size: quote.bid_size.or(held.and_then(|q| q.bid_size)),
                        ask_size: quote.ask_size.or(held.and_then(|q| q.ask_size)),
                        ..quote
                    };
                    slot.quote = Some(Stamped { value, source, ..incoming });
                }
            }
            MarketUpdate::Trade { instrument, trade, source } => {
                self.hear(source, trade.received);
                let standing = self.standing_epoch();
                let Some(slot) = self.slot(instrument) else { return };
                slot.hear(source, trade.received);
                let held = slot.trade.map(|held| (held.source, held.value.at));
                // An update without a price says nothing about the last trade.
                if let Some(source) =
                    accepted(held, source, trade.at, standing).filter(|_| trade.price.is_some())
                {
                    slot.trade = Some(Stamped { value: trade, source, received: trade.received });
                }
            }
            MarketUpdate::Summary { instrument, summary, source: _ } => {
                self.trades(&instrument, summary.halted);
                let Some(slot) = self.slot(instrument) else { return };
                let held = &mut slot.summary;
                *held = DaySummary {
                    previous_close: summary.previous_close.or(held.previous_close),
                    open: summary.open.or(held.open),
                    high: summary.high.or(held.high),
                    low: summary.low.or(held.low),
                    halted: summary.halted.or(held.halted),
                    trading_if_within: summary.trading_if_within.or(held.trading_if_within),
                    open_interest: summary.open_interest.or(held.open_interest),
                };
            }
            MarketUpdate::Greeks { instrument, greeks, source } => {
                self.hear(source, greeks.received);
                let standing = self.standing_epoch();
                let Some(slot) = self.slot(instrument) else { return };
                let held = slot.greeks.map(|held| (held.source, held.value.at));
                if let Some(source) = accepted(held, source, greeks.at, standing) {
                    slot.greeks = Some(Stamped { value: greeks, source, received: greeks.received });
                }
            }
            MarketUpdate::Bars { symbol, bars } => {
                let series = Arc::make_mut(&mut self.contents.series);
                Arc::make_mut(series.entry(symbol).or_default()).replace_from(&bars);
            }
            MarketUpdate::Metrics(metrics) => {
                Arc::make_mut(&mut self.contents.metrics).insert(metrics.symbol.clone(), metrics);
            }
        }
    }

    /// An underlying's word on whether it trades. What is said of an option is only ever read, and would outlast it.
    fn trades(&mut self, instrument: &Instrument, halted: Option<bool>) {
        let (Instrument::Equity(symbol) | Instrument::Index(symbol), Some(halted)) = (instrument, halted)
        else {
            return;
        };
        if self.contents.halted.contains(symbol) != halted {
            let known = Arc::make_mut(&mut self.contents.halted);
            if halted {
                known.insert(symbol.clone())
            } else {
                known.remove(symbol)
            };
        }
    }

    /// Daily prices of the symbol have come.
    pub fn has_history(&self, symbol: &Symbol) -> bool {
        self.contents.series.contains_key(symbol)
    }

    /// The listed contracts of an underlying; replaces the earlier list.
    pub fn chain(&mut self, chain: OptionChain) {
        self.revision += 1;
        let chains = Arc::make_mut(&mut self.contents.chains);
        chains.insert(chain.underlying.clone(), Arc::new(chain));
    }

    /// A link changed its state. Coming up counts as having been heard.
    pub fn link(&mut self, link: Link, state: LinkState, now: Timestamp) {
        self.revision += 1;
        let heard = match (&state, self.links.get(&link)) {
            (LinkState::Up { .. }, _) | (_, None) => now,
            (_, Some(status)) => status.heard,
        };
        if link == Link::MarketStream {
            let since = self.silent.take();
            match &state {
                LinkState::Silent { .. } => self.silent = since.or(Some(now)),
                LinkState::Down { .. } | LinkState::Refused { .. }
                    if since.is_some() || self.live_epoch().is_some() =>
                {
                    self.lost = since.or(Some(now));
                }
                _ => {}
            }
        }
        self.links.insert(link, LinkStatus { state, heard });
    }

    /// Something came in on the link. A clock that was set back counts from where it now stands.
    pub fn alive(&mut self, link: Link, now: Timestamp) {
        if let Some(status) = self.links.get_mut(&link) {
            status.heard = now;
        }
    }

    pub fn link_state(&self, link: Link) -> Option<&LinkState> {
        self.links.get(&link).map(|status| &status.state)
    }

    /// Seconds since something came in on the link; `None` for a link nobody has spoken of.
    pub fn link_age(&self, link: Link, now: Timestamp) -> Option<i64> {
        self.links.get(&link).map(|status| (now - status.heard).num_seconds().max(0))
    }

    /// The picture of this moment.
    pub fn view(&self, now: Timestamp, config: &MarketConfig) -> MarketView {
        let heard = self.links.get(&Link::MarketStream).map(|status| status.heard);
        let young = heard.is_some_and(|heard| is_young(heard, now, config.link_live_seconds));
        let canary_silent = self.canary_silent(now, config);
        let live_epoch = self.live_epoch().filter(|_| young && canary_silent.is_none());
        MarketView::new(
            now,
            config.clone(),
            self.contents.clone(),
            Standing { live_epoch, lost: self.silent.or(self.lost), canary_silent },
            self.revision,
        )
    }

    /// For how many seconds the benchmark has been silent, where that says that the market stream no longer brings the
    /// market: in regular hours, on a connection that did bring it, while it trades.
    fn canary_silent(&self, now: Timestamp, config: &MarketConfig) -> Option<i64> {
        let epoch = self.live_epoch()?;
        let canary = self.contents.slots.get(&Instrument::watched(&config.benchmark))?;
        let (sung_in, sung_at) = canary.streamed?;
        let session = config.calendar.session_state(now);
        let halted = self.contents.halted.contains(&config.benchmark);
        if sung_in != epoch || halted || session.state != SessionState::Open {
            return None;
        }
        // Before the opening nobody had to sing.
        let silent = now - sung_at.max(config.calendar.open_at(new_york_date(now)));
        (silent > TimeDelta::seconds(config.canary_seconds)).then(|| silent.num_seconds())
    }

    /// The epoch of the market stream while it is up.
    fn live_epoch(&self) -> Option<Epoch> {
        match self.link_state(Link::MarketStream) {
            Some(LinkState::Up { epoch }) => Some(*epoch),
            _ => None,
        }
    }

    /// The epoch of the connection that stands, also while the peer is silent: once it is heard again, its
    /// subscriptions go on.
    fn standing_epoch(&self) -> Option<Epoch> {
        match self.link_state(Link::MarketStream) {
            Some(LinkState::Up { epoch } | LinkState::Silent { epoch }) => Some(*epoch),
            _ => None,
        }
    }

    /// A streamed value of the connection that stands is itself a sign of life.
    fn hear(&mut self, source: Source, received: Timestamp) {
        if let (Source::Stream(epoch), Some(live)) = (source, self.live_epoch())
            && epoch == live
            && let Some(status) = self.links.get_mut(&Link::MarketStream)
        {
            status.heard = status.heard.max(received);
        }
    }

    fn slot(&mut self, instrument: Instrument) -> Option<&mut Slot> {
        let known = self.contents.slots.contains_key(&instrument);
        if !known && self.contents.slots.len() >= MOST_INSTRUMENTS {
            self.refused += 1;
            return None;
        }
        if !known && let Some(contract) = instrument.option() {
            let quoted = Arc::make_mut(&mut self.contents.quoted);
            let series = (contract.root.clone(), contract.expiry);
            let strikes = quoted.entry(contract.underlying.clone()).or_default().entry(series).or_default();
            let sided = strikes.entry(contract.strike.normalize()).or_default();
            match contract.right {
                Right::Call => sided.call = Some(instrument.clone()),
                Right::Put => sided.put = Some(instrument.clone()),
            }
        }
        let slots = Arc::make_mut(&mut self.contents.slots);
        Some(Arc::make_mut(slots.entry(instrument).or_default()))
    }
}

/// Whether `at` lies at most `most_seconds` back. What lies in the future by more than the jitter of two
/// readings of one clock is not young either: the clock was set back, and nobody knows how old it is.
pub(super) fn is_young(at: Timestamp, now: Timestamp, most_seconds: i64) -> bool {
    let age = now - at;
    age <= TimeDelta::seconds(most_seconds) && age >= TimeDelta::seconds(-5)
}

/// Messages overtake each other by less than this.
const OUT_OF_ORDER: TimeDelta = TimeDelta::seconds(5);

/// Whether a value replaces the one held, and as what it then counts. What was streamed in the connection
/// that stands stays "streamed" when a read refreshes it: the subscription still watches it. A value of an
/// earlier connection, or dated before the one held, is dropped.
fn accepted(
    held: Option<(Source, Option<Timestamp>)>,
    source: Source,
    at: Option<Timestamp>,
    standing: Option<Epoch>,
) -> Option<Source> {
    let Some((held_source, held_at)) = held else { return Some(source) };
    match (held_source, source) {
        (Source::Stream(old), Source::Stream(new)) if new == old => {
            let behind = at.zip(held_at).map(|(at, held_at)| held_at - at);
            // By more than that it is no message that came out of order: one of the two clocks is wrong.
            let reordered = behind.is_some_and(|by| by > TimeDelta::zero() && by <= OUT_OF_ORDER);
            (!reordered).then_some(source)
        }
        (Source::Stream(old), Source::Stream(new)) => (new > old).then_some(source),
        (Source::Stream(old), Source::Read) if standing == Some(old) => {
            let older = at.zip(held_at).is_some_and(|(at, held_at)| at < held_at);
            (!older).then_some(held_source)
        }
        _ => Some(source),
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
