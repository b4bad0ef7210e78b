//! Which symbols are subscribed and which frames lead there.
//!
//! Never: sends; forgets a candle that waits for its turn.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::candles::{Series, base, daily};
use super::layout::{CandleEvent, FeedEvent};
use super::protocol::{Entry, feed_subscription};
use crate::broker::Subscriptions;
use crate::domain::{Bar, Instrument, Symbol};

/// Larger messages have made the server close the socket.
const ENTRIES_PER_MESSAGE: usize = 100;
const BYTES_PER_MESSAGE: usize = 8 * 1024;
/// The server refuses more than about twenty candle series at once.
const CANDLES_AT_ONCE: usize = 16;

/// What is subscribed on the present connection, and who wants it.
#[derive(Default)]
pub struct Subscribed {
    entries: BTreeSet<Entry>,
    /// One stream symbol may serve several instruments that differ in what the stream does not tell.
    by_symbol: HashMap<String, Vec<Instrument>>,
    candles: HashMap<String, CandleSeries>,
    waiting: VecDeque<String>,
}

struct CandleSeries {
    symbol: Symbol,
    entry: Entry,
    series: Series,
    active: bool,
}

impl Subscribed {
    /// The frames that turn what is subscribed into what is wanted. `name` gives an instrument's stream symbol.
    pub fn change(
        &mut self,
        wanted: &Subscriptions,
        reset: bool,
        name: impl Fn(&Instrument) -> String,
    ) -> Vec<String> {
        if reset {
            *self = Self::default();
        }
        let mut entries = BTreeSet::new();
        self.by_symbol.clear();
        for instrument in &wanted.instruments {
            let symbol = name(instrument);
            let kinds: &[&'static str] = match instrument {
                Instrument::Option(_) => &["Quote", "Trade", "Summary", "Greeks"],
                Instrument::Equity(_) | Instrument::Index(_) => &["Quote", "Trade", "Summary", "Profile"],
            };
            entries.extend(kinds.iter().map(|kind| Entry { kind, symbol: symbol.clone(), from_time: None }));
            let of = self.by_symbol.entry(symbol).or_default();
            if !of.contains(instrument) {
                of.push(instrument.clone());
            }
        }
        let mut remove: Vec<Entry> = self.entries.difference(&entries).cloned().collect();
        let mut add: Vec<Entry> = entries.difference(&self.entries).cloned().collect();
        self.entries = entries;
        remove.extend(self.forget_candles(wanted));
        self.want_candles(wanted);
        add.extend(self.start_candles());
        messages(reset, &remove, &add)
    }

