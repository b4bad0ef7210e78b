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
use super::view::{MarketConfig, MarketView, VolMemo};
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
        let live_epoch = self.live_epoch().filter(|_| young);
        MarketView::new(
            now,
            config.clone(),
            self.contents.clone(),
            (live_epoch, self.silent.or(self.lost)),
            self.revision,
        )
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
        (Source::Stream(old), Source::Stream(new)) => (new >= old).then_some(source),
        (Source::Stream(old), Source::Read) if standing == Some(old) => {
            let older = at.zip(held_at).is_some_and(|(at, held_at)| at < held_at);
            (!older).then_some(held_source)
        }
        _ => Some(source),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::Price;
    use crate::market::rates::RateCurve;

    fn at(seconds: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn spy() -> Instrument {
        Instrument::Equity(Symbol::new("SPY").expect("a symbol"))
    }

    fn quote(cents: i64, when: i64, source: Source) -> MarketUpdate {
        let quote = RawQuote {
            bid: Some(Price(Decimal::new(cents, 2))),
            ask: Some(Price(Decimal::new(cents + 2, 2))),
            bid_size: None,
            ask_size: None,
            at: Some(at(when)),
            received: at(when),
        };
        MarketUpdate::Quote { instrument: spy(), quote, source }
    }

    fn held(board: &Board) -> Stamped<RawQuote> {
        board.contents.slots.get(&spy()).and_then(|slot| slot.quote).expect("a quote")
    }

    #[test]
    fn a_value_of_an_earlier_connection_changes_nothing() {
        let mut board = Board::default();
        board.apply(quote(100, 10, Source::Stream(Epoch(2))));
        board.apply(quote(200, 11, Source::Stream(Epoch(1))));
        assert_eq!(held(&board).value.bid, Some(Price(Decimal::ONE)));
    }

    #[test]
    fn a_read_refreshes_a_streamed_value_without_demoting_it() {
        let mut board = Board::default();
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
        board.apply(quote(100, 10, Source::Stream(Epoch(1))));
        board.apply(quote(300, 5, Source::Read));
        assert_eq!(held(&board).value.bid, Some(Price(Decimal::ONE)), "an older read is dropped");
        board.apply(quote(300, 20, Source::Read));
        assert_eq!(held(&board).source, Source::Stream(Epoch(1)));
        assert_eq!(held(&board).received, at(20));
        board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(21));
        board.apply(quote(400, 22, Source::Read));
        assert_eq!(held(&board).source, Source::Read);
    }

    #[test]
    fn a_missing_size_leaves_the_size_and_a_missing_price_is_no_price() {
        let mut board = Board::default();
        let MarketUpdate::Quote { instrument, quote: first, source } = quote(100, 1, Source::Read) else {
            unreachable!("a quote")
        };
        let sized = RawQuote { bid_size: Some(7.0), ..first };
        board.apply(MarketUpdate::Quote { instrument: instrument.clone(), quote: sized, source });
        board.apply(MarketUpdate::Quote { instrument, quote: RawQuote { bid: None, ..first }, source });
        assert_eq!((held(&board).value.bid, held(&board).value.bid_size), (None, Some(7.0)));
    }

    #[test]
    fn the_age_of_a_link_starts_anew_with_every_sign_of_life() {
        let mut board = Board::default();
        assert_eq!(board.link_age(Link::MarketStream, at(5)), None);
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
        board.alive(Link::MarketStream, at(7));
        assert_eq!(board.link_age(Link::MarketStream, at(10)), Some(3));
        board.apply(quote(100, 9, Source::Stream(Epoch(1))));
        assert_eq!(board.link_age(Link::MarketStream, at(10)), Some(1));
        board.link(Link::MarketStream, LinkState::Connecting { attempt: 1 }, at(12));
        assert_eq!(board.link_age(Link::MarketStream, at(14)), Some(5));
    }

    #[test]
    fn what_was_read_before_the_stream_was_lost_is_not_live() {
        let config =
            MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
        let live = |board: &Board, when: i64| board.view(at(when), &config).quote(&spy()).is_live();
        let mut board = Board::default();
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
        board.apply(quote(100, 10, Source::Read));
        assert!(live(&board, 11));
        board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(11));
        assert!(!live(&board, 11));
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(2) }, at(12));
        assert!(!live(&board, 12), "until it has come again");
        board.apply(quote(100, 13, Source::Read));
        assert!(live(&board, 13));
    }

    #[test]
    fn while_a_connection_is_silent_nothing_of_it_is_live_and_afterwards_all_of_it() {
        let config =
            MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
        let live = |board: &Board, when: i64| board.view(at(when), &config).quote(&spy()).is_live();
        let (up, silent) = (LinkState::Up { epoch: Epoch(1) }, LinkState::Silent { epoch: Epoch(1) });
        for source in [Source::Stream(Epoch(1)), Source::Read] {
            let mut board = Board::default();
            board.link(Link::MarketStream, up.clone(), at(0));
            board.apply(quote(100, 10, source));
            board.link(Link::MarketStream, silent.clone(), at(11));
            assert!(!live(&board, 11), "{source:?}");
            // Nothing was missed on a connection that stood.
            board.link(Link::MarketStream, up.clone(), at(12));
            assert!(live(&board, 12), "{source:?}");
            // Lost while it was silent, it was lost when it fell silent: what was read since counts.
            board.link(Link::MarketStream, silent.clone(), at(13));
            board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(15));
            assert!(!live(&board, 15), "{source:?}");
            board.apply(quote(100, 14, Source::Read));
            assert!(live(&board, 15), "{source:?}");
        }
    }

    #[test]
    fn a_read_during_silence_does_not_take_a_quote_from_its_stream() {
        let config =
            MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
        let mut board = Board::default();
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
        board.apply(quote(100, 10, Source::Stream(Epoch(1))));
        board.link(Link::MarketStream, LinkState::Silent { epoch: Epoch(1) }, at(11));
        board.apply(quote(101, 12, Source::Read));
        board.apply(quote(99, 9, Source::Read));
        assert_eq!(held(&board).value.bid, Some(Price(Decimal::new(101, 2))), "older news is no news");
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(13));
        // Heard again.
        board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(60));
        assert!(board.view(at(60), &config).quote(&spy()).is_live(), "quiet on a living connection");
    }

    #[test]
    fn a_picture_does_not_change_after_it_was_taken() {
        let mut board = Board::default();
        board.apply(quote(100, 10, Source::Read));
        let before = board.contents.clone();
        board.apply(quote(200, 11, Source::Read));
        let bid = before.slots.get(&spy()).and_then(|slot| slot.quote).and_then(|q| q.value.bid);
        assert_eq!(bid, Some(Price(Decimal::ONE)));
    }
}