    /// The instruments behind a stream symbol.
    pub fn instruments(&self, symbol: &str) -> &[Instrument] {
        self.by_symbol.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// Takes a candle: the bars it completes, and the frames that give others their turn.
    pub fn candle(&mut self, event: &CandleEvent) -> (Option<(Symbol, Vec<Bar>)>, Vec<String>) {
        let key = base(&event.symbol).to_owned();
        let Some(candles) = self.candles.get_mut(&key).filter(|candles| candles.active) else {
            return (None, Vec::new());
        };
        let bars = candles.series.take(event).map(|bars| (candles.symbol.clone(), bars));
        if !candles.series.is_complete() || self.waiting.is_empty() {
            return (bars, Vec::new());
        }
        // Others wait: this history is complete and makes room.
        candles.active = false;
        let done = candles.entry.clone();
        let next = self.start_candles();
        (bars, messages(false, &[done], &next))
    }

    fn forget_candles(&mut self, wanted: &Subscriptions) -> Vec<Entry> {
        let keep = |key: &str, entry: &Entry| {
            wanted.history.iter().any(|(symbol, from)| {
                symbol.as_str() == key && entry.from_time == Some(from.timestamp_millis())
            })
        };
        let mut gone = Vec::new();
        self.candles.retain(|key, candles| {
            let kept = keep(key, &candles.entry);
            if !kept && candles.active {
                gone.push(candles.entry.clone());
            }
            kept
        });
        self.waiting.retain(|key| self.candles.contains_key(key));
        gone
    }

    fn want_candles(&mut self, wanted: &Subscriptions) {
        for (symbol, from) in &wanted.history {
            let key = symbol.as_str().to_owned();
            if self.candles.contains_key(&key) {
                continue;
            }
            let entry =
                Entry { kind: "Candle", symbol: daily(&key), from_time: Some(from.timestamp_millis()) };
            let series = Series::default();
            self.candles
                .insert(key.clone(), CandleSeries { symbol: symbol.clone(), entry, series, active: false });
            self.waiting.push_back(key);
        }
    }

    fn start_candles(&mut self) -> Vec<Entry> {
        let mut active = self.candles.values().filter(|candles| candles.active).count();
        let mut started = Vec::new();
        while active < CANDLES_AT_ONCE {
            let Some(key) = self.waiting.pop_front() else { break };
            if let Some(candles) = self.candles.get_mut(&key) {
                candles.active = true;
                started.push(candles.entry.clone());
                active += 1;
            }
        }
        started
    }
}

/// Chunks small enough for the server, removals before additions; a reset stands in the first.
fn messages(reset: bool, remove: &[Entry], add: &[Entry]) -> Vec<String> {
    let mut frames = Vec::new();
    let mut reset = reset;
    let pieces = pieces(remove).map(|piece| (piece, true)).chain(pieces(add).map(|piece| (piece, false)));
    for (piece, is_removal) in pieces {
        let (gone, new) = if is_removal { (piece, &[][..]) } else { (&[][..], piece) };
        frames.push(feed_subscription(reset, gone, new));
        reset = false;
    }
    if reset {
        frames.push(feed_subscription(true, &[], &[]));
    }
    frames
}

fn pieces(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    // What an entry takes beside its symbol: braces, keys and a time.
    const AROUND_A_SYMBOL: usize = 72;
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut bytes = 128;
        let fitting = rest
            .iter()
            .take(ENTRIES_PER_MESSAGE)
            .take_while(|entry| {
                bytes += entry.symbol.len() + AROUND_A_SYMBOL;
                bytes <= BYTES_PER_MESSAGE
            })
            .count();
        // A symbol is at most 48 characters: one entry always fits.
        let (piece, left) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

impl FeedEvent {
    /// The stream symbol of an event.
    pub fn symbol(&self) -> &str {
        match self {
            Self::Quote { symbol, .. }
            | Self::Trade { symbol, .. }
            | Self::Summary { symbol, .. }
            | Self::Profile { symbol, .. }
            | Self::Greeks { symbol, .. } => symbol,
            Self::Candle(candle) => &candle.symbol,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::Value;

    use super::*;

    fn symbol(text: &str) -> Symbol {
        Symbol::new(text).expect("a symbol")
    }

    fn equities(names: impl IntoIterator<Item = String>) -> Subscriptions {
        let instruments = names.into_iter().map(|name| Instrument::Equity(symbol(&name))).collect();
        Subscriptions { on: true, instruments, history: Vec::new() }
    }

    fn entries(frames: &[String], list: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for frame in frames {
            let frame: Value = serde_json::from_str(frame).expect("JSON");
            for entry in frame[list].as_array().into_iter().flatten() {
                let text = |name: &str| entry[name].as_str().expect("text").to_owned();
                found.push((text("type"), text("symbol")));
            }
        }
        found
    }

    #[test]
    fn a_change_is_sent_as_a_difference() {
        let mut subscribed = Subscribed::default();
        let name = Instrument::streamer_symbol;
        let first = subscribed.change(&equities(["SPY".into(), "QQQ".into()]), true, name);
        assert!(first[0].contains("\"reset\":true"));
        assert_eq!(entries(&first, "add").len(), 8);
        let second = subscribed.change(&equities(["SPY".into(), "IWM".into()]), false, name);
        assert_eq!(entries(&second, "remove").len(), 4);
        assert!(entries(&second, "remove").iter().all(|(_, symbol)| symbol == "QQQ"));
        assert!(entries(&second, "add").iter().all(|(_, symbol)| symbol == "IWM"));
        assert!(subscribed.change(&equities(["SPY".into(), "IWM".into()]), false, name).is_empty());
    }

    #[test]
    fn no_message_is_too_large_and_none_is_lost() {
        let mut subscribed = Subscribed::default();
        let many = equities((0..700).map(|n| format!("LONGER-NAME-{n:036}")));
        let frames = subscribed.change(&many, true, Instrument::streamer_symbol);
        assert!(frames.iter().all(|frame| frame.len() <= BYTES_PER_MESSAGE));
        assert_eq!(entries(&frames, "add").len(), 2_800);
        assert_eq!(frames.iter().filter(|frame| frame.contains("reset")).count(), 1);
        let short = equities((0..200).map(|n| format!("S{n}")));
        let frames = subscribed.change(&short, true, Instrument::streamer_symbol);
        let most = |frame: &String| entries(std::slice::from_ref(frame), "add").len();
        assert!(frames.iter().map(most).all(|count| count <= ENTRIES_PER_MESSAGE));
    }

    #[test]
    fn histories_take_turns_where_there_are_too_many() {
        let mut subscribed = Subscribed::default();
        let from = DateTime::from_timestamp_millis(1_700_000_000_000).expect("an instant");
        let history = (0..20).map(|n| (symbol(&format!("S{n}")), from)).collect();
        let wanted = Subscriptions { on: true, instruments: Vec::new(), history };
        let frames = subscribed.change(&wanted, true, Instrument::streamer_symbol);
        assert_eq!(entries(&frames, "add").len(), CANDLES_AT_ONCE);
        let whole = CandleEvent {
            symbol: "S0{=d}".into(),
            flags: 4 | 8,
            time: 1_795_046_400_000,
            open: Some(1.0),
            high: Some(1.0),
            low: Some(1.0),
            close: Some(1.0),
            volume: None,
        };
        let (bars, frames) = subscribed.candle(&whole);
        assert_eq!(bars.map(|(symbol, bars)| (symbol.to_string(), bars.len())), Some(("S0".into(), 1)));
        assert_eq!(entries(&frames, "remove"), [("Candle".to_owned(), "S0{=d}".to_owned())]);
        assert_eq!(entries(&frames, "add"), [("Candle".to_owned(), "S16{=d}".to_owned())]);
        assert!(subscribed.change(&wanted, false, Instrument::streamer_symbol).is_empty());
    }
}
